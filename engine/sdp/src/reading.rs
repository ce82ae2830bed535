//! A peer's description, read: its m-lines, and of each usable audio stream what matters to us.

use crate::{
    EventFormat, Refusal,
    crypto::{self, Line},
    limits::{CODEC_NAME_CHARS, CODECS_NAMED_MAX, DESCRIPTION_BYTES_MAX, FORMATS_MAX, MEDIA_MAX},
};
use sdp_types::{Attribute, Connection, Media, NetType, Session};
use std::net::{IpAddr, SocketAddr};
use terms::{Codec, Direction, Srtp};

/// The clock of a format that names none (RFC 3551).
const CLOCK_RATE: u32 = 8_000;
/// The static payload type of comfort noise (RFC 3389 §4).
const COMFORT_NOISE: u8 = 13;
/// Characters of a parser's complaint that are passed on.
const REASON_CHARS: usize = 120;

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Audio(Codec),
    /// telephone-event of that clock.
    Events(u32),
    /// CN/8000 (RFC 3389).
    ComfortNoise,
    /// Something we do not speak, or a number nobody explained.
    Unknown,
}

/// A payload type and its meaning, in the order the peer lists them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) payload_type: u8,
    pub(crate) meaning: Meaning,
}

/// One audio m-line of the peer's.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) remote: SocketAddr,
    pub(crate) remote_rtcp: SocketAddr,
    pub(crate) rtcp_mux: bool,
    pub(crate) listed: Vec<Listed>,
    /// As the peer says it of itself.
    pub(crate) direction: Direction,
    pub(crate) ptime_ms: Option<u16>,
    pub(crate) ptime_max_ms: Option<u16>,
    /// It asks for VoIP metrics (RFC 3611 §5.1).
    pub(crate) voip_metrics: bool,
}

impl Stream {
    /// The peer takes nothing from us: it says so, or gives no address.
    pub(crate) fn is_deaf(&self) -> bool {
        !self.direction.receives() || self.remote.ip().is_unspecified()
    }

    /// The peer's telephone events: those of the codec's clock, else whichever it has.
    pub(crate) fn events(&self, beside: Codec) -> Option<EventFormat> {
        let all = || {
            self.listed.iter().filter_map(|listed| match listed.meaning {
                Meaning::Events(clock_rate) => Some(EventFormat { payload_type: listed.payload_type, clock_rate }),
                Meaning::Audio(_) | Meaning::ComfortNoise | Meaning::Unknown => None,
            })
        };
        all().find(|format| format.clock_rate == beside.clock_rate()).or_else(|| all().next())
    }

    /// The peer's comfort noise, which belongs to codecs of 8000 Hz.
    pub(crate) fn comfort_noise(&self, beside: Codec) -> Option<u8> {
        let listed = self.listed.iter().find(|listed| listed.meaning == Meaning::ComfortNoise)?;
        (beside.clock_rate() == CLOCK_RATE).then_some(listed.payload_type)
    }

    /// Milliseconds of our packets: what the peer wishes (else `ours`), not above its maximum, 10–60 in tens.
    pub(crate) fn ptime(&self, ours: u16) -> u16 {
        let wish = self.ptime_ms.unwrap_or(ours).min(self.ptime_max_ms.unwrap_or(u16::MAX));
        (wish / 10 * 10).clamp(10, 60)
    }
}

/// Reads a description within the limits.
pub(crate) fn parse(bytes: &[u8]) -> Result<Session, Refusal> {
    if bytes.len() > DESCRIPTION_BYTES_MAX {
        return Err(Refusal::Malformed(format!("{} bytes, at most {DESCRIPTION_BYTES_MAX}", bytes.len())));
    }
    let session = Session::parse(bytes)
        .map_err(|error| Refusal::Malformed(error.to_string().chars().take(REASON_CHARS).collect()))?;
    if session.medias.len() > MEDIA_MAX {
        return Err(Refusal::Malformed(format!("{} media lines, at most {MEDIA_MAX}", session.medias.len())));
    }
    Ok(session)
}

/// Whether an m-line is audio over RTP, plain or with keys in the description.
pub(crate) fn is_audio(media: &Media) -> bool {
    let plain = ["RTP/AVP", "RTP/AVPF"].iter().any(|proto| media.proto.eq_ignore_ascii_case(proto));
    media.media.eq_ignore_ascii_case("audio") && (plain || is_secure(media))
}

