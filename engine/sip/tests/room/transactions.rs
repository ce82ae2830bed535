//! The four machines, told as transcripts: milliseconds, then what the endpoint says.

use crate::stage::{PEER, Stage, parsed, request, udp};
use sip::{HeaderName, Input, NextHop, Target, Transport};

const B: &str = "z9hG4bKone";

fn send(stage: &mut Stage, method: &str) {
    let mut outgoing = parsed(&request(method, "z9hG4bKx", 1, ""));
    outgoing.headers.remove(HeaderName::Via);
    let hop = NextHop::Target(Target { transport: Transport::Udp, addr: PEER.parse().unwrap() });
    stage.put(Input::Send { token: 5, request: outgoing, hop });
}

#[test]
fn an_invite_is_tried_rung_and_answered() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.pass(0);
    s.pass(100);
    s.respond(0, 180);
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 200);
    s.get(request("INVITE", B, 1, ""));
    s.expect(
        "0 user: INVITE
         0 UDP 100 Trying to 192.0.2.9:5060
         100 UDP 180 Ringing to 192.0.2.9:5060
         100 UDP 180 Ringing to 192.0.2.9:5060
         100 UDP 200 OK to 192.0.2.9:5060",
    );
    s.get(request("ACK", "z9hG4bKtwo", 1, ""));
    s.expect("100 user: ACK");
    s.pass(40_000);
    assert_eq!(s.endpoint.snapshot().invite_servers, 0);
}

#[test]
fn the_user_repeats_its_2xx_until_the_transaction_is_over() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 200);
    let (transaction, invite) = s.requests[0].clone();
    s.pass(500);
    s.put(Input::Retransmit { transaction, response: invite.respond(200, "") });
    s.pass(32_000);
    s.put(Input::Retransmit { transaction, response: invite.respond(200, "") });
    s.expect("0 user: INVITE\n0 UDP 200 OK to 192.0.2.9:5060\n500 UDP 200 OK to 192.0.2.9:5060");
}

#[test]
fn a_refused_invite_is_repeated_until_its_ack() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 486);
    s.pass(4_000);
    s.get(request("ACK", B, 1, ""));
    s.pass(40_000);
    s.expect(
        "0 user: INVITE
         0 UDP 486 Busy Here to 192.0.2.9:5060
         500 UDP 486 Busy Here to 192.0.2.9:5060
         1500 UDP 486 Busy Here to 192.0.2.9:5060
         3500 UDP 486 Busy Here to 192.0.2.9:5060",
    );
    assert_eq!(s.endpoint.snapshot().invite_servers, 0);
}

#[test]
fn a_refusal_nobody_acknowledges_ends_after_timer_h() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 486);
    s.pass(60_000);
    assert_eq!(s.sent.len(), 11);
    assert_eq!(s.endpoint.snapshot().invite_servers, 0);
}

#[test]
fn a_stateless_refusal_is_one_packet_and_leaves_nothing() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    let (transaction, invite) = s.requests[0].clone();
    s.put(Input::RespondStateless { transaction, response: invite.respond(401, "") });
    assert_eq!(s.endpoint.snapshot().invite_servers, 0);
    let tag = parsed_tag(&s);
    s.get(request("ACK", B, 1, "").iter().copied().collect::<Vec<_>>().into());
    s.expect("0 user: INVITE\n0 UDP 401 Unauthorized to 192.0.2.9:5060\n0 user: ACK");
    // With the tag it was given, the ACK is known as the stateless answer's and absorbed.
    let ack = String::from_utf8(request("ACK", B, 1, "").to_vec()).unwrap().replace("<sip:bob@192.0.2.1>", &format!("<sip:bob@192.0.2.1>;tag={tag}"));
    s.get(ack.into());
    s.pass(60_000);
    s.expect("");
}

fn parsed_tag(s: &Stage) -> String {
    let sip::Message::Response(response) = sip::Message::parse(s.sent.last().unwrap().clone()).unwrap() else { panic!("a response") };
    response.headers.to_tag().unwrap().to_owned()
}

#[test]
fn a_cancel_is_answered_and_the_user_ends_the_invite() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 180);
    s.get(request("CANCEL", B, 1, ""));
    s.respond(0, 487);
    s.get(request("CANCEL", B, 1, ""));
    s.expect(
        "0 user: INVITE
         0 UDP 180 Ringing to 192.0.2.9:5060
         0 UDP 200 OK to 192.0.2.9:5060
         0 user: cancelled
         0 UDP 487 Request Terminated to 192.0.2.9:5060
         0 UDP 200 OK to 192.0.2.9:5060",
    );
}

#[test]
fn a_cancel_that_comes_after_the_answer_changes_nothing_and_one_for_nothing_gets_481() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.respond(0, 200);
    s.get(request("CANCEL", B, 1, ""));
    s.get(request("CANCEL", "z9hG4bKother", 1, ""));
    s.expect(
        "0 user: INVITE
         0 UDP 200 OK to 192.0.2.9:5060
         0 UDP 200 OK to 192.0.2.9:5060
         0 UDP 481 Call/Transaction Does Not Exist to 192.0.2.9:5060",
    );
}

