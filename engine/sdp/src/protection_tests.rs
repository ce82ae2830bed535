//! Stories of keys in offers and answers (RFC 4568): who takes what, whose keys go on, and what is refused by which words.

use super::*;
use terms::Codecs;
use crate::Capabilities;

const THEIRS: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER: &str = "ZVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const BOTH: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:ZVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";

/// Our side, with fresh keys of this byte.
fn local(srtp: Srtp, byte: u8) -> Local {
    let capabilities = Capabilities { srtp, codecs: Codecs::ranked(vec![Codec::Pcmu]), ..Capabilities::default() };
    Local { media: "192.0.2.1:30000".parse().unwrap(), capabilities, keys: [MasterKey::new([byte; 30]), MasterKey::new([byte + 100; 30])] }
}

fn text(proto: &str, port: u16, crypto: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio {port} {proto} 0\r\n{crypto}")
}

fn crypto_lines(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("a=crypto:")).collect()
}

/// The proto and suite of our answer, or the refusal.
fn answered(srtp: Srtp, offer: &str) -> String {
    match Negotiation::new(5).answer(offer.as_bytes(), &local(srtp, 1), Direction::SendRecv) {
        Ok((answer, agreement)) => {
            let proto = answer.lines().find(|l| l.starts_with("m=audio 30000")).and_then(|l| l.split(' ').nth(2)).unwrap_or_default();
            let suite = agreement.crypto.as_ref().map_or("plain", |keys| keys.suite.name());
            let written = crypto_lines(&answer);
            assert_eq!(written.len(), usize::from(agreement.crypto.is_some()), "{answer}");
            format!("{proto} {suite} {}", written.first().and_then(|line| line.split(' ').next()).unwrap_or("-"))
        }
        Err(refusal) => format!("{} {refusal}", refusal.status()),
    }
}

#[test]
fn a11_what_is_answered_to_whom() {
    let bad = "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:short\r\n";
    let short = format!("a=crypto:9 F8_128_HMAC_SHA1_80 inline:{THEIRS}\r\na=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:{THEIRS}\r\n");
    let two_lines = format!("{}m=audio 5004 RTP/SAVP 0\r\n{BOTH}", text("RTP/AVP", 5_002, ""));
    let cases = [
        (Srtp::Off, text("RTP/AVP", 5_000, ""), "RTP/AVP plain -"),
        (Srtp::Off, text("RTP/AVP", 5_000, BOTH), "RTP/AVP plain -"),
        (Srtp::Off, text("RTP/SAVP", 5_000, BOTH), "488 no acceptable protection: RTP/SAVP is offered, and srtp is off for this peer"),
        (Srtp::Off, two_lines.clone(), "RTP/AVP plain -"),
        (Srtp::Optional, text("RTP/AVP", 5_000, ""), "RTP/AVP plain -"),
        (Srtp::Optional, text("RTP/AVP", 5_000, BOTH), "RTP/AVP AES_CM_128_HMAC_SHA1_80 1"),
        (Srtp::Optional, text("RTP/SAVP", 5_000, &short), "RTP/SAVP AES_CM_128_HMAC_SHA1_32 4"),
        (Srtp::Optional, text("RTP/SAVPF", 5_000, BOTH), "RTP/SAVPF AES_CM_128_HMAC_SHA1_80 1"),
        (Srtp::Optional, text("RTP/SAVP", 5_000, ""), "488 no acceptable protection: RTP/SAVP has no a=crypto"),
        (Srtp::Optional, text("RTP/SAVP", 5_000, bad), "488 no acceptable protection: a=crypto:3 has a key that is not base64"),
        (Srtp::Optional, text("RTP/AVP", 5_000, bad), "RTP/AVP plain -"),
        (Srtp::Optional, two_lines.clone(), "RTP/SAVP AES_CM_128_HMAC_SHA1_80 1"),
        (Srtp::Required, text("RTP/AVP", 5_000, ""), "488 no acceptable protection: RTP/AVP has no a=crypto, and srtp is required for this peer"),
        (Srtp::Required, text("RTP/AVP", 5_000, BOTH), "RTP/AVP AES_CM_128_HMAC_SHA1_80 1"),
        (Srtp::Required, text("RTP/AVP", 5_000, bad), "488 no acceptable protection: a=crypto:3 has a key that is not base64"),
        (Srtp::Required, two_lines, "RTP/SAVP AES_CM_128_HMAC_SHA1_80 1"),
        (Srtp::Required, text("UDP/TLS/RTP/SAVPF", 5_000, BOTH), "488 no acceptable audio: no audio over RTP"),
    ];
    for (srtp, offer, expected) in cases {
        assert_eq!(answered(srtp, &offer), expected, "{srtp:?} {offer}");
    }
    let twice = format!("{BOTH}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{OTHER}\r\n");
    assert_eq!(answered(Srtp::Required, &text("RTP/SAVP", 5_000, &twice)), "RTP/SAVP AES_CM_128_HMAC_SHA1_80 1", "the first of a tag counts");
}

