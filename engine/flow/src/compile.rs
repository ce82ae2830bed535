//! YAML tree to program: every name resolved, every fault noted with its place.

mod calls;
mod includes;
mod ways;

use crate::{
    calendar::Calendars,
    catalogue::{ACTIONS, Action, action},
    check,
    limits::STATES,
    program::{Act, Program, Speech, State, Subroutines, Then},
    prompts::{PREFIX, Written},
    sections::typed,
    template::{Expression, Names, Piece, Template, cut},
    value::{Findings, Kind, Mention, Raw, Step, Thing, Value, is_choice, read_params, reserved_header},
    world::World,
};
use notation::{Entry, Kind as Shape, Map, Node, Reader, Source, Span, Style, nearest};
use std::{collections::BTreeMap, sync::Arc};

/// Keys of a flow file.
pub(crate) const FLOW_KEYS: [&str; 13] =
    ["flow", "description", "use", "speech", "zone", "settings", "hours", "prompts", "vars", "start", "rescue", "caller_left", "states"];
/// Words of other systems for where to go.
const LEADS: [&str; 8] = ["on", "on_success", "on_failure", "next", "goto", "transitions", "outcomes", "else"];
/// Keys of a state beside its action.
pub(crate) const STATE_KEYS: [&str; 6] = ["set", "then", "with", "run", "script", "return"];
pub(crate) use includes::LIBRARY_KEYS;

/// Files that others use, by path; without a tree when they are no YAML.
pub(crate) type Libraries = BTreeMap<String, (Source, Option<Node>)>;

/// Reads one flow; the state of the reading.
pub(crate) struct Compiler<'w> {
    pub(crate) world: &'w World,
    pub(crate) calendars: &'w Calendars,
    /// File 0 is the flow's own, then those it uses.
    pub(crate) readers: Vec<Reader>,
    pub(crate) names: Names,
    pub(crate) states: Vec<State>,
    /// Whether a way or a state could not be read, so that nothing is sure about who is reached.
    pub(crate) torn: bool,
    /// Whether a file that it uses could not be read, so that any state may be there.
    blind: bool,
    index: BTreeMap<String, usize>,
    vars: BTreeMap<String, Kind>,
    subroutines: Subroutines,
    pub(crate) speech: Speech,
    /// Prompts by name, as far as they have been read.
    pub(crate) written: BTreeMap<String, Written<'w>>,
}

/// Compiles one flow file and the files it uses. Faults are answered with or without a program.
pub(crate) fn compile<'a>(
    source: &'a Source,
    root: &'a Node,
    libraries: &'a Libraries,
    world: &'a World,
    calendars: &'a Calendars,
) -> (Option<Program>, Vec<Reader>) {
    let mut compiler = Compiler::new(source, world, calendars);
    let program = compiler.flow(root, libraries);
    (program, compiler.readers)
}

impl<'w> Compiler<'w> {
    pub(crate) fn new(source: &Source, world: &'w World, calendars: &'w Calendars) -> Self {
        Self {
            world,
            calendars,
            readers: vec![Reader::new(source)],
            names: Names { secrets: world.secrets.clone(), ..Names::default() },
            states: Vec::new(),
            torn: false,
            blind: false,
            index: BTreeMap::new(),
            vars: BTreeMap::new(),
            subroutines: Subroutines::default(),
            speech: Speech::default(),
            written: BTreeMap::new(),
        }
    }

    pub(crate) fn reader(&mut self, file: usize) -> &mut Reader {
        &mut self.readers[file]
    }

