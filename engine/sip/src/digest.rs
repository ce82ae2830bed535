//! Digest authentication (RFC 7616, RFC 8760), server and client side.
//!
//! Server nonces are stateless: `base64(time ‖ count ‖ HMAC(key, time ‖ count ‖ source ‖ realm))`, so a flood of challenges costs no memory. Only a nonce
//! that carried a right proof is remembered, with a window of its use counts, against replay.

use crate::{
    HeaderName, Headers, Method,
    limits::NONCES_MAX,
    scan::{quote, split_list, trim, unquote},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use subtle::ConstantTimeEq;

/// Bytes of the HMAC kept in a nonce: 128 bits cannot be guessed.
const NONCE_PROOF_BYTES: usize = 16;
/// How far ahead a nonce's time may lie (another node's clock), in seconds.
const CLOCK_SKEW_S: u64 = 5;
/// Use counts remembered behind the highest one: reordered requests of one client are still taken.
const WINDOW: u32 = 64;

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
    /// The nonce is old, of another source or another life of the server: challenge with `stale=true`. Nothing was proven.
    Stale,
    /// Unknown user or wrong proof (which of them is not told): challenge again, count a failure.
    Refused,
    /// The nonce count was used before: challenge with `stale=true`, count a failure.
    Replayed,
}

/// The server side: stateless nonces (HMAC of time and source) and a bounded memory of used nonce counts.
pub struct Authenticator {
    realm: String,
    key: Vec<u8>,
    life_s: u64,
    /// Makes two nonces of one second and source different.
    count: AtomicU64,
    used: HashMap<String, Uses>,
    /// Nonces in the order they were first used, with the time they may be forgotten and the time they were made.
    oldest: VecDeque<(u64, u64, String)>,
    /// Nonces made before this (Unix seconds) are stale unless remembered: some of them had to be forgotten early.
    forgotten_until: u64,
    /// What unknown users are measured against.
    nobody: (Ha1, Ha1),
}

/// Highest use count, and a bit for each of the 64 up to it.
struct Uses {
    highest: u32,
    seen: u64,
}

impl Uses {
    /// Marks a count as used; false when it was, or is too far back to know.
    fn mark(&mut self, count: u32) -> bool {
        if count > self.highest {
            let step = count - self.highest;
            self.seen = if step >= WINDOW { 0 } else { self.seen << step };
            self.seen |= 1;
            self.highest = count;
            return true;
        }
        let back = self.highest - count;
        if back >= WINDOW || self.seen & (1 << back) != 0 {
            return false;
        }
        self.seen |= 1 << back;
        true
    }
}

impl Algorithm {
    /// The token of RFC 8760.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }
    /// Reads the token; absent means MD5.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sha256, Self::Md5].into_iter().find(|a| a.name().eq_ignore_ascii_case(text))
    }
    /// The hash of all parts joined by colons, in lower-case hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        fn run<D: Digest>(parts: &[&str]) -> String {
            let mut digest = D::new();
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    digest.update(b":");
                }
                digest.update(part.as_bytes());
            }
            hex(&digest.finalize())
        }
        match self {
            Self::Sha256 => run::<Sha256>(parts),
            Self::Md5 => run::<Md5>(parts),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

impl Ha1 {
    /// The hash of a password.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self(algorithm.hash(&[user, realm, password]))
    }
    /// A stored hash (hexadecimal, 32 or 64 digits).
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let good = matches!(text.len(), 32 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase()))
    }
    /// The hash in lower-case hexadecimal: as secret as the password for this realm.
    #[must_use]
    pub fn expose_hex(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// One `Digest …` value's parameters.
struct Fields<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// `None` when the scheme is another or a parameter is malformed.
    fn parse(value: &'a str) -> Option<Self> {
        let value = trim(value);
        let (scheme, rest) = value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case("Digest") || !rest.starts_with([' ', '\t']) {
            return None;
        }
        let mut fields = Vec::with_capacity(10);
        for item in split_list(rest, b',').take(32) {
            let (name, value) = item.split_once('=')?;
            fields.push((trim(name), unquote(trim(value))));
        }
        Some(Self(fields))
    }
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
    fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::parse(self.get("algorithm").unwrap_or("MD5"))
    }
}

