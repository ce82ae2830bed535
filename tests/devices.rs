//! The main story with phones nobody here wrote: PJSIP registers, calls the reception, hears the prompt, presses a key and
//! is bridged to baresip; what each of them heard is measured.

use crate::message::leave;
use crate::peers::baresip::Baresip;
use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::pjsua::Pjsua;
use crate::peers::sound::best_share;
use phone::{Manners, Step};

#[test]
fn pjsip_registers_hears_the_prompt_presses_1_and_talks_to_baresip() {
    let mut exchange = Exchange::start(&House::default());
    let mut bob = Baresip::start("bob", exchange.sip(), 700.0);
    exchange.wait_online("bob");
    let mut alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    exchange.wait_online("alice");
    alice.command(&format!("call {}", exchange.uri("reception")));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(1_200));
    alice.command("press 1");
    bob.expect("CALL_ESTABLISHED", s(15));
    std::thread::park_timeout(ms(3_000));
    alice.command("hangup");
    bob.expect("CALL_CLOSED", s(10));
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    exchange.must_be_quiet();
    let alice_heard = alice.finish();
    let bob_heard = bob.heard();
    assert!(best_share(&alice_heard[..8_000.min(alice_heard.len())], 500.0) > 0.9, "PJSIP did not hear the prompt of 500 Hz");
    assert!(best_share(&alice_heard, 700.0) > 0.9, "PJSIP did not hear baresip's 700 Hz");
    assert!(best_share(&bob_heard, 1_100.0) > 0.9, "baresip did not hear PJSIP's 1100 Hz");
}

#[test]
fn baresip_calls_pjsip_and_pjsip_holds_and_resumes() {
    let mut exchange = Exchange::start(&House::default());
    let alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    let mut alice = alice;
    let mut bob = Baresip::start("bob", exchange.sip(), 700.0);
    exchange.wait_online("bob");
    bob.command("dial", &exchange.uri("alice"));
    bob.expect("CALL_ESTABLISHED", s(15));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(1_000));
    alice.command("hold");
    std::thread::park_timeout(ms(1_000));
    alice.command("resume");
    std::thread::park_timeout(ms(1_500));
    bob.command("hangup", "");
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    exchange.must_be_quiet();
    let (alice_heard, bob_heard) = (alice.finish(), bob.heard());
    let last = &alice_heard[alice_heard.len().saturating_sub(8_000)..];
    assert!(best_share(last, 700.0) > 0.9, "PJSIP did not hear baresip after the hold");
    assert!(best_share(&bob_heard, 1_100.0) > 0.9, "baresip did not hear PJSIP");
}

#[test]
fn baresip_speaks_opus_with_the_exchange_and_with_a_phone_of_g711() {
    let mut exchange = Exchange::start(&House::default());
    let mut bob = Baresip::start_with("bob", exchange.sip(), 700.0, "opus/48000/2");
    exchange.wait_online("bob");
    let alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    exchange.wait_online("alice");
    // PJSIP has no Opus: the bridge transcodes both ways.
    bob.command("dial", &exchange.uri("alice"));
    bob.expect("CALL_ESTABLISHED", s(15));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(3_000));
    bob.command("hangup", "");
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    // A prompt, encoded as Opus.
    bob.command("dial", &exchange.uri("reception"));
    bob.expect_again("CALL_ESTABLISHED", s(15));
    std::thread::park_timeout(ms(1_500));
    bob.command("hangup", "");
    std::thread::park_timeout(ms(300));
    exchange.must_be_quiet();
    let (alice_heard, bob_heard) = (alice.finish(), bob.heard_narrowed());
    assert!(best_share(&alice_heard, 700.0) > 0.9, "PJSIP did not hear baresip's 700 Hz");
    assert!(best_share(&bob_heard[0], 1_100.0) > 0.9, "baresip did not hear PJSIP's 1100 Hz");
    assert!(best_share(&bob_heard[1], 500.0) > 0.9, "baresip did not hear the prompt of 500 Hz");
}

#[test]
fn keys_of_pjsip_by_info_and_as_tones_leave_a_conference() {
    let mut exchange = Exchange::start(&House { alice: "dtmf: inband", ..House::default() });
    let mut alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    for keys in ["info *", "tones *"] {
        alice.forget();
        alice.command(&format!("call {}", exchange.uri("board")));
        alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
        std::thread::park_timeout(ms(1_000));
        alice.command(keys);
        alice.expect("the end of its stay", s(10), |e| e["state"] == "DISCONNECTED");
    }
    exchange.must_be_quiet();
}

#[test]
fn keys_go_to_pjsip_and_from_it_by_info() {
    let mut exchange = Exchange::start(&House { bob: "dtmf: info", ..House::default() });
    let mut bob = Pjsua::start("bob", exchange.sip(), 1_100.0);
    let caller = exchange.phone("guest", Manners::Ring);
    must(&caller, Step::Dial(exchange.uri("tobob")));
    must(&caller, Step::WaitAnswered { within: s(10) });
    must(&caller, Step::WaitTone { hz: Some(1_100.0), within: s(10) });
    must(&caller, Step::Press("15#".to_owned()));
    for key in ["1", "5", "#"] {
        bob.expect("a key by INFO", s(5), |e| e["event"] == "digit" && e["digit"] == key);
    }
    bob.command("info 7");
    must(&caller, Step::WaitDigits { digits: "7".to_owned(), within: s(5) });
    must(&caller, Step::HangUp);
    bob.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    exchange.must_be_quiet();
}

#[test]
fn lamps_of_baresip_that_subscribes_and_of_pjsip_that_does_not_follow_the_mailbox() {
    let mut exchange = Exchange::start(&House::default());
    let asks = Baresip::start_with_lamp("carol", exchange.sip(), 700.0);
    let mut is_told = Pjsua::start("carol", exchange.sip(), 1_100.0);
    let said = |count: &'static str, any: &'static str| move |e: &serde_json::Value| {
        e["event"] == "lamp" && e["message"].as_str().is_some_and(|text| text.contains(count) && text.contains(any))
    };
    asks.expect_shown("Voice-Message: 0/0 (0/0)", 1, s(20));
    is_told.expect("the first word of its mailbox", s(10), said("Voice-Message: 0/0 (0/0)", "Messages-Waiting: no"));
    let alice = exchange.device("alice", Manners::Ring);
    leave(&exchange, &alice, phone::Sound::tone(300.0, -12.0, s(3)));
    must(&alice, Step::Press("#".into()));
    must(&alice, Step::WaitHangUp { within: s(20) });
    asks.expect_shown("Voice-Message: 1/0 (0/0)", 1, s(10));
    is_told.expect("word of a message", s(10), said("Voice-Message: 1/0 (0/0)", "Messages-Waiting: yes"));
    let (_, metrics) = exchange.request("GET", "/metrics");
    assert!(String::from_utf8_lossy(&metrics).contains("callflow_mailbox_subscriptions 1"), "baresip asked, PJSIP did not");
    let id = exchange.messages()[0]["id"].as_str().unwrap_or("").to_owned();
    is_told.forget();
    assert!((200..300).contains(&exchange.request("DELETE", &format!("/v1/messages/{id}")).0));
    asks.expect_shown("Voice-Message: 0/0 (0/0)", 2, s(10));
    is_told.expect("word of none", s(10), said("Voice-Message: 0/0 (0/0)", "Messages-Waiting: no"));
    exchange.must_be_quiet();
}
