//! The one writer: everything that changes the database, in transactions shared by all who wait (group commit).
//!
//! While a commit waits for the disk, further writes gather; they make the next transaction. If one of them fails, the
//! transaction is undone and each is done alone, so that nobody's write fails for another's fault.

use crate::{
    AudioLinks, BindingChange, JobFate, StoreFault, WebhookDraft, bindings,
    jobs::{self, Job},
    limits,
    mailboxes::Changed,
    messages,
    outbox::{self, Settled},
    pins, recordings, versions,
};
use sqlx::{Connection as _, SqliteConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use terms::{MessageId, Name, UnixMs};
use tokio::sync::{Notify, mpsc, oneshot};
use voicemail::{MessageDraft, PinTry, Transcript};

/// Every change there is.
pub(crate) enum Write {
    Bindings(Vec<BindingChange>),
    /// A message whose audio is safe: row, events, job.
    KeepMessage(Box<MessageDraft>),
    /// A message of a database that is lost: its row only.
    AdoptMessage(Box<MessageDraft>),
    /// A plain recording whose audio is safe.
    KeepRecording(crate::RecordingMeta, std::time::Duration),
    /// A plain recording of a database that is lost: its row only.
    AdoptRecording(Box<crate::RecordingMeta>, std::time::Duration),
    Enqueue(Vec<WebhookDraft>),
    MarkHeard(MessageId, bool),
    Delete(MessageId),
    FilesRemoved(Vec<MessageId>),
    RecordingsForgotten(Vec<MessageId>),
    ClaimJob,
    Transcribed(MessageId, Transcript),
    JobFailed { job: i64, reason: String, may_retry: bool },
    Settle(i64, Settled),
    /// Somebody wants to try the PIN of a mailbox: it counts before it is looked at.
    PinAttempt(Name, Name),
    /// The PIN was right.
    PinRight(Name, Name),
    /// A version of the flow set was taken into use.
    KeepFlows(crate::FlowLoad, String),
    /// Settled deliveries and cleared messages whose time is over.
    Forget,
}

impl Write {
    /// Whether a delivery or a job may be due because of it.
    const fn makes_work(&self) -> bool {
        match self {
            Self::KeepMessage(_) | Self::KeepRecording(..) | Self::Enqueue(_) | Self::Delete(_) | Self::Transcribed(..) | Self::JobFailed { .. } | Self::Settle(..) => true,
            Self::Bindings(_)
            | Self::AdoptMessage(_)
            | Self::AdoptRecording(..)
            | Self::KeepFlows(..)
            | Self::PinAttempt(..)
            | Self::PinRight(..)
            | Self::MarkHeard(..)
            | Self::FilesRemoved(_)
            | Self::RecordingsForgotten(_)
            | Self::ClaimJob
            | Self::Forget => false,
        }
    }
}

/// What a change says back.
#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    /// Whether anything was changed: false when it was so already or does not exist.
    Changed(bool),
    Job(Option<Job>),
    Fate(JobFate),
    Pin(PinTry),
}

pub(crate) type Reply = Box<dyn FnOnce(Result<Answer, StoreFault>) + Send>;

pub(crate) struct Order {
    write: Write,
    reply: Reply,
}

/// What the writer needs beside the connection.
pub(crate) struct Surroundings {
    pub(crate) audio_links: Option<AudioLinks>,
    pub(crate) clock: crate::WallClock,
    pub(crate) deliveries_arrived: Notify,
    pub(crate) jobs_arrived: Notify,
    /// Mailboxes whose messages are others than before.
    pub(crate) mailboxes: Changed,
    /// Transactions so far.
    pub(crate) commits: AtomicU64,
}

/// The handle of the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Order>,
}

impl Writer {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (queue, orders) = mpsc::channel(limits::WRITES_QUEUED_MAX);
        (Self { queue }, orders)
    }

    /// Waits for a place, then for the commit.
    pub(crate) async fn write(&self, write: Write) -> Result<Answer, StoreFault> {
        let (tell, told) = oneshot::channel();
        let reply: Reply = Box::new(move |answer| {
            let _ = tell.send(answer);
        });
        self.queue.send(Order { write, reply }).await.map_err(|_| StoreFault::Closed)?;
        told.await.map_err(|_| StoreFault::Closed)?
    }

    /// Never waits; a refusal is told through `reply` too.
    pub(crate) fn try_write(&self, write: Write, reply: Reply) {
        if let Err(refused) = self.queue.try_send(Order { write, reply }) {
            match refused {
                mpsc::error::TrySendError::Full(order) => {
                    (order.reply)(Err(StoreFault::Busy(limits::WRITES_QUEUED_MAX)));
                }
                mpsc::error::TrySendError::Closed(order) => (order.reply)(Err(StoreFault::Closed)),
            }
        }
    }
}