#[test]
fn a_plain_request_is_repeated_from_memory_and_says_100_only_late() {
    let mut s = Stage::new();
    s.get(request("OPTIONS", B, 1, ""));
    s.get(request("OPTIONS", B, 1, ""));
    s.pass(4_000);
    s.respond(0, 408);
    s.respond(0, 180);
    s.respond(0, 200);
    s.get(request("OPTIONS", B, 1, ""));
    s.expect(
        "0 user: OPTIONS
         3500 UDP 100 Trying to 192.0.2.9:5060
         4000 UDP 200 OK to 192.0.2.9:5060
         4000 UDP 200 OK to 192.0.2.9:5060",
    );
    s.pass(32_000);
    assert_eq!(s.endpoint.snapshot().plain_servers, 0);
}

#[test]
fn an_answer_too_late_for_a_plain_request_meets_nobody() {
    let mut s = Stage::new();
    s.get(request("OPTIONS", B, 1, ""));
    s.pass(32_000);
    s.respond(0, 200);
    s.expect("0 user: OPTIONS\n3500 UDP 100 Trying to 192.0.2.9:5060");
}

#[test]
fn merged_loops_and_what_is_not_served_are_refused() {
    let mut s = Stage::new();
    s.get(request("INVITE", B, 1, ""));
    s.get(request("INVITE", "z9hG4bKtwo", 1, ""));
    s.get(request("SUBSCRIBE", "z9hG4bK3", 2, ""));
    s.get(request("FROBNICATE", "z9hG4bK4", 3, ""));
    s.get(request("OPTIONS", "z9hG4bK5", 4, "Require: 100rel, nothing\n"));
    s.expect(
        "0 user: INVITE
         0 UDP 482 Loop Detected to 192.0.2.9:5060
         0 UDP 405 Method Not Allowed to 192.0.2.9:5060
         0 UDP 501 Not Implemented to 192.0.2.9:5060
         0 UDP 420 Bad Extension to 192.0.2.9:5060",
    );
    let hops = String::from_utf8(request("INVITE", "z9hG4bK6", 6, "").to_vec()).unwrap().replace("Forwards: 70", "Forwards: 0");
    s.get(hops.into());
    s.expect("0 UDP 483 Too Many Hops to 192.0.2.9:5060");
}

#[test]
fn answers_go_where_rport_or_via_says() {
    let mut s = Stage::new();
    let flow = udp("203.0.113.7:40000");
    s.put(Input::Received { flow, bytes: request("OPTIONS", B, 1, "") });
    s.respond(0, 200);
    let plain = String::from_utf8(request("OPTIONS", "z9hG4bK2", 2, "").to_vec()).unwrap().replace(";rport", "");
    s.put(Input::Received { flow, bytes: plain.into() });
    s.respond(1, 200);
    s.expect(
        "0 user: OPTIONS
         0 UDP 200 OK to 203.0.113.7:40000
         0 user: OPTIONS
         0 UDP 200 OK to 203.0.113.7:5060",
    );
    let via = s.requests[0].1.headers.get(HeaderName::Via).unwrap();
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone;received=203.0.113.7;rport=40000");
}

#[test]
fn an_invite_nobody_answers_is_sent_seven_times() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    s.pass(40_000);
    let times: Vec<_> = s.lines.iter().map(|l| l.split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(times, ["0", "500", "1500", "3500", "7500", "15500", "31500", "32000"]);
    assert!(s.lines.last().unwrap().ends_with("user: Timeout for 5"));
    assert_eq!(s.endpoint.snapshot().invite_clients, 0);
}

#[test]
fn a_plain_request_nobody_answers_is_sent_eleven_times() {
    let mut s = Stage::new();
    send(&mut s, "OPTIONS");
    s.pass(40_000);
    assert_eq!((s.sent.len(), s.lines.len()), (11, 12));
    assert!(s.lines.last().unwrap().ends_with("32000 user: Timeout for 5"));
}

#[test]
fn a_refusal_is_acknowledged_each_time_and_told_once() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    let busy = s.answer(486, "b");
    s.get(busy.clone());
    s.get(busy);
    s.expect(
        "0 UDP INVITE to 192.0.2.9:5060
         0 UDP ACK to 192.0.2.9:5060
         0 user: 486 for 5
         0 UDP ACK to 192.0.2.9:5060",
    );
    let (invite, ack) = (parsed(&s.sent[0]), parsed(&s.sent[1]));
    assert_eq!(ack.headers.get(HeaderName::Via), invite.headers.get(HeaderName::Via));
    assert_eq!(ack.headers.to_tag(), Some("b"));
    s.pass(40_000);
    assert_eq!(s.endpoint.snapshot().invite_clients, 0);
}

