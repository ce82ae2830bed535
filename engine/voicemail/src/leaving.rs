//! A caller at a mailbox: may a message be left, and what becomes of the recording.
//!
//! ```text
//! Leaving::new ── admit(room) ──> Announced | Full | Record ── greeting, tone, recording ── ended(recorded) ──> Keep | Discard
//! ```
//! Both questions are decided by values alone, so that flows, calls and tests get the same answers.

use crate::{Envelope, Mailbox, MailboxLimits, MessageDraft};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The state of a mailbox when a caller reaches it, as counted by whoever keeps the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Messages in it, recordings in progress included.
    pub messages: u32,
    /// Whether the disk takes a new recording (enough space, no fault).
    pub disk_accepts: bool,
}

/// May a message be left?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Greeting, tone, record.
    Record {
        /// Longest recording.
        length_max: Duration,
    },
    /// The greeting is all there is: outcome `announced`.
    Announced,
    /// No room: outcome `full`. Told to endpoints as `voicemail.full`.
    Full,
    /// The disk takes no recording: outcome `failed`, with a spoken notice.
    NoDisk,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The caller pressed a key.
    Key,
    /// The caller fell silent.
    Silence,
    /// The longest length was reached.
    Length,
    /// The caller hung up.
    Hangup,
    /// Nothing more was heard of the caller's audio.
    MediaLost,
    /// The flow went on: another party ended it.
    Stopped,
    /// The engine died while it was spoken.
    Crash,
    /// The disk refused to take more.
    DiskFault,
}

impl EndCause {
    /// Every cause, for tables and readers.
    pub const ALL: [Self; 8] = [
        Self::Key, Self::Silence, Self::Length, Self::Hangup, Self::MediaLost, Self::Stopped, Self::Crash, Self::DiskFault,
    ];
    /// Its one spelling in JSON, tables and flows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Silence => "silence",
            Self::Length => "length",
            Self::Hangup => "hangup",
            Self::MediaLost => "media_lost",
            Self::Stopped => "stopped",
            Self::Crash => "crash",
            Self::DiskFault => "disk_fault",
        }
    }
    /// The cause of a spelling.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// What a finished recording measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Length of the audio as it would be kept (after trimming).
    pub length: Duration,
    /// How much of it was speech; `None` when nobody measured.
    pub speech: Option<Duration>,
    /// Why it ended.
    pub cause: EndCause,
}

/// What becomes of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// It is a message: outcome `saved` once it is safe on disk.
    Keep(Box<MessageDraft>),
    /// It is none: outcome `too_short`.
    TooShort,
}

/// One caller's visit to a mailbox.
#[derive(Clone, Debug)]
pub struct Leaving {
    limits: MailboxLimits,
    announce_only: bool,
    envelope: Envelope,
}

impl Leaving {
    /// A visit with what is known before the first word. `limits` may differ from the mailbox's where the flow narrows them.
    #[must_use]
    pub fn new(mailbox: &Mailbox, limits: MailboxLimits, envelope: Envelope) -> Self {
        Self { limits, announce_only: mailbox.announce_only, envelope }
    }

    /// May a message be left now?
    #[must_use]
    pub const fn admit(&self, room: Room) -> Admission {
        if self.announce_only {
            Admission::Announced
        } else if room.messages >= self.limits.messages_max {
            Admission::Full
        } else if !room.disk_accepts {
            Admission::NoDisk
        } else {
            Admission::Record { length_max: self.limits.length_max }
        }
    }

