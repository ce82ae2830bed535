//! What every action of a call works with: the legs, the mixer, the keys pressed so far, errands, the timeline.
//!
//! An action never talks to the network or the flow: it moves things on this desk, and the call carries them out.

use crate::{
    filler::Fillers,
    diary::Diary,
    door::{Branch, CallRecord, Errand, LegLook, Line, Origin, Output, Plan, Seat, Ticket, ToFront},
    leg::{Leg, News, Outgoing},
    quality::{LegMedia, in_words},
    replay::Script,
    room::RoomAct,
    limits::{CALLER_ID_MAX, DIGITS_WAITING_MAX, LEGS_MAX, TIMELINE_MAX},
    tape::Tape,
};
use media::{EventFormat, Hears, Mixer, PlayerId, Playlist, StreamSetup, Symmetric};
use sdp::{Agreement, Capabilities};
use sip::{Chance, Uri};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};
use terms::{CallId, Codec, Codecs, Digit, KeyWay, LegId, MessageId, Now, Packing, Tongue};

/// See the head of this file.
#[repr(C)]
pub(crate) struct Desk {
    pub(crate) mixer: Mixer,
    /// Everything it is told and says, when that is kept.
    pub(crate) diary: Option<Box<Diary>>,
    /// It is run again: what its media told.
    pub(crate) played: Option<Box<Script>>,
    pub(crate) id: CallId,
    pub(crate) seat: Seat,
    pub(crate) plan: Plan,
    pub(crate) digits: VecDeque<Digit>,
    pub(crate) chance: Chance,
    pub(crate) record: CallRecord,
    /// What the call wants of its shard's rooms; the shard takes it after each turn.
    pub(crate) room_acts: VecDeque<RoomAct>,
    /// The address by which the caller reached us.
    pub(crate) dialled: Uri,
    /// In which language it speaks of its own to the caller.
    pub(crate) tongue: Tongue,
    /// What breaks a silence nobody meant.
    pub(crate) fillers: Arc<Fillers>,
    /// The caller talks with the caller of another call, in a room for two.
    pub(crate) is_talking: bool,
    /// The flow sent the caller elsewhere, and the caller got there.
    pub(crate) is_sent_away: bool,
    /// The recording of the whole call, from its order until it is safe.
    pub(crate) tape: Option<Tape>,
    legs: Vec<Leg>,
    dialling: BTreeMap<LegId, Box<Outgoing>>,
    out: VecDeque<Output>,
    began: Instant,
    counters: Counters,
}

/// Numbers handed out within one call.
#[derive(Default)]
struct Counters {
    ticket: u32,
    leg: u16,
    dropped_lines: u32,
    /// Hops left for legs we call.
    hops: u8,
    early: bool,
    rang: bool,
}

impl Desk {
    pub(crate) fn new(seat: Seat, plan: Plan, seed: u64, (hops, dialled): (u8, Uri), fillers: Arc<Fillers>, record: CallRecord, now: Now) -> Self {
        let mut chance = Chance::new(seed);
        let mut mixer = Mixer::new(chance.next_u64());
        mixer.set_clock(now);
        Self {
            id: record.id,
            seat,
            plan,
            mixer,
            digits: VecDeque::new(),
            chance,
            record,
            room_acts: VecDeque::new(),
            dialled,
            tongue: Tongue::default(),
            fillers,
            is_talking: false,
            is_sent_away: false,
            tape: None,
            diary: None,
            played: None,
            legs: Vec::new(),
            dialling: BTreeMap::new(),
            out: VecDeque::new(),
            began: now.at,
            counters: Counters { hops, ..Counters::default() },
        }
    }

    // --- the timeline -------------------------------------------------------------------------------------------

