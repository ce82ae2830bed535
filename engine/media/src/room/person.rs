//! Somebody in a room: who hears him and how loud, whom he hears and how loud, and what he needs for it.

use super::line::memory;
use crate::{
    fader::{self, Fader, UNITY},
    limits::{DUCK_HOLD_FRAMES, FRAME_SAMPLES_MAX, HUSH_FRAMES, PAYLOAD_BYTES_MAX},
};
use audio::{Encoder, FrameResampler, OPUS_COMPLEXITY, SpeechDetector};
use terms::{Codec, Gain};

/// Who hears a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Everyone.
    Everyone,
    /// The hosts alone: a coach whispers.
    Hosts,
    /// Nobody: muted, or listening.
    Nobody,
}

/// How somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Who hears him.
    pub voice: Voice,
    /// Whether he hears coaches.
    pub host: bool,
    /// How loud the others hear him.
    pub talk: Gain,
    /// How loud he hears the room.
    pub hear: Gain,
    /// How loud hosts hear everybody else while he whispers to them.
    pub duck: Gain,
}

impl Guest {
    /// At no gain.
    #[must_use]
    pub const fn new(voice: Voice, host: bool) -> Self {
        Self { voice, host, talk: Gain::NONE, hear: Gain::NONE, duck: Gain::NONE }
    }
}

/// A person's number in a room; free again when the person has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub usize);

/// One person.
pub(super) struct Person {
    pub(super) voice: Voice,
    pub(super) host: bool,
    pub(super) codec: Codec,
    /// Its voice for the others, in fixed point.
    pub(super) talk: i32,
    /// The same in each of the two sums, faded: in one of them it is 0, or in both.
    pub(super) in_all: Fader,
    pub(super) in_coaches: Fader,
    /// The room for it.
    pub(super) hear: Fader,
    /// Others whom it hears at gains of their own.
    pub(super) pairs: Vec<Pair>,
    pub(super) whisper: Option<Whisper>,
    pub(super) encoder: Encoder,
    /// From the rate of what comes to the room's.
    pub(super) inward: Option<(u32, FrameResampler)>,
    /// From the room's rate to the codec's.
    pub(super) outward: Option<FrameResampler>,
    pub(super) own: [i16; FRAME_SAMPLES_MAX],
    /// Frames since it was last loud enough to be heard.
    pub(super) hushed: u32,
    /// Its own encoder goes on for so many frames though it could hear what all hear.
    pub(super) alone_for: u32,
    /// It heard the last frame by the shared encoder.
    pub(super) shares: bool,
    pub(super) payload: [u8; PAYLOAD_BYTES_MAX],
}

/// How loud another is heard by one person.
pub(super) struct Pair {
    pub(super) of: PersonId,
    pub(super) gain: Fader,
}

/// A coach who wants the hosts to hear the others softer while he speaks.
pub(super) struct Whisper {
    pub(super) duck: i32,
    pub(super) detector: SpeechDetector,
    /// Frames since he last spoke.
    pub(super) paused: u32,
}

impl Whisper {
    pub(super) fn new(duck: Gain) -> Option<Self> {
        let whisper = || Self { duck: fader::factor(duck), detector: SpeechDetector::new(), paused: DUCK_HOLD_FRAMES };
        (duck < Gain::NONE).then(whisper)
    }

    /// Whether he speaks now, or did a moment ago.
    pub(super) fn hears(&mut self, frame: &[i16]) {
        self.paused = if self.detector.frame(frame) { 0 } else { self.paused.saturating_add(1) };
    }
}

impl Person {
    /// Somebody who just came in. Allocates.
    pub(super) fn new(guest: Guest, codec: Codec) -> Self {
        let Guest { voice, host, talk, hear, duck } = guest;
        let mut person = Self {
            voice,
            host,
            codec,
            talk: fader::factor(talk),
            in_all: Fader::at(0),
            in_coaches: Fader::at(0),
            hear: Fader::at(fader::factor(hear)),
            pairs: Vec::new(),
            whisper: Whisper::new(duck),
            encoder: Encoder::with_complexity(codec, OPUS_COMPLEXITY),
            inward: None,
            outward: None,
            own: [0; FRAME_SAMPLES_MAX],
            hushed: HUSH_FRAMES,
            alone_for: memory(codec).0,
            shares: false,
            payload: [0; PAYLOAD_BYTES_MAX],
        };
        person.aim();
        person
    }

    /// Whether it was loud enough lately to be in a sum.
    pub(super) const fn is_loud(&self) -> bool {
        self.hushed < HUSH_FRAMES
    }

    /// Who hears it, and how loud, from the next frame on.
    pub(super) const fn aim(&mut self) {
        let (all, coaches) = match self.voice {
            Voice::Everyone => (self.talk, 0),
            Voice::Hosts => (0, self.talk),
            Voice::Nobody => (0, 0),
        };
        self.in_all.set(all);
        self.in_coaches.set(coaches);
    }

    /// The next frame begins.
    pub(super) fn step(&mut self) {
        self.in_all.step();
        self.in_coaches.step();
        self.hear.step();
        self.pairs.iter_mut().for_each(|pair| pair.gain.step());
        self.pairs.retain(|pair| !pair.gain.rests_at(UNITY));
    }

    /// Whether its own voice is in what it would hear of the sums.
    pub(super) const fn hears_itself(&self) -> bool {
        self.is_loud() && (!self.in_all.slope().is(0) || (self.host && !self.in_coaches.slope().is(0)))
    }

    /// Whether it hears the room, and everybody in it, as it is.
    pub(super) fn has_plain_ears(&self) -> bool {
        self.pairs.is_empty() && self.hear.slope().is(UNITY)
    }

    /// Whether its voice is in one of the sums that it hears at no gain, and those are heard as they are: most people, nearly always.
    pub(super) fn is_in_sum_as_it_is(&self, duck: Fader) -> bool {
        let (all, coaches) = (self.in_all.slope(), self.in_coaches.slope());
        (all.is(UNITY) && coaches.is(0) || self.host && coaches.is(UNITY) && all.is(0)) && (!self.host || duck.slope().is(UNITY))
    }

    /// How loud hosts are to hear the others because of it, if it whispers now.
    pub(super) fn ducks(&self) -> Option<i32> {
        let whisper = self.whisper.as_ref().filter(|whisper| whisper.paused < DUCK_HOLD_FRAMES)?;
        matches!(self.voice, Voice::Hosts).then_some(whisper.duck)
    }
}
