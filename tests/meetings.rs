//! Calls that meet, over real sockets and two shards: a conference of our own phones, a queue whose agent is baresip.

use crate::peers::baresip::Baresip;
use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::wait_for;
use phone::{Manners, Sound, Step, tone_share};
use std::time::Duration;

/// How long `welcome.wav` is.
const WELCOME: Duration = s(3);

/// The share of a tone in the last second of what was heard.
fn last_share(heard: &[i16], hz: f32) -> f32 {
    tone_share(&heard[heard.len().saturating_sub(8_000)..], hz)
}

#[test]
fn three_phones_in_a_conference_hear_each_other() {
    let mut exchange = Exchange::start(&House { shards: 2, ..House::default() });
    let tones = [600.0, 1_000.0, 1_500.0];
    let phones = tones.map(|_| exchange.phone("guest", Manners::Ring));
    for (phone, hz) in phones.iter().zip(tones) {
        must(phone, Step::Dial(exchange.uri("board")));
        must(phone, Step::WaitAnswered { within: s(10) });
        must(phone, Step::SpeakOn(Sound::tone(hz, -14.0, s(30))));
    }
    std::thread::park_timeout(s(3));
    for (phone, own) in phones.iter().zip(tones) {
        let heard = phone.report().heard;
        for hz in tones {
            let share = last_share(&heard, hz);
            // Two voices share the sound evenly.
            let good = if (hz - own).abs() < 1.0 { share < 0.02 } else { (0.3..0.7).contains(&share) };
            assert!(good, "the phone of {own} Hz hears {hz} Hz with a share of {share}\n{}", phone.timeline());
        }
    }
    let listed = exchange.get("/v1/conferences");
    assert_eq!((listed["conferences"][0]["room"].as_str(), listed["conferences"][0]["people"].as_array().map(Vec::len)), (Some("board"), Some(3)), "{listed:#}");
    assert!(exchange.log().contains("goes to another shard"), "three calls in two shards, and none was handed over\n{}", exchange.log());
    // One of them is muted by the API: nobody hears it from then on.
    let people = || exchange.get("/v1/conferences")["conferences"][0]["people"].clone();
    let call = people()[0]["call"].as_str().unwrap().to_owned();
    let path = format!("/v1/calls/{call}/conference");
    assert_eq!(exchange.ask_with("PATCH", &path, r#"{"muted": true, "hear_gain": -20}"#), 204);
    let shown = || people().as_array().unwrap().iter().any(|person| person["call"] == call.as_str() && person["muted"] == true && person["hear_gain"] == -20);
    wait_for("the list to say so", s(5), || shown().then_some(()));
    assert_eq!(exchange.ask_with("PATCH", &path, r#"{"hear_gain": 13}"#), 422);
    assert_eq!(exchange.ask_with("PATCH", "/v1/calls/018bcfe5-6800-7909-8909-000000000000/conference", r#"{"muted": true}"#), 404);
    std::thread::park_timeout(s(3));
    let silent: Vec<f32> = tones.into_iter().filter(|hz| phones.iter().all(|phone| last_share(&phone.report().heard, *hz) < 0.02)).collect();
    assert_eq!(silent.len(), 1, "one of three is heard by nobody, not {silent:?}");
    must(&phones[0], Step::Press("*".into()));
    must(&phones[0], Step::WaitHangUp { within: s(5) });
    for phone in &phones[1..] {
        must(phone, Step::HangUp);
    }
    exchange.must_be_quiet();
    assert_eq!(exchange.get("/v1/conferences")["conferences"].as_array().map(Vec::len), Some(0));
}

/// Both are spoken to by a prompt, then join the conference; the second is brought to the shard of the first while both speak on.
#[test]
fn who_is_brought_to_the_shard_of_a_conference_misses_nothing_and_is_not_missed() {
    let hall = "flow: hall\nstart: in\nstates:\n  in: { play: welcome.wav, then: board }\n  board: { conference: { room: board, beep: false }, then: end }\n";
    let mut exchange = Exchange::start_with(&House { shards: 2, ..House::default() }, &[("flows/hall.yaml", hall)]);
    let (tones, all) = ([600.0, 1_500.0], Duration::ZERO..Duration::MAX);
    let phones = tones.map(|_| exchange.phone("guest", Manners::Ring));
    for (phone, hz) in phones.iter().zip(tones) {
        must(phone, Step::Dial(exchange.uri("hall")));
        must(phone, Step::WaitAnswered { within: s(10) });
        must(phone, Step::SpeakOn(Sound::tone(hz, -14.0, s(30))));
    }
    for (phone, other) in phones.iter().zip([1_500.0, 600.0]) {
        must(phone, Step::WaitTone { hz: Some(other), within: s(15) });
    }
    std::thread::park_timeout(s(3));
    assert!(exchange.log().contains("goes to another shard"), "two calls in two shards, and none was handed over\n{}", exchange.log());
    for (phone, other) in phones.iter().zip([1_500.0, 600.0]) {
        let report = phone.report();
        let figures = report.stream.figures(all.clone());
        let is_whole = (figures.lost, figures.twice, figures.sources, figures.backwards) == (0, 0, 1, 0);
        // From the last second of the prompt to the second after it: how even the machine is at other times is not the question.
        let around = report.stream.figures(WELCOME - s(1)..WELCOME + s(1));
        let within = Duration::from_millis(40);
        assert!(is_whole && around.packets > 80 && around.longest_step <= within && around.longest_gap <= within, "{figures:?} {around:?}\n{}", phone.timeline());
        // The other's sound, in the second that begins with its first frame.
        let is_there: Vec<bool> = report.heard.chunks_exact(160).map(|frame| tone_share(frame, other) > 0.5).collect();
        let from = is_there.iter().position(|there| *there).expect("the other is heard");
        let missing = is_there[from..from + 50].iter().filter(|there| !**there).count();
        assert!(missing <= 1, "{missing} of 50 frames of the other are missing\n{}", phone.timeline());
    }
    for phone in &phones {
        must(phone, Step::HangUp);
    }
    exchange.must_be_quiet();
}

#[test]
fn a_queue_is_served_by_baresip() {
    let mut exchange = Exchange::start(&House { shards: 2, ..House::default() });
    let mut bob = Baresip::start("bob", exchange.sip(), 700.0);
    exchange.wait_online("bob");
    let caller = exchange.phone("guest", Manners::Ring);
    must(&caller, Step::Dial(exchange.uri("sales")));
    must(&caller, Step::WaitAnswered { within: s(10) });
    bob.expect("CALL_ESTABLISHED", s(15));
    must(&caller, Step::WaitTone { hz: Some(700.0), within: s(10) });
    bob.command("hangup", "");
    must(&caller, Step::WaitTone { hz: Some(820.0), within: s(10) });
    must(&caller, Step::WaitHangUp { within: s(10) });
    exchange.must_be_quiet();
}

#[test]
fn an_agent_dials_in_and_takes_the_next_caller() {
    let mut exchange = Exchange::start(&House { shards: 2, ..House::default() });
    let agent = exchange.phone("guest", Manners::Ring);
    must(&agent, Step::Dial(exchange.uri("agent")));
    must(&agent, Step::WaitAnswered { within: s(10) });
    must(&agent, Step::SpeakOn(Sound::tone(1_300.0, -14.0, s(30))));
    let listed = wait_for("the agent in the list of queues", s(10), || {
        let queues = exchange.get("/v1/queues")["queues"].clone();
        queues[0]["takers"].as_array().is_some_and(|takers| takers.len() == 1).then_some(queues)
    });
    assert_eq!((listed[0]["queue"].as_str(), listed[0]["callers"].as_array().map(Vec::len)), (Some("sales"), Some(0)), "{listed:#}");
    let caller = exchange.phone("guest", Manners::Ring);
    must(&caller, Step::Dial(exchange.uri("sales")));
    must(&caller, Step::WaitAnswered { within: s(10) });
    must(&caller, Step::SpeakOn(Sound::tone(900.0, -14.0, s(30))));
    must(&caller, Step::WaitTone { hz: Some(1_300.0), within: s(10) });
    must(&agent, Step::WaitTone { hz: Some(900.0), within: s(10) });
    must(&agent, Step::HangUp);
    must(&caller, Step::WaitTone { hz: Some(820.0), within: s(10) });
    must(&caller, Step::WaitHangUp { within: s(10) });
    exchange.must_be_quiet();
}
