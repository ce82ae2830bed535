//! `pause`: waits in silence.

use crate::{
    catalogue::{Action, Need, param},
    effect::Effect,
    value::{Kind, MINUTE_MS},
};

pub(crate) const ACTION: Action = Action {
    name: "pause",
    summary: "wait in silence",
    main: Some("length"),
    params: &[param("length", Kind::Span(1, 60 * MINUTE_MS), Need::Required, "how long")],
    outcomes: &["done"],
    keys_are_outcomes: false,
    fields: &[],
    waits: true,
    build: |args| args.span("length").map(Effect::Pause).ok_or_else(|| "pause needs a length".to_owned()),
};
