//! The file's top level: text to tree to sections to one checked [`Config`].

use super::{Config, Faults, Outline, Refused, bundles, clash, keys, places::Places, resources, server, speech};
use notation::{Fault, Field, Kind, Map, Need, Node, Reader, Shape, Source, Span, substitute};
use std::{fmt::Display, fs, io::Read as _, path::Path, str::FromStr, sync::Arc, time::Duration};
use switchboard::Directory;
use terms::Secret;

/// Reads and checks a file, with the environment of the process.
pub(super) fn file(path: &Path) -> Result<Config, Refused> {
    let shown = path.display().to_string();
    let text = text_of(path, notation::limits::FILE_BYTES)
        .map_err(|why| nothing(Faults::whole("unreadable", &shown, format!("the configuration cannot be read: {why}"))))?;
    config(&Source::new(shown, text), path.parent().unwrap_or(Path::new("")), &|name| std::env::var(name).ok())
}

/// The text of a file of at most `bytes_max` bytes.
pub(super) fn text_of(path: &Path, bytes_max: usize) -> Result<String, String> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_or(0, |about| about.len()).min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > bytes_max {
        return Err(format!("it has more than {bytes_max} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Reads and checks a text; relative paths begin at `folder`, `${NAME}` is what `lookup` answers.
pub(super) fn config(source: &Source, folder: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, Refused> {
    let mut root = notation::parse(source).map_err(|faults| nothing(Faults::of(faults, source)))?;
    let mut reading = Reading { reader: Reader::new(source), secrets: Vec::new(), places: Places::default() };
    substitute(&mut root, &mut reading.reader, lookup);
    if root.is_null() {
        root.kind = Kind::Map(Vec::new());
    }
    let Some(map) = reading.reader.fields(&root, "the configuration", keys::ROOT) else {
        return Err(nothing(Faults::of(reading.reader.into_faults(), source)));
    };
    let r = &mut reading;
    let listen = server::listen(r, map);
    let advertise = map.get("advertise").and_then(|node| server::advertise(r, node));
    let rtp = server::rtp(r, map, &listen);
    let codecs = server::codecs(r, map);
    let srtp = server::srtp(r, map);
    let srtp_over_plain_sip = server::over_plain_sip(r, map);
    server::warn_of_keys(r, map, &srtp_over_plain_sip);
    let opus_complexity = server::opus_complexity(r, map);
    let country = server::country(r, map);
    let prompts = server::prompts(r, map);
    let folders = server::folders(r, map, folder);
    let http = server::http(r, map);
    let speech = speech::read(r, map, folder, &folders.data);
    let webhooks = server::webhooks(r, map);
    let bundles = bundles::read(r, map, folder, &folders.data);
    let limits = server::limits(r, map);
    let log = server::log(r, map);
    let listing = resources::listing(r, map, &webhooks);
    let hours = resources::hours(r, map, &folders.flows);
    let Reading { mut reader, secrets, places } = reading;
    let source = masked(source, &secrets);
    let outline = Outline { source: source.clone(), folders: folders.clone(), places, listing: listing.clone(), hours };
    // Resources that cannot be read would only be missed by others.
    if !reader.has_errors() {
        match Directory::new(listing) {
            Ok(directory) => {
                let directory = Arc::new(directory);
                let warnings = Faults::of(reader.into_faults(), &source);
                return Ok(Config {
                    source, listen, advertise, rtp, codecs, srtp, srtp_over_plain_sip, opus_complexity, country, prompts, folders, http, speech, webhooks, bundles, limits, log, directory, outline, warnings,
                });
            }
            Err(clashes) => clashes.iter().for_each(|clash| clash::tell(&mut reader, &outline.places, clash)),
        }
    }
    let faults = Faults::of(without_echoes(reader.into_faults()), &source);
    Err(Refused { faults, outline: Some(Box::new(outline)) })
}

/// A file of which nothing could be read.
fn nothing(faults: Faults) -> Refused {
    Refused { faults, outline: None }
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

/// A map that may be missing, and the table of its keys: each of its fields answers its default then.
#[derive(Clone, Copy)]
pub(super) struct Section<'n> {
    /// The map, when it is there.
    pub(super) map: Option<Map<'n>>,
    /// Its keys.
    pub(super) keys: &'static [Field],
}

impl<'n> Section<'n> {
    /// The section `key` of a map.
    pub(super) fn of(reading: &mut Reading, parent: Map<'n>, key: &'static str, keys: &'static [Field]) -> Self {
        Self { map: parent.get(key).and_then(|node| reading.reader.fields(node, &format!("`{key}`"), keys)), keys }
    }

    /// A field's node.
    pub(super) fn get(self, key: &str) -> Option<&'n Node> {
        self.map.and_then(|map| map.get(key))
    }

    fn key(self, key: &str) -> &'static Field {
        self.keys.iter().find(|field| field.name == key).expect("a key that is read stands in its table")
    }

    /// A field whose default depends on other things: `default` when it is missing (or wrong, which is noted).
    pub(super) fn read<T>(
        self,
        reading: &mut Reading,
        key: &str,
        default: T,
        read: impl FnOnce(&mut Reading, &Node) -> Option<T>,
    ) -> T {
        self.get(key).and_then(|node| read(reading, node)).unwrap_or(default)
    }

    /// A field, or its default by the table when it is missing (or wrong, which is noted).
    pub(super) fn value<T>(self, reading: &mut Reading, key: &str, read: impl Fn(&mut Reading, &Node) -> Option<T>) -> T {
        let field = self.key(key);
        self.get(key).and_then(|node| read(reading, node)).unwrap_or_else(|| standard(field, read))
    }

    /// A whole number in the range of its key.
    pub(super) fn integer<T: TryFrom<i64>>(self, reading: &mut Reading, key: &str) -> T {
        self.value(reading, key, |reading, node| self.some_integer(reading, key, node))
    }

    /// The same for one that has no default in the table.
    pub(super) fn some_integer<T: TryFrom<i64>>(self, reading: &mut Reading, key: &str, node: &Node) -> Option<T> {
        let Shape::Integer(from, to) = self.key(key).shape else { return None };
        reading.reader.integer(node, from..=to).and_then(|number| T::try_from(number).ok())
    }

    /// A duration in the range of its key.
    pub(super) fn span(self, reading: &mut Reading, key: &str) -> Duration {
        let Shape::Span(from, to) = self.key(key).shape else { return Duration::ZERO };
        let range = Duration::from_millis(from)..=Duration::from_millis(to);
        self.value(reading, key, |reading, node| reading.reader.span(node, range.clone()))
    }

    /// One of the words of its key.
    pub(super) fn word(self, reading: &mut Reading, key: &str) -> &'static str {
        let Shape::Word(words) = self.key(key).shape else { return "" };
        self.value(reading, key, |reading, node| reading.reader.one_of(node, words))
    }

    /// `true` or `false`.
    pub(super) fn flag(self, reading: &mut Reading, key: &str) -> bool {
        self.value(reading, key, |reading, node| reading.reader.boolean(node))
    }
}

/// The default of a key, read as if it were written.
fn standard<T>(field: &Field, read: impl Fn(&mut Reading, &Node) -> Option<T>) -> T {
    let Need::Default(text) = field.need else { panic!("{} has a default", field.name) };
    let source = Source::new(field.name, text);
    let node = notation::parse(&source).expect("a default of the table is YAML");
    let mut reading = Reading { reader: Reader::new(&source), secrets: Vec::new(), places: Places::default() };
    read(&mut reading, &node).expect("a default of the table is a good value")
}
