//! Dialogs (RFC 3261 §12): one value a leg.

use crate::{Flow, HeaderName, Headers, Method, NameAddr, NextHop, Request, Response, Target, Uri, limits::ROUTES_MAX};
use bytes::Bytes;

/// What names a dialog: Call-ID and both tags, seen from our side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag (empty when an RFC 2543 peer gives none).
    pub remote_tag: String,
}

/// Why an in-dialog request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogRefusal {
    /// The request is of another dialog: 481.
    #[error("call or transaction does not exist")]
    NotThisDialog,
    /// CSeq went backwards: 500 (RFC 3261 §12.2.2).
    #[error("cseq out of order")]
    OutOfOrder,
    /// The Contact of a target refresh cannot be read: 400.
    #[error("unreadable contact")]
    BadContact,
}

impl DialogRefusal {
    /// The status code to answer with.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::NotThisDialog => 481,
            Self::OutOfOrder => 500,
            Self::BadContact => 400,
        }
    }
}

/// One dialog as one side sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    id: DialogId,
    early: bool,
    /// From/To values without tag.
    local: NameAddr,
    remote: NameAddr,
    contact: Option<NameAddr>,
    remote_target: Uri,
    /// In the order they are written.
    routes: Vec<NameAddr>,
    local_cseq: u32,
    /// `None` until the peer's first request (a client dialog).
    remote_cseq: Option<u32>,
    pinned: Option<Pin>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pin {
    Flow(Flow),
    Target(Target),
}

fn untagged(mut address: NameAddr) -> NameAddr {
    address.params.remove("tag");
    address
}

/// The readable Record-Routes; `None` when one is not.
fn record_routes(headers: &Headers) -> Option<Vec<NameAddr>> {
    headers.record_routes().take(ROUTES_MAX).map(NameAddr::parse).collect()
}

