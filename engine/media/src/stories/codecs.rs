//! Codecs of another clock, packets of another length, losses that a codec heals itself.

use super::*;
use audio::PACKET_SAMPLES_MAX;

/// All that a leg was sent, decoded.
fn heard(desk: &Desk, leg: LegId, codec: Codec) -> Vec<i16> {
    let mut decoder = Decoder::new(codec);
    desk.to(leg)
        .iter()
        .filter(|out| out.payload_type == codec.payload_type())
        .flat_map(|out| {
            let mut samples = [0; PACKET_SAMPLES_MAX];
            let count = decoder.decode(&out.payload, &mut samples);
            samples[..count].to_vec()
        })
        .collect()
}

/// Power at `hertz` against all the rest, in dB, in the middle of a sound.
fn purity(samples: &[i16], rate: u32, hertz: f32) -> f64 {
    let middle = samples.len() / 4..samples.len() * 3 / 4;
    let pure = share(&Pcm { rate, samples: samples[middle].to_vec() }, hertz);
    10.0 * (pure / (1.0 - pure)).log10()
}

#[test]
fn every_codec_is_bridged_with_every_other() {
    for from in Codec::ALL {
        for to in Codec::ALL {
            let mut desk = Desk::with(&[from, to]);
            desk.act(|mixer, now, _| mixer.bridge(A, B, now));
            for packet in speech(from, 400.0, 100) {
                desk.rtp(A, address(A), &packet);
                desk.run(20);
            }
            desk.run(90);
            let packets = desk.to(B);
            assert!((95..=106).contains(&packets.len()), "{from} to {to}: {} packets", packets.len());
            let step = to.clock_rate() / 50;
            for pair in packets.windows(2) {
                assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), step, "{from} to {to}");
                assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "{from} to {to}");
            }
            let least = if from == Codec::Gsm || to == Codec::Gsm { 12.0 } else { 15.0 };
            let purity = purity(&heard(&desk, B, to), to.sample_rate(), 400.0);
            assert!(purity > least, "{from} to {to}: {purity:.1} dB");
        }
    }
}

#[test]
fn packets_are_as_long_as_the_peer_wishes() {
    for codec in Codec::ALL {
        for wish in [10, 20, 30, 40, 60] {
            let ms = u64::from(codec.packet_ms(wish));
            // A prompt.
            let mut desk = Desk::new();
            let mut setup = StreamSetup::new(address(A), codec);
            setup.send_ms = codec.packet_ms(wish);
            desk.act(|mixer, now, _| mixer.set_stream(A, setup.clone(), now));
            desk.play(A, Playlist::once(prompt(1_200, 440.0)));
            desk.run(2_150);
            let out: Vec<_> = desk.to(A).into_iter().take_while(|out| out.ms < 1_200).collect();
            let usual = out.windows(2).filter(|pair| pair[1].ms - pair[0].ms == ms).count() as u64;
            assert!(usual + 3 >= 1_200 / ms, "{codec} {wish}: {usual} of {}", out.len());
            for pair in out.windows(2) {
                let passed = (pair[1].ms - pair[0].ms) as u32;
                assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), passed * (codec.clock_rate() / 1_000), "{codec} {wish}");
            }
            assert!(purity(&heard(&desk, A, codec)[..codec.frame_samples() * 60], codec.sample_rate(), 440.0) > 12.0, "{codec} {wish}");
            // Transcoded.
            let other = if codec == Codec::G722 { Codec::Pcmu } else { Codec::G722 };
            let mut desk = Desk::with(&[other]);
            let mut setup = setup;
            setup.remote = Some(address(B));
            desk.act(|mixer, now, _| mixer.set_stream(B, setup, now));
            desk.act(|mixer, now, _| mixer.bridge(A, B, now));
            for packet in speech(other, 400.0, 90) {
                desk.rtp(A, address(A), &packet);
                desk.run(20);
            }
            let out = desk.to(B);
            let step = ms as u32 * (codec.clock_rate() / 1_000);
            assert!(out.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == step), "{codec} {wish}");
            assert!((1_600..=1_900).contains(&(out.len() as u64 * ms)), "{codec} {wish}: {} packets", out.len());
            assert!(purity(&heard(&desk, B, codec), codec.sample_rate(), 400.0) > 12.0, "{codec} {wish}");
        }
    }
}

