//! How a call sounds, in one number: the E-model of ITU-T G.107 (06/2015), as far as packets decide it.
//!
//! ```text
//! R = 93.2 − Id(delay) − Ie,eff(codec, loss)            93.2: every other impairment at its default (G.107 §7.7)
//! Id = 0.024·d + 0.11·(d − 177.3)·[d > 177.3]           d: one-way delay in ms (the usual simplification, Cole and Rosenbluth 2001)
//! Ie,eff = Ie + (95 − Ie)·Ppl / (Ppl / BurstR + Bpl)     Ppl in percent (G.107 §7.6)
//! MOS = 1 + 0.035·R + R·(R − 60)·(100 − R)·7·10⁻⁶        (G.107 annex B)
//! ```

use std::time::Duration;
use terms::Codec;

/// R without any impairment of the network or codec.
const BEST: f32 = 93.2;

/// What a codec costs by itself (Ie), and how well it bears loss (Bpl).
const fn robustness(codec: Codec) -> (f32, f32) {
    match codec {
        // G.113 (11/2007) appendix I, table I.3: G.711 with loss concealment, as the exchange and all phones of today have it.
        Codec::Pcmu | Codec::Pcma => (0.0, 25.1),
        // Not rated on the narrow-band scale, whose best they pass: taken as G.711, with the same concealment (chosen).
        Codec::G722 | Codec::Opus => (0.0, 25.1),
        // Ie: G.113 table I.1. Bpl: that of GSM enhanced full rate (table I.3), the nearest that is rated (chosen).
        Codec::Gsm => (20.0, 10.0),
    }
}

/// A rating, 0 (nothing can be understood) to 93.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating(f32);

impl Rating {
    /// By the codec heard, the share of packets lost or too late (0–1), how much their loss is bunched (1: by chance; see
    /// [`rtp::BurstView::burst_ratio`]) and the delay from mouth to ear.
    #[must_use]
    pub fn new(codec: Codec, loss: f32, burst_ratio: f32, delay: Duration) -> Self {
        let (ie, bpl) = robustness(codec);
        let percent = loss.clamp(0.0, 1.0) * 100.0;
        let effective = ie + (95.0 - ie) * percent / (percent / burst_ratio.max(1.0) + bpl);
        let ms = delay.as_secs_f32() * 1_000.0;
        let delayed = 0.024 * ms + if ms > 177.3 { 0.11 * (ms - 177.3) } else { 0.0 };
        Self((BEST - delayed - effective).clamp(0.0, BEST))
    }

    /// The R factor.
    #[must_use]
    pub const fn r_factor(self) -> f32 {
        self.0
    }

    /// The mean opinion score, 1.0–4.41.
    #[must_use]
    pub fn mos(self) -> f32 {
        let r = self.0;
        // Below 6.5 the polynomial falls under its own lowest value.
        if r < 6.5 { 1.0 } else { 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_those_of_the_recommendation() {
        let rated = |codec, percent: f32, burst, ms| {
            let rating = Rating::new(codec, percent / 100.0, burst, Duration::from_millis(ms));
            ((rating.r_factor() * 10.0).round() / 10.0, (rating.mos() * 100.0).round() / 100.0)
        };
        let cases = [
            // G.107: the default R is 93.2, MOS 4.41.
            (rated(Codec::Pcmu, 0.0, 1.0, 0), (93.2, 4.41)),
            // G.113's own use: 5 % random loss costs G.711 with concealment 95·5/(5+25.1) = 15.8.
            (rated(Codec::Pcma, 5.0, 1.0, 0), (77.4, 3.92)),
            (rated(Codec::Pcma, 5.0, 2.0, 0), (76.0, 3.86)),
            (rated(Codec::Gsm, 0.0, 1.0, 0), (73.2, 3.74)),
            // 150 ms are hardly noticed, 400 ms are (G.114).
            (rated(Codec::Pcmu, 0.0, 1.0, 150), (89.6, 4.33)),
            (rated(Codec::Pcmu, 0.0, 1.0, 400), (59.1, 3.05)),
            (rated(Codec::Opus, 100.0, 1.0, 0), (17.3, 1.18)),
            (rated(Codec::Gsm, 100.0, 1.0, 2_000), (0.0, 1.0)),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }
}
