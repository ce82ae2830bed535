//! Requests and responses: reading, writing, answering.

use crate::{
    HeaderName, Headers, Method, Uri,
    headers::Text,
    limits::{HEADERS_MAX, MESSAGE_BYTES_MAX},
    refusal,
    scan::{is_token, trim},
    uri::BadUri,
};
use bytes::Bytes;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// All headers.
    pub headers: Headers,
    /// The body, any bytes.
    pub body: Bytes,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// 100–699.
    pub code: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// All headers.
    pub headers: Headers,
    /// The body, any bytes.
    pub body: Bytes,
}

/// A SIP message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// Why bytes are no message, and what is to be said about it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("malformed message: {why}")]
pub struct Malformed {
    /// What is wrong.
    pub why: &'static str,
    /// The answer the RFC wants; `None`: silence.
    pub answer: Option<Box<Response>>,
}

impl Malformed {
    pub(crate) const fn silent(why: &'static str) -> Self {
        Self { why, answer: None }
    }
}

/// The start line as read.
enum Start {
    Request(Method, Uri),
    Response(u16, String),
    /// A request line that can be answered but not obeyed.
    Refuse(u16, &'static str),
    Silent(&'static str),
}

impl Message {
    /// Reads a whole datagram, or one message framed from a stream. Bytes behind `Content-Length` are ignored (RFC 3261 §18.3).
    ///
    /// # Errors
    /// [`Malformed`] with the answer to give, if any; see [`refusal`].
    pub fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Malformed::silent("too long"));
        }
        let skip = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let bytes = bytes.slice(skip..);
        if bytes.is_empty() {
            return Err(Malformed::silent("empty"));
        }
        let (head_len, body_at) = head_end(&bytes).unwrap_or((bytes.len(), bytes.len()));
        match std::str::from_utf8(bytes.get(..head_len).unwrap_or(&[])) {
            Ok(_) => Self::parse_text(bytes.slice(..head_len), bytes.slice(body_at..), None),
            Err(_) => {
                let lossy = String::from_utf8_lossy(bytes.get(..head_len).unwrap_or(&[])).into_owned();
                Self::parse_text(Bytes::from(lossy), Bytes::new(), Some("head is not UTF-8"))
            }
        }
    }

    /// `head` is UTF-8. With a `fault` the message is refused in any case.
    fn parse_text(head: Bytes, rest: Bytes, fault: Option<&'static str>) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(&head).map_err(|_| Malformed::silent("head is not UTF-8"))?;
        let line_end = text.find('\n').unwrap_or(text.len());
        let start = read_start(text.get(..line_end).unwrap_or("").trim_end_matches('\r'));
        let (headers, header_fault) = read_headers(&head, text, line_end + 1);
        let fault = fault.or(header_fault);
        match start {
            Start::Silent(why) => Err(Malformed::silent(why)),
            Start::Refuse(code, why) => Err(refusal::malformed(&headers, code, why)),
            Start::Response(code, reason) => {
                if let Some(why) = fault {
                    return Err(Malformed::silent(why));
                }
                let body = body_of(&headers, rest).map_err(Malformed::silent)?;
                let response = Response { code, reason, headers, body };
                refusal::check_response(&response).map_err(Malformed::silent)?;
                Ok(Self::Response(response))
            }
            Start::Request(method, uri) => {
                let silent = method == Method::Ack;
                let refuse = |headers: &Headers, code, why| {
                    if silent { Malformed::silent(why) } else { refusal::malformed(headers, code, why) }
                };
                if let Some(why) = fault {
                    return Err(refuse(&headers, 400, why));
                }
                let body = body_of(&headers, rest).map_err(|why| refuse(&headers, 400, why))?;
                let request = Request { method, uri, headers, body };
                match refusal::check_request(&request) {
                    Ok(()) => Ok(Self::Request(request)),
                    Err((code, why)) => Err(refuse(&request.headers, code, why)),
                }
            }
        }
    }

    /// Appends the message in wire form, `Content-Length` last and right.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => request.write(out),
            Self::Response(response) => response.write(out),
        }
    }
    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }
}

