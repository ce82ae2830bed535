//! Listening to a leg: jitter buffer, decoders, concealment. Exists only while somebody needs decoded sound.

use crate::limits::FRAME_SAMPLES_MAX;
use audio::{Concealer, Decoder, FrameResampler, PACKET_SAMPLES_MAX, packet_ticks};
use rtp::{JitterBuffer, Packet, Take};
use std::time::Instant;
use terms::{Codec, Packing};

/// What the last 20 ms were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Sound that came.
    Sound,
    /// Sound made up for lost packets.
    Concealed,
    /// The same, by the codec's own decoder; outside the ear it is [`Heard::Concealed`].
    Guessed,
    /// The peer sends nothing.
    Nothing,
}

/// Sound of whole packets that waits for its frame, at the rate of its codec.
struct Decoded {
    samples: [i16; PACKET_SAMPLES_MAX + FRAME_SAMPLES_MAX],
    count: usize,
    codec: Codec,
    /// How it came about: what the newest of it was.
    heard: Heard,
}

/// One leg's decoded sound, 20 ms at a time. About 9 kB (Opus and GSM: 21 kB more, and their decoders); allocates when packets
/// of a new codec come, never in a tick.
pub(crate) struct Ear {
    jitter: JitterBuffer,
    decoders: [Option<Decoder>; Codec::ALL.len()],
    /// Only for codecs of whole packets.
    decoded: Option<Box<Decoded>>,
    /// From a codec of the other rate to `rate`.
    adapter: Option<FrameResampler>,
    concealer: Concealer,
    rate: u32,
    frame: [i16; FRAME_SAMPLES_MAX],
    pub(crate) heard: Heard,
    /// Frames in a row without any sound.
    pub(crate) quiet: u32,
}

impl Ear {
    /// Sound comes out at the rate of `codec`, whatever codec the peer uses later.
    pub(crate) fn new(codec: Codec) -> Self {
        let mut ear = Self {
            jitter: JitterBuffer::new(),
            decoders: [const { None }; Codec::ALL.len()],
            decoded: None,
            adapter: None,
            concealer: Concealer::new(codec.sample_rate()),
            rate: codec.sample_rate(),
            frame: [0; FRAME_SAMPLES_MAX],
            heard: Heard::Nothing,
            quiet: u32::MAX,
        };
        ear.expect(codec);
        ear
    }

    pub(crate) const fn rate(&self) -> u32 {
        self.rate
    }

    /// The last frame: 20 ms at [`Ear::rate`].
    pub(crate) fn frame(&self) -> &[i16] {
        &self.frame[..self.samples()]
    }

    const fn samples(&self) -> usize {
        (self.rate / 50) as usize
    }

    /// Gets ready for packets of a codec.
    fn expect(&mut self, codec: Codec) {
        self.decoders[codec.index()].get_or_insert_with(|| Decoder::new(codec));
        if codec.packing() != Packing::Bytes && self.decoded.is_none() {
            let samples = [0; PACKET_SAMPLES_MAX + FRAME_SAMPLES_MAX];
            self.decoded = Some(Box::new(Decoded { samples, count: 0, codec, heard: Heard::Nothing }));
        }
        if codec.sample_rate() != self.rate && self.adapter.is_none() {
            self.adapter = Some(FrameResampler::new(codec.sample_rate(), self.rate));
        }
    }

    /// A packet of that codec came.
    pub(crate) fn put(&mut self, packet: &Packet<'_>, codec: Codec, now: Instant) {
        self.expect(codec);
        match (codec.packing(), packet_ticks(codec, packet.payload)) {
            (Packing::Bytes, _) => {
                self.jitter.put(packet, now);
            }
            (Packing::Frames(_) | Packing::Packets, Some(ticks)) => {
                self.jitter.put_whole(packet, codec.clock_rate(), ticks, now);
            }
            (Packing::Frames(_) | Packing::Packets, None) => {}
        }
    }

    /// The source began anew.
    pub(crate) fn reset(&mut self) {
        self.jitter.reset();
        if let Some(decoded) = &mut self.decoded {
            decoded.count = 0;
        }
    }

