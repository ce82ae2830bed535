//! The schemas that editors use, and the checker's outputs for tools, judged by validators that are not ours (PyPI `jsonschema`, and the
//! OASIS schema of SARIF): every sample fits, broken files do not.

use crate::peers::exchange::binary;
use crate::peers::process::Folder;
use crate::peers::pjsua::python;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The top of the checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn callflow(folder: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap()
}

/// What the validator has against each of the files.
#[track_caller]
fn faults(schema: &Path, files: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Value>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/schema.py");
    let output = Command::new(python()).arg(script).arg(schema).args(files).output().unwrap();
    assert!(output.status.success(), "{}\nrun tests/install.sh", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let read = |line: &str| {
        let told: Value = serde_json::from_str(line).unwrap();
        (PathBuf::from(told["file"].as_str().unwrap()), told["faults"].as_array().unwrap().clone())
    };
    let found: BTreeMap<_, _> = lines.lines().map(read).collect();
    assert_eq!(found.len(), files.len());
    found
}

fn yaml_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    found.sort();
    found
}

fn is_test(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".test.yaml")
}

/// All samples of flows, tests and configurations.
fn samples() -> [(&'static str, Vec<PathBuf>); 3] {
    let all: Vec<PathBuf> = [yaml_in("flows"), yaml_in("tests/kit/flows")].concat();
    let (tests, flows): (Vec<_>, Vec<_>) = all.into_iter().chain(yaml_in("scripts")).partition(|path| is_test(path));
    let configs = ["callflow.yaml", "tests/kit/callflow.yaml"].map(|name| root().join(name)).to_vec();
    [("flow.schema.json", flows), ("test.schema.json", tests), ("config.schema.json", configs)]
}

#[test]
fn every_sample_fits_the_schema_that_its_first_line_names() {
    let folder = Folder::new("schemas");
    let output = callflow(folder.path(), &["schema", "--into", "."]);
    assert!(output.status.success(), "{output:?}");
    for (schema, files) in samples() {
        assert!(folder.path().join(schema).exists(), "{schema} is not written");
        assert!(!files.is_empty(), "no sample for {schema}");
        for (file, faults) in faults(&folder.path().join(schema), &files) {
            assert_eq!(faults, Vec::<Value>::new(), "{}", file.display());
            // The line an editor finds the schema by: where `callflow schema --into .` at the top writes it.
            let text = fs::read_to_string(&file).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("# yaml-language-server: $schema="));
            let named = line.unwrap_or_else(|| panic!("{} does not name its schema", file.display()));
            let place = fs::canonicalize(file.parent().unwrap()).unwrap();
            let meant = named.split('/').fold(place, |place, step| match step {
                ".." => place.parent().unwrap().to_owned(),
                "." => place,
                name => place.join(name),
            });
            assert_eq!(meant, fs::canonicalize(root()).unwrap().join(schema), "{}", file.display());
        }
    }
}

#[test]
fn broken_files_are_refused_by_the_schemas_too() {
    let folder = Folder::new("broken");
    assert!(callflow(folder.path(), &["schema", "--into", "."]).status.success());
    let golden = ["unknown-action", "unknown-field", "wrong-type", "outcomes", "empty-states", "settings", "yaml-words"];
    let flows: Vec<PathBuf> = golden.iter().map(|name| root().join(format!("engine/flow/golden/{name}.yaml"))).collect();
    let configs = [
        ("key", "listne: { udp: 5060 }\n"),
        ("range", "limits: { calls_max: 0 }\n"),
        ("unit", "limits: { drain: 30 }\n"),
        ("word", "log: { format: xml }\n"),
        ("needed", "trunks: { acme: { allow: [\"+44\"] } }\n"),
    ]
    .map(|(name, text)| folder.write(&format!("{name}.yaml"), text));
    let tests = [
        ("step", "flow: a\ntests: [{ name: a, script: [{ here: Hello }] }]\n"),
        ("keys", "flow: a\ntests: [{ nmae: a, script: [{ press: \"1\" }] }]\n"),
    ]
    .map(|(name, text)| folder.write(&format!("{name}.test.yaml"), text));
    for (schema, files) in [("flow.schema.json", flows), ("config.schema.json", configs.to_vec()), ("test.schema.json", tests.to_vec())] {
        for (file, faults) in faults(&folder.path().join(schema), &files) {
            assert!(!faults.is_empty(), "the schema takes {}", file.display());
        }
    }
}

#[test]
fn the_checker_speaks_to_people_and_to_tools() {
    let folder = Folder::new("check");
    folder.write("callflow.yaml", "connections:\n  alice: { inbound: helo, mailbox: alice, publik: true }\n  bob: { inbound: hello }\nmailboxes: { alice: }\n");
    folder.write("flows/hello.yaml", "start: hello\nstates:\n  hello: { say: Grüß Gott., then: goodby }\n  goodbye: { bridge: connection/alcie, then: end }\n");
    folder.write("flows/two words.yaml", "flow: two-words\nstart: hello\nstates:\n  hello: { sya: Hello., then: end }\n");
    let check = |format: &str| callflow(folder.path(), &["check", "--format", format]);
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();

    // One run tells the faults of the configuration and of both flows, and what each says of the other.
    let lines: Vec<Value> = text(&check("json")).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str, u64)> =
        lines.iter().map(|fault| (fault["file"].as_str().unwrap(), fault["code"].as_str().unwrap(), fault["line"].as_u64().unwrap())).collect();
    assert_eq!(told, [
        ("callflow.yaml", "missing-flow", 2),
        ("callflow.yaml", "unknown-field", 2),
        ("flows/hello.yaml", "missing-target", 3),
        ("flows/hello.yaml", "missing-connection", 4),
        ("flows/two words.yaml", "unknown-action", 4),
    ]);

    let output = check("sarif");
    assert_eq!(output.status.code(), Some(1));
    let file = folder.write("faults.sarif", &text(&output));
    assert_eq!(faults(Path::new("sarif"), std::slice::from_ref(&file))[&file], Vec::<Value>::new());
    let sarif: Value = serde_json::from_str(&text(&output)).unwrap();
    let place = &sarif["runs"][0]["results"][2]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startColumn"], 35, "columns count characters: {place}");
    assert!(text(&output).contains("flows/two%20words.yaml"));

    let github = text(&check("github"));
    assert_eq!(github.lines().count(), 5);
    assert!(github.contains("::error file=flows/hello.yaml,line=3,col=35,title=missing-target::"), "{github}");

    let people = check("text");
    assert!(text(&people).contains(" --> flows/hello.yaml:3:35"), "{}", text(&people));
    assert_eq!(String::from_utf8_lossy(&people.stderr), "errors: 5, warnings: 0\n");

    assert_eq!(callflow(folder.path(), &["check", "nowhere.yaml"]).status.code(), Some(2));
    folder.write("callflow.yaml", "connections:\n  alice: { inbound: hello }\n");
    folder.write("flows/hello.yaml", "start: hello\nstates:\n  hello: { say: Hello., then: end }\n");
    assert_eq!(callflow(folder.path(), &["check", "flows/hello.yaml"]).status.code(), Some(0), "the other file's faults are not this one's");
    fs::remove_file(folder.path().join("flows/two words.yaml")).unwrap();
    let good = callflow(folder.path(), &["check"]);
    assert_eq!((good.status.code(), text(&good).as_str()), (Some(0), "good: connections: 1, numbers: 0, flows: 2, tests: 0, warnings: 0\n"));
}
