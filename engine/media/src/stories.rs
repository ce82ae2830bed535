//! Stories of whole calls in virtual time: what goes in, what is heard, and when.

use crate::*;
use audio::{Decoder, Encoder, Pcm, Prompt, resample, tone};
use rtp::Packet;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{Codec, Digit, Direction, LegId};

mod attacks;
mod codecs;
mod delay;
mod protection;
mod keys;
mod quality;
mod whole;

const A: LegId = LegId(0);
const B: LegId = LegId(1);

#[derive(Default)]
struct Sent(Vec<(LegId, SocketAddr, Vec<u8>)>, usize);

impl Wire for Sent {
    fn rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.0.push((leg, to, packet.to_vec()));
    }
    fn rtcp(&mut self, _: LegId, _: SocketAddr, _: &[u8]) {
        self.1 += 1;
    }
}

/// One packet that left the mixer.
#[derive(Clone, Debug, PartialEq)]
struct Out {
    ms: u64,
    leg: LegId,
    to: SocketAddr,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

struct Desk {
    mixer: Mixer,
    start: Instant,
    now: Instant,
    out: Vec<Out>,
    events: Vec<(u64, Event)>,
    reports: usize,
}

impl Desk {
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn new() -> Self {
        let now = Instant::now();
        Self { mixer: Mixer::new(42), start: now, now, out: Vec::new(), events: Vec::new(), reports: 0 }
    }
    fn with(codecs: &[Codec]) -> Self {
        let mut desk = Self::new();
        for (leg, codec) in codecs.iter().enumerate() {
            desk.mixer.set_stream(LegId(leg as u16), StreamSetup::new(address(LegId(leg as u16)), *codec), desk.now);
        }
        desk
    }
    fn ms(&self) -> u64 {
        (self.now - self.start).as_millis() as u64
    }
    fn act(&mut self, action: impl FnOnce(&mut Mixer, Instant, &mut dyn Wire)) {
        let mut sent = Sent::default();
        action(&mut self.mixer, self.now, &mut sent);
        for _ in 0..100 {
            while let Some(event) = self.mixer.poll_event() {
                self.events.push((self.ms(), event));
            }
            if self.mixer.poll_timeout().is_none_or(|due| due > self.now) {
                break;
            }
            self.mixer.tick(self.now, &mut sent);
        }
        assert!(self.mixer.poll_timeout().is_none_or(|due| due > self.now), "the mixer never rests");
        self.reports += sent.1;
        let ms = self.ms();
        self.out.extend(sent.0.into_iter().map(|(leg, to, bytes)| {
            let packet = Packet::parse(&bytes).unwrap();
            Out {
                ms,
                leg,
                to,
                marker: packet.marker,
                payload_type: packet.payload_type,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                payload: packet.payload.to_vec(),
            }
        }));
    }
    fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(due) = self.mixer.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.act(|_, _, _| {});
        }
        self.now = end;
    }
    fn play(&mut self, leg: LegId, playlist: Playlist) -> PlayerId {
        let mut id = None;
        self.act(|mixer, now, _| id = Some(mixer.play(leg, playlist, now)));
        id.unwrap()
    }
    fn record(&mut self, source: Source, spec: RecordSpec) -> RecorderId {
        let mut id = None;
        self.act(|mixer, now, _| id = Some(mixer.record(source, spec, now)));
        id.unwrap()
    }
    fn rtp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8]) {
        self.act(|mixer, now, wire| mixer.handle_rtp(leg, from, packet, now, wire));
    }
    fn to(&self, leg: LegId) -> Vec<&Out> {
        self.out.iter().filter(|out| out.leg == leg).collect()
    }
    fn told(&self, is: impl Fn(&Event) -> bool) -> Vec<u64> {
        self.events.iter().filter(|(_, event)| is(event)).map(|(ms, _)| *ms).collect()
    }
    /// What was recorded until now.
    fn recording(&mut self) -> Vec<i16> {
        self.act(|mixer, now, _| mixer.catch_up(now));
        // With what waits for its piece to be full.
        let ms = self.ms();
        let waiting = self.mixer.recorders.iter_mut().filter_map(|recorder| Some((ms, Event::Recorded { id: recorder.id, samples: recorder.fetch()? })));
        self.events.extend(waiting);
        self.events
            .iter()
            .filter_map(|(_, event)| if let Event::Recorded { samples, .. } = event { Some(samples.clone()) } else { None })
            .flatten()
            .collect()
    }
}

