//! The parts of a flow file before its states: hours, settings, variables, speech, zone.

use crate::{
    compile::Compiler,
    engine::is_reserved,
    hours::Hours,
    program::{Declared, Speech},
    prompts::is_language,
    template::ROOTS,
    value::{Findings, Kind, Raw, Value, read},
};
use notation::{Kind as Shape, Map, Node, nearest};
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};

/// Types of settings and variables.
pub(crate) const TYPES: [(&str, Kind); 5] = [
    ("text", Kind::Any),
    ("number", Kind::Int(-1_000_000_000_000, 1_000_000_000_000)),
    ("boolean", Kind::Bool),
    ("duration", Kind::Span(0, 3_650 * 86_400_000)),
    ("url", Kind::Url),
];

impl Compiler<'_> {
    pub(crate) fn hours(&mut self, files: &[Map]) -> BTreeMap<String, Arc<Hours>> {
        let mut hours = self.world.hours.clone();
        let mut own: BTreeMap<String, (usize, notation::Span)> = BTreeMap::new();
        for (file, map) in files.iter().enumerate() {
            let Some(node) = map.get("hours") else { continue };
            let Some(named) = self.reader(file).any_map(node, "hours by name") else { continue };
            for entry in named.entries() {
                if let Some((other, at)) = own.get(&entry.key.text) {
                    let place = self.place(*other, *at);
                    self.reader(file).error("clash", entry.key.span, format!("there are hours `{}` already, in {place}", entry.key.text));
                    continue;
                }
                own.insert(entry.key.text.clone(), (file, entry.key.span));
                if let Some(read) = Hours::read(&entry.value, &mut self.readers[file], self.calendars) {
                    hours.insert(entry.key.text.clone(), Arc::new(read));
                }
            }
        }
        hours
    }

    pub(crate) fn declared(&mut self, map: Map, key: &str, what: &str) -> Vec<Declared> {
        let mut found = Vec::new();
        let Some(node) = map.get(key) else { return found };
        let Some(entries) = self.reader(0).any_map(node, key) else { return found };
        for entry in entries.entries() {
            let (name, span) = (entry.key.text.clone(), entry.key.span);
            if is_reserved(&name) || ROOTS.contains(&name.as_str()) || name == "open" {
                self.reader(0)
                    .error("reserved-name", span, format!("`{name}` cannot be the name of a {what}"))
                    .help("use a-z, 0-9 and _, and no word that the expression language keeps for itself");
                // It stays known, so that those who use it are not blamed.
                found.push(Declared { name, kind: Kind::Any, default: Json::Null });
                continue;
            }
            if matches!(entry.value.kind, Shape::Scalar(..)) {
                let default = entry.value.as_text().unwrap_or_default();
                found.push(Declared { name, kind: Kind::Any, default: default.into() });
                continue;
            }
            let Some(map) = self.reader(0).map(&entry.value, &format!("a {what}"), &["type", "default", "description"]) else {
                found.push(Declared { name, kind: Kind::Any, default: Json::Null });
                continue;
            };
            let words = TYPES.map(|(name, _)| name);
            let kind = match map.get("type") {
                Some(node) => self.reader(0).one_of(node, &words).and_then(|word| TYPES.iter().find(|(name, _)| *name == word)),
                None => TYPES.first(),
            };
            let Some((_, kind)) = kind else {
                found.push(Declared { name, kind: Kind::Any, default: Json::Null });
                continue;
            };
            let default = match map.entry("default").map(|entry| &entry.value) {
                Some(node) => {
                    let raw = raw(node);
                    let mut findings = Findings::default();
                    let value = typed(kind, &raw, &mut findings);
                    self.report(0, node, None, findings);
                    value.unwrap_or(Json::Null)
                }
                None if what == "setting" => {
                    self.reader(0).error("missing-field", span, format!("setting `{name}` needs a default"));
                    Json::Null
                }
                None if matches!(kind, Kind::Int(..)) => 0.into(),
                None if matches!(kind, Kind::Bool) => false.into(),
                None if matches!(kind, Kind::Span(..)) => "0s".into(),
                None => "".into(),
            };
            found.push(Declared { name, kind: *kind, default });
        }
        found
    }

    pub(crate) fn speech(&mut self, map: Map) -> Speech {
        let Some(node) = map.get("speech") else { return Speech::default() };
        let Some(map) = self.reader(0).map(node, "speech", &["language", "voice"]) else { return Speech::default() };
        let text = |key: &str| map.get(key).and_then(Node::as_text).map(str::to_owned);
        if let (Some(node), Some(tag)) = (map.get("language"), text("language"))
            && !is_language(&tag) {
                self.reader(0).error("wrong-type", node.span, format!("{tag:?} is no language")).help("write a tag such as en, en-GB or de");
            }
        Speech { language: text("language"), voice: text("voice").filter(|voice| voice != "default") }
    }

    pub(crate) fn zone(&mut self, map: Map) -> jiff::tz::TimeZone {
        let Some(node) = map.get("zone") else { return jiff::tz::TimeZone::UTC };
        let name = node.as_text().unwrap_or_default();
        jiff::tz::TimeZone::get(name).unwrap_or_else(|_| {
            self.reader(0).error("wrong-type", node.span, format!("unknown time zone {name:?}")).help(zone_help(name));
            jiff::tz::TimeZone::UTC
        })
    }
}

/// What to write instead of a time zone that is none.
pub(crate) fn zone_help(name: &str) -> String {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    nearest(name, names.iter().map(String::as_str)).map_or_else(|| "use an IANA name such as Europe/London or America/New_York".to_owned(), |near| format!("did you mean `{near}`?"))
}

/// A plain node as a raw value.
pub(crate) fn raw(node: &Node) -> Raw {
    match &node.kind {
        Shape::Null => Raw::Null,
        Shape::Scalar(text, _) => Raw::Text(text.clone()),
        Shape::List(items) => Raw::List(items.iter().map(raw).collect()),
        Shape::Map(entries) => Raw::Map(entries.iter().map(|entry| (entry.key.text.clone(), raw(&entry.value))).collect()),
    }
}

/// A setting's or variable's value: text stays as it is, others are checked; durations keep their spelling.
pub(crate) fn typed(kind: &Kind, raw: &Raw, findings: &mut Findings) -> Option<Json> {
    if matches!(kind, Kind::Any) {
        return match raw {
            Raw::Text(text) => Some(text.clone().into()),
            Raw::Unknown => Some(Json::Null),
            Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::List(_) | Raw::Map(_) => raw.text().map(Json::from).or_else(|| Some(raw.json())),
        };
    }
    let value = read(kind, raw, findings)?;
    Some(if let Value::Int(value) = value {
        value.into()
    } else if let Value::Bool(value) = value {
        value.into()
    } else if let Value::Span(span) = value {
        terms::spell_span(span).into()
    } else if let Value::Text(text) = value {
        text.into()
    } else {
        Json::Null
    })
}
