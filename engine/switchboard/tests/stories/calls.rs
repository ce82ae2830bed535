//! Calls through the front: dialogs, CANCEL, branches, limits, and that nothing stays.

use crate::bench::{Bench, PHONE, STRANGER, TRUNK, name};
use call::{LegEvent, Origin, ToFront, ToShard};
use sip::{HeaderName, Message, Method, NextHop, Request};
use std::time::Duration;
use switchboard::{CallState, Input, Limits};
use terms::{LegId, UnixMs};

fn record(new: &call::NewCall) -> Box<call::CallRecord> {
    Box::new(call::CallRecord {
        id: new.id,
        realm: name("home"),
        from: String::new(),
        to: String::new(),
        connection: None,
        flow: String::new(),
        version: String::new(),
        began: UnixMs(0),
        answered: None,
        ended: UnixMs(0),
        ended_by: "flow ended".to_owned(),
        status: 200,
        path: Vec::new(),
        timeline: Vec::new(),
        quality: Vec::new(),
        media: Vec::new(),
    })
}

/// A call of a stranger to reception, answered by its shard.
fn answered(bench: &mut Bench) -> (Box<call::NewCall>, Request) {
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &request), 100);
    let new = bench.new_call().unwrap();
    let mut ok = new.invite.respond(200, "");
    ok.set_to_tag(&new.local_tag);
    ok.headers.push(HeaderName::Contact, format!("<{}>", new.contact));
    bench.say(ToFront::Respond { transaction: new.transaction, response: ok });
    bench.say(ToFront::Answered { call: new.id });
    (new, request)
}

fn inside(bench: &mut Bench, request: &Request, method: Method, tag: &str) -> Request {
    let mut inside = request.clone();
    inside.method = method;
    inside.headers.set(HeaderName::To, format!("<sip:reception@home.example>;tag={tag}"));
    bench.renew(&mut inside);
    inside
}

#[test]
fn what_is_inside_a_dialog_reaches_its_leg_and_d1_what_is_not_gets_481() {
    let mut bench = Bench::new();
    let (new, request) = answered(&mut bench);
    assert_eq!(new.contact.to_string(), "sip:reception@198.51.100.1:5060");
    assert_eq!(bench.front.snapshot(bench.now).calls[0].state, CallState::Answered);
    let mut ack = inside(&mut bench, &request, Method::Ack, &new.local_tag);
    ack.headers.set(HeaderName::CSeq, "1 ACK");
    bench.ask(STRANGER, &ack);
    assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { leg: LegId::CALLER, event: LegEvent::Ack(_), .. }))));
    for method in [Method::Bye, Method::Invite, Method::Info, Method::Update] {
        let wrong = inside(&mut bench, &request, method.clone(), "guess");
        assert_eq!(bench.code(STRANGER, &wrong), 481, "{method}");
        assert!(bench.shards.is_empty());
        let right = inside(&mut bench, &request, method.clone(), &new.local_tag);
        bench.ask(STRANGER, &right);
        let Some((_, ToShard::Leg { event: LegEvent::Request { request, transaction, .. }, .. })) = bench.shards.pop() else {
            panic!("{method}")
        };
        assert_eq!(request.method, method);
        bench.say(ToFront::Respond { transaction, response: request.respond(200, "") });
    }
    bench.say(ToFront::LegEnded { call: new.id, leg: LegId::CALLER });
    bench.say(ToFront::Ended(record(&new)));
    assert_eq!((bench.front.residue(), bench.records), (0, 1));
    let late = inside(&mut bench, &request, Method::Bye, &new.local_tag);
    assert_eq!(bench.code(STRANGER, &late), 481);
}

#[test]
fn d1_a_cancel_reaches_the_leg_only_from_where_its_invite_came() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    bench.ask(STRANGER, &request);
    let mut cancel = request.clone();
    cancel.method = Method::Cancel;
    cancel.headers.set(HeaderName::CSeq, "1 CANCEL");
    bench.shards.clear();
    bench.ask("203.0.113.99:5060", &cancel);
    assert!(bench.shards.is_empty(), "not from elsewhere");
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    bench.ask(STRANGER, &request);
    bench.shards.clear();
    assert_eq!(bench.code(STRANGER, &cancel), 200);
    assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { event: LegEvent::Cancelled, .. }))));
}

#[test]
fn a_forked_copy_and_a_loop_are_482() {
    let mut bench = Bench::new();
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &request), 100);
    let mut copy = request.clone();
    copy.headers.set(HeaderName::Via, "SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bKother;rport");
    assert_eq!(bench.code(STRANGER, &copy), 482, "the same INVITE by another way");
    let mut tired = bench.request("INVITE", "reception@", "someone", STRANGER);
    tired.headers.push_named("X-Callflow-Hops", "10");
    assert_eq!(bench.code(STRANGER, &tired), 482);
    let mut over = bench.request("INVITE", "reception@", "someone", STRANGER);
    over.headers.set(HeaderName::MaxForwards, "0");
    assert_eq!(bench.code(STRANGER, &over), 483);
}

