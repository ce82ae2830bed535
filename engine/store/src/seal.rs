//! The end of a recording, in the order that makes it safe; and what a restart does to one that stopped half-way.
//!
//! 1. cut, true head, fsync of the audio;
//! 2. the ticket says *sealed* with the whole draft (temporary file, fsync, rename): from here on a crash changes nothing;
//! 3. the description and the audio move to their folder, both folders fsync; what a message does not begin with is cut off on the
//!    way, and the recording goes only after the shorter one is safe;
//! 4. the transaction (message, events, job), by the caller;
//! 5. the ticket goes; of a message that is to be polished ([`crate::polish`]) after that.
//!
//! Steps 1–3 may be done again any number of times.

use crate::{RecordingMeta, StoreFault, limits, wav};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use terms::{MessageId, Name};
use voicemail::{EndCause, MessageDraft};

pub(crate) const SPOOL: &str = "spool";
const MESSAGES: &str = "messages";
const RECORDINGS: &str = "recordings";

/// The ticket of a recording as it lies in the spool.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) meta: RecordingMeta,
    /// There once the recording ended.
    pub(crate) sealed: Option<Sealed>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sealed {
    /// A plain recording of this many samples.
    File(u64),
    /// A message of this many samples, those before its beginning included.
    Message(u64, Box<MessageDraft>),
}

/// A recording that ended and is now made safe.
#[derive(Debug)]
pub(crate) struct Sealing {
    pub(crate) meta: RecordingMeta,
    pub(crate) sealed: Sealed,
}

impl Sealing {
    /// `written` samples lie in the spool; at most `length` of them are kept. A broken recording is partial.
    pub(crate) fn new(
        meta: RecordingMeta,
        written: u64,
        length: Option<Duration>,
        draft: Option<MessageDraft>,
        broken: bool,
    ) -> Self {
        let mut meta = meta;
        meta.partial |= broken;
        let rate = u64::from(meta.samples_a_second().max(1));
        let wanted = length.map_or(u64::MAX, |span| {
            u64::try_from(span.as_micros()).unwrap_or(u64::MAX).saturating_mul(rate) / 1_000_000
        });
        let samples = written.min(wanted);
        let sealed = match draft {
            None => Sealed::File(samples),
            Some(mut draft) => {
                // Of a recording that broke off before its first word the silence is all there is.
                if skipped(&meta, draft.from) >= samples {
                    draft.from = Duration::ZERO;
                }
                draft.length = span_of(samples - skipped(&meta, draft.from), meta.samples_a_second());
                if broken {
                    draft.cause = EndCause::DiskFault;
                    draft.partial = true;
                }
                Sealed::Message(samples, Box::new(draft))
            }
        };
        Self { meta, sealed }
    }

    /// Length of what is kept.
    pub(crate) fn length(&self) -> Duration {
        match &self.sealed {
            Sealed::File(samples) | Sealed::Message(samples, _) => span_of(samples.saturating_sub(self.skipped()), self.meta.samples_a_second()),
        }
    }

    /// Samples before the beginning.
    fn skipped(&self) -> u64 {
        match &self.sealed {
            Sealed::File(_) => 0,
            Sealed::Message(_, draft) => skipped(&self.meta, draft.from),
        }
    }

    /// Where the audio will lie.
    pub(crate) fn target(&self, root: &Path) -> PathBuf {
        match &self.sealed {
            Sealed::File(_) => recording_path(root, &self.meta.realm, self.meta.id),
            Sealed::Message(_, draft) => {
                message_path(root, &draft.envelope.realm, &draft.envelope.mailbox, self.meta.id)
            }
        }
    }

    /// Steps 1–3. Blocks on the disk.
    ///
    /// # Errors
    /// Any fault of the disk; the same call may be made again later.
    pub(crate) fn make_safe(&self, root: &Path) -> Result<PathBuf, StoreFault> {
        let (part, target) = (part_path(root, self.meta.id), self.target(root));
        let (Sealed::File(samples) | Sealed::Message(samples, _)) = &self.sealed;
        if part.exists() {
            mend(&part, &self.meta, *samples).map_err(|fault| StoreFault::file(&part, &fault))?;
            write_ticket(root, &self.meta, Some(&self.sealed))?;
            let folder = target.parent().unwrap_or(root);
            make_folder(root, folder)?;
            let text = match &self.sealed {
                Sealed::File(_) => serde_json::to_vec_pretty(&self.meta),
                Sealed::Message(_, draft) => serde_json::to_vec_pretty(draft),
            };
            let text = text.map_err(|fault| StoreFault::Refused(fault.to_string()))?;
            write_safely(&target.with_extension("json"), &text)?;
            match self.skipped() {
                0 => fs::rename(&part, &target).map_err(|fault| StoreFault::file(&part, &fault))?,
                skipped => {
                    behead(&part, &target, &self.meta, skipped).map_err(|fault| StoreFault::file(&target, &fault))?;
                    sync_folder(folder)?;
                    fs::remove_file(&part).map_err(|fault| StoreFault::file(&part, &fault))?;
                }
            }
            sync_folder(folder)?;
            sync_folder(&root.join(SPOOL))?;
        } else if !target.exists() {
            return Err(StoreFault::File { path: part, what: "the audio is gone".to_owned() });
        }
        Ok(target)
    }

