//! Stories: what people do, and the transcript of what they hear.

use crate::stage::{dial, ms, on_a_large_stack, place, s, setup, told, voice};
use phone::{Manners, Step};
use sim::World;

const AT_ONCE: Manners = Manners::Answer { after: ms(0) };

/// The lines of the transcript that say these things, in this order.
fn in_order(world: &World, wanted: &[&str]) {
    let mut lines = world.transcript().iter();
    for want in wanted {
        assert!(lines.any(|line| line.contains(want)), "{want:?} is missing or too early in\n{}", told(world));
    }
}

fn ends_well(world: &mut World) {
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}\n{}", world.trace_tail().join("\n"), told(world));
}

fn leaves_a_message(target: &'static str) -> Vec<Step> {
    vec![
        dial(target),
        Step::WaitAnswered { within: s(5) },
        Step::WaitSpeech { heard: ms(300), within: s(5) },
        Step::Press("2".to_owned()),
        Step::WaitTone { hz: Some(1_000.0), within: s(10) },
        Step::Wait(ms(500)),
        Step::Speak(voice("alice", s(4))),
        Step::Press("#".to_owned()),
        Step::WaitHangUp { within: s(10) },
    ]
}

#[test]
fn alice_calls_reception_presses_2_and_leaves_a_message() {
    on_a_large_stack(|| {
        let mut world = World::new(setup(1));
        world.add(place("alice", 11, AT_ONCE, 1), leaves_a_message("reception"));
        world.run(s(40));
        in_order(
            &world,
            &[
                "alice: calls sip:reception@home.example",
                "alice: answered",
                "alice: hears “Welcome to the callflow demo.”",
                "alice: presses 2",
                "alice: hears “Please leave a message after the tone.”",
                "alice: hears the beep",
                "alice: speaks for 4000 ms",
                "alice: presses #",
                "is safe in mailbox reception",
                "alice: hears “Thank you. Goodbye.”",
                "alice: the far end hung up",
            ],
        );
        let messages: Vec<_> = world.messages().collect();
        assert!(matches!(messages[..], [("reception", length, false)] if length > s(4) && length < s(6)), "{messages:?}");
        assert_eq!(world.records()[0].path, ["welcome", "message", "message.saved"].map(str::to_owned), "{:?}", world.records()[0]);
        ends_well(&mut world);
    });
}

#[test]
fn the_same_reception_as_a_script_does_the_same() {
    on_a_large_stack(|| {
        let mut world = World::new(setup(2));
        world.add(place("alice", 11, AT_ONCE, 1), leaves_a_message("script"));
        world.run(s(40));
        in_order(&world, &["hears “Welcome", "presses 2", "hears the beep", "is safe in mailbox reception", "Goodbye", "the far end hung up"]);
        ends_well(&mut world);
    });
}

#[test]
fn alice_and_bob_talk_and_bob_hangs_up() {
    let mut world = World::new(setup(3));
    let register = Step::Register { expires: 600 };
    let bob = vec![
        register.clone(),
        Step::WaitIncoming { within: s(20) },
        Step::WaitAnswered { within: s(20) },
        Step::WaitTone { hz: Some(2_450.0), within: s(5) },
        Step::Speak(voice("bob", s(2))),
        Step::Wait(s(1)),
        Step::HangUp,
    ];
    let alice = vec![
        register,
        Step::Wait(s(1)),
        dial("bob"),
        Step::WaitRinging { within: s(5) },
        Step::WaitAnswered { within: s(10) },
        Step::Speak(voice("alice", s(2))),
        Step::WaitTone { hz: Some(2_650.0), within: s(5) },
        Step::WaitHangUp { within: s(10) },
    ];
    world.add(place("bob", 12, Manners::Answer { after: s(3) }, 2), bob);
    world.add(place("alice", 11, AT_ONCE, 1), alice);
    world.run(s(30));
    in_order(
        &world,
        &["alice: calls", "bob: incoming call", "alice: 180 ringing", "bob: hears a tone of 24", "alice: hears a tone of 26", "bob: hung up", "alice: the far end hung up"],
    );
    ends_well(&mut world);
}

#[test]
fn busy_leads_to_voicemail_and_decline_is_passed_on() {
    for (status, heard) in [(486, "hears “The person you are calling"), (603, "alice: not answered: 603")] {
        let mut world = World::new(setup(4));
        let register = Step::Register { expires: 600 };
        world.add(place("bob", 12, Manners::Refuse { status, after: s(1) }, 2), vec![register.clone()]);
        let steps = vec![register, Step::Wait(s(1)), dial("bob"), Step::Stay { at_most: s(4) }, Step::HangUp];
        world.add(place("alice", 11, AT_ONCE, 1), steps);
        world.run(s(20));
        in_order(&world, &["alice: calls", "bob: incoming call", heard]);
        assert_eq!(world.messages().count(), 0, "nothing was said");
        ends_well(&mut world);
    }
}

