//! A test file as read: its tests, each with its call, its world, its script and what it expects.

use super::{
    mocks::Mocks,
    table::{FILE, TEST},
    value::{Fields, Item, Lengths, Value, read},
    wanted::Wanted,
};
use notation::{Fault, Node, Reader, Severity, Source, Span, parse};
use std::{collections::BTreeMap, time::Duration};
use terms::UnixMs;

/// When calls of tests begin that do not say: Monday 2026-11-02, 10:15 UTC. A working day, so that opening hours are open.
pub(crate) const DEFAULT_AT: UnixMs = UnixMs(1_793_614_500_000);
/// How long `hear` waits unless it says: the longest usual ringing twice over.
pub(crate) const HEAR_WITHIN: Duration = Duration::from_secs(60);
/// How long after its answer a device presses its keys unless it says.
const PRESS_AFTER: Duration = Duration::from_secs(1);

/// A test file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// The file.
    pub source: Source,
    /// The flow that answers, and where it is named.
    pub flow: String,
    /// Where the flow is named.
    pub flow_span: Span,
    /// Its tests.
    pub tests: Vec<Case>,
    /// What is probably not meant.
    pub warnings: Vec<Fault>,
}

/// One test.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it is.
    pub span: Span,
    pub(crate) begin: Begin,
    pub(crate) mocks: Mocks,
    pub(crate) script: Vec<Step>,
    pub(crate) expect: Vec<Claim>,
}

/// The call of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Begin {
    pub(crate) at: Option<UnixMs>,
    pub(crate) number: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) caller_connection: Option<String>,
    pub(crate) connection: Option<(String, Span)>,
    pub(crate) dial: Option<(String, Span)>,
    /// `none` is none.
    pub(crate) mailbox: Option<(String, Span)>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) settings_spans: Vec<(String, Span)>,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) span: Span,
    pub(crate) act: Act,
}

/// What the caller does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Hear(Box<Hear>),
    Press { keys: String, interrupts: Option<bool> },
    Speak { span: Option<Duration>, words: Option<String>, over: bool },
    Silence(Duration),
    Wait(Duration),
    HangUp,
    Expect(Vec<Claim>),
}

/// What shall be heard.
#[derive(Clone, Debug)]
pub(crate) struct Hear {
    /// Nothing but `never_silent_for` may be asked.
    pub(crate) what: Option<Ear>,
    pub(crate) within: Duration,
    pub(crate) whole: bool,
    pub(crate) never_silent_for: Option<Duration>,
}

/// A sound by its kind.
#[derive(Clone, Debug)]
pub(crate) enum Ear {
    Any(Wanted),
    Say(Wanted),
    Play(Wanted),
    Tone(String),
    From(Wanted),
}

/// Something that is to be true, and where that is said.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) span: Span,
    pub(crate) what: Expected,
}

/// What is to be true.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    State(String),
    Path(Vec<String>),
    Ringing(Vec<String>),
    Talking(Vec<String>),
    Answered(bool),
    Over(bool),
    Rescued(bool),
    Var(String, Node),
    Result(Node),
    /// `None`: any length; a recording there must be.
    Recording(Option<Lengths>),
    /// Messages in order; none at all when empty.
    Voicemail(Vec<Fields>),
    Webhooks(Vec<Fields>),
    Http(Vec<Fields>),
    EndedBy(Wanted),
    NeverSilentFor(Duration),
}

impl TestFile {
    /// Reads a test file.
    ///
    /// # Errors
    /// All faults, with their places.
    pub fn read(source: &Source) -> Result<Self, Vec<Fault>> {
        let tree = parse(source)?;
        let mut reader = Reader::new(source);
        let file = file(source, &tree, &mut reader);
        let (is_good, faults) = (!reader.has_errors(), reader.into_faults());
        match file {
            Some(file) if is_good => Ok(Self { warnings: faults, ..file }),
            Some(_) | None => Err(faults),
        }
    }
}

