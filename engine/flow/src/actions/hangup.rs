//! `hangup`: ends the call.

use crate::{catalogue::Action, effect::Effect};

pub(crate) const ACTION: Action = Action {
    name: "hangup",
    summary: "end the call",
    main: None,
    params: &[],
    outcomes: &[],
    keys_are_outcomes: false,
    fields: &[],
    waits: false,
    build: |_| Ok(Effect::Hangup),
};