fn address(leg: LegId) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4_000 + leg.0 * 1_000))
}

fn packet(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn key(digit: char, sequence: u16, timestamp: u32, duration: u16, end: bool) -> Vec<u8> {
    let event = Digit::try_from(digit).unwrap().event();
    let [high, low] = duration.to_be_bytes();
    packet(101, sequence, timestamp, 7, &[event, if end { 0x8a } else { 0x0a }, high, low])
}

fn prompt(ms: u64, hertz: f32) -> Arc<Prompt> {
    Prompt::shared("tone", &tone::sine(hertz, Duration::from_millis(ms), -10.0))
}

/// A tone as the packets of a phone.
fn speech(codec: Codec, hertz: f32, frames: u16) -> Vec<Vec<u8>> {
    let pcm = resample(&tone::sine(hertz, Duration::from_millis(20 * u64::from(frames)), -10.0), codec.sample_rate());
    let mut encoder = Encoder::new(codec);
    (0..)
        .zip(pcm.samples.chunks(codec.frame_samples()))
        .map(|(at, frame): (u16, _)| {
            let mut payload = [0; 400];
            let length = encoder.encode(frame, &mut payload);
            packet(codec.payload_type(), at, u32::from(at) * (codec.clock_rate() / 50), 7, &payload[..length])
        })
        .collect()
}

/// Share of all power that lies at `hertz`.
fn share(pcm: &Pcm, hertz: f32) -> f64 {
    let coefficient = 2.0 * f64::cos(std::f64::consts::TAU * f64::from(hertz) / f64::from(pcm.rate));
    let (mut before, mut last, mut all) = (0.0, 0.0, 1.0);
    for sample in &pcm.samples {
        (before, last) = (last, f64::from(*sample) + coefficient * last - before);
        all += f64::from(*sample).powi(2);
    }
    (before * before + last * last - coefficient * before * last) * 2.0 / (all * pcm.samples.len() as f64)
}

#[test]
fn a_prompt_leaves_at_once_and_every_20_ms() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    desk.run(7);
    let tone = prompt(100, 440.0);
    let id = desk.play(A, Playlist::once(tone.clone()));
    assert_eq!(desk.out.len(), 1, "the first packet does not wait");
    desk.run(300);
    assert_eq!(desk.out.iter().map(|out| out.ms).collect::<Vec<_>>(), [7, 27, 47, 67, 87]);
    assert!(desk.out[0].marker && desk.out[1..].iter().all(|out| !out.marker));
    assert_eq!(desk.out.iter().flat_map(|out| out.payload.clone()).collect::<Vec<_>>(), tone.frames(Codec::Pcmu));
    for pair in desk.out.windows(2) {
        assert_eq!((pair[1].sequence, pair[1].timestamp), (pair[0].sequence + 1, pair[0].timestamp.wrapping_add(160)));
    }
    assert_eq!(desk.events, [(107, Event::PlayerDone { id, leg: A, end: PlayerEnd::Finished })]);
}

#[test]
fn a_digit_stops_it_and_the_next_prompt_starts_at_once() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let first = desk.play(A, Playlist::once(prompt(2_000, 440.0)));
    desk.run(1_007);
    desk.rtp(A, address(A), &key('2', 1, 8_000, 160, false));
    assert_eq!(desk.told(|event| matches!(event, Event::Digit { leg: A, .. })), [1_007]);
    desk.act(|mixer, now, _| mixer.stop(first, now));
    desk.play(A, Playlist::once(prompt(200, 880.0)));
    let (last, new) = (desk.out[desk.out.len() - 2].clone(), desk.out[desk.out.len() - 1].clone());
    assert_eq!((last.ms, new.ms, new.marker), (1_000, 1_007, true));
    assert_eq!(new.timestamp, last.timestamp.wrapping_add(160), "sound never overlaps");
    desk.run(30);
    assert_eq!(desk.out.last().unwrap().ms, 1_027, "the grid has moved with it");
    // A press every 5 ms: timestamps run ahead of the clock by two frames at most.
    for _ in 0..50 {
        desk.play(A, Playlist::once(prompt(200, 880.0)));
        desk.run(5);
    }
    let (first, last) = (&desk.out[0], desk.out.last().unwrap());
    let ahead = i64::from(last.timestamp.wrapping_sub(first.timestamp)) / 8 - (last.ms - first.ms) as i64;
    assert!((0..=40).contains(&ahead), "{ahead} ms ahead");
}

