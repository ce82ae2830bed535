//! Hears keys: each press once, at its first packet, whatever is lost, repeated or out of order.
//!
//! An event is known by its RTP timestamp and code: packets that repeat them say nothing new but how long it lasts. A long
//! event goes on in segments, each beginning exactly where the last ended (RFC 4733 §2.5.1.3): those are one press.

use crate::{limits::CLOCK_RATE, packet::Packet};
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};
use terms::Digit;

/// A key whose packets stop coming is up after this: packets come every 20–50 ms, so three or more were lost.
const SILENT_END: Duration = Duration::from_millis(200);
/// Past events remembered, to know their late and repeated packets.
const REMEMBERED: usize = 8;
/// Packets older than the newest event are stale for this long after it; later the sender must have set its clock back.
const STALE: Duration = Duration::from_secs(2);
/// A full segment's duration (RFC 4733 §2.5.1.3), in clock units.
const SEGMENT_FULL: u32 = 0xffff;
/// Bytes of an event payload (RFC 4733 §2.3).
const PAYLOAD_BYTES: usize = 4;

/// What the far end's finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key went down: told at the first packet of the event, so that a prompt stops at once.
    Pressed(Digit),
    /// It came up again (or its packets stopped coming) after `held`.
    Released {
        /// Which key.
        digit: Digit,
        /// How long it was down, as far as known.
        held: Duration,
    },
}

/// The newest event.
#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    /// Of the current segment.
    timestamp: u32,
    /// Clock units of the current segment.
    duration: u32,
    /// Clock units of the segments before.
    before: u64,
    heard: Instant,
    finger: Finger,
}

/// What was told of the newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finger {
    Down,
    /// Told as released because nothing came; a further segment is still the same press.
    Vanished,
    /// Its end packet came.
    Up,
}

/// Follows the events of one incoming stream.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Units of duration a second.
    clock_rate: u32,
    ssrc: Option<u32>,
    newest: Option<Press>,
    past: ArrayVec<(u32, Digit), REMEMBERED>,
}

impl Press {
    fn released(&self, clock_rate: u32) -> Key {
        let ticks = self.before.saturating_add(u64::from(self.duration));
        let held = Duration::from_micros(ticks.saturating_mul(1_000_000) / u64::from(clock_rate.max(1)));
        Key::Released { digit: self.digit, held }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self { clock_rate: CLOCK_RATE, ssrc: None, newest: None, past: ArrayVec::new() }
    }
}

impl Receiver {
    /// Nothing pressed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Events that come from now on count `clock_rate` units a second (8 000 to begin with).
    pub const fn set_clock_rate(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// Takes in a packet of the agreed telephone-event payload type. At most two things follow: the end of one key and
    /// the beginning of the next. Events that are no key (16–255) and malformed payloads say nothing.
    pub fn handle(&mut self, packet: &Packet<'_>, now: Instant) -> ArrayVec<Key, 2> {
        let (mut told, clock) = (ArrayVec::new(), self.clock_rate);
        let Some(&[code, flags, high, low]) = packet.payload.first_chunk::<PAYLOAD_BYTES>() else { return told };
        let Some(digit) = Digit::from_event(code) else { return told };
        let end = flags & 0x80 != 0;
        let duration = u32::from(u16::from_be_bytes([high, low]));

        if self.ssrc.replace(packet.ssrc).is_some_and(|known| known != packet.ssrc) {
            self.past.clear();
            told.extend(self.newest.take().filter(|press| press.finger == Finger::Down).map(|press| press.released(clock)));
        }
        if let Some(newest) = &mut self.newest {
            let ahead = packet.timestamp.wrapping_sub(newest.timestamp);
            let same = newest.digit == digit && ahead == 0;
            let goes_on = newest.digit == digit
                && newest.finger != Finger::Up
                && !packet.marker
                && (ahead == SEGMENT_FULL || (ahead > 0 && ahead == newest.duration));
            if same || goes_on {
                if goes_on {
                    newest.before = newest.before.saturating_add(u64::from(ahead));
                    newest.timestamp = packet.timestamp;
                    newest.duration = duration;
                } else {
                    newest.duration = newest.duration.max(duration);
                }
                newest.heard = now;
                if end && newest.finger != Finger::Up {
                    let was = std::mem::replace(&mut newest.finger, Finger::Up);
                    if was == Finger::Down {
                        told.push(newest.released(clock));
                    }
                }
                return told;
            }
            let older = ahead.cast_signed() < 0;
            if older && now.saturating_duration_since(newest.heard) < STALE {
                return told;
            }
        }
        if self.past.contains(&(packet.timestamp, digit)) {
            return told;
        }
        if let Some(last) = self.newest.take() {
            if last.finger == Finger::Down {
                told.push(last.released(clock));
            }
            if self.past.is_full() {
                self.past.remove(0);
            }
            self.past.push((last.timestamp, last.digit));
        }
        let finger = if end { Finger::Up } else { Finger::Down };
        let press = Press { digit, timestamp: packet.timestamp, duration, before: 0, heard: now, finger };
        // A change of source may have told one release already; then there is room for exactly one more.
        told.push(Key::Pressed(digit));
        if end {
            // Both ends of one key in one packet; when a release of another was told, this key's is left to the timeout.
            if told.try_push(press.released(clock)).is_err() {
                self.newest = Some(Press { finger: Finger::Down, ..press });
                return told;
            }
        }
        self.newest = Some(press);
        told
    }

    /// Whether sound of this timestamp falls into the newest key, as far as its packets tell: sound and events share their clock
    /// (RFC 4733 §2.1).
    #[must_use]
    pub fn covers(&self, timestamp: u32) -> bool {
        self.newest.is_some_and(|press| {
            let ahead = i64::from(timestamp.wrapping_sub(press.timestamp).cast_signed());
            let began = ahead >= -i64::try_from(press.before).unwrap_or(i64::MAX);
            began && (press.finger == Finger::Down || ahead < i64::from(press.duration))
        })
    }

    /// When to call [`Receiver::handle_timeout`]: a pressed key whose packets stop coming is released.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.newest.filter(|press| press.finger == Finger::Down).map(|press| press.heard + SILENT_END)
    }

    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Key> {
        let clock = self.clock_rate;
        let press = self.newest.as_mut()?;
        if press.finger != Finger::Down || now < press.heard + SILENT_END {
            return None;
        }
        press.finger = Finger::Vanished;
        Some(press.released(clock))
    }
}
