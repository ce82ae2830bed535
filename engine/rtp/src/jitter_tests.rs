//! Stories of packets on bad networks, in virtual time: a take every 20 ms, packets whenever they come.

use super::*;
use crate::limits::{FRAME_BYTES, JITTER_DEPTH};
use crate::sender::splitmix;
use proptest::prelude::*;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

/// One packet of a story.
#[derive(Clone, Copy, Debug)]
struct Sent {
    arrives_us: u64,
    timestamp: u32,
    bytes: usize,
}

/// What came of a story: how many takes of each kind, and what the buffer says.
#[derive(Default)]
struct Heard {
    frames: usize,
    lost: usize,
    silence: usize,
    snapshot: JitterSnapshot,
    most_waiting: Duration,
    longest_target: Duration,
    /// Of each 20 ms: how long the fastest packets wait, ms.
    delays: Vec<u64>,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} frames, {} lost, {} silent, {:?} waiting, {:?} target, {:?}", self.frames, self.lost, self.silence, self.most_waiting, self.longest_target, self.snapshot)
    }
}

impl Heard {
    /// Mean and 95th percentile of the delay, ms.
    fn delay(&self) -> (u64, u64) {
        let mut sorted = self.delays.clone();
        sorted.sort_unstable();
        let count = sorted.len().max(1) as u64;
        (sorted.iter().sum::<u64>() / count, sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(0))
    }
    /// Share of the frames that were made up, percent.
    fn concealed(&self) -> f64 {
        100.0 * self.lost as f64 / (self.lost + self.frames).max(1) as f64
    }
}

/// A listener's 20 ms, and a step is 6 ms. Each payload byte tells its timestamp in 20 ms units, so that what is played can
/// be checked for order.
fn run(mut packets: Vec<Sent>, turns: u64, in_order: bool) -> Heard {
    const STEP: Duration = Duration::from_millis(6);
    const TURN: Duration = Duration::from_millis(20);
    packets.sort_by_key(|packet| packet.arrives_us);
    let begin = start();
    let mut buffer = JitterBuffer::new();
    let mut heard = Heard::default();
    let mut coming = packets.into_iter().peekable();
    let mut before: Option<u8> = None;
    let mut over = Duration::ZERO;
    for turn in 0..turns {
        // Turns fall 7 ms off the packets' grid.
        let at = turn * 20_000 + 7_000;
        while let Some(packet) = coming.next_if(|packet| packet.arrives_us <= at) {
            let payload: Vec<u8> = (0..packet.bytes).map(|n| (packet.timestamp.wrapping_add(n as u32) / 160) as u8).collect();
            let view = Packet { marker: false, payload_type: 8, sequence: 0, timestamp: packet.timestamp, ssrc: 1, payload: &payload };
            buffer.put(&view, begin + Duration::from_micros(packet.arrives_us));
        }
        let now = begin + Duration::from_micros(at);
        let frames = heard.frames;
        let mut take = |buffer: &mut JitterBuffer, over: Duration| match buffer.take(now, over) {
            Take::Frame { payload_type, payload } => {
                assert_eq!((payload_type, payload.len()), (8, FRAME_BYTES));
                if in_order {
                    let step = before.map_or(1, |b| payload[0].wrapping_sub(b));
                    assert!(step < 30, "plays backwards: {before:?} then {}", payload[0]);
                }
                before = Some(payload[0]);
                heard.frames += 1;
            }
            Take::Whole { .. } => unreachable!("only bytes were put"),
            Take::Lost => heard.lost += 1,
            Take::Silence => heard.silence += 1,
        };
        if over < TURN {
            take(&mut buffer, over);
            over += TURN;
        }
        match buffer.wish(now, over) {
            Wish::Keep => {}
            wish @ Wish::Shorter { .. } => {
                if over < TURN + STEP {
                    take(&mut buffer, over);
                    over += TURN;
                }
                over -= STEP;
                buffer.stepped(wish, now);
            }
            wish @ Wish::Longer => {
                over += STEP;
                buffer.stepped(wish, now);
            }
        }
        // Of sound: what a pause waits is no delay.
        if let Some(delay) = buffer.delay(now).filter(|_| heard.frames > frames) {
            heard.delays.push((delay + over).as_millis() as u64);
        }
        over -= TURN;
        heard.snapshot = buffer.snapshot();
        heard.most_waiting = heard.most_waiting.max(heard.snapshot.waiting + over);
        heard.longest_target = heard.longest_target.max(heard.snapshot.target);
    }
    heard
}

