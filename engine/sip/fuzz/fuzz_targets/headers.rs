//! Any text as address, Via and parameters.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sip::{NameAddr, Params, Via};

fuzz_target!(|text: &str| {
    if let Some(address) = NameAddr::parse(text) {
        assert_eq!(NameAddr::parse(&address.to_string()).as_ref(), Some(&address));
    }
    if let Some(via) = Via::parse(text) {
        let _ = (via.branch(), via.param("rport"), via.port_or_default());
    }
    let _ = Params::parse(text);
});
