//! Rooms of a shard: which of its calls hear each other, and the 20 ms clock by which they do.
//!
//! A call in a room stays a call of its own, with its own mixer and flow. Every 20 ms the room takes what each of them heard, and
//! gives each what the others said; the sum itself is [`media::Room`]'s.

use crate::{
    call::Call,
    desk::Desk,
    door::{Seat, Sockets, Ticket, ToFront},
    meet::{Meet, RoomId},
    shard::CallWire,
};
use audio::Prompt;
use media::{Guest, Listener, PAIRS_MAX, Passing, PersonId, Voice};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{CallId, Digit, Gain, KeyWay, LegId, Now};

/// The room's clock.
const FRAME: Duration = Duration::from_millis(20);
/// Frames made up for at once when the clock came late; the rest is left out, as a peer's jitter buffer would.
const CATCH_UP_MAX: u32 = 3;

/// What a call wants of its shard's rooms.
#[derive(Debug)]
pub(crate) enum RoomAct {
    /// Go in; its leg is outside already. The sound tells the others. `pair`: the room is for two.
    Enter { room: RoomId, pair: bool, guest: Guest, sound: Option<Arc<Prompt>> },
    /// Be heard by others from now on.
    Voice(Voice),
    /// Be heard by them that loud.
    Talk(Gain),
    /// Hear the room that loud.
    Hear(Gain),
    /// Hear one of the others that loud, also one who comes later, until either leaves.
    HearOne(CallId, Gain),
    /// The caller pressed a key for the other in a room for two.
    Key { digit: Digit, way: KeyWay },
    /// Come out; the sound tells the others.
    Leave { sound: Option<Arc<Prompt>> },
}

impl Desk {
    /// Begins a stay: asks the front.
    pub(crate) fn meet(&mut self, meet: Meet) -> Ticket {
        let ticket = self.next_ticket();
        self.meet_again(ticket, meet);
        ticket
    }

    /// Says more about a stay.
    pub(crate) fn meet_again(&mut self, ticket: Ticket, meet: Meet) {
        let realm = self.plan.realm.clone();
        self.tell_front(ToFront::Meet { call: self.id, ticket, realm, meet });
    }

    /// The caller goes into a room of this shard.
    pub(crate) fn enter_room(&mut self, room: RoomId, guest: Guest, sound: Option<Arc<Prompt>>, now: Now) {
        self.mixer.go_outside(LegId::CALLER, now.at);
        self.room_acts.push_back(RoomAct::Enter { room, pair: false, guest, sound });
    }

    /// The caller goes into a room for two of this shard.
    pub(crate) fn enter_pair(&mut self, room: RoomId, now: Now) {
        self.mixer.go_outside(LegId::CALLER, now.at);
        self.is_talking = true;
        self.room_acts.push_back(RoomAct::Enter { room, pair: true, guest: Guest::new(Voice::Everyone, false), sound: None });
    }

    /// How the caller is heard, or hears, in its room from now on.
    pub(crate) fn in_room(&mut self, act: RoomAct) {
        self.room_acts.push_back(act);
    }

    /// The caller comes out of its room; harmless when in none.
    pub(crate) fn leave_room(&mut self, sound: Option<Arc<Prompt>>, now: Now) {
        self.mixer.come_inside(now.at);
        self.is_talking = false;
        self.room_acts.push_back(RoomAct::Leave { sound });
    }
}

/// All rooms of one shard.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    inside: BTreeMap<Seat, (RoomId, PersonId)>,
    /// Calls whose mixers have something to tell after a tick.
    stirred: Vec<Seat>,
    /// A packet on its way from one call to another.
    passing: Passing,
    /// Keys on their way to the other in a room for two.
    keys: VecDeque<(Seat, Digit, KeyWay)>,
}

#[derive(Debug)]
struct Room {
    mix: media::Room,
    people: Vec<(Seat, PersonId)>,
    calls: BTreeMap<CallId, PersonId>,
    /// How loud one call (the first) hears another, which need not be here yet.
    pairs: Vec<(CallId, CallId, Gain)>,
    /// It is for two: packets are passed undecoded where codecs allow.
    pair: bool,
    due: Instant,
}

