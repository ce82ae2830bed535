//! Which codec is spoken with whom, under which numbers and in packets of which length: what a connection may speak decides in
//! both directions, and nothing is transcoded that need not be. With PJSIP and baresip, and with telephones written by hand.

use crate::peers::bare::{Bare, Packet, formats};
use crate::peers::baresip::Baresip;
use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::pjsua::Pjsua;
use phone::{Manners, Step};
use serde_json::Value;

const EVENTS: &str = "a=rtpmap:99 telephone-event/8000\r\n";
const OPUS: &str = "a=rtpmap:107 opus/48000/2\r\na=fmtp:107 stereo=1; sprop-stereo=1; usedtx=1\r\n";

fn lines_of(record: &Value) -> Vec<&str> {
    record["timeline"].as_array().unwrap().iter().filter_map(|line| line["what"].as_str()).collect()
}

/// Payloads that are all different: opus says 20 ms in its first byte, the rest is nobody's business.
fn payloads(first: u8, length: usize) -> Vec<Vec<u8>> {
    (0..25_u8).map(|at| (0..length).map(|byte| if byte == 0 { first } else { at.wrapping_mul(7).wrapping_add(byte as u8) }).collect()).collect()
}

#[test]
fn phones_that_offer_many_codecs_are_answered_by_the_order_of_their_connection() {
    let mut exchange = Exchange::start(&House { alice: "codecs: [gsm, g722, pcma]", bob: "codecs: [opus, g722, pcmu]", ..House::default() });
    // PJSIP lists PCMU before GSM; baresip has its own order here.
    let mut alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    alice.command(&format!("call {}", exchange.uri("radio")));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(800));
    alice.command("hangup");
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    let mut bob = Baresip::start_with("bob", exchange.sip(), 700.0, "opus/48000/2,pcmu,pcma,g722");
    exchange.wait_online("bob");
    bob.command("dial", &exchange.uri("radio"));
    bob.expect("CALL_ESTABLISHED", s(15));
    std::thread::park_timeout(ms(800));
    bob.command("hangup", "");
    exchange.must_be_quiet();
    let spoken: Vec<Value> = exchange.records(2).iter().map(|record| record["media"][0]["codec_sent"].clone()).collect();
    assert_eq!(spoken, ["GSM", "opus"]);
    // Every order, told by the answer itself; numbers are the offerer's, and events go with the clock of the codec.
    let offered = "107 0 8 9 3 99 98";
    let maps = format!("{OPUS}{EVENTS}a=rtpmap:98 telephone-event/48000\r\n");
    for (user, answered) in [("alice", "3 99"), ("bob", "107 98")] {
        let mut bare = Bare::new(user, exchange.sip());
        let (status, answer, _) = bare.call(&exchange.uri("radio"), &bare.describe(offered, &maps));
        assert_eq!((status, formats(&answer).as_str()), (200, answered), "{answer}");
        bare.hang_up();
    }
    // Nobody wrote an order down for this one: the telephone's own counts, but for what sounds worse than all else.
    let mut carol = Bare::new("carol", exchange.sip());
    for (offered, answered) in [("107 0 9 99 98", "107 98"), ("3 9 0 99", "9 99"), ("3 99", "3 99")] {
        let (status, answer, _) = carol.call(&exchange.uri("radio"), &carol.describe(offered, &maps));
        assert_eq!((status, formats(&answer).as_str()), (200, answered), "{answer}");
        carol.hang_up();
    }
    exchange.must_be_quiet();
}

