//! What comes from the wire: whose it is, what it is, and who wants it.

use crate::{
    Event, Mixer, Wire,
    limits::{PACKET_BYTES, SAME_KEY},
    outside::Kind,
    stream::{Stream, Via},
};
use rtp::{Packet, Reception, Verdict, events::Key, srtp::Unprotected};
use std::{net::SocketAddr, time::Instant};
use terms::{Codec, Digit, LegId};

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
            None
        }
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
                self.refused += 1;
                self.unauthentic += u64::from(why == Unprotected::Unauthentic);
                None
            }
        }
    }

    /// A key came by RTP: answers it unless signalling told the same a moment ago.
    fn key_by_rtp(&mut self, packet: &Packet<'_>, clock_rate: u32, now: Instant) -> Option<Digit> {
        let mut pressed = None;
        self.keys_in.set_clock_rate(clock_rate);
        for key in self.keys_in.handle(packet, now) {
            if let Key::Pressed(digit) = key {
                pressed = Some(digit);
            }
        }
        // The finger is still down: signalling often tells a key when it comes up.
        if let Some((digit, at, Via::Rtp)) = &mut self.last_key
            && packet.payload.first() == Some(&digit.event())
        {
            *at = now;
        }
        let digit = pressed?;
        match self.last_key {
            Some((same, at, Via::Signalling)) if same == digit && now.saturating_duration_since(at) < SAME_KEY => {
                self.last_key = None;
                None
            }
            Some(_) | None => {
                self.last_key = Some((digit, now, Via::Rtp));
                Some(digit)
            }
        }
    }

    /// A key came by signalling: whether it is news.
    pub(crate) fn is_news(&mut self, digit: Digit, now: Instant) -> bool {
        match self.last_key {
            Some((same, at, Via::Rtp)) if same == digit && now.saturating_duration_since(at) < SAME_KEY => {
                self.last_key = None;
                false
            }
            Some(_) | None => {
                self.last_key = Some((digit, now, Via::Signalling));
                true
            }
        }
    }
}

impl Mixer {
    /// A datagram came on a leg's RTP socket (RTP, or RTCP when multiplexed).
    pub fn handle_rtp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8], now: Instant, wire: &mut dyn Wire) {
        let Some(at) = self.position(leg) else { return };
        let stream = &mut self.streams[at];
        if rtp::is_rtcp(packet) {
            if stream.setup.rtcp_mux {
                self.handle_rtcp(leg, from, packet, now, wire);
            } else {
                stream.refused += 1;
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
        let Some((packet, meaning, moved)) = accept(stream, from, bytes, now) else {
            stream.refused += 1;
            return;
        };
        let reception = stream.receiver.receive(&packet, now);
        stream.bytes_received += packet.payload.len() as u64;
        stream.last_heard = now;
        if std::mem::take(&mut stream.silent) {
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
                if let Some(ear) = &mut self.streams[at].ear {
                    ear.reset();
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
        match (meaning, listener) {
            (Meaning::Audio(codec), _) => self.audio(at, listener, codec, &packet, now, wire),
            (Meaning::Key(clock_rate), _) => {
                if let Some(digit) = self.streams[at].key_by_rtp(&packet, clock_rate, now) {
                    self.tell(Event::Digit { leg, digit });
                }
                if let Some(listener) = listener {
                    self.relay_key(listener, &packet, clock_rate, false, now, wire);
                }
            }
            (Meaning::ComfortNoise, Some(listener)) => self.relay_comfort_noise(listener, &packet, now, wire),
            (Meaning::ComfortNoise, None) => {}
        }
        if self.outside.is_some() {
            self.pass(at, kind, bytes);
        }
    }

    fn audio(&mut self, at: usize, listener: Option<usize>, codec: Codec, packet: &Packet<'_>, now: Instant, wire: &mut dyn Wire) {
        if self.streams[at].heard != codec {
            self.streams[at].heard = codec;
            self.streams[at].receiver.set_clock_rate(codec.clock_rate());
            self.equip(now);
        }
        if let Some(ear) = &mut self.streams[at].ear {
            ear.put(packet, codec, now);
        }
        if let Some(listener) = listener {
            self.relay_audio(listener, codec, packet, now, wire);
        }
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
            stream.refused += 1;
        }
    }
}

/// Reads a packet and judges its source; the flag tells that the stream moved to this source.
fn accept<'a>(stream: &mut Stream, from: SocketAddr, bytes: &'a [u8], now: Instant) -> Option<(Packet<'a>, Meaning, bool)> {
    let packet = Packet::parse(bytes).ok()?;
    let meaning = stream.meaning_of(packet.payload_type)?;
    match stream.latch.as_mut()?.judge(from, &packet, now) {
        Verdict::Accept => Some((packet, meaning, false)),
        Verdict::AcceptAndMove => Some((packet, meaning, true)),
        Verdict::Ignore => None,
    }
}
