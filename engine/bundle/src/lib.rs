//! # bundle: one call in a file, to be run again
//!
//! **Owns** the words of a call bundle: what a call was told and when ([`Turn`]), what it said ([`Said`]), what its flow did; the
//! file's format, its reading with limits, the disguise of secrets, and the first difference between two runs.
//!
//! **Never** knows SIP, media, sockets, files or a clock: messages are texts, and room `call` writes and plays them.
//!
//! **Door**: a call's [`Draft`] becomes a [`Bundle`] by [`Draft::finish`]; [`Bundle::write`] and [`Bundle::read`] are the file;
//! [`Trace`] and [`Trace::first_difference`] compare; [`Bundle::told`] is the call as a person reads it.
//!
//! **Invariants**
//! - What was read is what was written. No text makes the reader panic, and what it takes is bounded ([`limits`]).
//! - No value of a secret of the configuration, no digit keyed in secret, no PIN and no credential is in a finished bundle. Each has a
//!   stand-in of its length, the same one everywhere, so that what is equal stays equal and the call still takes its way.
//! - No audio.
//!
//! **How to add an input**: a variant of [`Input`], and its two arms in `call/src/diary.rs`. A change of meaning is a new [`FORMAT`].
//!
//! Libraries: `serde_json`, because a bundle is to be read by people and by other programs: lines of JSON.

mod difference;
mod disguise;
mod draft;
mod file;
pub mod limits;
mod told;
mod words;

#[cfg(test)]
mod tests;

pub use difference::{Difference, Scope, Trace};
pub use draft::{Draft, File, Flows};
pub use file::{Broken, FORMAT};
pub use told::ToldLine;
pub use words::{
    Answer, Branch, Bundle, Caller, End, Entry, Greeting, Head, Heard, HttpReply, Input, Mailbox, Meeting, OneWay, Parties, PlayerEnd, Plan, RecordEnd,
    Recorded, Said, Seen, Sound, Turn, Unreachable, Verdict,
};
