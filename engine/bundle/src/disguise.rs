//! The disguise of secrets: each has a stand-in of its length, and what is equal stays equal, so that the call still takes its way.
//!
//! Digits keyed in secret change by one permutation of the ten, drawn for each bundle and kept nowhere; PINs written into flows
//! change by the same one. Secrets of the configuration become texts that say nothing. Credentials in headers are blotted out.
//! What depends on the very value of a secret (a pattern of a PIN, a text written out in a condition) cannot be run again.

use crate::{
    Answer, End, Head, Heard, Input, Said, Turn,
    limits::{SECRET_CHARS_MIN, SECRET_DIGITS_MIN},
};
use flow::{JournalEntry, Materials};
use serde_json::Value as Json;
use terms::Secret;

/// What is written in place of credentials.
const BLOT: &str = "(secret)";
/// Headers and keys whose values are credentials wherever they stand.
const CREDENTIALS: [&str; 7] = ["authorization", "proxy-authorization", "x-api-key", "api-key", "apikey", "password", "passwd"];
/// A value of such a key in a flow is taken for a credential from this length on; shorter ones are words of the language.
const CREDENTIAL_CHARS_MIN: usize = 6;
/// Header lines of a SIP message that never carry what a flow says.
const PLUMBING: [&str; 11] =
    ["via", "contact", "call-id", "cseq", "max-forwards", "content-length", "content-type", "route", "record-route", "allow", "expires"];
/// What stands before a key of protected media.
const INLINE: &str = "inline:";
/// How often another permutation is drawn when the stand-in of a secret happens to stand in the flows.
const DRAWS_MAX: usize = 64;

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Disguise {
    /// What each digit becomes.
    digits: [char; 10],
    /// Values of the configuration's secrets with their stand-ins, the longest first.
    values: Vec<(String, String)>,
    /// Digits keyed in secret that are long enough to be looked for.
    keyed: Vec<String>,
    /// What stand-ins of keys of protected media are drawn from.
    chance: u64,
}

/// SplitMix64.
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A permutation of the digits that leaves none where it was.
fn permutation(state: &mut u64) -> [char; 10] {
    loop {
        let mut digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
        for last in (1..digits.len()).rev() {
            let at = usize::try_from(draw(state) % (last as u64 + 1)).unwrap_or(0);
            digits.swap(at, last);
        }
        if digits.iter().zip('0'..='9').all(|(became, was)| *became != was) {
            return digits;
        }
    }
}

impl Disguise {
    /// For flows that lie beside many bundles: nothing but `chance` decides.
    pub(crate) fn of_flows(chance: u64) -> Self {
        let mut state = chance;
        Self { digits: permutation(&mut state), values: Vec::new(), keyed: Vec::new(), chance }
    }

    /// For flows in the bundle itself: no stand-in is a number that the flows know.
    pub(crate) fn apart_from(materials: &Materials, chance: u64, keyed: &[Secret<String>], turns: &[Turn]) -> Self {
        let (mut state, secrets) = (chance, keyed_in(keyed, turns));
        let known: std::collections::BTreeSet<&str> = materials.sources.iter().flat_map(|source| runs(&source.text)).map(|(from, to, text)| &text[from..to]).collect();
        let mut disguise = Self { digits: permutation(&mut state), values: Vec::new(), keyed: Vec::new(), chance };
        for _ in 0..DRAWS_MAX {
            if !secrets.iter().any(|secret| known.contains(disguise.number(secret).as_str())) {
                break;
            }
            disguise.digits = permutation(&mut state);
        }
        disguise
    }

    /// The same, which knows what is to be hidden.
    pub(crate) fn hiding(mut self, secrets: &[(String, Secret<String>)], keyed: &[Secret<String>], turns: &[Turn]) -> Self {
        for (_, secret) in secrets.iter().filter(|(_, secret)| !secret.expose().is_empty()) {
            let value = secret.expose();
            if !self.values.iter().any(|(known, _)| known == value) {
                let stand_in = if is_number(value) { self.number(value) } else { blank(self.values.len(), value.chars().count()) };
                self.values.push((value.clone(), stand_in));
            }
        }
        self.values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        self.keyed = keyed_in(keyed, turns).into_iter().filter(|digits| digits.len() >= SECRET_DIGITS_MIN).collect();
        self
    }

