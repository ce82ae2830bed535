//! WAV as bytes: a header at once, samples as they come, the right header at the end. The disk is elsewhere.

use crate::AudioFault;

/// Bytes before the first sample.
pub const HEADER_BYTES: usize = 44;
/// "Until the end of the file", where sizes are not known yet.
const UNKNOWN: u32 = u32::MAX;

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
    pub fn header(self) -> [u8; HEADER_BYTES] {
        self.header_with(UNKNOWN, UNKNOWN)
    }

    /// The header with true sizes, to be written over the first 44 bytes; `data_bytes` is the length of the samples in bytes
    /// (over 4 GB it stays "until the end").
    #[must_use]
    pub fn repair(self, data_bytes: u64) -> [u8; HEADER_BYTES] {
        let whole = data_bytes - data_bytes % (u64::from(self.channels.max(1)) * 2);
        match (u32::try_from(whole), u32::try_from(whole + HEADER_BYTES as u64 - 8)) {
            (Ok(data), Ok(riff)) => self.header_with(data, riff),
            (Ok(_) | Err(_), _) => self.header(),
        }
    }

    /// Appends samples (interleaved when two channels) as little-endian bytes.
    pub fn write(samples: &[i16], out: &mut Vec<u8>) {
        out.reserve(samples.len() * 2);
        out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    }

    /// A whole file.
    #[must_use]
    pub fn file(self, samples: &[i16]) -> Vec<u8> {
        let mut out = self.repair(samples.len() as u64 * 2).to_vec();
        Self::write(samples, &mut out);
        out
    }

    fn header_with(self, data_bytes: u32, riff_bytes: u32) -> [u8; HEADER_BYTES] {
        let block = self.channels.saturating_mul(2);
        let mut header = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            header[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(b"RIFF");
        put(&riff_bytes.to_le_bytes());
        put(b"WAVEfmt ");
        put(&16_u32.to_le_bytes());
        put(&1_u16.to_le_bytes());
        put(&self.channels.to_le_bytes());
        put(&self.rate.to_le_bytes());
        put(&self.rate.saturating_mul(u32::from(block)).to_le_bytes());
        put(&block.to_le_bytes());
        put(&16_u16.to_le_bytes());
        put(b"data");
        put(&data_bytes.to_le_bytes());
        header
    }
}

/// Reads back what this module wrote, finished or cut short: the description and the interleaved samples. Other chunks are
/// skipped. (Any other kind of WAV: [`crate::decode_file`].)
///
/// # Errors
/// [`AudioFault::Damaged`] when it is not PCM16 WAV of 1 or 2 channels.
pub fn read(bytes: &[u8]) -> Result<(Wav, Vec<i16>), AudioFault> {
    let damaged = |why: &str| AudioFault::Damaged(why.to_owned());
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(damaged("no RIFF/WAVE header"));
    }
    let mut rest = bytes.get(12..).unwrap_or_default();
    let mut wav = None;
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *head;
        let size = u32::from_le_bytes(size) as usize;
        match (&[a, b, c, d], wav) {
            (b"fmt ", _) => wav = Some(read_format(body).ok_or_else(|| damaged("not PCM of 16 bits and 1 or 2 channels"))?),
            (b"data", Some(wav)) => {
                let data = body.get(..size).unwrap_or(body);
                let samples = data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                return Ok((wav, samples));
            }
            (b"data", None) => return Err(damaged("data before format")),
            _ => {}
        }
        rest = body.get(size.saturating_add(size & 1)..).unwrap_or_default();
    }
    Err(damaged("no data chunk"))
}

fn read_format(body: &[u8]) -> Option<Wav> {
    let half = |at: usize| Some(u16::from_le_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let wav = Wav { channels: half(2)?, rate: u32::from(half(4)?) | u32::from(half(6)?) << 16 };
    let good = half(0)? == 1 && half(14)? == 16 && matches!(wav.channels, 1 | 2);
    good.then_some(wav)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reader_agrees_with_the_repaired_file() {
        for channels in [1, 2] {
            let wav = Wav { rate: 16_000, channels };
            let samples: Vec<i16> = (0..320).map(|i| i * 100 - 16_000).collect();
            let mut bytes = wav.header().to_vec();
            Wav::write(&samples, &mut bytes);
            assert_eq!(read(&bytes), Ok((wav, samples.clone())), "before the repair too");
            let data = bytes.len() as u64 - 44;
            bytes[..44].copy_from_slice(&wav.repair(data));
            assert_eq!(bytes, wav.file(&samples));
            let mut reader = hound::WavReader::new(std::io::Cursor::new(&bytes)).unwrap();
            assert_eq!((reader.spec().channels, reader.spec().sample_rate), (channels, 16_000));
            assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), samples);
        }
    }

    #[test]
    fn cut_at_every_byte_it_is_still_read() {
        let wav = Wav { rate: 8_000, channels: 1 };
        let mut bytes = wav.header().to_vec();
        Wav::write(&[1, 2, 3, 4], &mut bytes);
        for length in 0..bytes.len() {
            match read(&bytes[..length]) {
                Ok((_, samples)) => assert_eq!(samples.len(), (length - 44) / 2),
                Err(_) => assert!(length < 44),
            }
        }
        assert_eq!(wav.repair(u64::MAX - 100), wav.header());
    }
}
