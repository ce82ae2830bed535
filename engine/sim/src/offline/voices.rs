//! Prompts whose every packet says which prompt it is of: what a caller hears is read from the packets that were really sent.
//!
//! ```text
//! 20 ms of PCMU, 160 bytes:   magic (4)   prompt (4 × 6 bits)   frame (3 × 6 bits)   a loud buzz (149)
//! ```
//! Each byte is one that G.711 µ-law keeps on the way through decoder and encoder, so a mark survives recording and relaying.

use audio::{Decoder, Pcm, Prompt};
use flow::{PromptItem, Tone};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use terms::Codec;

/// What every marked packet begins with: unlikely in any real sound, and four different levels.
const MAGIC: [u8; 4] = [0x10, 0x2b, 0x31, 0x05];
/// The byte of the digit 0: six bits above it all survive µ-law.
const DIGIT: u8 = 0x80;
/// The rest of a packet: a square wave near full scale, so that it counts as speech.
const BUZZ: [u8; 2] = [0x20, 0xa0];
/// Bytes of one packet.
pub(crate) const FRAME_BYTES: usize = 160;
/// One packet.
const FRAME: Duration = Duration::from_millis(20);
/// Time a character takes to say: about 150 words of six letters a minute.
const A_CHARACTER: Duration = Duration::from_millis(60);
/// The shortest text and the longest: nobody says less, and a flow's text has a limit of its own.
const TEXT_SHORTEST: Duration = Duration::from_millis(400);
const TEXT_LONGEST: Duration = Duration::from_secs(300);
/// A file or URL whose length nobody told.
const FILE_LENGTH: Duration = Duration::from_secs(2);
/// How long a far end says hello when it takes a call.
pub(crate) const HELLO: Duration = Duration::from_millis(600);

/// What can be heard on the line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// A text that is spoken.
    Text(String),
    /// A file of the prompts folder.
    File(String),
    /// A sound behind a URL.
    Url(String),
    /// A tone: `beep dial busy congestion ringing`.
    Tone(&'static str),
    /// Somebody at the far end speaks: `connection/bob`.
    Voice(String),
    /// Quiet that a flow plays on purpose.
    Silence,
}

impl Sound {
    fn of(item: &PromptItem) -> Self {
        match item {
            PromptItem::Say(say) => Self::Text(say.text.clone()),
            PromptItem::File(name) => Self::File(name.clone()),
            PromptItem::Url(url) => Self::Url(url.clone()),
            PromptItem::Tone(Tone::Beep) => Self::Tone("beep"),
            PromptItem::Tone(Tone::Dial) => Self::Tone("dial"),
            PromptItem::Tone(Tone::Busy) => Self::Tone("busy"),
            PromptItem::Tone(Tone::Congestion) => Self::Tone("congestion"),
            PromptItem::Ring(_) => Self::Tone("ringing"),
            PromptItem::Silence(_) => Self::Silence,
        }
    }

    /// The text, file, tone or far end by itself.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Text(text) | Self::File(text) | Self::Url(text) | Self::Voice(text) => text,
            Self::Tone(name) => name,
            Self::Silence => "silence",
        }
    }
}

impl fmt::Display for Sound {
    /// `“Hello.”`, `welcome.wav`, `a beep tone`, `connection/bob speaking`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "“{text}”"),
            Self::File(name) | Self::Url(name) => f.write_str(name),
            Self::Tone(name) => write!(f, "the {name} tone"),
            Self::Voice(who) => write!(f, "{who} speaking"),
            Self::Silence => f.write_str("silence"),
        }
    }
}

/// Which packet of which prompt a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) prompt: u32,
    pub(crate) frame: u32,
}

impl Mark {
    /// Writes itself over the beginning of 20 ms.
    fn write(self, into: &mut [u8]) {
        let digit = |value: u32, place: u32| DIGIT + ((value >> (6 * place)) & 63) as u8;
        let mark = (0..4).map(|place| digit(self.prompt, place)).chain((0..3).map(|place| digit(self.frame, place)));
        for (byte, mark) in into.iter_mut().zip(MAGIC.into_iter().chain(mark)) {
            *byte = mark;
        }
    }

    /// Reads a payload; `None` for a sound that is not ours.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let (magic, rest) = payload.split_first_chunk::<4>()?;
        let digits = rest.first_chunk::<7>()?;
        if *magic != MAGIC || digits.iter().any(|byte| byte & 0xc0 != DIGIT) {
            return None;
        }
        let number = |digits: &[u8]| digits.iter().rev().fold(0_u32, |value, byte| (value << 6) | u32::from(byte & 63));
        Some(Self { prompt: number(&digits[..4]), frame: number(&digits[4..]) })
    }
}

/// A shelf of marked prompts, filled as they are wanted. Cheap to clone; calls that share one make each sound only once.
#[derive(Clone, Default)]
pub struct Voices(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    by_sound: BTreeMap<(Sound, Duration), u32>,
    prompts: Vec<(Sound, Arc<Prompt>)>,
    /// Lengths of files, where somebody told.
    lengths: BTreeMap<String, Duration>,
}

