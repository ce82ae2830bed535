//! Calls that meet: conferences, parking places, queues; across two shards, and by many seeds with accidents in between.

use crate::{
    keys::tones,
    seeds::{ACTIVE, accidents, heal, manners, weather},
    stage::{PEOPLE, amplitude_of, desk, dial, ms, on_a_large_stack, place, s, setup, told, voice},
};
use phone::{Manners, Step};
use sim::{Dice, World};
use std::time::Duration;

const AT_ONCE: Manners = Manners::Answer { after: ms(0) };
/// Seeds tried when nobody asks for more.
const SEEDS: u64 = 80;

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

/// A phone that registers and dials after a while.
fn calls(world: &mut World, who: &str, number: u8, after: Duration, target: &str, then: impl IntoIterator<Item = Step>) {
    let mut steps = vec![Step::Register { expires: 600 }, Step::Wait(after), dial(target), Step::WaitAnswered { within: s(5) }];
    steps.extend(then);
    world.add(place(who, number, AT_ONCE, u64::from(number)), steps);
}

fn went_between_shards(world: &World) -> usize {
    world.trace_tail().iter().filter(|line| line.contains("goes from shard")).count()
}

/// How strongly a tone is in what a phone heard in a span of its call: the amplitude of that sine, in sample units.
fn amplitude(world: &World, who: &str, hz: f32, span: std::ops::Range<Duration>) -> f32 {
    let heard = world.phone(who).unwrap().snapshot().heard;
    let at = |time: Duration| usize::try_from(time.as_millis() * 8).unwrap().min(heard.len());
    let samples = &heard[at(span.start)..at(span.end)];
    assert!(!samples.is_empty(), "{who} heard nothing in {span:?}");
    amplitude_of(samples, hz)
}

#[test]
fn three_in_a_conference_hear_the_others_and_not_themselves() {
    let mut world = World::new(setup(20));
    let people = &PEOPLE[..3];
    for (number, (who, _)) in (11..).zip(people) {
        calls(&mut world, who, number, s(1), "board", [Step::SpeakOn(voice(who, s(6))), Step::Wait(s(7)), Step::Press("*".to_owned()), Step::WaitHangUp { within: s(3) }]);
    }
    world.run(s(6));
    assert!(went_between_shards(&world) >= 1, "two shards, one room; {}", world.trace_tail().join("\n"));
    for (who, own) in people {
        for (_, hz) in people {
            let loud = amplitude(&world, who, *hz, s(2)..s(4));
            assert!(if hz == own { loud < 60.0 } else { loud > 2_000.0 }, "{who} hears {hz} Hz with {loud}; {}", told(&world));
        }
    }
    world.run(s(20));
    in_order(&world, &["presses *", "the far end hung up"]);
    ends_well(&mut world);
}

#[test]
fn who_mutes_himself_is_heard_no_more() {
    let mut world = World::new(setup(21));
    calls(&mut world, "alice", 11, s(1), "board", [Step::SpeakOn(voice("alice", s(14))), Step::Wait(s(3)), Step::Press("6".to_owned()), Step::Wait(s(12)), Step::HangUp]);
    calls(&mut world, "bob", 12, s(1), "board", [Step::Wait(s(15)), Step::HangUp]);
    world.run(s(12));
    let (before, after) = (amplitude(&world, "bob", 2_450.0, s(1)..s(2)), amplitude(&world, "bob", 2_450.0, s(6)..s(8)));
    assert!(before > 2_000.0 && after < 60.0, "{before} {after}; {}", told(&world));
    in_order(&world, &["alice: presses 6", "alice: hears “You are muted.”"]);
    world.run(s(20));
    ends_well(&mut world);
}

