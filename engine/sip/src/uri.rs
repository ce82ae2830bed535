//! SIP, SIPS, TEL and other URIs (RFC 3261 §19.1, RFC 3966).

use crate::{
    Params, Transport,
    scan::{escapes_are_whole, is_token_byte, unescaped},
};
use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

/// A URI's scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Anything else, in lower case.
    Other(Box<str>),
}

/// A host: a name as spelt, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name to be resolved. Empty in `tel:` and other URIs without host.
    Name(Box<str>),
    /// An address literal.
    Ip(IpAddr),
}

/// A URI. The parts are kept as spelt (escapes included), so that writing gives back what was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as spelt, escapes included; of `tel:` the number; of other schemes all that follows the colon.
    pub raw_user: Option<Box<str>>,
    /// The password as spelt. Deprecated, and never logged.
    pub raw_password: Option<Box<str>>,
    /// The host.
    pub host: Host,
    /// The port, if spelt.
    pub port: Option<u16>,
    /// `;transport=tcp;lr`
    pub params: Params,
    /// What follows `?`: name and value as spelt.
    pub headers: Vec<UriHeader>,
}

/// Name and value of one header in a URI, as spelt.
pub type UriHeader = (Box<str>, Box<str>);

/// Why a text is no URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUri {
    /// No `scheme:`.
    #[error("no scheme")]
    Scheme,
    /// The user part holds what must be escaped, or is empty.
    #[error("bad user part")]
    User,
    /// No host, or not a name or address.
    #[error("bad host")]
    Host,
    /// Not 1–65535.
    #[error("bad port")]
    Port,
    /// A parameter's name is no token, or there are more than 64.
    #[error("bad parameter")]
    Param,
    /// The headers part is malformed.
    #[error("bad header part")]
    Header,
    /// A blank, control character or bracket within.
    #[error("bad character")]
    Character,
}

impl Scheme {
    /// The scheme's name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(name) => name,
        }
    }
}

impl Host {
    /// Reads a host name, an IPv4 address or a bracketed IPv6 address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Ip(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Ip(IpAddr::V4(address)));
        }
        let good = !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        good.then(|| Self::Name(text.into()))
    }
    /// Whether both are the same host (names without case).
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Name(_), Self::Ip(_)) | (Self::Ip(_), Self::Name(_)) => false,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// `host[:port]`.
pub(crate) fn host_port(text: &str) -> Result<(Host, Option<u16>), BadUri> {
    let split = match text.strip_prefix('[') {
        Some(inner) => inner.find(']').map(|at| at + 2).ok_or(BadUri::Host)?,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at_checked(split).ok_or(BadUri::Host)?;
    let port = match rest.strip_prefix(':') {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse::<u16>().ok().filter(|p| *p != 0).ok_or(BadUri::Port)?)
        }
        Some(_) => return Err(BadUri::Port),
        None if rest.is_empty() => None,
        None => return Err(BadUri::Host),
    };
    Ok((Host::parse(host).ok_or(BadUri::Host)?, port))
}

const fn is_user_byte(byte: u8) -> bool {
    // unreserved / escaped / user-unreserved (RFC 3261 §25.1); `#` and bytes above 127 are seen in the field and harm nobody.
    byte.is_ascii_alphanumeric() || byte >= 0x80
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' | b'%' | b'&' | b'=' | b'+' | b'$' | b','
            | b';' | b'?' | b'/' | b'#')
}

