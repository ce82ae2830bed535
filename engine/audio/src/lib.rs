//! # audio: sound as numbers
//!
//! **Owns** PCM, the codecs of [`terms::Codec`], resampling, prompts encoded once and shared, tones, level and speech
//! energy, concealment of lost frames, WAV bytes.
//! **Never** knows RTP, sockets, clocks or where files live: bytes come in, bytes and samples go out.
//! **Door**: [`decode_file`], [`Pcm`], [`Prompt`], [`Decoder`]/[`Encoder`], [`FrameResampler`], [`tone`], [`level`],
//! [`Concealer`], [`wav`].
//! **Invariants**: a frame is 20 ms; every codec here puts 20 ms into 160 bytes; samples are mono `i16`; nothing a file
//! or a peer sends can panic.
//! **How to add a codec**: a variant in `terms::Codec`, one arm in `codec.rs` for each of decoder and encoder, a row in its
//! round-trip test.
//!
//! Libraries: `audio-codec` for G.711 tables and G.722 (pure, stateful, no allocation into given buffers; its resampler
//! aliases and is not used); `rubato` for resampling (FFT, −100 dB images); `symphonia` for files (wav, mp3, ogg, flac);
//! `hound` is the independent WAV reader of the tests; the writer here is 40 lines, because it must give bytes before the
//! length is known and never touch a file.

mod codec;
mod conceal;
pub mod file;
pub mod level;
pub mod music;
mod pcm;
mod prompt;
mod resample;
pub mod tone;
pub mod wav;

pub use codec::{Decoder, Encoder, g711_translation, silence_frame};
pub use conceal::Concealer;
pub use file::decode_file;
pub use level::SpeechDetector;
pub use pcm::{AudioFault, Pcm};
pub use prompt::Prompt;
pub use resample::{FrameResampler, resample};
