//! # phone: a scripted SIP phone, independent of the engine's own stack
//!
//! **Owns** a telephone that can be told what to do: `callflow call` and the phones of the tests. Its SIP messages
//! are built and read by the crate `rsip`, and its RTP, G.711, RFC 4733, SDP and tone measurement are its own few
//! lines, so that the engine's parsers and builders never examine themselves.
//!
//! **Never** sees the rooms `sip`, `sdp`, `rtp`, `audio`, `media`, `call` or `flow`; only `terms`.
//!
//! **Door**, from the inside out:
//! - [`Line`]: the signalling of one phone line as a pure machine (datagrams, commands and time in; datagrams and
//!   [`Event`]s out).
//! - [`Ear`]: its media, pure as well: speaks PCM, tones and digits every 20 ms, records and measures what it hears.
//! - [`Phone`]: a line, an ear and a list of [`Step`]s: the whole phone, still pure. A simulation drives it in virtual time.
//! - [`Handset`]: the shell: a `Phone` on real sockets, in a thread of its own.
//! - [`call()`]: what `callflow call` does.
//!
//! **Invariants**: nothing in `Line`, `Ear` and `Phone` reads a clock, a random source or a socket; nothing from the
//! wire can make them panic; every wait of a step is bounded.
//!
//! **How to add a step**: a variant of [`Step`], its beginning and its end in `phone.rs`, its sentence in `step.rs`.
//!
//! Libraries: `rsip` (SIP messages; an old crate with known gaps, which is why compact header names are spelled out
//! before it reads and its typed digest headers are not used), `hound` (WAV), `md-5` and `sha2` (digest).

mod account;
mod asks;
mod call;
mod chance;
mod description;
mod dialog;
mod digest;
mod ear;
mod framing;
mod g711;
mod handset;
mod limits;
mod line;
mod message;
mod packet;
mod phone;
mod recorder;
mod served;
mod sound;
mod step;
mod stream;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod story;
mod tone;

pub use account::{Account, Manners, Protocol, Setup};
pub use call::{CallOptions, Outcome, call};
pub use ear::{Ear, Route};
pub use framing::Framer;
pub use handset::{Handset, HandsetError, Loss, Wire};
pub use line::{Command, Event, Hearing, InfoBody, Input, Line, Output};
pub use phone::{Arrival, Phone, Report, TimelineEntry, Transmit};
pub use sound::{BadWav, Sound, read_wav, write_wav};
pub use step::Step;
pub use stream::{Came, Stream, StreamFigures};
pub use tone::{dominant_tone, goertzel, level_dbfs, tone_share};
