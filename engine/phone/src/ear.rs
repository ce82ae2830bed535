//! Media of one phone: G.711 and RFC 4733 in 20 ms packets, out and in, as a pure machine.
//!
//! Out: while there is a route that may send, one packet every 20 ms: a digit being pressed, else what is being
//! spoken, else silence, as a real phone does. In: see [`crate::recorder`].

use crate::chance::Chance;
use crate::g711;
use crate::limits::{FRAME, KEY_DOWN, KEY_UP, KEY_WAIT, RATE, TICK};
use crate::packet::{self, Packet};
use crate::recorder::{HeardTone, Recorder};
use crate::sound::Sound;
use crate::stream::{self, Came, Stream};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terms::{Codec, Digit};

/// Where media goes and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The far end's RTP address.
    pub remote: SocketAddr,
    /// The codec spoken and heard.
    pub codec: Codec,
    /// The payload type to send it as.
    pub payload_type: u8,
    /// The payload type of telephone-event, where agreed.
    pub event_type: Option<u8>,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the far end may send.
    pub receives: bool,
}

/// A key in the row of those to press.
#[derive(Clone, Copy, Debug)]
enum Key {
    Digit(Digit),
    Wait,
}

/// What the sender does besides speaking.
#[derive(Clone, Copy, Debug)]
enum Finger {
    Free,
    /// A key is down: its event began at this timestamp, so many frames ago.
    Down { digit: Digit, began: u32, frames: u32 },
    /// No key is down, and none goes down for so many frames.
    Up { frames: u32 },
}

/// An outgoing RTP stream.
#[derive(Debug)]
struct Sender {
    next: Instant,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    fresh: bool,
}

/// The ear and mouth of a phone.
#[derive(Debug)]
pub struct Ear {
    chance: Chance,
    route: Option<Route>,
    sender: Option<Sender>,
    mouth: Option<(Sound, usize, bool)>,
    keys: VecDeque<Key>,
    finger: Finger,
    recorder: Recorder,
    digits: String,
    events_seen: VecDeque<(u32, u32)>,
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    received: u64,
    sent: u64,
    /// When the first media of the call could flow, and every packet since.
    began: Option<Instant>,
    stream: Stream,
}

/// Further behind than this, the stream jumps instead of sending a burst.
const BEHIND_MAX: Duration = Duration::from_millis(200);
/// Events remembered so that their repetitions do not count again.
const EVENTS_REMEMBERED: usize = 16;
/// Most digits remembered.
const DIGITS_MAX: usize = 1_000;
/// Times the end of an event is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u32 = 3;

const fn frames_of(span: Duration) -> u32 {
    (span.as_millis() / TICK.as_millis()) as u32
}

