//! RTP (RFC 3550 §5.1) and telephone-event (RFC 4733 §2.3) as a phone needs them.

/// One RTP packet, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` for anything that is no RTP version 2 or whose lengths lie.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(12)?;
        let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = head else { return None };
        // 72–76 with the marker bit would be RTCP (RFC 5761 §4).
        if first >> 6 != 2 || (192..=223).contains(&second) {
            return None;
        }
        rest = rest.get(usize::from(first & 15) * 4..)?;
        if first & 0x10 != 0 {
            let words = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
            rest = rest.get(4 + usize::from(words) * 4..)?;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*rest.last()?);
            rest = rest.get(..rest.len().checked_sub(padding)?)?;
        }
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload: rest,
        })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12 + self.payload.len());
        out.push(0x80);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7f);
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        out.extend(self.payload);
        out
    }
}

/// The four bytes of a telephone-event: code, end flag, duration in timestamp units; volume −10 dBm0.
pub(crate) const fn event(code: u8, end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [code, (end as u8) << 7 | 10, high, low]
}

/// Code, end flag and duration of a telephone-event payload.
pub(crate) fn read_event(payload: &[u8]) -> Option<(u8, bool, u16)> {
    let [code, flags, high, low] = *payload.first_chunk::<4>()?;
    Some((code, flags & 0x80 != 0, u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Packet::read(&bytes).map(|p| read_event(p.payload));
        }

        #[test]
        fn what_is_written_is_read(marker: bool, payload_type in 0_u8..64, sequence: u16, timestamp: u32, ssrc: u32, payload in prop::collection::vec(any::<u8>(), 0..32)) {
            let packet = Packet { marker, payload_type, sequence, timestamp, ssrc, payload: &payload };
            let bytes = packet.write();
            prop_assert_eq!(Packet::read(&bytes), Some(packet));
        }
    }
}
