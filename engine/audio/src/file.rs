//! Sound files → [`Pcm`]: what the content says counts; the extension only helps, and names headerless G.711.

use crate::{AudioFault, Decoder, PACKET_SAMPLES_MAX, Pcm, pcm::RATES};
use oxideav_gsm::UnpackedFrame;
use std::{io::Cursor, time::Duration};
use symphonia::core::{
    codecs::audio::{AudioDecoderOptions, well_known::CODEC_ID_OPUS},
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::MediaSourceStream,
    meta::MetadataOptions,
};
use terms::Codec;

/// Largest file read, bytes: 30 min of mono 16 kHz WAV is 57 MB.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest sound kept: chosen, no prompt is longer and hold music may loop.
pub const FILE_LENGTH_MAX: Duration = Duration::from_secs(30 * 60);

/// Samples kept of one file, as many as that are at 48 kHz (173 MB): a few kilobytes of FLAC can stand for half an hour of silence at
/// 384 kHz, which would be 1.4 GB. What has more samples a second may be that much shorter.
const FILE_SAMPLES_MAX: usize = 30 * 60 * 48_000;

/// Bytes of a Microsoft GSM block (two frames, 40 ms) and its tag in a WAV header (RFC 2361 §A.19).
const MSGSM: (usize, u16) = (65, 0x31);
/// Opus files count the samples to leave out at the beginning at 48 kHz (RFC 7845 §5.1), three of which are one of ours.
const OPUS_SKIP: usize = 3;

/// Decodes a whole sound file: wav (PCM, A-law, µ-law, ADPCM, GSM), mp3, ogg vorbis, ogg opus, flac, and headerless G.711 and
/// GSM by extension (`ulaw ul pcmu mulaw`, `alaw al pcma`, `gsm`; with or without a dot). Several channels are mixed to mono;
/// the rate stays the file's (Opus: 16 kHz).
///
/// # Errors
/// [`AudioFault`] when too large, too long, unknown, damaged or empty.
pub fn decode_file(bytes: &[u8], extension: &str) -> Result<Pcm, AudioFault> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(AudioFault::TooLarge(bytes.len()));
    }
    let extension = extension.trim_start_matches('.').to_ascii_lowercase();
    let pcm = match extension.as_str() {
        "ulaw" | "ul" | "pcmu" | "mulaw" => headerless(bytes, Codec::Pcmu)?,
        "alaw" | "al" | "pcma" => headerless(bytes, Codec::Pcma)?,
        "gsm" => headerless(bytes, Codec::Gsm)?,
        _ if gsm_blocks(bytes).is_some() => microsoft_gsm(gsm_blocks(bytes).unwrap_or_default())?,
        // The library computes with sizes from the file; where one overflows, that is the file's fault and not our end.
        _ => std::panic::catch_unwind(|| contained(bytes, &extension))
            .unwrap_or_else(|_| Err(AudioFault::Damaged("its header is impossible".to_owned())))?,
    };
    if pcm.samples.is_empty() { Err(AudioFault::Empty) } else { Ok(pcm) }
}

fn headerless(bytes: &[u8], codec: Codec) -> Result<Pcm, AudioFault> {
    let count = crate::packet_ticks(codec, bytes).unwrap_or(0);
    if u64::from(count) > FILE_LENGTH_MAX.as_secs() * 8_000 {
        return Err(AudioFault::TooLong);
    }
    let mut samples = vec![0; count as usize];
    Decoder::new(codec).decode(bytes, &mut samples);
    Ok(Pcm { rate: 8_000, samples })
}

/// The blocks of a WAV file of Microsoft's GSM kind, or `None` when it is anything else.
fn gsm_blocks(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut rest, mut is_gsm) = (bytes.get(12..)?, false);
    loop {
        let (head, body) = rest.split_first_chunk::<8>()?;
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match &head[..4] {
            b"fmt " => is_gsm = u16::from_le_bytes([*body.first()?, *body.get(1)?]) == MSGSM.1,
            b"data" => return is_gsm.then(|| body.get(..size).unwrap_or(body)),
            _ => {}
        }
        rest = body.get(size.checked_add(size & 1)?..)?;
    }
}

fn microsoft_gsm(blocks: &[u8]) -> Result<Pcm, AudioFault> {
    if (blocks.len() / MSGSM.0) as u64 * 40 > FILE_LENGTH_MAX.as_millis() as u64 {
        return Err(AudioFault::TooLong);
    }
    let (mut decoder, mut samples) = (Decoder::new(Codec::Gsm), Vec::new());
    for block in blocks.chunks_exact(MSGSM.0) {
        let (first, second) = UnpackedFrame::pair_from_msgsm_block(block).map_err(|_| AudioFault::Damaged("a GSM block is impossible".to_owned()))?;
        for frame in [first, second] {
            let mut sound = [0; 160];
            decoder.decode(&frame.to_gsm_byte_frame(), &mut sound);
            samples.extend_from_slice(&sound);
        }
    }
    Ok(Pcm { rate: 8_000, samples })
}

