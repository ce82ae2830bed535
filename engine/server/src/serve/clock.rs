//! The one place of the binary that reads the clocks.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use terms::{Now, UnixMs};

/// Both clocks, now.
#[expect(clippy::disallowed_methods, reason = "the shell hands the clocks to everybody else")]
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix: UnixMs(u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)) }
}

/// Processor time that this thread has had.
pub(crate) fn own_time() -> Duration {
    let had = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(had.tv_sec).unwrap_or_default(), u32::try_from(had.tv_nsec).unwrap_or_default())
}
