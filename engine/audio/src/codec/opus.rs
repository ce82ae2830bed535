//! Opus (RFC 6716) as a telephone needs it: wide-band mono, 20 ms frames, in-band FEC both ways.

use opus::{Application, Bandwidth, Bitrate, Channels, Signal};

/// Samples a second in and out. The wire's clock is 48 kHz all the same (RFC 7587 §4.1); everything Opus is mixed with here
/// is narrower, so more would cost and bring nothing. What is relayed undecoded keeps its full band.
const RATE: u32 = 16_000;
/// Bits a second: transparent wide-band speech with room for FEC (RFC 7587 §3.1.1 asks 16–20 kbit/s without).
const BITRATE: i32 = 24_000;
/// Loss in percent that FEC is weighed for: the worst at which conversation is pleasant.
const EXPECTED_LOSS: i32 = 10;
/// Hardest and default effort (libopus' `complexity`, 0–10). Prompts are encoded once, at the hardest.
pub(super) const COMPLEXITY_MAX: u8 = 10;

/// Opus payloads → samples. About 26 kB. Stereo is mixed down by the decoder itself.
pub struct OpusDecoder {
    /// `None` only when libopus had no memory; then everything is silence.
    inner: Option<opus::Decoder>,
}

impl OpusDecoder {
    pub(super) fn new() -> Self {
        Self { inner: opus::Decoder::new(RATE, Channels::Mono).ok() }
    }

    /// A packet; an empty or broken one, or one that does not fit, gives nothing.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> usize {
        if payload.is_empty() {
            return 0;
        }
        self.inner.as_mut().and_then(|inner| inner.decode(payload, out, false).ok()).unwrap_or(0)
    }

    /// Fills `out` (whole multiples of 2.5 ms) with what the decoder thinks was lost.
    pub(super) fn conceal(&mut self, out: &mut [i16]) -> usize {
        self.inner.as_mut().and_then(|inner| inner.decode(&[], out, false).ok()).unwrap_or(0)
    }

    /// Fills `out` with the lost sound before `next`, from the copy that `next` carries (or by guessing, when it has none).
    pub(super) fn recover(&mut self, next: &[u8], out: &mut [i16]) -> usize {
        self.inner.as_mut().and_then(|inner| inner.decode(next, out, true).ok()).unwrap_or(0)
    }
}

/// Samples → Opus payloads, one packet for each call. About 30 kB.
pub struct OpusEncoder {
    inner: Option<opus::Encoder>,
}

impl OpusEncoder {
    /// `complexity` 0 (cheap) – 10 (best).
    pub(super) fn new(complexity: u8) -> Self {
        let make = || -> opus::Result<opus::Encoder> {
            let mut encoder = opus::Encoder::new(RATE, Channels::Mono, Application::Voip)?;
            encoder.set_bitrate(Bitrate::Bits(BITRATE))?;
            encoder.set_complexity(i32::from(complexity.min(COMPLEXITY_MAX)))?;
            encoder.set_max_bandwidth(Bandwidth::Wideband)?;
            encoder.set_signal(Signal::Auto)?;
            encoder.set_inband_fec(true)?;
            encoder.set_packet_loss_perc(EXPECTED_LOSS)?;
            Ok(encoder)
        };
        Self { inner: make().ok() }
    }

    /// 10, 20, 40 or 60 ms become one packet; anything else, or too short an `out`, gives nothing.
    pub(super) fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> usize {
        self.inner.as_mut().and_then(|inner| inner.encode(samples, out).ok()).unwrap_or(0)
    }
}

/// How long a packet lasts, in eighths of a millisecond; `None`: no Opus packet.
pub(super) fn ticks(payload: &[u8]) -> Option<u32> {
    opus::packet::get_nb_samples(payload, 8_000).ok().and_then(|samples| u32::try_from(samples).ok()).filter(|ticks| *ticks > 0)
}

/// The table of contents of a packet that holds exactly one frame (RFC 6716 §3.1: code 0).
fn single(packet: &[u8]) -> Option<(u8, &[u8])> {
    packet.split_first().filter(|(toc, _)| *toc & 3 == 0).map(|(toc, frame)| (*toc, frame))
}

