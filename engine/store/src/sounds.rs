//! Sound files given as URLs: fetched behind the guard, kept in memory, and asked for again only as HTTP says (RFC 9111).
//!
//! ```text
//! unknown → fetched → fresh (max-age) → stale → validated (ETag, Last-Modified): 304 keeps it, 200 replaces it
//!                                             → server gone: the old one is played for a day
//! ```
//! Calls that want the same sound at the same time wait for one fetch, and share its failure for some seconds. Whoever has an old
//! one waits for the server a second at most; the look goes on behind. At most three redirects, each through the guard.

use crate::{
    FetchFault, Fetcher,
    fetch::{read_bounded, reason},
    limits,
};
use reqwest::{
    Response, StatusCode, Url,
    header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex as Turn, time::Instant};

/// Time since any fixed moment, by a clock that only goes forward; handed in so that tests have their own.
pub type Uptime = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A sound file as it was last found.
#[derive(Clone, Debug)]
pub struct SoundFile {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Another number whenever the bytes are others; unique in this process.
    pub version: u64,
}

/// What is known of one URL.
#[derive(Clone)]
struct Kept {
    file: SoundFile,
    etag: Option<String>,
    last_modified: Option<String>,
    fetched: Duration,
    fresh: Duration,
}

/// One URL: whoever holds the turn fetches, the others wait for what comes of it.
#[derive(Default)]
struct Entry {
    /// When the last fetch failed, and how.
    turn: Turn<Option<(Duration, FetchFault)>>,
    kept: Mutex<Option<Kept>>,
    bytes: AtomicU64,
    used: AtomicU64,
}

impl Entry {
    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, kept: Kept) {
        self.bytes.store(kept.file.bytes.len() as u64, Ordering::Relaxed);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    /// The file, while nobody need be asked.
    fn fresh(&self, now: Duration) -> Option<SoundFile> {
        self.kept().filter(|kept| now < kept.fetched + kept.fresh).map(|kept| kept.file)
    }

    /// The file, while it may be played although its server does not answer.
    fn stale(&self, now: Duration) -> Option<SoundFile> {
        self.kept().filter(|kept| now < kept.fetched + limits::SOUND_STALE_MAX).map(|kept| kept.file)
    }

    /// What comes of a failure: only what may pass by itself lets an old sound be played.
    fn failed(&self, fault: FetchFault, now: Duration) -> Result<SoundFile, FetchFault> {
        match (&fault, self.stale(now)) {
            (FetchFault::Timeout(_) | FetchFault::Unreachable(_), Some(file)) => Ok(file),
            (FetchFault::Refused(_) | FetchFault::BadRequest(_) | FetchFault::Timeout(_) | FetchFault::TooLarge(_) | FetchFault::Unreachable(_), _) => Err(fault),
        }
    }
}

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Sounds {
    fetcher: Fetcher,
    entries: Arc<Mutex<HashMap<String, Arc<Entry>>>>,
    /// Counts uses and versions.
    count: Arc<AtomicU64>,
    uptime: Uptime,
}

impl std::fmt::Debug for Sounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sounds")
    }
}

/// What the server said about a file.
enum Found {
    /// A file, to be kept unless `None` says that it may not be.
    File(Vec<u8>, HeaderMap),
    /// 304: what we have is right.
    Same(HeaderMap),
}

impl Sounds {
    /// An empty cache behind a guarded client.
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        let start = Instant::now();
        Self::with_clock(fetcher, Arc::new(move || start.elapsed()))
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(fetcher: Fetcher, uptime: Uptime) -> Self {
        Self { fetcher, entries: Arc::default(), count: Arc::default(), uptime }
    }

    /// The file behind a URL: at once while it is fresh, else after a look at the server, for which nobody waits longer than
    /// `timeout`, and who has an old file not longer than a second.
    ///
    /// # Errors
    /// A [`FetchFault`]; here every status but 200 (and 304 to a validation) is one. A file found within the last day is given
    /// in place of a server that does not answer or says 5xx.
    pub async fn get(&self, url: &str, timeout: Duration) -> Result<SoundFile, FetchFault> {
        let entry = self.entry(url);
        let now = (self.uptime)();
        if let Some(file) = entry.fresh(now) {
            return Ok(file);
        }
        let old = entry.stale(now);
        let wait = if old.is_some() { timeout.min(limits::SOUND_LOOK_WAIT) } else { timeout };
        let (sounds, url) = (self.clone(), url.to_owned());
        // A task of its own: who stops waiting does not stop it, so the next caller finds what it brings.
        let look = tokio::spawn(async move {
            let found = sounds.find(&entry, &url).await;
            sounds.make_room();
            found
        });
        match (tokio::time::timeout(wait, look).await, old) {
            (Ok(Ok(found)), _) => found,
            (Ok(Err(_)) | Err(_), Some(old)) => Ok(old),
            (Ok(Err(ended)), None) => Err(FetchFault::Unreachable(ended.to_string())),
            (Err(_), None) => Err(FetchFault::Timeout(wait)),
        }
    }

