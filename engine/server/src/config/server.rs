//! The sections about the server itself: sockets, folders, HTTP, webhooks, limits, log.

use super::{
    Folders, Http, Limits, Listen, Log, LogFormat, Prompts, Rtp, Webhooks, keys,
    read::{Reading, Section},
};
use audio::tone::Country;
use notation::{Map, Node};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};
use store::{Allowed, Signer};
use switchboard::{Cidr, OverPlainSip};
use terms::{Codec, Codecs, Srtp};

/// The port of SIP (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5_060;
/// The port of the API (chosen: the customary one for a second HTTP server).
const HTTP_PORT: u16 = 8_080;
/// The least `prompts: memory:` that makes sense.
const PROMPTS_MEMORY_LEAST: u64 = 8 << 20;
/// Characters of an API token at least: 16 random ones cannot be guessed over a network.
const TOKEN_CHARS_MIN: usize = 16;

/// `listen:`
pub(super) fn listen(reading: &mut Reading, root: Map<'_>) -> Listen {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, SIP_PORT));
    let Some(node) = root.get("listen") else { return Listen { udp: vec![everywhere], tcp: vec![everywhere] } };
    let section = Section::of(reading, root, "listen", keys::LISTEN);
    let mut addresses = |key| {
        section.get(key).map_or_else(Vec::new, |node| reading.list(node, |reading, item| socket(reading, item, SIP_PORT)))
    };
    let listen = Listen { udp: addresses("udp"), tcp: addresses("tcp") };
    if section.map.is_some_and(|map| map.get("udp").is_none() && map.get("tcp").is_none()) {
        reading.reader.error("missing-field", node.span, "`listen` needs `udp` or `tcp`");
    }
    for list in [&listen.udp, &listen.tcp] {
        let twice = list.iter().enumerate().find(|(at, one)| one.port() != 0 && list.iter().take(*at).any(|other| other == *one));
        if let Some((_, one)) = twice {
            reading.reader.error("clash", node.span, format!("{one} is listed twice"));
        }
    }
    listen
}

/// `ADDRESS:PORT`, `ADDRESS` or `PORT`.
fn socket(reading: &mut Reading, node: &Node, port: u16) -> Option<SocketAddr> {
    let text = reading.reader.text(node)?;
    let text = text.trim();
    let whole = text.parse::<SocketAddr>().ok();
    let found = whole
        .or_else(|| text.parse::<u16>().ok().map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))))
        .or_else(|| text.parse::<IpAddr>().ok().map(|address| SocketAddr::from((address, port))));
    if found.is_none() {
        reading
            .reader
            .error("wrong-type", node.span, format!("expected an address and port, found {text:?}"))
            .help("write 0.0.0.0:5060, [::]:5060, an address alone, or a port alone");
    }
    found
}

/// `advertise:`
pub(super) fn advertise(reading: &mut Reading, node: &Node) -> Option<IpAddr> {
    let text = reading.reader.text(node)?;
    match text.trim().parse::<IpAddr>() {
        Ok(address) if !address.is_unspecified() => Some(address),
        _ => {
            reading
                .reader
                .error("wrong-type", node.span, format!("{text:?} is not an IP address that peers can reach"))
                .help("write the public address, as in 203.0.113.7; leave the key out to use the machine's own");
            None
        }
    }
}

/// `rtp:`
pub(super) fn rtp(reading: &mut Reading, root: Map<'_>, listen: &Listen) -> Rtp {
    let section = Section::of(reading, root, "rtp", keys::RTP);
    let first = listen.udp.first().or(listen.tcp.first()).map_or(Ipv4Addr::UNSPECIFIED.into(), SocketAddr::ip);
    Rtp {
        address: section.read(reading, "address", first, |reading, node| reading.parsed(node)),
        ports: section.value(reading, "ports", ports),
    }
}

