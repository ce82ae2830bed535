//! Which tests a change of files touches, and how they go.

use super::board::Tested;
use crate::{
    config::{Config, Faults, load_flows, test_files},
    serve::clock,
};
use flow::FlowSet;
use notation::{Format, Source};
use sim::{
    offline::Voices,
    testing::{House, Look, Summary, TestFile, render, run as call},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// Runs the tests that these changes touch; all when there are none. Files with faults are failed tests.
pub(super) fn run(config: &Path, changed: &[PathBuf]) -> Vec<Tested> {
    let failed = |faults: &Faults| vec![Tested { file: config.display().to_string(), name: "files".to_owned(), failure: Some(faults.render(Format::Text)) }];
    let config = match Config::read(config) {
        Ok(config) => config,
        Err(faults) => return failed(&faults),
    };
    let flows = match load_flows(&config) {
        Ok((flows, _)) => flows,
        Err(faults) => return failed(&faults),
    };
    let house = House::of(config.directory.clone(), clock::now());
    let (sources, _) = test_files(&[config.folders.flows.clone(), config.folders.scripts.clone()]);
    let voices = Voices::default();
    let mut done = Vec::new();
    for source in &sources {
        match TestFile::read(source) {
            Ok(file) if is_touched(&flows, &file, changed) => done.extend(file.tests.iter().map(|case| {
                let verdict = call(&file, case, &flows, &house, &voices);
                let failure = verdict.failure.is_some().then(|| told(verdict.clone(), source));
                Tested { file: file.source.path.to_string(), name: verdict.name, failure }
            })),
            Ok(_) => {}
            Err(found) => {
                let faults = Faults::of(found, source);
                done.push(Tested { file: source.path.to_string(), name: "the file".to_owned(), failure: Some(faults.render(Format::Text)) });
            }
        }
    }
    done
}

fn told(verdict: sim::testing::Verdict, source: &Source) -> String {
    let summary = Summary { verdicts: vec![verdict], left_out: 0, took: Duration::ZERO };
    let text = render(&summary, std::slice::from_ref(source), Look::Text);
    // Without its last line, which counts tests.
    text.trim_end().rsplit_once('\n').map_or("", |(story, _)| story).trim_end().to_owned()
}

/// Whether a test file's result can differ after these changes: it changed itself, or a file that its flow or a flow run by that is
/// written in. Changes of other kinds of files (the configuration, prompts) touch everything.
fn is_touched(flows: &FlowSet, file: &TestFile, changed: &[PathBuf]) -> bool {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut own: BTreeSet<PathBuf> = files_of(flows, &file.flow).iter().map(|path| whole(path)).collect();
    own.insert(whole(Path::new(&*file.source.path)));
    changed.is_empty() || changed.iter().map(|path| whole(path)).any(|path| own.contains(&path) || !is_flow(&path))
}

fn is_flow(path: &Path) -> bool {
    let is_in = |folder: &str| path.parent().is_some_and(|parent| parent.ends_with(folder));
    let is_written = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "rhai");
    is_written && (is_in("flows") || is_in("scripts") || path.extension().is_some_and(|ending| ending == "rhai"))
}

/// The files that a flow and all flows it runs are written in.
fn files_of(flows: &FlowSet, flow: &str) -> BTreeSet<PathBuf> {
    let (mut files, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![flow.to_owned()]);
    while let Some(flow) = open.pop() {
        if let Some(outline) = flows.outline(&flow).filter(|_| seen.insert(flow.clone())) {
            files.insert(PathBuf::from(&*outline.path));
            files.extend(outline.states.iter().map(|state| PathBuf::from(&*state.path)));
            open.extend(outline.states.into_iter().filter_map(|state| state.runs));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_answers_changes_of_all_files_its_flow_is_made_of() {
        let sources = [
            ("flows/one.yaml", "flow: one\nstart: a\nstates:\n  a: { run: two, then: end }\n"),
            ("flows/two.yaml", "flow: two\nstart: a\nstates:\n  a: { say: Hello., then: back }\n  back: { return: done }\n"),
            ("flows/three.yaml", "flow: three\nstart: a\nstates:\n  a: { say: Hello., then: end }\n"),
        ];
        let sources = sources.map(|(path, text)| Source::new(path, text));
        let flows = FlowSet::load(sources.into(), &flow::World::default()).unwrap();
        let test = Source::new("flows/one.test.yaml", "flow: one\ntests: [{ name: it says hello, script: [{ hear: Hello }] }]\n");
        let file = TestFile::read(&test).unwrap();
        let touched = |path: &str| is_touched(&flows, &file, &[PathBuf::from(path)]);
        for path in ["flows/one.yaml", "flows/two.yaml", "flows/one.test.yaml", "callflow.yaml", "prompts/welcome.wav"] {
            assert!(touched(path), "{path}");
        }
        assert!(!touched("flows/three.yaml") && !touched("flows/three.test.yaml"));
        assert!(is_touched(&flows, &file, &[]), "without a change all tests run");
    }
}
