//! Listening to a leg: jitter buffer, decoders, concealment. Exists only while somebody needs decoded sound.

use crate::limits::{FADES_A_SECOND, FRAME, FRAME_SAMPLES_MAX, KEY_ECHO, KEY_MARGIN};
use audio::{ComfortNoise, Concealer, Decoder, FrameResampler, PACKET_SAMPLES_MAX, Stretcher, packet_ticks};
use rtp::{JitterBuffer, JitterSnapshot, Packet, Take, Wish};
use std::time::{Duration, Instant};
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
    /// The peer sends nothing but how its line sounds (comfort noise).
    Noise,
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

/// One leg's decoded sound, 20 ms at a time. About 13 kB (Opus and GSM: 21 kB more, and their decoders); allocates when packets
/// of a new codec come, never in a tick. What every frame touches lies together.
#[repr(C)]
pub(crate) struct Ear {
    rate: u32,
    /// Frames in a row without any sound.
    pub(crate) quiet: u32,
    pub(crate) heard: Heard,
    /// Whether the peer has sent sound since it said what its line sounds like.
    spoke_since: bool,
    is_veiled: bool,
    was_veiled: bool,
    /// Only for codecs of whole packets.
    decoded: Option<Box<Decoded>>,
    decoders: [Option<Decoder>; Codec::ALL.len()],
    /// Until when nothing is heard, and whether the last frame was so throughout.
    veil: Option<Instant>,
    jitter: JitterBuffer,
    concealer: Concealer,
    frame: [i16; FRAME_SAMPLES_MAX],
    /// Sound on its way out, made shorter or longer as the jitter buffer wishes.
    stretcher: Stretcher,
    /// From a codec of the other rate to `rate`.
    adapter: Option<FrameResampler>,
    /// What the peer's line sounds like while it pauses.
    comfort: Option<ComfortNoise>,
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
            stretcher: Stretcher::new(codec.sample_rate()),
            comfort: None,
            spoke_since: false,
            rate: codec.sample_rate(),
            frame: [0; FRAME_SAMPLES_MAX],
            heard: Heard::Nothing,
            quiet: u32::MAX,
            veil: None,
            is_veiled: false,
            was_veiled: false,
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
        self.spoke_since = true;
        match (codec.packing(), packet_ticks(codec, packet.payload)) {
            (Packing::Bytes, _) => {
                self.jitter.put(packet, now);
            }
            (Packing::Frames(_) | Packing::Packets, Some(ticks)) => {
                if codec.packing() == Packing::Packets {
                    // The packet after a lost one may restore it, if it is here in time.
                    self.jitter.set_least(Duration::from_micros(u64::from(ticks) * 125) + FRAME);
                }
                self.jitter.put_whole(packet, codec.clock_rate(), ticks, now);
            }
            (Packing::Frames(_) | Packing::Packets, None) => {}
        }
    }

    /// Comfort noise came: the peer pauses, and this is what its line sounds like (RFC 3389).
    pub(crate) fn put_comfort(&mut self, payload: &[u8]) {
        if let Some(noise) = ComfortNoise::new(payload) {
            self.comfort = Some(noise.after(self.comfort.as_ref()));
            self.spoke_since = false;
        }
    }

    /// A word of each line that [`Ear::listen`] touches.
    pub(crate) fn words(&self) -> u64 {
        let frame = self.frame().iter().step_by(64).fold(0, |sum, sample| sum ^ u64::from(sample.cast_unsigned()));
        self.jitter.words() ^ self.concealer.words() ^ u64::from(self.quiet) ^ frame ^ self.stretcher.count() as u64
    }

    /// How the jitter buffer fares.
    pub(crate) fn jitter(&self) -> JitterSnapshot {
        self.jitter.snapshot()
    }

    /// How long what was taken from the jitter buffer has to wait until it is heard.
    fn over(&self) -> Duration {
        let span_of = |count: usize, rate: u32| Duration::from_micros(count as u64 * 1_000_000 / u64::from(rate.max(1)));
        let decoded = self.decoded.as_ref().map_or(Duration::ZERO, |decoded| span_of(decoded.count, decoded.codec.sample_rate()));
        decoded + span_of(self.stretcher.count(), self.rate)
    }

    /// The source began anew.
    pub(crate) fn reset(&mut self) {
        self.jitter.reset();
        if let Some(decoded) = &mut self.decoded {
            decoded.count = 0;
        }
    }

    /// What comes next, in `frame`, as far as it came at all.
    fn next_frame(&mut self, now: Instant, codec_of: &impl Fn(u8) -> Option<Codec>) -> Heard {
        // A packet lasts 2.5 ms at least: eight fill a frame.
        for _ in 0..=8 {
            if let Some(heard) = self.waiting_frame() {
                return heard;
            }
            let over = self.over();
            match self.jitter.take(now, over) {
                Take::Frame { payload_type, payload } => {
                    let Some(codec) = codec_of(payload_type) else { return Heard::Concealed };
                    let Some(decoder) = self.decoders[codec.index()].as_mut() else { return Heard::Concealed };
                    if codec.sample_rate() == self.rate {
                        decoder.decode(payload, &mut self.frame[..codec.frame_samples()]);
                        return Heard::Sound;
                    }
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
        if self.stretcher.count() == 0 {
            self.hear(now, &codec_of);
            // Nearly always: what is heard goes out as it came.
            if self.jitter.wish(now, self.over() + FRAME) == Wish::Keep {
                return self.draw_veil(now);
            }
            self.stretcher.put(&self.frame[..samples]);
        }
        self.fill(samples, now, &codec_of);
        let wish = self.jitter.wish(now, self.over());
        let stepped = match wish {
            Wish::Keep => 0,
            Wish::Shorter { hurry } => {
                self.fill(2 * samples, now, &codec_of);
                self.stretcher.shorten(hurry)
            }
            Wish::Longer => self.stretcher.lengthen(),
        };
        if wish != Wish::Keep {
            self.jitter.stepped(if stepped > 0 { wish } else { Wish::Keep }, now);
        }
        self.fill(samples, now, &codec_of);
        self.stretcher.take(&mut self.frame[..samples]);
        self.draw_veil(now);
    }

    /// Hears 20 ms more, where less than that many samples wait.
    fn fill(&mut self, samples: usize, now: Instant, codec_of: &impl Fn(u8) -> Option<Codec>) {
        if self.stretcher.count() < samples {
            self.hear(now, codec_of);
            self.stretcher.put(&self.frame[..self.samples()]);
        }
    }

    /// A key sounds that nobody shall hear: neither what is here of it nor what concealment would make of it.
    pub(crate) fn veil(&mut self, now: Instant) {
        self.veil = Some(now + KEY_ECHO.max(self.jitter.snapshot().target + KEY_MARGIN));
    }

    /// Whether the last frame is silent because of a key.
    pub(crate) const fn is_veiled(&self) -> bool {
        self.is_veiled
    }

    /// Silences the frame while a key is veiled, with soft edges.
    fn draw_veil(&mut self, now: Instant) {
        let is_down = self.veil.is_some_and(|until| now < until);
        let was_down = std::mem::replace(&mut self.was_veiled, is_down);
        self.is_veiled = is_down && was_down;
        if !is_down && !was_down {
            return;
        }
        let (samples, fade) = (self.samples(), (self.rate / FADES_A_SECOND) as usize);
        let frame = &mut self.frame[..samples];
        if self.is_veiled {
            frame.fill(0);
            return;
        }
        for (at, sample) in frame.iter_mut().enumerate() {
            let risen = at.min(fade);
            let share = if is_down { fade - risen } else { risen };
            *sample = i16::try_from(i32::from(*sample) * share as i32 / fade as i32).unwrap_or_default();
        }
        if !is_down {
            self.veil = None;
        }
    }

    /// The next 20 ms as they come, in the frame.
    fn hear(&mut self, now: Instant, codec_of: &impl Fn(u8) -> Option<Codec>) {
        let samples = self.samples();
        let heard = self.next_frame(now, codec_of);
        let frame = &mut self.frame[..samples];
        self.quiet = if heard == Heard::Sound { 0 } else { self.quiet.saturating_add(1) };
        self.heard = match (heard, &mut self.comfort) {
            (Heard::Sound, comfort) => {
                if self.spoke_since && comfort.is_some() {
                    *comfort = None;
                }
                self.concealer.good(frame);
                heard
            }
            // The decoder's own guess needs no other.
            (Heard::Guessed, _) => {
                self.concealer.good(frame);
                Heard::Concealed
            }
            // Not lost, but never sent.
            (Heard::Concealed | Heard::Nothing | Heard::Noise, Some(noise)) if !self.spoke_since => {
                noise.fill(frame);
                self.concealer.good(frame);
                self.quiet = 0;
                Heard::Noise
            }
            // Fades what was last heard, then is silence.
            (Heard::Concealed | Heard::Nothing | Heard::Noise, _) => {
                self.concealer.conceal(frame);
                heard
            }
        };
    }
}
