//! What a mailbox is: its name, greeting, limits and where its events go.

use crate::{Pin, limits};
use jiff::tz::TimeZone;
use std::time::Duration;
use terms::Name;

/// A mailbox as the configuration declares it and [`Mailbox::check`] accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its realm (tenant).
    pub realm: Name,
    /// Its name, as in `mailbox/sales`.
    pub name: Name,
    /// What a caller hears before the tone unless the flow brings its own greeting.
    pub greeting: Greeting,
    /// How much and how long it holds.
    pub limits: MailboxLimits,
    /// The greeting is all there is: no tone, no message; the caller's outcome is `announced`.
    pub announce_only: bool,
    /// Endpoint told of every event of this mailbox, beside those a flow names.
    pub webhook: Option<String>,
    /// Whether messages are transcribed unless the flow says otherwise.
    pub transcribe: bool,
    /// Language of transcription, BCP 47 (`en`, `de`); `None` leaves it to the recogniser.
    pub language: Option<String>,
    /// What a visitor must key in to hear its messages.
    pub pin: Option<Pin>,
    /// Whether its own connection, proven by its password, must too.
    pub pin_for_owner: bool,
    /// The zone in which times are told.
    pub zone: TimeZone,
}

/// What is said before the tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// The exchange's own short text.
    Standard,
    /// A sound file of the prompts folder.
    Play(String),
    /// Text for the built-in voice.
    Say(String),
}

/// The measures of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxLimits {
    /// Messages it holds; one more and it is full. 1–10,000.
    pub messages_max: u32,
    /// Longest message. Over zero, at most one hour.
    pub length_max: Duration,
    /// Recordings shorter than this are discarded; zero keeps all. Less than `length_max`.
    pub discard_under: Duration,
    /// How long a message stays before it is swept away. At least a minute, at most ten years.
    pub keep: Duration,
}

impl Default for MailboxLimits {
    fn default() -> Self {
        Self {
            messages_max: limits::MESSAGES_MAX_DEFAULT,
            length_max: limits::LENGTH_MAX_DEFAULT,
            discard_under: limits::DISCARD_UNDER_DEFAULT,
            keep: limits::KEEP_DEFAULT,
        }
    }
}

/// Why a mailbox cannot be as declared; the field's name stands first, for the reader of the configuration to point at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxFault {
    /// Out of 1–10,000.
    #[error("messages_max: {0} is not within 1 to {max}", max = limits::MESSAGES_MAX_CEILING)]
    MessagesMax(u32),
    /// Zero or over an hour.
    #[error("length_max: {} is not within 1s to 1h", terms::spell_span(*.0))]
    LengthMax(Duration),
    /// Not below the longest message, so that nothing could ever be kept.
    #[error("discard_under: {} is not below length_max", terms::spell_span(*.0))]
    DiscardUnder(Duration),
    /// Under a minute or over ten years.
    #[error("keep: {} is not within 1m to 3650d", terms::spell_span(*.0))]
    Keep(Duration),
    /// Neither `http://` nor `https://`, or too long.
    #[error("webhook: {0:?} is not an http or https address of at most {max} bytes", max = limits::URL_MAX)]
    Webhook(String),
}

impl Mailbox {
    /// A mailbox with every default.
    #[must_use]
    pub fn new(realm: Name, name: Name) -> Self {
        Self {
            realm,
            name,
            greeting: Greeting::Standard,
            limits: MailboxLimits::default(),
            announce_only: false,
            webhook: None,
            transcribe: true,
            language: None,
            pin: None,
            pin_for_owner: true,
            zone: TimeZone::UTC,
        }
    }

    /// Tells times in this zone (IANA name, such as `Europe/London`); false when there is none of that name.
    pub fn set_zone(&mut self, name: &str) -> bool {
        TimeZone::get(name).map(|zone| self.zone = zone).is_ok()
    }

    /// Every fault of this mailbox, in the order of its fields; empty when it is good.
    #[must_use]
    pub fn check(&self) -> Vec<MailboxFault> {
        let MailboxLimits { messages_max, length_max, discard_under, keep } = self.limits;
        let mut faults = Vec::new();
        if !(1..=limits::MESSAGES_MAX_CEILING).contains(&messages_max) {
            faults.push(MailboxFault::MessagesMax(messages_max));
        }
        if length_max < Duration::from_secs(1) || length_max > limits::LENGTH_MAX_CEILING {
            faults.push(MailboxFault::LengthMax(length_max));
        }
        if discard_under >= length_max {
            faults.push(MailboxFault::DiscardUnder(discard_under));
        }
        if keep < Duration::from_secs(60) || keep > limits::KEEP_CEILING {
            faults.push(MailboxFault::Keep(keep));
        }
        if let Some(url) = &self.webhook
            && !is_web_address(url)
        {
            faults.push(MailboxFault::Webhook(url.chars().take(120).collect()));
        }
        faults
    }
}

/// Whether a text may be an endpoint at all (whether it may be reached is decided where it is resolved).
#[must_use]
pub(crate) fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= limits::URL_MAX && rest.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sales() -> Mailbox {
        Mailbox::new(Name::new("default").unwrap(), Name::new("sales").unwrap())
    }

    #[test]
    fn the_defaults_are_good() {
        assert_eq!(sales().check(), []);
    }

    #[test]
    fn every_fault_is_told_at_once_and_names_its_field() {
        let mut bad = sales();
        bad.limits = MailboxLimits {
            messages_max: 0,
            length_max: Duration::from_secs(7_200),
            discard_under: Duration::from_secs(9_000),
            keep: Duration::ZERO,
        };
        bad.webhook = Some("ftp://example.org".to_owned());
        let told: Vec<String> = bad.check().iter().map(ToString::to_string).collect();
        assert_eq!(told, [
            "messages_max: 0 is not within 1 to 10000",
            "length_max: 2h is not within 1s to 1h",
            "discard_under: 9000s is not below length_max",
            "keep: 0ms is not within 1m to 3650d",
            "webhook: \"ftp://example.org\" is not an http or https address of at most 2048 bytes",
        ].map(|line| line.replace("9000s", "150m")));
    }

    #[test]
    fn an_address_needs_a_scheme_and_a_host() {
        for good in ["http://127.0.0.1:9000/hook", "https://crm.example/x?y"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in ["", "http://", "https:///x", "file:///etc/passwd", "crm.example"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
