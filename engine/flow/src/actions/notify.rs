//! `notify`: a durable, signed webhook, fire and forget.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Notify},
    value::Kind,
};

pub(crate) const ACTION: Action = Action {
    name: "notify",
    summary: "send a signed webhook; it is kept and retried, the call does not wait",
    main: Some("url"),
    params: &[
        param("url", Kind::Url, Need::Required, "where to"),
        param("event", Kind::Line, Need::Default("flow.notify"), "the event's type"),
        param("body", Kind::Any, Need::Optional, "the event's data"),
    ],
    outcomes: &["queued"],
    keys_are_outcomes: false,
    fields: &[],
    waits: false,
    build: |args| {
        Ok(Effect::Notify(Notify {
            url: args.text("url").ok_or("notify needs a url")?,
            event: args.text("event").unwrap_or_else(|| "flow.notify".to_owned()),
            body: args.json("body").unwrap_or(serde_json::Value::Null),
        }))
    },
};
