//! All transactions of one front: matching, timers, and the paths messages take.
//!
//! Outputs wait in one queue. Deadlines wait in one heap: every transaction and stream has at most a few entries, and an
//! entry that finds its owner gone or its deadline moved is dropped or put back. `server_side.rs`, `client_side.rs` and
//! `streams.rs` hold the three parts.

mod client_side;
mod server_side;
mod streams;

use crate::{Abilities, Chance, Flow, Malformed, Message, NextHop, Request, Response, Target, Transport, random::mix};
use bytes::Bytes;
use client_side::Clients;
use server_side::Servers;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    net::SocketAddr,
    time::Instant,
};
use streams::Streams;

/// One socket the shell has bound.
#[derive(Clone, Debug)]
pub struct Listener {
    /// UDP or TCP.
    pub transport: Transport,
    /// The bound address; outgoing UDP to a target leaves from the first listener of the target's family.
    pub local: SocketAddr,
    /// What peers are told in `Via`: host (name or address, IPv6 in brackets) and port.
    pub advertised: String,
}

/// What an endpoint is told at its birth.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// The bound sockets.
    pub listeners: Vec<Listener>,
    /// What is understood; requests beyond it are answered 405/415/416/420 without a transaction.
    pub abilities: Abilities,
    /// The `Server` header of answers the endpoint makes itself, if any.
    pub server: Option<String>,
    /// Requests to a URI without a `transport` parameter that are longer than this many bytes go by TCP first
    /// (RFC 3261 §18.1.1 says 1300); `None`: always by UDP.
    pub tcp_above: Option<usize>,
}

/// Names a server transaction. Never used twice within one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerKey(pub u64);

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// A datagram arrived.
    Received {
        /// From whom, on which socket.
        flow: Flow,
        /// The whole datagram.
        bytes: Bytes,
    },
    /// Bytes of a stream arrived (an incoming connection is born with its first bytes).
    StreamBytes {
        /// The connection.
        flow: Flow,
        /// Any number of them.
        bytes: Bytes,
    },
    /// A connection asked for by [`Output::Connect`] is open.
    Connected {
        /// The target of the request.
        target: Target,
        /// The open connection.
        flow: Flow,
    },
    /// A connection asked for by [`Output::Connect`] could not be opened.
    ConnectFailed {
        /// The target of the request.
        target: Target,
    },
    /// A connection ended, whoever ended it.
    StreamClosed {
        /// The connection.
        flow: Flow,
    },
    /// The answer to [`Output::Resolve`]: in order of preference, empty when there is none.
    Resolved {
        /// The question's number.
        query: u64,
        /// Where to try, best first.
        targets: Vec<Target>,
    },
    /// The user answers a request; 1xx any number of times, one final.
    Respond {
        /// The request's transaction.
        transaction: ServerKey,
        /// The answer, made by [`Request::respond`].
        response: Response,
    },
    /// The user answers a request once and for all and nothing of it is kept: for challenges and refusals
    /// that strangers could ask for in floods. No `100 Trying` leaves before it when it comes before the next `handle_timeout`.
    RespondStateless {
        /// The request's transaction, forgotten by this.
        transaction: ServerKey,
        /// The final answer.
        response: Response,
    },
    /// The user sends its 2xx to an INVITE again, because no ACK came (RFC 3261 §13.3.1.4; RFC 6026 §8.7).
    Retransmit {
        /// The INVITE's transaction.
        transaction: ServerKey,
        /// The same 2xx as before.
        response: Response,
    },
    /// The user sends a request in a new client transaction. The endpoint puts `Via` and branch on it.
    Send {
        /// The user's number for it; unique among the user's living requests.
        token: u64,
        /// The request, without our `Via`.
        request: Request,
        /// Where to.
        hop: NextHop,
    },
    /// The user acknowledges a 2xx: no transaction (RFC 3261 §13.2.2.4).
    SendAck {
        /// The ACK, from [`crate::Dialog::ack`].
        request: Request,
        /// Where to.
        hop: NextHop,
    },
    /// The user gives up the INVITE of `token`: CANCEL is sent once a provisional response has arrived (RFC 3261 §9.1).
    /// The outcome comes as a response (487, or a 2xx that crossed) or as `Failed`.
    Cancel {
        /// The INVITE's number.
        token: u64,
        /// Why, as the value of the CANCEL's `Reason` header (RFC 3326), such as `SIP;cause=200;text="Call completed elsewhere"`.
        reason: Option<String>,
    },
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// Along this path.
        flow: Flow,
        /// All of them, in one datagram or in order on the stream.
        bytes: Bytes,
    },
    /// Open a stream; answer with `Connected` or `ConnectFailed`.
    Connect {
        /// To here.
        target: Target,
    },
    /// Close this stream. No `StreamClosed` need follow.
    Close {
        /// The connection.
        flow: Flow,
    },
    /// Find the addresses of a host; answer with `Resolved` (RFC 3263: NAPTR and SRV when no port is given).
    Resolve {
        /// The question's number.
        query: u64,
        /// A host name, never an address literal.
        host: String,
        /// The port, when the URI gave one: then only A/AAAA are asked.
        port: Option<u16>,
        /// The transport, when the URI gave one.
        transport: Option<Transport>,
    },
    /// A new request, screened: its transaction waits for `Respond` or `RespondStateless`.
    Request {
        /// Its transaction.
        transaction: ServerKey,
        /// The request; its top `Via` bears `received` and `rport`.
        request: Request,
        /// Where it came from.
        source: Flow,
    },
    /// An ACK that belongs to no transaction: for a 2xx, or stray.
    Ack {
        /// The ACK.
        request: Request,
        /// Where it came from.
        source: Flow,
    },
    /// The caller gave up an INVITE that has no final answer yet. The CANCEL is answered already;
    /// the user answers the INVITE with 487.
    Cancelled {
        /// The INVITE's transaction.
        transaction: ServerKey,
        /// The CANCEL's source address may differ from the INVITE's: the user may compare.
        source: Flow,
        /// The CANCEL's `Reason` header value, if it had one (RFC 3326).
        reason: Option<String>,
    },
    /// A response to a request of ours: 1xx, and finals once; a 2xx to INVITE each time it arrives, from each fork.
    Response {
        /// The request's number.
        token: u64,
        /// The response.
        response: Response,
        /// Where it came from.
        source: Flow,
    },
    /// A request of ours got no final response.
    Failed {
        /// The request's number.
        token: u64,
        /// Why not.
        why: FailedWhy,
    },
}

