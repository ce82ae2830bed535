//! What is made of a finished recording: silence before the first word cut off, its loudness that of prompts, Ogg Opus in place of
//! WAV. The recording as it was spoken stays until the new file is safe beside it. Of a message only the loudness is left to do, and
//! [`store::Polish`] says when.

use audio::{Pcm, SpeechDetector, loudness, ogg_opus, wav};
use flow::FileFormat;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Longer recordings stay as they are, bytes of WAV: an hour in stereo at 16 kHz. Ten times as much memory is needed meanwhile.
const BYTES_MAX: u64 = 230_400_000;

/// Frames of the speech detector, 20 ms each.
const FRAMES_A_SECOND: usize = 50;

/// What is wished.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Polish {
    /// Where it begins.
    pub(super) from: Duration,
    /// The loudness it is brought to, LUFS, each channel by itself.
    pub(super) loudness: Option<f32>,
    pub(super) format: FileFormat,
}

impl Polish {
    /// The file is right as it is.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Does what is wished to a finished WAV file; gives the file there is now. A power cut or a fault in between leaves the WAV,
/// which is told in the log and used instead.
pub(super) fn polished(recorded: &Path, polish: &Polish) -> PathBuf {
    let wanted = match polish.format {
        FileFormat::Wav => recorded.to_owned(),
        FileFormat::Opus => recorded.with_extension("opus"),
    };
    match make(recorded, &wanted, polish) {
        Ok(()) => wanted,
        Err(fault) => {
            tracing::warn!(file = %recorded.display(), %fault, "a recording stays as it was spoken");
            recorded.to_owned()
        }
    }
}

fn make(recorded: &Path, wanted: &Path, polish: &Polish) -> io::Result<()> {
    let other = |fault: audio::AudioFault| io::Error::other(fault.to_string());
    if fs::metadata(recorded)?.len() > BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {BYTES_MAX} bytes")));
    }
    let (head, mut samples) = wav::read(&fs::read(recorded)?).map_err(other)?;
    let channels = usize::from(head.channels.max(1));
    let before = (polish.from.as_millis() as usize * head.rate as usize / 1_000 * channels).min(samples.len());
    samples.drain(..before);
    if let Some(target) = polish.loudness {
        level(head, &mut samples, target);
    }
    let bytes = match polish.format {
        FileFormat::Wav => head.file(&samples),
        FileFormat::Opus => ogg_opus::file(head, &samples).map_err(other)?,
    };
    let part = wanted.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&part, wanted)?;
    if let Some(folder) = wanted.parent() {
        File::open(folder)?.sync_all()?;
    }
    if wanted == recorded { Ok(()) } else { fs::remove_file(recorded) }
}

/// Brings each channel by itself to a loudness.
fn level(head: wav::Wav, samples: &mut [i16], target: f32) {
    let channels = usize::from(head.channels.max(1));
    for channel in 0..channels {
        let mut own = Pcm { rate: head.rate, samples: samples.iter().skip(channel).step_by(channels).copied().collect() };
        loudness::normalise(&mut own, target);
        samples.iter_mut().skip(channel).step_by(channels).zip(own.samples).for_each(|(to, from)| *to = from);
    }
}

/// A message's WAV file at the loudness of prompts; `None` when it has it, or when nobody speaks in it: noise is not blown up.
///
/// # Errors
/// What is no recording, or too long for memory.
pub(super) fn levelled(spoken: &[u8], target: f32) -> Result<Option<Vec<u8>>, String> {
    if spoken.len() as u64 > BYTES_MAX {
        return Err(format!("it is longer than {BYTES_MAX} bytes"));
    }
    let (head, before) = wav::read(spoken).map_err(|fault| fault.to_string())?;
    if !has_speech(head, &before) {
        return Ok(None);
    }
    let mut samples = before.clone();
    level(head, &mut samples, target);
    Ok((samples != before).then(|| head.file(&samples)))
}

