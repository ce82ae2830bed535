//! The recording of the whole call: it runs beside the actions, from the flow's order until the flow's order or the call's end.
//!
//! ```text
//!  Armed ── the caller is answered ──▶ Running ⇄ paused, or silent while secrets are keyed in ── stop, `length`, end of the call ──▶
//!  Ending ── its last sound came ──▶ Saving ── safe on disk ──▶ (gone)
//! ```

use crate::{
    desk::Desk,
    door::{Answer, Disposition, Errand, Ticket},
};
use flow::CallRecording;
use media::{Event, RecordEnd, RecordSpec, Recorded, RecorderId, Source, Taking};
use std::time::Duration;
use terms::{LegId, MessageId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Tape {
    id: MessageId,
    spec: CallRecording,
    stage: Stage,
    is_paused: bool,
    /// What is being said or keyed in must not be heard.
    is_secret: bool,
}

#[derive(Debug)]
enum Stage {
    Armed,
    Running { recorder: RecorderId, begun: Ticket },
    Ending { recorder: RecorderId },
    Saving { ticket: Ticket },
}

/// What came of an order to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It never began: nothing is kept.
    Empty(MessageId),
    /// Its end will be told by [`Heard::Saved`].
    Soon(MessageId),
}

/// What the tape made of something.
#[derive(Debug)]
pub(crate) enum Heard<T> {
    /// It was not for the tape.
    NotMine(T),
    /// The tape took it.
    Taken,
    /// The tape is over: safe on disk, or why not.
    Saved(Result<(), String>),
}

impl Desk {
    /// Begins to record the call, at once or when the caller is answered. `None` when it is recorded already.
    pub(crate) fn start_tape(&mut self, spec: CallRecording, now: Now) -> Option<MessageId> {
        if self.tape.is_some() {
            return None;
        }
        let id = self.message_id(now);
        self.tape = Some(Tape { id, spec, stage: Stage::Armed, is_paused: false, is_secret: false });
        self.run_tape(now);
        Some(id)
    }

    /// An armed tape runs once the caller is answered.
    pub(crate) fn run_tape(&mut self, now: Now) {
        if !self.is_answered() {
            return;
        }
        let Some((id, spec)) = self.tape.as_ref().filter(|tape| matches!(tape.stage, Stage::Armed)).map(|tape| (tape.id, tape.spec.clone())) else {
            return;
        };
        let source = Source::call(LegId::CALLER, spec.stereo);
        let channels = source.channels();
        let recorder = self.mixer.record(source, RecordSpec { silence: None, length: Some(spec.length) }, now.at);
        let rate = self.mixer.recording_rate(recorder).unwrap_or(8_000);
        let realm = self.plan.realm.clone();
        let begun = self.ask(Errand::SpoolBegin { realm, id, rate, channels, envelope: None, notify: spec.notify, keep: Some(spec.keep) });
        self.note(now, format!("recording {id} of the whole call begins"));
        if let Some(tape) = &mut self.tape {
            tape.stage = Stage::Running { recorder, begun };
        }
        self.tell_tape(now);
    }

    /// Pauses the tape, or lets it go on; its id, unless none runs.
    pub(crate) fn pause_tape(&mut self, is_paused: bool, now: Now) -> Option<MessageId> {
        let tape = self.tape.as_mut().filter(|tape| matches!(tape.stage, Stage::Armed | Stage::Running { .. }))?;
        tape.is_paused = is_paused;
        let id = tape.id;
        self.note(now, format!("recording {id} {}", if is_paused { "pauses" } else { "goes on" }));
        self.tell_tape(now);
        Some(id)
    }

    /// Whether what is keyed in now must not be heard. Harmless when it is so already.
    pub(crate) fn keep_secret(&mut self, is_secret: bool, now: Now) {
        if let Some(tape) = self.tape.as_mut().filter(|tape| tape.is_secret != is_secret) {
            tape.is_secret = is_secret;
            self.tell_tape(now);
        }
    }

