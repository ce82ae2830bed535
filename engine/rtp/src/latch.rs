//! Whose packets count, and where ours go (symmetric RTP without RTP Bleed).

use crate::packet::Packet;
use std::{net::SocketAddr, time::Instant};

/// Whether a stream may move to an address nobody signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetric {
    /// Never: only the signalled address counts.
    Never,
    /// Only when the signalled address is private (RFC 1918, 6598, link-local, ULA, unspecified), or the source differs in its port only.
    BehindNat,
    /// For any signalled address (the peer is known to be behind NAT, as seen in signalling).
    Allowed,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is our peer's.
    Accept,
    /// It is our peer's, and from now on its source is where we send to.
    AcceptAndMove,
    /// Not played, not recorded, no key taken, never answered.
    Ignore,
}

/// What the latch has decided so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatchState {
    /// The window is open and nobody was believed yet.
    Open,
    /// The signalled address spoke, or the window closed: strict.
    Signalled,
    /// Moved to this source: strict.
    Moved(SocketAddr),
}

/// Decides by source address, packet by packet.
#[derive(Clone, Debug)]
pub struct Latch {
    signalled: SocketAddr,
}

impl Latch {
    /// A stream answered at `now` towards the signalled addresses of RTP and RTCP. (The same for RTCP when multiplexed.)
    #[must_use]
    pub fn new(signalled: SocketAddr, signalled_rtcp: SocketAddr, symmetric: Symmetric, now: Instant) -> Self {
        let _ = (signalled_rtcp, symmetric, now);
        Self { signalled }
    }
    /// A new agreement (re-INVITE): everything begins anew at `now`, unless the signalled addresses are the same as before,
    /// in which case what was decided stays valid until the new window decides otherwise.
    pub fn rearm(&mut self, signalled: SocketAddr, signalled_rtcp: SocketAddr, symmetric: Symmetric, now: Instant) {
        let _ = (signalled, signalled_rtcp, symmetric, now);
        todo!()
    }
    /// Judges an RTP packet from `source`.
    pub fn judge(&mut self, source: SocketAddr, packet: &Packet<'_>, now: Instant) -> Verdict {
        let _ = (source, packet, now);
        todo!()
    }
    /// Judges an RTCP packet from `source`. RTCP never moves RTP; it is believed from the signalled RTCP address and, after
    /// RTP moved, from the moved-to IP address.
    pub fn judge_rtcp(&mut self, source: SocketAddr) -> Verdict {
        let _ = source;
        todo!()
    }
    /// Where to send RTP.
    #[must_use]
    pub const fn target(&self) -> SocketAddr {
        self.signalled
    }
    /// Where to send RTCP.
    #[must_use]
    pub const fn target_rtcp(&self) -> SocketAddr {
        self.signalled
    }
    /// What has been decided.
    #[must_use]
    pub const fn state(&self) -> LatchState {
        todo!()
    }
    /// How many packets were ignored.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        todo!()
    }
}
