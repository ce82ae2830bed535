//! Saying something: gathers the sounds of a prompt, then plays them to a leg in one go.

use super::Event;
use crate::{
    desk::Desk,
    door::{Answer, Errand, Ticket},
    limits::{ERRAND_WAIT, PLAYLIST_MAX},
    spoken,
};
use audio::Prompt;
use flow::{PromptItem, Say};
use media::{Item, PlayerEnd, PlayerId, Playlist, Repeat};
use std::{sync::Arc, time::Instant};
use terms::{LegId, Now, Text};

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
    /// Asked for; when it cannot be had, this is said instead, in English.
    Asked(Ticket, Option<String>),
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
        let items: Vec<PromptItem> = texts.iter().map(|text| PromptItem::Say(Say::own(text.clone()))).collect();
        Self::start_or_sorry(&items, leg, desk, now)
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
                PromptItem::Say(say) => asked_in_words(say, desk),
                PromptItem::File(_) | PromptItem::Url(_) | PromptItem::Tone(_) | PromptItem::Ring(_) => {
                    Slot::Asked(desk.ask(Errand::Prompt(item.clone())), None)
                }
            })
            .collect();
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
                            in_time(std::mem::replace(slot, Slot::Missing), desk)
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
                desk.note(now, "a prompt took too long");
                *until = now.at + ERRAND_WAIT;
                slots.iter_mut().for_each(|slot| *slot = in_time(std::mem::replace(slot, Slot::Missing), desk));
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
                let slots = vec![asked_in_words(&Say::own(spoken::SORRY.text(desk.tongue)), desk)];
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

/// Asks for a text: for one of the exchange itself in its own language only in its very words, for English is better than a stand-in.
fn asked_in_words(say: &Say, desk: &mut Desk) -> Slot {
    let errand = match say.english {
        Some(_) => Errand::Announcement(say.clone()),
        None => Errand::Prompt(PromptItem::Say(say.clone())),
    };
    Slot::Asked(desk.ask(errand), say.english.clone())
}

/// What becomes of one that cannot be waited for any longer: what is said instead is asked for, else it is missing.
fn in_time(slot: Slot, desk: &mut Desk) -> Slot {
    match slot {
        Slot::Asked(_, Some(english)) => asked_in_words(&Say::new(english), desk),
        Slot::Asked(_, None) | Slot::Missing => Slot::Missing,
        Slot::Here(item) => Slot::Here(item),
    }
}
