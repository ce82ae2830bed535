//! The built-in prompts of last resort: with no model, no program and no server a caller still hears something.
//!
//! Some 150 short clips (8 kHz, 2 MB) are part of the program. A text made only of their words and sentences — digits,
//! numbers, times, dates, letters, "press … for", what a mailbox says — is put together from them and is exactly what was asked.
//! In any other text a few unknown words are spelt, or the nearest fixed phrase stands in for it.
//! How to add a word or a sentence: a line in `prompts/system/render.sh`, run it, and the word here.

use crate::english::reading::{self, Piece};
use audio::Pcm;
use std::sync::LazyLock;

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
const CLIPS: [(&str, &[u8]); 147] = clips!(
    "zero" "one" "two" "three" "four" "five" "six" "seven" "eight" "nine" "ten" "eleven" "twelve" "thirteen" "fourteen"
    "fifteen" "sixteen" "seventeen" "eighteen" "nineteen" "twenty" "thirty" "forty" "fifty" "sixty" "seventy" "eighty"
    "ninety" "hundred" "thousand" "million" "point" "minus" "plus" "oh" "percent" "press" "for" "to" "and" "star" "pound"
    "hash" "new" "old" "message" "messages" "from" "at" "no" "you" "have" "of" "or"
    "today" "yesterday" "received" "on" "unknown" "caller" "an"
    "january" "february" "march" "april" "may" "june" "july" "august" "september" "october" "november" "december"
    "first" "second" "third" "fourth" "fifth" "sixth" "seventh" "eighth" "ninth" "tenth" "eleventh" "twelfth" "thirteenth"
    "fourteenth" "fifteenth" "sixteenth" "seventeenth" "eighteenth" "nineteenth" "twentieth" "thirtieth"
    "letter-a" "letter-b" "letter-c" "letter-d" "letter-e" "letter-f" "letter-g" "letter-h" "letter-i" "letter-j" "letter-k"
    "letter-l" "letter-m" "letter-n" "letter-o" "letter-p" "letter-q" "letter-r" "letter-s" "letter-t" "letter-u" "letter-v"
    "letter-w" "letter-x" "letter-y" "letter-z"
    "enter-pin" "wrong-pin" "locked" "mailbox-choices" "mailbox-help" "message-saved" "message-deleted" "did-not-work"
    "no-more-messages" "no-earlier-messages" "not-a-choice" "cannot-be-opened" "something-went-wrong"
    "sorry" "leave-a-message" "goodbye" "please-wait" "not-available"
    "muted" "unmuted" "say-your-name" "has-joined" "has-left" "next-caller" "you-are-number" "in-the-queue" "parked-at"
);

/// Whole sentences, or the beginning or end of one, each a clip of its own.
const SENTENCES: [(&str, &str); 27] = [
    ("enter-pin", "Please enter your pin, followed by the pound key."),
    ("wrong-pin", "That pin is not right."),
    ("locked", "This mailbox is locked. Please try again later."),
    (
        "mailbox-choices",
        "To hear this message again, press 1. To save it, press 2. To delete it, press 3. For more choices, press 0.",
    ),
    (
        "mailbox-help",
        "Press 1 to hear this message. Press 2 to save it. Press 3 to delete it. Press 4 for the previous message. \
         Press 5 for the time and caller. Press 6 for the next message. Press 7 to go back, or 9 to go forward. Press star to leave.",
    ),
    ("message-saved", "Message saved."),
    ("message-deleted", "Message deleted."),
    ("did-not-work", "I am sorry. That did not work."),
    ("no-more-messages", "There are no more messages."),
    ("no-earlier-messages", "There are no earlier messages."),
    ("not-a-choice", "That is not one of the choices."),
    ("cannot-be-opened", "This mailbox cannot be opened from here."),
    ("something-went-wrong", "We are sorry, something went wrong."),
    ("sorry", "I am sorry. This message cannot be played right now."),
    ("leave-a-message", "Please leave a message after the tone."),
    ("goodbye", "Goodbye."),
    ("please-wait", "Please wait."),
    ("not-available", "The person you are calling is not available."),
    ("muted", "You are muted."),
    ("unmuted", "You can be heard again."),
    ("say-your-name", "After the tone, please say your name, then press the pound key."),
    ("has-joined", "has joined."),
    ("has-left", "has left."),
    ("next-caller", "You are the next caller."),
    ("you-are-number", "You are number"),
    ("in-the-queue", "in the queue."),
    ("parked-at", "Your call is parked at"),
];
/// Letters of all unknown words of a text that are spelt at most: more would be a lecture.
const SPELT_LETTERS_MAX: usize = 40;

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

