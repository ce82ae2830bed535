//! The front thread: SIP sockets around a pure [`switchboard::Front`].
//!
//! `mio` polls the sockets (UDP, TCP, the queue's waker): small, well kept, and what tokio itself stands on.

mod streams;

use super::{
    clock,
    wiring::{FrontDoor, FrontIn, ShardDoor, ShardIn},
};
use bytes::Bytes;
use mio::{Events, Interest, Poll, Token, net::{TcpListener, UdpSocket}};
use sip::{Flow, Target, Transport};
use std::{io, net::SocketAddr, sync::{Arc, Mutex, PoisonError, mpsc::Receiver}, time::Duration};
use store::{BindingChange, Store};
use streams::Streams;
use switchboard::{Counters, Front, Input, Output};
use terms::{Name, Now};

/// The queue's waker.
pub(super) const WAKER: Token = Token(0);
/// Tokens of UDP listeners begin here, then TCP listeners, then connections.
const UDP_FIRST: usize = 1;
const TCP_FIRST: usize = 1_000;
const STREAM_FIRST: usize = 2_000;
/// Datagrams read from one socket before others have a turn.
const BURST: usize = 128;
/// Values taken from the queue in one turn.
const INBOX_BURST: usize = 512;
/// Largest datagram.
const DATAGRAM_MAX: usize = 65_536;
/// How often the counters are shown to the metrics page.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// What the metrics page reads: written by the front once a second.
pub(super) type Shown = Arc<Mutex<Counters>>;

/// What the front thread is given.
pub(super) struct FrontThread {
    pub(super) front: Front,
    pub(super) inbox: Receiver<FrontIn>,
    pub(super) door: FrontDoor,
    pub(super) shards: Vec<ShardDoor>,
    pub(super) store: Store,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) records: tokio::sync::mpsc::Sender<Box<call::CallRecord>>,
    pub(super) shown: Shown,
    pub(super) poll: Poll,
    pub(super) udp: Vec<UdpSocket>,
    pub(super) tcp: Vec<TcpListener>,
}

/// A UDP socket that may have more to read than its burst.
struct Running {
    with: FrontThread,
    /// The bound address of each UDP socket.
    locals: Vec<SocketAddr>,
    streams: Streams,
    backlog: Vec<bool>,
    buffer: Vec<u8>,
    shown_at: std::time::Instant,
    is_told_to_stop: bool,
}

impl FrontThread {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// When the sockets cannot be polled.
    pub(super) fn run(mut self) -> io::Result<()> {
        for (at, socket) in self.udp.iter_mut().enumerate() {
            self.poll.registry().register(socket, Token(UDP_FIRST + at), Interest::READABLE)?;
        }
        for (at, listener) in self.tcp.iter_mut().enumerate() {
            self.poll.registry().register(listener, Token(TCP_FIRST + at), Interest::READABLE)?;
        }
        let locals = self.udp.iter().map(UdpSocket::local_addr).collect::<io::Result<Vec<_>>>()?;
        let backlog = vec![false; self.udp.len()];
        let shown_at = clock::now().at;
        let streams = Streams::new(STREAM_FIRST);
        let mut running = Running { with: self, locals, streams, backlog, buffer: vec![0; DATAGRAM_MAX], shown_at, is_told_to_stop: false };
        running.turn_for_ever()
    }
}

impl Running {
    fn turn_for_ever(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        self.drain(clock::now());
        loop {
            let wait = self.wait();
            if let Err(fault) = self.with.poll.poll(&mut events, wait)
                && fault.kind() != io::ErrorKind::Interrupted
            {
                return Err(fault);
            }
            let now = clock::now();
            // Before the wire: whoever was told that new flows are in use may call at once, and must get them.
            if !self.read_inbox(now) {
                return Ok(());
            }
            for event in &events {
                self.ready(event, now);
            }
            for at in 0..self.backlog.len() {
                if self.backlog[at] {
                    self.read_datagrams(at, now);
                }
            }
            if self.is_told_to_stop {
                return Ok(());
            }
            self.with.front.handle_timeout(now);
            self.drain(now);
            self.show(now);
        }
    }

    fn wait(&self) -> Option<Duration> {
        if self.backlog.contains(&true) {
            return Some(Duration::ZERO);
        }
        let now = clock::now().at;
        let due = self.with.front.poll_timeout().map(|(at, _)| at.saturating_duration_since(now));
        Some(due.map_or(SHOW_EVERY, |due| due.min(SHOW_EVERY)))
    }

    fn show(&mut self, now: Now) {
        if now.at.saturating_duration_since(self.shown_at) >= SHOW_EVERY {
            self.shown_at = now.at;
            let mut shown = self.with.shown.lock().unwrap_or_else(PoisonError::into_inner);
            *shown = self.with.front.counters();
        }
    }

    fn ready(&mut self, event: &mio::event::Event, now: Now) {
        match event.token() {
            WAKER => {}
            Token(token) if token < TCP_FIRST => {
                if let Some(backlog) = self.backlog.get_mut(token - UDP_FIRST) {
                    *backlog = true;
                }
            }
            Token(token) if token < STREAM_FIRST => self.accept(token - TCP_FIRST),
            token => {
                let registry = self.with.poll.registry();
                for input in self.streams.ready(token, event, registry) {
                    self.handle(Input::Wire(input), now);
                }
            }
        }
    }

