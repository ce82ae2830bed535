//! The client side of an INVITE (RFC 3261 §17.1.1 with RFC 6026 §7.2).
//!
//! ```text
//! Calling ──1xx──▶ Proceeding ──2xx──▶ Accepted ──M──▶ over      (every 2xx goes to the user: forks, repeats)
//!    │ B: timeout       │ 300–699
//!    ▼                  ▼
//!   over            Completed ──D──▶ over                        (repeats are acknowledged again)
//! ```

use super::{Expiry, Reaction};
use crate::timers::{GIVE_UP, RINGING_MAX, T1};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct InviteClient {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    /// Timer A repeats the INVITE on UDP, timer B gives up.
    Calling { repeat_at: Option<Instant>, interval: Duration, until: Instant },
    /// It rings. `until`: the ringing limit, or 64·T1 after a CANCEL.
    Proceeding { until: Instant },
    Accepted { until: Instant },
    Completed { until: Instant },
}

impl InviteClient {
    pub(crate) fn new(now: Instant, reliable: bool) -> Self {
        let repeat_at = (!reliable).then(|| now + T1);
        Self { state: State::Calling { repeat_at, interval: T1, until: now + GIVE_UP }, reliable }
    }
    pub(crate) fn response(&mut self, code: u16, now: Instant) -> Reaction {
        match (&mut self.state, code) {
            (State::Calling { .. }, 100..=199) => {
                self.state = State::Proceeding { until: now + RINGING_MAX };
                Reaction::Deliver
            }
            (State::Proceeding { .. }, 100..=199) => Reaction::Deliver,
            (State::Calling { .. } | State::Proceeding { .. }, 200..=299) => {
                self.state = State::Accepted { until: now + GIVE_UP };
                Reaction::Deliver
            }
            (State::Calling { .. } | State::Proceeding { .. }, _) => {
                self.state = State::Completed { until: if self.reliable { now } else { now + GIVE_UP } };
                Reaction::AckAndDeliver
            }
            (State::Accepted { .. }, 200..=299) => Reaction::Deliver,
            (State::Completed { .. }, 300..) => Reaction::AckAgain,
            (State::Accepted { .. } | State::Completed { .. }, _) => Reaction::Absorb,
        }
    }
    /// A provisional response has come and no final: a CANCEL may be sent.
    pub(crate) const fn may_cancel(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }
    /// A CANCEL is still worth waiting for a provisional.
    pub(crate) const fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }
    /// Whether the user has heard no final yet.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }
    /// The CANCEL was sent: the final must come within 64·T1 (RFC 3261 §9.1).
    pub(crate) fn cancelled(&mut self, now: Instant) {
        if self.may_cancel() {
            self.state = State::Proceeding { until: now + GIVE_UP };
        }
    }
    pub(crate) fn deadline(&self) -> Instant {
        match self.state {
            State::Calling { repeat_at, until, .. } => repeat_at.map_or(until, |at| at.min(until)),
            State::Proceeding { until } | State::Accepted { until } | State::Completed { until } => until,
        }
    }
    pub(crate) fn timeout(&mut self, now: Instant) -> Expiry {
        match &mut self.state {
            State::Calling { until, .. } | State::Proceeding { until } if *until <= now => Expiry::TimedOut,
            State::Accepted { until } | State::Completed { until } if *until <= now => Expiry::Ended,
            State::Calling { repeat_at: Some(at), interval, .. } if *at <= now => {
                *interval *= 2;
                *at = now + *interval;
                Expiry::Repeat
            }
            State::Calling { .. } | State::Proceeding { .. } | State::Accepted { .. } | State::Completed { .. } => Expiry::Nothing,
        }
    }
}
