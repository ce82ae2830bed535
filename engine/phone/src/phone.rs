//! A whole phone, still pure: a line, an ear, and steps to follow.
//!
//! After every input the phone asks of the step it is at: done, failed, or still waiting? Steps done follow each other
//! at once; a failed step stops the script (the phone goes on answering what comes).

use crate::account::Setup;
use crate::ear::Ear;
use crate::stream::Stream;
use crate::limits::{END_WITHIN, REGISTER_WITHIN, REINVITE_WITHIN, TIMELINE_MAX};
use crate::line::{Command, Event, Hearing, InfoBody, Input, Line, Output};
use crate::step::Step;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terms::Digit;

/// Something from outside.
#[derive(Clone, Copy, Debug)]
pub enum Arrival<'a> {
    /// On the SIP socket.
    Sip {
        /// From where.
        from: SocketAddr,
        /// The bytes of one message.
        bytes: &'a [u8],
    },
    /// On the RTP socket.
    Rtp {
        /// From where.
        from: SocketAddr,
        /// The bytes of one packet.
        bytes: &'a [u8],
    },
    /// The SIP connection (TCP) is gone: nothing comes or goes any more.
    Closed {
        /// In words.
        why: &'a str,
    },
}

/// Something for outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// From the SIP socket.
    Sip {
        /// To where.
        to: SocketAddr,
        /// The bytes of one message.
        bytes: Vec<u8>,
    },
    /// From the RTP socket.
    Rtp {
        /// To where.
        to: SocketAddr,
        /// The bytes of one packet.
        bytes: Vec<u8>,
    },
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Time since the phone was made.
    pub at: Duration,
    /// What happened, for a reader.
    pub text: String,
}

/// Everything a phone did and heard.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What happened when.
    pub timeline: Vec<TimelineEntry>,
    /// Every event of the line with its time since the phone was made.
    pub events: Vec<(Duration, Event)>,
    /// What was heard since the call's media began: mono PCM at 8 kHz, gaps as silence.
    pub heard: Vec<i16>,
    /// Every RTP packet received since the call's media began.
    pub stream: Stream,
    /// Digits received by RFC 4733.
    pub digits: String,
    /// RTP packets received and sent.
    pub packets: (u64, u64),
    /// The longest time between sounds (above −45 dBFS) since the call's media began, up to the last packet.
    pub longest_silence: Duration,
    /// Why the script failed, if it did.
    pub failure: Option<String>,
    /// Whether there is a call now: being set up, up, or ending.
    pub in_call: bool,
    /// Whether the phone is registered now.
    pub registered: bool,
}

/// The call as the script sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum View {
    NoCall,
    Calling { ringing: bool },
    Incoming,
    Up,
    /// It was answered and is over.
    Over { by_peer: bool },
    /// It ended before any answer.
    NotAnswered { status: u16 },
}

/// A step under way, with what was true when it began.
#[derive(Debug)]
struct Running {
    step: Step,
    since: Instant,
    sound: Duration,
    tones: usize,
}

/// What has become of a step.
enum Progress {
    Waiting,
    Done,
    Failed(String),
}

/// A silence this long after sound ends a stretch of sound in the timeline.
const HANG: Duration = Duration::from_millis(400);
/// What [`Step::WaitPrompt`] takes for the end of a short prompt.
const PROMPT_END: Duration = Duration::from_secs(1);

/// A scripted phone.
#[derive(Debug)]
pub struct Phone {
    line: Line,
    ear: Ear,
    born: Instant,
    steps: VecDeque<Step>,
    running: Option<Running>,
    finished: u64,
    failure: Option<String>,
    /// Why the SIP connection is gone, if it is.
    closed: Option<String>,
    view: View,
    registration: Option<Result<u32, u16>>,
    options: Option<u16>,
    reinvited: Option<u16>,
    /// What a REFER of the far end was answered.
    referred: Option<u16>,
    sounding: bool,
    tones_told: usize,
    digits_told: usize,
    timeline: Vec<TimelineEntry>,
    events: Vec<(Duration, Event)>,
}

