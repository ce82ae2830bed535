//! English made speakable, in three pure steps, each with its table of examples:
//!
//! text → [`reading`] (numbers, dates, money, times, abbreviations become words) → [`lexicon`] (words become phonemes;
//! what the dictionary does not have is derived or spelt) → [`phonemes`] (misaki's alphabet becomes the voice's).

pub(crate) mod lexicon;
pub(crate) mod numbers;
pub(crate) mod phonemes;
pub(crate) mod reading;