#[test]
fn pauses_are_in_the_timestamps_and_an_idle_stream_keeps_the_way_open() {
    let mut desk = Desk::with(&[Codec::Pcma]);
    desk.play(A, Playlist::once(prompt(40, 440.0)));
    desk.run(500);
    desk.play(A, Playlist::once(prompt(40, 440.0)));
    desk.run(3_000);
    let times: Vec<_> = desk.out.iter().map(|out| out.ms).collect();
    assert_eq!(times, [0, 20, 500, 520, 1_520, 2_520]);
    for out in &desk.out {
        assert_eq!(u64::from(out.timestamp.wrapping_sub(desk.out[0].timestamp)), out.ms * 8);
    }
    assert!(desk.out[2].marker && desk.out[4].payload == [0xd5; 160]);
}

#[test]
fn a_loop_never_gaps_and_a_late_tick_catches_up_three() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let id = desk.play(A, Playlist::looped(prompt(100, 440.0)));
    desk.run(5_000);
    assert!(desk.out.windows(2).all(|pair| pair[1].ms - pair[0].ms == 20));
    let before = desk.out.len();
    desk.now += Duration::from_millis(205);
    desk.act(|_, _, _| {});
    assert_eq!(desk.out.len() - before, 3);
    desk.run(100);
    let last = desk.out.last().unwrap();
    let elapsed = u64::from(last.timestamp.wrapping_sub(desk.out[0].timestamp)) / 8;
    assert_eq!(elapsed, last.ms, "timestamps tell the truth after the gap");
    assert_eq!(desk.mixer.snapshot(A).unwrap().late_ticks, 1);
    desk.act(|mixer, now, _| mixer.stop(id, now));
    assert_eq!(desk.told(|event| matches!(event, Event::PlayerDone { end: PlayerEnd::Stopped, .. })).len(), 1);
}

#[test]
fn on_hold_nothing_is_sent_and_the_prompt_still_ends() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    desk.play(A, Playlist::once(prompt(1_000, 440.0)));
    desk.run(100);
    let sent = desk.out.len();
    let mut held = StreamSetup::new(address(A), Codec::Pcmu);
    held.direction = Direction::RecvOnly;
    desk.act(|mixer, now, _| mixer.set_stream(A, held, now));
    desk.run(3_000);
    assert_eq!(desk.out.len(), sent);
    assert_eq!(desk.told(|event| matches!(event, Event::PlayerDone { end: PlayerEnd::Finished, .. })).len(), 1);
    desk.act(|mixer, now, _| mixer.set_stream(A, StreamSetup::new(address(A), Codec::Pcma), now));
    desk.play(A, Playlist::once(prompt(20, 440.0)));
    desk.run(10);
    // A keep-alive at once, because the way was unused for so long, then the prompt: one stream across re-INVITEs.
    let numbers: Vec<_> = desk.out[sent - 1..].iter().map(|out| (out.payload_type, out.sequence)).collect();
    let last = numbers[0].1;
    assert_eq!(numbers, [(0, last), (8, last + 1), (8, last + 2)]);
}

