//! The runner against itself: what passes, what fails and how that looks, what is covered, what random callers find.

use super::{
    Coverage, Covered, Failure, Fuzz, House, Look, Summary, TestFile, Verdict, manual, render, run, schema,
};
use crate::offline::Voices;
use flow::FlowSet;
use notation::{Format, Source};
use std::{collections::BTreeSet, time::{Duration, Instant}};
use terms::{Now, UnixMs};

const ACME: (&str, &str) = ("flows/acme-main.yaml", include_str!("../../../flow/src/tests/office.yaml"));
const ACME_TESTS: &str = include_str!("tests/acme-main.test.yaml");
const RECEPTION: (&str, &str) = ("flows/reception.yaml", include_str!("../../../../flows/reception.yaml"));
const RECEPTION_TESTS: &str = include_str!("../../../../flows/reception.test.yaml");
const SCRIPT: (&str, &str) = ("scripts/reception.rhai", include_str!("../../../../scripts/reception.rhai"));
const DEFAULT: (&str, &str) = ("flows/default.yaml", include_str!("../../../../flows/default.yaml"));
const DEFAULT_TESTS: &str = include_str!("../../../../flows/default.test.yaml");

#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
fn start() -> Now {
    Now { at: Instant::now(), unix: UnixMs(0) }
}

/// Flows, and a house of which nothing is known but them.
struct Bench {
    flows: FlowSet,
    house: House,
}

fn bench(files: &[(&str, &str)]) -> Bench {
    let mut sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(*path, *text)).collect();
    let flows = FlowSet::load(sources.clone(), &flow::World::default()).unwrap_or_else(|faults| panic!("{faults:?}"));
    // Connections are named in tests only.
    sources.push(Source::new("words", "alice"));
    Bench { flows, house: House::of_files(&sources, start()) }
}

fn read(text: &str) -> TestFile {
    TestFile::read(&Source::new("flows/it.test.yaml", text)).unwrap_or_else(|faults| panic!("{}", notation::render(&faults, &[Source::new("flows/it.test.yaml", text)], Format::Text)))
}

impl Bench {
    fn run(&self, text: &str) -> Vec<Verdict> {
        let (file, voices) = (read(text), Voices::default());
        file.tests.iter().map(|case| run(&file, case, &self.flows, &self.house, &voices)).collect()
    }

    fn shown(&self, text: &str, look: Look) -> String {
        let summary = Summary { verdicts: self.run(text), left_out: 0, took: Duration::from_millis(3) };
        render(&summary, &[Source::new("flows/it.test.yaml", text)], look)
    }

    fn passes(&self, text: &str) {
        let shown = self.shown(text, Look::Text);
        assert!(!shown.contains("FAIL"), "{shown}");
    }

    fn fails(&self, test: &str) -> Failure {
        self.run(test).remove(0).failure.unwrap_or_else(|| panic!("it passed:\n{test}"))
    }
}

/// Runs as the threads of `callflow test` do: with a large stack.
fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(flow::limits::SCRIPT_STACK).spawn(work).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Everything after this line of docs/tests.md is made from the table.
const MADE_BELOW: &str = "by `UPDATE_DOCS=1 cargo test -p sim manual`: do not edit. -->\n";

#[test]
fn the_manual_s_reference_of_tests_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tests.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (written, reference) = page.split_once(MADE_BELOW).expect("the page says where its reference begins");
    let wanted = format!("\n## Reference\n\n{}", manual());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{written}{MADE_BELOW}{wanted}")).unwrap();
    } else {
        assert!(reference == wanted, "docs/tests.md is not what the table says; write it anew: UPDATE_DOCS=1 cargo test -p sim manual");
    }
}

#[test]
fn the_tests_that_the_manual_shows_pass() {
    let (start, tests) = (include_str!("../../../../docs/quick-start.md"), include_str!("../../../../docs/tests.md"));
    let blocks = |page: &'static str| page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let flow = blocks(start).find(|block| block.contains("\nstates:")).unwrap();
    let shown: Vec<&str> = blocks(start).chain(blocks(tests)).filter(|block| block.contains("\ntests:")).collect();
    assert_eq!(shown.len(), 2);
    for tests in shown {
        bench(&[("flows/bakery.yaml", flow)]).passes(tests);
    }
}

