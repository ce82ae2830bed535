//! The machine's own address, asked of its routing table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address of the default route: what a peer elsewhere would see us by, short of NAT. Nothing is sent. Loopback when there is none.
#[must_use]
pub(crate) fn primary_address(v6: bool) -> IpAddr {
    // Addresses of the documentation ranges (RFC 5737, RFC 3849): routed by default, owned by nobody.
    let (any, far, loopback): (SocketAddr, SocketAddr, IpAddr) = if v6 {
        let far = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        ((Ipv6Addr::UNSPECIFIED, 0).into(), (far, 9).into(), Ipv6Addr::LOCALHOST.into())
    } else {
        ((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into(), Ipv4Addr::LOCALHOST.into())
    };
    let found = UdpSocket::bind(any).and_then(|socket| socket.connect(far).and_then(|()| socket.local_addr()));
    found.ok().map(|address| address.ip()).filter(|address| !address.is_unspecified()).unwrap_or(loopback)
}
