//! Our codecs and file readers against somebody else's: FFmpeg (and its libgsm, libopus and native decoders) makes what we
//! read and reads what we make. `tests/install.sh` installs it. The figures are told: `cargo test -p audio --test foreign --
//! --nocapture`.
#![expect(clippy::print_stdout, reason = "the figures are worth telling")]

use audio::{Decoder, Encoder, PACKET_SAMPLES_MAX, Pcm, decode_file, ogg_opus, resample, wav::Wav};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use terms::{Codec, Packing};

/// A folder of this test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("callflow-foreign-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs FFmpeg from one file into another, with words before each.
fn ffmpeg(before_input: &[&str], input: &Path, before_output: &[&str], output: &Path) {
    let run = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(before_input)
        .arg("-i")
        .arg(input)
        .args(before_output)
        .arg(output)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed (tests/install.sh)");
    assert!(run.status.success(), "ffmpeg {before_output:?}: {}", String::from_utf8_lossy(&run.stderr));
}

/// Something like a voice at 16 kHz: a gliding pitch with harmonics in syllables, 3 s.
fn voice() -> Pcm {
    let mut phase = 0.0_f32;
    let samples = (0..48_000)
        .map(|at| {
            let t = at as f32 / 16_000.0;
            phase += (140.0 + 30.0 * (t * 2.0).sin()) / 16_000.0;
            let sum: f32 = (1..=14).map(|h| (phase * h as f32 * std::f32::consts::TAU).sin() / (h as f32).powf(1.2)).sum();
            (sum * 4_500.0 * (0.55 + 0.45 * (t * 9.0).sin())) as i16
        })
        .collect();
    Pcm { rate: 16_000, samples }
}

/// Signal against difference in dB at the best delay of up to 60 ms either way, with the best gain; the first and last
/// quarter second left out.
fn likeness(original: &Pcm, heard: &Pcm) -> f64 {
    assert_eq!(original.rate, heard.rate);
    let (edge, most) = (original.rate as usize / 4, original.rate as i64 * 60 / 1_000);
    (-most..=most)
        .map(|delay| {
            let (mut both, mut ours, mut theirs) = (0.0, 0.0, 1.0);
            for at in edge..original.samples.len() - edge {
                let Some(other) = usize::try_from(at as i64 + delay).ok().and_then(|at| heard.samples.get(at)) else { continue };
                let (a, b) = (f64::from(original.samples[at]), f64::from(*other));
                both += a * b;
                ours += a * a;
                theirs += b * b;
            }
            let correlation = both / (ours * theirs).sqrt();
            if correlation <= 0.0 { 0.0 } else { -10.0 * (1.0 - correlation * correlation).max(1e-9).log10() }
        })
        .fold(0.0, f64::max)
}

/// The sound encoded by us, as one stream of bytes.
fn encoded(codec: Codec, pcm: &Pcm) -> Vec<u8> {
    let mut encoder = Encoder::new(codec);
    let frames = pcm.samples.chunks_exact(codec.frame_samples());
    frames
        .flat_map(|frame| {
            let mut payload = [0; 480];
            let length = encoder.encode(frame, &mut payload);
            payload[..length].to_vec()
        })
        .collect()
}

/// A stream of bytes decoded by us, 20 ms at a time.
fn decoded(codec: Codec, bytes: &[u8]) -> Pcm {
    let mut decoder = Decoder::new(codec);
    let step = if let Packing::Frames(bytes) = codec.packing() { bytes } else { 160 };
    let samples = bytes.chunks(step).flat_map(|payload| {
        let mut sound = [0; PACKET_SAMPLES_MAX];
        let count = decoder.decode(payload, &mut sound);
        sound[..count].to_vec()
    });
    Pcm { rate: codec.sample_rate(), samples: samples.collect() }
}

