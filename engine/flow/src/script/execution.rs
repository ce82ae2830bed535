//! One execution of a script: from the top, with the journal's answers, up to the next effect it has no answer for.

#![expect(clippy::wildcard_enum_match_arm, reason = "Rhai has three dozen errors, of which a few are limits")]

use super::Script;
use crate::{
    engine,
    hours::Hours,
    limits::{CALL_LEVELS, COLLECTION_SIZE, SCRIPT_OPERATIONS, STRING_BYTES, VARIABLES},
    prompts::Prompts,
    session::{Answer, LineHandle, Session, Wanted},
    world::CallFacts,
};
use rhai::{AST, Dynamic, EvalAltResult, Scope};
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use terms::UnixMs;

/// A function's body as a program of its own.
///
/// Rhai forgets the place of a broken limit at every function it leaves; a program keeps it, so that people are told the line.
#[derive(Debug)]
pub(crate) struct Body {
    parameters: Vec<String>,
    ast: AST,
}

/// The bodies of all functions of a script, by name and number of arguments.
pub(super) fn bodies(text: &str, ast: &AST) -> BTreeMap<(String, usize), Body> {
    let mut found = BTreeMap::new();
    for function in ast.iter_fn_def() {
        let (from, to) = (function.body.start_position(), function.body.end_position());
        let (first, last) = (engine::byte_of(text, from), engine::byte_of(text, to));
        let Some(inner) = text.get(first + 1..last) else { continue };
        // Everything keeps its line and column.
        let code = format!("{}{}{inner}", "\n".repeat(from.line().unwrap_or(1) - 1), " ".repeat(from.position().unwrap_or(1)));
        if let Ok(body) = engine::scripts().compile(code) {
            let parameters: Vec<String> = function.params.iter().map(ToString::to_string).collect();
            let ast = AST::new(body.statements().to_vec(), ast.shared_lib().clone());
            found.insert((function.name.to_string(), parameters.len()), Body { parameters, ast });
        }
    }
    found
}

/// All that one execution needs; `Send`.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) script: Arc<Script>,
    pub(crate) function: Arc<str>,
    /// What comes after `line`.
    pub(crate) arguments: Arc<Vec<Json>>,
    pub(crate) facts: Arc<CallFacts>,
    pub(crate) settings: Arc<BTreeMap<String, Json>>,
    pub(crate) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    pub(crate) prompts: Arc<Prompts>,
    pub(crate) answers: Arc<Vec<Answer>>,
    pub(crate) started: UnixMs,
    pub(crate) language: Option<String>,
}

/// How one execution ended.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) ended: Ended,
    /// The call's language now.
    pub(crate) language: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Ended {
    /// The next effect, and the name of the place that asks for it.
    Wants(Wanted, Arc<str>),
    Returned(Json),
    Failed(String),
}

impl Execution {
    pub(crate) fn execute(self) -> Executed {
        let session = Arc::new(Mutex::new(Session {
            facts: self.facts,
            settings: self.settings,
            hours: self.hours,
            prompts: self.prompts,
            answers: self.answers,
            at: 0,
            now: self.started,
            language: self.language,
            wanted: None,
        }));
        let line = Dynamic::from(LineHandle(session.clone()));
        let arguments: Vec<Dynamic> = std::iter::once(line).chain(self.arguments.iter().map(engine::dynamic)).collect();
        let result = match self.script.bodies.get(&(self.function.to_string(), arguments.len())) {
            Some(body) => {
                let mut scope = Scope::new();
                for (name, value) in body.parameters.iter().zip(arguments) {
                    scope.push_dynamic(name.as_str(), value);
                }
                engine::scripts().eval_ast_with_scope::<Dynamic>(&mut scope, &body.ast)
            }
            None => Err(format!("there is no function {} with {} argument(s)", self.function, arguments.len()).into()),
        };
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match (session.wanted.take(), result) {
            (Some((wanted, at)), _) => Ended::Wants(wanted, self.script.site(at)),
            (None, Ok(value)) => Ended::Returned(engine::json(&value, 0)),
            (None, Err(error)) => Ended::Failed(told(&error)),
        };
        Executed { ended, language: session.language.take() }
    }
}

/// An error of a script with its line, and the limit it broke.
fn told(error: &EvalAltResult) -> String {
    let line = line_of(error).map(|line| format!("line {line}: ")).unwrap_or_default();
    let limit = match error.unwrap_inner() {
        EvalAltResult::ErrorTooManyOperations(_) => format!("after {SCRIPT_OPERATIONS} operations"),
        EvalAltResult::ErrorStackOverflow(_) => format!("functions call each other deeper than {CALL_LEVELS}"),
        EvalAltResult::ErrorTooManyVariables(_) => format!("it has more than {VARIABLES} variables"),
        EvalAltResult::ErrorDataTooLarge(what, _) => match what.as_str() {
            text if text.contains("string") => format!("a text grew over {STRING_BYTES} bytes"),
            _ => format!("an array or map grew over {COLLECTION_SIZE} values"),
        },
        _ => return format!("{line}{}", crate::template::plain(error)),
    };
    format!("{line}the script was stopped: {limit}")
}

fn line_of(error: &EvalAltResult) -> Option<usize> {
    error.unwrap_inner().position().line().or_else(|| error.position().line())
}
