//! `run:`, `script:` and `return:`: flows and functions as subroutines.

use super::{Compiler, Outcomes};
use crate::{
    program::{Act, RunCheck, ScriptCheck, Then},
    sections::raw,
    template::Template,
};
use notation::{Kind as Shape, Node, Span};

impl Compiler<'_> {
    /// `return: sold`, or `return: { outcome: sold, amount: 5 }`.
    pub(super) fn give_back(&mut self, file: usize, node: &Node, outcomes: &mut Outcomes) -> Act {
        outcomes.ends = true;
        let name = match &node.kind {
            Shape::Map(_) => {
                if node.get("outcome").is_none() {
                    self.reader(file).error("missing-field", node.span, "return needs `outcome`").help("return: { outcome: sold, amount: 5 }");
                }
                node.get("outcome")
            }
            Shape::Null | Shape::Scalar(..) | Shape::List(_) => Some(node),
        };
        let outcome = name.and_then(|name| self.reader(file).text(name)).unwrap_or_default();
        if outcome.contains("${") {
            self.reader(file).error("wrong-type", node.span, "the outcome of `return` is a plain word: its callers are checked against it");
        }
        self.subroutines.returns.insert(outcome.clone());
        let fields = node.entries().iter().filter(|entry| entry.key.text != "outcome");
        let with = fields.map(|entry| (entry.key.text.clone(), self.template(file, &entry.value, true))).collect();
        Act::Return { outcome, with }
    }

    /// `run: flow` with `with:` beside or inside.
    pub(super) fn run(&mut self, file: usize, state: &Node, node: &Node, outcomes: &mut Outcomes) -> Act {
        outcomes.later = true;
        let (flow, inner) = match &node.kind {
            Shape::Map(_) => {
                self.reader(file).map(node, "run", &["flow", "with"]);
                (node.get("flow"), node.get("with"))
            }
            Shape::Null | Shape::Scalar(..) | Shape::List(_) => (Some(node), None),
        };
        let Some(flow) = flow else {
            self.reader(file).error("missing-field", node.span, "run needs `flow`");
            return Act::Nothing;
        };
        let Some(name) = self.reader(file).text(flow) else { return Act::Nothing };
        let mut with = Vec::new();
        if let Some(node) = state.get("with").or(inner).filter(|node| !node.is_null()) {
            for entry in self.reader(file).any_map(node, "settings of the flow that is run").map(notation::Map::entries).unwrap_or_default() {
                with.push((entry.key.text.clone(), self.template(file, &entry.value, false)));
            }
        }
        Act::Run { flow: name, with }
    }

    /// `script: { call: quote.rhai, function: price, with: [5] }`.
    pub(super) fn script(&mut self, file: usize, state: &Node, node: &Node, outcomes: &mut Outcomes) -> Act {
        outcomes.later = true;
        let (call, function, inner) = match &node.kind {
            Shape::Map(_) => {
                self.reader(file).map(node, "script", &["call", "function", "with"]);
                (node.get("call"), node.get("function"), node.get("with"))
            }
            Shape::Null | Shape::Scalar(..) | Shape::List(_) => (Some(node), None, None),
        };
        let Some(call) = call else {
            self.reader(file).error("missing-field", node.span, "script needs `call`").help("script: { call: quote.rhai, function: price }");
            return Act::Nothing;
        };
        let Some(name) = self.reader(file).text(call) else { return Act::Nothing };
        let name_of = |compiler: &mut Self, node: &Node| compiler.reader(file).text(node);
        let function_name = function.map_or_else(|| Some("main".to_owned()), |node| name_of(self, node));
        let with: Vec<Template> = match state.get("with").or(inner) {
            None => Vec::new(),
            Some(node) => match &node.kind {
                Shape::List(items) => items.iter().map(|item| self.template(file, item, true)).collect(),
                Shape::Map(_) | Shape::Scalar(..) => vec![self.template(file, node, true)],
                Shape::Null => Vec::new(),
            },
        };
        let function_name = function_name.unwrap_or_default();
        let source = self.readers[file].source().clone();
        self.subroutines.scripts.push(ScriptCheck {
            source,
            call: name.clone(),
            call_span: call.span,
            function: function_name.clone(),
            function_span: function.map_or(call.span, |node| node.span),
            // `line` comes first.
            arguments: with.len() + 1,
            // Filled in when `then` has been read.
            covered: true,
        });
        Act::Script { script: name, function: function_name.into(), with }
    }

    /// Notes what can only be checked when all flows are known.
    pub(super) fn check_later(&mut self, file: usize, node: &Node, then: &Then, act: &Act, named: &[(String, Span)]) {
        let covered = match then {
            Then::By { other, fall, .. } => other.is_some() || fall.is_some(),
            Then::Always(_) | Then::Nowhere => true,
        };
        match act {
            Act::Script { .. } => {
                if let Some(check) = self.subroutines.scripts.last_mut() {
                    check.covered = covered;
                }
            }
            Act::Run { .. } => self.check_run(file, node, covered, named),
            Act::Nothing | Act::Ready(..) | Act::Evaluate(..) | Act::Return { .. } => {}
        }
    }

    fn check_run(&mut self, file: usize, node: &Node, covered: bool, named: &[(String, Span)]) {
        let run = node.get("run");
        let Some((span, flow)) = run.and_then(|run| run.get("flow").or(Some(run))).and_then(|flow| Some((flow.span, flow.as_text()?))) else { return };
        let with = node.get("with").or_else(|| run.and_then(|run| run.get("with")));
        let with = with.map(Node::entries).unwrap_or_default().iter().map(|entry| {
            let plain = entry.value.as_text().filter(|text| !text.contains("${")).map(|_| raw(&entry.value));
            (entry.key.text.clone(), entry.key.span, plain)
        });
        let source = self.readers[file].source().clone();
        self.subroutines.runs.push(RunCheck { source, flow: flow.to_owned(), span, named: named.to_vec(), covered, with: with.collect() });
    }
}
