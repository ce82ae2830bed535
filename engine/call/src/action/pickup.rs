//! `bridge` to a call that waits: `park/PLACE` fetches it, `queue/NAME` takes the next caller or waits for one.
//!
//! ```text
//!  Asked ── nobody (park) ──▶ unreachable
//!    └───── Position 0 (queue): waits with music ── `timeout` ──▶ no_answer
//!    └───────────────┴─ Talk ──▶ Talking ── the other leaves, or `length` ──▶ answered
//! ```

use super::{Action, Begun, Event, Progress, hold::Hold, talk::Talk};
use crate::{
    desk::Desk,
    door::{Answer, Ticket},
    limits::FRONT_WAIT,
    meet::{Meet, Met},
};
use flow::{Destination, Outcome};
use std::time::Instant;
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct PickUp {
    spec: flow::Bridge,
    target: String,
    ticket: Ticket,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asked { until: Instant },
    Waiting { hold: Hold, until: Instant },
    Talking { talk: Talk, until: Option<Instant> },
}

impl PickUp {
    /// Begins; `None` when the bridge rings telephones.
    pub(super) fn begin(spec: &flow::Bridge, desk: &mut Desk, now: Now) -> Option<Begun> {
        let [flow::Target::One(one)] = &spec.to.targets[..] else { return None };
        let meet = match &one.to {
            Destination::Park(place) => Meet::PickUp { place: *place },
            Destination::Queue(queue) => Meet::Take { queue: queue.clone() },
            Destination::Connection(_) | Destination::Number(_) | Destination::Trunk(..) | Destination::Uri(_) => return None,
        };
        let target = one.to.to_string();
        desk.note(now, format!("takes the call of {target}"));
        let ticket = desk.meet(meet);
        let stage = Stage::Asked { until: now.at + FRONT_WAIT };
        Some(Begun::Going(Box::new(Self { spec: spec.clone(), target, ticket, stage })))
    }

    fn met(&mut self, met: Met, desk: &mut Desk, now: Now) -> Progress {
        match (&mut self.stage, met) {
            (Stage::Asked { .. }, Met::Nobody | Met::Full) => {
                desk.note(now, format!("{}: nobody waits there", self.target));
                return self.outcome("unreachable", 0.0);
            }
            (Stage::Asked { .. }, Met::Position(_)) => {
                desk.answer_caller(now);
                let hold = Hold::start(&self.spec.ringback, desk, now);
                self.stage = Stage::Waiting { hold, until: now.at + self.spec.timeout };
            }
            (Stage::Asked { .. }, Met::Talk { room, with }) => self.talk(room, with, desk, now),
            (Stage::Waiting { hold, .. }, Met::Talk { room, with }) => {
                hold.stop(desk, now);
                self.talk(room, with, desk, now);
            }
            (Stage::Talking { talk, .. }, Met::Over { .. }) => {
                let seconds = talk.end(false, desk, now);
                return self.outcome("answered", seconds);
            }
            (Stage::Asked { .. } | Stage::Waiting { .. }, Met::Over { .. }) => return self.outcome("unreachable", 0.0),
            (
                Stage::Asked { .. } | Stage::Waiting { .. } | Stage::Talking { .. },
                Met::Nobody
                | Met::Full
                | Met::Position(_)
                | Met::Talk { .. }
                | Met::Inside { .. }
                | Met::Opened
                | Met::Alone(_)
                | Met::Tune(_)
                | Met::Left { .. }
                | Met::Parked { .. }
                | Met::Ring { .. }
                | Met::Wanted
                | Met::Resume,
            ) => {}
        }
        Progress::Going
    }

    fn talk(&mut self, room: crate::meet::RoomId, with: String, desk: &mut Desk, now: Now) {
        let talk = Talk::begin(self.ticket, room, with, desk, now);
        self.stage = Stage::Talking { talk, until: self.spec.length.map(|length| now.at + length) };
    }

    fn outcome(&self, name: &str, seconds: f64) -> Progress {
        Progress::Done(Outcome::with(name, serde_json::json!({ "target": self.target, "duration_s": seconds })))
    }

    fn late(&mut self, desk: &mut Desk, now: Now) -> Progress {
        match &mut self.stage {
            Stage::Asked { until } if *until <= now.at => {
                desk.meet_again(self.ticket, Meet::Leave);
                Progress::Failed(format!("{}: no word from the front", self.target))
            }
            Stage::Waiting { hold, until } if *until <= now.at => {
                hold.stop(desk, now);
                desk.meet_again(self.ticket, Meet::Leave);
                self.outcome("no_answer", 0.0)
            }
            Stage::Talking { talk, until } if until.is_some_and(|until| until <= now.at) => {
                desk.note(now, "the longest talk the flow allows is over");
                let seconds = talk.end(true, desk, now);
                self.outcome("answered", seconds)
            }
            Stage::Asked { .. } | Stage::Waiting { .. } | Stage::Talking { .. } => Progress::Going,
        }
    }
}

impl Action for PickUp {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if let Stage::Waiting { hold, .. } = &mut self.stage {
            hold.handle(&mut event, desk, now);
        }
        match event {
            Event::Answer(ticket, Answer::Met(met)) if ticket == self.ticket => self.met(met, desk, now),
            Event::Time => self.late(desk, now),
            Event::Keyed
            | Event::FarKey(..)
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
            Stage::Waiting { hold, until } => hold.poll_timeout().into_iter().chain([*until]).min(),
            Stage::Talking { until, .. } => *until,
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
