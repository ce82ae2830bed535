//! `answer`: takes the call (200). What is played before it is early media.

use crate::{catalogue::Action, effect::Effect};

pub(crate) const ACTION: Action = Action {
    name: "answer",
    summary: "answer the call; what is played before is early media",
    main: None,
    params: &[],
    outcomes: &["done"],
    keys_are_outcomes: false,
    fields: &[],
    waits: false,
    build: |_| Ok(Effect::Answer),
};
