//! One exchange on a bench: a front, a clock, a store that acknowledges, shards that only listen.

use bytes::Bytes;
use call::{ToFront, ToShard};
use sip::{Flow, HeaderName, Message, Method, Request, Response, Transport, digest::Credentials};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use switchboard::*;
use terms::{Codec, Codecs, Dtmf, Name, Now, Secret, Srtp, UnixMs};

pub(crate) const HOST: &str = "198.51.100.1:5060";
pub(crate) const PHONE: &str = "192.0.2.9:5060";
pub(crate) const STRANGER: &str = "203.0.113.66:5060";
pub(crate) const TRUNK: &str = "10.1.0.7:5060";
const FLOW: &str = "states:\n  begin:\n    hangup: {}\nstart: begin\n";

pub(crate) struct Bench {
    pub(crate) front: Front,
    pub(crate) now: Now,
    pub(crate) acknowledge: bool,
    pub(crate) tickets: Vec<Ticket>,
    /// What left since the last look: to whom, and the message.
    pub(crate) sent: Vec<(Flow, Message)>,
    /// Bytes of each packet that left since the last look.
    pub(crate) sizes: Vec<usize>,
    pub(crate) shards: Vec<(usize, ToShard)>,
    pub(crate) frauds: usize,
    pub(crate) records: usize,
    /// Mailboxes whose messages the front wants counted.
    pub(crate) asked: Vec<Name>,
    next: u32,
}

