//! From a REGISTER request to what it asks for (RFC 3261 §10.3, RFC 3327, RFC 5626 §4.1).

use crate::{
    contact::Asked,
    limits::{CONTACTS_A_REQUEST_MAX, LABEL_BYTES_MAX, PATH_MAX},
};
use sip::{Flow, HeaderName, NameAddr, Params, Request};
use terms::Name;

/// The Contacts of a REGISTER.
#[derive(Clone, Debug, PartialEq)]
pub enum Contacts {
    /// None: the device asks for the list.
    None,
    /// `*`: forget all devices.
    Star,
    /// These.
    List(Vec<Asked>),
}

/// A REGISTER whose sender has proven to be the connection, taken apart.
#[derive(Clone, Debug)]
pub struct Register {
    /// Whose devices.
    pub connection: Name,
    /// Its Call-ID.
    pub call_id: String,
    /// Its CSeq number.
    pub cseq: u32,
    /// Its Expires header, seconds.
    pub expires: Option<u32>,
    /// What it asks for.
    pub contacts: Contacts,
    /// Path values (RFC 3327), first hop first; only from sources the caller of this room trusts to set it.
    pub path: Vec<String>,
    /// Its User-Agent, cut.
    pub agent: Option<String>,
    /// The flow it came by.
    pub source: Flow,
}

/// Why a REGISTER cannot be taken apart: answer 400 with this phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

impl Register {
    /// Reads a REGISTER. With `keep_path` its Path is kept, else left out.
    ///
    /// # Errors
    /// [`Unreadable`] when a contact cannot be read, `*` stands beside another, or there are more than
    /// [`CONTACTS_A_REQUEST_MAX`].
    pub fn read(request: &Request, connection: Name, source: Flow, keep_path: bool) -> Result<Self, Unreadable> {
        let headers = &request.headers;
        let call_id = headers.call_id().ok_or(Unreadable("no Call-ID"))?.to_owned();
        let cseq = headers.cseq().ok_or(Unreadable("no CSeq"))?.number;
        let path: Vec<String> = if keep_path { headers.list(HeaderName::Path).map(str::to_owned).collect() } else { Vec::new() };
        if path.len() > PATH_MAX || path.iter().any(|hop| NameAddr::parse(hop).is_none_or(|hop| !hop.uri.is_sip())) {
            return Err(Unreadable("bad Path"));
        }
        Ok(Self {
            connection,
            call_id,
            cseq,
            expires: headers.expires(),
            contacts: contacts(request)?,
            path,
            agent: headers.get(HeaderName::UserAgent).map(cut),
            source,
        })
    }
}

fn contacts(request: &Request) -> Result<Contacts, Unreadable> {
    let headers = &request.headers;
    let values: Vec<&str> = headers.list(HeaderName::Contact).take(CONTACTS_A_REQUEST_MAX + 1).collect();
    if values.is_empty() {
        // A Contact line that holds no value is not the same as no Contact line.
        return if headers.has(HeaderName::Contact) { Err(Unreadable("bad Contact")) } else { Ok(Contacts::None) };
    }
    if values.len() > CONTACTS_A_REQUEST_MAX {
        return Err(Unreadable("too many Contacts"));
    }
    if values.contains(&"*") {
        return if values.len() == 1 { Ok(Contacts::Star) } else { Err(Unreadable("Contact * beside another")) };
    }
    let asked: Option<Vec<Asked>> = values.into_iter().map(|value| asked(&NameAddr::parse(value)?)).collect();
    asked.map(Contacts::List).ok_or(Unreadable("bad Contact"))
}

fn asked(contact: &NameAddr) -> Option<Asked> {
    let params: &Params = &contact.params;
    Some(Asked {
        uri: contact.uri.clone(),
        q: params.raw("q").flatten().map_or(Some(1_000), thousandths)?,
        // RFC 3261 §20.19: what is malformed counts as 3600.
        expires: params.raw("expires").map(|text| text.and_then(seconds).unwrap_or(3_600)),
        instance: params.get("+sip.instance").filter(|id| !id.is_empty()).map(|id| cut(&id)),
    })
}

/// `1*DIGIT`, at most 2³²−1.
fn seconds(text: &str) -> Option<u32> {
    let good = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.parse().unwrap_or(u32::MAX))
}

/// A qvalue (`0`, `0.7`, `1.000`) in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("1", 0) => Some(1_000),
        ("1", _) => None,
        _ => Some(fraction),
    }
}

/// At most [`LABEL_BYTES_MAX`] bytes, cut between characters, without control characters.
fn cut(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if out.len() + c.len_utf8() > LABEL_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_values_are_read_in_thousandths() {
        for (text, q) in [("0", Some(0)), ("1", Some(1_000)), ("0.7", Some(700)), ("0.005", Some(5)), ("1.000", Some(1_000))] {
            assert_eq!(thousandths(text), q, "{text}");
        }
        for text in ["", "2", "1.1", "0.1234", "-1", ".5", "0.x"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(100)).len(), LABEL_BYTES_MAX);
        assert_eq!(cut("a\r\nb"), "a  b");
    }
}
