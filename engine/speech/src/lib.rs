//! # speech: what we ask of a voice or a recogniser, and what comes back
//!
//! **Owns** the words [`Say`], [`Spoken`], [`Transcript`], [`SpeechFault`]; English text made speakable; the engines
//! behind the traits [`Voice`] and [`Recogniser`] (local Piper, local Whisper, command, HTTP); the cache of rendered
//! speech; the catalogue of [`models`] and their installation.
//! **Never** knows a call, SIP, a flow or a database.
//! **Door**: [`Speech`] for everything at run time (`say`, `transcribe`, `snapshot`), [`models`] for `callflow models`,
//! [`SpeechConfig`] for what the server configures.
mod config;
mod engines;
mod faults;
mod limits;
pub mod models;
mod requests;
mod speech;

pub use config::{CommandConfig, HttpConfig, RecogniserConfig, SpeechConfig, TextIn, VoiceConfig};
pub use engines::{Recogniser, Voice};
pub use faults::{EngineFault, SpeechFault};
pub use requests::{Heard, Say, Spoken, Transcribe, Transcript, Utterance, Words};
pub use audio::Pcm;
pub use speech::{Speech, SpeechSnapshot};
