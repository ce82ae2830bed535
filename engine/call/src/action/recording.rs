//! `voicemail` and `record`: a greeting, a beep, the caller's voice on disk while it is spoken, and what becomes of it.
//!
//! ```text
//!  (voicemail: Counting ── full ▶ full · announced) ──▶ Greeting ── key or end ──▶ Beeping ──▶ Recording ── key, silence,
//!  length, hang-up ──▶ Saving ──▶ saved | too_short
//! ```

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::{
    desk::Desk,
    door::{Answer, Disposition, Errand, Ticket},
};
use flow::{Outcome, PromptItem, Say, Tone};
use media::{RecordEnd, RecordSpec, RecorderId, Repeat, Source};
use std::time::{Duration, Instant};
use terms::{LegId, MessageId, Now, Text, Tongue};
use voicemail::{Admission, Caller, EndCause, Envelope, EventKind, Greeting, Keeping, Leaving, Mailbox, Room};

/// How long the disk may take to say that a recording is safe (chosen: an fsync on a busy disk takes seconds at worst).
const SAVE_WAIT: Duration = Duration::from_secs(20);
/// How long counting messages may take.
const COUNT_WAIT: Duration = Duration::from_secs(5);
/// Quiet kept before and after trimmed speech, so that no word is cut.
const TRIM_MARGIN: Duration = Duration::from_millis(300);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Recording {
    purpose: Purpose,
    stop: flow::Stop,
    id: MessageId,
    stage: Stage,
    disk_fault: Option<String>,
    has_left: bool,
}

#[derive(Debug)]
enum Purpose {
    /// A message in a mailbox.
    Message { leaving: Box<Leaving>, greeting: Words, only_announced: bool, operator: Option<char>, trim: bool },
    /// A file for the flow.
    File { discard_under: Duration, trim: bool, loudness: bool, keep_on_hangup: bool, beep: bool, format: flow::FileFormat },
}

/// A greeting.
#[derive(Debug)]
enum Words {
    /// Of the flow, or the mailbox.
    Items(Vec<PromptItem>),
    /// The exchange's own.
    Standard(Text),
}

#[derive(Debug)]
enum Stage {
    Counting { ticket: Ticket, until: Instant },
    Greeting(Prompting),
    Beeping(Prompting),
    Recording(RecorderId),
    Saving { ticket: Ticket, until: Instant, kept: Option<Kept> },
}

/// What was recorded, for the outcome.
#[derive(Clone, Copy, Debug)]
struct Kept {
    duration: Duration,
}

impl Recording {
    /// `voicemail`.
    pub(super) fn begin_message(spec: flow::Voicemail, desk: &mut Desk, now: Now) -> Begun {
        let mailboxes = desk.plan.mailboxes.clone();
        let Some(mailbox) = mailboxes.get(&spec.mailbox) else {
            return Begun::At(Progress::Failed(format!("there is no mailbox {}", spec.mailbox)));
        };
        let id = desk.message_id(now);
        let envelope = envelope_of(&spec, mailbox, id, desk, now);
        let mut limits = mailbox.limits;
        limits.discard_under = spec.discard_under;
        limits.length_max = spec.stop.length.min(limits.length_max);
        let greeting = if spec.greeting.is_empty() { greeting_of(mailbox, desk.tongue) } else { Words::Items(spec.greeting) };
        let leaving = Box::new(Leaving::new(mailbox, limits, envelope));
        let mut stop = spec.stop;
        stop.length = limits.length_max;
        let errand = Errand::Mailbox { realm: desk.plan.realm.clone(), mailbox: spec.mailbox };
        let ticket = desk.ask(errand);
        let stage = Stage::Counting { ticket, until: now.at + COUNT_WAIT };
        let purpose = Purpose::Message { leaving, greeting, only_announced: false, operator: spec.operator, trim: spec.trim };
        Begun::Going(Box::new(Self { purpose, stop, id, stage, disk_fault: None, has_left: false }))
    }

    /// `record`.
    pub(super) fn begin_file(spec: flow::Record, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        desk.digits.clear();
        let id = desk.message_id(now);
        let purpose = Purpose::File {
            discard_under: spec.discard_under,
            trim: spec.trim,
            loudness: spec.loudness,
            keep_on_hangup: spec.keep_on_hangup,
            beep: spec.beep,
            format: spec.format,
        };
        let prompting = Prompting::start_or_sorry(&spec.prompt, LegId::CALLER, desk, now);
        let said = prompting.said();
        let stage = Stage::Greeting(prompting);
        let mut action = Self { purpose, stop: spec.stop, id, stage, disk_fault: None, has_left: false };
        if said != Said::Going {
            action.beep(desk, now);
        }
        Begun::Going(Box::new(action))
    }

