//! The exchange as a whole, in virtual time: stories a person can read, and many seeds of bad luck.
//!
//! `CALLFLOW_SIM_SEEDS=5000 cargo test -p sim seeds` tries more; `CALLFLOW_SIM_SEED=17` only that one, with its whole tail.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

#[path = "room/keys.rs"]
mod keys;
#[path = "room/mailbox.rs"]
mod mailbox;
#[path = "room/meetings.rs"]
mod meetings;
#[path = "room/seeds.rs"]
mod seeds;
#[path = "room/stage.rs"]
mod stage;
#[path = "room/silence.rs"]
mod silence;
#[path = "room/stories.rs"]
mod stories;
#[path = "room/tape.rs"]
mod tape;
#[path = "room/transfer.rs"]
mod transfer;
#[path = "room/ways.rs"]
mod ways;
