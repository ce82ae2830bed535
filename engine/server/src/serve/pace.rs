//! When a shard looks at its packets and clocks: it wakes for each, or, when they come so thick that this costs more, looks at times.
//!
//! A wake costs about as much as two packets, and so does a look. While few things come, waking for each costs little and answers soonest.
//! With more there are looks at even times, by what waits for them:
//!
//! ```text
//! a key may end what plays      each fifth of a millisecond, the slot of the calls' clocks      from 3 things a millisecond on
//! somebody listens              each millisecond                                                from 3
//! prompts are played, no more   each other millisecond                                          from 1
//! it is recorded, and no more   each fourth millisecond                                         from a half
//! ```
//! What is done in a look is done at its even time: what a call plans from there on, such as a prompt's packets, falls on looks again
//! and not just behind them. All these times divide 20 ms: a packet that comes each 20 ms comes as evenly to a look.

use call::Haste;
use std::time::{Duration, Instant};
use terms::Now;

/// Things are counted over this long: short against a second of speech, long against the jitter of a stream.
const WINDOW: Duration = Duration::from_millis(16);
/// Of so many, one in haste is enough.
const FEW: usize = 16;
/// How a shard looks while keys are awaited, while anybody listens, while prompts are played, else.
const WAYS: [Way; 4] = [
    Way { look: Duration::from_micros(200), busy: 48, calm: 32 },
    Way { look: Duration::from_millis(1), busy: 48, calm: 32 },
    Way { look: Duration::from_millis(2), busy: 16, calm: 12 },
    Way { look: Duration::from_millis(4), busy: 8, calm: 6 },
];
/// A wake that comes so soon after its time was on time: a timer's slack, and what waking takes.
const ON_TIME: Duration = Duration::from_micros(150);

/// A way to look.
#[derive(Debug, PartialEq, Eq)]
struct Way {
    /// From one look to the next: whole slots of the calls' clocks.
    look: Duration,
    /// Things in a [`WINDOW`] from which the shard is busy …
    busy: usize,
    /// … and up to which it is no longer.
    calm: usize,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    packets: usize,
    /// Of the packets: those that somebody hears, and those that may be keys for us.
    relayed: usize,
    keen: usize,
    ticks: usize,
}

impl Work {
    /// A packet came for a call in such haste.
    pub(super) const fn packet(&mut self, haste: Haste) {
        self.packets += 1;
        match haste {
            Haste::Patient => {}
            Haste::Relayed => self.relayed += 1,
            Haste::Keen => self.keen += 1,
        }
    }

    /// So many calls had a turn by the clock.
    pub(super) const fn ticks(&mut self, calls: usize) {
        self.ticks += calls;
    }

    const fn things(&self) -> usize {
        self.packets + self.ticks
    }

    const fn way(&self) -> &'static Way {
        if self.keen * FEW > self.packets {
            &WAYS[0]
        } else if self.relayed * FEW > self.things() {
            &WAYS[1]
        } else if self.ticks * FEW > self.things() {
            &WAYS[2]
        } else {
            &WAYS[3]
        }
    }
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pace {
    /// Looks are counted from here, as the slots of the calls' clocks are.
    start: Instant,
    /// From one look to the next; `None`: it wakes for each packet.
    look: Option<Duration>,
    since: Instant,
    work: Work,
}