#[test]
fn names_that_the_flows_do_not_know_are_told_with_their_places() {
    let (path, text) = RECEPTION;
    let survey = FlowSet::survey(vec![Source::new(path, text)], &flow::World::default());
    let told = |text: &str| -> Vec<String> { read(text).check(&survey, &flow::World::default()).iter().map(|fault| format!("{fault}\n")).collect() };
    assert_eq!(
        told("flow: recepton\ntests: [{ name: a, script: [{ wait: 1s }] }]\n"),
        ["flows/it.test.yaml:1:7: error: unknown flow `recepton` (did you mean `reception`?)\n"]
    );
    let text = "flow: reception\ntests:\n  - name: a\n    settings: { ring_fro: 5s }\n    script: [{ expect: { state: welcom } }]\n    expect: { path: [welcome, messge] }\n";
    assert_eq!(
        told(text),
        [
            "flows/it.test.yaml:4:17: error: flow reception has no setting `ring_fro`; did you mean `ring_for`?\n",
            "flows/it.test.yaml:5:26: error: unknown state `welcom` (did you mean `welcome`?)\n",
            "flows/it.test.yaml:6:15: error: unknown state `messge` (did you mean `message`?)\n",
        ]
    );
    assert_eq!(told(RECEPTION_TESTS), Vec::<String>::new());
}

