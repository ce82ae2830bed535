//! The jitter buffer: uneven packets in, one 20 ms frame of encoded payload at every tick out.

use crate::packet::Packet;
use std::time::{Duration, Instant};

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Its frames wait for their turn.
    Stored,
    /// All its frames were there already.
    Duplicate,
    /// Its turn is over.
    Late,
    /// Its timestamps are not those of the stream so far; the buffer began anew with it.
    Restarted,
    /// Empty or longer than the buffer: nothing taken.
    Unsuitable,
}

/// What to play for the next 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take<'a> {
    /// 20 ms of encoded audio, exactly [`crate::FRAME_BYTES`] bytes, of the codec that `payload_type` stands for.
    Frame {
        /// As in the packet it came in.
        payload_type: u8,
        /// The encoded bytes.
        payload: &'a [u8],
    },
    /// A frame is missing in the middle of speech: conceal it.
    Lost,
    /// Nothing is due: the stream has not begun, is still filling, or pauses (silence suppression). Play silence.
    Silence,
}

/// What the buffer does at the moment and has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterSnapshot {
    /// Audio now waiting.
    pub waiting: Duration,
    /// The delay aimed at, 20–200 ms.
    pub target: Duration,
    /// Frames given out.
    pub played: u64,
    /// Frames concealed.
    pub lost: u64,
    /// Packets that came too late.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Frames dropped to catch up (drift, overflow).
    pub dropped: u64,
    /// Frames of silence or repetition put in to wait (drift, underrun).
    pub inserted: u64,
    /// How many times it began anew.
    pub restarts: u64,
}

/// Holds at most 500 ms of one stream. Empty it is a few words; storage is allocated at the first packet, once.
/// Call [`JitterBuffer::take`] exactly once for every 20 ms of wall time: then what is taken is as long as the time that passed.
#[derive(Clone, Debug, Default)]
pub struct JitterBuffer {}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Takes in an audio packet that arrived at `now`. Payloads of any length are cut or joined to 20 ms frames, one
    /// byte being one timestamp unit (true for PCMU, PCMA and G.722).
    pub fn put(&mut self, packet: &Packet<'_>, now: Instant) -> Put {
        let _ = (packet, now);
        todo!()
    }
    /// The next 20 ms.
    pub fn take(&mut self, now: Instant) -> Take<'_> {
        let _ = now;
        todo!()
    }
    /// Forgets everything waiting (re-INVITE, new source); statistics stay.
    pub fn reset(&mut self) {
        todo!()
    }
    /// The state and counts.
    #[must_use]
    pub fn snapshot(&self) -> JitterSnapshot {
        todo!()
    }
}
