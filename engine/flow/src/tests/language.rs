//! The language rule by rule: files that use files, prompts and languages, subroutines, lists, settings and variables.

use super::{Call, facts, faults, load, load_all};
use crate::{Effect, Next, Outcome, PromptItem, Say};
use serde_json::json;

/// What the caller would hear now: `en: words` or the file.
fn heard(call: &Call) -> Vec<String> {
    let items = match &call.next {
        Some(Next::Effect(Effect::Play(play))) => &play.items,
        Some(Next::Effect(Effect::Menu(menu))) => &menu.prompt,
        other => panic!("{other:?}"),
    };
    let one = |item: &PromptItem| match item {
        PromptItem::Say(Say { text, language, voice, english: _ }) => {
            format!("{}{}: {text}", language.as_deref().unwrap_or("?"), voice.as_deref().map(|voice| format!("/{voice}")).unwrap_or_default())
        }
        PromptItem::File(file) => file.clone(),
        PromptItem::Url(_) | PromptItem::Tone(_) | PromptItem::Silence(_) | PromptItem::Ring(_) => format!("{item:?}"),
    };
    items.iter().map(one).collect()
}

#[test]
fn a_flow_uses_prompts_hours_and_states_of_files_that_use_others() {
    let set = load_all(&[
        ("flows/main.yaml", "start: a\nuse: [common.yaml, times.yaml]\nstates:\n  a: { then: [{ if: open(\"office\"), then: hello }, bye] }\n  hello: { play: prompt/welcome, then: bye }"),
        ("flows/common.yaml", "use: words.yaml\nstates: { bye: { say: [prompt/goodbye, Really.], then: end } }"),
        ("flows/words.yaml", "use: times.yaml\nprompts: { welcome: [welcome.wav, Hello there.], goodbye: Goodbye. }"),
        ("flows/times.yaml", "hours: { office: { zone: UTC, open: { mon: \"09:00-17:00\" } } }"),
    ]);
    assert_eq!(set.warnings(), []);
    let call = Call::begin(&set, "main", facts());
    assert_eq!(heard(&call), ["welcome.wav", "?: Hello there."]);
    assert_eq!(heard(&call.then("done")), ["?: Goodbye.", "?: Really."]);
    let outline = set.outline("main").unwrap();
    assert_eq!(outline.states[1].about, "play welcome.wav, \"Hello there.\"");
    assert_eq!(&*outline.states[2].path, "flows/common.yaml");
}

#[test]
fn files_in_a_circle_and_names_that_clash_are_told_with_both_places() {
    let told = faults(&[
        ("flows/main.yaml", "start: bye\nuse: a.yaml\nprompts: { hi: Hello. }\nstates: { bye: { say: prompt/hi, then: end } }"),
        ("flows/a.yaml", "use: b.yaml\nprompts: { hi: Hello again. }\nstates: { bye: { say: Bye., then: end } }"),
        ("flows/b.yaml", "use: a.yaml\nhours: { o: { zone: UTC, open: { mon: \"1:00-2:00\" } } }"),
    ]);
    assert_eq!(
        told,
        [
            "flows/a.yaml:2:12: there is a prompt `hi` already, in flows/main.yaml:3:12",
            "flows/a.yaml:3:11: there is a state `bye` already, in flows/main.yaml:4:11",
            "flows/b.yaml:1:6: files use each other in a circle: a.yaml uses b.yaml uses a.yaml",
        ]
    );
    let told = faults(&[("flows/main.yaml", "start: a\nuse: other.yaml\nprompts: { x: prompt/y, y: [prompt/x], z: prompt/zz }\nstates: { a: { play: prompt/w, then: end } }"), ("flows/other.yaml", "start: a\nstates: { a: { say: Hi., then: end } }")]);
    assert_eq!(
        told,
        [
            "flows/main.yaml:2:6: unknown file to use `other.yaml` (a file with `start:` is a flow of its own: run it with `run:`)",
            "flows/main.yaml:3:29: prompt `x` contains itself",
            "flows/main.yaml:3:43: there is no prompt `zz` (prompts with a name stand in the section `prompts:`)",
            "flows/main.yaml:4:22: there is no prompt `w` (prompts with a name stand in the section `prompts:`)",
        ]
    );
}

