//! `park`: the call waits in a numbered place until somebody fetches it.
//!
//! ```text
//!  Asked ── no place free ──▶ full
//!    └── Parked ──▶ Waiting ── key ▶ left · time ▶ timeout · Wanted ▶ Granted ── Talk ──▶ Talking ── the other left ──▶ served
//! ```

use super::{Action, Begun, Event, Progress, hold::Hold, talk::Talk};
use crate::{
    desk::Desk,
    door::{Answer, Ticket},
    limits::FRONT_WAIT,
    meet::{Meet, Met},
    spoken,
};
use flow::Outcome;
use std::time::Instant;
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Park {
    spec: flow::Park,
    ticket: Ticket,
    since: Instant,
    place: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asked { until: Instant },
    Waiting { hold: Hold, granted: bool },
    Talking { talk: Talk, waited: f64 },
}

impl Park {
    pub(super) fn begin(spec: flow::Park, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        desk.digits.clear();
        let ticket = desk.meet(Meet::Park { first: spec.first, last: spec.last });
        let stage = Stage::Asked { until: now.at + FRONT_WAIT };
        Begun::Going(Box::new(Self { spec, ticket, since: now.at, place: 0, stage }))
    }

    fn waited(&self, now: Now) -> f64 {
        now.at.saturating_duration_since(self.since).as_secs_f64()
    }

    fn outcome(&self, name: &str, waited: f64, talked: f64) -> Progress {
        let result = serde_json::json!({ "slot": self.place.to_string(), "waited_s": waited, "duration_s": talked });
        Progress::Done(Outcome::with(name, result))
    }

    fn met(&mut self, met: Met, desk: &mut Desk, now: Now) -> Progress {
        let waited = self.waited(now);
        match (&mut self.stage, met) {
            (Stage::Asked { .. }, Met::Full) => return self.outcome("full", 0.0, 0.0),
            (Stage::Asked { .. }, Met::Parked { place }) => {
                self.place = place;
                desk.note(now, format!("parked in place {place}"));
                let mut hold = Hold::start(&self.spec.hold_music, desk, now);
                if self.spec.announce {
                    hold.say(&spoken::parked_at(place, desk.tongue), desk, now);
                }
                self.stage = Stage::Waiting { hold, granted: false };
            }
            (Stage::Waiting { granted, .. }, Met::Wanted) => {
                *granted = true;
                desk.meet_again(self.ticket, Meet::Accept);
            }
            (Stage::Waiting { granted, .. }, Met::Resume) => *granted = false,
            (Stage::Waiting { hold, .. }, Met::Talk { room, with }) => {
                hold.stop(desk, now);
                let talk = Talk::begin(self.ticket, room, with, desk, now);
                self.stage = Stage::Talking { talk, waited };
            }
            (Stage::Talking { talk, waited }, Met::Over { .. }) => {
                let (waited, talked) = (*waited, talk.end(false, desk, now));
                return self.outcome("served", waited, talked);
            }
            (
                Stage::Asked { .. } | Stage::Waiting { .. } | Stage::Talking { .. },
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

    /// The wait ends without anybody: unless somebody is just taking the call.
    fn give_up(&mut self, name: &str, desk: &mut Desk, now: Now) -> Progress {
        let waited = self.waited(now);
        match &mut self.stage {
            Stage::Waiting { hold, granted: false } => {
                hold.stop(desk, now);
                desk.meet_again(self.ticket, Meet::Leave);
                self.outcome(name, waited, 0.0)
            }
            Stage::Waiting { granted: true, .. } | Stage::Asked { .. } | Stage::Talking { .. } => Progress::Going,
        }
    }

    fn keyed(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let leave_key = self.spec.leave_key;
        while let Some(digit) = desk.digits.pop_front() {
            if Some(digit.as_char()) == leave_key {
                return self.give_up("left", desk, now);
            }
        }
        Progress::Going
    }

    fn late(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if let Stage::Asked { until } = self.stage {
            if until <= now.at {
                desk.meet_again(self.ticket, Meet::Leave);
                return Progress::Failed("park: no word from the front".into());
            }
            return Progress::Going;
        }
        if self.since + self.spec.timeout <= now.at { self.give_up("timeout", desk, now) } else { Progress::Going }
    }
}

impl Action for Park {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if let Stage::Waiting { hold, .. } = &mut self.stage {
            hold.handle(&mut event, desk, now);
        }
        match event {
            Event::Answer(ticket, Answer::Met(met)) if ticket == self.ticket => self.met(met, desk, now),
            Event::Keyed => self.keyed(desk, now),
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
            Stage::Asked { until } => Some(*until),
            Stage::Waiting { hold, granted } => {
                let end = (!granted).then(|| self.since + self.spec.timeout);
                hold.poll_timeout().into_iter().chain(end).min()
            }
            Stage::Talking { .. } => None,
        }
    }

    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        match &mut self.stage {
            Stage::Asked { .. } => desk.meet_again(self.ticket, Meet::Leave),
            Stage::Waiting { hold, .. } => {
                hold.stop(desk, now);
                desk.meet_again(self.ticket, Meet::Leave);
            }
            Stage::Talking { talk, .. } => {
                talk.end(true, desk, now);
            }
        }
        Progress::done("caller_left")
    }
}
