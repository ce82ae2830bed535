//! Any text as credentials and as challenge.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sip::{HeaderName, Headers, Method, digest};
use std::{net::IpAddr, time::Duration};

fuzz_target!(|text: &str| {
    let mut server = digest::Authenticator::new(b"key", "r", Duration::from_secs(300));
    let mut headers = Headers::new();
    headers.push(HeaderName::Authorization, text);
    let source = IpAddr::from([192, 0, 2, 1]);
    let verdict = server.verify(&Method::Invite, &headers, 1_000, source, |_, _| None);
    assert!(!matches!(verdict, digest::Verdict::Ok { .. }));
    let client = digest::Credentials { user: "u".into(), password: terms::Secret::new("p".into()), realm: None };
    let _ = client.answer(&[text], &Method::Invite, "sip:x", 1, "c");
});
