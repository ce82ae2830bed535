//! A caller is recorded, sent elsewhere, listens to a mailbox, and is never left in silence: over real sockets.

use crate::message::leave;
use crate::peers::endpoint::Endpoint;
use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::pjsua::Pjsua;
use crate::peers::process::wait_for;
use crate::peers::sound::best_share;
use phone::{Manners, Sound, Step};
use std::net::TcpListener;

/// The samples of a stereo WAV file, left and right.
fn sides(file: &[u8]) -> (Vec<i16>, Vec<i16>) {
    let mut wav = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
    assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.spec().bits_per_sample), (2, 8_000, 16));
    let all: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).collect();
    (all.iter().step_by(2).copied().collect(), all.iter().skip(1).step_by(2).copied().collect())
}

#[test]
fn a_whole_call_is_recorded_in_stereo_told_of_and_downloaded() {
    let endpoint = Endpoint::start();
    let house = House::default();
    let taped = format!("flow: taped\nstart: tape\nstates:\n  tape: {{ record_call: {{ do: start, stereo: true, notify: {{ url: \"{}\" }} }}, then: {{ done: bob, failed: end }} }}\n  bob: {{ bridge: {{ to: connection/bob }}, then: end }}\n", endpoint.url());
    let mut exchange = Exchange::start_with(&house, &[("flows/taped.yaml", &taped)]);
    let bob = exchange.device("bob", Manners::Answer { after: ms(300) });
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("taped")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, s(1))));
    must(&bob, Step::SpeakOn(Sound::tone(700.0, -12.0, s(1))));
    must(&alice, Step::Wait(s(3)));
    must(&alice, Step::HangUp);
    let saved = endpoint.expect("recording.saved", s(20), |d| d.kind() == "recording.saved");
    let told = &saved.payload["data"]["recording"];
    assert_eq!((told["channels"].as_u64(), told["partial"].as_bool()), (Some(2), Some(false)), "{told:#}");
    let listed = exchange.get("/v1/recordings");
    assert_eq!(listed["recordings"][0]["id"], told["id"], "{listed:#}");
    let (status, file) = exchange.request("GET", &format!("/v1/recordings/{}/audio", told["id"].as_str().unwrap_or("")));
    assert_eq!(status, 200);
    let (left, right) = sides(&file);
    assert!(left.len() >= 8_000 * 25 / 10, "{} samples", left.len());
    assert!(best_share(&left, 1_100.0) > 0.9 && best_share(&left, 700.0) < 0.2, "the caller is left");
    assert!(best_share(&right, 700.0) > 0.9 && best_share(&right, 1_100.0) < 0.2, "whom the caller hears is right");
    exchange.must_be_quiet();
}

/// Whoever is met in a queue is in the recording, too; it is kept as Ogg Opus of two channels.
#[test]
fn a_talk_of_a_queue_is_recorded_as_ogg_opus() {
    let taped = "flow: taped\nstart: tape\nstates:\n  tape: { record_call: { stereo: true, format: opus }, then: { done: row, failed: end } }\n  row: { queue: { name: sales, agents: [connection/bob] }, then: end }\n";
    let mut exchange = Exchange::start_with(&House { shards: 2, ..House::default() }, &[("flows/taped.yaml", taped)]);
    let bob = exchange.device("bob", Manners::Answer { after: ms(300) });
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("taped")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&bob, Step::WaitAnswered { within: s(15) });
    must(&bob, Step::SpeakOn(Sound::tone(700.0, -12.0, s(5))));
    must(&alice, Step::WaitTone { hz: Some(700.0), within: s(10) });
    must(&alice, Step::HangUp);
    exchange.must_be_quiet();
    let file = wait_for("the recording as Ogg Opus", s(20), || {
        let listed = exchange.get("/v1/recordings");
        let id = listed["recordings"][0]["id"].as_str()?.to_owned();
        let (status, file) = exchange.request("GET", &format!("/v1/recordings/{id}/audio"));
        (status == 200 && file.starts_with(b"OggS")).then_some(file)
    });
    let head = file.windows(8).position(|part| part == b"OpusHead").unwrap();
    assert_eq!(file.get(head + 9), Some(&2), "channels");
}

