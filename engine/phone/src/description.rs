//! A phone's session descriptions: one audio stream, G.711 and telephone-event. Written and read here, not by room `sdp`.

use std::net::{IpAddr, SocketAddr};
use terms::{Codec, Direction};

/// The payload type this phone offers telephone-event as.
pub(crate) const EVENT_TYPE: u8 = 101;
/// Most payload types looked at in one `m=` line.
const FORMATS_MAX: usize = 64;

/// What the far end's first audio stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// Where it wants RTP; `None` when the stream is refused (port 0).
    pub(crate) remote: Option<SocketAddr>,
    /// Codecs of G.711 it names, in its order, with their payload types.
    pub(crate) codecs: Vec<(Codec, u8)>,
    /// The payload type of telephone-event/8000.
    pub(crate) event_type: Option<u8>,
    /// What it says it does. `inactive` also when the connection address is 0.0.0.0.
    pub(crate) direction: Direction,
    /// How many `m=` lines there are in all (an answer needs as many).
    pub(crate) streams: Vec<String>,
}

/// What this phone says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) rtp: SocketAddr,
    pub(crate) session: u64,
    pub(crate) version: u64,
    pub(crate) codecs: &'a [(Codec, u8)],
    pub(crate) event_type: Option<u8>,
    pub(crate) direction: Direction,
    /// `m=` lines of the offer being answered that are not the first audio: refused with port 0.
    pub(crate) refused_before: &'a [String],
    pub(crate) refused_after: &'a [String],
}

pub(crate) fn write(saying: &Saying<'_>) -> Vec<u8> {
    let family = if saying.rtp.is_ipv4() { "IP4" } else { "IP6" };
    let ip = saying.rtp.ip();
    let mut text = format!(
        "v=0\r\no=phone {} {} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n",
        saying.session, saying.version
    );
    for line in saying.refused_before {
        text.push_str(&refused(line));
    }
    let mut formats: Vec<String> = saying.codecs.iter().map(|(_, pt)| pt.to_string()).collect();
    formats.extend(saying.event_type.map(|pt| pt.to_string()));
    text.push_str(&format!("m=audio {} RTP/AVP {}\r\n", saying.rtp.port(), formats.join(" ")));
    for (codec, pt) in saying.codecs {
        text.push_str(&format!("a=rtpmap:{pt} {}/8000\r\n", codec.name()));
    }
    if let Some(pt) = saying.event_type {
        text.push_str(&format!("a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-15\r\n"));
    }
    text.push_str(&format!("a=ptime:20\r\na={}\r\n", saying.direction));
    for line in saying.refused_after {
        text.push_str(&refused(line));
    }
    text.into_bytes()
}

/// The same `m=` line with port 0 (RFC 3264 §6).
fn refused(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if let Some(port) = words.get_mut(1) {
        *port = "0";
    }
    format!("{}\r\n", words.join(" "))
}

/// Reads a description; `None` when it has no audio stream at all.
pub(crate) fn read(body: &[u8]) -> Option<Description> {
    let text = std::str::from_utf8(body).ok()?;
    let mut session_ip: Option<IpAddr> = None;
    let mut session_direction = Direction::SendRecv;
    let mut streams: Vec<String> = Vec::new();
    let mut audio: Option<Audio> = None;
    let mut inside = false;
    for line in text.lines().map(str::trim_end) {
        let Some((kind, value)) = line.split_once('=') else { continue };
        match kind {
            "m" => {
                streams.push(line.to_owned());
                inside = false;
                if audio.is_none() && let Some(found) = Audio::read(value) {
                    audio = Some(found);
                    inside = true;
                }
            }
            "c" => {
                let ip = value.split_whitespace().nth(2).and_then(|ip| ip.split('/').next()?.parse().ok());
                match &mut audio {
                    Some(audio) if inside => audio.ip = ip,
                    Some(_) | None if streams.is_empty() => session_ip = ip,
                    Some(_) | None => {}
                }
            }
            "a" => {
                let direction = direction(value);
                match &mut audio {
                    Some(audio) if inside => audio.attribute(value, direction),
                    Some(_) | None if streams.is_empty() => session_direction = direction.unwrap_or(session_direction),
                    Some(_) | None => {}
                }
            }
            _ => {}
        }
    }
    let audio = audio?;
    let ip = audio.ip.or(session_ip)?;
    let mut direction = audio.direction.unwrap_or(session_direction);
    if ip.is_unspecified() {
        direction = Direction::Inactive;
    }
    let remote = (audio.port != 0).then(|| SocketAddr::new(ip, audio.port));
    Some(Description { remote, codecs: audio.codecs(), event_type: audio.event_type(), direction, streams })
}

