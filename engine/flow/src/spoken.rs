//! `spoken(value, form)`: numbers, dates and the like as the words in which people say them, so that no voice reads a telephone
//! number as millions.
//!
//! English (British, and American for `en-US`, `en-CA`) and German are spelt out; for other languages the numerals stay, apart
//! where they must be, and the voice reads them its own way.

mod english;
mod german;

use jiff::civil::{Date, Time};
use serde_json::Value as Json;
use std::time::Duration;

/// What a value can be said as, beside the currencies.
pub(crate) const FORMS: [&str; 7] = ["digits", "number", "ordinal", "telephone", "date", "time", "duration"];
/// Currencies that can be said: ISO 4217 code and digits after the point.
pub(crate) const CURRENCIES: [(&str, u32); 8] =
    [("EUR", 2), ("GBP", 2), ("USD", 2), ("CHF", 2), ("CAD", 2), ("AUD", 2), ("SEK", 2), ("JPY", 0)];

/// A language whose words are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tongue {
    British,
    American,
    German,
    /// Numerals.
    Other,
}

impl Tongue {
    fn of(language: &str) -> Self {
        let lower = language.to_ascii_lowercase();
        match lower.split(['-', '_']).next() {
            Some("en") if lower.ends_with("us") || lower.ends_with("ca") => Self::American,
            Some("en" | "") => Self::British,
            Some("de") => Self::German,
            Some(_) | None => Self::Other,
        }
    }
}

/// The words for a value. `form`: one of [`FORMS`], a currency, or `None`: by the value's look. `language`: a BCP 47 tag.
///
/// # Errors
/// What is wrong with the value or the form, for people.
pub(crate) fn spoken(value: &Json, form: Option<&str>, language: &str) -> Result<String, String> {
    let tongue = Tongue::of(language);
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Null => String::new(),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => return Err("spoken() takes a text or a number".to_owned()),
    };
    if text.chars().count() > crate::limits::SPOKEN_CHARS {
        return Err(format!("spoken() takes at most {} characters", crate::limits::SPOKEN_CHARS));
    }
    let wrong = |what: &str| format!("{text:?} is no {what}");
    match form {
        None => Ok(by_look(value, &text, tongue)),
        Some("digits") => Ok(digits(&text, tongue)),
        Some("telephone") => Ok(telephone(&text, tongue)),
        Some("number") => number(&text, tongue).ok_or_else(|| wrong("number")),
        Some("ordinal") => ordinal(&text, tongue).ok_or_else(|| wrong("whole number above 0")),
        Some("date") => date(&text, tongue).ok_or_else(|| wrong("date such as 2026-12-25")),
        Some("time") => time(&text, tongue).ok_or_else(|| wrong("time such as 14:30")),
        Some("duration") => duration(&text, tongue).ok_or_else(|| wrong("duration such as 90s, or a number of seconds")),
        Some(form) => match CURRENCIES.iter().find(|(code, _)| *code == form) {
            Some((code, places)) => money(&text, code, *places, tongue).ok_or_else(|| wrong("amount of money")),
            None => {
                let known: Vec<&str> = FORMS.into_iter().chain(CURRENCIES.map(|(code, _)| code)).collect();
                Err(format!("spoken() has no form {form:?}: take one of {}", known.join(", ")))
            }
        },
    }
}

/// A caller by its number: digits in groups, or the user part of an address as it is; `""`: somebody who hides it.
pub(crate) fn spoken_caller(number: &str, language: &str) -> String {
    let tongue = Tongue::of(language);
    match (number, tongue) {
        ("", Tongue::German) => "ein unbekannter Anrufer".to_owned(),
        ("", Tongue::British | Tongue::American | Tongue::Other) => "an unknown caller".to_owned(),
        (number, _) if number.chars().all(|c| c.is_ascii_digit() || "+ -()".contains(c)) => telephone(&number.chars().take(32).collect::<String>(), tongue),
        (user, _) => user.chars().take(64).collect(),
    }
}

/// A number as a number, a date as a date, digits one by one; other texts stay.
fn by_look(value: &Json, text: &str, tongue: Tongue) -> String {
    let is_long = |text: &str| text.len() > 9;
    if value.is_number() {
        return number(text, tongue).unwrap_or_else(|| text.to_owned());
    }
    if text.contains('-') && let Some(words) = date(text, tongue).filter(|_| text.len() == 10) {
        return words;
    }
    if text.contains(':') && let Some(words) = time(text, tongue) {
        return words;
    }
    if text.ends_with(char::is_alphabetic) && let Some(words) = duration(text, tongue) {
        return words;
    }
    let all = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || "+*# -()/".contains(c));
    match all {
        true if text.starts_with('+') || is_long(text) => telephone(text, tongue),
        true => digits(text, tongue),
        false => text.to_owned(),
    }
}

