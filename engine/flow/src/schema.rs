//! The JSON Schema (2020-12) of flow files, from the catalogue: editors complete and explain every key by it.

use crate::{
    catalogue::{ACTIONS, Action, Need, Param},
    sections::TYPES,
    value::{ITEM_KEYS, Kind, TARGET, TONES, wanted},
};
use notation::{SPAN_PATTERN, Shape, schema_of, value_of};
use serde_json::{Map, Value as Json, json};

/// Text that holds an expression: its value is known only in the call.
const EXPRESSION: &str = "\\$\\{";

/// The JSON Schema of flow files.
#[must_use]
pub fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "callflow flow",
        "description": "A set of states: each does one action and says where to go. docs/language.md explains it.",
        "type": "object",
        "additionalProperties": false,
        "properties": top(),
        "$defs": {
            "body": { "oneOf": [reference("state"), { "type": "array", "items": reference("state"), "minItems": 1 }] },
            "state": { "type": "object", "additionalProperties": false, "properties": state(), "allOf": outcomes() },
            "target": { "description": "a state, end, or a state written here", "oneOf": [{ "type": "string" }, reference("state"), { "type": "array", "items": reference("state"), "minItems": 1 }] },
            "condition": closed(&[("if", described(json!({ "type": ["string", "boolean"] }), "if", "an expression that is true or false; without ${ }", &[json!("now.hour < 12")])), ("then", reference("branch"))], &["if", "then"]),
            "branch": { "anyOf": [reference("target"), { "type": "array", "items": { "anyOf": [reference("target"), reference("condition")] } }] },
            "then": { "anyOf": [reference("branch"), { "type": "object", "additionalProperties": reference("branch") }] },
            "prompt": { "anyOf": [scalar(), reference("sound"), { "type": "array", "items": { "anyOf": [scalar(), reference("sound")] } }] },
            "sound": closed(&sound(), &[]),
            "targets": { "anyOf": [{ "type": "string" }, of_fields("target", TARGET), { "type": "array", "items": reference("targets") }] },
        },
    })
}

/// Keys of a flow file.
fn top() -> Json {
    let names = TYPES.map(|(name, _)| name);
    let declared = |what: &str| {
        let long = closed(
            &[
                ("type", described(json!({ "enum": names }), "type", "what it holds; default text", &[])),
                ("default", described(scalar(), "default", "its value when nobody gives another", &[])),
                ("description", described(json!({ "type": "string" }), "description", "what it is for", &[])),
            ],
            &[],
        );
        json!({ "title": what, "type": "object", "additionalProperties": { "anyOf": [scalar(), long] } })
    };
    let text = || json!({ "type": "string" });
    let state = |name: &str, doc: &str| described(text(), name, doc, &[json!("welcome")]);
    let mut settings = declared("settings");
    settings["description"] = "typed values that a connection or number may override; read as settings.NAME".into();
    settings["examples"] = json!([{ "ring_for": { "type": "duration", "default": "20s" } }]);
    let mut vars = declared("vars");
    vars["description"] = "typed values that states change with set:; read by their name".into();
    vars["examples"] = json!([{ "box": { "type": "text", "default": "sales" } }]);
    let speech = closed(
        &[
            ("language", described(text(), "speech.language", "BCP 47 tag of what is said", &[json!("en-GB")])),
            ("voice", described(text(), "speech.voice", "voice; default: the language's first", &[])),
        ],
        &[],
    );
    let hours = schema_of(&Shape::Named(&Shape::Fields(crate::hours::HOURS)), "hours");
    let languages = json!({ "type": "object", "propertyNames": { "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$" }, "additionalProperties": reference("prompt") });
    let prompts = json!({ "type": "object", "additionalProperties": { "anyOf": [reference("prompt"), languages] } });
    let states = json!({ "type": "object", "additionalProperties": reference("body") });
    json!({
        "flow": described(text(), "flow", "the flow's name; default: the file's", &[json!("reception")]),
        "description": described(text(), "description", "what it is for, for people", &[]),
        "use": described(json!({ "anyOf": [text(), { "type": "array", "items": text() }] }), "use", "files whose hours, prompts and states are included", &[json!("common.yaml")]),
        "speech": described(speech, "speech", "how the flow speaks where a prompt does not say", &[json!({ "language": "en-GB" })]),
        "zone": described(text(), "zone", "IANA time zone of now; default UTC", &[json!("Europe/London")]),
        "settings": settings,
        "hours": described(hours, "hours", "opening hours, asked for with open(\"NAME\")", &[json!({ "office": { "zone": "Europe/London", "open": { "mon-fri": "09:00-17:30" } } })]),
        "prompts": described(prompts, "prompts", "sounds and texts with a name, used as prompt/NAME; a map of languages (en, de-AT) says them in each", &[json!({ "goodbye": { "en": "Goodbye.", "de": "Auf Wiederhören." } })]),
        "vars": vars,
        "start": state("start", "the state that a call begins with"),
        "rescue": state("rescue", "the state for every failure that no then names; default: an apology, then voicemail or 480"),
        "caller_left": state("caller_left", "the state run after the caller hung up: http, notify and set only"),
        "states": described(states, "states", "the states by name", &[json!({ "hello": { "say": "Hello.", "then": "end" } })]),
    })
}

