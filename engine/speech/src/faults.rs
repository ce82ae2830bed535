//! What can go wrong, one variant per decision a caller can make.

use std::time::Duration;

/// Why one engine did not do what it was asked. The chain logs it and asks the next engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineFault {
    /// A model, a program or a key that the engine needs is not there; says what to install.
    #[error("not available: {0}")]
    Missing(String),
    /// The engine does not speak or understand this language or voice.
    #[error("cannot do this: {0}")]
    Unsuited(String),
    /// It took longer than its limit and was stopped.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// It ran and failed, or answered nonsense.
    #[error("failed: {0}")]
    Failed(String),
}

/// What the callers of [`crate::Speech`] have to distinguish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeechFault {
    /// The request itself cannot be served by any engine: empty or too long a text, a file that is no audio.
    #[error("bad speech request: {0}")]
    BadRequest(String),
    /// Every engine failed; each one's reason, in order. Trying later may help.
    #[error("no speech engine could do it: {0}")]
    NoEngine(String),
    /// Too much is waiting already; try later.
    #[error("speech queue is full")]
    Busy,
    /// The engine threads are gone: the process is ending.
    #[error("speech has stopped")]
    Stopped,
}
