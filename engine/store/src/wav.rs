//! The head of a WAV file: mono or stereo, 16-bit little-endian PCM, 44 bytes before the samples.
//!
//! While a recording is spoken its length is unknown: the head then claims the longest length, which players read as
//! "until the end of the file"; at the end, or after a crash, the head is written again with the true length.

/// Bytes before the first sample.
pub(crate) const HEAD_BYTES: u64 = 44;
const STREAMING: u32 = u32::MAX;

/// The head for `samples` samples of all channels together, or for "until the end of the file".
pub(crate) fn head(rate_hz: u32, channels: u16, samples: Option<u64>) -> [u8; 44] {
    let frame = channels.saturating_mul(2);
    let bytes = samples.and_then(|n| u32::try_from(n.saturating_mul(2)).ok());
    let riff = bytes.and_then(|n| n.checked_add(36)).unwrap_or(STREAMING);
    let mut head = [0_u8; 44];
    let mut put = |at: usize, part: &[u8]| head[at..at + part.len()].copy_from_slice(part);
    put(0, b"RIFF");
    put(4, &riff.to_le_bytes());
    put(8, b"WAVEfmt ");
    put(16, &16_u32.to_le_bytes());
    put(20, &1_u16.to_le_bytes());
    put(22, &channels.to_le_bytes());
    put(24, &rate_hz.to_le_bytes());
    put(28, &rate_hz.saturating_mul(u32::from(frame)).to_le_bytes());
    put(32, &frame.to_le_bytes());
    put(34, &16_u16.to_le_bytes());
    put(36, b"data");
    put(40, &bytes.unwrap_or(STREAMING).to_le_bytes());
    head
}

/// Samples as they lie in the file.
pub(crate) fn bytes_of(samples: &[i16], into: &mut Vec<u8>) {
    into.clear();
    into.reserve(samples.len() * 2);
    for sample in samples {
        into.extend_from_slice(&sample.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_what_every_player_reads() {
        let stereo = head(16_000, 2, Some(4_000));
        assert_eq!((stereo[22], stereo[32]), (2, 4));
        assert_eq!(u32::from_le_bytes(stereo[28..32].try_into().unwrap()), 64_000);
        assert_eq!(u32::from_le_bytes(stereo[40..44].try_into().unwrap()), 8_000, "samples of both channels");
        let head = head(8_000, 1, Some(4_000));
        assert_eq!(&head[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(head[4..8].try_into().unwrap()), 8_036);
        assert_eq!(u32::from_le_bytes(head[24..28].try_into().unwrap()), 8_000);
        assert_eq!(u32::from_le_bytes(head[28..32].try_into().unwrap()), 16_000);
        assert_eq!(u32::from_le_bytes(head[40..44].try_into().unwrap()), 8_000);
        assert_eq!(u32::from_le_bytes(super::head(8_000, 1, None)[40..44].try_into().unwrap()), u32::MAX);
    }

    #[test]
    fn samples_lie_little_end_first() {
        let mut bytes = vec![9; 3];
        bytes_of(&[1, -2], &mut bytes);
        assert_eq!(bytes, [1, 0, 0xfe, 0xff]);
    }
}
