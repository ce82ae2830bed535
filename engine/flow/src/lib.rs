//! # flow: what a user writes for a number, checked and run
//!
//! **Owns** the flow language in both notations (YAML states, Rhai scripts), the catalogue of actions, the checker, the
//! interpreter and the journal of effects.
//! **Never** knows SIP, RTP, sockets, files, threads or a clock: `now` and the outcomes of effects are handed in.
//! **Door**: [`FlowSet::load`] turns files into a checked, immutable set; [`Run`] is one call's interpreter: give it the last
//! effect's [`Outcome`], get the [`Next`] effect, a [`ScriptJob`] for the script threads, or the [`End`]; its [`Run::journal`] tells
//! every state with what it asked, how that ended and where it led; [`FlowSet::outline`] is a flow's shape; [`schema`] is the JSON
//! Schema of flow files and [`definitions`] what editors need for scripts.
//! **Invariants**: no text of a flow or script panics; a run always ends (step budget, script limits); a failure that nobody named
//! takes the rescue path, so a call never just goes silent; the same facts and outcomes give the same effects.
//! **How to add an action**: one file in `actions/` and one line in the table of `catalogue.rs`; reader, Rhai function, checker,
//! schema and editor definitions follow. Its typed form is a variant of [`Effect`].
//! **How to add a language** to `spoken(…)`: one file in `spoken/` and its arms in `spoken.rs`.
//!
//! Libraries: `rhai` for expressions and scripts (sandboxed, serialisable values; its limits are set in `engine.rs`), `jiff` for
//! time zones of opening hours (calendar files are read here: why, says `calendar.rs`),
//! `regex-lite` for digit patterns (linear time), `sha2` for the version hash.

mod actions;
pub mod apology;
mod calendar;
mod catalogue;
mod check;
mod compile;
mod definitions;
mod effect;
mod engine;
mod hours;
mod journal;
pub mod limits;
mod materials;
mod meeting;
mod outline;
mod pattern;
mod program;
mod prompts;
mod run;
mod schema;
mod script;
mod sections;
mod session;
mod set;
mod spoken;
mod spread;
mod tell;
mod template;
mod value;
mod world;

pub use calendar::Calendars;
pub use definitions::definitions;
pub use engine::prepare;
pub use effect::{
    BargeIn, Bridge, CallRecording, Collect, Confirm, Destination, Effect, FileFormat, Group, Http, Keys, Mailbox, Menu, MessageEvent, Method,
    Notify, NotifyAbout, OneTarget, Outcome, Play, PromptItem, Record, RecordCall, Refer, Reject, Ring, Say, Stop, Target, Tone, Transcribe,
    Voicemail,
};
pub use hours::{HOURS, Hours};
pub use journal::{JournalEntry, Place};
pub use materials::Materials;
pub use meeting::{AgentOrder, Conference, Entry, GainKeys, Park, Queue, Role};
pub use outline::{Outline, OutlineArm, OutlineState, When};
pub use pattern::Pattern;
pub use run::{End, Next, Run, ScriptJob, ScriptReply};
pub use schema::schema;
pub use set::{FlowSet, Survey};
pub use world::{CallFacts, Caller, Line, World};

#[cfg(test)]
mod tests;
