//! Comfort noise (RFC 3389): what a line sounds like while nobody speaks and nothing is sent.

/// Reflection coefficients believed at most: RFC 3389 leaves the order open, five to ten are usual.
const ORDER_MAX: usize = 12;
/// The level of full-scale noise's sample in a uniform distribution: its RMS is 1/√3 of the peak.
const UNIFORM: f32 = 1.732_05;

/// Noise of a level and a colour, for one stream. Allocates nothing.
#[derive(Clone, Debug)]
pub struct ComfortNoise {
    /// RMS of what comes out, 0–32 768.
    level: f32,
    reflection: [f32; ORDER_MAX],
    /// What the filter adds to the power, to be taken off before.
    excitation: f32,
    state: [f32; ORDER_MAX + 1],
    chance: u32,
}

impl ComfortNoise {
    /// From a payload: one byte of level, −dBov 0–127 (RFC 3389 §3.1), then reflection coefficients, if any. `None` when empty.
    #[must_use]
    pub fn new(payload: &[u8]) -> Option<Self> {
        let (level, coefficients) = payload.split_first()?;
        let mut reflection = [0.0; ORDER_MAX];
        for (into, byte) in reflection.iter_mut().zip(coefficients) {
            // RFC 3389 §3.2: 0–254 stand for −1 to 1, 127 for 0.
            *into = ((f32::from(*byte) - 127.0) / 127.0).clamp(-0.98, 0.98);
        }
        let excitation = reflection.iter().map(|k| 1.0 - k * k).product::<f32>().max(1e-4).sqrt();
        let level = 32_768.0 * 10_f32.powf(-f32::from(*level & 0x7f) / 20.0);
        Some(Self { level, reflection, excitation, state: [0.0; ORDER_MAX + 1], chance: 0x2545_f491 })
    }

    /// The same, going on with the noise of `before`.
    #[must_use]
    pub fn after(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before {
            self.state = before.state;
            self.chance = before.chance;
        }
        self
    }

    /// Fills `out` with noise, at any rate.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            // xorshift32.
            self.chance ^= self.chance << 13;
            self.chance ^= self.chance >> 17;
            self.chance ^= self.chance << 5;
            let white = (self.chance as f32 / u32::MAX as f32 * 2.0 - 1.0) * UNIFORM * self.level * self.excitation;
            // The all-pole lattice.
            let mut forward = white;
            for at in (0..ORDER_MAX).rev() {
                forward -= self.reflection[at] * self.state[at];
                self.state[at + 1] = self.reflection[at] * forward + self.state[at];
            }
            self.state[0] = forward;
            *sample = forward as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbfs;

    #[test]
    fn noise_has_its_level_white_or_coloured() {
        for level in [20_u8, 40, 60] {
            for coefficients in [&[][..], &[100, 140, 120, 130, 127], &[60, 180, 127, 100, 140, 127, 130, 127, 120, 127]] {
                let payload: Vec<u8> = [level].iter().chain(coefficients).copied().collect();
                let mut noise = ComfortNoise::new(&payload).unwrap();
                let mut out = vec![0; 16_000];
                noise.fill(&mut out);
                let told = dbfs(&out[1_000..]);
                assert!((told + f32::from(level)).abs() < 1.5, "{level} {coefficients:?}: {told}");
            }
        }
    }

    #[test]
    fn any_payload_is_noise_of_bounded_level() {
        assert!(ComfortNoise::new(&[]).is_none());
        for seed in 0..200_u32 {
            let payload: Vec<u8> = (0..20).map(|at| (seed.wrapping_mul(2_654_435_761) >> (at % 24)) as u8 ^ (at as u8).wrapping_mul(37)).collect();
            let mut noise = ComfortNoise::new(&payload).unwrap().after(ComfortNoise::new(&[0, 255, 0, 255]).as_ref());
            let mut out = [0; 1_600];
            noise.fill(&mut out);
        }
    }
}
