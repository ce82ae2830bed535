//! `prompts:`: sounds and texts with a name, the same for all callers or one for each language.
//!
//! ```yaml
//! prompts:
//!   hold: music.wav
//!   welcome: [welcome.wav, "For sales, press 1."]
//!   goodbye:                                  # the call's language decides
//!     en: Thank you. Goodbye.
//!     de: Vielen Dank. Auf Wiederhören.
//! ```
//!
//! Wherever sounds are expected, `prompt/goodbye` stands for it, also in a script. The call's language is `speech.language` until
//! a flow says `set: { language: de }` (a script: `line.language = "de"`). What is not there in the call's language is said in a
//! kindred one (`de` for `de-AT`), else in the flow's own, else in the first written.

use crate::{
    compile::{Compiler, Libraries},
    effect::PromptItem,
    template::{Template, View},
    value::{Findings, ITEM_KEYS, Kind, Raw, Value, read},
};
use notation::{Entry, Kind as Shape, Map, Node, Reader, Source, Span, nearest};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a text begins with that names a prompt.
pub(crate) const PREFIX: &str = "prompt/";

/// Prompts by name.
pub(crate) type Prompts = BTreeMap<String, Arc<NamedPrompt>>;

/// One prompt of a `prompts:` section.
#[derive(Debug)]
pub(crate) struct NamedPrompt {
    pub(crate) name: String,
    /// By language, as written; one without a language is for all.
    pub(crate) variants: Vec<(Option<String>, Template)>,
    /// The flow's own language.
    home: Option<String>,
}

impl NamedPrompt {
    /// The variant for a language.
    pub(crate) fn variant(&self, language: Option<&str>) -> Option<&(Option<String>, Template)> {
        let exact = |wanted: &str| self.variants.iter().find(|(tag, _)| tag.as_deref().is_some_and(|tag| tag.eq_ignore_ascii_case(wanted)));
        let kindred = |wanted: &str| self.variants.iter().find(|(tag, _)| tag.as_deref().is_some_and(|tag| primary(tag) == primary(wanted)));
        let wanted = [language, self.home.as_deref()];
        wanted.into_iter().flatten().find_map(|wanted| exact(wanted).or_else(|| kindred(wanted))).or(self.variants.first())
    }
    /// What is known of it before the call.
    pub(crate) fn outline(&self) -> Raw {
        self.variant(None).map_or(Raw::Unknown, |(language, template)| sounds_of(template.outline(), language.as_deref()))
    }
    /// Whether it is the same in every call.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.variants.as_slice(), [(None, template)] if template.is_plain())
    }
    /// All its sounds that are the same in every call, in every language.
    pub(crate) fn constant(&self) -> Vec<PromptItem> {
        let plain = self.variants.iter().filter(|(_, template)| template.is_plain());
        let sounds = plain.map(|(language, template)| read(&Kind::Prompt, &sounds_of(template.outline(), language.as_deref()), &mut Findings::default()));
        let items = sounds.flatten().map(|value| if let Value::Prompt(items) = value { items } else { Vec::new() });
        items.flatten().collect()
    }
    /// Its sounds in this moment.
    pub(crate) fn value(&self, view: &View) -> Result<Raw, String> {
        let (language, template) = self.variant(view.language).ok_or_else(|| format!("prompt {} has no sound", self.name))?;
        Ok(sounds_of(template.value(view)?, language.as_deref()))
    }
}

/// `en` of `en-GB`.
pub(crate) fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a text looks like a BCP 47 tag: `de`, `de-AT`, `zh-Hant-TW`.
pub(crate) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && text.len() <= 35
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Sounds as they are meant, wherever they are put: files and URLs are played also among texts, and texts know their language.
fn sounds_of(raw: Raw, language: Option<&str>) -> Raw {
    let tag = || language.map(|tag| ("language".to_owned(), Raw::Text(tag.to_owned())));
    match raw {
        Raw::List(items) => Raw::List(items.into_iter().map(|item| sounds_of(item, language)).collect()),
        Raw::Map(mut entries) => {
            if entries.iter().any(|(key, _)| key == "say") && !entries.iter().any(|(key, _)| key == "language") {
                entries.extend(tag());
            }
            Raw::Map(entries)
        }
        Raw::Text(text) if crate::value::is_spoken(&text) => Raw::Map(std::iter::once(("say".to_owned(), Raw::Text(text))).chain(tag()).collect()),
        Raw::Text(text) => Raw::Map(vec![("play".to_owned(), Raw::Text(text))]),
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Unknown => raw,
    }
}

