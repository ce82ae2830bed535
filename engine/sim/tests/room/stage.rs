//! The office that all tests play in: who is there, what its flows are.

use phone::{Account, Manners, Setup as PhoneSetup, Sound, Step};
use sim::{Place, Setup, World};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use switchboard::{Connection, Directory, Inbound, Listing, Number, NumberTarget, Passwords, Realm, SipHosts};
use terms::{Name, Now, Secret, UnixMs};

/// Everybody who has a telephone, with the tone (Hz) each speaks with.
pub(crate) const PEOPLE: [(&str, f32); 4] = [("alice", 2_450.0), ("bob", 2_650.0), ("carol", 2_850.0), ("dave", 3_050.0)];

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
pub(crate) fn start() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    Now { at: *START.get_or_init(Instant::now), unix: UnixMs(1_793_614_500_000) }
}

/// Where calls meet: a conference, and the same for its host; a parking place and who fetches from it; a queue and its agents.
const BOARD: &str = "flow: board\nstart: in\nstates:\n  in: { conference: { room: board, beep: false, mute_key: \"6\" }, then: end }\n";
const CLUB: &str = "flow: club\nstart: in\nstates:\n  in: { conference: { room: club, announce: name }, then: end }\n";
const CHAIR: &str = "flow: chair\nstart: in\nstates:\n  in: { conference: { room: chaired, pin: \"12\", host_pin: \"99\", start_with_host: true, end_with_host: true }, then: { ended: over, else: end } }\n  over: { say: The conference is over., then: end }\n";
const PARK: &str = "flow: park\nstart: in\nstates:\n  in: { park: { slot: 701-702, timeout: 20s, leave_key: \"0\" }, then: { served: back, timeout: late, left: end, full: late } }\n  late: { say: Nobody came for you., then: end }\n  back: { say: You were served., then: end }\n";
const FETCH: &str = "flow: fetch\nstart: in\nstates:\n  in: { bridge: { to: park/701 }, then: { answered: end, else: none } }\n  none: { say: Nobody is parked there., then: end }\n";
const SALES: &str = "flow: sales\nstart: in\nstates:\n  in:\n    queue: { name: sales, agents: [connection/alice, connection/bob], ring_for: 6s, announce_position: 10s, timeout: 40s, wrap_up: 2s, max: 3 }\n    then: { served: back, else: sorry }\n  back: { say: You were served., then: end }\n  sorry: { say: We could not serve you., then: end }\n";
const AGENT: &str = "flow: agent\nstart: in\nstates:\n  in: { bridge: { to: queue/sales, timeout: 15s }, then: { answered: end, else: none } }\n  none: { say: Nobody waits., then: end }\n";

/// The office's flows: those that come with callflow, and one that holds.
fn flows() -> flow::FlowSet {
    static FLOWS: OnceLock<flow::FlowSet> = OnceLock::new();
    const HOLD: &str = "flow: queue\nstart: in\nstates:\n  in: { answer: {}, then: hold }\n  hold: { play: { prompt: { play: music.wav }, loop: 0, barge_in: keys }, then: end }\n";
    let load = || {
        let files = [
            ("flows/default.yaml", include_str!("../../../../flows/default.yaml")),
            ("flows/reception.yaml", include_str!("../../../../flows/reception.yaml")),
            ("scripts/reception.rhai", include_str!("../../../../scripts/reception.rhai")),
            ("flows/queue.yaml", HOLD),
            ("flows/board.yaml", BOARD),
            ("flows/chair.yaml", CHAIR),
            ("flows/club.yaml", CLUB),
            ("flows/park.yaml", PARK),
            ("flows/fetch.yaml", FETCH),
            ("flows/sales.yaml", SALES),
            ("flows/agent.yaml", AGENT),
        ];
        let sources = files.map(|(path, text)| notation::Source::new(path, text));
        flow::FlowSet::load(sources.into(), &flow::World::default()).unwrap_or_else(|faults| panic!("{faults:?}"))
    };
    FLOWS.get_or_init(load).clone()
}

fn connection(user: &str, password: Option<&str>) -> Connection {
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
        dtmf: terms::Dtmf::default(),
    }
}

fn directory() -> Arc<Directory> {
    static DIRECTORY: OnceLock<Arc<Directory>> = OnceLock::new();
    DIRECTORY.get_or_init(|| Arc::new(Directory::new(listing()).unwrap())).clone()
}

