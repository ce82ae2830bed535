//! Random callers: they press, wait, speak and hang up in a world that answers at random. No call may fall silent, fail, or get stuck.
//!
//! The same seed gives the same callers, on however many threads: each caller has a seed of its own.

use super::{
    case::{Act, Begin, Case, Claim, Expected, Step, TestFile},
    coverage::Covered,
    house::House,
    mocks::{FULL, HttpMock, Mocks},
    paste::paste,
    run::{Verdict, run, seed_of},
    shrink::shrink,
};
use crate::{
    Dice,
    offline::{Answering, Manner, Offline, Outside, Voices, Web},
};
use call::HttpReply;
use notation::{Source, Span};
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use terms::{Name, UnixMs};

/// The longest silence a caller must bear while the flow does not even wait for a key: the engine's own guarantee of 5 s, and a second.
pub const SILENCE_MAX: Duration = Duration::from_secs(6);
/// A silent caller who is offered nothing is stuck after this.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(600);
/// How long a call may take to end when the caller has hung up.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// Steps of one caller at most.
const STEPS_MAX: u64 = 8;
/// Findings of one range of callers that are shrunk; more of a kind tell nothing new.
const FINDINGS_MAX: usize = 3;
/// When calls of random callers begin if not at the usual time: a Sunday night, when everybody is closed. 2026-11-01T03:00:00 UTC.
const AT_NIGHT: UnixMs = UnixMs(1_793_502_000_000);
/// All keys.
const KEYS: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'];

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Callers to be.
#[derive(Clone, Debug)]
pub struct Fuzz {
    /// Decides who they are.
    pub seed: u64,
    /// The longest silence they bear.
    pub silence_max: Duration,
}

impl Fuzz {
    /// Callers of a seed, who bear [`SILENCE_MAX`].
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, silence_max: SILENCE_MAX }
    }
}

/// A caller who found something wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which caller, from 0.
    pub caller: u64,
    /// What went wrong, one sentence.
    pub what: String,
    /// The smallest caller found that meets the same, as a test file to paste.
    pub test: String,
    /// How that test fails now.
    pub verdict: Verdict,
}

/// What became of a range of callers.
#[derive(Clone, Debug, Default)]
pub struct FuzzReport {
    /// Callers.
    pub callers: u64,
    /// Those who met something wrong.
    pub failed: u64,
    /// The first of each kind.
    pub findings: Vec<Finding>,
    /// All their calls as one number, whatever the order.
    pub fingerprint: u64,
    /// What they reached.
    pub covered: Covered,
    /// How long they were on the line.
    pub talked: Duration,
}

impl FuzzReport {
    /// Adds what became of other callers.
    pub fn add(&mut self, other: Self) {
        self.callers += other.callers;
        self.failed += other.failed;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        self.covered.add(&other.covered);
        self.talked += other.talked;
        for finding in other.findings {
            if !self.findings.iter().any(|known| known.what == finding.what) {
                self.findings.push(finding);
            }
        }
        self.findings.sort_by_key(|finding| finding.caller);
    }
}

/// Something that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Silent,
    Failed,
    Stuck,
    Endless,
}

impl Problem {
    const fn told(self) -> &'static str {
        match self {
            Self::Silent => "the caller hears nothing for too long",
            Self::Failed => "the flow fails and takes its rescue path",
            Self::Stuck => "the call gets stuck: it does not end, and no key leads on",
            Self::Endless => "the call does not end although the caller has hung up",
        }
    }
}

/// A flow under random callers.
#[derive(Debug)]
pub struct Fuzzed<'a> {
    fuzz: &'a Fuzz,
    flows: &'a flow::FlowSet,
    house: &'a House,
    voices: Voices,
    file: TestFile,
    /// Names of fields that the flow reads from JSON.
    fields: Arc<[String]>,
}

impl Fuzz {
    /// A flow for these callers.
    #[must_use]
    pub fn of<'a>(&'a self, flows: &'a flow::FlowSet, flow: &str, house: &'a House) -> Fuzzed<'a> {
        let source = Source::new(format!("{flow}.test.yaml"), "");
        let file = TestFile { source, flow: flow.to_owned(), flow_span: Span::default(), tests: Vec::new(), warnings: Vec::new() };
        Fuzzed { fuzz: self, flows, house, voices: Voices::default(), file, fields: json_fields(flows, flow) }
    }
}

/// What conditions of a flow read: `result.json.vip` gives `vip`.
fn json_fields(flows: &flow::FlowSet, flow: &str) -> Arc<[String]> {
    let outline = flows.outline(flow);
    let conditions = outline.iter().flat_map(|outline| &outline.states).flat_map(|state| &state.arms).filter_map(|arm| arm.condition.as_deref());
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let fields: BTreeSet<String> = conditions.flat_map(|text| text.split("json.").skip(1)).map(word).filter(|word| !word.is_empty()).collect();
    fields.into_iter().collect()
}