    /// The mailbox was counted: may a message be left?
    fn admitted(&mut self, room: Room, desk: &mut Desk, now: Now) -> Progress {
        let Purpose::Message { leaving, greeting, only_announced, .. } = &mut self.purpose else { return Progress::Going };
        match leaving.admit(room) {
            Admission::Full => {
                desk.note(now, format!("mailbox {} is full", leaving.envelope().mailbox));
                let envelope = Box::new(leaving.envelope().clone());
                let mailbox = desk.plan.mailboxes.get(&envelope.mailbox);
                let messages_max = mailbox.map_or(0, |mailbox| mailbox.limits.messages_max);
                desk.ask(Errand::MailboxFull { envelope, messages_max });
                return Progress::done("full");
            }
            Admission::NoDisk => return Progress::Failed("the disk takes no recording".into()),
            Admission::Announced => *only_announced = true,
            Admission::Record { .. } => {}
        }
        desk.answer_caller(now);
        desk.digits.clear();
        let prompting = match greeting {
            Words::Items(items) => Prompting::start_or_sorry(items, LegId::CALLER, desk, now),
            Words::Standard(text) => Prompting::tell(std::slice::from_ref(text), LegId::CALLER, desk, now),
        };
        let said = prompting.said();
        self.stage = Stage::Greeting(prompting);
        if said == Said::Going { Progress::Going } else { self.greeted(desk, now) }
    }

    fn greeted(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if matches!(self.purpose, Purpose::Message { only_announced: true, .. }) {
            return Progress::done("announced");
        }
        self.beep(desk, now);
        Progress::Going
    }

    /// The beep says when to speak.
    fn beep(&mut self, desk: &mut Desk, now: Now) {
        desk.digits.clear();
        let wants_beep = match &self.purpose {
            Purpose::Message { .. } => true,
            Purpose::File { beep, .. } => *beep,
        };
        let beep: &[PromptItem] = if wants_beep { &[PromptItem::Tone(Tone::Beep)] } else { &[] };
        let prompting = Prompting::start(beep, LegId::CALLER, Repeat::Times(1), desk, now);
        let said = prompting.said();
        self.stage = Stage::Beeping(prompting);
        if said != Said::Going {
            self.listen(desk, now);
        }
    }

    fn listen(&mut self, desk: &mut Desk, now: Now) {
        let spec = RecordSpec { silence: self.stop.silence, length: Some(self.stop.length) };
        let recorder = desk.mixer.record(Source::leg(LegId::CALLER), spec, now.at);
        let rate = desk.mixer.recording_rate(recorder).unwrap_or(8_000);
        let envelope = match &self.purpose {
            Purpose::Message { leaving, .. } => Some(Box::new(leaving.envelope().clone())),
            Purpose::File { .. } => None,
        };
        let realm = desk.plan.realm.clone();
        desk.ask(Errand::SpoolBegin { realm, id: self.id, rate, channels: 1, envelope, notify: None, keep: None });
        desk.note(now, format!("recording {} begins", self.id));
        self.stage = Stage::Recording(recorder);
    }

    fn recorded(&mut self, end: RecordEnd, recorded: media::Recorded, desk: &mut Desk, now: Now) -> Progress {
        let cause = match (end, &self.disk_fault, self.has_left) {
            (_, Some(_), _) => EndCause::DiskFault,
            (RecordEnd::Silence, None, _) => EndCause::Silence,
            (RecordEnd::Length, None, _) => EndCause::Length,
            (RecordEnd::Stopped, None, true) => EndCause::Hangup,
            (RecordEnd::Stopped, None, false) => EndCause::Key,
        };
        let seconds = recorded.duration.as_secs_f32();
        desk.note(now, format!("recording {} ended by {} after {seconds:.1} s", self.id, cause.name()));
        let disposition = self.disposition(recorded, cause);
        let kept = match &disposition {
            Disposition::Discard => None,
            Disposition::Keep { from, until, .. } => Some(Kept { duration: until.unwrap_or(recorded.duration).saturating_sub(*from) }),
            Disposition::Message(draft) => Some(Kept { duration: draft.length }),
        };
        let ticket = desk.ask(Errand::SpoolFinish { id: self.id, disposition });
        self.stage = Stage::Saving { ticket, until: now.at + SAVE_WAIT, kept };
        Progress::Going
    }