#[test]
fn packets_of_any_length_are_recorded() {
    for (codec, frames) in [(Codec::Opus, 1), (Codec::Opus, 2), (Codec::Opus, 3), (Codec::Gsm, 1), (Codec::Gsm, 3), (Codec::Pcmu, 3)] {
        let mut desk = Desk::with(&[codec]);
        desk.record(Source::leg(A), RecordSpec::default());
        let pcm = resample(&tone::sine(440.0, Duration::from_secs(3), -10.0), codec.sample_rate());
        let mut encoder = Encoder::new(codec);
        for (at, sound) in (0_u16..).zip(pcm.samples.chunks_exact(codec.frame_samples() * frames)) {
            let mut payload = [0; 1_000];
            let length = encoder.encode(sound, &mut payload);
            let ticks = codec.clock_rate() / 50 * frames as u32;
            desk.rtp(A, address(A), &packet(codec.payload_type(), at, u32::from(at) * ticks, 7, &payload[..length]));
            desk.run(20 * frames as u64);
        }
        let (samples, rate) = (desk.recording(), codec.sample_rate());
        let second = rate as usize;
        assert!((2_700..=3_000).contains(&(samples.len() * 1_000 / second)), "{codec} {frames}: {} ms", samples.len() * 1_000 / second);
        let purity = purity(&samples[second / 2..], rate, 440.0);
        assert!(purity > 12.0, "{codec} {frames}: {purity:.1} dB");
    }
}

