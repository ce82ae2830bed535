//! A leg's media in figures.

use rtp::JitterSnapshot;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, CryptoSuite};

/// What is known of one stream; for the call record, the API and tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Codec sent.
    pub codec: Codec,
    /// Where packets go now (signalled, or latched).
    pub remote: Option<SocketAddr>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP payload bytes sent.
    pub bytes_sent: u64,
    /// RTP packets accepted.
    pub packets_received: u64,
    /// RTP payload bytes accepted.
    pub bytes_received: u64,
    /// Packets the peer sent that never came, by sequence numbers (RFC 3550 §6.4.1; can be below zero by duplicates).
    pub packets_lost: i64,
    /// Packets refused: wrong source, not RTP, unknown payload type.
    pub packets_refused: u64,
    /// Of those: protected packets that failed their authentication (another key, changed, or not protected).
    pub packets_unauthentic: u64,
    /// How packets are protected; `None`: plain RTP.
    pub protection: Option<CryptoSuite>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Round trip, from the peer's last report that named one of ours.
    pub round_trip: Option<Duration>,
    /// Loss the peer reports of what we sent, 0–1.
    pub far_loss: Option<f32>,
    /// The jitter buffer, while somebody needs its sound decoded (a recording, a room, a far side of another codec).
    pub jitter_buffer: Option<JitterSnapshot>,
    /// When RTP was last accepted.
    pub last_received: Option<Instant>,
    /// Ticks that came over 20 ms late (packets were caught up or skipped).
    pub late_ticks: u64,
}
