//! The schedule of webhooks over hours and days, in virtual time.

use crate::{
    limits,
    outbox::{Owed, Settled},
    schedule::{Output, Schedule, Verdict},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use terms::UnixMs;

const START: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;

fn owed(seq: i64, url: &str, lane: &str, at: u64) -> Owed {
    let (url, lane) = (url.to_owned(), lane.to_owned());
    Owed { seq, id: format!("msg_{seq}"), url, lane, attempts: 0, first_at: UnixMs(at), next_at: UnixMs(at) }
}

fn host(url: &str) -> &str {
    url.trim_start_matches("http://").split('/').next().unwrap()
}

/// A world of endpoints: each try is answered `takes` later by `answers(url, now)`.
struct World<F> {
    schedule: Schedule,
    now: u64,
    takes: fn(&str) -> u64,
    answers: F,
    /// Answers under way: (when, seq, url).
    flying: BTreeSet<(u64, i64, String)>,
    tries: Vec<(u64, i64, String)>,
    delivered: Vec<(u64, i64)>,
    ended: BTreeMap<i64, Settled>,
    most_per_host: usize,
}

impl<F: FnMut(&str, i64, u64) -> Verdict> World<F> {
    fn new(takes: fn(&str) -> u64, answers: F) -> Self {
        Self {
            schedule: Schedule::new(7),
            now: START,
            takes,
            answers,
            flying: BTreeSet::new(),
            tries: Vec::new(),
            delivered: Vec::new(),
            ended: BTreeMap::new(),
            most_per_host: 0,
        }
    }
    fn owe(&mut self, seq: i64, url: &str, lane: &str) {
        self.schedule.owed(owed(seq, url, lane, self.now), host(url), UnixMs(self.now));
    }
    fn run_until(&mut self, end: u64) {
        loop {
            while let Some(output) = self.schedule.poll_output(UnixMs(self.now)) {
                match output {
                    Output::Try { seq, url, id } => {
                        assert_eq!(id, format!("msg_{seq}"), "the same id at every try");
                        self.tries.push((self.now, seq, url.clone()));
                        self.flying.insert((self.now + (self.takes)(&url), seq, url.clone()));
                        let here = self.flying.iter().filter(|(_, _, other)| host(other) == host(&url)).count();
                        self.most_per_host = self.most_per_host.max(here);
                        assert_eq!(self.flying.len(), self.schedule.under_way());
                    }
                    Output::Settle { seq, settled } => {
                        if !matches!(settled, Settled::Later { .. }) {
                            assert_eq!(self.ended.insert(seq, settled), None, "{seq} ended twice");
                        }
                    }
                }
            }
            let answer = self.flying.first().map(|(at, ..)| *at);
            let due = self.schedule.poll_timeout().map(|at| at.0);
            let Some(next) = answer.into_iter().chain(due).min().filter(|next| *next <= end) else { break };
            assert!(next >= self.now, "time runs backwards");
            self.now = next;
            if answer == Some(next)
                && let Some((_, seq, url)) = self.flying.pop_first()
            {
                let verdict = (self.answers)(&url, seq, next);
                if verdict == Verdict::Delivered {
                    self.delivered.push((next, seq));
                }
                self.schedule.answered(seq, verdict, UnixMs(next));
            }
        }
        self.now = end;
    }
}

fn failed(why: &str) -> Verdict {
    Verdict::Failed { why: why.to_owned(), retry_after: None }
}

#[test]
fn an_endpoint_down_for_three_days_loses_nothing_and_drains_quickly_in_order() {
    let back = START + 72 * HOUR;
    let mut world = World::new(|_| 40, |_, _, now| if now < back { failed("refused") } else { Verdict::Delivered });
    for seq in 1..=10_000 {
        world.owe(seq, "http://crm/hook", &format!("mailbox/{}", seq % 50));
    }
    world.run_until(back);
    assert_eq!(world.delivered.len(), 0);
    let before = world.tries.len();
    assert!(before <= 50 * 16, "{before} tries at a dead endpoint");
    world.run_until(back + 11 * HOUR);
    assert_eq!(world.delivered.len(), 10_000);
    assert!(world.most_per_host <= limits::PER_HOST_MAX);
    let mut last: BTreeMap<i64, i64> = BTreeMap::new();
    for (_, seq) in &world.delivered {
        assert!(last.insert(seq % 50, *seq).is_none_or(|before| before < *seq), "{seq} overtook in its mailbox");
    }
    // 4 at a time of 40 ms each are 100 a second: the whole backlog within two minutes of the first success.
    let (first, end) = (world.delivered[0].0, world.delivered[9_999].0);
    assert!(end - first <= 120_000, "drained in {} s", (end - first) / 1_000);
    assert!(world.ended.values().all(|settled| *settled == Settled::Done));
}

#[test]
fn after_three_days_a_delivery_is_given_up_and_the_next_moves_on() {
    let mut world = World::new(|_| 1, |_, seq, _| if seq == 1 { failed("answered 500") } else { Verdict::Delivered });
    world.owe(1, "http://crm/hook", "a");
    world.owe(2, "http://crm/hook", "a");
    world.run_until(START + 71 * HOUR);
    assert_eq!(world.ended.len(), 0, "in order: the second waits for the first");
    world.run_until(START + 90 * HOUR);
    assert_eq!(world.ended[&1], Settled::GivenUp { why: "answered 500".to_owned() });
    assert_eq!(world.ended[&2], Settled::Done);
    let waits: Vec<u64> = world.tries.windows(2).take(7).map(|pair| (pair[1].0 - pair[0].0) / 1_000).collect();
    for (wait, table) in waits.iter().zip([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]) {
        assert!((table * 9 / 10..=table).contains(wait), "{waits:?}");
    }
}

#[test]
fn a_slow_endpoint_delays_nobody_else() {
    let takes = |url: &str| if url.contains("slow") { 15_000 } else { 20 };
    let mut world = World::new(takes, |url, _, _| if url.contains("slow") { failed("late") } else { Verdict::Delivered });
    for seq in 1..=100 {
        world.owe(seq, "http://slow/hook", &format!("s{seq}"));
        world.owe(1_000 + seq, "http://fast/hook", &format!("f{seq}"));
    }
    world.run_until(START + 1_000);
    assert_eq!(world.delivered.len(), 100, "all of the fast endpoint within a second");
    world.run_until(START + 60_000);
    assert_eq!(world.most_per_host, limits::PER_HOST_MAX);
}

#[test]
fn retry_after_is_honoured_and_capped() {
    let asked: VecDeque<u64> = [120, 9_999_999].into();
    let mut left = asked;
    let mut world = World::new(|_| 1, move |_, _, _| match left.pop_front() {
        Some(seconds) => {
            Verdict::Failed { why: "answered 429".to_owned(), retry_after: Some(Duration::from_secs(seconds)) }
        }
        None => Verdict::Delivered,
    });
    world.owe(1, "http://crm/hook", "a");
    world.run_until(START + 20 * HOUR);
    let waits: Vec<u64> = world.tries.windows(2).map(|pair| (pair[1].0 - pair[0].0) / 1_000).collect();
    assert_eq!(waits, [120, limits::RETRY_AFTER_MAX.as_secs()]);
    assert_eq!(world.ended[&1], Settled::Done);
}

#[test]
fn gone_closes_the_endpoint_for_all_that_waits_and_all_that_comes() {
    let mut world = World::new(|_| 5, |url, _, _| if url.contains("gone") { Verdict::Gone } else { Verdict::Delivered });
    for seq in 1..=20 {
        world.owe(seq, "http://crm/gone", &format!("{}", seq % 7));
    }
    world.owe(21, "http://crm/here", "x");
    world.run_until(START + 1_000);
    world.owe(22, "http://crm/gone", "later");
    world.run_until(START + 2_000);
    assert!((1..=20).all(|seq| world.ended[&seq] == Settled::Gone));
    assert_eq!(world.ended[&21], Settled::Done);
    assert_eq!(world.ended[&22], Settled::Gone);
    assert!(world.tries.iter().filter(|(_, _, url)| url.contains("gone")).count() <= limits::PER_HOST_MAX);
}

#[test]
fn one_bad_delivery_is_not_tried_at_every_success_of_its_endpoint() {
    let mut world = World::new(|_| 1, |_, seq, _| if seq == 1 { failed("answered 500") } else { Verdict::Delivered });
    world.owe(1, "http://crm/hook", "bad");
    for seq in 2..=600 {
        world.owe(seq, "http://crm/hook", "good");
        world.run_until(START + u64::try_from(seq).unwrap() * 1_000);
    }
    let bad = world.tries.iter().filter(|(_, seq, _)| *seq == 1).count();
    assert!(bad <= 12, "tried {bad} times in ten minutes");
}
