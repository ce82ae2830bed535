//! Agents of queues: who is rung or talks for a queue, and since when others are free.

use super::Stay;
use crate::limits::AGENTS_MAX;
use std::{collections::BTreeMap, time::Instant};
use terms::Name;

/// All agents that queues have rung, by realm and the name flows give them.
#[derive(Debug, Default)]
pub(super) struct Agents(BTreeMap<(Name, String), Agent>);

#[derive(Debug)]
struct Agent {
    /// Rung for these callers, or talking with them.
    busy_with: Vec<Stay>,
    /// May be rung again from then on; the past tells for how long it has been idle.
    free_from: Instant,
}

impl Agents {
    /// Since when an agent is free; `None` in the inner: it was never rung. `None` in the outer: it is not free.
    pub(super) fn idle_since(&self, realm: &Name, agent: &str, now: Instant) -> Option<Option<Instant>> {
        match self.0.get(&(realm.clone(), agent.to_owned())) {
            None => Some(None),
            Some(known) if known.busy_with.is_empty() && known.free_from <= now => Some(Some(known.free_from)),
            Some(_) => None,
        }
    }

    /// When an agent that is not rung or talking may be rung again, if that is still to come.
    pub(super) fn free_from(&self, realm: &Name, agent: &str, now: Instant) -> Option<Instant> {
        let known = self.0.get(&(realm.clone(), agent.to_owned()))?;
        (known.busy_with.is_empty() && known.free_from > now).then_some(known.free_from)
    }

    /// An agent is rung for a caller.
    pub(super) fn reserve(&mut self, realm: &Name, agent: &str, stay: Stay, now: Instant) {
        if self.0.len() >= AGENTS_MAX {
            self.0.retain(|_, agent| !agent.busy_with.is_empty() || agent.free_from > now);
        }
        let entry = self.0.entry((realm.clone(), agent.to_owned()));
        let agent = entry.or_insert_with(|| Agent { busy_with: Vec::new(), free_from: now });
        if !agent.busy_with.contains(&stay) {
            agent.busy_with.push(stay);
        }
    }

    /// An agent has no more to do with a caller. `free_from`: when it may be rung again; `None`: as if nothing had been.
    pub(super) fn release(&mut self, realm: &Name, agent: &str, stay: Stay, free_from: Option<Instant>) {
        if let Some(known) = self.0.get_mut(&(realm.clone(), agent.to_owned())) {
            known.busy_with.retain(|other| *other != stay);
            if let Some(at) = free_from {
                known.free_from = known.free_from.max(at);
            }
        }
    }

    /// How many are rung or talk.
    pub(super) fn busy(&self) -> usize {
        self.0.values().filter(|agent| !agent.busy_with.is_empty()).count()
    }
}
