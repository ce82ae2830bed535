//! What the room above tells a mixer about one leg's stream: the result of offer and answer in media's own words.

use arrayvec::ArrayVec;
use rtp::Symmetric;
use std::{net::SocketAddr, time::Duration};
use terms::{Codec, Direction};

/// Payload types accepted from one peer at most.
pub const RECEIVE_FORMATS_MAX: usize = 8;
/// No RTP for this long makes [`crate::Event::Silent`]: chosen, common practice among telephone systems.
pub const SILENT_AFTER: Duration = Duration::from_secs(30);

/// A leg's stream as negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSetup {
    /// Where RTP goes; `None` while unknown or when the peer gave 0.0.0.0 / port 0 (nothing is sent then).
    pub remote: Option<SocketAddr>,
    /// Where RTCP goes when not multiplexed; `None` = RTP port + 1.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// Codec we send.
    pub send: Codec,
    /// Its payload type, 0–127.
    pub send_payload_type: u8,
    /// Payload types we accept and what they mean.
    pub receive: ArrayVec<(u8, Codec), RECEIVE_FORMATS_MAX>,
    /// Payload type for the telephone events (8000 Hz) we send, if the peer takes them.
    pub events_send: Option<u8>,
    /// Payload type of the telephone events (8000 Hz) we accept.
    pub events_receive: Option<u8>,
    /// Payload type of comfort noise (RFC 3389; usually 13), if agreed.
    pub comfort_noise: Option<u8>,
    /// **Our** direction: whether we send and whether we listen.
    pub direction: Direction,
    /// Whether the source may be latched when it differs from `remote` (peer behind NAT); the strict rule is room `rtp`'s.
    pub symmetric: Symmetric,
    /// Silence of the wire that is worth an event.
    pub silent_after: Duration,
}

impl StreamSetup {
    /// The usual stream: one codec both ways on its static payload type, telephone-event 101, sendrecv, latch for peers behind NAT.
    #[must_use]
    pub fn new(remote: SocketAddr, codec: Codec) -> Self {
        let mut receive = ArrayVec::new();
        receive.push((codec.payload_type(), codec));
        Self {
            remote: Some(remote),
            remote_rtcp: None,
            rtcp_mux: false,
            send: codec,
            send_payload_type: codec.payload_type(),
            receive,
            events_send: Some(101),
            events_receive: Some(101),
            comfort_noise: None,
            direction: Direction::SendRecv,
            symmetric: Symmetric::BehindNat,
            silent_after: SILENT_AFTER,
        }
    }
}
