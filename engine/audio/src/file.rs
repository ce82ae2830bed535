//! Sound files → [`Pcm`].
use crate::{AudioFault, Pcm};
use std::time::Duration;
/// Largest file read, bytes: half an hour of CD stereo is 320 MB, but prompts are speech; 64 MB is 30 min of mono 16 kHz WAV.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest sound kept: chosen, no prompt is longer and hold music may loop.
pub const FILE_LENGTH_MAX: Duration = Duration::from_secs(30 * 60);

/// Decodes a whole sound file: wav (PCM, A-law, µ-law, ADPCM), mp3, ogg vorbis, flac, and headerless G.711 by extension
/// (`ulaw ul pcmu mulaw`, `alaw al pcma`). Several channels are mixed to mono; the rate stays the file's.
///
/// # Errors
/// [`AudioFault`] when too large, too long, unknown, damaged or empty.
pub fn decode_file(bytes: &[u8], extension: &str) -> Result<Pcm, AudioFault> { let _ = (bytes, extension); todo!() }
