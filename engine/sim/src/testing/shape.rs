//! Comparing a value with what a test names of it: of a map the keys that are named, of a text a pattern too.

use super::wanted::Wanted;
use notation::{Kind, Node};
use serde_json::Value as Json;

/// Whether the value is as written.
pub(crate) fn fits(node: &Node, value: &Json) -> bool {
    match (&node.kind, value) {
        (Kind::Null, value) => value.is_null(),
        (Kind::Scalar(text, _), Json::String(value)) => Wanted::new(text).is_ok_and(|wanted| wanted.is(value)),
        (Kind::Scalar(text, _), Json::Number(value)) => {
            let same = text.parse::<f64>().ok().zip(value.as_f64()).is_some_and(|(wanted, found)| (wanted - found).abs() < 1e-9);
            same || *text == value.to_string()
        }
        (Kind::Scalar(text, _), Json::Bool(value)) => *text == value.to_string(),
        (Kind::Scalar(text, _), Json::Null) => text.is_empty() || text == "null",
        (Kind::Scalar(..), Json::Array(_) | Json::Object(_)) => false,
        (Kind::List(items), Json::Array(values)) => items.len() == values.len() && items.iter().zip(values).all(|(item, value)| fits(item, value)),
        (Kind::Map(entries), Json::Object(values)) => {
            entries.iter().all(|entry| fits(&entry.value, values.get(&entry.key.text).unwrap_or(&Json::Null)))
        }
        (Kind::List(_) | Kind::Map(_), _) => false,
    }
}

/// Whether the value, or any map inside it, is as written: so that a test need not spell out where in a payload something is.
pub(crate) fn fits_inside(node: &Node, value: &Json) -> bool {
    fits(node, value)
        || match value {
            Json::Array(values) => values.iter().any(|value| fits_inside(node, value)),
            Json::Object(values) => values.values().any(|value| fits_inside(node, value)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
        }
}

/// A tree as JSON, for bodies of mocks: a plain scalar that is a number, `true`, `false` or `null` is that.
pub(crate) fn json(node: &Node) -> Json {
    match &node.kind {
        Kind::Null => Json::Null,
        Kind::Scalar(text, _) => match node.as_plain().and_then(|plain| serde_json::from_str::<Json>(plain).ok()) {
            Some(value) if !value.is_array() && !value.is_object() => value,
            Some(_) | None => text.clone().into(),
        },
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => Json::Object(entries.iter().map(|entry| (entry.key.text.clone(), json(&entry.value))).collect()),
    }
}

/// What was written, in one line.
pub(crate) fn told(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Scalar(text, _) => text.clone(),
        Kind::List(items) => format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let entry = |entry: &notation::Entry| format!("{}: {}", entry.key.text, told(&entry.value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value in the notation of a test, in one line; of a map only these keys where the test names some.
pub(crate) fn shown(value: &Json, like: Option<&Node>) -> String {
    match value {
        Json::Null => "nothing".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(value) => value.to_string(),
        Json::String(text) => text.clone(),
        Json::Array(values) => format!("[{}]", values.iter().map(|value| shown(value, None)).collect::<Vec<_>>().join(", ")),
        Json::Object(values) => {
            let named = like.map(Node::entries).unwrap_or_default();
            let is_named = |key: &String| named.is_empty() || named.iter().any(|entry| entry.key.text == *key);
            let entry = |(key, value): (&String, &Json)| format!("{key}: {}", shown(value, like.and_then(|like| like.get(key))));
            format!("{{ {} }}", values.iter().filter(|(key, _)| is_named(key)).map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notation::{Source, parse};
    use serde_json::json;

    fn node(text: &str) -> Node {
        parse(&Source::new("x", text)).unwrap()
    }

    #[test]
    fn what_is_named_must_fit_and_the_rest_may_be_anything() {
        let value = json!({ "type": "voicemail.saved", "data": { "message": { "n": 3, "text": "please call me back", "on": true, "none": null } } });
        for (text, is) in [
            ("{ type: voicemail.saved }", true),
            ("{ text: /call me/ }", true),
            ("{ text: call me }", false),
            ("{ n: 3, on: true }", true),
            ("{ n: 3.0 }", true),
            ("{ n: 4 }", false),
            ("{ n: \"3\", none: ~ }", true),
            ("{ message: { n: 3 } }", true),
            ("{ missing: x }", false),
        ] {
            assert_eq!(fits_inside(&node(text), &value), is, "{text}");
        }
        assert!(!fits(&node("{ n: 3 }"), &value), "only inside");
        assert_eq!(json(&node("{ a: 1, b: \"1\", c: [true, x], d: ~ }")), json!({ "a": 1, "b": "1", "c": [true, "x"], "d": null }));
        assert_eq!(shown(&json!({ "a": 1, "b": [2] }), Some(&node("{ b: 3 }"))), "{ b: [2] }");
    }
}
