//! M7: each key once. Event packets are written `digit@timestamp+duration`, with `!` for the end bit and `M` for the marker.

use super::*;
use crate::packet::Packet;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use terms::Digit;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

/// Feeds a story, 20 ms from packet to packet (a number in brackets waits that many ms first); tells `+digit` and `-digit:ms`.
fn hear(story: &str) -> String {
    let mut receiver = Receiver::new();
    let mut now = start();
    let mut told = Vec::new();
    let tell = |key: Key| match key {
        Key::Pressed(digit) => format!("+{digit}"),
        Key::Released { digit, held } => format!("-{digit}:{}", held.as_millis()),
    };
    for word in story.split_whitespace() {
        if let Some(ms) = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')) {
            now += Duration::from_millis(ms.parse().unwrap());
            told.extend(receiver.handle_timeout(now).map(tell));
            continue;
        }
        let (digit, rest) = word.split_at(1);
        let code = digit.chars().next().map(|c| if c == 'x' { 16 } else { Digit::try_from(c).unwrap().event() }).unwrap();
        let (timestamp, rest) = rest[1..].split_once('+').unwrap();
        let duration: u16 = rest.trim_end_matches(['!', 'M']).parse().unwrap();
        let [high, low] = duration.to_be_bytes();
        let payload = [code, if rest.contains('!') { 0x8a } else { 0x0a }, high, low];
        let packet = Packet {
            marker: rest.contains('M'),
            payload_type: 101,
            sequence: 0,
            timestamp: timestamp.parse().unwrap(),
            ssrc: 1,
            payload: &payload,
        };
        told.extend(receiver.handle(&packet, now).into_iter().map(tell));
        now += Duration::from_millis(20);
    }
    told.join(" ")
}

#[test]
fn m7_each_key_once() {
    let stories = [
        ("plain", "5@1000+160M 5@1000+320 5@1000+480! 5@1000+480! 5@1000+480!", "+5 -5:60"),
        ("start lost", "5@1000+320 5@1000+480!", "+5 -5:60"),
        ("only an end packet left", "5@1000+480! 5@1000+480!", "+5 -5:60"),
        ("end lost, next key follows", "5@1000+160M 5@1000+320 6@2000+160M 6@2000+320!", "+5 -5:40 +6 -6:40"),
        ("end lost, nothing follows", "5@1000+160M 5@1000+320 (150) 5@1000+480! 5@1000+480!", "+5 -5:60"),
        ("end lost, silence", "5@1000+160M 5@1000+320 (200)", "+5 -5:40"),
        ("end after the silence is no second press", "5@1000+160M (250) 5@1000+800!", "+5 -5:20"),
        ("same key twice quickly", "5@1000+160M 5@1000+320! 5@1800+160M 5@1800+320!", "+5 -5:40 +5 -5:40"),
        ("same key 1 ms apart", "5@1000+8! 5@1010+8! 5@1020+8!", "+5 -5:1 +5 -5:1 +5 -5:1"),
        ("late end of the key before", "5@1000+160M 6@2000+160M 5@1000+320! 6@2000+320!", "+5 -5:20 +6 -6:40"),
        ("reordered within a key", "5@1000+480 5@1000+160M 5@1000+320 5@1000+640!", "+5 -5:80"),
        ("overlapping keys", "1@1000+160M 2@1100+160M 1@1000+320 2@1100+320! 1@1000+480!", "+1 -1:20 +2 -2:40"),
        ("timestamp wraps", "7@4294967290+160M 7@4294967290+320! 8@200+160M 8@200+160!", "+7 -7:40 +8 -8:20"),
        ("no key", "x@1000+160M x@1000+320! 3@2000+160!", "+3 -3:20"),
        ("duration 65,535 and on", "9@1000+160M 9@1000+65535 9@66535+160 9@66535+800!", "+9 -9:8291"),
        ("segment's last packet lost", "9@1000+160M 9@1000+65000 9@66535+160 9@66535+800!", "+9 -9:8291"),
        ("a sender that renews its timestamp", "4@1000+160M 4@1160+160 4@1320+160 4@1480+160!", "+4 -4:80"),
        ("clock set back after a while", "4@90000+160M 4@90000+320! (2500) 4@500+160M 4@500+320!", "+4 -4:40 +4 -4:40"),
        ("star, hash and letters", "*@1+8! #@99+8! D@999+8!", "+* -*:1 +# -#:1 +D -D:1"),
    ];
    for (what, story, expected) in stories {
        assert_eq!(hear(story), expected, "{what}: {story}");
    }
}