    /// What comes next, in `frame`, as far as it came at all.
    fn next_frame(&mut self, now: Instant, codec_of: impl Fn(u8) -> Option<Codec>) -> Heard {
        // A packet lasts 2.5 ms at least: eight fill a frame.
        for _ in 0..=8 {
            if let Some(heard) = self.waiting_frame() {
                return heard;
            }
            match self.jitter.take(now) {
                Take::Frame { payload_type, payload } => {
                    let Some(codec) = codec_of(payload_type) else { return Heard::Concealed };
                    let Some(decoder) = self.decoders[codec.index()].as_mut() else { return Heard::Concealed };
                    let mut sound = [0; FRAME_SAMPLES_MAX];
                    decoder.decode(payload, &mut sound);
                    self.adapt(&sound, codec);
                    return Heard::Sound;
                }
                Take::Whole { payload_type, payload } => {
                    let codec = codec_of(payload_type);
                    let decoder = codec.and_then(|codec| self.decoders[codec.index()].as_mut());
                    let (Some(codec), Some(decoder), Some(decoded)) = (codec, decoder, &mut self.decoded) else { return Heard::Concealed };
                    if decoded.codec != codec {
                        (decoded.codec, decoded.count) = (codec, 0);
                    }
                    decoded.heard = Heard::Sound;
                    decoded.count += decoder.decode(payload, &mut decoded.samples[decoded.count..]);
                    continue;
                }
                Take::Lost => {}
                Take::Silence => return Heard::Nothing,
            }
            if !self.guess() {
                return Heard::Concealed;
            }
        }
        Heard::Concealed
    }

    /// Takes 20 ms of what whole packets left, if there are as many.
    fn waiting_frame(&mut self) -> Option<Heard> {
        let decoded = self.decoded.as_mut()?;
        let (codec, heard, samples) = (decoded.codec, decoded.heard, decoded.codec.frame_samples());
        if decoded.count < samples {
            return None;
        }
        let mut sound = [0; FRAME_SAMPLES_MAX];
        sound[..samples].copy_from_slice(&decoded.samples[..samples]);
        decoded.samples.copy_within(samples..decoded.count, 0);
        decoded.count -= samples;
        self.adapt(&sound, codec);
        Some(heard)
    }

    /// 20 ms are lost: lets the decoder of what came last restore or guess them, where it can.
    fn guess(&mut self) -> bool {
        let Some(decoded) = &mut self.decoded else { return false };
        let (codec, at) = (decoded.codec, decoded.count);
        let (Some(decoder), Some(out)) = (&mut self.decoders[codec.index()], decoded.samples.get_mut(at..at + codec.frame_samples())) else { return false };
        let restored = self.jitter.after_loss().map_or(0, |(_, next)| decoder.recover(next, out));
        let count = if restored > 0 { restored } else { decoder.conceal(out) };
        decoded.count += count;
        decoded.heard = Heard::Guessed;
        count > 0
    }

    /// Puts 20 ms of a codec's sound into the frame, at the ear's rate.
    fn adapt(&mut self, sound: &[i16], codec: Codec) {
        let (sound, samples) = (&sound[..codec.frame_samples()], self.samples());
        let frame = &mut self.frame[..samples];
        match &mut self.adapter {
            Some(adapter) if codec.sample_rate() != self.rate => adapter.frame(sound, frame),
            Some(_) | None => frame.iter_mut().zip(sound).for_each(|(into, sample)| *into = *sample),
        }
    }

    /// Makes the next 20 ms; to be called once for every 20 ms of wall time. `codec_of` reads a payload type.
    pub(crate) fn listen(&mut self, now: Instant, codec_of: impl Fn(u8) -> Option<Codec>) {
        let samples = self.samples();
        self.heard = self.next_frame(now, codec_of);
        let frame = &mut self.frame[..samples];
        match self.heard {
            Heard::Sound => {
                self.concealer.good(frame);
                self.quiet = 0;
            }
            // The decoder's own guess needs no other.
            Heard::Guessed => {
                self.concealer.good(frame);
                self.heard = Heard::Concealed;
                self.quiet = self.quiet.saturating_add(1);
            }
            Heard::Concealed => {
                self.concealer.conceal(frame);
                self.quiet = self.quiet.saturating_add(1);
            }
            Heard::Nothing => {
                // Fades what was last heard, then is silence.
                self.concealer.conceal(frame);
                self.quiet = self.quiet.saturating_add(1);
            }
        }
    }
}