#[test]
fn a_relay_keeps_order_time_and_spurts_and_a_player_takes_its_place() {
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcmu]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    let say = |desk: &mut Desk, sequence: u16, timestamp: u32, fill: u8| {
        desk.rtp(A, address(A), &packet(0, sequence, timestamp, 7, &[fill; 160]));
    };
    for at in 0..5_u16 {
        say(&mut desk, 65_533_u16.wrapping_add(at), 1_000 + 160 * u32::from(at), at as u8);
        desk.run(20);
    }
    // Silence of 400 ms, then another spurt; then hold music for B.
    desk.run(400);
    say(&mut desk, 2, 1_000 + 160 * 25, 9);
    let out: Vec<_> = desk.to(B).into_iter().cloned().collect();
    assert_eq!(out.iter().map(|out| out.payload[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 9]);
    assert_eq!(out.iter().map(|one| one.sequence.wrapping_sub(out[0].sequence)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(out[5].timestamp.wrapping_sub(out[0].timestamp), 160 * 25);
    assert_eq!(out[5].ms, 500, "sent when read");
    let music = desk.play(B, Playlist::looped(prompt(100, 440.0)));
    say(&mut desk, 3, 1_000 + 160 * 26, 10);
    desk.run(100);
    desk.act(|mixer, now, _| mixer.stop(music, now));
    say(&mut desk, 4, 1_000 + 160 * 32, 11);
    let out = desk.to(B);
    assert!(!out.iter().any(|out| out.payload == [10; 160]), "not heard while music plays");
    assert_eq!(out.last().unwrap().payload, [11; 160]);
    for pair in out.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 8_000);
    }
    assert!(desk.to(A).iter().all(|out| out.payload == [0xff; 160]), "B never spoke: only keep-alives to A");
    desk.act(|mixer, now, _| mixer.unbridge(B, now));
    say(&mut desk, 5, 1_000 + 160 * 33, 12);
    assert!(desk.to(B).iter().all(|out| out.payload != [12; 160]));
}

#[test]
fn unlike_codecs_hear_each_other() {
    for (from, to) in [(Codec::Pcmu, Codec::G722), (Codec::G722, Codec::Pcmu), (Codec::Pcmu, Codec::Pcma), (Codec::G722, Codec::Pcma)] {
        let mut desk = Desk::with(&[from, to]);
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        for packet in speech(from, 1_000.0, 100) {
            desk.rtp(A, address(A), &packet);
            desk.run(20);
        }
        desk.run(500);
        let mut decoder = Decoder::new(to);
        let heard: Vec<i16> = desk
            .to(B)
            .iter()
            .flat_map(|out| {
                assert_eq!(out.payload_type, to.payload_type());
                let mut samples = vec![0; to.frame_samples()];
                decoder.decode(&out.payload, &mut samples);
                samples
            })
            .collect();
        let middle = heard.len() / 4..heard.len() * 3 / 4;
        let pcm = Pcm { rate: to.sample_rate(), samples: heard[middle].to_vec() };
        let pure = share(&pcm, 1_000.0);
        assert!(pure > 0.997, "{from} to {to}: {:.1} dB", 10.0 * (pure / (1.0 - pure)).log10());
        assert!((95..=112).contains(&desk.to(B).len()), "{from} to {to}: {} packets", desk.to(B).len());
    }
}

#[test]
fn keys_are_told_once_and_relayed_with_the_number_the_far_side_wants() {
    for far in [Codec::Pcmu, Codec::G722] {
        let mut desk = Desk::with(&[Codec::Pcmu]);
        let mut setup = StreamSetup::new(address(B), far);
        setup.events_send = Some(EventFormat { payload_type: 96, clock_rate: 8_000 });
        desk.act(|mixer, now, _| mixer.set_stream(B, setup, now));
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        for (at, packet) in speech(Codec::Pcmu, 500.0, 10).into_iter().enumerate() {
            desk.rtp(A, address(A), &packet);
            desk.run(20);
            if at == 4 {
                // M7: the same press again by INFO, repeated packets, two end packets, one of them lost.
                for (sequence, duration, end) in [(10, 160, false), (11, 320, false), (11, 320, false), (13, 800, true)] {
                    desk.rtp(A, address(A), &key('5', sequence, 800, duration, end));
                }
                desk.act(|mixer, now, _| mixer.inject(A, Digit::try_from('5').unwrap(), now));
            }
        }
        assert_eq!(desk.told(|event| matches!(event, Event::Digit { .. })).len(), 1, "{far}");
        let keys: Vec<_> = desk.to(B).into_iter().filter(|out| out.payload_type == 96).cloned().collect();
        assert!(keys.len() >= 3 && keys.iter().all(|out| out.timestamp == keys[0].timestamp), "{far}: {keys:?}");
        // INFO alone, twice, far apart: two presses.
        desk.run(500);
        for _ in 0..2 {
            desk.act(|mixer, now, _| mixer.inject(A, Digit::try_from('5').unwrap(), now));
            desk.run(500);
        }
        assert_eq!(desk.told(|event| matches!(event, Event::Digit { .. })).len(), 3);
    }
}

