//! Keys by every way, alone and across a bridge.

use super::*;
use terms::{Dtmf, KeyWay};

fn digit(key: char) -> Digit {
    Digit::try_from(key).unwrap()
}

/// A stream without telephone events.
fn plain(leg: LegId, codec: Codec, dtmf: Dtmf) -> StreamSetup {
    let mut setup = StreamSetup::new(address(leg), codec);
    setup.events_send = None;
    setup.events_receive.clear();
    setup.dtmf = dtmf;
    setup
}

/// 100 ms of each key's tone between silences, as the packets of a phone.
fn tones(codec: Codec, keys: &str) -> Vec<Vec<u8>> {
    let mut samples = vec![0; 3_200];
    for key in keys.chars() {
        samples.extend_from_slice(&tone::dtmf(digit(key)).sound().samples);
    }
    samples.resize(samples.len() + 3_200, 0);
    let pcm = resample(&Pcm { rate: 16_000, samples }, codec.sample_rate());
    let mut encoder = Encoder::new(codec);
    (0..)
        .zip(pcm.samples.chunks_exact(codec.frame_samples()))
        .map(|(at, frame): (u16, _)| {
            let mut payload = [0; 400];
            let length = encoder.encode(frame, &mut payload);
            packet(codec.payload_type(), at, u32::from(at) * (codec.clock_rate() / 50), 7, &payload[..length])
        })
        .collect()
}

/// Gives packets their numbers as they are sent.
#[derive(Default)]
struct Numbers(u16);

impl Numbers {
    fn send(&mut self, desk: &mut Desk, packet: &[u8]) {
        let mut packet = packet.to_vec();
        packet[2..4].copy_from_slice(&self.0.to_be_bytes());
        self.0 += 1;
        desk.rtp(A, address(A), &packet);
    }
}

/// The keys told, each with its way: `5e` by event, `5i` by INFO, `5t` by tone.
fn told(desk: &Desk) -> String {
    let way_of = |way| match way {
        KeyWay::Event => 'e',
        KeyWay::Info => 'i',
        KeyWay::Tone => 't',
    };
    let keys = desk.events.iter().filter_map(|(_, event)| {
        if let Event::Digit { digit, way, .. } = event { Some([digit.as_char(), way_of(*way)]) } else { None }
    });
    keys.flatten().collect()
}

fn dropped(desk: &Desk) -> Vec<(KeyWay, Dropped)> {
    let keys = desk.events.iter().filter_map(|(_, event)| if let Event::DigitDropped { way, why, .. } = event { Some((*way, *why)) } else { None });
    keys.collect()
}

#[test]
fn tones_are_listened_for_where_no_events_were_agreed() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        for (dtmf, with_events, heard) in [
            (Dtmf::Auto, false, true),
            (Dtmf::Auto, true, false),
            (Dtmf::Inband, false, true),
            (Dtmf::Inband, true, true),
            (Dtmf::Rfc4733, false, false),
            (Dtmf::Info, false, false),
        ] {
            let mut setup = plain(A, codec, dtmf);
            if with_events {
                setup = StreamSetup { dtmf, ..StreamSetup::new(address(A), codec) };
            }
            let mut desk = Desk::new();
            desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
            for packet in tones(codec, "15*") {
                desk.rtp(A, address(A), &packet);
                desk.run(20);
            }
            assert_eq!(told(&desk), if heard { "1t5t*t" } else { "" }, "{codec} {dtmf:?} {with_events}");
        }
    }
}

/// RELIABILITY M7: tone, event and INFO of each key at once, in every order and with delays: each key once.
#[test]
fn m7_a_key_by_event_info_and_tone_at_once_is_one() {
    for (event_ms, info_ms) in [(0, 0), (0, 120), (60, 0), (200, 40), (0, 550), (100, 500), (40, 20)] {
        let mut desk = Desk::new();
        desk.act(|mixer, now, _| mixer.set_stream(A, StreamSetup { dtmf: Dtmf::Inband, ..StreamSetup::new(address(A), Codec::Pcmu) }, now));
        let keys = "7700#";
        // Each key's tone begins 200 ms + 160 ms · n after the first packet.
        let sound = tones(Codec::Pcmu, keys);
        let mut numbers = Numbers::default();
        for ms in 0..2_000_u64 {
            if ms % 20 == 0
                && let Some(packet) = sound.get(ms as usize / 20)
            {
                numbers.send(&mut desk, packet);
            }
            for (at, key) in keys.chars().enumerate() {
                let begin = 200 + 160 * at as u64;
                // Events beside the sound, the first packet and two of the ends lost, told again and again.
                for (after, duration, end) in [(20, 320, false), (40, 480, false), (40, 480, false), (100, 800, true)] {
                    if ms == begin + event_ms + after {
                        numbers.send(&mut desk, &super::key(key, 0, begin as u32 * 8, duration, end));
                    }
                }
                if ms == begin + info_ms {
                    desk.act(|mixer, now, _| mixer.inject(A, digit(key), now));
                }
            }
            desk.run(1);
        }
        let plain: String = told(&desk).chars().step_by(2).collect();
        assert_eq!(plain, keys, "event after {event_ms}, INFO after {info_ms}: {}", told(&desk));
        let known = dropped(&desk);
        assert_eq!(known.len(), 2 * keys.len(), "{known:?}");
        assert!(known.iter().all(|(way, why)| matches!(why, Dropped::SameAs(first) if first != way)), "{known:?}");
    }
}

