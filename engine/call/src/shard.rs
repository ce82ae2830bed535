//! A shard: many calls on one thread, and the [`Wheel`] that tells which of them is due when.

use crate::{
    filler::Fillers,
    call::{Call, Turn},
    diary::Keeping,
    door::{CallRecord, LegEvent, Output, Seat, Sockets, ToFront, ToShard},
    limits::EXPECTED_MAX,
    meet::Parcel,
    room::Rooms,
    wheel::Wheel,
};
use media::{Haste, SentBack, Wire};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};
use terms::{CallId, LegId, Now};

/// Counts for metrics and console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounts {
    /// Calls that stand now.
    pub calls: usize,
    /// Calls since birth.
    pub begun: u64,
    /// Calls that are in a room now.
    pub in_rooms: usize,
    /// Calls that were here or are expected, and sit in another shard.
    pub elsewhere: usize,
}

/// A call that is known here but sits in another shard.
enum Elsewhere {
    /// It was here and went to that shard: what still comes is passed on.
    Gone(usize),
    /// It is on its way here: what comes waits for it, in order.
    Coming(VecDeque<ToShard>),
}

/// A call that stands, as a stage or a console looks at it.
#[derive(Clone, Copy, Debug)]
pub struct CallLook<'a> {
    /// Its flow: where it is, what it did.
    pub run: &'a flow::Run,
    /// Its record so far.
    pub record: &'a CallRecord,
}

/// Many calls on one thread. Sans-IO: the shell hands in what came and carries out [`Shard::poll_output`].
pub struct Shard {
    seats: Vec<Option<Box<Call>>>,
    free: Vec<u32>,
    by_id: HashMap<CallId, Seat>,
    elsewhere: HashMap<CallId, Elsewhere>,
    rooms: Rooms,
    wheel: Wheel,
    /// Who is served in this turn; empty between turns.
    due: Vec<Seat>,
    out: VecDeque<Output>,
    begun: u64,
    /// Runs of calls that are over, where somebody wants them.
    runs: Option<VecDeque<(CallId, flow::Run)>>,
    fillers: Arc<Fillers>,
    keeping: Option<Keeping>,
}