fn listing() -> Listing {
    let person = |user: &str| Connection { mailbox: Some(name(user)), ..connection(user, Some("secret")) };
    let door = |user: &str, flow: &str| Connection { inbound: Inbound::Flow(flow.to_owned()), public: true, ..connection(user, None) };
    let mut connections: Vec<Connection> = PEOPLE.iter().map(|(user, _)| person(user)).collect();
    connections.push(Connection { mailbox: None, ..connection("erin", Some("secret")) });
    connections.extend([door("reception", "reception"), door("script", "reception-script"), door("queue", "queue"), door("desk", "desk")]);
    connections.extend(["board", "club", "chair", "park", "fetch", "sales", "agent"].map(|user| door(user, user)));
    let boxes = ["alice", "bob", "carol", "dave", "reception"];
    Listing {
        realms: vec![Realm { name: name("home"), domains: vec!["home.example".to_owned()] }],
        connections,
        numbers: vec![Number {
            number: "+15550100".parse().unwrap(),
            realm: name("home"),
            to: NumberTarget::Connection(name("reception")),
            public: true,
            settings: BTreeMap::new(),
            mailbox: None,
        }],
        trunks: Vec::new(),
        mailboxes: boxes.map(|mailbox| voicemail::Mailbox::new(name("home"), name(mailbox))).into(),
        sip_hosts: SipHosts::Only(Vec::new()),
        secrets: BTreeMap::new(),
    }
}

pub(crate) fn setup(seed: u64) -> Setup {
    Setup::new(seed, start(), directory(), flows())
}

/// The same office, with a change of alice's mailbox.
pub(crate) fn with_mailbox(setup: &mut Setup, change: impl Fn(&mut voicemail::Mailbox)) {
    let mut listing = listing();
    listing.mailboxes.iter_mut().filter(|mailbox| mailbox.name.as_str() == "alice").for_each(change);
    setup.directory = Arc::new(Directory::new(listing).unwrap());
}

/// The same office, with a change of one connection.
pub(crate) fn with_connection(setup: &mut Setup, user: &str, change: impl Fn(&mut Connection)) {
    let mut listing = listing();
    listing.connections.iter_mut().filter(|connection| connection.user == user).for_each(change);
    setup.directory = Arc::new(Directory::new(listing).unwrap());
}

/// The same office, where whoever dials `desk` gets this flow: YAML, or Rhai when it has a `main`.
pub(crate) fn desk(seed: u64, text: &str) -> Setup {
    let path = if text.contains("fn main") { "scripts/desk.rhai" } else { "flows/desk.yaml" };
    let sources = vec![notation::Source::new(path, text)];
    let flows = flow::FlowSet::load(sources, &flow::World::default()).unwrap_or_else(|faults| panic!("{faults:?}"));
    Setup::new(seed, start(), directory(), flows)
}

/// A phone of a person (or a stranger) at an address of its own.
pub(crate) fn place(who: &str, number: u8, manners: Manners, seed: u64) -> Place {
    let own = |port| SocketAddr::from(([192, 0, 2, number], port));
    let account = Account {
        user: who.to_owned(),
        password: Secret::new("secret".to_owned()),
        domain: "home.example".to_owned(),
        server: setup_address(),
    };
    let phone = PhoneSetup { manners, ..PhoneSetup::new(account, own(5_060), own(4_000), seed) };
    Place { name: who.to_owned(), phone, outside: None, weather: None }
}

fn setup_address() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 5_060))
}

/// What a person's voice is.
pub(crate) fn voice(who: &str, length: Duration) -> Sound {
    let hz = PEOPLE.iter().find(|(user, _)| *user == who).map_or(2_250.0, |(_, hz)| *hz);
    Sound::tone(hz, -14.0, length)
}

pub(crate) fn dial(target: &str) -> Step {
    Step::Dial(format!("sip:{target}@home.example"))
}

/// How strongly a tone is in 8 kHz sound: the amplitude of that sine, in sample units.
pub(crate) fn amplitude_of(samples: &[i16], hz: f32) -> f32 {
    let step = std::f32::consts::TAU * hz / 8_000.0;
    let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, sample)| {
        let phase = step * n as f32;
        (re + f32::from(*sample) * phase.cos(), im + f32::from(*sample) * phase.sin())
    });
    2.0 * f32::hypot(re, im) / samples.len() as f32
}

/// Runs on a stack that scripts may need.
pub(crate) fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(flow::limits::SCRIPT_STACK).spawn(work).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The world and all it says, for a failure.
pub(crate) fn told(world: &World) -> String {
    format!("{}\n--- faults\n{}", world.transcript().join("\n"), world.verdict().join("\n"))
}
