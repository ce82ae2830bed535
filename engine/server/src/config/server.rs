//! The sections about the server itself: sockets, folders, HTTP, webhooks, limits, log.

use super::{
    Folders, Http, Limits, Listen, Log, LogFormat, Rtp, Webhooks,
    read::{Reading, Section},
};
use notation::{Map, Node};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};
use store::{Allowed, Signer};
use terms::Codec;

/// The port of SIP (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5_060;
/// The port of the API (chosen: the customary one for a second HTTP server).
const HTTP_PORT: u16 = 8_080;
/// Media ports (chosen: above the registered services, below Linux' ephemeral range, which begins at 32768; 5,000 legs).
const RTP_PORTS: RangeInclusive<u16> = 20_000..=29_999;
/// Characters of an API token at least: 16 random ones cannot be guessed over a network.
const TOKEN_CHARS_MIN: usize = 16;
/// Threads for calls at most (chosen: more than any machine this is built for has cores).
const SHARDS_MAX: i64 = 64;
/// Default of `drain` (chosen: below the 90 s after which systemd kills).
const DRAIN: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// `listen:`
pub(super) fn listen(reading: &mut Reading, root: Map<'_>) -> Listen {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, SIP_PORT));
    let Some(node) = root.get("listen") else { return Listen { udp: vec![everywhere], tcp: vec![everywhere] } };
    let section = Section::of(reading, root, "listen", &["udp", "tcp"]);
    let mut addresses = |key| {
        section.get(key).map_or_else(Vec::new, |node| reading.list(node, |reading, item| socket(reading, item, SIP_PORT)))
    };
    let listen = Listen { udp: addresses("udp"), tcp: addresses("tcp") };
    if section.0.is_some_and(|map| map.get("udp").is_none() && map.get("tcp").is_none()) {
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
    let section = Section::of(reading, root, "rtp", &["address", "ports"]);
    let first = listen.udp.first().or(listen.tcp.first()).map_or(Ipv4Addr::UNSPECIFIED.into(), SocketAddr::ip);
    Rtp {
        address: section.read(reading, "address", first, |reading, node| reading.parsed(node)),
        ports: section.read(reading, "ports", RTP_PORTS, ports),
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
pub(super) fn codecs(reading: &mut Reading, root: Map<'_>) -> Vec<Codec> {
    let Some(node) = root.get("codecs") else { return Codec::ALL.to_vec() };
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
    codecs
}

/// `folders:`
pub(super) fn folders(reading: &mut Reading, root: Map<'_>, base: &Path) -> Folders {
    let section = Section::of(reading, root, "folders", &["flows", "scripts", "prompts", "data"]);
    let mut folder = |key: &str| section.read(reading, key, base.join(key), |reading, node| path(reading, node, base));
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
    let section = Section::of(reading, root, "http", &["listen", "tokens", "public_url"]);
    let here = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, HTTP_PORT)));
    let listen = section.read(reading, "listen", here, |reading, node| match node.as_text() {
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
    let section = Section::of(reading, root, "webhooks", &["secret", "url", "allow_private", "sink"]);
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
    let known = [
        "calls_max", "calls_a_second", "calls_a_caller", "calls_a_stranger", "call_length", "outbound_an_hour", "nonce_life",
        "shards", "disk_reserve", "drain",
    ];
    let section = Section::of(reading, root, "limits", &known);
    let standard = switchboard::Limits::default();
    let count = |reading: &mut Reading, key: &str, least: i64, default: usize| {
        section.read(reading, key, default, |reading, node| {
            reading.reader.integer(node, least..=100_000).and_then(|number| usize::try_from(number).ok())
        })
    };
    let small = |reading: &mut Reading, key: &str, least: i64, default: u32| {
        section.read(reading, key, default, |reading, node| {
            reading.reader.integer(node, least..=100_000).and_then(|number| u32::try_from(number).ok())
        })
    };
    let span = |reading: &mut Reading, key: &str, range: RangeInclusive<Duration>, default: Duration| {
        section.read(reading, key, default, |reading, node| reading.reader.span(node, range))
    };
    Limits {
        calls: switchboard::Limits {
            calls_max: count(reading, "calls_max", 1, standard.calls_max),
            calls_a_second: small(reading, "calls_a_second", 1, standard.calls_a_second),
            calls_a_caller: count(reading, "calls_a_caller", 1, standard.calls_a_caller),
            calls_a_stranger: count(reading, "calls_a_stranger", 0, standard.calls_a_stranger),
            call_length: span(reading, "call_length", SECOND..=7 * DAY, standard.call_length),
            outbound_an_hour: small(reading, "outbound_an_hour", 0, standard.outbound_an_hour),
            nonce_life: span(reading, "nonce_life", 10 * SECOND..=3_600 * SECOND, standard.nonce_life),
        },
        shards: section.read(reading, "shards", cores(), |reading, node| {
            reading.reader.integer(node, 1..=SHARDS_MAX).and_then(|number| usize::try_from(number).ok())
        }),
        disk_reserve: section.read(reading, "disk_reserve", store::limits::DISK_RESERVE_DEFAULT, bytes),
        drain: span(reading, "drain", Duration::ZERO..=DAY, DRAIN),
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
    let section = Section::of(reading, root, "log", &["format", "level"]);
    let format = section.read(reading, "format", LogFormat::Text, |reading, node| {
        reading.reader.one_of(node, &["text", "json"]).map(|word| if word == "json" { LogFormat::Json } else { LogFormat::Text })
    });
    let level = section.read(reading, "level", "info".to_owned(), |reading, node| {
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
