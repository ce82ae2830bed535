//! Offer/answer of one dialog, from the first offer to the last re-INVITE (RFC 3264).
//!
//! What is agreed stays in force until a new agreement replaces it: a refused, malformed or unanswered offer changes nothing.

use crate::{
    Agreement, Format, Local, Refusal,
    reading::{self, Meaning, Stream},
    writing::{Audio, Slot, describe},
};
use arrayvec::ArrayVec;
use sdp_types::Session;
use std::net::{Ipv4Addr, SocketAddr};
use terms::Direction;

/// The number most phones use for telephone events.
const EVENTS_USUAL: u8 = 101;
/// Dynamic payload types (RFC 3551 §6).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// One session with one peer. Lives as long as the dialog.
#[derive(Clone, Debug)]
pub struct Negotiation {
    session_id: u64,
    /// Of `text`; 0 before anything was said.
    version: u64,
    /// What we said last.
    text: String,
    standing: Standing,
    /// Before the negotiation now going on, for [`Negotiation::roll_back`].
    before: Option<Box<Standing>>,
    offer: Option<Offer>,
}

/// What has been settled so far.
#[derive(Clone, Debug)]
struct Standing {
    agreement: Option<Agreement>,
    /// Every m-line of the session, in order; ours is at `audio`.
    slots: Vec<Slot>,
    audio: usize,
    /// Our number for telephone events.
    events: u8,
    rtcp_mux: bool,
}

/// Our last offer.
#[derive(Clone, Debug)]
struct Offer {
    formats: ArrayVec<Format, 4>,
    events: Option<u8>,
    direction: Direction,
    ptime_ms: u16,
    rtcp_mux: bool,
    local: SocketAddr,
    /// No answer was taken yet.
    open: bool,
}

impl Negotiation {
    /// A session that has not begun. `session_id` goes into `o=` (any number below 2^63, unique for the peer).
    #[must_use]
    pub const fn new(session_id: u64) -> Self {
        let standing = Standing { agreement: None, slots: Vec::new(), audio: 0, events: EVENTS_USUAL, rtcp_mux: false };
        Self { session_id, version: 0, text: String::new(), standing, before: None, offer: None }
    }

    /// Our offer: first, delayed (in a 200 to an INVITE without one) or a re-offer, which keeps earlier m-lines in place.
    pub fn offer(&mut self, local: &Local, direction: Direction) -> String {
        self.before = Some(Box::new(self.standing.clone()));
        let mut formats: ArrayVec<Format, 4> = ArrayVec::new();
        for codec in &local.capabilities.codecs {
            if !formats.iter().any(|format| format.codec == *codec) {
                // There are fewer codecs than places.
                let _ = formats.try_push(Format { codec: *codec, payload_type: codec.payload_type() });
            }
        }
        let events = local.capabilities.dtmf.then_some(self.standing.events);
        let audio = Audio {
            media: local.media,
            formats: &formats,
            events,
            ptime_ms: local.capabilities.ptime_ms,
            direction,
            rtcp_mux: self.standing.rtcp_mux,
        };
        if self.standing.slots.is_empty() {
            self.standing.slots.push(Slot::audio());
        }
        let text = self.say(&audio);
        self.offer = Some(Offer {
            formats,
            events,
            direction,
            ptime_ms: local.capabilities.ptime_ms,
            rtcp_mux: self.standing.rtcp_mux,
            local: local.media,
            open: true,
        });
        text
    }

