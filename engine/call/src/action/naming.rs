//! A caller says a name, so that others hear who comes and goes: asked for, kept in memory, never written anywhere.
//!
//! ```text
//!  Asking ── the beep is over ──▶ Saying ── key, 1.5 s of silence, 5 s ──▶ Over (the name, or that nobody spoke)
//! ```

use super::{Event, prompting::{Prompting, Said}};
use crate::{
    desk::Desk,
    door::{Answer, Errand, Ticket},
    spoken,
};
use audio::{Pcm, Prompt, resample};
use flow::{PromptItem, Say, Tone};
use media::{RecordSpec, Recorded, RecorderId, Repeat, Source};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{LegId, Now, Phrase};

/// The longest name.
const NAME_MAX: Duration = Duration::from_secs(5);
/// Silence that ends it.
const NAME_SILENCE: Duration = Duration::from_millis(1_500);
/// Speech that makes a name: less is a cough.
const NAME_LEAST: Duration = Duration::from_millis(200);
/// Quiet kept before and after the name, so that nothing of it is cut.
const MARGIN: Duration = Duration::from_millis(150);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Naming {
    stage: Stage,
    samples: Vec<i16>,
    rate: u32,
    joins: Ending,
    leaves: Ending,
}

#[derive(Debug)]
enum Stage {
    Asking(Prompting),
    Saying(RecorderId),
    Over,
}

/// What is said after a name, once the clerk has rendered it. In its very words or not at all: a name and an apology would only puzzle.
#[derive(Debug)]
struct Ending {
    asked: Ticket,
    /// What is asked for where no voice has the caller's language.
    english: Option<String>,
    sound: Option<Arc<Prompt>>,
}

impl Ending {
    fn ask(phrase: Phrase, desk: &mut Desk) -> Self {
        let say = Say::own(phrase.text(desk.tongue));
        Self { english: say.english.clone(), asked: desk.ask(Errand::Announcement(say)), sound: None }
    }

    fn answered(&mut self, found: &Result<Arc<Prompt>, String>, desk: &mut Desk) {
        match (found, self.english.take()) {
            (Ok(sound), _) => self.sound = Some(Arc::clone(sound)),
            (Err(_), Some(english)) => self.asked = desk.ask(Errand::Announcement(Say::new(english))),
            (Err(_), None) => {}
        }
    }
}

impl Naming {
    /// Asks for the name.
    pub(super) fn start(desk: &mut Desk, now: Now) -> Self {
        let items = [PromptItem::Say(Say::own(spoken::SAY_YOUR_NAME.text(desk.tongue))), PromptItem::Tone(Tone::Beep)];
        let (joins, leaves) = (Ending::ask(spoken::HAS_JOINED, desk), Ending::ask(spoken::HAS_LEFT, desk));
        let prompting = Prompting::start(&items, LegId::CALLER, Repeat::Times(1), desk, now);
        let mut naming = Self { stage: Stage::Asking(prompting), samples: Vec::new(), rate: 8_000, joins, leaves };
        naming.listen_when_asked(desk, now);
        naming
    }

    /// Takes what concerns it; `true` once, when the name is said, or nobody said any.
    pub(super) fn handle(&mut self, event: &mut Event, desk: &mut Desk, now: Now) -> bool {
        match (&mut self.stage, &mut *event) {
            (_, Event::Answer(ticket, Answer::Prompt(found))) if [self.joins.asked, self.leaves.asked].contains(ticket) => {
                let ending = if self.joins.asked == *ticket { &mut self.joins } else { &mut self.leaves };
                ending.answered(found, desk);
                return false;
            }
            (Stage::Asking(prompting), _) => {
                prompting.handle(event, desk, now);
            }
            (Stage::Saying(recorder), Event::Sound(id, samples)) if recorder == id => self.samples.append(samples),
            (Stage::Saying(recorder), Event::Recorded(id, _, recorded)) if recorder == id => {
                let is_said = self.trim(recorded);
                self.stage = Stage::Over;
                desk.digits.clear();
                let heard = if is_said { "a name was said" } else { "no name was said" };
                desk.note(now, heard);
                return true;
            }
            (Stage::Saying(recorder), Event::Keyed) => {
                desk.mixer.stop_recording(*recorder, now.at);
                desk.digits.clear();
            }
            (Stage::Saying(_) | Stage::Over, _) => {}
        }
        self.listen_when_asked(desk, now);
        false
    }

    fn listen_when_asked(&mut self, desk: &mut Desk, now: Now) {
        if matches!(&self.stage, Stage::Asking(prompting) if prompting.said() != Said::Going) {
            let spec = RecordSpec { silence: Some(NAME_SILENCE), length: Some(NAME_MAX) };
            let recorder = desk.mixer.record(Source::leg(LegId::CALLER), spec, now.at);
            self.rate = desk.mixer.recording_rate(recorder).unwrap_or(8_000);
            self.stage = Stage::Saying(recorder);
        }
    }

    /// Keeps what was spoken, with a little quiet around it; whether that is a name.
    fn trim(&mut self, recorded: &Recorded) -> bool {
        let Some(from) = recorded.speech_from.filter(|_| recorded.speech >= NAME_LEAST) else {
            self.samples = Vec::new();
            return false;
        };
        let at = |span: Duration| usize::try_from(span.as_millis() * u128::from(self.rate) / 1_000).unwrap_or(usize::MAX);
        self.samples.truncate(at(recorded.speech_until + MARGIN));
        self.samples.drain(..at(from.saturating_sub(MARGIN)).min(self.samples.len()));
        true
    }

    /// Whether the caller is right to hear nothing.
    pub(super) const fn is_listening(&self) -> bool {
        matches!(self.stage, Stage::Saying(_))
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asking(prompting) => prompting.poll_timeout(),
            Stage::Saying(_) | Stage::Over => None,
        }
    }

    /// The caller is gone.
    pub(super) fn stop(&mut self, desk: &mut Desk, now: Now) {
        match &mut self.stage {
            Stage::Asking(prompting) => prompting.stop(desk, now),
            Stage::Saying(recorder) => desk.mixer.stop_recording(*recorder, now.at),
            Stage::Over => {}
        }
        self.stage = Stage::Over;
    }

    /// What the others hear when the caller comes; `None` without a name.
    pub(super) fn joins(&self) -> Option<Arc<Prompt>> {
        self.with(&self.joins)
    }

    /// What they hear when it goes.
    pub(super) fn leaves(&self) -> Option<Arc<Prompt>> {
        self.with(&self.leaves)
    }

    fn with(&self, ending: &Ending) -> Option<Arc<Prompt>> {
        if self.samples.is_empty() {
            return None;
        }
        let mut samples = self.samples.clone();
        if let Some(sound) = &ending.sound {
            samples.extend_from_slice(&resample(sound.sound(), self.rate).samples);
        }
        Some(Prompt::shared("a name", &Pcm { rate: self.rate, samples }))
    }
}
