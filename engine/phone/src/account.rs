//! Who a phone is and how it behaves when it is called.

use std::{net::SocketAddr, time::Duration};
use terms::{Codec, Secret};

/// How SIP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One message a datagram, repeated by RFC 3261 timers.
    Udp,
    /// A byte stream framed by Content-Length; nothing is repeated but 2xx.
    Tcp,
}

impl Protocol {
    /// As a `Via` header spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// The identity a phone registers and calls with.
#[derive(Clone, Debug)]
pub struct Account {
    /// User part of the address of record, also the digest user name.
    pub user: String,
    /// The digest password.
    pub password: Secret<String>,
    /// Host part of the address of record, with port where needed: `127.0.0.1:5060`, `example.com`.
    pub domain: String,
    /// Where every request outside a dialog is sent (registrar or outbound proxy).
    pub server: SocketAddr,
}

/// What a phone does by itself when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// Rings (180) and answers after this time.
    Answer {
        /// How long it rings.
        after: Duration,
    },
    /// Sends 183 with a description (early media), and answers after this time.
    Early {
        /// How long the early media lasts.
        after: Duration,
    },
    /// Rings until the caller gives up.
    Ring,
    /// Rings for a time, then refuses with this status (486 busy, 603 decline, …).
    Refuse {
        /// The final status, 300–699.
        status: u16,
        /// How long it rings first; zero: no 180 at all.
        after: Duration,
    },
    /// Does not answer at all, not even 100: a phone whose battery died.
    Deaf,
}

/// Everything a phone is born with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who it is.
    pub account: Account,
    /// Its own SIP address as written in Via and Contact.
    pub local: SocketAddr,
    /// How SIP travels.
    pub protocol: Protocol,
    /// Its own RTP address as written in its descriptions.
    pub rtp: SocketAddr,
    /// Codecs offered, best first ([`Codec::Pcmu`] and [`Codec::Pcma`] are spoken; others are left out).
    pub codecs: Vec<Codec>,
    /// Whether it offers and accepts telephone events (RFC 4733). A telephone without them has INFO, or its own tones to speak.
    pub events: bool,
    /// What it does when called.
    pub manners: Manners,
    /// What it answers a REFER within a call.
    pub refer_answer: u16,
    /// Whether it knows digest by MD5 only, like an old phone; otherwise SHA-256 is preferred.
    pub md5_only: bool,
    /// Seed of tags, branches, Call-IDs, SSRC: two phones of one test need two seeds.
    pub seed: u64,
}

impl Setup {
    /// A UDP phone that speaks PCMU then PCMA and answers at once.
    #[must_use]
    pub fn new(account: Account, local: SocketAddr, rtp: SocketAddr, seed: u64) -> Self {
        Self {
            account,
            local,
            protocol: Protocol::Udp,
            rtp,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            events: true,
            manners: Manners::Answer { after: Duration::ZERO },
            refer_answer: 202,
            md5_only: false,
            seed,
        }
    }
}
