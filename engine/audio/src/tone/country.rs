//! The tones of telephone networks by country: one table (ITU-T E.180, supplement 2).
//!
//! A cadence is written as exchanges write it: `440+480/2000,0/4000` is two sines for 2 s, then 4 s of nothing, and so on.
//! Without a time a tone goes on for ever.

use super::{NETWORK_DBFS, RATE, samples_in, sines, steady};
use crate::{Pcm, Prompt};
use std::{
    fmt,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

/// Whose network tones: a row of the table. The default is the United States.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Country(usize);

/// A tone that a network makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Ready to dial.
    Dial,
    /// It rings at the far end.
    Ringback,
    /// The far end is busy.
    Busy,
    /// The network has no way through.
    Congestion,
}

/// How long a tone without a cadence is before it begins anew: whole periods of every whole number of hertz.
const STEADY: Duration = Duration::from_secs(2);
/// A cadence is repeated until it is whole frames of 20 ms long, so that loops have no seam.
const FRAME_MS: u64 = 20;

/// ISO 3166 code (or an alias after it), dial, ringback, busy, congestion.
const TABLE: [(&[&str], [&str; 4]); 27] = [
    (&["us", "ca"], ["350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250"]),
    (&["gb", "uk"], ["350+440", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525"]),
    (&["de"], ["425", "425/1000,0/4000", "425/480,0/480", "425/240,0/240"]),
    (&["fr"], ["440", "440/1500,0/3500", "440/500,0/500", "440/250,0/250"]),
    (&["it"], ["425/200,0/200,425/600,0/1000", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"]),
    (&["es"], ["425", "425/1500,0/3000", "425/200,0/200", "425/200,0/200,425/200,0/200,425/200,0/600"]),
    (&["nl"], ["425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250"]),
    (&["se"], ["425", "425/1000,0/5000", "425/250,0/250", "425/250,0/750"]),
    (&["ch"], ["425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"]),
    (&["at"], ["420", "420/1000,0/5000", "420/400,0/400", "420/200,0/200"]),
    (&["au"], ["413+438", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375", "425/375,0/375"]),
    (&["jp"], ["400", "384+416/1000,0/2000", "400/500,0/500", "400/500,0/500"]),
    (&["be"], ["425", "425/1000,0/3000", "425/500,0/500", "425/167,0/167"]),
    (&["dk"], ["425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"]),
    (&["no"], ["425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"]),
    (&["fi"], ["425", "425/1000,0/4000", "425/300,0/300", "425/200,0/200"]),
    (&["pl"], ["425", "425/1000,0/4000", "425/500,0/500", "425/500,0/500"]),
    (&["pt"], ["425", "425/1000,0/5000", "425/500,0/500", "425/200,0/200"]),
    (&["cz"], ["425/330,0/330,425/660,0/660", "425/1000,0/4000", "425/330,0/330", "425/165,0/165"]),
    (&["ru"], ["425", "425/1000,0/4000", "425/350,0/350", "425/175,0/175"]),
    (&["in"], ["400", "400/400,0/200,400/400,0/2000", "400/750,0/750", "400/250,0/250"]),
    (&["cn"], ["450", "450/1000,0/4000", "450/350,0/350", "450/700,0/700"]),
    (&["nz"], ["400", "400+450/400,0/200,400+450/400,0/2000", "400/500,0/500", "400/250,0/250"]),
    (&["za"], ["400", "400/400,0/200,400/400,0/2000", "400/500,0/500", "400/250,0/250"]),
    (&["br"], ["425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250,425/750,0/250"]),
    (&["mx"], ["425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250"]),
    // Europe where nothing better is known (ETSI TR 101 041).
    (&["eu"], ["425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250"]),
];

impl Country {
    /// Every row of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).map(Self)
    }

    /// From an ISO 3166 code such as `us`, `GB`; `uk` and `eu` are understood.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        TABLE.iter().position(|(codes, _)| codes.iter().any(|code| code.eq_ignore_ascii_case(text))).map(Self)
    }

    /// Its codes in lower case, the usual one first.
    #[must_use]
    pub fn codes(self) -> &'static [&'static str] {
        TABLE[self.0].0
    }

    /// Its usual code in lower case.
    #[must_use]
    pub fn code(self) -> &'static str {
        TABLE[self.0].0[0]
    }

    /// One whole cadence of a tone, made once and shared: play it looped.
    #[must_use]
    pub fn tone(self, signal: Signal) -> Arc<Prompt> {
        static TONES: LazyLock<[[OnceLock<Arc<Prompt>>; 4]; TABLE.len()]> = LazyLock::new(Default::default);
        let (at, name) = match signal {
            Signal::Dial => (0, "dial tone"),
            Signal::Ringback => (1, "ringback"),
            Signal::Busy => (2, "busy tone"),
            Signal::Congestion => (3, "congestion tone"),
        };
        let made = || Prompt::shared(format!("{name} {}", self.code()), &cadence(TABLE[self.0].1[at]));
        TONES[self.0][at].get_or_init(made).clone()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({})", self.code())
    }
}

/// The sines and the length of one part of a cadence.
fn part(text: &str) -> (Vec<(f32, f32)>, Option<Duration>) {
    let (hertz, ms) = text.split_once('/').map_or((text, None), |(hertz, ms)| (hertz, ms.parse().ok()));
    let sines = hertz.split('+').filter_map(|hertz| hertz.parse().ok()).filter(|hertz| *hertz > 0.0);
    (sines.map(|hertz| (hertz, NETWORK_DBFS)).collect(), ms.map(Duration::from_millis))
}

fn cadence(text: &str) -> Pcm {
    let parts: Vec<_> = text.split(',').map(part).collect();
    let length: Duration = parts.iter().filter_map(|(_, length)| *length).sum();
    let ms = length.as_millis() as u64;
    let times = (1..=FRAME_MS).find(|times| (ms * times).is_multiple_of(FRAME_MS)).unwrap_or(1);
    let mut samples = Vec::new();
    for _ in 0..times {
        for (hertz, length) in &parts {
            match length {
                None => samples.extend(steady(hertz, STEADY)),
                Some(length) if hertz.is_empty() => samples.resize(samples.len() + samples_in(*length), 0),
                Some(length) => samples.extend(sines(hertz, *length)),
            }
        }
    }
    Pcm { rate: RATE, samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{level::dbfs, tone::tests::share};

    #[test]
    fn ringback_has_the_cadence_of_its_country() {
        for (code, seconds, on, hertz) in [
            ("us", 6.0, 2.0, 440.0),
            ("UK", 3.0, 0.8, 450.0),
            ("de", 5.0, 1.0, 425.0),
            ("fr", 5.0, 1.5, 440.0),
            ("es", 4.5, 1.5, 425.0),
            ("se", 6.0, 1.0, 425.0),
            ("at", 6.0, 1.0, 420.0),
            ("au", 3.0, 0.8, 413.0),
            ("jp", 3.0, 1.0, 384.0),
        ] {
            let prompt = Country::parse(code).unwrap().tone(Signal::Ringback);
            assert_eq!(prompt.duration().as_secs_f32(), seconds, "{code}");
            let loud = prompt.sound().samples.chunks(320).filter(|frame| dbfs(frame) > -40.0).count();
            assert_eq!(loud as f32 / 50.0, on, "{code}");
            assert!(share(&prompt.sound().samples[1_600..4_800], RATE, hertz) > 0.4, "{code}");
        }
        assert_eq!(Country::parse("xx"), None);
        assert_eq!(Country::parse("ca"), Some(Country::default()));
    }

    #[test]
    fn every_tone_of_every_country_is_sound_in_whole_frames_that_loops_without_a_seam() {
        for country in Country::all() {
            for signal in [Signal::Dial, Signal::Ringback, Signal::Busy, Signal::Congestion] {
                let prompt = country.tone(signal);
                let samples = &prompt.sound().samples;
                assert_eq!(samples.len() % 320, 0, "{country:?} {signal:?}");
                assert!((Duration::from_millis(400)..=Duration::from_secs(7)).contains(&prompt.duration()), "{country:?} {signal:?} {:?}", prompt.duration());
                assert!((-26.0..-15.0).contains(&dbfs(&samples[800..2_400])), "{country:?} {signal:?}: {}", dbfs(&samples[800..2_400]));
                let seam = i32::from(samples[0]) - i32::from(samples[samples.len() - 1]);
                assert!(seam.abs() < 1_600, "{country:?} {signal:?}: {seam}");
                assert!(Arc::ptr_eq(&prompt, &country.tone(signal)), "made once");
            }
        }
    }
}
