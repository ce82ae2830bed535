//! A compiled YAML flow: states by number, nothing left to look up by name in a call.

use crate::{
    catalogue::Action,
    effect::{Effect, PromptItem, RecordCall},
    hours::Hours,
    prompts::{Prompts, primary},
    template::{Expression, Template},
    value::Kind,
};
use notation::{Source, Span};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One flow.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) settings: Vec<Declared>,
    pub(crate) vars: Vec<Declared>,
    pub(crate) hours: Arc<BTreeMap<String, Arc<Hours>>>,
    /// Zone of `now`.
    pub(crate) zone: jiff::tz::TimeZone,
    pub(crate) speech: Speech,
    pub(crate) prompts: Arc<Prompts>,
    pub(crate) states: Vec<State>,
    pub(crate) start: usize,
    pub(crate) rescue: Option<usize>,
    pub(crate) caller_left: Option<usize>,
    pub(crate) subroutines: Subroutines,
    /// Paths of its files: the flow's own, then those it uses.
    pub(crate) paths: Vec<Arc<str>>,
}

/// What a flow gives back to those that run it, and what it runs itself: checked when all flows are known.
#[derive(Debug, Default)]
pub(crate) struct Subroutines {
    /// Names that `return:` states give.
    pub(crate) returns: BTreeSet<String>,
    /// `run:` steps.
    pub(crate) runs: Vec<RunCheck>,
    /// `script:` steps.
    pub(crate) scripts: Vec<ScriptCheck>,
}

/// How the flow speaks when a prompt does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Speech {
    pub(crate) language: Option<String>,
    pub(crate) voice: Option<String>,
}

impl Speech {
    /// Fills in what the texts of an effect leave open. `language`: the call's, when a flow has set one.
    pub(crate) fn fill(&self, effect: &mut Effect, language: Option<&str>) {
        for item in prompts_of(effect).into_iter().flatten().flatten() {
            self.fill_item(item, language);
        }
    }
    pub(crate) fn fill_item(&self, item: &mut PromptItem, language: Option<&str>) {
        let PromptItem::Say(say) = item else { return };
        say.language = say.language.take().or_else(|| language.map(str::to_owned)).or_else(|| self.language.clone());
        // A voice speaks the language it was chosen for.
        let is_own = match (&say.language, &self.language) {
            (Some(said), Some(own)) => primary(said) == primary(own),
            (Some(_) | None, _) => true,
        };
        say.voice = say.voice.take().or_else(|| self.voice.clone().filter(|_| is_own));
    }
}

/// The prompts an effect can play.
fn prompts_of(effect: &mut Effect) -> [Option<&mut Vec<PromptItem>>; 3] {
    match effect {
        Effect::Play(play) => [Some(&mut play.items), None, None],
        Effect::Menu(menu) => [Some(&mut menu.prompt), Some(&mut menu.no_input), Some(&mut menu.no_match)],
        Effect::Collect(collect) => [Some(&mut collect.prompt), Some(&mut collect.no_input), Some(&mut collect.no_match)],
        Effect::Bridge(bridge) => [bridge.confirm.as_mut().map(|confirm| &mut confirm.prompt), Some(&mut bridge.ringback), None],
        Effect::Voicemail(voicemail) => [Some(&mut voicemail.greeting), None, None],
        Effect::Record(record) => [Some(&mut record.prompt), None, None],
        Effect::RecordCall(RecordCall::Start(recording)) => [Some(&mut recording.prompt), None, None],
        Effect::Http(http) => [Some(&mut http.filler), None, None],
        Effect::Conference(conference) => [Some(&mut conference.hold_music), None, None],
        Effect::Park(park) => [Some(&mut park.hold_music), None, None],
        Effect::Queue(queue) => [Some(&mut queue.music), None, None],
        Effect::Answer
        | Effect::Reject(_)
        | Effect::Hangup
        | Effect::Pause(_)
        | Effect::Keys(_)
        | Effect::Mailbox(_)
        | Effect::RecordCall(RecordCall::Pause | RecordCall::Resume | RecordCall::Stop)
        | Effect::Refer(_)
        | Effect::Notify(_) => [None, None, None],
    }
}

