//! A prompt: sound decoded once, encoded once per codec when first asked for, shared by every call that plays it.
use crate::Pcm;
use std::time::Duration;
use terms::Codec;

/// Immutable sound ready to be put into packets. Share it as `Arc<Prompt>`.
#[derive(Debug)]
pub struct Prompt { #[doc(hidden)] _todo: () }
impl Prompt {
    /// From sound of any rate; `label` is what a caller hears, for logs, timelines and tests (`welcome.wav`, `say: Hello`).
    /// Resamples to 8 and/or 16 kHz here; encoding waits for the first [`Prompt::frames`] of each codec.
    #[must_use]
    pub fn new(label: impl Into<Box<str>>, pcm: &Pcm) -> Self { let _ = (label.into(), pcm); todo!() }
    /// All payload bytes in that codec: whole frames of 160 bytes = 20 ms, the tail padded with silence.
    #[must_use]
    pub fn frames(&self, codec: Codec) -> &[u8] { let _ = codec; todo!() }
    /// Encodes for a codec now (on a thread that may take its time), so that the media thread never does.
    pub fn prepare(&self, codec: Codec) { let _ = codec; }
    /// Frames of 20 ms.
    #[must_use]
    pub fn frame_count(&self) -> usize { todo!() }
    /// How long it sounds, in whole frames.
    #[must_use]
    pub fn duration(&self) -> Duration { todo!() }
    /// What a caller hears.
    #[must_use]
    pub fn label(&self) -> &str { todo!() }
    /// Bytes of memory it holds now.
    #[must_use]
    pub fn memory_bytes(&self) -> usize { todo!() }
}
