//! Stories of the file, of its readers and of differences.

use crate::{
    Answer, Broken, Bundle, Caller, Draft, End, FORMAT, Head, Heard, HttpReply, Input, Meeting, Parties, Plan, PlayerEnd, Said, Scope, Seen,
    Sound, Turn,
};
use flow::{FlowSet, JournalEntry, Place, World};
use notation::Source;
use proptest::prelude::*;
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use terms::{CallId, Name, Secret, UnixMs};

const FLOW: &str = "flow: door\nstart: in\nstates:\n  in: { collect: { prompt: Your PIN., max: 6, secret: true }, then: { ok: end, failed: end } }\n";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn entry(state: &str, asked: serde_json::Value, outcome: &str) -> JournalEntry {
    JournalEntry {
        place: Place { flow: "door".into(), state: state.into(), action: "menu".into() },
        effect: "menu keys 1".into(),
        asked: Some(asked),
        began: UnixMs(1_000_100),
        outcome: Some(outcome.into()),
        result: json!({}),
        failure: None,
        at: Some(UnixMs(1_002_000)),
        arm: Some(0),
        to: Some("end".into()),
    }
}

fn draft() -> Draft {
    let set = FlowSet::load(vec![Source::new("flows/door.yaml", FLOW)], &World::default()).unwrap();
    let turn = |ms: u64, input, seen: Vec<Heard>, said: Vec<Said>| Turn {
        at: Duration::from_millis(ms) + Duration::from_nanos(123),
        wall: 0,
        input,
        seen: seen.into_iter().map(|what| Seen { round: 0, what }).collect(),
        said,
    };
    let key = |key, secret| Heard::Key { leg: 0, key, way: "event".into(), secret };
    let http = HttpReply { status: 200, text: "{\"token\":\"Zebra-99\"}".into(), is_json: true, json: None };
    let turns = vec![
        turn(0, Input::Begin, vec![], vec![Said::Errand("sockets for leg 0".into())]),
        turn(1, Input::Sockets { leg: 0, address: "192.0.2.9:20000".parse().ok() }, vec![], vec![Said::Front("responds to 1\r\nSIP/2.0 200 OK\r\n\r\n".into())]),
        turn(500, Input::Media, vec![key('2', true), key('0', true), key('0', true), key('5', true), key('#', true), key('7', false)], vec![]),
        turn(900, Input::Answer { ticket: 3, answer: Answer::Http(Ok(http)) }, vec![], vec![]),
        turn(950, Input::Answer { ticket: 4, answer: Answer::Prompt(Ok(Sound { label: "say: 2005".into(), ms: 900 })) }, vec![Heard::Played { player: 1, leg: 0, end: PlayerEnd::Finished }], vec![]),
        turn(2_000, Input::Answer { ticket: 5, answer: Answer::Met(Meeting::Inside { room: 4, open: true }) }, vec![], vec![]),
    ];
    let parties = Parties {
        caller: Caller { number: "+15550101".into(), name: "Zoe".into() },
        caller_connection: None,
        connection: Some("door".into()),
        number: "door".into(),
        mailbox: None,
        started: UnixMs(1_000_000),
    };
    let plan = Plan {
        flow: "door".into(),
        parties,
        settings: BTreeMap::from([("door_pin".into(), "31337".into())]),
        secrets: BTreeMap::new(),
        realm: name("home"),
        connection: Some(name("door")),
        origin: "unknown".into(),
        length_max: Duration::from_secs(3_600),
        silence: Duration::from_secs(5),
        codecs: vec!["PCMU".into()],
        codecs_ranked: false,
        opus_complexity: 5,
        srtp: "off".into(),
        dtmf: "auto".into(),
        own_mailbox: None,
        mailboxes: vec![],
    };
    let head = Head {
        format: FORMAT,
        software: "callflow".into(),
        call: CallId::new(1_000_000, [7; 10]),
        began: UnixMs(1_000_000),
        version: set.version().to_owned(),
        seed: u64::MAX - 5,
        invite: "INVITE sip:door@h SIP/2.0\r\nAuthorization: Digest username=\"zoe\", response=\"0123456789abcdef\"\r\n\r\n".into(),
        transaction: 1,
        source: "UDP 192.0.2.1:5060 at 192.0.2.9:5060 0".into(),
        tag: "t".into(),
        contact: "sip:door@192.0.2.9".into(),
        plan,
    };
    let record = json!({ "status": 200, "ended_by": "the flow ended", "timeline": [{ "at_ms": 900, "what": "ringing number/2005" }] });
    let end = End { record, journal: vec![entry("in", json!({ "wait": "5s", "keys": ["1"] }), "1")], cut: false, trouble: None };
    let secrets = vec![("crm".into(), Secret::new("Zebra-99".into()))];
    Draft { head, turns, end, set, secrets, keyed: vec![Secret::new("2005".into())] }
}