/// The Opus packets of an ogg file.
fn opus_packets(format: &mut dyn FormatReader, track: u32, head: &[u8]) -> Result<Pcm, AudioFault> {
    let skip = head.get(10..12).map_or(0, |skip| usize::from(u16::from_le_bytes([skip[0], skip[1]])));
    let mut decoder = Decoder::new(Codec::Opus);
    let mut pcm = Pcm { rate: Codec::Opus.sample_rate(), samples: Vec::new() };
    let mut sound = [0; PACKET_SAMPLES_MAX];
    // A file cut short still has a beginning.
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id == track {
            let count = decoder.decode(&packet.data, &mut sound);
            pcm.samples.extend_from_slice(&sound[..count]);
        }
        if pcm.duration() > FILE_LENGTH_MAX {
            return Err(AudioFault::TooLong);
        }
    }
    pcm.samples.drain(..(skip / OPUS_SKIP).min(pcm.samples.len()));
    Ok(pcm)
}

fn contained(bytes: &[u8], extension: &str) -> Result<Pcm, AudioFault> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut format = symphonia::default::get_probe()
        .probe(&hint, source, FormatOptions::default(), MetadataOptions::default())
        .map_err(|_| AudioFault::Unknown(kind_of(bytes, extension)))?;
    let track = format.default_track(TrackType::Audio).ok_or(AudioFault::Empty)?;
    let id = track.id;
    let parameters = track.codec_params.as_ref().and_then(|all| all.audio()).ok_or(AudioFault::Empty)?;
    if parameters.codec == CODEC_ID_OPUS {
        let head = parameters.extra_data.clone().unwrap_or_default();
        return opus_packets(format.as_mut(), id, &head);
    }
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| AudioFault::Unknown(error.to_string()))?;

    let mut pcm = Pcm { rate: 0, samples: Vec::new() };
    let mut interleaved: Vec<f32> = Vec::new();
    let mut damage = None;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            // A file cut short still has a beginning.
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => {
                damage = Some(error.to_string());
                break;
            }
        };
        if packet.track_id != id {
            continue;
        }
        let buffer = match decoder.decode(&packet) {
            Ok(buffer) => buffer,
            Err(error @ Error::DecodeError(_)) => {
                damage = Some(error.to_string());
                continue;
            }
            Err(error) => {
                damage = Some(error.to_string());
                break;
            }
        };
        let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        if !RATES.contains(&rate) {
            return Err(AudioFault::Rate(rate));
        }
        if pcm.rate == 0 {
            pcm.rate = rate;
        }
        interleaved.resize(buffer.samples_interleaved(), 0.0);
        buffer.copy_to_slice_interleaved(&mut interleaved);
        mix_down(&interleaved, channels, &mut pcm.samples);
        if pcm.duration() > FILE_LENGTH_MAX || pcm.samples.len() > FILE_SAMPLES_MAX {
            return Err(AudioFault::TooLong);
        }
    }
    match damage {
        // One bad block does not spoil a prompt, no good block at all does.
        Some(why) if pcm.samples.is_empty() => Err(AudioFault::Damaged(why)),
        Some(_) | None => Ok(pcm),
    }
}

fn mix_down(interleaved: &[f32], channels: usize, into: &mut Vec<i16>) {
    let channels = channels.max(1);
    let share = 32_768.0 / channels as f32;
    into.extend(interleaved.chunks_exact(channels).map(|frame| {
        // `as` saturates, and makes 0 of NaN.
        (frame.iter().sum::<f32>() * share).round() as i16
    }));
}

