//! The spool: recordings on their way to disk while they are spoken.
//!
//! A [`SpoolWriter`] is what threads with audio hold: it never waits. Its commands go to one thread that does nothing but
//! small writes; endings (which wait for the disk) are passed on, so that they delay no other recording.
//!
//! ```text
//! try_begin ─> ticket on disk, empty WAV ── try_append … ──> samples on disk ── try_finish ──> Discarded | File | Message
//!                      │ disk full, I/O fault: on_fault, later audio is dropped, what is there is kept at the end
//! ```

use crate::{StoreFault, limits, seal::{self, Sealing}, wav};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError},
    },
    time::{Duration, Instant},
};
use terms::{CallId, MessageId, Name, UnixMs};
use voicemail::{Envelope, MessageDraft};

/// What is known of a recording when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingMeta {
    /// Its id; for a message, the envelope's.
    pub id: MessageId,
    /// Realm.
    pub realm: Name,
    /// The call.
    pub call: CallId,
    /// When it begins.
    pub began: UnixMs,
    /// Samples a second of each channel (8000 or 16000).
    pub rate_hz: u32,
    /// Channels, interleaved; 1 or 2.
    #[serde(default = "mono")]
    pub channels: u16,
    /// Webhook told `recording.saved`, for a plain recording.
    #[serde(default)]
    pub notify: Option<String>,
    /// How long a plain recording stays; `None`: [`limits::RECORDING_KEEP`].
    #[serde(default)]
    pub keep: Option<Duration>,
    /// The end is missing: a crash or a full disk cut it off.
    #[serde(default)]
    pub partial: bool,
    /// Shorter left-overs of a crash are deleted.
    pub length_min: Duration,
    /// What a crash would make of it.
    pub left_over: LeftOver,
}

const fn mono() -> u16 {
    1
}

impl RecordingMeta {
    /// Samples a second of all channels.
    pub(crate) fn samples_a_second(&self) -> u32 {
        self.rate_hz.saturating_mul(u32::from(self.channels.max(1)))
    }
}

/// What becomes of a recording that nobody could finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeftOver {
    /// A message marked partial.
    Message(Box<Envelope>),
    /// A plain recording.
    File,
}

/// How a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing is kept.
    Discard,
    /// A plain recording of at most this length (audio after it is cut away; `None` keeps all).
    File(Option<Duration>),
    /// A message; audio before the draft's beginning and after its length is cut away.
    Message(Box<MessageDraft>),
}

/// What became of it, told once it is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Nothing is kept.
    Discarded,
    /// A plain recording.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its length.
        length: Duration,
    },
    /// A message, its events and its job are durable.
    Message {
        /// Its id.
        id: MessageId,
        /// Its length.
        length: Duration,
    },
    /// It could not be kept now. What is on disk is tried again at the next start.
    Failed(String),
}

/// Why the spool does not take something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpoolFault {
    /// Free space is under the reserve.
    #[error("disk nearly full: less than {reserve} bytes free")]
    DiskFull {
        /// The reserve, bytes.
        reserve: u64,
    },
    /// Too many recordings at once.
    #[error("{limit} recordings are already open", limit = limits::RECORDINGS_MAX)]
    TooMany,
    /// The thread is behind: this block of audio is lost unless sent again.
    #[error("the spool is behind")]
    Behind,
    /// The store is closed.
    #[error("the spool is closed")]
    Closed,
    /// Reading or writing failed; what is on disk by then is kept at the end.
    #[error("recording failed: {0}")]
    Disk(String),
}

/// Told once if a recording that was begun can take no more.
pub type OnFault = Box<dyn FnOnce(MessageId, SpoolFault) + Send>;
/// Told once when a recording's end is safe.
pub type OnFinished = Box<dyn FnOnce(Finished) + Send>;

/// An ending the queue had no room for: try again at the next tick.
pub struct NotTaken {
    /// Why.
    pub fault: SpoolFault,
    /// What was asked.
    pub disposition: Disposition,
    /// Who waits.
    pub reply: OnFinished,
}

impl fmt::Debug for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotTaken({:?})", self.fault)
    }
}

pub(crate) enum Command {
    Begin(Box<RecordingMeta>, OnFault),
    Append(MessageId, Vec<i16>),
    Finish(MessageId, Disposition, OnFinished),
    Stop,
}

/// The door for threads that carry audio: every call returns at once.
#[derive(Clone)]
pub struct SpoolWriter {
    queue: SyncSender<Command>,
    shared: Arc<Shared>,
}

impl fmt::Debug for SpoolWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpoolWriter({} open)", self.shared.open.load(Ordering::Relaxed))
    }
}

/// What both sides of the queue see.
pub(crate) struct Shared {
    queued: AtomicUsize,
    open: AtomicUsize,
    disk_full: AtomicBool,
    reserve: u64,
    in_progress: Mutex<BTreeMap<(Name, Name), u32>>,
}

