//! The exchange: the front and the shards of one life, and what passes between them.

use crate::{
    again::{self, Again},
    agenda::Event,
    limits::{DIARY_BYTES_MAX, QUEUE_DELAY_MAX},
    ports::{Ports, ShardPorts},
    world::{Lane, World},
};
use bytes::Bytes;
use call::{Keep, Keeping, Parcel, Seat, Shard, ToShard};
use sip::{Flow, Target, Transport};
use std::{net::SocketAddr, time::Duration};
use switchboard::{Front, Input, MediaProtection, Output, OverPlainSip, Settings};
use terms::{CallId, LegId, Name, Now, Secret};

/// One life of the exchange.
pub(crate) struct Exchange {
    pub(crate) front: Front,
    pub(crate) shards: Vec<Shard>,
    pub(crate) ports: Ports,
}

/// A call on its way to another shard.
pub(crate) struct Arrival {
    call: CallId,
    parcel: Option<Parcel>,
    /// Its legs with their ports.
    legs: Vec<(LegId, u16)>,
}

impl World {
    /// Begins a life: everything volatile is new, the bindings of the disk are there, left-over recordings are messages.
    pub(crate) fn start_exchange(&mut self) {
        self.life += 1;
        let setup = &self.setup;
        let settings = Settings {
            listeners: vec![sip::Listener { transport: Transport::Udp, local: setup.address, advertised: setup.address.to_string() }],
            server: None,
            nonce_key: Secret::new([7; 32]),
            seed: self.dice.word(),
            shards: setup.shards,
            codecs: setup.codecs.clone(),
            opus_complexity: audio::OPUS_COMPLEXITY,
            protection: MediaProtection {
                srtp: setup.srtp,
                over_plain_sip: OverPlainSip::Everywhere,
                secret: Secret::new([8; 32]),
            },
            limits: setup.limits.clone(),
        };
        let mut front = Front::new(settings, setup.directory.clone(), setup.flows.clone());
        front.load_bindings(self.disk.rows(), self.now);
        let partial = self.disk.recover(&mut self.dice);
        self.ledger.bindings_after_start(&setup.directory, |connection| front.devices(connection, self.now), self.now.at);
        self.ledger.messages_are_there(&self.disk);
        let shard = |_| {
            let mut shard = Shard::new(self.now.at);
            shard.keep_bundles(Some(Keeping { what: Keep::All, bytes_max: DIARY_BYTES_MAX }));
            shard
        };
        let shards = (0..setup.shards).map(shard).collect();
        self.exchange = Some(Exchange { front, shards, ports: Ports::new(self.dice.word()) });
        self.note(&format!("the exchange starts (life {}, {partial} partial messages)", self.life));
        self.drain_front();
    }

    /// The earliest deadline of the exchange.
    pub(crate) fn exchange_due(&self) -> Option<std::time::Instant> {
        let exchange = self.exchange.as_ref()?;
        let shards = exchange.shards.iter().filter_map(Shard::poll_timeout);
        shards.chain(exchange.front.poll_timeout().map(|(at, _)| at)).min()
    }

    /// Time passed for the exchange.
    pub(crate) fn exchange_tick(&mut self) {
        let now = self.now;
        let Some(exchange) = &mut self.exchange else { return };
        let due = |at: Option<std::time::Instant>| at.is_some_and(|at| at <= now.at);
        if due(exchange.front.poll_timeout().map(|(at, _)| at)) {
            exchange.front.handle_timeout(now);
            self.drain_front();
        }
        for index in 0..self.setup.shards {
            if self.exchange.as_ref().is_some_and(|exchange| due(exchange.shards[index].poll_timeout())) {
                self.with_shard(index, |shard, now, ports| _ = shard.handle_timeout(now, ports));
            }
        }
    }

    pub(crate) fn tell_front(&mut self, input: Input) {
        let now = self.now;
        if let Some(exchange) = &mut self.exchange {
            exchange.front.handle(input, now);
            self.drain_front();
        }
    }

    pub(crate) fn tell_shard(&mut self, index: usize, message: ToShard) {
        self.with_shard(index, |shard, now, ports| shard.handle(message, now, ports));
    }