#[test]
fn a_connection_of_one_codec_refuses_all_others_and_says_why() {
    let mut exchange = Exchange::start(&House { alice: "codecs: g722", bob: "codecs: opus", ..House::default() });
    let mut alice = Pjsua::start_with("alice", exchange.sip(), 1_100.0, &["codec=PCMU/8000/1"]);
    alice.command(&format!("call {}", exchange.uri("radio")));
    alice.expect("the refusal", s(10), |e| e["state"] == "DISCONNECTED" && e["status"] == 488);
    let mut bob = Baresip::start_with("bob", exchange.sip(), 700.0, "pcmu,pcma");
    exchange.wait_online("bob");
    bob.command("dial", &exchange.uri("radio"));
    bob.expect("CALL_CLOSED", s(10));
    let mut bare = Bare::new("alice", exchange.sip());
    let (status, _, warning) = bare.call(&exchange.uri("radio"), &bare.describe("107 18 99", &format!("{OPUS}{EVENTS}")));
    assert_eq!(status, 488);
    assert!(warning.contains("no common codec: it lists opus, 18; with this peer we speak G722"), "{warning}");
    // Who is called with what it may speak alone, and cannot, is not reached; and says so by itself.
    let caller = exchange.phone("guest", Manners::Ring);
    must(&caller, Step::Dial(exchange.uri("tobob")));
    assert!(caller.step(Step::WaitAnswered { within: s(10) }).is_err());
    exchange.must_be_quiet();
    let records = exchange.records(4);
    for (record, why) in records.iter().zip(["it lists PCMU; with this peer we speak G722", "it lists PCMU, PCMA; with this peer we speak opus", "it lists opus, 18; with this peer we speak G722"]) {
        let refused = format!("refused with 488: no acceptable audio: no common codec: {why}");
        assert_eq!((record["status"].as_u64(), lines_of(record).contains(&refused.as_str())), (Some(488), true), "{record:#}");
    }
    assert!(lines_of(&records[3]).iter().any(|line| line.starts_with("connection/bob: 488")), "{:#}", records[3]);
}

#[test]
fn who_is_called_is_offered_what_its_connection_permits_in_its_order_and_what_the_caller_speaks_first() {
    let mut exchange = Exchange::start(&House { bob: "codecs: [g722, gsm, pcma]", ..House::default() });
    let mut bob = Bare::registered("bob", exchange.sip());
    // What the caller offers, what bob is offered, what bob takes, and what the caller is answered then.
    let cases = [
        ("0 99", "9 3 8 101", "9", "0 99"),
        ("0 8 99", "8 9 3 101", "8", "8 99"),
        ("0 3 8 9 99", "9 3 8 101", "9", "9 99"),
        ("0 3 8 9 99", "9 3 8 101", "3", "3 99"),
    ];
    for (offered, seen, taken, answered) in cases {
        let mut caller = Bare::new("guest", exchange.sip());
        let description = caller.describe(offered, EVENTS);
        let uri = exchange.uri("tobob");
        let (offer, answer) = std::thread::scope(|scope| {
            let called = scope.spawn(|| bob.take(|bob, _| bob.describe(taken, "")));
            let (status, answer, _) = caller.call(&uri, &description);
            assert_eq!(status, 200);
            (called.join().unwrap(), answer)
        });
        assert_eq!((formats(&offer).as_str(), formats(&answer).as_str()), (seen, answered), "{offered}: {offer}");
        // A hold and its end change no codec.
        let again = caller.reoffer(&caller.describe(offered, &format!("{EVENTS}a=sendonly\r\n")));
        assert_eq!(formats(&again), answered, "{again}");
        // Bob hears music meanwhile, in his codec: more than the packets that keep the way open, and no silence.
        bob.forget();
        let music = bob.hear(25, |packet| packet.payload.len() > 30 && packet.payload.iter().any(|byte| *byte != packet.payload[0]));
        assert!(music.iter().all(|packet| packet.payload_type == taken.parse::<u8>().unwrap()), "{music:?}");
        let back = caller.reoffer(&caller.describe(offered, EVENTS));
        assert_eq!(formats(&back), answered, "{back}");
        caller.hang_up();
        bob.wait_end();
    }
    exchange.must_be_quiet();
}