fn file(source: &Source, tree: &Node, reader: &mut Reader) -> Option<TestFile> {
    let map = reader.map(tree, "a test file", &FILE.each_ref().map(|key| key.name))?;
    let flow = reader.required(map, "a test file", "flow").and_then(|node| Some((reader.text(node)?, node.span)));
    let tests = reader.required(map, "a test file", "tests");
    // Each key but `tests`, whose items are read one by one below.
    let mut common = Fields::default();
    for entry in map.entries() {
        if let Some(key) = FILE.iter().find(|key| key.name == entry.key.text && !matches!(key.name, "tests" | "flow"))
            && let Some(item) = read(&key.kind, &entry.value, &format!("`{}`", key.name), reader)
        {
            common.0.push((entry.key.text.clone(), entry.key.span, item));
        }
    }
    let mut cases: Vec<Case> = Vec::new();
    for node in tests.map(|node| reader.list(node)).unwrap_or_default() {
        let Some(case) = case(node, &common, reader) else { continue };
        if let Some(same) = cases.iter().find(|known| known.name == case.name) {
            let line = same.span.line;
            reader.error("clash", node.span, format!("there is a test “{}” already, in line {line}", case.name)).help("each test has a name of its own");
        }
        cases.push(case);
    }
    if cases.is_empty() && !reader.has_errors() {
        reader.warning("no-tests", tree.span, "there is no test in this file");
    }
    let (flow, flow_span) = flow?;
    Some(TestFile { source: source.clone(), flow, flow_span, tests: cases, warnings: Vec::new() })
}

fn case(node: &Node, common: &Fields, reader: &mut Reader) -> Option<Case> {
    let map = reader.map(node, "a test", &TEST.each_ref().map(|key| key.name))?;
    let mut own = Fields::default();
    for entry in map.entries() {
        if let Some(key) = TEST.iter().find(|key| key.name == entry.key.text)
            && let Some(item) = read(&key.kind, &entry.value, &format!("`{}`", key.name), reader)
        {
            own.0.push((entry.key.text.clone(), entry.key.span, item));
        }
    }
    let name = own.text("name").map(str::to_owned);
    if name.is_none() {
        reader.required(map, "a test", "name");
    }
    let mut mocks = own.fields("mock").map(|fields| Mocks::of(fields, PRESS_AFTER, reader)).unwrap_or_default();
    if let Some(under) = common.fields("mock") {
        mocks.put_under(&Mocks::of(under, PRESS_AFTER, reader));
    }
    let script = own.list("script").iter().filter_map(|item| step(item, reader)).collect();
    let expect = own.fields("expect").map(|fields| claims(fields, reader)).unwrap_or_default();
    Some(Case { name: name?, span: node.span, begin: begin(&own, common), mocks, script, expect })
}

fn begin(own: &Fields, common: &Fields) -> Begin {
    let mut begin = Begin::default();
    // Those of the file first: the test's own replace them.
    for fields in [common, own] {
        if let Some(Item { value: Value::When(at), .. }) = fields.item("at") {
            begin.at = Some(*at);
        }
        if let Some(caller) = fields.fields("caller") {
            for (key, place) in [("number", &mut begin.number), ("name", &mut begin.name), ("connection", &mut begin.caller_connection)] {
                *place = caller.text(key).map(str::to_owned).or(place.take());
            }
        }
        for (key, place) in [("connection", &mut begin.connection), ("dial", &mut begin.dial), ("mailbox", &mut begin.mailbox)] {
            if let Some(item) = fields.item(key) {
                *place = item.text().map(|text| (text.to_owned(), item.span));
            }
        }
        for (name, span, item) in fields.fields("settings").map(|settings| &settings.0[..]).unwrap_or_default() {
            begin.settings.insert(name.clone(), item.text().unwrap_or_default().to_owned());
            begin.settings_spans.push((name.clone(), *span));
        }
    }
    begin
}

