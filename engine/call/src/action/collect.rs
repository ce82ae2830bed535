//! `collect`: a number from the caller's keys, complete by length, by the finish key or by a pause.

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::desk::Desk;
use flow::{Outcome, PromptItem};
use std::time::Instant;
use terms::{LegId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Collect {
    collect: flow::Collect,
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

impl Collect {
    pub(super) fn begin(collect: flow::Collect, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        if !collect.type_ahead || collect.secret {
            desk.digits.clear();
        }
        let stage = Stage::Waiting { until: now.at };
        let mut action = Self { collect, attempt: 1, typed: String::new(), is_asked: false, stage };
        let progress = if desk.digits.is_empty() { action.ask(&[], desk, now) } else { action.read(desk, now) };
        match progress {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    fn ask(&mut self, before: &[PromptItem], desk: &mut Desk, now: Now) -> Progress {
        let items: Vec<PromptItem> = before.iter().chain(&self.collect.prompt).cloned().collect();
        let prompting = Prompting::start_or_sorry(&items, LegId::CALLER, desk, now);
        self.after(prompting.said(), now);
        if prompting.said() == Said::Going {
            self.stage = Stage::Asking(prompting);
        }
        Progress::Going
    }

    fn after(&mut self, said: Said, now: Now) {
        if said != Said::Going {
            self.is_asked = said == Said::Finished;
            self.stage = Stage::Waiting { until: now.at + self.collect.wait };
        }
    }

    fn read(&mut self, desk: &mut Desk, now: Now) -> Progress {
        while let Some(digit) = desk.digits.pop_front() {
            if let Stage::Asking(prompting) = &mut self.stage {
                prompting.stop(desk, now);
            }
            self.is_asked = true;
            self.stage = Stage::Waiting { until: now.at + self.collect.between };
            let key = digit.as_char();
            if self.collect.finish == Some(key) {
                return self.complete(desk, now);
            }
            self.typed.push(key);
            if u32::try_from(self.typed.len()).unwrap_or(u32::MAX) >= self.collect.max {
                return self.complete(desk, now);
            }
        }
        Progress::Going
    }

    /// The input is complete: is it what was asked for?
    fn complete(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let typed = std::mem::take(&mut self.typed);
        let is_long_enough = u32::try_from(typed.len()).unwrap_or(u32::MAX) >= self.collect.min;
        let matches = self.collect.pattern.as_ref().is_none_or(|pattern| pattern.matches(&typed));
        if is_long_enough && matches {
            let shown = if self.collect.secret { format!("{} secret digits", typed.len()) } else { typed.clone() };
            desk.note(now, format!("collect: {shown}"));
            return Progress::Done(Outcome::with("ok", serde_json::json!({ "digits": typed, "attempts": self.attempt })));
        }
        desk.digits.clear();
        self.again(!typed.is_empty(), desk, now)
    }

    fn again(&mut self, was_wrong: bool, desk: &mut Desk, now: Now) -> Progress {
        if self.attempt >= self.collect.attempts {
            desk.note(now, format!("collect: given up after {} attempts", self.attempt));
            let result = serde_json::json!({ "digits": "", "attempts": self.attempt });
            return Progress::Done(Outcome::with("failed", result));
        }
        self.attempt += 1;
        let before = if was_wrong { self.collect.no_match.clone() } else { self.collect.no_input.clone() };
        self.ask(&before, desk, now)
    }
}

impl Action for Collect {
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
                if self.typed.is_empty() && self.collect.min > 0 {
                    self.again(false, desk, now)
                } else {
                    self.complete(desk, now)
                }
            }
            Stage::Waiting { .. } => Progress::Going,
        }
    }

    fn means_silence(&self) -> bool {
        self.is_asked && matches!(self.stage, Stage::Waiting { .. })
    }

    fn is_secret(&self) -> bool {
        self.collect.secret
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asking(prompting) => prompting.poll_timeout(),
            Stage::Waiting { until } => Some(*until),
        }
    }
}
