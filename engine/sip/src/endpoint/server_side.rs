//! Requests that come in: matching (RFC 3261 §17.2.3), CANCEL, ACK, screening, and the way answers go back (§18.2.2, RFC 3581).

use super::{Endpoint, Output, ServerKey, Wake};
use crate::{
    Flow, HeaderName, Headers, Method, Request, Response, Transport, Via,
    limits::{OVERLOAD_RETRY_SECONDS, SERVER_TRANSACTIONS_MAX},
    random::mix,
    scan::{split_list, trim},
    transaction::{Expiry, InviteServer, PlainServer},
};
use bytes::Bytes;
use smallvec::SmallVec;
use std::{collections::HashMap, net::SocketAddr, time::Instant};

/// All server transactions.
#[derive(Default)]
pub(super) struct Servers {
    by_id: HashMap<u64, Server>,
    by_key: HashMap<Box<[u8]>, u64>,
    /// Call-ID, From tag and CSeq of requests outside dialogs: the same by another branch is a merge (§8.2.2.2).
    by_origin: HashMap<u64, u64>,
    invites: usize,
}

struct Server {
    key: Box<[u8]>,
    origin: Option<u64>,
    machine: Machine,
    /// Where answers go.
    back: Flow,
    /// The request's headers until anything was answered: for `100 Trying`.
    headers: Option<Headers>,
    /// Our tag in the answers the user left without one.
    tag: Option<String>,
    armed: Option<Instant>,
}

enum Machine {
    Invite(InviteServer),
    Plain(PlainServer),
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
    fn request_again(&self) -> Option<Bytes> {
        match self {
            Self::Invite(machine) => machine.request_again(),
            Self::Plain(machine) => machine.request_again(),
        }
    }
    fn respond(&mut self, code: u16, bytes: &Bytes, now: Instant) -> bool {
        match self {
            Self::Invite(machine) => machine.respond(code, bytes, now),
            Self::Plain(machine) => machine.respond(code, bytes, now),
        }
    }
}

impl Servers {
    /// INVITE and other transactions.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.invites, self.by_id.len() - self.invites)
    }
    fn forget(&mut self, id: u64) -> Option<Server> {
        let server = self.by_id.remove(&id)?;
        self.by_key.remove(&server.key);
        if let Some(origin) = server.origin.filter(|origin| self.by_origin.get(origin) == Some(&id)) {
            self.by_origin.remove(&origin);
        }
        if matches!(server.machine, Machine::Invite(_)) {
            self.invites -= 1;
        }
        Some(server)
    }
}

type Key = SmallVec<[u8; 128]>;

/// What a request's transaction is found by. ACK is looked for as its INVITE; `as_invite` does the same for CANCEL.
fn key_of(request: &Request, via: &Via<'_>, as_invite: bool) -> Key {
    let mut key = Key::new();
    let method = if as_invite || request.method == Method::Ack { Method::Invite.as_str() } else { request.method.as_str() };
    key.extend_from_slice(method.as_bytes());
    key.push(b' ');
    key.extend(via.sent_by.bytes().map(|b| b.to_ascii_lowercase()));
    key.push(b' ');
    match via.branch() {
        Some(branch) => key.extend_from_slice(branch.as_bytes()),
        None => {
            // RFC 2543 peers: what stays the same in INVITE, its repeats, ACK and CANCEL (§17.2.3).
            let headers = &request.headers;
            let number = headers.cseq().map_or(0, |cseq| cseq.number);
            for part in [headers.call_id(), headers.from_tag(), via.param("branch")] {
                key.push(b' ');
                key.extend_from_slice(part.unwrap_or("").as_bytes());
            }
            key.push(b' ');
            key.extend_from_slice(&number.to_be_bytes());
        }
    }
    key
}

/// A keyed hash of some texts: quick, and not to be aimed at without the secret.
fn hash(secret: u64, parts: &[&[u8]]) -> u64 {
    parts.iter().fold(secret, |mut state, part| {
        for chunk in part.chunks(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            state = mix(state ^ word).wrapping_add(secret);
        }
        mix(state ^ part.len() as u64)
    })
}