/// Digits one by one.
fn digits(text: &str, tongue: Tongue) -> String {
    let one = |c: char| match tongue {
        Tongue::British | Tongue::American => english::digit(c, tongue == Tongue::American),
        Tongue::German => german::digit(c),
        Tongue::Other => None,
    };
    let mut words: Vec<String> = Vec::new();
    let mut plain = String::new();
    for c in text.chars() {
        match (one(c), c.is_alphabetic()) {
            (Some(word), _) => {
                words.extend(Some(std::mem::take(&mut plain)).filter(|plain| !plain.is_empty()));
                words.push(word.to_owned());
            }
            (None, false) if c.is_ascii_digit() || matches!(c, '+' | '*' | '#') => words.push(c.to_string()),
            (None, true) => words.push(c.to_uppercase().collect()),
            (None, false) => {}
        }
    }
    words.join(" ")
}

/// A telephone number: the groups as written, else of three and four digits, with a breath after each.
fn telephone(text: &str, tongue: Tongue) -> String {
    let written: Vec<&str> = text.split([' ', '-', '/', '(', ')', '.']).filter(|group| !group.is_empty()).collect();
    let groups: Vec<String> = match written.as_slice() {
        [all] => {
            let (plus, rest) = all.strip_prefix('+').map_or(("", *all), |rest| ("+", rest));
            // Without a table of country codes: groups of three from the front, the last of four, three or two.
            let chars: Vec<char> = rest.chars().collect();
            let mut groups: Vec<String> = Vec::new();
            let mut left = chars.as_slice();
            while left.len() > 4 {
                let size = if left.len() == 5 { 2 } else { 3 };
                let (group, rest) = left.split_at(size);
                groups.push(group.iter().collect());
                left = rest;
            }
            groups.push(left.iter().collect());
            if let Some(first) = groups.first_mut() {
                first.insert_str(0, plus);
            }
            groups
        }
        several => several.iter().map(|group| (*group).to_owned()).collect(),
    };
    groups.iter().map(|group| digits(group, tongue)).filter(|group| !group.is_empty()).collect::<Vec<_>>().join(", ")
}

/// `-12.50` as sign, whole part and the digits after the point.
fn decimal(text: &str) -> Option<(bool, u64, &str)> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let good = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let whole: u64 = whole.parse().ok().filter(|_| good(whole))?;
    (good(fraction) && !rest.ends_with('.') && whole < 1_000_000_000_000_000).then_some((negative, whole, fraction))
}

fn number(text: &str, tongue: Tongue) -> Option<String> {
    let (negative, whole, fraction) = decimal(text)?;
    // 3.0 from a script is three.
    let fraction = if fraction.bytes().all(|b| b == b'0') { "" } else { fraction };
    let (minus, point, words) = match tongue {
        Tongue::British | Tongue::American => ("minus ", " point ", english::cardinal(whole, tongue == Tongue::British)),
        Tongue::German => ("minus ", " Komma ", german::cardinal(whole)),
        Tongue::Other => return Some(text.to_owned()),
    };
    let sign = if negative { minus } else { "" };
    let after = if fraction.is_empty() { String::new() } else { format!("{point}{}", digits(fraction, tongue)) };
    Some(format!("{sign}{words}{after}"))
}

fn ordinal(text: &str, tongue: Tongue) -> Option<String> {
    let number: u64 = text.parse().ok().filter(|number| (1..1_000_000).contains(number))?;
    Some(match tongue {
        Tongue::British | Tongue::American => english::ordinal(number, tongue == Tongue::British),
        Tongue::German => german::ordinal(number),
        Tongue::Other => format!("{number}."),
    })
}

/// `12.5` in a currency: halves of the smallest coin are rounded up.
fn money(text: &str, code: &str, places: u32, tongue: Tongue) -> Option<String> {
    let (negative, whole, fraction) = decimal(text)?;
    let scale = 10_u64.pow(places);
    let places = usize::try_from(places).unwrap_or(0);
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(places + 1).collect();
    let (coins, next) = padded.split_at(places);
    let coins = coins.parse::<u64>().unwrap_or(0) + u64::from(next >= "5");
    let (whole, coins) = (whole + coins / scale, coins % scale);
    let words = match tongue {
        Tongue::British | Tongue::American => english::money(whole, coins, code, tongue == Tongue::British),
        Tongue::German => german::money(whole, coins, code),
        Tongue::Other if places == 0 => format!("{whole} {code}"),
        Tongue::Other => format!("{whole}.{coins:0places$} {code}"),
    };
    Some(if negative { format!("minus {words}") } else { words })
}

