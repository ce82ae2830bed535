//! Two legs hear each other: relayed as it comes where the codecs allow, transcoded on the tick otherwise.

use crate::{
    Mixer, Wire,
    ear::Ear,
    limits::{FRAME_SAMPLES_MAX, PACKET_BYTES, QUIET_FRAMES},
    monitor::Monitor,
    stream::Stream,
};
use audio::{Encoder, FrameResampler, g711_translation};
use rtp::Packet;
use std::time::Instant;
use terms::{Codec, LegId};

/// From decoded sound to a leg's codec. Only where a bridge joins unlike codecs.
pub(crate) struct Transcoder {
    from: u32,
    resampler: FrameResampler,
    encoder: Encoder,
}

impl Transcoder {
    fn new(from: u32, codec: Codec) -> Self {
        Self { from, resampler: FrameResampler::new(from, codec.sample_rate()), encoder: Encoder::new(codec) }
    }

    fn suits(&self, from: u32, codec: Codec) -> bool {
        self.from == from && self.encoder.codec() == codec
    }

    fn frame(&mut self, sound: &[i16], payload: &mut [u8]) -> usize {
        let mut samples = [0; FRAME_SAMPLES_MAX];
        let samples = &mut samples[..self.encoder.codec().frame_samples()];
        self.resampler.frame(sound, samples);
        self.encoder.encode(samples, payload)
    }
}

/// Whether packets can go on without being decoded: the same codec, or the two laws of G.711.
pub(crate) fn is_direct(from: Codec, to: Codec) -> bool {
    from == to || g711_translation(from, to).is_some()
}

impl Mixer {
    /// How loud `listener` hears `speaker`: 1 within a bridge, else 0. (The one place that knows who hears whom.)
    pub(crate) fn gain(&self, speaker: LegId, listener: LegId) -> f32 {
        let bridged = self.streams.iter().any(|stream| stream.leg == listener && stream.peer == Some(speaker));
        if bridged { 1.0 } else { 0.0 }
    }

    /// Who hears a speaker.
    pub(crate) fn listener_of(&self, speaker: LegId) -> Option<usize> {
        self.streams.iter().position(|stream| stream.peer == Some(speaker))
    }

    /// Sends a leg's audio packet on at once, if its listener takes it undecoded and hears nothing of ours.
    pub(crate) fn relay_audio(&mut self, listener: usize, codec: Codec, packet: &Packet<'_>, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.streams.get_mut(listener).filter(|stream| !stream.is_occupied()) else { return };
        let (send, payload_type) = (to.setup.send, to.setup.send_payload_type);
        let ticks = packet.payload.len() as u32;
        if codec == send {
            to.relay(packet, payload_type, ticks, now, wire);
        } else if let Some(table) = g711_translation(codec, send) {
            let mut payload = [0; PACKET_BYTES];
            let Some(payload) = payload.get_mut(..packet.payload.len()) else { return };
            payload.iter_mut().zip(packet.payload).for_each(|(into, byte)| *into = table[usize::from(*byte)]);
            to.relay(&Packet { payload, ..*packet }, payload_type, ticks, now, wire);
        }
    }

    /// Sends a leg's key packet on, renumbered, if its listener takes keys.
    pub(crate) fn relay_key(&mut self, listener: usize, packet: &Packet<'_>, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.streams.get_mut(listener).filter(|stream| !stream.is_occupied()) else { return };
        let Some(payload_type) = to.setup.events_send else { return };
        if to.transcoder.is_some() {
            to.relay_key(packet, payload_type, now, wire);
        } else {
            to.relay(packet, payload_type, 0, now, wire);
        }
    }

    /// Sends comfort noise on where both sides agreed to it.
    pub(crate) fn relay_comfort_noise(&mut self, listener: usize, packet: &Packet<'_>, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.streams.get_mut(listener).filter(|stream| !stream.is_occupied()) else { return };
        if let (Some(payload_type), None) = (to.setup.comfort_noise, &to.transcoder) {
            to.relay(packet, payload_type, 0, now, wire);
        }
    }

    /// Sends what an ear just heard to its listener, encoded anew.
    pub(crate) fn transcode(&mut self, speaker: usize, slot: Instant, now: Instant, wire: &mut dyn Wire) {
        let Some((leg, ear)) = self.streams.get(speaker).and_then(|stream| Some((stream.leg, stream.ear.as_ref()?))) else { return };
        if ear.quiet >= QUIET_FRAMES {
            return;
        }
        let mut sound = [0; FRAME_SAMPLES_MAX];
        let count = ear.frame().len();
        sound[..count].copy_from_slice(ear.frame());
        let Some(to) = self.listener_of(leg).and_then(|at| self.streams.get_mut(at)) else { return };
        if to.is_occupied() {
            return;
        }
        if let Some(transcoder) = &mut to.transcoder {
            let mut payload = [0; 160];
            let length = transcoder.frame(&sound[..count], &mut payload);
            to.send(payload.get(..length).unwrap_or_default(), slot, now, wire);
        }
    }

    /// Gives every leg the ear and the transcoder it needs now and takes away what it does not. Allocates: never in a tick.
    pub(crate) fn equip(&mut self, now: Instant) {
        let mut ears = false;
        for at in 0..self.streams.len() {
            let (leg, heard) = (self.streams[at].leg, self.streams[at].heard);
            let listener = self.listener_of(leg).filter(|to| self.gain(leg, self.streams[*to].leg) > 0.0);
            let unlike = listener.filter(|to| !is_direct(heard, self.streams[*to].setup.send));
            let peer = self.streams[at].peer;
            let recorded = self.recorders.iter().any(|recorder| recorder.wants(leg, peer));
            let needed = unlike.is_some() || self.is_heard_outside(at) || recorded;
            let is_monitored = self.recorders.iter().any(|recorder| recorder.wants_played(leg));
            let stream = &mut self.streams[at];
            stream.equip_monitor(is_monitored);
            if needed {
                ears = true;
                let rate = stream.ear.get_or_insert_with(|| Box::new(Ear::new(heard))).rate();
                if let Some(to) = unlike.and_then(|to| self.streams.get_mut(to)) {
                    to.equip_transcoder(rate);
                }
            } else {
                stream.ear = None;
            }
            if let (Some(to), None) = (listener, unlike) {
                self.streams[to].transcoder = None;
            }
        }
        for at in 0..self.streams.len() {
            if self.streams[at].peer.is_none() {
                self.streams[at].transcoder = None;
            }
        }
        for recorder in &mut self.recorders {
            recorder.prepare(&self.streams);
        }
        ears |= self.recorders.iter().any(|recorder| !recorder.ended);
        self.ears_due = match self.ears_due {
            _ if !ears || self.outside.is_some() => None,
            Some(due) => Some(due),
            None => Some(now + crate::limits::FRAME),
        };
    }
}

impl Stream {
    fn equip_monitor(&mut self, is_wanted: bool) {
        let codec = self.setup.send;
        if !is_wanted {
            self.monitor = None;
        } else if !self.monitor.as_ref().is_some_and(|known| known.suits(codec)) {
            self.monitor = Some(Box::new(Monitor::new(codec)));
        }
    }

    fn equip_transcoder(&mut self, from: u32) {
        let codec = self.setup.send;
        if !self.transcoder.as_ref().is_some_and(|known| known.suits(from, codec)) {
            self.transcoder = Some(Box::new(Transcoder::new(from, codec)));
        }
    }
}
