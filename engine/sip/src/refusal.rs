//! What is refused before anybody sees it: one table from "what is wrong" to the answer the RFC wants, or silence.
//!
//! | wrong | answer |
//! | --- | --- |
//! | not SIP at all, a bad status line, a malformed response or ACK | silence |
//! | SIP version other than 2.0 | 505 |
//! | request line, header or mandatory value that cannot be read, or two where one must be | 400 |
//! | no usable Via | 400 to the packet's source |
//! | method we never serve | 405 with Allow; 501 when it is no method known to us |
//! | Request-URI scheme we never serve | 416 |
//! | Require of an unknown extension | 420 with Unsupported |
//! | body type or encoding we never read | 415 with Accept or Accept-Encoding |
//! | first INVITE with Max-Forwards 0 (we would call on) | 483 |
//!
//! All are answered without a transaction.

use crate::{
    HeaderName, Headers, Malformed, Method, Request, Response, Uri, Via,
    address::AddrParts,
    headers::number,
    limits::VIAS_MAX,
    message::reason_phrase,
    scan::trim,
};

/// What the engine understands (RFC 3261 §8.2.1–8.2.3).
#[derive(Clone, Debug)]
pub struct Abilities {
    /// Methods served, for `Allow`. ACK and CANCEL are always served.
    pub methods: Vec<Method>,
    /// Extensions served, for `Supported`.
    pub extensions: Vec<String>,
    /// Body types read (lower case), for `Accept`. Empty: any.
    pub body_types: Vec<String>,
}

impl Default for Abilities {
    /// The spine's: INVITE ACK BYE CANCEL OPTIONS REGISTER UPDATE INFO NOTIFY; no extensions; any body type.
    fn default() -> Self {
        use Method::{Ack, Bye, Cancel, Info, Invite, Notify, Options, Register, Update};
        Self { methods: vec![Invite, Ack, Bye, Cancel, Options, Register, Update, Info, Notify], extensions: Vec::new(), body_types: Vec::new() }
    }
}

impl Abilities {
    /// The value of `Allow`.
    #[must_use]
    pub fn allow(&self) -> String {
        self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }
    /// The table's second half: the answer to a well-formed request that asks for what is not served.
    #[must_use]
    pub fn screen(&self, request: &Request) -> Option<Response> {
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return None;
        }
        if !self.methods.contains(&request.method) {
            let code = if matches!(request.method, Method::Other(_)) { 501 } else { 405 };
            let mut response = request.respond(code, "");
            response.headers.push(HeaderName::Allow, self.allow());
            return Some(response);
        }
        if !request.uri.is_sip() && request.uri.scheme != crate::Scheme::Tel {
            return Some(request.respond(416, ""));
        }
        let unknown: Vec<&str> =
            request.headers.require().filter(|tag| !self.extensions.iter().any(|e| e.eq_ignore_ascii_case(tag))).collect();
        if !unknown.is_empty() {
            let mut response = request.respond(420, "");
            response.headers.push(HeaderName::Unsupported, unknown.join(", "));
            return Some(response);
        }
        if !request.body.is_empty()
            && let Some(response) = self.screen_body(request)
        {
            return Some(response);
        }
        let begins_call = request.method == Method::Invite && request.headers.to_tag().is_none();
        (begins_call && request.headers.max_forwards() == Some(0)).then(|| request.respond(483, ""))
    }

    fn screen_body(&self, request: &Request) -> Option<Response> {
        let optional =
            request.headers.get(HeaderName::ContentDisposition).is_some_and(|v| v.to_ascii_lowercase().contains("handling=optional"));
        if optional {
            return None;
        }
        let encoded = request.headers.list(HeaderName::ContentEncoding).any(|e| !e.eq_ignore_ascii_case("identity"));
        let known_type = self.body_types.is_empty()
            || request.headers.content_type().is_some_and(|t| self.body_types.contains(&t));
        if !encoded && known_type {
            return None;
        }
        let mut response = request.respond(415, "");
        if encoded {
            response.headers.push(HeaderName::AcceptEncoding, "identity");
        }
        if !known_type {
            response.headers.push(HeaderName::Accept, self.body_types.join(", "));
        }
        Some(response)
    }
}

/// The answer to a request that cannot be read whole: made from what of it can.
pub(crate) fn malformed(headers: &Headers, code: u16, why: &'static str) -> Malformed {
    // An answer needs at least a way back and something the sender can match it by.
    let answerable = headers.has(HeaderName::Via) && headers.has(HeaderName::CSeq);
    let is_ack = headers.get(HeaderName::CSeq).is_some_and(|value| trim(value).ends_with("ACK"));
    if !answerable || is_ack {
        return Malformed::silent(why);
    }
    let mut answer = Response { code, reason: reason_phrase(code).to_owned(), headers: Headers::new(), body: bytes::Bytes::new() };
    if code == 400 {
        answer.reason = format!("Bad Request ({why})");
    }
    answer.headers.copy_from(headers, HeaderName::Via);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        if let Some(value) = headers.get(name) {
            answer.headers.push(name, value);
        }
    }
    Malformed { why, answer: Some(Box::new(answer)) }
}

fn single(headers: &Headers, name: HeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.all(name);
    let first = values.next();
    if values.next().is_some() { Err("two of a single header") } else { Ok(first) }
}

fn check_address(headers: &Headers, name: HeaderName, missing: &'static str, bad: &'static str) -> Result<(), &'static str> {
    let value = single(headers, name)?.ok_or(missing)?;
    let parts = AddrParts::split(value).ok_or(bad)?;
    Uri::parse(parts.uri).map_err(|_| bad)?;
    crate::Params::parse(parts.params).map(|_| ()).ok_or(bad)
}

/// What request and response share.
fn check_headers(headers: &Headers) -> Result<(), &'static str> {
    let mut vias = 0;
    for value in headers.list(HeaderName::Via) {
        vias += 1;
        if vias > VIAS_MAX || Via::parse(value).is_none() {
            return Err("bad via");
        }
    }
    if vias == 0 {
        return Err("no via");
    }
    check_address(headers, HeaderName::From, "no from", "bad from")?;
    check_address(headers, HeaderName::To, "no to", "bad to")?;
    if single(headers, HeaderName::CallId)?.is_none_or(|id| id.is_empty() || id.contains([' ', '\t'])) {
        return Err("bad call-id");
    }
    single(headers, HeaderName::CSeq)?;
    headers.cseq().map(|_| ()).ok_or("bad cseq")
}

/// The table's first half.
pub(crate) fn check_request(request: &Request) -> Result<(), (u16, &'static str)> {
    let bad = |why| (400, why);
    let headers = &request.headers;
    check_headers(headers).map_err(bad)?;
    if headers.cseq().is_none_or(|cseq| cseq.method != request.method) {
        return Err(bad("cseq of another method"));
    }
    if !request.uri.headers.is_empty() {
        return Err(bad("headers in request uri"));
    }
    for name in [HeaderName::MaxForwards, HeaderName::Expires, HeaderName::ContentType, HeaderName::Event] {
        single(headers, name).map_err(bad)?;
    }
    if headers.get(HeaderName::MaxForwards).is_some_and(|value| number(value).is_none_or(|n| n > 255)) {
        return Err(bad("bad max-forwards"));
    }
    if headers.has(HeaderName::Contact) && !(request.method == Method::Register && headers.contact_is_star()) && headers.contacts().is_none() {
        return Err(bad("bad contact"));
    }
    Ok(())
}

/// A response that cannot be matched or trusted is dropped.
pub(crate) fn check_response(response: &Response) -> Result<(), &'static str> {
    check_headers(&response.headers)
}
