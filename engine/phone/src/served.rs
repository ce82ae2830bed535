//! Server transactions of a line: what the far end asks, what we answer, and how often answers are repeated.

use crate::account::Manners;
use crate::description;
use crate::dialog::Dialog;
use crate::limits::{GIVE_UP, REPLIES_MAX, T1, T2};
use crate::line::{Call, Event, Hearing, Line};
use crate::message;
use rsip::headers::UntypedHeader as _;
use rsip::{Header, Method, Request, headers as h};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terms::{Digit, Direction};

/// What this phone can be asked.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER";

/// An answer that is given again to a repeated request, and, for a refusal of an INVITE, until the ACK comes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    branch: String,
    method: Method,
    from: SocketAddr,
    bytes: Vec<u8>,
    resend: Option<(Instant, Duration)>,
    forget: Instant,
}

impl Reply {
    pub(crate) fn next(&self) -> Option<Instant> {
        self.resend.map(|(at, _)| at)
    }
}

/// Our 2xx to an INVITE, repeated until its ACK (RFC 3261 §13.3.1.4).
#[derive(Clone, Debug)]
pub(crate) struct Accepting {
    sequence: u32,
    bytes: Vec<u8>,
    to: SocketAddr,
    pub(crate) next: Instant,
    interval: Duration,
    give_up: Instant,
    /// Whether our 2xx made the offer, so that the ACK brings the answer.
    offered: bool,
}

impl Line {
    pub(crate) fn serve(&mut self, request: Request, from: SocketAddr, now: Instant) {
        if request.method == Method::Ack {
            self.take_ack(&request);
            return;
        }
        let branch = message::branch(&request.headers).unwrap_or_default();
        if let Some(reply) = self.replies.iter().rev().find(|r| r.branch == branch && r.method == request.method) {
            let (to, bytes) = (reply.from, reply.bytes.clone());
            self.send(to, bytes);
            return;
        }
        if message::value(&request.headers, "From").is_none() || message::sequence(&request.headers).is_none() || branch.is_empty() {
            self.tell(Event::Unreadable(format!("{} without From, CSeq or branch", request.method)));
            return;
        }
        let tagged = message::value(&request.headers, "To").and_then(|to| message::parameter(&to, "tag")).is_some();
        match (request.method, tagged) {
            (Method::Invite, false) => self.take_invite(request, from, now),
            (Method::Invite | Method::Update, true) => self.take_reinvite(&request, from, now),
            (Method::Cancel, _) => self.take_cancel(&request, &branch, from, now),
            (Method::Bye, _) => self.take_bye(&request, from, now),
            (Method::Info, true) => {
                self.reply(&request, 200, "", Vec::new(), Vec::new(), from, now);
                let text = String::from_utf8_lossy(&request.body).into_owned();
                let signal = text.lines().find_map(|l| l.trim().to_ascii_lowercase().strip_prefix("signal=").map(|s| s.trim().to_owned()));
                if let Some(digit) = signal.and_then(|s| Digit::try_from(s.chars().next()?).ok()) {
                    self.tell(Event::InfoDigit(digit));
                }
            }
            (Method::Options, _) => {
                let allow = vec![h::Allow::new(ALLOW).into(), h::Accept::new("application/sdp").into()];
                let tag = self.chance.token();
                self.reply(&request, 200, &tag, allow, Vec::new(), from, now);
            }
            (Method::Refer, true) => {
                let to = message::value(&request.headers, "Refer-To").unwrap_or_default();
                let status = self.setup.refer_answer;
                self.reply(&request, status, "", vec![h::Contact::new(self.contact()).into()], Vec::new(), from, now);
                self.tell(Event::Referred { to, status });
            }
            (Method::Notify, _) => {
                let tag = self.chance.token();
                self.reply(&request, 200, &tag, Vec::new(), Vec::new(), from, now);
            }
            (
                Method::Ack | Method::Info | Method::Message | Method::PRack | Method::Publish | Method::Refer | Method::Register | Method::Subscribe | Method::Update,
                _,
            ) => {
                let tag = self.chance.token();
                self.reply(&request, 405, &tag, vec![h::Allow::new(ALLOW).into()], Vec::new(), from, now);
            }
        }
    }

    /// Answers, remembers the answer, and repeats it when it refuses an INVITE.
    #[expect(clippy::too_many_arguments, reason = "an answer is made of these")]
    fn reply(&mut self, request: &Request, status: u16, tag: &str, more: Vec<Header>, body: Vec<u8>, from: SocketAddr, now: Instant) -> Vec<u8> {
        let bytes = message::answer(request, status, tag, more, body).to_string().into_bytes();
        self.send(from, bytes.clone());
        let branch = message::branch(&request.headers).unwrap_or_default();
        self.replies.retain(|r| !(r.branch == branch && r.method == request.method) && r.forget > now);
        if self.replies.len() >= REPLIES_MAX {
            self.replies.pop_front();
        }
        let refuses = request.method == Method::Invite && status >= 300;
        let resend = (refuses && self.repeats()).then(|| (now + T1, T1));
        self.replies.push_back(Reply { branch, method: request.method, from, bytes: bytes.clone(), resend, forget: now + GIVE_UP });
        bytes
    }

