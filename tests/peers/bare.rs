//! A telephone without manners: SIP and RTP written by hand, so that a test decides every number in its descriptions, sees every
//! payload that arrives as it is, and shares nothing with what it tests.

use super::exchange::password;
use super::process::{clock, free_port};
use md5::{Digest as _, Md5};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long a message is waited for.
const WITHIN: Duration = Duration::from_secs(15);

/// A packet as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) payload_type: u8,
    pub(crate) timestamp: u32,
    pub(crate) payload: Vec<u8>,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Bare {
    user: String,
    exchange: SocketAddr,
    sip: UdpSocket,
    rtp: UdpSocket,
    /// Held so that reports find an open port.
    _rtcp: UdpSocket,
    count: u32,
    /// The dialog: Call-ID, our From or To with its tag, theirs, their Contact.
    dialog: Option<[String; 4]>,
    /// Sequence number and timestamp of the next packet.
    next: (u16, u32),
}

/// A SIP message's text.
#[derive(Clone, Debug)]
struct Message(String);

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().skip(1).find_map(|line| line.split_once(':').filter(|(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()))
    }
    fn all(&self, name: &str) -> String {
        let lines = self.0.lines().filter(|line| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name)));
        lines.map(|line| format!("{line}\r\n")).collect()
    }
    fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }
    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
    fn method(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }
    /// The challenge by MD5: realm and nonce.
    fn challenge(&self) -> (String, String) {
        let line = self.0.lines().find(|line| line.to_ascii_lowercase().contains("authenticate:") && line.contains("MD5")).unwrap();
        let word = |name: &str| line.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        (word("realm"), word("nonce"))
    }
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Bare {
    pub(crate) fn new(user: &str, exchange: SocketAddr) -> Self {
        let open = |port| {
            let socket = UdpSocket::bind((exchange.ip(), port)).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            socket
        };
        let media = free_port();
        Self { user: user.to_owned(), exchange, sip: open(free_port()), rtp: open(media), _rtcp: open(media + 1), count: 0, dialog: None, next: (1, 0) }
    }

    /// The same, registered.
    #[track_caller]
    pub(crate) fn registered(user: &str, exchange: SocketAddr) -> Self {
        let mut bare = Self::new(user, exchange);
        let (own, to) = (bare.sip.local_addr().unwrap(), format!("<sip:{user}@{exchange}>"));
        let id = bare.token();
        let done = bare.ask("REGISTER", [&format!("sip:{exchange}"), &id, &format!("{to};tag={id}"), &to], &format!("Contact: <sip:{user}@{own}>\r\nExpires: 120\r\n"), "");
        assert_eq!(done.status(), Some(200), "{done:?}");
        bare
    }

    /// A description of ours: the payload types of its audio line and further lines (`a=…`, each ended).
    pub(crate) fn describe(&self, formats: &str, lines: &str) -> String {
        let (own, port) = (self.exchange.ip(), self.rtp.local_addr().unwrap().port());
        format!("v=0\r\no=- 7 {} IN IP4 {own}\r\ns=-\r\nc=IN IP4 {own}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n{lines}", self.count + 1)
    }

    /// Calls, with a description; gives the final status, the description that came with it, and its `Warning`.
    #[track_caller]
    pub(crate) fn call(&mut self, to: &str, description: &str) -> (u16, String, String) {
        let (id, contact) = (self.token(), self.contact());
        let (from, to_header) = (format!("<sip:{}@{}>;tag={id}", self.user, self.exchange), format!("<{to}>"));
        let done = self.ask("INVITE", [to, &id, &from, &to_header], &format!("{contact}Content-Type: application/sdp\r\n"), description);
        let status = done.status().unwrap();
        if status == 200 {
            let theirs = done.header("To").unwrap().to_owned();
            self.confirm(&id, &from, &done);
            self.dialog = Some([id, from, theirs, inner(done.header("Contact").unwrap())]);
        }
        (status, done.body().to_owned(), done.header("Warning").unwrap_or_default().to_owned())
    }

    /// Waits until it is called, and answers with the description that `answer` makes of the one offered. Gives that offer.
    #[track_caller]
    pub(crate) fn take(&mut self, answer: impl Fn(&Self, &str) -> String) -> String {
        let invite = self.wait("a call", |message| message.method() == "INVITE");
        let description = answer(self, invite.body());
        let ours = format!("{};tag={}", invite.header("To").unwrap(), self.token());
        let contact = self.contact();
        let from = invite.header("From").unwrap().to_owned();
        let text = format!(
            "SIP/2.0 200 OK\r\n{}From: {from}\r\nTo: {ours}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
            invite.all("Via"),
            invite.header("Call-ID").unwrap(),
            invite.header("CSeq").unwrap(),
            description.len()
        );
        self.say(&text);
        self.wait("its ACK", |message| message.method() == "ACK");
        self.dialog = Some([invite.header("Call-ID").unwrap().to_owned(), ours, from, inner(invite.header("Contact").unwrap())]);
        invite.body().to_owned()
    }

    /// A new offer in the call; gives the description it is answered with.
    #[track_caller]
    pub(crate) fn reoffer(&mut self, description: &str) -> String {
        let [id, ours, theirs, target] = self.dialog.clone().unwrap();
        let more = format!("{}Content-Type: application/sdp\r\n", self.contact());
        let done = self.ask("INVITE", [&target, &id, &ours, &theirs], &more, description);
        assert_eq!(done.status(), Some(200), "{done:?}");
        self.confirm(&id, &ours, &done);
        done.body().to_owned()
    }

    #[track_caller]
    pub(crate) fn hang_up(&mut self) {
        let [id, ours, theirs, target] = self.dialog.take().unwrap();
        let done = self.ask("BYE", [&target, &id, &ours, &theirs], "", "");
        assert_eq!(done.status(), Some(200), "{done:?}");
    }

    /// Waits for the other side's BYE.
    #[track_caller]
    pub(crate) fn wait_end(&mut self) {
        let bye = self.wait("a BYE", |message| message.method() == "BYE");
        self.agree(&bye);
        self.dialog = None;
    }

    /// Sends payloads of one type to where a description wants them, in the time they last.
    pub(crate) fn speak(&mut self, description: &str, payload_type: u8, ticks: u32, payloads: &[Vec<u8>]) {
        let lasts = Duration::from_millis(20);
        let began = clock();
        for (at, payload) in payloads.iter().enumerate() {
            rest_until(began + lasts * at as u32);
            self.send(description, payload_type, false, self.next.1, payload);
            self.next.1 = self.next.1.wrapping_add(ticks);
        }
    }

    /// Presses a key by telephone events: so many packets while it is down, then three that end it.
    pub(crate) fn press(&mut self, description: &str, payload_type: u8, key: u8, ticks: u16) {
        let stamp = self.next.1;
        let began = clock();
        for at in 0..8_u16 {
            rest_until(began + Duration::from_millis(20) * u32::from(at.min(5)));
            let flags = if at >= 5 { 0x8a } else { 0x0a };
            let [high, low] = ((at.min(5) + 1) * ticks).to_be_bytes();
            self.send(description, payload_type, at == 0, stamp, &[key, flags, high, low]);
        }
        self.next.1 = stamp.wrapping_add(u32::from(ticks) * 10);
    }

    fn send(&mut self, description: &str, payload_type: u8, mark: bool, stamp: u32, payload: &[u8]) {
        let mut packet = vec![0x80, payload_type | if mark { 0x80 } else { 0 }];
        packet.extend(self.next.0.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(0x0b0e_0001_u32.to_be_bytes());
        packet.extend(payload);
        self.rtp.send_to(&packet, (self.exchange.ip(), port_of(description))).unwrap();
        self.next.0 = self.next.0.wrapping_add(1);
    }

    /// Sends bytes from where its sound comes from.
    pub(crate) fn throw(&self, description: &str, bytes: &[u8]) {
        self.rtp.send_to(bytes, (self.exchange.ip(), port_of(description))).unwrap();
    }

    /// What arrives until so many packets that fit are there.
    #[track_caller]
    pub(crate) fn hear(&mut self, count: usize, fits: impl Fn(&Packet) -> bool) -> Vec<Packet> {
        let end = clock() + WITHIN;
        let mut heard = Vec::new();
        let mut other = Vec::new();
        while heard.len() < count {
            assert!(clock() < end, "{}: {} of {count} packets came; others: {:?}", self.user, heard.len(), other.iter().take(5).collect::<Vec<_>>());
            let mut buffer = [0; 2_048];
            let Ok((length, _)) = self.rtp.recv_from(&mut buffer) else { continue };
            let stamp = u32::from_be_bytes([buffer[4], buffer[5], buffer[6], buffer[7]]);
            let packet = Packet { payload_type: buffer[1] & 0x7f, timestamp: stamp, payload: buffer[12..length].to_vec() };
            if fits(&packet) { heard.push(packet) } else { other.push(packet) }
        }
        heard
    }

    /// Forgets what arrived until now.
    pub(crate) fn forget(&mut self) {
        let mut buffer = [0; 2_048];
        self.rtp.set_nonblocking(true).unwrap();
        while self.rtp.recv_from(&mut buffer).is_ok() {}
        self.rtp.set_nonblocking(false).unwrap();
    }

    // --- SIP ----------------------------------------------------------------------------------------------------

    fn token(&mut self) -> String {
        self.count += 1;
        format!("bare{}x{}x{}", std::process::id(), self.sip.local_addr().unwrap().port(), self.count)
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:{}@{}>\r\n", self.user, self.sip.local_addr().unwrap())
    }

    fn say(&self, text: &str) {
        self.sip.send_to(text.as_bytes(), self.exchange).unwrap();
    }

    /// Asks an address, within a Call-ID, From and To, with the password where it is asked for; gives the final response. An INVITE
    /// that is refused is acknowledged.
    #[track_caller]
    fn ask(&mut self, method: &str, [uri, id, from, to]: [&str; 4], more: &str, body: &str) -> Message {
        let mut proof = String::new();
        for _ in 0..2 {
            let (branch, number) = (self.token(), self.count);
            let via = format!("Via: SIP/2.0/UDP {};rport;branch=z9hG4bK{branch}\r\n", self.sip.local_addr().unwrap());
            let head = |method: &str, to: &str| format!("{method} {uri} SIP/2.0\r\n{via}Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {number} {method}\r\n");
            self.say(&format!("{}{proof}{more}Content-Length: {}\r\n\r\n{body}", head(method, to), body.len()));
            let row = format!("{number} {method}");
            let done = self.wait("a final response", |message| message.status().is_some_and(|status| status >= 200) && message.header("CSeq") == Some(&row));
            if method == "INVITE" && done.status() != Some(200) {
                self.say(&format!("{}Content-Length: 0\r\n\r\n", head("ACK", done.header("To").unwrap())));
            }
            let asks = match done.status() {
                Some(401) => "Authorization",
                Some(407) => "Proxy-Authorization",
                _ => return done,
            };
            let (realm, nonce) = done.challenge();
            let (ha1, ha2) = (md5(&format!("{}:{realm}:{}", self.user, password(&self.user))), md5(&format!("{method}:{uri}")));
            let response = md5(&format!("{ha1}:{nonce}:00000001:bare:auth:{ha2}"));
            proof = format!("{asks}: Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"bare\"\r\n", self.user);
        }
        panic!("{}: the password is not taken", self.user);
    }

    /// Acknowledges a 2xx.
    fn confirm(&mut self, id: &str, from: &str, done: &Message) {
        let target = inner(done.header("Contact").unwrap());
        let number = done.header("CSeq").unwrap().split(' ').next().unwrap();
        let branch = self.token();
        self.say(&format!(
            "ACK {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {}\r\nCall-ID: {id}\r\nCSeq: {number} ACK\r\nContent-Length: 0\r\n\r\n",
            self.sip.local_addr().unwrap(),
            done.header("To").unwrap()
        ));
    }

    fn agree(&self, to: &Message) {
        let copied: String = ["From", "To", "Call-ID", "CSeq"].map(|name| to.all(name)).concat();
        self.say(&format!("SIP/2.0 200 OK\r\n{}{copied}Content-Length: 0\r\n\r\n", to.all("Via")));
    }

    /// The next message that fits; requests that do not are agreed to.
    #[track_caller]
    fn wait(&self, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
        let end = clock() + WITHIN;
        loop {
            assert!(clock() < end, "{}: {what} not within {WITHIN:?}", self.user);
            let mut buffer = [0; 16_384];
            let Ok((length, _)) = self.sip.recv_from(&mut buffer) else { continue };
            let message = Message(String::from_utf8_lossy(&buffer[..length]).into_owned());
            if fits(&message) {
                return message;
            }
            if message.status().is_none() && !["ACK", "INVITE"].contains(&message.method()) {
                self.agree(&message);
            }
        }
    }
}

/// The payload types of a description's audio line.
pub(crate) fn formats(description: &str) -> String {
    description.lines().find_map(|line| line.strip_prefix("m=audio ")).map(|line| line.split(' ').skip(2).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

pub(crate) fn port_of(description: &str) -> u16 {
    description.lines().find_map(|line| line.strip_prefix("m=audio ")).and_then(|line| line.split(' ').next()).and_then(|port| port.parse().ok()).unwrap()
}

/// The address between the brackets.
fn inner(address: &str) -> String {
    address.split('<').nth(1).and_then(|rest| rest.split('>').next()).unwrap_or(address).to_owned()
}

fn rest_until(at: Instant) {
    while let Some(left) = at.checked_duration_since(clock()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