/// Whether an m-line says that its RTP must be protected.
pub(crate) fn is_secure(media: &Media) -> bool {
    ["RTP/SAVP", "RTP/SAVPF"].iter().any(|proto| media.proto.eq_ignore_ascii_case(proto))
}

/// How an offered audio m-line is protected when we take it: by the first of its `a=crypto` lines that we can use, or not
/// at all (`None`) where that is allowed. Many phones offer `RTP/AVP` with `a=crypto` for either.
pub(crate) fn protection(media: &Media, srtp: Srtp) -> Result<Option<Line>, Refusal> {
    let lines = if srtp == Srtp::Off { crypto::Lines::default() } else { crypto::read(&media.attributes) };
    let secure = is_secure(media);
    match (srtp, lines.usable.into_iter().next()) {
        (Srtp::Off, _) if secure => Err(Refusal::Protection(format!("{} is offered, and srtp is off for this peer", media.proto))),
        (Srtp::Off, _) => Ok(None),
        (Srtp::Optional | Srtp::Required, Some(line)) => Ok(Some(line)),
        (Srtp::Optional, None) if !secure => Ok(None),
        (Srtp::Optional | Srtp::Required, None) => Err(Refusal::Protection(lines.complaint.unwrap_or_else(|| {
            let why = if secure { "" } else { ", and srtp is required for this peer" };
            format!("{} has no a=crypto{why}", media.proto)
        }))),
    }
}

/// Reads an audio m-line. `local` is where we would send from: the peer's address must be of its family.
pub(crate) fn stream(session: &Session, media: &Media, local: IpAddr) -> Result<Stream, Refusal> {
    let connection = media.connections.first().or(session.connection.as_ref());
    let ip = address(connection.ok_or_else(|| Refusal::Malformed("no connection address (c=)".to_owned()))?)?;
    if !ip.is_unspecified() && ip.is_ipv4() != local.to_canonical().is_ipv4() {
        return Err(Refusal::NotAcceptable("connection address of another family"));
    }
    let rtcp_mux = value(&media.attributes, "rtcp-mux").is_some();
    let remote = SocketAddr::new(ip, media.port);
    let next_port = SocketAddr::new(ip, media.port.checked_add(1).unwrap_or(media.port));
    let remote_rtcp = if rtcp_mux { remote } else { text(&media.attributes, "rtcp").and_then(|rtcp| rtcp_address(rtcp, ip)).unwrap_or(next_port) };
    Ok(Stream {
        remote,
        remote_rtcp,
        rtcp_mux,
        listed: listed(media),
        direction: direction(&media.attributes).or_else(|| direction(&session.attributes)).unwrap_or(Direction::SendRecv),
        ptime_ms: text(&media.attributes, "ptime").and_then(whole),
        ptime_max_ms: text(&media.attributes, "maxptime").and_then(whole),
        voip_metrics: wants_voip_metrics(&media.attributes) || wants_voip_metrics(&session.attributes),
    })
}

/// The address of a `c=`; host names are never resolved.
fn address(connection: &Connection) -> Result<IpAddr, Refusal> {
    if connection.nettype != NetType::In {
        return Err(Refusal::NotAcceptable("connection is not of the internet"));
    }
    let ip = connection.try_address().map_err(|_| Refusal::NotAcceptable("connection address is not an IP address"))?.ip.to_canonical();
    if ip.is_multicast() || ip == IpAddr::V4(std::net::Ipv4Addr::BROADCAST) {
        return Err(Refusal::NotAcceptable("connection address is a group"));
    }
    Ok(ip)
}

/// `a=rtcp:port [IN IP4 address]` (RFC 3605); a host name or another family counts as not said.
fn rtcp_address(rtcp: &str, ip: IpAddr) -> Option<SocketAddr> {
    let mut words = rtcp.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    match words.nth(2) {
        None => Some(SocketAddr::new(ip, port)),
        Some(word) => {
            let own: IpAddr = word.parse().ok()?;
            let sane = own.is_ipv4() == ip.is_ipv4() && !own.is_multicast() && !own.is_unspecified();
            sane.then(|| SocketAddr::new(own, port))
        }
    }
}

