//! The two Rhai engines of the process, built once: one for expressions, one for scripts.
//!
//! Rhai's own limits do not stop every stack overflow, so closures, currying and function pointers are off, collections are
//! small, and scripts run and compile on threads with [`crate::limits::SCRIPT_STACK`] bytes of stack.

use crate::{
    hours::Hours,
    limits::{
        CALL_LEVELS, COLLECTION_SIZE, EXPRESSION_DEPTH, EXPRESSION_OPERATIONS, FUNCTIONS, SCRIPT_OPERATIONS, STRING_BYTES, VARIABLES,
    },
};
use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, Expr, NativeCallContext, OptimizationLevel, Position, Stmt};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};
use terms::UnixMs;

/// Functions that Rhai offers and flows may not use: they read a clock, build code, or take other ways than a plain call.
pub(crate) const REFUSED: [&str; 10] = ["eval", "Fn", "curry", "call", "timestamp", "sleep", "print", "debug", "is_def_fn", "exit"];

/// What `open("office")` and `spoken(…)` in an expression see of the call: handed through the engine's tag, so that nothing is
/// global. Scripts have `line.open` and `line.spoken`.
#[derive(Clone)]
pub(crate) struct Clock {
    pub(crate) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    pub(crate) now: UnixMs,
    /// The call's language; empty when nobody said one.
    pub(crate) language: Arc<str>,
}

fn sandbox(operations: u64) -> Engine {
    let mut engine = Engine::new();
    engine
        .set_max_operations(operations)
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPRESSION_DEPTH, EXPRESSION_DEPTH)
        .set_max_string_size(STRING_BYTES)
        .set_max_array_size(COLLECTION_SIZE)
        .set_max_map_size(COLLECTION_SIZE)
        .set_max_variables(VARIABLES)
        .set_max_functions(FUNCTIONS)
        // One table of strings for all would be locked while anything is compiled or run.
        .set_max_strings_interned(0)
        .set_max_modules(0)
        .set_allow_anonymous_fn(false)
        .set_optimization_level(OptimizationLevel::None);
    for symbol in ["eval", "Fn", "curry", "import", "export"] {
        engine.disable_symbol(symbol);
    }
    engine.on_print(|_| {}).on_debug(|_, _, _| {});
    let refuse = |what: &'static str| -> Result<(), Box<EvalAltResult>> { Err(format!("{what} is not for flows").into()) };
    engine.register_fn("sleep", move |_: i64| refuse("sleep")).register_fn("sleep", move |_: f64| refuse("sleep"));
    engine.register_fn("timestamp", move || refuse("timestamp"));
    engine
        .register_fn("spoken", |context: NativeCallContext, value: Dynamic| say(&context, &value, None, None))
        .register_fn("spoken", |context: NativeCallContext, value: Dynamic, form: &str| say(&context, &value, Some(form), None))
        .register_fn("spoken", |context: NativeCallContext, value: Dynamic, form: &str, language: &str| say(&context, &value, Some(form), Some(language)));
    engine
}

/// `spoken(value, form, language)`.
fn say(context: &NativeCallContext, value: &Dynamic, form: Option<&str>, language: Option<&str>) -> Result<String, Box<EvalAltResult>> {
    let clock = context.global_runtime_state().tag.clone().try_cast::<Clock>();
    let of_call = clock.map(|clock| clock.language).unwrap_or_default();
    Ok(crate::spoken::spoken(&json(value, 0), form, language.unwrap_or(&of_call))?)
}

/// Makes what compiling needs, once in the life of a process. It comes by itself with the first expression; whoever is in a hurry has it
/// made on another thread, while files are still being read.
pub fn prepare() {
    expression_functions();
}

/// The engine of `${…}` and `if`.
pub(crate) fn expressions() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = sandbox(EXPRESSION_OPERATIONS);
        engine.register_fn("open", |context: NativeCallContext, name: &str| -> Result<bool, Box<EvalAltResult>> {
            let clock = context.global_runtime_state().tag.clone().try_cast::<Clock>();
            let clock = clock.ok_or("open() is not available here")?;
            let hours = clock.hours.get(name).ok_or_else(|| format!("there are no hours named {name}"))?;
            Ok(hours.open_at(clock.now))
        });
        engine
    })
}

