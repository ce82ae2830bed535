//! The events of voicemail and the one JSON shape of each, as endpoints receive them (Standard Webhooks payload:
//! `type`, `timestamp`, `data`).
//!
//! ```json
//! { "type": "voicemail.saved", "timestamp": "2026-11-22T02:11:41.000Z", "data": { "message": { "id": "…", … } } }
//! ```

use crate::{Caller, Message};
use serde::{Deserialize, Serialize};
use terms::{CallId, Name, UnixMs};

/// What can happen to voicemail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    /// A message is safe on disk; its transcript may follow.
    #[serde(rename = "voicemail.saved")]
    Saved,
    /// The transcript of a message is there.
    #[serde(rename = "voicemail.transcribed")]
    Transcribed,
    /// No transcript could be made after all tries.
    #[serde(rename = "voicemail.transcription_failed")]
    TranscriptionFailed,
    /// A message was deleted, by somebody or by age.
    #[serde(rename = "voicemail.deleted")]
    Deleted,
    /// A caller found the mailbox full.
    #[serde(rename = "voicemail.full")]
    Full,
}

impl EventKind {
    /// Every event.
    pub const ALL: [Self; 5] = [Self::Saved, Self::Transcribed, Self::TranscriptionFailed, Self::Deleted, Self::Full];

    /// The `type` of the payload.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Saved => "voicemail.saved",
            Self::Transcribed => "voicemail.transcribed",
            Self::TranscriptionFailed => "voicemail.transcription_failed",
            Self::Deleted => "voicemail.deleted",
            Self::Full => "voicemail.full",
        }
    }

    /// The word of the flow language: `saved transcribed transcription_failed deleted full`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.name().trim_start_matches("voicemail.")
    }

    /// The event of a short or whole name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name || kind.short_name() == name)
    }
}

/// Payload of `voicemail.saved`, `.transcribed`, `.transcription_failed` and `.deleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEvent {
    /// Which event.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened, RFC 3339 in UTC.
    pub timestamp: String,
    /// What it is about.
    #[serde(rename = "data")]
    pub body: MessageBody,
}

/// The `data` of a [`MessageEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBody {
    /// The message as it is after the event.
    pub message: Message,
    /// Why, where the event is a failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Payload of `voicemail.full`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullEvent {
    /// Always [`EventKind::Full`].
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When the caller was turned away, RFC 3339 in UTC.
    pub timestamp: String,
    /// What it is about.
    #[serde(rename = "data")]
    pub body: FullBody,
}

/// The `data` of a [`FullEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullBody {
    /// Realm of the mailbox.
    pub realm: Name,
    /// The full mailbox.
    pub mailbox: Name,
    /// Messages it holds at most.
    pub messages_max: u32,
    /// Who could leave none.
    pub caller: Caller,
    /// In which call.
    pub call: CallId,
}

impl MessageEvent {
    /// An event about a message.
    #[must_use]
    pub fn new(kind: EventKind, at: UnixMs, message: Message, reason: Option<String>) -> Self {
        Self { kind, timestamp: at.rfc3339(), body: MessageBody { message, reason } }
    }
}

impl FullEvent {
    /// A caller was turned away.
    #[must_use]
    pub fn new(at: UnixMs, body: FullBody) -> Self {
        Self { kind: EventKind::Full, timestamp: at.rfc3339(), body }
    }
}
