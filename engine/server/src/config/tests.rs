//! What a configuration says, and what is said of a bad one.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at a few shapes of many")]

use super::{Config, Faults, load_flows, read};
use notation::{Field, Need, Shape, Source};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};
use switchboard::{Inbound, NumberTarget, OverPlainSip, SipHosts};
use terms::{Codec, Codecs, Dtmf, Name, Srtp};
use voicemail::Greeting;

fn read_with(text: &str, environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
    let lookup = |name: &str| environment.get(name).map(|value| (*value).to_owned());
    read::config(&Source::new("house.yaml", text), Path::new("/house"), &lookup).map_err(|refused| refused.faults)
}

fn good(text: &str) -> Config {
    read_with(text, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Each fault as `line:column message (help)`.
fn told(faults: &Faults) -> Vec<String> {
    faults
        .list
        .iter()
        .map(|fault| {
            let help = fault.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            format!("{}:{} {}{help}", fault.span.line, fault.span.column, fault.message)
        })
        .collect()
}

fn wrong(text: &str) -> Vec<String> {
    told(&read_with(text, &[]).expect_err("the text must be refused"))
}

/// The top of the checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn an_empty_file_is_a_house_with_every_default() {
    let config = good("");
    assert_eq!(config.listen.udp, ["0.0.0.0:5060".parse().unwrap()]);
    assert_eq!(config.listen.tcp, config.listen.udp);
    assert_eq!(config.rtp.ports, 20_000..=29_999);
    assert_eq!(config.folders.flows, Path::new("/house/flows"));
    assert_eq!(config.folders.data, Path::new("/house/data"));
    assert_eq!(config.http.listen, Some("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(config.speech.cache.as_deref(), Some(Path::new("/house/data/speech")));
    assert_eq!(config.limits.calls, switchboard::Limits::default());
    assert_eq!(config.directory.default_realm().as_str(), "callflow");
    assert_eq!(*config.directory.sip_hosts(), SipHosts::Only(Vec::new()));
    assert!(config.limits.shards >= 1);
}

#[test]
fn everything_that_is_written_arrives() {
    let config = good(
        r#"
listen: { udp: ["127.0.0.1:5090", "[::1]:5090"] }
advertise: 203.0.113.7
rtp: { ports: 30000-30999 }
codecs: [pcma, pcmu]
opus: { complexity: 9 }
country: de
folders: { data: /var/lib/callflow }
http: { listen: off, tokens: [0123456789abcdef], public_url: "https://pbx.example/" }
speech:
  voices: [{ command: { argv: [espeak-ng, --stdout], languages: en } }, piper]
  recognisers: { whisper: base }
webhooks: { sink: "127.0.0.1:9099", allow_private: [10.0.0.0/8] }
limits: { calls_max: 9000, call_length: 1h, silence: 0s, shards: 2, disk_reserve: 1GB, drain: 5s }
log: { format: json, level: "info,sip=debug" }
realms: { first: { domains: [pbx.example] }, second: }
connections:
  alice: { user: "1001", password: x, mailbox: alice, caller_id: "+44 20 7183 8750", codecs: [opus, gsm], dtmf: info }
  reception: { inbound: reception, public: true, settings: { ring_for: 10s } }
numbers:
  +15550100: { to: connection/reception }
  "+442071838751": { to: flow/reception, mailbox: alice }
mailboxes:
  alice: { greeting: { play: hello.wav }, length_max: 1m, keep: 7d }
trunks:
  acme: { address: "sip.acme.example:5061;transport=tcp", sources: [192.0.2.0/24], allow: "+44", format: 00, codecs: pcma, dtmf: inband }
outbound: { sip_hosts: any }
secrets: { crm: token }
hours: { office: { zone: Europe/London, open: { mon-fri: "09:00-17:30" } } }
"#,
    );
    assert_eq!(config.listen.udp.len(), 2);
    assert!(config.listen.tcp.is_empty(), "with `listen`, only what is written");
    assert_eq!(config.rtp.address, config.listen.udp[0].ip());
    assert_eq!(config.reachable_at("0.0.0.0".parse().unwrap()).to_string(), "203.0.113.7");
    assert_eq!(config.http.listen, None);
    assert_eq!(config.http.public_url.as_deref(), Some("https://pbx.example"));
    assert_eq!(config.speech.voices.len(), 2);
    assert_eq!(config.webhooks.allow_private.len(), 2, "the sink may be reached");
    assert_eq!(config.limits.disk_reserve, 1 << 30);
    assert_eq!((config.limits.calls.call_length, config.limits.calls.silence), (Duration::from_secs(3_600), Duration::ZERO));
    let directory = &config.directory;
    let first = Name::new("first").unwrap();
    let alice = directory.user(&first, "1001").unwrap();
    assert_eq!((alice.name.as_str(), &alice.inbound), ("alice", &Inbound::Bridge));
    assert_eq!((config.codecs.list.as_slice(), config.opus_complexity, config.country.code()), (&[Codec::Pcma, Codec::Pcmu][..], 9, "de"));
    assert_eq!(alice.codecs, Some(Codecs::ranked(vec![Codec::Opus, Codec::Gsm])));
    assert_eq!(directory.trunk("acme").unwrap().codecs, Some(Codecs::ranked(vec![Codec::Pcma])));
    let reception = directory.connection("reception").unwrap();
    assert_eq!(reception.codecs, None);
    assert_eq!(config.codecs_spoken(), Codec::ALL.into_iter().filter(|codec| *codec != Codec::G722).collect::<Vec<_>>(), "prompts are ready for each");
    assert_eq!((alice.dtmf, directory.trunk("acme").unwrap().dtmf, reception.dtmf), (Dtmf::Info, Dtmf::Inband, Dtmf::Auto));
    assert!(reception.passwords.is_none() && reception.public);
    assert_eq!(reception.settings["ring_for"], "10s");
    assert_eq!(directory.number(&first, "+15550100").unwrap().to, NumberTarget::Connection(reception.name.clone()));
    let boxes = directory.mailboxes(&first);
    assert_eq!(boxes["alice"].greeting, Greeting::Play("hello.wav".to_owned()));
    assert_eq!(boxes["alice"].webhook.as_deref(), Some("http://127.0.0.1:9099/"));
    assert_eq!(directory.sip_hosts(), &SipHosts::Any);
    assert!(directory.secrets().contains_key("crm") && config.outline.hours.contains_key("office"));
}

#[test]
fn a11_srtp_is_read_and_its_keys_are_warned_of() {
    let warned = |config: &Config| told(&config.warnings);
    let plain = good("");
    assert_eq!((plain.srtp, &plain.srtp_over_plain_sip), (Srtp::Off, &OverPlainSip::Networks(Vec::new())));
    assert!(warned(&plain).is_empty());
    let office = good("srtp: optional\nsrtp_over_plain_sip: [10.0.0.0/8, \"2001:db8::/32\"]\nconnections: { alice: { srtp: required }, bob: {} }\ntrunks: { acme: { address: \"sip:192.0.2.7\", srtp: off } }\n");
    assert_eq!(office.srtp, Srtp::Optional);
    assert!(matches!(&office.srtp_over_plain_sip, OverPlainSip::Networks(networks) if networks.len() == 2));
    let of = |name: &str| office.directory.connection(name).and_then(|connection| connection.srtp);
    assert_eq!((of("alice"), of("bob"), office.directory.trunk("acme").unwrap().srtp), (Some(Srtp::Required), None, Some(Srtp::Off)));
    assert_eq!(warned(&office), ["2:22 whoever can read SIP on its way there can read the keys of SRTP, and hear the calls"]);
    assert_eq!(good("srtp_over_plain_sip: true\n").srtp_over_plain_sip, OverPlainSip::Everywhere);
    let told = warned(&good("connections: { alice: { srtp: required } }\n"));
    assert!(matches!(&told[..], [one] if one.starts_with("1:31 keys of SRTP are given only to peers on this machine")), "{told:?}");
    assert_eq!(wrong("srtp: sometimes\nsrtp_over_plain_sip: 10.0.0.1/8\n").len(), 2);
}

#[test]
fn a10_pins_are_read_hashed_and_weak_ones_refused() {
    let config = good(
        "connections: { alice: { user: \"1001\", password: x, mailbox: alice } }\nnumbers: { \"+442071838750\": { to: connection/alice } }\nmailboxes:\n  alice: { pin: \"4711\", pin_for_owner: false, zone: Europe/London }\n",
    );
    let boxes = config.directory.mailboxes(&Name::new("callflow").unwrap());
    let pin = boxes["alice"].pin.clone().unwrap();
    assert!(pin.is("4711") && !pin.is("1001") && !boxes["alice"].pin_for_owner);
    let hashed = format!("mailboxes: {{ alice: {{ pin: \"{}\" }} }}\n", pin.hash());
    assert!(good(&hashed).directory.mailboxes(&Name::new("callflow").unwrap())["alice"].pin.as_ref().is_some_and(|pin| pin.is("4711")));
    for (pin, why) in [("1234", "in a row"), ("0000", "one digit"), ("1001", "own number"), ("8750", "own number"), ("12", "4 to 10 digits"), ("$argon2id$x", "no Argon2id hash")] {
        let text = format!(
            "connections: {{ alice: {{ user: \"1001\", password: x, mailbox: alice }} }}\nnumbers: {{ \"+442071838750\": {{ to: connection/alice }} }}\nmailboxes: {{ alice: {{ pin: \"{pin}\" }} }}\n"
        );
        let told = wrong(&text);
        assert!(matches!(&told[..], [fault] if fault.contains(why)), "{pin}: {told:?}");
        assert!(pin.len() < 4 || !told.concat().contains(pin), "a PIN is shown");
    }
    let told = wrong("mailboxes: { alice: { zone: Mars } }\n");
    assert!(matches!(&told[..], [fault] if fault.contains("no time zone")), "{told:?}");
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let text = r#"listne: { udp: 5060 }
rtp: { ports: 29999-20000 }
codecs: [pcmu, speex]
http: { tokens: [short] }
webhooks: { secret: whsec_no, url: ftp://x }
limits: { calls_max: 0, call_length: 4, disk_reserve: 64 }
log: { level: lots, format: xml }
connections:
  alice: { pasword: secret-of-alice, public: yes }
  "b b": {}
numbers:
  "15550100": { to: reception }
  "+15550101": {}
mailboxes:
  sales: { length_max: 2h, greeting: { say: Hi, play: hi.wav } }
  support: { length_max: 2h }
trunks:
  acme: { sources: [192.0.2.1/24], format: roman }
"#;
    assert_eq!(wrong(text), [
        "1:1 unknown field of the configuration `listne` (did you mean `listen`?)",
        "2:15 \"29999-20000\" must begin at 1024 or above and hold at least 4 ports",
        "3:16 expected one of pcmu, pcma, g722, opus, gsm, found \"speex\"",
        "4:18 a token needs at least 16 characters",
        "5:21 a webhook secret is whsec_ and the base64 of 24 to 64 bytes",
        "5:36 expected an http:// or https:// address, found \"ftp://x\"",
        "6:22 expected a whole number from 1 to 100000, found \"0\"",
        "6:38 expected a duration such as 800ms, 5s, 2m, 1h or 90d, found \"4\" (a number needs its unit: 4s for seconds)",
        "6:55 expected a size such as 500kB, 64MB or 2GB, found \"64\"",
        "7:29 expected one of text, json, found \"xml\"",
        "9:12 unknown field of a connection `pasword` (did you mean `password`?)",
        "9:46 expected true or false, found \"yes\" (write true)",
        "10:3 \"b b\" is not a name: use 1 to 64 of a-z A-Z 0-9 . _ -, beginning with a letter or digit",
        "12:3 \"15550100\" is not an international number such as +442071838750",
        "12:21 expected connection/NAME or flow/NAME, found \"reception\"",
        "13:3 a number needs `to` (write to: connection/NAME or to: flow/NAME)",
        "15:24 expected a duration from 1s to 1h, found \"2h\"",
        "15:38 a greeting is either `say` or `play`",
        "16:26 expected a duration from 1s to 1h, found \"2h\"",
        "18:3 a trunk needs `address`",
        "18:21 \"192.0.2.1/24\" has address bits beyond its prefix; write 192.0.2.0/24",
        "18:44 expected one of plus, plain, 00, found \"roman\"",
    ]);
}

/// Every key of the table with the way to it: `connections`, `x`, `user`.
fn walk(fields: &'static [Field], way: &[String], seen: &mut Vec<(Vec<String>, &'static Field, &'static [Field])>) {
    fn inner(shape: Shape, way: &[String], seen: &mut Vec<(Vec<String>, &'static Field, &'static [Field])>) {
        match shape {
            Shape::Fields(fields) | Shape::OneOf(fields) => walk(fields, way, seen),
            Shape::Named(shape) => inner(*shape, &[way, &["x".to_owned()]].concat(), seen),
            Shape::Resources(fields, named_by) => {
                let name = if named_by == "number" { "\"+15550100\"" } else { "x" };
                walk(fields, &[way, &[name.to_owned()]].concat(), seen);
            }
            Shape::List(shape) => inner(*shape, way, seen),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| inner(*shape, way, seen)),
            _ => {}
        }
    }
    for field in fields {
        let way = [way, &[field.name.to_owned()]].concat();
        seen.push((way.clone(), field, fields));
        inner(field.shape, &way, seen);
    }
}

/// A file in which one key has this value, with the other keys that its map needs.
fn file_with(way: &[String], siblings: &[Field], value: &str) -> String {
    let (last, above) = way.split_last().unwrap();
    let needed = siblings.iter().filter(|field| matches!(field.need, Need::Required) && field.name != last);
    let needed: String = needed.map(|field| format!("{}: {}, ", field.name, field.example)).collect();
    let text = format!("{{ {needed}{last}: {value} }}");
    above.iter().rev().fold(text, |text, key| format!("{{ {key}: {text} }}"))
}

#[test]
fn every_line_of_the_table_is_true() {
    let mut keys = Vec::new();
    walk(super::keys::ROOT, &[], &mut keys);
    assert!(keys.len() > 80, "{}", keys.len());
    for (way, field, siblings) in &keys {
        let name = way.join(".");
        assert!(!field.doc.is_empty() && !field.doc.ends_with('.'), "{name} is not explained");
        let refused = |value: &str| match read_with(&file_with(way, siblings, value), &[]) {
            Ok(_) => Vec::new(),
            // What is named need not be there.
            Err(faults) => faults.list.into_iter().filter(|fault| fault.code != "clash" && fault.code != "environment").collect(),
        };
        if !field.example.is_empty() {
            assert_eq!(refused(field.example), [], "the example of {name}");
        }
        if let Need::Default(value) = field.need {
            assert_eq!(refused(value), [], "the default of {name}");
        }
        let beyond = match field.shape {
            Shape::Integer(from, to) => vec![(from - 1).to_string(), (to + 1).to_string()],
            Shape::Span(from, to) => vec![format!("{}ms", from.wrapping_sub(1)), format!("{}ms", to + 1), "5".to_owned()],
            Shape::Word(_) | Shape::Size | Shape::Boolean => vec!["nonsense".to_owned()],
            _ => Vec::new(),
        };
        for value in beyond {
            assert_ne!(refused(&value), [], "{name}: {value} lies beyond the range");
        }
    }
    let codecs: Vec<String> = Codec::ALL.iter().map(|codec| codec.name().to_ascii_lowercase()).collect();
    assert_eq!(good("").codecs, Codecs::all(), "the table knows {codecs:?}");
    for dtmf in Dtmf::ALL {
        let config = good(&format!("connections: {{ a: {{ dtmf: {} }} }}", dtmf.word()));
        assert_eq!(config.directory.connection("a").unwrap().dtmf, dtmf);
    }
}

/// The page of the manual: each section with its keys and an example.
fn page() -> String {
    let mut page = String::from(
        "# Configuration\n\n<!-- Made from engine/server/src/config/keys.rs by `UPDATE_DOCS=1 cargo test -p server config`: do not edit. -->\n\n\
         One YAML file, `callflow.yaml` where `callflow` is started, or another by `--config FILE`. Every key may be left out. Unknown keys and wrong\n\
         values are refused, all at once, with their places.\n\n\
         `${NAME}` is replaced from the environment in every value, so that secrets stay out of the file (`${NAME:-default}`; `$${` is a plain `${`).\n\
         Durations carry a unit: `800ms 5s 2m 1h 90d`. Relative paths begin at the folder of the file. A list of one may be written as its item.\n\
         Connections, numbers, mailboxes and trunks are maps by name, or lists with the name under `name:` (`number:` for numbers), which may say a\n\
         name once in each realm.\n\n",
    );
    for field in super::keys::ROOT {
        let mut letters = field.doc.chars();
        let doc: String = letters.next().unwrap().to_uppercase().chain(letters).collect();
        let default = match field.need {
            Need::Default(value) => format!(" Default: `{value}`."),
            Need::Required | Need::Optional => String::new(),
        };
        page += &format!("## {}\n\n{doc}.{default}\n\n```yaml\n{}: {}\n```\n\n", field.name, field.name, field.example);
        // The section's own line is its heading.
        let table: Vec<String> = notation::reference(&[*field]).lines().map(|line| line.replace(&format!("| `{}.", field.name), "| `")).collect();
        if table.len() > 3 {
            page += &format!("{}\n{}\n{}\n\n", table[0], table[1], table[3..].join("\n"));
        }
    }
    page
}

#[test]
fn the_reference_of_the_configuration_is_fresh() {
    let path = root().join("docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let fresh = fs::read_to_string(&path).is_ok_and(|written| written == page());
    assert!(fresh, "docs/configuration.md is not what keys.rs says; write it anew: UPDATE_DOCS=1 cargo test -p server config");
}

#[test]
fn a_fault_is_shown_with_its_line_underlined() {
    let faults = read_with("log:\n  levl: info\n", &[]).err().unwrap();
    assert_eq!(
        faults.to_string(),
        "\
error[unknown-field]: unknown field of `log` `levl`
 --> house.yaml:2:3
  |
2 |   levl: info
  |   ^^^^
  |
  = help: did you mean `level`?"
    );
}

#[test]
fn clashes_name_both_places() {
    let text = r#"realms: { first: { domains: [pbx.example] }, second: { domains: [PBX.example] } }
connections:
  alice: { user: "100", mailbox: sale }
  bob: { user: "100", via: acme }
  carol: { realm: second }
numbers:
  - { number: "+15550100", to: connection/alice }
  - { number: "+1 555 0100", to: connection/carol }
mailboxes: { sales: }
trunks:
  one: { address: 192.0.2.1, sources: [192.0.2.0/24], allow: [44] }
  two: { address: 192.0.2.2, sources: [192.0.2.7] }
"#;
    assert_eq!(wrong(text), [
        "1:65 realm second: the domain \"PBX.example\" is taken by realm first (the other one is at house.yaml:1:29)",
        "3:34 connection alice: there is no mailbox sale (did you mean `sales`?)",
        "4:16 connection bob: the SIP user \"100\" is taken by connection alice (the other one is at house.yaml:3:18)",
        "4:28 connection bob: there is no trunk acme",
        "8:15 number +15550100 is declared twice (the other one is at house.yaml:7:15)",
        "8:34 number +15550100: there is no connection carol (the connection carol at house.yaml:5:3 belongs to another realm)",
        "11:63 trunk one: \"44\" is not a prefix such as +44",
        "12:39 trunk two: the source 192.0.2.7/32 overlaps one of trunk one (the other one is at house.yaml:11:39)",
    ]);
}

#[test]
fn secrets_come_from_the_environment_and_are_never_shown() {
    let text = "connections:\n  alice: { password: \"${ALICE}\" }\n  bob: { password: bobs-password, mailbx: bob }\nsecrets: { crm: \"${CRM:-none}\" }\n";
    let faults = read_with(text, &[]).err().unwrap();
    assert_eq!(told(&faults), [
        "2:23 the environment has no `ALICE` (set it, or write a default: ${ALICE:-…})",
        "3:35 unknown field of a connection `mailbx` (did you mean `mailbox`?)",
    ]);
    let shown = faults.to_string();
    assert!(shown.contains("${ALICE}") && shown.contains("password: *************, mailbx"), "{shown}");
    assert!(!shown.contains("bobs-password"), "{shown}");

    let config = read_with(&text.replace(", mailbx: bob", ""), &[("ALICE", "wonderland")]).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(config.directory.secrets()["crm"].expose(), "none");
    assert!(config.directory.connection("alice").unwrap().passwords.is_some());
    assert!(!format!("{config:?}").contains("wonderland") && !format!("{config:?}").contains("bobs-password"));
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_too() {
    let faults = Config::read(Path::new("/nowhere/callflow.yaml")).err().unwrap();
    assert!(faults.to_string().contains("the configuration cannot be read: No such file"), "{faults}");
}

#[test]
fn the_demo_reads_and_its_flows_fit() {
    let config = Config::read(&root().join("callflow.yaml")).unwrap_or_else(|faults| panic!("{faults}"));
    let (flows, warnings) = load_flows(&config).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(warnings.list, [], "{warnings}");
    assert!(flows.has("default") && flows.has("reception") && flows.has("reception-script"));
    let realm = config.directory.default_realm().clone();
    for user in ["alice", "bob"] {
        assert!(config.directory.user(&realm, user).unwrap().passwords.is_some(), "{user} is a device");
    }
    assert!(config.directory.number(&realm, "+15550100").is_some());
}

#[test]
fn flows_are_checked_against_the_configuration_and_it_against_them() {
    let folder = std::env::temp_dir().join(format!("callflow-config-{}", std::process::id()));
    fs::create_dir_all(folder.join("flows")).unwrap();
    fs::write(
        folder.join("flows/hello.yaml"),
        "flow: hello\nsettings:\n  ring_for: { type: duration, default: 20s }\nstart: ring\nstates:\n  ring:\n    bridge: { to: connection/alcie, timeout: \"${settings.ring_for}\" }\n    then: end\n",
    )
    .unwrap();
    let path = folder.join("house.yaml");
    let text = "connections:\n  alice: { inbound: hello, settings: { ring_for: soon } }\n  bob: { inbound: helo }\nmailboxes: { box: { greeting: { play: hi.wav } } }\n";
    fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap_or_else(|faults| panic!("{faults}"));
    let faults = load_flows(&config).err().unwrap();
    assert!(faults.list.iter().any(|fault| fault.path.ends_with("hello.yaml") && fault.message.contains("alcie")), "{faults}");

    let fixed = fs::read_to_string(folder.join("flows/hello.yaml")).unwrap().replace("alcie", "alice");
    fs::write(folder.join("flows/hello.yaml"), fixed).unwrap();
    let faults = load_flows(&config).err().unwrap();
    let lines = told(&faults);
    fs::remove_dir_all(&folder).unwrap();
    assert!(lines.iter().any(|line| line.starts_with("2:50 ")), "{lines:?}");
    assert!(lines.iter().any(|line| line == "3:19 unknown flow `helo` (did you mean `hello`?)"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("4:31 unknown prompt `hi.wav`")), "{lines:?}");
}

#[test]
fn calendar_files_beside_the_flows_close_the_hours_of_the_configuration_and_of_flows() {
    let folder = std::env::temp_dir().join(format!("callflow-calendar-{}", std::process::id()));
    fs::create_dir_all(folder.join("flows")).unwrap();
    let event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n";
    fs::write(folder.join("flows/holidays.ics"), event).unwrap();
    let flow = "start: a\nhours: { shop: { zone: UTC, open: { daily: \"00:00-24:00\" }, closed: holidays.ics } }\nstates: { a: { then: [{ if: open(\"shop\") && open(\"office\"), then: b }, end] }, b: { say: Open., then: end } }\n";
    fs::write(folder.join("flows/hello.yaml"), flow).unwrap();
    let path = folder.join("house.yaml");
    fs::write(&path, "hours: { office: { zone: UTC, open: { daily: \"00:00-24:00\" }, closed: [holidays.ics] } }\n").unwrap();
    let config = Config::read(&path).unwrap_or_else(|faults| panic!("{faults}"));
    let loaded = load_flows(&config).map(|(set, _)| set.has("hello"));
    fs::write(folder.join("flows/holidays.ics"), event.replace("YEARLY", "HOURLY")).unwrap();
    let faults = load_flows(&config).err().map(|faults| faults.to_string()).unwrap_or_default();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(loaded.map_err(|faults| faults.to_string()), Ok(true));
    // Noon of 2030-12-25 and of the day after.
    let office = &config.outline.hours["office"];
    assert!(!office.open_at(terms::UnixMs(1_924_430_400_000)) && office.open_at(terms::UnixMs(1_924_516_800_000)));
    assert!(faults.contains("holidays.ics:4:1") && faults.contains("not FREQ=HOURLY"), "{faults}");
}
