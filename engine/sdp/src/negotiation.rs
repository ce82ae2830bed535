//! Offer/answer of one dialog, from the first offer to the last re-INVITE (RFC 3264).
//!
//! What is agreed stays in force until a new agreement replaces it: a refused, malformed or unanswered offer changes nothing.

use crate::{
    Agreement, Capabilities, EventFormat, Format, Local, Refusal, crypto,
    limits::{CODECS_MAX, EVENTS_MAX},
    reading::{self, Meaning, Stream},
    writing::{Audio, Slot, describe},
};
use arrayvec::ArrayVec;
use sdp_types::Session;
use std::net::{Ipv4Addr, SocketAddr};
use terms::{Codec, CryptoSuite, Direction, MasterKey, Secret, Srtp, SrtpKeys};

/// The numbers under which we offer telephone events of 8000 Hz (what most phones use) and 48000 Hz.
const EVENTS_USUAL: [EventFormat; EVENTS_MAX] =
    [EventFormat { payload_type: 101, clock_rate: 8_000 }, EventFormat { payload_type: 102, clock_rate: 48_000 }];
/// Dynamic payload types (RFC 3551 §6).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// One session with one peer. Lives as long as the dialog.
#[derive(Clone, Debug)]
pub struct Negotiation {
    session_id: u64,
    /// Of `text`; 0 before anything was said.
    version: u64,
    /// What we said last; our keys are in it.
    text: Secret<String>,
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
    /// Our numbers for telephone events, one for each clock.
    events: [EventFormat; EVENTS_MAX],
    /// Numbers that stand for codecs without a static one, as used in this session so far (RFC 3264 §8.3.2).
    dynamic: ArrayVec<Format, CODECS_MAX>,
    rtcp_mux: bool,
}

/// Our last offer.
#[derive(Clone, Debug)]
struct Offer {
    formats: ArrayVec<Format, CODECS_MAX>,
    events: ArrayVec<EventFormat, EVENTS_MAX>,
    direction: Direction,
    ptime_ms: u16,
    rtcp_mux: bool,
    srtp: Srtp,
    crypto: ArrayVec<crypto::Line, 2>,
    local: SocketAddr,
    /// No answer was taken yet.
    open: bool,
}

/// The peer's stream that we take, and the `a=crypto` line that protects it.
type Chosen = (Stream, Option<crypto::Line>);

impl Offer {
    /// The keys of an answer: its one `a=crypto` line repeats tag and suite of one of ours (RFC 4568 §5.1.3).
    fn agreed_keys(&self, media: &sdp_types::Media) -> Result<Option<SrtpKeys>, Refusal> {
        let secure = reading::is_secure(media);
        if self.crypto.is_empty() {
            return if secure { Err(Refusal::Mismatch("protected media was not offered")) } else { Ok(None) };
        }
        let lines = crypto::read(&media.attributes);
        let ours = |line: &crypto::Line| self.crypto.iter().find(|own| own.tag == line.tag && own.suite == line.suite);
        match lines.usable.first() {
            Some(line) => {
                let own = ours(line).ok_or_else(|| Refusal::Protection(format!("a=crypto:{} {} was not offered", line.tag, line.suite)))?;
                Ok(Some(SrtpKeys { suite: own.suite, send: own.key.clone(), receive: line.key.clone() }))
            }
            None if !secure && self.srtp != Srtp::Required => Ok(None),
            None => Err(Refusal::Protection(lines.complaint.unwrap_or_else(|| format!("the answer, {}, has no a=crypto", media.proto)))),
        }
    }
}

impl Negotiation {
    /// A session that has not begun. `session_id` goes into `o=` (any number below 2^63, unique for the peer).
    #[must_use]
    pub const fn new(session_id: u64) -> Self {
        let standing = Standing { agreement: None, slots: Vec::new(), audio: 0, events: EVENTS_USUAL, dynamic: ArrayVec::new_const(), rtcp_mux: false };
        Self { session_id, version: 0, text: Secret::new(String::new()), standing, before: None, offer: None }
    }

