//! Whether a shard has more to do than it can: judged by how much of the time it works, and by how often its clock comes late, be it
//! that it was woken late or that its turns take longer than they may.
//!
//! ```text
//! Normal ── nearly always at work, or eight late wakes close together with many calls ──▶ Overloaded
//!        ◀── some rest again, and as many timely wakes as it takes to forget the late ones ──
//! ```
//! Work tells before anything is late, and leaves room for calls that stand: a machine is not always as fast as when they were admitted.
//! Lateness tells what work does not: that others take the processor. While overloaded the shard wakes at least every [`LOOK`], calls or
//! none, so that it notices when it is well again.

use std::time::{Duration, Instant};

/// So late is not heard yet (chosen: under half a packet's 20 ms): new calls must be refused before those that stand suffer.
const LATE: Duration = Duration::from_millis(8);
/// What a late wake counts; a timely one takes 1 away.
const WEIGHT: u32 = 8;
/// The score from which new calls are refused.
const TOO_MUCH: u32 = 64;
/// The score is never higher, so that it is forgotten soon: 256 wakes of a busy shard are a quarter of a second.
const WORST: u32 = 256;
/// With fewer calls it is not they who make the clock late, and refusing more would help nobody (chosen: a twentieth of
/// what a core carries).
const CALLS_THAT_WEIGH: usize = 200;
/// How often an overloaded shard looks at the clock even when nothing is due.
const LOOK: Duration = Duration::from_millis(5);

/// Work is measured over this long: short against the filling of an exchange, long against one burst.
const WINDOW: Duration = Duration::from_millis(100);
/// The share of a window from which a shard is full, and under which it has room again (chosen: virtual machines have been seen to lose a
/// sixth of their speed within a minute).
const FULL: f32 = 0.88;
const ROOM: f32 = 0.83;

/// With fewer calls such a share is a burst (chosen: a tenth of what a core carries of the dearest, transcoded Opus).
const CALLS_THAT_WORK: usize = 10;

/// How much of the time a shard works, by the processor time it has had. What others take from it is no work of its own: that tells by
/// lateness.
#[derive(Debug)]
struct Labour {
    since: Instant,
    had: Duration,
    is_full: bool,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pressure {
    labour: Labour,
    late: u32,
    overloaded: bool,
}

/// When a shard means to wake that goes to sleep at `now` for `wait`, its next deadline being `due`: one that is over already was
/// meant for then.
pub(super) fn meant(due: Option<Instant>, now: Instant, wait: Option<Duration>) -> Option<Instant> {
    let planned = wait.map(|wait| now + wait);
    planned.into_iter().chain(due).min()
}

impl Pressure {
    /// A shard that begins now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { labour: Labour { since: now, had: Duration::ZERO, is_full: false }, late: 0, overloaded: false }
    }

    /// The shard woke at `now` and had meant to at `planned` (`None`: it waited for nothing in particular), with this many calls.
    /// Answers the new state when it has changed.
    pub(super) fn woke(&mut self, planned: Option<Instant>, now: Instant, calls: usize) -> Option<bool> {
        let is_late = planned.is_some_and(|planned| now.saturating_duration_since(planned) > LATE);
        self.late = if is_late { (self.late + WEIGHT).min(WORST) } else { self.late.saturating_sub(1) };
        let is_late = if self.overloaded { self.late > 0 } else { self.late >= TOO_MUCH };
        let overloaded = is_late && (self.overloaded || calls >= CALLS_THAT_WEIGH) || self.labour.is_full && calls >= CALLS_THAT_WORK;
        (std::mem::replace(&mut self.overloaded, overloaded) != overloaded).then_some(overloaded)
    }

    /// Whether [`Pressure::worked`] wants to be told again.
    pub(super) fn is_curious(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.labour.since) >= WINDOW
    }

    /// So much processor time the shard has had until `now`.
    pub(super) fn worked(&mut self, had: Duration, now: Instant) {
        let passed = now.saturating_duration_since(self.labour.since).max(Duration::from_nanos(1));
        let share = had.saturating_sub(self.labour.had).as_secs_f32() / passed.as_secs_f32();
        let is_full = share >= if self.labour.is_full { ROOM } else { FULL };
        self.labour = Labour { since: now, had, is_full };
    }

    /// The longest the shard may sleep; `None`: as long as it likes.
    pub(super) fn nap_max(&self) -> Option<Duration> {
        self.overloaded.then_some(LOOK)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;

    /// Wakes so often, each so late; every change of state.
    fn wakes(pressure: &mut Pressure, times: u32, late: Duration, calls: usize) -> Vec<bool> {
        let planned = Instant::now();
        (0..times).filter_map(|_| pressure.woke(Some(planned), planned + late, calls)).collect()
    }

    #[test]
    fn late_clocks_refuse_new_calls_until_they_are_timely_again() {
        let mut pressure = Pressure::new(Instant::now());
        assert!(wakes(&mut pressure, 1_000, Duration::from_millis(7), 900).is_empty());
        assert_eq!(wakes(&mut pressure, 8, Duration::from_millis(9), 900), [true]);
        assert_eq!(pressure.nap_max(), Some(LOOK));
        assert_eq!(wakes(&mut pressure, 64, Duration::ZERO, 900), [false]);
        assert_eq!(pressure.nap_max(), None);
    }

    #[test]
    fn a_turn_that_took_too_long_is_late_as_well() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!(meant(Some(now - ms(20)), now, Some(Duration::ZERO)), Some(now - ms(20)), "no sleep at all, and late already");
        assert_eq!(meant(Some(now + ms(5)), now, Some(ms(1))), Some(now + ms(1)), "a nap shorter than the wait");
        assert_eq!((meant(None, now, None), meant(None, now, Some(ms(5)))), (None, Some(now + ms(5))));
    }

    #[test]
    fn an_exchange_without_calls_is_soon_well_again() {
        let mut pressure = Pressure::new(Instant::now());
        assert_eq!(wakes(&mut pressure, 1_000, Duration::from_secs(1), 200), [true]);
        // All calls are over: it wakes by itself, and a second and a half is enough.
        assert_eq!(wakes(&mut pressure, 300, Duration::ZERO, 0), [false]);
    }

    /// So many windows with that share of work each; every change of state.
    fn works(pressure: &mut Pressure, windows: u32, share: f32, calls: usize) -> Vec<bool> {
        let windows = (0..windows).filter_map(|_| {
            let now = pressure.labour.since + WINDOW;
            assert!(pressure.is_curious(now) && !pressure.is_curious(now - Duration::from_millis(1)));
            pressure.worked(pressure.labour.had + WINDOW.mul_f32(share), now);
            pressure.woke(Some(now), now, calls)
        });
        windows.collect()
    }

    #[test]
    fn a_shard_that_nearly_always_works_is_full_before_anything_is_late() {
        let mut pressure = Pressure::new(Instant::now());
        assert!(works(&mut pressure, 20, 0.85, 900).is_empty());
        assert_eq!(works(&mut pressure, 5, 0.9, 900), [true]);
        assert!(works(&mut pressure, 5, 0.85, 900).is_empty(), "one call less is no room yet");
        assert_eq!(works(&mut pressure, 5, 0.7, 900), [false]);
        assert!(works(&mut pressure, 5, 1.0, 9).is_empty(), "it is not the calls that keep it busy");
    }

    #[test]
    fn a_machine_that_is_slow_for_other_reasons_refuses_nobody() {
        let mut pressure = Pressure::new(Instant::now());
        assert!(wakes(&mut pressure, 1_000, Duration::from_secs(1), 199).is_empty());
    }
}
