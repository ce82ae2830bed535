//! Stories of whole phones in virtual time: two phones, or a phone and a small registrar, over a wire that may lose.

use crate::account::{Account, Manners, Setup};
use crate::chance::Chance;
use crate::limits::RATE;
use crate::line::Event;
use crate::phone::{Arrival, Phone, Transmit};
use crate::sound::Sound;
use crate::step::Step;
use crate::tone::tone_share;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terms::Secret;

const A: usize = 0;
const B: usize = 1;

/// Two phones on one wire.
struct World {
    phones: [Phone; 2],
    addresses: [(SocketAddr, SocketAddr); 2],
    on_the_way: Vec<(Instant, bool, SocketAddr, SocketAddr, Vec<u8>)>,
    now: Instant,
    chance: Chance,
    loss_percent: u64,
    /// Loses the first datagrams that contain this text.
    lose_first: Vec<(&'static str, u32)>,
    seen: Vec<String>,
}

impl World {
    fn new(seed: u64, steps: [Vec<Step>; 2], manners: Manners) -> Self {
        let now = Instant::now();
        let at = |n: u16| -> SocketAddr { ([127, 0, 0, 1], n).into() };
        let addresses = [(at(5_001), at(4_001)), (at(5_002), at(4_002))];
        let setup = |who: usize, user: &str| {
            let account = Account { user: user.into(), password: Secret::new("x".into()), domain: addresses[1 - who].0.to_string(), server: addresses[1 - who].0 };
            Setup { manners, ..Setup::new(account, addresses[who].0, addresses[who].1, seed * 2 + who as u64) }
        };
        let [a, b] = steps;
        let phones = [Phone::new(setup(A, "a"), a, now), Phone::new(setup(B, "b"), b, now)];
        Self { phones, addresses, on_the_way: Vec::new(), now, chance: Chance::new(seed), loss_percent: 0, lose_first: Vec::new(), seen: Vec::new() }
    }

    fn collect(&mut self) {
        for who in [A, B] {
            while let Some(transmit) = self.phones[who].poll_output() {
                let (sip, to, bytes) = match transmit {
                    Transmit::Sip { to, bytes } => (true, to, bytes),
                    Transmit::Rtp { to, bytes } => (false, to, bytes),
                };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if sip {
                    self.seen.push(text.lines().next().unwrap_or("").to_owned());
                }
                let chosen = self.lose_first.iter_mut().find(|(what, times)| *times > 0 && text.contains(what));
                if let Some((_, times)) = chosen {
                    *times -= 1;
                    continue;
                }
                if self.chance.next() % 100 < self.loss_percent {
                    continue;
                }
                let from = if sip { self.addresses[who].0 } else { self.addresses[who].1 };
                let delay = Duration::from_millis(5 + self.chance.next() % 10);
                self.on_the_way.push((self.now + delay, sip, from, to, bytes));
            }
        }
    }

    /// Runs until both scripts are done, or so long.
    fn run(&mut self, at_most: Duration) {
        let end = self.now + at_most;
        loop {
            self.collect();
            if self.phones.iter().all(Phone::is_done) {
                return;
            }
            let arrival = self.on_the_way.iter().map(|x| x.0).min();
            let timers = self.phones.iter().filter_map(Phone::poll_timeout).min();
            let Some(next) = arrival.into_iter().chain(timers).min().filter(|n| *n <= end) else { return };
            self.now = self.now.max(next);
            let now = self.now;
            let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.on_the_way).into_iter().partition(|x| x.0 <= now);
            self.on_the_way = later;
            for (_, sip, from, to, bytes) in due {
                let Some(who) = self.addresses.iter().position(|a| a.0 == to || a.1 == to) else { continue };
                let arrival = if sip { Arrival::Sip { from, bytes: &bytes } } else { Arrival::Rtp { from, bytes: &bytes } };
                self.phones[who].handle(arrival, now);
            }
            for phone in &mut self.phones {
                phone.handle_timeout(now);
            }
        }
    }