    fn with_shard(&mut self, index: usize, act: impl FnOnce(&mut Shard, Now, &mut ShardPorts<'_>)) {
        let now = self.now;
        let Some(Exchange { shards, ports, .. }) = &mut self.exchange else { return };
        let Some(shard) = shards.get_mut(index) else { return };
        act(shard, now, &mut ShardPorts { ports, shard: index });
        self.drain_shard(index);
    }

    /// A packet for the exchange: SIP, or one of its media sockets.
    pub(crate) fn packet_in(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if to.port() == self.setup.address.port() {
            let text = String::from_utf8_lossy(&bytes);
            let station = self.stations.iter().find(|station| station.seen(station.sip) == from);
            let outside = station.and_then(|station| station.outside);
            self.ledger.described(&text, outside);
            let flow = Flow { transport: Transport::Udp, local: to, peer: from, connection: 0 };
            self.tell_front(Input::Wire(sip::Input::Received { flow, bytes: Bytes::from(bytes) }));
            return;
        }
        let Some(exchange) = &mut self.exchange else { return };
        match exchange.ports.owner(to.port()) {
            Some(((index, seat, leg), is_rtcp)) => {
                self.with_shard(index, |shard, now, ports| _ = shard.packet((seat, leg, is_rtcp), from, &bytes, now, ports));
            }
            // Between two shards: it waits in the socket.
            None => exchange.ports.keep(from, to.port(), bytes),
        }
    }

    /// Takes a call out of its shard and sends it with its sockets to another.
    fn hand_over(&mut self, from: usize, call: CallId, to: usize) {
        let Some(Exchange { shards, ports, .. }) = &mut self.exchange else { return };
        let parcel = shards.get_mut(from).and_then(|shard| shard.release(call, to));
        let legs = parcel.as_ref().map(|parcel| ports.lift(from, parcel.seat)).unwrap_or_default();
        self.note(&format!("call {call} goes from shard {from} to shard {to}"));
        let delay = self.dice.between(Duration::ZERO, QUEUE_DELAY_MAX);
        let arrival = Box::new(Arrival { call, parcel, legs });
        self.later(Lane::Shard(to), delay, move |life| Event::Adopt { life, shard: to, arrival });
    }

    /// A call is here.
    pub(crate) fn adopt(&mut self, index: usize, arrival: Arrival) {
        let Arrival { call, parcel, legs } = arrival;
        let Some(Exchange { shards, ports, .. }) = &mut self.exchange else { return };
        let Some(shard) = shards.get_mut(index) else { return };
        let seat: Option<Seat> = shard.adopt(parcel);
        let waiting = seat.map(|seat| ports.settle((index, seat), &legs)).unwrap_or_default();
        self.with_shard(index, |shard, now, ports| shard.adopted(call, now, ports));
        let ip = self.setup.address.ip();
        for (from, port, bytes) in waiting {
            self.packet_in(from, SocketAddr::new(ip, port), bytes);
        }
    }

    pub(crate) fn drain_front(&mut self) {
        while let Some(output) = self.exchange.as_mut().and_then(|exchange| exchange.front.poll_output()) {
            match output {
                Output::Transmit { flow, bytes } => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let directory = self.setup.directory.clone();
                    self.ledger.acknowledged(&text, &directory, self.now.at);
                    self.send(flow.local, flow.peer, bytes.to_vec());
                }
                Output::Connect { target } => {
                    self.later(Lane::Front, Duration::from_millis(1), move |life| {
                        let input = Box::new(Input::Wire(sip::Input::ConnectFailed { target }));
                        Event::Front { life, input }
                    });
                }
                Output::Close { .. } => {}
                Output::Resolve { query, host, port, transport } => self.resolve(query, &host, port, transport),
                Output::Shard { shard, message } => self.front_says(shard, message),
                Output::Store { ticket, connection, rows } => {
                    self.ledger.on_its_way(connection.clone());
                    let delay = self.dice.between(Duration::from_millis(1), Duration::from_millis(40));
                    let job = Box::new(crate::disk::Job::Bindings { ticket, connection, rows });
                    self.later(Lane::Disk, delay, move |life| Event::Disk { life, job });
                }
                Output::Record(record) => {
                    self.note(&format!("call {} is over: {}, {}", record.id, record.status, record.ended_by));
                    self.ledger.ended(*record);
                }
                Output::CountMailbox { realm, mailbox } => self.mailbox_changed(realm, mailbox),
                Output::FraudLimit { call, who, why } => self.note(&format!("call {call} of {who} is limited: {why}")),
            }
        }
    }

