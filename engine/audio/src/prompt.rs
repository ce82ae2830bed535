//! A prompt: sound decoded once, encoded once per codec when first asked for, shared by every call that plays it.

use crate::{Encoder, Pcm, codec::opus, resample};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use terms::{Codec, Packing};

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
    encoded: [OnceLock<Encoded>; Codec::ALL.len()],
}

/// A prompt's payload bytes in one codec.
#[derive(Debug)]
struct Encoded {
    bytes: Box<[u8]>,
    /// Where each 20 ms end, where they are not all of one size.
    ends: Box<[u32]>,
}

impl Encoded {
    /// The bytes of frame `at`.
    fn frame(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..end)
    }
}

/// Room for the frames of one packet that must be joined: 60 ms of the largest Opus frames we make, with plenty to spare.
pub const JOINED_BYTES_MAX: usize = 1_024;

impl Prompt {
    /// From sound of any rate; `label` is what a caller hears, for logs, timelines and tests (`welcome.wav`, `say: Hello`).
    /// Encoding waits for the first [`Prompt::packet`] or [`Prompt::prepare`] of each codec.
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

    /// All payload bytes in that codec, one frame of 20 ms after the other, the tail padded with silence.
    /// The first call for a codec encodes (a second of sound: 0.1 ms for G.711, 1 ms for G.722, 3 ms for GSM, 10 ms for Opus).
    #[must_use]
    pub fn frames(&self, codec: Codec) -> &[u8] {
        &self.encoded(codec).bytes
    }

    fn encoded(&self, codec: Codec) -> &Encoded {
        self.encoded[codec.index()].get_or_init(|| self.encode(codec))
    }