    /// The stand-in of a secret of the configuration.
    pub(crate) fn stand_in(&self, value: &str) -> String {
        self.values.iter().find(|(known, _)| known == value).map_or_else(String::new, |(_, stand_in)| stand_in.clone())
    }

    fn key(&self, key: char) -> char {
        key.to_digit(10).and_then(|digit| self.digits.get(digit as usize)).copied().unwrap_or(key)
    }

    fn number(&self, text: &str) -> String {
        text.chars().map(|key| self.key(key)).collect()
    }

    /// A text in which values of the configuration's secrets may stand.
    fn text(&self, text: &mut String) {
        for (value, stand_in) in &self.values {
            if *text == *value {
                text.clone_from(stand_in);
            } else if value.chars().count() >= SECRET_CHARS_MIN && text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), stand_in);
            }
        }
    }

    /// The same for a text that people read, in which digits keyed in secret may stand, too.
    fn words(&self, text: &mut String) {
        self.text(text);
        if !self.keyed.is_empty() {
            *text = self.renumbered(text, |run| self.keyed.iter().any(|keyed| keyed == run));
        }
    }

    /// The text with those runs of digits changed that are chosen.
    fn renumbered(&self, text: &str, is_secret: impl Fn(&str) -> bool) -> String {
        let (mut out, mut done) = (String::with_capacity(text.len()), 0);
        for (from, to, _) in runs(text) {
            let run = &text[from..to];
            if is_secret(run) {
                out.push_str(&text[done..from]);
                out.push_str(&self.number(run));
                done = to;
            }
        }
        out.push_str(&text[done..]);
        out
    }

    fn json(&self, value: &mut Json) {
        match value {
            Json::String(text) => self.words(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(map) => map.values_mut().for_each(|value| self.json(value)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// A SIP message: credentials, and what a flow may have put into its head.
    fn message(&self, text: &mut String) {
        self.text(text);
        let (head, body) = match text.find("\r\n\r\n") {
            Some(end) => text.split_at(end),
            None => (text.as_str(), ""),
        };
        let line = |line: &str| {
            let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            if CREDENTIALS.contains(&name.as_str()) {
                format!("{}: {BLOT}", line.split(':').next().unwrap_or_default())
            } else if self.keyed.is_empty() || PLUMBING.contains(&name.as_str()) {
                line.to_owned()
            } else {
                self.renumbered(line, |run| self.keyed.iter().any(|keyed| keyed == run))
            }
        };
        let head: Vec<String> = head.split("\r\n").map(line).collect();
        *text = format!("{}{}", head.join("\r\n"), self.without_media_keys(body));
    }

    /// A description whose keys of protected media (RFC 4568: `inline:` and base64) are others of their length.
    fn without_media_keys(&self, body: &str) -> String {
        let line = |line: &str| if line.starts_with("k=") { format!("k={BLOT}\r\n") } else { line.to_owned() };
        let body: String = body.split_inclusive('\n').map(line).collect();
        let mut parts = body.split(INLINE);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/')).unwrap_or(part.len());
            let key = &part[..end];
            let mut word = key.bytes().fold(self.chance, |word, byte| draw(&mut (word ^ u64::from(byte))));
            let fresh = key.chars().enumerate().map(|(at, _)| {
                word = if at % 12 == 0 { draw(&mut word.clone()) } else { word >> 5 };
                char::from(b'A' + u8::try_from(word % 26).unwrap_or(0))
            });
            // The last character may have bits that must be zero.
            let fresh: String = fresh.take(end.saturating_sub(1)).chain((end > 0).then_some('A')).collect();
            out.push_str(INLINE);
            out.push_str(&fresh);
            out.push_str(&part[end..]);
        }
        out
    }

    /// A request that came while secrets were keyed in: the key in its body (`Signal=5`, or `5` alone).
    fn key_in_body(&self, text: &mut String) {
        if let Some(end) = text.find("\r\n\r\n").map(|end| end + 4) {
            let is_key = |run: &str| run.len() == 1;
            let body: Vec<String> = text[end..]
                .split_inclusive('\n')
                .map(|line| if line.to_ascii_lowercase().starts_with("duration") { line.to_owned() } else { self.renumbered(line, is_key) })
                .collect();
            *text = format!("{}{}", &text[..end], body.concat());
        }
    }

    pub(crate) fn head(&self, head: &mut Head) {
        self.message(&mut head.invite);
        for (name, value) in &mut head.plan.settings {
            let name = name.to_ascii_lowercase();
            if is_pin(&name) && is_number(value) {
                *value = self.number(value);
            } else if CREDENTIALS.contains(&name.as_str()) {
                *value = blotted(value);
            }
            self.text(value);
        }
    }

    pub(crate) fn turn(&self, turn: &mut Turn) {
        match &mut turn.input {
            Input::Request { text, secret, .. } => {
                self.message(text);
                if *secret {
                    self.key_in_body(text);
                }
            }
            Input::Ack { text, .. } | Input::Response { text, .. } => self.message(text),
            Input::Answer { answer, .. } => self.answer(answer),
            Input::Begin | Input::Sockets { .. } | Input::Cancelled { .. } | Input::Failed { .. } | Input::HangUp { .. } | Input::Key { .. } | Input::Time | Input::Media => {}
        }
        for seen in &mut turn.seen {
            if let Heard::Key { key, secret: true, .. } = &mut seen.what {
                *key = self.key(*key);
            }
        }
        for said in &mut turn.said {
            match said {
                // The first line says what is done with the message after it.
                Said::Front(text) => match text.split_once("\r\n") {
                    Some((what, message)) => {
                        let mut message = message.to_owned();
                        self.message(&mut message);
                        *text = format!("{what}\r\n{message}");
                    }
                    None => self.words(text),
                },
                Said::Errand(text) => self.words(text),
            }
        }
    }

    fn answer(&self, answer: &mut Answer) {
        match answer {
            Answer::Http(Ok(reply)) => {
                self.text(&mut reply.text);
                reply.json.iter_mut().for_each(|json| self.json(json));
            }
            Answer::Prompt(Ok(sound)) => self.words(&mut sound.label),
            Answer::Http(Err(_))
            | Answer::Prompt(Err(_))
            | Answer::Script(_)
            | Answer::Mailbox(_)
            | Answer::Messages(_)
            | Answer::Pin(_)
            | Answer::ReferTo(_)
            | Answer::SpoolBegun(_)
            | Answer::SpoolFinished(_)
            | Answer::Queued(_)
            | Answer::Located(_)
            | Answer::Met(_) => {}
        }
    }

    pub(crate) fn end(&self, end: &mut End) {
        self.json(&mut end.record);
        for entry in &mut end.journal {
            self.words(&mut entry.effect);
            blot_credentials(entry);
            entry.asked.iter_mut().for_each(|asked| self.json(asked));
            self.json(&mut entry.result);
            entry.failure.iter_mut().for_each(|failure| self.words(failure));
        }
    }

    /// The text of a flow: PINs, credentials written out, and what was keyed in secret where it is compared.
    pub(crate) fn source(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let line = without_credentials(line);
            let is_about_pins = words_of(&line).any(is_pin);
            let pins = direct_pins(&line);
            let is_keyed = |run: &str| self.keyed.iter().any(|keyed| keyed == run);
            let is_secret = |run: &str| is_keyed(run) || (is_about_pins && (run.len() >= SECRET_DIGITS_MIN || pins.contains(&run.to_owned())));
            out.push_str(&self.renumbered(&line, is_secret));
        }
        for (value, stand_in) in self.values.iter().filter(|(value, _)| value.chars().count() >= SECRET_CHARS_MIN) {
            out = out.replace(value.as_str(), stand_in);
        }
        out
    }
}

/// What a flow asked for, without the credentials written out in it; both runs of a call are compared in this form.
pub(crate) fn blot_credentials(entry: &mut JournalEntry) {
    fn blot(value: &mut Json) {
        match value {
            Json::Object(map) => {
                for (key, value) in map.iter_mut() {
                    if value.is_string() && CREDENTIALS.contains(&key.to_ascii_lowercase().as_str()) {
                        *value = BLOT.into();
                    } else {
                        blot(value);
                    }
                }
            }
            // A header as a pair of its name and value.
            Json::Array(pair) if matches!(pair.as_slice(), [Json::String(name), Json::String(_)] if CREDENTIALS.contains(&name.to_ascii_lowercase().as_str())) => {
                if let [_, value] = pair.as_mut_slice() {
                    *value = BLOT.into();
                }
            }
            Json::Array(items) => items.iter_mut().for_each(blot),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    entry.asked.iter_mut().for_each(blot);
}

/// Everything keyed in secret: what actions made of it, and the digits themselves between the keys that end them.
fn keyed_in(keyed: &[Secret<String>], turns: &[Turn]) -> Vec<String> {
    let mut all: Vec<String> = keyed.iter().map(|secret| secret.expose().clone()).filter(|text| is_number(text)).collect();
    let mut run = String::new();
    for seen in turns.iter().flat_map(|turn| &turn.seen) {
        if let Heard::Key { key, secret, .. } = &seen.what {
            if *secret && key.is_ascii_digit() {
                run.push(*key);
            } else {
                all.push(std::mem::take(&mut run));
            }
        }
    }
    all.push(run);
    all.sort();
    all.dedup();
    all.retain(|text| !text.is_empty());
    all
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_pin(word: &str) -> bool {
    word == "pin" || word.ends_with("_pin") || word.starts_with("pin_")
}

/// The words of a line in lower case: letters, digits and `_`.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.is_ascii())
}

/// Whole numbers in a text: runs of digits beside which stands no letter or digit.
fn runs(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let from = at;
            while at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
                at += 1;
            }
            if at > from {
                if bytes[from..at].iter().all(u8::is_ascii_digit) {
                    return Some((from, at, text));
                }
            } else {
                at += 1;
            }
        }
        None
    })
}

