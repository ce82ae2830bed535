//! The handle on everything durable.

use crate::{
    BindingChange, BindingRow, Finished, FlowLoad, FlowTexts, FlowVersion, Job, JobFate, MessageQuery, Options, OutboxCounts, Page, Recovered,
    Recording, RecordingPage, RecordingQuery, SpoolWriter, StoreFault, Swept, WebhookDraft, adoption, bindings, database, jobs, limits, messages,
    outbox,
    polish::Polisher,
    recordings,
    recovery::{self, Found},
    seal::{self, Sealed, Sealing},
    spool::{OnFinished, Shared, Spool},
    versions,
    writer::{self, Answer, Surroundings, Write, Writer},
};
use sqlx::SqlitePool;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use terms::{MessageId, Name, UnixMs};
use tokio::task::JoinHandle;
use voicemail::{Entry, Message, PinTry, Room, Transcript, Waiting};

/// How long a store that closes waits for work that is safe anyway.
const CLOSE_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

/// A cheap handle on the data folder of one engine. Made and used within a tokio runtime; [`SpoolWriter`] works anywhere.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    readers: SqlitePool,
    writer: Writer,
    around: Arc<Surroundings>,
    spool: SpoolWriter,
    spool_shared: Arc<Shared>,
    polisher: Arc<Polisher>,
    recovered: Recovered,
    ends: Mutex<Option<Ends>>,
    _lock: Arc<File>,
}

/// What [`Store::close`] waits for.
struct Ends {
    spool: std::thread::JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.root.display())
    }
}

