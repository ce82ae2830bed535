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
        self.sit_as(Guest::new(voice, host), codec, hz, dbfs)
    }

    fn sit_as(&mut self, guest: Guest, codec: Codec, hz: f32, dbfs: f32) -> usize {
        let id = self.room.enter(guest, codec);
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
        let (rate, heard) = (self.people[listener].codec.sample_rate() as usize, self.people[listener].heard.len());
        self.hears_in(listener, speaker, heard - rate..heard)
    }

    /// The steepest step between two samples of the last frames.
    fn steepest(&self, listener: usize, frames: usize) -> f32 {
        let listener = &self.people[listener];
        let samples = &listener.heard[listener.heard.len() - frames * listener.codec.frame_samples()..];
        samples.windows(2).map(|pair| i32::from(pair[1]).abs_diff(i32::from(pair[0]))).max().unwrap_or(0) as f32
    }

    /// The same over some of its samples.
    fn hears_in(&self, listener: usize, speaker: usize, samples: std::ops::Range<usize>) -> f32 {
        let listener = &self.people[listener];
        let rate = listener.codec.sample_rate() as usize;
        let samples = &listener.heard[samples];
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
    // It fades out, over in the second frame.
    table.run(52);
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

/// How loud one hears another, in decibels against what was said at `dbfs`.
fn heard_db(table: &Table, listener: usize, speaker: usize, dbfs: f32) -> f32 {
    20.0 * (table.hears(listener, speaker).max(0.01) / level(dbfs)).log10()
}

fn gain(db: i64) -> Gain {
    Gain::new(db).unwrap()
}

/// Within half a decibel; off is at least 55 dB below what would be heard at none.
#[track_caller]
fn assert_db(is: f32, right: i64) {
    let good = if right <= Gain::OFF.db() { is < -40.0 } else { (is - right as f32).abs() < 0.5 };
    assert!(good, "{is} dB in place of {right}");
}

#[test]
fn how_loud_one_hears_another_is_right_within_half_a_decibel_for_every_pair() {
    for count in [3, 10, 100_usize] {
        // So soft that no sum is bent: a hundred at −45 dB are −28 dB together, and the loudest moment 13 dB more.
        let (codec, dbfs) = if count == 100 { (Codec::Pcmu, -45.0) } else { (Codec::G722, -32.0) };
        let mut table = Table::new();
        for at in 0..count {
            // No multiples of one tone: the codec's noise would be, too, and lie on all of them.
            let person = table.sit(codec, Voice::Everyone, false, (300 + 30 * at + (at * 7) % 11) as f32, dbfs);
            // Nor do all begin at zero: a hundred sines would be a row of clicks, which a codec follows badly.
            let (hz, rate) = (f64::from(table.people[person].hz), f64::from(codec.sample_rate()));
            let phase = (at * at) as f64;
            let sine = |sample: usize| f64::from(level(dbfs)) * (std::f64::consts::TAU * hz * sample as f64 / rate + phase).sin();
            table.people[person].says.iter_mut().enumerate().for_each(|(sample, said)| *said = sine(sample).round() as i16);
        }
        let talk = |at: usize| [0, 3, -6, 2, -3][at % 5];
        let hear = |at: usize| [0, 0, -9, 4][at % 4];
        let pair = |listener: usize, speaker: usize| match (listener * 7 + speaker * 3) % 11 {
            0 => -5,
            1 => Gain::OFF.db(),
            2 => 5,
            _ => 0,
        };
        for at in 0..count {
            let id = table.people[at].id;
            table.room.set_talk(id, gain(talk(at)));
            table.room.set_hear(id, gain(hear(at)));
            for other in 0..count {
                let speaker = table.people[other].id;
                table.room.set_pair(id, speaker, gain(pair(at, other)));
            }
        }
        table.run(100);
        for listener in 0..count {
            for speaker in 0..count {
                let heard = heard_db(&table, listener, speaker, dbfs);
                if listener == speaker {
                    assert!(heard < -20.0, "{listener} of {count} hears himself with {heard} dB");
                    continue;
                }
                let (talk, hear, pair) = (talk(speaker), hear(listener), pair(listener, speaker));
                if pair == Gain::OFF.db() {
                    assert!(heard < -20.0, "{listener} of {count} hears {speaker}, who is off, with {heard} dB");
                    continue;
                }
                let right = ((talk + pair).min(Gain::MOST.db()) + hear) as f32;
                assert!((heard - right).abs() < 0.5, "{listener} of {count} hears {speaker} with {heard} dB, not {right}");
            }
        }
    }
}

#[test]
fn the_gain_of_a_pair_is_forgotten_when_one_of_them_leaves() {
    let mut table = Table::new();
    let listener = table.sit(Codec::Pcmu, Voice::Nobody, false, 500.0, -20.0);
    let speaker = table.sit(Codec::Pcmu, Voice::Everyone, false, 900.0, -20.0);
    let ids = [table.people[listener].id, table.people[speaker].id];
    table.room.set_pair(ids[0], ids[1], gain(-60));
    // Nobody hears himself, whatever is asked; and who is not there is not heard.
    table.room.set_pair(ids[0], ids[0], gain(12));
    table.room.set_pair(ids[0], PersonId(70), gain(12));
    table.run(50);
    assert_db(heard_db(&table, listener, speaker, -20.0), -60);
    table.room.leave(ids[1]);
    table.people.pop();
    let next = table.sit(Codec::Pcmu, Voice::Everyone, false, 900.0, -20.0);
    assert_eq!(table.people[next].id, ids[1], "the number is used again");
    table.run(50);
    assert_db(heard_db(&table, listener, next, -20.0), 0);
}

#[test]
fn a_change_of_any_gain_does_not_click_and_is_over_within_two_frames() {
    // Exactly what is sent, as samples: the codec is linear enough where its steps are counted in.
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut table = Table::new();
        let listener = table.sit(codec, Voice::Nobody, true, 500.0, -20.0);
        let speaker = table.sit(codec, Voice::Everyone, false, 250.0, -14.0);
        let coach = table.sit(codec, Voice::Hosts, false, 350.0, -90.0);
        let [listener_id, speaker_id, coach_id] = [listener, speaker, coach].map(|at| table.people[at].id);
        table.run(10);
        let steady = table.steepest(listener, 5);
        let change = |table: &mut Table, act: &dyn Fn(&mut Room), most: f32| {
            act(&mut table.room);
            table.run(4);
            let steepest = table.steepest(listener, 4);
            assert!(steepest < steady * most + 400.0, "{codec}: {steepest} where the sound itself has {steady} (in line {})", std::panic::Location::caller().line());
        };
        // The tone's own steps grow with its gain; the fade adds an eightieth of its peak to each.
        change(&mut table, &|room| room.set_talk(speaker_id, gain(-60)), 1.1);
        change(&mut table, &|room| room.set_talk(speaker_id, gain(0)), 1.1);
        change(&mut table, &|room| room.set_hear(listener_id, gain(-20)), 1.1);
        change(&mut table, &|room| room.set_hear(listener_id, gain(0)), 1.1);
        change(&mut table, &|room| room.set_pair(listener_id, speaker_id, gain(-60)), 1.1);
        change(&mut table, &|room| room.set_pair(listener_id, speaker_id, gain(6)), 2.1);
        change(&mut table, &|room| room.set_pair(listener_id, speaker_id, gain(0)), 2.1);
        change(&mut table, &|room| room.set_voice(speaker_id, Voice::Nobody), 1.1);
        change(&mut table, &|room| room.set_voice(speaker_id, Voice::Hosts), 1.1);
        change(&mut table, &|room| room.set_voice(speaker_id, Voice::Everyone), 1.1);
        change(&mut table, &|room| room.set_voice(coach_id, Voice::Everyone), 1.1);
        table.run(44);
        let end = table.people[listener].heard.len();
        let heard = table.hears_in(listener, speaker, end - codec.sample_rate() as usize * 4 / 5..end);
        assert_db(20.0 * (heard / level(-14.0)).log10(), 0);
    }
}

