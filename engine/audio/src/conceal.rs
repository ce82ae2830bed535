//! Packet loss concealment for decoded audio.

/// Hides lost frames: repeats the last pitch period and fades to silence over 60 ms.
pub struct Concealer { #[doc(hidden)] _todo: () }
impl Concealer {
    /// For frames of 20 ms at `rate` (8 000 or 16 000).
    #[must_use]
    pub fn new(rate: u32) -> Self { let _ = rate; todo!() }
    /// A frame came: remembers it, and smooths the seam after a concealed one (changes its first samples).
    pub fn good(&mut self, frame: &mut [i16]) { let _ = frame; todo!() }
    /// A frame is missing: fills `out`. Answers false once it has faded wholly to silence.
    pub fn conceal(&mut self, out: &mut [i16]) -> bool { let _ = out; todo!() }
}
