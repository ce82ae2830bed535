//! What is wrong with a flow as a whole, though each part of it reads well.

use crate::{
    catalogue::Action,
    compile::Compiler,
    effect::PromptItem,
    limits::DEAD_AIR,
    program::{Act, State, Target, reach},
    value::{Args, prefix_conflict},
};
use notation::{Entry, Map, Node};
use std::collections::BTreeSet;

/// States nobody enters, states that cannot end, loops that never wait, media after the caller has left.
pub(crate) fn graph(compiler: &mut Compiler, start: Option<usize>, rescue: Option<usize>, caller_left: Option<usize>) {
    let states = std::mem::take(&mut compiler.states);
    let main = reach(&states, start.into_iter().chain(rescue));
    let after = reach(&states, caller_left);
    for (at, state) in states.iter().enumerate() {
        let reader = &mut compiler.readers[state.file];
        if let (true, Act::Ready(action, _) | Act::Evaluate(action, _)) = (after.contains(&at), &state.act)
            && !matches!(action.name, "http" | "notify") {
                reader
                    .error("caller-left", state.span, format!("`{}` needs the caller, who has left when this state runs", action.name))
                    .help("after `caller_left` only http, notify and set are done");
            }
    }
    // A fault elsewhere may have cost a target: what ends where is only sure in a flow without errors.
    if !compiler.readers.iter().any(notation::Reader::has_errors) {
        for (at, state) in states.iter().enumerate() {
            let inner = state.name.contains(['.', '[']);
            if !inner && state.file == 0 && !main.contains(&at) && !after.contains(&at) {
                compiler.readers[0].warning("unreachable", state.span, format!("state `{}` is never reached", state.name));
            }
        }
        endless(compiler, &states);
        runaway(compiler, &states);
    }
    compiler.states = states;
}