impl Pace {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, look: None, since: start, work: Work::default() }
    }

    /// When to look next, the last turn having been at `woke`; `None`: when something comes, or is due.
    pub(super) fn next(&self, woke: Instant) -> Option<Instant> {
        let look = self.look?;
        let passed = woke.saturating_duration_since(self.start).as_nanos() / look.as_nanos();
        Some(self.start + Duration::from_nanos(u64::try_from((passed + 1) * look.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time of a turn that was planned for a look, and begins now.
    pub(super) fn time_of(look: Option<Instant>, now: Now) -> Now {
        match look {
            Some(look) if now.at >= look && now.at - look < ON_TIME => Now { at: look, ..now },
            Some(_) | None => now,
        }
    }

    /// This was done in the turn that began at `now`.
    pub(super) fn did(&mut self, work: Work, now: Instant) {
        let Work { packets, relayed, keen, ticks } = &mut self.work;
        (*packets, *relayed, *keen, *ticks) = (*packets + work.packets, *relayed + work.relayed, *keen + work.keen, *ticks + work.ticks);
        let passed = now.saturating_duration_since(self.since);
        if passed >= WINDOW {
            let (things, way) = (self.work.things(), self.work.way());
            // A window that lasted longer, because nothing woke the shard, had fewer things still.
            let is_busy = if self.look.is_some() { things > way.calm } else { things >= way.busy && passed < WINDOW * 2 };
            self.look = is_busy.then_some(way.look);
            self.since = now;
            self.work = Work::default();
        } else if self.look.is_none() && self.work.things() >= WAYS[0].busy {
            // A flood is not waited for.
            self.look = Some(self.work.way().look);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;
    use terms::UnixMs;

    fn work(packets: usize, haste: Haste, ticks: usize) -> Work {
        let mut work = Work::default();
        (0..packets).for_each(|_| work.packet(haste));
        work.ticks(ticks);
        work
    }

    /// So much in each of these milliseconds; from one look to the next afterwards.
    fn feed(pace: &mut Pace, milliseconds: std::ops::Range<u64>, each: Work) -> Option<Duration> {
        for at in milliseconds {
            pace.did(each, pace.start + Duration::from_millis(at));
        }
        pace.look
    }

    #[test]
    fn looks_divide_a_packet_and_are_whole_slots() {
        for way in &WAYS {
            assert!(20_000 % way.look.as_micros() == 0 && way.look.as_micros() % 200 == 0 && way.calm < way.busy, "{way:?}");
        }
    }

    #[test]
    fn many_packets_make_it_busy_and_few_calm() {
        let mut pace = Pace::new(Instant::now());
        let keen = |packets| work(packets, Haste::Keen, 0);
        assert_eq!(feed(&mut pace, 0..100, keen(1)), None, "fifty callers who hardly speak");
        assert_eq!(feed(&mut pace, 100..200, keen(2)), None);
        assert!(feed(&mut pace, 200..240, keen(4)).is_some());
        assert!(feed(&mut pace, 240..340, keen(3)).is_some(), "it stays busy between the two bounds");
        assert_eq!(feed(&mut pace, 340..400, keen(0)), None, "and is calm when all is still");
    }

    #[test]
    fn it_looks_as_often_as_somebody_waits_for_it() {
        let mut pace = Pace::new(Instant::now());
        assert_eq!(feed(&mut pace, 0..40, work(50, Haste::Keen, 50)), Some(WAYS[0].look), "a thousand menus");
        assert_eq!(feed(&mut pace, 40..80, work(50, Haste::Relayed, 0)), Some(WAYS[1].look), "five hundred talks");
        assert_eq!(feed(&mut pace, 80..120, work(0, Haste::Patient, 50)), Some(WAYS[2].look), "a thousand prompts");
        assert_eq!(feed(&mut pace, 120..160, work(50, Haste::Patient, 1)), Some(WAYS[3].look), "a thousand messages");
        let mut mixed = work(50, Haste::Patient, 0);
        (0..5).for_each(|_| mixed.packet(Haste::Keen));
        assert_eq!(feed(&mut pace, 160..200, mixed), Some(WAYS[0].look), "some menus among them");
    }

    #[test]
    fn where_nobody_waits_few_things_are_enough_to_look_at_times() {
        let start = |work| feed(&mut Pace::new(Instant::now()), 0..100, work);
        assert_eq!([Haste::Patient, Haste::Relayed, Haste::Keen].map(|haste| start(work(2, haste, 0)).is_some()), [true, false, false]);
        assert_eq!(start(work(0, Haste::Patient, 2)), Some(WAYS[2].look), "forty prompts");
    }

    #[test]
    fn one_burst_after_a_long_sleep_is_no_crowd_for_long() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.did(work(20, Haste::Keen, 0), start + Duration::from_secs(5));
        assert!(pace.look.is_none(), "twenty packets in five seconds");
        pace.did(work(60, Haste::Keen, 0), start + Duration::from_millis(5_001));
        assert!(pace.look.is_some(), "sixty in a millisecond are a flood");
        assert_eq!(feed(&mut pace, 5_020..5_060, Work::default()), None);
    }

    #[test]
    fn looks_are_at_even_times_and_so_is_what_is_done_in_them() {
        let start = Instant::now();
        let at = |us: u64| start + Duration::from_micros(us);
        let pace = Pace { look: Some(WAYS[1].look), ..Pace::new(start) };
        assert_eq!([0, 1, 999, 1_000, 1_060, 7_500].map(|woke| pace.next(at(woke))), [1_000, 1_000, 1_000, 2_000, 2_000, 8_000].map(|us| Some(at(us))));
        assert_eq!(Pace::new(start).next(at(70)), None);
        let now = |us: u64| Now { at: at(us), unix: UnixMs(9) };
        assert_eq!(Pace::time_of(Some(at(2_000)), now(2_070)), now(2_000));
        assert_eq!(Pace::time_of(Some(at(2_000)), now(2_900)), now(2_900), "it came late");
        assert_eq!(Pace::time_of(Some(at(2_000)), now(1_900)), now(1_900));
        assert_eq!(Pace::time_of(None, now(2_070)), now(2_070));
    }
}
