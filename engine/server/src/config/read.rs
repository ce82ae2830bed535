//! The file's top level.

use super::{Config, Faults};
use std::path::Path;

pub(super) fn file(path: &Path) -> Result<Config, Faults> {
    let _ = path;
    todo!("next")
}
