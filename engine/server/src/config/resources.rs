//! The declarative resources: realms, connections, numbers, mailboxes, trunks, and what flows may reach.
//!
//! Each section is a map from name to fields, or a list of maps with a `name:` (a `number:` for numbers), which can say the same
//! name in two realms.
//!
//! ```yaml
//! realms: { callflow: { domains: [pbx.example, 192.0.2.10] } }  # or [callflow]; default: one realm `callflow` without domains
//! connections:
//!   alice:
//!     realm: callflow             # default: the first realm. Every resource has this key.
//!     user: alice                 # the SIP user; default: the name
//!     password: "${ALICE}"        # none: a virtual connection, which only runs its flow
//!     inbound: bridge             # `bridge` (default: the flow `default`, ring the devices, then voicemail) or the name of a flow
//!     settings: { ring_for: 15s } # of that flow
//!     mailbox: alice
//!     public: false               # whether strangers may call it
//!     via: front                  # the trunk whose registrar knows its devices; default: our own registrar
//!     display: Alice              # the name shown to people it calls
//!     caller_id: "+15550101"      # the number it presents to trunks
//!     codecs: [opus, pcma]        # the only ones spoken with it, best first; default: `codecs:` of the file
//!     dtmf: auto                  # how its keys come and go: auto, rfc4733, info or inband
//! numbers:
//!   "+15550100":
//!     to: connection/reception    # or flow/NAME; required
//!     public: false
//!     settings: { }               # with flow/NAME
//!     mailbox: reception          # with flow/NAME
//! mailboxes:
//!   alice:
//!     greeting: { say: Leave a message. }    # or { play: FILE }; a text alone is said; default: a standard text
//!     messages_max: 100           # 1–10,000
//!     length_max: 3m              # 1s–1h
//!     discard_under: 2s           # shorter messages are discarded
//!     keep: 90d                   # 1m–3650d
//!     announce_only: false        # only the greeting, no message
//!     webhook: "https://…"        # default: `webhooks: url`
//!     transcribe: true
//!     language: en                # default: found by the recogniser
//!     pin: "${ALICE_PIN}"         # 4–10 digits, or the hash that `callflow pin` prints; none: only the owner's own devices may listen
//!     pin_for_owner: true         # false: the owner's own devices, proven by password, need no PIN
//!     zone: Europe/London         # in which times are told; default: UTC
//! trunks:
//!   acme:
//!     address: "sip:sip.acme.example;transport=tcp"   # or host:port; required
//!     sources: [192.0.2.0/24]     # whose requests are believed to be its; none: it never calls in
//!     allow: ["+44"]              # prefixes it may be asked to dial; none: no number
//!     deny: ["+449"]              # the longer prefix wins
//!     format: plus                # plus (+44…), plain (44…) or 00 (0044…)
//!     caller_id: "+15550100"      # presented when the caller has none of ours
//!     codecs: [pcma]              # the only ones spoken with it, best first
//!     dtmf: auto                  # how its keys come and go
//!     identity: false             # whether P-Asserted-Identity is believed and sent
//! outbound: { sip_hosts: ["127.0.0.1:15080"] }        # hosts, or `any`; default: none
//! secrets: { crm: "${CRM_TOKEN}" }
//! hours: { office: { zone: Europe/London, open: { mon-fri: "09:00-17:30" }, closed: [2026-12-25] } }
//! ```

use super::{
    Webhooks, keys, pins,
    places::Place,
    read::{Reading, Section},
    server::{codec_list, srtp_word, web_address},
};
use flow::Hours;
use notation::{Field, Kind, Map, Node};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use switchboard::{
    Cidr, Connection, E164, Inbound, Listing, Number, NumberFormat, NumberTarget, Passwords, Realm, SipHosts, Trunk,
};
use terms::{Codecs, Dtmf, Name, Secret};
use voicemail::{Greeting, Mailbox, MailboxLimits};

/// The realm there is when none is declared; phones show it when they ask for a password.
const REALM: &str = "callflow";