    /// Writes one line: what happened, and why.
    pub(crate) fn note(&mut self, now: Now, what: impl Into<String>) {
        let what = what.into();
        tracing::debug!(call = %self.id, "{what}");
        if self.record.timeline.len() < TIMELINE_MAX {
            let at_ms = u64::try_from(now.at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
            self.record.timeline.push(Line { at_ms, what });
        } else {
            self.counters.dropped_lines += 1;
        }
    }

    // --- errands ------------------------------------------------------------------------------------------------

    pub(crate) const fn next_ticket(&mut self) -> Ticket {
        self.counters.ticket += 1;
        Ticket(self.counters.ticket)
    }

    /// Asks the clerk.
    pub(crate) fn ask(&mut self, errand: Errand) -> Ticket {
        let ticket = self.next_ticket();
        self.out.push_back(Output::Errand { call: self.id, ticket, errand });
        ticket
    }

    /// Asks the front where a target leads.
    pub(crate) fn locate(&mut self, target: String) -> Ticket {
        let ticket = self.next_ticket();
        let origin: Origin = self.plan.origin.clone();
        let realm = self.plan.realm.clone();
        self.tell_front(ToFront::Locate { call: self.id, ticket, target, origin, realm });
        ticket
    }

    /// Asks the front where the caller's own telephone may be sent.
    pub(crate) fn locate_for_refer(&mut self, target: String) -> Ticket {
        self.counters.ticket += 1;
        let ticket = Ticket(self.counters.ticket);
        let (origin, realm, dialled) = (self.plan.origin.clone(), self.plan.realm.clone(), self.dialled.clone());
        self.tell_front(ToFront::ReferTo { call: self.id, ticket, target, dialled, origin, realm });
        ticket
    }

    /// A new id for a recording.
    pub(crate) fn message_id(&mut self, now: Now) -> MessageId {
        let (a, b) = (self.chance.next_u64().to_le_bytes(), self.chance.next_u64().to_le_bytes());
        MessageId::new(now.unix.0, [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]])
    }

