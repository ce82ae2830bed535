//! Requests that go out: finding the way (RFC 3263), branch and Via, matching of answers (§17.1.3), ACK and CANCEL.

use super::{Endpoint, FailedWhy, Output, Wake};
use crate::{
    Flow, HeaderName, Headers, Method, NextHop, Request, Response, Target, Transport,
    limits::CLIENT_TRANSACTIONS_MAX,
    resolve::{self, Plan},
    transaction::{Expiry, InviteClient, PlainClient, Reaction},
    via::COOKIE,
};
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

/// All client transactions.
#[derive(Default)]
pub(super) struct Clients {
    by_id: HashMap<u64, Client>,
    by_token: HashMap<u64, u64>,
    by_branch: HashMap<Box<str>, u64>,
    /// CANCELs bear the branch of their INVITE.
    cancels: HashMap<Box<str>, u64>,
    invites: usize,
}

struct Client {
    /// The user's number; `None` for ACK and CANCEL.
    token: Option<u64>,
    /// As the user gave it, without our Via.
    request: Request,
    phase: Phase,
    /// Where to try next when this try fails (RFC 3263 §4.3).
    spare: VecDeque<Target>,
    armed: Option<Instant>,
    /// The `Reason` of its CANCEL.
    cancel_reason: Option<String>,
}

enum Phase {
    /// A question is out.
    Resolving,
    /// A stream is being opened.
    Connecting,
    /// It was sent.
    Sent(Box<Sent>),
}

struct Sent {
    flow: Flow,
    branch: Box<str>,
    via: String,
    bytes: Bytes,
    machine: Machine,
    /// The user gave up before a provisional response.
    cancel_wanted: bool,
}

enum Machine {
    Invite(InviteClient),
    Plain(PlainClient),
}

impl Machine {
    fn deadline(&self) -> Instant {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::Plain(machine) => machine.deadline(),
        }
    }
    fn timeout(&mut self, now: Instant) -> Expiry {
        match self {
            Self::Invite(machine) => machine.timeout(now),
            Self::Plain(machine) => machine.timeout(now),
        }
    }
    fn response(&mut self, code: u16, now: Instant) -> Reaction {
        match self {
            Self::Invite(machine) => machine.response(code, now),
            Self::Plain(machine) => machine.response(code, now),
        }
    }
    const fn is_open(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_open(),
            Self::Plain(machine) => machine.is_open(),
        }
    }
}

impl Clients {
    /// INVITE and other transactions.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.invites, self.by_id.len() - self.invites)
    }
    fn forget(&mut self, id: u64) -> Option<Client> {
        let client = self.by_id.remove(&id)?;
        if let Some(token) = client.token {
            self.by_token.remove(&token);
        }
        if client.request.method == Method::Invite {
            self.invites -= 1;
        }
        match &client.phase {
            Phase::Sent(sent) if client.request.method == Method::Cancel => self.cancels.remove(&sent.branch),
            Phase::Sent(sent) => self.by_branch.remove(&sent.branch),
            Phase::Resolving | Phase::Connecting => None,
        };
        Some(client)
    }
}

impl Endpoint {
    /// A request of the user, or an ACK to a 2xx (`token` is `None`).
    pub(super) fn start(&mut self, token: Option<u64>, mut request: Request, hop: NextHop, now: Instant) {
        let taken = token.is_some_and(|token| self.clients.by_token.contains_key(&token));
        if self.clients.by_id.len() >= CLIENT_TRANSACTIONS_MAX || taken {
            if let Some(token) = token {
                self.outputs.push_back(Output::Failed { token, why: FailedWhy::Overload });
            }
            return;
        }
        if !request.headers.has(HeaderName::MaxForwards) {
            request.headers.push(HeaderName::MaxForwards, "70");
        }
        let id = self.next_id();
        if let Some(token) = token {
            self.clients.by_token.insert(token, id);
        }
        if request.method == Method::Invite {
            self.clients.invites += 1;
        }
        self.clients.by_id.insert(id, Client { token, request, phase: Phase::Resolving, spare: VecDeque::new(), armed: None, cancel_reason: None });
        match hop {
            NextHop::Flow(flow) if flow.transport == Transport::Udp || self.streams.is_open(flow.connection) => self.send_on(id, flow, now),
            NextHop::Flow(flow) => self.send_to(id, flow.target(), now),
            NextHop::Target(target) => self.send_to(id, target, now),
            NextHop::Uri(uri) => match resolve::plan(&uri) {
                Plan::Direct(target) => {
                    let spelt = uri.transport().is_some();
                    self.resolved(id, self.with_tcp_first(id, spelt, vec![target]), now);
                }
                Plan::Ask { host, port, transport } => {
                    self.outputs.push_back(Output::Resolve { query: id, host, port, transport });
                }
                Plan::Nowhere => self.fail(id, FailedWhy::Unresolvable),
            },
        }
    }