    fn flow(&mut self, root: &'w Node, libraries: &'w Libraries) -> Option<Program> {
        let map = self.reader(0).map(root, "a flow", &FLOW_KEYS)?;
        let mut files = vec![map];
        self.include(0, map, libraries, &mut vec![self.readers[0].source().path.to_string()], &mut files);
        let hours = self.hours(&files);
        // Hours with faults are there all the same.
        let written = files.iter().filter_map(|map| map.get("hours")).flat_map(Node::entries).map(|entry| entry.key.text.clone());
        self.names.hours = hours.keys().cloned().chain(written).collect();
        let settings = self.declared(map, "settings", "setting");
        self.names.settings = settings.iter().map(|setting| setting.name.clone()).collect();
        let vars = self.declared(map, "vars", "variable");
        self.names.vars = vars.iter().map(|var| var.name.clone()).collect();
        self.vars = vars.iter().map(|var| (var.name.clone(), var.kind)).collect();
        // Always there: the call's language.
        self.vars.insert("language".to_owned(), Kind::Line);
        self.speech = self.speech(map);
        let zone = self.zone(map);
        self.prompts(&files);

        let mut bodies = Vec::new();
        for (file, map) in files.iter().enumerate() {
            let states = if file == 0 { self.readers[0].required(*map, "a flow", "states") } else { map.get("states") };
            let states = states.and_then(|states| self.readers[file].any_map(states, "states by name"));
            for entry in states.map(Map::entries).unwrap_or_default() {
                self.name_state(file, entry, &mut bodies);
            }
        }
        for (file, slot, name, node) in bodies {
            self.body(file, node, &name, slot);
        }
        let start = self.entry_point(map, "start");
        if map.get("start").is_none() {
            self.torn = true;
            let at = map.entry("start").or(map.entries().first()).map_or(map.node.span, |entry| entry.key.span);
            self.reader(0).error("missing-field", at, "a flow needs `start`").help("start: the state that a call begins with");
        }
        let rescue = self.entry_point(map, "rescue");
        let caller_left = self.entry_point(map, "caller_left");
        if self.states.is_empty() || self.readers.iter().any(Reader::has_errors) && start.is_none() {
            return None;
        }
        check::graph(self, start, rescue, caller_left);
        check::unused(self, map);
        let start = start?;
        Some(Program {
            settings,
            vars,
            hours: Arc::new(hours),
            zone,
            speech: self.speech.clone(),
            prompts: Arc::new(self.made_prompts()),
            states: std::mem::take(&mut self.states),
            start,
            rescue,
            caller_left,
            subroutines: std::mem::take(&mut self.subroutines),
            paths: self.readers.iter().map(|reader| reader.source().path.clone()).collect(),
        })
    }

