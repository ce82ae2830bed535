//! What a test says that its flows do not know: a flow, a state, a setting. Told before any call is made.

use super::case::{Act, Case, Claim, Expected, TestFile};
use flow::{FlowSet, Survey, World};
use notation::{Fault, Reader, Span};
use std::collections::BTreeSet;

impl TestFile {
    /// Every name that does not exist, in the flows or among the things of the configuration (`world`), with its place, after the warnings of the reading. Of a flow with faults of its own nothing is said.
    #[must_use]
    pub fn check(&self, flows: &Survey, world: &World) -> Vec<Fault> {
        let mut reader = Reader::new(&self.source);
        if !flows.knows(&self.flow) {
            reader.unknown("missing-flow", self.flow_span, "flow", &self.flow, &flows.names());
        }
        let states = states(flows.good(), &self.flow);
        for (name, span) in mocked(self) {
            told_missing(name, span, world, &mut reader);
        }
        for case in &self.tests {
            for (setting, message) in flows.check_settings(&self.flow, &case.begin.settings).err().unwrap_or_default() {
                let span = case.begin.settings_spans.iter().find(|(name, _)| *name == setting).map_or(case.span, |(_, span)| *span);
                reader.error("wrong-setting", span, message);
            }
            for (mention, span) in mentions(case) {
                let (name, is_known) = match mention {
                    Mention::Path(name) => (name, states.contains(name)),
                    // Where the flow is now is told without the flow's name too.
                    Mention::State(name) => (name, states.iter().any(|state| state == name || bare(state) == name)),
                };
                if !states.is_empty() && !is_known {
                    reader.unknown("missing-target", span, "state", name, &states.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
        self.warnings.iter().cloned().chain(reader.into_faults()).collect()
    }
}

/// What mocks name, each place once: those of a file stand in every test of it.
fn mocked(file: &TestFile) -> BTreeSet<(&str, Span)> {
    file.tests.iter().flat_map(|case| &case.mocks.named).map(|(name, span)| (name.as_str(), *span)).collect()
}

/// A mock of a thing that the configuration does not have never happens. Patterns (`connection/*`) fit what there is.
fn told_missing(target: &str, span: Span, world: &World, reader: &mut Reader) {
    let Some((kind, rest)) = target.split_once('/').filter(|(_, rest)| !rest.contains('*')) else { return };
    let (name, known, code) = match kind {
        "connection" => (rest, &world.connections, "missing-connection"),
        "number" => (rest, &world.numbers, "missing-number"),
        "mailbox" => (rest, &world.mailboxes, "missing-mailbox"),
        "trunk" => (rest.split('/').next().unwrap_or(rest), &world.trunks, "missing-trunk"),
        _ => return,
    };
    let Some(known) = known else { return };
    let is_outside = kind == "number" && world.trunks.as_ref().is_none_or(|trunks| !trunks.is_empty());
    // A number that is not ours may be reached through a trunk.
    if !known.contains(name) && !is_outside {
        reader.unknown(code, span, kind, name, &known.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// All states that a call to a flow may come to, those of flows it runs as `flow/state`, as `path` tells them; nothing when one of them
/// has faults.
fn states(flows: &FlowSet, flow: &str) -> BTreeSet<String> {
    let (mut seen, mut open, mut states) = (BTreeSet::new(), vec![flow.to_owned()], BTreeSet::new());
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(outline) = flows.outline(&name) else { return BTreeSet::new() };
        let told = |state: String| if name == flow { state } else { format!("{name}/{state}") };
        for state in outline.states {
            open.extend(state.runs);
            states.extend(state.inside.into_iter().map(told));
            states.insert(told(state.name));
        }
    }
    states
}

/// A state without the name of its flow.
fn bare(state: &str) -> &str {
    state.split_once('/').map_or(state, |(_, state)| state)
}

/// A state that a test names: where the flow is now, or a step of its way.
enum Mention<'a> {
    State(&'a str),
    Path(&'a str),
}

/// Every state that a test names, and where.
fn mentions(case: &Case) -> Vec<(Mention<'_>, Span)> {
    let steps = case.script.iter().filter_map(|step| if let Act::Expect(claims) = &step.act { Some(claims) } else { None });
    steps.flatten().chain(&case.expect).flat_map(names_of).collect()
}

fn names_of(claim: &Claim) -> Vec<(Mention<'_>, Span)> {
    let names: Vec<Mention<'_>> = match &claim.what {
        Expected::State(name) => vec![Mention::State(name)],
        Expected::Path(names) => names.iter().map(|name| Mention::Path(name)).collect(),
        Expected::Ringing(_)
        | Expected::Talking(_)
        | Expected::Answered(_)
        | Expected::Over(_)
        | Expected::Rescued(_)
        | Expected::Var(..)
        | Expected::Result(_)
        | Expected::Recording(_)
        | Expected::Voicemail(_)
        | Expected::Webhooks(_)
        | Expected::Http(_)
        | Expected::EndedBy(_)
        | Expected::NeverSilentFor(_) => Vec::new(),
    };
    names.into_iter().map(|name| (name, claim.span)).collect()
}
