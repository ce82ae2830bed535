//! The leg that called us: an INVITE to ring, answer or refuse.

use super::{Leg, News, Offered, Stage, first_keys, info, key_source};
use crate::door::{NewCall, ToFront};
use sdp::{Agreement, Capabilities, Local, Negotiation};
use sip::{Dialog, NameAddr, NextHop};
use std::{collections::VecDeque, net::SocketAddr, time::Instant};
use terms::{Codec, Direction, LegId};

/// An INVITE that cannot become a leg.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The status to answer with.
    pub(crate) code: u16,
    /// In words, for the timeline.
    pub(crate) why: String,
}

impl Leg {
    /// The caller's leg. Its offer is answered at once (in memory), so that what we cannot speak is refused before anything rings.
    pub(crate) fn incoming(new: &NewCall, media: SocketAddr, session: u64) -> Result<Self, Refused> {
        let contact = NameAddr::new(new.contact.clone());
        let mut dialog = Dialog::as_server(&new.invite, &new.local_tag, contact)
            .ok_or_else(|| Refused { code: 400, why: "the INVITE has no readable Contact".into() })?;
        if is_behind_nat(&dialog, new) {
            dialog.pin_flow(new.source);
        }
        let dtmf = new.plan.dtmf.agrees_to_events();
        let capabilities = Capabilities { codecs: new.plan.codecs.clone(), dtmf, srtp: new.plan.srtp, ..Capabilities::default() };
        let mut keys = key_source(&new.plan.media_secret, new.id, LegId::CALLER, new.plan.srtp);
        let local = Local { media, capabilities, keys: first_keys(&mut keys) };
        let mut negotiation = Negotiation::new(session);
        let answer = if new.invite.body.is_empty() {
            None
        } else {
            let taken = negotiation
                .answer(&new.invite.body, &local, Direction::SendRecv)
                .map_err(|refusal| Refused { code: refusal.status(), why: refusal.to_string() })?;
            Some(taken)
        };
        let agreement = answer.as_ref().map(|(_, agreement)| agreement.clone());
        let offered = Offered { transaction: new.transaction, invite: new.invite.clone(), answer, is_said: false };
        Ok(Self {
            call: new.id,
            id: LegId::CALLER,
            local,
            contact: new.contact.clone(),
            negotiation,
            keys,
            dialog: Some(dialog),
            stage: Stage::Offered(Box::new(offered)),
            unacknowledged: None,
            agreement,
            news: VecDeque::new(),
            probe_at: None,
            seen_at: (new.invite.headers.list(sip::HeaderName::Via).count() == 1).then(|| new.source.peer.ip().to_canonical()),
            invite: None,
            referring: None,
            dtmf: new.plan.dtmf,
            takes_info: info::takes_info(&new.invite.headers),
            row: info::Row::default(),
        })
    }

    /// 180 Ringing.
    pub(crate) fn ring(&self, out: &mut Vec<ToFront>) {
        if let Stage::Offered(offered) = &self.stage {
            let response = self.reply(&offered.invite, 180, None, None);
            out.push(ToFront::Respond { transaction: offered.transaction, response });
        }
    }

    /// 183 with our description: sound before the answer. `None` when the caller made no offer (then there is no early media).
    pub(crate) fn early(&mut self, out: &mut Vec<ToFront>) -> Option<Agreement> {
        let Stage::Offered(offered) = &mut self.stage else { return None };
        offered.is_said = offered.answer.is_some();
        let Stage::Offered(offered) = &self.stage else { return None };
        let (description, agreement) = offered.answer.as_ref()?;
        let response = self.reply(&offered.invite, 183, None, Some(description));
        out.push(ToFront::Respond { transaction: offered.transaction, response });
        Some(agreement.clone())
    }

    /// The codecs in which it can be spoken to, best first: the one agreed, or, as long as our answer was not sent, all that
    /// the answer may still have. None while it made no offer.
    pub(crate) fn choices(&self) -> Vec<Codec> {
        match (&self.stage, &self.agreement) {
            (Stage::Offered(offered), Some(_)) if !offered.is_said => self.negotiation.choices(&offered.invite.body, &self.local).to_vec(),
            (_, Some(agreement)) => vec![agreement.send.codec],
            (_, None) => Vec::new(),
        }
    }

    /// Before our answer is sent: it takes what the other side of a bridge speaks, if it may, and asks for packets as long as those.
    pub(crate) fn suit(&mut self, codec: Codec, ptime_ms: u16) {
        let Stage::Offered(offered) = &mut self.stage else { return };
        if offered.is_said {
            return;
        }
        self.local.capabilities.first = Some(codec);
        self.local.capabilities.ptime_ms = ptime_ms;
        if offered.answer.is_some()
            && let Ok(taken) = self.negotiation.answer(&offered.invite.body, &self.local, Direction::SendRecv)
        {
            self.agreement = Some(taken.1.clone());
            offered.answer = Some(taken);
        }
    }

    /// 200 with our description. The agreement comes at once, or with the ACK when the caller made no offer.
    pub(crate) fn answer(&mut self, now: Instant, out: &mut Vec<ToFront>) -> Option<Agreement> {
        let stage = std::mem::replace(&mut self.stage, Stage::Up);
        let Stage::Offered(offered) = stage else {
            self.stage = stage;
            return None;
        };
        self.take_fresh_keys();
        let (description, agreement) = match offered.answer {
            Some((description, agreement)) => (description, Some(agreement)),
            None => (self.negotiation.offer(&self.local, Direction::SendRecv), None),
        };
        if let Some(dialog) = &mut self.dialog {
            dialog.confirm();
        }
        let response = self.reply(&offered.invite, 200, None, Some(&description));
        out.push(ToFront::Respond { transaction: offered.transaction, response: response.clone() });
        self.await_ack(offered.transaction, response, agreement.is_none(), now);
        agreement
    }

    /// A final refusal.
    pub(crate) fn reject(&mut self, code: u16, reason: Option<&str>, out: &mut Vec<ToFront>) {
        if let Stage::Offered(offered) = &self.stage {
            let response = self.reply(&offered.invite, code, reason, None);
            out.push(ToFront::Respond { transaction: offered.transaction, response });
            self.stage = Stage::Over;
        }
    }

    /// The caller gave up; the CANCEL is answered, the INVITE gets its 487.
    pub(crate) fn cancelled(&mut self, out: &mut Vec<ToFront>) {
        if self.is_offered() {
            self.reject(487, None, out);
            self.news.push_back(News::Cancelled);
        }
    }
}

/// Whether requests to the caller must go back the way its INVITE came: no proxy recorded itself, and the Contact names
/// another address than the packets came from; or it is a connection, which is used as long as it lives.
fn is_behind_nat(dialog: &Dialog, new: &NewCall) -> bool {
    if new.source.transport.is_reliable() && new.invite.headers.get(sip::HeaderName::RecordRoute).is_none() {
        return true;
    }
    match dialog.next_hop() {
        NextHop::Uri(uri) if new.invite.headers.get(sip::HeaderName::RecordRoute).is_none() => match uri.host {
            sip::Host::Ip(address) => address != new.source.peer.ip(),
            sip::Host::Name(_) => true,
        },
        NextHop::Uri(_) | NextHop::Flow(_) | NextHop::Target(_) => false,
    }
}
