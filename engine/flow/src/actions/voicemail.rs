//! `voicemail`: takes a message for a mailbox.

use crate::{
    catalogue::{Action, Need, Param, param},
    effect::{Effect, MessageEvent, NotifyAbout, Transcribe, Voicemail},
    value::{DAY_MS, Kind, MINUTE_MS},
};
use std::time::Duration;

const TRANSCRIBE: &[Param] = &[param("language", Kind::Line, Need::Default("auto"), "language such as en, or auto")];
const NOTIFY: &[Param] = &[
    param("url", Kind::Url, Need::Required, "webhook for this mailbox's messages"),
    param("events", Kind::Words(&["saved", "transcribed", "transcription_failed"]), Need::Optional, "which events; default: all"),
];

pub(crate) const ACTION: Action = Action {
    name: "voicemail",
    summary: "take a message for a mailbox",
    main: Some("mailbox"),
    params: &[
        param("mailbox", Kind::Mailbox, Need::Required, "whose"),
        param("greeting", Kind::Prompt, Need::Optional, "said before the beep; default: the mailbox's own"),
        param("stop", Kind::Fields(super::STOP), Need::Optional, "what ends the message: key, silence, length"),
        param("discard_under", Kind::Span(0, 5 * MINUTE_MS), Need::Default("2s"), "shorter messages are not kept"),
        param("trim", Kind::Bool, Need::Default("true"), "cut silence off both ends"),
        param("loudness", Kind::Bool, Need::Default("true"), "bring it to the loudness of prompts (EBU R128)"),
        param("transcribe", Kind::Fields(TRANSCRIBE), Need::Optional, "write it down; `transcribe: true` is enough"),
        param("notify", Kind::Fields(NOTIFY), Need::Optional, "webhook for the events saved and transcribed"),
        param("keep", Kind::Span(60 * MINUTE_MS, 3_650 * DAY_MS), Need::Default("90d"), "how long it is kept"),
        param("operator", Kind::Key, Need::Default("none"), "key that leaves the greeting for an operator"),
    ],
    outcomes: &["saved", "too_short", "full", "announced", "operator"],
    keys_are_outcomes: false,
    fields: &["id", "duration_s"],
    waits: true,
    build: |args| {
        let event = |word: &&str| match *word {
            "transcribed" => MessageEvent::Transcribed,
            "transcription_failed" => MessageEvent::TranscriptionFailed,
            _ => MessageEvent::Saved,
        };
        let notify = match args.fields("notify") {
            Some(notify) => {
                let mut events: Vec<_> = notify.words("events").iter().map(event).collect();
                if events.is_empty() {
                    events = vec![MessageEvent::Saved, MessageEvent::Transcribed, MessageEvent::TranscriptionFailed];
                }
                Some(NotifyAbout { url: notify.text("url").ok_or("notify needs a url")?, events })
            }
            None => None,
        };
        let (stop, operator) = (super::stop(args), args.key("operator"));
        if operator.is_some() && operator == stop.key {
            return Err("one key cannot both end the message and leave for the operator".to_owned());
        }
        Ok(Effect::Voicemail(Voicemail {
            mailbox: args.name("mailbox").ok_or("voicemail needs a mailbox")?,
            greeting: args.prompt("greeting"),
            stop,
            discard_under: args.span("discard_under").unwrap_or(Duration::from_secs(2)),
            trim: args.bool("trim").unwrap_or(true),
            loudness: args.bool("loudness").unwrap_or(true),
            transcribe: args
                .fields("transcribe")
                .map(|transcribe| Transcribe { language: transcribe.text("language").filter(|language| language != "auto") }),
            notify,
            keep: args.span("keep").unwrap_or(Duration::from_secs(90 * 86_400)),
            operator,
        }))
    },
};
