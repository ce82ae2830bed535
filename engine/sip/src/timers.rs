//! The timers of RFC 3261 (table 4), with RFC 6026's L and M, each with its reason.

use std::time::Duration;

/// A round trip's estimate: first repeat of a request (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// The longest pause between repeats of a non-INVITE request and of a final response to INVITE.
pub const T2: Duration = Duration::from_secs(4);
/// How long a message may live in the network.
pub const T4: Duration = Duration::from_secs(5);
/// 64·T1: after this nobody is expected to answer any more (timers B, D, F, H, J, L, M).
pub const GIVE_UP: Duration = Duration::from_secs(32);
/// When timer E of the client has reached T2 (T1+2·T1+4·T1): from here a non-INVITE server says 100 (RFC 4320 §4.1).
pub const PLAIN_TRYING_AFTER: Duration = Duration::from_millis(3_500);
/// An INVITE that rings longer is forgotten on either side: a user that never answers must not leak. Chosen: longer than any queue.
pub const RINGING_MAX: Duration = Duration::from_secs(3_600);