fn step(item: &Item, reader: &mut Reader) -> Option<Step> {
    let (name, key_span, value) = item.fields()?.0.first()?;
    let act = match name.as_str() {
        "hear" => Act::Hear(Box::new(hear(value, *key_span, reader))),
        "press" => match value.fields() {
            Some(fields) => {
                let Some(keys) = fields.text("keys") else {
                    reader.error("missing-field", *key_span, "`press` needs `keys`");
                    return None;
                };
                Act::Press { keys: keys.to_owned(), interrupts: fields.flag("interrupts") }
            }
            None => Act::Press { keys: value.text()?.to_owned(), interrupts: None },
        },
        "speak" => match value.fields() {
            Some(fields) => Act::Speak { span: fields.span("for"), words: fields.text("words").map(str::to_owned), over: fields.flag("over").unwrap_or(false) },
            None => Act::Speak { span: value.as_span(), words: value.text().map(str::to_owned), over: false },
        },
        "silence" => Act::Silence(value.as_span()?),
        "wait" => Act::Wait(value.as_span()?),
        "hang_up" => Act::HangUp,
        "expect" => Act::Expect(claims(value.fields()?, reader)),
        _ => return None,
    };
    let span = key_span.to(value.span);
    Some(Step { span, act })
}

fn hear(item: &Item, key_span: Span, reader: &mut Reader) -> Hear {
    let mut hear = Hear { what: None, within: HEAR_WITHIN, whole: false, never_silent_for: None };
    let Some(fields) = item.fields() else {
        hear.what = item.wanted().cloned().map(Ear::Any);
        return hear;
    };
    let mut wanted: Vec<Ear> = Vec::new();
    wanted.extend(fields.wanted("say").cloned().map(Ear::Say));
    wanted.extend(fields.wanted("play").cloned().map(Ear::Play));
    wanted.extend(fields.text("tone").map(|tone| Ear::Tone(tone.to_owned())));
    wanted.extend(fields.wanted("from").cloned().map(Ear::From));
    hear.within = fields.span("within").unwrap_or(HEAR_WITHIN);
    hear.whole = fields.flag("whole").unwrap_or(false);
    hear.never_silent_for = fields.span("never_silent_for");
    if wanted.len() > 1 || (wanted.is_empty() && hear.never_silent_for.is_none()) {
        reader.error("wrong-type", key_span, "`hear` needs one of say, play, tone, from, or never_silent_for");
    }
    hear.what = wanted.pop();
    hear
}

fn claims(fields: &Fields, reader: &mut Reader) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (name, key_span, item) in &fields.0 {
        let texts = || item.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect::<Vec<_>>();
        let maps = || item.items().iter().filter_map(|item| item.fields().cloned()).collect::<Vec<_>>();
        let tree = || if let Value::Tree(node) = &item.value { Some(node.clone()) } else { None };
        let what = match name.as_str() {
            "state" => item.text().map(|text| Expected::State(text.to_owned())),
            "path" => Some(Expected::Path(texts())),
            "ringing" => Some(Expected::Ringing(texts())),
            "talking" => Some(Expected::Talking(texts())),
            "answered" => fields.flag(name).map(Expected::Answered),
            "over" => fields.flag(name).map(Expected::Over),
            "rescued" => fields.flag(name).map(Expected::Rescued),
            "result" => tree().map(Expected::Result),
            "recording" => Some(Expected::Recording(fields.lengths(name).or_else(|| item.fields().and_then(|fields| fields.lengths("length"))))),
            "voicemail" => Some(Expected::Voicemail(maps())),
            "webhook" => item.fields().map(|fields| Expected::Webhooks(vec![fields.clone()])),
            "webhooks" => Some(Expected::Webhooks(maps())),
            "http" => Some(Expected::Http(maps())),
            "ended_by" => item.wanted().cloned().map(Expected::EndedBy),
            "never_silent_for" => item.as_span().map(Expected::NeverSilentFor),
            _ => None,
        };
        if let (true, Some(vars)) = (name == "vars", item.fields()) {
            for (var, span, item) in &vars.0 {
                if let Value::Tree(node) = &item.value {
                    claims.push(Claim { span: span.to(node.span), what: Expected::Var(var.clone(), node.clone()) });
                }
            }
        }
        claims.extend(what.map(|what| Claim { span: key_span.to(item.span), what }));
    }
    if claims.is_empty() && !fields.0.is_empty() && !reader.faults().iter().any(|fault| fault.severity == Severity::Error) {
        let span = fields.0.first().map_or_else(Span::default, |(_, span, _)| *span);
        reader.error("wrong-type", span, "nothing is expected here");
    }
    claims
}
