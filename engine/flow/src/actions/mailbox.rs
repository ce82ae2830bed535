//! `mailbox`: listening to messages by phone.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Mailbox},
    value::Kind,
};

pub(crate) const ACTION: Action = Action {
    name: "mailbox",
    summary: "let the caller hear, save and delete the messages of a mailbox by keys, after its PIN",
    main: Some("mailbox"),
    params: &[param("mailbox", Kind::Mailbox, Need::Optional, "whose; default: that of the connection that calls")],
    outcomes: &["done", "locked_out"],
    keys_are_outcomes: false,
    fields: &["mailbox", "heard", "deleted"],
    waits: true,
    build: |args| Ok(Effect::Mailbox(Mailbox { mailbox: args.name("mailbox") })),
};