#[test]
fn whoever_is_alone_in_a_conference_hears_music_until_somebody_comes() {
    let mut world = World::new(setup(28));
    calls(&mut world, "alice", 11, s(1), "board", [Step::SpeakOn(voice("alice", s(35))), Step::Wait(s(8)), Step::Press("6".to_owned()), Step::Wait(s(27)), Step::HangUp]);
    calls(&mut world, "bob", 12, s(20), "board", [Step::SpeakOn(voice("bob", s(6))), Step::Wait(s(6)), Step::HangUp]);
    world.run(s(60));
    // Alone from the second 1 on, muted for a moment in between, with bob from 20 to 26, alone again.
    in_order(
        &world,
        &["alice: hears “system/hold.wav”", "alice: presses 6", "alice: hears “You are muted.”", "alice: hears “system/hold.wav”", "alice: hears a tone of 26", "bob: hung up", "alice: hears “system/hold.wav”", "alice: hung up"],
    );
    ends_well(&mut world);
}

/// Bob's telephone plays music to whoever it puts on hold: he keeps speaking while he holds, which is the same to us.
#[test]
fn the_music_of_who_holds_a_conference_is_not_heard_in_it() {
    let mut world = World::new(setup(26));
    calls(&mut world, "alice", 11, s(1), "board", [Step::Wait(s(18)), Step::HangUp]);
    calls(&mut world, "carol", 13, s(1), "board", [Step::Wait(s(18)), Step::HangUp]);
    let holds = [Step::SpeakOn(voice("bob", s(16))), Step::Wait(s(3)), Step::Hold, Step::Wait(s(5)), Step::Resume, Step::Wait(s(6)), Step::HangUp];
    calls(&mut world, "bob", 12, s(1), "board", holds);
    world.run(s(18));
    let hears = |span| amplitude(&world, "alice", 2_650.0, span);
    let (before, held, after) = (hears(s(1)..s(2)), hears(s(5)..s(7)), hears(s(11)..s(12)));
    assert!(before > 2_000.0 && held < 60.0 && after > 2_000.0, "{before} {held} {after}; {}", told(&world));
    world.run(s(20));
    ends_well(&mut world);
}

/// Everybody comes to one door and says by keys who he is: a coach is heard by the host alone, a listener by nobody, the fifth finds no place.
#[test]
fn a_coach_whispers_to_the_host_a_listener_is_not_heard_and_a_full_room_says_so() {
    let room = |more: &str| format!("{{ conference: {{ room: board, beep: false, max: 4, {more} }}, then: {{ full: full, else: end }} }}");
    let flow = format!(
        "flow: desk\nstart: who\nstates:\n  who: {{ collect: {{ min: 1, max: 1 }}, then: {{ ok: [{{ if: result.digits == \"1\", then: host }}, {{ if: result.digits == \"2\", then: coach }}, {{ if: result.digits == \"3\", then: listener }}, guest], failed: end }} }}\n  host: {}\n  coach: {}\n  listener: {}\n  guest: {}\n  full: {{ say: The room is full., then: end }}\n",
        room("host: true"), room("role: coach"), room("role: listener"), room("muted: false"),
    );
    let mut world = World::new(desk(27, &flow));
    for (number, (who, _)) in (11..).zip(PEOPLE) {
        let key = if who == "dave" { "9".to_owned() } else { (number - 10).to_string() };
        let says = [Step::Wait(ms(500)), Step::Press(key), Step::Wait(s(1)), Step::SpeakOn(voice(who, s(12))), Step::Wait(s(12)), Step::HangUp];
        calls(&mut world, who, number, s(1), "desk", says);
    }
    calls(&mut world, "erin", 15, s(6), "desk", [Step::Press("9".to_owned()), Step::WaitHangUp { within: s(9) }]);
    world.run(s(9));
    // Host, coach, listener, guest; each row is who hears, each column who is heard.
    let hears = PEOPLE.map(|(who, _)| PEOPLE.map(|(_, hz)| amplitude(&world, who, hz, s(4)..s(6)) > 1_500.0));
    let right = [[false, true, false, true], [true, false, false, true], [true, false, false, true], [true, false, false, false]];
    assert_eq!(hears, right, "{}", told(&world));
    world.run(s(20));
    in_order(&world, &["erin: hears “The room is full.”", "erin: the far end hung up"]);
    ends_well(&mut world);
}