    /// Timers G and H, and the repetition of a 2xx until its ACK.
    pub(crate) fn repeat_replies(&mut self, now: Instant) {
        let mut again = Vec::new();
        for reply in &mut self.replies {
            if let Some((at, interval)) = reply.resend && at <= now {
                let interval = (interval * 2).min(T2);
                reply.resend = (reply.forget > now).then_some((now + interval, interval));
                again.push((reply.from, reply.bytes.clone()));
            }
        }
        for (to, bytes) in again {
            self.send(to, bytes);
        }
        if let Call::Up { accepting: Some(accepting), .. } = &mut self.call && accepting.next <= now {
            if accepting.give_up <= now {
                if let Call::Up { accepting, .. } = &mut self.call {
                    *accepting = None;
                }
                self.tell(Event::Unreadable("no ACK to our 200 for 32 s".to_owned()));
                self.handle(crate::line::Input::Command(&crate::line::Command::HangUp), now);
                return;
            }
            accepting.interval = (accepting.interval * 2).min(T2);
            accepting.next = now + accepting.interval;
            let (to, bytes) = (accepting.to, accepting.bytes.clone());
            self.send(to, bytes);
        }
    }

    fn take_ack(&mut self, request: &Request) {
        let branch = message::branch(&request.headers).unwrap_or_default();
        for reply in &mut self.replies {
            if reply.branch == branch && reply.method == Method::Invite {
                reply.resend = None;
            }
        }
        let Call::Up { dialog, accepting, hold } = &mut self.call else { return };
        let sequence = message::sequence(&request.headers);
        let Some(accepted) = accepting.take_if(|a| dialog.owns(&request.headers) && Some(a.sequence) == sequence) else { return };
        let ours = if *hold { Direction::SendOnly } else { Direction::SendRecv };
        if accepted.offered && let Some(answer) = description::read(&request.body) {
            let route = self.agreed(&answer, ours);
            self.tell(Event::Media { hearing: Hearing::Answered, route });
        }
    }

    fn take_invite(&mut self, request: Request, from: SocketAddr, now: Instant) {
        if self.setup.manners == Manners::Deaf {
            return;
        }
        let tag = self.chance.token();
        if self.is_busy() {
            self.reply(&request, 486, &tag, Vec::new(), Vec::new(), from, now);
            return;
        }
        let find = |name: &str| message::value(&request.headers, name).unwrap_or_default();
        let contact = message::members(message::values(&request.headers, "Contact"));
        let mut dialog = Dialog {
            call_id: find("Call-ID"),
            local: format!("{};tag={tag}", find("To")),
            remote: find("From"),
            target: contact.first().map_or_else(|| message::uri_of(&find("From")).to_owned(), |c| message::uri_of(c).to_owned()),
            routes: message::members(message::values(&request.headers, "Record-Route")),
            sequence: 0,
            peer_sequence: message::sequence(&request.headers),
            session: self.chance.next() >> 33,
            version: 0,
            hop: from,
            through_hop: false,
        };
        self.tell(Event::Incoming { from: dialog.remote.clone(), target: request.uri.to_string() });
        let contact: Vec<Header> = vec![h::Contact::new(self.contact()).into()];
        let due = match self.setup.manners {
            Manners::Answer { after } | Manners::Refuse { after, .. } => {
                if !after.is_zero() {
                    self.reply(&request, 180, &tag, contact, Vec::new(), from, now);
                }
                Some(now + after)
            }
            Manners::Early { after } => {
                let mut more = contact;
                let mut body = Vec::new();
                if let Some(offer) = description::read(&request.body) {
                    let (text, route) = self.answered_description(&offer, Direction::SendRecv, &mut dialog);
                    more.push(h::ContentType::new("application/sdp").into());
                    body = text;
                    self.tell(Event::Media { hearing: Hearing::Early, route });
                }
                self.reply(&request, 183, &tag, more, body, from, now);
                Some(now + after)
            }
            Manners::Ring | Manners::Deaf => {
                self.reply(&request, 180, &tag, contact, Vec::new(), from, now);
                None
            }
        };
        self.call = Call::Incoming { dialog, invite: Box::new(request), from, due };
        if due == Some(now) {
            self.handle(crate::line::Input::Timeout, now);
        }
    }

