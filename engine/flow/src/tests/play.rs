//! Calls through YAML flows.

use super::{Call, facts, load, origin};
use crate::{Destination, Effect, FlowSet, Next, Outcome, PromptItem, Run, Target};
use notation::Source;
use serde_json::json;

const OFFICE: &str = include_str!("office.yaml");

pub(super) fn office() -> FlowSet {
    let mut world = super::world();
    world.connections = None;
    world.trunks = None;
    FlowSet::load(vec![Source::new("flows/office.yaml", OFFICE)], &world).unwrap_or_else(|faults| panic!("{}", super::show(&faults)))
}

#[test]
fn a_caller_in_office_hours_presses_one_and_is_bridged() {
    let set = office();
    let call = Call::begin(&set, "acme-main", facts()).outcome(Outcome::with("ok", json!({ "status": 200, "json": { "vip": false } })));
    call.then("1").then("answered").went(&[
        "http GET https://crm.example/caller/+441632960001 -> ok",
        "menu keys 1 2 * -> 1",
        "bridge connection/alice connection/bob -> answered",
        "Finished",
    ]);
}

#[test]
fn a_web_server_that_says_nothing_is_never_noticed() {
    let set = office();
    let call = Call::begin(&set, "acme-main", facts()).then("failed").then("failed").then("saved");
    call.then("done").went(&[
        "http GET https://crm.example/caller/+441632960001 -> failed",
        "menu keys 1 2 * -> failed",
        "voicemail sales -> saved",
        "say \"Thank you. Goodbye.\" -> done",
        "Finished",
    ]);
}

#[test]
fn an_important_caller_skips_the_menu_and_support_has_its_own_mailbox() {
    let set = office();
    let vip = Call::begin(&set, "acme-main", facts()).outcome(Outcome::with("ok", json!({ "json": { "vip": true } })));
    vip.went(&["http GET https://crm.example/caller/+441632960001 -> ok", "bridge connection/alice connection/bob"]);
    let support = Call::begin(&set, "acme-main", facts()).outcome(Outcome::with("ok", json!({ "json": null }))).then("2").then("busy");
    assert_eq!(support.told.last().unwrap(), "voicemail support");
}

#[test]
fn effects_carry_evaluated_values_and_the_flows_speech() {
    let set = office();
    let call = Call::begin(&set, "acme-main", facts()).then("failed").then("1");
    let Some(Next::Effect(Effect::Bridge(bridge))) = &call.next else { panic!("{:?}", call.next) };
    assert_eq!(bridge.timeout.as_secs(), 20);
    let confirm = bridge.confirm.as_ref().unwrap();
    let PromptItem::Say(say) = &confirm.prompt[0] else { panic!() };
    assert_eq!(say.text, "Call from plus four four one, six three two, nine six zero, zero zero one. Press 1 to accept.");
    assert_eq!(say.language.as_deref(), Some("en-GB"));
    let Target::One(first) = &bridge.to.targets[0] else { panic!() };
    assert_eq!(first.to, Destination::Connection(terms::Name::new("alice").unwrap()));
}

#[test]
fn the_default_connection_rings_itself_and_then_takes_a_message() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../flows/default.yaml")).unwrap();
    let set = FlowSet::load(vec![Source::new("flows/default.yaml", text)], &super::world()).unwrap();
    Call::begin(&set, "default", facts()).then("no_answer").then("saved").went(&["bridge connection/alice -> no_answer", "voicemail alice -> saved", "Finished"]);
    Call::begin(&set, "default", facts()).then("declined").went(&["bridge connection/alice -> declined", "reject 603"]);
    let mut bare = facts();
    bare.line.mailbox = None;
    let call = Call::begin(&set, "default", bare).then("busy");
    assert_eq!(call.told[1], "say \"The person you are calling is not available. Please call again later.\"");
}

#[test]
fn a_failure_nobody_named_takes_the_rescue_and_a_second_one_the_apology() {
    let set = office();
    let call = Call::begin(&set, "acme-main", facts()).then("failed").then("nonsense").then("done").fails("no disk").then("done").then("saved");
    call.went(&[
        "http GET https://crm.example/caller/+441632960001 -> failed",
        "menu keys 1 2 * -> nonsense",
        "say \"Something went wrong on our side.\" -> done",
        "voicemail sales",
        "failure: no disk",
        "say \"We are sorry, something went wrong. Please leave a message after the tone.\" -> done",
        "voicemail alice -> saved",
        "Failed(\"welcome ended with nonsense and nothing says where to go\")",
    ]);
}

#[test]
fn a_flow_that_does_not_exist_apologises() {
    let set = load("start: a\nstates: { a: { say: Hello., then: end } }");
    let mut bare = facts();
    bare.line.mailbox = None;
    Call::begin(&set, "nowhere", bare).then("failed").went(&["say \"We are sorry, something went wrong.\" -> failed", "Failed(\"there is no flow nowhere\")"]);
}

#[test]
fn after_the_caller_has_left_only_the_webhook_runs() {
    let set = load(
        "start: a\ncaller_left: bye\nvars: { heard: { type: text, default: nothing } }\nstates:\n  a: { set: { heard: hello }, say: Hello., then: a2 }\n  a2: { pause: 1s, then: end }\n  bye:\n    notify: { url: \"https://x.example/\", event: call.left, body: { heard: \"${heard}\", count: 3, code: \"007\" } }\n    then: end",
    );
    let call = Call::begin(&set, "test", facts()).leaves();
    let Some(Next::Effect(Effect::Notify(notify))) = &call.next else { panic!("{:?}", call.next) };
    assert_eq!(notify.body, json!({ "heard": "hello", "count": 3, "code": "007" }));
    call.then("queued").went(&["say \"Hello.\"", "caller left", "notify call.left https://x.example/ -> queued", "CallerLeft"]);
    let plain = load("start: a\nstates: { a: { say: Hello., then: end } }");
    Call::begin(&plain, "test", facts()).leaves().went(&["say \"Hello.\"", "caller left", "CallerLeft"]);
}

