//! Calls through scripts, and scripts that mean harm.

use super::{Call, facts, load_script, origin};
use crate::{FlowSet, Next, Outcome, Run, limits};
use notation::Source;
use serde_json::json;

/// Runs `work` as the script threads do: with a large stack.
fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(limits::SCRIPT_STACK).spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_script_and_its_yaml_twin_do_the_same() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| Source::new(path, std::fs::read_to_string(format!("{root}/{path}")).unwrap());
    let set = FlowSet::load(vec![read("flows/reception.yaml"), read("scripts/reception.rhai")], &super::world()).unwrap_or_else(|faults| panic!("{}", super::show(&faults)));
    for path in [vec!["2", "saved", "done"], vec!["1", "busy", "done", "too_short"], vec!["1", "answered"], vec!["failed", "full", "done"]] {
        let play = |flow: &str| path.iter().fold(Call::begin(&set, flow, facts()), |call, outcome| call.then(outcome)).told;
        assert_eq!(play("reception"), play("reception-script"), "{path:?}");
        assert_eq!(play("reception").last().unwrap(), "Finished");
    }
}

#[test]
fn results_settings_secrets_and_time_reach_a_script() {
    let set = load_script(
        "fn main(line) {\n  let got = line.collect(#{ prompt: `For ${line.caller.spoken}`, max: 4 });\n  line.say(`${got.digits} ${line.settings.x} ${line.connection} ${line.now()} ${line.now(\"Europe/Berlin\").time}`);\n  let web = line.http(\"https://x.example/\" + line.secret(\"token\"), #{ timeout: \"1s\" });\n  if web.json.vip { line.hangup(); }\n}",
    );
    let mut facts = facts();
    facts.settings.insert("x".into(), "7".into());
    let call = Call::begin(&set, "test", facts).outcome(Outcome::with("ok", json!({ "digits": "42" })));
    call.then("done").outcome(Outcome::with("ok", json!({ "json": { "vip": true } }))).went(&[
        "collect 1-4 digits -> ok",
        "say \"42 7 alice 2026-11-02T10:15:01.000Z 11:15\" -> done",
        "http GET https://x.example/(secret) -> ok",
        "hangup",
    ]);
}

#[test]
fn a_script_runs_a_flow_and_a_flow_a_script() {
    let script = Source::new("scripts/ask.rhai", "fn main(line) { let m = line.menu(#{ keys: [\"1\"] }); if m.key == \"1\" { \"yes\" } else { let r = line.run(\"sub\", #{ greeting: \"Hi\" }); r.outcome } }");
    let main = Source::new("flows/main.yaml", "start: a\nstates: { a: { run: ask, then: { \"yes\": end, fine: b, else: end } }, b: { say: Fine., then: end } }");
    let sub = Source::new("flows/sub.yaml", "start: a\nsettings: { greeting: { type: text, default: x } }\nstates: { a: { say: \"${settings.greeting}\", then: { return: fine } } }");
    let set = FlowSet::load(vec![script, main, sub], &super::world()).unwrap_or_else(|faults| panic!("{}", super::show(&faults)));
    Call::begin(&set, "main", facts()).then("1").went(&["menu keys 1 -> 1", "Finished"]);
    Call::begin(&set, "main", facts()).then("failed").then("done").then("done").went(&["menu keys 1 -> failed", "say \"Hi\" -> done", "say \"Fine.\" -> done", "Finished"]);
}

