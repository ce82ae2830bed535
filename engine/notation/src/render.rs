//! Faults as people and tools want to see them.

use crate::fault::{Fault, Severity, Source, Span};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::json;
use std::{collections::BTreeSet, fmt::Write as _};

/// The look of a list of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal without colours: `file:line:column`, the source line underlined, help.
    Text,
    /// The same with ANSI colours.
    Colour,
    /// One JSON object a line: `severity` (`error` or `warning`), `code`, `file`, `line` and `column` from 1 (in characters), `start`
    /// and `end` (bytes of the file, from 0), `message`, `help` (a text or null).
    Json,
    /// GitHub workflow commands: `::error file=…`.
    Github,
    /// One SARIF 2.1.0 document.
    Sarif,
}

/// Shows all faults; `sources` are the files they lie in (a fault whose file is not there is shown without its line).
#[must_use]
pub fn render(faults: &[Fault], sources: &[Source], format: Format) -> String {
    match format {
        Format::Text => faults.iter().map(|fault| text(fault, sources, &Renderer::plain())).collect::<Vec<_>>().join("\n"),
        Format::Colour => faults.iter().map(|fault| text(fault, sources, &Renderer::styled())).collect::<Vec<_>>().join("\n"),
        Format::Json => faults.iter().map(|fault| format!("{}\n", object(fault))).collect(),
        Format::Github => faults.iter().map(github).collect(),
        Format::Sarif => format!("{}\n", sarif(faults, sources)),
    }
}

fn text(fault: &Fault, sources: &[Source], renderer: &Renderer) -> String {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(fault.message.as_str()).id(fault.code);
    let help = fault.help.as_deref().map(|help| Level::HELP.message(help));
    let source = sources.iter().find(|source| source.path == fault.path);
    let group = match source {
        Some(source) => {
            // Only the first line is underlined; a whole map would bury the message.
            let text: &str = &source.text;
            let start = fault.span.start.min(text.len());
            let line_end = text.get(start..).and_then(|rest| rest.find(['\n', '\r'])).map_or(text.len(), |i| start + i);
            let end = fault.span.end.clamp(start, line_end.max(start));
            let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
            let line = text.get(line_start..line_end.max(line_start)).unwrap_or_default();
            let snippet = Snippet::source(line)
                .line_start(fault.span.line.max(1))
                .path(&*fault.path)
                .annotation(AnnotationKind::Primary.span(start - line_start..(end - line_start).min(line.len())));
            title.element(snippet).elements(help)
        }
        None => {
            let place = annotate_snippets::Origin::path(&*fault.path).line(fault.span.line).char_column(fault.span.column);
            title.element(place).elements(help)
        }
    };
    format!("{}\n", renderer.render(&[group]))
}

fn object(fault: &Fault) -> serde_json::Value {
    json!({
        "severity": fault.severity.name(), "code": fault.code, "file": &*fault.path,
        "line": fault.span.line, "column": fault.span.column, "start": fault.span.start, "end": fault.span.end,
        "message": fault.message, "help": fault.help,
    })
}

fn github(fault: &Fault) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!(
        "::{} file={},line={},col={},title={}::{}\n",
        fault.severity.name(),
        property(&fault.path),
        fault.span.line,
        fault.span.column,
        property(fault.code),
        data(&format!("{}{help}", fault.message)),
    )
}

/// SARIF 2.1.0 (OASIS): one run, one rule a code, columns in characters.
fn sarif(faults: &[Fault], sources: &[Source]) -> serde_json::Value {
    let codes: BTreeSet<&str> = faults.iter().map(|fault| fault.code).collect();
    let rules: Vec<_> = codes.iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<_> = faults
        .iter()
        .map(|fault| {
            let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            let mut region = json!({ "startLine": fault.span.line.max(1), "startColumn": fault.span.column.max(1) });
            if let Some(source) = sources.iter().find(|source| source.path == fault.path) {
                let end = Span::of(&source.text, fault.span.end, fault.span.end);
                region["endLine"] = end.line.max(1).into();
                region["endColumn"] = end.column.max(1).into();
            }
            json!({
                "ruleId": fault.code,
                "ruleIndex": codes.iter().position(|code| *code == fault.code),
                "level": fault.severity.name(),
                "message": { "text": format!("{}{help}", fault.message) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&fault.path) }, "region": region } }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "callflow", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a URI reference (RFC 3986 §4.1).
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
