//! Presses keys: plays a row of digits as event packets in the audio stream's own numbering.

use std::time::{Duration, Instant};
use terms::Digit;

/// What one 20 ms tick came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet of this many bytes was written; send no audio in this tick.
    Packet(usize),
    /// Between two keys: send audio (or nothing) in this tick as usual.
    Pause,
    /// Nothing left to press: send audio as usual.
    Done,
}

/// Plays digits. Call [`Sender::tick`] once every 20 ms while [`Sender::is_busy`].
#[derive(Clone, Debug, Default)]
pub struct Sender {}

impl Sender {
    /// Nothing to press; tones of 100 ms, gaps of 60 ms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Tones of `tone` (40 ms – 8 s) and gaps of `gap` (40 ms – 8 s), both rounded up to 20 ms.
    #[must_use]
    pub fn with_timing(tone: Duration, gap: Duration) -> Self {
        let _ = (tone, gap);
        todo!()
    }
    /// Adds a digit to the row; `false` when 64 wait already.
    pub fn press(&mut self, digit: Digit) -> bool {
        let _ = digit;
        todo!()
    }
    /// Whether there is something left to play.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        todo!()
    }
    /// Forgets what waits. A key that is down is still ended properly by further ticks.
    pub fn clear(&mut self) {
        todo!()
    }
    /// One 20 ms tick: writes into `into` (at least 16 bytes) with `stream`'s SSRC and sequence numbers. In a tick that
    /// gives [`Step::Packet`] the stream's timestamp is moved on by 20 ms here; otherwise the caller does as usual.
    pub fn tick(&mut self, stream: &mut crate::Sender, payload_type: u8, now: Instant, into: &mut [u8]) -> Step {
        let _ = (stream, payload_type, now, into);
        todo!()
    }
}