impl Rooms {
    /// How many calls are in rooms.
    pub(crate) fn len(&self) -> usize {
        self.inside.len()
    }

    /// When the next room is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.rooms.values().map(|room| room.due).min()
    }

    /// Does what a call wants.
    pub(crate) fn act(&mut self, seat: Seat, act: RoomAct, call: &Call, now: Now) {
        match act {
            RoomAct::Enter { room, pair, guest, sound } => {
                self.leave(seat, None);
                let Some(Listener { codec, .. }) = call.mixer().outside_listener() else { return };
                let fresh = || Room { mix: media::Room::new(), people: Vec::new(), calls: BTreeMap::new(), pairs: Vec::new(), pair, due: now.at + FRAME };
                let place = self.rooms.entry(room).or_insert_with(fresh);
                let person = place.mix.enter(guest, codec);
                place.people.push((seat, person));
                place.calls.insert(call.id(), person);
                place.tune_pairs_of(call.id());
                if let Some(sound) = sound {
                    place.mix.play(sound);
                }
                self.inside.insert(seat, (room, person));
                self.stirred.reserve(self.inside.len());
            }
            RoomAct::Voice(voice) => self.tune(seat, |room, person| room.mix.set_voice(person, voice)),
            RoomAct::Talk(gain) => self.tune(seat, |room, person| room.mix.set_talk(person, gain)),
            RoomAct::Hear(gain) => self.tune(seat, |room, person| room.mix.set_hear(person, gain)),
            RoomAct::HearOne(other, gain) => self.tune(seat, |room, _| room.pair(call.id(), other, gain)),
            RoomAct::Key { digit, way } => {
                let room = self.inside.get(&seat).and_then(|(room, _)| self.rooms.get(room)).filter(|room| room.pair);
                let other = room.and_then(|room| room.people.iter().find(|(other, _)| *other != seat));
                self.keys.extend(other.map(|(other, _)| (*other, digit, way)));
            }
            RoomAct::Leave { sound } => self.leave(seat, sound),
        }
    }

    /// Changes something for a call that is in a room; harmless for another.
    fn tune(&mut self, seat: Seat, act: impl FnOnce(&mut Room, PersonId)) {
        if let Some((room, person)) = self.inside.get(&seat)
            && let Some(room) = self.rooms.get_mut(room)
        {
            act(room, *person);
        }
    }

    /// A call is out of its room, if it was in one; an empty room is forgotten.
    pub(crate) fn leave(&mut self, seat: Seat, sound: Option<Arc<Prompt>>) {
        let Some((id, person)) = self.inside.remove(&seat) else { return };
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.mix.leave(person);
        if let Some(call) = room.calls.iter().find(|(_, known)| **known == person).map(|(call, _)| *call) {
            room.calls.remove(&call);
            room.pairs.retain(|(listener, speaker, _)| *listener != call && *speaker != call);
        }
        room.people.retain(|(other, _)| *other != seat);
        if room.people.is_empty() {
            self.rooms.remove(&id);
        } else if let Some(sound) = sound {
            room.mix.play(sound);
        }
    }

    /// Lets every room that is due hear and speak. Allocates nothing.
    pub(crate) fn tick(&mut self, now: Now, calls: &mut [Option<Box<Call>>], sockets: &mut dyn Sockets) {
        for room in self.rooms.values_mut() {
            let mut made = 0;
            while room.due <= now.at {
                if made == CATCH_UP_MAX {
                    room.due = now.at + FRAME;
                    break;
                }
                made += 1;
                let slot = room.due;
                room.due += FRAME;
                room.slot(slot, now, calls, sockets);
            }
            if made > 0 {
                let has_events = |seat: &Seat| call_at(calls, *seat).is_some_and(|call| call.mixer().has_events());
                self.stirred.extend(room.people.iter().map(|(seat, _)| *seat).filter(has_events));
            }
        }
    }

    /// A packet came for a call: whoever alone hears it gets it at once.
    pub(crate) fn pass(&mut self, seat: Seat, now: Now, calls: &mut [Option<Box<Call>>], sockets: &mut dyn Sockets) {
        let room = self.inside.get(&seat).and_then(|(room, _)| self.rooms.get(room));
        let Some([(a, _), (b, _)]) = room.filter(|room| room.pair).map(|room| &room.people[..]) else { return };
        let other = if *a == seat { *b } else { *a };
        while call_mut(calls, seat).is_some_and(|call| call.mixer_mut().poll_passing(&mut self.passing)) {
            if let Some(call) = call_mut(calls, other) {
                call.mixer_mut().take_passing(&self.passing, now.at, &mut CallWire { seat: other, sockets });
            }
        }
    }

    /// The next key on its way, and whose call it is for.
    pub(crate) fn poll_key(&mut self) -> Option<(Seat, Digit, KeyWay)> {
        self.keys.pop_front()
    }

    /// The next call that has something to tell after a tick.
    pub(crate) fn poll_stirred(&mut self) -> Option<Seat> {
        self.stirred.pop()
    }
}