    /// The next thing for the shell.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(crate) fn tell_front(&mut self, value: ToFront) {
        self.out.push_back(Output::Front(value));
    }

    // --- keys ---------------------------------------------------------------------------------------------------

    /// The caller pressed a key: it waits for a step that reads it.
    pub(crate) fn keyed(&mut self, digit: Digit) {
        if self.digits.len() < DIGITS_WAITING_MAX {
            self.digits.push_back(digit);
        }
    }

    /// What reaches a leg's ear now: the mixer knows, or knew when the call was real.
    pub(crate) fn hears(&mut self, leg: LegId) -> Hears {
        if let Some(script) = &mut self.played {
            return script.hears(leg);
        }
        let hears = self.mixer.hears(leg);
        if let Some(diary) = &mut self.diary {
            diary.hears(leg, hears);
        }
        hears
    }

    /// Presses keys towards a leg, by the way it takes them. Ends with [`crate::action::Event::KeysSent`].
    pub(crate) fn send_digits(&mut self, leg: LegId, digits: &[Digit], now: Now) {
        let by_info = self.mixer.key_way(leg) == Some(KeyWay::Info);
        if !by_info || self.with_leg(leg, |leg, out| leg.press(digits, out)).is_none() {
            self.mixer.send_digits(leg, digits, now.at);
        }
    }

    /// A leg pressed a key: if it talks with somebody the key is for them, and not for the flow.
    pub(crate) fn pass_key(&mut self, leg: LegId, digit: Digit, way: KeyWay, now: Now) -> bool {
        if let Some(peer) = self.mixer.peer_of(leg) {
            self.bring_key(peer, digit, way, now);
            return true;
        }
        let is_outside = leg == LegId::CALLER && self.is_talking;
        if is_outside {
            self.room_acts.push_back(RoomAct::Key { digit, way });
        }
        is_outside
    }

    /// Whoever this leg talks with pressed a key: it shall have it, unless it has it already, by the same packets or in the sound.
    pub(crate) fn bring_key(&mut self, to: LegId, digit: Digit, way: KeyWay, now: Now) {
        let Some(its_way) = self.mixer.key_way(to) else { return };
        let has_it = its_way == way && matches!(way, KeyWay::Event | KeyWay::Tone);
        if !has_it && self.hears(to) == Hears::Others {
            self.send_digits(to, &[digit], now);
        }
    }

    // --- legs ---------------------------------------------------------------------------------------------------

    pub(crate) fn seat_leg(&mut self, leg: Leg) {
        self.legs.push(leg);
    }

    pub(crate) fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id() == id)
    }

    /// The next thing a leg tells.
    pub(crate) fn poll_news(&mut self) -> Option<(LegId, News)> {
        self.legs.iter_mut().find_map(|leg| leg.poll_news().map(|news| (leg.id(), news)))
    }

    pub(crate) fn leg_ids(&self) -> Vec<LegId> {
        self.legs.iter().map(Leg::id).collect()
    }

    pub(crate) fn has_open_legs(&self) -> bool {
        !self.dialling.is_empty() || self.legs.iter().any(|leg| !leg.is_over())
    }

    /// Lets a leg do something and sends what it says to the front.
    pub(crate) fn with_leg<T>(&mut self, id: LegId, act: impl FnOnce(&mut Leg, &mut Vec<ToFront>) -> T) -> Option<T> {
        let leg = self.legs.iter_mut().find(|leg| leg.id() == id)?;
        let mut said = Vec::new();
        let result = act(leg, &mut said);
        self.out.extend(said.into_iter().map(Output::Front));
        Some(result)
    }

    /// When a leg's timer is due.
    pub(crate) fn poll_leg_timeout(&self) -> Option<Instant> {
        self.legs.iter().filter_map(Leg::poll_timeout).min()
    }

    pub(crate) fn leg_timeouts(&mut self, now: Now) {
        for id in self.leg_ids() {
            self.with_leg(id, |leg, out| leg.handle_timeout(now.at, out));
        }
    }

    /// Forgets legs that are over: their sockets and dialogs go with them.
    pub(crate) fn sweep_legs(&mut self, now: Now, wire: &mut dyn media::Wire) {
        while let Some(at) = self.legs.iter().position(|leg| leg.is_over() && !leg.has_news()) {
            self.drop_leg(at, now, wire);
        }
    }

    /// Forgets every leg, done or not.
    pub(crate) fn drop_legs(&mut self, now: Now, wire: &mut dyn media::Wire) {
        while !self.legs.is_empty() {
            self.drop_leg(0, now, wire);
        }
    }

    fn drop_leg(&mut self, at: usize, now: Now, wire: &mut dyn media::Wire) {
        let leg = self.legs.swap_remove(at).id();
        self.note_quality(leg);
        self.mixer.remove_stream(leg, now.at, wire);
        self.out.push_back(Output::CloseMedia { seat: self.seat, leg });
        self.tell_front(ToFront::LegEnded { call: self.id, leg });
    }

    fn note_quality(&mut self, leg: LegId) {
        if let Some(quality) = self.mixer.snapshot(leg) {
            self.record.quality.push(in_words(leg, &quality));
            self.record.media.push(LegMedia::new(leg, &quality));
        }
    }

    /// The caller has been answered and is still there.
    pub(crate) fn is_answered(&self) -> bool {
        self.leg(LegId::CALLER).is_some_and(Leg::is_up)
    }

    /// The caller can hear us: answered, or early media is open.
    pub(crate) fn can_hear(&self) -> bool {
        self.is_answered() || self.counters.early
    }

    /// The caller's leg still exists.
    pub(crate) fn has_caller(&self) -> bool {
        self.leg(LegId::CALLER).is_some_and(|leg| leg.is_up() || leg.is_offered())
    }

    /// Answers the caller; harmless when answered.
    pub(crate) fn answer_caller(&mut self, now: Now) {
        let is_offered = self.leg(LegId::CALLER).is_some_and(Leg::is_offered);
        if !is_offered {
            return;
        }
        let agreement = self.with_leg(LegId::CALLER, |leg, out| leg.answer(now.at, out)).flatten();
        self.record.answered = Some(now.unix);
        self.record.status = 200;
        self.note(now, "answered the caller");
        self.tell_front(ToFront::Answered { call: self.id });
        if let Some(agreement) = agreement {
            self.set_stream(LegId::CALLER, &agreement, now);
        }
        self.run_tape(now);
    }

    /// Opens early media to the caller (183); harmless when it can hear us already or made no offer.
    pub(crate) fn open_early(&mut self, now: Now) {
        if self.can_hear() {
            return;
        }
        let agreement = self.with_leg(LegId::CALLER, |leg, out| leg.early(out)).flatten();
        match agreement {
            Some(agreement) => {
                self.counters.early = true;
                self.note(now, "early media to the caller (183)");
                self.set_stream(LegId::CALLER, &agreement, now);
            }
            // Without an offer there is nothing to send early sound to: only an answer opens the way.
            None => self.answer_caller(now),
        }
    }

    /// 180 Ringing to the caller, once, and only while nothing else was said.
    pub(crate) fn ring_caller(&mut self) {
        if !self.counters.rang && !self.can_hear() {
            self.counters.rang = true;
            self.with_leg(LegId::CALLER, |leg, out| leg.ring(out));
        }
    }

    /// Gives the mixer what a leg agreed to.
    pub(crate) fn set_stream(&mut self, leg: LegId, agreement: &Agreement, now: Now) {
        let mut setup = setup_of(agreement);
        setup.opus_complexity = self.plan.opus_complexity;
        if let Some(peer) = self.leg(leg) {
            setup.dtmf = peer.dtmf();
            // A codec that models voices does not carry two sines well.
            setup.keys_by_info = peer.takes_info() && agreement.send.codec.packing() != Packing::Bytes;
            setup.remote = setup.remote.map(|named| peer.outside(named));
            setup.remote_rtcp = setup.remote_rtcp.map(|named| peer.outside(named));
            // Where its own signalling comes from its packets come from: no other host on a LAN is believed, not even at first.
            if setup.remote.is_some_and(|remote| peer.is_at(remote.ip())) {
                setup.symmetric = Symmetric::SameHost;
            }
        }
        let protected = agreement.crypto.as_ref().map_or_else(String::new, |keys| format!(", SRTP {}", keys.suite));
        self.note(now, format!("{leg}: {} {} with {}{protected}", agreement.send.codec, agreement.direction, agreement.remote));
        self.mixer.set_stream(leg, setup, now.at);
        self.show_media(leg);
    }

    /// Lets the front show how a leg's media stands: when something changed that people look for.
    pub(crate) fn show_media(&mut self, leg: LegId) {
        let Some(quality) = self.mixer.snapshot(leg) else { return };
        let look = LegLook {
            peer: quality.remote,
            codec: quality.codec,
            protection: quality.protection,
            mos: quality.mos,
            one_way: quality.one_way.map(|why| why.to_string()),
        };
        self.tell_front(ToFront::Media { call: self.id, leg, look });
    }

    // --- calling others -----------------------------------------------------------------------------------------

    /// Calls a branch: asks for its sockets; the INVITE leaves when they are there. `None` when the call has legs enough.
    pub(crate) fn dial(&mut self, branch: Branch, caller_id: Option<&str>, headers: &[(String, String)]) -> Option<LegId> {
        if self.legs.len() + self.dialling.len() >= LEGS_MAX {
            return None;
        }
        self.counters.leg += 1;
        let leg = LegId(self.counters.leg);
        let caller = &self.plan.facts.caller;
        let mut branch = branch;
        let number = caller_id.unwrap_or(&caller.number);
        if !number.is_empty() {
            branch.from.set_user(&clean(number));
        }
        let capabilities = self.capabilities_toward(&branch);
        let outgoing = Outgoing {
            call: self.id,
            leg,
            branch,
            call_id: self.chance.token(),
            tag: self.chance.token(),
            display: clean(&caller.name),
            headers: headers.to_vec(),
            capabilities,
            max_forwards: self.counters.hops,
            session: self.chance.next_u64() >> 2,
            media_secret: self.plan.media_secret.clone(),
        };
        self.dialling.insert(leg, Box::new(outgoing));
        self.out.push_back(Output::OpenMedia { seat: self.seat, leg });
        Some(leg)
    }

    /// What a branch is offered: the codecs that may be spoken with it, those first in which the caller can be spoken to, too.
    /// Among them its own order decides where it was written down, else the caller's.
    fn capabilities_toward(&self, branch: &Branch) -> Capabilities {
        let caller = self.leg(LegId::CALLER);
        let near = caller.map(Leg::choices).unwrap_or_default();
        let Codecs { mut list, is_ranked } = branch.codecs.clone();
        let place = |codec: &Codec| near.iter().position(|near| near == codec);
        list.sort_by_key(|codec| if is_ranked { usize::from(place(codec).is_none()) } else { place(codec).unwrap_or(usize::MAX) });
        let usual = Capabilities::default();
        let ptime_ms = caller.and_then(Leg::agreement).map_or(usual.ptime_ms, |agreement| agreement.ptime_ms);
        Capabilities { codecs: Codecs { list, is_ranked }, dtmf: branch.dtmf.agrees_to_events(), ptime_ms, srtp: branch.srtp, ..usual }
    }

    /// Before the caller is answered: in what this leg speaks, where the caller can, so that nothing is transcoded.
    pub(crate) fn suit_caller(&mut self, to: &Agreement) {
        self.with_leg(LegId::CALLER, |caller, _| caller.suit(to.send.codec, to.ptime_ms));
    }

    /// A leg's sockets are open: its INVITE leaves. `false` when nobody waits for them.
    pub(crate) fn dial_opened(&mut self, leg: LegId, media: SocketAddr) -> bool {
        let Some(outgoing) = self.dialling.remove(&leg) else { return false };
        let mut said = Vec::new();
        let opened = Leg::outgoing(*outgoing, media, &mut said);
        self.legs.push(opened);
        self.out.extend(said.into_iter().map(Output::Front));
        true
    }

    /// A leg's sockets could not be opened.
    pub(crate) fn dial_failed(&mut self, leg: LegId) {
        self.dialling.remove(&leg);
    }

    /// Ends a leg, whatever its stage.
    pub(crate) fn end_leg(&mut self, leg: LegId, code: u16, reason: Option<&str>, now: Now) {
        if self.dialling.remove(&leg).is_some() {
            self.out.push_back(Output::CloseMedia { seat: self.seat, leg });
            return;
        }
        self.mixer.unbridge(leg, now.at);
        self.with_leg(leg, |leg, out| leg.end(code, reason, now.at, out));
    }

    // --- sound --------------------------------------------------------------------------------------------------

    /// Plays to a leg.
    pub(crate) fn play(&mut self, leg: LegId, playlist: Playlist, now: Now) -> PlayerId {
        self.mixer.play(leg, playlist, now.at)
    }
}

