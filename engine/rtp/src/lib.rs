//! # rtp: packets, reports, timing, keys and the source latch
//!
//! **Owns** RTP packets ([`Packet`], [`Sender`]), receive statistics ([`Receiver`]), RTCP ([`rtcp::Reporter`]), the
//! [`JitterBuffer`], telephone keys by RFC 4733 ([`events`]), their protection ([`srtp`]) and the rule of whose packets count ([`Latch`]).
//! **Never** knows a codec's sound, a call, a socket or a clock: bytes, addresses and `now` come in, bytes and verdicts go out.
//! **Door**: the types re-exported here. A stream receives in this order: [`srtp::Incoming`] where agreed → [`Latch::judge`] → [`Packet::parse`] →
//! [`Receiver::receive`] → by payload type [`events::Receiver::handle`] or [`JitterBuffer::put`].
//! **Invariants**: nothing that arrives can panic, grow memory beyond `limits.rs`, or make us send to an address that was
//! neither signalled nor latched; no allocation per packet (the jitter buffer allocates once, at its first packet).
//! **How to add a stream feature**: one file with one machine, its limits at its top or in `limits.rs`, one line here.
//!
//! Libraries: `rtp-types` and `rtcp-types` check and read the wire formats without copying (kept, tested against captures);
//! `arrayvec` holds short lists without allocating; `aws-lc-rs` ciphers and authenticates (kept, and in the build for TLS anyway; why
//! no whole SRTP library stands in `srtp.rs`). Writing 12 header bytes is ours: it must not allocate.

mod bursts;
pub mod events;
mod jitter;
mod latch;
mod limits;
mod packet;
mod receiver;
pub mod rtcp;
mod sender;
pub mod srtp;
mod voip;

pub use bursts::{BurstView, GAP_PACKETS};
pub use jitter::{JitterBuffer, JitterSnapshot, Put, Take, Wish};
pub use latch::{Latch, LatchState, Symmetric, Verdict, is_private};
pub use limits::{FRAME_BYTES, HEADER_BYTES, JITTER_DEPTH, LATCH_PACKETS, LATCH_WINDOW, PACKET_BYTES_MAX};
pub use packet::{NotRtp, Packet, is_rtcp};
pub use receiver::{ReceiveStatistics, Reception, Receiver};
pub use sender::{Sender, SentCounts, clock_ticks};
pub use voip::VoipMetrics;