impl Dialog {
    /// The dialog our answer to `invite` makes, with `local_tag` as the To tag of that answer (RFC 3261 §12.1.1).
    /// `contact` is our own Contact in it. `None` when the request has no readable Contact or Record-Route.
    #[must_use]
    pub fn as_server(invite: &Request, local_tag: &str, contact: NameAddr) -> Option<Self> {
        let headers = &invite.headers;
        let remote = headers.from()?;
        Some(Self {
            id: DialogId {
                call_id: headers.call_id()?.to_owned(),
                local_tag: local_tag.to_owned(),
                remote_tag: remote.tag().unwrap_or("").to_owned(),
            },
            early: true,
            local: untagged(headers.to()?),
            remote: untagged(remote),
            contact: Some(contact),
            remote_target: headers.contact()?.uri,
            routes: record_routes(headers)?,
            local_cseq: 0,
            remote_cseq: Some(headers.cseq()?.number),
            pinned: None,
        })
    }
    /// The dialog that `response` (101–299) to our INVITE `sent` makes or confirms (§12.1.2). One value a remote tag: a forked
    /// INVITE gives several. `None` when it makes none (no To tag in a provisional, no readable Contact, 100, failures).
    #[must_use]
    pub fn as_client(sent: &Request, response: &Response) -> Option<Self> {
        let headers = &response.headers;
        if !(101..300).contains(&response.code) || headers.call_id() != sent.headers.call_id() {
            return None;
        }
        let (local, remote) = (sent.headers.from()?, headers.to()?);
        if response.is_provisional() && remote.tag().is_none() {
            return None;
        }
        let mut routes = record_routes(headers)?;
        routes.reverse();
        Some(Self {
            id: DialogId {
                call_id: headers.call_id()?.to_owned(),
                local_tag: local.tag().unwrap_or("").to_owned(),
                remote_tag: remote.tag().unwrap_or("").to_owned(),
            },
            early: response.is_provisional(),
            local: untagged(local),
            remote: untagged(remote),
            contact: sent.headers.contact(),
            remote_target: headers.contact()?.uri,
            routes,
            local_cseq: sent.headers.cseq()?.number,
            remote_cseq: None,
            pinned: None,
        })
    }
    /// Call-ID and tags.
    #[must_use]
    pub fn id(&self) -> &DialogId {
        &self.id
    }
    /// Whether no 2xx has confirmed it yet.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.early
    }
    /// A 2xx was sent or received: the dialog is confirmed.
    pub fn confirm(&mut self) {
        self.early = false;
    }
    /// Whether `response` is of this dialog (same Call-ID and tags, we being the client).
    #[must_use]
    pub fn is_of(&self, response: &Response) -> bool {
        let headers = &response.headers;
        headers.call_id() == Some(self.id.call_id.as_str())
            && headers.from_tag().unwrap_or("") == self.id.local_tag
            && headers.to_tag().unwrap_or("") == self.id.remote_tag
    }
    /// The next request in the dialog: CSeq one higher, Route set (loose or strict), Max-Forwards 70, our Contact; without Via and
    /// body. For ACK use [`Dialog::ack`].
    pub fn request(&mut self, method: Method) -> Request {
        // CSeq stays below 2^31 (§8.1.1.5): a dialog that long-lived starts again.
        self.local_cseq = if self.local_cseq >= (1 << 31) - 1 { 1 } else { self.local_cseq + 1 };
        self.build(method, self.local_cseq)
    }
    /// The ACK to a 2xx of the INVITE with this CSeq number (§13.2.2.4).
    #[must_use]
    pub fn ack(&self, invite_cseq: u32) -> Request {
        self.build(Method::Ack, invite_cseq)
    }

    /// §12.2.1.1.
    fn build(&self, method: Method, number: u32) -> Request {
        let mut headers = Headers::new();
        let strict = self.routes.first().filter(|route| !route.uri.is_loose());
        let uri = strict.map_or_else(|| self.remote_target.clone(), |route| {
            let mut uri = route.uri.clone();
            uri.headers.clear();
            uri.params.remove("method");
            uri
        });
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            headers.push(HeaderName::Route, route.to_string());
        }
        if strict.is_some() {
            headers.push(HeaderName::Route, NameAddr::new(self.remote_target.clone()).to_string());
        }
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, tagged(&self.local, &self.id.local_tag));
        headers.push(HeaderName::To, tagged(&self.remote, &self.id.remote_tag));
        headers.push(HeaderName::CallId, &self.id.call_id);
        headers.push(HeaderName::CSeq, format!("{number} {method}"));
        let wants_contact = matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer);
        if let Some(contact) = self.contact.as_ref().filter(|_| wants_contact) {
            headers.push(HeaderName::Contact, contact.to_string());
        }
        Request { method, uri, headers, body: Bytes::new() }
    }

    /// Takes an in-dialog request: checks tags and CSeq order, refreshes the remote target by INVITE, UPDATE, SUBSCRIBE, NOTIFY
    /// and REFER.
    ///
    /// # Errors
    /// [`DialogRefusal`], whose code is the answer to give. ACK and CANCEL never fail on CSeq.
    pub fn receive(&mut self, request: &Request) -> Result<(), DialogRefusal> {
        let headers = &request.headers;
        let ours = headers.call_id() == Some(self.id.call_id.as_str())
            && headers.to_tag().unwrap_or("") == self.id.local_tag
            && headers.from_tag().unwrap_or("") == self.id.remote_tag;
        if !ours {
            return Err(DialogRefusal::NotThisDialog);
        }
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let number = headers.cseq().map_or(0, |cseq| cseq.number);
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(DialogRefusal::OutOfOrder);
        }
        if request.method.refreshes_target() && headers.has(HeaderName::Contact) {
            self.remote_target = headers.contact().ok_or(DialogRefusal::BadContact)?.uri;
        }
        self.remote_cseq = Some(number);
        Ok(())
    }
    /// Takes the Contact of a 2xx (or the first dialog-making provisional) as the new remote target. The first 2xx to the initial INVITE
    /// also brings its Record-Route and confirms the dialog (RFC 3261 §13.2.2.4).
    pub fn refresh_target(&mut self, response: &Response) {
        if let Some(contact) = response.headers.contact() {
            self.remote_target = contact.uri;
        }
        if self.early && response.is_success() {
            if let Some(mut routes) = record_routes(&response.headers) {
                routes.reverse();
                self.routes = routes;
            }
            self.early = false;
        }
    }
    /// Where the next request goes: the pinned path, else the first route, else the remote target.
    #[must_use]
    pub fn next_hop(&self) -> NextHop {
        match (self.pinned, self.routes.first()) {
            (Some(Pin::Flow(flow)), _) => NextHop::Flow(flow),
            (Some(Pin::Target(target)), _) => NextHop::Target(target),
            (None, Some(route)) => NextHop::Uri(route.uri.clone()),
            (None, None) => NextHop::Uri(self.remote_target.clone()),
        }
    }
    /// Sends all that follows along this path (a device behind NAT; the connection the call came on).
    pub fn pin_flow(&mut self, flow: Flow) {
        self.pinned = Some(Pin::Flow(flow));
    }
    /// Sends all that follows to this address.
    pub fn pin_target(&mut self, target: Target) {
        self.pinned = Some(Pin::Target(target));
    }
    /// The peer's Contact URI: the Request-URI of what we send (when the first route is loose).
    #[must_use]
    pub fn remote_target(&self) -> &Uri {
        &self.remote_target
    }
    /// The route set in the order it is written. Empty: the peer itself is the next hop.
    #[must_use]
    pub fn routes(&self) -> &[NameAddr] {
        &self.routes
    }
    /// The peer's From/To value without tag.
    #[must_use]
    pub fn remote(&self) -> &NameAddr {
        &self.remote
    }
    /// Our From/To value without tag.
    #[must_use]
    pub fn local(&self) -> &NameAddr {
        &self.local
    }
    /// The CSeq number of our last request (0 before the first of a server dialog).
    #[must_use]
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }
    /// Changes our Contact in what follows.
    pub fn set_contact(&mut self, contact: NameAddr) {
        self.contact = Some(contact);
    }
}

fn tagged(address: &NameAddr, tag: &str) -> String {
    if tag.is_empty() { address.to_string() } else { format!("{address};tag={tag}") }
}
