//! `queue`: the caller waits in a row until an agent is free.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Destination, Effect, Group, Target},
    meeting::{AgentOrder, Queue},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;
use terms::Name;

pub(crate) const ACTION: Action = Action {
    name: "queue",
    summary: "wait in a queue until an agent is free",
    main: Some("name"),
    params: &[
        param("name", Kind::Line, Need::Required, "name of the queue; agents may also dial in with bridge: queue/NAME"),
        param("priority", Kind::Int(0, 100), Need::Default("0"), "who has more is served first"),
        param("music", Kind::Prompt, Need::Optional, "heard meanwhile"),
        param("announce_position", Kind::Span(5_000, 60 * MINUTE_MS), Need::Optional, "how often the position is told"),
        param("leave_key", Kind::Key, Need::Default("*"), "key that gives up, or none"),
        param("max", Kind::Int(1, 1_000), Need::Default("100"), "most callers waiting"),
        param("timeout", Kind::Span(1_000, 24 * 60 * MINUTE_MS), Need::Optional, "how long to wait"),
        param("agents", Kind::Targets, Need::Optional, "who is rung: connections, numbers, SIP addresses"),
        param("ring", Kind::Word(&["in_order", "longest_idle", "together"]), Need::Default("longest_idle"), "which free agent is rung"),
        param("ring_for", Kind::Span(1_000, 10 * MINUTE_MS), Need::Default("20s"), "how long an agent is rung"),
        param("wrap_up", Kind::Span(0, 60 * MINUTE_MS), Need::Default("0s"), "pause of an agent after a call"),
    ],
    outcomes: &["served", "timeout", "left", "full"],
    keys_are_outcomes: false,
    fields: &["waited_s", "position", "agent", "duration_s"],
    waits: true,
    build: |args| {
        let name = args.text("name").ok_or("queue needs a name")?;
        let mut agents = Vec::new();
        if let Some(group) = args.group("agents") {
            list(&group, &mut agents)?;
        }
        Ok(Effect::Queue(Queue {
            name: Name::new(&name).map_err(|bad| bad.to_string())?,
            priority: args.count("priority").unwrap_or(0),
            music: args.prompt("music"),
            announce_every: args.span("announce_position"),
            leave_key: args.key("leave_key"),
            waiting_max: args.count("max").unwrap_or(100),
            timeout: args.span("timeout"),
            agents,
            order: match args.word("ring") {
                Some("in_order") => AgentOrder::InOrder,
                Some("together") => AgentOrder::Together,
                Some(_) | None => AgentOrder::LongestIdle,
            },
            ring_for: args.span("ring_for").unwrap_or(Duration::from_secs(20)),
            wrap_up: args.span("wrap_up").unwrap_or_default(),
        }))
    },
};

/// Every agent once, in the order written.
fn list(group: &Group, into: &mut Vec<Destination>) -> Result<(), String> {
    for target in &group.targets {
        match target {
            Target::One(one) if one.to.is_taken() => return Err(format!("{} cannot be an agent", one.to)),
            Target::One(one) => {
                if !into.contains(&one.to) {
                    into.push(one.to.clone());
                }
            }
            Target::Group(inner) => list(inner, into)?,
        }
    }
    Ok(())
}
