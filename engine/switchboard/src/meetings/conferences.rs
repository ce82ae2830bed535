//! Conferences: who is in which room, and whether its host is there.

use super::{Asker, Hold, Key, Meetings, Stay};
use call::{Met, RoomId, Ticket, Tuning, Volume};
use std::collections::BTreeMap;
use terms::{CallId, Gain, Name};

/// How somebody wants to be in a conference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) host: bool,
    pub(super) people_max: usize,
    pub(super) start_with_host: bool,
    pub(super) end_with_host: bool,
}

/// A conference with somebody in it.
#[derive(Debug)]
pub(super) struct Conference {
    room: RoomId,
    /// The shard of whoever came first: all others are brought there.
    shard: usize,
    people: BTreeMap<Stay, Person>,
    /// A host was there.
    opened: bool,
    /// The last host to leave takes everybody along.
    ends: bool,
    /// Who was told that nobody else is there.
    alone: Option<Stay>,
}

/// Somebody in a conference.
#[derive(Debug)]
struct Person {
    host: bool,
    /// Waits for the first host.
    waits: bool,
    /// Most people inside since this one came.
    most: usize,
    volume: Volume,
    /// Others whom it hears at gains of their own.
    pairs: BTreeMap<CallId, Gain>,
}

/// A conference as shown to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceView {
    /// Its tenant.
    pub realm: Name,
    /// The name of its room.
    pub room: Name,
    /// Whether a host is or was there: until then those wait who came to wait for one.
    pub opened: bool,
    /// Who is in it, by call.
    pub people: Vec<PersonView>,
}

/// Somebody in a conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// Its call.
    pub call: CallId,
    /// It is a host.
    pub host: bool,
    /// It waits for the first host.
    pub waits: bool,
    /// How loud it is heard, and hears.
    pub volume: Volume,
    /// How loud it hears some of the others.
    pub pairs: Vec<(CallId, Gain)>,
}

/// Why nothing was changed for somebody in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untunable {
    /// The call is in no conference.
    NotInside,
    /// This other call is not in the same one.
    Stranger(CallId),
}

fn person_view((stay, person): (&Stay, &Person)) -> PersonView {
    let pairs = person.pairs.iter().map(|(other, gain)| (*other, *gain)).collect();
    PersonView { call: stay.0, host: person.host, waits: person.waits, volume: person.volume, pairs }
}

impl Meetings {
    /// Every conference with somebody in it.
    #[must_use]
    pub fn conferences(&self) -> Vec<ConferenceView> {
        let view = |((realm, room), conference): (&Key, &Conference)| ConferenceView {
            realm: realm.clone(),
            room: room.clone(),
            opened: conference.opened,
            people: conference.people.iter().map(person_view).collect(),
        };
        self.conferences.iter().map(view).collect()
    }

    pub(super) fn join(&mut self, asker: Asker, room: Name, wish: Wish) {
        let stay = asker.stay;
        let key = (asker.realm, room);
        if self.conferences.get(&key).is_some_and(|conference| conference.people.len() >= wish.people_max) {
            return self.tell(stay, Met::Full);
        }
        let number = self.next_room();
        let conference = self.conferences.entry(key.clone()).or_insert_with(|| Conference {
            room: number,
            shard: asker.shard,
            people: BTreeMap::new(),
            opened: false,
            ends: false,
            alone: None,
        });
        let opens = wish.host && !conference.opened;
        conference.opened |= wish.host;
        conference.ends |= wish.end_with_host;
        let waits = wish.start_with_host && !conference.opened;
        conference.people.insert(stay, Person { host: wish.host, waits, most: 0, volume: Volume::default(), pairs: BTreeMap::new() });
        let count = conference.people.len();
        let mut woken = Vec::new();
        for (other, person) in &mut conference.people {
            person.most = person.most.max(count);
            if opens && std::mem::take(&mut person.waits) {
                woken.push(*other);
            }
        }
        let (room, shard) = (conference.room, conference.shard);
        self.stays.insert(stay, Hold::Conference(key.clone()));
        self.orders.push_back(super::Order::Bring(stay.0, shard));
        self.tell(stay, Met::Inside { room, open: !waits });
        for other in woken {
            self.tell(other, Met::Opened);
        }
        self.tell_who_is_alone(&key);
    }

