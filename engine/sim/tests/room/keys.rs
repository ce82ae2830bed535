//! Keys across a bridge: however they come they are passed on once, by the way the far side takes them.

use crate::stage::{desk, dial, ms, place, s};
use phone::{Manners, Step};
use sim::World;

const BRIDGE: &str = "flow: desk\nstart: bob\nstates:\n  bob: { bridge: { to: connection/bob }, then: end }\n";

/// Alice calls bob and does something; bob waits for digits.
fn call(steps: Vec<Step>, digits: &str) -> World {
    let mut world = World::new(desk(1, BRIDGE));
    let bob = vec![
        Step::Register { expires: 600 },
        Step::WaitIncoming { within: s(60) },
        Step::WaitDigits { digits: digits.to_owned(), within: s(30) },
        Step::WaitHangUp { within: s(60) },
    ];
    world.add(place("bob", 12, Manners::Answer { after: ms(200) }, 2), bob);
    let begin = [Step::Register { expires: 600 }, Step::Wait(s(1)), dial("desk"), Step::WaitAnswered { within: s(10) }, Step::Wait(s(2))];
    let steps = begin.into_iter().chain(steps).chain([Step::Wait(s(3)), Step::HangUp]).collect();
    world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
    world
}

fn lines(world: &World, of: &str) -> usize {
    world.records().iter().flat_map(|record| &record.timeline).filter(|line| line.what.contains(of)).count()
}

#[test]
fn m7_keys_by_info_go_on_as_events_and_those_that_come_twice_go_on_once() {
    // By INFO alone; by event alone; by both, the event 100 ms and more after the INFO.
    let both = vec![Step::PressByInfo('1'), Step::Wait(s(1)), Step::Press("2".into()), Step::Wait(s(1)), Step::PressByInfo('3'), Step::Press("3".into()), Step::Wait(s(1)), Step::Press("4".into()), Step::PressByInfo('4')];
    let mut world = call(both, "1234");
    world.run(s(40));
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}", world.trace_tail().join("\n"));
    assert_eq!((lines(&world, "a key by INFO is the one"), lines(&world, "a key by telephone event is the one")), (1, 1));
    let timeline: Vec<&str> = world.records().iter().flat_map(|record| &record.timeline).map(|line| line.what.as_str()).collect();
    assert_eq!(timeline.iter().filter(|line| line.ends_with(": a key by INFO") || line.ends_with(": a key by telephone event")).count(), 4, "{timeline:#?}");
}
