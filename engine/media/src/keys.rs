//! Keys of one leg, by whichever way they come: each press is told once.
//!
//! ```text
//! telephone event ─┐                      ┌─▶ Event::Digit         (the first way that brings a press)
//! INFO            ─┼─▶ believed? ─▶ known? ┤
//! tone            ─┘                      └─▶ Event::DigitDropped  (another way brings the same one, or is not believed)
//! ```
//! The same key by another way is the same press when it comes within [`SAME_KEY`] of the last sign of it; by the same way it is
//! a new one. So each way's presses are counted off against those of the others, and no order or delay makes two of one.

use crate::limits::{HELD_BYTES_MAX, PRESSES_MAX, REORDER_MAX, SAME_KEY};
use arrayvec::ArrayVec;
use audio::{Decoder, KeyDetector, PACKET_SAMPLES_MAX, Tone, packet_ticks};
use rtp::Packet;
use std::time::Instant;
use terms::{Codec, Digit, KeyWay};

/// Why a key that came is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is the press that this way brought before.
    SameAs(KeyWay),
    /// The leg's [`terms::Dtmf`] does not believe its way.
    NotBelieved,
}

/// One press and the ways that have brought it.
#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    first: KeyWay,
    ways: [bool; KeyWay::ALL.len()],
    /// The last sign of it.
    last: Instant,
}

/// The presses of a short while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presses {
    recent: ArrayVec<Press, PRESSES_MAX>,
}

impl Presses {
    /// A key came: `None` when it is news, else the way by which it is known.
    pub(crate) fn come(&mut self, digit: Digit, way: KeyWay, now: Instant) -> Option<KeyWay> {
        self.recent.retain(|press| now.saturating_duration_since(press.last) < SAME_KEY);
        if let Some(known) = self.recent.iter_mut().find(|press| press.digit == digit && !press.ways[way.index()]) {
            known.ways[way.index()] = true;
            known.last = now;
            return Some(known.first);
        }
        if self.recent.is_full() {
            self.recent.remove(0);
        }
        let mut ways = [false; KeyWay::ALL.len()];
        ways[way.index()] = true;
        self.recent.push(Press { digit, first: way, ways, last: now });
        None
    }

    /// The finger is still down: another way may tell a key only when it comes up.
    pub(crate) fn go_on(&mut self, digit: Digit, way: KeyWay, now: Instant) {
        if let Some(press) = self.recent.iter_mut().rev().find(|press| press.digit == digit && press.ways[way.index()]) {
            press.last = now;
        }
    }
}

/// A packet that came before its turn.
struct Held {
    timestamp: u32,
    length: usize,
    bytes: [u8; HELD_BYTES_MAX],
}

/// Listens for keys in a leg's sound, packet by packet as it comes: no jitter buffer delays it, and what is lost stays a gap. About
/// 1.5 kB, made only where tones are listened for, and a decoder (G.722, Opus and GSM have memory).
pub(crate) struct Tones {
    detector: KeyDetector,
    decoder: Decoder,
    /// The timestamp after the last sound heard.
    next: Option<u32>,
    held: Held,
    down: Option<Digit>,
}

impl Tones {
    pub(crate) fn new(codec: Codec) -> Self {
        let held = Held { timestamp: 0, length: 0, bytes: [0; HELD_BYTES_MAX] };
        Self { detector: KeyDetector::new(), decoder: Decoder::new(codec), next: None, held, down: None }
    }

    /// The key whose tone sounds now.
    pub(crate) const fn down(&self) -> Option<Digit> {
        self.down
    }

    /// Whether a key's tone may have begun.
    pub(crate) fn suspects(&self) -> bool {
        self.detector.suspects()
    }

    /// The source began anew, or uses another codec.
    pub(crate) fn reset(&mut self, codec: Codec) {
        if self.decoder.codec() != codec {
            self.decoder = Decoder::new(codec);
        }
        self.detector = KeyDetector::new();
        (self.next, self.held.length, self.down) = (None, 0, None);
    }

