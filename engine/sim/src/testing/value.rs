//! A test file's tree as checked values: every kind of the table, each with its place.

use super::{
    table::{Key, Kind, TARGETS, told},
    wanted::Wanted,
};
use jiff::{civil::DateTime, tz::TimeZone};
use notation::{Kind as Form, Node, Reader, Span, nearest};
use std::{fmt, time::Duration};
use terms::{Digit, UnixMs, parse_span, spell_span};

/// A single length in a test means give or take so much: a packet here and there is nobody's fault.
const ABOUT: Duration = Duration::from_millis(500);
/// The longest that a step or a length may be: virtual time costs little, but not nothing.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// The highest count.
const COUNT_MAX: i64 = 1_000_000;

/// One value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// What was read.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Wanted(Wanted),
    Span(Duration),
    Range(Lengths),
    Flag(bool),
    Count(u32),
    /// In a thousand.
    Permille(u32),
    When(UnixMs),
    /// The tree itself, for values to compare with and JSON.
    Tree(Node),
    Fields(Fields),
    List(Vec<Item>),
}

/// The entries of a map, in the order written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Span, Item)>);

/// From and to, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    from: Duration,
    to: Option<Duration>,
}

impl Lengths {
    fn parse(text: &str) -> Option<Self> {
        let span = |text: &str| parse_span(text).ok();
        match text.split_once("..") {
            Some(("", to)) => Some(Self { from: Duration::ZERO, to: Some(span(to)?) }),
            Some((from, "")) => Some(Self { from: span(from)?, to: None }),
            Some((from, to)) => Some(Self { from: span(from)?, to: Some(span(to)?) }),
            None => {
                let about = span(text)?;
                Some(Self { from: about.saturating_sub(ABOUT), to: Some(about + ABOUT) })
            }
        }
    }

    pub(crate) fn has(self, length: Duration) -> bool {
        length >= self.from && self.to.is_none_or(|to| length <= to)
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", spell_span(self.from), self.to.map(spell_span).unwrap_or_default())
    }
}

impl Fields {
    pub(crate) fn item(&self, name: &str) -> Option<&Item> {
        self.0.iter().find(|(key, ..)| key == name).map(|(.., item)| item)
    }
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.item(name).and_then(Item::text)
    }
    pub(crate) fn span(&self, name: &str) -> Option<Duration> {
        self.item(name).and_then(Item::as_span)
    }
    pub(crate) fn wanted(&self, name: &str) -> Option<&Wanted> {
        self.item(name).and_then(Item::wanted)
    }
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        if let Value::Flag(flag) = self.item(name)?.value { Some(flag) } else { None }
    }
    pub(crate) fn count(&self, name: &str) -> Option<u32> {
        if let Value::Count(count) = self.item(name)?.value { Some(count) } else { None }
    }
    pub(crate) fn permille(&self, name: &str) -> Option<u32> {
        if let Value::Permille(permille) = self.item(name)?.value { Some(permille) } else { None }
    }
    pub(crate) fn lengths(&self, name: &str) -> Option<Lengths> {
        if let Value::Range(lengths) = self.item(name)?.value { Some(lengths) } else { None }
    }
    pub(crate) fn tree(&self, name: &str) -> Option<&Node> {
        if let Value::Tree(node) = &self.item(name)?.value { Some(node) } else { None }
    }
    pub(crate) fn list(&self, name: &str) -> &[Item] {
        self.item(name).map(Item::items).unwrap_or_default()
    }
    pub(crate) fn fields(&self, name: &str) -> Option<&Self> {
        self.item(name).and_then(Item::fields)
    }
}

impl Item {
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
    pub(crate) const fn as_span(&self) -> Option<Duration> {
        if let Value::Span(span) = self.value { Some(span) } else { None }
    }
    pub(crate) const fn wanted(&self) -> Option<&Wanted> {
        if let Value::Wanted(wanted) = &self.value { Some(wanted) } else { None }
    }
    pub(crate) const fn fields(&self) -> Option<&Fields> {
        if let Value::Fields(fields) = &self.value { Some(fields) } else { None }
    }
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }
}

