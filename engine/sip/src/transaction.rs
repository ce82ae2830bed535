//! The four transaction machines (RFC 3261 §17), pure: told what happened, they say what to do. Who sends, and along which
//! path, is the endpoint's.

mod invite_client;
mod invite_server;
mod plain_client;
mod plain_server;

pub(crate) use invite_client::InviteClient;
pub(crate) use invite_server::InviteServer;
pub(crate) use plain_client::PlainClient;
pub(crate) use plain_server::PlainServer;

/// What a machine wants when time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Nothing is due.
    Nothing,
    /// Send the last message again.
    Repeat,
    /// Send `100 Trying`.
    Trying,
    /// Nobody answered: tell the user, then forget the transaction.
    TimedOut,
    /// Forget the transaction.
    Ended,
}

/// What a client machine makes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Tell the user.
    Deliver,
    /// Acknowledge (a final other than 2xx to INVITE) and tell the user.
    AckAndDeliver,
    /// Acknowledge once more; the user knows already.
    AckAgain,
    /// Say nothing.
    Absorb,
}
