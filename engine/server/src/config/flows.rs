//! The files that flows are made of: found, read, checked against the configuration. Used by `serve`, its reload, and `check`.

use super::{Config, Faults, Outline, read::text_of};
use flow::{Calendars, FlowSet, Materials, Survey, World};
use notation::Source;
use sim::testing::TestFile;
use std::{
    collections::BTreeSet,
    fs, io, mem,
    path::{Path, PathBuf},
    thread,
};

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
    let (survey, faults) = survey(&config.outline);
    match survey.into_set() {
        Ok(set) if faults.errors() == 0 => Ok((set, faults)),
        Ok(_) | Err(_) => Err(faults),
    }
}

/// The same for files that are given: an earlier version, against the configuration of today.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_materials(config: &Config, sources: Vec<Source>) -> Result<(FlowSet, Faults), Faults> {
    let (survey, faults) = survey_of(&config.outline, sources, Faults::default());
    match survey.into_set() {
        Ok(set) if faults.errors() == 0 => Ok((set, faults)),
        Ok(_) | Err(_) => Err(faults),
    }
}

/// The version that the flow files on disk have now, good or bad: only read, not compiled.
pub(crate) fn version_on_disk(outline: &Outline) -> String {
    FlowSet::version_of(on_disk(outline, &mut Faults::default()))
}

/// What a look at all flows and tests found.
#[derive(Debug)]
pub(crate) struct Checked {
    /// All faults.
    pub(crate) faults: Faults,
    /// How many flows there are.
    pub(crate) flows: usize,
    /// How many tests there are.
    pub(crate) tests: usize,
}

/// All faults of the flows, scripts and tests of a configuration, also of one that is itself refused, as far as it could be read. For a
/// process that ends then: the programs are not taken apart, which would take a tenth of the time.
#[must_use]
pub(crate) fn check_flows(outline: &Outline) -> Checked {
    prepare();
    let (survey, mut faults) = survey(outline);
    let tests = check_tests(&survey, &outline.world(BTreeSet::new()), &mut faults);
    let flows = survey.names().len();
    mem::forget(survey);
    Checked { faults, flows, tests }
}

/// Checks files and folders of flows and tests by themselves, where there is no configuration that says what they may refer to. For a
/// process that ends then, as [`check_flows`].
#[must_use]
pub(crate) fn check_alone(paths: &[PathBuf]) -> Faults {
    prepare();
    let (survey, mut faults) = survey_alone(paths);
    // Flows that are not among the files are not missed.
    if !survey.names().is_empty() {
        check_tests(&survey, &World::default(), &mut faults);
    }
    mem::forget(survey);
    faults
}

/// Reads and checks files and folders of flows by themselves; the faults beside a good set are warnings, with all files as sources.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_alone(paths: &[PathBuf]) -> Result<(FlowSet, Faults), Faults> {
    let (survey, faults) = survey_alone(paths);
    match survey.into_set() {
        Ok(set) if faults.errors() == 0 => Ok((set, faults)),
        Ok(_) | Err(_) => Err(faults),
    }
}

/// The same for flows of a bundle's call, whose opening hours are known although the configuration is not.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_with_hours(paths: &[PathBuf], hours: serde_json::Value) -> Result<FlowSet, Faults> {
    let mut problems = Faults::default();
    let mut sources = sources(paths, &mut problems);
    with_default(&mut sources, paths.first().map_or(Path::new(""), PathBuf::as_path));
    let shown = sources.clone();
    if problems.errors() > 0 {
        return Err(problems);
    }
    Materials { sources, hours }.load().map_err(|list| Faults { list, sources: shown })
}

/// Begins to make what compiling needs, beside the reading of files. Without a thread to spare it is made later.
fn prepare() {
    let _ = thread::Builder::new().spawn(flow::prepare);
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

/// Adds what is wrong with the tests among the sources; how many tests there are. A bad test keeps no call from being served, so it is
/// only looked at here.
fn check_tests(survey: &Survey, world: &World, faults: &mut Faults) -> usize {
    let mut count = 0;
    for source in faults.sources.iter().filter(|source| is_test(&source.path)) {
        match TestFile::read(source) {
            Ok(file) => {
                count += file.tests.len();
                faults.list.extend(file.check(survey, world));
            }
            Err(found) => faults.list.extend(found),
        }
    }
    count
}

fn survey_alone(paths: &[PathBuf]) -> (Survey, Faults) {
    let mut problems = Faults::default();
    let sources = sources(paths, &mut problems);
    let survey = load(sources.clone(), &World::default());
    problems.list.extend_from_slice(survey.faults());
    problems.sources.extend(sources);
    (survey, problems)
}

/// Flows and configuration against each other, with the faults of both.
fn survey(outline: &Outline) -> (Survey, Faults) {
    let mut problems = Faults::default();
    let sources = on_disk(outline, &mut problems);
    survey_of(outline, sources, problems)
}

fn on_disk(outline: &Outline, problems: &mut Faults) -> Vec<Source> {
    let mut sources = sources(&[outline.folders.flows.clone(), outline.folders.scripts.clone()], problems);
    with_default(&mut sources, &outline.folders.flows);
    sources
}

fn survey_of(outline: &Outline, sources: Vec<Source>, mut problems: Faults) -> (Survey, Faults) {
    let prompts = prompts(&outline.folders.prompts, &mut problems);
    let survey = load(sources.clone(), &outline.world(prompts.clone()));
    problems.list.extend_from_slice(survey.faults());
    problems.list.extend(outline.against(&survey, &prompts));
    problems.sources.extend(sources);
    problems.sources.push(outline.source.clone());
    (survey, problems)
}

/// The flow of connections that name none is there in any case.
fn with_default(sources: &mut Vec<Source>, folder: &Path) {
    if !sources.iter().any(|source| stem(&source.path) == DEFAULT_FLOW && !is_test(&source.path)) {
        sources.push(Source::new(folder.join("default.yaml").display().to_string(), DEFAULT_TEXT));
    }
}

/// Scripts of unknown origin are compiled on a stack of their own.
fn load(sources: Vec<Source>, world: &World) -> Survey {
    thread::scope(|scope| {
        let compiler = thread::Builder::new().name("flows".to_owned()).stack_size(flow::limits::SCRIPT_STACK);
        let work = move || FlowSet::survey(sources, world);
        let fault = |why: String| Survey::failed(Faults::whole("unreadable", "flows", why).list);
        match compiler.spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|_| fault("the flows could not be compiled".to_owned())),
            Err(error) => fault(format!("no thread to compile flows: {error}")),
        }
    })
}

/// The calendar files beside the flows, for the opening hours of the configuration. What is wrong in them is told with the flows.
pub(super) fn calendars(folder: &Path) -> Calendars {
    let sources = sources(&[folder.to_owned()], &mut Faults::default());
    Calendars::read(&sources).0
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