    /// A packet of sound came: the key that was pressed in it, if any. (A packet is shorter than two keys; of a longer one the
    /// last counts.)
    pub(crate) fn hear(&mut self, packet: &Packet<'_>, codec: Codec) -> Option<Digit> {
        if self.decoder.codec() != codec {
            self.reset(codec);
        }
        let mut pressed = None;
        let next = *self.next.get_or_insert(packet.timestamp);
        let ahead = packet.timestamp.wrapping_sub(next).cast_signed();
        let longest = i32::try_from(REORDER_MAX.as_millis()).unwrap_or(0) * (codec.clock_rate() / 1_000).cast_signed();
        if ahead < -longest {
            // Another clock.
            self.reset(codec);
            self.next = Some(packet.timestamp);
        } else if ahead < 0 {
            return None;
        } else if ahead > 0 && ahead <= longest && self.held.length == 0 && packet.payload.len() <= HELD_BYTES_MAX {
            self.held.timestamp = packet.timestamp;
            self.held.length = packet.payload.len();
            self.held.bytes[..packet.payload.len()].copy_from_slice(packet.payload);
            return None;
        } else if ahead > 0 {
            // A second one before its turn: what is missing will not come.
            self.take_held(&mut pressed);
        }
        self.take(packet.timestamp, packet.payload, &mut pressed);
        if self.held.length > 0 && self.next == Some(self.held.timestamp) {
            self.take_held(&mut pressed);
        }
        pressed
    }

    fn take_held(&mut self, pressed: &mut Option<Digit>) {
        let (timestamp, length, bytes) = (self.held.timestamp, std::mem::take(&mut self.held.length), self.held.bytes);
        if let Some(payload) = bytes.get(..length).filter(|payload| !payload.is_empty()) {
            self.take(timestamp, payload, pressed);
        }
    }

    /// The next sound, after a gap or none.
    fn take(&mut self, timestamp: u32, payload: &[u8], pressed: &mut Option<Digit>) {
        let codec = self.decoder.codec();
        let units = codec.clock_rate() / 8_000;
        let gap = self.next.map_or(0, |next| timestamp.wrapping_sub(next).cast_signed());
        let Some(ticks) = packet_ticks(codec, payload).filter(|_| gap >= 0) else { return };
        let down = &mut self.down;
        let mut told = |tone| match tone {
            Tone::Pressed(digit) => {
                *down = Some(digit);
                *pressed = Some(digit);
            }
            Tone::Released(_) => *down = None,
        };
        self.detector.lose((gap.cast_unsigned() / units) as usize, &mut told);
        let mut sound = [0; PACKET_SAMPLES_MAX];
        let count = self.decoder.decode(payload, &mut sound);
        let sound = sound.get(..count).unwrap_or_default();
        if codec.sample_rate() == 8_000 {
            self.detector.hear(sound, &mut told);
        } else {
            self.detector.hear_wide(sound, &mut told);
        }
        self.next = Some(timestamp.wrapping_add(ticks * units));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Encoder, resample, tone};
    use std::time::Duration;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn start() -> Instant {
        Instant::now()
    }

    /// RELIABILITY M7: two presses of one key, each by three ways, in every order and with every delay that happens: two are told.
    #[test]
    fn m7_two_presses_by_three_ways_are_two_in_every_order() {
        let five = Digit::try_from('5').unwrap();
        let delays = [0_u64, 20, 60, 120, 250, 400, 550];
        let begin = start();
        for apart in [80, 160, 300, 1_000, 3_000] {
            for event in delays {
                for info in delays {
                    for tone in delays {
                        let mut came: Vec<(u64, KeyWay)> = [0, apart]
                            .into_iter()
                            .flat_map(|press| [(press + event, KeyWay::Event), (press + info, KeyWay::Info), (press + tone, KeyWay::Tone)])
                            .collect();
                        came.sort_by_key(|(at, _)| *at);
                        let mut presses = Presses::default();
                        let told: Vec<u64> = came
                            .iter()
                            .filter(|(at, way)| presses.come(five, *way, begin + Duration::from_millis(*at)).is_none())
                            .map(|(at, _)| *at)
                            .collect();
                        assert_eq!(told.len(), 2, "{apart} ms apart, delays {event} {info} {tone}: {told:?}");
                        // Never later than by the fastest way.
                        assert_eq!(told, [0, apart].map(|press| press + event.min(info).min(tone)));
                    }
                }
            }
        }
    }