/// Decibels between what a phone hears of a tone in two spans of its call.
fn louder_by(world: &World, who: &str, hz: f32, before: std::ops::Range<Duration>, after: std::ops::Range<Duration>) -> f32 {
    20.0 * (amplitude(world, who, hz, after).max(1.0) / amplitude(world, who, hz, before)).log10()
}

#[test]
fn how_loud_one_hears_another_is_what_the_flow_the_keys_and_the_api_say() {
    let flow = "flow: desk\nstart: in\nstates:\n  in: { conference: { room: board, beep: false, talk_gain: -3, mute_key: \"6\", hear_louder_key: \"1\", hear_softer_key: \"2\", talk_louder_key: \"3\", talk_softer_key: \"4\" }, then: end }\n";
    let mut world = World::new(desk(31, flow));
    let people = &PEOPLE[..3];
    for (number, (who, _)) in (11..).zip(people) {
        // Alice turns the room down by 6 dB, bob himself up by 3, each at a time of their own.
        let keys = match *who {
            "alice" => vec![Step::Wait(s(4)), Step::Press("22".to_owned()), Step::Wait(s(12))],
            "bob" => vec![Step::Wait(s(6)), Step::Press("3".to_owned()), Step::Wait(s(10))],
            _ => vec![Step::Wait(s(16))],
        };
        let says = [Step::SpeakOn(voice(who, s(16)))].into_iter().chain(keys).chain([Step::HangUp]);
        calls(&mut world, who, number, s(1), "desk", says);
    }
    world.run(s(9));
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|who| world.call_from(who).unwrap());
    let gain = |db| terms::Gain::new(db).unwrap();
    world.tune(alice, call::Tuning { pairs: vec![(carol, gain(-60))], ..call::Tuning::default() });
    world.tune(carol, call::Tuning { hear: Some(gain(5)), talk: Some(gain(-9)), ..call::Tuning::default() });
    world.run(s(2));
    let shown = world.conferences();
    let person = |call| shown[0].people.iter().find(|person| person.call == call).unwrap();
    let volume = |call| (person(call).volume.muted, person(call).volume.talk.db(), person(call).volume.hear.db());
    assert_eq!([alice, bob, carol].map(volume), [(false, -3, -6), (false, 0, 0), (false, -9, 5)], "{}", told(&world));
    assert_eq!((&person(alice).pairs[..], person(carol).pairs.len()), (&[(carol, gain(-60))][..], 0));
    world.tune(bob, call::Tuning { muted: Some(true), ..call::Tuning::default() });
    world.run(s(3));
    let hz = |who: &str| PEOPLE.iter().find(|(known, _)| *known == who).unwrap().1;
    let (first, keyed, tuned, muted) = (s(2)..ms(3_500), ms(6_700)..ms(7_700), ms(8_500)..ms(9_500), ms(12_500)..ms(13_500));
    let table = [
        ("alice", "bob", &keyed, -6.0 + 3.0),
        ("alice", "carol", &keyed, -6.0),
        ("carol", "bob", &keyed, 3.0),
        ("bob", "carol", &keyed, 0.0),
        ("alice", "carol", &tuned, -60.0),
        ("alice", "bob", &tuned, -3.0),
        ("carol", "alice", &tuned, 5.0),
        ("carol", "bob", &tuned, 8.0),
        ("bob", "carol", &tuned, -6.0),
        ("alice", "bob", &muted, -60.0),
    ];
    for (listener, speaker, span, right) in table {
        let is = louder_by(&world, listener, hz(speaker), first.clone(), span.clone());
        let good = if right < -50.0 { is < -30.0 } else { (is - right).abs() < 0.5 };
        assert!(good, "{listener} hears {speaker} in {span:?} with {is} dB, not {right}; {}", told(&world));
    }
    in_order(&world, &["alice: presses 22", "bob: presses 3", "bob: hears “You are muted.”"]);
    world.run(s(20));
    ends_well(&mut world);
}

