//! Models: what there is, where it lies, how it gets there (`callflow models install`).

use std::path::{Path, PathBuf};

/// One installable thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// What users call it: `whisper-tiny.en`, `whisper-base`, `voice-joe`, `english-words`, `silero-vad`.
    pub name: &'static str,
    /// One line for people.
    pub what: &'static str,
    /// Licence as its package states it.
    pub licence: &'static str,
    /// Whether a plain `models install` takes it.
    pub is_default: bool,
    /// Bytes fetched.
    pub download_bytes: u64,
}

/// What an installation tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Already there and verified; nothing to do.
    Present { package: &'static str },
    /// Fetching: `total` is what the catalogue says.
    Fetching { package: &'static str, file: &'static str, done: u64, total: u64 },
    /// Checking the checksum of what was fetched.
    Verifying { package: &'static str },
    /// Converting or unpacking.
    Converting { package: &'static str },
    /// In place.
    Installed { package: &'static str, path: PathBuf },
}

/// Why a model could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallFault {
    /// No package of this name in the catalogue.
    #[error("no model is called {0:?}; there are: {1}")]
    Unknown(String, String),
    /// Neither `pip` nor `python3 -m pip` can be run; says what to install.
    #[error("{0}")]
    NoPip(String),
    /// pip ran and failed.
    #[error("fetching {package} failed: {reason}")]
    Fetch {
        /// NAME==VERSION.
        package: String,
        /// What pip said last.
        reason: String,
    },
    /// What came is not what the catalogue expects.
    #[error("{what} has sha256 {found}, expected {expected}: not used")]
    Checksum {
        /// The file.
        what: String,
        /// As computed.
        found: String,
        /// As the catalogue says.
        expected: &'static str,
    },
    /// A file of the package is not as it should be.
    #[error("{0}")]
    Content(String),
    /// The disk.
    #[error("{path}: {error}")]
    Disk {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// `$CALLFLOW_MODELS`, else `$XDG_CACHE_HOME/callflow/models`, else `~/.cache/callflow/models`.
#[must_use]
pub fn default_dir() -> PathBuf {
    todo!()
}

/// Everything that can be installed.
#[must_use]
pub fn catalogue() -> &'static [Package] {
    todo!()
}

/// Whether a package is in place (by its files' presence and sizes; [`install`] verified them).
#[must_use]
pub fn is_installed(dir: &Path, package: &str) -> bool {
    let _ = (dir, package);
    todo!()
}

/// Installs packages into `dir`: fetches through pip (or takes wheels from the folder `from`), verifies, converts, renames
/// into place. What is there already costs nothing; an interrupted run is simply repeated. Empty `names`: the default ones.
/// Blocks for as long as the network takes.
///
/// # Errors
/// [`InstallFault`] of the first package that fails; those before it stay.
pub fn install(
    dir: &Path,
    names: &[&str],
    from: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), InstallFault> {
    let _ = (dir, names, from, progress);
    todo!()
}
