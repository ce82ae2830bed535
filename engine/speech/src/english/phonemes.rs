//! From misaki's phoneme alphabet to the espeak-like one Piper voices were trained on, and on to their numbers.
//!
//! Misaki writes diphthongs as one capital and leaves vowel length out; espeak writes both letters and the length.

use std::collections::BTreeMap;

/// Misaki's short spellings.
const SPELLINGS: [(char, &str); 9] = [
    ('A', "eɪ"), ('I', "aɪ"), ('O', "oʊ"), ('W', "aʊ"), ('Y', "ɔɪ"), ('ʤ', "dʒ"), ('ʧ', "tʃ"), ('T', "ɾ"), ('ᵊ', "ə"),
];
const VOWELS: &str = "aeiouæɑɔəɛɜɪʊʌɚᵻ";

/// One pronunciation in the voice's alphabet.
pub(crate) fn to_espeak(misaki: &str) -> String {
    let mut letters = String::with_capacity(misaki.len() * 2);
    for letter in misaki.chars() {
        match SPELLINGS.iter().find(|(short, _)| *short == letter) {
            Some((_, long)) => letters.push_str(long),
            None => letters.push(letter),
        }
    }
    let letters = letters.replace("ɜɹ", "ɜː").replace("əɹ", "ɚ");
    let mut out = String::with_capacity(letters.len() + 8);
    let mut is_stressed = false;
    let mut rest = letters.chars().peekable();
    while let Some(letter) = rest.next() {
        out.push(letter);
        let next = rest.peek().copied();
        let is_long = match letter {
            'u' | 'ɑ' => next != Some('ː'),
            'ɔ' => !matches!(next, Some('ː' | 'ɪ')),
            'i' => is_stressed && next != Some('ː'),
            _ => false,
        };
        if is_long {
            out.push('ː');
        }
        match letter {
            'ˈ' | 'ˌ' => is_stressed = true,
            ' ' => is_stressed = false,
            vowel if VOWELS.contains(vowel) => is_stressed = false,
            _ => {}
        }
    }
    out
}

/// A voice's phoneme numbers, from its `phoneme_id_map`.
pub(crate) struct PhonemeIds(BTreeMap<char, Vec<i32>>);

impl PhonemeIds {
    /// From the pairs of the voice's configuration; keys longer than one character are not phonemes of these voices.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, Vec<i32>)>) -> Self {
        let single = |(key, ids): (String, Vec<i32>)| {
            let mut characters = key.chars();
            characters.next().filter(|_| characters.next().is_none()).map(|character| (character, ids))
        };
        Self(pairs.into_iter().filter_map(single).collect())
    }

    /// The sequence a Piper model takes: `^`, a pad, then every phoneme followed by a pad, and `$`. Unknown phonemes are left out.
    pub(crate) fn sequence(&self, phonemes: &str) -> Vec<i32> {
        let ids = |character: char| self.0.get(&character).map(Vec::as_slice).unwrap_or_default();
        let pad = ids('_');
        let mut sequence: Vec<i32> = [ids('^'), pad].concat();
        for phoneme in phonemes.chars() {
            if !ids(phoneme).is_empty() {
                sequence.extend_from_slice(ids(phoneme));
                sequence.extend_from_slice(pad);
            }
        }
        sequence.extend_from_slice(ids('$'));
        sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misaki_becomes_espeak() {
        for (misaki, espeak) in [
            ("vˈYsmAl", "vˈɔɪsmeɪl"), ("ˈimˌAl", "ˈiːmˌeɪl"), ("dˈɑləɹ", "dˈɑːlɚ"), ("θˈɜɹɾi", "θˈɜːɾi"), ("tu", "tuː"),
            ("pɹˈis", "pɹˈiːs"), ("ʤˈʌʤ", "dʒˈʌdʒ"), ("fɔɹ", "fɔːɹ"), ("əklˈɑk", "əklˈɑːk"), ("sˈɛvᵊn", "sˈɛvən"),
        ] {
            assert_eq!(to_espeak(misaki), espeak);
        }
    }

    #[test]
    fn phonemes_are_numbered_with_pads_between() {
        let ids = PhonemeIds::new([("_", 0), ("^", 1), ("$", 2), ("a", 14), ("b", 15)].map(|(k, v)| (k.to_owned(), vec![v])));
        assert_eq!(ids.sequence("ab?"), [1, 0, 14, 0, 15, 0, 2]);
    }
}