/// Reads all resources; what they say of each other is checked by the directory.
pub(super) fn listing(reading: &mut Reading, root: Map<'_>, webhooks: &Webhooks) -> Listing {
    let realms = realms(reading, root);
    let first = realms.first().map_or_else(standard_realm, |realm| realm.name.clone());
    let connections = each(reading, root, "connections", "connection", keys::CONNECTION, |reading, item| connection(reading, item, &first));
    let numbers = each(reading, root, "numbers", "number", keys::NUMBER, |reading, item| number(reading, item, &first));
    let own = pins::own_numbers(&connections, &numbers);
    Listing {
        trunks: each(reading, root, "trunks", "trunk", keys::TRUNK, |reading, item| trunk(reading, item, &first)),
        mailboxes: each(reading, root, "mailboxes", "mailbox", keys::MAILBOX, |reading, item| {
            mailbox(reading, item, &first, webhooks, &own)
        }),
        connections,
        numbers,
        sip_hosts: sip_hosts(reading, root),
        secrets: secrets(reading, root),
        realms,
    }
}

fn standard_realm() -> Name {
    Name::new(REALM).expect("the standard realm is a name")
}

/// One resource: its name and fields.
struct Item<'n> {
    /// The name's text.
    name: String,
    /// Where it is.
    key: notation::Span,
    /// Its fields.
    section: Section<'n>,
}

