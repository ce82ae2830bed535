//! Presses keys: plays a row of digits as event packets in the audio stream's own numbering.
//!
//! ```text
//! Idle → Down (a packet each 20 ms, duration growing) → Ending (the end packet twice more) → Gap → Idle
//! ```
//! All packets of a key carry the timestamp of its beginning; only the first has the marker (RFC 4733 §2.5.1).

use crate::clock_ticks;
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};
use terms::Digit;

/// How long a key is down unless said otherwise: twice what every exchange recognises.
const TONE: Duration = Duration::from_millis(100);
/// Silence between two keys unless said otherwise.
const GAP: Duration = Duration::from_millis(60);
/// Shortest tone and gap: what ITU-T Q.24 receivers must recognise.
const SHORTEST: Duration = Duration::from_millis(40);
/// Longest tone: its duration still fits one segment (65,535 units are 8.19 s at 8000 Hz; at 48000 Hz it ends at 1.36 s).
const LONGEST: Duration = Duration::from_secs(8);
/// Length of a tick.
const TICK: Duration = Duration::from_millis(20);
/// How often the end packet is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;
/// Power level of keys, −dBm0 (RFC 4733 §2.3.4): 10 is what phones use.
const VOLUME: u8 = 10;
/// Digits that may wait: a card number twice over, with room.
const ROW_MAX: usize = 64;

/// What one 20 ms tick came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet of this many bytes was written; send no audio in this tick.
    Packet(usize),
    /// Between two keys: send audio (or nothing) in this tick as usual.
    Pause,
    /// Nothing left to press: send audio as usual.
    Done,
}

/// Where in a key we are.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Idle,
    /// `elapsed` ticks of the clock have been told.
    Down { digit: Digit, timestamp: u32, elapsed: u16 },
    /// `repeats` end packets are still to be sent.
    Ending { digit: Digit, timestamp: u32, elapsed: u16, repeats: u8, gap: u32 },
    /// 20 ms ticks of silence left.
    Gap(u32),
}

/// Plays digits. Call [`Sender::tick`] once every 20 ms while [`Sender::is_busy`].
#[derive(Clone, Debug)]
pub struct Sender {
    row: ArrayVec<Digit, ROW_MAX>,
    state: State,
    /// 20 ms ticks a key is down.
    tone: u32,
    /// 20 ms ticks between two keys.
    gap: u32,
}

impl Default for Sender {
    fn default() -> Self {
        Self::with_timing(TONE, GAP)
    }
}

impl Sender {
    /// Nothing to press; tones of 100 ms, gaps of 60 ms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tones of `tone` (40 ms – 8 s) and gaps of `gap` (40 ms – 8 s), both rounded up to 20 ms.
    #[must_use]
    pub fn with_timing(tone: Duration, gap: Duration) -> Self {
        let ticks_of = |span: Duration| span.clamp(SHORTEST, LONGEST).as_millis().div_ceil(TICK.as_millis()) as u32;
        Self {
            row: ArrayVec::new(),
            state: State::Idle,
            tone: ticks_of(tone),
            gap: ticks_of(gap),
        }
    }

    /// Adds a digit to the row; `false` when 64 wait already.
    pub fn press(&mut self, digit: Digit) -> bool {
        self.row.try_push(digit).is_ok()
    }

    /// Whether there is something left to play.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.row.is_empty() || !matches!(self.state, State::Idle)
    }

    /// Forgets what waits. A key that is down is still ended properly by further ticks.
    pub fn clear(&mut self) {
        self.row.clear();
    }

    /// One 20 ms tick: writes into `into` (at least 16 bytes) with `stream`'s SSRC and sequence numbers. In a tick that
    /// gives [`Step::Packet`] the stream's timestamp is moved on by 20 ms here; otherwise the caller does as usual.
    /// Durations count units of the stream's clock (RFC 4733 §2.1: events share it).
    pub fn tick(&mut self, stream: &mut crate::Sender, payload_type: u8, now: Instant, into: &mut [u8]) -> Step {
        let frame = clock_ticks(TICK, stream.clock_rate());
        let step = u16::try_from(frame).unwrap_or(u16::MAX);
        let tone = u16::try_from(self.tone.saturating_mul(frame)).unwrap_or(u16::MAX);
        let (next, digit, timestamp, elapsed, end) = match self.state {
            State::Gap(left) if left > 1 => {
                self.state = State::Gap(left - 1);
                return Step::Pause;
            }
            State::Gap(_) => {
                self.state = State::Idle;
                return Step::Pause;
            }
            State::Idle => {
                let Some(digit) = self.row.pop_at(0) else { return Step::Done };
                let (timestamp, elapsed) = (stream.timestamp(), step);
                (State::Down { digit, timestamp, elapsed }, digit, timestamp, elapsed, false)
            }
            State::Down { digit, timestamp, elapsed } => {
                let elapsed = elapsed.saturating_add(step).min(tone);
                if elapsed < tone {
                    (State::Down { digit, timestamp, elapsed }, digit, timestamp, elapsed, false)
                } else {
                    let ending = State::Ending { digit, timestamp, elapsed, repeats: END_PACKETS - 1, gap: self.gap };
                    (ending, digit, timestamp, elapsed, true)
                }
            }
            State::Ending { digit, timestamp, elapsed, repeats, gap } => {
                let gap = gap.saturating_sub(1);
                let next = match (repeats, gap) {
                    (0 | 1, 0) => State::Idle,
                    (0 | 1, gap) => State::Gap(gap),
                    (repeats, gap) => State::Ending { digit, timestamp, elapsed, repeats: repeats - 1, gap },
                };
                (next, digit, timestamp, elapsed, true)
            }
        };
        let first = matches!(self.state, State::Idle);
        let [high, low] = elapsed.to_be_bytes();
        let payload = [digit.event(), (u8::from(end) << 7) | VOLUME, high, low];
        let length = stream.write_at(timestamp, first, payload_type, &payload, now, into);
        stream.skip(frame);
        self.state = next;
        Step::Packet(length)
    }
}
