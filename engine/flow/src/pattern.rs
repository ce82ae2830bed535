//! A regular expression for digits. `regex-lite`: linear time, small, and digits need no Unicode tables.

/// What the digits of a `collect` must match, as a whole.
#[derive(Clone, Debug)]
pub struct Pattern(regex_lite::Regex);

impl Pattern {
    /// Compiles a pattern; it is anchored at both ends.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > 256 {
            return Err("longer than 256 characters".to_owned());
        }
        let build = |pattern: &str| regex_lite::RegexBuilder::new(pattern).size_limit(64 * 1024).build().map_err(|error| error.to_string());
        // Alone first, so that a stray bracket cannot escape the anchors.
        build(text)?;
        build(&format!("^(?:{text})$")).map(Self)
    }
    /// Whether `digits` as a whole match.
    #[must_use]
    pub fn matches(&self, digits: &str) -> bool {
        self.0.is_match(digits)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl serde::Serialize for Pattern {
    /// As it was written, without the anchors.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.as_str();
        serializer.serialize_str(text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text))
    }
}
