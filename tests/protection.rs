//! Protected media (SRTP by SDES) with phones nobody here wrote: PJSIP and baresip, optional and mandatory, both suites,
//! both as callers and as called; to each other, to a phone without it, through a hold; and who is refused.

use crate::peers::baresip::Baresip;
use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::pjsua::Pjsua;
use crate::peers::sound::best_share;
use phone::{Manners, Step};

const LONG: &str = "SRTP AES_CM_128_HMAC_SHA1_80";
const SHORT: &str = "SRTP AES_CM_128_HMAC_SHA1_32";

/// The records of so many calls, one a line; no key is in them or in the log.
#[track_caller]
fn records(exchange: &Exchange, calls: usize) -> String {
    let text = exchange.records_text(calls);
    assert!(!text.contains("inline:") && !exchange.log().contains("inline:"), "a key is shown");
    text
}

/// PJSIP calls baresip, then baresip calls PJSIP, which holds and resumes; both hear each other both times.
#[track_caller]
fn both_ways(house: &House, ways: &[&str], srtp: &str, expected: &[(&str, usize)]) {
    let mut exchange = Exchange::start(house);
    let mut bob = Baresip::start_protected("bob", exchange.sip(), 700.0, "PCMU/8000/1", srtp);
    exchange.wait_online("bob");
    let mut alice = Pjsua::start_with("alice", exchange.sip(), 1_100.0, ways);
    exchange.wait_online("alice");
    alice.command(&format!("call {}", exchange.uri("reception")));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(1_200));
    alice.command("press 1");
    bob.expect("CALL_ESTABLISHED", s(15));
    std::thread::park_timeout(ms(2_000));
    alice.command("hangup");
    bob.expect("CALL_CLOSED", s(10));
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    let first = bob.heard();
    assert!(best_share(&first, 1_100.0) > 0.9, "baresip did not hear PJSIP, which called it");
    alice.forget();
    bob.command("dial", &exchange.uri("alice"));
    bob.expect_again("CALL_ESTABLISHED", s(15));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(1_000));
    alice.command("hold");
    std::thread::park_timeout(ms(800));
    alice.command("resume");
    std::thread::park_timeout(ms(1_500));
    bob.command("hangup", "");
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    exchange.must_be_quiet();
    let (alice_heard, bob_heard) = (alice.finish(), bob.heard());
    let last = &alice_heard[alice_heard.len().saturating_sub(8_000)..];
    assert!(best_share(last, 700.0) > 0.9, "PJSIP did not hear baresip after the hold");
    assert!(best_share(&bob_heard, 1_100.0) > 0.9, "baresip did not hear PJSIP, which it called");
    let records = records(&exchange, 2);
    for (suite, times) in expected {
        assert!(records.matches(suite).count() >= *times, "{suite} {times} times in\n{records}");
    }
}

#[test]
fn pjsip_and_baresip_that_demand_protection_have_it() {
    let house = House { alice: "srtp: required", bob: "srtp: required", ..House::default() };
    both_ways(&house, &["srtp=mandatory"], "srtp-mand", &[(LONG, 4)]);
}

#[test]
fn a_protected_phone_of_the_short_suite_speaks_with_a_plain_one() {
    let house = House { alice: "srtp: required", ..House::default() };
    both_ways(&house, &["srtp=mandatory", "suite=AES_CM_128_HMAC_SHA1_32"], "", &[(SHORT, 2)]);
}

#[test]
fn phones_that_can_are_protected_where_it_is_optional() {
    let house = House { alice: "srtp: optional", bob: "srtp: optional", ..House::default() };
    both_ways(&house, &["srtp=optional"], "srtp", &[(LONG, 4)]);
}

#[test]
fn a11_who_cannot_be_protected_is_refused_and_told_why() {
    let house = House { alice: "srtp: required", ..House::default() };
    let mut exchange = Exchange::start(&house);
    // Our own phone speaks plain RTP alone.
    let alice = exchange.device("alice", Manners::Answer { after: ms(100) });
    must(&alice, Step::Dial(exchange.uri("radio")));
    let refused = alice.step(Step::WaitAnswered { within: s(10) }).expect_err("plain RTP is not taken");
    assert!(refused.to_string().contains("488"), "{refused}");
    // And is not called with it.
    let carol = exchange.device("carol", Manners::Ring);
    must(&carol, Step::Dial(exchange.uri("alice")));
    assert!(carol.step(Step::WaitAnswered { within: s(10) }).is_err(), "alice has no protection");
    // baresip demands it of who has it off.
    let mut bob = Baresip::start_protected("bob", exchange.sip(), 700.0, "PCMU/8000/1", "srtp-mand");
    exchange.wait_online("bob");
    bob.command("dial", &exchange.uri("radio"));
    bob.expect("CALL_CLOSED", s(10));
    exchange.must_be_quiet();
    let records = records(&exchange, 3);
    assert!(records.contains("RTP/AVP has no a=crypto, and srtp is required for this peer"), "{records}");
    assert!(records.contains("RTP/SAVP is offered, and srtp is off for this peer"), "{records}");
}
