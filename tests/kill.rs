//! `kill -9` in the middle of a message: what was acknowledged is there, what was being spoken is there as a part, devices
//! are still registered.

use crate::message::leave;
use crate::peers::endpoint::Endpoint;
use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::wait_for;
use phone::{Manners, Sound, Step};
use std::time::Duration;

/// How long after the restart a binding may take to be usable (and a test's polling).
const ONLINE_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_message_cut_by_kill_9_is_kept_as_a_part_and_acknowledged_ones_are_all_there() {
    let endpoint = Endpoint::start();
    let mut exchange = Exchange::start(&House { webhook: Some(endpoint.url()), ..House::default() });
    let alice = exchange.device("alice", Manners::Ring);
    let bob = exchange.device("bob", Manners::Answer { after: Duration::ZERO });
    for _ in 0..2 {
        leave(&exchange, &alice, Sound::tone(300.0, -12.0, s(3)));
        must(&alice, Step::Press("#".into()));
        must(&alice, Step::WaitHangUp { within: s(15) });
    }
    wait_for("two messages", s(20), || (endpoint.received().iter().filter(|d| d.kind() == "voicemail.saved").count() == 2).then_some(()));
    let whole: Vec<String> = exchange.messages().iter().filter_map(|m| m["id"].as_str().map(str::to_owned)).collect();
    assert_eq!(whole.len(), 2);

    leave(&exchange, &alice, Sound::tone(300.0, -12.0, s(4)));
    exchange.kill();
    exchange.restart();

    wait_for("bob's binding to be back", ONLINE_WITHIN, || exchange.get("/v1/connections/bob")["online"].as_bool().filter(|o| *o));
    let part = wait_for("the part of the message", s(10), || exchange.messages().into_iter().find(|m| m["partial"] == true));
    let kept = part["duration_ms"].as_u64().unwrap_or(0);
    // Up to the last second before the kill; what the caller spoke until then were about 4 s and the silence before.
    assert!(kept >= 2_800, "only {kept} ms of about 4000 were kept");
    let id = part["id"].as_str().unwrap_or("").to_owned();
    let told = endpoint.expect("the part's webhook", s(20), |d| d.kind() == "voicemail.saved" && d.payload["data"]["message"]["id"] == id.as_str());
    assert_eq!(told.payload["data"]["message"]["partial"], true);
    let all: Vec<String> = exchange.messages().iter().filter_map(|m| m["id"].as_str().map(str::to_owned)).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(whole.iter().all(|id| all.contains(id)), "an acknowledged message is lost");
    let (status, audio) = exchange.request("GET", &format!("/v1/messages/{id}/audio"));
    assert_eq!((status, audio.get(..4)), (200, Some(b"RIFF".as_slice())));

    // The exchange works as before: a call to the device that registered before the kill.
    let stranger = exchange.phone("stranger", Manners::Ring);
    must(&stranger, Step::Dial(exchange.uri("tobob")));
    must(&stranger, Step::WaitAnswered { within: s(10) });
    must(&bob, Step::WaitAnswered { within: s(5) });
    must(&stranger, Step::HangUp);
    must(&bob, Step::WaitHangUp { within: s(5) });
    exchange.must_be_quiet();
}
