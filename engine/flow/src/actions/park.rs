//! `park`: the call waits in a numbered place until somebody fetches it with `bridge: park/NUMBER`.

use crate::{
    catalogue::{Action, Need, param},
    effect::Effect,
    meeting::Park,
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

/// Places that one `park` may choose from (chosen: more than any office has).
const PLACES_MAX: u32 = 1_000;
const PLACE_DEFAULT: (u32, u32) = (701, 720);

pub(crate) const ACTION: Action = Action {
    name: "park",
    summary: "park the call until somebody picks it up with bridge: park/NUMBER",
    main: Some("slot"),
    params: &[
        param("slot", Kind::Line, Need::Default("701-720"), "the place, or the range of which the first free one is taken"),
        param("announce", Kind::Bool, Need::Default("true"), "tell the caller the place"),
        param("hold_music", Kind::Prompt, Need::Optional, "heard meanwhile"),
        param("timeout", Kind::Span(1_000, 24 * 60 * MINUTE_MS), Need::Default("2m"), "how long to wait"),
        param("leave_key", Kind::Key, Need::Default("none"), "key that gives up, or none"),
    ],
    outcomes: &["served", "timeout", "left", "full"],
    keys_are_outcomes: false,
    fields: &["slot", "waited_s", "duration_s"],
    waits: true,
    build: |args| {
        let (first, last) = match args.text("slot") {
            Some(text) => places(&text).ok_or_else(|| format!("slot {text:?} is no place such as 701 and no range such as 701-720"))?,
            None => PLACE_DEFAULT,
        };
        Ok(Effect::Park(Park {
            first,
            last,
            announce: args.bool("announce").unwrap_or(true),
            hold_music: args.prompt("hold_music"),
            timeout: args.span("timeout").unwrap_or(Duration::from_secs(120)),
            leave_key: args.key("leave_key"),
        }))
    },
};

/// A place as callers key it: 1–6 digits, the first not 0.
pub(crate) fn place(text: &str) -> Option<u32> {
    let good = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    good.then(|| text.parse().ok()).flatten()
}

fn places(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').map_or((text, text), |(first, last)| (first.trim(), last.trim()));
    let (first, last) = (place(first)?, place(last)?);
    (first <= last && last - first < PLACES_MAX).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbers_and_ranges() {
        for (text, wanted) in [
            ("701", Some((701, 701))),
            ("701-720", Some((701, 720))),
            ("701 - 720", Some((701, 720))),
            ("720-701", None),
            ("0701", None),
            ("1-5000", None),
            ("7a", None),
            ("", None),
        ] {
            assert_eq!(places(text), wanted, "{text}");
        }
    }
}
