//! Every number this room is bound by.

use std::time::Duration;

/// RFC 3261 T1: the round-trip estimate timers grow from.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// RFC 3261 T2: the longest interval between repetitions of a non-INVITE request or a final INVITE answer.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// 64 × T1: when a transaction gives up (timers B, F, H).
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);
/// Most bytes of one SIP message (RFC 3261 §18.1.1: what a UDP datagram can carry).
pub(crate) const MESSAGE_BYTES_MAX: usize = 65_535;
/// Most answers remembered for repetition to repeated requests.
pub(crate) const REPLIES_MAX: usize = 64;
/// Most transactions of our own at a time.
pub(crate) const ASKS_MAX: usize = 32;
/// Samples a second of everything the ear hears and says (G.711).
pub(crate) const RATE: u32 = 8_000;
/// Samples of one packet: 20 ms at 8 kHz.
pub(crate) const FRAME: usize = 160;
/// Time between two packets.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// Longest recording kept, in samples at 8 kHz: 30 minutes, 28.8 MB.
pub(crate) const RECORDING_SAMPLES_MAX: usize = 30 * 60 * RATE as usize;
/// Packets of a call whose coming is remembered: 400 s, half a megabyte.
pub(crate) const ARRIVALS_MAX: usize = 20_000;
/// RTP gap that is taken for a new stream rather than loss: 2 s in samples at 8 kHz.
pub(crate) const JUMP_SAMPLES: i64 = 2 * RATE as i64;
/// Level in dBFS (a full-scale sine is −3) above which a frame counts as sound; G.711's noise is far below.
pub(crate) const SOUND_DBFS: f32 = -45.0;
/// Length of one digit pressed.
pub(crate) const KEY_DOWN: Duration = Duration::from_millis(100);
/// Pause after a digit.
pub(crate) const KEY_UP: Duration = Duration::from_millis(60);
/// What `w` in a row of digits waits.
pub(crate) const KEY_WAIT: Duration = Duration::from_millis(500);
/// Shortest tone that is a beep (chosen: longer than any vowel stays pure).
pub(crate) const BEEP: Duration = Duration::from_millis(150);
/// How long registering may take.
pub(crate) const REGISTER_WITHIN: Duration = Duration::from_secs(10);
/// How long the end of a call may take after BYE or CANCEL.
pub(crate) const END_WITHIN: Duration = Duration::from_secs(10);
/// How long a hold or a resume may take.
pub(crate) const REINVITE_WITHIN: Duration = Duration::from_secs(10);
/// Most lines of a timeline.
pub(crate) const TIMELINE_MAX: usize = 2_000;
