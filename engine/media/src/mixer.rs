//! The mixer: all media of one call, one value. Here is what its owner asks of it; `receive.rs` is what comes from the
//! wire, `tick.rs` what time brings, `bridge.rs` who hears whom.

use crate::{
    Event, PlayerEnd, PlayerId, Playlist, Quality, RecordEnd, RecordSpec, Recorded, RecorderId, Repeat, Source, StreamSetup, Taking, Wire,
    limits::{EVENTS_RESERVED, FRAME, KEYS_WAITING_MAX, PATIENCE},
    outside::Outside,
    player::{Player, Purpose},
    playlist::Item,
    recorder::Recorder,
    stream::Stream,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use terms::{Digit, KeyWay, LegId, Now, UnixMs};

/// An event, or the promise of one whose buffer is allocated when it is fetched.
pub(crate) enum Queued {
    Event(Event),
    Speech(RecorderId),
    Sound(RecorderId),
    RecorderEnded(RecorderId, RecordEnd),
    RecorderGone(RecorderId, RecordEnd),
}

/// What reaches a leg's ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Nothing can: it has no stream, or is on hold by its own wish.
    Unreachable,
    /// Nothing of ours, and nobody.
    Nothing,
    /// This player.
    Player(PlayerId),
    /// Somebody it is bridged with, or keys.
    Others,
}

/// All media of one call: streams, players, recorders, bridges, keys. Owned by one thread; no lock, no clock, no socket.
///
/// After **every** method that takes `now`, the owner drains [`Mixer::poll_event`] and looks at [`Mixer::poll_timeout`]; a
/// deadline that is not after `now` means: call [`Mixer::tick`] at once (this is how a new player's first packet leaves
/// without waiting for the next 20 ms).
pub struct Mixer {
    pub(crate) streams: Vec<Stream>,
    pub(crate) recorders: Vec<Recorder>,
    /// When decoded sound is next made, while anybody needs any.
    pub(crate) ears_due: Option<Instant>,
    /// It is only recorded: that may come a little late.
    pub(crate) is_patient: bool,
    pub(crate) events: VecDeque<Queued>,
    /// The leg that is in a room: the room's clock makes all decoded sound of this call.
    pub(crate) outside: Option<Box<Outside>>,
    /// Players of legs that have no stream yet.
    waiting: Vec<(LegId, Player)>,
    /// Both clocks at one moment, for RTCP's sender reports.
    anchor: Option<Now>,
    seed: u64,
    next_id: u32,
}

