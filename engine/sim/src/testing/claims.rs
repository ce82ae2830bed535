//! What a test expects, compared with what happened.

use super::{
    case::Expected,
    shape,
    value::Fields,
    wanted::{Wanted, glob},
};
use crate::offline::{LeftMessage, Offline, Silence, WebRequest, Webhook};
use std::time::Duration;
use terms::spell_span;

/// Letters in a row that make a text the nearest one.
const NEAR: usize = 4;

/// Expected and got, each in one line, and the first character of `got` that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) caret: Option<usize>,
}

impl Mismatch {
    /// Two texts, with the caret at their first difference.
    pub(crate) fn texts(expected: impl Into<String>, got: impl Into<String>) -> Self {
        let (expected, got) = (expected.into(), got.into());
        let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
        Self { expected, got, caret: Some(same) }
    }

    fn plain(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into(), caret: None }
    }
}

/// Whether it is so; else a sentence and the difference.
pub(crate) fn check(expected: &Expected, call: &Offline) -> Result<(), (String, Mismatch)> {
    let told = |title: &str, mismatch: Mismatch| Err((title.to_owned(), mismatch));
    match expected {
        Expected::State(wanted) => {
            let state = call.state();
            let flow = call.place().map_or("", |place| &*place.flow);
            let named = wanted.strip_prefix(flow).and_then(|rest| rest.strip_prefix('/')).unwrap_or(wanted);
            if state == named || top(state) == named { Ok(()) } else { told("the flow is in another state", Mismatch::texts(wanted, state)) }
        }
        Expected::Path(wanted) => {
            let path = path(call, wanted.iter().any(|state| state.contains(['.', '['])));
            if path == *wanted { Ok(()) } else { told("the flow took another way", Mismatch::texts(list(wanted), list(&path))) }
        }
        Expected::Ringing(wanted) => names(wanted, call.ringing(), "others ring"),
        Expected::Talking(wanted) => names(wanted, call.talking(), "others have answered"),
        Expected::Answered(wanted) => {
            let word = |answered: bool| if answered { "answered" } else { "not answered" };
            let answered = call.is_answered();
            if answered == *wanted { Ok(()) } else { told(&format!("the caller was {}", word(answered)), Mismatch::plain(word(*wanted), word(answered))) }
        }
        Expected::Over(wanted) => {
            let word = |over: bool| if over { "the call is over" } else { "the call goes on" };
            let got = if call.is_over() { word(true).to_owned() } else { format!("{} in state {}", word(false), call.state()) };
            if call.is_over() == *wanted { Ok(()) } else { told(word(call.is_over()), Mismatch::plain(word(*wanted), got)) }
        }
        Expected::Rescued(wanted) => {
            let trouble = call.run().and_then(flow::Run::trouble);
            let word = if *wanted { "a failure, and the rescue path" } else { "no failure" };
            if trouble.is_some() == *wanted { Ok(()) } else { told(if *wanted { "nothing failed" } else { "the flow failed and took its rescue path" }, Mismatch::plain(word, trouble.unwrap_or("no failure"))) }
        }
        Expected::Var(name, wanted) => match call.vars().and_then(|vars| vars.get(name)) {
            Some(value) if shape::fits(wanted, value) => Ok(()),
            Some(value) => told(&format!("variable {name} is another"), Mismatch::texts(shape::told(wanted), shape::shown(value, Some(wanted)))),
            None => {
                let known: Vec<String> = call.vars().map(|vars| vars.keys().cloned().collect()).unwrap_or_default();
                told(&format!("there is no variable {name}"), Mismatch::plain(shape::told(wanted), format!("variables: {}", list(&known))))
            }
        },
        Expected::Result(wanted) => {
            let result = call.result();
            if shape::fits(wanted, &result) { Ok(()) } else { told("the last action had another result", Mismatch::texts(shape::told(wanted), shape::shown(&result, Some(wanted)))) }
        }
        Expected::Recording(lengths) => {
            let fits = |length: Duration| lengths.is_none_or(|lengths| lengths.has(length));
            if call.recordings().iter().any(|recording| fits(recording.length)) {
                return Ok(());
            }
            let found: Vec<String> = call.recordings().iter().map(|recording| seconds(recording.length)).collect();
            let wanted = lengths.map_or_else(|| "a recording".to_owned(), |lengths| format!("a recording of {lengths}"));
            told("there is no such recording", Mismatch::plain(wanted, or_none(found)))
        }
        Expected::Voicemail(wanted) => voicemail(wanted, call.voicemails()),
        Expected::Webhooks(wanted) => {
            let told_one = |webhook: &Webhook| format!("{} to {}", short(&webhook.event), webhook.url);
            in_order(wanted, call.webhooks(), webhook_fits, told_one, "webhook")
        }
        Expected::Http(wanted) => in_order(wanted, call.web_requests(), request_fits, |request| format!("{} {}", request.method, request.url), "web request"),
        Expected::EndedBy(wanted) => {
            let by = call.ended_by().unwrap_or("nothing yet");
            if ended(wanted, by) { Ok(()) } else { told("the call ended otherwise", Mismatch::texts(wanted.as_part().unwrap_or(&wanted.to_string()), by)) }
        }
        Expected::NeverSilentFor(limit) => {
            let silence = call.silent_for();
            if silence.length < *limit { Ok(()) } else { told("it was silent for too long", too_silent(*limit, silence)) }
        }
    }
}

