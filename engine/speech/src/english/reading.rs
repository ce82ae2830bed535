//! How a text is read aloud: numbers, dates, money, times, telephone numbers, addresses and abbreviations become words.
//!
//! The text is cut at white space; each chunk gives up its punctuation and is read by the first reader in
//! [`READERS`] that knows it. How to add a kind: one function, one line in that table, its examples in the test.

use super::numbers::{cardinal, digit, ordinal, year};

/// One thing to pronounce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A word as it is looked up; case as written.
    Word(String),
    /// A letter said by its name, upper case.
    Letter(char),
    /// A pause: `,` `;` `:` short, `.` `?` `!` the end of a sentence.
    Stop(char),
}

/// What a reader sees: the chunk, its neighbours, and where to put the pieces.
struct Chunk<'a> {
    core: &'a str,
    /// The last word before, lower case; empty at the beginning.
    before: &'a str,
    /// The next chunk without its punctuation.
    after: &'a str,
    is_first: bool,
    /// Most words of the text are in capitals: they are shouted words, not abbreviations.
    is_shouted: bool,
    day_first: bool,
}

type Reader = fn(&Chunk<'_>, &mut Vec<Piece>) -> bool;

/// Tried in order; the last one takes everything.
const READERS: [Reader; 18] = [
    abbreviation, telephone, iso_date, slashed_date, clock, money, money_scale, percent, ordinal_number, year_number, spelt_number, number,
    measure, symbol, dotted_letters, address, single_letter, word,
];

/// Reads a text. `language` decides only the order of `3/4/2026` (`en-US` month first, other English day first).
pub(crate) fn read(text: &str, language: &str) -> Vec<Piece> {
    let folded = fold(text);
    let chunks: Vec<(&str, &str, &str)> = folded.split_whitespace().map(trim_punctuation).collect();
    let words = chunks.iter().filter(|(_, core, _)| core.chars().any(char::is_alphabetic)).count();
    let capitals = chunks.iter().filter(|(_, core, _)| core.len() > 1 && is_capitals(core)).count();
    let day_first = !language.eq_ignore_ascii_case("en") && !language.to_ascii_lowercase().starts_with("en-us");
    let mut pieces = Vec::new();
    let mut is_first = true;
    for (at, (opening, core, closing)) in chunks.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chunks.get(at)).map_or(String::new(), |c| c.1.to_lowercase());
        let after = chunks.get(at + 1).map_or("", |c| c.1);
        if opening.contains('(') {
            stop(&mut pieces, ',');
        }
        if !core.is_empty() {
            let is_shouted = words > 2 && capitals * 2 > words;
            let chunk = Chunk { core, before: &before, after, is_first, is_shouted, day_first };
            for reader in READERS {
                if reader(&chunk, &mut pieces) {
                    break;
                }
            }
            is_first = false;
        }
        for mark in closing.chars() {
            match mark {
                ',' | ';' | ':' => stop(&mut pieces, ','),
                ')' if after.is_empty() => {}
                ')' => stop(&mut pieces, ','),
                '.' if is_abbreviated(core) && !after.chars().next().is_some_and(char::is_uppercase) && !after.is_empty() => {}
                '.' if is_title(core) => {}
                '.' | '?' | '!' => {
                    stop(&mut pieces, mark);
                    is_first = true;
                }
                _ => {}
            }
        }
    }
    if pieces.last().is_some_and(|last| !matches!(last, Piece::Stop('.' | '?' | '!'))) {
        stop(&mut pieces, '.');
    }
    pieces
}

/// The reading as plain words, for the tables of the tests.
#[cfg(test)]
pub(crate) fn plain(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Word(word) => text.push_str(&format!(" {word}")),
            Piece::Letter(letter) => text.push_str(&format!(" {letter}")),
            Piece::Stop(mark) => text.push(*mark),
        }
    }
    text.trim().to_owned()
}

/// Two pauses in a row are one, the stronger; none at the beginning.
fn stop(pieces: &mut Vec<Piece>, mark: char) {
    match pieces.last_mut() {
        Some(Piece::Stop(last)) if *last == ',' => *last = mark,
        None | Some(Piece::Stop(_)) => {}
        Some(Piece::Word(_) | Piece::Letter(_)) => pieces.push(Piece::Stop(mark)),
    }
}

