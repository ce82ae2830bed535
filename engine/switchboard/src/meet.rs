//! Calls that want to meet: from a shard's word to the tables of [`crate::meetings`], and their orders back to the shards.

use crate::{
    front::{Front, Output},
    meetings::{Asker, Meetings, Moment, Order},
    table::{CallTable, Caller},
};
use call::{Answer, Meet, Ticket, ToShard};
use std::time::Instant;
use terms::{CallId, Name, Now};

impl Front {
    /// A call says something about a stay.
    pub(crate) fn meet(&mut self, stay: (CallId, Ticket), realm: Name, meet: Meet, now: Now) {
        let Some(entry) = self.table.get(stay.0) else { return };
        let who = if entry.from.is_empty() { "anonymous".to_owned() } else { entry.from.clone() };
        let asker = Asker { stay, realm, shard: entry.shard, who };
        self.with_meetings(now, |meetings, now| meetings.handle(asker, meet, now));
    }

    /// Lets the tables do something, and carries out what they order.
    pub(crate) fn with_meetings(&mut self, now: Now, act: impl FnOnce(&mut Meetings, Moment<'_>)) {
        let table = &self.table;
        let is_busy = |agent: &str| is_busy(table, agent);
        act(&mut self.meetings, Moment { at: now.at, is_busy: &is_busy });
        while let Some(order) = self.meetings.poll_order() {
            match order {
                Order::Tell((call, ticket), met) => {
                    self.tell_call(call, ToShard::Answer { call, ticket, answer: Answer::Met(met) });
                }
                Order::Bring(call, shard) => self.bring(call, shard),
            }
        }
    }

    /// When an agent may be free.
    /// Who is together in conferences, and who waits in queues.
    #[must_use]
    pub const fn meetings(&self) -> &Meetings {
        &self.meetings
    }

    pub(crate) fn meetings_due(&self) -> Option<Instant> {
        self.meetings.poll_timeout()
    }

    /// Hands a call to another shard. The new one is told first, so that nothing for the call is lost on its way.
    fn bring(&mut self, call: CallId, to: usize) {
        if let Some(from) = self.table.bring(call, to) {
            tracing::info!(%call, from, to, "the call goes to another shard");
            self.outputs.push_back(Output::Shard { shard: to, message: ToShard::Expect { call } });
            self.outputs.push_back(Output::Shard { shard: from, message: ToShard::HandOver { call, to } });
        }
    }
}

/// Whether an agent has a call of its own, as far as that can be known: one that it made.
fn is_busy(table: &CallTable, agent: &str) -> bool {
    let name = agent.strip_prefix("connection/").and_then(|name| Name::new(name).ok());
    name.is_some_and(|name| table.calls_of(&Caller::Connection(name)) > 0)
}