/// `2026-12-25`; `12-25`: without a year.
fn date(text: &str, tongue: Tongue) -> Option<String> {
    let whole = text.get(..10).filter(|_| text.len() == 10 || text.as_bytes().get(10) == Some(&b'T')).unwrap_or(text);
    let (date, with_year) = match whole.parse::<Date>() {
        Ok(date) => (date, true),
        Err(_) if whole.len() == 5 => (format!("2024-{whole}").parse::<Date>().ok()?, false),
        Err(_) => return None,
    };
    Some(match tongue {
        Tongue::British | Tongue::American => english::date(date, with_year, tongue == Tongue::British),
        Tongue::German => german::date(date, with_year),
        Tongue::Other => whole.to_owned(),
    })
}

/// `14:30`, `14:30:15` (the seconds are not said).
fn time(text: &str, tongue: Tongue) -> Option<String> {
    let time: Time = text.parse().ok().filter(|_| text.contains(':'))?;
    Some(match tongue {
        Tongue::British | Tongue::American => english::time(time),
        Tongue::German => german::time(time),
        Tongue::Other => format!("{}:{:02}", time.hour(), time.minute()),
    })
}

/// `90s`, or a number of seconds.
fn duration(text: &str, tongue: Tongue) -> Option<String> {
    let span = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => terms::parse_span(text).ok()?,
    };
    let seconds = span.as_secs() + u64::from(span.subsec_millis() >= 500);
    let parts = [seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
    Some(match tongue {
        Tongue::British | Tongue::American => english::duration(parts, tongue == Tongue::British),
        Tongue::German => german::duration(parts),
        Tongue::Other => format!("{}:{:02}:{:02}", parts[0] * 24 + parts[1], parts[2], parts[3]),
    })
}