/// The numbers are different on both sides and in both directions; every byte arrives as it was sent.
#[test]
fn like_legs_pass_bytes_on_under_the_numbers_of_each_side() {
    let mut exchange = Exchange::start(&House { bob: "codecs: [opus, g722, pcmu]", ..House::default() });
    let mut bob = Bare::registered("bob", exchange.sip());
    let mut alice = Bare::new("alice", exchange.sip());
    let description = alice.describe("107 99", &format!("{OPUS}a=rtpmap:99 telephone-event/48000\r\n"));
    let (uri, answer_of_bob) = (exchange.uri("tobob"), "a=rtpmap:98 opus/48000/2\r\na=rtpmap:103 telephone-event/48000\r\n");
    let (to_bob, to_alice) = std::thread::scope(|scope| {
        let called = scope.spawn(|| bob.take(|bob, _| bob.describe("98 103", answer_of_bob)));
        let (_, answer, _) = alice.call(&uri, &description);
        (called.join().unwrap(), answer)
    });
    assert_eq!(formats(&to_alice), "107 99");
    assert!(to_bob.contains("a=rtpmap:96 opus/48000/2\r\n") && to_bob.contains("a=rtpmap:102 telephone-event/48000\r\n"), "{to_bob}");
    let sent = payloads(0x08, 40);
    let is_sound = |number: u8| move |packet: &Packet| packet.payload_type == number && packet.payload.len() == 40;
    let bytes = |heard: Vec<Packet>| heard.into_iter().map(|packet| packet.payload).collect::<Vec<_>>();
    alice.speak(&to_alice, 107, 960, &sent);
    let heard = bob.hear(25, is_sound(98));
    assert!(heard.windows(2).all(|two| two[1].timestamp.wrapping_sub(two[0].timestamp) == 960), "{heard:?}");
    assert_eq!(bytes(heard), sent, "alice's bytes, under bob's number");
    // Bob sends under our number, as he should, and then under his own, as some do.
    for number in [96, 98] {
        bob.speak(&to_bob, number, 960, &sent);
        assert_eq!(bytes(alice.hear(25, is_sound(107))), sent, "bob's bytes by {number}");
    }
    let is_key = |number: u8, key: u8| move |packet: &Packet| packet.payload_type == number && packet.payload.len() == 4 && packet.payload[0] == key && packet.payload[1] & 0x80 != 0;
    alice.press(&to_alice, 99, 5, 960);
    bob.hear(1, is_key(103, 5));
    for (number, key) in [(102, 7), (103, 8)] {
        bob.press(&to_bob, number, key, 960);
        alice.hear(1, is_key(99, key));
    }
    alice.hang_up();
    bob.wait_end();
    exchange.must_be_quiet();
    let record = exchange.records(1).remove(0);
    let keys = lines_of(&record).iter().filter(|line| line.ends_with(": a key by telephone event")).count();
    assert_eq!((record["media"][0]["codec_sent"].as_str(), record["media"][1]["codec_sent"].as_str(), keys), (Some("opus"), Some("opus"), 3), "{record:#}");
}

#[test]
fn unlike_legs_are_transcoded_and_keys_change_their_clock() {
    let mut exchange = Exchange::start(&House { bob: "codecs: opus", ..House::default() });
    let mut bob = Bare::registered("bob", exchange.sip());
    let mut alice = Bare::new("alice", exchange.sip());
    let (uri, description) = (exchange.uri("tobob"), alice.describe("0 99", EVENTS));
    let (to_bob, to_alice) = std::thread::scope(|scope| {
        let called = scope.spawn(|| bob.take(|bob, _| bob.describe("98 103", "a=rtpmap:98 opus/48000/2\r\na=rtpmap:103 telephone-event/48000\r\n")));
        let (_, answer, _) = alice.call(&uri, &description);
        (called.join().unwrap(), answer)
    });
    assert_eq!(formats(&to_bob), "96 102", "{to_bob}");
    alice.speak(&to_alice, 0, 160, &payloads(0x20, 160));
    // What Opus makes of it says how long it lasts, and is no byte of what was sent.
    bob.hear(15, |packet| packet.payload_type == 98 && packet.payload.len() < 155 && packet.payload.len() > 3);
    bob.speak(&to_bob, 96, 960, &vec![vec![0x08, 0xff, 0xfe]; 25]);
    alice.hear(15, |packet| packet.payload_type == 0 && packet.payload.len() == 160);
    alice.press(&to_alice, 99, 5, 160);
    let key = bob.hear(1, |packet| packet.payload_type == 103 && packet.payload.len() == 4 && packet.payload[0] == 5 && packet.payload[1] & 0x80 != 0);
    let lasts = u16::from_be_bytes([key[0].payload[2], key[0].payload[3]]);
    assert!(lasts >= 5 * 960, "{lasts} units of 48000 a second");
    alice.hang_up();
    bob.wait_end();
    exchange.must_be_quiet();
}