#[test]
fn a_leg_goes_out_hears_its_answers_and_its_dialog_is_known() {
    let mut bench = Bench::new();
    bench.register(PHONE, "alice", "red");
    bench.wait(Duration::from_secs(1));
    bench.register("192.0.2.10:5060", "alice", "red");
    let (new, _) = answered(&mut bench);
    let branches = bench.locate(new.id, "connection/alice", &Origin::Unknown).unwrap();
    assert_eq!(branches.len(), 2);
    let branch = &branches[0];
    assert_eq!(branch.codecs, terms::Codecs::all(), "those of the exchange");
    assert_eq!(branch.to.to_string(), "sip:alice@home.example");
    assert_eq!(branch.from.to_string(), "sip:someone@home.example");
    assert_eq!(branch.contact.to_string(), "sip:alice@198.51.100.1:5060");
    let mut invite = Request::new(Method::Invite, branch.uri.clone());
    invite.headers.push(HeaderName::MaxForwards, "70");
    invite.headers.push(HeaderName::From, "<sip:someone@home.example>;tag=ours");
    invite.headers.push(HeaderName::To, "<sip:alice@home.example>");
    invite.headers.push(HeaderName::CallId, "leg-1");
    invite.headers.push(HeaderName::CSeq, "1 INVITE");
    invite.headers.push(HeaderName::Contact, format!("<{}>", branch.contact));
    bench.sent.clear();
    bench.say(ToFront::Send { call: new.id, leg: LegId(1), request: invite, hop: branch.hop.clone() });
    let (to, out) = bench.sent.iter().find_map(|(flow, m)| match m { Message::Request(r) => Some((*flow, r.clone())), Message::Response(_) => None }).unwrap();
    assert_eq!(to.peer.to_string(), "192.0.2.10:5060", "the device that registered last");
    assert_eq!((out.headers.max_forwards(), out.headers.named("X-Callflow-Hops")), (Some(69), Some("1")));
    let ringing = Bench::answer_of(&out, 180);
    bench.bytes("192.0.2.10:5060", ringing.to_bytes());
    assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { leg: LegId(1), event: LegEvent::Response { .. }, .. }))));
    for _ in 0..2 {
        bench.bytes("192.0.2.10:5060", Bench::answer_of(&out, 200).to_bytes());
        assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { event: LegEvent::Response { .. }, .. }))), "a 2xx repeats");
    }
    // The callee hangs up: a request in the dialog of leg 1.
    let mut bye = bench.request("BYE", "x@", "alice", "192.0.2.10:5060");
    bye.headers.set(HeaderName::CallId, "leg-1");
    bye.headers.set(HeaderName::To, "<sip:someone@home.example>;tag=ours");
    bench.ask("192.0.2.10:5060", &bye);
    assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { leg: LegId(1), event: LegEvent::Request { .. }, .. }))));
    bench.say(ToFront::LegEnded { call: new.id, leg: LegId(1) });
    bench.say(ToFront::Ended(record(&new)));
    assert_eq!(bench.front.residue(), 0);
}

#[test]
fn d3_a_stolen_account_dials_only_what_is_allowed_and_only_so_often() {
    let mut bench = Bench::with(Limits { outbound_an_hour: 5, ..Limits::default() });
    let request = bench.request("INVITE", "+15550100@", "alice", PHONE);
    bench.ask_as(PHONE, &request, "alice", "red");
    let new = bench.new_call().unwrap();
    let alice = new.plan.origin.clone();
    assert_eq!(alice, Origin::Connection(name("alice")));
    for (target, why) in [
        ("number/+33123456789", "trunk acme is not allowed to dial +33123456789"),
        ("number/+447012345678", "trunk acme is forbidden to dial +447012345678"),
        ("number/+449061234567", "+449061234567 is of a premium or satellite range; allow its prefix to trunk acme to dial it"),
        ("number/0019005551234", "+19005551234 is of a premium or satellite range; allow its prefix to trunk acme to dial it"),
        ("trunk/acme:sip%3Ax", "\"sip%3Ax\" is no telephone number"),
        ("trunk/acme:+4420;x=y", "\"+4420;x=y\" is no telephone number"),
        ("trunk/none:+442071838750", "there is no trunk none"),
        ("sip:x@192.0.2.80:15080?Route=%3Csip:evil%3E", "a dialled address may not carry header fields, a password, maddr or lr"),
        ("sip:x@192.0.2.80:15080;maddr=1.2.3.4", "a dialled address may not carry header fields, a password, maddr or lr"),
        ("sip:nobody@198.51.100.1:5060", "the address is this exchange's own, and no user of it"),
        ("connection/nobody", "there is no connection nobody"),
    ] {
        assert_eq!(bench.locate(new.id, target, &alice).unwrap_err(), why, "{target}");
    }
    for n in 0..8 {
        let found = bench.locate(new.id, "number/00442071838750", &alice);
        assert_eq!(found.is_ok(), n < 5, "the fifth is the last");
        if let Ok(branches) = found {
            assert_eq!(branches[0].uri.to_string(), "sip:00442071838750@10.1.0.7:5060");
            assert!(matches!(&branches[0].hop, NextHop::Uri(uri) if uri.to_string() == "sip:10.1.0.7:5060"));
            assert_eq!(branches[0].codecs.list, [terms::Codec::Pcma], "the trunk's own");
        }
    }
    let far = bench.locate(new.id, "connection/far", &alice).unwrap();
    assert_eq!(far[0].codecs.list, [terms::Codec::G722, terms::Codec::Pcma], "its own, behind the trunk as well");
    assert_eq!(bench.frauds, 3);
    bench.wait(Duration::from_secs(2 * 3_600));
    assert!(bench.locate(new.id, "number/00442071838750", &alice).is_ok());
}

