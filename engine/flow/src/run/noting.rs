//! What a run writes of itself: the journal's lines, masked, and the circle that a stopped flow went in.

use super::Run;
use crate::{
    effect::Outcome,
    journal::{JournalEntry, Masks},
    limits::{CYCLE_SHOWN, JOURNAL_KEPT},
};
use serde_json::Value as Json;
use terms::{Now, Secret};

/// What has been written so far.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) journal: Vec<JournalEntry>,
    /// Entries dropped from the journal's front.
    dropped: usize,
    /// Digits keyed in secret, to be masked.
    pub(super) keyed: Vec<Secret<String>>,
}

impl Run {
    /// Writes a state into the journal.
    pub(super) fn note(&mut self, effect: String, asked: Option<Json>, action: &'static str, now: Now) {
        if self.notes.journal.len() >= JOURNAL_KEPT {
            self.notes.journal.drain(..JOURNAL_KEPT / 2);
            self.notes.dropped += JOURNAL_KEPT / 2;
        }
        let (place, effect) = (self.place(action), self.masks().text(effect));
        if let Some(frame) = self.frames.last_mut() {
            frame.entry = Some(self.notes.dropped + self.notes.journal.len());
        }
        let result = Json::Null;
        self.notes.journal.push(JournalEntry { place, effect, asked, began: now.unix, outcome: None, result, failure: None, at: None, arm: None, to: None });
    }

    pub(super) fn masks(&self) -> Masks<'_> {
        Masks { secrets: &self.facts.secrets, keyed: &self.notes.keyed }
    }

    /// The journal's entry of the state that the top frame stands at; the last one when there is no frame.
    pub(super) fn entry_mut(&mut self) -> Option<&mut JournalEntry> {
        match self.frames.last() {
            Some(frame) => self.notes.journal.get_mut(frame.entry?.checked_sub(self.notes.dropped)?),
            None => self.notes.journal.last_mut(),
        }
    }

    /// Writes how the effect that is out, or the flow that was run, ended.
    pub(super) fn note_outcome(&mut self, outcome: &Outcome, now: Now) {
        if let (super::Phase::Waiting(_, true), Some(digits)) = (&self.phase, outcome.result.get("digits").and_then(Json::as_str))
            && !digits.is_empty() {
                self.notes.keyed.push(Secret::new(digits.to_owned()));
            }
        let result = self.masks().json(outcome.result.clone());
        if let Some(entry) = self.entry_mut().filter(|entry| entry.outcome.is_none() && (entry.asked.is_some() || matches!(&*entry.place.action, "run" | "script"))) {
            (entry.outcome, entry.result, entry.at) = (Some(outcome.name.clone()), result, Some(now.unix));
        }
    }

    /// Writes why the state that it stands at failed.
    pub(super) fn note_failure(&mut self, what: &str, now: Now) {
        let what = self.masks().text(what.to_owned());
        if self.entry_mut().is_none() {
            // It failed before it could ask for anything.
            self.note(String::new(), None, "", now);
        }
        if let Some(entry) = self.entry_mut() {
            entry.failure.get_or_insert(what);
        }
    }

    /// The circle that the last states went in, from the journal.
    pub(super) fn cycle(&self) -> String {
        let names: Vec<&str> = self.notes.journal.iter().rev().take(2 * CYCLE_SHOWN).map(|entry| entry.place.state.as_str()).collect();
        let period = (1..=CYCLE_SHOWN).find(|period| names.len() >= 2 * period && names[..*period] == names[*period..2 * period]);
        let mut shown: Vec<&str> = names[..period.unwrap_or(CYCLE_SHOWN).min(names.len())].to_vec();
        shown.reverse();
        match (period, shown.first()) {
            (Some(_), Some(first)) => format!("it goes round {} → {first}", shown.join(" → ")),
            _ => format!("its last states were {}", shown.join(" → ")),
        }
    }
}
