//! Every number this room is bound by.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Bytes of a call's diary (chosen: no call of a world is cut).
pub const DIARY_BYTES_MAX: usize = 8 * 1_024 * 1_024;
/// Lines of the trace kept for the reader of a failure (the fingerprint covers all).
pub const TRACE_LINES_MAX: usize = 400;
/// Lines of the transcript kept.
pub const TRANSCRIPT_LINES_MAX: usize = 5_000;
/// Turns at one instant above which a machine is said to spin.
pub const TURNS_AT_ONE_INSTANT_MAX: u32 = 100_000;
/// The same for one offline call, in which far less can happen at one instant.
pub const OFFLINE_TURNS_MAX: u32 = 10_000;
/// All pending work must be over this long after the weather cleared: the longest ringing of a flow, then 64·T1 twice
/// (a request given up, then its dialog's end) and a margin.
pub const SETTLE_MAX: Duration = Duration::from_secs(150);
/// First and last port of the exchange's media sockets.
pub const MEDIA_PORTS: std::ops::Range<u16> = 20_000..30_000;
/// Longest pause between a shard's or the front's word and its hearing.
pub const QUEUE_DELAY_MAX: Duration = Duration::from_millis(2);
/// Recordings shorter than this are deleted when a crash left them (as the server does).
pub const LEFT_OVER_MIN: Duration = Duration::from_secs(1);
/// Who overhears what is sent to the exchange.
pub const STRANGER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77)), 5_060);
/// A phone whose deadline does not move is looked at again after this.
pub(crate) const PHONE_NAP: Duration = Duration::from_millis(5);
/// The longest that a booth waits in one command.
pub const BOOTH_WAIT: Duration = Duration::from_secs(3_600);
/// The longest that a booth skips when nothing happens (chosen: longer than any prompt, shorter than a ringing of minutes).
pub const BOOTH_SKIP: Duration = Duration::from_secs(60);
/// Bytes of one command in a booth.
pub const BOOTH_LINE: usize = 1_000;
