//! Hot reload: on a file change, on SIGHUP, by the API. The whole set is read and checked; if anything is wrong the last
//! good one stays, and the fault is in the log and the API. Calls keep the version they began with.
//!
//! An earlier version may be taken into use again. Such a roll-back holds as long as the flows on disk are what they were: also
//! over a restart, and whatever else is reloaded.

use super::{
    News, Onlooker, clock,
    wiring::{FrontDoor, FrontIn, ShardDoor, ShardIn},
};
use crate::config::{Config, load_flows, load_materials, version_on_disk};
use flow::{FlowSet, Materials};
use notation::Source;
use serde_json::Value as Json;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::FlowLoad;
use terms::UnixMs;

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
    /// The set in use is a roll-back.
    pub(super) held: Option<Held>,
}

/// A roll-back that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Since when.
    pub(super) since: UnixMs,
    /// By whom.
    pub(super) by: String,
    /// What the files have: it stays unused as long as they are so.
    pub(super) instead_of: String,
}

/// Why a version is not taken into use again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotBack {
    /// It is in use.
    InUse,
    /// With the configuration of today it has faults.
    Faults(String),
}

/// Told of each new set, to make its prompts.
pub(super) type Warm = Box<dyn Fn(FlowSet) + Send + Sync>;
/// Keeps each version taken into use; waits for the disk.
pub(super) type Archive = Box<dyn Fn(FlowLoad, String) + Send + Sync>;

/// What runs at the start: the files' own set, or a roll-back that still holds.
pub(super) struct First {
    pub(super) flows: FlowSet,
    pub(super) held: Option<Held>,
}

/// See the head of this file.
pub(super) struct Reloader {
    path: PathBuf,
    front: FrontDoor,
    shards: Vec<ShardDoor>,
    warm: Warm,
    archive: Archive,
    onlooker: Option<Onlooker>,
    state: Mutex<State>,
}

struct State {
    status: Status,
    /// The last good configuration.
    config: Arc<Config>,
    /// The set in use.
    flows: FlowSet,
    /// What the flows on disk were when they were last read, good or bad.
    on_disk: String,
}

impl Reloader {
    pub(super) fn new(path: PathBuf, config: Arc<Config>, first: First, (front, shards): (FrontDoor, Vec<ShardDoor>), warm: Warm, archive: Archive) -> Self {
        let First { flows, held } = first;
        warm(flows.clone());
        let now = clock::now().unix;
        let on_disk = held.as_ref().map_or_else(|| flows.version().to_owned(), |held| held.instead_of.clone());
        let status = Status { number: 1, version: flows.version().to_owned(), loaded_at: now, last_fault: None, flows: names_of(&flows), held };
        if let Some(held) = &status.held {
            tracing::warn!(hash = status.version, by = held.by, "the roll-back holds: flow files are what they were, and stay unused until they change");
        } else {
            archive(FlowLoad { at: now, hash: status.version.clone(), by: "start".to_owned(), instead_of: None }, texts_of(flows.materials()));
        }
        let state = Mutex::new(State { status, config, flows, on_disk });
        Self { path, front, shards, warm, archive, onlooker: None, state }
    }

