//! What strangers and broken peers do to media (RELIABILITY part A, M1, M2, M6).

use super::*;

const SPRAYER: &str = "203.0.113.66:6666";

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// What a third host sends: as loud as can be, with the true SSRC as often as not, keys, and reports of four bytes.
fn spray(desk: &mut Desk, chance: &mut Chance, sequence: u16) {
    let sprayer: SocketAddr = SPRAYER.parse().unwrap();
    let ssrc = if chance.below(2) == 0 { 7 } else { chance.below(1 << 32) as u32 };
    let timestamp = u32::from(sequence) * 160 + chance.below(400) as u32;
    // 0x00 is the loudest of µ-law; nobody else says it.
    desk.rtp(A, sprayer, &packet(0, sequence, timestamp, ssrc, &[0; 160]));
    let [high, low] = timestamp.to_be_bytes()[2..] else { unreachable!("two bytes") };
    desk.rtp(A, sprayer, &packet(101, sequence, timestamp, ssrc, &[9, 0x8a, high, low]));
    desk.rtp(A, sprayer, &[0x80, 200, 0, 0]);
    desk.act(|mixer, now, wire| mixer.handle_rtcp(A, sprayer, &[0x80, 201, 0, 0], now, wire));
}

/// RELIABILITY X4: a thousand calls, each sprayed at from before its answer to its end: nothing goes to the sprayer, and not a
/// sample or key of its is taken.
#[test]
fn m1_a_thousand_calls_sprayed_before_at_and_after_the_answer_and_on_hold() {
    let sprayer: SocketAddr = SPRAYER.parse().unwrap();
    for seed in 0..1_000_u64 {
        let mut chance = Chance(seed);
        let mut desk = Desk::new();
        // Before the answer there is nobody to speak for.
        spray(&mut desk, &mut chance, 1);
        desk.run(chance.below(40));
        // A phone at its signalled address, one whose router gave it another port, one that is silent.
        let (named, real) = (address(A), SocketAddr::new(address(A).ip(), 61_000 + chance.below(1_000) as u16));
        let peer = [Some(named), Some(real), None][chance.below(3) as usize];
        let symmetric = if peer == Some(real) || chance.below(2) == 0 { Symmetric::SameHost } else { Symmetric::BehindNat };
        let setup = StreamSetup { symmetric, ..StreamSetup::new(named, Codec::Pcmu) };
        desk.act(|mixer, now, _| mixer.set_stream(A, setup.clone(), now));
        desk.act(|mixer, now, _| mixer.set_stream(B, StreamSetup::new(address(B), Codec::Pcmu), now));
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        desk.record(Source::leg(A), RecordSpec::default());
        let (hold, resume) = (20 + chance.below(20), 50 + chance.below(10));
        for turn in 0..75_u64 {
            if turn == hold || turn == resume {
                let direction = if turn == hold { Direction::RecvOnly } else { Direction::SendRecv };
                let setup = StreamSetup { direction, ..setup.clone() };
                desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
            }
            // Three in a row and more, at times before the peer's own.
            for n in 0..chance.below(4) {
                spray(&mut desk, &mut chance, (turn * 4 + n) as u16);
            }
            let speaks = !(hold..resume).contains(&turn) && turn >= chance.below(6);
            if let Some(peer) = peer.filter(|_| speaks) {
                desk.rtp(A, peer, &packet(0, turn as u16, turn as u32 * 160, 7, &[0x55; 160]));
            }
            desk.run(20);
        }
        desk.play(A, Playlist::once(prompt(60, 440.0)));
        desk.run(100);
        assert!(desk.out.iter().all(|out| out.to != sprayer), "seed {seed}: a packet went to the sprayer");
        assert!(desk.to(B).iter().all(|out| !out.payload.contains(&0) || out.payload_type != 0), "seed {seed}: the far side hears the sprayer");
        assert!(desk.recording().iter().all(|sample| *sample > -20_000), "seed {seed}: the sprayer is recorded");
        let keys = desk.told(|event| matches!(event, Event::Digit { .. } | Event::DigitDropped { .. }));
        assert!(keys.is_empty(), "seed {seed}: keys at {keys:?}");
        assert!(desk.events.iter().all(|(_, event)| !matches!(event, Event::Latched { to, .. } if *to == sprayer)), "seed {seed}");
        if let Some(peer) = peer {
            assert_eq!(desk.mixer.snapshot(A).unwrap().remote, Some(peer), "seed {seed}: the true peer is reached");
        }
    }
}

