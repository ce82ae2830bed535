//! Properties of every reader of outside bytes.

use crate::stage::{Stage, request, tcp, udp};
use bytes::Bytes;
use proptest::prelude::*;
use sip::{Input, Message, NameAddr, Params, Splitter, Uri, Via, address::AddrParts};
use std::time::{Duration, Instant};

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("sip:"), Just("sips:"), Just("tel:+1"), Just("@"), Just("<"), Just(">"), Just("\""), Just("\\"), Just(";"), Just(","), Just("="),
        Just("%41"), Just("%"), Just(" "), Just("\r\n"), Just("\r\n "), Just("SIP/2.0"), Just("/UDP "), Just("a"), Just("host.example"), Just("[::1]"),
        Just(":5060"), Just("tag"), Just("ü"), Just("Via: "), Just("CSeq: 1 "), Just("INVITE"), Just("Digest "), Just("nonce"), Just("l: 3"), Just("?"),
        Just("&"), Just("\0"), Just("*")
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn template() -> Bytes {
    request("INVITE", "z9hG4bKp", 1, "Route: <sip:p;lr>, \"x\" <sip:q>\nX-Thing: a b\nk: timer\nAuthorization: Digest realm=\"r\", nonce=\"n\"\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readers_never_panic(text in soup()) {
        let _ = (Uri::parse(&text), NameAddr::parse(&text), AddrParts::split(&text), Via::parse(&text), Params::parse(&text));
        let _ = Message::parse(text.clone().into());
        let mut splitter = Splitter::new();
        splitter.push(text.as_bytes());
        for _ in 0..100 { let _ = splitter.next_frame(); }
        let credentials = sip::digest::Credentials { user: "u".into(), password: terms::Secret::new("p".into()), realm: None };
        let _ = credentials.answer(&[&text, &format!("Digest {text}")], &sip::Method::Invite, "sip:x", 1, "c");
    }

    #[test]
    fn what_is_read_is_written_the_same(text in soup()) {
        if let Ok(uri) = Uri::parse(&text) {
            let again = Uri::parse(&uri.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&uri));
            prop_assert!(uri.is_same(&uri));
        }
        if let Some(address) = NameAddr::parse(&text) {
            prop_assert_eq!(NameAddr::parse(&address.to_string()), Some(address));
        }
    }

    #[test]
    fn a_mutated_message_never_panics_and_a_read_one_survives_writing(edits in proptest::collection::vec((0usize..600, any::<u8>()), 0..6)) {
        let mut bytes = template().to_vec();
        for (at, byte) in edits {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        let mut stage = Stage::new();
        stage.put(Input::Received { flow: udp("192.0.2.9:5060"), bytes: bytes.clone().into() });
        stage.put(Input::StreamBytes { flow: tcp("192.0.2.9:1", 1), bytes: bytes.clone().into() });
        stage.pass(100);
        if let Ok(message) = Message::parse(bytes.into()) {
            let mut out = vec![];
            message.write(&mut out);
            let Ok(again) = Message::parse(out.clone().into()) else { panic!("{}", String::from_utf8_lossy(&out)) };
            let mut twice = vec![];
            again.write(&mut twice);
            prop_assert_eq!(out, twice);
        }
    }
}

#[test]
fn a_message_read_and_written_is_the_same_message() {
    let Message::Request(read) = Message::parse(template()).unwrap() else { panic!("a request") };
    let Message::Request(mut again) = Message::parse(read.to_bytes()).unwrap() else { panic!("a request") };
    assert_eq!(read.to_bytes(), again.to_bytes());
    again.headers.remove(sip::HeaderName::ContentLength);
    assert!(!again.headers.push_named("bad name", "x") && again.headers.push_named("X-New", "a\r\nRoute: <sip:evil>"));
    let Message::Request(clean) = Message::parse(again.to_bytes()).unwrap() else { panic!("a request") };
    assert_eq!(clean.headers.named("x-new"), Some("a  Route: <sip:evil>"));
    assert_eq!(clean.headers.routes().count(), 2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a bound on time reads the clock")]
fn readers_are_linear() {
    for piece in [";", ",", "\"", "<", "(", "%", "a=b;", "a,", "\\\"", "<>", " \r\n "] {
        let text = piece.repeat(60_000 / piece.len());
        for place in ["Via", "From", "Contact", "Route", "X-Any", "Authorization", "Content-Type", "Require"] {
            let head = String::from_utf8(template().to_vec()).unwrap();
            let bytes: Bytes = head.replacen("\r\n", &format!("\r\n{place}: {text}\r\n"), 1).into();
            let begin = Instant::now();
            let mut stage = Stage::new();
            stage.put(Input::Received { flow: udp("192.0.2.9:5060"), bytes });
            // A quadratic reader takes seconds here, also on a loaded machine.
            assert!(begin.elapsed() < Duration::from_millis(250), "{piece:?} in {place}: {:?}", begin.elapsed());
        }
        let begin = Instant::now();
        let _ = (Uri::parse(&format!("sip:{text}")), NameAddr::parse(&text), Via::parse(&text), Params::parse(&text));
        assert!(begin.elapsed() < Duration::from_millis(250), "{piece:?}");
    }
}
