//! What we say on one stream: one SSRC, one row of sequence numbers, one run of timestamps, whatever feeds it:
//! our own audio, keys (RFC 4733) or another leg's packets relayed undecoded.

use crate::{
    limits::{CLOCK_RATE, HEADER_BYTES},
    packet::Packet,
};
use std::time::{Duration, Instant};

/// Sequence numbers a relayed source may jump before its offset is set anew (RFC 3550 A.1 MAX_DROPOUT).
const RELAY_JUMP_PACKETS: u16 = 3_000;
/// How far a relayed source's timestamps may jump before its offset is set anew: longer than any pause in speech.
const RELAY_JUMP: Duration = Duration::from_secs(60);

/// What has been sent, for RTCP (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentCounts {
    /// Packets, wraps as on the wire.
    pub packets: u32,
    /// Payload bytes without headers, wraps as on the wire.
    pub octets: u32,
}

/// Writes the packets of one outgoing stream. No allocation, no clock.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    /// Timestamp units a second.
    clock_rate: u32,
    /// Of the next packet.
    sequence: u16,
    /// Of the next own packet.
    timestamp: u32,
    /// The next own packet begins a talk spurt.
    fresh: bool,
    counts: SentCounts,
    /// When a timestamp was last sent as "now".
    anchor: Option<(Instant, u32)>,
    relaying: Option<Relaying>,
}

/// How a source's numbers become ours.
#[derive(Clone, Copy, Debug)]
struct Relaying {
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The source's newest numbers.
    sequence: u16,
    timestamp: u32,
    /// How far its sequence numbers have come since the offset was set: older ones would collide with what we sent before.
    progress: u32,
}

