//! Two legs hear each other: relayed as it comes where the codecs allow, transcoded on the tick otherwise.

use crate::{
    Mixer, Wire,
    ear::Ear,
    limits::{FRAME_SAMPLES_MAX, PACKET_BYTES, PACKET_MS_MAX, PACKET_PAYLOAD_MAX, QUIET_FRAMES},
    monitor::Monitor,
    setup::StreamSetup,
    stream::Stream,
};
use audio::{Encoder, FrameResampler, g711_translation, packet_ticks};
use rtp::Packet;
use std::time::{Duration, Instant};
use terms::{Codec, KeyWay, LegId, Packing};

/// Samples that wait for their packet at most: all but the last frame of the longest, and a new frame.
const WAITING_MAX: usize = FRAME_SAMPLES_MAX / 20 * PACKET_MS_MAX as usize + FRAME_SAMPLES_MAX;

/// From decoded sound to a leg's codec, in packets of the length its peer wishes. Only where a bridge joins unlike codecs.
pub(crate) struct Transcoder {
    from: u32,
    resampler: FrameResampler,
    encoder: Encoder,
    complexity: u8,
    packet_ms: u16,
    waiting: [i16; WAITING_MAX],
    count: usize,
}

impl Transcoder {
    fn new(from: u32, setup: &StreamSetup) -> Self {
        let codec = setup.send;
        Self {
            from,
            resampler: FrameResampler::new(from, codec.sample_rate()),
            encoder: Encoder::with_complexity(codec, setup.opus_complexity),
            complexity: setup.opus_complexity,
            packet_ms: codec.packet_ms(setup.send_ms),
            waiting: [0; WAITING_MAX],
            count: 0,
        }
    }

    fn suits(&self, from: u32, setup: &StreamSetup) -> bool {
        self.from == from
            && self.encoder.codec() == setup.send
            && self.complexity == setup.opus_complexity
            && self.packet_ms == setup.send.packet_ms(setup.send_ms)
    }

    /// Takes in 20 ms.
    fn put(&mut self, sound: &[i16]) {
        let samples = self.encoder.codec().frame_samples();
        if let Some(room) = self.waiting.get_mut(self.count..self.count + samples) {
            self.resampler.frame(sound, room);
            self.count += samples;
        }
    }

    /// The next packet that is full: its length in bytes and in time.
    fn packet(&mut self, payload: &mut [u8]) -> Option<(usize, Duration)> {
        let samples = self.encoder.codec().frame_samples() * usize::from(self.packet_ms) / 20;
        let sound = self.waiting.get(..samples).filter(|_| self.count >= samples)?;
        let length = self.encoder.encode(sound, payload);
        self.waiting.copy_within(samples..self.count, 0);
        self.count -= samples;
        Some((length, Duration::from_millis(u64::from(self.packet_ms))))
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
        let ticks = match codec.packing() {
            Packing::Bytes => packet.payload.len() as u32,
            Packing::Frames(_) | Packing::Packets => packet_ticks(codec, packet.payload).unwrap_or(0) * (codec.clock_rate() / 8_000),
        };
        if codec == send {
            to.relay(packet, payload_type, ticks, now, wire);
        } else if let Some(table) = g711_translation(codec, send) {
            let mut payload = [0; PACKET_BYTES];
            let Some(payload) = payload.get_mut(..packet.payload.len()) else { return };
            payload.iter_mut().zip(packet.payload).for_each(|(into, byte)| *into = table[usize::from(*byte)]);
            to.relay(&Packet { payload, ..*packet }, payload_type, ticks, now, wire);
        }
    }

    /// Sends a leg's key packet on, renumbered, if its listener takes keys. Its duration is told in the listener's clock.
    /// `amid`: between sound of our own making.
    pub(crate) fn relay_key(&mut self, listener: usize, packet: &Packet<'_>, clock_rate: u32, amid: bool, now: Instant, wire: &mut dyn Wire) {
        let Some(to) = self.streams.get_mut(listener).filter(|stream| !stream.is_occupied()) else { return };
        let Some(format) = to.setup.events_send.filter(|_| to.setup.key_way() == KeyWay::Event) else { return };
        let retold = packet.payload.first_chunk::<4>().filter(|_| format.clock_rate != clock_rate).map(|[code, flags, high, low]| {
            let duration = u64::from(u16::from_be_bytes([*high, *low])) * u64::from(format.clock_rate) / u64::from(clock_rate.max(1));
            let [high, low] = u16::try_from(duration).unwrap_or(u16::MAX).to_be_bytes();
            [*code, *flags, high, low]
        });
        let packet = Packet { payload: retold.as_ref().map_or(packet.payload, |retold| &retold[..]), ..*packet };
        if amid || to.transcoder.is_some() {
            to.relay_key(&packet, format.payload_type, now, wire);
        } else {
            to.relay(&packet, format.payload_type, 0, now, wire);
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
        if ear.quiet >= QUIET_FRAMES || ear.is_veiled() {
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
            transcoder.put(&sound[..count]);
            let mut payload = [0; PACKET_PAYLOAD_MAX];
            // Half a frame at a time, or not in every tick, as the peer wishes.
            let mut slot = slot;
            while let Some((length, lasts)) = to.transcoder.as_mut().and_then(|transcoder| transcoder.packet(&mut payload)) {
                to.send(payload.get(..length).unwrap_or_default(), lasts, slot, now, wire);
                slot += lasts;
            }
        }
    }

    /// Gives every leg the ear and the transcoder it needs now and takes away what it does not. Allocates: never in a tick.
    pub(crate) fn equip(&mut self, now: Instant) {
        let mut ears = false;
        self.is_patient = self.outside.is_none();
        for at in 0..self.streams.len() {
            let (leg, heard) = (self.streams[at].leg, self.streams[at].heard);
            let listener = self.listener_of(leg).filter(|to| self.gain(leg, self.streams[*to].leg) > 0.0);
            let unlike = listener.filter(|to| !is_direct(heard, self.streams[*to].setup.send));
            let peer = self.streams[at].peer;
            let recorded = self.recorders.iter().any(|recorder| recorder.wants(leg, peer));
            self.is_patient &= unlike.is_none();
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
                stream.put_ear_away();
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
        if !self.transcoder.as_ref().is_some_and(|known| known.suits(from, &self.setup)) {
            self.transcoder = Some(Box::new(Transcoder::new(from, &self.setup)));
        }
    }
}