    fn read_datagrams(&mut self, at: usize, now: Now) {
        for _ in 0..BURST {
            let (Some(socket), Some(local)) = (self.with.udp.get(at), self.locals.get(at).copied()) else { return };
            match socket.recv_from(&mut self.buffer) {
                Ok((length, peer)) => {
                    // What was said before this came is heard before it: new flows, most of all.
                    if !self.read_inbox(now) {
                        self.is_told_to_stop = true;
                        return;
                    }
                    let flow = Flow { transport: Transport::Udp, local, peer, connection: 0 };
                    let bytes = Bytes::copy_from_slice(&self.buffer[..length]);
                    self.handle(Input::Wire(sip::Input::Received { flow, bytes }), now);
                }
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    self.backlog[at] = false;
                    return;
                }
                // An ICMP error of something sent earlier: read on.
                Err(_) => {}
            }
        }
    }

    fn accept(&mut self, at: usize) {
        while let Some(listener) = self.with.tcp.get(at) {
            match listener.accept() {
                Ok((stream, peer)) => self.streams.accepted(stream, peer, self.with.poll.registry()),
                Err(_) => return,
            }
        }
    }

    fn read_inbox(&mut self, now: Now) -> bool {
        for _ in 0..INBOX_BURST {
            match self.with.inbox.try_recv() {
                Ok(FrontIn::Input(input)) => self.handle(*input, now),
                Ok(FrontIn::Ask(question)) => question(&mut self.with.front, now),
                Ok(FrontIn::Stop) => return false,
                Err(_) => return true,
            }
        }
        // More may wait: look again at once.
        self.with.door.wake();
        true
    }

    fn handle(&mut self, input: Input, now: Now) {
        self.with.front.handle(input, now);
        self.drain(now);
    }

    fn drain(&mut self, now: Now) {
        while let Some(output) = self.with.front.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => self.transmit(flow, &bytes),
                Output::Connect { target } => {
                    if let Some(failed) = self.streams.connect(target, self.with.poll.registry()) {
                        self.with.front.handle(Input::Wire(failed), now);
                    }
                }
                Output::Close { flow } => self.streams.close(flow, self.with.poll.registry()),
                Output::Resolve { query, host, port, transport } => self.resolve(query, host, port, transport),
                Output::Shard { shard, message } => {
                    if let Some(door) = self.with.shards.get(shard) {
                        door.send(ShardIn::Call(message));
                    }
                }
                Output::Store { ticket, connection, rows } => self.keep(ticket, &connection, rows),
                Output::Record(record) => {
                    if let Err(refused) = self.with.records.try_send(record) {
                        let record = refused.into_inner();
                        tracing::error!(call = %record.id, "call records are written too slowly: this one is lost");
                    }
                }
                Output::CountMailbox { realm, mailbox } => self.with.store.look_at_mailbox(realm, mailbox),
                Output::FraudLimit { call, who, why } => tracing::warn!(%call, who, why, "a limit against fraud stopped a call"),
            }
        }
    }

    fn transmit(&mut self, flow: Flow, bytes: &[u8]) {
        match flow.transport {
            Transport::Udp => {
                let at = self.locals.iter().position(|local| *local == flow.local);
                if let Some(socket) = at.and_then(|at| self.with.udp.get(at))
                    && let Err(fault) = socket.send_to(bytes, flow.peer)
                {
                    tracing::debug!(peer = %flow.peer, %fault, "a datagram was not sent");
                }
            }
            Transport::Tcp => self.streams.write(flow, bytes, self.with.poll.registry()),
        }
    }

    fn keep(&self, ticket: switchboard::Ticket, connection: &Name, rows: Vec<switchboard::Row>) {
        let realm = self.with.front.directory().connection(connection.as_str()).map(|connection| connection.realm.clone());
        let realm = realm.unwrap_or_else(|| self.with.front.directory().default_realm().clone());
        let mut changes = vec![BindingChange::RemoveAll { realm: realm.clone(), connection: connection.clone() }];
        changes.extend(rows.into_iter().map(|row| BindingChange::Put(super::rows::to_disk(row, &realm))));
        let door = self.with.door.clone();
        self.with.store.try_write_bindings(changes, move |result| {
            let kept = result.is_ok();
            door.send(FrontIn::Input(Box::new(Input::Stored { ticket, kept })));
        });
    }

    /// A and AAAA of a host. Port and transport fall back to SIP's own (RFC 3263 §4.2 without NAPTR and SRV).
    fn resolve(&self, query: u64, host: String, port: Option<u16>, transport: Option<Transport>) {
        let door = self.with.door.clone();
        self.with.runtime.spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), port.unwrap_or(5_060))).await;
            let transport = transport.unwrap_or(Transport::Udp);
            let targets = found.map(|addresses| addresses.map(|addr| Target { transport, addr }).collect()).unwrap_or_default();
            let input = Input::Wire(sip::Input::Resolved { query, targets });
            tokio::task::spawn_blocking(move || door.send(FrontIn::Input(Box::new(input))));
        });
    }
}

/// Binds every listener; the bound addresses (a port 0 becomes real) come with them.
pub(super) fn bind_all<S>(addresses: &[SocketAddr], bind: impl Fn(SocketAddr) -> io::Result<S>) -> io::Result<Vec<S>> {
    addresses
        .iter()
        .map(|address| bind(*address).map_err(|fault| io::Error::new(fault.kind(), format!("cannot listen on {address}: {fault}"))))
        .collect()
}
