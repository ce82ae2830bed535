//! One call: the actor. It owns its legs, its mixer and its flow run, and nobody else touches them.
//!
//! ```text
//!  Opening ── sockets there, offer taken ──▶ Flowing ── flow over, or the caller left ──▶ Ending ── all legs over ──▶ Over
//! ```
//! Whatever happened is turned into [`Event`]s for the action being done; its outcome goes to the flow, which names the
//! next effect; until nothing moves any more ([`Call::settle`]).

mod hearing;

use crate::{
    filler::Fillers,
    action::{self, Action, Begun, Event, Progress},
    desk::Desk,
    diary::{self, Diary, Keeping},
    door::{Answer, CallRecord, Command, Errand, LegEvent, NewCall, Output, Seat, Ticket, ToFront},
    leg::{Leg, News, warning},
    limits::{ENDING_WAIT, ERRAND_WAIT, MEDIA_WAIT},
    replay::{NO_SEAT, Script},
    room::RoomAct,
    shard::CallLook,
    silence::Watch,
    tape::Heard,
};
use flow::{Next, Run};
use media::{Haste, Mixer, SentBack, Wire};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};
use terms::{CallId, LegId, Now, Tongue};

/// Ticks of the mixer in one turn: one for what is due, the rest for players that begin because of it. What is left waits for
/// the next millisecond.
const TICKS_A_TURN: u32 = 4;

/// See the head of this file. What every tick touches comes first and lies together.
#[repr(C)]
pub(crate) struct Call {
    /// When time next decides anything but media, as it was after the last whole turn: media alone cannot change it.
    decision: Option<Instant>,
    stage: Stage,
    desk: Desk,
    run: Run,
    doing: Option<Box<dyn Action>>,
    /// A script is out: its ticket, and until when we wait for it.
    script: Option<(Ticket, Instant)>,
    silence: Watch,
    until: Instant,
}

/// What a turn of a call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Only media went on, nothing to tell: when to come back.
    Quiet(Option<Instant>),
    /// Something happened: outputs, rooms, deadlines and the call's end want a look.
    Whole,
}

enum Stage {
    /// The caller's sockets are being opened.
    Opening { new: Box<NewCall>, until: Instant },
    /// The flow runs.
    Flowing,
    /// The caller left; the flow may still have a word to say that needs no caller.
    Left,
    /// Everything is being ended; given up at the time.
    Ending { until: Instant },
    /// The record is out.
    Over,
}

impl Call {
    /// A new call: its first output asks for the caller's sockets. `fillers` are what breaks a silence nobody meant; `keeping`: whether
    /// it shall keep a diary.
    pub(crate) fn new(new: Box<NewCall>, seat: Seat, fillers: Arc<Fillers>, keeping: Option<Keeping>, now: Now) -> Self {
        let diary = keeping.map(|keeping| Diary::new(&new, keeping, now));
        let mut call = Self::begun(new, seat, fillers, now);
        call.desk.diary = diary;
        call
    }

    /// A call that is run again: what its media told is handed in turn by turn ([`Call::script_mut`]).
    pub(crate) fn played(new: Box<NewCall>, fillers: Arc<Fillers>, now: Now) -> Self {
        let mut call = Self::begun(new, NO_SEAT, fillers, now);
        call.desk.played = Some(Box::default());
        call
    }

    fn begun(new: Box<NewCall>, seat: Seat, fillers: Arc<Fillers>, now: Now) -> Self {
        let record = blank_record(&new, now);
        let run = Run::start(new.plan.flows.clone(), &new.plan.flow, new.plan.facts.clone());
        let hops = new.invite.headers.max_forwards().unwrap_or(70).saturating_sub(1);
        let hops = u8::try_from(hops).unwrap_or(u8::MAX).min(70);
        let mut desk = Desk::new(seat, new.plan.clone(), new.seed, (hops, new.invite.uri.clone()), fillers, record, now);
        desk.note(now, format!("call from {} to {}: flow {}", desk.record.from, desk.record.to, desk.record.flow));
        desk.output(Output::OpenMedia { seat, leg: LegId::CALLER });
        let (until, silence) = (now.at + new.plan.length_max, new.plan.silence);
        let stage = Stage::Opening { new, until: now.at + MEDIA_WAIT };
        Self { desk, run, stage, doing: None, script: None, silence: Watch::new(silence), until, decision: None }
    }