#[test]
fn while_a_coach_whispers_hosts_hear_the_others_softer_and_nobody_else_does() {
    let mut table = Table::new();
    let silent_host = table.sit(Codec::Pcmu, Voice::Nobody, true, 400.0, -20.0);
    let host = table.sit(Codec::Pcmu, Voice::Everyone, true, 500.0, -20.0);
    let guest = table.sit(Codec::Pcmu, Voice::Everyone, false, 700.0, -20.0);
    let coach = table.sit_as(Guest { duck: gain(-12), ..Guest::new(Voice::Hosts, false) }, Codec::Pcmu, 1_000.0, -20.0);
    table.people[coach].says.truncate(8_000);
    table.people[coach].says.resize(16_000, 0);
    table.run(50);
    for (listener, speaker, right) in [(host, guest, -12), (silent_host, guest, -12), (silent_host, host, -12), (host, coach, 0), (silent_host, coach, 0), (guest, host, 0), (coach, guest, 0), (guest, coach, -60)] {
        // The first 40 ms of his words are before he is known to speak.
        let heard = table.hears_in(listener, speaker, 3_200..8_000);
        assert_db(20.0 * (heard.max(0.01) / level(-20.0)).log10(), right);
    }
    // Half a second after his last word all is as before.
    table.run(35 + 15);
    for listener in [host, silent_host] {
        let end = table.people[listener].heard.len();
        let heard = table.hears_in(listener, guest, end - 1_600..end);
        assert_db(20.0 * (heard / level(-20.0)).log10(), 0);
    }
}

#[test]
fn everybody_as_loud_as_can_be_bends_and_does_not_wrap() {
    let mut table = Table::new();
    for at in 0..20 {
        let guest = Guest { talk: Gain::MOST, hear: Gain::MOST, ..Guest::new(Voice::Everyone, false) };
        table.sit_as(guest, Codec::Pcmu, 310.0 + 40.0 * at as f32, -1.0);
    }
    for (listener, speaker) in (0..20).flat_map(|one| (0..20).map(move |other| (one, other))) {
        let (listener, speaker) = (table.people[listener].id, table.people[speaker].id);
        table.room.set_pair(listener, speaker, Gain::MOST);
    }
    for _ in 0..100 {
        table.run(1);
        // A sum above full scale stays on its side of zero: the loudest sample is as the sum is, and not as what is left of its bits.
        for at in 0..160 {
            let sum: i64 = table.people[1..].iter().map(|person| i64::from(person.says[(table.frames - 1) * 160 + at])).sum();
            let heard = table.people[0].heard[(table.frames - 1) * 160 + at];
            assert!(sum.abs() < 40_000 || (i64::from(heard) * sum > 0 && heard.unsigned_abs() > 25_000), "{heard} where the sum is {sum}");
        }
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
