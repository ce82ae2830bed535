//! Numbers as English words: cardinals, ordinals, years, digits one by one.

const SMALL: [&str; 20] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 5] = [
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

fn small(number: u64) -> &'static str {
    usize::try_from(number).ok().and_then(|at| SMALL.get(at)).copied().unwrap_or("")
}

/// `1234` → one thousand two hundred thirty four.
pub(crate) fn cardinal(number: u64) -> Vec<&'static str> {
    let mut words = Vec::new();
    let mut rest = number;
    for (scale, name) in SCALES {
        if rest >= scale {
            words.extend(cardinal(rest / scale));
            words.push(name);
            rest %= scale;
        }
    }
    below_thousand(rest, &mut words);
    words
}

fn below_thousand(number: u64, words: &mut Vec<&'static str>) {
    let (hundreds, rest) = (number / 100, number % 100);
    if hundreds > 0 {
        words.extend([small(hundreds), "hundred"]);
    }
    match rest {
        0 if hundreds == 0 && words.is_empty() => words.push(small(0)),
        0 => {}
        1..=19 => words.push(small(rest)),
        _ => {
            words.push(usize::try_from(rest / 10).ok().and_then(|at| TENS.get(at)).copied().unwrap_or(""));
            if rest % 10 > 0 {
                words.push(small(rest % 10));
            }
        }
    }
}

/// `21` → twenty first.
pub(crate) fn ordinal(number: u64) -> Vec<&'static str> {
    let mut words = cardinal(number);
    if let Some(last) = words.last_mut() {
        *last = ordinal_of(last);
    }
    words
}

fn ordinal_of(word: &'static str) -> &'static str {
    const ORDINALS: [(&str, &str); 33] = [
        ("zero", "zeroth"), ("one", "first"), ("two", "second"), ("three", "third"), ("four", "fourth"), ("five", "fifth"),
        ("six", "sixth"), ("seven", "seventh"), ("eight", "eighth"), ("nine", "ninth"), ("ten", "tenth"),
        ("eleven", "eleventh"), ("twelve", "twelfth"), ("thirteen", "thirteenth"), ("fourteen", "fourteenth"),
        ("fifteen", "fifteenth"), ("sixteen", "sixteenth"), ("seventeen", "seventeenth"), ("eighteen", "eighteenth"),
        ("nineteen", "nineteenth"), ("twenty", "twentieth"), ("thirty", "thirtieth"), ("forty", "fortieth"),
        ("fifty", "fiftieth"), ("sixty", "sixtieth"), ("seventy", "seventieth"), ("eighty", "eightieth"),
        ("ninety", "ninetieth"), ("hundred", "hundredth"), ("thousand", "thousandth"), ("million", "millionth"),
        ("billion", "billionth"), ("trillion", "trillionth"),
    ];
    ORDINALS.iter().find(|(cardinal, _)| *cardinal == word).map_or(word, |(_, ordinal)| ordinal)
}

/// A year as people say it: `1984` nineteen eighty four, `2005` two thousand five, `2026` twenty twenty six, `1900` nineteen hundred.
pub(crate) fn year(number: u64) -> Vec<&'static str> {
    let (century, rest) = (number / 100, number % 100);
    if !(1_100..2_100).contains(&number) || (2_000..2_010).contains(&number) {
        return cardinal(number);
    }
    let mut words = cardinal(century);
    match rest {
        0 => words.push("hundred"),
        1..=9 => words.extend(["oh", small(rest)]),
        _ => words.extend(cardinal(rest)),
    }
    words
}

/// One digit, `'0'..='9'`; anything else is nothing.
pub(crate) fn digit(character: char) -> Option<&'static str> {
    character.to_digit(10).and_then(|value| usize::try_from(value).ok()).and_then(|at| SMALL.get(at)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_do() {
        for (number, words) in [
            (0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (42, "forty two"), (100, "one hundred"),
            (101, "one hundred one"), (999, "nine hundred ninety nine"), (1_000, "one thousand"),
            (1_042, "one thousand forty two"), (20_500, "twenty thousand five hundred"),
            (1_000_001, "one million one"), (3_000_000_000, "three billion"),
        ] {
            assert_eq!(cardinal(number).join(" "), words);
        }
        assert!(cardinal(u64::MAX).len() > 10);
        for (number, words) in [(1, "first"), (2, "second"), (12, "twelfth"), (21, "twenty first"), (30, "thirtieth"), (100, "one hundredth")] {
            assert_eq!(ordinal(number).join(" "), words);
        }
        for (number, words) in [
            (1984, "nineteen eighty four"), (1900, "nineteen hundred"), (1905, "nineteen oh five"), (2000, "two thousand"),
            (2005, "two thousand five"), (2026, "twenty twenty six"), (2010, "twenty ten"), (800, "eight hundred"),
        ] {
            assert_eq!(year(number).join(" "), words);
        }
    }
}
