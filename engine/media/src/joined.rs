//! Frames of 20 ms gathered to packets of the length that a leg's peer wishes: a room's clock gives frames, whatever was agreed.

use crate::limits::PACKET_PAYLOAD_MAX;
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};
use terms::{Codec, Packing};

/// Frames that wait at most: 60 ms and one more.
const FRAMES_MAX: usize = 4;
/// Bytes of a millisecond where each byte lasts an eighth of one.
const BYTES_A_MS: usize = 8;

/// What waits for its packet to be full.
pub(crate) struct Joined {
    /// Codec and packet length of what waits.
    form: Option<(Codec, u16)>,
    bytes: [u8; PACKET_PAYLOAD_MAX],
    /// Where each waiting frame ends.
    ends: ArrayVec<usize, FRAMES_MAX>,
    /// The moment of the first of it.
    since: Option<Instant>,
}

impl Joined {
    pub(crate) const fn new() -> Self {
        Self { form: None, bytes: [0; PACKET_PAYLOAD_MAX], ends: ArrayVec::new_const(), since: None }
    }

    /// Somebody else speaks now: what waits is not said any more.
    pub(crate) fn forget(&mut self) {
        self.ends.clear();
        self.since = None;
    }

    fn length(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// 20 ms of `codec` that belong to `slot`, towards packets of `ms`.
    pub(crate) fn put(&mut self, payload: &[u8], codec: Codec, ms: u16, slot: Instant) {
        if self.form != Some((codec, ms)) {
            self.forget();
            self.form = Some((codec, ms));
        }
        let from = self.length();
        let Some(into) = self.bytes.get_mut(from..from + payload.len()).filter(|_| !self.ends.is_full()) else {
            self.forget();
            return;
        };
        into.copy_from_slice(payload);
        self.ends.push(from + payload.len());
        self.since.get_or_insert(slot);
    }

    /// The next packet that is full: its length in `out`, how long it lasts, and the moment it belongs to.
    pub(crate) fn next(&mut self, out: &mut [u8; PACKET_PAYLOAD_MAX]) -> Option<(usize, Duration, Instant)> {
        let ((codec, ms), since) = (self.form?, self.since?);
        let lasts = Duration::from_millis(u64::from(ms));
        let frames = usize::from(ms / 20);
        let (length, used) = match codec.packing() {
            Packing::Bytes => {
                let length = usize::from(ms) * BYTES_A_MS;
                out.get_mut(..length)?.copy_from_slice(self.bytes.get(..length).filter(|_| self.length() >= length)?);
                (length, length)
            }
            Packing::Frames(_) => {
                let length = *self.ends.get(frames.checked_sub(1)?)?;
                out.get_mut(..length)?.copy_from_slice(self.bytes.get(..length)?);
                (length, length)
            }
            Packing::Packets => {
                let used = *self.ends.get(frames.checked_sub(1)?)?;
                let starts = std::iter::once(0).chain(self.ends.iter().copied());
                let parts = starts.zip(&self.ends).take(frames).filter_map(|(from, to)| self.bytes.get(from..*to));
                match audio::join_opus(parts, out) {
                    Some((length, joined)) if joined == frames => (length, used),
                    // Frames that are unlike (the encoder changed its mode) go one by one.
                    Some(_) | None => return self.first(out),
                }
            }
        };
        self.consume(used, since + lasts);
        Some((length, lasts, since))
    }

    /// The first frame alone.
    fn first(&mut self, out: &mut [u8; PACKET_PAYLOAD_MAX]) -> Option<(usize, Duration, Instant)> {
        let (length, since) = (*self.ends.first()?, self.since?);
        out.get_mut(..length)?.copy_from_slice(self.bytes.get(..length)?);
        self.consume(length, since + crate::limits::FRAME);
        Some((length, crate::limits::FRAME, since))
    }

    /// That many bytes are gone; what is left begins at `next`.
    fn consume(&mut self, used: usize, next: Instant) {
        let length = self.length();
        self.bytes.copy_within(used..length, 0);
        self.ends.retain(|end| *end > used);
        self.ends.iter_mut().for_each(|end| *end -= used);
        self.since = (!self.ends.is_empty()).then_some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Decoder, Encoder, PACKET_SAMPLES_MAX, tone};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn frames_become_packets_of_every_length_without_a_gap() {
        let sound = tone::sine(440.0, Duration::from_secs(2), -10.0);
        for codec in Codec::ALL {
            let pcm = audio::resample(&sound, codec.sample_rate());
            for wish in [10, 20, 30, 40, 50, 60] {
                let ms = codec.packet_ms(wish);
                let (mut joined, mut encoder, mut decoder) = (Joined::new(), Encoder::new(codec), Decoder::new(codec));
                let start = Instant::now();
                let (mut heard, mut next, mut usual) = (0, start, 0);
                for (at, frame) in (0..).zip(pcm.samples.chunks_exact(codec.frame_samples())) {
                    let mut payload = [0; 400];
                    let length = encoder.encode(frame, &mut payload);
                    joined.put(&payload[..length], codec, ms, start + Duration::from_millis(20 * at));
                    let mut out = [0; PACKET_PAYLOAD_MAX];
                    while let Some((length, lasts, moment)) = joined.next(&mut out) {
                        let mut samples = [0; PACKET_SAMPLES_MAX];
                        let count = decoder.decode(&out[..length], &mut samples);
                        assert_eq!(count as u128, lasts.as_millis() * u128::from(codec.sample_rate()) / 1_000, "{codec} {ms}");
                        assert_eq!(moment, next, "{codec} {ms}: one packet begins where the last ended");
                        next = moment + lasts;
                        heard += count;
                        usual += u32::from(lasts == Duration::from_millis(u64::from(ms)));
                    }
                }
                assert!(heard + 4 * codec.frame_samples() > pcm.samples.len(), "{codec} {ms}");
                assert!(usual + 4 >= 2_000 / u32::from(ms), "{codec} {ms}: {usual}");
            }
        }
    }
}
