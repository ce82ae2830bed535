//! `callflow call`: one scripted call, its timeline for people, its outcome for scripts.

use crate::account::{Account, Manners, Protocol};
use crate::handset::{Handset, Wire};
use crate::message;
use crate::sound::{read_wav, write_wav};
use crate::step::Step;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use terms::Secret;

/// What `callflow call` is told. `CallOptions::new(target)` gives the defaults.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// Who to call: `sip:reception@127.0.0.1`, `sip:…:5070`, or a bare user.
    pub target: String,
    /// Who to be: user and password of a connection. `None`: an unregistered stranger.
    pub as_user: Option<(String, Secret<String>)>,
    /// Whether to register first (only with `as_user`).
    pub register: bool,
    /// Where to send everything; default: the target's host and port (5060 when none).
    pub server: Option<SocketAddr>,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Digits to press after the first prompt has been heard for [`CallOptions::listen_first`]; `w` waits 500 ms.
    pub press: Option<String>,
    /// How much sound is heard before the digits are pressed (barge-in); default 1.5 s.
    pub listen_first: Duration,
    /// A WAV to speak after the digits: at a beep, or when the far end has fallen silent for 1 s.
    pub speak: Option<PathBuf>,
    /// Digits to press a second after all is spoken; default `#`, which ends a message. `None`: hang up instead.
    pub finish: Option<String>,
    /// A WAV to write all that is heard to.
    pub record: Option<PathBuf>,
    /// How long it may ring; default 40 s.
    pub ring_at_most: Duration,
    /// How long to stay, listening, when there is nothing (more) to say and the far end does not hang up; default 10 s.
    pub stay: Duration,
    /// The longest the whole call may last; default 120 s.
    pub at_most: Duration,
}

impl CallOptions {
    /// The defaults, for this target.
    #[must_use]
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            as_user: None,
            register: true,
            server: None,
            protocol: Protocol::Udp,
            press: None,
            listen_first: Duration::from_millis(1_500),
            speak: None,
            finish: Some("#".to_owned()),
            record: None,
            ring_at_most: Duration::from_secs(40),
            stay: Duration::from_secs(10),
            at_most: Duration::from_secs(120),
        }
    }
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered, all was said and pressed, ended properly: exit code 0.
    Done,
    /// Refused with this status: exit code 2.
    Refused(u16),
    /// Something did not happen as it should: exit code 1.
    Failed(String),
}

impl Outcome {
    /// The exit code of `callflow call`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed(_) => 1,
            Self::Refused(_) => 2,
        }
    }
}

/// How long registering may take, and how long a prompt or a cue may be waited for.
const CUE_WITHIN: Duration = Duration::from_secs(40);
/// A far end this long silent after saying something is waiting for us.
const CUE_SILENCE: Duration = Duration::from_secs(1);
/// Pause between the last word and the finishing key.
const AFTER_SPEAKING: Duration = Duration::from_secs(1);
/// How often the timeline is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Expiry asked for when registering, in seconds: the shortest most registrars take.
const EXPIRES: u32 = 120;

/// Makes the call, writing the timeline to `out` as it happens. Nothing it meets makes it panic or wait beyond
/// [`CallOptions::at_most`].
pub fn call(options: &CallOptions, out: &mut dyn Write) -> Outcome {
    match try_call(options, out) {
        Ok(outcome) => outcome,
        Err(why) => {
            // Where even the timeline cannot be written, the exit code still tells.
            let _ = writeln!(out, "failed: {why}");
            Outcome::Failed(why)
        }
    }
}

