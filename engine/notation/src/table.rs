//! Tables of keys: what a map may hold, written once. The readers take their keys from such a table, and the JSON Schema and
//! the manual are written from it.
//!
//! ```
//! use notation::{Field, Need, Shape, field};
//! const RTP: &[Field] = &[field("ports", Shape::Text, Need::Default("20000-29999"), "first and last port of media", "30000-30999")];
//! assert!(notation::schema_of(&Shape::Fields(RTP), "rtp")["properties"]["ports"]["default"] == "20000-29999");
//! ```

use crate::{fault::Source, node::{Kind, Node, Style}, parse::parse};
use serde_json::{Map, Value as Json, json};
use std::{fmt::Write as _, time::Duration};

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it must be written.
    pub need: Need,
    /// What it says, in one sentence without a full stop at its end.
    pub doc: &'static str,
    /// A value as one would write it, on one line of YAML.
    pub example: &'static str,
}

/// Whether a key must be written.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out and is then absent.
    Optional,
    /// It may be left out and then has this value, spelt as in YAML.
    Default(&'static str),
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text; a number or a word is text too.
    Text,
    /// A text that this regular expression (ECMA 262) finds something in, and what to call it.
    Like(&'static str, &'static str),
    /// A whole number from, to.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A duration with its unit; from, to in milliseconds.
    Span(u64, u64),
    /// A number of bytes with its unit.
    Size,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these; a single one may stand for a list of one.
    List(&'static Shape),
    /// A map of these keys and no others.
    Fields(&'static [Field]),
    /// A map of names that the writer chooses to these.
    Named(&'static Shape),
    /// A map of names that the writer chooses to maps of these keys; or a list of such maps with the name under this further key.
    Resources(&'static [Field], &'static str),
    /// A map of exactly one of these keys.
    OneOf(&'static [Field]),
    /// One of these shapes.
    Either(&'static [Shape]),
    /// No value: the key alone.
    Nothing,
    /// Anything.
    Any,
}

/// The name of a resource, as [`terms::Name`] wants it.
pub const NAME: Shape = Shape::Like("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "name");
/// An `http://` or `https://` address.
pub const WEB_ADDRESS: Shape = Shape::Like("^https?://[^/]", "http(s) address");

/// A line of a table.
#[must_use]
pub const fn field(name: &'static str, shape: Shape, need: Need, doc: &'static str, example: &'static str) -> Field {
    Field { name, shape, need, doc, example }
}

/// The JSON Schema (2020-12) of a shape. `path` names it in titles.
///
/// Whatever is no text may also be written as a text with `${…}`, which is known only later.
#[must_use]
pub fn schema_of(shape: &Shape, path: &str) -> Json {
    match shape {
        Shape::Text => scalar(),
        Shape::Like(pattern, _) => json!({ "type": ["string", "number"], "pattern": format!("{pattern}|\\$\\{{") }),
        Shape::Integer(from, to) => or_later(json!({ "type": "integer", "minimum": from, "maximum": to })),
        Shape::Boolean => or_later(json!({ "type": "boolean" })),
        Shape::Span(..) => json!({ "type": "string", "pattern": SPAN_PATTERN }),
        Shape::Size => json!({ "type": "string", "pattern": "^[0-9]+ *(kB|MB|GB)$|\\$\\{" }),
        Shape::Word(words) => {
            // What looks like a number to an editor is the same word.
            let values: Vec<Json> = words.iter().flat_map(|word| [(*word).into(), value_of(word)]).collect();
            let unique: Vec<&Json> = values.iter().enumerate().filter(|(at, value)| !values[..*at].contains(value)).map(|(_, value)| value).collect();
            or_later(json!({ "enum": unique }))
        }
        Shape::List(item) => {
            let item = schema_of(item, path);
            json!({ "anyOf": [{ "type": "array", "items": item }, item, { "type": "null" }] })
        }
        Shape::Fields(fields) => map_of(fields, path),
        Shape::Named(shape) => json!({ "type": ["object", "null"], "additionalProperties": schema_of(shape, path) }),
        Shape::Resources(fields, named_by) => {
            let (one, mut listed) = (map_of(fields, path), map_of(fields, path));
            listed["properties"][*named_by] = json!({ "type": ["string", "number"], "description": "its name" });
            if let Some(required) = listed["required"].as_array_mut() {
                required.push((*named_by).into());
            }
            let named = json!({ "type": "object", "additionalProperties": { "anyOf": [one, { "type": "null" }] } });
            json!({ "anyOf": [named, { "type": "array", "items": listed }] })
        }
        Shape::OneOf(fields) => {
            let mut map = map_of(fields, path);
            map["minProperties"] = 1.into();
            map["maxProperties"] = 1.into();
            map
        }
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|shape| schema_of(shape, path)).collect::<Vec<_>>() }),
        Shape::Nothing => json!({ "type": "null" }),
        Shape::Any => json!({}),
    }
}

/// A duration as [`terms::parse_span`] reads it, or a text that is known only later.
pub const SPAN_PATTERN: &str = "^ *[0-9]{1,12}(\\.[0-9]+)?(ms|s|m|h|d) *$|\\$\\{";

/// Any single value.
fn scalar() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

/// The shape, or a text with `${…}`.
fn or_later(shape: Json) -> Json {
    json!({ "anyOf": [shape, { "type": "string", "pattern": "\\$\\{" }] })
}

fn map_of(fields: &[Field], path: &str) -> Json {
    let mut properties = Map::new();
    for field in fields {
        let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        let mut schema = schema_of(&field.shape, &path);
        // A key with nothing after it counts as left out.
        if !matches!(field.need, Need::Required) && !matches!(field.shape, Shape::Any | Shape::Nothing) {
            schema = json!({ "anyOf": [schema, { "type": "null" }] });
        }
        schema["title"] = path.into();
        schema["description"] = explained(field).into();
        if let Need::Default(text) = field.need {
            schema["default"] = value_of(text);
        }
        if !field.example.is_empty() {
            schema["examples"] = json!([value_of(field.example)]);
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|field| matches!(field.need, Need::Required)).map(|field| field.name).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

/// The sentence of a key, with what its values are and what it is when left out.
fn explained(field: &Field) -> String {
    let kind = field.shape.to_string();
    let kind = if kind.is_empty() { String::new() } else { format!(" ({kind})") };
    match field.need {
        Need::Required => format!("{}{kind}. Required.", field.doc),
        Need::Optional => format!("{}{kind}.", field.doc),
        Need::Default(text) => format!("{}{kind}. Default: {text}.", field.doc),
    }
}

impl std::fmt::Display for Shape {
    /// In few words: `duration, 1s to 7d`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spelt = |ms: &u64| terms::spell_span(Duration::from_millis(*ms));
        match self {
            Self::Text => f.write_str("text"),
            Self::Like(_, what) => f.write_str(what),
            Self::Integer(from, to) => write!(f, "{from} to {to}"),
            Self::Boolean => f.write_str("true or false"),
            Self::Span(from, to) => write!(f, "duration, {} to {}", spelt(from), spelt(to)),
            Self::Size => f.write_str("size in kB, MB or GB"),
            Self::Word(words) => f.write_str(&words.join(", ")),
            Self::List(item) => write!(f, "list: {item}"),
            Self::Fields(_) => f.write_str("map"),
            Self::Named(_) | Self::Resources(..) => f.write_str("map of names"),
            Self::OneOf(_) => f.write_str("map of one key"),
            Self::Either(shapes) => {
                let words: Vec<String> = shapes.iter().map(ToString::to_string).filter(|words| !words.is_empty()).collect();
                f.write_str(&words.join("; or "))
            }
            Self::Nothing => f.write_str("nothing"),
            Self::Any => f.write_str("anything"),
        }
    }
}

/// A table of the manual (Markdown): one line a key, the keys of inner maps behind their own.
#[must_use]
pub fn reference(fields: &[Field]) -> String {
    let mut text = "| key | value | default | |\n| --- | --- | --- | --- |\n".to_owned();
    rows(fields, "", &mut text);
    text
}

fn rows(fields: &[Field], prefix: &str, text: &mut String) {
    for field in fields {
        let cell = |text: &str| text.replace('|', "\\|");
        let default = match field.need {
            Need::Required => "required".to_owned(),
            Need::Optional => String::new(),
            Need::Default(default) => format!("`{}`", cell(default)),
        };
        let _ = writeln!(text, "| `{prefix}{}` | {} | {default} | {} |", field.name, cell(&field.shape.to_string()), cell(field.doc));
        inner(&field.shape, &format!("{prefix}{}.", field.name), text);
    }
}

fn inner(shape: &Shape, prefix: &str, text: &mut String) {
    match shape {
        Shape::Fields(fields) | Shape::OneOf(fields) => rows(fields, prefix, text),
        Shape::Named(shape) => inner(shape, &format!("{prefix}NAME."), text),
        Shape::Resources(fields, _) => rows(fields, &format!("{prefix}NAME."), text),
        Shape::List(shape) => inner(shape, prefix, text),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| inner(shape, prefix, text)),
        Shape::Text
        | Shape::Like(..)
        | Shape::Integer(..)
        | Shape::Boolean
        | Shape::Span(..)
        | Shape::Size
        | Shape::Word(_)
        | Shape::Nothing
        | Shape::Any => {}
    }
}

/// A value as an editor sees it: plain `true`, numbers and nothing are what they look like (YAML 1.2), all else is text.
#[must_use]
pub fn value_of(yaml: &str) -> Json {
    parse(&Source::new("", yaml)).map_or_else(|_| yaml.into(), |node| json_of(&node))
}

fn json_of(node: &Node) -> Json {
    match &node.kind {
        Kind::Null => Json::Null,
        Kind::Scalar(text, Style::Plain) if text == "true" || text == "false" => (text == "true").into(),
        Kind::Scalar(text, Style::Plain) => text.parse::<i64>().map_or_else(|_| text.as_str().into(), Json::from),
        Kind::Scalar(text, _) => text.as_str().into(),
        Kind::List(items) => items.iter().map(json_of).collect(),
        Kind::Map(entries) => Json::Object(entries.iter().map(|entry| (entry.key.text.clone(), json_of(&entry.value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIRM: &[Field] = &[
        field("key", Shape::Text, Need::Default("\"1\""), "key that accepts", "\"5\""),
        field("wait", Shape::Span(1_000, 60_000), Need::Default("8s"), "time to press it", "10s"),
    ];
    const ROOT: &[Field] = &[
        field("to", Shape::List(&NAME), Need::Required, "whom to ring", "[alice, bob]"),
        field("confirm", Shape::Fields(CONFIRM), Need::Optional, "what to press", "{ key: \"5\" }"),
        field("boxes", Shape::Named(&Shape::Fields(CONFIRM)), Need::Optional, "by name", "{ a: { wait: 5s } }"),
    ];

    #[test]
    fn a_table_becomes_a_schema_that_explains_every_key() {
        let schema = schema_of(&Shape::Fields(ROOT), "");
        assert_eq!(schema["required"], json!(["to"]));
        assert_eq!(schema["additionalProperties"], false);
        let wait = &schema["properties"]["confirm"]["anyOf"][0]["properties"]["wait"];
        assert_eq!(wait["title"], "confirm.wait");
        assert_eq!(wait["description"], "time to press it (duration, 1s to 1m). Default: 8s.");
        assert_eq!((&wait["default"], &wait["examples"]), (&json!("8s"), &json!(["10s"])));
        assert_eq!(schema["properties"]["to"]["examples"], json!([["alice", "bob"]]));
    }

    #[test]
    fn a_table_becomes_a_page_with_a_line_for_every_key() {
        let page = reference(ROOT);
        assert!(page.contains("| `to` | list: name | required | whom to ring |\n"), "{page}");
        assert!(page.contains("| `confirm.wait` | duration, 1s to 1m | `8s` | time to press it |\n"), "{page}");
        assert!(page.contains("| `boxes.NAME.key` | text | `\"1\"` | key that accepts |\n"), "{page}");
    }

    #[test]
    fn values_are_what_an_editor_takes_them_for() {
        for (text, value) in [("5000", json!(5000)), ("true", json!(true)), ("\"1\"", json!("1")), ("5s", json!("5s")), ("[a, 1]", json!(["a", 1])), ("yes", json!("yes"))] {
            assert_eq!(value_of(text), value);
        }
    }
}
