//! Any text as URI: reading never panics, and writing gives back an equal one.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sip::Uri;

fuzz_target!(|text: &str| {
    if let Ok(uri) = Uri::parse(text) {
        assert_eq!(Uri::parse(&uri.to_string()).as_ref(), Ok(&uri));
        assert!(uri.is_same(&uri));
        let _ = (uri.user(), sip::resolve::plan(&uri));
    }
});
