//! Hears telephone keys in sound: the two tones of ITU-T Q.23, told apart from voices and music.
//!
//! ```text
//! windows of 102 samples, every 51 ── pair of tones? ──▶ three alike in a row ──▶ Pressed
//!                                  └─ not alike, twice ──────────────────────▶ Released
//! a gap (lost packets): windows end and begin at its edges; what is alike on both sides is one key
//! ```
//! A window is a *hit* when one frequency of each group stands out of its group, the pair holds most of the window's energy,
//! neither is much louder than the other, and the column has no second harmonic (voices have one). Two hits are *alike* when they
//! are the same pair and the phase of each tone moved on between them as its frequency says: a voice's harmonics glide.
//!
//! Lost packets tell nothing, so beside a gap less is enough: see [`Evidence`]; and windows are laid anew from its edges, so that
//! what is left is covered as far as it goes. The limit is what the network leaves over. Of a key of 40 ms, packets of 20 ms and
//! one loss leave 20 ms at least, in one piece or two, which is found; two losses leave less of 0.4 % of keys (at a loss of 5 %),
//! of which half are found all the same.

use crate::tone::{COLUMNS, ROWS, key_place};
use std::{f32::consts::TAU, sync::LazyLock};
use terms::Digit;

/// Samples a second that are listened to.
const RATE: f32 = 8_000.0;
/// Samples of a window (12.75 ms): rows are told apart, and three fit into the shortest key.
const WINDOW: usize = 102;
/// Samples from one window to the next.
const HOP: usize = 51;
/// Samples of a window that must do with what a gap left (10 ms).
const EDGE: usize = 80;
/// Frequencies looked at: four rows, four columns, the columns' second harmonics.
const BINS: usize = 12;
const HERTZ: [f32; BINS] = {
    let ([a, b, c, d], [e, f, g, h]) = (ROWS, COLUMNS);
    [a, b, c, d, e, f, g, h, 2.0 * e, 2.0 * f, 2.0 * g, 2.0 * h]
};

/// Mean power under which a tone is none: −40 dBFS, below what Q.24 asks to be heard (−25 dBm is −31 dBFS here).
const POWER_LEAST: f32 = 32_768.0 * 32_768.0 * 1e-4;
/// Most that one tone may be louder than the other, as power: 9 dB (Q.24: 8 dB one way, 4 dB the other).
const TWIST_MOST: f32 = 7.94;
/// Least by which a tone stands over the others of its group, as power.
const RATIO_LEAST: f32 = 4.5;
/// Least share of the window's energy in the pair.
const SHARE_LEAST: f32 = 0.72;
/// Most of the column's power that its second harmonic may have.
const HARMONIC_MOST: f32 = 0.1;
/// How far a tone's frequency may be from its own, measured by its phase: 1.5 % is allowed (Q.24), and the other tone disturbs.
const DRIFT_MOST: f32 = 0.03;
/// Phases are measured to about this, turns.
const PHASE_NOISE: f32 = 0.02;
/// Samples of the usual packet (20 ms).
const PACKET: usize = 160;
/// Taps of the half-band filter from 16 to 8 kHz: flat to 2 kHz, and little of what is above 5 kHz comes through.
const HALVER: usize = 7;
/// Windows that are not alike, one after another, that end a key.
const MISSES: u8 = 2;
/// A longer gap than this ends a key (100 ms): nobody knows what happened in it.
const GAP_MOST: usize = 800;

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A key went down: told 25 ms after its tone began.
    Pressed(Digit),
    /// It came up.
    Released(Digit),
}

/// A window that holds a key's tones.
#[derive(Clone, Copy, Debug)]
struct Hit {
    digit: Digit,
    /// Of row and column at the window's first sample, radians.
    phases: [f32; 2],
}

/// Hits that are alike, one after another.
#[derive(Clone, Copy, Debug)]
struct Evidence {
    last: Hit,
    /// Where the last window began, samples from the beginning of this piece; `None`: before a gap.
    at: Option<usize>,
    /// Samples covered, in this piece and in the one before the gap.
    covered: usize,
    /// Samples lost beside or between them.
    lost: usize,
}

impl Evidence {
    /// Three windows (25.5 ms) make a key; beside a gap of a short packet two do, beside one of the usual packet one does; or short
    /// ones on both sides of it.
    const fn is_enough(&self) -> bool {
        let more = match self.lost {
            ..EDGE => 2,
            EDGE..PACKET => 1,
            PACKET.. => 0,
        };
        self.covered >= WINDOW + more * HOP
    }
}

