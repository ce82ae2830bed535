//! What comes from the wire: whose it is, what it is, and who wants it.

use crate::{
    Dropped, Event, Mixer, SentBack, Taking, Wire,
    sent_back::canonical,
    limits::PACKET_BYTES,
    outside::Kind,
    refusals::{Recent, Refused},
    stream::Stream,
};
use rtp::{Packet, Reception, Verdict, events::Key, srtp::Unprotected};
use std::{
    net::SocketAddr,
    time::Instant,
};
use terms::{Codec, Digit, KeyWay, LegId};

/// What a payload type stands for.
enum Meaning {
    Audio(Codec),
    /// Telephone events, of that clock.
    Key(u32),
    ComfortNoise,
}

impl Stream {
    fn meaning_of(&self, payload_type: u8) -> Option<Meaning> {
        if let Some(codec) = self.codec_of(payload_type) {
            Some(Meaning::Audio(codec))
        } else if let Some(events) = self.setup.events_receive.iter().find(|events| events.payload_type == payload_type) {
            Some(Meaning::Key(events.clock_rate))
        } else if self.setup.comfort_noise == Some(payload_type) {
            Some(Meaning::ComfortNoise)
        } else {
            // Some phones send under the number they answered with, not under ours.
            let its_own = self.setup.events_send.filter(|events| events.payload_type == payload_type && !self.setup.events_receive.is_empty());
            its_own.map(|events| Meaning::Key(events.clock_rate))
        }
    }

    fn refuse(&mut self, why: Refused) {
        self.refused.count(why, &mut self.recent);
    }

    /// A protected packet, proven and decrypted into `clear`. One that proves nothing is counted and moves nothing: it is
    /// judged before its address is.
    fn unprotected<'a>(&mut self, packet: &[u8], clear: &'a mut [u8; PACKET_BYTES], is_report: bool) -> Option<&'a [u8]> {
        let protection = self.protection.as_mut()?;
        let copy = clear.get_mut(..packet.len());
        let proven = copy.ok_or(Unprotected::Short).and_then(|copy| {
            copy.copy_from_slice(packet);
            if is_report { protection.incoming.unprotect_report(copy) } else { protection.incoming.unprotect(copy) }
        });
        match proven {
            Ok(length) => clear.get(..length),
            Err(why) => {
                self.refuse(Refused::Unprotected(why));
                None
            }
        }
    }

    /// A packet of a key came: the key, when it goes down.
    fn key_by_event(&mut self, packet: &Packet<'_>, clock_rate: u32, now: Instant) -> Option<Digit> {
        let mut pressed = None;
        self.keys_in.set_clock_rate(clock_rate);
        for key in self.keys_in.handle(packet, now) {
            if let Key::Pressed(digit) = key {
                pressed = Some(digit);
            }
        }
        self.plan_chores();
        pressed
    }

    /// Listens for keys in a packet of sound.
    fn key_by_tone(&mut self, packet: &Packet<'_>, codec: Codec, now: Instant) -> Option<Digit> {
        let tones = self.tones.as_mut()?;
        if let Some(digit) = tones.down() {
            self.presses.go_on(digit, KeyWay::Tone, now);
        }
        tones.hear(packet, codec)
    }
}

