//! Stories of registering, in virtual time.
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

use bytes::Bytes;
use registrar::{Input, Output, Reach, Refusal, Register, Registrar, Reply, Row, Way};
use sip::{Flow, Message, Transport};
use std::time::{Duration, Instant};
use terms::{Name, Now, UnixMs};

/// A registrar, a clock, and a store that acknowledges when told to.
struct Bench {
    registrar: Registrar<u32>,
    now: Now,
    rows: Vec<Row>,
    acknowledge: bool,
    waiting: Vec<(registrar::Ticket, Vec<Row>)>,
    answers: Vec<(u32, Reply)>,
}

#[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
fn start() -> Now {
    Now { at: Instant::now(), unix: UnixMs(1_800_000_000_000) }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn flow(transport: Transport, peer: &str, connection: u64) -> Flow {
    Flow { transport, local: "198.51.100.1:5060".parse().unwrap(), peer: peer.parse().unwrap(), connection }
}

impl Bench {
    fn new() -> Self {
        Self {
            registrar: Registrar::new(vec!["198.51.100.1:5060".parse().unwrap()]),
            now: start(),
            rows: Vec::new(),
            acknowledge: true,
            waiting: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                Output::Store { ticket, connection: _, rows } => {
                    self.waiting.push((ticket, rows));
                    if self.acknowledge {
                        self.store(true);
                    }
                }
                Output::Answer { key, reply } => self.answers.push((key, reply)),
            }
        }
    }

    fn store(&mut self, kept: bool) {
        for (ticket, rows) in std::mem::take(&mut self.waiting) {
            if kept {
                self.rows = rows;
            }
            self.registrar.handle(Input::Stored { ticket, kept }, self.now);
        }
    }

    fn wait(&mut self, seconds: u64) {
        let until = self.now.later(Duration::from_secs(seconds));
        while let Some(at) = self.registrar.poll_timeout().filter(|at| *at <= until.at) {
            let step = at.saturating_duration_since(self.now.at);
            self.now = self.now.later(step);
            self.registrar.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// `headers` are those that matter: Contact, Expires, Path …; Call-ID `a` and the CSeq are given.
    fn tell(&mut self, source: Flow, call_id: &str, cseq: u32, headers: &str) -> Option<Reply> {
        let text = format!(
            "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <sip:alice@example.com>;tag=1\n\
             To: <sip:alice@example.com>\nCall-ID: {call_id}\nCSeq: {cseq} REGISTER\n{headers}\n\n"
        );
        let text = text.replace("\n\n\n", "\n\n").replace('\n', "\r\n");
        let Ok(Message::Request(request)) = Message::parse(Bytes::from(text)) else {
            return Some(Reply::Refused(Refusal::Malformed("the endpoint refuses it unread")));
        };
        let register = match Register::read(&request, name("alice"), source, true) {
            Ok(register) => register,
            Err(bad) => return Some(Reply::Refused(Refusal::Malformed(bad.0))),
        };
        self.registrar.handle(Input::Register { key: cseq, register: Box::new(register) }, self.now);
        self.drain();
        self.answers.pop().map(|(_, reply)| reply)
    }

    fn udp(&mut self, cseq: u32, headers: &str) -> String {
        match self.tell(flow(Transport::Udp, "192.0.2.9:5060", 0), "a", cseq, headers) {
            Some(Reply::Ok { contacts, .. }) => format!("200 {}", contacts.join(", ")),
            Some(Reply::Refused(refusal)) => format!("{} {refusal}", refusal.code()),
            None => "silence".to_owned(),
        }
    }

    fn reach(&self) -> Vec<Reach> {
        self.registrar.contacts(&name("alice"), self.now)
    }
}

#[test]
fn expiry_is_granted_within_bounds_and_the_parameter_beats_the_header() {
    let mut bench = Bench::new();
    for (cseq, headers, answer) in [
        (1, "Contact: <sip:a@192.0.2.9>", "200 <sip:a@192.0.2.9>;expires=3600"),
        (2, "Contact: <sip:a@192.0.2.9>;expires=120\nExpires: 999", "200 <sip:a@192.0.2.9>;expires=120"),
        (3, "Contact: <sip:a@192.0.2.9>\nExpires: 90", "200 <sip:a@192.0.2.9>;expires=90"),
        (4, "Contact: <sip:a@192.0.2.9>;expires=99999999999", "200 <sip:a@192.0.2.9>;expires=7200"),
        (5, "Contact: <sip:a@192.0.2.9>;expires=59", "423 expiry shorter than 60 s"),
        (6, "Contact: <sip:a@192.0.2.9>;expires=soon", "200 <sip:a@192.0.2.9>;expires=3600"),
        (7, "", "200 <sip:a@192.0.2.9>;expires=3600"),
        (8, "Contact: <sip:a@192.0.2.9>;expires=0", "200 "),
        (9, "Contact: <sip:never@192.0.2.9>;expires=0", "200 "),
    ] {
        assert_eq!(bench.udp(cseq, headers), answer, "{headers}");
    }
}

#[test]
fn a_star_forgets_all_only_with_expires_zero_and_alone() {
    let mut bench = Bench::new();
    assert_eq!(bench.udp(1, "Contact: <sip:a@192.0.2.9>, <sip:b@192.0.2.9>;q=0.5"), "200 <sip:a@192.0.2.9>;expires=3600, <sip:b@192.0.2.9>;expires=3600;q=0.500");
    assert_eq!(bench.udp(2, "Contact: *"), "400 Contact * needs Expires 0");
    assert_eq!(bench.udp(3, "Contact: *\nExpires: 60"), "400 Contact * needs Expires 0");
    assert_eq!(bench.udp(4, "Contact: *, <sip:a@192.0.2.9>\nExpires: 0"), "400 Contact * beside another");
    assert_eq!(bench.reach().len(), 2);
    assert_eq!(bench.udp(5, "Contact: *\nExpires: 0"), "200 ");
    assert_eq!((bench.reach().len(), bench.rows.len()), (0, 0));
}

#[test]
fn an_older_register_changes_nothing() {
    let mut bench = Bench::new();
    assert!(bench.udp(5, "Contact: <sip:a@192.0.2.9>").starts_with("200"));
    assert_eq!(bench.udp(5, "Contact: <sip:a@192.0.2.9>;expires=0"), "400 cseq not above the one before");
    assert_eq!(bench.udp(4, "Contact: *\nExpires: 0"), "400 cseq not above the one before");
    assert_eq!(bench.udp(4, "Contact: <sip:new@192.0.2.9>, <sip:a@192.0.2.9>"), "400 cseq not above the one before");
    assert_eq!(bench.reach().len(), 1, "all or nothing: the new one is not there either");
    let other = bench.tell(flow(Transport::Udp, "192.0.2.9:5060", 0), "b", 1, "Contact: <sip:a@192.0.2.9>;expires=0");
    assert!(matches!(other, Some(Reply::Ok { .. })), "another Call-ID is another client: its order is its own");
    assert_eq!(bench.reach().len(), 0);
}

#[test]
fn a3_contacts_that_no_device_may_have() {
    let mut bench = Bench::new();
    for (contact, why) in [
        ("<sip:a@127.0.0.1>", "a loopback address from elsewhere"),
        ("<sip:a@[::ffff:127.0.0.1]>", "a loopback address from elsewhere"),
        ("<sip:a@198.51.100.1>", "our own address"),
        ("<sip:a@198.51.100.1:5060;transport=tcp>", "our own address"),
        ("<sip:a@224.0.1.75>", "not the address of a device"),
        ("<sip:a@[ff02::1]>", "not the address of a device"),
        ("<sip:a@0.0.0.0>", "not the address of a device"),
        ("<sip:a@255.255.255.255>", "not the address of a device"),
        ("<sips:a@192.0.2.9>", "not a sip: address"),
        ("<tel:+4420>", "not a sip: address"),
        ("<mailto:a@b.example>", "not a sip: address"),
        ("<sip:a@192.0.2.9?Route=%3Csip:x%3E>", "a contact with header fields"),
    ] {
        assert_eq!(bench.udp(1, &format!("Contact: {contact}")), format!("403 contact refused: {why}"), "{contact}");
    }
    let loopback = flow(Transport::Udp, "127.0.0.1:5070", 0);
    assert!(matches!(bench.tell(loopback, "a", 1, "Contact: <sip:a@127.0.0.1:5070>"), Some(Reply::Ok { .. })));
}

#[test]
fn a3_the_sixth_device_is_refused_and_one_instance_is_one_device() {
    let mut bench = Bench::new();
    let list: Vec<String> = (0..50).map(|n| format!("<sip:a@192.0.2.9:{}>", 6_000 + n)).collect();
    assert_eq!(bench.udp(1, &format!("Contact: {}", list.join(", "))), "400 too many Contacts");
    for n in 0..5 {
        assert!(bench.udp(2 + n, &format!("Contact: <sip:a@192.0.2.9:{}>;+sip.instance=\"<urn:{n}>\"", 6_000 + n)).starts_with("200"));
    }
    assert_eq!(bench.udp(8, "Contact: <sip:a@192.0.2.9:7000>"), "403 too many devices");
    assert!(bench.udp(9, "Contact: <sip:a@192.0.2.9:7000>;+sip.instance=\"<urn:3>\"").starts_with("200"), "it moved");
    let there: Vec<String> = bench.reach().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(there.len(), 5);
    assert!(there.contains(&"sip:a@192.0.2.9:7000".to_owned()) && !there.contains(&"sip:a@192.0.2.9:6003".to_owned()));
}

#[test]
fn devices_are_tried_by_q_and_then_the_latest_first() {
    let mut bench = Bench::new();
    bench.udp(1, "Contact: <sip:old@192.0.2.9>");
    bench.wait(10);
    bench.udp(2, "Contact: <sip:low@192.0.2.9>;q=0.3");
    bench.wait(10);
    bench.udp(3, "Contact: <sip:new@192.0.2.9>");
    let order: Vec<String> = bench.reach().iter().map(|r| r.uri.user().unwrap().into_owned()).collect();
    assert_eq!(order, ["new", "old", "low"]);
}

#[test]
fn nat_a_device_is_reached_where_its_packets_come_from() {
    let mut bench = Bench::new();
    let nat = flow(Transport::Udp, "203.0.113.5:40123", 0);
    bench.tell(nat, "a", 1, "Contact: <sip:a@192.168.1.20:5060>");
    assert!(matches!(bench.reach()[0].way, Way::Flow(way) if way == nat));
    bench.tell(nat, "a", 2, "Contact: <sip:a@192.168.1.20:5060>;expires=0, <sip:a@phone.attacker.example>");
    assert!(matches!(bench.reach()[0].way, Way::Flow(way) if way == nat), "a name is not asked of DNS");
    bench.tell(nat, "a", 3, "Contact: <sip:a@phone.attacker.example>;expires=0, <sip:a@203.0.113.5:5062>");
    assert!(matches!(bench.reach()[0].way, Way::Contact));
    let tcp = flow(Transport::Tcp, "203.0.113.5:40124", 7);
    bench.tell(tcp, "a", 4, "Contact: <sip:a@203.0.113.5:5062>");
    assert!(matches!(bench.reach()[0].way, Way::Flow(way) if way == tcp), "an open stream is used again");
    bench.registrar.handle(Input::Closed(tcp), bench.now);
    assert!(matches!(bench.reach()[0].way, Way::Contact), "a closed one is not");
    bench.tell(nat, "a", 5, "Contact: <sip:a@203.0.113.5:5062>\nPath: <sip:edge.example;lr>, <sip:inner.example;lr>");
    let Way::Path(path) = &bench.reach()[0].way else { panic!() };
    assert_eq!(path, &["<sip:edge.example;lr>", "<sip:inner.example;lr>"]);
}

#[test]
fn r11_no_200_before_the_store_and_what_was_stored_comes_back() {
    let mut bench = Bench::new();
    bench.acknowledge = false;
    assert_eq!(bench.udp(1, "Contact: <sip:a@10.0.0.4>;expires=600"), "silence");
    bench.store(true);
    bench.drain();
    assert!(matches!(bench.answers.pop(), Some((1, Reply::Ok { .. }))));
    bench.wait(100);
    let (rows, now) = (bench.rows.clone(), bench.now);
    let mut risen = Registrar::<u32>::new(Vec::new());
    assert_eq!(risen.load(rows.clone(), now.later(Duration::from_secs(60))), 1);
    let back = risen.contacts(&name("alice"), now);
    assert!(matches!(back[0].way, Way::Flow(way) if way.peer == "192.0.2.9:5060".parse().unwrap()), "behind NAT, over UDP, as before");
    assert_eq!(risen.devices(&name("alice"), now.later(Duration::from_secs(60)))[0].expires_in, Duration::from_secs(440));
    let mut late = Registrar::<u32>::new(Vec::new());
    assert_eq!(late.load(rows, now.later(Duration::from_secs(500))), 0, "what ran out meanwhile is gone");
}

#[test]
fn a_store_that_fails_or_stays_silent_undoes_the_change() {
    let mut bench = Bench::new();
    assert!(bench.udp(1, "Contact: <sip:first@192.0.2.9>").starts_with("200"));
    bench.acknowledge = false;
    assert_eq!(bench.udp(2, "Contact: <sip:second@192.0.2.9>"), "silence");
    bench.store(false);
    bench.drain();
    assert!(matches!(bench.answers.pop(), Some((2, Reply::Refused(Refusal::NotStored)))));
    assert_eq!(bench.reach().len(), 1);
    assert_eq!(bench.udp(3, "Contact: <sip:second@192.0.2.9>"), "silence");
    assert_eq!(bench.udp(4, "Contact: <sip:third@192.0.2.9>"), "silence");
    bench.waiting.clear();
    bench.wait(11);
    let refused: Vec<u32> = bench.answers.drain(..).map(|(key, reply)| { assert!(matches!(reply, Reply::Refused(Refusal::NotStored))); key }).collect();
    assert_eq!(refused, [3, 4]);
    let there: Vec<String> = bench.reach().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(there, ["sip:first@192.0.2.9"], "both are undone, the first device stays");
    assert_eq!(bench.registrar.counters().waiting, 0);
}

#[test]
fn what_runs_out_is_forgotten_on_time_and_in_the_store() {
    let mut bench = Bench::new();
    bench.udp(1, "Contact: <sip:a@192.0.2.9>;expires=60, <sip:b@192.0.2.9>;expires=120");
    assert_eq!((bench.rows.len(), bench.registrar.counters().bindings), (2, 2));
    bench.wait(59);
    assert_eq!(bench.reach().len(), 2);
    bench.wait(1);
    assert_eq!((bench.reach().len(), bench.rows.len()), (1, 1));
    bench.wait(60);
    assert_eq!((bench.reach().len(), bench.rows.len(), bench.registrar.counters().bindings), (0, 0, 0));
    assert_eq!(bench.registrar.counters().expired, 2);
    assert_eq!(bench.registrar.poll_timeout(), None, "and then there is nothing to wait for");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    /// Whatever a device says in Contact and Expires: no panic, never more than five devices, every answer a status we know.
    #[test]
    fn no_contact_breaks_it(contacts in proptest::collection::vec("[ -~]{0,60}", 1..4), expires in "[ -~]{0,12}") {
        let mut bench = Bench::new();
        for (at, contact) in contacts.iter().enumerate() {
            let cseq = u32::try_from(at).unwrap() + 1;
            let answer = bench.udp(cseq, &format!("Contact: {contact}\nExpires: {expires}"));
            let known = ["200", "400", "403", "423"].iter().any(|code| answer.starts_with(code));
            proptest::prop_assert!(known, "{}", answer);
            proptest::prop_assert!(bench.reach().len() <= 5);
        }
    }
}
