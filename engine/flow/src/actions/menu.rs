//! `menu`: offers keys; each key is an outcome.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Menu},
    value::{Kind, MINUTE_MS, prefix_conflict},
};
use std::time::Duration;

pub(crate) const ACTION: Action = Action {
    name: "menu",
    summary: "offer keys; a key stops the prompt, and each key is an outcome",
    main: None,
    params: &[
        param("prompt", Kind::Prompt, Need::Optional, "what is said, again at each attempt"),
        param("keys", Kind::KeyList, Need::Optional, "the keys offered; in YAML they are taken from `then`"),
        param("wait", Kind::Span(100, 10 * MINUTE_MS), Need::Default("5s"), "silence after the prompt that counts as no input"),
        param("attempts", Kind::Int(1, 20), Need::Default("3"), "attempts before `failed`"),
        param("no_input", Kind::Prompt, Need::Optional, "said after no input"),
        param("no_match", Kind::Prompt, Need::Optional, "said after a wrong key"),
        param("type_ahead", Kind::Word(&["keep", "flush"]), Need::Default("keep"), "whether keys pressed before count"),
    ],
    outcomes: &["failed"],
    keys_are_outcomes: true,
    fields: &["key", "attempts"],
    waits: true,
    build: |args| {
        let keys = args.keys("keys");
        if keys.is_empty() {
            return Err("a menu without keys".to_owned());
        }
        if let Some((short, long)) = prefix_conflict(&keys) {
            return Err(format!("key {short} is the beginning of key {long}, so {long} could never be pressed"));
        }
        Ok(Effect::Menu(Menu {
            prompt: args.prompt("prompt"),
            keys,
            wait: args.span("wait").unwrap_or(Duration::from_secs(5)),
            attempts: args.count("attempts").unwrap_or(3),
            no_input: args.prompt("no_input"),
            no_match: args.prompt("no_match"),
            type_ahead: args.word("type_ahead") != Some("flush"),
        }))
    },
};
