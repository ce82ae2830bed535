//! The local recogniser: Whisper through whisper.cpp (`whisper-rs`).
//!
//! One thread a job: whisper.cpp spin-waits, and two threads on a busy machine took nine times the CPU of one. The
//! encoder's window follows the clip (`audio_ctx`), which halves the work of short messages; but never below 768, where
//! tiny.en begins to loop. Whisper invents words for silence and "(beeping)" for tones: a voice detector stands in front and
//! bracketed noises are stripped behind.

use crate::{
    EngineFault, Recogniser, Words, limits,
    models::{self, BASE, BASE_FILE, TINY_EN, TINY_EN_FILE},
    silero::Silero,
};
use audio::Pcm;
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

/// Whisper's sample rate, Hz.
const RATE: u32 = 16_000;
/// Encoder positions: 50 a second, at least 768 (below, tiny.en loops), 1,500 for a whole window of 30 s.
const POSITIONS_A_SECOND: usize = 50;
const POSITIONS_SPARE: usize = 64;
const POSITIONS_MIN: usize = 768;
const POSITIONS_MAX: usize = 1_500;
/// A second answer is tried at temperature 0.4, a third at 0.8, and no more.
const TEMPERATURE_STEP: f32 = 0.4;
/// Tokens of one segment: ten a second is twice the fastest speech; a loop ends here.
const TOKENS_A_SECOND: usize = 10;
const TOKENS_SPARE: usize = 30;
const TOKENS_MAX: usize = 220;
/// A job may take this long and ten times its audio. Measured: a tenth of its audio on an idle core; a loaded core is slower.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_PER_AUDIO: u32 = 10;
/// whisper.cpp refuses less than 100 ms; short clips are padded with silence to one second.
const SAMPLES_MIN: usize = 16_000;

