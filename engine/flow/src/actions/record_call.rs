//! `record_call`: records the whole call in the background.

use crate::{
    catalogue::{Action, Need, Param, param},
    effect::{CallRecording, Effect, FileFormat, RecordCall},
    value::{DAY_MS, Kind, MINUTE_MS},
};
use std::time::Duration;

const NOTIFY: &[Param] = &[param("url", Kind::Url, Need::Required, "webhook told `recording.saved`")];

pub(crate) const ACTION: Action = Action {
    name: "record_call",
    summary: "record the whole call in the background, over everything that follows, until it is stopped or the call ends",
    main: Some("do"),
    params: &[
        param("do", Kind::Word(&["start", "pause", "resume", "stop"]), Need::Default("start"), "what to do; the rest is for `start`"),
        param("stereo", Kind::Bool, Need::Default("false"), "the caller left, what the caller hears right; else both mixed"),
        param("prompt", Kind::Prompt, Need::Optional, "said first, such as that the call is recorded; `failed`, and no recording, when it cannot be said whole and in these words"),
        param("beep", Kind::Bool, Need::Default("false"), "a beep says that it begins"),
        param("length", Kind::Span(1_000, 240 * MINUTE_MS), Need::Default("4h"), "longest recording"),
        param("loudness", Kind::Bool, Need::Default("false"), "bring it to the loudness of prompts (EBU R128), in stereo each side by itself; else it stays as it was heard"),
        param("format", Kind::Word(&["wav", "opus"]), Need::Default("wav"), "file format; opus is Ogg Opus, a sixth of the size"),
        param("notify", Kind::Fields(NOTIFY), Need::Optional, "webhook told when it is safe"),
        param("keep", Kind::Span(60 * MINUTE_MS, 3_650 * DAY_MS), Need::Default("90d"), "how long it is kept"),
    ],
    outcomes: &["done", "failed"],
    keys_are_outcomes: false,
    fields: &["id"],
    waits: false,
    build: |args| {
        Ok(Effect::RecordCall(match args.word("do") {
            Some("pause") => RecordCall::Pause,
            Some("resume") => RecordCall::Resume,
            Some("stop") => RecordCall::Stop,
            Some(_) | None => RecordCall::Start(CallRecording {
                stereo: args.bool("stereo").unwrap_or(false),
                prompt: args.prompt("prompt"),
                beep: args.bool("beep").unwrap_or(false),
                length: args.span("length").unwrap_or(Duration::from_secs(4 * 3_600)),
                loudness: args.bool("loudness").unwrap_or(false),
                format: if args.word("format") == Some("opus") { FileFormat::Opus } else { FileFormat::Wav },
                notify: args.fields("notify").and_then(|notify| notify.text("url")),
                keep: args.span("keep").unwrap_or(Duration::from_secs(90 * 86_400)),
            }),
        }))
    },
};
