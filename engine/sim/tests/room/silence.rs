//! Never silent: whatever is ill, a caller who can hear us hears something before long; and silence that is meant stays silence.

use crate::stage::{desk, dial, ms, on_a_large_stack, place, s, told};
use phone::{Manners, Step};
use sim::{Helper, Ill, World};
use std::time::Duration;

/// The limit, and what the network and the first packet may take.
const LIMIT: Duration = ms(5_150);

/// Alice calls the desk and stays; the longest silence she heard, and the world.
fn call(text: &str, ill: &[(Helper, Ill)], stay: Duration) -> (Duration, World) {
    let mut setup = desk(1, text);
    setup.ill.extend(ill.iter().copied());
    let mut world = World::new(setup);
    let steps = vec![dial("desk"), Step::WaitAnswered { within: s(5) }, Step::Stay { at_most: stay }, Step::HangUp];
    world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
    world.run(stay + s(10));
    let report = world.phone("alice").unwrap().snapshot();
    assert_eq!(report.failure, None, "{}", told(&world));
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}", told(&world));
    (report.longest_silence, world)
}

fn timeline(world: &World) -> Vec<&str> {
    world.records().iter().flat_map(|record| &record.timeline).map(|line| line.what.as_str()).collect()
}

/// That the caller never heard nothing for longer than the limit, and the timeline says that a filler played and why.
#[track_caller]
fn is_filled(text: &str, ill: &[(Helper, Ill)], why: &str) -> World {
    let (silence, world) = call(text, ill, s(60));
    assert!(silence <= LIMIT, "{silence:?} of silence; {:#?}\n{}", timeline(&world), told(&world));
    let told = timeline(&world).iter().any(|line| line.contains("nothing to hear for 5s") && line.contains(why));
    assert!(told, "{why:?} is not told: {:#?}", timeline(&world));
    world
}

const HTTP: &str = "flow: desk\nstart: in\nstates:\n  in: { answer: {}, then: ask }\n  ask: { http: { get: \"https://crm.example/\", timeout: 20s }, then: { ok: end, failed: bye } }\n  bye: { say: Goodbye., then: end }\n";
const SAY: &str = "flow: desk\nstart: in\nstates:\n  in: { answer: {}, then: hello }\n  hello: { say: Welcome to the desk., then: end }\n";
const MENU: &str = "flow: desk\nstart: in\nstates:\n  in: { menu: { prompt: [{ play: gone.wav }], wait: 3s, attempts: 2 }, then: { \"1\": end, failed: bye } }\n  bye: { say: Goodbye., then: end }\n";
const MESSAGE: &str = "flow: desk\nstart: in\nstates:\n  in: { answer: {}, then: message }\n  message: { voicemail: { mailbox: alice }, then: end }\n";

#[test]
fn a_web_server_that_hangs_is_not_heard_as_silence() {
    let world = is_filled(HTTP, &[(Helper::Web, Ill::Hangs)], "while http is waiting");
    assert!(world.transcript().iter().any(|line| line.contains("hears “Goodbye.”")), "{}", told(&world));
}

#[test]
fn a_voice_that_hangs_is_not_heard_as_silence_and_one_that_refuses_is_passed_over() {
    is_filled(SAY, &[(Helper::Voice, Ill::Hangs)], "while say is waiting");
    let (silence, _) = call(SAY, &[(Helper::Voice, Ill::Refuses)], s(20));
    assert!(silence <= LIMIT, "{silence:?}");
}

#[test]
fn a_missing_prompt_is_apologised_for() {
    let (silence, world) = call(MENU, &[(Helper::Files, Ill::Refuses)], s(40));
    assert!(silence <= LIMIT, "{silence:?}; {}", told(&world));
    let apologies = world.transcript().iter().filter(|line| line.contains("hears “I am sorry. This message cannot be played")).count();
    assert_eq!(apologies, 2, "at each attempt; {}", told(&world));
}

