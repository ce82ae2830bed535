//! A call never just goes silent: whatever fails, the rescue is reached; and when that fails too, the built-in words are.

use super::{Call, facts, load, load_all};
use crate::{CallFacts, End, FlowSet, Next, Outcome};
use serde_json::json;

fn without_mailbox() -> CallFacts {
    let mut facts = facts();
    facts.line.mailbox = None;
    facts
}

const APOLOGY: &str = "say \"We are sorry, something went wrong.\"";
const APOLOGY_AND_MESSAGE: &str = "say \"We are sorry, something went wrong. Please leave a message after the tone.\"";

/// Every way to fail in a state `a`, and what the timeline says of it.
fn failing() -> Vec<(FlowSet, &'static str)> {
    let flow = |rescue: &str, body: &str| {
        format!("start: a\n{rescue}vars: {{ n: {{ type: number }} }}\nstates:\n  a: {body}\n  r: {{ say: Rescued., then: end }}\n")
    };
    let one = |body: &str| flow("rescue: r\n", body);
    let with_script = |script: &str| load_all(&[("flows/test.yaml", &one("{ run: s, then: { x: end, else: end } }")), ("scripts/s.rhai", script)]);
    vec![
        (load(&one("{ say: \"${1 / 0}\", then: end }")), "Division by zero: 1 / 0"),
        (load(&one("{ say: \"${9223372036854775807 + 1}\", then: end }")), "Addition overflow: 9223372036854775807 + 1"),
        (load(&one("{ then: [{ if: caller.number, then: end }, end] }")), "an `if` is true or false, this one is \"+441632960001\""),
        (load(&one("{ pause: \"${caller.number}\", then: end }")), "pause: length: expected a duration from 1ms to 1h, such as 800ms, 5s or 2m, found \"+441632960001\""),
        (load(&one("{ set: { n: \"${caller.number}x\" }, then: end }")), "variable n: expected a whole number from -1000000000000 to 1000000000000, found \"+441632960001x\""),
        (load(&one("{ play: \"${line.id}.wav\", then: [{ if: open(line.id), then: end }, end] }")), ""),
        (with_script("fn main(line) { loop { } }"), "line 1: the script was stopped: after 40000 operations"),
        (with_script("fn main(line) {\n  throw \"no price\";\n}"), "line 2: no price"),
        (with_script("fn main(line) {\n  line.run(\"no\" + \"where\");\n}"), "there is no flow nowhere"),
        (with_script("fn main(line) {\n  line.pause(\"soon\" + 1);\n}"), "line 2: pause: length: expected a duration from 1ms to 1h, such as 800ms, 5s or 2m, found \"soon1\""),
    ]
}

#[test]
fn every_failure_in_a_call_takes_the_rescue_with_its_reason() {
    for (set, reason) in failing() {
        let call = Call::begin(&set, "test", facts());
        if reason.is_empty() {
            let call = call.then("done");
            assert_eq!(call.run.trouble(), Some("there are no hours named call-1"));
            assert_eq!(call.told[1], "say \"Rescued.\"");
            continue;
        }
        assert_eq!(call.run.trouble(), Some(reason));
        call.then("done").went(&["say \"Rescued.\" -> done", "Finished"]);
    }
}

#[test]
fn an_outcome_that_nobody_knows_and_an_effect_that_breaks_are_rescued() {
    let set = load("start: a\nrescue: r\nstates: { a: { menu: { keys: [\"1\"] }, then: { \"1\": end, failed: end } }, r: { say: Rescued., then: end } }");
    Call::begin(&set, "test", facts()).then("melted").then("done").went(&["menu keys 1 -> melted", "say \"Rescued.\" -> done", "Finished"]);
    Call::begin(&set, "test", facts()).fails("no socket").then("done").went(&["menu keys 1", "failure: no socket", "say \"Rescued.\" -> done", "Finished"]);
}

