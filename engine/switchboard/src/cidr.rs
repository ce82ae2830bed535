//! A block of addresses, and the one question asked of it. The only place that decides who is trusted by address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address block such as `192.0.2.0/24`, `2001:db8::/32`, or one address. An IPv4-mapped IPv6 address is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no address block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCidr {
    /// The part before the slash is no IP address.
    #[error("{0:?} is not an IP address or block such as 192.0.2.0/24")]
    Address(String),
    /// The part after the slash is no prefix length of this family.
    #[error("{0:?}: the prefix length must be 0 to {1}")]
    Length(String, u8),
    /// Address bits beyond the prefix are set: one of the two is a mistake.
    #[error("{0:?} has address bits beyond its prefix; write {1}")]
    Loose(String, String),
}

/// The address as policy sees it: IPv4-mapped IPv6 (`::ffff:a.b.c.d`) is the IPv4 address inside.
#[must_use]
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Cidr {
    /// Whether the address lies in the block. Families never match each other.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, canonical(address)) {
            (IpAddr::V4(base), IpAddr::V4(address)) => masked4(address, self.bits) == base,
            (IpAddr::V6(base), IpAddr::V6(address)) => masked6(address, self.bits) == base,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether the two blocks share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.bits <= other.bits { self.contains(other.base) } else { other.contains(self.base) }
    }
}

fn masked4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}

fn masked6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    Ipv6Addr::from(u128::from(address) & mask)
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let short = || text.chars().take(60).collect::<String>();
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| BadCidr::Address(short()))?;
        let mapped = address.is_ipv6() && canonical(address).is_ipv4();
        let widest: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match length {
            None => widest,
            Some(length) => length
                .trim()
                .parse()
                .ok()
                .filter(|bits| *bits <= widest && (!mapped || *bits >= 96))
                .ok_or_else(|| BadCidr::Length(short(), widest))?,
        };
        let bits = if mapped { bits - 96 } else { bits };
        let address = canonical(address);
        let base = match address {
            IpAddr::V4(v4) => IpAddr::V4(masked4(v4, bits)),
            IpAddr::V6(v6) => IpAddr::V6(masked6(v6, bits)),
        };
        if base == address { Ok(Self { base, bits }) } else { Err(BadCidr::Loose(short(), format!("{base}/{bits}"))) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(block: &str, address: &str) -> bool {
        block.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a9_the_source_decides_by_prefix_and_family() {
        for (block, address, is) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7/32", "192.0.2.8", false),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("128.0.0.0/1", "127.255.255.255", false),
            ("128.0.0.0/1", "128.0.0.0", true),
        ] {
            assert_eq!(inside(block, address), is, "{address} in {block}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for text in ["", "x", "192.0.2.0/33", "192.0.2.0/-1", "::1/129", "192.0.2.1/24", "192.0.2.0/", "::ffff:1.2.3.4/64"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
        assert_eq!(
            "192.0.2.1/24".parse::<Cidr>().unwrap_err().to_string(),
            "\"192.0.2.1/24\" has address bits beyond its prefix; write 192.0.2.0/24"
        );
        let (all, one): (Cidr, Cidr) = ("0.0.0.0/0".parse().unwrap(), "10.0.0.1".parse().unwrap());
        assert!(all.overlaps(&one) && one.overlaps(&all));
    }

    proptest::proptest! {
        #[test]
        fn writing_and_reading_is_the_same(address: u32, bits in 0u8..=32) {
            let block = Cidr { base: IpAddr::V4(masked4(address.into(), bits)), bits };
            proptest::prop_assert_eq!(block.to_string().parse::<Cidr>(), Ok(block));
        }
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Cidr>();
        }
    }
}
