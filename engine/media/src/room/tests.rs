//! Who hears whom in a room, measured: each person speaks a tone of his own.

use super::*;
use audio::{Decoder, tone};
use std::time::Duration;

#[test]
fn sums_bend_and_never_wrap() {
    for (sum, wanted) in [(0, 0), (KNEE, 23_170), (-KNEE, -23_170)] {
        assert_eq!(i32::from(bend(sum)), wanted, "{sum}");
    }
    assert_eq!((bend(3_276_700), bend(-3_276_700)), (32_738, -32_738));
    let row: Vec<i16> = (0..200_000).step_by(500).map(bend).collect();
    assert!(row.is_sorted(), "louder never becomes softer");
}

/// Somebody with a tone of his own, and all that he has heard.
struct Speaker {
    id: PersonId,
    codec: Codec,
    hz: f32,
    says: Vec<i16>,
    decoder: Decoder,
    heard: Vec<i16>,
    frame: Vec<u8>,
}

struct Table {
    room: Room,
    people: Vec<Speaker>,
    frames: usize,
}

impl Table {
    fn new() -> Self {
        Self { room: Room::new(), people: Vec::new(), frames: 0 }
    }

    /// Comes in and speaks a tone for two seconds at this level.
    fn sit(&mut self, codec: Codec, voice: Voice, host: bool, hz: f32, dbfs: f32) -> usize {
        let id = self.room.enter(voice, host, codec);
        let sound = audio::resample(&tone::sine(hz, Duration::from_secs(2), dbfs), codec.sample_rate());
        let decoder = Decoder::new(codec);
        self.people.push(Speaker { id, codec, hz, says: sound.samples, decoder, heard: Vec::new(), frame: Vec::new() });
        self.people.len() - 1
    }

    fn run(&mut self, frames: usize) {
        for _ in 0..frames {
            for person in &self.people {
                let count = person.codec.frame_samples();
                let frame = person.says.get(self.frames * count..(self.frames + 1) * count);
                self.room.hear(person.id, frame.map(|frame| (person.codec.sample_rate(), frame)));
            }
            self.room.blend();
            for person in &mut self.people {
                person.frame.clear();
                person.frame.extend_from_slice(self.room.frame_for(person.id));
                let mut samples = vec![0; person.codec.frame_samples()];
                let count = person.decoder.decode(&person.frame, &mut samples);
                person.heard.extend_from_slice(&samples[..count]);
            }
            self.frames += 1;
        }
    }

    /// How loud one hears another, in sample units (the amplitude of the sine), over the last second.
    fn hears(&self, listener: usize, speaker: usize) -> f32 {
        let listener = &self.people[listener];
        let rate = listener.codec.sample_rate() as usize;
        let samples = &listener.heard[listener.heard.len() - rate..];
        // Goertzel's recurrence: a sine and a cosine for each sample would take seconds for a hundred people.
        let twice_cos = 2.0 * (std::f64::consts::TAU * f64::from(self.people[speaker].hz) / rate as f64).cos();
        let (last, before) = samples.iter().fold((0.0, 0.0), |(last, before), sample| (f64::from(*sample) + twice_cos * last - before, last));
        let power = last * last + before * before - twice_cos * last * before;
        (2.0 * power.max(0.0).sqrt() / samples.len() as f64) as f32
    }
}

/// What a tone of that level should be heard with: 0 dB is a sine of full scale.
fn level(dbfs: f32) -> f32 {
    10_f32.powf(dbfs / 20.0) * 32_767.0
}

fn everybody_hears_all_but_himself(count: usize, dbfs: f32, codec_of: impl Fn(usize) -> Codec) {
    let mut table = Table::new();
    for at in 0..count {
        table.sit(codec_of(at), Voice::Everyone, false, 300.0 + 30.0 * at as f32, dbfs);
    }
    table.run(100);
    let right = level(dbfs);
    for listener in 0..count {
        for speaker in 0..count {
            let heard = table.hears(listener, speaker);
            let good = if listener == speaker { heard < right * 0.1 } else { (0.9..1.1).contains(&(heard / right)) };
            assert!(good, "{listener} hears {speaker} with {heard}, which was said with {right}");
        }
    }
}

#[test]
fn three_people_of_three_codecs() {
    everybody_hears_all_but_himself(3, -20.0, |at| Codec::ALL[at % Codec::ALL.len()]);
}

#[test]
fn a_hundred_people() {
    everybody_hears_all_but_himself(100, -45.0, |_| Codec::Pcmu);
}

