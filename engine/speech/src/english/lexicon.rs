//! Words to phonemes: misaki's dictionary, then word endings, compounds, and at last the word's letters.

use super::{phonemes::to_espeak, reading::Piece};
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

/// The dictionary: some 183,000 words in one text and one sorted index (about 8 MB in memory, against 30 MB as a map).
pub(crate) struct Lexicon {
    text: String,
    /// Sorted by word.
    index: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    at: u32,
    word: u8,
    phonemes: u8,
}

/// Sentences in the voice's alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    /// Phonemes with blanks between words and the closing mark.
    pub(crate) phonemes: String,
    /// Words that had to be spelt letter by letter.
    pub(crate) spelt: Vec<String>,
}

/// Small words are said weakly inside a sentence.
const WEAK: [(&str, &str); 7] =
    [("the", "ðə"), ("a", "ə"), ("an", "ən"), ("to", "tə"), ("and", "ænd"), ("of", "ʌv"), ("for", "fɔɹ")];

/// What telephone prompts say and the dictionary does not have, and numbers clearer than the dictionary's casual `n` and
/// flaps, as misaki spells them. How to add a word: one line, in this order: word, phonemes.
const OWN: [(&str, &str); 12] = [
    ("callflow", "kˈɔlflˌO"), ("miz", "mˈɪz"), ("webhook", "wˈɛbhˌʊk"), ("twenty", "twˈɛnti"), ("thirty", "θˈɜɹti"),
    ("forty", "fˈɔɹti"), ("seventy", "sˈɛvənti"), ("eighty", "ˈAti"), ("ninety", "nˈInti"), ("hundred", "hˈʌndɹəd"),
    ("celsius", "sˈɛlsiəs"), ("voip", "vˈYp"),
];

impl Lexicon {
    /// Reads misaki's JSON texts (word → phonemes, or word → part of speech → phonemes); the first text that has a word wins.
    ///
    /// # Errors
    /// The JSON fault.
    pub(crate) fn read(texts: &[&[u8]]) -> Result<Self, serde_json::Error> {
        let mut lexicon = Self { text: String::new(), index: Vec::new() };
        for text in texts {
            let mut reader = serde_json::Deserializer::from_slice(text);
            reader.deserialize_map(Filling(&mut lexicon))?;
        }
        // Stable: of equal words the one read first stays first, and is the one kept.
        let Self { text, index } = &mut lexicon;
        index.sort_by(|a, b| word_of(text, *a).cmp(word_of(text, *b)));
        index.dedup_by(|later, earlier| word_of(text, *later) == word_of(text, *earlier));
        index.shrink_to_fit();
        text.shrink_to_fit();
        Ok(lexicon)
    }

    fn add(&mut self, word: &str, phonemes: &str) {
        let sizes = (u32::try_from(self.text.len()), u8::try_from(word.len()), u8::try_from(phonemes.len()));
        if let (Ok(at), Ok(word_bytes), Ok(phoneme_bytes)) = sizes {
            self.text.push_str(word);
            self.text.push_str(phonemes);
            self.index.push(Entry { at, word: word_bytes, phonemes: phoneme_bytes });
        }
    }

    /// Exactly this spelling.
    fn exact(&self, word: &str) -> Option<&str> {
        if let Some((_, phonemes)) = OWN.iter().find(|(own, _)| *own == word) {
            return Some(phonemes);
        }
        let found = self.index.binary_search_by(|entry| word_of(&self.text, *entry).cmp(word)).ok()?;
        let entry = self.index.get(found)?;
        let from = usize::try_from(entry.at).ok()? + usize::from(entry.word);
        self.text.get(from..from + usize::from(entry.phonemes))
    }

    /// As written, in lower case, or with a capital.
    fn known(&self, word: &str) -> Option<&str> {
        self.exact(word)
            .or_else(|| self.exact(&word.to_lowercase()))
            .or_else(|| self.exact(&capitalised(&word.to_lowercase())))
    }

    /// The phonemes of a word in misaki's alphabet, derived if need be; `None` when only spelling is left.
    fn pronounce(&self, word: &str) -> Option<String> {
        self.known(word)
            .map(str::to_owned)
            .or_else(|| self.contracted(word))
            .or_else(|| self.with_ending(&word.to_lowercase()))
            .or_else(|| self.hyphenated(word))
            .or_else(|| self.compound(&word.to_lowercase()))
    }

