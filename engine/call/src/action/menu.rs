//! `menu`: a [`Question`], then one key (or a few) out of those offered.

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
pub(super) struct Menu {
    question: Question,
    menu: flow::Menu,
    typed: String,
}

impl Menu {
    pub(super) fn begin(mut menu: flow::Menu, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        if !menu.type_ahead {
            desk.digits.clear();
        }
        let words = Words {
            prompt: std::mem::take(&mut menu.prompt),
            no_input: std::mem::take(&mut menu.no_input),
            no_match: std::mem::take(&mut menu.no_match),
            attempts: menu.attempts,
            wait: menu.wait,
        };
        let mut action = Self { question: Question::new(words, now), menu, typed: String::new() };
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
            self.question.hush(self.menu.wait, desk, now);
            self.typed.push(digit.as_char());
            if self.menu.keys.contains(&self.typed) {
                let key = std::mem::take(&mut self.typed);
                desk.note(now, format!("menu: the caller pressed {key}"));
                return Progress::Done(self.outcome(&key, &key));
            }
            if !self.menu.keys.iter().any(|key| key.starts_with(&self.typed)) {
                desk.note(now, format!("menu: {} is not offered", self.typed));
                desk.digits.clear();
                return self.again(desk, now);
            }
        }
        Progress::Going
    }

    fn outcome(&self, name: &str, key: &str) -> Outcome {
        Outcome::with(name, serde_json::json!({ "key": key, "attempts": self.question.attempt() }))
    }

    /// Nothing was pressed, or nothing that is offered.
    fn again(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let was_wrong = !std::mem::take(&mut self.typed).is_empty();
        if self.question.again(was_wrong, desk, now) {
            return Progress::Going;
        }
        desk.note(now, format!("menu: given up after {} attempts", self.question.attempt()));
        Progress::Done(self.outcome("failed", ""))
    }
}

impl Action for Menu {
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress {
        if matches!(event, Event::Keyed) {
            self.read(desk, now)
        } else if self.question.handle(event, desk, now) {
            self.again(desk, now)
        } else {
            Progress::Going
        }
    }

    fn means_silence(&self) -> bool {
        self.question.means_silence()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.question.poll_timeout()
    }
}
