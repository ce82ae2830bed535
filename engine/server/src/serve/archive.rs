//! Finished recordings in a smaller form: `record: { format: opus }`.

use audio::{ogg_opus, wav};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Turns a finished WAV file into Ogg Opus beside it and removes the WAV; gives the file there is now. A power cut or a fault
/// in between leaves the WAV, which is told in the log and used instead.
pub(super) fn as_opus(recorded: &Path) -> PathBuf {
    let encoded = recorded.with_extension("opus");
    match encode(recorded, &encoded) {
        Ok(()) => encoded,
        Err(fault) => {
            tracing::warn!(file = %recorded.display(), %fault, "a recording stays WAV");
            recorded.to_owned()
        }
    }
}

fn encode(recorded: &Path, encoded: &Path) -> io::Result<()> {
    let other = |fault: audio::AudioFault| io::Error::other(fault.to_string());
    let (head, samples) = wav::read(&fs::read(recorded)?).map_err(other)?;
    let bytes = ogg_opus::file(head, &samples).map_err(other)?;
    let part = encoded.with_extension("opus.part");
    let mut file = File::create(&part)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&part, encoded)?;
    if let Some(folder) = encoded.parent() {
        File::open(folder)?.sync_all()?;
    }
    fs::remove_file(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_becomes_opus_and_what_is_no_recording_stays() {
        let folder = std::env::temp_dir().join(format!("callflow-archive-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.wav");
        let samples: Vec<i16> = (0..16_000).map(|at| ((at as f32 * 0.3).sin() * 8_000.0) as i16).collect();
        fs::write(&path, wav::Wav { rate: 8_000, channels: 1 }.file(&samples)).unwrap();
        let encoded = as_opus(&path);
        assert_eq!(encoded, folder.join("a.opus"));
        assert!(!path.exists(), "the WAV is gone");
        let pcm = audio::decode_file(&fs::read(&encoded).unwrap(), "opus").unwrap();
        assert!((1.95..2.1).contains(&pcm.duration().as_secs_f32()));
        let broken = folder.join("b.wav");
        fs::write(&broken, b"no sound").unwrap();
        assert_eq!(as_opus(&broken), broken);
        assert!(broken.exists() && !folder.join("b.opus").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
