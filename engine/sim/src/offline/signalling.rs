//! The SIP that the two ends of an offline call say: an INVITE, its ACK, BYE, answers and descriptions. No wire carries it.

use bytes::Bytes;
use sip::{Flow, HeaderName, Message, Method, NameAddr, Request, Response, Transport, Uri};
use std::net::SocketAddr;

/// Where the exchange is said to be.
pub(crate) const EXCHANGE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)), 5_060);

/// One end: its name in URIs and its address.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) user: String,
    pub(crate) address: SocketAddr,
}

impl End {
    /// The path by which it is reached.
    pub(crate) const fn flow(&self) -> Flow {
        Flow { transport: Transport::Udp, local: EXCHANGE, peer: self.address, connection: 0 }
    }

    /// Its Contact.
    pub(crate) fn contact(&self) -> Uri {
        Uri::sip(&self.user, sip::Host::Ip(self.address.ip()), Some(self.address.port()))
    }

    /// Where its sound goes and comes from.
    pub(crate) const fn media(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), 4_000)
    }

    /// What it speaks: PCMU and keys as events.
    pub(crate) fn description(&self) -> String {
        let (ip, port) = (self.media().ip(), self.media().port());
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
        )
    }
}

/// The caller's INVITE. `None` when a name in it cannot be written as SIP.
pub(crate) fn invite(caller: &End, display: &str, dialled: &str, call_id: &str) -> Option<Request> {
    let to = Uri::sip(dialled, sip::Host::Ip(EXCHANGE.ip()), None);
    let mut from = NameAddr::new(caller.contact()).with_tag("caller");
    if !display.is_empty() {
        from = from.with_display(display);
    }
    let text = format!(
        "INVITE {to} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK-1\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: <{to}>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <{}>\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n",
        caller.address,
        caller.contact(),
    );
    let Ok(Message::Request(mut request)) = Message::parse(Bytes::from(text)) else { return None };
    request.body = caller.description().into();
    Some(request)
}

/// A later request of the end that sent `invite`: ACK (CSeq 1) or BYE and the like, in the dialog with the answerer's tag.
pub(crate) fn follow(invite: &Request, method: Method, cseq: u32, tag: &str) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId] {
        request.headers.copy_from(&invite.headers, name);
    }
    if let Some(to) = invite.headers.to() {
        request.headers.push(HeaderName::To, to.with_tag(tag).to_string());
    }
    request.headers.push(HeaderName::MaxForwards, "70");
    request.headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
    request
}

/// A request of the end that received `invite` and answered it with `tag`.
pub(crate) fn back(invite: &Request, method: Method, cseq: u32, tag: &str) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    request.headers.copy_from(&invite.headers, HeaderName::CallId);
    if let (Some(from), Some(to)) = (invite.headers.to(), invite.headers.from()) {
        request.headers.push(HeaderName::From, from.with_tag(tag).to_string());
        request.headers.push(HeaderName::To, to.to_string());
    }
    request.headers.push(HeaderName::MaxForwards, "70");
    request.headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
    request
}

/// An answer to a request the exchange sent: with Contact and, where it offers or answers, a description.
pub(crate) fn answer(request: &Request, code: u16, end: &End, tag: &str) -> Response {
    let mut response = request.respond(code, "");
    response.set_to_tag(tag);
    if code > 100 && code < 300 && matches!(request.method, Method::Invite | Method::Update) {
        response.headers.set(HeaderName::Contact, NameAddr::new(end.contact()).to_string());
        if code >= 200 && (request.method == Method::Invite || !request.body.is_empty()) {
            response.set_body("application/sdp", end.description());
        }
    }
    response
}
