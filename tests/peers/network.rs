//! A test in a network of its own: a Linux network namespace, with a router in another one, that vanish with the processes in
//! them, however these end. Needs root, or a system that lets anybody make user namespaces.

use super::process::{Folder, Process};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Told to the test that runs inside.
const INSIDE: &str = "CALLFLOW_TEST_NETWORK";
/// After this everything in there is ended.
const WITHIN: Duration = Duration::from_secs(120);

/// The exchange's address in there.
pub(crate) const HERE: &str = "10.77.0.1";
/// The router's.
pub(crate) const ROUTER: &str = "10.77.0.2";
/// Hosts behind the router: one that is not there, one that a firewall forbids, one of a network it knows no way to, and one
/// whose packets it swallows without a word.
pub(crate) const ABSENT: &str = "10.78.1.9";
pub(crate) const FORBIDDEN: &str = "10.78.2.9";
pub(crate) const NOWHERE: &str = "10.78.3.9";
pub(crate) const SWALLOWED: &str = "10.78.4.9";

/// Runs a test of this program (its whole name) once more, in there. `true`: this is that run, and the test is to go on.
#[track_caller]
pub(crate) fn enter(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let folder = Folder::new("network");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/network.sh");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &WITHIN.as_secs().to_string(), "sh"]).arg(script).arg(std::env::current_exe().unwrap());
    command.args([test, HERE, ROUTER, ABSENT, FORBIDDEN, SWALLOWED]).env(INSIDE, "1").env("TMPDIR", folder.path());
    let mut process = Process::start(&mut command, &folder.path().join("log"));
    let status = process.wait(WITHIN + Duration::from_secs(10));
    assert_ne!(status.code(), Some(77), "this machine makes no network namespaces, so the test cannot run here; it needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN), or user namespaces:\n{}", process.log());
    assert!(status.success(), "{test}, in a network of its own ({status}):\n{}", process.log());
    false
}
