//! One device of a connection, as three people see it: the registrar ([`Binding`]), the store ([`Row`]) and the
//! console ([`Device`]); and how to reach it ([`Reach`]).

use sip::{Flow, Transport, Uri};
use std::time::{Duration, Instant};
use terms::{Name, Now, UnixMs};

/// One device that registered.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) uri: Uri,
    /// The q value in thousandths, 0–1000; higher is tried first.
    pub(crate) q: u16,
    pub(crate) instance: Option<String>,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) path: Vec<String>,
    pub(crate) agent: Option<String>,
    /// Where its last REGISTER came from.
    pub(crate) source: Source,
    /// Whether the contact's host is not where its packets come from.
    pub(crate) behind_nat: bool,
    pub(crate) expires: Instant,
    pub(crate) expires_unix: UnixMs,
    pub(crate) since: UnixMs,
    pub(crate) refreshed: UnixMs,
}

/// The far end of a REGISTER, and whether its path still stands (UDP always; a stream until it closes or we restart).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) flow: Flow,
    pub(crate) stands: bool,
}

impl Source {
    /// `udp 192.0.2.1:5062 at 10.0.0.1:5060`: transport, the peer, our socket.
    pub(crate) fn text(self) -> String {
        format!("{} {} at {}", self.flow.transport.param(), self.flow.peer, self.flow.local)
    }

    /// Reads [`Source::text`] back; a stream of an earlier life no longer stands.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let transport = Transport::parse(words.next()?)?;
        let peer = words.next()?.parse().ok()?;
        let local = words.nth(1)?.parse().ok()?;
        let flow = Flow { transport, local, peer, connection: 0 };
        Some(Self { flow, stands: transport == Transport::Udp })
    }
}

/// How to send a request to a device.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The Request-URI: the contact as the device wrote it.
    pub uri: Uri,
    /// Where the request goes.
    pub way: Way,
    /// The q value in thousandths, 0–1000.
    pub q: u16,
    /// When the device last registered.
    pub refreshed: UnixMs,
}

/// The first hop to a device.
#[derive(Clone, Debug)]
pub enum Way {
    /// Back the way its REGISTER came: behind NAT, or on an open stream.
    Flow(Flow),
    /// To the contact itself, by RFC 3263.
    Contact,
    /// Through the proxies that added themselves (RFC 3327): the Route set, first hop first.
    Path(Vec<String>),
}

/// A device as shown to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The connection it belongs to.
    pub connection: Name,
    /// The contact URI as the device wrote it.
    pub contact: String,
    /// Its User-Agent, cut at [`crate::limits::LABEL_BYTES_MAX`].
    pub agent: Option<String>,
    /// Where its REGISTER came from, such as `udp 192.0.2.1:5062 at 10.0.0.1:5060` (the peer, our socket).
    pub source: String,
    /// Whether it is reached where its packets come from rather than at its contact.
    pub behind_nat: bool,
    /// How long it has been registered without a gap.
    pub age: Duration,
    /// How long until it is forgotten unless it refreshes.
    pub expires_in: Duration,
}

/// A binding as the store keeps it. Dates are of the wall clock; a row whose `expires` has passed is not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The connection it belongs to.
    pub connection: Name,
    /// The contact URI.
    pub contact: String,
    /// The q value in thousandths.
    pub q: u16,
    /// The device's `+sip.instance`.
    pub instance: Option<String>,
    /// The Call-ID of its last REGISTER.
    pub call_id: String,
    /// The CSeq of its last REGISTER.
    pub cseq: u32,
    /// The Path, first hop first, one URI in angle brackets an entry.
    pub path: Vec<String>,
    /// Its User-Agent.
    pub agent: Option<String>,
    /// Where its REGISTER came from, such as `udp 192.0.2.1:5062 at 10.0.0.1:5060` (the peer, our socket).
    pub source: String,
    /// Whether it is behind NAT.
    pub behind_nat: bool,
    /// When it first registered.
    pub since: UnixMs,
    /// When it last registered.
    pub refreshed: UnixMs,
    /// When it is forgotten.
    pub expires: UnixMs,
}

impl Binding {
    pub(crate) fn row(&self, connection: &Name) -> Row {
        Row {
            connection: connection.clone(),
            contact: self.uri.to_string(),
            q: self.q,
            instance: self.instance.clone(),
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            path: self.path.clone(),
            agent: self.agent.clone(),
            source: self.source.text(),
            behind_nat: self.behind_nat,
            since: self.since,
            refreshed: self.refreshed,
            expires: self.expires_unix,
        }
    }

    pub(crate) fn device(&self, connection: &Name, now: Now) -> Device {
        Device {
            connection: connection.clone(),
            contact: self.uri.to_string(),
            agent: self.agent.clone(),
            source: self.source.text(),
            behind_nat: self.behind_nat,
            age: Duration::from_millis(now.unix.0.saturating_sub(self.since.0)),
            expires_in: self.expires.saturating_duration_since(now.at),
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        let way = if !self.path.is_empty() {
            Way::Path(self.path.clone())
        } else {
            let open_stream = self.source.stands && self.source.flow.transport == Transport::Tcp;
            if self.behind_nat || open_stream { Way::Flow(self.source.flow) } else { Way::Contact }
        };
        Reach { uri: self.uri.clone(), way, q: self.q, refreshed: self.refreshed }
    }
}
