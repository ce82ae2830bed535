//! The door at run time.

use crate::{Say, SpeechConfig, SpeechFault, Spoken, Transcribe, Transcript};

/// Voices, recognisers and the cache behind one value. Share it by `Arc`; dropping the last one ends its threads.
pub struct Speech {}

/// What a console shows of [`Speech`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeechSnapshot {
    /// Renderings waiting or running.
    pub renderings_pending: usize,
    /// Recognitions waiting or running.
    pub recognitions_pending: usize,
    /// Texts answered from the cache since the start.
    pub cache_hits: u64,
    /// Texts rendered by an engine since the start.
    pub rendered: u64,
    /// Texts that only the built-in prompts could answer.
    pub stand_ins: u64,
    /// Recordings transcribed since the start.
    pub transcribed: u64,
    /// Failures of single engines since the start.
    pub engine_failures: u64,
}

impl Speech {
    /// Starts the threads. Models are loaded at first use (in [`Speech::warm_up`] or by the first request), not here.
    ///
    /// # Errors
    /// [`SpeechFault::BadRequest`] when the configuration makes no sense or the cache folder cannot be made.
    pub fn new(config: SpeechConfig) -> Result<Self, SpeechFault> {
        let _ = config;
        todo!()
    }

    /// Speaks a text: from the cache, else from the first voice that can, else from the built-in prompts
    /// (`stand_in`). One text asked many times at once is rendered once.
    ///
    /// # Errors
    /// [`SpeechFault`]; `NoEngine` cannot happen here, as the built-in prompts always answer.
    pub async fn say(&self, say: Say) -> Result<Spoken, SpeechFault> {
        let _ = say;
        todo!()
    }

    /// Writes down what is said, on a low-priority thread. Silence and tones give an empty text.
    ///
    /// # Errors
    /// [`SpeechFault`]: `Busy` and `NoEngine` are worth another try later, `BadRequest` is not.
    pub async fn transcribe(&self, job: Transcribe) -> Result<Transcript, SpeechFault> {
        let _ = job;
        todo!()
    }

    /// Loads the local models now (blocking some 0.5 s in the background), so that the first caller does not wait.
    pub fn warm_up(&self) {
        todo!()
    }

    /// Counters for the console.
    #[must_use]
    pub fn snapshot(&self) -> SpeechSnapshot {
        todo!()
    }
}
