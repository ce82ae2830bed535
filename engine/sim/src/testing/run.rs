//! One test: its call is made, its steps are done, what it expects is compared with what happened.

use super::{
    case::{Act, Case, Claim, Ear, Hear, Step, TestFile},
    claims::{self, Mismatch},
    coverage::Covered,
    house::House,
    mocks::MockWorld,
};
use crate::offline::{Heard, HeardEnd, Offline, Sound, StoryLine, Voices};
use notation::Span;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use terms::spell_span;

/// How long an expectation in a script may take to become true: people do not look at clocks.
const SOON: Duration = Duration::from_secs(2);
/// How long the caller stays on the line, silent, when the script is done.
const STAYS: Duration = Duration::from_secs(120);
/// How long the rest of a call may take when the caller is gone: the longest farewell of a leg, then a recogniser.
const SETTLES: Duration = Duration::from_secs(40);
/// How long a prompt may go on after a key that stops it.
const STOPS_WITHIN: Duration = Duration::from_millis(100);
/// How long somebody who wants to speak listens to what others say.
const LISTENS: Duration = Duration::from_secs(60);
/// The pause after which it is one's turn: longer than that between greeting and beep.
const TURN: Duration = Duration::from_millis(100);
/// Names told when one is unknown.
const KNOWN_TOLD: usize = 20;
/// Sounds told when something was not heard.
const TOLD: usize = 4;

/// How a test went.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The test file's path.
    pub path: Arc<str>,
    /// The test's name.
    pub name: String,
    /// Where it is.
    pub span: Span,
    /// How long the call took, in its own time.
    pub call_length: Duration,
    /// Why it failed; `None`: it passed.
    pub failure: Option<Failure>,
    /// What of its flows it reached.
    pub covered: Covered,
    /// The whole call as one number.
    pub fingerprint: u64,
}

/// Why a test failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The step or expectation.
    pub span: Span,
    /// One sentence.
    pub title: String,
    /// What was expected, in one line.
    pub expected: String,
    /// What there was instead, in one line.
    pub got: String,
    /// The first character (from 0) of `got` that differs.
    pub caret: Option<usize>,
    /// Everything that happened.
    pub timeline: Vec<StoryLine>,
}

impl Failure {
    fn new(span: Span, title: impl Into<String>, mismatch: Mismatch) -> Self {
        let Mismatch { expected, got, caret } = mismatch;
        Self { span, title: title.into(), expected, got, caret, timeline: Vec::new() }
    }
}

/// Makes the call of a test. Runs Rhai flows on this thread: give it [`flow::limits::SCRIPT_STACK`] bytes of stack.
#[must_use]
pub fn run(file: &TestFile, case: &Case, flows: &flow::FlowSet, house: &House, voices: &Voices) -> Verdict {
    let seed = seed_of(&case.name);
    let mut options = house.options(&file.flow, &case.begin, seed, voices);
    options.weather = case.mocks.weather;
    let patience = case.mocks.weather.map_or(Duration::ZERO, |weather| weather.delay + weather.jitter * 2);
    let mut verdict = Verdict {
        path: file.source.path.clone(),
        name: case.name.clone(),
        span: case.span,
        call_length: Duration::ZERO,
        failure: unready(file, case, flows, house),
        covered: Covered::default(),
        fingerprint: 0,
    };
    if verdict.failure.is_some() {
        return verdict;
    }
    let (world, unanswered) = MockWorld::new(case.mocks.clone());
    let mut play = Playing { call: Offline::new(flows, options, Box::new(world)), ear: EarMark::default(), unanswered, patience };
    let failure = play.script(&case.script).or_else(|| play.end(case));
    let call = &play.call;
    verdict.failure = failure.map(|failure| Failure { timeline: call.timeline(), ..failure });
    verdict.call_length = call.elapsed();
    verdict.fingerprint = call.fingerprint();
    verdict.covered = Covered::of(call);
    verdict
}

