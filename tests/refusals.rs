//! SIPp and our own phone against the exchange: plain calls, calls given up, refused, unanswered, repeated, by TCP.

use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::sipp::{self, By};
use phone::{Event, Handset, Loss, Manners, Protocol, Sound, Step, Wire, goertzel, tone_share};
use std::time::Duration;

#[test]
fn sipp_calls_and_hangs_up_by_udp_and_tcp() {
    let mut exchange = Exchange::start(&House::default());
    sipp::run("basic.xml", exchange.sip_port(), "reception", 20, By::Udp);
    sipp::run("basic.xml", exchange.sip_port(), "reception", 20, By::Tcp);
    exchange.must_be_quiet();
}

#[test]
fn sipp_loses_a_third_of_all_messages_and_all_calls_still_work() {
    let mut exchange = Exchange::start(&House::default());
    // A flow without end: with bad luck the 200 gets through only after many repetitions.
    sipp::run("lost.xml", exchange.sip_port(), "radio", 10, By::Udp);
    exchange.must_be_quiet();
}

#[test]
fn sipp_gives_up_while_it_rings_and_the_device_hears_of_it() {
    let mut exchange = Exchange::start(&House::default());
    let bob = exchange.device("bob", Manners::Ring);
    sipp::run("cancel.xml", exchange.sip_port(), "tobob", 1, By::Udp);
    bob.wait_for(s(5), |r| r.events.iter().any(|(_, e)| matches!(e, Event::Abandoned { .. }))).unwrap();
    exchange.must_be_quiet();
}

#[test]
fn sipp_meets_a_busy_a_declining_and_an_absent_callee() {
    let mut exchange = Exchange::start(&House::default());
    let bob = exchange.device("bob", Manners::Refuse { status: 486, after: ms(200) });
    sipp::run("refused_486.xml", exchange.sip_port(), "tobob", 1, By::Udp);
    must(&bob, Step::Behave(Manners::Refuse { status: 603, after: Duration::ZERO }));
    sipp::run("refused_603.xml", exchange.sip_port(), "tobob", 1, By::Udp);
    must(&bob, Step::Behave(Manners::Ring));
    sipp::run("refused_480.xml", exchange.sip_port(), "tobob", 1, By::Udp);
    bob.wait_for(s(5), |r| r.events.iter().any(|(_, e)| matches!(e, Event::Abandoned { .. }))).unwrap();
    must(&bob, Step::Unregister);
    sipp::run("refused_480.xml", exchange.sip_port(), "tobob", 1, By::Udp);
    exchange.must_be_quiet();
}

/// Each kind of message is lost three times on the way to or from the phone; the call comes about and ends all the same.
#[test]
fn every_message_of_a_call_may_be_lost_three_times() {
    let mut exchange = Exchange::start(&House::default());
    std::thread::scope(|scope| {
        // Two users, because one may have five devices at most.
        for (user, incoming, containing) in [
            ("alice", true, "CSeq: 1 INVITE"),
            ("bob", false, "INVITE sip"),
            ("alice", false, "ACK sip"),
            ("bob", true, "SIP/2.0 200"),
            ("alice", false, "BYE sip"),
            ("bob", false, "REGISTER sip"),
        ] {
            let exchange = &exchange;
            scope.spawn(move || {
                let losses = vec![Loss { incoming, containing: containing.into(), times: 3 }];
                let phone = Handset::start(Wire { losses, ..Wire::new(exchange.account(user)) }).unwrap();
                must(&phone, Step::Register { expires: 120 });
                must(&phone, Step::Dial(exchange.uri("reception")));
                must(&phone, Step::WaitAnswered { within: s(20) });
                must(&phone, Step::WaitTone { hz: Some(500.0), within: s(5) });
                must(&phone, Step::HangUp);
            });
        }
    });
    exchange.must_be_quiet();
}

#[test]
fn a_phone_by_tcp_hears_the_prompt_and_a_key_stops_it() {
    let mut exchange = Exchange::start(&House::default());
    let phone = Handset::start(Wire { protocol: Protocol::Tcp, ..Wire::new(exchange.account("alice")) }).unwrap();
    must(&phone, Step::Register { expires: 120 });
    must(&phone, Step::Dial(exchange.uri("reception")));
    must(&phone, Step::WaitAnswered { within: s(10) });
    must(&phone, Step::WaitTone { hz: Some(500.0), within: s(5) });
    must(&phone, Step::Press("2".into()));
    must(&phone, Step::WaitTone { hz: Some(640.0), within: s(3) });
    must(&phone, Step::HangUp);
    exchange.must_be_quiet();
}

/// A phone with the wrong password, one that nobody knows and one with an old hash: who gets in and who does not.
#[test]
fn registration_by_both_hashes_and_not_without_the_password() {
    let mut exchange = Exchange::start(&House::default());
    for md5_only in [false, true] {
        let phone = Handset::start(Wire { md5_only, ..Wire::new(exchange.account("alice")) }).unwrap();
        must(&phone, Step::Register { expires: 120 });
        exchange.wait_online("alice");
        must(&phone, Step::Unregister);
    }
    let mut refusals = Vec::new();
    for user in ["alice", "nobody-here"] {
        let mut account = exchange.account(user);
        account.password = terms::Secret::new("wrong".into());
        let phone = Handset::start(Wire::new(account)).unwrap();
        assert!(phone.step(Step::Register { expires: 120 }).is_err(), "{user} got in with a wrong password");
        let failed = phone.report().events.into_iter().find_map(|(_, e)| if let Event::RegisterFailed { status } = e { Some(status) } else { None });
        refusals.push(failed);
    }
    assert_eq!(refusals[0], refusals[1], "an unknown user and a wrong password must look alike");
    exchange.must_be_quiet();
}

/// Two phones through the bridge: tones both ways, hold and resume passed through, either side hangs up.
#[test]
fn a_bridge_carries_tones_both_ways_and_survives_a_hold() {
    let mut exchange = Exchange::start(&House::default());
    for called_hangs_up in [false, true] {
        let alice = exchange.device("alice", Manners::Answer { after: Duration::ZERO });
        let bob = exchange.device("bob", Manners::Answer { after: ms(300) });
        must(&alice, Step::Dial(exchange.uri("bob")));
        must(&alice, Step::WaitAnswered { within: s(10) });
        must(&bob, Step::WaitAnswered { within: s(5) });
        must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, s(1))));
        must(&bob, Step::SpeakOn(Sound::tone(700.0, -12.0, s(1))));
        must(&alice, Step::WaitTone { hz: Some(700.0), within: s(5) });
        must(&bob, Step::WaitTone { hz: Some(1_100.0), within: s(5) });
        must(&alice, Step::Press("5".into()));
        must(&bob, Step::WaitDigits { digits: "5".into(), within: s(5) });
        must(&alice, Step::Hold);
        must(&alice, Step::Wait(ms(800)));
        must(&alice, Step::Resume);
        must(&alice, Step::Wait(ms(1_000)));
        let heard = alice.report().heard;
        let tail = &heard[heard.len().saturating_sub(4_000)..];
        assert!(tone_share(tail, 700.0) > 0.8, "after the hold: 700 Hz at {:.0}", goertzel(tail, 700.0));
        let (ends, waits) = if called_hangs_up { (&bob, &alice) } else { (&alice, &bob) };
        must(ends, Step::HangUp);
        must(waits, Step::WaitHangUp { within: s(5) });
        exchange.must_be_quiet();
    }
}
