//! A prompt: sound decoded once, encoded once per codec when first asked for, shared by every call that plays it.

use crate::{Encoder, Pcm, resample};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use terms::Codec;

/// The rates a prompt keeps its sound at: the file's own when it is 8 kHz, else 16 kHz (the widest codec's).
const NARROW: u32 = 8_000;
const WIDE: u32 = 16_000;

/// Immutable sound ready to be put into packets. Share it as `Arc<Prompt>`.
#[derive(Debug)]
pub struct Prompt {
    label: Box<str>,
    frame_count: usize,
    /// Whole frames at 8 or 16 kHz, the tail padded with zeros.
    sound: Pcm,
    encoded: [OnceLock<Box<[u8]>>; Codec::ALL.len()],
}

impl Prompt {
    /// From sound of any rate; `label` is what a caller hears, for logs, timelines and tests (`welcome.wav`, `say: Hello`).
    /// Encoding waits for the first [`Prompt::frames`] or [`Prompt::prepare`] of each codec.
    #[must_use]
    pub fn new(label: impl Into<Box<str>>, pcm: &Pcm) -> Self {
        let mut sound = resample(pcm, if pcm.rate == NARROW { NARROW } else { WIDE });
        let frame = sound.rate as usize / 50;
        let frame_count = sound.samples.len().div_ceil(frame);
        sound.samples.resize(frame_count * frame, 0);
        Self { label: label.into(), frame_count, sound, encoded: Default::default() }
    }

    /// The same, shared.
    #[must_use]
    pub fn shared(label: impl Into<Box<str>>, pcm: &Pcm) -> Arc<Self> {
        Arc::new(Self::new(label, pcm))
    }

    /// All payload bytes in that codec: whole frames of 160 bytes = 20 ms, the tail padded with silence.
    /// The first call for a codec encodes (about 1 ms a second of sound for G.722, 0.1 ms for G.711).
    #[must_use]
    pub fn frames(&self, codec: Codec) -> &[u8] {
        self.encoded[codec.index()].get_or_init(|| self.encode(codec))
    }

    /// Encodes for a codec now, on a thread that may take its time, so that the media thread need not.
    pub fn prepare(&self, codec: Codec) {
        let _ = self.frames(codec);
    }

    /// Frames of 20 ms, the same in every codec.
    #[must_use]
    pub const fn frame_count(&self) -> usize {
        self.frame_count
    }

    /// How long it sounds, in whole frames.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.frame_count as u64 * 20)
    }

    /// What a caller hears.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The sound itself: whole frames at 8 or 16 kHz.
    #[must_use]
    pub const fn sound(&self) -> &Pcm {
        &self.sound
    }

    /// Bytes of memory it holds now.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let encoded: usize = self.encoded.iter().filter_map(OnceLock::get).map(|bytes| bytes.len()).sum();
        size_of::<Self>() + self.label.len() + self.sound.samples.capacity() * 2 + encoded
    }

    fn encode(&self, codec: Codec) -> Box<[u8]> {
        let resampled;
        let samples = if self.sound.rate == codec.sample_rate() {
            &self.sound.samples
        } else {
            resampled = resample(&self.sound, codec.sample_rate());
            &resampled.samples
        };
        let mut encoder = Encoder::new(codec);
        let mut bytes = vec![codec.silence_byte(); self.frame_count * codec.frame_bytes()];
        encoder.encode(samples, &mut bytes);
        bytes.into_boxed_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, level::dbfs, tone};

    #[test]
    fn every_codec_gets_the_same_sound_in_whole_frames() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let pcm = resample(&tone::sine(700.0, Duration::from_millis(1_010), -10.0), rate);
            let prompt = Prompt::new("tone", &pcm);
            assert_eq!((prompt.frame_count(), prompt.duration()), (51, Duration::from_millis(1_020)), "{rate}");
            for codec in Codec::ALL {
                let bytes = prompt.frames(codec);
                assert_eq!(bytes.len(), 51 * 160);
                assert!(std::ptr::eq(bytes, prompt.frames(codec)), "encoded once");
                let mut heard = vec![0; 51 * codec.frame_samples()];
                Decoder::new(codec).decode(bytes, &mut heard);
                let level = dbfs(&heard[2_000..6_000]);
                assert!((level + 13.0).abs() < 0.5, "{rate} {codec}: {level}");
                assert!(dbfs(&heard[heard.len() - codec.sample_rate() as usize / 200..]) < -40.0, "the tail is silence");
            }
            assert!(prompt.memory_bytes() > 3 * 51 * 160);
        }
    }

    #[test]
    fn nothing_is_no_frames() {
        let prompt = Prompt::new("empty", &Pcm { rate: 8_000, samples: Vec::new() });
        assert_eq!((prompt.frame_count(), prompt.frames(Codec::G722).len()), (0, 0));
    }
}
