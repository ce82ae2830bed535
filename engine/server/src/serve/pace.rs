//! Whether packets come so thick that a shard looks once a millisecond instead of waking for each.
//!
//! A wake costs about as much as two packets, and so does a look. So the two are even at little more than a packet a millisecond; but
//! whoever is woken answers sooner, and up to three a millisecond, sixty callers who speak, that costs no more than a hundredth of a core.

use std::time::{Duration, Instant};

/// Packets are counted over this long: short against a second of speech, long against the jitter of a stream.
const WINDOW: Duration = Duration::from_millis(16);
/// Packets in a window from which the shard is busy: three a millisecond …
const BUSY: usize = 48;
/// … and up to which it is no longer: two a millisecond.
const CALM: usize = 32;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pace {
    /// Nap between two looks.
    pub(super) is_busy: bool,
    since: Instant,
    packets: usize,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { is_busy: false, since: now, packets: 0 }
    }

    /// So many packets were read in the turn that began at `now`.
    pub(super) fn took(&mut self, packets: usize, now: Instant) {
        self.packets += packets;
        if now.saturating_duration_since(self.since) >= WINDOW {
            // A window that lasted longer, because nothing woke the shard, had fewer packets still.
            self.is_busy = if self.is_busy { self.packets > CALM } else { self.packets >= BUSY && now - self.since < WINDOW * 2 };
            self.since = now;
            self.packets = 0;
        } else if self.packets >= BUSY {
            // A flood is not waited for.
            self.is_busy = true;
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;

    /// So many packets in each of these milliseconds; whether the shard is busy afterwards.
    fn feed(pace: &mut Pace, from: Instant, milliseconds: std::ops::Range<u64>, packets: usize) -> bool {
        for at in milliseconds {
            pace.took(packets, from + Duration::from_millis(at));
        }
        pace.is_busy
    }

    #[test]
    fn many_packets_make_it_busy_and_few_calm() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(!feed(&mut pace, start, 0..100, 1), "fifty callers who hardly speak");
        assert!(!feed(&mut pace, start, 100..200, 2));
        assert!(feed(&mut pace, start, 200..240, 4));
        assert!(feed(&mut pace, start, 240..340, 3), "it stays busy between the two bounds");
        assert!(!feed(&mut pace, start, 340..400, 0), "and is calm when all is still");
    }

    #[test]
    fn one_burst_after_a_long_sleep_is_no_crowd_for_long() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.took(20, start + Duration::from_secs(5));
        assert!(!pace.is_busy, "twenty packets in five seconds");
        pace.took(60, start + Duration::from_millis(5_001));
        assert!(pace.is_busy, "sixty in a millisecond are a flood");
        assert!(!feed(&mut pace, start, 5_020..5_060, 0));
    }
}
