//! The one table of test files: every key, what it holds, one sentence about it. Reader, JSON Schema and manual are made of it.

use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;

/// One key of a map.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// One line for editors and the manual.
    pub(crate) doc: &'static str,
}

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Any scalar as text.
    Text,
    /// A part of a text, or `/a pattern/`.
    Wanted,
    /// `800ms 5s 2m`.
    Span,
    /// A span, or a text.
    Spoken,
    /// `5s..7s`, `5s..`, `..7s`, or `6s` give or take half a second.
    Range,
    /// One of these.
    Word(&'static [&'static str]),
    /// Keys of a telephone.
    Keys,
    /// `true` or `false`; nothing means `true`.
    Flag,
    /// A whole number.
    Count,
    /// `5%` or `5`.
    Percent,
    /// A date and time, with a zone: `2026-11-02T10:15:00 Europe/London`.
    When,
    /// A value to compare with: of a map, the keys that are named; of a text, `/a pattern/` too.
    Shape,
    /// Any JSON value.
    Any,
    /// A map of these keys.
    Fields(&'static [Key]),
    /// A map of exactly one of these keys.
    Choice(&'static [Key]),
    /// These keys, and targets (`connection/…`, `number/…`, `trunk/…`, `sip:…`) with that.
    Targets(&'static [Key], &'static Self),
    /// A scalar of the first kind, or the second.
    Either(&'static Self, &'static Self),
    /// A list; one alone may stand without it.
    List(&'static Self),
    /// Any names, each with that.
    Named(&'static Self),
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc }
}

/// Targets of a bridge begin so.
pub(crate) const TARGETS: [&str; 5] = ["connection/", "number/", "trunk/", "sip:", "sips:"];

/// A test file.
pub(crate) static FILE: [Key; 9] = [
    key("flow", Kind::Text, "the flow that answers"),
    key("tests", Kind::List(&Kind::Fields(&TEST)), "the tests, each one call"),
    key("at", Kind::When, "when every test's call begins, unless the test says"),
    key("caller", Kind::Fields(&CALLER), "who calls in every test, unless the test says"),
    key("connection", Kind::Text, "the connection called in every test, unless the test says"),
    key("dial", Kind::Text, "what is dialled in every test, unless the test says"),
    key("mailbox", Kind::Text, "the mailbox of what is called in every test, unless the test says"),
    key("settings", Kind::Named(&Kind::Text), "settings in every test, under those of the test"),
    key("mock", MOCK, "the world outside every test, under that of the test"),
];

/// One test.
pub(crate) static TEST: [Key; 10] = [
    key("name", Kind::Text, "what it shows, as a sentence"),
    key("at", Kind::When, "when the call begins: date, time and zone; default 2026-11-02T10:15:00 UTC, a Monday"),
    key("caller", Kind::Fields(&CALLER), "who calls"),
    key("connection", Kind::Text, "the connection called: its settings and mailbox are those of the configuration"),
    key("dial", Kind::Text, "the number or user dialled"),
    key("mailbox", Kind::Text, "the mailbox of the connection or number called, if not that of the configuration; `none`: it has none"),
    key("settings", Kind::Named(&Kind::Text), "settings of the flow that the connection or number overrides"),
    key("mock", MOCK, "the world outside: devices, web servers, the recogniser, the network, mailboxes"),
    key("script", Kind::List(&Kind::Choice(&STEPS)), "what the caller does, step by step"),
    key("expect", Kind::Fields(&CLAIMS), "what is true when the call is over"),
];

static CALLER: [Key; 3] = [
    key("number", Kind::Text, "the caller's number; empty: withheld"),
    key("name", Kind::Text, "the caller's name"),
    key("connection", Kind::Text, "the connection that calls, when it is one of ours"),
];

/// Steps of a script.
pub(crate) static STEPS: [Key; 7] = [
    key("hear", Kind::Either(&Kind::Wanted, &Kind::Fields(&HEAR)), "wait until this is heard: a part of a text, /a pattern/, a prompt's name, a tone"),
    key("press", Kind::Either(&Kind::Keys, &Kind::Fields(&PRESS)), "press keys; a prompt that a key may stop must stop"),
    key("speak", Kind::Either(&Kind::Spoken, &Kind::Fields(&SPEAK)), "when what is heard is over, speak: for so long, or these words, which a transcript then has"),
    key("silence", Kind::Span, "say and press nothing for so long"),
    key("wait", Kind::Span, "let so much time pass"),
    key("hang_up", Kind::Flag, "hang up, or give up before the answer"),
    key("expect", Kind::Fields(&CLAIMS), "what is true now, or within two seconds"),
];

static HEAR: [Key; 7] = [
    key("say", Kind::Wanted, "a text that is spoken"),
    key("play", Kind::Wanted, "a sound file or URL"),
    key("tone", Kind::Word(&["beep", "ringing", "busy", "dial", "congestion"]), "a tone"),
    key("from", Kind::Wanted, "somebody at the far end speaking: connection/alice"),
    key("within", Kind::Span, "how long it may take; default 60s"),
    key("whole", Kind::Flag, "wait until it was heard to its end"),
    key("never_silent_for", Kind::Span, "no silence of this length may come before it"),
];

static PRESS: [Key; 2] = [
    key("keys", Kind::Keys, "the keys, one after the other"),
    key("interrupts", Kind::Flag, "whether what is heard must stop; default: if the flow lets this key stop it"),
];

static SPEAK: [Key; 3] = [
    key("for", Kind::Span, "how long"),
    key("words", Kind::Text, "what is said; without `for`, as long as that takes"),
    key("over", Kind::Flag, "speak over what is heard, instead of waiting for its end and the beep"),
];

/// The world outside.
const MOCK: Kind = Kind::Targets(&MOCKS, &DEVICE);

/// Mocks other than devices.
pub(crate) static MOCKS: [Key; 6] = [
    key("http", Kind::List(&Kind::Fields(&HTTP)), "web servers, tried in this order; a request that none answers fails the test"),
    key("transcript", Kind::List(&Kind::Text), "what the recogniser understands, message by message; default: the words that were spoken"),
    key("network", Kind::Fields(&NETWORK), "what the network does to the caller's packets"),
    key("mailbox", Kind::Named(&Kind::Either(&Kind::Word(&["full", "empty"]), &Kind::Fields(&MAILBOX))), "what mailboxes hold when the call begins"),
    key("conference", Kind::Named(&Kind::Either(&Kind::Word(&["full"]), &Kind::Fields(&CONFERENCE))), "who is in conferences when the caller comes"),
    key("queue", Kind::Named(&Kind::Word(&["full"])), "who is in queues when the caller comes"),
];

static HTTP: [Key; 3] = [
    key("get", Kind::Text, "URL of a GET; * stands for anything"),
    key("post", Kind::Text, "URL of a POST; * stands for anything"),
    key("reply", Kind::List(&Kind::Fields(&REPLY)), "the answer; of several, one after the other, the last again and again"),
];

static REPLY: [Key; 5] = [
    key("status", Kind::Count, "the status; default 200"),
    key("json", Kind::Any, "a body of JSON"),
    key("text", Kind::Text, "a body of text"),
    key("delay", Kind::Span, "how long it takes; default 20ms"),
    key("fail", Kind::Text, "no answer at all, and why: connection refused"),
];

static NETWORK: [Key; 3] = [
    key("loss", Kind::Percent, "packets lost"),
    key("jitter", Kind::Span, "up to so much more delay, each packet by itself"),
    key("delay", Kind::Span, "delay of every packet"),
];

static CONFERENCE: [Key; 1] = [key("host", Kind::Span, "a host, who leaves so long after the caller came")];

static MAILBOX: [Key; 1] = [key("messages", Kind::Count, "messages it holds")];

/// Words for a device.
pub(crate) const MANNERS: [&str; 5] = ["busy", "decline", "unreachable", "ring", "answer"];

/// What a device does: a word, or a map; a list: call by call.
static DEVICE: Kind = Kind::List(&Kind::Either(&Kind::Word(&MANNERS), &Kind::Fields(&MANNER)));

static MANNER: [Key; 5] = [
    key("ring", Kind::Span, "ring so long, then nobody answered"),
    key("answer", Kind::Span, "ring so long, then answer"),
    key("talk", Kind::Span, "after the answer: hang up after so long; default: never"),
    key("press", Kind::Keys, "after the answer: keys pressed, to accept the call"),
    key("press_after", Kind::Span, "how long after the answer; default 1s"),
];

/// What a test may expect.
pub(crate) static CLAIMS: [Key; 16] = [
    key("state", Kind::Text, "the state the flow is in, or was in last"),
    key("path", Kind::List(&Kind::Text), "every state, in order; those of a flow that it runs as flow/state; a state's inline states count as it, unless one is named"),
    key("ringing", Kind::List(&Kind::Text), "who rings, in any order; [] is nobody"),
    key("talking", Kind::List(&Kind::Text), "who has answered; [] is nobody"),
    key("answered", Kind::Flag, "whether the caller was answered"),
    key("over", Kind::Flag, "whether the call is over for the caller"),
    key("rescued", Kind::Flag, "whether something failed that no `then` names, so that the rescue path was taken"),
    key("vars", Kind::Named(&Kind::Shape), "variables of the flow"),
    key("result", Kind::Shape, "`result` of the last action"),
    key("recording", Kind::Either(&Kind::Range, &Kind::Fields(&RECORDING)), "a recording that was kept, and its length"),
    key("voicemail", Kind::List(&Kind::Either(&Kind::Word(&["none"]), &Kind::Fields(&VOICEMAIL))), "messages left, in order; none: `none`"),
    key("webhook", Kind::Fields(&WEBHOOK), "a webhook that was sent"),
    key("webhooks", Kind::List(&Kind::Fields(&WEBHOOK)), "webhooks sent, in this order; others may come between; [] is none at all"),
    key("http", Kind::List(&Kind::Fields(&REQUEST)), "web requests made, in this order; others may come between; [] is none at all"),
    key("ended_by", Kind::Wanted, "flow, caller, refused, failed, or a part of the record's words"),
    key("never_silent_for", Kind::Span, "there was no silence of this length"),
];

static RECORDING: [Key; 1] = [key("length", Kind::Range, "how long it is")];

static VOICEMAIL: [Key; 3] = [
    key("mailbox", Kind::Text, "where it was left"),
    key("length", Kind::Range, "how long it is"),
    key("transcript", Kind::Wanted, "what the recogniser understood"),
];

static WEBHOOK: [Key; 3] = [
    key("event", Kind::Text, "its event: saved, transcribed, full, or the name that `notify` gives"),
    key("url", Kind::Text, "where to; * stands for anything"),
    key("body", Kind::Shape, "its payload, or any map inside it"),
];

static REQUEST: [Key; 4] = [
    key("get", Kind::Text, "URL of a GET; * stands for anything"),
    key("post", Kind::Text, "URL of a POST; * stands for anything"),
    key("body", Kind::Shape, "what was sent"),
    key("status", Kind::Count, "the status that came back"),
];

// --- the JSON Schema ----------------------------------------------------------------------------------------------------------

/// The JSON Schema (2020-12) of test files, for editors.
#[must_use]
pub fn schema() -> Json {
    let mut schema = fields(&FILE, &["flow", "tests"], "");
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "callflow tests".into();
    schema
}

fn fields(keys: &[Key], required: &[&str], path: &str) -> Json {
    let properties: Map<String, Json> = keys
        .iter()
        .map(|key| {
            let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let mut schema = of_kind(&key.kind, &path);
            // A sentence may say the default itself.
            let holds = told(&key.kind);
            schema["title"] = path.into();
            schema["description"] = format!("{} ({holds})", key.doc).into();
            let examples = examples(&key.kind);
            if !examples.is_empty() {
                schema["examples"] = examples.into();
            }
            (key.name.to_owned(), schema)
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

/// Values as one would write them.
fn examples(kind: &Kind) -> Vec<Json> {
    match kind {
        Kind::Wanted => vec![json!("leave a message"), json!("/call me (back|again)/i")],
        Kind::Span => vec![json!("5s")],
        Kind::Spoken => vec![json!("6s"), json!("Please call me back.")],
        Kind::Range => vec![json!("5s..7s"), json!("6s")],
        Kind::Keys => vec![json!("1"), json!("#")],
        Kind::Percent => vec![json!("5%")],
        Kind::When => vec![json!("2026-11-02T10:15:00 Europe/London")],
        Kind::Shape => vec![json!({ "text": "/call me back/" })],
        Kind::List(item) | Kind::Either(item, _) => examples(item),
        Kind::Text
        | Kind::Word(_)
        | Kind::Flag
        | Kind::Count
        | Kind::Any
        | Kind::Fields(_)
        | Kind::Choice(_)
        | Kind::Targets(..)
        | Kind::Named(_) => Vec::new(),
    }
}

fn of_kind(kind: &Kind, path: &str) -> Json {
    match kind {
        Kind::Text | Kind::Wanted | Kind::Spoken | Kind::Keys => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Span => json!({ "type": "string", "pattern": "^[0-9.]+(ms|s|m|h|d)$" }),
        Kind::Range => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": ["boolean", "null"] }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Percent => json!({ "type": ["string", "number"] }),
        Kind::When => json!({ "type": "string" }),
        Kind::Shape | Kind::Any => json!({}),
        Kind::Fields(keys) => fields(keys, &[], path),
        Kind::Choice(keys) => {
            let mut one = fields(keys, &[], path);
            one["minProperties"] = 1.into();
            one["maxProperties"] = 1.into();
            let words: Vec<&str> = keys.iter().filter(|key| matches!(key.kind, Kind::Flag)).map(|key| key.name).collect();
            json!({ "anyOf": [one, { "enum": words }] })
        }
        Kind::Targets(keys, device) => {
            let mut open = fields(keys, &[], path);
            open["patternProperties"] = json!({ "^(connection/|number/|trunk/|sips?:)": of_kind(device, path) });
            open
        }
        Kind::Either(first, second) => json!({ "anyOf": [of_kind(first, path), of_kind(second, path)] }),
        Kind::List(item) => json!({ "anyOf": [of_kind(item, path), { "type": "array", "items": of_kind(item, path) }] }),
        Kind::Named(item) => json!({ "type": "object", "additionalProperties": of_kind(item, path) }),
    }
}

// --- the manual ---------------------------------------------------------------------------------------------------------------

/// The reference of test files as Markdown: one table for each map.
#[must_use]
pub fn manual() -> String {
    let mut text = String::new();
    for (title, keys) in [
        ("A test file", &FILE[..]),
        ("A test", &TEST),
        ("Steps of `script`", &STEPS),
        ("`hear` with more to say", &HEAR),
        ("`press` with more to say", &PRESS),
        ("`speak` with more to say", &SPEAK),
        ("`mock`", &MOCKS),
        ("`mock: http`", &HTTP),
        ("`reply`", &REPLY),
        ("`network`", &NETWORK),
        ("`mock: connection/NAME` (also `number/…`, `trunk/…`, `sip:…`, with `*` for anything)", &MANNER),
        ("`mock: conference`", &CONFERENCE),
        ("`expect`", &CLAIMS),
        ("`voicemail`", &VOICEMAIL),
        ("`webhooks`", &WEBHOOK),
        ("`http` expected", &REQUEST),
    ] {
        let _ = writeln!(text, "### {title}\n\n| key | holds | |\n| --- | --- | --- |");
        for key in keys {
            let _ = writeln!(text, "| `{}` | {} | {} |", key.name, told(&key.kind).replace('|', "\\|"), key.doc.replace('|', "\\|"));
        }
        text.push('\n');
    }
    text
}

/// What a kind holds, for messages and the manual.
pub(crate) fn told(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Wanted => "part of a text, or /pattern/".to_owned(),
        Kind::Span => "duration".to_owned(),
        Kind::Spoken => "duration or words".to_owned(),
        Kind::Range => "5s..7s, 5s.., ..7s or 6s".to_owned(),
        Kind::Word(words) => words.join(" | "),
        Kind::Keys => "keys".to_owned(),
        Kind::Flag => "true | false".to_owned(),
        Kind::Count => "whole number".to_owned(),
        Kind::Percent => "percent".to_owned(),
        Kind::When => "date, time and zone".to_owned(),
        Kind::Shape => "value; of a map, the keys named".to_owned(),
        Kind::Any => "JSON".to_owned(),
        Kind::Fields(_) | Kind::Targets(..) => "map".to_owned(),
        Kind::Choice(_) => "map of one key".to_owned(),
        Kind::Either(first, second) => format!("{}, or {}", told(first), told(second)),
        Kind::List(item) => format!("list of {}", told(item)),
        Kind::Named(item) => format!("names, each with {}", told(item)),
    }
}