impl Ear {
    /// An ear that hears nothing yet; the seed gives SSRC, first sequence number and timestamp.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            route: None,
            sender: None,
            mouth: None,
            keys: VecDeque::new(),
            finger: Finger::Free,
            recorder: Recorder::default(),
            digits: String::new(),
            events_seen: VecDeque::new(),
            out: VecDeque::new(),
            received: 0,
            sent: 0,
            began: None,
            stream: Stream::default(),
        }
    }

    /// Media flows like this from now on; `None`: not at all. The first route begins the recording.
    pub fn set_route(&mut self, route: Option<Route>, now: Instant) {
        self.route = route;
        if route.is_some() {
            self.recorder.begin(now);
            self.began.get_or_insert(now);
        }
        let sends = route.is_some_and(|r| r.sends);
        match (&self.sender, sends) {
            (None, true) => {
                let [sequence, timestamp, ssrc] = [self.chance.next(), self.chance.next(), self.chance.next()];
                #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
                let sender = Sender { next: now, sequence: sequence as u16 & 0x7fff, timestamp: timestamp as u32, ssrc: ssrc as u32, fresh: true };
                self.sender = Some(sender);
            }
            (Some(_), false) => {
                self.sender = None;
                self.finger = Finger::Free;
                self.keys.clear();
            }
            (Some(_), true) | (None, false) => {}
        }
    }

    /// Forgets what was heard and said, before another call.
    pub fn clear(&mut self) {
        let chance = self.chance.next();
        *self = Self::new(chance);
    }

    /// An RTP packet, or what pretends to be one.
    pub fn handle(&mut self, _from: SocketAddr, bytes: &[u8], now: Instant) {
        let (Some(route), Some(packet)) = (self.route, Packet::read(bytes)) else { return };
        self.received += 1;
        let at = stream::since(self.began, now);
        self.stream.came(Came { at, ssrc: packet.ssrc, sequence: packet.sequence, timestamp: packet.timestamp });
        if Some(packet.payload_type) == route.event_type {
            self.hear_event(&packet);
            return;
        }
        let codec = match packet.payload_type {
            pt if pt == route.payload_type => route.codec,
            0 => Codec::Pcmu,
            8 => Codec::Pcma,
            _ => return,
        };
        let audio: Vec<i16> = packet.payload.iter().map(|byte| g711::decode(codec, *byte)).collect();
        self.recorder.hear(packet.ssrc, packet.timestamp, &audio, now);
    }

    fn hear_event(&mut self, packet: &Packet<'_>) {
        let key = (packet.ssrc, packet.timestamp);
        if self.events_seen.contains(&key) {
            return;
        }
        let Some(digit) = packet::read_event(packet.payload).and_then(|(code, _, _)| Digit::from_event(code)) else { return };
        self.events_seen.push_back(key);
        if self.events_seen.len() > EVENTS_REMEMBERED {
            self.events_seen.pop_front();
        }
        if self.digits.len() < DIGITS_MAX {
            self.digits.push(digit.as_char());
        }
    }

    /// Time passed: packets that are due go out.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(sender) = &mut self.sender else { return };
        if let Some(late) = now.checked_duration_since(sender.next + BEHIND_MAX) {
            let frames = frames_of(late);
            sender.next += TICK * frames;
            sender.timestamp = sender.timestamp.wrapping_add(frames * FRAME as u32);
        }
        while self.sender.as_ref().is_some_and(|s| s.next <= now) {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let (Some(route), Some(sender)) = (self.route, &mut self.sender) else { return };
        if matches!(self.finger, Finger::Free) {
            self.finger = match (self.keys.pop_front(), route.event_type) {
                (Some(Key::Digit(digit)), Some(_)) => Finger::Down { digit, began: sender.timestamp, frames: 0 },
                (Some(Key::Wait), _) => Finger::Up { frames: frames_of(KEY_WAIT) },
                (Some(Key::Digit(_)) | None, _) => Finger::Free,
            };
        }
        let mut packets: Vec<(u8, bool, u32, Vec<u8>)> = Vec::with_capacity(1);
        match self.finger {
            Finger::Down { digit, began, frames } => {
                let done = frames + 1 >= frames_of(KEY_DOWN);
                let duration = u16::try_from((frames + 1) * FRAME as u32).unwrap_or(u16::MAX);
                let copies = if done { END_PACKETS } else { 1 };
                for _ in 0..copies {
                    let payload = packet::event(digit.event(), done, duration).to_vec();
                    packets.push((route.event_type.unwrap_or(crate::description::EVENT_TYPE), frames == 0, began, payload));
                }
                self.finger = if done { Finger::Up { frames: frames_of(KEY_UP) } } else { Finger::Down { digit, began, frames: frames + 1 } };
            }
            Finger::Up { frames } => {
                self.finger = if frames <= 1 { Finger::Free } else { Finger::Up { frames: frames - 1 } };
                packets.push((route.payload_type, sender.fresh, sender.timestamp, speak(&mut self.mouth, route.codec)));
            }
            Finger::Free => packets.push((route.payload_type, sender.fresh, sender.timestamp, speak(&mut self.mouth, route.codec))),
        }
        sender.fresh = false;
        for (payload_type, marker, timestamp, payload) in packets {
            let packet = Packet { marker, payload_type, sequence: sender.sequence, timestamp, ssrc: sender.ssrc, payload: &payload };
            self.out.push_back((route.remote, packet.write()));
            sender.sequence = sender.sequence.wrapping_add(1);
            self.sent += 1;
        }
        sender.timestamp = sender.timestamp.wrapping_add(FRAME as u32);
        sender.next += TICK;
    }

    /// When the next packet is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sender.as_ref().map(|s| s.next)
    }

    /// The next packet to send.
    pub fn poll_output(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.out.pop_front()
    }

    /// Speak this from now on; `over_and_over` repeats it until [`Ear::hush`].
    pub fn speak(&mut self, sound: Sound, over_and_over: bool) {
        self.mouth = (!sound.samples().is_empty()).then_some((sound, 0, over_and_over));
    }

    /// Stop speaking.
    pub fn hush(&mut self) {
        self.mouth = None;
    }

    /// Whether something is left to say.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.mouth.is_some()
    }

    /// Press these digits one after the other; `w` and `,` wait 500 ms, other characters are skipped.
    pub fn press(&mut self, digits: &str) {
        self.keys.extend(digits.chars().filter_map(|c| match c {
            'w' | 'W' | ',' => Some(Key::Wait),
            c => Digit::try_from(c).ok().map(Key::Digit),
        }));
    }

    /// Whether keys are down or still to be pressed.
    #[must_use]
    pub fn is_pressing(&self) -> bool {
        !self.keys.is_empty() || !matches!(self.finger, Finger::Free)
    }

    /// Whether digits can be sent by RFC 4733 now.
    #[must_use]
    pub fn can_press(&self) -> bool {
        self.sender.is_some() && self.route.is_some_and(|r| r.event_type.is_some())
    }

    /// Everything heard since the media of the call began: mono PCM at 8 kHz, gaps as silence.
    #[must_use]
    pub fn heard(&self) -> &[i16] {
        self.recorder.samples()
    }

    /// Every packet received in the call.
    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Digits received by RFC 4733, each once.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Packets received and sent.
    #[must_use]
    pub const fn packets(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// Sound heard in all: the packets whose level was above −45 dBFS.
    #[must_use]
    pub const fn sound(&self) -> Duration {
        self.recorder.sound
    }

    /// When sound was heard last.
    #[must_use]
    pub const fn last_sound(&self) -> Option<Instant> {
        self.recorder.last_sound
    }

    /// The longest time between sounds (above −45 dBFS): from the beginning of media, and up to the last packet.
    #[must_use]
    pub const fn longest_silence(&self) -> Duration {
        self.recorder.longest_silence
    }

    pub(crate) fn current_tone(&self) -> Option<f32> {
        self.recorder.current_tone()
    }

    pub(crate) fn tones(&self) -> &[HeardTone] {
        &self.recorder.tones
    }
}

