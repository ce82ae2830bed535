//! Streams: framing, idle limits, reuse, and what waits for a connection (RFC 3261 §18.1.1, §18.2.2).

use super::{Endpoint, FailedWhy, Output, Wake};
use crate::{
    Flow, Frame, FramingFault, HeaderName, Message, Splitter, Target, Transport,
    limits::{CONNECT_QUEUE_MAX, STREAM_IDLE, STREAM_MESSAGE_TIME, STREAMS_MAX, STREAMS_PER_PEER_MAX},
    message::reason_phrase,
};
use bytes::Bytes;
use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    time::Instant,
};

/// All open streams.
#[derive(Default)]
pub(super) struct Streams {
    by_connection: HashMap<u64, Stream>,
    by_peer: HashMap<SocketAddr, u64>,
    per_address: HashMap<IpAddr, usize>,
    waiting: HashMap<SocketAddr, Vec<Waiting>>,
}

struct Stream {
    flow: Flow,
    splitter: Splitter,
    /// Last byte either way.
    active_at: Instant,
    /// When the message that is under way began; at birth the stream owes one.
    begun_at: Option<Instant>,
    /// Client transactions that live on it.
    users: BTreeSet<u64>,
    armed: Option<Instant>,
}

/// What waits for a connection.
pub(super) enum Waiting {
    /// A client transaction to send.
    Client(u64),
    /// An answer.
    Bytes(Bytes),
}

impl Stream {
    fn deadline(&self) -> Instant {
        let idle = self.active_at + STREAM_IDLE;
        self.begun_at.map_or(idle, |at| idle.min(at + STREAM_MESSAGE_TIME))
    }
}

impl Streams {
    pub(super) fn count(&self) -> usize {
        self.by_connection.len()
    }
    pub(super) fn is_open(&self, connection: u64) -> bool {
        self.by_connection.contains_key(&connection)
    }
    /// The open stream to this peer.
    pub(super) fn to(&self, peer: SocketAddr) -> Option<Flow> {
        self.by_peer.get(&peer).and_then(|connection| self.by_connection.get(connection)).map(|stream| stream.flow)
    }
    pub(super) fn use_by(&mut self, flow: Flow, client: u64) {
        if let Some(stream) = self.by_connection.get_mut(&flow.connection) {
            stream.users.insert(client);
        }
    }
    pub(super) fn done_by(&mut self, flow: Flow, client: u64) {
        if let Some(stream) = self.by_connection.get_mut(&flow.connection) {
            stream.users.remove(&client);
        }
    }
    fn forget(&mut self, connection: u64) -> Option<Stream> {
        let stream = self.by_connection.remove(&connection)?;
        if self.by_peer.get(&stream.flow.peer) == Some(&connection) {
            self.by_peer.remove(&stream.flow.peer);
        }
        if let Some(count) = self.per_address.get_mut(&stream.flow.peer.ip()) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&stream.flow.peer.ip());
            }
        }
        Some(stream)
    }
}

impl Endpoint {
    /// Makes a stream known. False when there are too many: it is closed.
    fn open_stream(&mut self, flow: Flow, owes_message: bool, now: Instant) -> bool {
        let from_peer = self.streams.per_address.get(&flow.peer.ip()).copied().unwrap_or(0);
        if self.streams.count() >= STREAMS_MAX || from_peer >= STREAMS_PER_PEER_MAX {
            self.outputs.push_back(Output::Close { flow });
            return false;
        }
        let mut stream = Stream {
            flow,
            splitter: Splitter::new(),
            active_at: now,
            begun_at: owes_message.then_some(now),
            users: BTreeSet::new(),
            armed: None,
        };
        let deadline = stream.deadline();
        Self::arm(&mut self.wakes, &mut stream.armed, deadline, Wake::Stream(flow.connection));
        self.streams.by_connection.insert(flow.connection, stream);
        self.streams.by_peer.insert(flow.peer, flow.connection);
        *self.streams.per_address.entry(flow.peer.ip()).or_insert(0) += 1;
        true
    }

