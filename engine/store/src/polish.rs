//! The sound of a message is brought to the loudness of prompts once it is safe and acknowledged. What is made of it is not this
//! room's business ([`Polish`]); that nothing is lost on the way is:
//!
//! ```text
//! sealed, moved, committed, acknowledged ─▶ read ─▶ polished in memory ─▶ <id>.tmp, fsync ─▶ renamed over <id>.wav ─▶ folder fsync ─▶ ticket goes
//! ```
//! Until the rename the sound is the one that was spoken, after it the polished one, whole in both cases and equally long. The ticket
//! stays in the spool until the end: after a crash the next start does it again, which changes nothing that is done. One message is
//! polished at a time: the sound of living calls comes first.

use crate::{
    StoreFault, messages,
    seal::{self, Sealed, Sealing},
    spool::Shared,
    store::remove_files,
};
use sqlx::SqlitePool;
use std::{fs, path::{Path, PathBuf}, sync::Arc};
use tokio::sync::{Semaphore, watch};

/// What is made of a message's WAV file: the bytes of one that is as long; `None`: it is right as it is. Runs on a thread that may
/// take its time; what it refuses stays as it was spoken.
pub type Polish = Arc<dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, String> + Send + Sync>;

/// Polishes messages, one after the other.
pub(crate) struct Polisher {
    root: PathBuf,
    readers: SqlitePool,
    shared: Arc<Shared>,
    polish: Option<Polish>,
    turn: Semaphore,
    /// How many wait for their turn or have it.
    pending: watch::Sender<usize>,
}

impl Polisher {
    pub(crate) fn new(root: PathBuf, readers: SqlitePool, shared: Arc<Shared>, polish: Option<Polish>) -> Self {
        Self { root, readers, shared, polish, turn: Semaphore::new(1), pending: watch::Sender::new(0) }
    }

    /// A message that is kept and whose sound is to be polished: its ticket stays until [`Polisher::finish`]. Others are done with.
    pub(crate) fn take(self: &Arc<Self>, sealing: Sealing) -> Option<Waiting> {
        let wants = matches!(&sealing.sealed, Sealed::Message(_, draft) if draft.envelope.loudness);
        match &self.polish {
            Some(polish) if wants => {
                self.pending.send_modify(|pending| *pending += 1);
                Some(Waiting { polisher: Arc::clone(self), polish: Arc::clone(polish), sealing })
            }
            Some(_) | None => {
                sealing.forget(&self.root);
                None
            }
        }
    }

    /// Waits until nobody waits.
    pub(crate) async fn idle(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.pending.subscribe().wait_for(|pending| *pending == 0).await;
    }
}

/// One that waits for its turn.
pub(crate) struct Waiting {
    polisher: Arc<Polisher>,
    polish: Polish,
    sealing: Sealing,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.polisher.pending.send_modify(|pending| *pending = pending.saturating_sub(1));
    }
}

impl Waiting {
    /// Polishes it, and takes its ticket away unless the next start shall try again.
    pub(crate) async fn finish(self) {
        let polisher = &self.polisher;
        let Ok(_turn) = polisher.turn.acquire().await else { return };
        let (id, wav) = (self.sealing.meta.id, self.sealing.target(&polisher.root));
        if polisher.shared.is_full() {
            tracing::warn!(%id, "the disk is nearly full: a message stays as it was spoken");
            return;
        }
        match self.is_kept().await {
            Ok(true) => {}
            Ok(false) => return self.sealing.forget(&polisher.root),
            Err(fault) => return tracing::warn!(%id, %fault, "a message stays as it was spoken until the next start"),
        }
        let (polish, path) = (Arc::clone(&self.polish), wav.clone());
        match tokio::task::spawn_blocking(move || polish_file(&path, &polish)).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault @ StoreFault::Refused(_))) => tracing::warn!(%id, %fault, "a message stays as it was spoken"),
            Ok(Err(fault)) => return tracing::warn!(%id, %fault, "a message stays as it was spoken until the next start"),
            Err(fault) => tracing::error!(%id, %fault, "a message stays as it was spoken"),
        }
        // Whoever deleted it meanwhile removed the sound that was spoken, not this one.
        match self.is_kept().await {
            Ok(true) => {}
            Ok(false) => remove_files(&wav),
            Err(fault) => return tracing::warn!(%id, %fault, "a message is polished, and will be looked at again"),
        }
        self.sealing.forget(&polisher.root);
    }

    async fn is_kept(&self) -> Result<bool, StoreFault> {
        messages::get(&self.polisher.readers, self.sealing.meta.id).await.map(|message| message.is_some())
    }
}

/// Makes and puts down the polished sound; true when there is a new file. Blocks on the disk.
///
/// # Errors
/// [`StoreFault::Refused`] when there is nothing to be made of it, now or later; else a fault of the disk. The file is whole even so.
pub(crate) fn polish_file(wav: &Path, polish: &Polish) -> Result<bool, StoreFault> {
    let spoken = fs::read(wav).map_err(|fault| StoreFault::file(wav, &fault))?;
    let Some(polished) = polish(&spoken).map_err(StoreFault::Refused)? else { return Ok(false) };
    if polished.len() != spoken.len() {
        return Err(StoreFault::Refused(format!("{} bytes of sound became {}", spoken.len(), polished.len())));
    }
    seal::write_safely(wav, &polished)?;
    seal::sync_folder(wav.parent().unwrap_or(wav))?;
    Ok(true)
}
