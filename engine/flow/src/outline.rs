//! The shape of a flow: all states, what each does, how it can end and where that leads. For coverage, drawings and phones.

use crate::{
    program::{Act, Branch, Program, State, Target, Then},
    script::Script,
    set::{Flow, FlowSet},
    value::Raw,
};
use notation::Span;
use std::{collections::BTreeMap, sync::Arc};

/// Characters of one text that is shown.
const SHOWN: usize = 80;

/// One flow's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Flow name.
    pub flow: String,
    /// Whether it is a script: its states are the calls of actions in the order written, and their ways on are unknown.
    pub is_script: bool,
    /// The file it is written in.
    pub path: Arc<str>,
    /// The state that a call begins with; a script has none.
    pub start: Option<String>,
    /// The state that failures lead to.
    pub rescue: Option<String>,
    /// The state run after the caller has hung up.
    pub caller_left: Option<String>,
    /// All states: named ones, items of lists, and inline ones. Those of other files (`use:`) that this flow never enters are left out.
    pub states: Vec<OutlineState>,
}

/// One state, one item of a list of actions, or one call of an action in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineState {
    /// Its name, as in [`crate::Place::state`].
    pub name: String,
    /// The named state that it is written in, when it is an inline one or an item of a list; in a script the function.
    pub inside: Option<String>,
    /// The file it is written in.
    pub path: Arc<str>,
    /// Where.
    pub span: Span,
    /// Its action; `run`, `script` or `return`; empty when it only sets or decides.
    pub action: &'static str,
    /// What it does in few words, expressions as written: `say "Call from ${caller.spoken}"`.
    pub about: String,
    /// Variables it sets.
    pub sets: Vec<String>,
    /// The flow that it runs, or the script that it calls.
    pub runs: Option<String>,
    /// Outcomes that its action can have as it is written; empty when it has none.
    pub outcomes: Vec<String>,
    /// Ways on, in the order they are tried. Empty: the run ends here (or it is a script).
    pub arms: Vec<OutlineArm>,
}

/// One way on from a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineArm {
    /// For which outcomes.
    pub when: When,
    /// The `if` that must hold.
    pub condition: Option<String>,
    /// The state it leads to; `None`: the end.
    pub to: Option<String>,
}

/// For which outcomes an arm is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever happened.
    Always,
    /// This outcome.
    Outcome(String),
    /// All that no other arm names (`else`).
    Else,
    /// All that no other arm names, but not `failed`: the next item of a list.
    Next,
}

impl FlowSet {
    /// The shape of a flow of this set, or of a script that flows call functions of.
    #[must_use]
    pub fn outline(&self, flow: &str) -> Option<Outline> {
        match self.0.flows.get(flow) {
            Some(Flow::Yaml(program)) => Some(self.of_program(flow, program)),
            Some(Flow::Script(script)) => Some(of_script(flow, script)),
            None => self.0.script(flow).map(|(name, script)| of_script(name, script)),
        }
    }

    fn of_program(&self, flow: &str, program: &Program) -> Outline {
        let entered = program.entered();
        let name = |at: usize| program.states.get(at).map(|state| state.name.to_string());
        let states = program.states.iter().enumerate().filter(|(at, state)| state.file == 0 || entered.contains(at));
        Outline {
            flow: flow.to_owned(),
            is_script: false,
            path: program.paths.first().cloned().unwrap_or_else(|| "".into()),
            start: name(program.start),
            rescue: program.rescue.and_then(name),
            caller_left: program.caller_left.and_then(name),
            states: states.map(|(_, state)| self.of_state(program, state)).collect(),
        }
    }

