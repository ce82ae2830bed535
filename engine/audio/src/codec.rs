//! The wire codecs: payload bytes ↔ samples, 20 ms at a time.
//!
//! G.711 is two tables and has no state; G.722 is ADPCM and remembers its adaptation, so one value a stream and direction.

use audio_codec::{
    Decoder as _, Encoder as _,
    g722::{G722Decoder, G722Encoder},
    pcma::{PcmaDecoder, PcmaEncoder},
    pcmu::{PcmuDecoder, PcmuEncoder},
};
use std::{fmt, sync::OnceLock};
use terms::Codec;

/// Payload → samples. One a stream (G.722 has memory; about 500 bytes, hence the box).
pub enum Decoder {
    /// G.711 µ-law.
    Pcmu(PcmuDecoder),
    /// G.711 A-law.
    Pcma(PcmaDecoder),
    /// G.722 at 64 kbit/s.
    G722(Box<G722Decoder>),
}

impl Decoder {
    /// A fresh decoder.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu(PcmuDecoder::new()),
            Codec::Pcma => Self::Pcma(PcmaDecoder::new()),
            Codec::G722 => Self::G722(Box::new(G722Decoder::new())),
        }
    }

    /// Which codec it reads.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self {
            Self::Pcmu(_) => Codec::Pcmu,
            Self::Pcma(_) => Codec::Pcma,
            Self::G722(_) => Codec::G722,
        }
    }

    /// Decodes a payload of any length into `out` at [`Codec::sample_rate`]; answers how many samples were written
    /// (payload bytes × 1 for G.711, × 2 for G.722; what does not fit is dropped).
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        let fits = match self {
            Self::Pcmu(_) | Self::Pcma(_) => out.len(),
            Self::G722(_) => out.len() / 2,
        };
        let payload = payload.get(..fits.min(payload.len())).unwrap_or_default();
        match self {
            Self::Pcmu(decoder) => decoder.decode_into(payload, out),
            Self::Pcma(decoder) => decoder.decode_into(payload, out),
            Self::G722(decoder) => decoder.decode_into(payload, out),
        }
        .unwrap_or(0)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({})", self.codec())
    }
}

/// Samples → payload. One a stream, as [`Decoder`].
pub enum Encoder {
    /// G.711 µ-law.
    Pcmu(PcmuEncoder),
    /// G.711 A-law.
    Pcma(PcmaEncoder),
    /// G.722 at 64 kbit/s.
    G722(Box<G722Encoder>),
}

impl Encoder {
    /// A fresh encoder.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu(PcmuEncoder::new()),
            Codec::Pcma => Self::Pcma(PcmaEncoder::new()),
            Codec::G722 => Self::G722(Box::new(G722Encoder::new())),
        }
    }

    /// Which codec it writes.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self {
            Self::Pcmu(_) => Codec::Pcmu,
            Self::Pcma(_) => Codec::Pcma,
            Self::G722(_) => Codec::G722,
        }
    }

    /// Encodes samples at [`Codec::sample_rate`] into `out`; answers how many bytes were written (one a sample for G.711,
    /// one a pair for G.722; what does not fit is dropped, as is an odd last sample for G.722).
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        let fits = match self {
            Self::Pcmu(_) | Self::Pcma(_) => out.len().min(samples.len()),
            Self::G722(_) => (out.len() * 2).min(samples.len() & !1),
        };
        let samples = samples.get(..fits).unwrap_or_default();
        match self {
            Self::Pcmu(encoder) => encoder.encode_into(samples, out),
            Self::Pcma(encoder) => encoder.encode_into(samples, out),
            Self::G722(encoder) => encoder.encode_into(samples, out),
        }
        .unwrap_or(0)
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({})", self.codec())
    }
}

/// 20 ms of digital silence, encoded: zeros through a settled encoder.
#[must_use]
pub fn silence_frame(codec: Codec) -> &'static [u8; 160] {
    static FRAMES: OnceLock<[[u8; 160]; 3]> = OnceLock::new();
    let frames = FRAMES.get_or_init(|| {
        Codec::ALL.map(|codec| {
            let mut encoder = Encoder::new(codec);
            let mut frame = [codec.silence_byte(); 160];
            // Twice: the second frame is without the encoder's first steps.
            for _ in 0..2 {
                encoder.encode(&[0; 320][..codec.frame_samples()], &mut frame);
            }
            frame
        })
    });
    &frames[codec.index()]
}

