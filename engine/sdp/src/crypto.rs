//! `a=crypto` (RFC 4568): keys of SRTP in a description, read, chosen, written, and masked where a description is shown.
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…40 characters…|2^31 WSH=128
//!          tag suite                        key and salt     life  parameters
//! ```
//! The life of a key is its sender's: the peer must bring a new one in time, ours (none written: 2^48 packets) outlive any
//! call. A line with an MKI or a parameter that changes the packets is not taken (RFC 4568 §6.3.7: such a line is as if it
//! were not there), another one of the same offer may be.

use crate::limits::CRYPTO_LINES_MAX;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sdp_types::Attribute;
use std::fmt;
use terms::{CryptoSuite, MASTER_KEY_BYTES, MasterKey};

/// Characters of a peer's own words that a complaint repeats.
const WORD_CHARS: usize = 40;
/// The most packets one key may protect (RFC 3711 §9.2).
const LIFE_MAX: u64 = 1 << 48;

/// A line that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What an answer repeats, 1–999,999,999.
    pub(crate) tag: u32,
    pub(crate) suite: CryptoSuite,
    pub(crate) key: MasterKey,
}

impl Line {
    /// The attribute's value.
    pub(crate) fn write(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite, STANDARD.encode(self.key.expose()))
    }
}

/// What a peer's m-line says of protection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// Those we can use, in the peer's order, which is its preference.
    pub(crate) usable: Vec<Line>,
    /// What is wrong with the first of the others, naming it.
    pub(crate) complaint: Option<String>,
}

/// Reads the `a=crypto` lines of an m-line.
pub(crate) fn read(attributes: &[Attribute]) -> Lines {
    let mut lines = Lines::default();
    let mut tags: Vec<u32> = Vec::new();
    for attribute in attributes.iter().filter(|a| a.attribute.eq_ignore_ascii_case("crypto")).take(CRYPTO_LINES_MAX) {
        let value = attribute.value.as_deref().unwrap_or_default();
        match line(value) {
            Ok(line) if tags.contains(&line.tag) => {
                lines.complaint.get_or_insert_with(|| format!("a=crypto:{} is there twice", line.tag));
            }
            Ok(line) => {
                tags.push(line.tag);
                lines.usable.push(line);
            }
            Err(bad) => {
                let named = plain(value.split_ascii_whitespace().next().unwrap_or_default());
                lines.complaint.get_or_insert_with(|| format!("a=crypto:{named} {bad}"));
            }
        }
    }
    lines
}

/// Why a line is not taken. Never repeats a key.
#[derive(Debug, PartialEq, Eq)]
enum Bad {
    Tag,
    Suite(String),
    Method,
    Keys,
    Length,
    Base64,
    Life,
    Mki,
    Parameter(String),
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag => f.write_str("has no tag of one to nine digits"),
            Self::Suite(suite) => write!(f, "has the suite {suite:?}, which is none of ours"),
            Self::Method => f.write_str("has no key that begins with inline:"),
            Self::Keys => f.write_str("has several keys"),
            Self::Length => write!(f, "has a key that is not of {MASTER_KEY_BYTES} bytes"),
            Self::Base64 => f.write_str("has a key that is not base64"),
            Self::Life => f.write_str("has a lifetime that is no number of packets up to 2^48"),
            Self::Mki => f.write_str("wants a master key identifier, which is not spoken here"),
            Self::Parameter(parameter) => write!(f, "has the parameter {parameter:?}, which is not spoken here"),
        }
    }
}

fn line(value: &str) -> Result<Line, Bad> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next().filter(|word| word.len() <= 9).and_then(|word| word.parse().ok()).filter(|tag| *tag > 0).ok_or(Bad::Tag)?;
    let named = words.next().unwrap_or_default();
    let suite = CryptoSuite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(named)).ok_or_else(|| Bad::Suite(plain(named)))?;
    let keys = words.next().ok_or(Bad::Method)?;
    let inline = keys.get(..7).filter(|method| method.eq_ignore_ascii_case("inline:")).and_then(|_| keys.get(7..)).ok_or(Bad::Method)?;
    if inline.contains(';') {
        return Err(Bad::Keys);
    }
    let mut parts = inline.split('|');
    let key = key(parts.next().unwrap_or_default())?;
    for part in parts {
        if part.contains(':') {
            return Err(Bad::Mki);
        }
        life(part).ok_or(Bad::Life)?;
    }
    for word in words {
        let name = word.split('=').next().unwrap_or_default();
        // `-…` may be ignored by who does not know it; WSH is a hint; a derivation rate of 0 is ours.
        let harmless = word.starts_with('-') || name.eq_ignore_ascii_case("WSH") || word.eq_ignore_ascii_case("KDR=0");
        if !harmless {
            return Err(Bad::Parameter(plain(word)));
        }
    }
    Ok(Line { tag, suite, key })
}

