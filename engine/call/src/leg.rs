//! One leg: a dialog, its offer and answer, and what still has to be said before it is over.
//!
//! ```text
//!  caller:  Offered ── 180/183 ──▶ Offered ── 200 ──▶ Up ── BYE either way ──▶ Leaving ──▶ Over
//!                    └─ 3xx–6xx / CANCEL ──────────────────────────────────────────────▶ Over
//!  callee:  Calling ── 18x ──▶ Calling ── 2xx, ACK ──▶ Up ── BYE ──▶ Leaving ──▶ Over
//!                    └─ CANCEL ──▶ Cancelling ── 487, or 2xx: ACK and BYE ──▶ Over
//! ```
//! Nothing here knows the flow or the mixer: the call reads [`Leg::poll_news`].

mod callee;
mod caller;
mod inside;
mod info;
mod transfer;

use crate::{
    door::ToFront,
    limits::{ACK_WAIT, ENDING_WAIT, PROBE_PAUSE, REPEAT_FIRST, REPEAT_LONGEST, WARNING_CHARS_MAX},
};
use rtp::{is_private, srtp::KeySource};
use sdp::{Agreement, Local, Negotiation};
use sip::{Dialog, HeaderName, Method, NameAddr, NextHop, Request, Response, ServerKey, Uri};
use std::{collections::VecDeque, net::{IpAddr, SocketAddr}, time::Instant};
use terms::{CallId, Digit, Dtmf, LegId, MasterKey, Secret, Srtp};

pub(crate) use callee::Outgoing;
pub(crate) use transfer::Transfer;

/// Methods understood inside a dialog, for `Allow`.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY";

/// What a leg tells its call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// The callee's telephone rings.
    Ringing,
    /// The callee sends sound before it answers (183 with a description).
    Early(Box<Agreement>),
    /// The callee answered.
    Answered(Box<Agreement>),
    /// Offer and answer changed what flows: re-INVITE, UPDATE, or the answer in an ACK.
    Media(Box<Agreement>),
    /// The callee's INVITE failed.
    Refused {
        /// The status; 408 when nobody answered, 503 when it could not be sent.
        code: u16,
        /// In words.
        reason: String,
    },
    /// The caller gave up before the answer.
    Cancelled,
    /// The peer ended an answered call, or was lost.
    HungUp {
        /// In words.
        reason: String,
    },
    /// A key by INFO.
    Digit(Digit),
    /// All keys of [`Leg::press`] were sent.
    KeysSent,
    /// How the peer's telephone fares that was sent elsewhere.
    Transfer(Transfer),
}

/// The leg's stage. What is true only then stands in the variant.
#[derive(Debug)]
enum Stage {
    /// A caller's INVITE without final answer.
    Offered(Box<Offered>),
    /// Our INVITE without final answer.
    Calling(Box<Calling>),
    /// Our INVITE, cancelled: waits for its final answer.
    Cancelling { calling: Box<Calling>, until: Instant },
    /// Answered.
    Up,
    /// A BYE of ours waits for its answer, or for the ACK that must come before it.
    Leaving { until: Instant },
    /// Nothing more will come.
    Over,
}

/// See [`Stage::Offered`].
#[derive(Debug)]
struct Offered {
    transaction: ServerKey,
    invite: Request,
    /// Our answer to the offer in the INVITE; `None` when the INVITE had none (the offer is then in our 2xx).
    answer: Option<(String, Agreement)>,
    /// That answer is out, in a 183.
    is_said: bool,
}

/// See [`Stage::Calling`].
#[derive(Debug)]
struct Calling {
    invite: Request,
    /// The negotiation as it stood when the offer was made: each fork answers it anew.
    offered: Negotiation,
    /// The answer already taken from a provisional response, with the tag it came from.
    early: Option<(String, Agreement)>,
    /// The dialog follows this way, not the Contact's address.
    pinned: Option<NextHop>,
    /// Somebody is there: a response has come.
    is_heard: bool,
}

