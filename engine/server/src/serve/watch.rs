//! Watches the files a reload reads. The system's own word of a change (inotify) only rings; what has changed is decided by a
//! look at names, sizes and times, which is also taken once a second without any ring.
//!
//! ```text
//!  waiting ── a ring ──▶ settling ── quiet for a moment ──▶ looking ── another look than before ──▶ reload
//!     └────── a second passed ─────────────────────────────▲
//! ```
//! The kinds of events are not trusted: taken together they may cancel each other out. A file that an editor swaps in by a rename
//! and that is deleted at once counts as made and removed, so as nothing, though the file that was there before is gone.

use super::{News, reload::Reloader};
use notify::{EventKind, RecursiveMode, Watcher as _};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

/// Editors write a file in several steps: a change is looked at when this long nothing more came.
const QUIET: Duration = Duration::from_millis(80);
/// But no later than this after its first sign.
const SETTLE_MAX: Duration = Duration::from_millis(300);
/// How often files are looked at without a sign: what the system does not tell of (network file systems, a watch that was lost).
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same for prompts, of which there may be many thousands.
const LOOK_AT_PROMPTS_EVERY: u32 = 10;
/// Clocks of file systems tick so coarsely: a file this young may change again without looking different.
const TICK: Duration = Duration::from_millis(50);
/// Folders within folders that are looked at.
const DEPTH_MAX: usize = 8;
/// Files looked at in one folder, those below it included.
const FILES_MAX: usize = 22_000;

/// What one file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Face {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Another file under the same name is another file.
    inode: u64,
}

/// What all files look like.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    faces: BTreeMap<PathBuf, Face>,
    prompts: BTreeMap<PathBuf, Face>,
    /// A file was so young that it may have changed since, without a sign.
    is_young: bool,
}

impl Look {
    /// `paths`: the configuration file, then the folders of flows, scripts and prompts.
    pub(super) fn of(paths: &[PathBuf; 4]) -> Self {
        let mut look = Self::default();
        look.at_flows(paths);
        look.at_prompts(paths);
        look
    }

    fn at_flows(&mut self, [config, flows, scripts, _]: &[PathBuf; 4]) {
        let now = now();
        self.faces.clear();
        self.faces.extend(face(config).map(|face| (config.clone(), face)));
        for folder in [flows, scripts] {
            gather(folder, 0, &mut self.faces, &|path| path.extension().is_some_and(|ending| ["yaml", "yml", "rhai", "ics"].iter().any(|known| ending == *known)));
        }
        let is_young = |face: &Face| face.modified.is_none_or(|at| now.duration_since(at).is_ok_and(|age| age < TICK));
        self.is_young = self.faces.values().any(is_young);
    }

    fn at_prompts(&mut self, [_, _, _, prompts]: &[PathBuf; 4]) {
        self.prompts.clear();
        gather(prompts, DEPTH_MAX, &mut self.prompts, &|_| true);
    }

    /// Files that look otherwise, came or went.
    fn changed(&self, before: &Self) -> Vec<PathBuf> {
        let differ = |now: &BTreeMap<PathBuf, Face>, before: &BTreeMap<PathBuf, Face>| -> Vec<PathBuf> {
            let gone = before.keys().filter(|path| !now.contains_key(*path)).cloned();
            now.iter().filter(|(path, face)| before.get(*path) != Some(face)).map(|(path, _)| path.clone()).chain(gone).collect()
        };
        let mut changed = differ(&self.faces, &before.faces);
        changed.extend(differ(&self.prompts, &before.prompts));
        changed.sort();
        changed
    }
}

fn face(path: &Path) -> Option<Face> {
    // What a link leads to is what is read.
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(Face { bytes: about.len(), modified: about.modified().ok(), inode: about.ino() })
}

/// Files of a folder and of those below it. Hidden ones belong to editors and version control. A folder that is not there is empty.
fn gather(folder: &Path, depth: usize, into: &mut BTreeMap<PathBuf, Face>, counts: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with(['.', '#']);
        if is_hidden || into.len() >= FILES_MAX {
            continue;
        }
        if depth > 0 && path.is_dir() {
            gather(&path, depth - 1, into, counts);
        } else if counts(&path) {
            into.extend(face(&path).map(|face| (path, face)));
        }
    }
}

