//! Streams: framing at every boundary, pings, limits, connections that break.

use crate::stage::{PEER, Stage, parsed, request, tcp, wire};
use bytes::Bytes;
use sip::{Frame, FramingFault, HeaderName, Input, NextHop, Splitter, Target, Transport, limits};

fn frames(splitter: &mut Splitter) -> Vec<Frame> {
    std::iter::from_fn(|| splitter.next_frame().unwrap()).collect()
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_messages() {
    let one = wire("OPTIONS sip:a SIP/2.0\nl : 5\nX: y\n\nab\n\nSIP/2.0 200 OK\nContent-Length:\n 0\n\n");
    let whole = [&b"\r\n\r\n"[..], &one, b"\r\n\r\n", &one].concat();
    let mut splitter = Splitter::new();
    splitter.push(&whole);
    let expected = frames(&mut splitter);
    assert_eq!(expected.len(), 6);
    for cut in 0..whole.len() {
        let mut splitter = Splitter::new();
        splitter.push(&whole[..cut]);
        let mut found = frames(&mut splitter);
        splitter.push(&whole[cut..]);
        found.extend(frames(&mut splitter));
        assert_eq!(found, expected, "cut at {cut}");
    }
    let mut splitter = Splitter::new();
    let mut found = vec![];
    for byte in &whole {
        splitter.push(std::slice::from_ref(byte));
        found.extend(frames(&mut splitter));
    }
    assert_eq!(found, expected);
}

#[test]
fn lengths_that_cannot_be_trusted_end_the_stream() {
    for length in ["", "Content-Length: -1\n", "Content-Length: 12 34\n", "Content-Length: 0x10\n", "Content-Length: 9999999999\n",
        "Content-Length: 1\nl: 2\n", "Content-Length: 70000\n", "Content-Length: 4294967295\n"]
    {
        let mut splitter = Splitter::new();
        splitter.push(&wire(&format!("OPTIONS sip:a SIP/2.0\n{length}\n")));
        assert!(splitter.next_frame().is_err(), "{length}");
        splitter.push(b"more");
        assert_eq!(splitter.next_frame(), Ok(None));
    }
    let mut splitter = Splitter::new();
    splitter.push(&vec![b'a'; limits::HEAD_BYTES_MAX + 1]);
    assert_eq!(splitter.next_frame(), Err(FramingFault::TooLong(None)));
}

#[test]
fn a_call_over_tcp_is_answered_on_its_connection_and_repeats_nothing() {
    let mut s = Stage::new();
    let flow = tcp("192.0.2.9:33000", 1);
    let bytes = Bytes::from([&b"\r\n\r\n"[..], &request("INVITE", "z9hG4bKa", 1, "")].concat());
    s.put(Input::StreamBytes { flow, bytes });
    s.respond(0, 486);
    s.pass(10_000);
    s.expect(
        "0 TCP  to 192.0.2.9:33000
         0 user: INVITE
         0 TCP 486 Busy Here to 192.0.2.9:33000",
    );
}

#[test]
fn a_broken_frame_is_answered_and_the_connection_closed() {
    let mut s = Stage::new();
    let bad = String::from_utf8(request("OPTIONS", "z9hG4bKa", 1, "").to_vec()).unwrap();
    s.put(Input::StreamBytes { flow: tcp("192.0.2.9:1", 1), bytes: bad.replace("Length: 0", "Length: -1").into() });
    s.put(Input::StreamBytes { flow: tcp("192.0.2.9:2", 2), bytes: bad.replace("Length: 0", "Length: 100000").into() });
    s.expect(
        "0 TCP 400 Bad Request (bad content-length) to 192.0.2.9:1
         0 close 192.0.2.9:1
         0 TCP 513 Message Too Large to 192.0.2.9:2
         0 close 192.0.2.9:2",
    );
    assert_eq!(s.endpoint.snapshot().streams, 0);
}

#[test]
fn slow_and_silent_streams_are_closed() {
    let mut s = Stage::new();
    s.put(Input::StreamBytes { flow: tcp("192.0.2.9:1", 1), bytes: "OPT".into() });
    s.put(Input::StreamBytes { flow: tcp("192.0.2.9:2", 2), bytes: "\r\n\r\n".into() });
    s.pass(700_000);
    s.expect("0 TCP  to 192.0.2.9:2\n32000 close 192.0.2.9:1\n600000 close 192.0.2.9:2");
}

#[test]
fn a_connection_is_opened_reused_and_its_break_told() {
    let mut s = Stage::new();
    let target = Target { transport: Transport::Tcp, addr: PEER.parse().unwrap() };
    for token in [1, 2] {
        let mut outgoing = parsed(&request("OPTIONS", "z9hG4bKx", 1, ""));
        outgoing.headers.remove(HeaderName::Via);
        s.put(Input::Send { token, request: outgoing, hop: NextHop::Target(target) });
    }
    let flow = tcp(PEER, 9);
    s.put(Input::Connected { target, flow });
    let answer = s.answer(200, "b");
    s.put(Input::StreamBytes { flow, bytes: answer });
    s.put(Input::StreamClosed { flow });
    s.expect(
        "0 connect 192.0.2.9:5060
         0 TCP OPTIONS to 192.0.2.9:5060
         0 TCP OPTIONS to 192.0.2.9:5060
         0 user: 200 for 2
         0 user: Transport for 1",
    );
}

#[test]
fn one_peer_cannot_take_all_streams() {
    let mut s = Stage::new();
    for connection in 0..limits::STREAMS_PER_PEER_MAX as u64 + 5 {
        s.put(Input::StreamBytes { flow: tcp("192.0.2.9:1", connection + 1), bytes: "O".into() });
    }
    assert_eq!(s.lines.len(), 5);
    assert_eq!(s.endpoint.snapshot().streams, limits::STREAMS_PER_PEER_MAX);
}
