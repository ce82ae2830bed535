//! Sender and receiver reports (RFC 3550 §6): when, what, and what the far end's say.

use crate::{receiver::Receiver, sender::Sender};
use std::time::{Duration, Instant};
use terms::Now;

/// Why bytes are no RTCP compound packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRtcp {
    /// Not a well-formed compound packet.
    #[error("malformed rtcp packet")]
    Malformed,
}

/// What the far end last told about what it hears from us.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RemoteView {
    /// Time there and back, once both sides have reported (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// Share of our packets lost since its previous report, 0.0–1.0.
    pub fraction_lost: Option<f32>,
    /// Packets of ours it missed in all (24 bit signed).
    pub lost: Option<i32>,
    /// Jitter it sees, in timestamp units.
    pub jitter_ticks: Option<u32>,
    /// It said goodbye (BYE); the SIP dialog decides what that means.
    pub said_bye: bool,
}

/// Sends our reports about every 5 s and reads theirs. Pure: `poll_timeout` says when, [`Reporter::write`] what.
#[derive(Clone, Debug)]
pub struct Reporter {
    next: Instant,
}

impl Reporter {
    /// Reports begin about 2.5 s after `now`; `cname` names us (at most 64 bytes are used), `seed` spreads the intervals.
    #[must_use]
    pub fn new(cname: &str, seed: u64, now: Instant) -> Self {
        let _ = (cname, seed, now);
        todo!()
    }
    /// When the next report is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Instant {
        self.next
    }
    /// Writes the report that is due (SR when we sent since the last, else RR; with SDES CNAME) and plans the next.
    /// Returns its length; 0 when nothing is due yet at `now` or `into` is shorter than 200 bytes.
    pub fn write(&mut self, sender: &Sender, receiver: &mut Receiver, now: Now, into: &mut [u8]) -> usize {
        let _ = (sender, receiver, now, into);
        todo!()
    }
    /// Writes a last report with BYE, for the end of a stream. Same return as [`Reporter::write`], but always due.
    pub fn write_bye(&mut self, sender: &Sender, receiver: &mut Receiver, now: Now, into: &mut [u8]) -> usize {
        let _ = (sender, receiver, now, into);
        todo!()
    }
    /// Reads what the far end reports.
    ///
    /// # Errors
    /// [`NotRtcp`] for anything that is no compound packet; nothing is changed then.
    pub fn handle(&mut self, bytes: &[u8], sender: &Sender, receiver: &mut Receiver, now: Now) -> Result<(), NotRtcp> {
        let _ = (bytes, sender, receiver, now);
        todo!()
    }
    /// What is known of the far end.
    #[must_use]
    pub const fn remote(&self) -> RemoteView {
        todo!()
    }
}