#[test]
fn a_new_source_begins_anew() {
    let now = start();
    let mut receiver = Receiver::new();
    let packet = |ssrc, payload| Packet { marker: true, payload_type: 101, sequence: 0, timestamp: 9, ssrc, payload };
    receiver.handle(&packet(1, &[5, 10, 0, 160]), now);
    let told = receiver.handle(&packet(2, &[5, 0x8a, 0, 160]), now);
    let five = Digit::from_event(5).unwrap();
    assert_eq!(told.as_slice(), [Key::Released { digit: five, held: Duration::from_millis(20) }, Key::Pressed(five)]);
    assert_eq!(receiver.poll_timeout(), Some(now + Duration::from_millis(200)), "its own release follows by the clock");
}

/// Tick, marker, timestamp since the first, event, end, duration.
type Row = (usize, bool, u32, u8, bool, u16);

/// Presses `digits` and gives each tick's packet, and how many ticks it took.
fn press(digits: &str) -> (Vec<Row>, usize) {
    let now = start();
    let mut stream = crate::Sender::new(3);
    let begin = stream.timestamp();
    let mut keys = Sender::new();
    for digit in digits.chars() {
        assert!(keys.press(Digit::try_from(digit).unwrap()));
    }
    let mut rows = Vec::new();
    let mut into = [0; 64];
    for tick in 0.. {
        match keys.tick(&mut stream, 101, now, &mut into) {
            Step::Packet(length) => {
                let packet = Packet::parse(&into[..length]).unwrap();
                let p = packet.payload;
                let duration = u16::from_be_bytes([p[2], p[3]]);
                rows.push((tick, packet.marker, packet.timestamp.wrapping_sub(begin), p[0], p[1] & 0x80 != 0, duration));
            }
            Step::Pause => stream.skip(160),
            Step::Done => return (rows, tick),
        }
    }
    unreachable!("the row ends")
}

#[test]
fn two_keys_last_100_ms_each_with_60_ms_between() {
    let (rows, ticks) = press("1#");
    let expected = |tick: usize, at: u32, event| {
        [
            (tick, true, at, event, false, 160),
            (tick + 1, false, at, event, false, 320),
            (tick + 2, false, at, event, false, 480),
            (tick + 3, false, at, event, false, 640),
            (tick + 4, false, at, event, true, 800),
            (tick + 5, false, at, event, true, 800),
            (tick + 6, false, at, event, true, 800),
        ]
    };
    let both: Vec<_> = expected(0, 0, 1).into_iter().chain(expected(8, 1_280, 11)).collect();
    assert_eq!(rows, both);
    assert_eq!(ticks, 16);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What we press, we hear, once each and in order, with any packets lost but one of each key, and any doubled.
    #[test]
    fn m7_what_is_pressed_is_heard_once_whatever_is_lost(digits in "[0-9*#A-D]{1,12}", fate in prop::collection::vec(0_u8..3, 200)) {
        let (rows, _) = press(&digits);
        let now = start();
        let mut receiver = Receiver::new();
        let mut heard = String::new();
        let mut survivors = fate.into_iter().cycle();
        for key in rows.chunk_by(|a, b| a.2 == b.2) {
            let mut copies: Vec<u8> = key.iter().map(|_| survivors.next().unwrap_or(1)).collect();
            if copies.iter().all(|n| *n == 0) {
                copies[0] = 1;
            }
            for (row, copies) in key.iter().zip(copies) {
                let [high, low] = row.5.to_be_bytes();
                let payload = [row.3, u8::from(row.4) << 7, high, low];
                let packet = Packet { marker: row.1, payload_type: 101, sequence: 0, timestamp: row.2, ssrc: 1, payload: &payload };
                for _ in 0..copies {
                    for key in receiver.handle(&packet, now + Duration::from_millis(20) * row.0 as u32) {
                        if let Key::Pressed(digit) = key {
                            heard.push(digit.as_char());
                        }
                    }
                }
            }
        }
        prop_assert_eq!(heard, digits);
    }

    #[test]
    fn m7_any_bytes_are_heard_without_panic(packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..8), any::<u32>(), 0_u32..2, any::<bool>(), 0_u64..5_000), 0..100)) {
        let begin = start();
        let mut receiver = Receiver::new();
        for (payload, timestamp, ssrc, marker, ms) in packets {
            let now = begin + Duration::from_millis(ms);
            let packet = Packet { marker, payload_type: 101, sequence: 0, timestamp, ssrc, payload: &payload };
            receiver.handle(&packet, now);
            receiver.handle_timeout(now);
        }
    }
}