    /// Looks at the server, unless somebody else just did.
    async fn find(&self, entry: &Entry, url: &str) -> Result<SoundFile, FetchFault> {
        let mut failure = entry.turn.lock().await;
        let now = (self.uptime)();
        if let Some(file) = entry.fresh(now) {
            return Ok(file);
        }
        if let Some((_, fault)) = failure.as_ref().filter(|(at, _)| now < *at + limits::SOUND_FRESH.0) {
            return entry.failed(fault.clone(), now);
        }
        *failure = None;
        let known = entry.kept();
        let limit = limits::SOUND_TIME_MAX;
        let asked = tokio::time::timeout(limit, self.ask(url, known.as_ref())).await.unwrap_or(Err(FetchFault::Timeout(limit)));
        let now = (self.uptime)();
        let fault = match (asked, known) {
            (Ok(Found::Same(headers)), Some(kept)) => {
                let file = kept.file.clone();
                entry.keep(Kept { fetched: now, fresh: freshness(&headers), ..kept });
                return Ok(file);
            }
            (Ok(Found::Same(_)), None) => FetchFault::Unreachable("status 304 without a question".to_owned()),
            (Ok(Found::File(bytes, headers)), known) => {
                let same = known.filter(|kept| *kept.file.bytes == *bytes).map(|kept| kept.file);
                let file = same.unwrap_or_else(|| SoundFile { bytes: bytes.into(), version: self.tick() });
                let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
                entry.keep(Kept {
                    file: file.clone(),
                    etag: text(ETAG),
                    last_modified: text(LAST_MODIFIED),
                    fetched: now,
                    fresh: freshness(&headers),
                });
                return Ok(file);
            }
            (Err(fault), _) => fault,
        };
        *failure = Some((now, fault.clone()));
        let found = entry.failed(fault.clone(), now);
        if found.is_ok() {
            tracing::warn!(%fault, "a prompt's server does not answer: the sound found before is played");
        }
        found
    }

    fn tick(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn entry(&self, url: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Arc::clone(entries.entry(url.to_owned()).or_default());
        entry.used.store(self.tick(), Ordering::Relaxed);
        entry
    }

    /// Forgets what was used longest ago until the rest is within the bounds.
    fn make_room(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let bytes: u64 = entries.values().map(|entry| entry.bytes.load(Ordering::Relaxed)).sum();
            if bytes <= limits::SOUNDS_BYTES_MAX && entries.len() <= limits::SOUNDS_MAX {
                return;
            }
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed)).map(|(url, _)| url.clone());
            let Some(oldest) = oldest else { return };
            entries.remove(&oldest);
        }
    }

    /// Asks the server, following at most [`limits::SOUND_REDIRECTS_MAX`] redirects, each checked like the first address.
    async fn ask(&self, url: &str, known: Option<&Kept>) -> Result<Found, FetchFault> {
        let mut url = self.fetcher.guard().check(url)?;
        for _ in 0..=limits::SOUND_REDIRECTS_MAX {
            let mut request = self.fetcher.client().get(url.clone());
            if let Some(etag) = known.and_then(|known| known.etag.as_ref()) {
                request = request.header(IF_NONE_MATCH, etag);
            }
            if let Some(date) = known.and_then(|known| known.last_modified.as_ref()) {
                request = request.header(IF_MODIFIED_SINCE, date);
            }
            let response = request.send().await.map_err(|fault| FetchFault::Unreachable(reason(&fault)))?;
            match response.status() {
                StatusCode::OK => {
                    let headers = response.headers().clone();
                    return Ok(Found::File(read_bounded(response, limits::FETCH_SOUND_MAX).await?, headers));
                }
                StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Found::Same(response.headers().clone())),
                status if status.is_redirection() => url = self.next(&url, &response)?,
                status if status.is_server_error() => return Err(FetchFault::Unreachable(format!("status {}", status.as_u16()))),
                status => return Err(FetchFault::BadRequest(format!("status {}", status.as_u16()))),
            }
        }
        Err(FetchFault::BadRequest(format!("over {} redirects", limits::SOUND_REDIRECTS_MAX)))
    }

    fn next(&self, from: &Url, response: &Response) -> Result<Url, FetchFault> {
        let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).and_then(|to| from.join(to).ok());
        let to = to.ok_or_else(|| FetchFault::BadRequest("a redirect to nowhere".to_owned()))?;
        Ok(self.fetcher.guard().check(to.as_str())?)
    }
}

/// How long an answer may be used without asking again: `max-age` within our bounds; `no-cache`, `no-store` or nothing said:
/// the least, so that a crowd of calls makes one request.
fn freshness(headers: &HeaderMap) -> Duration {
    let mut fresh = None;
    for directive in headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        if directive == "no-cache" || directive == "no-store" {
            return limits::SOUND_FRESH.0;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=").and_then(|seconds| seconds.trim_matches('"').parse().ok()) {
            fresh = Some(Duration::from_secs(seconds));
        }
    }
    fresh.unwrap_or(limits::SOUND_FRESH.0).clamp(limits::SOUND_FRESH.0, limits::SOUND_FRESH.1)
}
