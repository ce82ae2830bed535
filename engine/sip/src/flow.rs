//! Where bytes come from and go to.

use crate::Uri;
use std::{fmt, net::SocketAddr};

/// The kinds of transport the engine listens on (RFC 3261 §18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams: what is lost is sent again by the transaction.
    Udp,
    /// A byte stream, framed by `Content-Length`.
    Tcp,
}

impl Transport {
    /// The name in `Via` (`UDP`, `TCP`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
    /// The value of a URI's `transport` parameter (`udp`, `tcp`).
    #[must_use]
    pub const fn param(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
    /// Whether the transport itself repeats what is lost, so the transaction need not.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        matches!(self, Self::Tcp)
    }
    /// Reads `udp`/`tcp` in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp].into_iter().find(|t| t.name().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One path to one peer: a pair of addresses, and for streams the connection itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// UDP or TCP.
    pub transport: Transport,
    /// Our address (the bound socket's).
    pub local: SocketAddr,
    /// The peer's address as the socket saw it.
    pub peer: SocketAddr,
    /// The shell's number of the connection, never used twice; 0 for UDP.
    pub connection: u64,
}

impl Flow {
    /// The peer of this flow as a target, for instance to reach it again after the connection closed.
    #[must_use]
    pub const fn target(self) -> Target {
        Target { transport: self.transport, addr: self.peer }
    }
}

/// A resolved address to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// UDP or TCP.
    pub transport: Transport,
    /// Address and port.
    pub addr: SocketAddr,
}

/// Where a request goes next.
#[derive(Clone, Debug, PartialEq)]
pub enum NextHop {
    /// Along a path that exists: back to a device behind NAT, or on an open connection.
    /// When the connection is gone the endpoint connects to its peer's address anew.
    Flow(Flow),
    /// To an address; a stream to it is reused or opened.
    Target(Target),
    /// To whatever this URI resolves to (RFC 3263).
    Uri(Uri),
}
