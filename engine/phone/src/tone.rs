//! Measuring: level, Goertzel, and "is this one single tone, and which".

use crate::limits::RATE;
use std::f32::consts::PI;

/// Level of mono PCM in dBFS (root mean square against full scale; −120 for digital silence).
#[must_use]
pub fn level_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return -120.0;
    }
    let energy: f32 = samples.iter().map(|s| f32::from(*s).powi(2)).sum();
    let rms = (energy / samples.len() as f32).sqrt() / 32_768.0;
    (20.0 * rms.max(1e-6).log10()).max(-120.0)
}

/// Squared amplitude of the `hz` component of mono PCM at 8 kHz (full-scale sine: about 1.07e9).
#[must_use]
pub fn goertzel(samples: &[i16], hz: f32) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let w = 2.0 * PI * hz / RATE as f32;
    let coefficient = 2.0 * w.cos();
    let (mut s1, mut s2) = (0.0_f32, 0.0_f32);
    for sample in samples {
        let s0 = f32::from(*sample) + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    let power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    4.0 * power / (samples.len() as f32).powi(2)
}

/// Share (0–1) of the energy that lies at `hz`; 1 for a pure tone, judged in blocks of 40 ms so that gaps and phase jumps do not matter.
#[must_use]
pub fn tone_share(samples: &[i16], hz: f32) -> f32 {
    let (mut at, mut all) = (0.0_f32, 0.0_f32);
    for block in samples.chunks(2 * crate::limits::FRAME) {
        let length = block.len() as f32;
        at += goertzel(block, hz) / 2.0 * length;
        all += block.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>();
    }
    if all < 1.0 { 0.0 } else { (at / all).min(1.0) }
}

/// The frequency in Hz of a frame (20 ms or more) that is one single tone between 300 and 3,400 Hz, else `None`.
#[must_use]
pub fn dominant_tone(samples: &[i16]) -> Option<f32> {
    if samples.len() < 3 || level_dbfs(samples) < crate::limits::SOUND_DBFS {
        return None;
    }
    // A pure tone obeys x[n-1] + x[n+1] = 2 cos(w) x[n]: the least-squares 2 cos(w) is the tone's.
    let (mut cross, mut own, mut all) = (0.0_f32, 0.0_f32, 0.0_f32);
    for three in samples.windows(3) {
        let [a, b, c] = [f32::from(three[0]), f32::from(three[1]), f32::from(three[2])];
        cross += b * (a + c);
        own += b * b;
        all += (a + c).powi(2);
    }
    if own < 1.0 {
        return None;
    }
    let coefficient = cross / own;
    let residue = (all - coefficient * cross).max(0.0);
    if coefficient.abs() >= 2.0 || residue > 0.05 * own {
        return None;
    }
    let hz = (coefficient / 2.0).acos() * RATE as f32 / (2.0 * PI);
    (300.0..=3_400.0).contains(&hz).then_some(hz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{g711, sound::Sound};
    use std::time::Duration;
    use terms::Codec;

    #[test]
    fn tones_are_named_also_through_g711() {
        for hz in [350.0_f32, 440.0, 1_000.0, 1_400.0, 2_600.0] {
            let sound = Sound::tone(hz, -10.0, Duration::from_millis(200));
            for codec in [Codec::Pcmu, Codec::Pcma] {
                let heard: Vec<i16> = sound.samples().iter().map(|s| g711::decode(codec, g711::encode(codec, *s))).collect();
                for frame in heard.chunks_exact(160) {
                    let found = dominant_tone(frame).unwrap();
                    assert!((found / hz - 1.0).abs() < 0.03, "{hz} heard as {found}");
                }
                assert!(tone_share(&heard, hz) > 0.97);
                assert!(tone_share(&heard, hz * 1.5) < 0.05);
            }
        }
    }

    #[test]
    fn noise_two_tones_and_silence_are_no_tone() {
        let mut chance = crate::chance::Chance::new(7);
        let noise: Vec<i16> = (0..160).map(|_| (chance.next() % 8_000) as i16 - 4_000).collect();
        assert_eq!(dominant_tone(&noise), None);
        let a = Sound::tone(440.0, -12.0, Duration::from_millis(20));
        let b = Sound::tone(980.0, -12.0, Duration::from_millis(20));
        let two: Vec<i16> = a.samples().iter().zip(b.samples()).map(|(a, b)| a + b).collect();
        assert_eq!(dominant_tone(&two), None);
        assert_eq!(dominant_tone(&[0; 160]), None);
        assert_eq!(level_dbfs(&[0; 160]), -120.0);
        assert!((level_dbfs(Sound::tone(500.0, 0.0, Duration::from_secs(1)).samples()) + 3.0).abs() < 0.1);
    }
}
