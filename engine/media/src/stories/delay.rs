//! What uneven networks and clocks leave of sound that is decoded: nothing drifts, nothing waits for long, pauses sound like the line.

use super::*;

/// A second of sound: 60 ms of a loud tone, then a soft voice. Each second's beginning can be found again.
pub(super) fn marked(seconds: usize) -> Vec<i16> {
    let mut samples = Vec::with_capacity(seconds * 8_000);
    for at in 0..seconds * 8_000 {
        let t = at as f32 / 8_000.0;
        let sound = if at % 8_000 < 480 {
            (t * 1_500.0 * std::f32::consts::TAU).sin() * 15_000.0
        } else {
            (1..8).map(|h| (t * 125.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum::<f32>() * 1_200.0
        };
        samples.push(sound as i16);
    }
    samples
}

/// Where loud sound begins, in milliseconds.
pub(super) fn marks(samples: &[i16]) -> Vec<u64> {
    let loud: Vec<bool> = samples.chunks(8).map(|ms| ms.iter().any(|sample| sample.unsigned_abs() > 7_000)).collect();
    let begins = |at: usize| loud[at] && !loud[at.saturating_sub(200)..at].contains(&true);
    (0..loud.len()).filter(|at| begins(*at)).map(|at| at as u64).collect()
}

/// Records what a phone says whose packets of 20 ms arrive at the given times, and tells how late each mark is heard.
fn lags(seconds: usize, arrives_us: impl Fn(u64) -> Option<u64>) -> (Vec<i64>, Recorded, usize) {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let id = desk.record(Source::leg(A), RecordSpec::default());
    let mut encoder = Encoder::new(Codec::Pcmu);
    let mut sent: Vec<(u64, Vec<u8>)> = (0_u64..)
        .zip(marked(seconds).chunks_exact(160))
        .filter_map(|(n, frame)| {
            let mut payload = [0; 160];
            encoder.encode(frame, &mut payload);
            Some((arrives_us(n)?, packet(0, n as u16, n as u32 * 160, 7, &payload)))
        })
        .collect();
    sent.sort_by_key(|(at, _)| *at);
    let begin = desk.now;
    for (at, bytes) in &sent {
        let wanted = begin + Duration::from_micros(*at);
        let ahead = wanted.saturating_duration_since(desk.now);
        desk.run(ahead.as_millis() as u64);
        desk.now = desk.now.max(wanted);
        desk.rtp(A, address(A), bytes);
    }
    desk.run(1_000);
    let recorded = desk.mixer.recording(id).unwrap();
    let wall = desk.ms();
    desk.act(|mixer, now, _| mixer.stop_recording(id, now));
    let samples = desk.recording();
    assert!((samples.len() as u64 / 8).abs_diff(wall) <= 60, "{} ms of {wall}", samples.len() / 8);
    let found = marks(&samples);
    // Each second's first packet, by the wall clock.
    let lags = found.iter().enumerate().map(|(second, ms)| *ms as i64 - arrives_us(second as u64 * 50).map_or(0, |us| us as i64 / 1_000)).collect();
    (lags, recorded, found.len())
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth telling")]
fn m6_ten_minutes_at_500_ppm_do_not_drift() {
    for ppm in [-500_i64, 500] {
        let (lags, recorded, marks) = lags(600, |n| Some((n as i64 * 20_000 * (1_000_000 - ppm) / 1_000_000) as u64));
        assert_eq!(marks, 600, "{ppm}: every mark is there");
        let (least, most) = (*lags.iter().min().unwrap(), *lags.iter().max().unwrap());
        println!("{ppm} ppm: marks are heard {least} to {most} ms late, the last {} ms; {} frames concealed", lags[599], recorded.lost_frames);
        // A recording's first 20 ms end when it is 20 ms old.
        assert!(least >= -20 && most <= 60, "{ppm}: {least} to {most}");
        assert!(recorded.lost_frames <= 10, "{ppm}: {}", recorded.lost_frames);
    }
}

#[test]
fn m6_a_spike_of_200_ms_is_heard_late_and_caught_up() {
    // Packets 500 to 509 arrive together, 200 ms after the first of them should.
    let (lags, recorded, marks) = lags(20, |n| Some(n * 20_000 + if (500..510).contains(&n) { (510 - n) * 20_000 } else { 0 }));
    assert_eq!(marks, 20);
    assert!(lags[..10].iter().all(|lag| *lag <= 60), "{lags:?}");
    // The mark of second 10 is among the late ones; what follows is caught up without being lost.
    assert!(lags[11..13].iter().all(|lag| *lag <= 260), "{lags:?}");
    assert!(lags[17..].iter().all(|lag| *lag <= 110), "{lags:?}");
    assert!(recorded.lost_frames <= 14, "{recorded:?}");
}

#[test]
fn loss_and_jitter_at_once_leave_every_mark_in_its_place() {
    let chance = |n: u64| (n + 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let (lags, recorded, marks) = lags(60, |n| (n % 50 < 4 || chance(n) % 100 >= 5).then(|| n * 20_000 + 25_000 + chance(n * 7) % 30_000));
    assert_eq!(marks, 60);
    assert!(lags.iter().all(|lag| (-30..=100).contains(lag)), "{lags:?}");
    assert!((80..=200).contains(&recorded.lost_frames), "{recorded:?}");
}

/// The peer's packets stop; before that it says how its line sounds.
#[test]
fn comfort_noise_sounds_at_its_level_until_speech_comes_again() {
    for far in [None, Some(Codec::G722)] {
        let mut desk = Desk::new();
        let mut setup = StreamSetup::new(address(A), Codec::Pcmu);
        setup.comfort_noise = Some(13);
        desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
        if let Some(far) = far {
            desk.act(|mixer, now, _| mixer.set_stream(B, StreamSetup::new(address(B), far), now));
            desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        }
        desk.record(Source::leg(A), RecordSpec::default());
        let speech = speech(Codec::Pcmu, 300.0, 150);
        for sound in &speech[..50] {
            desk.rtp(A, address(A), sound);
            desk.run(20);
        }
        for (sequence, level) in [(50_u16, 40_u8), (51, 55)] {
            // 110, 140: a coloured one.
            desk.rtp(A, address(A), &packet(13, sequence, u32::from(sequence - 50) * 8_000 + 8_000, 7, &[level, 110, 140]));
            desk.run(1_000);
        }
        for sound in &speech[100..] {
            let mut sound = sound.clone();
            let sequence = u16::from_be_bytes([sound[2], sound[3]]) - 48;
            sound[2..4].copy_from_slice(&sequence.to_be_bytes());
            let timestamp = u32::from_be_bytes([sound[4], sound[5], sound[6], sound[7]]) + 50 * 160;
            sound[4..8].copy_from_slice(&timestamp.to_be_bytes());
            desk.rtp(A, address(A), &sound);
            desk.run(20);
        }
        let samples = desk.recording();
        let level = |from_ms: usize, to_ms: usize| audio::level::dbfs(&samples[from_ms * 8..to_ms * 8]);
        assert!(level(300, 900) > -20.0 && level(3_300, 3_900) > -20.0, "{} {}", level(300, 900), level(3_300, 3_900));
        assert!((level(1_200, 1_900) + 40.0).abs() < 2.0, "{}", level(1_200, 1_900));
        assert!((level(2_200, 2_900) + 55.0).abs() < 2.0, "{}", level(2_200, 2_900));
        if far.is_some() {
            // Whoever hears it transcoded hears the noise as well.
            let during = desk.to(B).iter().filter(|out| (1_200..2_900).contains(&out.ms) && out.payload_type == 9).count();
            assert!((80..=90).contains(&during), "{during} packets of noise");
        }
    }
}
