//! A room: many legs hear each other. Who speaks is decoded once, everything is added once, each speaker's own voice is taken
//! out again, and what several hear alike is encoded once.
//!
//! ```text
//!  hear(person, frame) for each ──▶ blend() ──▶ frame_for(person) for each        every 20 ms
//!     all    = Σ voices for everyone                 a silent person:  all (+ coaches, for a host): shared per codec
//!     coaches = Σ voices for the hosts alone         a speaker:        the same without his own voice
//! ```
//! How loud one hears another is `talk` of the other, `hear` of the one, and the gain of the pair, added up in decibels. Voices go into the
//! sums at `talk`; whoever hears at a gain of his own, or somebody at one, has a mix of his own: the sum, put right for each such pair. So
//! everybody at no gain costs nothing more. Every gain is faded to ([`crate::fader`]).
//!
//! An encoder remembers what it encoded, and the far decoder follows it. Who changes from the encoder that all share to its own would
//! hear a crack; so its own is first told what the shared one encoded lately, and before it changes back both run side by side until they
//! remember the same.
//!
//! A room knows neither calls nor packets: its owner brings decoded frames and takes encoded ones.

mod line;
mod person;

use crate::{
    fader::{self, Fader, Slope, UNITY},
    limits::{DUCK_HOLD_FRAMES, FRAME_SAMPLES_MAX, HUSH_FRAMES, HUSH_PEAK, PAIRS_MAX, ROOM_SOUNDS_MAX},
};
use arrayvec::ArrayVec;
use audio::{Encoder, FrameResampler, OPUS_COMPLEXITY, Prompt};
use line::{Line, Shared, encode, memory};
pub use person::{Guest, PersonId, Voice};
use person::{Pair, Person};
use std::sync::Arc;
use terms::{Codec, Gain};

/// Above this level sums are bent and no longer added (−3 dB of full scale), so that many loud voices do not crackle.
const KNEE: i32 = 23_170;
/// Full scale.
const FULL: i32 = 32_767;
/// Tens of microseconds that a tick may spend on encoders that are told what was encoded lately: 1.2 ms, so eight people of G.722 or two of Opus
/// may begin to speak in one frame. Whoever comes after them may hear a crack.
const EFFORT_A_TICK: u32 = 120;
/// Samples a second a room can mix at, narrow and wide.
const RATES: [u32; 2] = [8_000, 16_000];

