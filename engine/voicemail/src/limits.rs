//! The limits of a mailbox, with units and reasons. A mailbox may narrow or widen the defaults up to the ceilings.

use std::time::Duration;

/// Messages a mailbox holds unless it says otherwise (chosen: what Asterisk and FreeSWITCH ship).
pub const MESSAGES_MAX_DEFAULT: u32 = 100;
/// Most messages any mailbox may be told to hold (chosen: a listing stays quick, a mistake stays finite).
pub const MESSAGES_MAX_CEILING: u32 = 10_000;
/// Longest message unless the mailbox says otherwise.
pub const LENGTH_MAX_DEFAULT: Duration = Duration::from_secs(180);
/// Longest message any mailbox may allow (chosen: 115 MB of 16 kHz audio would be unkind; one hour is 58 MB at 8 kHz).
pub const LENGTH_MAX_CEILING: Duration = Duration::from_secs(3_600);
/// Shorter recordings are discarded: a caller who hangs up at the tone left no message.
pub const DISCARD_UNDER_DEFAULT: Duration = Duration::from_secs(2);
/// Silence that ends a message.
pub const SILENCE_DEFAULT: Duration = Duration::from_secs(4);
/// How long messages stay.
pub const KEEP_DEFAULT: Duration = Duration::from_secs(90 * 86_400);
/// Longest a message may stay (ten years, the longest span `terms` reads).
pub const KEEP_CEILING: Duration = Duration::from_secs(3_650 * 86_400);
/// Endpoints told of one message: the mailbox's own and a few of the flow's.
pub const NOTIFY_MAX: usize = 8;
/// Longest URL of an endpoint, bytes (chosen: what common HTTP servers take).
pub const URL_MAX: usize = 2_048;
/// Characters of a caller's number or display name that are kept.
pub const CALLER_TEXT_MAX: usize = 256;
/// Digits of a PIN.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=10;
/// Wrong PINs in one call (RELIABILITY A10).
pub const PIN_TRIES_A_CALL: u32 = 3;
/// Wrong PINs within [`PIN_WINDOW`], over all calls, that lock a mailbox (RELIABILITY A10).
pub const PIN_WRONG_MAX: usize = 10;
/// The time in which they count, back from each try.
pub const PIN_WINDOW: Duration = Duration::from_secs(3_600);
/// The first lock; each further one is twice as long (chosen: an owner who mistypes waits a coffee, a guesser waits for ever).
pub const PIN_LOCK_FIRST: Duration = Duration::from_secs(15 * 60);
/// The longest lock.
pub const PIN_LOCK_LONGEST: Duration = Duration::from_secs(86_400);
/// Memory of one hash, KiB (chosen: 8 MiB take about 10 ms; a PIN has too few digits for more to help).
pub const PIN_HASH_MEMORY_KIB: u32 = 8 * 1_024;
/// Memory of a hash somebody else made, KiB.
pub const PIN_HASH_MEMORY_KIB_MAX: u32 = 64 * 1_024;
/// Passes of a hash somebody else made.
pub const PIN_HASH_PASSES_MAX: u32 = 10;
/// Messages one visit lists (chosen: nobody listens to more in a call).
pub const VISIT_MESSAGES_MAX: u32 = 100;
