//! A recorder: what legs say and hear, in one channel or two, as long as the wall clock says, in chunks.

use crate::{
    RecordEnd, RecordSpec, Recorded, RecorderId, Source, Taking,
    ear::Heard,
    limits::{ATTACK_FRAMES, CHUNK_FRAMES, FRAME, FRAME_SAMPLES_MAX, HANGOVER_FRAMES},
    record::RECORDED_LEGS_MAX,
    stream::Stream,
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

/// Whose sound a voice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// What the leg says.
    Said(LegId),
    /// What the leg hears of whoever it is bridged with.
    Peer(LegId),
    /// What we play to the leg, and what it hears in a room.
    Played(LegId),
}

impl Of {
    /// The last 20 ms of it, their rate, and whether packets were lost; `None` when there is nothing.
    fn sound(self, streams: &[Stream]) -> Option<(&[i16], u32, bool)> {
        let ear = match self {
            Self::Said(leg) => find(streams, leg)?.ear.as_deref()?,
            Self::Peer(leg) => {
                let listener = find(streams, leg).filter(|stream| !stream.is_occupied())?;
                find(streams, listener.peer?)?.ear.as_deref()?
            }
            Self::Played(leg) => {
                let monitor = find(streams, leg)?.monitor.as_deref()?;
                return Some((monitor.frame()?, monitor.rate(), false));
            }
        };
        Some((ear.frame(), ear.rate(), ear.heard == Heard::Concealed))
    }

    /// The rate it would have now.
    fn rate(self, streams: &[Stream]) -> Option<u32> {
        match self {
            Self::Said(leg) => find(streams, leg)?.ear.as_ref().map(|ear| ear.rate()),
            Self::Peer(leg) => find(streams, find(streams, leg)?.peer?)?.ear.as_ref().map(|ear| ear.rate()),
            Self::Played(leg) => find(streams, leg)?.monitor.as_ref().map(|monitor| monitor.rate()),
        }
    }
}

fn find(streams: &[Stream], leg: LegId) -> Option<&Stream> {
    streams.iter().find(|stream| stream.leg == leg)
}

/// One voice on its way into its channel, with its resampler when it has another rate.
struct Voice {
    of: Of,
    channel: usize,
    from: u32,
    resampler: Option<FrameResampler>,
}

/// Voices of one recording: what some say, and of one what it hears of others and of us.
const VOICES_MAX: usize = RECORDED_LEGS_MAX + 2;

/// One running recording. What every frame touches comes first and lies together.
#[repr(C)]
pub(crate) struct Recorder {
    pub(crate) id: RecorderId,
    pub(crate) rate: u32,
    /// It takes no more sound; its end is in the queue of events.
    pub(crate) ended: bool,
    told: bool,
    speaking: bool,
    pub(crate) taking: Taking,
    detector: SpeechDetector,
    channels: usize,
    samples: Vec<i16>,
    frames: u64,
    quiet: u64,
    recorded: Recorded,
    voices: ArrayVec<Voice, VOICES_MAX>,
    spec: RecordSpec,
}

impl Recorder {
    pub(crate) fn new(id: RecorderId, source: &Source, spec: RecordSpec, rate: u32) -> Self {
        let channels = usize::from(source.channels());
        let voice = |of, channel| Voice { of, channel, from: rate, resampler: None };
        let said = source.said.iter().map(|leg| voice(Of::Said(*leg), 0));
        let heard = source.heard.iter().flat_map(|leg| [voice(Of::Peer(*leg), channels - 1), voice(Of::Played(*leg), channels - 1)]);
        Self {
            id,
            rate,
            ended: false,
            taking: Taking::All,
            channels,
            spec,
            voices: said.chain(heard).take(VOICES_MAX).collect(),
            samples: Self::room(rate, channels),
            told: false,
            frames: 0,
            quiet: 0,
            speaking: false,
            detector: SpeechDetector::new(),
            recorded: Recorded::default(),
        }
    }

    /// Space for a chunk, and for another while the first waits to be fetched.
    fn room(rate: u32, channels: usize) -> Vec<i16> {
        Vec::with_capacity(CHUNK_FRAMES * 2 * channels * (rate as usize / 50))
    }

