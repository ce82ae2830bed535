//! A phone with its place in the network.

use crate::weather::Weather;
use phone::{Phone, Setup};
use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

/// A phone before it is switched on.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name in transcripts.
    pub name: String,
    /// Who it is and how it behaves.
    pub phone: Setup,
    /// Behind NAT: the address others see instead of its own (ports stay).
    pub outside: Option<IpAddr>,
    /// The weather of its line; `None`: everybody's.
    pub weather: Option<Weather>,
}

/// A phone that is on.
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) phone: Phone,
    pub(crate) sip: SocketAddr,
    pub(crate) rtp: SocketAddr,
    pub(crate) outside: Option<IpAddr>,
    pub(crate) weather: Option<Weather>,
    /// Lines of its timeline told.
    pub(crate) told: usize,
    /// It is not looked at before this, although its deadline has passed.
    pub(crate) nap: Option<Instant>,
    /// It is gone: nothing it sends arrives, nothing reaches it, and nobody asks what became of it.
    pub(crate) gone: bool,
    /// None of its sound arrives: it is muted and sends no RTP.
    pub(crate) muted: bool,
    /// Its last call was one it made.
    pub(crate) called: bool,
}

impl Station {
    /// Its address as others see it.
    pub(crate) fn seen(&self, own: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.outside.unwrap_or(own.ip()), own.port())
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        let due = self.phone.poll_timeout()?;
        Some(self.nap.map_or(due, |nap| nap.max(due)))
    }
}
