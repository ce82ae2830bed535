//! The front: one value between the wire, the shards and the store.
//!
//! ```text
//!  wire ──▶ sip::Endpoint ──▶ inside a dialog? ──▶ shard
//!                    └─ new ──▶ REGISTER ──▶ registrar ──▶ store
//!                           └─▶ INVITE ──▶ identity, admission, route ──▶ shard (new call)
//!                           └─▶ SUBSCRIBE ──▶ identity ──▶ a lamp that tells of messages
//!                           └─▶ OPTIONS ──▶ 200
//!  shard ──▶ Respond, Send, Locate, Ended … ──▶ sip::Endpoint ──▶ wire
//! ```

use crate::{
    directory::Directory,
    guard::{GuessGuard, Tally},
    lamps::{self, Lamps},
    limits,
    meetings::Meetings,
    settings::Settings,
    table::{Caller, CallTable, CallView},
};
use bytes::Bytes;
use call::{CallRecord, ToFront, ToShard};
use registrar::{Device, Registrar, Row, Ticket};
use sip::{Chance, Endpoint, EndpointConfig, Flow, HeaderName, Request, Response, ServerKey, Target, Transport, digest::Authenticator};
use std::{collections::{BTreeMap, VecDeque}, net::IpAddr, sync::Arc, time::Instant};
use terms::{CallId, Name, Now};

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// Bytes, connections and resolved names. Only what comes from the world (`Received`, `StreamBytes`, `Connected`,
    /// `ConnectFailed`, `StreamClosed`, `Resolved`); what the user of the endpoint says is the front's own business.
    Wire(sip::Input),
    /// A shard speaks.
    Shard(ToFront),
    /// The store has, or could not keep, the rows of [`Output::Store`].
    Stored {
        /// Which.
        ticket: Ticket,
        /// Whether they are safe on disk.
        kept: bool,
    },
    /// So many messages are in a mailbox: the answer to [`Output::CountMailbox`], and whenever it changes.
    Mailbox {
        /// Its realm.
        realm: Name,
        /// Its name.
        mailbox: Name,
        /// New and old ones.
        waiting: voicemail::Waiting,
    },
    /// A new set of resources; devices of connections that are gone or became virtual are forgotten.
    Directory(Arc<Directory>),
    /// A new set of flows; calls in progress keep theirs.
    Flows(flow::FlowSet),
    /// A shard has (no longer) more to do than it can: it gets no new calls, what is inside calls is served. When no shard has
    /// room, new calls are answered 503.
    Overload {
        /// Which, from 0.
        shard: usize,
        /// Whether it has too much to do.
        is_overloaded: bool,
    },
    /// Shut down: no new calls or registrations (503); running calls go on.
    Drain,
    /// An order of the API: end this call.
    HangUp {
        /// Which.
        call: CallId,
        /// Such as `api`.
        why: &'static str,
    },
    /// An order of the API: let this call be heard, or hear, another way in its conference. Nothing happens when it is in none.
    Tune {
        /// Which.
        call: CallId,
        /// How.
        tuning: call::Tuning,
    },
}

/// What to do next.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once from the queue to its channel; a box for each message would cost more")]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// Along this path.
        flow: Flow,
        /// All of them: one datagram, or in order on the stream.
        bytes: Bytes,
    },
    /// Open a stream; answer with `Connected` or `ConnectFailed`.
    Connect {
        /// To here.
        target: Target,
    },
    /// Close this stream.
    Close {
        /// The connection.
        flow: Flow,
    },
    /// Find the addresses of a host (RFC 3263); answer with `Resolved`.
    Resolve {
        /// The question's number.
        query: u64,
        /// A host name.
        host: String,
        /// Its port, when the URI gave one.
        port: Option<u16>,
        /// Its transport, when the URI gave one.
        transport: Option<Transport>,
    },
    /// Tell a shard.
    Shard {
        /// Which, from 0.
        shard: usize,
        /// What.
        message: ToShard,
    },
    /// Keep exactly these rows for this connection, then say [`Input::Stored`].
    Store {
        /// To acknowledge by.
        ticket: Ticket,
        /// Whose devices.
        connection: Name,
        /// All of its bindings; none: delete them.
        rows: Vec<Row>,
    },
    /// How many messages are in this mailbox? Answer with [`Input::Mailbox`].
    CountMailbox {
        /// Its realm.
        realm: Name,
        /// Its name.
        mailbox: Name,
    },
    /// A call is over: its record for the clerk.
    Record(Box<CallRecord>),
    /// A limit against fraud stopped an outbound call: for a webhook and the log.
    FraudLimit {
        /// The call.
        call: CallId,
        /// Who is held responsible, in words.
        who: String,
        /// Which limit, in words.
        why: String,
    },
}