    pub(super) fn stream_bytes(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        if !self.streams.is_open(flow.connection) && !self.open_stream(flow, true, now) {
            return;
        }
        if let Some(stream) = self.streams.by_connection.get_mut(&flow.connection) {
            stream.splitter.push(bytes);
        }
        loop {
            let Some(stream) = self.streams.by_connection.get_mut(&flow.connection) else { return };
            stream.active_at = now;
            match stream.splitter.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    stream.begun_at = None;
                    self.read(flow, message, now);
                }
                Ok(Some(Frame::Ping)) => {
                    stream.begun_at = None;
                    self.outputs.push_back(Output::Transmit { flow, bytes: Bytes::from_static(b"\r\n") });
                }
                Ok(None) => {
                    if stream.splitter.is_within_message() {
                        stream.begun_at = stream.begun_at.or(Some(now));
                    }
                    let deadline = stream.deadline();
                    return Self::arm(&mut self.wakes, &mut stream.armed, deadline, Wake::Stream(flow.connection));
                }
                Err(fault) => return self.stream_broke(flow, &fault, now),
            }
        }
    }

    /// Says what was wrong, when there is anything to say it to, and closes.
    fn stream_broke(&mut self, flow: Flow, fault: &FramingFault, now: Instant) {
        let (head, code) = match fault {
            FramingFault::TooLong(head) => (head.clone(), 513),
            FramingFault::Length(head) => (Some(head.clone()), 400),
        };
        if let Some(head) = head {
            // The body is not here, so the head alone reads as malformed; without a length it is well-formed but not on a stream.
            let answer = match Message::parse(head) {
                Err(malformed) => malformed.answer.map(|answer| *answer),
                Ok(Message::Request(request)) => Some(request.respond(code, "")),
                Ok(Message::Response(_)) => None,
            };
            if let Some(mut answer) = answer {
                if code == 513 {
                    (answer.code, answer.reason) = (code, reason_phrase(code).to_owned());
                }
                self.totals.refused += 1;
                super::server_side::way_back(&mut answer.headers, flow);
                self.answer_stateless(answer, flow, None);
            }
        }
        self.outputs.push_back(Output::Close { flow });
        self.stream_closed(flow.connection, now);
    }

    pub(super) fn stream_closed(&mut self, connection: u64, now: Instant) {
        let Some(stream) = self.streams.forget(connection) else { return };
        for client in stream.users {
            self.client_broke(client, FailedWhy::Transport, now);
        }
    }

    /// Asks for a connection on behalf of `waiting`. False when too much waits already.
    pub(super) fn connect_for(&mut self, target: Target, waiting: Waiting) -> bool {
        let queue = self.streams.waiting.entry(target.addr).or_default();
        if queue.len() >= CONNECT_QUEUE_MAX {
            return false;
        }
        if queue.is_empty() {
            self.outputs.push_back(Output::Connect { target });
        }
        queue.push(waiting);
        true
    }

    pub(super) fn connected(&mut self, target: Target, flow: Flow, now: Instant) {
        let waiting = self.streams.waiting.remove(&target.addr).unwrap_or_default();
        let open = self.open_stream(flow, false, now);
        for one in waiting {
            match one {
                Waiting::Client(id) if open => self.send_on(id, flow, now),
                Waiting::Client(id) => self.client_broke(id, FailedWhy::Transport, now),
                Waiting::Bytes(bytes) if open => self.transmit(flow, bytes),
                Waiting::Bytes(_) => self.totals.dropped += 1,
            }
        }
    }

    pub(super) fn connect_failed(&mut self, target: Target, now: Instant) {
        for one in self.streams.waiting.remove(&target.addr).unwrap_or_default() {
            match one {
                Waiting::Client(id) => self.client_broke(id, FailedWhy::Transport, now),
                Waiting::Bytes(_) => self.totals.dropped += 1,
            }
        }
    }

    /// Sends an answer: on its stream, or on a new one when that is gone.
    pub(super) fn send_back(&mut self, back: Flow, bytes: Bytes) {
        if back.transport == Transport::Udp || self.streams.is_open(back.connection) {
            return self.transmit(back, bytes);
        }
        let port = Message::parse(bytes.clone()).ok().and_then(|m| {
            m.headers().get(HeaderName::Via).and_then(crate::Via::parse).map(|via| via.port_or_default())
        });
        let target = Target { transport: Transport::Tcp, addr: SocketAddr::new(back.peer.ip(), port.unwrap_or(back.peer.port())) };
        if let Some(flow) = self.streams.to(target.addr) {
            self.transmit(flow, bytes);
        } else if !self.connect_for(target, Waiting::Bytes(bytes)) {
            self.totals.dropped += 1;
        }
    }

    pub(super) fn wake_stream(&mut self, connection: u64, at: Instant, now: Instant) {
        let Some(stream) = self.streams.by_connection.get_mut(&connection) else { return };
        if stream.armed != Some(at) {
            return;
        }
        stream.armed = None;
        let deadline = stream.deadline();
        if deadline <= now {
            let flow = stream.flow;
            self.outputs.push_back(Output::Close { flow });
            self.stream_closed(connection, now);
        } else {
            Self::arm(&mut self.wakes, &mut stream.armed, deadline, Wake::Stream(connection));
        }
    }
}
