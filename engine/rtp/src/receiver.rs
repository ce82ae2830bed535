//! Receive statistics of one stream (RFC 3550 appendix A.1, A.3, A.8).
//!
//! ```text
//! first packet → Probation → (next in row) → valid → jump? remember its successor → it comes → Restarted
//! ```

use crate::{bursts::{BurstView, Bursts}, limits::CLOCK_RATE, packet::Packet, sender::clock_ticks};
use std::time::Instant;

/// A gap that is still loss, in packets (A.1).
const MAX_DROPOUT: u16 = 3_000;
/// How far back a packet is still of the same row (A.1).
const MAX_MISORDER: u16 = 100;

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

/// What a report block says (RFC 3550 §6.4.1), apart from sender report times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ssrc: u32,
    /// 1/256ths lost since the last block.
    pub(crate) fraction: u8,
    /// 24 bits, two's complement.
    pub(crate) cumulative: u32,
    pub(crate) extended_sequence: u32,
    pub(crate) jitter: u32,
}

/// Counts one incoming stream. What every packet touches comes first and lies together.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Receiver {
    row: Option<Row>,
    bursts: Bursts,
    last_heard: Option<Instant>,
    /// Timestamp units a second.
    clock_rate: u32,
    restarts: u32,
    /// Of rows before this one.
    earlier_lost: i64,
    earlier_received: u64,
}

/// One SSRC's uninterrupted row.
#[derive(Clone, Debug)]
struct Row {
    ssrc: u32,
    base: u16,
    highest: u16,
    /// Wraps of the sequence number.
    cycles: u32,
    received: u64,
    /// Heard two in a row.
    valid: bool,
    /// What a restarted sender would send next.
    after_jump: Option<u16>,
    expected_prior: u64,
    received_prior: u64,
    began: Instant,
    transit: u32,
    newest_timestamp: u32,
    /// Times 16 (A.8).
    jitter_scaled: u64,
}

impl Row {
    fn new(packet: &Packet<'_>, now: Instant) -> Self {
        Self {
            ssrc: packet.ssrc,
            base: packet.sequence,
            highest: packet.sequence,
            cycles: 0,
            received: 1,
            valid: false,
            after_jump: None,
            expected_prior: 0,
            received_prior: 0,
            began: now,
            transit: 0u32.wrapping_sub(packet.timestamp),
            newest_timestamp: packet.timestamp,
            jitter_scaled: 0,
        }
    }

    fn extended(&self) -> u64 {
        (u64::from(self.cycles) << 16) | u64::from(self.highest)
    }

    fn expected(&self) -> u64 {
        self.extended().saturating_sub(u64::from(self.base)) + 1
    }

    fn lost(&self) -> i64 {
        self.expected().cast_signed() - self.received.cast_signed()
    }

    /// A.8. Packets of one timestamp (events, parts of a frame) say nothing of jitter beyond their first.
    fn time(&mut self, packet: &Packet<'_>, clock_rate: u32, now: Instant) {
        if packet.timestamp == self.newest_timestamp {
            return;
        }
        let transit = clock_ticks(now.saturating_duration_since(self.began), clock_rate).wrapping_sub(packet.timestamp);
        let difference = u64::from(transit.wrapping_sub(self.transit).cast_signed().unsigned_abs());
        self.transit = transit;
        self.newest_timestamp = packet.timestamp;
        self.jitter_scaled = (self.jitter_scaled + difference).saturating_sub((self.jitter_scaled + 8) >> 4);
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// Nothing heard yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { clock_rate: CLOCK_RATE, row: None, restarts: 0, last_heard: None, earlier_lost: 0, earlier_received: 0, bursts: Bursts::new() }
    }