/// The values of `pin: 12` and `pin: "12"`, however short.
fn direct_pins(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to, _) in runs(line) {
        let before = line[..from].trim_end_matches(['"', '\'']).trim_end();
        let Some(before) = before.strip_suffix([':', '=']) else { continue };
        let before = before.trim_end_matches('=').trim_end().trim_end_matches(['"', '\'']);
        if words_of(before).last().is_some_and(is_pin) && before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            found.push(line[from..to].to_owned());
        }
    }
    found
}

/// A line of a flow without the credentials written out in it; what is put together from secrets stays.
fn without_credentials(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    for name in CREDENTIALS {
        let Some(at) = lower.find(name) else { continue };
        let after = &line[at + name.len()..];
        let value = after.trim_start_matches(['"', '\'']).trim_start();
        let Some(value) = value.strip_prefix([':', '=']) else { continue };
        let value = value.trim_start();
        let from = line.len() - value.len();
        let length = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].find(quote).map_or(value.len(), |end| end + 2),
            _ => value.find([',', '}', '#', '\n', '\r']).unwrap_or(value.len()),
        };
        let value = &value[..length];
        if value.trim().len() >= CREDENTIAL_CHARS_MIN && !value.contains("${") {
            return format!("{}{}{}", &line[..from], blotted(value), without_credentials(&line[from + length..]));
        }
    }
    line.to_owned()
}

