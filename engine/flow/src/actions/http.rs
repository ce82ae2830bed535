//! `http`: asks a web server.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Http, Method},
    value::{Kind, MINUTE_MS},
};
use std::time::Duration;

pub(crate) const ACTION: Action = Action {
    name: "http",
    summary: "ask a web server and read its JSON answer",
    main: Some("get"),
    params: &[
        param("get", Kind::Url, Need::Optional, "URL of a GET"),
        param("post", Kind::Url, Need::Optional, "URL of a POST"),
        param("headers", Kind::Headers, Need::Optional, "request headers"),
        param("body", Kind::Any, Need::Optional, "sent as JSON; a text is sent as it is"),
        param("timeout", Kind::Span(50, MINUTE_MS), Need::Default("3s"), "for the whole exchange"),
        param("filler", Kind::Prompt, Need::Optional, "what the caller hears meanwhile"),
    ],
    outcomes: &["ok", "failed"],
    keys_are_outcomes: false,
    fields: &["status", "text", "json"],
    waits: false,
    build: |args| {
        let (method, url) = match (args.text("get"), args.text("post")) {
            (Some(url), None) => (Method::Get, url),
            (None, Some(url)) => (Method::Post, url),
            (Some(_), Some(_)) => return Err("either `get` or `post`, not both".to_owned()),
            (None, None) => return Err("http needs `get` or `post`".to_owned()),
        };
        if method == Method::Get && args.json("body").is_some() {
            return Err("a GET has no body".to_owned());
        }
        Ok(Effect::Http(Http {
            method,
            url,
            headers: args.pairs("headers"),
            body: args.json("body"),
            timeout: args.span("timeout").unwrap_or(Duration::from_secs(3)),
            filler: args.prompt("filler"),
        }))
    },
};
