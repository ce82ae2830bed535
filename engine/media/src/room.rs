//! A room: many legs hear each other. Who speaks is decoded once, everything is added once, each speaker's own voice is taken
//! out again, and what several hear alike is encoded once.
//!
//! ```text
//!  hear(person, frame) for each ──▶ blend() ──▶ frame_for(person) for each        every 20 ms
//!     all    = Σ voices for everyone                 a silent person:  all (+ coaches, for a host): shared per codec
//!     coaches = Σ voices for the hosts alone         a speaker:        the same without his own voice
//! ```
//! A room knows neither calls nor packets: its owner brings decoded frames and takes encoded ones.

use crate::limits::{FRAME_SAMPLES_MAX, HUSH_FRAMES, HUSH_PEAK, PAYLOAD_BYTES_MAX, ROOM_SOUNDS_MAX};
use arrayvec::ArrayVec;
use audio::{Encoder, FrameResampler, OPUS_COMPLEXITY, Prompt};
use std::sync::Arc;
use terms::Codec;

/// Above this level sums are bent and no longer added (−3 dB of full scale), so that many loud voices do not crackle.
const KNEE: i32 = 23_170;
/// Full scale.
const FULL: i32 = 32_767;
/// Samples a second a room can mix at, narrow and wide.
const RATES: [u32; 2] = [8_000, 16_000];

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

/// A person's number in a room; free again when the person has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub usize);

/// See the head of this file.
pub struct Room {
    rate: u32,
    people: Vec<Option<Box<Person>>>,
    all: [i32; FRAME_SAMPLES_MAX],
    coaches: [i32; FRAME_SAMPLES_MAX],
    /// What silent people hear: by whether they are hosts, by codec.
    shared: Box<[[Shared; Codec::ALL.len()]; 2]>,
    sounds: ArrayVec<Sound, ROOM_SOUNDS_MAX>,
    scratch: [i16; FRAME_SAMPLES_MAX],
}

/// One person.
struct Person {
    voice: Voice,
    host: bool,
    codec: Codec,
    encoder: Encoder,
    /// From the rate of what comes to the room's.
    inward: Option<(u32, FrameResampler)>,
    /// From the room's rate to the codec's.
    outward: Option<FrameResampler>,
    own: [i16; FRAME_SAMPLES_MAX],
    /// Frames since it was last loud enough to be heard.
    hushed: u32,
    payload: [u8; PAYLOAD_BYTES_MAX],
}

impl Person {
    /// Whether its voice is in a sum.
    const fn speaks(&self) -> bool {
        self.hushed < HUSH_FRAMES && !matches!(self.voice, Voice::Nobody)
    }
}

/// One encoding for all who hear the same.
struct Shared {
    line: Option<(Encoder, Option<FrameResampler>)>,
    length: Option<usize>,
    payload: [u8; PAYLOAD_BYTES_MAX],
}

impl Shared {
    const fn none() -> Self {
        Self { line: None, length: None, payload: [0; PAYLOAD_BYTES_MAX] }
    }
}

