//! The client side of digest authentication (RFC 7616, RFC 8760): MD5 and SHA-256, qop `auth` or none.

use md5::Digest as _;

/// A challenge a phone can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) opaque: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) qop: bool,
    pub(crate) stale: bool,
}

/// Strongest last, so that the greatest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&sha2::Sha256::digest(text.as_bytes())),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The best challenge among the values of `WWW-Authenticate` or `Proxy-Authenticate`.
pub(crate) fn best(values: &[String], strongest: Algorithm) -> Option<Challenge> {
    values.iter().filter_map(|value| read(value)).filter(|c| c.algorithm <= strongest).max_by_key(|c| c.algorithm)
}

fn read(value: &str) -> Option<Challenge> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let parts = pairs(rest);
    let find = |name: &str| parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
    let algorithm = match find("algorithm") {
        None => Algorithm::Md5,
        Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
        Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
        Some(_) => return None,
    };
    let qops = find("qop");
    let qop = qops.as_deref().is_some_and(|list| list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
    if qops.is_some() && !qop {
        return None;
    }
    let stale = find("stale").is_some_and(|s| s.eq_ignore_ascii_case("true"));
    Some(Challenge { realm: find("realm")?, nonce: find("nonce")?, opaque: find("opaque"), algorithm, qop, stale })
}

/// `name=value` and `name="value"` separated by commas.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = if let Some(quoted) = after.strip_prefix('"') {
            let mut value = String::new();
            let mut left = "";
            let mut escaped = false;
            for (at, c) in quoted.char_indices() {
                if escaped {
                    value.push(c);
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if c == '"' {
                    left = quoted.get(at + 1..).unwrap_or("");
                    break;
                } else {
                    value.push(c);
                }
            }
            (value, left)
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (after.get(..end).unwrap_or("").trim().to_owned(), after.get(end..).unwrap_or(""))
        };
        out.push((name.trim().to_owned(), value));
        rest = left.trim_start().trim_start_matches(',').trim_start();
    }
    out
}

/// The value of `Authorization` or `Proxy-Authorization` that answers a challenge, with nc 00000001.
pub(crate) fn answer(challenge: &Challenge, user: &str, password: &str, method: &str, uri: &str, cnonce: &str) -> String {
    let hash = |text: &str| challenge.algorithm.hash(text);
    let ha1 = hash(&format!("{user}:{}:{password}", challenge.realm));
    let ha2 = hash(&format!("{method}:{uri}"));
    let nonce = &challenge.nonce;
    let response =
        if challenge.qop { hash(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}")) } else { hash(&format!("{ha1}:{nonce}:{ha2}")) };
    let mut value = format!(
        "Digest username=\"{user}\", realm=\"{}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
        challenge.realm,
        challenge.algorithm.name()
    );
    if challenge.qop {
        value.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
    }
    if let Some(opaque) = &challenge.opaque {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 7616 §3.9.1, both algorithms.
    #[test]
    fn the_rfcs_example_comes_out() {
        let text = |algorithm: &str| {
            format!("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"")
        };
        let both = [text("MD5"), text("SHA-256")];
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let say = |strongest| answer(&best(&both, strongest).unwrap(), "Mufasa", "Circle of Life", "GET", "/dir/index.html", cnonce);
        assert!(say(Algorithm::Sha256).contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"));
        assert!(say(Algorithm::Md5).contains("8ca523f5e9506fed4657c9700eebdbec"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_challenge_is_read_or_refused(text in "(Digest |digest )?[ -~]{0,80}") {
            let _ = best(&[text], Algorithm::Sha256);
        }
    }
}
