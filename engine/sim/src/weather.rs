//! What the network does to a packet.

use crate::dice::Dice;
use std::time::Duration;

/// The weather of one phone's line, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Packets lost, in a thousand.
    pub loss: u32,
    /// Packets that arrive twice, in a thousand.
    pub twice: u32,
    /// The shortest way.
    pub delay: Duration,
    /// Up to so much is added to each packet by itself: what is larger than their distance puts them out of order.
    pub jitter: Duration,
    /// Packets that are held up by another half second, in a thousand.
    pub held_up: u32,
}

impl Weather {
    /// Nothing is lost; 10 ms.
    pub const FAIR: Self = Self { loss: 0, twice: 0, delay: Duration::from_millis(10), jitter: Duration::ZERO, held_up: 0 };
    /// Nothing arrives.
    pub const DARK: Self = Self { loss: 1_000, ..Self::FAIR };

    /// When copies of one packet arrive, from now; none: it is lost.
    pub(crate) fn fates(self, dice: &mut Dice) -> [Option<Duration>; 2] {
        if dice.permille(self.loss) {
            return [None, None];
        }
        let first = self.way(dice);
        let second = dice.permille(self.twice).then(|| self.way(dice));
        [Some(first), second]
    }

    fn way(self, dice: &mut Dice) -> Duration {
        let held = if dice.permille(self.held_up) { Duration::from_millis(500) } else { Duration::ZERO };
        self.delay + dice.between(Duration::ZERO, self.jitter) + held
    }
}
