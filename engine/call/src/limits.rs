//! What one call may use at most.

use std::time::Duration;

/// Legs in one call, the caller's included (RELIABILITY D4: chosen, ten devices ring at once at most).
pub const LEGS_MAX: usize = 10;
/// Timeline lines kept; later ones are counted, not kept (chosen: a long call stays below 100 KB).
pub const TIMELINE_MAX: usize = 400;
/// Keys waiting for a step that reads them (chosen: longer than any PIN or number).
pub const DIGITS_WAITING_MAX: usize = 64;
/// Items one playlist may have after a flow was evaluated (chosen).
pub const PLAYLIST_MAX: usize = 64;
/// First repetition of an unacknowledged 2xx (RFC 3261 §13.3.1.4: T1).
pub const REPEAT_FIRST: Duration = Duration::from_millis(500);
/// Longest pause between repetitions of a 2xx (RFC 3261: T2).
pub const REPEAT_LONGEST: Duration = Duration::from_secs(4);
/// After this a 2xx without ACK is given up and the leg ended (RFC 3261: 64·T1).
pub const ACK_WAIT: Duration = Duration::from_secs(32);
/// How long a cancelled or ended leg may take to be done before it is forgotten (64·T1 and a second for the front's own timer).
pub const ENDING_WAIT: Duration = Duration::from_secs(33);
/// A peer that stays silent is asked this often whether it is still there (chosen: who is only muted costs two small messages
/// a minute).
pub const PROBE_PAUSE: Duration = Duration::from_secs(60);
/// How long a cancelled INVITE that nothing ever answered is waited for (chosen: T2; a living device answers its first repetition).
pub const UNHEARD_WAIT: Duration = Duration::from_secs(4);
/// How long the shell may take to open a leg's sockets (chosen: it answers within a millisecond or the system is out of ports).
pub const MEDIA_WAIT: Duration = Duration::from_secs(2);
/// How long the clerk may take over an errand that has no time of its own (chosen: speech that takes longer is not worth waiting for).
pub const ERRAND_WAIT: Duration = Duration::from_secs(20);
/// Caller ID texts are cut here before they enter a header.
pub const CALLER_ID_MAX: usize = 128;
/// Characters of a reason in a `Warning` header.
pub const WARNING_CHARS_MAX: usize = 200;
/// How long a ringing tone or early media may run before the bridge's own time-out (chosen: RFC 3261 §16.6 timer C).
pub const RING_MAX: Duration = Duration::from_secs(180);
/// How long the front may take to answer a call that wants to meet others (chosen: it answers within a millisecond, unless the
/// machine is far beyond its load).
pub const FRONT_WAIT: Duration = Duration::from_secs(5);
/// Messages kept for a call that is on its way to this shard (chosen: the way takes a millisecond).
pub const EXPECTED_MAX: usize = 1_000;
