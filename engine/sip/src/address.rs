//! Addresses: `"Display name" <sip:user@host;uri-param>;header-param`.

use crate::{
    Params, Uri,
    scan::{is_token_byte, one_line, quote, quoted_len, trim, unquote},
};
use std::fmt;

/// A From, To, Contact, Route, … value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAddr {
    /// The display name as plain text, quotes and escapes undone.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// What stands after the URI: `tag`, `expires`, `q`, …
    pub params: Params,
}

/// The three parts of an address, found in one walk and without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrParts<'a> {
    /// The display name as spelt, quotes included; empty when there is none.
    pub display: &'a str,
    /// The URI as spelt.
    pub uri: &'a str,
    /// The parameters as spelt, with their first `;`.
    pub params: &'a str,
}

impl<'a> AddrParts<'a> {
    /// Splits an address. `None` when a quote or bracket is open, or the display name is neither quoted nor tokens.
    #[must_use]
    pub fn split(text: &'a str) -> Option<Self> {
        let text = trim(text);
        let (display, rest) = match quoted_len(text) {
            Some(len) => (text.get(..len)?, trim(text.get(len..)?)),
            None if text.starts_with('"') => return None,
            None => match text.find('<') {
                Some(at) => (trim(text.get(..at)?), text.get(at..)?),
                None => return Self::without_brackets(text),
            },
        };
        let quoted = display.starts_with('"');
        let tokens = display.bytes().all(|b| is_token_byte(b) || matches!(b, b' ' | b'\t') || b >= 0x80);
        if !quoted && !tokens {
            return None;
        }
        let inner = rest.strip_prefix('<')?;
        let end = inner.find('>')?;
        let params = trim(inner.get(end + 1..)?);
        if !params.is_empty() && !params.starts_with(';') {
            return None;
        }
        Some(Self { display, uri: inner.get(..end)?, params })
    }

    /// Without brackets all parameters are the header's, and the URI may hold no `,` `?` or `;` (RFC 3261 §20).
    fn without_brackets(text: &'a str) -> Option<Self> {
        let end = text.find(';').unwrap_or(text.len());
        let uri = trim(text.get(..end)?);
        let good = !uri.is_empty() && !uri.contains(['?', ',', '"', '>', ' ']);
        good.then_some(Self { display: "", uri, params: text.get(end..)? })
    }

    /// The raw value of a parameter, without reading the others.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'a str> {
        crate::scan::split_list(self.params, b';').find_map(|item| {
            let (n, value) = item.split_once('=').unwrap_or((item, ""));
            trim(n).eq_ignore_ascii_case(name).then_some(trim(value))
        })
    }
}

impl NameAddr {
    /// An address without display name and parameters.
    #[must_use]
    pub const fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::new() }
    }
    /// Reads one address (not a list).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = AddrParts::split(text)?;
        Some(Self {
            display: (!parts.display.is_empty()).then(|| unquote(parts.display).into_owned()),
            uri: Uri::parse(parts.uri).ok()?,
            params: Params::parse(parts.params)?,
        })
    }
    /// The `tag` parameter.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.raw("tag").flatten()
    }
    /// The same address with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }
    /// The same address with this display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = Some(one_line(display).into());
        self
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            let mut text = String::with_capacity(display.len() + 3);
            quote(display, &mut text);
            write!(f, "{text} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}