fn say(pieces: &mut Vec<Piece>, words: impl IntoIterator<Item = impl Into<String>>) {
    pieces.extend(words.into_iter().map(|word| Piece::Word(word.into())));
}

fn spell(pieces: &mut Vec<Piece>, text: &str) {
    for character in text.chars() {
        if let Some(word) = digit(character) {
            pieces.push(Piece::Word(word.to_owned()));
        } else if character.is_alphabetic() {
            pieces.push(Piece::Letter(character.to_ascii_uppercase()));
        }
    }
}

/// Typographic characters to plain ones; control characters to spaces; Latin accents away.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '`' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{ab}' | '\u{bb}' => out.push('"'),
            '\u{2013}' | '\u{2014}' => out.push_str(" , "),
            '\u{2212}' => out.push('-'),
            '\u{2026}' => out.push('.'),
            'à'..='å' => out.push('a'),
            'ç' => out.push('c'),
            'è'..='ë' => out.push('e'),
            'ì'..='ï' => out.push('i'),
            'ñ' => out.push('n'),
            'ò'..='ö' | 'ø' => out.push('o'),
            'ù'..='ü' => out.push('u'),
            'ß' => out.push_str("ss"),
            'À'..='Å' => out.push('A'),
            'È'..='Ë' => out.push('E'),
            'Ò'..='Ö' | 'Ø' => out.push('O'),
            'Ù'..='Ü' => out.push('U'),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Opening marks, core, closing marks.
fn trim_punctuation(chunk: &str) -> (&str, &str, &str) {
    let body = chunk.trim_start_matches(|c: char| matches!(c, '"' | '\'' | '[' | '{' | '¡' | '¿') || (c == '(' && !is_area_code(chunk)));
    let opening = chunk.get(..chunk.len() - body.len()).unwrap_or("");
    let core = body.trim_end_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '"' | '\'' | ']' | '}') || (c == ')' && !is_area_code(chunk)));
    (opening, core, body.get(core.len()..).unwrap_or(""))
}

fn is_area_code(chunk: &str) -> bool {
    chunk.starts_with('(') && chunk.chars().skip(1).take_while(char::is_ascii_digit).count() >= 2
}

fn is_capitals(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_uppercase() || c == '\'') && !text.is_empty()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// At most eighteen digits, `,` between thousands allowed.
fn whole(text: &str) -> Option<u64> {
    let (digits, grouped) = (text.replace(',', ""), text.contains(','));
    let good_groups = !grouped || text.split(',').enumerate().all(|(at, group)| if at == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 });
    if is_digits(&digits) && digits.len() <= 18 && good_groups { digits.parse().ok() } else { None }
}

/// `1,234.50`, `-3`, `7`: said as a number with `point`.
fn decimal(text: &str) -> Option<Vec<&'static str>> {
    let (minus, body) = text.strip_prefix('-').map_or((false, text), |body| (true, body));
    let (units, fraction) = body.split_once('.').map_or((body, None), |(units, fraction)| (units, Some(fraction)));
    let mut words = Vec::new();
    if minus {
        words.push("minus");
    }
    words.extend(cardinal(whole(if units.is_empty() && fraction.is_some() { "0" } else { units })?));
    if let Some(fraction) = fraction {
        if !is_digits(fraction) || fraction.len() > 12 {
            return None;
        }
        words.push("point");
        words.extend(fraction.chars().filter_map(digit));
    }
    Some(words)
}

const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
];

fn is_month(word: &str) -> bool {
    MONTHS.iter().any(|month| month.eq_ignore_ascii_case(word))
        || ABBREVIATIONS.iter().any(|(short, long)| MONTHS.contains(long) && short.eq_ignore_ascii_case(word))
}

