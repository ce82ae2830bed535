//! Where packets go: the one way out of a mixer.

use std::net::SocketAddr;
use terms::LegId;

/// The sink for packets, given to every call that may send. An implementation writes to the leg's socket (or appends to a
/// batch); it must not block.
pub trait Wire {
    /// Send this RTP packet from the leg's RTP socket.
    fn rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]);
    /// Send this RTCP packet from the leg's RTCP socket (or its RTP socket when multiplexed).
    fn rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]);
}
