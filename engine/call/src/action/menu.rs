//! `menu`: a prompt, then one key (or a few) out of those offered.
//!
//! ```text
//!  Asking ── prompt heard ──▶ Waiting ── `wait` passed ──▶ Asking again (no_input first), until `attempts` are used up
//!     └───────── key ─────────────┴─ key ─▶ chosen │ the beginning of a choice: Waiting │ none: Asking again (no_match first)
//! ```

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::desk::Desk;
use flow::{Outcome, PromptItem};
use std::time::Instant;
use terms::{LegId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Menu {
    menu: flow::Menu,
    attempt: u32,
    typed: String,
    /// The caller knows that something is to be pressed: the prompt was heard, or a key came.
    is_asked: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asking(Prompting),
    Waiting { until: Instant },
}

impl Menu {
    pub(super) fn begin(menu: flow::Menu, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        if !menu.type_ahead {
            desk.digits.clear();
        }
        let stage = Stage::Waiting { until: now.at };
        let mut action = Self { menu, attempt: 1, typed: String::new(), is_asked: false, stage };
        let progress = if desk.digits.is_empty() { action.ask(&[], desk, now) } else { action.read(desk, now) };
        match progress {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    fn ask(&mut self, before: &[PromptItem], desk: &mut Desk, now: Now) -> Progress {
        let items: Vec<PromptItem> = before.iter().chain(&self.menu.prompt).cloned().collect();
        let prompting = Prompting::start_or_sorry(&items, LegId::CALLER, desk, now);
        self.after(prompting.said(), now);
        if prompting.said() == Said::Going {
            self.stage = Stage::Asking(prompting);
        }
        Progress::Going
    }

    /// A prompt that is over or cannot be said: the caller may still know what to press.
    fn after(&mut self, said: Said, now: Now) {
        if said != Said::Going {
            self.is_asked = said == Said::Finished;
            self.stage = Stage::Waiting { until: now.at + self.menu.wait };
        }
    }

    fn hush(&mut self, desk: &mut Desk, now: Now) {
        if let Stage::Asking(prompting) = &mut self.stage {
            prompting.stop(desk, now);
        }
        self.is_asked = true;
        self.stage = Stage::Waiting { until: now.at + self.menu.wait };
    }

    /// Reads the keys that wait.
    fn read(&mut self, desk: &mut Desk, now: Now) -> Progress {
        while let Some(digit) = desk.digits.pop_front() {
            self.hush(desk, now);
            self.typed.push(digit.as_char());
            if self.menu.keys.contains(&self.typed) {
                let key = std::mem::take(&mut self.typed);
                desk.note(now, format!("menu: the caller pressed {key}"));
                return Progress::Done(self.outcome(&key, &key));
            }
            if !self.menu.keys.iter().any(|key| key.starts_with(&self.typed)) {
                desk.note(now, format!("menu: {} is not offered", self.typed));
                self.typed.clear();
                desk.digits.clear();
                return self.again(true, desk, now);
            }
        }
        Progress::Going
    }

    fn outcome(&self, name: &str, key: &str) -> Outcome {
        Outcome::with(name, serde_json::json!({ "key": key, "attempts": self.attempt }))
    }

    fn again(&mut self, was_wrong: bool, desk: &mut Desk, now: Now) -> Progress {
        if self.attempt >= self.menu.attempts {
            desk.note(now, format!("menu: given up after {} attempts", self.attempt));
            return Progress::Done(self.outcome("failed", ""));
        }
        self.attempt += 1;
        let before = if was_wrong { self.menu.no_match.clone() } else { self.menu.no_input.clone() };
        self.ask(&before, desk, now)
    }
}

impl Action for Menu {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if matches!(event, Event::Keyed) {
            return self.read(desk, now);
        }
        match &mut self.stage {
            Stage::Asking(prompting) => {
                let said = prompting.handle(&mut event, desk, now);
                self.after(said, now);
                Progress::Going
            }
            Stage::Waiting { until } if *until <= now.at && matches!(event, Event::Time) => {
                let was_wrong = !self.typed.is_empty();
                self.typed.clear();
                self.again(was_wrong, desk, now)
            }
            Stage::Waiting { .. } => Progress::Going,
        }
    }

    fn means_silence(&self) -> bool {
        self.is_asked && matches!(self.stage, Stage::Waiting { .. })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asking(prompting) => prompting.poll_timeout(),
            Stage::Waiting { until } => Some(*until),
        }
    }
}
