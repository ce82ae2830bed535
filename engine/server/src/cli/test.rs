//! `callflow test`: the tests beside the flows, offline; coverage; random callers.

use super::{TestArgs, TestLook, complain, say};
use crate::{
    config::{Config, Faults, load_alone, load_flows, test_files},
    serve::clock,
};
use flow::FlowSet;
use notation::{Format, Source};
use sim::{
    offline::Voices,
    testing::{Coverage, Covered, Fuzz, FuzzReport, House, Look, Summary, TestFile, Verdict, render, run},
};
use std::{
    collections::BTreeSet,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

/// Wrong usage.
const USAGE: u8 = 2;
/// Random callers that one thread takes at a time.
const BATCH: u64 = 64;

/// What is tested.
struct Bench {
    flows: FlowSet,
    house: House,
    files: Vec<TestFile>,
    sources: Vec<Source>,
}

pub(super) fn test(args: &TestArgs) -> ExitCode {
    if let Some(missing) = args.paths.iter().find(|path| !path.exists()) {
        complain(&format!("error: there is no {}", missing.display()));
        return ExitCode::from(USAGE);
    }
    // The usual file may be missing; one that is named may not.
    let config = &args.file.config;
    if !config.exists() && config.as_path() != Path::new("callflow.yaml") {
        complain(&format!("error: there is no {}", config.display()));
        return ExitCode::from(USAGE);
    }
    let bench = match bench(args) {
        Ok(bench) => bench,
        Err(faults) => {
            complain(&faults.render(if std::io::stderr().is_terminal() { Format::Colour } else { Format::Text }));
            return ExitCode::FAILURE;
        }
    };
    if bench.files.is_empty() && args.flow.is_empty() {
        complain("error: there are no tests: write flows/NAME.test.yaml, or name a flow with --flow for random callers");
        return ExitCode::from(USAGE);
    }
    if let Some(callers) = args.fuzz { fuzz(args, &bench, callers) } else { tests(args, &bench) }
}

/// Flows and tests, read and checked.
fn bench(args: &TestArgs) -> Result<Bench, Faults> {
    let start = clock::now();
    let config = if args.file.config.exists() { Some(Config::read(&args.file.config)?) } else { None };
    let (folders, flows, house);
    match &config {
        Some(config) => {
            folders = vec![config.folders.flows.clone(), config.folders.scripts.clone()];
            flows = load_flows(config)?.0;
            house = House::of(config.directory.clone(), start);
        }
        None => {
            folders = around(&args.paths);
            let (set, faults) = load_alone(&folders)?;
            flows = set;
            house = House::of_files(&faults.sources, start);
        }
    }
    let (sources, mut faults) = test_files(if args.paths.is_empty() { &folders } else { &args.paths });
    let mut files = Vec::new();
    for source in &sources {
        match TestFile::read(source) {
            Ok(file) => files.push(file),
            Err(found) => faults.extend(Faults::of(found, source)),
        }
    }
    if faults.errors() > 0 { Err(faults) } else { Ok(Bench { flows, house, files, sources }) }
}

/// The folders in which flows lie when no configuration says so: those of the files named, and `flows` and `scripts`.
fn around(paths: &[PathBuf]) -> Vec<PathBuf> {
    let folder = |path: &PathBuf| if path.is_dir() { path.clone() } else { path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from) };
    let mut folders: Vec<PathBuf> = paths.iter().map(folder).collect();
    if folders.is_empty() {
        folders = vec![PathBuf::from("flows"), PathBuf::from("scripts")];
    }
    folders.sort();
    folders.dedup();
    folders
}

fn tests(args: &TestArgs, bench: &Bench) -> ExitCode {
    let begin = clock::now().at;
    let all: Vec<_> = bench.files.iter().flat_map(|file| file.tests.iter().map(move |case| (file, case))).collect();
    let is_wanted = |name: &str, path: &str| args.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()) || path.contains(filter.as_str()));
    let wanted: Vec<_> = all.iter().filter(|(file, case)| is_wanted(&case.name, &file.source.path)).collect();
    if let (true, Some(filter)) = (wanted.is_empty(), &args.filter) {
        complain(&format!("error: no test has {filter:?} in its name or file"));
        return ExitCode::from(USAGE);
    }
    let voices = Voices::default();
    let verdicts: Vec<Verdict> = in_parallel(wanted.len(), |at| wanted.get(at).map(|(file, case)| run(file, case, &bench.flows, &bench.house, &voices)));
    let summary = Summary { left_out: all.len() - wanted.len(), verdicts, took: clock::now().at.saturating_duration_since(begin) };
    say(&render(&summary, &bench.sources, look(args)));
    let mut covered = Covered::default();
    summary.verdicts.iter().for_each(|verdict| covered.add(&verdict.covered));
    let flows = wanted.iter().map(|(file, _)| file.flow.clone()).collect();
    let is_enough = coverage(args, bench, &flows, &covered);
    if summary.failed() == 0 && is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows the coverage where it is asked for; whether it is enough.
