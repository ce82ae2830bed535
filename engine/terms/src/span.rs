//! Spans of time as users write them: `800ms`, `5s`, `2m`, `1h`, `90d`.

use std::time::Duration;

/// Why a text is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write a number and a unit, such as 800ms, 5s, 2m, 1h or 90d")]
pub struct BadSpan(pub String);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// Ten years: longer than anything a telephone does, and far from overflow.
const LONGEST_MS: u64 = 3_650 * 86_400_000;

/// Reads `800ms 5s 2m 1h 90d`, with an optional decimal fraction (`1.5s`). The unit must be there; at most ten years.
///
/// # Errors
/// [`BadSpan`] for anything else.
pub fn parse_span(text: &str) -> Result<Duration, BadSpan> {
    let bad = || BadSpan(text.chars().take(40).collect());
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(bad)?;
    let (number, unit) = trimmed.split_at(split);
    let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.len() <= 12 && s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || number.ends_with('.') {
        return Err(bad());
    }
    let mut ms = whole.parse::<u64>().map_err(|_| bad())?.checked_mul(scale).ok_or_else(bad)?;
    let mut weight = scale;
    for digit in fraction.bytes() {
        weight /= 10;
        ms += u64::from(digit - b'0') * weight;
    }
    if ms > LONGEST_MS { Err(bad()) } else { Ok(Duration::from_millis(ms)) }
}

/// Writes a span in its largest whole unit: `1500ms`, `5s`, `2m`.
#[must_use]
pub fn spell_span(span: Duration) -> String {
    let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let (name, scale) =
        UNITS.iter().rev().find(|(_, scale)| ms != 0 && ms % scale == 0).copied().unwrap_or(("ms", 1));
    format!("{}{name}", ms / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_spelt() {
        for (text, ms) in [("800ms", 800), ("5s", 5_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)] {
            assert_eq!(parse_span(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s x", "1e9s", "99999999999d", "1.s", "5S"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
        assert_eq!(spell_span(Duration::from_secs(120)), "2m");
        assert_eq!(spell_span(Duration::from_millis(1_500)), "1500ms");
        assert_eq!(spell_span(Duration::ZERO), "0ms");
    }
}