    /// §18.1.1: what is too long for a datagram tries TCP first, when configured and the URI leaves it open.
    fn with_tcp_first(&self, id: u64, spelt: bool, targets: Vec<Target>) -> Vec<Target> {
        let Some(limit) = self.config.tcp_above.filter(|_| !spelt) else { return targets };
        let long = self.clients.by_id.get(&id).is_some_and(|client| client.request.to_bytes().len() + 120 > limit);
        if !long {
            return targets;
        }
        let tcp: Vec<_> = targets.iter().map(|t| Target { transport: Transport::Tcp, ..*t }).collect();
        tcp.into_iter().chain(targets).collect()
    }

    pub(super) fn resolved(&mut self, query: u64, targets: Vec<Target>, now: Instant) {
        let Some(client) = self.clients.by_id.get_mut(&query) else { return };
        if !matches!(client.phase, Phase::Resolving) {
            return;
        }
        client.spare = targets.into();
        match client.spare.pop_front() {
            Some(target) => self.send_to(query, target, now),
            None => self.fail(query, FailedWhy::Unresolvable),
        }
    }

    fn send_to(&mut self, id: u64, target: Target, now: Instant) {
        match target.transport {
            Transport::Udp => {
                let listeners = &self.config.listeners;
                let from = listeners.iter().find(|l| l.transport == Transport::Udp && l.local.is_ipv4() == target.addr.is_ipv4());
                match from.map(|l| l.local) {
                    Some(local) => self.send_on(id, Flow { transport: Transport::Udp, local, peer: target.addr, connection: 0 }, now),
                    None => self.client_broke(id, FailedWhy::Transport, now),
                }
            }
            Transport::Tcp => match self.streams.to(target.addr) {
                Some(flow) => self.send_on(id, flow, now),
                None => {
                    if let Some(client) = self.clients.by_id.get_mut(&id) {
                        client.phase = Phase::Connecting;
                    }
                    if !self.connect_for(target, super::streams::Waiting::Client(id)) {
                        self.client_broke(id, FailedWhy::Transport, now);
                    }
                }
            },
        }
    }

    /// What we are called in `Via` on this path.
    fn sent_by(&self, flow: &Flow) -> String {
        let listeners = &self.config.listeners;
        let exact = listeners.iter().find(|l| l.transport == flow.transport && l.local == flow.local);
        let like = || listeners.iter().find(|l| l.transport == flow.transport && l.local.is_ipv4() == flow.local.is_ipv4());
        exact.or_else(like).map_or_else(|| flow.local.to_string(), |l| l.advertised.clone())
    }

    /// The path is there: give the request its branch and send it.
    pub(super) fn send_on(&mut self, id: u64, flow: Flow, now: Instant) {
        let sent_by = self.sent_by(&flow);
        let mut branch = String::with_capacity(40);
        branch.push_str(COOKIE);
        self.chance.append_token(&mut branch);
        let Some(client) = self.clients.by_id.get_mut(&id) else { return };
        let via = format!("SIP/2.0/{} {sent_by};branch={branch};rport", flow.transport);
        let bytes = with_via(&client.request, &via);
        if client.request.method == Method::Ack {
            self.clients.forget(id);
            return self.transmit(flow, bytes);
        }
        let reliable = flow.transport.is_reliable();
        let machine = if client.request.method == Method::Invite {
            Machine::Invite(InviteClient::new(now, reliable))
        } else {
            Machine::Plain(PlainClient::new(now, reliable))
        };
        let branch: Box<str> = branch.into();
        client.phase = Phase::Sent(Box::new(Sent { flow, branch: branch.clone(), via, bytes: bytes.clone(), machine, cancel_wanted: false }));
        self.clients.by_branch.insert(branch, id);
        self.streams.use_by(flow, id);
        self.transmit(flow, bytes);
        self.settle_client(id, now);
    }