    fn tell_tape(&mut self, now: Now) {
        let Some(tape) = &self.tape else { return };
        let taking = match (tape.is_paused, tape.is_secret) {
            (true, _) => Taking::Nothing,
            (false, true) => Taking::Silence,
            (false, false) => Taking::All,
        };
        if let Stage::Running { recorder, .. } = tape.stage {
            self.mixer.set_taking(recorder, taking, now.at);
        }
    }

    /// Ends the tape; `None` when none runs.
    pub(crate) fn stop_tape(&mut self, now: Now) -> Option<Stopped> {
        let tape = self.tape.as_mut()?;
        let id = tape.id;
        match tape.stage {
            Stage::Armed => {
                self.tape = None;
                Some(Stopped::Empty(id))
            }
            Stage::Running { recorder, .. } => {
                tape.stage = Stage::Ending { recorder };
                self.mixer.stop_recording(recorder, now.at);
                Some(Stopped::Soon(id))
            }
            Stage::Ending { .. } | Stage::Saving { .. } => None,
        }
    }

    /// The mixer tells something: is it the tape's?
    pub(crate) fn tape_hears(&mut self, event: Event, now: Now) -> Heard<Event> {
        let own = self.tape.as_ref().and_then(|tape| match tape.stage {
            Stage::Running { recorder, .. } | Stage::Ending { recorder } => Some((tape.id, recorder)),
            Stage::Armed | Stage::Saving { .. } => None,
        });
        match (own, event) {
            (Some((id, recorder)), Event::Recorded { id: of, samples }) if of == recorder => {
                self.ask(Errand::SpoolAppend { id, samples: samples.into_boxed_slice() });
                Heard::Taken
            }
            (Some((_, recorder)), Event::SpeechStarted { id: of }) if of == recorder => Heard::Taken,
            (Some((id, recorder)), Event::RecordingDone { id: of, end, recorded }) if of == recorder => {
                self.finish_tape(id, end, recorded, now);
                Heard::Taken
            }
            (_, event) => Heard::NotMine(event),
        }
    }

    fn finish_tape(&mut self, id: MessageId, end: RecordEnd, recorded: Recorded, now: Now) {
        let why = if end == RecordEnd::Length { "its longest length" } else { "its order" };
        self.note(now, format!("recording {id} of the whole call ends by {why} after {:.1} s", recorded.duration.as_secs_f32()));
        let (loudness, format) = self.tape.as_ref().map(|tape| (tape.spec.loudness, tape.spec.format)).unwrap_or_default();
        let kept = Disposition::Keep { from: Duration::ZERO, until: None, loudness, format };
        let disposition = if recorded.duration.is_zero() { Disposition::Discard } else { kept };
        let ticket = self.ask(Errand::SpoolFinish { id, disposition });
        if let Some(tape) = &mut self.tape {
            tape.stage = Stage::Saving { ticket };
        }
    }

    /// An errand is done: is it the tape's?
    pub(crate) fn tape_answered(&mut self, ticket: Ticket, answer: Answer, now: Now) -> Heard<Answer> {
        let Some((id, stage)) = self.tape.as_ref().map(|tape| (tape.id, &tape.stage)) else { return Heard::NotMine(answer) };
        match (stage, answer) {
            (Stage::Running { begun, .. }, Answer::SpoolBegun(result)) if *begun == ticket => {
                if let Err(why) = result {
                    self.note(now, format!("recording {id}: {why}"));
                    self.stop_tape(now);
                }
                Heard::Taken
            }
            (Stage::Saving { ticket: own }, Answer::SpoolFinished(result)) if *own == ticket => {
                self.tape = None;
                let result = result.map(|_| ());
                let told = result.as_ref().map_or_else(|why| format!("could not be kept: {why}"), |()| "is safe".to_owned());
                self.note(now, format!("recording {id} {told}"));
                Heard::Saved(result)
            }
            (_, answer) => Heard::NotMine(answer),
        }
    }
}
