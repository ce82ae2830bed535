//! The exchange's media sockets: which leg has which port, and what they send in one turn.

use crate::limits::MEDIA_PORTS;
use call::{Seat, Sockets};
use std::{collections::BTreeMap, net::SocketAddr};
use terms::LegId;

/// A leg of a call in a shard.
pub(crate) type Owner = (usize, Seat, LegId);

/// A packet that waits in a socket: from whom, to which port.
pub(crate) type Kept = (SocketAddr, u16, Vec<u8>);

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Ports {
    next: u16,
    by_owner: BTreeMap<Owner, u16>,
    by_port: BTreeMap<u16, Owner>,
    /// RTP ports of calls on their way from shard to shard, with the packets that wait in them.
    lifted: BTreeMap<u16, Vec<Kept>>,
    /// Sent since the last look: own port, to whom, bytes.
    pub(crate) sent: Vec<(u16, SocketAddr, Vec<u8>)>,
    /// What sockets were asked to do that they cannot.
    pub(crate) faults: Vec<String>,
}

impl Ports {
    pub(crate) fn new(skip: u64) -> Self {
        let pairs = u64::from(MEDIA_PORTS.end - MEDIA_PORTS.start) / 2;
        let next = MEDIA_PORTS.start + 2 * u16::try_from(skip % pairs).unwrap_or(0);
        Self { next, by_owner: BTreeMap::new(), by_port: BTreeMap::new(), lifted: BTreeMap::new(), sent: Vec::new(), faults: Vec::new() }
    }

    pub(crate) fn open(&mut self, owner: Owner) -> u16 {
        let port = self.next;
        self.next = if port + 3 < MEDIA_PORTS.end { port + 2 } else { MEDIA_PORTS.start };
        if self.by_owner.insert(owner, port).is_some() {
            self.faults.push(format!("the sockets of {owner:?} were opened twice"));
        }
        self.by_port.insert(port, owner);
        port
    }

    pub(crate) fn close(&mut self, owner: Owner) {
        match self.by_owner.remove(&owner) {
            Some(port) => {
                self.by_port.remove(&port);
            }
            None => self.faults.push(format!("the sockets of {owner:?} were closed without being open")),
        }
    }

    /// Takes all sockets of a call out of its shard.
    pub(crate) fn lift(&mut self, shard: usize, seat: Seat) -> Vec<(LegId, u16)> {
        let range = (shard, seat, LegId(0))..=(shard, seat, LegId(u16::MAX));
        let legs: Vec<(LegId, u16)> = self.by_owner.range(range).map(|((_, _, leg), port)| (*leg, *port)).collect();
        for (leg, port) in &legs {
            self.by_owner.remove(&(shard, seat, *leg));
            self.by_port.remove(port);
            self.lifted.insert(*port, Vec::new());
        }
        legs
    }

    /// Gives them to another; answers the packets that waited in them.
    pub(crate) fn settle(&mut self, (shard, seat): (usize, Seat), legs: &[(LegId, u16)]) -> Vec<Kept> {
        let mut waiting = Vec::new();
        for (leg, port) in legs {
            waiting.extend(self.lifted.remove(port).into_iter().flatten());
            self.by_owner.insert((shard, seat, *leg), *port);
            self.by_port.insert(*port, (shard, seat, *leg));
        }
        waiting
    }

    /// A packet for a socket that is between two shards, if it is one.
    pub(crate) fn keep(&mut self, from: SocketAddr, port: u16, bytes: Vec<u8>) {
        if let Some(waiting) = self.lifted.get_mut(&(port & !1)) {
            waiting.push((from, port, bytes));
        }
    }

    /// Sockets between shards.
    pub(crate) fn between(&self) -> usize {
        self.lifted.len()
    }

    /// Whose socket this is, and whether it is the one for RTCP.
    pub(crate) fn owner(&self, port: u16) -> Option<(Owner, bool)> {
        self.by_port.get(&(port & !1)).map(|owner| (*owner, port % 2 == 1))
    }

    /// RTP ports open now.
    pub(crate) fn open_now(&self) -> impl Iterator<Item = u16> {
        self.by_port.keys().copied()
    }
}

/// One shard's view of them.
pub(crate) struct ShardPorts<'a> {
    pub(crate) ports: &'a mut Ports,
    pub(crate) shard: usize,
}

impl ShardPorts<'_> {
    fn send(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8], above: u16) {
        match self.ports.by_owner.get(&(self.shard, seat, leg)) {
            Some(port) => self.ports.sent.push((port + above, to, packet.to_vec())),
            None => self.ports.faults.push(format!("{seat:?} {leg:?} sends to {to} without a socket")),
        }
    }
}

impl Sockets for ShardPorts<'_> {
    fn rtp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.send(seat, leg, to, packet, 0);
    }
    fn rtcp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.send(seat, leg, to, packet, 1);
    }
}
