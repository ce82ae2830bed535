//! # call: one call, from its INVITE to its record
//!
//! **Owns** the per-call actor: legs (a dialog, an offer and answer, a stream each), the actions of a flow as machines, the
//! ringing of a bridge, the timeline and the call record; and the shard that holds many of them, with the rooms in which they
//! hear each other; and the diary by which a call can be run again.
//!
//! **Never** (a call) knows other calls, sockets, disks, threads or a clock.
//!
//! **Door**: [`Shard`] with [`ToShard`], [`ToFront`], [`Output`] and [`Sockets`]; the rest of [`door`] says what they carry.
//!
//! **Invariants**
//! - A call ends with exactly one [`CallRecord`], and only when every leg is over or has had 64·T1 to be.
//! - Every leg that was answered gets BYE or sent one; every INVITE gets one final answer.
//! - A recording that began is finished or discarded, whoever hangs up first.
//! - From a received packet to a sent one there is no allocation, lock or log line unless something happened.
//!
//! - What a call does follows from what it is told, and nothing else: its diary runs again to the same trace ([`replay`]).
//!
//! **How to add an action**: a file in `action/`, and a line in the table [`action::begin`].
//! **How to add an errand**: a variant of [`Errand`] and its [`Answer`], with their words in `diary.rs` and `replay.rs`; the shells
//! (server, sim) do the work.

mod action;
mod call;
mod desk;
mod diary;
pub mod door;
mod filler;
mod leg;
pub mod limits;
mod meet;
mod quality;
mod replay;
mod ring;
mod room;
mod shard;
mod silence;
pub mod spoken;
mod tape;
mod wheel;

pub use diary::{Keep, Keeping};
pub use door::{
    Answer, Branch, CallRecord, Command, Disposition, Errand, HttpReply, LegEvent, LegLook, Line, NewCall, Origin, Output, Plan, Seat,
    Sockets, Ticket, ToFront, ToShard,
};
pub use filler::Fillers;
pub use media::{Haste, SentBack, Unreachable};
pub use meet::{Meet, Met, Parcel, RoomId, Tuning, Volume, Waiting};
pub use quality::{FarMedia, LegMedia, RefusedPackets};
pub use replay::{Unplayable, replay};
pub use shard::{CallLook, Shard, ShardCounts};
