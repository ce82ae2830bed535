//! Protected media: between two keys, between a key and none, recorded, keyed, attacked; and what no key is shown in.

use super::*;
use rtp::srtp::{GROWTH_MAX, Incoming, Outgoing};
use terms::{CryptoSuite, MasterKey, SrtpKeys};

const SUITE: CryptoSuite = CryptoSuite::AesCm128HmacSha1_80;
const SHORT: CryptoSuite = CryptoSuite::AesCm128HmacSha1_32;

/// Everything as it left.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) packets: Vec<(LegId, Vec<u8>)>,
    pub(super) reports: Vec<Vec<u8>>,
}

impl Wire for Raw {
    fn rtp(&mut self, leg: LegId, _: SocketAddr, packet: &[u8]) {
        self.packets.push((leg, packet.to_vec()));
    }
    fn rtcp(&mut self, _: LegId, _: SocketAddr, packet: &[u8]) {
        self.reports.push(packet.to_vec());
    }
}

/// The far end of a protected leg: its way out and its way in.
struct Phone {
    out: Outgoing,
    ear: Incoming,
}

fn keys(suite: CryptoSuite, leg: LegId) -> SrtpKeys {
    let key = |way: u8| MasterKey::new([leg.0 as u8 * 2 + way; 30]);
    SrtpKeys { suite, send: key(1), receive: key(2) }
}

impl Phone {
    fn new(keys: &SrtpKeys) -> Self {
        Self { out: Outgoing::new(keys.suite, &keys.receive), ear: Incoming::new(keys.suite, &keys.send) }
    }
    fn say(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut bytes = packet.to_vec();
        bytes.resize(packet.len() + GROWTH_MAX, 0);
        let length = self.out.protect(&mut bytes, packet.len());
        bytes.truncate(length);
        bytes
    }
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let length = self.ear.unprotect(&mut bytes).expect("a packet of ours is authentic");
        bytes.truncate(length);
        bytes
    }
}

fn setup(leg: LegId, codec: Codec, crypto: Option<SrtpKeys>) -> StreamSetup {
    let mut setup = StreamSetup::new(address(leg), codec);
    setup.crypto = crypto;
    setup
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn a_relay_between_two_keys_and_none_encrypts_anew() {
    let (a, b) = (keys(SUITE, A), keys(SHORT, B));
    for (first, second) in [(Some(a.clone()), Some(b.clone())), (Some(a.clone()), None), (None, Some(b))] {
        for codec in [Codec::Pcmu, Codec::G722] {
            let (mut mixer, now, mut wire) = (Mixer::new(1), start(), Raw::default());
            mixer.set_stream(A, setup(A, Codec::Pcmu, first.clone()), now);
            mixer.set_stream(B, setup(B, codec, second.clone()), now);
            mixer.bridge(A, B, now);
            let mut phones = [first.as_ref().map(Phone::new), second.as_ref().map(Phone::new)];
            for (frame, clear) in (0..).zip(speech(Codec::Pcmu, 400.0, 60)) {
                let now = now + Duration::from_millis(20 * frame);
                let said = phones[0].as_mut().map_or_else(|| clear.clone(), |phone| phone.say(&clear));
                mixer.handle_rtp(A, address(A), &said, now, &mut wire);
                mixer.tick(now, &mut wire);
                while mixer.poll_event().is_some() {}
            }
            let heard: Vec<Vec<u8>> = wire.packets.iter().filter(|(leg, _)| *leg == B).map(|(_, bytes)| bytes.clone()).collect();
            assert!(heard.len() >= 55, "{} packets", heard.len());
            let mut decoder = Decoder::new(codec);
            let mut samples = Vec::new();
            for bytes in &heard {
                let clear = phones[1].as_mut().map_or_else(|| bytes.clone(), |phone| phone.hear(bytes));
                let packet = Packet::parse(&clear).unwrap();
                let mut frame = [0; 960];
                let count = decoder.decode(packet.payload, &mut frame);
                samples.extend_from_slice(&frame[..count]);
            }
            let middle = samples.len() / 4..samples.len() * 3 / 4;
            let pure = share(&Pcm { rate: codec.sample_rate(), samples: samples[middle].to_vec() }, 400.0);
            assert!(pure > 0.95, "{first:?} to {second:?}, {codec}: {pure}");
            assert_eq!(mixer.snapshot(A).map(|quality| (quality.refused.total(), quality.protection)), Some((0, first.as_ref().map(|keys| keys.suite))));
        }
    }
}

#[test]
fn prompts_keys_reports_and_recordings_work_under_a_key() {
    let a = keys(SUITE, A);
    let (mut mixer, now, mut wire) = (Mixer::new(1), start(), Raw::default());
    let mut phone = Phone::new(&a);
    mixer.set_stream(A, setup(A, Codec::Pcmu, Some(a)), now);
    mixer.play(A, Playlist::looped(prompt(500, 700.0)), now);
    mixer.record(Source::leg(A), RecordSpec::default(), now);
    mixer.send_digits(A, &[Digit::try_from('5').unwrap()], now);
    let mut told = Vec::new();
    let mut recorded = Vec::new();
    for (frame, clear) in (0..).zip(speech(Codec::Pcmu, 400.0, 400)) {
        let now = now + Duration::from_millis(20 * frame);
        mixer.handle_rtp(A, address(A), &phone.say(&clear), now, &mut wire);
        if frame == 399 {
            mixer.handle_rtp(A, address(A), &phone.say(&key('9', 400, 64_000, 400, true)), now, &mut wire);
        }
        mixer.tick(now, &mut wire);
        while let Some(event) = mixer.poll_event() {
            match event {
                Event::Digit { digit, .. } => told.push(digit.as_char()),
                Event::Recorded { samples, .. } => recorded.extend(samples),
                Event::PlayerDone { .. }
                | Event::DigitDropped { .. }
                | Event::DigitsSent { .. }
                | Event::SpeechStarted { .. }
                | Event::RecordingDone { .. }
                | Event::Silent { .. }
                | Event::Heard { .. }
                | Event::OneWay { .. }
                | Event::Rated { .. }
                | Event::Latched { .. } => {}
            }
        }
    }
    assert_eq!(told, ['9']);
    let pure = share(&Pcm { rate: 8_000, samples: recorded[8_000..40_000].to_vec() }, 400.0);
    assert!(pure > 0.95, "{pure}");
    let kinds: Vec<u8> = wire.packets.iter().map(|(_, bytes)| Packet::parse(&phone.hear(bytes)).unwrap().payload_type).collect();
    assert!(kinds.contains(&101) && kinds.iter().filter(|kind| **kind == 0).count() > 300, "the key and the prompt");
    assert!(!wire.reports.is_empty());
    for report in &mut wire.reports {
        assert!(phone.ear.unprotect_report(report).is_ok(), "reports are protected, too");
    }
    // Reports of the peer's are believed only when they are authentic.
    let mut report = [0; 60];
    report[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 7]);
    let from = SocketAddr::new(address(A).ip(), address(A).port() + 1);
    let refused = mixer.snapshot(A).unwrap().refused.total();
    mixer.handle_rtcp(A, from, &report[..8], now, &mut wire);
    assert_eq!(mixer.snapshot(A).unwrap().refused.total(), refused + 1);
    let length = phone.out.protect_report(&mut report, 8);
    mixer.handle_rtcp(A, from, &report[..length], now, &mut wire);
    assert_eq!(mixer.snapshot(A).unwrap().refused.total(), refused + 1);
}

