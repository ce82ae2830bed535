//! The promise that a tick allocates nothing (but in the one of some 250 that writes an RTCP report: its library builds
//! with boxes), and what a playing call weighs.

use audio::{Prompt, tone};
use media::{Guest, Mixer, Playlist, RecordSpec, Room, Source, StreamSetup, Voice, Wire};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, CryptoSuite, LegId, MasterKey, SrtpKeys};

/// Packets and reports sent.
struct Sink(usize, usize);

impl Wire for Sink {
    fn rtp(&mut self, _: LegId, _: SocketAddr, _: &[u8]) {
        self.0 += 1;
    }
    fn rtcp(&mut self, _: LegId, _: SocketAddr, _: &[u8]) {
        self.1 += 1;
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Instant {
    Instant::now()
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn packet(sequence: u16, ssrc: u8) -> [u8; 172] {
    let mut packet = [0x55; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ssrc]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet
}

/// Allocations of a tick; those of a report are bounded here and not counted.
fn tick(mixer: &mut Mixer, now: Instant, sink: &mut Sink) -> u64 {
    let reports = sink.1;
    let counted = allocation_counter::measure(|| {
        mixer.tick(now, sink);
        assert!(mixer.poll_timeout().is_some());
    });
    assert!(counted.count_total <= 8 * (sink.1 - reports) as u64, "{} allocations", counted.count_total);
    if sink.1 == reports { counted.count_total } else { 0 }
}

fn prompt() -> std::sync::Arc<Prompt> {
    Prompt::shared("tone", &tone::sine(440.0, Duration::from_secs(1), -10.0))
}

#[test]
fn a_playing_tick_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::G722), now);
    mixer.play(LegId(0), Playlist::looped(prompt()), now);
    mixer.tick(now, &mut sink);
    let allocated: u64 = (0..500).map(|frame| tick(&mut mixer, now + Duration::from_millis(20 * frame), &mut sink)).sum();
    assert_eq!((allocated, sink.0), (0, 500));
    assert!((1..=4).contains(&sink.1), "{} reports in 10 s", sink.1);
}

#[test]
fn a_relayed_packet_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::Pcmu), now);
    mixer.set_stream(LegId(1), StreamSetup::new(address(5_000), Codec::Pcma), now);
    mixer.bridge(LegId(0), LegId(1), now);
    mixer.handle_rtp(LegId(0), address(4_000), &packet(0, 9), now, &mut sink);
    let counted = allocation_counter::measure(|| {
        for frame in 1..=200_u16 {
            mixer.handle_rtp(LegId(0), address(4_000), &packet(frame, 9), now + Duration::from_millis(20) * u32::from(frame), &mut sink);
        }
    });
    assert_eq!((counted.count_total, sink.0), (0, 201));
}

#[test]
fn a_protected_relay_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    let keys = |suite, byte: u8| Some(SrtpKeys { suite, send: MasterKey::new([byte; 30]), receive: MasterKey::new([byte + 1; 30]) });
    let mut setup = StreamSetup::new(address(4_000), Codec::Pcmu);
    setup.crypto = keys(CryptoSuite::AesCm128HmacSha1_80, 1);
    mixer.set_stream(LegId(0), setup, now);
    let mut setup = StreamSetup::new(address(5_000), Codec::Pcma);
    setup.crypto = keys(CryptoSuite::AesCm128HmacSha1_32, 3);
    mixer.set_stream(LegId(1), setup, now);
    mixer.bridge(LegId(0), LegId(1), now);
    let mut phone = rtp::srtp::Outgoing::new(CryptoSuite::AesCm128HmacSha1_80, &MasterKey::new([2; 30]));
    let mut said = |frame| {
        let mut bytes = [0; 172 + 14];
        bytes[..172].copy_from_slice(&packet(frame, 9));
        let length = phone.protect(&mut bytes, 172);
        (bytes, length)
    };
    let (bytes, length) = said(0);
    mixer.handle_rtp(LegId(0), address(4_000), &bytes[..length], now, &mut sink);
    let counted = allocation_counter::measure(|| {
        for frame in 1..=200_u16 {
            let (bytes, length) = said(frame);
            mixer.handle_rtp(LegId(0), address(4_000), &bytes[..length], now + Duration::from_millis(20) * u32::from(frame), &mut sink);
        }
    });
    assert_eq!((counted.count_total, sink.0), (0, 201));
}

#[test]
fn a_transcoding_and_recording_tick_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::Pcmu), now);
    mixer.set_stream(LegId(1), StreamSetup::new(address(5_000), Codec::G722), now);
    mixer.bridge(LegId(0), LegId(1), now);
    mixer.record(Source::mix(LegId(0), LegId(1)), RecordSpec::default(), now);
    let (mut ticks, mut recorded) = (0, 0);
    for frame in 0..200_u16 {
        let now = now + Duration::from_millis(20) * u32::from(frame);
        mixer.handle_rtp(LegId(0), address(4_000), &packet(frame, 9), now, &mut sink);
        ticks += tick(&mut mixer, now, &mut sink);
        while let Some(event) = mixer.poll_event() {
            recorded += usize::from(matches!(event, media::Event::Recorded { .. }));
        }
    }
    assert_eq!(ticks, 0);
    assert!(recorded >= 7 && sink.0 > 180, "{recorded} chunks, {} packets", sink.0);
}

