//! Keeps calls as bundles: makes them of what shards hand over, writes them, and removes the oldest.
//!
//! A bundle is for people who look into a call, not a record of it: a crash may lose the last ones, and when the disk is full or
//! the queue is, a call is not kept and the log says so.

use super::keys;
use crate::config::Bundles;
use bundle::Draft;
use std::{
    collections::VecDeque,
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError},
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

/// The ending of a bundle's file.
pub(crate) const ENDING: &str = "bundle";
/// Flows that are too large to be in each bundle lie in files that begin so.
const BESIDE: &str = "flows-";

/// The way to the keeper, for shards.
#[derive(Clone)]
pub(super) struct Keeper {
    queue: SyncSender<Box<Draft>>,
}

impl Keeper {
    pub(super) const fn new(queue: SyncSender<Box<Draft>>) -> Self {
        Self { queue }
    }

    /// Keeps a call; never waits.
    pub(super) fn keep(&self, draft: Box<Draft>) {
        if let Err(TrySendError::Full(draft) | TrySendError::Disconnected(draft)) = self.queue.try_send(draft) {
            tracing::warn!(call = %draft.head.call, "a call is not kept as a bundle: the keeper is behind");
        }
    }
}

/// Starts the thread; it ends when every shard is gone.
///
/// # Errors
/// When the folder cannot be made or read.
pub(super) fn start(bundles: Bundles, drafts: Receiver<Box<Draft>>) -> io::Result<JoinHandle<()>> {
    let mut shelf = Shelf::open(bundles)?;
    Builder::new().name("bundles".to_owned()).spawn(move || {
        for draft in drafts {
            let call = draft.head.call;
            if let Err(fault) = shelf.keep(*draft) {
                tracing::warn!(%call, %fault, "a call could not be kept as a bundle");
            }
        }
    })
}

/// The folder of bundles.
#[derive(Debug)]
struct Shelf {
    bundles: Bundles,
    /// What lies there, the oldest first.
    kept: VecDeque<Kept>,
    bytes: u64,
    /// Disguises the flows that lie beside bundles: the same for all of this process, so that they fit each other.
    chance: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    since: SystemTime,
    path: PathBuf,
    bytes: u64,
}

impl Shelf {
    fn open(bundles: Bundles) -> io::Result<Self> {
        fs::create_dir_all(&bundles.folder)?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(&bundles.folder)? {
            let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if path.extension().is_some_and(|ending| ending == ENDING) && about.is_file() {
                kept.push(Kept { since: about.modified()?, path, bytes: about.len() });
            }
        }
        kept.sort();
        let bytes = kept.iter().map(|kept| kept.bytes).sum();
        Ok(Self { bundles, kept: kept.into(), bytes, chance: keys::random_u64()? })
    }

    fn keep(&mut self, draft: Draft) -> io::Result<()> {
        let path = self.bundles.folder.join(format!("{}.{ENDING}", draft.head.call));
        let (chance, beside) = if draft.is_large() { (self.chance, Some(self.flows_of(&draft)?)) } else { (keys::random_u64()?, None) };
        let text = draft.finish(chance, beside).write();
        write(&path, text.as_bytes())?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.kept.push_back(Kept { since: now(), path, bytes });
        self.bytes += bytes;
        self.thin_out()
    }

    /// The name of the file with the flows of this call, which is written when it is not there yet.
    fn flows_of(&self, draft: &Draft) -> io::Result<String> {
        // Two processes disguise them differently.
        let name = format!("{BESIDE}{}-{:08x}.json", draft.head.version, std::process::id());
        let path = self.bundles.folder.join(&name);
        match fs::File::options().append(true).open(&path) {
            // Its time tells that it is still wanted.
            Ok(file) => file.set_modified(now())?,
            Err(_) => write(&path, serde_json::to_string(&draft.flows(self.chance))?.as_bytes())?,
        }
        Ok(name)
    }

    /// Removes what is too old, too much or too many, and flows that no bundle wants any more.
    fn thin_out(&mut self) -> io::Result<()> {
        let oldest = now().checked_sub(self.bundles.age_max).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut removed = false;
        while let Some(first) = self.kept.front() {
            let is_too_much = self.kept.len() > self.bundles.count_max || self.bytes > self.bundles.size_max || first.since < oldest;
            if !is_too_much {
                break;
            }
            let Some(Kept { path, bytes, .. }) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
            remove(&path)?;
            removed = true;
        }
        if removed {
            self.forget_flows()?;
        }
        Ok(())
    }

    fn forget_flows(&self) -> io::Result<()> {
        // A file's time may be coarser than ours.
        let oldest = self.kept.front().map_or_else(now, |kept| kept.since).checked_sub(Duration::from_secs(2)).unwrap_or(SystemTime::UNIX_EPOCH);
        for entry in fs::read_dir(&self.bundles.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(BESIDE) && entry.metadata()?.modified()? < oldest {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "compared with the times of files, which nothing else is")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Somebody else may have removed it.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that only its owner reads; it is there whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{Keep, Keeping};

    fn shelf(name: &str, count_max: usize, size_max: u64) -> Shelf {
        let folder = std::env::temp_dir().join(format!("callflow-keeper-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let keeping = Keeping { what: Keep::All, bytes_max: 1_000 };
        Shelf::open(Bundles { keeping, folder, count_max, age_max: Duration::from_secs(3_600), size_max }).unwrap()
    }

    fn lay(shelf: &mut Shelf, name: &str, bytes: usize) {
        let path = shelf.bundles.folder.join(format!("{name}.{ENDING}"));
        write(&path, &vec![b'x'; bytes]).unwrap();
        shelf.kept.push_back(Kept { since: now(), path, bytes: bytes as u64 });
        shelf.bytes += bytes as u64;
        shelf.thin_out().unwrap();
    }

    fn names(shelf: &Shelf) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&shelf.bundles.folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_go_by_number_and_by_size() {
        let mut shelf = shelf("bounds", 3, 1_000);
        for name in ["a", "b", "c", "d"] {
            lay(&mut shelf, name, 100);
        }
        assert_eq!(names(&shelf), ["b.bundle", "c.bundle", "d.bundle"]);
        lay(&mut shelf, "e", 850);
        assert_eq!(names(&shelf), ["d.bundle", "e.bundle"]);
        let again = Shelf::open(shelf.bundles.clone()).unwrap();
        assert_eq!((again.kept.len(), again.bytes), (2, 950), "a restart knows what lies there");
        fs::remove_dir_all(&shelf.bundles.folder).unwrap();
    }

    #[test]
    fn flows_that_no_bundle_wants_any_more_go_with_the_last_one() {
        let mut shelf = shelf("flows", 1, 1_000);
        let flows = shelf.bundles.folder.join("flows-1-2.json");
        write(&flows, b"{}").unwrap();
        lay(&mut shelf, "a", 10);
        lay(&mut shelf, "b", 10);
        assert!(flows.exists(), "the last bundle may want them");
        let old = now().checked_sub(Duration::from_secs(60)).unwrap();
        fs::File::options().append(true).open(&flows).unwrap().set_modified(old).unwrap();
        lay(&mut shelf, "c", 10);
        assert_eq!(names(&shelf), ["c.bundle"]);
        fs::remove_dir_all(&shelf.bundles.folder).unwrap();
    }
}
