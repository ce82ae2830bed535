//! Keys by every way, wherever a call waits for one: the door and the room of a conference, a queue, a parking place, a mailbox,
//! a message; and between two calls that talk.

use crate::{
    keys::{by_info, tones},
    mailbox,
    stage::{desk, dial, ms, on_a_large_stack, place, s, setup, told, voice, with_connection},
};
use audio::{KeyDetector, Tone};
use phone::{Manners, Setup as PhoneSetup, Step};
use sim::{Place, World};
use terms::Dtmf;

/// How somebody's telephone tells keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Telephone events.
    Event,
    /// `application/dtmf-relay`, and nothing else.
    Info,
    /// `application/dtmf`, and nothing else.
    PlainInfo,
    /// In the sound, and nowhere else.
    Tone,
}

impl By {
    const ALL: [Self; 4] = [Self::Event, Self::Info, Self::PlainInfo, Self::Tone];

    /// One key after the other.
    fn keys(self, keys: &str) -> Vec<Step> {
        let slowly = |press: fn(char) -> Step| keys.chars().flat_map(|key| [press(key), Step::Wait(ms(200))]).collect();
        match self {
            Self::Event => vec![Step::Press(keys.to_owned())],
            Self::Info => slowly(Step::PressByInfo),
            Self::PlainInfo => slowly(Step::PressByPlainInfo),
            Self::Tone => vec![Step::Speak(tones(keys))],
        }
    }

    /// A telephone that knows this way.
    fn place(self, who: &str, number: u8) -> Place {
        let place = place(who, number, Manners::Answer { after: ms(0) }, u64::from(number));
        Place { phone: PhoneSetup { events: self == Self::Event, ..place.phone }, ..place }
    }

    /// How the timeline calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::Event => "telephone event",
            Self::Info | Self::PlainInfo => "INFO",
            Self::Tone => "tone",
        }
    }

    /// Each key was taken once: by this way, or known by it.
    #[track_caller]
    fn told_once(self, world: &World, who: &str, keys: usize) {
        let record = world.records().iter().find(|record| record.from.contains(who));
        let lines: Vec<&str> = record.iter().flat_map(|record| &record.timeline).map(|line| line.what.as_str()).filter(|line| line.contains(": a key by ")).collect();
        let way = format!(": a key by {}", self.word());
        assert_eq!((lines.len(), lines.iter().all(|line| line.ends_with(&way))), (keys, true), "{self:?}: {lines:#?}\n{}", told(world));
    }
}

/// Somebody registers and calls the desk.
fn calls(world: &mut World, place: Place, after: u64, target: &str, steps: Vec<Step>) {
    let begin = [Step::Register { expires: 600 }, Step::Wait(s(after)), dial(target), Step::WaitAnswered { within: s(10) }];
    world.add(place, begin.into_iter().chain(steps).collect());
}

#[track_caller]
fn in_order(world: &World, wanted: &[&str]) {
    let mut lines = world.transcript().iter();
    for want in wanted {
        assert!(lines.any(|line| line.contains(want)), "{want:?} is missing or too early in\n{}", told(world));
    }
}

#[track_caller]
fn ends_well(world: &mut World) {
    world.settle();
    assert_eq!(world.verdict(), [""; 0], "{}\n{}", world.trace_tail().join("\n"), told(world));
}

/// The keys that a detector finds in what somebody heard.
fn keys_heard(world: &World, who: &str) -> String {
    let (mut detector, mut keys) = (KeyDetector::new(), String::new());
    detector.hear(&world.phone(who).unwrap().snapshot().heard, |tone| {
        if let Tone::Pressed(digit) = tone {
            keys.push(digit.as_char());
        }
    });
    keys
}

/// How many milliseconds of what somebody heard were the tones of a key: 10 ms at a time.
fn key_ms(world: &World, who: &str, rows: &[f32]) -> usize {
    let heard = world.phone(who).unwrap().snapshot().heard;
    let is_key = |part: &&[i16]| phone::level_dbfs(part) > -45.0 && rows.iter().any(|row| phone::tone_share(part, *row) > 0.2);
    10 * heard.chunks_exact(80).filter(is_key).count()
}

