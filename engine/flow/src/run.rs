//! One call's interpreter: a stack of frames (flows that run flows), each at a state or in a script.
//!
//! ```text
//! Fresh ──next──▶ drive ──▶ Waiting (an effect is out) ──next(outcome)──▶ drive …
//!                   │ ├───▶ Scripting (a job is out) ──resume(reply)──▶ …
//!                   │ └───▶ Over
//!                   └ trouble ──▶ the flow's `rescue`, else Apology ──▶ Message ──▶ Over
//! ```

mod noting;
mod scripting;

use noting::Notes;
pub use scripting::{ScriptJob, ScriptReply};
use scripting::Task;

use crate::{
    apology,
    effect::{BargeIn, Effect, Outcome, Play, PromptItem, Say, Stop, Transcribe, Voicemail},
    journal::{JournalEntry, Place, asked},
    limits::{RUN_DEPTH, STEPS, STEPS_WITHOUT_EFFECT},
    program::{Act, Branch, Program, Target, Then},
    prompts::is_language,
    script::Execution,
    session::Answer,
    set::{Flow, FlowSet},
    template::View,
    value::{Findings, Kind, Raw, read_params},
    world::CallFacts,
};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};
use terms::{Name, Now, Tongue, UnixMs};

/// What the call shall do next.
#[derive(Debug)]
pub enum Next {
    /// Do this, then give its outcome to [`Run::next`].
    Effect(Effect),
    /// Execute this on a script thread, then give the reply to [`Run::resume`].
    Script(ScriptJob),
    /// The flow is over: hang up if the call still stands.
    End(End),
}

/// Why a run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It reached `end`, or its script returned. Hang up (480 when never answered).
    Finished,
    /// The caller had left and the `caller_left` state, if any, is done.
    CallerLeft,
    /// Even the rescue path failed: hang up (480 when never answered). The text says what, for the timeline.
    Failed(String),
}

/// One call's run of a flow. `Send`; holds no thread, no clock, no file.
#[derive(Debug)]
pub struct Run {
    set: FlowSet,
    facts: Arc<CallFacts>,
    frames: Vec<Frame>,
    phase: Phase,
    /// Whether the caller has hung up.
    left: bool,
    /// Why the rescue path was taken.
    trouble: Option<String>,
    /// Steps done in all, and since the last effect.
    steps: u32,
    quiet: u32,
    notes: Notes,
    /// The first flow's variables once it is over.
    last_vars: BTreeMap<String, Json>,
    /// The call's language, when a flow has set one.
    language: Option<String>,
}

#[derive(Debug)]
enum Phase {
    /// Not begun; the flow's name.
    Fresh(String),
    /// This effect is out; whether its digits are secret.
    Waiting(&'static str, bool),
    /// A script job is out.
    Scripting,
    /// The built-in apology is being said.
    Apology,
    /// The built-in message is being taken.
    Message,
    /// Nothing comes any more.
    Over,
}

#[derive(Debug)]
struct Frame {
    flow: Arc<str>,
    settings: Arc<BTreeMap<String, Json>>,
    at: At,
    /// The journal's entry of the state it stands at, counted from the run's beginning.
    entry: Option<usize>,
    /// The name of the call that a script stands at.
    site: Arc<str>,
}

#[derive(Debug)]
enum At {
    State { program: Arc<Program>, state: usize, vars: BTreeMap<String, Json>, result: Json },
    Script { task: Task, answers: Arc<Vec<Answer>>, began: UnixMs },
}

/// What a step leads to.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for one step")]
enum Step {
    Go,
    Out(Next),
}

impl Run {
    /// A run of `flow` (a name in `set`) for one call. Nothing happens before the first [`Run::next`]`(None, now)`.
    ///
    /// A flow that does not exist takes the rescue path at once.
    #[must_use]
    pub fn start(set: FlowSet, flow: &str, facts: CallFacts) -> Self {
        Self {
            set,
            facts: Arc::new(facts),
            frames: Vec::new(),
            phase: Phase::Fresh(flow.to_owned()),
            left: false,
            trouble: None,
            steps: 0,
            quiet: 0,
            notes: Notes::default(),
            last_vars: BTreeMap::new(),
            language: None,
        }
    }

