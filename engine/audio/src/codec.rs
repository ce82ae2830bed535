//! The wire codecs: payload bytes ↔ samples, 20 ms at a time.

use terms::Codec;

/// Payload → samples. G.711 has no state; G.722 remembers its adaptation, so one decoder a stream.
pub enum Decoder { #[doc(hidden)] Todo }
impl Decoder {
    /// A fresh decoder.
    #[must_use]
    pub fn new(codec: Codec) -> Self { let _ = codec; todo!() }
    /// Which codec it reads.
    #[must_use]
    pub fn codec(&self) -> Codec { todo!() }
    /// Decodes a payload of any length into `out` at [`Codec::sample_rate`]; answers how many samples were written
    /// (payload bytes × 1 for G.711, × 2 for G.722; what does not fit is dropped).
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize { let _ = (payload, out); todo!() }
}
/// Samples → payload. One a stream, as [`Decoder`].
pub enum Encoder { #[doc(hidden)] Todo }
impl Encoder {
    /// A fresh encoder.
    #[must_use]
    pub fn new(codec: Codec) -> Self { let _ = codec; todo!() }
    /// Which codec it writes.
    #[must_use]
    pub fn codec(&self) -> Codec { todo!() }
    /// Encodes samples at [`Codec::sample_rate`] into `out`; answers how many bytes were written.
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize { let _ = (samples, out); todo!() }
}
/// 20 ms of digital silence, encoded.
#[must_use]
pub fn silence_frame(codec: Codec) -> &'static [u8; 160] { let _ = codec; todo!() }
