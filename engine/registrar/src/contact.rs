//! What a device may ask for: one contact, judged.

use crate::{
    limits::{CONTACT_BYTES_MAX, EXPIRES_DEFAULT_S, EXPIRES_MAX_S, EXPIRES_MIN_S},
    read::Register,
};
use sip::{Flow, Host, Uri};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// The default port of SIP over UDP and TCP (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;

/// One Contact value of a REGISTER.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where the device says it is.
    pub uri: Uri,
    /// Its q in thousandths, 0–1000; 1000 when not said (RFC 3261 §10.2.1.2 leaves it open).
    pub q: u16,
    /// Its own `expires` parameter, seconds.
    pub expires: Option<u32>,
    /// Its `+sip.instance` (RFC 5626 §4.1), quotes removed.
    pub instance: Option<String>,
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the request says nonsense.
    #[error("{0}")]
    Malformed(&'static str),
    /// 400: CSeq is not above that of an earlier REGISTER with this Call-ID (RFC 3261 §10.3 step 7).
    #[error("cseq not above the one before")]
    OutOfOrder,
    /// 403: the contact is not a `sip:` address a device of this user may have.
    #[error("contact refused: {0}")]
    Contact(&'static str),
    /// 403: the connection has all the devices it may have.
    #[error("too many devices")]
    TooManyDevices,
    /// 423: shorter than we grant; Min-Expires tells what we do.
    #[error("expiry shorter than {min_s} s")]
    TooBrief {
        /// Seconds for Min-Expires.
        min_s: u32,
    },
    /// 500: the store could not keep it; nothing changed.
    #[error("not stored")]
    NotStored,
    /// 503: more answers wait for the store than are kept.
    #[error("busy")]
    Busy,
}

impl Refusal {
    /// The status code to answer with.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OutOfOrder => 400,
            Self::Contact(_) | Self::TooManyDevices => 403,
            Self::TooBrief { .. } => 423,
            Self::NotStored => 500,
            Self::Busy => 503,
        }
    }
}

/// Judges one contact and says how long it is granted; zero: remove it.
pub(crate) fn admit(wish: &Asked, register: &Register, ours: &[SocketAddr]) -> Result<Duration, Refusal> {
    let wanted = wish.expires.or(register.expires).unwrap_or(EXPIRES_DEFAULT_S);
    if wanted == 0 {
        return Ok(Duration::ZERO); // what is to be removed may be anything
    }
    if !matches!(wish.uri.scheme, sip::Scheme::Sip) {
        return Err(Refusal::Contact("not a sip: address"));
    }
    if !wish.uri.headers.is_empty() {
        return Err(Refusal::Contact("a contact with header fields"));
    }
    if wish.uri.to_string().len() > CONTACT_BYTES_MAX {
        return Err(Refusal::Contact("too long"));
    }
    if let Host::Ip(host) = wish.uri.host {
        let host = host.to_canonical();
        let source = register.source.peer.ip().to_canonical();
        if host.is_unspecified() || host.is_multicast() || host == IpAddr::V4(std::net::Ipv4Addr::BROADCAST) {
            return Err(Refusal::Contact("not the address of a device"));
        }
        if host.is_loopback() && !source.is_loopback() {
            return Err(Refusal::Contact("a loopback address from elsewhere"));
        }
        let port = wish.uri.port.unwrap_or(SIP_PORT);
        if ours.iter().any(|own| own.ip().to_canonical() == host && own.port() == port) {
            return Err(Refusal::Contact("our own address"));
        }
    }
    if wanted < EXPIRES_MIN_S {
        return Err(Refusal::TooBrief { min_s: EXPIRES_MIN_S });
    }
    Ok(Duration::from_secs(u64::from(wanted.min(EXPIRES_MAX_S))))
}

/// Whether a device must be reached where its packets come from: its contact names another host, or a name
/// (which could point at anybody).
pub(crate) fn behind_nat(contact: &Uri, source: &Flow) -> bool {
    match contact.host {
        Host::Ip(host) => host.to_canonical() != source.peer.ip().to_canonical(),
        Host::Name(_) => true,
    }
}
