//! An owner at a mailbox: who may hear it without a PIN, in which order messages come, and where the visitor stands among them.
//!
//! New messages come first, then those heard before; each kind in the order it arrived.

use crate::{Caller, Mailbox};
use std::time::Duration;
use terms::{MessageId, Name, UnixMs};

/// One message as a visitor needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// Who spoke.
    pub caller: Caller,
    /// When.
    pub began: UnixMs,
    /// How long.
    pub length: Duration,
    /// Somebody has heard it.
    pub heard: bool,
}

/// How a visitor comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// At once.
    Open,
    /// After the PIN.
    ByPin,
    /// Not at all: the mailbox has no PIN, and whoever calls has not proven to be its owner.
    Shut,
}

impl Mailbox {
    /// How somebody may come in. `owner` is the mailbox of the connection that called **and proved itself**; what a caller merely
    /// claims (a number, a name) never counts.
    #[must_use]
    pub fn entrance(&self, owner: Option<&Name>) -> Entrance {
        let is_owner = owner == Some(&self.name);
        match &self.pin {
            None if is_owner => Entrance::Open,
            Some(_) if is_owner && !self.pin_for_owner => Entrance::Open,
            Some(_) => Entrance::ByPin,
            None => Entrance::Shut,
        }
    }
}

/// The messages of a mailbox and where its visitor stands. Never empty of places: after the last message comes the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    entries: Vec<Entry>,
    at: usize,
}

impl Visit {
    /// From all messages, in any order.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| (entry.heard, entry.id));
        Self { entries, at: 0 }
    }

    /// New and heard messages.
    #[must_use]
    pub fn counts(&self) -> crate::Waiting {
        let count = |heard| u32::try_from(self.entries.iter().filter(|entry| entry.heard == heard).count()).unwrap_or(u32::MAX);
        crate::Waiting { new: count(false), old: count(true) }
    }

    /// The message the visitor stands at; `None` at the end.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.entries.get(self.at)
    }

    /// Its number as it is announced, from 1.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.at + 1
    }

    /// On to the next message, or to the end.
    pub fn forward(&mut self) {
        self.at = (self.at + 1).min(self.entries.len());
    }

    /// Back to the message before; `false` at the first.
    pub const fn back(&mut self) -> bool {
        if self.at == 0 {
            return false;
        }
        self.at -= 1;
        true
    }

    /// The current message was heard: whether that is news.
    pub fn heard(&mut self) -> Option<MessageId> {
        let entry = self.entries.get_mut(self.at)?;
        (!std::mem::replace(&mut entry.heard, true)).then_some(entry.id)
    }

    /// Takes the current message away; the visitor then stands at the one after it.
    pub fn delete(&mut self) -> Option<MessageId> {
        (self.at < self.entries.len()).then(|| self.entries.remove(self.at).id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pin;

    fn entry(n: u8, heard: bool) -> Entry {
        let id = MessageId::new(u64::from(n), [n; 10]);
        Entry { id, caller: Caller::default(), began: UnixMs(u64::from(n)), length: Duration::from_secs(3), heard }
    }

    #[test]
    fn new_messages_come_first_and_a_visitor_walks_among_them() {
        let mut visit = Visit::new(vec![entry(3, false), entry(1, true), entry(2, false)]);
        let id = |n: u8| entry(n, false).id;
        assert_eq!((visit.counts().new, visit.counts().old, visit.number()), (2, 1, 1));
        assert_eq!(visit.current().map(|entry| entry.id), Some(id(2)));
        assert!(!visit.back(), "at the first");
        assert_eq!((visit.heard(), visit.heard()), (Some(id(2)), None), "heard once");
        visit.forward();
        assert_eq!(visit.delete(), Some(id(3)));
        assert_eq!(visit.current().map(|entry| entry.id), Some(id(1)), "the one after it");
        visit.forward();
        visit.forward();
        assert_eq!(visit.current(), None, "the end");
        assert_eq!((visit.delete(), visit.heard()), (None, None));
        assert!(visit.back() && visit.current().is_some());
    }

    #[test]
    fn a10_only_a_proven_owner_may_ever_come_in_without_a_pin() {
        let name = |text| Name::new(text).unwrap();
        let mut mailbox = Mailbox::new(name("home"), name("alice"));
        let (owner, other) = (name("alice"), name("bob"));
        assert_eq!([None, Some(&other), Some(&owner)].map(|who| mailbox.entrance(who)), [Entrance::Shut, Entrance::Shut, Entrance::Open]);
        mailbox.pin = Some(Pin::from_digits("4711", &[1; 16], &[]).unwrap());
        assert_eq!([None, Some(&other), Some(&owner)].map(|who| mailbox.entrance(who)), [Entrance::ByPin; 3]);
        mailbox.pin_for_owner = false;
        assert_eq!([None, Some(&other), Some(&owner)].map(|who| mailbox.entrance(who)), [Entrance::ByPin, Entrance::ByPin, Entrance::Open]);
    }
}