/// Written short, said long. Those in [`TITLES`] take no pause after their dot.
const ABBREVIATIONS: [(&str, &str); 33] = [
    ("Mr", "mister"), ("Mrs", "missus"), ("Ms", "miz"), ("Dr", "doctor"), ("Prof", "professor"), ("St", "saint"),
    ("vs", "versus"), ("etc", "et cetera"), ("approx", "approximately"), ("ext", "extension"), ("dept", "department"),
    ("e.g", "for example"), ("i.e", "that is"), ("Jan", "January"), ("Feb", "February"), ("Mar", "March"),
    ("Apr", "April"), ("Jun", "June"), ("Jul", "July"), ("Aug", "August"), ("Sep", "September"), ("Sept", "September"),
    ("Oct", "October"), ("Nov", "November"), ("Dec", "December"), ("Mon", "Monday"), ("Tue", "Tuesday"),
    ("Tues", "Tuesday"), ("Wed", "Wednesday"), ("Thu", "Thursday"), ("Thurs", "Thursday"), ("Fri", "Friday"), ("Ltd", "limited"),
];
const TITLES: [&str; 6] = ["Mr", "Mrs", "Ms", "Dr", "Prof", "St"];

fn is_title(core: &str) -> bool {
    TITLES.contains(&core)
}

fn is_abbreviated(core: &str) -> bool {
    ABBREVIATIONS.iter().any(|(short, _)| short.eq_ignore_ascii_case(core)) || is_dotted(core)
}

fn abbreviation(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    // Months and days only as written with a capital: "mar", "sat" and "mon" are words too.
    let Some((_, long)) = ABBREVIATIONS.iter().find(|(short, long)| {
        *short == chunk.core || (!long.starts_with(char::is_uppercase) && short.eq_ignore_ascii_case(chunk.core) && !is_title(short))
    }) else {
        return false;
    };
    say(pieces, long.split(' '));
    true
}

/// `+15550100`, `555-0100`, `(555) 010-0199`, `020-7946-0958`, and bare strings of seven digits or more: digit by digit, a
/// short pause between groups.
fn telephone(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let core = chunk.core;
    let body = core.strip_prefix('+').unwrap_or(core);
    let groups: Vec<&str> = body.split(['-', '(', ')', '.', '/']).filter(|group| !group.is_empty()).collect();
    let digits: usize = groups.iter().map(|group| group.len()).sum();
    if groups.is_empty() || !groups.iter().all(|group| is_digits(group)) || digits > 20 {
        return false;
    }
    let is_number = if core.starts_with('+') {
        digits >= 2
    } else if groups.len() == 1 {
        digits >= 7 || core.starts_with('(')
    } else {
        let shapes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        !core.contains('/') && (matches!(shapes[..], [3, 4] | [3, 3, 4] | [1, 3, 3, 4]) && !core.contains('.') || (core.starts_with('0') && digits >= 7 && core.contains('-') && !is_iso(core)))
    };
    if !is_number {
        return false;
    }
    if core.starts_with('+') {
        say(pieces, ["plus"]);
    }
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            stop(pieces, ',');
        }
        // A long run is cut into threes from the front, the last group taking the rest, as people write them down.
        let whole: Vec<char> = group.chars().collect();
        let mut rest = &whole[..];
        let mut is_begun = false;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(if rest.len() > 4 { 3 } else { rest.len() });
            if is_begun {
                stop(pieces, ',');
            }
            say(pieces, head.iter().filter_map(|c| digit(*c)));
            (rest, is_begun) = (tail, true);
        }
    }
    if core.starts_with('(') && chunk.after.starts_with(|c: char| c.is_ascii_digit()) {
        stop(pieces, ',');
    }
    true
}

fn is_iso(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2 && parts.iter().all(|p| is_digits(p)))
}

fn say_date(year_number: Option<u64>, month: u64, day: u64, pieces: &mut Vec<Piece>) -> bool {
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (Some(month), 1..=31) = (month, day) else { return false };
    say(pieces, [*month]);
    say(pieces, ordinal(day));
    if let Some(number) = year_number {
        stop(pieces, ',');
        say(pieces, year(number));
    }
    true
}

/// `2026-11-22` → November twenty second, twenty twenty six.
fn iso_date(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let parts: Vec<u64> = chunk.core.split('-').filter_map(whole).collect();
    let [y, m, d] = parts[..] else { return false };
    is_iso(chunk.core) && say_date(Some(y), m, d, pieces)
}

