//! Strangers at media ports on the real wire (RELIABILITY M1 to M5, X4): a third host sprays at every one from before the first call to
//! after the last one; at protected calls; with what is not spoken there; and who was a peer once and goes on.

use crate::peers::bare::{Bare, port_of};
use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::process::wait_for;
use crate::peers::pjsua::Pjsua;
use crate::peers::sound::best_share_within;
use phone::{Manners, Sound, Step};
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Calls one after another.
const CALLS: usize = 5;

/// The window in which a tone is looked for, samples of 8 kHz.
const QUARTER_SECOND: usize = 2_000;

/// A host of its own: another address of the loopback network.
struct Sprayer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Sprayer {
    /// Every 20 ms, at each pair of ports: loud sound, a key, and a report of four bytes.
    fn start(ports: Range<u16>) -> Self {
        let socket = UdpSocket::bind("127.0.0.66:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut sent, mut received) = (0, 0);
            for sequence in 0_u16.. {
                for port in ports.clone().step_by(2) {
                    let header = |payload_type: u8| {
                        let timestamp = u32::from(sequence) * 160;
                        let mut packet = vec![0x80, payload_type];
                        packet.extend(sequence.to_be_bytes());
                        packet.extend(timestamp.to_be_bytes());
                        packet.extend([0xde, 0xad, 0xbe, 0xef]);
                        packet
                    };
                    // µ-law at full scale, a rectangle of 2,000 Hz.
                    let sound: Vec<u8> = header(0).into_iter().chain((0..160).map(|at| if at % 4 < 2 { 0x00 } else { 0x80 })).collect();
                    let key: Vec<u8> = header(101).into_iter().chain([1, 0x8a, 3, 32]).collect();
                    for (to, packet) in [(port, &sound[..]), (port, &key[..]), (port + 1, &[0x80, 200, 0, 0][..])] {
                        sent += u64::from(socket.send_to(packet, ("127.0.0.1", to)).is_ok());
                    }
                }
                while socket.recv(&mut [0; 1_500]).is_ok() {
                    received += 1;
                }
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::park_timeout(Duration::from_millis(20));
            }
            (sent, received)
        });
        Self { stop, thread }
    }

    /// How many packets it sent, and how many came to it.
    fn finish(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[test]
fn m1_a_sprayer_at_every_port_gets_nothing_and_is_not_heard_recorded_or_obeyed() {
    let taped = "flow: taped\nstart: tape\nstates:\n  tape: { record_call: { do: start, stereo: true }, then: { done: bob, failed: end } }\n  bob: { bridge: { to: connection/bob }, then: end }\n";
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/taped.yaml", taped)]);
    let ports = exchange.media();
    // Ports are given in order, and rest after a call: these calls are among the first.
    let sprayer = Sprayer::start(ports.start..ports.start + 2 * 4 * CALLS as u16);
    let bob = exchange.device("bob", Manners::Answer { after: ms(300) });
    let alice = exchange.device("alice", Manners::Ring);
    for call in 1..=CALLS {
        must(&alice, Step::Dial(exchange.uri("taped")));
        must(&alice, Step::WaitAnswered { within: s(10) });
        must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, s(1))));
        must(&bob, Step::SpeakOn(Sound::tone(700.0, -12.0, s(1))));
        must(&alice, Step::Wait(ms(1_500)));
        // Silence and hold give it no chance either.
        must(&alice, Step::Hush);
        must(&alice, Step::Hold);
        must(&alice, Step::Wait(ms(400)));
        must(&alice, Step::Resume);
        must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, s(1))));
        must(&alice, Step::Wait(ms(600)));
        must(&alice, Step::HangUp);
        exchange.must_be_quiet();
        wait_for("the recording", s(20), || {
            exchange.get("/v1/recordings")["recordings"].as_array().filter(|recordings| recordings.len() == call).map(|_| ())
        });
    }
    let (sent, received) = sprayer.finish();
    assert!(sent > 5_000, "{sent} packets were sprayed");
    assert_eq!(received, 0, "of {sent} sprayed packets {received} were answered");
    for recording in exchange.get("/v1/recordings")["recordings"].as_array().unwrap() {
        let id = recording["id"].as_str().unwrap();
        let (status, file) = exchange.request("GET", &format!("/v1/recordings/{id}/audio"));
        assert_eq!(status, 200);
        let mut wav = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
        let all: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).collect();
        for (side, hz) in [(0, 1_100.0), (1, 700.0)] {
            let heard: Vec<i16> = all.iter().skip(side).step_by(2).copied().collect();
            assert!(best_share_within(&heard, hz, QUARTER_SECOND) > 0.9, "side {side} is who it should be");
            assert!(best_share_within(&heard, 2_000.0, QUARTER_SECOND) < 0.05, "the sprayer is recorded");
        }
    }
    let records = exchange.records_text(CALLS);
    assert!(!records.contains("a key by"), "a key of the sprayer was taken:\n{records}");
    assert!(!records.contains("its RTP comes from"), "a stream moved:\n{records}");
}

