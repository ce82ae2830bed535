//! What is told of a sound that was heard: how much of it is a tone.

use phone::tone_share;

/// The greatest share of a tone in any half second of a sound of 8 kHz.
pub(crate) fn best_share(heard: &[i16], hz: f32) -> f32 {
    best_share_within(heard, hz, 4_000)
}

/// The same in any so many samples.
pub(crate) fn best_share_within(heard: &[i16], hz: f32, samples: usize) -> f32 {
    heard.windows(samples).step_by(samples / 5).map(|part| tone_share(part, hz)).fold(0.0, f32::max)
}
