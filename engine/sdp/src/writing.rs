//! Our description, written.

use crate::{EventFormat, Format, crypto};
use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};
use std::net::{IpAddr, SocketAddr};
use terms::Direction;

/// `s=`: a name every peer takes.
const SESSION_NAME: &str = "callflow";
/// Events we send and hear: the sixteen keys (RFC 4733 §3.2).
const KEYS: &str = "0-15";

/// One m-line of the session, kept so that later descriptions repeat it in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    media: String,
    proto: String,
    /// Its first format: a refused line must name one (RFC 3264 §6).
    format: String,
}

impl Slot {
    /// Our own first line.
    pub(crate) fn audio(proto: &str) -> Self {
        Self { media: "audio".to_owned(), proto: proto.to_owned(), format: "0".to_owned() }
    }
    /// A peer's line.
    pub(crate) fn of(media: &Media) -> Self {
        let format = media.fmt.split_ascii_whitespace().next().unwrap_or("0").to_owned();
        Self { media: media.media.clone(), proto: media.proto.clone(), format }
    }
}

/// What our audio line says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audio<'a> {
    pub(crate) media: SocketAddr,
    pub(crate) formats: &'a [Format],
    pub(crate) events: &'a [EventFormat],
    pub(crate) comfort_noise: Option<u8>,
    pub(crate) ptime_ms: u16,
    pub(crate) direction: Direction,
    pub(crate) rtcp_mux: bool,
    pub(crate) crypto: &'a [crypto::Line],
    pub(crate) voip_metrics: bool,
}

/// The whole text: `audio` at its place among `slots`, every other line with port 0.
pub(crate) fn describe(id: u64, version: u64, ip: IpAddr, slots: &[Slot], at: usize, audio: Option<&Audio<'_>>) -> String {
    let mut session = Session::new(Origin::with_ip_addr(id, version, ip), SESSION_NAME);
    session.connection = Some(Connection::from_ip_addr(ip));
    session.times.push(Time::new(0, 0));
    session.medias = slots
        .iter()
        .enumerate()
        .map(|(place, slot)| match audio {
            Some(audio) if place == at => audio.line(slot),
            Some(_) | None => line(slot, 0, slot.format.clone()),
        })
        .collect();
    let mut bytes = Vec::with_capacity(512);
    // Writing to memory does not fail; were it to, an empty description is refused by every peer.
    if session.write(&mut bytes).is_err() {
        bytes.clear();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn line(slot: &Slot, port: u16, fmt: String) -> Media {
    Media {
        media: slot.media.clone(),
        port,
        num_ports: None,
        proto: slot.proto.clone(),
        fmt,
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

impl Audio<'_> {
    fn line(&self, slot: &Slot) -> Media {
        let events = self.events.iter().map(|format| format.payload_type);
        let numbers = self.formats.iter().map(|format| format.payload_type).chain(self.comfort_noise).chain(events);
        let fmt = numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        let mut media = line(slot, self.media.port(), fmt);
        let mut say = |name: &str, value: Option<String>| {
            media.attributes.push(Attribute { attribute: name.to_owned(), value });
        };
        for Format { codec, payload_type } in self.formats {
            let channels = if codec.channels() > 1 { format!("/{}", codec.channels()) } else { String::new() };
            say("rtpmap", Some(format!("{payload_type} {}/{}{channels}", codec.name(), codec.clock_rate())));
            if let Some(parameters) = codec.parameters() {
                say("fmtp", Some(format!("{payload_type} {parameters}")));
            }
        }
        if let Some(number) = self.comfort_noise {
            say("rtpmap", Some(format!("{number} CN/8000")));
        }
        for EventFormat { payload_type, clock_rate } in self.events {
            say("rtpmap", Some(format!("{payload_type} telephone-event/{clock_rate}")));
            say("fmtp", Some(format!("{payload_type} {KEYS}")));
        }
        say("ptime", Some(self.ptime_ms.to_string()));
        for line in self.crypto {
            say("crypto", Some(line.write()));
        }
        if self.voip_metrics {
            say("rtcp-xr", Some("voip-metrics".to_owned()));
        }
        if self.rtcp_mux {
            say("rtcp-mux", None);
        }
        say(self.direction.name(), None);
        media
    }
}