#[test]
fn digits_are_sent_as_events_or_as_tones() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    let digits = [Digit::try_from('1').unwrap(), Digit::try_from('#').unwrap()];
    desk.act(|mixer, now, _| mixer.send_digits(A, &digits, now));
    desk.run(900);
    let events: Vec<_> = desk.out.iter().filter(|out| out.payload_type == 101).collect();
    let mut starts: Vec<_> = events.iter().map(|out| (out.payload[0], out.timestamp)).collect();
    starts.dedup();
    assert_eq!(starts.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [1, 11]);
    assert_eq!(events.iter().filter(|out| out.payload[1] & 0x80 != 0).count(), 6);
    assert_eq!(desk.told(|event| matches!(event, Event::DigitsSent { leg: A })).len(), 1);
    let mut plain = StreamSetup::new(address(A), Codec::Pcmu);
    plain.events_send = None;
    let mut desk = Desk::new();
    desk.act(|mixer, now, _| mixer.set_stream(A, plain, now));
    desk.act(|mixer, now, _| mixer.send_digits(A, &digits, now));
    desk.run(900);
    assert_eq!(desk.out.len(), 16, "two tones of 160 ms");
    assert_eq!(desk.told(|event| matches!(event, Event::DigitsSent { leg: A })), [320]);
    // Pressed faster than tones sound, one key does not cut the other short.
    for digit in digits {
        desk.act(|mixer, now, _| mixer.send_digits(A, &[digit], now));
        desk.run(50);
    }
    desk.run(900);
    let (mut decoder, mut detector, mut keys) = (Decoder::new(Codec::Pcmu), audio::KeyDetector::new(), String::new());
    for out in &desk.out[16..32] {
        let mut sound = [0; 160];
        let count = decoder.decode(&out.payload, &mut sound);
        detector.hear(&sound[..count], |tone| if let audio::Tone::Pressed(digit) = tone { keys.push(digit.as_char()) });
    }
    assert_eq!(keys, "1#");
    assert_eq!(desk.told(|event| matches!(event, Event::DigitsSent { leg: A })).len(), 2);
}

#[test]
fn a_recording_is_as_long_as_the_clock_whatever_is_lost() {
    for lose in [0, 20, 1] {
        let mut desk = Desk::with(&[Codec::Pcmu]);
        let id = desk.record(Source::leg(A), RecordSpec::default());
        for (at, packet) in speech(Codec::Pcmu, 400.0, 250).into_iter().enumerate() {
            if lose == 0 || (at + 1) % lose != 0 {
                desk.rtp(A, address(A), &packet);
            }
            desk.run(20);
        }
        desk.run(2_000);
        desk.act(|mixer, now, _| mixer.stop_recording(id, now));
        let samples = desk.recording();
        assert!((7_000 - 60..=7_000 + 60).contains(&(samples.len() as u64 / 8)), "{lose}: {}", samples.len());
        let Some((_, Event::RecordingDone { end: RecordEnd::Stopped, recorded, .. })) = desk.events.last() else { panic!("{:?}", desk.events.last()) };
        assert_eq!(recorded.duration.as_millis() as usize, samples.len() / 8);
        if lose != 1 {
            assert!((4_800..5_300).contains(&recorded.speech.as_millis()), "{lose}: {recorded:?}");
            assert!(share(&Pcm { rate: 8_000, samples: samples[4_000..36_000].to_vec() }, 400.0) > 0.9, "{lose}");
        } else {
            assert_eq!((recorded.speech, recorded.speech_from), (Duration::ZERO, None));
        }
        assert!(desk.mixer.recording(id).is_none());
    }
}