impl Fuzzed<'_> {
    /// Lets these callers call. Runs Rhai flows on this thread: give it [`flow::limits::SCRIPT_STACK`] bytes of stack.
    #[must_use]
    pub fn call(&self, callers: Range<u64>) -> FuzzReport {
        let mut report = FuzzReport::default();
        for caller in callers {
            let played = self.play(caller);
            report.callers += 1;
            report.fingerprint = report.fingerprint.wrapping_add(played.fingerprint);
            report.covered.add(&played.covered);
            report.talked += played.talked;
            let Some(problem) = played.problem else { continue };
            report.failed += 1;
            let is_known = report.findings.iter().any(|finding| finding.what == problem.told());
            if !is_known && report.findings.len() < FINDINGS_MAX {
                report.findings.push(self.finding(caller, problem, played));
            }
        }
        report
    }

    fn finding(&self, caller: u64, problem: Problem, played: Played) -> Finding {
        let case = self.case(caller, problem, &played);
        let wanted = run(&self.file, &case, self.flows, self.house, &self.voices).failure.map(|failure| failure.title);
        let fails = |case: &Case| {
            let failure = run(&self.file, case, self.flows, self.house, &self.voices).failure;
            failure.map(|failure| failure.title) == wanted
        };
        let smallest = if wanted.is_some() { shrink(case, fails) } else { case };
        let test = paste(&self.file.flow, &smallest);
        // As somebody who pastes it will run it: with its places.
        let pasted = TestFile::read(&Source::new(self.file.source.path.clone(), test.as_str())).ok();
        let again = pasted.as_ref().and_then(|file| Some(run(file, file.tests.first()?, self.flows, self.house, &self.voices)));
        let verdict = again.unwrap_or_else(|| run(&self.file, &smallest, self.flows, self.house, &self.voices));
        Finding { caller, what: problem.told().to_owned(), test, verdict }
    }

    /// The caller as a test, with what it found wrong as what is expected.
    fn case(&self, caller: u64, problem: Problem, played: &Played) -> Case {
        let span = Span::default();
        let claim = |what: Expected| vec![Claim { span, what }];
        let mut script = played.steps.clone();
        let mut expect = Vec::new();
        match problem {
            Problem::Silent => expect = claim(Expected::NeverSilentFor(self.fuzz.silence_max)),
            Problem::Failed => expect = claim(Expected::Rescued(false)),
            Problem::Stuck => {
                script.push(Step { span, act: Act::Silence(STUCK_AFTER) });
                script.push(Step { span, act: Act::Expect(claim(Expected::Over(true))) });
            }
            Problem::Endless => expect = claim(Expected::EndedBy(super::wanted::Wanted::any())),
        }
        Case { name: self.name(caller), span, begin: played.begin.clone(), mocks: played.mocks.clone(), script, expect }
    }

    fn name(&self, caller: u64) -> String {
        format!("fuzz: caller {caller} of seed {}", self.fuzz.seed)
    }

    /// One call.
    fn play(&self, caller: u64) -> Played {
        let mut dice = Dice::new(self.fuzz.seed ^ caller.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.word();
        let chosen = Arc::new(Mutex::new(Mocks::default()));
        let world = FuzzWorld { dice: Dice::new(dice.word()), chosen: chosen.clone(), fields: self.fields.clone() };
        let begin = Begin {
            at: dice.permille(250).then_some(AT_NIGHT),
            number: dice.permille(100).then(String::new),
            ..Begin::default()
        };
        let options = self.house.options(&self.file.flow, &begin, seed_of(&self.name(caller)), &self.voices);
        let mut call = Offline::new(self.flows, options, Box::new(world));
        let steps = act(&mut call, &mut dice);
        let problem = self.judge(&mut call);
        let mocks = chosen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Played { begin, steps, mocks, problem, fingerprint: call.fingerprint(), covered: Covered::of(&call), talked: call.elapsed() }
    }

    /// The caller waits for the end, then hangs up: what was wrong?
    fn judge(&self, call: &mut Offline) -> Option<Problem> {
        let too_silent = |call: &Offline| call.dead_for().length >= self.fuzz.silence_max;
        call.wait_until(STUCK_AFTER, |call| call.is_over() || too_silent(call));
        let is_stuck = !call.is_over() && !too_silent(call) && !leads_on(call);
        call.hang_up();
        let ends = call.wait_until(ENDS_WITHIN, |call| call.record().is_some());
        let has_failed = call.run().is_some_and(|run| run.trouble().is_some());
        if too_silent(call) {
            Some(Problem::Silent)
        } else if has_failed {
            Some(Problem::Failed)
        } else if is_stuck {
            Some(Problem::Stuck)
        } else {
            (!ends).then_some(Problem::Endless)
        }
    }
}

/// Whether a silent caller may hope: a key leads on, somebody talks, or others are waited for.
fn leads_on(call: &Offline) -> bool {
    let waits = call.run().is_some_and(|run| matches!(&*run.where_am_i().action, "conference" | "park" | "queue" | "bridge"));
    waits || !call.talking().is_empty() || KEYS.iter().any(|key| call.yields_to(*key))
}