/// Hears one direction of one call. No allocation; about 700 bytes.
#[derive(Clone, Debug)]
pub struct KeyDetector {
    /// The newest samples of this piece; pieces are separated by gaps.
    recent: [f32; WINDOW + HOP],
    count: usize,
    /// Samples of this piece.
    length: usize,
    /// Where the last window of this piece that was looked at ended.
    looked: usize,
    /// Length of the gap before this piece.
    gap: usize,
    evidence: Option<Evidence>,
    /// A short window after a gap was no hit, which a whole one may still be.
    in_doubt: bool,
    down: Option<Digit>,
    misses: u8,
    /// The newest samples at 16 kHz, on their way to 8 kHz.
    wide: [i32; HALVER],
    is_odd: bool,
}

impl Default for KeyDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// Cosine and sine of each frequency at each sample of a window.
struct Table([[[f32; BINS]; 2]; WINDOW]);

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table(std::array::from_fn(|at| {
        let turn = |bin: usize| TAU * (HERTZ[bin] * at as f32 / RATE).fract();
        [std::array::from_fn(|bin| turn(bin).cos()), std::array::from_fn(|bin| turn(bin).sin())]
    }))
});

impl KeyDetector {
    /// Nothing heard yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { recent: [0.0; WINDOW + HOP], count: 0, length: 0, looked: 0, gap: 0, evidence: None, in_doubt: false, down: None, misses: 0, wide: [0; HALVER], is_odd: false }
    }

    /// The next samples, mono at 8 kHz, any number of them.
    pub fn hear(&mut self, samples: &[i16], mut told: impl FnMut(Tone)) {
        let mut samples = samples;
        while !samples.is_empty() {
            // Up to the end of the next window.
            let next = if self.length < WINDOW { WINDOW } else { self.looked + HOP };
            let next = if self.gap > 0 && self.length < EDGE { EDGE } else { next };
            let (now, later) = samples.split_at(samples.len().min(next - self.length));
            samples = later;
            let room = self.recent.len() - self.count;
            if room < now.len() {
                let old = now.len() - room;
                self.recent.copy_within(old..self.count, 0);
                self.count -= old;
            }
            self.recent[self.count..self.count + now.len()].iter_mut().zip(now).for_each(|(into, sample)| *into = f32::from(*sample));
            self.count += now.len();
            self.length += now.len();
            if self.length == next {
                self.look(next.min(WINDOW), &mut told);
            }
        }
    }

    /// The same of samples at 16 kHz.
    pub fn hear_wide(&mut self, samples: &[i16], mut told: impl FnMut(Tone)) {
        let mut narrow = [0; 2 * PACKET];
        for part in samples.chunks(2 * narrow.len()) {
            let mut count = 0;
            for sample in part {
                self.wide.copy_within(1.., 0);
                self.wide[HALVER - 1] = i32::from(*sample);
                self.is_odd = !self.is_odd;
                if !self.is_odd {
                    let [a, _, b, c, d, _, e] = self.wide;
                    narrow[count] = ((9 * (b + d) + 16 * c - a - e) / 32).clamp(-32_768, 32_767) as i16;
                    count += 1;
                }
            }
            self.hear(&narrow[..count], &mut told);
        }
    }

    /// So many samples are lost: what comes next is after them.
    pub fn lose(&mut self, samples: usize, mut told: impl FnMut(Tone)) {
        if samples == 0 {
            return;
        }
        let mut is_alone = false;
        if self.length == 0 {
            // Two gaps without anything between them.
            self.gap = self.gap.saturating_add(samples);
        } else {
            // A last window that ends at the gap; a short one when the tone began late.
            if self.length > self.looked {
                self.look(self.length.min(WINDOW), &mut told);
            }
            if self.evidence.is_none() && self.length > EDGE {
                self.look(EDGE, &mut told);
            }
            if std::mem::take(&mut self.in_doubt) {
                self.evidence = None;
            }
            self.look_back();
            is_alone = self.length < WINDOW && self.gap >= EDGE && samples >= EDGE;
            self.gap = samples;
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.lost = evidence.lost.saturating_add(samples);
            if evidence.is_enough() || (is_alone && evidence.lost >= PACKET) {
                let digit = evidence.last.digit;
                self.press(digit, &mut told);
            }
        }
        if self.gap > GAP_MOST {
            self.evidence = None;
            self.release(&mut told);
        }
        (self.count, self.length, self.looked) = (0, 0, 0);
        if let Some(evidence) = &mut self.evidence {
            evidence.at = None;
        }
    }

    /// Two windows alike have just been heard (19 ms): what goes on may be a key, and 6 ms more will tell.
    #[must_use]
    pub fn suspects(&self) -> bool {
        self.evidence.is_some_and(|evidence| evidence.covered >= WINDOW + HOP)
    }

    /// Forgets what was heard (another codec, another source); a key that is down is up.
    pub fn reset(&mut self, mut told: impl FnMut(Tone)) {
        self.release(&mut told);
        *self = Self::new();
    }

    /// Looks at the newest samples.
    fn look(&mut self, window: usize, told: &mut impl FnMut(Tone)) {
        let hit = pair(&self.recent[self.count - window..self.count]);
        let at = self.length - window;
        let new = self.length - self.looked.max(at);
        self.looked = self.length;
        if hit.is_some_and(|hit| self.down.is_none_or(|down| down == hit.digit)) {
            self.misses = 0;
        } else {
            self.misses = self.misses.saturating_add(1);
            if self.misses >= MISSES {
                self.release(told);
            }
        }
        let Some(hit) = hit else {
            self.in_doubt = window < WINDOW;
            if !self.in_doubt {
                self.evidence = None;
            }
            return;
        };
        self.in_doubt = false;
        let fresh = Evidence { last: hit, at: Some(at), covered: window, lost: if at == 0 { self.gap } else { 0 } };
        let evidence = match self.evidence {
            Some(before) if before.last.digit == hit.digit => match before.at {
                // On the two sides of a gap phases tell nothing: its length is not known to the sample.
                None => Evidence { covered: before.covered + window, lost: before.lost, ..fresh },
                Some(earlier) if goes_on(&before.last, &hit, at - earlier) => Evidence { covered: before.covered + new, lost: before.lost, ..fresh },
                Some(_) => fresh,
            },
            Some(_) | None => fresh,
        };
        self.evidence = Some(evidence);
        if evidence.is_enough() {
            self.press(hit.digit, told);
        }
    }

    /// A gap follows the newest window: the one before it, counted from the gap, may reach further back than those that were counted
    /// from the beginning of this piece.
    fn look_back(&mut self) {
        let Some(evidence) = self.evidence.as_mut().filter(|evidence| evidence.covered < WINDOW + HOP && evidence.lost == 0) else { return };
        let Some(earlier) = self.count.checked_sub(WINDOW + HOP).and_then(|from| self.recent.get(from..from + WINDOW)).and_then(pair) else { return };
        if evidence.at == Some(self.length - WINDOW) && earlier.digit == evidence.last.digit && goes_on(&earlier, &evidence.last, HOP) {
            evidence.covered = WINDOW + HOP;
        }
    }

    fn press(&mut self, digit: Digit, told: &mut impl FnMut(Tone)) {
        if self.down == Some(digit) {
            return;
        }
        self.release(told);
        self.down = Some(digit);
        told(Tone::Pressed(digit));
    }

    fn release(&mut self, told: &mut impl FnMut(Tone)) {
        self.misses = 0;
        if let Some(digit) = self.down.take() {
            told(Tone::Released(digit));
        }
    }
}

