//! Audio codecs and what RTP and SDP say of them: one table (RFC 3551 §6, RFC 7587 for Opus).

use std::{fmt, str::FromStr};

/// An audio codec the engine speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.722, 16 kHz audio at 64 kbit/s (its RTP clock is 8000 by RFC 3551 §4.5.2).
    G722,
    /// Opus (RFC 6716). Its RTP clock is 48000 whatever it carries; what we make and mix of it is 16 kHz wide-band mono.
    Opus,
    /// GSM 06.10 full rate, 8 kHz at 13 kbit/s.
    Gsm,
}

/// How sound lies in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Each byte lasts an eighth of a millisecond: a payload may be cut and joined anywhere.
    Bytes,
    /// Whole frames of 20 ms, that many bytes each.
    Frames(usize),
    /// Packets of any size that say themselves how long they last; we make them of 20 ms frames.
    Packets,
}

/// A row of the table.
struct Row {
    name: &'static str,
    /// Static payload type (RFC 3551 table 4), or the dynamic number we usually offer.
    payload_type: u8,
    is_static: bool,
    clock_rate: u32,
    /// Channels as `a=rtpmap` names them, whatever is really sent; 1 is not written.
    channels: u8,
    sample_rate: u32,
    packing: Packing,
    /// What our `a=fmtp` says.
    parameters: Option<&'static str>,
}

const PCMU: Row = Row {
    name: "PCMU",
    payload_type: 0,
    is_static: true,
    clock_rate: 8_000,
    channels: 1,
    sample_rate: 8_000,
    packing: Packing::Bytes,
    parameters: None,
};
const PCMA: Row = Row { name: "PCMA", payload_type: 8, ..PCMU };
const G722: Row = Row { name: "G722", payload_type: 9, sample_rate: 16_000, ..PCMU };
/// RFC 7587: always `/48000/2`; `useinbandfec=1` says that we can use what is sent for lost packets. No `stereo`: we hear mono.
const OPUS: Row = Row {
    name: "opus",
    payload_type: 96,
    is_static: false,
    clock_rate: 48_000,
    channels: 2,
    sample_rate: 16_000,
    packing: Packing::Packets,
    parameters: Some("useinbandfec=1"),
};
const GSM: Row = Row { name: "GSM", payload_type: 3, packing: Packing::Frames(33), ..PCMU };

impl Codec {
    /// Every codec, most widely understood first.
    pub const ALL: [Self; 5] = [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus, Self::Gsm];

    const fn row(self) -> &'static Row {
        match self {
            Self::Pcmu => &PCMU,
            Self::Pcma => &PCMA,
            Self::G722 => &G722,
            Self::Opus => &OPUS,
            Self::Gsm => &GSM,
        }
    }

    /// The encoding name of `a=rtpmap` and (in lower case) of the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The static payload type (RFC 3551 table 4), or the dynamic number under which we offer it, 96–127.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        self.row().payload_type
    }

    /// Whether [`Codec::payload_type`] means this codec without an `a=rtpmap`.
    #[must_use]
    pub const fn is_static(self) -> bool {
        self.row().is_static
    }

    /// RTP timestamp units a second: 8 000 or 48 000.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        self.row().clock_rate
    }

    /// Channels of `a=rtpmap`: 1, or 2 for Opus (which is always written so, RFC 7587 §7).
    #[must_use]
    pub const fn channels(self) -> u8 {
        self.row().channels
    }

    /// What our `a=fmtp` says of it, if anything.
    #[must_use]
    pub const fn parameters(self) -> Option<&'static str> {
        self.row().parameters
    }

    /// Audio samples a second after decoding: 8 000 or 16 000.
    #[must_use]
    pub const fn sample_rate(self) -> u32 {
        self.row().sample_rate
    }

    /// How its payloads are made up.
    #[must_use]
    pub const fn packing(self) -> Packing {
        self.row().packing
    }

    /// Samples in 20 ms of decoded audio (160 or 320).
    #[must_use]
    pub const fn frame_samples(self) -> usize {
        (self.sample_rate() / 50) as usize
    }

    /// The length of our packets in milliseconds, nearest to what the peer wishes (`a=ptime`) and this codec can: tens for
    /// what is cut anywhere, else whole frames of 20 ms; 10–60.
    #[must_use]
    pub const fn packet_ms(self, wished_ms: u16) -> u16 {
        let (least, step) = match self.packing() {
            Packing::Bytes => (10, 10),
            Packing::Frames(_) | Packing::Packets => (20, 20),
        };
        let wished = wished_ms / step * step;
        if wished < least {
            least
        } else if wished > 60 {
            60
        } else {
            wished
        }
    }

    /// Whether it is spoken only where nothing else is common: it sounds worse than G.711, and some phones list it first.
    #[must_use]
    pub const fn is_last_resort(self) -> bool {
        matches!(self, Self::Gsm)
    }

    /// A small index for tables of [`Codec::ALL`]'s length.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 1,
            Self::G722 => 2,
            Self::Opus => 3,
            Self::Gsm => 4,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Codec {
    type Err = ();
    /// Encoding names compare without case (RFC 8866 §6.6).
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}

/// The codecs that may be spoken with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codecs {
    /// Best first, each once; never empty in a useful value.
    pub list: Vec<Codec>,
    /// Somebody wrote this order down, so it decides what is spoken. Otherwise the peer's order does.
    pub is_ranked: bool,
}

impl Codecs {
    /// These alone, in this order.
    #[must_use]
    pub const fn ranked(list: Vec<Codec>) -> Self {
        Self { list, is_ranked: true }
    }

    /// Every codec, in whichever order the peer likes.
    #[must_use]
    pub fn all() -> Self {
        Self { list: Codec::ALL.to_vec(), is_ranked: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_rfcs() {
        let rows = Codec::ALL.map(|codec| (codec.name(), codec.payload_type(), codec.clock_rate(), codec.sample_rate(), codec.index()));
        assert_eq!(
            rows,
            [
                ("PCMU", 0, 8_000, 8_000, 0),
                ("PCMA", 8, 8_000, 8_000, 1),
                ("G722", 9, 8_000, 16_000, 2),
                ("opus", 96, 48_000, 16_000, 3),
                ("GSM", 3, 8_000, 8_000, 4),
            ]
        );
        assert_eq!("Opus".parse(), Ok(Codec::Opus));
        assert!(Codec::ALL.iter().all(|codec| codec.is_static() == (codec.payload_type() < 96)));
    }

    #[test]
    fn packets_are_as_long_as_the_codec_can() {
        let lengths = |codec: Codec| [0, 10, 20, 25, 30, 40, 50, 60, 200].map(|wish| codec.packet_ms(wish));
        assert_eq!(lengths(Codec::Pcma), [10, 10, 20, 20, 30, 40, 50, 60, 60]);
        assert_eq!(lengths(Codec::Opus), [20, 20, 20, 20, 20, 40, 40, 60, 60]);
        assert_eq!(lengths(Codec::Gsm), lengths(Codec::Opus));
    }
}
