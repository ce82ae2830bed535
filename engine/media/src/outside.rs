//! A leg that hears and is heard outside of its call: in a [`crate::Room`], by whose clock it is listened to.
//!
//! With one listener alone, whose codec takes its packets as they are, nothing is decoded: packets are [passed](Mixer::poll_passing)
//! from mixer to mixer as a bridge would relay them, keys included.

use crate::{
    Mixer, Wire,
    bridge::is_direct,
    joined::Joined,
    limits::{FRAME, PACKET_BYTES, PACKET_PAYLOAD_MAX, PASSING_MAX, QUIET_FRAMES},
};
use arrayvec::ArrayVec;
use rtp::Packet;
use std::time::Instant;
use terms::{Codec, KeyWay, LegId};

/// How a leg outside takes what it hears there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The codec of its sound.
    pub codec: Codec,
    /// The way of its keys.
    pub key_way: KeyWay,
    /// What it hears is recorded: it must be told that as frames, too, where packets are passed to it undecoded.
    pub records: bool,
}

/// What is kept of the leg outside.
pub(crate) struct Outside {
    pub(crate) leg: LegId,
    /// The only one who listens.
    pub(crate) listener: Option<Listener>,
    passing: ArrayVec<Passing, PASSING_MAX>,
    /// What the leg is to hear, until a packet of its length is full.
    joined: Joined,
}

/// What a passing packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio(Codec),
    /// Telephone events, of that clock.
    Key(u32),
    ComfortNoise,
}

/// A packet on its way from one call's mixer to another's.
#[derive(Clone)]
pub struct Passing {
    kind: Kind,
    /// The audio between the keys is passed, too.
    direct: bool,
    length: usize,
    bytes: [u8; PACKET_BYTES],
}

impl Default for Passing {
    fn default() -> Self {
        Self { kind: Kind::ComfortNoise, direct: false, length: 0, bytes: [0; PACKET_BYTES] }
    }
}

impl std::fmt::Debug for Passing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passing({:?}, {} bytes)", self.kind, self.length)
    }
}

impl Mixer {
    /// A leg goes into a room: it is bridged with nobody here, and [`Mixer::hear_outside`] is to be called every 20 ms.
    pub fn go_outside(&mut self, leg: LegId, now: Instant) {
        self.unbridge(leg, now);
        self.outside = Some(Box::new(Outside { leg, listener: None, passing: ArrayVec::new(), joined: Joined::new() }));
        if let Some(at) = self.position(leg) {
            self.streams[at].bridge_gap(now);
        }
        self.equip(now);
    }

    /// It comes back.
    pub fn come_inside(&mut self, now: Instant) {
        self.outside = None;
        self.equip(now);
    }

    /// The only one who hears the leg outside; `None`: several do, or nobody. Cheap when nothing changes.
    pub fn set_outside_listener(&mut self, listener: Option<Listener>, now: Instant) {
        if let Some(outside) = &mut self.outside
            && outside.listener != listener
        {
            outside.listener = listener;
            self.equip(now);
        }
    }

    /// Whether the leg outside is passed on undecoded, so that nothing mixed is to be sent to its listener.
    #[must_use]
    pub fn passes_undecoded(&self) -> bool {
        self.outside.as_deref().and_then(|outside| self.position(outside.leg)).is_some_and(|at| self.is_passed(at))
    }

    fn is_passed(&self, at: usize) -> bool {
        let stream = &self.streams[at];
        self.outside.as_ref().is_some_and(|outside| {
            outside.leg == stream.leg && outside.listener.is_some_and(|listener| is_direct(stream.heard, listener.codec))
        })
    }

    /// Whether the room needs a leg decoded.
    pub(crate) fn is_heard_outside(&self, at: usize) -> bool {
        let Some(outside) = self.outside.as_ref().filter(|outside| outside.leg == self.streams[at].leg) else { return false };
        !self.is_passed(at) || outside.listener.is_some_and(|listener| listener.records)
    }

