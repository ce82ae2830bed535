//! Why one side hears nothing: the commonest trouble of telephones over the internet, told from a leg's figures.

use crate::{SentBack, Unreachable};
use std::{fmt, net::SocketAddr, time::Duration};

/// How long nothing may come before it is worth a word (chosen: no ringing phone or busy device takes longer to begin).
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for a peer that was heard before and may only be silent without saying so (RFC 3389 is not agreed with everybody).
const PATIENCE_WITH_SILENCE: Duration = Duration::from_secs(15);
/// Refused packets that tell a reason: a second of them.
const ENOUGH: u32 = 50;
/// Reports in a row that must say so before the far end is called deaf.
const DEAF_REPORTS: u32 = 2;

/// What a leg's figures say; all since the last packet that was taken, unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Both sides agreed that the peer sends.
    pub expects: bool,
    /// Both sides agreed that we send, and it is known where to.
    pub speaks: bool,
    /// How long nothing came that was taken.
    pub quiet: Duration,
    /// Packets taken in the whole life of the stream, and those of them that were comfort noise.
    pub taken: u64,
    /// See `taken`.
    pub comfort_noise: u64,
    /// Packets sent in its whole life.
    pub sent: u64,
    /// Where packets are sent: the address that the peer signalled, or the one latched.
    pub target: Option<SocketAddr>,
    /// Packets of elsewhere, and where the last came from.
    pub strangers: (u32, Option<SocketAddr>),
    /// Packets of a payload type not agreed, and the last of them.
    pub unknown_payload: (u32, Option<u8>),
    /// Protected packets that failed authentication.
    pub unauthentic: u32,
    /// RTCP reports in a row by which the peer heard nothing of us.
    pub deaf_reports: u32,
    /// Its host, or one on the way, keeps sending back what is sent to `target`.
    pub sent_back: Option<SentBack>,
}

/// Why one side hears nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneWay {
    /// Packets come, but under another key than agreed.
    WrongKey,
    /// Packets come from an address that nobody signalled, and are not believed.
    OtherAddress {
        /// From here.
        from: SocketAddr,
        /// While this was signalled.
        signalled: Option<SocketAddr>,
    },
    /// Packets come, of a payload type that was not agreed.
    WrongPayloadType(u8),
    /// Nobody listens where packets are sent.
    PortClosed(SentBack),
    /// Packets do not get to the host that they are sent to.
    Unreachable(SentBack),
    /// Nothing has come since the beginning.
    NothingCame {
        /// Packets we sent meanwhile.
        sent: u64,
        /// To here.
        target: Option<SocketAddr>,
    },
    /// The peer was heard, and is no more.
    Stopped {
        /// For so long, whole seconds.
        seconds: u64,
    },
    /// Comfort noise comes, and never a word.
    OnlyComfortNoise,
    /// The peer's reports say that nothing of ours reaches it.
    FarHearsNothing {
        /// Packets we sent.
        sent: u64,
        /// To here.
        target: Option<SocketAddr>,
    },
}

impl OneWay {
    /// The reason, if there is trouble. Whom we cannot hear comes before who cannot hear us; of several reasons the one that
    /// can be mended nearest to us.
    #[must_use]
    pub fn of(figures: &Figures) -> Option<Self> {
        let sent_back = figures.sent_back.filter(|_| figures.speaks).map(Self::sent_back);
        if figures.expects && figures.quiet >= PATIENCE {
            if figures.unauthentic >= ENOUGH {
                return Some(Self::WrongKey);
            }
            if let (ENOUGH.., Some(from)) = figures.strangers {
                return Some(Self::OtherAddress { from, signalled: figures.target });
            }
            if let (ENOUGH.., Some(number)) = figures.unknown_payload {
                return Some(Self::WrongPayloadType(number));
            }
            if sent_back.is_some() {
                return sent_back;
            }
            if figures.taken == 0 {
                return Some(Self::NothingCame { sent: figures.sent, target: figures.target });
            }
            if figures.quiet >= PATIENCE_WITH_SILENCE {
                return Some(Self::Stopped { seconds: figures.quiet.as_secs() });
            }
        }
        if sent_back.is_some() {
            return sent_back;
        }
        if figures.expects && figures.taken >= 2 && figures.taken == figures.comfort_noise {
            return Some(Self::OnlyComfortNoise);
        }
        if figures.speaks && figures.deaf_reports >= DEAF_REPORTS {
            return Some(Self::FarHearsNothing { sent: figures.sent, target: figures.target });
        }
        None
    }

