//! The caller's line: what leaves the exchange for the caller's ear, and what the weather makes of both ways.

use super::{Voices, hearing::Hearing};
use crate::{Dice, Weather};
use call::{Seat, Sockets};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Codec, LegId};

/// See the head of this file.
pub(crate) struct Line {
    pub(crate) hearing: Hearing,
    /// This moment: the sink of packets is not told the time.
    pub(crate) now: Instant,
    /// Packets to anybody so far.
    pub(crate) packets: u64,
    weather: Option<Weather>,
    dice: Dice,
}

impl Line {
    pub(crate) fn new(voices: Voices, weather: Option<Weather>, seed: u64, now: Instant) -> Self {
        Self { hearing: Hearing::new(voices, now), now, packets: 0, weather, dice: Dice::new(seed) }
    }

    /// When copies of a packet of the caller arrive; `None`: at once, there is no weather.
    pub(crate) fn fates(&mut self) -> Option<[Option<Duration>; 2]> {
        self.weather.map(|weather| weather.fates(&mut self.dice))
    }
}

impl Sockets for Line {
    fn rtp(&mut self, _seat: Seat, leg: LegId, _to: SocketAddr, packet: &[u8]) {
        self.packets += 1;
        if leg != LegId::CALLER || packet.get(1).is_none_or(|byte| byte & 0x7f != Codec::Pcmu.payload_type()) {
            return;
        }
        // The telephone's own buffer makes up for delay and jitter; what is lost is lost.
        let is_lost = self.weather.is_some_and(|weather| self.dice.permille(weather.loss));
        if let (false, Some(payload)) = (is_lost, packet.get(rtp::HEADER_BYTES..)) {
            self.hearing.packet(payload, self.now);
        }
    }

    fn rtcp(&mut self, _seat: Seat, _leg: LegId, _to: SocketAddr, _packet: &[u8]) {
        self.packets += 1;
    }
}
