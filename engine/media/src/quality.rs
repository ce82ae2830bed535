//! A leg's media in figures.

use crate::{OneWay, Refusals};
use rtp::{BurstView, JitterSnapshot, VoipMetrics};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, CryptoSuite, Direction};

/// What is known of one stream; for the call record, the API and tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Codec sent.
    pub codec: Codec,
    /// Codec last heard.
    pub heard: Codec,
    /// Who may send, said by us.
    pub direction: Direction,
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
    /// Of those accepted: comfort noise.
    pub comfort_noise: u64,
    /// Packets that came too late for our ear, while it listens (not while packets are relayed undecoded).
    pub packets_late: u64,
    /// Packets refused, by why.
    pub refused: Refusals,
    /// Share of the peer's packets that were lost or too late, 0–1.
    pub loss: f32,
    /// Losses in time (RFC 3611 §4.7.2).
    pub bursts: BurstView,
    /// How packets are protected; `None`: plain RTP.
    pub protection: Option<CryptoSuite>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Round trip, from the peer's last report that named one of ours.
    pub round_trip: Option<Duration>,
    /// What this end adds to the way: its jitter buffer, a frame, and the length of its packets.
    pub end_system: Duration,
    /// R factor of how the peer is heard here (ITU-T G.107), 0–93.2; `None` before it was.
    pub r_factor: Option<f32>,
    /// The same as a mean opinion score, 1–4.41.
    pub mos: Option<f32>,
    /// How the peer hears us by its own account (RTCP XR).
    pub far: Option<VoipMetrics>,
    /// Why one side hears nothing, if so.
    pub one_way: Option<OneWay>,
    /// Loss the peer reports of what we sent, 0–1.
    pub far_loss: Option<f32>,
    /// The jitter buffer, while somebody needs its sound decoded (a recording, a room, a far side of another codec).
    pub jitter_buffer: Option<JitterSnapshot>,
    /// When RTP was last accepted.
    pub last_received: Option<Instant>,
    /// Ticks that came over 20 ms late (packets were caught up or skipped).
    pub late_ticks: u64,
}

impl Quality {
    /// What the peer is told of how it is heard; `buffer_ms`: what the jitter buffer aims at and holds at most.
    pub(crate) fn metrics(&self, buffer_ms: (u16, u16)) -> VoipMetrics {
        let ms = |span: Duration| u16::try_from(span.as_millis()).unwrap_or(u16::MAX);
        let packets_ms = |packets: f32| (packets * 20.0).min(f32::from(u16::MAX)) as u16;
        let expected = (self.packets_received as f32 + self.packets_lost.max(0) as f32).max(1.0);
        VoipMetrics {
            loss: self.packets_lost.max(0) as f32 / expected,
            discard: self.packets_late as f32 / expected,
            burst_density: self.bursts.burst_density,
            gap_density: self.bursts.gap_density,
            burst_ms: packets_ms(self.bursts.burst_packets),
            gap_ms: packets_ms(self.bursts.gap_packets),
            round_trip_ms: self.round_trip.map_or(0, ms),
            end_system_ms: ms(self.end_system),
            r_factor: self.r_factor.map(|factor| factor.round() as u8),
            mos: self.mos,
            jitter_buffer_ms: buffer_ms,
        }
    }
}
