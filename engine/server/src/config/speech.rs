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
    keys,
    read::{Reading, Section},
    server::{bytes, path, web_address},
};
use notation::{Field, Map, Node};
use speech::{CommandConfig, HttpConfig, RecogniserConfig, SpeechConfig, TextIn, VoiceConfig};
use std::{collections::BTreeMap, path::Path};

/// Reads the section.
pub(super) fn read(reading: &mut Reading, root: Map<'_>, base: &Path, data: &Path) -> SpeechConfig {
    let section = Section::of(reading, root, "speech", keys::SPEECH);
    let models = SpeechConfig::default().models;
    SpeechConfig {
        models: section.read(reading, "models", models, |reading, node| path(reading, node, base)),
        cache: section.read(reading, "cache", Some(data.join("speech")), |reading, node| match node.as_text() {
            Some("off") => Some(None),
            _ => path(reading, node, base).map(Some),
        }),
        cache_bytes_max: section.value(reading, "cache_max", bytes),
        voices: section.value(reading, "voices", |reading, node| Some(reading.list(node, voice))),
        recognisers: section.value(reading, "recognisers", |reading, node| Some(reading.list(node, recogniser))),
        render_threads: section.integer(reading, "render_threads"),
        recognition_threads: section.integer(reading, "recognition_threads"),
    }
}

/// The one key of a map such as `{ http: … }` and its value, or a word alone.
fn kind<'n>(reading: &mut Reading, node: &'n Node, what: &str, kinds: &'static [Field]) -> Option<(&'static str, Option<&'n Node>)> {
    let words: Vec<&'static str> = kinds.iter().map(|kind| kind.name).collect();
    if node.as_text().is_some() {
        return reading.reader.one_of(node, &words).map(|word| (word, None));
    }
    let map = reading.reader.map(node, what, &words)?;
    match map.entries() {
        [entry] => words.iter().find(|word| **word == entry.key.text).map(|word| (*word, Some(&entry.value))),
        _ => {
            reading.reader.error("wrong-type", node.span, format!("{what} is one of {}", words.join(", ")));
            None
        }
    }
}

fn voice(reading: &mut Reading, node: &Node) -> Option<VoiceConfig> {
    match kind(reading, node, "a voice", keys::VOICES)? {
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
    match kind(reading, node, "a recogniser", keys::RECOGNISERS)? {
        ("http", body) => http(reading, node, body).map(RecogniserConfig::Http),
        (_, None) => Some(RecogniserConfig::Whisper { model: keys::WHISPERS[0].to_owned() }),
        (_, Some(body)) => {
            reading.reader.one_of(body, keys::WHISPERS).map(|model| RecogniserConfig::Whisper { model: model.to_owned() })
        }
    }
}

/// The fields of an engine that has some.
fn body<'n>(reading: &mut Reading, node: &'n Node, body: Option<&'n Node>, what: &str, keys: &'static [Field]) -> Option<Section<'n>> {
    let Some(body) = body else {
        let known: Vec<&str> = keys.iter().map(|field| field.name).collect();
        reading.reader.error("wrong-type", node.span, format!("{what} needs its fields: {}", known.join(", ")));
        return None;
    };
    reading.reader.fields(body, what, keys).map(|map| Section { map: Some(map), keys })
}

fn command(reading: &mut Reading, node: &Node, fields: Option<&Node>) -> Option<CommandConfig> {
    let section = body(reading, node, fields, "a command voice", keys::COMMAND)?;
    let argv = reading.reader.required(section.map?, "a command voice", "argv")?;
    let texts = |reading: &mut Reading, node: &Node| reading.list(node, |reading, item| reading.reader.text(item));
    let words = texts(reading, argv);
    if words.is_empty() {
        reading.reader.error("missing-field", argv.span, "`argv` needs a program");
    }
    Some(CommandConfig {
        argv: words,
        text: if section.word(reading, "text") == "argument" { TextIn::Argument } else { TextIn::Stdin },
        languages: section.read(reading, "languages", Vec::new(), |reading, node| Some(texts(reading, node))),
        timeout: section.span(reading, "timeout"),
    })
}

fn http(reading: &mut Reading, node: &Node, fields: Option<&Node>) -> Option<HttpConfig> {
    let what = "an HTTP engine";
    let section = body(reading, node, fields, what, keys::ENGINE)?;
    let base = reading.reader.required(section.map?, what, "base").and_then(|node| web_address(reading, node));
    let model = reading.reader.required(section.map?, what, "model").and_then(|node| reading.reader.text(node));
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
        timeout: section.span(reading, "timeout"),
    })
}
