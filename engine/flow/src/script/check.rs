//! What is wrong with a script, though it parses: unknown functions, parameters, outcomes, names of things.

#![expect(clippy::wildcard_enum_match_arm, reason = "Rhai's tree has two dozen kinds of nodes, of which a check looks at a few")]

use super::Site;
use crate::{
    catalogue::{ACTIONS, action},
    compile::missing,
    engine::{byte_of, script_functions, visit, word_length},
    prompts::{PREFIX, Prompts},
    session::MEMBERS,
    value::{Findings, Raw, Step, is_choice, read_params},
    world::World,
};
use notation::{Reader, Span, nearest};
use rhai::{AST, Expr, FnCallExpr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Check<'c> {
    pub(super) text: &'c str,
    pub(super) reader: &'c mut Reader,
    pub(super) world: &'c World,
    pub(super) flows: &'c BTreeSet<String>,
    /// Prompts that it may name.
    pub(super) prompts: &'c Prompts,
    /// The script's own functions and the numbers of arguments they take.
    pub(super) functions: BTreeMap<String, BTreeSet<usize>>,
    /// Variables that hold the result of an action (when always the same one).
    pub(super) results: BTreeMap<String, Option<&'static str>>,
}

impl Check<'_> {
    fn span(&self, at: Position) -> Span {
        let at = byte_of(self.text, at);
        Span::of(self.text, at, at + word_length(self.text, at))
    }

    pub(super) fn tree(&mut self, ast: &AST) {
        let (mut calls, mut lets) = (Vec::new(), Vec::new());
        visit(ast, |expr| calls.push(expr.clone()), |stmt| {
            if let Stmt::Var(var, ..) = stmt {
                lets.push((var.0.name.to_string(), var.1.clone()));
            }
        });
        for (name, value) in lets {
            let action = match &value {
                Expr::Dot(chain, ..) => match &chain.rhs {
                    Expr::MethodCall(call, _) => action(&call.name).map(|action| action.name),
                    _ => None,
                },
                _ => None,
            };
            self.results.entry(name).and_modify(|known| *known = known.filter(|known| Some(*known) == action)).or_insert(action);
        }
        for expr in &calls {
            match expr {
                Expr::MethodCall(call, at) => self.method(call, *at),
                Expr::FnCall(call, at) if call.op_token.is_none() => self.function(call, *at),
                Expr::FnCall(call, _) if matches!(call.name.as_str(), "==" | "!=") => self.comparison(call),
                _ => {}
            }
        }
    }

    /// Every call of an action, in the order written.
    pub(super) fn sites(&self, ast: &AST) -> Vec<Site> {
        let mut found: Vec<Site> = Vec::new();
        visit(
            ast,
            |expr| {
                let Expr::MethodCall(call, at) = expr else { return };
                let name = call.name.as_str();
                let action = action(name).filter(|action| call.args.len() <= 2 && !(action.name == "keys" && call.args.is_empty()));
                if action.is_none() && name != "run" {
                    return;
                }
                let span = self.span(*at);
                let first = call.args.first().map(raw_of).unwrap_or(Raw::Null);
                let keys = match &first {
                    Raw::Map(entries) => entries.iter().find(|(key, _)| key == "keys").map(|(_, keys)| keys.clone()),
                    Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::List(_) | Raw::Unknown => None,
                };
                let mut outcomes: Vec<String> = match (action.is_some_and(|action| action.keys_are_outcomes), keys) {
                    (true, Some(Raw::List(keys))) => keys.iter().filter_map(Raw::text).collect(),
                    (true | false, _) => Vec::new(),
                };
                outcomes.extend(action.map(|action| action.outcomes).unwrap_or_default().iter().map(|name| (*name).to_owned()));
                let runs = first.text().filter(|_| action.is_none());
                found.push(Site {
                    name: "".into(),
                    function: function_around(self.text, span.start).to_owned(),
                    span,
                    action: action.map_or("run", |action| action.name),
                    about: crate::outline::about(action.map_or("run", |action| action.name), action.and_then(|action| action.main), &first),
                    runs,
                    outcomes,
                });
            },
            |_| {},
        );
        found.sort_by_key(|site| site.span);
        found.dedup_by_key(|site| site.span);
        let mut last = 0;
        for site in &mut found {
            let (line, column) = (site.span.line, site.span.column);
            site.name = if line == last { format!("line {line}:{column}").into() } else { format!("line {line}").into() };
            last = line;
        }
        found
    }

    fn function(&mut self, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        match self.functions.get(name) {
            Some(arities) if !arities.contains(&call.args.len()) => {
                let takes = arities.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
                let span = self.span(at);
                self.reader.error("wrong-arguments", span, format!("`{name}` takes {takes} argument(s), not {}", call.args.len()));
            }
            Some(_) => {}
            None if script_functions().contains(name) && action(name).is_none() => {}
            None => {
                let span = self.span(at);
                let own: Vec<&str> = self.functions.keys().map(String::as_str).collect();
                let known = own.iter().copied().chain(script_functions().iter().map(String::as_str).filter(|name| name.len() > 2));
                let help = match action(name) {
                    Some(_) => Some(format!("write line.{name}(…)")),
                    None => nearest(name, known).map(|near| format!("did you mean `{near}`?")),
                };
                self.reader.error("unknown-function", span, format!("unknown function `{name}`")).help = help;
            }
        }
    }

    fn method(&mut self, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        if let Some(action) = action(name) {
            // `keys` and `set` are also functions of maps: only calls that look like the action's are checked.
            if call.args.len() <= 2 && !(name == "keys" && call.args.is_empty()) {
                self.parameters(action, call, at);
            }
            return;
        }
        if name == "run" {
            if let Some(Expr::StringConstant(flow, place)) = call.args.first()
                && !self.flows.contains(flow.as_str()) {
                    let span = self.span(*place);
                    let known: Vec<&str> = self.flows.iter().map(String::as_str).collect();
                    self.reader.unknown("missing-flow", span, "flow", flow, &known);
                }
            return;
        }
        if !script_functions().contains(name) && !self.functions.contains_key(name) && !MEMBERS.contains(&name) {
            let span = self.span(at);
            let known = ACTIONS.iter().map(|action| action.name).chain(MEMBERS).chain(script_functions().iter().map(String::as_str).filter(|name| name.len() > 2));
            let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
            self.reader.error("unknown-function", span, format!("unknown function `{name}`")).help = help;
        }
    }

    /// Checks what is written out among the arguments of an action.
    fn parameters(&mut self, action: &'static crate::catalogue::Action, call: &FnCallExpr, at: Position) {
        let mut entries: Vec<(String, Raw)> = Vec::new();
        let mut places: Vec<(String, Position, Expr)> = Vec::new();
        for (index, arg) in call.args.iter().enumerate() {
            match (arg, action.main) {
                (Expr::Map(map, _), _) => {
                    for (key, value) in &map.0 {
                        entries.push((key.name.to_string(), raw_of(value)));
                        places.push((key.name.to_string(), key.pos, value.clone()));
                    }
                }
                // A map in a variable: nothing can be said of it.
                (Expr::Variable(..) | Expr::FnCall(..), _) if index == 1 => return,
                (Expr::Variable(..), None) => return,
                (value, Some(main)) if index == 0 => {
                    if call.args.len() == 1 && matches!(raw_of(value), Raw::Unknown) {
                        return;
                    }
                    entries.push((main.to_owned(), raw_of(value)));
                    places.push((main.to_owned(), value.position(), value.clone()));
                }
                (_, _) => {
                    let span = self.span(at);
                    self.reader.error("wrong-arguments", span, format!("{} takes a map of its parameters", action.name));
                    return;
                }
            }
        }
        let mut findings = Findings::default();
        let entries = entries.into_iter().map(|(key, value)| (key, self.without_prompts(value))).collect();
        read_params(action.name, action.params, &Raw::Map(entries), &mut findings);
        let place = |path: &[Step]| path_position(&places, path).unwrap_or(at);
        for problem in findings.problems {
            let span = self.span(place(&problem.path));
            self.reader.error(problem.code, span, problem.message).help = problem.help;
        }
        for mention in findings.mentions {
            if let Some((code, message, help)) = missing(self.world, &mention) {
                let span = self.span(place(&mention.path));
                self.reader.error(code, span, message).help = help;
            }
        }
    }

    /// Names of prompts that exist, as what is only known in the call; those that do not stay, and are faults.
    fn without_prompts(&self, raw: Raw) -> Raw {
        match raw {
            Raw::Text(text) if text.strip_prefix(PREFIX).is_some_and(|name| self.prompts.contains_key(name)) => Raw::Unknown,
            Raw::List(items) => Raw::List(items.into_iter().map(|item| self.without_prompts(item)).collect()),
            Raw::Map(entries) => Raw::Map(entries.into_iter().map(|(key, value)| (key, self.without_prompts(value))).collect()),
            Raw::Text(_) | Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Unknown => raw,
        }
    }

    /// `b.outcome == "answred"`.
    fn comparison(&mut self, call: &FnCallExpr) {
        let (mut subject, mut literal) = (None, None);
        for arg in &call.args {
            match arg {
                Expr::Dot(chain, ..) => match (&chain.lhs, &chain.rhs) {
                    (Expr::Variable(var, ..), Expr::Property(property, _)) if property.2 == "outcome" => subject = Some(var.1.to_string()),
                    _ => {}
                },
                Expr::StringConstant(text, at) => literal = Some((text.to_string(), *at)),
                _ => {}
            }
        }
        let (Some(subject), Some((literal, at))) = (subject, literal) else { return };
        let Some(Some(name)) = self.results.get(&subject) else { return };
        let Some(action) = action(name) else { return };
        let good = action.outcomes.contains(&literal.as_str()) || (action.keys_are_outcomes && is_choice(&literal));
        if !good {
            let help = nearest(&literal, action.outcomes.iter().copied()).map_or_else(|| format!("it ends with {}", action.outcomes.join(", ")), |near| format!("did you mean `{near}`?"));
            let span = self.span(at);
            self.reader.error("outcome-impossible", span, format!("`{}` never ends with `{literal}`", action.name)).help(help);
        }
    }
}

