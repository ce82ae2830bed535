//! When each webhook is tried: a machine over the outbox, without clock, sockets or disk.
//!
//! Deliveries to one endpoint with one key form a *lane*: its first is tried until it is settled, the others wait behind it.
//! Lanes do not wait for each other, except that at most four tries are under way to one host.
//!
//! ```text
//! owed ── due ──> Try ──┬ delivered ────────────> Settle(Done), the lane moves on
//!                       ├ 410 ──────────────────> Settle(Gone) for it and all that wait for this endpoint
//!                       ├ failed, under 3 days ─> Settle(Later), due again by back-off or Retry-After
//!                       └ failed, over 3 days ──> Settle(GivenUp), the lane moves on
//! ```
//! A delivery that arrives anywhere at an endpoint makes that endpoint's waiting lanes due again at once: an endpoint that
//! came back is not left waiting for ten hours.

use crate::{
    limits,
    outbox::{Owed, Settled},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use terms::UnixMs;

/// Soonest another try after one that failed, when the endpoint shows that it lives again.
const REVIVED_WAIT_MS: u64 = 60_000;

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 2xx.
    Delivered,
    /// 410.
    Gone,
    /// Anything else, with what the endpoint asked for.
    Failed { why: String, retry_after: Option<Duration> },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send it; answer with [`Schedule::answered`].
    Try { seq: i64, id: String, url: String },
    /// Write this down.
    Settle { seq: i64, settled: Settled },
}

struct Lane {
    url: String,
    host: String,
    waiting: VecDeque<Owed>,
    /// When its last try ended.
    tried_at: UnixMs,
    state: LaneState,
}

enum LaneState {
    /// Nothing to send.
    Empty,
    /// The first of the lane is due then.
    Due(UnixMs),
    /// The first of the lane is being tried.
    Flying,
}

#[derive(Default)]
struct Host {
    flying: usize,
    due: BTreeSet<(UnixMs, usize)>,
}

