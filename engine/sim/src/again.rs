//! Every call of a world is kept as a bundle and run again from its file, as `callflow replay` does it: the same must come of it.

use bundle::{Bundle, Draft, Flows, Scope};
use flow::FlowSet;
use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};
use terms::CallId;

/// Flow sets made from bundles, so that the many calls of many worlds do not compile them again and again.
static SETS: Mutex<Vec<(Flows, FlowSet)>> = Mutex::new(Vec::new());
const SETS_MAX: usize = 32;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) call: CallId,
    /// The file's text.
    pub(crate) text: String,
    /// How it differs, if it does.
    pub(crate) differs: Option<String>,
}

/// Runs a call again that has just ended.
pub(crate) fn run_again(draft: Draft, start: Instant) -> Again {
    let call = draft.head.call;
    let (chance, _) = call.0.as_u64_pair();
    let text = draft.finish(chance, None).write();
    let differs = difference(&text, start).unwrap_or_else(Some);
    Again { call, text, differs }
}

fn difference(text: &str, start: Instant) -> Result<Option<String>, String> {
    let bundle = Bundle::read(text).map_err(|broken| broken.to_string())?;
    let flows = set_of(&bundle.flows)?;
    let now = call::replay(&bundle, flows, start).map_err(|why| why.to_string())?;
    Ok(bundle.trace().first_difference(&now, Scope::Everything).map(|difference| difference.to_string()))
}

fn set_of(flows: &Flows) -> Result<FlowSet, String> {
    let mut sets = SETS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, set)) = sets.iter().find(|(known, _)| known == flows) {
        return Ok(set.clone());
    }
    let set = flows.load().ok_or("its flows are not in it")?.map_err(|faults| format!("its flows have faults: {faults:?}"))?;
    if sets.len() >= SETS_MAX {
        sets.remove(0);
    }
    sets.push((flows.clone(), set.clone()));
    Ok(set)
}