/// Names of prompts in the arguments of a script, replaced by their sounds.
pub(crate) fn resolve(raw: Raw, view: &View) -> Result<Raw, String> {
    Ok(match raw {
        Raw::Text(text) => match text.strip_prefix(PREFIX).and_then(|name| view.prompts.get(name)) {
            Some(prompt) => prompt.value(view)?,
            None => Raw::Text(text),
        },
        Raw::List(items) => Raw::List(items.into_iter().map(|item| resolve(item, view)).collect::<Result<_, _>>()?),
        Raw::Map(entries) => Raw::Map(entries.into_iter().map(|(key, value)| Ok((key, resolve(value, view)?))).collect::<Result<_, String>>()?),
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Unknown => raw,
    })
}

/// A prompt while its file is read.
#[derive(Debug)]
pub(crate) enum Written<'w> {
    /// Not yet looked at.
    Waiting(usize, &'w Entry),
    /// Being looked at: naming it now is a circle.
    Making,
    /// Done, when it is good.
    Made(Option<Arc<NamedPrompt>>),
}

impl<'w> Compiler<'w> {
    /// Reads all prompts of the flow and of the files it uses.
    pub(crate) fn prompts(&mut self, files: &[Map<'w>]) {
        let mut places: BTreeMap<String, (usize, Span)> = BTreeMap::new();
        for (file, map) in files.iter().enumerate() {
            let Some(node) = map.get("prompts") else { continue };
            for entry in self.reader(file).any_map(node, "prompts by name").map(Map::entries).unwrap_or_default() {
                let (name, span) = (entry.key.text.clone(), entry.key.span);
                if let Err(error) = terms::Name::new(&name) {
                    self.reader(file).error("bad-name", span, error.to_string());
                } else if let Some((other, at)) = places.get(&name) {
                    let place = self.place(*other, *at);
                    self.reader(file).error("clash", span, format!("there is a prompt `{name}` already, in {place}"));
                } else {
                    places.insert(name.clone(), (file, span));
                    self.written.insert(name, Written::Waiting(file, entry));
                }
            }
        }
        for name in places.keys() {
            let _ = self.made(name);
        }
        self.translations(&places);
    }

    /// All prompts that are good, when all have been read.
    pub(crate) fn made_prompts(&self) -> Prompts {
        let made = self.written.iter().filter_map(|(name, written)| match written {
            Written::Made(Some(prompt)) => Some((name.clone(), prompt.clone())),
            Written::Made(None) | Written::Making | Written::Waiting(..) => None,
        });
        made.collect()
    }

    /// The prompt of this name, read now if it was not yet.
    fn made(&mut self, name: &str) -> Result<Option<Arc<NamedPrompt>>, &'static str> {
        let (file, entry) = match self.written.get(name) {
            None => return Err("missing"),
            Some(Written::Making) => return Err("circle"),
            Some(Written::Made(made)) => return Ok(made.clone()),
            Some(Written::Waiting(file, entry)) => (*file, *entry),
        };
        self.written.insert(name.to_owned(), Written::Making);
        let errors = self.readers.iter().map(|reader| reader.faults().len()).sum::<usize>();
        let variants = match by_language(&entry.value) {
            Some(entries) => entries.iter().map(|entry| (Some(entry.key.text.clone()), self.sounds(file, &entry.value))).collect(),
            None => vec![(None, self.sounds(file, &entry.value))],
        };
        let good = self.readers.iter().map(|reader| reader.faults().len()).sum::<usize>() == errors;
        let prompt = NamedPrompt { name: name.to_owned(), variants, home: self.speech.language.clone() };
        let made = Some(Arc::new(prompt)).filter(|_| good);
        self.written.insert(name.to_owned(), Written::Made(made.clone()));
        Ok(made)
    }

