//! Flows change under a live call: the call goes on with the version it began with, new calls take the new one, and a broken
//! file changes nothing but is told of.

use crate::peers::exchange::{Exchange, House, must, radio, s};
use crate::peers::process::wait_for;
use phone::{Handset, Manners, Step, tone_share};
use std::time::Duration;

/// How long after a file was written new calls may still meet the old flows.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn listener(exchange: &Exchange) -> Handset {
    let phone = exchange.phone("stranger", Manners::Ring);
    must(&phone, Step::Dial(exchange.uri("radio")));
    must(&phone, Step::WaitAnswered { within: s(10) });
    phone
}

#[track_caller]
pub(crate) fn must_hear_now(phone: &Handset, hz: f32) {
    must(phone, Step::Wait(Duration::from_millis(600)));
    let heard = phone.report().heard;
    let tail = &heard[heard.len().saturating_sub(4_000)..];
    assert!(tone_share(tail, hz) > 0.8, "not {hz} Hz:\n{}", phone.timeline());
}

#[test]
fn live_calls_keep_their_flows_and_broken_files_are_refused() {
    let mut exchange = Exchange::start(&House::default());
    let version = |e: &Exchange| e.get("/v1/flows")["version"].as_u64();
    let first = version(&exchange);
    let old = listener(&exchange);
    must_hear_now(&old, 500.0);

    exchange.folder().write("flows/radio.yaml", &radio("second.wav"));
    wait_for("the changed flow to be taken", TAKEN_WITHIN, || (version(&exchange) != first).then_some(()));
    let second = version(&exchange);
    let new = listener(&exchange);
    must_hear_now(&new, 1_000.0);
    must_hear_now(&old, 500.0);

    exchange.folder().write("flows/radio.yaml", "flow: radio\nstart: nowhere\nstates:\n  on:\n    plya: welcome.wav\n");
    let fault = wait_for("the broken file to be told of", TAKEN_WITHIN, || exchange.get("/v1/flows")["last_fault"].as_str().map(str::to_owned));
    assert!(fault.contains("radio.yaml"), "the fault does not name the file: {fault}");
    assert!(fault.contains("plya"), "the fault does not name the word: {fault}");
    assert_eq!(version(&exchange), second, "a broken file became a version");
    let (status, _) = exchange.request("POST", "/v1/reload");
    assert_eq!(status, 422, "a reload of a broken file must be refused");
    let after = listener(&exchange);
    must_hear_now(&after, 1_000.0);
    must_hear_now(&old, 500.0);
    for phone in [&old, &new, &after] {
        must(phone, Step::HangUp);
    }
    exchange.must_be_quiet();
}
