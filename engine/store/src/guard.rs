//! Who may be reached by HTTP: everybody on the public internet, nobody on private, local or special networks unless the
//! configuration names them.
//!
//! The check sits in the resolver of the one client that all requests use: the addresses that are checked are the addresses
//! that are connected to, so a name cannot point elsewhere a moment later. Addresses written as numbers never reach a resolver
//! and are checked in the URL, which is read by the same parser as the client's (`0x7f.1` and `2130706433` are 127.0.0.1).

use crate::limits;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    str::FromStr,
    sync::Arc,
};

/// One entry of the list of those who may be reached although they are not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `crm.internal` or `crm.internal:8080`: this name, wherever it resolves to; with a port, that port only.
    Host(String, Option<u16>),
    /// `127.0.0.1:9000`: this address at this port, written as a number.
    Address(IpAddr, u16),
    /// `10.1.0.0/16` or `127.0.0.1`: these addresses at every port, also by name.
    Network(IpAddr, u8),
}

/// Why a text is no entry of that list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host, host:port, address, address:port or network such as 10.0.0.0/8")]
pub struct BadAllowed(pub String);

impl FromStr for Allowed {
    type Err = BadAllowed;
    fn from_str(text: &str) -> Result<Self, BadAllowed> {
        let bad = || BadAllowed(text.chars().take(80).collect());
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| bad())?;
            let bits: u8 = bits.parse().map_err(|_| bad())?;
            return if bits <= width(address) { Ok(Self::Network(address, bits)) } else { Err(bad()) };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address, width(address)));
        }
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self::Address(socket.ip(), socket.port()));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let good = !host.is_empty() && host.len() <= 253 && host.bytes().all(letters);
        if good { Ok(Self::Host(host.to_ascii_lowercase(), port)) } else { Err(bad()) }
    }
}

/// Why an address is not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No URL at all.
    #[error("not an http or https address")]
    NotAnAddress,
    /// `http://user:password@…`: nobody needs it, and it misleads readers.
    #[error("an address with a user name in it")]
    UserInAddress,
    /// A private, local or special network that the configuration does not allow.
    #[error("{0} is on a private or special network that is not allowed")]
    NotAllowed(String),
}

/// How names are resolved: an answer of addresses. Replaceable for tests.
pub type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// The guard: cheap to clone.
#[derive(Clone)]
pub struct Guard {
    allowed: Arc<[Allowed]>,
    lookup: Lookup,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.allowed).finish()
    }
}

impl Guard {
    /// A guard that lets through what is public and what is listed.
    #[must_use]
    pub fn new(allowed: Vec<Allowed>) -> Self {
        Self::with_lookup(allowed, Arc::new(|name| Box::pin(system_lookup(name))))
    }

    /// The same with another way to resolve names.
    #[must_use]
    pub fn with_lookup(allowed: Vec<Allowed>, lookup: Lookup) -> Self {
        Self { allowed: allowed.into(), lookup }
    }

    /// Reads and checks an address as far as it can be judged before resolution.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn check(&self, text: &str) -> Result<Url, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::NotAnAddress)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::NotAnAddress);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInAddress);
        }
        let host = url.host_str().ok_or(Refusal::NotAnAddress)?;
        let port = url.port_or_known_default().ok_or(Refusal::NotAnAddress)?;
        let refused = || Err(Refusal::NotAllowed(host.chars().take(80).collect()));
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) if self.may_reach(address) || self.names_socket(address, port) => Ok(url),
            Ok(_) => refused(),
            // A listed name is good at its port only.
            Err(_) => match self.port_of(host) {
                Some(Some(only)) if only != port => refused(),
                Some(_) | None => Ok(url),
            },
        }
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        let listed = |entry: &Allowed| matches!(entry, Allowed::Network(network, bits) if contains(*network, *bits, address));
        is_public(address) || self.allowed.iter().any(listed)
    }

    fn names_socket(&self, address: IpAddr, port: u16) -> bool {
        self.allowed.iter().any(|entry| *entry == Allowed::Address(plain(address), port))
    }

    /// Whether a name is listed, and the port it is listed with.
    fn port_of(&self, host: &str) -> Option<Option<u16>> {
        let host = host.trim_end_matches('.');
        self.allowed.iter().find_map(|entry| match entry {
            Allowed::Host(name, port) if name.eq_ignore_ascii_case(host) => Some(*port),
            Allowed::Host(..) | Allowed::Address(..) | Allowed::Network(..) => None,
        })
    }

    async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, Refusal> {
        let found = (self.lookup)(name.clone()).await.unwrap_or_default();
        let listed = self.port_of(&name).is_some();
        let good: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| listed || self.may_reach(*address))
            .map(|address| SocketAddr::new(address, 0))
            .collect();
        if good.is_empty() { Err(Refusal::NotAllowed(format!("{name} (or it has no address)"))) } else { Ok(good) }
    }

    /// The one kind of client that leaves this house: guarded, no redirects, no proxy from the environment.
    pub(crate) fn client(&self) -> Result<Client, reqwest::Error> {
        Client::builder()
            .dns_resolver(Arc::new(Resolver(self.clone())))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits::CONNECT_TIME)
            .user_agent(concat!("callflow/", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

struct Resolver(Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses: Addrs = Box::new(guard.addresses(name.as_str().to_owned()).await?.into_iter());
            Ok(addresses)
        })
    }
}

async fn system_lookup(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|socket| socket.ip()).collect())
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// IPv4 in IPv6 clothes (`::ffff:a.b.c.d`) is IPv4.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u8| bits == 0 || (a ^ b) >> width.saturating_sub(bits) == 0;
    match (network, plain(address)) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Networks of IPv4 that are not the public internet (IANA special-purpose registry, multicast, reserved).
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Within 2000::/3, what is not the public internet: IETF protocols (Teredo among them), documentation, 6to4, documentation.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address belongs to the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|(net, bits)| contains(IpAddr::V4(*net), *bits, IpAddr::V4(v4))),
        IpAddr::V6(v6) => {
            // Global unicast is 2000::/3 only (RFC 4291 §2.4); NAT64 (64:ff9b::/96) carries an IPv4 address.
            let inside = |net: &Ipv6Addr, bits| contains(IpAddr::V6(*net), bits, IpAddr::V6(v6));
            if inside(&Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96) {
                let [.., a, b, c, d] = v6.octets();
                return is_public(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
            }
            inside(&Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3) && !SPECIAL_V6.iter().any(|(net, bits)| inside(net, *bits))
        }
    }
}
