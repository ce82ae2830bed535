//! The file: one JSON value a line. The first is the head, the second the flows, then a turn each, at last the end.

use crate::{
    Bundle, End, Flows, Head, Turn,
    limits::{FILE_BYTES_MAX, LINE_BYTES_MAX, TURN_ITEMS_MAX, TURNS_MAX},
};
use serde::{Deserialize, Serialize};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

/// Why a text is no bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub why: String,
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for one line")]
enum Line {
    Head(Head),
    Flows(Flows),
    Turn(Turn),
    End(End),
}

/// The same, borrowed, to be written.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Written<'b> {
    Head(&'b Head),
    Flows(&'b Flows),
    Turn(&'b Turn),
    End(&'b End),
}

/// As much of a head as tells whether the rest can be read.
#[derive(Deserialize)]
struct Peek {
    head: Option<PeekHead>,
}

#[derive(Deserialize)]
struct PeekHead {
    format: u32,
}

impl Bundle {
    /// The file's text.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::new();
        let turns = self.turns.iter().map(Written::Turn);
        for line in [Written::Head(&self.head), Written::Flows(&self.flows)].into_iter().chain(turns).chain([Written::End(&self.end)]) {
            // Maps have texts as keys, so JSON has a form for all of it.
            out.push_str(&serde_json::to_string(&line).unwrap_or_default());
            out.push('\n');
        }
        out
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`Broken`]: the first line that is not as it should be.
    pub fn read(text: &str) -> Result<Self, Broken> {
        let broken = |line: usize, why: &str| Broken { line, why: why.to_owned() };
        if text.len() > FILE_BYTES_MAX {
            return Err(broken(1, "it is larger than any bundle"));
        }
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let (_, first) = lines.next().ok_or_else(|| broken(1, "it is empty"))?;
        let format = serde_json::from_str::<Peek>(first).ok().and_then(|peek| peek.head).map(|head| head.format);
        match format {
            None => return Err(broken(1, "this is no call bundle: it does not begin with a head")),
            Some(format) if format > FORMAT => return Err(Broken { line: 1, why: format!("its format {format} is newer than this callflow, which reads {FORMAT}") }),
            Some(_) => {}
        }
        let Line::Head(head) = line(1, first)? else { return Err(broken(1, "a head belongs here")) };
        let (at, second) = lines.next().ok_or_else(|| broken(2, "the file ends here, before its flows"))?;
        let Line::Flows(flows) = line(at, second)? else { return Err(broken(at, "the flows belong here")) };
        let mut turns: Vec<Turn> = Vec::new();
        for (at, text) in lines {
            match line(at, text)? {
                Line::Turn(turn) => {
                    if turns.len() >= TURNS_MAX || turn.seen.len() > TURN_ITEMS_MAX || turn.said.len() > TURN_ITEMS_MAX {
                        return Err(broken(at, "no call has so many turns, or so much in one turn"));
                    }
                    if turns.last().is_some_and(|before| before.at > turn.at) {
                        return Err(broken(at, "this turn is earlier than the one before"));
                    }
                    turns.push(turn);
                }
                Line::End(end) => return Ok(Self { head, flows, turns, end }),
                Line::Head(_) | Line::Flows(_) => return Err(broken(at, "a turn or the end belongs here")),
            }
        }
        Err(broken(turns.len() + 3, "the file ends here, before the call does"))
    }
}

fn line(at: usize, text: &str) -> Result<Line, Broken> {
    if text.len() > LINE_BYTES_MAX {
        return Err(Broken { line: at, why: "this line is too long".to_owned() });
    }
    serde_json::from_str(text).map_err(|why| Broken { line: at, why: why.to_string() })
}