/// A few words on what the file seems to be, for the person who put it there.
fn kind_of(bytes: &[u8], extension: &str) -> String {
    let looks = match bytes {
        [] => "an empty file",
        [b'O', b'g', b'g', b'S', ..] => "ogg with a codec that is not vorbis, opus or flac",
        [b'R', b'I', b'F', b'F', ..] => "wav with an unknown or broken header",
        [b'I', b'D', b'3', ..] => "mp3 without sound",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "mp4/m4a",
        _ if bytes.is_ascii() => "text",
        _ => "no known sound format",
    };
    format!("extension {extension:?}, content looks like {looks}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{level::dbfs, tone, wav::Wav};
    use proptest::prelude::*;

    fn hound_wav(spec: hound::WavSpec, samples: impl Iterator<Item = i32>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        samples.for_each(|s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn wav_of_any_width_and_channels_becomes_mono() {
        let tone = tone::sine(500.0, Duration::from_millis(300), -6.0).samples;
        for (bits, shift) in [(16_u16, 0), (24, 8), (32, 16)] {
            let spec = hound::WavSpec { channels: 2, sample_rate: 16_000, bits_per_sample: bits, sample_format: hound::SampleFormat::Int };
            let bytes = hound_wav(spec, tone.iter().flat_map(|s| [i32::from(*s) << shift, 0]));
            let pcm = decode_file(&bytes, "wav").unwrap();
            assert_eq!((pcm.rate, pcm.samples.len()), (16_000, tone.len()), "{bits}");
            assert!((dbfs(&pcm.samples) - (dbfs(&tone) - 6.02)).abs() < 0.1, "left only: half the voltage");
        }
    }

    #[test]
    fn headerless_g711_goes_by_its_extension() {
        let pcm = decode_file(&[0xff; 800], ".ulaw").unwrap();
        assert_eq!((pcm.rate, pcm.samples.len(), dbfs(&pcm.samples)), (8_000, 800, -96.0));
        assert!(decode_file(&[0xd5; 800], "PCMA").is_ok());
    }

    #[test]
    fn our_own_recordings_are_read_even_when_cut_short() {
        let wav = Wav { rate: 8_000, channels: 1 };
        let mut bytes = wav.header().to_vec();
        Wav::write(&tone::sine(500.0, Duration::from_millis(500), -6.0).samples, &mut bytes);
        let pcm = decode_file(&bytes, "wav").unwrap();
        assert_eq!((pcm.rate, pcm.samples.len()), (8_000, 8_000));
    }

    #[test]
    fn wrong_files_are_named() {
        assert!(matches!(decode_file(b"", "wav"), Err(AudioFault::Unknown(_))));
        let text = decode_file(b"hello, I am no sound at all, sorry about that. ".repeat(50).as_slice(), "wav").unwrap_err();
        assert!(text.to_string().contains("looks like text"), "{text}");
        assert!(matches!(decode_file(&vec![0; FILE_BYTES_MAX + 1], "wav"), Err(AudioFault::TooLarge(_))));
        assert!(matches!(decode_file(&vec![0; 8_000 * 1_801], "ulaw"), Err(AudioFault::TooLong)));
        assert!(matches!(decode_file(&[], "ulaw"), Err(AudioFault::Empty)));
        let empty = Wav { rate: 8_000, channels: 1 }.file(&[]);
        assert!(decode_file(&empty, "wav").is_err());
    }

    /// FLAC of silence (RFC 9639): each block of 65,535 samples is one constant, 17 bytes.
    fn flac_of_silence(rate: u32, blocks: u32) -> Vec<u8> {
        let crc = |bytes: &[u8], width: u32, polynomial: u32| {
            bytes.iter().fold(0_u32, |crc, byte| {
                (0..8).fold(crc ^ (u32::from(*byte) << (width - 8)), |crc, _| {
                    let shifted = crc << 1;
                    (if crc >> (width - 1) & 1 == 1 { shifted ^ polynomial } else { shifted }) & ((1 << width) - 1)
                })
            })
        };
        let mut file = b"fLaC\x80\x00\x00\x22\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00".to_vec();
        // 20 bits of rate, one channel, 16 bits a sample; the length is not said, nor the checksum of the sound.
        file.extend((u64::from(rate) << 44 | 15 << 36).to_be_bytes());
        file.extend([0; 16]);
        for number in 0..blocks {
            // 16 bits of size and rate (in tens) stand behind the number, which is written as UTF-8 would be.
            let mut frame = vec![0xff, 0xf8, 0x70, 0x08];
            let mut utf8 = [0; 4];
            frame.extend(char::from_u32(number).unwrap().encode_utf8(&mut utf8).as_bytes());
            frame.extend(65_534_u16.to_be_bytes());
            frame.push(crc(&frame, 8, 0x07) as u8);
            frame.extend([0, 0, 0]);
            frame.extend((crc(&frame, 16, 0x8005) as u16).to_be_bytes());
            file.extend(frame);
        }
        file
    }

    #[test]
    fn a_small_file_does_not_become_gigabytes() {
        let short = decode_file(&flac_of_silence(48_000, 3), "flac").unwrap();
        assert_eq!((short.rate, short.samples.len()), (48_000, 3 * 65_535));
        // Half an hour at 384 kHz.
        let bomb = flac_of_silence(384_000, 30 * 60 * 384_000 / 65_535);
        assert!(bomb.len() < 200_000, "{} bytes", bomb.len());
        assert!(matches!(decode_file(&bomb, "flac"), Err(AudioFault::TooLong)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn broken_wav_never_panics(at in 0_usize..60, value: u8, cut in 0_usize..400) {
            let mut bytes = Wav { rate: 8_000, channels: 1 }.file(&[1_000; 160]);
            bytes[at] = value;
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = decode_file(&bytes, "wav");
            let _ = crate::wav::read(&bytes);
        }
        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), extension in "wav|mp3|ogg|opus|flac|gsm|") {
            let _ = decode_file(&bytes, &extension);
        }
    }
}