#[test]
fn listening_for_tones_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    let mut setup = StreamSetup::new(address(4_000), Codec::Pcmu);
    setup.events_receive.clear();
    mixer.set_stream(LegId(0), setup, now);
    let key = tone::dtmf(terms::Digit::from_event(5).unwrap());
    let (frames, mut keys) = (key.frames(Codec::Pcmu), 0);
    let counted = allocation_counter::measure(|| {
        for (at, sound) in (0..200_u16).zip(frames.chunks_exact(160).cycle()) {
            // Some lost, some in the wrong order.
            let at = if at % 7 == 3 { at + 1 } else { at };
            let mut bytes = packet(at, 9);
            bytes[12..].copy_from_slice(sound);
            mixer.handle_rtp(LegId(0), address(4_000), &bytes, now + Duration::from_millis(20) * u32::from(at), &mut sink);
            while let Some(event) = mixer.poll_event() {
                keys += usize::from(matches!(event, media::Event::Digit { .. }));
            }
        }
    });
    assert_eq!(counted.count_total, 0);
    assert!(keys >= 20, "{keys} keys");
}

#[test]
fn a_playing_call_is_small() {
    let now = start();
    let shared = prompt();
    shared.prepare(Codec::Pcmu);
    // Made once a process.
    let _ = audio::silence(Codec::Pcmu, 20);
    let mut kept = None;
    let counted = allocation_counter::measure(|| {
        let mut mixer = Mixer::new(1);
        mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::Pcmu), now);
        mixer.play(LegId(0), Playlist::looped(shared.clone()), now);
        mixer.tick(now, &mut Sink(0, 0));
        kept = Some(mixer);
    });
    let whole = size_of::<Mixer>() as i64 + counted.bytes_current;
    assert!(whole <= 3_000, "a playing call is {whole} bytes: {} and {} on the heap", size_of::<Mixer>(), counted.bytes_current);
}

#[test]
fn a_tick_of_a_room_allocates_nothing() {
    let now = start();
    let (mut room, mut sink) = (Room::new(), Sink(0, 0));
    let codecs = [Codec::Pcmu, Codec::G722, Codec::Pcma];
    let mut people: Vec<(Mixer, media::PersonId)> = (0..9)
        .map(|at| {
            let mut mixer = Mixer::new(at as u64);
            mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), codecs[at % 3]), now);
            mixer.go_outside(LegId(0), now);
            (mixer, room.enter(Guest { duck: terms::Gain::new(-10).unwrap(), ..Guest::new(Voice::Everyone, at == 0) }, codecs[at % 3]))
        })
        .collect();
    room.play(prompt());
    let mut allocated = 0;
    for frame in 0..200_u16 {
        let now = now + Duration::from_millis(20) * u32::from(frame);
        for (at, (mixer, _)) in people.iter_mut().enumerate() {
            let mut bytes = packet(frame, 9);
            bytes[1] = codecs[at % 3].payload_type();
            mixer.handle_rtp(LegId(0), address(4_000), &bytes, now, &mut sink);
        }
        if frame % 9 == 0 {
            // Gains that change, pairs too, and a coach: orders come between ticks.
            let (one, other) = (people[usize::from(frame) % 7].1, people[usize::from(frame) % 5 + 1].1);
            let gain = |db| terms::Gain::new(db).unwrap();
            room.set_talk(one, gain(i64::from(frame % 70) - 60));
            room.set_hear(other, gain(6 - i64::from(frame % 20)));
            room.set_pair(one, other, gain(i64::from(frame % 13)));
            room.set_voice(people[8].1, if frame % 2 == 0 { Voice::Hosts } else { Voice::Everyone });
        }
        let counted = allocation_counter::measure(|| {
            for (mixer, person) in &mut people {
                let heard = mixer.hear_outside(now, now, &mut sink);
                room.hear(*person, heard);
            }
            room.blend();
            for (mixer, person) in &mut people {
                let payload = room.frame_for(*person);
                mixer.say_outside(payload, now, now, &mut sink);
            }
        });
        // The first frame of a codec of another rate makes its resampler.
        allocated += if frame < 5 { 0 } else { counted.count_total };
    }
    assert_eq!((allocated, sink.0), (0, 9 * 200));
}

#[test]
fn a_tick_with_opus_allocates_nothing() {
    let (mut mixer, now, mut sink) = (Mixer::new(1), start(), Sink(0, 0));
    let mut setup = StreamSetup::new(address(4_000), Codec::Opus);
    setup.send_ms = 60;
    mixer.set_stream(LegId(0), setup, now);
    mixer.set_stream(LegId(1), StreamSetup::new(address(5_000), Codec::Pcmu), now);
    mixer.bridge(LegId(0), LegId(1), now);
    mixer.record(Source::mix(LegId(0), LegId(1)), RecordSpec::default(), now);
    let silence = audio::silence(Codec::Opus, 20).0;
    let mut ticks = 0;
    for frame in 0..200_u16 {
        let now = now + Duration::from_millis(20) * u32::from(frame);
        let mut opus = packet(frame, 7)[..12].to_vec();
        opus[1] = 96;
        opus[4..8].copy_from_slice(&(u32::from(frame) * 960).to_be_bytes());
        opus.extend_from_slice(silence);
        // A tenth is lost: concealed and restored without allocating.
        if frame % 10 != 9 {
            mixer.handle_rtp(LegId(0), address(4_000), &opus, now, &mut sink);
        }
        mixer.handle_rtp(LegId(1), address(5_000), &packet(frame, 9), now, &mut sink);
        ticks += tick(&mut mixer, now, &mut sink);
        while mixer.poll_event().is_some() {}
    }
    mixer.play(LegId(0), Playlist::looped(prompt()), now + Duration::from_secs(4));
    for frame in 200..400 {
        ticks += tick(&mut mixer, now + Duration::from_millis(20 * frame), &mut sink);
        while mixer.poll_event().is_some() {}
    }
    assert_eq!(ticks, 0);
    assert!(sink.0 > 300, "{} packets", sink.0);
}