    /// `Ann's`, `customers'`, `they'll`, `somebody'd`.
    fn contracted(&self, word: &str) -> Option<String> {
        let (stem, ending) = word.split_once('\'')?;
        let base = self.pronounce_plain(stem)?;
        Some(match ending.to_lowercase().as_str() {
            "s" => plural(&base),
            "" => base,
            "ll" => base + "əl",
            "d" => base + "d",
            "ve" => base + "əv",
            "re" => base + "əɹ",
            "m" => base + "m",
            _ => return None,
        })
    }

    fn pronounce_plain(&self, word: &str) -> Option<String> {
        self.known(word).map(str::to_owned).or_else(|| self.with_ending(&word.to_lowercase())).or_else(|| self.compound(&word.to_lowercase()))
    }

    /// Stems with `-s -es -ies`, `-ed`, `-ing`, `-er`, `-ly`, `-ness`, `-less`, `un-`, `re-`.
    fn with_ending(&self, word: &str) -> Option<String> {
        let stem = |suffix: &str, instead: &str| -> Option<String> {
            let stem = word.strip_suffix(suffix).filter(|stem| stem.chars().count() >= 2)?;
            self.known(&format!("{stem}{instead}")).map(str::to_owned)
        };
        // "stopped", "planning": the doubled consonant goes.
        let undoubled = |suffix: &str| -> Option<String> {
            let stem = word.strip_suffix(suffix)?;
            let mut letters = stem.chars().rev();
            let (last, before) = (letters.next()?, letters.next()?);
            let single = stem.strip_suffix(last).filter(|_| last == before)?;
            self.known(single).map(str::to_owned)
        };
        if let Some(base) = stem("s", "").or_else(|| stem("es", "")).or_else(|| stem("ies", "y")) {
            return Some(plural(&base));
        }
        if let Some(base) = stem("ed", "").or_else(|| stem("ed", "e")).or_else(|| stem("ied", "y")).or_else(|| undoubled("ed")) {
            return Some(past(&base));
        }
        if let Some(base) = stem("ing", "").or_else(|| stem("ing", "e")).or_else(|| undoubled("ing")) {
            return Some(base + "ɪŋ");
        }
        if let Some(base) = stem("er", "").or_else(|| stem("er", "e")).or_else(|| undoubled("er")) {
            return Some(base + "əɹ");
        }
        for (suffix, phonemes) in [("ly", "li"), ("ness", "nəs"), ("less", "ləs"), ("ment", "mənt"), ("able", "əbᵊl")] {
            if let Some(base) = stem(suffix, "") {
                return Some(base + phonemes);
            }
        }
        for (prefix, phonemes) in [("un", "ˌʌn"), ("re", "ɹi"), ("pre", "pɹi"), ("non", "nɑn"), ("multi", "mˈʌlti")] {
            let known = word.strip_prefix(prefix).filter(|rest| rest.len() >= 3).and_then(|rest| self.known(rest));
            if let Some(base) = known {
                return Some(format!("{phonemes}{base}"));
            }
        }
        None
    }

