//! How often a shard looks for packets: it wakes for each, or, when they come so thick that this costs more, looks at times.
//!
//! A wake costs about as much as two packets, and so does a look. Up to three packets a millisecond, sixty callers who speak, waking for
//! each costs little and answers soonest. With more there is a look each 0.3 ms, so that a key is still answered within one; from twenty on,
//! when the wakes of one look are shared by many, each millisecond, the slot of the calls' clocks.

use std::time::{Duration, Instant};

/// Packets are counted over this long: short against a second of speech, long against the jitter of a stream.
const WINDOW: Duration = Duration::from_millis(16);
/// Packets in a window from which the shard is busy: three a millisecond …
const BUSY: usize = 48;
/// … and up to which it is no longer: two a millisecond.
const CALM: usize = 32;
/// Packets in a window from which it is crowded: twenty a millisecond.
const CROWDED: usize = 320;
/// From one look to the next of a busy shard, and of a crowded one.
const LOOKS: (Duration, Duration) = (Duration::from_micros(300), Duration::from_millis(1));

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pace {
    /// From one look to the next; `None`: it wakes for each packet.
    pub(super) look: Option<Duration>,
    since: Instant,
    packets: usize,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { look: None, since: now, packets: 0 }
    }

    /// So many packets were read in the turn that began at `now`.
    pub(super) fn took(&mut self, packets: usize, now: Instant) {
        self.packets += packets;
        if now.saturating_duration_since(self.since) >= WINDOW {
            // A window that lasted longer, because nothing woke the shard, had fewer packets still.
            let is_busy = if self.look.is_some() { self.packets > CALM } else { self.packets >= BUSY && now - self.since < WINDOW * 2 };
            self.look = is_busy.then_some(if self.packets < CROWDED { LOOKS.0 } else { LOOKS.1 });
            self.since = now;
            self.packets = 0;
        } else if self.packets >= BUSY && self.look.is_none() {
            // A flood is not waited for.
            self.look = Some(LOOKS.0);
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
        pace.look.is_some()
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
        feed(&mut pace, start, 400..440, 10);
        assert_eq!(pace.look, Some(LOOKS.0), "two hundred who speak");
        feed(&mut pace, start, 440..480, 25);
        assert_eq!(pace.look, Some(LOOKS.1), "five hundred");
        feed(&mut pace, start, 480..520, 10);
        assert_eq!(pace.look, Some(LOOKS.0));
    }

    #[test]
    fn one_burst_after_a_long_sleep_is_no_crowd_for_long() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.took(20, start + Duration::from_secs(5));
        assert!(pace.look.is_none(), "twenty packets in five seconds");
        pace.took(60, start + Duration::from_millis(5_001));
        assert!(pace.look.is_some(), "sixty in a millisecond are a flood");
        assert!(!feed(&mut pace, start, 5_020..5_060, 0));
    }
}
