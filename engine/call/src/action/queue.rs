//! `queue`: the caller waits in a row; agents are rung for it, or take it by `bridge: queue/NAME`.
//!
//! ```text
//!  Asked ── no room ──▶ full
//!    └── Position ──▶ Waiting ── key ▶ left · time ▶ timeout
//!                      │  └─ Ring ▶ rings agents meanwhile ── one answers ──▶ Served (a bridge of this call) ──▶ served
//!                      └──── Wanted ▶ granted ── Talk ──▶ Taken (a room with the agent's call) ──▶ served
//! ```
//! The front decides whose turn it is and which agents are free; whether a caller is taken by a ringing agent or by one who dialled
//! in is decided here, by what comes first, so no caller is given away twice.

use super::{Action, Begun, Event, Progress, bridge::Bridge, hold::Hold, talk::Talk};
use crate::{
    desk::Desk,
    door::{Answer, Ticket},
    limits::FRONT_WAIT,
    meet::{Meet, Met, Waiting},
    spoken,
};
use flow::{Destination, Group, OneTarget, Outcome, Ring, Target};
use std::time::{Duration, Instant};
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Queue {
    spec: flow::Queue,
    ticket: Ticket,
    since: Instant,
    position: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asked { until: Instant },
    Waiting(Wait),
    /// An agent who was rung has the caller.
    Served { bridge: Box<Bridge>, agent: String, waited: f64 },
    /// An agent who dialled in has the caller.
    Taken { talk: Talk, waited: f64 },
}

/// In the row.
#[derive(Debug)]
struct Wait {
    hold: Hold,
    ringing: Option<Box<Bridge>>,
    /// Somebody who dialled in is about to take the call.
    granted: bool,
    announce_at: Option<Instant>,
}

impl Queue {
    pub(super) fn begin(spec: flow::Queue, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        desk.digits.clear();
        let waiting = Waiting {
            queue: spec.name.clone(),
            priority: spec.priority,
            waiting_max: usize::try_from(spec.waiting_max).unwrap_or(usize::MAX),
            agents: spec.agents.iter().map(Destination::to_string).collect(),
            order: spec.order,
            wrap_up: spec.wrap_up,
        };
        let ticket = desk.meet(Meet::Queue(Box::new(waiting)));
        let stage = Stage::Asked { until: now.at + FRONT_WAIT };
        Begun::Going(Box::new(Self { spec, ticket, since: now.at, position: 0, stage }))
    }

    fn waited(&self, now: Now) -> f64 {
        now.at.saturating_duration_since(self.since).as_secs_f64()
    }

    fn outcome(&self, name: &str, waited: f64, agent: &str, talked: f64) -> Progress {
        let result = serde_json::json!({ "waited_s": waited, "position": self.position, "agent": agent, "duration_s": talked });
        Progress::Done(Outcome::with(name, result))
    }