/// A 2xx of ours that is repeated until its ACK comes (RFC 3261 §13.3.1.4).
#[derive(Debug)]
struct Unacknowledged {
    transaction: ServerKey,
    response: Response,
    next: Instant,
    pause: std::time::Duration,
    until: Instant,
    /// Our offer was in it: the ACK must bring the answer.
    awaits_answer: bool,
}

/// One leg of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    call: CallId,
    id: LegId,
    local: Local,
    contact: Uri,
    negotiation: Negotiation,
    /// Where keys of protected media come from, when there may be any.
    keys: Option<Box<KeySource>>,
    dialog: Option<Dialog>,
    stage: Stage,
    unacknowledged: Option<Unacknowledged>,
    agreement: Option<Agreement>,
    news: VecDeque<News>,
    /// When a silent peer is asked again whether it is there.
    probe_at: Option<Instant>,
    /// Where the peer's own signalling comes from, when no proxy stands between.
    seen_at: Option<IpAddr>,
    /// Our INVITE, once answered: a 2xx of another fork makes its own dialog of it.
    invite: Option<Box<Request>>,
    /// A REFER of ours.
    referring: Option<transfer::Referring>,
    /// By which ways its keys come and go.
    dtmf: Dtmf,
    /// It says that it understands INFO.
    takes_info: bool,
    /// Keys on their way to it by INFO.
    row: info::Row,
}

impl Leg {
    /// Its id.
    pub(crate) const fn id(&self) -> LegId {
        self.id
    }

    /// What flows now, as last agreed.
    pub(crate) const fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// By which ways its keys come and go.
    pub(crate) const fn dtmf(&self) -> Dtmf {
        self.dtmf
    }

    /// Whether it says that it understands INFO.
    pub(crate) const fn takes_info(&self) -> bool {
        self.takes_info
    }

    /// Where an address the peer named for its media really is. A peer behind NAT names one that means nothing here; its
    /// sound comes from the host its signalling comes from (RFC 4787 REQ-2), so nobody else's is waited for. A phone on this very
    /// machine may name the machine's outer address, but speaks to us, and hears us, on the loopback.
    pub(crate) fn outside(&self, named: SocketAddr) -> SocketAddr {
        match self.seen_at {
            Some(seen) if is_private(named.ip()) && !is_private(seen) => SocketAddr::new(seen, named.port()),
            Some(seen) if seen.is_loopback() && !named.ip().is_loopback() => SocketAddr::new(seen, named.port()),
            Some(_) | None => named,
        }
    }

    /// Keys that were never used lie ready for the next offer or answer.
    fn take_fresh_keys(&mut self) {
        if let Some(source) = &mut self.keys {
            self.local.keys = [source.next_key(), source.next_key()];
        }
    }

    /// Whether its own signalling comes from this host, with no proxy between.
    pub(crate) fn is_at(&self, host: IpAddr) -> bool {
        self.seen_at == Some(host.to_canonical())
    }