#[test]
fn a_recording_of_a_call_outlives_the_power_cut() {
    let taped = "flow: taped\nstart: on\nstates:\n  on:\n    - answer: {}\n    - record_call: start\n    - pause: 60s\n      then: end\n";
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/taped.yaml", taped)]);
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("taped")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, s(1))));
    must(&alice, Step::Wait(s(4)));
    exchange.kill();
    exchange.restart();
    let listed = exchange.get("/v1/recordings");
    let kept = &listed["recordings"][0];
    assert_eq!(kept["partial"].as_bool(), Some(true), "{listed:#}");
    assert!(kept["duration_ms"].as_u64().is_some_and(|ms| (2_500..=4_500).contains(&ms)), "{listed:#}");
}

#[test]
fn pjsip_is_sent_to_bob_by_refer_and_calls_him() {
    let away = "flow: away\nstart: away\nstates:\n  away: { refer: { to: connection/bob, timeout: 20s }, then: end }\n";
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/away.yaml", away)]);
    let bob = exchange.device("bob", Manners::Answer { after: ms(500) });
    let mut alice = Pjsua::start("alice", exchange.sip(), 1_100.0);
    exchange.wait_online("alice");
    alice.command(&format!("call {}", exchange.uri("away")));
    alice.expect("the REFER", s(10), |e| e["event"] == "referred");
    must(&bob, Step::WaitIncoming { within: s(10) });
    must(&bob, Step::WaitAnswered { within: s(10) });
    alice.expect("the end of the call that sent it away", s(10), |e| e["state"] == "DISCONNECTED");
    assert_eq!(exchange.get("/v1/calls")["calls"].as_array().map(Vec::len), Some(1), "only the new call stands");
    must(&bob, Step::HangUp);
    exchange.must_be_quiet();
    alice.finish();
}

#[test]
fn an_owner_listens_with_the_pin_and_deletes_and_the_endpoint_is_told() {
    let endpoint = Endpoint::start();
    let mut exchange = Exchange::start(&House { webhook: Some(endpoint.url()), ..House::default() });
    let alice = exchange.device("alice", Manners::Ring);
    leave(&exchange, &alice, Sound::tone(300.0, -12.0, s(4)));
    must(&alice, Step::HangUp);
    endpoint.expect("voicemail.saved", s(20), |d| d.kind() == "voicemail.saved");
    let carol = exchange.device("carol", Manners::Ring);
    must(&carol, Step::Dial(exchange.uri("listen")));
    must(&carol, Step::WaitAnswered { within: s(10) });
    must(&carol, Step::WaitSpeech { heard: s(1), within: s(15) });
    must(&carol, Step::Press("9380417#".into()));
    must(&carol, Step::WaitTone { hz: Some(300.0), within: s(40) });
    must(&carol, Step::Press("3".into()));
    endpoint.expect("voicemail.deleted", s(20), |d| d.kind() == "voicemail.deleted");
    must(&carol, Step::WaitSpeech { heard: ms(500), within: s(15) });
    must(&carol, Step::Press("*".into()));
    must(&carol, Step::WaitHangUp { within: s(15) });
    assert_eq!(exchange.messages().len(), 0);
    assert!(!exchange.log().contains("9380417"), "a PIN is in the log");
    exchange.must_be_quiet();
}

#[test]
fn a_caller_is_never_silent_while_a_web_server_hangs() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!(
        "flow: slow\nstart: in\nstates:\n  in: {{ answer: {{}}, then: ask }}\n  ask: {{ http: {{ get: \"http://{}/\", timeout: 12s }}, then: {{ ok: end, failed: bye }} }}\n  bye: {{ say: Goodbye., then: end }}\n",
        deaf.local_addr().unwrap()
    );
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/slow.yaml", &slow)]);
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("slow")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::WaitHangUp { within: s(30) });
    let silence = alice.report().longest_silence;
    assert!(silence > s(4) && silence < ms(5_500), "{silence:?} of silence");
    let records = exchange.records_text(1);
    assert!(records.contains("nothing to hear for 5s while http is waiting"), "{records}");
    exchange.must_be_quiet();
}
