//! `reject`: refuses the call with a SIP status.

use crate::{
    catalogue::{Action, Need, param},
    effect::{Effect, Reject},
    value::Kind,
};

pub(crate) const ACTION: Action = Action {
    name: "reject",
    summary: "refuse the call with a SIP status; ends the flow",
    main: Some("status"),
    params: &[
        param("status", Kind::Int(400, 699), Need::Default("603"), "SIP status, 400 to 699: 486 busy, 603 declined"),
        param("reason", Kind::Line, Need::Optional, "reason phrase"),
    ],
    outcomes: &[],
    keys_are_outcomes: false,
    fields: &[],
    waits: false,
    build: |args| {
        let status = u16::try_from(args.int("status").unwrap_or(603)).map_err(|_| "no SIP status".to_owned())?;
        Ok(Effect::Reject(Reject { status, reason: args.text("reason") }))
    },
};
