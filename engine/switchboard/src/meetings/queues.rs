//! Queues: the row of callers, the agents rung for them, and those who take callers by dialling in.
//!
//! ```text
//!  a caller:  Idle ── an agent is free ──▶ Ringing ── Unanswered ──▶ Idle (the agent rests)
//!               │                            └── Answered ──▶ out of the row, Served
//!               └── somebody takes ──▶ Wanted ◀──┘ ── Accept ──▶ out of the row, Talking
//! ```
//! Who has a higher priority is before who came earlier; the place in the row is kept through every try.

use super::{Asker, Hold, Key, Meetings, Moment, Order, Stay};
use crate::limits::{AGENT_LOOK, AGENT_REST};
use call::{Met, Waiting};
use flow::AgentOrder;
use std::{collections::VecDeque, time::Instant};
use terms::{CallId, Name};

/// A queue with somebody in it, on either side.
#[derive(Debug, Default)]
pub(super) struct Queue {
    row: Vec<Caller>,
    takers: VecDeque<Taker>,
    /// When to look again whether an agent is free.
    pub(super) look_at: Option<Instant>,
}

/// A caller in the row.
#[derive(Debug)]
struct Caller {
    stay: Stay,
    who: String,
    shard: usize,
    wish: Waiting,
    state: State,
    /// The position it was told.
    told: u32,
}

#[derive(Debug, PartialEq)]
enum State {
    Idle,
    /// These agents are rung.
    Ringing(Vec<String>),
    /// Somebody takes it; these agents may still be rung.
    Wanted(Vec<String>),
}

/// Somebody who takes callers.
#[derive(Debug)]
struct Taker {
    stay: Stay,
    who: String,
    /// The caller that was asked whether it is still there.
    granted: Option<Stay>,
    /// It was told that nobody waits.
    told: bool,
}

/// A queue as shown to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Its tenant.
    pub realm: Name,
    /// Its name.
    pub queue: Name,
    /// Who waits, the next one first.
    pub callers: Vec<WaitingView>,
    /// Calls that take its callers and have none now.
    pub takers: Vec<CallId>,
}

/// A caller in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingView {
    /// Its call.
    pub call: CallId,
    /// The caller in words.
    pub who: String,
    /// Who has a higher one is before who has a lower one.
    pub priority: u32,
    /// Agents that are rung for it now.
    pub ringing: Vec<String>,
    /// Somebody takes it at this moment.
    pub taken: bool,
}

impl Queue {
    fn at(&self, stay: Stay) -> Option<usize> {
        self.row.iter().position(|caller| caller.stay == stay)
    }

    /// The caller is not taken after all.
    fn ungrant(&mut self, stay: Stay) {
        self.takers.iter_mut().filter(|taker| taker.granted == Some(stay)).for_each(|taker| taker.granted = None);
    }
}

