//! Any text as a script: compiled on a large stack as the server does, run up to three effects, and never panics.
#![no_main]

use flow::{CallFacts, Caller, FlowSet, Line, Next, Outcome, Run, World, limits::SCRIPT_STACK};
use libfuzzer_sys::fuzz_target;
use notation::Source;
use std::{collections::BTreeMap, sync::Arc, thread, time::Instant};
use terms::{Now, UnixMs};

fuzz_target!(|text: &str| {
    let text = text.to_owned();
    let run = move || {
        let Ok(set) = FlowSet::load(vec![Source::new("scripts/a.rhai", text)], &World::default()) else { return };
        let line = Line { id: "1".into(), connection: None, number: "1".into(), mailbox: None, started: UnixMs(0) };
        let facts = CallFacts { caller: Caller::default(), line, settings: BTreeMap::new(), secrets: Arc::default() };
        let now = Now { at: Instant::now(), unix: UnixMs(0) };
        let name = set.names().first().map(|name| (*name).to_owned()).unwrap_or_default();
        let mut run = Run::start(set, &name, facts);
        let mut next = run.next(None, now);
        for _ in 0..6 {
            next = match next {
                Next::Script(job) => run.resume(job.execute(), now),
                Next::Effect(_) => run.next(Some(Outcome::new("done")), now),
                Next::End(_) => break,
            };
        }
    };
    thread::Builder::new().stack_size(SCRIPT_STACK).spawn(run).unwrap().join().unwrap();
});
