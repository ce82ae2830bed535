//! The headers of a message: slices of what was received, read only when asked for.

use crate::{
    HeaderName, Method, NameAddr, Via,
    address::AddrParts,
    scan::{is_token, one_line, split_list, trim},
};
use bytes::Bytes;
use std::fmt;

/// All header lines in order. Values are spans of the received bytes until somebody edits them.
#[derive(Clone, Default)]
pub struct Headers {
    raw: Bytes,
    lines: Vec<Line>,
}

#[derive(Clone)]
struct Line {
    name: Name,
    value: Text,
}

#[derive(Clone)]
enum Name {
    Known(HeaderName),
    Other(Text),
}

/// A span of `raw`, which is UTF-8 (checked when the message was read), or own text.
#[derive(Clone)]
pub(crate) enum Text {
    Raw(u32, u32),
    Own(Box<str>),
}

/// A `CSeq` value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// 0 to 2³¹−1 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The request's method.
    pub method: Method,
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

fn text<'a>(raw: &'a Bytes, text: &'a Text) -> &'a str {
    match text {
        Text::Own(own) => own,
        Text::Raw(from, to) => {
            let bytes = raw.get(*from as usize..*to as usize).unwrap_or(&[]);
            std::str::from_utf8(bytes).unwrap_or("")
        }
    }
}

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { raw: Bytes::new(), lines: Vec::new() }
    }
    pub(crate) fn over(raw: Bytes) -> Self {
        Self { raw, lines: Vec::with_capacity(16) }
    }
    /// Adds a line read from `raw`.
    pub(crate) fn add_read(&mut self, name: &str, name_at: (u32, u32), value: Text) {
        let name = match HeaderName::parse(name) {
            Some(known) => Name::Known(known),
            None => Name::Other(Text::Raw(name_at.0, name_at.1)),
        };
        self.lines.push(Line { name, value });
    }
    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    /// Name and value of each line in order; known names in their long form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|line| {
            let name = match &line.name {
                Name::Known(name) => name.as_str(),
                Name::Other(name) => text(&self.raw, name),
            };
            (name, text(&self.raw, &line.value))
        })
    }
    /// The value of the first line of this name.
    #[must_use]
    pub fn get(&self, name: HeaderName) -> Option<&str> {
        self.all(name).next()
    }
    /// The values of all lines of this name, commas not split.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |line| matches!(line.name, Name::Known(known) if known == name)).map(|line| text(&self.raw, &line.value))
    }
    /// The single values of a list header (`Via`, `Contact`, `Route`, `Allow`, `Require`, …) over all its lines.
    pub fn list(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.all(name).flat_map(|value| split_list(value, b','))
    }
    /// The value of the first line with this name, known or not, without case; compact forms count.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        match HeaderName::parse(name) {
            Some(known) => self.get(known),
            None => self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value),
        }
    }
    /// Whether there is a line of this name.
    #[must_use]
    pub fn has(&self, name: HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Adds a line at the end. Control characters in the value become spaces, so no value can make a second header.
    pub fn push(&mut self, name: HeaderName, value: impl AsRef<str>) {
        self.lines.push(Line { name: Name::Known(name), value: Text::Own(one_line(value.as_ref())) });
    }
    /// Adds a line before all others.
    pub fn prepend(&mut self, name: HeaderName, value: impl AsRef<str>) {
        self.lines.insert(0, Line { name: Name::Known(name), value: Text::Own(one_line(value.as_ref())) });
    }
    /// Adds a line of any name. A name that is no token is refused (`false`).
    pub fn push_named(&mut self, name: &str, value: impl AsRef<str>) -> bool {
        let good = is_token(name);
        if good {
            let known = HeaderName::parse(name).map_or_else(|| Name::Other(Text::Own(name.into())), Name::Known);
            self.lines.push(Line { name: known, value: Text::Own(one_line(value.as_ref())) });
        }
        good
    }
    /// Replaces all lines of this name by one, in the place of the first; adds it when there was none.
    pub fn set(&mut self, name: HeaderName, value: impl AsRef<str>) {
        let value = Text::Own(one_line(value.as_ref()));
        let is_it = |line: &Line| matches!(line.name, Name::Known(known) if known == name);
        match self.lines.iter().position(is_it) {
            Some(at) => {
                let mut index = 0;
                self.lines.retain(|line| {
                    index += 1;
                    index - 1 <= at || !is_it(line)
                });
                if let Some(line) = self.lines.get_mut(at) {
                    line.value = value;
                }
            }
            None => self.lines.push(Line { name: Name::Known(name), value }),
        }
    }
    /// Removes all lines of this name.
    pub fn remove(&mut self, name: HeaderName) {
        self.lines.retain(|line| !matches!(line.name, Name::Known(known) if known == name));
    }
    /// Removes all lines of this name, known or not.
    pub fn remove_named(&mut self, name: &str) {
        match HeaderName::parse(name) {
            Some(known) => self.remove(known),
            None => {
                let raw = self.raw.clone();
                self.lines.retain(|line| match &line.name {
                    Name::Known(_) => true,
                    Name::Other(other) => !text(&raw, other).eq_ignore_ascii_case(name),
                });
            }
        }
    }
    /// Adds all lines of this name of another message, as they are.
    pub fn copy_from(&mut self, other: &Self, name: HeaderName) {
        for value in other.all(name) {
            self.lines.push(Line { name: Name::Known(name), value: Text::Own(value.into()) });
        }
    }
    /// Replaces the first value of a list header, leaving the others (on its line and after) alone.
    pub(crate) fn replace_first(&mut self, name: HeaderName, value: &str) {
        let Some(at) = self.lines.iter().position(|l| matches!(l.name, Name::Known(known) if known == name)) else { return };
        let raw = self.raw.clone();
        let Some(line) = self.lines.get_mut(at) else { return };
        let mut fresh = value.to_owned();
        for rest in split_list(text(&raw, &line.value), b',').skip(1) {
            fresh.push_str(", ");
            fresh.push_str(rest);
        }
        line.value = Text::Own(fresh.into());
    }
    /// Appends all lines but `Content-Length` in wire form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            if name == HeaderName::ContentLength.as_str() {
                continue;
            }
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Typed reading.
impl Headers {
    /// The topmost `Via`.
    #[must_use]
    pub fn via(&self) -> Option<Via<'_>> {
        self.list(HeaderName::Via).next().and_then(Via::parse)
    }
    /// `From`, read in full.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr> {
        self.get(HeaderName::From).and_then(NameAddr::parse)
    }
    /// `To`, read in full.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr> {
        self.get(HeaderName::To).and_then(NameAddr::parse)
    }
    /// The tag of `From`, without reading the rest.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        AddrParts::split(self.get(HeaderName::From)?)?.param("tag").filter(|tag| !tag.is_empty())
    }
    /// The tag of `To`: there when the message is within a dialog.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        AddrParts::split(self.get(HeaderName::To)?)?.param("tag").filter(|tag| !tag.is_empty())
    }
    /// `Call-ID`.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.get(HeaderName::CallId)
    }
    /// `CSeq`.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq> {
        let mut parts = self.get(HeaderName::CSeq)?.split([' ', '\t']).filter(|part| !part.is_empty());
        let number = number(parts.next()?)?;
        let method = Method::parse(parts.next()?)?;
        (parts.next().is_none() && number < 1 << 31).then_some(CSeq { number, method })
    }
    /// The first `Contact` (never the `*`).
    #[must_use]
    pub fn contact(&self) -> Option<NameAddr> {
        self.list(HeaderName::Contact).next().and_then(NameAddr::parse)
    }
    /// All `Contact`s; `None` when one cannot be read (or is `*`).
    #[must_use]
    pub fn contacts(&self) -> Option<Vec<NameAddr>> {
        self.list(HeaderName::Contact).map(NameAddr::parse).collect()
    }
    /// Whether there is a `Contact: *` (RFC 3261 §10.2.2).
    #[must_use]
    pub fn contact_is_star(&self) -> bool {
        self.list(HeaderName::Contact).any(|value| value == "*")
    }
    /// `Route`s in order.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.list(HeaderName::Route)
    }
    /// `Record-Route`s in order.
    pub fn record_routes(&self) -> impl Iterator<Item = &str> {
        self.list(HeaderName::RecordRoute)
    }
    /// `Max-Forwards`.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        self.get(HeaderName::MaxForwards).and_then(number)
    }
    /// `Expires`, in seconds; what is larger than 2³²−1 is that.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.get(HeaderName::Expires).and_then(saturating_number)
    }
    /// The option tags of `Require`.
    pub fn require(&self) -> impl Iterator<Item = &str> {
        self.list(HeaderName::Require)
    }
    /// Whether `Supported` names this option.
    #[must_use]
    pub fn supports(&self, option: &str) -> bool {
        self.list(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(option))
    }
    /// Type and subtype of `Content-Type` in lower case, without parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        let value = self.get(HeaderName::ContentType)?;
        let end = value.find(';').unwrap_or(value.len());
        Some(value.get(..end)?.split([' ', '\t']).collect::<String>().to_ascii_lowercase())
    }
    /// Each line of `WWW-Authenticate` and `Proxy-Authenticate`.
    pub fn challenges(&self) -> impl Iterator<Item = &str> {
        self.all(HeaderName::WwwAuthenticate).chain(self.all(HeaderName::ProxyAuthenticate))
    }
}

/// `1*DIGIT` that fits 32 bits.
pub(crate) fn number(text: &str) -> Option<u32> {
    let text = trim(text);
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `1*DIGIT`, at most 2³²−1.
pub(crate) fn saturating_number(text: &str) -> Option<u32> {
    let text = trim(text);
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u32::MAX))
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Credentials never reach a log.
        f.debug_map()
            .entries(self.iter().map(|(name, value)| match HeaderName::parse(name) {
                Some(HeaderName::Authorization | HeaderName::ProxyAuthorization) => (name, "(secret)"),
                Some(_) | None => (name, value),
            }))
            .finish()
    }
}
