//! The jitter buffer: uneven packets in, one 20 ms frame of encoded payload at every tick out.
//!
//! One byte is one timestamp unit (true for PCMU, PCMA, G.722), so a ring of bytes addressed by timestamp takes payloads
//! of any length and gives frames of 20 ms. `play` is the timestamp of the next frame; every [`JitterBuffer::take`] moves
//! it on by 20 ms. The delay is steered by two measures in timestamp units:
//!
//! ```text
//! spread = slowest − fastest transit of the last seconds        target = spread + 20 ms, within 20–200 ms
//! delay  = (now − fastest transit) − play                       too small: wait one frame, too large: skip one
//! ```
//! Clock drift shows as a slow change of the fastest transit, so it is steered away by the same rule.

use crate::{
    limits::{FRAME_BYTES, JITTER_DEPTH},
    packet::Packet,
};
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};

/// A frame in timestamp units.
const FRAME: i64 = FRAME_BYTES as i64;
/// Bytes of the ring: [`JITTER_DEPTH`].
const RING: usize = (JITTER_DEPTH.as_millis() as usize) * 8;
/// Separate stretches of audio waiting; more (single bytes, far apart) are not worth holding.
const STRETCHES: usize = 32;
/// Bounds of the target delay: 20–200 ms.
const TARGET: (i64, i64) = (FRAME, 10 * FRAME);
/// Delay to begin with, before jitter is known: 40 ms.
const FIRST_DELAY: i64 = 2 * FRAME;
/// How far below the target the delay may fall before a frame is waited: 17.5 ms.
const SLACK_BELOW: i64 = 140;
/// How far above the target it may rise before a frame is skipped: 25 ms.
const SLACK_ABOVE: i64 = 200;
/// Far above the target: catch up fast (100 ms).
const FAR_ABOVE: i64 = 800;
/// Takes between two steps of steering while audio flows: 200 ms, so that steps stay inaudible.
const STEP_TAKES: u32 = 10;
/// Missing frames in a row that are concealed; then it is a pause (100 ms).
const CONCEAL_MAX: u32 = 5;
/// Takes without audio after which an odd timestamp begins the stream anew (200 ms).
const DRY_TAKES: u32 = 10;
/// Late or far packets in a row that agree with each other and show that the stream moved.
const ODD_MAX: u8 = 4;
/// Transit is remembered in this many buckets …
const BUCKETS: usize = 4;
/// … of one second of received stream each.
const BUCKET_TICKS: i64 = 8_000;

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
    /// Empty, longer than the buffer or far off the stream: nothing taken.
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
    /// Audio now waiting, gaps included.
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
    /// Frames skipped to catch up (drift, overflow).
    pub dropped: u64,
    /// Frames waited (drift, underrun).
    pub inserted: u64,
    /// How many times it began anew.
    pub restarts: u64,
}

/// Holds at most 500 ms of one stream. Empty it is a few words; storage is allocated at the first packet, once.
/// Call [`JitterBuffer::take`] exactly once for every 20 ms of wall time: then what is taken is as long as the time that passed.
#[derive(Clone, Debug, Default)]
pub struct JitterBuffer {
    stream: Option<Box<Stream>>,
    /// After [`JitterBuffer::reset`] the next packet begins anew in the same storage.
    begun: bool,
    counts: JitterSnapshot,
}

/// A stretch of audio without a gap, `start..end` in extended timestamps.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: i64,
    end: i64,
    payload_type: u8,
}

/// Fastest and slowest transit of about a second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    began: i64,
    fastest: i64,
    slowest: i64,
}