/// What was counted since birth, and gauges of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls now.
    pub calls: usize,
    /// Calls admitted.
    pub calls_admitted: u64,
    /// New calls refused for load: limits, overload, draining.
    pub calls_shed: u64,
    /// New calls refused because the caller may not reach the target, or there is none.
    pub calls_refused: u64,
    /// Challenges sent.
    pub challenged: u64,
    /// Wrong passwords.
    pub wrong_passwords: u64,
    /// Requests refused unread because of too many wrong passwords.
    pub guesses_blocked: u64,
    /// Outbound legs refused by policy.
    pub outbound_refused: u64,
    /// Subscriptions to mailboxes now.
    pub subscriptions: usize,
    /// Requests inside dialogs we do not know.
    pub strays: u64,
    /// The endpoint's own counts.
    pub sip: sip::Counts,
    /// The registrar's own counts.
    pub registrar: registrar::Counters,
}

/// A plain picture of the front for API and console.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What was counted.
    pub counters: Counters,
    /// Calls in progress, oldest first.
    pub calls: Vec<CallView>,
    /// Registered devices, by connection.
    pub devices: Vec<Device>,
}

/// A REGISTER that waits for the registrar's answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) transaction: ServerKey,
    pub(crate) request: Request,
}

/// All signalling of one node, pure. Drain [`Front::poll_output`] to `None` after each input.
pub struct Front {
    pub(crate) settings: Settings,
    pub(crate) directory: Arc<Directory>,
    pub(crate) flows: flow::FlowSet,
    pub(crate) endpoint: Endpoint,
    pub(crate) registrar: Registrar<Asked>,
    pub(crate) authenticators: BTreeMap<Name, Authenticator>,
    pub(crate) guesses: GuessGuard,
    pub(crate) rates: Tally<IpAddr>,
    pub(crate) outbound: Tally<Caller>,
    pub(crate) table: CallTable,
    pub(crate) meetings: Meetings,
    pub(crate) lamps: Lamps,
    pub(crate) chance: Chance,
    /// Whether we are shutting down: nothing new is taken.
    pub(crate) is_draining: bool,
    pub(crate) counters: Counters,
    pub(crate) outputs: VecDeque<Output>,
}

impl Front {
    /// A front with nothing registered and no call.
    #[must_use]
    pub fn new(settings: Settings, directory: Arc<Directory>, flows: flow::FlowSet) -> Self {
        let mut chance = Chance::new(settings.seed);
        let config = EndpointConfig {
            listeners: settings.listeners.clone(),
            abilities: abilities(),
            server: settings.server.clone(),
            tcp_above: None,
        };
        let mut front = Self {
            endpoint: Endpoint::new(config, chance.next_u64()),
            registrar: Registrar::new(settings.listeners.iter().flat_map(own_addresses).collect()),
            authenticators: BTreeMap::new(),
            guesses: GuessGuard::new(),
            rates: Tally::new(limits::SECOND),
            outbound: Tally::new(limits::HOUR),
            table: CallTable::new(settings.shards),
            meetings: Meetings::default(),
            lamps: Lamps::default(),
            chance,
            is_draining: false,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            directory,
            flows,
            settings,
        };
        front.make_authenticators();
        front
    }

    /// Takes up the bindings of the store at start, those of connections that still may have devices. Returns how many.
    pub fn load_bindings(&mut self, rows: Vec<Row>, now: Now) -> usize {
        let keep = |row: &Row| self.directory.connection(row.connection.as_str()).is_some_and(|c| c.passwords.is_some());
        let rows = rows.into_iter().filter(keep).collect();
        self.registrar.load(rows, now)
    }

