//! The files that flows are made of: found, read, checked against the configuration. Used by `serve`, its reload, and `check`.

use super::{Config, Faults};
use flow::FlowSet;

/// Reads and checks all flows and scripts of a configuration; the faults beside a good set are warnings.
///
/// # Errors
/// All faults of all files, when at least one is an error.
pub(crate) fn load_flows(config: &Config) -> Result<(FlowSet, Faults), Faults> {
    let _ = config;
    todo!("next")
}
