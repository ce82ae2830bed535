//! A leg we call: an INVITE of ours, its forks, its answer or refusal.

use super::{Calling, Leg, News, Stage, first_keys, info, key_source};
use crate::{
    door::{Branch, ToFront},
    limits::{ENDING_WAIT, UNHEARD_WAIT},
};
use sdp::{Capabilities, Local, Negotiation};
use sip::{Dialog, HeaderName, Host, Method, NameAddr, NextHop, Request, Response};
use std::{collections::VecDeque, net::{IpAddr, SocketAddr}, time::Instant};
use terms::{CallId, Direction, LegId, Secret};

/// What an outgoing leg is made of.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
    pub(crate) branch: Branch,
    /// Unguessable Call-ID and From-tag of the new dialog.
    pub(crate) call_id: String,
    pub(crate) tag: String,
    /// Name and number shown to the callee.
    pub(crate) display: String,
    /// Further headers of the flow; those that are no header names are left out.
    pub(crate) headers: Vec<(String, String)>,
    /// What may be offered, best first.
    pub(crate) capabilities: Capabilities,
    /// Hops left (RFC 3261 §16.6: one fewer than the caller's INVITE had).
    pub(crate) max_forwards: u8,
    pub(crate) session: u64,
    /// What keys of protected media are made from.
    pub(crate) media_secret: Secret<[u8; 32]>,
}

impl Leg {
    /// Sends the INVITE.
    pub(crate) fn outgoing(plan: Outgoing, media: SocketAddr, out: &mut Vec<ToFront>) -> Self {
        let mut keys = key_source(&plan.media_secret, plan.call, plan.leg, plan.capabilities.srtp);
        let local = Local { media, capabilities: plan.capabilities, keys: first_keys(&mut keys) };
        let mut negotiation = Negotiation::new(plan.session);
        let description = negotiation.offer(&local, Direction::SendRecv);
        let mut from = NameAddr::new(plan.branch.from.clone()).with_tag(&plan.tag);
        if !plan.display.is_empty() {
            from = from.with_display(&plan.display);
        }
        let contact = NameAddr::new(plan.branch.contact.clone());
        let mut invite = Request::new(Method::Invite, plan.branch.uri.clone());
        let headers = &mut invite.headers;
        headers.push(HeaderName::MaxForwards, plan.max_forwards.to_string());
        for route in &plan.branch.route {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::From, from.to_string());
        headers.push(HeaderName::To, NameAddr::new(plan.branch.to.clone()).to_string());
        headers.push(HeaderName::CallId, &plan.call_id);
        headers.push(HeaderName::CSeq, "1 INVITE");
        headers.push(HeaderName::Contact, contact.to_string());
        headers.push(HeaderName::Allow, super::ALLOW);
        if plan.branch.trusted {
            let identity = NameAddr::new(plan.branch.from.clone()).to_string();
            headers.push(HeaderName::PAssertedIdentity, &identity);
        }
        for (name, value) in &plan.headers {
            headers.push_named(name, value);
        }
        headers.push(HeaderName::ContentType, "application/sdp");
        invite.body = description.into();
        out.push(ToFront::Send { call: plan.call, leg: plan.leg, request: invite.clone(), hop: plan.branch.hop.clone() });
        let seen_at = match &plan.branch.hop {
            NextHop::Flow(flow) if plan.branch.pinned && plan.branch.route.is_empty() => Some(flow.peer.ip().to_canonical()),
            // On this machine there is no proxy whose media would come from elsewhere.
            NextHop::Flow(flow) => Some(flow.peer.ip().to_canonical()).filter(IpAddr::is_loopback),
            NextHop::Target(target) => Some(target.addr.ip().to_canonical()).filter(IpAddr::is_loopback),
            NextHop::Uri(uri) => match uri.host {
                Host::Ip(ip) => Some(ip.to_canonical()).filter(IpAddr::is_loopback),
                Host::Name(_) => None,
            },
        };
        let calling = Calling { invite, offered: negotiation.clone(), early: None, pinned: plan.branch.pinned.then_some(plan.branch.hop), is_heard: false };
        Self {
            call: plan.call,
            id: plan.leg,
            local,
            contact: plan.branch.contact,
            negotiation,
            keys,
            dialog: None,
            stage: Stage::Calling(Box::new(calling)),
            unacknowledged: None,
            agreement: None,
            news: VecDeque::new(),
            probe_at: None,
            seen_at,
            invite: None,
            referring: None,
            dtmf: plan.branch.dtmf,
            takes_info: false,
            row: info::Row::default(),
        }
    }

    /// Gives the INVITE up. A 2xx that crosses the CANCEL is acknowledged and ended.
    pub(crate) fn cancel(&mut self, reason: Option<&str>, now: Instant, out: &mut Vec<ToFront>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Calling(calling) = stage {
            out.push(ToFront::Cancel { call: self.call, leg: self.id, reason: reason.map(str::to_owned) });
            // A device that never said a word is not waited for as long as one that did (RFC 3261 §9.1 forbids the CANCEL itself).
            let patience = if calling.is_heard { ENDING_WAIT } else { UNHEARD_WAIT };
            self.stage = Stage::Cancelling { calling, until: now + patience };
        } else {
            self.stage = stage;
        }
    }