#[test]
fn codecs_understand_ffmpegs_and_are_understood() {
    let folder = Folder::new("codecs");
    // FFmpeg's format name, and the likeness in dB to the original that both ways must reach.
    for (codec, format, rate, least) in [(Codec::Pcmu, "mulaw", 8_000, 33.0), (Codec::Pcma, "alaw", 8_000, 33.0), (Codec::G722, "g722", 16_000, 20.0), (Codec::Gsm, "gsm", 8_000, 7.0)] {
        let pcm = resample(&voice(), rate);
        let (says, raw, back) = (folder.file("says.wav"), folder.file(&format!("says.{format}")), folder.file("back.wav"));
        fs::write(&says, Wav { rate, channels: 1 }.file(&pcm.samples)).unwrap();
        ffmpeg(&[], &says, &["-f", format], &raw);
        let heard = decoded(codec, &fs::read(&raw).unwrap());
        let theirs = likeness(&pcm, &heard);

        let ours = encoded(codec, &pcm);
        fs::write(&raw, &ours).unwrap();
        let rate_option = rate.to_string();
        let input: &[&str] = if format == "gsm" || format == "g722" { &["-f", format] } else { &["-f", format, "-ar", &rate_option, "-ac", "1"] };
        ffmpeg(input, &raw, &["-c:a", "pcm_s16le"], &back);
        let ours = likeness(&pcm, &decode_file(&fs::read(&back).unwrap(), "wav").unwrap());
        println!("{codec}: FFmpeg to us {theirs:.1} dB, us to FFmpeg {ours:.1} dB");
        assert!(theirs > least && ours > least, "{codec}: FFmpeg to us {theirs:.1} dB, us to FFmpeg {ours:.1} dB");
        // One standard: what both decode from the same bytes is the same.
        let both = likeness(&decoded(codec, &encoded(codec, &pcm)), &decode_file(&fs::read(&back).unwrap(), "wav").unwrap());
        assert!(both > 40.0, "{codec}: decoders differ, {both:.1} dB");
    }
}

#[test]
fn opus_understands_ffmpegs_and_is_understood_by_its_own_decoder() {
    let folder = Folder::new("opus");
    let pcm = voice();
    let (says, theirs, ours, back) = (folder.file("says.wav"), folder.file("theirs.opus"), folder.file("ours.opus"), folder.file("back.wav"));
    fs::write(&says, Wav { rate: 16_000, channels: 1 }.file(&pcm.samples)).unwrap();
    // `opus` is FFmpeg's own decoder, written anew from the RFC; `libopus` would be ours again.
    let by_ffmpeg = |file: &Path| {
        ffmpeg(&["-c:a", "opus"], file, &["-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le"], &back);
        decode_file(&fs::read(&back).unwrap(), "wav").unwrap()
    };
    ffmpeg(&[], &says, &["-c:a", "libopus", "-b:a", "64k", "-application", "audio"], &theirs);
    fs::write(&ours, ogg_opus::file(Wav { rate: 16_000, channels: 1 }, &pcm.samples).unwrap()).unwrap();
    for (who, file, least) in [("FFmpeg", &theirs, 12.0), ("we", &ours, 4.0)] {
        let (we_hear, ffmpeg_hears) = (decode_file(&fs::read(file).unwrap(), "").unwrap(), by_ffmpeg(file));
        let (to_us, to_ffmpeg, both) = (likeness(&pcm, &we_hear), likeness(&pcm, &ffmpeg_hears), likeness(&we_hear, &ffmpeg_hears));
        println!("opus made by {who}: we hear {to_us:.1} dB, FFmpeg {to_ffmpeg:.1} dB; of each other {both:.1} dB");
        assert!(to_us > least && to_ffmpeg > least && both > 25.0, "made by {who}: {to_us:.1}, {to_ffmpeg:.1}, {both:.1} dB");
    }
}

