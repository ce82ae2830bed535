//! `collect`: a [`Question`], then a number from the caller's keys, complete by length, by the finish key or by a pause.

use super::{
    Action, Begun, Event, Progress,
    question::{Question, Words},
};
use crate::desk::Desk;
use flow::Outcome;
use std::time::Instant;
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Collect {
    question: Question,
    collect: flow::Collect,
    typed: String,
}

impl Collect {
    pub(super) fn begin(mut collect: flow::Collect, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        if !collect.type_ahead || collect.secret {
            desk.digits.clear();
        }
        let words = Words {
            prompt: std::mem::take(&mut collect.prompt),
            no_input: std::mem::take(&mut collect.no_input),
            no_match: std::mem::take(&mut collect.no_match),
            attempts: collect.attempts,
            wait: collect.wait,
        };
        let mut action = Self { question: Question::new(words, now), collect, typed: String::new() };
        if desk.digits.is_empty() {
            action.question.ask(desk, now);
        }
        match action.read(desk, now) {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    /// Reads the keys that wait.
    fn read(&mut self, desk: &mut Desk, now: Now) -> Progress {
        while let Some(digit) = desk.digits.pop_front() {
            self.question.hush(self.collect.between, desk, now);
            let key = digit.as_char();
            if self.collect.finish == Some(key) {
                return self.complete(desk, now);
            }
            self.typed.push(key);
            if self.count() >= self.collect.max {
                return self.complete(desk, now);
            }
        }
        Progress::Going
    }

    fn count(&self) -> u32 {
        u32::try_from(self.typed.len()).unwrap_or(u32::MAX)
    }

    /// The input is complete: is it what was asked for?
    fn complete(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let is_long_enough = self.count() >= self.collect.min;
        let matches = self.collect.pattern.as_ref().is_none_or(|pattern| pattern.matches(&self.typed));
        if is_long_enough && matches {
            let typed = std::mem::take(&mut self.typed);
            let shown = if self.collect.secret { format!("{} secret digits", typed.len()) } else { typed.clone() };
            desk.note(now, format!("collect: {shown}"));
            return Progress::Done(Outcome::with("ok", serde_json::json!({ "digits": typed, "attempts": self.question.attempt() })));
        }
        desk.digits.clear();
        self.again(desk, now)
    }

    /// Nothing was pressed, or not what was asked for.
    fn again(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let was_wrong = !std::mem::take(&mut self.typed).is_empty();
        if self.question.again(was_wrong, desk, now) {
            return Progress::Going;
        }
        desk.note(now, format!("collect: given up after {} attempts", self.question.attempt()));
        let result = serde_json::json!({ "digits": "", "attempts": self.question.attempt() });
        Progress::Done(Outcome::with("failed", result))
    }
}

impl Action for Collect {
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress {
        if matches!(event, Event::Keyed) {
            self.read(desk, now)
        } else if self.question.handle(event, desk, now) {
            if self.typed.is_empty() && self.collect.min > 0 { self.again(desk, now) } else { self.complete(desk, now) }
        } else {
            Progress::Going
        }
    }

    fn means_silence(&self) -> bool {
        self.question.means_silence()
    }

    fn is_secret(&self) -> bool {
        self.collect.secret
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.question.poll_timeout()
    }
}
