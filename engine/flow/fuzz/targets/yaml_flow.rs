//! Any text as a flow file: loading answers a set or faults that can be shown, and never panics.
#![no_main]

use flow::{FlowSet, World};
use libfuzzer_sys::fuzz_target;
use notation::{Format, Source, render};

fuzz_target!(|text: &str| {
    let source = Source::new("flows/a.yaml", text);
    if let Err(faults) = FlowSet::load(vec![source.clone()], &World::default()) {
        assert!(!render(&faults, &[source], Format::Text).is_empty());
    }
});
