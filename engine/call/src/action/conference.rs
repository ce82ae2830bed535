//! `conference`: PIN, door, waiting for the host, the room, and out again.
//!
//! ```text
//!  Door (a collect an attempt) ── wrong too often ──▶ left (pin)
//!    └─▶ (Naming ──▶) Asked ── Full ──▶ full
//!          └─ Inside ──▶ Lobby (music) ── Opened ──▶ Room (music while alone) ── key ──▶ Leaving ── Left ──▶ left (key)
//!                └──────────────────────────────────┘  └── Over ──▶ ended
//! ```

use super::{Action, Begun, Event, Progress, collect::Collect, hold::Hold, naming::Naming, prompting::Prompting};
use crate::{
    desk::Desk,
    door::{Answer, Errand, Ticket},
    limits::FRONT_WAIT,
    meet::{Meet, Met, RoomId},
    spoken,
};
use audio::Prompt;
use flow::{Outcome, PromptItem, Role, Say, Tone};
use media::{Repeat, Voice};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{LegId, Now, Phrase};

/// How long whoever is alone hears the room before music begins (chosen: the name of whoever left, said to its end).
const ALONE_WAIT: Duration = Duration::from_secs(5);
/// Digits of the longest PIN.
const PIN_MAX: u32 = 32;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Conference {
    spec: flow::Conference,
    host: bool,
    muted: bool,
    ticket: Option<Ticket>,
    beep: Beep,
    /// The name that was said at the door.
    name: Option<Naming>,
    /// When talk began.
    since: Option<Instant>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Door { asking: Box<dyn Action>, attempt: u32 },
    Naming,
    Asked { until: Instant },
    Lobby { hold: Hold, room: RoomId },
    Room { saying: Option<Prompting>, company: Company },
    Leaving { until: Instant },
}

/// Whether others are in the room.
#[derive(Debug)]
enum Company {
    Others,
    /// Nobody is: music will tell that the line lives.
    Alone { music_at: Instant },
    Music(Hold),
}

impl Company {
    fn stop(&mut self, desk: &mut Desk, now: Now) {
        if let Self::Music(hold) = self {
            hold.stop(desk, now);
        }
    }

    /// Alone: music begins in a while.
    fn alone(now: Now) -> Self {
        Self::Alone { music_at: now.at + ALONE_WAIT }
    }

    const fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Others => None,
            Self::Alone { music_at } => Some(*music_at),
            Self::Music(hold) => hold.poll_timeout(),
        }
    }
}

/// The sound of the door.
#[derive(Debug, Default)]
struct Beep {
    asked: Option<Ticket>,
    sound: Option<Arc<Prompt>>,
}