/// `11/22/2026`, and `24/7`, `1/2`.
fn slashed_date(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    const FIXED: [(&str, &str); 6] = [
        ("24/7", "twenty four seven"), ("1/2", "one half"), ("1/3", "one third"), ("2/3", "two thirds"),
        ("1/4", "one quarter"), ("3/4", "three quarters"),
    ];
    if let Some((_, words)) = FIXED.iter().find(|(written, _)| *written == chunk.core) {
        say(pieces, words.split(' '));
        return true;
    }
    let texts: Vec<&str> = chunk.core.split('/').collect();
    let parts: Vec<u64> = texts.iter().filter(|text| text.len() <= 4).filter_map(|text| whole(text)).collect();
    let ([first, second, y], 3) = (&parts[..], texts.len()) else { return false };
    let y = if *y < 100 { 2000 + y } else { *y };
    let (month, day) = if chunk.day_first && *second <= 12 || *first > 12 { (*second, *first) } else { (*first, *second) };
    say_date(Some(y), month, day, pieces)
}

/// `9:30`, `9:30am`, `17:05`, `9am`, `12:00`, `1:02:03`.
fn clock(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let lower = chunk.core.to_ascii_lowercase().replace('.', "");
    let (body, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(body), _) => (body, Some('A')),
        (None, Some(body)) => (body, Some('P')),
        (None, None) => (lower.as_str(), None),
    };
    let texts: Vec<&str> = body.split(':').collect();
    let parts: Vec<u64> = texts.iter().filter(|text| text.len() <= 2).filter_map(|text| whole(text)).collect();
    if parts.len() != texts.len() || (chunk.core.contains('.') && half.is_none()) || texts.iter().skip(1).any(|t| t.len() != 2) {
        return false;
    }
    let (hour, minute, second) = match parts[..] {
        [hour] if half.is_some() => (hour, 0, None),
        [hour, minute] => (hour, minute, None),
        [hour, minute, second] => (hour, minute, Some(second)),
        _ => return false,
    };
    if hour > 24 || minute > 59 || second.is_some_and(|second| second > 59) || (half.is_some() && hour > 12) {
        return false;
    }
    let is_half_next = matches!(chunk.after.to_ascii_lowercase().replace('.', "").as_str(), "am" | "pm");
    say(pieces, cardinal(hour));
    match (minute, second) {
        (0, None) if half.is_some() || is_half_next => {}
        (0, None) if hour > 12 || hour == 0 => say(pieces, ["hundred"]),
        (0, None) => say(pieces, ["o'clock"]),
        (0, Some(_)) => say(pieces, ["zero", "minutes"]),
        (1..=9, _) => {
            say(pieces, ["oh"]);
            say(pieces, cardinal(minute));
        }
        _ => say(pieces, cardinal(minute)),
    }
    if let Some(second) = second {
        say(pieces, ["and"]);
        say(pieces, cardinal(second));
        say(pieces, [if second == 1 { "second" } else { "seconds" }]);
    }
    if let Some(half) = half {
        pieces.extend([Piece::Letter(half), Piece::Letter('M')]);
    }
    true
}

/// Currency sign; one, many; one hundredth, many.
const CURRENCIES: [(char, [&str; 4]); 4] = [
    ('$', ["dollar", "dollars", "cent", "cents"]),
    ('£', ["pound", "pounds", "penny", "pence"]),
    ('€', ["euro", "euros", "cent", "cents"]),
    ('¥', ["yen", "yen", "sen", "sen"]),
];
const SCALES: [&str; 4] = ["thousand", "million", "billion", "trillion"];

/// The `million` of `$3 million`: three million dollars.
fn money_scale(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let currency = CURRENCIES.iter().find(|(sign, _)| chunk.before.trim_start_matches('-').starts_with(*sign));
    match currency {
        Some((_, [_, many, ..])) if SCALES.contains(&chunk.core) => {
            say(pieces, [chunk.core, many]);
            true
        }
        Some(_) | None => false,
    }
}

