//! YAML text to a spanned tree, by the events of `granit-parser`, with limits and without recursion.

use crate::{
    fault::{Fault, Severity, Source, Span},
    limits::{DEPTH, FAULTS, FILE_BYTES, NODES},
    node::{Entry, Key, Kind, Node, Style},
};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, options};

/// What is being built, outermost first.
enum Open {
    List(Vec<Node>, Span),
    Map { entries: Vec<Entry>, key: Option<Key>, span: Span },
}

/// Reads one YAML document.
///
/// An empty text is a [`Kind::Null`] node.
///
/// # Errors
/// All faults found: bad YAML (the first one; what follows it cannot be trusted), duplicate keys, tabs, aliases, anchors and tags,
/// a second document, or a text over the [`crate::limits`].
pub fn parse(source: &Source) -> Result<Node, Vec<Fault>> {
    let mut tree = Tree { source, open: Vec::new(), root: None, nodes: 0, faults: Vec::new() };
    if source.text.len() > FILE_BYTES {
        tree.fault("too-large", Span::of(&source.text, 0, 0), format!("the file has {} bytes; the limit is {FILE_BYTES}", source.text.len()));
        return Err(tree.faults);
    }
    tree.read();
    match tree.root {
        _ if !tree.faults.is_empty() => Err(tree.faults),
        Some(root) => Ok(root),
        None => Ok(Node { kind: Kind::Null, span: Span::of(&source.text, 0, 0) }),
    }
}

struct Tree<'s> {
    source: &'s Source,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    faults: Vec<Fault>,
}

