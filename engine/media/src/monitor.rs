//! What we play to a leg, and what it hears in a room, decoded again: for recordings of what the leg hears. Exists only while such
//! a recording runs.
//!
//! Players send packets of whatever length the peer wishes (10–60 ms), recorders take 20 ms at a time: a short queue of samples
//! between them takes up the difference.

use crate::limits::{FRAME_SAMPLES_MAX, PACKET_MS_MAX};
use audio::Decoder;
use terms::Codec;

/// Samples that wait at most when the next packet comes: two clocks are one frame apart, three when a tick came late.
const LATE_MAX: usize = FRAME_SAMPLES_MAX * 4;
/// Room for them and for the longest packet.
const WAITING_MAX: usize = LATE_MAX + FRAME_SAMPLES_MAX / 20 * PACKET_MS_MAX as usize;

/// See the head of this file.
pub(crate) struct Monitor {
    codec: Codec,
    decoder: Decoder,
    waiting: [i16; WAITING_MAX],
    count: usize,
    /// Sound began, and was not missing since.
    is_flowing: bool,
    /// The frame of this tick, if anything was played.
    current: Option<[i16; FRAME_SAMPLES_MAX]>,
}

impl Monitor {
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec, decoder: Decoder::new(codec), waiting: [0; WAITING_MAX], count: 0, is_flowing: false, current: None }
    }

    pub(crate) fn suits(&self, codec: Codec) -> bool {
        self.codec == codec
    }

    pub(crate) const fn rate(&self) -> u32 {
        self.codec.sample_rate()
    }

    /// A packet was played.
    pub(crate) fn put(&mut self, payload: &[u8]) {
        self.drop_oldest(self.count.saturating_sub(LATE_MAX));
        let length = self.waiting.get_mut(self.count..).map_or(0, |room| self.decoder.decode(payload, room));
        let frame = self.codec.frame_samples();
        if !self.is_flowing && !length.is_multiple_of(frame) {
            // Packets that are no whole frames would leave half a frame too little every other tick: half a frame ahead, none does.
            let ahead = frame / 2;
            self.waiting.copy_within(self.count..self.count + length, self.count + ahead);
            self.waiting[self.count..self.count + ahead].fill(0);
            self.count += ahead;
        }
        self.is_flowing = true;
        self.count += length;
    }

    /// The next 20 ms begin.
    pub(crate) fn turn(&mut self) {
        let length = self.count.min(self.codec.frame_samples());
        self.current = self.waiting.get(..length).filter(|sound| !sound.is_empty()).map(|sound| {
            // The end of a sound is filled up with silence.
            let mut frame = [0; FRAME_SAMPLES_MAX];
            frame[..length].copy_from_slice(sound);
            frame
        });
        self.is_flowing = self.current.is_some();
        self.drop_oldest(length);
    }

    /// What was played in these 20 ms.
    pub(crate) fn frame(&self) -> Option<&[i16]> {
        self.current.as_ref().and_then(|frame| frame.get(..self.codec.frame_samples()))
    }

    fn drop_oldest(&mut self, samples: usize) {
        let samples = samples.min(self.count);
        self.waiting.copy_within(samples..self.count, 0);
        self.count -= samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Prompt, tone};
    use std::time::Duration;

    /// Packets of every length of every codec come out as the same sound, without a gap, whenever the ticks are.
    #[test]
    fn packets_of_any_length_become_whole_frames() {
        let prompt = Prompt::new("tone", &tone::sine(700.0, Duration::from_secs(1), -10.0));
        for codec in Codec::ALL {
            for wished in [10, 20, 30, 40, 50, 60] {
                for phase in [1, 11, 19] {
                    let mut monitor = Monitor::new(codec);
                    let mut scratch = [0; audio::JOINED_BYTES_MAX];
                    let (mut heard, mut at, mut due) = (Vec::new(), 0, 0);
                    for ms in 0..1_100 {
                        while due <= ms
                            && let Some((payload, lasts)) = prompt.packet(codec, at, codec.packet_ms(wished), &mut scratch)
                        {
                            monitor.put(payload);
                            at += u32::from(lasts);
                            due += u32::from(lasts);
                        }
                        if ms % 20 == phase {
                            monitor.turn();
                            heard.extend_from_slice(monitor.frame().unwrap_or(&[]));
                        }
                    }
                    let second = codec.sample_rate() as usize;
                    assert!(heard.len().abs_diff(second) <= second / 50, "{codec} {wished} ms at {phase}: {} samples", heard.len());
                    let quiet = heard[second / 20..second * 9 / 10].chunks(second / 100).filter(|part| audio::level::dbfs(part) < -16.0).count();
                    assert_eq!(quiet, 0, "{codec} {wished} ms at {phase}: gaps");
                }
            }
        }
    }
}
