//! Packet loss concealment for decoded audio, in the manner of ITU-T G.711 Appendix I but without its delay: the last pitch
//! periods go on, more of them the longer it lasts, fading to silence; seams are hidden at both ends.

use crate::pitch::{PERIOD_US, best_lag};

/// Longest history kept: 60 ms at 16 kHz, enough for three periods of the deepest voice (66 Hz) and a window.
const HISTORY: usize = 960;
/// The window whose like is looked for, in microseconds.
const WINDOW_US: usize = 12_000;
/// Sound goes on at its level for this long, and is silence at the end of the second (longer repetition sounds robotic).
const FADE_MS: (usize, usize) = (10, 60);
/// Most periods that are repeated in turn.
const PERIODS_MAX: usize = 3;
/// How long the synthetic sound overlaps the returning one: at first, and for each 10 ms that were lost, in microseconds.
const SEAM_US: (usize, usize) = (4_000, 4_000);
const SEAM_MAX_US: usize = 10_000;

/// Hides lost frames. One a stream; about 2 kB.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: usize,
    /// A ring while sound comes, in order while it is concealed.
    history: [i16; HISTORY],
    /// Where its oldest sample is.
    oldest: usize,
    /// Samples concealed in a row.
    made: usize,
    /// Pitch period in samples, how many of them are repeated, and how far into them the repetition is; meaningful while
    /// `made > 0`.
    period: usize,
    periods: usize,
    phase: usize,
    /// What the last sample heard was above the first of the repetition's like: leaves no step.
    step: f32,
}

impl Concealer {
    /// For frames of 20 ms at `rate` (8 000 or 16 000).
    #[must_use]
    pub const fn new(rate: u32) -> Self {
        Self { rate: rate as usize, history: [0; HISTORY], oldest: 0, made: 0, period: 1, periods: 1, phase: 0, step: 0.0 }
    }

    /// A frame came: remembers it, and after concealed ones smooths the seam (changes its first 4–10 ms).
    pub fn good(&mut self, frame: &mut [i16]) {
        if self.made > 0 && self.gain() > 0.0 {
            let lost_ms = self.made * 1_000 / self.rate.max(1);
            let seam_us = (SEAM_US.0 + SEAM_US.1 * lost_ms.saturating_sub(10) / 10).min(SEAM_MAX_US);
            let seam = (self.rate * seam_us / 1_000_000).min(frame.len());
            for (at, sample) in frame.iter_mut().take(seam).enumerate() {
                let share = (at + 1) as f32 / (seam + 1) as f32;
                let synthetic = self.next_synthetic();
                *sample = (f32::from(*sample) * share + synthetic * (1.0 - share)) as i16;
            }
        }
        self.made = 0;
        self.remember(frame);
    }

    /// A word of what [`Concealer::good`] touches, so that it can be fetched beforehand.
    #[must_use]
    pub fn words(&self) -> u64 {
        u64::from(self.history[self.oldest].cast_unsigned())
    }

    /// A frame is missing: fills `out`. Answers false once it has faded wholly to silence.
    pub fn conceal(&mut self, out: &mut [i16]) -> bool {
        if self.made == 0 {
            self.history.rotate_left(std::mem::take(&mut self.oldest));
            let window = self.rate * WINDOW_US / 1_000_000;
            let lags = (self.rate * PERIOD_US.0 / 1_000_000, self.rate * PERIOD_US.1 / 1_000_000);
            (self.period, _) = best_lag(&self.history, HISTORY - window, window, lags);
            (self.phase, self.periods) = (0, 1);
            let last = |before: usize| f32::from(self.history[HISTORY - 1 - before]);
            self.step = last(0) - last(self.period);
        }
        if self.gain() <= 0.0 {
            out.fill(0);
            return false;
        }
        for sample in out.iter_mut() {
            *sample = self.next_synthetic() as i16;
        }
        true
    }

    /// How loud the next sample is.
    fn gain(&self) -> f32 {
        let (whole, silent) = (self.rate * FADE_MS.0 / 1_000, self.rate * FADE_MS.1 / 1_000);
        1.0 - (self.made.saturating_sub(whole) as f32 / (silent - whole) as f32).min(1.0)
    }

    /// The next sample of the repetition, faded.
    fn next_synthetic(&mut self) -> f32 {
        let (period, length) = (self.period, self.period * self.periods);
        let at = HISTORY - length + self.phase;
        let mut sample = f32::from(self.history[at]);
        // The last quarter of a period glides into what comes before the first, so that the end meets the beginning.
        let quarter = (period / 4).max(1);
        let left = length - self.phase;
        if left <= quarter {
            let share = (quarter + 1 - left) as f32 / (quarter + 1) as f32;
            let before = f32::from(self.history[at - length.min(at)]);
            sample = before * share + sample * (1.0 - share);
        }
        if self.made < quarter {
            sample += self.step * (1.0 - (self.made + 1) as f32 / (quarter + 1) as f32);
        }
        let gain = self.gain();
        self.made += 1;
        self.phase += 1;
        if self.phase >= length {
            // The longer it lasts the more periods are repeated in turn: one alone buzzes.
            self.phase = 0;
            let most = PERIODS_MAX.min((HISTORY / 2) / period.max(1)).max(1);
            let wanted = 1 + self.made * 1_000 / self.rate.max(1) / FADE_MS.0;
            self.periods = wanted.clamp(self.periods, most.max(self.periods));
        }
        sample * gain
    }