/// The proof of RFC 7616 §3.4.1 for `qop=auth` (or without qop when `counted` is `None`).
fn proof(algorithm: Algorithm, ha1: &str, nonce: &str, counted: Option<(&str, &str)>, method: &Method, uri: &str) -> String {
    let ha2 = algorithm.hash(&[method.as_str(), uri]);
    match counted {
        Some((nc, cnonce)) => algorithm.hash(&[ha1, nonce, nc, cnonce, "auth", &ha2]),
        None => algorithm.hash(&[ha1, nonce, &ha2]),
    }
}

impl Authenticator {
    /// `key` makes and proves nonces (32 random bytes, kept over restarts); `realm` is what users see; nonces live `life` (5 min is usual).
    #[must_use]
    pub fn new(key: &[u8], realm: &str, life: Duration) -> Self {
        Self {
            realm: realm.to_owned(),
            key: key.to_vec(),
            life_s: life.as_secs(),
            count: AtomicU64::new(0),
            used: HashMap::new(),
            oldest: VecDeque::new(),
            forgotten_until: 0,
            nobody: (Ha1::new(Algorithm::Sha256, "", realm, ""), Ha1::new(Algorithm::Md5, "", realm, "")),
        }
    }
    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    fn nonce_proof(&self, stamp: &[u8; 16], source: IpAddr) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(stamp);
        mac.update(source.to_string().as_bytes());
        mac.update(b"|");
        mac.update(self.realm.as_bytes());
        let mut whole = mac.finalize().into_bytes().to_vec();
        whole.truncate(NONCE_PROOF_BYTES);
        whole
    }

    fn nonce(&self, time: u64, source: IpAddr) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let stamp = (u128::from(time) << 64 | u128::from(count)).to_be_bytes();
        let mut bytes = stamp.to_vec();
        bytes.extend(self.nonce_proof(&stamp, source));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The time of a nonce that is ours, of this source and young.
    fn fresh_time(&self, nonce: &str, now_unix_s: u64, source: IpAddr) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (stamp, proof) = bytes.split_first_chunk::<16>()?;
        let time = u64::try_from(u128::from_be_bytes(*stamp) >> 64).ok()?;
        let young = time <= now_unix_s.saturating_add(CLOCK_SKEW_S) && now_unix_s.saturating_sub(time) <= self.life_s;
        let remembered = time > self.forgotten_until || self.used.contains_key(nonce);
        (young && remembered && bool::from(self.nonce_proof(stamp, source).ct_eq(proof))).then_some(time)
    }

    /// The values for `WWW-Authenticate` (or `Proxy-Authenticate`), best algorithm first.
    #[must_use]
    pub fn challenge(&self, now_unix_s: u64, source: IpAddr, stale: bool) -> Vec<String> {
        let nonce = self.nonce(now_unix_s, source);
        let mut realm = String::new();
        quote(&self.realm, &mut realm);
        let stale = if stale { ", stale=true" } else { "" };
        [Algorithm::Sha256, Algorithm::Md5]
            .map(|a| format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}", a.name()))
            .into()
    }

    /// Judges the credentials in `Authorization` and `Proxy-Authorization`. `ha1` gives a user's stored hash; it is asked once,
    /// and an unknown user costs the same work as a known one.
    ///
    /// The digest's `uri` is taken as the client spelt it (proxies may have changed the Request-URI, RFC 7616 §3.4.6).
    pub fn verify(
        &mut self,
        method: &Method,
        headers: &Headers,
        now_unix_s: u64,
        source: IpAddr,
        ha1: impl Fn(&str, Algorithm) -> Option<Ha1>,
    ) -> Verdict {
        let values = headers.all(HeaderName::Authorization).chain(headers.all(HeaderName::ProxyAuthorization));
        let ours = values.filter_map(Fields::parse).find(|f| f.get("realm") == Some(self.realm.as_str()));
        let Some(fields) = ours else { return Verdict::NoCredentials };
        let parts = (fields.get("username"), fields.get("nonce"), fields.get("uri"), fields.get("response"), fields.algorithm());
        let (Some(user), Some(nonce), Some(uri), Some(response), Some(algorithm)) = parts else { return Verdict::Refused };
        // We offer qop=auth only: a client that leaves it out could not be kept from replaying.
        let counted = (fields.get("qop"), fields.get("nc"), fields.get("cnonce"));
        let (Some("auth"), Some(nc), Some(cnonce)) = counted else { return Verdict::Refused };
        let count = Some(nc).filter(|nc| nc.len() == 8).and_then(|nc| u32::from_str_radix(nc, 16).ok()).filter(|n| *n > 0);
        let Some(count) = count else { return Verdict::Refused };
        let Some(made_at) = self.fresh_time(nonce, now_unix_s, source) else { return Verdict::Stale };
        let known = ha1(user, algorithm);
        let is_known = known.is_some();
        let nobody = match algorithm {
            Algorithm::Sha256 => &self.nobody.0,
            Algorithm::Md5 => &self.nobody.1,
        };
        let secret = known.as_ref().unwrap_or(nobody);
        let expected = proof(algorithm, &secret.0, nonce, Some((nc, cnonce)), method, uri);
        let right = bool::from(expected.as_bytes().ct_eq(response.to_ascii_lowercase().as_bytes()));
        if !(right & is_known) {
            return Verdict::Refused;
        }
        if self.use_nonce(nonce, made_at, count, now_unix_s) { Verdict::Ok { user: user.to_owned() } } else { Verdict::Replayed }
    }

    /// Marks one use of a proven nonce; false when it was used before.
    fn use_nonce(&mut self, nonce: &str, made_at: u64, count: u32, now_unix_s: u64) -> bool {
        while self.oldest.front().is_some_and(|(until, ..)| *until < now_unix_s) || self.oldest.len() >= NONCES_MAX {
            let Some((until, made_at, old)) = self.oldest.pop_front() else { break };
            self.used.remove(&old);
            if until >= now_unix_s {
                self.forgotten_until = self.forgotten_until.max(made_at);
            }
        }
        match self.used.get_mut(nonce) {
            Some(uses) => uses.mark(count),
            None => {
                // A nonce outlives its life by the clock's skew at most.
                self.oldest.push_back((now_unix_s.saturating_add(self.life_s + CLOCK_SKEW_S), made_at, nonce.to_owned()));
                self.used.insert(nonce.to_owned(), Uses { highest: count, seen: 1 });
                true
            }
        }
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
        let (fields, algorithm) = challenges
            .iter()
            .filter_map(|value| Fields::parse(value))
            .filter(|f| f.get("nonce").is_some() && f.get("realm").is_some())
            .filter(|f| self.realm.is_none() || f.get("realm") == self.realm.as_deref())
            .filter(|f| f.get("qop").is_none_or(|qop| qop.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth"))))
            .filter_map(|f| f.algorithm().map(|a| (f, a)))
            .min_by_key(|(_, algorithm)| *algorithm != Algorithm::Sha256)?;
        let (realm, nonce) = (fields.get("realm")?, fields.get("nonce")?);
        let ha1 = Ha1::new(algorithm, &self.user, realm, self.password.expose());
        let nc = format!("{nc:08x}");
        let counted = fields.get("qop").map(|_| (nc.as_str(), cnonce));
        let response = proof(algorithm, &ha1.0, nonce, counted, method, uri);
        let mut out = String::from("Digest ");
        for (name, value) in [("username", self.user.as_str()), ("realm", realm), ("nonce", nonce), ("uri", uri), ("response", &response)] {
            out.push_str(name);
            out.push('=');
            quote(value, &mut out);
            out.push_str(", ");
        }
        out.push_str("algorithm=");
        out.push_str(algorithm.name());
        if counted.is_some() {
            out.push_str(&format!(", qop=auth, nc={nc}, cnonce="));
            quote(cnonce, &mut out);
        }
        if let Some(opaque) = fields.get("opaque") {
            out.push_str(", opaque=");
            quote(opaque, &mut out);
        }
        Some(out)
    }
}
