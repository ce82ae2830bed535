//! Client transactions of a line: what we asked, how often it is repeated, and what the answers mean.

use crate::digest::{self, Algorithm};
use crate::limits::T2;
use crate::line::{Event, Line};
use crate::message;
use rsip::headers::UntypedHeader as _;
use rsip::{Header, Headers, Request, Response, headers as h};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Register { expires: u32 },
    Options,
    Invite,
    Reinvite { hold: bool },
    Cancel,
    Bye,
    Info,
    Notify,
}

impl Purpose {
    pub(crate) const fn is_invite(self) -> bool {
        matches!(self, Self::Invite | Self::Reinvite { .. })
    }
}

/// A request under way.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) purpose: Purpose,
    pub(crate) method: String,
    pub(crate) request: Request,
    pub(crate) branch: String,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    /// When it is sent again, and after which interval.
    pub(crate) resend: Option<(Instant, Duration)>,
    pub(crate) give_up: Option<Instant>,
    /// How many challenges have been answered.
    pub(crate) tries: u8,
}

impl Ask {
    pub(crate) fn next(&self) -> Option<Instant> {
        self.resend.map(|(at, _)| at).into_iter().chain(self.give_up).min()
    }
}

/// Most ACKs remembered.
const ACKS_MAX: usize = 32;

fn ack_key(headers: &Headers) -> String {
    let tag = message::value(headers, "To").and_then(|to| message::parameter(&to, "tag")).unwrap_or_default();
    let id = message::value(headers, "Call-ID").unwrap_or_default();
    format!("{id} {} {tag}", message::sequence(headers).unwrap_or(0))
}

impl Line {
    pub(crate) fn take_answer(&mut self, response: &Response, now: Instant) {
        let status = response.status_code.code();
        let branch = message::branch(&response.headers).unwrap_or_default();
        let method = message::sequence_method(&response.headers).unwrap_or_default();
        let Some(at) = self.asks.iter().position(|ask| ask.branch == branch && ask.method == method) else {
            if method == "INVITE" && status >= 200 {
                let key = ack_key(&response.headers);
                if let Some((_, to, bytes)) = self.acks.iter().find(|(k, _, _)| *k == key).cloned() {
                    self.send(to, bytes);
                }
            }
            return;
        };
        if status < 200 {
            let Some(ask) = self.asks.get_mut(at) else { return };
            if ask.purpose.is_invite() {
                // Timer B is over; how long it may ring is for the script to say. A CANCEL has set a new end.
                ask.resend = None;
                if ask.give_up.is_some() && !self.is_given_up() && let Some(ask) = self.asks.get_mut(at) {
                    ask.give_up = None;
                }
            } else {
                ask.resend = ask.resend.map(|(at, _)| (at, T2));
            }
            if self.asks.get(at).is_some_and(|a| a.purpose == Purpose::Invite) && status > 100 {
                self.progress(response, now);
            } else if self.asks.get(at).is_some_and(|a| a.purpose == Purpose::Invite) {
                self.trying(now);
            }
            return;
        }
        let ask = self.asks.remove(at);
        if ask.purpose.is_invite() && status >= 300 {
            self.ack_refusal(&ask, response);
        }
        if matches!(status, 401 | 407) && self.answer_challenge(&ask, response, status, now) {
            return;
        }
        self.conclude(&ask, Some(response), status, now);
    }

    fn is_given_up(&self) -> bool {
        use crate::line::{Call, Giving};
        matches!(&self.call, Call::Calling { giving: Giving::Cancelled, .. })
    }

    /// 100: a CANCEL may follow now.
    fn trying(&mut self, now: Instant) {
        let plain = Response { status_code: 100.into(), version: rsip::Version::V2, headers: Headers::default(), body: Vec::new() };
        self.progress(&plain, now);
    }

