//! Where a URI leads (RFC 3263): what needs no question, what to ask, and the order of what comes back. Asking is the shell's.

use crate::{Chance, Host, Target, Transport, Uri};
use std::net::{IpAddr, SocketAddr};

/// The port of SIP without TLS (RFC 3261 §19.1.2).
pub const DEFAULT_PORT: u16 = 5060;

/// What a URI's next step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Known without asking.
    Direct(Target),
    /// Ask for this host.
    Ask {
        /// The name.
        host: String,
        /// When given, only addresses are asked (§4.2).
        port: Option<u16>,
        /// When given, NAPTR is skipped (§4.1).
        transport: Option<Transport>,
    },
    /// `sips:`, `tel:` and the like: no way of ours leads there.
    Nowhere,
}

/// One SRV record's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower is tried first.
    pub priority: u16,
    /// Share among equals.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The addresses of its host, as far as known.
    pub addresses: Vec<IpAddr>,
    /// The transport asked for (`_sip._udp`, `_sip._tcp`).
    pub transport: Transport,
}

/// The next step for a URI (`maddr` is not followed: it lets strangers aim our packets).
#[must_use]
pub fn plan(uri: &Uri) -> Plan {
    if uri.scheme != crate::Scheme::Sip {
        return Plan::Nowhere;
    }
    let transport = match uri.params.get("transport") {
        None => None,
        Some(text) => match Transport::parse(&text) {
            Some(known) => Some(known),
            None => return Plan::Nowhere,
        },
    };
    match &uri.host {
        Host::Ip(address) => {
            let addr = SocketAddr::new(*address, uri.port.unwrap_or(DEFAULT_PORT));
            Plan::Direct(Target { transport: transport.unwrap_or(Transport::Udp), addr })
        }
        Host::Name(name) if name.is_empty() => Plan::Nowhere,
        Host::Name(name) => Plan::Ask { host: name.to_string(), port: uri.port, transport },
    }
}

/// The order to try SRV answers in: by priority, within it by weighted chance (RFC 2782), every address of a record in turn.
#[must_use]
pub fn order(mut services: Vec<Service>, chance: &mut Chance) -> Vec<Target> {
    services.sort_by_key(|service| (service.priority, service.weight != 0));
    let mut targets = Vec::new();
    while let Some(first) = services.first() {
        let group = services.iter().take_while(|s| s.priority == first.priority).count();
        let total: u64 = services.iter().take(group).map(|s| u64::from(s.weight)).sum();
        let mut draw = chance.next_u64() % (total + 1);
        let chosen = services
            .iter()
            .take(group)
            .position(|s| {
                let weight = u64::from(s.weight);
                if draw <= weight { true } else { draw -= weight; false }
            })
            .unwrap_or(0);
        let service = services.remove(chosen);
        targets.extend(service.addresses.iter().map(|a| Target { transport: service.transport, addr: SocketAddr::new(*a, service.port) }));
    }
    targets
}

/// Targets for plain addresses (no SRV): each with the port and transport of the question, or their defaults.
#[must_use]
pub fn from_addresses(addresses: &[IpAddr], port: Option<u16>, transport: Option<Transport>) -> Vec<Target> {
    let (port, transport) = (port.unwrap_or(DEFAULT_PORT), transport.unwrap_or(Transport::Udp));
    addresses.iter().map(|a| Target { transport, addr: SocketAddr::new(*a, port) }).collect()
}