    /// The front hears how many messages are in a mailbox, as the disk has them by then.
    pub(crate) fn mailbox_changed(&mut self, realm: Name, mailbox: Name) {
        let delay = self.dice.between(Duration::from_millis(1), Duration::from_millis(40));
        self.later(Lane::Front, delay, move |life| Event::Count { life, realm, mailbox });
    }

    /// Counts and tells.
    pub(crate) fn count(&mut self, realm: Name, mailbox: Name) {
        let waiting = self.disk.waiting(&mailbox);
        self.tell_front(Input::Mailbox { realm, mailbox, waiting });
    }

    fn front_says(&mut self, shard: usize, message: ToShard) {
        if let (ToShard::New(new), Some(exchange)) = (&message, &self.exchange) {
            let running = exchange.front.counters().calls;
            self.ledger.began(new.id, self.life, running, self.setup.limits.calls_max);
        }
        let delay = self.dice.between(Duration::ZERO, QUEUE_DELAY_MAX);
        let message = Box::new(message);
        self.later(Lane::Shard(shard), delay, move |life| Event::Shard { life, shard, message });
    }

    fn resolve(&mut self, query: u64, host: &str, port: Option<u16>, transport: Option<Transport>) {
        let transport = transport.unwrap_or(Transport::Udp);
        let found = self.setup.hosts.get(host).map(|ip| Target { transport, addr: SocketAddr::new(*ip, port.unwrap_or(5_060)) });
        let delay = self.dice.between(Duration::from_millis(1), Duration::from_millis(100));
        self.later(Lane::Front, delay, move |life| {
            let targets = found.into_iter().collect();
            Event::Front { life, input: Box::new(Input::Wire(sip::Input::Resolved { query, targets })) }
        });
    }

    pub(crate) fn drain_shard(&mut self, index: usize) {
        loop {
            self.flush_media();
            let Some(exchange) = &mut self.exchange else { return };
            let Some(output) = exchange.shards.get_mut(index).and_then(Shard::poll_output) else { return };
            match output {
                call::Output::Front(message) => {
                    let delay = self.dice.between(Duration::ZERO, QUEUE_DELAY_MAX);
                    let input = Box::new(Input::Shard(message));
                    self.later(Lane::Front, delay, move |life| Event::Front { life, input });
                }
                call::Output::Errand { call, ticket, errand } => self.errand(index, call, ticket, errand),
                call::Output::OpenMedia { seat, leg } => self.open_media(index, seat, leg),
                call::Output::CloseMedia { seat, leg } => exchange.ports.close((index, seat, leg)),
                call::Output::Bundle(draft) => self.run_again(*draft),
                call::Output::HandOver { call, to } => self.hand_over(index, call, to),
                call::Output::Forward { to, message } => {
                    let delay = self.dice.between(Duration::ZERO, QUEUE_DELAY_MAX);
                    let message = Box::new(message);
                    self.later(Lane::Shard(to), delay, move |life| Event::Shard { life, shard: to, message });
                }
            }
        }
    }

    /// A call is over: it is run again.
    fn run_again(&mut self, draft: bundle::Draft) {
        let Again { call, text, differs } = again::run_again(draft, self.setup.start.at);
        if let Some(differs) = differs {
            self.ledger.fault(format!("call {call} runs again to something else: {differs}"));
        }
        self.bundles.push((call, text));
    }

    fn open_media(&mut self, index: usize, seat: call::Seat, leg: LegId) {
        let now = self.now;
        let ip = self.setup.address.ip();
        let Some(Exchange { shards, ports, .. }) = &mut self.exchange else { return };
        let address = SocketAddr::new(ip, ports.open((index, seat, leg)));
        if let Some(shard) = shards.get_mut(index) {
            shard.media_opened(seat, leg, Some(address), now, &mut ShardPorts { ports, shard: index });
        }
    }

    fn flush_media(&mut self) {
        let Some(exchange) = &mut self.exchange else { return };
        let sent = std::mem::take(&mut exchange.ports.sent);
        for fault in std::mem::take(&mut exchange.ports.faults) {
            self.ledger.fault(fault);
        }
        let ip = self.setup.address.ip();
        for (port, to, packet) in sent {
            self.ledger.media_to(to);
            if let Some(told) = crate::tap::report_time(&packet).filter(|_| self.setup.srtp == terms::Srtp::Off) {
                self.ledger.reported(told, self.now.unix);
            }
            self.send(SocketAddr::new(ip, port), to, packet);
        }
    }
}
