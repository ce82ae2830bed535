//! Who and what can be reached: realms, connections, numbers, trunks, mailboxes; checked whole, then read only.
//! A changed configuration becomes a new directory that replaces the old one in one step.

use crate::{cidr::Cidr, number::E164};
use sip::{Uri, digest::{Algorithm, Ha1}};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};
use terms::{Codecs, Dtmf, Name, Secret, Srtp};
use voicemail::Mailbox;

/// A tenant: connections, numbers and mailboxes belong to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// Its name; also the realm that digest challenges show.
    pub name: Name,
    /// Host names and addresses that lead to it. A request to any other host of ours is the first realm's.
    pub domains: Vec<String>,
}

/// A password as the exchange keeps it: one hash an algorithm, made when the configuration is read.
#[derive(Clone)]
pub struct Passwords {
    sha256: Ha1,
    md5: Ha1,
}

impl Passwords {
    /// Hashes a password for a user of a realm.
    #[must_use]
    pub fn new(user: &str, realm: &Name, password: &Secret<String>) -> Self {
        let hash = |algorithm| Ha1::new(algorithm, user, realm.as_str(), password.expose());
        Self { sha256: hash(Algorithm::Sha256), md5: hash(Algorithm::Md5) }
    }

    pub(crate) fn of(&self, algorithm: Algorithm) -> Ha1 {
        match algorithm {
            Algorithm::Sha256 => self.sha256.clone(),
            Algorithm::Md5 => self.md5.clone(),
        }
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// What answers a call to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// The default flow: ring the devices, then voicemail.
    Bridge,
    /// This flow.
    Flow(String),
}

/// A SIP user of ours.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its name, as in `connection/alice`; unique in the whole directory.
    pub name: Name,
    /// Its tenant.
    pub realm: Name,
    /// The SIP user: any text, unique in its realm.
    pub user: String,
    /// Its password; `None` makes it virtual: nothing can register as it or call as it.
    pub passwords: Option<Passwords>,
    /// What answers calls to it.
    pub inbound: Inbound,
    /// Settings of the flow that this connection overrides, as raw text.
    pub settings: BTreeMap<String, String>,
    /// Its mailbox.
    pub mailbox: Option<Name>,
    /// Whether sources we do not know may call it.
    pub public: bool,
    /// The trunk whose registrar knows its devices; `None`: our own registrar.
    pub via: Option<Name>,
    /// The name shown to people it calls.
    pub display: Option<String>,
    /// The number it presents to trunks.
    pub caller_id: Option<E164>,
    /// The only codecs spoken with it, best first; `None`: those of the whole exchange.
    pub codecs: Option<Codecs>,
    /// Whether its media is protected; `None`: as with the whole exchange.
    pub srtp: Option<Srtp>,
    /// By which ways keys come from it and go to it.
    pub dtmf: Dtmf,
}

/// Where a number leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberTarget {
    /// To a connection, as if its user had been dialled.
    Connection(Name),
    /// Straight to a flow.
    Flow(String),
}

/// A telephone number of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number; unique in its realm.
    pub number: E164,
    /// Its tenant.
    pub realm: Name,
    /// Where it leads.
    pub to: NumberTarget,
    /// Whether sources we do not know may call it.
    pub public: bool,
    /// Settings of the flow that this number overrides, as raw text.
    pub settings: BTreeMap<String, String>,
    /// Its mailbox, where it leads to a flow.
    pub mailbox: Option<Name>,
}

/// How a trunk wants numbers written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NumberFormat {
    /// `+442071838750`.
    #[default]
    Plus,
    /// `442071838750`.
    Plain,
    /// `00442071838750`.
    ZeroZero,
}

impl NumberFormat {
    /// The number as this trunk wants it.
    #[must_use]
    pub fn write(self, number: &E164) -> String {
        let digits = number.as_str().trim_start_matches('+');
        match self {
            Self::Plus => format!("+{digits}"),
            Self::Plain => digits.to_owned(),
            Self::ZeroZero => format!("00{digits}"),
        }
    }
}

