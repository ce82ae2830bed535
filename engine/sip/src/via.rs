//! The `Via` header (RFC 3261 §20.42, RFC 3581).

use crate::{
    Host, Transport,
    scan::{is_token, split_list, trim},
    uri::host_port,
};

/// The mark of a branch made by RFC 3261's rules.
pub(crate) const COOKIE: &str = "z9hG4bK";

/// One `Via` value, read without a copy (but the host).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport's name as spelt: `UDP`, `TLS-SCTP`, …
    pub transport: &'a str,
    /// Who the sender says it is, as spelt: `host[:port]`.
    pub sent_by: &'a str,
    /// The host in it.
    pub host: Host,
    /// The port in it, if spelt.
    pub port: Option<u16>,
    /// The parameters as spelt, with their first `;`.
    pub params: &'a str,
}

impl<'a> Via<'a> {
    /// Reads one value (not a list).
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trim(text);
        // SIP / 2.0 / UDP host : port ;params — blanks around the slashes and the colon are allowed (RFC 4475 §3.1.1.1).
        let (protocol, rest) = text.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        if !trim(protocol).eq_ignore_ascii_case("SIP") || trim(version) != "2.0" {
            return None;
        }
        let rest = trim(rest);
        let end = rest.find([' ', '\t'])?;
        let transport = rest.get(..end)?;
        let rest = trim(rest.get(end..)?);
        let split = rest.find(';').unwrap_or(rest.len());
        let (sent_by, params) = (trim(rest.get(..split)?), rest.get(split..)?);
        if !is_token(transport) {
            return None;
        }
        let (host, port) = match sent_by.find([' ', '\t']) {
            None => host_port(sent_by).ok()?,
            Some(_) => {
                let whole: String = sent_by.split([' ', '\t']).filter(|t| !t.is_empty()).collect();
                let colons = whole.contains(':') && sent_by.split([' ', '\t']).filter(|t| !t.is_empty() && *t != ":").count() <= 2;
                host_port(&whole).ok().filter(|_| colons)?
            }
        };
        Some(Self { transport, sent_by, host, port, params })
    }

    /// The raw value of a parameter; `Some("")` without value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'a str> {
        split_list(self.params, b';').find_map(|item| {
            let (n, value) = item.split_once('=').unwrap_or((item, ""));
            trim(n).eq_ignore_ascii_case(name).then_some(trim(value))
        })
    }
    /// The branch, when it was made by RFC 3261's rules (it bears the cookie and something behind it).
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        let branch = self.param("branch")?;
        let cookie = branch.get(..COOKIE.len())?;
        (cookie.eq_ignore_ascii_case(COOKIE) && branch.len() > COOKIE.len()).then_some(branch)
    }
    /// Our kind of transport, when it is one.
    #[must_use]
    pub fn known_transport(&self) -> Option<Transport> {
        Transport::parse(self.transport)
    }
    /// The port answers go to when nothing better is known: as spelt, else 5060.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(5060)
    }
}
