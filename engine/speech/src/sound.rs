//! Audio as this room hands it about: mono, 16 bit, any rate.

/// Mono audio: `samples.len() / rate` seconds of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Samples a second, 1–192,000.
    pub rate: u32,
    /// Linear 16-bit samples, mono.
    pub samples: Vec<i16>,
}

impl Sound {
    /// Length in milliseconds, rounded down.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        let samples = u64::try_from(self.samples.len()).unwrap_or(u64::MAX);
        samples.saturating_mul(1_000) / u64::from(self.rate.max(1))
    }
}