#[test]
fn a_cancel_may_cross_the_answer() {
    // Bob answers after 2 s; alice gives up around that moment: whoever wins, nobody is left in a call.
    for early in (1_900..2_160).step_by(10) {
        let mut world = World::new(setup(early));
        let register = Step::Register { expires: 600 };
        world.add(place("bob", 12, Manners::Answer { after: s(2) }, 2), vec![register.clone()]);
        world.add(place("alice", 11, AT_ONCE, 1), vec![register, Step::Wait(s(1)), dial("bob"), Step::Wait(ms(early)), Step::HangUp]);
        world.run(s(6));
        in_order(&world, &["bob: incoming call"]);
        assert!(!world.is_in_call("alice") && !world.is_in_call("bob"), "{}", told(&world));
        if early <= 2_000 {
            in_order(&world, &["alice: not answered: 487"]);
            in_order(&world, &["bob: the caller gave up"]);
        }
        ends_well(&mut world);
    }
}

#[test]
fn music_plays_on_until_a_key() {
    let mut world = World::new(setup(6));
    let steps = vec![
        dial("queue"),
        Step::WaitAnswered { within: s(5) },
        Step::Wait(s(20)),
        Step::WaitSpeech { heard: s(2), within: s(5) },
        Step::Press("5".to_owned()),
        Step::WaitHangUp { within: s(3) },
    ];
    world.add(place("alice", 11, AT_ONCE, 1), steps);
    world.run(s(40));
    in_order(&world, &["hears “music.wav”", "presses 5", "the far end hung up"]);
    assert_eq!(world.phone("alice").and_then(|phone| phone.failure()), None);
    ends_well(&mut world);
}

#[test]
fn a_caller_may_leave_at_any_moment_and_what_was_said_is_kept() {
    on_a_large_stack(|| {
        for (stay, kept) in [(300, 0), (1_500, 0), (3_500, 0), (12_000, 1)] {
            let mut world = World::new(setup(stay));
            let mut steps = leaves_a_message("reception");
            // Speaks on instead of pressing #, and is gone at a moment of its own.
            steps.truncate(6);
            steps.push(Step::SpeakOn(voice("alice", s(4))));
            world.add(place("alice", 11, AT_ONCE, 1), steps);
            world.at(ms(stay), |world| world.tell_instead("alice", Step::HangUp));
            world.run(s(30));
            in_order(&world, &["alice: calls"]);
            assert!(!world.is_in_call("alice"), "{}", told(&world));
            assert_eq!(world.messages().filter(|(_, length, partial)| *length > s(2) && !partial).count(), kept, "{}", told(&world));
            ends_well(&mut world);
        }
    });
}

#[test]
fn a_crash_keeps_bindings_and_what_was_recorded() {
    on_a_large_stack(|| {
        let mut world = World::new(setup(8));
        world.add(place("bob", 12, AT_ONCE, 2), vec![Step::Register { expires: 3_600 }]);
        let mut steps = leaves_a_message("reception");
        steps[6] = Step::Speak(voice("alice", s(30)));
        world.add(place("alice", 11, AT_ONCE, 1), steps);
        world.at(s(12), |world| world.crash(s(1)));
        world.run(s(15));
        assert!(matches!(world.messages().collect::<Vec<_>>()[..], [("reception", _, true)]), "{}", told(&world));
        world.tell_instead("alice", Step::HangUp);
        world.add(place("carol", 13, AT_ONCE, 3), vec![Step::Register { expires: 600 }, dial("bob"), Step::WaitAnswered { within: s(5) }, Step::HangUp]);
        world.run(s(10));
        in_order(&world, &["the exchange crashes", "bob: incoming call", "carol: answered"]);
        ends_well(&mut world);
    });
}

#[test]
fn a_phone_that_vanishes_holds_no_call() {
    // Whether it listens to music or talks with somebody, and whoever of the two it is.
    for (who, target) in [("alice", "queue"), ("alice", "bob"), ("bob", "bob")] {
        let mut world = World::new(setup(9));
        world.add(place("bob", 12, AT_ONCE, 2), vec![Step::Register { expires: 600 }]);
        world.add(place("alice", 11, AT_ONCE, 1), vec![Step::Wait(s(1)), Step::Register { expires: 600 }, dial(target), Step::Wait(s(600))]);
        world.at(s(10), move |world| world.unplug(who));
        world.run(s(130));
        assert!(matches!(world.records(), [record] if record.answered.is_some()), "{}", told(&world));
        assert!(who == "alice" || !world.is_in_call("alice"), "{}", told(&world));
        ends_well(&mut world);
    }
}

#[test]
fn who_is_only_muted_stays() {
    let mut world = World::new(setup(10));
    let steps = vec![dial("queue"), Step::WaitAnswered { within: s(5) }, Step::Wait(s(200)), Step::HangUp];
    world.add(place("alice", 11, AT_ONCE, 1), steps);
    world.at(s(5), |world| world.mute("alice", true));
    world.at(s(180), |world| world.mute("alice", false));
    world.run(s(190));
    assert!(world.is_in_call("alice") && world.records().is_empty(), "{}", told(&world));
    let asked = world.trace_tail().iter().filter(|line| line.contains("exchange → alice OPTIONS")).count();
    assert_eq!(asked, 3, "at 35, 95 and 155 s; {}", world.trace_tail().join("\n"));
    world.run(s(20));
    assert!(world.records().iter().any(|record| record.timeline.iter().any(|line| line.what.contains("RTP comes again"))), "{:?}", world.records());
    assert!(matches!(world.records(), [record] if record.ended_by.contains("hung up")), "{}", told(&world));
    ends_well(&mut world);
}
