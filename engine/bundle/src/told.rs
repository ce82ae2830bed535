//! The call as a person reads it: what happened, in order, from its bundle alone.

use crate::{Answer, Bundle, Heard, Input, Said};
use serde::Serialize;
use serde_json::Value as Json;
use std::time::Duration;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToldLine {
    /// Seconds since the call began.
    pub at_s: f64,
    /// Who or what: `caller`, `call`, `flow`, `errand`, `why`, `order`.
    pub who: &'static str,
    /// What.
    pub what: String,
}

impl Bundle {
    /// Everything that happened, in order.
    #[must_use]
    pub fn told(&self) -> Vec<ToldLine> {
        let mut lines = Vec::new();
        for turn in &self.turns {
            let mut tell = |who, what| lines.push(ToldLine { at_s: turn.at.as_secs_f64(), who, what });
            match &turn.input {
                Input::Begin => tell("caller", format!("calls: {}", first_line(&self.head.invite))),
                Input::Request { leg, text, .. } => tell(who(*leg), format!("says {}", first_line(text))),
                Input::Ack { leg, .. } => tell(who(*leg), "acknowledges".to_owned()),
                Input::Cancelled { leg } => tell(who(*leg), "gives up".to_owned()),
                Input::Response { leg, text, .. } => tell(who(*leg), format!("answers {}", first_line(text))),
                Input::Failed { leg, method, why } => tell(who(*leg), format!("does not answer {method}: {why}")),
                Input::Answer { ticket, answer } => tell("errand", format!("{ticket}: {}", in_words(answer))),
                Input::HangUp { why } => tell("order", format!("hang up: {why}")),
                Input::Key { key, way } => tell("call", format!("is brought {key}, which came by {way} to whoever it talks with")),
                Input::Sockets { leg, address: None } => tell("errand", format!("no ports for leg {leg}")),
                Input::Sockets { .. } | Input::Time | Input::Media => {}
            }
            for seen in &turn.seen {
                if let Some((who, what)) = heard(&seen.what) {
                    tell(who, what);
                }
            }
            for said in &turn.said {
                match said {
                    Said::Front(text) => {
                        let (what, message) = text.split_once("\r\n").unwrap_or((text, ""));
                        tell("call", format!("{what} {}", first_line(message)).trim_end().to_owned());
                    }
                    Said::Errand(text) => tell("call", text.clone()),
                }
            }
        }
        for entry in &self.end.journal {
            let since = |at: terms::UnixMs| Duration::from_millis(at.0.saturating_sub(self.head.began.0)).as_secs_f64();
            let what = if entry.effect.is_empty() { &*entry.place.action } else { entry.effect.as_str() };
            lines.push(ToldLine { at_s: since(entry.began), who: "flow", what: format!("{}/{}: {what}", entry.place.flow, entry.place.state).trim_end_matches([':', ' ']).to_owned() });
            if let (Some(at), Some(outcome)) = (entry.at, &entry.outcome) {
                let to = entry.to.as_ref().map(|to| format!(" → {to}")).unwrap_or_default();
                lines.push(ToldLine { at_s: since(at), who: "flow", what: format!("{}/{}: {outcome}{to}", entry.place.flow, entry.place.state) });
            }
        }
        for (at_ms, what) in self.trace().timeline {
            lines.push(ToldLine { at_s: Duration::from_millis(at_ms).as_secs_f64(), who: "why", what });
        }
        // To the millisecond, as journal and timeline have it; what is of one moment stays in the order above.
        lines.sort_by_key(|line| Duration::from_secs_f64(line.at_s.max(0.0)).as_millis());
        lines
    }

    /// The record's field as a text; empty when it is not there.
    #[must_use]
    pub fn record_text(&self, field: &str) -> String {
        match self.end.record.get(field) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

const fn who(leg: u16) -> &'static str {
    if leg == 0 { "caller" } else { "callee" }
}

fn heard(heard: &Heard) -> Option<(&'static str, String)> {
    let what = match heard {
        Heard::Key { leg, key, secret, .. } => return Some((who(*leg), if *secret { "presses a key in secret".to_owned() } else { format!("presses {key}") })),
        Heard::Played { player, end, .. } => format!("sound {player} {}", format!("{end:?}").to_lowercase()),
        Heard::Speech { .. } => return Some(("caller", "speaks".to_owned())),
        Heard::Recorded { end, recorded, .. } => format!("a recording of {:.1} s ends by {}", Duration::from_millis(recorded.ms).as_secs_f64(), format!("{end:?}").to_lowercase()),
        Heard::Silent { leg } => return Some((who(*leg), "has fallen silent".to_owned())),
        Heard::Heard { leg } => return Some((who(*leg), "is heard again".to_owned())),
        Heard::Latched { leg, to } => return Some((who(*leg), format!("is heard from {to}"))),
        Heard::KeyDropped { leg, way, .. } => return Some((who(*leg), format!("presses a key by {way} that does not count"))),
        Heard::OneWay { leg, why } => return Some((who(*leg), why.as_ref().map_or_else(|| "sound goes both ways again".to_owned(), |why| format!("one-way audio: {why:?}")))),
        Heard::Rated { leg, mos } => return Some((who(*leg), format!("sounds like {mos:.1}"))),
        Heard::KeysSent { .. } | Heard::Sound { .. } | Heard::Ear(_) | Heard::FarEar { .. } => return None,
    };
    Some(("media", what))
}

fn in_words(answer: &Answer) -> String {
    fn either<T>(result: &Result<T, String>, told: impl FnOnce(&T) -> String) -> String {
        match result {
            Ok(value) => told(value),
            Err(why) => format!("no: {why}"),
        }
    }
    match answer {
        Answer::Prompt(found) => either(found, |sound| format!("{} ({:.1} s)", sound.label, Duration::from_millis(sound.ms).as_secs_f64())),
        Answer::Http(reply) => either(reply, |reply| format!("status {}, {} bytes", reply.status, reply.text.len())),
        Answer::Script(done) => either(done, |()| "the script's step is done".to_owned()),
        Answer::Mailbox(room) => either(room, |(messages, _)| format!("{messages} messages")),
        Answer::Messages(entries) => either(entries, |entries| format!("{} messages", entries.len())),
        Answer::Pin(verdict) => either(verdict, |verdict| format!("the PIN: {verdict:?}").to_lowercase()),
        Answer::ReferTo(uri) => either(uri, Clone::clone),
        Answer::SpoolBegun(begun) => either(begun, |()| "the recording has begun".to_owned()),
        Answer::SpoolFinished(kept) => either(kept, |_| "the recording is safe".to_owned()),
        Answer::Queued(queued) => either(queued, |()| "it is put down".to_owned()),
        Answer::Located(ways) => either(ways, |ways| format!("{} ways", ways.len())),
        Answer::Met(meeting) => format!("{meeting:?}").to_lowercase(),
    }
}
