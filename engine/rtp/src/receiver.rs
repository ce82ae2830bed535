//! Receive statistics of one stream (RFC 3550 appendix A.1, A.3, A.8).

use crate::packet::Packet;
use std::time::Instant;

/// What a packet meant to the row of sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// The source is new and not yet trusted: two packets in a row make it valid (A.1). Its audio may be played all the same.
    Probation,
    /// In order, or after a small gap.
    InOrder,
    /// Older than the newest (reordered or a duplicate).
    Old,
    /// A jump too wide to be loss, seen once: not counted.
    Jump,
    /// The row was restarted: new SSRC, or a second packet after a jump. Buffers should start afresh.
    Restarted,
}

/// A stream's quality so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveStatistics {
    /// The SSRC now heard, if any.
    pub ssrc: Option<u32>,
    /// Packets received of this SSRC.
    pub received: u64,
    /// Packets that should have come of this SSRC.
    pub expected: u64,
    /// Expected minus received over the whole stream; negative with duplicates.
    pub lost: i64,
    /// Interarrival jitter in timestamp units (A.8).
    pub jitter_ticks: u32,
    /// Interarrival jitter in microseconds.
    pub jitter_us: u64,
    /// How many times the SSRC changed or the row restarted.
    pub restarts: u32,
}

/// Counts one incoming stream. 8000 Hz clock.
#[derive(Clone, Debug, Default)]
pub struct Receiver {}

impl Receiver {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Counts one packet that arrived at `now`.
    pub fn receive(&mut self, packet: &Packet<'_>, now: Instant) -> Reception {
        let _ = (packet, now);
        todo!()
    }
    /// The quality so far.
    #[must_use]
    pub fn statistics(&self) -> ReceiveStatistics {
        todo!()
    }
    /// When the last packet came, for "no audio for N seconds".
    #[must_use]
    pub fn last_heard(&self) -> Option<Instant> {
        todo!()
    }
}