    /// A packet of a leg came: the only listener outside shall have it.
    pub(crate) fn pass(&mut self, at: usize, kind: Kind, bytes: &[u8]) {
        let direct = self.is_passed(at);
        let leg = self.streams[at].leg;
        let Some(outside) = self.outside.as_mut().filter(|outside| outside.leg == leg && outside.listener.is_some()) else { return };
        if !direct && !matches!(kind, Kind::Key(_)) {
            return;
        }
        let mut passing = Passing { kind, direct, length: bytes.len(), ..Passing::default() };
        if let Some(into) = passing.bytes.get_mut(..bytes.len()) {
            into.copy_from_slice(bytes);
            let _ = outside.passing.try_push(passing);
        }
    }

    /// The next packet for the only listener outside; `false` when there is none.
    pub fn poll_passing(&mut self, into: &mut Passing) -> bool {
        let Some(outside) = self.outside.as_mut() else { return false };
        let Some(next) = outside.passing.pop_at(0) else { return false };
        into.clone_from(&next);
        true
    }

    /// A packet of the only one whom the leg outside hears.
    pub fn take_passing(&mut self, passing: &Passing, now: Instant, wire: &mut dyn Wire) {
        let Some(at) = self.outside.as_deref().and_then(|outside| self.position(outside.leg)) else { return };
        let Some(Ok(packet)) = passing.bytes.get(..passing.length).map(Packet::parse) else { return };
        match passing.kind {
            Kind::Audio(codec) => self.relay_audio(at, codec, &packet, now, wire),
            Kind::ComfortNoise => self.relay_comfort_noise(at, &packet, now, wire),
            Kind::Key(clock_rate) => self.relay_key(at, &packet, clock_rate, !passing.direct, now, wire),
        }
    }

    /// What the leg outside said in the 20 ms of `slot`: mono, with its samples a second. `None` when nothing came, and from
    /// who holds a room of many: its telephone or exchange may play music, which the others do not wish to hear.
    pub fn hear_outside(&mut self, slot: Instant, now: Instant, wire: &mut dyn Wire) -> Option<(u32, &[i16])> {
        let leg = self.outside.as_ref()?.leg;
        self.hear_slot(slot, Some((now, wire)));
        let at = self.position(leg)?;
        let is_of_many = self.outside.as_ref()?.listener.is_none();
        if is_of_many && !self.streams[at].setup.direction.sends() {
            return None;
        }
        let ear = self.streams[at].ear.as_deref().filter(|ear| ear.quiet < QUIET_FRAMES)?;
        Some((ear.rate(), ear.frame()))
    }

    /// How the leg outside is to hear the others.
    #[must_use]
    pub fn outside_listener(&self) -> Option<Listener> {
        let leg = self.outside.as_ref()?.leg;
        let setup = &self.streams[self.position(leg)?].setup;
        let records = self.recorders.iter().any(|recorder| recorder.wants_played(leg));
        Some(Listener { codec: setup.send, key_way: setup.key_way(), records })
    }

    /// Tells the leg outside for its recording what it hears there in these 20 ms, where packets bring it the sound itself.
    pub fn overhear_outside(&mut self, payload: &[u8]) {
        let Some(at) = self.outside.as_deref().and_then(|outside| self.position(outside.leg)) else { return };
        let stream = &mut self.streams[at];
        if payload.is_empty() || stream.is_occupied() {
            return;
        }
        if let Some(monitor) = &mut stream.monitor {
            monitor.put(payload);
        }
    }

    /// Sends the leg outside what it hears there in the 20 ms of `slot`, in packets as long as its peer wishes, unless something
    /// plays to it.
    pub fn say_outside(&mut self, payload: &[u8], slot: Instant, now: Instant, wire: &mut dyn Wire) {
        let Some(at) = self.outside.as_deref().and_then(|outside| self.position(outside.leg)) else { return };
        let (Some(outside), Some(stream)) = (&mut self.outside, self.streams.get_mut(at)) else { return };
        if payload.is_empty() || stream.is_occupied() {
            outside.joined.forget();
            return;
        }
        if let Some(monitor) = &mut stream.monitor {
            monitor.put(payload);
        }
        if stream.setup.send_ms == 20 {
            stream.send(payload, FRAME, slot, now, wire);
            return;
        }
        outside.joined.put(payload, stream.setup.send, stream.setup.send_ms, slot);
        let mut packet = [0; PACKET_PAYLOAD_MAX];
        while let Some((length, lasts, moment)) = outside.joined.next(&mut packet) {
            stream.send(&packet[..length], lasts, moment, now, wire);
        }
    }
}
