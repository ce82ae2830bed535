//! Sounds of prompts: files, URLs, texts, tones, silence, and named prompts.

use super::{Findings, Kind, MINUTE_MS, Raw, Step, Thing, Value, is_url, read};
use crate::{
    effect::{PromptItem, Say, Tone},
    limits::{PROMPT_DEPTH, PROMPT_ITEMS, TEXT_CHARS},
};
use notation::nearest;
use std::time::Duration;

/// Keys that make a map an item of a prompt.
pub(crate) const ITEM_KEYS: [&str; 5] = ["play", "say", "tone", "silence", "ring"];
/// Endings that make a plain text of a prompt a file.
const AUDIO: [&str; 6] = [".wav", ".mp3", ".flac", ".ogg", ".g722", ".ulaw"];
/// Names of tones.
pub(crate) const TONES: [(&str, Tone); 4] =
    [("beep", Tone::Beep), ("dial", Tone::Dial), ("busy", Tone::Busy), ("congestion", Tone::Congestion)];

pub(super) fn prompt(raw: &Raw, findings: &mut Findings, spoken: bool) -> Vec<PromptItem> {
    let mut items = Vec::new();
    gather(raw, findings, spoken, 0, &mut items);
    items
}

/// Whether a plain text of a prompt is spoken: it is no URL and no file.
pub(crate) fn is_spoken(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !is_url(text) && !AUDIO.iter().any(|ending| lower.ends_with(ending))
}

/// `prompt/NAME` that nobody has replaced by its sounds.
fn unknown_prompt(text: &str) -> Option<&str> {
    text.strip_prefix(crate::prompts::PREFIX).filter(|name| terms::Name::new(name).is_ok())
}

fn gather(raw: &Raw, findings: &mut Findings, spoken: bool, depth: usize, out: &mut Vec<PromptItem>) {
    match raw {
        Raw::List(items) if depth < PROMPT_DEPTH && items.len() <= PROMPT_ITEMS => {
            for (index, item) in items.iter().enumerate() {
                findings.at(Step::Index(index), |findings| gather(item, findings, spoken, depth + 1, out));
            }
        }
        Raw::Unknown => out.push(say(String::new(), None, None)),
        Raw::Text(text) if unknown_prompt(text).is_some() => {
            let name = unknown_prompt(text).unwrap_or_default();
            findings.problem("missing-prompt", format!("there is no prompt `{name}`"), Some("prompts with a name stand in the section `prompts:`".to_owned()));
        }
        Raw::Text(text) if spoken => speak(text, None, None, findings, out),
        Raw::Text(text) => {
            if is_url(text) {
                out.push(PromptItem::Url(text.clone()));
            } else if !is_spoken(text) {
                file(text, findings, out);
            } else {
                speak(text, None, None, findings, out);
            }
        }
        Raw::Map(entries) => item(raw, entries, findings, depth, out),
        Raw::Int(_) | Raw::Float(_) | Raw::Bool(_) if spoken => speak(&raw.text().unwrap_or_default(), None, None, findings, out),
        Raw::List(_) | Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) => {
            findings.wrong("a prompt: a file, a URL, or say, play, tone, silence, ring", raw);
        }
    }
}

fn item(raw: &Raw, entries: &[(String, Raw)], findings: &mut Findings, depth: usize, out: &mut Vec<PromptItem>) {
    let known: Vec<&str> = ITEM_KEYS.into_iter().chain(["voice", "language"]).collect();
    for (key, value) in entries {
        findings.at(Step::Key(key.clone()), |findings| match key.as_str() {
            "play" if matches!(value, Raw::List(_) | Raw::Map(_)) => gather(value, findings, false, depth + 1, out),
            "play" => match value.text() {
                Some(text) if is_url(&text) => out.push(PromptItem::Url(text)),
                Some(text) => file(&text, findings, out),
                None if matches!(value, Raw::Unknown) => out.push(PromptItem::File(String::new())),
                None => findings.wrong("a file of the prompts folder or a URL", value),
            },
            "say" => {
                let extra = |key: &str| raw.get(key).and_then(Raw::text);
                match value {
                    Raw::Unknown => out.push(say(String::new(), extra("voice"), extra("language"))),
                    Raw::List(items) => {
                        for (index, item) in items.iter().enumerate() {
                            findings.at(Step::Index(index), |findings| match item.text() {
                                Some(text) => speak(&text, extra("voice"), extra("language"), findings, out),
                                None => gather(item, findings, true, depth + 1, out),
                            });
                        }
                    }
                    // What a named prompt stands for.
                    Raw::Map(_) => gather(value, findings, true, depth + 1, out),
                    Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) | Raw::Text(_) => match value.text() {
                        Some(text) => speak(&text, extra("voice"), extra("language"), findings, out),
                        None => findings.wrong("the text to say", value),
                    },
                }
            }
            "tone" => match TONES.iter().find(|(name, _)| value.text().as_deref() == Some(name)) {
                Some((_, tone)) => out.push(PromptItem::Tone(*tone)),
                None => findings.wrong(&format!("one of {}", TONES.map(|(name, _)| name).join(", ")), value),
            },
            "silence" | "ring" => match read(&Kind::Span(20, 10 * MINUTE_MS), value, findings) {
                Some(Value::Span(span)) if key == "ring" => out.push(PromptItem::Ring(span)),
                Some(Value::Span(span)) => out.push(PromptItem::Silence(span)),
                Some(_) => out.push(PromptItem::Silence(Duration::ZERO)),
                None => {}
            },
            "voice" | "language" => {}
            other => {
                let help = nearest(other, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                let help = help.or_else(|| Some(format!("a prompt has {}", known.join(", "))));
                let message = format!("unknown field of a prompt `{other}`");
                findings.at(Step::OfKey, |findings| findings.problem("unknown-field", message, help));
            }
        });
    }
}

fn say(text: String, voice: Option<String>, language: Option<String>) -> PromptItem {
    PromptItem::Say(Say { text, voice, language, english: None })
}

fn speak(text: &str, voice: Option<String>, language: Option<String>, findings: &mut Findings, out: &mut Vec<PromptItem>) {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        findings.problem("wrong-type", format!("a text to say has 1 to {TEXT_CHARS} characters"), None);
    } else {
        out.push(say(text.to_owned(), voice, language));
    }
}

/// A prompt's file stays below the prompts folder.
fn file(path: &str, findings: &mut Findings, out: &mut Vec<PromptItem>) {
    let good = (1..=200).contains(&path.len())
        && !path.starts_with('/')
        && !path.contains(['\\', '\0', ':', '%'])
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if good {
        findings.mention(Thing::Prompt, path);
        out.push(PromptItem::File(path.to_owned()));
    } else {
        findings.problem("wrong-type", format!("expected a file of the prompts folder, found {path:?}"), None);
    }
}