/// `a`, `a and b`, `a, b and c`.
fn joined(parts: &[String], and: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(language: &str, rows: &[(Json, &str, &str)]) {
        for (value, form, expected) in rows {
            let form = Some(*form).filter(|form| !form.is_empty());
            assert_eq!(spoken(value, form, language).as_deref(), Ok(*expected), "{value} as {form:?} in {language}");
        }
    }

    #[test]
    fn british_english() {
        table(
            "en-GB",
            &[
                (json!("0042"), "digits", "zero zero four two"),
                (json!("A1*#"), "digits", "A one star hash"),
                (json!(0), "number", "zero"),
                (json!(13), "number", "thirteen"),
                (json!(80), "number", "eighty"),
                (json!(101), "number", "one hundred and one"),
                (json!(1_234), "number", "one thousand two hundred and thirty-four"),
                (json!(1_001), "number", "one thousand and one"),
                (json!(2_000_019), "number", "two million and nineteen"),
                (json!(-7), "number", "minus seven"),
                (json!("3.14"), "number", "three point one four"),
                (json!(3.0), "number", "three"),
                (json!(1), "ordinal", "first"),
                (json!(12), "ordinal", "twelfth"),
                (json!(20), "ordinal", "twentieth"),
                (json!(21), "ordinal", "twenty-first"),
                (json!(103), "ordinal", "one hundred and third"),
                (json!("+442071838750"), "telephone", "plus four four two, zero seven one, eight three eight, seven five zero"),
                (json!("020 7183 8750"), "telephone", "zero two zero, seven one eight three, eight seven five zero"),
                (json!(12.5), "GBP", "twelve pounds and fifty pence"),
                (json!("1.01"), "GBP", "one pound and one penny"),
                (json!("0.99"), "EUR", "ninety-nine cents"),
                (json!(0), "USD", "zero dollars"),
                (json!("19.996"), "EUR", "twenty euros"),
                (json!(500), "JPY", "five hundred yen"),
                (json!("2026-12-25"), "date", "Friday the twenty-fifth of December, twenty twenty-six"),
                (json!("2005-03-01"), "date", "Tuesday the first of March, two thousand and five"),
                (json!("1905-03-01"), "date", "Wednesday the first of March, nineteen oh five"),
                (json!("12-25"), "date", "the twenty-fifth of December"),
                (json!("09:00"), "time", "nine o'clock in the morning"),
                (json!("14:05"), "time", "five past two in the afternoon"),
                (json!("14:30"), "time", "half past two in the afternoon"),
                (json!("17:45"), "time", "quarter to six in the evening"),
                (json!("08:27"), "time", "eight twenty-seven in the morning"),
                (json!("23:45"), "time", "quarter to midnight"),
                (json!("12:00"), "time", "noon"),
                (json!("00:00"), "time", "midnight"),
                (json!("00:20"), "time", "twenty past midnight"),
                (json!("90s"), "duration", "one minute and thirty seconds"),
                (json!(3_725), "duration", "one hour, two minutes and five seconds"),
                (json!("0s"), "duration", "zero seconds"),
                (json!("2d"), "duration", "two days"),
            ],
        );
    }

    #[test]
    fn american_english() {
        table(
            "en-US",
            &[
                (json!(101), "number", "one hundred one"),
                (json!("#"), "digits", "pound"),
                (json!("2026-12-25"), "date", "Friday, December twenty-fifth, twenty twenty-six"),
                (json!(12.5), "USD", "twelve dollars and fifty cents"),
            ],
        );
    }

    #[test]
    fn german() {
        table(
            "de",
            &[
                (json!("0042"), "digits", "null null vier zwei"),
                (json!(1), "number", "eins"),
                (json!(16), "number", "sechzehn"),
                (json!(21), "number", "einundzwanzig"),
                (json!(101), "number", "einhunderteins"),
                (json!(1_999), "number", "eintausendneunhundertneunundneunzig"),
                (json!(1_000_000), "number", "eine Million"),
                (json!(2_500_030), "number", "zwei Millionen fünfhunderttausenddreißig"),
                (json!("3.14"), "number", "drei Komma eins vier"),
                (json!(1), "ordinal", "erste"),
                (json!(7), "ordinal", "siebte"),
                (json!(25), "ordinal", "fünfundzwanzigste"),
                (json!(103), "ordinal", "einhundertdritte"),
                (json!(12.5), "EUR", "zwölf Euro und fünfzig Cent"),
                (json!(1), "EUR", "ein Euro"),
                (json!("1.01"), "GBP", "ein Pfund und ein Penny"),
                (json!("2026-12-25"), "date", "Freitag, der fünfundzwanzigste Dezember zweitausendsechsundzwanzig"),
                (json!("1999-05-03"), "date", "Montag, der dritte Mai neunzehnhundertneunundneunzig"),
                (json!("14:30"), "time", "vierzehn Uhr dreißig"),
                (json!("01:00"), "time", "ein Uhr"),
                (json!(3_725), "duration", "eine Stunde, zwei Minuten und fünf Sekunden"),
                (json!("+49 30 1234"), "telephone", "plus vier neun, drei null, eins zwei drei vier"),
            ],
        );
    }

    #[test]
    fn without_a_form_the_look_decides_and_other_languages_keep_numerals() {
        table(
            "en",
            &[
                (json!("481"), "", "four eight one"),
                (json!(481), "", "four hundred and eighty-one"),
                (json!("+15550100"), "", "plus one five five, five zero, one zero zero"),
                (json!("2026-12-25"), "", "Friday the twenty-fifth of December, twenty twenty-six"),
                (json!("14:30"), "", "half past two in the afternoon"),
                (json!("5m"), "", "five minutes"),
                (json!("Ann"), "", "Ann"),
                (json!(""), "", ""),
            ],
        );
        table("fr-FR", &[(json!("0042"), "digits", "0 0 4 2"), (json!(12), "number", "12"), (json!(12.5), "EUR", "12.50 EUR"), (json!("+33 1 42"), "telephone", "+ 3 3, 1, 4 2")]);
    }

    #[test]
    fn callers_are_told_by_their_number() {
        assert_eq!(spoken_caller("+15550100", "de"), "plus eins fünf fünf, fünf null, eins null null");
        assert_eq!((spoken_caller("", "en-GB").as_str(), spoken_caller("", "de").as_str()), ("an unknown caller", "ein unbekannter Anrufer"));
        assert_eq!(spoken_caller("reception", ""), "reception");
    }

    #[test]
    fn what_cannot_be_said_is_told() {
        let fails = |value: Json, form: &str| spoken(&value, Some(form), "en").unwrap_err();
        assert_eq!(fails(json!("soon"), "date"), "\"soon\" is no date such as 2026-12-25");
        assert_eq!(fails(json!(1), "roman"), "spoken() has no form \"roman\": take one of digits, number, ordinal, telephone, date, time, duration, EUR, GBP, USD, CHF, CAD, AUD, SEK, JPY");
        assert_eq!(fails(json!(true), "number"), "spoken() takes a text or a number");
        assert_eq!(fails(json!("9".repeat(300)), "number"), "spoken() takes at most 200 characters");
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_survived(text in "\\PC{0,40}", number in proptest::num::f64::ANY, whole in proptest::num::i64::ANY, form in proptest::sample::select(&["digits", "number", "ordinal", "telephone", "date", "time", "duration", "EUR", "JPY"][..]), language in proptest::sample::select(&["en", "en-US", "de", "fr", ""][..])) {
            for value in [json!(text), json!(number), json!(whole)] {
                let _ = spoken(&value, None, language);
                let _ = spoken(&value, Some(form), language);
            }
        }
    }
}
