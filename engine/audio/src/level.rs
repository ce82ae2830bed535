//! How loud, and whether somebody speaks.

/// The level of silence in dBFS where the logarithm would end: one bit of 16.
pub const FLOOR_DBFS: f32 = -96.0;
/// RMS level in dBFS (0 = full-scale square wave), −96 for silence or no samples.
#[must_use]
pub fn dbfs(samples: &[i16]) -> f32 { let _ = samples; todo!() }

/// Tells speaking from not speaking by energy over an adaptive noise floor, with hangover. Cheap: one pass over 20 ms.
#[derive(Clone, Debug)]
pub struct SpeechDetector { #[doc(hidden)] _todo: () }
impl Default for SpeechDetector { fn default() -> Self { Self::new() } }
impl SpeechDetector {
    /// Begins with the assumption of a quiet line.
    #[must_use]
    pub fn new() -> Self { todo!() }
    /// Judges one frame of 20 ms (any rate): true while somebody speaks (and 200 ms after).
    pub fn frame(&mut self, samples: &[i16]) -> bool { let _ = samples; todo!() }
}