/// Someone else's SIP service or proxy, trusted by address.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name, as in `trunk/acme/+44…`.
    pub name: Name,
    /// Its tenant: what it calls in is looked up there.
    pub realm: Name,
    /// Where requests to it go: `sip:host:port;transport=udp`.
    pub address: Uri,
    /// Addresses whose requests are believed to be its. Empty: it never calls in.
    pub sources: Vec<Cidr>,
    /// Prefixes it may be asked to dial, such as `+44`; empty: none (the default is to deny).
    pub allow: Vec<String>,
    /// Prefixes it may not be asked to dial, although `allow` covers them; the longer prefix wins.
    pub deny: Vec<String>,
    /// How it wants numbers.
    pub format: NumberFormat,
    /// The number presented when the caller has none of ours.
    pub caller_id: Option<E164>,
    /// Whether it believes our P-Asserted-Identity, and we its.
    pub identity: bool,
    /// The only codecs spoken with it, best first; `None`: those of the whole exchange.
    pub codecs: Option<Codecs>,
    /// Whether its media is protected; `None`: as with the whole exchange.
    pub srtp: Option<Srtp>,
    /// By which ways keys come from it and go to it.
    pub dtmf: Dtmf,
}

/// A host that flows may dial by `sip:` URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SipHosts {
    /// Only these `host` or `host:port` (no port: any port). Empty, the default: none.
    Only(Vec<String>),
    /// Any host. Calls of unknown sources still may not.
    Any,
}

/// All resources as configuration and API give them.
#[derive(Clone, Debug)]
pub struct Listing {
    /// At least one; the first is the default.
    pub realms: Vec<Realm>,
    /// Connections.
    pub connections: Vec<Connection>,
    /// Numbers.
    pub numbers: Vec<Number>,
    /// Trunks and external registrars.
    pub trunks: Vec<Trunk>,
    /// Mailboxes.
    pub mailboxes: Vec<Mailbox>,
    /// `sip:` URIs that flows may dial.
    pub sip_hosts: SipHosts,
    /// Secrets that flows may use, by name.
    pub secrets: BTreeMap<String, Secret<String>>,
}

/// Two resources that cannot both be, or one that names what is not. Each names both places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// No realm at all.
    #[error("there is no realm; at least one is needed")]
    NoRealm,
    /// A name is given twice.
    #[error("{kind} {name} is declared twice")]
    Twice {
        /// `realm`, `connection`, `trunk`, `mailbox`.
        kind: &'static str,
        /// The name.
        name: Name,
    },
    /// Two connections of a realm have one SIP user.
    #[error("connection {second}: the SIP user {user:?} is taken by connection {first}")]
    UserTaken {
        /// The user.
        user: String,
        /// Who has it.
        first: Name,
        /// Who wants it.
        second: Name,
    },
    /// Two numbers of a realm are one.
    #[error("number {0} is declared twice")]
    NumberTaken(E164),
    /// A host name leads to two realms.
    #[error("realm {second}: the domain {domain:?} is taken by realm {first}")]
    DomainTaken {
        /// The host name.
        domain: String,
        /// Who has it.
        first: Name,
        /// Who wants it.
        second: Name,
    },
    /// Something is named that is not declared, or belongs to another realm.
    #[error("{place}: there is no {kind} {name}")]
    Missing {
        /// Who names it, such as `connection alice`.
        place: String,
        /// `realm`, `connection`, `trunk`, `mailbox`.
        kind: &'static str,
        /// What is named.
        name: Name,
    },
    /// Two trunks believe the same address.
    #[error("trunk {second}: the source {block} overlaps one of trunk {first}")]
    SourceTaken {
        /// The block.
        block: Cidr,
        /// Who has it.
        first: Name,
        /// Who wants it.
        second: Name,
    },
    /// A prefix that is not `+` and digits.
    #[error("trunk {trunk}: {prefix:?} is not a prefix such as +44")]
    BadPrefix {
        /// The trunk.
        trunk: Name,
        /// The prefix.
        prefix: String,
    },
    /// The SIP user is empty or longer than is looked up.
    #[error("connection {0}: the SIP user must have 1 to 128 bytes and no control characters")]
    BadUser(Name),
}

/// A checked set of resources. Read only; share it by `Arc`.
#[derive(Debug)]
pub struct Directory {
    realms: Vec<Realm>,
    domains: HashMap<String, Name>,
    connections: BTreeMap<Name, Connection>,
    users: HashMap<(Name, String), Name>,
    numbers: BTreeMap<(Name, E164), Number>,
    trunks: BTreeMap<Name, Trunk>,
    mailboxes: BTreeMap<Name, Arc<BTreeMap<Name, Mailbox>>>,
    sip_hosts: SipHosts,
    secrets: Arc<BTreeMap<String, Secret<String>>>,
}