impl Phone {
    /// A phone that will follow `steps`.
    #[must_use]
    pub fn new(setup: Setup, steps: Vec<Step>, now: Instant) -> Self {
        let ear = Ear::new(setup.seed ^ 0x5eed);
        let mut phone = Self {
            line: Line::new(setup),
            ear,
            born: now,
            steps: steps.into(),
            running: None,
            finished: 0,
            failure: None,
            closed: None,
            view: View::NoCall,
            registration: None,
            options: None,
            reinvited: None,
            referred: None,
            sounding: false,
            tones_told: 0,
            digits_told: 0,
            timeline: Vec::new(),
            events: Vec::new(),
        };
        phone.advance(now);
        phone
    }

    /// Another step, after those there are.
    pub fn push(&mut self, step: Step, now: Instant) {
        self.steps.push_back(step);
        self.advance(now);
    }

    /// Something arrived.
    pub fn handle(&mut self, arrival: Arrival<'_>, now: Instant) {
        match arrival {
            Arrival::Sip { from, bytes } => self.line.handle(Input::Datagram { from, bytes }, now),
            Arrival::Rtp { from, bytes } => self.ear.handle(from, bytes, now),
            Arrival::Closed { why } => {
                self.note(why.to_owned(), now);
                self.closed = Some(why.to_owned());
            }
        }
        self.advance(now);
    }

    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.line.handle(Input::Timeout, now);
        self.ear.handle_timeout(now);
        self.advance(now);
    }

    /// When to come back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let step = self.running.as_ref().and_then(|r| self.wake(r));
        let quiet = self.sounding.then(|| self.ear.last_sound().map(|at| at + HANG)).flatten();
        [self.line.poll_timeout(), self.ear.poll_timeout(), step, quiet].into_iter().flatten().min()
    }

    /// What to send next; drain to `None` after each call of the above.
    pub fn poll_output(&mut self) -> Option<Transmit> {
        if let Some((to, bytes)) = self.ear.poll_output() {
            return Some(Transmit::Rtp { to, bytes });
        }
        match self.line.poll_output()? {
            Output::Send { to, bytes } => Some(Transmit::Sip { to, bytes }),
            // `advance` has taken all events; one that came later waits for the next input.
            Output::Event(_) => None,
        }
    }

    /// Whether all steps are done or one has failed (the phone still answers what comes).
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.failure.is_some() || (self.running.is_none() && self.steps.is_empty())
    }

    /// Steps done so far.
    #[must_use]
    pub const fn steps_done(&self) -> u64 {
        self.finished
    }

    /// Why the script failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Forget a failure and whatever was still to be done, the step under way included; go on with steps pushed later.
    pub fn forgive(&mut self) {
        self.failure = None;
        self.running = None;
        self.steps.clear();
    }

    /// The timeline from its `from`th line on.
    #[must_use]
    pub fn timeline_since(&self, from: usize) -> &[TimelineEntry] {
        self.timeline.get(from..).unwrap_or(&[])
    }

    /// Why the last call was not answered: its final status.
    #[must_use]
    pub const fn refused_with(&self) -> Option<u16> {
        match self.view {
            View::NotAnswered { status } => Some(status),
            View::NoCall | View::Calling { .. } | View::Incoming | View::Up | View::Over { .. } => None,
        }
    }

    /// All that happened until now.
    #[must_use]
    pub fn snapshot(&self) -> Report {
        Report {
            timeline: self.timeline.clone(),
            events: self.events.clone(),
            heard: self.ear.heard().to_vec(),
            stream: self.ear.stream().clone(),
            digits: self.ear.digits().to_owned(),
            packets: self.ear.packets(),
            longest_silence: self.ear.longest_silence(),
            failure: self.failure.clone(),
            in_call: self.line.is_busy(),
            registered: matches!(self.registration, Some(Ok(granted)) if granted > 0),
        }
    }

    // ---- events ----

    fn note(&mut self, text: String, now: Instant) {
        if self.timeline.len() < TIMELINE_MAX {
            self.timeline.push(TimelineEntry { at: now.saturating_duration_since(self.born), text });
        }
    }

    /// Takes the line's events out of its outputs; what is to be sent stays in order.
    fn listen(&mut self, now: Instant) {
        let mut sends = Vec::new();
        while let Some(output) = self.line.poll_output() {
            match output {
                Output::Event(event) => self.happened(event, now),
                Output::Send { .. } => sends.push(output),
            }
        }
        self.line.put_back(sends);
    }

    fn happened(&mut self, event: Event, now: Instant) {
        let text = match &event {
            Event::Registered { expires } => {
                let first = !matches!(self.registration, Some(Ok(granted)) if granted > 0) || *expires == 0;
                self.registration = Some(Ok(*expires));
                first.then(|| if *expires == 0 { "no longer registered".to_owned() } else { format!("registered for {expires} s") })
            }
            Event::RegisterFailed { status } => {
                self.registration = Some(Err(*status));
                Some(format!("registration failed: {status}"))
            }
            Event::OptionsAnswered { status } => {
                self.options = Some(*status);
                Some(format!("OPTIONS answered: {status}"))
            }
            Event::Progress { status } => {
                if let View::Calling { ringing } = &mut self.view {
                    *ringing |= *status > 100;
                }
                Some(match status {
                    100 => "100 trying".to_owned(),
                    180 => "180 ringing".to_owned(),
                    183 => "183 session progress".to_owned(),
                    other => other.to_string(),
                })
            }
            Event::Incoming { from, .. } => {
                self.ear.clear();
                self.forget_sound();
                self.view = View::Incoming;
                Some(format!("incoming call from {from}"))
            }
            Event::Answered => {
                self.view = View::Up;
                Some("answered".to_owned())
            }
            Event::Refused { status, reason } => {
                self.view = View::NotAnswered { status: *status };
                Some(format!("not answered: {status} {}", reason.as_deref().unwrap_or("")).trim_end().to_owned())
            }
            Event::Abandoned { reason } => {
                self.view = View::NotAnswered { status: 487 };
                Some(format!("the caller gave up {}", reason.as_deref().unwrap_or("")).trim_end().to_owned())
            }
            Event::Media { hearing, route } => {
                self.ear.set_route(*route, now);
                route.map(|r| {
                    let early = if *hearing == Hearing::Early { "early media" } else { "media" };
                    let held = if r.sends { "" } else { ", may not send" };
                    format!("{early} {} with {}{held}", r.codec, r.remote)
                })
            }
            Event::Reinvited { status } => {
                self.reinvited = Some(*status);
                Some(format!("re-INVITE answered: {status}"))
            }
            Event::ReinvitedByPeer { held } => Some(if *held { "held by the far end" } else { "re-INVITE by the far end" }.to_owned()),
            Event::HungUp { by_peer, reason } => {
                self.view = match self.view {
                    View::Incoming if !by_peer => View::NotAnswered { status: 603 },
                    View::NoCall | View::Calling { .. } | View::Incoming | View::Up | View::Over { .. } | View::NotAnswered { .. } => {
                        View::Over { by_peer: *by_peer }
                    }
                };
                let who = if *by_peer { "the far end hung up" } else { "hung up" };
                Some(format!("{who} {}", reason.as_deref().unwrap_or("")).trim_end().to_owned())
            }
            Event::Referred { to, status } => {
                self.referred = Some(*status);
                Some(format!("asked to call {to}: {status}"))
            }
            Event::InfoDigit(digit) => Some(format!("digit {digit} by INFO")),
            Event::Unreadable(why) => Some(format!("unreadable: {why}")),
        };
        if let Some(text) = text {
            self.note(text, now);
        }
        if self.events.len() < TIMELINE_MAX {
            self.events.push((now.saturating_duration_since(self.born), event));
        }
    }

    fn forget_sound(&mut self) {
        self.sounding = false;
        self.tones_told = 0;
        self.digits_told = 0;
    }

    /// What is heard, for the timeline.
    fn notice_sound(&mut self, now: Instant) {
        let recent = self.ear.last_sound().is_some_and(|at| now.saturating_duration_since(at) < HANG);
        if recent != self.sounding {
            self.sounding = recent;
            self.note(if recent { "hears sound" } else { "hears silence" }.to_owned(), now);
        }
        while let Some(tone) = self.ear.tones().get(self.tones_told).copied() {
            self.tones_told += 1;
            self.note(format!("hears a tone of {:.0} Hz", tone.hz), now);
        }
        if self.ear.digits().len() > self.digits_told {
            let new = self.ear.digits().get(self.digits_told..).unwrap_or("").to_owned();
            self.digits_told = self.ear.digits().len();
            self.note(format!("received digit {new}"), now);
        }
    }

    // ---- steps ----

    fn advance(&mut self, now: Instant) {
        self.listen(now);
        self.notice_sound(now);
        // Whether the connection went before a step was asked for or while it waits: it cannot come true any more.
        if let Some(why) = self.closed.clone().filter(|_| !self.is_done()) {
            self.running = None;
            self.fail(why, now);
        }
        while self.failure.is_none() {
            let Some(running) = self.running.take() else {
                let Some(step) = self.steps.pop_front() else { break };
                self.begin(step, now);
                continue;
            };
            match self.progress(&running, now) {
                Progress::Waiting => {
                    self.running = Some(running);
                    break;
                }
                Progress::Done => self.finished += 1,
                Progress::Failed(why) => self.fail(why, now),
            }
        }
    }

    fn fail(&mut self, why: String, now: Instant) {
        self.note(format!("FAILED: {why}"), now);
        self.failure = Some(why);
        self.steps.clear();
    }

    fn command(&mut self, command: &Command, now: Instant) {
        self.line.handle(Input::Command(command), now);
        self.listen(now);
    }

    fn begin(&mut self, step: Step, now: Instant) {
        match &step {
            Step::Register { expires } => {
                self.registration = None;
                self.command(&Command::Register { expires: *expires }, now);
            }
            Step::Unregister => {
                self.registration = None;
                self.command(&Command::Register { expires: 0 }, now);
            }
            Step::Options => {
                self.options = None;
                self.command(&Command::Options, now);
            }
            Step::Dial(target) | Step::DialWithoutOffer(target) if self.line.is_busy() => {
                // The call there is goes on, and what is seen of it stays true.
                self.fail(format!("cannot call {target}: this line has a call already"), now);
                return;
            }
            Step::Dial(target) | Step::DialWithoutOffer(target) => {
                self.note(format!("calls {target}"), now);
                self.ear.clear();
                self.forget_sound();
                self.view = View::Calling { ringing: false };
                let offer = matches!(step, Step::Dial(_));
                self.command(&Command::Dial { target: target.clone(), offer }, now);
            }
            Step::Behave(manners) => self.command(&Command::Behave(*manners), now),
            Step::Notify(status) => {
                self.note(format!("tells of the new call: {status}"), now);
                self.command(&Command::Notify { status: *status }, now);
            }
            Step::Cancel | Step::HangUp => self.command(&Command::HangUp, now),
            Step::Press(digits) => {
                self.note(format!("presses {digits}"), now);
                self.ear.press(digits);
            }
            Step::PressByInfo(key) | Step::PressByPlainInfo(key) => {
                if let Ok(digit) = Digit::try_from(*key) {
                    let body = if matches!(step, Step::PressByInfo(_)) { InfoBody::Relay } else { InfoBody::Plain };
                    self.command(&Command::Info(digit, body), now);
                }
            }
            Step::Speak(sound) => {
                self.note(format!("speaks for {} ms", sound.length().as_millis()), now);
                self.ear.speak(sound.clone(), false);
            }
            Step::SpeakOn(sound) => self.ear.speak(sound.clone(), true),
            Step::Hush => self.ear.hush(),
            Step::Hold | Step::Resume => {
                self.reinvited = None;
                self.command(&Command::Hold(matches!(step, Step::Hold)), now);
            }
            Step::WaitIncoming { .. } => {
                // A call that came and went before this step does not count; one that is ringing or up does.
                if matches!(self.view, View::Over { .. } | View::NotAnswered { .. }) {
                    self.view = View::NoCall;
                }
            }
            Step::WaitAnswered { .. }
            | Step::WaitRefused { .. }
            | Step::WaitRinging { .. }
            | Step::Wait(_)
            | Step::WaitSpeech { .. }
            | Step::WaitPrompt { .. }
            | Step::WaitSilence { .. }
            | Step::WaitTone { .. }
            | Step::WaitCue { .. }
            | Step::WaitDigits { .. }
            | Step::Stay { .. }
            | Step::WaitReferred { .. }
            | Step::WaitHangUp { .. } => {}
        }
        self.running = Some(Running { step, since: now, sound: self.ear.sound(), tones: self.ear.tones().len() });
    }

    /// The longest a step may take, and whether passing it is a failure.
    fn limit(step: &Step) -> Option<Duration> {
        match step {
            Step::Register { .. } | Step::Unregister | Step::Options => Some(REGISTER_WITHIN),
            Step::WaitAnswered { within }
            | Step::WaitRefused { within, .. }
            | Step::WaitRinging { within }
            | Step::WaitIncoming { within }
            | Step::WaitSpeech { within, .. }
            | Step::WaitPrompt { within, .. }
            | Step::WaitSilence { within, .. }
            | Step::WaitTone { within, .. }
            | Step::WaitCue { within, .. }
            | Step::WaitDigits { within, .. }
            | Step::WaitReferred { within }
            | Step::WaitHangUp { within } => Some(*within),
            Step::Cancel | Step::HangUp => Some(END_WITHIN),
            Step::Hold | Step::Resume => Some(REINVITE_WITHIN),
            Step::Wait(span) | Step::Stay { at_most: span } => Some(*span),
            Step::Dial(_)
            | Step::DialWithoutOffer(_)
            | Step::Behave(_)
            | Step::Notify(_)
            | Step::Press(_)
            | Step::PressByInfo(_)
            | Step::PressByPlainInfo(_)
            | Step::Speak(_)
            | Step::SpeakOn(_)
            | Step::Hush => None,
        }
    }

    /// When a waiting step should be looked at again without any input.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these wait for silence")]
    fn wake(&self, running: &Running) -> Option<Instant> {
        let limit = Self::limit(&running.step).map(|span| running.since + span);
        let silence = match &running.step {
            Step::WaitSilence { lasting, .. } | Step::WaitCue { silence: lasting, .. } => Some(self.quiet_since(running) + *lasting),
            Step::WaitPrompt { .. } => Some(self.quiet_since(running) + PROMPT_END),
            _ => None,
        };
        match (limit, silence) {
            // A silence that is already long enough but does not count (nothing heard yet) must not spin.
            (Some(limit), Some(silence)) if silence > running.since => Some(limit.min(silence.max(running.since + crate::limits::TICK))),
            (limit, _) => limit,
        }
    }

    fn quiet_since(&self, running: &Running) -> Instant {
        self.ear.last_sound().map_or(running.since, |at| at.max(running.since))
    }

    fn progress(&self, running: &Running, now: Instant) -> Progress {
        let over = Self::limit(&running.step).is_some_and(|span| now >= running.since + span);
        let verdict = self.judge(running, now);
        match (verdict, over) {
            (Progress::Waiting, true) if matches!(running.step, Step::Wait(_) | Step::Stay { .. }) => Progress::Done,
            (Progress::Waiting, true) => Progress::Failed(format!("{} did not come true in time", running.step.name())),
            (verdict, _) => verdict,
        }
    }

    fn judge(&self, running: &Running, now: Instant) -> Progress {
        let when = |done: bool| if done { Progress::Done } else { Progress::Waiting };
        let heard = self.ear.sound().saturating_sub(running.sound);
        let quiet = now.saturating_duration_since(self.quiet_since(running));
        match &running.step {
            Step::Register { .. } => match self.registration {
                None => Progress::Waiting,
                Some(Ok(_)) => Progress::Done,
                Some(Err(status)) => Progress::Failed(format!("registration answered {status}")),
            },
            Step::Unregister => when(self.registration.is_some()),
            Step::Options => when(self.options.is_some()),
            Step::WaitAnswered { .. } => match &self.view {
                View::Up | View::Over { .. } => Progress::Done,
                View::NotAnswered { status } => Progress::Failed(format!("not answered: {status}")),
                View::NoCall | View::Calling { .. } | View::Incoming => Progress::Waiting,
            },
            Step::WaitRefused { status, .. } => match &self.view {
                View::NotAnswered { status: got } if *status == 0 || got == status => Progress::Done,
                View::NotAnswered { status: got } => Progress::Failed(format!("refused with {got}, not {status}")),
                View::Up | View::Over { .. } => Progress::Failed("answered".to_owned()),
                View::NoCall | View::Calling { .. } | View::Incoming => Progress::Waiting,
            },
            Step::WaitRinging { .. } => match &self.view {
                View::Calling { ringing } => when(*ringing),
                View::Up | View::Over { .. } => Progress::Done,
                View::NotAnswered { status } => Progress::Failed(format!("not answered: {status}")),
                View::NoCall | View::Incoming => Progress::Waiting,
            },
            Step::WaitIncoming { .. } => when(matches!(self.view, View::Incoming | View::Up)),
            Step::WaitSpeech { heard: enough, .. } => self.unless_over(heard >= *enough),
            Step::WaitPrompt { heard: enough, .. } => self.unless_over(heard >= *enough || (!heard.is_zero() && quiet >= PROMPT_END)),
            Step::WaitSilence { lasting, .. } => self.unless_over(quiet >= *lasting),
            Step::WaitTone { hz, .. } => {
                let new = self.ear.tones().iter().filter(|t| t.at > running.since).map(|t| t.hz);
                let mut all = new.chain(self.ear.current_tone());
                self.unless_over(all.any(|t| hz.is_none_or(|hz| (t / hz - 1.0).abs() < 0.03)))
            }
            Step::WaitCue { silence, .. } => {
                let beep = self.ear.tones().len() > running.tones;
                // The tone must be over before one speaks.
                self.unless_over((beep && quiet >= Duration::from_millis(60)) || (!heard.is_zero() && quiet >= *silence))
            }
            Step::WaitDigits { digits, .. } => self.unless_over(self.ear.digits().contains(digits.as_str())),
            Step::Press(_) if !self.ear.can_press() && self.ear.is_pressing() => Progress::Failed("the far end takes no RFC 4733 digits".to_owned()),
            Step::Press(_) => match self.unless_over(!self.ear.is_pressing()) {
                Progress::Failed(why) if self.ear.is_pressing() => Progress::Failed(why),
                Progress::Failed(_) | Progress::Done => Progress::Done,
                Progress::Waiting => Progress::Waiting,
            },
            Step::Speak(_) => when(!self.ear.is_speaking() || !matches!(self.view, View::Up | View::Calling { .. })),
            Step::Hold | Step::Resume => match self.reinvited {
                None => self.unless_over(false),
                Some(status) if status < 300 => Progress::Done,
                Some(status) => Progress::Failed(format!("re-INVITE answered {status}")),
            },
            Step::Cancel | Step::HangUp => when(!self.line.is_busy()),
            Step::Stay { .. } => when(!self.line.is_busy()),
            Step::WaitReferred { .. } => self.unless_over(self.referred.is_some()),
            Step::WaitHangUp { .. } => match &self.view {
                View::Over { .. } => Progress::Done,
                View::NotAnswered { status } => Progress::Failed(format!("not answered: {status}")),
                View::NoCall | View::Calling { .. } | View::Incoming | View::Up => Progress::Waiting,
            },
            Step::Wait(_) => Progress::Waiting,
            Step::Dial(_)
            | Step::DialWithoutOffer(_)
            | Step::Behave(_)
            | Step::Notify(_)
            | Step::PressByInfo(_)
            | Step::PressByPlainInfo(_)
            | Step::SpeakOn(_)
            | Step::Hush => Progress::Done,
        }
    }

    /// Done when true; failed when the call has ended meanwhile.
    fn unless_over(&self, done: bool) -> Progress {
        match (&self.view, done) {
            (_, true) => Progress::Done,
            (View::Over { by_peer: true }, false) => Progress::Failed("the far end hung up".to_owned()),
            (View::Over { by_peer: false }, false) => Progress::Failed("the call is over".to_owned()),
            (View::NotAnswered { status }, false) => Progress::Failed(format!("not answered: {status}")),
            (View::NoCall | View::Calling { .. } | View::Incoming | View::Up, false) => Progress::Waiting,
        }
    }
}