    fn disposition(&self, recorded: media::Recorded, cause: EndCause) -> Disposition {
        match &self.purpose {
            Purpose::Message { leaving, trim, .. } => {
                // The silence that ended the message is not part of it. What else is trimmed does not make it too short: a brief word
                // after a long breath is a message.
                let length = match cause {
                    EndCause::Silence => recorded.duration.min(recorded.speech_until + TRIM_MARGIN),
                    EndCause::Key
                    | EndCause::Length
                    | EndCause::Hangup
                    | EndCause::MediaLost
                    | EndCause::Stopped
                    | EndCause::Crash
                    | EndCause::DiskFault => recorded.duration,
                };
                let measured = voicemail::Recorded { length, speech: Some(recorded.speech), cause };
                match leaving.as_ref().clone().ended(measured) {
                    Keeping::Keep(draft) if *trim && !recorded.speech.is_zero() => {
                        let (from, until) = words_of(&recorded);
                        Disposition::Message(Box::new(draft.trimmed(from, until)))
                    }
                    Keeping::Keep(draft) => Disposition::Message(draft),
                    Keeping::TooShort => Disposition::Discard,
                }
            }
            Purpose::File { discard_under, trim, loudness, keep_on_hangup, format, .. } => {
                let is_unwanted = self.has_left && !keep_on_hangup;
                let length = if *trim { recorded.speech } else { recorded.duration };
                if is_unwanted || length.is_zero() || length < *discard_under {
                    return Disposition::Discard;
                }
                let (from, until) = words_of(&recorded);
                let (from, until) = if *trim { (from, Some(until)) } else { (Duration::ZERO, None) };
                Disposition::Keep { from, until, loudness: *loudness, format: *format }
            }
        }
    }

    fn saved(&self, result: Result<Option<String>, String>, kept: Option<Kept>, desk: &mut Desk, now: Now) -> Progress {
        match (result, kept) {
            (Ok(file), Some(kept)) => {
                desk.note(now, format!("recording {} is safe", self.id));
                let result = serde_json::json!({
                    "id": self.id.to_string(),
                    "duration_s": kept.duration.as_secs_f64(),
                    "file": file,
                });
                Progress::Done(Outcome::with("saved", result))
            }
            (Ok(_), None) => Progress::done("too_short"),
            (Err(why), _) => match &self.purpose {
                Purpose::File { .. } => {
                    desk.note(now, format!("record: {why}"));
                    Progress::done("failed")
                }
                Purpose::Message { .. } => Progress::Failed(format!("the message could not be kept: {why}")),
            },
        }
    }

    /// The disk takes no more: what it has is finished, so that nothing already spoken is lost.
    fn disk_failed(&mut self, why: &str, desk: &mut Desk, now: Now) -> Progress {
        desk.note(now, format!("recording {}: {why}", self.id));
        self.disk_fault = Some(why.to_owned());
        if let Stage::Recording(recorder) = &self.stage {
            desk.mixer.stop_recording(*recorder, now.at);
        }
        Progress::Going
    }

    fn stop_by_key(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let keys: Vec<char> = desk.digits.drain(..).map(terms::Digit::as_char).collect();
        let pressed = self.stop.key.is_some_and(|key| keys.contains(&key));
        if let (Purpose::Message { operator: Some(operator), .. }, Stage::Greeting(prompting) | Stage::Beeping(prompting)) =
            (&self.purpose, &mut self.stage)
            && keys.contains(operator)
        {
            prompting.stop(desk, now);
            desk.note(now, "the caller wants an operator");
            return Progress::done("operator");
        }
        match &mut self.stage {
            Stage::Recording(recorder) if pressed => desk.mixer.stop_recording(*recorder, now.at),
            Stage::Greeting(prompting) if pressed => {
                prompting.stop(desk, now);
                return self.greeted(desk, now);
            }
            Stage::Recording(_) | Stage::Greeting(_) | Stage::Counting { .. } | Stage::Beeping(_) | Stage::Saving { .. } => {}
        }
        Progress::Going
    }
}

