//! Who waits where: conferences, parking places, queues and their agents, as tables. Nothing here knows sound.
//!
//! ```text
//!  a call asks (Meet) ──▶ Meetings ──▶ Order::Tell: word to a call's stay (Met)
//!  a call ends        ──▶          ──▶ Order::Bring: this call to that shard, before the word that it meets somebody there
//! ```
//! A **stay** is one ticket of one call: in a conference, a place, a row, or as one who takes calls. Two calls that are to talk
//! are told so only after the one that waits has said that it is still there: so a caller is given to one agent or to none.

mod agents;
mod conferences;
mod parking;
mod queues;

use agents::Agents;
use call::{Meet, Met, RoomId, Ticket};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};
use terms::{CallId, Name};

/// One ticket of one call.
pub type Stay = (CallId, Ticket);
/// A name (of a conference or a queue) in its realm.
type Key = (Name, Name);
/// A parking place in its realm.
type Place = (Name, u32);

pub use conferences::{ConferenceView, PersonView, Untunable};
pub use queues::{QueueView, WaitingView};

/// What the front is to do.
#[derive(Debug, PartialEq)]
pub enum Order {
    /// Tell a call about its stay.
    Tell(Stay, Met),
    /// Hand a call to this shard, if it is not there.
    Bring(CallId, usize),
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Its stay.
    pub stay: Stay,
    /// Its tenant: names mean something within one realm.
    pub realm: Name,
    /// The shard its call is in.
    pub shard: usize,
    /// The caller in words.
    pub who: String,
}

/// The time, and whether an agent (as flows name it) is in a call that has nothing to do with queues.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Now.
    pub at: Instant,
    /// Whether an agent has a call of its own.
    pub is_busy: &'a dyn Fn(&str) -> bool,
}

/// What a stay is.
#[derive(Clone, Debug, PartialEq)]
enum Hold {
    /// In a conference.
    Conference(Key),
    /// In a parking place.
    Parked(Place),
    /// Wants the call of a parking place.
    Fetching(Place),
    /// In the row of a queue.
    Waiting(Key),
    /// Takes callers of a queue, and has none.
    Taking(Key),
    /// Talks with an agent of a queue who was rung.
    Served { queue: Key, agent: String, wrap_up: std::time::Duration },
    /// Talks in a room of two.
    Talking(RoomId),
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Meetings {
    stays: BTreeMap<Stay, Hold>,
    conferences: BTreeMap<Key, conferences::Conference>,
    places: BTreeMap<Place, parking::Parked>,
    queues: BTreeMap<Key, queues::Queue>,
    agents: Agents,
    talks: BTreeMap<RoomId, [Stay; 2]>,
    rooms: u64,
    orders: VecDeque<Order>,
}

impl Meetings {
    /// A call wants something.
    pub fn handle(&mut self, asker: Asker, meet: Meet, now: Moment<'_>) {
        let stay = asker.stay;
        match (meet, self.stays.get(&stay).cloned()) {
            (Meet::Conference { room, host, people_max, start_with_host, end_with_host }, None) => {
                let wish = conferences::Wish { host, people_max, start_with_host, end_with_host };
                self.join(asker, room, wish);
            }
            (Meet::Volume(volume), Some(Hold::Conference(key))) => self.volume(stay, &key, volume),
            (Meet::Park { first, last }, None) => self.park(asker, first, last),
            (Meet::PickUp { place }, None) => self.fetch(asker, place),
            (Meet::Queue(waiting), None) => self.queue(asker, *waiting, now),
            (Meet::Take { queue }, None) => self.take(asker, queue, now),
            (Meet::Accept, Some(Hold::Parked(place))) => self.fetched(&place),
            (Meet::Accept, Some(Hold::Waiting(key))) => self.accepted(stay, &key, now),
            (Meet::Answered { agent }, Some(Hold::Waiting(key))) => self.answered(stay, key, agent, now),
            (Meet::Unanswered, Some(Hold::Waiting(key))) => self.unanswered(stay, &key, now),
            (Meet::Leave, Some(hold)) => self.leave(stay, hold, now),
            // A word that crossed ours on its way: what it was about is settled.
            (
                Meet::Conference { .. }
                | Meet::Volume(_)
                | Meet::Park { .. }
                | Meet::PickUp { .. }
                | Meet::Queue(_)
                | Meet::Take { .. }
                | Meet::Accept
                | Meet::Answered { .. }
                | Meet::Unanswered
                | Meet::Leave,
                _,
            ) => {}
        }
    }

    /// A call is over: none of its stays goes on.
    pub fn ended(&mut self, call: CallId, now: Moment<'_>) {
        let range = (call, Ticket(0))..=(call, Ticket(u32::MAX));
        while let Some((stay, hold)) = self.stays.range(range.clone()).next().map(|(stay, hold)| (*stay, hold.clone())) {
            self.leave(stay, hold, now);
        }
    }

    /// A stay is over by its call's will.
    fn leave(&mut self, stay: Stay, hold: Hold, now: Moment<'_>) {
        self.stays.remove(&stay);
        match hold {
            Hold::Conference(key) => self.leave_conference(stay, &key),
            Hold::Parked(place) => self.leave_place(&place),
            Hold::Fetching(place) => self.fetch_no_more(stay, &place),
            Hold::Waiting(key) => self.leave_row(stay, &key, now),
            Hold::Taking(key) => self.take_no_more(stay, &key, now),
            Hold::Served { agent, wrap_up, queue } => {
                self.agents.release(&queue.0, &agent, stay, Some(now.at + wrap_up));
                self.dispatch_all(now);
            }
            Hold::Talking(room) => {
                for other in self.talks.remove(&room).into_iter().flatten().filter(|other| *other != stay) {
                    self.stays.remove(&other);
                    self.tell(other, Met::Over { people_max: 2 });
                }
            }
        }
    }

    /// Two calls talk: who came is brought to who waited.
    fn talk(&mut self, (waiting, waiting_who, shard): (Stay, String, usize), (coming, coming_who): (Stay, String)) {
        let room = self.next_room();
        self.talks.insert(room, [waiting, coming]);
        self.stays.insert(waiting, Hold::Talking(room));
        self.stays.insert(coming, Hold::Talking(room));
        self.orders.push_back(Order::Bring(coming.0, shard));
        self.tell(waiting, Met::Talk { room, with: coming_who });
        self.tell(coming, Met::Talk { room, with: waiting_who });
    }

    fn tell(&mut self, stay: Stay, met: Met) {
        self.orders.push_back(Order::Tell(stay, met));
    }

    const fn next_room(&mut self) -> RoomId {
        self.rooms += 1;
        RoomId(self.rooms)
    }

    /// The next thing to do.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When time decides next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.queues.values().filter_map(|queue| queue.look_at).min()
    }

    /// Time passed: agents are free again.
    pub fn handle_timeout(&mut self, now: Moment<'_>) {
        if self.poll_timeout().is_some_and(|due| due <= now.at) {
            self.dispatch_all(now);
        }
    }

    /// Entries of every table: 0 when no call meets another.
    #[must_use]
    pub fn residue(&self) -> usize {
        self.stays.len() + self.conferences.len() + self.places.len() + self.queues.len() + self.talks.len() + self.agents.busy()
    }
}

#[cfg(test)]
mod tests;
