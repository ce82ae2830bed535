//! Plain sound: a rate and mono samples; and what can be wrong with sound from outside.

use std::{ops::RangeInclusive, time::Duration};

/// Sample rates understood, Hz: from the narrowest telephone to the widest studio; others are damage.
pub(crate) const RATES: RangeInclusive<u32> = 4_000..=384_000;

/// Mono sound in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcm {
    /// Samples a second, 4 000–384 000.
    pub rate: u32,
    /// Mono samples, full scale ±32 767.
    pub samples: Vec<i16>,
}

impl Pcm {
    /// How long it sounds.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }
}

/// Why bytes did not become sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioFault {
    /// The file is larger than [`crate::file::FILE_BYTES_MAX`].
    #[error("audio file of {0} bytes is over the limit of 64 MB")]
    TooLarge(usize),
    /// The sound is longer than [`crate::file::FILE_LENGTH_MAX`].
    #[error("audio file is longer than 30 minutes")]
    TooLong,
    /// Neither the content nor the extension says what it is, or a codec this build does not know.
    #[error("audio format not recognised: {0}")]
    Unknown(String),
    /// It is a known format but broken.
    #[error("audio file is damaged: {0}")]
    Damaged(String),
    /// It holds no sound at all.
    #[error("audio file holds no sound")]
    Empty,
    /// A sample rate outside 4 000–384 000 Hz.
    #[error("audio sample rate of {0} Hz is outside 4000 to 384000")]
    Rate(u32),
}
