//! A stage for stories: one endpoint, virtual time, and a transcript of all it says.

use bytes::Bytes;
use sip::{
    Abilities, Endpoint, EndpointConfig, Flow, HeaderName, Input, Listener, Message, Output, Request, Response, ServerKey, Transport,
};
use std::time::{Duration, Instant};

pub(crate) const PEER: &str = "192.0.2.9:5060";
pub(crate) const HERE: &str = "192.0.2.1:5060";

pub(crate) struct Stage {
    pub(crate) endpoint: Endpoint,
    start: Instant,
    pub(crate) now: Instant,
    pub(crate) lines: Vec<String>,
    pub(crate) requests: Vec<(ServerKey, Request)>,
    pub(crate) responses: Vec<Response>,
    pub(crate) sent: Vec<Bytes>,
    pub(crate) queries: Vec<u64>,
}

pub(crate) fn udp(peer: &str) -> Flow {
    Flow { transport: Transport::Udp, local: HERE.parse().unwrap(), peer: peer.parse().unwrap(), connection: 0 }
}

pub(crate) fn tcp(peer: &str, connection: u64) -> Flow {
    Flow { transport: Transport::Tcp, local: HERE.parse().unwrap(), peer: peer.parse().unwrap(), connection }
}

pub(crate) fn config() -> EndpointConfig {
    let listener = |transport| Listener { transport, local: HERE.parse().unwrap(), advertised: HERE.to_owned() };
    EndpointConfig {
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        abilities: Abilities { body_types: vec!["application/sdp".into(), "multipart/mixed".into()], ..Abilities::default() },
        server: None,
        tcp_above: None,
    }
}

/// Line ends of story texts become CRLF.
pub(crate) fn wire(text: &str) -> Bytes {
    Bytes::from(text.replace("\r\n", "\n").replace('\n', "\r\n"))
}

pub(crate) fn request(method: &str, branch: &str, cseq: u32, more: &str) -> Bytes {
    wire(&format!(
        "{method} sip:bob@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {PEER};branch={branch};rport\nMax-Forwards: 70\n\
         From: <sip:alice@example.org>;tag=a1\nTo: <sip:bob@192.0.2.1>\nCall-ID: story\nCSeq: {cseq} {method}\n\
         Contact: <sip:alice@{PEER}>\n{more}Content-Length: 0\n\n"
    ))
}

pub(crate) fn parsed(bytes: &Bytes) -> Request {
    match Message::parse(bytes.clone()).unwrap() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("a request, not {response:?}"),
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }
    #[expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
    pub(crate) fn with(config: EndpointConfig) -> Self {
        let start = Instant::now();
        Self {
            endpoint: Endpoint::new(config, 7),
            start,
            now: start,
            lines: vec![],
            requests: vec![],
            responses: vec![],
            sent: vec![],
            queries: vec![],
        }
    }
    pub(crate) fn put(&mut self, input: Input) {
        self.endpoint.handle(input, self.now);
        self.drain();
    }
    pub(crate) fn get(&mut self, bytes: Bytes) {
        self.put(Input::Received { flow: udp(PEER), bytes });
    }
    pub(crate) fn respond(&mut self, at: usize, code: u16) {
        let (transaction, request) = self.requests[at].clone();
        self.put(Input::Respond { transaction, response: request.respond(code, "") });
    }
    /// Lets time pass, waking at each deadline.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) = self.endpoint.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }
    /// The request we sent last, and a response to it.
    pub(crate) fn answer(&self, code: u16, tag: &str) -> Bytes {
        let sent = self.sent.iter().rev().find_map(|bytes| match Message::parse(bytes.clone()) {
            Ok(Message::Request(request)) if request.method != sip::Method::Ack => Some(request),
            Ok(Message::Request(_) | Message::Response(_)) | Err(_) => None,
        });
        Self::answer_to(&sent.unwrap(), code, tag)
    }
    pub(crate) fn answer_to(request: &Request, code: u16, tag: &str) -> Bytes {
        let mut response = request.respond(code, "");
        if !tag.is_empty() {
            response.set_to_tag(tag);
        }
        response.headers.push(HeaderName::Contact, format!("<sip:{tag}@192.0.2.9>"));
        response.to_bytes()
    }
    fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            let line = self.spell(output);
            let ms = (self.now - self.start).as_millis();
            self.lines.push(format!("{ms:>6} {line}"));
        }
    }
    fn spell(&mut self, output: Output) -> String {
        match output {
            Output::Transmit { flow, bytes } => {
                self.sent.push(bytes.clone());
                let first = String::from_utf8_lossy(bytes.split(|b| *b == b'\r').next().unwrap()).into_owned();
                let what = first.strip_prefix("SIP/2.0 ").map_or_else(|| first.split(' ').next().unwrap().to_owned(), str::to_owned);
                format!("{} {what} to {}", flow.transport, flow.peer)
            }
            Output::Connect { target } => format!("connect {}", target.addr),
            Output::Close { flow } => format!("close {}", flow.peer),
            Output::Resolve { query, host, port, transport } => {
                self.queries.push(query);
                format!("resolve {host} {port:?} {transport:?}")
            }
            Output::Request { transaction, request, .. } => {
                let line = format!("user: {}", request.method);
                self.requests.push((transaction, request));
                line
            }
            Output::Ack { .. } => "user: ACK".into(),
            Output::Cancelled { .. } => "user: cancelled".into(),
            Output::Response { token, response, .. } => {
                let line = format!("user: {} for {token}", response.code);
                self.responses.push(response);
                line
            }
            Output::Failed { token, why } => format!("user: {why:?} for {token}"),
        }
    }
    /// The transcript since the last time, against what is expected (one line each, blanks trimmed).
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &str) {
        let heard: Vec<String> = std::mem::take(&mut self.lines).iter().map(|l| l.trim().to_owned()).collect();
        let wanted: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        assert_eq!(heard, wanted, "\nheard:\n{}\n", heard.join("\n"));
    }
}