#[test]
fn lists_run_in_order_and_a_failure_in_them_is_rescued() {
    let set = load("start: a\nrescue: r\nstates:\n  a:\n    - { set: { n: \"${n + 1}\" }, say: One }\n    - collect: { prompt: Two, max: 4 }\n      then: { failed: r }\n    - { say: \"You typed ${result.digits}, try ${n}\", then: end }\n  r: { say: Sorry, then: end }\nvars: { n: { type: number } }");
    Call::begin(&set, "test", facts()).then("done").outcome(Outcome::with("ok", json!({ "digits": "42" }))).then("done").went(&[
        "say \"One\" -> done",
        "collect 1-4 digits -> ok",
        "say \"You typed 42, try 1\" -> done",
        "Finished",
    ]);
    let call = Call::begin(&set, "test", facts()).then("failed");
    assert_eq!(call.told[1], "say \"Sorry\"");
    assert_eq!(call.run.trouble(), Some("a[0] ended with failed and nothing says where to go"));
}

#[test]
fn flows_run_flows_with_settings_and_return_outcomes() {
    let main = Source::new("flows/main.yaml", "start: a\nuse: common.yaml\nstates:\n  a:\n    run: ask\n    with: { question: \"Hello ${caller.spoken}\" }\n    then: { yes: good, else: bye }\n  good: { say: Good., then: bye }");
    let ask = Source::new("flows/ask.yaml", "start: q\nsettings: { question: { type: text, default: Really? } }\nstates:\n  q:\n    menu: { prompt: \"${settings.question}\", keys: [\"1\", \"2\"] }\n    then: { \"1\": { return: \"yes\" }, else: { return: \"no\" } }");
    let common = Source::new("flows/common.yaml", "states: { bye: { say: Bye., then: end } }");
    let set = FlowSet::load(vec![main, ask, common], &super::world()).unwrap_or_else(|faults| panic!("{}", super::show(&faults)));
    assert_eq!(set.warnings(), []);
    Call::begin(&set, "main", facts()).then("1").then("done").then("done").went(&["menu keys 1 2 -> 1", "say \"Good.\" -> done", "say \"Bye.\" -> done", "Finished"]);
    Call::begin(&set, "main", facts()).then("failed").then("done").went(&["menu keys 1 2 -> failed", "say \"Bye.\" -> done", "Finished"]);
}

#[test]
fn a_loop_without_end_stops_by_its_budget() {
    let set = load("start: a\nstates:\n  a:\n    pause: 1s\n    then: [{ if: caller.number == \"x\", then: end }, a]");
    let (mut run, now) = (Run::start(set, "test", facts()), origin());
    let _ = run.next(None, now);
    let mut rounds = 0;
    while run.trouble().is_none() {
        let _ = run.next(Some(Outcome::new("done")), now);
        rounds += 1;
    }
    assert_eq!(rounds, crate::limits::STEPS);
    assert!(run.journal().len() <= crate::limits::JOURNAL_KEPT);
    assert_eq!(run.where_am_i().state, "sorry");
}

#[test]
fn secrets_reach_the_effect_but_never_the_journal() {
    let set = load("start: a\nstates: { a: { http: { post: \"https://x.example/${secret.token}\", headers: { Authorization: \"Bearer ${secret.token}\" }, timeout: 1s }, then: end } }");
    let call = Call::begin(&set, "test", facts());
    let Some(Next::Effect(Effect::Http(http))) = &call.next else { panic!() };
    assert_eq!(http.headers[0].1, "Bearer s3cr3t");
    assert_eq!(call.run.journal()[0].effect, "http POST https://x.example/(secret)");
}

#[test]
fn hours_decide_by_the_calls_clock() {
    let flow = |open: &str| format!("start: g\nhours: {{ office: {{ zone: Europe/London, open: {{ mon: \"{open}\" }} }} }}\nstates:\n  g: {{ then: [{{ if: open(\"office\") && now.hour == 10, then: o }}, c] }}\n  o: {{ say: open, then: end }}\n  c: {{ say: closed, then: end }}");
    Call::begin(&load(&flow("09:00-17:00")), "test", facts()).went(&["say \"open\""]);
    Call::begin(&load(&flow("11:00-17:00")), "test", facts()).went(&["say \"closed\""]);
}

#[test]
fn starting_a_run_and_a_menu_step_cost_microseconds() {
    let set = load("start: a\nstates: { a: { menu: { prompt: Press 1., wait: 5s }, then: { \"1\": b, failed: end } }, b: { say: \"Hello ${caller.number}\", then: end } }");
    let facts = facts();
    let now = origin();
    let rounds = 2_000_u32;
    let begin = origin().at;
    for _ in 0..rounds {
        let mut run = Run::start(set.clone(), "test", facts.clone());
        assert!(matches!(run.next(None, now), Next::Effect(Effect::Menu(_))));
        assert!(matches!(run.next(Some(Outcome::new("1")), now), Next::Effect(Effect::Play(_))));
    }
    let each = (origin().at - begin) / rounds;
    assert!(each.as_micros() < 500, "{each:?} a call");
    eprint_figure(each);
}

#[expect(clippy::print_stderr, reason = "a figure for people who run it with --nocapture")]
fn eprint_figure(each: std::time::Duration) {
    eprintln!("start + menu + say: {each:?} a call");
}
