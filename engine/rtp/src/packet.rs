//! One RTP packet, seen where it lies (RFC 3550 §5.1).

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRtp {
    /// Shorter than the header, CSRC list, extension or padding it announces.
    #[error("rtp packet of {0} bytes is cut short")]
    Truncated(usize),
    /// Not version 2.
    #[error("rtp version {0} is not 2")]
    Version(u8),
    /// Padding of length 0.
    #[error("rtp padding length {0} is impossible")]
    Padding(u8),
}

/// The fields of a packet, and its payload without CSRC list, header extension and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// First packet after a silence (audio) or of an event (RFC 4733).
    pub marker: bool,
    /// What the payload is, 0–127, by the session's agreement.
    pub payload_type: u8,
    /// Counts packets, wraps.
    pub sequence: u16,
    /// Sampling instant of the first byte, in units of the clock rate, wraps.
    pub timestamp: u32,
    /// Who speaks: random, chosen by the sender.
    pub ssrc: u32,
    /// What is carried, possibly empty.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; copies nothing.
    ///
    /// # Errors
    /// [`NotRtp`] when the bytes are not one whole RTP version 2 packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotRtp> {
        let view = rtp_types::RtpPacket::parse(bytes).map_err(|error| match error {
            rtp_types::RtpParseError::UnsupportedVersion(version) => NotRtp::Version(version),
            rtp_types::RtpParseError::Truncated { actual, .. } => NotRtp::Truncated(actual),
            rtp_types::RtpParseError::PaddingInvalid(length) => NotRtp::Padding(length),
        })?;
        let start = view.payload_offset();
        let payload = bytes.get(start..start + view.payload_len()).ok_or(NotRtp::Truncated(bytes.len()))?;
        Ok(Self {
            marker: view.marker_bit(),
            payload_type: view.payload_type(),
            sequence: view.sequence_number(),
            timestamp: view.timestamp(),
            ssrc: view.ssrc(),
            payload,
        })
    }
}

/// Whether a datagram on a port that carries both is RTCP rather than RTP (RFC 5761 §4: second byte 192–223).
#[must_use]
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first >> 6 == 2 && (192..=223).contains(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: [u8; 14] = [0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 7, 8];

    #[test]
    fn the_payload_stands_between_what_surrounds_it() {
        let plain = Packet::parse(&PLAIN).unwrap();
        let expected =
            Packet { marker: true, payload_type: 0, sequence: 0x1234, timestamp: 160, ssrc: 0xdead_beef, payload: &[7, 8] };
        assert_eq!(plain, expected);
        // One CSRC, an extension of one word, three bytes of padding.
        let mut full = PLAIN.to_vec();
        full[0] = 0b1011_0001;
        full.splice(12..12, [1, 1, 1, 1, 0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        full.extend([0, 0, 3]);
        assert_eq!(Packet::parse(&full).unwrap(), expected);
    }

    #[test]
    fn m6_what_is_no_packet() {
        let with = |at: usize, byte: u8| {
            let mut bytes = PLAIN;
            bytes[at] = byte;
            bytes
        };
        assert_eq!(Packet::parse(&PLAIN[..11]), Err(NotRtp::Truncated(11)));
        assert_eq!(Packet::parse(&with(0, 0x40)), Err(NotRtp::Version(1)));
        assert_eq!(Packet::parse(&with(0, 0x8f)), Err(NotRtp::Truncated(14)), "fifteen CSRCs");
        assert_eq!(Packet::parse(&with(0, 0x90)), Err(NotRtp::Truncated(14)), "an extension");
        let mut padded = with(0, 0xa0);
        assert_eq!(Packet::parse(&padded), Err(NotRtp::Truncated(14)), "eight bytes of padding in two");
        padded[13] = 0;
        assert_eq!(Packet::parse(&padded), Err(NotRtp::Padding(0)));
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        assert!(is_rtcp(&[0x80, 200]) && is_rtcp(&[0x81, 201, 0]));
        assert!(!is_rtcp(&PLAIN) && !is_rtcp(&[0x80]) && !is_rtcp(&[0x00, 200]) && !is_rtcp(&[0x80, 0x80 | 101]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Packet::parse(&bytes);
        }

        #[test]
        fn what_is_written_is_read(seed: u64, payload in prop::collection::vec(any::<u8>(), 0..200), payload_type in 0_u8..128, timestamp: u32, marker: bool) {
            #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; it is not looked at")]
            let now = std::time::Instant::now();
            let mut sender = crate::Sender::new(seed);
            let mut into = [0; 212];
            let length = sender.write_at(timestamp, marker, payload_type, &payload, now, &mut into);
            let packet = Packet::parse(&into[..length]).unwrap();
            prop_assert_eq!((packet.marker, packet.payload_type, packet.timestamp), (marker, payload_type, timestamp));
            prop_assert_eq!((packet.ssrc, packet.payload), (sender.ssrc(), payload.as_slice()));
        }
    }
}
