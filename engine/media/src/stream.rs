//! One leg's stream: what goes out in 20 ms slots, and the numbers both ways.

use crate::{
    Event, Figures, OneWay, PlayerEnd, Quality, Rating, Refusals, StreamSetup, Wire,
    bridge::Transcoder,
    ear::Ear,
    keys::{Presses, Tones},
    limits::{FRAME, GROWTH, KEEP_ALIVE, LEAD_MAX, PACKET_BYTES, PACKET_PAYLOAD_MAX, PAYLOAD_BYTES_USUAL},
    monitor::Monitor,
    player::{Player, Purpose},
    refusals::Recent,
    sent_back::{Words, canonical},
};
use audio::silence;
use rtp::{HEADER_BYTES, Latch, Packet, Receiver, Sender, clock_ticks, events, rtcp::Reporter, srtp::Protection};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, KeyWay, LegId, Now, Packing};

/// What a leg is taken for before it is rated, and by how much its score must change to be told: half a point of five.
const RATED_FIRST: f32 = 4.4;
const RATED_STEP: f32 = 0.5;

/// One leg's media. Its fields lie as they stand here, in lines of 64 bytes: a thousand streams leave no cache for one another, and what
/// a tick or a packet reads of each is waited for.
#[repr(C, align(64))]
pub(crate) struct Stream {
    // What there is of it, and what it is for: every tick, every packet.
    pub(crate) ear: Option<Box<Ear>>,
    /// Towards this leg, while its bridge needs transcoding.
    pub(crate) transcoder: Option<Box<Transcoder>>,
    /// What we play to it, for a recording of what it hears.
    pub(crate) monitor: Option<Box<Monitor>>,
    pub(crate) keys_out: Option<Box<events::Sender>>,
    /// Where keys are listened for in its sound.
    pub(crate) tones: Option<Box<Tones>>,
    /// Keys and counters of protected media.
    pub(crate) protection: Option<Box<Protection>>,
    pub(crate) leg: LegId,
    /// The leg it is bridged with.
    pub(crate) peer: Option<LegId>,
    /// The codec its packets had last.
    pub(crate) heard: Codec,
    pub(crate) silent: bool,
    /// The event that comes was told as a key: it is relayed.
    pub(crate) relays_event: bool,
    /// The key that is down was pressed when nobody heard this leg: whoever hears it by now shall not have the rest of it.
    pub(crate) is_own_key: bool,
    /// The key that is down was pressed while a recording was to hear no secret: it does not hear the rest of it either.
    pub(crate) is_secret_key: bool,

    // When something is next to be done.
    /// The next 20 ms slot of a player or of keys.
    pub(crate) due: Option<Instant>,
    /// No chore is due before: as last looked at. Packets only move chores away, which is seen when the moment comes.
    rest: Option<Instant>,
    /// When the sound sent so far is over: the moment of the sender's next timestamp.
    edge: Instant,
    last_sent: Instant,

    // What goes out.
    pub(crate) sender: Sender,
    pub(crate) player: Option<Player>,

    // What comes in.
    pub(crate) receiver: Receiver,
    pub(crate) last_heard: Instant,

    // What was agreed, and with whom.
    pub(crate) setup: StreamSetup,
    pub(crate) bytes_received: u64,
    pub(crate) recent: Recent,
    /// A relayed key: its timestamp as it comes and as it goes.
    pub(crate) relayed_key: Option<(u32, u32)>,
    pub(crate) comfort_noise: u64,
    pub(crate) late_ticks: u64,
    pub(crate) latch: Option<Latch>,

    // What is looked at seldom.
    pub(crate) keys_in: events::Receiver,
    /// Its presses by all ways.
    pub(crate) presses: Presses,
    pub(crate) reporter: Reporter,
    pub(crate) refused: Refusals,
    /// Packets that came too late for ears that are there no more.
    late_packets: u64,
    /// What hosts say of the port that packets are sent to.
    pub(crate) sent_back: Words,
    one_way: Option<OneWay>,
    /// The score last told.
    rated: f32,
}

/// A later field would move these to lines that nothing else of a tick or a packet touches.
const _: () = assert!(std::mem::offset_of!(Stream, due) == 64 && std::mem::offset_of!(Stream, sender) == 128 && std::mem::offset_of!(Stream, receiver) == 256);
const _: () = assert!(std::mem::offset_of!(Stream, setup) == 448 && std::mem::offset_of!(Stream, latch) == 704);

