//! Packet loss concealment for decoded audio: repeat the last pitch period, fade, and hide the seam when sound returns.

/// Longest history kept: 40 ms at 16 kHz, enough for two periods of the deepest voice (66 Hz).
const HISTORY: usize = 640;
/// Gain at the end of each lost frame of 20 ms: audible for 60 ms, then silence (longer repetition sounds robotic).
const FADE: [f32; 3] = [0.75, 0.35, 0.0];
/// Shortest and longest pitch period looked for, in microseconds (400 Hz – 66 Hz).
const PERIOD_US: (usize, usize) = (2_500, 15_000);
/// How long the synthetic sound overlaps the returning one, in microseconds.
const SEAM_US: usize = 4_000;

/// Hides lost frames. One a stream; about 1.3 kB.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: usize,
    history: [i16; HISTORY],
    /// Lost frames in a row.
    lost: usize,
    /// Pitch period in samples and how far into it the repetition is; meaningful while `lost > 0`.
    period: usize,
    phase: usize,
}

impl Concealer {
    /// For frames of 20 ms at `rate` (8 000 or 16 000).
    #[must_use]
    pub const fn new(rate: u32) -> Self {
        Self { rate: rate as usize, history: [0; HISTORY], lost: 0, period: 1, phase: 0 }
    }

    /// A frame came: remembers it, and after concealed ones smooths the seam (changes its first 4 ms).
    pub fn good(&mut self, frame: &mut [i16]) {
        if self.lost > 0 && self.lost < FADE.len() {
            let seam = (self.rate * SEAM_US / 1_000_000).min(frame.len());
            let gain = FADE[self.lost - 1];
            for (at, sample) in frame.iter_mut().take(seam).enumerate() {
                let share = at as f32 / seam as f32;
                let synthetic = f32::from(self.next_synthetic()) * gain;
                *sample = f32::from(*sample).mul_add(share, synthetic * (1.0 - share)) as i16;
            }
        }
        self.lost = 0;
        self.remember(frame);
    }

    /// A frame is missing: fills `out`. Answers false once it has faded wholly to silence.
    pub fn conceal(&mut self, out: &mut [i16]) -> bool {
        if self.lost == 0 {
            self.period = self.find_period();
            self.phase = 0;
        }
        let Some(end) = FADE.get(self.lost).copied() else {
            out.fill(0);
            return false;
        };
        let start = if self.lost == 0 { 1.0 } else { FADE[self.lost - 1] };
        let count = out.len().max(1) as f32;
        for (at, sample) in out.iter_mut().enumerate() {
            let gain = (end - start).mul_add(at as f32 / count, start);
            *sample = (f32::from(self.next_synthetic()) * gain) as i16;
        }
        self.lost += 1;
        true
    }

    fn next_synthetic(&mut self) -> i16 {
        let sample = self.history[HISTORY - self.period + self.phase];
        self.phase = (self.phase + 1) % self.period;
        sample
    }

    fn remember(&mut self, frame: &[i16]) {
        let take = frame.len().min(HISTORY);
        self.history.copy_within(take.., 0);
        self.history[HISTORY - take..].copy_from_slice(&frame[frame.len() - take..]);
    }

    /// The lag at which the last 10 ms resemble themselves most (normalised cross-correlation).
    fn find_period(&self) -> usize {
        let (shortest, longest) = (self.rate * PERIOD_US.0 / 1_000_000, self.rate * PERIOD_US.1 / 1_000_000);
        let window = self.rate / 100;
        let recent = &self.history[HISTORY - window..];
        let mut best = (0.0_f32, longest.max(1));
        for lag in shortest.max(1)..=longest {
            let earlier = &self.history[HISTORY - window - lag..HISTORY - lag];
            let (mut cross, mut energy) = (0.0_f32, 1.0_f32);
            for (a, b) in recent.iter().zip(earlier) {
                let (a, b) = (f32::from(*a), f32::from(*b));
                cross = a.mul_add(b, cross);
                energy = b.mul_add(b, energy);
            }
            let score = cross * cross.abs() / energy;
            // Only clearly better lags win, so that the shortest of several multiples is kept.
            if score > best.0 * 1.02 {
                best = (score, lag);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{level::dbfs, tone};
    use std::time::Duration;

    #[test]
    fn a_lost_frame_of_a_vowel_sounds_on_and_long_loss_fades() {
        for rate in [8_000_u32, 16_000] {
            let frame = rate as usize / 50;
            let sound = crate::resample(&tone::sine(200.0, Duration::from_millis(200), -10.0), rate).samples;
            let mut concealer = Concealer::new(rate);
            for good in sound.chunks(frame).take(5) {
                concealer.good(&mut good.to_vec());
            }
            let mut out = vec![0; frame];
            let mut levels = Vec::new();
            for _ in 0..5 {
                concealer.conceal(&mut out);
                levels.push(dbfs(&out));
                if levels.len() == 1 {
                    // Continues the wave: close to what was really said.
                    let error: i64 = out.iter().zip(&sound[5 * frame..]).map(|(a, b)| i64::from(a - b).pow(2)).sum();
                    let power: i64 = sound[5 * frame..6 * frame].iter().map(|s| i64::from(*s).pow(2)).sum();
                    assert!(error * 8 < power, "{rate}: error {error} of {power}");
                }
            }
            assert!(levels[0] > -16.0 && levels[1] < levels[0] && levels[2] < levels[1], "{levels:?}");
            assert!(levels[3] < -90.0 && !concealer.conceal(&mut out));
        }
    }

    #[test]
    fn the_return_is_without_a_click() {
        let mut concealer = Concealer::new(8_000);
        concealer.good(&mut [0; 160]);
        concealer.good(&mut [8_000; 160]);
        concealer.conceal(&mut [0; 160]);
        let mut back = [-8_000; 160];
        concealer.good(&mut back);
        assert!(back.windows(2).all(|w| (i32::from(w[0]) - i32::from(w[1])).abs() < 1_000));
    }
}