/// A caller's call.
struct Played {
    begin: Begin,
    steps: Vec<Step>,
    mocks: Mocks,
    problem: Option<Problem>,
    fingerprint: u64,
    covered: Covered,
    talked: Duration,
}

/// What a caller does, step by step; decided on the way, because a menu offers its keys only then.
fn act(call: &mut Offline, dice: &mut Dice) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..=dice.below(STEPS_MAX) {
        if call.is_over() {
            break;
        }
        let act = choose(call, dice);
        match &act {
            Act::Press { keys, .. } => call.press(keys),
            Act::Speak { span, .. } => call.speak(span.unwrap_or_default()),
            Act::Wait(span) | Act::Silence(span) => call.wait(*span),
            Act::HangUp => call.hang_up(),
            Act::Hear(_) | Act::Expect(_) => {}
        }
        steps.push(Step { span: Span::default(), act });
    }
    if !call.is_over() && dice.permille(400) {
        call.hang_up();
        steps.push(Step { span: Span::default(), act: Act::HangUp });
    }
    steps
}

fn choose(call: &Offline, dice: &mut Dice) -> Act {
    let choices: Vec<String> = call.choices().into_iter().map(str::to_owned).collect();
    let press = |keys: String| Act::Press { keys, interrupts: None };
    match dice.below(100) {
        0..45 if !choices.is_empty() => press(dice.pick(&choices).clone()),
        0..45 if call.run().is_some_and(|run| run.where_am_i().action == "collect") => {
            let digits: String = (0..=dice.below(6)).map(|_| *dice.pick(&KEYS[..10])).collect();
            press(format!("{digits}#"))
        }
        0..55 => press(dice.pick(&KEYS).to_string()),
        55..85 => Act::Wait(ms(100 + 100 * dice.below(50))),
        85..95 => Act::Speak { span: Some(ms(500 + 500 * dice.below(8))), words: None, over: true },
        _ => Act::HangUp,
    }
}

/// A world that answers at random, but the same question always the same way.
#[derive(Debug)]
struct FuzzWorld {
    dice: Dice,
    chosen: Arc<Mutex<Mocks>>,
    fields: Arc<[String]>,
}

impl Outside for FuzzWorld {
    fn http(&mut self, request: &flow::Http) -> Web {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = chosen.http.iter().find(|mock| mock.method == request.method && mock.url == request.url) {
            return known.replies[0].clone();
        }
        let web = random_web(&mut self.dice, &self.fields);
        chosen.http.push(HttpMock { method: request.method, url: request.url.clone(), replies: vec![web.clone()] });
        web
    }

    fn device(&mut self, target: &str) -> Manner {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, manners)) = chosen.devices.iter().find(|(known, _)| known == target) {
            return manners[0].clone();
        }
        let manner = random_manner(&mut self.dice);
        chosen.devices.push((target.to_owned(), vec![manner.clone()]));
        manner
    }

    fn messages(&mut self, mailbox: &Name) -> u32 {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let full = self.dice.permille(60);
        *chosen.mailboxes.entry(mailbox.to_string()).or_insert(if full { FULL } else { 0 })
    }
}

fn random_web(dice: &mut Dice, fields: &[String]) -> Web {
    let delay = if dice.permille(200) { ms(500 * (1 + dice.below(16))) } else { ms(20) };
    let body = |status: u16, json: Option<serde_json::Value>| {
        let text = json.as_ref().map_or_else(|| "hello".to_owned(), ToString::to_string);
        Ok(HttpReply { status, text, json })
    };
    let reply = match dice.below(10) {
        0 => Err("connection refused".to_owned()),
        1 => body(500, None),
        2 => body(404, Some(serde_json::json!({}))),
        3 => body(200, None),
        _ => {
            let value = |dice: &mut Dice| match dice.below(4) {
                0 => true.into(),
                1 => false.into(),
                2 => dice.below(10).into(),
                _ => "yes".into(),
            };
            let map = fields.iter().map(|field| (field.clone(), value(dice))).collect();
            body(200, Some(serde_json::Value::Object(map)))
        }
    };
    Web { delay, reply }
}

fn random_manner(dice: &mut Dice) -> Manner {
    let after = Duration::from_secs(1 + dice.below(6));
    match dice.below(8) {
        0 => Manner::Unreachable,
        1 => Manner::Busy,
        2 => Manner::Decline,
        3 => Manner::Ring(None),
        4 => Manner::Ring(Some(after)),
        5 => Manner::Answer(Answering { after, talk: Some(Duration::from_secs(2)), press: "1".to_owned(), press_after: Duration::from_secs(1) }),
        _ => Manner::Answer(Answering { after, talk: Some(Duration::from_secs(1 + dice.below(8))), ..Answering::default() }),
    }
}