#[test]
fn a_failure_in_a_flow_that_is_run_takes_the_nearest_rescue() {
    let sub = ("flows/sub.yaml", "start: s\nstates: { s: { say: \"${1 / 0}\", then: { return: x } } }");
    let own = ("flows/own.yaml", "start: s\nrescue: o\nstates: { s: { say: \"${1 / 0}\", then: { return: x } }, o: { say: Own., then: { return: x } } }");
    let main = |of: &str| format!("start: a\nrescue: r\nstates: {{ a: {{ run: {of}, then: {{ x: b }} }}, b: {{ say: On., then: end }}, r: {{ say: Rescued., then: end }} }}");
    Call::begin(&load_all(&[("flows/test.yaml", &main("sub")), sub]), "test", facts()).then("done").went(&["say \"Rescued.\" -> done", "Finished"]);
    Call::begin(&load_all(&[("flows/test.yaml", &main("own")), own]), "test", facts()).then("done").then("done").went(&["say \"Own.\" -> done", "say \"On.\" -> done", "Finished"]);
}

#[test]
fn without_a_rescue_there_are_an_apology_and_the_mailbox_or_the_end() {
    let set = load("start: a\nstates: { a: { say: \"${1 / 0}\", then: end } }");
    let failed = "Failed(\"Division by zero: 1 / 0\")";
    Call::begin(&set, "test", facts()).then("done").then("saved").went(&[&format!("{APOLOGY_AND_MESSAGE} -> done"), "voicemail alice -> saved", failed]);
    let call = Call::begin(&set, "test", without_mailbox()).then("done");
    call.went(&[&format!("{APOLOGY} -> done"), failed]);
    assert!(matches!(&call.next, Some(Next::End(End::Failed(_)))), "hangs up: 480 when never answered");
}

#[test]
fn a_rescue_that_fails_itself_ends_in_the_built_in_words_whatever_breaks_there_too() {
    let set = load("start: a\nrescue: r\nstates: { a: { say: \"${1 / 0}\", then: end }, r: { say: \"${2 / 0}\", then: end } }");
    let call = Call::begin(&set, "test", facts());
    assert_eq!(call.run.trouble(), Some("Division by zero: 1 / 0"), "the first reason is the one that is told");
    call.fails("no voice").fails("no disk").went(&[
        APOLOGY_AND_MESSAGE,
        "failure: no voice",
        "voicemail alice",
        "failure: no disk",
        "Failed(\"no disk\")",
    ]);
    // A rescue that goes round without end is a failure of the rescue.
    let round = load("start: a\nrescue: r\nvars: { n: { type: number } }\nstates: { a: { say: \"${1 / 0}\", then: end }, r: { pause: 1s, then: [{ if: n > 1, then: end }, r] } }");
    let mut call = Call::begin(&round, "test", without_mailbox());
    for _ in 0..=crate::limits::STEPS {
        if !call.told.last().is_some_and(|told| told.starts_with("pause")) {
            break;
        }
        call = call.then("done");
    }
    assert_eq!(call.told.last().map(String::as_str), Some(APOLOGY));
}

#[test]
fn the_journal_keeps_the_reason_beside_the_state_that_failed() {
    let set = load("start: a\nrescue: r\nstates: { a: { collect: { secret: true }, then: { ok: b, failed: end } }, b: { pause: \"${result.digits}\", then: end }, r: { say: Rescued., then: end } }");
    let call = Call::begin(&set, "test", facts()).outcome(Outcome::with("ok", json!({ "digits": "998877" })));
    let reasons: Vec<_> = call.run.journal().iter().map(|entry| (entry.place.state.as_str(), entry.failure.as_deref())).collect();
    let reason = "pause: length: expected a duration from 1ms to 1h, such as 800ms, 5s or 2m, found \"(secret)\"";
    assert_eq!(reasons, [("a", None), ("b", Some(reason)), ("r", None)]);
}