    fn name_state<'n>(&mut self, file: usize, entry: &'n Entry, bodies: &mut Vec<(usize, usize, String, &'n Node)>) {
        let name = entry.key.text.clone();
        let span = entry.key.span;
        if name == "end" || name.is_empty() || name.len() > 64 || name.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '.' | '[' | ']')) {
            // Dots and brackets make the names of states within states: `message.full`, `welcome[1]`.
            self.torn = true;
            let fault = self.reader(file).error("bad-name", span, format!("{name:?} cannot be the name of a state"));
            if name == "end" {
                fault.help("`end` ends the flow wherever a state may stand");
            } else {
                fault.help("use 1 to 64 letters, digits, `_` and `-`");
            }
            return;
        }
        if let Some(other) = self.index.get(&name).and_then(|slot| self.states.get(*slot)) {
            let place = self.place(other.file, other.span);
            self.torn = true;
            self.reader(file).error("clash", span, format!("there is a state `{name}` already, in {place}"));
            return;
        }
        let slot = self.reserve(&name, file, span);
        self.index.insert(name.clone(), slot);
        bodies.push((file, slot, name, &entry.value));
    }

    fn reserve(&mut self, name: &str, file: usize, span: Span) -> usize {
        let then = Then::Nowhere;
        self.states.push(State { name: name.into(), file, span, set: Vec::new(), act: Act::Nothing, outcomes: Vec::new(), then });
        self.states.len() - 1
    }

    fn entry_point(&mut self, map: Map, key: &str) -> Option<usize> {
        let node = map.get(key)?;
        let name = self.reader(0).text(node)?;
        let found = self.index.get(&name).copied();
        self.torn |= found.is_none();
        if found.is_none() && !self.blind {
            let known: Vec<&str> = self.index.keys().map(String::as_str).collect();
            self.readers[0].unknown("missing-target", node.span, "state", &name, &known);
        }
        found
    }

    /// A state's body: one action or a list of them.
    fn body(&mut self, file: usize, node: &Node, name: &str, slot: usize) {
        if self.states.len() > STATES {
            self.reader(file).error("too-large", node.span, format!("a flow has at most {STATES} states"));
            return;
        }
        match &node.kind {
            Shape::Map(_) => self.state(file, node, name, slot, None),
            Shape::List(items) if !items.is_empty() => {
                let slots: Vec<usize> = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| if at == 0 { slot } else { self.reserve(&format!("{name}[{at}]"), file, item.span) })
                    .collect();
                for (at, item) in items.iter().enumerate() {
                    self.state(file, item, &format!("{name}[{at}]"), slots[at], slots.get(at + 1).copied());
                    let leaves = matches!(&self.states[slots[at]].then, Then::Always(_) | Then::By { other: Some(_), .. });
                    if let (true, Some(next)) = (leaves, items.get(at + 1)) {
                        self.reader(file).error("unreachable", next.span, "this is never done: what stands before it always goes elsewhere");
                    }
                }
            }
            Shape::Null | Shape::Scalar(..) | Shape::List(_) => {
                self.torn = true;
                self.reader(file)
                    .error("wrong-type", node.span, format!("state `{name}` does nothing: expected an action and `then`"))
                    .help("for instance { say: Hello., then: end }");
            }
        }
    }

    /// One action with its `set` and `then`. `fall` is the next item of a list.
    fn state(&mut self, file: usize, node: &Node, name: &str, slot: usize, fall: Option<usize>) {
        if self.reader(file).any_map(node, "an action and `then`").is_none() {
            self.torn = true;
            return;
        }
        let (mut strange, mut leads) = (false, false);
        let mut actions: Vec<&Entry> = Vec::new();
        for entry in node.entries() {
            let key = entry.key.text.as_str();
            if action(key).is_some() || matches!(key, "run" | "script" | "return") {
                actions.push(entry);
            } else if !STATE_KEYS.contains(&key) {
                self.unknown_key(file, entry);
                strange = true;
                leads |= LEADS.contains(&key);
            }
        }
        self.torn |= strange;
        if let Some(second) = actions.get(1) {
            let first = actions[0].key.text.clone();
            self.reader(file)
                .error("two-actions", second.key.span, format!("a state does one action, and this one has `{first}` already"))
                .help("make it a list of actions, or a state of its own");
        }
        let set = node.entry("set").map(|entry| self.set(file, &entry.value)).unwrap_or_default();
        let then = node.entry("then");
        // Whose action is misspelt, or who says where to go in a word of another system, is told that and nothing else.
        let mut outcomes = Outcomes { later: strange && actions.is_empty(), lost: leads || (strange && actions.is_empty()), ..Outcomes::default() };
        let act = match actions.first() {
            None => Act::Nothing,
            Some(entry) => self.act(file, node, entry, then, &mut outcomes),
        };
        if let (Some(with), false) = (node.entry("with"), matches!(act, Act::Run { .. } | Act::Script { .. })) {
            self.reader(file).error("unknown-field", with.key.span, "`with` belongs to `run` and `script`");
        }
        let span = actions.first().map_or(node.span, |entry| entry.key.span);
        let done = match &act {
            Act::Ready(action, _) | Act::Evaluate(action, _) => Some(*action),
            Act::Nothing | Act::Run { .. } | Act::Script { .. } | Act::Return { .. } => None,
        };
        let outer = std::mem::replace(&mut self.names.result, done);
        let then = self.then(file, span, name, actions.first().map(|entry| entry.key.text.as_str()), &outcomes, then, fall);
        self.names.result = outer;
        if let (Act::Run { .. }, Some(then)) = (&act, node.get("then"))
            && !then.entries().iter().any(|entry| is_state_key(&entry.key.text)) {
                outcomes.named = then.entries().iter().map(|entry| (entry.key.text.clone(), entry.key.span)).filter(|(name, _)| name != "else").collect();
            }
        self.check_later(file, node, &then, &act, &outcomes.named);
        self.states[slot] = State { name: name.into(), file, span, set, act, outcomes: outcomes.needed, then };
    }

    fn unknown_key(&mut self, file: usize, entry: &Entry) {
        let key = entry.key.text.as_str();
        let known: Vec<&str> = ACTIONS.iter().map(|action| action.name).chain(STATE_KEYS).collect();
        let help = match key {
            _ if LEADS.contains(&key) => Some("say where to go with `then:`".to_owned()),
            "if" => Some("conditions stand in the list after `then:`".to_owned()),
            _ => None,
        };
        let is_last = entry.value.entries().is_empty();
        self.reader(file).unknown("unknown-action", entry.key.span, if is_last && help.is_some() { "field" } else { "action" }, key, &known);
        if let (Some(help), Some(fault)) = (help, self.readers[file].last_fault()) {
            fault.help(help);
        }
    }

    fn set(&mut self, file: usize, node: &Node) -> Vec<(String, Kind, Template)> {
        let mut found = Vec::new();
        let Some(map) = self.reader(file).any_map(node, "variables to set") else { return found };
        for entry in map.entries() {
            let name = &entry.key.text;
            let Some(kind) = self.vars.get(name).copied() else {
                self.names.torn = true;
                let known: Vec<&str> = self.vars.keys().map(String::as_str).collect();
                self.readers[file].unknown("unknown-variable", entry.key.span, "variable", name, &known);
                continue;
            };
            let template = self.template(file, &entry.value, false);
            let mut findings = Findings::default();
            typed(&kind, &template.outline(), &mut findings);
            self.report(file, &entry.value, None, findings);
            found.push((name.clone(), kind, template));
        }
        found
    }

    fn act(&mut self, file: usize, state: &Node, entry: &Entry, then: Option<&Entry>, outcomes: &mut Outcomes) -> Act {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        match key {
            "return" => self.give_back(file, node, outcomes),
            "run" => self.run(file, state, node, outcomes),
            "script" => self.script(file, state, node, outcomes),
            _ => match action(key) {
                Some(action) => self.action(file, action, node, then, outcomes),
                None => Act::Nothing,
            },
        }
    }

    fn action(&mut self, file: usize, action: &'static Action, node: &Node, then: Option<&Entry>, outcomes: &mut Outcomes) -> Act {
        if let Some(inner) = node.entries().iter().find(|entry| matches!(entry.key.text.as_str(), "then" | "set") && action.params.iter().all(|param| param.name != entry.key.text)) {
            // One wrong indentation is one mistake: nothing more is said of this state.
            let (key, name) = (&inner.key.text, action.name);
            self.reader(file)
                .error("indentation", inner.key.span, format!("`{key}` stands inside `{name}`"))
                .help(format!("it belongs beside `{name}`: indent it like `{name}`"));
            (self.torn, self.names.torn, outcomes.lost) = (true, true, true);
            return Act::Nothing;
        }
        let short = action.main.filter(|main| !matches!(&node.kind, Shape::Map(_) | Shape::Null) && !main.is_empty());
        let mut template = match (&node.kind, short) {
            (Shape::Map(entries), _) => Template::Map(
                entries
                    .iter()
                    .map(|entry| {
                        let typed = action.params.iter().any(|param| param.name == entry.key.text && matches!(param.kind, Kind::Any));
                        (entry.key.text.clone(), self.template(file, &entry.value, typed))
                    })
                    .collect(),
            ),
            (_, Some(main)) => Template::Map(vec![(main.to_owned(), self.template(file, node, false))]),
            (_, None) => self.template(file, node, false),
        };
        if action.keys_are_outcomes {
            if let Template::Plain(Raw::Null) = &template {
                template = Template::Map(Vec::new());
            }
            if let Template::Map(entries) = &mut template
                && !entries.iter().any(|(key, _)| key == "keys") {
                    let keys = then.map(|then| then.value.entries()).unwrap_or_default();
                    let keys = keys.iter().map(|entry| &entry.key.text).filter(|key| is_choice(key));
                    entries.push(("keys".to_owned(), Template::Plain(Raw::List(keys.map(|key| Raw::Text(key.clone())).collect()))));
                }
        }
        let mut findings = Findings::default();
        let args = read_params(action.name, action.params, &template.outline(), &mut findings);
        let good = findings.problems.is_empty();
        self.report(file, node, short, findings);
        outcomes.fill(action, &args);
        check::menu(self, file, action, node, then, &args);
        check::comments(self, file, node);
        check::dead_air(self, file, action, node, &args);
        if action.name == "bridge"
            && let Some(header) = reserved_header(&args.pairs("headers")) {
                let header = header.to_owned();
                self.reader(file).error("wrong-type", node.span, format!("the header {header} is the engine's own"));
            }
        if !good {
            return Act::Nothing;
        }
        let plain = template.is_plain();
        match (action.build)(&args) {
            Ok(effect) if plain => Act::Ready(action, effect),
            // A conflict of keys has been told already, at the key.
            Err(_) if crate::value::prefix_conflict(&args.keys("keys")).is_some() => Act::Nothing,
            Err(message) if plain => {
                self.reader(file).error("wrong-value", node.span, message);
                Act::Nothing
            }
            Ok(_) | Err(_) => Act::Evaluate(action, template),
        }
    }

    /// Turns the findings of a value into faults at the places in its node. `short`: the node stands for this parameter.
    pub(crate) fn report(&mut self, file: usize, node: &Node, short: Option<&str>, findings: Findings) {
        for problem in findings.problems {
            let span = locate(node, short, &problem.path);
            let fault = self.reader(file).error(problem.code, span, problem.message);
            fault.help = problem.help;
        }
        for mention in findings.mentions {
            self.mention(file, locate(node, short, &mention.path), &mention);
        }
    }

    fn mention(&mut self, file: usize, span: Span, mention: &Mention) {
        if let Some((code, message, help)) = missing(self.world, mention) {
            self.reader(file).error(code, span, message).help = help;
        }
    }

    /// A value with its expressions compiled. `typed`: plain scalars become numbers and booleans (JSON bodies).
    pub(crate) fn template(&mut self, file: usize, node: &Node, typed: bool) -> Template {
        match &node.kind {
            Shape::Null => Template::Plain(Raw::Null),
            Shape::Scalar(text, _) if text.contains("${") => self.text(file, node, text),
            Shape::Scalar(text, _) if !typed && text.strip_prefix(PREFIX).is_some_and(|name| terms::Name::new(name).is_ok()) => {
                self.named_prompt(file, node, text.strip_prefix(PREFIX).unwrap_or_default())
            }
            Shape::Scalar(text, style) => Template::Plain(if typed { look(text, *style) } else { Raw::Text(text.clone()) }),
            Shape::List(items) => Template::List(items.iter().map(|item| self.template(file, item, typed)).collect()),
            Shape::Map(entries) => {
                Template::Map(entries.iter().map(|entry| (entry.key.text.clone(), self.template(file, &entry.value, typed))).collect())
            }
        }
    }

    fn text(&mut self, file: usize, node: &Node, text: &str) -> Template {
        if text.starts_with(PREFIX) {
            // Which prompt, is only known in the call: any may be meant.
            self.names.used.extend(self.written.keys().map(|name| format!("{PREFIX}{name}")));
        }
        let parts = match cut(text) {
            Ok(parts) => parts,
            Err(at) => {
                self.names.torn = true;
                let span = node.within(&self.readers[file].source().text, at, text.len());
                self.reader(file).error("bad-expression", span, "`${` without its `}`").help("for `${` as a text write ${\"$\"}{");
                return Template::Plain(Raw::Unknown);
            }
        };
        let mut pieces = Vec::new();
        for (is_expression, at, part) in parts {
            if !is_expression {
                pieces.push(Piece::Words(part.to_owned()));
            } else if let Some(expression) = self.expression(file, node, part, at) {
                pieces.push(Piece::Value(expression));
            }
        }
        Template::Text(pieces)
    }

    /// Compiles the expression that stands at byte `at` of the node's text.
    fn expression(&mut self, file: usize, node: &Node, text: &str, at: usize) -> Option<Expression> {
        match Expression::compile(text, &mut self.names) {
            Ok(expression) => Some(expression),
            Err(faults) => {
                self.names.torn = true;
                for fault in faults {
                    let span = node.within(&self.readers[file].source().text, at + fault.from, at + fault.to);
                    self.reader(file).error(fault.code, span, fault.message).help = fault.help;
                }
                None
            }
        }
    }
}