#[derive(Clone, Debug)]
struct Stream {
    ring: [u8; RING],
    frame: [u8; FRAME_BYTES],
    /// Payload type of `frame` while it holds the frame played last.
    repeatable: Option<u8>,
    stretches: ArrayVec<Stretch, STRETCHES>,
    base: Instant,
    /// Extended timestamp of the newest packet.
    newest: i64,
    play: i64,
    transits: ArrayVec<Bucket, BUCKETS>,
    target: i64,
    /// A frame was given out since the beginning.
    heard: bool,
    missing: u32,
    takes_since_step: u32,
    odd: u8,
    odd_at: i64,
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an audio packet that arrived at `now`. Payloads of any length are cut or joined to 20 ms frames, one
    /// byte being one timestamp unit (true for PCMU, PCMA and G.722).
    pub fn put(&mut self, packet: &Packet<'_>, now: Instant) -> Put {
        let length = packet.payload.len() as i64;
        if length == 0 || packet.payload.len() > RING / 2 {
            return Put::Unsuitable;
        }
        let stream = self.stream.get_or_insert_with(|| Box::new(Stream::new(now)));
        if !self.begun {
            self.begun = true;
            stream.begin(i64::from(packet.timestamp), now);
            return stream.store(packet, i64::from(packet.timestamp), now);
        }
        let step = packet.timestamp.wrapping_sub(stream.newest as u32).cast_signed();
        let start = stream.newest + i64::from(step);
        let late = start + length <= stream.play;
        if !late && start + length <= stream.play + RING as i64 {
            stream.odd = 0;
            let put = stream.store(packet, start, now);
            if put == Put::Duplicate {
                self.counts.duplicates += 1;
            }
            return put;
        }
        // Off the stream: believed at once when nothing else plays, else when several agree with each other.
        let agrees = (start - stream.odd_at).abs() < RING as i64;
        stream.odd = if agrees { stream.odd.saturating_add(1) } else { 1 };
        stream.odd_at = start;
        let dry = stream.stretches.is_empty() && stream.missing >= DRY_TAKES;
        if dry || stream.odd >= ODD_MAX {
            self.counts.restarts += 1;
            stream.begin(start, now);
            stream.store(packet, start, now);
            return Put::Restarted;
        }
        if late {
            self.counts.late += 1;
            stream.measure(start, now);
            Put::Late
        } else {
            Put::Unsuitable
        }
    }

    /// The next 20 ms.
    pub fn take(&mut self, now: Instant) -> Take<'_> {
        let counts = &mut self.counts;
        let Some(stream) = self.stream.as_deref_mut().filter(|_| self.begun) else { return Take::Silence };
        stream.takes_since_step = stream.takes_since_step.saturating_add(1);
        let delay = stream.delay(now);
        let may_step = stream.takes_since_step >= STEP_TAKES;
        let mut covered = stream.covered();

        let too_late = delay > stream.target + SLACK_ABOVE;
        let catch_up = too_late && (covered.is_none() || may_step || (delay > stream.target + FAR_ABOVE && stream.takes_since_step >= 2));
        if stream.heard && catch_up && !stream.stretches.is_empty() {
            counts.dropped += 1;
            stream.advance();
            stream.takes_since_step = 0;
            covered = stream.covered();
        }
        let too_early = delay < stream.target - SLACK_BELOW;
        let active = stream.missing < DRY_TAKES;
        if stream.heard && too_early && active && (covered.is_none() || may_step) {
            counts.inserted += 1;
            stream.takes_since_step = 0;
            if covered.is_none() {
                stream.missing += 1;
            }
            return match stream.repeatable {
                Some(payload_type) if covered.is_some() => {
                    counts.played += 1;
                    Take::Frame { payload_type, payload: &stream.frame }
                }
                Some(_) | None => {
                    counts.lost += 1;
                    Take::Lost
                }
            };
        }
        let Some(payload_type) = covered else {
            stream.advance();
            stream.repeatable = None;
            if !stream.heard {
                return Take::Silence;
            }
            stream.missing = stream.missing.saturating_add(1);
            if stream.missing > CONCEAL_MAX {
                return Take::Silence;
            }
            counts.lost += 1;
            return Take::Lost;
        };
        stream.load();
        stream.advance();
        stream.heard = true;
        stream.missing = 0;
        stream.repeatable = Some(payload_type);
        counts.played += 1;
        Take::Frame { payload_type, payload: &stream.frame }
    }

    /// Forgets everything waiting (re-INVITE, new source); statistics stay.
    pub fn reset(&mut self) {
        self.begun = false;
    }

    /// The state and counts.
    #[must_use]
    pub fn snapshot(&self) -> JitterSnapshot {
        let Some(stream) = self.stream.as_deref().filter(|_| self.begun) else { return self.counts };
        let waiting = stream.stretches.last().map_or(0, |last| last.end - stream.play);
        JitterSnapshot { waiting: span(waiting), target: span(stream.target), ..self.counts }
    }
}