#[test]
fn bombs_end_the_call_politely_and_never_the_process() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let mut texts = vec![
        "fn main(line) { loop { } }".to_owned(),
        "fn main(line) { main(line) }".to_owned(),
        "fn main(line) { let s = \"x\"; loop { s += s; } }".to_owned(),
        "fn main(line) { let a = []; loop { a = [a, a]; } }".to_owned(),
        "fn main(line) { let a = #{}; loop { a = #{ a: a }; } }".to_owned(),
        "fn main(line) { let m = []; for i in 0..1000000000 { m.push(i); } }".to_owned(),
        "fn main(line) { let a = []; a.pad(100000000, 1); }".to_owned(),
        "fn main(line) { eval(\"1\") }".to_owned(),
        "import \"x\" as x; fn main(line) {}".to_owned(),
        "fn main(line) { let f = |x| x; f.call(1) }".to_owned(),
        "fn main(line) { throw \"no\"; }".to_owned(),
        "fn main(line) { let x = 1 / 0; }".to_owned(),
        "fn main(line) { loop { try { line.say(\"a\"); } catch { } } }".to_owned(),
        "fn main(line) { line.say(line.nothing.at_all); }".to_owned(),
        format!("fn main(line) {{ let x = {}; }}", nested("(", "1", ")", 20_000)),
        format!("fn main(line) {{ let x = {}; }}", nested("[", "1", "]", 20_000)),
        format!("fn main(line) {{ let x = {}; }}", nested("#{a:", "1", "}", 12_000)),
        format!("fn main(line) {{ {} }}", nested("{", "1", "}", 20_000)),
        format!("fn main(line) {{ {} }}", nested("if true {", "1", "}", 20_000)),
        format!("fn main(line) {{ let x = {}1; }}", "!".repeat(30_000)),
        format!("fn main(line) {{ let x = {}1; }}", "-".repeat(30_000)),
        format!("fn main(line) {{ let x = 1{}; }}", " + 1".repeat(30_000)),
        format!("fn main(line) {{ line{}; }}", ".a".repeat(30_000)),
        format!("fn main(line) {{ let x = {}1{}; }}", "|x| ".repeat(12_000), ""),
        format!("fn main(line) {{ let f = 1; {} }}", "f = f.curry(1); ".repeat(12_000)),
        format!("fn main(line) {{ let x = {}; }}", nested("curry(", "1", ")", 12_000)),
        "fn main(line) { loop { print(\"flood\"); debug(\"flood\"); } }".to_owned(),
        "fn main(line) { let x = timestamp(); sleep(10); }".to_owned(),
        "fn main(line) { let s = \"\"; s.pad(100000000, \"x\"); }".to_owned(),
        "fn main(line) { let b = blob(100000000, 1); }".to_owned(),
        "fn main(line) { for i in 0..1000000000 { } }".to_owned(),
        "fn main(line) { let a = []; for i in range(0, 1000000000) { a.push(i); } }".to_owned(),
        "fn main(line) { line.say(\"x\".to_upper().len().to_string()); loop { line.spoken(999999999999999); } }".to_owned(),
    ];
    texts.push(format!("fn main(line) {{ {} }}", "let a = 1; ".repeat(20_000)));
    on_a_large_stack(move || {
        for text in texts {
            let shown: String = text.chars().take(60).collect();
            let Ok(set) = FlowSet::load(vec![Source::new("scripts/test.rhai", text)], &super::world()) else { continue };
            let mut call = Call::begin(&set, "test", facts());
            for _ in 0..3 {
                call = call.then("done");
            }
            let trouble = call.run.trouble().map(str::to_owned);
            assert!(trouble.is_some() || shown.contains("try") || shown.contains("let a = 1;"), "{shown}: {:?}", call.told);
        }
    });
}

#[test]
fn a_runaway_names_its_limit_and_a_wrong_value_its_line() {
    let call = Call::begin(&load_script("fn main(line) {\n  loop { let a = 1; }\n}"), "test", facts());
    assert_eq!(call.run.trouble(), Some("line 2: the script was stopped: after 40000 operations"));
    call.went(&["say \"We are sorry, something went wrong. Please leave a message after the tone.\""]);
    let wrong = Call::begin(&load_script("fn main(line) {\n  let n = 5;\n  line.pause(n);\n}"), "test", facts());
    assert_eq!(wrong.run.trouble(), Some("line 3: pause: length: expected a duration from 1ms to 1h, such as 800ms, 5s or 2m, found \"5\""));
}