impl Tree<'_> {
    fn fault(&mut self, code: &'static str, span: Span, message: String) -> Option<&mut Fault> {
        if self.faults.len() >= FAULTS {
            return None;
        }
        self.faults.push(Fault { severity: Severity::Error, code, path: self.source.path.clone(), span, message, help: None });
        self.faults.last_mut()
    }

    fn read(&mut self) {
        let text: &str = &self.source.text;
        let options = options! { disallow_directives: true, emit_comments: false, emit_unresolved_aliases: true };
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, place) = match event {
                Ok(event) => event,
                Err(error) => return self.bad_yaml(error.marker().byte_offset().unwrap_or(0), &error.info()),
            };
            let bytes = place.byte_range().unwrap_or(0..0);
            let span = Span { line: place.start.line(), column: place.start.col() + 1, start: bytes.start, end: bytes.end };
            match event {
                Event::Scalar(value, style, anchor, tag) => {
                    self.refuse_marks(anchor != 0, tag.is_some(), span);
                    let style = match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::SingleQuoted => Style::Single,
                        ScalarStyle::DoubleQuoted => Style::Double,
                        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    };
                    self.scalar(value.into_owned(), style, span);
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.refuse_marks(anchor != 0, tag.is_some(), span);
                    self.begin(Open::List(Vec::new(), span), span);
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.refuse_marks(anchor != 0, tag.is_some(), span);
                    self.begin(Open::Map { entries: Vec::new(), key: None, span }, span);
                }
                Event::SequenceEnd | Event::MappingEnd => self.finish(span),
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    if let Some(fault) = self.fault("alias", span, "aliases (`*name`) are not used here".into()) {
                        fault.help("write the value out; a text that begins with `*` needs quotes, as in \"*\"");
                    }
                    self.scalar(String::new(), Style::Single, span);
                }
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents == 2 {
                        self.fault("second-document", span, "a second document begins here; a file holds one".into());
                        return;
                    }
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) | Event::Comment(..) | _ => {}
            }
            if self.nodes > NODES || self.open.len() > DEPTH {
                let what = if self.nodes > NODES { format!("more than {NODES} values") } else { format!("nested deeper than {DEPTH} levels") };
                self.fault("too-large", span, what);
                return;
            }
        }
    }

    /// Says what the parser could not read, in the words of somebody who writes YAML by hand.
    fn bad_yaml(&mut self, at: usize, info: &str) {
        let text: &str = &self.source.text;
        let line_start = text.get(..at.min(text.len())).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
        let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let indent: &str = &line[..line.len() - line.trim_start().len()];
        if let Some(tab) = indent.find('\t') {
            let place = Span::of(text, line_start + tab, line_start + tab + 1);
            if let Some(fault) = self.fault("tab", place, "a tab cannot indent YAML".into()) {
                fault.help("indent with spaces");
            }
            return;
        }
        let place = Span::of(text, at, at + 1);
        // What a line with a fault already told has made of the rest is no news.
        if self.faults.iter().any(|fault| fault.span.line == place.line) {
            return;
        }
        let trimmed = line.trim_start();
        if let Some(fault) = self.fault("bad-yaml", place, format!("this is not YAML: {info}")) {
            if trimmed.contains(": @") || trimmed.contains(": `") || trimmed.contains(": %") || trimmed.contains(": *") || trimmed.contains(": #") {
                fault.help("a value that begins with @ ` % * # needs quotes");
            } else if info.contains("after double-quoted") || info.contains("after single-quoted") {
                fault.help("a text in quotes cannot hold the same quote: put the other kind around it, '…' or \"…\"");
            } else if let Some(bracket) = ["{", "["].into_iter().find(|bracket| info.contains(&format!("bracket '{bracket}'"))) {
                fault.help(format!("close it with `{}`", if bracket == "{" { "}" } else { "]" }));
            } else if info.contains("mapping values") && trimmed.matches(": ").count() > 1 {
                fault.help("a text that holds `: ` needs quotes");
            }
        }
    }

    fn refuse_marks(&mut self, anchor: bool, tag: bool, span: Span) {
        if anchor {
            self.fault("alias", span, "anchors (`&name`) are not used here".into());
        }
        if tag
            && let Some(fault) = self.fault("tag", span, "tags (`!name`) are not used here".into()) {
                fault.help("a text that begins with `!` needs quotes");
            }
    }

    fn scalar(&mut self, text: String, style: Style, span: Span) {
        self.nodes += 1;
        if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
            *key = Some(Key { text, style, span });
            return;
        }
        let kind = match (style, text.as_str()) {
            (Style::Plain, "" | "~" | "null") => Kind::Null,
            _ => Kind::Scalar(text, style),
        };
        self.place(Node { kind, span });
    }

    fn begin(&mut self, open: Open, span: Span) {
        self.nodes += 1;
        if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
            // `? [a]: b` or `{{x}}: y`: keep the tree's shape under a key nobody can ask for.
            *key = Some(Key { text: String::new(), style: Style::Plain, span });
            self.fault("bad-key", span, "a key is text, not a list or a map".into());
            self.open.push(open);
            return;
        }
        self.open.push(open);
    }

    fn finish(&mut self, end: Span) {
        let node = match self.open.pop() {
            Some(Open::List(items, span)) => {
                let end = items.last().map_or(end.end, |last| last.span.end).max(span.end);
                Node { kind: Kind::List(items), span: Span { end, ..span } }
            }
            Some(Open::Map { entries, span, .. }) => {
                let end = entries.last().map_or(end.end, |last| last.value.span.end).max(span.end);
                let start = entries.first().map_or(span, |first| if span.end > span.start { span } else { first.key.span });
                Node { kind: Kind::Map(entries), span: Span { end, ..start } }
            }
            None => return,
        };
        self.place(node);
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let Some(key) = key.take() else { return };
                let double = entries.iter().find(|entry| entry.key.text == key.text).map(|entry| entry.key.span.line);
                if let Some(line) = double {
                    let (span, text) = (key.span, key.text);
                    if let Some(fault) = self.fault("duplicate-key", span, format!("`{text}` is already said in line {line}")) {
                        fault.help("a key may be written once in a map");
                    }
                } else {
                    entries.push(Entry { key, value: node });
                }
            }
        }
    }
}