impl Shared {
    pub(crate) fn new(reserve: u64) -> Self {
        Self {
            queued: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            disk_full: AtomicBool::new(false),
            reserve,
            in_progress: Mutex::new(BTreeMap::new()),
        }
    }
    /// Messages being spoken into a mailbox right now.
    pub(crate) fn in_progress(&self, realm: &Name, mailbox: &Name) -> u32 {
        let boxes = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        boxes.get(&(realm.clone(), mailbox.clone())).copied().unwrap_or(0)
    }
    fn count(&self, left_over: &LeftOver, more: bool) {
        if let LeftOver::Message(envelope) = left_over {
            let mut boxes = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (envelope.realm.clone(), envelope.mailbox.clone());
            let count = boxes.entry(key.clone()).or_default();
            *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
            if *count == 0 {
                boxes.remove(&key);
            }
        }
    }
    pub(crate) fn accepts(&self) -> Result<(), SpoolFault> {
        if self.is_full() {
            Err(SpoolFault::DiskFull { reserve: self.reserve })
        } else if self.open.load(Ordering::Relaxed) >= limits::RECORDINGS_MAX {
            Err(SpoolFault::TooMany)
        } else {
            Ok(())
        }
    }
    /// Whether free space is under the reserve.
    pub(crate) fn is_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }
    /// Looks at the free space of the data folder; a folder that cannot be asked counts as full.
    pub(crate) fn look_at_disk(&self, folder: &std::path::Path) {
        let free = rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)).unwrap_or(0);
        let full = free < self.reserve;
        if self.disk_full.swap(full, Ordering::Relaxed) != full {
            tracing::warn!(free, reserve = self.reserve, full, "free disk space crossed the reserve");
        }
    }
}

impl SpoolWriter {
    pub(crate) fn new(shared: Arc<Shared>) -> (Self, Receiver<Command>) {
        let (queue, commands) = std::sync::mpsc::sync_channel(limits::SPOOL_QUEUE_MAX);
        (Self { queue, shared }, commands)
    }

    /// Whether a new recording would be taken now: the disk has space, and not too many are open.
    ///
    /// # Errors
    /// [`SpoolFault::DiskFull`] or [`SpoolFault::TooMany`].
    pub fn accepts(&self) -> Result<(), SpoolFault> {
        self.shared.accepts()
    }

    /// Begins a recording. `on_fault` is told if it can later take no more (also if it could not be begun on disk).
    ///
    /// # Errors
    /// Any [`SpoolFault`]; nothing was begun then.
    pub fn try_begin(&self, meta: RecordingMeta, on_fault: OnFault) -> Result<(), SpoolFault> {
        self.shared.accepts()?;
        self.send(Command::Begin(Box::new(meta), on_fault)).map_err(|(fault, _)| fault)
    }

    /// Adds samples at the recording's rate, those of its channels in turn; audio of a recording that is not open is dropped.
    ///
    /// # Errors
    /// [`SpoolFault::Behind`] (these samples are not taken) or [`SpoolFault::Closed`].
    pub fn try_append(&self, id: MessageId, samples: Vec<i16>) -> Result<(), SpoolFault> {
        if self.shared.queued.load(Ordering::Relaxed) >= limits::SPOOL_QUEUE_MAX - limits::SPOOL_QUEUE_RESERVED {
            return Err(SpoolFault::Behind);
        }
        self.send(Command::Append(id, samples)).map_err(|(fault, _)| fault)
    }

    /// Ends a recording; `reply` is told when its end is safe (or why not). A recording that is not open is told as failed.
    ///
    /// # Errors
    /// [`NotTaken`] with everything to try again.
    pub fn try_finish(&self, id: MessageId, disposition: Disposition, reply: OnFinished) -> Result<(), Box<NotTaken>> {
        match self.send(Command::Finish(id, disposition, reply)) {
            Ok(()) => Ok(()),
            Err((fault, Command::Finish(_, disposition, reply))) => Err(Box::new(NotTaken { fault, disposition, reply })),
            Err((_, Command::Begin(..) | Command::Append(..) | Command::Stop)) => Ok(()),
        }
    }

    pub(crate) fn stop(&self) {
        let _ = self.queue.send(Command::Stop);
    }

    fn send(&self, command: Command) -> Result<(), (SpoolFault, Command)> {
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(command).map_err(|refused| {
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(command) => (SpoolFault::Behind, command),
                TrySendError::Disconnected(command) => (SpoolFault::Closed, command),
            }
        })
    }
}

/// A recording under way.
struct Open {
    meta: RecordingMeta,
    tape: Tape,
}

enum Tape {
    /// Takes audio.
    Running { file: File, samples: u64, on_fault: OnFault },
    /// Takes no more; what is there is kept.
    Broken { samples: u64, why: String },
}

/// The thread of the spool: owns every open file.
pub(crate) struct Spool {
    pub(crate) root: PathBuf,
    pub(crate) shared: Arc<Shared>,
    /// Where endings go on: fsync, rename, transaction, reply.
    pub(crate) endings: Box<dyn Fn(Sealing, OnFinished) + Send>,
    /// Kept while the thread may still write.
    pub(crate) lock: Arc<File>,
}

