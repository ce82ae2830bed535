//! Word of a far host that nobody listens where our packets go: ICMP port unreachable (RFC 792, RFC 4443 §3.1).
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
/// How long a row must last before it is believed (chosen: phones that answer first and open their port then take less).
const ROW_MIN: Duration = Duration::from_secs(2);

/// A port that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The port packets are sent to.
    pub target: SocketAddr,
    /// Who says so: the host itself, or one on the way.
    pub by: IpAddr,
}

/// The row of words about one stream's target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words(Option<Row>);

#[derive(Clone, Copy, Debug)]
struct Row {
    about: Closed,
    began: Instant,
    last: Instant,
}

impl Words {
    /// Packets to `about.target` came back.
    pub(crate) fn come(&mut self, about: Closed, now: Instant) {
        match &mut self.0 {
            Some(row) if row.about.target == about.target && now.saturating_duration_since(row.last) <= ROW_GAP_MAX => {
                row.last = now;
                row.about.by = about.by;
            }
            Some(_) | None => self.0 = Some(Row { about, began: now, last: now }),
        }
    }

    /// What is believed of `target` at `now`.
    pub(crate) fn believed(&self, target: SocketAddr, now: Instant) -> Option<Closed> {
        let row = self.0.filter(|row| row.about.target == target)?;
        let lasts = row.last.saturating_duration_since(row.began) >= ROW_MIN;
        (lasts && now.saturating_duration_since(row.last) <= ROW_GAP_MAX).then_some(row.about)
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
        let about = |target: SocketAddr| Closed { target, by: target.ip() };
        let believed = |words: &[(u64, SocketAddr)], now: u64| {
            let mut row = Words::default();
            for (at, target) in words {
                row.come(about(*target), start + ms(*at));
            }
            row.believed(target, start + ms(now)).is_some()
        };
        let every = |step: u64, until: u64| -> Vec<(u64, SocketAddr)> { (0..=until / step).map(|n| (n * step, target)).collect() };
        assert!(!believed(&[], 5_000), "nobody says so");
        assert!(!believed(&every(20, 1_900), 2_000), "a phone that opens its port late");
        assert!(believed(&every(20, 2_000), 2_000));
        assert!(believed(&every(1_000, 2_000), 4_900), "once a second, as hosts and idle streams have it");
        assert!(!believed(&every(1_000, 2_000), 5_100), "it is open again, or nobody says more");
        assert!(!believed(&[(0, target), (4_000, target)], 4_100), "two words far apart are no row");
        assert!(!believed(&[(0, other), (1_000, other), (2_000, other), (2_100, target)], 2_200), "another port than the one sent to");
        assert!(!believed(&[(0, target), (1_500, other), (3_000, target)], 3_100), "a new target begins anew");
    }
}
