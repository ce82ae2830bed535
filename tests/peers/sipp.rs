//! SIPp (Debian: sip-tester) with the scenarios beside this file.

use super::process::{Folder, Process, free_port};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How SIPp sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Udp,
    Tcp,
}

/// Runs a scenario of `tests/peers/sipp/` `calls` times against `user` of the exchange; every call must succeed.
#[track_caller]
pub(crate) fn run(scenario: &str, port: u16, user: &str, calls: u32, by: By) {
    let folder = Folder::new("sipp");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/sipp").join(scenario);
    let transport = match by {
        By::Udp => "u1",
        By::Tcp => "t1",
    };
    let errors = folder.path().join("errors");
    let mut command = Command::new("sipp");
    command
        .arg(format!("127.0.0.1:{port}"))
        .args(["-sf".as_ref(), file.as_os_str()])
        .args(["-s", user, "-i", "127.0.0.1", "-p", &free_port().to_string(), "-mp", &free_port().to_string(), "-t", transport])
        .args(["-m", &calls.to_string(), "-r", "10", "-nostdin", "-timeout", "60", "-timeout_error", "-trace_err", "-error_file"])
        .arg(&errors)
        .current_dir(folder.path());
    let mut process = Process::start(&mut command, &folder.path().join("log"));
    let status = process.wait(Duration::from_secs(75));
    let told = std::fs::read_to_string(&errors).unwrap_or_default();
    assert!(status.success(), "SIPp is not content with {scenario} ({status}):\n{told}\n{}", process.log());
}