    /// Answers the peer's offer. `wanted` is what we would like; what comes out is limited by the offer.
    ///
    /// # Errors
    /// [`Refusal`]; what was agreed before stays in force.
    pub fn answer(&mut self, offer: &[u8], local: &Local, wanted: Direction) -> Result<(String, Agreement), Refusal> {
        let session = reading::parse(offer)?;
        if session.medias.len() < self.standing.slots.len() {
            return Err(Refusal::NotAcceptable("media lines were taken away"));
        }
        let (audio, chosen) = self.choose(&session, local)?;
        let stream = match chosen {
            Some(stream) => stream,
            None => return self.answer_without_stream(&session, local),
        };
        let send = stream
            .listed
            .iter()
            .find_map(|listed| match listed.meaning {
                Meaning::Audio(codec) if local.capabilities.codecs.contains(&codec) => {
                    Some(Format { codec, payload_type: listed.payload_type })
                }
                Meaning::Audio(_) | Meaning::Events | Meaning::Unknown => None,
            })
            .ok_or(Refusal::NotAcceptable("no common codec"))?;
        let events = stream.events().filter(|_| local.capabilities.dtmf);
        let direction = meet(wanted, &stream);
        let receive: ArrayVec<Format, 4> = std::iter::once(send).collect();
        let agreement = Agreement {
            remote: stream.remote,
            remote_rtcp: stream.remote_rtcp,
            rtcp_mux: stream.rtcp_mux,
            send,
            receive: receive.clone(),
            events,
            event_receive: events,
            direction,
            ptime_ms: stream.ptime(local.capabilities.ptime_ms),
            on_hold_by_remote: stream.is_deaf(),
        };
        let own_events = events.unwrap_or_else(|| free_number(&stream, self.standing.events));
        self.begin(&session, audio);
        self.standing.events = own_events;
        self.standing.rtcp_mux = stream.rtcp_mux;
        self.standing.agreement = Some(agreement.clone());
        let text = self.say(&Audio {
            media: local.media,
            formats: &receive,
            events,
            ptime_ms: local.capabilities.ptime_ms,
            direction,
            rtcp_mux: stream.rtcp_mux,
        });
        Ok((text, agreement))
    }

    /// Which m-line of an offer is ours: the first plain audio line that fits. `None` when a session that has audio has
    /// it switched off (port 0).
    fn choose(&self, session: &Session, local: &Local) -> Result<(usize, Option<Stream>), Refusal> {
        let mut refusal = Refusal::NotAcceptable("no audio over RTP/AVP");
        for (at, media) in session.medias.iter().enumerate() {
            if media.port == 0 || !reading::is_plain_audio(media) {
                continue;
            }
            match reading::stream(session, media, local.media.ip()) {
                Ok(stream) if stream.speaks_one_of(&local.capabilities.codecs) => return Ok((at, Some(stream))),
                Ok(_) => refusal = Refusal::NotAcceptable("no common codec"),
                Err(why) => refusal = why,
            }
        }
        let off = session.medias.get(self.standing.audio).is_some_and(|media| media.port == 0);
        if self.standing.agreement.is_some() && off { Ok((self.standing.audio, None)) } else { Err(refusal) }
    }

    /// The peer switched the audio stream off (port 0): every line is answered with port 0, the session goes on silent.
    fn answer_without_stream(&mut self, session: &Session, local: &Local) -> Result<(String, Agreement), Refusal> {
        let Some(mut agreement) = self.standing.agreement.clone() else {
            return Err(Refusal::NotAcceptable("no audio over RTP/AVP"));
        };
        agreement.remote.set_port(0);
        agreement.remote_rtcp.set_port(0);
        agreement.direction = Direction::Inactive;
        agreement.on_hold_by_remote = true;
        self.begin(session, self.standing.audio);
        self.standing.agreement = Some(agreement.clone());
        let text = self.say_slots(local.media, None);
        Ok((text, agreement))
    }

    /// A peer's acceptable offer: its lines become the session's.
    fn begin(&mut self, session: &Session, audio: usize) {
        self.before = Some(Box::new(self.standing.clone()));
        self.offer = None;
        self.standing.slots = session.medias.iter().map(Slot::of).collect();
        self.standing.audio = audio;
    }