/// German, without a voice for it: refused at once, or only when the wait for it is over.
#[test]
fn what_no_voice_says_in_the_callers_language_is_said_in_english() {
    let german = "flow: desk\nspeech: { language: de }\nstart: in\nstates:\n  in: { conference: { room: club, pin: \"12\" }, then: { else: end } }\n";
    for (ill, notes) in [
        (None, [""; 2]),
        (Some(Ill::Refuses), ["", "a text is said in English"]),
        (Some(Ill::Hangs), ["nothing to hear for 5s while conference is waiting: a filler plays", "a prompt took too long"]),
    ] {
        let ill: Vec<_> = ill.map(|ill| (Helper::Tongues, ill)).into_iter().collect();
        let (_, world) = call(german, &ill, s(30));
        let expected = if ill.is_empty() { "hears “Bitte geben Sie Ihre Geheimzahl ein" } else { "hears “Please enter your pin" };
        assert!(world.transcript().iter().any(|line| line.contains(expected)), "{ill:?}: {}", told(&world));
        for note in notes {
            assert!(timeline(&world).iter().any(|line| line.contains(note)), "{ill:?}: {note:?} in {:#?}", timeline(&world));
        }
    }
}

#[test]
fn with_nothing_left_that_speaks_the_filler_plays() {
    let dead = [(Helper::Files, Ill::Refuses), (Helper::Voice, Ill::Refuses), (Helper::Web, Ill::Hangs)];
    is_filled(&HTTP.replace("https://crm.example/", "https://crm.example/x"), &dead, "http");
    let slow = MENU.replace("wait: 3s", "wait: 20s");
    is_filled(&slow, &dead, "while menu is waiting");
}

#[test]
fn a_disk_that_hangs_is_not_heard_as_silence() {
    is_filled(MESSAGE, &[(Helper::Disk, Ill::Hangs)], "");
}

#[test]
fn a_script_that_hangs_is_filled_and_rescued() {
    on_a_large_stack(|| {
        let mut world = World::new(desk(1, "fn main(line) { line.answer(); line.say(\"Welcome to the script.\"); line.say(\"Never heard.\"); }"));
        let steps = vec![dial("desk"), Step::WaitAnswered { within: s(5) }, Step::Stay { at_most: s(60) }];
        world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), steps);
        world.at(ms(600), |world| world.fall_ill(Helper::Scripts, Ill::Hangs));
        world.run(s(60));
        let report = world.phone("alice").unwrap().snapshot();
        assert!(report.longest_silence <= LIMIT, "{:?}; {}", report.longest_silence, told(&world));
        let lines = world.transcript().join("\n");
        assert!(lines.contains("hears “Welcome to the script.”") && lines.contains("hears “We are sorry, something went wrong.”"), "{lines}");
        assert!(timeline(&world).iter().any(|line| line.contains("while a script is waiting")), "{:#?}", timeline(&world));
        world.settle();
        assert_eq!(world.verdict(), [""; 0]);
    });
}

#[test]
fn silence_that_is_meant_stays() {
    for text in [
        "flow: desk\nstart: in\nstates:\n  in: { answer: {}, then: wait }\n  wait: { pause: 12s, then: end }\n",
        "flow: desk\nstart: in\nstates:\n  in: { play: { prompt: [{ tone: beep }, { silence: 12s }] }, then: end }\n",
        "flow: desk\nstart: in\nstates:\n  in: { menu: { prompt: [{ tone: beep }], wait: 12s, attempts: 1 }, then: { \"1\": end, failed: end } }\n",
        "flow: desk\nstart: in\nstates:\n  in: { record: { stop: { key: none, silence: 12s, length: 1m } }, then: end }\n",
    ] {
        let (silence, world) = call(&text.replace("in: { play", "in: { answer: {}, then: on }\n  on: { play"), &[], s(30));
        assert!(silence > s(11), "{silence:?}: {:#?}", timeline(&world));
        assert!(!timeline(&world).iter().any(|line| line.contains("filler")), "{:#?}", timeline(&world));
    }
}

#[test]
fn a_limit_of_zero_watches_nothing() {
    let mut setup = desk(1, HTTP);
    setup.limits.silence = Duration::ZERO;
    setup.ill.insert(Helper::Web, Ill::Hangs);
    let mut world = World::new(setup);
    world.add(place("alice", 11, Manners::Answer { after: ms(0) }, 1), vec![dial("desk"), Step::Stay { at_most: s(30) }]);
    world.run(s(40));
    assert!(world.phone("alice").unwrap().snapshot().longest_silence > s(15), "{}", told(&world));
}
