//! `then`: where a state goes, by outcome and by condition.

use super::{Compiler, Outcomes, is_state_key};
use crate::{
    program::{Arm, Branch, Target, Then},
    template::Expression,
};
use notation::{Entry, Kind as Shape, Node, Span, nearest};

impl Compiler<'_> {
    #[expect(clippy::too_many_arguments, reason = "all belong to the one state being read")]
    pub(super) fn then(&mut self, file: usize, span: Span, name: &str, action: Option<&str>, outcomes: &Outcomes, then: Option<&Entry>, fall: Option<usize>) -> Then {
        let Some(entry) = then else {
            if outcomes.ends {
                return Then::Nowhere;
            }
            if fall.is_none() {
                self.torn = true;
            }
            if fall.is_none() && !outcomes.lost {
                let what = action.map_or("this state".to_owned(), |action| format!("`{action}`"));
                self.reader(file).error("missing-then", span, format!("{what} does not say where to go")).help("add `then:` with a state, or `then: end`");
            }
            return Then::By { named: Vec::new(), other: None, fall };
        };
        if outcomes.ends {
            let action = action.unwrap_or_default();
            self.reader(file).error("outcome-impossible", entry.key.span, format!("nothing comes after `{action}`"));
            return Then::Nowhere;
        }
        let node = &entry.value;
        let by_outcome = matches!(&node.kind, Shape::Map(entries) if !entries.iter().any(|entry| is_state_key(&entry.key.text)));
        if by_outcome && action.is_none() && !outcomes.lost {
            self.torn = true;
            self.reader(file)
                .error("outcome-impossible", entry.key.span, "without an action there are no outcomes")
                .help("give one target, or a list of conditions: [{ if: …, then: … }, …]");
            return Then::Nowhere;
        }
        if !by_outcome {
            return self.branch(file, node, name).map_or(Then::Nowhere, Then::Always);
        }
        let (mut named, mut other) = (Vec::new(), None);
        for entry in node.entries() {
            let outcome = entry.key.text.as_str();
            if outcome == "else" {
                other = self.branch(file, &entry.value, &format!("{name}.else"));
                continue;
            }
            if !outcomes.later && !outcomes.possible.iter().any(|possible| possible == outcome) {
                let action = action.unwrap_or_default();
                let known: Vec<&str> = outcomes.possible.iter().map(String::as_str).collect();
                let help = nearest(outcome, known.iter().copied()).map_or_else(|| format!("it ends with {}, or else", known.join(", ")), |near| format!("did you mean `{near}`?"));
                self.reader(file).error("outcome-impossible", entry.key.span, format!("`{action}` never ends with `{outcome}`")).help(help);
            }
            if let Some(branch) = self.branch(file, &entry.value, &format!("{name}.{outcome}")) {
                named.push((outcome.to_owned(), branch));
            }
        }
        let missing: Vec<&str> = outcomes
            .needed
            .iter()
            .map(String::as_str)
            .filter(|needed| !node.entries().iter().any(|entry| entry.key.text == *needed))
            .collect();
        if other.is_none() && node.entry("else").is_none() && fall.is_none() && !missing.is_empty() && !outcomes.later {
            let action = action.unwrap_or_default();
            self.reader(file)
                .error("outcome-unhandled", entry.key.span, format!("`{action}` may also end with {}", missing.join(", ")))
                .help("name each, or cover the rest with `else:`");
        }
        Then::By { named, other, fall }
    }

    /// A target, an inline state, or a list of conditions.
    fn branch(&mut self, file: usize, node: &Node, name: &str) -> Option<Branch> {
        match &node.kind {
            Shape::List(items) if items.iter().any(|item| item.get("if").is_some() || item.as_text().is_some()) => {
                let mut arms = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let last = at + 1 == items.len();
                    match item.get("if") {
                        Some(condition) => {
                            let when = self.condition(file, condition);
                            self.reader(file).map(item, "a condition", &["if", "then"]);
                            let then = item.get("then");
                            if then.is_none() {
                                self.torn = true;
                                self.reader(file).error("missing-then", item.span, "a condition needs `then`").help("as in { if: now.hour < 12, then: morning }");
                            }
                            let inner = then.and_then(|then| self.branch(file, then, &format!("{name}.{at}")));
                            arms.extend(inner.map(|inner| Arm { when, target: self.join(file, item.span, &format!("{name}.{at}"), inner) }));
                            if last {
                                self.reader(file)
                                    .error("missing-then", item.span, "the last of a list of conditions stands without `if`")
                                    .help("add a target for when none holds");
                            }
                        }
                        None => {
                            if !last {
                                self.reader(file).error("unreachable", item.span, "what follows this is never looked at: it has no `if`");
                            }
                            arms.extend(self.target(file, item, &format!("{name}.{at}")).map(|target| Arm { when: None, target }));
                        }
                    }
                }
                (!arms.is_empty()).then_some(Branch(arms))
            }
            Shape::Null => {
                self.torn = true;
                self.reader(file).error("missing-target", node.span, "expected a state, or `end`, found nothing");
                None
            }
            Shape::Scalar(..) | Shape::Map(_) | Shape::List(_) => self.target(file, node, name).map(|target| Branch(vec![Arm { when: None, target }])),
        }
    }

    /// One target for a branch: conditions within a condition become a state of their own.
    fn join(&mut self, file: usize, span: Span, name: &str, branch: Branch) -> Target {
        match branch.0.as_slice() {
            [Arm { when: None, target }] => *target,
            _ => {
                let slot = self.reserve(name, file, span);
                self.states[slot].then = Then::Always(branch);
                Target::State(slot)
            }
        }
    }

    fn condition(&mut self, file: usize, node: &Node) -> Option<Expression> {
        let text = self.reader(file).text(node)?;
        if let Some(at) = text.find("${") {
            self.names.torn = true;
            let span = node.within(&self.readers[file].source().text, at, text.len());
            self.reader(file).error("dollar-in-if", span, "`if` is an expression already").help("leave out `${` and `}`");
            return None;
        }
        self.expression(file, node, &text, 0)
    }

    fn target(&mut self, file: usize, node: &Node, name: &str) -> Option<Target> {
        match &node.kind {
            Shape::Scalar(text, _) if text == "end" => Some(Target::End),
            Shape::Scalar(text, _) => {
                let found = self.index.get(text).copied();
                self.torn |= found.is_none();
                if found.is_none() && !self.blind {
                    let known: Vec<&str> = self.index.keys().map(String::as_str).chain(["end"]).collect();
                    self.readers[file].unknown("missing-target", node.span, "state", text, &known);
                }
                found.map(Target::State)
            }
            Shape::Map(_) | Shape::List(_) => {
                let slot = self.reserve(name, file, node.span);
                self.body(file, node, name, slot);
                Some(Target::State(slot))
            }
            Shape::Null => {
                self.torn = true;
                self.reader(file).error("missing-target", node.span, "expected a state, or `end`, found nothing");
                None
            }
        }
    }
}
