//! The exchange under test: its configuration text (here and nowhere else), its process, its API.

use super::endpoint::SECRET;
use super::process::{Folder, Process, free_port, media_ports, wait_for};
use super::web;
use phone::{Account, Handset, Manners, Sound, Step, Wire, write_wav};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use terms::Secret;

/// How long a debug build on a busy machine may take to be ready.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long after the last goodbye a call may still be listed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// How long after its end a call's record may be missing: of fifty calls at once on a busy machine.
const RECORD_WITHIN: Duration = Duration::from_secs(60);

/// Ports of media of one exchange.
const MEDIA_PORTS: u16 = 400;

/// What differs between the exchanges of the tests.
#[derive(Debug, Default)]
pub(crate) struct House {
    /// Where webhooks go.
    pub(crate) webhook: Option<String>,
    /// Kamailio's SIP port, when it is the registrar in front: bob's devices are known there.
    pub(crate) upstream: Option<u16>,
    /// Its shards; 0 is one.
    pub(crate) shards: usize,
    /// The address it serves SIP and sound at; empty: 127.0.0.1.
    pub(crate) address: &'static str,
    /// More fields of alice's connection and of bob's, such as `srtp: required`.
    pub(crate) alice: &'static str,
    pub(crate) bob: &'static str,
}

impl House {
    const fn at(&self) -> &'static str {
        if self.address.is_empty() { "127.0.0.1" } else { self.address }
    }
}

/// The prompts: file, frequency in Hz, seconds. Each is a tone of its own, so that a measurement tells which one is heard.
const PROMPTS: [(&str, f32, u64); 5] =
    [("welcome.wav", 500.0, 3), ("second.wav", 1_000.0, 2), ("greeting.wav", 640.0, 1), ("thanks.wav", 820.0, 1), ("sorry.wav", 380.0, 1)];

/// Passwords of the devices.
pub(crate) const fn password(user: &str) -> &'static str {
    match user.as_bytes() {
        b"alice" => "open-sesame-1",
        b"bob" => "open-sesame-2",
        b"carol" => "open-sesame-3",
        _ => "",
    }
}

const RECEPTION: &str = r##"flow: reception
start: welcome
states:
  welcome:
    menu:
      prompt: [{ play: welcome.wav }]
      wait: 5s
      attempts: 2
    then: { "1": bob, "2": message, failed: end }
  bob:
    bridge: { to: connection/bob, timeout: 15s }
    then: { answered: end, else: sorry }
  message:
    voicemail:
      mailbox: box
      greeting: [{ play: greeting.wav }]
      stop: { key: "#", silence: 10s, length: 1m }
      transcribe: { language: en }
    then: { saved: thanks, else: end }
  thanks:
    play: thanks.wav
    then: end
  sorry:
    play: sorry.wav
    then: end
"##;

const TOBOB: &str = r#"flow: tobob
start: ring
states:
  ring:
    bridge: { to: connection/bob, timeout: 4s }
    then: { answered: end, busy: busy, declined: declined, else: away }
  busy: { reject: { status: 486 } }
  declined: { reject: { status: 603 } }
  away: { reject: { status: 480 } }
"#;

const LISTEN: &str = "flow: listen\nstart: box\nstates:\n  box: { mailbox: {}, then: end }\n";

/// A conference, a queue, and who takes callers of the queue.
const MEETINGS: [(&str, &str); 3] = [
    ("board", "flow: board\nstart: in\nstates:\n  in: { conference: { room: board, beep: false }, then: end }\n"),
    (
        "sales",
        "flow: sales\nstart: in\nstates:\n  in:\n    queue: { name: sales, agents: connection/bob, music: second.wav, timeout: 20s }\n    then: { served: thanks, else: end }\n  thanks: { play: thanks.wav, then: end }\n",
    ),
    ("agent", "flow: agent\nstart: in\nstates:\n  in: { bridge: { to: queue/sales, ringback: welcome.wav }, then: { answered: end, else: end } }\n"),
];

/// A flow that plays one prompt for ever.
pub(crate) fn radio(prompt: &str) -> String {
    format!("flow: radio\nstart: on\nstates:\n  on:\n    - answer: {{}}\n    - play: {{ prompt: [{{ play: {prompt} }}], loop: 0 }}\n      then: end\n")
}

/// A running exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    process: Process,
    folder: Folder,
    sip: SocketAddr,
    http: u16,
    media: u16,
    config: PathBuf,
}

pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CALLFLOW_BIN") {
        return path.into();
    }
    // …/debug/deps/wire-0123 -> …/debug/callflow
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|p| p.parent()).unwrap().join("callflow");
    assert!(path.exists(), "{} is not there: run `cargo build --bin callflow` first, or set CALLFLOW_BIN", path.display());
    path
}