/// A text as the built-in prompts say it (mono, 8 kHz): its very words, or the nearest phrase.
#[must_use]
pub fn builtin(text: &str) -> Pcm {
    speak(text, "en-US", RATE).sound
}

/// Whether the built-in prompts have every word of a text.
#[must_use]
pub fn is_builtin(text: &str) -> bool {
    !speak(text, "en-US", RATE).is_stand_in
}

/// Always answers: the very words, most of them with the rest spelt, or the nearest phrase, at the rate wanted.
pub(crate) fn speak(text: &str, language: &str, rate: u32) -> Builtin {
    let pieces = reading::read(text, language);
    let assembled = assemble(&pieces);
    let is_exact = assembled.known > 0 && assembled.unknown == 0;
    let is_mostly_known = assembled.known >= assembled.unknown && assembled.unknown > 0 && assembled.spelt <= SPELT_LETTERS_MAX;
    let samples = match phrase(&pieces) {
        _ if is_exact => assembled.samples,
        // Keys are offered: they are worth more than any phrase.
        _ if is_mostly_known && has(&pieces, "press") => assembled.samples,
        Some(phrase) => clip(phrase).unwrap_or_default(),
        None if is_mostly_known => assembled.samples,
        None => clip(LAST_RESORT).unwrap_or_default(),
    };
    let sound = Pcm { rate: RATE, samples };
    let sound = if rate == RATE { sound } else { audio::resample(&sound, rate) };
    Builtin { sound, is_stand_in: !is_exact }
}

/// A text put together from clips.
#[derive(Default)]
struct Assembled {
    samples: Vec<i16>,
    /// Pieces that have a clip.
    known: usize,
    /// Words that have none: they are spelt.
    unknown: usize,
    /// Their letters.
    spelt: usize,
}

fn assemble(pieces: &[Piece]) -> Assembled {
    let mut all = Assembled::default();
    let mut rest = pieces;
    while let Some((first, after)) = rest.split_first() {
        if let Some((name, length)) = sentence(rest) {
            all.samples.append(&mut clip(name).unwrap_or_default());
            all.known += length;
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        rest = after;
        match first {
            Piece::Stop(mark) => {
                let pause = if *mark == ',' { COMMA_MS } else { SENTENCE_MS } * SAMPLES_A_MS;
                all.samples.resize(all.samples.len().saturating_add(pause), 0);
            }
            Piece::Letter(letter) => all.word(&format!("letter-{}", letter.to_ascii_lowercase())),
            Piece::Word(word) => all.word(&word.to_lowercase()),
        }
    }
    all
}

impl Assembled {
    fn word(&mut self, word: &str) {
        if let Some(mut samples) = clip(word) {
            self.samples.append(&mut samples);
            self.known += 1;
            return;
        }
        self.unknown += 1;
        for letter in word.chars().filter(char::is_ascii_alphabetic) {
            self.samples.append(&mut clip(&format!("letter-{}", letter.to_ascii_lowercase())).unwrap_or_default());
            self.spelt += 1;
        }
    }
}

/// The sentence that a text begins with, and how many pieces it takes: the pause after it stays.
fn sentence(pieces: &[Piece]) -> Option<(&'static str, usize)> {
    static READ: LazyLock<Vec<(&str, Vec<Piece>)>> = LazyLock::new(|| {
        let mut all: Vec<_> = SENTENCES.iter().map(|(name, text)| (*name, without_end(reading::read(text, "en-US")))).collect();
        all.sort_by_key(|(_, pieces)| std::cmp::Reverse(pieces.len()));
        all
    });
    let begins = |wanted: &[Piece]| pieces.len() >= wanted.len() && pieces.iter().zip(wanted).all(|(is, wanted)| is_same(is, wanted));
    READ.iter().find(|(_, wanted)| begins(wanted)).map(|(name, wanted)| (*name, wanted.len()))
}

fn without_end(mut pieces: Vec<Piece>) -> Vec<Piece> {
    while matches!(pieces.last(), Some(Piece::Stop(_))) {
        pieces.pop();
    }
    pieces
}

fn is_same(a: &Piece, b: &Piece) -> bool {
    match (a, b) {
        (Piece::Word(a), Piece::Word(b)) => a.eq_ignore_ascii_case(b),
        (Piece::Stop(_), Piece::Stop(_)) => true,
        (Piece::Letter(a), Piece::Letter(b)) => a == b,
        (Piece::Word(_) | Piece::Letter(_) | Piece::Stop(_), _) => false,
    }
}

fn has(pieces: &[Piece], wanted: &str) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Word(word) => word.eq_ignore_ascii_case(wanted),
        Piece::Letter(_) | Piece::Stop(_) => false,
    })
}

