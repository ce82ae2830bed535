//! Packets that were read and wait a moment to be handled together.

use super::ports::Ports;
use call::Seat;
use std::net::SocketAddr;
use terms::LegId;

/// Packets read before they are handled: enough for the processor to wait for the memory of several calls at once, few enough for
/// their own to stay near it.
const PACKETS: usize = 32;
/// Largest packet read (Ethernet's 1,500 with room).
const PACKET_MAX: usize = 2_048;

/// Where a packet came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) seat: Seat,
    pub(super) leg: LegId,
    pub(super) is_rtcp: bool,
    pub(super) from: SocketAddr,
    pub(super) length: usize,
}

/// See the head of this file. About 66 kB, allocated once.
pub(super) struct Batch {
    arrivals: Vec<Arrival>,
    buffers: Box<[[u8; PACKET_MAX]]>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { arrivals: Vec::with_capacity(PACKETS), buffers: vec![[0; PACKET_MAX]; PACKETS].into() }
    }

    /// Reads one packet of what a token of epoll names; `false` when there is none, or no room.
    pub(super) fn receive(&mut self, token: u64, ports: &Ports) -> bool {
        let arrival = self.buffers.get_mut(self.arrivals.len()).and_then(|buffer| ports.receive(token, buffer));
        self.arrivals.extend(arrival);
        arrival.is_some()
    }

    pub(super) fn is_full(&self) -> bool {
        self.arrivals.len() >= PACKETS
    }

    /// What was read, in order.
    pub(super) fn packets(&self) -> impl Iterator<Item = (&Arrival, &[u8])> + Clone {
        self.arrivals.iter().zip(&self.buffers).map(|(arrival, buffer)| (arrival, &buffer[..arrival.length.min(PACKET_MAX)]))
    }

    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
    }
}
