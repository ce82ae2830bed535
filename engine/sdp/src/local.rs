//! Our side of a description.

use std::net::SocketAddr;
use terms::{Codec, Codecs, MasterKey, Srtp};

/// What we can do, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs, best first; never empty in a useful value.
    pub codecs: Codecs,
    /// Spoken before all others where the peer can: what the other side of a bridge speaks, so that nothing is transcoded.
    pub first: Option<Codec>,
    /// Whether keys are sent and heard as RFC 4733 events.
    pub dtmf: bool,
    /// Packet length we wish for, in milliseconds (`a=ptime`), 20 normally.
    pub ptime_ms: u16,
    /// Whether media is protected: off (the default) offers plain RTP and takes nothing else; optional offers both in one
    /// line (`RTP/AVP` with `a=crypto`) and takes what comes; required offers and takes protected media alone.
    pub srtp: Srtp,
}

impl Default for Capabilities {
    /// Every codec as the peer likes, keys as events, 20 ms, plain RTP.
    fn default() -> Self {
        Self { codecs: Codecs::all(), first: None, dtmf: true, ptime_ms: 20, srtp: Srtp::Off }
    }
}

impl Capabilities {
    /// Our codecs in the order in which they are offered.
    pub(crate) fn offered(&self) -> impl Iterator<Item = Codec> {
        let list = &self.codecs.list;
        let first = self.first.filter(|codec| list.contains(codec));
        first.into_iter().chain(list.iter().copied().filter(move |codec| Some(*codec) != first))
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
