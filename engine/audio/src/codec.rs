//! The wire codecs: payload bytes ↔ samples.
//!
//! G.711 is two tables and has no state; the others remember, so one value a stream and direction. Opus is libopus, GSM
//! 06.10 is bit-exact to ETSI's test sequences.

pub(crate) mod opus;

use audio_codec::{
    Decoder as _, Encoder as _,
    g722::{G722Decoder, G722Encoder},
    pcma::{PcmaDecoder, PcmaEncoder},
    pcmu::{PcmuDecoder, PcmuEncoder},
};
use opus::{OpusDecoder, OpusEncoder};
use oxideav_gsm::{DecoderState, EncoderState, UnpackedFrame};
use std::{fmt, sync::OnceLock};
use terms::{Codec, Packing};

/// Bytes and samples of a GSM frame (20 ms).
const GSM: (usize, usize) = (33, 160);
/// Samples of the longest packet there is: 120 ms of Opus at 16 kHz.
pub const PACKET_SAMPLES_MAX: usize = 1_920;
/// The effort with which live sound is encoded unless told otherwise (libopus' complexity, 0–10): two thirds of the cost
/// of the hardest, hardly to be told from it by ear.
pub const OPUS_COMPLEXITY: u8 = 5;

/// Payload → samples. One a stream (all but G.711 have memory, hence the boxes).
pub enum Decoder {
    /// G.711 µ-law.
    Pcmu(PcmuDecoder),
    /// G.711 A-law.
    Pcma(PcmaDecoder),
    /// G.722 at 64 kbit/s.
    G722(Box<G722Decoder>),
    /// Opus.
    Opus(Box<OpusDecoder>),
    /// GSM 06.10.
    Gsm(Box<DecoderState>),
}

impl Decoder {
    /// A fresh decoder.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu(PcmuDecoder::new()),
            Codec::Pcma => Self::Pcma(PcmaDecoder::new()),
            Codec::G722 => Self::G722(Box::new(G722Decoder::new())),
            Codec::Opus => Self::Opus(Box::new(OpusDecoder::new())),
            Codec::Gsm => Self::Gsm(Box::new(DecoderState::new())),
        }
    }

    /// Which codec it reads.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self {
            Self::Pcmu(_) => Codec::Pcmu,
            Self::Pcma(_) => Codec::Pcma,
            Self::G722(_) => Codec::G722,
            Self::Opus(_) => Codec::Opus,
            Self::Gsm(_) => Codec::Gsm,
        }
    }

    /// Decodes a payload into `out` at [`Codec::sample_rate`]; answers how many samples were written. Of G.711, G.722 and GSM
    /// what does not fit is dropped; an Opus packet that does not fit ([`PACKET_SAMPLES_MAX`] always does) gives nothing.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        let upto = |most: usize| payload.get(..most.min(payload.len())).unwrap_or_default();
        match self {
            Self::Pcmu(decoder) => decoder.decode_into(upto(out.len()), out).unwrap_or(0),
            Self::Pcma(decoder) => decoder.decode_into(upto(out.len()), out).unwrap_or(0),
            Self::G722(decoder) => decoder.decode_into(upto(out.len() / 2), out).unwrap_or(0),
            Self::Opus(decoder) => decoder.decode(payload, out),
            Self::Gsm(decoder) => payload
                .chunks_exact(GSM.0)
                .zip(out.chunks_exact_mut(GSM.1))
                .map(|(bytes, samples)| {
                    // Bytes without the marker of a frame are no speech: the frame before goes on, fading to nothing.
                    let frame = UnpackedFrame::from_gsm_byte_frame(bytes).unwrap_or_default();
                    samples.copy_from_slice(&decoder.decode_frame(&frame));
                    GSM.1
                })
                .sum(),
        }
    }

    /// Guesses lost sound from what was heard before, where the codec has a way of its own (Opus): fills `out`, a multiple
    /// of 2.5 ms. 0 where it has none; then [`crate::Concealer`] does it.
    pub fn conceal(&mut self, out: &mut [i16]) -> usize {
        match self {
            Self::Opus(decoder) => decoder.conceal(out),
            Self::Pcmu(_) | Self::Pcma(_) | Self::G722(_) | Self::Gsm(_) => 0,
        }
    }

    /// The lost sound right before the packet `next`, from the copy it may carry (Opus in-band FEC): fills `out`. 0 where the
    /// codec has no such thing.
    pub fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize {
        match self {
            Self::Opus(decoder) => decoder.recover(next, out),
            Self::Pcmu(_) | Self::Pcma(_) | Self::G722(_) | Self::Gsm(_) => 0,
        }
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
    /// Opus.
    Opus(Box<OpusEncoder>),
    /// GSM 06.10.
    Gsm(Box<EncoderState>),
}

