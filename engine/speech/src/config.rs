//! What the server configures. Field comments are the user manual.

use crate::limits;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use terms::Secret;

/// The whole of room `speech`.
#[derive(Clone, Debug)]
pub struct SpeechConfig {
    /// Folder of installed models; default [`crate::models::default_dir`].
    pub models: PathBuf,
    /// Folder of rendered speech; made when missing. `None`: nothing is kept on disk.
    pub cache: Option<PathBuf>,
    /// Bytes the cache may hold; the longest unused goes first. Default 512 MiB.
    pub cache_bytes_max: u64,
    /// Voices in the order they are asked; the built-in prompts stand behind the last. Default: Piper alone.
    pub voices: Vec<VoiceConfig>,
    /// Recognisers in the order they are asked. Default: Whisper `tiny.en` alone.
    pub recognisers: Vec<RecogniserConfig>,
    /// Threads that render speech, 1–8. Default 1.
    pub render_threads: usize,
    /// Threads that recognise, 1–8, each with 150 MB for Whisper tiny. Default 1.
    pub recognition_threads: usize,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            models: crate::models::default_dir(),
            cache: None,
            cache_bytes_max: limits::CACHE_BYTES_MAX,
            voices: vec![VoiceConfig::Piper],
            recognisers: vec![RecogniserConfig::Whisper { model: "tiny.en".to_owned() }],
            render_threads: 1,
            recognition_threads: 1,
        }
    }
}

/// One voice engine.
#[derive(Clone, Debug)]
pub enum VoiceConfig {
    /// The local Piper voice "joe" (en-US).
    Piper,
    /// A program that turns text into WAV.
    Command(CommandConfig),
    /// A server with the OpenAI-compatible `POST {base}/v1/audio/speech`.
    Http(HttpConfig),
}

/// One recognition engine.
#[derive(Clone, Debug)]
pub enum RecogniserConfig {
    /// Local Whisper: `tiny.en` (English) or `base` (many languages).
    Whisper {
        /// `tiny.en` or `base`.
        model: String,
    },
    /// A server with the OpenAI-compatible `POST {base}/v1/audio/transcriptions`.
    Http(HttpConfig),
}

/// A program run without a shell, one process per text.
#[derive(Clone, Debug)]
pub struct CommandConfig {
    /// Program and arguments. `{text}`, `{voice}`, `{language}` and `{out}` are replaced inside arguments; with `{out}` the WAV is
    /// read from that temporary file, otherwise from standard output.
    pub argv: Vec<String>,
    /// How the text gets in.
    pub text: TextIn,
    /// Languages it speaks (primary tags such as `en`); empty means every language.
    pub languages: Vec<String>,
    /// After this the process is killed. Default 10 s.
    pub timeout: Duration,
}

/// How a command engine gets its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextIn {
    /// On standard input, then end of file.
    Stdin,
    /// In place of `{text}` in the arguments.
    Argument,
}

/// An OpenAI-compatible server.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `http://host:port` or `https://host`, without `/v1`.
    pub base: String,
    /// Sent as `Authorization: Bearer …` when there is one.
    pub api_key: Option<Secret<String>>,
    /// The `model` parameter.
    pub model: String,
    /// The `voice` parameter when the request names none.
    pub voice: String,
    /// More JSON or form parameters, sent as they are.
    pub extra: BTreeMap<String, String>,
    /// The whole request. Default 30 s.
    pub timeout: Duration,
}
