//! What we play to a leg, decoded again: for recordings of what the leg hears. Exists only while such a recording runs.
//!
//! Players work in slots of their own, recorders in theirs, both of 20 ms: a short queue between them takes up the difference.

use crate::limits::FRAME_SAMPLES_MAX;
use audio::Decoder;
use terms::Codec;

/// Frames that wait at most: two clocks of the same 20 ms are one frame apart, three when a tick came late.
const WAITING_MAX: usize = 4;

/// See the head of this file.
pub(crate) struct Monitor {
    codec: Codec,
    decoder: Decoder,
    waiting: [[i16; FRAME_SAMPLES_MAX]; WAITING_MAX],
    first: usize,
    count: usize,
    /// The frame of this tick, if anything was played.
    current: Option<[i16; FRAME_SAMPLES_MAX]>,
}

impl Monitor {
    pub(crate) fn new(codec: Codec) -> Self {
        let waiting = [[0; FRAME_SAMPLES_MAX]; WAITING_MAX];
        Self { codec, decoder: Decoder::new(codec), waiting, first: 0, count: 0, current: None }
    }

    pub(crate) fn suits(&self, codec: Codec) -> bool {
        self.codec == codec
    }

    pub(crate) const fn rate(&self) -> u32 {
        self.codec.sample_rate()
    }

    /// A frame was played.
    pub(crate) fn put(&mut self, payload: &[u8]) {
        if self.count == WAITING_MAX {
            self.first = (self.first + 1) % WAITING_MAX;
            self.count -= 1;
        }
        if let Some(place) = self.waiting.get_mut((self.first + self.count) % WAITING_MAX) {
            self.decoder.decode(payload, place);
            self.count += 1;
        }
    }

    /// The next 20 ms begin.
    pub(crate) fn turn(&mut self) {
        self.current = (self.count > 0).then(|| self.waiting.get(self.first).copied()).flatten();
        if self.count > 0 {
            self.first = (self.first + 1) % WAITING_MAX;
            self.count -= 1;
        }
    }

    /// What was played in these 20 ms.
    pub(crate) fn frame(&self) -> Option<&[i16]> {
        self.current.as_ref().and_then(|frame| frame.get(..self.codec.frame_samples()))
    }
}