    /// The same, with somebody who is told of each change and each reload.
    pub(super) fn told_to(self, onlooker: Option<Onlooker>) -> Self {
        Self { onlooker, ..self }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in use now.
    pub(super) fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// What a reload reads, by the configuration in use.
    pub(super) fn watched(&self) -> [PathBuf; 4] {
        self.state().config.watched()
    }

    /// The same as [`Reloader::reload`] when the flows on disk are others than those read last; else nothing is touched.
    pub(super) fn reload_if_other(&self, who: &str) -> Result<u64, String> {
        let (is_same, number) = {
            let state = self.state();
            (version_on_disk(&state.config.outline) == state.on_disk, state.status.number)
        };
        if is_same { Ok(number) } else { self.reload(who) }
    }

    /// Reads everything again. The number of the set in use, or all faults as `callflow check` shows them.
    pub(super) fn reload(&self, who: &str) -> Result<u64, String> {
        let mut state = self.state();
        let read = Config::read(&self.path).and_then(|config| {
            let on_disk = version_on_disk(&config.outline);
            state.on_disk.clone_from(&on_disk);
            let is_held = state.status.held.as_ref().is_some_and(|held| held.instead_of == on_disk);
            // A roll-back that holds is checked against the configuration of today as the files would be.
            let loaded = if is_held { load_materials(&config, state.flows.materials().sources.clone()) } else { load_flows(&config) };
            loaded.map(|(flows, _)| (config, flows, is_held))
        });
        let (config, flows, is_held) = match read {
            Ok(read) => read,
            Err(faults) => {
                let text = faults.to_string();
                tracing::error!(by = who, "reload refused, version {} stays in use:\n{text}", state.status.number);
                state.status.last_fault = Some(text.clone());
                self.tell(|| News::Refused(text.clone()));
                return Err(text);
            }
        };
        if is_held {
            tracing::warn!(by = who, hash = state.status.version, "reloaded; the roll-back of the flows holds until their files change");
        } else {
            state.status.held = None;
        }
        state.config = Arc::new(config);
        Ok(self.take(&mut state, flows, who))
    }

    /// Takes an earlier version into use again, until flow files change.
    pub(super) fn roll_back(&self, sources: Vec<Source>, who: &str) -> Result<u64, NotBack> {
        let mut state = self.state();
        let (flows, _) = load_materials(&state.config, sources).map_err(|faults| NotBack::Faults(faults.to_string()))?;
        if flows.version() == state.status.version {
            return Err(NotBack::InUse);
        }
        // To the very version of the files: nothing is held back any more.
        let by = format!("a roll-back by {who}");
        let held = Held { since: clock::now().unix, by: by.clone(), instead_of: state.on_disk.clone() };
        state.status.held = (flows.version() != state.on_disk).then_some(held);
        Ok(self.take(&mut state, flows, &by))
    }

    /// A good set is used from now on.
    fn take(&self, state: &mut State, flows: FlowSet, who: &str) -> u64 {
        for shard in &self.shards {
            shard.send(ShardIn::ForgetPrompts);
        }
        self.front.send(FrontIn::Input(Box::new(switchboard::Input::Directory(Arc::clone(&state.config.directory)))));
        let status = &mut state.status;
        if flows.version() != status.version {
            status.number += 1;
            status.version = flows.version().to_owned();
            status.loaded_at = clock::now().unix;
            status.flows = names_of(&flows);
            tracing::info!(by = who, version = status.number, hash = status.version, "flows reloaded");
        } else if status.held.is_some() || status.last_fault.is_none() {
            tracing::debug!(by = who, "the flows are the same");
        }
        (self.warm)(flows.clone());
        self.front.send(FrontIn::Input(Box::new(switchboard::Input::Flows(flows.clone()))));
        status.last_fault = None;
        if flows.version() != state.flows.version() {
            let instead_of = status.held.as_ref().map(|held| held.instead_of.clone());
            let load = FlowLoad { at: status.loaded_at, hash: status.version.clone(), by: who.to_owned(), instead_of };
            (self.archive)(load, texts_of(flows.materials()));
        }
        self.tell(|| News::Loaded { number: status.number, flows: status.flows.len() });
        let number = status.number;
        state.flows = flows;
        number
    }

    pub(super) fn tell(&self, news: impl FnOnce() -> News) {
        if let Some(onlooker) = &self.onlooker {
            onlooker.tell(news());
        }
    }
}

fn names_of(flows: &FlowSet) -> Vec<String> {
    flows.names().into_iter().map(str::to_owned).collect()
}

/// The files of a set as the archive keeps them.
fn texts_of(materials: &Materials) -> String {
    let files: Vec<Json> = materials.sources.iter().map(|source| serde_json::json!({ "path": &*source.path, "text": &*source.text })).collect();
    serde_json::json!({ "files": files }).to_string()
}

/// The files again; `None`: somebody else wrote this.
pub(crate) fn sources_of(texts: &str) -> Option<Vec<Source>> {
    let whole: Json = serde_json::from_str(texts).ok()?;
    let file = |file: &Json| Some(Source::new(file.get("path")?.as_str()?, file.get("text")?.as_str()?));
    whole.get("files")?.as_array()?.iter().map(file).collect()
}

/// The set to begin with: a roll-back outlives a restart as long as the files are what they were.
pub(super) fn first(config: &Config, files: FlowSet, last: Option<FlowLoad>, texts: Option<&str>) -> First {
    let held = last.filter(|load| load.instead_of.as_deref() == Some(files.version()));
    let Some(load) = held else { return First { flows: files, held: None } };
    let loaded = texts.and_then(sources_of).map(|sources| load_materials(config, sources));
    match loaded {
        Some(Ok((flows, _))) => {
            let held = Held { since: load.at, by: load.by, instead_of: files.version().to_owned() };
            First { flows, held: Some(held) }
        }
        Some(Err(faults)) => {
            tracing::error!("the roll-back to {} does not hold any more, the files are used:\n{faults}", load.hash);
            First { flows: files, held: None }
        }
        None => {
            tracing::error!("the roll-back to {} does not hold any more: its texts are gone", load.hash);
            First { flows: files, held: None }
        }
    }
}
