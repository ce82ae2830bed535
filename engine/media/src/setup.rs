//! What the room above tells a mixer about one leg's stream: the result of offer and answer in media's own words.

use arrayvec::ArrayVec;
use rtp::Symmetric;
use std::{net::SocketAddr, time::Duration};
use terms::{Codec, Direction, Dtmf, KeyWay, SrtpKeys};

/// Payload types accepted from one peer at most.
pub const RECEIVE_FORMATS_MAX: usize = 8;
/// No RTP for this long makes [`crate::Event::Silent`]: chosen, common practice among telephone systems.
pub const SILENT_AFTER: Duration = Duration::from_secs(30);

/// Telephone-event formats accepted from one peer at most: one for each RTP clock.
pub const EVENT_FORMATS_MAX: usize = 2;

/// A payload type that stands for telephone events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFormat {
    /// Its number, 0–127.
    pub payload_type: u8,
    /// Units of duration a second: that of the audio beside it, 8 000 or 48 000.
    pub clock_rate: u32,
}

/// A leg's stream as negotiated. What every packet asks for comes first and lies together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct StreamSetup {
    /// Codec we send.
    pub send: Codec,
    /// Its payload type, 0–127.
    pub send_payload_type: u8,
    /// Milliseconds of sound in each packet we send, 10–60, as [`Codec::packet_ms`] allows.
    pub send_ms: u16,
    /// **Our** direction: whether we send and whether we listen.
    pub direction: Direction,
    /// By which ways its keys count, and ours are sent.
    pub dtmf: Dtmf,
    /// Where there are no events to send, keys go by INFO rather than as tones: its codec would not carry them.
    pub keys_by_info: bool,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// Payload type of comfort noise (RFC 3389; usually 13), if agreed.
    pub comfort_noise: Option<u8>,
    /// Payload types we accept and what they mean.
    pub receive: ArrayVec<(u8, Codec), RECEIVE_FORMATS_MAX>,
    /// The telephone events we send, if the peer takes them.
    pub events_send: Option<EventFormat>,
    /// Where RTP goes; `None` while unknown or when the peer gave 0.0.0.0 / port 0 (nothing is sent then).
    pub remote: Option<SocketAddr>,
    /// The telephone events we accept, by our numbers. With any, those of [`Self::events_send`] are taken as well.
    pub events_receive: ArrayVec<EventFormat, EVENT_FORMATS_MAX>,
    /// Where RTCP goes when not multiplexed; `None` = RTP port + 1.
    pub remote_rtcp: Option<SocketAddr>,
    /// Whether the source may be latched when it differs from `remote` (peer behind NAT); the strict rule is room `rtp`'s.
    pub symmetric: Symmetric,
    /// The effort of encoding live sound as Opus: 0 (cheap) – 10 (best).
    pub opus_complexity: u8,
    /// The keys of protected media (SRTP); `None`: plain RTP.
    pub crypto: Option<SrtpKeys>,
    /// Whether the peer wants reports of how it is heard (RTCP XR, RFC 3611 VoIP metrics).
    pub voip_metrics: bool,
    /// Silence of the wire that is worth an event.
    pub silent_after: Duration,
}

impl StreamSetup {
    /// The usual stream: one codec both ways on its usual payload type, 20 ms, telephone-event 101, sendrecv, latch for peers
    /// behind NAT.
    #[must_use]
    pub fn new(remote: SocketAddr, codec: Codec) -> Self {
        let mut receive = ArrayVec::new();
        receive.push((codec.payload_type(), codec));
        let events = EventFormat { payload_type: 101, clock_rate: codec.clock_rate() };
        Self {
            remote: Some(remote),
            remote_rtcp: None,
            rtcp_mux: false,
            send: codec,
            send_payload_type: codec.payload_type(),
            send_ms: 20,
            opus_complexity: audio::OPUS_COMPLEXITY,
            receive,
            events_send: Some(events),
            events_receive: ArrayVec::from_iter([events]),
            dtmf: Dtmf::Auto,
            keys_by_info: false,
            comfort_noise: None,
            direction: Direction::SendRecv,
            symmetric: Symmetric::BehindNat,
            crypto: None,
            voip_metrics: false,
            silent_after: SILENT_AFTER,
        }
    }

    /// By which way keys are sent to it.
    #[must_use]
    pub const fn key_way(&self) -> KeyWay {
        match self.dtmf {
            Dtmf::Info => KeyWay::Info,
            Dtmf::Inband => KeyWay::Tone,
            Dtmf::Auto | Dtmf::Rfc4733 if self.events_send.is_some() => KeyWay::Event,
            Dtmf::Auto if self.keys_by_info => KeyWay::Info,
            Dtmf::Auto | Dtmf::Rfc4733 => KeyWay::Tone,
        }
    }
}