/// The machine.
pub(crate) struct Schedule {
    lanes: Vec<Lane>,
    by_key: BTreeMap<(String, String), usize>,
    hosts: BTreeMap<String, Host>,
    /// Lane of each try under way.
    flying: BTreeMap<i64, usize>,
    /// Endpoints whose last answer was a failure.
    failing: BTreeSet<String>,
    /// Endpoints that said 410, until the engine starts anew.
    closed: BTreeSet<String>,
    out: VecDeque<Output>,
    held: usize,
    chance: u64,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            lanes: Vec::new(),
            by_key: BTreeMap::new(),
            hosts: BTreeMap::new(),
            flying: BTreeMap::new(),
            failing: BTreeSet::new(),
            closed: BTreeSet::new(),
            out: VecDeque::new(),
            held: 0,
            chance: seed,
        }
    }

    /// Deliveries held, those under way included.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }
    /// Tries under way.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.flying.len()
    }

    /// A delivery is owed; `host` is the one its address names. Those of one lane must come in their order.
    pub(crate) fn owed(&mut self, owed: Owed, host: &str, now: UnixMs) {
        if self.closed.contains(&owed.url) {
            self.out.push_back(Output::Settle { seq: owed.seq, settled: Settled::Gone });
            return;
        }
        self.held += 1;
        let key = (owed.url.clone(), owed.lane.clone());
        let lane = *self.by_key.entry(key).or_insert_with(|| {
            let (url, host) = (owed.url.clone(), host.to_owned());
            self.lanes.push(Lane { url, host, waiting: VecDeque::new(), tried_at: UnixMs(0), state: LaneState::Empty });
            self.lanes.len() - 1
        });
        // A wall clock that was set back must not hold a delivery longer than any wait of ours.
        let longest = limits::RETRY_AFTER_MAX.max(limits::DELIVERY_WAITS[limits::DELIVERY_WAITS.len() - 1]);
        let due = owed.next_at.min(later(now, longest));
        self.lanes[lane].waiting.push_back(owed);
        if matches!(self.lanes[lane].state, LaneState::Empty) {
            self.set_due(lane, due);
        }
    }

    /// An address no delivery can ever reach.
    pub(crate) fn unreachable(&mut self, seq: i64, why: String) {
        self.out.push_back(Output::Settle { seq, settled: Settled::GivenUp { why } });
    }

    /// A try ended.
    pub(crate) fn answered(&mut self, seq: i64, verdict: Verdict, now: UnixMs) {
        let Some(lane) = self.flying.remove(&seq) else { return };
        let host = self.lanes[lane].host.clone();
        if let Some(host) = self.hosts.get_mut(&host) {
            host.flying = host.flying.saturating_sub(1);
        }
        let Some(first) = self.lanes[lane].waiting.pop_front() else { return };
        let url = first.url.clone();
        self.lanes[lane].state = LaneState::Empty;
        self.lanes[lane].tried_at = now;
        match verdict {
            Verdict::Delivered => {
                self.settle(seq, Settled::Done);
                if self.failing.remove(&url) {
                    self.revive(&url, now);
                }
                self.move_on(lane, now);
            }
            Verdict::Gone => {
                self.settle(seq, Settled::Gone);
                self.close(&url);
            }
            Verdict::Failed { why, retry_after } => {
                self.failing.insert(url);
                if now >= later(first.first_at, limits::DELIVERY_LIFE) {
                    self.settle(seq, Settled::GivenUp { why });
                    self.move_on(lane, now);
                } else {
                    let attempts = first.attempts.saturating_add(1);
                    let next_at = later(now, self.wait(attempts, retry_after));
                    self.out.push_back(Output::Settle { seq, settled: Settled::Later { attempts, next_at, why } });
                    self.lanes[lane].waiting.push_front(Owed { attempts, next_at, ..first });
                    self.set_due(lane, next_at);
                }
            }
        }
    }

    /// What to do now; drain to `None`.
    pub(crate) fn poll_output(&mut self, now: UnixMs) -> Option<Output> {
        if let Some(output) = self.out.pop_front() {
            return Some(output);
        }
        if self.held == 0 && !self.lanes.is_empty() {
            // Keys may be as many as calls: nothing is remembered of lanes once all is settled.
            self.lanes.clear();
            self.by_key.clear();
            self.hosts.clear();
        }
        if self.flying.len() >= limits::DELIVERIES_MAX {
            return None;
        }
        let free = |host: &&mut Host| host.flying < limits::PER_HOST_MAX && host.due.first().is_some_and(|due| due.0 <= now);
        // The host that waited longest goes first, so that none starves another.
        let host = self.hosts.values_mut().filter(free).min_by_key(|host| host.due.first().copied())?;
        let (_, lane) = host.due.pop_first()?;
        host.flying += 1;
        self.lanes[lane].state = LaneState::Flying;
        let first = self.lanes[lane].waiting.front()?;
        let (seq, id, url) = (first.seq, first.id.clone(), first.url.clone());
        self.flying.insert(seq, lane);
        Some(Output::Try { seq, id, url })
    }

    /// When to come back, if nothing else happens: the earliest delivery that waits for its time only.
    pub(crate) fn poll_timeout(&self) -> Option<UnixMs> {
        if self.flying.len() >= limits::DELIVERIES_MAX {
            return None;
        }
        let free = self.hosts.values().filter(|host| host.flying < limits::PER_HOST_MAX);
        free.filter_map(|host| host.due.first().map(|due| due.0)).min()
    }

    fn settle(&mut self, seq: i64, settled: Settled) {
        self.held = self.held.saturating_sub(1);
        self.out.push_back(Output::Settle { seq, settled });
    }

    fn move_on(&mut self, lane: usize, now: UnixMs) {
        if let Some(next) = self.lanes[lane].waiting.front() {
            let due = next.next_at.max(now);
            self.set_due(lane, due);
        }
    }

    fn set_due(&mut self, lane: usize, at: UnixMs) {
        let host = self.hosts.entry(self.lanes[lane].host.clone()).or_default();
        if let LaneState::Due(before) = self.lanes[lane].state {
            host.due.remove(&(before, lane));
        }
        host.due.insert((at, lane));
        self.lanes[lane].state = LaneState::Due(at);
    }

    fn revive(&mut self, url: &str, now: UnixMs) {
        for lane in 0..self.lanes.len() {
            let (LaneState::Due(due), true) = (&self.lanes[lane].state, self.lanes[lane].url == url) else { continue };
            let Some(first) = self.lanes[lane].waiting.front() else { continue };
            let rested = UnixMs(self.lanes[lane].tried_at.0.saturating_add(REVIVED_WAIT_MS));
            let soon = if first.attempts == 0 { now } else { now.max(rested) };
            if soon < *due {
                self.set_due(lane, soon);
            }
        }
    }

    fn close(&mut self, url: &str) {
        self.closed.insert(url.to_owned());
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].url != url || matches!(self.lanes[lane].state, LaneState::Flying) {
                continue;
            }
            if let LaneState::Due(at) = self.lanes[lane].state
                && let Some(host) = self.hosts.get_mut(&self.lanes[lane].host)
            {
                host.due.remove(&(at, lane));
            }
            self.lanes[lane].state = LaneState::Empty;
            let waiting = std::mem::take(&mut self.lanes[lane].waiting);
            for owed in waiting {
                self.settle(owed.seq, Settled::Gone);
            }
        }
    }

    const fn table_wait(attempts: u32) -> Duration {
        let last = limits::DELIVERY_WAITS.len() - 1;
        let index = (attempts.saturating_sub(1)) as usize;
        limits::DELIVERY_WAITS[if index < last { index } else { last }]
    }

    /// The wait after `attempts` failed tries: what the endpoint asked for, else the table, a tenth more or less.
    fn wait(&mut self, attempts: u32, retry_after: Option<Duration>) -> Duration {
        if let Some(asked) = retry_after {
            return asked.clamp(Duration::from_secs(1), limits::RETRY_AFTER_MAX);
        }
        let table = Self::table_wait(attempts);
        let tenth = table.as_millis() / 10;
        let spread = u64::try_from(tenth.max(1)).unwrap_or(u64::MAX);
        let less = Duration::from_millis(self.random() % spread);
        table.saturating_sub(less)
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn span_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn later(at: UnixMs, span: Duration) -> UnixMs {
    UnixMs(at.0.saturating_add(span_ms(span)))
}
