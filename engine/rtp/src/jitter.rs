//! The jitter buffer: uneven packets in, encoded payload out when its time has come.
//!
//! Time is counted in eighths of a millisecond, whatever the RTP clock. Where each byte lasts one of them (PCMU, PCMA,
//! G.722: [`JitterBuffer::put`]) a ring of bytes addressed by time takes payloads of any length and gives frames of 20 ms.
//! Other codecs' packets are kept and given whole ([`JitterBuffer::put_whole`]). `play` is the time of the next frame; what is
//! [taken](JitterBuffer::take) moves it on. Whoever takes keeps what it has over, and tells how much that is.
//!
//! ```text
//! delay  = (now − fastest transit) − play + what the listener has over     how long a packet waits that came fast
//! target = usual lateness + 20 ms, within 20–300 ms                        see lateness.rs
//! ```
//! The delay is brought to the target by small steps, which the listener makes in the sound ([`JitterBuffer::wish`]): a pitch
//! period left out or put in. Drift of the clocks, which is a slow change of the fastest transit, goes the same way. Missing sound:
//!
//! ```text
//! something later is here  → it is lost: conceal it, go on      (too early, the buffer being short: conceal, but wait)
//! nothing is here          → once it is lost; then it is late: conceal and wait for it, up to 200 ms, then it is a pause
//! a pause is over          → leap over it to the target
//! ```

mod lateness;

use crate::{
    limits::{CLOCK_RATE, FRAME_BYTES, JITTER_DEPTH, PACKET_BYTES_MAX},
    packet::Packet,
};
use lateness::Lateness;
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};

/// A frame in timestamp units.
const FRAME: i64 = FRAME_BYTES as i64;
/// Bytes of the ring: [`JITTER_DEPTH`].
const RING: usize = (JITTER_DEPTH.as_millis() as usize) * 8;
/// Bytes in which whole packets are kept: [`JITTER_DEPTH`] of 128 kbit/s twice over.
const STORE: usize = 16 * 1_024;
/// Longest whole packet, eighths of a millisecond: 120 ms, the most that Opus makes (RFC 6716 §3.2.5).
const WHOLE_MAX: u32 = 960;
/// Separate stretches of audio waiting (whole packets of 10 ms: 50); more, such as single bytes far apart, are not worth
/// holding.
const STRETCHES: usize = 52;
/// Bounds of the target delay: 20–300 ms.
const TARGET: (i64, i64) = (FRAME, 15 * FRAME);
/// Delay to begin with, before jitter is known: 40 ms.
const FIRST_DELAY: i64 = 2 * FRAME;
/// How far below the target the delay may fall before it is lengthened: 12.5 ms.
const SLACK_BELOW: i64 = 100;
/// Time between the arrival of what is usually late and its taking, under which it is lengthened as well: 3 ms.
const SLACK_TIGHT: i64 = 24;
/// How far above the target it may rise before it is shortened: 20 ms.
const SLACK_ABOVE: i64 = 160;
/// Far above the target: hurry (80 ms).
const FAR_ABOVE: i64 = 640;
/// The longest delay: more is thrown away at once (420 ms, and what the listener has over: together under half a second).
const DELAY_MOST: i64 = 3_360;
/// From one step to the next: 100 ms, so that they stay inaudible; in a hurry 40 ms.
const STEP_PAUSE: (i64, i64) = (800, 320);
/// Missing frames in a row that are concealed; then it is a pause (100 ms).
const CONCEAL_MAX: u32 = 5;
/// Takes without anything in the buffer that wait for what is late (200 ms): longer spikes are pauses.
const WAIT_TAKES: u32 = 10;
/// Takes without audio after which an odd timestamp begins the stream anew (200 ms).
const DRY_TAKES: u32 = 10;
/// Late or far packets in a row that agree with each other and show that the stream moved.
const ODD_MAX: u8 = 4;

/// Sequence numbers remembered as come.
const SEEN: u16 = 64;

/// What the listener should do with what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Play it as it is.
    Keep,
    /// Leave a little out: a pitch period, or 10 ms where it is quiet. `hurry`: where nothing repeats, too.
    Shorter {
        /// Far too much waits.
        hurry: bool,
    },
    /// Put as much in.
    Longer,
}

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

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take<'a> {
    /// 20 ms of encoded audio, exactly [`crate::FRAME_BYTES`] bytes, of the codec that `payload_type` stands for.
    Frame {
        /// As in the packet it came in.
        payload_type: u8,
        /// The encoded bytes.
        payload: &'a [u8],
    },
    /// A whole packet of the codec that `payload_type` stands for; it lasts as long as its codec says.
    Whole {
        /// As in the packet.
        payload_type: u8,
        /// The packet's payload.
        payload: &'a [u8],
    },
    /// 20 ms are missing in the middle of speech: conceal them.
    Lost,
    /// Nothing is due: the stream has not begun, is still filling, or pauses (silence suppression). Play silence.
    Silence,
}

