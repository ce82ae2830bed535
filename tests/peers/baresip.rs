//! baresip 1.0 (Debian: baresip-core) without a screen: its configuration is a few lines, its control a JSON netstring
//! socket (`ctrl_tcp`), its microphone a WAV, and what it hears a WAV again (module `sndfile`).

use super::exchange::password;
use super::process::{Folder, Process, free_port, media_ports, wait_for};
use phone::{Sound, read_wav, write_wav};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The call ends when the source file ends, so it is long.
const SOURCE: Duration = Duration::from_secs(120);
const MODULES: [&str; 9] = ["g711", "g722", "gsm", "opus", "srtp", "aufile", "ausine", "sndfile", "uuid"];

/// A running baresip that answers every call at once.
#[derive(Debug)]
pub(crate) struct Baresip {
    process: Process,
    folder: Folder,
    control: TcpStream,
    held: Vec<u8>,
    events: Vec<Value>,
}

impl Baresip {
    /// Starts it as a device of the exchange that speaks a tone, and waits until it has registered.
    #[track_caller]
    pub(crate) fn start(user: &str, exchange: SocketAddr, tone_hz: f32) -> Self {
        Self::start_with(user, exchange, tone_hz, "PCMU/8000/1")
    }

    /// The same with codecs of its own, such as `opus/48000/2,pcmu`; its files are of the first one's rate and width.
    #[track_caller]
    pub(crate) fn start_with(user: &str, exchange: SocketAddr, tone_hz: f32, codec: &str) -> Self {
        Self::start_protected(user, exchange, tone_hz, codec, "")
    }

    /// The same with its way of SRTP (`mediaenc`): `srtp` where the other side can, `srtp-mand` always, or none.
    #[track_caller]
    pub(crate) fn start_protected(user: &str, exchange: SocketAddr, tone_hz: f32, codec: &str, srtp: &str) -> Self {
        let srtp = if srtp.is_empty() { String::new() } else { format!(";mediaenc={srtp}") };
        Self::launch(user, exchange, tone_hz, codec, &format!("{srtp};mwi=no"))
    }

    /// The same as one that subscribes to its mailbox.
    #[track_caller]
    pub(crate) fn start_with_lamp(user: &str, exchange: SocketAddr, tone_hz: f32) -> Self {
        let (mut baresip, account) = Self::begin(user, exchange, tone_hz, "PCMU/8000/1", ";mwi=yes", false);
        // Its module of lamps subscribes without end when an account registers within a millisecond of the module's start.
        baresip.command("uanew", &account);
        baresip
    }

    #[track_caller]
    fn launch(user: &str, exchange: SocketAddr, tone_hz: f32, codec: &str, more: &str) -> Self {
        Self::begin(user, exchange, tone_hz, codec, more, true).0
    }

    /// Starts it; the account is its own from the beginning, or is answered for later.
    #[track_caller]
    fn begin(user: &str, exchange: SocketAddr, tone_hz: f32, codec: &str, more: &str, has_account: bool) -> (Self, String) {
        let folder = Folder::new("baresip");
        let (sip, media, control) = (free_port(), media_ports(), free_port());
        let source = folder.path().join("says.wav");
        write_wav(&source, Sound::tone(tone_hz, -12.0, SOURCE).samples()).unwrap();
        let mut form = codec.split(',').next().unwrap_or_default().split('/').skip(1);
        let (rate, channels) = (form.next().unwrap_or("8000"), form.next().unwrap_or("1"));
        if rate != "8000" {
            let narrow = folder.path().join("narrow.wav");
            std::fs::rename(&source, &narrow).unwrap();
            sox(&[&narrow, Path::new("-r"), Path::new(rate), Path::new("-c"), Path::new(channels), &source]);
        }
        let modules: String = MODULES.iter().map(|m| format!("module {m}.so\n")).collect();
        let dir = folder.path().display();
        folder.write(
            "config",
            &format!(
                "poll_method epoll\nsip_listen 127.0.0.1:{sip}\ncall_local_timeout 60\ncall_max_calls 4\n\
                 audio_player aufile,{dir}/player.wav\naudio_source aufile,{}\naudio_alert aufile,{dir}/alert.wav\n\
                 ausrc_format s16\nauplay_format s16\nauenc_format s16\naudec_format s16\naudio_buffer 20-160\n\
                 rtp_ports {media}-{}\njitter_buffer_type fixed\njitter_buffer_delay 1-5\n\
                 module_path {}\n{modules}module_tmp account.so\nmodule_app mwi.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
                 ctrl_tcp_listen 127.0.0.1:{control}\nsnd_path {dir}\n",
                source.display(),
                media + 40,
                module_path(),
            ),
        );
        let account = format!(
            "<sip:{user}@{exchange}>;auth_user={user};auth_pass={};outbound=\"sip:{exchange}\";regint=120;audio_codecs={codec};answermode=auto{more}",
            password(user)
        );
        folder.write("accounts", &if has_account { format!("{account}\n") } else { String::new() });
        folder.write("contacts", "");
        let mut process = Process::start(Command::new("baresip").arg("-f").arg(folder.path()).args(["-4", "-v"]), &folder.path().join("log"));
        let control = wait_for("baresip's control socket", Duration::from_secs(10), || {
            if let Some(status) = process.ended() {
                panic!("baresip ended with {status}:\n{}", process.log());
            }
            TcpStream::connect(("127.0.0.1", control)).ok()
        });
        control.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        (Self { process, folder, control, held: Vec::new(), events: Vec::new() }, account)
    }

