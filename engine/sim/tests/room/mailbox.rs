//! An owner at the mailbox: the PIN, the messages in order, every key, and what guessing comes to.

use crate::stage::{desk, dial, ms, on_a_large_stack, place, s, told, voice, with_mailbox};
use phone::{Manners, Step};
use sim::World;
use std::time::Duration;
use voicemail::Pin;

const AT_ONCE: Manners = Manners::Answer { after: ms(0) };
/// Callers of the desk leave alice a message; alice herself, who is asked who she is, listens.
const TEXT: &str = "flow: desk
start: who
states:
  who: { then: [{ if: caller.connection == \"alice\", then: own }, { if: caller.connection == \"carol\", then: alices }, message] }
  own: { mailbox: {}, then: { done: end, locked_out: shut } }
  alices: { mailbox: alice, then: { done: end, locked_out: shut } }
  message: { voicemail: { mailbox: alice, stop: { key: \"#\", silence: 5s, length: 1m } }, then: end }
  shut: { say: You are locked out., then: end }
";

/// A world where bob and dave have left alice a message of four and of six seconds.
pub(crate) fn world(pin: &str, pin_for_owner: bool) -> World {
    let mut setup = desk(3, TEXT);
    let pin = (!pin.is_empty()).then(|| Pin::from_digits(pin, &[9; 16], &[]).unwrap());
    with_mailbox(&mut setup, |mailbox| {
        mailbox.pin = pin.clone();
        mailbox.pin_for_owner = pin_for_owner;
    });
    let mut world = World::new(setup);
    for (who, number, wait, length) in [("bob", 12, s(0), s(4)), ("dave", 14, s(20), s(6))] {
        let steps = vec![
            Step::Register { expires: 600 },
            Step::Wait(wait),
            dial("desk"),
            Step::WaitTone { hz: Some(1_000.0), within: s(20) },
            Step::Wait(ms(500)),
            Step::Speak(voice(who, length)),
            Step::Press("#".to_owned()),
            Step::WaitHangUp { within: s(10) },
        ];
        world.add(place(who, number, AT_ONCE, u64::from(number)), steps);
    }
    world.run(s(45));
    assert_eq!(world.waiting("alice"), (2, 0), "{}", told(&world));
    world
}

/// Somebody calls the desk and does this.
fn visit(world: &mut World, who: &str, number: u8, steps: Vec<Step>, stay: Duration) -> Vec<String> {
    let before = world.transcript().len();
    let begin = [Step::Register { expires: 600 }, dial("desk"), Step::WaitAnswered { within: s(5) }];
    if world.phone(who).is_none() {
        world.add(place(who, number, AT_ONCE, u64::from(number)), begin.into_iter().chain(steps).collect());
    } else {
        begin.into_iter().chain(steps).for_each(|step| world.tell(who, step));
    }
    world.run(stay);
    let failure = world.phone(who).and_then(|phone| phone.failure().map(ToString::to_string));
    assert_eq!(failure, None, "{}", told(world));
    world.transcript()[before..].iter().filter(|line| line.contains(&format!("{who}: "))).cloned().collect()
}

fn press(keys: &str) -> Step {
    Step::Press(keys.to_owned())
}

fn ends_well(world: &mut World) {
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}\n{}", world.trace_tail().join("\n"), told(world));
}

#[track_caller]
fn in_order(lines: &[String], wanted: &[&str]) {
    let mut left = lines.iter();
    for want in wanted {
        assert!(left.any(|line| line.contains(want)), "{want:?} is missing or too early in\n{}", lines.join("\n"));
    }
}

#[test]
fn an_owner_hears_both_messages_saves_one_deletes_the_other_and_leaves() {
    let mut world = world("4711", false);
    let steps = vec![
        // Counts, who and when, then the first message to its end and the choices.
        Step::Wait(s(20)),
        press("2"),
        Step::Wait(s(6)),
        press("3"),
        Step::Wait(s(6)),
        press("*"),
        Step::WaitHangUp { within: s(10) },
    ];
    let lines = visit(&mut world, "alice", 11, steps, s(60));
    in_order(&lines, &["hears “You have 2 new messages.”", "hears “Message 1. From", "hears “message ", "hears “To hear this message again", "hears “Message saved.”", "hears “Message 2. From", "hears “Message deleted.”", "hears “There are no more messages.”", "hears “Goodbye.”", "the far end hung up"]);
    assert_eq!(world.waiting("alice"), (0, 1), "the lamp's counts; {}", told(&world));
    ends_well(&mut world);
}

#[test]
fn keys_go_back_and_forward_and_interrupt_at_once() {
    let mut world = world("", true);
    let steps = vec![
        Step::Wait(ms(600)),
        press("6"),
        Step::Wait(s(4)),
        press("4"),
        Step::Wait(s(4)),
        press("4"),
        Step::Wait(s(3)),
        press("5"),
        Step::Wait(s(2)),
        press("0"),
        Step::Wait(s(1)),
        press("8"),
        Step::Wait(s(2)),
        press("1"),
        Step::Wait(s(1)),
        press("9"),
        Step::Wait(s(2)),
        press("*"),
        Step::WaitHangUp { within: s(10) },
    ];
    let lines = visit(&mut world, "alice", 11, steps, s(60));
    in_order(
        &lines,
        &[
            "hears “You have 2", "presses 6", "hears “Message 2", "presses 4", "hears “Message 1", "presses 4", "hears “There are no earlier", "presses 5", "hears “Message 1",
            "presses 0", "hears “Press 1 to hear", "presses 8", "hears “That is not one", "presses 1", "hears “message ", "presses 9", "hears “To hear this message again", "presses *", "hears “Goodbye",
        ],
    );
    ends_well(&mut world);
}

#[test]
fn three_silences_end_a_visit() {
    let mut world = world("", true);
    let lines = visit(&mut world, "alice", 11, vec![Step::WaitHangUp { within: s(120) }], s(130));
    let asked = lines.iter().filter(|line| line.contains("hears “To hear this message again")).count();
    assert_eq!(asked, 3, "{}", lines.join("\n"));
    in_order(&lines, &["hears “Goodbye.”", "the far end hung up"]);
    assert_eq!(world.waiting("alice"), (1, 1), "what was heard to its end is no longer new");
    ends_well(&mut world);
}

#[test]
fn a10_a_pin_is_asked_of_everybody_else_and_three_wrong_ones_end_the_call() {
    on_a_large_stack(|| {
        let mut world = world("4711", true);
        // The owner's own telephone too, unless the mailbox says otherwise.
        let right = vec![Step::Wait(s(1)), press("4711#"), Step::Wait(s(4)), press("*"), Step::WaitHangUp { within: s(10) }];
        let lines = visit(&mut world, "alice", 11, right.clone(), s(25));
        in_order(&lines, &["hears “Please enter your pin", "presses 4711#", "hears “You have 2 new messages.”"]);
        let lines = visit(&mut world, "carol", 13, vec![Step::Wait(s(1)), press("1111#"), Step::Wait(s(3)), press("4712#"), Step::Wait(s(3)), press("4#"), Step::WaitHangUp { within: s(15) }], s(40));
        in_order(&lines, &["hears “Please enter", "presses 1111#", "hears “That pin is not right.”", "presses 4712#", "hears “That pin is not right.”", "presses 4#", "hears “Goodbye.”", "hears “You are locked out.”"]);
        assert!(!lines.iter().any(|line| line.contains("You have")), "{}", lines.join("\n"));
        let told_digits = world.records().iter().flat_map(|record| &record.timeline).any(|line| line.what.contains("4712") || line.what.contains("4711"));
        assert!(!told_digits, "no PIN is ever told");
        ends_well(&mut world);
    });
}

#[test]
fn a10_ten_wrong_pins_lock_the_mailbox_for_all_calls_and_the_lock_opens_again() {
    let mut world = world("4711", true);
    let guess = vec![Step::Wait(s(1)), press("0000#"), Step::Wait(s(3)), press("0000#"), Step::Wait(s(3)), press("0000#"), Step::WaitHangUp { within: s(20) }];
    for _ in 0..3 {
        visit(&mut world, "carol", 13, guess.clone(), s(40));
    }
    visit(&mut world, "carol", 13, vec![Step::Wait(s(1)), press("0000#"), Step::WaitHangUp { within: s(20) }], s(40));
    let tries: Vec<_> = world.records().iter().map(|record| record.timeline.iter().map(|line| line.what.clone()).filter(|what| what.contains("PIN")).collect::<Vec<_>>()).collect();
    let wrong = tries.concat().iter().filter(|what| what.contains("a wrong PIN")).count();
    assert_eq!(wrong, 10, "{tries:#?}");
    let right = vec![Step::Wait(s(1)), press("4711#"), Step::WaitHangUp { within: s(20) }];
    let lines = visit(&mut world, "alice", 11, right, s(30));
    in_order(&lines, &["hears “This mailbox is locked.", "hears “You are locked out.”"]);
    world.run(s(15 * 60));
    let lines = visit(&mut world, "alice", 11, vec![Step::Wait(s(1)), press("4711#"), Step::Wait(s(4)), press("*"), Step::WaitHangUp { within: s(10) }], s(30));
    in_order(&lines, &["hears “You have 2 new messages.”"]);
    ends_well(&mut world);
}

#[test]
fn a10_without_a_pin_only_the_proven_owner_comes_in() {
    let mut world = world("", true);
    let lines = visit(&mut world, "carol", 13, vec![Step::WaitHangUp { within: s(15) }], s(20));
    in_order(&lines, &["hears “This mailbox cannot be opened from here.”", "hears “You are locked out.”"]);
    ends_well(&mut world);
}

#[test]
fn a_mailbox_may_only_announce_and_a_key_may_leave_for_the_operator() {
    let text = "flow: desk\nstart: message\nstates:\n  message: { voicemail: { mailbox: alice, operator: \"0\" }, then: { announced: told, operator: desk, else: end } }\n  told: { say: Only announced., then: end }\n  desk: { say: The operator comes., then: end }\n";
    for (announce_only, steps, heard) in [
        (true, vec![Step::WaitHangUp { within: s(20) }], "hears “Only announced.”"),
        (false, vec![Step::Wait(ms(700)), press("0"), Step::WaitHangUp { within: s(20) }], "hears “The operator comes.”"),
    ] {
        let mut setup = desk(1, text);
        with_mailbox(&mut setup, |mailbox| mailbox.announce_only = announce_only);
        let mut world = World::new(setup);
        let lines = visit(&mut world, "bob", 12, steps, s(30));
        in_order(&lines, &["hears “Please leave a message", heard]);
        assert_eq!(world.messages().count(), 0);
        ends_well(&mut world);
    }
}
