//! The file's top level: text to tree to sections to one checked [`Config`].

use super::{Config, Faults, clash, places::Places, resources, server, speech};
use notation::{Fault, Kind, Map, Node, Reader, Source, Span, substitute};
use std::{fmt::Display, fs, io::Read as _, path::Path, str::FromStr, sync::Arc};
use switchboard::Directory;
use terms::Secret;

/// Sections in the order of the manual.
const SECTIONS: [&str; 18] = [
    "listen", "advertise", "rtp", "codecs", "folders", "http", "speech", "webhooks", "limits", "log", "realms", "connections",
    "numbers", "mailboxes", "trunks", "outbound", "secrets", "hours",
];

/// Reads and checks a file, with the environment of the process.
pub(super) fn file(path: &Path) -> Result<Config, Faults> {
    let shown = path.display().to_string();
    let text = text_of(path, notation::limits::FILE_BYTES)
        .map_err(|why| Faults::whole("unreadable", &shown, format!("the configuration cannot be read: {why}")))?;
    config(&Source::new(shown, text), path.parent().unwrap_or(Path::new("")), &|name| std::env::var(name).ok())
}

/// The text of a file of at most `bytes_max` bytes.
pub(super) fn text_of(path: &Path, bytes_max: usize) -> Result<String, String> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > bytes_max {
        return Err(format!("it has more than {bytes_max} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Reads and checks a text; relative paths begin at `folder`, `${NAME}` is what `lookup` answers.
pub(super) fn config(source: &Source, folder: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, Faults> {
    let mut root = notation::parse(source).map_err(|faults| Faults::of(faults, source))?;
    let mut reading = Reading { reader: Reader::new(source), secrets: Vec::new(), places: Places::default() };
    substitute(&mut root, &mut reading.reader, lookup);
    if root.is_null() {
        root.kind = Kind::Map(Vec::new());
    }
    let Some(map) = reading.reader.map(&root, "the configuration", &SECTIONS) else {
        return Err(Faults::of(reading.reader.into_faults(), source));
    };
    let r = &mut reading;
    let listen = server::listen(r, map);
    let advertise = map.get("advertise").and_then(|node| server::advertise(r, node));
    let rtp = server::rtp(r, map, &listen);
    let codecs = server::codecs(r, map);
    let folders = server::folders(r, map, folder);
    let http = server::http(r, map);
    let speech = speech::read(r, map, folder, &folders.data);
    let webhooks = server::webhooks(r, map);
    let limits = server::limits(r, map);
    let log = server::log(r, map);
    let listing = resources::listing(r, map, &webhooks);
    let hours = resources::hours(r, map, &folders.flows);
    let Reading { mut reader, secrets, places } = reading;
    let source = masked(source, &secrets);
    // Resources that cannot be read would only be missed by others.
    if !reader.has_errors() {
        match Directory::new(listing) {
            Ok(directory) => {
                let directory = Arc::new(directory);
                return Ok(Config {
                    source, listen, advertise, rtp, codecs, folders, http, speech, webhooks, limits, log, directory, hours, places,
                });
            }
            Err(clashes) => clashes.iter().for_each(|clash| clash::tell(&mut reader, &places, clash)),
        }
    }
    Err(Faults::of(without_echoes(reader.into_faults()), &source))
}

/// A value that the environment should have given is missing; that the rest of it is then wrong is no news.
fn without_echoes(faults: Vec<Fault>) -> Vec<Fault> {
    let missing: Vec<Span> = faults.iter().filter(|fault| fault.code == "environment").map(|fault| fault.span).collect();
    let echoes = |fault: &Fault| {
        let around = |inner: &Span| {
            fault.span.line == inner.line && fault.span.start <= inner.start && inner.end <= fault.span.end
        };
        fault.code == "wrong-type" && missing.iter().any(around)
    };
    faults.into_iter().filter(|fault| !echoes(fault)).collect()
}

/// The text with every secret that is written in it made unreadable, byte for byte, so that faults beside one can be shown.
fn masked(source: &Source, secrets: &[Span]) -> Source {
    let mut bytes = source.text.as_bytes().to_vec();
    for span in secrets {
        let Some(written) = bytes.get_mut(span.start..span.end) else { continue };
        // `${NAME}` says no secret, and people must see which one is missing.
        if !written.windows(2).any(|pair| pair == b"${") {
            written.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Source::new(Arc::clone(&source.path), text)
}

/// What reading one file gathers.
pub(super) struct Reading {
    /// Typed readers and faults.
    pub(super) reader: Reader,
    /// Places of secrets, which are not shown.
    secrets: Vec<Span>,
    /// Places of resources.
    pub(super) places: Places,
}

impl Reading {
    /// A secret text of at least one character.
    pub(super) fn secret(&mut self, node: &Node) -> Option<Secret<String>> {
        let text = self.reader.text(node)?;
        self.secrets.push(node.span);
        if text.is_empty() {
            self.reader.error("wrong-type", node.span, "a secret cannot be empty");
            return None;
        }
        Some(Secret::new(text))
    }

    /// Anything that is written as one text; its own words say what is wrong.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, node: &Node) -> Option<T> {
        let text = self.reader.text(node)?;
        text.parse().map_or_else(|error: T::Err| self.refuse(node.span, error.to_string()), Some)
    }

    /// Notes that a value cannot be taken.
    pub(super) fn refuse<T>(&mut self, span: Span, message: String) -> Option<T> {
        self.reader.error("wrong-type", span, message);
        None
    }

    /// Every item of a list that can be read.
    pub(super) fn list<T>(&mut self, node: &Node, mut read: impl FnMut(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        let items = self.reader.list(node);
        items.into_iter().filter_map(|item| read(self, item)).collect()
    }
}

/// A map that may be missing: each of its fields answers its default then.
#[derive(Clone, Copy)]
pub(super) struct Section<'n>(pub(super) Option<Map<'n>>);

impl<'n> Section<'n> {
    /// The section `key` of a map, with the keys it may have.
    pub(super) fn of(reading: &mut Reading, parent: Map<'n>, key: &'static str, known: &[&str]) -> Self {
        Self(parent.get(key).and_then(|node| reading.reader.map(node, &format!("`{key}`"), known)))
    }

    /// A field's node.
    pub(super) fn get(self, key: &str) -> Option<&'n Node> {
        self.0.and_then(|map| map.get(key))
    }

    /// A field, or its default when it is missing (or wrong, which is noted).
    pub(super) fn read<T>(
        self,
        reading: &mut Reading,
        key: &str,
        default: T,
        read: impl FnOnce(&mut Reading, &Node) -> Option<T>,
    ) -> T {
        self.get(key).and_then(|node| read(reading, node)).unwrap_or(default)
    }
}
