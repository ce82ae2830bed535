//! What comes when: in order of time, then of asking.

use super::devices::Act;
use call::ToShard;
use std::{collections::BTreeMap, time::Instant};
use terms::{CallId, MessageId};

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Due {
    /// The call hears something.
    Shard(Box<ToShard>),
    /// A packet of the caller arrives.
    Packet(Vec<u8>),
    /// Somebody's next 20 ms of speech or keys: the caller's, or a device's.
    Mouth(Option<usize>),
    /// The caller's telephone shows that it is still there.
    Comfort,
    /// A device does something.
    Device(usize, Act),
    /// A message has been written down.
    Transcribed(MessageId),
    /// One of the others in a conference leaves it.
    Leaves(CallId),
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    due: BTreeMap<(Instant, u64), Due>,
    asked: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Instant, due: Due) {
        self.asked += 1;
        self.due.insert((at, self.asked), due);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let due = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(due.remove())
    }
}
