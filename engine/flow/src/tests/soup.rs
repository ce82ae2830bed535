//! No text, however broken, panics or hangs; a run of whatever loads always ends.

use super::{facts, origin, world};
use crate::{FlowSet, Next, Outcome, Run};
use notation::{Format, Source, render};
use proptest::prelude::*;

const WORDS: [&str; 60] = [
    "start", "states", "say", "play", "menu", "then", "end", "else", "if", "set", "vars", "settings", "bridge", "to", "run", "return", "hours",
    ":", ": ", "{", "}", "[", "]", ", ", "\n", "\n  ", "\n    ", "- ", "\"", "'", "#", "|", ">", "&a", "*a", "!t", "${", "}", "caller.number", "open(\"x\")",
    "1", "5s", "a", "b", "failed", "ok", "é", "\t", "\u{0}", "? ", "---", "use", "prompts", "prompt/a", "script", "call", "language", "de", "spoken(1)", "outcome",
];

fn survive(path: &str, text: String) {
    let source = Source::new(path, text);
    match FlowSet::load(vec![source.clone()], &world()) {
        Ok(set) => {
            for name in set.names() {
                let (mut run, now) = (Run::start(set.clone(), name, facts()), origin());
                let mut next = run.next(None, now);
                for step in 0..40 {
                    next = match next {
                        Next::Effect(_) if step == 30 => run.caller_left(now),
                        Next::Effect(_) if step % 7 == 3 => run.failed("soup", now),
                        Next::Effect(_) => run.next(Some(Outcome::new(if step % 2 == 0 { "ok" } else { "1" })), now),
                        Next::Script(job) => run.resume(job.execute(), now),
                        Next::End(_) => break,
                    };
                }
                let _ = run.where_am_i();
            }
        }
        Err(faults) => {
            for format in [Format::Text, Format::Json, Format::Github, Format::Sarif] {
                assert!(!render(&faults, std::slice::from_ref(&source), format).is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        survive("flows/a.yaml", text.clone());
        survive("scripts/a.rhai", text);
    }

    #[test]
    fn words_of_the_language_in_any_order_are_survived(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60)) {
        survive("flows/a.yaml", words.concat());
    }

    #[test]
    fn a_good_flow_with_a_hole_in_it_is_survived(from in 0usize..2_600, length in 0usize..40, filler in prop::sample::select(&WORDS[..])) {
        let text = include_str!("office.yaml");
        let border = |mut at: usize| { at = at.min(text.len()); while !text.is_char_boundary(at) { at -= 1; } at };
        let (from, to) = (border(from), border(from + length));
        survive("flows/a.yaml", format!("{}{filler}{}", &text[..from], &text[to.max(from)..]));
    }

    #[test]
    fn a_good_script_with_a_hole_in_it_is_survived(from in 0usize..1_200, length in 0usize..30, filler in prop::sample::select(&["(", ")", "{", "}", "\"", "`", "${", "||", "fn", "let", "loop {", "1", ".", "line."][..])) {
        let text = include_str!("../../../../scripts/reception.rhai");
        let border = |mut at: usize| { at = at.min(text.len()); while !text.is_char_boundary(at) { at -= 1; } at };
        let (from, to) = (border(from), border(from + length));
        survive("scripts/a.rhai", format!("{}{filler}{}", &text[..from], &text[to.max(from)..]));
    }
}
