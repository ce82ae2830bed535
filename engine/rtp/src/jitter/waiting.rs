//! What waits of one stream in the jitter buffer: bytes in a ring or whole packets in a store, in stretches of extended time, and
//! when its next frame is due. When it is given out, and what is done where it is missing, is decided above.

use super::{Put, lateness::Lateness};
use crate::{
    limits::{CLOCK_RATE, FRAME_BYTES, JITTER_DEPTH},
    packet::Packet,
};
use arrayvec::ArrayVec;
use std::time::Instant;

/// A frame in timestamp units.
pub(super) const FRAME: i64 = FRAME_BYTES as i64;
/// Bytes of the ring: [`JITTER_DEPTH`].
pub(super) const RING: usize = (JITTER_DEPTH.as_millis() as usize) * 8;
/// Bytes in which whole packets are kept: [`JITTER_DEPTH`] of 128 kbit/s twice over.
const STORE: usize = 16 * 1_024;
/// Separate stretches of audio waiting (whole packets of 10 ms: 50); more, such as single bytes far apart, are not worth
/// holding.
const STRETCHES: usize = 52;
/// Bounds of the target delay: 20–300 ms.
pub(super) const TARGET: (i64, i64) = (FRAME, 15 * FRAME);
/// Delay to begin with, before jitter is known: 40 ms.
const FIRST_DELAY: i64 = 2 * FRAME;
/// Sequence numbers remembered as come.
pub(super) const SEEN: u16 = 64;

/// How a packet counts time.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub(super) clock_rate: u32,
    pub(super) ticks: i64,
    pub(super) is_whole: bool,
}

/// A stretch of audio without a gap, `start..end` in extended time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) payload_type: u8,
    /// Where a whole packet lies in the store; `None`: bytes in the ring.
    pub(super) place: Option<Place>,
}

/// A whole packet's bytes in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    at: usize,
    length: usize,
}

/// Whole packets' bytes, written round and round; what is overwritten was too much to keep.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    bytes: [u8; STORE],
    next: usize,
}

/// One stream: what waits of it, and how long it shall. What every packet and every frame touches comes first and lies together.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Stream {
    pub(super) base: Instant,
    pub(super) newest: i64,
    pub(super) play: i64,
    pub(super) target: i64,
    /// When the last step was made.
    pub(super) stepped: i64,
    /// Sequence number of the newest packet, and which of those before it came: bit n, n before.
    pub(super) seen: u64,
    pub(super) least: i64,
    // Here the second line of 64 bytes begins.
    /// Timestamp units a second of what comes.
    pub(super) clock_rate: u32,
    /// Timestamp of the newest packet, as it came; in extended time it is `newest`.
    pub(super) newest_timestamp: u32,
    pub(super) missing: u32,
    pub(super) newest_sequence: u16,
    /// A frame was given out since the beginning.
    pub(super) heard: bool,
    /// The last take gave no time: what is missing is waited for.
    pub(super) waits: bool,
    /// Times in a row that nothing was found to leave out or put in.
    pub(super) unfit: u8,
    pub(super) whole: Option<Box<Whole>>,
    pub(super) odd: u8,
    pub(super) odd_at: i64,
    pub(super) lateness: Lateness,
    pub(super) stretches: ArrayVec<Stretch, STRETCHES>,
    pub(super) frame: [u8; FRAME_BYTES],
    pub(super) ring: [u8; RING],
}