/// Where the head ends and the body begins.
pub(crate) fn head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == b'\n').map(|at| at + from) {
        match bytes.get(at + 1..)? {
            [b'\r', b'\n', ..] => return Some((at + 1, at + 3)),
            [b'\n', ..] => return Some((at + 1, at + 2)),
            _ => from = at + 1,
        }
    }
    None
}

fn read_start(line: &str) -> Start {
    if let Some(rest) = line.get(..4).filter(|p| p.eq_ignore_ascii_case("SIP/")).and_then(|_| line.get(4..)) {
        let Some((version, rest)) = rest.split_once(' ') else { return Start::Silent("bad status line") };
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let good = version == "2.0" && code.len() == 3;
        return match code.parse::<u16>() {
            Ok(code @ 100..=699) if good => Start::Response(code, reason.to_owned()),
            Ok(_) | Err(_) => Start::Silent("bad status line"),
        };
    }
    let Some((line, version)) = line.trim_end_matches([' ', '\t']).rsplit_once(' ') else {
        return Start::Silent("no start line");
    };
    let Some(number) = version.get(..4).filter(|p| p.eq_ignore_ascii_case("SIP/")).and_then(|_| version.get(4..)) else {
        return Start::Silent("not SIP");
    };
    if number != "2.0" {
        return Start::Refuse(505, "unknown version");
    }
    let Some((method, uri)) = line.split_once(' ') else { return Start::Refuse(400, "bad request line") };
    let Some(method) = Method::parse(method) else { return Start::Refuse(400, "bad method") };
    match Uri::parse(uri) {
        Ok(uri) => Start::Request(method, uri),
        Err(_) if method == Method::Ack => Start::Silent("bad request uri"),
        Err(BadUri::Scheme | BadUri::User | BadUri::Host | BadUri::Port | BadUri::Param | BadUri::Header | BadUri::Character) => {
            Start::Refuse(400, "bad request uri")
        }
    }
}

/// Reads header lines from byte `from` of the head. A line that cannot be read is left out and named as the fault.
fn read_headers(head: &Bytes, text: &str, from: usize) -> (Headers, Option<&'static str>) {
    let mut headers = Headers::over(head.clone());
    let mut fault = None;
    let mut at = from;
    while at < text.len() {
        let Some(rest) = text.get(at..) else { break };
        let (end, folded) = logical_line(rest);
        let line = rest.get(..end).unwrap_or("");
        if headers.len() >= HEADERS_MAX {
            fault = Some("too many headers");
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if is_token(name.trim_end_matches([' ', '\t'])) => {
                let name = name.trim_end_matches([' ', '\t']);
                let span = |part: &str, offset: usize| {
                    let from = u32::try_from(offset).unwrap_or(u32::MAX);
                    (from, from.saturating_add(u32::try_from(part.len()).unwrap_or(0)))
                };
                let colon = line.find(':').unwrap_or(0);
                let lead = value.len() - value.trim_start_matches([' ', '\t', '\r', '\n']).len();
                let value = trim(value);
                let value_text = if folded {
                    Text::Own(unfold(value))
                } else {
                    let (from, to) = span(value, at + colon + 1 + lead);
                    Text::Raw(from, to)
                };
                headers.add_read(name, span(name, at), value_text);
            }
            Some(_) | None if trim(line).is_empty() => {}
            Some(_) | None => fault = fault.or(Some("bad header line")),
        }
        at += end + 1;
    }
    (headers, fault)
}

/// Length of the line with its continuations (without the last line end), and whether there were any.
fn logical_line(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut folded = false;
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
        let end = from + at;
        if matches!(bytes.get(end + 1), Some(b' ' | b'\t')) {
            folded = true;
            from = end + 1;
        } else {
            return (end, folded);
        }
    }
    (bytes.len(), folded)
}