/// Watches as long as it is kept.
pub(super) struct Watch {
    /// Dropped first: then nobody rings, and the thread ends.
    bell: Option<SyncSender<()>>,
    watcher: Option<notify::RecommendedWatcher>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.bell.take());
        drop(self.watcher.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Begins to watch. `first`: what the files looked like before they were read.
///
/// # Errors
/// When the thread cannot be started. Where the system does not tell of changes, they are found within a second.
pub(super) fn watch(paths: [PathBuf; 4], first: Look, reloader: Arc<Reloader>) -> io::Result<Watch> {
    let (bell, rings) = sync_channel(1);
    let watcher = ringing(&paths, bell.clone()).inspect_err(|fault| tracing::warn!(%fault, "the system does not tell of changed files; they are found within a second")).ok();
    let thread = Builder::new().name("watch".to_owned()).spawn(move || Watching { paths, last: first, reloader, turn: 0 }.run(&rings))?;
    Ok(Watch { bell: Some(bell), watcher, thread: Some(thread) })
}

/// The folders, not the files: editors rename, mounts swap links.
fn ringing(paths: &[PathBuf; 4], bell: SyncSender<()>) -> Result<notify::RecommendedWatcher, notify::Error> {
    let [config, folders @ ..] = paths;
    let folders: Vec<PathBuf> = folders.iter().filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir()).collect();
    let (name, within) = (config.file_name().map(ToOwned::to_owned), folders.clone());
    // Beside the configuration file lie things that change all the time (the data folder, recordings of `callflow call`).
    let counts = move |path: &PathBuf| within.iter().any(|folder| path.starts_with(folder)) || path.file_name().is_some_and(|other| Some(other) == name.as_deref() || other == "..data");
    let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
        // Without paths: the system lost count.
        let rings = event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)) && (event.paths.is_empty() || event.paths.iter().any(&counts)));
        if rings {
            // When it has rung already, once is enough.
            let _ = bell.try_send(());
        }
    })?;
    for folder in &folders {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    let parent = config.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    watcher.watch(parent, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

struct Watching {
    paths: [PathBuf; 4],
    last: Look,
    reloader: Arc<Reloader>,
    turn: u32,
}

impl Watching {
    fn run(mut self, rings: &Receiver<()>) {
        loop {
            let has_rung = match rings.recv_timeout(LOOK_EVERY) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if has_rung && !settled(rings) {
                return;
            }
            self.look(has_rung);
        }
    }

    fn look(&mut self, has_rung: bool) {
        self.turn = self.turn.wrapping_add(1);
        let mut look = Look { prompts: self.last.prompts.clone(), ..Look::default() };
        look.at_flows(&self.paths);
        if has_rung || self.turn.is_multiple_of(LOOK_AT_PROMPTS_EVERY) {
            look.at_prompts(&self.paths);
        }
        let changed = look.changed(&self.last);
        let was_young = self.last.is_young;
        self.last = look;
        if !changed.is_empty() {
            self.reloader.tell(|| News::Changed(changed));
            let _ = self.reloader.reload("a file change");
        } else if was_young {
            let _ = self.reloader.reload_if_other("a file change");
        } else {
            return;
        }
        self.paths = self.reloader.watched();
    }
}

/// Waits until nothing more comes; false: the watch is over.
fn settled(rings: &Receiver<()>) -> bool {
    let end = clock() + SETTLE_MAX;
    loop {
        let left = end.saturating_duration_since(clock()).min(QUIET);
        match rings.recv_timeout(left) {
            Ok(()) if clock() < end => {}
            Ok(()) | Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a watch waits in real time")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "compared with the times of files, which nothing else is")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Desk(PathBuf);

    impl Desk {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("callflow-watch-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            for below in ["flows", "prompts/system"] {
                fs::create_dir_all(folder.join(below)).unwrap();
            }
            fs::write(folder.join("callflow.yaml"), "{}").unwrap();
            Self(folder)
        }
        fn paths(&self) -> [PathBuf; 4] {
            ["callflow.yaml", "flows", "scripts", "prompts"].map(|name| self.0.join(name))
        }
        fn look(&self) -> Look {
            Look::of(&self.paths())
        }
        fn changed(&self, before: &Look) -> Vec<String> {
            let short = |path: &PathBuf| path.strip_prefix(&self.0).unwrap().display().to_string();
            self.look().changed(before).iter().map(short).collect()
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_way_of_changing_a_file_is_seen_and_nothing_else() {
        let desk = Desk::new("ways");
        let path = |name: &str| desk.0.join(name);
        fs::write(path("flows/a.yaml"), "one").unwrap();
        let before = desk.look();
        assert_eq!(desk.changed(&before), [""; 0]);
        for noise in ["flows/.a.yaml.swp", "flows/notes.txt", "other.yaml", "flows/#a.yaml#"] {
            fs::write(path(noise), "x").unwrap();
        }
        assert_eq!(desk.changed(&before), [""; 0], "what no reload reads");
        // The same size, at once: another file in its place.
        fs::write(path("new"), "two").unwrap();
        fs::rename(path("new"), path("flows/a.yaml")).unwrap();
        assert_eq!(desk.changed(&before), ["flows/a.yaml"]);
        fs::remove_file(path("flows/a.yaml")).unwrap();
        assert_eq!(desk.changed(&before), ["flows/a.yaml"], "gone");
        fs::create_dir(path("scripts")).unwrap();
        fs::write(path("scripts/b.rhai"), "").unwrap();
        fs::write(path("prompts/system/x.wav"), "x").unwrap();
        fs::write(path("callflow.yaml"), "{ }").unwrap();
        assert_eq!(desk.changed(&before), ["callflow.yaml", "flows/a.yaml", "prompts/system/x.wav", "scripts/b.rhai"]);
    }

    #[test]
    fn a_link_that_is_swapped_is_another_file() {
        let desk = Desk::new("links");
        let path = |name: &str| desk.0.join(name);
        for (version, text) in [("v1", "one"), ("v2", "two")] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("a.yaml"), text).unwrap();
        }
        std::os::unix::fs::symlink("v1", path("..data")).unwrap();
        std::os::unix::fs::symlink("../..data/a.yaml", path("flows/a.yaml")).unwrap();
        let before = desk.look();
        std::os::unix::fs::symlink("v2", path("..new")).unwrap();
        fs::rename(path("..new"), path("..data")).unwrap();
        assert_eq!(desk.changed(&before), ["flows/a.yaml"]);
    }

    #[test]
    fn a_young_file_is_looked_at_again() {
        let desk = Desk::new("young");
        fs::write(desk.0.join("flows/a.yaml"), "one").unwrap();
        assert!(desk.look().is_young);
        let old = now().checked_sub(Duration::from_secs(5)).unwrap();
        for name in ["flows/a.yaml", "callflow.yaml"] {
            fs::File::options().append(true).open(desk.0.join(name)).unwrap().set_modified(old).unwrap();
        }
        assert!(!desk.look().is_young);
    }
}