thread_local! {
    /// When the job of this thread must end. The abort callback is a function without captures, because `whisper-rs` 0.16
    /// hands a closure's captures to C by a wrong pointer (two boxes, one dereference); one without captures is sound.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

pub(crate) struct Whisper {
    dir: PathBuf,
    package: &'static str,
    file: &'static str,
    is_english_only: bool,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

struct Loaded {
    context: WhisperContext,
    detector: Silero,
    /// Working memory of jobs that are over, for the next ones.
    idle: Mutex<Vec<WhisperState>>,
}

impl Whisper {
    /// `tiny.en` or `base`.
    pub(crate) fn new(dir: &Path, model: &str) -> Option<Self> {
        let (package, file, is_english_only) = match model {
            "tiny.en" | TINY_EN => (TINY_EN, TINY_EN_FILE, true),
            "base" | BASE => (BASE, BASE_FILE, false),
            _ => return None,
        };
        Some(Self { dir: dir.to_owned(), package, file, is_english_only, loaded: Mutex::new(None) })
    }

    fn loaded(&self) -> Result<Arc<Loaded>, EngineFault> {
        let mut slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = slot.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        if !models::is_installed(&self.dir, self.package) {
            return Err(EngineFault::Missing(format!(
                "{} is not in {}: run `callflow models install {}`",
                self.package,
                self.dir.display(),
                self.package
            )));
        }
        // whisper.cpp writes to standard error otherwise.
        whisper_rs::install_logging_hooks();
        let detector = Silero::load(&self.dir)?;
        let context = WhisperContext::new_with_params(self.dir.join(self.file), WhisperContextParameters::default())
            .map_err(|error| EngineFault::Missing(format!("{}: {error}", self.file)))?;
        let loaded = Arc::new(Loaded { context, detector, idle: Mutex::new(Vec::new()) });
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The language to tell Whisper: `None` lets it find out.
    fn language(&self, asked: Option<&str>) -> Result<Option<String>, EngineFault> {
        let primary = asked.and_then(|tag| tag.split(['-', '_']).next()).map(str::to_ascii_lowercase);
        match primary {
            Some(language) if self.is_english_only && language != "en" => {
                Err(EngineFault::Unsuited(format!("{} understands English, not {language:?}", self.package)))
            }
            _ if self.is_english_only => Ok(Some("en".to_owned())),
            Some(language) if language.contains('\0') || whisper_rs::get_lang_id(&language).is_none() => {
                Err(EngineFault::Unsuited(format!("{} does not know the language {language:?}", self.package)))
            }
            other => Ok(other),
        }
    }
}

impl Recogniser for Whisper {
    fn model(&self) -> &str {
        self.package
    }

    fn recognise(&self, sound: &Pcm, language: Option<&str>) -> Result<Words, EngineFault> {
        let language = self.language(language)?;
        let loaded = self.loaded()?;
        let heard = if sound.rate == 8_000 { sound.clone() } else { audio::resample(sound, RATE) };
        let Some(speech) = loaded.detector.speech(&heard)? else {
            return Ok(Words { text: String::new(), language: None, confidence: None });
        };
        let spoken = Pcm { rate: heard.rate, samples: heard.samples.get(speech).unwrap_or_default().to_vec() };
        let wide = if spoken.rate == RATE { spoken } else { audio::resample(&spoken, RATE) };
        let mut samples: Vec<f32> = wide.samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        samples.resize(samples.len().max(SAMPLES_MIN), 0.0);
        let idle = loaded.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut state = match idle {
            Some(state) => state,
            None => loaded.context.create_state().map_err(|error| EngineFault::Failed(error.to_string()))?,
        };
        run(&mut state, &samples, language.as_deref())?;
        let words = words_of(&state, loaded.context.token_eot());
        loaded.idle.lock().unwrap_or_else(PoisonError::into_inner).push(state);
        Ok(words)
    }

    fn warm_up(&self) -> Result<(), EngineFault> {
        self.loaded().map(|_| ())
    }
}

fn run(state: &mut WhisperState, samples: &[f32], language: Option<&str>) -> Result<(), EngineFault> {
    let seconds = samples.len().div_ceil(RATE as usize);
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_n_threads(1);
    params.set_language(Some(language.unwrap_or("auto")));
    params.set_translate(false);
    params.set_no_context(true);
    params.set_suppress_blank(true);
    params.set_suppress_nst(true);
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    params.set_temperature(0.0);
    params.set_temperature_inc(TEMPERATURE_STEP);
    let positions = (seconds * POSITIONS_A_SECOND + POSITIONS_SPARE).clamp(POSITIONS_MIN, POSITIONS_MAX);
    params.set_audio_ctx(i32::try_from(positions).unwrap_or(0));
    let tokens = (seconds * TOKENS_A_SECOND + TOKENS_SPARE).min(TOKENS_MAX);
    params.set_max_tokens(i32::try_from(tokens).unwrap_or(0));
    abort_when(&mut params, is_too_late);
    let audio_length = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    let patience = PATIENCE.saturating_add(audio_length.saturating_mul(PATIENCE_PER_AUDIO));
    DEADLINE.set(Some(clock() + patience));
    let result = state.full(params, samples);
    let was_late = is_too_late();
    DEADLINE.set(None);
    match result {
        Ok(()) => Ok(()),
        Err(_) if was_late => Err(EngineFault::TimedOut(patience)),
        Err(error) => Err(EngineFault::Failed(error.to_string())),
    }
}

#[expect(clippy::disallowed_methods, reason = "an engine at work measures its own time; nothing pure is decided by it")]
fn clock() -> Instant {
    Instant::now()
}

/// Names the closure's own type, which the binding needs: a plain function item has no size, so that the pointer the binding keeps
/// of it cannot dangle.
fn abort_when<F: FnMut() -> bool + 'static>(params: &mut FullParams<'_, '_>, condition: F) {
    params.set_abort_callback_safe::<Option<F>, F>(Some(condition));
}

fn is_too_late() -> bool {
    DEADLINE.get().is_some_and(|deadline| clock() > deadline)
}

fn words_of(state: &WhisperState, end_of_text: i32) -> Words {
    let mut text = String::new();
    let (mut sum, mut count) = (0.0_f32, 0.0_f32);
    for segment in state.as_iter() {
        text.push_str(&segment.to_str_lossy().unwrap_or_default());
        for at in 0..segment.n_tokens() {
            if let Some(token) = segment.get_token(at).filter(|token| token.token_id() < end_of_text) {
                sum += token.token_probability();
                count += 1.0;
            }
        }
    }
    let text = without_noises(&text);
    let confidence = (count > 0.0 && !text.is_empty()).then(|| (sum / count).clamp(0.0, 1.0));
    let language = whisper_rs::get_lang_str(state.full_lang_id_from_state()).map(str::to_owned);
    Words { language: language.filter(|_| !text.is_empty()), text, confidence }
}

/// Takes out `(beeping)`, `[BLANK_AUDIO]`, `*sighs*`, `♪`, and doubled blanks; `(555)` stays.
pub(crate) fn without_noises(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['(', '[', '*', '♪', '♫']) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let opening = tail.chars().next().unwrap_or('(');
        let inside = tail.get(opening.len_utf8()..).unwrap_or("");
        let closing = match opening {
            '(' => ')',
            '[' => ']',
            other => other,
        };
        match inside.split_once(closing) {
            Some((noise, after)) if matches!(opening, '(' | '[' | '*') && !noise.chars().any(|c| c.is_ascii_digit()) => rest = after,
            Some(_) | None => {
                if matches!(opening, '(' | '[') {
                    out.push(opening);
                }
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().any(char::is_alphanumeric) { words } else { String::new() }
}

/// Longest audio a job is given, in samples at a rate.
pub(crate) fn samples_max(rate: u32) -> usize {
    usize::try_from(u64::from(rate) * u64::from(limits::TRANSCRIBE_SECONDS_MAX)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn noises_are_no_words() {
        for (heard, words) in [
            (" Hello, it's Ann. ", "Hello, it's Ann."),
            ("(beeping)", ""),
            ("[BLANK_AUDIO]", ""),
            ("Hello (coughs) there *sighs* you", "Hello there you"),
            ("♪ la la ♪", "la la"),
            ("call (555) 0100", "call (555) 0100"),
            ("a ( lonely bracket", "a ( lonely bracket"),
            (" . ", ""),
        ] {
            assert_eq!(without_noises(heard), words);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn no_answer_panics(text in "[a-z0-9()\\[\\]*♪ ]{0,40}") {
            let once = without_noises(&text);
            prop_assert!(!once.contains('♪'));
        }
    }
}