#[test]
fn r14_what_is_too_much_gets_503_and_calls_in_progress_are_served() {
    let mut bench = Bench::with(Limits { calls_max: 3, calls_a_stranger: 2, ..Limits::default() });
    let (first, request) = answered(&mut bench);
    let (second, _) = answered(&mut bench);
    assert_ne!(bench.front.snapshot(bench.now).calls[0].shard, bench.front.snapshot(bench.now).calls[1].shard, "the least loaded shard");
    let third = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &third), 486, "two calls are all one stranger may have");
    let third = bench.request("INVITE", "reception@", "someone", TRUNK);
    assert_eq!(bench.code(TRUNK, &third), 100);
    let fourth = bench.request("INVITE", "reception@", "someone", TRUNK);
    let shed = bench.ask(TRUNK, &fourth).unwrap();
    assert_eq!(shed.code, 503);
    assert!((5..15).contains(&shed.headers.get(HeaderName::RetryAfter).unwrap().parse::<u32>().unwrap()));
    bench.say(ToFront::Ended(record(&second)));
    bench.handle(Input::Overload { shard: 0, is_overloaded: true });
    bench.shards.clear();
    let other = bench.request("INVITE", "reception@", "someone", TRUNK);
    assert_eq!(bench.code(TRUNK, &other), 100);
    let Some((1, ToShard::New(other))) = bench.shards.pop() else { panic!("the other shard has room") };
    bench.say(ToFront::Ended(record(&other)));
    bench.handle(Input::Overload { shard: 1, is_overloaded: true });
    let fifth = bench.request("INVITE", "reception@", "someone", TRUNK);
    assert_eq!(bench.code(TRUNK, &fifth), 503);
    bench.shards.clear();
    let bye = inside(&mut bench, &request, Method::Bye, &first.local_tag);
    bench.ask(STRANGER, &bye);
    assert!(matches!(bench.shards.pop(), Some((_, ToShard::Leg { .. }))), "a BYE is always served");
    bench.handle(Input::Overload { shard: 0, is_overloaded: false });
    let sixth = bench.request("INVITE", "reception@", "someone", TRUNK);
    assert_eq!(bench.code(TRUNK, &sixth), 100);
    bench.handle(Input::Drain);
    let seventh = bench.request("INVITE", "reception@", "someone", TRUNK);
    assert_eq!(bench.code(TRUNK, &seventh), 503);
}

#[test]
fn one_address_begins_only_so_many_calls_a_second() {
    let mut bench = Bench::with(Limits { calls_a_second: 20, calls_a_stranger: 1_000, ..Limits::default() });
    let mut begun = 0;
    for _ in 0..100 {
        let request = bench.request("INVITE", "reception@", "someone", STRANGER);
        begun += usize::from(bench.code(STRANGER, &request) == 100);
    }
    assert_eq!(begun, 20);
    bench.wait(Duration::from_secs(2));
    let request = bench.request("INVITE", "reception@", "someone", STRANGER);
    assert_eq!(bench.code(STRANGER, &request), 100);
}

#[test]
fn clashes_are_all_told_and_name_both_places() {
    let mut listing = crate::bench::listing();
    listing.connections.push(switchboard::Connection { name: name("alice2"), ..crate::bench::connection("alice", None) });
    listing.connections.push(switchboard::Connection { via: Some(name("gone")), ..crate::bench::connection("dora", None) });
    listing.numbers.push(listing.numbers[0].clone());
    listing.trunks.push(switchboard::Trunk { name: name("twin"), allow: vec!["44".to_owned()], ..listing.trunks[0].clone() });
    let told: Vec<String> = switchboard::Directory::new(listing).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "trunk twin: \"44\" is not a prefix such as +44",
            "trunk twin: the source 10.1.0.0/24 overlaps one of trunk acme",
            "connection alice2: the SIP user \"alice\" is taken by connection alice",
            "connection dora: there is no trunk gone",
            "number +15550100 is declared twice",
        ]
    );
}
