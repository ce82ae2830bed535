//! The local voice: a Piper (VITS) model on rten, fed with phonemes of our own English reading.
//!
//! One sentence is one run (memory grows with the length of a run), with a short pause between. The model and the
//! dictionary are loaded at the first text and then stay (a prototype took 132 MB, and 270 MB in a long sentence).

use crate::{
    EngineFault, Utterance, Voice,
    english::{
        lexicon::Lexicon,
        phonemes::PhonemeIds,
        reading,
    },
    limits,
    models::{self, ENGLISH_WORDS, GOLD_FILE, SILVER_FILE, VOICE_JOE, VOICE_JOE_CONFIG_FILE, VOICE_JOE_FILE},
    onnx::Onnx,
};
use audio::Pcm;
use rten_tensor::{AsView, NdTensor};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Silence between two sentences, milliseconds. Chosen: what a reading voice leaves.
const PAUSE_MS: u32 = 250;
/// Peak of the rendered speech, of full scale: loud, and G.711 does not clip.
const PEAK: f32 = 0.7;
/// Most a quiet rendering is raised.
const GAIN_MAX: f32 = 4.0;
/// Phoneme characters of one run; longer sentences are cut at a pause. Chosen: some 20 s of speech, which keeps a run under 300 MB.
const RUN_PHONEMES_MAX: usize = 320;

pub(crate) struct Piper {
    dir: PathBuf,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

struct Loaded {
    lexicon: Lexicon,
    ids: PhonemeIds,
    model: Onnx,
    rate: u32,
    /// Noise, length, noise of the lengths: as the voice was made.
    scales: [f32; 3],
}

#[derive(serde::Deserialize)]
struct VoiceFile {
    audio: VoiceAudio,
    inference: VoiceInference,
    phoneme_id_map: BTreeMap<String, Vec<i32>>,
}

#[derive(serde::Deserialize)]
struct VoiceAudio {
    sample_rate: u32,
}

#[derive(serde::Deserialize)]
struct VoiceInference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Piper {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), loaded: Mutex::new(None) }
    }

    fn loaded(&self) -> Result<Arc<Loaded>, EngineFault> {
        let mut slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = slot.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        for package in [VOICE_JOE, ENGLISH_WORDS] {
            if !models::is_installed(&self.dir, package) {
                return Err(EngineFault::Missing(format!(
                    "{package} is not in {}: run `callflow models install`",
                    self.dir.display()
                )));
            }
        }
        let loaded = Arc::new(Loaded::read(&self.dir)?);
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }
}

impl Voice for Piper {
    fn name(&self) -> &str {
        "piper"
    }

    fn fingerprint(&self) -> String {
        // The voice's name stands for its checksum, which the installation verified; the number for our reading of English.
        format!("{VOICE_JOE}/1")
    }

    fn speak(&self, utterance: &Utterance) -> Result<Pcm, EngineFault> {
        let language = utterance.language.to_ascii_lowercase();
        if language.split(['-', '_']).next() != Some("en") {
            return Err(EngineFault::Unsuited(format!("piper speaks English, not {:?}", utterance.language)));
        }
        if let Some(voice) = utterance.voice.as_deref().filter(|voice| !matches!(*voice, "default" | "joe" | VOICE_JOE)) {
            return Err(EngineFault::Unsuited(format!("piper has no voice {voice:?}")));
        }
        let loaded = self.loaded()?;
        let sentences = loaded.lexicon.spell(&reading::read(&utterance.text, &utterance.language));
        let mut sound = Vec::new();
        for sentence in &sentences {
            if !sentence.spelt.is_empty() {
                tracing::debug!(words = sentence.spelt.len(), "words spelt letter by letter");
            }
            for run in runs(&sentence.phonemes) {
                if !sound.is_empty() {
                    sound.resize(sound.len().saturating_add(samples_of(PAUSE_MS, loaded.rate)), 0.0);
                }
                sound.append(&mut loaded.render(&run)?);
            }
        }
        if sound.is_empty() {
            return Err(EngineFault::Unsuited("there is nothing to pronounce in this text".to_owned()));
        }
        Ok(Pcm { rate: loaded.rate, samples: levelled(&sound) })
    }

