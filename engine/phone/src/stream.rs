//! How a received RTP stream came: each packet's time, number and timestamp, and what was missing.

use crate::limits::{ARRIVALS_MAX, RATE};
use std::time::{Duration, Instant};

/// One packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// When, since the call's media began.
    pub at: Duration,
    /// Its SSRC.
    pub ssrc: u32,
    /// Its sequence number.
    pub sequence: u16,
    /// Its timestamp, in eighths of a millisecond (G.711).
    pub timestamp: u32,
}

/// Every packet of a call, as it came; the first 20,000.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    packets: Vec<Came>,
}

/// What a stream was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamFigures {
    /// Packets that came.
    pub packets: usize,
    /// Sequence numbers that never came, between the first and the last that did.
    pub lost: usize,
    /// Packets that came again.
    pub twice: usize,
    /// Packets whose SSRC is another than that of the one before.
    pub sources: usize,
    /// The longest time between two packets.
    pub longest_gap: Duration,
    /// The longest step of timestamps from one number to the next: sound that was left out, in time.
    pub longest_step: Duration,
    /// The timestamp went back, or stood, from one number to the next: so often.
    pub backwards: usize,
}

impl Stream {
    /// A packet came.
    pub(crate) fn came(&mut self, packet: Came) {
        if self.packets.len() < ARRIVALS_MAX {
            self.packets.push(packet);
        }
    }

    /// Every packet, in the order in which they came.
    #[must_use]
    pub fn packets(&self) -> &[Came] {
        &self.packets
    }

    /// What the packets of a span of time were like.
    #[must_use]
    pub fn figures(&self, span: std::ops::Range<Duration>) -> StreamFigures {
        let packets: Vec<Came> = self.packets.iter().filter(|packet| span.contains(&packet.at)).copied().collect();
        let Some(first) = packets.first() else { return StreamFigures::default() };
        let longest_gap = packets.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at)).max().unwrap_or_default();
        let sources = 1 + packets.windows(2).filter(|pair| pair[0].ssrc != pair[1].ssrc).count();
        // Numbers that wrap are counted on, from the first.
        let mut numbers: Vec<(i64, u32)> = packets.iter().map(|packet| (i64::from(packet.sequence.wrapping_sub(first.sequence).cast_signed()), packet.timestamp)).collect();
        let mut turn = 0;
        for at in 1..numbers.len() {
            let step = numbers[at].0 + turn - numbers[at - 1].0;
            turn += if step < -32_768 { 65_536 } else if step > 32_768 { -65_536 } else { 0 };
            numbers[at].0 += turn;
        }
        numbers.sort_unstable();
        let all = numbers.len();
        numbers.dedup_by_key(|(number, _)| *number);
        let span = numbers.last().map_or(0, |last| last.0 - numbers[0].0 + 1);
        let steps = numbers.windows(2).map(|pair| i64::from(pair[1].1.wrapping_sub(pair[0].1).cast_signed()));
        let longest = steps.clone().max().unwrap_or(0).max(0).unsigned_abs();
        StreamFigures {
            packets: all,
            lost: usize::try_from(span).unwrap_or(usize::MAX).saturating_sub(numbers.len()),
            twice: all - numbers.len(),
            sources,
            longest_gap,
            longest_step: Duration::from_micros(longest * 1_000_000 / u64::from(RATE)),
            backwards: steps.filter(|step| *step <= 0).count(),
        }
    }
}

/// When a packet came, since a moment.
pub(crate) fn since(began: Option<Instant>, now: Instant) -> Duration {
    began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(packets: &[(u64, u16, u32)]) -> Stream {
        let mut stream = Stream::default();
        for (ms, sequence, timestamp) in packets {
            stream.came(Came { at: Duration::from_millis(*ms), ssrc: 7, sequence: *sequence, timestamp: *timestamp });
        }
        stream
    }

    #[test]
    fn loss_copies_gaps_and_jumps_are_counted_across_the_turn_of_the_numbers() {
        let whole = stream(&[(0, 65_534, u32::MAX - 159), (20, 65_535, 0), (40, 0, 160), (61, 1, 320)]);
        let all = Duration::ZERO..Duration::MAX;
        let even = StreamFigures { packets: 4, lost: 0, twice: 0, sources: 1, longest_gap: Duration::from_millis(21), longest_step: Duration::from_millis(20), backwards: 0 };
        assert_eq!(whole.figures(all.clone()), even);
        let torn = stream(&[(0, 65_534, 0), (20, 65_535, 160), (20, 65_535, 160), (70, 2, 640), (75, 1, 480), (95, 3, 640)]);
        let figures = torn.figures(all);
        assert_eq!((figures.packets, figures.lost, figures.twice, figures.backwards), (6, 1, 1, 1));
        assert_eq!((figures.longest_gap, figures.longest_step), (Duration::from_millis(50), Duration::from_millis(40)));
        assert_eq!(torn.figures(Duration::from_secs(1)..Duration::from_secs(2)), StreamFigures::default());
    }
}
