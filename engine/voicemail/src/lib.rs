//! # voicemail: the rules of a mailbox
//!
//! **Owns** what a mailbox is, who may leave a message and when, what becomes of a recording once the caller stops
//! speaking, who may hear it and how its PIN is kept, tried and locked, what a visitor is told, how long messages stay, the counts of a message-waiting lamp, and the one JSON shape of every voicemail event.
//! **Never** knows SIP, audio, a disk or a clock: lengths, counts and moments are handed in.
//! **Door**: [`Mailbox`], [`Leaving`] (a caller at the tone), [`Envelope`] and [`MessageDraft`] (what is kept),
//! [`Message`] and the events of [`event`] (what others read), [`retention`] and [`Waiting`]; [`Pin`], [`PinGuard`], [`Visit`] and
//! [`spoken`] (an owner who listens).
//! **Invariants**: every decision is a value; a recording ends as exactly one of *message* or *nothing*; the events of one
//! message carry the same message shape.
//! **How to add an event**: one variant and one line in [`EventKind::ALL`], its body in `event.rs`, its words in the flow
//! language (`notify: { events: […] }`) are the variant's short name.
//!
//! Libraries: `serde` for the shapes that leave the house, `thiserror` for configuration faults, `argon2` for PINs (RustCrypto, MIT
//! or Apache-2.0, 0.6 of 2026), `jiff` for the zone in which times are told.

pub mod event;
mod leaving;
pub mod limits;
mod mailbox;
mod message;
mod pin;
pub mod retention;
pub mod spoken;
mod visit;

pub use event::{EventKind, FullBody, FullEvent, MessageBody, MessageEvent};
pub use leaving::{Admission, EndCause, Keeping, Leaving, Recorded, Room};
pub use mailbox::{Greeting, Mailbox, MailboxFault, MailboxLimits};
pub use message::{Caller, Envelope, Message, MessageDraft, Notify, Transcript, Transcription};
pub use pin::{Pin, PinFault, PinGuard, PinTry, PinVerdict, weakness};
pub use retention::Waiting;
pub use visit::{Entrance, Entry, Visit};