/// Why a client transaction ended without a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedWhy {
    /// Nobody answered in 64·T1 (32 s), or within 64·T1 of a CANCEL: treat as 408.
    Timeout,
    /// No connection, or it broke: treat as 503.
    Transport,
    /// The name has no address: treat as 503.
    Unresolvable,
    /// Cancelled before anything was sent.
    Cancelled,
    /// The endpoint is full (see [`crate::limits`]).
    Overload,
}

/// Counts for API and console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Living server transactions of INVITEs.
    pub invite_servers: usize,
    /// Living server transactions of other requests.
    pub plain_servers: usize,
    /// Living client transactions of INVITEs.
    pub invite_clients: usize,
    /// Living client transactions of other requests.
    pub plain_clients: usize,
    /// Open streams.
    pub streams: usize,
    /// Messages read since birth.
    pub received: u64,
    /// Messages sent since birth, repeats included.
    pub sent: u64,
    /// Requests and responses we sent again because no answer came, since birth.
    pub repeated: u64,
    /// Malformed messages answered with 4xx/5xx, since birth.
    pub refused: u64,
    /// Messages dropped in silence, since birth.
    pub dropped: u64,
}

/// All transactions of one front, sans-IO.
pub struct Endpoint {
    config: EndpointConfig,
    chance: Chance,
    /// Makes the tags of stateless answers: the same for a repeat, so that their ACKs are known.
    tag_secret: u64,
    servers: Servers,
    clients: Clients,
    streams: Streams,
    wakes: BinaryHeap<Reverse<(Instant, Wake)>>,
    outputs: VecDeque<Output>,
    last_id: u64,
    totals: Totals,
}

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wake {
    /// A server transaction.
    Server(u64),
    /// A client transaction.
    Client(u64),
    /// A stream, by connection number.
    Stream(u64),
}

#[derive(Default)]
struct Totals {
    received: u64,
    sent: u64,
    repeated: u64,
    refused: u64,
    dropped: u64,
}

