//! # registrar: which device can be reached where
//!
//! **Owns** bindings: several devices a connection, their expiry, the order they are tried in, and RFC 3261 §10.3 whole
//! (with RFC 3327 Path and `+sip.instance`).
//! **Never** checks a password (the switchboard has done it), sends bytes, or writes a disk.
//! **Door**: [`Registrar`] with [`Input`], [`Output`]; [`Register`] is a REGISTER already authenticated and taken apart by
//! [`Register::read`]; [`Row`] is what the store keeps.
//! **Invariants**: a 200 OK leaves only after the store acknowledged the rows it speaks of; a connection never has more than
//! [`limits::DEVICES_MAX`] devices; a device behind NAT is reached where its packets come from, never where it claims to be.
//! **How to add a rule on contacts**: one arm in `contact::Refusal` and its check in `contact::admit`.
//!
//! ```text
//! Register ──▶ check all ──▶ change bindings ──▶ Store{ticket} … Stored{ticket} ──▶ Answer(200)
//!                 └─ refusal ──▶ Answer(4xx)            └─ failed ──▶ undone, Answer(500)
//! ```
//!
//! Libraries: none but `thiserror`; a sorted map in memory is all a registrar is.

mod binding;
mod contact;
pub mod limits;
mod machine;
mod read;

pub use binding::{Device, Reach, Row, Way};
pub use contact::{Asked, Refusal};
pub use machine::{Counters, Input, Output, Registrar, Reply, Ticket};
pub use read::{Contacts, Register, Unreadable};
