//! Whom to ring, when and for how long: the tree of a `bridge`, without a single telephone.
//!
//! ```text
//!   Idle ── its turn ──▶ Delayed ── `after` ──▶ Active ── answered elsewhere / time-out / all branches over ──▶ Over
//! ```
//! A leaf is one target of the flow (it may ring several devices); a group rings its children together, in order or in
//! random order. The room above starts and stops what [`Ringing::poll_act`] says and reports what became of it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// In which order a group's children ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// All at once (each after its own delay).
    Together,
    /// One after the other.
    InOrder,
}

/// What a bridge rings: a target, or a group of such.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The target's name, or the group's children with their order.
    pub(crate) what: What,
    /// Wait this long before its turn begins to ring.
    pub(crate) after: Duration,
    /// Ring at most this long.
    pub(crate) timeout: Option<Duration>,
}

/// See [`Plan`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// `connection/alice`, `number/+44…`, `sip:…`.
    Target(String),
    /// Several, in an order.
    Group(Order, Vec<Plan>),
}

/// One target of the plan, numbered in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TargetId(pub(crate) usize);

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Locate and ring this target.
    Start(TargetId, String),
    /// Stop ringing it: its time is over.
    Stop(TargetId),
}

/// Why a target is over. The order is the order of merit: the best told cause of all becomes the bridge's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Nobody registered, no route, no right, 4xx/5xx that mean so.
    Unreachable,
    /// 486, 600-less busy.
    Busy,
    /// It rang, nobody answered.
    NoAnswer,
    /// Answered, but the key of `confirm` was not pressed.
    NotConfirmed,
    /// 6xx: everything stops.
    Declined,
}

impl Cause {
    /// The outcome's name in the flow language.
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::NotConfirmed => "not_confirmed",
            Self::Declined => "declined",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Delayed { until: Instant },
    Active { until: Option<Instant> },
    Over,
}

#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    after: Duration,
    timeout: Option<Duration>,
    state: State,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Target(TargetId, String),
    Group { order: Order, children: Vec<usize> },
}

/// The ringing of one bridge.
#[derive(Debug)]
pub(crate) struct Ringing {
    nodes: Vec<Node>,
    targets: Vec<usize>,
    acts: VecDeque<Act>,
    best: Option<Cause>,
}

impl Ringing {
    /// Begins: the first acts are ready at once.
    pub(crate) fn new(plan: Plan, now: Instant) -> Self {
        let mut ringing = Self { nodes: Vec::new(), targets: Vec::new(), acts: VecDeque::new(), best: None };
        let root = ringing.plant(plan, None);
        ringing.activate(root, now);
        ringing
    }

    fn plant(&mut self, plan: Plan, parent: Option<usize>) -> usize {
        let at = self.nodes.len();
        let Plan { what, after, timeout } = plan;
        let empty = Kind::Group { order: Order::Together, children: Vec::new() };
        self.nodes.push(Node { parent, after, timeout, state: State::Idle, kind: empty });
        let kind = match what {
            What::Target(name) => {
                self.targets.push(at);
                Kind::Target(TargetId(self.targets.len() - 1), name)
            }
            What::Group(order, plans) => {
                let children = plans.into_iter().map(|child| self.plant(child, Some(at))).collect();
                Kind::Group { order, children }
            }
        };
        self.nodes[at].kind = kind;
        at
    }