impl Room {
    /// One call hears another that loud from now on, or once it is here.
    fn pair(&mut self, listener: CallId, speaker: CallId, gain: Gain) {
        self.pairs.retain(|(one, other, _)| (*one, *other) != (listener, speaker));
        if self.pairs.iter().filter(|(one, ..)| *one == listener).count() < PAIRS_MAX {
            self.pairs.push((listener, speaker, gain));
            self.tune_pairs_of(listener);
        }
    }

    /// Lets the mix know of the pairs with this call of which both are here.
    fn tune_pairs_of(&mut self, call: CallId) {
        for (listener, speaker, gain) in self.pairs.iter().filter(|(one, other, _)| *one == call || *other == call) {
            if let (Some(listener), Some(speaker)) = (self.calls.get(listener), self.calls.get(speaker)) {
                self.mix.set_pair(*listener, *speaker, *gain);
            }
        }
    }

    fn slot(&mut self, slot: Instant, now: Now, calls: &mut [Option<Box<Call>>], sockets: &mut dyn Sockets) {
        let pair = self.pair;
        for (at, (seat, person)) in self.people.iter().enumerate() {
            // In a room for two the other alone listens.
            let other = self.people.get(1 - at.min(1)).filter(|(other, _)| pair && other != seat);
            let listener = other.and_then(|(other, _)| call_at(calls, *other)).and_then(|call| call.mixer().outside_listener());
            let Some(call) = call_mut(calls, *seat) else { continue };
            let mixer = call.mixer_mut();
            mixer.set_outside_listener(listener, now.at);
            if let Some(Listener { codec, .. }) = mixer.outside_listener() {
                self.mix.set_codec(*person, codec);
            }
            let heard = mixer.hear_outside(slot, now.at, &mut CallWire { seat: *seat, sockets });
            self.mix.hear(*person, heard);
        }
        self.mix.blend();
        for (at, (seat, person)) in self.people.iter().enumerate() {
            let other = self.people.get(1 - at.min(1)).filter(|(other, _)| pair && other != seat);
            let is_passed = other.and_then(|(other, _)| call_at(calls, *other)).is_some_and(|call| call.mixer().passes_undecoded());
            let Some(mixer) = call_mut(calls, *seat).map(Call::mixer_mut) else { continue };
            if !is_passed {
                mixer.say_outside(self.mix.frame_for(*person), slot, now.at, &mut CallWire { seat: *seat, sockets });
            } else if mixer.outside_listener().is_some_and(|listener| listener.records) {
                mixer.overhear_outside(self.mix.frame_for(*person));
            }
        }
    }
}

fn call_at(calls: &[Option<Box<Call>>], seat: Seat) -> Option<&Call> {
    calls.get(seat.0 as usize)?.as_deref()
}

fn call_mut(calls: &mut [Option<Box<Call>>], seat: Seat) -> Option<&mut Call> {
    calls.get_mut(seat.0 as usize)?.as_deref_mut()
}
