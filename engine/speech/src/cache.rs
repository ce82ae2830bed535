//! Rendered speech on disk: one WAV per (engine, voice, language, rate, text), named by the SHA-256 of all of them.
//!
//! Files appear whole by rename and carry their length, so a torn one is noticed and thrown away. The size is bounded: what
//! was not used for the longest goes first. Several processes may share a folder; at worst they render a text twice.

use crate::{Say, Voice};
use audio::{Pcm, wav::Wav};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// After cleaning this share of the bound is left, so that not every file cleans.
const KEPT_NUMERATOR: u64 = 9;
const KEPT_DENOMINATOR: u64 = 10;

pub(crate) struct Cache {
    dir: PathBuf,
    bytes_max: u64,
    /// Bytes in the folder as far as this process knows; one cleaner at a time.
    bytes: Mutex<u64>,
    drafts: AtomicU64,
}

/// The name of a rendering: 64 hex digits.
pub(crate) fn key(voice: &dyn Voice, say: &Say) -> String {
    let mut hash = Sha256::new();
    let rate = say.rate.to_string();
    let fingerprint = voice.fingerprint();
    for part in [voice.name(), &fingerprint, say.voice.as_deref().unwrap_or(""), &say.language, &rate, &say.text] {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    crate::models::hex(hash.finalize().as_ref())
}

impl Cache {
    /// Opens (and makes) a folder and counts what is in it.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub(crate) fn open(dir: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let cache = Self { dir: dir.to_owned(), bytes_max, bytes: Mutex::new(0), drafts: AtomicU64::new(0) };
        let bytes = cache.files()?.iter().map(|(_, bytes, _)| bytes).sum();
        *cache.bytes.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(cache)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.wav"))
    }

    /// A rendering, if it is there and whole; using it makes it young again.
    pub(crate) fn get(&self, key: &str) -> Option<Pcm> {
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        let whole = audio::wav::read(&bytes).ok().filter(|(wav, samples)| {
            wav.channels == 1 && bytes.len() == audio::wav::HEADER_BYTES + samples.len() * 2 && says_its_length(&bytes)
        });
        match whole {
            Some((wav, samples)) => {
                // A stamp that cannot be set only makes the file look older.
                let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(wall_clock()));
                Some(Pcm { rate: wav.rate, samples })
            }
            None => {
                tracing::warn!(file = %path.display(), "a damaged file in the speech cache is thrown away");
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps a rendering; trouble with the disk is logged and costs only another rendering.
    pub(crate) fn put(&self, key: &str, sound: &Pcm) {
        if let Err(error) = self.write(key, sound) {
            tracing::warn!(%error, dir = %self.dir.display(), "rendered speech could not be kept");
        }
    }

    fn write(&self, key: &str, sound: &Pcm) -> io::Result<()> {
        let bytes = Wav { rate: sound.rate, channels: 1 }.file(&sound.samples);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > self.bytes_max {
            return Ok(());
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = self.dir.join(format!(".{key}.{}.{number}.part", std::process::id()));
        let placed = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, self.path(key)));
        if placed.is_err() {
            let _ = fs::remove_file(&draft);
        }
        placed?;
        let mut known = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.saturating_add(size);
        if *known > self.bytes_max {
            *known = self.clean()?;
        }
        Ok(())
    }

    /// Deletes the longest unused until nine tenths of the bound are left; gives the bytes that stay.
    fn clean(&self) -> io::Result<u64> {
        let mut files = self.files()?;
        files.sort_by_key(|(_, _, used)| *used);
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        let goal = self.bytes_max / KEPT_DENOMINATOR * KEPT_NUMERATOR;
        for (path, bytes, _) in files {
            if total <= goal {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                total = total.saturating_sub(bytes);
            }
        }
        Ok(total)
    }

    /// Our files: path, bytes, last use. Drafts that a killed process left count, and go, like all others.
    fn files(&self) -> io::Result<Vec<(PathBuf, u64, SystemTime)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            let is_ours = path.extension().is_some_and(|extension| extension == "wav" || extension == "part");
            if let (true, Ok(meta)) = (is_ours, entry.metadata()) {
                files.push((path, meta.len(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            }
        }
        Ok(files)
    }
}

/// The header's data length is the true one (a header "until the end of the file" would hide a cut).
fn says_its_length(bytes: &[u8]) -> bool {
    let said = bytes.get(40..44).and_then(|said| said.try_into().ok()).map(u32::from_le_bytes);
    said.and_then(|said| usize::try_from(said).ok()) == bytes.len().checked_sub(audio::wav::HEADER_BYTES)
}

#[expect(clippy::disallowed_methods, reason = "the age of a cached file is a matter of the disk's own clock")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EngineFault, Utterance};
    use std::time::Duration;

    struct Named(&'static str, &'static str);
    impl Voice for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn fingerprint(&self) -> String {
            self.1.to_owned()
        }
        fn speak(&self, _: &Utterance) -> Result<Pcm, EngineFault> {
            Err(EngineFault::Failed("never asked".to_owned()))
        }
    }

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("callflow-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn sound(length: usize) -> Pcm {
        Pcm { rate: 8_000, samples: (0..length).map(|n| (n % 251) as i16).collect() }
    }

    #[test]
    fn everything_that_changes_the_sound_changes_the_key() {
        let say = Say { text: "hello".to_owned(), language: "en".to_owned(), voice: None, rate: 8_000 };
        let mut keys = vec![
            key(&Named("piper", "1"), &say),
            key(&Named("http", "1"), &say),
            key(&Named("piper", "2"), &say),
            key(&Named("piper", "1"), &Say { text: "hell".to_owned(), ..say.clone() }),
            key(&Named("piper", "1"), &Say { language: "de".to_owned(), ..say.clone() }),
            key(&Named("piper", "1"), &Say { voice: Some("joe".to_owned()), ..say.clone() }),
            key(&Named("piper", "1"), &Say { rate: 16_000, ..say.clone() }),
        ];
        assert_eq!(keys[0], key(&Named("piper", "1"), &say));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 7);
        assert_eq!(keys[0].len(), 64);
    }

    #[test]
    fn what_is_kept_comes_back_and_a_torn_file_does_not() {
        let dir = folder("torn");
        let cache = Cache::open(&dir, 1 << 20).unwrap();
        assert_eq!(cache.get("a"), None);
        cache.put("a", &sound(1_000));
        assert_eq!(cache.get("a"), Some(sound(1_000)));
        assert_eq!(Cache::open(&dir, 1 << 20).unwrap().get("a"), Some(sound(1_000)));
        let bytes = fs::read(cache.path("a")).unwrap();
        fs::write(cache.path("a"), &bytes[..500]).unwrap();
        assert_eq!(cache.get("a"), None);
        assert!(!cache.path("a").exists());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let dir = folder("bounded");
        let cache = Cache::open(&dir, 10 * 2_044).unwrap();
        for n in 0..10_u32 {
            cache.put(&n.to_string(), &sound(1_000));
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + u64::from(n));
            File::options().write(true).open(cache.path(&n.to_string())).unwrap().set_modified(then).unwrap();
        }
        assert!(cache.get("0").is_some());
        cache.put("new", &sound(1_000));
        assert!(cache.get("0").is_some(), "used a moment ago");
        assert!(cache.get("new").is_some());
        assert!(cache.get("1").is_none());
        let left: u64 = cache.files().unwrap().iter().map(|(_, bytes, _)| bytes).sum();
        assert!(left <= 10 * 2_044 * 9 / 10, "{left}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn many_may_use_it_at_once() {
        let dir = folder("many");
        let cache = Cache::open(&dir, 40 * 2_044).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8_usize {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..60_usize {
                        let name = ((thread * 7 + round) % 50).to_string();
                        match cache.get(&name) {
                            Some(found) => assert_eq!(found, sound(1_000)),
                            None => cache.put(&name, &sound(1_000)),
                        }
                    }
                });
            }
        });
        let files = cache.files().unwrap();
        assert!(files.iter().all(|(path, ..)| path.extension().is_some_and(|e| e == "wav")));
        assert!(files.iter().map(|(_, bytes, _)| bytes).sum::<u64>() <= 41 * 2_044);
        fs::remove_dir_all(dir).unwrap();
    }
}
