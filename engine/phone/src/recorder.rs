//! What was heard: PCM on a time line with gaps as silence, and the running measurements scripts wait for.

use crate::limits::{BEEP, FRAME, JUMP_SAMPLES, RATE, RECORDING_SAMPLES_MAX, SOUND_DBFS};
use crate::tone::{dominant_tone, level_dbfs};
use std::time::{Duration, Instant};

/// A tone that was heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeardTone {
    /// When its first 150 ms were complete.
    pub(crate) at: Instant,
    pub(crate) hz: f32,
}

/// How one RTP stream lies on the time line.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    position: i64,
}

/// The recording of one call.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    samples: Vec<i16>,
    began: Option<Instant>,
    anchor: Option<Anchor>,
    /// Sound heard in all, counted by packets.
    pub(crate) sound: Duration,
    pub(crate) last_sound: Option<Instant>,
    /// The longest time between sounds so far, from the beginning and up to the last packet.
    pub(crate) longest_silence: Duration,
    run: Option<(f32, Duration)>,
    /// Tones of at least [`BEEP`], each once.
    pub(crate) tones: Vec<HeardTone>,
}

/// Most tones remembered.
const TONES_MAX: usize = 1_000;

impl Recorder {
    /// Position 0 of the recording; later calls change nothing.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// The tone that is sounding now, when it has lasted [`BEEP`] already.
    pub(crate) fn current_tone(&self) -> Option<f32> {
        self.run.filter(|(_, lasted)| *lasted >= BEEP).map(|(hz, _)| hz)
    }

    pub(crate) fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The decoded audio of one packet.
    pub(crate) fn hear(&mut self, ssrc: u32, timestamp: u32, audio: &[i16], now: Instant) {
        self.measure(audio, now);
        let Some(began) = self.began else { return };
        let arrival = i64::try_from(now.saturating_duration_since(began).as_millis()).unwrap_or(i64::MAX).saturating_mul(i64::from(RATE) / 1_000);
        let expected = self.anchor.filter(|a| a.ssrc == ssrc).map(|a| {
            // Timestamps wrap: the signed distance is what counts.
            a.position.saturating_add(i64::from(timestamp.wrapping_sub(a.timestamp).cast_signed()))
        });
        let position = match expected {
            Some(position) if (position - arrival).abs() < JUMP_SAMPLES && position >= 0 => position,
            Some(_) | None => {
                self.anchor = Some(Anchor { ssrc, timestamp, position: arrival });
                arrival
            }
        };
        let Ok(from) = usize::try_from(position) else { return };
        let to = from.saturating_add(audio.len());
        if to > RECORDING_SAMPLES_MAX {
            return;
        }
        if self.samples.len() < to {
            self.samples.resize(to, 0);
        }
        if let Some(place) = self.samples.get_mut(from..to) {
            place.copy_from_slice(audio);
        }
    }

    fn measure(&mut self, audio: &[i16], now: Instant) {
        let quiet = self.last_sound.or(self.began).map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.longest_silence = self.longest_silence.max(quiet);
        for frame in audio.chunks(FRAME) {
            let length = Duration::from_micros(frame.len() as u64 * 1_000_000 / u64::from(RATE));
            if level_dbfs(frame) > SOUND_DBFS {
                self.sound += length;
                self.last_sound = Some(now);
            }
            self.run = match (dominant_tone(frame), self.run) {
                (Some(hz), Some((before, lasted))) if (hz / before - 1.0).abs() < 0.03 => {
                    let longer = lasted + length;
                    if lasted < BEEP && longer >= BEEP && self.tones.len() < TONES_MAX {
                        self.tones.push(HeardTone { at: now, hz: before });
                    }
                    Some((before, longer))
                }
                (Some(hz), Some(_) | None) => Some((hz, length)),
                (None, Some(_) | None) => None,
            };
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;
    use crate::{sound::Sound, tone::tone_share};

    #[test]
    fn lost_and_late_packets_leave_the_rest_in_its_place() {
        let start = Instant::now();
        let mut recorder = Recorder::default();
        recorder.begin(start);
        let tone = Sound::tone(800.0, -10.0, Duration::from_secs(1));
        let frames: Vec<&[i16]> = tone.samples().chunks(160).collect();
        for n in (0..50_u32).filter(|n| *n != 10).map(|n| if n == 20 { 21 } else if n == 21 { 20 } else { n }) {
            let now = start + Duration::from_millis(u64::from(n) * 20 + 5);
            recorder.hear(7, (u32::MAX - 1_000).wrapping_add(n * 160), frames[n as usize], now);
        }
        let heard = recorder.samples();
        assert_eq!(heard.len(), 8_000 + 40, "the first packet came 5 ms after the start");
        assert!(heard[40 + 1_600..40 + 1_760].iter().all(|s| *s == 0), "the lost one is silence");
        assert_eq!(&heard[40 + 3_200..40 + 3_520], &tone.samples()[3_200..3_520]);
        assert!(tone_share(heard, 800.0) > 0.95);
        assert_eq!(recorder.sound, Duration::from_millis(980));
        assert_eq!(recorder.tones.len(), 1);
        assert!((recorder.tones[0].hz - 800.0).abs() < 20.0);
    }

    #[test]
    fn the_longest_silence_is_between_sounds_at_the_beginning_or_at_the_end() {
        let start = Instant::now();
        let (tone, quiet) = (Sound::tone(800.0, -10.0, Duration::from_millis(20)), [0; 160]);
        let mut recorder = Recorder::default();
        recorder.begin(start);
        let mut longest = Vec::new();
        for (ms, is_sound) in [(700, true), (900, false), (1_300, true), (1_900, false), (4_000, false)] {
            recorder.hear(1, ms * 8, if is_sound { tone.samples() } else { &quiet }, start + Duration::from_millis(u64::from(ms)));
            longest.push(recorder.longest_silence.as_millis());
        }
        assert_eq!(longest, [700, 700, 700, 700, 2_700]);
    }

    #[test]
    fn a_new_stream_is_placed_when_it_comes() {
        let start = Instant::now();
        let mut recorder = Recorder::default();
        recorder.begin(start);
        recorder.hear(1, 5, &[100; 160], start);
        recorder.hear(2, 900_000, &[200; 160], start + Duration::from_millis(100));
        assert_eq!((recorder.samples()[799], recorder.samples()[800]), (0, 200));
    }
}