impl Directory {
    /// Checks a listing and makes it a directory.
    ///
    /// # Errors
    /// Every [`Clash`] there is, not the first.
    pub fn new(listing: Listing) -> Result<Self, Vec<Clash>> {
        let mut clashes = Vec::new();
        let Listing { realms, connections, numbers, trunks, mailboxes, sip_hosts, secrets } = listing;
        if realms.is_empty() {
            clashes.push(Clash::NoRealm);
        }
        let mut directory = Self {
            domains: domains_of(&realms, &mut clashes),
            realms,
            connections: BTreeMap::new(),
            users: HashMap::new(),
            numbers: BTreeMap::new(),
            trunks: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            sip_hosts,
            secrets: Arc::new(secrets),
        };
        directory.take_mailboxes(mailboxes, &mut clashes);
        directory.take_trunks(trunks, &mut clashes);
        directory.take_connections(connections, &mut clashes);
        directory.take_numbers(numbers, &mut clashes);
        if clashes.is_empty() { Ok(directory) } else { Err(clashes) }
    }

    fn need_realm(&self, place: &str, realm: &Name, clashes: &mut Vec<Clash>) {
        if !self.realms.iter().any(|known| known.name == *realm) {
            clashes.push(Clash::Missing { place: place.to_owned(), kind: "realm", name: realm.clone() });
        }
    }

    fn need_mailbox(&self, place: &str, realm: &Name, mailbox: Option<&Name>, clashes: &mut Vec<Clash>) {
        if let Some(name) = mailbox
            && !self.mailboxes.get(realm).is_some_and(|boxes| boxes.contains_key(name))
        {
            clashes.push(Clash::Missing { place: place.to_owned(), kind: "mailbox", name: name.clone() });
        }
    }

    fn take_mailboxes(&mut self, list: Vec<Mailbox>, clashes: &mut Vec<Clash>) {
        let mut by_realm: BTreeMap<Name, BTreeMap<Name, Mailbox>> = BTreeMap::new();
        for mailbox in list {
            self.need_realm(&format!("mailbox {}", mailbox.name), &mailbox.realm, clashes);
            let boxes = by_realm.entry(mailbox.realm.clone()).or_default();
            let name = mailbox.name.clone();
            if boxes.insert(name.clone(), mailbox).is_some() {
                clashes.push(Clash::Twice { kind: "mailbox", name });
            }
        }
        self.mailboxes = by_realm.into_iter().map(|(realm, boxes)| (realm, Arc::new(boxes))).collect();
    }

    fn take_trunks(&mut self, list: Vec<Trunk>, clashes: &mut Vec<Clash>) {
        for trunk in list {
            self.need_realm(&format!("trunk {}", trunk.name), &trunk.realm, clashes);
            for prefix in trunk.allow.iter().chain(&trunk.deny) {
                if !is_prefix(prefix) {
                    clashes.push(Clash::BadPrefix { trunk: trunk.name.clone(), prefix: prefix.clone() });
                }
            }
            for block in &trunk.sources {
                for other in self.trunks.values() {
                    if other.sources.iter().any(|taken| taken.overlaps(block)) {
                        let (first, second) = (other.name.clone(), trunk.name.clone());
                        clashes.push(Clash::SourceTaken { block: *block, first, second });
                    }
                }
            }
            let name = trunk.name.clone();
            if self.trunks.insert(name.clone(), trunk).is_some() {
                clashes.push(Clash::Twice { kind: "trunk", name });
            }
        }
    }

    fn take_connections(&mut self, list: Vec<Connection>, clashes: &mut Vec<Clash>) {
        for connection in list {
            let place = format!("connection {}", connection.name);
            self.need_realm(&place, &connection.realm, clashes);
            self.need_mailbox(&place, &connection.realm, connection.mailbox.as_ref(), clashes);
            if let Some(via) = &connection.via
                && !self.trunks.contains_key(via)
            {
                clashes.push(Clash::Missing { place, kind: "trunk", name: via.clone() });
            }
            let good = (1..=crate::limits::USER_BYTES_MAX).contains(&connection.user.len())
                && !connection.user.chars().any(char::is_control);
            if !good {
                clashes.push(Clash::BadUser(connection.name.clone()));
            }
            let key = (connection.realm.clone(), connection.user.clone());
            if let Some(first) = self.users.insert(key, connection.name.clone()) {
                let (user, second) = (connection.user.clone(), connection.name.clone());
                clashes.push(Clash::UserTaken { user, first, second });
            }
            let name = connection.name.clone();
            if self.connections.insert(name.clone(), connection).is_some() {
                clashes.push(Clash::Twice { kind: "connection", name });
            }
        }
    }

