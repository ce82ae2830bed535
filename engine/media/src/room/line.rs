//! Encoders of a room: one for all who hear the same, what it encoded lately, and how long an encoder remembers.

use crate::limits::{FRAME_SAMPLES_MAX, PAYLOAD_BYTES_MAX};
use audio::{Encoder, FrameResampler, OPUS_COMPLEXITY};
use terms::Codec;

/// Frames that the most forgetful codec needs to forget, G.722: its predictors leak a 256th each sample, 300 ms leave nothing.
const MEMORY_FRAMES: usize = 15;

/// One encoding for all who hear the same.
pub(super) struct Shared {
    pub(super) line: Option<Box<Line>>,
    pub(super) length: Option<usize>,
    pub(super) payload: [u8; PAYLOAD_BYTES_MAX],
}

impl Shared {
    pub(super) const fn none() -> Self {
        Self { line: None, length: None, payload: [0; PAYLOAD_BYTES_MAX] }
    }
}

/// The encoder of one shared encoding.
pub(super) struct Line {
    encoder: Encoder,
    /// From the room's rate to the codec's.
    outward: Option<FrameResampler>,
    /// What it encoded lately without a gap, at the room's rate; a ring.
    lately: [[i16; FRAME_SAMPLES_MAX]; MEMORY_FRAMES],
    next: usize,
    pub(super) known: usize,
}

impl Line {
    pub(super) fn new(codec: Codec, outward: Option<FrameResampler>) -> Self {
        let encoder = Encoder::with_complexity(codec, OPUS_COMPLEXITY);
        Self { encoder, outward, lately: [[0; FRAME_SAMPLES_MAX]; MEMORY_FRAMES], next: 0, known: 0 }
    }

    pub(super) fn encode(&mut self, frame: &[i16], payload: &mut [u8]) -> usize {
        if let Some(place) = self.lately.get_mut(self.next).and_then(|place| place.get_mut(..frame.len())) {
            place.copy_from_slice(frame);
        }
        self.next = (self.next + 1) % MEMORY_FRAMES;
        self.known = (self.known + 1).min(MEMORY_FRAMES);
        encode(&mut self.encoder, self.outward.as_mut(), frame, payload)
    }

    /// The last frames, the oldest first.
    pub(super) fn last(&self, frames: usize) -> impl Iterator<Item = &[i16; FRAME_SAMPLES_MAX]> {
        let frames = frames.min(self.known);
        (0..frames).filter_map(move |at| self.lately.get((self.next + MEMORY_FRAMES - frames + at) % MEMORY_FRAMES))
    }
}

/// Frames that an encoder remembers, as far as a decoder hears of it, and what encoding one costs, in tens of microseconds.
pub(super) const fn memory(codec: Codec) -> (u32, u32) {
    match codec {
        Codec::Pcmu | Codec::Pcma => (0, 0),
        Codec::G722 => (MEMORY_FRAMES as u32, 1),
        Codec::Gsm => (8, 2),
        Codec::Opus => (5, 12),
    }
}

pub(super) fn encode(encoder: &mut Encoder, resampler: Option<&mut FrameResampler>, mix: &[i16], payload: &mut [u8]) -> usize {
    let Some(resampler) = resampler else { return encoder.encode(mix, payload) };
    let mut adapted = [0; FRAME_SAMPLES_MAX];
    let adapted = &mut adapted[..encoder.codec().frame_samples()];
    resampler.frame(mix, adapted);
    encoder.encode(adapted, payload)
}
