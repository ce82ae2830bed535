//! Counters that say "too often": calls a second, wrong passwords a minute and a day. Bounded whatever the flood.

use crate::limits::{DAY, GUESSES_A_DAY, GUESSES_A_MINUTE, MINUTE, PROVEN_MAX, TALLY_KEYS_MAX};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Counts per key in the running window and the one before. Keys beyond the cap share one count, so a flood of keys
/// costs no memory and frees nobody.
#[derive(Debug)]
pub(crate) struct Tally<K> {
    window: Duration,
    began: Option<Instant>,
    current: HashMap<K, u32>,
    previous: HashMap<K, u32>,
    rest: (u32, u32),
}

impl<K: Hash + Eq> Tally<K> {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, began: None, current: HashMap::new(), previous: HashMap::new(), rest: (0, 0) }
    }

    fn turn(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed < self.window {
            return;
        }
        if passed < self.window * 2 {
            self.previous = std::mem::take(&mut self.current);
            self.rest = (0, self.rest.0);
            self.began = Some(began + self.window);
        } else {
            self.previous = HashMap::new();
            self.current = HashMap::new();
            self.rest = (0, 0);
            self.began = Some(now);
        }
    }

    pub(crate) fn add(&mut self, key: K, now: Instant) {
        self.turn(now);
        let full = self.current.len() >= TALLY_KEYS_MAX;
        match self.current.get_mut(&key) {
            Some(count) => *count = count.saturating_add(1),
            None if full => self.rest.0 = self.rest.0.saturating_add(1),
            None => {
                self.current.insert(key, 1);
            }
        }
    }

    /// At least as many as were added in the last window: the running and the one before, whole.
    pub(crate) fn at_least_last_window(&mut self, key: &K, now: Instant) -> u32 {
        self.turn(now);
        let current = self.current.get(key).copied();
        let previous = self.previous.get(key).copied();
        let full = self.current.len() >= TALLY_KEYS_MAX;
        let rest = if current.is_none() && full { self.rest.0.saturating_add(self.rest.1) } else { 0 };
        current.unwrap_or(0).saturating_add(previous.unwrap_or(0)).saturating_add(rest)
    }

    /// About as many as were added in the last window: the one before counts by the part of it still inside.
    pub(crate) fn about_last_window(&mut self, key: &K, now: Instant) -> u32 {
        self.turn(now);
        let began = self.began.unwrap_or(now);
        let inside = 1.0 - (now.saturating_duration_since(began).as_secs_f64() / self.window.as_secs_f64()).min(1.0);
        let previous = f64::from(self.previous.get(key).copied().unwrap_or(0)) * inside;
        // At most u32::MAX plus a fraction; the cast saturates.
        self.current.get(key).copied().unwrap_or(0).saturating_add(previous.floor() as u32)
    }
}

/// Remembers wrong passwords. Only those whose nonce proves that the sender really is at its address are told to it,
/// so nobody is shut out by packets that pretend to come from him.
#[derive(Debug)]
pub(crate) struct GuessGuard {
    pairs: Tally<(String, IpAddr)>,
    users: Tally<String>,
    proven: HashSet<(String, IpAddr)>,
}

impl GuessGuard {
    pub(crate) fn new() -> Self {
        Self { pairs: Tally::new(MINUTE), users: Tally::new(DAY), proven: HashSet::new() }
    }

    /// Whether credentials for this user from this address are to be refused without a look.
    pub(crate) fn refuses(&mut self, user: &str, from: IpAddr, now: Instant) -> bool {
        let pair = (user.to_owned(), from);
        self.pairs.at_least_last_window(&pair, now) >= GUESSES_A_MINUTE
            || (!self.proven.contains(&pair) && self.users.at_least_last_window(&pair.0, now) >= GUESSES_A_DAY)
    }

    pub(crate) fn wrong(&mut self, user: &str, from: IpAddr, now: Instant) {
        self.pairs.add((user.to_owned(), from), now);
        if !self.proven.contains(&(user.to_owned(), from)) {
            self.users.add(user.to_owned(), now);
        }
    }

    /// The right password came from here: this address is not shut out by strangers' guesses of this user.
    pub(crate) fn right(&mut self, user: &str, from: IpAddr) {
        if self.proven.len() < PROVEN_MAX {
            self.proven.insert((user.to_owned(), from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    /// Any start will do: virtual time is only added to it.
    #[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn a8_no_minute_holds_more_than_ten_guesses_wherever_it_begins() {
        let (start, from) = (origin(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut guard = GuessGuard::new();
        let mut reached = Vec::new();
        for second in 0..600u64 {
            let now = start + Duration::from_secs(second);
            for _ in 0..3 {
                if !guard.refuses("alice", from, now) {
                    guard.wrong("alice", from, now);
                    reached.push(second);
                }
            }
        }
        for begin in 0..540 {
            let inside = reached.iter().filter(|at| (begin..begin + 60).contains(*at)).count();
            assert!(inside <= 10, "{inside} in the minute from {begin} s");
        }
        assert!(reached.len() >= 40, "and after a quiet minute one may try again: {}", reached.len());
    }

    #[test]
    fn x10_many_addresses_share_the_users_day_but_the_owner_is_not_shut_out() {
        let now = origin();
        let mut guard = GuessGuard::new();
        let home: IpAddr = "192.0.2.1".parse().unwrap();
        guard.right("alice", home);
        let mut reached = 0;
        for n in 0..10_000u32 {
            let from = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n % 256));
            if !guard.refuses("alice", from, now + Duration::from_secs(u64::from(n) * 6)) {
                guard.wrong("alice", from, now + Duration::from_secs(u64::from(n) * 6));
                reached += 1;
            }
        }
        assert!(reached <= 600, "{reached}");
        assert!(!guard.refuses("alice", home, now + Duration::from_secs(60_000)));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_shares_one_count() {
        let now = origin();
        let mut tally = Tally::new(MINUTE);
        for key in 0..100_000u32 {
            tally.add(key, now);
        }
        assert_eq!(tally.current.len(), TALLY_KEYS_MAX);
        assert!(tally.at_least_last_window(&99_999, now) > 60_000);
        assert_eq!(tally.at_least_last_window(&0, now), 1);
    }
}
