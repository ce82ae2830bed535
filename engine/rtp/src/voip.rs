//! The VoIP metrics block of RTCP XR (RFC 3611 §4.7): how a call sounds, told from end to end. `rtcp-types` has no such block.

use crate::bursts::GAP_PACKETS;

/// Payload type of an extended report (RFC 3611 §2).
const XR: u8 = 207;
/// Block type of VoIP metrics.
const VOIP_METRICS: u8 = 7;
/// Words after the block's own header word.
const BLOCK_WORDS: usize = 8;
/// Bytes of a packet with this one block: its header and SSRC, the block.
const VOIP_PACKET_BYTES: usize = 8 + 4 + BLOCK_WORDS * 4;
/// "Unavailable" of signal levels, R factors and MOS.
const UNAVAILABLE: u8 = 127;

/// How a stream is heard where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VoipMetrics {
    /// Share of packets lost on the way, 0–1.
    pub loss: f32,
    /// Share of packets that came but too late to be heard, 0–1.
    pub discard: f32,
    /// Share lost or discarded within bursts, 0–1.
    pub burst_density: f32,
    /// Share lost or discarded between bursts, 0–1.
    pub gap_density: f32,
    /// Mean length of bursts, milliseconds.
    pub burst_ms: u16,
    /// Mean length of gaps, milliseconds.
    pub gap_ms: u16,
    /// Time there and back on the network, milliseconds; 0: unknown.
    pub round_trip_ms: u16,
    /// What the far end itself adds, from the wire to the ear and from the mouth to the wire, milliseconds; 0: unknown.
    pub end_system_ms: u16,
    /// Transmission rating factor of ITU-T G.107, 0–100, if it is told.
    pub r_factor: Option<u8>,
    /// Mean opinion of listening quality, 1.0–5.0, if it is told.
    pub mos: Option<f32>,
    /// What the jitter buffer holds now, in the middle and at most, milliseconds.
    pub jitter_buffer_ms: (u16, u16),
}

impl VoipMetrics {
    /// Writes an extended report of `sender` about the stream of `source`; its length, or 0 when `into` is too short.
    pub(crate) fn write(&self, sender: u32, source: u32, into: &mut [u8]) -> usize {
        let Some(packet) = into.get_mut(..VOIP_PACKET_BYTES) else { return 0 };
        let share = |share: f32| (share.clamp(0.0, 1.0) * 256.0).min(255.0) as u8;
        packet.fill(0);
        packet[..4].copy_from_slice(&[0x80, XR, 0, (VOIP_PACKET_BYTES / 4 - 1) as u8]);
        packet[4..8].copy_from_slice(&sender.to_be_bytes());
        packet[8..12].copy_from_slice(&[VOIP_METRICS, 0, 0, BLOCK_WORDS as u8]);
        packet[12..16].copy_from_slice(&source.to_be_bytes());
        packet[16..20].copy_from_slice(&[self.loss, self.discard, self.burst_density, self.gap_density].map(share));
        for (at, ms) in [(20, self.burst_ms), (22, self.gap_ms), (24, self.round_trip_ms), (26, self.end_system_ms)] {
            packet[at..at + 2].copy_from_slice(&ms.to_be_bytes());
        }
        let mos = self.mos.map_or(UNAVAILABLE, |mos| (mos * 10.0).round().clamp(10.0, 50.0) as u8);
        // Levels and echo are not measured here; there is no external network.
        packet[28..36].copy_from_slice(&[UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, GAP_PACKETS, self.r_factor.unwrap_or(UNAVAILABLE), UNAVAILABLE, mos, mos]);
        // Receiver configuration: standard concealment (11), an adaptive buffer (11), rate of adaptation not told.
        packet[36] = 0b1111_0000;
        let (now, most) = self.jitter_buffer_ms;
        for (at, ms) in [(38, now), (40, most), (42, most)] {
            packet[at..at + 2].copy_from_slice(&ms.to_be_bytes());
        }
        VOIP_PACKET_BYTES
    }