    /// Says 200 to the call that rings here.
    pub(crate) fn accept_call(&mut self, now: Instant) {
        let Call::Incoming { mut dialog, invite, from, .. } = std::mem::replace(&mut self.call, Call::Idle) else { return };
        let early = dialog.version > 0;
        let (body, route, offered) = match description::read(&invite.body) {
            Some(offer) => {
                if early {
                    // The 200 repeats the 183's answer (RFC 3261 §13.2.1: the first answer counts).
                    dialog.version -= 1;
                }
                let (body, route) = self.answered_description(&offer, Direction::SendRecv, &mut dialog);
                if route.is_none() {
                    self.call = Call::Incoming { dialog, invite, from, due: None };
                    self.refuse_call(488, now);
                    return;
                }
                (body, route, false)
            }
            None => (self.offer(&mut dialog, Direction::SendRecv), None, true),
        };
        let tag = message::parameter(&dialog.local, "tag").unwrap_or_default();
        let more = vec![h::Contact::new(self.contact()).into(), h::Allow::new(ALLOW).into(), h::ContentType::new("application/sdp").into()];
        let bytes = self.reply(&invite, 200, &tag, more, body, from, now);
        let accepting = Some(Accepting {
            sequence: dialog.peer_sequence.unwrap_or(0), bytes, to: from, next: now + T1, interval: T1, give_up: now + GIVE_UP, offered,
        });
        self.call = Call::Up { dialog, hold: false, accepting };
        self.tell(Event::Answered);
        if !offered {
            self.tell(Event::Media { hearing: Hearing::Answered, route });
        }
    }

    /// Refuses the call that rings here.
    pub(crate) fn refuse_call(&mut self, status: u16, now: Instant) {
        let Call::Incoming { dialog, invite, from, .. } = std::mem::replace(&mut self.call, Call::Idle) else { return };
        let tag = message::parameter(&dialog.local, "tag").unwrap_or_default();
        self.reply(&invite, status, &tag, Vec::new(), Vec::new(), from, now);
        self.ended(false, None);
    }

    fn take_reinvite(&mut self, request: &Request, from: SocketAddr, now: Instant) {
        let contact = self.contact();
        let (mut dialog, hold) = match &self.call {
            Call::Up { dialog, hold, .. } if dialog.owns(&request.headers) => (dialog.clone(), *hold),
            Call::Idle | Call::Calling { .. } | Call::Incoming { .. } | Call::Up { .. } | Call::Ending { .. } => {
                self.reply(request, 481, "", Vec::new(), Vec::new(), from, now);
                return;
            }
        };
        let sequence = message::sequence(&request.headers).unwrap_or(0);
        if dialog.peer_sequence.is_some_and(|seen| sequence <= seen) {
            self.reply(request, 500, "", Vec::new(), Vec::new(), from, now);
            return;
        }
        if request.method == Method::Invite && self.asks.iter().any(|a| a.purpose.is_invite()) {
            self.reply(request, 491, "", Vec::new(), Vec::new(), from, now);
            return;
        }
        dialog.peer_sequence = Some(sequence);
        if let Some(contact) = message::members(message::values(&request.headers, "Contact")).first() {
            dialog.target = message::uri_of(contact).to_owned();
        }
        let ours = if hold { Direction::SendOnly } else { Direction::SendRecv };
        let offer = description::read(&request.body);
        let (body, route, offered) = match &offer {
            Some(offer) => {
                let (body, route) = self.answered_description(offer, ours, &mut dialog);
                (body, route, false)
            }
            None if request.method == Method::Invite => (self.offer(&mut dialog, ours), None, true),
            None => (Vec::new(), None, false),
        };
        let mut more: Vec<Header> = vec![h::Contact::new(contact).into()];
        if !body.is_empty() {
            more.push(h::ContentType::new("application/sdp").into());
        }
        let bytes = self.reply(request, 200, "", more, body, from, now);
        let accepting = (request.method == Method::Invite).then(|| Accepting {
            sequence, bytes, to: from, next: now + T1, interval: T1, give_up: now + GIVE_UP, offered,
        });
        self.call = Call::Up { dialog, hold, accepting };
        if let Some(offer) = offer {
            self.tell(Event::ReinvitedByPeer { held: !offer.direction.receives() });
            self.tell(Event::Media { hearing: Hearing::Answered, route });
        }
    }

    fn take_cancel(&mut self, request: &Request, branch: &str, from: SocketAddr, now: Instant) {
        let ours = matches!(&self.call, Call::Incoming { invite, .. } if message::branch(&invite.headers).as_deref() == Some(branch));
        let tag = self.chance.token();
        let status = if ours { 200 } else { 481 };
        self.reply(request, status, &tag, Vec::new(), Vec::new(), from, now);
        if !ours {
            return;
        }
        if let Call::Incoming { dialog, invite, from, .. } = std::mem::replace(&mut self.call, Call::Idle) {
            let tag = message::parameter(&dialog.local, "tag").unwrap_or_default();
            self.reply(&invite, 487, &tag, Vec::new(), Vec::new(), from, now);
        }
        let reason = message::value(&request.headers, "Reason");
        self.tell(Event::Media { hearing: Hearing::Answered, route: None });
        self.tell(Event::Abandoned { reason });
    }

    fn take_bye(&mut self, request: &Request, from: SocketAddr, now: Instant) {
        let ours = match &self.call {
            Call::Up { dialog, .. } | Call::Ending { dialog } => dialog.owns(&request.headers),
            Call::Idle | Call::Calling { .. } | Call::Incoming { .. } => false,
        };
        let ending = matches!(self.call, Call::Ending { .. });
        self.reply(request, if ours { 200 } else { 481 }, "", Vec::new(), Vec::new(), from, now);
        if ours && !ending {
            let reason = message::value(&request.headers, "Reason");
            self.ended(true, reason);
        }
    }
}
