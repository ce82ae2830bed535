//! `callflow call`: one scripted call, its timeline for people, its outcome for scripts.

use crate::account::Protocol;
use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};
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
    /// Digits to press when all is spoken, such as `#`; default: none, hang up instead.
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
            finish: None,
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

/// Makes the call, writing the timeline to `out` as it happens.
pub fn call(_options: &CallOptions, _out: &mut dyn Write) -> Outcome {
    todo!()
}