/// Packets that prove nothing, at a protected call: counted, and neither heard nor followed nor an end of it.
#[test]
fn m2_a_protected_call_goes_on_under_packets_that_prove_nothing() {
    let mut exchange = Exchange::start(&House { alice: "srtp: required", ..House::default() });
    let mut alice = Pjsua::start_with("alice", exchange.sip(), 1_100.0, &["srtp=mandatory"]);
    let ports = exchange.media();
    let sprayer = Sprayer::start(ports.start..ports.start + 8);
    alice.command(&format!("call {}", exchange.uri("reception")));
    alice.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
    std::thread::park_timeout(ms(2_500));
    // The menu still obeys, and a second prompt is heard.
    alice.command("press 2");
    std::thread::park_timeout(ms(1_500));
    alice.command("hangup");
    alice.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
    let (_, received) = sprayer.finish();
    assert_eq!(received, 0, "packets to the sprayer");
    exchange.must_be_quiet();
    let heard = alice.finish();
    assert!(best_share_within(&heard, 500.0, QUARTER_SECOND) > 0.9 && best_share_within(&heard, 640.0, QUARTER_SECOND) > 0.9, "both prompts were heard");
    let media = &exchange.records(1)[0]["media"][0];
    assert!(media["one_way"].is_null() && media["refused"]["unauthentic"].as_u64().is_some_and(|count| count > 100), "{media:#}");
}

/// DTLS (M3) and STUN (M4) are not spoken here: hellos and binding requests, of the peer itself and of others, whole, cut and
/// in thousands, are answered by nothing, and the sound goes on.
#[test]
fn m3_m4_hellos_and_binding_requests_are_answered_by_nothing() {
    let mut exchange = Exchange::start(&House::default());
    let mut peer = Bare::new("guest", exchange.sip());
    let (_, answer, _) = peer.call(&exchange.uri("radio"), &peer.describe("0", ""));
    let stranger = UdpSocket::bind("127.0.0.66:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    // RFC 6347 §4.1: a handshake record of DTLS 1.2 with a ClientHello of no cipher but NULL; and its first and last parts alone.
    let hello: Vec<u8> = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54, 1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0, 0, 1, 0]].concat();
    // RFC 8489 §5: a Binding request; with MESSAGE-INTEGRITY that proves nothing; with an attribute that says it is huge.
    let binding = |attributes: &[u8]| [&[0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42][..], &[9; 12], attributes].concat();
    let proof: Vec<u8> = [&[0, 8, 0, 20][..], &[5; 20]].concat();
    let thrown = [hello.clone(), hello[..13].to_vec(), hello[20..].to_vec(), binding(&[]), binding(&proof), binding(&[0, 6, 0xff, 0xff, 1])];
    let mut count = 0;
    for _ in 0..40 {
        // A hundred packets of sound come in two seconds; a few thousand of these meanwhile.
        for packet in thrown.iter().cycle().take(60) {
            peer.throw(&answer, packet);
            stranger.send_to(packet, ("127.0.0.1", port_of(&answer))).unwrap();
            count += 1;
        }
        let heard = peer.hear(2, |_| true);
        assert!(heard.iter().all(|packet| packet.payload_type == 0 && packet.payload.len() == 160), "{heard:?}");
    }
    assert!(stranger.recv(&mut [0; 100]).is_err(), "the stranger was answered");
    peer.hang_up();
    exchange.must_be_quiet();
    let media = &exchange.records(1)[0]["media"][0];
    let refused = &media["refused"];
    let counted = refused["malformed"].as_u64().unwrap_or(0) + refused["strangers"].as_u64().unwrap_or(0);
    assert!(counted > count && counted <= 2 * count, "{counted} of {}: {refused:#}", 2 * count);
    assert_eq!(media["packets_received"], 0, "{media:#}");
}

/// Who goes on sending after his call, to his old port and then to that of the call that is on: no later call has his port, and nothing
/// of his is in their recordings, though he sends from the same host as they do.
#[test]
fn m5_who_goes_on_sending_after_his_call_is_in_no_later_recording() {
    let taped = "flow: taped\nstart: on\nstates:\n  on:\n    - answer: {}\n    - record_call: start\n    - pause: 60s\n      then: end\n";
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/taped.yaml", taped)]);
    // The loudest that µ-law can say, and something soft.
    let (loud, soft) = (vec![vec![0x00; 160]; 25], vec![vec![0xe0; 160]; 25]);
    let mut old = Bare::new("guest", exchange.sip());
    let (_, his, _) = old.call(&exchange.uri("taped"), &old.describe("0", ""));
    old.speak(&his, 0, 160, &loud);
    old.hang_up();
    exchange.must_be_quiet();
    for call in 2..=4 {
        let mut new = Bare::new("guest", exchange.sip());
        let (_, theirs, _) = new.call(&exchange.uri("taped"), &new.describe("0", ""));
        assert_ne!(port_of(&his), port_of(&theirs), "call {call} has a port that should rest");
        std::thread::scope(|scope| {
            scope.spawn(|| new.speak(&theirs, 0, 160, &[&soft[..], &soft[..]].concat()));
            std::thread::park_timeout(ms(100));
            old.speak(&his, 0, 160, &loud[..10]);
            old.speak(&theirs, 0, 160, &loud);
        });
        new.hang_up();
        exchange.must_be_quiet();
        let listed = wait_for("the recording", s(20), || Some(exchange.get("/v1/recordings")["recordings"].clone()).filter(|all| all.as_array().map(Vec::len) == Some(call)));
        let peaks: Vec<u16> = listed.as_array().unwrap().iter().map(|recording| {
            let (_, file) = exchange.request("GET", &format!("/v1/recordings/{}/audio", recording["id"].as_str().unwrap()));
            let mut wav = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
            wav.samples::<i16>().map(|sample| sample.unwrap().unsigned_abs()).max().unwrap_or_default()
        }).collect();
        assert_eq!(peaks.iter().filter(|peak| **peak > 20_000).count(), 1, "the loud one is in his own recording alone: {peaks:?}");
        assert_eq!(peaks.iter().filter(|peak| (100..5_000).contains(*peak)).count(), call - 1, "{peaks:?}");
    }
}
