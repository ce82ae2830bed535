//! How loud, and whether somebody speaks.

/// The level of silence in dBFS, where the logarithm would end: less than one step of 16 bits.
pub const FLOOR_DBFS: f32 = -96.0;

/// How far above the noise a frame must be to count as speech, dB: chosen, speech is 15–30 dB above line noise.
const OVER_NOISE_DB: f32 = 9.0;
/// Quieter than this is never speech, dBFS: −50 is an idle headset's breath.
const QUIETEST_SPEECH_DBFS: f32 = -50.0;
/// The noise floor is never believed to be louder than this, dBFS: louder steady sound counts as speech for ever.
const LOUDEST_NOISE_DBFS: f32 = -33.0;
/// Frames (20 ms) over which the quietest one is the noise floor; two such windows are remembered. Speech has a pause or a
/// dip within 1.5 s, a fan has not.
const WINDOW_FRAMES: u16 = 75;
/// Loud frames in a row before it is speech: 40 ms, so that a click is none.
const ATTACK_FRAMES: u8 = 2;
/// Quiet frames until speech is over: 200 ms bridges the stops inside words.
const HANGOVER_FRAMES: u8 = 10;

/// RMS level in dBFS (0 = a full-scale square wave), −96 for silence or no samples.
#[must_use]
pub fn dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DBFS;
    }
    let energy: i64 = samples.iter().map(|s| i64::from(i32::from(*s) * i32::from(*s))).sum();
    if energy == 0 {
        return FLOOR_DBFS;
    }
    let mean = energy as f64 / samples.len() as f64;
    let full = 32_768.0_f64 * 32_768.0;
    ((10.0 * (mean / full).log10()) as f32).max(FLOOR_DBFS)
}

/// Tells speaking from not speaking by energy over an adaptive noise floor, with hangover. Cheap: one pass over 20 ms.
#[derive(Clone, Debug)]
pub struct SpeechDetector {
    /// Quietest frame of this window and of the one before, dBFS.
    quietest: f32,
    quietest_before: f32,
    window: u16,
    loud: u8,
    hangover: u8,
}

impl Default for SpeechDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl SpeechDetector {
    /// Begins with the assumption of a quiet line.
    #[must_use]
    pub const fn new() -> Self {
        Self { quietest: FLOOR_DBFS, quietest_before: FLOOR_DBFS, window: 0, loud: 0, hangover: 0 }
    }

    /// Judges one frame of 20 ms (any rate): true while somebody speaks (from the second loud frame to 200 ms after the last).
    pub fn frame(&mut self, samples: &[i16]) -> bool {
        self.frame_at(dbfs(samples))
    }

    /// The same for a frame whose level is known.
    pub fn frame_at(&mut self, level: f32) -> bool {
        let noise = self.noise();
        if level > (noise + OVER_NOISE_DB).max(QUIETEST_SPEECH_DBFS) {
            self.loud = (self.loud + 1).min(ATTACK_FRAMES);
            if self.loud >= ATTACK_FRAMES {
                // One is taken off below, at once.
                self.hangover = HANGOVER_FRAMES + 1 + 1;
            }
        } else {
            self.loud = 0;
        }
        self.hangover = self.hangover.saturating_sub(1);
        if self.window == 0 {
            self.quietest_before = self.quietest;
            self.quietest = level;
            self.window = WINDOW_FRAMES;
        }
        self.quietest = self.quietest.min(level);
        self.window -= 1;
        self.hangover > 0
    }

    /// What the line sounds like when nobody speaks, dBFS.
    #[must_use]
    pub const fn noise(&self) -> f32 {
        self.quietest.min(self.quietest_before).min(LOUDEST_NOISE_DBFS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone;
    use std::time::Duration;

    /// Runs a picture, one character a frame: `#` loud (−20 dBFS), `.` the given noise; answers what was heard.
    fn listen(noise_dbfs: f32, picture: &str) -> String {
        let mut detector = SpeechDetector::new();
        picture.chars().map(|c| if detector.frame_at(if c == '#' { -20.0 } else { noise_dbfs }) { 'S' } else { '.' }).collect()
    }

    #[test]
    fn speech_starts_soon_and_hangs_over_short_stops() {
        assert_eq!(listen(-70.0, "..####....####............"), "...SSSSSSSSSSSSSSSSSSSSS..");
        assert_eq!(listen(-70.0, "..#..#..#.."), "...........", "clicks are no speech");
    }

    #[test]
    fn a_fan_is_silence_after_a_while_and_a_voice_over_it_is_not() {
        let fan = listen(-40.0, &".".repeat(400));
        assert!(fan.starts_with(".S") && fan.ends_with(&".".repeat(200)), "{fan}");
        let over = listen(-40.0, &format!("{}{}{}", ".".repeat(300), "#".repeat(50), ".".repeat(50)));
        assert_eq!(over[300..].matches('S').count(), 50 - 1 + 10);
        let music = listen(-20.0, &"#".repeat(1_000));
        assert!(music.ends_with('S'), "what is loud is never mistaken for noise");
    }

    #[test]
    fn levels_are_right() {
        assert_eq!(dbfs(&[]), FLOOR_DBFS);
        assert_eq!(dbfs(&[0; 160]), FLOOR_DBFS);
        assert!(dbfs(&[i16::MIN; 160]).abs() < 0.01);
        let sine = tone::sine(1_000.0, Duration::from_secs(1), -10.0);
        assert!((dbfs(&sine.samples) + 13.0).abs() < 0.2, "peak −10 is RMS −13: {}", dbfs(&sine.samples));
    }
}