    const fn sent_back(told: SentBack) -> Self {
        match told.what {
            Unreachable::Port => Self::PortClosed(told),
            Unreachable::Host | Unreachable::Network | Unreachable::Prohibited => Self::Unreachable(told),
        }
    }

    /// A word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "wrong-key",
            Self::OtherAddress { .. } => "other-address",
            Self::WrongPayloadType(_) => "wrong-payload-type",
            Self::PortClosed(_) => "port-closed",
            Self::Unreachable(_) => "unreachable",
            Self::NothingCame { .. } => "nothing-came",
            Self::Stopped { .. } => "stopped",
            Self::OnlyComfortNoise => "only-comfort-noise",
            Self::FarHearsNothing { .. } => "far-hears-nothing",
        }
    }
}

/// An address, or that there is none.
struct Place(Option<SocketAddr>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(f, "{address}"),
            None => f.write_str("nowhere"),
        }
    }
}

impl fmt::Display for OneWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WrongKey => f.write_str("its packets fail their authentication: it sends under another key than agreed, or without one"),
            Self::OtherAddress { from, signalled } => {
                write!(f, "its packets seem to come from {from}, while {} was signalled; they are not believed (NAT, or a stranger)", Place(signalled))
            }
            Self::WrongPayloadType(number) => write!(f, "it sends payload type {number}, which was not agreed"),
            Self::PortClosed(SentBack { target, by, .. }) if by == target.ip() => {
                write!(f, "nobody listens at {target}, where packets are sent: its host sends them back (ICMP port unreachable)")
            }
            Self::PortClosed(SentBack { target, by, .. }) => {
                write!(f, "packets to {target} do not get there: {by}, on the way, sends them back (ICMP port unreachable; a firewall, or NAT that forgot the way)")
            }
            Self::Unreachable(SentBack { target, what, by }) => {
                let what = match what {
                    Unreachable::Port => "the port is closed (ICMP port unreachable)",
                    Unreachable::Host => "no such host answers there (ICMP host unreachable; it is off, or its address is wrong)",
                    Unreachable::Network => "there is no way to its network (ICMP network unreachable; a route, or an address that only its own network knows)",
                    Unreachable::Prohibited => "a firewall forbids it (ICMP administratively prohibited)",
                };
                let who = if by == target.ip() { "its host".to_owned() } else { by.to_string() };
                write!(f, "packets to {target} do not get there: {who} sends them back, because {what}")
            }
            Self::NothingCame { sent, target } => {
                write!(f, "nothing has come from it, while {sent} packets were sent to {} (a firewall, or an address it cannot be reached at)", Place(target))
            }
            Self::Stopped { seconds } => write!(f, "nothing has come from it for {seconds} s, though it was heard before"),
            Self::OnlyComfortNoise => f.write_str("only comfort noise comes from it: its microphone is muted or silent"),
            Self::FarHearsNothing { sent, target } => {
                write!(f, "by its own reports it receives nothing, though {sent} packets were sent to {}", Place(target))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_its_reason() {
        let here: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        let there: SocketAddr = "198.51.100.7:9000".parse().unwrap();
        let s = Duration::from_secs;
        let good = Figures {
            expects: true,
            speaks: true,
            quiet: Duration::ZERO,
            taken: 500,
            comfort_noise: 0,
            sent: 500,
            target: Some(here),
            strangers: (0, None),
            unknown_payload: (0, None),
            unauthentic: 0,
            deaf_reports: 0,
            sent_back: None,
        };
        let back = |what: Unreachable, by: SocketAddr| Some(SentBack { target: here, what, by: by.ip() });
        let shut = |by: SocketAddr| back(Unreachable::Port, by);
        let never = Figures { taken: 0, quiet: s(6), ..good };
        let cases = [
            ("all is well", good, None),
            ("on hold nobody is expected", Figures { expects: false, ..never }, None),
            ("a phone that has just begun", Figures { quiet: s(4), ..never }, None),
            ("never", never, Some("nothing-came: nothing has come from it, while 500 packets were sent to 192.0.2.1:4000 (a firewall, or an address it cannot be reached at)")),
            ("a pause in speech", Figures { quiet: s(14), ..good }, None),
            ("it stopped", Figures { quiet: s(16), ..good }, Some("stopped: nothing has come from it for 16 s, though it was heard before")),
            ("another key", Figures { unauthentic: 240, strangers: (240, Some(there)), ..never }, Some("wrong-key: its packets fail their authentication: it sends under another key than agreed, or without one")),
            ("one bad packet is no reason", Figures { unauthentic: 1, quiet: s(2), ..good }, None),
            ("behind NAT", Figures { strangers: (250, Some(there)), ..never }, Some("other-address: its packets seem to come from 198.51.100.7:9000, while 192.0.2.1:4000 was signalled; they are not believed (NAT, or a stranger)")),
            ("a stranger beside a good stream", Figures { strangers: (250, Some(there)), ..good }, None),
            ("another codec", Figures { unknown_payload: (250, Some(18)), ..never }, Some("wrong-payload-type: it sends payload type 18, which was not agreed")),
            ("muted", Figures { taken: 9, comfort_noise: 9, ..good }, Some("only-comfort-noise: only comfort noise comes from it: its microphone is muted or silent")),
            ("deaf", Figures { deaf_reports: 2, ..good }, Some("far-hears-nothing: by its own reports it receives nothing, though 500 packets were sent to 192.0.2.1:4000")),
            ("its port is closed", Figures { sent_back: shut(here), ..good }, Some("port-closed: nobody listens at 192.0.2.1:4000, where packets are sent: its host sends them back (ICMP port unreachable)")),
            ("a firewall", Figures { sent_back: shut(there), deaf_reports: 3, ..good }, Some("port-closed: packets to 192.0.2.1:4000 do not get there: 198.51.100.7, on the way, sends them back (ICMP port unreachable; a firewall, or NAT that forgot the way)")),
            ("it is gone", Figures { sent_back: shut(here), quiet: s(16), ..good }, Some("port-closed: nobody listens at 192.0.2.1:4000, where packets are sent: its host sends them back (ICMP port unreachable)")),
            ("behind NAT, and closed there", Figures { sent_back: shut(here), strangers: (250, Some(there)), ..never }, Some("other-address: its packets seem to come from 198.51.100.7:9000, while 192.0.2.1:4000 was signalled; they are not believed (NAT, or a stranger)")),
            ("it is off", Figures { sent_back: back(Unreachable::Host, there), ..never }, Some("unreachable: packets to 192.0.2.1:4000 do not get there: 198.51.100.7 sends them back, because no such host answers there (ICMP host unreachable; it is off, or its address is wrong)")),
            ("no way", Figures { sent_back: back(Unreachable::Network, there), deaf_reports: 3, ..good }, Some("unreachable: packets to 192.0.2.1:4000 do not get there: 198.51.100.7 sends them back, because there is no way to its network (ICMP network unreachable; a route, or an address that only its own network knows)")),
            ("its own firewall", Figures { sent_back: back(Unreachable::Prohibited, here), ..good }, Some("unreachable: packets to 192.0.2.1:4000 do not get there: its host sends them back, because a firewall forbids it (ICMP administratively prohibited)")),
            ("closed on hold", Figures { sent_back: shut(here), speaks: false, expects: false, ..good }, None),
            ("deaf on hold", Figures { deaf_reports: 9, speaks: false, ..good }, None),
            ("neither way", Figures { deaf_reports: 9, ..never }, Some("nothing-came: nothing has come from it, while 500 packets were sent to 192.0.2.1:4000 (a firewall, or an address it cannot be reached at)")),
        ];
        for (what, figures, expected) in cases {
            let told = OneWay::of(&figures).map(|why| format!("{}: {why}", why.code()));
            assert_eq!(told.as_deref(), expected, "{what}");
        }
    }
}