fn config(house: &House, sip: u16, http: u16, media: u16, more: &str) -> String {
    let webhooks = house.webhook.as_ref().map_or(String::new(), |url| format!(", url: \"{url}\""));
    let (trunks, via) = match house.upstream {
        Some(port) => (format!("trunks:\n  front: {{ address: \"sip:127.0.0.1:{port}\", sources: [\"127.0.0.1\"], identity: true }}\n"), ", via: front"),
        None => (String::new(), ""),
    };
    let bob = if via.is_empty() { format!("password: \"{}\"", password("bob")) } else { String::from("display: Bob") };
    let more_of = |fields: &str| if fields.is_empty() { String::new() } else { format!(", {fields}") };
    format!(
        r#"listen: {{ udp: "{at}:{sip}", tcp: "{at}:{sip}" }}
advertise: {at}
rtp: {{ ports: {media}-{last} }}
folders: {{ flows: flows, scripts: scripts, prompts: prompts, data: data }}
http: {{ listen: "127.0.0.1:{http}" }}
webhooks: {{ secret: "{SECRET}"{webhooks}, allow_private: ["127.0.0.0/8"] }}
bundles: {{ keep: all, folder: bundles }}
limits: {{ shards: {shards}, calls_a_caller: 1000, calls_a_stranger: 1000 }}
log: {{ level: info }}
realms: {{ test: {{ domains: ["{at}"] }} }}
connections:
  alice: {{ password: "{alice}"{alice_more} }}
  bob: {{ {bob}{via}{bob_more} }}
  carol: {{ password: "{carol}", mailbox: box }}
  reception: {{ inbound: reception, public: true }}
  tobob: {{ inbound: tobob, public: true }}
  radio: {{ inbound: radio, public: true }}
  board: {{ inbound: board, public: true }}
  sales: {{ inbound: sales, public: true }}
  agent: {{ inbound: agent, public: true }}
  listen: {{ inbound: listen, public: true }}
{more}mailboxes:
  box: {{ transcribe: true, pin: "9380417" }}
{trunks}"#,
        at = house.at(),
        last = media + MEDIA_PORTS - 1,
        shards = house.shards.max(1),
        alice = password("alice"),
        alice_more = more_of(house.alice),
        bob_more = more_of(house.bob),
        carol = password("carol"),
    )
}

