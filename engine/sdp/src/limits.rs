//! Every bound of this room, with its unit and its reason.

/// Bytes of a description that are looked at: browsers send 8 KiB at most.
pub const DESCRIPTION_BYTES_MAX: usize = 16 * 1_024;
/// m-lines of a description (RELIABILITY P2); more is refused as malformed.
pub const MEDIA_MAX: usize = 32;
/// Formats of an m-line that are looked at (RELIABILITY P2); further ones are as if not offered.
pub const FORMATS_MAX: usize = 64;
