//! Stories of the door: chains, flights, the cache, and the real models end to end.

use super::*;
use crate::{errors::word_error_rate, models};
use std::{path::PathBuf, time::Duration};

/// A voice that counts, and does as told.
struct Scripted {
    name: &'static str,
    asked: AtomicUsize,
    /// Rendering waits for this gate to open.
    gate: Option<Mutex<Receiver<()>>>,
    answer: fn() -> Result<Pcm, EngineFault>,
}

impl Voice for Scripted {
    fn name(&self) -> &str {
        self.name
    }
    fn fingerprint(&self) -> String {
        "1".to_owned()
    }
    fn speak(&self, _: &Utterance) -> Result<Pcm, EngineFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.lock().unwrap().recv().unwrap();
        }
        (self.answer)()
    }
}

fn scripted(name: &'static str, answer: fn() -> Result<Pcm, EngineFault>) -> Arc<Scripted> {
    Arc::new(Scripted { name, asked: AtomicUsize::new(0), gate: None, answer })
}

fn beep() -> Result<Pcm, EngineFault> {
    Ok(tone(16_000, 440.0, 500))
}

fn tone(rate: u32, hertz: f32, ms: u32) -> Pcm {
    let sample = |at: u32| (12_000.0 * (at as f32 * hertz * std::f32::consts::TAU / rate as f32).sin()) as i16;
    Pcm { rate, samples: (0..rate * ms / 1_000).map(sample).collect() }
}

fn say(text: &str) -> Say {
    Say { text: text.to_owned(), language: "en-US".to_owned(), voice: None, rate: 8_000 }
}

fn config(name: &str) -> SpeechConfig {
    let dir = std::env::temp_dir().join(format!("callflow-speech-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    SpeechConfig { cache: Some(dir), ..SpeechConfig::default() }
}

fn speech_of(config: &SpeechConfig, voices: &[&Arc<Scripted>]) -> Speech {
    let voices = voices.iter().map(|voice| Arc::clone(*voice) as Arc<dyn Voice>).collect();
    Speech::with_engines(config, voices, Vec::new()).unwrap()
}

#[tokio::test]
async fn each_failing_engine_hands_over_to_the_next() {
    let config = config("chain");
    let missing = scripted("missing", || Err(EngineFault::Missing("no model".to_owned())));
    let panicking = scripted("panicking", || panic!("a bug in an engine"));
    let silent = scripted("silent", || Ok(Pcm { rate: 8_000, samples: vec![0; 8_000] }));
    let good = scripted("good", beep);
    let never = scripted("never", beep);
    let speech = speech_of(&config, &[&missing, &panicking, &silent, &good, &never]);
    let spoken = speech.say(say("Welcome to the office")).await.unwrap();
    assert_eq!((spoken.engine.as_str(), spoken.cached, spoken.stand_in), ("good", false, false));
    assert_eq!((spoken.sound.rate, spoken.sound.duration().as_millis()), (8_000, 500));
    let asked = [&missing, &panicking, &silent, &good, &never].map(|voice| voice.asked.load(Ordering::SeqCst));
    assert_eq!(asked, [1, 1, 1, 1, 0]);
    assert_eq!(speech.snapshot().engine_failures, 3);
    std::fs::remove_dir_all(config.cache.unwrap()).unwrap();
}

#[tokio::test]
async fn without_any_engine_a_call_is_not_silent() {
    let config = SpeechConfig { cache: None, ..SpeechConfig::default() };
    let broken = scripted("broken", || Err(EngineFault::TimedOut(Duration::from_secs(1))));
    let speech = speech_of(&config, &[&broken]);
    let digits = speech.say(say("You have 12 messages")).await.unwrap();
    assert_eq!((digits.engine.as_str(), digits.stand_in), ("system", false));
    let other = speech.say(say("Welcome to Example Limited")).await.unwrap();
    assert!(other.stand_in && other.sound.duration() > Duration::from_secs(1));
    assert!(audio::level::dbfs(&other.sound.samples) > -30.0);
    assert_eq!(speech.snapshot().builtin, 2);
    let none = speech_of(&config, &[]).say(say("hello")).await.unwrap();
    assert!(none.stand_in);
}

#[tokio::test]
async fn what_was_rendered_once_comes_from_disk_also_after_a_restart() {
    let config = config("restart");
    let voice = scripted("good", beep);
    let first = speech_of(&config, &[&voice]).say(say(" Hello ")).await.unwrap();
    let restarted = speech_of(&config, &[&voice]);
    let second = restarted.say(say("Hello")).await.unwrap();
    assert!(!first.cached && second.cached);
    assert_eq!(first.sound, second.sound);
    assert!(!restarted.say(Say { rate: 16_000, ..say("Hello") }).await.unwrap().cached);
    assert_eq!(voice.asked.load(Ordering::SeqCst), 2);
    assert_eq!((restarted.snapshot().cache_hits, restarted.snapshot().rendered), (1, 1));
    std::fs::remove_dir_all(config.cache.unwrap()).unwrap();
}

#[tokio::test]
async fn one_text_asked_by_many_at_once_is_rendered_once() {
    let config = config("flight");
    let (open, gate) = sync_channel(1);
    let voice = Arc::new(Scripted { name: "slow", asked: AtomicUsize::new(0), gate: Some(Mutex::new(gate)), answer: beep });
    let speech = Arc::new(speech_of(&config, &[&voice]));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let speech = Arc::clone(&speech);
            tokio::spawn(async move { speech.say(say("Hello")).await.unwrap().sound })
        })
        .collect();
    // All wait for the one rendering, which waits for the gate.
    while voice.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(speech.snapshot().renderings_pending, 1);
    open.send(()).unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap().duration().as_millis(), 500);
    }
    assert_eq!(voice.asked.load(Ordering::SeqCst), 1);
    std::fs::remove_dir_all(config.cache.unwrap()).unwrap();
}

