//! Every limit of the room, with its reason.

use std::time::Duration;

/// Bytes of one message, head and body (a UDP datagram cannot hold more). Longer on a stream: 513 and close.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
/// Bytes of a head (start line and headers) on a stream before its end is seen.
pub const HEAD_BYTES_MAX: usize = 32_768;
/// Header lines of one message: phones send about 15, proxies about 40.
pub const HEADERS_MAX: usize = 256;
/// `Via` values of one message: twice RFC 3261's Max-Forwards of 70 would be a loop.
pub const VIAS_MAX: usize = 140;
/// Parameters of one URI or header value: more are refused.
pub const PARAMS_MAX: usize = 64;
/// Routes kept by a dialog.
pub const ROUTES_MAX: usize = 32;
/// Living server transactions: beyond it requests are answered 503 without a transaction.
/// One takes about 3 kB, so 200 MB.
pub const SERVER_TRANSACTIONS_MAX: usize = 65_536;
/// Living client transactions.
pub const CLIENT_TRANSACTIONS_MAX: usize = 65_536;
/// Streams open at once.
pub const STREAMS_MAX: usize = 16_384;
/// Streams from one address, so that one peer cannot take all.
pub const STREAMS_PER_PEER_MAX: usize = 512;
/// A stream that was silent this long is closed. Keep-alives (RFC 5626: at most every 120 s) keep it open.
pub const STREAM_IDLE: Duration = Duration::from_secs(600);
/// A stream must complete its first message, and any begun message, in this time.
pub const STREAM_MESSAGE_TIME: Duration = Duration::from_secs(32);
/// Messages that wait for one connection to open.
pub const CONNECT_QUEUE_MAX: usize = 256;
/// `Retry-After` of a 503 for overload, in seconds.
pub const OVERLOAD_RETRY_SECONDS: u32 = 5;
/// Nonces whose use counts are remembered; the oldest are forgotten (their next use is stale).
pub const NONCES_MAX: usize = 65_536;
