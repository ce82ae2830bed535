//! A question to the caller, as `menu` and `collect` put it: the prompt, the wait for keys, and all over again a few times.
//!
//! ```text
//!  Asking ── prompt heard ──▶ Waiting ── its time passed ──▶ the action decides; [`Question::again`]: Asking (no_input first)
//!     └───────── key ────────────┴─ key ─▶ the action reads; [`Question::again`]: Asking (no_match first)
//! ```

use super::{Event, prompting::{Prompting, Said}};
use crate::desk::Desk;
use flow::PromptItem;
use std::time::{Duration, Instant};
use terms::{LegId, Now};

/// What is said, and how often.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) prompt: Vec<PromptItem>,
    /// Before it, when nothing was pressed.
    pub(super) no_input: Vec<PromptItem>,
    /// Before it, when something else was pressed.
    pub(super) no_match: Vec<PromptItem>,
    /// Asked so many times at most.
    pub(super) attempts: u32,
    /// After the prompt, so long is waited for the first key.
    pub(super) wait: Duration,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Question {
    words: Words,
    attempt: u32,
    /// The caller knows that something is to be pressed: the prompt was heard, or a key came.
    is_asked: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asking(Prompting),
    Waiting { until: Instant },
}

impl Question {
    /// Not yet asked: for keys may wait that answer it.
    pub(super) const fn new(words: Words, now: Now) -> Self {
        Self { words, attempt: 1, is_asked: false, stage: Stage::Waiting { until: now.at } }
    }

    /// How many times it was asked, from 1.
    pub(super) const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Asks it.
    pub(super) fn ask(&mut self, desk: &mut Desk, now: Now) {
        self.say(self.words.prompt.clone(), desk, now);
    }

    /// Asks it again, and says before why; `false` when it was asked as often as it may be.
    pub(super) fn again(&mut self, was_wrong: bool, desk: &mut Desk, now: Now) -> bool {
        if self.attempt >= self.words.attempts {
            return false;
        }
        self.attempt += 1;
        let before = if was_wrong { &self.words.no_match } else { &self.words.no_input };
        self.say(before.iter().chain(&self.words.prompt).cloned().collect(), desk, now);
        true
    }

    fn say(&mut self, items: Vec<PromptItem>, desk: &mut Desk, now: Now) {
        let prompting = Prompting::start_or_sorry(&items, LegId::CALLER, desk, now);
        self.after(prompting.said(), now);
        if prompting.said() == Said::Going {
            self.stage = Stage::Asking(prompting);
        }
    }

    /// A prompt that is over or cannot be said: the caller may still know what to press.
    fn after(&mut self, said: Said, now: Now) {
        if said != Said::Going {
            self.is_asked = said == Said::Finished;
            self.stage = Stage::Waiting { until: now.at + self.words.wait };
        }
    }

    /// A key came: it is quiet now, and another is waited for, so long.
    pub(super) fn hush(&mut self, wait: Duration, desk: &mut Desk, now: Now) {
        if let Stage::Asking(prompting) = &mut self.stage {
            prompting.stop(desk, now);
        }
        self.is_asked = true;
        self.stage = Stage::Waiting { until: now.at + wait };
    }

    /// Anything but a key happened; `true` when the wait for keys is over.
    pub(super) fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> bool {
        match &mut self.stage {
            Stage::Asking(prompting) => {
                let said = prompting.handle(&mut event, desk, now);
                self.after(said, now);
                false
            }
            Stage::Waiting { until } => *until <= now.at && matches!(event, Event::Time),
        }
    }

    /// It is quiet because the caller is waited for.
    pub(super) const fn means_silence(&self) -> bool {
        self.is_asked && matches!(self.stage, Stage::Waiting { .. })
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asking(prompting) => prompting.poll_timeout(),
            Stage::Waiting { until } => Some(*until),
        }
    }
}
