//! RTP and RTCP sockets of one shard: opened in pairs, found by the call's seat, sent from without waiting.
//!
//! `rustix` gives the system calls in safe Rust, without the second call per packet that edge-triggered polling needs.

use call::{Seat, Sockets};
use rustix::{
    event::epoll,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto, socket_with},
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    os::fd::OwnedFd,
};
use smallvec::SmallVec;
use terms::LegId;

/// Pairs tried before "no ports left" (others on the machine may hold some).
const TRIES: usize = 64;
/// Set in a token for the RTCP socket of a leg.
const RTCP: u64 = 1 << 48;

/// Both sockets of a leg.
pub(super) struct Pair {
    leg: LegId,
    rtp: OwnedFd,
    rtcp: OwnedFd,
}

/// See the head of this file.
pub(super) struct Ports {
    bind_to: IpAddr,
    /// What peers are told.
    advertised: IpAddr,
    /// Even ports of this shard.
    range: Range<u16>,
    next: u16,
    /// By seat; most calls have one leg or two.
    seats: Vec<SmallVec<[Pair; 2]>>,
    epoll: OwnedFd,
    /// Packets the system did not take.
    pub(super) unsent: u64,
}

impl Ports {
    pub(super) fn new(bind_to: IpAddr, advertised: IpAddr, range: Range<u16>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let next = range.start;
        Ok(Self { bind_to, advertised, range, next, seats: Vec::new(), epoll, unsent: 0 })
    }

    /// What the shard waits on.
    pub(super) const fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    /// Opens a leg's pair; the address peers are told.
    pub(super) fn open(&mut self, seat: Seat, leg: LegId) -> Option<SocketAddr> {
        for _ in 0..TRIES {
            let port = self.next;
            self.next = if port + 3 < self.range.end { port + 2 } else { self.range.start };
            let Ok(pair) = self.bind_pair(seat, leg, port) else { continue };
            self.place(seat).push(pair);
            return Some(SocketAddr::new(self.advertised, port));
        }
        None
    }

    fn bind_pair(&self, seat: Seat, leg: LegId, port: u16) -> io::Result<Pair> {
        let rtp = self.bind_one(port)?;
        let rtcp = self.bind_one(port + 1)?;
        let pair = Pair { leg, rtp, rtcp };
        self.watch(seat, &pair)?;
        Ok(pair)
    }

    fn bind_one(&self, port: u16) -> io::Result<OwnedFd> {
        let family = if self.bind_to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::DGRAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddr::new(self.bind_to, port))?;
        Ok(socket)
    }

    /// Closes a leg's pair.
    pub(super) fn close(&mut self, seat: Seat, leg: LegId) {
        if let Some(pairs) = self.seats.get_mut(seat.0 as usize) {
            pairs.retain(|pair| pair.leg != leg);
        }
    }

    /// Takes all sockets of a call out, for another shard. What arrives meanwhile waits in them.
    pub(super) fn lift(&mut self, seat: Seat) -> Vec<Pair> {
        let pairs = self.seats.get_mut(seat.0 as usize).map(|pairs| std::mem::take(pairs).into_vec()).unwrap_or_default();
        for socket in pairs.iter().flat_map(|pair| [&pair.rtp, &pair.rtcp]) {
            if let Err(fault) = epoll::delete(&self.epoll, socket) {
                tracing::error!(%fault, "a socket cannot be taken out of epoll");
            }
        }
        pairs
    }

    /// Takes up the sockets of a call that came from another shard.
    pub(super) fn settle(&mut self, seat: Seat, pairs: Vec<Pair>) {
        for pair in pairs {
            if let Err(fault) = self.watch(seat, &pair) {
                tracing::error!(%fault, "the sockets of a call from another shard cannot be watched");
            }
            self.place(seat).push(pair);
        }
    }

    fn place(&mut self, seat: Seat) -> &mut SmallVec<[Pair; 2]> {
        let index = seat.0 as usize;
        if self.seats.len() <= index {
            self.seats.resize_with(index + 1, SmallVec::new);
        }
        &mut self.seats[index]
    }

    fn watch(&self, seat: Seat, pair: &Pair) -> io::Result<()> {
        let token = u64::from(seat.0) | (u64::from(pair.leg.0) << 32);
        epoll::add(&self.epoll, &pair.rtp, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
        epoll::add(&self.epoll, &pair.rtcp, epoll::EventData::new_u64(token | RTCP), epoll::EventFlags::IN)?;
        Ok(())
    }

    /// Reads one packet of what a token of epoll names; `None` when there is none (or the leg is gone).
    pub(super) fn receive(&self, token: u64, buffer: &mut [u8]) -> Option<(Seat, LegId, bool, SocketAddr, usize)> {
        let (seat, leg, is_rtcp) = read_token(token);
        let pair = self.seats.get(seat.0 as usize)?.iter().find(|pair| pair.leg == leg)?;
        let socket = if is_rtcp { &pair.rtcp } else { &pair.rtp };
        let (length, _, from) = recvfrom(socket, buffer, RecvFlags::DONTWAIT).ok()?;
        let from = SocketAddr::try_from(from?).ok()?;
        Some((seat, leg, is_rtcp, from, length))
    }

    fn pair(&self, seat: Seat, leg: LegId) -> Option<&Pair> {
        self.seats.get(seat.0 as usize)?.iter().find(|pair| pair.leg == leg)
    }
}

fn read_token(token: u64) -> (Seat, LegId, bool) {
    let seat = u32::try_from(token & 0xffff_ffff).unwrap_or(u32::MAX);
    let leg = u16::try_from((token >> 32) & 0xffff).unwrap_or(u16::MAX);
    (Seat(seat), LegId(leg), token & RTCP != 0)
}

impl Sockets for Ports {
    fn rtp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(seat, leg).map(|pair| sendto(&pair.rtp, packet, SendFlags::DONTWAIT, &to));
        self.unsent += u64::from(!matches!(sent, Some(Ok(_))));
    }
    fn rtcp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(seat, leg).map(|pair| sendto(&pair.rtcp, packet, SendFlags::DONTWAIT, &to));
        self.unsent += u64::from(!matches!(sent, Some(Ok(_))));
    }
}

/// The part of the configured ports that shard `index` of `shards` hands out: beginning even, disjoint from the others'.
pub(super) fn share(ports: &std::ops::RangeInclusive<u16>, index: usize, shards: usize) -> Range<u16> {
    let (first, last) = (usize::from(*ports.start()).next_multiple_of(2), usize::from(*ports.end()) + 1);
    let each = (last.saturating_sub(first) / shards.max(1)) & !1;
    let begin = first + each * index;
    let end = (begin + each).min(last);
    let port = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    port(begin)..port(end)
}