    fn must_be_done(&self, what: &str) {
        for (who, phone) in self.phones.iter().enumerate() {
            let report = phone.snapshot();
            let story: String = report.timeline.iter().map(|e| format!("{:7.3} {}\n", e.at.as_secs_f64(), e.text)).collect();
            assert!(phone.is_done() && phone.failure().is_none(), "{what}, phone {who}: {:?}\n{story}\n{:#?}", phone.failure(), self.seen);
        }
    }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const ANSWER: Manners = Manners::Answer { after: Duration::from_millis(300) };

#[test]
fn a_call_with_tones_both_ways_digits_hold_and_goodbye() {
    let caller = vec![
        Step::Dial("sip:b@127.0.0.1:5002".into()),
        Step::WaitRinging { within: s(2) },
        Step::WaitAnswered { within: s(5) },
        Step::SpeakOn(Sound::tone(440.0, -10.0, s(1))),
        Step::WaitTone { hz: Some(1_000.0), within: s(3) },
        Step::Press("12#".into()),
        Step::Hold,
        Step::Wait(ms(500)),
        Step::Resume,
        Step::Wait(ms(500)),
        Step::HangUp,
    ];
    let called = vec![
        Step::WaitAnswered { within: s(9) },
        Step::SpeakOn(Sound::tone(1_000.0, -10.0, s(1))),
        Step::WaitTone { hz: Some(440.0), within: s(3) },
        Step::WaitDigits { digits: "12#".into(), within: s(5) },
        Step::WaitHangUp { within: s(10) },
    ];
    let mut world = World::new(1, [caller, called], ANSWER);
    world.run(s(30));
    world.must_be_done("a plain call");
    let (a, b) = (world.phones[A].snapshot(), world.phones[B].snapshot());
    let part = |heard: &[i16], from: f32| heard[(from * RATE as f32) as usize..((from + 0.4) * RATE as f32) as usize].to_vec();
    assert!(tone_share(&part(&a.heard, 0.3), 1_000.0) > 0.95, "the caller hears the called");
    let last = b.heard.len() - 3_200;
    assert!(tone_share(&b.heard[last..], 440.0) > 0.95, "the called hears the caller, also after the hold");
    assert!(b.events.iter().any(|(_, e)| *e == Event::ReinvitedByPeer { held: true }));
    assert_eq!(b.events.iter().filter(|(_, e)| matches!(e, Event::HungUp { by_peer: true, .. })).count(), 1);
    assert!(!a.in_call && !b.in_call);
}

#[test]
fn a_delayed_offer_is_answered_in_the_ack() {
    let caller = vec![
        Step::DialWithoutOffer("sip:b@127.0.0.1:5002".into()),
        Step::WaitAnswered { within: s(5) },
        Step::WaitTone { hz: Some(700.0), within: s(3) },
        Step::HangUp,
    ];
    let called =
        vec![Step::WaitAnswered { within: s(9) }, Step::SpeakOn(Sound::tone(700.0, -10.0, s(1))), Step::WaitHangUp { within: s(10) }];
    let mut world = World::new(2, [caller, called], ANSWER);
    world.run(s(30));
    world.must_be_done("a delayed offer");
}

#[test]
fn busy_decline_no_answer_cancel_and_early_media() {
    let dial = || Step::Dial("sip:b@127.0.0.1:5002".into());
    for (manners, wanted) in [
        (Manners::Refuse { status: 486, after: Duration::ZERO }, 486),
        (Manners::Refuse { status: 603, after: s(1) }, 603),
        (Manners::Deaf, 408),
    ] {
        let mut world = World::new(3, [vec![dial(), Step::WaitRefused { status: wanted, within: s(40) }], vec![]], manners);
        world.run(s(60));
        world.must_be_done("a refusal");
        assert_eq!(world.phones[A].refused_with(), Some(wanted));
    }
    let caller = vec![dial(), Step::WaitRinging { within: s(2) }, Step::Wait(s(1)), Step::Cancel];
    let called = vec![Step::WaitIncoming { within: s(5) }, Step::WaitRefused { status: 487, within: s(5) }];
    let mut world = World::new(4, [caller, called], Manners::Ring);
    world.run(s(60));
    world.must_be_done("a cancelled call");
    assert_eq!(world.phones[A].refused_with(), Some(487));

    let caller = vec![dial(), Step::WaitTone { hz: Some(425.0), within: s(3) }, Step::WaitAnswered { within: s(5) }, Step::HangUp];
    let called = vec![Step::WaitIncoming { within: s(5) }, Step::SpeakOn(Sound::tone(425.0, -10.0, s(1))), Step::WaitHangUp { within: s(9) }];
    let mut world = World::new(5, [caller, called], Manners::Early { after: s(2) });
    world.run(s(60));
    world.must_be_done("early media");
}

#[test]
fn each_message_may_be_lost_and_all_still_ends_well() {
    for lost in ["INVITE sip", "SIP/2.0 180", "SIP/2.0 200", "ACK sip", "BYE sip"] {
        let caller = vec![Step::Dial("sip:b@127.0.0.1:5002".into()), Step::WaitAnswered { within: s(9) }, Step::Wait(s(4)), Step::HangUp];
        let called = vec![Step::WaitAnswered { within: s(9) }, Step::WaitHangUp { within: s(20) }];
        let mut world = World::new(6, [caller, called], ANSWER);
        world.lose_first = vec![(lost, 3)];
        world.run(s(60));
        world.must_be_done(lost);
    }
}

#[test]
fn a_lossy_wire_for_fifty_seeds() {
    for seed in 100..150 {
        let caller = vec![
            Step::Dial("sip:b@127.0.0.1:5002".into()),
            Step::WaitAnswered { within: s(20) },
            Step::Press("159".into()),
            Step::Wait(s(2)),
            Step::HangUp,
        ];
        let called = vec![Step::WaitAnswered { within: s(30) }, Step::WaitDigits { digits: "159".into(), within: s(20) }, Step::WaitHangUp { within: s(30) }];
        let mut world = World::new(seed, [caller, called], ANSWER);
        world.loss_percent = 15;
        world.run(s(120));
        world.must_be_done(&format!("seed {seed}"));
    }
}

#[test]
fn a_script_says_why_it_failed() {
    let caller = vec![Step::Dial("sip:b@127.0.0.1:5002".into()), Step::WaitAnswered { within: s(9) }, Step::WaitTone { hz: None, within: s(1) }];
    let mut world = World::new(9, [caller, vec![]], ANSWER);
    world.run(s(20));
    assert_eq!(world.phones[A].failure(), Some("a tone did not come true in time"));
}

/// A registrar of thirty lines: challenges everything once and accepts what hashes right.
#[test]
fn registration_answers_challenges_by_both_hashes_and_is_renewed_and_taken_back() {
    use md5::Digest as _;
    for md5_only in [false, true] {
        let now = Instant::now();
        let server: SocketAddr = ([127, 0, 0, 1], 5_060).into();
        let account = Account { user: "alice".into(), password: Secret::new("secret".into()), domain: "example.org".into(), server };
        let setup = Setup { md5_only, ..Setup::new(account, ([127, 0, 0, 1], 5_001).into(), ([127, 0, 0, 1], 4_001).into(), 77) };
        let mut phone = Phone::new(setup, vec![Step::Register { expires: 60 }, Step::Wait(s(70)), Step::Unregister], now);
        let (mut accepted, mut challenged, mut now, end) = (Vec::new(), 0, now, now + s(100));
        while !phone.is_done() && now < end {
            while let Some(Transmit::Sip { bytes, .. }) = phone.poll_output() {
                let Ok(rsip::SipMessage::Request(request)) = crate::message::read(&bytes) else { panic!("a request") };
                let field = |name: &str| {
                    let auth = crate::message::value(&request.headers, "Authorization").unwrap_or_default();
                    auth.split(&format!("{name}=")).nth(1).map(|r| r.trim_start_matches('"').split(['"', ',']).next().unwrap_or("").to_owned())
                };
                let good = field("response").is_some_and(|response| {
                    let hash = |text: String| -> String {
                        let bytes = if md5_only { md5::Md5::digest(text).to_vec() } else { sha2::Sha256::digest(text).to_vec() };
                        bytes.iter().map(|b| format!("{b:02x}")).collect()
                    };
                    let ha1 = hash("alice:x y:secret".into());
                    let ha2 = hash("REGISTER:sip:example.org".into());
                    response == hash(format!("{ha1}:n1:00000001:{}:auth:{ha2}", field("cnonce").unwrap_or_default()))
                });
                let answer = if good {
                    let expires: u32 = crate::message::value(&request.headers, "Expires").unwrap().parse().unwrap();
                    accepted.push(expires);
                    let contact = crate::message::value(&request.headers, "Contact").unwrap();
                    let contact = rsip::headers::Contact::from(format!("<sip:other@1.2.3.4>;expires=5, {contact};expires={expires}"));
                    crate::message::answer(&request, 200, "t", vec![contact.into()], vec![])
                } else {
                    challenged += 1;
                    let say = |a: &str| rsip::headers::WwwAuthenticate::from(format!("Digest realm=\"x y\", nonce=\"n1\", algorithm={a}, qop=\"auth,auth-int\"")).into();
                    crate::message::answer(&request, 401, "t", vec![say("SHA-256"), say("MD5")], vec![])
                };
                phone.handle(Arrival::Sip { from: server, bytes: answer.to_string().as_bytes() }, now);
            }
            now = phone.poll_timeout().unwrap_or(end).max(now);
            phone.handle_timeout(now);
        }
        assert_eq!(phone.failure(), None);
        assert!(phone.is_done());
        // 60 s granted: renewed after 30 and 60 s, then taken back.
        assert_eq!((accepted, challenged), (vec![60, 60, 60, 0], 4), "md5 only: {md5_only}");
    }
}
