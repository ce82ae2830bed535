//! # speech: what we ask of a voice or a recogniser, and what comes back
//!
//! **Owns** the words [`Say`], [`Spoken`], [`Transcript`], [`SpeechFault`]; English text made speakable; the engines
//! behind the traits [`Voice`] and [`Recogniser`] (local Piper, local Whisper, command, HTTP); the cache of rendered
//! speech; the built-in prompts of last resort; the catalogue of [`models`] and their installation.
//!
//! **Never** knows a call, SIP, a flow or a database.
//!
//! **Door**: [`Speech`] for everything at run time (`say`, `transcribe`, `warm_up`, `snapshot`), [`models`] for
//! `callflow models`, [`SpeechConfig`] for what the server configures, [`word_error_rate`] for tests.
//!
//! **Invariants**: `say` never answers with silence; engines run on threads of low priority, never on the caller's; every
//! queue, text, sound and answer has a bound ([`limits`]); one text asked many times at once is rendered once; a model is
//! used only after its checksum was verified; keys and texts never reach a log. Pure: `english`, `errors`, `system`,
//! `models::ggml`; everything else touches the world.
//!
//! **How to add an engine**: one file with a type that implements [`Voice`] or [`Recogniser`], one variant in [`VoiceConfig`]
//! or [`RecogniserConfig`], one arm in `speech.rs` that builds it.
//!
//! Libraries: `whisper-rs` (whisper.cpp; the only C here, behind a safe interface); `rten` (pure Rust ONNX, for the voice and
//! the voice detector: no runtime to fetch); `reqwest` for HTTP engines; `zip` and `sha2` for wheels and checksums;
//! `serde_json` for the dictionary; `rustix` for thread priorities and process groups without unsafe code.

mod cache;
mod command;
mod config;
mod engines;
mod english;
mod errors;
mod faults;
mod http;
pub mod limits;
pub mod models;
mod onnx;
mod piper;
mod requests;
mod silero;
mod speech;
mod system;
mod threads;
mod whisper;

pub use audio::Pcm;
pub use config::{CommandConfig, HttpConfig, RecogniserConfig, SpeechConfig, TextIn, VoiceConfig};
pub use engines::{Recogniser, Voice};
pub use errors::word_error_rate;
pub use faults::{EngineFault, SpeechFault};
pub use requests::{Heard, Say, Spoken, Transcribe, Transcript, Utterance, Words};
pub use speech::{Speech, SpeechSnapshot};
pub use system::{builtin, is_builtin};
