//! Links to the audio of messages and recordings that are good without a token until they expire:
//! `…/v1/messages/<id>/audio?expires=…&signature=…`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{fmt::Write as _, time::Duration};
use subtle::ConstantTimeEq;
use terms::{MessageId, Secret, UnixMs};

/// Makes and checks links.
#[derive(Clone, Debug)]
pub struct AudioLinks {
    /// Address under which the HTTP API is reached from outside, without a slash at its end.
    pub base_url: String,
    /// Key of the signature, at least 16 bytes.
    pub key: Secret<Vec<u8>>,
    /// How long a link is good.
    pub life: Duration,
}

impl AudioLinks {
    /// The link to a message's audio, good from `now` for its life.
    #[must_use]
    pub fn link(&self, id: MessageId, now: UnixMs) -> String {
        let expires = now.0.saturating_add(u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX)) / 1_000;
        format!("{}/v1/messages/{id}/audio?expires={expires}&signature={}", self.base_url, self.sign(id, expires))
    }

    /// The link to a recording's audio, as [`AudioLinks::link`].
    #[must_use]
    pub fn recording(&self, id: MessageId, now: UnixMs) -> String {
        self.link(id, now).replacen("/v1/messages/", "/v1/recordings/", 1)
    }

    /// Whether a signature is ours and not yet over. `expires` is in seconds since 1970.
    #[must_use]
    pub fn is_good(&self, id: MessageId, expires: u64, signature: &str, now: UnixMs) -> bool {
        let ours = self.sign(id, expires);
        bool::from(ours.as_bytes().ct_eq(signature.as_bytes())) && now.0 / 1_000 < expires
    }

    fn sign(&self, id: MessageId, expires: u64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("HMAC takes keys of any length");
        mac.update(format!("GET audio {id} {expires}").as_bytes());
        let mut text = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_its_message_and_its_time_only() {
        let links = AudioLinks {
            base_url: "http://pbx.example".to_owned(),
            key: Secret::new(b"0123456789abcdef".to_vec()),
            life: Duration::from_secs(60),
        };
        let (id, other) = (MessageId::new(1, [1; 10]), MessageId::new(1, [2; 10]));
        let link = links.link(id, UnixMs(1_000_000));
        let (_, query) = link.split_once("audio?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        assert_eq!(expires, "1060");
        assert!(links.is_good(id, 1_060, signature, UnixMs(1_059_999)));
        assert!(!links.is_good(id, 1_060, signature, UnixMs(1_060_000)), "over");
        assert!(!links.is_good(id, 9_999, signature, UnixMs(1_000_000)), "prolonged by hand");
        assert!(!links.is_good(other, 1_060, signature, UnixMs(1_000_000)), "another message");
        assert!(!links.is_good(id, 1_060, "", UnixMs(1_000_000)));
    }
}
