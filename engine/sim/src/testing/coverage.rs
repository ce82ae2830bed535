//! Which states and outcomes of a set of flows no test reached.

use flow::{FlowSet, OutlineState, When};
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
    /// Its outcomes, and which were had.
    pub outcomes: Vec<(String, bool)>,
    /// Its ways on that a condition decides, in words, and which were taken.
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
            let states = outline.states.iter().map(|state| of_state(&flow, state, covered)).collect();
            found.insert(flow.clone(), FlowCoverage { flow, states });
        }
        Self { flows: found.into_values().collect() }
    }

    /// States and outcomes reached, and how many there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let of_state = |state: &StateCoverage| {
            let parts = state.outcomes.iter().chain(&state.ways).map(|(_, reached)| *reached).chain([state.entered]);
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
            let _ = writeln!(out, "coverage of {}: {}% ({reached} of {all} states, outcomes and ways)", flow.flow, one.percent());
            for state in &flow.states {
                let place = format!("  {}:{}  {}", state.path, state.line, state.state);
                if !state.entered {
                    let _ = writeln!(out, "{place}: never entered");
                    continue;
                }
                let missing: Vec<&str> = state.outcomes.iter().chain(&state.ways).filter(|(_, reached)| !reached).map(|(name, _)| name.as_str()).collect();
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

fn of_state(flow: &str, state: &OutlineState, covered: &Covered) -> StateCoverage {
    let key = |outcome: &String| (flow.to_owned(), state.name.clone(), outcome.clone());
    let outcomes = state.outcomes.iter().map(|outcome| (outcome.clone(), covered.outcomes.contains(&key(outcome)))).collect();
    let is_decided = |when: &When| state.arms.iter().any(|arm| arm.when == *when && arm.condition.is_some());
    let ways = state.arms.iter().enumerate().filter(|(_, arm)| is_decided(&arm.when)).map(|(at, arm)| {
        let to = arm.to.as_deref().unwrap_or("end");
        let on = match &arm.when {
            When::Outcome(name) => format!("{name} "),
            When::Always | When::Else | When::Next => String::new(),
        };
        let why = arm.condition.as_ref().map_or_else(|| format!("{on}otherwise → {to}"), |condition| format!("{on}if {condition} → {to}"));
        (why, covered.arms.contains(&(flow.to_owned(), state.name.clone(), at)))
    });
    StateCoverage {
        state: state.name.clone(),
        path: state.path.clone(),
        line: state.span.line,
        about: state.about.clone(),
        entered: covered.states.contains(&(flow.to_owned(), state.name.clone())),
        outcomes,
        ways: ways.collect(),
    }
}
