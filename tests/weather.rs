//! Phones behind a bad wire (RELIABILITY R10), and one whose sound never arrives. The short form runs always; the whole one, 50
//! calls and 5,000 digits, with `CALLFLOW_WHOLE=1`.

use crate::peers::endpoint::Endpoint;
use crate::peers::exchange::{Exchange, House, must, s, ms};
use crate::peers::lossy::{Lossy, Weather};
use crate::peers::process::{clock, wait_for};
use phone::{Account, Handset, Manners, Sound, Step, Wire};
use serde_json::Value;

/// The wire of R10.
const BAD: Weather =
    Weather { loss: 0.05, double: 0.01, overtaken: 0.02, delay: (ms(40), ms(15)), mute: false, open_for: None };
/// What a caller's voice is.
const VOICE_HZ: f32 = 500.0;
/// Digits that a call keys in at a time.
const ROW: usize = 50;

/// A phone that is nobody, behind a wire.
fn behind(exchange: &Exchange, wire: &Lossy, user: &str) -> Handset {
    let account = Account { server: wire.server, ..exchange.account(user) };
    Handset::start(Wire { manners: Manners::Ring, ..Wire::new(account) }).unwrap()
}

/// Digits of one row: every key, in an order of its own.
fn row(call: usize, at: usize) -> String {
    (0..ROW).map(|n| char::from(b'0' + ((n * 7 + call * 3 + at) % 10) as u8)).collect()
}