/// Whether both tones sounded on over `samples` between two windows' beginnings.
fn goes_on(before: &Hit, after: &Hit, samples: usize) -> bool {
    let (row, column) = key_place(usize::from(before.digit.event()));
    [row, 4 + column].into_iter().zip(before.phases.into_iter().zip(after.phases)).all(|(bin, (before, after))| {
        let hertz = HERTZ[bin];
        let turns = (after - before) / TAU - hertz * samples as f32 / RATE;
        let off = turns - turns.round();
        off.abs() <= hertz * DRIFT_MOST * samples as f32 / RATE + PHASE_NOISE
    })
}

/// The key whose tones fill these samples, if they do.
fn pair(samples: &[f32]) -> Option<Hit> {
    let count = samples.len() as f32;
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    if energy < 2.0 * POWER_LEAST * count {
        return None;
    }
    let (mut cosines, mut sines) = ([0.0_f32; BINS], [0.0_f32; BINS]);
    for (sample, [cosine, sine]) in samples.iter().zip(&TABLE.0) {
        for bin in 0..BINS {
            cosines[bin] += sample * cosine[bin];
            sines[bin] += sample * sine[bin];
        }
    }
    // Mean power of a sine of that frequency.
    let scale = 2.0 / (count * count);
    let power: [f32; BINS] = std::array::from_fn(|bin| (cosines[bin] * cosines[bin] + sines[bin] * sines[bin]) * scale);
    let row = best(&power[..4])?;
    let column = 4 + best(&power[4..8])?;
    let (low, high) = (power[row], power[column]);
    let is_pair = low.min(high) >= POWER_LEAST
        && low <= high * TWIST_MOST
        && high <= low * TWIST_MOST
        && (low + high) * count >= energy * SHARE_LEAST
        && power[column + 4] <= high * HARMONIC_MOST;
    let phase = |bin: usize| (-sines[bin]).atan2(cosines[bin]);
    let digit = is_pair.then(|| (0..16).find(|event| key_place(usize::from(*event)) == (row, column - 4))).flatten().and_then(Digit::from_event)?;
    Some(Hit { digit, phases: [phase(row), phase(column)] })
}

/// The strongest of a group, if it stands out.
fn best(group: &[f32]) -> Option<usize> {
    let (mut first, mut second) = (0, 0.0_f32);
    for (at, power) in group.iter().enumerate().skip(1) {
        if *power > group[first] {
            second = group[first];
            first = at;
        } else {
            second = second.max(*power);
        }
    }
    (group[first] >= second * RATIO_LEAST).then_some(first)
}
