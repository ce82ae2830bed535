//! Dialogs (RFC 3261 §12): one value a leg.

use crate::{Flow, Method, NameAddr, NextHop, Request, Response, Target, Uri};

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
}

impl Dialog {
    /// The dialog our answer to `invite` makes, with `local_tag` as the To tag of that answer (RFC 3261 §12.1.1).
    /// `contact` is our own Contact in it. `None` when the request has no readable Contact.
    #[must_use]
    pub fn as_server(invite: &Request, local_tag: &str, contact: NameAddr) -> Option<Self> {
        let _ = (invite, local_tag, contact);
        todo!()
    }
    /// The dialog that `response` (101–299) to our INVITE `sent` makes or confirms (§12.1.2). One value a remote tag: a forked
    /// INVITE gives several. `None` when it makes none (no To tag, no readable Contact, 100, failures).
    #[must_use]
    pub fn as_client(sent: &Request, response: &Response) -> Option<Self> {
        let _ = (sent, response);
        todo!()
    }
    /// Call-ID and tags.
    #[must_use]
    pub fn id(&self) -> &DialogId {
        &self.id
    }
    /// Whether no 2xx has confirmed it yet.
    #[must_use]
    pub fn is_early(&self) -> bool {
        todo!()
    }
    /// A 2xx was sent or received: the dialog is confirmed.
    pub fn confirm(&mut self) {
        todo!()
    }
    /// Whether `response` is of this dialog (same Call-ID and tags, we being the client).
    #[must_use]
    pub fn is_of(&self, response: &Response) -> bool {
        let _ = response;
        todo!()
    }
    /// The next request in the dialog: CSeq one higher, Route set (loose or strict), Max-Forwards 70, our Contact; without Via and
    /// body. For ACK use [`Dialog::ack`].
    pub fn request(&mut self, method: Method) -> Request {
        let _ = method;
        todo!()
    }
    /// The ACK to a 2xx of the INVITE with this CSeq number (§13.2.2.4).
    #[must_use]
    pub fn ack(&self, invite_cseq: u32) -> Request {
        let _ = invite_cseq;
        todo!()
    }
    /// Takes an in-dialog request: checks tags and CSeq order, refreshes the remote target by INVITE, UPDATE and SUBSCRIBE.
    ///
    /// # Errors
    /// [`DialogRefusal`], whose code is the answer to give. ACK and CANCEL never fail on CSeq.
    pub fn receive(&mut self, request: &Request) -> Result<(), DialogRefusal> {
        let _ = request;
        todo!()
    }
    /// Takes the Contact of a 2xx (or the first dialog-making provisional) as the new remote target, and for a first 2xx to the
    /// initial INVITE also its Record-Route (RFC 3261 §13.2.2.4).
    pub fn refresh_target(&mut self, response: &Response) {
        let _ = response;
        todo!()
    }
    /// Where the next request goes: the pinned path, else the first route, else the remote target.
    #[must_use]
    pub fn next_hop(&self) -> NextHop {
        todo!()
    }
    /// Sends all that follows along this path (a device behind NAT; the connection the call came on).
    pub fn pin_flow(&mut self, flow: Flow) {
        let _ = flow;
        todo!()
    }
    /// Sends all that follows to this address.
    pub fn pin_target(&mut self, target: Target) {
        let _ = target;
        todo!()
    }
    /// The peer's Contact URI: the Request-URI of what we send (when the first route is loose).
    #[must_use]
    pub fn remote_target(&self) -> &Uri {
        todo!()
    }
    /// The peer's From/To value without tag.
    #[must_use]
    pub fn remote(&self) -> &NameAddr {
        todo!()
    }
    /// Our From/To value without tag.
    #[must_use]
    pub fn local(&self) -> &NameAddr {
        todo!()
    }
    /// The CSeq number of our last request (0 before the first of a server dialog).
    #[must_use]
    pub fn local_cseq(&self) -> u32 {
        todo!()
    }
    /// Changes our Contact in what follows.
    pub fn set_contact(&mut self, contact: NameAddr) {
        let _ = contact;
        todo!()
    }
}