    /// Gives the outcome of the last effect (`None` at the beginning) and answers what comes next.
    pub fn next(&mut self, outcome: Option<Outcome>, now: Now) -> Next {
        if let Some(outcome) = &outcome {
            self.note_outcome(outcome, now);
        }
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Fresh(flow) => {
                let overrides = self.facts.settings.iter().map(|(name, text)| (name.clone(), Raw::Text(text.clone()))).collect();
                let entered = self.enter(&flow, overrides, false, now);
                self.go_on(entered, now)
            }
            Phase::Waiting(action, _) => {
                let outcome = outcome.unwrap_or_else(|| Outcome::new("failed"));
                let delivered = self.deliver(action, outcome, now);
                self.go_on(delivered, now)
            }
            Phase::Scripting => self.fail("an outcome came while a script was running".to_owned(), now),
            Phase::Apology => self.take_message(now),
            Phase::Message => self.end(End::Failed(self.trouble.clone().unwrap_or_default())),
            Phase::Over => Next::End(if self.left { End::CallerLeft } else { End::Finished }),
        }
    }

    /// The caller hung up: forget the effect being done and answer what the `caller_left` state still wants: only effects that
    /// need no caller (`http`, `notify`). Later outcomes of abandoned effects must not be given. A script job that is out: drop its reply.
    pub fn caller_left(&mut self, now: Now) -> Next {
        let again = std::mem::replace(&mut self.left, true);
        self.note_outcome(&Outcome::new("caller left"), now);
        self.frames.truncate(1);
        self.quiet = 0;
        match self.frames.first_mut() {
            Some(Frame { at: At::State { program, state, .. }, entry, .. }) if !again => match program.caller_left {
                Some(first) => (*state, *entry) = (first, None),
                None => return self.end(End::CallerLeft),
            },
            _ => return self.end(End::CallerLeft),
        }
        self.go_on(Ok(Step::Go), now)
    }

    /// The effect being done ended with this outcome and the caller is gone by it (sent elsewhere): the flow goes on with what needs no
    /// caller (`http`, `notify`).
    pub fn without_caller(&mut self, outcome: Outcome, now: Now) -> Next {
        self.left = true;
        self.next(Some(outcome), now)
    }

    /// The effect being done failed in a way its outcomes do not name (`what` for the timeline): takes the rescue path.
    pub fn failed(&mut self, what: &str, now: Now) -> Next {
        self.note_outcome(&Outcome::new("failed"), now);
        self.note_failure(what, now);
        match self.phase {
            Phase::Apology => self.take_message(now),
            Phase::Message | Phase::Over => self.end(End::Failed(what.to_owned())),
            Phase::Fresh(_) | Phase::Waiting(..) | Phase::Scripting => self.fail(what.to_owned(), now),
        }
    }