#[test]
fn a_recording_ends_by_silence_or_by_length() {
    let mut desk = Desk::with(&[Codec::G722]);
    let spec = RecordSpec { silence: Some(Duration::from_secs(2)), length: None };
    assert_eq!(desk.record(Source::leg(A), spec), RecorderId(1));
    assert_eq!(desk.mixer.recording_rate(RecorderId(1)), Some(16_000));
    for packet in speech(Codec::G722, 400.0, 100) {
        desk.rtp(A, address(A), &packet);
        desk.run(20);
    }
    desk.run(4_000);
    let ended = desk.told(|event| matches!(event, Event::RecordingDone { end: RecordEnd::Silence, .. }));
    assert!((3_900..4_250).contains(&ended[0]), "{ended:?}");
    assert_eq!(desk.told(|event| matches!(event, Event::SpeechStarted { .. })).len(), 1);
    let spec = RecordSpec { silence: Some(Duration::from_secs(4)), length: Some(Duration::from_secs(1)) };
    let began = desk.ms();
    desk.record(Source::mix(A, B), spec);
    desk.run(3_000);
    assert_eq!(desk.told(|event| matches!(event, Event::RecordingDone { end: RecordEnd::Length, .. })), [began + 1_000]);
    assert_eq!(desk.mixer.ears_due, None, "nobody listens any more");
}

#[test]
fn both_voices_of_a_bridge_are_recorded() {
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcmu]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    desk.record(Source::mix(A, B), RecordSpec::default());
    for (a, b) in speech(Codec::Pcmu, 500.0, 100).into_iter().zip(speech(Codec::Pcmu, 1_500.0, 100)) {
        desk.rtp(A, address(A), &a);
        desk.rtp(B, address(B), &b);
        desk.run(20);
    }
    let samples = desk.recording()[4_000..14_000].to_vec();
    let pcm = Pcm { rate: 8_000, samples };
    assert!(share(&pcm, 500.0) > 0.45 && share(&pcm, 1_500.0) > 0.45);
    assert_eq!(desk.to(B).len(), 100, "and relayed all the while");
}

#[test]
fn a_whole_call_is_recorded_with_prompts_and_whoever_comes() {
    for (a, b) in [(Codec::Pcmu, Codec::Pcmu), (Codec::Pcma, Codec::G722)] {
        let mut desk = Desk::with(&[a, b]);
        let id = desk.record(Source::call(A, true), RecordSpec::default());
        desk.play(A, Playlist::once(prompt(1_000, 700.0)));
        let both = |desk: &mut Desk, frames: std::ops::Range<usize>| {
            for (of_a, of_b) in speech(a, 500.0, 500).into_iter().zip(speech(b, 1_500.0, 500)).take(frames.end).skip(frames.start) {
                desk.rtp(A, address(A), &of_a);
                desk.rtp(B, address(B), &of_b);
                desk.run(20);
            }
        };
        both(&mut desk, 0..50);
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        both(&mut desk, 50..100);
        desk.act(|mixer, now, _| mixer.set_taking(id, Taking::Silence, now));
        both(&mut desk, 100..150);
        desk.act(|mixer, now, _| mixer.set_taking(id, Taking::Nothing, now));
        both(&mut desk, 150..200);
        desk.act(|mixer, now, _| mixer.set_taking(id, Taking::All, now));
        both(&mut desk, 200..250);
        desk.act(|mixer, now, _| mixer.stop_recording(id, now));
        let samples = desk.recording();
        assert!((samples.len() / 16).abs_diff(4_000) <= 60, "the pause is left out: {} ms", samples.len() / 16);
        let side = |channel: usize, ms: std::ops::Range<usize>| {
            let all: Vec<i16> = samples.iter().skip(channel).step_by(2).copied().collect();
            Pcm { rate: 8_000, samples: all[ms.start * 8..ms.end * 8].to_vec() }
        };
        for (channel, ms, hz) in [(0, 200..900, 500.0), (1, 200..900, 700.0), (0, 1_300..1_900, 500.0), (1, 1_300..1_900, 1_500.0), (1, 3_300..3_900, 1_500.0)] {
            let heard = share(&side(channel, ms.clone()), hz);
            assert!(heard > 0.8, "{a} {b}: channel {channel} at {ms:?}: {heard} of {hz} Hz");
        }
        for channel in [0, 1] {
            assert!(side(channel, 2_100..2_900).samples.iter().all(|sample| *sample == 0), "what must not be heard is silence");
        }
    }
}

