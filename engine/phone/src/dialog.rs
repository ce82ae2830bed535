//! A dialog as a phone keeps it (RFC 3261 §12): identifiers, sequence numbers, route set, remote target.

use crate::message;
use rsip::headers::UntypedHeader as _;
use rsip::{Header, Headers, Method, Request, Response, headers as h};
use std::net::SocketAddr;

/// One dialog, early or confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our From (or, called, To) value with our tag.
    pub(crate) local: String,
    /// The far end's value, with its tag once known.
    pub(crate) remote: String,
    /// The remote target URI.
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    pub(crate) sequence: u32,
    pub(crate) peer_sequence: Option<u32>,
    /// Numbers of our session descriptions' origin.
    pub(crate) session: u64,
    pub(crate) version: u64,
    /// Where to send when neither route nor target is an IP address, or while `through_hop`.
    pub(crate) hop: SocketAddr,
    /// Whether everything goes to `hop` (before the dialog has a route set: our outbound proxy).
    pub(crate) through_hop: bool,
}

impl Dialog {
    /// A request in this dialog without Via and Content-Length, and where to send it. Counts the CSeq up.
    pub(crate) fn request(&mut self, method: Method, more: Vec<Header>, body: Vec<u8>) -> (Request, SocketAddr) {
        self.sequence += 1;
        self.build(method, self.sequence, more, body)
    }

    /// The ACK of a 2xx to the INVITE of this CSeq.
    pub(crate) fn ack(&self, sequence: u32, more: Vec<Header>, body: Vec<u8>) -> (Request, SocketAddr) {
        self.build(Method::Ack, sequence, more, body)
    }

    fn build(&self, method: Method, sequence: u32, more: Vec<Header>, body: Vec<u8>) -> (Request, SocketAddr) {
        let mut headers: Vec<Header> = vec![
            h::MaxForwards::new("70").into(),
            h::From::new(self.local.clone()).into(),
            h::To::new(self.remote.clone()).into(),
            h::CallId::new(self.call_id.clone()).into(),
            h::CSeq::new(format!("{sequence} {method}")).into(),
        ];
        headers.extend(self.routes.iter().map(|route| h::Route::new(route.clone()).into()));
        headers.extend(more);
        let nearest = self.routes.first().map_or(self.target.as_str(), |route| message::uri_of(route));
        let to = if self.through_hop { self.hop } else { message::address_of(nearest).unwrap_or(self.hop) };
        (message::request(method, &self.target, headers, body), to)
    }

    /// The far end answered our INVITE: its tag, contact and, the first time, the route set (RFC 3261 §12.1.2).
    pub(crate) fn learn_from_answer(&mut self, response: &Response, first: bool) {
        if let Some(to) = message::value(&response.headers, "To") {
            self.remote = to;
        }
        if let Some(contact) = message::members(message::values(&response.headers, "Contact")).first() {
            self.target = message::uri_of(contact).to_owned();
        }
        if first {
            self.routes = message::members(message::values(&response.headers, "Record-Route"));
            self.routes.reverse();
        }
        self.through_hop = false;
    }

    /// Whether headers of a request belong here: Call-ID and both tags.
    pub(crate) fn owns(&self, headers: &Headers) -> bool {
        let tag = |name: &str| message::value(headers, name).and_then(|v| message::parameter(&v, "tag"));
        message::value(headers, "Call-ID").is_some_and(|id| id == self.call_id)
            && tag("To") == message::parameter(&self.local, "tag")
            && tag("From") == message::parameter(&self.remote, "tag")
    }
}