    fn warm_up(&self) -> Result<(), EngineFault> {
        self.loaded().map(|_| ())
    }
}

impl Loaded {
    fn read(dir: &Path) -> Result<Self, EngineFault> {
        let bytes = |file: &str| {
            let path = dir.join(file);
            fs::read(&path).map_err(|error| EngineFault::Missing(format!("{}: {error}", path.display())))
        };
        let voice: VoiceFile = serde_json::from_slice(&bytes(VOICE_JOE_CONFIG_FILE)?)
            .map_err(|error| EngineFault::Missing(format!("{VOICE_JOE_CONFIG_FILE}: {error}")))?;
        let lexicon = Lexicon::read(&[&bytes(GOLD_FILE)?, &bytes(SILVER_FILE)?])
            .map_err(|error| EngineFault::Missing(format!("{GOLD_FILE}: {error}")))?;
        let VoiceInference { noise_scale, length_scale, noise_w } = voice.inference;
        Ok(Self {
            lexicon,
            ids: PhonemeIds::new(voice.phoneme_id_map),
            model: Onnx::load(&dir.join(VOICE_JOE_FILE), limits::RENDER_NICE)?,
            rate: voice.audio.sample_rate,
            scales: [noise_scale, length_scale, noise_w],
        })
    }

    /// One run: shape `[1, phonemes]` in, `[1, 1, 1, samples]` out, −1 to 1.
    fn render(&self, phonemes: &str) -> Result<Vec<f32>, EngineFault> {
        let ids = self.ids.sequence(phonemes);
        let count = ids.len();
        let length = i32::try_from(count).map_err(|_| EngineFault::Failed("sentence is too long".to_owned()))?;
        let inputs = vec![
            (self.model.node("input")?, NdTensor::from_data([1, count], ids).into()),
            (self.model.node("input_lengths")?, NdTensor::from_data([1], vec![length]).into()),
            (self.model.node("scales")?, NdTensor::from_data([3], self.scales.to_vec()).into()),
        ];
        let [output] = self.model.run(inputs, [self.model.node("output")?])?;
        output
            .into_tensor::<f32>()
            .map(|tensor| tensor.to_vec())
            .ok_or_else(|| EngineFault::Failed("the voice model answered no audio".to_owned()))
    }
}

fn samples_of(milliseconds: u32, rate: u32) -> usize {
    usize::try_from(u64::from(milliseconds) * u64::from(rate) / 1_000).unwrap_or(0)
}

/// A sentence in runs of bearable length, cut behind commas, else between words.
fn runs(phonemes: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in phonemes.split_inclusive(' ') {
        let Some(run) = out.last_mut() else { break };
        let size = run.chars().count();
        let is_full = size + word.chars().count() > RUN_PHONEMES_MAX || (size > RUN_PHONEMES_MAX / 2 && run.trim_end().ends_with(','));
        if is_full && size > 0 {
            out.push(word.to_owned());
        } else {
            run.push_str(word);
        }
    }
    out.retain(|run| run.chars().any(char::is_alphabetic));
    out
}

fn levelled(sound: &[f32]) -> Vec<i16> {
    let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let gain = if peak > 0.0 { (PEAK / peak).min(GAIN_MAX) } else { 0.0 };
    sound.iter().map(|sample| (sample * gain * 32_767.0).clamp(-32_768.0, 32_767.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_cut_where_one_breathes() {
        let short = "wʌn tuː, θɹiː.";
        assert_eq!(runs(short), [short]);
        let long = "wʌn tuː, ".repeat(100);
        let cut = runs(&long);
        assert!(cut.len() > 2 && cut.iter().all(|run| run.chars().count() <= RUN_PHONEMES_MAX), "{}", cut.len());
        assert_eq!(cut.concat(), long);
        assert!(cut.iter().all(|run| run.trim_end().ends_with(',')));
        assert!(runs(&"a".repeat(1_000)).len() == 1);
    }

    #[test]
    fn loudness_is_the_same_for_every_text() {
        assert_eq!(levelled(&[0.0, 0.35, -0.35]), [0, 22_936, -22_936]);
        assert_eq!(levelled(&[]), [] as [i16; 0]);
        assert_eq!(levelled(&[f32::NAN]).len(), 1);
    }
}