/// Joins packets of one frame each into one packet (RFC 6716 §3.2.5, code 3). Answers its length and how many were joined:
/// as many from the first on as are alike and fit `out`. Nothing is allocated.
#[must_use]
pub fn join<'a>(packets: impl Iterator<Item = &'a [u8]> + Clone, out: &mut [u8]) -> Option<(usize, usize)> {
    let (toc, _) = packets.clone().next().and_then(single)?;
    let alike = || packets.clone().map_while(|packet| single(packet).filter(|(other, _)| *other == toc).map(|(_, frame)| frame));
    let count = alike().count();
    if count < 2 {
        return None;
    }
    let (mut at, count_byte) = (2, 0x80 | u8::try_from(count).ok().filter(|count| *count <= 48)?);
    *out.get_mut(0)? = toc | 3;
    *out.get_mut(1)? = count_byte;
    for frame in alike().take(count - 1) {
        // RFC 6716 §3.2.1: one byte below 252, else two.
        if frame.len() < 252 {
            *out.get_mut(at)? = frame.len() as u8;
            at += 1;
        } else {
            let first = 252 + (frame.len() & 3);
            *out.get_mut(at)? = first as u8;
            *out.get_mut(at + 1)? = u8::try_from((frame.len() - first) >> 2).ok()?;
            at += 2;
        }
    }
    for frame in alike() {
        out.get_mut(at..at + frame.len())?.copy_from_slice(frame);
        at += frame.len();
    }
    Some((at, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_packets_are_read_as_one() {
        let mut encoder = OpusEncoder::new(5);
        let frames: Vec<Vec<u8>> = (0..6)
            .map(|n| {
                let samples: Vec<i16> = (0..320).map(|at| (f32::sin((n * 320 + at) as f32 * 0.1) * 9_000.0) as i16).collect();
                let mut out = [0; 400];
                let length = encoder.encode(&samples, &mut out);
                out[..length].to_vec()
            })
            .collect();
        let alike = &frames[3..];
        let mut out = [0; 1_000];
        let (length, count) = join(alike.iter().map(Vec::as_slice), &mut out).unwrap();
        assert_eq!((count, ticks(&out[..length])), (3, Some(480)));
        // The decoder hears the same in one piece as in three.
        let (mut one, mut three) = (OpusDecoder::new(), OpusDecoder::new());
        let (mut whole, mut parts) = ([0; 960], [0; 960]);
        assert_eq!(one.decode(&out[..length], &mut whole), 960);
        for (frame, part) in alike.iter().zip(parts.chunks_mut(320)) {
            assert_eq!(three.decode(frame, part), 320);
        }
        assert_eq!(whole, parts);
        assert_eq!(join(alike.iter().map(Vec::as_slice), &mut out[..20]), None, "too little room");
        assert_eq!(join(std::iter::once(&frames[0][..]), &mut out), None);
        assert_eq!((ticks(&[]), ticks(&[0x08 | 3, 0])), (None, None));
    }

    /// Fills in for a lost packet, from the next one if it can.
    type Heal = fn(&mut OpusDecoder, &[u8], &mut [i16]) -> usize;

    #[test]
    fn a_lost_packet_is_recovered_from_the_next() {
        // Speech-like: a pitch of 130 Hz with harmonics, swelling, so that the codec uses its speech mode, which has FEC.
        let sound: Vec<i16> = (0..16_000)
            .map(|n| {
                let t = n as f32 / 16_000.0;
                let voice: f32 = (1..12).map(|h| (t * 130.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
                (voice * 5_000.0 * (0.6 + 0.4 * (t * 25.0).sin())) as i16
            })
            .collect();
        let mut encoder = OpusEncoder::new(10);
        let packets: Vec<Vec<u8>> = sound
            .chunks_exact(320)
            .map(|frame| {
                let mut out = [0; 400];
                let length = encoder.encode(frame, &mut out);
                out[..length].to_vec()
            })
            .collect();
        let error = |heal: Heal| {
            let (mut whole, mut holey) = (OpusDecoder::new(), OpusDecoder::new());
            let (mut difference, mut power) = (0.0, 0.0);
            for (n, packet) in packets.iter().enumerate() {
                let (mut a, mut b) = ([0; 320], [0; 320]);
                whole.decode(packet, &mut a);
                if n % 7 == 6 && n + 1 < packets.len() {
                    assert_eq!(heal(&mut holey, &packets[n + 1], &mut b), 320);
                    difference += a.iter().zip(&b).map(|(a, b)| f64::from(i32::from(*a) - i32::from(*b)).powi(2)).sum::<f64>();
                    power += a.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>();
                } else {
                    holey.decode(packet, &mut b);
                }
            }
            difference / power
        };
        let recovered = error(OpusDecoder::recover);
        let guessed = error(|decoder, _, out| decoder.conceal(out));
        assert!(recovered < guessed * 0.7, "with FEC {recovered:.3}, without {guessed:.3} of the power");
    }
}
