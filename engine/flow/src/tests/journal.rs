//! What a run tells of itself, and the shape of a flow: for coverage, drawings, and calls that are run again.

use super::{Call, facts, load, load_script, play::office};
use crate::{Effect, FlowSet, JournalEntry, Next, Outcome, When};
use notation::Source;
use serde_json::json;

/// `state action -> outcome -> to (arm)` of each line.
fn lines(journal: &[JournalEntry]) -> Vec<String> {
    let line = |entry: &JournalEntry| {
        let outcome = entry.outcome.as_deref().unwrap_or("-");
        let to = entry.to.as_deref().unwrap_or("?");
        let arm = entry.arm.map_or("?".to_owned(), |arm| arm.to_string());
        format!("{}/{} {} -> {outcome} -> {to} ({arm})", entry.place.flow, entry.place.state, entry.place.action)
    };
    journal.iter().map(line).collect()
}

#[test]
fn the_journal_tells_each_state_its_outcome_and_the_arm_taken() {
    let set = office();
    let call = Call::begin(&set, "acme-main", facts()).outcome(Outcome::with("ok", json!({ "json": { "vip": false } })));
    let call = call.then("2").then("busy").then("saved").then("done");
    assert_eq!(
        lines(call.run.journal()),
        [
            "acme-main/lookup http -> ok -> gate (1)",
            "acme-main/gate  -> - -> welcome (0)",
            "acme-main/welcome menu -> 2 -> support (1)",
            "acme-main/support bridge -> busy -> message (1)",
            "acme-main/message voicemail -> saved -> goodbye (0)",
            "acme-main/goodbye say -> done -> end (0)",
        ]
    );
    let menu = &call.run.journal()[2];
    let asked = menu.asked.as_ref().unwrap();
    assert_eq!(asked["keys"], json!(["1", "2", "*"]));
    assert_eq!(asked["wait"], "5s");
    assert_eq!(asked["prompt"][0], json!({ "file": "welcome.wav" }));
    let bridge = call.run.journal()[3].asked.as_ref().unwrap();
    assert_eq!(bridge["to"]["targets"][1]["one"]["to"], "number/+442071838750");
    assert_eq!(bridge["to"]["ring"], "in_order");

    let text = serde_json::to_string(call.run.journal()).unwrap();
    let again: Vec<JournalEntry> = serde_json::from_str(&text).unwrap();
    assert_eq!(again, call.run.journal());
}

#[test]
fn flows_that_run_flows_and_failures_have_their_lines() {
    let main = Source::new("flows/main.yaml", "start: a\nstates: { a: { run: ask, then: { \"yes\": b, else: end } }, b: { pause: \"${caller.nothing}\", then: end } }".replace("caller.nothing", "line.id"));
    let ask = Source::new("flows/ask.yaml", "start: q\nstates: { q: { menu: { keys: [\"1\"] }, then: { \"1\": { return: \"yes\" }, else: { return: \"no\" } } } }");
    let set = FlowSet::load(vec![main, ask], &super::world()).unwrap_or_else(|faults| panic!("{}", super::show(&faults)));
    let call = Call::begin(&set, "main", facts()).then("1");
    assert_eq!(
        lines(call.run.journal()),
        [
            "main/a run -> yes -> b (0)",
            "ask/q menu -> 1 -> q.1 (0)",
            "ask/q.1 return -> - -> ? (?)",
            "main/b  -> - -> ? (?)",
            "rescue/sorry say -> - -> ? (?)",
        ]
    );
    let call = Call::begin(&set, "main", facts()).fails("no disk");
    let menu = &call.run.journal()[1];
    assert_eq!((menu.outcome.as_deref(), menu.failure.as_deref()), (Some("failed"), Some("no disk")));
}

#[test]
fn nothing_secret_is_in_a_journal() {
    let set = load(
        "start: pin\nvars: { kept: text }\nstates:\n  pin:\n    collect: { prompt: Your PIN, secret: true, max: 6 }\n    then: { ok: ask, failed: end }\n  ask:\n    set: { kept: \"${result.digits}\" }\n    http: { post: \"https://x.example/${secret.token}/${result.digits}\", headers: { Auth: \"${secret.token}\" }, body: { pin: \"${result.digits}\", n: 3 }, timeout: 1s }\n    then: { ok: tell, failed: end }\n  tell: { say: \"You typed ${kept}.\", then: end }",
    );
    let call = Call::begin(&set, "test", facts()).outcome(Outcome::with("ok", json!({ "digits": "481516" })));
    let Some(Next::Effect(Effect::Http(http))) = &call.next else { panic!("{:?}", call.next) };
    assert_eq!(http.url, "https://x.example/s3cr3t/481516", "the effect itself has it");
    let call = call.outcome(Outcome::with("ok", json!({ "text": "pin 481516 is right" })));
    let text = serde_json::to_string(call.run.journal()).unwrap();
    assert!(!text.contains("481516") && !text.contains("s3cr3t"), "{text}");
    assert_eq!(call.run.journal()[1].asked.as_ref().unwrap()["body"], json!({ "pin": "(secret)", "n": 3 }));
    assert_eq!(call.run.journal()[2].effect, "say \"You typed (secret).\"");
}