impl Mixer {
    /// An empty mixer; the seed gives SSRCs, first sequence numbers and timestamps, and RTCP times (unguessable in production).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            streams: Vec::new(),
            recorders: Vec::new(),
            ears_due: None,
            is_patient: false,
            outside: None,
            events: VecDeque::with_capacity(EVENTS_RESERVED),
            waiting: Vec::new(),
            anchor: None,
            seed,
            next_id: 0,
        }
    }

    /// Tells the wall clock, so that RTCP sender reports carry true time. Without it they count from 1970, which is enough
    /// for round trips.
    pub const fn set_clock(&mut self, now: Now) {
        self.anchor = Some(now);
    }

    /// Adds a leg's stream or changes it (re-INVITE): SSRC, sequence numbers, timestamps, players and bridges are kept.
    pub fn set_stream(&mut self, leg: LegId, setup: StreamSetup, now: Instant) {
        self.anchor.get_or_insert(Now { at: now, unix: UnixMs(0) });
        self.catch_up(now);
        if let Some(at) = self.position(leg) {
            self.streams[at].renew(setup, now);
        } else {
            let seed = self.next_seed();
            // Exactly: most calls have one leg or two, and a stream is about a kilobyte.
            self.streams.reserve_exact(1);
            self.streams.push(Stream::new(leg, setup, seed, now));
            if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == leg) {
                let (_, player) = self.waiting.remove(at);
                self.start(leg, player, now);
            }
        }
        self.equip(now);
    }

    /// Forgets a leg's stream; sends RTCP BYE; its player ends as [`PlayerEnd::Replaced`], its bridge is taken apart.
    pub fn remove_stream(&mut self, leg: LegId, now: Instant, wire: &mut dyn Wire) {
        self.unbridge(leg, now);
        if self.outside.as_ref().is_some_and(|outside| outside.leg == leg) {
            self.outside = None;
        }
        let clock = self.clock(now);
        while let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == leg) {
            let (_, player) = self.waiting.remove(at);
            if let Purpose::Play(id) = player.purpose {
                self.tell(Event::PlayerDone { id, leg, end: PlayerEnd::Replaced });
            }
        }
        if let Some(at) = self.position(leg) {
            let mut stream = self.streams.remove(at);
            stream.say_goodbye(clock, wire);
            if let Some(event) = stream.end_player(PlayerEnd::Replaced) {
                self.tell(event);
            }
        }
        self.equip(now);
    }

    /// Plays to a leg, in place of what plays there and of what a bridge would relay. Without a stream yet it waits for one.
    pub fn play(&mut self, leg: LegId, playlist: Playlist, now: Instant) -> PlayerId {
        let id = PlayerId(self.next_number());
        self.start(leg, Player::new(Purpose::Play(id), playlist), now);
        id
    }

    fn start(&mut self, leg: LegId, player: Player, now: Instant) {
        let Some(at) = self.position(leg) else {
            if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == leg) {
                let (_, before) = self.waiting.remove(at);
                if let Purpose::Play(id) = before.purpose {
                    self.tell(Event::PlayerDone { id, leg, end: PlayerEnd::Replaced });
                }
            }
            self.waiting.push((leg, player));
            return;
        };
        let stream = &mut self.streams[at];
        player.prepare(stream.setup.send);
        let replaced = stream.end_player(PlayerEnd::Replaced);
        stream.player = Some(player);
        // Keys being pressed keep their slots; the player joins them.
        if stream.keys_out.is_none() {
            stream.start_slots(now);
        }
        if let Some(event) = replaced {
            self.tell(event);
        }
    }

    /// What reaches a leg's ear now.
    #[must_use]
    pub fn hears(&self, leg: LegId) -> Hears {
        let Some(stream) = self.position(leg).and_then(|at| self.streams.get(at)) else { return Hears::Unreachable };
        if stream.target().is_none() {
            return Hears::Unreachable;
        }
        match stream.player.as_ref().map(|player| player.purpose) {
            Some(Purpose::Play(id)) => Hears::Player(id),
            Some(Purpose::Keys) => Hears::Others,
            None if stream.peer.is_some() || stream.is_occupied() || self.outside.is_some() => Hears::Others,
            None => Hears::Nothing,
        }
    }

    /// Ends a player; harmless when it has ended.
    pub fn stop(&mut self, id: PlayerId, _now: Instant) {
        let is_it = |player: &Player| player.purpose == Purpose::Play(id);
        if let Some(at) = self.waiting.iter().position(|(_, player)| is_it(player)) {
            let (leg, _) = self.waiting.remove(at);
            self.tell(Event::PlayerDone { id, leg, end: PlayerEnd::Stopped });
        }
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.player.as_ref().is_some_and(is_it)) {
            if stream.keys_out.is_none() {
                stream.end_slots();
            }
            if let Some(event) = stream.end_player(PlayerEnd::Stopped) {
                self.tell(event);
            }
        }
    }

    /// Records what legs say. The rate is 16 kHz when one of them sends G.722 or Opus, else 8 kHz.
    pub fn record(&mut self, source: Source, spec: RecordSpec, now: Instant) -> RecorderId {
        self.catch_up(now);
        let id = RecorderId(self.next_number());
        let rates = self.streams.iter().filter(|stream| source.said.contains(&stream.leg)).map(|stream| stream.heard.sample_rate());
        let rate = rates.max().unwrap_or(8_000);
        self.recorders.push(Recorder::new(id, &source, spec, rate));
        self.equip(now);
        id
    }

    /// Samples a second of a recorder's sound: fixed at its start. `None` once [`Event::RecordingDone`] was told.
    #[must_use]
    pub fn recording_rate(&self, id: RecorderId) -> Option<u32> {
        self.recorders.iter().find(|recorder| recorder.id == id).map(|recorder| recorder.rate)
    }

    /// Changes what a running recording takes.
    pub fn set_taking(&mut self, id: RecorderId, taking: Taking, now: Instant) {
        self.catch_up(now);
        if let Some(recorder) = self.recorders.iter_mut().find(|recorder| recorder.id == id) {
            recorder.taking = taking;
        }
    }

    /// How a running recording stands.
    #[must_use]
    pub fn recording(&self, id: RecorderId) -> Option<Recorded> {
        self.recorders.iter().find(|recorder| recorder.id == id).map(Recorder::recorded)
    }

    /// Ends a recorder: its last samples and [`Event::RecordingDone`] follow from [`Mixer::poll_event`] at once.
    pub fn stop_recording(&mut self, id: RecorderId, now: Instant) {
        self.catch_up(now);
        if let Some(recorder) = self.recorders.iter_mut().find(|recorder| recorder.id == id && !recorder.ended) {
            recorder.ended = true;
            self.events.push_back(Queued::RecorderEnded(id, RecordEnd::Stopped));
        }
        self.equip(now);
    }

    /// Lets two legs hear each other (each leg is in one bridge at most; an older one is taken apart). Both need streams.
    pub fn bridge(&mut self, a: LegId, b: LegId, now: Instant) {
        if a == b {
            return;
        }
        self.unbridge(a, now);
        self.unbridge(b, now);
        if let (Some(first), Some(second)) = (self.position(a), self.position(b)) {
            self.streams[first].peer = Some(b);
            self.streams[second].peer = Some(a);
        }
        self.equip(now);
    }

    /// Takes a leg's bridge apart; harmless without one.
    pub fn unbridge(&mut self, leg: LegId, now: Instant) {
        self.catch_up(now);
        for stream in &mut self.streams {
            if stream.leg == leg || stream.peer == Some(leg) {
                stream.peer = None;
            }
        }
        self.equip(now);
    }

    /// Sends keys as telephone events (100 ms each, 60 ms apart), or as tones where [`StreamSetup::key_way`] says otherwise (in
    /// place of what plays there; INFO is for signalling to send). Ends with [`Event::DigitsSent`]; at once when there is nothing to send or nobody to send to.
    pub fn send_digits(&mut self, leg: LegId, digits: &[Digit], now: Instant) {
        let Some(at) = self.position(leg).filter(|_| !digits.is_empty()) else {
            self.tell(Event::DigitsSent { leg });
            return;
        };
        let stream = &mut self.streams[at];
        if stream.setup.key_way() != KeyWay::Event {
            let items = digits.iter().map(|digit| Item::Prompt(audio::tone::dtmf(*digit)));
            // After those that sound already.
            if let Some(player) = stream.player.as_mut().filter(|player| player.purpose == Purpose::Keys) {
                items.for_each(|item| player.add(item));
                player.prepare(stream.setup.send);
                return;
            }
            let items = items.take(KEYS_WAITING_MAX).collect();
            self.start(leg, Player::new(Purpose::Keys, Playlist { items, repeat: Repeat::Times(1) }), now);
            return;
        }
        let keys = stream.keys_out.get_or_insert_default();
        for digit in digits {
            keys.press(*digit);
        }
        if stream.due.is_none() {
            stream.start_slots(now);
        }
    }

    /// A key told by signalling (SIP INFO): becomes [`Event::Digit`], unless it is known by another way or INFO is not believed.
    pub fn inject(&mut self, leg: LegId, digit: Digit, now: Instant) {
        self.catch_up(now);
        match self.position(leg) {
            Some(at) => {
                self.key(at, digit, KeyWay::Info, now);
            }
            None => self.tell(Event::Digit { leg, digit, way: KeyWay::Info }),
        }
    }

    /// Whom a leg is bridged with.
    #[must_use]
    pub fn peer_of(&self, leg: LegId) -> Option<LegId> {
        self.streams.get(self.position(leg)?)?.peer
    }

    /// By which way keys are sent to a leg.
    #[must_use]
    pub fn key_way(&self, leg: LegId) -> Option<KeyWay> {
        Some(self.streams.get(self.position(leg)?)?.setup.key_way())
    }

    /// When [`Mixer::tick`] is next due; `None` when there is nothing to do ever (no streams, no recorders).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ears = self.ears_due.map(|due| due + self.patience(due));
        self.streams.iter().filter_map(Stream::poll_timeout).chain(ears).min()
    }

    /// Whether [`Mixer::poll_event`] has something to tell.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next event; drain to `None`. Sample buffers are allocated here, never in a tick.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            match self.events.pop_front()? {
                Queued::Event(event) => return Some(event),
                Queued::Speech(id) => return Some(Event::SpeechStarted { id }),
                Queued::Sound(id) => {
                    if let Some(samples) = self.fetch(id) {
                        return Some(Event::Recorded { id, samples });
                    }
                }
                Queued::RecorderEnded(id, end) => {
                    self.events.push_front(Queued::RecorderGone(id, end));
                    if let Some(samples) = self.fetch(id) {
                        return Some(Event::Recorded { id, samples });
                    }
                }
                Queued::RecorderGone(id, end) => {
                    let at = self.recorders.iter().position(|recorder| recorder.id == id)?;
                    let recorded = self.recorders.remove(at).recorded();
                    let due = self.ears_due;
                    if let Some(due) = due {
                        self.equip(due.checked_sub(FRAME).unwrap_or(due));
                    }
                    return Some(Event::RecordingDone { id, end, recorded });
                }
            }
        }
    }

    fn fetch(&mut self, id: RecorderId) -> Option<Vec<i16>> {
        self.recorders.iter_mut().find(|recorder| recorder.id == id)?.fetch()
    }

    /// A leg's figures.
    #[must_use]
    pub fn snapshot(&self, leg: LegId) -> Option<Quality> {
        self.position(leg).map(|at| self.streams[at].quality())
    }

    /// How long the slot of sound that is due then waits for a packet to be made with: not where none have come lately.
    fn patience(&self, due: Instant) -> Duration {
        let is_worth_it = self.is_patient && self.streams.iter().any(|stream| stream.last_heard + PATIENCE > due);
        if is_worth_it { PATIENCE } else { Duration::ZERO }
    }

    pub(crate) fn position(&self, leg: LegId) -> Option<usize> {
        self.streams.iter().position(|stream| stream.leg == leg)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(Queued::Event(event));
    }

    /// Both clocks at `at`.
    pub(crate) fn clock(&self, at: Instant) -> Now {
        self.anchor.map_or(Now { at, unix: UnixMs(0) }, |anchor| anchor.later(at.saturating_duration_since(anchor.at)))
    }

    fn next_number(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// SplitMix64.
    const fn next_seed(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl std::fmt::Debug for Mixer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mixer({} streams, {} recorders)", self.streams.len(), self.recorders.len())
    }
}
