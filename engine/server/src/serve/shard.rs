//! A shard thread: a pure [`call::Shard`], its RTP sockets, and its clock.
//!
//! With few packets it sleeps until the next packet or deadline (lowest delay); with many it looks at
//! times, because waking for each packet costs more than the packet itself ([`Pace`]).

use super::{
    archive::{self, Polish},
    batch::{Arrival, Batch},
    clock,
    keeper::Keeper,
    pace::{Pace, Work},
    ports::Ports,
    pressure::{self, Pressure},
    shelf::Shelf,
    wiring::{Bell, Errands, FrontDoor, FrontIn, ScriptStep, ShardDoor, ShardIn},
};
use audio::Prompt;
use call::{Answer, Disposition, Errand, Keeping, Output, Shard, Ticket, ToFront, ToShard};
use flow::PromptItem;
use rustix::event::{Timespec, epoll};
use std::{
    collections::VecDeque,
    num::NonZeroU64,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, Instant},
};
use store::{Finished, LeftOver, RecordingMeta, SpoolWriter};
use terms::{CallId, MessageId, Now};

/// Events read from epoll at once.
const EVENTS: usize = 1_024;
/// Packets read from one socket in one turn, so that a flooded one cannot starve the others.
const BURST: usize = 4;
/// Values taken from the queue in one turn, so that media never waits for a burst of calls.
const INBOX_BURST: usize = 64;
/// Sockets with packets in one turn above which each is read once: what it has more comes in the next turn.
const CROWD: usize = 4;
/// Marks the bell in epoll.
const BELL: u64 = u64::MAX;
/// By how much the system may put a wake off, nanoseconds.
const TIMER_SLACK: Option<NonZeroU64> = NonZeroU64::new(1_000);
/// How soon it looks again at queues that had no room.
const SLOT: Duration = Duration::from_millis(1);
/// Recordings shorter than this are deleted when a crash left them.
const LEFT_OVER_MIN: Duration = Duration::from_secs(1);

/// What a shard thread is given.
pub(super) struct ShardThread {
    pub(super) index: usize,
    pub(super) inbox: Receiver<ShardIn>,
    pub(super) bell: Arc<Bell>,
    pub(super) own_door: ShardDoor,
    /// The doors of all shards, in their order.
    pub(super) doors: Vec<ShardDoor>,
    pub(super) front: FrontDoor,
    pub(super) errands: tokio::sync::mpsc::Sender<Errands>,
    pub(super) scripts: SyncSender<ScriptStep>,
    pub(super) spool: SpoolWriter,
    pub(super) fillers: Arc<call::Fillers>,
    /// Which calls are kept as bundles, and by whom.
    pub(super) keeping: Option<(Keeping, Keeper)>,
    pub(super) ports: Ports,
    /// The loudness of prompts, LUFS; `None`: sounds stay as they are.
    pub(super) loudness: Option<f32>,
    /// How much sound it keeps ready, bytes.
    pub(super) shelf_bytes: u64,
}

/// The thread's own belongings while it runs.
struct Running {
    with: ShardThread,
    /// When the shard's clock began.
    born: Instant,
    shard: Shard,
    shelf: Shelf,
    /// What the front's queue had no room for.
    to_front: VecDeque<ToFront>,
    /// What other shards are to get, in order: mostly nothing.
    to_shards: VecDeque<(usize, ShardIn)>,
    pressure: Pressure,
    /// What the front has not been told of it, its queue being full.
    untold: Option<bool>,
}

