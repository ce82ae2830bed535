//! The verbs that a person at a desk uses, as a script uses them: without a terminal.

use crate::peers::exchange::binary;
use crate::peers::process::{Folder, Process, free_port, media_ports, wait_for};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// How long a debug build on a busy machine may take to start, and to answer a change.
const WITHIN: Duration = Duration::from_secs(30);

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn callflow(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(checkout())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_telephone_of_a_script_tells_the_same_each_time() {
    let commands = "hear press 2\nwait 1s\n1\nhear beep\nwait 500ms\nsay This is Ann, please call me back.\n#\nend\n";
    let play = || callflow(&["phone", "flows/reception.yaml", "--at", "2026-11-02T10:15", "--busy", "connection/bob"], commands);
    let (first, second) = (play(), play());
    assert!(first.status.success(), "{}{}", text(&first.stdout), text(&first.stderr));
    assert_eq!(text(&first.stdout), text(&second.stdout));
    // What the exchange says of its reasons may be worded anew; what people hear and do may not.
    let told: Vec<String> = text(&first.stdout).lines().filter(|line| !line.contains(" why ") && !line.contains(" world ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(told.concat(), include_str!("desk/reception.txt"));
}

#[test]
fn a_command_that_is_none_is_told_and_fails_the_script() {
    let output = callflow(&["phone", "reception"], "dance\nhear nothing of the kind\n");
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("error: line 1: unknown command `dance`"), "{told}");
    assert!(told.contains("error: line 2: \"nothing of the kind\" was not heard"), "{told}");
    let unknown = callflow(&["phone", "recepton"], "");
    assert_eq!((unknown.status.code(), text(&unknown.stderr).trim()), (Some(2), "error: there is no flow and no file recepton; did you mean `reception`?"));
}

#[test]
fn a_flow_is_drawn_both_ways() {
    let folder = Folder::new("graph");
    let mermaid = callflow(&["graph", "reception"], "");
    assert!(mermaid.status.success() && text(&mermaid.stdout).contains("flowchart TB"), "{}", text(&mermaid.stderr));
    let path = folder.path().join("reception.svg");
    let svg = callflow(&["graph", "flows/reception.yaml", "-o", path.to_str().unwrap()], "");
    assert!(svg.status.success() && svg.stdout.is_empty(), "{}", text(&svg.stderr));
    let drawn = std::fs::read_to_string(&path).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.contains(">welcome</text>"), "{drawn}");
}

const GOOD: &str = "flow: hello\nstart: greet\nstates:\n  greet: { say: Hello., then: end }\n";
const BROKEN: &str = "flow: hello\nstart: greet\nstates:\n  greet: { sya: Hello., then: end }\n";
const TEST: &str = "flow: hello\ntests:\n  - name: it says hello\n    script: [{ hear: Hello }]\n";

/// Writes a file, and gives the log's lines after it once `wanted` is among them.
#[track_caller]
fn after(process: &Process, folder: &Folder, file: &str, content: &str, wanted: &str) -> String {
    let before = process.log().len();
    folder.write(file, content);
    wait_for(&format!("{wanted:?} after a change of {file}"), WITHIN, || {
        let log = process.log();
        log.get(before..).filter(|news| news.contains(wanted)).map(str::to_owned)
    })
}

#[test]
fn the_developers_screen_follows_the_files() {
    let folder = Folder::new("dev");
    let (sip, media) = (free_port(), media_ports());
    let text = format!(
        "listen: {{ udp: \"127.0.0.1:{sip}\" }}\nrtp: {{ ports: {media}-{} }}\nhttp: {{ listen: off }}\nlimits: {{ shards: 1, drain: 0s }}\nspeech: {{ voices: [], recognisers: [] }}\nconnections:\n  hello: {{ inbound: hello }}\n",
        media + 99
    );
    let config = folder.write("callflow.yaml", &text);
    folder.write("flows/hello.yaml", GOOD);
    folder.write("flows/hello.test.yaml", TEST);
    let mut process = Process::start(Command::new(binary()).arg("dev").arg("--config").arg(&config).current_dir(folder.path()), &folder.path().join("log"));
    wait_for("the first tests", WITHIN, || process.log().contains("tests: 1 passed, 0 failed").then_some(()));

    let news = after(&process, &folder, "flows/hello.yaml", &GOOD.replace("Hello.", "Hello there."), "tests: ");
    assert!(news.contains("check: good, version 2") && news.contains("tests: 1 passed, 0 failed"), "{news}");
    let news = after(&process, &folder, "flows/hello.yaml", &GOOD.replace("Hello.", "Good morning."), "tests: ");
    assert!(news.contains("tests: 0 passed, 1 failed") && news.contains("hello.test.yaml: it says hello"), "{news}");
    let news = after(&process, &folder, "flows/hello.yaml", BROKEN, "check: refused");
    assert!(news.contains("unknown action `sya`") && news.contains("^^^"), "{news}");
    let news = after(&process, &folder, "flows/hello.yaml", GOOD, "tests: ");
    assert!(news.contains("tests: 1 passed, 0 failed"), "{news}");
    process.kill();
}
