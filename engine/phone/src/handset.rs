//! The shell: a phone on real sockets, in a thread of its own.

use crate::{account::{Account, Manners, Protocol}, phone::Report, step::Step};
use std::{net::IpAddr, time::Duration};
use terms::Codec;

/// Datagrams to lose on purpose: the first `times` that contain `containing`.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Whether those coming in (or else those going out) are lost.
    pub incoming: bool,
    /// A text such as `SIP/2.0 200`.
    pub containing: String,
    /// How many are lost.
    pub times: u32,
}

/// How a handset is connected.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Who it is; `account.server` is where it sends.
    pub account: Account,
    /// The local address to bind; ports are chosen by the system.
    pub bind: IpAddr,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Codecs offered, best first.
    pub codecs: Vec<Codec>,
    /// What it does when called.
    pub manners: Manners,
    /// What is lost on purpose (UDP only).
    pub losses: Vec<Loss>,
}

/// Why a handset could not work.
#[derive(Debug, thiserror::Error)]
pub enum HandsetError {
    /// A socket failed.
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    /// A step failed.
    #[error("{step}: {why}")]
    Step {
        /// The step as written.
        step: String,
        /// Why it failed.
        why: String,
    },
    /// The phone's thread has ended.
    #[error("the phone has ended")]
    Ended,
}

/// A phone that is running. Dropping it ends its call and its thread.
#[derive(Debug)]
pub struct Handset {}

impl Handset {
    /// Binds the sockets and starts the thread.
    ///
    /// # Errors
    /// When a socket cannot be bound or connected.
    pub fn start(_wire: Wire) -> Result<Self, HandsetError> {
        todo!()
    }
    /// Does one step and waits until it is done.
    ///
    /// # Errors
    /// [`HandsetError::Step`] when it fails; the phone goes on living.
    pub fn step(&self, _step: Step) -> Result<(), HandsetError> {
        todo!()
    }
    /// Begins a step without waiting; the next [`Handset::step`] follows it.
    pub fn begin(&self, _step: Step) {
        todo!()
    }
    /// All that happened until now.
    #[must_use]
    pub fn report(&self) -> Report {
        todo!()
    }
    /// Where it receives SIP.
    #[must_use]
    pub fn sip_address(&self) -> std::net::SocketAddr {
        todo!()
    }
    /// Waits until `what` is true of the report.
    ///
    /// # Errors
    /// When it is not within the time.
    pub fn wait_for(&self, _within: Duration, _what: impl Fn(&Report) -> bool) -> Result<(), HandsetError> {
        todo!()
    }
}
