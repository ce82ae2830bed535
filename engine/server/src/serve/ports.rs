//! RTP and RTCP sockets of one shard: opened in pairs, found by the call's seat, sent from without waiting.
//!
//! A port whose call is over rests before another call has it (RELIABILITY M5): its peer may go on sending for a while, and what
//! it sends must not reach a stranger's ear or recording. The port that has rested longest is always the next: for 32 s and more,
//! unless there are so many calls that it is that one or none.
//!
//! `rustix` gives the system calls in safe Rust, without the second call per packet that edge-triggered polling needs.

use super::{
    batch::Arrival,
    refused::Refusals,
};
use call::{Seat, SentBack, Sockets};
use rustix::{
    event::epoll,
    io::Errno,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto, socket_with},
};
use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};
use smallvec::SmallVec;
use terms::LegId;

/// Pairs tried before "no ports left" (others on the machine may hold some).
const TRIES: usize = 64;
/// How long a port rests (RELIABILITY M5): 64·T1, after which no lost BYE is repeated any more.
const REST: Duration = Duration::from_secs(32);
/// Ports of other shards that rest here, bound: those of calls that were handed over. More are given back at once.
const GUESTS_MAX: usize = 64;
/// Set in a token for the RTCP socket of a leg.
const RTCP: u64 = 1 << 48;

/// Both sockets of a leg.
pub(super) struct Pair {
    leg: LegId,
    port: u16,
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
    /// Those not in use, the one that has rested longest first.
    free: VecDeque<u16>,
    /// By seat; most calls have one leg or two.
    seats: Vec<SmallVec<[Pair; 2]>>,
    /// Pairs of other shards that rest, for nobody here could keep their own shard from taking their ports.
    guests: VecDeque<(Instant, Pair)>,
    epoll: OwnedFd,
    refusals: Refusals,
    /// Packets the system did not take.
    pub(super) unsent: u64,
}

impl Ports {
    pub(super) fn new(bind_to: IpAddr, advertised: IpAddr, range: Range<u16>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let free = range.clone().step_by(2).filter(|port| port + 1 < range.end).collect();
        Ok(Self { bind_to, advertised, range, free, seats: Vec::new(), guests: VecDeque::new(), epoll, refusals: Refusals::new(), unsent: 0 })
    }

    /// What the shard waits on.
    pub(super) const fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    /// Opens a leg's pair; the address peers are told.
    pub(super) fn open(&mut self, seat: Seat, leg: LegId, now: Instant) -> Option<SocketAddr> {
        self.wake(now);
        for _ in 0..TRIES.min(self.free.len()) {
            let port = self.free.pop_front()?;
            if let Ok(pair) = self.bind_pair(seat, leg, port) {
                self.place(seat).push(pair);
                return Some(SocketAddr::new(self.advertised, port));
            }
            self.free.push_back(port);
        }
        None
    }

    /// Ends the rest of guests that have had enough.
    fn wake(&mut self, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= REST;
        while self.guests.pop_front_if(|(since, _)| is_over(*since)).is_some() {}
    }

    fn bind_pair(&self, seat: Seat, leg: LegId, port: u16) -> io::Result<Pair> {
        let rtp = self.bind_one(port)?;
        // Of RTP only: that nobody listens for reports is nobody's trouble.
        Refusals::ask(&rtp, self.bind_to.is_ipv4());
        let rtcp = self.bind_one(port + 1)?;
        let pair = Pair { leg, port, rtp, rtcp };
        self.watch(seat, &pair)?;
        Ok(pair)
    }

