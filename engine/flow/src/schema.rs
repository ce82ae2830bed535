//! The JSON Schema (2020-12) of flow files, from the catalogue: editors complete and explain every key by it.

use crate::{
    catalogue::{ACTIONS, Action, Need, Param},
    sections::TYPES,
    value::{Kind, TONES, wanted},
};
use serde_json::{Map, Value as Json, json};

/// The JSON Schema of flow files.
#[must_use]
pub fn schema() -> Json {
    let mut state = Map::new();
    for action in ACTIONS {
        state.insert(action.name.to_owned(), of_action(action));
    }
    state.insert("run".to_owned(), json!({ "description": "run another flow as a subroutine; its outcomes are its `return:` names", "oneOf": [{ "type": "string" }, closed(&[("flow", json!({ "type": "string" })), ("with", json!({ "type": "object" }))], &["flow"])] }));
    state.insert("script".to_owned(), json!({ "description": "call a function of a script; its outcomes are the texts that the function returns", "oneOf": [{ "type": "string" }, closed(&[
        ("call", json!({ "type": "string", "description": "the script's name or file" })),
        ("function", json!({ "type": "string", "description": "its function; default: main" })),
        ("with", json!({ "description": "what comes after `line`: a list of values, or one map" })),
    ], &["call"])] }));
    state.insert("with".to_owned(), json!({ "description": "settings given to the flow that `run` names, or values for the function that `script` calls", "type": ["object", "array"] }));
    state.insert("return".to_owned(), json!({ "description": "go back to the flow that ran this one, with this outcome; what stands beside `outcome` is its result", "oneOf": [{ "type": "string" }, { "type": "object", "properties": { "outcome": { "type": "string" } }, "required": ["outcome"] }] }));
    state.insert("set".to_owned(), json!({ "description": "variables to set before the action; `language` is the call's", "type": "object" }));
    state.insert("then".to_owned(), json!({ "$ref": "#/$defs/then" }));
    let names = TYPES.map(|(name, _)| name);
    let declared = json!({ "type": "object", "additionalProperties": { "oneOf": [scalar(), closed(&[("type", json!({ "enum": names })), ("default", scalar()), ("description", json!({ "type": "string" }))], &[])] } });
    let target = json!({ "description": "a state, end, or a state written here", "oneOf": [{ "type": "string" }, { "$ref": "#/$defs/state" }] });
    let condition = closed(&[("if", json!({ "type": ["string", "boolean"], "description": "an expression; no ${ }" })), ("then", json!({ "$ref": "#/$defs/branch" }))], &["if", "then"]);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "callflow flow",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "flow": { "type": "string", "description": "the flow's name; default: the file's" },
            "description": { "type": "string" },
            "use": { "description": "files whose hours, prompts and states are included", "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
            "speech": closed(&[("language", json!({ "type": "string", "description": "BCP 47 tag such as en-GB" })), ("voice", json!({ "type": "string" }))], &[]),
            "zone": { "type": "string", "description": "IANA time zone of `now`; default UTC" },
            "settings": declared,
            "vars": declared,
            "prompts": { "description": "sounds and texts with a name, used as prompt/NAME; a map of languages (en, de-AT) says them in each", "type": "object", "additionalProperties": { "anyOf": [{ "$ref": "#/$defs/prompt" }, { "type": "object", "propertyNames": { "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$" }, "additionalProperties": { "$ref": "#/$defs/prompt" } }] } },
            "hours": { "type": "object", "additionalProperties": closed(&[
                ("zone", json!({ "type": "string", "description": "IANA time zone" })),
                ("open", json!({ "type": "object", "description": "days or dates to times: mon-fri: \"09:00-17:30\", 12-24: \"09:00-12:00\"" })),
                ("closed", json!({ "description": "dates: 2026-12-25, 2026-12-24..2027-01-02, 12-25 for every year; calendar files: holidays.ics", "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })),
            ], &["zone", "open"]) },
            "start": { "type": "string", "description": "the state that a call begins with" },
            "rescue": { "type": "string", "description": "the state for every failure that no `then` names" },
            "caller_left": { "type": "string", "description": "the state run after the caller hung up: http, notify and set only" },
            "states": { "type": "object", "additionalProperties": { "$ref": "#/$defs/body" } },
        },
        "$defs": {
            "body": { "oneOf": [{ "$ref": "#/$defs/state" }, { "type": "array", "items": { "$ref": "#/$defs/state" } }] },
            "state": { "type": "object", "additionalProperties": false, "properties": state },
            "target": target,
            "branch": { "oneOf": [{ "$ref": "#/$defs/target" }, { "type": "array", "items": { "anyOf": [{ "$ref": "#/$defs/target" }, condition] } }] },
            "then": { "description": "where to go: a target, outcomes to targets with else, or a list of conditions", "anyOf": [{ "$ref": "#/$defs/branch" }, { "type": "object", "additionalProperties": { "$ref": "#/$defs/branch" } }] },
            "prompt": { "description": "a text, a file, a URL, or a list of them", "anyOf": [scalar(), { "$ref": "#/$defs/sound" }, { "type": "array", "items": { "anyOf": [scalar(), { "$ref": "#/$defs/sound" }] } }] },
            "sound": sound(),
        },
    })
}

fn scalar() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

fn closed(properties: &[(&str, Json)], required: &[&str]) -> Json {
    let properties: Map<String, Json> = properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn sound() -> Json {
    let tones = TONES.map(|(name, _)| name);
    closed(
        &[
            ("play", json!({ "description": "a file of the prompts folder or a URL", "anyOf": [{ "type": "string" }, { "type": "array" }] })),
            ("say", json!({ "description": "text to speech", "anyOf": [scalar(), { "type": "array" }] })),
            ("voice", json!({ "type": "string" })),
            ("language", json!({ "type": "string" })),
            ("tone", json!({ "enum": tones })),
            ("silence", json!({ "type": "string" })),
            ("ring", json!({ "type": "string" })),
        ],
        &[],
    )
}

fn of_action(action: &Action) -> Json {
    let mut forms = vec![of_fields(action.params)];
    if let Some(param) = action.main.and_then(|main| action.params.iter().find(|param| param.name == main)) {
        forms.push(of_kind(&param.kind));
    }
    let optional = action.params.iter().all(|param| !matches!(param.need, Need::Required));
    if optional {
        forms.push(json!({ "type": "null" }));
    }
    let outcomes = match (action.keys_are_outcomes, action.outcomes) {
        (true, outcomes) => format!(" Outcomes: each key, {}.", outcomes.join(", ")),
        (false, []) => " Ends the flow.".to_owned(),
        (false, outcomes) => format!(" Outcomes: {}.", outcomes.join(", ")),
    };
    let result = if action.fields.is_empty() { String::new() } else { format!(" Result: {}.", action.fields.join(", ")) };
    json!({ "description": format!("{}.{outcomes}{result}", action.summary), "anyOf": forms })
}

fn of_fields(params: &'static [Param]) -> Json {
    let mut properties = Map::new();
    let inline = params.iter().any(|param| param.name == "prompt" && matches!(param.need, Need::Required)) && params.len() == 3;
    for param in params {
        let mut schema = of_kind(&param.kind);
        let default = match param.need {
            Need::Default(text) => format!(" (default {text})"),
            Need::Required | Need::Optional => String::new(),
        };
        schema["description"] = format!("{}{default}", param.doc).into();
        properties.insert(param.name.to_owned(), schema);
    }
    if inline
        && let Json::Object(sounds) = sound()["properties"].take() {
            properties.extend(sounds);
        }
    let required: Vec<&str> = params.iter().filter(|param| matches!(param.need, Need::Required) && !(inline && param.name == "prompt")).map(|param| param.name).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn of_kind(kind: &Kind) -> Json {
    let expression = json!({ "type": "string", "pattern": "\\$\\{" });
    match kind {
        Kind::Line | Kind::Url | Kind::Mailbox | Kind::Span(..) | Kind::Pattern => json!({ "type": "string" }),
        Kind::Key | Kind::Dtmf => json!({ "type": ["string", "number"] }),
        Kind::Int(from, to) => json!({ "anyOf": [{ "type": "integer", "minimum": from, "maximum": to }, expression] }),
        Kind::Bool => json!({ "anyOf": [{ "type": "boolean" }, expression] }),
        Kind::Word(words) => json!({ "anyOf": [{ "enum": words }, expression] }),
        Kind::Words(words) => json!({ "anyOf": [{ "type": "array", "items": { "enum": words } }, { "enum": words }] }),
        Kind::KeyList => json!({ "type": "array", "items": { "type": ["string", "number"] } }),
        Kind::Prompt | Kind::Say => json!({ "$ref": "#/$defs/prompt" }),
        Kind::Headers => json!({ "type": "object", "additionalProperties": scalar() }),
        Kind::Any => json!({}),
        Kind::Targets => json!({ "examples": [wanted(kind)], "type": ["string", "array", "object"] }),
        Kind::Fields(params) => json!({ "anyOf": [of_fields(params), { "type": "boolean" }] }),
    }
}