/// Folds become one space (RFC 3261 §7.3.1).
fn unfold(value: &str) -> Box<str> {
    let mut out = String::with_capacity(value.len());
    for (at, line) in value.split('\n').enumerate() {
        let line = line.trim_end_matches('\r');
        if at > 0 {
            out.push(' ');
        }
        out.push_str(if at > 0 { line.trim_start_matches([' ', '\t']) } else { line });
    }
    out.into()
}

/// What `Content-Length` says of what follows the head; all of it when it says nothing.
fn body_of(headers: &Headers, rest: Bytes) -> Result<Bytes, &'static str> {
    match content_length(headers)? {
        None => Ok(rest),
        Some(length) if length <= rest.len() => Ok(rest.slice(..length)),
        Some(_) => Err("body shorter than content-length"),
    }
}

/// The announced length; several equal ones count as one.
pub(crate) fn content_length(headers: &Headers) -> Result<Option<usize>, &'static str> {
    let mut length = None;
    for value in headers.all(HeaderName::ContentLength) {
        let fresh = crate::headers::number(value).ok_or("bad content-length")?;
        if length.is_some_and(|known| known != fresh) {
            return Err("two content-lengths");
        }
        length = Some(fresh);
    }
    Ok(length.map(|l| l as usize))
}

impl Request {
    /// A request without headers.
    #[must_use]
    pub const fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::new(), body: Bytes::new() }
    }
    /// The answer to it: `Via`s, `From`, `To`, `Call-ID`, `CSeq` copied; `Record-Route` copied into what makes a dialog (101–299 to
    /// INVITE, SUBSCRIBE, REFER); `Timestamp` into 100. The To tag is added by the caller ([`Response::set_to_tag`]) or, where missing, by the endpoint.
    #[must_use]
    pub fn respond(&self, code: u16, reason: &str) -> Response {
        let mut headers = Headers::new();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            headers.copy_from(&self.headers, name);
        }
        let makes_dialog = matches!(self.method, Method::Invite | Method::Subscribe | Method::Refer) && (101..300).contains(&code);
        if makes_dialog {
            headers.copy_from(&self.headers, HeaderName::RecordRoute);
        }
        if code == 100 {
            headers.copy_from(&self.headers, HeaderName::Timestamp);
        }
        let reason = if reason.is_empty() { reason_phrase(code) } else { reason };
        Response { code, reason: crate::scan::one_line(reason).into(), headers, body: Bytes::new() }
    }
    /// Sets the body and its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }
    /// Appends the request in wire form.
    pub fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        let _ = write!(out, "{} {} SIP/2.0\r\n", self.method, self.uri);
        write_rest(&self.headers, &self.body, out);
    }
    /// The request in wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(600 + self.body.len());
        self.write(&mut out);
        out.into()
    }
}

impl Response {
    /// Whether it is 1xx.
    #[must_use]
    pub const fn is_provisional(&self) -> bool {
        self.code < 200
    }
    /// Whether it is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.code >= 200 && self.code < 300
    }
    /// Gives `To` this tag unless it has one.
    pub fn set_to_tag(&mut self, tag: &str) {
        if self.headers.to_tag().is_none() {
            let Some(to) = self.headers.get(HeaderName::To) else { return };
            // Only brackets keep the tag out of the URI, and the received form may lack them: parameters there are the header's (§20).
            let fresh = format!("{to};tag={tag}");
            self.headers.set(HeaderName::To, fresh);
        }
    }
    /// Sets the body and its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }
    /// Appends the response in wire form.
    pub fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        let _ = write!(out, "SIP/2.0 {} {}\r\n", self.code, self.reason);
        write_rest(&self.headers, &self.body, out);
    }
    /// The response in wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(600 + self.body.len());
        self.write(&mut out);
        out.into()
    }
}

fn write_rest(headers: &Headers, body: &[u8], out: &mut Vec<u8>) {
    use std::io::Write;
    headers.write(out);
    let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
    out.extend_from_slice(body);
}

/// The usual reason phrase of a status code (RFC 3261 §21 and later RFCs).
#[must_use]
pub const fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "Unknown",
    }
}
