//! Lamps: subscriptions to mailboxes and their ends, devices that are told without asking, and who is told nothing.

use crate::bench::{Bench, PHONE, STRANGER, connection, listing, name};
use sip::{HeaderName, Message, Method, Request, Response};
use std::{sync::Arc, time::Duration};
use switchboard::{Connection, Directory, Input, Limits, Listing};
use voicemail::{Mailbox, Waiting};

const OTHER: &str = "192.0.2.10:5060";

/// Alice and carol share the mailbox `home`; bob has none.
fn boxes() -> Listing {
    let mut all = listing();
    all.connections[0].mailbox = Some(name("home"));
    all.connections.push(Connection { mailbox: Some(name("home")), ..connection("carol", Some("green")) });
    all.mailboxes.push(Mailbox::new(name("home"), name("home")));
    all
}

fn bench() -> Bench {
    let mut bench = Bench::with(Limits::default());
    bench.handle(Input::Directory(Arc::new(Directory::new(boxes()).unwrap())));
    bench
}

impl Bench {
    fn count(&mut self, new: u32, old: u32) {
        self.sent.clear();
        self.handle(Input::Mailbox { realm: name("home"), mailbox: name("home"), waiting: Waiting { new, old } });
    }

    fn subscribe(&mut self, expires: &str) -> Request {
        let mut request = self.request("SUBSCRIBE", "alice@", "alice", PHONE);
        request.headers.push(HeaderName::Event, "message-summary;id=7");
        if !expires.is_empty() {
            request.headers.push(HeaderName::Expires, expires);
        }
        request
    }

    /// The NOTIFYs that left since the last look, each answered.
    fn notified(&mut self, code: u16) -> Vec<(String, Request)> {
        let asked: Vec<(String, Request)> = self.sent.drain(..).filter_map(|(flow, message)| match message {
            Message::Request(request) if request.method == Method::Notify => Some((flow.peer.to_string(), request)),
            Message::Request(_) | Message::Response(_) => None,
        }).collect();
        for (to, request) in &asked {
            if code > 0 {
                let answer = Self::answer_of(request, code);
                self.bytes(to, answer.to_bytes());
            }
        }
        asked
    }

    /// The same in a line each: to whom, the state of the subscription, the count.
    fn told(&mut self, code: u16) -> Vec<String> {
        self.notified(code).iter().map(|(to, request)| in_words(to, request)).collect()
    }
}

fn in_words(to: &str, request: &Request) -> String {
    let state = request.headers.get(HeaderName::SubscriptionState).unwrap_or("none");
    let body = String::from_utf8_lossy(&request.body);
    let line = |name: &str| body.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned())).unwrap_or_else(|| "?".to_owned());
    format!("{to} {state} {} {}", line("Messages-Waiting:"), line("Voice-Message:"))
}

/// The same SUBSCRIBE within the dialog that `answer` made.
fn again(bench: &mut Bench, request: &Request, answer: &Response, expires: &str) -> Request {
    let mut again = request.clone();
    again.headers.set(HeaderName::To, answer.headers.get(HeaderName::To).unwrap());
    again.headers.set(HeaderName::Expires, expires);
    again.headers.remove(HeaderName::Authorization);
    bench.renew(&mut again);
    bench.renew(&mut again);
    again
}

#[test]
fn a_subscriber_is_told_at_once_and_of_each_change_until_it_leaves() {
    let mut bench = bench();
    let request = bench.subscribe("600");
    let answer = bench.ask_as(PHONE, &request, "alice", "red").unwrap();
    assert_eq!((answer.code, answer.headers.get(HeaderName::Expires)), (200, Some("600")));
    assert_eq!(answer.headers.get(HeaderName::Contact), Some("<sip:alice@198.51.100.1:5060>"));
    // The store is asked; its answer is the first NOTIFY.
    assert_eq!((bench.asked.clone(), bench.told(200)), (vec![name("home")], vec![]));
    bench.count(2, 1);
    let first = bench.notified(200);
    assert_eq!(in_words(&first[0].0, &first[0].1), "192.0.2.9:5060 active;expires=600 yes 2/1 (0/0)");
    let (headers, body) = (&first[0].1.headers, String::from_utf8_lossy(&first[0].1.body).into_owned());
    assert_eq!(body, "Messages-Waiting: yes\r\nMessage-Account: sip:alice@home.example\r\nVoice-Message: 2/1 (0/0)\r\n");
    assert_eq!(headers.content_type().as_deref(), Some("application/simple-message-summary"));
    assert_eq!((headers.get(HeaderName::Event), headers.to_tag()), (Some("message-summary;id=7"), request.headers.from_tag()));
    assert_eq!((headers.from_tag(), headers.call_id()), (answer.headers.to_tag(), request.headers.call_id()));
    bench.count(2, 1);
    assert_eq!(bench.told(200), Vec::<String>::new(), "nothing is new");
    bench.wait(Duration::from_secs(100));
    bench.count(0, 3);
    assert_eq!(bench.told(200), ["192.0.2.9:5060 active;expires=500 no 0/3 (0/0)"]);
    // It refreshes, which is asked for a proof as well, and then leaves.
    let mut last = request.clone();
    for (expires, told) in [("600", "192.0.2.9:5060 active;expires=600 no 0/3 (0/0)"), ("0", "192.0.2.9:5060 terminated;reason=timeout no 0/3 (0/0)")] {
        last = again(&mut bench, &last, &answer, expires);
        let answered = bench.ask_as(PHONE, &last, "alice", "red").unwrap();
        assert_eq!((answered.code, answered.headers.get(HeaderName::Expires)), (200, Some(expires)));
        assert_eq!(bench.told(200), [told]);
    }
    bench.count(5, 0);
    assert_eq!((bench.told(200), bench.front.counters().subscriptions), (vec![], 0));
    let late = again(&mut bench, &last, &answer, "600");
    assert_eq!(bench.code(PHONE, &late), 481, "it is no more");
}