    /// One thing happened.
    pub fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Wire(wire) => self.wire(wire, now),
            Input::Shard(message) => self.heard_shard(message, now),
            Input::Stored { ticket, kept } => self.registrar.handle(registrar::Input::Stored { ticket, kept }, now),
            Input::Directory(directory) => self.take_directory(directory, now),
            Input::Mailbox { realm, mailbox, waiting } => self.counted((realm, mailbox), waiting, now),
            Input::Flows(flows) => self.flows = flows,
            Input::Overload { shard, is_overloaded } => self.table.overload(shard, is_overloaded),
            Input::Drain => self.is_draining = true,
            Input::Tune { call, tuning } => self.with_meetings(now, |meetings, _| _ = meetings.tune(call, tuning)),
            Input::HangUp { call, why } => self.tell_call(call, ToShard::Command { call, command: call::Command::HangUp { why: why.into() } }),
        }
        self.drain(now);
    }

    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, now: Now) {
        self.endpoint.handle_timeout(now.at);
        self.registrar.handle_timeout(now);
        self.expire_subscriptions(now);
        if self.meetings_due().is_some_and(|due| due <= now.at) {
            self.with_meetings(now, Meetings::handle_timeout);
        }
        self.drain(now);
    }

    /// When to come back, and for whom.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let endpoint = self.endpoint.poll_timeout().map(|at| (at, "a transaction's timer"));
        let registrar = self.registrar.poll_timeout().map(|at| (at, "a binding's expiry"));
        let meetings = self.meetings_due().map(|at| (at, "an agent's rest"));
        let lamps = self.lamps.poll_timeout().map(|at| (at, "a subscription's expiry"));
        endpoint.into_iter().chain(registrar).chain(meetings).chain(lamps).min()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A plain picture for API and console.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot { counters: self.counters(), calls: self.table.views(), devices: self.registrar.snapshot(now) }
    }

    /// What was counted: cheap, for metrics.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            calls: self.table.len(),
            subscriptions: self.lamps.len(),
            sip: self.endpoint.snapshot(),
            registrar: self.registrar.counters(),
            ..self.counters
        }
    }

    /// The devices of one connection.
    #[must_use]
    pub fn devices(&self, connection: &Name, now: Now) -> Vec<Device> {
        self.registrar.devices(connection, now)
    }

    /// The resources in force.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Entries in the tables of calls and of their meetings: 0 when there is no call.
    #[must_use]
    pub fn residue(&self) -> usize {
        self.table.residue() + self.meetings.residue()
    }

    fn make_authenticators(&mut self) {
        let (key, life) = (*self.settings.nonce_key.expose(), self.settings.limits.nonce_life);
        for realm in self.directory.realms() {
            // One that exists stays: it remembers which nonce counts were used.
            self.authenticators
                .entry(realm.name.clone())
                .or_insert_with(|| Authenticator::new(&key, realm.name.as_str(), life));
        }
    }

    fn take_directory(&mut self, directory: Arc<Directory>, now: Now) {
        for old in self.directory.connections() {
            let stays = directory.connection(old.name.as_str()).is_some_and(|c| c.passwords.is_some() && c.realm == old.realm && c.user == old.user);
            if !stays {
                self.registrar.handle(registrar::Input::Forget(old.name.clone()), now);
            }
        }
        self.directory = directory;
        self.make_authenticators();
        self.lamps_of_directory(now);
    }

    fn wire(&mut self, wire: sip::Input, now: Now) {
        match &wire {
            sip::Input::StreamClosed { flow } => self.registrar.handle(registrar::Input::Closed(*flow), now),
            sip::Input::Received { .. }
            | sip::Input::StreamBytes { .. }
            | sip::Input::Connected { .. }
            | sip::Input::ConnectFailed { .. }
            | sip::Input::Resolved { .. } => {}
            sip::Input::Respond { .. }
            | sip::Input::RespondStateless { .. }
            | sip::Input::Retransmit { .. }
            | sip::Input::Send { .. }
            | sip::Input::SendAck { .. }
            | sip::Input::Cancel { .. } => {
                tracing::error!("the shell spoke for the front: ignored");
                return;
            }
        }
        self.endpoint.handle(wire, now.at);
    }

    /// Until neither endpoint nor registrar has anything left to say.
    fn drain(&mut self, now: Now) {
        loop {
            if let Some(output) = self.endpoint.poll_output() {
                self.heard_endpoint(output, now);
            } else if let Some(output) = self.registrar.poll_output() {
                self.heard_registrar(output, now);
            } else {
                return;
            }
        }
    }

    fn heard_endpoint(&mut self, output: sip::Output, now: Now) {
        match output {
            sip::Output::Transmit { flow, bytes } => self.outputs.push_back(Output::Transmit { flow, bytes }),
            sip::Output::Connect { target } => self.outputs.push_back(Output::Connect { target }),
            sip::Output::Close { flow } => {
                self.registrar.handle(registrar::Input::Closed(flow), now);
                self.outputs.push_back(Output::Close { flow });
            }
            sip::Output::Resolve { query, host, port, transport } => {
                self.outputs.push_back(Output::Resolve { query, host, port, transport });
            }
            sip::Output::Request { transaction, request, source } => self.request(transaction, request, source, now),
            sip::Output::Ack { request, source: _ } => self.ack(request),
            sip::Output::Cancelled { transaction, source, reason: _ } => self.cancelled(transaction, source),
            sip::Output::Response { token, response, source } => self.response(token, response, source, now),
            sip::Output::Failed { token, why } => self.failed(token, why, now),
        }
    }

    fn heard_registrar(&mut self, output: registrar::Output<Asked>, now: Now) {
        match output {
            registrar::Output::Store { ticket, connection, rows } => {
                self.outputs.push_back(Output::Store { ticket, connection, rows });
            }
            registrar::Output::Answer { key, reply } => self.answer_register(&key, &reply, now),
        }
    }

    /// A request that the endpoint found sound: inside a dialog, or new.
    fn request(&mut self, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        use sip::Method;
        match &request.method {
            Method::Register => self.register(transaction, request, source, now),
            _ if request.headers.to_tag().is_some() => self.inside_dialog(transaction, request, source, now),
            Method::Invite => self.invite(transaction, request, source, now),
            Method::Subscribe => self.subscribe(transaction, request, source, now),
            Method::Options => self.options(transaction, &request, now),
            // Outside a dialog these have no meaning (RFC 3261 §15.1.2, RFC 3311 §5.2, RFC 6086 §4.2.2).
            Method::Bye | Method::Prack | Method::Info | Method::Update | Method::Notify | Method::Ack | Method::Cancel => {
                self.counters.strays += 1;
                self.refuse(transaction, &request, 481, now);
            }
            Method::Publish | Method::Refer | Method::Message | Method::Other(_) => {
                self.refuse(transaction, &request, 405, now);
            }
        }
    }

    fn options(&mut self, transaction: ServerKey, request: &Request, now: Now) {
        let mut response = request.respond(200, "");
        let abilities = &self.endpoint.config().abilities;
        response.headers.push(HeaderName::Allow, abilities.allow());
        response.headers.push(HeaderName::Accept, "application/sdp");
        response.headers.push(HeaderName::AllowEvents, lamps::EVENT);
        response.headers.push(HeaderName::Supported, abilities.extensions.join(", "));
        self.stateless(transaction, response, now);
    }

    /// Answers once and keeps nothing.
    pub(crate) fn stateless(&mut self, transaction: ServerKey, response: Response, now: Now) {
        self.endpoint.handle(sip::Input::RespondStateless { transaction, response }, now.at);
    }

    /// Refuses once and keeps nothing.
    pub(crate) fn refuse(&mut self, transaction: ServerKey, request: &Request, code: u16, now: Now) {
        let mut response = request.respond(code, "");
        if code == 405 {
            response.headers.push(HeaderName::Allow, self.endpoint.config().abilities.allow());
        }
        self.stateless(transaction, response, now);
    }

    /// 503 with a Retry-After by chance, so that those refused do not come back together.
    pub(crate) fn shed(&mut self, transaction: ServerKey, request: &Request, now: Now) {
        let span = limits::RETRY_AFTER_S;
        let seconds = span.start + self.chance.next_u64() % (span.end - span.start);
        let mut response = request.respond(503, "");
        response.headers.push(HeaderName::RetryAfter, seconds.to_string());
        self.stateless(transaction, response, now);
    }

    /// To the shard of a call, if the call is.
    pub(crate) fn tell_call(&mut self, call: CallId, message: ToShard) {
        if let Some(shard) = self.table.shard_of(call) {
            self.outputs.push_back(Output::Shard { shard, message });
        }
    }
}

/// What is understood.
fn abilities() -> sip::Abilities {
    let mut abilities = sip::Abilities { extensions: vec!["path".to_owned()], ..sip::Abilities::default() };
    abilities.methods.push(sip::Method::Subscribe);
    abilities
}

/// The addresses by which a listener may be named in a contact.
fn own_addresses(listener: &sip::Listener) -> Vec<std::net::SocketAddr> {
    [Some(listener.local), listener.advertised.parse().ok()].into_iter().flatten().collect()
}