impl Stream {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ring: [0; RING],
            whole: None,
            frame: [0; FRAME_BYTES],
            stretches: ArrayVec::new(),
            base: now,
            clock_rate: CLOCK_RATE,
            newest_timestamp: 0,
            newest: 0,
            newest_sequence: 0,
            seen: 0,
            play: 0,
            lateness: Lateness::new(),
            least: 0,
            target: FIRST_DELAY,
            heard: false,
            missing: 0,
            waits: false,
            stepped: 0,
            unfit: 0,
            odd: 0,
            odd_at: 0,
        }
    }

    /// The stream begins, or begins anew, with a packet at `start`: it will be played after the target delay.
    pub(super) fn begin(&mut self, start: i64, timestamp: u32, now: Instant) {
        self.stretches.clear();
        self.lateness.rebase();
        self.target = self.target.max(FIRST_DELAY);
        self.newest = start;
        self.newest_timestamp = timestamp;
        self.seen = 0;
        // `play` meets `start` after whole frames of silence.
        self.play = start - self.target.div_euclid(FRAME) * FRAME;
        self.heard = false;
        self.missing = 0;
        self.odd = 0;
        self.measure(start, now);
    }

    pub(super) fn ticks(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.base).as_micros() / 125).unwrap_or(i64::MAX / 4)
    }

    /// Notes how long a packet took, and what delay that asks for.
    pub(super) fn measure(&mut self, start: i64, now: Instant) {
        self.lateness.note(start, self.ticks(now));
        // While little is known of the jitter: not below the first delay.
        let least = if self.lateness.is_known() { TARGET.0 } else { FIRST_DELAY }.max(self.least);
        self.target = (self.lateness.usual() + FRAME).clamp(least, TARGET.1);
    }

    /// How long before its playing the fastest packet now arrives.
    pub(super) fn delay(&self, now: Instant) -> i64 {
        self.ticks(now) - self.lateness.fastest() - self.play
    }

    /// Keeps a packet that lies within the ring's time.
    pub(super) fn store(&mut self, packet: &Packet<'_>, start: i64, length: Length, now: Instant) -> Put {
        self.measure(start, now);
        if start > self.newest {
            self.newest = start;
            self.newest_timestamp = packet.timestamp;
        }
        let ahead = packet.sequence.wrapping_sub(self.newest_sequence);
        if self.seen == 0 || (1..1 << 15).contains(&ahead) {
            self.seen = if self.seen == 0 || ahead >= SEEN { 1 } else { self.seen << ahead | 1 };
            self.newest_sequence = packet.sequence;
        } else if let age @ 1..SEEN = self.newest_sequence.wrapping_sub(packet.sequence) {
            self.seen |= 1 << age;
        }
        let end = start + length.ticks;
        if length.is_whole { self.keep_whole(packet, start, end) } else { self.keep_bytes(packet, start, end) }
    }

    /// Puts a whole packet in the store, if its time is free.
    fn keep_whole(&mut self, packet: &Packet<'_>, start: i64, end: i64) -> Put {
        let at = self.stretches.iter().take_while(|stretch| stretch.start < start).count();
        let overlaps = at.checked_sub(1).and_then(|before| self.stretches.get(before)).is_some_and(|before| before.end > start)
            || self.stretches.get(at).is_some_and(|next| next.start < end);
        if overlaps {
            return Put::Duplicate;
        }
        let whole = self.whole.get_or_insert_with(|| Box::new(Whole { bytes: [0; STORE], next: 0 }));
        let place = whole.write(packet.payload);
        let stretch = Stretch { start, end, payload_type: packet.payload_type, place: Some(place) };
        // What lay there is older than all the time the buffer holds.
        let overwritten = |known: &Stretch| known.place.is_some_and(|known| known.at < place.at + place.length && place.at < known.at + known.length);
        let at = at - self.stretches.iter().take(at).filter(|known| overwritten(known)).count();
        self.stretches.retain(|known| !overwritten(known));
        if self.stretches.try_insert(at, stretch).is_err() { Put::Unsuitable } else { Put::Stored }
    }

    /// Puts a packet's bytes in the ring, as far as their place is free and not over.
    fn keep_bytes(&mut self, packet: &Packet<'_>, start: i64, end: i64) -> Put {
        let mut from = start.max(self.play);
        let mut at = 0;
        for stretch in &self.stretches {
            if stretch.end <= from {
                at += 1;
            } else if stretch.start <= from {
                from = stretch.end;
                at += 1;
            }
        }
        let until = self.stretches.get(at).map_or(end, |next| end.min(next.start));
        if from >= until {
            return Put::Duplicate;
        }
        let payload_type = packet.payload_type;
        let joins = at.checked_sub(1).and_then(|before| self.stretches.get_mut(before)).filter(|before| before.end == from && before.payload_type == payload_type && before.place.is_none());
        if let Some(before) = joins {
            before.end = until;
        } else if self.stretches.try_insert(at, Stretch { start: from, end: until, payload_type, place: None }).is_err() {
            return Put::Unsuitable;
        }
        let bytes = packet.payload.get((from - start) as usize..(until - start) as usize).unwrap_or_default();
        let place = from.rem_euclid(RING as i64) as usize;
        let (here, at_the_beginning) = bytes.split_at(bytes.len().min(RING - place));
        self.ring[place..place + here.len()].copy_from_slice(here);
        self.ring[..at_the_beginning.len()].copy_from_slice(at_the_beginning);
        Put::Stored
    }

    /// The stretch of the next frame when all of it is here, or the whole packet that begins within the next frame.
    pub(super) fn covered(&self) -> Option<Stretch> {
        let first = *self.stretches.first()?;
        if first.place.is_some() {
            return (first.start < self.play + FRAME).then_some(first);
        }
        if first.start > self.play {
            return None;
        }
        let mut end = first.end;
        for next in self.stretches.iter().skip(1) {
            if next.start == end && next.payload_type == first.payload_type && next.place.is_none() {
                end = next.end;
            }
        }
        (end >= self.play + FRAME).then_some(first)
    }

    /// The frame that begins at that byte of the ring: as it lies there, or joined when the ring's end is in its midst.
    pub(super) fn frame_at(&mut self, at: usize) -> &[u8] {
        let tail = RING - at;
        if tail < FRAME_BYTES {
            self.frame[..tail].copy_from_slice(&self.ring[at..]);
            self.frame[tail..].copy_from_slice(&self.ring[..FRAME_BYTES - tail]);
            return &self.frame;
        }
        &self.ring[at..at + FRAME_BYTES]
    }

    /// A pause is over: leaves out as much of it as makes the delay the target's. Whether anything was left out.
    pub(super) fn leap(&mut self, now: Instant, over: i64) -> bool {
        let Some(first) = self.stretches.first() else { return false };
        let wanted = self.ticks(now) - self.lateness.fastest() + over - self.target;
        let to = first.start.min(wanted);
        let leaps = to > self.play;
        if leaps {
            self.advance(to - self.play);
        }
        leaps
    }

    /// Leaves out 20 ms, or the whole packet that is next.
    pub(super) fn skip(&mut self) {
        let next = self.stretches.first().filter(|next| next.place.is_some() && next.start < self.play + FRAME);
        self.advance(next.map_or(FRAME, |next| (next.end - self.play).max(0)));
    }

    /// That much time is over.
    pub(super) fn advance(&mut self, ticks: i64) {
        self.play += ticks;
        let play = self.play;
        self.stretches.retain(|stretch| {
            if stretch.place.is_none() {
                stretch.start = stretch.start.max(play);
            }
            stretch.end > play
        });
    }
}

impl Whole {
    /// Writes a payload of at most [`PACKET_BYTES_MAX`] bytes.
    fn write(&mut self, payload: &[u8]) -> Place {
        let at = if self.next + payload.len() > STORE { 0 } else { self.next };
        self.bytes[at..at + payload.len()].copy_from_slice(payload);
        self.next = at + payload.len();
        Place { at, length: payload.len() }
    }

    pub(super) fn read(&self, place: Place) -> &[u8] {
        self.bytes.get(place.at..place.at + place.length).unwrap_or_default()
    }
}