/// Keys of a state: every action, and what stands beside it.
fn state() -> Map<String, Json> {
    let mut state: Map<String, Json> = ACTIONS.iter().map(|action| (action.name.to_owned(), of_action(action))).collect();
    let values = || json!({ "type": "object" });
    let run = json!({ "anyOf": [{ "type": "string" }, closed(&[("flow", described(json!({ "type": "string" }), "run.flow", "the flow's name", &[json!("check-pin")])), ("with", described(values(), "run.with", "settings given to it", &[]))], &["flow"])] });
    let text = |name: &str, doc: &str, example: &str| described(json!({ "type": "string" }), name, doc, &[json!(example)]);
    let script = closed(
        &[
            ("call", text("script.call", "the script's name or file", "quote.rhai")),
            ("function", text("script.function", "its function; default: main", "price")),
            ("with", described(json!({}), "script.with", "what comes after line: a list of values, or one map", &[json!([5])])),
        ],
        &["call"],
    );
    let script = json!({ "anyOf": [{ "type": "string" }, script] });
    let outcome = text("return.outcome", "the outcome that the caller's then names", "sold");
    let back = json!({ "anyOf": [{ "type": ["string", "number"] }, { "type": "object", "properties": { "outcome": outcome }, "required": ["outcome"] }] });
    let beside = [
        ("run", run, "run another flow as a subroutine; its outcomes are its return: names", json!("check-pin")),
        ("script", script, "call a function of a script; its outcomes are the texts that the function returns", json!({ "call": "quote.rhai", "function": "price" })),
        ("with", json!({}), "settings given to the flow that run names, or values for the function that script calls", json!({ "ring_for": "10s" })),
        ("return", back, "go back to the flow that ran this one, with this outcome; what stands beside outcome is its result", json!("ok")),
        ("set", values(), "variables to set before the action; language is the call's", json!({ "box": "support" })),
        ("then", reference("then"), "where to go: a target, outcomes to targets with else, or a list of conditions", json!("end")),
    ];
    for (name, schema, doc, example) in beside {
        state.insert(name.to_owned(), described(schema, name, doc, &[example]));
    }
    state
}

