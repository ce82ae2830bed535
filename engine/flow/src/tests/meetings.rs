//! Flows that let calls meet.

use super::{Call, facts, load, load_script};
use crate::{AgentOrder, Destination, Effect, GainKeys, Next, Role};
use std::time::Duration;
use terms::Gain;

fn effect(call: &Call) -> &Effect {
    let Some(Next::Effect(effect)) = &call.next else { panic!("{:?}", call.next) };
    effect
}

const ALL: &str = r##"start: meet
vars: { room: { type: text, default: board } }
states:
  meet:
    conference: { room: "${room}", pin: "0042", role: coach, start_with_host: true, max: 10, mute_key: "6" }
    then: { left: wait, ended: wait, full: wait }
  wait:
    queue: { name: sales, agents: [connection/alice, number/+15550100], ring: together, announce_position: 30s, timeout: 5m }
    then: { served: end, timeout: stay, left: stay, full: stay }
  stay:
    park: { slot: 701-709 }
    then: { served: end, timeout: fetch, left: end, full: end }
  fetch: { bridge: park/701, then: { answered: take, else: take } }
  take: { bridge: { to: queue/sales, timeout: 1m }, then: { answered: end, else: end } }
"##;

#[test]
fn a_flow_meets_waits_parks_fetches_and_takes() {
    let set = load(ALL);
    let call = Call::begin(&set, "test", facts());
    let Effect::Conference(conference) = effect(&call) else { panic!("{:?}", call.next) };
    assert_eq!((conference.room.as_str(), conference.entry.pin.as_deref(), conference.role), ("board", Some("0042"), Role::Coach));
    assert_eq!((conference.leave_key, conference.mute_key, conference.people_max), (Some('*'), Some('6'), 10));
    let call = call.then("left");
    let Effect::Queue(queue) = effect(&call) else { panic!("{:?}", call.next) };
    assert_eq!((queue.order, queue.announce_every, queue.waiting_max), (AgentOrder::Together, Some(Duration::from_secs(30)), 100));
    assert_eq!(queue.agents.iter().map(Destination::to_string).collect::<Vec<_>>(), ["connection/alice", "number/+15550100"]);
    let call = call.then("timeout");
    let Effect::Park(park) = effect(&call) else { panic!("{:?}", call.next) };
    assert_eq!((park.first, park.last, park.timeout), (701, 709, Duration::from_secs(120)));
    call.then("timeout").then("answered").then("answered").went(&[
        "conference board -> left",
        "queue sales -> timeout",
        "park 701-709 -> timeout",
        "bridge park/701 -> answered",
        "bridge queue/sales -> answered",
        "Finished",
    ]);
}

#[test]
fn a_conference_is_told_how_loud() {
    let set = load("flow: test\nstart: in\nstates:\n  in: { conference: { room: board, role: coach, talk_gain: -3, hear_gain: 12, duck: -60, hear_louder_key: \"1\", talk_softer_key: \"#\" }, then: plain }\n  plain: { conference: board, then: end }\n");
    let call = Call::begin(&set, "test", facts());
    let Effect::Conference(conference) = effect(&call) else { panic!("{:?}", call.next) };
    assert_eq!((conference.talk_gain.db(), conference.hear_gain, conference.duck), (-3, Gain::MOST, Gain::OFF));
    assert_eq!(conference.gain_keys, GainKeys { hear_louder: Some('1'), talk_softer: Some('#'), ..GainKeys::default() });
    let call = call.then("left");
    let Effect::Conference(conference) = effect(&call) else { panic!("{:?}", call.next) };
    assert_eq!((conference.talk_gain, conference.hear_gain, conference.duck, conference.gain_keys), (Gain::NONE, Gain::NONE, Gain::NONE, GainKeys::default()));
}

#[test]
fn a_script_does_the_same() {
    let set = load_script(
        "fn main(line) { let c = line.conference(\"board\", #{ muted: true }); if c.outcome == \"full\" { line.queue(\"sales\", #{ priority: 5 }); } line.park(#{ slot: 701 }); line.bridge(\"park/701\"); }",
    );
    Call::begin(&set, "test", facts()).then("full").then("timeout").then("served").then("answered").went(&[
        "conference board -> full",
        "queue sales -> timeout",
        "park 701 -> served",
        "bridge park/701 -> answered",
        "Finished",
    ]);
}

#[test]
fn a_pin_is_never_written_down() {
    let set = load(ALL);
    let call = Call::begin(&set, "test", facts());
    let written = [serde_json::to_string(effect(&call)).unwrap(), serde_json::to_string(call.run.journal()).unwrap()].concat();
    assert!(written.contains("board") && !written.contains("0042"), "{written}");
}