/// The outcomes of the action being read.
#[derive(Default)]
pub(crate) struct Outcomes {
    possible: Vec<String>,
    /// Those that must be handled.
    needed: Vec<String>,
    /// Places of those named, for a check when all flows are known.
    named: Vec<(String, Span)>,
    later: bool,
    ends: bool,
    /// Whether a fault already told hides where it goes.
    lost: bool,
}

impl Outcomes {
    fn fill(&mut self, action: &Action, args: &crate::value::Args) {
        self.ends = action.outcomes.is_empty();
        if action.keys_are_outcomes {
            self.possible.extend(args.keys("keys"));
        }
        self.possible.extend(action.outcomes.iter().map(|name| (*name).to_owned()));
        let never = |name: &str| match name {
            "interrupted" => matches!(args.get("barge_in"), Some(Value::Words(words)) if words == &["none"]),
            "not_confirmed" => args.get("confirm").is_none(),
            _ => false,
        };
        self.needed = self.possible.iter().filter(|name| !never(name)).cloned().collect();
    }
}

fn is_state_key(key: &str) -> bool {
    action(key).is_some() || STATE_KEYS.contains(&key)
}

/// A scalar of a JSON body: plain `true`, `null` and numbers are what they look like.
fn look(text: &str, style: Style) -> Raw {
    match style {
        Style::Plain if text == "true" || text == "false" => Raw::Bool(text == "true"),
        Style::Plain if text.starts_with('+') || (text.len() > 1 && text.starts_with('0') && !text.contains('.')) => Raw::Text(text.to_owned()),
        Style::Plain => text.parse().map(Raw::Int).or_else(|_| text.parse().map(Raw::Float)).unwrap_or_else(|_| Raw::Text(text.to_owned())),
        Style::Single | Style::Double | Style::Block => Raw::Text(text.to_owned()),
    }
}