fn ports(reading: &mut Reading, node: &Node) -> Option<RangeInclusive<u16>> {
    let text = reading.reader.text(node)?;
    let range = text.split_once('-').and_then(|(first, last)| Some(first.trim().parse::<u16>().ok()?..=last.trim().parse::<u16>().ok()?));
    match range {
        Some(range) if *range.start() >= 1_024 && range.end().saturating_sub(*range.start()) >= 3 => Some(range),
        Some(_) => {
            reading.reader.error("wrong-type", node.span, format!("{text:?} must begin at 1024 or above and hold at least 4 ports"));
            None
        }
        None => {
            reading.reader.error("wrong-type", node.span, format!("expected a range of ports such as 20000-29999, found {text:?}"));
            None
        }
    }
}

/// `codecs:`
pub(super) fn codecs(reading: &mut Reading, root: Map<'_>) -> Codecs {
    root.get("codecs").map_or_else(Codecs::all, |node| codec_list(reading, node))
}

/// `srtp:` of the exchange.
pub(super) fn srtp(reading: &mut Reading, root: Map<'_>) -> Srtp {
    root.get("srtp").and_then(|node| srtp_word(reading, node)).unwrap_or_default()
}

/// `off`, `optional` or `required`.
pub(super) fn srtp_word(reading: &mut Reading, node: &Node) -> Option<Srtp> {
    let word = reading.reader.one_of(node, keys::SRTP)?;
    Srtp::ALL.into_iter().find(|srtp| srtp.name() == word)
}

/// `srtp_over_plain_sip:` where keys may go although SIP shows them.
pub(super) fn over_plain_sip(reading: &mut Reading, root: Map<'_>) -> OverPlainSip {
    let nowhere = OverPlainSip::Networks(Vec::new());
    let Some(node) = root.get("srtp_over_plain_sip") else { return nowhere };
    match node.as_text().and_then(notation::truth) {
        Some(true) => OverPlainSip::Everywhere,
        Some(false) => nowhere,
        None => OverPlainSip::Networks(reading.list(node, |reading, item| reading.parsed::<Cidr>(item))),
    }
}

/// What the owner should know who has SRTP on: its keys stand in SIP.
pub(super) fn warn_of_keys(reading: &mut Reading, root: Map<'_>, over: &OverPlainSip) {
    let is_on = |node: &&Node| matches!(node.as_text(), Some("optional" | "required"));
    let on = |node: Option<&Node>| node.filter(is_on).map(|node| node.span);
    let mut own = ["connections", "trunks"].iter().filter_map(|section| root.get(section)).flat_map(|node| {
        let named = node.entries().iter().map(|entry| &entry.value);
        named.chain(node.items()).filter_map(|resource| on(resource.get("srtp")))
    });
    let Some(span) = on(root.get("srtp")).or_else(|| own.next()) else { return };
    match (over, root.get("srtp_over_plain_sip")) {
        (OverPlainSip::Networks(networks), _) if networks.is_empty() => {
            reading
                .reader
                .warning("srtp-keys", span, "keys of SRTP are given only to peers on this machine: SIP over UDP and TCP would show them")
                .help("name the networks you trust: srtp_over_plain_sip: [10.0.0.0/8]");
        }
        (_, Some(node)) => {
            reading.reader.warning("srtp-keys", node.span, "whoever can read SIP on its way there can read the keys of SRTP, and hear the calls");
        }
        (_, None) => {}
    }
}

/// `opus:` the effort of encoding live sound.
pub(super) fn opus_complexity(reading: &mut Reading, root: Map<'_>) -> u8 {
    Section::of(reading, root, "opus", keys::OPUS).integer(reading, "complexity")
}

/// `country:` whose tones are heard.
pub(super) fn country(reading: &mut Reading, root: Map<'_>) -> Country {
    let Some(node) = root.get("country") else { return Country::default() };
    let codes: Vec<&str> = Country::all().flat_map(Country::codes).copied().collect();
    reading.reader.one_of(node, &codes).and_then(Country::parse).unwrap_or_default()
}

