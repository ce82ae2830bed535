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
    meet::{Meet, Met, RoomId, Tuning, Volume},
    room::RoomAct,
    spoken,
};
use audio::Prompt;
use flow::{Outcome, PromptItem, Role, Say, Tone};
use media::{Guest, PAIRS_MAX, Repeat, Voice};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{CallId, Gain, LegId, Now, Phrase};

/// How long whoever is alone hears the room before music begins (chosen: the name of whoever left, said to its end).
const ALONE_WAIT: Duration = Duration::from_secs(5);
/// What a press of a key changes, in decibels: the least that everybody notices.
const KEY_DB: i64 = 3;
/// A key makes nothing softer than this: what is as good as off would be taken for a dead line.
const SOFTEST_BY_KEY: i64 = -30;
/// Digits of the longest PIN.
const PIN_MAX: u32 = 32;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Conference {
    spec: flow::Conference,
    host: bool,
    volume: Volume,
    /// How loud it wants to hear some of the others, once it is in the room.
    pairs: Vec<(CallId, Gain)>,
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
        let host = spec.entry.host;
        let volume = Volume { muted: spec.muted, talk: spec.talk_gain, hear: spec.hear_gain };
        let stage = Stage::Asked { until: now.at };
        let mut action = Self { spec, host, volume, pairs: Vec::new(), ticket: None, beep, name: None, since: None, stage };
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
        let ticket = desk.meet(meet);
        self.ticket = Some(ticket);
        if self.volume != Volume::default() {
            desk.meet_again(ticket, Meet::Volume(self.volume));
        }
        self.stage = Stage::Asked { until: now.at + FRONT_WAIT };
        Progress::Going
    }

    fn voice(&self) -> Voice {
        match (self.volume.muted, self.spec.role) {
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
            (Stage::Lobby { .. } | Stage::Room { .. }, Met::Tune(tuning)) => self.tune(&tuning, desk, now),
            (Stage::Leaving { .. }, Met::Left { people_max }) => return self.outcome("left", people_max, "key", now),
            (
                Stage::Door { .. } | Stage::Naming | Stage::Asked { .. } | Stage::Lobby { .. } | Stage::Room { .. } | Stage::Leaving { .. },
                Met::Full
                | Met::Nobody
                | Met::Inside { .. }
                | Met::Opened
                | Met::Alone(_)
                | Met::Tune(_)
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
        let Volume { talk, hear, .. } = self.volume;
        let guest = Guest { talk, hear, duck: self.spec.duck, ..Guest::new(self.voice(), self.host) };
        desk.enter_room(room, guest, sound, now);
        for (other, gain) in std::mem::take(&mut self.pairs) {
            desk.in_room(RoomAct::HearOne(other, gain));
        }
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
                Stage::Room { .. } if key == self.spec.mute_key => {
                    self.mute(!self.volume.muted, desk, now);
                    self.tell_volume(desk);
                }
                Stage::Room { .. } => {
                    if self.turn_up_or_down(digit.as_char(), desk, now) {
                        self.tell_volume(desk);
                    }
                }
                Stage::Door { .. }
                | Stage::Naming
                | Stage::Asked { .. }
                | Stage::Lobby { .. }
                | Stage::Leaving { .. } => {}
            }
        }
    }

    /// Nobody hears the caller from now on, or everybody does again, and the caller is told.
    fn mute(&mut self, muted: bool, desk: &mut Desk, now: Now) {
        self.volume.muted = muted;
        desk.note(now, if muted { "muted" } else { "unmuted" });
        let voice = self.voice();
        let Stage::Room { saying, company } = &mut self.stage else { return };
        if let Company::Music(hold) = company {
            hold.stop(desk, now);
            *company = Company::alone(now);
        }
        if let Some(saying) = saying {
            saying.stop(desk, now);
        }
        let text = say(if muted { spoken::MUTED } else { spoken::UNMUTED }, desk);
        *saying = Some(Prompting::start(&[text], LegId::CALLER, Repeat::Times(1), desk, now));
        desk.in_room(RoomAct::Voice(voice));
    }

    fn set_talk(&mut self, gain: Gain, desk: &mut Desk, now: Now) {
        self.volume.talk = gain;
        desk.note(now, format!("is heard by the others at {gain} dB"));
        desk.in_room(RoomAct::Talk(gain));
    }

    fn set_hear(&mut self, gain: Gain, desk: &mut Desk, now: Now) {
        self.volume.hear = gain;
        desk.note(now, format!("hears the room at {gain} dB"));
        desk.in_room(RoomAct::Hear(gain));
    }

    /// A key that may be one of those that change how loud; whether anything changed.
    fn turn_up_or_down(&mut self, key: char, desk: &mut Desk, now: Now) -> bool {
        let keys = self.spec.gain_keys;
        let (key, Volume { talk, hear, .. }) = (Some(key), self.volume);
        if let Some(gain) = stepped(hear, key == keys.hear_louder, key == keys.hear_softer) {
            self.set_hear(gain, desk, now);
            return true;
        }
        let gain = stepped(talk, key == keys.talk_louder, key == keys.talk_softer);
        if let Some(gain) = gain {
            self.set_talk(gain, desk, now);
        }
        gain.is_some()
    }

    /// Somebody outside wants something changed.
    fn tune(&mut self, tuning: &Tuning, desk: &mut Desk, now: Now) {
        if let Some(muted) = tuning.muted.filter(|muted| *muted != self.volume.muted) {
            self.mute(muted, desk, now);
        }
        if let Some(gain) = tuning.talk.filter(|gain| *gain != self.volume.talk) {
            self.set_talk(gain, desk, now);
        }
        if let Some(gain) = tuning.hear.filter(|gain| *gain != self.volume.hear) {
            self.set_hear(gain, desk, now);
        }
        for (other, gain) in tuning.pairs.iter().copied() {
            desk.note(now, format!("hears {other} at {gain} dB"));
            if matches!(self.stage, Stage::Room { .. }) {
                desk.in_room(RoomAct::HearOne(other, gain));
            } else {
                self.pairs.retain(|(known, _)| *known != other);
                if self.pairs.len() < PAIRS_MAX {
                    self.pairs.push((other, gain));
                }
            }
        }
        self.tell_volume(desk);
    }

    /// Lets the front show it.
    fn tell_volume(&self, desk: &mut Desk) {
        if let Some(ticket) = self.ticket {
            desk.meet_again(ticket, Meet::Volume(self.volume));
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

/// One press louder or softer; `None`: neither, or it is as loud or soft as keys make it.
fn stepped(gain: Gain, louder: bool, softer: bool) -> Option<Gain> {
    let next = if louder { gain.louder(KEY_DB) } else { gain.louder(-KEY_DB) };
    ((louder || (softer && next.db() >= SOFTEST_BY_KEY)) && next != gain).then_some(next)
}

fn say(phrase: Phrase, desk: &Desk) -> PromptItem {
    PromptItem::Say(Say::own(phrase.text(desk.tongue)))
}
