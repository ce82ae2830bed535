//! `bridge`: rings others and joins the caller with the first who answers.

use crate::{
    catalogue::{Action, Need, Param, param},
    effect::{Bridge, Confirm, Effect, Group, Ring, Target},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

const CONFIRM: &[Param] = &[
    param("prompt", Kind::Prompt, Need::Required, "what the far end hears; `say:` and `play:` may stand here directly"),
    param("key", Kind::Key, Need::Default("1"), "key that accepts the call"),
    param("wait", Kind::Span(1_000, MINUTE_MS), Need::Default("8s"), "time to press it after the prompt"),
];

pub(crate) const ACTION: Action = Action {
    name: "bridge",
    summary: "ring connections, numbers or SIP addresses and join the caller with the first who answers",
    main: Some("to"),
    params: &[
        param("to", Kind::Targets, Need::Required, "connection/NAME, number/+E164, trunk/NAME/NUMBER, sip:…, park/PLACE or queue/NAME; lists, nested ones too"),
        param("ring", Kind::Word(&["together", "in_order", "random"]), Need::Default("together"), "all at once or one after the other"),
        param("timeout", Kind::Span(1_000, 10 * MINUTE_MS), Need::Default("25s"), "ringing time"),
        param("length", Kind::Span(1_000, 24 * 60 * MINUTE_MS), Need::Optional, "longest talk"),
        param("confirm", Kind::Fields(CONFIRM), Need::Optional, "what the far end must press to take the call"),
        param("caller_id", Kind::Line, Need::Optional, "number shown to the far end; default: the caller's"),
        param("ringback", Kind::Prompt, Need::Optional, "what the caller hears while it rings"),
        param("headers", Kind::Headers, Need::Optional, "extra SIP headers"),
    ],
    outcomes: &["answered", "busy", "no_answer", "declined", "unreachable", "not_confirmed"],
    keys_are_outcomes: false,
    fields: &["target", "duration_s"],
    waits: true,
    build: |args| {
        let mut to = args.group("to").ok_or("bridge needs somebody to ring")?;
        to.ring = match args.word("ring") {
            Some("in_order") => Ring::InOrder,
            Some("random") => Ring::Random,
            Some(_) | None => Ring::Together,
        };
        let confirm = args.fields("confirm").map(|confirm| Confirm {
            prompt: confirm.prompt("prompt"),
            key: confirm.key("key").unwrap_or('1').to_string(),
            wait: confirm.span("wait").unwrap_or(Duration::from_secs(8)),
        });
        if takes(&to) && to.targets.len() > 1 {
            return Err("park/PLACE and queue/NAME are calls to be taken: each stands alone in `to`".to_owned());
        }
        Ok(Effect::Bridge(Bridge {
            to,
            timeout: args.span("timeout").unwrap_or(Duration::from_secs(25)),
            length: args.span("length"),
            confirm,
            caller_id: args.text("caller_id"),
            ringback: args.prompt("ringback"),
            headers: args.pairs("headers"),
        }))
    },
};

/// Whether a call that waits is among the targets.
fn takes(group: &Group) -> bool {
    group.targets.iter().any(|target| match target {
        Target::One(one) => one.to.is_taken(),
        Target::Group(inner) => takes(inner),
    })
}
