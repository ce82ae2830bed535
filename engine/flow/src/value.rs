//! From raw values (YAML scalars, results of expressions, Rhai values) to checked ones: one reading for both notations.

use crate::{
    catalogue::{Need, Param},
    effect::{Group, PromptItem},
    pattern::Pattern,
};
use notation::{nearest, truth};
use serde_json::Value as Json;
use std::time::Duration;
use terms::{Digit, Name};

mod sounds;
mod targets;

pub(crate) use sounds::{ITEM_KEYS, TONES, is_spoken};
use sounds::prompt;
pub(crate) use targets::TARGET;
use targets::targets;

/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: u64 = 60_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// What a parameter holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Text of one line, 1–500 characters, without control characters.
    Line,
    /// `http:` or `https:` URL.
    Url,
    /// Name of a mailbox.
    Mailbox,
    /// Whole number from, to.
    Int(i64, i64),
    /// `true` or `false`.
    Bool,
    /// Duration with unit; from, to in milliseconds.
    Span(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words.
    Words(&'static [&'static str]),
    /// One telephone key, or `none`.
    Key,
    /// Keys of a menu.
    KeyList,
    /// DTMF to send.
    Dtmf,
    /// Sounds; a plain text that is no file name or URL is spoken.
    Prompt,
    /// Sounds; a plain text is always spoken.
    Say,
    /// Header names and values.
    Headers,
    /// Anything, kept as JSON.
    Any,
    /// Whom to ring.
    Targets,
    /// Regular expression for digits.
    Pattern,
    /// A map of these fields; when `prompt` is one of them, `say:` and `play:` may stand in it directly.
    Fields(&'static [Param]),
}

/// A value before its type is decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    /// Nothing written.
    Null,
    /// A boolean (from expressions and scripts; YAML scalars are text).
    Bool(bool),
    /// A whole number (from expressions and scripts).
    Int(i64),
    /// Another number (from expressions and scripts).
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Raw>),
    /// A map in order.
    Map(Vec<(String, Raw)>),
    /// Known only in the call: a text with `${…}` while a file is checked. Fits every scalar kind.
    Unknown,
}

/// One step of the way to a part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a map by key.
    Key(String),
    /// Into a list by index.
    Index(usize),
    /// Not the value but the key of the last step.
    OfKey,
}

/// Something wrong in a value.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) path: Vec<Step>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Things that must exist elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Connection,
    Number,
    Trunk,
    Mailbox,
    Prompt,
}

/// A thing named in a value.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub(crate) thing: Thing,
    pub(crate) name: String,
    pub(crate) path: Vec<Step>,
}

/// What reading a value brought to light.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    pub(crate) mentions: Vec<Mention>,
    path: Vec<Step>,
}

impl Findings {
    fn problem(&mut self, code: &'static str, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem { code, path: self.path.clone(), message: message.into(), help });
    }
    fn wrong(&mut self, wanted: &str, raw: &Raw) {
        self.problem("wrong-type", format!("expected {wanted}, found {}", raw.shown()), None);
    }
    fn mention(&mut self, thing: Thing, name: &str) {
        self.mentions.push(Mention { thing, name: name.to_owned(), path: self.path.clone() });
    }
    fn at<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let out = work(self);
        self.path.pop();
        out
    }
    /// The key whose value is being read, for messages.
    fn last_key(&self) -> String {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::OfKey => None,
        });
        key.unwrap_or("it").to_owned()
    }
    /// All problems as one text, for failures in the call.
    pub(crate) fn told(&self) -> String {
        let tell = |problem: &Problem| {
            let path: Vec<_> = problem
                .path
                .iter()
                .filter_map(|step| match step {
                    Step::Key(key) => Some(key.clone()),
                    Step::Index(index) => Some(index.to_string()),
                    Step::OfKey => None,
                })
                .collect();
            if path.is_empty() { problem.message.clone() } else { format!("{}: {}", path.join("."), problem.message) }
        };
        self.problems.iter().map(tell).collect::<Vec<_>>().join("; ")
    }
}

