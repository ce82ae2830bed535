//! Typed reading of a tree: each method answers the value, or notes a fault with its place and answers `None`.

use crate::{
    fault::{Fault, Severity, Source, Span},
    limits::FAULTS,
    near::nearest,
    node::{Entry, Kind, Node},
    table::Field,
};
use std::{ops::RangeInclusive, time::Duration};
use terms::Name;

/// Reads the nodes of one file and collects all its faults.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    faults: Vec<Fault>,
}

/// A map whose keys have been checked against the known ones.
#[derive(Clone, Copy, Debug)]
pub struct Map<'n> {
    /// The whole map.
    pub node: &'n Node,
}

impl<'n> Map<'n> {
    /// The value of `key`; a key with nothing after it counts as absent.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'n Node> {
        self.node.get(key).filter(|node| !node.is_null())
    }
    /// The entry of `key`, also when its value is empty.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<&'n Entry> {
        self.node.entry(key)
    }
    /// All entries in the order written.
    #[must_use]
    pub fn entries(self) -> &'n [Entry] {
        self.node.entries()
    }
}

impl Reader {
    /// A reader of `source`'s nodes, without faults yet.
    #[must_use]
    pub fn new(source: &Source) -> Self {
        Self { source: source.clone(), faults: Vec::new() }
    }
    /// The file being read.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }
    /// Notes an error; the answer takes the help.
    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Fault {
        self.note(Severity::Error, code, span, message.into())
    }
    /// Notes a warning; the answer takes the help.
    pub fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Fault {
        self.note(Severity::Warning, code, span, message.into())
    }
    fn note(&mut self, severity: Severity, code: &'static str, span: Span, message: String) -> &mut Fault {
        // Past the limit the last fault is overwritten, so the list stays bounded and the call always answers one.
        self.faults.truncate(FAULTS - 1);
        self.faults.push(Fault { severity, code, path: self.source.path.clone(), span, message, help: None });
        let last = self.faults.len() - 1;
        &mut self.faults[last]
    }
    /// All faults so far, in the order of the file.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
    /// Whether any error (not warning) was noted.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.faults.iter().any(|fault| fault.severity == Severity::Error)
    }
    /// Changes the last fault noted, if there is one: to better its help.
    pub fn last_fault(&mut self) -> Option<&mut Fault> {
        self.faults.last_mut()
    }
    /// Ends the reading: all faults, sorted by place.
    #[must_use]
    pub fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| fault.span);
        self.faults
    }

    fn wrong(&mut self, node: &Node, wanted: &str) {
        let found = match &node.kind {
            Kind::Scalar(text, _) => format!("{:?}", text.chars().take(60).collect::<String>()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => node.what().to_owned(),
        };
        self.error("wrong-type", node.span, format!("expected {wanted}, found {found}"));
    }

    /// Any scalar as its raw text.
    pub fn text(&mut self, node: &Node) -> Option<String> {
        let text = node.as_text().map(str::to_owned);
        if text.is_none() {
            self.wrong(node, "text");
        }
        text
    }
    /// A whole number within `range`.
    pub fn integer(&mut self, node: &Node, range: RangeInclusive<i64>) -> Option<i64> {
        let number = node.as_text().and_then(|text| text.trim().replace('_', "").parse::<i64>().ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                self.wrong(node, &format!("a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }
    /// A number, with or without a fraction, within `range`.
    pub fn number(&mut self, node: &Node, range: RangeInclusive<f64>) -> Option<f64> {
        let number = node.as_text().and_then(|text| text.trim().parse::<f64>().ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                self.wrong(node, &format!("a number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }
    /// A span of time with its unit, `800ms 5s 2m 1h 90d`, within `range`.
    pub fn span(&mut self, node: &Node, range: RangeInclusive<Duration>) -> Option<Duration> {
        let spoken = |span: &Duration| terms::spell_span(*span);
        match node.as_text().map(terms::parse_span) {
            Some(Ok(span)) if range.contains(&span) => Some(span),
            Some(Ok(_)) => {
                self.wrong(node, &format!("a duration from {} to {}", spoken(range.start()), spoken(range.end())));
                None
            }
            Some(Err(_)) | None => {
                self.wrong(node, "a duration such as 800ms, 5s, 2m, 1h or 90d");
                let bare = node.as_text().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
                if let (Some(number), Some(fault)) = (bare, self.faults.last_mut()) {
                    fault.help(format!("a number needs its unit: {number}s for seconds"));
                }
                None
            }
        }
    }
    /// `true` or `false`, nothing else (`yes` and `NO` stay texts).
    pub fn boolean(&mut self, node: &Node) -> Option<bool> {
        match node.as_text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong(node, "true or false");
                let word = node.as_text().and_then(truth);
                if let (Some(word), Some(fault)) = (word, self.faults.last_mut()) {
                    fault.help(format!("write {word}"));
                }
                None
            }
        }
    }
    /// A resource's name.
    pub fn name(&mut self, node: &Node) -> Option<Name> {
        let text = self.text(node)?;
        match Name::new(&text) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error("wrong-type", node.span, error.to_string());
                None
            }
        }
    }
    /// One of a few words.
    pub fn one_of<'w>(&mut self, node: &Node, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text(node)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let near = nearest(&text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"));
            let fault = self.error("wrong-type", node.span, format!("expected one of {}, found {text:?}", words.join(", ")));
            fault.help = near;
        }
        found
    }
    /// The items of a list; a single value stands for a list of one.
    pub fn list<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        match &node.kind {
            Kind::Null => Vec::new(),
            Kind::List(items) => items.iter().collect(),
            Kind::Scalar(..) | Kind::Map(_) => vec![node],
        }
    }
    /// A map of any keys.
    pub fn any_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Map<'n>> {
        match &node.kind {
            Kind::Map(_) => Some(Map { node }),
            Kind::Null | Kind::Scalar(..) | Kind::List(_) => {
                self.wrong(node, &format!("a map ({what})"));
                None
            }
        }
    }
    /// A map of these keys only; each other key is a fault with the nearest known name. `what` names the map in messages.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Map<'n>> {
        let map = self.any_map(node, what)?;
        for entry in map.entries() {
            if !known.contains(&entry.key.text.as_str()) {
                self.unknown("unknown-field", entry.key.span, &format!("field of {what}"), &entry.key.text, known);
            }
        }
        Some(map)
    }
    /// A map of the keys of a table only. What must be there is left to [`Reader::required`].
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, fields: &[Field]) -> Option<Map<'n>> {
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        self.map(node, what, &known)
    }
    /// The value of a key that must be there.
    pub fn required<'n>(&mut self, map: Map<'n>, what: &str, key: &str) -> Option<&'n Node> {
        let found = map.get(key);
        // A misspelt key is told as such, and once.
        let misspelt = map.entries().iter().any(|entry| {
            nearest(&entry.key.text, [key]).is_some() && self.faults.iter().any(|fault| fault.code == "unknown-field" && fault.span == entry.key.span)
        });
        if found.is_none() && !misspelt {
            let span = map.entry(key).map_or(map.node.span, |entry| entry.key.span);
            self.error("missing-field", span, format!("{what} needs `{key}`"));
        }
        found
    }
    /// Notes an unknown name, with the nearest known one or the list of all as help.
    pub fn unknown(&mut self, code: &'static str, span: Span, what: &str, name: &str, known: &[&str]) {
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => None,
            None if known.len() <= 30 => Some(format!("there are {}", known.join(", "))),
            None => None,
        };
        self.error(code, span, format!("unknown {what} `{name}`")).help = help;
    }
}

/// What people write for `true` and `false` in other files.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some(true),
        "no" | "off" | "n" | "false" => Some(false),
        _ => None,
    }
}