#[test]
fn mocks_of_things_that_the_configuration_does_not_have_are_told() {
    let (path, text) = RECEPTION;
    let survey = FlowSet::survey(vec![Source::new(path, text)], &flow::World::default());
    let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let world = flow::World { connections: set(&["bob"]), numbers: set(&["+15550100"]), mailboxes: set(&["sales"]), trunks: set(&[]), ..flow::World::default() };
    let text = r#"flow: reception
mock: { connection/bbo: busy, number/+15550199: busy }
tests:
  - name: a
    mock: { connection/bob: busy, connection/*: ring, mailbox: { sale: full }, trunk/acme/1: busy, "sip:x@y": busy }
    script: [{ wait: 1s }]
  - name: b
    script: [{ wait: 1s }]
"#;
    let told = |world: &flow::World| -> Vec<String> { read(text).check(&survey, world).iter().map(ToString::to_string).collect() };
    assert_eq!(
        told(&world),
        [
            "flows/it.test.yaml:2:9: error: unknown connection `bbo` (did you mean `bob`?)",
            "flows/it.test.yaml:2:31: error: unknown number `+15550199` (did you mean `+15550100`?)",
            "flows/it.test.yaml:5:66: error: unknown mailbox `sale` (did you mean `sales`?)",
            "flows/it.test.yaml:5:80: error: unknown trunk `acme`",
        ]
    );
    assert_eq!(told(&flow::World::default()), Vec::<String>::new(), "without a configuration nothing is looked up");
    let with_trunk = flow::World { trunks: set(&["acme"]), ..world };
    assert!(!told(&with_trunk).iter().any(|fault| fault.contains("number") || fault.contains("acme")), "a number may lie behind a trunk");
}

#[test]
fn states_of_a_flow_that_is_run_are_named_with_it() {
    let outer = "flow: outer\nstart: go\nstates:\n  go: { run: inner, then: end }\n";
    let inner = "flow: inner\nstart: greet\nstates:\n  greet: { say: Hello, then: end }\n";
    let flows = [("flows/outer.yaml", outer), ("flows/inner.yaml", inner)];
    let sources = flows.map(|(path, text)| Source::new(path, text));
    let survey = FlowSet::survey(sources.to_vec(), &flow::World::default());
    let text = |state: &str, step: &str| {
        format!("flow: outer\ntests:\n  - name: a\n    script: [{{ hear: Hello }}, {{ expect: {{ state: {state} }} }}]\n    expect: {{ path: [go, {step}] }}\n")
    };
    for state in ["greet", "inner/greet"] {
        let text = text(state, "inner/greet");
        assert_eq!(read(&text).check(&survey, &flow::World::default()), Vec::new());
        bench(&flows).passes(&text);
    }
    let faults: Vec<String> = read(&text("go/greet", "greet")).check(&survey, &flow::World::default()).iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn the_tests_of_the_manual_and_of_the_samples_pass() {
    bench(&[ACME]).passes(ACME_TESTS);
    bench(&[DEFAULT]).passes(DEFAULT_TESTS);
    bench(&[RECEPTION]).passes(RECEPTION_TESTS);
    let readme = include_str!("../../../../README.md");
    let shown = readme.split("```yaml\n").filter_map(|block| block.split("```").next()).find(|block| block.contains("\ntests:"));
    bench(&[RECEPTION]).passes(shown.unwrap());
}

#[test]
fn a_script_passes_the_tests_of_its_yaml_twin() {
    on_a_large_stack(|| {
        // Its states are lines of the script.
        let lines = RECEPTION_TESTS.replace("flow: reception\n", "flow: reception-script\n").replace("state: bob, ", "");
        let text: String = lines.lines().map(|line| match line.find("path: [") {
            Some(at) => format!("{}{}\n", &line[..at], line[at..].split_once(']').map_or("", |(_, rest)| rest.trim_start_matches([',', ' ']))),
            None => format!("{line}\n"),
        }).collect();
        bench(&[SCRIPT]).passes(&text);
    });
}

#[test]
fn what_fails_is_shown_with_its_step_a_caret_and_the_timeline() {
    let text = "flow: reception\ntests:\n  - name: one letter is missing\n    script:\n      - hear: Welcome\n      - press: \"2\"\n      - hear: leave a mesage after the tone\n";
    let expected = include_str!("tests/fail.txt");
    let shown = bench(&[RECEPTION]).shown(text, Look::Text);
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn machines_get_xml_and_json() {
    let text = "flow: reception\ntests:\n  - name: good & <fine>\n    script: [{ hear: Welcome }, { hang_up: true }]\n  - name: bad\n    script: [{ hang_up: true }]\n    expect: { state: \"message\" }\n";
    let bench = bench(&[RECEPTION]);
    let xml = bench.shown(text, Look::Junit);
    assert_eq!(xml, include_str!("tests/junit.xml"), "\n{xml}");
    let json: serde_json::Value = serde_json::from_str(&bench.shown(text, Look::Json)).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    let failure = &json["tests"][1]["failure"];
    assert_eq!((&failure["expected"], &failure["got"], &failure["line"]), (&"message".into(), &"welcome".into(), &7.into()));
    assert!(failure["timeline"].as_array().is_some_and(|lines| lines.len() > 5));
}

#[test]
fn every_expectation_can_fail_and_says_what_there_was() {
    let bench = bench(&[RECEPTION]);
    let head = "flow: reception\ntests:\n  - name: x\n    mock: { connection/bob: { ring: 9s } }\n    script:\n      - press: \"1\"\n      - wait: 1s\n      - expect: ";
    for (claim, title, got) in [
        ("{ state: message }", "the flow is in another state", "bob"),
        ("{ path: [welcome] }", "the flow took another way", "[welcome, bob]"),
        ("{ ringing: [] }", "others ring", "[connection/bob]"),
        ("{ talking: connection/bob }", "others have answered", "[]"),
        ("{ answered: false }", "the caller was answered", "answered"),
        ("{ over: true }", "the call goes on", "the call goes on in state bob"),
        ("{ rescued: true }", "nothing failed", "no failure"),
        ("{ vars: { x: 1 } }", "there is no variable x", "variables: []"),
        ("{ result: { key: \"2\" } }", "the last action had another result", "{ key: 1 }"),
        ("{ recording: 5s }", "there is no such recording", "none"),
        ("{ voicemail: { mailbox: sales } }", "0 message(s) were left", "none"),
        ("{ webhook: { event: saved } }", "there was no such webhook", "none"),
        ("{ http: { get: \"https://x\" } }", "there was no such web request", "none"),
        ("{ ended_by: flow }", "the call ended otherwise", "nothing yet"),
    ] {
        let failure = bench.fails(&format!("{head}{claim}\n"));
        assert_eq!(failure.title, title, "{claim}: {failure:?}");
        assert!(failure.got.starts_with(got), "{claim}: {failure:?}");
        assert_eq!(failure.span.line, 8, "{claim}");
    }
}

#[test]
fn steps_fail_where_they_stand() {
    let bench = bench(&[RECEPTION]);
    let script = |steps: &str| format!("flow: reception\ntests:\n  - name: x\n    script:\n{steps}");
    for (steps, line, title) in [
        ("      - hear: { say: Welcome, within: 1s }\n      - hear: { tone: beep, within: 3s }\n", 6, "this was not heard within 3s"),
        ("      - hang_up: true\n      - press: \"1\"\n", 6, "the call was over before this was pressed"),
        ("      - wait: 500ms\n      - press: { keys: \"2\", interrupts: false }\n", 6, "the key stopped what was heard"),
        ("      - press: \"2\"\n      - hear: leave a message\n      - press: { keys: \"7\", interrupts: true }\n", 7, "the key did not stop what was heard"),
        ("      - hear: { never_silent_for: 3s, within: 20s }\n", 5, "it was silent for too long"),
        ("      - silence: 9s\n      - expect: { never_silent_for: 3s }\n", 6, "it was silent for too long"),
    ] {
        let failure = bench.fails(&script(steps));
        assert_eq!((failure.title.as_str(), failure.span.line), (title, line), "{failure:?}");
    }
    let unknown = bench.fails("flow: receptoin\ntests: [{ name: x }]\n");
    assert_eq!((unknown.title.as_str(), unknown.got.as_str()), ("there is no flow receptoin", "did you mean reception?"));
    let request = super::tests::bench(&[ACME]).fails("flow: acme-main\ntests:\n  - name: x\n    mock: { http: { get: \"https://other.example/*\" } }\n    script: [{ wait: 1s }]\n");
    assert!(request.title.contains("answers GET https://crm.example/caller/"), "{request:?}");
}

#[test]
fn the_weather_of_a_line_is_borne() {
    let text = RECEPTION_TESTS.replacen("    caller: {", "    mock: { network: { loss: 3%, jitter: 40ms, delay: 80ms } }\n    caller: {", 1);
    bench(&[RECEPTION]).passes(&text);
}

#[test]
fn all_faults_of_a_test_file_are_told_at_once() {
    let text = "flow: reception\ncaler: { number: 1 }\ntests:\n  - nam: x\n    script:\n      - here: Welcome\n      - press: x\n      - wait: 5\n      - hear: /(/\n      - { wait: 1s, press: \"1\" }\n    mock: { connection/bob: bussy, htp: {}, network: { loss: 120% } }\n    at: someday\n    expect: { stat: x, voicemail: { length: long } }\n";
    let source = Source::new("flows/it.test.yaml", text);
    let faults = TestFile::read(&source).unwrap_err();
    let shown = notation::render(&faults, &[source], Format::Text);
    assert_eq!(shown, include_str!("tests/faults.txt"), "\n{shown}");
}

#[test]
fn coverage_counts_each_state_and_way() {
    let flow = "flow: it\nstart: a\nsettings: { x: { type: number, default: 1 } }\nstates:\n  a: { menu: { prompt: Press 1., attempts: 1, wait: 1s }, then: { \"1\": b, failed: end } }\n  b: { then: [{ if: settings.x == 1, then: c }, d] }\n  c: { say: One., then: end }\n  d: { say: Other., then: end }\n";
    let bench = bench(&[("flows/it.yaml", flow)]);
    let of = |text: &str| {
        let mut covered = Covered::default();
        bench.run(text).iter().for_each(|verdict| covered.add(&verdict.covered));
        Coverage::of(&bench.flows, &BTreeSet::from(["it".to_owned()]), &covered)
    };
    // a and its ways 1 and failed; b and its two ways; c and d, which have one way on each.
    let one = of("flow: it\ntests: [{ name: x, script: [{ press: \"1\" }] }]");
    let (reached, all) = one.counts();
    assert_eq!((reached, all), (5, 8), "{}", one.text());
    assert!(one.text().contains("a: never failed → end\n") && one.text().contains("d: never entered\n") && one.text().contains("b: never if nothing else → d\n"), "{}", one.text());
    assert!(one.html().contains("<span class=\"yes\">1 → b</span><span class=\"no\">failed → end</span>"), "{}", one.html());
    let none = of("flow: it\ntests: []");
    assert_eq!((none.counts(), none.percent()), ((0, 8), 0));
}

#[test]
fn random_callers_find_a_planted_dead_end_and_show_the_shortest_way_there() {
    let flow = "flow: trap\nstart: a\nstates:\n  a: { menu: { prompt: \"Press 1, 2 or 3.\", attempts: 2, wait: 3s }, then: { \"1\": b, \"2\": c, \"3\": d, failed: end } }\n  b: { say: Good., then: end }\n  c: { menu: { prompt: Press 7 or 8., attempts: 2 }, then: { \"7\": hold, \"8\": b, failed: end } }\n  d: { bridge: { to: connection/bob, timeout: 10s }, then: { answered: end, else: b } }\n  hold: { play: { prompt: { play: music.wav }, loop: 0 }, then: end }\n";
    let bench = bench(&[("flows/trap.yaml", flow)]);
    let fuzz = Fuzz::new(5);
    let report = fuzz.of(&bench.flows, "trap", &bench.house).call(0..150);
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert!(finding.what.contains("stuck"), "{finding:?}");
    let steps = finding.test.split_once("script:\n").map_or("", |(_, rest)| rest);
    assert_eq!(steps, "      - press: \"2\"\n      - press: \"7\"\n      - silence: 10m\n      - expect: { over: true }\n", "{}", finding.test);
    let failure = bench.fails(&finding.test);
    assert_eq!(failure.title, "the call goes on");
}

#[test]
fn random_callers_find_dead_air_and_failures_too() {
    let flow = "flow: bad\nstart: a\nstates:\n  a: { menu: { prompt: Press 1 or 2., wait: 2s }, then: { \"1\": slow, \"2\": wrong, failed: end } }\n  slow: { http: { get: \"https://x.example/\", timeout: 20s }, then: end }\n  wrong: { http: { get: \"https://x.example/\", timeout: 1s }, then: { ok: [{ if: result.json.a.b > 1, then: end }, end], else: end } }\n";
    let bench = bench(&[("flows/bad.yaml", flow)]);
    let report = Fuzz::new(3).of(&bench.flows, "bad", &bench.house).call(0..300);
    let told: Vec<&str> = report.findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(told.iter().any(|what| what.contains("hears nothing")) && told.iter().any(|what| what.contains("rescue")), "{told:?}");
    for finding in &report.findings {
        assert!(finding.verdict.failure.is_some(), "{}", finding.test);
        bench.fails(&finding.test);
    }
}

#[test]
fn the_same_seed_gives_the_same_callers_and_the_samples_bear_them() {
    let bench = bench(&[RECEPTION]);
    let call = |seed: u64, borders: &[u64]| {
        let fuzz = Fuzz::new(seed);
        let mut report = super::FuzzReport::default();
        let parts = borders.windows(2).rev().map(|part| part[0]..part[1]);
        parts.for_each(|part| report.add(fuzz.of(&bench.flows, "reception", &bench.house).call(part)));
        report
    };
    let (whole, halves) = (call(1, &[0, 80]), call(1, &[0, 40, 80]));
    assert_eq!((whole.failed, whole.callers), (0, 80), "{:?}", whole.findings);
    assert_eq!((whole.fingerprint, whole.talked), (halves.fingerprint, halves.talked));
    assert_ne!(whole.fingerprint, call(2, &[0, 80]).fingerprint);
}

#[test]
fn schema_and_manual_know_every_step() {
    let (schema, manual) = (schema().to_string(), manual());
    for word in ["hear", "never_silent_for", "interrupts", "transcript", "webhooks", "ended_by", "connection/"] {
        assert!(schema.contains(word) && manual.contains(word), "{word}");
    }
}