impl Meetings {
    /// Every queue with somebody in it, on either side.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueView> {
        let waiting = |caller: &Caller| WaitingView {
            call: caller.stay.0,
            who: caller.who.clone(),
            priority: caller.wish.priority,
            ringing: match &caller.state {
                State::Idle => Vec::new(),
                State::Ringing(agents) | State::Wanted(agents) => agents.clone(),
            },
            taken: matches!(caller.state, State::Wanted(_)),
        };
        let view = |((realm, name), queue): (&Key, &Queue)| QueueView {
            realm: realm.clone(),
            queue: name.clone(),
            callers: queue.row.iter().map(waiting).collect(),
            takers: queue.takers.iter().map(|taker| taker.stay.0).collect(),
        };
        self.queues.iter().map(view).collect()
    }

    // --- callers ------------------------------------------------------------------------------------------------

    pub(super) fn queue(&mut self, asker: Asker, wish: Waiting, now: Moment<'_>) {
        let key = (asker.realm, wish.queue.clone());
        let waiting = self.queues.get(&key).map_or(0, |queue| queue.row.len());
        if waiting >= wish.waiting_max {
            return self.tell(asker.stay, Met::Full);
        }
        let queue = self.queues.entry(key.clone()).or_default();
        let at = queue.row.iter().position(|other| other.wish.priority < wish.priority).unwrap_or(queue.row.len());
        queue.row.insert(at, Caller { stay: asker.stay, who: asker.who, shard: asker.shard, wish, state: State::Idle, told: 0 });
        self.stays.insert(asker.stay, Hold::Waiting(key.clone()));
        self.dispatch(&key, now);
    }

    pub(super) fn leave_row(&mut self, stay: Stay, key: &Key, now: Moment<'_>) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(at) = queue.at(stay) else { return };
        let caller = queue.row.remove(at);
        queue.ungrant(stay);
        self.free_agents(&key.0, &caller.state, stay, None);
        self.dispatch_all(now);
    }

    pub(super) fn answered(&mut self, stay: Stay, key: Key, agent: String, now: Moment<'_>) {
        let Some(queue) = self.queues.get_mut(&key) else { return };
        let Some(at) = queue.at(stay) else { return };
        let caller = queue.row.remove(at);
        queue.ungrant(stay);
        self.free_agents(&key.0, &caller.state, stay, None);
        self.agents.reserve(&key.0, &agent, stay, now.at);
        self.stays.insert(stay, Hold::Served { queue: key, agent, wrap_up: caller.wish.wrap_up });
        self.dispatch_all(now);
    }

    pub(super) fn unanswered(&mut self, stay: Stay, key: &Key, now: Moment<'_>) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(at) = queue.at(stay) else { return };
        let rung = match &mut queue.row[at].state {
            State::Idle => return,
            state @ State::Ringing(_) => std::mem::replace(state, State::Idle),
            State::Wanted(rung) => State::Ringing(std::mem::take(rung)),
        };
        // Who did not answer is not rung again at once: another, or a moment's rest.
        self.free_agents(&key.0, &rung, stay, Some(now.at + AGENT_REST));
        self.dispatch_all(now);
    }

    fn free_agents(&mut self, realm: &Name, state: &State, stay: Stay, free_from: Option<Instant>) {
        let (State::Ringing(rung) | State::Wanted(rung)) = state else { return };
        for agent in rung {
            self.agents.release(realm, agent, stay, free_from);
        }
    }

    // --- takers -------------------------------------------------------------------------------------------------

    pub(super) fn take(&mut self, asker: Asker, queue: Name, now: Moment<'_>) {
        let key = (asker.realm, queue);
        let stay = asker.stay;
        self.stays.insert(stay, Hold::Taking(key.clone()));
        let queue = self.queues.entry(key.clone()).or_default();
        queue.takers.push_back(Taker { stay, who: asker.who, granted: None, told: false });
        self.dispatch(&key, now);
    }

    pub(super) fn take_no_more(&mut self, stay: Stay, key: &Key, now: Moment<'_>) {
        if let Some(queue) = self.queues.get_mut(key) {
            queue.takers.retain(|taker| taker.stay != stay);
        }
        self.dispatch(key, now);
    }

    /// A caller that somebody takes is still there.
    pub(super) fn accepted(&mut self, stay: Stay, key: &Key, now: Moment<'_>) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(at) = queue.at(stay).filter(|at| matches!(queue.row[*at].state, State::Wanted(_))) else { return };
        let state = std::mem::replace(&mut queue.row[at].state, State::Idle);
        let taker = queue.takers.iter().position(|taker| taker.granted == Some(stay)).and_then(|at| queue.takers.remove(at));
        match taker {
            Some(taker) => {
                let caller = queue.row.remove(at);
                self.free_agents(&key.0, &state, stay, None);
                self.talk((caller.stay, caller.who, caller.shard), (taker.stay, taker.who));
            }
            None => {
                self.free_agents(&key.0, &state, stay, None);
                self.tell(stay, Met::Resume);
            }
        }
        self.dispatch_all(now);
    }

    // --- who is next --------------------------------------------------------------------------------------------

    /// Looks at every queue: an agent may serve several.
    pub(super) fn dispatch_all(&mut self, now: Moment<'_>) {
        let keys: Vec<Key> = self.queues.keys().cloned().collect();
        for key in keys {
            self.dispatch(&key, now);
        }
    }

    /// Gives callers to those who take, rings free agents for the rest, and tells who stands where.
    fn dispatch(&mut self, key: &Key, now: Moment<'_>) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if queue.row.is_empty() && queue.takers.is_empty() {
            self.queues.remove(key);
            return;
        }
        let mut told = Vec::new();
        for (number, caller) in (1..).zip(&mut queue.row) {
            if caller.told != number {
                caller.told = number;
                told.push((caller.stay, Met::Position(number)));
            }
        }
        for taker in queue.takers.iter_mut().filter(|taker| taker.granted.is_none()) {
            let Some(caller) = queue.row.iter_mut().find(|caller| !matches!(caller.state, State::Wanted(_))) else { break };
            let rung = match std::mem::replace(&mut caller.state, State::Idle) {
                State::Ringing(rung) => rung,
                State::Idle | State::Wanted(_) => Vec::new(),
            };
            caller.state = State::Wanted(rung);
            taker.granted = Some(caller.stay);
            told.push((caller.stay, Met::Wanted));
        }
        for taker in queue.takers.iter_mut().filter(|taker| taker.granted.is_none() && !taker.told) {
            taker.told = true;
            told.push((taker.stay, Met::Position(0)));
        }
        queue.look_at = None;
        for caller in queue.row.iter_mut().filter(|caller| caller.state == State::Idle && !caller.wish.agents.is_empty()) {
            let is_free = |agent: &&String| self.agents.idle_since(&key.0, agent, now.at).is_some() && !(now.is_busy)(agent);
            let free: Vec<&String> = caller.wish.agents.iter().filter(is_free).collect();
            let chosen: Vec<String> = match caller.wish.order {
                AgentOrder::Together => free.into_iter().cloned().collect(),
                AgentOrder::InOrder => free.into_iter().take(1).cloned().collect(),
                AgentOrder::LongestIdle => {
                    let idle = |agent: &&&String| self.agents.idle_since(&key.0, agent, now.at).flatten();
                    free.iter().min_by_key(idle).map(|agent| (*agent).clone()).into_iter().collect()
                }
            };
            if chosen.is_empty() {
                let next = caller.wish.agents.iter().filter_map(|agent| self.agents.free_from(&key.0, agent, now.at)).min();
                let look_at = next.map_or(now.at + AGENT_LOOK, |next| next.min(now.at + AGENT_LOOK));
                queue.look_at = Some(queue.look_at.map_or(look_at, |known| known.min(look_at)));
                continue;
            }
            for agent in &chosen {
                self.agents.reserve(&key.0, agent, caller.stay, now.at);
            }
            caller.state = State::Ringing(chosen.clone());
            told.push((caller.stay, Met::Ring { agents: chosen }));
        }
        self.orders.extend(told.into_iter().map(|(stay, met)| Order::Tell(stay, met)));
    }
}
