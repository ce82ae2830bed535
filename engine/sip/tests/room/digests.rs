//! Digest authentication, both sides against each other and against the RFC's own example.

use sip::{
    HeaderName, Headers, Method,
    digest::{Algorithm, Authenticator, Credentials, Ha1, Verdict},
};
use std::{net::IpAddr, time::Duration};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9));

fn server() -> Authenticator {
    Authenticator::new(b"key", "callflow", Duration::from_secs(300))
}
fn client(password: &str) -> Credentials {
    Credentials { user: "alice".into(), password: terms::Secret::new(password.into()), realm: None }
}
fn headers(value: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::Authorization, value);
    headers
}
fn stored(user: &str, algorithm: Algorithm) -> Option<Ha1> {
    (user == "alice").then(|| Ha1::new(algorithm, "alice", "callflow", "secret"))
}
fn judge(server: &mut Authenticator, value: &str, now: u64, source: IpAddr) -> Verdict {
    server.verify(&Method::Register, &headers(value), now, source, stored)
}

#[test]
fn rfc_7616_section_3_9_1() {
    let offer = |algorithm| {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    let me = Credentials { user: "Mufasa".into(), password: terms::Secret::new("Circle of Life".into()), realm: None };
    let get = Method::parse("GET").unwrap();
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let (sha, md5) = (offer("SHA-256"), offer("MD5"));
    let strong = me.answer(&[&md5, &sha], &get, "/dir/index.html", 1, cnonce).unwrap();
    assert!(strong.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"), "{strong}");
    let weak = me.answer(&[&md5], &get, "/dir/index.html", 1, cnonce).unwrap();
    assert!(weak.contains("8ca523f5e9506fed4657c9700eebdbec"), "{weak}");
}

#[test]
fn the_right_password_is_taken_once_a_count() {
    let mut server = server();
    for keep in [0..2, 1..2] {
        let offers = server.challenge(1_000, SOURCE, false);
        let offers: Vec<&str> = offers[keep].iter().map(String::as_str).collect();
        let answer = |nc| client("secret").answer(&offers, &Method::Register, "sip:callflow", nc, "c").unwrap();
        let ok = Verdict::Ok { user: "alice".into() };
        assert_eq!(judge(&mut server, &answer(1), 1_010, SOURCE), ok);
        assert_eq!(judge(&mut server, &answer(1), 1_010, SOURCE), Verdict::Replayed);
        assert_eq!(judge(&mut server, &answer(3), 1_010, SOURCE), ok);
        assert_eq!(judge(&mut server, &answer(2), 1_010, SOURCE), ok, "reordered");
        assert_eq!(judge(&mut server, &answer(2), 1_010, SOURCE), Verdict::Replayed);
        assert_eq!(judge(&mut server, &answer(900), 1_010, SOURCE), ok);
        assert_eq!(judge(&mut server, &answer(4), 1_010, SOURCE), Verdict::Replayed, "behind the window");
    }
}

#[test]
fn wrong_old_foreign_and_absent_credentials() {
    let mut server = server();
    let offers = server.challenge(1_000, SOURCE, false);
    let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
    let good = client("secret").answer(&offers, &Method::Register, "sip:callflow", 1, "c").unwrap();
    let wrong = client("guess").answer(&offers, &Method::Register, "sip:callflow", 1, "c").unwrap();
    assert_eq!(judge(&mut server, &wrong, 1_000, SOURCE), Verdict::Refused);
    assert_eq!(judge(&mut server, &wrong.replace("alice", "nobody"), 1_000, SOURCE), Verdict::Refused);
    assert_eq!(judge(&mut server, &good, 1_301, SOURCE), Verdict::Stale);
    assert_eq!(judge(&mut server, &good, 900, SOURCE), Verdict::Stale);
    assert_eq!(judge(&mut server, &good, 1_000, "192.0.2.10".parse().unwrap()), Verdict::Stale);
    assert_eq!(judge(&mut server, &good.replace("callflow\"", "other\""), 1_000, SOURCE), Verdict::NoCredentials);
    assert_eq!(judge(&mut server, &good.replace("qop=auth", "qop=auth-int"), 1_000, SOURCE), Verdict::Refused);
    assert_eq!(judge(&mut server, &good.replace(", qop=auth", ""), 1_000, SOURCE), Verdict::Refused);
    assert_eq!(judge(&mut server, "NoOneKnowsThisScheme opaque-data=here", 1_000, SOURCE), Verdict::NoCredentials);
    assert_eq!(judge(&mut server, "Digest", 1_000, SOURCE), Verdict::NoCredentials);
    assert_eq!(server.verify(&Method::Invite, &headers(&good), 1_000, SOURCE, stored), Verdict::Refused, "another method");
    assert_eq!(judge(&mut server, &good, 1_000, SOURCE), Verdict::Ok { user: "alice".into() });
    let mut other = Authenticator::new(b"another key", "callflow", Duration::from_secs(300));
    assert_eq!(judge(&mut other, &good, 1_000, SOURCE), Verdict::Stale);
}

#[test]
fn two_phones_behind_one_address_get_two_nonces() {
    let server = server();
    assert_ne!(server.challenge(1, SOURCE, false), server.challenge(1, SOURCE, false));
    assert!(server.challenge(1, SOURCE, true)[0].ends_with("stale=true"));
    let me = Credentials { realm: Some("mine".into()), ..client("x") };
    assert_eq!(me.answer(&["Digest realm=\"theirs\", nonce=\"n\""], &Method::Bye, "sip:x", 1, "c"), None);
}