#[test]
fn listeners_are_not_heard_and_a_coach_by_hosts_alone() {
    let mut table = Table::new();
    let host = table.sit(Codec::Pcma, Voice::Everyone, true, 400.0, -20.0);
    let guest = table.sit(Codec::Pcmu, Voice::Everyone, false, 700.0, -20.0);
    let coach = table.sit(Codec::Pcmu, Voice::Hosts, false, 1_000.0, -20.0);
    let listener = table.sit(Codec::Pcma, Voice::Nobody, false, 1_300.0, -20.0);
    table.run(100);
    let hears = |who, whom| table.hears(who, whom) > level(-20.0) * 0.5;
    let matrix = [host, guest, coach, listener].map(|who| [host, guest, coach, listener].map(|whom| hears(who, whom)));
    assert_eq!(matrix, [[false, true, true, false], [true, false, false, false], [true, true, false, false], [true, true, false, false]]);
}

#[test]
fn who_is_muted_is_heard_no_more_and_silent_people_share_one_frame() {
    let mut table = Table::new();
    let speaker = table.sit(Codec::Pcmu, Voice::Everyone, false, 500.0, -15.0);
    let other = table.sit(Codec::Pcmu, Voice::Nobody, false, 900.0, -15.0);
    let third = table.sit(Codec::Pcmu, Voice::Nobody, false, 1_200.0, -15.0);
    table.run(50);
    assert!(table.hears(other, speaker) > level(-15.0) * 0.8);
    assert_eq!(table.people[other].frame, table.people[third].frame);
    let id = table.people[speaker].id;
    table.room.set_voice(id, Voice::Nobody);
    table.run(50);
    assert!(table.hears(other, speaker) < 20.0, "{}", table.hears(other, speaker));
}

#[test]
fn everybody_at_once_and_loud_does_not_crackle() {
    let mut table = Table::new();
    for at in 0..10 {
        table.sit(Codec::Pcmu, Voice::Everyone, false, 410.0 + 70.0 * at as f32, -6.0);
    }
    table.run(100);
    let heard = &table.people[0].heard[8_000..];
    let steepest = heard.windows(2).map(|pair| i32::from(pair[1]).abs_diff(i32::from(pair[0]))).max().unwrap();
    assert!(steepest < 60_000, "a wrap would jump by the whole scale: {steepest}");
    assert!(heard.iter().any(|sample| sample.unsigned_abs() > 20_000));
}

#[test]
fn a_sound_of_the_room_is_heard_by_all_once() {
    let mut table = Table::new();
    let a = table.sit(Codec::Pcmu, Voice::Nobody, false, 500.0, -15.0);
    let b = table.sit(Codec::G722, Voice::Nobody, false, 1_000.0, -15.0);
    table.room.play(tone::beep());
    table.run(100);
    for person in [a, b] {
        let person = &table.people[person];
        let loud = person.heard.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
        let seconds = loud as f32 / person.codec.sample_rate() as f32;
        assert!((0.05..1.0).contains(&seconds), "{seconds} s of beep");
    }
}

/// Sends nothing, keeps payloads.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl crate::Wire for Kept {
    fn rtp(&mut self, _: terms::LegId, _: std::net::SocketAddr, packet: &[u8]) {
        self.0.push(packet[12..].to_vec());
    }
    fn rtcp(&mut self, _: terms::LegId, _: std::net::SocketAddr, _: &[u8]) {}
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn two_of_like_codecs_get_each_others_packets_undecoded() {
    use crate::{Mixer, Passing, StreamSetup};
    use terms::LegId;
    let (now, far) = (std::time::Instant::now(), std::net::SocketAddr::from(([10, 0, 0, 1], 4_000)));
    let packet = |payload_type: u8, sequence: u8| {
        let mut bytes = vec![0x80, payload_type, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 9];
        bytes.extend([sequence; 160]);
        bytes
    };
    for (from, to, passed) in [(Codec::Pcmu, Codec::Pcmu, true), (Codec::Pcmu, Codec::G722, false)] {
        let mut mixers = [from, to].map(|codec| {
            let mut mixer = Mixer::new(1);
            mixer.set_stream(LegId(0), StreamSetup::new(far, codec), now);
            mixer.go_outside(LegId(0), now);
            mixer
        });
        let listener = mixers[1].outside_listener();
        assert_eq!(listener.map(|listener| (listener.codec, listener.records)), Some((to, false)));
        mixers[0].set_outside_listener(listener, now);
        let (mut wire, mut passing) = (Kept::default(), Passing::default());
        mixers[0].handle_rtp(LegId(0), far, &packet(from.payload_type(), 1), now, &mut wire);
        assert_eq!(mixers[0].passes_undecoded(), passed);
        assert_eq!(mixers[0].poll_passing(&mut passing), passed);
        if passed {
            mixers[1].take_passing(&passing, now, &mut wire);
            assert_eq!(wire.0, [vec![1; 160]]);
        }
        // A third one comes: from now on everybody is decoded.
        mixers[0].set_outside_listener(None, now);
        mixers[0].handle_rtp(LegId(0), far, &packet(from.payload_type(), 2), now, &mut wire);
        assert!(!mixers[0].poll_passing(&mut passing) && !mixers[0].passes_undecoded());
    }
}
