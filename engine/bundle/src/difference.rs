//! Two runs of one call, and where they first part.

use crate::{Bundle, Said, disguise::blot_credentials};
use flow::JournalEntry;
use serde::Serialize;
use serde_json::Value as Json;
use std::time::Duration;
use terms::UnixMs;

/// What a call did: its flow, its timeline, what it said.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When it began, for the times of the journal.
    pub began: UnixMs,
    /// What its flow did.
    pub journal: Vec<JournalEntry>,
    /// Its timeline: milliseconds since its beginning, and a sentence.
    pub timeline: Vec<(u64, String)>,
    /// What it said, turn by turn: when, and what.
    pub said: Vec<(Duration, Vec<Said>)>,
    /// Nothing is known of what came later.
    pub is_cut: bool,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything, with its times.
    Everything,
    /// What the flow did: states, actions, parameters, outcomes and ways.
    Flow,
}

/// Where two runs part: what was there, and what is there now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// When, in seconds since the call began.
    pub at_s: f64,
    /// The state of the flow, where it is the flow that differs.
    pub state: Option<String>,
    /// What differs: `state`, `action`, `parameter wait`, `outcome`, `result digits`, `way`, `timeline`, `said`, …
    pub what: String,
    /// Then; `None`: nothing.
    pub was: Option<String>,
    /// Now; `None`: nothing.
    pub is: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.as_ref().map(|state| format!(", state {state}")).unwrap_or_default();
        writeln!(f, "at {:.3} s{state}: {}", self.at_s, self.what)?;
        let side = |text: &Option<String>| text.as_ref().map_or_else(|| "(nothing)".to_owned(), |text| text.replace("\r\n", "\n       "));
        writeln!(f, "  was: {}", side(&self.was))?;
        write!(f, "  is:  {}", side(&self.is))
    }
}

impl Bundle {
    /// What the call did when it was real.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let lines = self.end.record.get("timeline").and_then(Json::as_array);
        let line = |line: &Json| Some((line.get("at_ms")?.as_u64()?, line.get("what")?.as_str()?.to_owned()));
        Trace {
            began: self.head.began,
            journal: self.end.journal.clone(),
            timeline: lines.into_iter().flatten().filter_map(line).collect(),
            said: self.turns.iter().map(|turn| (turn.at, turn.said.clone())).collect(),
            is_cut: self.end.cut,
        }
    }
}

impl Trace {
    /// The earliest thing in which `now` differs from this; `None`: they are the same.
    #[must_use]
    pub fn first_difference(&self, now: &Self, scope: Scope) -> Option<Difference> {
        let flow = self.in_flow(now, scope);
        if scope == Scope::Flow {
            return flow;
        }
        // At one moment the cause comes before what follows from it.
        [flow, self.in_timeline(now), self.in_speech(now)].into_iter().flatten().min_by(|a, b| a.at_s.total_cmp(&b.at_s))
    }

    fn since(&self, at: UnixMs) -> f64 {
        Duration::from_millis(at.0.saturating_sub(self.began.0)).as_secs_f64()
    }

    fn in_flow(&self, now: &Self, scope: Scope) -> Option<Difference> {
        let ends = !self.is_cut;
        let most = self.journal.len().max(now.journal.len());
        (0..most).find_map(|at| match (self.journal.get(at), now.journal.get(at)) {
            (Some(was), Some(is)) => {
                let (mut was, mut is) = (was.clone(), is.clone());
                blot_credentials(&mut was);
                blot_credentials(&mut is);
                let is_last = self.is_cut && at + 1 == now.journal.len();
                self.in_entry(&was, &is, scope, is_last)
            }
            (Some(was), None) if ends => Some(self.whole(was, Some(step(was)), None)),
            (Some(_), None) | (None, None) => None,
            (None, Some(is)) => Some(self.whole(is, None, Some(step(is)))),
        })
    }

    fn whole(&self, entry: &JournalEntry, was: Option<String>, is: Option<String>) -> Difference {
        Difference { at_s: self.since(entry.began), state: None, what: "state".to_owned(), was, is }
    }