#[test]
fn a_whole_call_in_one_channel_has_everybody() {
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcmu]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    desk.record(Source::call(A, false), RecordSpec::default());
    for (a, b) in speech(Codec::Pcmu, 500.0, 100).into_iter().zip(speech(Codec::Pcmu, 1_500.0, 100)) {
        desk.rtp(A, address(A), &a);
        desk.rtp(B, address(B), &b);
        desk.run(20);
    }
    let pcm = Pcm { rate: 8_000, samples: desk.recording()[4_000..14_000].to_vec() };
    assert!(share(&pcm, 500.0) > 0.45 && share(&pcm, 1_500.0) > 0.45);
}

#[test]
fn m1_a_sprayer_is_never_heard_nor_answered() {
    let sprayer = SocketAddr::from(([203, 0, 113, 66], 6_666));
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::Pcmu]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    desk.record(Source::leg(A), RecordSpec::default());
    for (at, packet) in speech(Codec::Pcmu, 500.0, 200).into_iter().enumerate() {
        desk.rtp(A, sprayer, &packet);
        desk.rtp(A, sprayer, &key('9', at as u16, 77, 160, false));
        desk.rtp(A, sprayer, &[0x80, 0xc8, 0, 0]);
        desk.run(20);
    }
    desk.play(A, Playlist::once(prompt(1_000, 440.0)));
    desk.run(1_000);
    assert!(desk.out.iter().all(|out| out.to != sprayer) && !desk.out.is_empty());
    assert!(desk.to(B).iter().all(|out| out.payload == [0xff; 160]), "only keep-alives");
    assert!(desk.recording().iter().all(|sample| *sample == 0));
    assert!(desk.told(|event| matches!(event, Event::Digit { .. } | Event::Latched { .. })).is_empty());
    assert_eq!(desk.mixer.snapshot(A).unwrap().refused.total(), 600);
}

#[test]
fn a_phone_behind_nat_is_found() {
    let mut desk = Desk::new();
    let signalled = SocketAddr::from(([192, 168, 1, 5], 4_000));
    let real = SocketAddr::from(([198, 51, 100, 7], 31_000));
    desk.act(|mixer, now, _| mixer.set_stream(A, StreamSetup::new(signalled, Codec::Pcmu), now));
    desk.play(A, Playlist::looped(prompt(100, 440.0)));
    for packet in speech(Codec::Pcmu, 500.0, 10) {
        desk.run(20);
        desk.rtp(A, real, &packet);
    }
    assert_eq!(desk.told(|event| matches!(event, Event::Latched { to, .. } if *to == real)).len(), 1);
    assert_eq!((desk.out[0].to, desk.out.last().unwrap().to), (signalled, real));
}

#[test]
fn m6_lies_about_numbers_and_sizes_change_neither_length_nor_life() {
    let mut desk = Desk::with(&[Codec::Pcmu, Codec::G722]);
    desk.act(|mixer, now, _| mixer.bridge(A, B, now));
    let id = desk.record(Source::leg(A), RecordSpec::default());
    let mut chance = 1_u64;
    for _ in 0..2_000 {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = [0, 1, 80, 160, 480, 1_460][(chance >> 40) as usize % 6];
        let payload_type = [0, 0, 0, 9, 8, 101, 13, 127][(chance >> 45) as usize % 8];
        let lie = packet(payload_type, (chance >> 16) as u16, (chance >> 7) as u32, (chance >> 60) as u32, &vec![chance as u8; length]);
        desk.rtp(A, address(A), &lie);
        desk.run((chance >> 50) % 5);
    }
    let wall = desk.ms();
    desk.act(|mixer, now, _| mixer.stop_recording(id, now));
    let length = desk.recording().len() as u64 / 8;
    assert!(wall.abs_diff(length) <= 60, "{length} ms of {wall}");
    assert!(desk.to(B).len() as u64 <= wall / 20 + 2_000);
}