    /// What comes from now on counts `clock_rate` timestamp units a second (8 000 to begin with).
    pub const fn set_clock_rate(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// Counts one packet that arrived at `now`.
    pub fn receive(&mut self, packet: &Packet<'_>, now: Instant) -> Reception {
        self.last_heard = Some(now);
        let Some(row) = self.row.as_mut() else {
            self.row = Some(Row::new(packet, now));
            self.bursts.begin();
            return Reception::Probation;
        };
        if row.ssrc != packet.ssrc {
            return self.restart(packet, now);
        }
        let ahead = packet.sequence.wrapping_sub(row.highest);
        if !row.valid {
            if ahead == 1 {
                row.valid = true;
                self.bursts.advance(1);
                Self::step(row, packet, self.clock_rate, now);
                return Reception::InOrder;
            }
            // A.1: probation begins again with this packet.
            if ahead != 0 {
                *row = Row::new(packet, now);
                self.bursts.begin();
            }
            return Reception::Probation;
        }
        if ahead == 0 || ahead > 0u16.wrapping_sub(MAX_MISORDER) {
            row.received += 1;
            self.bursts.late(0u16.wrapping_sub(ahead));
            return Reception::Old;
        }
        if ahead < MAX_DROPOUT {
            self.bursts.advance(ahead);
            Self::step(row, packet, self.clock_rate, now);
            return Reception::InOrder;
        }
        if row.after_jump == Some(packet.sequence) {
            return self.restart(packet, now);
        }
        row.after_jump = Some(packet.sequence.wrapping_add(1));
        Reception::Jump
    }

    fn step(row: &mut Row, packet: &Packet<'_>, clock_rate: u32, now: Instant) {
        if packet.sequence < row.highest {
            row.cycles = row.cycles.wrapping_add(1);
        }
        row.highest = packet.sequence;
        row.received += 1;
        row.after_jump = None;
        row.time(packet, clock_rate, now);
    }

    fn restart(&mut self, packet: &Packet<'_>, now: Instant) -> Reception {
        if let Some(row) = &self.row {
            self.earlier_lost += row.lost();
            self.earlier_received += row.received;
        }
        self.bursts.begin();
        self.restarts = self.restarts.saturating_add(1);
        self.row = Some(Row::new(packet, now));
        Reception::Restarted
    }

    /// The quality so far.
    #[must_use]
    pub fn statistics(&self) -> ReceiveStatistics {
        let Some(row) = &self.row else { return ReceiveStatistics::default() };
        let jitter = row.jitter_scaled >> 4;
        ReceiveStatistics {
            ssrc: Some(row.ssrc),
            received: row.received,
            expected: row.expected(),
            lost: self.earlier_lost + row.lost(),
            jitter_ticks: u32::try_from(jitter).unwrap_or(u32::MAX),
            jitter_us: jitter.saturating_mul(1_000_000) / u64::from(self.clock_rate.max(1)),
            restarts: self.restarts,
        }
    }

    /// Losses in time, over the whole stream.
    #[must_use]
    pub fn bursts(&self) -> BurstView {
        self.bursts.view()
    }

    /// Packets received in all, of every SSRC.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.earlier_received + self.row.as_ref().map_or(0, |row| row.received)
    }

    /// A word of each line that [`Receiver::receive`] touches, so that they can be fetched beforehand.
    #[must_use]
    pub fn words(&self) -> u64 {
        u64::from(self.row.as_ref().map_or(0, |row| row.highest)) ^ self.bursts.word() ^ u64::from(self.clock_rate)
    }

    /// When the last packet came, for "no audio for N seconds".
    #[must_use]
    pub const fn last_heard(&self) -> Option<Instant> {
        self.last_heard
    }

    /// The report block now due; counts "since the last" from here on (A.3). `None` until a source is valid.
    pub(crate) fn block(&mut self) -> Option<Block> {
        let row = self.row.as_mut().filter(|row| row.valid)?;
        let expected = row.expected();
        let (expected_now, received_now) =
            (expected.saturating_sub(row.expected_prior), row.received.saturating_sub(row.received_prior));
        row.expected_prior = expected;
        row.received_prior = row.received;
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction = (lost_now << 8).checked_div(expected_now).map_or(0, |share| share.min(255) as u8);
        let cumulative = row.lost().clamp(-0x80_0000, 0x7f_ffff) as i32;
        Some(Block {
            ssrc: row.ssrc,
            fraction,
            cumulative: cumulative.cast_unsigned() & 0xff_ffff,
            extended_sequence: row.extended() as u32,
            jitter: u32::try_from(row.jitter_scaled >> 4).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