impl Action for Recording {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if matches!(event, Event::Keyed) {
            return self.stop_by_key(desk, now);
        }
        if let Event::Answer(_, Answer::SpoolBegun(Err(why))) = &event {
            return self.disk_failed(why, desk, now);
        }
        match (&mut self.stage, event) {
            (Stage::Counting { ticket, .. }, Event::Answer(answered, Answer::Mailbox(room))) if *ticket == answered => {
                match room {
                    Ok(room) => self.admitted(room, desk, now),
                    Err(why) => Progress::Failed(format!("the mailbox could not be read: {why}")),
                }
            }
            (Stage::Counting { until, .. }, Event::Time) if *until <= now.at => {
                Progress::Failed("the mailbox could not be read in time".into())
            }
            (Stage::Recording(recorder), Event::Sound(id, samples)) if *recorder == id => {
                let samples = samples.into_boxed_slice();
                desk.ask(Errand::SpoolAppend { id: self.id, samples });
                Progress::Going
            }
            (Stage::Recording(recorder), Event::Recorded(id, end, recorded)) if *recorder == id => {
                self.recorded(end, recorded, desk, now)
            }
            (Stage::Saving { ticket, kept, .. }, Event::Answer(answered, Answer::SpoolFinished(result))) if *ticket == answered => {
                let kept = *kept;
                self.saved(result, kept, desk, now)
            }
            (Stage::Saving { until, kept, .. }, Event::Time) if *until <= now.at => {
                let kept = *kept;
                self.saved(Err("the disk did not answer".into()), kept, desk, now)
            }
            (Stage::Greeting(prompting), other) => {
                event = other;
                let said = prompting.handle(&mut event, desk, now);
                if said == Said::Going { Progress::Going } else { self.greeted(desk, now) }
            }
            (Stage::Beeping(prompting), other) => {
                event = other;
                if prompting.handle(&mut event, desk, now) != Said::Going {
                    self.listen(desk, now);
                }
                Progress::Going
            }
            (Stage::Counting { .. } | Stage::Recording(_) | Stage::Saving { .. }, _) => Progress::Going,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Counting { until, .. } | Stage::Saving { until, .. } => Some(*until),
            Stage::Greeting(prompting) | Stage::Beeping(prompting) => prompting.poll_timeout(),
            Stage::Recording(_) => None,
        }
    }

    fn means_silence(&self) -> bool {
        matches!(self.stage, Stage::Recording(_))
    }

    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        self.has_left = true;
        match &self.stage {
            Stage::Recording(recorder) => {
                desk.mixer.stop_recording(*recorder, now.at);
                Progress::Going
            }
            Stage::Saving { .. } => Progress::Going,
            Stage::Counting { .. } | Stage::Greeting(_) | Stage::Beeping(_) => Progress::done("caller_left"),
        }
    }
}

/// From the first word to the last, with a margin.
fn words_of(recorded: &media::Recorded) -> (Duration, Duration) {
    let from = recorded.speech_from.unwrap_or_default().saturating_sub(TRIM_MARGIN);
    (from, recorded.duration.min(recorded.speech_until + TRIM_MARGIN))
}

/// What is said before the tone when the flow has no greeting.
fn greeting_of(mailbox: &Mailbox, tongue: Tongue) -> Words {
    match &mailbox.greeting {
        Greeting::Standard => Words::Standard(voicemail::spoken::LEAVE_A_MESSAGE.text(tongue)),
        Greeting::Say(text) => Words::Items(vec![PromptItem::Say(Say::new(text.clone()))]),
        Greeting::Play(file) => Words::Items(vec![PromptItem::File(file.clone())]),
    }
}

fn envelope_of(spec: &flow::Voicemail, mailbox: &Mailbox, id: MessageId, desk: &Desk, now: Now) -> Envelope {
    let facts = &desk.plan.facts;
    let every = |url: &String| voicemail::Notify { url: url.clone(), events: EventKind::ALL.to_vec() };
    let about = spec.notify.iter().map(|about| voicemail::Notify {
        url: about.url.clone(),
        events: about.events.iter().map(event_kind).collect(),
    });
    let transcribe = spec.transcribe.as_ref();
    Envelope {
        id,
        realm: desk.plan.realm.clone(),
        mailbox: spec.mailbox.clone(),
        caller: Caller::new(&facts.caller.number, &facts.caller.name),
        call: desk.id,
        dialled: facts.line.number.clone(),
        began: now.unix,
        keep: spec.keep,
        transcribe: transcribe.is_some(),
        language: transcribe.and_then(|wanted| wanted.language.clone()).or_else(|| mailbox.language.clone()),
        notify: mailbox.webhook.iter().map(every).chain(about).collect(),
        loudness: spec.loudness,
    }
}

const fn event_kind(event: &flow::MessageEvent) -> EventKind {
    match event {
        flow::MessageEvent::Saved => EventKind::Saved,
        flow::MessageEvent::Transcribed => EventKind::Transcribed,
        flow::MessageEvent::TranscriptionFailed => EventKind::TranscriptionFailed,
    }
}
