//! Every bound of this room, with its unit and its reason.

use std::time::Duration;

/// Bytes of the fixed RTP header (RFC 3550 §5.1), the only one we write.
pub const HEADER_BYTES: usize = 12;
/// Bytes of the largest packet worth reading: an Ethernet frame's worth of UDP payload.
pub const PACKET_BYTES_MAX: usize = 1_472;
/// Payload bytes of 20 ms in the codecs of 64 kbit/s (PCMU, PCMA, G.722).
pub const FRAME_BYTES: usize = 160;
/// RTP timestamp units a second of most codecs; Opus and its telephone events count 48 000.
pub(crate) const CLOCK_RATE: u32 = 8_000;
/// How much audio the jitter buffer holds at most (RELIABILITY M6).
pub const JITTER_DEPTH: Duration = Duration::from_millis(500);
/// How long after the answer a stream may move to an address nobody signalled (RELIABILITY M1).
pub const LATCH_WINDOW: Duration = Duration::from_secs(2);
/// How many consecutive packets of one source must be seen before the latch moves to it (RELIABILITY M1).
pub const LATCH_PACKETS: u8 = 3;