/// Whether somebody speaks. The detector hears it all once before, so that it knows the noise when it judges.
fn has_speech(head: wav::Wav, samples: &[i16]) -> bool {
    let frame = (head.rate as usize / FRAMES_A_SECOND * usize::from(head.channels.max(1))).max(1);
    let mut detector = SpeechDetector::new();
    samples.chunks(frame).for_each(|samples| _ = detector.frame(samples));
    // What hangs over from the end is of the end.
    (0..FRAMES_A_SECOND).for_each(|_| _ = detector.frame_at(detector.noise()));
    samples.chunks(frame).any(|samples| detector.frame(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of silence and a second of a quiet tone, in a file of this name in a folder of its own.
    fn recording(name: &str, channels: u16) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("callflow-archive-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let tone = |at: usize| if at < 8_000 { 0 } else { ((at as f32 * 0.3).sin() * 800.0) as i16 };
        let samples: Vec<i16> = (0..16_000 * usize::from(channels)).map(|at| tone(at / usize::from(channels))).collect();
        let path = folder.join("a.wav");
        fs::write(&path, wav::Wav { rate: 8_000, channels }.file(&samples)).unwrap();
        path
    }

    #[test]
    fn a_recording_becomes_opus_and_what_is_no_recording_stays() {
        let path = recording("opus", 1);
        let folder = path.parent().unwrap();
        let opus = Polish { format: FileFormat::Opus, ..Polish::default() };
        let encoded = polished(&path, &opus);
        assert_eq!(encoded, folder.join("a.opus"));
        assert!(!path.exists(), "the WAV is gone");
        let pcm = audio::decode_file(&fs::read(&encoded).unwrap(), "opus").unwrap();
        assert!((1.95..2.1).contains(&pcm.duration().as_secs_f32()));
        let broken = folder.join("b.wav");
        fs::write(&broken, b"no sound").unwrap();
        assert_eq!(polished(&broken, &opus), broken);
        assert!(broken.exists() && !folder.join("b.opus").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn silence_before_the_first_word_is_cut_and_each_side_brought_to_one_loudness() {
        for channels in [1, 2] {
            let path = recording(&format!("polish-{channels}"), channels);
            let polish = Polish { from: Duration::from_millis(700), loudness: Some(-23.0), format: FileFormat::Wav };
            assert!(!polish.is_nothing() && Polish::default().is_nothing());
            assert_eq!(polished(&path, &polish), path);
            let (head, samples) = wav::read(&fs::read(&path).unwrap()).unwrap();
            assert_eq!((head.channels, samples.len()), (channels, 10_400 * usize::from(channels)));
            let side = Pcm { rate: 8_000, samples: samples.iter().step_by(usize::from(channels)).copied().collect() };
            let lufs = loudness::loudness(&side).unwrap();
            assert!((-24.0..-22.0).contains(&lufs), "{lufs} LUFS");
            assert!(side.samples[..2_000].iter().all(|sample| *sample == 0), "300 ms are left before the word");
            fs::remove_dir_all(path.parent().unwrap()).unwrap();
        }
    }

    /// Eight seconds of a room's noise, and from the second to the sixth somebody who speaks in syllables, if at all.
    fn message(noise: i32, voice: f32) -> Vec<u8> {
        let mut state = 1_u32;
        let sample = |at: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = if noise == 0 { 0 } else { (state >> 16).cast_signed() % (2 * noise + 1) - noise };
            let t = at as f32 / 8_000.0;
            let speaks = (2.0..6.0).contains(&t) && (t * 3.0).fract() < 0.6;
            (hiss as f32 + if speaks { voice * (t * 1_200.0).sin() } else { 0.0 }) as i16
        };
        wav::Wav { rate: 8_000, channels: 1 }.file(&(0..64_000).map(sample).collect::<Vec<i16>>())
    }

    #[test]
    fn a_quiet_caller_is_as_loud_as_prompts_and_a_noise_alone_stays_as_it_is() {
        let lufs = |bytes: &[u8]| {
            let (head, samples) = wav::read(bytes).unwrap();
            loudness::loudness(&Pcm { rate: head.rate, samples }).unwrap()
        };
        for (what, spoken) in [("quiet", message(8, 500.0)), ("a noisy street", message(150, 2_500.0)), ("loud", message(8, 28_000.0))] {
            let levelled = levelled(&spoken, -23.0).unwrap().unwrap();
            assert!((lufs(&levelled) + 23.0).abs() < 1.0, "{what}: {} became {} LUFS", lufs(&spoken), lufs(&levelled));
            assert_eq!(levelled.len(), spoken.len(), "{what}");
            assert_eq!(levelled[..wav::HEADER_BYTES], spoken[..wav::HEADER_BYTES], "{what}: the same head");
        }
        for (what, silent) in [("faint", message(20, 0.0)), ("a fan", message(400, 0.0)), ("nothing", message(0, 0.0)), ("empty", wav::Wav { rate: 8_000, channels: 1 }.file(&[]))] {
            assert_eq!(levelled(&silent, -23.0), Ok(None), "{what}");
        }
        let right = levelled(&message(8, 500.0), -23.0).unwrap().unwrap();
        assert_eq!(levelled(&right, -23.0), Ok(None), "what is done is not done again");
        assert!(levelled(b"no sound", -23.0).is_err());
    }
}