    /// What is written beside the recording while it is spoken.
    #[must_use]
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The recording ended: is it a message? Speech counts where it was measured (a caller who breathes for ten seconds
    /// said nothing), else the length does.
    #[must_use]
    pub fn ended(self, recorded: Recorded) -> Keeping {
        if is_too_short(recorded.length, recorded.speech, self.limits.discard_under) {
            return Keeping::TooShort;
        }
        Keeping::Keep(Box::new(self.envelope.sealed(recorded.length, recorded.speech, recorded.cause)))
    }
}

/// The rule of short recordings. Silence alone is never a message; speech itself may be brief ("call me"), so only
/// the whole length is held against `discard_under`.
const fn is_too_short(length: Duration, speech: Option<Duration>, discard_under: Duration) -> bool {
    let empty = length.is_zero() || matches!(speech, Some(spoken) if spoken.is_zero());
    empty && !discard_under.is_zero() || length.as_nanos() < discard_under.as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Caller;
    use terms::{CallId, MessageId, Name, UnixMs};

    fn visit(change: impl FnOnce(&mut Mailbox)) -> Leaving {
        let realm = Name::new("default").unwrap();
        let mut sales = Mailbox::new(realm.clone(), Name::new("sales").unwrap());
        change(&mut sales);
        let envelope = Envelope {
            id: MessageId::new(1_000, [7; 10]),
            realm,
            mailbox: sales.name.clone(),
            caller: Caller::new("+15550100", "Ada"),
            call: CallId::new(1_000, [8; 10]),
            dialled: "connection/alice".to_owned(),
            began: UnixMs(1_000),
            keep: sales.limits.keep,
            transcribe: true,
            language: None,
            notify: Vec::new(),
            loudness: true,
        };
        Leaving::new(&sales, sales.limits, envelope)
    }
    const EMPTY: Room = Room { messages: 0, disk_accepts: true };
    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_caller_may_leave_a_message_until_the_box_or_the_disk_is_full() {
        let visit = visit(|_| ());
        assert_eq!(visit.admit(EMPTY), Admission::Record { length_max: secs(180) });
        assert_eq!(visit.admit(Room { messages: 99, ..EMPTY }), Admission::Record { length_max: secs(180) });
        assert_eq!(visit.admit(Room { messages: 100, ..EMPTY }), Admission::Full);
        assert_eq!(visit.admit(Room { disk_accepts: false, ..EMPTY }), Admission::NoDisk);
    }

    #[test]
    fn a_box_that_only_announces_never_fills() {
        let visit = visit(|mailbox| mailbox.announce_only = true);
        assert_eq!(visit.admit(Room { messages: 9_999, disk_accepts: false }), Admission::Announced);
    }

    #[test]
    fn short_and_silent_recordings_are_no_messages_and_every_cause_keeps_the_rest() {
        let told = |length, speech, cause| visit(|_| ()).ended(Recorded { length, speech, cause });
        for cause in EndCause::ALL {
            assert_eq!(told(Duration::from_millis(1_999), None, cause), Keeping::TooShort, "{cause:?}");
            assert_eq!(told(secs(9), Some(Duration::ZERO), cause), Keeping::TooShort, "{cause:?}");
            let Keeping::Keep(draft) = told(secs(2), Some(Duration::from_millis(600)), cause) else {
                panic!("{cause:?} lost a message");
            };
            assert_eq!(draft.partial, matches!(cause, EndCause::Crash | EndCause::DiskFault));
            assert_eq!(EndCause::parse(cause.name()), Some(cause));
        }
    }

    #[test]
    fn trimming_cuts_silence_and_never_what_is_not_there() {
        let draft = |from: u64, until: u64| {
            let recorded = Recorded { length: secs(9), speech: Some(secs(3)), cause: EndCause::Hangup };
            let Keeping::Keep(draft) = visit(|_| ()).ended(recorded) else { panic!("it is a message") };
            let trimmed = draft.trimmed(secs(from), secs(until));
            (trimmed.from, trimmed.length)
        };
        assert_eq!(draft(0, 9), (secs(0), secs(9)));
        assert_eq!(draft(2, 7), (secs(2), secs(5)));
        assert_eq!(draft(2, 70), (secs(2), secs(7)));
        assert_eq!(draft(20, 70), (secs(9), secs(0)));
    }

    #[test]
    fn a_box_may_keep_everything() {
        let visit = visit(|mailbox| mailbox.limits.discard_under = Duration::ZERO);
        let kept = visit.ended(Recorded { length: secs(1), speech: Some(Duration::ZERO), cause: EndCause::Hangup });
        assert!(matches!(kept, Keeping::Keep(_)));
    }
}
