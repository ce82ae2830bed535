//! `say`: text to speech.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Play, PromptItem},
    value::Kind,
};

pub(crate) const ACTION: Action = Action {
    name: "say",
    summary: "speak a text",
    main: Some("text"),
    params: &[
        param("text", Kind::Say, Need::Required, "what is said; a list may mix texts, files, tones and silence"),
        param("voice", Kind::Line, Need::Optional, "voice; default: the flow's"),
        param("language", Kind::Line, Need::Optional, "language such as en-GB; default: the flow's"),
        param("barge_in", super::play::BARGE_IN, Need::Default("none"), "what interrupts it"),
        param("loop", Kind::Int(0, 1_000), Need::Default("1"), "times to say it; 0: until interrupted"),
    ],
    outcomes: &["done", "interrupted", "failed"],
    keys_are_outcomes: false,
    fields: &[],
    waits: true,
    build: |args| {
        let mut items = args.prompt("text");
        for item in &mut items {
            if let PromptItem::Say(say) = item {
                say.voice = say.voice.take().or_else(|| args.text("voice"));
                say.language = say.language.take().or_else(|| args.text("language"));
            }
        }
        if items.is_empty() {
            return Err("there is nothing to say".to_owned());
        }
        Ok(Effect::Play(Play { action: "say", items, barge_in: super::play::barge_in(args), repeat: super::play::repeat(args) }))
    },
};
