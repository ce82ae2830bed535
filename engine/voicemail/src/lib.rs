//! # voicemail: the rules of a mailbox
//!
//! **Owns** what a mailbox is, who may leave a message and when, what becomes of a recording once the caller stops
//! speaking, how long messages stay, the counts of a message-waiting lamp, and the one JSON shape of every voicemail event.
//! **Never** knows SIP, audio, a disk or a clock: lengths, counts and moments are handed in.
//! **Door**: [`Mailbox`], [`Leaving`] (a caller at the tone), [`Envelope`] and [`MessageDraft`] (what is kept),
//! [`Message`] and the events of [`event`] (what others read), [`retention`] and [`Waiting`].
//! **Invariants**: every decision is a value; a recording ends as exactly one of *message* or *nothing*; the events of one
//! message carry the same message shape.
//! **How to add an event**: one variant and one line in [`EventKind::ALL`], its body in `event.rs`, its words in the flow
//! language (`notify: { events: […] }`) are the variant's short name.
//!
//! Libraries: `serde` for the shapes that leave the house, `thiserror` for configuration faults; nothing else is needed.

pub mod event;
mod leaving;
pub mod limits;
mod mailbox;
mod message;
pub mod retention;

pub use event::{EventKind, FullBody, FullEvent, MessageBody, MessageEvent};
pub use leaving::{Admission, EndCause, Keeping, Leaving, Recorded, Room};
pub use mailbox::{Greeting, Mailbox, MailboxFault, MailboxLimits};
pub use message::{Caller, Envelope, Message, MessageDraft, Notify, Transcript, Transcription};
pub use retention::Waiting;