/// Payload bytes of one G.711 law as bytes of the other (a table: no delay, no state), or `None` between other codecs.
#[must_use]
pub fn g711_translation(from: Codec, to: Codec) -> Option<&'static [u8; 256]> {
    static TABLES: OnceLock<[[u8; 256]; 2]> = OnceLock::new();
    let row = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => 0,
        (Codec::Pcma, Codec::Pcmu) => 1,
        (Codec::Pcmu, Codec::Pcmu | Codec::G722) | (Codec::Pcma, Codec::Pcma | Codec::G722) | (Codec::G722, _) => return None,
    };
    let tables = TABLES.get_or_init(|| {
        [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)].map(|(from, to)| {
            let (mut decoder, mut encoder) = (Decoder::new(from), Encoder::new(to));
            std::array::from_fn(|byte| {
                let (mut sample, mut translated) = ([0_i16], [0_u8]);
                decoder.decode(&[byte as u8], &mut sample);
                encoder.encode(&sample, &mut translated);
                translated[0]
            })
        })
    });
    Some(&tables[row])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone;
    use std::time::Duration;

    /// Best signal-to-noise ratio in dB over all delays up to 40 samples (G.722's filters delay by 22).
    pub(crate) fn snr(original: &[i16], heard: &[i16]) -> f64 {
        (0..40)
            .map(|delay| {
                let pairs = original.iter().zip(&heard[delay..]).skip(400);
                let (mut signal, mut noise) = (0.0, 1.0);
                for (a, b) in pairs {
                    signal += f64::from(*a).powi(2);
                    noise += (f64::from(*a) - f64::from(*b)).powi(2);
                }
                10.0 * (signal / noise).log10()
            })
            .fold(f64::MIN, f64::max)
    }

    #[test]
    fn a_tone_survives_every_codec() {
        for (codec, least) in [(Codec::Pcmu, 34.0), (Codec::Pcma, 34.0), (Codec::G722, 35.0)] {
            let pcm = crate::resample(&tone::sine(997.0, Duration::from_millis(800), -12.0), codec.sample_rate());
            let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
            let mut heard = Vec::new();
            for frame in pcm.samples.chunks(codec.frame_samples()) {
                let (mut payload, mut samples) = ([0; 160], [0; 320]);
                assert_eq!(encoder.encode(frame, &mut payload), 160);
                let count = decoder.decode(&payload, &mut samples);
                assert_eq!(count, codec.frame_samples());
                heard.extend_from_slice(&samples[..count]);
            }
            let snr = snr(&pcm.samples, &heard);
            assert!(snr > least, "{codec}: {snr:.1} dB");
        }
    }

    #[test]
    fn g711_is_the_standard_table() {
        // G.711 reference points: zero, full scale both ways, and idempotence of every code word.
        for (codec, zero, positive, negative) in [(Codec::Pcmu, 0xff_u8, 0x80_u8, 0x00_u8), (Codec::Pcma, 0xd5, 0xaa, 0x2a)] {
            let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
            let mut bytes = [0; 3];
            encoder.encode(&[0, 32_767, -32_768], &mut bytes);
            assert_eq!(bytes, [zero, positive, negative], "{codec}");
            for byte in 0..=255_u8 {
                let (mut sample, mut again) = ([0], [0]);
                decoder.decode(&[byte], &mut sample);
                encoder.encode(&sample, &mut again);
                // The innermost negative step is spelt as the positive one: 8 units of 32768, far below hearing.
                let innermost = byte == if codec == Codec::Pcmu { 0x7f } else { 0x55 };
                assert!(again[0] == byte || innermost, "{codec} {byte:#x} -> {} -> {:#x}", sample[0], again[0]);
            }
        }
    }

    #[test]
    fn silence_is_silent_and_short_buffers_are_no_panic() {
        for codec in Codec::ALL {
            let mut samples = [99; 320];
            let count = Decoder::new(codec).decode(silence_frame(codec), &mut samples);
            assert!(samples[..count].iter().all(|s| s.abs() <= 32), "{codec} {:?}", &samples[..count]);
            assert!(Decoder::new(codec).decode(&[1; 160], &mut [0; 3]) <= 3);
            assert!(Encoder::new(codec).encode(&[1; 320], &mut [0; 3]) <= 3);
            assert_eq!(Decoder::new(codec).decode(&[], &mut [0; 3]), 0);
            assert_eq!(Encoder::new(codec).encode(&[], &mut [0; 3]), 0);
        }
        assert_eq!(silence_frame(Codec::Pcmu), &[0xff; 160]);
        assert_eq!(silence_frame(Codec::Pcma), &[0xd5; 160]);
    }

    #[test]
    fn the_laws_translate_by_table() {
        let table = g711_translation(Codec::Pcmu, Codec::Pcma).unwrap();
        for byte in 0..=255_u8 {
            let (mut a, mut b) = ([0], [0]);
            Decoder::new(Codec::Pcmu).decode(&[byte], &mut a);
            Decoder::new(Codec::Pcma).decode(&[table[usize::from(byte)]], &mut b);
            let step = (i32::from(a[0]).abs() / 16).max(16);
            assert!((i32::from(a[0]) - i32::from(b[0])).abs() <= step, "{byte:#x}: {} {}", a[0], b[0]);
        }
        assert!(g711_translation(Codec::Pcmu, Codec::G722).is_none());
        assert!(g711_translation(Codec::Pcma, Codec::Pcma).is_none());
    }
}
