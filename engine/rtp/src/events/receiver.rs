//! Hears keys: each press once, at its first packet, whatever is lost, repeated or out of order.

use crate::packet::Packet;
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};
use terms::Digit;

/// What the far end's finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key went down: told at the first packet of the event, so that a prompt stops at once.
    Pressed(Digit),
    /// It came up again (or its packets stopped coming) after `held`.
    Released {
        /// Which key.
        digit: Digit,
        /// How long it was down, as far as known.
        held: Duration,
    },
}

/// Follows the events of one incoming stream.
#[derive(Clone, Debug, Default)]
pub struct Receiver {}

impl Receiver {
    /// Nothing pressed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Takes in a packet of the agreed telephone-event payload type. At most two things follow: the end of one key and
    /// the beginning of the next. Events that are no key (16–255) and malformed payloads say nothing.
    pub fn handle(&mut self, packet: &Packet<'_>, now: Instant) -> ArrayVec<Key, 2> {
        let _ = (packet, now);
        todo!()
    }
    /// When to call [`Receiver::handle_timeout`]: a pressed key whose packets stop coming is released.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Key> {
        let _ = now;
        todo!()
    }
}
