//! What the store is told when it is opened.

use crate::{Polish, limits, links::AudioLinks};
use std::{fmt, sync::Arc};
use terms::UnixMs;

/// A wall clock, handed in so that tests have their own.
pub type WallClock = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Free bytes under which no new recording begins.
    pub disk_reserve: u64,
    /// How links to audio are made; without it messages carry none.
    pub audio_links: Option<AudioLinks>,
    /// The wall clock.
    pub clock: WallClock,
    /// What is made of the sound of messages once they are safe; `None`: they stay as they were spoken.
    pub polish: Option<Polish>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("disk_reserve", &self.disk_reserve).finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { disk_reserve: limits::DISK_RESERVE_DEFAULT, audio_links: None, clock: Arc::new(wall_clock), polish: None }
    }
}

/// The system's wall clock.
#[must_use]
pub fn wall_clock() -> UnixMs {
    #[expect(clippy::disallowed_methods, reason = "the one place of this room that reads the wall clock")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