impl Mixer {
    /// A datagram came on a leg's RTP socket (RTP, or RTCP when multiplexed).
    pub fn handle_rtp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8], now: Instant, wire: &mut dyn Wire) {
        let Some(at) = self.position(leg) else { return };
        self.catch_up(now);
        let stream = &mut self.streams[at];
        if rtp::is_rtcp(packet) {
            if stream.setup.rtcp_mux {
                self.handle_rtcp(leg, from, packet, now, wire);
            } else {
                stream.refuse(Refused::Malformed);
            }
            return;
        }
        let mut clear;
        let mut bytes = packet;
        if stream.protection.is_some() {
            clear = [0; PACKET_BYTES];
            match stream.unprotected(packet, &mut clear, false) {
                Some(proven) => bytes = proven,
                None => return,
            }
        }
        let (packet, meaning, moved) = match accept(stream, from, bytes, now) {
            Ok(accepted) => accepted,
            Err(why) => return stream.refuse(why),
        };
        if stream.recent != Recent::default() {
            stream.recent = Recent::default();
        }
        stream.comfort_noise += u64::from(matches!(meaning, Meaning::ComfortNoise));
        let reception = stream.receiver.receive(&packet, now);
        stream.bytes_received += packet.payload.len() as u64;
        stream.last_heard = now;
        if std::mem::take(&mut stream.silent) {
            stream.plan_chores();
            self.tell(Event::Heard { leg });
        }
        if moved {
            self.tell(Event::Latched { leg, to: from });
        }
        if !self.streams[at].setup.direction.receives() {
            return;
        }
        match reception {
            // One packet far off is not believed; a second one restarts the row.
            Reception::Jump => return,
            Reception::Restarted => {
                let stream = &mut self.streams[at];
                if let Some(ear) = &mut stream.ear {
                    ear.reset();
                }
                if let Some(tones) = &mut stream.tones {
                    tones.reset(stream.heard);
                }
            }
            Reception::Probation | Reception::InOrder | Reception::Old => {}
        }
        let listener = self.listener_of(leg);
        let kind = match meaning {
            Meaning::Audio(codec) => Kind::Audio(codec),
            Meaning::Key(clock_rate) => Kind::Key(clock_rate),
            Meaning::ComfortNoise => Kind::ComfortNoise,
        };
        match meaning {
            Meaning::Audio(codec) => {
                if !self.audio(at, listener, codec, &packet, now, wire) {
                    return;
                }
            }
            Meaning::Key(clock_rate) => {
                if let Some(digit) = self.streams[at].key_by_event(&packet, clock_rate, now) {
                    self.streams[at].relays_event = self.key(at, digit, KeyWay::Event, now) && !self.streams[at].is_own_key;
                }
                if let Some(digit) = packet.payload.first().and_then(|code| Digit::from_event(*code)) {
                    self.streams[at].presses.go_on(digit, KeyWay::Event, now);
                }
                // A telephone that hears its own keys may have let through the beginning of their tones.
                let stream = &self.streams[at];
                if stream.is_secret_key || self.keys_go_on(at, listener).is_some_and(|by| stream.relays_event || by != KeyWay::Tone) {
                    self.streams[at].veil(now);
                }
                if !self.streams[at].relays_event {
                    return;
                }
                if let Some(listener) = listener {
                    self.relay_key(listener, &packet, clock_rate, false, now, wire);
                }
            }
            Meaning::ComfortNoise => {
                if let Some(ear) = &mut self.streams[at].ear {
                    ear.put_comfort(packet.payload);
                }
                if let Some(listener) = listener {
                    self.relay_comfort_noise(listener, &packet, now, wire);
                }
            }
        }
        if self.outside.is_some() {
            self.pass(at, kind, bytes);
        }
    }

    /// By which way whoever hears a leg gets its keys; `None`: nobody hears it. In a room of many nobody gets them, least of all
    /// in the sound: they are for the room.
    fn keys_go_on(&self, at: usize, listener: Option<usize>) -> Option<KeyWay> {
        if let Some(listener) = listener.and_then(|listener| self.streams.get(listener)) {
            return Some(listener.setup.key_way());
        }
        let outside = self.outside.as_ref().filter(|outside| outside.leg == self.streams[at].leg)?;
        Some(outside.listener.map_or(KeyWay::Event, |listener| listener.key_way))
    }

    /// A key came: whether it is news.
    pub(crate) fn key(&mut self, at: usize, digit: Digit, way: KeyWay, now: Instant) -> bool {
        let is_own = self.keys_go_on(at, self.listener_of(self.streams[at].leg)).is_none();
        let stream = &mut self.streams[at];
        let leg = stream.leg;
        if !stream.setup.dtmf.believes(way) {
            self.tell(Event::DigitDropped { leg, way, why: Dropped::NotBelieved });
            return false;
        }
        let known = stream.presses.come(digit, way, now);
        if known.is_none() {
            stream.is_own_key = is_own;
        }
        if self.recorders.iter().any(|recorder| recorder.taking == Taking::Silence) {
            stream.is_secret_key = true;
            stream.veil(now);
        }
        self.tell(match known {
            Some(known) => Event::DigitDropped { leg, way, why: Dropped::SameAs(known) },
            None => Event::Digit { leg, digit, way },
        });
        known.is_none()
    }

    /// A packet of sound; `false`: it is below a key that goes on otherwise, or may be.
    fn audio(&mut self, at: usize, listener: Option<usize>, codec: Codec, packet: &Packet<'_>, now: Instant, wire: &mut dyn Wire) -> bool {
        if self.streams[at].heard != codec {
            self.streams[at].heard = codec;
            self.streams[at].receiver.set_clock_rate(codec.clock_rate());
            self.equip(now);
        }
        if let Some(digit) = self.streams[at].key_by_tone(packet, codec, now) {
            self.key(at, digit, KeyWay::Tone, now);
        }
        let by = self.keys_go_on(at, listener);
        let stream = &mut self.streams[at];
        stream.is_secret_key = stream.is_secret_key && (stream.sounds_a_key() || stream.keys_in.covers(packet.timestamp));
        // Whoever hears it gets the key otherwise: neither they nor a recording have it in the sound, too.
        if stream.is_secret_key || by.is_some_and(|by| stream.is_under_key(packet.timestamp, by)) {
            stream.veil(now);
            return false;
        }
        if let Some(ear) = &mut stream.ear {
            ear.put(packet, codec, now);
        }
        // An ear hears later and can wait for proof. What goes on at once would have told most of the key by then.
        if by.is_some_and(|by| by != KeyWay::Tone) && stream.may_sound_a_key() {
            return false;
        }
        if let Some(listener) = listener {
            self.relay_audio(listener, codec, packet, now, wire);
        }
        true
    }

    /// A host says that packets sent from a leg's RTP socket do not get there (ICMP destination unreachable): told as the reason when it
    /// keeps saying so and one side hears nothing; nothing else comes of it.
    pub fn unreachable(&mut self, leg: LegId, told: SentBack, now: Instant) {
        let Some(at) = self.position(leg) else { return };
        self.streams[at].sent_back.come(SentBack { target: canonical(told.target), by: told.by.to_canonical(), ..told }, now);
    }

    /// A datagram came on a leg's RTCP socket.
    pub fn handle_rtcp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8], now: Instant, _wire: &mut dyn Wire) {
        let now = self.clock(now);
        let Some(at) = self.position(leg) else { return };
        let stream = &mut self.streams[at];
        let mut clear;
        let mut packet = packet;
        if stream.protection.is_some() {
            clear = [0; PACKET_BYTES];
            match stream.unprotected(packet, &mut clear, true) {
                Some(proven) => packet = proven,
                None => return,
            }
        }
        let believed = stream.latch.as_mut().is_some_and(|latch| latch.judge_rtcp(from) != Verdict::Ignore);
        if !believed || stream.reporter.handle(packet, &stream.sender, now).is_err() {
            stream.refuse(Refused::Malformed);
        }
        stream.plan_chores();
    }
}

/// Reads a packet and judges its source; the flag tells that the stream moved to this source.
fn accept<'a>(stream: &mut Stream, from: SocketAddr, bytes: &'a [u8], now: Instant) -> Result<(Packet<'a>, Meaning, bool), Refused> {
    let packet = Packet::parse(bytes).map_err(|_| Refused::Malformed)?;
    let meaning = stream.meaning_of(packet.payload_type);
    let latch = stream.latch.as_mut().ok_or(Refused::Stranger(from))?;
    let Some(meaning) = meaning else {
        // A packet that means nothing moves no latch.
        let is_the_peer = latch.target().port() == from.port() && latch.target().ip().to_canonical() == from.ip().to_canonical();
        return Err(if is_the_peer { Refused::UnknownPayload(packet.payload_type) } else { Refused::Stranger(from) });
    };
    match latch.judge(from, &packet, now) {
        Verdict::Accept => Ok((packet, meaning, false)),
        Verdict::AcceptAndMove => Ok((packet, meaning, true)),
        Verdict::Ignore => Err(Refused::Stranger(from)),
    }
}
