//! `record_call`: the whole call on disk, whatever the flow does beside it, and however the call ends.

use crate::stage::{amplitude_of, desk, dial, ms, on_a_large_stack, place, s, told, voice};
use phone::{Manners, Step};
use sim::World;

const AT_ONCE: Manners = Manners::Answer { after: ms(0) };

fn call(text: &str, steps: Vec<Step>) -> World {
    let mut world = World::new(desk(1, text));
    let bob = vec![Step::Register { expires: 600 }, Step::WaitIncoming { within: s(60) }, Step::SpeakOn(voice("bob", s(2)))];
    world.add(place("bob", 12, AT_ONCE, 2), bob);
    let steps: Vec<Step> = [Step::Register { expires: 600 }, Step::Wait(s(1)), dial("desk"), Step::WaitAnswered { within: s(10) }].into_iter().chain(steps).collect();
    world.add(place("alice", 11, AT_ONCE, 1), steps);
    world
}

fn ends_well(world: &mut World) {
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}\n{}", world.trace_tail().join("\n"), told(world));
}

fn timeline(world: &World) -> Vec<&str> {
    world.records().iter().flat_map(|record| &record.timeline).map(|line| line.what.as_str()).collect()
}

#[test]
fn a_recording_runs_over_prompts_and_a_bridge_until_the_caller_hangs_up() {
    let text = "flow: desk\nstart: tape\nstates:\n  tape: { record_call: { do: start, stereo: true, notify: { url: \"https://crm.example/hook\" } }, then: { done: bob, failed: end } }\n  bob: { bridge: { to: connection/bob }, then: end }\n";
    let mut world = call(text, vec![Step::Wait(s(6)), Step::HangUp]);
    world.run(s(20));
    let kept: Vec<_> = world.recordings().collect();
    let [(length, false, Some("https://crm.example/hook"))] = kept[..] else { panic!("{kept:?}; {:#?}", timeline(&world)) };
    assert!(length > ms(5_800) && length < ms(6_400), "from the answer to the end: {length:?}");
    ends_well(&mut world);
}

#[test]
fn pause_resume_and_stop_are_obeyed_and_a_second_start_is_an_error_of_the_flow() {
    let text = "flow: desk
start: on
states:
  on:
    - answer: {}
    - record_call: start
    - pause: 2s
    - record_call: pause
    - pause: 3s
    - record_call: resume
    - pause: 1s
    - record_call: { do: start }
      then: { failed: off, done: end }
  off: { record_call: stop, then: { done: told, failed: end } }
  told: { say: \"Recorded as ${result.id}.\", then: again }
  again: { record_call: stop, then: { failed: bye, done: end } }
  bye: { say: Goodbye., then: end }
";
    let mut world = call(text, vec![Step::WaitHangUp { within: s(30) }]);
    world.run(s(40));
    let kept: Vec<_> = world.recordings().map(|(length, ..)| length).collect();
    assert!(matches!(kept[..], [length] if length > ms(2_900) && length < ms(3_200)), "{kept:?}; {:#?}", timeline(&world));
    let lines = world.transcript().join("\n");
    assert!(lines.contains("hears “Recorded as ") && lines.contains("hears “Goodbye.”"), "{lines}\n{:#?}", timeline(&world));
    ends_well(&mut world);
}

#[test]
fn what_cannot_be_announced_is_not_recorded_and_a_crash_keeps_what_was_said() {
    let text = "flow: desk\nstart: tape\nstates:\n  tape: { record_call: { beep: true, prompt: { say: This call is recorded. } }, then: { done: wait, failed: bye } }\n  wait: { pause: 30s, then: end }\n  bye: { pause: 1s, then: end }\n";
    let mut world = call(text, vec![Step::Stay { at_most: s(15) }, Step::HangUp]);
    world.fall_ill(sim::Helper::Voice, sim::Ill::Refuses);
    world.run(s(20));
    // A beep without its words announces nothing, so it is not heard either.
    assert!(timeline(&world).iter().any(|line| line.contains("could not be announced whole")), "{:#?}", timeline(&world));
    assert_eq!(world.recordings().count(), 0);
    assert!(!world.transcript().iter().any(|line| line.contains("hears")), "{:#?}", world.transcript());
    let mut world = call(text, vec![Step::Stay { at_most: s(60) }]);
    world.at(s(12), |world| world.crash(s(1)));
    world.run(s(20));
    let kept: Vec<_> = world.recordings().collect();
    assert!(matches!(kept[..], [(length, true, None)] if length > s(4)), "{kept:?}");
    world.tell_instead("alice", Step::HangUp);
    ends_well(&mut world);
}

#[test]
fn a_script_records_as_well() {
    on_a_large_stack(|| {
        let text = "fn main(line) { line.answer(); let r = line.record_call(\"start\", #{ stereo: true }); line.pause(\"2s\"); if r.outcome == \"done\" { line.record_call(\"stop\"); } }";
        let mut world = call(text, vec![Step::WaitHangUp { within: s(20) }]);
        world.run(s(30));
        assert!(matches!(world.recordings().collect::<Vec<_>>()[..], [(length, false, None)] if length > ms(1_900) && length < ms(2_200)), "{:#?}", timeline(&world));
        ends_well(&mut world);
    });
}

/// Who meets others in a room is recorded with them: what the caller says is left, what it hears right.
#[test]
fn whom_a_caller_meets_in_a_conference_or_a_queue_is_in_its_recording() {
    let tape = "flow: desk\nstart: tape\nstates:\n  tape: { record_call: { stereo: true }, then: { done: meet, failed: end } }\n  meet: ";
    for meet in ["{ conference: { room: board, beep: false }, then: end }", "{ queue: { name: sales, agents: [connection/bob] }, then: end }"] {
        let mut world = World::new(desk(3, &format!("{tape}{meet}\n")));
        // In a conference bob comes by himself, and is recorded, too; from a queue he is rung.
        let joins = meet.contains("conference").then(|| [Step::Wait(s(1)), dial("desk"), Step::WaitAnswered { within: s(10) }]);
        let bob = [Step::Register { expires: 600 }].into_iter().chain(joins.into_iter().flatten());
        world.add(place("bob", 12, AT_ONCE, 2), bob.chain([Step::WaitAnswered { within: s(60) }, Step::SpeakOn(voice("bob", s(20)))]).collect());
        let alice = [Step::Register { expires: 600 }, Step::Wait(s(2)), dial("desk"), Step::WaitAnswered { within: s(10) }, Step::SpeakOn(voice("alice", s(20))), Step::Wait(s(6)), Step::HangUp];
        world.add(place("alice", 11, AT_ONCE, 1), alice.into());
        world.run(s(12));
        world.tell_instead("bob", Step::HangUp);
        ends_well(&mut world);
        let recorded: Vec<&[i16]> = world.recorded().collect();
        assert!(!recorded.is_empty(), "{meet}: {:#?}", timeline(&world));
        for sound in recorded {
            let side = |side: usize| -> Vec<i16> { sound.iter().skip(side).step_by(2).copied().skip(8_000 * 4).take(8_000).collect() };
            let [alices, bobs] = [2_450.0, 2_650.0].map(|hz| [0, 1].map(|at| amplitude_of(&side(at), hz) > 1_500.0));
            let is_alices = alices[0];
            let right = if is_alices { [[true, false], [false, true]] } else { [[false, true], [true, false]] };
            assert_eq!([alices, bobs], right, "{meet}: each voice is on one side; {:#?}", timeline(&world));
        }
    }
}