fn endless(compiler: &mut Compiler, states: &[State]) {
    let mut ends: Vec<bool> = states.iter().map(State::ends).collect();
    loop {
        let mut changed = false;
        for (at, state) in states.iter().enumerate() {
            if !ends[at] && state.targets().iter().any(|target| matches!(target, Target::State(next) if ends[*next])) {
                ends[at] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for (at, state) in states.iter().enumerate().filter(|(at, _)| !ends[*at]) {
        if !state.name.contains(['.', '[']) || states.iter().enumerate().all(|(other, s)| other == at || ends[other] || s.name.contains(['.', '['])) {
            compiler.readers[state.file]
                .error("endless", state.span, format!("from state `{}` no way leads to an end", state.name))
                .help("somewhere on its way say `then: end`, hangup, reject or return");
        }
    }
}

/// Cycles through states that do not wait: found by removing waiting states and peeling off what has no successor left.
fn runaway(compiler: &mut Compiler, states: &[State]) {
    let mut alive: Vec<bool> = states.iter().map(|state| !state.waits()).collect();
    let next = |state: &State, alive: &[bool]| state.targets().iter().any(|target| matches!(target, Target::State(at) if alive[*at]));
    let before = |at: usize, alive: &[bool]| states.iter().enumerate().any(|(from, state)| alive[from] && state.targets().contains(&Target::State(at)));
    loop {
        let gone: Vec<usize> = (0..states.len()).filter(|at| alive[*at] && !(next(&states[*at], &alive) && before(*at, &alive))).collect();
        if gone.is_empty() {
            break;
        }
        for at in gone {
            alive[at] = false;
        }
    }
    if let Some(first) = (0..states.len()).find(|at| alive[*at]) {
        let names: Vec<&str> = (0..states.len()).filter(|at| alive[*at]).map(|at| &*states[at].name).take(6).collect();
        compiler.readers[states[first].file]
            .error("cycle", states[first].span, format!("a loop without a waiting step: {}", names.join(", ")))
            .help("put a menu, pause, say or another step that takes time into the loop");
    }
}

/// Settings and variables that nothing reads.
pub(crate) fn unused(compiler: &mut Compiler, root: Map) {
    if compiler.readers.iter().any(notation::Reader::has_errors) {
        return;
    }
    for (section, what, prefix) in [("settings", "setting", "settings."), ("vars", "variable", ""), ("prompts", "prompt", crate::prompts::PREFIX)] {
        for entry in root.get(section).map(Node::entries).unwrap_or_default() {
            let name = &entry.key.text;
            if !compiler.names.used.contains(&format!("{prefix}{name}")) {
                compiler.readers[0].warning("unused", entry.key.span, format!("{what} `{name}` is never used"));
            }
        }
    }
}

/// Keys of a menu: conflicts, and what the prompt says against what the keys are.
pub(crate) fn menu(compiler: &mut Compiler, file: usize, action: &Action, node: &Node, then: Option<&Entry>, args: &Args) {
    if !action.keys_are_outcomes {
        return;
    }
    let keys = args.keys("keys");
    let place = |key: &str| then.and_then(|then| then.value.entry(key)).map_or(node.span, |entry| entry.key.span);
    if let Some((short, long)) = prefix_conflict(&keys) {
        compiler.readers[file]
            .error("key-conflict", place(long), format!("key {long} can never be pressed: key {short} is its beginning"))
            .help("give every choice the same number of keys, or another first key");
    }
    let spoken: Vec<String> = args
        .prompt("prompt")
        .into_iter()
        .filter_map(|item| match item {
            PromptItem::Say(say) => Some(say.text),
            PromptItem::File(_) | PromptItem::Url(_) | PromptItem::Tone(_) | PromptItem::Silence(_) | PromptItem::Ring(_) => None,
        })
        .collect();
    let said: BTreeSet<String> = spoken.iter().flat_map(|text| said_keys(text)).collect();
    let prompt = node.get("prompt").map_or(node.span, |prompt| prompt.span);
    for key in said.iter().filter(|key| !keys.contains(key)) {
        compiler.readers[file].warning("prompt-keys", prompt, format!("the prompt says \"press {key}\", but the menu has no key {key}"));
    }
    let only_words = spoken.len() == args.prompt("prompt").len() && !spoken.iter().any(String::is_empty);
    if only_words && !said.is_empty() {
        for key in keys.iter().filter(|key| !said.contains(*key)) {
            compiler.readers[file].warning("prompt-keys", place(key), format!("the prompt never says \"press {key}\""));
        }
    }
}

/// The keys that an English prompt names after "press" or "dial".
fn said_keys(text: &str) -> Vec<String> {
    const WORDS: [(&str, &str); 15] = [
        ("zero", "0"), ("one", "1"), ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"),
        ("eight", "8"), ("nine", "9"), ("star", "*"), ("asterisk", "*"), ("pound", "#"), ("hash", "#"), ("square", "#"),
    ];
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';' | '!' | '?' | '"' | '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut found = Vec::new();
    let mut expects = 0;
    for word in &words {
        if matches!(word.as_str(), "press" | "dial" | "pressing") {
            expects = 2;
            continue;
        }
        if expects == 0 {
            continue;
        }
        expects -= 1;
        let key = WORDS.iter().find(|(name, _)| name == word).map(|(_, key)| (*key).to_owned());
        match key.or_else(|| Some(word.clone()).filter(|word| crate::value::is_choice(word) && !word.chars().any(char::is_alphabetic))) {
            Some(key) => {
                found.push(key);
                expects = 0;
            }
            None if matches!(word.as_str(), "or" | "and" | "the" | "key" | "number") => expects = 2,
            None => {}
        }
    }
    found
}

/// An `http` over two seconds that the caller hears nothing of.
pub(crate) fn dead_air(compiler: &mut Compiler, file: usize, action: &Action, node: &Node, args: &Args) {
    let Some(timeout) = args.span("timeout").filter(|timeout| action.name == "http" && *timeout > DEAD_AIR) else { return };
    if args.prompt("filler").is_empty() {
        let span = node.get("timeout").map_or(node.span, |node| node.span);
        compiler.readers[file]
            .warning("dead-air", span, format!("the caller may hear nothing for {}", terms::spell_span(timeout)))
            .help("add a `filler:` prompt, or a timeout of at most 2s");
    }
}
