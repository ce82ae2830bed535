//! `line` in a script: each action is a function that answers from the journal, or stops the script with the next effect.

use crate::{
    catalogue::{ACTIONS, Action},
    effect::{Effect, Outcome},
    engine,
    hours::Hours,
    limits::SCRIPT_EFFECTS,
    prompts::{Prompts, is_language, resolve},
    spoken::spoken,
    template::{View, now_json},
    value::{Findings, Raw, read_params},
    world::CallFacts,
};
use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext, Position};
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use terms::UnixMs;

/// One effect that a script has had answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) action: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) at: UnixMs,
}

/// What a script wants next.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Effect(Box<Effect>),
    Run { flow: String, with: Vec<(String, Json)> },
}

/// What a script is told, and where it stands.
pub(crate) struct Session {
    pub(crate) facts: Arc<CallFacts>,
    pub(crate) settings: Arc<BTreeMap<String, Json>>,
    pub(crate) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    pub(crate) prompts: Arc<Prompts>,
    pub(crate) answers: Arc<Vec<Answer>>,
    pub(crate) at: usize,
    pub(crate) now: UnixMs,
    /// The call's language, when one is set.
    pub(crate) language: Option<String>,
    /// What it wants next, and where in the script that is said.
    pub(crate) wanted: Option<(Wanted, Position)>,
}

/// The script's handle on its session.
#[derive(Clone)]
pub(crate) struct LineHandle(pub(crate) Arc<Mutex<Session>>);

/// Members of `line` beside the actions.
pub(crate) const MEMBERS: [&str; 12] =
    ["caller", "id", "number", "connection", "mailbox", "settings", "language", "open", "secret", "now", "spoken", "run"];

impl Session {
    /// Names of prompts replaced by their sounds.
    fn with_prompts(&self, raw: Raw) -> Result<Raw, String> {
        let (vars, result, zone) = (BTreeMap::new(), Json::Null, jiff::tz::TimeZone::UTC);
        let language = self.language.as_deref();
        let view = View {
            facts: &self.facts,
            settings: &self.settings,
            vars: &vars,
            result: &result,
            hours: &self.hours,
            zone: &zone,
            now: self.now,
            language,
            prompts: &self.prompts,
        };
        resolve(raw, &view)
    }
}

type Answered<T> = Result<T, Box<EvalAltResult>>;

/// Gives the engine the type `Line` with a function for every action of the catalogue.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<LineHandle>("Line");
    for action in ACTIONS {
        engine
            .register_fn(action.name, move |at: NativeCallContext, line: &mut LineHandle| perform(&at, line, action, &[]))
            .register_fn(action.name, move |at: NativeCallContext, line: &mut LineHandle, first: Dynamic| perform(&at, line, action, &[first]))
            .register_fn(action.name, move |at: NativeCallContext, line: &mut LineHandle, first: Dynamic, options: Map| {
                perform(&at, line, action, &[first, options.into()])
            });
    }
    engine
        .register_fn("run", |at: NativeCallContext, line: &mut LineHandle, flow: &str| run(&at, line, flow, Map::new()))
        .register_fn("run", |at: NativeCallContext, line: &mut LineHandle, flow: &str, with: Map| run(&at, line, flow, with))
        .register_fn("open", |line: &mut LineHandle, name: &str| -> Answered<bool> {
            line.with(|session| match session.hours.get(name) {
                Some(hours) => Ok(hours.open_at(session.now)),
                None => Err(format!("there are no hours named {name}").into()),
            })
        })
        .register_fn("secret", |line: &mut LineHandle, name: &str| -> Answered<String> {
            line.with(|session| session.facts.secrets.get(name).map(|secret| secret.expose().clone()).ok_or_else(|| format!("there is no secret {name}").into()))
        })
        .register_fn("spoken", |line: &mut LineHandle, value: Dynamic| line.with(|session| say(session, &value, None)))
        .register_fn("spoken", |line: &mut LineHandle, value: Dynamic, form: &str| line.with(|session| say(session, &value, Some(form))))
        .register_get("language", |line: &mut LineHandle| line.with(|session| session.language.clone().unwrap_or_default()))
        .register_set("language", |line: &mut LineHandle, tag: &str| -> Answered<()> {
            if !is_language(tag) {
                return Err(format!("language: expected a tag such as en, en-GB or de, found {tag:?}").into());
            }
            line.with(|session| session.language = Some(tag.to_owned()));
            Ok(())
        })
        .register_fn("now", |line: &mut LineHandle| line.with(|session| session.now.rfc3339()))
        .register_fn("now", |line: &mut LineHandle, zone: &str| -> Answered<Dynamic> {
            let zone = jiff::tz::TimeZone::get(zone).map_err(|_| format!("unknown time zone {zone:?}: use an IANA name such as Europe/London"))?;
            Ok(line.with(|session| engine::dynamic(&now_json(session.now, &zone))))
        })
        .register_get("caller", |line: &mut LineHandle| line.with(|session| engine::dynamic(&session.facts.caller_json(session.language.as_deref().unwrap_or_default()))))
        .register_get("settings", |line: &mut LineHandle| {
            line.with(|session| Dynamic::from_map(session.settings.iter().map(|(key, value)| (key.as_str().into(), engine::dynamic(value))).collect()))
        });
    for field in crate::world::LINE_FIELDS {
        engine.register_get(field, move |line: &mut LineHandle| line.with(|session| engine::dynamic(&session.facts.line_json()[field])));
    }
}

