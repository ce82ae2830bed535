//! Our side of a description.

use std::net::SocketAddr;
use terms::{Codec, MasterKey, Srtp};

/// What we can do, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs, best first; never empty in a useful value.
    pub codecs: Vec<Codec>,
    /// Whether keys are sent and heard as RFC 4733 events.
    pub dtmf: bool,
    /// Packet length we wish for, in milliseconds (`a=ptime`), 20 normally.
    pub ptime_ms: u16,
    /// Whether media is protected: off (the default) offers plain RTP and takes nothing else; optional offers both in one
    /// line (`RTP/AVP` with `a=crypto`) and takes what comes; required offers and takes protected media alone.
    pub srtp: Srtp,
}

impl Default for Capabilities {
    /// Every codec, keys as events, 20 ms, plain RTP.
    fn default() -> Self {
        Self { codecs: Codec::ALL.to_vec(), dtmf: true, ptime_ms: 20, srtp: Srtp::Off }
    }
}

impl Capabilities {
    /// The same with `codec` first (a bridge offers the far leg what the near leg speaks). Unknown to us: unchanged.
    #[must_use]
    pub fn preferring(mut self, codec: Codec) -> Self {
        if let Some(at) = self.codecs.iter().position(|c| *c == codec) {
            self.codecs[..=at].rotate_right(1);
        }
        self
    }
}

/// Our end of a media stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The address and (even) port we advertise for RTP; RTCP is on the next port unless multiplexed.
    pub media: SocketAddr,
    /// What we can do.
    pub capabilities: Capabilities,
    /// Keys that were never used, one for each suite by its index; taken where a new key of ours is needed. Its owner puts
    /// new ones here before each offer and answer.
    pub keys: [MasterKey; 2],
}
