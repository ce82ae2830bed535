//! SIP messages by way of `rsip`, and the few texts inside header values that a phone looks at.

use rsip::{Header, Headers, Request, Response, SipMessage, StatusCode, Uri, Version};
use rsip::headers::UntypedHeader as _;
use std::net::{IpAddr, SocketAddr};

/// Compact names (RFC 3261 §7.3.3, RFC 3265, 3515, 3892, 4028), which `rsip` does not know.
const COMPACT: [(&str, &str); 17] = [
    ("a", "Accept-Contact"),
    ("b", "Referred-By"),
    ("c", "Content-Type"),
    ("e", "Content-Encoding"),
    ("f", "From"),
    ("i", "Call-ID"),
    ("j", "Reject-Contact"),
    ("k", "Supported"),
    ("l", "Content-Length"),
    ("m", "Contact"),
    ("o", "Event"),
    ("r", "Refer-To"),
    ("s", "Subject"),
    ("t", "To"),
    ("u", "Allow-Events"),
    ("v", "Via"),
    ("x", "Session-Expires"),
];

/// Reads one message; folded lines are joined and compact names spelled out first.
pub(crate) fn read(bytes: &[u8]) -> Result<SipMessage, String> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").ok_or("no end of headers")?;
    let (head, body) = bytes.split_at(end);
    let text = std::str::from_utf8(head).map_err(|e| e.to_string())?;
    let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut plain = String::with_capacity(unfolded.len() + 64);
    for (number, line) in unfolded.split("\r\n").enumerate() {
        if number > 0 {
            plain.push_str("\r\n");
        }
        match line.split_once(':') {
            Some((name, value)) if number > 0 => {
                let name = name.trim();
                let long = COMPACT.iter().find(|(short, _)| name.eq_ignore_ascii_case(short)).map_or(name, |(_, long)| long);
                plain.push_str(long);
                plain.push_str(": ");
                plain.push_str(value.trim());
            }
            Some(_) | None => plain.push_str(line),
        }
    }
    let mut whole = plain.into_bytes();
    whole.extend_from_slice(body);
    SipMessage::try_from(whole.as_slice()).map_err(|e| e.to_string())
}

/// A request with this text as its Request-URI, exactly as it is (also `tel:`, which `rsip` cannot spell).
pub(crate) fn request(method: rsip::Method, uri: &str, headers: Vec<Header>, body: Vec<u8>) -> Request {
    let host = rsip::Host::Domain(uri.to_owned().into());
    let uri = Uri { scheme: None, auth: None, host_with_port: host.into(), params: Vec::new(), headers: Vec::new() };
    Request { method, uri, version: Version::V2, headers: headers.into(), body }
}

/// An answer to `request`: its Via, From, To (with `tag` added where it has none), Call-ID, CSeq and Record-Route, then `more`.
#[expect(clippy::wildcard_enum_match_arm, reason = "an answer repeats these headers and no other (RFC 3261 §8.2.6)")]
pub(crate) fn answer(request: &Request, status: u16, tag: &str, more: Vec<Header>, body: Vec<u8>) -> Response {
    let mut headers = Vec::new();
    for header in request.headers.iter() {
        match header {
            Header::Via(_) | Header::From(_) | Header::CallId(_) | Header::CSeq(_) => headers.push(header.clone()),
            Header::RecordRoute(_) if (101..300).contains(&status) => headers.push(header.clone()),
            Header::To(to) => {
                let value = to.value();
                let tagged = if tag.is_empty() || parameter(value, "tag").is_some() { value.to_owned() } else { format!("{value};tag={tag}") };
                headers.push(rsip::headers::To::new(tagged).into());
            }
            _ => {}
        }
    }
    headers.extend(more);
    headers.push(rsip::headers::ContentLength::new(body.len().to_string()).into());
    Response { status_code: StatusCode::from(status), version: Version::V2, headers: headers.into(), body }
}

/// The values of every header of this name, in order.
pub(crate) fn values(headers: &Headers, name: &str) -> Vec<String> {
    headers
        .iter()
        .filter_map(|header| {
            let text = header.to_string();
            let (key, value) = text.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
        .collect()
}

/// The first value of the header of this name.
pub(crate) fn value(headers: &Headers, name: &str) -> Option<String> {
    values(headers, name).into_iter().next()
}

/// A list header's members: split at commas outside quotes and angle brackets.
pub(crate) fn members(values: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    for value in values {
        let (mut quoted, mut depth, mut from) = (false, 0_u32, 0);
        for (at, c) in value.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '<' if !quoted => depth += 1,
                '>' if !quoted => depth = depth.saturating_sub(1),
                ',' if !quoted && depth == 0 => {
                    out.extend(value.get(from..at).map(|s| s.trim().to_owned()));
                    from = at + 1;
                }
                _ => {}
            }
        }
        out.extend(value.get(from..).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()));
    }
    out
}