/// `count` packets of `bytes` sent evenly, each delayed by `delay_us(n)`; the clock of the sender runs `ppm` fast.
fn even(count: u64, bytes: usize, ppm: i64, delay_us: impl Fn(u64) -> u64) -> Vec<Sent> {
    (0..count)
        .map(|n| {
            let sent = (n * bytes as u64 * 125).cast_signed() * (1_000_000 - ppm) / 1_000_000;
            Sent { arrives_us: sent.cast_unsigned() + delay_us(n), timestamp: 160u32.wrapping_mul(1 << 20).wrapping_add((n as usize * bytes) as u32), bytes }
        })
        .collect()
}

#[test]
fn an_even_stream_comes_out_whole_after_a_short_delay() {
    for bytes in [80, 160, 240, 320, 480] {
        let heard = run(even(480_000 / bytes as u64, bytes, 0, |_| 0), 3_000, true);
        assert!(heard.lost <= 1, "{bytes}: {heard:?}");
        assert!((2..=6).contains(&heard.silence), "{bytes}: {heard:?}");
        assert!(heard.snapshot.dropped == 0 && heard.snapshot.shortened + heard.snapshot.lengthened <= 8, "{bytes}: {:?}", heard.snapshot);
    }
}

#[test]
fn jitter_raises_the_delay_and_is_then_hidden() {
    let jitter = |n: u64| splitmix(n) % 60_000;
    let heard = run(even(3_000, 160, 0, jitter), 3_000, true);
    assert!(heard.lost < 30, "{heard:?}");
    assert!(heard.snapshot.target >= Duration::from_millis(60), "{heard:?}");
    assert!(heard.snapshot.target <= Duration::from_millis(85), "{heard:?}");
    assert!(heard.frames > 2_940, "{heard:?}");
}

#[test]
fn lost_packets_are_told_as_lost_and_only_those() {
    let packets = even(3_000, 160, 0, |_| 0).into_iter().enumerate().filter(|(n, _)| n % 20 != 7).map(|(_, p)| p).collect();
    let heard = run(packets, 3_000, true);
    assert!((145..=155).contains(&heard.lost), "{heard:?}");
}

#[test]
fn doubled_and_reordered_packets_change_nothing() {
    let mut packets = even(1_000, 160, 0, |n| if n % 5 == 2 { 25_000 } else { 0 });
    packets.extend_from_within(..);
    let heard = run(packets, 1_000, true);
    assert!(heard.lost <= 3, "{heard:?}");
    assert!(heard.snapshot.duplicates + heard.snapshot.late >= 990, "{heard:?}");
}

#[test]
fn m6_clock_drift_of_500_ppm_is_steered_away() {
    for ppm in [-500, 500] {
        // Ten minutes: 300 ms of drift, 15 frames.
        let heard = run(even(30_000, 160, ppm, |n| splitmix(n) % 5_000), 29_900, true);
        assert!(heard.lost <= 20, "{ppm}: {heard:?}");
        assert!(heard.most_waiting <= Duration::from_millis(120), "{ppm}: {heard:?}");
        let (steps, others) = if ppm > 0 { (heard.snapshot.shortened, heard.snapshot.lengthened) } else { (heard.snapshot.lengthened, heard.snapshot.shortened) };
        assert!((35..=65).contains(&steps) && others <= 5, "{ppm}: {:?}", heard.snapshot);
    }
}

#[test]
fn m6_a_gap_of_30_s_is_silence_and_then_audio_goes_on() {
    // With timestamps that run on, that stand still, and that jump anywhere.
    for restart in [None, Some(0_u32), Some(0x9000_0000)] {
        let mut packets = even(100, 160, 0, |_| 0);
        let last = packets[99].timestamp;
        let after = restart.map_or(last + 160 + 240_000, |jump| last + 160 + jump);
        packets.extend((0..100).map(|n: u32| Sent { arrives_us: 32_000_000 + u64::from(n) * 20_000, timestamp: after.wrapping_add(n * 160), bytes: 160 }));
        let heard = run(packets, 1_750, false);
        assert!(heard.frames >= 195, "{restart:?}: {heard:?}");
        assert!(heard.lost <= 12, "{restart:?}: {heard:?}");
        assert!((heard.frames + heard.lost + heard.silence).abs_diff(1_750) <= 10, "{restart:?}: {:?}", heard.snapshot);
    }
}

#[test]
fn m6_timestamps_wrap_without_a_sound() {
    let packets = (0..200_u32).map(|n| Sent { arrives_us: u64::from(n) * 20_000, timestamp: 0u32.wrapping_sub(100 * 160).wrapping_add(n * 160), bytes: 160 }).collect();
    let heard = run(packets, 200, false);
    assert!(heard.lost == 0 && heard.frames >= 196, "{heard:?}");
}