    /// `re-order`, `built-in`: part by part.
    fn hyphenated(&self, word: &str) -> Option<String> {
        if !word.contains('-') {
            return None;
        }
        let parts: Option<Vec<String>> = word
            .split('-')
            .filter(|part| !part.is_empty())
            .map(|part| self.pronounce_plain(part).or_else(|| self.letters(part)))
            .collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" "))
    }

    /// Two known words written as one, each of three letters and more; the cut with the longest shorter half wins.
    fn compound(&self, word: &str) -> Option<String> {
        let cuts = word.char_indices().map(|(at, _)| at).filter(|at| (3..=word.len().saturating_sub(3)).contains(at));
        let halves = cuts.filter_map(|at| {
            let (head, tail) = (word.get(..at)?, word.get(at..)?);
            let tail_spoken = self.exact(tail).map(str::to_owned).or_else(|| self.with_ending(tail))?;
            Some((at.min(word.len() - at), format!("{}{}", self.exact(head)?, tail_spoken.replace('ˈ', "ˌ"))))
        });
        halves.max_by_key(|(shorter, _)| *shorter).map(|(_, phonemes)| phonemes)
    }

    /// Every letter by its name; a final small `s` after capitals (`PINs`) is a plural.
    fn letters(&self, word: &str) -> Option<String> {
        let (stem, is_plural) = match word.strip_suffix('s') {
            Some(stem) if stem.chars().count() > 1 && stem.chars().all(char::is_uppercase) => (stem, true),
            _ => (word, false),
        };
        let names: Vec<String> = stem.chars().filter_map(|letter| self.letter(letter)).collect();
        let spelt = names.join(" ");
        if spelt.is_empty() { None } else { Some(if is_plural { plural(&spelt) } else { spelt }) }
    }

    fn letter(&self, letter: char) -> Option<String> {
        if letter.eq_ignore_ascii_case(&'a') {
            return Some("ˈA".to_owned());
        }
        self.exact(&letter.to_uppercase().to_string()).map(str::to_owned)
    }

    /// Pieces to sentences, each a text of phonemes that the voice takes in one run.
    pub(crate) fn spell(&self, pieces: &[Piece]) -> Vec<Spelling> {
        let mut sentences = Vec::new();
        let mut sentence = Spelling { phonemes: String::new(), spelt: Vec::new() };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Stop(mark) => {
                    let trimmed = sentence.phonemes.trim_end().len();
                    sentence.phonemes.truncate(trimmed);
                    sentence.phonemes.push(*mark);
                    if matches!(mark, '.' | '?' | '!') {
                        sentences.push(std::mem::replace(&mut sentence, Spelling { phonemes: String::new(), spelt: Vec::new() }));
                    } else {
                        sentence.phonemes.push(' ');
                    }
                }
                Piece::Letter(letter) => {
                    if let Some(phonemes) = self.letter(*letter) {
                        sentence.phonemes.push_str(&to_espeak(&phonemes));
                        sentence.phonemes.push(' ');
                    }
                }
                Piece::Word(word) => {
                    let phonemes = self.word(word, pieces.get(at + 1), &mut sentence.spelt);
                    sentence.phonemes.push_str(&to_espeak(&phonemes));
                    sentence.phonemes.push(' ');
                }
            }
        }
        if !sentence.phonemes.trim().is_empty() {
            sentences.push(sentence);
        }
        sentences.retain(|sentence| sentence.phonemes.chars().any(char::is_alphabetic));
        sentences
    }

    fn word(&self, word: &str, next: Option<&Piece>, spelt: &mut Vec<String>) -> String {
        let lower = word.to_lowercase();
        if lower == "the" && self.begins_with_vowel(next) {
            return "ði".to_owned();
        }
        // At the end of a phrase small words are said in full.
        let is_inside = matches!(next, Some(Piece::Word(_) | Piece::Letter(_)));
        if let Some((_, weak)) = WEAK.iter().find(|(small, _)| *small == lower)
            && is_inside
        {
            return (*weak).to_owned();
        }
        if is_abbreviation(word) && self.exact(word).is_none() && !self.is_sayable(&lower) {
            return self.letters(word).unwrap_or_default();
        }
        self.pronounce(word).unwrap_or_else(|| {
            spelt.push(word.to_owned());
            self.letters(word).unwrap_or_default()
        })
    }

    /// Capitals that make a word of three letters and more are said as one (`PIN`, `SIP`), others letter by letter (`IVR`).
    fn is_sayable(&self, lower: &str) -> bool {
        lower.chars().count() >= 3 && self.exact(lower).is_some()
    }

    fn begins_with_vowel(&self, next: Option<&Piece>) -> bool {
        let phonemes = match next {
            Some(Piece::Word(word)) => self.pronounce(word),
            Some(Piece::Letter(letter)) => self.letter(*letter),
            Some(Piece::Stop(_)) | None => None,
        };
        phonemes.is_some_and(|phonemes| phonemes.trim_start_matches(['ˈ', 'ˌ']).starts_with(|c| "AIOWYaeiouæɑɔəɛɜɪʊʌᵻ".contains(c)))
    }
}

fn word_of(text: &str, entry: Entry) -> &str {
    usize::try_from(entry.at).ok().and_then(|at| text.get(at..at + usize::from(entry.word))).unwrap_or("")
}