    /// Finds what a compound packet tells of the stream of `source`.
    pub(crate) fn read(compound: &[u8], source: u32) -> Option<Self> {
        let mut rest = compound;
        while let [_, kind, high, low, ..] = rest {
            let length = (usize::from(u16::from_be_bytes([*high, *low])) + 1) * 4;
            let packet = rest.get(..length)?;
            if *kind == XR
                && let Some(found) = packet.get(8..).and_then(|blocks| Self::among(blocks, source))
            {
                return Some(found);
            }
            rest = rest.get(length..)?;
        }
        None
    }

    fn among(blocks: &[u8], source: u32) -> Option<Self> {
        let mut rest = blocks;
        while let [kind, _, high, low, ..] = rest {
            let length = (usize::from(u16::from_be_bytes([*high, *low])) + 1) * 4;
            let block = rest.get(..length)?;
            if *kind == VOIP_METRICS && length == 4 + BLOCK_WORDS * 4 && block[4..8] == source.to_be_bytes() {
                return Some(Self::of(block));
            }
            rest = rest.get(length..)?;
        }
        None
    }

    /// A whole block of 36 bytes.
    fn of(block: &[u8]) -> Self {
        let share = |at: usize| f32::from(block[at]) / 256.0;
        let ms = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
        let mos = block[26];
        Self {
            loss: share(8),
            discard: share(9),
            burst_density: share(10),
            gap_density: share(11),
            burst_ms: ms(12),
            gap_ms: ms(14),
            round_trip_ms: ms(16),
            end_system_ms: ms(18),
            r_factor: Some(block[24]).filter(|factor| *factor <= 100),
            mos: Some(f32::from(mos) / 10.0).filter(|_| (10..=50).contains(&mos)),
            jitter_buffer_ms: (ms(30), ms(32)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As RFC 3611 §4.7 draws it, field by field.
    const BLOCK: [u8; VOIP_PACKET_BYTES] = [
        0x80, 207, 0, 10, 0, 0, 0, 1, 7, 0, 0, 8, 0, 0, 0, 2, 13, 5, 64, 3, 0, 120, 0x1f, 0x40, 0, 60, 0, 80, 127, 127, 127, 16, 85, 127, 41, 41, 0xf0, 0, 0, 40,
        0, 200, 0, 200,
    ];

    #[test]
    fn the_block_stands_as_the_rfc_draws_it() {
        let told = VoipMetrics {
            loss: 13.0 / 256.0,
            discard: 5.0 / 256.0,
            burst_density: 0.25,
            gap_density: 3.0 / 256.0,
            burst_ms: 120,
            gap_ms: 8_000,
            round_trip_ms: 60,
            end_system_ms: 80,
            r_factor: Some(85),
            mos: Some(4.1),
            jitter_buffer_ms: (40, 200),
        };
        let mut packet = [0; VOIP_PACKET_BYTES];
        assert_eq!(told.write(1, 2, &mut packet), VOIP_PACKET_BYTES);
        assert_eq!(packet, BLOCK);
        // After a receiver report and an unknown block.
        let mut compound = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        let mut report = vec![0x80, 207, 0, 12, 0, 0, 0, 1, 99, 0, 0, 1, 1, 2, 3, 4];
        report.extend_from_slice(&BLOCK[8..]);
        compound.extend(report);
        assert_eq!(VoipMetrics::read(&compound, 2), Some(told));
        assert_eq!(VoipMetrics::read(&compound, 3), None, "of somebody else");
        assert_eq!(told.write(1, 2, &mut [0; 43]), 0);
        let silent = VoipMetrics::default();
        silent.write(1, 2, &mut packet);
        assert_eq!(VoipMetrics::read(&packet, 2), Some(silent));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0_usize..44) {
            let _ = VoipMetrics::read(&bytes, 2);
            prop_assert_eq!(VoipMetrics::read(&BLOCK[..cut], 2), None);
        }
    }
}
