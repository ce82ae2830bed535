//! What people write, what they get to read about it.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn tree(text: &str) -> Node {
    parse(&Source::new("a.yaml", text)).unwrap_or_else(|faults| panic!("{faults:?}"))
}
fn faults(text: &str) -> Vec<String> {
    parse(&Source::new("a.yaml", text)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn scalars_stay_as_written_and_know_their_place() {
    let text = "to: +4420\ntime: 12:30\npin: 0042\nland: NO\nkey: \"#\"\nnothing:\nnote: 'it''s'\n";
    let root = tree(text);
    for (key, value) in [("to", "+4420"), ("time", "12:30"), ("pin", "0042"), ("land", "NO"), ("key", "#"), ("note", "it's")] {
        let node = root.get(key).unwrap();
        assert_eq!(node.as_text(), Some(value));
        let shown = &text[node.span.start..node.span.end];
        assert!(shown == value || shown.contains(['"', '\'']), "{key}: {shown:?}");
    }
    assert!(root.get("nothing").unwrap().is_null());
    let pin = root.get("pin").unwrap().span;
    assert_eq!((pin.line, pin.column), (3, 6));
}

#[test]
fn a_place_inside_a_text_is_found_through_quotes_escapes_and_folds() {
    for text in [
        "a: say MARK now",
        "a: \"say MARK now\"",
        "a: 'it''s MARK'",
        "a: \"\\u00e9\\t\\\"MARK\"",
        "é: é MARK",
        "a: |\n  one\n  two MARK\n",
        "a: >\n  one\n  two\n\n  three MARK\n",
        "a: plain\n  folded MARK",
    ] {
        let root = tree(text);
        let node = &root.entries()[0].value;
        let at = node.as_text().unwrap().find("MARK").unwrap();
        let span = node.within(text, at, at + 4);
        assert_eq!(&text[span.start..span.end], "MARK", "{text:?}");
    }
}

#[test]
fn what_yaml_allows_and_we_do_not_is_named() {
    assert_eq!(faults("a: 1\na: 2"), ["a.yaml:2:1: error: `a` is already said in line 1 (a key may be written once in a map)"]);
    assert_eq!(faults("a:\n\tb: 1"), ["a.yaml:2:1: error: a tab cannot indent YAML (indent with spaces)"]);
    assert!(faults("a: &x 1\nb: *x")[0].contains("anchors"));
    assert!(faults("a: *x")[0].contains("aliases"));
    assert!(faults("a: !secret x")[0].contains("tags"));
    assert!(faults("[a]: b")[0].contains("a key is text"));
    assert!(faults("a: 1\n---\nb: 2")[0].contains("second document"));
    assert!(faults(&"[".repeat(100))[0].contains("nested deeper") || faults(&"[".repeat(100))[0].contains("not YAML"));
    assert!(faults(&format!("a: {}", "x".repeat(limits::FILE_BYTES)))[0].contains("limit"));
    assert!(faults("a: \"open")[0].contains("not YAML"));
}

#[test]
fn a_reader_collects_all_faults_with_help() {
    let source = Source::new("a.yaml", "adress: 1.2.3.4\nport: 70000\nwait: 5\nmode: fats\non: yes\nname: a b\n");
    let root = parse(&source).unwrap();
    let mut reader = Reader::new(&source);
    let map = reader.map(&root, "a listener", &["address", "port", "wait", "mode", "on", "name"]).unwrap();
    assert_eq!(reader.required(map, "a listener", "address"), None);
    reader.integer(map.get("port").unwrap(), 1..=65_535);
    reader.span(map.get("wait").unwrap(), Duration::ZERO..=Duration::from_secs(60));
    reader.one_of(map.get("mode").unwrap(), &["fast", "slow"]);
    reader.boolean(map.get("on").unwrap());
    reader.name(map.get("name").unwrap());
    let told: Vec<_> = reader.into_faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "a.yaml:1:1: error: unknown field of a listener `adress` (did you mean `address`?)",
            "a.yaml:2:7: error: expected a whole number from 1 to 65535, found \"70000\"",
            "a.yaml:3:7: error: expected a duration such as 800ms, 5s, 2m, 1h or 90d, found \"5\" (a number needs its unit: 5s for seconds)",
            "a.yaml:4:7: error: expected one of fast, slow, found \"fats\" (did you mean `fast`?)",
            "a.yaml:5:5: error: expected true or false, found \"yes\" (write true)",
            "a.yaml:6:7: error: \"a b\" is not a name: use 1 to 64 of a-z A-Z 0-9 . _ -, beginning with a letter or digit",
        ]
    );
}

