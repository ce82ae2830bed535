//! PJSIP through its Python package (`pjsua2-python`), driven by `pjsua.py` beside this file.

use super::exchange::password;
use super::process::{Folder, clock, wait_for};
use phone::{Sound, read_wav, write_wav};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A running PJSIP phone that speaks a tone and answers every call at once.
#[derive(Debug)]
pub(crate) struct Pjsua {
    child: Child,
    input: Option<ChildStdin>,
    events: Arc<Mutex<Vec<Value>>>,
    folder: Folder,
}

/// A Python that has pjsua2 and the validators: the one `tests/install.sh` made, or the machine's own.
pub(crate) fn python() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let own = cache.join("callflow/test-venv/bin/python");
    if own.exists() { own } else { "python3".into() }
}

impl Pjsua {
    /// Starts it and waits until it has registered.
    #[track_caller]
    pub(crate) fn start(user: &str, exchange: SocketAddr, tone_hz: f32) -> Self {
        Self::start_with(user, exchange, tone_hz, &[])
    }

    /// The same with ways of its own: `srtp=optional`, `srtp=mandatory`, `suite=AES_CM_128_HMAC_SHA1_32`, `codec=GSM/8000/1`.
    #[track_caller]
    pub(crate) fn start_with(user: &str, exchange: SocketAddr, tone_hz: f32, ways: &[&str]) -> Self {
        let folder = Folder::new("pjsua");
        let says = folder.path().join("says.wav");
        write_wav(&says, Sound::tone(tone_hz, -12.0, Duration::from_secs(5)).samples()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/pjsua.py");
        let errors = std::fs::File::create(folder.path().join("errors")).unwrap();
        let mut child = Command::new(python())
            .arg(script)
            .args([&exchange.to_string(), user, password(user)])
            .arg(&says)
            .arg(folder.path().join("hears.wav"))
            .args(ways)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|why| panic!("cannot start {}: {why}; run tests/install.sh", python().display()));
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let events = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&events);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line) {
                    shared.lock().unwrap().push(event);
                }
            }
        });
        let phone = Self { child, input, events, folder };
        phone.expect("a registration", Duration::from_secs(20), |e| e["event"] == "registered" && e["status"] == 200);
        phone
    }

    /// Gives a command: `call URI`, `press DIGITS` (by events), `info DIGITS`, `tones DIGITS`, `hold`, `resume`, `hangup`.
    #[track_caller]
    pub(crate) fn command(&mut self, text: &str) {
        writeln!(self.input.as_mut().unwrap(), "{text}").unwrap();
    }

    /// Waits for an event that fits.
    #[track_caller]
    pub(crate) fn expect(&self, what: &str, within: Duration, fits: impl Fn(&Value) -> bool) {
        let end = clock() + within;
        let found = || self.events.lock().unwrap().iter().any(&fits);
        while !found() {
            if clock() >= end {
                let errors = std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
                panic!("PJSIP: {what} not within {within:?}; events {:#?}\n{errors}", self.events.lock().unwrap());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// What it told until now is not expected again.
    pub(crate) fn forget(&mut self) {
        self.events.lock().unwrap().clear();
    }

    /// Ends the phone and gives what it heard in its last call.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Vec<i16> {
        self.command("quit");
        drop(self.input.take());
        wait_for("PJSIP's end", Duration::from_secs(15), || self.child.try_wait().unwrap());
        read_wav(&self.folder.path().join("hears.wav")).unwrap().samples().to_vec()
    }
}

impl Drop for Pjsua {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
