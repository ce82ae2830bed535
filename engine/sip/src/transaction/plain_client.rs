//! The client side of any other request (RFC 3261 §17.1.2).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──final──▶ Completed ──K──▶ over
//!    └─────────── F: timeout ──────────▶ over
//! ```

use super::{Expiry, Reaction};
use crate::timers::{GIVE_UP, T1, T2, T4};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct PlainClient {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    /// Timer E repeats the request on UDP (every T2 once a provisional came), timer F gives up.
    Open { repeat_at: Option<Instant>, interval: Duration, until: Instant },
    /// Timer K: repeats of the answer are absorbed.
    Completed { until: Instant },
}

impl PlainClient {
    pub(crate) fn new(now: Instant, reliable: bool) -> Self {
        let repeat_at = (!reliable).then(|| now + T1);
        Self { state: State::Open { repeat_at, interval: T1, until: now + GIVE_UP }, reliable }
    }
    pub(crate) fn response(&mut self, code: u16, now: Instant) -> Reaction {
        match (&mut self.state, code) {
            (State::Open { interval, .. }, 100..=199) => {
                *interval = T2;
                Reaction::Deliver
            }
            (State::Open { .. }, _) => {
                self.state = State::Completed { until: if self.reliable { now } else { now + T4 } };
                Reaction::Deliver
            }
            (State::Completed { .. }, _) => Reaction::Absorb,
        }
    }
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
    pub(crate) fn deadline(&self) -> Instant {
        match self.state {
            State::Open { repeat_at, until, .. } => repeat_at.map_or(until, |at| at.min(until)),
            State::Completed { until } => until,
        }
    }
    pub(crate) fn timeout(&mut self, now: Instant) -> Expiry {
        match &mut self.state {
            State::Open { until, .. } if *until <= now => Expiry::TimedOut,
            State::Completed { until } if *until <= now => Expiry::Ended,
            State::Open { repeat_at: Some(at), interval, .. } if *at <= now => {
                *interval = (*interval * 2).min(T2);
                *at = now + *interval;
                Expiry::Repeat
            }
            State::Open { .. } | State::Completed { .. } => Expiry::Nothing,
        }
    }
}