/// Texts of a caller's name and number lose what has no place in a header.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"').take(CALLER_ID_MAX).collect()
}

/// An agreement in the mixer's words.
fn setup_of(agreement: &Agreement) -> StreamSetup {
    let reachable = agreement.remote.port() != 0 && !agreement.remote.ip().is_unspecified();
    let mut setup = StreamSetup::new(agreement.remote, agreement.send.codec);
    setup.remote = reachable.then_some(agreement.remote);
    setup.remote_rtcp = (reachable && agreement.remote_rtcp.port() != 0).then_some(agreement.remote_rtcp);
    setup.rtcp_mux = agreement.rtcp_mux;
    setup.send_payload_type = agreement.send.payload_type;
    setup.receive = agreement.receive.iter().map(|format| (format.payload_type, format.codec)).collect();
    setup.send_ms = agreement.send.codec.packet_ms(agreement.ptime_ms);
    let in_media = |format: sdp::EventFormat| EventFormat { payload_type: format.payload_type, clock_rate: format.clock_rate };
    setup.events_send = agreement.events.map(in_media);
    setup.events_receive = agreement.event_receive.iter().copied().map(in_media).collect();
    setup.comfort_noise = agreement.comfort_noise;
    setup.direction = agreement.direction;
    setup.crypto = agreement.crypto.clone();
    setup.voip_metrics = agreement.voip_metrics;
    setup
}
