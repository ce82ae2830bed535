//! What a front is told at its birth.

use crate::{MediaProtection, limits};
use std::time::Duration;
use terms::{Codecs, Secret};

/// The limits a user may set, each with its default from [`crate::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once; more are answered 503 with Retry-After.
    pub calls_max: usize,
    /// New calls a second from one address; more are answered 503 with Retry-After.
    pub calls_a_second: u32,
    /// Calls at once that one connection has begun; more are answered 486.
    pub calls_a_caller: usize,
    /// Calls at once from one unknown address; more are answered 486.
    pub calls_a_stranger: usize,
    /// The longest a call may last.
    pub call_length: Duration,
    /// The longest a caller may hear nothing although no silence is meant; then a filler plays. Zero: never.
    pub silence: Duration,
    /// Outbound calls to trunks that one connection, trunk or flow owner may begin an hour.
    pub outbound_an_hour: u32,
    /// Life of a digest nonce.
    pub nonce_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_max: limits::CALLS_MAX,
            calls_a_second: limits::CALLS_A_SECOND,
            calls_a_caller: limits::CALLS_A_CALLER,
            calls_a_stranger: limits::CALLS_A_STRANGER,
            call_length: limits::CALL_LENGTH,
            silence: limits::SILENCE,
            outbound_an_hour: limits::OUTBOUND_AN_HOUR,
            nonce_life: limits::NONCE_LIFE,
        }
    }
}

/// What a front is told at its birth.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sockets the shell has bound. The first of a transport is the one our Contact names.
    pub listeners: Vec<sip::Listener>,
    /// The `Server` and `User-Agent` text; `None`: none is sent.
    pub server: Option<String>,
    /// Makes and proves nonces: 32 random bytes that survive a restart.
    pub nonce_key: Secret<[u8; 32]>,
    /// Seeds tags, branches, call ids and back-off: random in production.
    pub seed: u64,
    /// How many shards there are; at least 1.
    pub shards: usize,
    /// Codecs offered and accepted, best first, where a connection or trunk has none of its own.
    pub codecs: Codecs,
    /// The effort of encoding live sound as Opus: 0 (cheap) – 10 (best).
    pub opus_complexity: u8,
    /// How media is protected.
    pub protection: MediaProtection,
    /// The limits.
    pub limits: Limits,
}
