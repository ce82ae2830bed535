//! How soon somebody wants what a call's packets bring: so a host knows how often to look for them.

use crate::Mixer;

/// See the head of this file; the later, the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// They are recorded, and that is all.
    Patient,
    /// Somebody listens.
    Relayed,
    /// A key in them may end what plays now, or what is waited for.
    Keen,
}

impl Mixer {
    /// How soon the next packet is wanted.
    #[must_use]
    pub fn haste(&self) -> Haste {
        if self.streams.iter().any(|stream| stream.player.is_some()) {
            Haste::Keen
        } else if self.outside.is_some() || self.streams.iter().any(|stream| stream.peer.is_some()) {
            Haste::Relayed
        } else if self.is_patient && self.ears_due.is_some() {
            Haste::Patient
        } else {
            Haste::Keen
        }
    }
}