/// The next 20 ms of what is being said, or silence, encoded.
fn speak(mouth: &mut Option<(Sound, usize, bool)>, codec: Codec) -> Vec<u8> {
    let mut frame = [0_i16; FRAME];
    let mut finished = false;
    if let Some((sound, at, over_and_over)) = mouth {
        for place in &mut frame {
            if *at >= sound.samples().len() {
                if !*over_and_over {
                    finished = true;
                    break;
                }
                *at = 0;
            }
            *place = sound.samples().get(*at).copied().unwrap_or(0);
            *at += 1;
        }
        finished |= !*over_and_over && *at >= sound.samples().len();
    }
    if finished {
        *mouth = None;
    }
    frame.iter().map(|sample| g711::encode(codec, *sample)).collect()
}

// The clock of G.711 is that of the samples.
const _: () = assert!(RATE == 8_000);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
mod tests {
    use super::*;
    use crate::tone::tone_share;
    use proptest::prelude::*;

    fn pair(codec: Codec) -> (Ear, Ear, Instant) {
        let now = Instant::now();
        let route = Route { remote: "127.0.0.1:9".parse().unwrap(), codec, payload_type: codec.payload_type(), event_type: Some(101), sends: true, receives: true };
        let (mut a, mut b) = (Ear::new(1), Ear::new(2));
        a.set_route(Some(route), now);
        b.set_route(Some(route), now);
        (a, b, now)
    }

    fn run(a: &mut Ear, b: &mut Ear, from: Instant, span: Duration, mut lose: impl FnMut(u64) -> bool) -> Instant {
        let end = from + span;
        let mut count = 0;
        while let Some(now) = a.poll_timeout().filter(|at| *at < end) {
            a.handle_timeout(now);
            while let Some((to, bytes)) = a.poll_output() {
                count += 1;
                if !lose(count) {
                    b.handle(to, &bytes, now);
                }
            }
        }
        end
    }

    #[test]
    fn a_spoken_tone_is_heard_and_measured() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let (mut a, mut b, now) = pair(codec);
            a.speak(Sound::tone(1_000.0, -10.0, Duration::from_millis(500)), false);
            assert!(a.is_speaking());
            run(&mut a, &mut b, now, Duration::from_secs(1), |_| false);
            assert!(!a.is_speaking());
            assert_eq!(b.heard().len(), 8_000);
            assert!(tone_share(&b.heard()[..4_000], 1_000.0) > 0.97);
            assert!(b.heard()[4_000..].iter().all(|s| s.abs() <= 8), "silence after it");
            assert_eq!(b.sound(), Duration::from_millis(500));
            assert_eq!(b.tones().len(), 1);
        }
    }

    #[test]
    fn digits_are_counted_once_also_when_packets_are_lost() {
        for every in [2_u64, 3, 5, 1_000] {
            let (mut a, mut b, now) = pair(Codec::Pcmu);
            a.press("15w#9");
            run(&mut a, &mut b, now, Duration::from_secs(2), |n| n % every == 0);
            assert!(!a.is_pressing());
            assert_eq!(b.digits(), "15#9");
        }
    }

    #[test]
    fn who_may_not_send_does_not() {
        let (mut a, mut b, now) = pair(Codec::Pcmu);
        let route = a.route.unwrap();
        a.set_route(Some(Route { sends: false, ..route }), now);
        run(&mut a, &mut b, now, Duration::from_secs(1), |_| false);
        assert_eq!(b.packets().0, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nonsense_never_panics(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let (_, mut b, now) = pair(Codec::Pcmu);
            for (n, mut bytes) in packets.into_iter().enumerate() {
                if let Some(first) = bytes.first_mut() { *first = *first & 0x3f | 0x80; }
                b.handle("127.0.0.1:1".parse().unwrap(), &bytes, now + Duration::from_millis(n as u64));
            }
        }
    }
}