impl ShardThread {
    /// Runs until told to stop.
    pub(super) fn run(self) {
        let now = clock::now();
        let added = epoll::add(self.ports.epoll(), self.bell.fd(), epoll::EventData::new_u64(BELL), epoll::EventFlags::IN);
        if let Err(fault) = added {
            tracing::error!(%fault, "a shard cannot hear its bell");
            return;
        }
        // Else the system gathers wakes that are 50 µs apart: a quarter of what lies between two looks.
        if let Err(fault) = rustix::thread::set_current_timer_slack(TIMER_SLACK) {
            tracing::warn!(%fault, "a shard's timer stays coarse");
        }
        let mut shard = Shard::new(now.at);
        shard.set_fillers(Arc::clone(&self.fillers));
        shard.keep_bundles(self.keeping.as_ref().map(|(keeping, _)| *keeping));
        let shelf_bytes = self.shelf_bytes;
        let mut running = Running {
            with: self,
            born: now.at,
            shard,
            shelf: Shelf::new(shelf_bytes),
            to_front: VecDeque::new(),
            to_shards: VecDeque::new(),
            pressure: Pressure::new(now.at),
            untold: None,
        };
        running.turn_for_ever();
    }
}

impl Running {
    fn turn_for_ever(&mut self) {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS);
        let mut batch = Batch::new();
        let mut woke = self.born;
        let mut pace = Pace::new(woke);
        loop {
            let look = pace.next(woke);
            let planned = self.sleep(look, &mut events);
            let now = clock::now();
            self.watch_pressure(planned, now.at);
            let now = Pace::time_of(look, now);
            woke = now.at;
            let mut work = Work::default();
            self.read_packets(&events, &mut batch, &mut work, now);
            work.ticks(self.shard.handle_timeout(now, &mut self.with.ports));
            pace.did(work, now.at);
            self.drain(now);
            if !self.read_inbox(now) {
                return;
            }
            self.flush_front();
            self.flush_shards();
        }
    }

    /// Waits for packets, the bell, or the next deadline; while busy only for `look`, the next look. Fills `events`. Answers when it meant
    /// to wake.
    fn sleep(&mut self, look: Option<Instant>, events: &mut Vec<epoll::Event>) -> Option<Instant> {
        events.clear();
        let due = self.shard.poll_timeout();
        let now = clock::now().at;
        if let Some(look) = look {
            let pause = look.saturating_duration_since(now);
            if !pause.is_zero() {
                #[expect(clippy::disallowed_methods, reason = "the clock of a busy shard")]
                std::thread::sleep(pause);
            }
            self.poll(Some(Duration::ZERO), events);
            return pressure::meant(due, now, Some(pause));
        }
        let wait = due.map(|due| due.saturating_duration_since(now));
        let nap_max = if self.to_front.is_empty() && self.to_shards.is_empty() { self.pressure.nap_max() } else { Some(SLOT) };
        let wait = nap_max.map_or(wait, |nap| Some(wait.map_or(nap, |wait| wait.min(nap))));
        self.with.bell.arm();
        // What came between the last look and arming would not ring.
        let wait = match self.peek_inbox() {
            true => Some(Duration::ZERO),
            false => wait,
        };
        self.poll(wait, events);
        self.with.bell.disarm();
        pressure::meant(due, now, wait)
    }

    fn peek_inbox(&mut self) -> bool {
        // A queue cannot be peeked: take one and do it now.
        match self.with.inbox.try_recv() {
            Ok(value) => {
                let now = clock::now();
                self.take(value, now);
                true
            }
            Err(_) => false,
        }
    }

    fn poll(&self, wait: Option<Duration>, events: &mut Vec<epoll::Event>) {
        let wait = wait.map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let spare = rustix::buffer::spare_capacity(events);
        if let Err(fault) = epoll::wait(self.with.ports.epoll(), spare, wait.as_ref())
            && fault != rustix::io::Errno::INTR
        {
            tracing::error!(%fault, "epoll");
        }
    }

    /// Reads what `events` name, some packets at a time: the memory of all their calls is fetched before the first is handled.
    fn read_packets(&mut self, events: &[epoll::Event], batch: &mut Batch, work: &mut Work, now: Now) {
        let burst = if events.len() > CROWD { 1 } else { BURST };
        for event in events {
            let token = event.data.u64();
            if token == BELL {
                continue;
            }
            let flags = event.flags;
            if flags.contains(epoll::EventFlags::ERR) {
                self.read_refused(token, now);
            }
            for _ in 0..burst {
                if !batch.receive(token, &self.with.ports) {
                    break;
                }
                if batch.is_full() {
                    self.handle_packets(batch, work, now);
                }
            }
        }
        self.handle_packets(batch, work, now);
    }

    fn handle_packets(&mut self, batch: &mut Batch, work: &mut Work, now: Now) {
        self.shard.fetch(batch.packets().map(|(arrival, _)| arrival.seat));
        for (Arrival { seat, leg, is_rtcp, from, .. }, packet) in batch.packets() {
            work.packet(self.shard.packet((*seat, *leg, *is_rtcp), *from, packet, now, &mut self.with.ports));
        }
        batch.clear();
        self.drain(now);
    }

    /// Hears of packets that came back.
    fn read_refused(&mut self, token: u64, now: Now) {
        for _ in 0..BURST {
            let Some((seat, leg, word)) = self.with.ports.refused(token) else { break };
            if let Some(refused) = word {
                self.shard.unreachable((seat, leg), refused, now);
            }
        }
    }

    /// Takes what waits in the queue; `false` when the thread shall end.
    fn read_inbox(&mut self, now: Now) -> bool {
        for _ in 0..INBOX_BURST {
            let Ok(value) = self.with.inbox.try_recv() else { return true };
            if !self.take(value, now) {
                return false;
            }
        }
        true
    }

    fn take(&mut self, value: ShardIn, now: Now) -> bool {
        match value {
            ShardIn::Call(message) => self.shard.handle(message, now, &mut self.with.ports),
            ShardIn::Prompt { call, ticket, key, found } => {
                if let (Some(key), Ok(prompt)) = (key, &found) {
                    self.shelf.put(key, Arc::clone(prompt));
                }
                self.answer(call, ticket, Answer::Prompt(found), now);
            }
            ShardIn::Shelve { key, prompt } => {
                self.shelf.put(key, prompt);
            }
            ShardIn::Adopt { call, parcel, pairs } => {
                if let Some(seat) = self.shard.adopt(parcel.map(|parcel| *parcel)) {
                    self.with.ports.settle(seat, pairs);
                }
                self.shard.adopted(call, now, &mut self.with.ports);
            }
            ShardIn::ForgetPrompts => self.shelf.clear(),
            ShardIn::Stop => return false,
        }
        self.drain(now);
        true
    }

    fn answer(&mut self, call: CallId, ticket: Ticket, answer: Answer, now: Now) {
        self.shard.handle(ToShard::Answer { call, ticket, answer }, now, &mut self.with.ports);
    }

    /// Carries out what the calls want.
    fn drain(&mut self, now: Now) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Front(message) => self.to_front.push_back(message),
                Output::Errand { call, ticket, errand } => self.errand(call, ticket, errand, now),
                Output::OpenMedia { seat, leg } => {
                    let address = self.with.ports.open(seat, leg, now.at);
                    self.shard.media_opened(seat, leg, address, now, &mut self.with.ports);
                }
                Output::CloseMedia { seat, leg } => self.with.ports.close(seat, leg, now.at),
                Output::Bundle(draft) => {
                    if let Some((_, keeper)) = &self.with.keeping {
                        keeper.keep(draft);
                    }
                }
                Output::HandOver { call, to } => {
                    let parcel = self.shard.release(call, to).map(Box::new);
                    let pairs = parcel.as_ref().map(|parcel| self.with.ports.lift(parcel.seat)).unwrap_or_default();
                    self.to_shards.push_back((to, ShardIn::Adopt { call, parcel, pairs }));
                }
                Output::Forward { to, message } => self.to_shards.push_back((to, ShardIn::Call(message))),
            }
        }
        self.flush_shards();
    }

    /// Gives other shards what is theirs; what finds no room stays, in order.
    fn flush_shards(&mut self) {
        while let Some((to, value)) = self.to_shards.pop_front() {
            let Some(door) = self.with.doors.get(to) else { continue };
            if let Some(refused) = door.offer(value) {
                self.to_shards.push_front((to, refused));
                return;
            }
        }
    }

    fn flush_front(&mut self) {
        if self.to_front.is_empty() {
            return;
        }
        while let Some(message) = self.to_front.pop_front() {
            let value = FrontIn::Input(Box::new(switchboard::Input::Shard(message)));
            if let Err(FrontIn::Input(refused)) = self.with.front.try_push(value) {
                if let switchboard::Input::Shard(message) = *refused {
                    self.to_front.push_front(message);
                }
                break;
            }
        }
        self.with.front.wake();
    }

    fn errand(&mut self, call: CallId, ticket: Ticket, errand: Errand, now: Now) {
        match errand {
            Errand::Prompt(item) => match self.on_shelf(&item) {
                Some(prompt) => self.answer(call, ticket, Answer::Prompt(Ok(prompt)), now),
                None => self.hand_to_clerk(call, ticket, Errand::Prompt(item), now),
            },
            // No stand-in is ever on the shelf.
            Errand::Announcement(say) => match self.on_shelf(&PromptItem::Say(say.clone())) {
                Some(prompt) => self.answer(call, ticket, Answer::Prompt(Ok(prompt)), now),
                None => self.hand_to_clerk(call, ticket, Errand::Announcement(say), now),
            },
            Errand::Script(job) => {
                let step = ScriptStep { shard: self.with.index, call, ticket, job };
                if self.with.scripts.try_send(step).is_err() {
                    tracing::error!(%call, "the script threads are behind: a call is rescued");
                    let reply = flow::ScriptReply::not_done("the script threads are behind");
                    self.answer(call, ticket, Answer::Script(Box::new(reply)), now);
                }
            }
            Errand::SpoolBegin { realm, id, rate, channels, envelope, notify, keep } => {
                let left_over = envelope.map_or(LeftOver::File, LeftOver::Message);
                let began = now.unix;
                let meta = RecordingMeta {
                    id,
                    realm,
                    call,
                    began,
                    rate_hz: rate,
                    channels,
                    notify,
                    keep,
                    partial: false,
                    length_min: LEFT_OVER_MIN,
                    left_over,
                };
                self.spool_begin(call, ticket, meta, now);
            }
            Errand::SpoolAppend { id, samples } => {
                if let Err(fault) = self.with.spool.try_append(id, samples.into_vec()) {
                    tracing::warn!(%call, recording = %id, %fault, "sound of a recording is lost");
                }
            }
            Errand::SpoolFinish { id, disposition } => self.spool_finish(call, ticket, id, disposition, now),
            errand @ (Errand::Http(_)
            | Errand::Mailbox { .. }
            | Errand::Messages { .. }
            | Errand::CheckPin { .. }
            | Errand::MessageSound { .. }
            | Errand::MarkHeard { .. }
            | Errand::DeleteMessage { .. }
            | Errand::Notify { .. }
            | Errand::MailboxFull { .. }) => {
                self.hand_to_clerk(call, ticket, errand, now);
            }
        }
    }

    fn on_shelf(&mut self, item: &PromptItem) -> Option<Arc<Prompt>> {
        shelf_key(item).and_then(|key| self.shelf.get(&key))
    }

    fn hand_to_clerk(&mut self, call: CallId, ticket: Ticket, errand: Errand, now: Now) {
        let request = Errands { shard: self.with.index, call, ticket, errand };
        if let Err(refused) = self.with.errands.try_send(request) {
            let busy = || "the clerk is behind".to_owned();
            let answer = match refused.into_inner().errand {
                Errand::Prompt(_) | Errand::Announcement(_) | Errand::MessageSound { .. } => Answer::Prompt(Err(busy())),
                Errand::Messages { .. } => Answer::Messages(Err(busy())),
                Errand::CheckPin { .. } => Answer::Pin(Err(busy())),
                Errand::Http(_) => Answer::Http(Err(busy())),
                Errand::Mailbox { .. } => Answer::Mailbox(Err(busy())),
                Errand::Notify { .. } | Errand::MailboxFull { .. } | Errand::MarkHeard { .. } | Errand::DeleteMessage { .. } => {
                    Answer::Queued(Err(busy()))
                }
                Errand::Script(_) | Errand::SpoolBegin { .. } | Errand::SpoolAppend { .. } | Errand::SpoolFinish { .. } => return,
            };
            self.answer(call, ticket, answer, now);
        }
    }

    fn spool_begin(&mut self, call: CallId, ticket: Ticket, meta: RecordingMeta, now: Now) {
        let door = self.with.own_door.clone();
        let on_fault = Box::new(move |_, fault: store::SpoolFault| {
            let answer = Answer::SpoolBegun(Err(fault.to_string()));
            door.send(ShardIn::Call(ToShard::Answer { call, ticket, answer }));
        });
        let begun = self.with.spool.try_begin(meta, on_fault).map_err(|fault| fault.to_string());
        self.answer(call, ticket, Answer::SpoolBegun(begun), now);
    }

    fn spool_finish(&mut self, call: CallId, ticket: Ticket, id: MessageId, disposition: Disposition, now: Now) {
        let mut polish = Polish::default();
        let disposition = match disposition {
            Disposition::Discard => store::Disposition::Discard,
            Disposition::Keep { from, until, loudness, format } => {
                polish = Polish { from, loudness: self.with.loudness.filter(|_| loudness), format };
                store::Disposition::File(until)
            }
            Disposition::Message(draft) => store::Disposition::Message(draft),
        };
        let door = self.with.own_door.clone();
        let reply = Box::new(move |finished| {
            let tell = move |result| {
                let answer = Answer::SpoolFinished(result);
                door.send(ShardIn::Call(ToShard::Answer { call, ticket, answer }));
            };
            match finished {
                // This takes its time, on a thread that may; the file is safe already.
                Finished::File { path, .. } if !polish.is_nothing() => {
                    tokio::task::spawn_blocking(move || tell(Ok(Some(archive::polished(&path, &polish).display().to_string()))));
                }
                Finished::File { path, .. } => tell(Ok(Some(path.display().to_string()))),
                Finished::Discarded | Finished::Message { .. } => tell(Ok(None)),
                Finished::Failed(why) => tell(Err(why)),
            }
        });
        if let Err(refused) = self.with.spool.try_finish(id, disposition, reply) {
            tracing::error!(recording = %id, fault = %refused.fault, "a recording could not be finished; it is kept for the next start");
            self.answer(call, ticket, Answer::SpoolFinished(Err(refused.fault.to_string())), now);
        }
    }

    /// Tells the front when the clock keeps coming late, and when it no longer does.
    fn watch_pressure(&mut self, planned: Option<Instant>, now: Instant) {
        if self.pressure.is_curious(now) {
            self.pressure.worked(clock::own_time(), now);
        }
        if let Some(overloaded) = self.pressure.woke(planned, now, self.shard.snapshot().calls) {
            tracing::warn!(shard = self.with.index, overloaded, "the media clock comes late");
            self.untold = Some(overloaded);
        }
        let Some(is_overloaded) = self.untold else { return };
        let input = Box::new(switchboard::Input::Overload { shard: self.with.index, is_overloaded });
        if self.with.front.try_push(FrontIn::Input(input)).is_ok() {
            self.untold = None;
            self.with.front.wake();
        }
    }
}

/// Under which name a sound stands on the shelf; `None`: not kept here (URLs change).
pub(super) fn shelf_key(item: &PromptItem) -> Option<String> {
    match item {
        PromptItem::File(name) => Some(format!("file {name}")),
        PromptItem::Say(say) => {
            let (voice, language) = (say.voice.as_deref().unwrap_or_default(), say.language.as_deref().unwrap_or_default());
            Some(format!("say {voice} {language} {}", say.text))
        }
        PromptItem::Tone(tone) => Some(format!("tone {tone:?}")),
        PromptItem::Ring(span) => Some(format!("ring {}", span.as_millis())),
        PromptItem::Url(_) | PromptItem::Silence(_) => None,
    }
}