impl Stream {
    pub(crate) fn new(leg: LegId, setup: StreamSetup, seed: u64, now: Instant) -> Self {
        let mut stream = Self {
            leg,
            peer: None,
            heard: setup.send,
            ear: None,
            transcoder: None,
            player: None,
            monitor: None,
            keys_out: None,
            keys_in: events::Receiver::new(),
            presses: Presses::default(),
            tones: None,
            relays_event: true,
            is_own_key: false,
            is_secret_key: false,
            relayed_key: None,
            sender: Sender::new(seed),
            protection: setup.crypto.clone().map(|keys| Box::new(Protection::new(keys))),
            edge: now,
            due: None,
            rest: None,
            last_sent: now,
            latch: None,
            receiver: Receiver::new(),
            reporter: Reporter::new(&format!("{seed:016x}"), seed, now),
            last_heard: now,
            silent: false,
            bytes_received: 0,
            comfort_noise: 0,
            refused: Refusals::default(),
            recent: Recent::default(),
            late_packets: 0,
            sent_back: Words::default(),
            one_way: None,
            rated: RATED_FIRST,
            late_ticks: 0,
            setup,
        };
        // Made once a process, on first use: which must not be in a tick.
        let _ = silence(stream.setup.send, 20);
        stream.set_clocks(now);
        stream.arm(now);
        stream.listen_for_tones();
        stream.plan_chores();
        stream
    }

    /// Begins or ends to listen for keys in the sound, as agreed. Allocates.
    fn listen_for_tones(&mut self) {
        if !self.setup.dtmf.listens_for_tones(!self.setup.events_receive.is_empty()) {
            self.tones = None;
        } else if self.tones.is_none() {
            self.tones = Some(Box::new(Tones::new(self.heard)));
        }
    }

    /// A new agreement; what was said so far keeps its numbers.
    pub(crate) fn renew(&mut self, setup: StreamSetup, now: Instant) {
        if !setup.direction.receives() || !self.setup.direction.receives() {
            self.last_heard = now;
            self.silent = false;
        }
        match (setup.crypto.clone(), &mut self.protection) {
            (Some(keys), Some(protection)) => protection.renew(keys),
            (keys, protection) => *protection = keys.map(|keys| Box::new(Protection::new(keys))),
        }
        self.setup = setup;
        if self.codec_of_heard_is_gone() {
            self.heard = self.setup.receive.first().map_or(self.setup.send, |(_, codec)| *codec);
        }
        let _ = silence(self.setup.send, 20);
        self.set_clocks(now);
        self.listen_for_tones();
        if let Some(player) = &self.player {
            player.prepare(self.setup.send);
        }
        self.arm(now);
        self.plan_chores();
    }

    /// Both ways count time as the codecs do.
    fn set_clocks(&mut self, now: Instant) {
        self.sender.set_clock_rate(self.setup.send.clock_rate(), now);
        self.receiver.set_clock_rate(self.heard.clock_rate());
    }

    fn codec_of_heard_is_gone(&self) -> bool {
        !self.setup.receive.iter().any(|(_, codec)| *codec == self.heard)
    }

    fn arm(&mut self, now: Instant) {
        let Some(remote) = self.setup.remote else { return };
        let apart = self.setup.remote_rtcp.unwrap_or_else(|| SocketAddr::new(remote.ip(), remote.port().saturating_add(1)));
        let rtcp = if self.setup.rtcp_mux { remote } else { apart };
        match &mut self.latch {
            Some(latch) => latch.rearm(remote, rtcp, self.setup.symmetric, now),
            None => self.latch = Some(Latch::new(remote, rtcp, self.setup.symmetric, now)),
        }
    }

    /// Where RTP goes, if it may go at all: nothing is sent on hold or to nowhere.
    pub(crate) fn target(&self) -> Option<SocketAddr> {
        let latch = self.latch.as_ref()?;
        (self.setup.remote.is_some() && self.setup.direction.sends()).then(|| latch.target())
    }