    /// The end of a transaction: its final answer, or 408 for none.
    pub(crate) fn conclude(&mut self, ask: &Ask, response: Option<&Response>, status: u16, now: Instant) {
        let good = (200..300).contains(&status);
        let reason = response.and_then(|r| message::value(&r.headers, "Reason"));
        match (ask.purpose, response) {
            (Purpose::Register { expires }, _) => {
                let sequence = message::sequence(&ask.request.headers).unwrap_or(0);
                self.registered(response, status, expires, sequence, now);
            }
            (Purpose::Options, _) => self.tell(Event::OptionsAnswered { status }),
            (Purpose::Invite | Purpose::Reinvite { .. }, Some(response)) if good => self.accepted(ask, response, now),
            (Purpose::Bye, _) => self.refused(ask, status, None),
            (Purpose::Invite | Purpose::Reinvite { .. } | Purpose::Cancel | Purpose::Info | Purpose::Notify, _) => self.refused(ask, status, reason),
        }
    }

    /// The ACK of a refusal: same branch, same hop (RFC 3261 §17.1.1.3).
    fn ack_refusal(&mut self, ask: &Ask, response: &Response) {
        let mut headers: Vec<Header> = Vec::new();
        for header in ask.request.headers.iter() {
            if matches!(header, Header::Via(_) | Header::From(_) | Header::CallId(_) | Header::Route(_) | Header::MaxForwards(_)) {
                headers.push(header.clone());
            }
        }
        headers.push(h::To::new(message::value(&response.headers, "To").unwrap_or_default()).into());
        headers.push(h::CSeq::new(format!("{} ACK", message::sequence(&ask.request.headers).unwrap_or(1))).into());
        headers.push(h::ContentLength::new("0").into());
        let bytes = message::request(rsip::Method::Ack, &ask.request.uri.to_string(), headers, Vec::new()).to_string().into_bytes();
        self.remember_ack(&response.headers, ask.to, bytes.clone());
        self.send(ask.to, bytes);
    }

    pub(crate) fn remember_ack(&mut self, headers: &Headers, to: SocketAddr, bytes: Vec<u8>) {
        if self.acks.len() >= ACKS_MAX {
            self.acks.pop_front();
        }
        self.acks.push_back((ack_key(headers), to, bytes));
    }

    /// Sends the request again with credentials; `false` when they would not help.
    fn answer_challenge(&mut self, ask: &Ask, response: &Response, status: u16, now: Instant) -> bool {
        let password = self.setup.account.password.expose().clone();
        let name = if status == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
        let strongest = if self.setup.md5_only { Algorithm::Md5 } else { Algorithm::Sha256 };
        let Some(challenge) = digest::best(&message::values(&response.headers, name), strongest) else { return false };
        if password.is_empty() || ask.tries > 2 || (ask.tries > 0 && !challenge.stale) {
            return false;
        }
        let uri = ask.request.uri.to_string();
        let cnonce = self.chance.token();
        let credentials = digest::answer(&challenge, &self.setup.account.user, &password, &ask.method, &uri, &cnonce);
        let sequence = message::sequence(&ask.request.headers).unwrap_or(0).wrapping_add(1);
        let mut request = ask.request.clone();
        request.headers.retain(|x| {
            !matches!((x, status), (Header::Authorization(_), 401) | (Header::ProxyAuthorization(_), 407)) && !matches!(x, Header::CSeq(_))
        });
        request.headers.push(h::CSeq::new(format!("{sequence} {}", ask.method)).into());
        let credentials = if status == 401 {
            h::Authorization::new(credentials).into()
        } else {
            h::ProxyAuthorization::new(credentials).into()
        };
        request.headers.push(credentials);
        self.count_to(ask.purpose, sequence);
        let branch = format!("z9hG4bK{}", self.chance.token());
        let request = self.with_via(request, Some(&branch));
        self.ask_as(ask.purpose, request, ask.to, branch, ask.tries + 1, now);
        true
    }

    /// The dialog's sequence number after a challenge made us count on.
    fn count_to(&mut self, purpose: Purpose, sequence: u32) {
        use crate::line::Call;
        match (&mut self.call, purpose) {
            (Call::Idle, _) | (_, Purpose::Register { .. } | Purpose::Options) => {}
            (
                Call::Calling { dialog, .. } | Call::Incoming { dialog, .. } | Call::Up { dialog, .. } | Call::Ending { dialog },
                Purpose::Invite | Purpose::Reinvite { .. } | Purpose::Cancel | Purpose::Bye | Purpose::Info | Purpose::Notify,
            ) => dialog.sequence = dialog.sequence.max(sequence),
        }
    }
}
