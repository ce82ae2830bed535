//! What belongs to a call already: in-dialog requests, ACK, CANCEL, responses; and what calls say to the wire.

use crate::{
    front::{Front, Output},
    table::Pending,
};
use call::{LegEvent, ToFront, ToShard};
use sip::{FailedWhy, Flow, HeaderName, Method, NextHop, Request, Response, ServerKey};
use terms::{CallId, LegId, Now};

/// The header that carries how often a call has passed by us, beside Max-Forwards, which others may reset.
pub(crate) const HOPS: &str = "X-Callflow-Hops";

impl Front {
    pub(crate) fn inside_dialog(&mut self, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        let found = match (request.headers.call_id(), request.headers.to_tag()) {
            (Some(call_id), Some(tag)) => self.table.dialog(call_id, tag),
            (None, _) | (_, None) => None,
        };
        if request.method == Method::Subscribe
            && let Some(number) = self.lamps.of(&request.headers)
        {
            return self.resubscribe(number, transaction, request, source, now);
        }
        let Some((call, leg)) = found else {
            self.counters.strays += 1;
            tracing::debug!(method = %request.method, peer = %source.peer, "no such dialog");
            self.refuse(transaction, &request, 481, now);
            return;
        };
        if request.method == Method::Invite {
            self.table.invite_waits(transaction, Pending { call, leg, source: source.peer.ip() });
        }
        self.tell_call(call, ToShard::Leg { call, leg, event: LegEvent::Request { transaction, request, source } });
    }

    pub(crate) fn ack(&mut self, request: Request) {
        let (Some(call_id), Some(tag)) = (request.headers.call_id(), request.headers.to_tag()) else { return };
        if let Some((call, leg)) = self.table.dialog(call_id, tag) {
            self.tell_call(call, ToShard::Leg { call, leg, event: LegEvent::Ack(request) });
        }
    }

    /// A CANCEL counts only from where its INVITE came (RELIABILITY D1); the endpoint has matched the branch already.
    pub(crate) fn cancelled(&mut self, transaction: ServerKey, source: Flow) {
        let Some(pending) = self.table.invite(transaction) else { return };
        if pending.source.to_canonical() != source.peer.ip().to_canonical() {
            tracing::warn!(peer = %source.peer, call = %pending.call, "CANCEL from elsewhere: ignored");
            return;
        }
        let (call, leg) = (pending.call, pending.leg);
        self.tell_call(call, ToShard::Leg { call, leg, event: LegEvent::Cancelled });
    }

    pub(crate) fn response(&mut self, token: u64, response: Response, source: Flow, now: Now) {
        if self.lamp_answered(token, &response, now) {
            return;
        }
        let Some(sent) = self.table.sent(token).cloned() else { return };
        // A 2xx to an INVITE may come again, and from other forks: its token lives as long as the leg.
        let keeps = response.is_provisional() || (sent.method == Method::Invite && response.is_success());
        if !keeps {
            self.table.settled(token);
        }
        let (call, leg) = (sent.call, sent.leg);
        self.tell_call(call, ToShard::Leg { call, leg, event: LegEvent::Response { response, source } });
    }

    pub(crate) fn failed(&mut self, token: u64, why: FailedWhy, now: Now) {
        if self.lamp_settled(token, false, now) {
            return;
        }
        let Some(sent) = self.table.sent(token).cloned() else { return };
        self.table.settled(token);
        self.tell_failed(sent.call, sent.leg, sent.method, why);
    }

    fn tell_failed(&mut self, call: CallId, leg: LegId, method: Method, why: FailedWhy) {
        self.tell_call(call, ToShard::Leg { call, leg, event: LegEvent::Failed { method, why } });
    }

    pub(crate) fn heard_shard(&mut self, message: ToFront, now: Now) {
        match message {
            ToFront::Respond { transaction, response } => {
                if !response.is_provisional() {
                    self.table.invite_done(transaction);
                }
                self.endpoint.handle(sip::Input::Respond { transaction, response }, now.at);
            }
            ToFront::Repeat { transaction, response } => {
                self.endpoint.handle(sip::Input::Retransmit { transaction, response }, now.at);
            }
            ToFront::Send { call, leg, request, hop } => self.send(call, leg, request, hop, now),
            ToFront::Ack { request, hop } => self.endpoint.handle(sip::Input::SendAck { request, hop }, now.at),
            ToFront::Cancel { call, leg, reason } => {
                if let Some(token) = self.table.invite_of(call, leg) {
                    self.endpoint.handle(sip::Input::Cancel { token, reason }, now.at);
                }
            }
            ToFront::Locate { call, ticket, target, origin, realm } => {
                self.locate(call, ticket, &target, &origin, &realm, now);
            }
            ToFront::Meet { call, ticket, realm, meet } => self.meet((call, ticket), realm, meet, now),
            ToFront::ReferTo { call, ticket, target, dialled, origin, realm } => {
                self.refer_to(call, ticket, &target, &dialled, (&origin, &realm));
            }
            ToFront::Answered { call } => self.table.answered(call, now),
            ToFront::Media { call, leg, look } => self.table.looks(call, leg, look),
            ToFront::LegEnded { call, leg } => self.table.leg_ended(call, leg),
            ToFront::Ended(record) => {
                for shard in self.table.passed(record.id) {
                    let message = ToShard::Forget { call: record.id };
                    self.outputs.push_back(Output::Shard { shard, message });
                }
                let call = record.id;
                self.with_meetings(now, |meetings, now| meetings.ended(call, now));
                if self.table.end(record.id) {
                    tracing::info!(call = %record.id, status = record.status, by = %record.ended_by, "call over");
                    self.outputs.push_back(Output::Record(record));
                }
            }
        }
    }

    fn send(&mut self, call: CallId, leg: LegId, mut request: Request, hop: NextHop, now: Now) {
        let key = request.headers.call_id().zip(request.headers.from_tag());
        let Some((call_id, tag)) = key.map(|(id, tag)| (id.to_owned(), tag.to_owned())) else {
            self.tell_failed(call, leg, request.method, FailedWhy::Transport);
            return;
        };
        let method = request.method.clone();
        let Some((token, is_new)) = self.table.send(call, leg, &method, (call_id, tag)) else {
            self.tell_failed(call, leg, method, FailedWhy::Overload);
            return;
        };
        if is_new && let Some(entry) = self.table.get(call) {
            // The call goes on in another dialog: what counts hops must go on too (RELIABILITY D4).
            request.headers.set(HeaderName::MaxForwards, entry.forwards.saturating_sub(1).to_string());
            request.headers.remove_named(HOPS);
            request.headers.push_named(HOPS, (entry.hops + 1).to_string());
        }
        self.endpoint.handle(sip::Input::Send { token, request, hop }, now.at);
    }
}
