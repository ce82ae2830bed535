//! The house's own rules: which room may depend on which, and where the asynchronous runtime may be.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every room and the rooms it may know. An arrow that is not here is refused; one that is here may be unused.
const ROOMS: [(&str, &[&str]); 21] = [
    ("terms", &[]),
    ("notation", &["terms"]),
    ("sip", &["terms"]),
    ("sdp", &["terms"]),
    ("rtp", &["terms"]),
    ("audio", &["terms"]),
    ("media", &["terms", "rtp", "audio"]),
    ("speech", &["terms", "audio"]),
    ("flow", &["terms", "notation"]),
    ("bundle", &["terms", "notation", "flow"]),
    ("chart", &["flow"]),
    ("registrar", &["terms", "sip"]),
    ("voicemail", &["terms"]),
    ("call", &["terms", "sip", "sdp", "rtp", "audio", "media", "flow", "voicemail", "bundle"]),
    ("switchboard", &["terms", "sip", "flow", "call", "registrar", "voicemail"]),
    ("store", &["terms", "registrar", "voicemail"]),
    ("api", &["terms", "store", "voicemail"]),
    ("phone", &["terms"]),
    ("sim", &["terms", "notation", "sip", "sdp", "rtp", "audio", "media", "speech", "flow", "bundle", "call", "registrar", "voicemail", "switchboard", "phone"]),
    (
        "server",
        &[
            "terms", "notation", "sip", "sdp", "rtp", "audio", "media", "speech", "flow", "bundle", "call", "registrar", "voicemail", "switchboard", "store", "api",
            "phone", "sim", "chart",
        ],
    ),
    ("tests", &["terms", "phone"]),
];

/// Rooms that may use tokio: shells.
const SHELLS: [&str; 5] = ["server", "store", "api", "phone", "speech"];

/// Room by room, what it depends on by name; dependencies of tests alone do not count.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap_or("").to_owned();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let dev = |d: &&Value| d["kind"] != "dev" || name(package) == "tests";
            (name(package), all.filter(dev).map(name).collect())
        })
        .collect()
}

/// The binary's package may be named after the binary.
fn room(package: &str) -> &str {
    if package == "callflow" { "server" } else { package }
}

#[test]
fn rooms_depend_only_downwards() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    let found = dependencies();
    let mut wrong = Vec::new();
    for (package, depends) in &found {
        let Some(may) = allowed.get(room(package)) else {
            wrong.push(format!("{package} is no room of the table"));
            continue;
        };
        for other in depends.iter().filter(|d| allowed.contains_key(room(d))) {
            if !may.contains(&room(other)) {
                wrong.push(format!("{package} -> {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up or aside: {wrong:#?}");
    assert_eq!(found.len(), ROOMS.len(), "rooms and table differ: {:?}", found.keys());
}

#[test]
fn the_table_has_no_circle() {
    for (index, (room, may)) in ROOMS.iter().enumerate() {
        for other in *may {
            let at = ROOMS.iter().position(|(name, _)| name == other).unwrap();
            assert!(at < index, "{room} -> {other} does not point down");
        }
    }
}

#[test]
fn the_runtime_stays_in_the_shells() {
    for (package, depends) in dependencies() {
        let uses = depends.iter().any(|d| d == "tokio" || d.starts_with("tokio-"));
        assert!(!uses || SHELLS.contains(&room(&package)) || package == "tests", "{package} depends on tokio");
    }
}

#[test]
fn the_phone_is_independent_of_what_it_examines() {
    let found = dependencies();
    let own: BTreeSet<&str> = found["phone"].iter().map(String::as_str).collect();
    assert!(own.contains("rsip"));
    for (room, _) in ROOMS.iter().filter(|(room, _)| *room != "terms") {
        assert!(!own.contains(room), "phone knows {room}");
    }
}
