//! Hot reload: on a file change, on SIGHUP, by the API. The whole set is read and checked; if anything is wrong the last
//! good one stays, and the fault is in the log and the API. Calls keep the version they began with.

use super::{
    News, Onlooker, clock,
    wiring::{FrontDoor, FrontIn, ShardDoor, ShardIn},
};
use crate::config::{Config, load_flows};
use notify_debouncer_full::{
    DebounceEventResult, new_debouncer,
    notify::{EventKind, RecursiveMode, event::ModifyKind},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use terms::UnixMs;

/// Editors write a file in several steps: changes are taken together when this long nothing more came.
const SETTLE: Duration = Duration::from_millis(150);

/// What the API shows of the flows.
#[derive(Clone, Debug)]
pub(super) struct Status {
    /// Counts good sets since the start, from 1.
    pub(super) number: u64,
    /// Content hash of the set in use.
    pub(super) version: String,
    pub(super) loaded_at: UnixMs,
    pub(super) last_fault: Option<String>,
    pub(super) flows: Vec<String>,
}

/// Told of each new set, to make its prompts.
pub(super) type Warm = Box<dyn Fn(flow::FlowSet) + Send + Sync>;

/// See the head of this file.
pub(super) struct Reloader {
    path: PathBuf,
    front: FrontDoor,
    shards: Vec<ShardDoor>,
    warm: Warm,
    onlooker: Option<Onlooker>,
    status: Mutex<Status>,
}

impl Reloader {
    pub(super) fn new(path: PathBuf, flows: &flow::FlowSet, front: FrontDoor, shards: Vec<ShardDoor>, warm: Warm) -> Self {
        warm(flows.clone());
        let status = Status {
            number: 1,
            version: flows.version().to_owned(),
            loaded_at: clock::now().unix,
            last_fault: None,
            flows: names_of(flows),
        };
        Self { path, front, shards, warm, onlooker: None, status: Mutex::new(status) }
    }

    /// The same, with somebody who is told of each change and each reload.
    pub(super) fn told_to(self, onlooker: Option<Onlooker>) -> Self {
        Self { onlooker, ..self }
    }

    /// What is in use now.
    pub(super) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads everything again. The number of the set in use, or all faults as `callflow check` shows them.
    pub(super) fn reload(&self, who: &str) -> Result<u64, String> {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Config::read(&self.path).and_then(|config| load_flows(&config).map(|(flows, _)| (config, flows)));
        let (config, flows) = match read {
            Ok(read) => read,
            Err(faults) => {
                let text = faults.to_string();
                tracing::error!(by = who, "reload refused, version {} stays in use:\n{text}", status.number);
                status.last_fault = Some(text.clone());
                self.tell(|| News::Refused(text.clone()));
                return Err(text);
            }
        };
        for shard in &self.shards {
            shard.send(ShardIn::ForgetPrompts);
        }
        self.front.send(FrontIn::Input(Box::new(switchboard::Input::Directory(config.directory))));
        if flows.version() != status.version {
            status.number += 1;
            status.version = flows.version().to_owned();
            status.loaded_at = clock::now().unix;
            status.flows = names_of(&flows);
            tracing::info!(by = who, version = status.number, hash = status.version, "flows reloaded");
        }
        (self.warm)(flows.clone());
        self.front.send(FrontIn::Input(Box::new(switchboard::Input::Flows(flows))));
        status.last_fault = None;
        self.tell(|| News::Loaded { number: status.number, flows: status.flows.len() });
        Ok(status.number)
    }

    fn tell(&self, news: impl FnOnce() -> News) {
        if let Some(onlooker) = &self.onlooker {
            onlooker.tell(news());
        }
    }
}

fn names_of(flows: &flow::FlowSet) -> Vec<String> {
    flows.names().into_iter().map(str::to_owned).collect()
}

/// Watches the folders (not the files: editors rename, mounts swap links); the watcher works as long as it is kept.
/// `paths` are the configuration file and then the folders whose whole content counts.
///
/// # Errors
/// When the system cannot watch; SIGHUP and the API still reload then.
pub(super) fn watch(paths: &[PathBuf], reloader: Arc<Reloader>) -> Result<impl Sized + use<>, notify_debouncer_full::notify::Error> {
    let folders: Vec<PathBuf> = paths.iter().filter(|path| path.is_dir()).filter_map(|path| path.canonicalize().ok()).collect();
    let files: Vec<PathBuf> = paths.iter().filter(|path| path.is_file()).cloned().collect();
    let names: Vec<std::ffi::OsString> = files.iter().filter_map(|path| path.file_name().map(ToOwned::to_owned)).collect();
    let watched = folders.clone();
    let mut debouncer = new_debouncer(SETTLE, None, move |result: DebounceEventResult| {
        let Ok(events) = result else { return };
        // Beside the configuration file lie things that change all the time (the data folder, recordings of `callflow call`).
        let counts = |path: &Path| {
            watched.iter().any(|folder| path.starts_with(folder))
                || path.file_name().is_some_and(|name| names.iter().any(|own| own == name) || name == "..data")
        };
        let changes = events.iter().filter(|event| is_change(event.kind)).flat_map(|event| &event.paths);
        let changed: BTreeSet<PathBuf> = changes.filter(|path| counts(path)).cloned().collect();
        if !changed.is_empty() {
            reloader.tell(|| News::Changed(changed.into_iter().collect()));
            let _ = reloader.reload("a file change");
        }
    })?;
    for folder in &folders {
        debouncer.watch(folder, RecursiveMode::Recursive)?;
    }
    for file in &files {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        debouncer.watch(parent, RecursiveMode::NonRecursive)?;
    }
    Ok(debouncer)
}

/// Whether content may have changed: not when a file was only read or its times were touched.
const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any => true,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Name(_) | ModifyKind::Any) => true,
        EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Other) | EventKind::Access(_) | EventKind::Other => false,
    }
}
