//! `keys`: sends DTMF.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Keys},
    value::Kind,
};

pub(crate) const ACTION: Action = Action {
    name: "keys",
    summary: "send keys (DTMF) to the caller",
    main: Some("keys"),
    params: &[param("keys", Kind::Dtmf, Need::Required, "0-9 * # A-D, w waits half a second, W one second")],
    outcomes: &["done"],
    keys_are_outcomes: false,
    fields: &[],
    waits: true,
    build: |args| args.text("keys").map(|keys| Effect::Keys(Keys { keys })).ok_or_else(|| "no keys".to_owned()),
};