impl Uri {
    /// Reads a URI without brackets.
    ///
    /// # Errors
    /// [`BadUri`] names the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, BadUri> {
        if text.bytes().any(|b| b <= b' ' || matches!(b, b'<' | b'>' | b'"' | 0x7f)) {
            return Err(BadUri::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(BadUri::Scheme)?;
        let good = scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if !good {
            return Err(BadUri::Scheme);
        }
        if scheme.eq_ignore_ascii_case("sip") {
            Self::parse_sip(Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            Self::parse_sip(Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            Self::parse_tel(rest)
        } else {
            Ok(Self::without_host(Scheme::Other(scheme.to_ascii_lowercase().into()), rest))
        }
    }

    fn without_host(scheme: Scheme, opaque: &str) -> Self {
        Self {
            scheme,
            raw_user: Some(opaque.into()),
            raw_password: None,
            host: Host::Name("".into()),
            port: None,
            params: Params::new(),
            headers: Vec::new(),
        }
    }

    fn parse_tel(rest: &str) -> Result<Self, BadUri> {
        let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
        let good = !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#'));
        if !good {
            return Err(BadUri::User);
        }
        let params = Params::parse(params).ok_or(BadUri::Param)?;
        Ok(Self { params, ..Self::without_host(Scheme::Tel, number) })
    }

    fn parse_sip(scheme: Scheme, rest: &str) -> Result<Self, BadUri> {
        // The user part may hold `;` and `?`; no part after it may hold `@` unescaped but headers, which come after `?`.
        let (user_info, rest) = match rest.find('@') {
            Some(at) => (rest.get(..at), rest.get(at + 1..).unwrap_or("")),
            None => (None, rest),
        };
        let (raw_user, raw_password) = match user_info {
            None => (None, None),
            Some(part) => {
                let (user, password) = part.split_once(':').map_or((part, None), |(u, p)| (u, Some(p)));
                let good = |t: &str| t.bytes().all(is_user_byte) && escapes_are_whole(t);
                if user.is_empty() || !good(user) || !password.is_none_or(good) {
                    return Err(BadUri::User);
                }
                (Some(user.into()), password.map(Into::into))
            }
        };
        let (rest, headers) = rest.split_once('?').map_or((rest, None), |(r, h)| (r, Some(h)));
        let (place, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = host_port(place)?;
        let params = Params::parse(params).ok_or(BadUri::Param)?;
        let headers = headers.map_or(Ok(Vec::new()), Self::parse_headers)?;
        Ok(Self { scheme, raw_user, raw_password, host, port, params, headers })
    }

    fn parse_headers(text: &str) -> Result<Vec<UriHeader>, BadUri> {
        let mut list = Vec::new();
        for item in text.split('&') {
            let (name, value) = item.split_once('=').ok_or(BadUri::Header)?;
            let good = !name.is_empty() && name.bytes().all(|b| is_token_byte(b) || matches!(b, b'[' | b']' | b'/' | b'?' | b':' | b'$'));
            if !good || list.len() >= crate::limits::PARAMS_MAX || !escapes_are_whole(value) {
                return Err(BadUri::Header);
            }
            list.push((name.into(), value.into()));
        }
        Ok(list)
    }

    /// `sip:user@host:port`; the user is plain text and is escaped here. An empty user gives `sip:host`.
    #[must_use]
    pub fn sip(user: &str, host: Host, port: Option<u16>) -> Self {
        Self {
            scheme: Scheme::Sip,
            raw_user: (!user.is_empty()).then(|| escape_user(user)),
            raw_password: None,
            host,
            port,
            params: Params::new(),
            headers: Vec::new(),
        }
    }

    /// The user as plain text, escapes undone (lossy where they are no UTF-8); the number of `tel:`.
    #[must_use]
    pub fn user(&self) -> Option<Cow<'_, str>> {
        let raw = self.raw_user.as_deref()?;
        if !raw.contains('%') {
            return Some(raw.into());
        }
        let bytes: Vec<u8> = unescaped(raw).collect();
        Some(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    /// Replaces the user by this plain text.
    pub fn set_user(&mut self, user: &str) {
        self.raw_user = (!user.is_empty()).then(|| escape_user(user));
    }

    /// The `transport` parameter, when it names one of ours.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.params.get("transport").and_then(|t| Transport::parse(&t))
    }

    /// Whether it is `sip:` or `sips:`.
    #[must_use]
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// Whether a route with this URI is loose (RFC 3261 §16.12).
    #[must_use]
    pub fn is_loose(&self) -> bool {
        self.params.has("lr")
    }

    /// Equality by RFC 3261 §19.1.4: escapes undone, host without case, default ports not assumed,
    /// `user ttl method maddr transport` must match when either has them, other parameters only when both have them.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        if !self.is_sip() {
            return self.scheme == other.scheme && self.same_number(other);
        }
        self.scheme == other.scheme
            && same_text(self.raw_user.as_deref(), other.raw_user.as_deref())
            && same_text(self.raw_password.as_deref(), other.raw_password.as_deref())
            && self.host.is_same(&other.host)
            && self.port == other.port
            && self.params_fit(other)
            && other.params_fit(self)
            && self.headers_fit(other)
            && other.headers_fit(self)
    }

    fn same_number(&self, other: &Self) -> bool {
        if self.scheme != Scheme::Tel {
            return self.raw_user == other.raw_user;
        }
        // RFC 3966 §4: visual separators do not count.
        let digits = |u: &Self| -> String {
            let raw = u.raw_user.as_deref().unwrap_or("");
            raw.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).map(|c| c.to_ascii_lowercase()).collect()
        };
        digits(self) == digits(other)
    }

    fn params_fit(&self, other: &Self) -> bool {
        self.params.iter().all(|(name, value)| match other.params.raw(name) {
            Some(theirs) => {
                let plain = |v: Option<&str>| v.map(|v| unescaped(v).map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>());
                plain(value) == plain(theirs)
            }
            None => !["user", "ttl", "method", "maddr", "transport"].iter().any(|n| n.eq_ignore_ascii_case(name)),
        })
    }

    fn headers_fit(&self, other: &Self) -> bool {
        self.headers.len() == other.headers.len()
            && self.headers.iter().all(|(name, value)| {
                other.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && unescaped(v).eq(unescaped(value)))
            })
    }
}

fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => unescaped(a).eq(unescaped(b)),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn escape_user(user: &str) -> Box<str> {
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        if is_user_byte(byte) && byte < 0x80 && !matches!(byte, b'%' | b'#' | b'?') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out.into()
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.as_str())?;
        if !self.is_sip() {
            return write!(f, "{}{}", self.raw_user.as_deref().unwrap_or(""), self.params);
        }
        if let Some(user) = &self.raw_user {
            f.write_str(user)?;
            if let Some(password) = &self.raw_password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        for (at, (name, value)) in self.headers.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl FromStr for Uri {
    type Err = BadUri;
    fn from_str(text: &str) -> Result<Self, BadUri> {
        Self::parse(text)
    }
}
