//! What it costs to listen beside decoding: `cargo bench -p audio`. Each figure is for 100 frames (2 s) at 8 kHz.

use audio::{ComfortNoise, Concealer, KeyDetector, Stretcher, resample, tone};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// A voice, a key's tones, and silence.
fn frames(what: &str) -> Vec<Vec<i16>> {
    let samples = match what {
        "voice" => (0..16_000)
            .map(|at| {
                let t = at as f32 / 8_000.0;
                let sum: f32 = (1..14).map(|h| (t * 140.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
                (sum * 5_000.0 * (0.55 + 0.45 * (t * 9.0).sin())) as i16
            })
            .collect(),
        "keys" => {
            let key = resample(tone::dtmf(terms::Digit::from_event(5).expect("a key")).sound(), 8_000).samples;
            key.iter().copied().cycle().take(16_000).collect()
        }
        _ => vec![0; 16_000],
    };
    samples.chunks_exact(160).map(<[i16]>::to_vec).collect()
}

#[divan::bench(args = ["voice", "keys", "silence"])]
fn listen_for_keys_100_frames(bencher: Bencher, what: &str) {
    let (frames, mut detector) = (frames(what), KeyDetector::new());
    bencher.bench_local(|| {
        for frame in &frames {
            detector.hear(black_box(frame), |tone| {
                black_box(tone);
            });
        }
    });
}

/// With so many lost in a hundred.
#[divan::bench(args = [0_usize, 5, 20])]
fn conceal_100_frames(bencher: Bencher, lost: usize) {
    let (frames, mut concealer) = (frames("voice"), Concealer::new(8_000));
    bencher.bench_local(|| {
        for (at, frame) in frames.iter().enumerate() {
            let mut heard = [0; 160];
            heard.copy_from_slice(frame);
            if lost > 0 && at % (100 / lost) == 0 {
                concealer.conceal(&mut heard);
            } else {
                concealer.good(&mut heard);
            }
            black_box(&heard);
        }
    });
}

/// Without steps, and with a step in each fifth frame.
#[divan::bench(args = [false, true])]
fn stretch_100_frames(bencher: Bencher, steps: bool) {
    let (frames, mut stretcher) = (frames("voice"), Stretcher::new(8_000));
    bencher.bench_local(|| {
        for (at, frame) in frames.iter().enumerate() {
            stretcher.put(frame);
            if steps && at % 10 == 4 {
                stretcher.lengthen();
            }
            if steps && at % 10 == 9 {
                stretcher.shorten(false);
            }
            let mut out = [0; 160];
            black_box(stretcher.take(&mut out));
        }
        stretcher.clear();
    });
}

#[divan::bench]
fn comfort_noise_100_frames(bencher: Bencher) {
    let mut noise = ComfortNoise::new(&[50, 110, 140, 120]).expect("a payload");
    bencher.bench_local(|| {
        for _ in 0..100 {
            let mut out = [0; 160];
            noise.fill(&mut out);
            black_box(&out);
        }
    });
}
