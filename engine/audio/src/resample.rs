//! Changing the sample rate, by FFT (nothing above the narrower Nyquist frequency survives).

use crate::Pcm;
use audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Samples a whole file is resampled by at a time: chosen, sharp filter and little delay to trim.
const CHUNK: usize = 1_024;

/// A whole sound at another rate: no delay, and of the same duration to within one sample. Rates of 0 give nothing.
#[must_use]
pub fn resample(pcm: &Pcm, rate: u32) -> Pcm {
    if pcm.rate == rate {
        return pcm.clone();
    }
    let count = pcm.samples.len();
    let wanted = (count as u64 * u64::from(rate)).div_ceil(u64::from(pcm.rate.max(1))) as usize;
    let mut samples = Vec::new();
    if count > 0
        && let Ok(mut fft) = Fft::<f32>::new(pcm.rate as usize, rate as usize, CHUNK, 1, FixedSync::Both)
    {
        let input: Vec<f32> = pcm.samples.iter().map(|s| f32::from(*s)).collect();
        if let Ok(adapter) = SequentialSlice::new(&input[..], 1, count)
            && let Ok(output) = fft.process_all(&adapter, count, None)
        {
            samples = output.take_data().into_iter().map(to_i16).collect();
        }
    }
    samples.resize(wanted, 0);
    Pcm { rate, samples }
}

fn to_i16(sample: f32) -> i16 {
    // `as` saturates at full scale.
    sample.round() as i16
}

/// Streaming resampler for frames of 20 ms between 8 and 16 kHz (or equal rates: copies). Allocates only in
/// [`FrameResampler::new`]; about 15 kB between unlike rates.
pub struct FrameResampler {
    kind: Kind,
}

enum Kind {
    Copy,
    Fft { fft: Box<Fft<f32>>, input: Box<[f32]>, output: Box<[f32]> },
}

impl FrameResampler {
    /// From and to: 8 000 or 16 000 Hz.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self {
        let (input, output) = (from as usize / 50, to as usize / 50);
        let window = WindowFunction::BlackmanHarris2;
        let kind = match Fft::new_custom(from as usize, to as usize, input, 1, 1, window, FixedSync::Both) {
            Ok(fft) if from != to => {
                Kind::Fft { fft: Box::new(fft), input: vec![0.0; input].into(), output: vec![0.0; output].into() }
            }
            Ok(_) | Err(_) => Kind::Copy,
        };
        Self { kind }
    }

    /// One frame in (20 ms at `from`), one frame out (20 ms at `to`); the sound is delayed by 10 ms between unlike rates.
    /// Frames of another length are cut or filled with zeros.
    pub fn frame(&mut self, input: &[i16], output: &mut [i16]) {
        output.fill(0);
        match &mut self.kind {
            Kind::Copy => output.iter_mut().zip(input).for_each(|(to, from)| *to = *from),
            Kind::Fft { fft, input: wide, output: made } => {
                wide.fill(0.0);
                wide.iter_mut().zip(input).for_each(|(to, from)| *to = f32::from(*from));
                let (input_length, output_length) = (wide.len(), made.len());
                if let Ok(from) = SequentialSlice::new(&wide[..], 1, input_length)
                    && let Ok(mut to) = SequentialSlice::new_mut(&mut made[..], 1, output_length)
                    && fft.process_into_buffer(&from, &mut to, None).is_ok()
                {
                    output.iter_mut().zip(made.iter()).for_each(|(to, from)| *to = to_i16(*from));
                }
            }
        }
    }
}

impl std::fmt::Debug for FrameResampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Copy => "FrameResampler(copy)",
            Kind::Fft { .. } => "FrameResampler(fft)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{level::dbfs, tone};
    use std::time::Duration;

    #[test]
    fn telephone_band_passes_and_aliases_do_not() {
        for (hertz, stays) in [(300.0, true), (1_000.0, true), (3_000.0, true), (5_000.0, false), (7_000.0, false)] {
            let wide = tone::sine(hertz, Duration::from_secs(1), -6.0);
            let narrow = resample(&wide, 8_000);
            assert_eq!(narrow.samples.len(), 8_000);
            let level = dbfs(&narrow.samples[1_000..7_000]);
            assert!(if stays { (level + 9.0).abs() < 0.5 } else { level < -80.0 }, "{hertz} Hz: {level} dBFS");
        }
    }

    #[test]
    fn a_stream_goes_up_and_down_again_unharmed() {
        let sound = resample(&tone::sine(1_000.0, Duration::from_secs(1), -10.0), 8_000).samples;
        let (mut up, mut down, mut copy) = (FrameResampler::new(8_000, 16_000), FrameResampler::new(16_000, 8_000), FrameResampler::new(8_000, 8_000));
        let mut heard = Vec::new();
        for frame in sound.chunks(160) {
            let (mut wide, mut narrow, mut same) = ([0; 320], [0; 160], [0; 160]);
            up.frame(frame, &mut wide);
            down.frame(&wide, &mut narrow);
            copy.frame(frame, &mut same);
            assert_eq!(frame, same);
            heard.extend_from_slice(&narrow);
        }
        // 10 ms up and 10 ms down again: 160 samples late.
        let error: f64 = sound.iter().zip(&heard[160..]).skip(400).take(6_000).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let power: f64 = sound.iter().skip(400).take(6_000).map(|a| f64::from(*a).powi(2)).sum();
        assert!(10.0 * (power / error).log10() > 50.0, "{error} of {power}");
    }

    #[test]
    fn odd_rates_and_odd_frames_are_no_panic() {
        let pcm = tone::sine(500.0, Duration::from_millis(100), -6.0);
        for rate in [4_000, 11_025, 44_101, 384_000] {
            assert_eq!(resample(&pcm, rate).samples.len() as u64, (1_600 * u64::from(rate)).div_ceil(16_000));
        }
        assert!(resample(&Pcm { rate: 0, samples: vec![1; 10] }, 8_000).samples.iter().all(|s| *s == 0));
        FrameResampler::new(8_000, 16_000).frame(&[1; 7], &mut [0; 1_000]);
    }
}
