//! Audio codecs and what RTP says of them (RFC 3551 §6).

use std::{fmt, str::FromStr};

/// An audio codec the engine speaks. Every one of them carries 20 ms in 160 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz (static payload type 0).
    Pcmu,
    /// G.711 A-law, 8 kHz (static payload type 8).
    Pcma,
    /// G.722, 16 kHz audio at 64 kbit/s (static payload type 9; its RTP clock is 8000 by RFC 3551 §4.5.2).
    G722,
}

impl Codec {
    /// Every codec, most widely understood first.
    pub const ALL: [Self; 3] = [Self::Pcmu, Self::Pcma, Self::G722];

    /// The encoding name of `a=rtpmap` and of the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
        }
    }

    /// The static payload type (RFC 3551 table 4).
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
        }
    }

    /// RTP timestamp units a second.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        8_000
    }

    /// Audio samples a second after decoding.
    #[must_use]
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 => 16_000,
        }
    }

    /// Samples in 20 ms of decoded audio (160 or 320).
    #[must_use]
    pub const fn frame_samples(self) -> usize {
        (self.sample_rate() / 50) as usize
    }

    /// Payload bytes that hold 20 ms.
    #[must_use]
    pub const fn frame_bytes(self) -> usize {
        160
    }

    /// The payload byte of digital silence (0 for G.722 is near silence; encoders should encode zeros instead).
    #[must_use]
    pub const fn silence_byte(self) -> u8 {
        match self {
            Self::Pcmu => 0xff,
            Self::Pcma => 0xd5,
            Self::G722 => 0xfa,
        }
    }

    /// A small index for tables of [`Codec::ALL`]'s length.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 1,
            Self::G722 => 2,
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