impl Raw {
    /// The value as text, when it is a scalar.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Unknown => None,
        }
    }
    fn shown(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Unknown => "a value".to_owned(),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => {
                format!("{:?}", self.text().unwrap_or_default().chars().take(60).collect::<String>())
            }
        }
    }
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Null | Self::Unknown => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(entries) => Json::Object(entries.iter().map(|(key, value)| (key.clone(), value.json())).collect()),
        }
    }
    /// From JSON: results and answers of scripts.
    pub(crate) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(0.0)), Self::Int),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Json::Object(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect()),
        }
    }
    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) | Self::List(_) | Self::Unknown => None,
        }
    }
}

/// A checked value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Name(Name),
    Int(i64),
    Bool(bool),
    Span(Duration),
    Words(Vec<&'static str>),
    Key(Option<char>),
    Keys(Vec<String>),
    Prompt(Vec<PromptItem>),
    Pairs(Vec<(String, String)>),
    Json(Json),
    Group(Group),
    Pattern(Pattern),
    Fields(Args),
    /// Written, but known only in the call.
    Unknown,
}

/// The checked parameters of one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args(Vec<(&'static str, Value)>);

macro_rules! getter {
    ($name:ident, $variant:ident, $type:ty) => {
        pub(crate) fn $name(&self, key: &str) -> Option<$type> {
            match self.get(key) {
                Some(Value::$variant(value)) => Some(value.clone()),
                _ => None,
            }
        }
    };
}

impl Args {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
    getter!(text, Text, String);
    getter!(name, Name, Name);
    getter!(int, Int, i64);
    getter!(bool, Bool, bool);
    getter!(span, Span, Duration);
    getter!(group, Group, Group);
    getter!(pattern, Pattern, Pattern);
    getter!(json, Json, Json);
    pub(crate) fn count(&self, key: &str) -> Option<u32> {
        self.int(key).and_then(|value| u32::try_from(value).ok())
    }
    pub(crate) fn word(&self, key: &str) -> Option<&'static str> {
        self.words(key).first().copied()
    }
    pub(crate) fn words(&self, key: &str) -> Vec<&'static str> {
        if let Some(Value::Words(words)) = self.get(key) { words.clone() } else { Vec::new() }
    }
    pub(crate) fn key(&self, key: &str) -> Option<char> {
        if let Some(Value::Key(found)) = self.get(key) { *found } else { None }
    }
    pub(crate) fn keys(&self, key: &str) -> Vec<String> {
        if let Some(Value::Keys(keys)) = self.get(key) { keys.clone() } else { Vec::new() }
    }
    pub(crate) fn prompt(&self, key: &str) -> Vec<PromptItem> {
        if let Some(Value::Prompt(items)) = self.get(key) { items.clone() } else { Vec::new() }
    }
    pub(crate) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        if let Some(Value::Pairs(pairs)) = self.get(key) { pairs.clone() } else { Vec::new() }
    }
    pub(crate) fn fields(&self, key: &str) -> Option<&Self> {
        if let Some(Value::Fields(args)) = self.get(key) { Some(args) } else { None }
    }
}

