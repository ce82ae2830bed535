//! The server side of any other request (RFC 3261 §17.2.2 with RFC 4320).
//!
//! ```text
//! Trying ──100 (3.5 s)──▶ Proceeding ──final──▶ Completed ──J──▶ over
//!    └──final──▶ Completed      both ──F of the peer (32 s)──▶ over: a later answer would meet nobody
//! ```

use super::Expiry;
use crate::timers::{GIVE_UP, PLAIN_TRYING_AFTER};
use bytes::Bytes;
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct PlainServer {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    Trying { trying_at: Instant, until: Instant },
    Proceeding { last: Option<Bytes>, until: Instant },
    /// Timer J: repeats get the same answer.
    Completed { last: Bytes, until: Instant },
}

impl PlainServer {
    pub(crate) fn new(now: Instant, reliable: bool) -> Self {
        Self { state: State::Trying { trying_at: now + PLAIN_TRYING_AFTER, until: now + GIVE_UP }, reliable }
    }
    /// The request came again: what to send again.
    pub(crate) fn request_again(&self) -> Option<Bytes> {
        match &self.state {
            State::Trying { .. } => None,
            State::Proceeding { last, .. } => last.clone(),
            State::Completed { last, .. } => Some(last.clone()),
        }
    }
    /// An answer. Whether to send it: provisionals other than our own 100 and 408 never are (RFC 4320 §4.1, §4.2).
    pub(crate) fn respond(&mut self, code: u16, bytes: &Bytes, now: Instant) -> bool {
        match (&mut self.state, code) {
            (State::Proceeding { last, .. }, 100) => {
                *last = Some(bytes.clone());
                true
            }
            (State::Trying { .. } | State::Proceeding { .. }, 100..=199 | 408) => false,
            (State::Trying { .. } | State::Proceeding { .. }, _) => {
                let until = if self.reliable { now } else { now + GIVE_UP };
                self.state = State::Completed { last: bytes.clone(), until };
                true
            }
            (State::Completed { .. }, _) => false,
        }
    }
    pub(crate) const fn deadline(&self) -> Instant {
        match self.state {
            State::Trying { trying_at, .. } => trying_at,
            State::Proceeding { until, .. } | State::Completed { until, .. } => until,
        }
    }
    pub(crate) fn timeout(&mut self, now: Instant) -> Expiry {
        match self.state {
            State::Trying { until, .. } | State::Proceeding { until, .. } | State::Completed { until, .. } if until <= now => Expiry::Ended,
            State::Trying { trying_at, until } if trying_at <= now => {
                self.state = State::Proceeding { last: None, until };
                Expiry::Trying
            }
            State::Trying { .. } | State::Proceeding { .. } | State::Completed { .. } => Expiry::Nothing,
        }
    }
}
