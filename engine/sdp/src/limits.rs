//! Every bound of this room, with its unit and its reason.

/// Bytes of a description that are looked at: browsers send 8 KiB at most.
pub const DESCRIPTION_BYTES_MAX: usize = 16 * 1_024;
/// m-lines of a description (RELIABILITY P2); more is refused as malformed.
pub const MEDIA_MAX: usize = 32;
/// Formats of an m-line that are looked at (RELIABILITY P2); further ones are as if not offered.
pub const FORMATS_MAX: usize = 64;
/// Formats of one stream at most: all codecs we have, with room.
pub(crate) const CODECS_MAX: usize = 8;
/// `a=crypto` lines of an m-line that are looked at: phones offer two to eight.
pub(crate) const CRYPTO_LINES_MAX: usize = 16;
/// Telephone-event formats of one stream at most: one for each RTP clock we know.
pub(crate) const EVENTS_MAX: usize = 2;
/// Codecs of a description that a refusal names: enough to see what the peer is.
pub(crate) const CODECS_NAMED_MAX: usize = 8;
/// Characters of a codec's name that a refusal shows.
pub(crate) const CODEC_NAME_CHARS: usize = 16;
