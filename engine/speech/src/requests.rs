//! Requests and results.

use audio::Pcm;
use std::{path::PathBuf, sync::Arc};

/// "Say this": what a flow asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Say {
    /// Plain text, 1–2,000 characters. Numbers, dates, money and times are spoken as a person would.
    pub text: String,
    /// BCP 47, such as `en-US`; only the part before `-` decides which engine is suited.
    pub language: String,
    /// A voice's name as its engine knows it; `None` takes the engine's own default.
    pub voice: Option<String>,
    /// Samples a second wanted, 8,000–48,000 (8,000 or 16,000 for telephones).
    pub rate: u32,
}

/// What [`crate::Speech::say`] answers.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Mono, at the rate that was asked for; shared with everybody who asked for the same.
    pub sound: Arc<Pcm>,
    /// The engine that spoke: `piper`, `command`, `http`, or `system` for the built-in prompts of last resort.
    pub engine: String,
    /// Whether it came from the cache on disk.
    pub cached: bool,
    /// Whether the words are not exactly those asked for, because only built-in prompts were left.
    pub stand_in: bool,
}

/// Where the speech to be transcribed is.
#[derive(Clone, Debug)]
pub enum Heard {
    /// In memory, any rate.
    Sound(Arc<Pcm>),
    /// A WAV file on disk.
    Wav(PathBuf),
}

/// "Write down what is said here."
#[derive(Clone, Debug)]
pub struct Transcribe {
    /// The audio; at most ten minutes of it are heard.
    pub heard: Heard,
    /// BCP 47 when known; `None` lets a multilingual model find out.
    pub language: Option<String>,
}

/// What [`crate::Speech::transcribe`] answers. Silence and tones give an empty text, which is no fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The words, trimmed, without bracketed noises; empty when nobody spoke.
    pub text: String,
    /// The language that was spoken, BCP 47 primary tag (`en`), when known.
    pub language: Option<String>,
    /// The model that heard it, such as `whisper-tiny.en`.
    pub model: String,
    /// Mean probability of the words, 0–1, when the engine tells.
    pub confidence: Option<f32>,
    /// Wall-clock milliseconds of the work, without waiting in the queue.
    pub took_ms: u64,
    /// Milliseconds of audio that were given.
    pub audio_ms: u64,
}

/// One request to one [`crate::Voice`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Utterance {
    /// As [`Say::text`], trimmed and checked.
    pub text: String,
    /// As [`Say::language`].
    pub language: String,
    /// As [`Say::voice`].
    pub voice: Option<String>,
}

/// One answer of one [`crate::Recogniser`].
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    /// The words; empty when nobody spoke.
    pub text: String,
    /// Primary language tag, when known.
    pub language: Option<String>,
    /// 0–1, when the engine tells.
    pub confidence: Option<f32>,
}
