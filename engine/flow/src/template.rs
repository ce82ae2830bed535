//! Values with `${…}` in them, and the expressions: compiled and checked at load, evaluated in the call.

#![expect(clippy::wildcard_enum_match_arm, reason = "Rhai's tree has two dozen kinds of nodes, of which a check looks at a few")]

use crate::{
    catalogue::Action,
    engine::{self, Clock, byte_of, dynamic, expression_functions, visit, word_length},
    hours::Hours,
    limits::{EXPRESSION_CHARS, EXPRESSION_OPERATIONS, TEXT_CHARS},
    prompts::{NamedPrompt, PREFIX, Prompts, resolve},
    spoken,
    value::Raw,
    world::{CALLER_FIELDS, CallFacts, LINE_FIELDS},
};
use notation::nearest;
use rhai::{AST, CallFnOptions, Expr as RhaiExpr, Scope as RhaiScope};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use terms::UnixMs;

/// Fields of `now`.
pub(crate) const NOW_FIELDS: [&str; 9] = ["unix", "date", "time", "year", "month", "day", "hour", "minute", "weekday"];
/// Names every expression may use.
pub(crate) const ROOTS: [&str; 7] = ["settings", "result", "caller", "line", "secret", "now", "language"];

/// A value as written, ready to be evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    /// Nothing to evaluate.
    Plain(Raw),
    /// Text around expressions; a single expression alone keeps its type.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Template>),
    /// A map.
    Map(Vec<(String, Template)>),
    /// A prompt of the `prompts:` section.
    Named(Arc<NamedPrompt>),
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Words(String),
    Value(Expression),
}

/// One compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// As written.
    pub(crate) text: Arc<str>,
    code: Code,
}

#[derive(Clone, Debug)]
enum Code {
    /// `caller.number`: looked up without Rhai.
    Path(Vec<String>),
    /// Anything else: a function of the names it uses, on the second line of its text.
    Function(Arc<(AST, Vec<String>)>),
}

/// What an expression may name, and what was named.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) settings: BTreeSet<String>,
    pub(crate) vars: BTreeSet<String>,
    pub(crate) hours: BTreeSet<String>,
    pub(crate) secrets: Option<BTreeSet<String>>,
    /// The action just done, where that is sure: what `result` has.
    pub(crate) result: Option<&'static Action>,
    /// `settings.x`, `hours.x`, `x`, that some expression reads.
    pub(crate) used: BTreeSet<String>,
    /// Whether an expression could not be read, so that what is used is not known.
    pub(crate) torn: bool,
}

/// What is wrong in an expression, at a byte of its text.
#[derive(Debug)]
pub(crate) struct BadExpression {
    pub(crate) code: &'static str,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// What the names stand for in one moment of a call.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) facts: &'a CallFacts,
    pub(crate) settings: &'a BTreeMap<String, Json>,
    pub(crate) vars: &'a BTreeMap<String, Json>,
    pub(crate) result: &'a Json,
    pub(crate) hours: &'a Arc<BTreeMap<String, Arc<Hours>>>,
    pub(crate) zone: &'a jiff::tz::TimeZone,
    pub(crate) now: UnixMs,
    /// The call's language, when a flow or its `speech` says one.
    pub(crate) language: Option<&'a str>,
    pub(crate) prompts: &'a Prompts,
}

/// Cuts a text into words and expressions; an error is the byte of a `${` that never closes.
pub(crate) fn cut(text: &str) -> Result<Vec<(bool, usize, &str)>, usize> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("${")).map(|i| at + i) {
        if open > at {
            parts.push((false, at, &text[at..open]));
        }
        let (mut depth, mut quote, mut escaped) = (0usize, None, false);
        let mut close = None;
        for (index, c) in text[open + 2..].char_indices() {
            match (quote, c) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(q), c) if c == q => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'' | '`') => quote = Some(c),
                (None, '{') => depth += 1,
                (None, '}') if depth == 0 => {
                    close = Some(open + 2 + index);
                    break;
                }
                (None, '}') => depth -= 1,
                (None, _) => {}
            }
        }
        let close = close.ok_or(open)?;
        parts.push((true, open + 2, &text[open + 2..close]));
        at = close + 1;
    }
    if at < text.len() || parts.is_empty() {
        parts.push((false, at, &text[at..]));
    }
    Ok(parts)
}