impl Encoder {
    /// A fresh encoder, with the greatest effort: for what is encoded once and heard often.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self::with_complexity(codec, opus::COMPLEXITY_MAX)
    }

    /// A fresh encoder; `complexity` is the effort of Opus, 0 (cheap) – 10 (best), and nothing to the others.
    #[must_use]
    pub fn with_complexity(codec: Codec, complexity: u8) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu(PcmuEncoder::new()),
            Codec::Pcma => Self::Pcma(PcmaEncoder::new()),
            Codec::G722 => Self::G722(Box::new(G722Encoder::new())),
            Codec::Opus => Self::Opus(Box::new(OpusEncoder::new(complexity))),
            Codec::Gsm => Self::Gsm(Box::new(EncoderState::new())),
        }
    }

    /// Which codec it writes.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self {
            Self::Pcmu(_) => Codec::Pcmu,
            Self::Pcma(_) => Codec::Pcma,
            Self::G722(_) => Codec::G722,
            Self::Opus(_) => Codec::Opus,
            Self::Gsm(_) => Codec::Gsm,
        }
    }

    /// Encodes samples at [`Codec::sample_rate`] into one payload; answers how many bytes were written. G.711: one a sample;
    /// G.722: one a pair; GSM: 33 for each whole 20 ms; what does not fit or is left over is dropped. Opus: 10, 20, 40 or
    /// 60 ms as one packet, else nothing.
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        let upto = |most: usize| samples.get(..most.min(samples.len())).unwrap_or_default();
        match self {
            Self::Pcmu(encoder) => encoder.encode_into(upto(out.len()), out).unwrap_or(0),
            Self::Pcma(encoder) => encoder.encode_into(upto(out.len()), out).unwrap_or(0),
            Self::G722(encoder) => encoder.encode_into(upto((out.len() * 2).min(samples.len() & !1)), out).unwrap_or(0),
            Self::Opus(encoder) => encoder.encode(samples, out),
            Self::Gsm(encoder) => samples
                .as_chunks::<{ GSM.1 }>()
                .0
                .iter()
                .zip(out.chunks_exact_mut(GSM.0))
                .map(|(samples, bytes)| {
                    bytes.copy_from_slice(&encoder.encode_frame(samples).to_gsm_byte_frame());
                    GSM.0
                })
                .sum(),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({})", self.codec())
    }
}

/// How long a payload lasts, in eighths of a millisecond; `None` when it is no payload of that codec.
#[must_use]
pub fn packet_ticks(codec: Codec, payload: &[u8]) -> Option<u32> {
    let ticks = match codec.packing() {
        Packing::Bytes => payload.len(),
        Packing::Frames(bytes) => payload.len() / bytes * 160,
        Packing::Packets => return opus::ticks(payload),
    };
    u32::try_from(ticks).ok().filter(|ticks| *ticks > 0)
}

/// Digital silence, encoded (zeros through a settled encoder), for at most `most_ms` (10 or more), and how many milliseconds
/// it lasts: up to 60 for codecs that are cut anywhere, else 20.
#[must_use]
pub fn silence(codec: Codec, most_ms: u16) -> (&'static [u8], u16) {
    static PAYLOADS: OnceLock<[Box<[u8]>; Codec::ALL.len()]> = OnceLock::new();
    let payload = &PAYLOADS.get_or_init(|| Codec::ALL.map(settled_silence))[codec.index()];
    match codec.packing() {
        Packing::Bytes => {
            let ms = most_ms.min(60);
            (&payload[..usize::from(ms) * 8], ms)
        }
        Packing::Frames(_) | Packing::Packets => (payload, 20),
    }
}

fn settled_silence(codec: Codec) -> Box<[u8]> {
    let mut encoder = Encoder::new(codec);
    let samples = match codec.packing() {
        Packing::Bytes => codec.frame_samples() * 3,
        Packing::Frames(_) | Packing::Packets => codec.frame_samples(),
    };
    let (mut payload, mut length) = ([0; 480], 0);
    // Several times: the last is without the encoder's first steps.
    for _ in 0..5 {
        length = encoder.encode(&[0; 960][..samples], &mut payload);
    }
    payload[..length].into()
}

