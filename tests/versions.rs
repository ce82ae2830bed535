//! Versions of the flows: kept with their files, listed, shown, and taken into use again; a roll-back holds until flow files
//! change, over reloads and restarts, and says so.

use crate::peers::exchange::{Exchange, House, must, radio, s};
use crate::peers::process::wait_for;
use crate::reload::{listener, must_hear_now};
use phone::{Manners, Step};
use serde_json::Value;
use std::time::Duration;

/// How long a changed file may take to be used.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

fn flows(exchange: &Exchange) -> Value {
    exchange.get("/v1/flows")
}

fn hash(exchange: &Exchange) -> String {
    flows(exchange)["hash"].as_str().unwrap().to_owned()
}

#[track_caller]
fn changed_from(exchange: &Exchange, before: &str) -> String {
    wait_for("the changed flows to be taken", TAKEN_WITHIN, || Some(hash(exchange)).filter(|now| now != before))
}

#[test]
fn an_earlier_version_is_used_again_until_files_change() {
    let mut exchange = Exchange::start(&House::default());
    let first = hash(&exchange);
    exchange.folder().write("flows/radio.yaml", &radio("second.wav"));
    let second = changed_from(&exchange, &first);
    let listed = exchange.get("/v1/flows/versions");
    let told: Vec<(&str, &str, bool)> =
        listed["versions"].as_array().unwrap().iter().map(|v| (v["hash"].as_str().unwrap(), v["by"].as_str().unwrap(), v["in_use"].as_bool().unwrap())).collect();
    assert_eq!(told, [(second.as_str(), "a file change", true), (first.as_str(), "start", false)], "{listed:#}");
    assert!(listed["held"].is_null(), "{listed:#}");
    let on_second = listener(&exchange);
    must_hear_now(&on_second, 1_000.0);

    // By the command line, beside the running server.
    let (done, told) = exchange.callflow(&["versions"]);
    assert!(done && told.contains(&format!("* {second}")) && told.contains(&format!("  {first}")), "{told}");
    let (done, told) = exchange.callflow(&["versions", "show", &second[..10]]);
    assert!(done && told.contains("by a file change") && told.contains("/flows/radio.yaml\n") && told.contains("second.wav"), "{told}");
    let (done, told) = exchange.callflow(&["versions", "show", &first, "--into", "old"]);
    assert!(done && std::fs::read_to_string(exchange.folder().path().join("old/radio.yaml")).unwrap() == radio("welcome.wav"), "{told}");
    for (arguments, why) in [
        (["versions", "use", "0123456789abcdef"], "there is no version 0123456789abcdef"),
        (["versions", "use", &second], "is in use"),
        (["versions", "show", "zz"], "there is no version zz"),
    ] {
        let (done, told) = exchange.callflow(&arguments);
        assert!(!done && told.contains(why), "{told}");
    }
    let (done, told) = exchange.callflow(&["versions", "use", &first[..12]]);
    assert!(done && told.contains("until flow files change"), "{told}");
    assert_eq!(hash(&exchange), first);
    let held = flows(&exchange)["held"].as_str().unwrap_or_default().to_owned();
    assert!(held.contains(&second) && held.contains("a roll-back by the API") && held.contains("until flow files change"), "{held}");
    let on_first = listener(&exchange);
    must_hear_now(&on_first, 500.0);
    must_hear_now(&on_second, 1_000.0);

    // A reload of the same files changes nothing; nor does a file that is written as it was.
    assert_eq!(exchange.request("POST", "/v1/reload").0, 200);
    exchange.folder().write("flows/radio.yaml", &radio("second.wav"));
    assert_eq!(exchange.request("POST", "/v1/reload").0, 200);
    assert_eq!(hash(&exchange), first);
    let (_, told) = exchange.callflow(&["versions"]);
    assert!(told.contains(&format!("* {first}")) && told.contains("the roll-back holds until flow files change"), "{told}");
    for phone in [&on_first, &on_second] {
        must(phone, Step::HangUp);
    }
    exchange.must_be_quiet();

    // A power cut does not bring the files back.
    exchange.kill();
    exchange.restart();
    assert_eq!(hash(&exchange), first);
    assert!(exchange.log().contains("the roll-back holds"), "{}", exchange.log());

    // Another file does.
    exchange.folder().write("flows/radio.yaml", &radio("thanks.wav"));
    let third = changed_from(&exchange, &first);
    assert!(third != second && flows(&exchange)["held"].is_null());
    let phone = exchange.phone("stranger", Manners::Ring);
    must(&phone, Step::Dial(exchange.uri("radio")));
    must(&phone, Step::WaitTone { hz: Some(820.0), within: s(10) });
    must(&phone, Step::HangUp);
    exchange.must_be_quiet();
    // Back to what the files have is no roll-back that holds.
    let (done, _) = exchange.callflow(&["versions", "use", &first]);
    let (again, _) = exchange.callflow(&["versions", "use", &third]);
    assert!(done && again && hash(&exchange) == third && flows(&exchange)["held"].is_null(), "{:#}", flows(&exchange));
}
