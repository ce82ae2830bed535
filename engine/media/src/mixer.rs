//! The mixer: all media of one call, one value.

use crate::{Event, PlayerId, Playlist, Quality, RecordSpec, Recorded, RecorderId, Source, StreamSetup, Wire};
use std::{net::SocketAddr, time::Instant};
use terms::{Digit, LegId};

/// All media of one call: streams, players, recorders, bridges, keys. Owned by one thread; no lock, no clock, no socket.
///
/// After **every** method that takes `now`, the owner drains [`Mixer::poll_event`] and looks at [`Mixer::poll_timeout`]; a
/// deadline that is not after `now` means: call [`Mixer::tick`] at once (this is how a new player's first packet leaves
/// without waiting for the next 20 ms).
pub struct Mixer {
    _todo: (),
}

impl Mixer {
    /// An empty mixer; the seed gives SSRCs, first sequence numbers and timestamps, and RTCP times.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        todo!()
    }
    /// Adds a leg's stream or changes it (re-INVITE): SSRC, sequence numbers, timestamps, players and bridges are kept.
    pub fn set_stream(&mut self, leg: LegId, setup: StreamSetup, now: Instant) {
        let _ = (leg, setup, now);
        todo!()
    }
    /// Forgets a leg's stream; sends RTCP BYE; its player ends as [`crate::PlayerEnd::Replaced`], its bridge is taken apart.
    pub fn remove_stream(&mut self, leg: LegId, now: Instant, wire: &mut dyn Wire) {
        let _ = (leg, now, wire);
        todo!()
    }
    /// Plays to a leg, in place of what plays there and of what a bridge would relay. Without a stream yet it waits for one.
    pub fn play(&mut self, leg: LegId, playlist: Playlist, now: Instant) -> PlayerId {
        let _ = (leg, playlist, now);
        todo!()
    }
    /// Ends a player; harmless when it has ended.
    pub fn stop(&mut self, id: PlayerId, now: Instant) {
        let _ = (id, now);
        todo!()
    }
    /// Records what legs say. The rate is 16 kHz when one of them sends G.722, else 8 kHz.
    pub fn record(&mut self, source: Source, spec: RecordSpec, now: Instant) -> RecorderId {
        let _ = (source, spec, now);
        todo!()
    }
    /// Samples a second of a recorder's sound: fixed at its start.
    #[must_use]
    pub fn recording_rate(&self, id: RecorderId) -> Option<u32> {
        let _ = id;
        todo!()
    }
    /// How a running recording stands.
    #[must_use]
    pub fn recording(&self, id: RecorderId) -> Option<Recorded> {
        let _ = id;
        todo!()
    }
    /// Ends a recorder: its last samples and [`Event::RecordingDone`] follow from [`Mixer::poll_event`] at once.
    pub fn stop_recording(&mut self, id: RecorderId, now: Instant) {
        let _ = (id, now);
        todo!()
    }
    /// Lets two legs hear each other (each leg is in one bridge at most; an older one is taken apart).
    pub fn bridge(&mut self, a: LegId, b: LegId, now: Instant) {
        let _ = (a, b, now);
        todo!()
    }
    /// Takes a leg's bridge apart; harmless without one.
    pub fn unbridge(&mut self, leg: LegId, now: Instant) {
        let _ = (leg, now);
        todo!()
    }
    /// Sends keys as telephone events (100 ms each, 60 ms apart), or as tones where the peer takes no events.
    pub fn send_digits(&mut self, leg: LegId, digits: &[Digit], now: Instant) {
        let _ = (leg, digits, now);
        todo!()
    }
    /// A key told by signalling (SIP INFO): becomes [`Event::Digit`] unless the same key came by RTP within 150 ms.
    pub fn inject(&mut self, leg: LegId, digit: Digit, now: Instant) {
        let _ = (leg, digit, now);
        todo!()
    }
    /// A datagram came on a leg's RTP socket (RTP, or RTCP when multiplexed).
    pub fn handle_rtp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8], now: Instant, wire: &mut dyn Wire) {
        let _ = (leg, from, packet, now, wire);
        todo!()
    }
    /// A datagram came on a leg's RTCP socket.
    pub fn handle_rtcp(&mut self, leg: LegId, from: SocketAddr, packet: &[u8], now: Instant, wire: &mut dyn Wire) {
        let _ = (leg, from, packet, now, wire);
        todo!()
    }
    /// Does all that is due; harmless when early.
    pub fn tick(&mut self, now: Instant, wire: &mut dyn Wire) {
        let _ = (now, wire);
        todo!()
    }
    /// When [`Mixer::tick`] is next due; `None` when there is nothing to do ever (no streams, no recorders).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// The next event; drain to `None`. Sample buffers are allocated here, never in a tick.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }
    /// A leg's figures.
    #[must_use]
    pub fn snapshot(&self, leg: LegId) -> Option<Quality> {
        let _ = leg;
        todo!()
    }
}
