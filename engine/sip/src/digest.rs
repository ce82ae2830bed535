//! Digest authentication (RFC 7616, RFC 8760), server and client side.

use crate::{Headers, Method};
use std::{net::IpAddr, time::Duration};

/// The hash functions of RFC 8760; `-sess` variants are not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256: offered first.
    Sha256,
    /// MD5: what every phone speaks.
    Md5,
}

/// H(user:realm:password): what a server keeps instead of the password. Lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1(String);

/// What a request's credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Proven to be this user.
    Ok {
        /// The digest's user name.
        user: String,
    },
    /// No credentials for our realm: challenge.
    NoCredentials,
    /// The proof is right but the nonce is old, of another source or another life of the server: challenge with `stale=true`.
    Stale,
    /// Unknown user or wrong proof (which of them is not told): challenge again, count a failure.
    Refused,
    /// The nonce count was used before: challenge with `stale=true`, count a failure.
    Replayed,
}

/// The server side: stateless nonces (HMAC of time and source) and a bounded memory of used nonce counts.
pub struct Authenticator {
    realm: String,
}

impl Ha1 {
    /// The hash of a password.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        let _ = (algorithm, user, realm, password);
        todo!()
    }
    /// A stored hash (hexadecimal, 32 or 64 digits).
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let _ = text;
        todo!()
    }
    /// The hash in lower-case hexadecimal: as secret as the password for this realm.
    #[must_use]
    pub fn expose_hex(&self) -> &str {
        &self.0
    }
}

impl Authenticator {
    /// `key` makes and proves nonces (32 random bytes, kept over restarts); `realm` is what users see; nonces live `life` (5 min is usual).
    #[must_use]
    pub fn new(key: &[u8], realm: &str, life: Duration) -> Self {
        let _ = (key, life);
        Self { realm: realm.to_owned() }
    }
    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }
    /// The values for `WWW-Authenticate` (or `Proxy-Authenticate`), best algorithm first.
    #[must_use]
    pub fn challenge(&self, now_unix_s: u64, source: IpAddr, stale: bool) -> Vec<String> {
        let _ = (now_unix_s, source, stale);
        todo!()
    }
    /// Judges the credentials in `Authorization` and `Proxy-Authorization`. `ha1` gives a user's stored hash; it is asked once,
    /// and an unknown user costs the same work as a known one.
    pub fn verify(
        &mut self,
        method: &Method,
        headers: &Headers,
        now_unix_s: u64,
        source: IpAddr,
        ha1: impl Fn(&str, Algorithm) -> Option<Ha1>,
    ) -> Verdict {
        let _ = (method, headers, now_unix_s, source, ha1);
        todo!()
    }
}

/// The client side: who we are for one peer.
#[derive(Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: terms::Secret<String>,
    /// Answer only this realm (None: whatever the peer asks for).
    pub realm: Option<String>,
}

impl Credentials {
    /// The value of `Authorization` (or `Proxy-Authorization`) that answers the strongest of `challenges`
    /// (values of `WWW-Authenticate`/`Proxy-Authenticate`). `nc` counts this nonce's uses from 1; `cnonce` is fresh random text.
    /// `None` when no challenge is digest, of a known algorithm and of our realm.
    #[must_use]
    pub fn answer(&self, challenges: &[&str], method: &Method, uri: &str, nc: u32, cnonce: &str) -> Option<String> {
        let _ = (challenges, method, uri, nc, cnonce);
        todo!()
    }
}
