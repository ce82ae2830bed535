//! The world: one clock, one agenda, the exchange, the network and the phones.

use crate::{
    Dice, Helper, Ill, Setup, Sounds, Weather,
    agenda::{Agenda, Event},
    disk::Disk,
    exchange::Exchange,
    ledger::Ledger,
    limits::{PHONE_NAP, SETTLE_MAX, STRANGER, TURNS_AT_ONE_INSTANT_MAX},
    station::{Place, Station},
    tap,
    trace::Trace,
};
use call::{CallRecord, Shard};
use phone::{Arrival, Phone, Step, Transmit};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{CallId, Now};

/// A queue whose words arrive in the order they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// To the front.
    Front,
    /// To a shard.
    Shard(usize),
    /// To the disk.
    Disk,
    /// No order.
    None,
}

/// A world in virtual time; see the head of the room.
pub struct World {
    pub(crate) setup: Setup,
    pub(crate) now: Now,
    pub(crate) dice: Dice,
    pub(crate) life: u32,
    pub(crate) exchange: Option<Exchange>,
    pub(crate) stations: Vec<Station>,
    pub(crate) disk: Disk,
    pub(crate) sounds: Sounds,
    pub(crate) ledger: Ledger,
    pub(crate) bundles: Vec<(CallId, String)>,
    agenda: Agenda,
    lanes: BTreeMap<Lane, Instant>,
    trace: Trace,
    turns: u32,
    worst_loss: u32,
    forged: bool,
}

