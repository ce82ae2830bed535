//! What a flow may refer to, and what it is told of its call.

use crate::{hours::Hours, spoken::spoken_caller};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use terms::{Secret, UnixMs};

/// The names that exist outside the flow files, for the checker. `None` of a set means "unknown: do not check".
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Connections.
    pub connections: Option<BTreeSet<String>>,
    /// Numbers in E.164 (`+15550100`).
    pub numbers: Option<BTreeSet<String>>,
    /// Mailboxes.
    pub mailboxes: Option<BTreeSet<String>>,
    /// Trunks.
    pub trunks: Option<BTreeSet<String>>,
    /// Files under the prompts folder, by their path in it with `/`.
    pub prompts: Option<BTreeSet<String>>,
    /// Names of secrets.
    pub secrets: Option<BTreeSet<String>>,
    /// Opening hours of the configuration, which every flow may ask for.
    pub hours: BTreeMap<String, Arc<Hours>>,
    /// Flow names that connections and numbers name. The checker asks nothing of them: whoever fills this in knows the
    /// places where they are written and asks [`crate::FlowSet::has`].
    pub wanted: BTreeSet<String>,
}

/// What is true of one call, given at its start.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// Who calls.
    pub caller: Caller,
    /// This call.
    pub line: Line,
    /// Settings that the connection or number overrides, as written there (`ring_for: "30s"`).
    pub settings: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: Arc<BTreeMap<String, Secret<String>>>,
}

/// `caller` in a flow.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Number or user part; empty when withheld.
    pub number: String,
    /// Display name; may be empty.
    pub name: String,
    /// The connection that calls, when it is one of ours.
    pub connection: Option<String>,
}

/// `line` in a flow.
#[derive(Clone, Debug)]
pub struct Line {
    /// Call id as text.
    pub id: String,
    /// The connection called; `None` when a number leads to the flow directly.
    pub connection: Option<String>,
    /// The number or user dialled.
    pub number: String,
    /// The mailbox of the connection called, if it has one.
    pub mailbox: Option<String>,
    /// When the call began.
    pub started: UnixMs,
}

impl CallFacts {
    /// The `caller` value of expressions and scripts, in the call's language.
    pub(crate) fn caller_json(&self, language: &str) -> Json {
        let spoken = if self.caller.name.is_empty() { spoken_caller(&self.caller.number, language) } else { self.caller.name.clone() };
        serde_json::json!({
            "number": self.caller.number, "name": self.caller.name, "spoken": spoken,
            "connection": self.caller.connection.clone().unwrap_or_default(),
        })
    }
    /// The `line` value of expressions and scripts.
    pub(crate) fn line_json(&self) -> Json {
        serde_json::json!({
            "id": self.line.id, "number": self.line.number,
            "connection": self.line.connection.clone().unwrap_or_default(),
            "mailbox": self.line.mailbox.clone().unwrap_or_default(),
        })
    }
}

/// Fields of `caller`.
pub(crate) const CALLER_FIELDS: [&str; 4] = ["number", "name", "spoken", "connection"];
/// Fields of `line`.
pub(crate) const LINE_FIELDS: [&str; 4] = ["id", "number", "connection", "mailbox"];
