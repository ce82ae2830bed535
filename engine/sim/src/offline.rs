//! One caller calls one flow, offline: the real interpreter, call machine and mixer in virtual time, at the speed of the machine.
//!
//! ```text
//!  you ── press, speak, wait ──▶ Offline ── INVITE, RTP ──▶ call::Shard (flow, actions, mixer)
//!      ◀── heard_so_far, state …         ◀── RTP, SIP, errands ──
//! ```
//! Nothing is asked of the flow about what it says: each prompt's packets carry a mark, and [`Offline::heard_so_far`] is read
//! from the packets that reached the caller. The network is perfect unless [`Options::weather`] says otherwise; devices, web
//! servers and the recogniser are an [`Outside`]. No agenda of full telephones, no tone analysis: a call costs about a
//! microsecond for each 20 ms of sound.
//!
//! Rhai flows run where it runs: give that thread [`flow::limits::SCRIPT_STACK`] bytes of stack.

mod agenda;
mod books;
mod crowd;
mod devices;
mod hearing;
mod line;
mod mocks;
mod mouth;
mod options;
mod signalling;
mod story;
mod view;
mod voices;

#[cfg(test)]
mod tests;

pub use books::{LeftMessage, Recording, WebRequest, Webhook};
pub use crowd::{Crowd, Venue};
pub use hearing::{Heard, HeardEnd, Silence};
pub use mocks::{Answering, Devices, Manner, Nobody, Outside, Web};
pub use options::Options;
pub use story::{StoryLine, Who};
pub use voices::{Sound, Voices, spoken};

use crate::{Dice, limits::OFFLINE_TURNS_MAX};
use agenda::{Agenda, Due};
use books::Books;
use call::{Answer, CallRecord, LegEvent, NewCall, Origin, Output, Plan, Seat, Shard, ToFront, ToShard};
use devices::{Device, Stands};
use flow::Run;
use hearing::Excuse;
use line::Line;
use mouth::Mouth;
use signalling::{End, answer, follow, invite};
use sip::{HeaderName, Method, Request, ServerKey, Uri};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use story::Story;
use switchboard::{Asker, Meetings, Moment, Order};
use terms::{CallId, Codec, Codecs, Digit, LegId, Name, Now, Secret, spell_span};

/// The caller's telephone shows this often that it is still there.
const COMFORT: Duration = Duration::from_secs(20);
/// One packet.
const FRAME: Duration = Duration::from_millis(20);
/// The tag of the exchange in the caller's dialog.
const LOCAL_TAG: &str = "callflow";

/// A call in virtual time; see the head of this file.
pub struct Offline {
    exchange: Exchange,
    began: Now,
    now: Now,
    agenda: Agenda,
    dice: Dice,
    line: Line,
    caller: Caller,
    devices: Vec<Device>,
    outside: Box<dyn Outside>,
    books: Books,
    story: Story,
    seen: Seen,
}

/// The exchange: one shard with one call.
struct Exchange {
    shard: Shard,
    /// Who waits where: this call, and others that nobody hears.
    meetings: Meetings,
    call: CallId,
    /// Legs whose sockets are open.
    seats: Vec<(LegId, Seat)>,
}

/// The caller's end.
#[derive(Debug)]
struct Caller {
    end: End,
    invite: Option<Request>,
    mouth: Mouth,
    stands: CallerStands,
    /// Requests and transactions so far.
    cseq: u32,
    transactions: u64,
}

/// How the caller's telephone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallerStands {
    /// It called and hears nothing.
    Calling,
    /// It makes its own ringing.
    Ringing,
    /// Sound comes before the answer.
    Early,
    /// It was answered.
    Up,
    /// It is on the hook.
    Over,
}

/// What was seen of the flow so far.
#[derive(Debug, Default)]
struct Seen {
    journal: usize,
    notes: usize,
    place: Option<flow::Place>,
    excuse: Option<Excuse>,
    turns_at_once: u32,
    record: Option<Box<CallRecord>>,
    run: Option<Run>,
}