impl Expression {
    /// Compiles and checks an expression.
    pub(crate) fn compile(text: &str, names: &mut Names) -> Result<Self, Vec<BadExpression>> {
        let bad = |code, from: usize, to: usize, message: String, help: Option<String>| BadExpression { code, from, to, message, help };
        if text.trim().is_empty() || text.chars().count() > EXPRESSION_CHARS {
            let message = format!("an expression has 1 to {EXPRESSION_CHARS} characters");
            return Err(vec![bad("bad-expression", 0, text.len(), message, None)]);
        }
        let path: Vec<&str> = text.trim().split('.').collect();
        let lead = text.len() - text.trim_start().len();
        let simple = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if path.iter().all(simple) && !matches!(path[0], "true" | "false") {
            let mut faults = Vec::new();
            let second = path.get(1).map(|name| (*name, lead + path[0].len() + 1));
            names.check((path[0], lead), second, &mut faults);
            let code = Code::Path(path.iter().map(|part| (*part).to_owned()).collect());
            return if faults.is_empty() { Ok(Self { text: text.trim().into(), code }) } else { Err(faults) };
        }
        let tree = match engine::expressions().compile_expression(text) {
            Ok(tree) => tree,
            Err(error) => {
                let at = byte_of(text, error.position()).min(text.len());
                let help = text.contains(" and ").then(|| "write && for and, || for or, ! for not".to_owned());
                return Err(vec![bad("bad-expression", at, at + word_length(text, at).max(1), error.err_type().to_string(), help)]);
            }
        };
        let (mut faults, mut roots) = (Vec::new(), BTreeSet::new());
        let mut seen_dots: BTreeSet<usize> = BTreeSet::new();
        visit(
            &tree,
            |expr| match expr {
                RhaiExpr::Dot(chain, ..) => {
                    if let RhaiExpr::Variable(name, _, at) = &chain.lhs {
                        let field = match &chain.rhs {
                            RhaiExpr::Property(field, at) => Some((field.2.as_str(), byte_of(text, *at))),
                            RhaiExpr::Dot(inner, ..) => match &inner.lhs {
                                RhaiExpr::Property(field, at) => Some((field.2.as_str(), byte_of(text, *at))),
                                _ => None,
                            },
                            _ => None,
                        };
                        seen_dots.insert(byte_of(text, *at));
                        roots.insert(name.1.to_string());
                        names.check((name.1.as_str(), byte_of(text, *at)), field, &mut faults);
                    }
                }
                RhaiExpr::Variable(name, _, at) => {
                    roots.insert(name.1.to_string());
                    if !seen_dots.contains(&byte_of(text, *at)) {
                        names.check((name.1.as_str(), byte_of(text, *at)), None, &mut faults);
                    }
                }
                RhaiExpr::FnCall(call, at) | RhaiExpr::MethodCall(call, at) if call.op_token.is_none() => {
                    let (name, at) = (call.name.as_str(), byte_of(text, *at));
                    if !expression_functions().contains(name) {
                        let near = nearest(name, expression_functions().iter().map(String::as_str).filter(|name| name.len() > 2));
                        faults.push(bad("unknown-function", at, at + name.len(), format!("unknown function `{name}`"), near.map(|near| format!("did you mean `{near}`?"))));
                    } else if let ("spoken", Some(RhaiExpr::StringConstant(form, place))) = (name, call.args.get(1))
                        && !spoken::FORMS.contains(&form.as_str())
                        && !spoken::CURRENCIES.iter().any(|(code, _)| code == form) {
                            let at = byte_of(text, *place);
                            let known: Vec<&str> = spoken::FORMS.into_iter().chain(spoken::CURRENCIES.map(|(code, _)| code)).collect();
                            let help = nearest(form, known.iter().copied()).map_or_else(|| format!("take one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
                            faults.push(bad("unknown-form", at, at + form.len() + 2, format!("spoken() has no form `{form}`"), Some(help)));
                    } else if name == "open" && !matches!(call.args.first(), Some(RhaiExpr::StringConstant(..))) {
                        names.used.extend(names.hours.iter().map(|hours| format!("hours.{hours}")));
                    } else if let ("open", Some(RhaiExpr::StringConstant(hours, place))) = (name, call.args.first())
                        && !names.used_hours(hours) {
                            let at = byte_of(text, *place);
                            let near = nearest(hours, names.hours.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
                            faults.push(bad("missing-hours", at, at + hours.len() + 2, format!("there are no hours named `{hours}`"), near));
                        }
                }
                _ => {}
            },
            |_| {},
        );
        if !faults.is_empty() {
            return Err(faults);
        }
        let roots: Vec<String> = roots.into_iter().collect();
        let code = format!("fn e({}) {{\n{text}\n}}", roots.join(", "));
        match engine::expressions().compile(&code) {
            Ok(code) => Ok(Self { text: text.trim().into(), code: Code::Function(Arc::new((code, roots))) }),
            Err(error) => Err(vec![bad("bad-expression", 0, text.len(), error.err_type().to_string(), None)]),
        }
    }

    /// The value in this moment.
    pub(crate) fn value(&self, view: &View) -> Result<Json, String> {
        match &self.code {
            Code::Path(path) => Ok(view.path(path)),
            Code::Function(code) => {
                let args: Vec<_> = code.1.iter().map(|root| dynamic(&view.root(root))).collect();
                let clock = Clock { hours: view.hours.clone(), now: view.now, language: view.language.unwrap_or_default().into() };
                let options = CallFnOptions::new().eval_ast(false).with_tag(clock);
                engine::expressions()
                    .call_fn_with_options::<rhai::Dynamic>(options, &mut RhaiScope::new(), &code.0, "e", args)
                    .map(|value| engine::json(&value, 0))
                    .map_err(|error| plain(&error))
            }
        }
    }

    /// Whether an `if` holds.
    pub(crate) fn holds(&self, view: &View) -> Result<bool, String> {
        match self.value(view)? {
            Json::Bool(value) => Ok(value),
            other => Err(format!("an `if` is true or false, this one is {other}")),
        }
    }
}

/// An evaluation error in few words.
pub(crate) fn plain(error: &rhai::EvalAltResult) -> String {
    if let rhai::EvalAltResult::ErrorTooManyOperations(_) = error.unwrap_inner() {
        return format!("an expression was stopped after {EXPRESSION_OPERATIONS} operations");
    }
    let text = error.unwrap_inner().to_string();
    let text = text.strip_prefix("Runtime error: ").unwrap_or(&text);
    match text.rfind(" (line ") {
        Some(cut) => text[..cut].to_owned(),
        None => text.to_owned(),
    }
}

impl Names {
    /// Notes that hours are asked for; whether there are such.
    fn used_hours(&mut self, hours: &str) -> bool {
        self.used.insert(format!("hours.{hours}"));
        self.hours.contains(hours)
    }
    /// Checks a name and the field after it.
    fn check(&mut self, root: (&str, usize), field: Option<(&str, usize)>, faults: &mut Vec<BadExpression>) {
        let mut bad = |code, (name, at): (&str, usize), what: String, known: &mut dyn Iterator<Item = &str>| {
            let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
            faults.push(BadExpression { code, from: at, to: at + name.len(), message: what, help });
        };
        let (name, _) = root;
        if self.vars.contains(name) {
            self.used.insert(name.to_owned());
            return;
        }
        let fields: &[&str] = match name {
            "caller" => &CALLER_FIELDS,
            "line" => &LINE_FIELDS,
            "now" => &NOW_FIELDS,
            "language" => return,
            "result" => {
                if let (Some((field, at)), Some(action)) = (field, self.result)
                    && !action.fields.contains(&field) {
                        let known = action.fields.join(", ");
                        let told = if known.is_empty() { format!("the result of `{}` has no fields", action.name) } else { format!("the result of `{}` has no `{field}`", action.name) };
                        bad("unknown-result", (field, at), told, &mut action.fields.iter().copied());
                        if let Some(fault) = faults.last_mut()
                            && fault.help.is_none() && !known.is_empty() {
                                fault.help = Some(format!("it has {known}"));
                            }
                    }
                return;
            }
            "settings" => {
                if let Some((field, at)) = field {
                    if self.settings.contains(field) {
                        self.used.insert(format!("settings.{field}"));
                    } else {
                        bad("unknown-setting", (field, at), format!("there is no setting `{field}`"), &mut self.settings.iter().map(String::as_str));
                    }
                } else {
                    self.used.extend(self.settings.iter().map(|name| format!("settings.{name}")));
                }
                return;
            }
            "secret" => {
                if let (Some((field, at)), Some(secrets)) = (field, &self.secrets)
                    && !secrets.contains(field) {
                        bad("missing-secret", (field, at), format!("there is no secret `{field}`"), &mut secrets.iter().map(String::as_str));
                    }
                return;
            }
            _ => {
                let mut known = ROOTS.into_iter().chain(self.vars.iter().map(String::as_str));
                bad("unknown-name", root, format!("unknown name `{name}`"), &mut known);
                return;
            }
        };
        if let Some((field, at)) = field
            && !fields.contains(&field) {
                bad("unknown-name", (field, at), format!("`{name}` has no `{field}`"), &mut fields.iter().copied());
            }
    }
}

impl View<'_> {
    /// The value of a name.
    fn root(&self, name: &str) -> Json {
        if let Some(value) = self.vars.get(name) {
            return value.clone();
        }
        match name {
            "settings" => Json::Object(self.settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
            "result" => {
                // A missing JSON answer reads as an empty map, so that asking for its fields is no failure.
                let mut result = if self.result.is_object() { self.result.clone() } else { serde_json::json!({}) };
                if result.get("json").is_none_or(Json::is_null) {
                    result["json"] = serde_json::json!({});
                }
                result
            }
            "caller" => self.facts.caller_json(self.language.unwrap_or_default()),
            "line" => self.facts.line_json(),
            "secret" => Json::Object(self.facts.secrets.iter().map(|(key, value)| (key.clone(), value.expose().clone().into())).collect()),
            "now" => now_json(self.now, self.zone),
            "language" => self.language.unwrap_or_default().into(),
            _ => Json::Null,
        }
    }

    fn path(&self, path: &[String]) -> Json {
        let [first, rest @ ..] = path else { return Json::Null };
        let (mut value, rest) = match (first.as_str(), rest) {
            (name, rest) if self.vars.contains_key(name) => (self.vars.get(name).cloned().unwrap_or_default(), rest),
            ("settings", [field, rest @ ..]) => (self.settings.get(field).cloned().unwrap_or_default(), rest),
            ("caller", [field, rest @ ..]) if field == "number" => (self.facts.caller.number.clone().into(), rest),
            ("line", [field, rest @ ..]) if field == "connection" => (self.facts.line.connection.clone().unwrap_or_default().into(), rest),
            ("line", [field, rest @ ..]) if field == "mailbox" => (self.facts.line.mailbox.clone().unwrap_or_default().into(), rest),
            ("secret", [field, rest @ ..]) => (self.facts.secrets.get(field).map(|secret| secret.expose().clone()).into(), rest),
            (name, rest) => (self.root(name), rest),
        };
        for field in rest {
            value = value.get_mut(field).map(Json::take).unwrap_or_default();
        }
        value
    }
}

/// The fields of `now` on the clock of a zone.
pub(crate) fn now_json(now: UnixMs, zone: &jiff::tz::TimeZone) -> Json {
    let stamp = i64::try_from(now.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let local = zone.to_datetime(stamp);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let weekday = days.get(usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0));
    serde_json::json!({
        "unix": now.0 / 1_000,
        "date": local.date().to_string(),
        "time": format!("{:02}:{:02}", local.hour(), local.minute()),
        "year": local.year(), "month": local.month(), "day": local.day(), "hour": local.hour(), "minute": local.minute(),
        "weekday": weekday,
    })
}

impl Template {
    /// What is known of the value before the call.
    pub(crate) fn outline(&self) -> Raw {
        match self {
            Self::Plain(raw) => raw.clone(),
            Self::Text(_) => Raw::Unknown,
            Self::List(items) => Raw::List(items.iter().map(Self::outline).collect()),
            Self::Map(entries) => Raw::Map(entries.iter().map(|(key, value)| (key.clone(), value.outline())).collect()),
            Self::Named(prompt) => prompt.outline(),
        }
    }
    /// The value with its expressions as they are written, for people.
    pub(crate) fn as_written(&self) -> Raw {
        match self {
            Self::Plain(raw) => raw.clone(),
            Self::Text(pieces) => {
                let told = pieces.iter().map(|piece| match piece {
                    Piece::Words(words) => words.clone(),
                    Piece::Value(expression) => format!("${{{}}}", expression.text),
                });
                Raw::Text(told.collect())
            }
            Self::List(items) => Raw::List(items.iter().map(Self::as_written).collect()),
            Self::Map(entries) => Raw::Map(entries.iter().map(|(key, value)| (key.clone(), value.as_written())).collect()),
            Self::Named(prompt) => Raw::Text(format!("{PREFIX}{}", prompt.name)),
        }
    }
    /// Whether there is nothing to evaluate.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Text(_) => false,
            Self::List(items) => items.iter().all(Self::is_plain),
            Self::Map(entries) => entries.iter().all(|(_, value)| value.is_plain()),
            Self::Named(prompt) => prompt.is_plain(),
        }
    }
    /// The value in this moment.
    pub(crate) fn value(&self, view: &View) -> Result<Raw, String> {
        Ok(match self {
            Self::Plain(raw) => raw.clone(),
            Self::Text(pieces) => match pieces.as_slice() {
                [Piece::Value(expression)] => resolve(Raw::of_json(&expression.value(view)?), view)?,
                pieces => {
                    let mut text = String::new();
                    for piece in pieces {
                        match piece {
                            Piece::Words(words) => text.push_str(words),
                            Piece::Value(expression) => match expression.value(view)? {
                                Json::Null => {}
                                Json::String(value) => text.push_str(&value),
                                other => text.push_str(&other.to_string()),
                            },
                        }
                        if text.len() > TEXT_CHARS * 4 {
                            return Err(format!("a text grew over {TEXT_CHARS} characters"));
                        }
                    }
                    resolve(Raw::Text(text), view)?
                }
            },
            Self::List(items) => Raw::List(items.iter().map(|item| item.value(view)).collect::<Result<_, _>>()?),
            Self::Map(entries) => {
                Raw::Map(entries.iter().map(|(key, value)| Ok((key.clone(), value.value(view)?))).collect::<Result<_, String>>()?)
            }
            Self::Named(prompt) => prompt.value(view)?,
        })
    }
}
