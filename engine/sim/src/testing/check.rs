//! What a test says that its flows do not know: a flow, a state, a setting. Told before any call is made.

use super::case::{Act, Case, Claim, Expected, TestFile};
use flow::{FlowSet, Survey};
use notation::{Fault, Reader, Span};
use std::collections::BTreeSet;

impl TestFile {
    /// Every name that does not exist, with its place, after the warnings of the reading. Of a flow with faults of its own nothing is said.
    #[must_use]
    pub fn check(&self, flows: &Survey) -> Vec<Fault> {
        let mut reader = Reader::new(&self.source);
        if !flows.knows(&self.flow) {
            reader.unknown("missing-flow", self.flow_span, "flow", &self.flow, &flows.names());
        }
        let states = states(flows.good(), &self.flow);
        for case in &self.tests {
            for (setting, message) in flows.check_settings(&self.flow, &case.begin.settings).err().unwrap_or_default() {
                let span = case.begin.settings_spans.iter().find(|(name, _)| *name == setting).map_or(case.span, |(_, span)| *span);
                reader.error("wrong-setting", span, message);
            }
            for (name, span) in mentions(case) {
                if !states.is_empty() && !states.contains(name) {
                    reader.unknown("missing-target", span, "state", name, &states.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
        self.warnings.iter().cloned().chain(reader.into_faults()).collect()
    }
}

/// All states that a call to a flow may come to, those of flows it runs too; nothing when one of them has faults.
fn states(flows: &FlowSet, flow: &str) -> BTreeSet<String> {
    let (mut seen, mut open, mut states) = (BTreeSet::new(), vec![flow.to_owned()], BTreeSet::new());
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(outline) = flows.outline(&name) else { return BTreeSet::new() };
        for state in outline.states {
            open.extend(state.runs);
            states.extend(state.inside);
            states.insert(state.name);
        }
    }
    states
}

/// Every state that a test names, and where.
fn mentions(case: &Case) -> Vec<(&str, Span)> {
    let steps = case.script.iter().filter_map(|step| if let Act::Expect(claims) = &step.act { Some(claims) } else { None });
    steps.flatten().chain(&case.expect).flat_map(names_of).collect()
}

fn names_of(claim: &Claim) -> Vec<(&str, Span)> {
    let names: &[String] = match &claim.what {
        Expected::State(name) => std::slice::from_ref(name),
        Expected::Path(names) => names,
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
        | Expected::NeverSilentFor(_) => &[],
    };
    names.iter().map(|name| (name.as_str(), claim.span)).collect()
}