    /// The next thing to do.
    pub(crate) fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// When time decides next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.nodes
            .iter()
            .filter_map(|node| match node.state {
                State::Delayed { until } | State::Active { until: Some(until) } => Some(until),
                State::Idle | State::Active { until: None } | State::Over => None,
            })
            .min()
    }

    /// Time passed: delays end, targets stop ringing.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(at) = self.nodes.iter().position(|node| match node.state {
            State::Delayed { until } | State::Active { until: Some(until) } => until <= now,
            State::Idle | State::Active { until: None } | State::Over => false,
        }) {
            match self.nodes[at].state {
                State::Delayed { .. } => self.begin(at, now),
                State::Active { .. } => {
                    self.close(at);
                    self.finished(at, now);
                }
                State::Idle | State::Over => {}
            }
        }
    }

    /// Every branch of a target is over, with this cause.
    pub(crate) fn target_over(&mut self, target: TargetId, cause: Cause, now: Instant) {
        self.best = self.best.max(Some(cause));
        let Some(&at) = self.targets.get(target.0) else { return };
        if self.nodes[at].state != State::Over {
            self.nodes[at].state = State::Over;
            self.finished(at, now);
        }
    }

    /// Everything stops (answered, or declined, or the caller left).
    pub(crate) fn stop_all(&mut self) {
        self.close(0);
        self.acts.clear();
    }

    /// The outcome, once nothing rings or waits any more.
    pub(crate) fn verdict(&self) -> Option<Cause> {
        (self.nodes[0].state == State::Over).then(|| self.best.unwrap_or(Cause::Unreachable))
    }

    fn activate(&mut self, at: usize, now: Instant) {
        if self.nodes[at].after.is_zero() {
            self.begin(at, now);
        } else {
            self.nodes[at].state = State::Delayed { until: now + self.nodes[at].after };
        }
    }

    fn begin(&mut self, at: usize, now: Instant) {
        self.nodes[at].state = State::Active { until: self.nodes[at].timeout.map(|span| now + span) };
        match &self.nodes[at].kind {
            Kind::Target(id, name) => self.acts.push_back(Act::Start(*id, name.clone())),
            Kind::Group { order, children } => {
                let starting: Vec<usize> = match order {
                    Order::Together => children.clone(),
                    Order::InOrder => children.first().copied().into_iter().collect(),
                };
                let is_empty = starting.is_empty();
                for child in starting {
                    self.activate(child, now);
                }
                if is_empty {
                    self.nodes[at].state = State::Over;
                    self.finished(at, now);
                }
            }
        }
    }

    /// Stops a node and all below it; what rang is stopped.
    fn close(&mut self, at: usize) {
        let was = std::mem::replace(&mut self.nodes[at].state, State::Over);
        match &self.nodes[at].kind {
            Kind::Target(id, _) => {
                if matches!(was, State::Active { .. }) {
                    self.acts.push_back(Act::Stop(*id));
                    self.best = self.best.max(Some(Cause::NoAnswer));
                }
            }
            Kind::Group { children, .. } => {
                for child in children.clone() {
                    self.close(child);
                }
            }
        }
    }

    /// A node is over: its parent goes on to the next child, or is over too.
    fn finished(&mut self, at: usize, now: Instant) {
        let Some(parent) = self.nodes[at].parent else { return };
        if self.nodes[parent].state == State::Over {
            return;
        }
        let Kind::Group { order, children } = &self.nodes[parent].kind else { return };
        let next = match order {
            Order::Together => None,
            Order::InOrder => children.iter().copied().find(|child| self.nodes[*child].state == State::Idle),
        };
        let all_over = children.iter().all(|child| self.nodes[*child].state == State::Over);
        if let Some(next) = next {
            self.activate(next, now);
        } else if all_over {
            self.nodes[parent].state = State::Over;
            self.finished(parent, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Plan {
        Plan { what: What::Target(name.into()), after: Duration::ZERO, timeout: None }
    }
    fn group(order: Order, timeout: u64, of: Vec<Plan>) -> Plan {
        Plan { what: What::Group(order, of), after: Duration::ZERO, timeout: Some(Duration::from_secs(timeout)) }
    }
    fn acts(ringing: &mut Ringing) -> String {
        let mut told = Vec::new();
        while let Some(act) = ringing.poll_act() {
            told.push(match act {
                Act::Start(id, name) => format!("start {} {name}", id.0),
                Act::Stop(id) => format!("stop {}", id.0),
            });
        }
        told.join(", ")
    }
    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }
    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn together_all_ring_and_the_time_ends_all() {
        let t = start();
        let mut ringing = Ringing::new(group(Order::Together, 20, vec![target("a"), target("b")]), t);
        assert_eq!(acts(&mut ringing), "start 0 a, start 1 b");
        ringing.target_over(TargetId(0), Cause::Busy, t + secs(1));
        assert_eq!(ringing.verdict(), None, "one busy telephone does not stop the other");
        assert_eq!(ringing.poll_timeout(), Some(t + secs(20)));
        ringing.handle_timeout(t + secs(20));
        assert_eq!(acts(&mut ringing), "stop 1");
        assert_eq!(ringing.verdict(), Some(Cause::NoAnswer));
    }

    #[test]
    fn in_order_the_next_rings_when_the_last_is_over() {
        let t = start();
        let mut slow = target("a");
        slow.timeout = Some(secs(5));
        let mut ringing = Ringing::new(group(Order::InOrder, 60, vec![slow, target("b"), target("c")]), t);
        assert_eq!(acts(&mut ringing), "start 0 a");
        ringing.handle_timeout(t + secs(5));
        assert_eq!(acts(&mut ringing), "stop 0, start 1 b");
        ringing.target_over(TargetId(1), Cause::Unreachable, t + secs(6));
        assert_eq!(acts(&mut ringing), "start 2 c");
        ringing.target_over(TargetId(2), Cause::Busy, t + secs(7));
        assert_eq!(ringing.verdict(), Some(Cause::NoAnswer), "the best cause is told");
    }

    #[test]
    fn delays_and_groups_nest() {
        let t = start();
        let mut late = group(Order::Together, 10, vec![target("b"), target("c")]);
        late.after = secs(3);
        let mut ringing = Ringing::new(group(Order::Together, 30, vec![target("a"), late]), t);
        assert_eq!(acts(&mut ringing), "start 0 a");
        ringing.handle_timeout(t + secs(3));
        assert_eq!(acts(&mut ringing), "start 1 b, start 2 c");
        ringing.handle_timeout(t + secs(13));
        assert_eq!(acts(&mut ringing), "stop 1, stop 2");
        ringing.stop_all();
        assert_eq!(ringing.verdict(), Some(Cause::NoAnswer));
        assert_eq!(ringing.poll_timeout(), None);
    }

    #[test]
    fn an_empty_group_is_over_at_once() {
        let ringing = Ringing::new(group(Order::InOrder, 30, vec![]), start());
        assert_eq!(ringing.verdict(), Some(Cause::Unreachable));
    }
}
