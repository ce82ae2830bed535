//! What one end of the line says: keys as telephone events, speech, and now and then a packet that tells it is still there.

use super::voices::FRAME_BYTES;
use audio::Prompt;
use rtp::{Sender, events};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{Codec, Digit};

/// One packet.
const FRAME: Duration = Duration::from_millis(20);
/// How long a key is down and how long no key is before the next: a quick finger, well above what Q.24 asks.
const KEY: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(40));
/// The payload type of keys, as our descriptions say.
pub(crate) const EVENTS: u8 = 101;
/// Sound of a voice: a square wave, which every detector takes for speech.
const VOICE: [u8; FRAME_BYTES] = {
    let mut voice = [0x30; FRAME_BYTES];
    let mut at = 0;
    while at < FRAME_BYTES {
        voice[at] = 0xb0;
        at += 2;
    }
    voice
};
/// Quiet.
const QUIET: [u8; FRAME_BYTES] = [0xff; FRAME_BYTES];

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Mouth {
    sender: Sender,
    keys: events::Sender,
    /// Packets of plain speech still to be said.
    speech: u32,
    /// A prompt being said, and its next packet.
    said: Option<(Arc<Prompt>, usize)>,
    /// When what was said so far is over.
    edge: Instant,
    /// A packet is due: the stage has it on its agenda.
    pub(crate) is_scheduled: bool,
}

impl Mouth {
    pub(crate) fn new(seed: u64, now: Instant) -> Self {
        let keys = events::Sender::with_timing(KEY.0, KEY.1);
        Self { sender: Sender::new(seed), keys, speech: 0, said: None, edge: now, is_scheduled: false }
    }

    /// `false` when too many wait already.
    pub(crate) fn press(&mut self, digit: Digit) -> bool {
        self.keys.press(digit)
    }

    pub(crate) fn speak(&mut self, span: Duration) {
        self.speech = u32::try_from(span.as_millis().div_ceil(FRAME.as_millis())).unwrap_or(u32::MAX);
    }

    pub(crate) fn say(&mut self, prompt: Arc<Prompt>) {
        self.said = Some((prompt, 0));
    }

    /// Whether it speaks a voice just now.
    pub(crate) const fn speaks(&self) -> bool {
        self.speech > 0 || self.said.is_some()
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.speaks() || self.keys.is_busy()
    }

    pub(crate) fn hush(&mut self) {
        self.speech = 0;
        self.said = None;
        self.keys.clear();
    }

    /// The packet of this moment, if there is one to send; call it every 20 ms while [`Mouth::is_busy`].
    pub(crate) fn packet(&mut self, now: Instant) -> Option<Vec<u8>> {
        if now > self.edge {
            self.sender.skip(u32::try_from((now - self.edge).as_micros() / 125).unwrap_or(u32::MAX));
        }
        self.edge = now + FRAME;
        if self.keys.is_busy() {
            let mut packet = [0; 32];
            if let events::Step::Packet(length) = self.keys.tick(&mut self.sender, EVENTS, now, &mut packet) {
                return packet.get(..length).map(<[u8]>::to_vec);
            }
        }
        if let Some((prompt, frame)) = &mut self.said {
            let (prompt, at) = (Arc::clone(prompt), *frame * FRAME_BYTES);
            *frame += 1;
            match prompt.frames(Codec::Pcmu).get(at..at + FRAME_BYTES) {
                Some(payload) => return Some(self.write(payload, now)),
                None => self.said = None,
            }
        }
        if self.speech > 0 {
            self.speech -= 1;
            return Some(self.write(&VOICE, now));
        }
        self.edge = now;
        None
    }

    /// A packet without sound.
    pub(crate) fn quiet(&mut self, now: Instant) -> Vec<u8> {
        if now > self.edge {
            self.sender.skip(u32::try_from((now - self.edge).as_micros() / 125).unwrap_or(u32::MAX));
        }
        self.edge = now + FRAME;
        self.write(&QUIET, now)
    }

    fn write(&mut self, payload: &[u8], now: Instant) -> Vec<u8> {
        let mut packet = vec![0; rtp::HEADER_BYTES + payload.len()];
        let length = self.sender.write(Codec::Pcmu.payload_type(), payload, rtp::clock_ticks(FRAME, Codec::Pcmu.clock_rate()), now, &mut packet);
        packet.truncate(length);
        packet
    }
}