    #[test]
    fn other_keys_and_one_way_alone_are_never_the_same() {
        let mut presses = Presses::default();
        let begin = start();
        for (at, key) in "5555123".chars().enumerate() {
            let digit = Digit::try_from(key).unwrap();
            assert_eq!(presses.come(digit, KeyWay::Info, begin + Duration::from_millis(80 * at as u64)), None);
        }
        // A key held for long is told by another way when it comes up.
        let nine = Digit::try_from('9').unwrap();
        let mut now = begin + Duration::from_secs(9);
        assert_eq!(presses.come(nine, KeyWay::Tone, now), None);
        for _ in 0..100 {
            now += Duration::from_millis(50);
            presses.go_on(nine, KeyWay::Tone, now);
        }
        assert_eq!(presses.come(nine, KeyWay::Info, now + Duration::from_millis(300)), Some(KeyWay::Tone));
        assert_eq!(presses.come(nine, KeyWay::Info, now + Duration::from_millis(310)), None);
    }

    /// The packets of a key of 100 ms between silences.
    fn packets(codec: Codec, keys: &str) -> Vec<(u32, Vec<u8>)> {
        let mut samples = vec![0; 1_600];
        for key in keys.chars() {
            samples.extend_from_slice(&tone::dtmf(Digit::try_from(key).unwrap()).sound().samples);
        }
        samples.resize(samples.len() + 3_200, 0);
        let pcm = resample(&audio::Pcm { rate: 16_000, samples }, codec.sample_rate());
        let mut encoder = Encoder::new(codec);
        (0..)
            .zip(pcm.samples.chunks_exact(codec.frame_samples()))
            .map(|(at, frame): (u32, _)| {
                let mut payload = [0; 400];
                let length = encoder.encode(frame, &mut payload);
                (at * codec.clock_rate() / 50, payload[..length].to_vec())
            })
            .collect()
    }

    fn heard(codec: Codec, packets: &[(u32, Vec<u8>)]) -> String {
        let mut tones = Tones::new(codec);
        let keys = packets.iter().filter_map(|(timestamp, payload)| {
            let timestamp = timestamp.wrapping_sub(700);
            tones.hear(&Packet { marker: false, payload_type: 0, sequence: 0, timestamp, ssrc: 1, payload }, codec)
        });
        keys.map(Digit::as_char).collect()
    }

    #[test]
    fn keys_are_heard_in_the_sound_of_every_codec_but_gsm() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            assert_eq!(heard(codec, &packets(codec, "0123456789*#ABCD5577")), "0123456789*#ABCD5577", "{codec}");
        }
    }

    #[test]
    fn packets_out_of_order_and_doubled_change_nothing_and_a_lost_one_little() {
        let sent = packets(Codec::Pcma, "1590#");
        let mut swapped = sent.clone();
        swapped.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        let doubled: Vec<_> = sent.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
        let lost: Vec<_> = sent.iter().enumerate().filter(|(at, _)| at % 5 != 2).map(|(_, packet)| packet.clone()).collect();
        for story in [&sent, &swapped, &doubled, &lost] {
            assert_eq!(heard(Codec::Pcma, story), "1590#");
        }
        // The sender's clock jumps back and far ahead.
        let mut jumps = sent.clone();
        jumps.extend(sent.iter().map(|(timestamp, payload)| (timestamp.wrapping_sub(100_000), payload.clone())));
        jumps.extend(sent.iter().map(|(timestamp, payload)| (timestamp.wrapping_add(1_000_000_000), payload.clone())));
        assert_eq!(heard(Codec::Pcma, &jumps), "1590#1590#1590#");
    }
}
