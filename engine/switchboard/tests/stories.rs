//! Stories of the switchboard, in virtual time, over bytes: what phones, trunks and strangers send, and what they get.
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

#[path = "stories/bench.rs"]
mod bench;
#[path = "stories/calls.rs"]
mod calls;
#[path = "stories/lamps.rs"]
mod lamps;
#[path = "stories/registration.rs"]
mod registration;
#[path = "stories/strangers.rs"]
mod strangers;
