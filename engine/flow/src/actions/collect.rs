//! `collect`: reads a number from the keys.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Collect, Effect},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

pub(crate) const ACTION: Action = Action {
    name: "collect",
    summary: "read a number from the caller's keys",
    main: None,
    params: &[
        param("prompt", Kind::Prompt, Need::Optional, "what is said, again at each attempt"),
        param("min", Kind::Int(0, 64), Need::Default("1"), "fewest digits"),
        param("max", Kind::Int(1, 64), Need::Default("32"), "most digits; complete when reached"),
        param("finish", Kind::Key, Need::Default("#"), "key that ends the input, or none"),
        param("wait", Kind::Span(100, 10 * MINUTE_MS), Need::Default("5s"), "silence before the first digit"),
        param("between", Kind::Span(100, MINUTE_MS), Need::Default("3s"), "silence after a digit that ends the input"),
        param("match", Kind::Pattern, Need::Optional, "regular expression that the digits match as a whole"),
        param("attempts", Kind::Int(1, 20), Need::Default("3"), "attempts before `failed`"),
        param("no_input", Kind::Prompt, Need::Optional, "said after no input"),
        param("no_match", Kind::Prompt, Need::Optional, "said after a wrong input"),
        param("secret", Kind::Bool, Need::Default("false"), "keep the digits out of logs and records"),
        param("type_ahead", Kind::Word(&["keep", "flush"]), Need::Default("keep"), "whether keys pressed before count; secret ones never do"),
    ],
    outcomes: &["ok", "failed"],
    keys_are_outcomes: false,
    fields: &["digits", "attempts"],
    waits: true,
    build: |args| {
        let (min, max) = (args.count("min").unwrap_or(1), args.count("max").unwrap_or(32));
        if min > max {
            return Err(format!("min {min} is more than max {max}"));
        }
        let secret = args.bool("secret").unwrap_or(false);
        Ok(Effect::Collect(Collect {
            prompt: args.prompt("prompt"),
            min,
            max,
            finish: args.key("finish"),
            wait: args.span("wait").unwrap_or(Duration::from_secs(5)),
            between: args.span("between").unwrap_or(Duration::from_secs(3)),
            pattern: args.pattern("match"),
            attempts: args.count("attempts").unwrap_or(3),
            no_input: args.prompt("no_input"),
            no_match: args.prompt("no_match"),
            secret,
            type_ahead: !secret && args.word("type_ahead") != Some("flush"),
        }))
    },
};