/// Reads a node as a kind; faults go to the reader. `what` names it in messages.
pub(crate) fn read(kind: &Kind, node: &Node, what: &str, reader: &mut Reader) -> Option<Item> {
    let item = |value: Value| Item { value, span: node.span };
    let value = match kind {
        Kind::Text => Value::Text(reader.text(node)?),
        Kind::Wanted => Value::Wanted(Wanted::read(node, reader)?),
        Kind::Span => Value::Span(reader.span(node, Duration::ZERO..=LONGEST)?),
        Kind::Spoken => {
            let text = reader.text(node)?;
            parse_span(&text).map_or(Value::Text(text), |span| Value::Span(span.min(LONGEST)))
        }
        Kind::Range => match node.as_text().and_then(Lengths::parse) {
            Some(lengths) => Value::Range(lengths),
            None => return wrong(kind, node, reader),
        },
        Kind::Word(words) => Value::Text(reader.one_of(node, words)?.to_owned()),
        Kind::Keys => {
            let text = reader.text(node)?;
            if text.is_empty() || text.chars().any(|key| Digit::try_from(key).is_err()) {
                reader.error("wrong-type", node.span, format!("{text:?} is not on the keys of a telephone")).help("there are 0-9 * # A-D");
                return None;
            }
            Value::Text(text)
        }
        Kind::Flag if node.is_null() => Value::Flag(true),
        Kind::Flag => Value::Flag(reader.boolean(node)?),
        Kind::Count => Value::Count(u32::try_from(reader.integer(node, 0..=COUNT_MAX)?).unwrap_or(0)),
        Kind::Percent => match node.as_text().and_then(|text| text.trim_end_matches('%').trim().parse::<f32>().ok()) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            Some(percent) if (0.0..=100.0).contains(&percent) => Value::Permille((percent * 10.0) as u32),
            _ => return wrong(kind, node, reader),
        },
        Kind::When => Value::When(when(node, reader)?),
        Kind::Shape | Kind::Any => Value::Tree(node.clone()),
        Kind::Fields(keys) => Value::Fields(fields(keys, node, what, reader)?),
        Kind::Choice(keys) => Value::Fields(choice(keys, node, what, reader)?),
        Kind::Targets(keys, device) => Value::Fields(targets(keys, device, node, what, reader)?),
        Kind::Either(first, second) => match node.kind {
            Form::Map(_) | Form::List(_) => return read(second, node, what, reader),
            Form::Scalar(..) | Form::Null => return read(first, node, what, reader),
        },
        Kind::List(inner) => {
            let nodes = reader.list(node);
            Value::List(nodes.into_iter().filter_map(|node| read(inner, node, what, reader)).collect())
        }
        Kind::Named(inner) => {
            let map = reader.any_map(node, what)?;
            let entries = map.entries().iter().filter_map(|entry| {
                let item = read(inner, &entry.value, what, reader)?;
                Some((entry.key.text.clone(), entry.key.span, item))
            });
            Value::Fields(Fields(entries.collect()))
        }
    };
    Some(item(value))
}

fn wrong(kind: &Kind, node: &Node, reader: &mut Reader) -> Option<Item> {
    let found = node.as_text().map_or_else(|| node.what().to_owned(), |text| format!("{text:?}"));
    reader.error("wrong-type", node.span, format!("expected {}, found {found}", told(kind)));
    None
}

fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

fn fields(keys: &'static [Key], node: &Node, what: &str, reader: &mut Reader) -> Option<Fields> {
    let map = reader.map(node, what, &names(keys))?;
    let mut found = Fields::default();
    for entry in map.entries() {
        if let Some(key) = keys.iter().find(|key| key.name == entry.key.text)
            && let Some(item) = read(&key.kind, &entry.value, &format!("`{}`", key.name), reader)
        {
            found.0.push((entry.key.text.clone(), entry.key.span, item));
        }
    }
    Some(found)
}

/// A step: one key. A word alone, as in `- hang_up`, stands for the key with nothing after it.
fn choice(keys: &'static [Key], node: &Node, what: &str, reader: &mut Reader) -> Option<Fields> {
    if let Some(word) = node.as_text()
        && let Some(key) = keys.iter().find(|key| key.name == word && matches!(key.kind, Kind::Flag))
    {
        let item = Item { value: Value::Flag(true), span: node.span };
        return Some(Fields(vec![(key.name.to_owned(), node.span, item)]));
    }
    let found = fields(keys, node, what, reader)?;
    match node.entries() {
        [] => {
            reader.error("missing-field", node.span, format!("{what} needs one of {}", names(keys).join(", ")));
        }
        [_] => {}
        [_, second, ..] => {
            reader.error("wrong-type", second.key.span, format!("{what} is one key, and this is a second")).help("begin a new item with `- `");
        }
    }
    Some(found)
}

fn targets(keys: &'static [Key], device: &'static Kind, node: &Node, what: &str, reader: &mut Reader) -> Option<Fields> {
    let map = reader.any_map(node, what)?;
    let mut found = Fields::default();
    for entry in map.entries() {
        let text = entry.key.text.as_str();
        let kind = match keys.iter().find(|key| key.name == text) {
            Some(key) => &key.kind,
            None if TARGETS.iter().any(|target| text.starts_with(target)) => device,
            None => {
                let help = nearest(text, names(keys)).map_or_else(
                    || format!("there are {}, and targets such as connection/alice", names(keys).join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                reader.error("unknown-field", entry.key.span, format!("unknown field of {what} `{text}`")).help(help);
                continue;
            }
        };
        if let Some(item) = read(kind, &entry.value, &format!("`{text}`"), reader) {
            found.0.push((entry.key.text.clone(), entry.key.span, item));
        }
    }
    Some(found)
}

/// `2026-11-02T10:15:00 Europe/London`; a blank may stand for the `T`, seconds may be left out, the zone too (UTC).
fn when(node: &Node, reader: &mut Reader) -> Option<UnixMs> {
    let text = reader.text(node)?;
    let (stamp, zone) = match text.trim().rsplit_once(' ') {
        Some((stamp, zone)) if zone.starts_with(|c: char| c.is_ascii_alphabetic()) => (stamp, zone),
        Some(_) | None => (text.trim(), "UTC"),
    };
    let Ok(zone) = TimeZone::get(zone) else {
        reader.error("wrong-type", node.span, format!("unknown time zone {zone:?}")).help("use an IANA name such as Europe/London");
        return None;
    };
    let found = stamp.parse::<DateTime>().ok().and_then(|civil| zone.to_zoned(civil).ok());
    match found.and_then(|zoned| u64::try_from(zoned.timestamp().as_millisecond()).ok()) {
        Some(ms) => Some(UnixMs(ms)),
        None => {
            reader.error("wrong-type", node.span, format!("expected a date, time and zone, found {text:?}")).help("write 2026-11-02T10:15:00 Europe/London");
            None
        }
    }
}