    fn met(&mut self, met: Met, desk: &mut Desk, now: Now) -> Progress {
        let waited = self.waited(now);
        match (&mut self.stage, met) {
            (Stage::Asked { .. }, Met::Full) => return self.outcome("full", 0.0, "", 0.0),
            (Stage::Asked { .. }, Met::Position(position)) => {
                self.position = position;
                desk.note(now, format!("waits in queue {} at position {position}", self.spec.name));
                let hold = Hold::start(&self.spec.music, desk, now);
                // The first announcement comes at once.
                let announce_at = self.spec.announce_every.map(|_| now.at);
                self.stage = Stage::Waiting(Wait { hold, ringing: None, granted: false, announce_at });
            }
            (Stage::Waiting(_), Met::Position(position)) => self.position = position,
            (Stage::Waiting(wait), Met::Ring { agents }) if wait.ringing.is_none() => {
                let spec = ring_of(&self.spec, &agents);
                let (bridge, progress) = Bridge::ring_quietly(spec, desk, now);
                wait.ringing = Some(Box::new(bridge));
                return self.rung(progress, desk, now);
            }
            (Stage::Waiting(wait), Met::Wanted) => {
                wait.granted = true;
                if let Some(mut ringing) = wait.ringing.take() {
                    ringing.call_off(true, desk, now);
                }
                desk.meet_again(self.ticket, Meet::Accept);
            }
            (Stage::Waiting(wait), Met::Resume) => wait.granted = false,
            (Stage::Waiting(wait), Met::Talk { room, with }) => {
                wait.hold.stop(desk, now);
                let talk = Talk::begin(self.ticket, room, with, desk, now);
                self.stage = Stage::Taken { talk, waited };
            }
            (Stage::Taken { talk, waited }, Met::Over { .. }) => {
                let (waited, agent, talked) = (*waited, talk.with().to_owned(), talk.end(false, desk, now));
                return self.outcome("served", waited, &agent, talked);
            }
            (
                Stage::Asked { .. } | Stage::Waiting(_) | Stage::Served { .. } | Stage::Taken { .. },
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

    /// Something happened to the agents being rung, or to the one who took the call.
    fn rung(&mut self, progress: Progress, desk: &mut Desk, now: Now) -> Progress {
        let waited = self.waited(now);
        match &mut self.stage {
            Stage::Waiting(wait) => match progress {
                Progress::Going => {
                    let Some(agent) = wait.ringing.as_ref().and_then(|ringing| ringing.joined_with()).map(str::to_owned) else {
                        return Progress::Going;
                    };
                    wait.hold.stop(desk, now);
                    desk.meet_again(self.ticket, Meet::Answered { agent: agent.clone() });
                    if let Some(bridge) = wait.ringing.take() {
                        self.stage = Stage::Served { bridge, agent, waited };
                    }
                    Progress::Going
                }
                Progress::Done(_) | Progress::Failed(_) => {
                    wait.ringing = None;
                    desk.meet_again(self.ticket, Meet::Unanswered);
                    Progress::Going
                }
            },
            Stage::Served { agent, waited, .. } => match progress {
                Progress::Going => Progress::Going,
                Progress::Done(outcome) => {
                    let talked = outcome.result.get("duration_s").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
                    let (waited, agent) = (*waited, agent.clone());
                    desk.meet_again(self.ticket, Meet::Leave);
                    self.outcome("served", waited, &agent, talked)
                }
                Progress::Failed(what) => {
                    desk.meet_again(self.ticket, Meet::Leave);
                    Progress::Failed(what)
                }
            },
            Stage::Asked { .. } | Stage::Taken { .. } => Progress::Going,
        }
    }

    /// The wait ends without an agent: unless one is just taking the call.
    fn give_up(&mut self, name: &str, desk: &mut Desk, now: Now) -> Progress {
        let waited = self.waited(now);
        let Stage::Waiting(wait) = &mut self.stage else { return Progress::Going };
        if wait.granted {
            return Progress::Going;
        }
        wait.leave(desk, now);
        desk.meet_again(self.ticket, Meet::Leave);
        self.outcome(name, waited, "", 0.0)
    }

    fn keyed(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if matches!(self.stage, Stage::Served { .. } | Stage::Taken { .. }) {
            return Progress::Going;
        }
        let leave_key = self.spec.leave_key;
        while let Some(digit) = desk.digits.pop_front() {
            if Some(digit.as_char()) == leave_key {
                return self.give_up("left", desk, now);
            }
        }
        Progress::Going
    }

    fn late(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let end = self.spec.timeout.map(|timeout| self.since + timeout);
        match &mut self.stage {
            Stage::Asked { until } if *until <= now.at => {
                desk.meet_again(self.ticket, Meet::Leave);
                Progress::Failed("queue: no word from the front".into())
            }
            Stage::Waiting(_) if end.is_some_and(|end| end <= now.at) => self.give_up("timeout", desk, now),
            Stage::Waiting(wait) => {
                if let (Some(at), Some(every)) = (wait.announce_at, self.spec.announce_every)
                    && at <= now.at
                {
                    wait.announce_at = Some(now.at + every.max(Duration::from_secs(1)));
                    if self.position > 0 {
                        wait.hold.say(&spoken::position(self.position, desk.tongue), desk, now);
                    }
                }
                Progress::Going
            }
            Stage::Asked { .. } | Stage::Served { .. } | Stage::Taken { .. } => Progress::Going,
        }
    }
}

impl Wait {
    fn leave(&mut self, desk: &mut Desk, now: Now) {
        self.hold.stop(desk, now);
        if let Some(mut ringing) = self.ringing.take() {
            ringing.call_off(false, desk, now);
        }
    }
}

impl Action for Queue {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if let Stage::Waiting(wait) = &mut self.stage {
            wait.hold.handle(&mut event, desk, now);
        }
        match event {
            Event::Answer(ticket, Answer::Met(met)) if ticket == self.ticket => return self.met(met, desk, now),
            Event::Keyed => return self.keyed(desk, now),
            Event::Time => {
                let progress = self.late(desk, now);
                if !matches!(progress, Progress::Going) {
                    return progress;
                }
            }
            Event::FarKey(..)
            | Event::Played(..)
            | Event::KeysSent(_)
            | Event::Sound(..)
            | Event::Speech(_)
            | Event::Recorded(..)
            | Event::TapeSaved(_)
            | Event::Answer(..)
            | Event::Leg(..)
            | Event::NoMedia(_) => {}
        }
        let bridge = match &mut self.stage {
            Stage::Waiting(Wait { ringing: Some(bridge), .. }) | Stage::Served { bridge, .. } => bridge,
            Stage::Waiting(Wait { ringing: None, .. }) | Stage::Asked { .. } | Stage::Taken { .. } => return Progress::Going,
        };
        let progress = bridge.handle(event, desk, now);
        self.rung(progress, desk, now)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asked { until } => Some(*until),
            Stage::Waiting(wait) => {
                let end = self.spec.timeout.map(|timeout| self.since + timeout).filter(|_| !wait.granted);
                let ringing = wait.ringing.as_ref().and_then(|ringing| ringing.poll_timeout());
                [end, ringing, wait.announce_at, wait.hold.poll_timeout()].into_iter().flatten().min()
            }
            Stage::Served { bridge, .. } => bridge.poll_timeout(),
            Stage::Taken { .. } => None,
        }
    }

    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        match &mut self.stage {
            Stage::Asked { .. } => desk.meet_again(self.ticket, Meet::Leave),
            Stage::Waiting(wait) => {
                wait.leave(desk, now);
                desk.meet_again(self.ticket, Meet::Leave);
            }
            Stage::Served { bridge, .. } => {
                bridge.caller_left(desk, now);
                desk.meet_again(self.ticket, Meet::Leave);
            }
            Stage::Taken { talk, .. } => {
                talk.end(true, desk, now);
            }
        }
        Progress::done("caller_left")
    }
}

/// The bridge that rings these agents.
fn ring_of(spec: &flow::Queue, agents: &[String]) -> flow::Bridge {
    let named = spec.agents.iter().filter(|agent| agents.contains(&agent.to_string()));
    let one = |to: &Destination| Target::One(OneTarget { to: to.clone(), after: Duration::ZERO, timeout: None });
    flow::Bridge {
        to: Group { targets: named.map(one).collect(), ring: Ring::Together, after: Duration::ZERO, timeout: None },
        timeout: spec.ring_for,
        length: None,
        confirm: None,
        caller_id: None,
        ringback: Vec::new(),
        headers: Vec::new(),
    }
}
