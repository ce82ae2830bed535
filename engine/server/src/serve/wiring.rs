//! Every queue between the threads, with the reason for its bound and what happens when it is full.
//!
//! ```text
//!           ToShard, waits when full            Errand, refused when full
//!   front ──────────────────────────▶ shard ──────────────────────────────▶ clerk, scripts
//!         ◀──────────────────────────       ◀──────────────────────────────
//!           ToFront, kept aside when full       answers, wait when full
//! ```
//! In the cycle front–shard only the front waits; in the cycle shard–clerk only the clerk does. A shard never waits: not for
//! another shard either, to which it hands calls that shall meet others there.

use super::ports::Pair;
use call::{Errand, Parcel, Ticket, ToShard};
use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
};
use switchboard::Front;
use terms::{CallId, Now};

/// To the front: two messages a call and 2,500 calls a second make 4,096 almost a second's worth. Full: shards keep the rest
/// aside, the clerk waits.
const FRONT_QUEUE: usize = 4_096;
/// To one shard: as above. Full: the front waits, which slows the reading of SIP sockets, which is what overload should do.
const SHARD_QUEUE: usize = 4_096;
/// Errands of all shards: prompts not on the shelf, HTTP, mailbox counts. Full: the errand fails at once.
const ERRAND_QUEUE: usize = 4_096;
/// Script steps waiting for a thread. Full: the step fails, the call takes its rescue path.
const SCRIPT_QUEUE: usize = 1_024;
/// Call records waiting for the disk. Full: the record goes to the log only.
const RECORD_QUEUE: usize = 4_096;

/// Calls that are over and are to be kept as bundles. Full: the call is not kept.
const BUNDLE_QUEUE: usize = 256;

/// A question answered on the front's own thread.
pub(super) type Question = Box<dyn FnOnce(&mut Front, Now) + Send>;

/// To the front thread.
pub(super) enum FrontIn {
    /// Something for the front itself.
    Input(Box<switchboard::Input>),
    /// A question of the API, answered on the front's own thread.
    Ask(Question),
    /// End the thread.
    Stop,
}

/// The way to the front.
#[derive(Clone)]
pub(super) struct FrontDoor {
    queue: SyncSender<FrontIn>,
    waker: Arc<mio::Waker>,
}

impl FrontDoor {
    pub(super) fn new(waker: mio::Waker) -> (Self, Receiver<FrontIn>) {
        let (queue, inbox) = sync_channel(FRONT_QUEUE);
        (Self { queue, waker: Arc::new(waker) }, inbox)
    }
    /// Waits when the queue is full: for the clerk.
    pub(super) fn send(&self, value: FrontIn) {
        if self.queue.send(value).is_ok() {
            self.wake();
        }
    }
    /// Never waits and does not wake: for shards, which wake once after many.
    pub(super) fn try_push(&self, value: FrontIn) -> Result<(), FrontIn> {
        self.queue.try_send(value).map_err(|refused| match refused {
            TrySendError::Full(value) | TrySendError::Disconnected(value) => value,
        })
    }
    /// Lets the front look at its queue.
    pub(super) fn wake(&self) {
        if let Err(fault) = self.waker.wake() {
            tracing::error!(%fault, "the front cannot be woken");
        }
    }
}

/// To a shard thread.
#[expect(clippy::large_enum_variant, reason = "nearly all of them are of the large kind; a box each would cost an allocation a message")]
pub(super) enum ShardIn {
    /// For a call, or a new one.
    Call(ToShard),
    /// A prompt the clerk found, for a call and for the shelf.
    Prompt {
        /// The call.
        call: CallId,
        /// Its ticket.
        ticket: Ticket,
        /// Name on the shelf; `None`: not to be kept.
        key: Option<String>,
        /// What was found.
        found: Result<Arc<audio::Prompt>, String>,
    },
    /// A sound made before anybody asked.
    Shelve {
        /// Its name on the shelf.
        key: String,
        /// The sound.
        prompt: Arc<audio::Prompt>,
    },
    /// A call from another shard, with its sockets; no parcel: it is over.
    Adopt {
        /// The call.
        call: CallId,
        /// All of it.
        parcel: Option<Box<Parcel>>,
        /// Its sockets.
        pairs: Vec<Pair>,
    },
    /// Prompt files changed: the shelf is emptied.
    ForgetPrompts,
    /// End the thread.
    Stop,
}

