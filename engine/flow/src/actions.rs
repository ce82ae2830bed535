//! One file an action.

pub(crate) mod answer;
pub(crate) mod bridge;
pub(crate) mod collect;
pub(crate) mod conference;
pub(crate) mod hangup;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod mailbox;
pub(crate) mod menu;
pub(crate) mod notify;
pub(crate) mod park;
pub(crate) mod pause;
pub(crate) mod play;
pub(crate) mod queue;
pub(crate) mod record;
pub(crate) mod record_call;
pub(crate) mod refer;
pub(crate) mod reject;
pub(crate) mod say;
pub(crate) mod voicemail;

use crate::catalogue::{Need, Param, param};
use crate::effect::Stop;
use crate::value::{Args, Kind, MINUTE_MS};
use std::time::Duration;

/// What ends a recording: shared by `record` and `voicemail`.
pub(crate) const STOP: &[Param] = &[
    param("key", Kind::Key, Need::Default("#"), "key that ends it, or none"),
    param("silence", Kind::Span(500, 5 * MINUTE_MS), Need::Default("5s"), "silence that ends it"),
    param("length", Kind::Span(1_000, 240 * MINUTE_MS), Need::Default("3m"), "longest recording"),
];

pub(crate) fn stop(args: &Args) -> Stop {
    let (key, silence, length) = args.fields("stop").map_or((Some('#'), Some(Duration::from_secs(5)), None), |stop| {
        (stop.key("key"), stop.span("silence"), stop.span("length"))
    });
    Stop { key, silence, length: length.unwrap_or(Duration::from_secs(180)) }
}