#[test]
fn packets_are_as_long_as_the_far_end_asks() {
    let mut exchange = Exchange::start(&House { bob: "codecs: [pcma, opus]", ..House::default() });
    let mut bare = Bare::new("guest", exchange.sip());
    for (number, bytes_a_ms) in [(0_u8, 8_usize), (9, 8)] {
        for wish in [10_usize, 20, 30, 40, 60] {
            let description = bare.describe(&format!("{number} 99"), &format!("{EVENTS}a=ptime:{wish}\r\n"));
            let (_, answer, _) = bare.call(&exchange.uri("radio"), &description);
            assert_eq!(formats(&answer), format!("{number} 99"));
            let heard = bare.hear(12, |packet| packet.payload_type == number);
            let steps: Vec<u32> = heard.windows(2).map(|two| two[1].timestamp.wrapping_sub(two[0].timestamp)).collect();
            assert!(heard.iter().all(|packet| packet.payload.len() == wish * bytes_a_ms), "{number} at {wish}: {:?}", heard.iter().map(|packet| packet.payload.len()).collect::<Vec<_>>());
            assert!(steps.iter().all(|step| *step == wish as u32 * 8), "{number} at {wish}: {steps:?}");
            bare.hang_up();
            bare.forget();
        }
    }
    // Whole frames of 20 ms where the codec has them: GSM of 33 bytes, Opus by its timestamps.
    for (wish, frames) in [(10_usize, 1_usize), (20, 1), (30, 1), (40, 2), (60, 3)] {
        let (_, _, _) = bare.call(&exchange.uri("radio"), &bare.describe("3", &format!("a=ptime:{wish}\r\n")));
        assert!(bare.hear(8, |packet| packet.payload_type == 3).iter().all(|packet| packet.payload.len() == 33 * frames), "GSM at {wish}");
        bare.hang_up();
        bare.forget();
        let (_, _, _) = bare.call(&exchange.uri("radio"), &bare.describe("107", &format!("{OPUS}a=ptime:{wish}\r\n")));
        // Its first frames may be of several kinds, which no packet joins.
        let heard = bare.hear(20, |packet| packet.payload_type == 107);
        let usual = heard.windows(2).filter(|two| two[1].timestamp.wrapping_sub(two[0].timestamp) == 960 * frames as u32).count();
        assert!(usual >= 14, "Opus at {wish}: {:?}", heard.iter().map(|packet| packet.timestamp).collect::<Vec<_>>());
        bare.hang_up();
        bare.forget();
    }
    // Through a bridge each side is asked for what the other wishes to hear.
    let mut bob = Bare::registered("bob", exchange.sip());
    let description = bare.describe("8", "a=ptime:30\r\n");
    let uri = exchange.uri("tobob");
    let (offer, answer) = std::thread::scope(|scope| {
        let called = scope.spawn(|| bob.take(|bob, _| bob.describe("8", "a=ptime:40\r\n")));
        let (_, answer, _) = bare.call(&uri, &description);
        (called.join().unwrap(), answer)
    });
    assert!(offer.contains("a=ptime:30\r\n"), "{offer}");
    assert!(answer.contains("a=ptime:40\r\n"), "{answer}");
    bare.hang_up();
    bob.wait_end();
    exchange.must_be_quiet();
}
