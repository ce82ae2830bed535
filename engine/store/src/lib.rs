//! # store: the disk
//!
//! **Owns** the data folder: an embedded SQLite database (bindings, messages, jobs, webhook outbox, versions of flows), the spool of recordings
//! that are being spoken, the folder of messages, and what leaves from there: webhooks and the `http` of flows.
//! **Never** knows a rule of mailboxes, SIP or calls: it keeps what it is given and says when it is safe.
//! **Door**: [`Store`] (a cheap handle on everything durable), [`SpoolWriter`] (sync, never waits: for the threads that carry
//! audio), [`Courier`] (delivers the outbox), [`Fetcher`] (HTTP for flows), [`Sounds`] (sound files given as URLs), [`Guard`]
//! (who may be reached).
//! **Invariants**
//! - What was acknowledged survives `kill -9` and a power cut, once: file fsync, rename, folder fsync, then one transaction
//!   with the message, its events and its job; only then the answer.
//! - Every write goes through one writer that shares a transaction among all who wait (group commit).
//! - Names of files are generated ids under one root; nothing that came from a wire or a flow becomes a path.
//! - What cannot be read is moved to `quarantine/` and named; it never stops a start.
//! - No request leaves but through [`Guard`].
//!
//! **How to add a table**: a new file in `migrations/` (and a line in `database.rs`), a module with its rows and SQL, a variant of
//! `Write` for every change.
//!
//! ```text
//! data/
//!   lock                      held while an engine runs
//!   callflow.db (-wal, -shm)  SQLite
//!   callflow.db.begun         a database is begun and rows are still made from what lies in the folders
//!   spool/<id>.json           the ticket of a recording under way: written first, removed last
//!   spool/<id>.part.wav       its audio, written while spoken
//!   messages/<realm>/<mailbox>/<id>.wav, <id>.json (<id>.tmp while one of them is written anew)
//!   recordings/<realm>/<id>.wav (or .opus), <id>.json
//!   quarantine/               what could not be read
//! ```
//!
//! Libraries: `sqlx` (SQLite now, PostgreSQL behind the same queries later), `reqwest` on rustls (HTTP out), `hmac`/`sha2`/`base64`
//! (Standard Webhooks signatures), `rustix` (free disk space), `uuid` (ids of deliveries).

mod adoption;
mod bindings;
mod courier;
mod database;
mod fault;
mod fetch;
mod guard;
mod jobs;
pub mod limits;
mod links;
mod mailboxes;
mod messages;
mod options;
mod outbox;
mod pins;
mod polish;
mod recordings;
mod recovery;
mod schedule;
mod seal;
mod signature;
mod sounds;
mod spool;
mod store;
mod versions;
mod wav;
mod writer;

#[cfg(test)]
mod tests;

pub use bindings::{BindingChange, BindingRow};
pub use courier::{Courier, CourierOptions};
pub use fault::StoreFault;
pub use fetch::{FetchFault, Fetcher, HttpFetch, HttpReply, Method};
pub use guard::{Allowed, BadAllowed, Guard, Lookup, Refusal, is_public};
pub use jobs::{Job, JobFate};
pub use links::AudioLinks;
pub use messages::{MessageQuery, Page, Swept};
pub use options::{Options, WallClock, wall_clock};
pub use outbox::{OutboxCounts, WebhookDraft};
pub use polish::Polish;
pub use recordings::{RECORDING_SAVED, Recording, RecordingPage, RecordingQuery};
pub use recovery::Recovered;
pub use signature::{BadSecret, Signer};
pub use sounds::{SoundFile, Sounds, Uptime};
pub use spool::{
    Disposition, Finished, LeftOver, NotTaken, OnFault, OnFinished, RecordingMeta, SpoolFault, SpoolWriter,
};
pub use store::Store;
pub use versions::{FlowArchive, FlowLoad, FlowTexts, FlowVersion};