#[test]
fn m7_ways_that_are_not_believed_are_told_as_such() {
    let mut desk = Desk::new();
    desk.act(|mixer, now, _| mixer.set_stream(A, StreamSetup { dtmf: Dtmf::Rfc4733, ..StreamSetup::new(address(A), Codec::Pcmu) }, now));
    desk.act(|mixer, now, _| mixer.inject(A, digit('1'), now));
    desk.rtp(A, address(A), &key('2', 1, 8_000, 160, false));
    assert_eq!((told(&desk).as_str(), dropped(&desk)), ("2e", vec![(KeyWay::Info, Dropped::NotBelieved)]));
}

/// A phone that sends its tone in the sound below its events: the far side gets the events, and of the sound what no receiver
/// takes for a key.
#[test]
fn m7_a_tone_under_an_event_is_passed_on_once() {
    for far in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let mut desk = Desk::with(&[Codec::Pcmu, far]);
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        let mut numbers = Numbers::default();
        for (at, sound) in tones(Codec::Pcmu, "5").iter().enumerate() {
            numbers.send(&mut desk, sound);
            // The tone is in packets 10 to 14; so are the events, and their ends follow.
            if (10..17).contains(&at) {
                let duration = 160 * (at as u16 - 9).min(5);
                numbers.send(&mut desk, &key('5', 0, 1_600, duration, at >= 14));
            }
            desk.run(20);
        }
        desk.run(200);
        assert_eq!(told(&desk), "5e");
        let events: Vec<u8> = desk.to(B).iter().filter(|out| out.payload_type == 101).map(|out| out.payload[0]).collect();
        assert_eq!(events, [5; 7], "{far}");
        let (mut decoder, mut detector, mut keys) = (Decoder::new(far), audio::KeyDetector::new(), 0);
        for out in desk.to(B).iter().filter(|out| out.payload_type == far.payload_type()) {
            let mut sound = [0; 320];
            let count = decoder.decode(&out.payload, &mut sound);
            let count_key = |tone| keys += usize::from(matches!(tone, audio::Tone::Pressed(_)));
            if far.sample_rate() == 8_000 { detector.hear(&sound[..count], count_key) } else { detector.hear_wide(&sound[..count], count_key) }
        }
        assert_eq!(keys, 0, "{far}: the tone went on beside the events");
        assert!(desk.to(B).len() > 25, "{far}: the rest of the sound goes on");
    }
}

/// A tone that is sent on as an event is not heard as well: the room above presses the key, the mixer keeps the tone back.
#[test]
fn m7_a_tone_retold_as_an_event_is_kept_back() {
    let mut desk = Desk::new();
    desk.act(|mixer, now, _| mixer.set_stream(A, plain(A, Codec::Pcmu, Dtmf::Auto), now));
    desk.act(|mixer, now, _| mixer.set_stream(B, StreamSetup::new(address(B), Codec::Pcmu), now));
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    assert_eq!((desk.mixer.peer_of(A), desk.mixer.key_way(A), desk.mixer.key_way(B)), (Some(B), Some(KeyWay::Tone), Some(KeyWay::Event)));
    let mut passed = 0;
    for sound in tones(Codec::Pcmu, "59") {
        desk.rtp(A, address(A), &sound);
        let new: Vec<Digit> = desk.events[passed..].iter().filter_map(|(_, event)| if let Event::Digit { digit, .. } = event { Some(*digit) } else { None }).collect();
        passed = desk.events.len();
        if !new.is_empty() {
            desk.act(|mixer, now, _| mixer.send_digits(B, &new, now));
        }
        desk.run(20);
    }
    desk.run(400);
    assert_eq!(told(&desk), "5t9t");
    let mut codes: Vec<u8> = desk.to(B).iter().filter(|out| out.payload_type == 101).map(|out| out.payload[0]).collect();
    codes.dedup();
    assert_eq!(codes, [5, 9]);
    let (mut decoder, mut detector, mut keys) = (Decoder::new(Codec::Pcmu), audio::KeyDetector::new(), 0);
    for out in desk.to(B).iter().filter(|out| out.payload_type == 0) {
        let mut sound = [0; 160];
        let count = decoder.decode(&out.payload, &mut sound);
        detector.hear(&sound[..count], |tone| keys += usize::from(matches!(tone, audio::Tone::Pressed(_))));
    }
    // What of a tone is over before it may be a key, at most 25 ms, is gone already.
    assert_eq!(keys, 0);
    let loud = desk.to(B).iter().filter(|out| out.payload_type == 0 && out.payload.iter().any(|byte| *byte & 0x70 < 0x30)).count();
    assert!(loud <= 4, "{loud} packets of tone of ten");
}

