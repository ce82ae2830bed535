//! RTP Bleed on the real wire (RELIABILITY M1, X4): a third host sprays at every media port from before the first call to after
//! the last one.

use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::process::wait_for;
use phone::{Manners, Sound, Step, tone_share};
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Calls one after another.
const CALLS: usize = 5;

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

/// The greatest share of a tone in any quarter second.
fn best_share(heard: &[i16], hz: f32) -> f32 {
    heard.windows(2_000).step_by(500).map(|part| tone_share(part, hz)).fold(0.0, f32::max)
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
            assert!(best_share(&heard, hz) > 0.9, "side {side} is who it should be");
            assert!(best_share(&heard, 2_000.0) < 0.05, "the sprayer is recorded");
        }
    }
    let records = std::fs::read_to_string(exchange.folder().path().join("data/calls.jsonl")).unwrap();
    assert!(!records.contains("a key by"), "a key of the sprayer was taken:\n{records}");
    assert!(!records.contains("its RTP comes from"), "a stream moved:\n{records}");
}