#[tokio::test]
async fn when_too_much_waits_callers_get_the_built_in_prompts_at_once() {
    let config = SpeechConfig { cache: None, ..SpeechConfig::default() };
    let (open, gate) = sync_channel(1_000);
    let voice = Arc::new(Scripted { name: "slow", asked: AtomicUsize::new(0), gate: Some(Mutex::new(gate)), answer: beep });
    let speech = speech_of(&config, &[&voice]);
    let mut waiting = Vec::new();
    let refused = loop {
        match speech.board(&say(&format!("text {}", waiting.len()))) {
            Some(flight) => waiting.push(flight),
            None => break waiting.len(),
        }
    };
    assert!((limits::RENDER_QUEUE_MAX..=limits::RENDER_QUEUE_MAX + 1).contains(&refused), "{refused}");
    assert!(speech.say(say("one more")).await.unwrap().stand_in);
    for _ in 0..refused {
        open.send(()).unwrap();
    }
    for mut flight in waiting {
        assert_eq!(flight.wait_for(Option::is_some).await.unwrap().as_ref().unwrap().engine, "slow");
    }
}

#[tokio::test]
async fn requests_without_sense_are_refused() {
    let speech = speech_of(&SpeechConfig { cache: None, ..SpeechConfig::default() }, &[]);
    for bad in [say("  "), say(&"x".repeat(2_001)), Say { rate: 7_999, ..say("x") }] {
        assert!(matches!(speech.say(bad).await, Err(SpeechFault::BadRequest(_))));
    }
    let nothing = Transcribe { heard: Heard::Sound(Arc::new(Pcm { rate: 8_000, samples: Vec::new() })), language: None };
    assert!(matches!(speech.transcribe(nothing).await, Err(SpeechFault::BadRequest(_))));
    let absent = Transcribe { heard: Heard::Wav(PathBuf::from("/no/such.wav")), language: None };
    assert!(matches!(speech.transcribe(absent).await, Err(SpeechFault::BadRequest(_))));
    let unheard = Transcribe { heard: Heard::Sound(Arc::new(tone(8_000, 440.0, 100))), language: None };
    assert!(matches!(speech.transcribe(unheard).await, Err(SpeechFault::NoEngine(_))));
    for wrong in [
        SpeechConfig { recognisers: vec![RecogniserConfig::Whisper { model: "huge".to_owned() }], ..SpeechConfig::default() },
        SpeechConfig { cache: Some(PathBuf::from("/proc/no/such")), ..SpeechConfig::default() },
    ] {
        assert!(matches!(Speech::new(wrong), Err(SpeechFault::BadRequest(_))));
    }
}