#[test]
fn the_calls_language_chooses_the_words_and_the_voice() {
    let text = "speech: { language: en-GB, voice: amy }\nstart: ask\nprompts:\n  hello: { en: \"Hello ${caller.number}.\", de: [welcome.wav, \"Guten Tag.\"], fr: { say: Bonjour., voice: lea } }\n  bye: { en: Goodbye., de: Auf Wiederhören. }\nstates:\n  ask: { menu: { prompt: prompt/hello, keys: [\"1\", \"2\", \"3\"] }, then: { \"1\": german, \"2\": french, \"3\": wrong, failed: words } }\n  german: { set: { language: de-AT }, then: words }\n  french: { set: { language: fr }, then: words }\n  wrong: { set: { language: \"${caller.number}\" }, then: words }\n  words: { say: [prompt/hello, prompt/bye, \"In ${language}, ${spoken(21)}.\"], then: end }";
    let set = load(text);
    let told: Vec<_> = set.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["flows/test.yaml:5:3: warning: prompt `bye` is not there in fr (callers of that language hear it in en)"]);
    let begin = || Call::begin(&set, "test", facts());
    assert_eq!(heard(&begin()), ["en: Hello +441632960001."].map(|text| text.replace("en:", "en/amy:")));
    assert_eq!(heard(&begin().then("failed")), ["en/amy: Hello +441632960001.", "en/amy: Goodbye.", "en-GB/amy: In en-GB, twenty-one."]);
    assert_eq!(heard(&begin().then("1")), ["welcome.wav", "de: Guten Tag.", "de: Auf Wiederhören.", "de-AT: In de-AT, einundzwanzig."]);
    assert_eq!(heard(&begin().then("2")), ["fr/lea: Bonjour.", "en/amy: Goodbye.", "fr: In fr, 21."]);
    let call = begin().then("3");
    assert_eq!(call.run.trouble(), Some("variable language: expected a tag such as en, en-GB or de, found \"+441632960001\""));
    // What is the same in all calls is made before the first.
    let made: Vec<_> = set.prompts().into_iter().filter_map(|item| if let PromptItem::Say(say) = item { Some(say.text) } else { None }).collect();
    assert!(made.contains(&"Auf Wiederhören.".to_owned()) && made.contains(&"Bonjour.".to_owned()) && !made.iter().any(|text| text.contains("Hello")), "{made:?}");
}

#[test]
fn a_named_prompt_stands_wherever_sounds_do() {
    let text = "start: a\nprompts: { hi: [welcome.wav, Hello.], both: [prompt/hi, { say: prompt/hi, voice: amy }, { tone: beep }] }\nstates:\n  a:\n    menu:\n      prompt: [{ play: prompt/hi }, { say: [prompt/hi, Press 1.] }]\n      no_input: { say: prompt/hi }\n      no_match: prompt/both\n    then: { \"1\": b, failed: end }\n  b: { bridge: { to: connection/bob, confirm: { say: prompt/hi, key: \"1\" }, ringback: \"prompt/${line.id.sub_string(0, 0)}hi\" }, then: end }";
    let set = load(text);
    assert_eq!(set.warnings(), []);
    let call = Call::begin(&set, "test", facts());
    assert_eq!(heard(&call), ["welcome.wav", "?: Hello.", "welcome.wav", "?: Hello.", "?: Press 1."]);
    let Some(Next::Effect(Effect::Menu(menu))) = &call.next else { panic!() };
    assert_eq!((menu.no_input.len(), menu.no_match.len()), (2, 5));
    let call = call.then("1");
    let Some(Next::Effect(Effect::Bridge(bridge))) = &call.next else { panic!() };
    assert_eq!((bridge.confirm.as_ref().map(|confirm| confirm.prompt.len()), bridge.ringback.len()), (Some(2), 2));
}

#[test]
fn which_prompt_is_said_may_be_known_only_in_the_call() {
    let set = load("start: a\nvars: { kind: gold }\nprompts: { gold: Thank you for your loyalty., new: Welcome. }\nstates: { a: { say: \"prompt/${kind}\", then: b }, b: { set: { kind: silver }, then: c }, c: { say: \"prompt/${kind}\", then: end } }");
    assert_eq!(set.warnings(), []);
    let call = Call::begin(&set, "test", facts());
    assert_eq!(heard(&call), ["?: Thank you for your loyalty."]);
    assert_eq!(call.then("done").run.trouble(), Some("say: text: there is no prompt `silver`"));
}