impl Conference {
    pub(super) fn begin(spec: flow::Conference, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        desk.digits.clear();
        let beep = Beep {
            asked: spec.beep.then(|| desk.ask(Errand::Prompt(PromptItem::Tone(Tone::Beep)))),
            sound: None,
        };
        let (host, muted) = (spec.entry.host, spec.muted);
        let stage = Stage::Asked { until: now.at };
        let mut action = Self { spec, host, muted, ticket: None, beep, name: None, since: None, stage };
        let progress = if action.needs_pin() { action.ask_pin(1, desk, now) } else { action.enter(desk, now) };
        match progress {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    fn needs_pin(&self) -> bool {
        self.spec.entry.pin.is_some() || (self.spec.entry.host_pin.is_some() && !self.host)
    }

    fn ask_pin(&mut self, attempt: u32, desk: &mut Desk, now: Now) -> Progress {
        let mut prompt = vec![say(voicemail::spoken::ENTER_PIN, desk)];
        if attempt > 1 {
            prompt.insert(0, say(voicemail::spoken::WRONG_PIN, desk));
        }
        let collect = flow::Collect {
            prompt,
            // Whoever has no PIN presses # alone where only hosts need one.
            min: u32::from(self.spec.entry.pin.is_some()),
            max: PIN_MAX,
            finish: Some('#'),
            wait: Duration::from_secs(8),
            between: Duration::from_secs(3),
            pattern: None,
            attempts: 1,
            no_input: Vec::new(),
            no_match: Vec::new(),
            secret: true,
            type_ahead: false,
        };
        match Collect::begin(collect, desk, now) {
            Begun::Going(asking) => {
                self.stage = Stage::Door { asking, attempt };
                Progress::Going
            }
            Begun::At(progress) => self.keyed_pin(progress, attempt, desk, now),
            Begun::End { .. } => Progress::Failed("the PIN could not be asked for".into()),
        }
    }

    fn keyed_pin(&mut self, progress: Progress, attempt: u32, desk: &mut Desk, now: Now) -> Progress {
        let outcome = match progress {
            Progress::Going => return Progress::Going,
            Progress::Done(outcome) => outcome,
            Progress::Failed(what) => return Progress::Failed(what),
        };
        let typed = outcome.result.get("digits").and_then(serde_json::Value::as_str).unwrap_or_default();
        let entry = &self.spec.entry;
        if !typed.is_empty() && entry.host_pin.as_deref() == Some(typed) {
            self.host = true;
        } else if entry.pin.as_deref().is_some_and(|pin| pin != typed) || (entry.pin.is_none() && !typed.is_empty()) {
            desk.note(now, format!("conference {}: a wrong PIN", self.spec.room));
            if attempt >= entry.attempts {
                return self.outcome("left", 0, "pin", now);
            }
            return self.ask_pin(attempt + 1, desk, now);
        }
        self.enter(desk, now)
    }

    /// Through the door: with a name, where names are announced.
    fn enter(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if !self.spec.announce_name {
            return self.knock(desk, now);
        }
        self.name = Some(Naming::start(desk, now));
        self.stage = Stage::Naming;
        Progress::Going
    }

    fn knock(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let meet = Meet::Conference {
            room: self.spec.room.clone(),
            host: self.host,
            people_max: usize::try_from(self.spec.people_max).unwrap_or(usize::MAX),
            start_with_host: self.spec.start_with_host,
            end_with_host: self.spec.end_with_host,
        };
        self.ticket = Some(desk.meet(meet));
        self.stage = Stage::Asked { until: now.at + FRONT_WAIT };
        Progress::Going
    }

    fn voice(&self) -> Voice {
        match (self.muted, self.spec.role) {
            (true, _) | (_, Role::Listener) => Voice::Nobody,
            (false, Role::Participant) => Voice::Everyone,
            (false, Role::Coach) => Voice::Hosts,
        }
    }

    fn met(&mut self, met: Met, desk: &mut Desk, now: Now) -> Progress {
        match (&mut self.stage, met) {
            (Stage::Asked { .. }, Met::Full) => {
                desk.note(now, format!("conference {} is full", self.spec.room));
                return self.outcome("full", 0, "full", now);
            }
            (Stage::Asked { .. }, Met::Inside { room, open: true }) => self.talk(room, desk, now),
            (Stage::Asked { .. }, Met::Inside { room, open: false }) => {
                desk.note(now, format!("waits for the host of conference {}", self.spec.room));
                self.stage = Stage::Lobby { hold: Hold::start(&self.spec.hold_music, desk, now), room };
            }
            (Stage::Lobby { hold, room }, Met::Opened) => {
                hold.stop(desk, now);
                let room = *room;
                self.talk(room, desk, now);
            }
            (Stage::Lobby { .. } | Stage::Room { .. } | Stage::Leaving { .. }, Met::Over { people_max }) => {
                self.go_out(desk, now);
                return self.outcome("ended", people_max, "host", now);
            }
            (Stage::Room { company, .. }, Met::Alone(is_alone)) => {
                company.stop(desk, now);
                *company = if is_alone { Company::alone(now) } else { Company::Others };
            }
            (Stage::Leaving { .. }, Met::Left { people_max }) => return self.outcome("left", people_max, "key", now),
            (
                Stage::Door { .. } | Stage::Naming | Stage::Asked { .. } | Stage::Lobby { .. } | Stage::Room { .. } | Stage::Leaving { .. },
                Met::Full
                | Met::Nobody
                | Met::Inside { .. }
                | Met::Opened
                | Met::Alone(_)
                | Met::Left { .. }
                | Met::Parked { .. }
                | Met::Position(_)
                | Met::Ring { .. }
                | Met::Wanted
                | Met::Resume
                | Met::Talk { .. }
                | Met::Over { .. },
            ) => {}
        }
        Progress::Going
    }

    fn talk(&mut self, room: RoomId, desk: &mut Desk, now: Now) {
        let who = if self.host { "as host" } else { "as participant" };
        desk.note(now, format!("in conference {} {who}", self.spec.room));
        let sound = self.name.as_ref().and_then(Naming::joins).or_else(|| self.beep.sound.clone());
        desk.enter_room(room, self.voice(), self.host, sound, now);
        self.since = Some(now.at);
        self.stage = Stage::Room { saying: None, company: Company::Others };
    }

    /// Out of the lobby or the room; harmless elsewhere.
    fn go_out(&mut self, desk: &mut Desk, now: Now) {
        match &mut self.stage {
            Stage::Lobby { hold, .. } => hold.stop(desk, now),
            Stage::Room { saying, company } => {
                if let Some(saying) = saying {
                    saying.stop(desk, now);
                }
                company.stop(desk, now);
                let sound = self.name.as_ref().and_then(Naming::leaves).or_else(|| self.beep.sound.clone());
                desk.leave_room(sound, now);
            }
            Stage::Door { .. } | Stage::Naming | Stage::Asked { .. } | Stage::Leaving { .. } => {}
        }
    }

    fn outcome(&self, name: &str, people_max: usize, reason: &str, now: Now) -> Progress {
        let seconds = self.since.map_or(0.0, |since| now.at.saturating_duration_since(since).as_secs_f64());
        let result = serde_json::json!({ "duration_s": seconds, "participants_max": people_max, "reason": reason });
        Progress::Done(Outcome::with(name, result))
    }

    fn leave(&mut self, desk: &mut Desk) {
        if let Some(ticket) = self.ticket {
            desk.meet_again(ticket, Meet::Leave);
        }
    }

    fn keyed(&mut self, desk: &mut Desk, now: Now) {
        while let Some(digit) = desk.digits.pop_front() {
            let key = Some(digit.as_char());
            match &mut self.stage {
                Stage::Lobby { .. } | Stage::Room { .. } if key == self.spec.leave_key => {
                    self.go_out(desk, now);
                    self.leave(desk);
                    self.stage = Stage::Leaving { until: now.at + FRONT_WAIT };
                }
                Stage::Room { saying, company } if key == self.spec.mute_key => {
                    self.muted = !self.muted;
                    if let Company::Music(hold) = company {
                        hold.stop(desk, now);
                        *company = Company::alone(now);
                    }
                    if let Some(saying) = saying {
                        saying.stop(desk, now);
                    }
                    let text = say(if self.muted { spoken::MUTED } else { spoken::UNMUTED }, desk);
                    *saying = Some(Prompting::start(&[text], LegId::CALLER, Repeat::Times(1), desk, now));
                    desk.note(now, if self.muted { "muted" } else { "unmuted" });
                    desk.set_voice(self.voice());
                }
                Stage::Door { .. }
                | Stage::Naming
                | Stage::Asked { .. }
                | Stage::Lobby { .. }
                | Stage::Room { .. }
                | Stage::Leaving { .. } => {}
            }
        }
    }

    fn late(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if let Stage::Room { company, .. } = &mut self.stage
            && matches!(company, Company::Alone { music_at } if *music_at <= now.at)
        {
            *company = Company::Music(Hold::start(&self.spec.hold_music, desk, now));
        }
        match &self.stage {
            Stage::Asked { until } if *until <= now.at => {
                self.leave(desk);
                Progress::Failed("conference: no word from the front".into())
            }
            Stage::Leaving { until } if *until <= now.at => self.outcome("left", 0, "key", now),
            Stage::Door { .. }
            | Stage::Naming
            | Stage::Asked { .. }
            | Stage::Lobby { .. }
            | Stage::Room { .. }
            | Stage::Leaving { .. } => Progress::Going,
        }
    }
}

impl Action for Conference {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if let Event::Answer(ticket, Answer::Prompt(found)) = &event
            && self.beep.asked == Some(*ticket)
        {
            self.beep.sound = found.as_ref().ok().cloned();
            return Progress::Going;
        }
        if let Some(name) = &mut self.name {
            let is_said = name.handle(&mut event, desk, now);
            if matches!(self.stage, Stage::Naming) {
                return if is_said { self.knock(desk, now) } else { Progress::Going };
            }
        }
        match &mut self.stage {
            Stage::Door { asking, attempt } => {
                let attempt = *attempt;
                let progress = asking.handle(event, desk, now);
                return self.keyed_pin(progress, attempt, desk, now);
            }
            Stage::Lobby { hold, .. } => hold.handle(&mut event, desk, now),
            Stage::Room { saying, company } => {
                if let Some(saying) = saying {
                    saying.handle(&mut event, desk, now);
                }
                if let Company::Music(hold) = company {
                    hold.handle(&mut event, desk, now);
                }
            }
            Stage::Naming | Stage::Asked { .. } | Stage::Leaving { .. } => {}
        }
        match event {
            Event::Answer(ticket, Answer::Met(met)) if Some(ticket) == self.ticket => self.met(met, desk, now),
            Event::Keyed => {
                self.keyed(desk, now);
                Progress::Going
            }
            Event::Time => self.late(desk, now),
            Event::FarKey(..)
            | Event::Played(..)
            | Event::KeysSent(_)
            | Event::Sound(..)
            | Event::Speech(_)
            | Event::Recorded(..)
            | Event::TapeSaved(_)
            | Event::Answer(..)
            | Event::Leg(..)
            | Event::NoMedia(_) => Progress::Going,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Door { asking, .. } => asking.poll_timeout(),
            Stage::Naming => self.name.as_ref().and_then(Naming::poll_timeout),
            Stage::Asked { until } | Stage::Leaving { until } => Some(*until),
            Stage::Lobby { hold, .. } => hold.poll_timeout(),
            Stage::Room { saying, company } => saying.as_ref().and_then(Prompting::poll_timeout).into_iter().chain(company.poll_timeout()).min(),
        }
    }

    fn means_silence(&self) -> bool {
        match &self.stage {
            Stage::Door { asking, .. } => asking.means_silence(),
            Stage::Naming => self.name.as_ref().is_some_and(Naming::is_listening),
            Stage::Asked { .. } | Stage::Lobby { .. } | Stage::Room { .. } | Stage::Leaving { .. } => false,
        }
    }

    fn is_secret(&self) -> bool {
        matches!(self.stage, Stage::Door { .. })
    }

    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        self.go_out(desk, now);
        if let (Stage::Naming, Some(name)) = (&self.stage, &mut self.name) {
            name.stop(desk, now);
            return Progress::done("caller_left");
        }
        if !matches!(self.stage, Stage::Leaving { .. }) {
            self.leave(desk);
        }
        Progress::done("caller_left")
    }
}

fn say(phrase: Phrase, desk: &Desk) -> PromptItem {
    PromptItem::Say(Say::own(phrase.text(desk.tongue)))
}