    pub(super) fn invite_response(&mut self, response: &Response, cseq: u32, now: Instant, out: &mut Vec<ToFront>) {
        match (&mut self.stage, response.code) {
            (Stage::Calling(calling) | Stage::Cancelling { calling, .. }, ..=100) => calling.is_heard = true,
            (_, ..=100) => {}
            (Stage::Calling(_), 101..=199) => self.provisional(response),
            (Stage::Calling(_), 200..=299) => self.answered(response, cseq, now, out),
            (Stage::Calling(_), code) => {
                self.stage = Stage::Over;
                self.news.push_back(News::Refused { code, reason: response.reason.to_string() });
            }
            (Stage::Cancelling { .. }, 200..=299) => self.answered_too_late(response, cseq, now, out),
            (Stage::Cancelling { .. }, 300..) => self.stage = Stage::Over,
            (Stage::Cancelling { .. }, 101..=199) => {}
            (Stage::Up | Stage::Leaving { .. } | Stage::Over, 200..=299) => self.repeated_answer(response, cseq, out),
            (Stage::Up | Stage::Leaving { .. } | Stage::Over | Stage::Offered(_), _) => {}
        }
    }

    fn provisional(&mut self, response: &Response) {
        let Stage::Calling(calling) = &mut self.stage else { return };
        calling.is_heard = true;
        if response.body.is_empty() {
            self.news.push_back(News::Ringing);
            return;
        }
        let tag = response.headers.to_tag().unwrap_or_default().to_owned();
        if calling.early.as_ref().is_some_and(|(known, _)| *known == tag) {
            self.news.push_back(News::Ringing);
            return;
        }
        let mut negotiation = calling.offered.clone();
        if let Ok(agreement) = negotiation.accept(&response.body) {
            self.negotiation = negotiation;
            self.news.push_back(News::Early(Box::new(agreement.clone())));
            calling.early = Some((tag, agreement));
        }
    }

    fn answered(&mut self, response: &Response, cseq: u32, now: Instant, out: &mut Vec<ToFront>) {
        let Stage::Calling(calling) = std::mem::replace(&mut self.stage, Stage::Up) else { return };
        let calling = *calling;
        let Some(mut dialog) = Dialog::as_client(&calling.invite, response) else {
            self.stage = Stage::Over;
            self.news.push_back(News::Refused { code: 502, reason: "its answer makes no dialog".into() });
            return;
        };
        pin(&mut dialog, calling.pinned.as_ref());
        out.push(ToFront::Ack { request: dialog.ack(cseq), hop: dialog.next_hop() });
        self.dialog = Some(dialog);
        self.takes_info = info::takes_info(&response.headers);
        self.invite = Some(Box::new(calling.invite));
        let tag = response.headers.to_tag().unwrap_or_default();
        let mut why = String::from("its answer has no description");
        let agreed = if response.body.is_empty() {
            calling.early.filter(|(known, _)| known == tag).map(|(_, agreement)| agreement)
        } else {
            self.negotiation = calling.offered;
            match self.negotiation.accept(&response.body) {
                Ok(agreement) => Some(agreement),
                Err(refusal) => {
                    why = format!("its answer: {refusal}");
                    None
                }
            }
        };
        match agreed {
            Some(agreement) => {
                // It goes on in later offers of its: the other side of the bridge was answered with it.
                self.local.capabilities.first = Some(agreement.send.codec);
                self.agreement = Some(agreement.clone());
                self.news.push_back(News::Answered(Box::new(agreement)));
            }
            None => {
                self.news.push_back(News::Refused { code: 488, reason: why });
                self.bye(now, out);
            }
        }
    }

    /// A 2xx crossed our CANCEL: it is acknowledged, each time it comes, and ended.
    fn answered_too_late(&mut self, response: &Response, cseq: u32, now: Instant, out: &mut Vec<ToFront>) {
        let Stage::Cancelling { calling, .. } = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let Some(mut dialog) = Dialog::as_client(&calling.invite, response) else { return };
        pin(&mut dialog, calling.pinned.as_ref());
        out.push(ToFront::Ack { request: dialog.ack(cseq), hop: dialog.next_hop() });
        self.dialog = Some(dialog);
        self.invite = Some(Box::new(calling.invite));
        self.bye(now, out);
    }

    /// A 2xx again (its ACK was lost), or a 2xx of another fork: one answered telephone is enough.
    fn repeated_answer(&mut self, response: &Response, cseq: u32, out: &mut Vec<ToFront>) {
        if let Some(dialog) = &self.dialog
            && dialog.is_of(response)
        {
            out.push(ToFront::Ack { request: dialog.ack(cseq), hop: dialog.next_hop() });
            return;
        }
        let Some(mut other) = self.invite.as_ref().and_then(|invite| Dialog::as_client(invite, response)) else { return };
        out.push(ToFront::Ack { request: other.ack(cseq), hop: other.next_hop() });
        let request = other.request(Method::Bye);
        out.push(ToFront::Send { call: self.call, leg: self.id, request, hop: other.next_hop() });
    }
}

/// Makes a dialog follow the way its INVITE went.
fn pin(dialog: &mut Dialog, to: Option<&NextHop>) {
    match to {
        Some(NextHop::Flow(flow)) => dialog.pin_flow(*flow),
        Some(NextHop::Target(target)) => dialog.pin_target(*target),
        Some(NextHop::Uri(_)) | None => {}
    }
}
