//! Every codec on the wire against phones nobody here wrote, both ways, by measured signal-to-noise ratio: the phone speaks a
//! tone that the exchange records, and hears one that the exchange plays.

use crate::peers::baresip::Baresip;
use crate::peers::exchange::{Exchange, House, ms, s};
use crate::peers::pjsua::Pjsua;
use crate::peers::process::wait_for;

/// What the phone speaks and what it hears, Hz.
const SPOKEN: f32 = 440.0;
const PLAYED: f32 = 500.0;

/// Who is the peer.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Pjsip,
    Baresip,
}

/// Codec as the exchange and as the peer write it, and the least signal-to-noise ratio each way (dB): towards us, towards the peer.
const CODECS: [(Peer, &str, &str, f32, f32); 8] = [
    (Peer::Pjsip, "pcmu", "PCMU/8000/1", 30.0, 30.0),
    (Peer::Pjsip, "pcma", "PCMA/8000/1", 30.0, 30.0),
    (Peer::Pjsip, "g722", "G722/16000/1", 40.0, 40.0),
    (Peer::Pjsip, "gsm", "GSM/8000/1", 22.0, 20.0),
    (Peer::Baresip, "pcma", "PCMA/8000/1", 30.0, 30.0),
    (Peer::Baresip, "g722", "G722/16000/1", 40.0, 40.0),
    (Peer::Baresip, "gsm", "GSM/8000/1", 22.0, 20.0),
    (Peer::Baresip, "opus", "opus/48000/2", 30.0, 25.0),
];

/// A tone against everything else in a quarter of a second (8 kHz), in dB: a sine fitted by least squares, and what it leaves.
fn ratio(part: &[i16], hz: f32) -> f32 {
    let step = f64::from(hz) * std::f64::consts::TAU / 8_000.0;
    let n = part.len() as f64;
    let mean = part.iter().map(|sample| f64::from(*sample)).sum::<f64>() / n;
    let (mut cosine, mut sine, mut power) = (0.0, 0.0, 0.0);
    for (at, sample) in part.iter().enumerate() {
        let (value, phase) = (f64::from(*sample) - mean, step * at as f64);
        cosine += value * phase.cos();
        sine += value * phase.sin();
        power += value * value;
    }
    // A quarter of a second holds whole periods of both tones, so that the two are at right angles.
    let tone = 2.0 * (cosine * cosine + sine * sine) / n;
    (10.0 * (tone / (power - tone).max(1.0)).log10()) as f32
}

/// The ratio of a whole recording: that of its middle quarter-second among those that are loud, after the first second.
#[track_caller]
fn snr(heard: &[i16], hz: f32, what: &str) -> f32 {
    let loud = |part: &&[i16]| part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 2_000.0 > 1_000_000.0;
    let mut ratios: Vec<f32> = heard.chunks_exact(2_000).skip(4).filter(loud).map(|part| ratio(part, hz)).collect();
    assert!(ratios.len() >= 4, "{what}: {} loud parts of {} samples", ratios.len(), heard.len());
    ratios.sort_by(f32::total_cmp);
    ratios[ratios.len() / 2]
}

/// What the exchange recorded of the caller.
#[track_caller]
fn recorded(exchange: &Exchange) -> Vec<i16> {
    let id = wait_for("the recording", s(10), || {
        let listed = exchange.get("/v1/recordings");
        listed["recordings"].as_array().and_then(|all| all.last()).and_then(|one| one["id"].as_str().map(str::to_owned))
    });
    let (status, file) = exchange.request("GET", &format!("/v1/recordings/{id}/audio"));
    assert_eq!(status, 200);
    let mut wav = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
    let (channels, rate) = (usize::from(wav.spec().channels), wav.spec().sample_rate as usize);
    let all: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).collect();
    // The caller is left; both tones lie far below what a second of 16 kHz may fold, so that every other sample will do.
    all.chunks(channels).map(|frame| frame[0]).step_by(rate / 8_000).collect()
}

fn measure(peer: Peer, codec: &str, theirs: &str) -> (f32, f32) {
    let what = format!("{peer:?} {codec}");
    let codecs: &'static str = format!("codecs: [{codec}]").leak();
    let house = House { alice: codecs, bob: codecs, ..House::default() };
    let tone = "flow: tone\nstart: on\nstates:\n  on:\n    - answer: {}\n    - record_call: { do: start, stereo: true }\n    - play: { prompt: [{ play: welcome.wav }], loop: 0 }\n      then: end\n";
    let mut exchange = Exchange::start_with(&house, &[("flows/tone.yaml", tone)]);
    let heard = match peer {
        Peer::Pjsip => {
            let mut phone = Pjsua::start_with("alice", exchange.sip(), SPOKEN, &[&format!("codec={theirs}")]);
            phone.command(&format!("call {}", exchange.uri("tone")));
            phone.expect("the answer", s(10), |e| e["state"] == "CONFIRMED");
            std::thread::park_timeout(ms(3_500));
            phone.command("hangup");
            phone.expect("the end", s(10), |e| e["state"] == "DISCONNECTED");
            phone.finish()
        }
        Peer::Baresip => {
            let mut phone = Baresip::start_with("bob", exchange.sip(), SPOKEN, theirs);
            exchange.wait_online("bob");
            phone.command("dial", &exchange.uri("tone"));
            phone.expect("CALL_ESTABLISHED", s(15));
            std::thread::park_timeout(ms(3_500));
            phone.command("hangup", "");
            std::thread::park_timeout(ms(300));
            phone.heard_narrowed().remove(0)
        }
    };
    exchange.must_be_quiet();
    let media = &exchange.records(1)[0]["media"][0];
    assert!(media["codec_heard"].as_str().is_some_and(|heard| heard.eq_ignore_ascii_case(codec)), "{what}: {media:#}");
    assert!(media["packets_lost"].as_i64() == Some(0) && media["one_way"].is_null(), "{what}: {media:#}");
    let least = if codec == "gsm" { 3.5 } else { 4.2 };
    assert!(media["mos"].as_f64().is_some_and(|mos| mos > least), "{what}: {media:#}");
    (snr(&recorded(&exchange), SPOKEN, &what), snr(&heard, PLAYED, &what))
}

#[test]
fn every_codec_is_heard_both_ways_by_phones_of_others() {
    let mut failed = Vec::new();
    for (peer, codec, theirs, inward, outward) in CODECS {
        let (heard, said) = measure(peer, codec, theirs);
        if heard < inward || said < outward {
            failed.push(format!("{peer:?} {codec}: towards us {heard:.1} of {inward} dB, towards the phone {said:.1} of {outward} dB"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
