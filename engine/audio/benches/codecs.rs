//! What 20 ms of sound cost to encode and to decode, codec by codec: `cargo bench -p audio`. Each figure is for 100 frames
//! (2 s) of something like a voice.

use audio::{Decoder, Encoder, PACKET_SAMPLES_MAX, Pcm, resample};
use divan::{Bencher, black_box};
use terms::Codec;

fn main() {
    divan::main();
}

const CODECS: [Codec; 5] = Codec::ALL;

/// A gliding pitch with harmonics in syllables, at the codec's rate, in frames.
fn voice(codec: Codec) -> Vec<Vec<i16>> {
    let mut phase = 0.0_f32;
    let samples = (0..32_000)
        .map(|at| {
            let t = at as f32 / 16_000.0;
            phase += (140.0 + 30.0 * (t * 2.0).sin()) / 16_000.0;
            let sum: f32 = (1..=14).map(|h| (phase * h as f32 * std::f32::consts::TAU).sin() / (h as f32).powf(1.2)).sum();
            (sum * 4_500.0 * (0.55 + 0.45 * (t * 9.0).sin())) as i16
        })
        .collect();
    resample(&Pcm { rate: 16_000, samples }, codec.sample_rate()).samples.chunks_exact(codec.frame_samples()).map(<[i16]>::to_vec).collect()
}

#[divan::bench(args = CODECS)]
fn encode_100_frames(bencher: Bencher, codec: Codec) {
    encode(bencher, codec, audio::OPUS_COMPLEXITY);
}

#[divan::bench(args = [0, 3, 5, 8, 10])]
fn encode_100_frames_as_opus_by_complexity(bencher: Bencher, complexity: u8) {
    encode(bencher, Codec::Opus, complexity);
}

fn encode(bencher: Bencher, codec: Codec, complexity: u8) {
    let (frames, mut encoder) = (voice(codec), Encoder::with_complexity(codec, complexity));
    bencher.bench_local(|| {
        for frame in &frames {
            let mut payload = [0; 480];
            black_box(encoder.encode(black_box(frame), &mut payload));
        }
    });
}

#[divan::bench(args = CODECS)]
fn decode_100_frames(bencher: Bencher, codec: Codec) {
    let mut encoder = Encoder::new(codec);
    let payloads: Vec<Vec<u8>> = voice(codec)
        .iter()
        .map(|frame| {
            let mut payload = [0; 480];
            let length = encoder.encode(frame, &mut payload);
            payload[..length].to_vec()
        })
        .collect();
    let mut decoder = Decoder::new(codec);
    bencher.bench_local(|| {
        for payload in &payloads {
            let mut sound = [0; PACKET_SAMPLES_MAX];
            black_box(decoder.decode(black_box(payload), &mut sound));
        }
    });
}