/// What the buffer does at the moment and has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterSnapshot {
    /// Audio now waiting, gaps included.
    pub waiting: Duration,
    /// The delay aimed at, 20–300 ms.
    pub target: Duration,
    /// Frames given out.
    pub played: u64,
    /// Frames concealed.
    pub lost: u64,
    /// Packets that came too late.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Frames thrown away, because far too much waited.
    pub dropped: u64,
    /// Frames waited for what was late.
    pub waited: u64,
    /// Steps by which the listener made it shorter.
    pub shortened: u64,
    /// Steps by which it made it longer.
    pub lengthened: u64,
    /// How many times it began anew.
    pub restarts: u64,
}

/// Holds at most 500 ms of one stream. Empty it is a few words; storage is allocated at the first packet, once (and once
/// more, 16 kB, at the first whole one). Call [`JitterBuffer::take`] whenever less than 20 ms are over of what it gave before.
#[derive(Clone, Debug, Default)]
pub struct JitterBuffer {
    stream: Option<Box<Stream>>,
    /// After [`JitterBuffer::reset`] the next packet begins anew in the same storage.
    begun: bool,
    /// Least target, eighths of a millisecond.
    least: i64,
    counts: JitterSnapshot,
}

/// A stretch of audio without a gap, `start..end` in extended time.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: i64,
    end: i64,
    payload_type: u8,
    /// Where a whole packet lies in the store; `None`: bytes in the ring.
    place: Option<Place>,
}

/// A whole packet's bytes in the store.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    length: usize,
}

/// Whole packets' bytes, written round and round; what is overwritten was too much to keep.
#[derive(Clone, Debug)]
struct Whole {
    bytes: [u8; STORE],
    next: usize,
}

#[derive(Clone, Debug)]
struct Stream {
    ring: [u8; RING],
    whole: Option<Box<Whole>>,
    frame: [u8; FRAME_BYTES],
    stretches: ArrayVec<Stretch, STRETCHES>,
    base: Instant,
    /// Timestamp units a second of what comes.
    clock_rate: u32,
    /// Timestamp of the newest packet, as it came and in extended time.
    newest_timestamp: u32,
    newest: i64,
    /// Its sequence number, and which of those before it came: bit n, n before.
    newest_sequence: u16,
    seen: u64,
    play: i64,
    lateness: Lateness,
    least: i64,
    target: i64,
    /// A frame was given out since the beginning.
    heard: bool,
    missing: u32,
    /// The last take gave no time: what is missing is waited for.
    waits: bool,
    /// When the last step was made.
    stepped: i64,
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
    /// byte being one unit of an 8000 Hz clock (true for PCMU, PCMA and G.722).
    pub fn put(&mut self, packet: &Packet<'_>, now: Instant) -> Put {
        let length = packet.payload.len() as i64;
        if length == 0 || packet.payload.len() > RING / 2 {
            return Put::Unsuitable;
        }
        self.take_in(packet, Length { clock_rate: CLOCK_RATE, ticks: length, is_whole: false }, now)
    }

    /// The delay aimed at is never under `least` (it is 20 ms to begin with, and 300 ms at most).
    pub fn set_least(&mut self, least: Duration) {
        self.least = ticks_of(least).min(TARGET.1);
    }

    /// Takes in a packet that is kept whole: it lasts `ticks` eighths of a millisecond (1–960) and its timestamp counts
    /// `clock_rate` units a second.
    pub fn put_whole(&mut self, packet: &Packet<'_>, clock_rate: u32, ticks: u32, now: Instant) -> Put {
        if packet.payload.is_empty() || packet.payload.len() > PACKET_BYTES_MAX || ticks == 0 || ticks > WHOLE_MAX || clock_rate < CLOCK_RATE {
            return Put::Unsuitable;
        }
        self.take_in(packet, Length { clock_rate, ticks: i64::from(ticks), is_whole: true }, now)
    }