#[test]
fn our_offers_and_their_answers() {
    let proto = |text: &str| text.lines().find(|l| l.starts_with("m=")).and_then(|l| l.split(' ').nth(2)).unwrap().to_owned();
    for (srtp, expected, lines) in [(Srtp::Off, "RTP/AVP", 0), (Srtp::Optional, "RTP/AVP", 2), (Srtp::Required, "RTP/SAVP", 2)] {
        let offer = Negotiation::new(1).offer(&local(srtp, 1), Direction::SendRecv);
        assert_eq!((proto(&offer).as_str(), crypto_lines(&offer).len()), (expected, lines), "{offer}");
    }
    let mut us = Negotiation::new(1);
    us.offer(&local(Srtp::Optional, 1), Direction::SendRecv);
    let short = format!("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{THEIRS}\r\n");
    let keys = us.accept(text("RTP/AVP", 5_000, &short).as_bytes()).unwrap().crypto.unwrap();
    assert_eq!((keys.suite, keys.send, &keys.receive.expose()[..4]), (CryptoSuite::AesCm128HmacSha1_32, MasterKey::new([101; 30]), &b"YS__"[..]));
    // Each fork answers the offer anew; a plain one is as good where protection is optional.
    let mut fork = Negotiation::new(1);
    fork.offer(&local(Srtp::Optional, 1), Direction::SendRecv);
    assert_eq!(fork.accept(text("RTP/AVP", 5_000, "").as_bytes()).unwrap().crypto, None);
    let refused = |srtp, answer: String| {
        let mut us = Negotiation::new(1);
        us.offer(&local(srtp, 1), Direction::SendRecv);
        let refusal = us.accept(answer.as_bytes()).unwrap_err().to_string();
        assert!(us.is_offering() && us.agreement().is_none());
        refusal
    };
    assert_eq!(refused(Srtp::Required, text("RTP/SAVP", 5_000, "")), "no acceptable protection: the answer, RTP/SAVP, has no a=crypto");
    assert_eq!(refused(Srtp::Required, text("RTP/AVP", 5_000, "")), "no acceptable protection: the answer, RTP/AVP, has no a=crypto");
    assert_eq!(refused(Srtp::Off, text("RTP/SAVP", 5_000, BOTH)), "answer does not fit the offer: protected media was not offered");
    let wrong_tag = format!("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS}\r\n");
    assert_eq!(refused(Srtp::Optional, text("RTP/SAVP", 5_000, &wrong_tag)), "no acceptable protection: a=crypto:2 AES_CM_128_HMAC_SHA1_80 was not offered");
}

#[test]
fn keys_go_on_or_are_new_by_what_the_peer_changes() {
    let mut us = Negotiation::new(1);
    let mut agree = |byte, offer: &str| us.answer(offer.as_bytes(), &local(Srtp::Optional, byte), Direction::SendRecv).unwrap().1.crypto.unwrap();
    let line = |key: &str| format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n");
    let first = agree(1, &text("RTP/SAVP", 5_000, &line(THEIRS)));
    assert_eq!(agree(2, &text("RTP/SAVP", 5_000, &format!("{}a=sendonly\r\n", line(THEIRS)))), first, "hold: the same keys");
    let new_key = agree(3, &text("RTP/SAVP", 5_000, &line(OTHER)));
    assert!(new_key.send == MasterKey::new([3; 30]) && new_key.receive != first.receive, "a new key is met by a new key");
    let moved = agree(4, &text("RTP/SAVP", 6_000, &line(OTHER)));
    assert!(moved.send == MasterKey::new([4; 30]) && moved.receive == new_key.receive, "another address may be another device");
    // Our own re-offer repeats what is in force, first, and its version is the old one while nothing else changed.
    let offer = us.offer(&local(Srtp::Optional, 5), Direction::SendRecv);
    let ours = crypto::Line { tag: 1, suite: CryptoSuite::AesCm128HmacSha1_80, key: moved.send.clone() }.write();
    assert_eq!(crypto_lines(&offer)[0], ours);
    assert!(offer.contains("m=audio 30000 RTP/SAVP 0"), "{offer}");
    // And nothing of it is shown.
    let shown = format!("{us:?}");
    assert!(!shown.contains("inline") && !crate::masked(&offer).contains(&ours[30..]), "{shown}");
}

#[test]
fn a_plain_stream_stays_plain_and_a_required_one_protected() {
    let mut us = Negotiation::new(1);
    us.answer(text("RTP/AVP", 5_000, "").as_bytes(), &local(Srtp::Optional, 1), Direction::SendRecv).unwrap();
    assert_eq!(crypto_lines(&us.offer(&local(Srtp::Optional, 2), Direction::SendRecv)).len(), 0);
    let mut us = Negotiation::new(1);
    let first = us.answer(text("RTP/AVP", 5_000, BOTH).as_bytes(), &local(Srtp::Required, 1), Direction::SendRecv).unwrap().1;
    assert!(us.answer(text("RTP/AVP", 5_000, "").as_bytes(), &local(Srtp::Required, 2), Direction::SendRecv).is_err());
    assert_eq!(us.agreement(), Some(&first), "what was agreed stays in force");
}
