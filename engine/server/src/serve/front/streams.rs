//! The TCP connections of the front: opened, accepted, read, written, closed; each numbered once.

use bytes::Bytes;
use mio::{Interest, Registry, Token, event::Event, net::TcpStream};
use sip::{Flow, Target, Transport};
use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::SocketAddr,
};

/// Connections at once (RELIABILITY S1: chosen; a registrar's phones on TCP, and no more than memory bears).
const STREAMS_MAX: usize = 8_192;
/// Connections from one address.
const STREAMS_A_PEER: usize = 128;
/// Bytes waiting to be written to a peer that does not read; more and the connection is closed.
const UNWRITTEN_MAX: usize = 256 * 1_024;
/// Bytes read from one connection in one turn.
const READ_BURST: usize = 64 * 1_024;

struct Stream {
    socket: TcpStream,
    flow: Flow,
    /// The connection was asked for and is not open yet.
    opening: Option<Target>,
    unwritten: Vec<u8>,
}

/// See the head of this file.
pub(super) struct Streams {
    first: usize,
    next: usize,
    by_token: HashMap<usize, Stream>,
}

impl Streams {
    pub(super) fn new(first: usize) -> Self {
        Self { first, next: first, by_token: HashMap::new() }
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn has_room(&self, peer: SocketAddr) -> bool {
        let of_peer = self.by_token.values().filter(|stream| stream.flow.peer.ip() == peer.ip()).take(STREAMS_A_PEER).count();
        self.by_token.len() < STREAMS_MAX && of_peer < STREAMS_A_PEER
    }

    pub(super) fn accepted(&mut self, mut socket: TcpStream, peer: SocketAddr, registry: &Registry) {
        let Ok(local) = socket.local_addr() else { return };
        if !self.has_room(peer) {
            return;
        }
        let token = self.number();
        let _ = socket.set_nodelay(true);
        if registry.register(&mut socket, Token(token), Interest::READABLE | Interest::WRITABLE).is_ok() {
            let flow = Flow { transport: Transport::Tcp, local, peer, connection: token as u64 };
            self.by_token.insert(token, Stream { socket, flow, opening: None, unwritten: Vec::new() });
        }
    }

    /// Begins to open a connection; answers the failure if it fails at once.
    pub(super) fn connect(&mut self, target: Target, registry: &Registry) -> Option<sip::Input> {
        let failed = || Some(sip::Input::ConnectFailed { target });
        if self.by_token.len() >= STREAMS_MAX {
            return failed();
        }
        let Ok(mut socket) = TcpStream::connect(target.addr) else { return failed() };
        let token = self.number();
        if registry.register(&mut socket, Token(token), Interest::READABLE | Interest::WRITABLE).is_err() {
            return failed();
        }
        let local = socket.local_addr().unwrap_or(target.addr);
        let flow = Flow { transport: Transport::Tcp, local, peer: target.addr, connection: token as u64 };
        self.by_token.insert(token, Stream { socket, flow, opening: Some(target), unwritten: Vec::new() });
        None
    }

    /// What a polled connection brought.
    pub(super) fn ready(&mut self, token: Token, event: &Event, registry: &Registry) -> Vec<sip::Input> {
        let mut inputs = Vec::new();
        let Some(stream) = self.by_token.get_mut(&token.0) else { return inputs };
        if let Some(target) = stream.opening {
            if let Ok(Some(_)) | Err(_) = stream.socket.take_error() {
                self.drop_stream(token.0, registry);
                inputs.push(sip::Input::ConnectFailed { target });
                return inputs;
            }
            if stream.socket.peer_addr().is_err() {
                return inputs;
            }
            stream.opening = None;
            stream.flow.local = stream.socket.local_addr().unwrap_or(stream.flow.local);
            inputs.push(sip::Input::Connected { target, flow: stream.flow });
        }
        let mut is_open = true;
        if event.is_writable() {
            is_open = flush(stream);
        }
        if is_open && (event.is_readable() || event.is_read_closed()) {
            is_open = read(stream, &mut inputs);
        }
        if !is_open {
            let flow = stream.flow;
            self.drop_stream(token.0, registry);
            inputs.push(sip::Input::StreamClosed { flow });
        }
        inputs
    }

    pub(super) fn write(&mut self, flow: Flow, bytes: &[u8], registry: &Registry) {
        let Ok(token) = usize::try_from(flow.connection) else { return };
        let Some(stream) = self.by_token.get_mut(&token) else { return };
        stream.unwritten.extend_from_slice(bytes);
        let keep = stream.unwritten.len() <= UNWRITTEN_MAX && (stream.opening.is_some() || flush(stream));
        if !keep {
            // The poll tells the endpoint: a shut socket becomes readable with its end.
            let _ = stream.socket.shutdown(std::net::Shutdown::Both);
            let _ = registry;
        }
    }

    pub(super) fn close(&mut self, flow: Flow, registry: &Registry) {
        if let Ok(token) = usize::try_from(flow.connection)
            && token > self.first
        {
            self.drop_stream(token, registry);
        }
    }

    fn drop_stream(&mut self, token: usize, registry: &Registry) {
        if let Some(mut stream) = self.by_token.remove(&token) {
            let _ = registry.deregister(&mut stream.socket);
        }
    }
}

/// Writes what waits; `false` when the connection broke.
fn flush(stream: &mut Stream) -> bool {
    while !stream.unwritten.is_empty() {
        match stream.socket.write(&stream.unwritten) {
            Ok(0) => return false,
            Ok(written) => {
                stream.unwritten.drain(..written);
            }
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return true,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

/// Reads all there is; `false` when the connection is over.
fn read(stream: &mut Stream, inputs: &mut Vec<sip::Input>) -> bool {
    let mut buffer = [0_u8; 8_192];
    let mut taken = 0;
    loop {
        match stream.socket.read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                taken += length;
                let bytes = Bytes::copy_from_slice(&buffer[..length]);
                inputs.push(sip::Input::StreamBytes { flow: stream.flow, bytes });
                // Polling is edge-triggered: a peer that sends without end is cut off rather than served alone.
                if taken > READ_BURST {
                    return false;
                }
            }
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return true,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}