impl Stream {
    fn new(now: Instant) -> Self {
        Self {
            ring: [0; RING],
            frame: [0; FRAME_BYTES],
            repeatable: None,
            stretches: ArrayVec::new(),
            base: now,
            newest: 0,
            play: 0,
            transits: ArrayVec::new(),
            target: FIRST_DELAY,
            heard: false,
            missing: 0,
            takes_since_step: 0,
            odd: 0,
            odd_at: 0,
        }
    }

    /// The stream begins, or begins anew, with a packet at `start`: it will be played after the target delay.
    fn begin(&mut self, start: i64, now: Instant) {
        self.stretches.clear();
        self.transits.clear();
        self.target = self.target.max(FIRST_DELAY);
        self.newest = start;
        // `play` meets `start` after whole frames of silence.
        self.play = start - self.target.div_euclid(FRAME) * FRAME;
        self.heard = false;
        self.repeatable = None;
        self.missing = 0;
        self.odd = 0;
        self.takes_since_step = 0;
        self.measure(start, now);
    }

    fn ticks(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.base).as_micros() / 125).unwrap_or(i64::MAX / 4)
    }

    /// Notes how long a packet took, and what delay that asks for.
    fn measure(&mut self, start: i64, now: Instant) {
        let at = self.ticks(now);
        let transit = at - start;
        match self.transits.last_mut() {
            Some(bucket) if at - bucket.began < BUCKET_TICKS => {
                bucket.fastest = bucket.fastest.min(transit);
                bucket.slowest = bucket.slowest.max(transit);
            }
            Some(_) | None => {
                if self.transits.is_full() {
                    self.transits.remove(0);
                }
                self.transits.push(Bucket { began: at, fastest: transit, slowest: transit });
            }
        }
        let slowest = self.transits.iter().map(|bucket| bucket.slowest).max().unwrap_or(transit);
        // Before a second is over little is known of the jitter: not below the first delay.
        let least = if self.transits.len() > 1 { TARGET.0 } else { FIRST_DELAY };
        self.target = (slowest - self.fastest() + FRAME).clamp(least, TARGET.1);
    }

    fn fastest(&self) -> i64 {
        self.transits.iter().map(|bucket| bucket.fastest).min().unwrap_or(0)
    }

    /// How long before its playing the fastest packet now arrives.
    fn delay(&self, now: Instant) -> i64 {
        self.ticks(now) - self.fastest() - self.play
    }

    /// Puts a packet's bytes in the ring, as far as their place is free and not over; it lies within the ring.
    fn store(&mut self, packet: &Packet<'_>, start: i64, now: Instant) -> Put {
        let end = start + packet.payload.len() as i64;
        self.measure(start, now);
        self.newest = self.newest.max(start);
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
        let joins = at.checked_sub(1).and_then(|before| self.stretches.get_mut(before)).filter(|before| before.end == from && before.payload_type == payload_type);
        if let Some(before) = joins {
            before.end = until;
        } else if self.stretches.try_insert(at, Stretch { start: from, end: until, payload_type }).is_err() {
            return Put::Unsuitable;
        }
        for place in from..until {
            let byte = packet.payload.get((place - start) as usize).copied().unwrap_or_default();
            self.ring[place.rem_euclid(RING as i64) as usize] = byte;
        }
        Put::Stored
    }

    /// The payload type of the next frame when all of it is here.
    fn covered(&self) -> Option<u8> {
        let first = self.stretches.first().filter(|first| first.start <= self.play)?;
        let mut end = first.end;
        for next in self.stretches.iter().skip(1) {
            if next.start == end && next.payload_type == first.payload_type {
                end = next.end;
            }
        }
        (end >= self.play + FRAME).then_some(first.payload_type)
    }

    /// Copies the next frame out of the ring.
    fn load(&mut self) {
        let at = self.play.rem_euclid(RING as i64) as usize;
        let tail = (RING - at).min(FRAME_BYTES);
        self.frame[..tail].copy_from_slice(&self.ring[at..at + tail]);
        self.frame[tail..].copy_from_slice(&self.ring[..FRAME_BYTES - tail]);
    }

    /// The next frame's time is over.
    fn advance(&mut self) {
        self.play += FRAME;
        let play = self.play;
        self.stretches.retain(|stretch| {
            stretch.start = stretch.start.max(play);
            stretch.end > play
        });
    }
}

fn span(ticks: i64) -> Duration {
    Duration::from_micros(u64::try_from(ticks).unwrap_or(0).saturating_mul(125))
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
