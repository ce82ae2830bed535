//! Which call is made.

use super::Voices;
use crate::Weather;
use flow::Caller;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use terms::{Name, Now, Secret};
use voicemail::Mailbox;

/// The longest an offline call lasts unless said otherwise: that of a server.
const LENGTH_MAX: Duration = Duration::from_secs(4 * 3_600);

/// One call: who, whom, when. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Options {
    /// The flow that answers.
    pub flow: String,
    /// When it begins; the wall clock of it is what `now` and `open()` see.
    pub start: Now,
    /// Decides everything left to chance.
    pub seed: u64,
    /// Who calls.
    pub caller: Caller,
    /// The number or user dialled.
    pub dialled: String,
    /// The connection called, if one is.
    pub connection: Option<Name>,
    /// The mailbox of the connection or number.
    pub mailbox: Option<Name>,
    /// Settings that the connection or number overrides, as raw text.
    pub settings: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: Arc<BTreeMap<String, Secret<String>>>,
    /// The tenant.
    pub realm: Name,
    /// Mailboxes that flows may leave messages in.
    pub mailboxes: Arc<BTreeMap<Name, Mailbox>>,
    /// What the network does to the caller's packets; `None`: nothing, and no time passes in it.
    pub weather: Option<Weather>,
    /// The longest it may last.
    pub length_max: Duration,
    /// Where its prompts are kept: calls that share it make each only once.
    pub voices: Voices,
}

impl Options {
    /// A call to `flow` by `+15550199`, who dials `+15550100`; no mailbox, no settings.
    ///
    #[must_use]
    pub fn new(flow: impl Into<String>, start: Now, realm: Name) -> Self {
        Self {
            flow: flow.into(),
            start,
            seed: 0,
            caller: Caller { number: "+15550199".to_owned(), name: String::new(), connection: None },
            dialled: "+15550100".to_owned(),
            connection: None,
            mailbox: None,
            settings: BTreeMap::new(),
            secrets: Arc::default(),
            realm,
            mailboxes: Arc::default(),
            weather: None,
            length_max: LENGTH_MAX,
            voices: Voices::default(),
        }
    }
}