    fn bind_one(&self, port: u16) -> io::Result<OwnedFd> {
        let family = if self.bind_to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::DGRAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddr::new(self.bind_to, port))?;
        Ok(socket)
    }

    /// Closes a leg's pair; its port rests.
    pub(super) fn close(&mut self, seat: Seat, leg: LegId, now: Instant) {
        self.wake(now);
        let Some(pairs) = self.seats.get_mut(seat.0 as usize) else { return };
        while let Some(at) = pairs.iter().position(|pair| pair.leg == leg) {
            let pair = pairs.swap_remove(at);
            if self.range.contains(&pair.port) {
                self.free.push_back(pair.port);
            } else if self.guests.len() < GUESTS_MAX {
                for socket in [&pair.rtp, &pair.rtcp] {
                    if let Err(fault) = epoll::delete(&self.epoll, socket) {
                        tracing::error!(%fault, "a socket cannot be taken out of epoll");
                    }
                }
                self.guests.push_back((now, pair));
            }
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
        // Here it cannot be bound while the other shard has it: until then it is passed over.
        self.free.extend(pairs.iter().map(|pair| pair.port).filter(|port| self.range.contains(port)));
        pairs
    }

    /// Takes up the sockets of a call that came from another shard.
    pub(super) fn settle(&mut self, seat: Seat, pairs: Vec<Pair>) {
        for pair in pairs {
            // One of ours comes back.
            self.free.retain(|port| *port != pair.port);
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
    pub(super) fn receive(&self, token: u64, buffer: &mut [u8]) -> Option<Arrival> {
        let (seat, leg, is_rtcp) = read_token(token);
        let pair = self.seats.get(seat.0 as usize)?.iter().find(|pair| pair.leg == leg)?;
        let socket = if is_rtcp { &pair.rtcp } else { &pair.rtp };
        let (length, _, from) = match recvfrom(socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Err(fault) if is_of_another(fault) => recvfrom(socket, buffer, RecvFlags::DONTWAIT),
            read => read,
        }
        .ok()?;
        let from = SocketAddr::try_from(from?).ok()?;
        Some(Arrival { seat, leg, is_rtcp, from, length })
    }

    /// Takes one word of a packet that came back out of what a token names; `None` when there is none.
    pub(super) fn refused(&mut self, token: u64) -> Option<(Seat, LegId, Option<SentBack>)> {
        let (seat, leg, is_rtcp) = read_token(token);
        let pair = self.seats.get(seat.0 as usize)?.iter().find(|pair| pair.leg == leg)?;
        let word = self.refusals.take(if is_rtcp { &pair.rtcp } else { &pair.rtp })?;
        Some((seat, leg, word))
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

/// Whether the fault may be of a packet sent before, told now, and this one was not looked at. Either it is gone with that, or the
/// next try meets it again.
const fn is_of_another(fault: Errno) -> bool {
    !matches!(fault, Errno::AGAIN | Errno::NOBUFS)
}

/// Sends a packet; `false` when the system does not take it.
fn send(socket: &OwnedFd, packet: &[u8], to: &SocketAddr) -> bool {
    match sendto(socket, packet, SendFlags::DONTWAIT, to) {
        Ok(_) => true,
        Err(fault) => is_of_another(fault) && sendto(socket, packet, SendFlags::DONTWAIT, to).is_ok(),
    }
}

impl Sockets for Ports {
    fn rtp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(seat, leg).is_some_and(|pair| send(&pair.rtp, packet, &to));
        self.unsent += u64::from(!sent);
    }
    fn rtcp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(seat, leg).is_some_and(|pair| send(&pair.rtcp, packet, &to));
        self.unsent += u64::from(!sent);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn start() -> Instant {
        Instant::now()
    }

    /// Six ports in a row that are free now, from `begin`: each test has its own.
    fn ports(begin: u16) -> Ports {
        let here = IpAddr::from([127, 0, 0, 1]);
        (0..200_u16)
            .map(|n| begin + n * 12)
            .map(|first| Ports::new(here, here, first..first + 6).unwrap())
            .find(|ports| ports.range.clone().all(|port| ports.bind_one(port).is_ok()))
            .unwrap()
    }

    #[test]
    fn m5_a_port_rests_for_32_s_unless_all_are_taken() {
        let (mut ports, begin) = (ports(31_000), start());
        let first = ports.range.start;
        let open = |ports: &mut Ports, seat: u32, ms: u64| ports.open(Seat(seat), LegId::CALLER, begin + Duration::from_millis(ms)).map(|address| address.port() - first);
        assert_eq!(open(&mut ports, 0, 0), Some(0));
        ports.close(Seat(0), LegId::CALLER, begin);
        assert_eq!((open(&mut ports, 1, 10), open(&mut ports, 2, 20)), (Some(2), Some(4)));
        ports.close(Seat(1), LegId::CALLER, begin + Duration::from_secs(1));
        // 0 rests since 0 s, 2 since 1 s, 4 is taken: nobody is turned away, the longest rest ends.
        assert_eq!(open(&mut ports, 3, 2_000), Some(0));
        ports.close(Seat(2), LegId::CALLER, begin + Duration::from_secs(3));
        // 2 has rested for 32 s, 4 has not.
        assert_eq!(open(&mut ports, 4, 33_000), Some(2));
        assert_eq!(open(&mut ports, 5, 36_000), Some(4));
        assert_eq!(open(&mut ports, 6, 36_000), None, "all three are taken");
    }

    #[test]
    fn m5_a_port_of_a_call_that_was_handed_over_rests_as_well() {
        let (mut one, begin) = (ports(33_400), start());
        let here = IpAddr::from([127, 0, 0, 1]);
        let mut two = Ports::new(here, here, 1..1).unwrap();
        let port = one.open(Seat(0), LegId::CALLER, begin).unwrap().port();
        two.settle(Seat(7), one.lift(Seat(0)));
        two.close(Seat(7), LegId::CALLER, begin);
        one.free.retain(|other| *other != port);
        one.free.push_front(port);
        assert_ne!(one.open(Seat(1), LegId::CALLER, begin).unwrap().port(), port, "it rests where it ended");
        two.close(Seat(9), LegId::CALLER, begin + Duration::from_secs(33));
        one.free.retain(|other| *other != port);
        one.free.push_front(port);
        assert_eq!(one.open(Seat(2), LegId::CALLER, begin + Duration::from_secs(33)).unwrap().port(), port);
    }

    #[test]
    fn a_closed_port_is_told_of_and_no_packet_of_others_is_lost_by_it() {
        let (mut ports, begin) = (ports(36_000), start());
        let here = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let (seat, leg) = (Seat(3), LegId(1));
        let own = ports.open(seat, leg, begin).unwrap();
        let token = u64::from(seat.0) | (u64::from(leg.0) << 32);
        let open = std::net::UdpSocket::bind(here(0)).unwrap();
        let gone = std::net::UdpSocket::bind(here(0)).unwrap().local_addr().unwrap();
        let mut buffer = [0; 64];
        assert!(ports.refused(token).is_none(), "nothing was sent");
        for at in 0..20_u8 {
            ports.rtp(seat, leg, gone, &[at]);
            open.send_to(&[at], own).unwrap();
            // The word of the packet before waits by now (on loopback it comes at once).
            ports.rtp(seat, leg, open.local_addr().unwrap(), &[at]);
            ports.rtp(seat, leg, gone, &[at]);
            let read = ports.receive(token, &mut buffer).map(|arrival| buffer[..arrival.length].to_vec());
            assert_eq!(read, Some(vec![at]), "what comes is read at once");
            assert_eq!(open.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()), Some(vec![at]), "what goes elsewhere goes");
            ports.rtp(seat, leg, gone, &[at]);
        }
        assert_eq!(ports.unsent, 0);
        let words: Vec<_> = std::iter::from_fn(|| ports.refused(token)).collect();
        assert!((20..=60).contains(&words.len()), "{} words of 60 packets", words.len());
        let word = Some(SentBack { target: gone, what: call::Unreachable::Port, by: gone.ip() });
        assert!(words.iter().all(|told| *told == (seat, leg, word)), "{words:?}");
        assert!(ports.receive(token, &mut buffer).is_none(), "read empty, nothing is left of it");
        // Of RTCP nobody is told, and of a leg that is gone nothing.
        ports.rtcp(seat, leg, gone, b"report");
        assert!(ports.refused(token | RTCP).is_none());
        ports.close(seat, leg, begin);
        assert!(ports.refused(token).is_none());
    }
}
