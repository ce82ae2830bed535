//! `refer`: sends the caller's own telephone elsewhere (blind transfer).

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Refer, Target},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

pub(crate) const ACTION: Action = Action {
    name: "refer",
    summary: "send the caller's telephone elsewhere by REFER; when it got through, this call ends",
    main: Some("to"),
    params: &[
        param("to", Kind::Targets, Need::Required, "connection/NAME, number/+E164, trunk/NAME/NUMBER or sip:…; one only"),
        param("timeout", Kind::Span(1_000, 10 * MINUTE_MS), Need::Default("60s"), "how long the telephone may take to get through"),
    ],
    outcomes: &["accepted", "refused"],
    keys_are_outcomes: false,
    fields: &["status", "reason"],
    waits: true,
    build: |args| {
        let to = args.group("to").ok_or("refer needs somebody to send the caller to")?;
        let [Target::One(one)] = &to.targets[..] else { return Err("the caller can be sent to one place only".to_owned()) };
        Ok(Effect::Refer(Refer { to: one.to.clone(), timeout: args.span("timeout").unwrap_or(Duration::from_secs(60)) }))
    },
};
