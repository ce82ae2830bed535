//! The door at run time: chains of engines on low-priority threads, with the cache in front and the built-in prompts behind.
//!
//! ```text
//! say ──> cache of the first voice ──> queue ──> render thread: voice 1, voice 2, … ──> built-in prompts
//!              (same text at once: one flight, shared)        (each: its cache, then its engine)
//! transcribe ─────────────────────> queue ──> recognition thread: recogniser 1, recogniser 2, …
//! ```

use crate::{
    EngineFault, Heard, Recogniser, RecogniserConfig, Say, SpeechConfig, SpeechFault, Spoken, Transcribe, Transcript, Utterance,
    Voice, VoiceConfig, Words,
    cache::{self, Cache},
    command::CommandVoice,
    http::HttpEngine,
    limits,
    piper::Piper,
    system, threads,
    whisper::{self, Whisper},
};
use audio::Pcm;
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Instant,
};
use tokio::sync::{oneshot, watch};

/// Voices, recognisers and the cache behind one value. Share it by `Arc`; dropping the last one ends its threads as soon as
/// their present job is done.
pub struct Speech {
    shared: Arc<Shared>,
    renderings: SyncSender<RenderJob>,
    recognitions: SyncSender<HearJob>,
}

/// What a console shows of [`Speech`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeechSnapshot {
    /// Renderings waiting or running.
    pub renderings_pending: usize,
    /// Recognitions waiting or running.
    pub recognitions_pending: usize,
    /// Texts answered from the cache since the start.
    pub cache_hits: u64,
    /// Texts rendered by an engine since the start.
    pub rendered: u64,
    /// Texts that only the built-in prompts could answer since the start, exact or not.
    pub builtin: u64,
    /// Recordings transcribed since the start.
    pub transcribed: u64,
    /// Failures of single engines since the start.
    pub engine_failures: u64,
}

type Flight = watch::Receiver<Option<Spoken>>;

struct Shared {
    voices: Vec<Engine<dyn Voice>>,
    recognisers: Vec<Engine<dyn Recogniser>>,
    cache: Option<Cache>,
    /// Texts being rendered now, for all who ask meanwhile.
    flights: Mutex<HashMap<Say, Flight>>,
    counters: Counters,
}

/// One engine of a chain.
struct Engine<E: ?Sized> {
    /// Why it failed last: the same reason again is not worth another warning.
    last_reason: Mutex<Option<EngineFault>>,
    engine: Arc<E>,
}

#[derive(Default)]
struct Counters {
    renderings_pending: AtomicUsize,
    recognitions_pending: AtomicUsize,
    cache_hits: AtomicU64,
    rendered: AtomicU64,
    builtin: AtomicU64,
    transcribed: AtomicU64,
    engine_failures: AtomicU64,
}

enum RenderJob {
    Say(Say, watch::Sender<Option<Spoken>>),
    WarmUp,
}

enum HearJob {
    Hear(Transcribe, oneshot::Sender<Result<Transcript, SpeechFault>>),
    WarmUp,
}

impl Speech {
    /// Starts the threads. Models are loaded at first use (in [`Speech::warm_up`] or by the first request), not here.
    ///
    /// # Errors
    /// [`SpeechFault::BadRequest`] when the configuration makes no sense or the cache folder cannot be made.
    pub fn new(config: SpeechConfig) -> Result<Self, SpeechFault> {
        let mut voices: Vec<Arc<dyn Voice>> = Vec::new();
        for voice in &config.voices {
            voices.push(match voice {
                VoiceConfig::Piper => Arc::new(Piper::new(&config.models)),
                VoiceConfig::Command(command) if command.argv.is_empty() => {
                    return Err(SpeechFault::BadRequest("the speech command is empty".to_owned()));
                }
                VoiceConfig::Command(command) => Arc::new(CommandVoice::new(command.clone())),
                VoiceConfig::Http(http) => Arc::new(HttpEngine::new(http.clone()).map_err(SpeechFault::BadRequest)?),
            });
        }
        let mut recognisers: Vec<Arc<dyn Recogniser>> = Vec::new();
        for recogniser in &config.recognisers {
            recognisers.push(match recogniser {
                RecogniserConfig::Whisper { model } => Arc::new(Whisper::new(&config.models, model).ok_or_else(|| {
                    SpeechFault::BadRequest(format!("no Whisper model is called {model:?}; there are tiny.en and base"))
                })?),
                RecogniserConfig::Http(http) => Arc::new(HttpEngine::new(http.clone()).map_err(SpeechFault::BadRequest)?),
            });
        }
        Self::with_engines(&config, voices, recognisers)
    }