#[tokio::test]
async fn missing_models_say_what_to_run() {
    let config = SpeechConfig { models: PathBuf::from("/no/models"), cache: None, ..SpeechConfig::default() };
    let speech = Speech::new(config).unwrap();
    assert!(speech.say(say("Welcome, friend")).await.unwrap().stand_in);
    let job = Transcribe { heard: Heard::Sound(Arc::new(tone(8_000, 440.0, 1_000))), language: None };
    let fault = speech.transcribe(job).await.unwrap_err().to_string();
    assert!(fault.contains("callflow models install whisper-tiny.en"), "{fault}");
}

// ---- with the real models ----

fn installed() -> SpeechConfig {
    let models = models::default_dir();
    for package in models::catalogue().iter().filter(|package| package.is_default) {
        assert!(
            models::is_installed(&models, package.name),
            "this test needs {} in {}: run `callflow models install` (or set CALLFLOW_MODELS)",
            package.name,
            models.display()
        );
    }
    SpeechConfig { models, cache: None, ..SpeechConfig::default() }
}

/// As a telephone hears it: 8 kHz and 8 logarithmic bits.
fn through_a_telephone(sound: &Pcm) -> Pcm {
    let narrow = if sound.rate == 8_000 { sound.clone() } else { audio::resample(sound, 8_000) };
    let mut encoder = audio::Encoder::new(terms::Codec::Pcmu);
    let mut decoder = audio::Decoder::new(terms::Codec::Pcmu);
    let mut samples = Vec::new();
    for frame in narrow.samples.chunks(160) {
        let mut full = [0; 160];
        full[..frame.len()].copy_from_slice(frame);
        let (mut bytes, mut heard) = ([0; 160], [0; 160]);
        encoder.encode(&full, &mut bytes);
        decoder.decode(&bytes, &mut heard);
        samples.extend_from_slice(&heard);
    }
    Pcm { rate: 8_000, samples }
}

async fn written_down(speech: &Speech, sound: Pcm) -> Transcript {
    speech.transcribe(Transcribe { heard: Heard::Sound(Arc::new(sound)), language: Some("en".to_owned()) }).await.unwrap()
}

#[tokio::test]
async fn what_the_voice_says_through_a_telephone_is_what_the_recogniser_writes() {
    let speech = Speech::new(installed()).unwrap();
    let (mut errors, mut words) = (0.0, 0.0);
    for (text, said) in [
        ("For sales, press 1. For support, press 2. To leave a message, press 3.", "For sales, press one. For support, press two. To leave a message, press three."),
        ("Please leave your name and telephone number after the tone.", "Please leave your name and telephone number after the tone."),
        ("Our office is closed. We are open from nine in the morning to five in the afternoon.", "Our office is closed. We are open from nine in the morning to five in the afternoon."),
        ("You have twelve new messages and one old message.", "You have twelve new messages and one old message."),
        ("Something went wrong on our side. Please call again later.", "Something went wrong on our side. Please call again later."),
        ("Your appointment with Doctor Smith is on the second Monday in January.", "Your appointment with Doctor Smith is on the second Monday in January."),
    ] {
        let spoken = speech.say(say(text)).await.unwrap();
        assert_eq!(spoken.engine, "piper");
        let transcript = written_down(&speech, through_a_telephone(&spoken.sound)).await;
        let count = said.split_whitespace().count() as f64;
        let heard = in_words(&transcript.text);
        errors += word_error_rate(said, &heard) * count;
        words += count;
        assert_eq!((transcript.model.as_str(), transcript.language.as_deref()), ("whisper-tiny.en", Some("en")));
        assert!(transcript.confidence.is_some_and(|confidence| confidence > 0.5));
    }
    let rate = errors / words;
    assert!(rate <= 0.10, "word error rate {rate}");
}

