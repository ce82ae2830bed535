//! The one definition of each action: name, parameters, outcomes, result fields.
//!
//! The YAML reader, the Rhai functions, the checker and the JSON Schema all read these tables; nothing about an action is
//! written a second time.

use crate::{
    actions,
    effect::Effect,
    value::{Args, Kind},
};

/// Everything known of one action.
#[derive(Debug)]
pub(crate) struct Action {
    /// Its key in YAML and its function in Rhai.
    pub(crate) name: &'static str,
    /// One line for editors and the manual.
    pub(crate) summary: &'static str,
    /// The parameter that a plain value or list after the name stands for: `say: text`.
    pub(crate) main: Option<&'static str>,
    /// All parameters.
    pub(crate) params: &'static [Param],
    /// Fixed outcomes, the good one first; empty for actions that end the run.
    pub(crate) outcomes: &'static [&'static str],
    /// Whether each of its keys is an outcome too (`menu`).
    pub(crate) keys_are_outcomes: bool,
    /// Fields of `result` after it.
    pub(crate) fields: &'static [&'static str],
    /// Whether it takes time, so that a loop through it is no runaway.
    pub(crate) waits: bool,
    /// Checked values to the typed effect; an error is what is wrong between parameters.
    pub(crate) build: fn(&Args) -> Result<Effect, String>,
}

/// One parameter of an action, or one field of a structured parameter.
#[derive(Debug)]
pub(crate) struct Param {
    /// Its key.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it must be written.
    pub(crate) need: Need,
    /// One line for editors and the manual.
    pub(crate) doc: &'static str,
}

/// Whether a parameter must be written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// It must.
    Required,
    /// It may be left out and is then absent.
    Optional,
    /// It may be left out and then has this value, spelt as in YAML.
    Default(&'static str),
}

pub(crate) const fn param(name: &'static str, kind: Kind, need: Need, doc: &'static str) -> Param {
    Param { name, kind, need, doc }
}

/// The table. `set` and `run` are not here: they are steps of the interpreter, without effect.
pub(crate) static ACTIONS: [&Action; 20] = [
    &actions::answer::ACTION,
    &actions::bridge::ACTION,
    &actions::collect::ACTION,
    &actions::conference::ACTION,
    &actions::hangup::ACTION,
    &actions::http::ACTION,
    &actions::keys::ACTION,
    &actions::mailbox::ACTION,
    &actions::menu::ACTION,
    &actions::notify::ACTION,
    &actions::park::ACTION,
    &actions::pause::ACTION,
    &actions::play::ACTION,
    &actions::queue::ACTION,
    &actions::record::ACTION,
    &actions::record_call::ACTION,
    &actions::refer::ACTION,
    &actions::reject::ACTION,
    &actions::say::ACTION,
    &actions::voicemail::ACTION,
];

/// The action of this name.
pub(crate) fn action(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|action| action.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_whole_and_its_defaults_are_right() {
        let names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for action in ACTIONS {
            assert!(!action.summary.is_empty() && !action.summary.ends_with('.'), "{}", action.name);
            check_params(action.name, action.params);
            if let Some(main) = action.main {
                assert!(action.params.iter().any(|param| param.name == main), "{}", action.name);
            }
        }
    }

    fn check_params(of: &str, params: &'static [Param]) {
        for param in params {
            assert!(!param.doc.is_empty(), "{of}.{}", param.name);
            if let Need::Default(text) = param.need {
                let mut findings = crate::value::Findings::default();
                let value = crate::value::read(&param.kind, &crate::value::Raw::Text(text.to_owned()), &mut findings);
                assert!(value.is_some() && findings.problems.is_empty(), "{of}.{}: {:?}", param.name, findings.problems);
            }
            if let Kind::Fields(fields) = param.kind {
                check_params(&format!("{of}.{}", param.name), fields);
            }
        }
    }
}
