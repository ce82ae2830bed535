//! English words.

use super::joined;
use jiff::civil::{Date, Time};

const SMALL: [&str; 20] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 4] = [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn at<'w>(words: &'w [&'w str], index: u64) -> &'w str {
    usize::try_from(index).ok().and_then(|index| words.get(index)).copied().unwrap_or_default()
}

pub(super) fn digit(c: char, american: bool) -> Option<&'static str> {
    match c {
        '+' => Some("plus"),
        '*' => Some("star"),
        '#' => Some(if american { "pound" } else { "hash" }),
        c => c.to_digit(10).and_then(|digit| SMALL.get(usize::try_from(digit).ok()?)).copied(),
    }
}

fn under_hundred(number: u64) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => at(&SMALL, number).to_owned(),
        (tens, 0) => at(&TENS, tens).to_owned(),
        (tens, ones) => format!("{}-{}", at(&TENS, tens), at(&SMALL, ones)),
    }
}

/// `and`: whether "and" stands before the last two digits.
pub(super) fn cardinal(number: u64, and: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut left = number;
    for (scale, name) in SCALES {
        if left >= scale {
            parts.push(format!("{} {name}", cardinal(left / scale, and)));
            left %= scale;
        }
    }
    if left >= 100 {
        parts.push(format!("{} hundred", at(&SMALL, left / 100)));
        left %= 100;
    }
    if left > 0 || parts.is_empty() {
        if and && !parts.is_empty() {
            parts.push("and".to_owned());
        }
        parts.push(under_hundred(left));
    }
    parts.join(" ")
}

pub(super) fn ordinal(number: u64, and: bool) -> String {
    let words = cardinal(number, and);
    let cut = words.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (before, last) = words.split_at(cut);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    format!("{before}{last}")
}

pub(super) fn money(whole: u64, coins: u64, code: &str, and: bool) -> String {
    let (one, many, coin, all_coins) = match code {
        "GBP" => ("pound", "pounds", "penny", "pence"),
        "EUR" => ("euro", "euros", "cent", "cents"),
        "CHF" => ("franc", "francs", "centime", "centimes"),
        "CAD" => ("Canadian dollar", "Canadian dollars", "cent", "cents"),
        "AUD" => ("Australian dollar", "Australian dollars", "cent", "cents"),
        "SEK" => ("krona", "kronor", "öre", "öre"),
        "JPY" => ("yen", "yen", "", ""),
        _ => ("dollar", "dollars", "cent", "cents"),
    };
    let said = |number: u64, one: &str, many: &str| format!("{} {}", cardinal(number, and), if number == 1 { one } else { many });
    match (whole, coins) {
        (whole, 0) => said(whole, one, many),
        (0, coins) => said(coins, coin, all_coins),
        (whole, coins) => format!("{} and {}", said(whole, one, many), said(coins, coin, all_coins)),
    }
}

fn year(year: u64, and: bool) -> String {
    match (year / 100, year % 100) {
        (century, rest) if year < 1_100 || (2_000..2_010).contains(&year) || (century % 10 == 0 && rest == 0) => cardinal(year, and),
        (century, 0) => format!("{} hundred", under_hundred(century)),
        (century, rest @ 1..=9) => format!("{} oh {}", under_hundred(century), under_hundred(rest)),
        (century, rest) => format!("{} {}", under_hundred(century), under_hundred(rest)),
    }
}

pub(super) fn date(date: Date, with_year: bool, british: bool) -> String {
    let number = |value: i16| u64::try_from(value).unwrap_or(0);
    let month = at(&MONTHS, number(i16::from(date.month()) - 1));
    let day = ordinal(number(i16::from(date.day())), british);
    if !with_year {
        return if british { format!("the {day} of {month}") } else { format!("{month} {day}") };
    }
    let weekday = at(&DAYS, number(i16::from(date.weekday().to_monday_zero_offset())));
    let year = year(number(date.year()), british);
    if british { format!("{weekday} the {day} of {month}, {year}") } else { format!("{weekday}, {month} {day}, {year}") }
}

pub(super) fn time(time: Time) -> String {
    let number = |value: i8| u64::try_from(value).unwrap_or(0);
    let (hour, minute) = (number(time.hour()), number(time.minute()));
    let name = |hour: u64| match hour % 24 {
        0 => "midnight".to_owned(),
        12 => "noon".to_owned(),
        hour => at(&SMALL, hour % 12).to_owned(),
    };
    let part = |hour: u64| match hour % 24 {
        0 | 12 => "",
        1..=11 => " in the morning",
        13..=16 => " in the afternoon",
        17..=20 => " in the evening",
        _ => " at night",
    };
    let with = |words: &str, hour: u64| format!("{words} {}{}", name(hour), part(hour));
    match minute {
        0 if matches!(hour, 0 | 12) => name(hour),
        0 => format!("{} o'clock{}", name(hour), part(hour)),
        15 => with("quarter past", hour),
        30 => with("half past", hour),
        45 => with("quarter to", hour + 1),
        minute @ (5 | 10 | 20 | 25) => with(&format!("{} past", under_hundred(minute)), hour),
        minute @ (35 | 40 | 50 | 55) => with(&format!("{} to", under_hundred(60 - minute)), hour + 1),
        minute => {
            let clock = at(&SMALL, if hour % 12 == 0 { 12 } else { hour % 12 });
            let minutes = if minute < 10 { format!("oh {}", under_hundred(minute)) } else { under_hundred(minute) };
            let part = match hour {
                0 => " at night",
                12 => " in the afternoon",
                hour => part(hour),
            };
            format!("{clock} {minutes}{part}")
        }
    }
}

/// Days, hours, minutes, seconds.
pub(super) fn duration(parts: [u64; 4], and: bool) -> String {
    let names = ["day", "hour", "minute", "second"];
    let said = |(count, name): (u64, &str)| format!("{} {name}{}", cardinal(count, and), if count == 1 { "" } else { "s" });
    let found: Vec<String> = parts.into_iter().zip(names).filter(|(count, _)| *count > 0).map(said).collect();
    if found.is_empty() { "zero seconds".to_owned() } else { joined(&found, "and") }
}
