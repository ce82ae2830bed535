//! What happened in an offline call, line by line, and the whole of it as one number.

use std::time::Duration;
use terms::Now;

/// Lines kept (chosen: far above any test; a runaway flow fills no memory).
const LINES_MAX: usize = 20_000;

/// Whose line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// What the caller does.
    Caller,
    /// What the caller hears.
    Ear,
    /// Where the flow is and what it does.
    Flow,
    /// Why, in the exchange's own words.
    Why,
    /// Devices, web servers, webhooks.
    World,
}

impl Who {
    /// One word, as shown before a line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Ear => "hears",
            Self::Flow => "flow",
            Self::Why => "why",
            Self::World => "world",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryLine {
    /// Since the call began.
    pub at: Duration,
    /// Whose.
    pub who: Who,
    /// The sentence.
    pub what: String,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Story {
    began: Now,
    lines: Vec<StoryLine>,
    print: u64,
}

impl Story {
    pub(crate) const fn new(began: Now) -> Self {
        Self { began, lines: Vec::new(), print: 0 }
    }

    pub(crate) fn tell(&mut self, now: Now, who: Who, what: impl Into<String>) {
        let at = now.at.saturating_duration_since(self.began.at);
        let what = what.into();
        self.mix(at, what.as_bytes());
        if self.lines.len() < LINES_MAX {
            self.lines.push(StoryLine { at, who, what });
        }
    }

    /// Mixes something into the number (FNV-1a over 8 bytes at a time).
    pub(crate) fn mix(&mut self, at: Duration, bytes: &[u8]) {
        self.print = mixed(self.print, at, bytes);
    }

    pub(crate) fn lines(&self) -> &[StoryLine] {
        &self.lines
    }

    pub(crate) const fn fingerprint(&self) -> u64 {
        self.print
    }
}

pub(crate) fn mixed(print: u64, at: Duration, bytes: &[u8]) -> u64 {
    let mut print = print ^ u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
    for chunk in bytes.chunks(8) {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        print = (print ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
    }
    print.wrapping_mul(0x0100_0000_01b3)
}
