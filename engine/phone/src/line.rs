//! One phone line: registration and one call at a time, as a pure machine over SIP datagrams.

use crate::account::{Manners, Setup};
use crate::ear::Route;
use std::{net::SocketAddr, time::Instant};

/// What can happen to a line.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A SIP message, or what pretends to be one, arrived.
    Datagram {
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// Time passed; harmless when early.
    Timeout,
    /// The user (a script) wants something.
    Command(&'a Command),
}

/// What a user can do with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Register for so many seconds and keep it up; 0 takes the registration back.
    Register {
        /// Seconds.
        expires: u32,
    },
    /// Ask the server for its abilities.
    Options,
    /// Call somebody.
    Dial {
        /// A `sip:` or `tel:` URI.
        target: String,
        /// Whether the INVITE carries a description; otherwise the answer's ACK does.
        offer: bool,
    },
    /// How to behave when called.
    Behave(Manners),
    /// Answer the call that is ringing here.
    Answer,
    /// End whatever call there is: CANCEL, BYE, or 603 to one ringing here.
    HangUp,
    /// Hold (`true`) or resume (`false`) by re-INVITE.
    Hold(bool),
    /// One digit by SIP INFO.
    Info(terms::Digit),
}

/// Which way media may flow after an agreement, for the owner of the media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Before the answer (183 or 180 with a description).
    Early,
    /// After the answer.
    Answered,
}

/// What happened, for the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The registrar accepted the registration for so many seconds (0: it is taken back).
    Registered {
        /// Seconds granted.
        expires: u32,
    },
    /// The registration failed; status 408 stands for no answer.
    RegisterFailed {
        /// The final status.
        status: u16,
    },
    /// OPTIONS was answered (408: not at all).
    OptionsAnswered {
        /// The final status.
        status: u16,
    },
    /// A provisional answer to our INVITE (100–199).
    Progress {
        /// The status.
        status: u16,
    },
    /// Somebody calls.
    Incoming {
        /// The `From` header's value.
        from: String,
        /// The Request-URI.
        target: String,
    },
    /// The call, in either direction, is answered (200 sent or received).
    Answered,
    /// Our call was refused or failed; 408 stands for no answer at all, 487 follows our CANCEL.
    Refused {
        /// The final status.
        status: u16,
        /// The `Reason` header, if any.
        reason: Option<String>,
    },
    /// The caller gave up before we answered.
    Abandoned {
        /// The `Reason` header of the CANCEL, if any.
        reason: Option<String>,
    },
    /// Media may flow like this from now on; `None`: no media.
    Media {
        /// Early or answered.
        hearing: Hearing,
        /// Where and what.
        route: Option<Route>,
    },
    /// A re-INVITE of ours was answered with this status.
    Reinvited {
        /// The final status.
        status: u16,
    },
    /// The far end re-INVITEd us; what it asked is in the following `Media`.
    ReinvitedByPeer {
        /// Whether we may not send now (we are on hold).
        held: bool,
    },
    /// The call ended after the answer.
    HungUp {
        /// Whether the far end sent the BYE.
        by_peer: bool,
        /// The `Reason` header of the BYE, if any.
        reason: Option<String>,
    },
    /// A digit came by SIP INFO.
    InfoDigit(terms::Digit),
    /// Something came that this phone could not read.
    Unreadable(String),
}

/// What a line wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a SIP message.
    Send {
        /// To this address.
        to: SocketAddr,
        /// These bytes.
        bytes: Vec<u8>,
    },
    /// Tell the user.
    Event(Event),
}

/// One phone line.
#[derive(Debug)]
pub struct Line {
    setup: Setup,
}

impl Line {
    /// A line that has not done anything yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self { setup }
    }
    /// One thing happened.
    pub fn handle(&mut self, _input: Input<'_>, _now: Instant) {
        todo!()
    }
    /// When to come back with [`Input::Timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// What to do next; drain to `None` after each `handle`.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }
    /// Whether there is a call, ringing or answered, in either direction.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        todo!()
    }
}
