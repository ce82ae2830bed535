//! What is wrong with a flow as a whole, though each part of it reads well.

use crate::{
    catalogue::Action,
    compile::Compiler,
    effect::PromptItem,
    limits::DEAD_AIR,
    program::{Act, State, Target, reach},
    value::{Args, prefix_conflict},
};
use notation::{Entry, Kind as Shape, Map, Node, Span, Style};
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
    // A way that could not be read may lead anywhere: who is reached and what ends is only sure when all ways are known.
    if !compiler.torn {
        for (at, state) in states.iter().enumerate() {
            if !is_inner(state) && state.file == 0 && !main.contains(&at) && !after.contains(&at) {
                compiler.readers[0].warning("unreachable", state.span, format!("state `{}` is never reached", state.name));
            }
        }
        let ways = Ways::of(&states);
        endless(compiler, &states, &ways);
        // An action that could not be read may be one that waits.
        if !compiler.readers.iter().any(notation::Reader::has_errors) {
            runaway(compiler, &states, &ways);
        }
    }
    compiler.states = states;
}

/// An inline state or an item of a list: it has no name of its own.
fn is_inner(state: &State) -> bool {
    state.name.contains(['.', '['])
}

/// Where each state leads to, and from where it is come to.
struct Ways {
    to: Vec<Vec<usize>>,
    from: Vec<Vec<usize>>,
}

impl Ways {
    fn of(states: &[State]) -> Self {
        let (mut to, mut from) = (vec![Vec::new(); states.len()], vec![Vec::new(); states.len()]);
        for (at, state) in states.iter().enumerate() {
            for target in state.targets() {
                if let Target::State(next) = target {
                    to[at].push(next);
                    from[next].push(at);
                }
            }
        }
        Self { to, from }
    }
}

/// States that no way leads from to an end. Of a group that only leads to itself the first is told, with the others; what leads into
/// such a group is no mistake of its own.
fn endless(compiler: &mut Compiler, states: &[State], ways: &Ways) {
    let mut ends: Vec<bool> = states.iter().map(State::ends).collect();
    let mut open: Vec<usize> = (0..states.len()).filter(|at| ends[*at]).collect();
    while let Some(at) = open.pop() {
        for before in &ways.from[at] {
            if !std::mem::replace(&mut ends[*before], true) {
                open.push(*before);
            }
        }
    }
    let stuck: Vec<(usize, BTreeSet<usize>)> = (0..states.len()).filter(|at| !ends[*at]).map(|at| (at, reach(states, [at]))).collect();
    let group = |at: usize| stuck.iter().find(|(other, _)| *other == at).map(|(_, group)| group);
    for (at, around) in &stuck {
        let closed = around.iter().all(|other| group(*other) == Some(around));
        if !closed || around.first() != Some(at) {
            continue;
        }
        let names: Vec<String> = around.iter().filter(|other| !is_inner(&states[**other])).map(|other| format!("`{}`", states[*other].name)).collect();
        let who = if names.is_empty() { format!("`{}`", states[*at].name) } else { names.join(", ") };
        let noun = if names.len() > 1 { "states" } else { "state" };
        compiler.readers[states[*at].file]
            .error("endless", states[*at].span, format!("from {noun} {who} no way leads to an end"))
            .help("somewhere on its way say `then: end`, hangup, reject or return");
    }
}

/// Loops through states that do not wait, each told once.
fn runaway(compiler: &mut Compiler, states: &[State], ways: &Ways) {
    let mut alive: Vec<bool> = states.iter().map(|state| !state.waits()).collect();
    loop {
        peel(&mut alive, ways);
        // From a state that is left, every way that stays among them comes back sooner or later.
        let Some(first) = alive.iter().position(|alive| *alive) else { return };
        let mut walk = vec![first];
        let found = loop {
            let last = walk[walk.len() - 1];
            let Some(next) = ways.to[last].iter().copied().find(|next| alive[*next]) else { return };
            match walk.iter().position(|at| *at == next) {
                Some(begin) => break walk.split_off(begin),
                None => walk.push(next),
            }
        };
        let begin = found.iter().copied().min().unwrap_or(first);
        let names: Vec<&str> = found.iter().map(|at| &*states[*at].name).take(6).collect();
        compiler.readers[states[begin].file]
            .error("cycle", states[begin].span, format!("a loop without a waiting step: {}", names.join(", ")))
            .help("put a menu, pause, say or another step that takes time into the loop");
        for at in found {
            alive[at] = false;
        }
    }
}

/// Takes away all that lies on no loop: what has no successor or no predecessor left.
fn peel(alive: &mut [bool], ways: &Ways) {
    let mut open: Vec<usize> = (0..alive.len()).filter(|at| alive[*at]).collect();
    while let Some(at) = open.pop() {
        let some = |list: &[usize], alive: &[bool]| list.iter().any(|other| alive[*other]);
        if alive[at] && !(some(&ways.to[at], alive) && some(&ways.from[at], alive)) {
            alive[at] = false;
            open.extend(ways.to[at].iter().chain(&ways.from[at]).filter(|other| alive[**other]));
        }
    }
}

/// Settings, variables and hours that nothing reads.
pub(crate) fn unused(compiler: &mut Compiler, root: Map) {
    // An expression or a state that could not be read may be the one that uses them.
    if compiler.torn || compiler.names.torn {
        return;
    }
    let sections = [
        ("settings", "setting `", "settings."),
        ("vars", "variable `", ""),
        ("prompts", "prompt `", crate::prompts::PREFIX),
        ("hours", "hours `", "hours."),
    ];
    for (section, what, prefix) in sections {
        for entry in root.get(section).map(Node::entries).unwrap_or_default() {
            let name = &entry.key.text;
            if !compiler.names.used.contains(&format!("{prefix}{name}")) {
                let are = if section == "hours" { "are" } else { "is" };
                compiler.readers[0].warning("unused", entry.key.span, format!("{what}{name}` {are} never used"));
            }
        }
    }
}

/// Words after which a `#` is a key that somebody wanted to be heard.
const BEFORE_KEY: [&str; 12] = ["press", "dial", "pressing", "hit", "or", "and", "the", "then", "by", "with", "key", "star"];

/// `say: Press # to end.` says "Press": what follows a space and `#` is a comment in YAML.
pub(crate) fn comments(compiler: &mut Compiler, file: usize, node: &Node) {
    match &node.kind {
        Shape::Scalar(text, Style::Plain) => {
            let last = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
            let source = compiler.readers[file].source().clone();
            let rest = source.text.get(node.span.end..).unwrap_or_default();
            let rest = rest.split(['\n', '\r']).next().unwrap_or_default();
            if BEFORE_KEY.contains(&last.as_str()) && rest.starts_with(' ') && rest.trim_start().starts_with('#') {
                let at = node.span.end + rest.len() - rest.trim_start().len();
                compiler.readers[file]
                    .warning("comment", Span::of(&source.text, at, node.span.end + rest.len()), "this is a comment, not part of the text before it")
                    .help("put the whole text into quotes");
            }
        }
        Shape::Null | Shape::Scalar(_, Style::Single | Style::Double | Style::Block) => {}
        Shape::List(items) => items.iter().for_each(|item| comments(compiler, file, item)),
        Shape::Map(entries) => entries.iter().for_each(|entry| comments(compiler, file, &entry.value)),
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
