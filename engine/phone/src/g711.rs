//! ITU-T G.711, both laws, a sample at a time.

use terms::Codec;

/// One 16-bit sample as one byte of `codec` (µ-law for anything that is not A-law: this phone offers nothing else).
pub(crate) fn encode(codec: Codec, sample: i16) -> u8 {
    if codec == Codec::Pcma { to_alaw(sample) } else { to_ulaw(sample) }
}

/// One byte of `codec` as a 16-bit sample.
pub(crate) fn decode(codec: Codec, byte: u8) -> i16 {
    if codec == Codec::Pcma { from_alaw(byte) } else { from_ulaw(byte) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "each value is bounded by its mask")]
fn to_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let exponent = (31 - magnitude.leading_zeros() as i32) - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

#[expect(clippy::cast_possible_truncation, reason = "at most 32,124")]
fn from_ulaw(byte: u8) -> i16 {
    let bits = !byte;
    let magnitude = (((i32::from(bits & 0x0f) << 3) + 132) << ((bits >> 4) & 7)) - 132;
    if bits & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "each value is bounded by its mask")]
fn to_alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = (if sample < 0 { !i32::from(sample) } else { i32::from(sample) }) >> 4;
    let byte = if magnitude < 16 {
        magnitude
    } else {
        let exponent = 31 - magnitude.leading_zeros() as i32 - 3;
        (exponent << 4) | ((magnitude >> (exponent - 1)) & 0x0f)
    };
    (sign | byte as u8) ^ 0x55
}

#[expect(clippy::cast_possible_truncation, reason = "at most 32,256")]
fn from_alaw(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let mantissa = i32::from(bits & 0x0f);
    let magnitude = match (bits >> 4) & 7 {
        0 => (mantissa << 4) + 8,
        exponent => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if bits & 0x80 == 0 { -magnitude as i16 } else { magnitude as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_the_tables() {
        assert_eq!([to_ulaw(0), to_ulaw(-1), to_ulaw(32_767), to_ulaw(-32_768)], [0xff, 0x7f, 0x80, 0x00]);
        assert_eq!([from_ulaw(0xff), from_ulaw(0x80), from_ulaw(0x00)], [0, 32_124, -32_124]);
        assert_eq!([to_alaw(0), to_alaw(-1), to_alaw(32_767), to_alaw(-32_768)], [0xd5, 0x55, 0xaa, 0x2a]);
        assert_eq!([from_alaw(0xd5), from_alaw(0x55), from_alaw(0xaa), from_alaw(0x2a)], [8, -8, 32_256, -32_256]);
    }

    #[test]
    fn every_byte_survives_the_way_there_and_back() {
        for byte in 0..=255_u8 {
            assert_eq!(to_alaw(from_alaw(byte)), byte, "a-law {byte:02x}");
            let again = to_ulaw(from_ulaw(byte));
            assert!(again == byte || (byte == 0x7f && again == 0xff), "µ-law {byte:02x}");
        }
    }
}