    pub(super) fn read_response(&mut self, response: Response, flow: Flow, now: Instant) {
        let found = response.headers.via().and_then(|via| via.branch().map(str::to_owned)).zip(response.headers.cseq());
        let Some((branch, cseq)) = found else {
            self.totals.dropped += 1;
            return;
        };
        let table = if cseq.method == Method::Cancel { &self.clients.cancels } else { &self.clients.by_branch };
        let id = table.get(branch.as_str()).copied();
        let Some((id, client)) = id.and_then(|id| self.clients.by_id.get_mut(&id).map(|client| (id, client))) else {
            self.totals.dropped += 1;
            return;
        };
        // A response with more than our own Via went astray (§8.1.3.3).
        if client.request.method != cseq.method || response.headers.list(HeaderName::Via).nth(1).is_some() {
            self.totals.dropped += 1;
            return;
        }
        let Phase::Sent(sent) = &mut client.phase else { return };
        let reaction = sent.machine.response(response.code, now);
        let (path, token) = (sent.flow, client.token);
        let cancel_now = sent.cancel_wanted && matches!(&sent.machine, Machine::Invite(machine) if machine.may_cancel());
        if matches!(reaction, Reaction::AckAndDeliver | Reaction::AckAgain) {
            let ack = ack_of(&client.request, &sent.via, &response);
            self.transmit(path, ack);
        }
        match reaction {
            Reaction::Deliver | Reaction::AckAndDeliver => {
                let spare = self.clients.by_id.get_mut(&id).filter(|_| response.code == 503).and_then(|c| c.spare.pop_front());
                if let Some(target) = spare {
                    self.retry(id, target, now);
                } else if let Some(token) = token {
                    self.outputs.push_back(Output::Response { token, response, source: flow });
                }
            }
            Reaction::AckAgain | Reaction::Absorb => {}
        }
        if cancel_now {
            self.send_cancel(id, now);
        }
        self.settle_client(id, now);
    }

    /// Tries the next target with a new branch.
    fn retry(&mut self, id: u64, target: Target, now: Instant) {
        if let Some(client) = self.clients.by_id.get_mut(&id) {
            if let Phase::Sent(sent) = &client.phase {
                self.clients.by_branch.remove(&sent.branch);
                self.streams.done_by(sent.flow, id);
            }
            client.phase = Phase::Connecting;
        }
        self.send_to(id, target, now);
    }

    pub(super) fn cancel(&mut self, token: u64, reason: Option<String>, now: Instant) {
        let Some(id) = self.clients.by_token.get(&token).copied() else { return };
        let Some(client) = self.clients.by_id.get_mut(&id) else { return };
        client.spare.clear();
        client.cancel_reason = reason;
        match &mut client.phase {
            Phase::Resolving | Phase::Connecting => self.fail(id, FailedWhy::Cancelled),
            Phase::Sent(sent) => match &sent.machine {
                Machine::Invite(machine) if machine.may_cancel() => self.send_cancel(id, now),
                Machine::Invite(machine) => sent.cancel_wanted = machine.is_calling(),
                Machine::Plain(_) => {}
            },
        }
    }

    fn send_cancel(&mut self, invite: u64, now: Instant) {
        let Some(client) = self.clients.by_id.get_mut(&invite) else { return };
        let Phase::Sent(sent) = &mut client.phase else { return };
        let Machine::Invite(machine) = &mut sent.machine else { return };
        machine.cancelled(now);
        sent.cancel_wanted = false;
        if self.clients.cancels.contains_key(&sent.branch) {
            return;
        }
        let mut request = like(&client.request, Method::Cancel, None);
        if let Some(reason) = client.cancel_reason.take() {
            request.headers.push(HeaderName::Reason, reason);
        }
        let (flow, branch, via) = (sent.flow, sent.branch.clone(), sent.via.clone());
        let bytes = with_via(&request, &via);
        let id = self.next_id();
        let machine = Machine::Plain(PlainClient::new(now, flow.transport.is_reliable()));
        let phase = Phase::Sent(Box::new(Sent { flow, branch: branch.clone(), via, bytes: bytes.clone(), machine, cancel_wanted: false }));
        self.clients.by_id.insert(id, Client { token: None, request, phase, spare: VecDeque::new(), armed: None, cancel_reason: None });
        self.clients.cancels.insert(branch, id);
        self.streams.use_by(flow, id);
        self.transmit(flow, bytes);
        self.settle_client(id, now);
        self.settle_client(invite, now);
    }