impl Offline {
    /// The caller calls; what happens at once has happened.
    ///
    /// A flow that does not exist apologises, as it would to a real caller.
    #[must_use]
    pub fn new(flows: &flow::FlowSet, options: Options, outside: Box<dyn Outside>) -> Self {
        let mut dice = Dice::new(options.seed);
        let began = options.start;
        let (a, b) = (dice.word().to_le_bytes(), dice.word().to_le_bytes());
        let call = CallId::new(began.unix.0, [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]]);
        let user = if options.caller.number.is_empty() { "anonymous" } else { &options.caller.number };
        let end = End { user: user.to_owned(), address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5_060) };
        let invite = invite(&end, &options.caller.name, &options.dialled, &call.to_string());
        let mouth = Mouth::new(dice.word(), began.at);
        let caller = Caller { end, invite: invite.clone(), mouth, stands: CallerStands::Calling, cseq: 1, transactions: 1 };
        let plan = plan(flows, &options, call);
        let line = Line::new(options.voices, options.weather, dice.word(), began.at);
        let mut offline = Self {
            exchange: Exchange { shard: Shard::new(began.at).keeping_runs(), meetings: Meetings::default(), call, seats: Vec::new() },
            began,
            now: began,
            agenda: Agenda::default(),
            line,
            caller,
            devices: Vec::new(),
            outside,
            books: Books::default(),
            story: Story::new(began),
            seen: Seen::default(),
            dice,
        };
        match invite {
            Some(invite) => offline.dial(invite, plan),
            None => {
                offline.story.tell(began, Who::Caller, "cannot call: the names of this call cannot be written as SIP");
                offline.caller.stands = CallerStands::Over;
            }
        }
        offline
    }

    fn dial(&mut self, invite: Request, plan: Plan) {
        let contact = End { user: "callflow".to_owned(), address: signalling::EXCHANGE }.contact();
        let source = self.caller.end.flow();
        let seed = self.dice.word();
        let new = NewCall { id: self.exchange.call, invite, transaction: ServerKey(1), source, local_tag: LOCAL_TAG.to_owned(), contact, plan, seed };
        self.later(COMFORT, Due::Comfort);
        self.tell_shard(ToShard::New(Box::new(new)));
        self.drain();
    }

    // --- what the caller does -----------------------------------------------------------------------------------------

    /// Presses keys (`0-9 * # A-D`; others are left out), one after the other: 100 ms each.
    pub fn press(&mut self, keys: &str) {
        if self.is_over() {
            return;
        }
        self.story.tell(self.now, Who::Caller, format!("presses {keys}"));
        for digit in keys.chars().filter_map(|key| Digit::try_from(key).ok()) {
            self.caller.mouth.press(digit);
            self.mouth_opens(None);
            self.drain();
            self.until_said();
        }
    }

    /// Speaks for so long.
    pub fn speak(&mut self, span: Duration) {
        if self.is_over() {
            return;
        }
        self.story.tell(self.now, Who::Caller, format!("speaks for {}", spell_span(span)));
        self.voice(span);
    }

    /// Speaks these words, as long as they take; a transcript of what is recorded meanwhile has them.
    pub fn say(&mut self, words: &str) {
        self.say_for(words, spoken(words));
    }

    /// Speaks these words, for so long.
    pub fn say_for(&mut self, words: &str, span: Duration) {
        if self.is_over() {
            return;
        }
        self.story.tell(self.now, Who::Caller, format!("says “{words}”"));
        self.books.words(words);
        self.voice(span);
    }

    /// Says nothing for so long.
    pub fn silence(&mut self, span: Duration) {
        self.story.tell(self.now, Who::Caller, format!("is silent for {}", spell_span(span)));
        self.wait(span);
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Duration) {
        self.wait_until(span, |_| false);
    }

    /// Lets time pass until it is true, at most so long; whether it became true. What is true already costs no time.
    pub fn wait_until(&mut self, at_most: Duration, mut is_true: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now.at + at_most;
        loop {
            if is_true(self) {
                return true;
            }
            if !self.turn(until) {
                return is_true(self);
            }
        }
    }

    /// Hangs up, or gives up before the answer.
    pub fn hang_up(&mut self) {
        match self.caller.stands {
            CallerStands::Over => return,
            CallerStands::Up => {
                self.story.tell(self.now, Who::Caller, "hangs up");
                self.caller.stands = CallerStands::Over;
                self.caller.cseq += 1;
                if let Some(invite) = &self.caller.invite {
                    let request = follow(invite, Method::Bye, self.caller.cseq, LOCAL_TAG);
                    let (transaction, source) = (self.transaction(), self.caller.end.flow());
                    self.leg_event(LegId::CALLER, LegEvent::Request { transaction, request, source });
                }
            }
            CallerStands::Calling | CallerStands::Ringing | CallerStands::Early => {
                self.story.tell(self.now, Who::Caller, "gives up");
                self.caller.stands = CallerStands::Over;
                self.leg_event(LegId::CALLER, LegEvent::Cancelled);
            }
        }
        self.caller.mouth.hush();
        self.drain();
    }

    // --- how it goes round --------------------------------------------------------------------------------------------

    /// The next thing that happens, if it happens by `until`; else time goes there and nothing was done.
    fn turn(&mut self, until: Instant) -> bool {
        let next = [self.agenda.next_at(), self.exchange.shard.poll_timeout(), self.exchange.meetings.poll_timeout()].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.pass(until);
            return false;
        };
        if next > self.now.at {
            self.seen.turns_at_once = 0;
            self.pass(next);
        }
        self.seen.turns_at_once += 1;
        if self.seen.turns_at_once > OFFLINE_TURNS_MAX {
            self.story.tell(self.now, Who::Why, "time stands still: something is due again and again");
            self.caller.stands = CallerStands::Over;
            self.pass(until);
            return false;
        }
        while let Some(due) = self.agenda.take_due(self.now.at) {
            self.happen(due);
        }
        self.with_meetings(Meetings::handle_timeout);
        if self.exchange.shard.poll_timeout().is_some_and(|due| due <= self.now.at) {
            self.exchange.shard.handle_timeout(self.now, &mut self.line);
        }
        self.drain();
        true
    }

    /// Time passes.
    fn pass(&mut self, to: Instant) {
        self.now = self.began.later(to.saturating_duration_since(self.began.at));
        self.line.now = self.now.at;
        let excuse = if self.is_over() { Excuse::Meant } else { self.seen.excuse.unwrap_or(Excuse::Nothing) };
        self.line.hearing.settle(self.now.at, excuse);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Shard(message) => self.tell_shard(*message),
            Due::Packet(packet) => self.arrive(&packet),
            Due::Mouth(whose) => self.mouth_moves(whose),
            Due::Comfort => {
                if !self.is_over() {
                    let packet = self.caller.mouth.quiet(self.now.at);
                    self.caller_packet(packet);
                    self.later(COMFORT, Due::Comfort);
                }
            }
            Due::Device(at, act) => self.device_acts(at, act),
            Due::Transcribed(id) => self.transcribed(id),
            Due::Leaves(call) => self.one_leaves(call),
        }
    }

    fn later(&mut self, span: Duration, due: Due) {
        self.agenda.put(self.now.at + span, due);
    }

    fn transaction(&mut self) -> ServerKey {
        self.caller.transactions += 1;
        ServerKey(self.caller.transactions)
    }

    fn tell_shard(&mut self, message: ToShard) {
        self.exchange.shard.handle(message, self.now, &mut self.line);
    }

    fn leg_event(&mut self, leg: LegId, event: LegEvent) {
        let call = self.exchange.call;
        self.tell_shard(ToShard::Leg { call, leg, event });
    }

    /// Does what the call wants, until it wants nothing more; then looks where its flow is.
    fn drain(&mut self) {
        while let Some(output) = self.exchange.shard.poll_output() {
            // What led to it comes before it in the story.
            self.observe();
            match output {
                Output::Front(message) => self.front(message),
                Output::Errand { call: _, ticket, errand } => self.errand(ticket, errand),
                Output::OpenMedia { seat, leg } => {
                    self.exchange.seats.push((leg, seat));
                    let port = 20_000 + leg.0.saturating_mul(2) % 10_000;
                    let address = SocketAddr::new(signalling::EXCHANGE.ip(), port);
                    self.exchange.shard.media_opened(seat, leg, Some(address), self.now, &mut self.line);
                }
                Output::CloseMedia { seat: _, leg } => self.exchange.seats.retain(|(known, _)| *known != leg),
                // There is one shard alone.
                Output::HandOver { .. } | Output::Forward { .. } | Output::Bundle(_) => {}
            }
        }
        self.observe();
    }

    fn front(&mut self, message: ToFront) {
        match message {
            ToFront::Respond { transaction: ServerKey(1), response } => self.answered(response.code),
            ToFront::Respond { .. } | ToFront::Ack { .. } | ToFront::Answered { .. } | ToFront::Media { .. } => {}
            ToFront::Repeat { .. } => self.acknowledge(),
            ToFront::Send { leg: LegId::CALLER, request, .. } => self.caller_hears(&request),
            ToFront::Send { leg, request, .. } => self.device_hears(leg, &request),
            ToFront::Cancel { leg, .. } => self.device_cancelled(leg),
            ToFront::Locate { ticket, target, .. } => {
                let answer = Answer::Located(self.located(&target));
                let call = self.exchange.call;
                self.tell_shard(ToShard::Answer { call, ticket, answer });
            }
            ToFront::Meet { call, ticket, realm, meet } => {
                self.crowd_comes(&realm, &meet);
                let who = self.caller.end.user.clone();
                let asker = Asker { stay: (call, ticket), realm, shard: 0, who };
                self.with_meetings(|meetings, now| meetings.handle(asker, meet, now));
            }
            ToFront::ReferTo { ticket, target, dialled, .. } => {
                let mut uri = dialled;
                uri.set_user(target.rsplit('/').next().unwrap_or(&target));
                let answer = Answer::ReferTo(if target.contains('/') { Ok(uri) } else { Uri::parse(&target).map_err(|bad| bad.to_string()) });
                let call = self.exchange.call;
                self.tell_shard(ToShard::Answer { call, ticket, answer });
            }
            ToFront::LegEnded { leg, .. } => self.device_gone(leg),
            ToFront::Ended(record) => {
                let call = self.exchange.call;
                self.with_meetings(|meetings, now| meetings.ended(call, now));
                self.seen.record = Some(record);
            }
        }
    }

    /// The tables of who waits where are those of the front; whoever could be met is a device, or one of a crowd.
    fn with_meetings(&mut self, act: impl FnOnce(&mut Meetings, Moment<'_>)) {
        act(&mut self.exchange.meetings, Moment { at: self.now.at, is_busy: &|_| false });
        while let Some(order) = self.exchange.meetings.poll_order() {
            match order {
                Order::Tell((call, ticket), met) if call == self.exchange.call => self.tell_shard(ToShard::Answer { call, ticket, answer: Answer::Met(met) }),
                Order::Tell(..) | Order::Bring(..) => {}
            }
        }
    }

    /// The exchange answers the caller's INVITE.
    fn answered(&mut self, code: u16) {
        if self.is_over() {
            return;
        }
        match code {
            100 => {}
            183 => self.caller.stands = CallerStands::Early,
            101..=199 => self.caller.stands = CallerStands::Ringing,
            200..=299 => {
                self.caller.stands = CallerStands::Up;
                self.story.tell(self.now, Who::Caller, "is answered");
                self.acknowledge();
            }
            300.. => {
                self.story.tell(self.now, Who::Caller, format!("is refused: {code} {}", sip::reason_phrase(code)));
                self.caller.stands = CallerStands::Over;
                self.caller.mouth.hush();
            }
            ..=99 => {}
        }
    }

    fn acknowledge(&mut self) {
        if let Some(invite) = &self.caller.invite {
            let ack = follow(invite, Method::Ack, 1, LOCAL_TAG);
            self.leg_event(LegId::CALLER, LegEvent::Ack(ack));
        }
    }

    /// The exchange says something to the caller's telephone.
    fn caller_hears(&mut self, request: &Request) {
        let is_over = self.is_over();
        let code = match request.method == Method::Refer {
            _ if is_over => 481,
            true => 202,
            false => 200,
        };
        let response = answer(request, code, &self.caller.end, "caller");
        if request.method == Method::Bye && !is_over {
            self.story.tell(self.now, Who::Caller, "is hung up on");
            self.caller.stands = CallerStands::Over;
            self.caller.mouth.hush();
        } else if request.method == Method::Refer && !is_over {
            self.story.tell(self.now, Who::Caller, format!("is sent to {}", request.headers.named("Refer-To").unwrap_or("?")));
        }
        let source = self.caller.end.flow();
        self.leg_event(LegId::CALLER, LegEvent::Response { response, source });
        if request.method == Method::Refer && !is_over {
            self.caller_gets_through();
        }
    }

    /// The caller's telephone went where it was sent, and says so (RFC 3515).
    fn caller_gets_through(&mut self) {
        self.caller.cseq += 1;
        let Some(invite) = &self.caller.invite else { return };
        let mut request = follow(invite, Method::Notify, self.caller.cseq, LOCAL_TAG);
        request.headers.push(HeaderName::Event, "refer");
        request.headers.push(HeaderName::SubscriptionState, "terminated;reason=noresource");
        request.headers.push(HeaderName::ContentType, "message/sipfrag");
        request.body = "SIP/2.0 200 OK\r\n".into();
        let (transaction, source) = (self.transaction(), self.caller.end.flow());
        self.leg_event(LegId::CALLER, LegEvent::Request { transaction, request, source });
    }

    // --- speech and keys ----------------------------------------------------------------------------------------------

    fn voice(&mut self, span: Duration) {
        self.caller.mouth.speak(span);
        self.mouth_opens(None);
        self.drain();
        self.until_said();
    }

    fn until_said(&mut self) {
        while self.caller.mouth.is_scheduled && !self.is_over() {
            if !self.turn(self.now.at + FRAME) {
                continue;
            }
        }
    }

    /// Somebody begins to say something: its packets follow each other from now on.
    fn mouth_opens(&mut self, whose: Option<usize>) {
        let mouth = match whose {
            None => &mut self.caller.mouth,
            Some(at) => match self.devices.get_mut(at) {
                Some(device) => &mut device.mouth,
                None => return,
            },
        };
        if !std::mem::replace(&mut mouth.is_scheduled, true) {
            self.mouth_moves(whose);
        }
    }

    fn mouth_moves(&mut self, whose: Option<usize>) {
        let now = self.now.at;
        let mouth = match whose {
            None => &mut self.caller.mouth,
            Some(at) => match self.devices.get_mut(at) {
                Some(device) => &mut device.mouth,
                None => return,
            },
        };
        if !mouth.is_busy() {
            mouth.is_scheduled = false;
            return;
        }
        let (packet, speaks) = (mouth.packet(now), mouth.speaks());
        match (whose, packet) {
            (None, Some(packet)) => self.caller_packet(packet),
            (Some(at), Some(packet)) => self.device_packet(at, &packet),
            (_, None) => {}
        }
        if whose.is_none() && speaks {
            self.line.hearing.noise(now, now + FRAME);
        }
        self.later(FRAME, Due::Mouth(whose));
    }

    /// A packet leaves the caller's telephone: the weather decides when it arrives.
    fn caller_packet(&mut self, packet: Vec<u8>) {
        if !matches!(self.caller.stands, CallerStands::Up | CallerStands::Early) {
            return;
        }
        match self.line.fates() {
            None => self.arrive(&packet),
            Some(fates) => {
                for fate in fates.into_iter().flatten() {
                    self.later(fate, Due::Packet(packet.clone()));
                }
            }
        }
    }

    fn arrive(&mut self, packet: &[u8]) {
        let seat = self.exchange.seats.iter().find(|(leg, _)| *leg == LegId::CALLER).map(|(_, seat)| *seat);
        if let Some(seat) = seat {
            self.exchange.shard.packet((seat, LegId::CALLER, false), self.caller.end.media(), packet, self.now, &mut self.line);
        }
    }

    // --- where the flow is --------------------------------------------------------------------------------------------

    /// Tells the story what the flow did since it was last looked at.
    fn observe(&mut self) {
        while let Some((call, run)) = self.exchange.shard.take_run() {
            if call == self.exchange.call {
                self.seen.run = Some(run);
                self.line.hearing.close();
            }
        }
        let look = self.exchange.shard.look(self.exchange.call).map(|look| (look.run, look.record));
        let kept = self.seen.run.as_ref().zip(self.seen.record.as_deref());
        if let Some((run, record)) = look.or(kept) {
            let journal = run.journal();
            let mut notes = record.timeline.iter().skip(self.seen.notes);
            for at in self.seen.journal..journal.len() {
                let entry = &journal[at];
                // The reasons up to the end of the step before.
                let before = at.checked_sub(1).and_then(|at| journal.get(at));
                let is_last = |what: &str| before.is_none_or(|before| what.starts_with(&format!("{}: {} → ", before.place.state, before.place.action)));
                if before.is_none_or(|before| before.outcome.is_some()) {
                    for line in notes.by_ref() {
                        self.story.tell(self.now, Who::Why, line.what.clone());
                        if is_last(&line.what) {
                            break;
                        }
                    }
                }
                self.story.tell(self.now, Who::Flow, format!("state {}", entry.place.state));
                if !entry.effect.is_empty() {
                    self.story.tell(self.now, Who::Flow, entry.effect.clone());
                }
                self.seen.place = Some(entry.place.clone());
            }
            for line in notes {
                self.story.tell(self.now, Who::Why, line.what.clone());
            }
            self.seen.journal = journal.len();
            self.seen.notes = record.timeline.len();
        }
        self.seen.excuse = Some(self.excuse());
    }

    /// Why it may be silent now.
    fn excuse(&self) -> Excuse {
        let place = self.run().map(Run::where_am_i);
        let action = place.as_ref().map_or("", |place| &*place.action);
        let is_meant = self.caller.stands == CallerStands::Ringing
            || self.books.is_recording()
            || matches!(action, "pause" | "conference")
            || self.devices.iter().any(|device| device.stands == Stands::Talking);
        if is_meant {
            Excuse::Meant
        } else if matches!(action, "menu" | "collect" | "hear") {
            Excuse::Listening
        } else {
            Excuse::Nothing
        }
    }
}

