//! From a flow's outline to a chart: what is drawn as one box, which lines leave it, what carries a mark.

use crate::chart::{Chart, Edge, Mark, Node, Shape};
use flow::{Outline, OutlineArm, OutlineState, When};
use std::collections::{BTreeMap, BTreeSet};

/// What tests reached of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// States, by name as in the outline.
    pub states: BTreeSet<String>,
    /// Outcomes of states: state, outcome.
    pub outcomes: BTreeSet<(String, String)>,
}

/// Said below the title of a script.
const SCRIPT: &str = "A script decides its way while it runs. These are the actions it can do, in the order written, by function.";

impl Chart {
    /// The chart of a flow. With `reached`, states and outcomes that no test reached are marked.
    ///
    /// One box is a named state with all items of its list, or an inline state. The end is drawn once for each box that leads there,
    /// for lines across the whole picture would hide more than they say.
    #[must_use]
    pub fn of(outline: &Outline, reached: Option<&Reached>) -> Self {
        let chart = Self { title: outline.flow.clone(), nodes: Vec::new(), edges: Vec::new(), notes: Vec::new() };
        if outline.is_script { functions(chart, outline, reached) } else { states(chart, outline, reached) }
    }
}

/// All items of one box.
struct Group<'o> {
    name: &'o str,
    items: Vec<&'o OutlineState>,
}

/// `welcome[1]` belongs to `welcome`.
fn box_of(state: &str) -> &str {
    match state.rsplit_once('[') {
        Some((name, number)) if number.trim_end_matches(']').bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => state,
    }
}

fn states(mut chart: Chart, outline: &Outline, reached: Option<&Reached>) -> Chart {
    let mut groups: Vec<Group> = Vec::new();
    for state in &outline.states {
        let name = box_of(&state.name);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.items.push(state),
            None => groups.push(Group { name, items: vec![state] }),
        }
    }
    let entries = [("start", &outline.start), ("rescue", &outline.rescue), ("caller left", &outline.caller_left)];
    let entries: Vec<(&str, &str)> = entries.into_iter().filter_map(|(word, state)| Some((word, box_of(state.as_deref()?)))).collect();
    let known: BTreeMap<&str, usize> = groups.iter().enumerate().map(|(at, group)| (group.name, at + entries.len())).collect();
    let entered = entered(&groups, entries.iter().map(|(_, state)| *state));
    for (word, _) in &entries {
        chart.nodes.push(Node { shape: Shape::Entry, title: (*word).to_owned(), rows: Vec::new(), mark: Mark::None });
    }
    for group in &groups {
        let mark = match reached {
            _ if !entered.contains(group.name) => Mark::Unreachable,
            Some(reached) if !group.items.iter().any(|item| reached.states.contains(&item.name)) => Mark::Untested,
            Some(_) | None => Mark::None,
        };
        chart.nodes.push(group.node(mark));
    }
    for (at, (_, state)) in entries.iter().enumerate() {
        if let Some(to) = known.get(state) {
            chart.edges.push(Edge { from: at, to: *to, labels: Vec::new(), weight: ENTRY_WEIGHT, mark: Mark::None });
        }
    }
    for group in &groups {
        group.lines(&mut chart, &known, reached);
    }
    chart
}

/// How much the way in is held to its state.
const ENTRY_WEIGHT: i32 = 6;

/// Boxes that some way leads to.
fn entered<'o>(groups: &[Group<'o>], from: impl Iterator<Item = &'o str>) -> BTreeSet<&'o str> {
    let mut open: Vec<&str> = from.collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(group) = groups.iter().find(|group| group.name == name).filter(|_| seen.insert(name)) {
            open.extend(group.items.iter().flat_map(|item| &item.arms).filter_map(|arm| arm.to.as_deref()).map(box_of));
        }
    }
    seen
}