    fn take_in(&mut self, packet: &Packet<'_>, length: Length, now: Instant) -> Put {
        let stream = self.stream.get_or_insert_with(|| Box::new(Stream::new(now)));
        stream.least = self.least;
        if !self.begun || stream.clock_rate != length.clock_rate {
            self.begun = true;
            stream.clock_rate = length.clock_rate;
            let start = i64::from(packet.timestamp);
            stream.begin(start, packet.timestamp, now);
            return stream.store(packet, start, length, now);
        }
        let step = i64::from(packet.timestamp.wrapping_sub(stream.newest_timestamp).cast_signed());
        let start = stream.newest + (step * i64::from(CLOCK_RATE)).div_euclid(i64::from(length.clock_rate));
        let late = start + length.ticks <= stream.play;
        if !late && start + length.ticks <= stream.play + RING as i64 {
            stream.odd = 0;
            let put = stream.store(packet, start, length, now);
            if put == Put::Duplicate {
                self.counts.duplicates += 1;
            }
            return put;
        }
        // Older than what came: late, or come before. No stream begins anew with it, and only what came once tells of the network.
        let age = stream.newest_sequence.wrapping_sub(packet.sequence);
        if late && (1..1 << 15).contains(&age) {
            if age >= SEEN || stream.seen & (1 << age) != 0 {
                self.counts.duplicates += u64::from(age < SEEN);
                return if age < SEEN { Put::Duplicate } else { Put::Late };
            }
            stream.seen |= 1 << age;
            self.counts.late += 1;
            stream.measure(start, now);
            return Put::Late;
        }
        // Off the stream: believed at once when nothing else plays, else when several agree with each other.
        let agrees = (start - stream.odd_at).abs() < RING as i64;
        stream.odd = if agrees { stream.odd.saturating_add(1) } else { 1 };
        stream.odd_at = start;
        let dry = stream.stretches.is_empty() && stream.missing >= DRY_TAKES;
        if dry || stream.odd >= ODD_MAX {
            self.counts.restarts += 1;
            stream.begin(start, packet.timestamp, now);
            stream.store(packet, start, length, now);
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

    /// The whole packet that follows a loss at once, if it is here already: it may tell what was lost (Opus in-band FEC).
    #[must_use]
    pub fn after_loss(&self) -> Option<(u8, &[u8])> {
        let stream = self.stream.as_deref().filter(|stream| self.begun && !stream.waits)?;
        let next = stream.stretches.first().filter(|next| next.start < stream.play + FRAME)?;
        Some((next.payload_type, stream.whole.as_ref()?.read(next.place?)))
    }

    /// The next 20 ms, or the next whole packet. `over`: what the listener still has of what it took before.
    pub fn take(&mut self, now: Instant, over: Duration) -> Take<'_> {
        let counts = &mut self.counts;
        let Some(stream) = self.stream.as_deref_mut().filter(|_| self.begun) else { return Take::Silence };
        let over = ticks_of(over);
        stream.waits = false;
        let mut covered = stream.covered();
        if covered.is_none() && stream.missing > CONCEAL_MAX && stream.leap(now, over) {
            covered = stream.covered();
        }
        while stream.heard && !stream.stretches.is_empty() && stream.delay(now) + over > stream.target.max(DELAY_MOST) {
            counts.dropped += 1;
            stream.skip();
            covered = stream.covered();
        }
        let Some(Stretch { payload_type, end, place, .. }) = covered else {
            if !stream.heard {
                stream.advance(FRAME);
                return Take::Silence;
            }
            stream.missing = stream.missing.saturating_add(1);
            let delay = stream.delay(now) + over;
            let is_late = if stream.stretches.is_empty() {
                // The first of them is lost rather than late, when it had its time.
                (stream.missing > 1 || delay < stream.target - SLACK_BELOW) && stream.missing <= WAIT_TAKES
            } else {
                delay < stream.target - SLACK_BELOW && stream.missing <= CONCEAL_MAX
            };
            if is_late && delay + FRAME < DELAY_MOST {
                counts.waited += 1;
                stream.waits = true;
            } else {
                stream.advance(FRAME);
            }
            if stream.missing > CONCEAL_MAX {
                return Take::Silence;
            }
            counts.lost += 1;
            return Take::Lost;
        };
        stream.heard = true;
        stream.missing = 0;
        counts.played += 1;
        if let Some(place) = place {
            stream.advance((end - stream.play).max(0));
            let payload = stream.whole.as_ref().map_or(&[][..], |whole| whole.read(place));
            return Take::Whole { payload_type, payload };
        }
        let at = stream.play.rem_euclid(RING as i64) as usize;
        stream.advance(FRAME);
        Take::Frame { payload_type, payload: stream.frame_at(at) }
    }

    /// A word of each place that [`JitterBuffer::take`] touches, so that they can be fetched beforehand.
    #[must_use]
    pub fn words(&self) -> u64 {
        let Some(stream) = self.stream.as_deref() else { return 0 };
        let first = stream.stretches.first().map_or(0, |stretch| stretch.start.cast_unsigned());
        let byte = stream.ring[stream.play.rem_euclid(RING as i64) as usize];
        first ^ stream.lateness.fastest().cast_unsigned() ^ u64::from(byte)
    }

    /// What to do with what was taken, `over` being what the listener has of it now. After a step: [`JitterBuffer::stepped`].
    #[must_use]
    pub fn wish(&self, now: Instant, over: Duration) -> Wish {
        let Some(stream) = self.stream.as_deref().filter(|stream| self.begun && stream.heard && stream.missing == 0) else { return Wish::Keep };
        let off = stream.delay(now) + ticks_of(over) - stream.target;
        // The next take comes sooner the less is over: what is usually late must be here by then.
        let is_tight = stream.delay(now) + 2 * FRAME < stream.target + SLACK_TIGHT;
        let rested = stream.ticks(now) - stream.stepped;
        if off > FAR_ABOVE && rested >= STEP_PAUSE.1 {
            Wish::Shorter { hurry: true }
        } else if off > SLACK_ABOVE && rested >= STEP_PAUSE.0 {
            Wish::Shorter { hurry: false }
        } else if (is_tight || off < -SLACK_BELOW) && rested >= STEP_PAUSE.0 {
            Wish::Longer
        } else {
            Wish::Keep
        }
    }

    /// The listener did as [wished](JitterBuffer::wish).
    pub fn stepped(&mut self, wish: Wish, now: Instant) {
        let Some(stream) = self.stream.as_deref_mut() else { return };
        stream.stepped = stream.ticks(now);
        match wish {
            Wish::Keep => {}
            Wish::Shorter { .. } => self.counts.shortened += 1,
            Wish::Longer => self.counts.lengthened += 1,
        }
    }

    /// How long the fastest packets wait here now, to be called between takes; `None` before the first was played.
    #[must_use]
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        self.stream.as_deref().filter(|stream| self.begun && stream.heard).map(|stream| span(stream.delay(now)))
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
            odd: 0,
            odd_at: 0,
        }
    }

    /// The stream begins, or begins anew, with a packet at `start`: it will be played after the target delay.
    fn begin(&mut self, start: i64, timestamp: u32, now: Instant) {
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

    fn ticks(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.base).as_micros() / 125).unwrap_or(i64::MAX / 4)
    }

    /// Notes how long a packet took, and what delay that asks for.
    fn measure(&mut self, start: i64, now: Instant) {
        self.lateness.note(start, self.ticks(now));
        // While little is known of the jitter: not below the first delay.
        let least = if self.lateness.is_known() { TARGET.0 } else { FIRST_DELAY }.max(self.least);
        self.target = (self.lateness.usual() + FRAME).clamp(least, TARGET.1);
    }

    /// How long before its playing the fastest packet now arrives.
    fn delay(&self, now: Instant) -> i64 {
        self.ticks(now) - self.lateness.fastest() - self.play
    }

    /// Keeps a packet that lies within the ring's time.
    fn store(&mut self, packet: &Packet<'_>, start: i64, length: Length, now: Instant) -> Put {
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
    fn covered(&self) -> Option<Stretch> {
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
    fn frame_at(&mut self, at: usize) -> &[u8] {
        let tail = RING - at;
        if tail < FRAME_BYTES {
            self.frame[..tail].copy_from_slice(&self.ring[at..]);
            self.frame[tail..].copy_from_slice(&self.ring[..FRAME_BYTES - tail]);
            return &self.frame;
        }
        &self.ring[at..at + FRAME_BYTES]
    }

    /// A pause is over: leaves out as much of it as makes the delay the target's. Whether anything was left out.
    fn leap(&mut self, now: Instant, over: i64) -> bool {
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
    fn skip(&mut self) {
        let next = self.stretches.first().filter(|next| next.place.is_some() && next.start < self.play + FRAME);
        self.advance(next.map_or(FRAME, |next| (next.end - self.play).max(0)));
    }

    /// That much time is over.
    fn advance(&mut self, ticks: i64) {
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

    fn read(&self, place: Place) -> &[u8] {
        self.bytes.get(place.at..place.at + place.length).unwrap_or_default()
    }
}

/// How a packet counts time.
#[derive(Clone, Copy)]
struct Length {
    clock_rate: u32,
    ticks: i64,
    is_whole: bool,
}

fn ticks_of(span: Duration) -> i64 {
    i64::try_from(span.as_micros() / 125).unwrap_or(i64::MAX / 4)
}

fn span(ticks: i64) -> Duration {
    Duration::from_micros(u64::try_from(ticks).unwrap_or(0).saturating_mul(125))
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