fn direction(attribute: &str) -> Option<Direction> {
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive].into_iter().find(|d| d.name() == attribute)
}

/// One audio stream as written.
struct Audio {
    port: u16,
    ip: Option<IpAddr>,
    formats: Vec<u8>,
    maps: Vec<(u8, String)>,
    direction: Option<Direction>,
}

impl Audio {
    fn read(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        if words.next()? != "audio" {
            return None;
        }
        let port = words.next()?.split('/').next()?.parse().ok()?;
        words.next()?;
        let formats = words.take(FORMATS_MAX).filter_map(|w| w.parse().ok()).collect();
        Some(Self { port, ip: None, formats, maps: Vec::new(), direction: None })
    }

    fn attribute(&mut self, value: &str, direction: Option<Direction>) {
        if direction.is_some() {
            self.direction = direction;
        } else if let Some(map) = value.strip_prefix("rtpmap:")
            && let Some((pt, name)) = map.split_once(' ')
            && let Ok(pt) = pt.trim().parse()
            && self.maps.len() < FORMATS_MAX
        {
            self.maps.push((pt, name.trim().to_ascii_lowercase()));
        }
    }

    fn codecs(&self) -> Vec<(Codec, u8)> {
        self.formats.iter().filter_map(|pt| Some((self.codec(*pt)?, *pt))).collect()
    }

    fn codec(&self, pt: u8) -> Option<Codec> {
        let named = self.maps.iter().find(|(of, _)| *of == pt).map(|(_, name)| name.as_str());
        [Codec::Pcmu, Codec::Pcma].into_iter().find(|codec| match named {
            Some(name) => name.split('/').next().is_some_and(|n| n.eq_ignore_ascii_case(codec.name())),
            None => codec.payload_type() == pt,
        })
    }

    fn event_type(&self) -> Option<u8> {
        self.maps.iter().find(|(pt, name)| name.starts_with("telephone-event/8000") && self.formats.contains(pt)).map(|(pt, _)| *pt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let codecs = [(Codec::Pcma, 8), (Codec::Pcmu, 0)];
        let saying = Saying {
            rtp: "127.0.0.1:4000".parse().unwrap(), session: 5, version: 6, codecs: &codecs, event_type: Some(101),
            direction: Direction::SendOnly, refused_before: &[], refused_after: &["m=video 4 RTP/AVP 99".into()],
        };
        let read = read(&write(&saying)).unwrap();
        assert_eq!(read.remote, Some(saying.rtp));
        assert_eq!((read.codecs.as_slice(), read.event_type, read.direction), (codecs.as_slice(), Some(101), Direction::SendOnly));
        assert_eq!(read.streams, ["m=audio 4000 RTP/AVP 8 0 101", "m=video 0 RTP/AVP 99"]);
    }

    #[test]
    fn an_address_of_zeros_is_a_hold() {
        let text = b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        assert_eq!(read(text).unwrap().direction, Direction::Inactive);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nonsense_never_panics(text in "([vosctma]=[ -~]{0,50}\r?\n){0,12}") {
            let _ = read(text.as_bytes());
        }
    }
}
