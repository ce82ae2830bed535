//! # media: what is heard in one call
//!
//! **Owns** a call's [`Mixer`]: its streams, players, recorders, bridges, keys in and out, RTCP, and their time.
//! **Never** knows SIP, SDP, flows, sockets, disks, clocks, locks.
//! **Door**: [`Mixer`], [`Room`] (many calls hear each other), [`Wire`], [`StreamSetup`], [`Playlist`], [`Source`]/[`RecordSpec`], [`Event`], [`Quality`].
//! **Invariants**: a tick allocates nothing, logs nothing, waits for nothing; an outgoing stream keeps one SSRC with rising
//! sequence numbers and timestamps for its whole life; no packet goes to an address that was neither signalled nor latched;
//! a recording is as long as the wall clock says.
//! **How to add a kind of source**: give it a `next` frame in `player.rs`'s manner and one arm in `stream.rs`'s `slot`.
//!
//! ```text
//! RTP in → latch → statistics → key?  → Event::Digit (and relayed)
//!                             → audio → tones (where no events were agreed) → Event::Digit
//!                                     → relayed at once (same codec, or the other G.711 law by table)
//!                                     → ear (jitter buffer, decoder) → tick → recorder, transcoder → RTP out
//! prompt frames (shared, encoded) → tick → RTP out
//! ```
//! Libraries: `arrayvec` for short lists that must not allocate. Codecs, jitter buffer and packets are rooms `audio` and `rtp`.

mod bridge;
mod ear;
mod event;
mod fader;
mod haste;
mod joined;
mod keys;
mod limits;
mod mixer;
mod monitor;
mod one_way;
mod outside;
mod player;
mod playlist;
mod quality;
mod rating;
mod receive;
mod record;
mod recorder;
mod refusals;
mod room;
mod sent_back;
mod setup;
mod stream;
mod tick;
mod wire;

#[cfg(test)]
mod stories;

pub use event::{Event, PlayerEnd, PlayerId, RecorderId};
pub use haste::Haste;
pub use keys::Dropped;
pub use limits::PAIRS_MAX;
pub use mixer::{Hears, Mixer};
pub use outside::{Listener, Passing};
pub use one_way::{Figures, OneWay};
pub use playlist::{Item, Playlist, Repeat};
pub use quality::Quality;
pub use rating::Rating;
pub use record::{RECORDED_LEGS_MAX, RecordEnd, RecordSpec, Recorded, Source, Taking};
pub use refusals::Refusals;
pub use room::{Guest, PersonId, Room, Voice};
pub use sent_back::{SentBack, Unreachable};
pub use rtp::{BurstView, Symmetric, VoipMetrics};
pub use setup::{EVENT_FORMATS_MAX, EventFormat, RECEIVE_FORMATS_MAX, SILENT_AFTER, StreamSetup};
pub use wire::Wire;