#[test]
fn a_script_names_prompts_and_sets_the_language() {
    let set = load_all(&[
        ("scripts/s.rhai", "fn main(line) {\n  line.say(\"prompt/bye\");\n  line.language = \"de\";\n  line.say([\"prompt/bye\", `${line.spoken(\"0042\")} ${spoken(3)} ${line.language}`]);\n  line.run(\"sub\");\n  line.say(\"prompt/bye\");\n}"),
        ("flows/words.yaml", "prompts: { bye: { en: \"Goodbye ${caller.number}.\", de: Tschüss. } }"),
        ("flows/sub.yaml", "start: a\nstates: { a: { set: { language: en }, say: \"Now ${language}.\", then: { return: x } } }"),
    ]);
    let call = Call::begin(&set, "s", facts());
    assert_eq!(heard(&call), ["en: Goodbye +441632960001."]);
    let call = call.then("done");
    assert_eq!(heard(&call), ["de: Tschüss.", "de: null null vier zwei three de"]);
    let call = call.then("done");
    assert_eq!(heard(&call), ["en: Now en."]);
    assert_eq!(faults(&[("scripts/s.rhai", "fn main(line) { line.say(\"prompt/nothing\"); }")]), ["scripts/s.rhai:1:26: there is no prompt `nothing` (prompts with a name stand in the section `prompts:`)"]);
}

#[test]
fn a_flow_gets_typed_values_and_gives_results_back() {
    let set = load_all(&[
        ("flows/main.yaml", "start: a\nrescue: r\nstates:\n  a: { run: sell, with: { count: \"${caller.number.len()}\", wait: 2s }, then: { sold: b, refused: end } }\n  b: { say: \"${result.amount} for ${result.who}, ${type_of(result.amount)}\", then: end }\n  r: { say: Sorry., then: end }"),
        ("flows/sell.yaml", "start: p\nsettings: { count: { type: number, default: 1 }, wait: { type: duration, default: 1s } }\nstates:\n  p: { pause: \"${settings.wait}\", then: [{ if: settings.count > 100, then: { return: refused } }, q] }\n  q: { return: { outcome: sold, amount: \"${settings.count * 2}\", who: Ann } }"),
    ]);
    let call = Call::begin(&set, "main", facts());
    let Some(Next::Effect(Effect::Pause(span))) = &call.next else { panic!() };
    assert_eq!(span.as_secs(), 2);
    let call = call.then("done");
    assert_eq!(heard(&call), ["?: 26 for Ann, i64"]);
    assert_eq!(call.run.journal()[0].result, json!({ "amount": 26, "who": "Ann" }));
    assert_eq!(call.run.journal()[0].outcome.as_deref(), Some("sold"));
}

#[test]
fn values_of_a_wrong_type_are_told_before_and_rescued_in_the_call() {
    let sell = ("flows/sell.yaml", "start: q\nsettings: { count: { type: number, default: 1 } }\nstates: { q: { set: { }, say: \"${settings.count}\", then: { return: sold } } }");
    let main = |with: &str| format!("start: a\nrescue: r\nstates: {{ a: {{ run: sell, with: {{ {with} }}, then: end }}, r: {{ say: Sorry., then: end }} }}");
    assert_eq!(
        faults(&[("flows/main.yaml", &main("count: many, cuont: 3")), sell]),
        [
            "flows/main.yaml:3:35: expected a whole number from -1000000000000 to 1000000000000, found \"many\"",
            "flows/main.yaml:3:48: unknown setting of flow `sell` `cuont` (did you mean `count`?)",
        ]
    );
    let set = load_all(&[("flows/main.yaml", &main("count: \"${caller.number}x\"")), sell]);
    let call = Call::begin(&set, "main", facts());
    assert_eq!(heard(&call), ["?: Sorry."]);
    assert_eq!(call.run.trouble(), Some("setting count: expected a whole number from -1000000000000 to 1000000000000, found \"+441632960001x\""));

    let set = load("start: a\nrescue: r\nvars: { n: { type: number }, t: { type: duration, default: 2s }, yes: { type: boolean } }\nstates:\n  a: { set: { n: \"${n + 1}\", yes: \"${n == 0}\", t: 90s }, say: \"${n} ${yes} ${t}\", then: b }\n  b: { set: { n: \"${caller.number}!\" }, then: end }\n  r: { say: Sorry., then: end }");
    let call = Call::begin(&set, "test", facts());
    assert_eq!(heard(&call), ["?: 1 false 90s"]);
    let call = call.then("done");
    assert_eq!(call.run.trouble(), Some("variable n: expected a whole number from -1000000000000 to 1000000000000, found \"+441632960001!\""));
}