/// Reads the parameters of an action; problems go to `findings`, and what could be read is answered.
pub(crate) fn read_params(of: &str, params: &'static [Param], raw: &Raw, findings: &mut Findings) -> Args {
    let mut args = Args::default();
    let mut misspelt: Vec<&str> = Vec::new();
    let empty = Vec::new();
    let entries = match raw {
        Raw::Map(entries) => entries,
        Raw::Null => &empty,
        Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::List(_) | Raw::Unknown => {
            findings.wrong(&format!("a map of {of}'s fields"), raw);
            return args;
        }
    };
    for (key, value) in entries {
        let Some(param) = params.iter().find(|param| param.name == key) else {
            let names = params.iter().map(|param| param.name);
            misspelt.extend(nearest(key, names.clone()));
            let help = nearest(key, names.clone()).map(|near| format!("did you mean `{near}`?")).or_else(|| {
                Some(format!("{of} has {}", names.collect::<Vec<_>>().join(", "))).filter(|_| !params.is_empty())
            });
            findings.at(Step::Key(key.clone()), |findings| {
                findings.at(Step::OfKey, |findings| findings.problem("unknown-field", format!("unknown field of {of} `{key}`"), help));
            });
            continue;
        };
        let read = findings.at(Step::Key(key.clone()), |findings| {
            if matches!(value, Raw::Null) {
                let help = if matches!(param.kind, Kind::Key) { "`#` begins a comment: write \"#\" for the key" } else { "leave the key out, or give it a value; one that begins with # needs quotes" };
                findings.problem("missing-value", format!("`{key}` has no value"), Some(help.to_owned()));
                return None;
            }
            read(&param.kind, value, findings)
        });
        if let Some(read) = read {
            args.0.push((param.name, read));
        }
    }
    for param in params {
        if entries.iter().any(|(key, _)| key == param.name) {
            continue;
        }
        match param.need {
            Need::Optional => {}
            Need::Required if misspelt.contains(&param.name) => {}
            Need::Required => findings.problem("missing-field", format!("{of} needs `{}`", param.name), Some(param.doc.to_owned())),
            Need::Default(text) => {
                if let Some(value) = read(&param.kind, &Raw::Text(text.to_owned()), &mut Findings::default()) {
                    args.0.push((param.name, value));
                }
            }
        }
    }
    args
}

/// Reads one value; `None` when it is wrong (a problem is noted) or says "not" (`transcribe: false`).
pub(crate) fn read(kind: &Kind, raw: &Raw, findings: &mut Findings) -> Option<Value> {
    match kind {
        Kind::Prompt => return Some(Value::Prompt(prompt(raw, findings, false))),
        Kind::Say => return Some(Value::Prompt(prompt(raw, findings, true))),
        Kind::Headers => return headers(raw, findings),
        Kind::Any => return Some(Value::Json(raw.json())),
        Kind::Targets => return targets(raw, findings),
        Kind::Fields(params) => return fields(params, raw, findings),
        Kind::KeyList | Kind::Words(_) => return list(kind, raw, findings),
        Kind::Line
        | Kind::Url
        | Kind::Mailbox
        | Kind::Int(..)
        | Kind::Bool
        | Kind::Span(..)
        | Kind::Word(_)
        | Kind::Key
        | Kind::Dtmf
        | Kind::Pattern => {}
    }
    if matches!(raw, Raw::Unknown) {
        return Some(Value::Unknown);
    }
    let wanted = wanted(kind);
    let Some(text) = raw.text() else {
        findings.wrong(&wanted, raw);
        return None;
    };
    let value = scalar(kind, &text, findings);
    if value.is_none() {
        let words = if let Kind::Word(words) = kind { *words } else { &[] };
        let help = nearest(&text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        findings.problem("wrong-type", format!("expected {wanted}, found {}", raw.shown()), help.or_else(|| spelling(kind, &text)));
    }
    value
}

/// What to write instead of a value that means well.
fn spelling(kind: &Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Span(..) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Some(format!("a number needs its unit: {text}s for seconds")),
        Kind::Bool => truth(text).map(|word| format!("write {word}")),
        Kind::Url if text.contains('.') && !text.contains("://") => Some(format!("write https://{text}")),
        Kind::Span(..)
        | Kind::Line
        | Kind::Url
        | Kind::Mailbox
        | Kind::Int(..)
        | Kind::Word(_)
        | Kind::Words(_)
        | Kind::Key
        | Kind::KeyList
        | Kind::Dtmf
        | Kind::Prompt
        | Kind::Say
        | Kind::Headers
        | Kind::Any
        | Kind::Targets
        | Kind::Pattern
        | Kind::Fields(_) => None,
    }
}

