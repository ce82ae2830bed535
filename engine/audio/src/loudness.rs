//! Equal loudness: what different people recorded at different levels is brought to one (EBU R128), without clipping.
//!
//! Library: `ebur128` (kept by the authors of GStreamer's Rust plugins, MIT) measures loudness and true peak; the gain and the
//! limiter are ours, because no kept crate has one.

use crate::{Pcm, level::FLOOR_DBFS, level::dbfs};
use ebur128::{EbuR128, Mode};

/// The loudness prompts are brought to, LUFS: EBU R128's own, and the level of speech in telephone networks
/// (−20 dBm0, ITU-T P.56 practice).
pub const TARGET_LUFS: f32 = -23.0;
/// Targets that make sense, LUFS: below is too quiet for a noisy street, above the limiter would be heard.
pub const TARGETS_LUFS: std::ops::RangeInclusive<f32> = -36.0..=-14.0;
/// No true peak is left above this, dB of full scale: EBU R128 §m.
const PEAK_MAX_DB: f32 = -1.0;
/// Nothing is made louder than this, dB: what needs more is noise, or broken.
const GAIN_MAX_DB: f32 = 24.0;
/// Loudness in EBU's sense needs at least one block of 400 ms; what is shorter is measured by plain level.
const BLOCK_MS: usize = 400;
/// Plain level of a sound whose loudness is 0 LUFS: the K-weighting's constant (ITU-R BS.1770).
const LEVEL_OFFSET_DB: f32 = -0.691;
/// The limiter looks this far ahead and back, milliseconds: short enough for a click, long enough not to distort a voice.
const WINDOW_MS: usize = 5;

/// Integrated loudness in LUFS; of less than 400 ms the plain level; `None` for silence.
#[must_use]
pub fn loudness(pcm: &Pcm) -> Option<f32> {
    if pcm.samples.len() * 1_000 < pcm.rate as usize * BLOCK_MS {
        let level = dbfs(&pcm.samples);
        return (level > FLOOR_DBFS).then_some(level + LEVEL_OFFSET_DB);
    }
    let meter = measured(pcm, Mode::I)?;
    meter.loudness_global().ok().map(|lufs| lufs as f32).filter(|lufs| lufs.is_finite())
}

/// The highest true peak (between samples too), dB of full scale; `None` for silence.
#[must_use]
pub fn true_peak(pcm: &Pcm) -> Option<f32> {
    let peak = measured(pcm, Mode::TRUE_PEAK)?.true_peak(0).ok()?;
    (peak > 0.0).then(|| 20.0 * peak.log10() as f32)
}

fn measured(pcm: &Pcm, mode: Mode) -> Option<EbuR128> {
    let mut meter = EbuR128::new(1, pcm.rate, mode).ok()?;
    meter.add_frames_i16(&pcm.samples).ok()?;
    Some(meter)
}

/// Brings a sound to `target` LUFS with no true peak above −1 dB. Silence stays silence; nothing is raised by more than 24 dB.
pub fn normalise(pcm: &mut Pcm, target: f32) {
    let mut raised_db = 0.0;
    // The limiter takes some loudness away again, from sounds with clicks: a second and third look make up for it.
    for _ in 0..3 {
        let Some(lufs) = loudness(pcm) else { return };
        let gain_db = (target - lufs).min(GAIN_MAX_DB - raised_db);
        // A tenth of a decibel nobody hears: the sound stays as it is, bit by bit.
        if gain_db.abs() < 0.1 && true_peak(pcm).is_none_or(|peak| peak <= PEAK_MAX_DB) {
            return;
        }
        raised_db += gain_db.max(0.0);
        raise(pcm, gain_db);
    }
}

/// Makes a sound louder (or quieter) by that many decibels, and limits its peaks.
fn raise(pcm: &mut Pcm, gain_db: f32) {
    let gain = ratio(gain_db);
    let mut sound: Vec<f32> = pcm.samples.iter().map(|sample| f32::from(*sample) * gain).collect();
    limit(&mut sound, pcm.rate as usize, 32_768.0 * ratio(PEAK_MAX_DB));
    pcm.samples.iter_mut().zip(&sound).for_each(|(to, from)| *to = from.round() as i16);
    // What lies between the samples may still be higher by a little.
    if let Some(over) = true_peak(pcm).map(|peak| peak - PEAK_MAX_DB).filter(|over| *over > 0.0) {
        let less = ratio(-over);
        pcm.samples.iter_mut().for_each(|sample| *sample = (f32::from(*sample) * less) as i16);
    }
}

fn ratio(db: f32) -> f32 {
    10_f32.powf(db / 20.0)
}