    /// `is_last`: the entry was not over yet when the call was cut.
    fn in_entry(&self, was: &JournalEntry, is: &JournalEntry, scope: Scope, is_last: bool) -> Option<Difference> {
        let began = self.since(was.began);
        let part = |what: &str, at_s: f64, was: Option<String>, is: Option<String>| {
            (was != is).then(|| Difference { at_s, state: None, what: what.to_owned(), was, is })
        };
        let name = |entry: &JournalEntry| Some(format!("{}/{}", entry.place.flow, entry.place.state));
        if name(was) != name(is) {
            return Some(Difference { at_s: began, state: None, what: "state".to_owned(), was: name(was), is: name(is) });
        }
        let with_state = |difference: Option<Difference>| difference.map(|difference| Difference { state: Some(was.place.state.clone()), ..difference });
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let begun = || part("action", began, text(&was.place.action), text(&is.place.action)).or_else(|| in_json("parameter", was.asked.as_ref(), is.asked.as_ref(), began));
        if let Some(difference) = with_state(begun()) {
            return Some(difference);
        }
        if is_last {
            return None;
        }
        let ended = was.at.or(is.at).map_or(began, |at| self.since(at));
        let times = || {
            let clock = |at: Option<UnixMs>| at.map(|at| format!("{:.3} s", self.since(at)));
            part("beginning", began, clock(Some(was.began)), clock(Some(is.began))).or_else(|| part("end", ended, clock(was.at), clock(is.at)))
        };
        let exact = scope == Scope::Everything;
        with_state(
            part("outcome", ended, was.outcome.clone(), is.outcome.clone())
                .or_else(|| in_json("result", Some(&was.result), Some(&is.result), ended))
                .or_else(|| part("failure", ended, was.failure.clone(), is.failure.clone()))
                .or_else(|| part("way", ended, was.to.clone(), is.to.clone()))
                .or_else(|| if exact { times() } else { None }),
        )
    }

    fn in_timeline(&self, now: &Self) -> Option<Difference> {
        let most = self.timeline.len().max(now.timeline.len());
        (0..most).find_map(|at| {
            let (was, is) = (self.timeline.get(at), now.timeline.get(at));
            if was == is || (self.is_cut && is.is_none()) {
                return None;
            }
            let at_ms = [was, is].into_iter().flatten().map(|(at, _)| *at).min().unwrap_or_default();
            let told = |line: Option<&(u64, String)>| line.map(|(at, what)| format!("{:.3} s {what}", Duration::from_millis(*at).as_secs_f64()));
            Some(Difference { at_s: Duration::from_millis(at_ms).as_secs_f64(), state: None, what: "timeline".to_owned(), was: told(was), is: told(is) })
        })
    }

    fn in_speech(&self, now: &Self) -> Option<Difference> {
        let most = self.said.len().max(now.said.len());
        (0..most).find_map(|turn| {
            let none: (Duration, Vec<Said>) = (Duration::ZERO, Vec::new());
            let (was, is) = (self.said.get(turn).unwrap_or(&none), now.said.get(turn).unwrap_or(&none));
            let most = was.1.len().max(is.1.len());
            (0..most).find_map(|at| {
                let (before, after) = (was.1.get(at), is.1.get(at));
                let told = |said: Option<&Said>| said.map(|said| said.text().to_owned());
                (before != after).then(|| Difference {
                    at_s: was.0.max(is.0).as_secs_f64(),
                    state: None,
                    what: "said".to_owned(),
                    was: told(before),
                    is: told(after),
                })
            })
        })
    }
}

fn step(entry: &JournalEntry) -> String {
    format!("{}/{}: {}", entry.place.flow, entry.place.state, if entry.effect.is_empty() { &entry.place.action } else { entry.effect.as_str() })
}

/// Whether two numbers are one that was printed and read: its last bit may be another one then.
fn is_near(was: &serde_json::Number, is: &serde_json::Number) -> bool {
    match (was.as_f64(), is.as_f64()) {
        (Some(was), Some(is)) => (was - is).abs() <= was.abs().max(is.abs()) * f64::EPSILON * 2.0,
        _ => false,
    }
}

/// The first field in which two values differ, by its path.
fn in_json(what: &str, was: Option<&Json>, is: Option<&Json>, at_s: f64) -> Option<Difference> {
    fn first(path: String, was: &Json, is: &Json) -> Option<(String, Json, Json)> {
        match (was, is) {
            (was, is) if was == is => None,
            (Json::Number(was), Json::Number(is)) if is_near(was, is) => None,
            (Json::Object(a), Json::Object(b)) => {
                let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                let gone = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
                gone.into_iter().find_map(|key| first(join(key), a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null)))
            }
            (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().find_map(|(at, (was, is))| first(format!("{path}[{at}]"), was, is))
            }
            (was, is) => Some((path, was.clone(), is.clone())),
        }
    }
    let told = |value: &Json| match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => Some(other.to_string()),
    };
    let (path, was, is) = first(String::new(), was.unwrap_or(&Json::Null), is.unwrap_or(&Json::Null))?;
    let what = if path.is_empty() { what.to_owned() } else { format!("{what} {path}") };
    Some(Difference { at_s, state: None, what, was: told(&was), is: told(&is) })
}