impl Endpoint {
    /// A new endpoint. `seed` feeds branches, tags and the hashing of stateless tags: unguessable in production.
    #[must_use]
    pub fn new(config: EndpointConfig, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        Self {
            config,
            tag_secret: mix(chance.next_u64()),
            chance,
            servers: Servers::default(),
            clients: Clients::default(),
            streams: Streams::default(),
            wakes: BinaryHeap::new(),
            outputs: VecDeque::new(),
            last_id: 0,
            totals: Totals::default(),
        }
    }
    /// What the endpoint was told at its birth.
    #[must_use]
    pub fn config(&self) -> &EndpointConfig {
        &self.config
    }
    /// One thing happened outside. Drain [`Endpoint::poll_output`] before the next.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Received { flow, bytes } => self.read(flow, bytes, now),
            Input::StreamBytes { flow, bytes } => self.stream_bytes(flow, &bytes, now),
            Input::Connected { target, flow } => self.connected(target, flow, now),
            Input::ConnectFailed { target } => self.connect_failed(target, now),
            Input::StreamClosed { flow } => self.stream_closed(flow.connection, now),
            Input::Resolved { query, targets } => self.resolved(query, targets, now),
            Input::Respond { transaction, response } | Input::Retransmit { transaction, response } => {
                self.respond(transaction.0, response, now);
            }
            Input::RespondStateless { transaction, response } => self.respond_stateless(transaction.0, response),
            Input::Send { token, request, hop } => self.start(Some(token), request, hop, now),
            Input::SendAck { request, hop } => self.start(None, request, hop, now),
            Input::Cancel { token, reason } => self.cancel(token, reason, now),
        }
    }
    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(Reverse((at, wake))) = self.wakes.peek().copied() {
            if at > now {
                break;
            }
            self.wakes.pop();
            match wake {
                Wake::Server(id) => self.wake_server(id, at, now),
                Wake::Client(id) => self.wake_client(id, at, now),
                Wake::Stream(connection) => self.wake_stream(connection, at, now),
            }
        }
    }
    /// When to call [`Endpoint::handle_timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wakes.peek().map(|Reverse((at, _))| *at)
    }
    /// What to do next; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
    /// Counts for API and console.
    #[must_use]
    pub fn snapshot(&self) -> Counts {
        let (invite_servers, plain_servers) = self.servers.count();
        let (invite_clients, plain_clients) = self.clients.count();
        Counts {
            invite_servers,
            plain_servers,
            invite_clients,
            plain_clients,
            streams: self.streams.count(),
            received: self.totals.received,
            sent: self.totals.sent,
            repeated: self.totals.repeated,
            refused: self.totals.refused,
            dropped: self.totals.dropped,
        }
    }
    /// A fresh tag, Call-ID part or branch: 128 random bits in 26 letters and digits.
    pub fn token(&mut self) -> String {
        self.chance.token()
    }

    /// One whole message has arrived.
    fn read(&mut self, flow: Flow, bytes: Bytes, now: Instant) {
        self.totals.received += 1;
        match Message::parse(bytes) {
            Ok(Message::Request(request)) => self.read_request(request, flow, now),
            Ok(Message::Response(response)) => self.read_response(response, flow, now),
            Err(malformed) => self.refuse_malformed(malformed, flow),
        }
    }

    fn refuse_malformed(&mut self, malformed: Malformed, flow: Flow) {
        match malformed.answer {
            Some(mut answer) => {
                self.totals.refused += 1;
                let back = server_side::way_back(&mut answer.headers, flow);
                self.answer_stateless(*answer, back, None);
            }
            None => self.totals.dropped += 1,
        }
    }

    fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        self.totals.sent += 1;
        self.outputs.push_back(Output::Transmit { flow, bytes });
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Puts a deadline into the heap, unless an earlier entry will look anyway.
    fn arm(wakes: &mut BinaryHeap<Reverse<(Instant, Wake)>>, armed: &mut Option<Instant>, deadline: Instant, wake: Wake) {
        if armed.is_none_or(|at| deadline < at) {
            *armed = Some(deadline);
            wakes.push(Reverse((deadline, wake)));
        }
    }
}