    pub(crate) const fn id(&self) -> CallId {
        self.desk.id
    }

    /// What others may see of it.
    pub(crate) const fn look(&self) -> CallLook<'_> {
        CallLook { run: &self.run, record: &self.desk.record }
    }

    /// What its flow did.
    pub(crate) fn into_run(self) -> Run {
        self.run
    }

    /// What it wants next of its shard's rooms.
    pub(crate) fn poll_room(&mut self) -> Option<RoomAct> {
        self.desk.room_acts.pop_front()
    }

    pub(crate) const fn mixer(&self) -> &Mixer {
        &self.desk.mixer
    }

    pub(crate) const fn mixer_mut(&mut self) -> &mut Mixer {
        &mut self.desk.mixer
    }

    /// It sits elsewhere now.
    pub(crate) const fn take_seat(&mut self, seat: Seat) {
        self.desk.seat = seat;
    }

    /// Its room's clock has let it hear something: what follows from that.
    pub(crate) fn stirred(&mut self, now: Now, wire: &mut dyn Wire) {
        self.note_turn(bundle::Input::Media, now);
        self.settle(now, wire);
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// What it was told when it was real.
    pub(crate) fn script_mut(&mut self) -> Option<&mut Script> {
        self.desk.played.as_deref_mut()
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        match self.desk.poll_output() {
            Some(output) => {
                if let Some(diary) = &mut self.desk.diary {
                    diary.said(&output);
                }
                Some(output)
            }
            None if self.is_over() => self.close_diary(),
            None => None,
        }
    }

    fn close_diary(&mut self) -> Option<Output> {
        let diary = self.desk.diary.take()?;
        let draft = diary.close(&self.run, &self.desk.plan.flows, &self.desk.record, self.trouble())?;
        Some(Output::Bundle(draft))
    }

    /// What went wrong in it, if anything did.
    fn trouble(&self) -> Option<String> {
        let record = &self.desk.record;
        if let Some(trouble) = self.run.trouble() {
            return Some(trouble.to_owned());
        }
        let is_lost = ["no ACK", "lost:", "the flow failed"].iter().any(|word| record.ended_by.contains(word));
        if (500..600).contains(&record.status) || is_lost {
            return Some(format!("{} {}", record.status, record.ended_by));
        }
        self.silence.has_filled().then(|| "a filler had to play".to_owned())
    }

    /// When time decides next, media included; to be asked after each whole turn.
    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        self.decision = self.next_decision();
        self.due()
    }

    fn next_decision(&self) -> Option<Instant> {
        let own = match &self.stage {
            Stage::Opening { until, .. } | Stage::Ending { until } => Some(*until),
            Stage::Flowing | Stage::Left => Some(self.until),
            Stage::Over => return None,
        };
        let script = self.script.map(|(_, until)| until);
        let doing = self.doing.as_ref().and_then(|action| action.poll_timeout());
        let legs = self.desk.poll_leg_timeout();
        [own, script, doing, legs, self.silence.poll_timeout()].into_iter().flatten().min()
    }

    /// The same as it was after the last whole turn, with media as it is.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        self.decision.into_iter().chain(self.desk.mixer.poll_timeout()).min()
    }

    /// How soon it wants the next packet.
    pub(crate) fn haste(&self) -> Haste {
        self.desk.mixer.haste()
    }

    /// A word of its beginning: to be asked of many calls in a row, before [`Call::fetch`] follows what stands there.
    pub(crate) fn glance(&self) -> (Option<Instant>, usize) {
        (self.decision, self.desk.mixer.glance())
    }

    /// Brings what a tick or a packet touches near the processor.
    pub(crate) fn fetch(&self) {
        std::hint::black_box(self.desk.diary.is_some());
        self.desk.mixer.fetch_memory();
    }

    /// Whether nothing happened that anybody but the mixer must know by `now`.
    fn is_quiet(&self, now: Now) -> bool {
        // A call that is run again has its events from elsewhere.
        self.desk.played.is_none() && !self.desk.mixer.has_events() && self.decision.is_some_and(|due| due > now.at)
    }

    // --- inputs -------------------------------------------------------------------------------------------------

    /// A turn of time or media: the diary has it only when something happens in it.
    fn note_turn(&mut self, input: bundle::Input, now: Now) {
        if self.desk.diary.is_none() {
            return;
        }
        let is_due = self.decision.is_none_or(|due| due <= now.at);
        if let Some(diary) = &mut self.desk.diary {
            if is_due { diary.turn(input, now) } else { diary.quiet_turn(input, now) }
        }
    }

    fn is_secret(&self) -> bool {
        self.doing.as_ref().is_some_and(|action| action.is_secret())
    }

    /// A leg's sockets are open (or there are none to be had).
    pub(crate) fn media_opened(&mut self, leg: LegId, address: Option<SocketAddr>, now: Now, wire: &mut dyn Wire) {
        if let Some(diary) = &mut self.desk.diary {
            diary.turn(bundle::Input::Sockets { leg: leg.0, address }, now);
        }
        if leg == LegId::CALLER {
            if let Stage::Opening { new, .. } = std::mem::replace(&mut self.stage, Stage::Flowing) {
                self.open(&new, address, now);
            }
        } else if let Some(address) = address {
            if !self.desk.dial_opened(leg, address) {
                self.desk.output(Output::CloseMedia { seat: self.desk.seat, leg });
            }
        } else {
            self.desk.note(now, format!("{leg}: no ports left"));
            self.desk.dial_failed(leg);
            self.tell(Event::NoMedia(leg), now);
        }
        self.settle(now, wire);
    }

    fn open(&mut self, new: &NewCall, address: Option<SocketAddr>, now: Now) {
        let refused = match address {
            None => (503, "no ports left".to_owned()),
            Some(address) => match Leg::incoming(new, address, self.desk.chance.next_u64() >> 2) {
                Ok(leg) => {
                    self.desk.seat_leg(leg);
                    let next = self.run.next(None, now);
                    self.proceed(next, now);
                    return;
                }
                Err(refused) => (refused.code, refused.why),
            },
        };
        let (code, why) = refused;
        self.desk.note(now, format!("refused with {code}: {why}"));
        self.desk.record.status = code;
        self.desk.record.ended_by = why;
        let mut response = new.invite.respond(code, "");
        response.headers.push_named("Warning", warning(&self.desk.record.ended_by));
        response.set_to_tag(&new.local_tag);
        self.desk.tell_front(ToFront::Respond { transaction: new.transaction, response });
        self.desk.output(Output::CloseMedia { seat: self.desk.seat, leg: LegId::CALLER });
        self.stage = Stage::Ending { until: now.at + ENDING_WAIT };
    }

    /// Signalling for a leg.
    pub(crate) fn leg_event(&mut self, leg: LegId, event: LegEvent, now: Now, wire: &mut dyn Wire) {
        let is_secret = self.is_secret();
        if let Some(diary) = &mut self.desk.diary {
            diary.turn(diary::leg_input(leg, &event, is_secret), now);
        }
        if let (Stage::Opening { new, .. }, LegEvent::Cancelled) = (&self.stage, &event) {
            let mut response = new.invite.respond(487, "");
            response.set_to_tag(&new.local_tag);
            let transaction = new.transaction;
            self.desk.tell_front(ToFront::Respond { transaction, response });
            self.desk.record.status = 487;
            self.desk.record.ended_by = "cancelled".into();
            self.desk.output(Output::CloseMedia { seat: self.desk.seat, leg: LegId::CALLER });
            self.stage = Stage::Ending { until: now.at };
        }
        match event {
            LegEvent::Request { transaction, request, .. } => {
                let heard = self.desk.with_leg(leg, |leg, out| leg.request(transaction, &request, now.at, out));
                if heard.is_none() {
                    let response = request.respond(481, "");
                    self.desk.tell_front(ToFront::Respond { transaction, response });
                }
            }
            LegEvent::Ack(request) => {
                self.desk.with_leg(leg, |leg, out| leg.acknowledged(&request, now.at, out));
            }
            LegEvent::Cancelled => {
                self.desk.with_leg(leg, Leg::cancelled);
            }
            LegEvent::Response { response, .. } => {
                self.desk.with_leg(leg, |leg, out| leg.response(&response, now.at, out));
            }
            LegEvent::Failed { method, why } => {
                self.desk.with_leg(leg, |leg, out| leg.failed(&method, why, now.at, out));
            }
        }
        self.settle(now, wire);
    }

    /// An errand is done.
    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer, now: Now, wire: &mut dyn Wire) {
        if let Some(diary) = &mut self.desk.diary {
            diary.turn(diary::answer_input(ticket, &answer), now);
        }
        match self.desk.tape_answered(ticket, answer, now) {
            Heard::NotMine(answer) => self.answered(ticket, answer, now),
            Heard::Taken => {}
            Heard::Saved(result) => self.tell(Event::TapeSaved(result), now),
        }
        self.settle(now, wire);
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer, now: Now) {
        match answer {
            Answer::Script(reply) => {
                if self.script.is_some_and(|(asked, _)| asked == ticket) {
                    self.script = None;
                    let next = self.run.resume(*reply, now);
                    self.proceed(next, now);
                }
            }
            answer @ (Answer::Prompt(_)
            | Answer::Http(_)
            | Answer::Mailbox(_)
            | Answer::Messages(_)
            | Answer::Pin(_)
            | Answer::ReferTo(_)
            | Answer::SpoolBegun(_)
            | Answer::SpoolFinished(_)
            | Answer::Queued(_)
            | Answer::Located(_)
            | Answer::Met(_)) => self.tell(Event::Answer(ticket, answer), now),
        }
    }

    /// An order from outside.
    pub(crate) fn command(&mut self, command: &Command, now: Now, wire: &mut dyn Wire) {
        match command {
            Command::HangUp { why } => {
                if let Some(diary) = &mut self.desk.diary {
                    diary.turn(bundle::Input::HangUp { why: why.to_string() }, now);
                }
                if matches!(self.stage, Stage::Flowing | Stage::Left) {
                    self.finish_action(now);
                    self.end_all(480, None, why, now);
                }
            }
        }
        self.settle(now, wire);
    }

    /// A datagram on a leg's RTP (or RTCP) socket.
    pub(crate) fn packet(&mut self, leg: LegId, is_rtcp: bool, from: SocketAddr, packet: &[u8], now: Now, wire: &mut dyn Wire) -> Turn {
        self.note_turn(bundle::Input::Media, now);
        if is_rtcp {
            self.desk.mixer.handle_rtcp(leg, from, packet, now.at, wire);
        } else {
            self.desk.mixer.handle_rtp(leg, from, packet, now.at, wire);
        }
        // Nearly every packet of a call: sound that was relayed or waits to be decoded.
        if self.is_quiet(now) {
            return Turn::Quiet(self.due());
        }
        self.settle(now, wire);
        Turn::Whole
    }

    /// A host says that nobody listens where a leg's RTP is sent. It is looked at with the leg's next report.
    pub(crate) fn unreachable(&mut self, leg: LegId, told: SentBack, now: Now) {
        self.desk.mixer.unreachable(leg, told, now.at);
    }

    /// Time passed; harmless when early.
    pub(crate) fn handle_timeout(&mut self, now: Now, wire: &mut dyn Wire) -> Turn {
        self.note_turn(bundle::Input::Time, now);
        if self.is_media_due(now) {
            self.desk.mixer.tick(now.at, wire);
        }
        // Nearly every tick of a call.
        if self.is_quiet(now) {
            return Turn::Quiet(self.due());
        }
        self.decide(now, wire);
        Turn::Whole
    }

    /// Does what is due beside media.
    fn decide(&mut self, now: Now, wire: &mut dyn Wire) {
        if self.desk.poll_leg_timeout().is_some_and(|due| due <= now.at) {
            self.desk.leg_timeouts(now);
        }
        if self.doing.as_ref().and_then(|action| action.poll_timeout()).is_some_and(|due| due <= now.at) {
            self.tell(Event::Time, now);
        }
        if self.script.is_some_and(|(_, until)| until <= now.at) {
            self.script = None;
            let next = self.run.failed("the script did not come back", now);
            self.proceed(next, now);
        }
        match &self.stage {
            Stage::Opening { until, .. } if *until <= now.at => self.media_late(now),
            Stage::Ending { until } if *until <= now.at => self.over(now, wire),
            Stage::Flowing | Stage::Left if self.until <= now.at => {
                self.finish_action(now);
                self.end_all(480, None, "the longest call allowed is over", now);
            }
            Stage::Opening { .. } | Stage::Ending { .. } | Stage::Flowing | Stage::Left | Stage::Over => {}
        }
        self.settle(now, wire);
    }

    fn media_late(&mut self, now: Now) {
        if let Stage::Opening { new, .. } = std::mem::replace(&mut self.stage, Stage::Flowing) {
            self.open(&new, None, now);
        }
    }

    // --- moving on ----------------------------------------------------------------------------------------------

    /// Lets everything that happened have its consequences, until nothing moves any more.
    fn settle(&mut self, now: Now, wire: &mut dyn Wire) {
        let mut ticks = 0;
        loop {
            while let Some(event) = self.poll_media(now) {
                self.heard(event, now);
            }
            if let Some((leg, news)) = self.next_news() {
                self.leg_news(leg, news, now);
                self.next_round();
                continue;
            }
            self.watch(now);
            // A player that just began wants its first packet out at once.
            if ticks < TICKS_A_TURN && self.is_media_due(now) {
                ticks += 1;
                self.desk.mixer.tick(now.at, wire);
                self.next_round();
                continue;
            }
            if !self.desk.played.as_mut().is_some_and(|script| script.goes_on()) {
                break;
            }
        }
        self.desk.sweep_legs(now, wire);
        if matches!(self.stage, Stage::Ending { .. }) && !self.desk.has_open_legs() && self.doing.is_none() {
            self.over(now, wire);
        }
    }

    /// What the media tells next: the mixer, or what it told when the call was real.
    fn poll_media(&mut self, now: Now) -> Option<media::Event> {
        if let Some(script) = &mut self.desk.played {
            return script.poll_event(&mut self.desk.mixer, now.at);
        }
        let event = self.desk.mixer.poll_event()?;
        if self.desk.diary.is_some() {
            let is_secret = self.is_secret();
            if let Some(diary) = &mut self.desk.diary {
                diary.saw(&event, is_secret);
            }
        }
        Some(event)
    }

    fn next_round(&mut self) {
        if let Some(diary) = &mut self.desk.diary {
            diary.next_round();
        }
        if let Some(script) = &mut self.desk.played {
            script.next_round();
        }
    }

    /// A call that is run again hears nothing.
    fn is_media_due(&self, now: Now) -> bool {
        self.desk.played.is_none() && self.desk.mixer.poll_timeout().is_some_and(|due| due <= now.at)
    }

    fn next_news(&mut self) -> Option<(LegId, News)> {
        self.desk.poll_news()
    }

    /// A leg tells something.
    fn leg_news(&mut self, leg: LegId, news: News, now: Now) {
        match (leg, news) {
            (leg, News::Digit(digit)) => self.desk.mixer.inject(leg, digit, now.at),
            (leg, News::KeysSent) => self.tell(Event::KeysSent(leg), now),
            (leg, News::Media(agreement)) => {
                self.desk.set_stream(leg, &agreement, now);
                self.tell(Event::Leg(leg, News::Media(agreement)), now);
            }
            (LegId::CALLER, News::Cancelled) => {
                self.desk.record.status = 487;
                self.caller_left("the caller cancelled", now);
            }
            (LegId::CALLER, News::HungUp { reason }) => self.caller_left(&format!("the caller: {reason}"), now),
            (LegId::CALLER, News::Refused { .. } | News::Ringing | News::Early(_) | News::Answered(_)) => {}
            (leg, news) => self.tell(Event::Leg(leg, news), now),
        }
    }

    /// Tells the action being done, and takes its outcome on.
    fn tell(&mut self, event: Event, now: Now) {
        let Some(mut action) = self.doing.take() else { return };
        let progress = action.handle(event, &mut self.desk, now);
        match progress {
            Progress::Going => self.doing = Some(action),
            done @ (Progress::Done(_) | Progress::Failed(_)) => self.concluded(done, now),
        }
    }

    /// An action is done: what next?
    fn concluded(&mut self, progress: Progress, now: Now) {
        match self.stage {
            Stage::Flowing | Stage::Left => {}
            Stage::Opening { .. } | Stage::Ending { .. } | Stage::Over => return,
        }
        if let (true, Progress::Done(outcome)) = (self.desk.is_sent_away, &progress) {
            // The flow hears of it, and may go on with what needs no caller.
            let outcome = outcome.clone();
            self.stage = Stage::Left;
            self.desk.stop_tape(now);
            let next = self.run.without_caller(outcome, now);
            return self.proceed(next, now);
        }
        if matches!(self.stage, Stage::Flowing) && !self.desk.has_caller() {
            // The action outlived the caller (a message being saved): now the flow's last word.
            self.last_word(now);
            return;
        }
        let next = match progress {
            Progress::Going => return,
            Progress::Done(outcome) => {
                let outcome_name = outcome.name.clone();
                let place = self.run.where_am_i();
                self.desk.note(now, format!("{}: {} → {outcome_name}", place.state, place.action));
                self.run.next(Some(outcome), now)
            }
            Progress::Failed(what) => {
                self.desk.note(now, format!("failed: {what}"));
                self.run.failed(&what, now)
            }
        };
        self.proceed(next, now);
    }

    /// Does what the flow wants next; effects that are done at once follow each other here.
    fn proceed(&mut self, next: Next, now: Now) {
        let mut next = next;
        loop {
            match next {
                Next::Script(job) => {
                    let ticket = self.desk.ask(Errand::Script(job));
                    self.script = Some((ticket, now.at + ERRAND_WAIT));
                    return;
                }
                Next::End(end) => {
                    let why = match end {
                        flow::End::Finished => "the flow ended".to_owned(),
                        flow::End::CallerLeft => return self.end_all(487, None, "", now),
                        flow::End::Failed(what) => format!("the flow failed: {what}"),
                    };
                    return self.end_all(480, None, &why, now);
                }
                Next::Effect(effect) => {
                    self.walked(effect.action());
                    self.note_mailbox(&effect);
                    self.desk.tongue = Tongue::of(self.run.language());
                    next = match action::begin(effect, &mut self.desk, now) {
                        Begun::Going(action) => {
                            self.doing = Some(action);
                            return;
                        }
                        Begun::End { code, reason } => {
                            let why = if code == 480 { "the flow hung up" } else { "the flow refused" };
                            return self.end_all(code, reason.as_deref(), why, now);
                        }
                        Begun::At(Progress::Done(outcome)) => self.run.next(Some(outcome), now),
                        Begun::At(Progress::Failed(what)) => {
                            self.desk.note(now, format!("failed: {what}"));
                            self.run.failed(&what, now)
                        }
                        Begun::At(Progress::Going) => return,
                    };
                }
            }
        }
    }

    /// The diary has every mailbox that the call has to do with.
    fn note_mailbox(&mut self, effect: &flow::Effect) {
        let Some(diary) = &mut self.desk.diary else { return };
        let left = if let flow::Effect::Voicemail(voicemail) = effect { Some(&voicemail.mailbox) } else { None };
        let heard = if let flow::Effect::Mailbox(mailbox) = effect { mailbox.mailbox.as_ref() } else { None };
        if let Some(mailbox) = left.or(heard).and_then(|name| self.desk.plan.mailboxes.get(name)) {
            diary.mailbox(mailbox);
        }
    }

    fn walked(&mut self, action: &str) {
        let place = self.run.where_am_i();
        tracing::debug!(call = %self.desk.id, state = place.state, action, "effect");
        if self.desk.record.path.last() != Some(&place.state) && self.desk.record.path.len() < crate::limits::TIMELINE_MAX {
            self.desk.record.path.push(place.state);
        }
    }

    /// The caller is gone: what must be kept is kept, everybody else is released, the flow has its last word.
    fn caller_left(&mut self, why: &str, now: Now) {
        if !matches!(self.stage, Stage::Flowing) {
            return;
        }
        self.desk.note(now, why.to_owned());
        self.desk.record.ended_by = why.to_owned();
        self.script = None;
        let progress = match &mut self.doing {
            Some(action) => action.caller_left(&mut self.desk, now),
            None => Progress::done("caller_left"),
        };
        if !matches!(progress, Progress::Going) {
            self.doing = None;
            self.last_word(now);
        }
    }

    fn last_word(&mut self, now: Now) {
        self.stage = Stage::Left;
        self.desk.stop_tape(now);
        let next = self.run.caller_left(now);
        self.proceed(next, now);
    }

    /// An order or the clock ends the call: the action keeps what must be kept.
    fn finish_action(&mut self, now: Now) {
        if let Some(action) = &mut self.doing
            && !matches!(action.caller_left(&mut self.desk, now), Progress::Going)
        {
            self.doing = None;
        }
    }

    /// Ends every leg.
    fn end_all(&mut self, code: u16, reason: Option<&str>, why: &str, now: Now) {
        if !why.is_empty() && self.desk.record.ended_by.is_empty() {
            self.desk.record.ended_by = why.to_owned();
            self.desk.note(now, why.to_owned());
        }
        if self.desk.record.status == 0 {
            self.desk.record.status = code;
        }
        self.desk.stop_tape(now);
        for leg in self.desk.leg_ids() {
            self.desk.end_leg(leg, code, reason, now);
        }
        self.stage = Stage::Ending { until: now.at + ENDING_WAIT };
    }

    /// The call is over: the last legs are dropped, the record goes out.
    fn over(&mut self, now: Now, wire: &mut dyn Wire) {
        self.doing = None;
        self.desk.stop_tape(now);
        while let Some(event) = self.poll_media(now) {
            self.desk.tape_hears(event, now);
        }
        self.desk.drop_legs(now, wire);
        self.desk.record.ended = now.unix;
        let record = Box::new(self.desk.record.clone());
        self.desk.tell_front(ToFront::Ended(record));
        self.stage = Stage::Over;
    }
}

fn blank_record(new: &NewCall, now: Now) -> CallRecord {
    CallRecord {
        id: new.id,
        realm: new.plan.realm.clone(),
        from: new.plan.facts.caller.number.clone(),
        to: new.plan.facts.line.number.clone(),
        connection: new.plan.connection.clone(),
        flow: new.plan.flow.clone(),
        version: new.plan.flows.version().to_owned(),
        began: now.unix,
        answered: None,
        ended: now.unix,
        ended_by: String::new(),
        status: 0,
        path: Vec::new(),
        timeline: Vec::new(),
        quality: Vec::new(),
        media: Vec::new(),
    }
}
