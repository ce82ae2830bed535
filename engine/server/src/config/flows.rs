//! The files that flows are made of: found, read, checked against the configuration. Used by `serve`, its reload, and `check`.

use super::{Config, Faults, places::Place, read::text_of, server::set_of};
use flow::{Calendars, FlowSet, World};
use notation::{Fault, Source};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    thread,
};
use switchboard::{Inbound, NumberTarget};
use voicemail::Greeting;

/// Flows and scripts in one set (chosen: beyond any house; bounds the time of a reload).
const FILES_MAX: usize = 2_000;
/// Files under the prompts folder (chosen: some languages of a large house).
const PROMPTS_MAX: usize = 20_000;
/// Folders within folders of prompts.
const PROMPT_DEPTH_MAX: usize = 8;
/// The flow of connections that name none, and what it is when the flows folder has no file for it.
const DEFAULT_FLOW: &str = switchboard::limits::DEFAULT_FLOW;
const DEFAULT_TEXT: &str = include_str!("../../../../flows/default.yaml");

/// Reads and checks all flows and scripts of a configuration; the faults beside a good set are warnings.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_flows(config: &Config) -> Result<(FlowSet, Faults), Faults> {
    let mut problems = Faults::default();
    let mut sources = sources(&[config.folders.flows.clone(), config.folders.scripts.clone()], &mut problems);
    let prompts = prompts(&config.folders.prompts, &mut problems);
    if !sources.iter().any(|source| stem(&source.path) == DEFAULT_FLOW && !is_test(&source.path)) {
        let path = config.folders.flows.join("default.yaml").display().to_string();
        sources.push(Source::new(path, DEFAULT_TEXT));
    }
    let loaded = load(sources.clone(), &world(config, prompts.clone()));
    problems.sources.extend(sources);
    problems.sources.push(config.source.clone());
    let set = match loaded {
        Ok(set) => {
            problems.list.extend_from_slice(set.warnings());
            let own = against(config, &set, &prompts);
            problems.list.extend(own);
            Some(set)
        }
        Err(faults) => {
            problems.list.extend(faults);
            None
        }
    };
    match set {
        Some(set) if problems.errors() == 0 => Ok((set, problems)),
        Some(_) | None => Err(problems),
    }
}

/// Checks files and folders of flows by themselves, where there is no configuration that says what they may refer to.
#[must_use]
pub(crate) fn check_alone(paths: &[PathBuf]) -> Faults {
    match load_alone(paths) {
        Ok((_, warnings)) => warnings,
        Err(faults) => faults,
    }
}

/// Reads and checks files and folders of flows by themselves; the faults beside a good set are warnings, with all files as sources.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_alone(paths: &[PathBuf]) -> Result<(FlowSet, Faults), Faults> {
    let mut problems = Faults::default();
    let sources = sources(paths, &mut problems);
    let loaded = load(sources.clone(), &World::default());
    problems.sources.extend(sources);
    match loaded {
        Ok(set) => {
            problems.list.extend_from_slice(set.warnings());
            if problems.errors() == 0 { Ok((set, problems)) } else { Err(problems) }
        }
        Err(faults) => {
            problems.list.extend(faults);
            Err(problems)
        }
    }
}

/// The test files (`*.test.yaml`) among files and in folders, by path.
pub(crate) fn test_files(paths: &[PathBuf]) -> (Vec<Source>, Faults) {
    let mut problems = Faults::default();
    let found = sources(paths, &mut problems).into_iter().filter(|source| is_test(&source.path)).collect();
    (found, problems)
}

fn is_test(path: &str) -> bool {
    path.ends_with(".test.yaml")
}

/// Scripts of unknown origin are compiled on a stack of their own.
fn load(sources: Vec<Source>, world: &World) -> Result<FlowSet, Vec<Fault>> {
    thread::scope(|scope| {
        let compiler = thread::Builder::new().name("flows".to_owned()).stack_size(flow::limits::SCRIPT_STACK);
        let work = move || FlowSet::load(sources, world);
        let fault = |why: String| Err(Faults::whole("unreadable", "flows", why).list);
        match compiler.spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|_| fault("the flows could not be compiled".to_owned())),
            Err(error) => fault(format!("no thread to compile flows: {error}")),
        }
    })
}