/// Turns the sound down around what is above `ceiling`, smoothly.
fn limit(sound: &mut [f32], rate: usize, ceiling: f32) {
    let window = (rate * WINDOW_MS / 1_000).max(1);
    if sound.iter().all(|sample| sample.abs() <= ceiling) {
        return;
    }
    // What each stretch of a window's length needs, its neighbours included; between stretches it goes in a straight line,
    // which is never above what either needs.
    let needed: Vec<f32> = sound
        .chunks(window)
        .map(|stretch| stretch.iter().fold(1.0_f32, |least, sample| least.min(ceiling / sample.abs().max(ceiling))))
        .collect();
    let around = |at: usize| needed[at.saturating_sub(1)..(at + 2).min(needed.len())].iter().copied().fold(1.0_f32, f32::min);
    let gains: Vec<f32> = (0..needed.len()).map(around).collect();
    for (at, sample) in sound.iter_mut().enumerate() {
        let (stretch, into) = (at / window, (at % window) as f32 / window as f32);
        let next = gains.get(stretch + 1).copied().unwrap_or(gains[stretch]);
        *sample *= (gains[stretch].min(needed[stretch]) * (1.0 - into) + next * into).min(needed[stretch]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone;
    use std::time::Duration;

    /// Something like speech: syllables of a voice with pauses, `dbfs` at its loudest.
    fn talk(seconds: u64, dbfs: f32) -> Pcm {
        let mut pcm = tone::sine(180.0, Duration::from_secs(seconds), dbfs);
        for (at, sample) in pcm.samples.iter_mut().enumerate() {
            let t = at as f32 / 16_000.0;
            let syllable = (t * 4.0 * std::f32::consts::PI).sin().max(0.0);
            let overtone = 1.0 + 0.5 * (t * 900.0 * std::f32::consts::TAU).sin();
            *sample = (f32::from(*sample) * syllable * overtone * 0.66) as i16;
        }
        pcm
    }

    #[test]
    fn loud_and_quiet_become_alike_and_nothing_clips() {
        for dbfs in [-1.0, -12.0, -24.0, -30.0] {
            for target in [TARGET_LUFS, -18.0] {
                let mut pcm = talk(10, dbfs);
                normalise(&mut pcm, target);
                let lufs = loudness(&pcm).unwrap();
                assert!((lufs - target).abs() < 1.0, "from {dbfs}: {lufs} of {target}");
                assert!(true_peak(&pcm).unwrap() <= -0.9, "from {dbfs}: {:?}", true_peak(&pcm));
            }
        }
        let (mut faint, before) = (talk(10, -45.0), loudness(&talk(10, -45.0)).unwrap());
        normalise(&mut faint, TARGET_LUFS);
        assert!((loudness(&faint).unwrap() - before - GAIN_MAX_DB).abs() < 1.0, "not more than 24 dB");
    }

    #[test]
    fn a_click_is_limited_and_the_rest_keeps_its_loudness() {
        let mut pcm = talk(6, -26.0);
        for click in [20_000, 50_003, 90_001] {
            pcm.samples[click] = 30_000;
            pcm.samples[click + 1] = -30_000;
        }
        normalise(&mut pcm, TARGET_LUFS);
        assert!((loudness(&pcm).unwrap() - TARGET_LUFS).abs() < 1.0, "{:?}", loudness(&pcm));
        assert!(true_peak(&pcm).unwrap() <= -0.9);
    }

    #[test]
    fn short_sounds_and_silence_are_treated_sensibly() {
        let mut short = tone::sine(1_000.0, Duration::from_millis(150), -6.0);
        normalise(&mut short, TARGET_LUFS);
        assert!((dbfs(&short.samples) - TARGET_LUFS).abs() < 1.5, "{}", dbfs(&short.samples));
        let mut silence = Pcm { rate: 8_000, samples: vec![0; 8_000] };
        normalise(&mut silence, TARGET_LUFS);
        assert!(silence.samples.iter().all(|sample| *sample == 0));
        let mut empty = Pcm { rate: 8_000, samples: Vec::new() };
        normalise(&mut empty, TARGET_LUFS);
        let mut faint = Pcm { rate: 8_000, samples: (0..16_000).map(|at| at % 3 - 1).collect() };
        normalise(&mut faint, TARGET_LUFS);
        assert!(dbfs(&faint.samples) < -60.0, "noise is not blown up: {}", dbfs(&faint.samples));
        let mut right = talk(5, -12.0);
        normalise(&mut right, TARGET_LUFS);
        let before = right.clone();
        normalise(&mut right, TARGET_LUFS);
        assert_eq!(before, right, "what is right is left alone");
        for rate in [4_000, 11_025, 384_000] {
            normalise(&mut Pcm { rate, samples: vec![3_000; 9_000] }, TARGET_LUFS);
        }
    }
}
