//! The command line.

use crate::{config::Config, serve};
use std::{path::PathBuf, process::ExitCode};

/// Runs the verb that was asked for.
pub(crate) fn main() -> ExitCode {
    let path = PathBuf::from("callflow.yaml");
    match Config::read(&path).and_then(|config| crate::config::load_flows(&config).map(|_| config)) {
        Ok(config) => serve::run(config, serve::ServeOptions { path }),
        Err(_) => ExitCode::FAILURE,
    }
}