#[test]
fn one_notify_is_on_its_way_at_a_time_and_the_last_count_is_told() {
    let mut bench = bench();
    let request = bench.subscribe("");
    let answer = bench.ask_as(PHONE, &request, "alice", "red").unwrap();
    assert_eq!(answer.headers.get(HeaderName::Expires), Some("3600"), "unless it says");
    bench.count(1, 0);
    let (to, first) = bench.notified(0).remove(0);
    for n in 2..9 {
        bench.count(n, 0);
        assert!(bench.notified(0).is_empty(), "the first is not answered");
    }
    bench.bytes(&to, Bench::answer_of(&first, 200).to_bytes());
    assert_eq!(bench.told(200), ["192.0.2.9:5060 active;expires=3600 yes 8/0 (0/0)"]);
    assert!(bench.told(200).is_empty());
}

#[test]
fn a_subscription_ends_by_time_by_refusal_and_with_its_mailbox() {
    // By time.
    let mut timed = bench();
    timed.count(1, 0);
    let request = timed.subscribe("60");
    timed.ask_as(PHONE, &request, "alice", "red").unwrap();
    assert_eq!(timed.told(200), ["192.0.2.9:5060 active;expires=60 yes 1/0 (0/0)"]);
    timed.wait(Duration::from_secs(59));
    assert_eq!(timed.front.counters().subscriptions, 1);
    timed.wait(Duration::from_secs(1));
    assert_eq!(timed.told(200), ["192.0.2.9:5060 terminated;reason=timeout yes 1/0 (0/0)"]);
    assert_eq!(timed.front.counters().subscriptions, 0);
    // By an answer that knows of none, and by none at all.
    for code in [481, 0] {
        let mut refused = bench();
        refused.count(1, 0);
        let request = refused.subscribe("600");
        refused.ask_as(PHONE, &request, "alice", "red").unwrap();
        assert_eq!(refused.notified(code).len(), 1);
        refused.wait(Duration::from_secs(40));
        assert_eq!(refused.front.counters().subscriptions, 0, "{code}");
    }
    // With its mailbox, and with its connection.
    let mut gone = bench();
    gone.count(1, 0);
    let request = gone.subscribe("600");
    gone.ask_as(PHONE, &request, "alice", "red").unwrap();
    gone.told(200);
    gone.handle(Input::Directory(Arc::new(Directory::new(listing()).unwrap())));
    assert_eq!(gone.told(200), ["192.0.2.9:5060 terminated;reason=noresource ? ?"]);
    assert_eq!(gone.front.counters().subscriptions, 0);
    gone.count(9, 9);
    assert!(gone.told(200).is_empty());
}

#[test]
fn who_asks_once_is_told_once_and_a_count_that_never_comes_leaves_nothing() {
    let mut bench = bench();
    let request = bench.subscribe("0");
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 200);
    bench.count(0, 0);
    assert_eq!(bench.told(200), ["192.0.2.9:5060 terminated;reason=timeout no 0/0 (0/0)"]);
    assert_eq!(bench.front.counters().subscriptions, 0);
    let mut deaf = self::bench();
    let request = deaf.subscribe("0");
    deaf.ask_as(PHONE, &request, "alice", "red").unwrap();
    deaf.wait(Duration::from_secs(40));
    assert_eq!((deaf.told(200), deaf.front.counters().subscriptions), (vec![], 0));
}

