//! How long messages stay, and the counts of a message-waiting lamp.

use std::time::Duration;
use terms::UnixMs;

/// When a message that began at `began` is swept away.
#[must_use]
pub fn expires_at(began: UnixMs, keep: Duration) -> UnixMs {
    UnixMs(began.0.saturating_add(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX)))
}

/// Whether it is time to sweep.
#[must_use]
pub fn is_over(began: UnixMs, keep: Duration, now: UnixMs) -> bool {
    now >= expires_at(began, keep)
}

/// Counts for a lamp (RFC 3842 §5.2: `Voice-Message: new/old`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages nobody has heard.
    pub new: u32,
    /// Messages already heard.
    pub old: u32,
}

impl Waiting {
    /// Whether the lamp is lit.
    #[must_use]
    pub const fn is_lit(self) -> bool {
        self.new > 0
    }
    /// Messages in all.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.new.saturating_add(self.old)
    }
    /// The body of `application/simple-message-summary` (RFC 3842 §5.2), lines ended by CRLF.
    #[must_use]
    pub fn summary(self) -> String {
        let lit = if self.is_lit() { "yes" } else { "no" };
        format!("Messages-Waiting: {lit}\r\nVoice-Message: {}/{} (0/0)\r\n", self.new, self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_its_time_to_the_millisecond() {
        let keep = Duration::from_secs(60);
        assert!(!is_over(UnixMs(1_000), keep, UnixMs(60_999)));
        assert!(is_over(UnixMs(1_000), keep, UnixMs(61_000)));
        assert!(!is_over(UnixMs(u64::MAX), keep, UnixMs(61_000)));
    }

    #[test]
    fn the_lamp_tells_new_and_old() {
        assert_eq!(Waiting { new: 2, old: 8 }.summary(), "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/0)\r\n");
        assert_eq!(Waiting::default().summary(), "Messages-Waiting: no\r\nVoice-Message: 0/0 (0/0)\r\n");
        assert_eq!(Waiting { new: u32::MAX, old: 8 }.total(), u32::MAX);
    }
}