    fn of_state(&self, program: &Program, state: &State) -> OutlineState {
        let (action, about, runs) = match &state.act {
            Act::Nothing => ("", String::new(), None),
            Act::Ready(action, effect) => (action.name, crate::tell::tell(effect, &BTreeMap::new()), None),
            Act::Evaluate(action, template) => {
                let main = action.main.or_else(|| action.params.first().map(|param| param.name));
                (action.name, about(action.name, main, &template.as_written()), None)
            }
            Act::Run { flow, .. } => ("run", format!("run {flow}"), Some(flow.clone())),
            Act::Script { script, function, .. } => ("script", format!("script {script} {function}"), Some(script.clone())),
            Act::Return { outcome, .. } => ("return", format!("return {outcome}"), None),
        };
        let outcomes = match &state.act {
            Act::Run { flow, .. } | Act::Script { script: flow, .. } => self.returns(flow, &state.then),
            Act::Nothing | Act::Return { .. } | Act::Ready(..) | Act::Evaluate(..) => state.outcomes.clone(),
        };
        let inside = state.name.find(['.', '[']).map(|end| state.name[..end].to_owned());
        OutlineState {
            name: state.name.to_string(),
            inside,
            path: program.paths.get(state.file).cloned().unwrap_or_else(|| "".into()),
            span: state.span,
            action,
            about,
            sets: state.set.iter().map(|(name, ..)| name.clone()).collect(),
            runs,
            outcomes,
            arms: arms(program, &state.then),
        }
    }

    /// What a flow that is run can return; of a script what its caller expects.
    fn returns(&self, flow: &str, then: &Then) -> Vec<String> {
        match (self.0.flows.get(flow), then) {
            (Some(Flow::Yaml(callee)), _) => callee.subroutines.returns.iter().cloned().collect(),
            (Some(Flow::Script(_)) | None, Then::By { named, .. }) => named.iter().map(|(name, _)| name.clone()).collect(),
            (Some(Flow::Script(_)) | None, Then::Always(_) | Then::Nowhere) => Vec::new(),
        }
    }
}

fn arms(program: &Program, then: &Then) -> Vec<OutlineArm> {
    let mut found = Vec::new();
    let mut add = |when: &When, branch: &Branch| {
        for arm in &branch.0 {
            let to = match arm.target {
                Target::State(at) => program.states.get(at).map(|state| state.name.to_string()),
                Target::End => None,
            };
            found.push(OutlineArm { when: when.clone(), condition: arm.when.as_ref().map(|condition| condition.text.to_string()), to });
        }
    };
    match then {
        Then::Nowhere => {}
        Then::Always(branch) => add(&When::Always, branch),
        Then::By { named, other, fall } => {
            named.iter().for_each(|(name, branch)| add(&When::Outcome(name.clone()), branch));
            other.iter().for_each(|branch| add(&When::Else, branch));
            let next = fall.and_then(|at| program.states.get(at));
            found.extend(next.map(|next| OutlineArm { when: When::Next, condition: None, to: Some(next.name.to_string()) }));
        }
    }
    found
}

/// `say "Call from ${caller.spoken}"`. `main`: the parameter to show.
pub(crate) fn about(action: &str, main: Option<&str>, written: &Raw) -> String {
    let shown = match written {
        Raw::Map(entries) => entries.iter().find(|(name, _)| Some(name.as_str()) == main).or(entries.first()).map(|(_, value)| words(value)),
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::List(_) | Raw::Unknown => Some(words(written)),
    };
    format!("{action} {}", shown.unwrap_or_default().chars().take(SHOWN).collect::<String>()).trim_end().to_owned()
}

fn words(value: &Raw) -> String {
    match value {
        Raw::List(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Raw::Map(entries) => entries.iter().map(|(key, value)| if key == "say" || key == "play" { words(value) } else { format!("{key} {}", words(value)) }).collect::<Vec<_>>().join(", "),
        Raw::Text(text) if text.contains(' ') => format!("{text:?}"),
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) | Raw::Unknown => value.text().unwrap_or_default(),
    }
}

fn of_script(flow: &str, script: &Script) -> Outline {
    let states = script.sites.iter().map(|site| OutlineState {
        name: site.name.to_string(),
        inside: Some(site.function.clone()).filter(|name| !name.is_empty()),
        path: script.source.path.clone(),
        span: site.span,
        action: site.action,
        about: site.about.clone(),
        sets: Vec::new(),
        runs: site.runs.clone(),
        outcomes: site.outcomes.clone(),
        arms: Vec::new(),
    });
    Outline { flow: flow.to_owned(), is_script: true, path: script.source.path.clone(), start: None, rescue: None, caller_left: None, states: states.collect() }
}
