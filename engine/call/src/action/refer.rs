//! `refer`: the caller's own telephone is sent elsewhere (RFC 3515, RFC 5589 blind transfer).
//!
//! ```text
//!  Locating ── may be dialled ──▶ Referring ── 202 ──▶ Referred ── NOTIFY 2xx, or the caller hangs up ──▶ accepted
//!      └─ may not ─▶ refused        └─ refused, or no answer ─▶ refused   └─ NOTIFY 3xx–6xx, end without result, `timeout` ─▶ refused
//! ```
//! Where it may be sent to is decided by the front, by the same policy as every leg we dial.

use super::{Action, Begun, Event, Progress};
use crate::{
    desk::Desk,
    door::{Answer, Ticket},
    leg::{News, Transfer},
    limits::ERRAND_WAIT,
};
use flow::Outcome;
use sip::Uri;
use std::time::{Duration, Instant};
use terms::{LegId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Refer {
    to: String,
    timeout: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Locating { ticket: Ticket, until: Instant },
    /// Until the moment by which the telephone must have got through.
    Referring { until: Instant },
    Referred { until: Instant },
}

impl Refer {
    pub(super) fn begin(refer: &flow::Refer, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        let to = refer.to.to_string();
        let ticket = desk.locate_for_refer(to.clone());
        let stage = Stage::Locating { ticket, until: now.at + ERRAND_WAIT };
        Begun::Going(Box::new(Self { to, timeout: refer.timeout, stage }))
    }

    fn located(&mut self, found: Result<Uri, String>, desk: &mut Desk, now: Now) -> Progress {
        match found {
            Ok(uri) => {
                desk.note(now, format!("the caller's telephone is sent to {} ({uri})", self.to));
                self.stage = Stage::Referring { until: now.at + self.timeout };
                desk.with_leg(LegId::CALLER, |leg, out| leg.refer(&uri, out));
                Progress::Going
            }
            Err(why) => {
                desk.note(now, format!("the caller may not be sent to {}: {why}", self.to));
                refused(403, &why)
            }
        }
    }

    fn told(&mut self, transfer: Transfer, desk: &mut Desk, now: Now) -> Progress {
        match transfer {
            Transfer::Taken => {
                if let Stage::Referring { until } = self.stage {
                    self.stage = Stage::Referred { until };
                }
                Progress::Going
            }
            Transfer::Trying { code } => {
                desk.note(now, format!("the caller's telephone calls {}: {code}", self.to));
                Progress::Going
            }
            Transfer::Through { code } => {
                desk.note(now, format!("the caller's telephone got through to {}", self.to));
                desk.record.ended_by = format!("sent to {}", self.to);
                desk.is_sent_away = true;
                desk.end_leg(LegId::CALLER, 480, None, now);
                Progress::Done(Outcome::with("accepted", serde_json::json!({ "status": code, "reason": "" })))
            }
            Transfer::Refused { code, reason } => {
                desk.note(now, format!("the caller's telephone did not go to {}: {code} {reason}", self.to));
                refused(code, &reason)
            }
        }
    }
}

fn refused(code: u16, reason: &str) -> Progress {
    Progress::Done(Outcome::with("refused", serde_json::json!({ "status": code, "reason": reason })))
}

impl Action for Refer {
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress {
        match (&self.stage, event) {
            (Stage::Locating { ticket, .. }, Event::Answer(answered, Answer::ReferTo(found))) if *ticket == answered => {
                self.located(found, desk, now)
            }
            (Stage::Locating { until, .. }, Event::Time) if *until <= now.at => refused(408, "the front did not answer"),
            (Stage::Referring { .. } | Stage::Referred { .. }, Event::Leg(LegId::CALLER, News::Transfer(transfer))) => self.told(transfer, desk, now),
            (Stage::Referring { until } | Stage::Referred { until }, Event::Time) if *until <= now.at => {
                desk.note(now, format!("the caller's telephone did not get through to {} in time", self.to));
                refused(408, "it did not get through in time")
            }
            _ => Progress::Going,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(match &self.stage {
            Stage::Locating { until, .. } | Stage::Referring { until } | Stage::Referred { until } => *until,
        })
    }

    /// The telephone itself says what it does, or rings its new party.
    fn means_silence(&self) -> bool {
        matches!(self.stage, Stage::Referred { .. })
    }

    /// Some telephones hang up here as soon as they call there (RFC 5589 §6.1).
    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if matches!(self.stage, Stage::Referred { .. }) {
            desk.note(now, format!("the caller left for {}", self.to));
        }
        Progress::done("caller_left")
    }
}
