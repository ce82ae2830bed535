//! Parameters: `;name=value;flag`.

use crate::{
    limits::PARAMS_MAX,
    scan::{is_token_byte, one_line, split_list, trim, unquote},
};
use std::{borrow::Cow, fmt};

/// The parameters of a URI or a header value, in order, spelt as received. Names compare without case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Vec<(Box<str>, Option<Box<str>>)>);

impl Params {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }
    /// Reads `name=value;flag;…` (a leading `;` may be there). `None` when a name is no token, a quote is open or there are too many.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut list = Vec::new();
        for item in split_list(text, b';') {
            let (name, value) = split_param(item)?;
            if list.len() >= PARAMS_MAX {
                return None;
            }
            list.push((name.into(), value.map(Into::into)));
        }
        Some(Self(list))
    }
    /// The value of `name`, quotes removed; `Some("")` for a parameter without value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.raw(name).map(|value| unquote(value.unwrap_or("")))
    }
    /// The value as spelt: `Some(None)` for a parameter without value.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<Option<&str>> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_deref())
    }
    /// Whether `name` is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }
    /// Sets or replaces `name`; the value is written as given (quote it yourself when it is no token).
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(one_line);
        match self.0.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(found) => found.1 = value,
            None => self.0.push((one_line(name), value)),
        }
    }
    /// Removes `name` wherever it stands.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }
    /// Name and raw value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_deref()))
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `name = value`, blanks around `=` allowed. `None` when the name is empty or holds what no parameter name may.
pub(crate) fn split_param(item: &str) -> Option<(&str, Option<&str>)> {
    let (name, value) = match item.split_once('=') {
        Some((name, value)) => (trim(name), Some(trim(value))),
        None => (item, None),
    };
    // URI parameters allow []/:&$ besides token characters (paramchar, RFC 3261 §25.1).
    let good_name = !name.is_empty()
        && name.bytes().all(|b| is_token_byte(b) || matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'(' | b')'));
    let good_value = value.is_none_or(|v| {
        if v.starts_with('"') {
            crate::scan::quoted_len(v) == Some(v.len())
        } else {
            !v.is_empty() && !v.bytes().any(|b| b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b',' | 0x7f))
        }
    });
    (good_name && good_value).then_some((name, value))
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        Ok(())
    }
}
