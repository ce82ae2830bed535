//! How a leg's media fared: in figures for machines, in a sentence for people. Written into the record when the leg is over.

use media::{Quality, VoipMetrics};
use serde::Serialize;
use terms::LegId;

/// One leg's media in figures. Times are milliseconds, shares 0–1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegMedia {
    /// Number within the call; 0 is the caller.
    pub leg: u16,
    /// Codec sent.
    pub codec_sent: &'static str,
    /// Codec last heard.
    pub codec_heard: &'static str,
    /// Who could send at the end, said by us: `sendrecv`, `sendonly` (on hold), …
    pub direction: &'static str,
    /// Suite of protected media (SRTP); `null`: plain RTP.
    pub protection: Option<&'static str>,
    /// Where packets went.
    pub remote: Option<String>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets accepted.
    pub packets_received: u64,
    /// Packets of the peer that never came; below zero by duplicates.
    pub packets_lost: i64,
    /// Packets that came too late to be heard.
    pub packets_late: u64,
    /// Packets accepted that were comfort noise.
    pub comfort_noise: u64,
    /// Packets not accepted, by why.
    pub refused: RefusedPackets,
    /// Share lost or too late.
    pub loss: f32,
    /// Share lost within bursts (RFC 3611 §4.7.2).
    pub burst_density: f32,
    /// Share lost between bursts.
    pub gap_density: f32,
    /// Mean length of bursts, packets.
    pub burst_packets: f32,
    /// Interarrival jitter at the end (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// There and back, if the peer reports.
    pub round_trip_ms: Option<f32>,
    /// What this end adds to the way.
    pub end_system_ms: f32,
    /// R factor of how the peer was heard here (ITU-T G.107).
    pub r_factor: Option<f32>,
    /// The same as a mean opinion score.
    pub mos: Option<f32>,
    /// Share of our packets that the peer last reported as lost.
    pub far_loss: Option<f32>,
    /// How the peer heard us by its own account (RTCP XR).
    pub far: Option<FarMedia>,
    /// Ticks that came over 20 ms late.
    pub late_ticks: u64,
    /// Why one side heard nothing at the end, as a word for machines.
    pub one_way: Option<&'static str>,
}

/// Packets that were not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedPackets {
    /// From an address neither signalled nor latched.
    pub strangers: u64,
    /// Of a payload type not agreed.
    pub unknown_payload: u64,
    /// Protected, and failing their authentication.
    pub unauthentic: u64,
    /// Protected, and come before.
    pub replayed: u64,
    /// No RTP.
    pub malformed: u64,
}

/// What the peer says of how it heard us.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FarMedia {
    /// Share lost on the way.
    pub loss: f32,
    /// Share too late.
    pub discard: f32,
    /// Mean opinion score, if told.
    pub mos: Option<f32>,
    /// R factor, if told.
    pub r_factor: Option<u8>,
    /// What its end adds to the way.
    pub end_system_ms: u16,
}

/// Two digits behind the point are all that a measurement is worth.
fn rounded(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

/// Four, for shares.
fn share(value: f32) -> f32 {
    (value * 10_000.0).round() / 10_000.0
}

impl LegMedia {
    pub(crate) fn new(leg: LegId, quality: &Quality) -> Self {
        let ms = |span: std::time::Duration| rounded(span.as_secs_f32() * 1_000.0);
        let far = |voip: VoipMetrics| FarMedia {
            loss: share(voip.loss),
            discard: share(voip.discard),
            mos: voip.mos,
            r_factor: voip.r_factor,
            end_system_ms: voip.end_system_ms,
        };
        Self {
            leg: leg.0,
            codec_sent: quality.codec.name(),
            codec_heard: quality.heard.name(),
            direction: quality.direction.name(),
            protection: quality.protection.map(terms::CryptoSuite::name),
            remote: quality.remote.map(|remote| remote.to_string()),
            packets_sent: quality.packets_sent,
            packets_received: quality.packets_received,
            packets_lost: quality.packets_lost,
            packets_late: quality.packets_late,
            comfort_noise: quality.comfort_noise,
            refused: RefusedPackets {
                strangers: quality.refused.strangers,
                unknown_payload: quality.refused.unknown_payload,
                unauthentic: quality.refused.unauthentic,
                replayed: quality.refused.replayed,
                malformed: quality.refused.malformed,
            },
            loss: share(quality.loss),
            burst_density: share(quality.bursts.burst_density),
            gap_density: share(quality.bursts.gap_density),
            burst_packets: rounded(quality.bursts.burst_packets),
            jitter_ms: ms(quality.jitter),
            round_trip_ms: quality.round_trip.map(ms),
            end_system_ms: ms(quality.end_system),
            r_factor: quality.r_factor.map(rounded),
            mos: quality.mos.map(rounded),
            far_loss: quality.far_loss.map(share),
            far: quality.far.map(far),
            late_ticks: quality.late_ticks,
            one_way: quality.one_way.map(|why| why.code()),
        }
    }
}

/// The same in a sentence.
pub(crate) fn in_words(leg: LegId, quality: &Quality) -> String {
    let mut text = format!(
        "{leg}: {} packets sent, {} received, {} lost, jitter {} ms, {} late ticks ({}",
        quality.packets_sent,
        quality.packets_received,
        quality.packets_lost,
        quality.jitter.as_millis(),
        quality.late_ticks,
        quality.codec,
    );
    if let Some(suite) = quality.protection {
        text.push_str(&format!(", SRTP {suite}"));
    }
    text.push(')');
    if let Some(mos) = quality.mos {
        text.push_str(&format!(", sounded {}", opinion(mos)));
    }
    if let Some(trip) = quality.round_trip {
        text.push_str(&format!(", {} ms there and back", trip.as_millis()));
    }
    if quality.refused.total() > 0 {
        text.push_str(&format!(", {} packets refused", quality.refused.total()));
    }
    if let Some(why) = quality.one_way {
        text.push_str(&format!(". One-way audio: {why}"));
    } else if !quality.direction.receives() {
        text.push_str(". On hold at the end");
    }
    text
}

/// A score with its word (ITU-T P.800).
pub(crate) fn opinion(mos: f32) -> String {
    let word = match mos {
        4.0.. => "good",
        3.5.. => "fair",
        2.5.. => "poor",
        _ => "bad",
    };
    format!("{word} (MOS {mos:.1})")
}
