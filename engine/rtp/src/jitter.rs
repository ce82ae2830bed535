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
mod waiting;

use crate::{
    limits::{CLOCK_RATE, PACKET_BYTES_MAX},
    packet::Packet,
};
use std::time::{Duration, Instant};
use waiting::{FRAME, Length, RING, SEEN, Stream, Stretch, TARGET};

/// Longest whole packet, eighths of a millisecond: 120 ms, the most that Opus makes (RFC 6716 §3.2.5).
const WHOLE_MAX: u32 = 960;
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
/// Times that this pause doubles while nothing in the sound can be left out: up to 800 ms. Music or noise may have nothing for ever, and a
/// search costs more than all else that is done with a frame.
const PAUSE_DOUBLES_MAX: u8 = 3;
/// Missing frames in a row that are concealed; then it is a pause (100 ms).
const CONCEAL_MAX: u32 = 5;
/// Takes without anything in the buffer that wait for what is late (200 ms): longer spikes are pauses.
const WAIT_TAKES: u32 = 10;
/// Takes without audio after which an odd timestamp begins the stream anew (200 ms).
const DRY_TAKES: u32 = 10;
/// Late or far packets in a row that agree with each other and show that the stream moved.
const ODD_MAX: u8 = 4;

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

/// Holds at most 500 ms of one stream. About 7 kB in place, so that a packet finds it without another pointer; 16 kB are allocated,
/// once, at the first whole packet. Call [`JitterBuffer::take`] whenever less than 20 ms are over of what it gave before.
#[derive(Clone, Debug, Default)]
pub struct JitterBuffer {
    stream: Option<Stream>,
    /// After [`JitterBuffer::reset`] the next packet begins anew in the same storage.
    begun: bool,
    /// Least target, eighths of a millisecond.
    least: i64,
    counts: JitterSnapshot,
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
        let stream = self.stream.get_or_insert_with(|| Stream::new(now));
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
        let stream = self.stream.as_ref().filter(|stream| self.begun && !stream.waits)?;
        let next = stream.stretches.first().filter(|next| next.start < stream.play + FRAME)?;
        Some((next.payload_type, stream.whole.as_ref()?.read(next.place?)))
    }

    /// The next 20 ms, or the next whole packet. `over`: what the listener still has of what it took before.
    pub fn take(&mut self, now: Instant, over: Duration) -> Take<'_> {
        let counts = &mut self.counts;
        let Some(stream) = self.stream.as_mut().filter(|_| self.begun) else { return Take::Silence };
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

    /// A word of each line that a packet and [`JitterBuffer::take`] touch, so that they can be fetched beforehand.
    #[must_use]
    pub fn words(&self) -> u64 {
        let Some(stream) = &self.stream else { return 0 };
        let first = stream.stretches.first().map_or(0, |stretch| stretch.start.cast_unsigned());
        let byte = |ahead: usize| u64::from(stream.ring[(stream.play.cast_unsigned() as usize).wrapping_add(ahead) % RING]);
        first ^ stream.play.cast_unsigned() ^ u64::from(stream.newest_timestamp) ^ stream.lateness.word() ^ byte(0) ^ byte(128) ^ self.counts.played
    }

    /// What to do with what was taken, `over` being what the listener has of it now. After a step: [`JitterBuffer::stepped`].
    #[must_use]
    pub fn wish(&self, now: Instant, over: Duration) -> Wish {
        let Some(stream) = self.stream.as_ref().filter(|stream| self.begun && stream.heard && stream.missing == 0) else { return Wish::Keep };
        let off = stream.delay(now) + ticks_of(over) - stream.target;
        // The next take comes sooner the less is over: what is usually late must be here by then.
        let is_tight = stream.delay(now) + 2 * FRAME < stream.target + SLACK_TIGHT;
        let rested = stream.ticks(now) - stream.stepped;
        if off > FAR_ABOVE && rested >= STEP_PAUSE.1 {
            Wish::Shorter { hurry: true }
        } else if off > SLACK_ABOVE && rested >= STEP_PAUSE.0 << stream.unfit.min(PAUSE_DOUBLES_MAX) {
            Wish::Shorter { hurry: false }
        } else if (is_tight || off < -SLACK_BELOW) && rested >= STEP_PAUSE.0 {
            Wish::Longer
        } else {
            Wish::Keep
        }
    }

    /// The listener did as [wished](JitterBuffer::wish), or found nothing to leave out or put in ([`Wish::Keep`]).
    pub fn stepped(&mut self, wish: Wish, now: Instant) {
        let Some(stream) = self.stream.as_mut() else { return };
        stream.stepped = stream.ticks(now);
        stream.unfit = if wish == Wish::Keep { stream.unfit.saturating_add(1) } else { 0 };
        match wish {
            Wish::Keep => {}
            Wish::Shorter { .. } => self.counts.shortened += 1,
            Wish::Longer => self.counts.lengthened += 1,
        }
    }

    /// How long the fastest packets wait here now, to be called between takes; `None` before the first was played.
    #[must_use]
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        self.stream.as_ref().filter(|stream| self.begun && stream.heard).map(|stream| span(stream.delay(now)))
    }

    /// Forgets everything waiting (re-INVITE, new source); statistics stay.
    pub fn reset(&mut self) {
        self.begun = false;
    }

    /// The state and counts.
    #[must_use]
    pub fn snapshot(&self) -> JitterSnapshot {
        let Some(stream) = self.stream.as_ref().filter(|_| self.begun) else { return self.counts };
        let waiting = stream.stretches.last().map_or(0, |last| last.end - stream.play);
        JitterSnapshot { waiting: span(waiting), target: span(stream.target), ..self.counts }
    }
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