impl Program {
    /// States that some way leads to, from the start, the rescue or after the caller has left.
    pub(crate) fn entered(&self) -> BTreeSet<usize> {
        reach(&self.states, [Some(self.start), self.rescue, self.caller_left].into_iter().flatten())
    }
    /// Every sound that is the same in all calls, to be made before the first one comes.
    pub(crate) fn constant_prompts(&self) -> impl Iterator<Item = PromptItem> {
        let of_states = self.states.iter().flat_map(|state| {
            let Act::Ready(_, effect) = &state.act else { return Vec::new() };
            let mut effect = effect.clone();
            self.speech.fill(&mut effect, None);
            prompts_of(&mut effect).into_iter().flatten().flat_map(std::mem::take).collect()
        });
        let named = self.prompts.values().flat_map(|prompt| prompt.constant()).map(|mut item| {
            self.speech.fill_item(&mut item, None);
            item
        });
        of_states.chain(named)
    }
}

/// A setting or a variable.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) default: Json,
}

/// One state (or one item of a list of actions).
#[derive(Debug)]
pub(crate) struct State {
    /// `welcome`, `welcome[1]`, `message.full`.
    pub(crate) name: Arc<str>,
    /// File (0: the flow's own) and place.
    pub(crate) file: usize,
    pub(crate) span: Span,
    pub(crate) set: Vec<(String, Kind, Template)>,
    pub(crate) act: Act,
    /// Outcomes that its action can have as written.
    pub(crate) outcomes: Vec<String>,
    pub(crate) then: Then,
}

/// What a state does.
#[derive(Debug)]
pub(crate) enum Act {
    /// Nothing: only `set` or conditions.
    Nothing,
    /// The same in every call: built at load.
    Ready(&'static Action, Effect),
    /// To be evaluated.
    Evaluate(&'static Action, Template),
    /// Another flow as a subroutine.
    Run { flow: String, with: Vec<(String, Template)> },
    /// A function of a script, with what comes after `line`.
    Script { script: String, function: Arc<str>, with: Vec<Template> },
    /// Back to the flow that ran this one, with these result fields.
    Return { outcome: String, with: Vec<(String, Template)> },
}

/// Where to go after it.
#[derive(Debug)]
pub(crate) enum Then {
    /// The action ends the run.
    Nowhere,
    /// Whatever happened.
    Always(Branch),
    /// By outcome; `other` for the rest. `fall`: the next item of a list.
    By { named: Vec<(String, Branch)>, other: Option<Branch>, fall: Option<usize> },
}

/// Targets by conditions: the first that holds; the last has none.
#[derive(Debug)]
pub(crate) struct Branch(pub(crate) Vec<Arm>);

/// One target and its condition.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) when: Option<Expression>,
    pub(crate) target: Target,
}

/// A place to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    State(usize),
    End,
}

/// A `run:` step to be checked against its callee.
#[derive(Debug)]
pub(crate) struct RunCheck {
    pub(crate) source: Source,
    pub(crate) flow: String,
    pub(crate) span: Span,
    /// Outcomes named, with their places; and whether the rest is covered.
    pub(crate) named: Vec<(String, Span)>,
    pub(crate) covered: bool,
    /// Settings given, with their places and plain values.
    pub(crate) with: Vec<(String, Span, Option<crate::value::Raw>)>,
}

/// A `script:` step to be checked against its script.
#[derive(Debug)]
pub(crate) struct ScriptCheck {
    pub(crate) source: Source,
    pub(crate) call: String,
    pub(crate) call_span: Span,
    pub(crate) function: String,
    pub(crate) function_span: Span,
    /// How many, `line` counted.
    pub(crate) arguments: usize,
    /// Whether every outcome leads somewhere.
    pub(crate) covered: bool,
}

/// All states that some way leads to from these.
pub(crate) fn reach(states: &[State], from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = from.into_iter().collect();
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(states.get(at).map(State::targets).unwrap_or_default().into_iter().filter_map(|target| match target {
                Target::State(next) => Some(next),
                Target::End => None,
            }));
        }
    }
    seen
}

impl State {
    /// Every target it may go to.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let branch = |branch: &Branch| branch.0.iter().map(|arm| arm.target).collect::<Vec<_>>();
        match &self.then {
            Then::Nowhere => Vec::new(),
            Then::Always(always) => branch(always),
            Then::By { named, other, fall } => {
                named.iter().map(|(_, b)| b).chain(other).flat_map(branch).chain(fall.map(Target::State)).collect()
            }
        }
    }
    /// Whether the run can end here.
    pub(crate) fn ends(&self) -> bool {
        matches!(self.act, Act::Return { .. }) || matches!(self.then, Then::Nowhere) || self.targets().contains(&Target::End)
    }
    /// Whether it takes time.
    pub(crate) fn waits(&self) -> bool {
        match &self.act {
            Act::Ready(action, _) | Act::Evaluate(action, _) => action.waits,
            Act::Run { .. } | Act::Script { .. } => true,
            Act::Nothing | Act::Return { .. } => false,
        }
    }
}
