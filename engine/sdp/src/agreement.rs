//! What offer and answer came to.

use crate::limits::{CODECS_MAX, EVENTS_MAX};
use arrayvec::ArrayVec;
use std::net::SocketAddr;
use terms::{Codec, Direction, SrtpKeys};

/// A codec under the payload type number that stands for it in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// The codec.
    pub codec: Codec,
    /// Its number in RTP packets of this direction, 0–127.
    pub payload_type: u8,
}

/// Telephone events (RFC 4733) under the payload type that stands for them in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventFormat {
    /// Its number, 0–127.
    pub payload_type: u8,
    /// Units of duration a second: 8 000, or 48 000 beside Opus.
    pub clock_rate: u32,
}

/// One agreed audio stream, seen from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Where the peer wants RTP (its signalled address; see `rtp::Latch`). Unspecified IP or port 0: nowhere.
    pub remote: SocketAddr,
    /// Where the peer wants RTCP (`a=rtcp`, else next port; the same as `remote` when multiplexed).
    pub remote_rtcp: SocketAddr,
    /// RTP and RTCP share our port and the peer's (RFC 5761).
    pub rtcp_mux: bool,
    /// What we send.
    pub send: Format,
    /// What may arrive: by our numbering, then under numbers of the peer's own that mean nothing else to us (some phones send
    /// under the number they answered with). `send`'s codec is among them.
    pub receive: ArrayVec<Format, CODECS_MAX>,
    /// Key events that we send (the peer's number), if the peer takes them: of our codec's clock where it has them.
    pub events: Option<EventFormat>,
    /// Key events that may arrive, by our numbers. With any, those of `events` may come under its number, too.
    pub event_receive: ArrayVec<EventFormat, EVENTS_MAX>,
    /// Comfort noise (RFC 3389) that may arrive and be sent: its payload type, usually 13.
    pub comfort_noise: Option<u8>,
    /// Who may send, said by us.
    pub direction: Direction,
    /// Milliseconds of audio in each packet we send: the peer's ptime within its maxptime, 10–60, a multiple of 10.
    pub ptime_ms: u16,
    /// The peer wants reports of how it is heard (RTCP XR with VoIP metrics, RFC 3611 §5).
    pub voip_metrics: bool,
    /// The keys of protected media (SRTP); `None`: plain RTP.
    pub crypto: Option<SrtpKeys>,
    /// The peer does not want to hear us: `sendonly`, `inactive` or address 0.0.0.0.
    pub on_hold_by_remote: bool,
}