/// A list of codecs, best first.
pub(super) fn codec_list(reading: &mut Reading, node: &Node) -> Codecs {
    let names = Codec::ALL.map(|codec| codec.name().to_ascii_lowercase());
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut codecs: Vec<Codec> = Vec::new();
    for item in reading.reader.list(node) {
        let Some(word) = reading.reader.one_of(item, &words) else { continue };
        let Some(codec) = Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(word)) else { continue };
        if codecs.contains(&codec) {
            reading.reader.error("clash", item.span, format!("{word} is listed twice"));
        }
        codecs.push(codec);
    }
    if codecs.is_empty() && !reading.reader.has_errors() {
        reading.reader.error("missing-field", node.span, "at least one codec is needed");
    }
    Codecs::ranked(codecs)
}

/// `prompts:`
pub(super) fn prompts(reading: &mut Reading, root: Map<'_>) -> Prompts {
    let section = Section::of(reading, root, "prompts", keys::PROMPTS);
    let names = |reading: &mut Reading, node: &Node| Some(reading.list(node, |reading, item| reading.reader.text(item)));
    Prompts {
        loudness: section.value(reading, "loudness", loudness),
        as_recorded: section.read(reading, "as_recorded", Vec::new(), names),
        memory: section.value(reading, "memory", bytes).max(PROMPTS_MEMORY_LEAST),
    }
}

fn loudness(reading: &mut Reading, node: &Node) -> Option<Option<f32>> {
    let text = reading.reader.text(node)?;
    if text.eq_ignore_ascii_case("off") || text.eq_ignore_ascii_case("false") {
        return Some(None);
    }
    let number = text.trim().trim_end_matches("LUFS").trim().parse::<f32>().ok();
    if let Some(number) = number.filter(|number| audio::loudness::TARGETS_LUFS.contains(number)) {
        return Some(Some(number));
    }
    reading.reader.error("wrong-type", node.span, format!("expected a loudness of -36 to -14 LUFS, or off, found {text:?}"));
    None
}

/// `folders:`
pub(super) fn folders(reading: &mut Reading, root: Map<'_>, base: &Path) -> Folders {
    let section = Section::of(reading, root, "folders", keys::FOLDERS);
    let mut folder = |key: &str| section.value(reading, key, |reading, node| path(reading, node, base));
    Folders { flows: folder("flows"), scripts: folder("scripts"), prompts: folder("prompts"), data: folder("data") }
}

/// A path, relative to the folder of the configuration.
pub(super) fn path(reading: &mut Reading, node: &Node, base: &Path) -> Option<PathBuf> {
    let text = reading.reader.text(node)?;
    if text.is_empty() || text.contains('\0') {
        reading.reader.error("wrong-type", node.span, "expected a path");
        return None;
    }
    Some(base.join(text))
}

/// `http:`
pub(super) fn http(reading: &mut Reading, root: Map<'_>) -> Http {
    let section = Section::of(reading, root, "http", keys::HTTP);
    let listen = section.value(reading, "listen", |reading, node| match node.as_text() {
        Some("off") => Some(None),
        _ => socket(reading, node, HTTP_PORT).map(Some),
    });
    let tokens = section.get("tokens").map_or_else(Vec::new, |node| {
        reading.list(node, |reading, item| {
            let token = reading.secret(item)?;
            if token.expose().chars().count() < TOKEN_CHARS_MIN {
                reading.reader.error("wrong-type", item.span, format!("a token needs at least {TOKEN_CHARS_MIN} characters"));
            }
            Some(token)
        })
    });
    let public_url = section.read(reading, "public_url", None, |reading, node| {
        web_address(reading, node).map(|url| Some(url.trim_end_matches('/').to_owned()))
    });
    Http { listen, tokens, public_url }
}

/// An `http://` or `https://` address.
pub(super) fn web_address(reading: &mut Reading, node: &Node) -> Option<String> {
    let text = reading.reader.text(node)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = text.len() <= store::limits::URL_MAX
        && rest.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if !good {
        reading.reader.error("wrong-type", node.span, format!("expected an http:// or https:// address, found {text:?}"));
        return None;
    }
    Some(text)
}

