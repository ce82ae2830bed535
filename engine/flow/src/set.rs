//! All flows of one moment: loaded, checked, immutable, with a version.

use crate::{
    calendar::{Calendars, is_calendar},
    compile::{self, Compiler, LIBRARY_KEYS, Libraries},
    effect::PromptItem,
    hours::Hours,
    materials::{self, Materials},
    program::Program,
    prompts::{self, Prompts},
    script::{self, Script},
    sections::typed,
    spread::spread,
    value::{Findings, Raw},
    world::World,
};
use notation::{Fault, Node, Reader, Severity, Source, Span, nearest, parse};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

/// A checked set of flows. Cloning is cheap (one `Arc`); calls keep the set they began with.
#[derive(Clone, Debug)]
pub struct FlowSet(pub(crate) Arc<Loaded>);

/// What a look at all files found: the faults, and the flows as far as they are good.
#[derive(Debug)]
pub struct Survey {
    faults: Vec<Fault>,
    /// Names of all flows, those with faults too.
    names: BTreeSet<String>,
    set: FlowSet,
}

impl Survey {
    /// A look that found nothing but these faults.
    #[must_use]
    pub fn failed(faults: Vec<Fault>) -> Self {
        let (flows, scripts) = (BTreeMap::new(), BTreeMap::new());
        let loaded = Loaded { version: String::new(), warnings: Vec::new(), flows, scripts, hours: Arc::default(), prompts: Arc::default(), materials: Materials::default() };
        Self { faults, names: BTreeSet::new(), set: FlowSet(Arc::new(loaded)) }
    }
    /// All faults of all files, by file and place.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
    /// Names of all flows, those with faults too; sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
    /// Whether a flow of this name is written somewhere, good or not.
    #[must_use]
    pub fn knows(&self, flow: &str) -> bool {
        self.names.contains(flow)
    }
    /// The flows as far as they are good: for looking at, not for calls.
    #[must_use]
    pub fn good(&self) -> &FlowSet {
        &self.set
    }
    /// [`FlowSet::check_settings`]; of a flow with faults nothing is said.
    ///
    /// # Errors
    /// `(setting, message)` for each bad one.
    pub fn check_settings(&self, flow: &str, settings: &BTreeMap<String, String>) -> Result<(), Vec<(String, String)>> {
        self.set.check_settings(flow, settings)
    }
    /// The set, when it has no errors; its faults are warnings then.
    ///
    /// # Errors
    /// All faults.
    pub fn into_set(self) -> Result<FlowSet, Vec<Fault>> {
        if self.faults.iter().any(|fault| fault.severity == Severity::Error) { Err(self.faults) } else { Ok(self.set) }
    }
}

#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) version: String,
    pub(crate) warnings: Vec<Fault>,
    pub(crate) flows: BTreeMap<String, Flow>,
    /// All scripts by name, those among them that are no flows but hold functions for flows.
    pub(crate) scripts: BTreeMap<String, Arc<Script>>,
    /// Hours of the configuration and of files that others use: what scripts may ask for.
    pub(crate) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    /// Prompts of files that others use: what scripts may name.
    pub(crate) prompts: Arc<Prompts>,
    /// What it was made of.
    pub(crate) materials: Materials,
}

impl Loaded {
    /// The script of this name, or in this file, with its name.
    pub(crate) fn script(&self, call: &str) -> Option<(&String, &Arc<Script>)> {
        script_of(&self.scripts, call)
    }
}

fn script_of<'s>(scripts: &'s BTreeMap<String, Arc<Script>>, call: &str) -> Option<(&'s String, &'s Arc<Script>)> {
    let by_file = || scripts.iter().find(|(_, script)| *script.source.path == *call || script.source.path.rsplit('/').next() == Some(call));
    scripts.get_key_value(call).or_else(by_file)
}

/// One flow in either notation.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    Yaml(Arc<Program>),
    Script(Arc<Script>),
}

