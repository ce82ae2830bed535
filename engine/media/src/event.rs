//! What a mixer tells.

use crate::{
    keys::Dropped,
    record::{RecordEnd, Recorded},
};
use std::time::Instant;
use terms::{Digit, KeyWay, LegId};

/// One player, unique within its mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayerId(pub u32);

/// One recorder, unique within its mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecorderId(pub u32);

/// How a player ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayerEnd {
    /// Everything was played: told 20 ms after the last packet left, when its sound is over.
    Finished,
    /// [`crate::Mixer::stop`].
    Stopped,
    /// Another player began on the same leg, or the stream was removed.
    Replaced,
}

/// Something happened in the media of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A player ended.
    PlayerDone {
        /// Which.
        id: PlayerId,
        /// Where it played.
        leg: LegId,
        /// How.
        end: PlayerEnd,
    },
    /// A key was pressed on a leg: told once a press, by the first way that brings it.
    Digit {
        /// Whose telephone.
        leg: LegId,
        /// Which key.
        digit: Digit,
        /// How it came.
        way: KeyWay,
    },
    /// A key came that is not told as [`Event::Digit`].
    DigitDropped {
        /// Whose telephone.
        leg: LegId,
        /// How it came.
        way: KeyWay,
        /// Why it does not count.
        why: Dropped,
    },
    /// All keys of [`crate::Mixer::send_digits`] were sent, those that were added meanwhile included.
    DigitsSent {
        /// To whom.
        leg: LegId,
    },
    /// About 500 ms of sound (any length at the end) at [`crate::Mixer::recording_rate`]; of two channels, their samples in turn.
    Recorded {
        /// Which recorder.
        id: RecorderId,
        /// The samples, in order, without gap.
        samples: Vec<i16>,
    },
    /// Somebody began to speak in a recording (first time only).
    SpeechStarted {
        /// Which recorder.
        id: RecorderId,
    },
    /// A recorder ended; all its samples have been told before.
    RecordingDone {
        /// Which.
        id: RecorderId,
        /// Why.
        end: RecordEnd,
        /// Totals.
        recorded: Recorded,
    },
    /// A leg that should send has sent no RTP for [`crate::StreamSetup::silent_after`]; told once until it sends again.
    Silent {
        /// Who.
        leg: LegId,
        /// Since when.
        since: Instant,
    },
    /// RTP flows again after [`Event::Silent`].
    Heard {
        /// Who.
        leg: LegId,
    },
    /// Why one side of a leg hears nothing; `None`: it hears again. Told when it changes, seen at the time of a report (about
    /// every 5 s).
    OneWay {
        /// Who.
        leg: LegId,
        /// Why.
        why: Option<crate::OneWay>,
    },
    /// A leg sounds half a point of mean opinion better or worse than when this was last told (a good one to begin with).
    Rated {
        /// Who.
        leg: LegId,
        /// The mean opinion score, 1–4.41.
        mos: f32,
    },
    /// The source of a leg's RTP was latched to another address than signalled (peer behind NAT).
    Latched {
        /// Who.
        leg: LegId,
        /// Where its packets come from and go to now.
        to: std::net::SocketAddr,
    },
}