fn try_call(options: &CallOptions, out: &mut dyn Write) -> Result<Outcome, String> {
    let account = account_of(options)?;
    let steps = steps_of(options, &account)?;
    let bind = local_address_towards(account.server)?;
    let wire = Wire { bind, protocol: options.protocol, manners: Manners::Refuse { status: 486, after: Duration::ZERO }, ..Wire::new(account) };
    let handset = Handset::start(wire).map_err(|e| e.to_string())?;
    for step in steps {
        handset.begin(step);
    }
    let end = clock() + options.at_most;
    let (mut told, mut outcome) = (0, None);
    while outcome.is_none() {
        std::thread::park_timeout(LOOK);
        let seen = handset.watch(told).ok_or("the phone has ended")?;
        for entry in &seen.news {
            writeln!(out, "{:8.3} s  {}", entry.at.as_secs_f64(), entry.text).map_err(|e| e.to_string())?;
        }
        told += seen.news.len();
        outcome = match (seen.failure, seen.refused_with) {
            (Some(_), Some(status)) => Some(Outcome::Refused(status)),
            (Some(why), None) => Some(Outcome::Failed(why)),
            (None, _) if seen.done => Some(Outcome::Done),
            (None, _) if clock() >= end => Some(Outcome::Failed(format!("the call lasted longer than {} s", options.at_most.as_secs()))),
            (None, _) => None,
        };
    }
    let report = handset.report();
    if let Some(path) = &options.record {
        write_wav(path, &report.heard).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        writeln!(out, "heard {:.1} s, written to {}", report.heard.len() as f64 / 8_000.0, path.display()).map_err(|e| e.to_string())?;
    }
    Ok(outcome.unwrap_or(Outcome::Done))
}

#[expect(clippy::disallowed_methods, reason = "a shell: the limit of a real call is measured on the real clock")]
fn clock() -> Instant {
    Instant::now()
}

fn account_of(options: &CallOptions) -> Result<Account, String> {
    let uri = options.target.as_str();
    let host = uri.rsplit_once('@').map(|(_, host)| host).or_else(|| uri.strip_prefix("sip:"));
    let host = host.map(|h| h.split([';', '?', '>']).next().unwrap_or(h));
    let domain = match (host, options.server) {
        (Some(host), _) => host.to_owned(),
        (None, Some(server)) => server.to_string(),
        (None, None) => return Err(format!("{uri} names no host: write sip:USER@HOST or give a server")),
    };
    let server = match options.server {
        Some(server) => server,
        None => resolve(&domain)?,
    };
    let (user, password) = options.as_user.clone().unwrap_or_else(|| ("anonymous".to_owned(), Secret::new(String::new())));
    Ok(Account { user, password, domain, server })
}

fn resolve(domain: &str) -> Result<SocketAddr, String> {
    if let Some(address) = message::address_of(&format!("sip:{domain}")) {
        return Ok(address);
    }
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().map_err(|_| format!("{domain} is no host and port"))?),
        None => (domain, 5_060),
    };
    let mut all = (host, port).to_socket_addrs().map_err(|e| format!("cannot find {host}: {e}"))?;
    all.next().ok_or_else(|| format!("{host} has no address"))
}

/// Our address on the way to the server, which Via, Contact and the description name.
fn local_address_towards(server: SocketAddr) -> Result<std::net::IpAddr, String> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { (std::net::Ipv6Addr::UNSPECIFIED, 0).into() };
    let probe = std::net::UdpSocket::bind(any).and_then(|s| s.connect(server).and_then(|()| s.local_addr()));
    probe.map(|a| a.ip()).map_err(|e| format!("no way to {server}: {e}"))
}

fn steps_of(options: &CallOptions, account: &Account) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    if options.register && options.as_user.is_some() {
        steps.push(Step::Register { expires: EXPIRES });
    }
    steps.push(Step::Dial(options.target.clone()));
    steps.push(Step::WaitAnswered { within: options.ring_at_most });
    if let Some(digits) = &options.press {
        steps.push(Step::WaitPrompt { heard: options.listen_first, within: CUE_WITHIN });
        steps.push(Step::Press(digits.clone()));
    }
    if let Some(path) = &options.speak {
        let sound = read_wav(path).map_err(|e| e.to_string())?;
        steps.push(Step::WaitCue { silence: CUE_SILENCE, within: CUE_WITHIN });
        steps.push(Step::Speak(sound));
        steps.push(Step::Wait(AFTER_SPEAKING));
        if let Some(digits) = &options.finish {
            steps.push(Step::Press(digits.clone()));
            steps.push(Step::Stay { at_most: options.stay });
        }
    } else {
        steps.push(Step::Stay { at_most: options.stay });
    }
    steps.push(Step::HangUp);
    if options.register && options.as_user.is_some() && !account.user.is_empty() {
        steps.push(Step::Unregister);
    }
    Ok(steps)
}
