//! Keys across a bridge: however they come they are passed on once, by the way the far side takes them.

use crate::stage::{desk, dial, ms, place, s, with_connection};
use phone::{Manners, Sound, Step};
use sim::{Weather, World};
use terms::Dtmf;

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

/// How many keys a phone got by INFO, in order.
pub(crate) fn by_info(world: &World, who: &str) -> String {
    let lines = world.phone(who).map(|phone| phone.timeline_since(0)).unwrap_or_default();
    lines.iter().filter_map(|line| line.text.strip_prefix("digit ")?.strip_suffix(" by INFO")).collect()
}

#[test]
fn m7_whoever_takes_keys_by_info_alone_gets_each_once_and_in_order() {
    let mut setup = desk(3, BRIDGE);
    with_connection(&mut setup, "bob", |bob| bob.dtmf = Dtmf::Info);
    let mut world = World::new(setup);
    let bob = vec![Step::Register { expires: 600 }, Step::WaitIncoming { within: s(60) }, Step::WaitHangUp { within: s(60) }];
    world.add(place("bob", 12, Manners::Answer { after: ms(200) }, 2), bob);
    let pressing = [Step::Press("1590#".into()), Step::Wait(s(1)), Step::PressByInfo('7'), Step::PressByInfo('7'), Step::Wait(s(2)), Step::HangUp];
    let begin = [Step::Register { expires: 600 }, Step::Wait(s(1)), dial("desk"), Step::WaitAnswered { within: s(10) }, Step::Wait(s(2))];
    world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), begin.into_iter().chain(pressing).collect());
    world.run(s(40));
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}", world.trace_tail().join("\n"));
    assert_eq!(by_info(&world, "bob"), "1590#77", "{:#?}", world.transcript());
}

#[test]
fn a_flow_presses_keys_by_info_where_the_caller_takes_no_others() {
    let text = "flow: desk\nstart: press\nstates:\n  press:\n    - answer: {}\n    - keys: \"12w#\"\n    - pause: 1s\n      then: end\n";
    let mut setup = desk(5, text);
    with_connection(&mut setup, "alice", |alice| alice.dtmf = Dtmf::Info);
    let mut world = World::new(setup);
    let steps = vec![Step::Register { expires: 600 }, Step::Wait(s(1)), dial("desk"), Step::WaitAnswered { within: s(10) }, Step::WaitHangUp { within: s(30) }];
    world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
    world.run(s(40));
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}", world.trace_tail().join("\n"));
    assert_eq!(by_info(&world, "alice"), "12#", "{:#?}", world.transcript());
}

/// Keys as the tones of a telephone of old: 80 ms each, 80 ms between.
pub(crate) fn tones(keys: &str) -> Sound {
    let mut samples = Vec::new();
    for key in keys.chars() {
        let (row, column) = match "123A456B789C*0#D".find(key) {
            Some(at) => ([697.0, 770.0, 852.0, 941.0][at / 4], [1_209.0, 1_336.0, 1_477.0, 1_633.0][at % 4]),
            None => panic!("{key} is no key"),
        };
        let (low, high) = (Sound::tone(row, -10.0, ms(80)), Sound::tone(column, -10.0, ms(80)));
        samples.extend(low.samples().iter().zip(high.samples()).map(|(low, high)| low + high));
        samples.extend_from_slice(Sound::silence(ms(80)).samples());
    }
    Sound::from_samples(samples)
}

#[test]
fn keys_as_tones_choose_in_a_menu_and_go_on_as_events() {
    let text = "flow: desk\nstart: which\nstates:\n  which:\n    menu: { prompt: [{ say: Press seven. }], wait: 20s }\n    then: { \"7\": bob, failed: end }\n  bob: { bridge: { to: connection/bob }, then: end }\n";
    for loss in [0, 30] {
        let mut setup = desk(7, text);
        with_connection(&mut setup, "alice", |alice| alice.dtmf = Dtmf::Inband);
        let mut world = World::new(setup);
        world.set_weather(Weather { loss, ..Weather::FAIR });
        let bob = vec![
            Step::Register { expires: 600 },
            Step::WaitIncoming { within: s(60) },
            Step::WaitDigits { digits: "1590#".to_owned(), within: s(30) },
            Step::WaitHangUp { within: s(60) },
        ];
        world.add(place("bob", 12, Manners::Answer { after: ms(200) }, 2), bob);
        let steps = vec![
            Step::Register { expires: 600 },
            Step::Wait(s(1)),
            dial("desk"),
            Step::WaitAnswered { within: s(10) },
            Step::Wait(s(1)),
            Step::Speak(tones("7")),
            Step::Wait(s(3)),
            Step::Speak(tones("1590#")),
            Step::Wait(s(3)),
            Step::HangUp,
        ];
        world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
        world.run(s(60));
        world.settle();
        assert_eq!(world.verdict(), [""; 0], "{}", world.trace_tail().join("\n"));
        let timeline: Vec<&str> = world.records().iter().flat_map(|record| &record.timeline).map(|line| line.what.as_str()).collect();
        assert_eq!(timeline.iter().filter(|line| line.ends_with(": a key by tone")).count(), 6, "{timeline:#?}");
    }
}