fn capitalised(lower: &str) -> String {
    let mut letters = lower.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn is_abbreviation(word: &str) -> bool {
    let capitals = word.strip_suffix('s').filter(|stem| stem.len() > 1).unwrap_or(word);
    capitals.chars().count() > 1 && capitals.chars().all(char::is_uppercase)
}

/// `-s` after its neighbour: cats, dogs, buses.
fn plural(base: &str) -> String {
    let ending = match base.chars().last() {
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
        _ => "z",
    };
    format!("{base}{ending}")
}

/// `-ed` after its neighbour: stopped, called, waited.
fn past(base: &str) -> String {
    let ending = match base.chars().last() {
        Some('p' | 'k' | 'f' | 'θ' | 's' | 'ʃ' | 'ʧ') => "t",
        Some('t' | 'd') => "ᵻd",
        _ => "d",
    };
    format!("{base}{ending}")
}

/// Reads the dictionary entry by entry, without holding it as JSON.
struct Filling<'a>(&'a mut Lexicon);

impl<'de> Visitor<'de> for Filling<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of words")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((word, value)) = map.next_entry::<String, serde_json::Value>()? {
            let phonemes = match &value {
                serde_json::Value::String(phonemes) => Some(phonemes.as_str()),
                serde_json::Value::Object(by_role) => by_role
                    .get("DEFAULT")
                    .and_then(serde_json::Value::as_str)
                    .or_else(|| by_role.values().find_map(serde_json::Value::as_str)),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Number(_)
                | serde_json::Value::Array(_) => None,
            };
            if let Some(phonemes) = phonemes {
                self.0.add(&word, phonemes);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::english::reading;

    const GOLD: &str = r#"{"A":"ˈA","B":"bˈi","I":"ˈI","P":"pˈi","R":"ˈɑɹ","V":"vˈi","X":"ˈɛks","a":"A","call":"kˈɔl","center":"sˈɛntəɹ",
        "press":"pɹˈɛs","one":"wˈʌn","stop":"stˈɑp","wait":"wˈAt","hope":"hˈOp","box":"bˈɑks","bus":"bˈʌs","cry":"kɹˈI","office":"ˈɔfəs",
        "the":"ði","to":"tu","order":"ˈɔɹdəɹ","happy":"hˈæpi","pin":"pˈɪn","read":{"VBD":"ɹˈɛd","DEFAULT":"ɹˈid"},"John":"ʤˈɑn","am":"æm"}"#;
    const SILVER: &str = r#"{"press":"WRONG","tomatoes":"təmˈAɾOz","list":"lˈɪst"}"#;

    fn lexicon() -> Lexicon {
        Lexicon::read(&[GOLD.as_bytes(), SILVER.as_bytes()]).unwrap()
    }

    #[test]
    fn words_are_looked_up_derived_or_spelt() {
        let lexicon = lexicon();
        for (word, phonemes) in [
            ("press", "pɹˈɛs"), ("Press", "pɹˈɛs"), ("read", "ɹˈid"), ("john", "ʤˈɑn"), ("calls", "kˈɔlz"), ("stops", "stˈɑps"),
            ("buses", "bˈʌsᵻz"), ("boxes", "bˈɑksᵻz"), ("cries", "kɹˈIz"), ("stopped", "stˈɑpt"), ("waited", "wˈAtᵻd"),
            ("called", "kˈɔld"), ("hoped", "hˈOpt"), ("hoping", "hˈOpɪŋ"), ("stopping", "stˈɑpɪŋ"), ("John's", "ʤˈɑnz"),
            ("calls'", "kˈɔlz"), ("unhappy", "ˌʌnhˈæpi"), ("call-center", "kˈɔl sˈɛntəɹ"), ("callcenter", "kˈɔlsˌɛntəɹ"), ("tomatoes", "təmˈAɾOz"),
        ] {
            assert_eq!(lexicon.pronounce(word).as_deref(), Some(phonemes), "{word}");
        }
        assert_eq!(lexicon.pronounce("xqvb"), None);
        assert_eq!(lexicon.letters("IVRs").as_deref(), Some("ˈI vˈi ˈɑɹz"));
    }

    #[test]
    fn sentences_are_spelt_in_the_voices_alphabet() {
        let lexicon = lexicon();
        let sentences = lexicon.spell(&reading::read("Press the office PIN, IVR. XB?", "en-US"));
        let phonemes: Vec<&str> = sentences.iter().map(|s| s.phonemes.as_str()).collect();
        assert_eq!(phonemes, ["pɹˈɛs ði ˈɔːfəs pˈɪn, ˈaɪ vˈiː ˈɑːɹ.", "ˈɛks bˈiː?"]);
        let unknown = lexicon.spell(&reading::read("press bvx now", "en-US"));
        assert_eq!(unknown.first().map(|s| s.spelt.clone()), Some(vec!["bvx".to_owned(), "now".to_owned()]));
    }
}
