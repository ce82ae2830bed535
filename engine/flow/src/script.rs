//! Rhai flows: compiled and checked at load, executed anew with the journal's answers for each effect.

mod check;
mod execution;
mod switch;

pub(crate) use execution::{Body, Ended, Executed, Execution};

use crate::{
    engine::{self, byte_of, word_length},
    hours::Hours,
    limits::SCRIPT_BYTES,
    prompts::Prompts,
    world::World,
};
use check::Check;
use notation::{Reader, Source, Span};
use rhai::Position;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One script flow.
#[derive(Debug)]
pub(crate) struct Script {
    /// Its functions, ready to be executed.
    bodies: BTreeMap<(String, usize), Body>,
    pub(crate) source: Source,
    /// Its functions and the numbers of arguments they take.
    pub(crate) functions: BTreeMap<String, BTreeSet<usize>>,
    /// Every call of an action, in the order written.
    pub(crate) sites: Vec<Site>,
}

/// One call of an action in a script.
#[derive(Debug)]
pub(crate) struct Site {
    /// `line 12`; `line 12:30` for a further one in that line.
    pub(crate) name: Arc<str>,
    /// The function it stands in.
    pub(crate) function: String,
    pub(crate) span: Span,
    pub(crate) action: &'static str,
    /// What it does, as written.
    pub(crate) about: String,
    /// The flow that `run` runs, when it is written out.
    pub(crate) runs: Option<String>,
    pub(crate) outcomes: Vec<String>,
}

impl Script {
    /// Whether it is a flow: only functions that flows call need no `main`.
    pub(crate) fn is_flow(&self) -> bool {
        self.functions.get("main").is_some_and(|arities| arities.contains(&1))
    }
    /// Notes that it is no flow.
    pub(crate) fn needs_main(&self, reader: &mut Reader) {
        let text = &self.source.text;
        let span = Span::of(text, 0, text.lines().next().map_or(0, str::len));
        reader.error("missing-main", span, "a script needs `fn main(line)`").help("`line` is the call: line.say(\"Hello.\")");
    }
    /// The name of the call at this position.
    pub(crate) fn site(&self, at: Position) -> Arc<str> {
        let (line, column) = (at.line().unwrap_or_default(), at.position().unwrap_or_default());
        let in_line = || self.sites.iter().filter(|site| site.span.line == line);
        match in_line().find(|site| site.span.column == column).or_else(|| in_line().next()) {
            Some(site) => site.name.clone(),
            None => format!("line {line}").into(),
        }
    }
}

/// What a script may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'k> {
    pub(crate) world: &'k World,
    pub(crate) flows: &'k BTreeSet<String>,
    pub(crate) hours: &'k BTreeMap<String, Arc<Hours>>,
    pub(crate) prompts: &'k Prompts,
}

/// Compiles and checks a script; faults go to the reader.
pub(crate) fn compile(source: &Source, reader: &mut Reader, known: Known) -> Option<Script> {
    let text: &str = &source.text;
    if text.len() > SCRIPT_BYTES {
        reader.error("too-large", Span::of(text, 0, 0), format!("a script has at most {SCRIPT_BYTES} bytes"));
        return None;
    }
    let ast = match engine::scripts().compile(text) {
        Ok(ast) => ast,
        Err(error) => {
            let at = byte_of(text, error.position());
            let help = reserved_help(text, at);
            reader.error("bad-script", Span::of(text, at, at + word_length(text, at)), error.err_type().to_string()).help = help;
            return None;
        }
    };
    let mut check = Check { text, reader, known, functions: BTreeMap::new(), results: BTreeMap::new() };
    for function in ast.iter_functions() {
        check.functions.entry(function.name.to_owned()).or_default().insert(function.params.len());
    }
    check.tree(&ast);
    let (sites, functions) = (check.sites(&ast), check.functions);
    (!reader.has_errors()).then(|| Script { bodies: execution::bodies(text, &ast), source: source.clone(), sites, functions })
}

fn reserved_help(text: &str, at: usize) -> Option<String> {
    let word = text.get(at..at + word_length(text, at))?;
    engine::is_reserved(word).then(|| format!("`{word}` is kept by the language: take another name")).filter(|_| word.chars().all(|c| c.is_alphanumeric() || c == '_') && !word.is_empty())
}