/// Runs until every handle is gone.
pub(crate) async fn run(mut conn: SqliteConnection, mut orders: mpsc::Receiver<Order>, around: Arc<Surroundings>) {
    let mut batch: Vec<Order> = Vec::with_capacity(limits::WRITES_SHARED_MAX);
    while orders.recv_many(&mut batch, limits::WRITES_SHARED_MAX).await > 0 {
        let now = (around.clock)();
        let (writes, replies): (Vec<Write>, Vec<Reply>) = batch.drain(..).map(|order| (order.write, order.reply)).unzip();
        match together(&mut conn, &writes, &around, now).await {
            Ok(answers) => replies.into_iter().zip(answers).for_each(|(reply, answer)| reply(Ok(answer))),
            Err(fault) if writes.len() == 1 => replies.into_iter().for_each(|reply| reply(Err(fault.clone()))),
            Err(_) => {
                for (write, reply) in writes.iter().zip(replies) {
                    let alone = together(&mut conn, std::slice::from_ref(write), &around, now).await;
                    reply(alone.map(|mut answers| answers.pop().unwrap_or(Answer::Done)));
                }
            }
        }
        // Only what makes work wakes a worker: a worker that asks for work writes too, and would wake itself for ever.
        if writes.iter().any(Write::makes_work) {
            around.deliveries_arrived.notify_one();
            around.jobs_arrived.notify_one();
        }
    }
    if let Err(fault) = conn.close().await {
        tracing::warn!(%fault, "database not closed in order");
    }
}

async fn together(
    conn: &mut SqliteConnection,
    writes: &[Write],
    around: &Surroundings,
    now: UnixMs,
) -> Result<Vec<Answer>, StoreFault> {
    let mut all = conn.begin_with("begin immediate").await?;
    let mut answers = Vec::new();
    for write in writes {
        answers.push(write.apply(&mut all, around, now).await?);
    }
    let mut places = Vec::new();
    for (write, answer) in writes.iter().zip(&answers) {
        if matches!(answer, Answer::Changed(true)) {
            places.extend(write.place(&mut all).await?);
        }
    }
    all.commit().await?;
    around.commits.fetch_add(1, Ordering::Relaxed);
    places.into_iter().for_each(|place| around.mailboxes.add(place));
    Ok(answers)
}

impl Write {
    /// The mailbox whose messages it changes.
    async fn place(&self, conn: &mut SqliteConnection) -> Result<Option<(Name, Name)>, StoreFault> {
        match self {
            Self::KeepMessage(draft) | Self::AdoptMessage(draft) => Ok(Some((draft.envelope.realm.clone(), draft.envelope.mailbox.clone()))),
            Self::MarkHeard(id, _) | Self::Delete(id) => messages::place(conn, *id).await,
            Self::Bindings(_)
            | Self::KeepRecording(..)
            | Self::AdoptRecording(..)
            | Self::Enqueue(_)
            | Self::FilesRemoved(_)
            | Self::RecordingsForgotten(_)
            | Self::ClaimJob
            | Self::Transcribed(..)
            | Self::JobFailed { .. }
            | Self::Settle(..)
            | Self::PinAttempt(..)
            | Self::PinRight(..)
            | Self::KeepFlows(..)
            | Self::Forget => Ok(None),
        }
    }

    async fn apply(&self, conn: &mut SqliteConnection, around: &Surroundings, now: UnixMs) -> Result<Answer, StoreFault> {
        let links = around.audio_links.as_ref();
        Ok(match self {
            Self::Bindings(changes) => {
                bindings::apply(conn, changes).await?;
                Answer::Done
            }
            Self::KeepMessage(draft) => Answer::Changed(messages::keep(conn, draft, links, now).await?),
            Self::AdoptMessage(draft) => Answer::Changed(messages::adopt(conn, draft).await?),
            Self::AdoptRecording(meta, length) => Answer::Changed(recordings::insert(conn, meta, *length).await?),
            Self::KeepRecording(meta, length) => Answer::Changed(recordings::keep(conn, meta, *length, links, now).await?),
            Self::Enqueue(drafts) => {
                for draft in drafts {
                    outbox::insert(conn, draft, now).await?;
                }
                Answer::Done
            }
            Self::MarkHeard(id, heard) => Answer::Changed(messages::mark_heard(conn, *id, *heard).await?),
            Self::Delete(id) => Answer::Changed(messages::delete(conn, *id, now).await?),
            Self::FilesRemoved(ids) => {
                messages::files_removed(conn, ids).await?;
                Answer::Done
            }
            Self::RecordingsForgotten(ids) => Answer::Changed(recordings::forgotten(conn, ids).await?),
            Self::PinAttempt(realm, mailbox) => Answer::Pin(pins::attempt(conn, realm, mailbox, now).await?),
            Self::PinRight(realm, mailbox) => {
                pins::right(conn, realm, mailbox).await?;
                Answer::Done
            }
            Self::KeepFlows(load, texts) => {
                versions::keep(conn, load, texts).await?;
                Answer::Done
            }
            Self::ClaimJob => Answer::Job(jobs::claim(conn, now).await?),
            Self::Transcribed(id, transcript) => {
                Answer::Changed(messages::transcribed(conn, *id, transcript, links, now).await?)
            }
            Self::JobFailed { job, reason, may_retry } => {
                Answer::Fate(jobs::failed(conn, *job, reason, *may_retry, links, now).await?)
            }
            Self::Settle(seq, settled) => {
                outbox::settle(conn, *seq, settled, now).await?;
                Answer::Done
            }
            Self::Forget => {
                outbox::forget(conn, now).await?;
                messages::forget(conn, now).await?;
                Answer::Done
            }
        })
    }
}