/// Marks the top Via with where the request really came from and gives the way answers take.
pub(super) fn way_back(headers: &mut Headers, flow: Flow) -> Flow {
    let Some(via) = headers.via() else { return flow };
    let wants_port = via.param("rport").is_some();
    let lies = via.host != crate::Host::Ip(flow.peer.ip());
    let back = match flow.transport {
        Transport::Udp if !wants_port => Flow { peer: SocketAddr::new(flow.peer.ip(), via.port_or_default()), ..flow },
        Transport::Udp | Transport::Tcp => flow,
    };
    if wants_port || lies {
        let mut fresh = format!("SIP/2.0/{} {}", via.transport, via.sent_by);
        for item in split_list(via.params, b';') {
            let name = item.split_once('=').map_or(item, |(name, _)| trim(name));
            if !name.eq_ignore_ascii_case("rport") && !name.eq_ignore_ascii_case("received") {
                fresh.push(';');
                fresh.push_str(item);
            }
        }
        fresh.push_str(&format!(";received={}", flow.peer.ip()));
        if wants_port {
            fresh.push_str(&format!(";rport={}", flow.peer.port()));
        }
        headers.replace_first(HeaderName::Via, &fresh);
    }
    back
}

impl Endpoint {
    pub(super) fn read_request(&mut self, mut request: Request, flow: Flow, now: Instant) {
        let Some(via) = request.headers.via() else { return };
        let key = key_of(&request, &via, false);
        let known = self.servers.by_key.get(key.as_slice()).copied();
        if request.method == Method::Ack {
            return self.read_ack(request, flow, known, &key, now);
        }
        if let Some(server) = known.and_then(|id| self.servers.by_id.get(&id)) {
            let back = server.back;
            match server.machine.request_again() {
                Some(bytes) => {
                    self.totals.repeated += 1;
                    self.transmit(back, bytes);
                }
                None => self.totals.dropped += 1,
            }
            return;
        }
        let invite_key = (request.method == Method::Cancel).then(|| key_of(&request, &via, true));
        let back = way_back(&mut request.headers, flow);
        if let Some(invite_key) = invite_key {
            return self.read_cancel(&request, flow, back, key, &invite_key, now);
        }
        if let Some(response) = self.config.abilities.screen(&request) {
            self.totals.refused += 1;
            return self.answer_stateless(response, back, Some(&key));
        }
        let origin = self.origin_of(&request);
        if origin.is_some_and(|origin| self.servers.by_origin.contains_key(&origin)) {
            self.totals.refused += 1;
            return self.answer_stateless(request.respond(482, ""), back, Some(&key));
        }
        if self.servers.by_id.len() >= SERVER_TRANSACTIONS_MAX {
            self.totals.refused += 1;
            let mut response = request.respond(503, "");
            response.headers.push(HeaderName::RetryAfter, OVERLOAD_RETRY_SECONDS.to_string());
            return self.answer_stateless(response, back, Some(&key));
        }
        let id = self.begin_server(&request, key, origin, back, now);
        self.outputs.push_back(Output::Request { transaction: ServerKey(id), request, source: flow });
    }

    fn origin_of(&self, request: &Request) -> Option<u64> {
        let headers = &request.headers;
        if headers.to_tag().is_some() {
            return None;
        }
        let cseq = headers.get(HeaderName::CSeq)?;
        Some(hash(self.tag_secret, &[headers.call_id()?.as_bytes(), headers.from_tag()?.as_bytes(), cseq.as_bytes()]))
    }

