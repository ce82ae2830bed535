//! The watch over silence: a caller who can hear us, and for too long hears nothing although no silence is meant, gets a filler.
//!
//! ```text
//!  Calm ── nothing to hear ──▶ Quiet ── `limit` passed ──▶ Filling ── something else is heard, or silence is meant ──▶ Calm
//! ```
//! It needs nothing but the mixer: what fills is in memory, so it plays while disk, web, voice and scripts are stuck.

use media::PlayerId;
use std::time::{Duration, Instant};

/// What a caller hears, as the watch must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Nothing, and nobody meant it so.
    Nothing,
    /// This player; it may be the filler.
    Player(PlayerId),
    /// Something else, or silence that is meant, or nothing can reach the caller.
    Content,
}

/// What the call shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Play the filler and tell [`Watch::filling`].
    Fill,
    /// Stop it.
    Stop(PlayerId),
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Longest silence; zero: nobody watches.
    limit: Duration,
    state: State,
    has_filled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calm,
    Quiet { since: Instant },
    Filling(PlayerId),
}

impl Watch {
    pub(crate) const fn new(limit: Duration) -> Self {
        Self { limit, state: State::Calm, has_filled: false }
    }

    /// Looks at what the caller hears now; to be called after everything that happens.
    pub(crate) fn look(&mut self, hearing: Hearing, now: Instant) -> Option<Act> {
        match (self.state, hearing) {
            (State::Filling(filler), Hearing::Player(heard)) if filler == heard => None,
            (State::Filling(filler), Hearing::Content) => {
                self.state = State::Calm;
                Some(Act::Stop(filler))
            }
            (State::Calm | State::Quiet { .. } | State::Filling(_), Hearing::Player(_)) | (State::Calm | State::Quiet { .. }, Hearing::Content) => {
                self.state = State::Calm;
                None
            }
            (State::Calm | State::Filling(_), Hearing::Nothing) => {
                if !self.limit.is_zero() {
                    self.state = State::Quiet { since: now };
                }
                None
            }
            (State::Quiet { since }, Hearing::Nothing) => (since + self.limit <= now).then_some(Act::Fill),
        }
    }

    /// The filler plays.
    pub(crate) const fn filling(&mut self, filler: PlayerId) {
        self.state = State::Filling(filler);
        self.has_filled = true;
    }

    /// Whether a filler ever played.
    pub(crate) const fn has_filled(&self) -> bool {
        self.has_filled
    }

    /// How long the silence may be.
    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// When time decides next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Quiet { since } => Some(since + self.limit),
            State::Calm | State::Filling(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn silence_is_filled_after_the_limit_and_the_filler_makes_way() {
        let t = start();
        let at = |seconds| t + Duration::from_secs(seconds);
        let (filler, prompt) = (PlayerId(7), PlayerId(8));
        let mut watch = Watch::new(LIMIT);
        assert_eq!(watch.look(Hearing::Nothing, t), None);
        assert_eq!(watch.poll_timeout(), Some(at(5)));
        assert_eq!(watch.look(Hearing::Nothing, at(4)), None);
        assert_eq!(watch.look(Hearing::Player(prompt), at(4)), None, "something is heard in time");
        assert_eq!(watch.look(Hearing::Nothing, at(5)), None, "and the silence begins anew");
        assert_eq!(watch.look(Hearing::Nothing, at(10)), Some(Act::Fill));
        watch.filling(filler);
        assert_eq!((watch.look(Hearing::Player(filler), at(20)), watch.poll_timeout()), (None, None));
        assert_eq!(watch.look(Hearing::Content, at(21)), Some(Act::Stop(filler)));
        assert_eq!(watch.look(Hearing::Content, at(22)), None);
    }

    #[test]
    fn a_filler_that_another_sound_replaced_is_not_stopped_again() {
        let t = start();
        let mut watch = Watch::new(LIMIT);
        watch.filling(PlayerId(1));
        assert_eq!(watch.look(Hearing::Player(PlayerId(2)), t), None);
        assert_eq!(watch.look(Hearing::Nothing, t), None);
        assert_eq!(watch.poll_timeout(), Some(t + LIMIT));
    }

    #[test]
    fn nobody_watches_when_the_limit_is_zero() {
        let t = start();
        let mut watch = Watch::new(Duration::ZERO);
        assert_eq!(watch.look(Hearing::Nothing, t), None);
        assert_eq!(watch.look(Hearing::Nothing, t + Duration::from_secs(3_600)), None);
        assert_eq!(watch.poll_timeout(), None);
    }
}
