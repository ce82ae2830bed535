//! Word of a far host, or of one on the way, that our packets do not get where they go: ICMP destination unreachable (RFC 792, RFC 4443
//! §3.1).
//!
//! Such a word is a hint and never more: anybody can make one up, and a phone may open its port a moment after it answered. So it
//! moves nothing and ends nothing; when it comes over and over, it is why one side hears nothing.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// The row of words is broken after so long without one. An idle stream sends each second, and hosts limit what they say of a
/// port to one word a second (Linux: `icmp_ratelimit`).
const ROW_GAP_MAX: Duration = Duration::from_secs(3);
/// The same for words of what is not on the host itself: the last router looks for it anew each time, with three questions a second
/// apart (Linux, measured: a handful of words each 3.1 s).
const FAR_ROW_GAP_MAX: Duration = Duration::from_secs(5);
/// How long a row must last before it is believed (chosen: phones that answer first and open their port then take less).
const ROW_MIN: Duration = Duration::from_secs(2);

/// How long nothing has come from a peer when a single word explains it. Routers that have no way say so in a first handful of words
/// and then, while packets keep coming, hardly ever again (Linux, measured: its limits for routes and for ICMP take the same tokens,
/// which 50 packets a second never let grow).
const MUTE_MIN: Duration = Duration::from_secs(5);

/// What packets do not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The port: nobody listens there.
    Port,
    /// The host: it is off, or its address is wrong.
    Host,
    /// Its network: there is no way.
    Network,
    /// It might, but a firewall forbids it.
    Prohibited,
}

impl Unreachable {
    /// From the code of an ICMP message of type 3 (RFC 792; RFC 1122 §3.2.2.1; RFC 1812 §5.2.7.1); `None` for what is said of other
    /// things than a way, such as the length of packets.
    #[must_use]
    pub const fn of_icmp(code: u8) -> Option<Self> {
        Some(match code {
            0 | 6 | 11 => Self::Network,
            1 | 7 | 8 | 12 => Self::Host,
            3 => Self::Port,
            9 | 10 | 13 => Self::Prohibited,
            _ => return None,
        })
    }

    /// From the code of an ICMPv6 message of type 1 (RFC 4443 §3.1).
    #[must_use]
    pub const fn of_icmp6(code: u8) -> Option<Self> {
        Some(match code {
            0 | 2 | 6 => Self::Network,
            1 | 5 => Self::Prohibited,
            3 => Self::Host,
            4 => Self::Port,
            _ => return None,
        })
    }

    /// How long after a word the next one of a row may come.
    const fn gap(self) -> Duration {
        match self {
            Self::Port => ROW_GAP_MAX,
            Self::Host | Self::Network | Self::Prohibited => FAR_ROW_GAP_MAX,
        }
    }
}

/// Packets that are sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentBack {
    /// The port they are sent to.
    pub target: SocketAddr,
    /// What of it they do not reach.
    pub what: Unreachable,
    /// Who says so: the host itself, or one on the way.
    pub by: IpAddr,
}

/// The row of words about one stream's target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words(Option<Row>);

#[derive(Clone, Copy, Debug)]
struct Row {
    about: SentBack,
    began: Instant,
    last: Instant,
}

impl Words {
    /// Packets to `about.target` came back.
    pub(crate) fn come(&mut self, about: SentBack, now: Instant) {
        match &mut self.0 {
            Some(row) if row.about.target == about.target && now.saturating_duration_since(row.last) <= row.about.what.gap() => {
                row.last = now;
                row.about = about;
            }
            Some(_) | None => self.0 = Some(Row { about, began: now, last: now }),
        }
    }

    /// What is believed of `target` at `now`. `missed`: when something last came from a peer that should be sending.
    pub(crate) fn believed(&self, target: SocketAddr, now: Instant, missed: Option<Instant>) -> Option<SentBack> {
        let row = self.0.filter(|row| row.about.target == target)?;
        let lasts = row.last.saturating_duration_since(row.began) >= ROW_MIN;
        let goes_on = now.saturating_duration_since(row.last) <= row.about.what.gap();
        // A peer that cannot be reached is not heard either; then one word says why, whenever it came since. A phone may have opened
        // its port meanwhile, so this is no word of ports.
        let is_mute = |since: Instant| row.last > since && now.saturating_duration_since(since) >= MUTE_MIN;
        let explains = row.about.what != Unreachable::Port && missed.is_some_and(is_mute);
        ((lasts && goes_on) || explains).then_some(row.about)
    }
}

