//! Listening to a leg: jitter buffer, decoders, concealment. Exists only while somebody needs decoded sound.

use crate::limits::FRAME_SAMPLES_MAX;
use audio::{Concealer, Decoder, FrameResampler};
use rtp::{JitterBuffer, Packet, Take};
use std::time::Instant;
use terms::Codec;

/// What the last 20 ms were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Sound that came.
    Sound,
    /// Sound made up for lost packets.
    Concealed,
    /// The peer sends nothing.
    Nothing,
}

/// One leg's decoded sound, 20 ms at a time. About 9 kB; allocates when packets of a new codec come, never in a tick.
pub(crate) struct Ear {
    jitter: JitterBuffer,
    decoders: [Option<Decoder>; Codec::ALL.len()],
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
            decoders: [None, None, None],
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
        if codec.sample_rate() != self.rate && self.adapter.is_none() {
            self.adapter = Some(FrameResampler::new(codec.sample_rate(), self.rate));
        }
    }

    /// A packet of that codec came.
    pub(crate) fn put(&mut self, packet: &Packet<'_>, codec: Codec, now: Instant) {
        self.expect(codec);
        self.jitter.put(packet, now);
    }

    /// The source began anew.
    pub(crate) fn reset(&mut self) {
        self.jitter.reset();
    }

    /// Makes the next 20 ms; to be called once for every 20 ms of wall time. `codec_of` reads a payload type.
    pub(crate) fn listen(&mut self, now: Instant, codec_of: impl Fn(u8) -> Option<Codec>) {
        let samples = self.samples();
        let taken = self.jitter.take(now);
        self.heard = match taken {
            Take::Frame { payload_type, payload } => {
                let codec = codec_of(payload_type);
                let decoder = codec.and_then(|codec| self.decoders[codec.index()].as_mut());
                match (decoder, codec) {
                    (Some(decoder), Some(codec)) if codec.sample_rate() == self.rate => {
                        decoder.decode(payload, &mut self.frame);
                        Heard::Sound
                    }
                    (Some(decoder), Some(codec)) => {
                        let mut other = [0; FRAME_SAMPLES_MAX];
                        decoder.decode(payload, &mut other);
                        if let Some(adapter) = &mut self.adapter {
                            adapter.frame(&other[..codec.frame_samples()], &mut self.frame[..samples]);
                        }
                        Heard::Sound
                    }
                    (None, _) | (Some(_), None) => Heard::Concealed,
                }
            }
            Take::Lost => Heard::Concealed,
            Take::Silence => Heard::Nothing,
        };
        let frame = &mut self.frame[..samples];
        match self.heard {
            Heard::Sound => {
                self.concealer.good(frame);
                self.quiet = 0;
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
