//! What we say on one stream: one SSRC, one row of sequence numbers, one run of timestamps, whatever feeds it —
//! our own audio, keys (RFC 4733) or another leg's packets relayed undecoded.

use crate::{limits::*, packet::Packet};
use std::time::Instant;

/// What has been sent, for RTCP (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentCounts {
    /// Packets, wraps as on the wire.
    pub packets: u32,
    /// Payload bytes without headers, wraps as on the wire.
    pub octets: u32,
}

/// Writes the packets of one outgoing stream. No allocation, no clock.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
}

impl Sender {
    /// A stream whose SSRC and first sequence number and timestamp come from `seed` (must be unguessable in production).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        todo!()
    }
    /// Our SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }
    /// The timestamp the next own packet will carry.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        todo!()
    }
    /// What has been sent.
    #[must_use]
    pub fn counts(&self) -> SentCounts {
        todo!()
    }
    /// Writes one packet of own audio at the current timestamp into `into` and moves the timestamp on by `ticks` (160 for
    /// 20 ms). The marker is set on the first packet ever and on the first after a [`Sender::skip`].
    /// Returns the packet's length, or 0 (and nothing sent) when `into` is shorter than 12 + `payload`.
    pub fn write(&mut self, payload_type: u8, payload: &[u8], ticks: u32, now: Instant, into: &mut [u8]) -> usize {
        let _ = (payload_type, payload, ticks, now, into);
        todo!()
    }
    /// Time passes and nothing is sent: the timestamp moves on by `ticks`, the next own packet carries the marker.
    pub fn skip(&mut self, ticks: u32) {
        let _ = ticks;
        todo!()
    }
    /// Writes another leg's packet as ours, undecoded: our SSRC, `payload_type` as agreed with our peer, sequence numbers
    /// and timestamps moved by a fixed offset so that loss, reordering and silence stay visible to the far end. `ticks`
    /// is what the payload lasts (payload bytes for our codecs, 0 for events). A new source, a jump, or own packets in
    /// between begin a new offset that goes on after what we sent last. Returns the length, or 0 when `into` is too short.
    pub fn relay(&mut self, packet: &Packet<'_>, payload_type: u8, ticks: u32, now: Instant, into: &mut [u8]) -> usize {
        let _ = (packet, payload_type, ticks, now, into);
        todo!()
    }
    /// Writes one packet with a given timestamp that does not move our own: for RFC 4733 events, see [`crate::events::Sender`].
    pub fn write_at(&mut self, timestamp: u32, marker: bool, payload_type: u8, payload: &[u8], now: Instant, into: &mut [u8]) -> usize {
        let _ = (timestamp, marker, payload_type, payload, now, into);
        todo!()
    }
    /// The RTP timestamp that belongs to `now`, for sender reports; `None` before the first packet.
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let _ = now;
        todo!()
    }
}