#[test]
fn settings_of_a_connection_are_checked_where_they_are_written_and_count_in_its_calls() {
    let set = load("settings: { ring_for: { type: duration, default: 20s }, box: sales }\nstart: a\nstates: { a: { bridge: { to: connection/bob, timeout: \"${settings.ring_for}\" }, then: { answered: end, else: b } }, b: { say: \"${settings.box}\", then: end } }");
    assert!(set.check_settings("test", &[("ring_for".to_owned(), "soon".to_owned())].into()).is_err());
    let mut own = facts();
    own.settings = [("ring_for".to_owned(), "7s".to_owned())].into();
    let timeout = |call: &Call| if let Some(Next::Effect(Effect::Bridge(bridge))) = &call.next { bridge.timeout.as_secs() } else { 0 };
    assert_eq!(timeout(&Call::begin(&set, "test", facts())), 20);
    let call = Call::begin(&set, "test", own);
    assert_eq!(timeout(&call), 7);
    assert_eq!(heard(&call.then("busy")), ["?: sales"]);
    // The flow changed under the configuration: what it does not know any more is no reason to lose a call, a wrong type is.
    let mut old = facts();
    old.settings = [("gone".to_owned(), "7s".to_owned())].into();
    assert_eq!(timeout(&Call::begin(&set, "test", old.clone())), 20);
    old.settings = [("ring_for".to_owned(), "soon".to_owned())].into();
    assert!(Call::begin(&set, "test", old).run.trouble().is_some_and(|trouble| trouble.starts_with("setting ring_for: expected a duration")));
}

#[test]
fn flows_that_run_themselves_end_at_a_depth_that_names_them() {
    let set = load_all(&[
        ("flows/a.yaml", "start: s\nstates: { s: { run: b, then: end } }"),
        ("flows/b.yaml", "start: s\nstates: { s: { run: a, then: [{ if: caller.number == \"\", then: { return: x } }, end] } }"),
    ]);
    let call = Call::begin(&set, "a", facts());
    assert_eq!(call.run.trouble(), Some("flows run each other deeper than 8: a runs b runs a runs b runs a runs b runs a runs b runs a"));
}

#[test]
fn a_flow_calls_a_function_of_a_script() {
    let flow = "start: a\nstates:\n  a: { script: { call: quote.rhai, function: price, with: [\"${caller.number}\", 3] }, then: { cheap: b, else: end } }\n  b: { say: \"${result.sum} ${line.id}\", then: c }\n  c: { script: { call: quote, function: weekend }, with: { day: sat }, then: { \"true\": d, else: end } }\n  d: { script: { call: quote, function: nothing }, then: { done: e, else: end } }\n  e: { say: Done., then: end }";
    let script = "fn price(line, number, count) {\n  line.pause(\"1s\");\n  if count * 2 == 6 && number == line.caller.number { #{ outcome: \"cheap\", sum: count * 2 } } else { \"dear\" }\n}\nfn weekend(line, about) { about.day == \"sat\" }\nfn nothing(line) { }";
    let set = load_all(&[("flows/main.yaml", flow), ("scripts/quote.rhai", script)]);
    assert!(!set.has("quote"), "functions for flows are no flow");
    let call = Call::begin(&set, "main", facts()).then("done");
    assert_eq!(heard(&call), ["?: 6 call-1"]);
    let call = call.then("done");
    assert_eq!(heard(&call), ["?: Done."]);
    assert_eq!(call.run.journal()[1].place.flow, "quote");
    assert_eq!(set.outline("quote").map(|outline| outline.states.len()), Some(1));
    let told: Vec<_> = call.run.journal().iter().map(|entry| format!("{} {} {}", entry.place.state, entry.effect, entry.outcome.as_deref().unwrap_or("-"))).collect();
    assert_eq!(
        told,
        [
            "a script quote.rhai price cheap",
            "line 2 pause 1s done",
            "b say \"6 call-1\" done",
            "c script quote weekend true",
            "d script quote nothing done",
            "e say \"Done.\" -",
        ]
    );
}

