//! `http` and `notify`: somebody else does the work; the caller hears the filler meanwhile.

use super::{Action, Begun, Event, Progress, prompting::Prompting};
use crate::{
    desk::Desk,
    door::{Answer, Errand, HttpReply, Ticket},
};
use flow::Outcome;
use media::Repeat;
use std::time::{Duration, Instant};
use terms::{LegId, Now};

/// The clerk keeps to the request's own time; this much later we stop waiting for the clerk.
const GRACE: Duration = Duration::from_secs(1);
/// Putting a line into the outbox takes a disk write; longer than this and the disk is broken.
const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// `http`.
#[derive(Debug)]
pub(super) struct Fetch {
    ticket: Ticket,
    until: Instant,
    filler: Option<Prompting>,
}

impl Fetch {
    pub(super) fn begin(http: flow::Http, desk: &mut Desk, now: Now) -> Begun {
        let until = now.at + http.timeout + GRACE;
        let filler = (!http.filler.is_empty() && desk.has_caller()).then(|| {
            desk.open_early(now);
            Prompting::start(&http.filler, LegId::CALLER, Repeat::Forever, desk, now)
        });
        let ticket = desk.ask(Errand::Http(http));
        Begun::Going(Box::new(Self { ticket, until, filler }))
    }

    fn done(&mut self, reply: Result<HttpReply, String>, desk: &mut Desk, now: Now) -> Progress {
        if let Some(mut filler) = self.filler.take() {
            filler.stop(desk, now);
        }
        match reply {
            Ok(reply) => {
                let name = if (200..300).contains(&reply.status) { "ok" } else { "failed" };
                desk.note(now, format!("http: {}", reply.status));
                let result = serde_json::json!({ "status": reply.status, "text": reply.text, "json": reply.json });
                Progress::Done(Outcome::with(name, result))
            }
            Err(why) => {
                desk.note(now, format!("http: {why}"));
                Progress::Done(Outcome::with("failed", serde_json::json!({ "status": 0, "text": why, "json": null })))
            }
        }
    }
}

impl Action for Fetch {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every action hears everything and takes only what is its own")]
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        match event {
            Event::Answer(ticket, Answer::Http(reply)) if ticket == self.ticket => return self.done(reply, desk, now),
            Event::Time if self.until <= now.at => return self.done(Err("no answer in time".into()), desk, now),
            _ => {}
        }
        if let Some(filler) = &mut self.filler {
            filler.handle(&mut event, desk, now);
        }
        Progress::Going
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.filler.as_ref().and_then(Prompting::poll_timeout).into_iter().chain([self.until]).min()
    }
}

/// `notify`.
#[derive(Debug)]
pub(super) struct Post {
    ticket: Ticket,
    until: Instant,
}

impl Post {
    pub(super) fn begin(notify: flow::Notify, desk: &mut Desk, now: Now) -> Begun {
        let ticket = desk.ask(Errand::Notify { realm: desk.plan.realm.clone(), notify });
        Begun::Going(Box::new(Self { ticket, until: now.at + QUEUE_WAIT }))
    }
}

impl Action for Post {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every action hears everything and takes only what is its own")]
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress {
        match event {
            Event::Answer(ticket, Answer::Queued(result)) if ticket == self.ticket => match result {
                Ok(()) => Progress::done("queued"),
                Err(why) => {
                    desk.note(now, format!("notify: {why}"));
                    Progress::Failed(format!("the webhook could not be queued: {why}"))
                }
            },
            Event::Time if self.until <= now.at => Progress::Failed("the webhook could not be queued in time".into()),
            _ => Progress::Going,
        }
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.until)
    }
    fn caller_left(&mut self, _desk: &mut Desk, _now: Now) -> Progress {
        Progress::Going
    }
}
