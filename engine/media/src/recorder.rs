//! A recorder: what legs say, mixed to mono, as long as the wall clock says, in chunks.

use crate::{
    RecordEnd, RecordSpec, Recorded, RecorderId, Source,
    ear::{Ear, Heard},
    limits::{ATTACK_FRAMES, CHUNK_FRAMES, FRAME, FRAME_SAMPLES_MAX, HANGOVER_FRAMES},
    record::RECORDED_LEGS_MAX,
};
use arrayvec::ArrayVec;
use audio::{FrameResampler, SpeechDetector};
use std::time::Duration;
use terms::LegId;

/// What a frame brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// A chunk is full and not told yet.
    pub(crate) chunk: bool,
    /// Speech began for the first time.
    pub(crate) speech: bool,
    /// It is over.
    pub(crate) end: Option<RecordEnd>,
}

/// One leg's voice on its way into the mix, with its resampler when its ear has another rate.
struct Voice {
    leg: LegId,
    from: u32,
    resampler: Option<FrameResampler>,
}

/// One running recording.
pub(crate) struct Recorder {
    pub(crate) id: RecorderId,
    pub(crate) rate: u32,
    /// It takes no more sound; its end is in the queue of events.
    pub(crate) ended: bool,
    spec: RecordSpec,
    voices: ArrayVec<Voice, RECORDED_LEGS_MAX>,
    samples: Vec<i16>,
    told: bool,
    frames: u64,
    quiet: u64,
    speaking: bool,
    detector: SpeechDetector,
    recorded: Recorded,
}

impl Recorder {
    pub(crate) fn new(id: RecorderId, source: &Source, spec: RecordSpec, rate: u32) -> Self {
        Self {
            id,
            rate,
            ended: false,
            spec,
            voices: source.0.iter().map(|leg| Voice { leg: *leg, from: rate, resampler: None }).collect(),
            samples: Self::room(rate),
            told: false,
            frames: 0,
            quiet: 0,
            speaking: false,
            detector: SpeechDetector::new(),
            recorded: Recorded::default(),
        }
    }

    /// Space for a chunk, and for another while the first waits to be fetched.
    fn room(rate: u32) -> Vec<i16> {
        Vec::with_capacity(CHUNK_FRAMES * 2 * (rate as usize / 50))
    }

    pub(crate) fn wants(&self, leg: LegId) -> bool {
        !self.ended && self.voices.iter().any(|voice| voice.leg == leg)
    }

    pub(crate) const fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// Gets ready for a leg whose ear has that rate; not to be called in a tick.
    pub(crate) fn expect(&mut self, leg: LegId, from: u32) {
        let rate = self.rate;
        for voice in self.voices.iter_mut().filter(|voice| voice.leg == leg && voice.from != from) {
            voice.from = from;
            voice.resampler = (from != rate).then(|| FrameResampler::new(from, rate));
        }
    }

    /// The next 20 ms: mixes what the ears heard, counts, judges.
    pub(crate) fn frame<'a>(&mut self, ear_of: impl Fn(LegId) -> Option<&'a Ear>) -> Step {
        let count = self.rate as usize / 50;
        let mut mix = [0_i16; FRAME_SAMPLES_MAX];
        let mix = &mut mix[..count];
        let mut lost = false;
        for voice in &mut self.voices {
            let Some(ear) = ear_of(voice.leg) else { continue };
            lost |= ear.heard == Heard::Concealed;
            let mut adapted = [0_i16; FRAME_SAMPLES_MAX];
            let heard = match &mut voice.resampler {
                None => ear.frame(),
                Some(resampler) => {
                    resampler.frame(ear.frame(), &mut adapted[..count]);
                    &adapted[..count]
                }
            };
            mix.iter_mut().zip(heard).for_each(|(into, sample)| *into = into.saturating_add(*sample));
        }
        self.samples.extend_from_slice(mix);
        self.frames += 1;
        self.recorded.duration = span(self.frames);
        self.recorded.lost_frames += u32::from(lost);
        let speech = self.listen_for_speech(mix);
        let chunk = !self.told && self.samples.len() >= CHUNK_FRAMES * count;
        self.told |= chunk;
        Step { chunk, speech, end: self.over() }
    }

    fn listen_for_speech(&mut self, mix: &[i16]) -> bool {
        let speaks = self.detector.frame(mix);
        let mut first = false;
        match (self.speaking, speaks) {
            (false, true) => {
                first = self.recorded.speech_from.is_none();
                let from = self.frames.saturating_sub(ATTACK_FRAMES);
                self.recorded.speech_from.get_or_insert(span(from));
                self.recorded.speech += span(self.frames - from);
                self.quiet = 0;
            }
            (true, true) => self.recorded.speech += FRAME,
            (true, false) => {
                self.recorded.speech = self.recorded.speech.saturating_sub(span(HANGOVER_FRAMES));
                self.quiet = HANGOVER_FRAMES + 1;
            }
            (false, false) => self.quiet += 1,
        }
        if speaks {
            self.recorded.speech_until = span(self.frames);
        } else if self.speaking {
            self.recorded.speech_until = span(self.frames.saturating_sub(HANGOVER_FRAMES + 1));
        }
        self.speaking = speaks;
        first
    }

    fn over(&self) -> Option<RecordEnd> {
        if self.spec.length.is_some_and(|length| span(self.frames) >= length) {
            Some(RecordEnd::Length)
        } else if self.spec.silence.is_some_and(|silence| span(self.quiet) >= silence) {
            Some(RecordEnd::Silence)
        } else {
            None
        }
    }

    /// Hands out what there is, with new room allocated in its place; not to be called in a tick.
    pub(crate) fn fetch(&mut self) -> Option<Vec<i16>> {
        self.told = false;
        if self.samples.is_empty() {
            return None;
        }
        let room = if self.ended { Vec::new() } else { Self::room(self.rate) };
        Some(std::mem::replace(&mut self.samples, room))
    }
}

const fn span(frames: u64) -> Duration {
    Duration::from_millis(frames * FRAME.as_millis() as u64)
}
