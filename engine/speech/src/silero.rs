//! Finds speech in a recording (Silero v6 on rten), so that silence and tones never reach the recogniser.

use crate::{
    EngineFault, limits,
    models::{self, SILERO, SILERO_FILE},
    onnx::Onnx,
};
use audio::Pcm;
use rten::Value;
use rten_tensor::{AsView, NdTensor};
use std::{ops::Range, path::Path};

/// A window is speech from this probability on, and goes on being speech above the second one (Silero's own defaults).
const BEGINS: f32 = 0.5;
const GOES_ON: f32 = 0.35;
/// Less speech than this in a whole recording is nobody speaking. Chosen: shorter than "no".
const SPEECH_MS_MIN: u64 = 160;
/// Kept before the first and after the last speech, so that no soft consonant is lost.
const MARGIN_MS: u64 = 400;
/// Quieter than this everywhere, a recording needs no model to be called silent (dBFS; telephone noise lies near −65).
const SILENCE_DBFS: f32 = -58.0;

pub(crate) struct Silero {
    model: Onnx,
}

impl Silero {
    pub(crate) fn load(dir: &Path) -> Result<Self, EngineFault> {
        if !models::is_installed(dir, SILERO) {
            return Err(EngineFault::Missing(format!("{SILERO} is not in {}: run `callflow models install`", dir.display())));
        }
        Ok(Self { model: Onnx::load(&dir.join(SILERO_FILE), limits::RECOGNITION_NICE)? })
    }

    /// The samples between the first and the last speech, with a margin; `None` when nobody speaks. 8 and 16 kHz only.
    pub(crate) fn speech(&self, sound: &Pcm) -> Result<Option<Range<usize>>, EngineFault> {
        // Silero hears 32 ms windows, each with the end of the window before in front.
        let (window, context) = match sound.rate {
            8_000 => (256, 32),
            16_000 => (512, 64),
            rate => return Err(EngineFault::Failed(format!("the detector hears 8 and 16 kHz, not {rate} Hz"))),
        };
        let is_silent = sound.samples.chunks(window).all(|chunk| audio::level::dbfs(chunk) < SILENCE_DBFS);
        if is_silent {
            return Ok(None);
        }
        let mut state = Value::from(NdTensor::<f32, 3>::zeros([2, 1, 128]));
        let mut input = vec![0.0_f32; context + window];
        let (mut first, mut last, mut speaking) = (None, 0, 0_u64);
        let mut is_speech = false;
        for (at, chunk) in sound.samples.chunks(window).enumerate() {
            input.copy_within(window.., 0);
            let (_, fresh) = input.split_at_mut(context);
            for (slot, sample) in fresh.iter_mut().zip(chunk.iter().copied().chain(std::iter::repeat(0))) {
                *slot = f32::from(sample) / 32_768.0;
            }
            let (probability, next) = self.window(sound.rate, &input, state)?;
            state = next;
            is_speech = probability >= if is_speech { GOES_ON } else { BEGINS };
            if is_speech {
                first.get_or_insert(at * window);
                last = (at + 1) * window;
                speaking += 32;
            }
        }
        let margin = usize::try_from(MARGIN_MS * u64::from(sound.rate) / 1_000).unwrap_or(0);
        Ok(first
            .filter(|_| speaking >= SPEECH_MS_MIN)
            .map(|first| first.saturating_sub(margin)..last.saturating_add(margin).min(sound.samples.len())))
    }

    /// Probability of speech in one window, and the state for the next.
    fn window(&self, rate: u32, input: &[f32], state: Value) -> Result<(f32, Value), EngineFault> {
        let rate = i32::try_from(rate).unwrap_or(8_000);
        let inputs = vec![
            (self.model.node("input")?, NdTensor::from_data([1, input.len()], input.to_vec()).into()),
            (self.model.node("state")?, state.into()),
            (self.model.node("sr")?, Value::from(rate).into()),
        ];
        let [output, next] = self.model.run(inputs, [self.model.node("output")?, self.model.node("stateN")?])?;
        let probability = output.into_tensor::<f32>().and_then(|tensor| tensor.to_vec().first().copied());
        probability
            .map(|probability| (probability, next))
            .ok_or_else(|| EngineFault::Failed("the detector answered nothing".to_owned()))
    }
}