impl Voices {
    /// An empty shelf that knows how long some files are (by their name in the prompts folder).
    #[must_use]
    pub fn with_lengths(lengths: BTreeMap<String, Duration>) -> Self {
        Self(Arc::new(Mutex::new(Shelf { lengths, ..Shelf::default() })))
    }

    /// The prompt of an item.
    pub(crate) fn of(&self, item: &PromptItem) -> Arc<Prompt> {
        let mut shelf = self.shelf();
        let sound = Sound::of(item);
        let length = match item {
            PromptItem::Say(say) => spoken(&say.text),
            PromptItem::File(name) => shelf.lengths.get(name).copied().unwrap_or(FILE_LENGTH),
            PromptItem::Url(_) | PromptItem::Tone(Tone::Dial) => FILE_LENGTH,
            PromptItem::Tone(Tone::Beep) => Duration::from_millis(400),
            PromptItem::Tone(Tone::Busy | Tone::Congestion) => Duration::from_secs(4),
            PromptItem::Ring(span) | PromptItem::Silence(span) => *span,
        };
        shelf.made(sound, length).1
    }

    /// Somebody at the far end saying hello.
    pub(crate) fn hello(&self, who: &str) -> Arc<Prompt> {
        self.shelf().made(Sound::Voice(who.to_owned()), HELLO).1
    }

    /// What a mark stands for, and how many packets it has in all.
    pub(crate) fn said(&self, mark: Mark) -> Option<(Sound, u32)> {
        let shelf = self.shelf();
        let (sound, prompt) = shelf.prompts.get(mark.prompt as usize)?;
        Some((sound.clone(), u32::try_from(prompt.frame_count()).unwrap_or(u32::MAX)))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Voices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Voices({} prompts)", self.shelf().prompts.len())
    }
}

impl Shelf {
    fn made(&mut self, sound: Sound, length: Duration) -> (u32, Arc<Prompt>) {
        let key = (sound, length);
        if let Some(number) = self.by_sound.get(&key).copied()
            && let Some((_, prompt)) = self.prompts.get(number as usize)
        {
            return (number, Arc::clone(prompt));
        }
        let number = u32::try_from(self.prompts.len()).unwrap_or(u32::MAX);
        let prompt = marked(number, &key.0, length);
        self.prompts.push((key.0.clone(), Arc::clone(&prompt)));
        self.by_sound.insert(key, number);
        (number, prompt)
    }
}

/// How long a text takes to say; deterministic, so that tests can count on it.
#[must_use]
pub fn spoken(text: &str) -> Duration {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX).min(100_000);
    (A_CHARACTER * characters).clamp(TEXT_SHORTEST, TEXT_LONGEST)
}

fn marked(number: u32, sound: &Sound, length: Duration) -> Arc<Prompt> {
    let frames = u32::try_from(length.as_millis().div_ceil(FRAME.as_millis())).unwrap_or(0);
    let mut bytes = vec![0_u8; frames as usize * FRAME_BYTES];
    for (payload, frame) in bytes.chunks_mut(FRAME_BYTES).zip(0..) {
        for pair in payload.chunks_mut(BUZZ.len()) {
            pair.copy_from_slice(&BUZZ);
        }
        Mark { prompt: number, frame }.write(payload);
    }
    let mut pcm = Pcm { rate: Codec::Pcmu.sample_rate(), samples: vec![0; bytes.len()] };
    Decoder::new(Codec::Pcmu).decode(&bytes, &mut pcm.samples);
    Prompt::shared(sound.name(), &pcm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_decoder_and_encoder() {
        let voices = Voices::default();
        for number in 0..70 {
            let prompt = voices.hello(&format!("connection/x{number}"));
            for (frame, payload) in (0..).zip(prompt.frames(Codec::Pcmu).chunks(FRAME_BYTES)) {
                assert_eq!(Mark::read(payload), Some(Mark { prompt: number, frame }));
            }
            assert_eq!(prompt.duration(), HELLO);
        }
        let far = Mark { prompt: 16_000_000, frame: 200_000 };
        let mut payload = [0xff; FRAME_BYTES];
        far.write(&mut payload);
        assert_eq!(Mark::read(&payload), Some(far));
        assert_eq!(Mark::read(&[0xff; FRAME_BYTES]), None);
        assert_eq!(Mark::read(&[]), None);
    }

    #[test]
    fn texts_take_their_time_and_are_made_once() {
        assert_eq!(spoken("Hello."), Duration::from_millis(400));
        assert_eq!(spoken(&"x".repeat(100)), Duration::from_secs(6));
        let voices = Voices::with_lengths(BTreeMap::from([("a.wav".to_owned(), Duration::from_secs(7))]));
        let file = PromptItem::File("a.wav".to_owned());
        assert_eq!(voices.of(&file).duration(), Duration::from_secs(7));
        assert!(Arc::ptr_eq(&voices.of(&file), &voices.of(&file)));
    }
}