/// How many milliseconds a call's recording is longer than the call itself was, by its timeline, from its answer to its end.
fn surplus_ms(exchange: &Exchange, record: &Value) -> f64 {
    let lines = record["timeline"].as_array().unwrap();
    let at = |what: &str| lines.iter().find(|line| line["what"].as_str().is_some_and(|line| line.starts_with(what))).and_then(|line| line["at_ms"].as_f64());
    let (Some(answered), Some(ended)) = (at("answered the caller"), at("the caller: hung up")) else { panic!("{record:#}") };
    let call = record["id"].as_str().unwrap();
    let listed = wait_for("the recording", s(10), || {
        let listed = exchange.get(&format!("/v1/recordings?call={call}"))["recordings"].clone();
        (!listed[0].is_null()).then_some(listed)
    });
    assert_eq!((listed.as_array().map(Vec::len), listed[0]["partial"].as_bool()), (Some(1), Some(false)), "{listed:#}");
    let file = exchange.folder().path().join(format!("data/recordings/test/{}.wav", listed[0]["id"].as_str().unwrap()));
    let recorded = phone::read_wav(&file).unwrap();
    // Its last second is the caller's voice, as far as it came, and made up where it did not.
    let last = recorded.samples().rchunks(8_000).next().unwrap_or_default();
    let share = phone::tone_share(last, VOICE_HZ);
    assert!(share > 0.7, "{share} of the end of a recording is what was said");
    recorded.length().as_secs_f64() * 1_000.0 - (ended - answered)
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth telling")]
fn r10_calls_are_set_up_digits_arrive_and_recordings_are_whole_over_a_bad_wire() {
    let (calls, rows) = if std::env::var_os("CALLFLOW_WHOLE").is_some() { (50, 2) } else { (6, 1) };
    let endpoint = Endpoint::start();
    let keys = format!(
        "flow: keys\nstart: in\nstates:\n  in: {{ answer: {{}}, then: tape }}\n  tape: {{ record_call: {{ do: start, stereo: true }}, then: {{ done: ask, failed: end }} }}\n  ask: {{ collect: {{ min: {ROW}, max: {ROW}, finish: none, wait: 30s, between: 10s, attempts: 1 }}, then: {{ ok: tell, failed: end }} }}\n  tell: {{ notify: {{ url: \"{}\", event: keyed, body: {{ who: \"${{caller.number}}\", digits: \"${{result.digits}}\" }} }}, then: ask }}\n",
        endpoint.url()
    );
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/keys.yaml", &keys)]);
    let wires: Vec<Lossy> = (0..calls).map(|call| Lossy::start(exchange.sip(), BAD, call as u64 + 1)).collect();
    let took: Vec<std::time::Duration> = std::thread::scope(|scope| {
        let running: Vec<_> = wires
            .iter()
            .enumerate()
            .map(|(call, wire)| {
                let (exchange, endpoint) = (&exchange, &endpoint);
                scope.spawn(move || {
                    let who = format!("p{call}");
                    let phone = behind(exchange, wire, &who);
                    let began = clock();
                    must(&phone, Step::Dial(exchange.uri("keys")));
                    must(&phone, Step::WaitAnswered { within: s(16) });
                    let took = began.elapsed();
                    must(&phone, Step::SpeakOn(Sound::tone(VOICE_HZ, -12.0, s(1))));
                    for at in 0..rows {
                        must(&phone, Step::Press(row(call, at)));
                        endpoint.expect("the digits", s(30), |d| d.payload["data"]["who"] == who.as_str() && d.payload["data"]["digits"] == row(call, at).as_str());
                    }
                    must(&phone, Step::Wait(s(2)));
                    must(&phone, Step::HangUp);
                    took
                })
            })
            .collect();
        running.into_iter().map(|call| call.join().expect("a call over a bad wire")).collect()
    });
    let slow = took.iter().filter(|took| **took > s(4)).count();
    assert!(slow * 100 <= calls.max(100), "{slow} of {calls} calls took over 4 s: {took:?}");
    let told = endpoint.received().iter().filter(|d| d.kind() == "keyed").count();
    assert_eq!(told, calls * rows, "every row once, and nothing else");
    assert!(wires.iter().all(|wire| wire.lost() > 10), "the wire was as bad as it should be");
    let mut surplus = Vec::new();
    for record in exchange.records(calls) {
        surplus.push(surplus_ms(&exchange, &record));
        let media = &record["media"][0];
        let loss = media["loss"].as_f64().unwrap_or(1.0);
        assert!(loss > 0.01 && loss < 0.12, "{media:#}");
        assert!(media["jitter_ms"].as_f64().is_some_and(|jitter| jitter > 2.0), "{media:#}");
        assert!(media["mos"].as_f64().is_some_and(|mos| mos > 3.0 && mos < 4.3), "{media:#}");
        assert!(media["one_way"].is_null(), "{media:#}");
    }
    let (shortest, longest) = surplus.iter().fold((f64::MAX, f64::MIN), |(low, high), ms| (low.min(*ms), high.max(*ms)));
    let slowest = took.iter().max().unwrap();
    println!("{calls} calls over a bad wire: set up within {slowest:?}, {told} rows of {ROW} digits right, recordings {shortest:.0} to {longest:.0} ms longer than their calls");
    assert!(shortest >= -60.0 && longest <= 60.0, "{surplus:?}");
    exchange.must_be_quiet();
}

#[test]
fn a_phone_whose_sound_never_arrives_is_told_of_while_it_happens_and_in_the_record() {
    let mut exchange = Exchange::start(&House::default());
    let wire = Lossy::start(exchange.sip(), Weather { mute: true, ..Weather::FAIR }, 1);
    let phone = behind(&exchange, &wire, "mute");
    must(&phone, Step::Dial(exchange.uri("radio")));
    must(&phone, Step::WaitAnswered { within: s(10) });
    must(&phone, Step::SpeakOn(Sound::tone(440.0, -12.0, s(1))));
    let shown = wait_for("the reason in the list of calls", s(20), || {
        let call = exchange.get("/v1/calls")["calls"][0].clone();
        call["legs"][0]["one_way"].is_string().then_some(call)
    });
    let leg = &shown["legs"][0];
    assert!(leg["one_way"].as_str().is_some_and(|why| why.starts_with("nothing has come from it, while ")), "{shown:#}");
    assert_eq!((leg["codec"].as_str(), leg["state"].as_str(), leg["mos"].is_null()), (Some("PCMU"), Some("flowing"), true), "{shown:#}");
    must(&phone, Step::HangUp);
    let record = exchange.records(1).remove(0);
    let lines: Vec<&str> = record["timeline"].as_array().unwrap().iter().filter_map(|line| line["what"].as_str()).collect();
    assert!(lines.iter().any(|line| line.starts_with("leg 0: one-way audio: nothing has come from it")), "{lines:#?}");
    assert_eq!(record["media"][0]["one_way"], "nothing-came");
    assert!(record["quality"][0].as_str().is_some_and(|words| words.contains("One-way audio: nothing has come from it")), "{record:#}");
    let (_, metrics) = exchange.request("GET", "/metrics");
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(metrics.contains("callflow_leg_one_way_total{why=\"nothing-came\"} 1"), "{metrics}");
    exchange.must_be_quiet();
}

#[test]
fn a_phone_that_closes_its_port_is_told_of_in_words_and_its_call_goes_on() {
    let mut exchange = Exchange::start(&House::default());
    let wire = Lossy::start(exchange.sip(), Weather { open_for: Some(100), ..Weather::FAIR }, 1);
    let phone = behind(&exchange, &wire, "shut");
    must(&phone, Step::Dial(exchange.uri("radio")));
    must(&phone, Step::WaitAnswered { within: s(10) });
    must(&phone, Step::SpeakOn(Sound::tone(440.0, -12.0, s(1))));
    let shown = wait_for("the reason in the list of calls", s(25), || {
        let call = exchange.get("/v1/calls")["calls"][0].clone();
        call["legs"][0]["one_way"].is_string().then_some(call)
    });
    let leg = &shown["legs"][0];
    assert!(leg["one_way"].as_str().is_some_and(|why| why.starts_with("nobody listens at 127.0.0.1:")), "{shown:#}");
    assert_eq!(leg["state"].as_str(), Some("flowing"), "it ends no call: {shown:#}");
    must(&phone, Step::HangUp);
    let record = exchange.records(1).remove(0);
    let lines: Vec<&str> = record["timeline"].as_array().unwrap().iter().filter_map(|line| line["what"].as_str()).collect();
    let told = lines.iter().filter(|line| line.starts_with("leg 0: one-way audio: ")).count();
    assert_eq!(told, 1, "once, not for each packet: {lines:#?}");
    let media = &record["media"][0];
    assert_eq!(media["one_way"], "port-closed", "{media:#}");
    assert!(media["packets_received"].as_u64().is_some_and(|packets| packets > 20), "it was heard before: {media:#}");
    assert!(record["quality"][0].as_str().is_some_and(|words| words.contains("its host sends them back (ICMP port unreachable)")), "{record:#}");
    let (_, metrics) = exchange.request("GET", "/metrics");
    assert!(String::from_utf8_lossy(&metrics).contains("callflow_leg_one_way_total{why=\"port-closed\"} 1"));
    exchange.must_be_quiet();
}