impl Spool {
    /// Runs until [`Command::Stop`] or every writer is gone. Recordings still open stay in the spool as after a crash.
    pub(crate) fn run(self, commands: &Receiver<Command>) {
        let mut open: BTreeMap<MessageId, Open> = BTreeMap::new();
        let mut bytes = Vec::new();
        self.shared.look_at_disk(&self.root);
        let mut looked = now();
        let mut had_sound = false;
        loop {
            let command = match commands.try_recv() {
                Err(TryRecvError::Empty) => {
                    if std::mem::take(&mut had_sound) {
                        gather();
                    }
                    commands.recv_timeout(limits::DISK_LOOK_EVERY)
                }
                known => known.map_err(|_| RecvTimeoutError::Disconnected),
            };
            if now().duration_since(looked) >= limits::DISK_LOOK_EVERY {
                self.shared.look_at_disk(&self.root);
                looked = now();
            }
            match command {
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) | Ok(Command::Stop) => break,
                Ok(Command::Begin(meta, on_fault)) => self.begin(&mut open, *meta, on_fault),
                Ok(Command::Append(id, samples)) => {
                    if let Some(recording) = open.get_mut(&id) {
                        recording.append(&samples, &mut bytes);
                    }
                    had_sound = true;
                }
                Ok(Command::Finish(id, disposition, reply)) => self.finish(open.remove(&id), disposition, reply),
            }
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            self.shared.open.store(open.len(), Ordering::Relaxed);
        }
        drop(self.lock);
    }

    fn begin(&self, open: &mut BTreeMap<MessageId, Open>, meta: RecordingMeta, on_fault: OnFault) {
        let id = meta.id;
        let started = seal::write_ticket(&self.root, &meta, None).and_then(|()| {
            let path = seal::part_path(&self.root, id);
            let mut file = File::create_new(&path).map_err(|fault| StoreFault::file(&path, &fault))?;
            file.write_all(&wav::head(meta.rate_hz, meta.channels, None)).map_err(|fault| StoreFault::file(&path, &fault))?;
            Ok(file)
        });
        match started {
            Ok(file) => {
                self.shared.count(&meta.left_over, true);
                open.insert(id, Open { meta, tape: Tape::Running { file, samples: 0, on_fault } });
            }
            Err(fault) => {
                tracing::warn!(%id, %fault, "recording not begun");
                on_fault(id, SpoolFault::Disk(fault.to_string()));
            }
        }
    }

    fn finish(&self, recording: Option<Open>, disposition: Disposition, reply: OnFinished) {
        let Some(Open { meta, tape }) = recording else {
            return reply(Finished::Failed("no such recording".to_owned()));
        };
        self.shared.count(&meta.left_over, false);
        let (samples, fault) = match tape {
            Tape::Running { samples, .. } => (samples, None),
            Tape::Broken { samples, why } => (samples, Some(why)),
        };
        match disposition {
            Disposition::Discard => {
                let part = seal::part_path(&self.root, meta.id);
                let gone = fs::remove_file(part).and_then(|()| fs::remove_file(seal::ticket_path(&self.root, meta.id)));
                if let Err(fault) = gone {
                    tracing::warn!(id = %meta.id, %fault, "discarded recording not removed");
                }
                reply(Finished::Discarded);
            }
            Disposition::File(length) => {
                (self.endings)(Sealing::new(meta, samples, length, None, fault.is_some()), reply);
            }
            Disposition::Message(draft) => {
                (self.endings)(Sealing::new(meta, samples, Some(draft.from.saturating_add(draft.length)), Some(*draft), fault.is_some()), reply);
            }
        }
    }
}

impl Open {
    fn append(&mut self, more: &[i16], bytes: &mut Vec<u8>) {
        let Tape::Running { file, samples, .. } = &mut self.tape else { return };
        let count = more.len() as u64;
        let fault = if *samples + count > limits::RECORDING_SAMPLES_MAX {
            "longest recording reached".to_owned()
        } else {
            wav::bytes_of(more, bytes);
            match file.write_all(bytes) {
                Ok(()) => {
                    *samples += count;
                    return;
                }
                Err(fault) => fault.to_string(),
            }
        };
        tracing::warn!(id = %self.meta.id, fault, "recording takes no more");
        let broken = Tape::Broken { samples: *samples, why: fault.clone() };
        if let Tape::Running { on_fault, .. } = std::mem::replace(&mut self.tape, broken) {
            on_fault(self.meta.id, SpoolFault::Disk(fault));
        }
    }
}

/// Lets blocks of sound gather: a wake for each costs the shard and this thread more than the writing.
fn gather() {
    #[expect(clippy::disallowed_methods, reason = "the clock of the spool")]
    std::thread::sleep(limits::SPOOL_GATHERS);
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the spool thread is a shell: it times its looks at the disk")]
    Instant::now()
}