    /// Whether it wants what a leg says, `peer` being the one it is bridged with.
    pub(crate) fn wants(&self, leg: LegId, peer: Option<LegId>) -> bool {
        !self.ended && self.voices.iter().any(|voice| voice.of == Of::Said(leg) || peer.is_some_and(|peer| voice.of == Of::Peer(peer)))
    }

    /// Whether it wants what we play to a leg.
    pub(crate) fn wants_played(&self, leg: LegId) -> bool {
        !self.ended && self.voices.iter().any(|voice| voice.of == Of::Played(leg))
    }

    /// A word of each place that [`Recorder::frame`] touches.
    pub(crate) fn words(&self) -> u64 {
        self.frames ^ self.samples.last().map_or(0, |sample| u64::from(sample.cast_unsigned()))
    }

    pub(crate) const fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// Gets ready for the rates its voices have now; not to be called in a tick.
    pub(crate) fn prepare(&mut self, streams: &[Stream]) {
        let rate = self.rate;
        for voice in &mut self.voices {
            if let Some(from) = voice.of.rate(streams).filter(|from| *from != voice.from) {
                voice.from = from;
                voice.resampler = (from != rate).then(|| FrameResampler::new(from, rate));
            }
        }
    }

    /// The next 20 ms: mixes what was said and heard, counts, judges.
    pub(crate) fn frame(&mut self, streams: &[Stream]) -> Step {
        if self.taking == Taking::Nothing {
            return Step::default();
        }
        let Some((sound, lost)) = self.only_voice(streams) else { return self.mixed_frame(streams) };
        self.samples.extend_from_slice(sound);
        self.count(sound, lost)
    }

    /// Nearly always one says something, and that is all: 20 ms of it as they are, and whether packets were lost.
    fn only_voice<'a>(&self, streams: &'a [Stream]) -> Option<(&'a [i16], bool)> {
        let [voice] = self.voices.as_slice() else { return None };
        let is_as_it_is = self.channels == 1 && self.taking == Taking::All && voice.resampler.is_none();
        let (sound, from, lost) = voice.of.sound(streams).filter(|_| is_as_it_is)?;
        (from == voice.from).then_some((sound, lost))
    }

    fn mixed_frame(&mut self, streams: &[Stream]) -> Step {
        let count = self.rate as usize / 50;
        let mut mix = [[0_i16; FRAME_SAMPLES_MAX]; 2];
        let mut lost = false;
        for voice in &mut self.voices {
            let Some((sound, from, is_lost)) = voice.of.sound(streams).filter(|_| self.taking == Taking::All) else { continue };
            lost |= is_lost;
            let mut adapted = [0_i16; FRAME_SAMPLES_MAX];
            let heard = match &mut voice.resampler {
                _ if from != voice.from => continue,
                None => sound,
                Some(resampler) => {
                    resampler.frame(sound, &mut adapted[..count]);
                    &adapted[..count]
                }
            };
            mix[voice.channel][..count].iter_mut().zip(heard).for_each(|(into, sample)| *into = into.saturating_add(*sample));
        }
        let [left, right] = &mix;
        if self.channels == 1 {
            self.samples.extend_from_slice(&left[..count]);
        } else {
            self.samples.extend(left[..count].iter().zip(&right[..count]).flat_map(|(left, right)| [*left, *right]));
        }
        self.count(&left[..count], lost)
    }

    /// Counts and judges 20 ms; `sound`: of the first channel.
    fn count(&mut self, sound: &[i16], lost: bool) -> Step {
        self.frames += 1;
        self.recorded.duration = span(self.frames);
        self.recorded.lost_frames += u32::from(lost);
        let speech = self.listen_for_speech(sound);
        let chunk = !self.told && self.samples.len() >= CHUNK_FRAMES * sound.len() * self.channels;
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
        let room = if self.ended { Vec::new() } else { Self::room(self.rate, self.channels) };
        Some(std::mem::replace(&mut self.samples, room))
    }
}

const fn span(frames: u64) -> Duration {
    Duration::from_millis(frames * FRAME.as_millis() as u64)
}
