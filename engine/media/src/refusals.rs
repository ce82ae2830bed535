//! Packets that were not taken, by why.

use rtp::srtp::Unprotected;
use std::net::SocketAddr;

/// Counts of one stream's whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// From an address that is neither signalled nor latched.
    pub strangers: u64,
    /// The last of those.
    pub last_stranger: Option<SocketAddr>,
    /// From the right address, of a payload type that was not agreed.
    pub unknown_payload: u64,
    /// The last of those.
    pub last_payload_type: Option<u8>,
    /// Protected packets whose authentication failed: another key, changed, or not protected at all.
    pub unauthentic: u64,
    /// Protected packets that came before, or too late to be told from such.
    pub replayed: u64,
    /// No RTP, or RTCP where none belongs or from elsewhere.
    pub malformed: u64,
}

/// Of those: since the last packet that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) strangers: u32,
    pub(crate) unknown_payload: u32,
    pub(crate) unauthentic: u32,
}

/// Why a packet is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Stranger(SocketAddr),
    UnknownPayload(u8),
    Unprotected(Unprotected),
    Malformed,
}

impl Refusals {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.strangers + self.unknown_payload + self.unauthentic + self.replayed + self.malformed
    }

    pub(crate) fn count(&mut self, why: Refused, recent: &mut Recent) {
        match why {
            Refused::Stranger(from) => {
                self.strangers += 1;
                recent.strangers = recent.strangers.saturating_add(1);
                self.last_stranger = Some(from);
            }
            Refused::UnknownPayload(number) => {
                self.unknown_payload += 1;
                recent.unknown_payload = recent.unknown_payload.saturating_add(1);
                self.last_payload_type = Some(number);
            }
            Refused::Unprotected(Unprotected::Unauthentic) => {
                self.unauthentic += 1;
                recent.unauthentic = recent.unauthentic.saturating_add(1);
            }
            Refused::Unprotected(Unprotected::Replayed) => self.replayed += 1,
            Refused::Unprotected(Unprotected::Short | Unprotected::Sources) | Refused::Malformed => self.malformed += 1,
        }
    }
}