impl std::fmt::Debug for Offline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Offline({} after {:?}, in {:?})", self.exchange.call, self.elapsed(), self.state())
    }
}

fn plan(flows: &flow::FlowSet, options: &Options, call: CallId) -> Plan {
    let line = flow::Line {
        id: call.to_string(),
        connection: options.connection.as_ref().map(ToString::to_string),
        number: options.dialled.clone(),
        mailbox: options.mailbox.as_ref().map(ToString::to_string),
        started: options.start.unix,
    };
    let facts = flow::CallFacts {
        caller: options.caller.clone(),
        line,
        settings: options.settings.clone(),
        secrets: options.secrets.clone(),
    };
    // Who is said to call as a connection is it, and has the mailbox of its name.
    let connection = options.caller.connection.as_deref().and_then(|name| Name::new(name).ok());
    let own_mailbox = connection.clone().filter(|name| options.mailboxes.contains_key(name));
    let origin = connection.map_or(Origin::Unknown, Origin::Connection);
    Plan {
        flows: flows.clone(),
        flow: options.flow.clone(),
        facts,
        realm: options.realm.clone(),
        connection: options.connection.clone(),
        origin,
        length_max: options.length_max,
        silence: switchboard::limits::SILENCE,
        own_mailbox,
        codecs: Codecs::ranked(vec![Codec::Pcmu]),
        dtmf: terms::Dtmf::default(),
        opus_complexity: audio::OPUS_COMPLEXITY,
        srtp: terms::Srtp::Off,
        media_secret: Secret::default(),
        mailboxes: options.mailboxes.clone(),
    }
}