/// The plain part of M2: ten thousand packets from the peer's own address that are none, of unknown types, or old ones again.
#[test]
fn m2_ten_thousand_broken_and_repeated_packets_are_counted_and_the_call_goes_on() {
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcmu]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    desk.record(Source::leg(A), RecordSpec::default());
    let mut chance = Chance(5);
    let true_ones = speech(Codec::Pcmu, 500.0, 200);
    for (at, sound) in true_ones.iter().enumerate() {
        desk.rtp(A, address(A), sound);
        for _ in 0..50 {
            // Older ones than a hundred back would begin the row anew (RFC 3550 A.1).
            let mut bad = true_ones[at - chance.below(at.min(90) as u64 + 1) as usize].clone();
            match chance.below(5) {
                0 => bad[0] = chance.below(128) as u8,
                1 => bad.truncate(chance.below(12) as usize),
                2 => bad[1] = 50 + chance.below(14) as u8,
                3 => bad[0] |= 0x20 | 0x10,
                // As it was: a replay.
                _ => {}
            }
            desk.rtp(A, address(A), &bad);
        }
        desk.run(20);
    }
    desk.run(200);
    let quality = desk.mixer.snapshot(A).unwrap();
    assert!((6_500..9_500).contains(&quality.refused.total()), "{quality:?}");
    let samples = desk.recording();
    let pure = share(&Pcm { rate: 8_000, samples: samples[4_000..28_000].to_vec() }, 500.0);
    assert!(pure > 0.98, "the recording is what was said, once: {pure}");
    assert!(desk.told(|event| matches!(event, Event::Silent { .. })).is_empty());
}

/// Every packet marked, numbers and timestamps that wrap, lengths that change, another law in between: the recording is as long as the
/// clock says, and the sound is in it.
#[test]
fn m6_marks_wraps_and_changes_of_length_and_law_leave_the_sound() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let setup = StreamSetup { receive: [(0, Codec::Pcmu), (8, Codec::Pcma)].into_iter().collect(), ..StreamSetup::new(address(A), Codec::Pcmu) };
    desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
    let id = desk.record(Source::leg(A), RecordSpec::default());
    let pcm = resample(&tone::sine(400.0, Duration::from_secs(24), -10.0), 8_000);
    let (mut at, mut sequence) = (0_usize, 65_500_u16);
    while at < pcm.samples.len() {
        let second = at / 8_000;
        // 20, 10, 60, 200 and 1 ms, six seconds of the laws in turn.
        let length = [160, 80, 480, 1_600 - 128, 8][second % 5].min(pcm.samples.len() - at);
        let (payload_type, codec) = if second / 3 % 2 == 0 { (0, Codec::Pcmu) } else { (8, Codec::Pcma) };
        let mut payload = vec![0; length];
        Encoder::new(codec).encode(&pcm.samples[at..at + length], &mut payload);
        desk.run((length / 8) as u64);
        let timestamp = 0_u32.wrapping_sub(100_000).wrapping_add(at as u32);
        desk.rtp(A, address(A), &packet(0x80 | payload_type, sequence, timestamp, 7, &payload));
        at += length;
        sequence = sequence.wrapping_add(1);
    }
    let wall = desk.ms();
    desk.act(|mixer, now, _| mixer.stop_recording(id, now));
    let samples = desk.recording();
    assert!(wall.abs_diff(samples.len() as u64 / 8) <= 60, "{} ms of {wall}", samples.len() / 8);
    let loud = samples.chunks(160).filter(|frame| audio::level::dbfs(frame) > -20.0).count();
    assert!(loud * 20 >= 22_000, "{} ms of sound in 24 s", loud * 20);
}

/// A key that lasts for ever, keys that overlap, events that are none, a millisecond apart.
#[test]
fn m7_events_that_overlap_last_for_ever_or_are_none() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let mut sequence = 0_u16;
    let mut send = |desk: &mut Desk, timestamp: u32, payload: [u8; 4]| {
        sequence += 1;
        desk.rtp(A, address(A), &packet(101, sequence, timestamp, 7, &payload));
        desk.run(1);
    };
    // 5 for 65,535 units and on; 7 begins before 5 ends; events over 15; five keys a millisecond apart.
    for step in 0..30_u32 {
        send(&mut desk, 1_000, [5, 10, (step * 2_000 / 256) as u8, 0]);
    }
    send(&mut desk, 1_000, [5, 10, 0xff, 0xff]);
    send(&mut desk, 1_000 + 0xffff, [5, 10, 1, 0]);
    send(&mut desk, 100_000, [7, 10, 0, 160]);
    send(&mut desk, 1_000 + 0xffff, [5, 0x8a, 2, 0]);
    send(&mut desk, 100_000, [7, 0x8a, 3, 0]);
    for event in [16, 36, 64, 255] {
        send(&mut desk, 110_000 + u32::from(event), [event, 0x8a, 3, 0]);
    }
    for (at, key) in (0..).zip([1, 1, 2, 3, 3]) {
        send(&mut desk, 120_000 + at * 8, [key, 0x8a, 0, 8]);
    }
    desk.run(500);
    let keys: String = desk.events.iter().filter_map(|(_, event)| if let Event::Digit { digit, .. } = event { Some(digit.as_char()) } else { None }).collect();
    assert_eq!(keys, "5711233");
}
