//! Standard Webhooks signatures: `v1,` + base64(HMAC-SHA256(secret, `id.timestamp.body`)).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use terms::Secret;

/// Signs and checks webhooks with one secret.
#[derive(Clone, Debug)]
pub struct Signer {
    key: Secret<Vec<u8>>,
}

/// Why a text is no signing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")]
pub struct BadSecret;

impl Signer {
    /// A signer from `whsec_<base64>` (24–64 bytes, as the specification asks).
    ///
    /// # Errors
    /// [`BadSecret`], which does not repeat the text.
    pub fn new(secret: &Secret<String>) -> Result<Self, BadSecret> {
        let text = secret.expose().strip_prefix("whsec_").ok_or(BadSecret)?;
        let key = STANDARD.decode(text).map_err(|_| BadSecret)?;
        if (24..=64).contains(&key.len()) { Ok(Self { key: Secret::new(key) }) } else { Err(BadSecret) }
    }

    /// The `webhook-signature` of a delivery; `timestamp` in seconds since 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Whether one of the space-separated signatures of a header is ours; the age of the timestamp is the receiver's to judge.
    #[must_use]
    pub fn verifies(&self, id: &str, timestamp: u64, body: &[u8], header: &str) -> bool {
        let ours = self.sign(id, timestamp, body);
        header.split(' ').any(|theirs| bool::from(theirs.as_bytes().ct_eq(ours.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_verifies() {
        // From the Standard Webhooks reference implementations.
        let signer = Signer::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())).unwrap();
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = signer.sign(id, at, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(signer.verifies(id, at, body, &format!("v1,AAAA {signature}")));
        assert!(!signer.verifies(id, at + 1, body, &signature));
        assert!(!signer.verifies(id, at, b"{}", &signature));
    }

    #[test]
    fn a_weak_or_odd_secret_is_refused_and_never_repeated() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"] {
            let fault = Signer::new(&Secret::new(text.to_owned())).unwrap_err().to_string();
            assert!(text.len() < 8 || !fault.contains(text));
        }
    }
}