impl FlowSet {
    /// Reads and checks all files: `*.rhai` are scripts, `*.ics` calendars that opening hours name, all others YAML (`*.test.yaml` are left to the tests, `*.d.rhai` to editors).
    /// A flow's name is its `flow:` key (a script's first comment `// flow: NAME`) or its file's stem; a YAML file without `start:` is a library for `use:`.
    ///
    /// Run it on a thread with a large stack ([`crate::limits::SCRIPT_STACK`]): it compiles scripts of unknown origin.
    ///
    /// # Errors
    /// All faults of all files (warnings among them), when at least one is an error.
    pub fn load(sources: Vec<Source>, world: &World) -> Result<Self, Vec<Fault>> {
        Self::survey(sources, world).into_set()
    }
    /// The same for those who ask more of a set with faults than its faults.
    #[must_use]
    pub fn survey(sources: Vec<Source>, world: &World) -> Survey {
        let sources = in_order(sources);
        let (calendars, faults) = Calendars::read(&sources);
        let mut load = Load { world, calendars, faults, places: BTreeMap::new() };
        let Parts { flows, scripts, hours, prompts } = load.all(&sources);
        let Load { mut faults, places, calendars, .. } = load;
        faults.sort_by(|a, b| (&a.path, a.span, &a.message).cmp(&(&b.path, b.span, &b.message)));
        faults.dedup();
        let (warnings, hours, prompts) = (faults.clone(), Arc::new(hours), Arc::new(prompts));
        let version = version(&sources);
        let materials = Materials { hours: materials::spelled(&world.hours, &calendars), sources };
        let set = FlowSet(Arc::new(Loaded { version, warnings, flows, scripts, hours, prompts, materials }));
        Survey { faults, names: places.into_keys().collect(), set }
    }
    /// The version that a set of these files would have, good or bad.
    #[must_use]
    pub fn version_of(sources: Vec<Source>) -> String {
        version(&in_order(sources))
    }
    /// The first 16 hex digits of the SHA-256 over all paths and texts.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }
    /// What it was made of: with [`Materials::load`] it is made again.
    #[must_use]
    pub fn materials(&self) -> &Materials {
        &self.0.materials
    }
    /// What is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.0.warnings
    }
    /// Names of all flows, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.flows.keys().map(String::as_str).collect()
    }
    /// Sounds of YAML flows that are the same in every call, so that a server can make them before the first caller wants them.
    #[must_use]
    pub fn prompts(&self) -> Vec<PromptItem> {
        let yaml = self.0.flows.values().filter_map(|flow| match flow {
            Flow::Yaml(program) => Some(program.constant_prompts()),
            Flow::Script(_) => None,
        });
        yaml.flatten().collect()
    }

    /// Whether there is a flow of this name.
    #[must_use]
    pub fn has(&self, flow: &str) -> bool {
        self.0.flows.contains_key(flow)
    }
    /// Checks settings that a connection or number overrides: unknown name or wrong value, one message each.
    /// Scripts take any setting, as text.
    ///
    /// # Errors
    /// `(setting, message)` for each bad one.
    pub fn check_settings(&self, flow: &str, settings: &BTreeMap<String, String>) -> Result<(), Vec<(String, String)>> {
        let Some(Flow::Yaml(program)) = self.0.flows.get(flow) else { return Ok(()) };
        let mut wrong = Vec::new();
        for (name, text) in settings {
            match program.settings.iter().find(|setting| setting.name == *name) {
                Some(setting) => {
                    let mut findings = Findings::default();
                    typed(&setting.kind, &Raw::Text(text.clone()), &mut findings);
                    if !findings.problems.is_empty() {
                        wrong.push((name.clone(), findings.told()));
                    }
                }
                None => {
                    let near = nearest(name, program.settings.iter().map(|setting| setting.name.as_str()));
                    let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    wrong.push((name.clone(), format!("flow {flow} has no setting `{name}`{help}")));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// What a load gathers.
struct Parts {
    flows: BTreeMap<String, Flow>,
    scripts: BTreeMap<String, Arc<Script>>,
    hours: BTreeMap<String, Arc<Hours>>,
    prompts: Prompts,
}

/// What one file is.
enum File {
    Script,
    /// For others to use.
    Library(Node),
    /// No YAML.
    Broken(Vec<Fault>),
    /// A flow by itself, its name and where that is said. Its tree is gone: while it is in the processor's cache it is compiled.
    Flow((String, Span), Compiled),
    /// A flow that uses other files: to be compiled when all are read.
    User((String, Span), Node),
}

impl File {
    fn read(source: &Source, world: &World, calendars: &Calendars) -> Self {
        if source.path.ends_with(".rhai") {
            return Self::Script;
        }
        match parse(source) {
            Ok(tree) if tree.get("start").is_none() && tree.get("flow").is_none() && !tree.is_null() => Self::Library(tree),
            Ok(tree) if tree.get("use").is_some() => Self::User(name_of(source, &tree), tree),
            Ok(tree) => Self::Flow(name_of(source, &tree), Compiled::of(source, &tree, &Libraries::new(), world, calendars)),
            Err(faults) => Self::Broken(faults),
        }
    }
}

/// What became of one flow's tree.
struct Compiled {
    program: Option<Arc<Program>>,
    faults: Vec<Fault>,
}

impl Compiled {
    fn of(source: &Source, tree: &Node, libraries: &Libraries, world: &World, calendars: &Calendars) -> Self {
        let (program, readers) = compile::compile(source, tree, libraries, world, calendars);
        Self { program: program.map(Arc::new), faults: readers.into_iter().flat_map(Reader::into_faults).collect() }
    }
}

struct Load<'w> {
    world: &'w World,
    calendars: Calendars,
    faults: Vec<Fault>,
    /// Where each flow's name was said first.
    places: BTreeMap<String, String>,
}

impl Load<'_> {
    fn all(&mut self, sources: &[Source]) -> Parts {
        let (mut flows, mut libraries, mut scripts, mut users) = (BTreeMap::new(), BTreeMap::new(), Vec::new(), Vec::new());
        let (world, calendars) = (self.world, &self.calendars);
        let sources: Vec<&Source> = sources.iter().filter(|source| !is_calendar(&source.path)).collect();
        let files = spread(&sources, |source| File::read(source, world, calendars));
        for (source, file) in sources.into_iter().zip(files) {
            match file {
                File::Script => {
                    let (name, span) = script_name(source);
                    self.claim(&name, source, span);
                    scripts.push((name, source));
                }
                File::Library(tree) => {
                    libraries.insert(source.path.to_string(), (source.clone(), Some(tree)));
                }
                File::Broken(faults) => {
                    // The name stays known, so that those who run this flow are not blamed.
                    self.places.entry(stem(&source.path).to_owned()).or_insert_with(|| source.path.to_string());
                    libraries.insert(source.path.to_string(), (source.clone(), None));
                    self.faults.extend(faults);
                }
                File::Flow((name, span), compiled) => {
                    self.claim(&name, source, span);
                    self.take(name, compiled, &mut flows);
                }
                File::User((name, span), tree) => {
                    self.claim(&name, source, span);
                    users.push((name, source, tree));
                }
            }
        }
        let (world, calendars) = (self.world, &self.calendars);
        let compiled = spread(&users, |(_, source, tree)| Compiled::of(source, tree, &libraries, world, calendars));
        for ((name, ..), compiled) in users.into_iter().zip(compiled) {
            self.take(name, compiled, &mut flows);
        }
        let hours = self.library_hours(&libraries);
        let (world, calendars) = (self.world, &self.calendars);
        let prompts = prompts::of_libraries(|source| Compiler::new(source, world, calendars), &libraries);
        let known: BTreeSet<String> = self.places.keys().cloned().collect();
        let mut found = BTreeMap::new();
        for (name, source) in scripts {
            let mut reader = Reader::new(source);
            if let Some(script) = script::compile(source, &mut reader, script::Known { world: self.world, flows: &known, hours: &hours, prompts: &prompts }) {
                found.insert(name, Arc::new(script));
            }
            self.faults.extend(reader.into_faults());
        }
        let called = self.script_calls(&flows, &found, &known);
        for (name, script) in &found {
            if script.is_flow() {
                flows.insert(name.clone(), Flow::Script(script.clone()));
            } else if !called.contains(name) {
                let mut reader = Reader::new(&script.source);
                script.needs_main(&mut reader);
                self.faults.extend(reader.into_faults());
            }
        }
        self.runs(&flows, &known);
        Parts { flows, scripts: found, hours, prompts }
    }

    fn take(&mut self, name: String, compiled: Compiled, flows: &mut BTreeMap<String, Flow>) {
        self.faults.extend(compiled.faults);
        if let Some(program) = compiled.program {
            flows.insert(name, Flow::Yaml(program));
        }
    }

    /// Hours of the configuration and of files that others use.
    fn library_hours(&mut self, libraries: &Libraries) -> BTreeMap<String, Arc<Hours>> {
        let mut hours = self.world.hours.clone();
        for (source, tree) in libraries.values().filter_map(|(source, tree)| Some((source, tree.as_ref()?))) {
            let mut reader = Reader::new(source);
            let map = reader.map(tree, "a file that others use", &LIBRARY_KEYS);
            for entry in map.and_then(|map| map.get("hours")).map(Node::entries).unwrap_or_default() {
                if let Some(read) = Hours::read(&entry.value, &mut reader, &self.calendars) {
                    hours.insert(entry.key.text.clone(), Arc::new(read));
                }
            }
            self.faults.extend(reader.into_faults());
        }
        hours
    }

    /// Every `script:` against the function it calls; the names of all scripts called.
    fn script_calls(&mut self, flows: &BTreeMap<String, Flow>, scripts: &BTreeMap<String, Arc<Script>>, known: &BTreeSet<String>) -> BTreeSet<String> {
        let programs = flows.values().filter_map(|flow| match flow {
            Flow::Yaml(program) => Some(program),
            Flow::Script(_) => None,
        });
        let (mut called, mut faults) = (BTreeSet::new(), Vec::new());
        for check in programs.flat_map(|program| &program.subroutines.scripts) {
            let mut reader = Reader::new(&check.source);
            let Some((name, script)) = script_of(scripts, &check.call) else {
                // A script with faults of its own is not there, but it is known.
                if !known.contains(stem(&check.call)) {
                    let names: Vec<&str> = scripts.values().map(|script| script.source.path.rsplit('/').next().unwrap_or_default()).collect();
                    reader.unknown("missing-script", check.call_span, "script", &check.call, &names);
                }
                faults.extend(reader.into_faults());
                continue;
            };
            called.insert(name.clone());
            match script.functions.get(&check.function) {
                None => {
                    let names: Vec<&str> = script.functions.keys().map(String::as_str).collect();
                    reader.unknown("unknown-function", check.function_span, &format!("function of {}", check.call), &check.function, &names);
                }
                Some(arities) if !arities.contains(&check.arguments) => {
                    let takes = arities.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
                    let message = format!("`{}` takes {takes} argument(s), `line` among them, not {}", check.function, check.arguments);
                    reader.error("wrong-arguments", check.function_span, message).help("`with:` gives what comes after `line`: a list of values, or one map");
                }
                Some(_) => {}
            }
            if !check.covered {
                reader.error("outcome-unhandled", check.call_span, format!("`{}` may return any text", check.function)).help("cover the rest with `else:`");
            }
            faults.extend(reader.into_faults());
        }
        self.faults.extend(faults);
        called
    }

    fn claim(&mut self, name: &str, source: &Source, span: Span) {
        let mut reader = Reader::new(source);
        if let Err(error) = terms::Name::new(name) {
            reader.error("bad-name", span, error.to_string());
        } else if let Some(other) = self.places.get(name) {
            reader.error("clash", span, format!("there is a flow `{name}` already, in {other}"));
        } else {
            self.places.insert(name.to_owned(), source.path.to_string());
        }
        self.faults.extend(reader.into_faults());
    }

    /// Every `run:` against the flow it runs.
    fn runs(&mut self, flows: &BTreeMap<String, Flow>, known: &BTreeSet<String>) {
        let programs = flows.values().filter_map(|flow| match flow {
            Flow::Yaml(program) => Some(program),
            Flow::Script(_) => None,
        });
        let mut found = Vec::new();
        for check in programs.flat_map(|program| &program.subroutines.runs) {
            let mut reader = Reader::new(&check.source);
            match flows.get(&check.flow) {
                None if known.contains(&check.flow) => {}
                None => reader.unknown("missing-flow", check.span, "flow", &check.flow, &known.iter().map(String::as_str).collect::<Vec<_>>()),
                Some(Flow::Script(_)) if !check.covered => {
                    reader.error("outcome-unhandled", check.span, format!("script `{}` may return any text", check.flow)).help("cover the rest with `else:`");
                }
                Some(Flow::Script(_)) => {}
                Some(Flow::Yaml(callee)) => {
                    for (name, span) in check.named.iter().filter(|(name, _)| !callee.subroutines.returns.contains(name)) {
                        let names: Vec<&str> = callee.subroutines.returns.iter().map(String::as_str).collect();
                        let help = nearest(name, names.iter().copied()).map_or_else(|| format!("it returns {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
                        reader.error("outcome-impossible", *span, format!("flow `{}` never returns `{name}`", check.flow)).help(help);
                    }
                    let missing: Vec<&str> = callee.subroutines.returns.iter().map(String::as_str).filter(|name| !check.named.iter().any(|(named, _)| named == name)).collect();
                    if !check.covered && !missing.is_empty() {
                        reader.error("outcome-unhandled", check.span, format!("flow `{}` may also return {}", check.flow, missing.join(", "))).help("name each, or cover the rest with `else:`");
                    }
                    for (name, span, value) in &check.with {
                        match (callee.settings.iter().find(|setting| setting.name == *name), value) {
                            (None, _) => {
                                let names: Vec<&str> = callee.settings.iter().map(|setting| setting.name.as_str()).collect();
                                reader.unknown("unknown-setting", *span, &format!("setting of flow `{}`", check.flow), name, &names);
                            }
                            (Some(setting), Some(value)) => {
                                let mut findings = Findings::default();
                                typed(&setting.kind, value, &mut findings);
                                for problem in findings.problems {
                                    reader.error(problem.code, *span, problem.message);
                                }
                            }
                            (Some(_), None) => {}
                        }
                    }
                }
            }
            found.extend(reader.into_faults());
        }
        self.faults.extend(found);
    }
}

fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn name_of(source: &Source, tree: &Node) -> (String, Span) {
    match tree.get("flow").and_then(|node| Some((node.as_text()?.to_owned(), node.span))) {
        Some(named) => named,
        None => (stem(&source.path).to_owned(), Span::of(&source.text, 0, 0)),
    }
}

/// `// flow: NAME` in the first line, or the file's stem.
fn script_name(source: &Source) -> (String, Span) {
    let first = source.text.lines().next().unwrap_or_default();
    match first.strip_prefix("// flow:").map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => (name.to_owned(), Span::of(&source.text, 0, first.len())),
        None => (stem(&source.path).to_owned(), Span::of(&source.text, 0, 0)),
    }
}

/// Those that make a set, by path.
fn in_order(sources: Vec<Source>) -> Vec<Source> {
    let mut sources: Vec<Source> = sources.into_iter().filter(|source| !source.path.ends_with(".test.yaml") && !source.path.ends_with(".d.rhai")).collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn version(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [&source.path, &source.text] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