    /// Step 5.
    pub(crate) fn forget(&self, root: &Path) {
        forget(root, self.meta.id);
    }
}

/// Takes a ticket away, if it is there.
pub(crate) fn forget(root: &Path, id: MessageId) {
    let ticket = ticket_path(root, id);
    if let Err(fault) = fs::remove_file(&ticket)
        && fault.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %ticket.display(), %fault, "ticket of a safe recording not removed");
    }
}

pub(crate) fn span_of(samples: u64, rate_hz: u32) -> Duration {
    Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(rate_hz.max(1)))
}

/// Samples in what is left out at the beginning: whole frames.
fn skipped(meta: &RecordingMeta, from: Duration) -> u64 {
    let micros = u64::try_from(from.as_micros()).unwrap_or(u64::MAX);
    let samples = micros.saturating_mul(u64::from(meta.samples_a_second())) / 1_000_000;
    samples - samples % u64::from(meta.channels.max(1))
}

pub(crate) fn part_path(root: &Path, id: MessageId) -> PathBuf {
    root.join(SPOOL).join(format!("{id}.part.wav"))
}
pub(crate) fn ticket_path(root: &Path, id: MessageId) -> PathBuf {
    root.join(SPOOL).join(format!("{id}.json"))
}
/// Names cannot hold `/` or begin with a dot, so the path stays under `root`.
pub(crate) fn message_path(root: &Path, realm: &Name, mailbox: &Name, id: MessageId) -> PathBuf {
    root.join(MESSAGES).join(realm.as_str()).join(mailbox.as_str()).join(format!("{id}.wav"))
}
pub(crate) fn recording_path(root: &Path, realm: &Name, id: MessageId) -> PathBuf {
    root.join(RECORDINGS).join(realm.as_str()).join(format!("{id}.wav"))
}

/// Writes a ticket so that a crash leaves the old or the new one, never half.
pub(crate) fn write_ticket(root: &Path, meta: &RecordingMeta, sealed: Option<&Sealed>) -> Result<(), StoreFault> {
    let ticket = Ticket { meta: meta.clone(), sealed: sealed.cloned() };
    let text = serde_json::to_vec_pretty(&ticket).map_err(|fault| StoreFault::Refused(fault.to_string()))?;
    write_safely(&ticket_path(root, meta.id), &text)?;
    sync_folder(&root.join(SPOOL))
}

/// Reads a ticket or description of bounded size.
pub(crate) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(limits::META_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limits::META_BYTES_MAX {
        return Err(io::Error::other("larger than any description"));
    }
    Ok(text)
}

/// Samples that lie in a recording of the spool, by its size.
pub(crate) fn samples_in(part: &Path) -> io::Result<u64> {
    Ok(fs::metadata(part)?.len().saturating_sub(wav::HEAD_BYTES) / 2)
}

/// Cuts to `samples`, writes the true head and waits for the disk.
fn mend(part: &Path, meta: &RecordingMeta, samples: u64) -> io::Result<()> {
    // Whole frames: a crash may have left the sample of one channel without that of the other.
    let samples = samples - samples % u64::from(meta.channels.max(1));
    let mut file = OpenOptions::new().write(true).open(part)?;
    file.set_len(wav::HEAD_BYTES + samples.saturating_mul(2))?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&wav::head(meta.rate_hz, meta.channels, Some(samples)))?;
    file.sync_all()
}

/// Puts a mended recording without its first `skipped` samples where it will lie. A crash leaves none there, or the whole of it.
fn behead(part: &Path, target: &Path, meta: &RecordingMeta, skipped: u64) -> io::Result<()> {
    let mut from = File::open(part)?;
    let before = wav::HEAD_BYTES + skipped.saturating_mul(2);
    let samples = from.metadata()?.len().saturating_sub(before) / 2;
    from.seek(SeekFrom::Start(before))?;
    let draft = target.with_extension("tmp");
    let mut file = File::create(&draft)?;
    file.write_all(&wav::head(meta.rate_hz, meta.channels, Some(samples)))?;
    io::copy(&mut from, &mut file)?;
    file.sync_all()?;
    fs::rename(&draft, target)
}

pub(crate) fn write_safely(path: &Path, text: &[u8]) -> Result<(), StoreFault> {
    let draft = path.with_extension("tmp");
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&draft, path)).map_err(|fault| StoreFault::file(path, &fault))
}

/// Makes a folder and waits until each new part of its path is on disk.
pub(crate) fn make_folder(root: &Path, folder: &Path) -> Result<(), StoreFault> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|fault| StoreFault::file(folder, &fault))?;
    let mut above = folder.parent();
    while let Some(parent) = above {
        sync_folder(parent)?;
        if parent == root {
            break;
        }
        above = parent.parent();
    }
    Ok(())
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreFault> {
    File::open(folder).and_then(|open| open.sync_all()).map_err(|fault| StoreFault::file(folder, &fault))
}
