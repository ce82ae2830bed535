//! # terms: the glossary as types
//!
//! **Owns** the nouns that two or more rooms share, each with one spelling on the wire, in YAML and in logs.
//! **Never** knows a protocol, a clock or a disk.
//! **Door**: every public type of this crate.
//! **Invariants**: a value that exists is valid (`Digit`, `Name`, `Codec` cannot hold nonsense).
//! **How to add a noun**: when a second room needs it, move it here with its spelling and its test.

mod codec;
mod digit;
mod direction;
mod dtmf;
mod gain;
mod ids;
mod name;
mod secret;
mod span;
mod srtp;
mod time;
mod tongue;

pub use codec::{Codec, Codecs, Packing};
pub use digit::{Digit, NotADigit};
pub use direction::Direction;
pub use dtmf::{Dtmf, KeyWay};
pub use gain::{BadGain, Gain};
pub use ids::{CallId, LegId, MessageId};
pub use name::{BadName, Name};
pub use secret::Secret;
pub use span::{BadSpan, parse_span, spell_span};
pub use srtp::{CryptoSuite, MASTER_KEY_BYTES, MasterKey, Srtp, SrtpKeys};
pub use time::{Now, UnixMs};
pub use tongue::{Phrase, Text, Tongue};

/// People in one room at most (chosen: what one core mixes with ease).
pub const PEOPLE_MAX: u32 = 100;