/// What a kind wants, for messages.
pub(crate) fn wanted(kind: &Kind) -> String {
    let spelt = |ms: &u64| terms::spell_span(Duration::from_millis(*ms));
    match kind {
        Kind::Line => "a text of one line".to_owned(),
        Kind::Url => "a URL that begins with http:// or https://".to_owned(),
        Kind::Mailbox => "the name of a mailbox".to_owned(),
        Kind::Int(from, to) => format!("a whole number from {from} to {to}"),
        Kind::Bool => "true or false".to_owned(),
        Kind::Span(from, to) => format!("a duration from {} to {}, such as 800ms, 5s or 2m", spelt(from), spelt(to)),
        Kind::Word(words) | Kind::Words(words) => format!("one of {}", words.join(", ")),
        Kind::Key => "one telephone key (0-9 * # A-D) or none".to_owned(),
        Kind::KeyList => "a list of keys".to_owned(),
        Kind::Dtmf => "keys (0-9 * # A-D, w and W for waits)".to_owned(),
        Kind::Prompt | Kind::Say => "a prompt".to_owned(),
        Kind::Headers => "a map of headers".to_owned(),
        Kind::Any => "a value".to_owned(),
        Kind::Targets => "connection/NAME, number/+E164, trunk/NAME/NUMBER, sip:…, park/PLACE or queue/NAME".to_owned(),
        Kind::Pattern => "a regular expression".to_owned(),
        Kind::Fields(_) => "a map".to_owned(),
    }
}

