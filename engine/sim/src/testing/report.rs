//! Verdicts as people and machines want to see them: one line when all is well, the whole story of what failed.

use super::run::{Failure, Verdict};
use crate::offline::{StoryLine, Who};
use notation::{Fault, Format, Severity, Source};
use serde_json::json;
use std::{fmt::Write as _, time::Duration};

/// The look of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// For a terminal without colours.
    Text,
    /// The same with ANSI colours.
    Colour,
    /// The XML that build servers read.
    Junit,
    /// One JSON object.
    Json,
}

/// Lines of a timeline shown: the last ones, where it went wrong (chosen: a screen and a half).
const TIMELINE_MAX: usize = 60;

/// All verdicts of one run, and how long it took on the real clock.
#[derive(Clone, Debug)]
pub struct Summary {
    /// File by file, in the order written.
    pub verdicts: Vec<Verdict>,
    /// Tests left out by a filter.
    pub left_out: usize,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    /// How many failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.failure.is_some()).count()
    }

    /// How many passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.verdicts.len() - self.failed()
    }
}

/// A report; `sources` are the test files, whose lines are shown.
#[must_use]
pub fn render(summary: &Summary, sources: &[Source], look: Look) -> String {
    match look {
        Look::Text => text(summary, sources, Format::Text),
        Look::Colour => text(summary, sources, Format::Colour),
        Look::Junit => junit(summary, sources),
        Look::Json => format!("{:#}\n", object(summary)),
    }
}

fn text(summary: &Summary, sources: &[Source], format: Format) -> String {
    let mut out = String::new();
    for verdict in &summary.verdicts {
        if let Some(failure) = &verdict.failure {
            let _ = writeln!(out, "{} {}: {}", painted("FAIL", "31;1", format), verdict.path, verdict.name);
            out.push_str(&story_of(verdict, failure, sources, format));
            out.push('\n');
        }
    }
    let _ = writeln!(out, "{}", last_line(summary, format));
    out
}

/// `12 passed, 1 failed in 8 ms (14 calls of 6m 12s)`.
fn last_line(summary: &Summary, format: Format) -> String {
    let (passed, failed) = (summary.passed(), summary.failed());
    let mut line = painted(&format!("{passed} passed"), if failed == 0 { "32;1" } else { "0" }, format);
    if failed > 0 {
        let _ = write!(line, ", {}", painted(&format!("{failed} failed"), "31;1", format));
    }
    if summary.left_out > 0 {
        let _ = write!(line, ", {} left out", summary.left_out);
    }
    let calls: Duration = summary.verdicts.iter().map(|verdict| verdict.call_length).sum();
    let _ = write!(line, " in {} ms ({} s of calls)", summary.took.as_millis(), calls.as_secs());
    line
}

fn painted(text: &str, colour: &str, format: Format) -> String {
    if format == Format::Colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

/// The step underlined, expected and got with a caret, the timeline.
pub(crate) fn story_of(verdict: &Verdict, failure: &Failure, sources: &[Source], format: Format) -> String {
    let fault = Fault { severity: Severity::Error, code: "test", path: verdict.path.clone(), span: failure.span, message: failure.title.clone(), help: None };
    let mut out = notation::render(&[fault], sources, format);
    out.push_str(&difference(failure));
    out.push_str("  timeline\n");
    out.push_str(&timeline(&failure.timeline));
    out
}

/// ```text
///   expected  leave a mesage
///   got       Please leave a message after the tone.
///                              ^
/// ```
fn difference(failure: &Failure) -> String {
    let mut out = format!("  expected  {}\n  got       {}\n", failure.expected, failure.got);
    if let Some(caret) = failure.caret {
        let _ = writeln!(out, "            {}^", " ".repeat(caret));
    }
    out
}

/// A timeline, a line each: seconds, whose, what.
pub(crate) fn timeline(lines: &[StoryLine]) -> String {
    let skip = lines.len().saturating_sub(TIMELINE_MAX);
    let mut out = String::new();
    if skip > 0 {
        let _ = writeln!(out, "      …  {skip} lines before");
    }
    for line in lines.iter().skip(skip) {
        let what = match line.who {
            Who::Flow if !line.what.starts_with("state ") => format!("  {}", line.what),
            Who::Why => without_ids(&line.what),
            Who::Flow | Who::Caller | Who::Ear | Who::World => line.what.clone(),
        };
        let _ = writeln!(out, "  {:7.2}  {:6}  {what}", line.at.as_secs_f64(), line.who.name());
    }
    out
}

/// Ids of recordings say nothing to a reader.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() == 36 && word.bytes().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    text.split(' ').filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}

fn junit(summary: &Summary, sources: &[Source]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"callflow\" tests=\"{}\" failures=\"{}\" time=\"{:.3}\">", summary.verdicts.len(), summary.failed(), summary.took.as_secs_f64());
    let mut paths: Vec<&str> = summary.verdicts.iter().map(|verdict| &*verdict.path).collect();
    paths.dedup();
    for path in paths {
        let of_file: Vec<&Verdict> = summary.verdicts.iter().filter(|verdict| &*verdict.path == path).collect();
        let failed = of_file.iter().filter(|verdict| verdict.failure.is_some()).count();
        let _ = writeln!(out, "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">", escaped(path), of_file.len());
        for verdict in of_file {
            let open = format!("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"", escaped(path), escaped(&verdict.name), escaped(path), verdict.span.line);
            match &verdict.failure {
                None => {
                    let _ = writeln!(out, "{open}/>");
                }
                Some(failure) => {
                    let story = story_of(verdict, failure, sources, Format::Text);
                    let _ = writeln!(out, "{open}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>", escaped(&failure.title), escaped(&story));
                }
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for XML; what XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn object(summary: &Summary) -> serde_json::Value {
    let line = |line: &StoryLine| json!({ "at_ms": u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX), "who": line.who.name(), "what": line.what });
    let failure = |failure: &Failure| {
        json!({
            "title": failure.title, "line": failure.span.line, "column": failure.span.column,
            "expected": failure.expected, "got": failure.got, "caret": failure.caret,
            "timeline": failure.timeline.iter().map(line).collect::<Vec<_>>(),
        })
    };
    let test = |verdict: &Verdict| {
        json!({
            "file": &*verdict.path, "line": verdict.span.line, "name": verdict.name, "passed": verdict.failure.is_none(),
            "call_ms": u64::try_from(verdict.call_length.as_millis()).unwrap_or(u64::MAX),
            "failure": verdict.failure.as_ref().map(failure),
        })
    };
    json!({
        "passed": summary.passed(), "failed": summary.failed(), "left_out": summary.left_out,
        "took_ms": u64::try_from(summary.took.as_millis()).unwrap_or(u64::MAX),
        "tests": summary.verdicts.iter().map(test).collect::<Vec<_>>(),
    })
}