fn key(text: &str) -> Result<MasterKey, Bad> {
    let bytes = STANDARD.decode(text).map_err(|_| Bad::Base64)?;
    bytes.try_into().map(MasterKey::new).map_err(|_| Bad::Length)
}

/// `2^n`, or packets in decimal.
fn life(text: &str) -> Option<u64> {
    let packets = match text.strip_prefix("2^") {
        Some(power) => 1_u64.checked_shl(power.parse().ok()?)?,
        None => text.parse().ok()?,
    };
    (1..=LIFE_MAX).contains(&packets).then_some(packets)
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORD_CHARS).collect()
}

/// A message or description as it may be shown: what stands after `inline:` and after `k=` at the start of a line is left out.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let end = line.trim_end_matches(['\r', '\n']).len();
        let (said, newline) = line.split_at(end);
        let is_attribute = said.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("a=crypto:"));
        if said.starts_with("k=") {
            out.push_str("k=(secret)");
        } else if is_attribute {
            mask_keys(said, &mut out);
        } else {
            out.push_str(said);
        }
        out.push_str(newline);
    }
    out
}

fn mask_keys(line: &str, out: &mut String) {
    for (at, word) in line.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        // Tag and suite are shown; a key stands third, or anywhere after a colon when the line is careless.
        match word.split_once(':') {
            Some((method, _)) if at > 0 => {
                out.push_str(method);
                out.push_str(":(secret)");
            }
            Some(_) | None => out.push_str(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn said(value: &str) -> String {
        match line(value) {
            Ok(line) => format!("{} {}", line.tag, line.suite),
            Err(bad) => format!("{bad}"),
        }
    }

    #[test]
    fn lines_of_phones_and_of_nobody() {
        let cases = [
            ("RFC 4568 §6.1", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"), "wants a master key identifier, which is not spoken here"),
            ("baresip", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), "1 AES_CM_128_HMAC_SHA1_80"),
            ("pjsip", format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"), "2 AES_CM_128_HMAC_SHA1_32"),
            ("a lifetime and hints", format!("12 aes_cm_128_hmac_sha1_80  INLINE:{KEY}|2^31 WSH=256 KDR=0 -x=1"), "12 AES_CM_128_HMAC_SHA1_80"),
            ("a decimal lifetime", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1048576"), "1 AES_CM_128_HMAC_SHA1_80"),
            ("too long a life", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^49"), "has a lifetime that is no number of packets up to 2^48"),
            ("a silly life", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^99"), "has a lifetime that is no number of packets up to 2^48"),
            ("an MKI alone", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:1"), "wants a master key identifier, which is not spoken here"),
            ("two keys", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4"), "has several keys"),
            ("another suite", format!("1 AEAD_AES_256_GCM inline:{KEY}"), "has the suite \"AEAD_AES_256_GCM\", which is none of ours"),
            ("no authentication", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP"), "has the parameter \"UNAUTHENTICATED_SRTP\", which is not spoken here"),
            ("a derivation rate", format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=4"), "has the parameter \"KDR=4\", which is not spoken here"),
            ("a short key", "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19z".into(), "has a key that is not of 30 bytes"),
            ("no base64", "1 AES_CM_128_HMAC_SHA1_80 inline:x".into(), "has a key that is not base64"),
            ("no key", "1 AES_CM_128_HMAC_SHA1_80".into(), "has no key that begins with inline:"),
            ("a key elsewhere", "1 AES_CM_128_HMAC_SHA1_80 uri:http://keys".into(), "has no key that begins with inline:"),
            ("no tag", format!("AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), "has no tag of one to nine digits"),
            ("tag 0", format!("0 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), "has no tag of one to nine digits"),
            ("a long tag", format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), "has no tag of one to nine digits"),
            ("nothing", String::new(), "has no tag of one to nine digits"),
        ];
        for (what, value, expected) in cases {
            assert_eq!(said(&value), expected, "{what}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let own = Line { tag: 7, suite: CryptoSuite::AesCm128HmacSha1_32, key: MasterKey::new([9; 30]) };
        assert_eq!(line(&own.write()), Ok(own));
    }

    #[test]
    fn l2_a_description_is_shown_without_its_keys() {
        let text = format!("v=0\r\nk=clear:{KEY}\r\nm=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20 WSH=64\r\nA=Crypto:2 X INLINE:{KEY};inline:{KEY}\na=rtpmap:0 PCMU/8000\r\n");
        assert_eq!(
            masked(&text),
            "v=0\r\nk=(secret)\r\nm=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(secret) WSH=64\r\nA=Crypto:2 X INLINE:(secret)\na=rtpmap:0 PCMU/8000\r\n"
        );
        assert_eq!(masked("a=crypto:"), "a=crypto:");
    }
}
