//! Sound that waits to be heard, made a little shorter or longer without a change of pitch: one pitch period is left out or put
//! in, cross-faded over its length (as by WSOLA), or 5 ms where it is so quiet that nobody hears it.

use crate::{
    level::dbfs,
    pitch::{PERIOD_US, likeness},
};

/// Samples that may wait: 80 ms at 16 kHz.
const WAITING: usize = 1_280;
/// The window that must be alike a period later, in microseconds.
const WINDOW_US: usize = 5_000;
/// Sound is alike enough to leave a period out or put one in; in a hurry less will do.
const ALIKE: (f32, f32) = (0.7, 0.1);
/// Sound under this level, dBFS, is left out or put in wherever it is.
const QUIET_DBFS: f32 = -48.0;
/// How much of it, in microseconds.
const QUIET_US: usize = 5_000;

/// Sound at one rate on its way to the ear. About 2.6 kB; allocates nothing.
#[derive(Clone, Debug)]
pub struct Stretcher {
    rate: usize,
    waiting: [i16; WAITING],
    count: usize,
}

impl Stretcher {
    /// For `rate` 8 000 or 16 000.
    #[must_use]
    pub const fn new(rate: u32) -> Self {
        Self { rate: rate as usize, waiting: [0; WAITING], count: 0 }
    }

    /// Samples that wait.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Takes sound in; what finds no room is dropped (80 ms wait at most at 16 kHz).
    pub fn put(&mut self, sound: &[i16]) {
        let count = sound.len().min(WAITING - self.count);
        self.waiting[self.count..self.count + count].copy_from_slice(&sound[..count]);
        self.count += count;
    }

    /// Fills `out` with what has waited longest; false (and nothing taken) when too little waits.
    pub fn take(&mut self, out: &mut [i16]) -> bool {
        if out.len() > self.count {
            return false;
        }
        out.copy_from_slice(&self.waiting[..out.len()]);
        self.waiting.copy_within(out.len()..self.count, 0);
        self.count -= out.len();
        true
    }

    /// Forgets what waits.
    pub const fn clear(&mut self) {
        self.count = 0;
    }

    /// The period to leave out or put in at the beginning of what waits, if there is one: both it and the next must be here.
    fn period(&self, is_hurried: bool) -> Option<usize> {
        let sound = &self.waiting[..self.count];
        let quiet = self.rate * QUIET_US / 1_000_000;
        if sound.len() >= 2 * quiet && dbfs(&sound[..2 * quiet]) < QUIET_DBFS {
            return Some(quiet);
        }
        let window = self.rate * WINDOW_US / 1_000_000;
        let shortest = self.rate * PERIOD_US.0 / 1_000_000;
        let longest = (self.rate * PERIOD_US.1 / 1_000_000).min(sound.len() / 2).min(sound.len().checked_sub(window)?);
        if longest < shortest {
            return None;
        }
        // The window lies a lag after the beginning, whatever the lag: the beginning is compared with what follows it.
        let (mut best, mut alike) = (shortest, f32::MIN);
        for lag in (shortest..=longest).step_by(2) {
            let score = likeness(sound, lag, window, lag);
            if score > alike + 0.01 {
                (best, alike) = (lag, score);
            }
        }
        let least = if is_hurried { ALIKE.1 } else { ALIKE.0 };
        (alike >= least).then_some(best)
    }

    /// Leaves a period out; answers how many samples that were, 0 where nothing fits.
    pub fn shorten(&mut self, is_hurried: bool) -> usize {
        let Some(period) = self.period(is_hurried) else { return 0 };
        for at in 0..period {
            self.waiting[at] = faded(self.waiting[at], self.waiting[at + period], at, period);
        }
        self.waiting.copy_within(2 * period..self.count, period);
        self.count -= period;
        period
    }

    /// Puts a period in; answers how many samples that were, 0 where nothing fits.
    pub fn lengthen(&mut self) -> usize {
        let Some(period) = self.period(false).filter(|period| self.count + period <= WAITING) else { return 0 };
        self.waiting.copy_within(period..self.count, 2 * period);
        // From the second period back to the first, and then the second as it was.
        for at in 0..period {
            self.waiting[period + at] = faded(self.waiting[2 * period + at], self.waiting[at], at, period);
        }
        self.count += period;
        period
    }
}