#[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
fn start() -> Now {
    Now { at: Instant::now(), unix: UnixMs(1_800_000_000_000) }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn udp(peer: &str) -> Flow {
    Flow { transport: Transport::Udp, local: HOST.parse().unwrap(), peer: peer.parse::<SocketAddr>().unwrap(), connection: 0 }
}

pub(crate) fn connection(user: &str, password: Option<&str>) -> Connection {
    let realm = name("home");
    Connection {
        name: name(user),
        user: user.to_owned(),
        passwords: password.map(|p| Passwords::new(user, &realm, &Secret::new(p.to_owned()))),
        realm,
        inbound: Inbound::Bridge,
        settings: BTreeMap::new(),
        mailbox: None,
        public: false,
        via: None,
        display: None,
        caller_id: None,
        codecs: None,
        srtp: None,
        dtmf: Dtmf::default(),
    }
}

pub(crate) fn listing() -> Listing {
    let reception = Connection { inbound: Inbound::Flow("reception".to_owned()), public: true, ..connection("reception", None) };
    let far = Connection { via: Some(name("acme")), codecs: Some(Codecs::ranked(vec![Codec::G722, Codec::Pcma])), ..connection("far", None) };
    Listing {
        realms: vec![Realm { name: name("home"), domains: vec!["home.example".to_owned()] }],
        connections: vec![connection("alice", Some("red")), connection("bob", Some("blue")), reception, far],
        numbers: vec![Number {
            number: "+15550100".parse().unwrap(),
            realm: name("home"),
            to: NumberTarget::Connection(name("reception")),
            public: false,
            settings: BTreeMap::new(),
            mailbox: None,
        }],
        trunks: vec![Trunk {
            name: name("acme"),
            realm: name("home"),
            address: "sip:10.1.0.7:5060".parse().unwrap(),
            sources: vec!["10.1.0.0/24".parse().unwrap()],
            allow: vec!["+44".to_owned(), "+1".to_owned()],
            deny: vec!["+4470".to_owned()],
            format: NumberFormat::ZeroZero,
            caller_id: None,
            identity: true,
            codecs: Some(Codecs::ranked(vec![Codec::Pcma])),
            srtp: None,
            dtmf: Dtmf::default(),
        }],
        mailboxes: Vec::new(),
        sip_hosts: SipHosts::Only(vec!["192.0.2.80:15080".to_owned()]),
        secrets: BTreeMap::new(),
    }
}

pub(crate) fn flows() -> flow::FlowSet {
    let sources = ["default", "reception"].map(|f| notation::Source::new(format!("{f}.yaml"), format!("flow: {f}\n{FLOW}")));
    match flow::FlowSet::load(sources.into(), &flow::World::default()) {
        Ok(set) => set,
        Err(faults) => panic!("{faults:?}"),
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let listener = |transport| sip::Listener { transport, local: HOST.parse().unwrap(), advertised: HOST.to_owned() };
        let settings = Settings {
            listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
            server: None,
            nonce_key: Secret::new([7; 32]),
            seed: 42,
            shards: 2,
            codecs: Codecs::all(),
            opus_complexity: 5,
            protection: MediaProtection {
                srtp: Srtp::Off,
                over_plain_sip: OverPlainSip::Networks(Vec::new()),
                secret: Secret::new([9; 32]),
            },
            limits,
        };
        let directory = Arc::new(Directory::new(listing()).unwrap());
        Self {
            front: Front::new(settings, directory, flows()),
            now: start(),
            acknowledge: true,
            tickets: Vec::new(),
            sent: Vec::new(),
            sizes: Vec::new(),
            shards: Vec::new(),
            frauds: 0,
            records: 0,
            asked: Vec::new(),
            next: 100,
        }
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.front.handle(input, self.now);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.front.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => {
                    self.sizes.push(bytes.len());
                    self.sent.push((flow, Message::parse(bytes).unwrap()));
                }
                Output::Store { ticket, .. } => {
                    if self.acknowledge {
                        self.front.handle(Input::Stored { ticket, kept: true }, self.now);
                    } else {
                        self.tickets.push(ticket);
                    }
                }
                Output::Shard { shard, message } => self.shards.push((shard, message)),
                Output::Record(_) => self.records += 1,
                Output::FraudLimit { .. } => self.frauds += 1,
                Output::CountMailbox { mailbox, .. } => self.asked.push(mailbox),
                Output::Connect { .. } | Output::Close { .. } | Output::Resolve { .. } => {}
            }
        }
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        let until = self.now.later(span);
        while let Some((at, _)) = self.front.poll_timeout().filter(|(at, _)| *at <= until.at) {
            self.now = self.now.later(at.saturating_duration_since(self.now.at));
            self.front.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    pub(crate) fn bytes(&mut self, from: &str, bytes: impl Into<Bytes>) {
        self.handle(Input::Wire(sip::Input::Received { flow: udp(from), bytes: bytes.into() }));
    }

    /// A fresh request as a phone of its size would write it.
    pub(crate) fn request(&mut self, method: &str, to: &str, user: &str, source: &str) -> Request {
        self.next += 1;
        let n = self.next;
        let text = format!(
            "{method} sip:{to}home.example SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bKstory{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@home.example>;tag=f{n}\r\nTo: <sip:{user_to}@home.example>\r\nCall-ID: story-{n}@{source}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:{user}@{source}>\r\nUser-Agent: Story Phone 1.0 (an honest telephone)\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER\r\nContent-Length: 0\r\n\r\n",
            user_to = if method == "REGISTER" { user } else { to.trim_end_matches('@') },
        );
        let Ok(Message::Request(request)) = Message::parse(Bytes::from(text)) else { panic!("a bad story") };
        request
    }

    /// Sends a request and gives the final (or last) response to it.
    pub(crate) fn ask(&mut self, from: &str, request: &Request) -> Option<Response> {
        self.sent.clear();
        self.sizes.clear();
        self.bytes(from, request.to_bytes());
        self.last_response()
    }

    pub(crate) fn last_response(&self) -> Option<Response> {
        self.sent.iter().rev().find_map(|(_, message)| match message {
            Message::Response(response) => Some(response.clone()),
            Message::Request(_) => None,
        })
    }

    pub(crate) fn code(&mut self, from: &str, request: &Request) -> u16 {
        self.ask(from, request).map_or(0, |response| response.code)
    }

    /// Answers a challenge: the same request with credentials, CSeq one higher, a fresh branch.
    pub(crate) fn prove(&mut self, request: &Request, challenge: &Response, user: &str, password: &str, nc: u32) -> Request {
        let mut again = request.clone();
        let credentials = Credentials { user: user.to_owned(), password: Secret::new(password.to_owned()), realm: None };
        let challenges: Vec<&str> = challenge.headers.challenges().collect();
        let value = credentials.answer(&challenges, &request.method, &request.uri.to_string(), nc, "c").unwrap();
        again.headers.set(HeaderName::Authorization, value);
        self.renew(&mut again);
        again
    }

    pub(crate) fn renew(&mut self, request: &mut Request) {
        self.next += 1;
        let number = request.headers.cseq().unwrap().number + 1;
        request.headers.set(HeaderName::CSeq, format!("{number} {}", request.method));
        let via = request.headers.get(HeaderName::Via).unwrap().to_owned();
        let sent_by = via.split(';').next().unwrap().to_owned();
        request.headers.set(HeaderName::Via, format!("{sent_by};branch=z9hG4bKstory{};rport", self.next));
    }

    /// Sends a request, answers the challenge, and gives the code of the answer.
    pub(crate) fn ask_as(&mut self, from: &str, request: &Request, user: &str, password: &str) -> Option<Response> {
        let challenge = self.ask(from, request).unwrap();
        assert_eq!(challenge.code, 401, "everyone is asked first");
        let again = self.prove(request, &challenge, user, password, 1);
        self.ask(from, &again)
    }

    pub(crate) fn register(&mut self, from: &str, user: &str, password: &str) -> Response {
        let request = self.request("REGISTER", "", user, from);
        self.ask_as(from, &request, user, password).unwrap()
    }

    /// An INVITE that is admitted: its id and the new call.
    pub(crate) fn new_call(&mut self) -> Option<Box<call::NewCall>> {
        let at = self.shards.iter().position(|(_, message)| matches!(message, ToShard::New(_)))?;
        match self.shards.remove(at) {
            (_, ToShard::New(new)) => Some(new),
            (
                _,
                ToShard::Leg { .. }
                | ToShard::Answer { .. }
                | ToShard::Command { .. }
                | ToShard::HandOver { .. }
                | ToShard::Expect { .. }
                | ToShard::Forget { .. },
            ) => None,
        }
    }

    pub(crate) fn say(&mut self, message: ToFront) {
        self.handle(Input::Shard(message));
    }

    /// Where a target leads for a call.
    pub(crate) fn locate(&mut self, call: terms::CallId, target: &str, origin: &call::Origin) -> Result<Vec<call::Branch>, String> {
        self.say(ToFront::Locate {
            call,
            ticket: call::Ticket(1),
            target: target.to_owned(),
            origin: origin.clone(),
            realm: name("home"),
        });
        match self.shards.pop() {
            Some((_, ToShard::Answer { answer: call::Answer::Located(found), .. })) => found,
            other => panic!("{other:?}"),
        }
    }

    /// Where a caller who dialled `sip:reception@home.example` may be sent.
    pub(crate) fn refer_to(&mut self, call: terms::CallId, target: &str, origin: &call::Origin) -> Result<String, String> {
        self.say(ToFront::ReferTo {
            call,
            ticket: call::Ticket(1),
            target: target.to_owned(),
            dialled: sip::Uri::parse("sip:reception@home.example").unwrap(),
            origin: origin.clone(),
            realm: name("home"),
        });
        match self.shards.pop() {
            Some((_, ToShard::Answer { answer: call::Answer::ReferTo(found), .. })) => found.map(|uri| uri.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// A response to an outgoing request, as its peer would give it.
    pub(crate) fn answer_of(request: &Request, code: u16) -> Response {
        let mut response = request.respond(code, "");
        response.set_to_tag("far");
        if request.method == Method::Invite {
            response.headers.push(HeaderName::Contact, "<sip:far@192.0.2.80:15080>");
        }
        response
    }
}