/// The engine of scripts.
pub(crate) fn scripts() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = sandbox(SCRIPT_OPERATIONS);
        crate::session::register(&mut engine);
        engine
    })
}

/// Names of all functions an engine has, operators included.
pub(crate) fn function_names(engine: &'static Engine, cell: &'static OnceLock<BTreeSet<String>>) -> &'static BTreeSet<String> {
    cell.get_or_init(|| {
        let signatures = engine.gen_fn_signatures(true);
        let name = |signature: &String| {
            let before = signature.trim_start_matches("fn ").split('(').next().unwrap_or_default();
            before.rsplit("::").next().unwrap_or_default().trim().to_owned()
        };
        let mut names: BTreeSet<String> = signatures.iter().map(name).collect();
        for own in ["type_of", "is_def_var", "is_shared", "len", "contains", "to_string", "get", "set", "keys", "values", "in"] {
            names.insert(own.to_owned());
        }
        for refused in REFUSED {
            names.remove(refused);
        }
        names
    })
}

pub(crate) fn expression_functions() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    function_names(expressions(), &NAMES)
}

pub(crate) fn script_functions() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    function_names(scripts(), &NAMES)
}

/// Visits every expression and statement of a tree.
pub(crate) fn visit(ast: &AST, mut on_expr: impl FnMut(&Expr), mut on_stmt: impl FnMut(&Stmt)) {
    ast.walk(&mut |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Expr(expr)) => on_expr(expr),
            Some(ASTNode::Stmt(stmt)) => {
                // The walk does not show the call of a bare call statement as an expression.
                if let Stmt::FnCall(call, at) = stmt {
                    on_expr(&Expr::FnCall(call.clone(), *at));
                }
                on_stmt(stmt);
            }
            _ => {}
        }
        true
    });
}

/// Whether a name cannot be a variable in Rhai.
pub(crate) fn is_reserved(name: &str) -> bool {
    !rhai::is_valid_identifier(name)
        || REFUSED.contains(&name)
        || expressions().compile_expression(format!("{name} + 1")).is_err()
}

/// JSON to a Rhai value.
pub(crate) fn dynamic(json: &Json) -> Dynamic {
    match json {
        Json::Null => Dynamic::UNIT,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => number.as_i64().map_or_else(|| number.as_f64().unwrap_or(0.0).into(), Dynamic::from),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Dynamic::from_array(items.iter().map(dynamic).collect()),
        Json::Object(map) => Dynamic::from_map(map.iter().map(|(key, value)| (key.as_str().into(), dynamic(value))).collect()),
    }
}

/// A Rhai value to JSON; what JSON cannot hold becomes its text. `depth` guards the stack.
pub(crate) fn json(value: &Dynamic, depth: usize) -> Json {
    if value.is_unit() || depth > EXPRESSION_DEPTH {
        Json::Null
    } else if let Ok(value) = value.as_bool() {
        value.into()
    } else if let Ok(value) = value.as_int() {
        value.into()
    } else if let Ok(value) = value.as_float() {
        value.into()
    } else if let Some(items) = value.read_lock::<rhai::Array>() {
        items.iter().map(|item| json(item, depth + 1)).collect()
    } else if let Some(map) = value.read_lock::<rhai::Map>() {
        let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.to_string(), json(value, depth + 1))).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Json::Object(entries.into_iter().collect())
    } else {
        Json::String(value.to_string())
    }
}

/// Byte of `text` at a Rhai position (line and character from 1).
pub(crate) fn byte_of(text: &str, at: Position) -> usize {
    let (line, column) = (at.line().unwrap_or(1), at.position().unwrap_or(1));
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(index, _)| index)
}

/// Length in bytes of the word or literal that begins at byte `at`.
pub(crate) fn word_length(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    if word > 0 {
        word
    } else if rest.starts_with('"') {
        rest.get(1..).and_then(|inner| inner.find('"')).map_or(1, |end| end + 2)
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    }
}
