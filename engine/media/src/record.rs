//! What is recorded, when it ends by itself, and what is told about it.

use arrayvec::ArrayVec;
use std::time::Duration;
use terms::LegId;

/// Legs mixed into one recording at most.
pub const RECORDED_LEGS_MAX: usize = 4;

/// What is recorded: what legs **say** (not what we play to them), and for a whole call also what one of them **hears**:
/// whoever it is bridged with, now and later, the others of a room, and what we play to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub(crate) said: ArrayVec<LegId, RECORDED_LEGS_MAX>,
    pub(crate) heard: Option<LegId>,
    /// What is heard has a channel of its own; else all is mixed.
    pub(crate) stereo: bool,
}

impl Source {
    /// One leg's voice.
    #[must_use]
    pub fn leg(leg: LegId) -> Self {
        let mut legs = ArrayVec::new();
        legs.push(leg);
        Self { said: legs, heard: None, stereo: false }
    }
    /// Both voices of a bridge, mixed.
    #[must_use]
    pub fn mix(a: LegId, b: LegId) -> Self {
        let mut legs = ArrayVec::new();
        legs.push(a);
        legs.push(b);
        Self { said: legs, heard: None, stereo: false }
    }
    /// All that a leg says and hears. In stereo what it says is left, what it hears right, sample by sample in turn.
    #[must_use]
    pub fn call(leg: LegId, stereo: bool) -> Self {
        Self { heard: Some(leg), stereo, ..Self::leg(leg) }
    }
    /// Channels of its samples: 1 or 2.
    #[must_use]
    pub const fn channels(&self) -> u16 {
        if self.stereo { 2 } else { 1 }
    }
}

/// When a recording ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RecordSpec {
    /// Nobody has spoken for this long (also from the start).
    pub silence: Option<Duration>,
    /// The recording is this long.
    pub length: Option<Duration>,
}

/// What a running recording takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Taking {
    /// Everything.
    #[default]
    All,
    /// Silence in place of everything: what must not be heard, at its length.
    Silence,
    /// Nothing: its time stands still.
    Nothing,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    /// [`RecordSpec::silence`] elapsed.
    Silence,
    /// [`RecordSpec::length`] was reached.
    Length,
    /// [`crate::Mixer::stop_recording`].
    Stopped,
}

/// What is known of a recording so far. Positions count from its first sample; all in whole frames of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Length handed out or about to be: wall time since the start, whatever the network lost, less the time nothing was taken.
    pub duration: Duration,
    /// Sum of the time somebody spoke.
    pub speech: Duration,
    /// Where speech first began, if it did.
    pub speech_from: Option<Duration>,
    /// Where speech last ended (keep up to here plus a breath when trimming); zero when nobody spoke.
    pub speech_until: Duration,
    /// Frames concealed or missing while the peer was sending (lost packets).
    pub lost_frames: u32,
}
