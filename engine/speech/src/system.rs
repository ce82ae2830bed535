//! The built-in prompts of last resort: with no model, no program and no server a caller still hears something.
//!
//! Some eighty short clips (8 kHz) are part of the program. A text made only of their words — digits, numbers, letters,
//! "press … for" — is put together from them and is exactly what was asked; for any other text the nearest fixed phrase stands in.
//! How to add a word: a line in `prompts/system/render.sh`, run it, and the word here.

use crate::english::reading::{self, Piece};
use audio::Pcm;

/// Silence at a comma and at the end of a sentence, milliseconds.
const COMMA_MS: usize = 150;
const SENTENCE_MS: usize = 300;
/// Samples a millisecond of the clips.
const SAMPLES_A_MS: usize = 8;
const RATE: u32 = 8_000;

macro_rules! clips {
    ($($name:literal)*) => {
        [$(($name, include_bytes!(concat!("../../../prompts/system/", $name, ".wav")).as_slice())),*]
    };
}

/// Name and WAV file. Letters are `letter-x`.
const CLIPS: [(&str, &[u8]); 85] = clips!(
    "zero" "one" "two" "three" "four" "five" "six" "seven" "eight" "nine" "ten" "eleven" "twelve" "thirteen" "fourteen"
    "fifteen" "sixteen" "seventeen" "eighteen" "nineteen" "twenty" "thirty" "forty" "fifty" "sixty" "seventy" "eighty"
    "ninety" "hundred" "thousand" "million" "point" "minus" "plus" "oh" "percent" "press" "for" "to" "and" "star" "pound"
    "hash" "new" "old" "message" "messages" "from" "at" "no" "you" "have" "of" "or"
    "letter-a" "letter-b" "letter-c" "letter-d" "letter-e" "letter-f" "letter-g" "letter-h" "letter-i" "letter-j" "letter-k"
    "letter-l" "letter-m" "letter-n" "letter-o" "letter-p" "letter-q" "letter-r" "letter-s" "letter-t" "letter-u" "letter-v"
    "letter-w" "letter-x" "letter-y" "letter-z"
    "sorry" "leave-a-message" "goodbye" "please-wait" "not-available"
);

/// A fixed phrase stands in when the text has all of these words; the first line that fits wins.
const PHRASES: [(&[&str], &str); 6] = [
    (&["leave", "message"], "leave-a-message"),
    (&["goodbye"], "goodbye"),
    (&["bye"], "goodbye"),
    (&["wait"], "please-wait"),
    (&["hold"], "please-wait"),
    (&["not", "available"], "not-available"),
];
const LAST_RESORT: &str = "sorry";

/// What the built-in prompts can do for a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Builtin {
    pub(crate) sound: Pcm,
    /// The words are not those asked for.
    pub(crate) is_stand_in: bool,
}

/// Always answers: the very words, or the nearest phrase, at the rate wanted.
pub(crate) fn speak(text: &str, language: &str, rate: u32) -> Builtin {
    let pieces = reading::read(text, language);
    let (samples, is_stand_in) = match words(&pieces) {
        Some(samples) if !samples.is_empty() => (samples, false),
        Some(_) | None => (clip(phrase(&pieces)).unwrap_or_default(), true),
    };
    let sound = Pcm { rate: RATE, samples };
    let sound = if rate == RATE { sound } else { audio::resample(&sound, rate) };
    Builtin { sound, is_stand_in }
}

/// The text word by word, if every word is there.
fn words(pieces: &[Piece]) -> Option<Vec<i16>> {
    let mut samples = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Stop(mark) => {
                let pause = if *mark == ',' { COMMA_MS } else { SENTENCE_MS } * SAMPLES_A_MS;
                samples.resize(samples.len().saturating_add(pause), 0);
            }
            Piece::Letter(letter) => samples.append(&mut clip(&format!("letter-{}", letter.to_ascii_lowercase()))?),
            Piece::Word(word) => samples.append(&mut clip(&word.to_lowercase())?),
        }
    }
    Some(samples)
}

fn phrase(pieces: &[Piece]) -> &'static str {
    let has = |wanted: &str| {
        pieces.iter().any(|piece| match piece {
            Piece::Word(word) => word.eq_ignore_ascii_case(wanted),
            Piece::Letter(_) | Piece::Stop(_) => false,
        })
    };
    PHRASES.iter().find(|(words, _)| words.iter().all(|word| has(word))).map_or(LAST_RESORT, |(_, name)| name)
}

fn clip(name: &str) -> Option<Vec<i16>> {
    let (_, file) = CLIPS.iter().find(|(known, _)| *known == name)?;
    audio::wav::read(file).ok().map(|(_, samples)| samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clip_is_audible_eight_kilohertz_mono() {
        for (name, file) in CLIPS {
            let (wav, samples) = audio::wav::read(file).unwrap();
            assert_eq!((wav.rate, wav.channels), (RATE, 1), "{name}");
            assert!((400..40_000).contains(&samples.len()), "{name}: {}", samples.len());
            assert!(audio::level::dbfs(&samples) > -30.0, "{name}: {}", audio::level::dbfs(&samples));
        }
    }

    #[test]
    fn numbers_and_letters_are_said_exactly() {
        for text in ["1234", "Press 1.", "You have 21 new messages", "A B C", "555-0100", "press # or *"] {
            let spoken = speak(text, "en-US", 8_000);
            assert!(!spoken.is_stand_in && spoken.sound.samples.len() > 2_000, "{text}");
        }
        let parts: usize = ["one", "two"].iter().map(|name| clip(name).unwrap().len()).sum();
        assert_eq!(speak("1 2", "en-US", 8_000).sound.samples.len(), parts + SENTENCE_MS * SAMPLES_A_MS);
    }

    #[test]
    fn any_other_text_is_stood_in_for_by_the_nearest_phrase() {
        for (text, name) in [
            ("Please leave your message after the beep", "leave-a-message"),
            ("Thank you. Goodbye!", "goodbye"),
            ("Hold the line", "please-wait"),
            ("Willkommen bei uns", "sorry"),
            ("", "sorry"),
            ("\u{1F600}", "sorry"),
        ] {
            let spoken = speak(text, "en-US", 8_000);
            assert!(spoken.is_stand_in, "{text}");
            assert_eq!(spoken.sound.samples, clip(name).unwrap(), "{text}");
        }
        assert_eq!(speak("sorry", "en", 16_000).sound.rate, 16_000);
    }
}