/// A parameter of a header value (outside the angle brackets, where there are some).
pub(crate) fn parameter(value: &str, name: &str) -> Option<String> {
    let after = value.rsplit_once('>').map_or(value, |(_, rest)| rest);
    after.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The URI of a name-addr or addr-spec header value.
pub(crate) fn uri_of(value: &str) -> &str {
    match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => value.get(open + 1..close).unwrap_or(value),
        (Some(_) | None, Some(_) | None) => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// The socket address a `sip:` URI names, when its host is an IP address (port 5060 by default).
pub(crate) fn address_of(uri: &str) -> Option<SocketAddr> {
    let parsed = Uri::try_from(uri).ok()?;
    let ip: IpAddr = match &parsed.host_with_port.host {
        rsip::Host::IpAddr(ip) => *ip,
        rsip::Host::Domain(name) if name.to_string().eq_ignore_ascii_case("localhost") => IpAddr::from([127, 0, 0, 1]),
        rsip::Host::Domain(_) => return None,
    };
    Some(SocketAddr::new(ip, parsed.host_with_port.port.map_or(5_060, |port| *port.value())))
}

/// The number of a CSeq header.
pub(crate) fn sequence(headers: &Headers) -> Option<u32> {
    value(headers, "CSeq")?.split_whitespace().next()?.parse().ok()
}

/// The method of a CSeq header, upper case.
pub(crate) fn sequence_method(headers: &Headers) -> Option<String> {
    Some(value(headers, "CSeq")?.split_whitespace().nth(1)?.to_ascii_uppercase())
}

/// The branch of the topmost Via.
pub(crate) fn branch(headers: &Headers) -> Option<String> {
    let via = members(values(headers, "Via")).into_iter().next()?;
    parameter(&via, "branch")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn compact_and_folded_headers_are_read() {
        let text = "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP a:5060;branch=z9hG4bKx\r\nf: <sip:a@b>;\r\n tag=1\r\nt: \"B, ob\" <sip:bob@c;lr>\r\ni: 77\r\nCSeq: 4 INVITE\r\nl: 2\r\n\r\nhi";
        let SipMessage::Request(request) = read(text.as_bytes()).unwrap() else { panic!("a request") };
        assert_eq!(branch(&request.headers).as_deref(), Some("z9hG4bKx"));
        assert_eq!(parameter(&value(&request.headers, "from").unwrap(), "tag").as_deref(), Some("1"));
        assert_eq!(uri_of(&value(&request.headers, "To").unwrap()), "sip:bob@c;lr");
        assert_eq!((sequence(&request.headers), sequence_method(&request.headers).as_deref()), (Some(4), Some("INVITE")));
        assert_eq!(request.body, b"hi");
    }

    #[test]
    fn lists_are_split_only_between_members() {
        let list = members(vec!["<sip:a;lr>, \"x, y\" <sip:b,c;lr>;q=1".into(), "<sip:d>".into()]);
        assert_eq!(list, ["<sip:a;lr>", "\"x, y\" <sip:b,c;lr>;q=1", "<sip:d>"]);
    }

    #[test]
    fn any_uri_text_goes_out_as_it_is() {
        let out = request(rsip::Method::Invite, "tel:+15550100", vec![], vec![]).to_string();
        assert!(out.starts_with("INVITE tel:+15550100 SIP/2.0\r\n"), "{out}");
        assert_eq!(address_of("sip:x@127.0.0.1:5070;transport=udp"), Some("127.0.0.1:5070".parse().unwrap()));
        assert_eq!(address_of("sip:x@example.com"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nonsense_never_panics(text in "(INVITE|SIP/2.0) [ -~]{0,40}\r\n([a-zA-Z-]{1,9}:[ -~]{0,40}\r\n){0,6}\r\n[ -~]{0,20}", at in 0_usize..80, byte in any::<u8>()) {
            let mut bytes = text.into_bytes();
            if let Some(b) = bytes.get_mut(at) { *b = byte; }
            if let Ok(message) = read(&bytes) {
                let headers = match &message { SipMessage::Request(r) => &r.headers, SipMessage::Response(r) => &r.headers };
                let _ = (branch(headers), sequence(headers), members(values(headers, "Contact")));
                let _ = value(headers, "To").map(|v| (uri_of(&v).to_owned(), parameter(&v, "tag"), address_of(uri_of(&v))));
            }
        }
    }
}