/// `webhooks:`
pub(super) fn webhooks(reading: &mut Reading, root: Map<'_>) -> Webhooks {
    let section = Section::of(reading, root, "webhooks", keys::WEBHOOKS);
    let secret = section.get("secret").and_then(|node| {
        let secret = reading.secret(node)?;
        if let Err(error) = Signer::new(&secret) {
            reading.reader.error("wrong-type", node.span, error.to_string());
        }
        Some(secret)
    });
    let mut allow_private: Vec<Allowed> = section
        .get("allow_private")
        .map_or_else(Vec::new, |node| reading.list(node, |reading, item| reading.parsed(item)));
    let sink = section.read(reading, "sink", None, |reading, node| socket(reading, node, 0).map(Some));
    if let (Some(sink), Some(node)) = (sink, section.get("sink")) {
        if sink.port() == 0 || sink.ip().is_unspecified() {
            reading.reader.error("wrong-type", node.span, "the sink needs an address and a port, as in 127.0.0.1:9000");
        }
        allow_private.push(Allowed::Address(sink.ip(), sink.port()));
    }
    let own = sink.map(|sink| format!("http://{sink}/"));
    let url = section.read(reading, "url", own, |reading, node| web_address(reading, node).map(Some));
    Webhooks { secret, url, allow_private, sink }
}

/// `limits:`
pub(super) fn limits(reading: &mut Reading, root: Map<'_>) -> Limits {
    let section = Section::of(reading, root, "limits", keys::LIMITS);
    Limits {
        calls: switchboard::Limits {
            calls_max: section.integer(reading, "calls_max"),
            calls_a_second: section.integer(reading, "calls_a_second"),
            calls_a_caller: section.integer(reading, "calls_a_caller"),
            calls_a_stranger: section.integer(reading, "calls_a_stranger"),
            call_length: section.span(reading, "call_length"),
            silence: section.span(reading, "silence"),
            outbound_an_hour: section.integer(reading, "outbound_an_hour"),
            nonce_life: section.span(reading, "nonce_life"),
        },
        shards: section.read(reading, "shards", cores(), |reading, node| section.some_integer(reading, "shards", node)),
        disk_reserve: section.value(reading, "disk_reserve", bytes),
        drain: section.span(reading, "drain"),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(64)
}

/// A number of bytes with its unit: `500kB 64MB 2GB`, powers of 1024.
pub(super) fn bytes(reading: &mut Reading, node: &Node) -> Option<u64> {
    let text = reading.reader.text(node)?;
    let unit = |name: &str, power: u32| {
        text.trim().strip_suffix(name).and_then(|number| number.trim().parse::<u64>().ok()).and_then(|n| n.checked_mul(1 << power))
    };
    let found = unit("kB", 10).or_else(|| unit("MB", 20)).or_else(|| unit("GB", 30));
    if found.is_none() {
        reading.reader.error("wrong-type", node.span, format!("expected a size such as 500kB, 64MB or 2GB, found {text:?}"));
    }
    found
}

/// `log:`
pub(super) fn log(reading: &mut Reading, root: Map<'_>) -> Log {
    let section = Section::of(reading, root, "log", keys::LOG);
    let format = if section.word(reading, "format") == "json" { LogFormat::Json } else { LogFormat::Text };
    let level = section.value(reading, "level", |reading, node| {
        let text = reading.reader.text(node)?;
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&text) {
            reading
                .reader
                .error("wrong-type", node.span, format!("{text:?} is no log filter: {error}"))
                .help("write error, warn, info, debug or trace, or a filter such as info,sip=debug");
        }
        Some(text)
    });
    Log { format, level }
}

/// The values of a list without repetition, for sets of names.
pub(super) fn set_of(names: impl Iterator<Item = impl ToString>) -> BTreeSet<String> {
    names.map(|name| name.to_string()).collect()
}