#[test]
fn a_conference_takes_keys_by_every_way_and_nobody_else_hears_them() {
    let text = "flow: desk\nstart: in\nstates:\n  in: { conference: { room: board, pin: \"12\", mute_key: \"6\", beep: false }, then: { left: bye, else: end } }\n  bye: { say: You left., then: end }\n";
    for by in By::ALL {
        let mut world = World::new(desk(31, text));
        let bob = [vec![Step::Wait(s(1))], By::Event.keys("12#"), vec![Step::Wait(s(25)), Step::HangUp]].concat();
        calls(&mut world, By::Event.place("bob", 12), 1, "desk", bob);
        let pauses = |keys: &str| [by.keys(keys), vec![Step::Wait(s(2))]].concat();
        let alice = [vec![Step::Wait(s(1))], pauses("12#"), pauses("5"), pauses("6"), pauses("6"), pauses("*"), vec![Step::WaitHangUp { within: s(5) }]].concat();
        calls(&mut world, by.place("alice", 11), 3, "desk", alice);
        world.run(s(60));
        in_order(&world, &["alice: hears “Please enter your pin", "alice: hears “You are muted.”", "alice: hears “You can be heard again.”", "alice: hears “You left.”", "alice: the far end hung up"]);
        by.told_once(&world, "alice", 7);
        // A key is for the conference. What of a tone sounds before it is known is less than any receiver takes for a key.
        assert_eq!((keys_heard(&world, "bob").as_str(), world.phone("bob").unwrap().snapshot().digits.as_str()), ("", ""), "{by:?}");
        let leaked = key_ms(&world, "bob", &[770.0, 941.0]);
        assert!(leaked <= 4 * 20, "{by:?}: four keys, {leaked} ms of their tones were heard");
        ends_well(&mut world);
    }
}

#[test]
fn who_waits_for_a_host_leaves_by_every_way() {
    let text = "flow: desk\nstart: in\nstates:\n  in: { conference: { room: board, start_with_host: true }, then: { left: bye, else: end } }\n  bye: { say: You left., then: end }\n";
    for by in By::ALL {
        let mut world = World::new(desk(32, text));
        calls(&mut world, by.place("alice", 11), 1, "desk", [vec![Step::Wait(s(3))], by.keys("*"), vec![Step::WaitHangUp { within: s(5) }]].concat());
        world.run(s(20));
        in_order(&world, &["alice: hears “system/hold.wav”", "alice: hears “You left.”", "alice: the far end hung up"]);
        by.told_once(&world, "alice", 1);
        ends_well(&mut world);
    }
}

#[test]
fn who_waits_in_a_queue_or_a_parking_place_leaves_by_every_way() {
    let queue = "queue: { name: sales, agents: [connection/bob], leave_key: \"9\", timeout: 60s }";
    let park = "park: { slot: 701-702, timeout: 60s, leave_key: \"9\" }";
    for action in [queue, park] {
        let text = format!("flow: desk\nstart: in\nstates:\n  in: {{ {action}, then: {{ left: bye, else: end }} }}\n  bye: {{ say: You left., then: end }}\n");
        for by in By::ALL {
            let mut world = World::new(desk(33, &text));
            // Another key changes nothing.
            calls(&mut world, by.place("alice", 11), 1, "desk", [vec![Step::Wait(s(3))], by.keys("8"), vec![Step::Wait(s(2))], by.keys("9"), vec![Step::WaitHangUp { within: s(5) }]].concat());
            world.run(s(20));
            in_order(&world, &["alice: hears “system/hold.wav”", "alice: hears “You left.”", "alice: the far end hung up"]);
            by.told_once(&world, "alice", 2);
            ends_well(&mut world);
        }
    }
}

#[test]
fn a_mailbox_is_opened_and_listened_to_by_every_way() {
    on_a_large_stack(|| {
        for by in By::ALL {
            let mut world = mailbox::world("4711", true);
            let pauses = |keys: &str, seconds| [by.keys(keys), vec![Step::Wait(s(seconds))]].concat();
            let alice = [vec![Step::Wait(s(1))], pauses("4711#", 20), pauses("2", 6), pauses("3", 6), by.keys("*"), vec![Step::WaitHangUp { within: s(10) }]].concat();
            calls(&mut world, by.place("alice", 11), 1, "desk", alice);
            world.run(s(70));
            in_order(&world, &["alice: hears “Please enter your pin", "alice: hears “You have 2 new messages.”", "alice: hears “Message saved.”", "alice: hears “Message deleted.”", "alice: hears “Goodbye.”"]);
            assert_eq!(world.waiting("alice"), (0, 1), "{by:?}; {}", told(&world));
            by.told_once(&world, "alice", 8);
            ends_well(&mut world);
        }
    });
}

#[test]
fn a_message_ends_and_an_operator_is_fetched_by_every_way() {
    let text = "flow: desk\nstart: message\nstates:\n  message: { voicemail: { mailbox: alice, operator: \"0\", stop: { key: \"#\", silence: 10s, length: 1m } }, then: { operator: desk, saved: kept, else: end } }\n  desk: { say: The operator comes., then: end }\n  kept: { say: It is kept., then: end }\n";
    for by in By::ALL {
        let mut world = World::new(desk(34, text));
        let wait = Step::WaitTone { hz: Some(1_000.0), within: s(20) };
        let left = [vec![wait, Step::Wait(ms(500)), Step::Speak(voice("bob", s(3)))], by.keys("#"), vec![Step::WaitHangUp { within: s(10) }]].concat();
        calls(&mut world, by.place("bob", 12), 1, "desk", left);
        calls(&mut world, by.place("carol", 13), 1, "desk", [vec![Step::Wait(s(1))], by.keys("0"), vec![Step::WaitHangUp { within: s(10) }]].concat());
        world.run(s(40));
        in_order(&world, &["bob: hears “It is kept.”"]);
        in_order(&world, &["carol: hears “The operator comes.”"]);
        let kept: Vec<_> = world.messages().map(|(_, length, partial)| (length, partial)).collect();
        assert!(matches!(kept[..], [(length, false)] if length > ms(3_100) && length < ms(4_000)), "{by:?}: {kept:?}");
        by.told_once(&world, "bob", 1);
        by.told_once(&world, "carol", 1);
        ends_well(&mut world);
    }
}