/// The formats of an m-line, the first [`FORMATS_MAX`] of them, explained by `a=rtpmap` or RFC 3551.
fn listed(media: &Media) -> Vec<Listed> {
    let numbers = media.fmt.split_ascii_whitespace().take(FORMATS_MAX).filter_map(|word| word.parse::<u8>().ok());
    let mut listed: Vec<Listed> = numbers
        .filter(|number| *number < 128)
        .map(|payload_type| {
            let known = Codec::ALL.into_iter().find(|codec| codec.is_static() && codec.payload_type() == payload_type);
            let other = if payload_type == COMFORT_NOISE { Meaning::ComfortNoise } else { Meaning::Unknown };
            Listed { payload_type, meaning: known.map_or(other, Meaning::Audio) }
        })
        .collect();
    let mut explained = [false; 128];
    for map in media.attributes.iter().filter(|a| a.attribute.eq_ignore_ascii_case("rtpmap")) {
        let Some((number, meaning)) = map.value.as_deref().and_then(rtpmap) else { continue };
        // The first explanation counts.
        if std::mem::replace(&mut explained[usize::from(number & 127)], true) {
            continue;
        }
        listed.iter_mut().filter(|l| l.payload_type == number).for_each(|l| l.meaning = meaning);
    }
    listed
}

/// The codecs of an m-line in words: names of those that are explained, numbers of those that are not.
pub(crate) fn names(media: &Media) -> String {
    let name = |number: u8| {
        let maps = media.attributes.iter().filter(|a| a.attribute.eq_ignore_ascii_case("rtpmap"));
        let explained = maps.filter_map(|map| map.value.as_deref()?.trim().split_once(' ')).find(|(of, _)| of.parse() == Ok(number));
        let shown = |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || "-._/".contains(*c)).take(CODEC_NAME_CHARS).collect();
        explained.map_or_else(|| number.to_string(), |(_, name)| shown(name.trim()))
    };
    let mut names: Vec<String> = Vec::new();
    for listed in listed(media) {
        let text = match listed.meaning {
            Meaning::Audio(codec) => codec.name().to_owned(),
            Meaning::Unknown => name(listed.payload_type),
            Meaning::Events(_) | Meaning::ComfortNoise => continue,
        };
        if names.len() < CODECS_NAMED_MAX && !names.contains(&text) {
            names.push(text);
        }
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// `97 PCMU/8000/1`.
fn rtpmap(value: &str) -> Option<(u8, Meaning)> {
    let (number, encoding) = value.trim().split_once(' ')?;
    let number = number.parse::<u8>().ok().filter(|number| *number < 128)?;
    let mut parts = encoding.trim().split('/');
    let name = parts.next()?;
    let clock_rate = parts.next().map_or(Some(CLOCK_RATE), |clock| clock.parse().ok());
    let channels = parts.next().unwrap_or("1");
    let codec = name.parse::<Codec>().ok().filter(|codec| Some(codec.clock_rate()) == clock_rate);
    let meaning = match (codec, clock_rate) {
        // Opus is always written with two channels (RFC 7587 §7); one that is not means the same.
        (Some(codec), _) if channels == "1" || codec.channels() == 2 => Meaning::Audio(codec),
        (None, Some(clock_rate @ (8_000 | 48_000))) if name.eq_ignore_ascii_case("telephone-event") => Meaning::Events(clock_rate),
        (None, Some(CLOCK_RATE)) if name.eq_ignore_ascii_case("CN") => Meaning::ComfortNoise,
        (Some(_) | None, _) => Meaning::Unknown,
    };
    Some((number, meaning))
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|a| {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(&a.attribute))
    })
}

fn wants_voip_metrics(attributes: &[Attribute]) -> bool {
    let formats = text(attributes, "rtcp-xr").unwrap_or_default();
    formats.split_ascii_whitespace().any(|format| format.eq_ignore_ascii_case("voip-metrics"))
}

fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<Option<&'a str>> {
    attributes.iter().find(|a| a.attribute.eq_ignore_ascii_case(name)).map(|a| a.value.as_deref())
}

fn text<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    value(attributes, name).flatten().map(str::trim)
}

/// Whole milliseconds above 0; `20.5` counts as 20.
fn whole(text: &str) -> Option<u16> {
    text.split('.').next()?.parse().ok().filter(|ms| *ms > 0)
}
