//! # sip: from bytes to transactions and dialogs, without a socket
//!
//! **Owns** SIP messages (RFC 3261 §7, §25), the splitting of streams into messages, the four transaction machines
//! (RFC 3261 §17 with RFC 6026 and RFC 4320), dialogs (§12), digest authentication (RFC 7616/8760), SIP's timers and the
//! order in which resolved addresses are tried (RFC 3263).
//!
//! **Never** knows session descriptions, media, users, flows, sockets, threads or a clock.
//!
//! **Door**: [`Endpoint`] (all transactions of one front), [`Dialog`] (one value a leg), [`Message`]/[`Request`]/[`Response`]
//! with [`Headers`], [`Uri`], [`NameAddr`]; [`digest`]; [`resolve`].
//!
//! **Invariants**
//! - A [`Message`] that [`Message::parse`] gave has readable `Via`, `From`, `To`, `Call-ID` and `CSeq`; what has not is answered
//!   or dropped by [`refusal`]'s table and is never seen by a user of this room.
//! - Nothing that comes from the wire panics, and every reader is linear in its input.
//! - No value that is written can bring a line end into a header: control characters become spaces.
//! - Same inputs, same seed, same `now`: same outputs.
//!
//! **How to add a header**: a line in the table of `header.rs`; a typed getter in `headers.rs` when somebody needs it.
//! **How to add a method**: a line in the table of `method.rs`. **How to add a transport**: a variant of [`Transport`]; the
//! shell brings the bytes.
//!
//! Libraries: `bytes` (cheap slices of what was received), `smallvec` (lists that are nearly always short), `thiserror`;
//! `md-5`, `sha2`, `hmac`, `subtle`, `base64` for digest. The core itself is ours because no kept crate reads RFC 4475's valid
//! messages and runs in virtual time.

pub mod address;
pub mod digest;
mod dialog;
mod endpoint;
mod flow;
mod framing;
mod header;
mod headers;
pub mod limits;
mod message;
mod method;
mod params;
mod random;
pub mod refusal;
pub mod resolve;
mod scan;
pub mod timers;
mod transaction;
mod uri;
mod via;

pub use address::NameAddr;
pub use dialog::{Dialog, DialogId, DialogRefusal};
pub use endpoint::{Counts, Endpoint, EndpointConfig, FailedWhy, Input, Listener, Output, ServerKey};
pub use flow::{Flow, NextHop, Target, Transport};
pub use framing::{Frame, FramingFault, Splitter};
pub use header::HeaderName;
pub use headers::{CSeq, Headers};
pub use message::{Malformed, Message, Request, Response, reason_phrase};
pub use method::Method;
pub use params::Params;
pub use random::Chance;
pub use refusal::Abilities;
pub use uri::{BadUri, Host, Scheme, Uri, UriHeader};
pub use via::Via;
