//! The two traits every engine implements. They block; [`crate::Speech`] runs them on threads of their own.

use crate::{EngineFault, Utterance, Words};
use audio::Pcm;

/// Text to audio.
pub trait Voice: Send + Sync {
    /// Short name for logs and cache keys: `piper`, `command`, `http`.
    fn name(&self) -> &str;
    /// What, beside the request, changes the audio (model checksum, command line, URL): part of the cache key.
    fn fingerprint(&self) -> String;
    /// Speaks, at whatever rate the engine has. Blocks.
    ///
    /// # Errors
    /// [`EngineFault`]; the next engine is asked then.
    fn speak(&self, utterance: &Utterance) -> Result<Pcm, EngineFault>;
    /// Loads what is needed, so that the first request does not wait.
    ///
    /// # Errors
    /// [`EngineFault::Missing`] mostly.
    fn warm_up(&self) -> Result<(), EngineFault> {
        Ok(())
    }
}

/// Audio to text.
pub trait Recogniser: Send + Sync {
    /// The model's name for transcripts and logs: `whisper-tiny.en`.
    fn model(&self) -> &str;
    /// Listens; `language` is a hint. Blocks, on one core.
    ///
    /// # Errors
    /// [`EngineFault`]; the next engine is asked then.
    fn recognise(&self, sound: &Pcm, language: Option<&str>) -> Result<Words, EngineFault>;
    /// Loads what is needed, so that the first request does not wait.
    ///
    /// # Errors
    /// [`EngineFault::Missing`] mostly.
    fn warm_up(&self) -> Result<(), EngineFault> {
        Ok(())
    }
}