/// Every resource of a section that can be read; its places are noted whether or not it can.
fn each<T>(
    reading: &mut Reading,
    root: Map<'_>,
    section: &'static str,
    kind: &'static str,
    keys: &'static [Field],
    mut read: impl FnMut(&mut Reading, &Item<'_>) -> Option<T>,
) -> Vec<T> {
    let named_by = if kind == "number" { "number" } else { "name" };
    let what = format!("{} {kind}", if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" });
    let mut items: Vec<Item<'_>> = Vec::new();
    let Some(node) = root.get(section) else { return Vec::new() };
    match &node.kind {
        Kind::List(list) => {
            let known: Vec<&str> = keys.iter().map(|field| field.name).chain([named_by]).collect();
            for node in list {
                let Some(map) = reading.reader.map(node, &what, &known) else { continue };
                let Some(name) = reading.reader.required(map, &what, named_by) else { continue };
                let Some(text) = reading.reader.text(name) else { continue };
                items.push(Item { name: text, key: name.span, section: Section { map: Some(map), keys } });
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                let map = if entry.value.is_null() { None } else { reading.reader.fields(&entry.value, &what, keys) };
                items.push(Item { name: entry.key.text.clone(), key: entry.key.span, section: Section { map, keys } });
            }
        }
        Kind::Null | Kind::Scalar(..) => {
            reading.reader.any_map(node, section);
        }
    }
    let mut found = Vec::with_capacity(items.len());
    for item in &items {
        let mut fields = BTreeMap::new();
        for entry in item.section.map.map(Map::entries).unwrap_or_default() {
            fields.insert(entry.key.text.clone(), entry.value.span);
            for setting in entry.value.entries() {
                fields.insert(format!("{}.{}", entry.key.text, setting.key.text), setting.value.span);
            }
            if matches!(entry.key.text.as_str(), "allow" | "deny") {
                for prefix in reading.reader.list(&entry.value) {
                    fields.insert(format!("prefix {}", prefix.as_text().unwrap_or_default()), prefix.span);
                }
            }
        }
        // Numbers are found again by their written form.
        let name = item.name.parse::<E164>().ok().filter(|_| kind == "number").map_or_else(|| item.name.clone(), |n| n.to_string());
        reading.places.add(kind, Place { name, key: item.key, fields });
        found.extend(read(reading, item));
    }
    found
}

impl Item<'_> {
    fn name(&self, reading: &mut Reading) -> Option<Name> {
        Name::new(&self.name).map_or_else(|error| reading.refuse(self.key, error.to_string()), Some)
    }

    fn realm(&self, reading: &mut Reading, first: &Name) -> Name {
        self.section.read(reading, "realm", first.clone(), |reading, node| reading.reader.name(node))
    }

    fn optional_name(&self, reading: &mut Reading, key: &str) -> Option<Name> {
        self.section.get(key).and_then(|node| reading.reader.name(node))
    }

    fn text(&self, reading: &mut Reading, key: &str) -> Option<String> {
        self.section.get(key).and_then(|node| reading.reader.text(node))
    }

    fn codecs(&self, reading: &mut Reading) -> Option<Codecs> {
        self.section.get("codecs").map(|node| codec_list(reading, node))
    }

    fn dtmf(&self, reading: &mut Reading) -> Dtmf {
        Dtmf::of_word(self.section.word(reading, "dtmf")).unwrap_or_default()
    }

    fn number(&self, reading: &mut Reading, key: &str) -> Option<E164> {
        self.section.get(key).and_then(|node| reading.parsed(node))
    }

    fn settings(&self, reading: &mut Reading) -> BTreeMap<String, String> {
        let map = self.section.get("settings").and_then(|node| reading.reader.any_map(node, "settings of the flow"));
        let mut settings = BTreeMap::new();
        for entry in map.map(Map::entries).unwrap_or_default() {
            if let Some(text) = reading.reader.text(&entry.value) {
                settings.insert(entry.key.text.clone(), text);
            }
        }
        settings
    }
}

fn realms(reading: &mut Reading, root: Map<'_>) -> Vec<Realm> {
    let Some(node) = root.get("realms") else { return vec![Realm { name: standard_realm(), domains: Vec::new() }] };
    // A list of names is the short form.
    if node.items().iter().any(|item| item.as_text().is_some()) || node.as_text().is_some() {
        return reading.list(node, |reading, item| {
            let name = reading.reader.name(item)?;
            let place = Place { name: name.to_string(), key: item.span, fields: BTreeMap::new() };
            reading.places.add("realm", place);
            Some(Realm { name, domains: Vec::new() })
        });
    }
    let found = each(reading, root, "realms", "realm", keys::REALM, |reading, item| {
        let domains = item.section.read(reading, "domains", Vec::new(), |reading, node| Some(reading.list(node, domain)));
        Some(Realm { name: item.name(reading)?, domains })
    });
    if found.is_empty() && !reading.reader.has_errors() {
        reading.reader.error("missing-field", node.span, "at least one realm is needed");
    }
    found
}

fn domain(reading: &mut Reading, node: &Node) -> Option<String> {
    let text = reading.reader.text(node)?;
    let good = !text.is_empty() && text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    if !good {
        reading.reader.error("wrong-type", node.span, format!("{text:?} is not a host name or address"));
        return None;
    }
    Some(text)
}

fn connection(reading: &mut Reading, item: &Item<'_>, first: &Name) -> Option<Connection> {
    let realm = item.realm(reading, first);
    let user = item.text(reading, "user").unwrap_or_else(|| item.name.clone());
    let password = item.section.get("password").and_then(|node| reading.secret(node));
    let inbound = item.section.value(reading, "inbound", |reading, node| reading.reader.text(node));
    let inbound = match inbound.as_str() {
        "bridge" => Inbound::Bridge,
        flow => Inbound::Flow(flow.strip_prefix("flow/").unwrap_or(flow).to_owned()),
    };
    Some(Connection {
        passwords: password.map(|password| Passwords::new(&user, &realm, &password)),
        inbound,
        settings: item.settings(reading),
        mailbox: item.optional_name(reading, "mailbox"),
        public: item.section.flag(reading, "public"),
        via: item.optional_name(reading, "via"),
        display: item.text(reading, "display"),
        caller_id: item.number(reading, "caller_id"),
        codecs: item.codecs(reading),
        srtp: item.section.get("srtp").and_then(|node| srtp_word(reading, node)),
        dtmf: item.dtmf(reading),
        name: item.name(reading)?,
        realm,
        user,
    })
}

fn number(reading: &mut Reading, item: &Item<'_>, first: &Name) -> Option<Number> {
    let number = item.name.parse::<E164>().map_or_else(|error| reading.refuse(item.key, error.to_string()), Some);
    let to = match item.section.get("to") {
        Some(node) => target(reading, node),
        None => {
            reading.reader.error("missing-field", item.key, "a number needs `to`").help("write to: connection/NAME or to: flow/NAME");
            None
        }
    };
    if matches!(to, Some(NumberTarget::Connection(_))) {
        for key in ["settings", "mailbox"] {
            if let Some(node) = item.section.get(key) {
                reading
                    .reader
                    .error("wrong-type", node.span, format!("`{key}` of a number is for `to: flow/NAME`"))
                    .help(format!("the connection has its own `{key}`"));
            }
        }
    }
    Some(Number {
        realm: item.realm(reading, first),
        public: item.section.flag(reading, "public"),
        settings: item.settings(reading),
        mailbox: item.optional_name(reading, "mailbox"),
        number: number?,
        to: to?,
    })
}

fn target(reading: &mut Reading, node: &Node) -> Option<NumberTarget> {
    let text = reading.reader.text(node)?;
    if let Some(name) = text.strip_prefix("connection/")
        && let Ok(name) = Name::new(name)
    {
        return Some(NumberTarget::Connection(name));
    }
    if let Some(name) = text.strip_prefix("flow/")
        && Name::new(name).is_ok()
    {
        return Some(NumberTarget::Flow(name.to_owned()));
    }
    reading.reader.error("wrong-type", node.span, format!("expected connection/NAME or flow/NAME, found {text:?}"));
    None
}

fn mailbox(reading: &mut Reading, item: &Item<'_>, first: &Name, webhooks: &Webhooks, own: &BTreeMap<Name, Vec<String>>) -> Option<Mailbox> {
    let mut mailbox = Mailbox::new(item.realm(reading, first), item.name(reading)?);
    let before = reading.reader.faults().len();
    let section = item.section;
    mailbox.greeting = section.read(reading, "greeting", Greeting::Standard, greeting);
    mailbox.limits = MailboxLimits {
        messages_max: section.integer(reading, "messages_max"),
        length_max: section.span(reading, "length_max"),
        discard_under: section.span(reading, "discard_under"),
        keep: section.span(reading, "keep"),
    };
    mailbox.announce_only = item.section.flag(reading, "announce_only");
    mailbox.transcribe = item.section.flag(reading, "transcribe");
    mailbox.language = item.text(reading, "language");
    let own = own.get(&mailbox.name).map(Vec::as_slice).unwrap_or_default();
    mailbox.pin = section.get("pin").and_then(|node| pins::pin(reading, node, own));
    mailbox.pin_for_owner = item.section.flag(reading, "pin_for_owner");
    if let Some(zone) = item.text(reading, "zone")
        && !mailbox.set_zone(&zone)
    {
        let span = section.get("zone").map_or(item.key, |node| node.span);
        reading.reader.error("wrong-type", span, format!("{zone:?} is no time zone such as Europe/London"));
    }
    mailbox.webhook = section.get("webhook").and_then(|node| web_address(reading, node)).or_else(|| webhooks.url.clone());
    // Values of the wrong kind are told already; the mailbox's own rules are for values of the right kind.
    if reading.reader.faults().len() == before {
        for fault in mailbox.check() {
            let text = fault.to_string();
            let (field, message) = text.split_once(": ").unwrap_or(("", &text));
            let span = section.get(field).map_or(item.key, |node| node.span);
            reading.reader.error("wrong-type", span, message.to_owned());
        }
    }
    Some(mailbox)
}

fn greeting(reading: &mut Reading, node: &Node) -> Option<Greeting> {
    if let Some(text) = node.as_text() {
        return Some(Greeting::Say(text.to_owned()));
    }
    let map = reading.reader.map(node, "a greeting", &["say", "play"])?;
    match (map.get("say"), map.get("play")) {
        (Some(say), None) => reading.reader.text(say).map(Greeting::Say),
        (None, Some(play)) => reading.reader.text(play).map(Greeting::Play),
        (Some(_), Some(_)) | (None, None) => {
            reading.reader.error("wrong-type", node.span, "a greeting is either `say` or `play`");
            None
        }
    }
}

fn trunk(reading: &mut Reading, item: &Item<'_>, first: &Name) -> Option<Trunk> {
    let section = item.section;
    let address = match section.get("address") {
        Some(node) => trunk_address(reading, node),
        None => {
            reading.reader.error("missing-field", item.key, "a trunk needs `address`");
            None
        }
    };
    let texts = |reading: &mut Reading, node: &Node| Some(reading.list(node, |reading, item| reading.reader.text(item)));
    Some(Trunk {
        realm: item.realm(reading, first),
        sources: section.read(reading, "sources", Vec::new(), |reading, node| {
            Some(reading.list(node, |reading, item| reading.parsed::<Cidr>(item)))
        }),
        allow: section.read(reading, "allow", Vec::new(), texts),
        deny: section.read(reading, "deny", Vec::new(), texts),
        format: match section.word(reading, "format") {
            "plain" => NumberFormat::Plain,
            "00" => NumberFormat::ZeroZero,
            _ => NumberFormat::Plus,
        },
        caller_id: item.number(reading, "caller_id"),
        identity: item.section.flag(reading, "identity"),
        codecs: item.codecs(reading),
        srtp: item.section.get("srtp").and_then(|node| srtp_word(reading, node)),
        dtmf: item.dtmf(reading),
        name: item.name(reading)?,
        address: address?,
    })
}

fn trunk_address(reading: &mut Reading, node: &Node) -> Option<sip::Uri> {
    let text = reading.reader.text(node)?;
    let whole = if text.starts_with("sip:") || text.starts_with("sips:") { text.clone() } else { format!("sip:{text}") };
    match whole.parse::<sip::Uri>() {
        Ok(uri) => Some(uri),
        Err(_) => {
            reading
                .reader
                .error("wrong-type", node.span, format!("{text:?} is no SIP address"))
                .help("write sip:HOST, sip:HOST:PORT;transport=tcp or HOST:PORT");
            None
        }
    }
}

fn sip_hosts(reading: &mut Reading, root: Map<'_>) -> SipHosts {
    let section = Section::of(reading, root, "outbound", keys::OUTBOUND);
    match section.get("sip_hosts") {
        Some(node) if node.as_text() == Some("any") => SipHosts::Any,
        Some(node) => SipHosts::Only(reading.list(node, domain)),
        None => SipHosts::Only(Vec::new()),
    }
}

fn secrets(reading: &mut Reading, root: Map<'_>) -> BTreeMap<String, Secret<String>> {
    let Some(map) = root.get("secrets").and_then(|node| reading.reader.any_map(node, "secrets by name")) else {
        return BTreeMap::new();
    };
    let mut secrets = BTreeMap::new();
    for entry in map.entries() {
        let name = &entry.key.text;
        // `secret.name` must be readable as an expression.
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            reading.reader.error("wrong-type", entry.key.span, format!("{name:?} is not a name of letters, digits and `_`"));
        }
        reading.places.add("secret", Place { name: name.clone(), key: entry.key.span, fields: BTreeMap::new() });
        if let Some(secret) = reading.secret(&entry.value) {
            secrets.insert(name.clone(), secret);
        }
    }
    secrets
}

/// `hours:`; calendar files that they name lie in `folder`.
pub(super) fn hours(reading: &mut Reading, root: Map<'_>, folder: &Path) -> BTreeMap<String, Arc<Hours>> {
    let Some(map) = root.get("hours").and_then(|node| reading.reader.any_map(node, "opening hours by name")) else {
        return BTreeMap::new();
    };
    let calendars = super::flows::calendars(folder);
    let read = map.entries().iter().filter_map(|entry| {
        let hours = Hours::read(&entry.value, &mut reading.reader, &calendars)?;
        Some((entry.key.text.clone(), Arc::new(hours)))
    });
    read.collect()
}
