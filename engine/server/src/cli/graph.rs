//! `callflow graph`: a flow as a picture.

use super::{ConfigFile, complain, house::House, say};
use crate::{
    config::{Faults, test_files},
    serve::clock,
};
use chart::{Chart, Reached};
use clap::{Args, ValueEnum};
use sim::{
    offline::Voices,
    testing::{self, Covered, TestFile},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

/// Wrong usage.
const USAGE: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// A flow's name, or its file.
    flow: String,
    #[command(flatten)]
    file: ConfigFile,
    /// How it is drawn [default: svg when FILE ends in .svg, else mermaid].
    #[arg(long, value_enum)]
    format: Option<Notation>,
    /// Where to, instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Run the tests first, and mark the states and outcomes that none of them reached.
    #[arg(long)]
    coverage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Notation {
    /// Text that GitHub, GitLab and many editors draw.
    Mermaid,
    /// A picture for everything else.
    Svg,
}

pub(super) fn graph(args: &GraphArgs) -> ExitCode {
    let (house, flow) = match House::open(&args.file.config, &args.flow) {
        Ok(opened) => opened,
        Err(closed) => {
            complain(&closed.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let Some(outline) = house.flows.outline(&flow) else { return ExitCode::FAILURE };
    let reached = if args.coverage {
        match reached(args, &house, &flow) {
            Ok(reached) => Some(reached),
            Err(why) => {
                complain(&why);
                return ExitCode::FAILURE;
            }
        }
    } else {
        None
    };
    let chart = Chart::of(&outline, reached.as_ref());
    let is_svg = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    let drawn = match args.format {
        Some(Notation::Svg) => chart.svg(),
        None if args.output.as_deref().is_some_and(is_svg) => chart.svg(),
        Some(Notation::Mermaid) | None => Ok(chart.mermaid()),
    };
    let written = drawn.and_then(|drawn| match &args.output {
        Some(path) => fs::write(path, drawn).map_err(|fault| format!("{}: {fault}", path.display())),
        None => {
            say(&drawn);
            Ok(())
        }
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// What the tests reach of this flow, those of flows that run it too. Whether they pass is `callflow test`'s business.
fn reached(args: &GraphArgs, house: &House, flow: &str) -> Result<Reached, String> {
    let folders = match &house.config {
        Some(config) => vec![config.folders.flows.clone(), config.folders.scripts.clone()],
        None => vec![Path::new(&args.flow).parent().map(Path::to_owned).unwrap_or_default()],
    };
    let (sources, _) = test_files(&folders);
    let files: Result<Vec<TestFile>, _> = sources.iter().map(|source| TestFile::read(source).map_err(|found| Faults::of(found, source))).collect();
    let files = files.map_err(|faults| faults.to_string())?;
    let staging = match &house.config {
        Some(config) => testing::House::of(config.directory.clone(), clock::now()),
        None => testing::House::of_files(&sources, clock::now()),
    };
    let voices = Voices::default();
    let mut covered = Covered::default();
    let work = || {
        for (file, case) in files.iter().flat_map(|file| file.tests.iter().map(move |case| (file, case))) {
            covered.add(&testing::run(file, case, &house.flows, &staging, &voices).covered);
        }
    };
    // Scripts need a stack of their own.
    thread::scope(|scope| {
        let tester = thread::Builder::new().name("tests".to_owned()).stack_size(flow::limits::SCRIPT_STACK);
        tester.spawn_scoped(scope, work).map(thread::ScopedJoinHandle::join).map(drop)
    })
    .map_err(|fault| format!("error: no thread for the tests: {fault}"))?;
    let outcome = |(state, outcome): (&str, &str)| (state.to_owned(), outcome.to_owned());
    Ok(Reached { states: covered.states(flow).map(str::to_owned).collect(), outcomes: covered.outcomes(flow).map(outcome).collect() })
}
