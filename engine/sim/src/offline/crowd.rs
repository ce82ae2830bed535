//! Others in a conference or in the row of a queue: stays in the front's own tables, of calls that nobody hears.

use super::{Offline, agenda::Due, story::Who};
use call::{Meet, Ticket};
use std::time::Duration;
use switchboard::Asker;
use terms::{CallId, Name};

/// Who is there when the caller comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// As many as there is room for.
    Full,
    /// A conference's host, who leaves so long after the caller came.
    Host(Duration),
}

/// Where calls meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Venue {
    /// A conference.
    Conference,
    /// The row of a queue.
    Queue,
}

impl Offline {
    /// Others come first.
    pub(super) fn crowd_comes(&mut self, realm: &Name, meet: &Meet) {
        let (venue, name, room) = match meet {
            Meet::Conference { room, people_max, .. } => (Venue::Conference, room, *people_max),
            Meet::Queue(waiting) => (Venue::Queue, &waiting.queue, waiting.waiting_max),
            Meet::Volume(_) | Meet::Park { .. } | Meet::PickUp { .. } | Meet::Take { .. } | Meet::Accept | Meet::Answered { .. } | Meet::Unanswered | Meet::Leave => return,
        };
        match self.outside.crowd(venue, name) {
            None => {}
            Some(Crowd::Full) => {
                self.story.tell(self.now, Who::World, format!("{name} is full"));
                for _ in 0..room {
                    self.one_comes(realm, meet, false);
                }
            }
            Some(Crowd::Host(stay)) => {
                self.story.tell(self.now, Who::World, format!("a host is in {name}"));
                let host = self.one_comes(realm, meet, true);
                self.later(stay, Due::Leaves(host));
            }
        }
    }

    /// Somebody wants what the caller wants, but no agents: those are for the caller.
    fn one_comes(&mut self, realm: &Name, meet: &Meet, as_host: bool) -> CallId {
        let mut meet = meet.clone();
        match &mut meet {
            Meet::Conference { host, .. } => *host = as_host,
            Meet::Queue(waiting) => waiting.agents.clear(),
            Meet::Volume(_) | Meet::Park { .. } | Meet::PickUp { .. } | Meet::Take { .. } | Meet::Accept | Meet::Answered { .. } | Meet::Unanswered | Meet::Leave => {}
        }
        let (a, b) = (self.dice.word().to_le_bytes(), self.dice.word().to_le_bytes());
        let call = CallId::new(self.now.unix.0, [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]]);
        let asker = Asker { stay: (call, Ticket(0)), realm: realm.clone(), shard: 0, who: "somebody".to_owned() };
        self.with_meetings(|meetings, now| meetings.handle(asker, meet, now));
        call
    }

    /// One of the others leaves.
    pub(super) fn one_leaves(&mut self, call: CallId) {
        self.story.tell(self.now, Who::World, "the host leaves");
        self.with_meetings(|meetings, now| meetings.ended(call, now));
    }
}
