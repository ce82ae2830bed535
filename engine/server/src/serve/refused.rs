//! What the system is told of packets that came back: ICMP destination unreachable, from a socket's error queue (`ip(7)`, `IP_RECVERR`).
//!
//! A socket that is not connected hears of it only by this option; so it costs nothing until a word comes. Two things come with
//! it, and [`super::ports`] minds both: a word that waits is the error of the next call on the socket, whichever that is, and what
//! that call should do is not done; and epoll tells of it until the queue is read empty.
//!
//! `nix` (MIT, kept by the Rust community, on `libc`) reads the queue in safe Rust; `rustix` does not know the option.

use call::{SentBack, Unreachable};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
};

/// Destination unreachable: origin and type of `sock_extended_err` (RFC 792; RFC 4443 §3.1).
const BY_ICMP: (u8, u8) = (2, 3);
const BY_ICMP6: (u8, u8) = (3, 1);

/// Reads the error queues of a shard's sockets.
pub(super) struct Refusals {
    /// Room for one word's control message.
    control: Vec<u8>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self { control: nix::cmsg_space!([u8; 64]) }
    }

    /// Asks the system to keep what it is told of a socket's packets. Without it nothing is missing but the reason.
    pub(super) fn ask(socket: &impl AsFd, is_ipv4: bool) {
        let for_ipv4 = setsockopt(socket, sockopt::Ipv4RecvErr, &true);
        // A socket of IPv6 may send to addresses of IPv4, too.
        let asked = if is_ipv4 { for_ipv4 } else { setsockopt(socket, sockopt::Ipv6RecvErr, &true) };
        if let Err(fault) = asked {
            tracing::debug!(%fault, "the system does not tell of closed ports");
        }
    }

    /// Takes one word out of a socket's queue: `None` when it is empty, `Some(None)` for a word of something else.
    pub(super) fn take(&mut self, socket: &impl AsRawFd) -> Option<Option<SentBack>> {
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let word = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut [], Some(&mut self.control), flags).ok()?;
        let target = word.address.and_then(address);
        let told = word.cmsgs().ok().into_iter().flatten().find_map(|told| {
            if let ControlMessageOwned::Ipv4RecvErr(error, by) = told {
                let by = by.map(|by| IpAddr::V4(Ipv4Addr::from(by.sin_addr.s_addr.to_ne_bytes())));
                Some(((error.ee_origin, error.ee_type, error.ee_code), by))
            } else if let ControlMessageOwned::Ipv6RecvErr(error, by) = told {
                let by = by.map(|by| IpAddr::V6(Ipv6Addr::from(by.sin6_addr.s6_addr)));
                Some(((error.ee_origin, error.ee_type, error.ee_code), by))
            } else {
                None
            }
        });
        let (target, ((origin, kind, code), by)) = match (target, told) {
            (Some(target), Some(told)) => (target, told),
            (Some(_) | None, Some(_) | None) => return Some(None),
        };
        let what = match (origin, kind) {
            BY_ICMP => Unreachable::of_icmp(code),
            BY_ICMP6 => Unreachable::of_icmp6(code),
            _ => None,
        };
        Some(what.map(|what| SentBack { target, what, by: by.unwrap_or(target.ip()) }))
    }
}

fn address(storage: SockaddrStorage) -> Option<SocketAddr> {
    let four = storage.as_sockaddr_in().map(|found| SocketAddr::V4((*found).into()));
    four.or_else(|| storage.as_sockaddr_in6().map(|found| SocketAddr::V6((*found).into())))
}
