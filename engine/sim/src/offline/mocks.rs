//! The world outside an offline call: devices, other callers, web servers, mailboxes, a recogniser. Every answer is decided here, none by chance.

use super::crowd::{Crowd, Venue};
use call::HttpReply;
use std::{collections::BTreeMap, time::Duration};
use terms::Name;

/// How one device takes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// No device is registered.
    Unreachable,
    /// It is in another call: 486 after a moment.
    Busy,
    /// It rings, and somebody looks at it and declines: 603.
    Decline,
    /// It rings this long, then says 480; without a time it rings until it is given up.
    Ring(Option<Duration>),
    /// It rings, somebody answers.
    Answer(Answering),
}

/// Somebody answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answering {
    /// How long it rings before.
    pub after: Duration,
    /// How long it talks and then hangs up; `None`: until the other side does.
    pub talk: Option<Duration>,
    /// Keys pressed after it answered, to accept the call for instance.
    pub press: String,
    /// How long after the answer they are pressed.
    pub press_after: Duration,
}

/// What a web server does with a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// How long it takes.
    pub delay: Duration,
    /// What it answers; an error is no answer at all, and why.
    pub reply: Result<HttpReply, String>,
}

impl Web {
    /// No server answers.
    pub fn silent(why: impl Into<String>) -> Self {
        Self { delay: Duration::ZERO, reply: Err(why.into()) }
    }
}

/// The world outside one call.
pub trait Outside: Send {
    /// A flow asks a web server.
    fn http(&mut self, request: &flow::Http) -> Web;
    /// A device of this target (`connection/alice`, `number/+44…`, `sip:…`) is called.
    fn device(&mut self, target: &str) -> Manner;
    /// What the recogniser makes of a message in which these words were spoken, if they are known.
    fn transcript(&mut self, words: &str) -> String {
        words.to_owned()
    }
    /// Messages a mailbox holds already.
    fn messages(&mut self, mailbox: &Name) -> u32 {
        let _ = mailbox;
        0
    }
    /// Who is in this conference or queue when the caller comes; `None`: nobody.
    fn crowd(&mut self, venue: Venue, name: &Name) -> Option<Crowd> {
        let _ = (venue, name);
        None
    }
}

/// Nobody there: no device is registered, no web server answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Outside for Nobody {
    fn http(&mut self, request: &flow::Http) -> Web {
        Web::silent(format!("nothing answers {}", request.url))
    }
    fn device(&mut self, _target: &str) -> Manner {
        Manner::Unreachable
    }
}

/// Manners by target; other targets are unreachable, no web server answers.
#[derive(Clone, Debug, Default)]
pub struct Devices(pub BTreeMap<String, Manner>);

impl Outside for Devices {
    fn http(&mut self, request: &flow::Http) -> Web {
        Nobody.http(request)
    }
    fn device(&mut self, target: &str) -> Manner {
        self.0.get(target).cloned().unwrap_or(Manner::Unreachable)
    }
}