/// The call of a test at its beginning, for somebody who plays it by hand; what the test's script does is left out.
#[must_use]
pub fn staged(file: &TestFile, case: &Case, flows: &flow::FlowSet, house: &House, voices: &Voices) -> Offline {
    let mut options = house.options(&file.flow, &case.begin, seed_of(&case.name), voices);
    options.weather = case.mocks.weather;
    Offline::new(flows, options, Box::new(MockWorld::new(case.mocks.clone()).0))
}

/// What keeps a call from being made at all.
fn unready(file: &TestFile, case: &Case, flows: &flow::FlowSet, house: &House) -> Option<Failure> {
    let unknown = |span: Span, what: &str, name: &str, known: &[&str]| {
        let near = notation::nearest(name, known.iter().copied());
        let some = known.iter().take(KNOWN_TOLD).copied().collect::<Vec<_>>().join(", ");
        let got = near.map_or_else(|| format!("there are {some}"), |near| format!("did you mean {near}?"));
        Failure::new(span, format!("there is no {what} {name}"), Mismatch { expected: format!("a {what} that exists"), got, caret: None })
    };
    if !flows.has(&file.flow) {
        return Some(unknown(file.flow_span, "flow", &file.flow, &flows.names()));
    }
    if let (Some((name, span)), Some(known)) = (&case.begin.connection, house.connections())
        && !known.contains(&name.as_str())
    {
        return Some(unknown(*span, "connection", name, &known));
    }
    if let Some((name, span)) = &case.begin.mailbox
        && name != "none"
        && !house.mailboxes().contains(&name.as_str())
    {
        return Some(unknown(*span, "mailbox", name, &house.mailboxes()));
    }
    let wrong = flows.check_settings(&file.flow, &case.begin.settings).err()?;
    let (setting, message) = wrong.into_iter().next()?;
    let span = case.begin.settings_spans.iter().find(|(name, _)| *name == setting).map_or(case.span, |(_, span)| *span);
    Some(Failure::new(span, format!("setting {setting} cannot be as the test wants"), Mismatch { expected: "a setting of the flow".to_owned(), got: message, caret: None }))
}

