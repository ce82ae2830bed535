//! What strangers can do: nothing, for one packet each.

use crate::bench::{Bench, PHONE, STRANGER, TRUNK, name};
use call::Origin;
use sip::HeaderName;
use std::time::Duration;

const METHODS: [&str; 14] = [
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE",
    "UPDATE",
];

#[test]
fn a1_only_options_is_answered_200_outside_a_dialog() {
    let mut bench = Bench::new();
    for (method, code) in [
        ("OPTIONS", 200),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 401),
        ("PUBLISH", 405),
        ("REFER", 405),
        ("NOTIFY", 481),
        ("PRACK", 405),
        ("INFO", 481),
        ("UPDATE", 481),
        ("BYE", 481),
        ("ACK", 0),
        ("REGISTER", 401),
        ("INVITE", 401),
    ] {
        let request = bench.request(method, "alice@", "mallory", STRANGER);
        assert_eq!(bench.code(STRANGER, &request), code, "{method}");
    }
}

#[test]
fn x3_fourteen_methods_by_four_kinds_of_stranger_leave_nothing_behind() {
    let mut bench = Bench::new();
    for method in METHODS {
        for (user, password) in [("", ""), ("alice", "wrong"), ("carol", "x"), ("bob", "blue")] {
            let mut request = bench.request(method, "alice@", "alice", STRANGER);
            if method == "REGISTER" {
                request.headers.set(HeaderName::To, "<sip:alice@home.example>");
            }
            let first = bench.ask(STRANGER, &request);
            if let Some(challenge) = first.filter(|r| r.code == 401 && !user.is_empty()) {
                let again = bench.prove(&request, &challenge, user, password, 1);
                let answer = bench.ask(STRANGER, &again).unwrap();
                assert!(matches!(answer.code, 401 | 403), "{method} as {user}: {}", answer.code);
            }
            assert_eq!(bench.front.residue(), 0, "{method} as {user:?} made a call");
            assert!(bench.shards.is_empty() && bench.tickets.is_empty());
            assert_eq!(bench.front.snapshot(bench.now).devices.len(), 0, "{method} as {user:?} made a binding");
        }
    }
    bench.wait(Duration::from_secs(40));
    let counts = bench.front.counters().sip;
    assert_eq!((counts.invite_servers, counts.plain_servers, counts.invite_clients, counts.plain_clients), (0, 0, 0, 0));
}

#[test]
fn d5_x5_a_flood_is_answered_by_one_packet_each_no_state_and_few_bytes() {
    let mut bench = Bench::new();
    for n in 0..1_000u32 {
        let source = format!("203.0.113.{}:{}", n % 250 + 1, 2_000 + n);
        let method = ["REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"][(n % 5) as usize];
        let request = bench.request(method, "alice@", "mallory", &source);
        let asked = request.to_bytes().len();
        bench.ask(&source, &request);
        assert_eq!(bench.sizes.len(), 1, "{method}");
        assert!(bench.sizes[0] * 10 <= asked * 15, "{method}: {} bytes for {asked}", bench.sizes[0]);
        let counts = bench.front.counters().sip;
        assert_eq!((counts.invite_servers, counts.plain_servers), (0, 0), "{method} left a transaction");
    }
    bench.sent.clear();
    bench.wait(Duration::from_secs(64));
    assert!(bench.sent.is_empty(), "nothing is repeated");
}

#[test]
fn a_stranger_reaches_what_is_public_and_nothing_outbound() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &request), 100);
    let new = bench.new_call().unwrap();
    assert_eq!(new.plan.origin, Origin::Unknown);
    assert_eq!(new.plan.flow, "reception");
    for (target, why) in [
        ("number/+442071838750", "an unknown caller may not be connected to a trunk"),
        ("trunk/acme:+442071838750", "an unknown caller may not be connected to a trunk"),
        ("connection/far", "an unknown caller may not be connected to a trunk"),
        ("sip:x@10.1.0.7", "that is trunk acme: dial trunk/acme/NUMBER"),
        ("sip:x@evil.example", "sip addresses at evil.example are not on the list of hosts that may be dialled"),
    ] {
        assert_eq!(bench.locate(new.id, target, &Origin::Unknown).unwrap_err(), why, "{target}");
    }
    assert_eq!(bench.locate(new.id, "connection/alice", &Origin::Unknown).unwrap().len(), 0, "nobody is registered");
    assert_eq!(bench.locate(new.id, "sip:uas@192.0.2.80:15080", &Origin::Unknown).unwrap().len(), 1, "the list allows it");
}

#[test]
fn a_caller_is_sent_only_where_it_could_be_connected() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &request), 100);
    let call = bench.new_call().unwrap().id;
    let (alice, acme) = (Origin::Connection(name("alice")), Origin::Trunk(name("acme")));
    let never = "an unknown caller may not be connected to a trunk";
    for (target, origin, answer) in [
        ("connection/alice", &Origin::Unknown, Ok("sip:alice@home.example")),
        ("connection/nobody", &Origin::Unknown, Err("there is no connection nobody")),
        ("number/+442071838750", &Origin::Unknown, Err(never)),
        ("trunk/acme/+442071838750", &Origin::Unknown, Err(never)),
        ("sip:x@evil.example", &Origin::Unknown, Err("sip addresses at evil.example are not on the list of hosts that may be dialled")),
        ("sip:x@10.1.0.7", &Origin::Unknown, Err("that is trunk acme: dial trunk/acme/NUMBER")),
        ("number/+442071838750", &alice, Ok("sip:+442071838750@home.example")),
        ("number/+33123456789", &alice, Err("trunk acme is not allowed to dial +33123456789")),
        ("trunk/acme/+442071838750", &alice, Err("only a caller of trunk acme can be sent to it by name: use number/+442071838750")),
        ("trunk/acme/+442071838750", &acme, Ok("sip:00442071838750@10.1.0.7:5060")),
    ] {
        let told = bench.refer_to(call, target, origin);
        assert_eq!(told.as_ref().map(String::as_str).map_err(String::as_str), answer, "{target} {origin:?}");
    }
}

#[test]
fn a9_a_trunk_is_known_by_its_socket_address_alone() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "+15550100@", "4420", TRUNK);
    assert_eq!(bench.code(TRUNK, &request), 100);
    let new = bench.new_call().unwrap();
    assert_eq!((new.plan.flow.as_str(), new.plan.facts.caller.number.as_str()), ("reception", "4420"));
    let request = bench.request("INVITE", "+15550100@", "4420", TRUNK);
    assert_eq!(bench.code(STRANGER, &request), 401, "its Via and Contact say the trunk; its socket does not");
    let request = bench.request("INVITE", "nobody@", "4420", TRUNK);
    assert_eq!(bench.code(TRUNK, &request), 404);
}

#[test]
fn a2_a_proven_caller_is_itself_and_says_so() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "0015550100@", "alice", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 100);
    let new = bench.new_call().unwrap();
    assert_eq!(new.plan.facts.caller.connection.as_deref(), Some("alice"));
    let request = bench.request("INVITE", "reception2@", "alice", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 404, "only now it learns that nobody is there");
    let request = bench.request("INVITE", "+15550100@", "bob", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 403, "From of another");
    let mut request = bench.request("INVITE", "+15550100@", "alice", PHONE);
    request.headers.push(HeaderName::PAssertedIdentity, "<sip:bob@home.example>");
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 403, "identity of another");
    bench.register(PHONE, "alice", "red");
    let request = bench.request("INVITE", "reception@", "alice", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 100, "a registered device proves itself toward public targets too");
}