#[test]
fn calls_of_functions_are_checked() {
    let script = ("scripts/quote.rhai", "fn price(line, number) { \"x\" }");
    let flow = "start: a\nstates:\n  a: { script: { call: quote, function: prize }, then: { x: b, else: b } }\n  b: { script: { call: quote, function: price }, then: { x: c, else: c } }\n  c: { script: { call: quote, function: price, with: [1] }, then: { x: d } }\n  d: { script: { call: qoute.rhai, function: price }, then: { x: end, else: end } }";
    assert_eq!(
        faults(&[("flows/main.yaml", flow), script]),
        [
            "flows/main.yaml:3:41: unknown function of quote `prize` (did you mean `price`?)",
            "flows/main.yaml:4:41: `price` takes 2 argument(s), `line` among them, not 1 (`with:` gives what comes after `line`: a list of values, or one map)",
            "flows/main.yaml:5:24: `price` may return any text (cover the rest with `else:`)",
            "flows/main.yaml:6:24: unknown script `qoute.rhai` (did you mean `quote.rhai`?)",
        ]
    );
    assert_eq!(faults(&[script]), ["scripts/quote.rhai:1:1: a script needs `fn main(line)` (`line` is the call: line.say(\"Hello.\"))"]);
}

#[test]
fn lists_of_actions_stand_wherever_a_state_may() {
    let text = "start: a\nvars: { n: { type: number } }\nstates:\n  a:\n    - { set: { n: 1 }, say: One }\n    - menu: { keys: [\"1\", \"2\"] }\n      then: { \"1\": [{ say: Inside }, { set: { n: \"${n + 1}\" }, say: \"${n}\", then: b }], failed: { say: Failed, then: end } }\n    - { set: { n: \"${n + 10}\" }, then: [{ if: n > 5, then: b }, end] }\n  b: { say: \"b ${n}\", then: end }";
    let set = load(text);
    let menu = || Call::begin(&set, "test", facts()).then("done");
    menu().then("1").then("done").then("done").then("done").went(&["say \"One\" -> done", "menu keys 1 2 -> 1", "say \"Inside\" -> done", "say \"2\" -> done", "say \"b 2\" -> done", "Finished"]);
    menu().then("2").then("done").went(&["say \"One\" -> done", "menu keys 1 2 -> 2", "say \"b 11\" -> done", "Finished"]);
    menu().then("failed").then("done").went(&["say \"One\" -> done", "menu keys 1 2 -> failed", "say \"Failed\" -> done", "Finished"]);
    assert_eq!(
        faults(&[("flows/t.yaml", "start: a\nstates:\n  a:\n    - { say: One, then: end }\n    - { say: Two, then: end }\n  b: { then: [] }")]),
        ["flows/t.yaml:5:7: this is never done: what stands before it always goes elsewhere", "flows/t.yaml:6:14: state `b` does nothing: expected an action and `then` (for instance { say: Hello., then: end })"]
    );
}

#[test]
fn conditions_stand_within_conditions_and_within_outcomes() {
    let text = "start: a\nstates:\n  a:\n    http: { get: \"https://x.example\", timeout: 1s }\n    then:\n      ok: [{ if: result.status == 200, then: [{ if: result.json.vip, then: x }, { say: Plain., then: end }] }, y]\n      else: [{ if: result.status == 0, then: { if: 1 } }, y]\n  x: { say: X., then: end }\n  y: { then: [{ if: line.id == \"\", then: x }, { set: { }, say: Y., then: end }] }";
    assert_eq!(faults(&[("flows/t.yaml", text)]).len(), 1, "an inline state that is none: {:?}", faults(&[("flows/t.yaml", text)]));
    let set = load(&text.replace("then: { if: 1 } }", "then: [{ say: Zero., then: end }] }"));
    let play = |outcome: Outcome| Call::begin(&set, "test", facts()).outcome(outcome).told[1].clone();
    let ok = |status: u32, vip: bool| Outcome::with("ok", json!({ "status": status, "json": { "vip": vip } }));
    assert_eq!([play(ok(200, true)), play(ok(200, false)), play(ok(404, true))], ["say \"X.\"", "say \"Plain.\"", "say \"Y.\""]);
    assert_eq!([play(Outcome::with("failed", json!({ "status": 0 }))), play(Outcome::with("failed", json!({ "status": 500 })))], ["say \"Zero.\"", "say \"Y.\""]);
}

#[test]
fn a_cycle_that_never_waits_is_named_when_it_is_stopped() {
    let set = load("start: a\nvars: { n: { type: number } }\nstates:\n  a: { set: { n: \"${n + 1}\" }, http: { get: \"https://x.example\", timeout: 1s }, then: b }\n  b: { then: [{ if: n > 100000, then: end }, c] }\n  c: { pause: 1s, then: a }");
    let mut call = Call::begin(&set, "test", facts());
    for _ in 0..=crate::limits::STEPS {
        if call.run.trouble().is_some() {
            break;
        }
        call = call.then("done");
    }
    assert_eq!(call.run.trouble(), Some("the flow was stopped after 10000 steps; it goes round b → c → a → b"));
}