#[test]
fn m5_another_source_on_the_port_is_not_recorded() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    for packet in speech(Codec::Pcmu, 500.0, 5) {
        desk.rtp(A, address(A), &packet);
        desk.run(20);
    }
    desk.record(Source::leg(A), RecordSpec::default());
    let old_call = SocketAddr::from(([192, 0, 2, 99], 4_000));
    for packet in speech(Codec::Pcmu, 1_000.0, 100) {
        desk.rtp(A, old_call, &packet);
        desk.run(20);
    }
    assert!(desk.recording().len() > 14_000 && desk.recording().iter().all(|sample| *sample == 0));
}

#[test]
fn a_silent_wire_is_told_once_and_reports_go_out() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    desk.rtp(A, address(A), &speech(Codec::Pcmu, 500.0, 1)[0]);
    desk.run(90_000);
    assert_eq!(desk.told(|event| matches!(event, Event::Silent { leg: A, .. })), [30_000]);
    assert!((12..=25).contains(&desk.reports), "{} reports in 90 s", desk.reports);
    desk.rtp(A, address(A), &speech(Codec::Pcmu, 500.0, 2)[1]);
    assert_eq!(desk.told(|event| matches!(event, Event::Heard { leg: A })), [90_000]);
    let before = desk.reports;
    desk.act(|mixer, now, wire| mixer.remove_stream(A, now, wire));
    assert_eq!(desk.reports, before + 1, "goodbye");
    assert_eq!(desk.mixer.poll_timeout(), None);
}

#[test]
fn a_player_waits_for_its_stream_and_ends_with_it() {
    let mut desk = Desk::new();
    desk.play(A, Playlist::looped(prompt(100, 440.0)));
    assert_eq!(desk.mixer.poll_timeout(), None);
    desk.act(|mixer, now, _| mixer.set_stream(A, StreamSetup::new(address(A), Codec::Pcmu), now));
    assert_eq!(desk.out.len(), 1);
    desk.act(|mixer, now, wire| mixer.remove_stream(A, now, wire));
    assert_eq!(desk.told(|event| matches!(event, Event::PlayerDone { end: PlayerEnd::Replaced, .. })).len(), 1);
}

/// Sound that is only recorded is made when a packet comes, or late: it comes out as if each slot had been made in its time.
#[test]
fn a_patient_recording_is_the_same_as_a_punctual_one() {
    let record = |is_punctual: bool| {
        let mut desk = Desk::with(&[Codec::Pcmu]);
        let id = desk.record(Source::leg(A), RecordSpec::default());
        // Jitter, loss, and a pause: each packet so many milliseconds after the one before.
        let packets = speech(Codec::Pcmu, 500.0, 400);
        for (at, packet) in packets.iter().enumerate() {
            let gap = [20, 3, 37, 20, 61, 1, 1, 37][at % 8] + if at == 200 { 700 } else { 0 };
            for _ in 0..gap {
                desk.run(1);
                if is_punctual {
                    desk.act(|mixer, now, _| mixer.catch_up(now));
                }
            }
            if at % 19 != 0 {
                desk.rtp(A, address(A), packet);
            }
            if at == 300 {
                desk.act(|mixer, now, _| mixer.set_taking(id, Taking::Silence, now));
            }
            if at == 330 {
                desk.act(|mixer, now, _| mixer.set_taking(id, Taking::All, now));
            }
        }
        desk.act(|mixer, now, _| mixer.stop_recording(id, now));
        desk.recording()
    };
    let punctual = record(true);
    assert!(punctual.len() > 8 * 8_000, "{}", punctual.len());
    assert!(record(false) == punctual);
}