impl Sender {
    /// A stream whose SSRC and first sequence number and timestamp come from `seed` (must be unguessable in production).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (first, second) = (splitmix(seed), splitmix(seed.wrapping_add(1)));
        Self {
            ssrc: (first >> 32) as u32,
            clock_rate: CLOCK_RATE,
            // RFC 3711 §3.3.1 and common peers: begin in the lower half, so that the first wrap is far away.
            sequence: (first as u16) & 0x7fff,
            timestamp: second as u32,
            fresh: true,
            counts: SentCounts::default(),
            anchor: None,
            relaying: None,
        }
    }
    /// What is sent from `now` on counts `clock_rate` timestamp units a second (8 000 to begin with): another codec was
    /// agreed. Numbers go on from where they are; the next packet carries the marker.
    pub fn set_clock_rate(&mut self, clock_rate: u32, now: Instant) {
        if clock_rate == self.clock_rate {
            return;
        }
        self.timestamp = self.caught_up(now);
        self.clock_rate = clock_rate;
        self.anchor = self.anchor.map(|_| (now, self.timestamp));
        self.relaying = None;
        self.fresh = true;
    }
    /// Timestamp units a second.
    #[must_use]
    pub const fn clock_rate(&self) -> u32 {
        self.clock_rate
    }
    /// Our SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }
    /// The timestamp the next own packet will carry.
    #[must_use]
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }
    /// What has been sent.
    #[must_use]
    pub const fn counts(&self) -> SentCounts {
        self.counts
    }

    /// Writes one packet of own audio at the current timestamp into `into` and moves the timestamp on by `ticks` (160 for
    /// 20 ms at 8000 Hz, see [`clock_ticks`]). The marker is set on the first packet ever and on the first after a [`Sender::skip`] or a relay.
    /// Returns the packet's length, or 0 (and nothing sent) when `into` is shorter than 12 + `payload`.
    pub fn write(&mut self, payload_type: u8, payload: &[u8], ticks: u32, now: Instant, into: &mut [u8]) -> usize {
        if into.len() < HEADER_BYTES + payload.len() {
            return 0;
        }
        if self.relaying.take().is_some() {
            self.timestamp = self.caught_up(now);
            self.fresh = true;
        }
        let length = self.put(self.sequence, self.timestamp, self.fresh, payload_type, payload, into);
        self.sequence = self.sequence.wrapping_add(1);
        self.anchor = Some((now, self.timestamp));
        self.timestamp = self.timestamp.wrapping_add(ticks);
        self.fresh = false;
        length
    }

    /// Time passes and nothing is sent: the timestamp moves on by `ticks`, the next own packet carries the marker.
    pub const fn skip(&mut self, ticks: u32) {
        self.timestamp = self.timestamp.wrapping_add(ticks);
        self.fresh = true;
    }

    /// Writes another leg's packet as ours, undecoded: our SSRC, `payload_type` as agreed with our peer, sequence numbers
    /// and timestamps moved by a fixed offset so that loss, reordering and silence stay visible to the far end. `ticks`
    /// is what the payload lasts in our clock, which is the source's too (0 for events). A new source, a jump, or own packets in
    /// between begin a new offset that goes on after what we sent last. Returns the length, or 0 when `into` is too short
    /// or the packet is older than the offset.
    pub fn relay(&mut self, packet: &Packet<'_>, payload_type: u8, ticks: u32, now: Instant, into: &mut [u8]) -> usize {
        if into.len() < HEADER_BYTES + packet.payload.len() {
            return 0;
        }
        let known = self.relaying.filter(|source| source.covers(packet, clock_ticks(RELAY_JUMP, self.clock_rate)));
        let mut source = known.unwrap_or_else(|| Relaying {
            ssrc: packet.ssrc,
            sequence_offset: self.sequence.wrapping_sub(packet.sequence),
            timestamp_offset: self.caught_up(now).wrapping_sub(packet.timestamp),
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            progress: 0,
        });
        let ahead = packet.sequence.wrapping_sub(source.sequence).cast_signed();
        if ahead < 0 && u32::from(ahead.unsigned_abs()) > source.progress {
            return 0;
        }
        let sequence = packet.sequence.wrapping_add(source.sequence_offset);
        let timestamp = packet.timestamp.wrapping_add(source.timestamp_offset);
        let marker = packet.marker || known.is_none();
        let length = self.put(sequence, timestamp, marker, payload_type, packet.payload, into);
        if ahead > 0 || known.is_none() {
            source.progress = source.progress.saturating_add(u32::from(ahead.unsigned_abs()));
            source.sequence = packet.sequence;
            source.timestamp = packet.timestamp;
            self.sequence = sequence.wrapping_add(1);
            let end = timestamp.wrapping_add(ticks);
            if end.wrapping_sub(self.timestamp).cast_signed() > 0 {
                self.timestamp = end;
            }
            if ticks > 0 {
                self.anchor = Some((now, timestamp));
            }
        }
        self.relaying = Some(source);
        length
    }

    /// Writes one packet with a given timestamp that does not move our own: for RFC 4733 events, see [`crate::events::Sender`].
    /// A relay that is going on goes on after it.
    pub fn write_at(
        &mut self,
        timestamp: u32,
        marker: bool,
        payload_type: u8,
        payload: &[u8],
        now: Instant,
        into: &mut [u8],
    ) -> usize {
        if into.len() < HEADER_BYTES + payload.len() {
            return 0;
        }
        let length = self.put(self.sequence, timestamp, marker, payload_type, payload, into);
        self.sequence = self.sequence.wrapping_add(1);
        if let Some(source) = &mut self.relaying {
            source.sequence_offset = source.sequence_offset.wrapping_add(1);
            // What the source sent before this packet must not be given this packet's number.
            source.progress = 0;
        }
        if self.anchor.is_none() {
            self.anchor = Some((now, timestamp));
        }
        length
    }

    /// The RTP timestamp that belongs to `now`, for sender reports; `None` before the first packet.
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> Option<u32> {
        self.anchor.map(|(then, timestamp)| timestamp.wrapping_add(clock_ticks(now.saturating_duration_since(then), self.clock_rate)))
    }

    /// The next own timestamp, moved on to `now` when nothing was sent for a while.
    fn caught_up(&self, now: Instant) -> u32 {
        match self.timestamp_at(now) {
            Some(due) if due.wrapping_sub(self.timestamp).cast_signed() > 0 => due,
            Some(_) | None => self.timestamp,
        }
    }

    /// Header and payload into `into`, whose length was checked.
    fn put(&mut self, sequence: u16, timestamp: u32, marker: bool, payload_type: u8, payload: &[u8], into: &mut [u8]) -> usize {
        let mut header = [0x80, (payload_type & 0x7f) | (u8::from(marker) << 7), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header[2..4].copy_from_slice(&sequence.to_be_bytes());
        header[4..8].copy_from_slice(&timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        let length = HEADER_BYTES + payload.len();
        into[..HEADER_BYTES].copy_from_slice(&header);
        into[HEADER_BYTES..length].copy_from_slice(payload);
        self.counts.packets = self.counts.packets.wrapping_add(1);
        self.counts.octets = self.counts.octets.wrapping_add(payload.len() as u32);
        length
    }
}

impl Relaying {
    /// Whether a packet goes on where this source was, without a jump.
    fn covers(&self, packet: &Packet<'_>, jump_ticks: u32) -> bool {
        packet.ssrc == self.ssrc
            && packet.sequence.wrapping_sub(self.sequence).cast_signed().unsigned_abs() <= RELAY_JUMP_PACKETS
            && packet.timestamp.wrapping_sub(self.timestamp).cast_signed().unsigned_abs() <= jump_ticks
    }
}

/// A span in units of an RTP clock, modulo 2^32 as timestamps are.
#[must_use]
pub const fn clock_ticks(span: Duration, clock_rate: u32) -> u32 {
    (span.as_micros() as u64).wrapping_mul(clock_rate as u64).wrapping_div(1_000_000) as u32
}

/// One step of SplitMix64: well mixed bits from a seed.
pub(crate) const fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (bool, u16, u32) {
        let packet = Packet::parse(bytes).unwrap();
        (packet.marker, packet.sequence, packet.timestamp)
    }

    #[test]
    fn own_audio_is_one_row_with_a_marker_after_each_silence() {
        let now = Instant::now_for_tests();
        let mut sender = Sender::new(7);
        let mut into = [0; 200];
        assert_eq!(sender.write(0, &[1; 160], 160, now, &mut into), 172);
        let (marker, sequence, timestamp) = read(&into[..172]);
        assert!(marker);
        sender.write(0, &[2; 160], 160, now, &mut into);
        assert_eq!(read(&into[..172]), (false, sequence + 1, timestamp.wrapping_add(160)));
        sender.skip(320);
        sender.write(0, &[3; 160], 160, now, &mut into);
        assert_eq!(read(&into[..172]), (true, sequence + 2, timestamp.wrapping_add(640)));
        assert_eq!(sender.counts(), SentCounts { packets: 3, octets: 480 });
        assert_eq!(sender.write(0, &[3; 160], 160, now, &mut into[..171]), 0, "too short a buffer sends nothing");
        assert_eq!(sender.counts().packets, 3);
    }

    #[test]
    fn a_relayed_source_keeps_its_gaps_and_joins_on_without_a_seam() {
        let start = Instant::now_for_tests();
        let at = |ms| start + Duration::from_millis(ms);
        let mut sender = Sender::new(9);
        let mut into = [0; 200];
        sender.write(0, &[0; 160], 160, start, &mut into);
        let (_, first, stamp) = read(&into[..172]);
        let payload = [5; 160];
        let packet = |sequence, timestamp| Packet { marker: false, payload_type: 8, sequence, timestamp, ssrc: 5, payload: &payload };
        // Second leg's packets begin 40 ms later; one is lost, one is reordered.
        let out: Vec<_> = [(65_535_u16, 1_000_u32), (1, 1_320), (0, 1_160), (3, 1_640)]
            .iter()
            .map(|(sequence, timestamp)| {
                let length = sender.relay(&packet(*sequence, *timestamp), 0, 160, at(40), &mut into);
                read(&into[..length])
            })
            .collect();
        let due = stamp.wrapping_add(320);
        assert_eq!(
            out,
            [
                (true, first + 1, due),
                (false, first + 3, due.wrapping_add(320)),
                (false, first + 2, due.wrapping_add(160)),
                (false, first + 5, due.wrapping_add(640)),
            ]
        );
        assert_eq!(sender.relay(&packet(65_534, 840), 0, 160, at(41), &mut into), 0, "before the seam");
        // A key in between takes one number; the relay goes on after it.
        sender.write_at(77, true, 101, &[1, 10, 0, 160], at(50), &mut into);
        assert_eq!(read(&into[..16]).1, first + 6);
        sender.relay(&packet(4, 1_800), 0, 160, at(60), &mut into);
        assert_eq!(read(&into[..172]).1, first + 7);
        // Own audio again: a new spurt that goes on in time.
        sender.write(0, &payload, 160, at(1_000), &mut into);
        let (marker, sequence, timestamp) = read(&into[..172]);
        assert_eq!((marker, sequence), (true, first + 8));
        assert!(timestamp.wrapping_sub(stamp) >= 8_000, "time went on while relaying");
    }

    trait ForTests {
        fn now_for_tests() -> Self;
    }
    impl ForTests for Instant {
        #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
        fn now_for_tests() -> Self {
            Self::now()
        }
    }
}
