//! Which states of a set of flows no test entered, and which ways on from them no test took.
//!
//! A way is an arm of a state's `then`: an outcome that is named there, `else`, a condition. Outcomes that lead the same way count
//! as one; a state with one way on counts only as itself. Of a script, whose ways are its own affair, calls of actions and the keys
//! of menus are counted.

use flow::{FlowSet, OutlineArm, OutlineState, When};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

/// What calls reached, by flow and state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// States entered.
    pub(crate) states: BTreeSet<(String, String)>,
    /// Outcomes that actions had.
    pub(crate) outcomes: BTreeSet<(String, String, String)>,
    /// Ways taken on from a state: the number of the arm.
    pub(crate) arms: BTreeSet<(String, String, usize)>,
}

impl Covered {
    /// Adds what another call reached.
    pub fn add(&mut self, other: &Self) {
        self.states.extend(other.states.iter().cloned());
        self.outcomes.extend(other.outcomes.iter().cloned());
        self.arms.extend(other.arms.iter().cloned());
    }
}

impl Covered {
    /// The states of a flow that were entered.
    pub fn states<'c>(&'c self, flow: &'c str) -> impl Iterator<Item = &'c str> {
        self.states.iter().filter(move |(own, _)| own == flow).map(|(_, state)| state.as_str())
    }

    /// The outcomes that actions of a flow had: state, outcome.
    pub fn outcomes<'c>(&'c self, flow: &'c str) -> impl Iterator<Item = (&'c str, &'c str)> {
        self.outcomes.iter().filter(move |(own, ..)| own == flow).map(|(_, state, outcome)| (state.as_str(), outcome.as_str()))
    }
}

/// One state and what of it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCoverage {
    /// Its name.
    pub state: String,
    /// The file it is in.
    pub path: Arc<str>,
    /// Its line, from 1.
    pub line: usize,
    /// What it does.
    pub about: String,
    /// Whether it was entered.
    pub entered: bool,
    /// Its ways on, in words, and which were taken.
    pub ways: Vec<(String, bool)>,
}

/// One flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowCoverage {
    /// Its name.
    pub flow: String,
    /// Its states in the order written.
    pub states: Vec<StateCoverage>,
}

/// All flows that tests ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By name.
    pub flows: Vec<FlowCoverage>,
}

impl Coverage {
    /// The coverage of these flows and of all that they run.
    #[must_use]
    pub fn of(set: &FlowSet, flows: &BTreeSet<String>, covered: &Covered) -> Self {
        let mut wanted: Vec<String> = flows.iter().cloned().collect();
        let mut found: BTreeMap<String, FlowCoverage> = BTreeMap::new();
        while let Some(flow) = wanted.pop() {
            if found.contains_key(&flow) {
                continue;
            }
            let Some(outline) = set.outline(&flow) else { continue };
            wanted.extend(outline.states.iter().filter_map(|state| state.runs.clone()));
            let states = outline.states.iter().map(|state| of_state(&flow, outline.is_script, state, covered)).collect();
            found.insert(flow.clone(), FlowCoverage { flow, states });
        }
        Self { flows: found.into_values().collect() }
    }

    /// States and ways reached, and how many there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let of_state = |state: &StateCoverage| {
            let parts = state.ways.iter().map(|(_, reached)| *reached).chain([state.entered]);
            parts.fold((0, 0), |(reached, all), part| (reached + usize::from(part), all + 1))
        };
        self.flows.iter().flat_map(|flow| &flow.states).map(of_state).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    }

    /// In percent, rounded down: 100 means all.
    #[must_use]
    pub fn percent(&self) -> usize {
        let (reached, all) = self.counts();
        (reached * 100).checked_div(all).unwrap_or(100)
    }

    /// What no test reached, a line each; then the sum.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for flow in &self.flows {
            let one = Self { flows: vec![flow.clone()] };
            let (reached, all) = one.counts();
            let _ = writeln!(out, "coverage of {}: {}% ({reached} of {all} states and ways)", flow.flow, one.percent());
            for state in &flow.states {
                let place = format!("  {}:{}  {}", state.path, state.line, state.state);
                if !state.entered {
                    let _ = writeln!(out, "{place}: never entered");
                    continue;
                }
                let missing: Vec<&str> = state.ways.iter().filter(|(_, reached)| !reached).map(|(name, _)| name.as_str()).collect();
                if !missing.is_empty() {
                    let _ = writeln!(out, "{place}: never {}", missing.join(", "));
                }
            }
        }
        if self.flows.len() > 1 {
            let (reached, all) = self.counts();
            let _ = writeln!(out, "coverage: {}% ({reached} of {all})", self.percent());
        }
        out
    }
}

fn of_state(flow: &str, is_script: bool, state: &OutlineState, covered: &Covered) -> StateCoverage {
    let ways = if is_script {
        let keys = state.outcomes.iter().filter(|_| state.action == "menu");
        let had = |key: &String| covered.outcomes.contains(&(flow.to_owned(), state.name.clone(), key.clone()));
        keys.map(|key| (key.clone(), had(key))).collect()
    } else {
        let taken = |at: usize| covered.arms.contains(&(flow.to_owned(), state.name.clone(), at));
        let arms = state.arms.iter().enumerate().filter(|_| state.arms.len() > 1);
        arms.map(|(at, arm)| (told(state, arm), taken(at))).collect()
    };
    StateCoverage {
        state: state.name.clone(),
        path: state.path.clone(),
        line: state.span.line,
        about: state.about.clone(),
        entered: covered.states.contains(&(flow.to_owned(), state.name.clone())),
        ways,
    }
}

/// `busy → message`, `else (no_answer, unreachable) → message`, `if open("office") → welcome`.
fn told(state: &OutlineState, arm: &OutlineArm) -> String {
    let named: Vec<&String> = state.arms.iter().filter_map(|arm| if let When::Outcome(name) = &arm.when { Some(name) } else { None }).collect();
    let rest: Vec<&str> = state.outcomes.iter().filter(|outcome| !named.contains(outcome)).map(String::as_str).collect();
    let on = match &arm.when {
        When::Always => String::new(),
        When::Outcome(name) => format!("{name} "),
        When::Else if rest.is_empty() => "else ".to_owned(),
        When::Else => format!("else ({}) ", rest.join(", ")),
        When::Next => "otherwise ".to_owned(),
    };
    let is_last = state.arms.iter().filter(|other| other.when == arm.when).count() > 1;
    let why = match &arm.condition {
        Some(condition) => format!("if {condition} "),
        None if is_last && arm.when != When::Next => "if nothing else ".to_owned(),
        None => String::new(),
    };
    format!("{on}{why}→ {}", arm.to.as_deref().unwrap_or("end"))
}
