//! Media of one phone: G.711 and RFC 4733 in 20 ms packets, out and in, as a pure machine.

use crate::sound::Sound;
use std::{net::SocketAddr, time::Instant};
use terms::Codec;

/// Where media goes and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The far end's RTP address.
    pub remote: SocketAddr,
    /// The codec spoken and heard.
    pub codec: Codec,
    /// The payload type to send it as.
    pub payload_type: u8,
    /// The payload type of telephone-event, where agreed.
    pub event_type: Option<u8>,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the far end may send.
    pub receives: bool,
}

/// The ear and mouth of a phone.
#[derive(Debug)]
pub struct Ear {}

impl Ear {
    /// An ear that hears nothing yet.
    #[must_use]
    pub fn new(_seed: u64) -> Self {
        Self {}
    }
    /// Media flows like this from now on; `None`: not at all.
    pub fn set_route(&mut self, _route: Option<Route>, _now: Instant) {
        todo!()
    }
    /// An RTP packet, or what pretends to be one.
    pub fn handle(&mut self, _from: SocketAddr, _bytes: &[u8], _now: Instant) {
        todo!()
    }
    /// Time passed.
    pub fn handle_timeout(&mut self, _now: Instant) {
        todo!()
    }
    /// When the next packet is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// The next packet to send.
    pub fn poll_output(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        todo!()
    }
    /// Speak this from now on; `over_and_over` repeats it until [`Ear::hush`].
    pub fn speak(&mut self, _sound: Sound, _over_and_over: bool) {
        todo!()
    }
}
