//! Every diagnostic, input to exact output: `golden/NAME.yaml` or `.rhai` to `golden/NAME.out`.
//! `UPDATE_GOLDEN=1 cargo test -p flow` writes the outputs anew; read the difference before you commit it.

use super::world;
use crate::{FlowSet, World, schema};
use notation::{Format, Source, render};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each golden file with its name; a folder is a set of files.
fn golden() -> Vec<(String, Vec<Source>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let read = |path: &Path, shown: &str| Source::new(format!("flows/{shown}"), fs::read_to_string(path).unwrap());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let inside = |folder: &Path| -> Vec<PathBuf> { fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let mut found: Vec<_> = inside(&folder)
        .into_iter()
        .filter(|path| path.extension().is_none_or(|ending| ending != "out"))
        .map(|path| {
            let mut sources: Vec<Source> = if path.is_dir() { inside(&path).iter().map(|file| read(file, &name(file))).collect() } else { vec![read(&path, &name(&path))] };
            sources.sort_by(|a, b| a.path.cmp(&b.path));
            (name(&path), sources)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_diagnostic_reads_as_its_golden_file() {
    let mut wrong = Vec::new();
    for (name, sources) in golden() {
        let told = render(FlowSet::survey(sources.clone(), &world()).faults(), &sources, Format::Text);
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
    let sources: Vec<_> = golden().into_iter().flat_map(|(_, sources)| sources).collect();
    let faults = FlowSet::load(sources.clone(), &world()).unwrap_err();
    let files: std::collections::BTreeSet<_> = faults.iter().map(|fault| fault.path.clone()).collect();
    assert!(files.len() > sources.len() / 2);
}

#[test]
fn the_schema_knows_every_key_and_explains_it() {
    let schema = schema();
    let state = &schema["$defs"]["state"]["properties"];
    for action in crate::catalogue::ACTIONS {
        let text = state[action.name]["description"].as_str().unwrap();
        assert!(text.starts_with(action.summary), "{text}");
    }
    assert_eq!(state["menu"]["anyOf"][0]["properties"]["wait"]["description"], "silence after the prompt that counts as no input (a duration from 100ms to 10m). Default: 5s.");
    assert_eq!(state["menu"]["anyOf"][0]["properties"]["wait"]["default"], "5s");
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys(&schema["properties"]), known(&crate::compile::FLOW_KEYS));
    let actions: Vec<&str> = crate::catalogue::ACTIONS.iter().map(|action| action.name).chain(crate::compile::STATE_KEYS).collect();
    assert_eq!(keys(state), known(&actions));
    unexplained(&schema["properties"]);
    unexplained(state);
}

/// Every property below has a title and a description.
fn unexplained(properties: &serde_json::Value) {
    for (name, schema) in properties.as_object().unwrap() {
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}: {schema}");
        for form in schema["anyOf"].as_array().into_iter().flatten().chain([schema]) {
            if form["properties"].is_object() && name != "with" {
                unexplained(&form["properties"]);
            }
        }
    }
}

#[test]
fn overridden_settings_are_checked_by_their_type() {
    let set = super::load("settings: { ring_for: { type: duration, default: 5s } }\nstart: a\nstates: { a: { pause: \"${settings.ring_for}\", then: end } }");
    let settings = |name: &str, value: &str| set.check_settings("test", &[(name.to_owned(), value.to_owned())].into());
    assert_eq!(settings("ring_for", "30s"), Ok(()));
    assert!(settings("ring_for", "soon").unwrap_err()[0].1.contains("expected a duration"));
    assert_eq!(settings("ringfor", "5s").unwrap_err()[0].1, "flow test has no setting `ringfor`; did you mean `ring_for`?");
}
