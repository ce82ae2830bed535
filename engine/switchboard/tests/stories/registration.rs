//! Registering: digest, stale, replay, 423, two devices, what a 401 tells.

use crate::bench::{Bench, PHONE, STRANGER, name};
use sip::HeaderName;
use std::time::Duration;
use switchboard::Input;

#[test]
fn a_phone_registers_and_another_beside_it() {
    let mut bench = Bench::new();
    let answer = bench.register(PHONE, "alice", "red");
    assert_eq!(answer.code, 200);
    assert_eq!(answer.headers.get(HeaderName::Contact), Some("<sip:alice@192.0.2.9:5060>;expires=3600"));
    assert_eq!(bench.register("192.0.2.10:5060", "alice", "red").headers.list(HeaderName::Contact).count(), 2);
    let devices = bench.front.devices(&name("alice"), bench.now);
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[0].agent.as_deref(), Some("Story Phone 1.0 (an honest telephone)"));
}

#[test]
fn r11_the_200_waits_for_the_store() {
    let mut bench = Bench::new();
    bench.acknowledge = false;
    let request = bench.request("REGISTER", "", "alice", PHONE);
    assert!(bench.ask_as(PHONE, &request, "alice", "red").is_none(), "nothing before the disk has it");
    let ticket = bench.tickets.pop().unwrap();
    bench.handle(Input::Stored { ticket, kept: true });
    assert_eq!(bench.last_response().unwrap().code, 200);
}

#[test]
fn too_brief_is_423_with_what_we_grant() {
    let mut bench = Bench::new();
    let mut request = bench.request("REGISTER", "", "alice", PHONE);
    request.headers.push(HeaderName::Expires, "30");
    let answer = bench.ask_as(PHONE, &request, "alice", "red").unwrap();
    assert_eq!((answer.code, answer.headers.get(HeaderName::MinExpires)), (423, Some("60")));
}

#[test]
fn a6_old_foreign_and_used_nonces_are_stale_and_prove_nothing() {
    let mut bench = Bench::new();
    let request = bench.request("REGISTER", "", "alice", PHONE);
    let challenge = bench.ask(PHONE, &request).unwrap();
    let first = bench.prove(&request, &challenge, "alice", "red", 1);
    assert_eq!(bench.code(PHONE, &first), 200);
    let mut replayed = first.clone();
    bench.renew(&mut replayed);
    let stale = bench.ask(PHONE, &replayed).unwrap();
    assert_eq!(stale.code, 401);
    assert!(stale.headers.challenges().all(|value| value.contains("stale=true")));
    let mut elsewhere = bench.prove(&first, &challenge, "alice", "red", 2);
    assert_eq!(bench.code(STRANGER, &elsewhere), 401, "a nonce is of one source");
    bench.renew(&mut elsewhere);
    assert_eq!(bench.code(PHONE, &elsewhere), 200, "and of that source it still counts");
    bench.wait(Duration::from_secs(400));
    let late = bench.prove(&elsewhere, &challenge, "alice", "red", 3);
    let stale = bench.ask(PHONE, &late).unwrap();
    assert!(stale.code == 401 && stale.headers.challenges().all(|value| value.contains("stale=true")));
}

#[test]
fn a3_nobody_registers_for_another_and_nobody_for_a_virtual_connection() {
    let mut bench = Bench::new();
    let mut request = bench.request("REGISTER", "", "alice", PHONE);
    request.headers.set(HeaderName::To, "<sip:bob@home.example>");
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 403);
    let request = bench.request("REGISTER", "", "reception", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "reception", "x").unwrap().code, 403);
    assert_eq!(bench.front.snapshot(bench.now).devices.len(), 0);
}

/// The bytes of a 401 with its nonce, tags and what it copies from the request made equal.
fn bare(bytes: &sip::Response) -> String {
    let mut out = format!("{} {}\n", bytes.code, bytes.reason);
    for (name, value) in bytes.headers.iter() {
        let value = match name {
            "WWW-Authenticate" => {
                let (before, rest) = value.split_once("nonce=\"").unwrap();
                let (nonce, after) = rest.split_once('"').unwrap();
                format!("{before}nonce({}){after}", nonce.len())
            }
            "Via" | "From" | "To" | "Call-ID" | "CSeq" => format!("{} bytes", value.len()),
            _ => value.to_owned(),
        };
        out.push_str(&format!("{name}: {value}\n"));
    }
    out
}

#[test]
fn a7_unknown_user_and_wrong_password_get_one_answer() {
    let mut bench = Bench::new();
    for method in ["REGISTER", "INVITE"] {
        let mut answers = Vec::new();
        for (user, password) in [("alice", "wrong"), ("carol", "wrong")] {
            let to = if method == "INVITE" { "nobod@" } else { "" };
            let request = bench.request(method, to, user, STRANGER);
            let first = bench.ask(STRANGER, &request).unwrap();
            let again = bench.prove(&request, &first, user, password, 1);
            let second = bench.ask(STRANGER, &again).unwrap();
            answers.push((bare(&first), bare(&second)));
        }
        assert_eq!(answers[0], answers[1], "{method}");
    }
    // And calling a user that is there is as calling one that is not.
    let mut answers = Vec::new();
    for to in ["alice@", "carol@"] {
        let request = bench.request("INVITE", to, "mallory", STRANGER);
        answers.push(bare(&bench.ask(STRANGER, &request).unwrap()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a8_ten_wrong_passwords_a_minute_then_even_the_right_one_is_not_looked_at() {
    let mut bench = Bench::new();
    let request = bench.request("REGISTER", "", "alice", STRANGER);
    let mut codes = Vec::new();
    for n in 0..15 {
        let mut fresh = request.clone();
        bench.renew(&mut fresh);
        let password = if n == 14 { "red" } else { "guess" };
        codes.push(bench.ask_as(STRANGER, &fresh, "alice", password).unwrap().code);
    }
    assert_eq!(codes, [[401; 10].as_slice(), &[403; 5]].concat());
    assert_eq!(bench.register(PHONE, "alice", "red").code, 200, "the owner, elsewhere, is not shut out");
    bench.wait(Duration::from_secs(130));
    assert_eq!(bench.register(STRANGER, "alice", "red").code, 200, "and after a while the address may try again");
}

#[test]
fn a8_forged_packets_shut_nobody_out() {
    let mut bench = Bench::new();
    let request = bench.request("REGISTER", "", "alice", PHONE);
    let challenge = bench.ask(STRANGER, &request).unwrap();
    for _ in 0..50 {
        // From the owner's address, but whoever sends it has only a nonce of another address.
        let forged = bench.prove(&request, &challenge, "alice", "guess", 1);
        assert_eq!(bench.code(PHONE, &forged), 401);
    }
    assert_eq!(bench.register(PHONE, "alice", "red").code, 200);
}

#[test]
fn a_connection_that_leaves_the_directory_takes_its_devices_along() {
    let mut bench = Bench::new();
    bench.register(PHONE, "alice", "red");
    let mut listing = crate::bench::listing();
    listing.connections.retain(|c| c.name.as_str() != "alice");
    bench.handle(Input::Directory(std::sync::Arc::new(switchboard::Directory::new(listing).unwrap())));
    assert_eq!(bench.front.snapshot(bench.now).devices.len(), 0);
    let request = bench.request("REGISTER", "", "alice", PHONE);
    assert_eq!(bench.ask_as(PHONE, &request, "alice", "red").unwrap().code, 401);
}
