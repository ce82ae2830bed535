//! The small scanners that all readers share. Each walks its text once.

/// RFC 3261 §25.1 `token`.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Spaces, tabs and what folding leaves.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_ascii()
}

/// Length of the quoted string at the start of `text`, both quotes included; `None` when it does not end.
pub(crate) fn quoted_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match (escaped, byte) {
            (true, _) => escaped = false,
            (false, b'\\') => escaped = true,
            (false, b'"') => return Some(at + 1),
            (false, _) => {}
        }
    }
    None
}

/// The content of a quoted string (quotes removed, `\x` undone); other text as it is.
pub(crate) fn unquote(text: &str) -> std::borrow::Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return text.into() };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out.into()
}

/// Writes `text` as a quoted string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out.push('"');
}

/// Splits a list at `separator`, outside of quotes and angle brackets; trims; skips empty items.
/// An unbalanced quote or bracket takes the rest of the text into its item, where its reader refuses it.
pub(crate) fn split_list(text: &str, separator: u8) -> Pieces<'_> {
    Pieces { rest: text, separator }
}

pub(crate) struct Pieces<'a> {
    rest: &'a str,
    separator: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;
    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let end = item_end(self.rest.as_bytes(), self.separator);
            let (item, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or("");
            let item = trim(item);
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

fn item_end(bytes: &[u8], separator: u8) -> usize {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if quoted {
            match (escaped, byte) {
                (true, _) => escaped = false,
                (false, b'\\') => escaped = true,
                (false, b'"') => quoted = false,
                (false, _) => {}
            }
        } else if byte == b'"' {
            quoted = true;
        } else if byte == b'<' {
            bracketed = true;
        } else if byte == b'>' {
            bracketed = false;
        } else if byte == separator && !bracketed {
            return at;
        }
    }
    bytes.len()
}

/// The byte a `%xx` at the start of `bytes` stands for.
pub(crate) fn percent(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(*high)? * 16 + digit(*low)?)
}

/// The bytes of `text` with every `%xx` undone.
pub(crate) fn unescaped(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (byte, step) = match percent(rest) {
            Some(byte) => (byte, 3),
            None => (*rest.first()?, 1),
        };
        rest = rest.get(step..).unwrap_or(&[]);
        Some(byte)
    })
}

/// Whether every `%` begins a `%xx`.
pub(crate) fn escapes_are_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    !text.contains('%') || (0..bytes.len()).all(|at| bytes[at] != b'%' || percent(&bytes[at..]).is_some())
}

/// Replaces what could end a line or a C string by a space.
pub(crate) fn one_line(text: &str) -> Box<str> {
    if text.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f) {
        text.chars().map(|c| if c.is_ascii_control() && c != '\t' { ' ' } else { c }).collect::<String>().into()
    } else {
        text.into()
    }
}