#[test]
fn forks_and_repeated_2xx_all_reach_the_user() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    for (code, tag) in [(180, "b"), (180, "c"), (200, "b"), (200, "c"), (200, "b")] {
        let bytes = s.answer(code, tag);
        s.get(bytes);
    }
    s.expect(
        "0 UDP INVITE to 192.0.2.9:5060
         0 user: 180 for 5
         0 user: 180 for 5
         0 user: 200 for 5
         0 user: 200 for 5
         0 user: 200 for 5",
    );
    let late = s.answer(200, "b");
    s.pass(33_000);
    s.get(late);
    s.expect("");
}

#[test]
fn a_cancel_waits_for_a_provisional_and_may_cross_a_2xx() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    s.put(Input::Cancel { token: 5, reason: None });
    let (ringing, ok) = (s.answer(180, "b"), s.answer(200, "b"));
    s.get(ringing);
    let cancelled = s.answer(200, "b");
    s.get(ok);
    s.get(cancelled);
    s.expect(
        "0 UDP INVITE to 192.0.2.9:5060
         0 user: 180 for 5
         0 UDP CANCEL to 192.0.2.9:5060
         0 user: 200 for 5",
    );
    s.pass(60_000);
    let counts = s.endpoint.snapshot();
    assert_eq!((counts.invite_clients, counts.plain_clients), (0, 0));
}

#[test]
fn a_cancelled_invite_without_final_ends_after_32_seconds() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    let ringing = s.answer(180, "b");
    s.get(ringing);
    s.put(Input::Cancel { token: 5, reason: None });
    let ok = s.answer(200, "b");
    s.get(ok);
    s.pass(40_000);
    s.expect(
        "0 UDP INVITE to 192.0.2.9:5060
         0 user: 180 for 5
         0 UDP CANCEL to 192.0.2.9:5060
         32000 user: Timeout for 5",
    );
}

#[test]
fn names_are_resolved_and_the_next_target_is_tried() {
    let mut s = Stage::new();
    let mut outgoing = parsed(&request("OPTIONS", "z9hG4bKx", 1, ""));
    outgoing.headers.remove(HeaderName::Via);
    let hop = NextHop::Uri("sip:bob@example.net".parse().unwrap());
    s.put(Input::Send { token: 5, request: outgoing.clone(), hop: hop.clone() });
    s.put(Input::Send { token: 6, request: outgoing.clone(), hop: hop.clone() });
    s.put(Input::Send { token: 7, request: outgoing, hop });
    let target = |addr: &str, transport| Target { transport, addr: addr.parse().unwrap() };
    let dead = target("192.0.2.77:5060", Transport::Tcp);
    s.put(Input::Resolved { query: s.queries[0], targets: vec![dead, target(PEER, Transport::Udp)] });
    s.put(Input::ConnectFailed { target: dead });
    s.put(Input::Resolved { query: s.queries[1], targets: vec![] });
    s.put(Input::Cancel { token: 7, reason: None });
    s.expect(
        "0 resolve example.net None None
         0 resolve example.net None None
         0 resolve example.net None None
         0 connect 192.0.2.77:5060
         0 UDP OPTIONS to 192.0.2.9:5060
         0 user: Unresolvable for 6
         0 user: Cancelled for 7",
    );
}

#[test]
fn a_503_moves_on_to_the_next_target() {
    let mut s = Stage::new();
    let mut outgoing = parsed(&request("INVITE", "z9hG4bKx", 1, ""));
    outgoing.headers.remove(HeaderName::Via);
    s.put(Input::Send { token: 5, request: outgoing, hop: NextHop::Uri("sip:bob@example.net".parse().unwrap()) });
    let target = |addr: &str| Target { transport: Transport::Udp, addr: addr.parse().unwrap() };
    s.put(Input::Resolved { query: s.queries[0], targets: vec![target(PEER), target("192.0.2.10:5060")] });
    let full = s.answer(503, "b");
    s.get(full);
    s.expect(
        "0 resolve example.net None None
         0 UDP INVITE to 192.0.2.9:5060
         0 UDP ACK to 192.0.2.9:5060
         0 UDP INVITE to 192.0.2.10:5060",
    );
    assert_ne!(parsed(&s.sent[0]).headers.get(HeaderName::Via), parsed(&s.sent[2]).headers.get(HeaderName::Via));
}

#[test]
fn strays_are_silent() {
    let mut s = Stage::new();
    send(&mut s, "INVITE");
    let stray = String::from_utf8(s.answer(200, "b").to_vec()).unwrap().replace("branch=z9hG4bK", "branch=z9hG4bKnot");
    s.lines.clear();
    s.get(stray.into());
    s.get("hello\r\n\r\n".into());
    s.get("\r\n\r\n".into());
    s.get(bytes::Bytes::new());
    s.expect("");
    assert_eq!(s.endpoint.snapshot().dropped, 4);
}

#[test]
fn every_lost_message_of_a_call_is_made_good() {
    // Two endpoints; the n-th datagram is lost, for every n: the call still begins and ends.
    for lost in 0..8 {
        crate::dialogs::call_with_loss(lost);
    }
}