/// From one sample to another, `at` of `length`.
fn faded(from: i16, to: i16, at: usize, length: usize) -> i16 {
    let share = at as f32 / length as f32;
    (f32::from(to) * share + f32::from(from) * (1.0 - share)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pcm, resample, tone};
    use std::time::Duration;

    /// A voice of 120 Hz with harmonics, two seconds.
    fn voice(rate: u32) -> Vec<i16> {
        let samples = (0..32_000)
            .map(|at| {
                let t = at as f32 / 16_000.0;
                let sum: f32 = (1..12).map(|h| (t * 120.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
                (sum * 6_000.0) as i16
            })
            .collect();
        resample(&Pcm { rate: 16_000, samples }, rate).samples
    }

    /// Plays it with a step every fifth frame.
    fn play(sound: &[i16], rate: u32, step: impl Fn(&mut Stretcher) -> usize) -> (Vec<i16>, usize, usize) {
        let frame = rate as usize / 50;
        let mut stretcher = Stretcher::new(rate);
        let (mut heard, mut steps, mut changed) = (Vec::new(), 0, 0);
        for (at, part) in sound.chunks_exact(frame).enumerate() {
            stretcher.put(part);
            if at % 5 == 4 && stretcher.count() >= 2 * frame {
                let samples = step(&mut stretcher);
                steps += usize::from(samples > 0);
                changed += samples;
            }
            let mut out = vec![0; frame];
            // One frame is kept back, so that there is something to look at.
            while stretcher.count() > 2 * frame && stretcher.take(&mut out) {
                heard.extend_from_slice(&out);
            }
        }
        (heard, steps, changed)
    }

    /// The largest step from one sample to the next.
    fn roughness(sound: &[i16]) -> i32 {
        sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_voice_is_made_shorter_and_longer_without_a_click() {
        for rate in [8_000, 16_000] {
            let sound = voice(rate);
            let smooth = roughness(&sound);
            let (shorter, steps, left_out) = play(&sound, rate, |stretcher| stretcher.shorten(false));
            assert!(steps >= 15 && roughness(&shorter) <= smooth * 11 / 10, "{rate}: {steps} steps, {} of {smooth}", roughness(&shorter));
            let (longer, steps, put_in) = play(&sound, rate, Stretcher::lengthen);
            assert!(steps >= 15 && roughness(&longer) <= smooth * 11 / 10, "{rate}: {steps} steps, {} of {smooth}", roughness(&longer));
            assert!(longer.len() > sound.len() && shorter.len() < sound.len());
            // Whole periods of 8.33 ms.
            for (steps, samples) in [(steps, put_in), (steps, left_out)] {
                let each = samples as f32 / steps as f32 * 1_000.0 / rate as f32;
                assert!((7.5..=9.5).contains(&each), "{rate}: {each} ms each");
            }
        }
    }

    #[test]
    fn silence_gives_way_and_noise_does_not_unless_in_a_hurry() {
        let mut stretcher = Stretcher::new(8_000);
        stretcher.put(&[0; 320]);
        assert_eq!((stretcher.shorten(false), stretcher.lengthen(), stretcher.count()), (40, 40, 320));
        let noise = |seed: u32| -> Vec<i16> {
            let mut state = seed;
            (0..320).map(|_| { state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); (state >> 18) as i16 - 8_192 }).collect()
        };
        let mut stretcher = Stretcher::new(8_000);
        stretcher.put(&noise(5));
        assert_eq!((stretcher.shorten(false), stretcher.lengthen()), (0, 0));
        // Speech at a boundary, a tone with nothing else: never a panic, whatever waits.
        for count in [0, 1, 39, 40, 80, 81, 160, 1_280, 2_000] {
            let mut stretcher = Stretcher::new(16_000);
            stretcher.put(&tone::sine(300.0, Duration::from_millis(200), -9.0).samples[..count.min(3_000)]);
            let before = stretcher.count();
            assert!(stretcher.shorten(true) <= before && stretcher.lengthen() <= 240);
        }
    }
}
