//! The sixteen keys of a telephone.

use std::fmt;

/// One DTMF key: `0`–`9`, `*`, `#`, `A`–`D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digit(u8);

/// A character that is on no telephone key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADigit(pub char);

impl Digit {
    const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

    /// The key of an RFC 4733 event code (0–15); other events are not keys.
    #[must_use]
    pub const fn from_event(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// The RFC 4733 §3.2 event code, 0–15.
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The key as printed: `'0'..='9'`, `'*'`, `'#'`, `'A'..='D'`.
    #[must_use]
    pub fn as_char(self) -> char {
        Self::KEYS[usize::from(self.0 & 15)]
    }
}

impl TryFrom<char> for Digit {
    type Error = NotADigit;
    fn try_from(key: char) -> Result<Self, NotADigit> {
        let upper = key.to_ascii_uppercase();
        Self::KEYS
            .iter()
            .position(|k| *k == upper)
            .and_then(|at| u8::try_from(at).ok())
            .map(Self)
            .ok_or(NotADigit(key))
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Display for NotADigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a telephone key (0-9 * # A-D)", self.0)
    }
}
impl std::error::Error for NotADigit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_the_way_there_and_back() {
        for code in 0..16 {
            let digit = Digit::from_event(code).unwrap();
            assert_eq!(Digit::try_from(digit.as_char()).unwrap(), digit);
            assert_eq!(digit.event(), code);
        }
        assert_eq!(Digit::from_event(16), None);
        assert_eq!(Digit::try_from('x'), Err(NotADigit('x')));
        assert_eq!(Digit::try_from('b').unwrap().as_char(), 'B');
    }
}
