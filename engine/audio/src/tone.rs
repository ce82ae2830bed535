//! Tones a telephone network makes: ringback, busy, beep, keys.
use crate::Prompt;
use std::{sync::Arc, time::Duration};
use terms::Digit;

/// Whose network tones: the cadence table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Country {
    /// United States and Canada: 440+480 Hz, 2 s on 4 s off.
    #[default]
    Us,
    /// United Kingdom: 400+450 Hz, 0.4 on 0.2 off 0.4 on 2 off.
    Gb,
    /// Germany and most of Europe: 425 Hz, 1 s on 4 s off.
    De,
    /// France: 440 Hz, 1.5 s on 3.5 s off.
    Fr,
    /// Europe where nothing better is known (ETSI): 425 Hz, 1 s on 4 s off.
    Eu,
}
impl Country {
    /// From an ISO 3166 code such as `us`, `GB`; `uk` and `eu` are understood.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> { let _ = text; todo!() }
}
/// One whole cadence of ringback (play it looped).
#[must_use]
pub fn ringback(country: Country) -> Arc<Prompt> { let _ = country; todo!() }
/// One whole cadence of busy tone (play it looped).
#[must_use]
pub fn busy(country: Country) -> Arc<Prompt> { let _ = country; todo!() }
/// The voicemail beep: 1 kHz, 400 ms, −10 dBFS, soft edges.
#[must_use]
pub fn beep() -> Arc<Prompt> { todo!() }
/// A key's two tones for 100 ms and 60 ms of silence.
#[must_use]
pub fn dtmf(digit: Digit) -> Arc<Prompt> { let _ = digit; todo!() }
/// Silence for `length` (whole frames, at most 30 minutes).
#[must_use]
pub fn silence(length: Duration) -> Prompt { let _ = length; todo!() }
/// A sine at `hertz`, `length` long, peak at `dbfs`, with 5 ms soft edges; at 16 kHz.
#[must_use]
pub fn sine(hertz: f32, length: Duration, dbfs: f32) -> crate::Pcm { let _ = (hertz, length, dbfs); todo!() }