fn phrase(pieces: &[Piece]) -> Option<&'static str> {
    PHRASES.iter().find(|(words, _)| words.iter().all(|word| has(pieces, word))).map(|(_, name)| *name)
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
            assert!((400..140_000).contains(&samples.len()), "{name}: {}", samples.len());
            assert!(audio::level::dbfs(&samples) > -30.0, "{name}: {}", audio::level::dbfs(&samples));
        }
    }

    #[test]
    fn numbers_and_letters_are_said_exactly() {
        for text in ["1234", "Press 1.", "You have 21 new messages", "A B C", "555-0100", "press # or *", "Received on November 22nd at 9:05 AM.", "Message 2. From plus 4 4 2 0."] {
            let spoken = speak(text, "en-US", 8_000);
            assert!(!spoken.is_stand_in && spoken.sound.samples.len() > 2_000, "{text}");
        }
        let parts: usize = ["one", "two"].iter().map(|name| clip(name).unwrap().len()).sum();
        assert_eq!(speak("1 2", "en-US", 8_000).sound.samples.len(), parts + SENTENCE_MS * SAMPLES_A_MS);
    }

    #[test]
    fn sentences_are_clips_of_their_own_also_within_a_text() {
        for (name, text) in SENTENCES {
            let spoken = speak(text, "en-US", 8_000);
            let pause = SENTENCE_MS * SAMPLES_A_MS;
            assert!(!spoken.is_stand_in, "{text}");
            assert_eq!(spoken.sound.samples.len(), clip(name).unwrap().len() + pause, "{text}");
        }
        let both = speak("That pin is not right. Please enter your pin, followed by the pound key.", "en-US", 8_000);
        assert!(!both.is_stand_in && both.sound.samples.len() > clip("enter-pin").unwrap().len() + clip("wrong-pin").unwrap().len());
    }

    #[test]
    fn a_few_unknown_words_are_spelt_and_keys_are_always_told() {
        let menu = speak("For sales press 1, for support press 2.", "en-US", 8_000);
        let spelt: usize = "salessupport".chars().map(|c| clip(&format!("letter-{c}")).unwrap().len()).sum();
        assert!(menu.is_stand_in && menu.sound.samples.len() > spelt + clip("press").unwrap().len() * 2);
        let caller = speak("Message 1. From Ada.", "en-US", 8_000);
        assert!(caller.is_stand_in && caller.sound.samples.len() > clip("letter-d").unwrap().len() + clip("message").unwrap().len());
        assert_ne!(speak("To hold press 1", "en", 8_000).sound.samples, clip("please-wait").unwrap(), "keys are worth more than a phrase");
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