#[test]
fn who_comes_and_goes_is_announced_by_a_name_of_its_own_voice() {
    let mut world = World::new(setup(23));
    let key = || Step::Press("#".to_owned());
    // Bob says no name, and is announced by the beep.
    calls(&mut world, "bob", 12, s(1), "club", [Step::Wait(s(34)), Step::HangUp]);
    // Prompt and beep take 2.8 s.
    let says = [Step::Wait(s(3)), Step::Speak(voice("alice", s(1))), key(), Step::Wait(s(5)), Step::HangUp];
    calls(&mut world, "alice", 11, s(10), "club", says);
    world.run(s(60));
    in_order(&world, &["alice: hears “After the tone, please say your name", "alice: presses #", "bob: hears a tone of 24", "alice: hung up", "bob: hears a tone of 24"]);
    ends_well(&mut world);
}

#[test]
fn a_conference_begins_and_ends_with_its_host() {
    let mut world = World::new(setup(22));
    let pin = |pin: &str| [Step::Wait(s(1)), Step::Press(format!("{pin}#"))];
    calls(&mut world, "bob", 12, s(1), "chair", pin("7").into_iter().chain(pin("12")).chain([Step::WaitHangUp { within: s(40) }]));
    calls(&mut world, "alice", 11, s(8), "chair", pin("99").into_iter().chain([Step::SpeakOn(voice("alice", s(3))), Step::Wait(s(6)), Step::HangUp]));
    world.run(s(40));
    in_order(
        &world,
        &[
            "bob: hears “Please enter your pin",
            "bob: presses 7#",
            "bob: hears “That pin is not right.”",
            "bob: presses 12#",
            "bob: hears “system/hold.wav”",
            "alice: presses 99#",
            "bob: hears a tone of 24",
            "alice: hung up",
            "bob: hears “The conference is over.”",
            "bob: the far end hung up",
        ],
    );
    ends_well(&mut world);
}

#[test]
fn a_parked_call_is_fetched_or_goes_on() {
    let mut world = World::new(setup(23));
    calls(&mut world, "alice", 11, s(1), "park", [Step::Wait(s(6)), Step::SpeakOn(voice("alice", s(4))), Step::WaitHangUp { within: s(20) }]);
    calls(&mut world, "carol", 13, s(2), "park", [Step::WaitHangUp { within: s(40) }]);
    calls(&mut world, "dave", 14, s(3), "park", [Step::WaitHangUp { within: s(10) }]);
    calls(&mut world, "bob", 12, s(5), "fetch", [Step::SpeakOn(voice("bob", s(4))), Step::Wait(s(5)), Step::HangUp]);
    world.run(s(40));
    in_order(&world, &["alice: hears “Your call is parked at 7 0 1.”", "alice: hears “system/hold.wav”", "alice: hears a tone of 26", "bob: hung up", "alice: hears “You were served.”"]);
    in_order(&world, &["bob: hears a tone of 24"]);
    in_order(&world, &["dave: hears “Nobody came for you.”", "carol: hears “Nobody came for you.”"]);
    ends_well(&mut world);
}

#[test]
fn a_queue_rings_its_agents_one_after_the_other() {
    let mut world = World::new(setup(24));
    // Alice does not answer; bob does, after a while.
    world.add(place("alice", 11, Manners::Ring, 1), vec![Step::Register { expires: 600 }]);
    let bob = vec![Step::Register { expires: 600 }, Step::WaitAnswered { within: s(40) }, Step::SpeakOn(voice("bob", s(3))), Step::Wait(s(4)), Step::HangUp];
    world.add(place("bob", 12, Manners::Answer { after: s(2) }, 2), bob);
    calls(&mut world, "carol", 13, s(1), "sales", [Step::WaitHangUp { within: s(60) }]);
    world.run(s(60));
    in_order(
        &world,
        &[
            "alice: incoming call",
            "carol: hears “You are the next caller.”",
            "carol: hears “system/hold.wav”",
            "alice: the caller gave up",
            "bob: incoming call",
            "carol: hears a tone of 26",
            "bob: hung up",
            "carol: hears “You were served.”",
        ],
    );
    ends_well(&mut world);
}