fn coverage(args: &TestArgs, bench: &Bench, flows: &BTreeSet<String>, covered: &Covered) -> bool {
    if !args.coverage && args.coverage_html.is_none() && args.coverage_min.is_none() {
        return true;
    }
    let coverage = Coverage::of(&bench.flows, flows, covered);
    if args.coverage || args.coverage_min.is_some() {
        // Reports that machines read stay whole.
        let text = coverage.text();
        if matches!(args.format, TestLook::Text) { say(&text) } else { complain(&text) }
    }
    if let Some(path) = &args.coverage_html
        && let Err(error) = std::fs::write(path, coverage.html())
    {
        complain(&format!("error: {}: {error}", path.display()));
        return false;
    }
    let least = args.coverage_min.unwrap_or(0);
    let is_enough = coverage.percent() >= usize::from(least);
    if !is_enough {
        complain(&format!("error: coverage is {}%, below the {least}% asked for", coverage.percent()));
    }
    is_enough
}

fn fuzz(args: &TestArgs, bench: &Bench, callers: u64) -> ExitCode {
    let known: BTreeSet<String> = bench.files.iter().map(|file| file.flow.clone()).collect();
    let flows: BTreeSet<String> = if args.flow.is_empty() { known } else { args.flow.iter().cloned().collect() };
    if let Some(missing) = flows.iter().find(|flow| !bench.flows.has(flow)) {
        complain(&format!("error: there is no flow {missing}; there are {}", bench.flows.names().join(", ")));
        return ExitCode::from(USAGE);
    }
    let fuzz = Fuzz { silence_max: args.silence_max, ..Fuzz::new(args.seed) };
    let mut is_good = true;
    let mut covered = Covered::default();
    for flow in &flows {
        let begin = clock::now().at;
        let batches = usize::try_from(callers.div_ceil(BATCH)).unwrap_or(usize::MAX);
        let reports = in_parallel(batches, |batch| {
            let from = batch as u64 * BATCH;
            Some(fuzz.of(&bench.flows, flow, &bench.house).call(from..callers.min(from + BATCH)))
        });
        let mut report = FuzzReport::default();
        reports.into_iter().for_each(|part| report.add(part));
        covered.add(&report.covered);
        is_good &= report.failed == 0;
        tell(flow, &report, args, clock::now().at.saturating_duration_since(begin));
    }
    let is_enough = coverage(args, bench, &flows, &covered);
    if is_good && is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(flow: &str, report: &FuzzReport, args: &TestArgs, took: Duration) {
    for finding in &report.findings {
        let source = Source::new(format!("{flow}.test.yaml"), finding.test.as_str());
        say(&format!("FAIL caller {} of seed {}: {}", finding.caller, args.seed, finding.what));
        say("  the smallest caller that meets it, as a test to paste:\n");
        say(&finding.test);
        say("");
        let shown = Summary { verdicts: vec![finding.verdict.clone()], left_out: 0, took: Duration::ZERO };
        let text = render(&shown, &[source], Look::Text);
        // Without its last line, which counts tests.
        say(text.trim_end().rsplit_once('\n').map_or("", |(story, _)| story));
    }
    say(&format!(
        "{flow}: {} random callers, {} failed, in {} ms ({} h of calls), seed {}, trace {:016x}",
        report.callers,
        report.failed,
        took.as_millis(),
        report.talked.as_secs() / 3_600,
        args.seed,
        report.fingerprint
    ));
}

/// Does pieces of work on all cores, each on a stack that scripts may need; the answers are in the order of the pieces.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> Option<T> + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(count.max(1));
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.extend(work(at).map(|answer| (at, answer)));
        }
    };
    let mut all: Vec<(usize, T)> = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().name("test".to_owned()).stack_size(flow::limits::SCRIPT_STACK).spawn_scoped(scope, take);
        let spawned: Vec<_> = (0..threads).filter_map(|at| spawn(at).ok()).collect();
        spawned.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}

fn look(args: &TestArgs) -> Look {
    match args.format {
        TestLook::Text if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() => Look::Colour,
        TestLook::Text => Look::Text,
        TestLook::Junit => Look::Junit,
        TestLook::Json => Look::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_work_come_back_in_order_whoever_did_them() {
        let all = in_parallel(1_000, |at| (at % 3 != 0).then_some(at));
        assert_eq!(all.len(), 666);
        assert!(all.is_sorted() && all.iter().all(|at| at % 3 != 0));
        assert!(in_parallel(0, Some).is_empty());
    }

    #[test]
    fn flows_lie_beside_their_tests_when_nothing_says_otherwise() {
        let around = |paths: &[&str]| around(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(around(&[]), ["flows", "scripts"].map(PathBuf::from));
        assert_eq!(around(&["a/x.test.yaml", "a/y.test.yaml", "z.test.yaml"]), [".", "a"].map(PathBuf::from));
    }
}
