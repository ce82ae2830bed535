//! `play`: audio files, URLs, texts, tones and silence.

use crate::{
    catalogue::{Action, Need, param},
    effect::{BargeIn, Effect, Play},
    value::{Args, Kind},
};

pub(crate) const BARGE_IN: Kind = Kind::Word(&["none", "keys", "speech", "any"]);

pub(crate) fn barge_in(args: &Args) -> BargeIn {
    match args.word("barge_in") {
        Some("keys") => BargeIn::Keys,
        Some("speech") => BargeIn::Speech,
        Some("any") => BargeIn::Any,
        Some(_) | None => BargeIn::None,
    }
}

pub(crate) fn repeat(args: &Args) -> u32 {
    args.count("loop").unwrap_or(1)
}

pub(crate) const ACTION: Action = Action {
    name: "play",
    summary: "play audio files, URLs, texts, tones and silence",
    main: Some("prompt"),
    params: &[
        param("prompt", Kind::Prompt, Need::Required, "what is played, in order"),
        param("barge_in", BARGE_IN, Need::Default("none"), "what interrupts it"),
        param("loop", Kind::Int(0, 1_000), Need::Default("1"), "times to play it; 0: until interrupted"),
    ],
    outcomes: &["done", "interrupted", "failed"],
    keys_are_outcomes: false,
    fields: &[],
    waits: true,
    build: |args| {
        let items = args.prompt("prompt");
        if items.is_empty() {
            return Err("there is nothing to play".to_owned());
        }
        Ok(Effect::Play(Play { action: "play", items, barge_in: barge_in(args), repeat: repeat(args) }))
    },
};
