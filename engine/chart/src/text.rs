//! How wide text is and where its lines break, without asking a font.

/// Width of a line in a sans-serif font, in units of the font's size. The widest common font (DejaVu Sans, Verdana) is assumed, so
/// that text never leaves its box whichever font the reader has.
pub(crate) fn sans(text: &str) -> f64 {
    text.chars().map(advance).sum()
}

/// Width of a line in a monospaced font, likewise.
pub(crate) fn mono(text: &str) -> f64 {
    text.chars().map(|c| if is_wide(c) { 1.2 } else { 0.602 }).sum()
}

fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' => 0.28,
        ' ' | '.' | ',' | '|' | '/' | '\\' | ':' | ';' | 'I' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '!' => 0.41,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' => 0.99,
        '+' | '=' | '<' | '>' | '#' | '~' => 0.84,
        c if c.is_ascii_uppercase() => 0.72,
        c if is_wide(c) => 1.0,
        _ => 0.62,
    }
}

/// Ideographs, kana, hangul, emoji.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0x1f300..=0x1faff)
}

/// Breaks a text into lines of at most `width` characters, at spaces where there are any; what does not fit `lines` ends in `…`.
pub(crate) fn wrap(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, width)) {
        let line = found.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            found.push(String::new());
        }
        if let Some(line) = found.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    if found.len() > lines {
        found.truncate(lines);
        if let Some(last) = found.last_mut() {
            *last = cut(&format!("{last} …"), width);
            if !last.ends_with('…') {
                last.push('…');
            }
        }
    }
    found
}

/// The beginning of a text, with `…` when something is left out.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A word that is too long, broken where an address can be.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = word.chars().collect();
    let mut found = Vec::new();
    while rest.len() > width.max(1) {
        let last = rest[..width].iter().rposition(|c| "/?&-_.".contains(*c)).filter(|at| *at > width / 3);
        let tail = rest.split_off(last.map_or(width.max(1), |at| at + 1));
        found.push(rest.iter().collect());
        rest = tail;
    }
    found.push(rest.iter().collect());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_end_in_dots() {
        assert_eq!(wrap("to speak to Bob press one", 12, 3), ["to speak to", "Bob press", "one"]);
        assert_eq!(wrap("to speak to Bob press one", 12, 2), ["to speak to", "Bob press …"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("GET https://crm.example/caller/42", 20, 9), ["GET", "https://crm.example/", "caller/42"]);
        assert_eq!(wrap("", 4, 2), [""]);
        assert_eq!(cut("wonderful", 5), "wond…");
    }
}