/// The name of the function that byte `at` of a script stands in.
fn function_around(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let head = before.rmatch_indices("fn ").find(|(index, _)| before[..*index].ends_with(['\n', ';', '}', ' ']) || *index == 0);
    head.and_then(|(index, _)| before[index + 3..].split('(').next()).map(str::trim).unwrap_or_default()
}

/// What is written out of a value; the rest is unknown.
fn raw_of(expr: &Expr) -> Raw {
    match expr {
        Expr::StringConstant(text, _) => Raw::Text(text.to_string()),
        Expr::IntegerConstant(value, _) => Raw::Int(*value),
        Expr::BoolConstant(value, _) => Raw::Bool(*value),
        Expr::Array(items, _) => Raw::List(items.iter().map(raw_of).collect()),
        Expr::Map(map, _) => Raw::Map(map.0.iter().map(|(key, value)| (key.name.to_string(), raw_of(value))).collect()),
        _ => Raw::Unknown,
    }
}

fn path_position(places: &[(String, Position, Expr)], path: &[Step]) -> Option<Position> {
    let [Step::Key(first), rest @ ..] = path else { return None };
    let (_, key_at, expr) = places.iter().find(|(name, ..)| name == first)?;
    let (mut key_at, mut expr) = (*key_at, expr);
    for step in rest {
        let inner = match (step, expr) {
            (Step::Key(key), Expr::Map(map, _)) => map.0.iter().find(|(name, _)| name.name == key.as_str()).map(|(name, value)| {
                key_at = name.pos;
                value
            }),
            (Step::OfKey, _) => return Some(key_at),
            (Step::Index(index), Expr::Array(items, _)) => items.get(*index),
            _ => None,
        };
        match inner {
            Some(inner) => expr = inner,
            None => break,
        }
    }
    Some(expr.position())
}