/// `$12`, `$12.50`, `£1,000`, `€0.99`, `$3` of `$3 million`.
fn money(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let (minus, core) = chunk.core.strip_prefix('-').map_or((false, chunk.core), |core| (true, core));
    let Some((sign, [one, many, small_one, small_many])) = CURRENCIES.iter().find(|(sign, _)| core.starts_with(*sign) || core.ends_with(*sign)) else {
        return false;
    };
    let amount = core.trim_matches(*sign);
    let (units, cents) = amount.split_once('.').map_or((amount, None), |(units, cents)| (units, Some(cents)));
    let Some(units_number) = whole(units) else { return false };
    if minus {
        say(pieces, ["minus"]);
    }
    if SCALES.contains(&chunk.after) {
        // The currency's name comes behind the scale, see `money_scale`.
        let Some(words) = decimal(amount) else { return false };
        say(pieces, words);
        return true;
    }
    match cents.map(|cents| (cents.len(), whole(cents))) {
        None => {
            say(pieces, cardinal(units_number));
            say(pieces, [if units_number == 1 { *one } else { *many }]);
        }
        Some((2, Some(cents_number))) => {
            if units_number > 0 || cents_number == 0 {
                say(pieces, cardinal(units_number));
                say(pieces, [if units_number == 1 { *one } else { *many }]);
            }
            if units_number > 0 && cents_number > 0 {
                say(pieces, ["and"]);
            }
            if cents_number > 0 {
                say(pieces, cardinal(cents_number));
                say(pieces, [if cents_number == 1 { *small_one } else { *small_many }]);
            }
        }
        Some(_) => {
            let Some(words) = decimal(amount) else { return false };
            say(pieces, words);
            say(pieces, [*many]);
        }
    }
    true
}

/// `12%`, `3.5%`.
fn percent(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let Some(words) = chunk.core.strip_suffix('%').and_then(decimal) else { return false };
    say(pieces, words);
    say(pieces, ["percent"]);
    true
}

/// `1st`, `22nd`, `100th`.
fn ordinal_number(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let lower = chunk.core.to_ascii_lowercase();
    let number = ["st", "nd", "rd", "th"].iter().find_map(|suffix| lower.strip_suffix(suffix)).and_then(whole);
    if let Some(number) = number {
        say(pieces, ordinal(number));
    }
    number.is_some()
}

/// A number beside a month is a day or a year; one after `in` or `since` is a year.
fn year_number(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let Some(number) = is_digits(chunk.core).then(|| whole(chunk.core)).flatten() else { return false };
    let day_before = chunk.before.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_year = chunk.core.len() == 4
        && (1_100..2_100).contains(&number)
        && (matches!(chunk.before, "in" | "since" | "year" | "until" | "from" | "by" | "before" | "after") || is_month(chunk.before) || (is_digits(day_before) && day_before.len() <= 2));
    let is_day = chunk.core.len() <= 2 && (1..=31).contains(&number) && (is_month(chunk.before) || is_month(chunk.after));
    if is_year {
        say(pieces, year(number));
    } else if is_day {
        say(pieces, ordinal(number));
    }
    is_year || is_day
}

/// Codes: digits with a leading zero, and digits of three and more after words such as "extension": one by one.
fn spelt_number(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    const CODES: [&str; 14] = [
        "extension", "ext", "code", "pin", "password", "account", "id", "ticket", "reference", "room", "flight", "zip", "postcode", "case",
    ];
    let is_code = is_digits(chunk.core)
        && (chunk.core.len() > 1 && chunk.core.starts_with('0') || chunk.core.len() >= 3 && CODES.contains(&chunk.before));
    if is_code {
        spell(pieces, chunk.core);
    }
    is_code
}

/// `42`, `1,234`, `-3.5`, `1.2.3`, `#5`, `+3`.
fn number(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    if let Some(words) = decimal(chunk.core) {
        say(pieces, words);
        return true;
    }
    if let Some(words) = chunk.core.strip_prefix('#').and_then(decimal) {
        say(pieces, ["number"]);
        say(pieces, words);
        return true;
    }
    let parts: Vec<u64> = chunk.core.split('.').filter_map(whole).collect();
    if parts.len() > 2 && parts.len() == chunk.core.split('.').count() {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                say(pieces, ["point"]);
            }
            say(pieces, cardinal(*part));
        }
        return true;
    }
    false
}

