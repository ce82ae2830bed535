//! `record`: records the caller.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, FileFormat, Record},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

pub(crate) const ACTION: Action = Action {
    name: "record",
    summary: "record the caller",
    main: None,
    params: &[
        param("prompt", Kind::Prompt, Need::Optional, "said before the beep"),
        param("beep", Kind::Bool, Need::Default("true"), "a beep says when to speak"),
        param("stop", Kind::Fields(super::STOP), Need::Optional, "what ends it: key, silence, length"),
        param("discard_under", Kind::Span(0, 5 * MINUTE_MS), Need::Default("1s"), "shorter recordings are not kept"),
        param("trim", Kind::Bool, Need::Default("true"), "cut silence off both ends"),
        param("loudness", Kind::Bool, Need::Default("true"), "bring it to the loudness of prompts (EBU R128)"),
        param("format", Kind::Word(&["wav", "opus"]), Need::Default("wav"), "file format; opus is Ogg Opus, a sixth of the size"),
        param("keep_on_hangup", Kind::Bool, Need::Default("true"), "keep it when the caller hangs up"),
    ],
    outcomes: &["saved", "too_short", "failed"],
    keys_are_outcomes: false,
    fields: &["id", "duration_s"],
    waits: true,
    build: |args| {
        Ok(Effect::Record(Record {
            prompt: args.prompt("prompt"),
            beep: args.bool("beep").unwrap_or(true),
            stop: super::stop(args),
            discard_under: args.span("discard_under").unwrap_or(Duration::from_secs(1)),
            trim: args.bool("trim").unwrap_or(true),
            loudness: args.bool("loudness").unwrap_or(true),
            keep_on_hangup: args.bool("keep_on_hangup").unwrap_or(true),
            format: if args.word("format") == Some("opus") { FileFormat::Opus } else { FileFormat::Wav },
        }))
    },
};
