//! # sim: the other shell
//!
//! **Owns** a world in which the machines of production run as they are: [`switchboard::Front`], [`call::Shard`] with its flows
//! and mixers, under one virtual clock, on one thread, from one seed; a network with weather, telephones ([`phone::Phone`], an
//! ear of its own that shares no code with them), a disk, and crashes.
//!
//! **Never** opens a socket, starts a thread, reads a clock or decides anything the machines decide. Where the server would
//! render speech, a [`Sounds`] makes a tone of its own for each text, so that a phone can tell what it hears.
//!
//! **Door**: [`Setup`] says what exchange there is; [`World`] is it, its network and its phones. `World::add` a phone, `at` a time
//! do something, `run` for a while, `crash`, then `settle`; [`World::transcript`] is what people heard and did,
//! [`World::verdict`] every broken promise, [`World::fingerprint`] the whole history as one number.
//!
//! [`offline`] is the fast door: one caller, one flow, no phones and no tone analysis; `callflow test`, `phone` and `replay` stand on it.
//! [`testing`] is `callflow test` itself: files of tests, verdicts, coverage, random callers. [`Booth`] is a person at the caller's end
//! of an offline call, with short commands: `callflow phone`.
//!
//! **Invariants** (checked in `ledger.rs`, while it runs and at the end)
//! - The same seed, setup and acts give the same history, bit by bit.
//! - A call ends with one record; nothing of it is left in any table; its media sockets are closed; its phones are idle.
//! - What was acknowledged (a binding, a message) is there after any crash; a recording that began is ended.
//! - No packet goes to an address that was not signalled, nor learned from somebody signalled.
//! - Every call that ended runs again from its bundle, and the same comes of it.
//! - When the weather is fair again everything pending finishes in bounded time.
//!
//! **How to add a promise**: a field and a check in `ledger.rs`. **How to add a fault**: an act (`World::at`) or a field of
//! [`Weather`]. **How to add an errand**: an arm in `errands.rs`.
//!
//! Flows that are Rhai scripts run where the world runs: give that thread [`flow::limits::SCRIPT_STACK`] bytes of stack.

mod again;
mod agenda;
mod booth;
mod dice;
mod disk;
mod errands;
mod exchange;
mod ledger;
pub mod limits;
pub mod offline;
mod ports;
mod setup;
mod sounds;
mod station;
mod tap;
pub mod testing;
mod trace;
mod weather;
mod world;

pub use booth::{Act, Booth, Neighbours, Panel};
pub use dice::Dice;
pub use setup::{Helper, Ill, Setup};
pub use sounds::Sounds;
pub use station::Place;
pub use weather::Weather;
pub use world::World;
