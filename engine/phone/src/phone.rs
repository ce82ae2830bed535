//! A whole phone, still pure: a line, an ear, and steps to follow.

use crate::{account::Setup, line::Event, step::Step};
use std::{net::SocketAddr, time::{Duration, Instant}};

/// Something from outside.
#[derive(Clone, Copy, Debug)]
pub enum Arrival<'a> {
    /// On the SIP socket.
    Sip {
        /// From where.
        from: SocketAddr,
        /// The bytes of one message.
        bytes: &'a [u8],
    },
    /// On the RTP socket.
    Rtp {
        /// From where.
        from: SocketAddr,
        /// The bytes of one packet.
        bytes: &'a [u8],
    },
}

/// Something for outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// From the SIP socket.
    Sip {
        /// To where.
        to: SocketAddr,
        /// The bytes of one message.
        bytes: Vec<u8>,
    },
    /// From the RTP socket.
    Rtp {
        /// To where.
        to: SocketAddr,
        /// The bytes of one packet.
        bytes: Vec<u8>,
    },
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Time since the phone was made.
    pub at: Duration,
    /// What happened, for a reader.
    pub text: String,
}

/// Everything a phone did and heard.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What happened when.
    pub timeline: Vec<TimelineEntry>,
    /// Every event of the line with its time since the phone was made.
    pub events: Vec<(Duration, Event)>,
    /// What was heard since the call's media began: mono PCM at 8 kHz, gaps as silence.
    pub heard: Vec<i16>,
    /// Digits received by RFC 4733.
    pub digits: String,
    /// RTP packets received and sent.
    pub packets: (u64, u64),
    /// Why the script failed, if it did.
    pub failure: Option<String>,
    /// Whether a call is up or being set up now.
    pub in_call: bool,
    /// Whether the phone is registered now.
    pub registered: bool,
}

/// A scripted phone.
#[derive(Debug)]
pub struct Phone {}

impl Phone {
    /// A phone that will follow `steps`.
    #[must_use]
    pub fn new(_setup: Setup, _steps: Vec<Step>, _now: Instant) -> Self {
        todo!()
    }
    /// Another step, after those there are.
    pub fn push(&mut self, _step: Step, _now: Instant) {
        todo!()
    }
    /// Something arrived.
    pub fn handle(&mut self, _arrival: Arrival<'_>, _now: Instant) {
        todo!()
    }
    /// Time passed; harmless when early.
    pub fn handle_timeout(&mut self, _now: Instant) {
        todo!()
    }
    /// When to come back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// What to send next; drain to `None` after each call of the above.
    pub fn poll_output(&mut self) -> Option<Transmit> {
        todo!()
    }
    /// Whether all steps are done or one has failed (the phone still answers what comes).
    #[must_use]
    pub fn is_done(&self) -> bool {
        todo!()
    }
    /// Why the script failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        todo!()
    }
    /// Forget a failure and go on with steps pushed later.
    pub fn forgive(&mut self) {
        todo!()
    }
    /// All that happened until now.
    #[must_use]
    pub fn snapshot(&self) -> Report {
        todo!()
    }
}