/// `5km`, `20°C`, `3rd` is no unit, `16GB`.
fn measure(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    const UNITS: [(&str, &str, &str); 24] = [
        ("km/h", "kilometer per hour", "kilometers per hour"), ("mph", "mile per hour", "miles per hour"),
        ("km", "kilometer", "kilometers"), ("kg", "kilogram", "kilograms"), ("cm", "centimeter", "centimeters"),
        ("mm", "millimeter", "millimeters"), ("ms", "millisecond", "milliseconds"), ("min", "minute", "minutes"),
        ("kHz", "kilohertz", "kilohertz"), ("MHz", "megahertz", "megahertz"), ("Hz", "hertz", "hertz"),
        ("GB", "gigabyte", "gigabytes"), ("MB", "megabyte", "megabytes"), ("kB", "kilobyte", "kilobytes"), ("KB", "kilobyte", "kilobytes"),
        ("°C", "degree celsius", "degrees celsius"), ("°F", "degree fahrenheit", "degrees fahrenheit"), ("°", "degree", "degrees"),
        ("m", "meter", "meters"), ("g", "gram", "grams"), ("s", "second", "seconds"), ("h", "hour", "hours"),
        ("x", "times", "times"), ("ft", "foot", "feet"),
    ];
    for (unit, one, many) in UNITS {
        if let Some(words) = chunk.core.strip_suffix(unit).and_then(decimal) {
            let is_one = words == ["one"];
            say(pieces, words);
            say(pieces, (if is_one { one } else { many }).split(' '));
            return true;
        }
    }
    false
}

fn symbol(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let words = match chunk.core {
        "&" | "+&" => "and",
        "+" => "plus",
        "=" => "equals",
        "%" => "percent",
        "@" => "at",
        "*" => "star",
        "#" => if chunk.day_first { "hash" } else { "pound" },
        "/" => "slash",
        "-" | "--" | "_" | "|" | "~" => {
            stop(pieces, ',');
            return true;
        }
        _ => return false,
    };
    say(pieces, [words]);
    true
}

fn is_dotted(core: &str) -> bool {
    let letters: Vec<&str> = core.split('.').collect();
    letters.len() >= 2 && letters.iter().all(|part| part.len() == 1 && part.chars().all(|c| c.is_ascii_alphabetic()))
}

/// `U.S.A`, `p.m` (the last dot is punctuation by now), and `AM`/`pm` after a time.
fn dotted_letters(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let after_time = chunk.before.ends_with(|c: char| c.is_ascii_digit());
    if is_dotted(chunk.core) || (after_time && ["am", "pm"].iter().any(|half| chunk.core.eq_ignore_ascii_case(half))) {
        spell(pieces, chunk.core);
        return true;
    }
    false
}

/// Words joined by `@ . / : _ -` and the like: `alice@example.com`, `and/or`, `sip:bob@192.0.2.1`, `B2B`, `callFlow`.
fn address(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let plain = chunk.core.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-');
    if plain {
        return false;
    }
    let is_internet = chunk.core.contains('@') || chunk.core.contains("://") || chunk.core.contains('.');
    let mut part = String::new();
    for character in chunk.core.chars() {
        let kind_changes = part.chars().last().is_some_and(|last| last.is_ascii_digit() != character.is_ascii_digit());
        let is_inside = character.is_alphanumeric() || character == '\'';
        if !is_inside || kind_changes {
            part_of_address(&part, chunk, pieces);
            part.clear();
        }
        if is_inside {
            part.push(character);
            continue;
        }
        let word = match character {
            '@' => "at",
            '.' => "dot",
            '/' => "slash",
            '&' => "and",
            '+' => "plus",
            '=' => "equals",
            '%' => "percent",
            '#' if !chunk.day_first => "pound",
            '#' => "hash",
            '*' => "star",
            '_' if is_internet => "underscore",
            '-' if is_internet => "dash",
            ':' if is_internet => "colon",
            _ => continue,
        };
        say(pieces, [word]);
    }
    part_of_address(&part, chunk, pieces);
    true
}

fn part_of_address(part: &str, chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) {
    if part.is_empty() {
        return;
    }
    if is_digits(part) {
        match whole(part) {
            Some(number) if part.len() <= 3 && !part.starts_with('0') => say(pieces, cardinal(number)),
            _ => spell(pieces, part),
        }
    } else if part.chars().count() == 1 {
        spell(pieces, part);
    } else {
        let inner = Chunk { core: part, before: "", after: "", is_first: false, is_shouted: false, day_first: chunk.day_first };
        word(&inner, pieces);
    }
}

/// A letter alone is said by its name; `a` is the article, and so is `A` at the beginning; `I` is `I`.
fn single_letter(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let mut characters = chunk.core.chars();
    let (Some(letter), None) = (characters.next(), characters.next()) else { return false };
    let is_article = letter == 'a' || (letter == 'A' && chunk.is_first && chunk.after.starts_with(char::is_lowercase));
    if is_article {
        say(pieces, ["a"]);
    } else if letter.is_ascii_alphabetic() {
        pieces.push(Piece::Letter(letter.to_ascii_uppercase()));
    }
    true
}