    /// The payload of one packet: at most `most_ms` (10–60) from `at_ms` (tens) on, and how many milliseconds it lasts, which
    /// may be less at the end, or where frames cannot be joined. It lies in the prompt, or where frames had to be joined in
    /// `scratch` ([`JOINED_BYTES_MAX`]; with less they go one by one). `None` behind the end. Allocates nothing once the codec is prepared.
    #[must_use]
    pub fn packet<'a>(&'a self, codec: Codec, at_ms: u32, most_ms: u16, scratch: &'a mut [u8]) -> Option<(&'a [u8], u16)> {
        let length_ms = self.frame_count as u32 * 20;
        let ms = length_ms.checked_sub(at_ms).filter(|left| *left > 0)?.min(u32::from(most_ms)) as u16;
        let encoded = self.encoded(codec);
        // After a change of codec a frame may begin 10 ms ago: then its rest is over with it.
        let (first, count) = (at_ms as usize / 20, usize::from(ms / 20).max(1));
        let lasts = |frames: usize| (frames * 20) as u16 - (at_ms % 20) as u16;
        match codec.packing() {
            Packing::Bytes => {
                let at = at_ms as usize * 8;
                Some((encoded.bytes.get(at..at + usize::from(ms) * 8)?, ms))
            }
            Packing::Frames(bytes) => {
                let count = count.min(self.frame_count - first);
                Some((encoded.bytes.get(first * bytes..(first + count) * bytes)?, lasts(count)))
            }
            Packing::Packets => {
                let frames = (first..first + count).map_while(|at| encoded.frame(at));
                if count > 1
                    && let Some((length, count)) = opus::join(frames, scratch)
                {
                    return Some((scratch.get(..length)?, lasts(count)));
                }
                Some((encoded.frame(first)?, lasts(1)))
            }
        }
    }

    /// Encodes for a codec now, on a thread that may take its time, so that the media thread need not.
    pub fn prepare(&self, codec: Codec) {
        let _ = self.encoded(codec);
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
        let encoded: usize = self.encoded.iter().filter_map(OnceLock::get).map(|encoded| encoded.bytes.len() + encoded.ends.len() * 4).sum();
        size_of::<Self>() + self.label.len() + self.sound.samples.capacity() * 2 + encoded
    }

    fn encode(&self, codec: Codec) -> Encoded {
        let resampled;
        let samples = if self.sound.rate == codec.sample_rate() {
            &self.sound.samples
        } else {
            resampled = resample(&self.sound, codec.sample_rate());
            &resampled.samples
        };
        let mut encoder = Encoder::new(codec);
        let frames = samples.chunks_exact(codec.frame_samples());
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for frame in frames {
            let mut payload = [0; 480];
            let length = encoder.encode(frame, &mut payload);
            bytes.extend_from_slice(&payload[..length]);
            if codec.packing() == Packing::Packets {
                ends.push(bytes.len() as u32);
            }
        }
        Encoded { bytes: bytes.into_boxed_slice(), ends: ends.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, codec::PACKET_SAMPLES_MAX, level::dbfs, tone};

    /// Plays a prompt in packets of `ms`; gives the sound, and how long each packet was.
    fn play(prompt: &Prompt, codec: Codec, ms: u16) -> (Vec<i16>, Vec<u16>) {
        let (mut decoder, mut heard, mut lengths, mut at) = (Decoder::new(codec), Vec::new(), Vec::new(), 0);
        let mut scratch = [0; JOINED_BYTES_MAX];
        while let Some((payload, lasts)) = prompt.packet(codec, at, ms, &mut scratch) {
            let mut samples = [0; PACKET_SAMPLES_MAX];
            let count = decoder.decode(payload, &mut samples);
            assert_eq!(count, codec.frame_samples() / 2 * usize::from(lasts) / 10, "{codec} at {at}");
            heard.extend_from_slice(&samples[..count]);
            lengths.push(lasts);
            at += u32::from(lasts);
        }
        (heard, lengths)
    }

    #[test]
    fn every_codec_gets_the_same_sound_in_whole_frames() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let pcm = resample(&tone::sine(700.0, Duration::from_millis(1_010), -10.0), rate);
            let prompt = Prompt::new("tone", &pcm);
            assert_eq!((prompt.frame_count(), prompt.duration()), (51, Duration::from_millis(1_020)), "{rate}");
            for codec in Codec::ALL {
                prompt.prepare(codec);
                assert!(std::ptr::eq(prompt.frames(codec), prompt.frames(codec)), "encoded once");
                let (heard, _) = play(&prompt, codec, 20);
                assert_eq!(heard.len(), 51 * codec.frame_samples());
                let level = dbfs(&heard[2_000..6_000]);
                assert!((level + 13.0).abs() < 1.0, "{rate} {codec}: {level}");
                assert!(dbfs(&heard[heard.len() - codec.sample_rate() as usize / 200..]) < -30.0, "{codec}: the tail is silence");
            }
            assert!(prompt.memory_bytes() > 3 * 51 * 160);
        }
    }

    #[test]
    fn packets_are_as_long_as_asked_where_the_codec_can() {
        let prompt = Prompt::new("tone", &tone::sine(700.0, Duration::from_millis(500), -10.0));
        for codec in Codec::ALL {
            let (whole, _) = play(&prompt, codec, 20);
            for ms in [10, 20, 30, 40, 60] {
                let (heard, lengths) = play(&prompt, codec, codec.packet_ms(ms));
                assert_eq!(heard.len(), whole.len(), "{codec} {ms}");
                let wished = codec.packet_ms(ms);
                let usual = lengths.iter().filter(|length| **length == wished).count();
                // Opus joins only frames that are alike; its first ones may not be.
                assert!(usual + 3 >= 500 / usize::from(wished), "{codec} {ms}: {lengths:?}");
                assert_eq!(heard, whole, "{codec} {ms}: the same sound");
            }
        }
        let mut scratch = [0; JOINED_BYTES_MAX];
        assert_eq!(prompt.packet(Codec::Gsm, 490, 60, &mut scratch).map(|(payload, ms)| (payload.len(), ms)), Some((33, 10)), "from the middle of a frame");
        assert_eq!(prompt.packet(Codec::Opus, 500, 20, &mut scratch), None);
    }

    #[test]
    fn nothing_is_no_frames() {
        let prompt = Prompt::new("empty", &Pcm { rate: 8_000, samples: Vec::new() });
        assert_eq!((prompt.frame_count(), prompt.frames(Codec::G722).len()), (0, 0));
        assert_eq!(prompt.packet(Codec::Pcmu, 0, 20, &mut [0; JOINED_BYTES_MAX]), None);
    }
}