#[test]
fn an_agent_dials_in_and_takes_the_next_caller() {
    let mut world = World::new(setup(25));
    // The agent waits first, then a caller comes; both are in shards of their own.
    calls(&mut world, "erin", 15, s(1), "agent", [Step::Wait(s(5)), Step::SpeakOn(voice("alice", s(3))), Step::Wait(s(4)), Step::HangUp]);
    calls(&mut world, "carol", 13, s(4), "sales", [Step::SpeakOn(voice("carol", s(8))), Step::WaitHangUp { within: s(30) }]);
    world.run(s(30));
    in_order(&world, &["erin: hears “system/hold.wav”", "erin: hears a tone of 28"]);
    in_order(&world, &["carol: hears a tone of 24", "erin: hung up", "carol: hears “You were served.”"]);
    assert_eq!(went_between_shards(&world), 1, "{}", world.trace_tail().join("\n"));
    // Brought to the other shard while music plays: not a frame is missing, so the agent heard sound in every 60 ms.
    let heard = world.phone("erin").unwrap().snapshot().heard;
    let quiet = heard[8_000..24_000].chunks(480).filter(|chunk| chunk.iter().all(|sample| sample.abs() < 100)).count();
    assert!(quiet <= 4, "{quiet} silent pieces of 60 ms; the music itself pauses for 100 ms each time it begins anew");
    ends_well(&mut world);
}

/// Bob is spoken to, and then brought to the shard where alice is: whatever the queues between the threads take, neither has a gap.
#[test]
fn who_is_brought_to_the_shard_of_a_conference_misses_nothing_and_is_not_missed() {
    let flow = "flow: desk\nstart: hello\nstates:\n  hello: { say: Welcome to the board of the company., then: in }\n  in: { conference: { room: board, beep: false }, then: end }\n";
    let mut brought = 0;
    for seed in 0..12 {
        let mut world = World::new(desk(300 + seed, flow));
        // Not in step with each other.
        for (who, number, after) in [("alice", 11, s(1)), ("bob", 12, s(9) + ms(1 + 3 * seed))] {
            calls(&mut world, who, number, after, "desk", [Step::SpeakOn(voice(who, s(20))), Step::Wait(s(22)), Step::HangUp]);
        }
        world.run(s(20));
        brought += went_between_shards(&world);
        let all = Duration::ZERO..s(60);
        for who in ["alice", "bob"] {
            let figures = world.phone(who).unwrap().snapshot().stream.figures(all.clone());
            let is_whole = (figures.lost, figures.twice, figures.sources, figures.backwards) == (0, 0, 1, 0);
            assert!(is_whole && figures.longest_gap <= ms(40) && figures.longest_step <= ms(40), "seed {seed}: {who}: {figures:?}; {}", told(&world));
        }
        // What each hears of the other, from the first frame in which it is.
        for (listener, hz) in [("alice", 2_650.0), ("bob", 2_450.0)] {
            let heard = world.phone(listener).unwrap().snapshot().heard;
            let is_there: Vec<bool> = heard.chunks_exact(160).map(|frame| amplitude_of(frame, hz) > 1_500.0).collect();
            let from = is_there.iter().position(|is_there| *is_there).unwrap_or_else(|| panic!("seed {seed}: {listener} hears nobody; {}", told(&world)));
            let missing = is_there[from + 1..is_there.len() - 1].iter().filter(|is_there| !**is_there).count();
            assert_eq!(missing, 0, "seed {seed}: {listener} misses frames of the other after {from}; {}", told(&world));
        }
        ends_well(&mut world);
    }
    assert_eq!(brought, 12, "two shards, one room");
}

// --- seeds ----------------------------------------------------------------------------------------------------------