fn scalar(kind: &Kind, text: &str, findings: &mut Findings) -> Option<Value> {
    let one_line = (1..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    match kind {
        Kind::Line => one_line.then(|| Value::Text(text.to_owned())),
        Kind::Url => is_url(text).then(|| Value::Text(text.to_owned())),
        Kind::Mailbox => {
            let name = Name::new(text.strip_prefix("mailbox/").unwrap_or(text)).ok()?;
            findings.mention(Thing::Mailbox, name.as_str());
            Some(Value::Name(name))
        }
        Kind::Int(from, to) => text.trim().parse().ok().filter(|value| (*from..=*to).contains(value)).map(Value::Int),
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Span(from, to) => {
            let span = terms::parse_span(text).ok()?;
            (Duration::from_millis(*from)..=Duration::from_millis(*to)).contains(&span).then_some(Value::Span(span))
        }
        Kind::Word(words) => words.iter().find(|word| **word == text).map(|word| Value::Words(vec![word])),
        Kind::Key if text == "none" => Some(Value::Key(None)),
        Kind::Key => {
            let mut keys = text.chars();
            match (keys.next().map(Digit::try_from), keys.next()) {
                (Some(Ok(digit)), None) => Some(Value::Key(Some(digit.as_char()))),
                _ => None,
            }
        }
        Kind::Dtmf => {
            let good = |c: char| matches!(c, 'w' | 'W') || Digit::try_from(c).is_ok();
            ((1..=64).contains(&text.len()) && text.chars().all(good)).then(|| Value::Text(text.to_owned()))
        }
        Kind::Pattern => match Pattern::new(text) {
            Ok(pattern) => Some(Value::Pattern(pattern)),
            Err(error) => {
                findings.problem("wrong-type", format!("not a regular expression: {error}"), None);
                Some(Value::Unknown)
            }
        },
        Kind::Words(_) | Kind::KeyList | Kind::Prompt | Kind::Say | Kind::Headers | Kind::Any | Kind::Targets | Kind::Fields(_) => None,
    }
}

/// Whether a text is an `http:` or `https:` URL with a host and without spaces or control characters.
pub(crate) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
        && text.len() <= 2_000
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Whether a text is a choice of a menu: 1–8 DTMF characters.
pub(crate) fn is_choice(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.chars().all(|c| Digit::try_from(c).is_ok() && !c.is_ascii_lowercase())
}

/// Two keys of which one is the beginning of the other.
pub(crate) fn prefix_conflict(keys: &[String]) -> Option<(&str, &str)> {
    keys.iter().find_map(|short| keys.iter().find(|long| *long != short && long.starts_with(short.as_str())).map(|long| (short.as_str(), long.as_str())))
}

fn list(kind: &Kind, raw: &Raw, findings: &mut Findings) -> Option<Value> {
    let one = std::slice::from_ref(raw);
    let items = match raw {
        Raw::List(items) => items.as_slice(),
        Raw::Unknown => return Some(Value::Unknown),
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::Map(_) => one,
    };
    let (mut keys, mut found) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        findings.at(Step::Index(index), |findings| match (kind, item.text()) {
            (Kind::KeyList, Some(text)) if is_choice(&text) => keys.push(text),
            (Kind::Words(words), Some(text)) => match words.iter().find(|word| **word == text) {
                Some(word) => found.push(*word),
                None => {
                    let help = nearest(&text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    findings.problem("wrong-type", format!("expected one of {}, found {text:?}", words.join(", ")), help);
                }
            },
            _ if matches!(item, Raw::Unknown) => {}
            _ => findings.wrong("telephone keys (0-9 * # A-D)", item),
        });
    }
    Some(if matches!(kind, Kind::KeyList) { Value::Keys(keys) } else { Value::Words(found) })
}

fn fields(params: &'static [Param], raw: &Raw, findings: &mut Findings) -> Option<Value> {
    let of = findings.last_key();
    let inline = params.iter().any(|param| param.name == "prompt");
    match raw {
        Raw::Bool(false) => None,
        Raw::Text(text) if text == "false" => None,
        Raw::Text(text) if text == "true" => Some(Value::Fields(read_params(&of, params, &Raw::Null, findings))),
        Raw::Bool(true) => Some(Value::Fields(read_params(&of, params, &Raw::Null, findings))),
        Raw::Map(entries) if inline && entries.iter().any(|(key, _)| ITEM_KEYS.contains(&key.as_str())) => {
            let (sounds, mut rest): (Vec<_>, Vec<_>) =
                entries.iter().cloned().partition(|(key, _)| ITEM_KEYS.contains(&key.as_str()) || matches!(key.as_str(), "voice" | "language"));
            let items = prompt(&Raw::Map(sounds), findings, false);
            rest.push(("prompt".to_owned(), Raw::List(Vec::new())));
            let mut args = read_params(&of, params, &Raw::Map(rest), findings);
            if let Some(slot) = args.0.iter_mut().find(|(name, _)| *name == "prompt") {
                slot.1 = Value::Prompt(items);
            }
            Some(Value::Fields(args))
        }
        Raw::Map(_) => Some(Value::Fields(read_params(&of, params, raw, findings))),
        Raw::Unknown => Some(Value::Unknown),
        Raw::Null | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::List(_) => {
            let names: Vec<_> = params.iter().map(|param| param.name).collect();
            findings.wrong(&format!("a map of {}", names.join(", ")), raw);
            None
        }
    }
}

/// SIP headers that are the engine's own business.
const RESERVED_HEADERS: [&str; 24] = [
    "via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route", "content-length", "content-type",
    "authorization", "proxy-authorization", "require", "supported", "allow", "v", "f", "t", "i", "m", "l", "c", "k",
];

fn headers(raw: &Raw, findings: &mut Findings) -> Option<Value> {
    let Raw::Map(entries) = raw else {
        findings.wrong("a map of headers", raw);
        return None;
    };
    let mut pairs = Vec::new();
    for (name, value) in entries {
        findings.at(Step::Key(name.clone()), |findings| {
            let token = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            match value.text() {
                _ if !token => findings.problem("wrong-type", format!("{name:?} is no header name"), None),
                None if matches!(value, Raw::Unknown) => pairs.push((name.clone(), String::new())),
                Some(text) if text.len() <= 1_000 && !text.chars().any(char::is_control) => pairs.push((name.clone(), text)),
                _ => findings.wrong("a text of one line", value),
            }
        });
    }
    Some(Value::Pairs(pairs))
}

/// The first of these headers that a SIP request may not be given from outside.
pub(crate) fn reserved_header(pairs: &[(String, String)]) -> Option<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).find(|name| RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()))
}