#[test]
fn files_of_every_kind_are_read() {
    let folder = Folder::new("files");
    let (pcm, says) = (voice(), folder.file("says.wav"));
    fs::write(&says, Wav { rate: 16_000, channels: 1 }.file(&pcm.samples)).unwrap();
    let kinds: [(&str, &[&str], f64); 20] = [
        ("u8.wav", &["-c:a", "pcm_u8", "-ar", "8000"], 20.0),
        ("s16.wav", &["-c:a", "pcm_s16le", "-ar", "44100", "-ac", "2"], 25.0),
        ("s24.wav", &["-c:a", "pcm_s24le", "-ar", "48000"], 40.0),
        ("s32.wav", &["-c:a", "pcm_s32le", "-ar", "22050", "-ac", "2"], 20.0),
        ("f32.wav", &["-c:a", "pcm_f32le", "-ar", "11025"], 20.0),
        ("f64.wav", &["-c:a", "pcm_f64le"], 60.0),
        ("six.wav", &["-c:a", "pcm_s16le", "-ac", "6"], 20.0),
        ("alaw.wav", &["-c:a", "pcm_alaw", "-ar", "8000"], 25.0),
        ("mulaw.wav", &["-c:a", "pcm_mulaw", "-ar", "8000"], 25.0),
        ("ima.wav", &["-c:a", "adpcm_ima_wav"], 15.0),
        ("ms.wav", &["-c:a", "adpcm_ms"], 15.0),
        ("gsm.wav", &["-c:a", "libgsm_ms", "-ar", "8000", "-ac", "1"], 7.0),
        ("bare.gsm", &["-c:a", "libgsm", "-ar", "8000", "-ac", "1"], 7.0),
        ("bare.ulaw", &["-f", "mulaw", "-ar", "8000", "-ac", "1"], 25.0),
        ("mono.mp3", &["-c:a", "libmp3lame", "-b:a", "64k"], 15.0),
        ("stereo.mp3", &["-c:a", "libmp3lame", "-q:a", "2", "-ac", "2", "-ar", "44100"], 15.0),
        ("vorbis.ogg", &["-c:a", "libvorbis", "-q:a", "6", "-ac", "2"], 12.0),
        ("opus.ogg", &["-c:a", "libopus", "-b:a", "48k", "-ac", "2"], 9.0),
        ("low.opus", &["-c:a", "libopus", "-b:a", "24k", "-frame_duration", "60"], 7.0),
        ("lossless.flac", &["-c:a", "flac", "-ar", "48000"], 40.0),
    ];
    let mut unlike = Vec::new();
    for (name, words, least) in kinds {
        let path = folder.file(name);
        ffmpeg(&[], &says, words, &path);
        let bytes = fs::read(&path).unwrap();
        let found = decode_file(&bytes, name.rsplit('.').next().unwrap()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let lasts = found.duration().as_secs_f64();
        assert!((2.95..3.15).contains(&lasts), "{name}: {lasts} s");
        // Narrow files are compared narrow.
        let rate = found.rate.min(16_000);
        let like = likeness(&resample(&pcm, rate), &resample(&found, rate));
        println!("{name}: {} bytes, {like:.1} dB", bytes.len());
        if like <= least {
            unlike.push(format!("{name}: {like:.1} dB"));
        }
        // The same, cut short and with bytes changed: an error or less sound, never a panic, never more than the file can hold.
        for cut in [1, 20, 60, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            if let Ok(part) = decode_file(&bytes[..cut], name.rsplit('.').next().unwrap()) {
                assert!(part.duration() <= found.duration() * 2, "{name} cut at {cut}: {:?}", part.duration());
            }
        }
        for at in (0..bytes.len().min(600)).step_by(45) {
            let mut changed = bytes.clone();
            changed[at] = changed[at].wrapping_add(0x7f);
            let _ = decode_file(&changed, name.rsplit('.').next().unwrap());
        }
    }
    assert!(unlike.is_empty(), "{unlike:?}");
}
