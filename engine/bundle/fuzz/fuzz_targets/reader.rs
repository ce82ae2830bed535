//! Any text as a bundle: it is read or the line that is wrong is named, and what was read can be told, compared and written again
//! as it was. A whole bundle to begin from lies in `seeds`.
#![no_main]
use bundle::{Bundle, Scope};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = match Bundle::read(text) {
        Ok(read) => read,
        Err(broken) => {
            assert!(broken.line >= 1 && !broken.why.is_empty(), "{broken}");
            return;
        }
    };
    assert_eq!(Bundle::read(&read.write()).as_ref(), Ok(&read), "what was written is read");
    let trace = read.trace();
    assert!(trace.first_difference(&read.trace(), Scope::Everything).is_none());
    assert!(trace.first_difference(&read.trace(), Scope::Flow).is_none());
    let _ = read.told();
});