impl World {
    /// The exchange starts; nobody is there yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut world = Self {
            now: setup.start,
            forged: false,
            worst_loss: setup.weather.loss,
            dice: Dice::new(setup.seed),
            setup,
            life: 0,
            exchange: None,
            stations: Vec::new(),
            disk: Disk::default(),
            sounds: Sounds::default(),
            ledger: Ledger::default(),
            bundles: Vec::new(),
            agenda: Agenda::default(),
            lanes: BTreeMap::new(),
            trace: Trace::default(),
            turns: 0,
        };
        world.start_exchange();
        world
    }

    // --- what a test does --------------------------------------------------------------------------------------------

    /// Switches a phone on.
    pub fn add(&mut self, place: Place, steps: Vec<Step>) {
        let (sip, rtp) = (place.phone.local, place.phone.rtp);
        let phone = Phone::new(place.phone, steps, self.now.at);
        let Place { name, outside, weather, .. } = place;
        self.worst_loss = self.worst_loss.max(weather.map_or(0, |weather| weather.loss));
        self.stations.push(Station { name, phone, sip, rtp, outside, weather, told: 0, nap: None, gone: false, muted: false, called: false });
        self.hear(self.stations.len() - 1);
    }

    /// Gives a phone another step.
    pub fn tell(&mut self, name: &str, step: Step) {
        let now = self.now.at;
        if let Some(at) = self.stations.iter().position(|station| station.name == name) {
            self.stations[at].phone.push(step, now);
            self.hear(at);
        }
    }

    /// Lets a phone forget what it was to do; then it does this.
    pub fn tell_instead(&mut self, name: &str, step: Step) {
        if let Some(station) = self.stations.iter_mut().find(|station| station.name == name) {
            station.phone.forgive();
        }
        self.tell(name, step);
    }

    /// The phone of this name.
    #[must_use]
    pub fn phone(&self, name: &str) -> Option<&Phone> {
        self.stations.iter().find(|station| station.name == name).map(|station| &station.phone)
    }

    /// Names of all phones.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.stations.iter().map(|station| station.name.clone()).collect()
    }

    /// Does something so much later.
    pub fn at(&mut self, after: Duration, act: impl FnOnce(&mut Self) + 'static) {
        self.agenda.put(self.now.at + after, Event::Act(Box::new(act)));
    }

    /// A phone vanishes: somebody pulls its plug.
    pub fn unplug(&mut self, name: &str) {
        self.stations.iter_mut().filter(|station| station.name == name).for_each(|station| station.gone = true);
        self.trace_say(&format!("{name} is unplugged"));
    }

    /// A phone sends no sound any more, as some do while muted; or sends it again.
    pub fn mute(&mut self, name: &str, muted: bool) {
        self.stations.iter_mut().filter(|station| station.name == name).for_each(|station| station.muted = muted);
    }

    /// From now on one who does errands is ill.
    pub fn fall_ill(&mut self, helper: Helper, ill: Ill) {
        self.setup.ill.insert(helper, ill);
        self.trace_say(&format!("{helper:?} is ill"));
    }

    /// The exchange dies; after `down` it starts again with what its disk has.
    pub fn crash(&mut self, down: Duration) {
        if self.exchange.take().is_some() {
            self.trace_say("the exchange crashes");
            self.agenda.put(self.now.at + down, Event::Start);
        }
    }

    /// An order of the API: end one of the calls, if there is one.
    pub fn hang_up_some_call(&mut self) {
        let Some(exchange) = &self.exchange else { return };
        let calls = exchange.front.snapshot(self.now).calls;
        if !calls.is_empty() {
            let call = self.dice.pick(&calls).id;
            self.note(&format!("the API ends call {call}"));
            self.tell_front(switchboard::Input::HangUp { call, why: "api" });
        }
    }

    /// The call that this user makes, if it makes one.
    #[must_use]
    pub fn call_from(&self, user: &str) -> Option<terms::CallId> {
        self.exchange.as_ref()?.front.snapshot(self.now).calls.iter().find(|call| call.from == user).map(|call| call.id)
    }

    /// Who is in conferences, as the API shows it.
    #[must_use]
    pub fn conferences(&self) -> Vec<switchboard::ConferenceView> {
        self.exchange.as_ref().map(|exchange| exchange.front.meetings().conferences()).unwrap_or_default()
    }

    /// An order of the API: let a call be heard, or hear, another way in its conference.
    pub fn tune(&mut self, call: terms::CallId, tuning: call::Tuning) {
        self.note(&format!("the API tunes call {call}"));
        self.tell_front(switchboard::Input::Tune { call, tuning });
    }

    /// A packet out of nowhere, past the weather.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.agenda.put(self.now.at, Event::Packet { from, to, bytes });
    }

    /// The exchange's open RTP sockets.
    #[must_use]
    pub fn media_sockets(&self) -> Vec<SocketAddr> {
        let ip = self.setup.address.ip();
        self.exchange.iter().flat_map(|exchange| exchange.ports.open_now()).map(|port| SocketAddr::new(ip, port)).collect()
    }

    /// The weather of every line from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.setup.weather = weather;
        self.worst_loss = self.worst_loss.max(weather.loss);
        self.stations.iter_mut().for_each(|station| station.weather = None);
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let until = self.now.at + span;
        while let Some(next) = self.next_at().filter(|next| *next <= until) {
            self.turn(next);
            if self.turns > TURNS_AT_ONE_INSTANT_MAX {
                break;
            }
        }
        self.now = self.moment(until);
    }

    /// Both clocks at `at`, counted from the start: steps of less than a millisecond would make the wall clock lag.
    fn moment(&self, at: Instant) -> Now {
        self.setup.start.later(at.saturating_duration_since(self.setup.start.at))
    }

    /// Lets time pass until it is true, at most so long; whether it became true.
    pub fn run_until(&mut self, at_most: Duration, is_true: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.at + at_most;
        while !is_true(self) {
            if self.now.at >= end {
                return false;
            }
            self.run(Duration::from_millis(100));
        }
        true
    }

    /// Fair weather, no more forgeries; then everything pending must finish. How long it took; what did not finish is in the verdict.
    pub fn settle(&mut self) -> Duration {
        self.set_weather(Weather::FAIR);
        self.setup.overheard = 0;
        let since = self.now.at;
        while !self.is_calm() && self.now.at.saturating_duration_since(since) < SETTLE_MAX {
            self.run(Duration::from_secs(1));
        }
        let took = self.now.at.saturating_duration_since(since);
        self.judge();
        took
    }

    // --- what a test sees --------------------------------------------------------------------------------------------

    /// Every broken promise; empty when all is well. Complete after [`World::settle`].
    #[must_use]
    pub fn verdict(&self) -> &[String] {
        self.ledger.faults()
    }

    /// What people heard and did, a line each, with seconds since the beginning.
    #[must_use]
    pub fn transcript(&self) -> &[String] {
        self.trace.transcript()
    }

    /// The last lines of everything that happened.
    #[must_use]
    pub fn trace_tail(&self) -> Vec<&str> {
        self.trace.tail().collect()
    }

    /// The whole history as one number.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.trace.fingerprint()
    }

    /// Records of calls that are over.
    #[must_use]
    pub fn records(&self) -> &[CallRecord] {
        &self.ledger.records
    }

    /// Bundles of calls that are over, as their files have them.
    pub fn bundles(&self) -> impl Iterator<Item = (CallId, &str)> {
        self.bundles.iter().map(|(call, text)| (*call, text.as_str()))
    }

    /// Calls that began.
    #[must_use]
    pub fn calls_begun(&self) -> usize {
        self.ledger.calls_begun()
    }

    /// Messages on the disk: mailbox, length, whether the end is missing.
    pub fn messages(&self) -> impl Iterator<Item = (&str, Duration, bool)> {
        self.disk.messages.values().map(|kept| (kept.mailbox.as_str(), kept.length, kept.partial))
    }

    /// Messages nobody has heard, of a mailbox, and those heard.
    #[must_use]
    pub fn waiting(&self, mailbox: &str) -> (usize, usize) {
        let count = |heard| self.disk.messages.values().filter(|kept| kept.mailbox.as_str() == mailbox && kept.heard == heard).count();
        (count(false), count(true))
    }

    /// Plain recordings on the disk: length, whether the end is missing, the webhook told of it.
    pub fn recordings(&self) -> impl Iterator<Item = (Duration, bool, Option<&str>)> {
        self.disk.files.values().map(|kept| (kept.length, kept.partial, kept.notify.as_deref()))
    }

    /// The sound of the plain recordings, as it was spoken: the samples of two channels in turn.
    pub fn recorded(&self) -> impl Iterator<Item = &[i16]> {
        self.disk.files.values().map(|kept| kept.sound.as_slice())
    }

    /// Virtual time since the beginning.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.now.at.saturating_duration_since(self.setup.start.at)
    }

    /// Whether a phone is in a call or setting one up.
    #[must_use]
    pub fn is_in_call(&self, name: &str) -> bool {
        self.phone(name).is_some_and(|phone| phone.snapshot().in_call)
    }

    /// Whether the phone's last call was one it made.
    #[must_use]
    pub fn is_caller(&self, name: &str) -> bool {
        self.stations.iter().any(|station| station.name == name && station.called)
    }

    /// Lives of the exchange so far: 1 when it never crashed.
    #[must_use]
    pub const fn lives(&self) -> u32 {
        self.life
    }

    /// The most packets lost, in a thousand, that any line was ever set to.
    #[must_use]
    pub const fn worst_loss(&self) -> u32 {
        self.worst_loss
    }

    /// Whether a stranger sent altered copies of what was said.
    #[must_use]
    pub const fn was_overheard(&self) -> bool {
        self.forged
    }

    fn is_calm(&self) -> bool {
        let Some(exchange) = &self.exchange else { return false };
        let counts = exchange.front.counters();
        let busy = counts.sip.invite_servers + counts.sip.invite_clients + counts.sip.plain_clients;
        counts.calls == 0
            && busy == 0
            && exchange.front.residue() == 0
            && exchange.shards.iter().all(|shard| shard.snapshot().calls == 0)
            && self.stations.iter().all(|station| station.gone || !station.phone.snapshot().in_call)
    }

    fn judge(&mut self) {
        let Some(exchange) = &self.exchange else {
            return self.ledger.fault("the exchange is down at the end".to_owned());
        };
        let counts = exchange.front.counters();
        let calls: usize = exchange.shards.iter().map(|shard| shard.snapshot().calls).sum();
        let sockets = exchange.ports.open_now().count();
        let (rooms, elsewhere) = exchange.shards.iter().map(Shard::snapshot).fold((0, 0), |(rooms, elsewhere), counts| {
            (rooms + counts.in_rooms, elsewhere + counts.elsewhere)
        });
        let table = [
            ("calls in rooms", rooms),
            ("calls that went to another shard", elsewhere),
            ("media sockets between shards", exchange.ports.between()),
            ("calls in the shards", calls),
            ("calls in the front", counts.calls),
            ("entries in the front's tables", exchange.front.residue()),
            ("media sockets", sockets),
            ("INVITE server transactions", counts.sip.invite_servers),
            ("INVITE client transactions", counts.sip.invite_clients),
            ("other client transactions", counts.sip.plain_clients),
            ("recordings", self.disk.open_now().count()),
        ];
        for (what, count) in table.into_iter().filter(|(_, count)| *count != 0) {
            self.ledger.fault(format!("{count} {what} are left"));
        }
        for station in &self.stations {
            if !station.gone && station.phone.snapshot().in_call {
                self.ledger.fault(format!("{} is still in a call", station.name));
            }
        }
        for fault in std::mem::take(&mut self.disk.faults) {
            self.ledger.fault(fault);
        }
        self.ledger.count_records(self.life);
        self.ledger.messages_are_there(&self.disk);
    }

    // --- how it goes round -------------------------------------------------------------------------------------------

    fn next_at(&self) -> Option<Instant> {
        let phones = self.stations.iter().filter_map(Station::wake).min();
        let next = [self.agenda.next_at(), self.exchange_due(), phones].into_iter().flatten().min()?;
        Some(next.max(self.now.at))
    }

    fn turn(&mut self, at: Instant) {
        if at > self.now.at {
            self.now = self.moment(at);
            self.turns = 0;
        }
        self.turns += 1;
        if self.turns > TURNS_AT_ONE_INSTANT_MAX {
            let due = self.exchange.as_ref().and_then(|exchange| exchange.front.poll_timeout()).map(|(_, why)| why);
            return self.ledger.fault(format!("time stands still: something is due again and again (front: {due:?})"));
        }
        while let Some(event) = self.agenda.take_due(self.now.at) {
            self.happen(event);
        }
        self.exchange_tick();
        for at in 0..self.stations.len() {
            if self.stations[at].wake().is_some_and(|due| due <= self.now.at) {
                self.stations[at].phone.handle_timeout(self.now.at);
                let stuck = self.stations[at].phone.poll_timeout().is_some_and(|due| due <= self.now.at);
                self.stations[at].nap = stuck.then(|| self.now.at + PHONE_NAP);
                self.hear(at);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Packet { from, to, bytes } => self.arrive(from, to, bytes),
            Event::Front { life, input } if life == self.life => self.tell_front(*input),
            Event::Count { life, realm, mailbox } if life == self.life => self.count(realm, mailbox),
            Event::Shard { life, shard, message } if life == self.life => self.tell_shard(shard, *message),
            Event::Adopt { life, shard, arrival } if life == self.life => self.adopt(shard, *arrival),
            Event::Disk { life, job } if life == self.life && self.exchange.is_some() => self.disk_done(life, *job),
            // Of a life that is over.
            Event::Front { .. } | Event::Count { .. } | Event::Shard { .. } | Event::Adopt { .. } | Event::Disk { .. } => {}
            Event::Start => self.start_exchange(),
            Event::Act(act) => act(self),
        }
    }

    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if to.ip() == self.setup.address.ip() {
            return self.packet_in(from, to, bytes);
        }
        let now = self.now.at;
        for at in 0..self.stations.len() {
            let station = &mut self.stations[at];
            let arrival = match to {
                to if to == station.seen(station.sip) => Arrival::Sip { from, bytes: &bytes },
                to if to == station.seen(station.rtp) => Arrival::Rtp { from, bytes: &bytes },
                _ => continue,
            };
            station.phone.handle(arrival, now);
            return self.hear(at);
        }
    }

    /// What a phone says, to the network and to the transcript.
    fn hear(&mut self, at: usize) {
        while let Some(transmit) = self.stations[at].phone.poll_output() {
            let station = &self.stations[at];
            let (from, to, bytes) = match transmit {
                Transmit::Sip { to, bytes } => (station.seen(station.sip), to, bytes),
                Transmit::Rtp { to, bytes } => (station.seen(station.rtp), to, bytes),
            };
            self.send(from, to, bytes);
        }
        let station = &mut self.stations[at];
        let fresh: Vec<String> = station.phone.timeline_since(station.told).iter().map(|entry| entry.text.clone()).collect();
        station.told += fresh.len();
        let name = station.name.clone();
        for text in fresh {
            match &text {
                text if text.starts_with("calls ") => self.stations[at].called = true,
                text if text.starts_with("incoming call") => self.stations[at].called = false,
                _ => {}
            }
            let text = self.in_words(&text);
            self.trace_say(&format!("{name}: {text}"));
        }
    }

    /// A tone that stands for a text is that text.
    fn in_words(&self, text: &str) -> String {
        let hz = text.strip_prefix("hears a tone of ").and_then(|rest| rest.strip_suffix(" Hz")).and_then(|hz| hz.parse::<u32>().ok());
        match hz {
            Some(hz) if hz.abs_diff(1_000) < 20 => "hears the beep".to_owned(),
            Some(hz) => self.sounds.said_by(hz).map_or_else(|| text.to_owned(), |said| format!("hears “{said}”")),
            None => text.to_owned(),
        }
    }

    /// Into the network: the weather decides.
    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let own = self.setup.address;
        let far = if from.ip() == own.ip() { to } else { from };
        let station = self.stations.iter().find(|station| far.ip() == station.seen(station.sip).ip());
        let weather = station.and_then(|station| station.weather).unwrap_or(self.setup.weather);
        let weather = if station.is_some_and(|station| station.gone || (station.muted && from == station.seen(station.rtp))) { Weather::DARK } else { weather };
        let fates = weather.fates(&mut self.dice);
        let age = self.age();
        if from == own || to == own {
            let name = station.map_or_else(|| far.to_string(), |station| station.name.clone());
            let lost = if fates[0].is_none() { " (lost)" } else { "" };
            let way = if from == own { format!("exchange → {name}") } else { format!("{name} → exchange") };
            let text = format!("{way}{lost} {}", tap::summary(&String::from_utf8_lossy(&bytes)));
            self.trace.line(age, &text);
            self.trace.mix(age, &bytes);
        } else {
            self.trace.mix(age, bytes.get(..bytes.len().min(24)).unwrap_or_default());
        }
        if to.ip() == own.ip() && self.setup.overheard > 0 && self.dice.permille(self.setup.overheard) {
            self.forged = true;
            let (altered, delay) = (self.altered(&bytes), self.dice.between(Duration::ZERO, Duration::from_secs(2)));
            self.agenda.put(self.now.at + delay, Event::Packet { from: STRANGER, to, bytes: altered });
        }
        for fate in fates.into_iter().flatten() {
            self.agenda.put(self.now.at + fate, Event::Packet { from, to, bytes: bytes.clone() });
        }
    }

    /// The same, with a byte altered, a piece left out or said twice, or the end cut off.
    fn altered(&mut self, bytes: &[u8]) -> Vec<u8> {
        let length = bytes.len() as u64;
        let mut spot = || usize::try_from(self.dice.below(length.max(1))).unwrap_or(0);
        let (from, to) = (spot(), spot());
        let (from, to) = (from.min(to), from.max(to));
        let mut bytes = bytes.to_vec();
        match self.dice.below(4) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from..to.min(from + 40))),
            2 => {
                let again = bytes.get(from..to.min(from + 40)).unwrap_or_default().to_vec();
                bytes.splice(from..from, again);
            }
            _ => {
                let other = self.dice.word().to_le_bytes()[0];
                if let Some(byte) = bytes.get_mut(from) {
                    *byte = other;
                }
            }
        }
        bytes
    }

    /// Something inside the exchange happens a little later, not before what was said on the same lane.
    pub(crate) fn later(&mut self, lane: Lane, delay: Duration, event: impl FnOnce(u32) -> Event) {
        let mut at = self.now.at + delay;
        if lane != Lane::None {
            let last = self.lanes.entry(lane).or_insert(at);
            at = at.max(*last);
            *last = at;
        }
        self.agenda.put(at, event(self.life));
    }

    pub(crate) fn note(&mut self, text: &str) {
        let age = self.age();
        self.trace.line(age, text);
    }

    pub(crate) fn trace_say(&mut self, text: &str) {
        let age = self.age();
        self.trace.say(age, text);
    }
}
