//! # audio: sound as numbers
//!
//! **Owns** PCM, the codecs of [`terms::Codec`], resampling, prompts encoded once and shared, tones, level and speech
//! energy, loudness, telephone keys in sound, concealment of lost frames, comfort noise,
//! sound made shorter and longer, WAV and Ogg Opus bytes.
//! **Never** knows RTP, sockets, clocks or where files live: bytes come in, bytes and samples go out.
//! **Door**: [`decode_file`], [`Pcm`], [`Prompt`], [`Decoder`]/[`Encoder`], [`FrameResampler`], [`tone`], [`level`],
//! [`loudness`], [`KeyDetector`], [`Concealer`], [`Stretcher`], [`ComfortNoise`], [`wav`], [`ogg_opus`].
//! **Invariants**: a frame is 20 ms; samples are mono `i16` at 8 or 16 kHz where codecs are concerned; coding allocates
//! nothing; nothing a file or a peer sends can panic.
//! **How to add a codec**: a row in `terms::Codec`, one arm in `codec.rs` for each of decoder and encoder, a row in its
//! round-trip test and in the one against a foreign implementation (`tests/foreign.rs`).
//!
//! Libraries: `audio-codec` for G.711 tables and G.722 (pure, stateful, no allocation into given buffers; its resampler
//! aliases and is not used); `opus` for Opus (safe, thin, kept; builds libopus from source by cmake, so nothing but a C
//! compiler is needed); `oxideav-gsm` for GSM 06.10 (pure Rust, MIT, 2026-08, bit-exact to the ETSI sequences, no allocation);
//! left out are iLBC (`oxideav-ilbc` allocates for every frame and comes only behind a framework's trait objects; libilbc is
//! in no distribution we build on) and Speex (`speex-safe` and `speex-sys` stand still since 2023 and need libclang for their bindings; `oxideav-speex` is
//! fitted to the reference by measurement and not exact); `rubato` for resampling (FFT, −100 dB images); `symphonia` for files (wav, mp3, ogg, flac); `ogg` writes Ogg pages; `ebur128` measures loudness;
//! `hound` is the independent WAV reader of the tests; the writer here is 40 lines, because it must give bytes before the
//! length is known and never touch a file.

mod codec;
mod comfort;
mod conceal;
pub mod dtmf;
pub mod file;
pub mod level;
pub mod loudness;
pub mod music;
pub mod ogg_opus;
mod pcm;
mod pitch;
mod prompt;
mod resample;
mod stretch;
pub mod tone;
pub mod wav;

pub use codec::{Decoder, Encoder, OPUS_COMPLEXITY, PACKET_SAMPLES_MAX, g711_translation, packet_ticks, silence};
pub use codec::opus::join as join_opus;
pub use comfort::ComfortNoise;
pub use conceal::Concealer;
pub use dtmf::{KeyDetector, Tone};
pub use file::decode_file;
pub use level::SpeechDetector;
pub use pcm::{AudioFault, Pcm};
pub use prompt::{JOINED_BYTES_MAX, Prompt};
pub use resample::{FrameResampler, resample};
pub use stretch::Stretcher;
