//! The tree of a YAML text: every part knows where it was written.

use crate::fault::Span;

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'single'` quotes.
    Single,
    /// In `"double"` quotes.
    Double,
    /// A block after `|` or `>`.
    Block,
}

/// One value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it is written (quotes included; for a map from its first key).
    pub span: Span,
}

/// What a value is, before anybody decides a scalar's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Raw text (escapes of quotes resolved) and how it was written.
    Scalar(String, Style),
    /// A list in order.
    List(Vec<Node>),
    /// A map in the order written; keys are unique.
    Map(Vec<Entry>),
}

/// One key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// A map's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Raw text.
    pub text: String,
    /// How it was written: `"1"` or `1`.
    pub style: Style,
    /// Where.
    pub span: Span,
}

impl Node {
    /// The raw text of a scalar.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }
    /// The raw text of a scalar written without quotes.
    #[must_use]
    pub fn as_plain(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, Style::Plain) => Some(text),
            Kind::Scalar(_, Style::Single | Style::Double | Style::Block) | Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }
    /// The entries of a map; nothing for other kinds.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Null | Kind::Scalar(..) | Kind::List(_) => &[],
        }
    }
    /// The items of a list; nothing for other kinds.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Scalar(..) | Kind::Map(_) => &[],
        }
    }
    /// The value of `key`, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }
    /// The entry of `key`, if this is a map that has it.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text == key)
    }
    /// Whether nothing was written here.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }
    /// "a map", "a list", "text", "nothing": for messages.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(..) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
    /// The place in `source` of bytes `from..to` of this scalar's text, looking through quotes, escapes and folded lines.
    #[must_use]
    pub fn within(&self, source: &str, from: usize, to: usize) -> Span {
        let Kind::Scalar(text, style) = &self.kind else { return self.span };
        let raw = source.get(self.span.start..self.span.end).unwrap_or_default();
        let start = align(raw, text, *style, from);
        let end = align(raw, text, *style, to).max(start);
        Span::of(source, self.span.start + start, self.span.start + end)
    }
}

/// The byte of `raw` at which byte `at` of the decoded `text` is written.
fn align(raw: &str, text: &str, style: Style, at: usize) -> usize {
    let mut raws = raw.char_indices().peekable();
    match style {
        Style::Single | Style::Double => drop(raws.next()),
        Style::Block => {
            if raw.starts_with(['|', '>']) {
                while raws.next().is_some_and(|(_, c)| c != '\n') {}
            }
        }
        Style::Plain => {}
    }
    for (offset, wanted) in text.char_indices() {
        // Bring `raws` to the character that wrote `wanted`: folded lines and indentation lie between.
        while let Some((_, c)) = raws.peek().copied() {
            if c == wanted || (c == '\\' && style == Style::Double) || !c.is_whitespace() {
                break;
            }
            raws.next();
        }
        let here = raws.peek().map_or(raw.len(), |(index, _)| *index);
        if offset >= at {
            return here;
        }
        let Some((_, c)) = raws.next() else { return raw.len() };
        if c == '\\' && style == Style::Double {
            let skip = match raws.next().map(|(_, escape)| escape) {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(_) | None => 0,
            };
            for _ in 0..skip {
                raws.next();
            }
        } else if c == '\'' && style == Style::Single {
            raws.next();
        }
    }
    raws.peek().map_or(raw.len(), |(index, _)| *index)
}