    fn begin_server(&mut self, request: &Request, key: Key, origin: Option<u64>, back: Flow, now: Instant) -> u64 {
        let id = self.next_id();
        let reliable = back.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            self.servers.invites += 1;
            Machine::Invite(InviteServer::new(now, reliable))
        } else {
            Machine::Plain(PlainServer::new(now, reliable))
        };
        let key: Box<[u8]> = key.as_slice().into();
        let mut server =
            Server { key: key.clone(), origin, machine, back, headers: Some(request.headers.clone()), tag: None, armed: None };
        let deadline = server.machine.deadline();
        Self::arm(&mut self.wakes, &mut server.armed, deadline, Wake::Server(id));
        self.servers.by_key.insert(key, id);
        if let Some(origin) = origin {
            self.servers.by_origin.insert(origin, id);
        }
        self.servers.by_id.insert(id, server);
        id
    }

    fn read_ack(&mut self, request: Request, flow: Flow, known: Option<u64>, key: &Key, now: Instant) {
        if let Some(id) = known {
            if let Some(Server { machine: Machine::Invite(machine), .. }) = self.servers.by_id.get_mut(&id)
                && machine.ack(now)
            {
                return self.settle_server(id, now);
            }
        } else if request.headers.to_tag() == Some(self.stateless_tag(key).as_str()) {
            // The ACK of an answer we gave without a transaction.
            return;
        }
        self.outputs.push_back(Output::Ack { request, source: flow });
    }

    /// §9.2: the CANCEL is answered here; what it cancels is answered by the user.
    fn read_cancel(&mut self, request: &Request, flow: Flow, back: Flow, key: Key, invite_key: &Key, now: Instant) {
        let invite = self.servers.by_key.get(invite_key.as_slice()).copied();
        let Some(invite) = invite else {
            self.totals.refused += 1;
            return self.answer_stateless(request.respond(481, ""), back, Some(&key));
        };
        let (pending, tag) = match self.servers.by_id.get_mut(&invite) {
            Some(Server { machine: Machine::Invite(machine), tag, .. }) => {
                (machine.is_pending(), tag.get_or_insert_with(|| self.chance.token()).clone())
            }
            Some(Server { machine: Machine::Plain(_), .. }) | None => (false, self.chance.token()),
        };
        let id = self.begin_server(request, key, None, back, now);
        let mut response = request.respond(200, "");
        response.set_to_tag(&tag);
        self.respond(id, response, now);
        if pending {
            let reason = request.headers.get(HeaderName::Reason).map(str::to_owned);
            self.outputs.push_back(Output::Cancelled { transaction: ServerKey(invite), source: flow, reason });
        }
    }

    pub(super) fn respond(&mut self, id: u64, mut response: Response, now: Instant) {
        let Some(server) = self.servers.by_id.get_mut(&id) else { return };
        if response.code > 100 {
            let chance = &mut self.chance;
            if response.headers.to_tag().is_none() {
                response.set_to_tag(server.tag.get_or_insert_with(|| chance.token()));
            }
        }
        let bytes = response.to_bytes();
        if server.machine.respond(response.code, &bytes, now) {
            server.headers = None;
            let back = server.back;
            self.send_back(back, bytes);
        }
        self.settle_server(id, now);
    }

    pub(super) fn respond_stateless(&mut self, id: u64, response: Response) {
        let Some(server) = self.servers.forget(id) else { return };
        self.answer_stateless(response, server.back, Some(&server.key));
    }

    fn stateless_tag(&self, key: &[u8]) -> String {
        format!("s{:016x}", hash(self.tag_secret, &[key]))
    }

    /// Sends an answer and keeps nothing.
    pub(super) fn answer_stateless(&mut self, mut response: Response, back: Flow, key: Option<&[u8]>) {
        if response.code > 100 && response.headers.to_tag().is_none() {
            let tag = match key {
                Some(key) => self.stateless_tag(key),
                None => self.stateless_tag(response.headers.get(HeaderName::Via).unwrap_or("").as_bytes()),
            };
            response.set_to_tag(&tag);
        }
        if let Some(server) = &self.config.server {
            response.headers.push(HeaderName::Server, server);
        }
        self.send_back(back, response.to_bytes());
    }

    /// Runs what is due, and forgets or re-arms.
    pub(super) fn wake_server(&mut self, id: u64, at: Instant, now: Instant) {
        let Some(server) = self.servers.by_id.get_mut(&id) else { return };
        if server.armed != Some(at) {
            return;
        }
        server.armed = None;
        self.settle_server(id, now);
    }

    fn settle_server(&mut self, id: u64, now: Instant) {
        while let Some(server) = self.servers.by_id.get_mut(&id) {
            let deadline = server.machine.deadline();
            if deadline > now {
                Self::arm(&mut self.wakes, &mut server.armed, deadline, Wake::Server(id));
                return;
            }
            // An INVITE's 100 is due at once but waits for the next timeout: only a wake-up (which took the arm) says it.
            if server.armed == Some(deadline) {
                return;
            }
            match server.machine.timeout(now) {
                Expiry::Nothing => return,
                Expiry::Trying => {
                    let Some(headers) = server.headers.take() else { continue };
                    let bytes = trying(&headers);
                    server.machine.respond(100, &bytes, now);
                    let back = server.back;
                    self.send_back(back, bytes);
                }
                Expiry::Repeat => {
                    let (back, again) = (server.back, server.machine.request_again());
                    self.totals.repeated += 1;
                    if let Some(bytes) = again {
                        self.send_back(back, bytes);
                    }
                }
                Expiry::TimedOut | Expiry::Ended => {
                    self.servers.forget(id);
                    return;
                }
            }
        }
    }
}

/// `100 Trying` from a request's headers.
fn trying(headers: &Headers) -> Bytes {
    let mut out = Headers::new();
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq, HeaderName::Timestamp] {
        out.copy_from(headers, name);
    }
    Response { code: 100, reason: "Trying".to_owned(), headers: out, body: Bytes::new() }.to_bytes()
}