/// The address as IPv4 where it is one in IPv6's clothes: sockets for both tell it so.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn only_a_row_that_lasts_and_goes_on_is_believed() {
        let (start, ms) = (start(), Duration::from_millis);
        let target: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        let other: SocketAddr = "192.0.2.1:4002".parse().unwrap();
        let told_of = |what: Unreachable, words: &[(u64, SocketAddr)], now: u64| {
            let mut row = Words::default();
            for (at, target) in words {
                row.come(SentBack { target: *target, what, by: target.ip() }, start + ms(*at));
            }
            row.believed(target, start + ms(now), None).is_some()
        };
        let believed = |words: &[(u64, SocketAddr)], now: u64| told_of(Unreachable::Port, words, now);
        let every = |step: u64, until: u64| -> Vec<(u64, SocketAddr)> { (0..=until / step).map(|n| (n * step, target)).collect() };
        assert!(!believed(&[], 5_000), "nobody says so");
        assert!(!believed(&every(20, 1_900), 2_000), "a phone that opens its port late");
        assert!(believed(&every(20, 2_000), 2_000));
        assert!(believed(&every(1_000, 2_000), 4_900), "once a second, as hosts and idle streams have it");
        assert!(!believed(&every(1_000, 2_000), 5_100), "it is open again, or nobody says more");
        assert!(!believed(&[(0, target), (4_000, target)], 4_100), "two words far apart are no row");
        assert!(told_of(Unreachable::Host, &every(3_050, 9_150), 12_000), "a router that looks for the host in vain, again and again");
        assert!(!believed(&every(3_050, 9_150), 9_200), "of ports that is no row");
        assert!(!believed(&[(0, other), (1_000, other), (2_000, other), (2_100, target)], 2_200), "another port than the one sent to");
        assert!(!believed(&[(0, target), (1_500, other), (3_000, target)], 3_100), "a new target begins anew");
    }

    #[test]
    fn one_word_explains_why_nothing_comes() {
        let (start, ms) = (start(), Duration::from_millis);
        let target: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        let told_of = |what: Unreachable, word: u64, heard: u64, now: u64| {
            let mut row = Words::default();
            row.come(SentBack { target, what, by: target.ip() }, start + ms(word));
            row.believed(target, start + ms(now), Some(start + ms(heard))).is_some()
        };
        for far in [Unreachable::Host, Unreachable::Network, Unreachable::Prohibited] {
            assert!(told_of(far, 20, 0, 5_000) && told_of(far, 20, 0, 600_000), "{far:?}: nothing came since");
            assert!(!told_of(far, 20, 0, 4_900), "{far:?}: it may only be slow");
            assert!(!told_of(far, 20, 1_000, 9_000), "{far:?}: it was heard after that");
        }
        assert!(!told_of(Unreachable::Port, 20, 0, 9_000), "it may have opened its port since");
    }

    #[test]
    fn every_code_of_a_way_is_read_and_others_are_not() {
        let read = |of: fn(u8) -> Option<Unreachable>| (0..=255).filter_map(|code| Some((code, of(code)?))).collect::<Vec<_>>();
        use Unreachable::{Host, Network, Port, Prohibited};
        let four = [(0, Network), (1, Host), (3, Port), (6, Network), (7, Host), (8, Host), (9, Prohibited), (10, Prohibited), (11, Network), (12, Host), (13, Prohibited)];
        assert_eq!(read(Unreachable::of_icmp), four);
        assert_eq!(read(Unreachable::of_icmp6), [(0, Network), (1, Prohibited), (2, Network), (3, Host), (4, Port), (5, Prohibited), (6, Network)]);
    }
}
