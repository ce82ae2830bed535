//! A chart as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html).

use crate::{
    chart::{Chart, Edge, Mark, Node, Shape},
    limits::{LABEL_CHARS, LABEL_LINES, LIST_ROWS, ROW_CHARS, ROWS},
    text::{cut, wrap},
};
use std::fmt::Write as _;

/// Looks that read on white and on black pages alike: only borders are coloured.
const CLASSES: &str = "  classDef entry fill:#2f6f9f,stroke:#2f6f9f,color:#ffffff
  classDef last stroke-width:3px
  classDef step stroke-dasharray:2 2
  classDef finish fill:#8b949e,stroke:#8b949e,color:#ffffff
  classDef unreachable stroke:#d1242f,stroke-width:2px,stroke-dasharray:6 3
  classDef untested stroke:#bf8700,stroke-width:2px,stroke-dasharray:6 3
";

impl Chart {
    /// Mermaid text, with a line's end. Ids are `n0`, `n1`, … so that no state's name is a word of Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = format!("---\ntitle: {}\n---\nflowchart TB\n", quoted(&self.title));
        for note in &self.notes {
            let _ = writeln!(text, "  %% {}", note.replace('\n', " "));
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let (open, close) = brackets(node.shape);
            let _ = writeln!(text, "  n{at}{open}\"{}\"{close}{}", words(node), class(node));
        }
        for edge in &self.edges {
            let line = if edge.mark == Mark::Untested { "-.->" } else { "-->" };
            let label = label(edge);
            let label = if label.is_empty() { String::new() } else { format!("|\"{label}\"|") };
            let _ = writeln!(text, "  n{} {line}{label} n{}", edge.from, edge.to);
        }
        text.push_str(CLASSES);
        text
    }
}

const fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Entry | Shape::End => ("([", "])"),
        Shape::State | Shape::Step | Shape::List | Shape::Last => ("[", "]"),
        Shape::Choice => ("{", "}"),
        Shape::Run => ("[[", "]]"),
    }
}

fn class(node: &Node) -> &'static str {
    match (node.mark, node.shape) {
        (Mark::Unreachable, _) => ":::unreachable",
        (Mark::Untested, _) => ":::untested",
        (Mark::None, Shape::Entry) => ":::entry",
        (Mark::None, Shape::End) => ":::finish",
        (Mark::None, Shape::Last) => ":::last",
        (Mark::None, Shape::Step) => ":::step",
        (Mark::None, Shape::State | Shape::List | Shape::Choice | Shape::Run) => "",
    }
}

fn words(node: &Node) -> String {
    let title = (!node.title.is_empty()).then(|| format!("<b>{}</b>", escape(&cut(&node.title, ROW_CHARS))));
    let rows: Vec<String> = match node.rows.as_slice() {
        [one] => wrap(one, ROW_CHARS, ROWS),
        rows => rows.iter().take(LIST_ROWS).map(|row| cut(row, ROW_CHARS)).collect(),
    };
    let rows = rows.iter().map(|row| escape(row)).filter(|row| !row.is_empty());
    title.into_iter().chain(rows).collect::<Vec<_>>().join("<br/>")
}

fn label(edge: &Edge) -> String {
    let lines = edge.labels.iter().take(LABEL_LINES).map(|label| escape(&cut(label, LABEL_CHARS)));
    lines.collect::<Vec<_>>().join("<br/>")
}

/// Mermaid's own entities: `#quot;`, `#lt;`; `#` itself is one too.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => safe.push_str("#quot;"),
            '#' => safe.push_str("#35;"),
            '<' => safe.push_str("#lt;"),
            '>' => safe.push_str("#gt;"),
            '&' => safe.push_str("#amp;"),
            '`' => safe.push_str("#96;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A YAML string of the front matter.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
