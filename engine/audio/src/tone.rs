//! Tones a telephone network makes: ringback, busy, beep, keys. Each is made once and shared.

mod country;

pub use country::{Country, Signal};

use crate::{Pcm, Prompt};
use std::{
    f32::consts::TAU,
    sync::{Arc, LazyLock},
    time::Duration,
};
use terms::Digit;

/// Tones are made at 16 kHz, so that every codec gets them.
const RATE: u32 = 16_000;
/// Soft edge of every tone: without one each beginning clicks.
const EDGE: Duration = Duration::from_millis(5);
/// Level of each sine of a network tone, dBFS peak: near the −19 dBm0 of ITU-T E.180.
const NETWORK_DBFS: f32 = -19.0;
/// Levels of a key's low and high sine, dBFS peak: high 2 dB louder ("twist", ITU-T Q.23 practice).
const KEY_DBFS: (f32, f32) = (-11.0, -9.0);
/// The frequencies of a key's row and column, Hz (ITU-T Q.23).
pub(crate) const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
pub(crate) const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// How long a key sounds and how long it is quiet after: what every receiver takes (Q.24 asks 40/40 at least).
const KEY_SPAN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(60));
/// The voicemail beep: what answering machines have taught callers to wait for.
const BEEP: (f32, Duration, f32) = (1_000.0, Duration::from_millis(400), -10.0);
/// Longest silence made, the same as the longest file.
const SILENCE_MAX: Duration = crate::file::FILE_LENGTH_MAX;

/// The voicemail beep: 1 kHz, 400 ms, −10 dBFS, soft edges.
#[must_use]
pub fn beep() -> Arc<Prompt> {
    static TONE: LazyLock<Arc<Prompt>> = LazyLock::new(|| Prompt::shared("beep", &sine(BEEP.0, BEEP.1, BEEP.2)));
    TONE.clone()
}

/// A key's two tones for 100 ms and 60 ms of silence.
#[must_use]
pub fn dtmf(digit: Digit) -> Arc<Prompt> {
    static TONES: LazyLock<[Arc<Prompt>; 16]> = LazyLock::new(|| {
        std::array::from_fn(|event| {
            let key = Digit::from_event(event as u8).map_or('?', Digit::as_char);
            Prompt::shared(format!("key {key}"), &key_tone(event))
        })
    });
    TONES[usize::from(digit.event() & 15)].clone()
}

/// Silence for `length` (whole frames, at most 30 minutes).
#[must_use]
pub fn silence(length: Duration) -> Prompt {
    let count = samples_in(length.min(SILENCE_MAX)) / 2;
    Prompt::new("silence", &Pcm { rate: RATE / 2, samples: vec![0; count] })
}

/// A sine at `hertz`, `length` long, peak at `dbfs`, with 5 ms soft edges; at 16 kHz.
#[must_use]
pub fn sine(hertz: f32, length: Duration, dbfs: f32) -> Pcm {
    Pcm { rate: RATE, samples: sines(&[(hertz, dbfs)], length) }
}

/// The row and column frequencies of the sixteen keys (ITU-T Q.23), by event code 0–15 (`0`–`9`, `*`, `#`, `A`–`D`).
#[must_use]
pub const fn dtmf_hertz(digit: Digit) -> (f32, f32) {
    key_hertz(digit.event() as usize)
}

const fn key_hertz(event: usize) -> (f32, f32) {
    let (row, column) = key_place(event);
    (ROWS[row], COLUMNS[column])
}

/// Row and column of a key on its pad, by event code.
pub(crate) const fn key_place(event: usize) -> (usize, usize) {
    match event & 15 {
        0 => (3, 1),
        10 => (3, 0),
        11 => (3, 2),
        letter @ 12..=15 => (letter - 12, 3),
        digit => ((digit - 1) / 3, (digit - 1) % 3),
    }
}

fn key_tone(event: usize) -> Pcm {
    let (low, high) = key_hertz(event);
    let mut samples = sines(&[(low, KEY_DBFS.0), (high, KEY_DBFS.1)], KEY_SPAN.0);
    samples.resize(samples.len() + samples_in(KEY_SPAN.1), 0);
    Pcm { rate: RATE, samples }
}

fn samples_in(length: Duration) -> usize {
    (length.as_micros() as u64 * u64::from(RATE) / 1_000_000) as usize
}

/// A sum of sines with soft edges.
fn sines(parts: &[(f32, f32)], length: Duration) -> Vec<i16> {
    let mut samples = steady(parts, length);
    let (count, edge) = (samples.len(), samples_in(EDGE));
    for (at, sample) in samples.iter_mut().enumerate() {
        let soft = (at.min(count - 1 - at) as f32 / edge as f32).min(1.0);
        *sample = (f32::from(*sample) * soft) as i16;
    }
    samples
}

/// A sum of sines from zero on, without edges: frequency and peak in dBFS of each.
fn steady(parts: &[(f32, f32)], length: Duration) -> Vec<i16> {
    (0..samples_in(length))
        .map(|at| {
            let sum: f32 = parts
                .iter()
                .map(|(hertz, dbfs)| 10_f32.powf(dbfs / 20.0) * (TAU * ((hertz * at as f32 / RATE as f32).fract())).sin())
                .sum();
            (sum * 32_767.0) as i16
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Power at `hertz` relative to all power, by one Goertzel filter.
    pub(super) fn share(samples: &[i16], rate: u32, hertz: f32) -> f64 {
        let coefficient = 2.0 * f64::cos(std::f64::consts::TAU * f64::from(hertz) / f64::from(rate));
        let (mut before, mut last) = (0.0, 0.0);
        for sample in samples {
            (before, last) = (last, f64::from(*sample) + coefficient * last - before);
        }
        let power = before * before + last * last - coefficient * before * last;
        let all: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
        power * 2.0 / (all * samples.len() as f64)
    }

    #[test]
    fn every_key_has_its_two_tones() {
        for event in 0..16 {
            let digit = Digit::from_event(event).unwrap();
            let prompt = dtmf(digit);
            assert_eq!(prompt.duration(), Duration::from_millis(160));
            let (low, high) = dtmf_hertz(digit);
            let sound = &prompt.sound().samples[160..1_440];
            let (a, b) = (share(sound, RATE, low), share(sound, RATE, high));
            assert!(a > 0.3 && b > 0.5 && a + b > 0.95, "{digit}: {a:.2} {b:.2}");
        }
        assert_eq!(dtmf_hertz(Digit::try_from('5').unwrap()), (770.0, 1_336.0));
        assert_eq!(dtmf_hertz(Digit::try_from('#').unwrap()), (941.0, 1_477.0));
        assert_eq!(dtmf_hertz(Digit::try_from('D').unwrap()), (941.0, 1_633.0));
    }

    #[test]
    fn the_beep_is_a_kilohertz_and_silence_is_silent() {
        let beep = beep();
        assert_eq!(beep.duration(), Duration::from_millis(400));
        assert!(share(&beep.sound().samples[320..6_080], RATE, 1_000.0) > 0.99);
        assert_eq!(silence(Duration::from_millis(30)).frame_count(), 2);
        assert_eq!(silence(Duration::MAX).duration(), SILENCE_MAX);
    }
}
