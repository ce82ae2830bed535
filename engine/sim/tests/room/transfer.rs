//! `refer`: the caller's telephone is sent elsewhere, and what becomes of the call when it goes, does not go, or says nothing.

use crate::stage::{desk, dial, ms, on_a_large_stack, place, s, told};
use phone::{Manners, Step};
use sim::World;

const TEXT: &str = "flow: desk
start: away
states:
  away: { refer: { to: connection/bob, timeout: 8s }, then: { accepted: note, refused: sorry } }
  note: { notify: { url: \"https://crm.example/gone\", event: caller.sent }, then: end }
  sorry: { say: \"Nobody went there: ${result.status}.\", then: end }
";

fn call(text: &str, answer: u16, steps: Vec<Step>) -> World {
    let mut world = World::new(desk(1, text));
    let mut place = place("alice", 11, Manners::Answer { after: ms(0) }, 1);
    place.phone.refer_answer = answer;
    let begin = [Step::Register { expires: 600 }, dial("desk"), Step::WaitAnswered { within: s(10) }, Step::WaitReferred { within: s(5) }];
    world.add(place, begin.into_iter().chain(steps).collect());
    world.run(s(40));
    let failure = world.phone("alice").and_then(|phone| phone.failure().map(ToString::to_string));
    assert_eq!(failure, None, "{}\n{}", told(&world), world.trace_tail().join("\n"));
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}\n{}", world.trace_tail().join("\n"), told(&world));
    world
}

#[track_caller]
fn says(world: &World, what: &str) {
    let timeline: Vec<_> = world.records().iter().flat_map(|record| &record.timeline).map(|line| &line.what).collect();
    assert!(world.transcript().iter().any(|line| line.contains(what)) || timeline.iter().any(|line| line.contains(what)), "{what:?}: {timeline:#?}\n{}", told(world));
}

#[test]
fn a_telephone_that_gets_through_is_released_and_the_flow_has_its_last_word() {
    let steps = vec![Step::Notify(100), Step::Wait(s(1)), Step::Notify(180), Step::Wait(s(2)), Step::Notify(200), Step::WaitHangUp { within: s(5) }];
    let world = call(TEXT, 202, steps);
    says(&world, "asked to call <sip:bob@home.example>: 202");
    says(&world, "the caller's telephone got through to connection/bob");
    let record = &world.records()[0];
    assert_eq!((record.ended_by.as_str(), record.path.last().map(String::as_str)), ("sent to connection/bob", Some("note")), "{record:?}");
}

#[test]
fn a_telephone_that_refuses_fails_or_says_nothing_stays_in_the_flow() {
    let stay = Step::WaitHangUp { within: s(20) };
    says(&call(TEXT, 603, vec![stay.clone()]), "hears “Nobody went there: 603.”");
    says(&call(TEXT, 202, vec![Step::Notify(100), Step::Wait(s(1)), Step::Notify(486), stay.clone()]), "hears “Nobody went there: 486.”");
    says(&call(TEXT, 202, vec![Step::Notify(100), stay]), "hears “Nobody went there: 408.”");
}

#[test]
fn a_telephone_that_hangs_up_as_it_goes_has_gone() {
    says(&call(TEXT, 202, vec![Step::Wait(s(1)), Step::HangUp]), "the caller left for connection/bob");
}

#[test]
fn nobody_is_sent_where_nobody_may_dial() {
    for (to, why) in [("number/+442071838750", "no trunk dials +442071838750"), ("sip:x@evil.example", "not on the list of hosts"), ("connection/nobody", "there is no connection nobody")] {
        let text = TEXT.replace("connection/bob", to);
        let mut world = World::new(desk(1, &text));
        let steps = vec![Step::Register { expires: 600 }, dial("desk"), Step::WaitAnswered { within: s(10) }, Step::WaitHangUp { within: s(10) }];
        world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
        world.run(s(20));
        says(&world, why);
        says(&world, "hears “Nobody went there: 403.”");
        assert!(!world.trace_tail().iter().any(|line| line.contains("REFER")), "{}", world.trace_tail().join("\n"));
    }
}

#[test]
fn a_script_sends_away_as_well() {
    on_a_large_stack(|| {
        let text = "fn main(line) { let r = line.refer(\"connection/bob\"); if r.outcome == \"refused\" { line.say(\"It was refused with \" + r.status); } }";
        says(&call(text, 480, vec![Step::WaitHangUp { within: s(20) }]), "hears “It was refused with 480”");
    });
}