pub(crate) fn too_silent(limit: Duration, silence: Silence) -> Mismatch {
    let got = format!("{} of silence from {} on", seconds(silence.length), seconds(silence.from));
    Mismatch::plain(format!("never silent for {}", spell_span(limit)), got)
}

/// The state a state is written in.
fn top(state: &str) -> &str {
    state.split(['.', '[']).next().unwrap_or(state)
}

/// Every state in order; those of other flows as `flow/state`. Inline states and items of lists count as the state they are in.
fn path(call: &Offline, whole: bool) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let first = call.path().next().map(|(flow, _)| flow.to_owned()).unwrap_or_default();
    let mut inside = false;
    for (flow, state) in call.path() {
        let own = if whole { state } else { top(state) };
        let name = if flow == first { own.to_owned() } else { format!("{flow}/{own}") };
        let is_part = !whole && own != state;
        if !(is_part && inside && path.last() == Some(&name)) {
            path.push(name);
        }
        inside = true;
    }
    path
}

fn names(wanted: &[String], found: Vec<&str>, title: &str) -> Result<(), (String, Mismatch)> {
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let (wanted, found) = (sorted(wanted.to_vec()), sorted(found.into_iter().map(str::to_owned).collect()));
    if wanted == found { Ok(()) } else { Err((title.to_owned(), Mismatch::texts(list(&wanted), list(&found)))) }
}

fn voicemail(wanted: &[Fields], found: &[LeftMessage]) -> Result<(), (String, Mismatch)> {
    let shown = |message: &LeftMessage| {
        let words = message.transcript.as_ref().map(|words| format!(", “{words}”")).unwrap_or_default();
        format!("{} in {}{words}", seconds(message.length), message.mailbox)
    };
    let all = or_none(found.iter().map(shown).collect());
    if wanted.len() != found.len() {
        let count = if wanted.is_empty() { "no message".to_owned() } else { format!("{} message(s)", wanted.len()) };
        return Err((format!("{} message(s) were left", found.len()), Mismatch::plain(count, all)));
    }
    for (wanted, found) in wanted.iter().zip(found) {
        let wrong = |title: &str, mismatch: Mismatch| Err((title.to_owned(), mismatch));
        if let Some(mailbox) = wanted.text("mailbox").filter(|mailbox| *mailbox != found.mailbox.as_str()) {
            return wrong("the message is in another mailbox", Mismatch::texts(mailbox, found.mailbox.as_str()));
        }
        if let Some(lengths) = wanted.lengths("length").filter(|lengths| !lengths.has(found.length)) {
            return wrong("the message has another length", Mismatch::plain(lengths.to_string(), seconds(found.length)));
        }
        let words = found.transcript.as_deref().unwrap_or_default();
        if let Some(transcript) = wanted.wanted("transcript").filter(|transcript| !transcript.is_in(words)) {
            return wrong("the message says something else", Mismatch::plain(transcript.to_string(), words));
        }
    }
    Ok(())
}