#[test]
fn each_limit_is_named_with_the_line_that_broke_it() {
    let trouble = |text: String| on_a_large_stack(move || Call::begin(&load_script(&text), "test", facts()).run.trouble().unwrap_or_default().to_owned());
    let begin = "// one\nfn main(line) {\n  let x = 1;\n";
    for (body, expected) in [
        ("  loop { x += 1; }\n}", "line 4: the script was stopped: after 40000 operations"),
        ("  let s = \"x\";\n  loop { s += s; }\n}", "line 5: the script was stopped: a text grew over 16384 bytes"),
        ("  let a = [];\n  for i in 0..5000 { a.push(i); }\n}", "line 5: the script was stopped: an array or map grew over 1000 values"),
        ("  deep(line);\n}\nfn deep(line) { deep(line); }", "line 4: the script was stopped: functions call each other deeper than 32"),
        ("  while true { helper(x); }\n}\nfn helper(x) { x + 1 }", "line 4: the script was stopped: after 40000 operations"),
        ("\n\n  let y = x / 0;\n}", "line 6: Division by zero: 1 / 0"),
        ("  helper(x);\n}\nfn helper(x) {\n  x / 0\n}", "line 7: Division by zero: 1 / 0"),
    ] {
        assert_eq!(trouble(format!("{begin}{body}")), expected, "{body}");
    }
}

/// Processor time of this thread in nanoseconds, where the system tells it.
fn processor_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

#[test]
fn a_runaway_costs_less_than_a_tenth_of_a_second() {
    on_a_large_stack(|| {
        for body in ["loop { }", "let x = 0; loop { x += 1; }", "loop { let s = \"x\"; for i in 0..14 { s += s; } }", "loop { let a = []; a.pad(1000, \"x\"); }", "let a = []; a.pad(1000, 3); loop { a.reverse(); a.sort(); }", "let s = \"\"; s.pad(16000, \"x\"); loop { s.replace(\"x\", \"y\"); s.to_upper(); }", "loop { print(\"x\"); let m = #{ a: 1, b: 2 }; m.c = m.a + m.b; }"] {
            let Ok(set) = FlowSet::load(vec![Source::new("scripts/test.rhai", format!("fn main(line) {{ {body} }}"))], &super::world()) else { continue };
            let (mut run, now) = (Run::start(set, "test", facts()), origin());
            let Next::Script(job) = run.next(None, now) else { panic!() };
            let before = processor_ns();
            let _ = run.resume(job.execute(), now);
            assert!(run.trouble().is_some(), "{body}");
            if let (Some(before), Some(after)) = (before, processor_ns()) {
                assert!(after - before < 100_000_000, "{body}: {} ms", (after - before) / 1_000_000);
            }
        }
    });
}

#[test]
fn a_journal_over_its_limit_is_refused_with_advice() {
    on_a_large_stack(|| {
        let set = load_script("fn main(line) { loop { line.pause(\"1s\"); } }");
        let (mut run, now) = (Run::start(set, "test", facts()), origin());
        let mut next = run.next(None, now);
        for _ in 0..=limits::SCRIPT_EFFECTS + 1 {
            if let Next::Script(job) = next {
                let _ = run.resume(job.execute(), now);
            }
            if run.trouble().is_some() {
                break;
            }
            next = run.next(Some(Outcome::new("done")), now);
        }
        let trouble = run.trouble().unwrap_or_default().to_owned();
        assert!(trouble.contains("loop in a YAML flow"), "{trouble}");
    });
}

#[test]
fn a_script_that_changes_its_mind_is_caught() {
    let set = load_script("fn main(line) { if line.now() == \"2026-11-02T10:15:00.000Z\" { line.say(\"a\"); line.say(\"b\"); } else { line.pause(\"1s\"); } }");
    // The clock a script sees moves only with its journal, so this one is as steady as any.
    Call::begin(&set, "test", facts()).then("done").then("done").went(&["say \"a\" -> done", "say \"b\" -> done", "Finished"]);
}
