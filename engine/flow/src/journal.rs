//! What a run did, step by step: for the timeline, for coverage, and to run the same call again.
//!
//! Nothing secret is in it: values of the configuration's secrets and digits of a `collect` with `secret: true` are masked wherever
//! they turn up.

use crate::effect::Effect;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::BTreeMap, time::Duration};
use terms::{Secret, UnixMs, spell_span};

/// Stands where a secret stood.
pub(crate) const MASK: &str = "(secret)";
/// Secrets shorter than this are masked only where they are the whole value: inside longer texts they would hit by chance.
const MASKED_INSIDE_CHARS: usize = 4;

/// Where a run is, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Flow name.
    pub flow: String,
    /// State name (inline states: `message.full`; list items: `welcome[1]`); in a script the call's line, `line 12`
    /// (`line 12:30` for a further call in that line). The same as in [`crate::Outline`].
    pub state: String,
    /// Action being done; empty between actions and in states without one. `run`, `script` and `return` are told like actions.
    pub action: Cow<'static, str>,
}

/// One line of the journal: a state entered, what it asked for, and where it led.
///
/// States without an effect (conditions, `set`, `run`, `script`, `return`) have their lines too, so that all of the way is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Where it came from.
    pub place: Place,
    /// The effect, secrets masked, short: `menu keys 1 2 *`; empty where there is none.
    pub effect: String,
    /// All parameters of the effect by name, secrets masked, durations as `5s`; `None`: this line has no effect.
    pub asked: Option<Json>,
    /// When the state was entered.
    pub began: UnixMs,
    /// The outcome's name; `None` while it is awaited, and in states that only decide.
    pub outcome: Option<String>,
    /// The outcome's result fields, secrets masked.
    pub result: Json,
    /// Why it failed, when it failed in a way that is none of its outcomes; the rescue path was taken.
    pub failure: Option<String>,
    /// When the outcome came.
    pub at: Option<UnixMs>,
    /// Which arm of the state's `then` was taken: an index into [`crate::OutlineState::arms`].
    pub arm: Option<usize>,
    /// Where that led: a state's name, or `end`.
    pub to: Option<String>,
}

/// What must not be told.
#[derive(Debug)]
pub(crate) struct Masks<'m> {
    pub(crate) secrets: &'m BTreeMap<String, Secret<String>>,
    /// Digits that a caller keyed in secret.
    pub(crate) keyed: &'m [Secret<String>],
}

impl Masks<'_> {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.secrets.values().chain(self.keyed).map(|secret| secret.expose().as_str()).filter(|secret| !secret.is_empty())
    }
    /// The text with every secret hidden.
    pub(crate) fn text(&self, text: String) -> String {
        self.all().fold(text, |text, secret| {
            if text == secret {
                MASK.to_owned()
            } else if secret.chars().count() >= MASKED_INSIDE_CHARS && text.contains(secret) {
                text.replace(secret, MASK)
            } else {
                text
            }
        })
    }
    /// The value with every secret in it hidden; numbers that spell a secret too.
    pub(crate) fn json(&self, value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(text)),
            Json::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Json::Object(map) => match span_of(&map) {
                Some(span) => spell_span(span).into(),
                None => {
                    // The PIN of a conference or a mailbox is no secret of the configuration, but one all the same.
                    let is_pin = |key: &str, value: &Json| value.is_string() && (key == "pin" || key.ends_with("_pin"));
                    let masked = |(key, value): (String, Json)| if is_pin(&key, &value) { (key, MASK.into()) } else { (self.text(key), self.json(value)) };
                    Json::Object(map.into_iter().map(masked).collect())
                }
            },
            Json::Number(number) => {
                let text = number.to_string();
                if self.all().any(|secret| secret == text) { MASK.into() } else { Json::Number(number) }
            }
            Json::Null | Json::Bool(_) => value,
        }
    }
}

/// The form in which serde writes a [`Duration`].
fn span_of(map: &serde_json::Map<String, Json>) -> Option<Duration> {
    match (map.len(), map.get("secs").and_then(Json::as_u64), map.get("nanos").and_then(Json::as_u64)) {
        (2, Some(seconds), Some(nanos)) => Some(Duration::new(seconds, u32::try_from(nanos).ok()?)),
        _ => None,
    }
}

/// All parameters of an effect by name, secrets masked.
pub(crate) fn asked(effect: &Effect, masks: &Masks) -> Json {
    let inner = match serde_json::to_value(effect) {
        Ok(Json::Object(map)) => map.into_iter().next().map(|(_, inner)| inner).unwrap_or_default(),
        Ok(_) | Err(_) => Json::Null,
    };
    match masks.json(inner) {
        Json::Null => serde_json::json!({}),
        map @ Json::Object(_) => map,
        // `pause` is a span alone.
        length @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => serde_json::json!({ "length": length }),
    }
}