impl Store {
    /// Opens (or begins) a data folder and recovers what an earlier run left: see [`Store::recovered`].
    ///
    /// # Errors
    /// [`StoreFault::InUse`] when another engine has it; [`StoreFault::File`] when the folder cannot be used;
    /// [`StoreFault::Database`] when not even a new database can be begun. Unreadable contents are no error.
    pub async fn open(data: &Path, options: Options) -> Result<Self, StoreFault> {
        for folder in [data.to_owned(), data.join(seal::SPOOL)] {
            fs::create_dir_all(&folder).map_err(|fault| StoreFault::file(&folder, &fault))?;
        }
        let root = data.canonicalize().map_err(|fault| StoreFault::file(data, &fault))?;
        let lock = Arc::new(take_lock(&root)?);
        let (found, mut recovered) = recovery::look_through(&root)?;
        let mut opened = database::open(&root, &mut recovered).await?;
        jobs::take_back(&mut opened.writer).await?;
        let around = Arc::new(Surroundings {
            audio_links: options.audio_links,
            clock: options.clock,
            deliveries_arrived: tokio::sync::Notify::new(),
            jobs_arrived: tokio::sync::Notify::new(),
            mailboxes: crate::mailboxes::Changed::default(),
            commits: std::sync::atomic::AtomicU64::new(0),
        });
        let (writer, orders) = Writer::new();
        let writing = tokio::spawn(writer::run(opened.writer, orders, around.clone()));
        let shared = Arc::new(Shared::new(options.disk_reserve));
        let polisher = Arc::new(Polisher::new(root.clone(), opened.readers.clone(), shared.clone(), options.polish));
        let mut unpolished = Vec::new();
        for found in found {
            unpolished.extend(polisher.take(commit_found(&writer, found, &mut recovered).await?));
        }
        // After those with a ticket: what it says is owed, and adoption owes nobody anything.
        if opened.is_new {
            adoption::adopt(&root, &writer, &mut recovered).await?;
            database::is_whole(&root);
        }
        let (spool, commands) = SpoolWriter::new(shared.clone());
        let (runtime, end_writer, end_root, polishing) = (tokio::runtime::Handle::current(), writer.clone(), root.clone(), polisher.clone());
        let endings = Box::new(move |sealing: Sealing, reply: OnFinished| {
            runtime.spawn(end(end_root.clone(), end_writer.clone(), polishing.clone(), sealing, reply));
        });
        shared.look_at_disk(&root);
        let thread = Spool { root: root.clone(), shared: shared.clone(), endings, lock: lock.clone() };
        let running = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || thread.run(&commands))
            .map_err(|fault| StoreFault::file(&root, &fault))?;
        let ends = Mutex::new(Some(Ends { spool: running, writer: writing }));
        let (readers, spool_shared) = (opened.readers, shared);
        let inner = Inner { root, readers, writer, around, spool, spool_shared, polisher, recovered, ends, _lock: lock };
        let store = Self { inner: Arc::new(inner) };
        store.clear_files().await?;
        tokio::spawn(async move {
            for waiting in unpolished {
                waiting.finish().await;
            }
        });
        Ok(store)
    }

    /// What the start found in the spool and the database.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        &self.inner.recovered
    }

    /// The wall clock this store was opened with.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        (self.inner.around.clock)()
    }

    /// Transactions written so far: fewer than writes when many come together.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.around.commits.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Waits until every write accepted so far is on disk and stops the spool; recordings still open stay for the next start.
    pub async fn close(self) {
        let ends = self.inner.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Ends { spool, writer }) = ends else { return };
        self.inner.spool.stop();
        let _ = tokio::task::spawn_blocking(move || spool.join()).await;
        // What is not polished by then is at the next start.
        let _ = tokio::time::timeout(CLOSE_WAIT, self.inner.polisher.idle()).await;
        self.inner.readers.close().await;
        drop(self.inner);
        // The writer ends when the last handle goes; others may still hold one, so it is not waited for without end.
        let _ = tokio::time::timeout(CLOSE_WAIT, writer).await;
    }

    /// Waits until no message waits for its polish any more.
    #[cfg(test)]
    pub(crate) async fn polished(&self) {
        self.inner.polisher.idle().await;
    }

    // ---- bindings

    /// Writes changes of bindings, together with those of everybody who waits; done when they are on disk.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn write_bindings(&self, changes: Vec<BindingChange>) -> Result<(), StoreFault> {
        self.inner.writer.write(Write::Bindings(changes)).await.map(|_| ())
    }

    /// The same without waiting, for threads that must not: `reply` is told after the commit (or the refusal), from another thread.
    pub fn try_write_bindings(
        &self,
        changes: Vec<BindingChange>,
        reply: impl FnOnce(Result<(), StoreFault>) + Send + 'static,
    ) {
        self.inner.writer.try_write(Write::Bindings(changes), Box::new(move |answer| reply(answer.map(|_| ()))));
    }

    /// Every binding still good at `now`.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn load_bindings(&self, now: UnixMs) -> Result<Vec<BindingRow>, StoreFault> {
        let (rows, lost) = bindings::load(&self.inner.readers, now).await?;
        if lost > 0 {
            tracing::error!(lost, "bindings could not be read");
        }
        Ok(rows)
    }

    // ---- recordings and messages

    /// The door for threads with audio.
    #[must_use]
    pub fn spool(&self) -> SpoolWriter {
        self.inner.spool.clone()
    }

    /// How a mailbox stands for a caller who wants to leave a message; messages being spoken right now count.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn room(&self, realm: &Name, mailbox: &Name) -> Result<Room, StoreFault> {
        let waiting = self.waiting(realm, mailbox).await?;
        let speaking = self.inner.spool_shared.in_progress(realm, mailbox);
        let disk_accepts = self.inner.spool_shared.accepts().is_ok();
        Ok(Room { messages: waiting.total().saturating_add(speaking), disk_accepts })
    }

    /// New and old messages of a mailbox.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn waiting(&self, realm: &Name, mailbox: &Name) -> Result<Waiting, StoreFault> {
        messages::waiting(&self.inner.readers, realm, mailbox).await
    }

    /// Waits until the messages of a mailbox are others than before, or somebody [wants to know](Store::look_at_mailbox): its realm and
    /// name. For one listener.
    pub async fn changed_mailbox(&self) -> (Name, Name) {
        self.inner.around.mailboxes.next().await
    }

    /// Has [`Store::changed_mailbox`] tell of this one, changed or not.
    pub fn look_at_mailbox(&self, realm: Name, mailbox: Name) {
        self.inner.around.mailboxes.add((realm, mailbox));
    }

    /// A page of messages, newest first.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn messages(&self, query: &MessageQuery) -> Result<Page, StoreFault> {
        messages::list(&self.inner.readers, query, |id| self.audio_link(id)).await
    }

    /// One message, unless it is deleted.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreFault> {
        let found = messages::get(&self.inner.readers, id).await?;
        Ok(found.map(|mut message| {
            message.audio_url = self.audio_link(id);
            message
        }))
    }

    fn audio_link(&self, id: MessageId) -> Option<String> {
        self.inner.around.audio_links.as_ref().map(|links| links.link(id, self.now()))
    }

    /// Whether a signed link is good now.
    #[must_use]
    pub fn is_good_link(&self, id: MessageId, expires: u64, signature: &str) -> bool {
        self.inner.around.audio_links.as_ref().is_some_and(|links| links.is_good(id, expires, signature, self.now()))
    }

    /// Where a message's WAV file is; `None` when the message or its file is gone.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn audio_path(&self, id: MessageId) -> Result<Option<PathBuf>, StoreFault> {
        let Some(message) = messages::get(&self.inner.readers, id).await? else { return Ok(None) };
        Ok(self.plain_file(seal::message_path(&self.inner.root, &message.realm, &message.mailbox, id)))
    }

    fn plain_file(&self, path: PathBuf) -> Option<PathBuf> {
        // A link planted in the folder must not lead out of it: the true place is compared, and only plain files are given.
        let plain = fs::symlink_metadata(&path).is_ok_and(|entry| entry.is_file());
        let inside = path.canonicalize().is_ok_and(|place| place.starts_with(&self.inner.root));
        (plain && inside).then_some(path)
    }

    /// Marks a message heard or new. False when it is so already or does not exist.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn mark_heard(&self, id: MessageId, heard: bool) -> Result<bool, StoreFault> {
        self.change(Write::MarkHeard(id, heard)).await
    }

    /// Deletes a message: its row says so, `voicemail.deleted` is owed, its files go. False when it does not exist.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn delete_message(&self, id: MessageId) -> Result<bool, StoreFault> {
        let deleted = self.change(Write::Delete(id)).await?;
        if deleted {
            self.clear_files().await?;
        }
        Ok(deleted)
    }

    /// Deletes what is past its time and forgets what was settled a week ago. To be called every few minutes.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn sweep(&self) -> Result<Swept, StoreFault> {
        let (now, mut swept) = (self.now(), Swept::default());
        for id in messages::overdue(&self.inner.readers, now, 500).await? {
            swept.messages += usize::from(self.change(Write::Delete(id)).await?);
        }
        self.clear_files().await?;
        let recordings = recordings::overdue(&self.inner.readers, now).await?;
        if !recordings.is_empty() {
            for (id, realm) in &recordings {
                remove_files(&seal::recording_path(&self.inner.root, realm, *id));
            }
            swept.recordings = recordings.len();
            let ids = recordings.into_iter().map(|(id, _)| id).collect();
            self.inner.writer.write(Write::RecordingsForgotten(ids)).await?;
        }
        self.inner.writer.write(Write::Forget).await?;
        Ok(swept)
    }

    async fn clear_files(&self) -> Result<(), StoreFault> {
        let gone = messages::to_clear(&self.inner.readers).await?;
        if gone.is_empty() {
            return Ok(());
        }
        for (id, realm, mailbox) in &gone {
            // The ticket of one that was not polished yet goes first: without its sound it would tell of a loss.
            seal::forget(&self.inner.root, *id);
            remove_files(&seal::message_path(&self.inner.root, realm, mailbox, *id));
        }
        let ids = gone.into_iter().map(|(id, ..)| id).collect();
        self.inner.writer.write(Write::FilesRemoved(ids)).await.map(|_| ())
    }

    // ---- recordings

    /// A page of recordings, newest first.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn recordings(&self, query: &RecordingQuery) -> Result<RecordingPage, StoreFault> {
        recordings::list(&self.inner.readers, query, |id| self.recording_link(id)).await
    }

    /// One recording.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn recording(&self, id: MessageId) -> Result<Option<Recording>, StoreFault> {
        let found = recordings::get(&self.inner.readers, id).await?;
        Ok(found.map(|mut recording| {
            recording.audio_url = self.recording_link(id);
            recording
        }))
    }

    fn recording_link(&self, id: MessageId) -> Option<String> {
        self.inner.around.audio_links.as_ref().map(|links| links.recording(id, self.now()))
    }

    /// Where a recording's file is, WAV or Ogg Opus; `None` when it or its file is gone.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn recording_path(&self, id: MessageId) -> Result<Option<PathBuf>, StoreFault> {
        let Some(recording) = recordings::get(&self.inner.readers, id).await? else { return Ok(None) };
        let wav = seal::recording_path(&self.inner.root, &recording.realm, id);
        let opus = wav.with_extension("opus");
        Ok(self.plain_file(wav).or_else(|| self.plain_file(opus)))
    }

    /// Deletes a recording and its files. False when it does not exist.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn delete_recording(&self, id: MessageId) -> Result<bool, StoreFault> {
        let Some(recording) = recordings::get(&self.inner.readers, id).await? else { return Ok(false) };
        remove_files(&seal::recording_path(&self.inner.root, &recording.realm, id));
        self.change(Write::RecordingsForgotten(vec![id])).await
    }

    // ---- visitors of mailboxes

    /// The messages of a mailbox for somebody who listens by phone.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn entries(&self, realm: &Name, mailbox: &Name) -> Result<Vec<Entry>, StoreFault> {
        messages::entries(&self.inner.readers, realm, mailbox, voicemail::limits::VISIT_MESSAGES_MAX).await
    }

    /// May a PIN of the mailbox be tried now? A try counts as wrong until [`Store::pin_right`], over calls and restarts.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn pin_attempt(&self, realm: &Name, mailbox: &Name) -> Result<PinTry, StoreFault> {
        match self.inner.writer.write(Write::PinAttempt(realm.clone(), mailbox.clone())).await? {
            Answer::Pin(answer) => Ok(answer),
            Answer::Done | Answer::Changed(_) | Answer::Job(_) | Answer::Fate(_) => Err(StoreFault::Closed),
        }
    }

    /// The PIN tried last was right.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn pin_right(&self, realm: &Name, mailbox: &Name) -> Result<(), StoreFault> {
        self.inner.writer.write(Write::PinRight(realm.clone(), mailbox.clone())).await.map(|_| ())
    }

    // ---- versions of flows

    /// A version of the flow set is taken into use: its texts are kept, and the moment.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn keep_flows(&self, load: FlowLoad, texts: String) -> Result<(), StoreFault> {
        self.inner.writer.write(Write::KeepFlows(load, texts)).await.map(|_| ())
    }

    /// Every version, the one used last first.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn flow_versions(&self) -> Result<Vec<FlowVersion>, StoreFault> {
        versions::list(&mut *self.inner.readers.acquire().await?).await
    }

    /// The versions whose hash begins so, two at most: with two, more of it must be said.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn find_flow_version(&self, beginning: &str) -> Result<Vec<FlowTexts>, StoreFault> {
        versions::find(&mut *self.inner.readers.acquire().await?, beginning).await
    }

    /// What was taken into use last.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn last_flow_load(&self) -> Result<Option<FlowLoad>, StoreFault> {
        versions::last(&mut *self.inner.readers.acquire().await?).await
    }

    // ---- transcription

    /// The next job that is due, now this caller's; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn claim_job(&self) -> Result<Option<Job>, StoreFault> {
        match self.inner.writer.write(Write::ClaimJob).await? {
            Answer::Job(job) => Ok(job),
            Answer::Done | Answer::Changed(_) | Answer::Fate(_) | Answer::Pin(_) => Ok(None),
        }
    }

    /// Waits until a job may be due: one arrived, or a failed one's wait is over. May return without one.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn job_due(&self) -> Result<(), StoreFault> {
        let arrived = self.inner.around.jobs_arrived.notified();
        let next = jobs::next_due(&self.inner.readers).await?;
        let hour = 3_600_000;
        let wait = next.map_or(hour, |at| at.0.saturating_sub(self.now().0).min(hour));
        let _ = tokio::time::timeout(std::time::Duration::from_millis(wait), arrived).await;
        Ok(())
    }

    /// Keeps a transcript: the job ends, `voicemail.transcribed` is owed. False when the message is gone or has one.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn set_transcript(&self, id: MessageId, transcript: Transcript) -> Result<bool, StoreFault> {
        self.change(Write::Transcribed(id, transcript)).await
    }

    /// A try failed: again later, or `voicemail.transcription_failed` is owed.
    ///
    /// # Errors
    /// [`StoreFault::Database`] or [`StoreFault::Closed`].
    pub async fn fail_job(&self, job: &Job, reason: &str, may_retry: bool) -> Result<JobFate, StoreFault> {
        let write = Write::JobFailed { job: job.id, reason: reason.to_owned(), may_retry };
        match self.inner.writer.write(write).await? {
            Answer::Fate(fate) => Ok(fate),
            Answer::Done | Answer::Changed(_) | Answer::Job(_) | Answer::Pin(_) => Ok(JobFate::NoSuchJob),
        }
    }

    // ---- webhooks

    /// Owes a webhook; done when it is on disk.
    ///
    /// # Errors
    /// [`StoreFault::Refused`] over a limit, [`StoreFault::Database`], [`StoreFault::Closed`].
    pub async fn enqueue(&self, draft: WebhookDraft) -> Result<(), StoreFault> {
        draft.check()?;
        self.inner.writer.write(Write::Enqueue(vec![draft])).await.map(|_| ())
    }

    /// Owes `voicemail.full` to those of `urls` that want it, in order with the mailbox's other events.
    ///
    /// # Errors
    /// As [`Store::enqueue`].
    pub async fn enqueue_full(&self, event: &voicemail::FullEvent, urls: &[String]) -> Result<(), StoreFault> {
        let body = serde_json::to_string(event).map_err(|fault| StoreFault::Refused(fault.to_string()))?;
        let (realm, order_key) =
            (event.body.realm.clone(), messages::order_key(&event.body.realm, &event.body.mailbox));
        let drafts: Vec<WebhookDraft> = urls
            .iter()
            .take(voicemail::limits::NOTIFY_MAX)
            .map(|url| WebhookDraft {
                realm: realm.clone(),
                url: url.clone(),
                event: event.kind.name().to_owned(),
                body: body.clone(),
                order_key: order_key.clone(),
            })
            .collect();
        drafts.iter().try_for_each(WebhookDraft::check)?;
        self.inner.writer.write(Write::Enqueue(drafts)).await.map(|_| ())
    }

    /// How many webhooks are owed, delivered and lost.
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreFault> {
        outbox::counts(&self.inner.readers).await
    }

    pub(crate) async fn owed_after(&self, seq: i64) -> Result<Vec<outbox::Owed>, StoreFault> {
        outbox::owed_after(&self.inner.readers, seq, limits::DELIVERIES_LOADED_MAX).await
    }
    pub(crate) async fn delivery_body(&self, seq: i64) -> Result<Option<String>, StoreFault> {
        outbox::body(&self.inner.readers, seq).await
    }
    pub(crate) async fn settle(&self, seq: i64, settled: outbox::Settled) -> Result<(), StoreFault> {
        self.inner.writer.write(Write::Settle(seq, settled)).await.map(|_| ())
    }
    pub(crate) fn deliveries_arrived(&self) -> &tokio::sync::Notify {
        &self.inner.around.deliveries_arrived
    }

    async fn change(&self, write: Write) -> Result<bool, StoreFault> {
        match self.inner.writer.write(write).await? {
            Answer::Changed(changed) => Ok(changed),
            Answer::Done | Answer::Job(_) | Answer::Fate(_) | Answer::Pin(_) => Ok(true),
        }
    }
}