/// `line.spoken(value, form)`, in the call's language.
fn say(session: &Session, value: &Dynamic, form: Option<&str>) -> Answered<String> {
    Ok(spoken(&engine::json(value, 0), form, session.language.as_deref().unwrap_or_default())?)
}

impl LineHandle {
    fn with<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The raw parameters of a call: `line.say("x")`, `line.menu(#{…})`, `line.bridge([…], #{…})`.
fn raw(action: &Action, args: &[Dynamic]) -> Result<Raw, String> {
    let value = |arg: &Dynamic| Raw::of_json(&engine::json(arg, 0));
    let main = |first: &Dynamic| match action.main {
        Some(main) => Ok((main.to_owned(), value(first))),
        None => Err(format!("{} takes a map of its parameters", action.name)),
    };
    match args {
        [] => Ok(Raw::Null),
        [only] if only.is_map() => Ok(value(only)),
        [only] => Ok(Raw::Map(vec![main(only)?])),
        [first, options, ..] => {
            let Raw::Map(mut entries) = value(options) else { return Err("the second argument is a map".to_owned()) };
            entries.insert(0, main(first)?);
            Ok(Raw::Map(entries))
        }
    }
}

fn perform(at: &NativeCallContext, line: &mut LineHandle, action: &'static Action, args: &[Dynamic]) -> Answered<Map> {
    let say = |message: String| -> Box<EvalAltResult> { format!("{}: {message}", action.name).into() };
    let raw = raw(action, args).map_err(say)?;
    let raw = line.with(|session| session.with_prompts(raw)).map_err(say)?;
    let mut findings = Findings::default();
    let read = read_params(action.name, action.params, &raw, &mut findings);
    if !findings.problems.is_empty() {
        return Err(say(findings.told()));
    }
    let effect = (action.build)(&read).map_err(say)?;
    line.with(|session| answer(session, action.name, at.call_position(), || Wanted::Effect(Box::new(effect))))
}

fn run(at: &NativeCallContext, line: &mut LineHandle, flow: &str, with: Map) -> Answered<Map> {
    let with = with.iter().map(|(key, value)| (key.to_string(), engine::json(value, 0))).collect();
    line.with(|session| answer(session, "run", at.call_position(), || Wanted::Run { flow: flow.to_owned(), with }))
}

/// The journal's answer as `#{ outcome, …result fields }`, or the end of this execution with the effect that is wanted.
fn answer(session: &mut Session, action: &'static str, at: Position, wanted: impl FnOnce() -> Wanted) -> Answered<Map> {
    let Some(known) = session.answers.get(session.at).cloned() else {
        if session.at >= SCRIPT_EFFECTS {
            return Err(format!("more than {SCRIPT_EFFECTS} actions in one script: loop in a YAML flow and run the script from it").into());
        }
        session.wanted = Some((wanted(), at));
        return Err(Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE)));
    };
    if known.action != action {
        let message = format!("the script did {} at this point before and {action} now: scripts must not depend on anything but the line", known.action);
        return Err(message.into());
    }
    session.at += 1;
    session.now = known.at;
    let mut map = Map::new();
    if let Json::Object(fields) = &known.outcome.result {
        for (key, value) in fields {
            map.insert(key.as_str().into(), engine::dynamic(value));
        }
    }
    if action == "menu" && known.outcome.name != "failed" {
        map.insert("key".into(), known.outcome.name.as_str().into());
    }
    map.entry("key".into()).or_insert("".into());
    map.insert("outcome".into(), known.outcome.name.as_str().into());
    Ok(map)
}