/// A sound for the whole room.
struct Sound {
    prompt: Arc<Prompt>,
    frame: usize,
    resampler: Option<FrameResampler>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rate: RATES[0],
            people: Vec::new(),
            all: [0; FRAME_SAMPLES_MAX],
            coaches: [0; FRAME_SAMPLES_MAX],
            shared: Box::new(std::array::from_fn(|_| std::array::from_fn(|_| Shared::none()))),
            sounds: ArrayVec::new(),
            scratch: [0; FRAME_SAMPLES_MAX],
        }
    }

    /// Somebody comes in. Allocates; never in a tick.
    pub fn enter(&mut self, voice: Voice, host: bool, codec: Codec) -> PersonId {
        let person = Box::new(Person {
            voice,
            host,
            codec,
            encoder: Encoder::with_complexity(codec, OPUS_COMPLEXITY),
            inward: None,
            outward: None,
            own: [0; FRAME_SAMPLES_MAX],
            hushed: HUSH_FRAMES,
            payload: [0; PAYLOAD_BYTES_MAX],
        });
        let at = match self.people.iter().position(Option::is_none) {
            Some(at) => at,
            None => {
                self.people.push(None);
                self.people.len() - 1
            }
        };
        self.people[at] = Some(person);
        self.equip();
        PersonId(at)
    }

    /// Somebody leaves.
    pub fn leave(&mut self, id: PersonId) {
        if let Some(place) = self.people.get_mut(id.0) {
            *place = None;
        }
        self.equip();
    }

    /// How many are inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.iter().flatten().count()
    }

    /// Whether nobody is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.iter().all(Option::is_none)
    }

    /// Changes who hears a person.
    pub fn set_voice(&mut self, id: PersonId, voice: Voice) {
        if let Some(person) = self.person(id) {
            person.voice = voice;
        }
    }

    /// A person's codec is another one now (a new agreement). Allocates; does nothing when it is the same.
    pub fn set_codec(&mut self, id: PersonId, codec: Codec) {
        if self.person(id).is_some_and(|person| person.codec != codec) {
            if let Some(person) = self.person(id) {
                person.codec = codec;
                person.encoder = Encoder::with_complexity(codec, OPUS_COMPLEXITY);
            }
            self.equip();
        }
    }

    /// Lets everybody hear a sound, beside the voices. One too many is left out.
    pub fn play(&mut self, prompt: Arc<Prompt>) {
        let rate = prompt.sound().rate;
        let resampler = (rate != self.rate).then(|| FrameResampler::new(rate, self.rate));
        let _ = self.sounds.try_push(Sound { prompt, frame: 0, resampler });
    }

    fn person(&mut self, id: PersonId) -> Option<&mut Person> {
        self.people.get_mut(id.0)?.as_deref_mut()
    }

    /// Gets the rate, the resamplers and the shared encoders right for who is there.
    fn equip(&mut self) {
        let widest = self.people.iter().flatten().map(|person| person.codec.sample_rate()).max().unwrap_or(RATES[0]);
        let rate = if widest > RATES[0] { RATES[1] } else { RATES[0] };
        if rate != self.rate {
            self.rate = rate;
            // A sound that plays is cut: it would go on at the wrong pitch.
            self.sounds.clear();
            self.shared.iter_mut().flatten().for_each(|shared| shared.line = None);
            self.people.iter_mut().flatten().for_each(|person| (person.inward, person.outward) = (None, None));
        }
        for person in self.people.iter_mut().flatten() {
            let own = person.codec.sample_rate();
            if own != rate && person.outward.is_none() {
                person.outward = Some(FrameResampler::new(rate, own));
            } else if own == rate {
                person.outward = None;
            }
            let shared = &mut self.shared[usize::from(person.host)][person.codec.index()];
            if shared.line.is_none() {
                shared.line = Some((Encoder::with_complexity(person.codec, OPUS_COMPLEXITY), (own != rate).then(|| FrameResampler::new(rate, own))));
            }
        }
    }

    /// What a person says in these 20 ms, at a rate of its own; `None`: nothing came. The first frame of another rate allocates.
    pub fn hear(&mut self, id: PersonId, frame: Option<(u32, &[i16])>) {
        let rate = self.rate;
        let count = rate as usize / 50;
        let Some(person) = self.person(id) else { return };
        let Some((from, samples)) = frame else {
            person.hushed = HUSH_FRAMES;
            return;
        };
        if from == rate {
            person.own[..count].copy_from_slice(&samples[..count]);
        } else {
            if person.inward.as_ref().is_none_or(|(known, _)| *known != from) {
                person.inward = Some((from, FrameResampler::new(from, rate)));
            }
            if let Some((_, resampler)) = &mut person.inward {
                resampler.frame(samples, &mut person.own[..count]);
            }
        }
        let is_loud = person.own[..count].iter().any(|sample| sample.unsigned_abs() > HUSH_PEAK);
        person.hushed = if is_loud { 0 } else { person.hushed.saturating_add(1) };
    }

    /// Adds up what was heard.
    pub fn blend(&mut self) {
        let count = self.rate as usize / 50;
        self.all[..count].fill(0);
        self.coaches[..count].fill(0);
        for person in self.people.iter().flatten().filter(|person| person.speaks()) {
            let sum = if person.voice == Voice::Everyone { &mut self.all } else { &mut self.coaches };
            sum[..count].iter_mut().zip(&person.own).for_each(|(sum, sample)| *sum += i32::from(*sample));
        }
        for sound in &mut self.sounds {
            let from = sound.prompt.sound();
            let width = from.rate as usize / 50;
            let Some(frame) = from.samples.get(sound.frame * width..(sound.frame + 1) * width) else { continue };
            sound.frame += 1;
            let frame = match &mut sound.resampler {
                None => frame,
                Some(resampler) => {
                    resampler.frame(frame, &mut self.scratch[..count]);
                    &self.scratch[..count]
                }
            };
            self.all[..count].iter_mut().zip(frame).for_each(|(sum, sample)| *sum += i32::from(*sample));
        }
        self.sounds.retain(|sound| sound.frame < sound.prompt.frame_count());
        self.shared.iter_mut().flatten().for_each(|shared| shared.length = None);
    }

    /// What a person hears in these 20 ms, encoded.
    pub fn frame_for(&mut self, id: PersonId) -> &[u8] {
        let count = self.rate as usize / 50;
        let Some(person) = self.people.get(id.0).and_then(Option::as_deref) else { return &[] };
        let is_own = match person.voice {
            Voice::Everyone => person.speaks(),
            // A coach does not hear himself: only hosts hear coaches.
            Voice::Hosts => person.speaks() && person.host,
            Voice::Nobody => false,
        };
        if !is_own {
            let (host, codec) = (usize::from(person.host), person.codec.index());
            return self.shared_frame(host, codec, count);
        }
        let Some(person) = self.people.get_mut(id.0).and_then(Option::as_deref_mut) else { return &[] };
        let mix = &mut self.scratch[..count];
        for (at, out) in mix.iter_mut().enumerate() {
            let heard = self.all[at] + if person.host { self.coaches[at] } else { 0 };
            *out = bend(heard - i32::from(person.own[at]));
        }
        let length = encode(&mut person.encoder, person.outward.as_mut(), mix, &mut person.payload);
        person.payload.get(..length).unwrap_or_default()
    }

    /// What all silent people of one kind hear, encoded when the first of them asks.
    fn shared_frame(&mut self, host: usize, codec: usize, count: usize) -> &[u8] {
        let shared = &mut self.shared[host][codec];
        if shared.length.is_none() {
            let mix = &mut self.scratch[..count];
            for (at, out) in mix.iter_mut().enumerate() {
                *out = bend(self.all[at] + if host == 1 { self.coaches[at] } else { 0 });
            }
            if let Some((encoder, resampler)) = &mut shared.line {
                shared.length = Some(encode(encoder, resampler.as_mut(), mix, &mut shared.payload));
            }
        }
        shared.payload.get(..shared.length.unwrap_or(0)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({} people at {} Hz)", self.len(), self.rate)
    }
}

fn encode(encoder: &mut Encoder, resampler: Option<&mut FrameResampler>, mix: &[i16], payload: &mut [u8]) -> usize {
    let Some(resampler) = resampler else { return encoder.encode(mix, payload) };
    let mut adapted = [0; FRAME_SAMPLES_MAX];
    let adapted = &mut adapted[..encoder.codec().frame_samples()];
    resampler.frame(mix, adapted);
    encoder.encode(adapted, payload)
}

/// A sum as a sample: exact up to the knee, above it ever flatter towards full scale.
fn bend(sum: i32) -> i16 {
    let level = sum.abs();
    let bent = if level <= KNEE {
        level
    } else {
        let (above, room) = (i64::from(level - KNEE), i64::from(FULL - KNEE));
        KNEE + i32::try_from(above * room / (above + room)).unwrap_or(FULL - KNEE)
    };
    i16::try_from(bent * sum.signum()).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests;
