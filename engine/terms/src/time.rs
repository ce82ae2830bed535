//! The two clocks, always handed in, never read.

use std::time::{Duration, Instant};

/// Milliseconds since 1970-01-01 UTC: for dates that people and disks see, never for timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub u64);

/// One moment on both clocks. Timers use `at` (monotonic, immune to clock steps), dates use `unix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub at: Instant,
    /// The wall clock.
    pub unix: UnixMs,
}

impl Now {
    /// The moment `span` later on both clocks. The wall clock has whole milliseconds: whoever adds small spans to each other counts
    /// from one beginning, or it lags.
    #[must_use]
    pub fn later(self, span: Duration) -> Self {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self { at: self.at + span, unix: UnixMs(self.unix.0.saturating_add(ms)) }
    }
}

impl UnixMs {
    /// RFC 3339 in UTC with milliseconds: `2026-11-22T02:11:41.000Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(ms) {
            Ok(stamp) => format!("{stamp:.3}"),
            Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn dates_are_rfc3339_in_utc() {
        assert_eq!(UnixMs(1_000).rfc3339(), "1970-01-01T00:00:01.000Z");
        assert!(UnixMs(u64::MAX).rfc3339().starts_with("9999"));
    }
}