    /// What a payload type means here.
    pub(crate) fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        self.setup.receive.iter().find(|(known, _)| *known == payload_type).map(|(_, codec)| *codec)
    }

    /// Own sound replaces what a bridge would bring.
    pub(crate) fn is_occupied(&self) -> bool {
        self.player.is_some() || self.keys_out.as_ref().is_some_and(|keys| keys.is_busy())
    }

    /// A key of it sounds or is told by packets just now, and whoever hears it gets the key `by` another way than in the sound, or
    /// not at all: the sound is kept back, or the key would be heard twice.
    pub(crate) fn is_under_key(&self, timestamp: u32, by: KeyWay) -> bool {
        let otherwise = by != KeyWay::Tone || self.is_own_key;
        let by_event = (self.relays_event || otherwise) && self.keys_in.covers(timestamp);
        by_event || (otherwise && self.sounds_a_key())
    }

    /// A key's tones may have begun in its sound: what goes on at once waits for no proof.
    pub(crate) fn may_sound_a_key(&self) -> bool {
        self.tones.as_ref().is_some_and(|tones| tones.suspects())
    }

    /// A key's tones are heard in its sound just now.
    pub(crate) fn sounds_a_key(&self) -> bool {
        self.tones.as_ref().is_some_and(|tones| tones.down().is_some())
    }

    /// What of a key is still on its way to whoever hears this leg is not heard.
    pub(crate) fn veil(&mut self, now: Instant) {
        if let Some(ear) = &mut self.ear {
            ear.veil(now);
        }
    }

    /// Begins to use 20 ms slots, at once: unless timestamps are already ahead of the clock by [`LEAD_MAX`].
    pub(crate) fn start_slots(&mut self, now: Instant) {
        self.due = Some(now.max(self.edge.checked_sub(LEAD_MAX).unwrap_or(now)));
        self.sender.skip(0);
    }

    /// One slot of 20 ms at `slot`: a key, else the player's next frame. Ends slots when there is nothing.
    pub(crate) fn slot(&mut self, slot: Instant, now: Instant, wire: &mut dyn Wire) -> Option<Event> {
        let mut told = None;
        // A new agreement without telephone events ends what was being pressed.
        if self.setup.key_way() != KeyWay::Event && self.keys_out.take().is_some() {
            told = Some(Event::DigitsSent { leg: self.leg });
        }
        if let (Some(keys), Some(format)) = (&mut self.keys_out, self.setup.events_send) {
            let mut packet = [0; 32 + GROWTH];
            if slot > self.edge {
                self.sender.skip(clock_ticks(slot - self.edge, self.sender.clock_rate()));
                self.edge = slot;
            }
            match keys.tick(&mut self.sender, format.payload_type, now, &mut packet) {
                rtp::events::Step::Packet(length) => {
                    self.edge += FRAME;
                    self.last_sent = now;
                    self.due = Some(slot + FRAME);
                    if let Some(to) = self.target() {
                        leave(&mut self.protection, self.leg, to, &mut packet, length, wire);
                    }
                    return None;
                }
                rtp::events::Step::Pause => {}
                rtp::events::Step::Done => {
                    self.keys_out = None;
                    told = Some(Event::DigitsSent { leg: self.leg });
                }
            }
        }
        self.due = Some(slot + FRAME);
        if self.player.is_none() {
            if self.keys_out.is_none() {
                self.end_slots();
            }
            return told;
        }
        let played = match self.setup.send.packing() {
            Packing::Bytes | Packing::Frames(_) => self.play(&mut [], slot, now, wire),
            Packing::Packets => self.play(&mut [0; PACKET_PAYLOAD_MAX], slot, now, wire),
        };
        if played {
            return told;
        }
        // One event a slot: the player's end can wait for the next one.
        if told.is_some() {
            return told;
        }
        if self.keys_out.is_none() {
            self.end_slots();
        }
        self.end_player(PlayerEnd::Finished)
    }

    /// Sends the player's next packet for `slot`; `false` when all is played. Frames that must be joined are in `scratch`.
    fn play(&mut self, scratch: &mut [u8], slot: Instant, now: Instant, wire: &mut dyn Wire) -> bool {
        let target = self.target();
        let Some((payload, ms)) = self.player.as_mut().and_then(|player| player.next(self.setup.send, self.setup.send_ms, scratch)) else {
            return false;
        };
        let length = Duration::from_millis(u64::from(ms));
        self.due = Some(slot + length);
        if let Some(monitor) = &mut self.monitor {
            monitor.put(payload);
        }
        // Written out here and not by `send`, because the payload is borrowed from the player.
        if let Some(to) = target {
            let payload_type = self.setup.send_payload_type;
            let mut packet = Outgoing { leg: self.leg, to, sender: &mut self.sender, edge: &mut self.edge, payload_type, protection: &mut self.protection };
            packet.send(payload, length, slot, now, wire);
            self.last_sent = now;
        }
        true
    }

    /// Takes the player away and says so.
    pub(crate) fn end_player(&mut self, end: PlayerEnd) -> Option<Event> {
        let player = self.player.take()?;
        Some(match player.purpose {
            Purpose::Play(id) => Event::PlayerDone { id, leg: self.leg, end },
            Purpose::Keys => Event::DigitsSent { leg: self.leg },
        })
    }

    /// Sends one packet of own sound that belongs to the moment `slot` and lasts `length`.
    pub(crate) fn send(&mut self, payload: &[u8], length: Duration, slot: Instant, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.target() else { return };
        let payload_type = self.setup.send_payload_type;
        let mut packet = Outgoing { leg: self.leg, to, sender: &mut self.sender, edge: &mut self.edge, payload_type, protection: &mut self.protection };
        packet.send(payload, length, slot, now, wire);
        self.last_sent = now;
    }

    /// Sends another leg's packet, undecoded.
    pub(crate) fn relay(&mut self, packet: &Packet<'_>, payload_type: u8, ticks: u32, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.target() else { return };
        let mut into = [0; PACKET_BYTES + GROWTH];
        let length = self.sender.relay(packet, payload_type, ticks, now, &mut into[..PACKET_BYTES]);
        if leave(&mut self.protection, self.leg, to, &mut into, length, wire) {
            self.edge = now + FRAME;
            self.last_sent = now;
        }
    }

    /// Sends another leg's key packet between own (transcoded) audio.
    pub(crate) fn relay_key(&mut self, packet: &Packet<'_>, payload_type: u8, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.target() else { return };
        let timestamp = match self.relayed_key {
            Some((theirs, ours)) if theirs == packet.timestamp => ours,
            Some(_) | None => self.sender.timestamp(),
        };
        self.relayed_key = Some((packet.timestamp, timestamp));
        let mut into = [0; 64 + GROWTH];
        let length = self.sender.write_at(timestamp, packet.marker, payload_type, packet.payload, now, &mut into[..64]);
        if leave(&mut self.protection, self.leg, to, &mut into, length, wire) {
            self.last_sent = now;
        }
    }

    /// Somebody else will speak to it soon, by a clock of its own: unless what was sent is not over yet, a frame of silence goes out now, so
    /// that the peer has no hole of two frames.
    pub(crate) fn bridge_gap(&mut self, now: Instant) {
        if self.due.is_none() && self.edge <= now {
            self.last_sent = now.checked_sub(KEEP_ALIVE).unwrap_or(self.last_sent);
            self.plan_chores();
        }
    }

    fn keep_alive_due(&self) -> Option<Instant> {
        (self.due.is_none() && self.target().is_some()).then_some(self.last_sent + KEEP_ALIVE)
    }

    fn silent_due(&self) -> Option<Instant> {
        let counts = !self.silent && self.setup.direction.receives() && self.setup.remote.is_some();
        counts.then(|| self.last_heard.checked_add(self.setup.silent_after)).flatten()
    }

    fn report_due(&self) -> Option<Instant> {
        (self.latch.is_some() && self.setup.remote.is_some()).then(|| self.reporter.poll_timeout())
    }

    /// A word of each line that a tick or a packet touches.
    pub(crate) fn words(&self) -> u64 {
        let ear = self.ear.as_ref().map_or(0, |ear| ear.words());
        let player = self.player.as_ref().map_or(0, |player| player.words());
        ear ^ player
            ^ u64::from(self.due.is_some())
            ^ u64::from(self.sender.timestamp())
            ^ self.receiver.words()
            ^ u64::from(self.setup.send_payload_type)
            ^ u64::from(self.latch.as_ref().map_or(0, |latch| latch.target().port()))
    }

    /// The earliest thing to do, or earlier.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match (self.due, self.rest) {
            (Some(due), Some(rest)) => Some(due.min(rest)),
            (due, rest) => due.or(rest),
        }
    }

    /// Looks when the next chore is due: to be called whenever one may have come nearer.
    pub(crate) fn plan_chores(&mut self) {
        self.rest = [self.keep_alive_due(), self.silent_due(), self.report_due(), self.keys_in.poll_timeout()].into_iter().flatten().min();
    }

    /// No more slots: the way is kept open by packets of silence.
    pub(crate) fn end_slots(&mut self) {
        self.due = None;
        self.plan_chores();
    }

    /// What is due beside sound: keep-alive, report, the event of a silent wire.
    pub(crate) fn chores(&mut self, now: Now, wire: &mut dyn Wire) -> Option<Event> {
        if self.rest.is_none_or(|rest| rest > now.at) {
            return None;
        }
        let told = self.do_chores(now, wire);
        self.plan_chores();
        told
    }

    fn do_chores(&mut self, now: Now, wire: &mut dyn Wire) -> Option<Event> {
        let at = now.at;
        if self.keep_alive_due().is_some_and(|due| due <= at) {
            let (payload, ms) = silence(self.setup.send, self.setup.send_ms.min(20));
            self.send(payload, Duration::from_millis(u64::from(ms)), at, at, wire);
        }
        if self.keys_in.poll_timeout().is_some_and(|due| due <= at) {
            self.keys_in.handle_timeout(at);
        }
        if self.report_due().is_some_and(|due| due <= at) {
            let mut report = [0; 320];
            let voip = self.setup.voip_metrics.then(|| self.quality().metrics(self.ear_ms()));
            let length = self.reporter.write(&self.sender, &mut self.receiver, voip.as_ref(), now, &mut report);
            self.send_report(&mut report, length, wire);
            let why = OneWay::of(&self.figures(at));
            let told = std::mem::replace(&mut self.one_way, why);
            // How long it has stopped for is no news.
            if told.map(|told| std::mem::discriminant(&told)) != why.map(|why| std::mem::discriminant(&why)) {
                return Some(Event::OneWay { leg: self.leg, why });
            }
            if let Some(mos) = self.quality().mos.filter(|mos| (mos - self.rated).abs() >= RATED_STEP) {
                self.rated = mos;
                return Some(Event::Rated { leg: self.leg, mos });
            }
        }
        if self.silent_due().is_some_and(|due| due <= at) {
            self.silent = true;
            return Some(Event::Silent { leg: self.leg, since: self.last_heard });
        }
        None
    }

    /// The last report, with BYE.
    pub(crate) fn say_goodbye(&mut self, now: Now, wire: &mut dyn Wire) {
        if self.report_due().is_some() {
            let mut report = [0; 256];
            let length = self.reporter.write_bye(&self.sender, &mut self.receiver, now, &mut report);
            self.send_report(&mut report, length, wire);
        }
    }

    fn send_report(&mut self, report: &mut [u8], length: usize, wire: &mut dyn Wire) {
        let length = match &mut self.protection {
            Some(protection) => protection.outgoing.protect_report(report, length),
            None => length,
        };
        if let (Some(latch), Some(report)) = (&self.latch, report.get(..length).filter(|report| !report.is_empty())) {
            // Multiplexed reports leave by the socket of the packets (RFC 5761 §5.1.1).
            if self.setup.rtcp_mux {
                wire.rtp(self.leg, latch.target_rtcp(), report);
            } else {
                wire.rtcp(self.leg, latch.target_rtcp(), report);
            }
        }
    }

    /// The ear goes; what it counted stays.
    pub(crate) fn put_ear_away(&mut self) {
        if let Some(ear) = self.ear.take() {
            self.late_packets += ear.jitter().late;
        }
    }

    /// What the jitter buffer aims at and what it may hold at most, milliseconds.
    fn ear_ms(&self) -> (u16, u16) {
        let target = self.ear.as_ref().map_or(Duration::ZERO, |ear| ear.jitter().target);
        let ms = |span: Duration| u16::try_from(span.as_millis()).unwrap_or(u16::MAX);
        (ms(target), if self.ear.is_some() { ms(rtp::JITTER_DEPTH) } else { 0 })
    }

    fn figures(&self, now: Instant) -> Figures {
        let target = self.latch.as_ref().map(Latch::target);
        let expects = self.setup.direction.receives() && self.setup.remote.is_some();
        let missed = expects.then_some(self.last_heard);
        Figures {
            expects,
            speaks: self.target().is_some(),
            quiet: now.saturating_duration_since(self.last_heard),
            taken: self.receiver.received(),
            comfort_noise: self.comfort_noise,
            sent: u64::from(self.sender.counts().packets),
            target,
            strangers: (self.recent.strangers, self.refused.last_stranger),
            unknown_payload: (self.recent.unknown_payload, self.refused.last_payload_type),
            unauthentic: self.recent.unauthentic,
            deaf_reports: self.reporter.remote().deaf_reports,
            sent_back: target.and_then(|target| self.sent_back.believed(canonical(target), now, missed)),
        }
    }

    pub(crate) fn quality(&self) -> Quality {
        let statistics = self.receiver.statistics();
        let remote = self.reporter.remote();
        let counts = self.sender.counts();
        let jitter_buffer = self.ear.as_ref().map(|ear| ear.jitter());
        let jitter = jitter_buffer.unwrap_or_default();
        let packets_late = self.late_packets + jitter.late;
        let bursts = self.receiver.bursts();
        let gone = u64::try_from(statistics.lost).unwrap_or(0) + packets_late;
        let loss = (gone as f32 / (statistics.expected.max(1)) as f32).clamp(0.0, 1.0);
        let end_system = jitter.target + FRAME + Duration::from_millis(u64::from(self.setup.send_ms));
        let delay = remote.round_trip.unwrap_or_default() / 2 + end_system;
        let rating = (statistics.received > 0).then(|| Rating::new(self.heard, loss, bursts.burst_ratio, delay));
        Quality {
            codec: self.setup.send,
            heard: self.heard,
            direction: self.setup.direction,
            remote: self.latch.as_ref().filter(|_| self.setup.remote.is_some()).map(Latch::target),
            packets_sent: u64::from(counts.packets),
            bytes_sent: u64::from(counts.octets),
            packets_received: statistics.received,
            bytes_received: self.bytes_received,
            packets_lost: statistics.lost,
            comfort_noise: self.comfort_noise,
            packets_late,
            refused: self.refused,
            loss,
            bursts,
            protection: self.protection.as_deref().map(Protection::suite),
            jitter: Duration::from_micros(statistics.jitter_us),
            round_trip: remote.round_trip,
            end_system,
            r_factor: rating.map(Rating::r_factor),
            mos: rating.map(Rating::mos),
            far: remote.voip,
            one_way: self.one_way,
            far_loss: remote.fraction_lost,
            jitter_buffer,
            last_received: self.receiver.last_heard(),
            late_ticks: self.late_ticks,
        }
    }
}

