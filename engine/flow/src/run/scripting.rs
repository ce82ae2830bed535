//! Scripts in a run: the jobs that go out to the script threads, and what comes back.

use super::{At, End, Frame, Next, Phase, Run, Step};
use crate::{
    effect::Outcome,
    hours::Hours,
    program::Speech,
    prompts::Prompts,
    script::{Ended, Executed, Execution, Script},
    session::Wanted,
    value::Raw,
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};
use terms::Now;

/// What a script does: a function with the values after `line`.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) script: Arc<Script>,
    pub(super) function: Arc<str>,
    pub(super) arguments: Arc<Vec<Json>>,
    /// Whether a flow wants what it returns as an outcome (`script:`); else returning nothing ends the call.
    pub(super) is_asked: bool,
    /// The call's language when it began.
    pub(super) language: Option<String>,
    /// Hours and prompts that it may name: those of the flow that calls it, else those of files that flows use.
    pub(super) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    pub(super) prompts: Arc<Prompts>,
}

impl Run {
    /// Gives the reply of the script job and answers what comes next. A reply that no job is out for ends the run.
    pub fn resume(&mut self, reply: ScriptReply, now: Now) -> Next {
        if !matches!(self.phase, Phase::Scripting) {
            return self.end(if self.left { End::CallerLeft } else { End::Failed("a script's reply came unasked".to_owned()) });
        }
        self.phase = Phase::Over;
        let ScriptReply(Executed { ended, language }, _) = reply;
        self.spoke(language);
        let next = match ended {
            Ended::Wants(Wanted::Effect(effect), site) => {
                self.stand_at(site);
                let mut effect = *effect;
                Speech::default().fill(&mut effect, self.language.as_deref());
                Ok(Step::Out(self.put_out(effect, now)))
            }
            Ended::Wants(Wanted::Run { flow, with }, site) => {
                self.stand_at(site);
                self.note(format!("run {flow}"), None, "run", now);
                let with = with.iter().map(|(name, value)| (name.clone(), Raw::of_json(value))).collect();
                self.enter(&flow, with, true, now)
            }
            Ended::Returned(value) => match (returned(&value), self.frames.last()) {
                (Some(outcome), _) => self.give_back(outcome, now),
                (None, Some(Frame { at: At::Script { task: Task { is_asked: true, .. }, .. }, .. })) => self.give_back(Outcome::new("done"), now),
                (None, _) => Ok(Step::Out(self.end(End::Finished))),
            },
            Ended::Failed(what) => Err(what),
        };
        self.go_on(next, now)
    }

    /// Begins a function of a script on top of the flow that calls it; it has that flow's settings.
    pub(super) fn call_script(&mut self, call: &str, function: &Arc<str>, arguments: Vec<Json>, now: Now) -> Result<Step, String> {
        self.may_go_deeper(call)?;
        let (name, script) = self.set.0.script(call).ok_or_else(|| format!("there is no script {call}"))?;
        let (name, script) = (Arc::from(name.as_str()), script.clone());
        let Some(Frame { settings, at: At::State { program, .. }, .. }) = self.frames.last() else { return Err("the flow lost its way".to_owned()) };
        let (settings, hours, prompts) = (settings.clone(), program.hours.clone(), program.prompts.clone());
        let language = self.language.clone().or_else(|| program.speech.language.clone());
        let task = Task { script, function: function.clone(), arguments: Arc::new(arguments), is_asked: true, language, hours, prompts };
        let at = At::Script { task, answers: Arc::default(), began: now.unix };
        self.frames.push(Frame { flow: name, settings, at, entry: None, site: "".into() });
        Ok(Step::Go)
    }

    /// The call of an action that the script on top stands at.
    pub(super) fn stand_at(&mut self, at: Arc<str>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.site = at;
        }
    }

    /// The call's language after a script, when the script has changed it.
    fn spoke(&mut self, language: Option<String>) {
        if let Some(Frame { at: At::Script { task, .. }, .. }) = self.frames.last()
            && task.language != language
        {
            self.language = language;
        }
    }
}

/// What a script's function returned as an outcome: a text, a map with `outcome`, or another plain value.
fn returned(value: &Json) -> Option<Outcome> {
    match value {
        Json::String(name) => Some(Outcome::new(name.clone())),
        Json::Bool(value) => Some(Outcome::new(value.to_string())),
        Json::Number(value) => Some(Outcome::new(value.to_string())),
        Json::Object(map) => {
            let name = map.get("outcome").and_then(Json::as_str)?.to_owned();
            let fields = map.iter().filter(|(key, _)| *key != "outcome").map(|(key, value)| (key.clone(), value.clone())).collect();
            Some(Outcome::with(name, Json::Object(fields)))
        }
        Json::Null | Json::Array(_) => None,
    }
}

/// One execution of a script up to its next effect; for a thread with [`crate::limits::SCRIPT_STACK`] bytes of stack.
#[derive(Debug)]
pub struct ScriptJob(pub(super) Execution);

/// What a script wants next.
#[derive(Debug)]
pub struct ScriptReply(Executed, Option<String>);

impl ScriptReply {
    /// The step could not be executed; `why` is for the timeline. Its call takes the rescue path.
    #[must_use]
    pub fn not_done(why: &str) -> Self {
        Self(Executed { ended: Ended::Failed(why.to_owned()), language: None }, Some(why.to_owned()))
    }
}

impl ScriptReply {
    /// Why the step could not be executed; `None`: it was.
    #[must_use]
    pub fn not_done_because(&self) -> Option<&str> {
        self.1.as_deref()
    }
}

impl ScriptJob {
    /// Executes the script under its limits (some 10 µs to 50 ms).
    #[must_use]
    pub fn execute(self) -> ScriptReply {
        ScriptReply(self.0.execute(), None)
    }
}
