//! Makes a failing caller as small as it goes: fewer steps, a poorer world, shorter waits, simpler keys.

use super::case::{Act, Case};
use crate::offline::Manner;
use std::time::Duration;

/// Tries in all: each is a call of a few milliseconds.
const TRIES_MAX: usize = 400;
/// Waits are tried at these lengths, shortest first.
const WAITS: [Duration; 6] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];

/// The smallest case found for which `fails` still holds; it holds for `case`.
pub(crate) fn shrink(case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut search = Search { best: case, fails, tries: 0 };
    // What one round makes possible the next one may use.
    loop {
        let before = search.tries;
        let shorter = search.drop_steps() | search.poorer_world() | search.shorter_waits() | search.simpler_keys();
        if !shorter || search.tries >= TRIES_MAX || search.tries == before {
            return search.best;
        }
    }
}

struct Search<F> {
    best: Case,
    fails: F,
    tries: usize,
}

impl<F: Fn(&Case) -> bool> Search<F> {
    /// Takes a candidate if it still fails.
    fn try_it(&mut self, candidate: Case) -> bool {
        self.tries += 1;
        let is_better = self.tries <= TRIES_MAX && (self.fails)(&candidate);
        if is_better {
            self.best = candidate;
        }
        is_better
    }

    /// What a step expects is what fails: those stay.
    fn is_fixed(&self, at: usize) -> bool {
        let last_wait = self.best.script.iter().rposition(|step| matches!(step.act, Act::Silence(_)));
        matches!(self.best.script[at].act, Act::Expect(_)) || last_wait == Some(at)
    }

    /// Half of the steps, a quarter, … each alone.
    fn drop_steps(&mut self) -> bool {
        let mut shorter = false;
        let mut size = self.best.script.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.best.script.len() {
                let end = (at + size).min(self.best.script.len());
                let mut candidate = self.best.clone();
                let kept = (0..candidate.script.len()).filter(|step| !(at..end).contains(step) || self.is_fixed(*step));
                candidate.script = kept.map(|step| self.best.script[step].clone()).collect();
                if candidate.script.len() < self.best.script.len() && self.try_it(candidate) {
                    shorter = true;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
        shorter
    }

    fn poorer_world(&mut self) -> bool {
        let mut poorer = false;
        for mailbox in self.best.mocks.mailboxes.keys().cloned().collect::<Vec<_>>() {
            let mut candidate = self.best.clone();
            candidate.mocks.mailboxes.remove(&mailbox);
            poorer |= self.try_it(candidate);
        }
        if self.best.begin.at.is_some() {
            let mut candidate = self.best.clone();
            candidate.begin.at = None;
            poorer |= self.try_it(candidate);
        }
        if self.best.begin.number.is_some() {
            let mut candidate = self.best.clone();
            candidate.begin.number = None;
            poorer |= self.try_it(candidate);
        }
        for at in (0..self.best.mocks.http.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.mocks.http.remove(at);
            poorer |= self.try_it(candidate);
        }
        for at in (0..self.best.mocks.devices.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.mocks.devices.remove(at);
            if self.try_it(candidate) {
                poorer = true;
                continue;
            }
            for simpler in [Manner::Busy, Manner::Ring(None)] {
                if self.best.mocks.devices[at].1 != [simpler.clone()] {
                    let mut candidate = self.best.clone();
                    candidate.mocks.devices[at].1 = vec![simpler.clone()];
                    if self.try_it(candidate) {
                        poorer = true;
                        break;
                    }
                }
            }
        }
        poorer
    }

    fn shorter_waits(&mut self) -> bool {
        let mut shorter = false;
        for at in 0..self.best.script.len() {
            if self.is_fixed(at) {
                continue;
            }
            let length = match &self.best.script[at].act {
                Act::Wait(span) | Act::Silence(span) | Act::Speak { span: Some(span), .. } => *span,
                Act::Hear(_) | Act::Press { .. } | Act::Speak { .. } | Act::HangUp | Act::Expect(_) => continue,
            };
            for wait in WAITS.into_iter().filter(|wait| *wait < length) {
                let mut candidate = self.best.clone();
                match &mut candidate.script[at].act {
                    Act::Wait(span) | Act::Silence(span) | Act::Speak { span: Some(span), .. } => *span = wait,
                    Act::Hear(_) | Act::Press { .. } | Act::Speak { .. } | Act::HangUp | Act::Expect(_) => {}
                }
                if self.try_it(candidate) {
                    shorter = true;
                    break;
                }
            }
        }
        shorter
    }

    /// One key instead of many, and `1` instead of another.
    fn simpler_keys(&mut self) -> bool {
        let mut simpler = false;
        for at in 0..self.best.script.len() {
            let Act::Press { keys, .. } = self.best.script[at].act.clone() else { continue };
            let first: String = keys.chars().take(1).collect();
            for fewer in ["1".to_owned(), first] {
                if fewer != keys && keys != "1" {
                    let mut candidate = self.best.clone();
                    candidate.script[at].act = Act::Press { keys: fewer, interrupts: None };
                    if self.try_it(candidate) {
                        simpler = true;
                        break;
                    }
                }
            }
        }
        simpler
    }
}
