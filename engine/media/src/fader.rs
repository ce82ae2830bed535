//! Gains as the mix applies them: fixed point, and faded from one to the next, so that a change does not click.
//!
//! A sample times a gain fits 32 bits with a bit to spare: 15 bits and the sign, and at most 16 of [`MOST`]. Sums of a hundred of them do, too.

use terms::Gain;

/// Bits behind the point: −60 dB is 16 of them, so that every gain is right within 0.3 dB.
const POINT: u32 = 14;
/// No change.
pub(crate) const UNITY: i32 = 1 << POINT;
/// +12 dB.
const MOST: i32 = 65_226;
/// Half of the last bit that is kept.
const HALF: i32 = 1 << (POINT - 1);
/// A fade lasts a hundredth of a second: at any level the step it adds between two samples is an eightieth of the sound, and less than a
/// hundredth of full scale where it does not get louder.
const FADES_A_SECOND: usize = 100;

/// A gain in fixed point.
pub(crate) fn factor(gain: Gain) -> i32 {
    if gain.is_off() {
        return 0;
    }
    let amplitude = 10_f64.powf(gain.db() as f64 / 20.0);
    ((amplitude * f64::from(UNITY)).round() as i32).clamp(0, MOST)
}

/// A gain that is changed between frames and fades to its new value at the beginning of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fader {
    slope: Slope,
    wanted: i32,
}

/// A gain over one frame: how it begins, and what it is after the fade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slope {
    from: i32,
    to: i32,
}

impl Fader {
    /// It stands there.
    pub(crate) const fn at(factor: i32) -> Self {
        Self { slope: Slope { from: factor, to: factor }, wanted: factor }
    }

    pub(crate) const fn set(&mut self, factor: i32) {
        self.wanted = factor;
    }

    /// The next frame begins.
    pub(crate) const fn step(&mut self) {
        self.slope = Slope { from: self.slope.to, to: self.wanted };
    }

    /// The gain of this frame.
    pub(crate) const fn slope(&self) -> Slope {
        self.slope
    }

    /// It stands there and stays.
    pub(crate) const fn rests_at(&self, factor: i32) -> bool {
        self.slope.is(factor) && self.wanted == factor
    }
}

impl Slope {
    /// Throughout the frame.
    pub(crate) const fn is(self, factor: i32) -> bool {
        self.from == factor && self.to == factor
    }

    /// Both, one after the other; together no more than +12 dB.
    pub(crate) fn times(self, other: Self) -> Self {
        let product = |a: i32, b: i32| ((i64::from(a) * i64::from(b)) >> POINT).min(i64::from(MOST)) as i32;
        Self { from: product(self.from, other.from), to: product(self.to, other.to) }
    }

    /// At a sample of a frame whose fade lasts `fade` samples.
    const fn at(self, sample: usize, fade: usize) -> i32 {
        let done = if sample < fade { sample + 1 } else { fade };
        self.from + (self.to - self.from) * done as i32 / fade as i32
    }
}

/// Samples of a fade, of a frame of 20 ms.
const fn fade(frame: usize) -> usize {
    frame * 50 / FADES_A_SECOND
}

const fn scaled(sample: i16, factor: i32) -> i32 {
    (sample as i32 * factor + HALF) >> POINT
}

/// Adds a voice at a gain to a sum, both of one frame of 20 ms.
pub(crate) fn add(sum: &mut [i32], voice: &[i16], gain: Slope) {
    apply(sum, voice, gain, |sum, part| *sum += part);
}

/// Takes the same out again.
pub(crate) fn take(sum: &mut [i32], voice: &[i16], gain: Slope) {
    apply(sum, voice, gain, |sum, part| *sum -= part);
}

fn apply(sum: &mut [i32], voice: &[i16], gain: Slope, with: impl Fn(&mut i32, i32)) {
    let both = sum.iter_mut().zip(voice);
    if gain.is(UNITY) {
        both.for_each(|(sum, sample)| with(sum, i32::from(*sample)));
    } else if gain.from == gain.to {
        both.for_each(|(sum, sample)| with(sum, scaled(*sample, gain.to)));
    } else {
        let fade = fade(both.len());
        both.enumerate().for_each(|(at, (sum, sample))| with(sum, scaled(*sample, gain.at(at, fade))));
    }
}

/// A whole sum at a gain.
pub(crate) fn scale(sum: &mut [i32], gain: Slope) {
    if gain.is(UNITY) {
        return;
    }
    let fade = fade(sum.len());
    for (at, sum) in sum.iter_mut().enumerate() {
        let scaled = (i64::from(*sum) * i64::from(gain.at(at, fade)) + i64::from(HALF)) >> POINT;
        *sum = scaled.clamp(i64::from(-i32::MAX), i64::from(i32::MAX)) as i32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gain_is_right_within_a_third_of_a_decibel_and_nothing_wraps() {
        for db in Gain::OFF.db() + 1..=Gain::MOST.db() {
            let factor = factor(Gain::new(db).unwrap());
            let is = 20.0 * (f64::from(factor) / f64::from(UNITY)).log10();
            assert!((is - db as f64).abs() < 0.3, "{db} dB is {is}");
            for sample in [i16::MIN, -1, 0, 1, i16::MAX] {
                let exact = f64::from(sample) * f64::from(factor) / f64::from(UNITY);
                assert!((f64::from(scaled(sample, factor)) - exact).abs() <= 0.5, "{sample} at {db} dB");
            }
        }
        assert_eq!((factor(Gain::OFF), factor(Gain::NONE), factor(Gain::MOST)), (0, UNITY, MOST));
    }

    #[test]
    fn what_was_added_is_taken_out_exactly_and_a_fade_goes_in_even_steps() {
        let voice: Vec<i16> = (0..160).map(|at| if at % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let mut fader = Fader::at(UNITY);
        fader.set(factor(Gain::MOST));
        for _ in 0..3 {
            fader.step();
            let mut sum = [7; 160];
            add(&mut sum, &voice, fader.slope());
            take(&mut sum, &voice, fader.slope());
            assert_eq!(sum, [7; 160]);
        }
        assert!(fader.rests_at(MOST));
        fader.set(0);
        fader.step();
        let mut row: Vec<i32> = (0..160).map(|at| fader.slope().at(at, 80)).collect();
        row.insert(0, MOST);
        assert!(row.windows(2).all(|pair| (0..=MOST / 80 + 1).contains(&(pair[0] - pair[1]))) && row[80..].iter().all(|gain| *gain == 0));
    }

    #[test]
    fn gains_together_and_scaled_sums_stay_in_their_range() {
        let (most, unity, half) = (Fader::at(MOST).slope(), Fader::at(UNITY).slope(), Fader::at(UNITY / 2).slope());
        assert_eq!((most.times(most), most.times(unity), half.times(half)), (most, most, Fader::at(UNITY / 4).slope()));
        let mut sum = [i32::MIN, i32::MAX, 100 * 32_767 * 4, 0];
        scale(&mut sum, most);
        assert_eq!((sum[0], sum[1], sum[3]), (-i32::MAX, i32::MAX, 0));
        assert!((52_178_000..52_180_000).contains(&sum[2]), "{}", sum[2]);
    }
}
