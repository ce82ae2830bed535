//! What flows may count on beside their own text: mailboxes, settings of connections and numbers, names of secrets.

use super::case::{Begin, DEFAULT_AT};
use crate::offline::{Options, Voices};
use notation::Source;
use regex_lite::Regex;
use std::{collections::BTreeMap, sync::Arc};
use switchboard::{Directory, Inbound, NumberTarget};
use terms::{Name, Now, Secret};
use voicemail::Mailbox;

/// The realm of a house without configuration.
const REALM: &str = "callflow";
/// The endpoint that mailboxes tell in a house without configuration; nobody is there.
const WEBHOOK: &str = "https://webhook.invalid/";
/// Words of flow files that may be mailboxes (chosen: all words of a large house).
const WORDS_MAX: usize = 20_000;

/// The house that offline calls are made to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct House {
    directory: Option<Arc<Directory>>,
    realm: Name,
    mailboxes: Arc<BTreeMap<Name, Mailbox>>,
    secrets: Arc<BTreeMap<String, Secret<String>>>,
    /// When calls begin on the monotonic clock; only differences to it matter.
    start: Now,
}

impl House {
    /// The house of a configuration. Secrets keep their names only: a test's flow sees `secret-NAME`, so that none is ever printed.
    #[must_use]
    pub fn of(directory: Arc<Directory>, start: Now) -> Self {
        let realm = directory.default_realm().clone();
        let secrets = directory.secrets().keys().map(|name| stand_in(name)).collect();
        Self { mailboxes: directory.mailboxes(&realm), realm, secrets: Arc::new(secrets), directory: Some(directory), start }
    }

    /// A house of which nothing is known but the files of its flows: every word of them is a mailbox with a
    /// webhook, every secret they name is there.
    ///
    /// # Panics
    /// Never: the realm's name and the pattern are literals.
    #[must_use]
    pub fn of_files(sources: &[Source], start: Now) -> Self {
        let realm = Name::new(REALM).expect("a literal");
        let secret = Regex::new(r#"secret[.(]"?([A-Za-z0-9_-]+)"#).expect("a literal");
        let (mut mailboxes, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for source in sources {
            for word in source.text.split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)).filter(|word| !word.is_empty()) {
                if mailboxes.len() < WORDS_MAX
                    && let Ok(name) = Name::new(word)
                {
                    let mailbox = || Mailbox { webhook: Some(WEBHOOK.to_owned()), ..Mailbox::new(realm.clone(), name.clone()) };
                    mailboxes.entry(name.clone()).or_insert_with(mailbox);
                }
            }
            secrets.extend(secret.captures_iter(&source.text).filter_map(|found| found.get(1)).map(|name| stand_in(name.as_str())));
        }
        Self { directory: None, realm, mailboxes: Arc::new(mailboxes), secrets: Arc::new(secrets), start }
    }

    /// The call to a flow as the configuration would make it: by the connection named, else the first that runs this flow.
    pub(crate) fn options(&self, flow: &str, begin: &Begin, seed: u64, voices: &Voices) -> Options {
        let mut options = Options::new(flow, self.start, self.realm.clone());
        options.start.unix = begin.at.unwrap_or(DEFAULT_AT);
        options.seed = seed;
        options.mailboxes = self.mailboxes.clone();
        options.secrets = self.secrets.clone();
        options.voices = voices.clone();
        if let Some(number) = &begin.number {
            options.caller.number.clone_from(number);
        }
        options.caller.name = begin.name.clone().unwrap_or_default();
        options.caller.connection.clone_from(&begin.caller_connection);
        if let Some((dial, _)) = &begin.dial {
            options.dialled.clone_from(dial);
        }
        self.called(&mut options, begin);
        match begin.mailbox.as_ref().map(|(name, _)| name.as_str()) {
            Some("none") => options.mailbox = None,
            Some(name) => options.mailbox = Name::new(name).ok(),
            None => {}
        }
        options.settings.extend(begin.settings.clone());
        options
    }

    fn called(&self, options: &mut Options, begin: &Begin) {
        let named = begin.connection.as_ref().map(|(name, _)| name.as_str());
        let Some(directory) = &self.directory else {
            options.connection = named.and_then(|name| Name::new(name).ok());
            options.mailbox = options.connection.clone().filter(|name| self.mailboxes.contains_key(name));
            return;
        };
        let number = begin.dial.as_ref().and_then(|(dial, _)| directory.numbers().find(|number| number.number.as_str() == dial));
        let by_number = number.and_then(|number| match &number.to {
            NumberTarget::Connection(name) => Some(name.as_str()),
            NumberTarget::Flow(_) => None,
        });
        if let (Some(number), None, None) = (number, by_number, named) {
            options.settings = number.settings.clone();
            options.mailbox.clone_from(&number.mailbox);
            return;
        }
        let runs = |inbound: &Inbound| match inbound {
            Inbound::Flow(flow) => *flow == options.flow,
            Inbound::Bridge => options.flow == switchboard::limits::DEFAULT_FLOW,
        };
        let connection = match named.or(by_number) {
            Some(name) => directory.connection(name),
            None => directory.connections().find(|connection| runs(&connection.inbound)),
        };
        if let Some(connection) = connection {
            options.connection = Some(connection.name.clone());
            options.mailbox.clone_from(&connection.mailbox);
            options.settings = connection.settings.clone();
            if begin.dial.is_none() {
                options.dialled.clone_from(&connection.user);
            }
        }
    }

    /// Mailboxes by name.
    pub(crate) fn mailboxes(&self) -> Vec<&str> {
        self.mailboxes.keys().map(Name::as_str).collect()
    }

    /// Connections by name, where they are known.
    pub(crate) fn connections(&self) -> Option<Vec<&str>> {
        self.directory.as_ref().map(|directory| directory.connections().map(|connection| connection.name.as_str()).collect())
    }
}

fn stand_in(name: &str) -> (String, Secret<String>) {
    (name.to_owned(), Secret::new(format!("secret-{name}")))
}