/// A test's chance: of its name, so that tests do not change each other.
pub(crate) fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |print, byte| (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Up to where the script has heard.
#[derive(Debug, Default)]
struct EarMark {
    /// Sounds before this one were heard by earlier steps.
    next: usize,
    /// The sound found last; while it still sounds the next step may hear it too.
    last: Option<usize>,
}

/// A test while it runs.
struct Playing {
    call: Offline,
    ear: EarMark,
    unanswered: Arc<Mutex<Vec<String>>>,
    /// What the network may add to everything.
    patience: Duration,
}

impl Playing {
    fn script(&mut self, steps: &[Step]) -> Option<Failure> {
        for step in steps {
            let failure = match &step.act {
                Act::Hear(hear) => self.hear(hear, step.span),
                Act::Press { keys, interrupts } => self.press(keys, *interrupts, step.span),
                Act::Speak { span, words, over } => self.speak((*span, words.as_deref()), *over, step.span),
                Act::Silence(span) => {
                    self.call.silence(*span);
                    None
                }
                Act::Wait(span) => {
                    self.call.wait(*span);
                    None
                }
                Act::HangUp => {
                    self.call.hang_up();
                    None
                }
                Act::Expect(claims) => self.expect(claims, SOON),
            };
            if let Some(failure) = failure.or_else(|| self.unanswered_request(step.span)) {
                return Some(failure);
            }
        }
        None
    }

    /// The caller stays until the call is over, then hangs up; then what the test expects is looked at.
    fn end(&mut self, case: &Case) -> Option<Failure> {
        self.call.wait_until(STAYS, Offline::is_over);
        self.call.hang_up();
        self.call.wait_until(SETTLES, |call| call.record().is_some());
        self.call.wait(SOON);
        self.unanswered_request(case.span).or_else(|| self.expect(&case.expect, Duration::ZERO))
    }

    fn unanswered_request(&self, span: Span) -> Option<Failure> {
        let request = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()?;
        let mismatch = Mismatch { expected: "a web server in `mock: http` for every request".to_owned(), got: request.clone(), caret: None };
        Some(Failure::new(span, format!("no web server of this test answers {request}"), mismatch))
    }

    fn hear(&mut self, hear: &Hear, span: Span) -> Option<Failure> {
        if let Some(last) = self.ear.last {
            let sounds = self.call.heard_so_far().get(last).is_some_and(|heard| heard.end == HeardEnd::Sounding);
            self.ear.next = if sounds { last } else { last + 1 };
        }
        let from = self.ear.next;
        let fits = |call: &Offline| {
            let wanted = hear.what.as_ref()?;
            let found = call.heard_so_far().iter().skip(from).position(|heard| is_it(wanted, heard) && (!hear.whole || heard.end == HeardEnd::Whole));
            found.map(|at| from + at)
        };
        let too_silent = |call: &Offline| hear.never_silent_for.is_some_and(|limit| call.silent_for().length >= limit);
        self.call.wait_until(hear.within + self.patience, |call| call.is_over() || fits(call).is_some() || too_silent(call));
        if let Some(limit) = hear.never_silent_for {
            let silence = self.call.silent_for();
            if silence.length >= limit {
                return Some(Failure::new(span, "it was silent for too long", claims::too_silent(limit, silence)));
            }
        }
        match (fits(&self.call), &hear.what) {
            (_, None) => None,
            (Some(at), Some(_)) => {
                self.ear.last = Some(at);
                None
            }
            (None, Some(wanted)) => Some(self.not_heard(wanted, hear, from, span)),
        }
    }

    fn not_heard(&self, wanted: &Ear, hear: &Hear, from: usize, span: Span) -> Failure {
        let heard = self.call.heard_so_far();
        let fresh = heard.get(from..).unwrap_or_default();
        let title = if self.call.is_over() {
            "the call was over before this was heard".to_owned()
        } else {
            format!("this was not heard within {}", spell_span(hear.within))
        };
        let expected = told(wanted);
        let part = match wanted {
            Ear::Any(wanted) | Ear::Say(wanted) | Ear::Play(wanted) | Ear::From(wanted) => wanted.as_part(),
            Ear::Tone(_) => None,
        };
        // What comes nearest is shown, with the first letter that differs; else the last few sounds.
        let near = part.and_then(|part| {
            let all = fresh.iter().map(|heard| heard.sound.name());
            all.filter_map(|text| claims::nearest_part(part, text).map(|(length, at)| (length, at, text))).max_by_key(|(length, ..)| *length)
        });
        let (got, caret) = match near {
            Some((_, at, text)) => (text.to_owned(), Some(at)),
            None if fresh.is_empty() => ("nothing".to_owned(), None),
            None => {
                let skip = fresh.len().saturating_sub(TOLD);
                (fresh.iter().skip(skip).map(|heard| heard.sound.to_string()).collect::<Vec<_>>().join(", "), None)
            }
        };
        Failure::new(span, title, Mismatch { expected, got, caret })
    }

    fn press(&mut self, keys: &str, interrupts: Option<bool>, span: Span) -> Option<Failure> {
        if let Some(failure) = self.over(span, "pressed") {
            return Some(failure);
        }
        let sounding = self.call.sounding().is_some().then(|| self.call.heard_so_far().len() - 1);
        let yields = keys.chars().next().is_some_and(|key| self.call.yields_to(key));
        self.call.press(keys);
        let at = sounding?;
        let goes_on = |call: &Offline| call.heard_so_far().get(at).is_some_and(|heard| heard.end == HeardEnd::Sounding);
        match interrupts {
            Some(false) => {
                let stopped = self.call.heard_so_far().get(at).filter(|heard| heard.end == HeardEnd::Stopped)?;
                let mismatch = Mismatch { expected: "what is heard goes on".to_owned(), got: format!("{} stopped", stopped.sound), caret: None };
                Some(Failure::new(span, "the key stopped what was heard", mismatch))
            }
            Some(true) | None if interrupts == Some(true) || yields => {
                if self.call.wait_until(STOPS_WITHIN + self.patience, |call| !goes_on(call)) {
                    return None;
                }
                let heard = self.call.heard_so_far().get(at)?;
                let mismatch = Mismatch { expected: "what is heard stops".to_owned(), got: format!("{} goes on", heard.sound), caret: None };
                Some(Failure::new(span, "the key did not stop what was heard", mismatch))
            }
            Some(true) | None => None,
        }
    }

    /// People let others finish, and wait for the beep.
    fn speak(&mut self, (length, words): (Option<Duration>, Option<&str>), over: bool, span: Span) -> Option<Failure> {
        if !over {
            self.call.wait_until(LISTENS, |call| call.is_over() || is_quiet(call));
        }
        if let Some(failure) = self.over(span, "said") {
            return Some(failure);
        }
        match (length, words) {
            (Some(length), Some(words)) => self.call.say_for(words, length),
            (Some(length), None) => self.call.speak(length),
            (None, words) => self.call.say(words.unwrap_or_default()),
        }
        None
    }

    fn over(&self, span: Span, what: &str) -> Option<Failure> {
        if !self.call.is_over() {
            return None;
        }
        let got = self.call.ended_by().unwrap_or("the caller was hung up on").to_owned();
        let mismatch = Mismatch { expected: "the call goes on".to_owned(), got, caret: None };
        Some(Failure::new(span, format!("the call was over before this was {what}"), mismatch))
    }

    fn expect(&mut self, claims: &[Claim], within: Duration) -> Option<Failure> {
        let holds = |call: &Offline| claims.iter().all(|claim| claims::check(&claim.what, call).is_ok());
        if self.call.wait_until(within + self.patience, holds) {
            return None;
        }
        let (claim, (title, mismatch)) = claims.iter().find_map(|claim| Some((claim, claims::check(&claim.what, &self.call).err()?)))?;
        Some(Failure::new(claim.span, title, mismatch))
    }
}

/// Whether nobody speaks and no beep is to be waited for. A ringing tone and the like stop nobody.
fn is_quiet(call: &Offline) -> bool {
    call.heard_so_far().last().is_none_or(|heard| match heard.sound {
        Sound::Tone(name) if name != "beep" => true,
        Sound::Text(_) | Sound::File(_) | Sound::Url(_) | Sound::Tone(_) | Sound::Voice(_) | Sound::Silence => call.elapsed() >= heard.until + TURN,
    })
}

fn is_it(wanted: &Ear, heard: &Heard) -> bool {
    match (wanted, &heard.sound) {
        (Ear::Any(wanted), sound) => wanted.is_in(sound.name()) || wanted.is_in(&sound.to_string()),
        (Ear::Say(wanted), Sound::Text(text)) => wanted.is_in(text),
        (Ear::Play(wanted), Sound::File(name) | Sound::Url(name)) => wanted.is_in(name),
        (Ear::Tone(wanted), Sound::Tone(name)) => wanted == name,
        (Ear::From(wanted), Sound::Voice(who)) => wanted.is_in(who),
        (Ear::Say(_) | Ear::Play(_) | Ear::Tone(_) | Ear::From(_), _) => false,
    }
}

fn told(wanted: &Ear) -> String {
    match wanted {
        Ear::Any(wanted) | Ear::Say(wanted) | Ear::Play(wanted) => wanted.as_part().map_or_else(|| wanted.to_string(), str::to_owned),
        Ear::Tone(name) => format!("the {name} tone"),
        Ear::From(who) => format!("{who} speaking"),
    }
}

impl Covered {
    /// What a call reached.
    pub(crate) fn of(call: &Offline) -> Self {
        let mut covered = Self::default();
        for entry in call.journal() {
            let (flow, state) = (entry.place.flow.clone(), entry.place.state.clone());
            covered.states.insert((flow.clone(), state.clone()));
            covered.outcomes.extend(entry.outcome.clone().map(|outcome| (flow.clone(), state.clone(), outcome)));
            covered.arms.extend(entry.arm.map(|arm| (flow, state, arm)));
        }
        covered
    }
}
