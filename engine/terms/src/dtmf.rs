//! By which ways telephone keys come and go.

use std::fmt;

/// One way in which a key is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyWay {
    /// A telephone event in RTP (RFC 4733).
    Event,
    /// A SIP INFO (`application/dtmf-relay`, `application/dtmf`).
    Info,
    /// The two tones of ITU-T Q.23 in the sound itself.
    Tone,
}

impl KeyWay {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Event, Self::Info, Self::Tone];

    /// Its place in [`KeyWay::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for KeyWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "telephone event",
            Self::Info => "INFO",
            Self::Tone => "tone",
        })
    }
}

/// Which ways are used with one peer. A key that comes by several of them is one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dtmf {
    /// All ways; tones are listened for where no telephone events were agreed. Sent as events where agreed, else as tones.
    #[default]
    Auto,
    /// Telephone events alone are believed. Sent as events where agreed, else as tones.
    Rfc4733,
    /// INFO alone is believed; no events are agreed. Sent by INFO.
    Info,
    /// All ways; tones are listened for in every call, beside agreed events too. Sent as tones.
    Inband,
}

impl Dtmf {
    /// Every setting.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Rfc4733, Self::Info, Self::Inband];

    /// The word of the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Rfc4733 => "rfc4733",
            Self::Info => "info",
            Self::Inband => "inband",
        }
    }

    /// The setting of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtmf| dtmf.word() == word)
    }

    /// Whether a key that comes by this way counts.
    #[must_use]
    pub const fn believes(self, way: KeyWay) -> bool {
        match self {
            Self::Auto | Self::Inband => true,
            Self::Rfc4733 => matches!(way, KeyWay::Event),
            Self::Info => matches!(way, KeyWay::Info),
        }
    }

    /// Whether telephone events are offered and accepted.
    #[must_use]
    pub const fn agrees_to_events(self) -> bool {
        !matches!(self, Self::Info)
    }

    /// Whether tones are listened for in a call that agreed to receive telephone events, or to none.
    #[must_use]
    pub const fn listens_for_tones(self, has_events: bool) -> bool {
        match self {
            Self::Auto => !has_events,
            Self::Inband => true,
            Self::Rfc4733 | Self::Info => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_settings_are_the_same() {
        for dtmf in Dtmf::ALL {
            assert_eq!(Dtmf::of_word(dtmf.word()), Some(dtmf));
            // What is listened for is believed.
            for has_events in [true, false] {
                assert!(!dtmf.listens_for_tones(has_events) || dtmf.believes(KeyWay::Tone));
            }
        }
        assert_eq!((Dtmf::of_word("rfc2833"), Dtmf::default()), (None, Dtmf::Auto));
        assert!(KeyWay::ALL.iter().enumerate().all(|(at, way)| way.index() == at));
    }
}
