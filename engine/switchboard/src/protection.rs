//! Whom keys of protected media (SRTP by SDES, RFC 4568) may be told. They stand in SIP, so whoever reads the signalling can
//! hear the call. UDP and TCP hide nothing: keys go to peers on this machine, and further only where the owner of the exchange
//! says that the way is safe.

use crate::{cidr::Cidr, front::Front, policy::Why};
use call::Origin;
use sip::{Host, NextHop};
use std::net::IpAddr;
use terms::{Secret, Srtp};

/// How far keys may go in SIP that is not encrypted, beyond this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverPlainSip {
    /// To peers in these networks. None, the default: nowhere.
    Networks(Vec<Cidr>),
    /// To everybody.
    Everywhere,
}

/// How media is protected where a connection or trunk says nothing of its own.
#[derive(Clone, Debug)]
pub struct MediaProtection {
    /// With whom.
    pub srtp: Srtp,
    /// Where keys may go in plain SIP.
    pub over_plain_sip: OverPlainSip,
    /// What keys are made from: random in production.
    pub secret: Secret<[u8; 32]>,
}

impl MediaProtection {
    /// Whether keys may be told a peer that is reached at this address; `None`: not known before its name is looked up.
    fn may_tell(&self, peer: Option<IpAddr>) -> bool {
        let peer = peer.map(|peer| peer.to_canonical());
        match &self.over_plain_sip {
            OverPlainSip::Everywhere => true,
            OverPlainSip::Networks(networks) => {
                peer.is_some_and(|peer| peer.is_loopback() || networks.iter().any(|network| network.contains(peer)))
            }
        }
    }

    /// What is done with a peer: `own` is its own setting. Optional protection is left where keys may not go; required
    /// protection cannot be had there.
    fn with(&self, own: Option<Srtp>, peer: Option<IpAddr>) -> Result<Srtp, Why> {
        match own.unwrap_or(self.srtp) {
            Srtp::Off => Ok(Srtp::Off),
            wanted if self.may_tell(peer) => Ok(wanted),
            Srtp::Optional => Ok(Srtp::Off),
            Srtp::Required => {
                let whom = peer.map_or_else(|| "a host not yet looked up".to_owned(), |peer| peer.to_string());
                Err(format!("srtp is required, and its keys may not cross plain SIP to {whom} (srtp_over_plain_sip)"))
            }
        }
    }
}

impl Front {
    /// How media with a caller is protected.
    pub(crate) fn srtp_with(&self, origin: &Origin, peer: IpAddr) -> Result<Srtp, Why> {
        let own = match origin {
            Origin::Connection(name) => self.directory.connection(name.as_str()).and_then(|connection| connection.srtp),
            Origin::Trunk(name) => self.directory.trunk(name.as_str()).and_then(|trunk| trunk.srtp),
            Origin::Unknown => None,
        };
        self.settings.protection.with(own, Some(peer))
    }

    /// How media with somebody we call is protected.
    pub(crate) fn srtp_toward(&self, own: Option<Srtp>, hop: &NextHop) -> Result<Srtp, Why> {
        let peer = match hop {
            NextHop::Flow(flow) => Some(flow.peer.ip()),
            NextHop::Target(target) => Some(target.addr.ip()),
            NextHop::Uri(uri) => match uri.host {
                Host::Ip(ip) => Some(ip),
                Host::Name(_) => None,
            },
        };
        self.settings.protection.with(own, peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a11_keys_stay_where_their_owner_lets_them() {
        let house = |over_plain_sip| MediaProtection { srtp: Srtp::Optional, over_plain_sip, secret: Secret::new([1; 32]) };
        let here: Option<IpAddr> = Some("127.0.0.1".parse().unwrap());
        let office: Option<IpAddr> = Some("::ffff:10.1.2.3".parse().unwrap());
        let far: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
        let (closed, office_net, open) = (
            house(OverPlainSip::Networks(Vec::new())),
            house(OverPlainSip::Networks(vec!["10.0.0.0/8".parse().unwrap()])),
            house(OverPlainSip::Everywhere),
        );
        use Srtp::{Off, Optional, Required};
        let cases = [
            (&closed, None, here, Ok(Optional)),
            (&closed, Some(Required), here, Ok(Required)),
            (&closed, None, office, Ok(Off)),
            (&closed, Some(Required), None, Err("srtp is required, and its keys may not cross plain SIP to a host not yet looked up (srtp_over_plain_sip)")),
            (&office_net, Some(Required), office, Ok(Required)),
            (&office_net, Some(Required), far, Err("srtp is required, and its keys may not cross plain SIP to 192.0.2.1 (srtp_over_plain_sip)")),
            (&office_net, Some(Off), far, Ok(Off)),
            (&open, Some(Required), None, Ok(Required)),
            (&open, Some(Off), here, Ok(Off)),
        ];
        for (house, own, peer, expected) in cases {
            assert_eq!(house.with(own, peer), expected.map_err(str::to_owned), "{own:?} {peer:?}");
        }
    }
}