/// For each action, the outcomes that its `then` may name.
fn outcomes() -> Vec<Json> {
    let ends = |action: &&&Action| !action.outcomes.is_empty();
    let by_action = ACTIONS.iter().filter(ends).map(|action| {
        let mut named: Map<String, Json> = action.outcomes.iter().map(|name| ((*name).to_owned(), reference("branch"))).collect();
        named.insert("else".to_owned(), described(reference("branch"), "else", "for every outcome that is not named", &[]));
        let mut map = json!({ "type": "object", "additionalProperties": false, "properties": named });
        if action.keys_are_outcomes {
            map["patternProperties"] = json!({ "^[0-9*#A-D]{1,8}$": reference("branch") });
        }
        json!({ "if": { "required": [action.name] }, "then": { "properties": { "then": { "anyOf": [reference("branch"), map] } } } })
    });
    by_action.collect()
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn scalar() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

fn described(mut schema: Json, title: &str, doc: &str, examples: &[Json]) -> Json {
    schema["title"] = title.into();
    schema["description"] = doc.into();
    if !examples.is_empty() {
        schema["examples"] = examples.into();
    }
    schema
}

fn closed(properties: &[(&str, Json)], required: &[&str]) -> Json {
    let properties: Map<String, Json> = properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

/// Keys of an item of a prompt.
fn sound() -> Vec<(&'static str, Json)> {
    let span = || json!({ "type": "string", "pattern": SPAN_PATTERN });
    let of = |key: &'static str| match key {
        "play" => described(json!({ "anyOf": [{ "type": "string" }, { "type": "array" }] }), key, "a file of the prompts folder or a URL", &[json!("welcome.wav")]),
        "say" => described(json!({ "anyOf": [scalar(), { "type": "array", "items": scalar() }] }), key, "text to speech", &[json!("Hello.")]),
        "tone" => described(json!({ "enum": TONES.map(|(name, _)| name) }), key, "a tone", &[]),
        "silence" => described(span(), key, "silence of this length", &[json!("500ms")]),
        "ring" => described(span(), key, "ringing tone of this length", &[json!("4s")]),
        other => described(json!({}), other, "a sound", &[]),
    };
    let voice = described(json!({ "type": "string" }), "voice", "voice of what is said", &[]);
    let language = described(json!({ "type": "string" }), "language", "language of what is said", &[json!("en-GB")]);
    ITEM_KEYS.into_iter().map(|key| (key, of(key))).chain([("voice", voice), ("language", language)]).collect()
}

fn of_action(action: &Action) -> Json {
    let mut forms = vec![of_fields(action.name, action.params)];
    if let Some(param) = action.main.and_then(|main| action.params.iter().find(|param| param.name == main)) {
        forms.push(of_kind(action.name, &param.kind));
    }
    let optional = action.params.iter().all(|param| !matches!(param.need, Need::Required));
    if optional {
        forms.push(json!({ "type": "null" }));
    }
    described(json!({ "anyOf": forms }), action.name, &told(action), &[])
}

/// An action in a few sentences.
fn told(action: &Action) -> String {
    let outcomes = match (action.keys_are_outcomes, action.outcomes) {
        (true, outcomes) => format!(" Outcomes: each key, {}.", outcomes.join(", ")),
        (false, []) => " Ends the flow.".to_owned(),
        (false, outcomes) => format!(" Outcomes: {}.", outcomes.join(", ")),
    };
    let result = if action.fields.is_empty() { String::new() } else { format!(" Result: {}.", action.fields.join(", ")) };
    format!("{}.{outcomes}{result}", action.summary)
}

fn of_fields(path: &str, params: &'static [Param]) -> Json {
    let mut properties = Map::new();
    for param in params {
        let path = format!("{path}.{}", param.name);
        let mut schema = described(of_kind(&path, &param.kind), &path, &explained(param), &examples(param));
        if let Need::Default(text) = param.need {
            schema["default"] = value_of(text);
        }
        properties.insert(param.name.to_owned(), schema);
    }
    let required: Vec<&str> = params.iter().filter(|param| matches!(param.need, Need::Required)).map(|param| param.name).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

/// The fields of a structured parameter; with a `prompt` among them, `say:` and `play:` may stand in the map directly.
fn of_inner(path: &str, params: &'static [Param]) -> Json {
    let mut map = of_fields(path, params);
    if params.iter().any(|param| param.name == "prompt") {
        for (name, schema) in sound() {
            map["properties"][name] = schema;
        }
        if let Some(required) = map["required"].as_array_mut() {
            required.retain(|name| name != "prompt");
        }
    }
    map
}

/// A parameter in one sentence: what it says, what its values are, what it is when left out.
pub(crate) fn explained(param: &Param) -> String {
    let plain = matches!(param.kind, Kind::Prompt | Kind::Say | Kind::Any | Kind::Fields(_) | Kind::Line | Kind::Targets);
    let wanted = wanted(&param.kind);
    let values = if plain { String::new() } else { format!(" ({})", wanted.split(", such as").next().unwrap_or(&wanted)) };
    match param.need {
        Need::Required => format!("{}{values}. Required.", param.doc),
        Need::Optional => format!("{}{values}.", param.doc),
        Need::Default(text) => format!("{}{values}. Default: {text}.", param.doc),
    }
}

/// Values as one would write them.
fn examples(param: &Param) -> Vec<Json> {
    match param.kind {
        Kind::Line | Kind::Bool | Kind::Word(_) | Kind::Int(..) | Kind::Fields(_) => Vec::new(),
        Kind::Words(words) => vec![json!(words)],
        Kind::Url => vec![json!("https://crm.example/hooks")],
        Kind::Mailbox => vec![json!("sales")],
        Kind::Span(from, to) => {
            let good = [500, 2_000, 20_000, 3_600_000, 30 * 86_400_000].into_iter().filter(|ms| (from..=to).contains(ms));
            good.take(2).map(|ms| terms::spell_span(std::time::Duration::from_millis(ms)).into()).collect()
        }
        Kind::Key => vec![json!("#"), json!("none")],
        Kind::KeyList => vec![json!(["1", "2", "*"])],
        Kind::Dtmf => vec![json!("1w2")],
        Kind::Prompt => vec![json!("Please wait."), json!({ "play": "welcome.wav" }), json!([{ "play": "welcome.wav" }, { "say": "Press 1." }])],
        Kind::Say => vec![json!("Hello."), json!(["Hello.", { "silence": "500ms" }, { "play": "welcome.wav" }])],
        Kind::Headers => vec![json!({ "X-Account": "${caller.number}" })],
        Kind::Any => vec![json!({ "caller": "${caller.number}" })],
        Kind::Targets => vec![json!("connection/alice"), json!(["connection/alice", "number/+442071838750"])],
        Kind::Pattern => vec![json!("[0-9]{4}")],
    }
}

fn of_kind(path: &str, kind: &Kind) -> Json {
    let expression = json!({ "type": "string", "pattern": EXPRESSION });
    match kind {
        Kind::Line | Kind::Pattern => scalar(),
        Kind::Url => json!({ "type": "string", "pattern": format!("^https?://|{EXPRESSION}") }),
        Kind::Mailbox | Kind::Key | Kind::Dtmf => json!({ "type": ["string", "number"] }),
        Kind::Span(..) => json!({ "type": "string", "pattern": SPAN_PATTERN }),
        Kind::Int(from, to) => json!({ "anyOf": [{ "type": "integer", "minimum": from, "maximum": to }, expression] }),
        Kind::Bool => json!({ "anyOf": [{ "type": "boolean" }, expression] }),
        Kind::Word(words) => json!({ "anyOf": [{ "enum": words }, expression] }),
        Kind::Words(words) => json!({ "anyOf": [{ "type": "array", "items": { "enum": words } }, { "enum": words }] }),
        Kind::KeyList => json!({ "type": "array", "items": { "type": ["string", "number"] } }),
        Kind::Prompt | Kind::Say => reference("prompt"),
        Kind::Headers => json!({ "type": "object", "additionalProperties": scalar() }),
        Kind::Any => json!({}),
        Kind::Targets => reference("targets"),
        Kind::Fields(params) => json!({ "anyOf": [of_inner(path, params), { "type": "boolean" }] }),
    }
}
