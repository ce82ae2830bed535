use super::*;
use proptest::prelude::*;

/// RFC 3711 appendix B.3.
const MASTER: [u8; 30] = [
    0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39, 0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe,
    0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6,
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn master() -> MasterKey {
    MasterKey::new(MASTER)
}

fn key(byte: u8) -> MasterKey {
    MasterKey::new([byte; 30])
}

/// A packet of one SSRC with 20 bytes of payload.
fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 1];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([sequence as u8; 20]);
    packet
}

fn protected(outgoing: &mut Outgoing, clear: &[u8]) -> Vec<u8> {
    let mut buffer = clear.to_vec();
    buffer.resize(clear.len() + GROWTH_MAX, 0);
    let length = outgoing.protect(&mut buffer, clear.len());
    assert!(length > clear.len());
    buffer.truncate(length);
    buffer
}

#[test]
fn keys_are_derived_as_rfc_3711_b3_says() {
    let (mut cipher, mut salt, mut auth) = ([0; 16], [0; 14], [0; 94]);
    derive(&master(), 0, &mut cipher);
    derive(&master(), 2, &mut salt);
    derive(&master(), 1, &mut auth);
    assert_eq!(cipher.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let expected = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(auth.to_vec(), hex(expected));
}

#[test]
fn the_keystream_is_that_of_rfc_3711_b2() {
    let mut salt = [0; 14];
    salt.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    let mut session = Session::new(&master(), RTP);
    session.cipher = counter_mode(&hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap());
    session.salt = salt;
    let mut stream = [0; 48];
    session.crypt(0, 0, &mut stream);
    assert_eq!(stream.to_vec(), hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"));
}

/// The reference packets that libsrtp's own test driver checks itself by.
#[test]
fn a_packet_and_a_report_are_protected_as_another_implementation_does() {
    let mut outgoing = Outgoing::new(CryptoSuite::AesCm128HmacSha1_80, &master());
    let clear = hex("800f1234decafbadcafebabeabababababababababababababababab");
    let wire = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    assert_eq!(protected(&mut outgoing, &clear), wire);
    let report = hex("81c8000bcafebabeabababababababababababababababab");
    let mut buffer = report.clone();
    buffer.resize(report.len() + GROWTH_MAX, 0);
    assert_eq!(outgoing.protect_report(&mut buffer, report.len()), report.len() + 14);
    assert_eq!(buffer, hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"));
    let mut incoming = Incoming::new(CryptoSuite::AesCm128HmacSha1_80, &master());
    let mut wire = wire;
    assert_eq!(incoming.unprotect(&mut wire), Ok(clear.len()));
    assert_eq!(wire[..clear.len()], clear);
    assert_eq!(incoming.unprotect_report(&mut buffer), Ok(report.len()));
    assert_eq!(buffer[..report.len()], report);
}

#[test]
fn the_short_tag_is_four_bytes_and_reports_keep_ten() {
    let mut outgoing = Outgoing::new(CryptoSuite::AesCm128HmacSha1_32, &key(3));
    let mut incoming = Incoming::new(CryptoSuite::AesCm128HmacSha1_32, &key(3));
    let clear = packet(7, 9);
    let mut wire = protected(&mut outgoing, &clear);
    assert_eq!(wire.len(), clear.len() + 4);
    assert_eq!(incoming.unprotect(&mut wire).map(|length| wire[..length].to_vec()), Ok(clear));
    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(outgoing.protect_report(&mut report, 12), 26);
}

#[test]
fn counters_roll_over_both_ways_with_loss_and_reordering() {
    let suite = CryptoSuite::AesCm128HmacSha1_80;
    let (mut outgoing, mut incoming) = (Outgoing::new(suite, &key(1)), Incoming::new(suite, &key(1)));
    let all: Vec<u16> = (0..200_000_u32).map(|n| (n + 65_000) as u16).collect();
    let mut wire: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for (n, sequence) in all.iter().enumerate() {
        // A little of it is enough to cross the wraps.
        if n % 2_000 < 4 || (530..546).contains(&(n % 65_536)) {
            let clear = packet(*sequence, 5);
            wire.push((protected(&mut outgoing, &clear), clear));
        } else {
            // Lost on the way; the sender counts it all the same.
            let _ = protected(&mut outgoing, &packet(*sequence, 5));
        }
    }
    // Pairs change places.
    wire.chunks_mut(2).for_each(<[_]>::reverse);
    for (bytes, clear) in &mut wire {
        let length = incoming.unprotect(bytes).expect("every packet is the peer's");
        assert_eq!(bytes[..length], clear[..]);
    }
    assert!(incoming.sources[0].seen.newest >> 16 >= 3, "three wraps");
}

#[test]
fn m2_ten_thousand_packets_of_others_are_dropped_and_the_stream_goes_on() {
    let suite = CryptoSuite::AesCm128HmacSha1_80;
    let (mut outgoing, mut incoming) = (Outgoing::new(suite, &key(1)), Incoming::new(suite, &key(1)));
    let mut stranger = Outgoing::new(suite, &key(2));
    let mut kept = Vec::new();
    for sequence in 0..2_500_u16 {
        let mut good = protected(&mut outgoing, &packet(sequence, 5));
        let replay = good.clone();
        assert!(incoming.unprotect(&mut good).is_ok(), "packet {sequence} is the peer's");
        let mut bad_tag = replay.clone();
        *bad_tag.last_mut().unwrap() ^= 1;
        // Changed on its way: a wrong SSRC, a number from far ahead (which would roll the counter over).
        let (mut other_ssrc, mut jump) = (replay.clone(), replay.clone());
        other_ssrc[8] ^= 0xff;
        jump[2..4].copy_from_slice(&sequence.wrapping_add(0x7000).to_be_bytes());
        let mut foreign = protected(&mut stranger, &packet(sequence + 1, u32::from(sequence) + 100));
        for (bytes, why) in [
            (&mut bad_tag, Unprotected::Replayed),
            (&mut replay.clone(), Unprotected::Replayed),
            (&mut other_ssrc, Unprotected::Unauthentic),
            (&mut jump, Unprotected::Unauthentic),
            (&mut foreign, Unprotected::Unauthentic),
        ] {
            let before = bytes.clone();
            assert_eq!(incoming.unprotect(bytes), Err(why));
            assert_eq!(*bytes, before, "nothing of it is decrypted");
        }
        kept.push(replay);
    }
    assert_eq!(incoming.sources.len(), 1, "who proves nothing takes no memory");
    assert!(kept.iter_mut().all(|bytes| incoming.unprotect(bytes) == Err(Unprotected::Replayed)), "an old packet stays old");
}

#[test]
fn m2_a_report_without_encryption_must_be_authentic_all_the_same() {
    let mut incoming = Incoming::new(CryptoSuite::AesCm128HmacSha1_80, &key(1));
    // E bit 0, and ten bytes of anything as its tag.
    let mut forged = vec![0x81, 203, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1];
    forged.extend([0; 10]);
    assert_eq!(incoming.unprotect_report(&mut forged), Err(Unprotected::Unauthentic));
    let mut outgoing = Outgoing::new(CryptoSuite::AesCm128HmacSha1_80, &key(1));
    let mut report = [0; 40];
    report[..12].copy_from_slice(&[0x80, 201, 0, 2, 0, 0, 0, 9, 1, 2, 3, 4]);
    let length = outgoing.protect_report(&mut report, 12);
    let mut again = report;
    assert_eq!(incoming.unprotect_report(&mut report[..length]), Ok(12));
    assert_eq!(report[..12], [0x80, 201, 0, 2, 0, 0, 0, 9, 1, 2, 3, 4]);
    assert_eq!(incoming.unprotect_report(&mut again[..length]), Err(Unprotected::Replayed));
}

#[test]
fn the_peer_may_change_its_ssrc_a_few_times_and_nothing_old_comes_back() {
    let suite = CryptoSuite::AesCm128HmacSha1_80;
    let mut incoming = Incoming::new(suite, &key(1));
    let wire: Vec<Vec<u8>> = (0..SOURCES_MAX as u32 + 1).map(|ssrc| protected(&mut Outgoing::new(suite, &key(1)), &packet(1, ssrc))).collect();
    for (at, bytes) in wire.iter().enumerate() {
        let expected = if at < SOURCES_MAX { Ok(32) } else { Err(Unprotected::Sources) };
        assert_eq!(incoming.unprotect(&mut bytes.clone()), expected);
    }
    assert_eq!(incoming.unprotect(&mut wire[0].clone()), Err(Unprotected::Replayed));
}

#[test]
fn a_new_agreement_changes_only_the_way_whose_key_is_new() {
    let suite = CryptoSuite::AesCm128HmacSha1_80;
    let keys = SrtpKeys { suite, send: key(1), receive: key(2) };
    let (mut ours, mut theirs) = (Protection::new(keys.clone()), Outgoing::new(suite, &key(2)));
    let old = protected(&mut theirs, &packet(3, 9));
    assert!(ours.incoming.unprotect(&mut old.clone()).is_ok());
    ours.renew(keys.clone());
    assert_eq!(ours.incoming.unprotect(&mut old.clone()), Err(Unprotected::Replayed), "the same key goes on");
    ours.renew(SrtpKeys { receive: key(3), ..keys });
    assert_eq!(ours.incoming.unprotect(&mut old.clone()), Err(Unprotected::Unauthentic), "the old key is gone");
    assert!(ours.incoming.unprotect(&mut protected(&mut Outgoing::new(suite, &key(3)), &packet(3, 9))).is_ok());
}

#[test]
fn keys_of_one_secret_differ_and_are_never_shown() {
    let mut one = KeySource::new(&[7; 32], b"one");
    let (first, second, other) = (one.next_key(), one.next_key(), KeySource::new(&[7; 32], b"two").next_key());
    assert!(first != second && first != other && second != other);
    assert_eq!(KeySource::new(&[7; 32], b"one").next_key(), first, "the same seed, the same call");
    let shown = format!("{first:?} {one:?} {:?}", Protection::new(SrtpKeys { suite: CryptoSuite::AesCm128HmacSha1_32, send: first.clone(), receive: second }));
    assert_eq!(shown, "(secret) KeySource(secret) Protection(AES_CM_128_HMAC_SHA1_32)");
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut incoming = Incoming::new(CryptoSuite::AesCm128HmacSha1_32, &key(1));
        prop_assert!(incoming.unprotect(&mut bytes).is_err());
        prop_assert!(incoming.unprotect_report(&mut bytes).is_err());
        let length = bytes.len();
        bytes.resize(length + GROWTH_MAX, 0);
        let mut outgoing = Outgoing::new(CryptoSuite::AesCm128HmacSha1_32, &key(1));
        let _ = outgoing.protect(&mut bytes, length);
        let _ = outgoing.protect_report(&mut bytes, length);
    }
}