    /// Whether there is something the call should know.
    pub(crate) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// The next thing the call should know.
    pub(crate) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Answered and not yet ended.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up)
    }

    /// Nothing more will come of it.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// A caller's leg whose INVITE has no final answer.
    pub(crate) const fn is_offered(&self) -> bool {
        matches!(self.stage, Stage::Offered(_))
    }

    /// When time decides next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let stage = match &self.stage {
            Stage::Cancelling { until, .. } | Stage::Leaving { until } => Some(*until),
            Stage::Offered(_) | Stage::Calling(_) | Stage::Up | Stage::Over => None,
        };
        let repeat = self.unacknowledged.as_ref().map(|waiting| waiting.next.min(waiting.until));
        stage.into_iter().chain(repeat).chain(self.probe_at).min()
    }

    /// Time passed: repeats a 2xx, gives up what never came.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<ToFront>) {
        if let Some(waiting) = &mut self.unacknowledged {
            if waiting.until <= now {
                self.unacknowledged = None;
                if self.is_up() {
                    self.news.push_back(News::HungUp { reason: "no ACK came for 32 s".into() });
                }
                self.bye(now, out);
            } else if waiting.next <= now {
                waiting.pause = (waiting.pause * 2).min(REPEAT_LONGEST);
                waiting.next = now + waiting.pause;
                out.push(ToFront::Repeat { transaction: waiting.transaction, response: waiting.response.clone() });
            }
        }
        if self.probe_at.is_some_and(|at| at <= now) {
            self.probe(now, out);
        }
        match &self.stage {
            Stage::Cancelling { until, .. } | Stage::Leaving { until } if *until <= now => self.stage = Stage::Over,
            Stage::Cancelling { .. }
            | Stage::Leaving { .. }
            | Stage::Offered(_)
            | Stage::Calling(_)
            | Stage::Up
            | Stage::Over => {}
        }
    }

    /// No sound comes from an answered peer: an OPTIONS in the dialog asks whether it is still there, again and again until
    /// it is [heard](Self::heard). A 408, a 481 or no answer ends the dialog (RFC 3261 §12.2.1.2).
    pub(crate) fn probe(&mut self, now: Instant, out: &mut Vec<ToFront>) {
        self.probe_at = None;
        let Some(dialog) = self.dialog.as_mut().filter(|_| matches!(self.stage, Stage::Up)) else { return };
        let request = dialog.request(Method::Options);
        let hop = dialog.next_hop();
        out.push(ToFront::Send { call: self.call, leg: self.id, request, hop });
        self.probe_at = Some(now + PROBE_PAUSE);
    }

    /// Sound comes again: nothing more is asked.
    pub(crate) const fn heard(&mut self) {
        self.probe_at = None;
    }

    fn lost(&mut self, now: Instant, out: &mut Vec<ToFront>) {
        if self.is_up() {
            self.news.push_back(News::HungUp { reason: "lost: it answers no more".into() });
            self.bye(now, out);
        }
    }

    /// Ends the leg, whatever its stage: rejects, cancels or says BYE.
    pub(crate) fn end(&mut self, code: u16, reason: Option<&str>, now: Instant, out: &mut Vec<ToFront>) {
        match &self.stage {
            Stage::Offered(_) => self.reject(code, reason, out),
            Stage::Calling(_) => self.cancel(reason, now, out),
            Stage::Up => self.bye(now, out),
            Stage::Cancelling { .. } | Stage::Leaving { .. } | Stage::Over => {}
        }
    }

    /// BYE, at once or, when our 2xx is unacknowledged, after its ACK (RFC 3261 §15).
    fn bye(&mut self, now: Instant, out: &mut Vec<ToFront>) {
        self.probe_at = None;
        self.stage = Stage::Leaving { until: now + ENDING_WAIT };
        if self.unacknowledged.is_some() {
            return;
        }
        match &mut self.dialog {
            Some(dialog) => {
                let request = dialog.request(Method::Bye);
                let hop = dialog.next_hop();
                out.push(ToFront::Send { call: self.call, leg: self.id, request, hop });
            }
            None => self.stage = Stage::Over,
        }
    }

    /// A response to something this leg sent.
    #[expect(clippy::wildcard_enum_match_arm, reason = "methods are open-ended: those we never send need nothing")]
    pub(crate) fn response(&mut self, response: &Response, now: Instant, out: &mut Vec<ToFront>) {
        let Some(cseq) = response.headers.cseq() else { return };
        match cseq.method {
            Method::Invite => self.invite_response(response, cseq.number, now, out),
            Method::Bye if response.code >= 200 && matches!(self.stage, Stage::Leaving { .. }) => self.stage = Stage::Over,
            Method::Options if matches!(response.code, 408 | 481) => self.lost(now, out),
            Method::Refer => self.refer_answered(response.code, &response.reason),
            Method::Info if matches!(response.code, 408 | 481) => self.lost(now, out),
            Method::Info => self.pressed(response.code, out),
            _ => {}
        }
    }

    /// A request of this leg got no response at all.
    pub(crate) fn failed(&mut self, method: &Method, why: sip::FailedWhy, now: Instant, out: &mut Vec<ToFront>) {
        match (&self.stage, method) {
            (Stage::Calling(_), Method::Invite) => {
                let (code, reason) = match why {
                    sip::FailedWhy::Timeout => (408, "no response"),
                    sip::FailedWhy::Transport => (503, "no connection"),
                    sip::FailedWhy::Unresolvable => (503, "its name has no address"),
                    sip::FailedWhy::Cancelled => (487, "cancelled"),
                    sip::FailedWhy::Overload => (503, "too many transactions"),
                };
                self.stage = Stage::Over;
                self.news.push_back(News::Refused { code, reason: reason.into() });
            }
            (Stage::Cancelling { .. }, Method::Invite) | (Stage::Leaving { .. }, Method::Bye) => self.stage = Stage::Over,
            (Stage::Up, Method::Options) => self.lost(now, out),
            (Stage::Up, Method::Refer) => self.refer_answered(408, "no response"),
            (Stage::Up, Method::Info) => self.pressed(408, out),
            _ => {}
        }
    }

    /// Remembers a 2xx of ours that is repeated until acknowledged.
    fn await_ack(&mut self, transaction: ServerKey, response: Response, awaits_answer: bool, now: Instant) {
        self.unacknowledged = Some(Unacknowledged {
            transaction,
            response,
            next: now + REPEAT_FIRST,
            pause: REPEAT_FIRST,
            until: now + ACK_WAIT,
            awaits_answer,
        });
    }

    /// The ACK of our 2xx.
    pub(crate) fn acknowledged(&mut self, ack: &Request, now: Instant, out: &mut Vec<ToFront>) {
        let Some(waiting) = self.unacknowledged.take() else { return };
        if waiting.awaits_answer {
            match self.negotiation.accept(&ack.body) {
                Ok(agreement) => self.agreed(agreement),
                Err(refusal) => {
                    self.negotiation.roll_back();
                    if self.agreement.is_none() && self.is_up() {
                        self.news.push_back(News::HungUp { reason: format!("the answer in its ACK: {refusal}") });
                        self.bye(now, out);
                    }
                }
            }
        }
        if matches!(self.stage, Stage::Leaving { .. }) {
            self.bye(now, out);
        }
        self.refer_now(out);
        if self.has_keys() {
            self.press_next(out);
        }
    }

    fn agreed(&mut self, agreement: Agreement) {
        self.news.push_back(News::Media(Box::new(agreement.clone())));
        self.agreement = Some(agreement);
    }

    /// A response of ours with To-tag, Contact and, if given, a description.
    fn reply(&self, request: &Request, code: u16, reason: Option<&str>, description: Option<&str>) -> Response {
        let mut response = request.respond(code, reason.unwrap_or_default());
        if let Some(dialog) = &self.dialog {
            response.set_to_tag(&dialog.id().local_tag);
        }
        let makes_dialog = (101..300).contains(&code) && matches!(request.method, Method::Invite | Method::Update);
        if makes_dialog {
            response.headers.set(HeaderName::Contact, NameAddr::new(self.contact.clone()).to_string());
            response.headers.set(HeaderName::Allow, ALLOW);
        }
        if let Some(text) = description {
            response.headers.set(HeaderName::ContentType, "application/sdp");
            response.body = text.to_owned().into();
        }
        response
    }

}

/// A `Warning` (RFC 3261 §20.43) that says why a description is not taken: 399, for people.
pub(crate) fn warning(why: &str) -> String {
    let plain: String = why.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(WARNING_CHARS_MAX).collect();
    format!("399 callflow \"{plain}\"")
}

/// Where a leg's keys of protected media come from; nowhere when it has none.
fn key_source(secret: &Secret<[u8; 32]>, call: CallId, leg: LegId, srtp: Srtp) -> Option<Box<KeySource>> {
    (srtp != Srtp::Off).then(|| Box::new(KeySource::new(secret.expose(), format!("{call} {leg}").as_bytes())))
}

/// The keys a leg begins with: fresh ones, or none worth the name when it is not protected.
fn first_keys(source: &mut Option<Box<KeySource>>) -> [MasterKey; 2] {
    source.as_mut().map_or_else(|| [MasterKey::default(), MasterKey::default()], |source| [source.next_key(), source.next_key()])
}
