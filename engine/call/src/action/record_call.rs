//! `record_call`: orders to the recording of the whole call, which itself runs beside all actions (`tape.rs`).

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::{desk::Desk, tape::Stopped};
use flow::{CallRecording, Outcome, PromptItem, RecordCall, Tone};
use std::time::{Duration, Instant};
use terms::{LegId, MessageId, Now};

/// How long the disk may take to say that the recording is safe.
const SAVE_WAIT: Duration = Duration::from_secs(20);

/// `start`, while it is announced.
#[derive(Debug)]
pub(super) struct Announcing {
    prompting: Prompting,
    recording: CallRecording,
}

/// `stop`, until it is safe.
#[derive(Debug)]
pub(super) struct Stopping {
    id: MessageId,
    until: Instant,
}

pub(super) fn begin(order: RecordCall, desk: &mut Desk, now: Now) -> Begun {
    let stopped = match order {
        RecordCall::Start(recording) => return start(recording, desk, now),
        RecordCall::Pause => return Begun::At(done_if(desk.pause_tape(true, now), "pause", desk, now)),
        RecordCall::Resume => return Begun::At(done_if(desk.pause_tape(false, now), "resume", desk, now)),
        RecordCall::Stop => desk.stop_tape(now),
    };
    match stopped {
        Some(Stopped::Soon(id)) => Begun::Going(Box::new(Stopping { id, until: now.at + SAVE_WAIT })),
        Some(Stopped::Empty(id)) => Begun::At(done(id)),
        None => Begun::At(done_if(None, "stop", desk, now)),
    }
}

fn start(recording: CallRecording, desk: &mut Desk, now: Now) -> Begun {
    if desk.tape.is_some() {
        desk.note(now, "record_call: the call is recorded already");
        return Begun::At(Progress::done("failed"));
    }
    let beep = recording.beep.then_some(PromptItem::Tone(Tone::Beep));
    let announced: Vec<PromptItem> = recording.prompt.iter().cloned().chain(beep).collect();
    if announced.is_empty() {
        return Begun::At(done_if(desk.start_tape(recording, now), "start", desk, now));
    }
    desk.answer_caller(now);
    let prompting = Prompting::announce(&announced, LegId::CALLER, desk, now);
    let mut action = Announcing { prompting, recording };
    match action.announced(desk, now) {
        Progress::Going => Begun::Going(Box::new(action)),
        over @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(over),
    }
}

fn done(id: MessageId) -> Progress {
    Progress::Done(Outcome::with("done", serde_json::json!({ "id": id.to_string() })))
}

/// An order to a recording that is not there is an error of the flow, which it may name.
fn done_if(id: Option<MessageId>, order: &str, desk: &mut Desk, now: Now) -> Progress {
    if let Some(id) = id {
        return done(id);
    }
    desk.note(now, format!("record_call: nothing to {order}"));
    Progress::done("failed")
}

impl Announcing {
    /// Who may have to be told is not recorded untold.
    fn announced(&mut self, desk: &mut Desk, now: Now) -> Progress {
        match self.prompting.said() {
            Said::Going => Progress::Going,
            Said::Finished => done_if(desk.start_tape(self.recording.clone(), now), "start", desk, now),
            Said::Failed => {
                desk.note(now, "record_call: it could not be announced whole, so nothing is recorded");
                Progress::done("failed")
            }
        }
    }
}

impl Action for Announcing {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        self.prompting.handle(&mut event, desk, now);
        self.announced(desk, now)
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.prompting.poll_timeout()
    }
}

impl Action for Stopping {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every action hears everything and takes only what is its own")]
    fn handle(&mut self, event: Event, _desk: &mut Desk, now: Now) -> Progress {
        match event {
            Event::TapeSaved(Ok(())) => done(self.id),
            Event::TapeSaved(Err(_)) => Progress::done("failed"),
            Event::Time if self.until <= now.at => Progress::done("failed"),
            _ => Progress::Going,
        }
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.until)
    }
}
