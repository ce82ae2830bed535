//! Saying something: gathers the sounds of a prompt, then plays them to a leg in one go.

use super::Event;
use crate::{
    desk::Desk,
    door::{Answer, Errand, Ticket},
    limits::{ERRAND_WAIT, PLAYLIST_MAX},
};
use audio::Prompt;
use flow::{PromptItem, Say};
use media::{Item, PlayerEnd, PlayerId, Playlist, Repeat};
use std::{sync::Arc, time::Instant};
use terms::{LegId, Now, Text, Tongue};

/// What is said when a prompt that must be heard cannot be. The built-in voice has it as it stands.
const APOLOGY: &str = "I am sorry. This message cannot be played right now.";

/// One prompt on its way to a leg's ear.
#[derive(Debug)]
pub(crate) struct Prompting {
    leg: LegId,
    repeat: Repeat,
    /// What is to be done when not all of it can be said.
    in_need: InNeed,
    stage: Stage,
}

/// What is to be done when not all of a prompt can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InNeed {
    /// The rest is said; nothing, when nothing is left.
    SayTheRest,
    /// The same, but an apology stands in for nothing.
    Apologise,
    /// Nothing is said.
    SayNothing,
}

#[derive(Debug)]
enum Stage {
    Gathering { slots: Vec<Slot>, until: Instant },
    Playing(PlayerId),
    Over(Said),
}

#[derive(Debug)]
enum Slot {
    /// Asked for; when it cannot be had, this is said instead.
    Asked(Ticket, Option<Say>),
    Here(Item),
    Missing,
}

/// How a prompt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Not yet over.
    Going,
    /// It was heard to its end (or there was nothing to say).
    Finished,
    /// Nothing of it could be found, fetched or spoken; of an announcement, not all.
    Failed,
}

impl Prompting {
    /// Begins. An empty prompt is over at once.
    pub(crate) fn start(items: &[PromptItem], leg: LegId, repeat: Repeat, desk: &mut Desk, now: Now) -> Self {
        Self::begin(items, leg, repeat, InNeed::SayTheRest, desk, now)
    }

    /// The same, once, for a prompt that a caller must not miss: when nothing of it can be said, an apology is.
    pub(crate) fn start_or_sorry(items: &[PromptItem], leg: LegId, desk: &mut Desk, now: Now) -> Self {
        Self::begin(items, leg, Repeat::Times(1), InNeed::Apologise, desk, now)
    }

    /// Texts of the exchange itself, once: each in the caller's language where a voice speaks it, else in English; an apology when
    /// nothing of it can be said. Each is rendered by itself: most are the same for everybody.
    pub(crate) fn tell(texts: &[Text], leg: LegId, desk: &mut Desk, now: Now) -> Self {
        let slots = texts.iter().take(PLAYLIST_MAX).map(|text| asked_in_words(text, desk)).collect();
        Self::gather(slots, leg, Repeat::Times(1), InNeed::Apologise, desk, now)
    }

    /// The same, once, for what must be heard whole and in its very words, or counts as not said.
    pub(crate) fn announce(items: &[PromptItem], leg: LegId, desk: &mut Desk, now: Now) -> Self {
        Self::begin(items, leg, Repeat::Times(1), InNeed::SayNothing, desk, now)
    }

    fn begin(items: &[PromptItem], leg: LegId, repeat: Repeat, in_need: InNeed, desk: &mut Desk, now: Now) -> Self {
        if items.is_empty() {
            return Self { leg, repeat, in_need, stage: Stage::Over(Said::Finished) };
        }
        let slots = items
            .iter()
            .take(PLAYLIST_MAX)
            .map(|item| match item {
                PromptItem::Silence(span) => Slot::Here(Item::Silence(*span)),
                PromptItem::Say(say) if in_need == InNeed::SayNothing => Slot::Asked(desk.ask(Errand::Announcement(say.clone())), None),
                PromptItem::File(_) | PromptItem::Url(_) | PromptItem::Say(_) | PromptItem::Tone(_) | PromptItem::Ring(_) => {
                    Slot::Asked(desk.ask(Errand::Prompt(item.clone())), None)
                }
            })
            .collect();
        Self::gather(slots, leg, repeat, in_need, desk, now)
    }

    fn gather(slots: Vec<Slot>, leg: LegId, repeat: Repeat, in_need: InNeed, desk: &mut Desk, now: Now) -> Self {
        let stage = Stage::Gathering { slots, until: now.at + ERRAND_WAIT };
        let mut prompting = Self { leg, repeat, in_need, stage };
        prompting.play_if_gathered(desk, now);
        prompting
    }

    /// How it stands.
    pub(crate) const fn said(&self) -> Said {
        match self.stage {
            Stage::Gathering { .. } | Stage::Playing(_) => Said::Going,
            Stage::Over(said) => said,
        }
    }

