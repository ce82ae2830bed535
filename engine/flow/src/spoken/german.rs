//! German words.

use super::joined;
use jiff::civil::{Date, Time};

const SMALL: [&str; 20] = [
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "dreizehn", "vierzehn",
    "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
];
const TENS: [&str; 10] = ["", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];
const MONTHS: [&str; 12] =
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];
const DAYS: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];

fn at<'w>(words: &'w [&'w str], index: u64) -> &'w str {
    usize::try_from(index).ok().and_then(|index| words.get(index)).copied().unwrap_or_default()
}

pub(super) fn digit(c: char) -> Option<&'static str> {
    match c {
        '+' => Some("plus"),
        '*' => Some("Stern"),
        '#' => Some("Raute"),
        c => c.to_digit(10).and_then(|digit| SMALL.get(usize::try_from(digit).ok()?)).copied(),
    }
}

/// Within a word: `ein` for one.
fn inner(number: u64) -> String {
    if number == 1 { "ein".to_owned() } else { under_million(number) }
}

fn under_million(number: u64) -> String {
    let mut words = String::new();
    let mut left = number;
    if left >= 1_000 {
        words = format!("{}tausend", inner(left / 1_000).replace("eins", "ein"));
        left %= 1_000;
    }
    if left >= 100 {
        words.push_str(&format!("{}hundert", inner(left / 100)));
        left %= 100;
    }
    match (left / 10, left % 10) {
        (0, 0) if !words.is_empty() => {}
        (0 | 1, _) => words.push_str(at(&SMALL, left)),
        (tens, 0) => words.push_str(at(&TENS, tens)),
        (tens, ones) => words.push_str(&format!("{}und{}", inner(ones), at(&TENS, tens))),
    }
    words
}

pub(super) fn cardinal(number: u64) -> String {
    const SCALES: [(u64, &str, &str); 3] =
        [(1_000_000_000_000, "Billion", "Billionen"), (1_000_000_000, "Milliarde", "Milliarden"), (1_000_000, "Million", "Millionen")];
    let mut parts: Vec<String> = Vec::new();
    let mut left = number;
    for (scale, one, many) in SCALES {
        match left / scale {
            0 => {}
            1 => parts.push(format!("eine {one}")),
            count => parts.push(format!("{} {many}", under_million(count))),
        }
        left %= scale;
    }
    if left > 0 || parts.is_empty() {
        parts.push(under_million(left));
    }
    parts.join(" ")
}

pub(super) fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let small = number % 100;
    for (one, ending, ordinal) in [(1, "eins", "erste"), (3, "drei", "dritte"), (7, "sieben", "siebte"), (8, "acht", "achte")] {
        if small == one
            && let Some(before) = words.strip_suffix(ending)
        {
            return format!("{before}{ordinal}");
        }
    }
    if (1..20).contains(&small) { format!("{words}te") } else { format!("{words}ste") }
}

pub(super) fn money(whole: u64, coins: u64, code: &str) -> String {
    // Name, its "one", the coin, its "one".
    let (name, one, coin, coins_name) = match code {
        "GBP" => ("Pfund", "ein", "Penny", "Pence"),
        "USD" => ("Dollar", "ein", "Cent", "Cent"),
        "CHF" => ("Franken", "ein", "Rappen", "Rappen"),
        "CAD" => ("kanadische Dollar", "ein", "Cent", "Cent"),
        "AUD" => ("australische Dollar", "ein", "Cent", "Cent"),
        "SEK" => ("Kronen", "eine", "Öre", "Öre"),
        "JPY" => ("Yen", "ein", "", ""),
        _ => ("Euro", "ein", "Cent", "Cent"),
    };
    let single = match code {
        "SEK" => "Krone",
        "CAD" => "kanadischer Dollar",
        "AUD" => "australischer Dollar",
        _ => name,
    };
    let notes = |count: u64| if count == 1 { format!("{one} {single}") } else { format!("{} {name}", cardinal(count)) };
    let small = |count: u64| if count == 1 { format!("ein {coin}") } else { format!("{} {coins_name}", cardinal(count)) };
    match (whole, coins) {
        (whole, 0) => notes(whole),
        (0, coins) => small(coins),
        (whole, coins) => format!("{} und {}", notes(whole), small(coins)),
    }
}

pub(super) fn date(date: Date, with_year: bool) -> String {
    let number = |value: i16| u64::try_from(value).unwrap_or(0);
    let month = at(&MONTHS, number(i16::from(date.month()) - 1));
    let day = ordinal(number(i16::from(date.day())));
    if !with_year {
        return format!("der {day} {month}");
    }
    let weekday = at(&DAYS, number(i16::from(date.weekday().to_monday_zero_offset())));
    let year = number(date.year());
    let year = match (year / 100, year % 100) {
        (century @ 11..=19, 0) => format!("{}hundert", under_million(century)),
        (century @ 11..=19, rest) => format!("{}hundert{}", under_million(century), under_million(rest)),
        _ => cardinal(year),
    };
    format!("{weekday}, der {day} {month} {year}")
}

pub(super) fn time(time: Time) -> String {
    let number = |value: i8| u64::try_from(value).unwrap_or(0);
    let hour = if time.hour() == 1 { "ein".to_owned() } else { cardinal(number(time.hour())) };
    match time.minute() {
        0 => format!("{hour} Uhr"),
        minute => format!("{hour} Uhr {}", cardinal(number(minute))),
    }
}

/// Days, hours, minutes, seconds.
pub(super) fn duration(parts: [u64; 4]) -> String {
    let names = [("ein Tag", "Tage"), ("eine Stunde", "Stunden"), ("eine Minute", "Minuten"), ("eine Sekunde", "Sekunden")];
    let said = |(count, (one, many)): (u64, (&str, &str))| if count == 1 { one.to_owned() } else { format!("{} {many}", cardinal(count)) };
    let found: Vec<String> = parts.into_iter().zip(names).filter(|(count, _)| *count > 0).map(said).collect();
    if found.is_empty() { "null Sekunden".to_owned() } else { joined(&found, "und") }
}
