//! How much louder or softer somebody is made.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A gain in whole decibels, −60 to +12; −60 is off: nothing is heard. One decibel is the least that an ear tells apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Gain(i8);

/// Why a number is no gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} dB is not from {min} (off) to {max}", min = Gain::OFF, max = Gain::MOST)]
pub struct BadGain(i64);

impl Gain {
    /// Nothing is heard (chosen: softer than the noise of a G.711 line).
    pub const OFF: Self = Self(-60);
    /// As it is.
    pub const NONE: Self = Self(0);
    /// The most: four times the amplitude (chosen: who speaks from across a room is 12 dB softer than into a handset).
    pub const MOST: Self = Self(12);

    /// That many decibels.
    ///
    /// # Errors
    /// [`BadGain`] when they are out of range.
    pub fn new(db: i64) -> Result<Self, BadGain> {
        let known = i8::try_from(db).map(Self).map_err(|_| BadGain(db))?;
        if (Self::OFF..=Self::MOST).contains(&known) { Ok(known) } else { Err(BadGain(db)) }
    }

    /// In decibels.
    #[must_use]
    pub const fn db(self) -> i64 {
        self.0 as i64
    }

    /// Whether nothing is heard.
    #[must_use]
    pub fn is_off(self) -> bool {
        self == Self::OFF
    }

    /// So many decibels louder (or softer), within the range.
    #[must_use]
    pub fn louder(self, db: i64) -> Self {
        Self::new(self.db().saturating_add(db).clamp(Self::OFF.db(), Self::MOST.db())).unwrap_or(self)
    }
}

impl TryFrom<i64> for Gain {
    type Error = BadGain;

    fn try_from(db: i64) -> Result<Self, BadGain> {
        Self::new(db)
    }
}

impl From<Gain> for i64 {
    fn from(gain: Gain) -> Self {
        gain.db()
    }
}

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_never_out_of_range() {
        for (db, right) in [(-61, false), (-60, true), (0, true), (12, true), (13, false), (i64::MAX, false), (i64::MIN, false)] {
            assert_eq!(Gain::new(db).map(Gain::db), if right { Ok(db) } else { Err(BadGain(db)) });
        }
        assert_eq!(Gain::new(13).unwrap_err().to_string(), "13 dB is not from -60 (off) to 12");
        assert!(Gain::OFF.is_off() && !Gain::default().is_off());
        assert_eq!((Gain::MOST.louder(3), Gain::NONE.louder(-3).db(), Gain::OFF.louder(i64::MIN)), (Gain::MOST, -3, Gain::OFF));
    }
}