    /// As [`Speech::new`], with engines of one's own in place of those the configuration names.
    ///
    /// # Errors
    /// As [`Speech::new`].
    pub fn with_engines(
        config: &SpeechConfig,
        voices: Vec<Arc<dyn Voice>>,
        recognisers: Vec<Arc<dyn Recogniser>>,
    ) -> Result<Self, SpeechFault> {
        let cache = match &config.cache {
            Some(dir) => Some(Cache::open(dir, config.cache_bytes_max).map_err(|error| {
                SpeechFault::BadRequest(format!("the speech cache {} cannot be used: {error}", dir.display()))
            })?),
            None => None,
        };
        let shared = Arc::new(Shared {
            voices: voices.into_iter().map(Engine::new).collect(),
            recognisers: recognisers.into_iter().map(Engine::new).collect(),
            cache,
            flights: Mutex::new(HashMap::new()),
            counters: Counters::default(),
        });
        let renderings = start(
            "speech-say",
            config.render_threads,
            (limits::RENDER_QUEUE_MAX, limits::RENDER_NICE),
            &shared,
            Shared::render_job,
        )?;
        let recognitions = start(
            "speech-hear",
            config.recognition_threads,
            (limits::RECOGNITION_QUEUE_MAX, limits::RECOGNITION_NICE),
            &shared,
            Shared::hear_job,
        )?;
        Ok(Self { shared, renderings, recognitions })
    }

    /// Speaks a text: from the cache, else from the first voice that can, else from the built-in prompts
    /// (see [`Spoken::stand_in`]), also when too much is waiting. One text asked many times at once is rendered once; a
    /// caller who stops waiting does not stop the rendering, which is then in the cache. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`SpeechFault::BadRequest`] for an empty or too long text or a rate outside 8,000–48,000; [`SpeechFault::Stopped`].
    pub async fn say(&self, say: Say) -> Result<Spoken, SpeechFault> {
        let say = checked(say)?;
        if let Some(spoken) = self.cached(&say).await {
            return Ok(spoken);
        }
        let mut flight = match self.board(&say) {
            Some(flight) => flight,
            None => return Ok(self.shared.builtin(&say)),
        };
        let landed = flight.wait_for(Option::is_some).await.map_err(|_| SpeechFault::Stopped)?;
        landed.clone().ok_or(SpeechFault::Stopped)
    }

    /// The first voice's rendering on disk, read off the caller's thread.
    async fn cached(&self, say: &Say) -> Option<Spoken> {
        self.shared.cache.as_ref()?;
        let (shared, say) = (Arc::clone(&self.shared), say.clone());
        tokio::task::spawn_blocking(move || shared.voices.first().and_then(|first| shared.look_in_cache(first, &say)))
            .await
            .ok()
            .flatten()
    }

    /// Joins the flight of this text or starts one; `None` when too much is waiting.
    fn board(&self, say: &Say) -> Option<Flight> {
        let mut flights = self.shared.flights();
        if let Some(flight) = flights.get(say) {
            return Some(flight.clone());
        }
        let (landing, flight) = watch::channel(None);
        match self.renderings.try_send(RenderJob::Say(say.clone(), landing)) {
            Ok(()) => {
                self.shared.counters.renderings_pending.fetch_add(1, Ordering::Relaxed);
                flights.insert(say.clone(), flight.clone());
                Some(flight)
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                tracing::warn!(waiting = limits::RENDER_QUEUE_MAX, "too many texts wait for a voice");
                None
            }
        }
    }

    /// Writes down what is said, on a low-priority thread. Silence and tones give an empty text.
    ///
    /// # Errors
    /// [`SpeechFault`]: `Busy` and `NoEngine` are worth another try later, `BadRequest` is not.
    pub async fn transcribe(&self, job: Transcribe) -> Result<Transcript, SpeechFault> {
        let (reply, answer) = oneshot::channel();
        self.shared.counters.recognitions_pending.fetch_add(1, Ordering::Relaxed);
        self.recognitions.try_send(HearJob::Hear(job, reply)).map_err(|refused| {
            self.shared.counters.recognitions_pending.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => SpeechFault::Busy,
                TrySendError::Disconnected(_) => SpeechFault::Stopped,
            }
        })?;
        answer.await.map_err(|_| SpeechFault::Stopped)?
    }

    /// Loads the local models now, in the background, so that the first caller does not wait for it (about a second).
    pub fn warm_up(&self) {
        // With a full queue the engines are at work, hence warm.
        let _ = self.renderings.try_send(RenderJob::WarmUp);
        let _ = self.recognitions.try_send(HearJob::WarmUp);
    }

    /// Counters for the console.
    #[must_use]
    pub fn snapshot(&self) -> SpeechSnapshot {
        let counters = &self.shared.counters;
        SpeechSnapshot {
            renderings_pending: counters.renderings_pending.load(Ordering::Relaxed),
            recognitions_pending: counters.recognitions_pending.load(Ordering::Relaxed),
            cache_hits: counters.cache_hits.load(Ordering::Relaxed),
            rendered: counters.rendered.load(Ordering::Relaxed),
            builtin: counters.builtin.load(Ordering::Relaxed),
            transcribed: counters.transcribed.load(Ordering::Relaxed),
            engine_failures: counters.engine_failures.load(Ordering::Relaxed),
        }
    }
}