    /// A call tells how loud it is heard and hears.
    pub(super) fn volume(&mut self, stay: Stay, key: &Key, volume: Volume) {
        if let Some(person) = self.conferences.get_mut(key).and_then(|conference| conference.people.get_mut(&stay)) {
            person.volume = volume;
        }
    }

    /// Lets a call in a conference be heard, or hear, another way.
    ///
    /// # Errors
    /// [`Untunable`]; then nothing is changed.
    pub fn tune(&mut self, call: CallId, tuning: Tuning) -> Result<(), Untunable> {
        let (stay, key) = self.tunable(call, &tuning)?;
        if let Some(person) = self.conferences.get_mut(&key).and_then(|conference| conference.people.get_mut(&stay)) {
            person.pairs.extend(tuning.pairs.iter().copied());
            person.pairs.retain(|_, gain| *gain != Gain::NONE);
        }
        self.tell(stay, Met::Tune(tuning));
        Ok(())
    }

    /// Whether [`Meetings::tune`] would do it, and whom it is about.
    ///
    /// # Errors
    /// [`Untunable`].
    pub fn tunable(&self, call: CallId, tuning: &Tuning) -> Result<(Stay, (Name, Name)), Untunable> {
        let of_call = |(stay, hold): (&Stay, &Hold)| if let Hold::Conference(key) = hold { Some((*stay, key.clone())) } else { None };
        let (stay, key) = self.stays.range((call, Ticket(0))..=(call, Ticket(u32::MAX))).find_map(of_call).ok_or(Untunable::NotInside)?;
        let people = self.conferences.get(&key).map(|conference| &conference.people).ok_or(Untunable::NotInside)?;
        let is_other = |other: &CallId| *other != call && people.keys().any(|stay| stay.0 == *other);
        match tuning.pairs.iter().find(|(other, _)| !is_other(other)) {
            Some((stranger, _)) => Err(Untunable::Stranger(*stranger)),
            None => Ok((stay, key)),
        }
    }

    /// Whoever is the only one in a conference hears so, and when others come.
    fn tell_who_is_alone(&mut self, key: &Key) {
        let Some(conference) = self.conferences.get_mut(key) else { return };
        let mut inside = conference.people.iter().filter(|(_, person)| !person.waits).map(|(stay, _)| *stay);
        let alone = inside.next().filter(|_| inside.next().is_none());
        drop(inside);
        let before = std::mem::replace(&mut conference.alone, alone);
        let is_there = |stay: &Stay| conference.people.contains_key(stay);
        let told = [before.filter(|stay| before != alone && is_there(stay)).map(|stay| (stay, false)), alone.filter(|_| before != alone).map(|stay| (stay, true))];
        for (stay, alone) in told.into_iter().flatten() {
            self.tell(stay, Met::Alone(alone));
        }
    }

    pub(super) fn leave_conference(&mut self, stay: Stay, key: &Key) {
        let Some(conference) = self.conferences.get_mut(key) else { return };
        let Some(person) = conference.people.remove(&stay) else { return };
        let is_over = conference.ends && person.host && !conference.people.values().any(|other| other.host);
        conference.people.values_mut().for_each(|other| _ = other.pairs.remove(&stay.0));
        let mut others = Vec::new();
        if is_over || conference.people.is_empty() {
            others.extend(std::mem::take(&mut conference.people));
            self.conferences.remove(key);
        }
        self.tell(stay, Met::Left { people_max: person.most });
        for (other, person) in others {
            self.stays.remove(&other);
            self.tell(other, Met::Over { people_max: person.most });
        }
        self.tell_who_is_alone(key);
    }
}
