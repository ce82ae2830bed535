//! What happens when: a queue of things to come, in order of time and then of asking.

use crate::world::World;
use std::{collections::BTreeMap, net::SocketAddr, time::Instant};

/// Something the test does.
pub(crate) type Act = Box<dyn FnOnce(&mut World)>;

/// Something that will happen.
pub(crate) enum Event {
    /// A packet arrives.
    Packet { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    /// The front of this life hears something from inside.
    Front { life: u32, input: Box<switchboard::Input> },
    /// The front of this life hears how many messages are in a mailbox.
    Count { life: u32, realm: terms::Name, mailbox: terms::Name },
    /// A shard of this life hears something.
    Shard { life: u32, shard: usize, message: Box<call::ToShard> },
    /// A call arrives in another shard of this life, with its sockets; or word that it is over.
    Adopt { life: u32, shard: usize, arrival: Box<crate::exchange::Arrival> },
    /// The disk has done a job.
    Disk { life: u32, job: Box<crate::disk::Job> },
    /// The exchange starts again.
    Start,
    /// The test does something.
    Act(Act),
}

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Agenda {
    events: BTreeMap<(Instant, u64), Event>,
    asked: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Instant, event: Event) {
        self.asked += 1;
        self.events.insert((at, self.asked), event);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Event> {
        let due = self.events.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(due.remove())
    }
}
