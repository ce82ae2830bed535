//! What the switchboard bounds, each with its unit and reason. Those a user may set are in [`crate::Limits`].

use std::time::Duration;

/// Wrong passwords proven by a valid nonce, per (user, address) and minute, before the pair is refused unread (RELIABILITY A8).
pub const GUESSES_A_MINUTE: u32 = 10;
/// Wrong passwords per user and day from all addresses that never gave the right one (RELIABILITY X10).
pub const GUESSES_A_DAY: u32 = 600;
/// Distinct keys a tally counts in one window; the rest share one count (chosen: about 4 MB at worst).
pub const TALLY_KEYS_MAX: usize = 32_768;
/// Addresses remembered as having proven a user's password (chosen: a person's networks of some weeks).
pub const PROVEN_MAX: usize = 32_768;
/// The window of the per-minute tallies.
pub const MINUTE: Duration = Duration::from_secs(60);
/// The window of the per-second tallies.
pub const SECOND: Duration = Duration::from_secs(1);
/// The window of the per-day tallies.
pub const DAY: Duration = Duration::from_secs(86_400);
/// Times a call may come back to us before it is a loop (RELIABILITY D4: at most ten legs in a chain).
pub const HOPS_MAX: u32 = 10;
/// Seconds a subscription to a mailbox lasts: at least (chosen: nothing changes more often), at most (RFC 3842 §3.4), and unless it says.
pub const SUBSCRIPTION_S: std::ops::RangeInclusive<u32> = 60..=3_600;
/// See [`SUBSCRIPTION_S`].
pub const SUBSCRIPTION_S_DEFAULT: u32 = 3_600;
/// Subscriptions of one connection; one more ends the oldest (chosen: twice the devices it may have).
pub const SUBSCRIPTIONS_A_CONNECTION: usize = 10;
/// Subscriptions in all; more are answered 503 (chosen: two devices for each of 10,000 users).
pub const SUBSCRIPTIONS_MAX: usize = 20_000;
/// How long the last NOTIFY of a subscription may wait for the one before, or for a count: 64·T1.
pub const LAMP_GONE_AFTER: Duration = Duration::from_secs(32);
/// Branches one target may spread into (the registrar's cap of devices is below it).
pub const BRANCHES_MAX: usize = 10;
/// Legs a call may have in the dialog table (RELIABILITY D4).
pub const LEGS_A_CALL_MAX: usize = 32;
/// Calls, default of [`crate::Limits::calls_max`] (chosen: the media goal of one core).
pub const CALLS_MAX: usize = 5_000;
/// New calls a second from one address, default (chosen: above any office, below the capacity of one core).
pub const CALLS_A_SECOND: u32 = 200;
/// Calls one caller may have at once, default (chosen: an office phone system with ten lines).
pub const CALLS_A_CALLER: usize = 10;
/// Calls one unknown address may have at once, default (chosen: an office behind one address).
pub const CALLS_A_STRANGER: usize = 50;
/// The longest call, default (FEATURES: 4 h).
pub const CALL_LENGTH: Duration = Duration::from_secs(4 * 3_600);
/// Longest silence nobody meant (chosen: people say "hello?" after four or five seconds).
pub const SILENCE: Duration = Duration::from_secs(5);
/// Seconds in Retry-After of a 503 (chosen: 5–14 by chance, so that refused callers do not return together).
pub const RETRY_AFTER_S: std::ops::Range<u64> = 5..15;
/// Bytes of a user name looked up; longer ones are nobody (chosen).
pub const USER_BYTES_MAX: usize = 128;
/// Bytes of a locate target (chosen: a SIP URI with parameters).
pub const TARGET_BYTES_MAX: usize = 512;
/// Prefixes that no trunk dials unless its `allow` says so longer: premium, satellite and international-shared
/// numbers that toll fraud lives on (ITU-T E.164 country codes 870, 878, 881–883, 979; UK 090/087, NANP 900/976).
pub const FRAUD_PREFIXES: [&str; 11] =
    ["+870", "+878", "+881", "+882", "+883", "+979", "+449", "+4487", "+1900", "+1976", "+88213"];
/// Outbound calls to trunks an hour for one caller, default (chosen: a busy person, not a dialler).
pub const OUTBOUND_AN_HOUR: u32 = 60;
/// The window of the outbound tally.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// Life of a nonce, default (chosen: one challenge a registration refresh, short enough to steal little).
pub const NONCE_LIFE: Duration = Duration::from_secs(300);
/// The name of the flow that runs for a connection without one of its own.
pub const DEFAULT_FLOW: &str = "default";
/// An agent who did not answer is not rung again before this (chosen: time to hang up and breathe; with one agent alone the phone
/// would otherwise never stop).
pub const AGENT_REST: Duration = Duration::from_secs(5);
/// While callers wait and every agent is busy elsewhere, it is looked again this often.
pub const AGENT_LOOK: Duration = Duration::from_secs(1);
/// Agents remembered for how long they have been idle (chosen: more than any exchange has).
pub const AGENTS_MAX: usize = 10_000;