/// Two calls that talk (one was parked, the other fetched it) are two legs of a bridge to those who press keys.
#[test]
fn keys_go_between_two_calls_that_talk_by_the_way_the_other_takes_them() {
    for by in By::ALL {
        for to in [By::Event, By::Info, By::Tone] {
            let mut setup = setup(35);
            let way = |by| match by {
                By::Event => Dtmf::Auto,
                By::Info | By::PlainInfo => Dtmf::Info,
                By::Tone => Dtmf::Inband,
            };
            with_connection(&mut setup, "alice", |alice| if by != By::Event { alice.dtmf = Dtmf::Inband });
            with_connection(&mut setup, "bob", |bob| bob.dtmf = way(to));
            let mut world = World::new(setup);
            // 0 is the key that leaves the parking place: of no meaning any more.
            let presses = [vec![Step::Wait(s(6))], by.keys("150#"), vec![Step::WaitHangUp { within: s(20) }]].concat();
            calls(&mut world, by.place("alice", 11), 1, "park", presses);
            calls(&mut world, to.place("bob", 12), 4, "fetch", vec![Step::Wait(s(6)), Step::HangUp]);
            world.run(s(40));
            let bob = world.phone("bob").unwrap().snapshot();
            let got = [bob.digits, by_info(&world, "bob"), keys_heard(&world, "bob")];
            let wanted = match to {
                By::Event => ["150#", "", ""],
                By::Info | By::PlainInfo => ["", "150#", ""],
                By::Tone => ["", "", "150#"],
            };
            assert_eq!(got, wanted, "{by:?} to {to:?}: as events, by INFO, as tones\n{}", told(&world));
            in_order(&world, &["alice: hears “You were served.”"]);
            by.told_once(&world, "alice", 4);
            ends_well(&mut world);
        }
    }
}

#[test]
fn a_key_for_the_far_side_of_a_bridge_chooses_in_no_later_menu() {
    let text = "flow: desk\nstart: bob\nstates:\n  bob: { bridge: { to: connection/bob }, then: which }\n  which:\n    menu: { prompt: [{ say: Press seven. }], wait: 3s, attempts: 1 }\n    then: { \"7\": seven, failed: none }\n  seven: { say: That was seven., then: end }\n  none: { say: Nothing was pressed., then: end }\n";
    for by in By::ALL {
        let mut world = World::new(desk(36, text));
        let bob = vec![Step::Register { expires: 600 }, Step::WaitAnswered { within: s(20) }, Step::WaitDigits { digits: "7".to_owned(), within: s(10) }, Step::HangUp];
        world.add(By::Event.place("bob", 12), bob);
        calls(&mut world, by.place("alice", 11), 1, "desk", [vec![Step::Wait(s(2))], by.keys("7"), vec![Step::WaitHangUp { within: s(20) }]].concat());
        world.run(s(40));
        in_order(&world, &["alice: hears “Press seven.”", "alice: hears “Nothing was pressed.”"]);
        by.told_once(&world, "alice", 1);
        ends_well(&mut world);
    }
}

#[test]
fn who_is_called_confirms_by_every_way() {
    let text = "flow: desk\nstart: bob\nstates:\n  bob: { bridge: { to: connection/bob, confirm: { say: Press five to take the call., key: \"5\" } }, then: { answered: end, else: none } }\n  none: { say: Nobody took it., then: end }\n";
    for by in By::ALL {
        let mut world = World::new(desk(37, text));
        // Another key does not take it.
        let bob = [vec![Step::Register { expires: 600 }, Step::WaitAnswered { within: s(20) }, Step::Wait(s(1))], by.keys("4"), vec![Step::Wait(s(1))], by.keys("5"), vec![Step::SpeakOn(voice("bob", s(3))), Step::Wait(s(3)), Step::HangUp]].concat();
        world.add(by.place("bob", 12), bob);
        calls(&mut world, By::Event.place("alice", 11), 1, "desk", vec![Step::WaitHangUp { within: s(30) }]);
        world.run(s(40));
        in_order(&world, &["bob: hears “Press five to take the call.”", "alice: hears a tone of 26", "bob: hung up"]);
        let digits = world.phone("alice").unwrap().snapshot().digits;
        assert_eq!((digits.as_str(), keys_heard(&world, "alice").as_str()), ("", ""), "{by:?}: the key is for the exchange");
        ends_well(&mut world);
    }
}
