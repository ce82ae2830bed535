//! The built-in hold music: a slow arpeggio, for whoever has no music of their own, and for a caller who would hear nothing.

use crate::{Pcm, Prompt, tone};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Equal-tempered notes of C, A minor, F and G, each broken upwards, in Hz.
const NOTES: [f32; 16] = [
    261.63, 329.63, 392.00, 523.25, 220.00, 261.63, 329.63, 440.00, 174.61, 220.00, 261.63, 349.23, 196.00, 246.94, 293.66, 392.00,
];
/// One note.
const NOTE: Duration = Duration::from_millis(450);
/// Soft: well below speech.
const LEVEL_DBFS: f32 = -26.0;
/// Each note fades in and out over this many samples, so that it does not click (12 ms at 8 kHz).
const FADE: usize = 96;

/// The same, shared; play it looped.
#[must_use]
pub fn hold_prompt() -> Arc<Prompt> {
    static MUSIC: LazyLock<Arc<Prompt>> = LazyLock::new(|| Prompt::shared("hold music", &hold()));
    MUSIC.clone()
}

/// One round of it, about seven seconds, without a gap.
#[must_use]
pub fn hold() -> Pcm {
    let mut rate = 8_000;
    let mut samples = Vec::new();
    for hertz in NOTES {
        let mut note = tone::sine(hertz, NOTE, LEVEL_DBFS);
        rate = note.rate;
        let length = note.samples.len();
        for (at, sample) in note.samples.iter_mut().enumerate() {
            let edge = at.min(length - 1 - at).min(FADE);
            *sample = i16::try_from(i32::from(*sample) * i32::try_from(edge).unwrap_or(0) / 96).unwrap_or(0);
        }
        samples.append(&mut note.samples);
    }
    Pcm { rate, samples }
}
