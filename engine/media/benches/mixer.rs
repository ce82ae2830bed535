//! What a packet costs in the mixer, without the socket: `cargo bench -p media`. Each figure is for 1,000 packets.

use audio::{Prompt, tone};
use divan::{Bencher, black_box};
use media::{Guest, Mixer, Playlist, Room, StreamSetup, Voice, Wire};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, Gain, LegId};

fn main() {
    divan::main();
}

struct Sink(u64);

impl Wire for Sink {
    fn rtp(&mut self, _: LegId, _: SocketAddr, packet: &[u8]) {
        self.0 += u64::from(*black_box(packet).last().unwrap_or(&0));
    }
    fn rtcp(&mut self, _: LegId, _: SocketAddr, packet: &[u8]) {
        black_box(packet);
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Instant {
    Instant::now()
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn packet(sequence: u16) -> [u8; 172] {
    let mut packet = [0x55; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet
}

#[divan::bench]
fn a_thousand_playing_ticks(bencher: Bencher) {
    let (mut mixer, mut now, mut sink) = (Mixer::new(1), start(), Sink(0));
    mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::Pcmu), now);
    mixer.play(LegId(0), Playlist::looped(Prompt::shared("tone", &tone::sine(440.0, Duration::from_secs(5), -10.0))), now);
    bencher.bench_local(|| {
        for _ in 0..1_000 {
            mixer.tick(now, &mut sink);
            black_box(mixer.poll_timeout());
            while mixer.poll_event().is_some() {}
            now += Duration::from_millis(20);
        }
    });
}

fn bridge(bencher: Bencher, far: Codec) {
    let (mut mixer, mut now, mut sink, mut sequence) = (Mixer::new(1), start(), Sink(0), 0_u16);
    mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), Codec::Pcmu), now);
    mixer.set_stream(LegId(1), StreamSetup::new(address(5_000), far), now);
    mixer.bridge(LegId(0), LegId(1), now);
    bencher.bench_local(|| {
        for _ in 0..1_000 {
            mixer.handle_rtp(LegId(0), address(4_000), &packet(sequence), now, &mut sink);
            if mixer.poll_timeout().is_some_and(|due| due <= now) {
                mixer.tick(now, &mut sink);
            }
            while mixer.poll_event().is_some() {}
            sequence = sequence.wrapping_add(1);
            now += Duration::from_millis(20);
        }
    });
}

#[divan::bench]
fn a_thousand_relayed_packets(bencher: Bencher) {
    bridge(bencher, Codec::Pcmu);
}

#[divan::bench]
fn a_thousand_translated_packets(bencher: Bencher) {
    bridge(bencher, Codec::Pcma);
}

#[divan::bench]
fn a_thousand_transcoded_frames(bencher: Bencher) {
    bridge(bencher, Codec::G722);
}

/// One tick of a conference, sockets apart: everybody is decoded; `speakers` of them speak, the others are silent.
fn conference(bencher: Bencher, people: u16, speakers: u16, codec: Codec, hear: Gain) {
    let (mut room, mut now, mut sink, mut sequence) = (Room::new(), start(), Sink(0), 0_u16);
    let mut calls: Vec<_> = (0..people)
        .map(|at| {
            let mut mixer = Mixer::new(u64::from(at));
            mixer.set_stream(LegId(0), StreamSetup::new(address(4_000), codec), now);
            mixer.go_outside(LegId(0), now);
            let voice = if at < speakers { Voice::Everyone } else { Voice::Nobody };
            (mixer, room.enter(Guest { hear, ..Guest::new(voice, false) }, codec))
        })
        .collect();
    bencher.bench_local(|| {
        let mut bytes = packet(sequence);
        bytes[1] = codec.payload_type();
        for (mixer, person) in &mut calls {
            mixer.handle_rtp(LegId(0), address(4_000), &bytes, now, &mut sink);
            let heard = mixer.hear_outside(now, now, &mut sink);
            room.hear(*person, heard);
        }
        room.blend();
        for (mixer, person) in &mut calls {
            let payload = room.frame_for(*person);
            mixer.say_outside(payload, now, now, &mut sink);
        }
        sequence = sequence.wrapping_add(1);
        now += Duration::from_millis(20);
    });
}

#[divan::bench]
fn a_tick_of_100_who_all_speak_pcmu(bencher: Bencher) {
    conference(bencher, 100, 100, Codec::Pcmu, Gain::NONE);
}

#[divan::bench]
fn a_tick_of_100_of_whom_3_speak_pcmu(bencher: Bencher) {
    conference(bencher, 100, 3, Codec::Pcmu, Gain::NONE);
}

#[divan::bench]
fn a_tick_of_100_who_all_speak_g722(bencher: Bencher) {
    conference(bencher, 100, 100, Codec::G722, Gain::NONE);
}

#[divan::bench]
fn a_tick_of_100_of_whom_3_speak_g722(bencher: Bencher) {
    conference(bencher, 100, 3, Codec::G722, Gain::NONE);
}

#[divan::bench]
fn a_tick_of_100_who_all_speak_and_hear_at_gains_of_their_own_pcmu(bencher: Bencher) {
    conference(bencher, 100, 100, Codec::Pcmu, Gain::NONE.louder(-6));
}
