//! R10 for the recording of a whole call: ten minutes over a bad wire, between phones whose clocks go apart by 1,000 ppm.

use super::{
    delay::{marked, marks},
    *,
};

const SECONDS: usize = 600;

/// When a phone whose clock is `ppm` fast sends its packet `n` of 20 ms, µs by ours.
fn sent_us(n: u64, ppm: i64) -> u64 {
    (n as i64 * 20_000 * (1_000_000 - ppm) / 1_000_000) as u64
}

/// A number that looks like chance.
fn chance(n: u64) -> u64 {
    let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) >> 16
}

/// What arrives of a phone that says marks: 5 % is lost, 1 % comes twice, all take 40 ± 15 ms, 2 % so much more that they are overtaken.
fn arrives(leg: LegId, codec: Codec, ppm: i64) -> Vec<(u64, LegId, Vec<u8>)> {
    let (mut encoder, mut arrived) = (Encoder::new(codec), Vec::new());
    for (n, frame) in (0_u64..).zip(marked(SECONDS).chunks_exact(160)) {
        let mut payload = [0; 160];
        encoder.encode(frame, &mut payload);
        let bytes = packet(codec.payload_type(), n as u16, n as u32 * 160, 7 + u32::from(leg.0), &payload);
        let die = |which: u64| chance((u64::from(leg.0) << 40) + n * 4 + which);
        if die(0) % 100 < 5 {
            continue;
        }
        let delay = 25_000 + die(1) % 30_000 + if die(2) % 100 < 2 { 30_000 } else { 0 };
        let at = sent_us(n, ppm) + delay;
        if die(3) % 100 == 0 {
            arrived.push((at + 5_000, leg, bytes.clone()));
        }
        arrived.push((at, leg, bytes));
    }
    arrived
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth telling")]
fn r10_ten_minutes_of_a_call_over_a_bad_wire_are_recorded_at_their_length() {
    let phones = [(A, Codec::Pcmu, 500_i64), (B, Codec::Pcma, -500)];
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcma]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    let id = desk.record(Source::call(A, true), RecordSpec::default());
    let mut arrived: Vec<_> = phones.iter().flat_map(|(leg, codec, ppm)| arrives(*leg, *codec, *ppm)).collect();
    arrived.sort_by_key(|(at, ..)| *at);
    let begin = desk.now;
    for (at, leg, bytes) in &arrived {
        let wanted = begin + Duration::from_micros(*at);
        desk.run(wanted.saturating_duration_since(desk.now).as_millis() as u64);
        desk.now = desk.now.max(wanted);
        desk.rtp(*leg, address(*leg), bytes);
        // What goes on to the other phone is of other stories.
        desk.out.clear();
    }
    desk.run(1_000);
    let (wall, recorded) = (desk.ms(), desk.mixer.recording(id).unwrap());
    desk.act(|mixer, now, _| mixer.stop_recording(id, now));
    let samples = desk.recording();
    let length = samples.len() as u64 / 2 / 8;
    assert!(length.abs_diff(wall) <= 60 && length.abs_diff(recorded.duration.as_millis() as u64) <= 20, "{length} ms of {wall}");
    // Each phone loses one packet in twenty.
    assert!((2_000..4_000).contains(&recorded.lost_frames), "{recorded:?}");
    for (channel, (leg, _, ppm)) in phones.into_iter().enumerate() {
        let own: Vec<i16> = samples.iter().skip(channel).step_by(2).copied().collect();
        // The second of each mark by the phone's clock, and how late it is heard.
        let second = |ms: u64| (ms as f64 / (1_000.0 - ppm as f64 / 1_000.0)) as u64;
        let found: Vec<(u64, i64)> = marks(&own).into_iter().map(|ms| (second(ms), ms as i64 - sent_us(second(ms) * 50, ppm) as i64 / 1_000)).collect();
        assert!(found.len() >= SECONDS - 3, "{leg}: {} marks", found.len());
        assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "{leg}: a mark is heard twice");
        let lags: Vec<i64> = found.iter().map(|(_, lag)| *lag).collect();
        let mean = |lags: &[i64]| lags.iter().sum::<i64>() / lags.len() as i64;
        let (first, last) = (mean(&lags[..60]), mean(&lags[lags.len() - 60..]));
        let (least, most) = (lags.iter().min().unwrap(), lags.iter().max().unwrap());
        println!("{leg}, {ppm} ppm: marks are heard {least} to {most} ms late; {first} ms in the first minute, {last} ms in the last");
        assert!(first.abs_diff(last) <= 20, "{leg}: {first} ms late at first, {last} ms at last");
        // From the first mark to the last it is as long as it was.
        assert!(lags[0].abs_diff(lags[lags.len() - 1]) <= 60, "{leg}: {lags:?}");
        assert!(*least >= 0 && *most <= 180, "{leg}: {least} to {most}");
    }
}
