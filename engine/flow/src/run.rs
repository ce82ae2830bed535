//! One call's interpreter.

use crate::{
    effect::{Effect, Outcome},
    set::FlowSet,
    world::CallFacts,
};
use std::sync::Arc;
use terms::{Now, UnixMs};

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

/// Where a run is, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Flow name.
    pub flow: String,
    /// State name (inline states: `message.full`; list items: `welcome[1]`); a script's `line 12`.
    pub state: String,
    /// Action being done; empty between actions.
    pub action: &'static str,
}

/// One line of the journal: an effect and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// Where it came from.
    pub place: Place,
    /// The effect, secrets masked, short: `menu keys 1 2 *`.
    pub effect: String,
    /// The outcome's name; `None` while it is awaited.
    pub outcome: Option<String>,
    /// When the outcome came.
    pub at: Option<UnixMs>,
}

/// One call's run of a flow. `Send`; holds no thread, no clock, no file.
#[derive(Debug)]
pub struct Run {
    set: FlowSet,
    facts: Arc<CallFacts>,
}

impl Run {
    /// A run of `flow` (a name in `set`) for one call. Nothing happens before the first [`Run::next`]`(None, now)`.
    ///
    /// A flow that does not exist takes the rescue path at once.
    #[must_use]
    pub fn start(set: FlowSet, flow: &str, facts: CallFacts) -> Self {
        let _ = flow;
        Self { set, facts: Arc::new(facts) }
    }
    /// Gives the outcome of the last effect (`None` at the beginning) and answers what comes next.
    pub fn next(&mut self, outcome: Option<Outcome>, now: Now) -> Next {
        let _ = (outcome, now, &self.set, &self.facts);
        todo!()
    }
    /// Gives the reply of the script job and answers what comes next.
    pub fn resume(&mut self, reply: ScriptReply, now: Now) -> Next {
        let _ = (reply, now);
        todo!()
    }
    /// The caller hung up: forget the effect being done and answer what the `caller_left` state still wants: only effects that
    /// need no caller (`http`, `notify`). Later outcomes of abandoned effects must not be given. A script job that is out: drop its reply.
    pub fn caller_left(&mut self, now: Now) -> Next {
        let _ = now;
        todo!()
    }
    /// The effect being done failed in a way its outcomes do not name (`what` for the timeline): takes the rescue path.
    pub fn failed(&mut self, what: &str, now: Now) -> Next {
        let _ = (what, now);
        todo!()
    }
    /// Where the run is.
    #[must_use]
    pub fn where_am_i(&self) -> Place {
        todo!()
    }
    /// All effects so far with their outcomes (the last [`crate::limits::JOURNAL_KEPT`]).
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        todo!()
    }
    /// Why the rescue path was taken, if it was.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        todo!()
    }
    /// The version of the flow set this run is pinned to.
    #[must_use]
    pub fn version(&self) -> &str {
        self.set.version()
    }
}

/// One execution of a script up to its next effect; for a thread with [`crate::limits::SCRIPT_STACK`] bytes of stack.
#[derive(Debug)]
pub struct ScriptJob {}

/// What a script wants next.
#[derive(Debug)]
pub struct ScriptReply {}

impl ScriptJob {
    /// Executes the script under its limits (some 10 µs to 50 ms).
    #[must_use]
    pub fn execute(self) -> ScriptReply {
        todo!()
    }
}