#[test]
fn the_environment_fills_in_and_what_it_lacks_is_a_fault_at_its_place() {
    let source = Source::new("c.yaml", "a: x${ONE}y\nb: [\"${TWO:-2}\", \"$${THREE}\", \"${NONE}\"]\nc: ${ONE");
    let mut root = parse(&source).unwrap();
    let mut reader = Reader::new(&source);
    substitute(&mut root, &mut reader, &|name| (name == "ONE").then(|| "1".to_owned()));
    assert_eq!(root.get("a").unwrap().as_text(), Some("x1y"));
    let list: Vec<_> = root.get("b").unwrap().items().iter().map(|node| node.as_text().unwrap()).collect();
    assert_eq!(list, ["2", "${THREE}", ""]);
    let told: Vec<_> = reader.into_faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "c.yaml:2:32: error: the environment has no `NONE` (set it, or write a default: ${NONE:-…})",
            "c.yaml:3:4: error: `${` without its `}` (write `$${` for a plain `${`)",
        ]
    );
}

#[test]
fn faults_are_shown_for_people_and_for_tools() {
    let source = Source::new("flows/a.yaml", "start: a\nstates:\n  a: { sya: Hello }\n");
    let mut reader = Reader::new(&source);
    let key = parse(&source).unwrap().get("states").unwrap().get("a").unwrap().entries()[0].key.span;
    reader.unknown("unknown-action", key, "action", "sya", &["say", "play"]);
    let faults = reader.into_faults();
    let sources = [source];
    assert_eq!(
        render(&faults, &sources, Format::Text),
        "error[unknown-action]: unknown action `sya`\n --> flows/a.yaml:3:8\n  |\n3 |   a: { sya: Hello }\n  |        ^^^\n  |\n  = help: did you mean `say`?\n"
    );
    assert_eq!(render(&faults, &sources, Format::Github), "::error file=flows/a.yaml,line=3,col=8,title=unknown-action::unknown action `sya` (did you mean `say`?)\n");
    let json: serde_json::Value = serde_json::from_str(&render(&faults, &sources, Format::Json)).unwrap();
    assert_eq!((json["line"].as_u64(), json["column"].as_u64(), json["code"].as_str()), (Some(3), Some(8), Some("unknown-action")));
    let sarif: serde_json::Value = serde_json::from_str(&render(&faults, &sources, Format::Sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "unknown-action");
    assert!(render(&faults, &[], Format::Text).contains("flows/a.yaml:3:8"));
}

const PIECES: [&str; 24] = [
    "a", ": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "#", "&x ", "*x", "!t ", "? ", "---", "\t", "é", "\\u12", "${A}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_panics_and_every_place_lies_in_the_text(text in prop_oneof![".{0,120}", prop::collection::vec(prop::sample::select(&PIECES[..]), 0..50).prop_map(|pieces| pieces.concat())]) {
        let source = Source::new("a.yaml", text.as_str());
        match parse(&source) {
            Ok(mut root) => {
                walk(&root, &text);
                substitute(&mut root, &mut Reader::new(&source), &|_| None);
            }
            Err(faults) => {
                for format in [Format::Text, Format::Colour, Format::Json, Format::Github, Format::Sarif] {
                    prop_assert!(!render(&faults, std::slice::from_ref(&source), format).is_empty());
                }
            }
        }
    }

    #[test]
    fn quoted_text_is_read_as_it_was(text in "[a-zA-Z0-9 #:{}\\[\\],&*!|>'%@`é]{0,40}") {
        let root = tree(&format!("key: \"{text}\""));
        prop_assert_eq!(root.get("key").and_then(Node::as_text), Some(text.as_str()));
    }
}

fn walk(node: &Node, text: &str) {
    assert!(node.span.start <= node.span.end && text.get(node.span.start..node.span.end).is_some(), "{node:?}");
    for entry in node.entries() {
        assert!(text.get(entry.key.span.start..entry.key.span.end).is_some());
        walk(&entry.value, text);
    }
    for item in node.items() {
        walk(item, text);
    }
    if let Some(inner) = node.as_text() {
        for at in 0..=inner.len().min(8) {
            let _ = node.within(text, at, at + 1);
        }
    }
}
