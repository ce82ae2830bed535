//! A text that is looked for: a part of it in any case, or `/a pattern/`.

use notation::{Node, Reader};
use regex_lite::Regex;
use std::fmt;

/// See the head of this file.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    written: String,
    /// In lower case, white space as one blank.
    part: String,
    regex: Option<Regex>,
}

impl Wanted {
    /// Any text but one that begins and ends with `/` is a part.
    pub(crate) fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let written = reader.text(node)?;
        match Self::new(&written) {
            Ok(wanted) => Some(wanted),
            Err(why) => {
                reader.error("bad-pattern", node.span, format!("this pattern cannot be read: {why}"));
                None
            }
        }
    }

    pub(crate) fn new(written: &str) -> Result<Self, String> {
        let inner = |flags: &str| written.strip_prefix('/').and_then(|rest| rest.strip_suffix(&format!("/{flags}")));
        let pattern = match (inner(""), inner("i")) {
            (Some(pattern), _) if written.len() > 1 => Some(pattern.to_owned()),
            (_, Some(pattern)) => Some(format!("(?i){pattern}")),
            (Some(_) | None, None) => None,
        };
        let regex = pattern.map(|pattern| Regex::new(&pattern)).transpose().map_err(|error| error.to_string())?;
        Ok(Self { written: written.to_owned(), part: plain(written), regex })
    }

    /// Anything at all.
    pub(crate) const fn any() -> Self {
        Self { written: String::new(), part: String::new(), regex: None }
    }

    /// Whether the text has it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.regex.as_ref().map_or_else(|| plain(text).contains(&self.part), |regex| regex.is_match(text))
    }

    /// Whether the text is it, as a whole.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.regex.as_ref().map_or_else(|| self.written == text, |regex| regex.is_match(text))
    }

    /// Of a part: as it was written. Of a pattern: `None`.
    pub(crate) fn as_part(&self) -> Option<&str> {
        self.regex.is_none().then_some(self.written.as_str())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.regex.is_some() { f.write_str(&self.written) } else { write!(f, "“{}”", self.written) }
    }
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a text with `*` for anything matches.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let parts: Vec<&str> = parts.collect();
    let (last, middle) = parts.split_last().map_or(("", &parts[..]), |(last, middle)| (*last, middle));
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_patterns_and_stars() {
        let wanted = |text: &str| Wanted::new(text).unwrap();
        assert!(wanted("leave a  Message").is_in("Please leave a message after the tone."));
        assert!(wanted("/call me (back|again)/").is_in("Please call me back."));
        assert!(!wanted("/CALL/").is_in("call") && wanted("/CALL/i").is_in("call"));
        assert!(Wanted::new("/(/").is_err());
        assert!(wanted("/").is_in("a/b"), "one slash is a text");
        for (pattern, text, is) in [
            ("https://crm.example/*", "https://crm.example/x/1", true),
            ("*", "", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("abc", "abcd", false),
            ("*.example/x", "http://y.example/x", true),
        ] {
            assert_eq!(glob(pattern, text), is, "{pattern} {text}");
        }
    }
}