/// Payload bytes of one G.711 law as bytes of the other (a table: no delay, no state), or `None` between other codecs.
#[must_use]
pub fn g711_translation(from: Codec, to: Codec) -> Option<&'static [u8; 256]> {
    static TABLES: OnceLock<[[u8; 256]; 2]> = OnceLock::new();
    let row = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => 0,
        (Codec::Pcma, Codec::Pcmu) => 1,
        (Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opus | Codec::Gsm, _) => return None,
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
        for (codec, least) in [(Codec::Pcmu, 34.0), (Codec::Pcma, 34.0), (Codec::G722, 35.0), (Codec::Opus, 20.0), (Codec::Gsm, 15.0)] {
            let pcm = crate::resample(&tone::sine(397.0, Duration::from_millis(800), -12.0), codec.sample_rate());
            let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
            let mut heard = Vec::new();
            for frame in pcm.samples.chunks(codec.frame_samples()) {
                let (mut payload, mut samples) = ([0; 480], [0; PACKET_SAMPLES_MAX]);
                let length = encoder.encode(frame, &mut payload);
                let expected = match codec.packing() {
                    Packing::Bytes => 160..=160,
                    Packing::Frames(bytes) => bytes..=bytes,
                    Packing::Packets => 1..=240,
                };
                assert!(expected.contains(&length), "{codec}: {length} bytes");
                assert_eq!(packet_ticks(codec, &payload[..length]), Some(160), "{codec}");
                let count = decoder.decode(&payload[..length], &mut samples);
                assert_eq!(count, codec.frame_samples(), "{codec}");
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
    fn silence_is_silent_and_odd_buffers_are_no_panic() {
        for codec in Codec::ALL {
            let mut samples = [99; PACKET_SAMPLES_MAX];
            for (most, ms) in [(10, 10), (20, 20), (30, 30), (60, 60), (200, 60)] {
                let (payload, length) = silence(codec, most);
                assert_eq!(length, if codec.packing() == Packing::Bytes { ms } else { 20 }, "{codec}");
                assert_eq!(packet_ticks(codec, payload), Some(u32::from(length) * 8), "{codec}");
                let count = Decoder::new(codec).decode(payload, &mut samples);
                assert!(samples[..count].iter().all(|s| s.abs() <= 32), "{codec} {:?}", &samples[..count]);
            }
            assert!(Decoder::new(codec).decode(&[1; 160], &mut [0; 3]) <= 3);
            assert!(Encoder::new(codec).encode(&[1; 320], &mut [0; 3]) <= 3);
            assert_eq!(Decoder::new(codec).decode(&[], &mut [0; 3]), 0);
            assert_eq!(Encoder::new(codec).encode(&[], &mut [0; 3]), 0);
            assert_eq!(packet_ticks(codec, &[]), None);
        }
        assert_eq!(silence(Codec::Pcmu, 20).0, &[0xff; 160]);
        assert_eq!(silence(Codec::Pcma, 20).0, &[0xd5; 160]);
    }

    #[test]
    fn a_stereo_packet_of_opus_is_heard_as_mono_and_60_ms_in_one() {
        let mut encoder = ::opus::Encoder::new(48_000, ::opus::Channels::Stereo, ::opus::Application::Audio).unwrap();
        let mut decoder = Decoder::new(Codec::Opus);
        let mut heard = Vec::new();
        for n in 0..20 {
            // Left only; 60 ms at 48 kHz.
            let both: Vec<i16> = (0..2_880)
                .flat_map(|at| [(f32::sin((n * 2_880 + at) as f32 * std::f32::consts::TAU * 500.0 / 48_000.0) * 16_000.0) as i16, 0])
                .collect();
            let (mut payload, mut samples) = ([0; 1_400], [0; PACKET_SAMPLES_MAX]);
            let length = encoder.encode(&both, &mut payload).unwrap();
            assert_eq!(packet_ticks(Codec::Opus, &payload[..length]), Some(480));
            assert_eq!(decoder.decode(&payload[..length], &mut samples), 960);
            heard.extend_from_slice(&samples[..960]);
        }
        let level = crate::level::dbfs(&heard[4_000..]);
        assert!((level + 15.2).abs() < 1.0, "half the voltage of one side: {level}");
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

    proptest::proptest! {
        #[test]
        fn what_comes_from_the_wire_never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for codec in Codec::ALL {
                let mut decoder = Decoder::new(codec);
                let mut samples = [0; PACKET_SAMPLES_MAX];
                proptest::prop_assert!(decoder.decode(&bytes, &mut samples) <= samples.len());
                proptest::prop_assert!(decoder.recover(&bytes, &mut samples[..320]) <= 320);
                proptest::prop_assert!(packet_ticks(codec, &bytes).is_none_or(|ticks| ticks <= 1_456 * 8));
            }
        }
    }
}