/// One packet of own sound on its way out, with what it needs of its stream.
struct Outgoing<'a> {
    leg: LegId,
    to: SocketAddr,
    sender: &'a mut Sender,
    edge: &'a mut Instant,
    payload_type: u8,
    protection: &'a mut Option<Box<Protection>>,
}

/// Sends the packet of `length` bytes at the start of `buffer`, protected where that was agreed; `false` when there is none.
fn leave(protection: &mut Option<Box<Protection>>, leg: LegId, to: SocketAddr, buffer: &mut [u8], length: usize, wire: &mut dyn Wire) -> bool {
    let length = match protection {
        Some(protection) => protection.outgoing.protect(buffer, length),
        None => length,
    };
    let packet = buffer.get(..length).filter(|packet| !packet.is_empty());
    if let Some(packet) = packet {
        wire.rtp(leg, to, packet);
    }
    packet.is_some()
}

impl Outgoing<'_> {
    fn send(&mut self, payload: &[u8], length: Duration, slot: Instant, now: Instant, wire: &mut dyn Wire) {
        if slot > *self.edge {
            self.sender.skip(clock_ticks(slot - *self.edge, self.sender.clock_rate()));
            *self.edge = slot;
        }
        *self.edge += length;
        // A small buffer where it is enough: clearing a large one costs as much as the rest.
        if payload.len() <= PAYLOAD_BYTES_USUAL {
            self.write(&mut [0; HEADER_BYTES + PAYLOAD_BYTES_USUAL + GROWTH], payload, length, now, wire);
        } else {
            self.write(&mut [0; HEADER_BYTES + PACKET_PAYLOAD_MAX + GROWTH], payload, length, now, wire);
        }
    }

    fn write(&mut self, into: &mut [u8], payload: &[u8], length: Duration, now: Instant, wire: &mut dyn Wire) {
        let ticks = clock_ticks(length, self.sender.clock_rate());
        let bytes = self.sender.write(self.payload_type, payload, ticks, now, into);
        leave(self.protection, self.leg, self.to, into, bytes, wire);
    }
}