    fn take_numbers(&mut self, list: Vec<Number>, clashes: &mut Vec<Clash>) {
        for number in list {
            let place = format!("number {}", number.number);
            self.need_realm(&place, &number.realm, clashes);
            self.need_mailbox(&place, &number.realm, number.mailbox.as_ref(), clashes);
            if let NumberTarget::Connection(name) = &number.to
                && self.connections.get(name).is_none_or(|there| there.realm != number.realm)
            {
                clashes.push(Clash::Missing { place, kind: "connection", name: name.clone() });
            }
            let key = (number.realm.clone(), number.number.clone());
            let e164 = number.number.clone();
            if self.numbers.insert(key, number).is_some() {
                clashes.push(Clash::NumberTaken(e164));
            }
        }
    }

    /// The tenant of a host name in a request; `None` when the host is not one of the declared domains.
    #[must_use]
    pub fn realm_of_domain(&self, host: &str) -> Option<&Name> {
        self.domains.get(&host.to_ascii_lowercase())
    }

    /// The first realm.
    #[must_use]
    pub fn default_realm(&self) -> &Name {
        // `new` refuses a listing without a realm.
        &self.realms.first().expect("a directory has at least one realm").name
    }

    /// All realms, the default first.
    #[must_use]
    pub fn realms(&self) -> &[Realm] {
        &self.realms
    }

    /// A connection by name.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.get(name)
    }

    /// All connections, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// The connection of a SIP user in a realm.
    #[must_use]
    pub fn user(&self, realm: &Name, user: &str) -> Option<&Connection> {
        if user.len() > crate::limits::USER_BYTES_MAX {
            return None;
        }
        self.users.get(&(realm.clone(), user.to_owned())).and_then(|name| self.connections.get(name))
    }

    /// A number of ours in a realm, as dialled (`+44…`, `0044…`, `44…`, with separators).
    #[must_use]
    pub fn number(&self, realm: &Name, dialled: &str) -> Option<&Number> {
        self.numbers.get(&(realm.clone(), E164::dialled(dialled)?))
    }

    /// All numbers.
    pub fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.numbers.values()
    }

    /// A trunk by name.
    #[must_use]
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.get(name)
    }

    /// All trunks, by name.
    pub fn trunks(&self) -> impl Iterator<Item = &Trunk> {
        self.trunks.values()
    }

    /// The trunk whose declared sources hold this address. Only the socket's address is ever asked about.
    #[must_use]
    pub fn trunk_at(&self, source: IpAddr) -> Option<&Trunk> {
        self.trunks.values().find(|trunk| trunk.sources.iter().any(|block| block.contains(source)))
    }

    /// The mailboxes of a realm.
    #[must_use]
    pub fn mailboxes(&self, realm: &Name) -> Arc<BTreeMap<Name, Mailbox>> {
        self.mailboxes.get(realm).cloned().unwrap_or_default()
    }

    /// The secrets of flows.
    #[must_use]
    pub fn secrets(&self) -> Arc<BTreeMap<String, Secret<String>>> {
        Arc::clone(&self.secrets)
    }

    /// Which `sip:` URIs may be dialled.
    #[must_use]
    pub const fn sip_hosts(&self) -> &SipHosts {
        &self.sip_hosts
    }
}

fn domains_of(realms: &[Realm], clashes: &mut Vec<Clash>) -> HashMap<String, Name> {
    let mut domains: HashMap<String, Name> = HashMap::new();
    for (at, realm) in realms.iter().enumerate() {
        if realms.iter().take(at).any(|earlier| earlier.name == realm.name) {
            clashes.push(Clash::Twice { kind: "realm", name: realm.name.clone() });
        }
        for domain in &realm.domains {
            if let Some(first) = domains.insert(domain.to_ascii_lowercase(), realm.name.clone())
                && first != realm.name
            {
                clashes.push(Clash::DomainTaken { domain: domain.clone(), first, second: realm.name.clone() });
            }
        }
    }
    domains
}

fn is_prefix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit()))
}