impl Shard {
    /// An empty shard; `now` is where its wheel begins.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            seats: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            elsewhere: HashMap::new(),
            rooms: Rooms::default(),
            wheel: Wheel::new(now),
            due: Vec::new(),
            out: VecDeque::new(),
            begun: 0,
            runs: None,
            fillers: Arc::new(Fillers::new(audio::music::hold_prompt())),
            keeping: None,
        }
    }

    /// The same, but the flow runs of calls that are over wait for [`Shard::take_run`]: for stages that look back, never for a
    /// server, whose memory they would fill.
    #[must_use]
    pub fn keeping_runs(self) -> Self {
        Self { runs: Some(VecDeque::new()), ..self }
    }

    /// Which new calls are kept as bundles ([`Output::Bundle`]); at first none, which costs nothing.
    pub const fn keep_bundles(&mut self, keeping: Option<Keeping>) {
        self.keeping = keeping;
    }

    /// What callers of new calls hear instead of a silence nobody meant, looped; at first the built-in hold music.
    pub fn set_fillers(&mut self, fillers: Arc<Fillers>) {
        self.fillers = fillers;
    }

    /// Something came from the front or the clerk. What is for a call that is over is dropped; its requests are answered 481.
    pub fn handle(&mut self, input: ToShard, now: Now, sockets: &mut dyn Sockets) {
        let Some(input) = self.pass_on(input) else { return };
        match input {
            ToShard::New(new) => {
                let seat = self.take_seat();
                self.by_id.insert(new.id, seat);
                self.begun += 1;
                let call = Call::new(new, seat, Arc::clone(&self.fillers), self.keeping, now);
                self.put(seat, Box::new(call));
                self.after(seat, now);
            }
            ToShard::Leg { call, leg, event } => {
                let is_known = self.by_id.contains_key(&call);
                if is_known {
                    self.with(call, now, sockets, |call, wire| call.leg_event(leg, event, now, wire));
                } else if let LegEvent::Request { transaction, request, .. } = event {
                    let response = request.respond(481, "");
                    self.out.push_back(Output::Front(ToFront::Respond { transaction, response }));
                }
            }
            // Said even of a call that is over: the other shard waits for word.
            ToShard::HandOver { call, to } => self.out.push_back(Output::HandOver { call, to }),
            ToShard::Expect { call } => {
                self.elsewhere.insert(call, Elsewhere::Coming(VecDeque::new()));
            }
            ToShard::Forget { call } => {
                self.elsewhere.remove(&call);
            }
            ToShard::Answer { call, ticket, answer } => {
                self.with(call, now, sockets, |call, wire| call.answer(ticket, answer, now, wire));
            }
            ToShard::Command { call, command } => {
                self.with(call, now, sockets, |call, wire| call.command(&command, now, wire));
            }
        }
    }

    /// What is for a call that sits elsewhere goes there, or waits until it is here.
    fn pass_on(&mut self, input: ToShard) -> Option<ToShard> {
        if matches!(input, ToShard::New(_) | ToShard::Expect { .. } | ToShard::Forget { .. }) {
            return Some(input);
        }
        match self.elsewhere.get_mut(&input.call()) {
            None => return Some(input),
            Some(Elsewhere::Gone(to)) => self.out.push_back(Output::Forward { to: *to, message: input }),
            Some(Elsewhere::Coming(waiting)) if waiting.len() < EXPECTED_MAX => waiting.push_back(input),
            Some(Elsewhere::Coming(_)) => tracing::error!("a call that is expected does not come: a message is lost"),
        }
        None
    }

    /// Takes a call out, for [`Output::HandOver`]; `None` when it is over. Its sockets are found by [`Parcel::seat`].
    pub fn release(&mut self, call: CallId, to: usize) -> Option<Parcel> {
        let seat = self.by_id.remove(&call)?;
        let call_value = self.seats.get_mut(seat.0 as usize)?.take()?;
        self.rooms.leave(seat, None);
        self.free.push(seat.0);
        self.elsewhere.insert(call, Elsewhere::Gone(to));
        Some(Parcel { seat, call: call_value })
    }

    /// A call that was expected is here (or is over): answers its new seat, to which the shell moves its sockets before it says
    /// [`Shard::adopted`].
    pub fn adopt(&mut self, parcel: Option<Parcel>) -> Option<Seat> {
        let Parcel { mut call, .. } = parcel?;
        let seat = self.take_seat();
        call.take_seat(seat);
        self.by_id.insert(call.id(), seat);
        self.put(seat, call);
        Some(seat)
    }

    /// The sockets of a call that came are here, too: it goes on, with what waited for it.
    pub fn adopted(&mut self, call: CallId, now: Now, sockets: &mut dyn Sockets) {
        if let Some(Elsewhere::Coming(waiting)) = self.elsewhere.remove(&call) {
            for input in waiting {
                self.handle(input, now, sockets);
            }
        }
        self.with(call, now, sockets, |call, wire| _ = call.handle_timeout(now, wire));
    }

    /// The answer to [`Output::OpenMedia`]: the address to advertise for RTP, or `None` when no ports are left.
    pub fn media_opened(&mut self, seat: Seat, leg: LegId, address: Option<SocketAddr>, now: Now, sockets: &mut dyn Sockets) {
        self.with_seat(seat, now, sockets, |call, wire| call.media_opened(leg, address, now, wire));
    }

    /// Brings calls' media near the processor, for packets that are handed in soon. Harmless for a seat that is empty.
    pub fn fetch(&self, seats: impl Iterator<Item = Seat> + Clone) {
        for seat in seats.clone() {
            std::hint::black_box(self.call(seat).map(Call::glance));
        }
        for seat in seats {
            if let Some(call) = self.call(seat) {
                call.fetch();
            }
        }
    }

    /// A datagram on a leg's RTP or RTCP socket. Answers how soon the call wants the next.
    pub fn packet(
        &mut self,
        (seat, leg, is_rtcp): (Seat, LegId, bool),
        from: SocketAddr,
        packet: &[u8],
        now: Now,
        sockets: &mut dyn Sockets,
    ) -> Haste {
        self.turn(seat, now, sockets, |call, wire| call.packet(leg, is_rtcp, from, packet, now, wire));
        if self.rooms.len() > 0 {
            self.rooms.pass(seat, now, &mut self.seats, sockets);
        }
        self.call(seat).map_or(Haste::Patient, Call::haste)
    }

    /// A host says that `target`, where a leg's RTP is sent, is closed (ICMP port unreachable).
    pub fn unreachable(&mut self, (seat, leg): (Seat, LegId), told: SentBack, now: Now) {
        if let Some(call) = self.seats.get_mut(seat.0 as usize).and_then(|place| place.as_deref_mut()) {
            call.unreachable(leg, told, now);
        }
    }

    /// Time passed: every call that is due has its turn. Answers how many had one.
    pub fn handle_timeout(&mut self, now: Now, sockets: &mut dyn Sockets) -> usize {
        if self.rooms.poll_timeout().is_some_and(|due| due <= now.at) {
            self.rooms.tick(now, &mut self.seats, sockets);
            while let Some(seat) = self.rooms.poll_stirred() {
                self.with_seat(seat, now, sockets, |call, wire| call.stirred(now, wire));
            }
        }
        // All are looked at before any is served: so their memory is fetched side by side, not one wait after another.
        let mut due = std::mem::take(&mut self.due);
        while let Some(seat) = self.wheel.pop_due(now.at) {
            due.push(seat);
        }
        self.fetch(due.iter().copied());
        let turns = due.len();
        for seat in due.drain(..) {
            self.turn(seat, now, sockets, |call, wire| call.handle_timeout(now, wire));
        }
        self.due = due;
        turns
    }

    /// When [`Shard::handle_timeout`] is next worth calling; `None` without calls.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let calls = if self.by_id.is_empty() { None } else { self.wheel.next() };
        calls.into_iter().chain(self.rooms.poll_timeout()).min()
    }

    /// What to do next; drain to `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Counts for metrics and console.
    #[must_use]
    pub fn snapshot(&self) -> ShardCounts {
        ShardCounts { calls: self.by_id.len(), begun: self.begun, in_rooms: self.rooms.len(), elsewhere: self.elsewhere.len() }
    }

    /// Every call that stands.
    pub fn calls(&self) -> impl Iterator<Item = CallId> {
        self.seats.iter().flatten().map(|call| call.id())
    }

    /// One call that stands.
    #[must_use]
    pub fn look(&self, call: CallId) -> Option<CallLook<'_>> {
        self.by_id.get(&call).and_then(|seat| self.call(*seat)).map(Call::look)
    }

    /// The next run of a call that is over; see [`Shard::keeping_runs`].
    pub fn take_run(&mut self) -> Option<(CallId, flow::Run)> {
        self.runs.as_mut().and_then(VecDeque::pop_front)
    }

    fn take_seat(&mut self) -> Seat {
        if let Some(seat) = self.free.pop() {
            return Seat(seat);
        }
        self.seats.push(None);
        Seat(u32::try_from(self.seats.len() - 1).unwrap_or(u32::MAX))
    }

    fn put(&mut self, seat: Seat, call: Box<Call>) {
        if let Some(place) = self.seats.get_mut(seat.0 as usize) {
            *place = Some(call);
        }
    }

    fn call(&self, seat: Seat) -> Option<&Call> {
        self.seats.get(seat.0 as usize).and_then(|place| place.as_deref())
    }

    fn with(&mut self, call: CallId, now: Now, sockets: &mut dyn Sockets, act: impl FnOnce(&mut Call, &mut dyn Wire)) {
        if let Some(seat) = self.by_id.get(&call).copied() {
            self.with_seat(seat, now, sockets, act);
        }
    }

    fn with_seat(&mut self, seat: Seat, now: Now, sockets: &mut dyn Sockets, act: impl FnOnce(&mut Call, &mut dyn Wire)) {
        let Some(Some(call)) = self.seats.get_mut(seat.0 as usize) else { return };
        act(call, &mut CallWire { seat, sockets });
        self.after(seat, now);
        self.pass_keys(now, sockets);
    }

    /// Keys that somebody pressed in a room for two go to the other there.
    fn pass_keys(&mut self, now: Now, sockets: &mut dyn Sockets) {
        while let Some((seat, digit, way)) = self.rooms.poll_key() {
            self.with_seat(seat, now, sockets, |call, wire| call.key_from_other(digit, way, now, wire));
        }
    }

    /// A turn that may be a quiet one.
    fn turn(&mut self, seat: Seat, now: Now, sockets: &mut dyn Sockets, act: impl FnOnce(&mut Call, &mut dyn Wire) -> Turn) {
        let Some(Some(call)) = self.seats.get_mut(seat.0 as usize) else { return };
        match act(call, &mut CallWire { seat, sockets }) {
            Turn::Quiet(Some(due)) => self.wheel.put(seat, due),
            Turn::Quiet(None) => {}
            Turn::Whole => {
                self.after(seat, now);
                self.pass_keys(now, sockets);
            }
        }
    }

    /// After each whole turn of a call: its outputs, its next deadline, its end.
    fn after(&mut self, seat: Seat, now: Now) {
        let Some(Some(call)) = self.seats.get_mut(seat.0 as usize) else { return };
        while let Some(output) = call.poll_output() {
            self.out.push_back(output);
        }
        while let Some(act) = call.poll_room() {
            self.rooms.act(seat, act, call, now);
        }
        if call.is_over() {
            let id = call.id();
            if let (Some(runs), Some(call)) = (&mut self.runs, self.seats[seat.0 as usize].take()) {
                runs.push_back((id, call.into_run()));
            }
            self.rooms.leave(seat, None);
            self.seats[seat.0 as usize] = None;
            self.by_id.remove(&id);
            self.free.push(seat.0);
        } else if let Some(due) = call.poll_timeout() {
            self.wheel.put(seat, due);
        }
    }
}

/// A call's view of the shard's sockets.
pub(crate) struct CallWire<'a> {
    pub(crate) seat: Seat,
    pub(crate) sockets: &'a mut dyn Sockets,
}

impl Wire for CallWire<'_> {
    fn rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.sockets.rtp(self.seat, leg, to, packet);
    }
    fn rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.sockets.rtcp(self.seat, leg, to, packet);
    }
}