/// Everything else: words, shouted words, hyphens, capitals inside.
fn word(chunk: &Chunk<'_>, pieces: &mut Vec<Piece>) -> bool {
    let core = chunk.core;
    if chunk.is_shouted && is_capitals(core) {
        say(pieces, [core.to_lowercase()]);
        return true;
    }
    let mut rest = String::new();
    let mut was_small = false;
    for character in core.chars() {
        if character.is_uppercase() && was_small && rest.chars().count() > 1 {
            say(pieces, [std::mem::take(&mut rest)]);
        }
        was_small = character.is_lowercase();
        if character.is_alphabetic() || character == '\'' || character == '-' {
            rest.push(character);
        }
    }
    if !rest.is_empty() {
        say(pieces, [rest]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_as_a_person_reads_them() {
        for (text, reading) in [
            ("Press 1 for sales.", "Press one for sales."),
            ("You have 21 new messages", "You have twenty one new messages."),
            ("Call +1-555-010-0123 now!", "Call plus one, five five five, zero one zero, zero one two three now!"),
            ("Call +15550100.", "Call plus one five five, five zero one, zero zero."),
            ("Dial 555-0100", "Dial five five five, zero one zero zero."),
            ("Dial (555) 010-0199, please", "Dial five five five, zero one zero, zero one nine nine, please."),
            ("It is 9:30", "It is nine thirty."),
            ("at 9:05 p.m. today", "at nine oh five P M today."),
            ("from 9am to 5pm", "from nine A M to five P M."),
            ("at 12:00", "at twelve o'clock."),
            ("at 17:00", "at seventeen hundred."),
            ("at 8:15 AM", "at eight fifteen A M."),
            ("on 2026-11-22", "on November twenty second, twenty twenty six."),
            ("on 11/22/2026", "on November twenty second, twenty twenty six."),
            ("on November 22, 2026", "on November twenty second, twenty twenty six."),
            ("on 3 May 1984", "on third May nineteen eighty four."),
            ("in 1999", "in nineteen ninety nine."),
            ("1999 calls", "one thousand nine hundred ninety nine calls."),
            ("It costs $12.50.", "It costs twelve dollars and fifty cents."),
            ("$1 or £0.99 or €1,000", "one dollar or ninety nine pence or one thousand euros."),
            ("$3.5 million in sales", "three point five million dollars in sales."),
            ("12% of 3.5%", "twelve percent of three point five percent."),
            ("the 1st, 2nd and 23rd", "the first, second and twenty third."),
            ("extension 204", "extension two zero four."),
            ("code 0042", "code zero zero four two."),
            ("Dr. Smith is in.", "doctor Smith is in."),
            ("alice@example.com", "alice at example dot com."),
            ("press # or *", "press pound or star."),
            ("-5 degrees, 20°C", "minus five degrees, twenty degrees celsius."),
            ("version 1.2.3", "version one point two point three."),
            ("Open 24/7!", "Open twenty four seven!"),
            ("A message. Option A", "a message. Option A."),
            ("the U.S.A. and I", "the U S A and I."),
            ("B2B calls", "B two B calls."),
            ("PRESS ONE NOW PLEASE", "press one now please."),
            ("callFlow works \u{2014} really\u{2026}", "call Flow works, really."),
            ("\u{201c}Hello,\u{201d} she said", "Hello, she said."),
            ("Are you there?", "Are you there?"),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(plain(&read(text, "en-US")), reading, "{text}");
        }
        assert_eq!(plain(&read("on 3/4/2026 press #", "en-GB")), "on April third, twenty twenty six press hash.");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_text_panics_and_only_pieces_come_out(text in "\\PC{0,60}") {
            for piece in read(&text, "en-US") {
                if let Piece::Word(word) = piece {
                    prop_assert!(!word.is_empty());
                }
            }
        }
        #[test]
        fn no_mix_of_digits_and_marks_panics(text in "[-+$%#*@.,:/() 0-9a-zAPM°]{0,40}") {
            let _ = read(&text, "en-GB");
        }
    }
}