    fn sounds(&mut self, file: usize, node: &Node) -> Template {
        let template = self.template(file, node, false);
        let mut findings = Findings::default();
        read(&Kind::Prompt, &template.outline(), &mut findings);
        self.report(file, node, None, findings);
        template
    }

    /// `prompt/NAME` at a node; `None` when there is no such prompt (a fault is noted).
    pub(crate) fn named_prompt(&mut self, file: usize, node: &Node, name: &str) -> Template {
        self.names.used.insert(format!("{PREFIX}{name}"));
        match self.made(name) {
            Ok(Some(prompt)) => return Template::Named(prompt),
            // Its own faults have been told.
            Ok(None) => {}
            Err("circle") => {
                self.reader(file).error("cycle", node.span, format!("prompt `{name}` contains itself"));
            }
            Err(_) => {
                let near = nearest(name, self.written.keys().map(String::as_str)).map(|near| format!("did you mean `{PREFIX}{near}`?"));
                let help = near.or_else(|| Some("prompts with a name stand in the section `prompts:`".to_owned()));
                self.reader(file).error("missing-prompt", node.span, format!("there is no prompt `{name}`")).help = help;
            }
        }
        Template::Plain(Raw::Unknown)
    }

    /// Prompts that are there in some languages, but not in all that the flow speaks.
    fn translations(&mut self, places: &BTreeMap<String, (usize, Span)>) {
        let prompts = self.made_prompts();
        let spoken: BTreeSet<String> = prompts
            .values()
            .flat_map(|prompt| prompt.variants.iter().filter_map(|(tag, _)| tag.as_deref()))
            .chain(self.speech.language.as_deref().filter(|_| !prompts.is_empty()))
            .map(primary)
            .collect();
        for (name, prompt) in &prompts {
            let has: BTreeSet<String> = prompt.variants.iter().filter_map(|(tag, _)| tag.as_deref()).map(primary).collect();
            let missing: Vec<&str> = spoken.difference(&has).map(String::as_str).collect();
            if let (false, false, Some((file, span))) = (has.is_empty(), missing.is_empty(), places.get(name)) {
                let message = format!("prompt `{name}` is not there in {}", missing.join(", "));
                let instead = prompt.variant(None).and_then(|(tag, _)| tag.clone()).unwrap_or_default();
                self.reader(*file).warning("missing-translation", *span, message).help(format!("callers of that language hear it in {instead}"));
            }
        }
    }
}

/// The entries of a map of languages.
fn by_language(node: &Node) -> Option<&[Entry]> {
    let entries = match &node.kind {
        Shape::Map(entries) if !entries.is_empty() => entries,
        Shape::Map(_) | Shape::Null | Shape::Scalar(..) | Shape::List(_) => return None,
    };
    let is_tag = |entry: &Entry| is_language(&entry.key.text) && !ITEM_KEYS.contains(&entry.key.text.as_str());
    entries.iter().all(is_tag).then_some(entries.as_slice())
}

/// The prompts of files that others use, for scripts: what they name of a flow's own (settings, variables) is not there.
pub(crate) fn of_libraries<'a>(compiler: impl Fn(&'a Source) -> Compiler<'a>, libraries: &'a Libraries) -> Prompts {
    let mut found = Prompts::new();
    for (source, tree) in libraries.values().filter_map(|(source, tree)| Some((source, tree.as_ref()?))) {
        let mut compiler = compiler(source);
        let mut reader = Reader::new(source);
        if let Some(map) = reader.any_map(tree, "a file that others use") {
            compiler.prompts(&[map]);
        }
        found.extend(compiler.made_prompts());
    }
    found
}