/// Recognisers write digits or words as they like; the comparison is in words.
fn in_words(heard: &str) -> String {
    crate::english::reading::plain(&crate::english::reading::read(heard, "en-US"))
}

/// Numbers come back as figures, grouped and punctuated as the recogniser likes ("4711", "9.30"), so letters and figures are
/// compared, not words. The voice never speaks twice alike (its model draws noise), so that half past nine is "nine turkey" now and
/// then: a quarter of the letters is far from what nonsense has, and far from the worst that was heard.
#[tokio::test]
async fn numbers_are_understood() {
    let speech = Speech::new(installed()).unwrap();
    let spelt = |text: &str| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).map(|c| format!("{c} ")).collect::<String>();
    let (mut errors, mut letters, mut all_heard) = (0.0, 0.0, Vec::new());
    for text in ["Your code is 4 7 1 1.", "It is 9:30 in the morning.", "That costs $12.50.", "Call us on the 22nd of November.", "There are 345 callers in front of you."] {
        let spoken = speech.say(say(text)).await.unwrap();
        let transcript = written_down(&speech, through_a_telephone(&spoken.sound)).await;
        all_heard.push(transcript.text.clone());
        let said = spelt(text);
        let count = said.split_whitespace().count() as f64;
        errors += word_error_rate(&said, &spelt(&transcript.text)) * count;
        letters += count;
    }
    assert!(errors / letters <= 0.25, "letter error rate {}: {all_heard:?}", errors / letters);
}

#[tokio::test]
async fn silence_tones_and_noise_are_no_words() {
    let speech = Speech::new(installed()).unwrap();
    let mut seed = 7_u32;
    let mut noise = |level: i32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 16) as i32 % level) as i16
    };
    let ringing = tone(8_000, 440.0, 4_000);
    let busy: Vec<i16> = tone(8_000, 480.0, 4_000).samples.iter().enumerate().map(|(at, s)| if at % 8_000 < 4_000 { *s } else { 0 }).collect();
    for (what, sound) in [
        ("silence", Pcm { rate: 8_000, samples: vec![0; 40_000] }),
        ("440 Hz", ringing),
        ("440 Hz at 16 kHz", tone(16_000, 440.0, 3_000)),
        ("a busy tone", Pcm { rate: 8_000, samples: busy }),
        ("line noise", Pcm { rate: 8_000, samples: (0..40_000).map(|_| noise(1_500)).collect() }),
        ("a click", Pcm { rate: 8_000, samples: [vec![0; 8_000], vec![20_000; 40], vec![0; 8_000]].concat() }),
    ] {
        let transcript = written_down(&speech, sound).await;
        assert_eq!(transcript.text, "", "{what}");
        assert_eq!((transcript.language, transcript.confidence), (None, None), "{what}");
    }
}

#[tokio::test]
async fn speech_between_silences_and_rates_is_found() {
    let speech = Speech::new(installed()).unwrap();
    let spoken = speech.say(Say { rate: 16_000, ..say("Hello, this is a test of the telephone.") }).await.unwrap();
    let mut samples = vec![0; 64_000];
    samples.extend_from_slice(&spoken.sound.samples);
    samples.resize(samples.len() + 48_000, 0);
    let path = std::env::temp_dir().join(format!("callflow-heard-{}.wav", std::process::id()));
    std::fs::write(&path, audio::wav::Wav { rate: 16_000, channels: 1 }.file(&samples)).unwrap();
    let transcript = speech.transcribe(Transcribe { heard: Heard::Wav(path.clone()), language: None }).await.unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(word_error_rate("Hello, this is a test of the telephone.", &transcript.text) <= 0.13, "{}", transcript.text);
    assert!(transcript.audio_ms > 7_000, "{}", transcript.audio_ms);
    let german = Transcribe { heard: Heard::Sound(spoken.sound), language: Some("de-DE".to_owned()) };
    let fault = speech.transcribe(german).await.unwrap_err().to_string();
    assert!(fault.contains("English"), "{fault}");
}
