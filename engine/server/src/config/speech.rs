//! `speech:` voices and recognisers, in the order they are asked.
//!
//! ```yaml
//! speech:
//!   models: models                 # folder of installed models; default: that of `callflow models install`
//!   cache: data/speech             # rendered speech; default: `speech` in the data folder; `off`: none is kept
//!   cache_max: 512MB
//!   voices:                        # default: [piper]
//!     - piper
//!     - command: { argv: [espeak-ng, --stdout], text: stdin, languages: [en], timeout: 10s }
//!     - http: { base: "https://api.example", api_key: "${KEY}", model: tts-1, voice: alloy, extra: {}, timeout: 30s }
//!   recognisers:                   # default: [whisper]
//!     - whisper: tiny.en           # or base; the bare word is tiny.en
//!     - http: { base: "http://127.0.0.1:9000", model: whisper-1 }
//!   render_threads: 1              # 1–8
//!   recognition_threads: 1         # 1–8
//! ```

use super::{
    read::{Reading, Section},
    server::{bytes, path, web_address},
};
use notation::{Map, Node};
use speech::{CommandConfig, HttpConfig, RecogniserConfig, SpeechConfig, TextIn, VoiceConfig, limits};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Engine timeouts that make sense: a caller is waiting.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(120);
/// Models of local Whisper.
const WHISPERS: [&str; 2] = ["tiny.en", "base"];

/// Reads the section.
pub(super) fn read(reading: &mut Reading, root: Map<'_>, base: &Path, data: &Path) -> SpeechConfig {
    let known = ["models", "cache", "cache_max", "voices", "recognisers", "render_threads", "recognition_threads"];
    let section = Section::of(reading, root, "speech", &known);
    let standard = SpeechConfig::default();
    let threads = |reading: &mut Reading, key: &str, default: usize| {
        section.read(reading, key, default, |reading, node| {
            let most = i64::try_from(limits::THREADS_MAX).unwrap_or(1);
            reading.reader.integer(node, 1..=most).and_then(|number| usize::try_from(number).ok())
        })
    };
    SpeechConfig {
        models: section.read(reading, "models", standard.models, |reading, node| path(reading, node, base)),
        cache: section.read(reading, "cache", Some(data.join("speech")), |reading, node| match node.as_text() {
            Some("off") => Some(None),
            _ => path(reading, node, base).map(Some),
        }),
        cache_bytes_max: section.read(reading, "cache_max", standard.cache_bytes_max, bytes),
        voices: section.read(reading, "voices", standard.voices, |reading, node| Some(reading.list(node, voice))),
        recognisers: section.read(reading, "recognisers", standard.recognisers, |reading, node| Some(reading.list(node, recogniser))),
        render_threads: threads(reading, "render_threads", standard.render_threads),
        recognition_threads: threads(reading, "recognition_threads", standard.recognition_threads),
    }
}

/// The one key of a map such as `{ http: … }` and its value, or a word alone.
fn kind<'n, 'w>(reading: &mut Reading, node: &'n Node, what: &str, words: &[&'w str]) -> Option<(&'w str, Option<&'n Node>)> {
    if node.as_text().is_some() {
        return reading.reader.one_of(node, words).map(|word| (word, None));
    }
    let map = reading.reader.map(node, what, words)?;
    match map.entries() {
        [entry] => words.iter().find(|word| **word == entry.key.text).map(|word| (*word, Some(&entry.value))),
        _ => {
            reading.reader.error("wrong-type", node.span, format!("{what} is one of {}", words.join(", ")));
            None
        }
    }
}

fn voice(reading: &mut Reading, node: &Node) -> Option<VoiceConfig> {
    match kind(reading, node, "a voice", &["piper", "command", "http"])? {
        ("command", body) => command(reading, node, body).map(VoiceConfig::Command),
        ("http", body) => http(reading, node, body).map(VoiceConfig::Http),
        (_, None) => Some(VoiceConfig::Piper),
        (_, Some(body)) => {
            reading.reader.error("wrong-type", body.span, "`piper` takes nothing").help("write the word alone: - piper");
            None
        }
    }
}

fn recogniser(reading: &mut Reading, node: &Node) -> Option<RecogniserConfig> {
    match kind(reading, node, "a recogniser", &["whisper", "http"])? {
        ("http", body) => http(reading, node, body).map(RecogniserConfig::Http),
        (_, None) => Some(RecogniserConfig::Whisper { model: WHISPERS[0].to_owned() }),
        (_, Some(body)) => {
            reading.reader.one_of(body, &WHISPERS).map(|model| RecogniserConfig::Whisper { model: model.to_owned() })
        }
    }
}

/// The fields of an engine that has some.
fn body<'n>(reading: &mut Reading, node: &'n Node, body: Option<&'n Node>, what: &str, known: &[&str]) -> Option<Section<'n>> {
    let Some(body) = body else {
        reading.reader.error("wrong-type", node.span, format!("{what} needs its fields: {}", known.join(", ")));
        return None;
    };
    reading.reader.map(body, what, known).map(|map| Section(Some(map)))
}

fn command(reading: &mut Reading, node: &Node, fields: Option<&Node>) -> Option<CommandConfig> {
    let section = body(reading, node, fields, "a command voice", &["argv", "text", "languages", "timeout"])?;
    let argv = reading.reader.required(section.0?, "a command voice", "argv")?;
    let texts = |reading: &mut Reading, node: &Node| reading.list(node, |reading, item| reading.reader.text(item));
    let words = texts(reading, argv);
    if words.is_empty() {
        reading.reader.error("missing-field", argv.span, "`argv` needs a program");
    }
    Some(CommandConfig {
        argv: words,
        text: section.read(reading, "text", TextIn::Stdin, |reading, node| {
            let word = reading.reader.one_of(node, &["stdin", "argument"])?;
            Some(if word == "argument" { TextIn::Argument } else { TextIn::Stdin })
        }),
        languages: section.read(reading, "languages", Vec::new(), |reading, node| Some(texts(reading, node))),
        timeout: timeout(reading, section, limits::COMMAND_TIMEOUT),
    })
}

fn http(reading: &mut Reading, node: &Node, fields: Option<&Node>) -> Option<HttpConfig> {
    let what = "an HTTP engine";
    let section = body(reading, node, fields, what, &["base", "api_key", "model", "voice", "extra", "timeout"])?;
    let base = reading.reader.required(section.0?, what, "base").and_then(|node| web_address(reading, node));
    let model = reading.reader.required(section.0?, what, "model").and_then(|node| reading.reader.text(node));
    let mut extra = BTreeMap::new();
    if let Some(map) = section.get("extra").and_then(|node| reading.reader.any_map(node, "parameters")) {
        for entry in map.entries() {
            if let Some(value) = reading.reader.text(&entry.value) {
                extra.insert(entry.key.text.clone(), value);
            }
        }
    }
    Some(HttpConfig {
        base: base?.trim_end_matches('/').to_owned(),
        api_key: section.get("api_key").and_then(|node| reading.secret(node)),
        model: model?,
        voice: section.read(reading, "voice", String::new(), |reading, node| reading.reader.text(node)),
        extra,
        timeout: timeout(reading, section, limits::HTTP_TIMEOUT),
    })
}

fn timeout(reading: &mut Reading, section: Section<'_>, default: Duration) -> Duration {
    section.read(reading, "timeout", default, |reading, node| reading.reader.span(node, TIMEOUTS))
}
