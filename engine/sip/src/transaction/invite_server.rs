//! The server side of an INVITE (RFC 3261 §17.2.1 with RFC 6026 §7.1).
//!
//! ```text
//! Proceeding ──2xx──▶ Accepted ──L──▶ over          (the user repeats the 2xx until its ACK)
//!     │ 300–699
//!     ▼
//! Completed ──ACK──▶ Confirmed ──I──▶ over
//!     └──H──▶ over                                  (the ACK never came)
//! ```

use super::Expiry;
use crate::timers::{GIVE_UP, RINGING_MAX, T1, T2, T4};
use bytes::Bytes;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct InviteServer {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    /// `trying_at`: when 100 is due; `None` once anything was said.
    Proceeding { last: Option<Bytes>, trying_at: Option<Instant>, until: Instant },
    /// Timer L: repeats of the INVITE are absorbed, further 2xx pass.
    Accepted { until: Instant },
    /// Timer G repeats the final on UDP; timer H ends the wait for ACK.
    Completed { last: Bytes, repeat_at: Option<Instant>, interval: Duration, until: Instant },
    /// Timer I: late ACKs are absorbed.
    Confirmed { until: Instant },
}

impl InviteServer {
    /// 100 is due at once: at the next timeout, so that an answer that comes before it goes alone.
    pub(crate) fn new(now: Instant, reliable: bool) -> Self {
        Self { state: State::Proceeding { last: None, trying_at: Some(now), until: now + RINGING_MAX }, reliable }
    }
    /// The INVITE came again: what to send again.
    pub(crate) fn request_again(&self) -> Option<Bytes> {
        match &self.state {
            State::Proceeding { last, .. } => last.clone(),
            State::Completed { last, .. } => Some(last.clone()),
            State::Accepted { .. } | State::Confirmed { .. } => None,
        }
    }
    /// The user (or the endpoint, for 100) answers. Whether to send it.
    pub(crate) fn respond(&mut self, code: u16, bytes: &Bytes, now: Instant) -> bool {
        match (&mut self.state, code) {
            (State::Proceeding { last, trying_at, .. }, 100..=199) => {
                *last = Some(bytes.clone());
                *trying_at = None;
                true
            }
            (State::Proceeding { .. }, 200..=299) => {
                self.state = State::Accepted { until: now + GIVE_UP };
                true
            }
            (State::Proceeding { .. }, _) => {
                let repeat_at = (!self.reliable).then(|| now + T1);
                self.state = State::Completed { last: bytes.clone(), repeat_at, interval: T1, until: now + GIVE_UP };
                true
            }
            (State::Accepted { .. }, 200..=299) => true,
            (State::Accepted { .. } | State::Completed { .. } | State::Confirmed { .. }, _) => false,
        }
    }
    /// An ACK came. Whether it was ours to absorb.
    pub(crate) fn ack(&mut self, now: Instant) -> bool {
        match self.state {
            State::Completed { .. } => {
                self.state = State::Confirmed { until: if self.reliable { now } else { now + T4 } };
                true
            }
            State::Confirmed { .. } => true,
            State::Accepted { .. } => false,
            // An ACK before a final answer acknowledges nothing.
            State::Proceeding { .. } => true,
        }
    }
    /// Whether a CANCEL still changes anything.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }
    pub(crate) fn deadline(&self) -> Instant {
        match &self.state {
            State::Proceeding { trying_at, until, .. } => trying_at.unwrap_or(*until),
            State::Completed { repeat_at, until, .. } => repeat_at.map_or(*until, |at| at.min(*until)),
            State::Accepted { until } | State::Confirmed { until } => *until,
        }
    }
    pub(crate) fn timeout(&mut self, now: Instant) -> Expiry {
        match &mut self.state {
            State::Proceeding { trying_at, .. } if trying_at.is_some_and(|at| at <= now) => {
                *trying_at = None;
                Expiry::Trying
            }
            State::Proceeding { until, .. } | State::Accepted { until } | State::Confirmed { until } if *until <= now => Expiry::Ended,
            State::Completed { until, .. } if *until <= now => Expiry::Ended,
            State::Completed { repeat_at: Some(at), interval, .. } if *at <= now => {
                *interval = (*interval * 2).min(T2);
                *at = now + *interval;
                Expiry::Repeat
            }
            State::Proceeding { .. } | State::Accepted { .. } | State::Completed { .. } | State::Confirmed { .. } => Expiry::Nothing,
        }
    }
}