#[test]
fn opus_heals_its_own_losses() {
    // A voice: a pitch with harmonics, swelling.
    let sound: Vec<i16> = (0..16_000 * 4)
        .map(|n| {
            let t = n as f32 / 16_000.0;
            let voice: f32 = (1..12).map(|h| (t * 130.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
            (voice * 5_000.0 * (0.6 + 0.4 * (t * 25.0).sin())) as i16
        })
        .collect();
    let record = |lose: bool| {
        let mut desk = Desk::with(&[Codec::Opus]);
        let id = desk.record(Source::leg(A), RecordSpec::default());
        let mut encoder = Encoder::new(Codec::Opus);
        for (at, frame) in (0_u16..).zip(sound.chunks_exact(320)) {
            let mut payload = [0; 400];
            let length = encoder.encode(frame, &mut payload);
            if !(lose && at % 10 == 9) {
                desk.rtp(A, address(A), &packet(96, at, u32::from(at) * 960, 7, &payload[..length]));
            }
            desk.run(20);
        }
        let lost = desk.mixer.recording(id).map(|recorded| recorded.lost_frames);
        (desk.recording(), lost.unwrap_or_default())
    };
    let ((whole, none), (healed, lost)) = (record(false), record(true));
    assert_eq!((none, whole.len()), (0, healed.len()));
    assert!((15..=20).contains(&lost), "{lost} frames were lost");
    let error: f64 = whole.iter().zip(&healed).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let power: f64 = whole.iter().map(|a| f64::from(*a).powi(2)).sum();
    assert!(error < power / 30.0, "a tenth lost, {:.1} dB of it heard", 10.0 * (error / power).log10());
}

#[test]
fn keys_are_retold_in_the_clock_of_the_far_side() {
    for (from, to, expected) in [(Codec::Pcmu, Codec::Opus, [960_u16, 4_800]), (Codec::Opus, Codec::Pcmu, [26, 133])] {
        let mut desk = Desk::with(&[from, to]);
        desk.act(|mixer, now, _| mixer.bridge(A, B, now));
        for (at, packet) in speech(from, 500.0, 10).into_iter().enumerate() {
            desk.rtp(A, address(A), &packet);
            desk.run(20);
            if at == 5 {
                desk.rtp(A, address(A), &key('5', 100, 800, 160, false));
                desk.rtp(A, address(A), &key('5', 101, 800, 800, true));
            }
        }
        assert_eq!(desk.told(|event| matches!(event, Event::Digit { .. })).len(), 1);
        let durations: Vec<_> = desk.to(B).iter().filter(|out| out.payload_type == 101).map(|out| u16::from_be_bytes([out.payload[2], out.payload[3]])).collect();
        assert_eq!(durations, expected, "{from} to {to}");
    }
    // Our own keys beside Opus count 48000 a second.
    let mut desk = Desk::with(&[Codec::Opus]);
    desk.act(|mixer, now, _| mixer.send_digits(A, &[Digit::try_from('7').unwrap()], now));
    desk.run(400);
    let durations: Vec<_> = desk.out.iter().filter(|out| out.payload_type == 101).map(|out| u16::from_be_bytes([out.payload[2], out.payload[3]])).collect();
    assert_eq!(durations, [960, 1_920, 2_880, 3_840, 4_800, 4_800, 4_800]);
}

#[test]
fn a_new_agreement_may_change_the_clock_while_a_prompt_plays() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    desk.play(A, Playlist::looped(prompt(400, 440.0)));
    desk.run(500);
    for (codec, ms) in [(Codec::Opus, 40), (Codec::Pcma, 30)] {
        let mut setup = StreamSetup::new(address(A), codec);
        setup.send_ms = ms;
        desk.act(|mixer, now, _| mixer.set_stream(A, setup, now));
        desk.run(500);
    }
    let out = desk.to(A);
    assert!(out.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "one row of numbers");
    let markers: Vec<_> = out.iter().filter(|out| out.marker).map(|out| out.payload_type).collect();
    assert_eq!(markers, [0, 96, 8], "each clock begins with a marker");
    assert!(out.iter().all(|out| out.ms < 1_501) && out.len() > 45);
}

/// A peer that sends next to nothing while it is silent (`usedtx=1`, RFC 7587 §3.1.3): numbers go on, timestamps leap, and a packet of one
/// byte now and then says that it is still there. Nothing of that is a loss, and the silence is one.
#[test]
fn opus_may_be_silent_without_packets() {
    let mut desk = Desk::with(&[Codec::Opus]);
    let id = desk.record(Source::leg(A), RecordSpec::default());
    let mut encoder = Encoder::new(Codec::Opus);
    let sine: Vec<i16> = (0..16_000).map(|n| ((n as f32 / 16_000.0 * 400.0 * std::f32::consts::TAU).sin() * 8_000.0) as i16).collect();
    let (mut sequence, mut toc) = (0, 0);
    for slot in 0..150_u32 {
        // An encoder that may be silent waits 200 ms before it is (libopus: `NB_SPEECH_FRAMES_BEFORE_DTX`).
        let (is_coded, is_marked) = (!(60..100).contains(&slot), slot % 20 == 10);
        if is_coded {
            let at = slot as usize % 50 * 320;
            let sound = if (50..60).contains(&slot) { &[0; 320] } else { &sine[at..at + 320] };
            let mut payload = [0; 400];
            let length = encoder.encode(sound, &mut payload);
            toc = payload[0] & 0xfc;
            desk.rtp(A, address(A), &packet(96, sequence, slot * 960, 7, &payload[..length]));
        } else if is_marked {
            desk.rtp(A, address(A), &packet(96, sequence, slot * 960, 7, &[toc]));
        }
        sequence += u16::from(is_coded || is_marked);
        desk.run(20);
    }
    desk.run(200);
    // Until a packet says that none is missing, a hole is guessed over for 200 ms.
    let guessed = desk.mixer.recording(id).map(|recorded| recorded.lost_frames).unwrap_or_default();
    assert!(guessed <= 30, "{guessed} frames");
    let quality = desk.mixer.snapshot(A).unwrap();
    assert_eq!((quality.packets_lost, quality.one_way), (0, None));
    let recorded = desk.recording();
    // 8 or 16 kHz, and 3.2 s of it.
    let a_ms = recorded.len().div_ceil(3_200);
    let level = |ms: std::ops::Range<usize>| audio::level::dbfs(&recorded[ms.start * a_ms..ms.end * a_ms]);
    assert!(level(200..900) > -18.0 && level(2_200..2_900) > -18.0, "speech: {} and {}", level(200..900), level(2_200..2_900));
    assert!(level(1_300..1_950) < -50.0, "the pause: {}", level(1_300..1_950));
}
