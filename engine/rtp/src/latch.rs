//! Whose packets count, and where ours go: symmetric RTP without RTP Bleed (RELIABILITY M1).
//!
//! ```text
//! Open ── a packet from the signalled address ──────────────────────────▶ Signalled (strict)
//!   │ ─── the window closes ────────────────────────────────────────────▶ Signalled (strict)
//!   └──── 3 packets in a row, one source, one SSRC, if it may move ─────▶ Moved      (strict)
//! ```
//! Only a new agreement ([`Latch::rearm`]) leaves a strict state.

use crate::{
    limits::{LATCH_PACKETS, LATCH_WINDOW},
    packet::Packet,
};
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// Whether a stream may move to an address nobody signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetric {
    /// Never: only the signalled address counts.
    Never,
    /// Only to another port of the signalled host: its signalling comes from there, so its packets do.
    SameHost,
    /// Only when the signalled address is private (RFC 1918, RFC 6598, loopback, link-local, ULA), or the source differs
    /// from it in its port only.
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

/// A source nobody signalled that has begun to speak.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    in_a_row: u8,
}

/// Decides by source address, packet by packet. What it asks of each comes first and lies together.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Latch {
    state: LatchState,
    signalled: SocketAddr,
    /// The signalled address itself was heard: it is not behind NAT, and nobody else is believed until it changes.
    signalled_spoke: bool,
    signalled_rtcp: SocketAddr,
    symmetric: Symmetric,
    window: Duration,
    closes: Instant,
    /// While open after a rearm towards the same address: where the stream had moved before.
    before: Option<SocketAddr>,
    candidate: Option<Candidate>,
    moved_rtcp: Option<SocketAddr>,
    ignored: u64,
}

impl Latch {
    /// A stream answered at `now` towards the signalled addresses of RTP and RTCP. (The same for RTCP when multiplexed.)
    #[must_use]
    pub fn new(signalled: SocketAddr, signalled_rtcp: SocketAddr, symmetric: Symmetric, now: Instant) -> Self {
        Self {
            signalled,
            signalled_rtcp,
            symmetric,
            window: LATCH_WINDOW,
            closes: now + LATCH_WINDOW,
            state: if is_nowhere(signalled) { LatchState::Signalled } else { LatchState::Open },
            before: None,
            signalled_spoke: false,
            candidate: None,
            moved_rtcp: None,
            ignored: 0,
        }
    }