/// The place of a part of a value.
fn locate(node: &Node, short: Option<&str>, path: &[Step]) -> Span {
    let mut steps = path;
    if let (Some(main), [Step::Key(key), rest @ ..]) = (short, steps)
        && main == key {
            steps = rest;
        }
    let mut node = node;
    let mut at_key = None;
    for step in steps {
        match step {
            Step::Key(key) => match node.entry(key) {
                Some(entry) => {
                    at_key = Some(entry.key.span);
                    node = &entry.value;
                }
                None => break,
            },
            Step::Index(index) => match node.items().get(*index) {
                Some(item) => {
                    at_key = None;
                    node = item;
                }
                None => continue,
            },
            Step::OfKey => return at_key.unwrap_or(node.span),
        }
    }
    if node.is_null() { at_key.unwrap_or(node.span) } else { node.span }
}

/// Why a thing that is named does not exist, if it does not.
pub(crate) fn missing(world: &World, mention: &Mention) -> Option<(&'static str, String, Option<String>)> {
    let (known, code, what) = match mention.thing {
        Thing::Connection => (&world.connections, "missing-connection", "connection"),
        Thing::Number => (&world.numbers, "missing-number", "number"),
        Thing::Trunk => (&world.trunks, "missing-trunk", "trunk"),
        Thing::Mailbox => (&world.mailboxes, "missing-mailbox", "mailbox"),
        Thing::Prompt => (&world.prompts, "missing-sound", "file in the prompts folder"),
    };
    let known = known.as_ref()?;
    if mention.thing == Thing::Number && world.trunks.as_ref().is_none_or(|trunks| !trunks.is_empty()) {
        // With a trunk every number can be rung.
        return None;
    }
    if mention.name.is_empty() || known.contains(&mention.name) {
        return None;
    }
    let near = nearest(&mention.name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    Some((code, format!("there is no {what} `{}`", mention.name), near))
}