    /// Takes what concerns it; answers how it stands.
    pub(crate) fn handle(&mut self, event: &mut Event, desk: &mut Desk, now: Now) -> Said {
        match (&mut self.stage, event) {
            (Stage::Gathering { slots, until }, Event::Answer(ticket, Answer::Prompt(found))) => {
                let waiting = |slot: &&mut Slot| matches!(slot, Slot::Asked(asked, _) if asked == ticket);
                if let Some(slot) = slots.iter_mut().find(waiting) {
                    *slot = match found {
                        Ok(prompt) => Slot::Here(Item::Prompt(Arc::<Prompt>::clone(prompt))),
                        Err(why) if matches!(slot, Slot::Asked(_, Some(_))) => {
                            desk.note(now, format!("a text is said in English: {why}"));
                            *until = now.at + ERRAND_WAIT;
                            in_english(slot, desk)
                        }
                        Err(why) => {
                            let line = format!("a prompt is missing: {why}");
                            desk.note(now, line);
                            Slot::Missing
                        }
                    };
                    self.play_if_gathered(desk, now);
                }
            }
            (Stage::Gathering { slots, until }, Event::Time) if *until <= now.at => {
                for slot in slots.iter_mut().filter(|slot| matches!(slot, Slot::Asked(..))) {
                    *slot = Slot::Missing;
                }
                desk.note(now, "a prompt took too long");
                self.play_if_gathered(desk, now);
            }
            (Stage::Playing(playing), Event::Played(id, end)) if *playing == *id => {
                let is_cut_short = *end == PlayerEnd::Replaced && self.in_need == InNeed::SayNothing;
                if *end != PlayerEnd::Stopped {
                    self.stage = Stage::Over(if is_cut_short { Said::Failed } else { Said::Finished });
                }
            }
            (Stage::Gathering { .. } | Stage::Playing(_) | Stage::Over(_), _) => {}
        }
        self.said()
    }

    /// When gathering is given up.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Gathering { until, .. } => Some(*until),
            Stage::Playing(_) | Stage::Over(_) => None,
        }
    }

    /// Stops it, heard or not.
    pub(crate) fn stop(&mut self, desk: &mut Desk, now: Now) {
        if let Stage::Playing(id) = self.stage {
            desk.mixer.stop(id, now.at);
        }
        if self.said() == Said::Going {
            self.stage = Stage::Over(Said::Finished);
        }
    }

    fn play_if_gathered(&mut self, desk: &mut Desk, now: Now) {
        let Stage::Gathering { slots, .. } = &mut self.stage else { return };
        if slots.iter().any(|slot| matches!(slot, Slot::Asked(..))) {
            return;
        }
        let missing = slots.iter().filter(|slot| matches!(slot, Slot::Missing)).count();
        if missing == slots.len() || (missing > 0 && self.in_need == InNeed::SayNothing) {
            if self.in_need == InNeed::Apologise {
                self.in_need = InNeed::SayTheRest;
                let apology = Say { text: APOLOGY.to_owned(), voice: None, language: None };
                let slots = vec![Slot::Asked(desk.ask(Errand::Prompt(PromptItem::Say(apology))), None)];
                self.stage = Stage::Gathering { slots, until: now.at + ERRAND_WAIT };
                desk.note(now, "an apology stands in for a prompt");
            } else {
                self.stage = Stage::Over(Said::Failed);
            }
            return;
        }
        let items = slots
            .drain(..)
            .filter_map(|slot| match slot {
                Slot::Here(item) => Some(item),
                Slot::Asked(..) | Slot::Missing => None,
            })
            .collect();
        let playlist = Playlist { items, repeat: self.repeat };
        self.stage = Stage::Playing(desk.play(self.leg, playlist, now));
    }
}

/// Asks for a text of the exchange itself: in its own language only in its very words, for English is better than a stand-in.
fn asked_in_words(text: &Text, desk: &mut Desk) -> Slot {
    let english = Say { text: text.english.clone(), voice: None, language: None };
    if text.tongue == Tongue::English {
        return Slot::Asked(desk.ask(Errand::Prompt(PromptItem::Say(english))), None);
    }
    let own = Say { text: text.own.clone(), voice: None, language: Some(text.tongue.tag().to_owned()) };
    Slot::Asked(desk.ask(Errand::Announcement(own)), Some(english))
}

/// What is said instead, asked for.
fn in_english(slot: &mut Slot, desk: &mut Desk) -> Slot {
    match std::mem::replace(slot, Slot::Missing) {
        Slot::Asked(_, Some(english)) => Slot::Asked(desk.ask(Errand::Prompt(PromptItem::Say(english))), None),
        other @ (Slot::Asked(_, None) | Slot::Here(_) | Slot::Missing) => other,
    }
}