/// Each of `wanted` fits one of `found`, in this order; others may come between. None wanted: none may be there.
fn in_order<T>(
    wanted: &[Fields],
    found: &[T],
    fits: impl Fn(&Fields, &T) -> bool,
    told: impl Fn(&T) -> String,
    what: &str,
) -> Result<(), (String, Mismatch)> {
    let all = || or_none(found.iter().map(&told).collect());
    if wanted.is_empty() && !found.is_empty() {
        return Err((format!("there was a {what}"), Mismatch::plain(format!("no {what}"), all())));
    }
    let mut rest = found.iter();
    for wanted in wanted {
        if !rest.any(|found| fits(wanted, found)) {
            return Err((format!("there was no such {what}"), Mismatch::plain(fields(wanted), all())));
        }
    }
    Ok(())
}

fn webhook_fits(wanted: &Fields, webhook: &Webhook) -> bool {
    let event = wanted.text("event").is_none_or(|event| event == webhook.event || event == short(&webhook.event));
    let url = wanted.text("url").is_none_or(|url| glob(url, &webhook.url));
    event && url && wanted.tree("body").is_none_or(|body| shape::fits_inside(body, &webhook.body))
}

fn request_fits(wanted: &Fields, request: &WebRequest) -> bool {
    let url = |key: &str, method: &str| wanted.text(key).is_none_or(|url| request.method == method && glob(url, &request.url));
    let status = wanted.count("status").is_none_or(|status| request.answer.as_ref().is_ok_and(|found| u32::from(*found) == status));
    let body = wanted.tree("body").is_none_or(|body| request.body.as_ref().is_some_and(|found| shape::fits_inside(body, found)));
    url("get", "GET") && url("post", "POST") && status && body
}

/// A message's event without the word before its dot.
fn short(event: &str) -> &str {
    event.strip_prefix("voicemail.").unwrap_or(event)
}

fn fields(wanted: &Fields) -> String {
    let one = |(name, _, item): &(String, notation::Span, super::value::Item)| {
        let value = item.text().map_or_else(|| wanted.tree(name).map(shape::told).unwrap_or_default(), str::to_owned);
        format!("{name}: {value}")
    };
    format!("{{ {} }}", wanted.0.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `flow`, `caller`, `refused` and `failed` stand for the record's sentences of that kind.
fn ended(wanted: &Wanted, by: &str) -> bool {
    match wanted.as_part() {
        Some("flow") => by.starts_with("the flow") && !by.starts_with("the flow failed") && !by.starts_with("the flow refused"),
        Some("caller") => by.starts_with("the caller"),
        Some("refused") => by.starts_with("the flow refused"),
        Some("failed") => by.starts_with("the flow failed"),
        Some(_) | None => wanted.is_in(by),
    }
}

/// Where in `text` most of `part` is found in a row: how many letters, and the character after them. `None`: hardly any.
pub(crate) fn nearest_part(part: &str, text: &str) -> Option<(usize, usize)> {
    let lower = |text: &str| text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<Vec<char>>();
    let (part, text) = (lower(part), lower(text));
    let best = (0..text.len())
        .map(|at| {
            let same = part.iter().zip(&text[at..]).take_while(|(a, b)| a == b).count();
            (same, at + same)
        })
        .max_by_key(|(same, at)| (*same, std::cmp::Reverse(*at)))?;
    (best.0 >= NEAR).then_some(best)
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

fn or_none(found: Vec<String>) -> String {
    if found.is_empty() { "none".to_owned() } else { found.join("; ") }
}

fn seconds(length: Duration) -> String {
    format!("{:.1}s", length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_at_the_first_difference() {
        assert_eq!(Mismatch::texts("[a, b]", "[a, c]").caret, Some(4));
        assert_eq!(nearest_part("leave a mesage", "Please leave a message after the tone."), Some((11, 18)));
        assert_eq!(nearest_part("xyz", "abc"), None);
    }
}
