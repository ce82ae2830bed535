//! Changing the sample rate.
use crate::Pcm;
/// A whole sound at another rate (whole-file: no delay, same duration to within one sample).
#[must_use]
pub fn resample(pcm: &Pcm, rate: u32) -> Pcm { let _ = (pcm, rate); todo!() }

/// Streaming resampler for frames of 20 ms between 8 and 16 kHz (or equal rates: copies). No allocation after [`FrameResampler::new`].
pub struct FrameResampler { #[doc(hidden)] _todo: () }
impl FrameResampler {
    /// From and to: 8 000 or 16 000 Hz.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self { let _ = (from, to); todo!() }
    /// One frame in (20 ms at `from`), one frame out (20 ms at `to`); a constant delay of at most 20 ms.
    pub fn frame(&mut self, input: &[i16], output: &mut [i16]) { let _ = (input, output); todo!() }
}