#[test]
fn m6_odd_lengths_and_a_thousand_packets_a_second_stay_bounded() {
    for bytes in [1, 7, 8, 1_472] {
        let heard = run(even(40_000 / bytes as u64, bytes, 0, |_| 0), 250, false);
        assert!(heard.most_waiting <= JITTER_DEPTH, "{bytes}: {heard:?}");
        assert!(heard.frames >= 200, "{bytes}: {heard:?}");
    }
    // 1 kHz of 20 ms packets: 20 times too much audio.
    let flood = (0..5_000).map(|n| Sent { arrives_us: n * 1_000, timestamp: n as u32 * 160, bytes: 160 }).collect();
    let heard = run(flood, 250, false);
    assert!(heard.most_waiting <= JITTER_DEPTH, "{heard:?}");
}

#[test]
fn a_payload_type_change_is_told_with_its_frames() {
    let begin = start();
    let mut buffer = JitterBuffer::new();
    for n in 0..4_u32 {
        let packet = Packet { marker: false, payload_type: if n < 2 { 0 } else { 8 }, sequence: 0, timestamp: n * 160, ssrc: 1, payload: &[n as u8; 160] };
        assert_eq!(buffer.put(&packet, begin), Put::Stored);
    }
    let mut types = Vec::new();
    for n in 0..6 {
        if let Take::Frame { payload_type, .. } = buffer.take(begin + Duration::from_millis(20 * n), Duration::ZERO) {
            types.push(payload_type);
        }
    }
    assert_eq!(types, [0, 0, 8, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever comes, at any time: no panic, never more than 500 ms, a take whenever there is room.
    #[test]
    fn m6_lies_of_any_kind_stay_bounded(packets in prop::collection::vec((0_u64..2_000_000, prop_oneof![any::<u32>(), 0_u32..20_000], 0_usize..1_473), 0..300)) {
        let packets = packets.into_iter().map(|(arrives_us, timestamp, bytes)| Sent { arrives_us, timestamp, bytes }).collect();
        let heard = run(packets, 110, false);
        prop_assert!(heard.most_waiting <= JITTER_DEPTH);
    }
}

/// Feeds whole packets (`ms` long, numbered; `None` where one is lost) each at its time, and takes 20 ms whenever nothing is
/// left of what came before. Gives the numbers taken, `-` for a loss and `.` for silence.
fn run_whole(packets: &[Option<u8>], clock_rate: u32, ms: u32, takes: u64) -> (String, JitterSnapshot) {
    let begin = start();
    let mut buffer = JitterBuffer::new();
    let (mut told, mut left_ms, mut next) = (String::new(), 0, 0);
    for take in 0..takes {
        let at = take * 20;
        while next < packets.len() && next as u64 * u64::from(ms) <= at {
            if let Some(number) = packets[next] {
                let timestamp = (clock_rate / 1_000).wrapping_mul(ms).wrapping_mul(next as u32).wrapping_sub(960);
                let payload = vec![number; 40 + usize::from(number)];
                let view = Packet { marker: false, payload_type: 96, sequence: 0, timestamp, ssrc: 1, payload: &payload };
                assert_eq!(buffer.put_whole(&view, clock_rate, ms * 8, begin + Duration::from_millis(next as u64 * u64::from(ms))), Put::Stored);
            }
            next += 1;
        }
        while left_ms < 20 {
            match buffer.take(begin + Duration::from_millis(at), Duration::from_millis(u64::from(left_ms))) {
                Take::Whole { payload_type, payload } => {
                    assert_eq!((payload_type, payload.len()), (96, 40 + usize::from(payload[0])));
                    told.push_str(&payload[0].to_string());
                    left_ms += ms;
                }
                Take::Lost => {
                    told.push('-');
                    left_ms = left_ms.max(20);
                }
                Take::Silence => {
                    told.push('.');
                    left_ms = left_ms.max(20);
                }
                Take::Frame { .. } => unreachable!("only whole packets were put"),
            }
        }
        left_ms -= 20;
    }
    (told, buffer.snapshot())
}

#[test]
fn whole_packets_come_out_in_order_once_and_as_fast_as_they_came() {
    let numbers: Vec<Option<u8>> = (0..8).map(Some).collect();
    for (clock_rate, ms) in [(48_000, 20), (48_000, 10), (48_000, 60), (48_000, 40), (8_000, 20), (8_000, 60)] {
        let (told, snapshot) = run_whole(&numbers, clock_rate, ms, 8 * u64::from(ms) / 20 + 3);
        let heard = told.trim_start_matches('.');
        assert!(heard.starts_with("01234567"), "{clock_rate} {ms}: {told}");
        assert!(told.len() - heard.len() <= 2, "{clock_rate} {ms}: at most 40 ms late: {told}");
        assert_eq!((snapshot.played, snapshot.dropped, snapshot.restarts), (8, 0, 0), "{clock_rate} {ms}");
    }
}

#[test]
fn a_lost_whole_packet_is_told_and_the_next_is_at_hand() {
    let (told, _) = run_whole(&[Some(0), Some(1), None, Some(3), Some(4), Some(5)], 48_000, 20, 9);
    assert!(told.trim_start_matches('.').starts_with("01-345"), "{told}");
    let begin = start();
    let mut buffer = JitterBuffer::new();
    let mut at_loss = Vec::new();
    for number in 0..8_u8 {
        let now = begin + Duration::from_millis(20) * u32::from(number);
        let view = Packet { marker: false, payload_type: 96, sequence: 0, timestamp: 960 * u32::from(number), ssrc: 1, payload: &[number; 50] };
        if number != 2 {
            buffer.put_whole(&view, 48_000, 160, now);
        }
        if matches!(buffer.take(now, Duration::ZERO), Take::Lost) {
            at_loss.push(buffer.after_loss().map(|(payload_type, payload)| (payload_type, payload[0])));
        }
    }
    assert_eq!(at_loss, [Some((96, 3))]);
}

proptest! {
    /// M6: whole packets of any length, number and clock, mixed with bytes: never a panic, never more than half a second.
    #[test]
    fn m6_whole_packets_that_lie_are_held_within_bounds(story in prop::collection::vec((any::<u32>(), 0_u32..1_100, 0_usize..1_500, 0_u64..60, 0_u8..4), 0..150)) {
        let begin = start();
        let mut buffer = JitterBuffer::new();
        let mut at = 0;
        for (timestamp, ticks, bytes, ms, kind) in story {
            at += ms;
            let now = begin + Duration::from_millis(at);
            let payload = vec![7; bytes];
            // Half of the timestamps are near each other.
            let timestamp = if kind & 1 == 0 { timestamp % 4_000 } else { timestamp };
            let view = Packet { marker: false, payload_type: 96, sequence: 0, timestamp, ssrc: 1, payload: &payload };
            if kind < 3 { buffer.put_whole(&view, if kind == 2 { 8_000 } else { 48_000 }, ticks, now); } else { buffer.put(&view, now); }
            let _ = buffer.take(now, Duration::ZERO);
            let _ = buffer.after_loss();
            prop_assert!(buffer.snapshot().waiting <= Duration::from_millis(500));
        }
    }
}

/// Its name, its packets, and its bounds.
type Trace = (&'static str, Vec<Sent>, (u64, u64, f64));

/// What networks do, and the most that may come of it: mean and 95th percentile of the delay in ms, share concealed in percent.
/// The figures are told: `cargo test -p rtp traces -- --nocapture`.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth telling")]
fn m6_delay_and_loss_on_the_traces_stay_in_bounds() {
    let seconds = |s: u64| s * 50;
    let uniform = |n: u64, span_us: u64| splitmix(n) % span_us;
    let drop = |packets: Vec<Sent>, lost: &dyn Fn(u64) -> bool| -> Vec<Sent> {
        (0..).zip(packets).filter(|(n, _)| !lost(*n)).map(|(_, packet)| packet).collect()
    };
    // All that is on the way waits: 10 packets arrive at once.
    let spike = |n: u64, every: u64, us: u64| us.saturating_sub((n % every) * 20_000);
    let normal_count = seconds(120);
    let mut traces: Vec<Trace> = vec![
        ("even", even(normal_count, 160, 0, |_| 0), (45, 50, 0.1)),
        ("5 % loss", drop(even(normal_count, 160, 0, |_| 0), &|n| splitmix(n) % 100 < 5), (60, 70, 7.0)),
        ("40 ± 15 ms", even(normal_count, 160, 0, |n| 25_000 + uniform(n, 30_000)), (80, 95, 1.5)),
        ("40 ± 15 ms, 5 % loss", drop(even(normal_count, 160, 0, |n| 25_000 + uniform(n, 30_000)), &|n| splitmix(n + 9_999) % 100 < 5), (90, 110, 7.5)),
        ("2 % out of order", even(normal_count, 160, 0, |n| if splitmix(n).is_multiple_of(50) { 30_000 } else { 0 }), (75, 90, 0.5)),
        ("200 ms spikes, every 10 s", even(normal_count, 160, 0, |n| spike(n, 500, 200_000)), (150, 260, 2.5)),
        ("200 ms spikes, every 60 s", even(normal_count, 160, 0, |n| spike(n, 3_000, 200_000)), (90, 240, 0.5)),
        ("drift +500 ppm", even(seconds(600), 160, 500, |n| uniform(n, 5_000)), (70, 80, 0.1)),
        ("drift -500 ppm", even(seconds(600), 160, -500, |n| uniform(n, 5_000)), (70, 80, 0.1)),
        ("bursts of 3 lost", drop(even(normal_count, 160, 0, |_| 0), &|n| n % 150 < 3), (70, 90, 3.5)),
        ("packets of 60 ms, jitter", even(normal_count / 3, 480, 0, |n| uniform(n, 20_000)), (90, 110, 1.0)),
    ];
    // Silence suppression: a second of speech, 400 ms without packets.
    traces.push(("pauses without packets", drop(even(normal_count, 160, 0, |n| uniform(n, 10_000)), &|n| n % 70 >= 50), (120, 230, 12.0)));
    // 20 ms, then 60, then 10.
    let mut changing = even(seconds(40), 160, 0, |_| 0);
    let (mut at_us, mut timestamp) = (40_000_000, changing.last().map_or(0, |last| last.timestamp.wrapping_add(160)));
    for bytes in [480_usize; 600].into_iter().chain([80; 4_000]) {
        changing.push(Sent { arrives_us: at_us + bytes as u64 * 125, timestamp, bytes });
        at_us += bytes as u64 * 125;
        timestamp = timestamp.wrapping_add(bytes as u32);
    }
    traces.push(("20, 60, 10 ms", changing, (110, 140, 1.0)));
    for (name, packets, (mean_most, late_most, concealed_most)) in traces {
        let turns = packets.last().map_or(0, |last| last.arrives_us / 20_000);
        let heard = run(packets, turns, true);
        let ((mean, late), concealed) = (heard.delay(), heard.concealed());
        let longest = heard.delays.iter().max().copied().unwrap_or(0);
        let snapshot = heard.snapshot;
        println!(
            "{name}: delay {mean} ms, 95 % under {late} ms, longest {longest} ms; {concealed:.2} % concealed; {} shortened, {} lengthened, {} waited, {} dropped, {} late",
            snapshot.shortened, snapshot.lengthened, snapshot.waited, snapshot.dropped, snapshot.late
        );
        assert!(mean <= mean_most && late <= late_most && concealed <= concealed_most, "{name}: {mean} {late} {concealed:.2}");
        assert!(longest <= 500 && heard.most_waiting <= JITTER_DEPTH, "{name}: {longest}");
    }
}

/// Steady packets to a listener who has too much over. Answers when a step is wished
/// in ten seconds, ms; only from `fits` on does the listener find something to leave out.
fn steps(fits: u64) -> Vec<u64> {
    let begin = start();
    let (mut buffer, mut wishes) = (JitterBuffer::new(), Vec::new());
    for turn in 0..500_u64 {
        let now = begin + Duration::from_millis(turn * 20);
        let view = Packet { marker: false, payload_type: 8, sequence: turn as u16, timestamp: turn as u32 * 160, ssrc: 1, payload: &[turn as u8; FRAME_BYTES] };
        buffer.put(&view, now);
        buffer.take(now + Duration::from_millis(7), Duration::ZERO);
        // The listener has a lot over.
        let wish = buffer.wish(now + Duration::from_millis(7), Duration::from_millis(60));
        if wish == (Wish::Shorter { hurry: false }) {
            wishes.push(turn * 20);
            buffer.stepped(if turn * 20 >= fits { wish } else { Wish::Keep }, now);
        }
    }
    wishes
}

#[test]
fn where_nothing_can_be_left_out_it_is_looked_for_ever_more_seldom() {
    let never = steps(u64::MAX);
    assert!((10..=18).contains(&never.len()), "{never:?}");
    assert!(never.windows(2).all(|pair| (100..=820).contains(&(pair[1] - pair[0]))), "{never:?}");
    // What can be left out is asked for each 100 ms, at once after the first that fits.
    let always = steps(0);
    assert!(always.windows(2).all(|pair| pair[1] - pair[0] <= 120), "{always:?}");
    let late = steps(5_000);
    assert!(late.iter().filter(|at| **at > 5_820).count() >= 30, "{late:?}");
}
