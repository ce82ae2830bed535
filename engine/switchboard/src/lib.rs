//! # switchboard: all that happens before and between calls
//!
//! **Owns** who may register and call (authentication, admission, fraud limits), which flow answers, where a target leads,
//! which call a message belongs to, who waits where (conferences, parking places, queues), and which lamps
//! of telephones tell of messages. It holds the SIP endpoint and the registrar.
//! **Never** knows audio, sockets, threads, disks or a clock; never decides anything inside a call.
//! **Door**: [`Front`] with [`Input`] and [`Output`] and the five verbs; [`Directory`] is the checked set of resources,
//! [`Settings`] what a front is told at birth. The real front thread and the simulator drive the same value.
//! **Invariants**
//! - A source we do not know makes no outbound leg to a trunk, no binding and no state before it has proven who it is:
//!   it is challenged or refused by one stateless packet.
//! - An unknown user, a wrong password and a target that is not public look the same from outside: the same 401.
//! - Who someone is comes from the socket's source address or a digest proof, never from what a message claims.
//! - Every outbound leg, whoever asks (bridge, REFER, 302), goes through the one policy of `policy.rs`.
//! - When a call is over, nothing of it is left in any table.
//!
//! **How to add a kind of target**: one arm in `branches` in `locate.rs`. **How to add a rule of admission**: one line in
//! `admit` in `invite.rs`.
//!
//! Libraries: `thiserror`, `tracing` (decisions at DEBUG, refusals that may be attacks at WARN), `bytes`.
//!
//! A virtual connection is met by a 403 once credentials for it arrive: its existence is no secret (it is there to be called),
//! and a phone told 401 again would try for ever.

mod cidr;
mod directory;
mod front;
mod guard;
mod identity;
mod inside;
mod invite;
mod lamps;
pub mod limits;
mod locate;
mod meet;
mod meetings;
mod number;
mod policy;
mod protection;
mod refer;
mod register;
mod settings;
mod table;

pub use cidr::{BadCidr, Cidr};
pub use directory::{
    Clash, Connection, Directory, Inbound, Listing, Number, NumberFormat, NumberTarget, Passwords, Realm, SipHosts, Trunk,
};
pub use front::{Counters, Front, Input, Output, Snapshot};
pub use meetings::{Asker, ConferenceView, Meetings, Moment, Order, PersonView, QueueView, Stay, Untunable, WaitingView};
pub use number::{BadNumber, E164};
pub use protection::{MediaProtection, OverPlainSip};
pub use registrar::{Device, Row, Ticket};
pub use settings::{Limits, Settings};
pub use table::{CallState, CallView};