impl Group<'_> {
    fn node(&self, mark: Mark) -> Node {
        let is_inline = self.name.contains('.');
        let rows: Vec<String> = self.items.iter().flat_map(|item| rows(item)).collect();
        let ends = self.items.last().is_some_and(|item| item.arms.is_empty());
        let shape = match self.items.as_slice() {
            [only] if only.action.is_empty() && only.sets.is_empty() => Shape::Choice,
            _ if ends => Shape::Last,
            _ if is_inline => Shape::Step,
            [only] if only.action == "run" => Shape::Run,
            _ => Shape::State,
        };
        let title = if is_inline { String::new() } else { self.name.to_owned() };
        Node { shape, title, rows, mark }
    }

    fn lines(&self, chart: &mut Chart, known: &BTreeMap<&str, usize>, reached: Option<&Reached>) {
        let Some(from) = known.get(self.name).copied() else { return };
        let named = self.items.iter().filter(|item| item.arms.iter().any(|arm| !matches!(arm.when, When::Always | When::Next))).count();
        let mut end = None;
        for item in &self.items {
            for (at, arm) in item.arms.iter().enumerate().filter(|(_, arm)| arm.when != When::Next) {
                let to = match arm.to.as_deref().map(box_of).map(|name| known.get(name).copied()) {
                    Some(Some(to)) => to,
                    // A state of another file that is not in the outline cannot be: it is entered from here.
                    Some(None) => continue,
                    None => *end.get_or_insert_with(|| {
                        chart.nodes.push(Node { shape: Shape::End, title: "end".to_owned(), rows: Vec::new(), mark: Mark::None });
                        chart.nodes.len() - 1
                    }),
                };
                let label = label(item, at, arm).map(|label| if named > 1 { format!("{}: {label}", item.action) } else { label });
                chart.join(from, to, label, mark_of(item, arm, reached));
            }
        }
    }
}

fn rows(item: &OutlineState) -> Vec<String> {
    let set = (!item.sets.is_empty()).then(|| format!("set {}", item.sets.join(", ")));
    set.into_iter().chain(Some(item.about.clone()).filter(|about| !about.is_empty())).collect()
}

/// What is written on an arm's line.
fn label(item: &OutlineState, at: usize, arm: &OutlineArm) -> Option<String> {
    let follows_a_condition = item.arms[..at].iter().any(|before| before.when == arm.when && before.condition.is_some());
    match (&arm.when, &arm.condition) {
        (When::Always | When::Next, Some(condition)) => Some(format!("if {condition}")),
        (When::Always, None) => follows_a_condition.then(|| "else".to_owned()),
        (When::Next, None) => None,
        (When::Outcome(name), Some(condition)) => Some(format!("{name}, if {condition}")),
        (When::Outcome(name), None) => Some(name.clone()),
        (When::Else, Some(condition)) => Some(format!("else, if {condition}")),
        (When::Else, None) => Some("else".to_owned()),
    }
}

fn mark_of(item: &OutlineState, arm: &OutlineArm, reached: Option<&Reached>) -> Mark {
    let Some(reached) = reached else { return Mark::None };
    let seen = |outcome: &String| reached.outcomes.contains(&(item.name.clone(), outcome.clone()));
    let is_named = |outcome: &String| item.arms.iter().any(|arm| matches!(&arm.when, When::Outcome(name) if name == outcome));
    let is_seen = match &arm.when {
        When::Outcome(name) => seen(name),
        When::Else | When::Next => item.outcomes.iter().filter(|outcome| !is_named(outcome)).any(seen),
        When::Always => reached.states.contains(&item.name),
    };
    if is_seen { Mark::None } else { Mark::Untested }
}

/// A script: a box for each function, a row for each action.
fn functions(mut chart: Chart, outline: &Outline, reached: Option<&Reached>) -> Chart {
    chart.notes.push(SCRIPT.to_owned());
    let mut names: Vec<&str> = Vec::new();
    for state in &outline.states {
        let name = state.inside.as_deref().unwrap_or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let own = || outline.states.iter().filter(|state| state.inside.as_deref().unwrap_or_default() == name);
        let is_seen = |state: &OutlineState| reached.is_none_or(|reached| reached.states.contains(&state.name));
        let row = |state: &OutlineState| if is_seen(state) { state.about.clone() } else { format!("{} (no test)", state.about) };
        let mark = if own().any(is_seen) { Mark::None } else { Mark::Untested };
        let title = if name.is_empty() { String::new() } else { format!("fn {name}") };
        chart.nodes.push(Node { shape: Shape::List, title, rows: own().map(row).collect(), mark });
    }
    chart
}
