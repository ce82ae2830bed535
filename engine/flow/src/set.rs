//! All flows of one moment: loaded, checked, immutable, with a version.

use crate::world::World;
use notation::{Fault, Source};
use std::sync::Arc;

/// A checked set of flows. Cloning is cheap (one `Arc`); calls keep the set they began with.
#[derive(Clone, Debug)]
pub struct FlowSet(pub(crate) Arc<Loaded>);

#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) version: String,
    pub(crate) warnings: Vec<Fault>,
}

impl FlowSet {
    /// Reads and checks all files: `*.rhai` are scripts, all others YAML. A flow's name is its `flow:` key or its file's stem.
    ///
    /// Run it on a thread with a large stack ([`crate::limits::SCRIPT_STACK`]): it compiles scripts of unknown origin.
    ///
    /// # Errors
    /// All faults of all files (warnings among them), when at least one is an error.
    pub fn load(sources: Vec<Source>, world: &World) -> Result<Self, Vec<Fault>> {
        let _ = (sources, world);
        todo!()
    }
    /// The first 16 hex digits of the SHA-256 over all paths and texts.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }
    /// What is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.0.warnings
    }
    /// Names of all flows, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        todo!()
    }
    /// Whether there is a flow of this name.
    #[must_use]
    pub fn has(&self, flow: &str) -> bool {
        let _ = flow;
        todo!()
    }
    /// Checks settings that a connection or number overrides: unknown name or wrong value, one message each.
    ///
    /// # Errors
    /// `(setting, message)` for each bad one.
    pub fn check_settings(&self, flow: &str, settings: &std::collections::BTreeMap<String, String>) -> Result<(), Vec<(String, String)>> {
        let _ = (flow, settings);
        todo!()
    }
}

/// The JSON Schema (2020-12) of flow files, from the catalogue: for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    todo!()
}