#[test]
fn nobody_hears_of_a_mailbox_that_is_not_theirs() {
    let mut bench = bench();
    bench.count(3, 0);
    let request = bench.subscribe("600");
    assert_eq!(bench.code(STRANGER, &request), 401);
    assert_eq!(bench.ask_as(STRANGER, &request, "alice", "wrong").unwrap().code, 401);
    assert_eq!(bench.ask_as(PHONE, &request, "bob", "blue").unwrap().code, 403, "alice's is not bob's");
    let ask = |bench: &mut Bench, to: &str, user: &str, password: &str| {
        let mut request = bench.request("SUBSCRIBE", to, user, PHONE);
        request.headers.push(HeaderName::Event, "message-summary");
        bench.ask_as(PHONE, &request, user, password).unwrap().code
    };
    assert_eq!(ask(&mut bench, "bob@", "bob", "blue"), 404, "bob has none");
    assert_eq!(ask(&mut bench, "nobody@", "alice", "red"), 404);
    let mut other = bench.request("SUBSCRIBE", "alice@", "alice", PHONE);
    other.headers.push(HeaderName::Event, "presence");
    let refused = bench.ask_as(PHONE, &other, "alice", "red").unwrap();
    assert_eq!((refused.code, refused.headers.get(HeaderName::AllowEvents)), (489, Some("message-summary")));
    let mut picky = bench.subscribe("600");
    picky.headers.push(HeaderName::Accept, "application/pidf+xml");
    assert_eq!(bench.ask_as(PHONE, &picky, "alice", "red").unwrap().code, 406);
    let brief = bench.subscribe("30");
    let refused = bench.ask_as(PHONE, &brief, "alice", "red").unwrap();
    assert_eq!((refused.code, refused.headers.get(HeaderName::MinExpires)), (423, Some("60")));
    assert_eq!((bench.front.counters().subscriptions, bench.told(0)), (0, vec![]), "none of this made anything");
    assert_eq!([ask(&mut bench, "alice@", "alice", "red"), ask(&mut bench, "home@", "carol", "green")], [200; 2], "by address, by name");
    let mut bare = bench.request("SUBSCRIBE", "carol@", "carol", PHONE);
    bare.uri = "sip:home.example".parse().unwrap();
    bare.headers.push(HeaderName::Event, "message-summary");
    assert_eq!(bench.ask_as(PHONE, &bare, "carol", "green").unwrap().code, 200, "by nothing");
    // Another's dialog is no way in.
    let mine = bench.subscribe("600");
    let answer = bench.ask_as(PHONE, &mine, "alice", "red").unwrap();
    let stolen = again(&mut bench, &mine, &answer, "0");
    assert_eq!(bench.ask_as(PHONE, &stolen, "carol", "green").unwrap().code, 403);
    assert_eq!(bench.code(STRANGER, &stolen), 401);
}

#[test]
fn a_telephone_that_forgets_its_subscriptions_has_ten_at_most() {
    let mut bench = bench();
    bench.count(1, 0);
    for n in 0..14 {
        let request = bench.subscribe("600");
        assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 200);
        let ended = bench.told(200).iter().filter(|told| told.contains("terminated;reason=noresource")).count();
        assert_eq!(ended, usize::from(n >= 10), "{n}");
    }
    assert_eq!(bench.front.counters().subscriptions, 10);
}

#[test]
fn registered_devices_are_told_without_asking_when_it_is_news_to_them() {
    let mut bench = bench();
    bench.sent.clear();
    bench.register(PHONE, "alice", "red");
    assert_eq!(bench.asked, [name("home")], "nobody knows yet");
    bench.count(1, 0);
    let told = bench.notified(200);
    let (to, request) = &told[0];
    assert_eq!(in_words(to, request), "192.0.2.9:5060 terminated;reason=noresource yes 1/0 (0/0)");
    assert_eq!(request.uri.to_string(), "sip:alice@192.0.2.9:5060");
    assert_eq!(request.headers.to_tag(), None, "it belongs to no dialog");
    // A refresh is no news, another device is, and so is a change: to everybody who shares the mailbox.
    bench.register(PHONE, "alice", "red");
    assert!(bench.told(200).is_empty());
    bench.register(OTHER, "carol", "green");
    assert_eq!(bench.told(200), ["192.0.2.10:5060 terminated;reason=noresource yes 1/0 (0/0)"]);
    bench.count(0, 1);
    let mut told = bench.told(405);
    told.sort();
    assert_eq!(told, ["192.0.2.10:5060 terminated;reason=noresource no 0/1 (0/0)", "192.0.2.9:5060 terminated;reason=noresource no 0/1 (0/0)"]);
    bench.register(PHONE, "alice", "red");
    assert!(bench.told(200).is_empty(), "who cannot use it is not asked again and again");
    // Who subscribed is told so, and only so.
    let request = bench.subscribe("600");
    bench.ask_as(PHONE, &request, "alice", "red").unwrap();
    bench.told(200);
    bench.count(4, 1);
    let mut told = bench.told(200);
    told.sort();
    assert_eq!(told, ["192.0.2.10:5060 terminated;reason=noresource yes 4/1 (0/0)", "192.0.2.9:5060 active;expires=600 yes 4/1 (0/0)"]);
    // Nobody without a mailbox is told anything, nor who left.
    bench.register("192.0.2.11:5060", "bob", "blue");
    assert!(bench.told(200).is_empty());
    let mut leave = bench.request("REGISTER", "", "carol", OTHER);
    leave.headers.push(HeaderName::Expires, "0");
    assert_eq!(bench.ask_as(OTHER, &leave, "carol", "green").unwrap().code, 200);
    bench.count(0, 0);
    assert_eq!(bench.told(200).len(), 1, "alice's subscription");
    bench.register(OTHER, "carol", "green");
    assert_eq!(bench.told(200), ["192.0.2.10:5060 terminated;reason=noresource no 0/0 (0/0)"], "a telephone that comes back has forgotten");
}