/// What somebody does in one call.
fn whim(who: &str, dice: &mut Dice) -> Vec<Step> {
    let target = *dice.pick(&["board", "board", "chair", "park", "park", "fetch", "fetch", "sales", "sales", "sales", "agent", "agent", "bob"]);
    let pause = |dice: &mut Dice, most: Duration| Step::Wait(dice.between(ms(0), most));
    let mut steps = vec![pause(dice, s(6)), dial(target), Step::WaitAnswered { within: s(8) }];
    if target == "chair" {
        steps.extend([pause(dice, s(3)), Step::Press(format!("{}#", dice.pick(&["12", "99", "5"])))]);
    }
    match dice.below(5) {
        0 => steps.push(pause(dice, ms(300))),
        1 => steps.extend([Step::SpeakOn(voice(who, dice.between(ms(100), s(5)))), Step::Stay { at_most: dice.between(s(1), s(12)) }]),
        2 => {
            let key = *dice.pick(&['*', '0', '6', '1']);
            let press = match dice.below(3) {
                0 => Step::Press(key.to_string()),
                1 => Step::PressByInfo(key),
                _ => Step::Speak(tones(&key.to_string())),
            };
            steps.extend([pause(dice, s(8)), press, Step::Stay { at_most: s(4) }]);
        }
        3 => steps.extend([pause(dice, s(4)), Step::Hold, pause(dice, s(2)), Step::Resume, pause(dice, s(4))]),
        _ => steps.push(Step::Stay { at_most: dice.between(s(2), s(25)) }),
    }
    steps.push(Step::HangUp);
    steps
}

fn play(seed: u64) -> World {
    let mut dice = Dice::new(seed ^ 0x0bad_cafe);
    let mut setup = setup(seed);
    setup.weather = weather(&mut dice);
    setup.shards = usize::try_from(1 + dice.below(3)).unwrap();
    setup.errand_faults = if dice.permille(150) { 100 } else { 0 };
    let mut world = World::new(setup);
    for (number, (who, _)) in (11..).zip(PEOPLE) {
        let mut steps = vec![Step::Register { expires: 600 }];
        for _ in 0..=dice.below(3) {
            steps.extend(whim(who, &mut dice));
        }
        let mut place = place(who, number, manners(&mut dice), dice.word());
        place.phone.events = dice.permille(600);
        world.add(place, steps);
    }
    for (number, who) in (21..).zip(["frank", "grace", "heidi"]) {
        let steps = (0..=dice.below(3)).flat_map(|_| whim(who, &mut dice)).collect();
        world.add(place(who, number, Manners::Deaf, dice.word()), steps);
    }
    accidents(&mut world, &mut dice);
    world.run(ACTIVE);
    world
}

fn failure(seed: u64) -> Option<String> {
    let mut world = play(seed);
    heal(&mut world);
    let took = world.settle();
    let alone = std::env::var("CALLFLOW_SIM_MEETING").is_ok();
    let tail = world.trace_tail();
    let tail = if alone { &tail[..] } else { &tail[tail.len().saturating_sub(25)..] };
    let again = format!("CALLFLOW_SIM_MEETING={seed} cargo test -p sim meetings::");
    (alone || !world.verdict().is_empty()).then(|| format!("seed {seed} after {took:?} (again: {again})\n{}\n{}", told(&world), tail.join("\n")))
}

#[test]
fn r3_every_meeting_ends_as_promised() {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse::<u64>().ok());
    let failures = on_a_large_stack(move || match number("CALLFLOW_SIM_MEETING") {
        Some(seed) => failure(seed).into_iter().collect(),
        None => (0..number("CALLFLOW_SIM_SEEDS").unwrap_or(SEEDS)).filter_map(failure).collect::<Vec<_>>(),
    });
    let shown = failures.iter().take(4).map(String::as_str).collect::<Vec<_>>();
    assert!(failures.is_empty(), "{} seeds fail\n{}", failures.len(), shown.join("\n\n"));
}

#[test]
fn the_meetings_of_the_seeds_take_place() {
    on_a_large_stack(|| {
        let worlds: Vec<World> = (0..16).map(play).collect();
        let lines: Vec<&str> = worlds.iter().flat_map(World::records).flat_map(|record| &record.timeline).map(|line| line.what.as_str()).collect();
        let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        for (what, least) in [("in conference", 8), ("parked in place", 4), ("waits in queue", 6), ("talks with", 6), ("joined with", 4)] {
            assert!(count(what) >= least, "{what}: {} times", count(what));
        }
    });
}
