//! Where sound repeats itself: the pitch period of voices, by normalised cross-correlation.

/// Shortest and longest pitch period looked for, in microseconds (400 Hz – 66 Hz).
pub(crate) const PERIOD_US: (usize, usize) = (2_500, 15_000);

/// Longest window compared, samples: 30 ms at 16 kHz.
const WINDOW_MAX: usize = 480;

/// How much `window` and what stands `lag` samples before it are alike, −1 to 1. `sound` holds both: the window at `at`.
pub(crate) fn likeness(sound: &[i16], at: usize, window: usize, lag: usize) -> f32 {
    let (Some(recent), Some(earlier)) = (sound.get(at..at + window), at.checked_sub(lag).and_then(|from| sound.get(from..from + window))) else { return 0.0 };
    debug_assert!(window <= WINDOW_MAX, "sums of longer ones would not fit");
    // In whole numbers, four bits short so that the sums fit: a processor does many at once, which it may not with floats.
    let (mut cross, mut ours, mut theirs) = (0_i32, 0_i32, 0_i32);
    for (a, b) in recent.iter().zip(earlier) {
        let (a, b) = (i32::from(*a >> 4), i32::from(*b >> 4));
        cross += a * b;
        ours += a * a;
        theirs += b * b;
    }
    cross as f32 / ((ours as f32 + 1.0) * (theirs as f32 + 1.0)).sqrt()
}

/// The lag, among `lags`, at which the `window` samples from `at` are most like earlier ones, and how much they are. Coarse at
/// first (every second lag), then fine.
pub(crate) fn best_lag(sound: &[i16], at: usize, window: usize, lags: (usize, usize)) -> (usize, f32) {
    let mut best = (lags.0, f32::MIN);
    for lag in (lags.0..=lags.1).step_by(2) {
        let score = likeness(sound, at, window, lag);
        // Only clearly better lags win, so that the shortest of several multiples is kept.
        if score > best.1 + 0.01 {
            best = (lag, score);
        }
    }
    for lag in [best.0.saturating_sub(1), best.0 + 1] {
        let score = likeness(sound, at, window, lag);
        if (lags.0..=lags.1).contains(&lag) && score > best.1 {
            best = (lag, score);
        }
    }
    best
}