#[test]
fn an_outline_shows_every_state_its_outcomes_and_its_arms() {
    let set = office();
    let outline = set.outline("acme-main").unwrap();
    assert_eq!((outline.start.as_deref(), outline.rescue.as_deref(), outline.is_script), (Some("lookup"), Some("sorry"), false));
    let names: Vec<&str> = outline.states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names, ["lookup", "gate", "welcome", "sales", "support", "closed", "message", "goodbye", "sorry", "message.full"]);
    let state = |name: &str| outline.states.iter().find(|state| state.name == name).unwrap();

    let lookup = state("lookup");
    assert_eq!(lookup.about, "http \"https://crm.example/caller/${caller.number}\"".replace('"', ""));
    assert_eq!((lookup.span.line, lookup.span.column, &*lookup.path), (17, 5, "flows/office.yaml"));
    assert_eq!(lookup.outcomes, ["ok", "failed"]);
    let arms: Vec<_> = lookup.arms.iter().map(|arm| (arm.when.clone(), arm.condition.as_deref(), arm.to.as_deref())).collect();
    assert_eq!(
        arms,
        [
            (When::Outcome("ok".into()), Some("result.json.vip == true"), Some("sales")),
            (When::Outcome("ok".into()), None, Some("gate")),
            (When::Else, None, Some("gate")),
        ]
    );
    assert_eq!(state("welcome").outcomes, ["1", "2", "*", "failed"]);
    assert_eq!(state("support").outcomes, ["answered", "busy", "no_answer", "declined", "unreachable"], "nobody is asked to confirm");
    assert_eq!(state("support").sets, ["box"]);
    assert_eq!(state("message.full").inside.as_deref(), Some("message"));
    assert_eq!(state("goodbye").about, "say \"Thank you. Goodbye.\"");
    assert_eq!(set.outline("nowhere"), None);
}

#[test]
fn items_of_lists_lead_to_the_next_one() {
    let set = load("start: a\nstates:\n  a:\n    - say: One\n    - menu: { keys: [\"1\"] }\n      then: { failed: end }\n    - { say: Two, then: end }");
    let outline = set.outline("test").unwrap();
    let told: Vec<_> = outline.states.iter().map(|state| (state.name.as_str(), state.arms.iter().map(|arm| (arm.when.clone(), arm.to.as_deref())).collect::<Vec<_>>())).collect();
    assert_eq!(
        told,
        [
            ("a[0]", vec![(When::Next, Some("a[1]"))]),
            ("a[1]", vec![(When::Outcome("failed".into()), None), (When::Next, Some("a[2]"))]),
            ("a[2]", vec![(When::Always, None)]),
        ]
    );
}

#[test]
fn a_scripts_outline_names_the_calls_that_its_journal_names() {
    let set = load_script("fn main(line) {\n  let pick = line.menu(#{ keys: [\"1\", \"2\"], prompt: \"Press 1 or 2.\" });\n  if pick.key == \"1\" { line.say(\"One.\"); line.pause(\"1s\"); }\n  bye(line)\n}\nfn bye(line) {\n  line.say(\"Bye.\");\n}");
    let outline = set.outline("test").unwrap();
    let told: Vec<_> = outline.states.iter().map(|state| (state.name.as_str(), state.action, state.inside.as_deref(), state.outcomes.len(), state.about.as_str())).collect();
    assert_eq!(
        told,
        [
            ("line 2", "menu", Some("main"), 3, "menu 1, 2"),
            ("line 3", "say", Some("main"), 3, "say One."),
            ("line 3:47", "pause", Some("main"), 1, "pause 1s"),
            ("line 7", "say", Some("bye"), 3, "say Bye."),
        ]
    );
    let call = Call::begin(&set, "test", facts()).then("1").then("done").then("done").then("done");
    let places: Vec<_> = call.run.journal().iter().map(|entry| (entry.place.state.as_str(), &*entry.place.action)).collect();
    assert_eq!(places, [("line 2", "menu"), ("line 3", "say"), ("line 3:47", "pause"), ("line 7", "say")]);
}
