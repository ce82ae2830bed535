//! The limits of a request, with reasons.

use std::time::Duration;

/// Largest body, bytes (nothing here takes more than a few lines).
pub const BODY_MAX: usize = 64 * 1024;
/// So much of a larger body is read before it is answered 413, bytes: a client that still writes when the connection closes does not
/// hear why.
pub const BODY_READ_MAX: usize = 1024 * 1024;
/// Longest time until an answer begins.
pub const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Largest body a webhook sink takes, bytes (deliveries are at most 256 kB).
pub const SINK_BODY_MAX: usize = 512 * 1024;
/// Age of a webhook's timestamp a sink accepts, either way (Standard Webhooks: five minutes).
pub const SINK_AGE_MAX: Duration = Duration::from_secs(300);
/// Others of whom one request may say how loud they are heard: all the others of the largest conference.
pub const PAIRS_MAX: usize = terms::PEOPLE_MAX as usize - 1;
