//! WAV as bytes: a header at once, samples as they come, the right header at the end. The disk is elsewhere.
use crate::AudioFault;

/// Bytes before the first sample.
pub const HEADER_BYTES: usize = 44;

/// What a PCM16 WAV file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second.
    pub rate: u32,
    /// 1 or 2 channels, interleaved.
    pub channels: u16,
}
impl Wav {
    /// The header for a recording whose length is not known yet: sizes say "until the end of the file" (0xFFFFFFFF), which
    /// readers accept, so a file cut by a power failure still plays.
    #[must_use]
    pub fn header(self) -> [u8; HEADER_BYTES] { todo!() }
    /// The header with true sizes, to be written over the first 44 bytes; `data_bytes` is the length of the samples in bytes.
    #[must_use]
    pub fn repair(self, data_bytes: u64) -> [u8; HEADER_BYTES] { let _ = data_bytes; todo!() }
    /// Appends samples (little endian) to bytes.
    pub fn write(samples: &[i16], out: &mut Vec<u8>) { let _ = (samples, out); todo!() }
    /// A whole file.
    #[must_use]
    pub fn file(self, samples: &[i16]) -> Vec<u8> { let _ = samples; todo!() }
}
/// Reads back what this module wrote, finished or cut short: the description and the interleaved samples.
///
/// # Errors
/// [`AudioFault::Damaged`] when it is not PCM16 WAV of 1 or 2 channels.
pub fn read(bytes: &[u8]) -> Result<(Wav, Vec<i16>), AudioFault> { let _ = bytes; todo!() }
