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