/// See the head of this file.
pub struct Room {
    rate: u32,
    people: Vec<Option<Box<Person>>>,
    all: [i32; FRAME_SAMPLES_MAX],
    coaches: [i32; FRAME_SAMPLES_MAX],
    /// How loud hosts hear `all`: softer while a coach whispers who wants that.
    duck: Fader,
    /// What silent people hear: by whether they are hosts, by codec.
    shared: Box<[[Shared; Codec::ALL.len()]; 2]>,
    /// What may still be spent in this tick on encoders that are told what the shared one encoded.
    effort_left: u32,
    sounds: ArrayVec<Sound, ROOM_SOUNDS_MAX>,
    scratch: [i16; FRAME_SAMPLES_MAX],
    /// One person's mix under way.
    mix: [i32; FRAME_SAMPLES_MAX],
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
            duck: Fader::at(UNITY),
            shared: Box::new(std::array::from_fn(|_| std::array::from_fn(|_| Shared::none()))),
            effort_left: 0,
            sounds: ArrayVec::new(),
            scratch: [0; FRAME_SAMPLES_MAX],
            mix: [0; FRAME_SAMPLES_MAX],
        }
    }

    /// Somebody comes in, who hears by this codec. Allocates; never in a tick.
    pub fn enter(&mut self, guest: Guest, codec: Codec) -> PersonId {
        let person = Box::new(Person::new(guest, codec));
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
        // Whoever gets the number next is somebody else.
        self.people.iter_mut().flatten().for_each(|person| person.pairs.retain(|pair| pair.of != id));
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
            person.aim();
        }
    }

    /// Changes how loud the others hear a person.
    pub fn set_talk(&mut self, id: PersonId, gain: Gain) {
        if let Some(person) = self.person(id) {
            person.talk = fader::factor(gain);
            person.aim();
        }
    }

    /// Changes how loud a person hears the room.
    pub fn set_hear(&mut self, id: PersonId, gain: Gain) {
        if let Some(person) = self.person(id) {
            person.hear.set(fader::factor(gain));
        }
    }

    /// Changes how loud a person hears one of the others; forgotten when either leaves. Allocates; never in a tick.
    pub fn set_pair(&mut self, listener: PersonId, speaker: PersonId, gain: Gain) {
        if listener == speaker || self.person(speaker).is_none() {
            return;
        }
        let Some(person) = self.person(listener) else { return };
        let factor = fader::factor(gain);
        if let Some(pair) = person.pairs.iter_mut().find(|pair| pair.of == speaker) {
            pair.gain.set(factor);
        } else if factor != UNITY && person.pairs.len() < PAIRS_MAX {
            let mut gain = Fader::at(UNITY);
            gain.set(factor);
            person.pairs.push(Pair { of: speaker, gain });
        }
    }

    /// A person's codec is another one now (a new agreement). Allocates; does nothing when it is the same.
    pub fn set_codec(&mut self, id: PersonId, codec: Codec) {
        if self.person(id).is_some_and(|person| person.codec != codec) {
            if let Some(person) = self.person(id) {
                person.codec = codec;
                person.encoder = Encoder::with_complexity(codec, OPUS_COMPLEXITY);
                (person.alone_for, person.shares) = (memory(codec).0, false);
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
                shared.line = Some(Box::new(Line::new(person.codec, (own != rate).then(|| FrameResampler::new(rate, own)))));
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
            if let Some(whisper) = &mut person.whisper {
                whisper.paused = DUCK_HOLD_FRAMES;
            }
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
        if let Some(whisper) = &mut person.whisper {
            whisper.hears(&person.own[..count]);
        }
    }

    /// Adds up what was heard.
    pub fn blend(&mut self) {
        let count = self.rate as usize / 50;
        self.all[..count].fill(0);
        self.coaches[..count].fill(0);
        let mut duck = UNITY;
        for person in self.people.iter_mut().flatten() {
            person.step();
            duck = duck.min(person.ducks().unwrap_or(UNITY));
            if !person.is_loud() {
                continue;
            }
            for (sum, gain) in [(&mut self.all, person.in_all.slope()), (&mut self.coaches, person.in_coaches.slope())] {
                if !gain.is(0) {
                    fader::add(&mut sum[..count], &person.own, gain);
                }
            }
        }
        self.duck.set(duck);
        self.duck.step();
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
        self.effort_left = EFFORT_A_TICK;
        for shared in self.shared.iter_mut().flatten() {
            let was_asked = shared.length.take().is_some();
            if let Some(line) = shared.line.as_deref_mut().filter(|_| !was_asked) {
                line.known = 0;
            }
        }
    }

    /// What a person hears in these 20 ms, encoded.
    pub fn frame_for(&mut self, id: PersonId) -> &[u8] {
        let count = self.rate as usize / 50;
        let Some(person) = self.people.get(id.0).and_then(Option::as_deref) else { return &[] };
        let (host, codec) = (usize::from(person.host), person.codec.index());
        let is_as_all = !person.hears_itself() && person.has_plain_ears();
        if is_as_all && person.alone_for == 0 {
            if let Some(person) = self.person(id) {
                person.shares = true;
            }
            return self.shared_frame(host, codec, count);
        }
        let is_usual = !is_as_all && person.has_plain_ears() && person.is_in_sum_as_it_is(self.duck);
        if is_as_all {
            // Side by side.
            self.shared_frame(host, codec, count);
        }
        self.go_alone(id, is_as_all, count);
        if !is_usual {
            self.mix_for(id, count);
        }
        let Some(person) = self.people.get_mut(id.0).and_then(Option::as_deref_mut) else { return &[] };
        let frame = &mut self.scratch[..count];
        if !is_usual {
            frame.iter_mut().zip(&self.mix).for_each(|(out, sum)| *out = bend(*sum));
        } else if person.host {
            let heard = self.all.iter().zip(&self.coaches).zip(&person.own);
            frame.iter_mut().zip(heard).for_each(|(out, ((all, coaches), own))| *out = bend(all + coaches - i32::from(*own)));
        } else {
            frame.iter_mut().zip(self.all.iter().zip(&person.own)).for_each(|(out, (all, own))| *out = bend(all - i32::from(*own)));
        }
        let length = encode(&mut person.encoder, person.outward.as_mut(), frame, &mut person.payload);
        person.payload.get(..length).unwrap_or_default()
    }

    /// This frame is for one person alone. If the last was not, its encoder is told what the shared one encoded.
    fn go_alone(&mut self, id: PersonId, is_as_all: bool, count: usize) {
        let Some(person) = self.people.get_mut(id.0).and_then(Option::as_deref_mut) else { return };
        let (frames, effort) = memory(person.codec);
        person.alone_for = if is_as_all { person.alone_for.saturating_sub(1) } else { frames };
        if !std::mem::take(&mut person.shares) {
            return;
        }
        let line = self.shared[usize::from(person.host)][person.codec.index()].line.as_deref();
        let Some((line, left)) = line.zip(self.effort_left.checked_sub(frames * effort)) else { return };
        self.effort_left = left;
        for frame in line.last(frames as usize) {
            encode(&mut person.encoder, person.outward.as_mut(), &frame[..count], &mut person.payload);
        }
    }

    /// The sum of what one person hears: the others, each at its gain.
    fn mix_for(&mut self, id: PersonId, count: usize) {
        let Some(person) = self.people.get(id.0).and_then(Option::as_deref) else { return };
        let mix = &mut self.mix[..count];
        mix.copy_from_slice(&self.all[..count]);
        let voices = |of: &Pair| self.people.get(of.of.0).and_then(Option::as_deref).filter(|other| other.is_loud()).map(|other| (other, of.gain.slope()));
        if person.is_loud() && !person.in_all.slope().is(0) {
            fader::take(mix, &person.own[..count], person.in_all.slope());
        }
        for (other, gain) in person.pairs.iter().filter_map(voices) {
            put_right(mix, &other.own[..count], other.in_all.slope(), gain);
        }
        if person.host {
            // Whoever whispers to the hosts hears the room as it is, also when he is one.
            if !matches!(person.voice, Voice::Hosts) {
                fader::scale(mix, self.duck.slope());
            }
            mix.iter_mut().zip(&self.coaches).for_each(|(sum, coaches)| *sum += coaches);
            if person.is_loud() && !person.in_coaches.slope().is(0) {
                fader::take(mix, &person.own[..count], person.in_coaches.slope());
            }
            for (other, gain) in person.pairs.iter().filter_map(voices) {
                put_right(mix, &other.own[..count], other.in_coaches.slope(), gain);
            }
        }
        fader::scale(mix, person.hear.slope());
    }

    /// What all silent people of one kind hear, encoded when the first of them asks.
    fn shared_frame(&mut self, host: usize, codec: usize, count: usize) -> &[u8] {
        let shared = &mut self.shared[host][codec];
        if shared.length.is_none() {
            let frame = &mut self.scratch[..count];
            let mut sum = &self.all[..count];
            if host == 1 {
                let mix = &mut self.mix[..count];
                mix.copy_from_slice(sum);
                fader::scale(mix, self.duck.slope());
                mix.iter_mut().zip(&self.coaches).for_each(|(sum, coaches)| *sum += coaches);
                sum = mix;
            }
            frame.iter_mut().zip(sum).for_each(|(out, sum)| *out = bend(*sum));
            if let Some(line) = &mut shared.line {
                shared.length = Some(line.encode(frame, &mut shared.payload));
            }
        }
        shared.payload.get(..shared.length.unwrap_or(0)).unwrap_or_default()
    }
}

/// A voice that is in a sum at its own gain is to be there at the gain of a pair, too.
fn put_right(sum: &mut [i32], voice: &[i16], own: Slope, pair: Slope) {
    if !own.is(0) {
        fader::take(sum, voice, own);
        fader::add(sum, voice, own.times(pair));
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({} people at {} Hz)", self.len(), self.rate)
    }
}

/// A sum as a sample: exact up to the knee, above it ever flatter towards full scale.
fn bend(sum: i32) -> i16 {
    let level = sum.saturating_abs();
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