/// What flows may refer to.
fn world(config: &Config, prompts: BTreeSet<String>) -> World {
    let directory = &config.directory;
    let mailboxes = directory.realms().iter().flat_map(|realm| directory.mailboxes(&realm.name).keys().cloned().collect::<Vec<_>>());
    let mut wanted = BTreeSet::from([DEFAULT_FLOW.to_owned()]);
    wanted.extend(directory.connections().filter_map(|connection| match &connection.inbound {
        Inbound::Flow(flow) => Some(flow.clone()),
        Inbound::Bridge => None,
    }));
    wanted.extend(directory.numbers().filter_map(|number| match &number.to {
        NumberTarget::Flow(flow) => Some(flow.clone()),
        NumberTarget::Connection(_) => None,
    }));
    World {
        connections: Some(set_of(directory.connections().map(|connection| &connection.name))),
        numbers: Some(set_of(directory.numbers().map(|number| &number.number))),
        mailboxes: Some(set_of(mailboxes)),
        trunks: Some(set_of(directory.trunks().map(|trunk| &trunk.name))),
        prompts: Some(prompts),
        secrets: Some(directory.secrets().keys().cloned().collect()),
        hours: config.hours.clone(),
        wanted,
    }
}

/// The calendar files beside the flows, for the opening hours of the configuration. What is wrong in them is told with the flows.
pub(super) fn calendars(folder: &Path) -> Calendars {
    let sources = sources(&[folder.to_owned()], &mut Faults::default());
    Calendars::read(&sources).0
}

/// What the configuration says of flows and prompts that are not there.
fn against(config: &Config, set: &FlowSet, prompts: &BTreeSet<String>) -> Vec<Fault> {
    let mut reader = notation::Reader::new(&config.source);
    let names = set.names();
    let mut ask = |place: Option<&Place>, field: &str, flow: &str, settings: &BTreeMap<String, String>| {
        let span = |field: &str| place.map_or_else(notation::Span::default, |place| place.field(field));
        if !set.has(flow) {
            reader.unknown("missing-flow", span(field), "flow", flow, &names);
            return;
        }
        for (setting, message) in set.check_settings(flow, settings).err().unwrap_or_default() {
            reader.error("wrong-setting", span(&format!("settings.{setting}")), message);
        }
    };
    for connection in config.directory.connections() {
        let place = config.places.of("connection", connection.name.as_str()).last();
        let flow = match &connection.inbound {
            Inbound::Flow(flow) => flow.as_str(),
            Inbound::Bridge => DEFAULT_FLOW,
        };
        ask(place, "inbound", flow, &connection.settings);
    }
    for number in config.directory.numbers() {
        if let NumberTarget::Flow(flow) = &number.to {
            ask(config.places.of("number", number.number.as_str()).last(), "to", flow, &number.settings);
        }
    }
    for realm in config.directory.realms() {
        for mailbox in config.directory.mailboxes(&realm.name).values() {
            if let Greeting::Play(file) = &mailbox.greeting
                && !prompts.contains(file)
            {
                let place = config.places.of("mailbox", mailbox.name.as_str()).last();
                let span = place.map_or_else(notation::Span::default, |place| place.field("greeting"));
                let known: Vec<&str> = prompts.iter().map(String::as_str).collect();
                reader.unknown("missing-sound", span, "prompt", file, &known);
            }
        }
    }
    reader.into_faults()
}

/// The YAML, Rhai and calendar files among files and in folders, by path. What is not there is empty.
fn sources(places: &[PathBuf], problems: &mut Faults) -> Vec<Source> {
    let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
    for place in places {
        match if place.is_file() { Ok(vec![place.clone()]) } else { files_in(place) } {
            Ok(found) => paths.extend(found.into_iter().filter(|path| {
                let extension = path.extension().and_then(|extension| extension.to_str());
                matches!(extension, Some("yaml" | "yml" | "rhai" | "ics")) && !hidden(path)
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problems.extend(unreadable(place, &error.to_string())),
        }
    }
    if paths.len() > FILES_MAX {
        let first = places.first().map_or(Path::new(""), PathBuf::as_path);
        problems.extend(unreadable(first, &format!("there are more than {FILES_MAX} files")));
    }
    let mut sources = Vec::new();
    for path in paths.into_iter().take(FILES_MAX) {
        match text_of(&path, notation::limits::FILE_BYTES) {
            Ok(text) => sources.push(Source::new(path.display().to_string(), text)),
            Err(why) => problems.extend(unreadable(&path, &why)),
        }
    }
    sources
}

fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).filter(|path| !path.as_ref().is_ok_and(|p| p.is_dir())).collect()
}

/// Files of editors and version control.
fn hidden(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '#']))
}

fn unreadable(path: &Path, why: &str) -> Faults {
    Faults::whole("unreadable", &path.display().to_string(), format!("this cannot be read: {why}"))
}

/// `welcome.wav`, `system/one.wav`: every file under the prompts folder.
fn prompts(folder: &Path, problems: &mut Faults) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(PathBuf, String, usize)> = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.extend(unreadable(&folder, &error.to_string()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
            if hidden(&path) || found.len() >= PROMPTS_MAX {
                continue;
            }
            if !path.is_dir() {
                found.insert(name);
            } else if depth < PROMPT_DEPTH_MAX {
                open.push((path, format!("{name}/"), depth + 1));
            }
        }
    }
    found
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}
