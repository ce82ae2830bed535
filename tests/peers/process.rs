//! Processes of a test: ended with it, their output kept for the failure's text. And free ports, folders, waiting.

use std::collections::HashSet;
use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often something that is not announced is looked at.
const LOOK: Duration = Duration::from_millis(50);

#[expect(clippy::disallowed_methods, reason = "tests on real sockets live in real time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// Waits until `what` gives something, or fails the test naming what was waited for.
#[track_caller]
pub(crate) fn wait_for<T>(name: &str, within: Duration, mut what: impl FnMut() -> Option<T>) -> T {
    let end = clock() + within;
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(clock() < end, "{name}: not within {within:?}");
        std::thread::park_timeout(LOOK);
    }
}

/// A port that is free on UDP and TCP of 127.0.0.1 now and is given to nobody else in this process.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap();
    let given = given.get_or_insert_with(HashSet::new);
    for _ in 0..1_000 {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        // The neighbour is left free: TLS of some peers sits there.
        if port < 65_000 && TcpListener::bind(("127.0.0.1", port)).is_ok() && given.insert(port) && given.insert(port + 1) {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1");
}

/// The first of 400 ports for the media of one exchange; below the range the system gives out by itself.
pub(crate) fn media_ports() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let slot = (std::process::id() * 7 + COUNT.fetch_add(1, Ordering::Relaxed)) % 50;
    u16::try_from(10_000 + slot * 400).unwrap()
}

/// A folder that is deleted with its owner, unless the test is failing.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("callflow-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A process that ends with its owner. Its output goes to a file.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its standard output and error are kept in `log`.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::options().create(true).append(true).open(log).unwrap();
        let both = out.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(both).spawn();
        match child {
            Ok(child) => Self { child, name, log: log.to_owned() },
            Err(why) => panic!("cannot start {name}: {why}; tests/install.sh installs what these tests need"),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default().replace('\r', "\n")
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The exit status, or a failed test with the output.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let end = clock() + within;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(clock() < end, "{} did not end within {within:?}:\n{}", self.name, self.log());
            std::thread::park_timeout(LOOK);
        }
    }

    /// SIGTERM, and ten seconds to go: for a program that has processes of its own to end.
    pub(crate) fn terminate(&mut self) {
        let end = clock() + Duration::from_secs(10);
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        while asked.as_ref().is_ok_and(ExitStatus::success) && self.ended().is_none() && clock() < end {
            std::thread::park_timeout(LOOK);
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