fn checked(say: Say) -> Result<Say, SpeechFault> {
    let text = say.text.trim();
    if text.is_empty() || text.chars().count() > limits::TEXT_CHARS_MAX {
        let most = limits::TEXT_CHARS_MAX;
        return Err(SpeechFault::BadRequest(format!("a text has 1 to {most} characters")));
    }
    if !limits::RATES.contains(&say.rate) {
        return Err(SpeechFault::BadRequest(format!("{} Hz is no rate between 8000 and 48000", say.rate)));
    }
    Ok(Say { text: text.to_owned(), ..say })
}

/// Threads that take jobs from one bounded queue until its sender is gone.
fn start<J: Send + 'static>(
    name: &str,
    count: usize,
    (queue_max, nice): (usize, i32),
    shared: &Arc<Shared>,
    work: fn(&Shared, J),
) -> Result<SyncSender<J>, SpeechFault> {
    let (sender, receiver) = sync_channel(queue_max);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..count.clamp(1, limits::THREADS_MAX) {
        let (receiver, shared) = (Arc::clone(&receiver), Arc::clone(shared));
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                threads::be_nice(nice);
                while let Some(job) = next(&receiver) {
                    work(&shared, job);
                }
            })
            .map_err(|error| SpeechFault::BadRequest(format!("no thread for speech: {error}")))?;
    }
    Ok(sender)
}

/// The next job; the lock is held only while waiting.
fn next<J>(receiver: &Mutex<Receiver<J>>) -> Option<J> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[expect(clippy::disallowed_methods, reason = "how long an engine took is reported, nothing pure is decided by it")]
fn clock() -> Instant {
    Instant::now()
}

impl<E: ?Sized> Engine<E> {
    fn new(engine: Arc<E>) -> Self {
        Self { last_reason: Mutex::new(None), engine }
    }

    /// Whether this reason is news.
    fn note(&self, reason: Option<&EngineFault>) -> bool {
        let mut last = self.last_reason.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = last.as_ref() != reason;
        *last = reason.cloned();
        is_news
    }
}