/// Milliseconds of sound that is louder than any noise of a silent line, 10 ms at a time.
fn loud_ms(samples: &[i16]) -> usize {
    10 * samples.chunks_exact(80).filter(|part| part.iter().any(|sample| sample.unsigned_abs() > 100)).count()
}

/// A phone's way of pressing 5 for 100 ms: by events, or as a tone, or by events with the tone below, which begins 20 ms before them.
fn five(ways: &[KeyWay], at: usize, numbers: &mut Numbers, desk: &mut Desk, sound: &[Vec<u8>]) {
    let (by_event, by_tone) = (ways.contains(&KeyWay::Event), ways.contains(&KeyWay::Tone));
    if by_tone || !(10..15).contains(&at) {
        numbers.send(desk, &sound[at]);
    }
    if by_event && (11..18).contains(&at) {
        numbers.send(desk, &key('5', 0, 1_760, 160 * (at as u16 - 10).min(4), at >= 15));
    }
}

/// Keys pressed in a room of many are for the room: nobody hears more of their tones than 20 ms, with soft edges.
#[test]
fn a_key_pressed_in_a_room_of_many_is_not_heard_there() {
    for ways in [&[KeyWay::Event][..], &[KeyWay::Tone], &[KeyWay::Event, KeyWay::Tone]] {
        let mut desk = Desk::new();
        let setup = StreamSetup { dtmf: if ways.contains(&KeyWay::Event) { Dtmf::Auto } else { Dtmf::Inband }, ..StreamSetup::new(address(A), Codec::Pcmu) };
        desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
        desk.act(|mixer, now, _| mixer.go_outside(A, now));
        let (sound, mut numbers, mut heard) = (tones(Codec::Pcmu, "5"), Numbers::default(), Vec::new());
        for at in 0..sound.len() {
            five(ways, at, &mut numbers, &mut desk, &sound);
            desk.run(7);
            desk.act(|mixer, now, wire| heard.extend(mixer.hear_outside(now, now, wire).map_or_else(|| vec![0; 160], |(_, frame)| frame.to_vec())));
            desk.run(13);
        }
        assert_eq!(told(&desk), if ways.contains(&KeyWay::Event) { "5e" } else { "5t" });
        let loud = loud_ms(&heard);
        assert!(loud <= 20, "{ways:?}: {loud} ms of the tone are heard");
    }
}

/// RELIABILITY L2: a PIN is complete while its last key is still down; a recording of the call hears nothing of that key.
#[test]
fn l2_a_recording_hears_nothing_of_a_secret_key_that_is_still_down() {
    for ways in [&[KeyWay::Tone][..], &[KeyWay::Event, KeyWay::Tone]] {
        let mut desk = Desk::new();
        let setup = StreamSetup { dtmf: if ways.contains(&KeyWay::Event) { Dtmf::Auto } else { Dtmf::Inband }, ..StreamSetup::new(address(A), Codec::Pcmu) };
        desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
        let id = desk.record(Source::leg(A), RecordSpec::default());
        desk.act(|mixer, now, _| mixer.set_taking(id, Taking::Silence, now));
        let (sound, mut numbers) = (tones(Codec::Pcmu, "5"), Numbers::default());
        let mut is_known = false;
        for at in 0..sound.len() {
            five(ways, at, &mut numbers, &mut desk, &sound);
            if !is_known && !told(&desk).is_empty() {
                is_known = true;
                desk.act(|mixer, now, _| mixer.set_taking(id, Taking::All, now));
            }
            desk.run(20);
        }
        // What is said afterwards is heard again.
        for at in 0..10 {
            numbers.send(&mut desk, &packet(0, 0, (sound.len() as u32 + at) * 160, 7, &[0x90; 160]));
            desk.run(20);
        }
        desk.act(|mixer, now, _| mixer.stop_recording(id, now));
        let recorded = desk.recording();
        let (during, after) = recorded.split_at(recorded.len() - 1_280);
        assert_eq!(loud_ms(during), 0, "{ways:?}");
        assert!(loud_ms(after) > 50, "{ways:?}");
    }
}