    /// The same with another window than [`LATCH_WINDOW`], for this and later agreements.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.closes = self.closes - self.window + window;
        self.window = window;
        self
    }

    /// A new agreement (re-INVITE): a new window opens at `now`. When the signalled address is the same as before, one that
    /// spoke itself stays the only one believed, and a moved stream stays where it is unless, its source being silent,
    /// another port of the same host latches: so the silence after a hold gives a stranger no chance. When the new
    /// address is nowhere (0.0.0.0, port 0: hold), the last source stays the only one believed.
    pub fn rearm(&mut self, signalled: SocketAddr, signalled_rtcp: SocketAddr, symmetric: Symmetric, now: Instant) {
        self.candidate = None;
        self.symmetric = symmetric;
        if is_nowhere(signalled) {
            self.state = LatchState::Moved(self.target());
            return;
        }
        let moved = match self.state {
            LatchState::Moved(to) => Some(to),
            LatchState::Open => self.before,
            LatchState::Signalled => None,
        };
        let same = same_address(signalled, self.signalled);
        self.before = moved.filter(|_| same);
        self.signalled_spoke &= same;
        if !same || !same_address(signalled_rtcp, self.signalled_rtcp) {
            self.moved_rtcp = None;
        }
        self.signalled = signalled;
        self.signalled_rtcp = signalled_rtcp;
        self.closes = now + self.window;
        self.state = if self.signalled_spoke { LatchState::Signalled } else { LatchState::Open };
    }

    /// Judges an RTP packet from `source`.
    pub fn judge(&mut self, source: SocketAddr, packet: &Packet<'_>, now: Instant) -> Verdict {
        let verdict = match self.state {
            LatchState::Signalled if same_address(source, self.signalled) => {
                self.signalled_spoke = true;
                Verdict::Accept
            }
            LatchState::Moved(to) if same_address(source, to) => Verdict::Accept,
            LatchState::Signalled | LatchState::Moved(_) => Verdict::Ignore,
            LatchState::Open => self.judge_open(source, packet, now),
        };
        if verdict == Verdict::Ignore {
            self.ignored = self.ignored.saturating_add(1);
        }
        verdict
    }

    fn judge_open(&mut self, source: SocketAddr, packet: &Packet<'_>, now: Instant) -> Verdict {
        if same_address(source, self.signalled) {
            self.signalled_spoke = true;
            self.settle(LatchState::Signalled);
            return Verdict::Accept;
        }
        if let Some(before) = self.before.filter(|before| same_address(source, *before)) {
            self.settle(LatchState::Moved(before));
            return Verdict::Accept;
        }
        if now >= self.closes {
            self.settle(self.before.map_or(LatchState::Signalled, LatchState::Moved));
            return Verdict::Ignore;
        }
        // Who could never be believed does not disturb who may be.
        if !self.may_move_to(source.ip()) {
            return Verdict::Ignore;
        }
        let in_a_row = match self.candidate {
            Some(known)
                if known.source == source
                    && known.ssrc == packet.ssrc
                    && packet.sequence == known.sequence.wrapping_add(1) =>
            {
                known.in_a_row.saturating_add(1)
            }
            Some(_) | None => 1,
        };
        if in_a_row >= LATCH_PACKETS {
            self.moved_rtcp = None;
            self.settle(LatchState::Moved(source));
            return Verdict::AcceptAndMove;
        }
        self.candidate = Some(Candidate { source, ssrc: packet.ssrc, sequence: packet.sequence, in_a_row });
        Verdict::Ignore
    }

    fn settle(&mut self, state: LatchState) {
        self.state = state;
        self.candidate = None;
        self.before = None;
    }

    fn may_move_to(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        let signalled = self.signalled.ip().to_canonical();
        if source.is_unspecified() || source.is_multicast() {
            return false;
        }
        if self.before.is_some_and(|before| before.ip().to_canonical() != source) {
            return false;
        }
        match self.symmetric {
            Symmetric::Never => false,
            Symmetric::SameHost => source == signalled,
            Symmetric::BehindNat => source == signalled || is_private(signalled),
            Symmetric::Allowed => true,
        }
    }

    /// Judges an RTCP packet from `source`. RTCP never moves RTP. It is believed from the signalled RTCP address (until RTP
    /// has moved), where RTP goes (multiplexed), and after RTP moved from the first source with the moved-to IP address.
    pub fn judge_rtcp(&mut self, source: SocketAddr) -> Verdict {
        let multiplexed = same_address(self.signalled, self.signalled_rtcp);
        let moved = match self.state {
            LatchState::Moved(to) => Some(to),
            LatchState::Open => self.before,
            LatchState::Signalled => None,
        };
        let verdict = match (moved, self.moved_rtcp) {
            (None, _) if same_address(source, self.signalled_rtcp) => Verdict::Accept,
            (Some(to), _) if multiplexed && same_address(source, to) => Verdict::Accept,
            (Some(_), Some(known)) if same_address(source, known) => Verdict::Accept,
            (Some(to), None) if !multiplexed && source.ip().to_canonical() == to.ip().to_canonical() => {
                self.moved_rtcp = Some(source);
                Verdict::AcceptAndMove
            }
            (None | Some(_), None | Some(_)) => Verdict::Ignore,
        };
        if verdict == Verdict::Ignore {
            self.ignored = self.ignored.saturating_add(1);
        }
        verdict
    }

    /// Where to send RTP.
    #[must_use]
    pub fn target(&self) -> SocketAddr {
        match self.state {
            LatchState::Moved(to) => to,
            LatchState::Open => self.before.unwrap_or(self.signalled),
            LatchState::Signalled => self.signalled,
        }
    }

    /// Where to send RTCP: with RTP when multiplexed, else the signalled address until RTCP came from where RTP moved to.
    #[must_use]
    pub fn target_rtcp(&self) -> SocketAddr {
        if same_address(self.signalled, self.signalled_rtcp) {
            self.target()
        } else {
            self.moved_rtcp.unwrap_or(self.signalled_rtcp)
        }
    }

    /// What has been decided.
    #[must_use]
    pub const fn state(&self) -> LatchState {
        self.state
    }

    /// How many packets were ignored.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }
}

/// IP and port alike; an IPv4 address seen through an IPv6 socket is the same address.
fn same_address(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

fn is_nowhere(address: SocketAddr) -> bool {
    address.ip().is_unspecified() || address.port() == 0
}

/// Addresses that mean nothing outside the peer's own network: RFC 1918, RFC 6598, loopback, link-local, ULA.
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
#[path = "latch_tests.rs"]
mod tests;
