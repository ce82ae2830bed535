//! What is recorded, when it ends by itself, and what is told about it.

use arrayvec::ArrayVec;
use std::time::Duration;
use terms::LegId;

/// Legs mixed into one recording at most.
pub const RECORDED_LEGS_MAX: usize = 4;

/// Whose voice is recorded: what the named legs **say** (not what we play to them), mixed to mono.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(pub ArrayVec<LegId, RECORDED_LEGS_MAX>);

impl Source {
    /// One leg's voice.
    #[must_use]
    pub fn leg(leg: LegId) -> Self {
        let mut legs = ArrayVec::new();
        legs.push(leg);
        Self(legs)
    }
    /// Both voices of a bridge, mixed.
    #[must_use]
    pub fn mix(a: LegId, b: LegId) -> Self {
        let mut legs = ArrayVec::new();
        legs.push(a);
        legs.push(b);
        Self(legs)
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
    /// Length handed out or about to be: wall time since the start, whatever the network lost.
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