    /// Waits for an event such as `CALL_ESTABLISHED`.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str, within: Duration) {
        let end = super::process::clock() + within;
        while !self.events.iter().any(|e| e["type"] == kind) {
            assert!(super::process::clock() < end, "baresip: no {kind} within {within:?}; events {:?}\n{}", self.events, self.process.log());
            self.read_events();
        }
    }

    /// Waits until it shows a line so often: what it is told of its mailbox is on its screen only.
    #[track_caller]
    pub(crate) fn expect_shown(&self, line: &str, times: usize, within: Duration) {
        wait_for(&format!("baresip to show {line:?}"), within, || (self.process.log().matches(line).count() >= times).then_some(()));
    }

    /// Waits for an event of a kind that came before, such as the answer to a second call.
    #[track_caller]
    pub(crate) fn expect_again(&mut self, kind: &str, within: Duration) {
        self.events.retain(|event| event["type"] != kind);
        self.expect(kind, within);
    }

    pub(crate) fn command(&mut self, command: &str, parameters: &str) {
        let text = json!({ "command": command, "params": parameters }).to_string();
        self.control.write_all(format!("{}:{text},", text.len()).as_bytes()).unwrap();
    }

    fn read_events(&mut self) {
        let mut buffer = [0; 4_096];
        if let Ok(length) = self.control.read(&mut buffer) {
            self.held.extend_from_slice(&buffer[..length]);
        }
        while let Some(colon) = self.held.iter().position(|b| *b == b':') {
            let size: usize = String::from_utf8_lossy(&self.held[..colon]).trim().parse().unwrap();
            let Some(text) = self.held.get(colon + 1..colon + 1 + size) else { return };
            if let Ok(event) = serde_json::from_slice(text) {
                self.events.push(event);
            }
            self.held.drain(..(colon + size + 2).min(self.held.len()));
        }
    }

    /// What it has heard until now.
    #[track_caller]
    pub(crate) fn heard(&self) -> Vec<i16> {
        let dumps = std::fs::read_dir(self.folder.path()).unwrap().flatten().map(|e| e.path());
        let mut heard: Vec<_> = dumps.filter(|p| p.to_string_lossy().ends_with("-dec.wav")).collect();
        heard.sort();
        let path = heard.last().unwrap_or_else(|| panic!("baresip wrote nothing it heard:\n{}", self.process.log()));
        read_wav(path).unwrap().samples().to_vec()
    }

    /// What it has heard in each call until now, when its codec is wide: narrowed to 8 kHz mono.
    #[track_caller]
    pub(crate) fn heard_narrowed(&self) -> Vec<Vec<i16>> {
        let dumps = std::fs::read_dir(self.folder.path()).unwrap().flatten().map(|e| e.path());
        let mut heard: Vec<_> = dumps.filter(|p| p.to_string_lossy().ends_with("-dec.wav")).collect();
        heard.sort();
        assert!(!heard.is_empty(), "baresip wrote nothing it heard:\n{}", self.process.log());
        let narrowed = heard.iter().map(|heard| {
            let narrow = self.folder.path().join("heard.wav");
            sox(&[Path::new("--ignore-length"), heard, Path::new("-r"), Path::new("8000"), Path::new("-c"), Path::new("1"), &narrow]);
            read_wav(&narrow).unwrap().samples().to_vec()
        });
        narrowed.collect()
    }
}

/// Runs sox to its end.
#[track_caller]
fn sox(words: &[&Path]) {
    let run = Command::new("sox").args(words).output().expect("sox is installed (tests/install.sh)");
    assert!(run.status.success(), "sox {words:?}: {}", String::from_utf8_lossy(&run.stderr));
}

fn module_path() -> String {
    for path in ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"] {
        if std::path::Path::new(path).exists() {
            return path.to_owned();
        }
    }
    panic!("baresip's modules are not there; tests/install.sh installs baresip-core");
}
