//! What a phone says: mono 16-bit PCM at 8 kHz, from a WAV of any rate, a tone, or silence.

use crate::limits::RATE;
use std::{f32::consts::PI, path::Path, sync::Arc, time::Duration};

/// Mono PCM at 8 kHz, cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sound(Arc<[i16]>);

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sound({} ms)", self.length().as_millis())
    }
}

/// Why a WAV could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {why}")]
pub struct BadWav {
    path: String,
    why: String,
}

impl Sound {
    /// From samples at 8 kHz.
    #[must_use]
    pub fn from_samples(samples: Vec<i16>) -> Self {
        Self(samples.into())
    }

    /// A sine of `hz` at `dbfs` peak level (0 is full scale).
    #[must_use]
    pub fn tone(hz: f32, dbfs: f32, length: Duration) -> Self {
        let peak = 32_767.0 * 10_f32.powf(dbfs.min(0.0) / 20.0);
        let step = 2.0 * PI * hz / RATE as f32;
        let count = samples_in(length);
        #[expect(clippy::cast_possible_truncation, reason = "a sine below full scale fits i16")]
        let samples = (0..count).map(|n| (peak * (step * (n % RATE as usize) as f32).sin()) as i16).collect();
        Self::from_samples(samples)
    }

    /// Digital silence.
    #[must_use]
    pub fn silence(length: Duration) -> Self {
        Self::from_samples(vec![0; samples_in(length)])
    }

    /// The samples, at 8 kHz.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_micros(self.0.len() as u64 * 1_000_000 / u64::from(RATE))
    }
}

fn samples_in(length: Duration) -> usize {
    usize::try_from(length.as_millis() * u128::from(RATE) / 1_000).unwrap_or(usize::MAX).min(crate::limits::RECORDING_SAMPLES_MAX)
}

/// Reads a WAV (8–32-bit integer or float PCM, any rate, channels mixed down) as sound at 8 kHz.
///
/// # Errors
/// [`BadWav`] when the file is not there or is no PCM WAV.
pub fn read_wav(path: &Path) -> Result<Sound, BadWav> {
    let bad = |why: String| BadWav { path: path.display().to_string(), why };
    let mut reader = hound::WavReader::open(path).map_err(|e| bad(e.to_string()))?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    let flat: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        hound::SampleFormat::Int => {
            let full = (1_u64 << (spec.bits_per_sample.clamp(8, 32) - 1)) as f32;
            reader.samples::<i32>().map(|s| s.map(|v| v as f32 / full)).collect::<Result<_, _>>()
        }
    }
    .map_err(|e| bad(e.to_string()))?;
    let mono: Vec<f32> = flat.chunks(channels).map(|c| c.iter().sum::<f32>() / c.len() as f32).collect();
    if spec.sample_rate == 0 {
        return Err(bad("a sample rate of 0".to_owned()));
    }
    Ok(Sound::from_samples(resample(&mono, spec.sample_rate)))
}

/// Windowed-sinc conversion to 8 kHz (32 zero crossings, Hann): enough for a telephone's ear.
fn resample(input: &[f32], rate: u32) -> Vec<i16> {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of i16")]
    let quantise = |v: f32| (v * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16;
    if rate == RATE {
        return input.iter().copied().map(quantise).collect();
    }
    let ratio = f64::from(rate) / f64::from(RATE);
    // Low-pass at 3.7 kHz or at the input's own 92.5 % of Nyquist, in cycles per input sample.
    let cutoff = (0.4625 * f64::from(RATE).min(f64::from(rate)) / f64::from(rate)) * 2.0;
    let reach = (32.0 / cutoff).ceil() as i64;
    let count = (input.len() as f64 / ratio) as usize;
    let mut output = Vec::with_capacity(count);
    for n in 0..count {
        let centre = n as f64 * ratio;
        let first = centre.floor() as i64 - reach;
        let mut sum = 0.0_f64;
        for at in first.max(0)..=(first + 2 * reach) {
            let Some(sample) = usize::try_from(at).ok().and_then(|at| input.get(at)) else { break };
            let x = centre - at as f64;
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / (reach as f64 + 1.0)).cos();
            let angle = std::f64::consts::PI * x * cutoff;
            let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
            sum += f64::from(*sample) * sinc * cutoff * window;
        }
        output.push(quantise(sum as f32));
    }
    output
}

/// Writes mono 16-bit PCM at 8 kHz as a WAV.
///
/// # Errors
/// When the file cannot be written.
pub fn write_wav(path: &Path, samples: &[i16]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::tone_share;

    #[test]
    fn a_tone_keeps_its_pitch_and_level_when_brought_to_8_khz() {
        for rate in [16_000_u32, 22_050, 44_100, 48_000] {
            let wave: Vec<f32> = (0..rate).map(|n| 0.5 * (2.0 * PI * 1_000.0 * n as f32 / rate as f32).sin()).collect();
            let out = resample(&wave, rate);
            assert!((7_990..=8_000).contains(&out.len()), "{rate}: {}", out.len());
            let middle = &out[800..7_200];
            assert!(tone_share(middle, 1_000.0) > 0.98, "{rate}");
            let peak = middle.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((15_500..17_300).contains(&peak), "{rate}: peak {peak}");
        }
    }

    #[test]
    fn what_lies_above_4_khz_does_not_fold_back() {
        let wave: Vec<f32> = (0..48_000).map(|n| 0.5 * (2.0 * PI * 5_000.0 * n as f32 / 48_000.0).sin()).collect();
        let out = resample(&wave, 48_000);
        let peak = out[800..7_200].iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!(peak < 200, "alias of {peak}");
    }
}