/// One engine a folder: two would recover each other's recordings.
fn take_lock(root: &Path) -> Result<File, StoreFault> {
    let path = root.join("lock");
    let lock = File::create(&path).map_err(|fault| StoreFault::file(&path, &fault))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(StoreFault::InUse(root.to_owned())),
        Err(fs::TryLockError::Error(fault)) => Err(StoreFault::file(&path, &fault)),
    }
}

/// The end of a recording: safe on disk, then in the tables, then acknowledged.
async fn end(root: PathBuf, writer: Writer, polisher: Arc<Polisher>, sealing: Sealing, reply: OnFinished) {
    let folder = root.clone();
    let safe = tokio::task::spawn_blocking(move || sealing.make_safe(&folder).map(|path| (path, sealing))).await;
    let (path, sealing) = match safe {
        Ok(Ok(safe)) => safe,
        Ok(Err(fault)) => {
            tracing::error!(%fault, "recording not kept now; the next start tries again");
            return reply(Finished::Failed(fault.to_string()));
        }
        Err(fault) => return reply(Finished::Failed(fault.to_string())),
    };
    let length = sealing.length();
    if let Err(fault) = commit(&writer, &sealing).await {
        tracing::error!(id = %sealing.meta.id, %fault, "recording is on disk but not in the tables; the next start tries again");
        return reply(Finished::Failed(fault.to_string()));
    }
    let finished = match &sealing.sealed {
        Sealed::File(_) => Finished::File { path, length },
        Sealed::Message(..) => Finished::Message { id: sealing.meta.id, length },
    };
    let waiting = polisher.take(sealing);
    reply(finished);
    if let Some(waiting) = waiting {
        waiting.finish().await;
    }
}

/// Step 4 of a seal; true when it was not kept before.
async fn commit(writer: &Writer, sealing: &Sealing) -> Result<bool, StoreFault> {
    let write = match &sealing.sealed {
        Sealed::File(_) => Write::KeepRecording(sealing.meta.clone(), sealing.length()),
        Sealed::Message(_, draft) => Write::KeepMessage(draft.clone()),
    };
    Ok(matches!(writer.write(write).await?, Answer::Changed(true)))
}

async fn commit_found(writer: &Writer, found: Found, told: &mut Recovered) -> Result<Sealing, StoreFault> {
    let (sealing, recovered) = match found {
        Found::Partial(sealing) => (sealing, &mut told.partial),
        Found::Whole(sealing) => (sealing, &mut told.completed),
    };
    if commit(writer, &sealing).await? {
        recovered.push(sealing.meta.id);
    }
    Ok(sealing)
}

/// Removes sound, in whatever form it is, and what describes it.
pub(crate) fn remove_files(wav: &Path) {
    for path in [wav.to_owned(), wav.with_extension("opus"), wav.with_extension("json"), wav.with_extension("tmp")] {
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
            Err(fault) => tracing::warn!(path = %path.display(), %fault, "file of a deleted message not removed"),
        }
    }
}