/// Wakes a shard that sleeps without a deadline.
pub(super) struct Bell {
    event: OwnedFd,
    asleep: AtomicBool,
}

impl Bell {
    fn new() -> std::io::Result<Self> {
        let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK | rustix::event::EventfdFlags::CLOEXEC)?;
        Ok(Self { event, asleep: AtomicBool::new(false) })
    }
    /// The descriptor that becomes readable when the bell rings.
    pub(super) fn fd(&self) -> impl AsFd + '_ {
        &self.event
    }
    /// The shard is about to sleep: from now on the bell rings.
    pub(super) fn arm(&self) {
        self.asleep.store(true, Ordering::SeqCst);
    }
    /// The shard is awake.
    pub(super) fn disarm(&self) {
        // Whoever rang took the arm first; mostly nobody did, and there is nothing to read.
        if !self.asleep.swap(false, Ordering::SeqCst) {
            let mut count = [0_u8; 8];
            let _ = rustix::io::read(&self.event, &mut count);
        }
    }
    fn ring(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }
}

/// The way to a shard.
#[derive(Clone)]
pub(super) struct ShardDoor {
    queue: SyncSender<ShardIn>,
    bell: Arc<Bell>,
}

/// Both ends of a shard's door, and its bell.
pub(super) type OpenedDoor = (ShardDoor, Receiver<ShardIn>, Arc<Bell>);

impl ShardDoor {
    pub(super) fn new() -> std::io::Result<OpenedDoor> {
        let (queue, inbox) = sync_channel(SHARD_QUEUE);
        let bell = Arc::new(Bell::new()?);
        Ok((Self { queue, bell: Arc::clone(&bell) }, inbox, bell))
    }
    /// Never waits, and gives back what finds no room: for shards, which keep it.
    pub(super) fn offer(&self, value: ShardIn) -> Option<ShardIn> {
        match self.queue.try_send(value) {
            Ok(()) => {
                self.bell.ring();
                None
            }
            // A thread that is gone wants nothing any more.
            Err(TrySendError::Disconnected(_)) => None,
            Err(TrySendError::Full(value)) => Some(value),
        }
    }
    /// Waits when the queue is full: for the front, the clerk and the spool, never for a shard.
    pub(super) fn send(&self, value: ShardIn) {
        if self.queue.send(value).is_ok() {
            self.bell.ring();
        }
    }
}

/// An errand on its way to the clerk.
pub(super) struct Errands {
    /// Which shard asked.
    pub(super) shard: usize,
    /// Which call.
    pub(super) call: CallId,
    /// To answer by.
    pub(super) ticket: Ticket,
    /// What is wanted.
    pub(super) errand: Errand,
}

/// A script step on its way to the script threads.
pub(super) struct ScriptStep {
    pub(super) shard: usize,
    pub(super) call: CallId,
    pub(super) ticket: Ticket,
    pub(super) job: flow::ScriptJob,
}

/// The queue of errands.
pub(super) fn errands() -> (tokio::sync::mpsc::Sender<Errands>, tokio::sync::mpsc::Receiver<Errands>) {
    tokio::sync::mpsc::channel(ERRAND_QUEUE)
}

/// The queue of script steps.
pub(super) fn scripts() -> (SyncSender<ScriptStep>, Receiver<ScriptStep>) {
    sync_channel(SCRIPT_QUEUE)
}

/// The queue of bundles.
pub(super) fn bundles() -> (SyncSender<Box<bundle::Draft>>, Receiver<Box<bundle::Draft>>) {
    sync_channel(BUNDLE_QUEUE)
}

/// The queue of call records.
pub(super) fn records() -> (tokio::sync::mpsc::Sender<Box<call::CallRecord>>, tokio::sync::mpsc::Receiver<Box<call::CallRecord>>) {
    tokio::sync::mpsc::channel(RECORD_QUEUE)
}