/// The same length and look, nothing told.
fn blotted(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { 'x' } else { c }).collect()
}

/// A text of that many characters that says nothing; another number, another text, as far as the length allows.
fn blank(number: usize, length: usize) -> String {
    format!("{number}-hidden-").chars().cycle().take(length.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disguise(keyed: &[&str], secrets: &[(&str, &str)]) -> Disguise {
        let secrets: Vec<(String, Secret<String>)> = secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned()))).collect();
        let keyed: Vec<Secret<String>> = keyed.iter().map(|digits| Secret::new((*digits).to_owned())).collect();
        Disguise::of_flows(7).hiding(&secrets, &keyed, &[])
    }

    #[test]
    fn no_digit_stays_and_none_meets_another() {
        for seed in 0..200 {
            let digits = Disguise::of_flows(seed).digits;
            let mut sorted = digits;
            sorted.sort_unstable();
            assert_eq!(sorted, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            assert!(digits.iter().zip('0'..='9').all(|(became, was)| *became != was), "{digits:?}");
        }
    }

    #[test]
    fn flows_keep_their_shape_and_lose_their_secrets() {
        let disguise = disguise(&["20051"], &[("crm", "Zebra-99")]);
        let text = "in: { conference: { room: a, pin: \"12\", host_pin: 4711 } }\nif: digits == \"20051\"\nwait: 20s\nheaders: { Authorization: \"Bearer abcdef\", X: \"${secret.crm}\" }\nto: +15550100\nhttp: https://x/Zebra-99\n";
        let hidden = disguise.source(text);
        for secret in ["\"12\"", "4711", "20051", "abcdef", "Zebra"] {
            assert!(!hidden.contains(secret), "{secret} in {hidden}");
        }
        for kept in ["room: a", "wait: 20s", "\"${secret.crm}\"", "+15550100", "Authorization: \"xxxxxx xxxxxx\""] {
            assert!(hidden.contains(kept), "{kept} not in {hidden}");
        }
        let lengths = |text: &str| text.lines().map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(text), lengths(&hidden), "places in scripts stay where they are");
        assert!(hidden.contains(&format!("== \"{}\"", disguise.number("20051"))), "what is equal stays equal");
    }

    #[test]
    fn a_message_loses_credentials_and_keyed_numbers_but_no_plumbing() {
        let disguise = disguise(&["5060"], &[]);
        let mut text = "INVITE sip:5060@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\nAuthorization: Digest response=\"abc\"\r\nTo: <sip:1234@h>\r\n\r\nm=audio 5060 RTP/AVP 0\r\n".to_owned();
        disguise.message(&mut text);
        let number = disguise.number("5060");
        assert_eq!(
            text,
            format!("INVITE sip:{number}@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\nAuthorization: (secret)\r\nTo: <sip:1234@h>\r\n\r\nm=audio 5060 RTP/AVP 0\r\n")
        );
        let mut info = "INFO sip:a SIP/2.0\r\n\r\nSignal=5\r\nDuration=160\r\n".to_owned();
        disguise.key_in_body(&mut info);
        assert_eq!(info, format!("INFO sip:a SIP/2.0\r\n\r\nSignal={}\r\nDuration=160\r\n", disguise.key('5')));
    }

    #[test]
    fn keys_of_protected_media_are_others_of_their_length() {
        let disguise = disguise(&[], &[]);
        let (a, b) = ("WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR");
        let line = |key: &str, rest: &str| format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}{rest}\r\n");
        let hidden = disguise.without_media_keys(&format!("v=0\r\n{}{}{}", line(a, "|2^20|1:4"), line(b, ""), line(a, "")));
        assert!(!hidden.contains(a) && !hidden.contains(b) && hidden.contains("|2^20|1:4\r\n"), "{hidden}");
        let keys: Vec<&str> = hidden.split(INLINE).skip(1).map(|part| &part[..40]).collect();
        assert!(keys[0] == keys[2] && keys[0] != keys[1], "{keys:?}");
        assert_eq!(disguise.without_media_keys("a=crypto:1 X inline:"), "a=crypto:1 X inline:");
    }

    #[test]
    fn stand_ins_have_the_length_of_what_they_stand_for() {
        let disguise = disguise(&[], &[("a", "geheim"), ("b", "4711"), ("c", "geheim"), ("d", "tresor")]);
        assert_eq!(disguise.stand_in("geheim").len(), 6);
        assert_ne!(disguise.stand_in("geheim"), disguise.stand_in("tresor"));
        assert_eq!(disguise.stand_in("4711"), disguise.number("4711"));
        assert_eq!(disguise.values.len(), 3);
    }
}
