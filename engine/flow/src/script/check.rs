//! What is wrong with a script, though it parses: unknown functions, parameters, outcomes, names of things.

#![expect(clippy::wildcard_enum_match_arm, reason = "Rhai's tree has two dozen kinds of nodes, of which a check looks at a few")]

use super::{Known, Site, switch};
use crate::{
    catalogue::{ACTIONS, Action, action},
    compile::missing,
    engine::{byte_of, script_functions, visit, word_length},
    prompts::PREFIX,
    session::MEMBERS,
    value::{Findings, Raw, Step, is_choice, read_params},
    world::CALLER_FIELDS,
};
use notation::{Reader, Span, nearest};
use rhai::{AST, Expr, FnCallExpr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Check<'c> {
    pub(super) text: &'c str,
    pub(super) reader: &'c mut Reader,
    pub(super) known: Known<'c>,
    /// The script's own functions and the numbers of arguments they take.
    pub(super) functions: BTreeMap<String, BTreeSet<usize>>,
    /// Variables, and the action whose result they hold when it is always the same one.
    pub(super) results: BTreeMap<String, Option<Held>>,
}

impl Check<'_> {
    fn span(&self, at: Position) -> Span {
        let at = byte_of(self.text, at);
        Span::of(self.text, at, at + word_length(self.text, at))
    }

    pub(super) fn tree(&mut self, ast: &AST) {
        let mut bound: Vec<(String, Option<Held>)> = Vec::new();
        for function in ast.iter_functions() {
            bound.extend(function.params.iter().map(|name| ((*name).to_owned(), None)));
        }
        visit(ast, |_| {}, |stmt| match stmt {
            Stmt::Var(var, ..) => bound.push((var.0.name.to_string(), Held::of(&var.1))),
            Stmt::Assignment(assignment) => {
                if let Expr::Variable(name, ..) = &assignment.1.lhs {
                    bound.push((name.1.to_string(), Held::of(&assignment.1.rhs)));
                }
            }
            Stmt::For(each, _) => bound.push((each.0.name.to_string(), None)),
            _ => {}
        });
        for (name, known) in bound {
            self.results.entry(name).and_modify(|before| *before = before.take().filter(|before| Some(before) == known.as_ref())).or_insert(known);
        }
        visit(ast, |expr| self.expression(expr), |_| {});
        let text = self.text;
        visit(ast, |_| {}, |stmt| {
            if let Stmt::Switch(switch, at) = stmt {
                for (literal, place) in switch::cases(text, *at) {
                    self.ends(&switch.0, &literal, place);
                }
            }
        });
    }

    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::MethodCall(call, at) => self.method(call, *at),
            // `b.outcome in ["busy", "declined"]`
            Expr::FnCall(call, _) if call.name.as_str() == "contains" => match call.args.as_slice() {
                [Expr::Array(items, _), subject] | [subject, Expr::Array(items, _)] => items.iter().for_each(|item| self.comparison(subject, item)),
                _ => {}
            },
            Expr::FnCall(call, at) if call.op_token.is_none() => self.function(call, *at),
            Expr::FnCall(call, _) if matches!(call.name.as_str(), "==" | "!=") => {
                if let [left, right] = call.args.as_slice() {
                    self.comparison(left, right);
                    self.comparison(right, left);
                }
            }
            Expr::Dot(chain, ..) => {
                if let Some((name, property, rest)) = property_of(&chain.lhs, &chain.rhs) {
                    self.property(name, property, rest);
                }
            }
            _ => {}
        }
    }

    /// `b.duratoin`, `line.numbr`, `line.caller.nmae`.
    fn property(&mut self, name: &str, (property, at): Asked<'_>, rest: Option<Asked<'_>>) {
        let (of, known, property, at) = match (name, property, rest) {
            ("line", "caller", Some((field, at))) => ("`line.caller`".to_owned(), CALLER_FIELDS.to_vec(), field, at),
            ("line", ..) => ("`line`".to_owned(), MEMBERS.to_vec(), property, at),
            _ => match self.results.get(name) {
                Some(Some(known)) => {
                    let fields: Vec<&str> = known.action.fields.iter().copied().chain(["outcome", "key"]).collect();
                    (format!("the result of `{}`", known.action.name), fields, property, at)
                }
                Some(None) | None => return,
            },
        };
        if !known.contains(&property) {
            let help = nearest(property, known.iter().copied()).map_or_else(|| format!("it has {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            let span = self.span(at);
            self.reader.error("unknown-result", span, format!("{of} has no `{property}`")).help(help);
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
            // `keys` is also a function of maps: only calls that look like the action's are checked.
            if call.args.len() > 2 {
                let takes = if action.main.is_some() { "a value and a map" } else { "one map" };
                let span = self.span(at);
                self.reader.error("wrong-arguments", span, format!("`{name}` takes {takes}, not {} arguments", call.args.len()));
            } else if !(name == "keys" && call.args.is_empty()) {
                self.parameters(action, call, at);
            }
            return;
        }
        if let ("open" | "secret", Some(Expr::StringConstant(wanted, place))) = (name, call.args.first()) {
            self.named(name, wanted, *place);
        }
        if name == "run" {
            if let Some(Expr::StringConstant(flow, place)) = call.args.first()
                && !self.known.flows.contains(flow.as_str()) {
                    let span = self.span(*place);
                    let known: Vec<&str> = self.known.flows.iter().map(String::as_str).collect();
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

    /// `line.open("office")`, `line.secret("crm")`.
    fn named(&mut self, function: &str, wanted: &str, place: Position) {
        let known: Vec<&str> = match (function, &self.known.world.secrets) {
            ("open", _) => self.known.hours.keys().map(String::as_str).collect(),
            (_, Some(secrets)) => secrets.iter().map(String::as_str).collect(),
            (_, None) => return,
        };
        if !known.contains(&wanted) {
            let (code, message) = if function == "open" {
                ("missing-hours", format!("there are no hours named `{wanted}`"))
            } else {
                ("missing-secret", format!("there is no secret `{wanted}`"))
            };
            let help = nearest(wanted, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let span = self.span(place);
            self.reader.error(code, span, message).help = help;
        }
    }

    /// Checks what is written out among the arguments of an action.
    fn parameters(&mut self, action: &'static Action, call: &FnCallExpr, at: Position) {
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
            if let Some((code, message, help)) = missing(self.known.world, &mention) {
                let span = self.span(place(&mention.path));
                self.reader.error(code, span, message).help = help;
            }
        }
    }

    /// Names of prompts that exist, as what is only known in the call; those that do not stay, and are faults.
    fn without_prompts(&self, raw: Raw) -> Raw {
        match raw {
            Raw::Text(text) if text.strip_prefix(PREFIX).is_some_and(|name| self.known.prompts.contains_key(name)) => Raw::Unknown,
            Raw::List(items) => Raw::List(items.into_iter().map(|item| self.without_prompts(item)).collect()),
            Raw::Map(entries) => Raw::Map(entries.into_iter().map(|(key, value)| (key, self.without_prompts(value))).collect()),
            Raw::Text(_) | Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Unknown => raw,
        }
    }

    /// `b.outcome == "answred"`, `pick.key == "4"`, `line.bridge(…).outcome != "busy"`.
    fn comparison(&mut self, subject: &Expr, literal: &Expr) {
        if let Expr::StringConstant(literal, at) = literal {
            self.ends(subject, literal, *at);
        }
    }

    /// Whether an action may end so: `subject` is its result's outcome or key.
    fn ends(&mut self, subject: &Expr, literal: &str, at: Position) {
        let Expr::Dot(chain, ..) = subject else { return };
        let (known, property) = match (&chain.lhs, &chain.rhs) {
            (Expr::Variable(name, ..), Expr::Property(property, _)) => (self.results.get(name.1.as_str()).cloned().flatten(), property),
            (Expr::Variable(..), Expr::Dot(inner, ..)) => match (&inner.lhs, &inner.rhs) {
                (Expr::MethodCall(call, _), Expr::Property(property, _)) => (Held::of_call(call), property),
                _ => return,
            },
            _ => return,
        };
        let Some(known) = known else { return };
        let action = known.action;
        let keys = |literal: &str| match &known.keys {
            Some(keys) => keys.iter().any(|key| key == literal),
            None => action.keys_are_outcomes && is_choice(literal),
        };
        let good = match property.2.as_str() {
            "outcome" => action.outcomes.contains(&literal) || keys(literal),
            "key" if action.keys_are_outcomes => literal.is_empty() || keys(literal),
            _ => return,
        };
        if !good {
            let all: Vec<&str> = known.keys.iter().flatten().map(String::as_str).chain(action.outcomes.iter().copied()).collect();
            let help = nearest(literal, all.iter().copied()).filter(|near| near.len() > 1).map_or_else(|| format!("it ends with {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
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

/// The action whose result a variable holds, and the keys it offers when they are written out.
#[derive(Clone, Debug)]
pub(super) struct Held {
    action: &'static Action,
    keys: Option<Vec<String>>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.action.name == other.action.name && self.keys == other.keys
    }
}

impl Held {
    /// Of `line.ACTION(…)`.
    fn of(expr: &Expr) -> Option<Self> {
        let Expr::Dot(chain, ..) = expr else { return None };
        match (&chain.lhs, &chain.rhs) {
            (Expr::Variable(..), Expr::MethodCall(call, _)) => Self::of_call(call),
            _ => None,
        }
    }
    fn of_call(call: &FnCallExpr) -> Option<Self> {
        let action = action(&call.name).filter(|action| !(action.name == "keys" && call.args.is_empty()))?;
        let keys = call.args.iter().find_map(|arg| match raw_of(arg) {
            Raw::Map(entries) => entries.into_iter().find(|(key, _)| key == "keys").map(|(_, keys)| keys),
            Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::List(_) | Raw::Unknown => None,
        });
        let keys = match keys {
            Some(Raw::List(keys)) if action.keys_are_outcomes => keys.iter().map(Raw::text).collect(),
            _ => None,
        };
        Some(Self { action, keys })
    }
}

/// A name that is asked for, and where.
type Asked<'e> = (&'e str, Position);

/// The variable and property of `name.property…`, and the property after it.
fn property_of<'e>(lhs: &'e Expr, rhs: &'e Expr) -> Option<(&'e str, Asked<'e>, Option<Asked<'e>>)> {
    let Expr::Variable(name, ..) = lhs else { return None };
    match rhs {
        Expr::Property(property, at) => Some((name.1.as_str(), (property.2.as_str(), *at), None)),
        Expr::Dot(inner, ..) => {
            let Expr::Property(property, at) = &inner.lhs else { return None };
            let next = match &inner.rhs {
                Expr::Property(next, at) => Some((next.2.as_str(), *at)),
                Expr::Dot(further, ..) => match &further.lhs {
                    Expr::Property(next, at) => Some((next.2.as_str(), *at)),
                    _ => None,
                },
                _ => None,
            };
            Some((name.1.as_str(), (property.2.as_str(), *at), next))
        }
        _ => None,
    }
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