fn sample() -> Bundle {
    draft().finish(42, None)
}

#[test]
fn what_was_written_is_read() {
    let bundle = sample();
    let text = bundle.write();
    assert_eq!(Bundle::read(&text), Ok(bundle.clone()));
    assert_eq!(text.lines().count(), bundle.turns.len() + 3, "a line each");
    assert!(text.starts_with("{\"head\":{\"format\":1,"), "{}", &text[..40]);
    assert_eq!(bundle.turns[2].at, Duration::from_nanos(500_000_123), "to the nanosecond");
}

#[test]
fn no_secret_is_in_it_and_what_is_equal_stays_equal() {
    let bundle = sample();
    let text = bundle.write();
    for secret in ["Zebra-99", "2005", "31337", "0123456789abcdef"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let keyed: String = bundle.turns[2].seen.iter().filter_map(|seen| if let Heard::Key { key, secret: true, .. } = &seen.what { Some(*key) } else { None }).collect();
    let number = keyed.trim_end_matches('#');
    assert_eq!((keyed.len(), keyed.ends_with('#')), (5, true), "keys that end an input stay");
    assert!(text.contains(&format!("ringing number/{number}")), "the timeline has the same stand-in");
    assert!(text.contains("\"key\":\"7\""), "what is no secret stays");
    let crm = bundle.head.plan.secrets.get("crm").unwrap();
    assert!(text.contains(&format!("{{\\\"token\\\":\\\"{crm}\\\"}}")), "a reply has the stand-in");
}

#[test]
fn flows_that_are_large_lie_beside() {
    let draft = draft();
    assert!(!draft.is_large());
    let flows = draft.flows(42);
    let bundle = draft.finish(42, Some("flows-1.json".into()));
    assert_eq!((bundle.flows.files.clone(), bundle.flows.beside.as_deref()), (None, Some("flows-1.json")));
    assert!(bundle.flows.load().is_none());
    assert_eq!(flows.load().unwrap().unwrap().names(), ["door"]);
    assert_eq!(Bundle::read(&bundle.write()), Ok(bundle));
}

#[test]
fn a_broken_file_is_told_with_its_line() {
    let text = sample().write();
    let lines: Vec<&str> = text.lines().collect();
    let with = |from: &str, to: &str| text.replacen(from, to, 1);
    let without_end = lines[..lines.len() - 1].join("\n");
    let swapped = [lines[0], lines[1], lines[4], lines[3]].join("\n");
    for (text, line, why) in [
        (String::new(), 1, "empty"),
        ("flow: door\n".into(), 1, "no call bundle"),
        ("{\"turn\":1}".into(), 1, "no call bundle"),
        (with("\"format\":1", "\"format\":99"), 1, "newer"),
        (with("\"realm\"", "\"relam\""), 1, "relam"),
        (lines[0].into(), 2, "ends here"),
        (without_end, lines.len(), "before the call does"),
        (swapped, 4, "earlier"),
        (with("\"at\":0.500000123", "\"at\":-1"), 5, "no time of a call"),
        (with("\"at\":0.500000123", "\"at\":1e300"), 5, "no time of a call"),
        ([lines[0], lines[0]].join("\n"), 2, "the flows belong here"),
        ([lines[0], lines[1], &"[".repeat(100_000)].join("\n"), 3, ""),
    ] {
        let broken: Broken = Bundle::read(&text).unwrap_err();
        assert!(broken.line == line && broken.why.contains(why), "{broken} is not line {line} {why:?}");
    }
}

#[test]
fn the_first_difference_is_named() {
    let was = sample().trace();
    let differs = |change: &dyn Fn(&mut crate::Trace), scope| {
        let mut is = was.clone();
        change(&mut is);
        was.first_difference(&is, scope).map(|found| (found.what.clone(), found.state.clone(), found.was.clone(), found.is.clone()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(differs(&|_| {}, Scope::Everything), None);
    let wait = |is: &mut crate::Trace| is.journal[0].asked = Some(json!({ "wait": "9s", "keys": ["1"] }));
    assert_eq!(differs(&wait, Scope::Flow), Some(("parameter wait".into(), some("in"), some("5s"), some("9s"))));
    let key = |is: &mut crate::Trace| is.journal[0].asked = Some(json!({ "wait": "5s", "keys": ["1", "2"] }));
    assert_eq!(differs(&key, Scope::Flow), Some(("parameter keys".into(), some("in"), some("[\"1\"]"), some("[\"1\",\"2\"]"))));
    let action = |is: &mut crate::Trace| is.journal[0].place.action = "say".into();
    assert_eq!(differs(&action, Scope::Flow), Some(("action".into(), some("in"), some("menu"), some("say"))));
    let state = |is: &mut crate::Trace| is.journal[0].place.state = "out".into();
    assert_eq!(differs(&state, Scope::Flow), Some(("state".into(), None, some("door/in"), some("door/out"))));
    let outcome = |is: &mut crate::Trace| is.journal[0].outcome = some("failed");
    assert_eq!(differs(&outcome, Scope::Flow), Some(("outcome".into(), some("in"), some("1"), some("failed"))));
    let shorter = |is: &mut crate::Trace| is.journal.clear();
    assert_eq!(differs(&shorter, Scope::Flow), Some(("state".into(), None, some("door/in: menu keys 1"), None)));
    let later = |is: &mut crate::Trace| is.journal[0].at = Some(UnixMs(1_002_001));
    assert_eq!(differs(&later, Scope::Flow), None, "its times are not the flow's");
    assert_eq!(differs(&later, Scope::Everything), Some(("end".into(), some("in"), some("2.000 s"), some("2.001 s"))));
    let silent = |is: &mut crate::Trace| is.said[1].1.clear();
    assert_eq!(differs(&silent, Scope::Everything), Some(("said".into(), None, some("responds to 1\r\nSIP/2.0 200 OK\r\n\r\n"), None)));
    let earliest = |is: &mut crate::Trace| {
        is.journal[0].outcome = some("failed");
        is.timeline[0].1.push('!');
    };
    let found = differs(&earliest, Scope::Everything).unwrap();
    assert_eq!((found.0.as_str(), found.3.unwrap().ends_with('!')), ("timeline", true), "0.9 s is before 2 s");
}

#[test]
fn the_call_is_told_in_order() {
    let told = sample().told();
    let words: Vec<&str> = told.iter().map(|line| line.what.as_str()).collect();
    assert!(words[0].starts_with("calls: INVITE"), "{words:?}");
    assert!(words.contains(&"presses a key in secret") && words.contains(&"presses 7") && words.contains(&"door/in: 1 → end"), "{words:?}");
    assert!(told.is_sorted_by_key(|line| Duration::from_secs_f64(line.at_s).as_millis()));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,400}") {
        let _ = Bundle::read(&text);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(at in 0_usize..6_000, by in proptest::sample::select(vec!["", "\"", "{", "}", "\n", "9", "-", "é", "null", "1e999"]), cut in 0_usize..40) {
        let mut text = sample().write();
        let from = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let to = (from..=(from + cut).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.replace_range(from..to, by);
        if let Ok(bundle) = Bundle::read(&text) {
            let _ = (bundle.told(), bundle.trace(), bundle.write());
        }
    }

    #[test]
    fn times_are_exact(ns in 0_u64..2_000_000_000_000_000) {
        let mut bundle = sample();
        bundle.turns = vec![Turn { at: Duration::from_nanos(ns), wall: -3, input: Input::Time, seen: vec![], said: vec![] }];
        prop_assert_eq!(Bundle::read(&bundle.write()), Ok(bundle));
    }
}