    /// Our offer: first, delayed (in a 200 to an INVITE without one) or a re-offer, which keeps earlier m-lines in place.
    pub fn offer(&mut self, local: &Local, direction: Direction) -> String {
        self.before = Some(Box::new(self.standing.clone()));
        let mut formats: ArrayVec<Format, CODECS_MAX> = ArrayVec::new();
        for codec in local.capabilities.offered() {
            if !formats.iter().any(|format| format.codec == codec) {
                let payload_type = self.standing.number_of(codec);
                // There are fewer codecs than places.
                let _ = formats.try_push(Format { codec, payload_type });
            }
        }
        // Events of every clock that one of the codecs has.
        let wanted = |event: &&EventFormat| local.capabilities.dtmf && formats.iter().any(|format| format.codec.clock_rate() == event.clock_rate);
        let events: ArrayVec<EventFormat, EVENTS_MAX> = self.standing.events.iter().filter(wanted).copied().collect();
        let crypto = self.standing.offered_keys(local);
        let audio = Audio {
            media: local.media,
            formats: &formats,
            events: &events,
            comfort_noise: None,
            ptime_ms: local.capabilities.ptime_ms,
            direction,
            rtcp_mux: self.standing.rtcp_mux,
            crypto: &crypto,
            voip_metrics: true,
        };
        if self.standing.slots.is_empty() {
            let proto = if local.capabilities.srtp == Srtp::Required { "RTP/SAVP" } else { "RTP/AVP" };
            self.standing.slots.push(Slot::audio(proto));
        }
        let text = self.say(&audio);
        self.offer = Some(Offer {
            formats,
            events,
            direction,
            ptime_ms: local.capabilities.ptime_ms,
            rtcp_mux: self.standing.rtcp_mux,
            srtp: local.capabilities.srtp,
            crypto,
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
        let (stream, line) = match chosen {
            Some(chosen) => chosen,
            None => return self.answer_without_stream(&session, local),
        };
        let common = stream.common(&local.capabilities);
        let send = *common.first().ok_or(Refusal::NotAcceptable("no common codec"))?;
        let events = stream.events(send.codec).filter(|_| local.capabilities.dtmf);
        let event_receive: ArrayVec<EventFormat, EVENTS_MAX> = events.into_iter().collect();
        let direction = meet(wanted, &stream);
        let receive: ArrayVec<Format, CODECS_MAX> = std::iter::once(send).collect();
        let crypto = line.as_ref().map(|line| self.standing.keys_for(line, &stream, local));
        let agreement = Agreement {
            remote: stream.remote,
            remote_rtcp: stream.remote_rtcp,
            rtcp_mux: stream.rtcp_mux,
            send,
            receive: receive.clone(),
            events,
            event_receive: event_receive.clone(),
            comfort_noise: stream.comfort_noise(send.codec),
            direction,
            ptime_ms: stream.ptime(local.capabilities.ptime_ms),
            voip_metrics: stream.voip_metrics,
            crypto,
            on_hold_by_remote: stream.is_deaf(),
        };
        self.begin(&session, audio);
        self.standing.renumber(&stream, events);
        self.standing.rtcp_mux = stream.rtcp_mux;
        self.standing.agreement = Some(agreement.clone());
        let answered = line.zip(agreement.crypto.as_ref()).map(|(line, keys)| crypto::Line { key: keys.send.clone(), ..line });
        let text = self.say(&Audio {
            crypto: answered.as_slice(),
            voip_metrics: agreement.voip_metrics,
            media: local.media,
            formats: &receive,
            events: &event_receive,
            comfort_noise: agreement.comfort_noise,
            ptime_ms: local.capabilities.ptime_ms,
            direction,
            rtcp_mux: stream.rtcp_mux,
        });
        Ok((text, agreement))
    }

    /// What could be answered to an offer: the codecs that both speak, best first. None of an offer that would be refused.
    #[must_use]
    pub fn choices(&self, offer: &[u8], local: &Local) -> ArrayVec<Codec, CODECS_MAX> {
        let chosen = reading::parse(offer).and_then(|session| self.choose(&session, local));
        let Ok((_, Some((stream, _)))) = chosen else { return ArrayVec::new() };
        stream.common(&local.capabilities).iter().map(|format| format.codec).collect()
    }

    /// Which m-line of an offer is ours, and how it is protected: the first protected audio line that fits, else the first
    /// plain one. `None` when a session that has audio has it switched off (port 0).
    fn choose(&self, session: &Session, local: &Local) -> Result<(usize, Option<Chosen>), Refusal> {
        let mut refusal = None;
        let mut plain = None;
        for (at, media) in session.medias.iter().enumerate() {
            if media.port == 0 || !reading::is_audio(media) {
                continue;
            }
            let protection = match reading::protection(media, local.capabilities.srtp) {
                Ok(protection) => protection,
                Err(why) => {
                    refusal = Some(why);
                    continue;
                }
            };
            match reading::stream(session, media, local.media.ip()) {
                Ok(stream) if !stream.common(&local.capabilities).is_empty() => match protection {
                    Some(line) => return Ok((at, Some((stream, Some(line))))),
                    None => plain = plain.or(Some((at, Some((stream, None))))),
                },
                Ok(_) => refusal = Some(no_common_codec(media, local.capabilities.codecs.list.iter().copied())),
                Err(why) => refusal = Some(why),
            }
        }
        if let Some(plain) = plain {
            return Ok(plain);
        }
        let refusal = refusal.unwrap_or(Refusal::NotAcceptable("no audio over RTP"));
        let off = session.medias.get(self.standing.audio).is_some_and(|media| media.port == 0);
        if self.standing.agreement.is_some() && off { Ok((self.standing.audio, None)) } else { Err(refusal) }
    }

    /// The peer switched the audio stream off (port 0): every line is answered with port 0, the session goes on silent.
    fn answer_without_stream(&mut self, session: &Session, local: &Local) -> Result<(String, Agreement), Refusal> {
        let Some(mut agreement) = self.standing.agreement.clone() else {
            return Err(Refusal::NotAcceptable("no audio over RTP"));
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
        if !reading::is_audio(media) {
            return Err(Refusal::Mismatch("another medium or transport"));
        }
        let crypto = offer.agreed_keys(media)?;
        let stream = reading::stream(&session, media, offer.local.ip())?;
        let offered = |codec| offer.formats.iter().find(|format| format.codec == codec);
        let mut receive: ArrayVec<Format, CODECS_MAX> = ArrayVec::new();
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
        // The answer's order is the peer's wish; but what we want most and it takes saves a bridge from transcoding.
        let wanted = offer.formats.first().and_then(|first| {
            let listed = stream.listed.iter().find(|listed| listed.meaning == Meaning::Audio(first.codec))?;
            Some(Format { codec: first.codec, payload_type: listed.payload_type })
        });
        let send = wanted.or(send).ok_or_else(|| no_common_codec(media, offer.formats.iter().map(|format| format.codec)))?;
        let is_ours = |number: u8| offer.formats.iter().any(|own| own.payload_type == number) || offer.events.iter().any(|own| own.payload_type == number);
        for listed in &stream.listed {
            if let Meaning::Audio(codec) = listed.meaning
                && offered(codec).is_some()
                && !is_ours(listed.payload_type)
            {
                let _ = receive.try_push(Format { codec, payload_type: listed.payload_type });
            }
        }
        // A number without explanation that is our own one for events means them.
        let repeats_ours = |own: &&EventFormat| stream.listed.iter().any(|l| l.payload_type == own.payload_type && l.meaning == Meaning::Unknown);
        let repeated = offer.events.iter().find(repeats_ours).copied();
        let events = if offer.events.is_empty() { None } else { stream.events(send.codec).or(repeated) };
        let answered = |own: &&EventFormat| {
            Some(**own) == repeated || stream.listed.iter().any(|listed| listed.meaning == Meaning::Events(own.clock_rate))
        };
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
            event_receive: offer.events.iter().filter(answered).copied().collect(),
            comfort_noise: None,
            direction: meet(offer.direction, &stream),
            ptime_ms: stream.ptime(offer.ptime_ms),
            voip_metrics: stream.voip_metrics,
            crypto,
            on_hold_by_remote: stream.is_deaf(),
        };
        offer.open = false;
        self.standing.dynamic = offer.formats.iter().filter(|format| !format.codec.is_static()).copied().collect();
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
        if self.version == 0 || same != *self.text.expose() {
            self.version += 1;
            self.text = Secret::new(write(self.version));
        }
        self.text.expose().clone()
    }
}

impl Stream {
    /// What both speak, best first: what is wanted before all else; then by our order where that was written down, else by
    /// the peer's, but for what sounds worse than anything else.
    fn common(&self, capabilities: &Capabilities) -> ArrayVec<Format, CODECS_MAX> {
        let mut common: ArrayVec<Format, CODECS_MAX> = ArrayVec::new();
        let ours = &capabilities.codecs;
        for listed in &self.listed {
            if let Meaning::Audio(codec) = listed.meaning
                && ours.list.contains(&codec)
                && !common.iter().any(|known| known.codec == codec)
            {
                let _ = common.try_push(Format { codec, payload_type: listed.payload_type });
            }
        }
        let rank = |codec: Codec| if ours.is_ranked { ours.list.iter().position(|own| *own == codec).unwrap_or_default() } else { usize::from(codec.is_last_resort()) };
        common.sort_by_key(|format| (capabilities.first != Some(format.codec), rank(format.codec)));
        common
    }
}

fn no_common_codec(media: &sdp_types::Media, ours: impl Iterator<Item = Codec>) -> Refusal {
    let ours = ours.map(Codec::name).collect::<Vec<_>>().join(", ");
    Refusal::NoCommonCodec { listed: reading::names(media), ours }
}

/// Our direction: what we want, as far as the peer's allows (RFC 3264 §6.1); nothing is sent to an address 0.0.0.0.
fn meet(wanted: Direction, stream: &Stream) -> Direction {
    let deaf = stream.is_deaf() || stream.remote.ip() == Ipv4Addr::UNSPECIFIED;
    Direction::new(wanted.sends() && !deaf, wanted.receives() && stream.direction.sends())
}

impl Standing {
    fn crypto(&self) -> Option<&SrtpKeys> {
        self.agreement.as_ref().and_then(|agreement| agreement.crypto.as_ref())
    }

    /// The lines of our offer: what is in force goes on under its key (a stream that is plain stays so, where it may), else
    /// every suite with a new key.
    fn offered_keys(&self, local: &Local) -> ArrayVec<crypto::Line, 2> {
        let goes_on_plain = self.agreement.is_some() && self.crypto().is_none() && local.capabilities.srtp != Srtp::Required;
        if local.capabilities.srtp == Srtp::Off || goes_on_plain {
            return ArrayVec::new_const();
        }
        let key_of = |suite: CryptoSuite| match self.crypto() {
            Some(keys) if keys.suite == suite => keys.send.clone(),
            Some(_) | None => fresh(local, suite),
        };
        let now = self.crypto().map(|keys| keys.suite);
        let mut suites = CryptoSuite::ALL;
        suites.sort_by_key(|suite| now.is_some_and(|now| now != *suite));
        suites.into_iter().zip(1..).map(|(suite, tag)| crypto::Line { tag, suite, key: key_of(suite) }).collect()
    }

    /// The keys by which we answer a line: ours stays while the peer's key, the suite and the peer's address do; with any of
    /// them new, the peer may have begun its counters anew, so ours is new, too (RFC 3711 §3.3.1, §9.1).
    fn keys_for(&self, line: &crypto::Line, stream: &Stream, local: &Local) -> SrtpKeys {
        let goes_on = |keys: &&SrtpKeys| {
            let same_place = self.agreement.as_ref().is_some_and(|agreement| agreement.remote == stream.remote);
            keys.suite == line.suite && keys.receive == line.key && same_place
        };
        let send = self.crypto().filter(goes_on).map_or_else(|| fresh(local, line.suite), |keys| keys.send.clone());
        SrtpKeys { suite: line.suite, send, receive: line.key.clone() }
    }

    /// The number under which we offer a codec.
    fn number_of(&self, codec: Codec) -> u8 {
        let used = self.dynamic.iter().find(|format| format.codec == codec).map(|format| format.payload_type);
        let taken = |number: u8| {
            self.events.iter().any(|event| event.payload_type == number) || self.dynamic.iter().any(|format| format.payload_type == number)
        };
        let usual = codec.payload_type();
        match used {
            Some(number) => number,
            None if codec.is_static() || !taken(usual) => usual,
            None => DYNAMIC.into_iter().find(|number| !taken(*number)).unwrap_or(usual),
        }
    }

    /// After an offer of the peer's: its numbers are ours in later offers, and what it used otherwise we avoid (RFC 3264 §8.3.2).
    fn renumber(&mut self, stream: &Stream, events: Option<EventFormat>) {
        let dynamic = stream.listed.iter().filter_map(|listed| match listed.meaning {
            Meaning::Audio(codec) if !codec.is_static() => Some(Format { codec, payload_type: listed.payload_type }),
            Meaning::Audio(_) | Meaning::Events(_) | Meaning::ComfortNoise | Meaning::Unknown => None,
        });
        for format in dynamic.take(CODECS_MAX) {
            if !self.dynamic.iter().any(|known| known.codec == format.codec) {
                let _ = self.dynamic.try_push(format);
            }
        }
        let numbers = self.dynamic.clone();
        for at in 0..EVENTS_MAX {
            let (own, clock_rate) = (self.events[at].payload_type, self.events[at].clock_rate);
            let listed = stream.listed.iter().find(|listed| listed.meaning == Meaning::Events(clock_rate)).map(|listed| listed.payload_type);
            let agreed = events.filter(|events| events.clock_rate == clock_rate).map(|events| events.payload_type);
            let other = self.events[1 - at].payload_type;
            let taken = |number: u8| {
                number == other
                    || stream.listed.iter().any(|listed| listed.payload_type == number)
                    || numbers.iter().any(|format| format.payload_type == number)
            };
            self.events[at].payload_type = agreed.or(listed).unwrap_or_else(|| {
                if taken(own) { DYNAMIC.into_iter().find(|number| !taken(*number)).unwrap_or(own) } else { own }
            });
        }
    }
}

/// A key that was never used.
fn fresh(local: &Local, suite: CryptoSuite) -> MasterKey {
    local.keys[suite.index()].clone()
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "protection_tests.rs"]
mod protection_tests;
