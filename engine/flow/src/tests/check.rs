//! Every diagnostic, input to exact output: `golden/NAME.yaml` or `.rhai` to `golden/NAME.out`.
//! `UPDATE_GOLDEN=1 cargo test -p flow` writes the outputs anew; read the difference before you commit it.

use super::world;
use crate::{FlowSet, World, schema};
use notation::{Format, Source, render};
use std::{fs, path::Path};

fn golden() -> Vec<(String, Source)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "out"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name.clone(), Source::new(format!("flows/{name}"), fs::read_to_string(&path).unwrap()))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_diagnostic_reads_as_its_golden_file() {
    let mut wrong = Vec::new();
    for (name, source) in golden() {
        let faults = match FlowSet::load(vec![source.clone()], &world()) {
            Ok(set) => set.warnings().to_vec(),
            Err(faults) => faults,
        };
        let told = render(&faults, &[source], Format::Text);
        assert!(!told.is_empty(), "{name} has nothing wrong");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.out"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &told).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != told {
            wrong.push(format!("{name}:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_samples_are_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    for (folder, ending) in [("flows", "yaml"), ("scripts", "rhai")] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|found| found == ending) {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                sources.push(Source::new(format!("{folder}/{name}"), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    // The names that they mention are those of the demo's configuration: its own test looks for them.
    match FlowSet::load(sources.clone(), &World::default()) {
        Ok(set) => {
            assert_eq!(set.warnings(), []);
            assert!(set.has("default") && set.has("reception") && set.has("reception-script"), "{:?}", set.names());
        }
        Err(faults) => panic!("{}", render(&faults, &sources, Format::Text)),
    }
}

#[test]
fn all_faults_of_all_files_come_in_one_run() {
    let sources: Vec<_> = golden().into_iter().map(|(_, source)| source).collect();
    let faults = FlowSet::load(sources.clone(), &world()).unwrap_err();
    let files: std::collections::BTreeSet<_> = faults.iter().map(|fault| fault.path.clone()).collect();
    assert!(files.len() > sources.len() / 2);
}

#[test]
fn the_schema_knows_every_action_and_explains_it() {
    let schema = schema();
    let state = &schema["$defs"]["state"]["properties"];
    for action in crate::catalogue::ACTIONS {
        let text = state[action.name]["description"].as_str().unwrap();
        assert!(text.starts_with(action.summary), "{text}");
    }
    assert_eq!(state["menu"]["anyOf"][0]["properties"]["wait"]["description"], "silence after the prompt that counts as no input (default 5s)");
}

#[test]
fn overridden_settings_are_checked_by_their_type() {
    let set = super::load("settings: { ring_for: { type: duration, default: 5s } }\nstart: a\nstates: { a: { pause: \"${settings.ring_for}\", then: end } }");
    let settings = |name: &str, value: &str| set.check_settings("test", &[(name.to_owned(), value.to_owned())].into());
    assert_eq!(settings("ring_for", "30s"), Ok(()));
    assert!(settings("ring_for", "soon").unwrap_err()[0].1.contains("expected a duration"));
    assert_eq!(settings("ringfor", "5s").unwrap_err()[0].1, "flow test has no setting `ringfor`; did you mean `ring_for`?");
}