#[test]
fn m2_ten_thousand_bad_packets_are_counted_and_the_call_goes_on() {
    let (a, b) = (keys(SUITE, A), keys(SHORT, B));
    let (mut mixer, now, mut wire) = (Mixer::new(1), start(), Raw::default());
    let mut phone = Phone::new(&a);
    let mut stranger = Phone::new(&keys(SUITE, LegId(9)));
    mixer.set_stream(A, setup(A, Codec::Pcmu, Some(a)), now);
    mixer.set_stream(B, setup(B, Codec::Pcmu, Some(b)), now);
    mixer.bridge(A, B, now);
    let mut expected = (0, 0);
    for (frame, clear) in (0..).zip(speech(Codec::Pcmu, 400.0, 2_000)) {
        let now = now + Duration::from_millis(20 * frame);
        let good = phone.say(&clear);
        mixer.handle_rtp(A, address(A), &good, now, &mut wire);
        let mut bad: Vec<Vec<u8>> = vec![good.clone(), clear.clone(), stranger.say(&clear)];
        // A tag, an SSRC and a sequence number changed on their way.
        let mut tag = phone.say(&packet(0, 30_000 + frame as u16, 1, 7, &[0x55; 160]));
        *tag.last_mut().unwrap() ^= 0x80;
        let (mut ssrc, mut jump) = (good.clone(), good);
        ssrc[11] ^= 1;
        jump[2] ^= 0x70;
        bad.extend([tag, ssrc, jump]);
        for bytes in &bad {
            mixer.handle_rtp(A, address(A), bytes, now, &mut wire);
        }
        // Those that repeat a number are replays before anybody looks at their tag.
        expected = (expected.0 + 6, expected.1 + 3);
        mixer.tick(now, &mut wire);
        while mixer.poll_event().is_some() {}
    }
    let quality = mixer.snapshot(A).unwrap();
    assert_eq!((quality.packets_received, quality.refused.total(), quality.refused.unauthentic), (2_000, expected.0, expected.1));
    assert_eq!(wire.packets.iter().filter(|(leg, _)| *leg == B).count(), 2_000, "nothing unproven was passed on");
}

#[test]
fn new_keys_take_over_and_the_stream_goes_on() {
    let (mut mixer, now, mut wire) = (Mixer::new(1), start(), Raw::default());
    let (first, second) = (keys(SUITE, A), keys(SHORT, B));
    mixer.set_stream(A, setup(A, Codec::Pcmu, Some(first.clone())), now);
    mixer.play(A, Playlist::looped(prompt(500, 700.0)), now);
    let mut last = None;
    for (at, agreed) in (0..).zip([Some(&first), Some(&first), Some(&second), None, Some(&first)]) {
        let begin = now + Duration::from_millis(1_000 * at);
        mixer.set_stream(A, setup(A, Codec::Pcmu, agreed.cloned()), begin);
        let mut phone = agreed.map(Phone::new);
        for frame in 0..50 {
            mixer.tick(begin + Duration::from_millis(20 * frame), &mut wire);
            while mixer.poll_event().is_some() {}
        }
        for (_, bytes) in std::mem::take(&mut wire.packets) {
            let clear = phone.as_mut().map_or_else(|| bytes.clone(), |phone| phone.hear(&bytes));
            let packet = Packet::parse(&clear).unwrap();
            assert!(last.is_none_or(|last: u16| packet.sequence == last.wrapping_add(1)), "one row of numbers");
            last = Some(packet.sequence);
            assert_eq!(packet.payload.len(), 160);
        }
    }
}