    fn remember(&mut self, frame: &[i16]) {
        let newest = &frame[frame.len().saturating_sub(HISTORY)..];
        let (here, at_the_beginning) = newest.split_at(newest.len().min(HISTORY - self.oldest));
        self.history[self.oldest..self.oldest + here.len()].copy_from_slice(here);
        self.history[..at_the_beginning.len()].copy_from_slice(at_the_beginning);
        self.oldest = (self.oldest + newest.len()) % HISTORY;
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

    /// What fills in for a lost frame: `(the concealer, what was said before, the frame to be filled)`.
    type Fill = fn(&mut Concealer, &[i16], &mut [i16]);

    /// Signal to noise, and how far the spectra are apart, over the frames that were lost.
    struct Likeness {
        snr_db: f64,
        spectrum_db: f64,
    }

    /// Power of each 100 Hz, over a floor of −70 dBFS.
    fn spectrum(frame: &[i16]) -> Vec<f64> {
        let count = frame.len() as f64;
        (1..38)
            .map(|band| {
                let (mut re, mut im) = (0.0, 0.0);
                for (at, sample) in frame.iter().enumerate() {
                    let turn = std::f64::consts::TAU * f64::from(band) * 100.0 * at as f64 / 8_000.0;
                    re += f64::from(*sample) * turn.cos();
                    im += f64::from(*sample) * turn.sin();
                }
                (re * re + im * im) / (count * count) + 100.0
            })
            .collect()
    }

    /// Loses frames of recorded speech (with what follows each, which shows the seam) and compares.
    fn compare(lost: impl Fn(usize) -> bool, fill: Fill) -> Likeness {
        let file = include_bytes!("../../../prompts/demo-message.wav");
        let speech = crate::resample(&crate::decode_file(file, "wav").unwrap(), 8_000).samples;
        let mut concealer = Concealer::new(8_000);
        let (mut signal, mut noise, mut apart, mut frames) = (0.0, 0.0, 0.0, 0.0);
        let mut before = vec![0; 160];
        let mut was_lost = false;
        for (at, said) in speech.chunks_exact(160).enumerate() {
            let mut heard = said.to_vec();
            if lost(at) { fill(&mut concealer, &before, &mut heard) } else { concealer.good(&mut heard) }
            // What matters is speech.
            if (lost(at) || was_lost) && dbfs(said) > -40.0 {
                signal += said.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
                noise += said.iter().zip(&heard).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
                let squares = spectrum(said).iter().zip(spectrum(&heard)).map(|(a, b)| (10.0 * (a / b).log10()).powi(2)).sum::<f64>();
                apart += (squares / 37.0).sqrt();
                frames += 1.0;
            }
            was_lost = lost(at);
            before = heard;
        }
        assert!(frames > 15.0, "{frames}");
        Likeness { snr_db: 10.0 * (signal / noise).log10(), spectrum_db: apart / frames }
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "the figures are worth telling")]
    fn speech_is_concealed_better_than_by_silence_or_by_the_frame_before() {
        let silence: Fill = |concealer, _, out| {
            out.fill(0);
            concealer.good(&mut out.to_vec());
        };
        let again: Fill = |concealer, before, out| {
            out.copy_from_slice(before);
            concealer.good(&mut out.to_vec());
        };
        let pitch: Fill = |concealer, _, out| {
            concealer.conceal(out);
        };
        type Lost = fn(usize) -> bool;
        let stories: [(&str, Lost); 3] = [("each tenth frame", |at| at % 10 == 7), ("two of twenty", |at| at % 20 > 17), ("three of thirty", |at| at % 30 > 26)];
        for (name, lost) in stories {
            let (nothing, repeated, ours) = (compare(lost, silence), compare(lost, again), compare(lost, pitch));
            println!(
                "{name}: silence {:.1} dB, spectrum {:.1} dB off; the frame again {:.1} dB, {:.1} dB off; ours {:.1} dB, {:.1} dB off",
                nothing.snr_db, nothing.spectrum_db, repeated.snr_db, repeated.spectrum_db, ours.snr_db, ours.spectrum_db
            );
            assert!(ours.snr_db > nothing.snr_db + 0.5 && ours.snr_db > repeated.snr_db + 0.5, "{name}");
            // (Repeating the frame keeps the spectrum best, and clicks at both ends.)
            assert!(ours.spectrum_db < nothing.spectrum_db * 0.7, "{name}");
        }
    }
}
