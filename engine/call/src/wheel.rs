//! Which call is due when: a wheel of [`SLOTS`] slots of a fifth of a millisecond.
//!
//! A seat stands in the slot of its deadline, or in the furthest slot when that is still far away. When its slot comes and its deadline
//! has not, because it was far away or has moved since, it is put where it belongs: its call is not looked at for that.

use crate::door::Seat;
use std::time::{Duration, Instant};

/// Slots of the wheel: an eighth of a second together, so that an idle shard wakes eight times a second.
const SLOTS: usize = 640;
/// One slot: so much later than its time a call may be served, and so much finer than a packet of 20 ms it must be.
const SLOT: Duration = Duration::from_micros(200);

/// One seat's place.
#[derive(Clone, Copy)]
struct Standing {
    /// The slot that counts; [`NOWHERE`]: none. In which others it stands counts no more.
    slot: u64,
    due: Instant,
}

/// The slot of seats that stand in none.
const NOWHERE: u64 = u64::MAX;

/// See the head of this file.
pub(crate) struct Wheel {
    slots: Vec<Vec<Seat>>,
    /// By seat.
    standing: Vec<Standing>,
    start: Instant,
    /// Number of the slot that is emptied next.
    cursor: u64,
}

impl Wheel {
    /// An empty wheel: slots are counted from `start`.
    pub(crate) fn new(start: Instant) -> Self {
        Self { slots: vec![Vec::new(); SLOTS], standing: Vec::new(), start, cursor: 0 }
    }

    /// The slot in which `at` is over.
    fn slot_of(&self, at: Instant) -> u64 {
        let ns = at.saturating_duration_since(self.start).as_nanos();
        u64::try_from(ns.div_ceil(SLOT.as_nanos())).unwrap_or(u64::MAX)
    }

    fn index(slot: u64) -> usize {
        usize::try_from(slot % SLOTS as u64).unwrap_or(0)
    }

    /// A seat is due then, whatever was said of it before. What is over already comes with the next slot: a turn of the wheel always ends.
    pub(crate) fn put(&mut self, seat: Seat, due: Instant) {
        let furthest = self.cursor + SLOTS as u64 - 1;
        let slot = self.slot_of(due).clamp(self.cursor, furthest);
        let index = seat.0 as usize;
        if self.standing.len() <= index {
            self.standing.resize(index + 1, Standing { slot: NOWHERE, due });
        }
        let standing = &mut self.standing[index];
        standing.due = due;
        // One that stands nearer stays there until that slot comes.
        if slot < standing.slot {
            standing.slot = slot;
            self.slots[Self::index(slot)].push(seat);
        }
    }

    /// The next seat that is due by `now`: it stands nowhere then.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Seat> {
        let ns = now.saturating_duration_since(self.start).as_nanos();
        let reached = u64::try_from(ns / SLOT.as_nanos()).unwrap_or(u64::MAX);
        if reached.saturating_sub(self.cursor) > SLOTS as u64 {
            self.set(reached);
        }
        while self.cursor <= reached {
            while let Some(seat) = self.slots[Self::index(self.cursor)].pop() {
                let Some(standing) = self.standing.get_mut(seat.0 as usize).filter(|standing| standing.slot == self.cursor) else { continue };
                standing.slot = NOWHERE;
                let due = standing.due;
                if due <= now {
                    return Some(seat);
                }
                // Its slot is a later one: this one is emptied in this loop.
                self.put(seat, due);
            }
            self.cursor += 1;
        }
        None
    }

    /// Sets the wheel to a slot. A shard without calls is not woken: after a quiet night its first caller must not wait for a hundred
    /// million empty slots.
    fn set(&mut self, slot: u64) {
        self.slots.iter_mut().for_each(Vec::clear);
        self.cursor = slot;
        for (seat, index) in (0..).map(Seat).zip(0..self.standing.len()) {
            let Standing { slot, due } = self.standing[index];
            if slot != NOWHERE {
                self.standing[index].slot = NOWHERE;
                self.put(seat, due);
            }
        }
    }

    /// When a slot is next to be emptied.
    pub(crate) fn next(&self) -> Option<Instant> {
        (0..SLOTS as u64)
            .map(|ahead| self.cursor + ahead)
            .find(|slot| !self.slots[Self::index(*slot)].is_empty())
            .map(|slot| self.start + Duration::from_nanos(slot.saturating_mul(SLOT.as_nanos() as u64)))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;

    /// Every seat that is due, time going on by `step` until `until`: with the microsecond at which it was.
    fn turn(wheel: &mut Wheel, start: Instant, step: u64, until: u64) -> Vec<(u32, u64)> {
        let mut popped = Vec::new();
        for at in (0..=until).step_by(step as usize) {
            while let Some(seat) = wheel.pop_due(start + Duration::from_micros(at)) {
                popped.push((seat.0, at));
            }
        }
        popped
    }

    #[test]
    fn a_seat_is_due_within_a_slot_of_its_time_and_never_before() {
        let start = Instant::now();
        for due in [0, 1, 199, 200, 201, 20_000, 127_800, 127_801, 128_000, 500_123] {
            let mut wheel = Wheel::new(start);
            wheel.put(Seat(3), start + Duration::from_micros(due));
            let popped = turn(&mut wheel, start, 10, 600_000);
            assert_eq!(popped.len(), 1, "{due}: {popped:?}");
            assert!(popped[0].0 == 3 && (due..due + 210).contains(&popped[0].1), "{due}: {popped:?}");
            assert_eq!(wheel.next(), None);
        }
    }

    #[test]
    fn a_wheel_is_not_turned_through_a_quiet_year() {
        let start = Instant::now();
        let year = start + Duration::from_secs(365 * 24 * 3_600);
        let mut wheel = Wheel::new(start);
        assert_eq!(wheel.pop_due(year), None);
        let due = year + Duration::from_millis(1);
        wheel.put(Seat(0), due);
        assert_eq!((wheel.pop_due(year), wheel.next()), (None, Some(due)));
        assert_eq!(wheel.pop_due(due), Some(Seat(0)));
        // Who was put in before it was looked at again keeps its time, too.
        let later = year + Duration::from_secs(365 * 24 * 3_600);
        wheel.put(Seat(1), later);
        wheel.put(Seat(2), later + Duration::from_secs(3));
        assert_eq!((wheel.pop_due(later), wheel.pop_due(later)), (Some(Seat(1)), None));
        assert_eq!(wheel.pop_due(later + Duration::from_secs(3)), Some(Seat(2)));
    }

    #[test]
    fn what_was_said_last_counts() {
        let start = Instant::now();
        let at = |us: u64| start + Duration::from_micros(us);
        let mut wheel = Wheel::new(start);
        wheel.put(Seat(0), at(5_000));
        wheel.put(Seat(0), at(2_000));
        wheel.put(Seat(1), at(3_000));
        wheel.put(Seat(1), at(9_000));
        assert_eq!(turn(&mut wheel, start, 200, 20_000), [(0, 2_000), (1, 9_000)]);
        // A wheel that was not turned for long empties all at once.
        wheel.put(Seat(2), at(21_000));
        wheel.put(Seat(1), at(400_000));
        let late = at(900_000);
        let mut popped: Vec<_> = std::iter::from_fn(|| wheel.pop_due(late)).map(|seat| seat.0).collect();
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    }
}