    /// Where the run is.
    #[must_use]
    pub fn where_am_i(&self) -> Place {
        let action: &'static str = match self.phase {
            Phase::Waiting(action, _) => action,
            Phase::Apology => "say",
            Phase::Message => "voicemail",
            Phase::Fresh(_) | Phase::Scripting | Phase::Over => "",
        };
        self.place(action)
    }
    fn place(&self, action: &'static str) -> Place {
        let action = Cow::Borrowed(action);
        if matches!(self.phase, Phase::Apology | Phase::Message) {
            return Place { flow: "rescue".into(), state: "sorry".into(), action };
        }
        match self.frames.last() {
            Some(Frame { flow, at: At::State { program, state, .. }, .. }) => {
                let state = program.states.get(*state).map(|state| state.name.to_string()).unwrap_or_default();
                Place { flow: flow.to_string(), state, action }
            }
            Some(Frame { flow, site, at: At::Script { .. }, .. }) => Place { flow: flow.to_string(), state: site.to_string(), action },
            None => Place { flow: "".into(), state: "".into(), action },
        }
    }
    /// Every state so far, with its effect and outcome (the last [`crate::limits::JOURNAL_KEPT`]).
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        &self.notes.journal
    }
    /// The variables of the flow the call began with, also when the run is over. A script has none.
    #[must_use]
    pub fn vars(&self) -> &BTreeMap<String, Json> {
        match self.frames.first() {
            Some(Frame { at: At::State { vars, .. }, .. }) => vars,
            Some(Frame { at: At::Script { .. }, .. }) | None => &self.last_vars,
        }
    }
    /// Why the rescue path was taken, if it was.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
    /// The configuration's secrets, by name.
    #[must_use]
    pub fn secrets(&self) -> &BTreeMap<String, terms::Secret<String>> {
        &self.facts.secrets
    }
    /// What the caller keyed in secret, as far as the flow was given it.
    #[must_use]
    pub fn keyed(&self) -> &[terms::Secret<String>] {
        &self.notes.keyed
    }
    /// The version of the flow set this run is pinned to.
    #[must_use]
    pub fn version(&self) -> &str {
        self.set.version()
    }

    /// The first flow's variables outlive it: called before its frame goes.
    fn keep_vars(&mut self) {
        if let [Frame { at: At::State { vars, .. }, .. }, ..] = &mut self.frames[..] {
            self.last_vars = std::mem::take(vars);
        }
    }

    fn end(&mut self, end: End) -> Next {
        self.phase = Phase::Over;
        self.keep_vars();
        self.frames.clear();
        Next::End(end)
    }

    /// Begins a flow on top of those that run already. `strict`: an unknown setting is a failure (an override of the configuration
    /// that a new version of the flow does not know any more is not).
    fn enter(&mut self, flow: &str, with: Vec<(String, Raw)>, strict: bool, now: Now) -> Result<Step, String> {
        self.may_go_deeper(flow)?;
        let found = self.set.0.flows.get(flow).cloned().ok_or_else(|| format!("there is no flow {flow}"))?;
        let (settings, at) = match found {
            Flow::Yaml(program) => {
                let mut settings: BTreeMap<String, Json> = program.settings.iter().map(|setting| (setting.name.clone(), setting.default.clone())).collect();
                for (name, raw) in &with {
                    let setting = program.settings.iter().find(|setting| setting.name == *name);
                    if setting.is_none() && strict {
                        return Err(format!("flow {flow} has no setting {name}"));
                    }
                    if let Some(setting) = setting {
                        let mut findings = Findings::default();
                        match crate::sections::typed(&setting.kind, raw, &mut findings) {
                            Some(value) if findings.problems.is_empty() => drop(settings.insert(name.clone(), value)),
                            _ => return Err(format!("setting {name}: {}", findings.told())),
                        }
                    }
                }
                let vars = program.vars.iter().map(|var| (var.name.clone(), var.default.clone())).collect();
                let state = program.start;
                (settings, At::State { program, state, vars, result: Json::Null })
            }
            Flow::Script(script) => {
                let settings = with.iter().map(|(name, raw)| (name.clone(), raw.json())).collect();
                let (hours, prompts) = (self.set.0.hours.clone(), self.set.0.prompts.clone());
                let language = self.language.clone();
                let task = Task { script, function: "main".into(), arguments: Arc::default(), is_asked: false, language, hours, prompts };
                (settings, At::Script { task, answers: Arc::default(), began: now.unix })
            }
        };
        self.frames.push(Frame { flow: flow.into(), settings: Arc::new(settings), at, entry: None, site: "".into() });
        Ok(Step::Go)
    }

    fn may_go_deeper(&self, flow: &str) -> Result<(), String> {
        if self.frames.len() < RUN_DEPTH {
            return Ok(());
        }
        let names: Vec<&str> = self.frames.iter().map(|frame| &*frame.flow).chain([flow]).collect();
        Err(format!("flows run each other deeper than {RUN_DEPTH}: {}", names.join(" runs ")))
    }

    /// The language in which the caller is spoken to now: what a flow set, else that of the flow it is in.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        let of_flow = self.frames.iter().rev().find_map(|frame| match &frame.at {
            At::State { program, .. } => program.speech.language.as_deref(),
            At::Script { task, .. } => task.language.as_deref(),
        });
        self.language.as_deref().or(of_flow)
    }

    /// Goes on until something must be done outside.
    fn go_on(&mut self, first: Result<Step, String>, now: Now) -> Next {
        let mut step = first;
        loop {
            match step {
                Ok(Step::Go) => step = self.step(now),
                Ok(Step::Out(next)) => return next,
                Err(what) => return self.fail(what, now),
            }
        }
    }

    /// Enters the state that the top frame stands at.
    fn step(&mut self, now: Now) -> Result<Step, String> {
        self.steps += 1;
        self.quiet += 1;
        if self.steps > STEPS {
            return Err(format!("the flow was stopped after {STEPS} steps; {}", self.cycle()));
        }
        if self.quiet > STEPS_WITHOUT_EFFECT {
            return Err(format!("the flow was stopped after {STEPS_WITHOUT_EFFECT} steps that do nothing; {}", self.cycle()));
        }
        let Some(frame) = self.frames.last_mut() else { return Ok(Step::Out(self.end(End::Finished))) };
        let (program, state) = match &mut frame.at {
            At::Script { task, answers, began } => {
                let job = Execution {
                    script: task.script.clone(),
                    function: task.function.clone(),
                    arguments: task.arguments.clone(),
                    facts: self.facts.clone(),
                    settings: frame.settings.clone(),
                    hours: task.hours.clone(),
                    prompts: task.prompts.clone(),
                    answers: answers.clone(),
                    started: *began,
                    language: task.language.clone(),
                };
                self.phase = Phase::Scripting;
                return Ok(Step::Out(Next::Script(ScriptJob(job))));
            }
            At::State { program, state, .. } => (program.clone(), *state),
        };
        let state = program.states.get(state).ok_or("the flow lost its way")?;
        for (name, kind, template) in &state.set {
            let raw = template.value(&self.view(&program, now)?)?;
            self.assign(name, kind, &raw)?;
        }
        match &state.act {
            Act::Nothing => {
                self.note(String::new(), None, "", now);
                self.follow(&program, None, now)
            }
            Act::Ready(_, effect) => {
                let mut effect = effect.clone();
                program.speech.fill(&mut effect, self.language.as_deref());
                Ok(Step::Out(self.put_out(effect, now)))
            }
            Act::Evaluate(action, template) => {
                let raw = template.value(&self.view(&program, now)?)?;
                let mut findings = Findings::default();
                let args = read_params(action.name, action.params, &raw, &mut findings);
                if !findings.problems.is_empty() {
                    return Err(format!("{}: {}", action.name, findings.told()));
                }
                let mut effect = (action.build)(&args).map_err(|what| format!("{}: {what}", action.name))?;
                program.speech.fill(&mut effect, self.language.as_deref());
                Ok(Step::Out(self.put_out(effect, now)))
            }
            Act::Run { flow, with } => {
                let view = self.view(&program, now)?;
                let with = with.iter().map(|(name, template)| Ok((name.clone(), template.value(&view)?))).collect::<Result<_, String>>()?;
                self.note(format!("run {flow}"), None, "run", now);
                self.enter(flow, with, true, now)
            }
            Act::Script { script, function, with } => {
                let view = self.view(&program, now)?;
                let with = with.iter().map(|template| Ok(template.value(&view)?.json())).collect::<Result<_, String>>()?;
                self.note(format!("script {script} {function}"), None, "script", now);
                self.call_script(script, function, with, now)
            }
            Act::Return { outcome, with } => {
                let view = self.view(&program, now)?;
                let fields = with.iter().map(|(name, template)| Ok((name.clone(), template.value(&view)?.json()))).collect::<Result<_, String>>()?;
                self.note(format!("return {outcome}"), None, "return", now);
                self.give_back(Outcome::with(outcome.clone(), Json::Object(fields)), now)
            }
        }
    }

    fn view<'v>(&'v self, program: &'v Program, now: Now) -> Result<View<'v>, String> {
        match self.frames.last() {
            Some(Frame { settings, at: At::State { vars, result, .. }, .. }) => {
                let language = self.language.as_deref().or(program.speech.language.as_deref());
                let (hours, zone, prompts) = (&program.hours, &program.zone, &program.prompts);
                Ok(View { facts: &self.facts, settings, vars, result, hours, zone, now: now.unix, language, prompts })
            }
            _ => Err("the flow lost its way".to_owned()),
        }
    }

    /// Sets a variable; `language` is the call's.
    fn assign(&mut self, name: &str, kind: &Kind, raw: &Raw) -> Result<(), String> {
        let mut findings = Findings::default();
        let value = crate::sections::typed(kind, raw, &mut findings);
        if !findings.problems.is_empty() {
            return Err(format!("variable {name}: {}", findings.told()));
        }
        match (name, value, self.frames.last_mut()) {
            ("language", Some(Json::String(tag)), _) if is_language(&tag) => self.language = Some(tag),
            ("language", ..) => return Err(format!("variable language: expected a tag such as en, en-GB or de, found {:?}", raw.text().unwrap_or_default())),
            (_, Some(value), Some(Frame { at: At::State { vars, .. }, .. })) => drop(vars.insert(name.to_owned(), value)),
            _ => return Err("the flow lost its way".to_owned()),
        }
        Ok(())
    }

    /// A flow or a function returns to the flow that ran it.
    fn give_back(&mut self, outcome: Outcome, now: Now) -> Result<Step, String> {
        if self.frames.len() == 1 {
            self.keep_vars();
        }
        let action = match self.frames.pop() {
            Some(Frame { at: At::Script { task: Task { is_asked: true, .. }, .. }, .. }) => "script",
            Some(_) | None => "run",
        };
        if self.frames.is_empty() {
            return Ok(Step::Out(self.end(End::Finished)));
        }
        self.note_outcome(&outcome, now);
        self.deliver(action, outcome, now)
    }

    /// Gives an outcome to the top frame.
    fn deliver(&mut self, action: &'static str, outcome: Outcome, now: Now) -> Result<Step, String> {
        self.quiet = 0;
        match self.frames.last_mut() {
            Some(Frame { at: At::Script { answers, .. }, .. }) => {
                Arc::make_mut(answers).push(Answer { action, outcome, at: now.unix });
                Ok(Step::Go)
            }
            Some(Frame { at: At::State { program, result, .. }, .. }) => {
                let program = program.clone();
                *result = outcome.result;
                self.follow(&program, Some(&outcome.name), now)
            }
            None => Ok(Step::Out(self.end(End::Finished))),
        }
    }

    /// Goes where the state's `then` says.
    fn follow(&mut self, program: &Program, outcome: Option<&str>, now: Now) -> Result<Step, String> {
        let at = match self.frames.last() {
            Some(Frame { at: At::State { state, .. }, .. }) => *state,
            _ => return Err("the flow lost its way".to_owned()),
        };
        let state = program.states.get(at).ok_or("the flow lost its way")?;
        let (arm, target) = match &state.then {
            Then::Nowhere => (0, Target::End),
            Then::Always(branch) => self.choose(program, branch, now)?,
            Then::By { named, other, fall } => {
                let size = |branch: &Branch| branch.0.len();
                let found = named.iter().position(|(name, _)| Some(name.as_str()) == outcome).unwrap_or(named.len());
                let before: usize = named.iter().take(found).map(|(_, branch)| size(branch)).sum();
                match (named.get(found).map(|(_, branch)| branch).or(other.as_ref()), fall) {
                    (Some(branch), _) => {
                        let (arm, target) = self.choose(program, branch, now)?;
                        (before + arm, target)
                    }
                    (None, Some(next)) if outcome != Some("failed") => (before, Target::State(*next)),
                    (None, _) => return Err(format!("{} ended with {} and nothing says where to go", state.name, outcome.unwrap_or("nothing"))),
                }
            }
        };
        let to = match target {
            Target::State(next) => program.states.get(next).map_or("end", |state| &state.name),
            Target::End => "end",
        };
        if let Some(entry) = self.entry_mut() {
            (entry.arm, entry.to) = (Some(arm), Some(to.to_owned()));
        }
        match (target, self.frames.last_mut()) {
            (Target::State(next), Some(Frame { at: At::State { state, .. }, entry, .. })) => {
                (*state, *entry) = (next, None);
                Ok(Step::Go)
            }
            _ => Ok(Step::Out(self.end(if self.left { End::CallerLeft } else { End::Finished }))),
        }
    }

    /// The first arm that holds, and its index in the branch.
    fn choose(&self, program: &Program, branch: &Branch, now: Now) -> Result<(usize, Target), String> {
        for (index, arm) in branch.0.iter().enumerate() {
            let holds = match &arm.when {
                None => true,
                Some(condition) => condition.holds(&self.view(program, now)?)?,
            };
            if holds {
                return Ok((index, arm.target));
            }
        }
        Err("no condition held".to_owned())
    }

    /// Notes an effect in the journal and gives it out.
    fn put_out(&mut self, effect: Effect, now: Now) -> Next {
        if self.left && effect.needs_caller() {
            return self.end(End::CallerLeft);
        }
        let action = effect.action();
        self.phase = match (&effect, &self.phase) {
            (Effect::Reject(_) | Effect::Hangup, _) => Phase::Over,
            (_, Phase::Apology) => Phase::Apology,
            (_, Phase::Message) => Phase::Message,
            (_, Phase::Fresh(_) | Phase::Waiting(..) | Phase::Scripting | Phase::Over) => {
                Phase::Waiting(action, matches!(&effect, Effect::Collect(collect) if collect.secret))
            }
        };
        let told = crate::tell::tell(&effect, &self.facts.secrets);
        let asked = asked(&effect, &self.masks());
        self.note(told, Some(asked), action, now);
        Next::Effect(effect)
    }

    /// A failure that nobody named: the flow's rescue, else an apology and, where there is a mailbox, a message.
    fn fail(&mut self, what: String, now: Now) -> Next {
        let what = self.masks().text(what);
        self.note_failure(&what, now);
        let first = self.trouble.is_none();
        self.trouble.get_or_insert(what);
        if self.left {
            return self.end(End::CallerLeft);
        }
        self.quiet = 0;
        let language = self.language().map(str::to_owned);
        if first && self.steps <= STEPS {
            while let Some(frame) = self.frames.last_mut() {
                if let At::State { program, state, .. } = &mut frame.at
                    && let Some(rescue) = program.rescue {
                        (*state, frame.entry) = (rescue, None);
                        return self.go_on(Ok(Step::Go), now);
                    }
                if self.frames.len() == 1 {
                    self.keep_vars();
                }
                self.frames.pop();
            }
        }
        self.keep_vars();
        self.frames.clear();
        self.phase = Phase::Apology;
        // What comes now is said in the language of the flow that failed.
        self.language = language;
        let sorry = if self.facts.line.mailbox.is_some() { apology::LEAVE_A_MESSAGE } else { apology::SORRY };
        let items = vec![PromptItem::Say(Say::own(sorry.text(Tongue::of(self.language.as_deref()))))];
        self.put_out(Effect::Play(Play { action: "say", items, barge_in: BargeIn::None, repeat: 1 }), now)
    }

    fn take_message(&mut self, now: Now) -> Next {
        let mailbox = self.facts.line.mailbox.as_deref().and_then(|mailbox| Name::new(mailbox).ok());
        let Some(mailbox) = mailbox.filter(|_| !self.left) else {
            return self.end(End::Failed(self.trouble.clone().unwrap_or_default()));
        };
        self.phase = Phase::Message;
        self.put_out(Effect::Voicemail(Voicemail {
            mailbox,
            greeting: Vec::new(),
            stop: Stop { key: Some('#'), silence: Some(Duration::from_secs(5)), length: Duration::from_secs(180) },
            discard_under: Duration::from_secs(2),
            trim: true,
            loudness: true,
            transcribe: Some(Transcribe { language: None }),
            notify: None,
            keep: Duration::from_secs(90 * 86_400),
            operator: None,
        }), now)
    }
}