impl Shared {
    fn flights(&self) -> MutexGuard<'_, HashMap<Say, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn render_job(&self, job: RenderJob) {
        match job {
            RenderJob::Say(say, landing) => {
                let spoken = self.render(&say);
                // First the cache (in `render`), then the flight list, then the passengers: who asks meanwhile finds one of them.
                self.flights().remove(&say);
                self.counters.renderings_pending.fetch_sub(1, Ordering::Relaxed);
                landing.send_replace(Some(spoken));
            }
            RenderJob::WarmUp => {
                for voice in &self.voices {
                    self.guarded(voice.engine.name(), voice, || voice.engine.warm_up());
                }
            }
        }
    }

    /// Asks every voice in order: its cache, then itself.
    fn render(&self, say: &Say) -> Spoken {
        let utterance = Utterance { text: say.text.clone(), language: say.language.clone(), voice: say.voice.clone() };
        for voice in &self.voices {
            if let Some(spoken) = self.look_in_cache(voice, say) {
                return spoken;
            }
            let Some(sound) = self.guarded(voice.engine.name(), voice, || heard(voice.engine.speak(&utterance)?)) else {
                continue;
            };
            let sound = if sound.rate == say.rate { sound } else { audio::resample(&sound, say.rate) };
            if let Some(cache) = &self.cache {
                cache.put(&cache::key(voice.engine.as_ref(), say), &sound);
            }
            self.counters.rendered.fetch_add(1, Ordering::Relaxed);
            return Spoken { sound: Arc::new(sound), engine: voice.engine.name().to_owned(), cached: false, stand_in: false };
        }
        self.builtin(say)
    }

    fn look_in_cache(&self, voice: &Engine<dyn Voice>, say: &Say) -> Option<Spoken> {
        let sound = self.cache.as_ref()?.get(&cache::key(voice.engine.as_ref(), say))?;
        self.counters.cache_hits.fetch_add(1, Ordering::Relaxed);
        Some(Spoken { sound: Arc::new(sound), engine: voice.engine.name().to_owned(), cached: true, stand_in: false })
    }

    fn builtin(&self, say: &Say) -> Spoken {
        self.counters.builtin.fetch_add(1, Ordering::Relaxed);
        let builtin = system::speak(&say.text, &say.language, say.rate);
        Spoken { sound: Arc::new(builtin.sound), engine: "system".to_owned(), cached: false, stand_in: builtin.is_stand_in }
    }

    /// Runs one engine; a fault or a panic is logged and counted, and gives `None`: the next engine's turn.
    fn guarded<E: ?Sized, T>(&self, name: &str, engine: &Engine<E>, work: impl FnOnce() -> Result<T, EngineFault>) -> Option<T> {
        self.attempt(name, engine, work).ok()
    }

    fn attempt<E: ?Sized, T>(
        &self,
        name: &str,
        engine: &Engine<E>,
        work: impl FnOnce() -> Result<T, EngineFault>,
    ) -> Result<T, EngineFault> {
        let result = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(EngineFault::Failed("the engine panicked".to_owned())));
        match &result {
            Ok(_) => {
                engine.note(None);
            }
            Err(fault) => {
                self.counters.engine_failures.fetch_add(1, Ordering::Relaxed);
                match (engine.note(Some(fault)), fault) {
                    // Nothing is wrong with it: it speaks other languages.
                    (true, EngineFault::Unsuited(_)) => tracing::info!(engine = name, %fault, "the next speech engine is asked"),
                    (true, _) => tracing::warn!(engine = name, %fault, "speech engine failed; the next one is asked"),
                    (false, _) => tracing::debug!(engine = name, %fault, "speech engine failed again"),
                }
            }
        }
        result
    }

    fn hear_job(&self, job: HearJob) {
        match job {
            HearJob::Hear(job, reply) => {
                let transcript = self.hear(&job);
                if transcript.is_ok() {
                    self.counters.transcribed.fetch_add(1, Ordering::Relaxed);
                }
                self.counters.recognitions_pending.fetch_sub(1, Ordering::Relaxed);
                // Nobody waits any more when the caller was dropped.
                let _ = reply.send(transcript);
            }
            HearJob::WarmUp => {
                for recogniser in &self.recognisers {
                    self.guarded(recogniser.engine.model(), recogniser, || recogniser.engine.warm_up());
                }
            }
        }
    }

    fn hear(&self, job: &Transcribe) -> Result<Transcript, SpeechFault> {
        let sound = match &job.heard {
            Heard::Sound(sound) => Arc::clone(sound),
            Heard::Wav(path) => {
                let bytes = std::fs::read(path)
                    .map_err(|error| SpeechFault::BadRequest(format!("{}: {error}", path.display())))?;
                Arc::new(
                    audio::decode_file(&bytes, "wav")
                        .map_err(|fault| SpeechFault::BadRequest(format!("{}: {fault}", path.display())))?,
                )
            }
        };
        if sound.samples.is_empty() || !(4_000..=192_000).contains(&sound.rate) {
            return Err(SpeechFault::BadRequest("there is no audio to transcribe".to_owned()));
        }
        let audio_ms = u64::try_from(sound.duration().as_millis()).unwrap_or(u64::MAX);
        let sound = within_limit(sound);
        let mut reasons = Vec::new();
        for recogniser in &self.recognisers {
            let model = recogniser.engine.model();
            let began = clock();
            match self.attempt(model, recogniser, || recogniser.engine.recognise(&sound, job.language.as_deref())) {
                Ok(Words { text, language, confidence }) => {
                    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::debug!(model, took_ms, audio_ms, "transcribed");
                    return Ok(Transcript { text, language, model: model.to_owned(), confidence, took_ms, audio_ms });
                }
                Err(fault) => reasons.push(format!("{model}: {fault}")),
            }
        }
        Err(SpeechFault::NoEngine(if reasons.is_empty() { "none is configured".to_owned() } else { reasons.join("; ") }))
    }
}

fn within_limit(sound: Arc<Pcm>) -> Arc<Pcm> {
    let most = whisper::samples_max(sound.rate);
    match sound.samples.get(..most) {
        Some(cut) if cut.len() < sound.samples.len() => Arc::new(Pcm { rate: sound.rate, samples: cut.to_vec() }),
        Some(_) | None => sound,
    }
}

/// Silence is no answer of a voice: the next one is asked.
fn heard(sound: Pcm) -> Result<Pcm, EngineFault> {
    if sound.samples.iter().all(|sample| sample.unsigned_abs() < limits::AUDIBLE_SAMPLE) {
        return Err(EngineFault::Failed("it answered silence".to_owned()));
    }
    Ok(sound)
}

#[cfg(test)]
mod tests;
