//! Every limit of this room, with its unit and its reason.

use std::time::Duration;

/// Characters of one text to be spoken. Chosen: about two minutes of speech, longer than any prompt a caller listens to.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Seconds of audio that are transcribed; what is longer is cut. Chosen: three voicemails of the default length (3 min).
pub const TRANSCRIBE_SECONDS_MAX: u32 = 600;
/// Recognition jobs that may wait. Chosen: at about 1 s each a full queue is answered within minutes; the caller of
/// `transcribe` keeps its job in the store, so a refusal only means "later".
pub const RECOGNITION_QUEUE_MAX: usize = 64;
/// Renderings that may wait for a voice. Chosen: a prompt that would wait longer than some seconds is of no use to a caller.
pub const RENDER_QUEUE_MAX: usize = 64;
/// Nice value of recognition threads (0 normal, 19 lowest): media threads must always win.
pub const RECOGNITION_NICE: i32 = 15;
/// Nice value of rendering threads: a caller waits for them, but never at the price of running media.
pub const RENDER_NICE: i32 = 1;
/// Bytes of rendered speech kept on disk by default: some 3 hours of 22 kHz speech.
pub const CACHE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How long a command engine may take by default before its child is killed.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Connecting to an HTTP engine.
pub const HTTP_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One whole HTTP request to an engine, by default.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of audio a command or an HTTP engine may answer: ten minutes at 24 kHz, 16 bit.
pub const ENGINE_AUDIO_BYTES_MAX: usize = 30 * 1024 * 1024;
/// Bytes of text or JSON an engine may answer.
pub const ENGINE_TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one file inside a wheel: a guard for memory; the largest known is 76 MB.
pub const MODEL_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Rates a text may be rendered at, Hz: narrow-band telephones to full-band audio.
pub const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;
/// Threads of one kind. Chosen: more would only fight for cores with media.
pub const THREADS_MAX: usize = 8;
/// A rendering whose every sample is below this (of 32,767) is silence, and taken for a failure.
pub const AUDIBLE_SAMPLE: u16 = 64;
