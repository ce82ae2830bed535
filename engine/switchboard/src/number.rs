//! Telephone numbers as people dial them, brought to E.164 (`+` and 4–15 digits).

use std::{fmt, str::FromStr};

/// Digits of an E.164 number (ITU-T E.164: at most 15; the shortest kept here is chosen: 4).
const DIGITS: std::ops::RangeInclusive<usize> = 4..=15;

/// A number in E.164: `+` and 4–15 digits, the first not 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(String);

/// Why a text is no E.164 number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an international number such as +442071838750")]
pub struct BadNumber(pub String);

impl E164 {
    /// The number with its `+`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a caller dialled, as a number: `+44 (20) 7183-8750`, `00442071838750` and the bare `442071838750` are one.
    /// `None` when it is no number at all (a user name, a short code, an extension).
    #[must_use]
    pub fn dialled(text: &str) -> Option<Self> {
        let bare = digits_of(text)?;
        let digits = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")).unwrap_or(&bare);
        (DIGITS.contains(&digits.len()) && !digits.starts_with('0')).then(|| Self(format!("+{digits}")))
    }
}

/// Digits with an optional leading `+`, visual separators (RFC 3966 §5.1.1) and spaces dropped; `None` if anything else is there.
fn digits_of(text: &str) -> Option<String> {
    if text.len() > 40 {
        return None;
    }
    let mut out = String::with_capacity(16);
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' if out.is_empty() => out.push(c),
            ' ' | '-' | '.' | '(' | ')' if !out.is_empty() || c == '(' => {}
            _ => return None,
        }
    }
    Some(out)
}

impl FromStr for E164 {
    type Err = BadNumber;
    /// Configuration must say the `+`; only separators are forgiven.
    fn from_str(text: &str) -> Result<Self, BadNumber> {
        let bad = || BadNumber(text.chars().take(40).collect());
        if !text.trim_start().starts_with('+') {
            return Err(bad());
        }
        Self::dialled(text.trim()).ok_or_else(bad)
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_the_ways_people_dial_it() {
        for text in ["+442071838750", "00442071838750", "442071838750", "+44 (20) 7183-8750", "+44.20.7183.8750"] {
            assert_eq!(E164::dialled(text).map(|n| n.to_string()).as_deref(), Some("+442071838750"), "{text}");
        }
        for text in ["", "+", "alice", "123", "+0123456", "0123456", "+44207183875011111", "44+20", "+44;x", "442x", "++44207", "-44207"] {
            assert_eq!(E164::dialled(text), None, "{text}");
        }
        assert!("442071838750".parse::<E164>().is_err(), "a number in the configuration says its +");
        assert_eq!("+1 555 0100".parse::<E164>().unwrap().as_str(), "+15550100");
    }

    proptest::proptest! {
        #[test]
        fn a_number_dialled_as_written_is_itself(digits in "[1-9][0-9]{3,14}") {
            let number: E164 = format!("+{digits}").parse().unwrap();
            proptest::prop_assert_eq!(E164::dialled(number.as_str()), Some(number));
        }
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = E164::dialled(&text);
        }
    }
}