    /// The path of this try broke or never came: the next target, or the end.
    pub(super) fn client_broke(&mut self, id: u64, why: FailedWhy, now: Instant) {
        let Some(client) = self.clients.by_id.get_mut(&id) else { return };
        if matches!(&client.phase, Phase::Sent(sent) if !sent.machine.is_open()) {
            return;
        }
        match client.spare.pop_front() {
            Some(target) => self.retry(id, target, now),
            None => self.fail(id, why),
        }
    }

    fn fail(&mut self, id: u64, why: FailedWhy) {
        let Some(client) = self.end_client(id) else { return };
        if let Some(token) = client.token {
            self.outputs.push_back(Output::Failed { token, why });
        }
    }

    fn end_client(&mut self, id: u64) -> Option<Client> {
        let client = self.clients.forget(id)?;
        if let Phase::Sent(sent) = &client.phase {
            self.streams.done_by(sent.flow, id);
        }
        Some(client)
    }

    pub(super) fn wake_client(&mut self, id: u64, at: Instant, now: Instant) {
        let Some(client) = self.clients.by_id.get_mut(&id) else { return };
        if client.armed == Some(at) {
            client.armed = None;
            self.settle_client(id, now);
        }
    }

    /// Runs what is due, and forgets or re-arms.
    fn settle_client(&mut self, id: u64, now: Instant) {
        while let Some(client) = self.clients.by_id.get_mut(&id) {
            let Phase::Sent(sent) = &mut client.phase else { return };
            let deadline = sent.machine.deadline();
            if deadline > now {
                return Self::arm(&mut self.wakes, &mut client.armed, deadline, Wake::Client(id));
            }
            match sent.machine.timeout(now) {
                Expiry::Nothing | Expiry::Trying => return,
                Expiry::Repeat => {
                    let (flow, bytes) = (sent.flow, sent.bytes.clone());
                    self.totals.repeated += 1;
                    self.transmit(flow, bytes);
                }
                Expiry::TimedOut => self.client_broke(id, FailedWhy::Timeout, now),
                Expiry::Ended => {
                    self.end_client(id);
                }
            }
        }
    }
}

/// The request in wire form with our Via on top.
fn with_via(request: &Request, via: &str) -> Bytes {
    use std::io::Write;
    let mut out = Vec::with_capacity(700 + request.body.len());
    let _ = write!(out, "{} {} SIP/2.0\r\nVia: {via}\r\n", request.method, request.uri);
    request.headers.write(&mut out);
    let _ = write!(out, "Content-Length: {}\r\n\r\n", request.body.len());
    out.extend_from_slice(&request.body);
    out.into()
}

/// ACK (§17.1.1.3) or CANCEL (§9.1) of an INVITE: same URI, Route, From, Call-ID, CSeq number; `to` of the response for ACK.
fn like(invite: &Request, method: Method, to: Option<&str>) -> Request {
    let mut headers = Headers::new();
    headers.copy_from(&invite.headers, HeaderName::Route);
    headers.push(HeaderName::MaxForwards, "70");
    headers.copy_from(&invite.headers, HeaderName::From);
    match to {
        Some(to) => headers.push(HeaderName::To, to),
        None => headers.copy_from(&invite.headers, HeaderName::To),
    }
    headers.copy_from(&invite.headers, HeaderName::CallId);
    let number = invite.headers.cseq().map_or(0, |cseq| cseq.number);
    headers.push(HeaderName::CSeq, format!("{number} {method}"));
    Request { method, uri: invite.uri.clone(), headers, body: Bytes::new() }
}

fn ack_of(invite: &Request, via: &str, response: &Response) -> Bytes {
    with_via(&like(invite, Method::Ack, response.headers.get(HeaderName::To)), via)
}