impl Exchange {
    /// Writes configuration, flows and prompts, starts `callflow serve` and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(house: &House) -> Self {
        Self::start_with(house, &[])
    }

    /// The same with further flows (`flows/NAME.yaml` and its text), each behind a public connection of its name.
    #[track_caller]
    pub(crate) fn start_with(house: &House, flows: &[(&str, &str)]) -> Self {
        let name = |path: &str| path.trim_start_matches("flows/").trim_end_matches(".yaml").to_owned();
        let doors: String = flows.iter().map(|(path, _)| format!("  {0}: {{ inbound: {0}, public: true }}\n", name(path))).collect();
        let folder = Folder::new("exchange");
        let (sip, http, media) = (free_port(), free_port(), media_ports());
        let config = folder.write("callflow.yaml", &config(house, sip, http, media, &doors));
        folder.write("flows/reception.yaml", RECEPTION);
        folder.write("flows/tobob.yaml", TOBOB);
        folder.write("flows/listen.yaml", LISTEN);
        for (path, text) in flows {
            folder.write(path, text);
        }
        folder.write("flows/radio.yaml", &radio("welcome.wav"));
        for (name, flow) in MEETINGS {
            folder.write(&format!("flows/{name}.yaml"), flow);
        }
        for (name, hz, seconds) in PROMPTS {
            let path = folder.write(&format!("prompts/{name}"), "");
            write_wav(&path, Sound::tone(hz, -12.0, Duration::from_secs(seconds)).samples()).unwrap();
        }
        let process = Self::serve(&folder, &config);
        let sip = SocketAddr::new(house.at().parse().unwrap(), sip);
        let mut exchange = Self { process, folder, sip, http, media, config };
        exchange.wait_ready();
        exchange
    }

    fn serve(folder: &Folder, config: &PathBuf) -> Process {
        Process::start(Command::new(binary()).arg("serve").arg("--config").arg(config).current_dir(folder.path()), &folder.path().join("log"))
    }

    #[track_caller]
    fn wait_ready(&mut self) {
        wait_for("the exchange to be ready", START_WITHIN, || {
            if let Some(status) = self.process.ended() {
                panic!("callflow serve ended with {status}:\n{}", self.process.log());
            }
            (web::request(self.http, "GET", "/readyz").0 == 200).then_some(())
        });
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same folder and ports.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.process = Self::serve(&self.folder, &self.config);
        self.wait_ready();
    }

    pub(crate) const fn sip_port(&self) -> u16 {
        self.sip.port()
    }

    /// The ports of its media.
    pub(crate) const fn media(&self) -> std::ops::Range<u16> {
        self.media..self.media + MEDIA_PORTS
    }

    pub(crate) const fn sip(&self) -> SocketAddr {
        self.sip
    }

    pub(crate) fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.sip)
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        web::get(self.http, path)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, Vec<u8>) {
        web::request(self.http, method, path)
    }

    /// A request with a body of JSON; answers the status.
    pub(crate) fn ask_with(&self, method: &str, path: &str, json: &str) -> u16 {
        web::request_with(self.http, method, path, json).0
    }

    /// An account of a device of this exchange.
    pub(crate) fn account(&self, user: &str) -> Account {
        Account { user: user.into(), password: Secret::new(password(user).into()), domain: self.sip().to_string(), server: self.sip() }
    }

    /// A phone that is nobody, or a device that has not registered.
    #[track_caller]
    pub(crate) fn phone(&self, user: &str, manners: Manners) -> Handset {
        Handset::start(Wire { manners, ..Wire::new(self.account(user)) }).unwrap()
    }

    /// A device that has registered.
    #[track_caller]
    pub(crate) fn device(&self, user: &str, manners: Manners) -> Handset {
        let phone = self.phone(user, manners);
        must(&phone, Step::Register { expires: 120 });
        phone
    }

    /// Whether the API shows a connection as registered.
    #[track_caller]
    pub(crate) fn wait_online(&self, user: &str) {
        wait_for(&format!("{user} to be online"), Duration::from_secs(10), || {
            self.get(&format!("/v1/connections/{user}"))["online"].as_bool().filter(|online| *online)
        });
    }

    /// Nothing is left of any call.
    #[track_caller]
    pub(crate) fn must_be_quiet(&mut self) {
        let calls = |this: &Self| this.get("/v1/calls")["calls"].as_array().map_or(usize::MAX, Vec::len);
        wait_for("all calls to have ended", END_WITHIN, || (calls(self) == 0).then_some(()));
        assert!(self.process.ended().is_none(), "the exchange has ended:\n{}", self.process.log());
        assert!(!self.log().contains("panicked"), "something panicked:\n{}", self.log());
    }

    /// The records of so many calls, one a line. Another thread writes them, when a call is over.
    #[track_caller]
    pub(crate) fn records_text(&self, calls: usize) -> String {
        let kept = self.folder.path().join("data/calls.jsonl");
        let whole = |text: &String| text.lines().count() >= calls && text.ends_with('\n');
        wait_for("the records of the calls", RECORD_WITHIN, || std::fs::read_to_string(&kept).ok().filter(whole))
    }

    /// The same, read.
    #[track_caller]
    pub(crate) fn records(&self, calls: usize) -> Vec<Value> {
        self.records_text(calls).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every call so far that was kept, once all that are over are kept; each does again what it did.
    #[track_caller]
    pub(crate) fn bundles(&self) -> Vec<PathBuf> {
        let kept = || {
            let files = std::fs::read_dir(self.folder.path().join("bundles")).into_iter().flatten().flatten().map(|entry| entry.path());
            files.filter(|path| path.extension().is_some_and(|ending| ending == "bundle")).collect::<Vec<_>>()
        };
        let over = std::fs::read_to_string(self.folder.path().join("data/calls.jsonl")).map_or(0, |records| records.lines().count());
        wait_for("calls that are over to be kept", END_WITHIN, || Some(kept()).filter(|kept| kept.len() >= over))
    }

    /// What `callflow` says when it is called so in the exchange's folder, and whether it is content.
    #[track_caller]
    pub(crate) fn callflow(&self, arguments: &[&str]) -> (bool, String) {
        let done = Command::new(binary()).args(arguments).current_dir(self.folder.path()).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        (done.status.success(), text)
    }

    /// All messages of all mailboxes.
    #[track_caller]
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.get("/v1/messages")["messages"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Exchange {
    /// Each test ends with this: whatever calls it made are run again from their bundles.
    fn drop(&mut self) {
        if std::thread::panicking() || self.bundles().is_empty() {
            return;
        }
        let (same, told) = self.callflow(&["replay", "bundles"]);
        assert!(same, "calls do not run again as they were:\n{told}");
    }
}

/// Does a step or fails the test with the phone's timeline.
#[track_caller]
pub(crate) fn must(phone: &Handset, step: Step) {
    if let Err(why) = phone.step(step) {
        panic!("{why}");
    }
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
