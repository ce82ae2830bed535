//! What exchange there is.

use crate::weather::Weather;
use std::{collections::BTreeMap, net::IpAddr, net::SocketAddr, sync::Arc};
use switchboard::{Directory, Limits};
use terms::{Codecs, Now, Srtp};

/// Who does the errands of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    /// Speaks texts.
    Voice,
    /// Speaks what the exchange says of its own in other languages than English.
    Tongues,
    /// Reads prompt files and fetches sounds.
    Files,
    /// Asks web servers.
    Web,
    /// Executes scripts.
    Scripts,
    /// Knows mailboxes and keeps recordings.
    Disk,
}

/// What is wrong with a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// It says at once that it cannot.
    Refuses,
    /// It never says anything.
    Hangs,
}

/// What a world begins with.
#[derive(Clone)]
pub struct Setup {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The moment it begins; only differences to it matter.
    pub start: Now,
    /// Where the exchange listens (UDP); its media has the same address.
    pub address: SocketAddr,
    /// Its resources.
    pub directory: Arc<Directory>,
    /// Its flows.
    pub flows: flow::FlowSet,
    /// Its limits.
    pub limits: Limits,
    /// Its codecs, best first.
    pub codecs: Codecs,
    /// Whether its media is protected.
    pub srtp: Srtp,
    /// Its shards, at least 1.
    pub shards: usize,
    /// The weather of every line that has none of its own.
    pub weather: Weather,
    /// What HTTP requests of flows are answered, by URL; others fail.
    pub web: BTreeMap<String, call::HttpReply>,
    /// What names resolve to.
    pub hosts: BTreeMap<String, IpAddr>,
    /// Packets to the exchange, in a thousand, that a stranger overhears and sends again with something altered.
    pub overheard: u32,
    /// Errands (sounds, mailboxes, disk) that fail, in a thousand.
    pub errand_faults: u32,
    /// Who is ill all the time.
    pub ill: BTreeMap<Helper, Ill>,
}

impl Setup {
    /// An exchange at 198.51.100.1:5060 in fair weather, two shards, every default.
    #[must_use]
    pub fn new(seed: u64, start: Now, directory: Arc<Directory>, flows: flow::FlowSet) -> Self {
        Self {
            seed,
            start,
            address: SocketAddr::from(([198, 51, 100, 1], 5_060)),
            directory,
            flows,
            limits: Limits::default(),
            codecs: Codecs::all(),
            srtp: Srtp::Off,
            shards: 2,
            weather: Weather::FAIR,
            web: BTreeMap::new(),
            hosts: BTreeMap::new(),
            overheard: 0,
            errand_faults: 0,
            ill: BTreeMap::new(),
        }
    }
}