    /// Takes the peer's answer to our offer. A later, equal answer (200 after 183) gives the same agreement again.
    ///
    /// # Errors
    /// [`Refusal`]; what was agreed before stays in force, the offer stays open for another answer.
    pub fn accept(&mut self, answer: &[u8]) -> Result<Agreement, Refusal> {
        let offer = self.offer.as_mut().ok_or(Refusal::Mismatch("there is no offer"))?;
        let session = reading::parse(answer)?;
        let media = session.medias.get(self.standing.audio).ok_or(Refusal::Mismatch("too few media lines"))?;
        if media.port == 0 {
            return Err(Refusal::NotAcceptable("audio was refused"));
        }
        if !reading::is_plain_audio(media) {
            return Err(Refusal::Mismatch("another medium or transport"));
        }
        let stream = reading::stream(&session, media, offer.local.ip())?;
        let offered = |codec| offer.formats.iter().find(|format| format.codec == codec);
        let mut receive: ArrayVec<Format, 4> = ArrayVec::new();
        let mut send = None;
        for listed in &stream.listed {
            if let Meaning::Audio(codec) = listed.meaning
                && let Some(ours) = offered(codec)
            {
                send = send.or(Some(Format { codec, payload_type: listed.payload_type }));
                if !receive.contains(ours) {
                    let _ = receive.try_push(*ours);
                }
            }
        }
        let send = send.ok_or(Refusal::NotAcceptable("no common codec"))?;
        // A number without explanation that is our own one for events means them.
        let repeats_ours = |own: &u8| stream.listed.iter().any(|l| l.payload_type == *own && l.meaning == Meaning::Unknown);
        let events = offer.events.and_then(|own| stream.events().or(Some(own).filter(repeats_ours)));
        let agreement = Agreement {
            remote: stream.remote,
            remote_rtcp: if stream.rtcp_mux && !offer.rtcp_mux {
                // Multiplexing that was not offered: RTCP goes where it would without.
                SocketAddr::new(stream.remote.ip(), stream.remote.port().saturating_add(1))
            } else {
                stream.remote_rtcp
            },
            rtcp_mux: stream.rtcp_mux && offer.rtcp_mux,
            send,
            receive,
            events,
            event_receive: offer.events.filter(|_| events.is_some()),
            direction: meet(offer.direction, &stream),
            ptime_ms: stream.ptime(offer.ptime_ms),
            on_hold_by_remote: stream.is_deaf(),
        };
        offer.open = false;
        self.before = None;
        self.standing.rtcp_mux = agreement.rtcp_mux;
        self.standing.agreement = Some(agreement.clone());
        Ok(agreement)
    }

    /// Our re-offer failed (4xx–6xx), or our answer was never taken: what was agreed before is in force again.
    pub fn roll_back(&mut self) {
        self.offer = None;
        if let Some(before) = self.before.take() {
            self.standing = *before;
        }
    }

    /// What is in force.
    #[must_use]
    pub const fn agreement(&self) -> Option<&Agreement> {
        self.standing.agreement.as_ref()
    }

    /// Whether an offer of ours waits for its answer.
    #[must_use]
    pub fn is_offering(&self) -> bool {
        self.offer.as_ref().is_some_and(|offer| offer.open)
    }

    fn say(&mut self, audio: &Audio<'_>) -> String {
        self.say_slots(audio.media, Some(audio))
    }

    /// Our text; its version rises by one exactly when anything else in it changes (RFC 3264 §8).
    fn say_slots(&mut self, media: SocketAddr, audio: Option<&Audio<'_>>) -> String {
        let write = |version| describe(self.session_id, version, media.ip(), &self.standing.slots, self.standing.audio, audio);
        let same = write(self.version);
        if self.version == 0 || same != self.text {
            self.version += 1;
            self.text = write(self.version);
        }
        self.text.clone()
    }
}

impl Stream {
    fn speaks_one_of(&self, codecs: &[terms::Codec]) -> bool {
        self.listed.iter().any(|listed| matches!(listed.meaning, Meaning::Audio(codec) if codecs.contains(&codec)))
    }
}

/// Our direction: what we want, as far as the peer's allows (RFC 3264 §6.1); nothing is sent to an address 0.0.0.0.
fn meet(wanted: Direction, stream: &Stream) -> Direction {
    let deaf = stream.is_deaf() || stream.remote.ip() == Ipv4Addr::UNSPECIFIED;
    Direction::new(wanted.sends() && !deaf, wanted.receives() && stream.direction.sends())
}

/// A number for our events in later offers that the peer did not use for something else (RFC 3264 §8.3.2).
fn free_number(stream: &Stream, wish: u8) -> u8 {
    let taken = |number: u8| stream.listed.iter().any(|listed| listed.payload_type == number);
    if taken(wish) { DYNAMIC.into_iter().find(|number| !taken(*number)).unwrap_or(wish) } else { wish }
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;
