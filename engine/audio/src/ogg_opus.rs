//! Ogg Opus as bytes (RFC 7845): a finished recording in a sixth of its size as WAV. The disk is elsewhere.

use crate::{AudioFault, wav::Wav};
use ogg::{PacketWriteEndInfo, PacketWriter};
use opus::{Application, Bitrate, Channels};

/// Bits a second and channel: speech for the archive, better than what the telephone brought.
const BITRATE: i32 = 24_000;
/// The effort of encoding: once for each recording, nobody waits.
const COMPLEXITY: i32 = 10;
/// Samples a second of the times in the file, whatever the sound's own rate (RFC 7845 §4).
const CLOCK: u64 = 48_000;
/// Packets of 20 ms on one page: a second, as RFC 7845 §6 advises.
const PAGE_PACKETS: u64 = 50;
/// Any number: there is one stream in the file.
const SERIAL: u32 = 1;
/// Bytes of the longest packet of 20 ms (RFC 6716 §3.2.1), twice for two channels.
const PACKET_BYTES_MAX: usize = 2_552;

/// A whole file of samples (interleaved when two channels) at 8, 12, 16, 24 or 48 kHz.
///
/// # Errors
/// [`AudioFault::Rate`] for other rates; [`AudioFault::Damaged`] for more than two channels, or when libopus fails.
pub fn file(wav: Wav, samples: &[i16]) -> Result<Vec<u8>, AudioFault> {
    let failed = |why: &dyn std::fmt::Display| AudioFault::Damaged(format!("not encoded: {why}"));
    let (channels, count) = match wav.channels {
        1 => (Channels::Mono, 1_usize),
        2 => (Channels::Stereo, 2),
        more => return Err(failed(&format!("{more} channels"))),
    };
    let mut encoder = opus::Encoder::new(wav.rate, channels, Application::Voip).map_err(|_| AudioFault::Rate(wav.rate))?;
    encoder.set_bitrate(Bitrate::Bits(BITRATE * i32::from(wav.channels))).map_err(|why| failed(&why))?;
    encoder.set_complexity(COMPLEXITY).map_err(|why| failed(&why))?;
    let lookahead = encoder.get_lookahead().map_err(|why| failed(&why))?.unsigned_abs() as usize;
    let scale = CLOCK / u64::from(wav.rate.max(1));
    let skip = lookahead as u64 * scale;

    let mut file = PacketWriter::new(Vec::with_capacity(samples.len() / 8 + 1_024));
    let mut page = |packet: Vec<u8>, end: PacketWriteEndInfo, at: u64| file.write_packet(packet, SERIAL, end, at).map_err(|why| failed(&why));
    page(head(wav, skip as u16), PacketWriteEndInfo::EndPage, 0)?;
    page(tags(), PacketWriteEndInfo::EndPage, 0)?;
    let frame = wav.rate as usize / 50 * count;
    // What the encoder holds back is pushed out by as much silence.
    let total = samples.len() + lookahead * count;
    let frames = total.div_ceil(frame).max(1);
    for at in 0..frames {
        let mut sound = vec![0; frame];
        let have = samples.get(at * frame..).unwrap_or_default();
        sound.iter_mut().zip(have).for_each(|(to, from)| *to = *from);
        let mut packet = vec![0; PACKET_BYTES_MAX];
        let length = encoder.encode(&sound, &mut packet).map_err(|why| failed(&why))?;
        packet.truncate(length);
        let (is_last, number) = (at + 1 == frames, at as u64 + 1);
        let (end, position) = if is_last {
            // The last page's time says where the sound really ends.
            (PacketWriteEndInfo::EndStream, skip + (samples.len() / count) as u64 * scale)
        } else if number.is_multiple_of(PAGE_PACKETS) {
            (PacketWriteEndInfo::EndPage, number * CLOCK / 50)
        } else {
            (PacketWriteEndInfo::NormalPacket, number * CLOCK / 50)
        };
        page(packet, end, position)?;
    }
    Ok(file.into_inner())
}

/// RFC 7845 §5.1.
fn head(wav: Wav, skip: u16) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(wav.channels as u8);
    head.extend(skip.to_le_bytes());
    head.extend(wav.rate.to_le_bytes());
    // No gain; mapping family 0.
    head.extend([0, 0, 0]);
    head
}

/// RFC 7845 §5.2: who made it, and no comments.
fn tags() -> Vec<u8> {
    let vendor = opus::version();
    let mut tags = b"OpusTags".to_vec();
    tags.extend((vendor.len() as u32).to_le_bytes());
    tags.extend(vendor.as_bytes());
    tags.extend(0_u32.to_le_bytes());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode_file, level::dbfs, resample, tone};
    use std::time::Duration;

    #[test]
    fn what_is_written_is_read_again_and_much_smaller() {
        for (rate, channels) in [(8_000, 1), (16_000, 1), (16_000, 2), (8_000, 2)] {
            let tone = resample(&tone::sine(440.0, Duration::from_millis(2_510), -10.0), rate).samples;
            let samples: Vec<i16> = tone.iter().flat_map(|sample| vec![*sample; usize::from(channels)]).collect();
            let bytes = file(Wav { rate, channels }, &samples).unwrap();
            assert!(bytes.len() * 3 < samples.len() * 2, "{} bytes of {}", bytes.len(), samples.len() * 2);
            let pcm = decode_file(&bytes, "opus").unwrap();
            assert_eq!(pcm.rate, 16_000);
            let ms = pcm.samples.len() / 16;
            assert!((2_505..=2_540).contains(&ms), "{rate} {channels}: {ms} ms");
            let level = dbfs(&pcm.samples[8_000..32_000]);
            assert!((level + 13.0).abs() < 1.0, "{rate} {channels}: {level}");
        }
        assert!(matches!(file(Wav { rate: 11_025, channels: 1 }, &[0; 100]), Err(AudioFault::Rate(11_025))));
        assert!(file(Wav { rate: 8_000, channels: 3 }, &[0; 90]).is_err());
        assert!(file(Wav { rate: 8_000, channels: 1 }, &[]).is_ok());
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_is_no_panic() {
        let tone = tone::sine(440.0, Duration::from_millis(300), -10.0);
        let bytes = file(Wav { rate: 16_000, channels: 1 }, &tone.samples).unwrap();
        for at in (0..bytes.len()).step_by(7) {
            let _ = decode_file(&bytes[..at], "opus");
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let _ = decode_file(&changed, "opus");
        }
    }
}
