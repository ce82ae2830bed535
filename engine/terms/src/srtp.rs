//! Protected media (SRTP, RFC 3711) in the words that configuration, descriptions and packets share.

use crate::Secret;
use std::fmt;

/// Bytes of a master key (16) with its master salt (14) in both suites we speak (RFC 4568 §6.1).
pub const MASTER_KEY_BYTES: usize = 30;

/// A master key and its salt, as one text of a description carries them.
pub type MasterKey = Secret<[u8; MASTER_KEY_BYTES]>;

/// Whether media with somebody is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Srtp {
    /// Never: plain RTP.
    #[default]
    Off,
    /// Where the other side can, else plain RTP.
    Optional,
    /// Always; who cannot is refused.
    Required,
}

impl Srtp {
    /// Every choice, for tables.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::Required];

    /// Its word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// How packets are protected: AES-CM with 128 bits and HMAC-SHA1 (RFC 4568 §6.2), its tag of 80 or 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// `AES_CM_128_HMAC_SHA1_80`: the one everybody has.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: six bytes less a packet. Reports are tagged with 80 bits all the same.
    AesCm128HmacSha1_32,
}

impl CryptoSuite {
    /// Both, the stronger first.
    pub const ALL: [Self; 2] = [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// Its name in `a=crypto`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes that an RTP packet grows by.
    #[must_use]
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 => 4,
        }
    }

    /// A small index for tables of [`CryptoSuite::ALL`]'s length.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 => 0,
            Self::AesCm128HmacSha1_32 => 1,
        }
    }
}

impl fmt::Display for CryptoSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What two ends agreed on: one suite, and the key of each way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// The suite of both ways.
    pub suite: CryptoSuite,
    /// Ours: what we send.
    pub send: MasterKey,
    /// The peer's: what we receive.
    pub receive: MasterKey,
}
