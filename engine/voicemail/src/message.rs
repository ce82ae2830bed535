//! What is known of a message: before it is spoken ([`Envelope`]), when the recording ended ([`MessageDraft`]),
//! and as everybody else reads it ([`Message`]).

use crate::{EndCause, EventKind, limits};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use terms::{CallId, MessageId, Name, UnixMs};

/// Who spoke, as far as the network told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Number or address; empty when withheld. At most 256 characters.
    pub number: String,
    /// Display name; empty when there is none. At most 256 characters.
    pub name: String,
}

impl Caller {
    /// A caller whose texts are cut to their limit and freed of control characters: they come from the wire.
    #[must_use]
    pub fn new(number: &str, name: &str) -> Self {
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(limits::CALLER_TEXT_MAX).collect();
        Self { number: clean(number), name: clean(name) }
    }
}

/// One endpoint and the events it wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// An `http` or `https` address, at most 2,048 bytes.
    pub url: String,
    /// The events it is told of.
    pub events: Vec<EventKind>,
}

/// Everything known of a message before its first word: written beside the recording, so that also a crash leaves a whole message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The message's id, also its file's name.
    pub id: MessageId,
    /// The realm of the mailbox.
    pub realm: Name,
    /// The mailbox it is left in.
    pub mailbox: Name,
    /// Who speaks.
    pub caller: Caller,
    /// The call it was left in.
    pub call: CallId,
    /// What the caller dialled: a number, an address, `connection/alice`.
    pub dialled: String,
    /// When the recording began.
    pub began: UnixMs,
    /// How long the message stays.
    pub keep: Duration,
    /// Whether a transcript is wanted.
    pub transcribe: bool,
    /// Language of the transcript, BCP 47; `None` leaves it to the recogniser.
    pub language: Option<String>,
    /// Whom to tell; at most eight endpoints.
    pub notify: Vec<Notify>,
    /// Whether its sound is brought to the loudness of prompts, once it is safe.
    #[serde(default)]
    pub loudness: bool,
}

impl Envelope {
    /// The message a recording became.
    #[must_use]
    pub const fn sealed(self, length: Duration, speech: Option<Duration>, cause: EndCause) -> MessageDraft {
        let partial = matches!(cause, EndCause::Crash | EndCause::DiskFault);
        MessageDraft { envelope: self, from: Duration::ZERO, length, speech, cause, partial }
    }

    /// Endpoints that want this event.
    pub fn wanting(&self, kind: EventKind) -> impl Iterator<Item = &str> {
        self.notify
            .iter()
            .take(limits::NOTIFY_MAX)
            .filter(move |notify| notify.events.contains(&kind))
            .map(|notify| notify.url.as_str())
    }
}

/// A message ready to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDraft {
    /// What was known before.
    pub envelope: Envelope,
    /// Where it begins in what was recorded: the silence before is cut away.
    #[serde(default)]
    pub from: Duration,
    /// Length of the audio, from there.
    pub length: Duration,
    /// How much of it was speech, where that was measured.
    pub speech: Option<Duration>,
    /// Why the recording ended.
    pub cause: EndCause,
    /// The end is missing: a crash or a full disk cut it off.
    pub partial: bool,
}

impl MessageDraft {
    /// The same without the silence before `from` and after `until`, both counted in what was recorded.
    #[must_use]
    pub fn trimmed(mut self, from: Duration, until: Duration) -> Self {
        let end = self.from.saturating_add(self.length).min(until);
        self.from = self.from.max(from).min(end);
        self.length = end.saturating_sub(self.from);
        self
    }
}

/// How far a transcript is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcription {
    /// None was asked for.
    Off,
    /// Waiting for or in the recogniser.
    Pending,
    /// There is one.
    Done,
    /// Given up after all tries.
    Failed,
}

/// What was said, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The words; empty when nothing was understood.
    pub text: String,
    /// Language, BCP 47.
    pub language: String,
    /// The recogniser's model.
    pub model: String,
    /// How long recognition took, milliseconds.
    pub took_ms: u64,
}

/// A message as events, HTTP and the page show it: the one JSON shape of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its realm.
    pub realm: Name,
    /// Its mailbox.
    pub mailbox: Name,
    /// Who spoke.
    pub caller: Caller,
    /// The call it was left in.
    pub call: CallId,
    /// What the caller dialled.
    pub dialled: String,
    /// When the recording began, RFC 3339 in UTC.
    pub recorded_at: String,
    /// Length of the audio, milliseconds.
    pub duration_ms: u64,
    /// How much of it was speech, milliseconds, where measured.
    pub speech_ms: Option<u64>,
    /// Why the recording ended.
    pub ended_by: EndCause,
    /// The end is missing.
    pub partial: bool,
    /// Somebody has listened to it.
    pub heard: bool,
    /// Where the WAV file is; absent when no public address is configured or the message is deleted.
    pub audio_url: Option<String>,
    /// How far the transcript is.
    pub transcription: Transcription,
    /// The transcript, once there is one.
    pub transcript: Option<Transcript>,
}

impl Message {
    /// The message of a draft as it is the moment it is kept.
    #[must_use]
    pub fn fresh(draft: &MessageDraft, audio_url: Option<String>) -> Self {
        let envelope = &draft.envelope;
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: envelope.id,
            realm: envelope.realm.clone(),
            mailbox: envelope.mailbox.clone(),
            caller: envelope.caller.clone(),
            call: envelope.call,
            dialled: envelope.dialled.clone(),
            recorded_at: envelope.began.rfc3339(),
            duration_ms: ms(draft.length),
            speech_ms: draft.speech.map(ms),
            ended_by: draft.cause,
            partial: draft.partial,
            heard: false,
            audio_url,
            transcription: if envelope.transcribe { Transcription::Pending } else { Transcription::Off },
            transcript: None,
        }
    }
}
