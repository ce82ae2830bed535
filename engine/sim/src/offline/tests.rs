//! Stories of single calls: what the stage shows is what the engine really did.

use super::*;
use std::collections::BTreeMap;
use notation::Source;
use terms::{Name, UnixMs};
use voicemail::Mailbox;

const RECEPTION: &str = include_str!("../../../../flows/reception.yaml");

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
fn start() -> Now {
    Now { at: Instant::now(), unix: UnixMs(1_793_614_500_000) }
}

fn flows(text: &str) -> flow::FlowSet {
    let source = Source::new("flows/reception.yaml", text);
    flow::FlowSet::load(vec![source], &flow::World::default()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn options(flow: &str) -> Options {
    let home = Name::new("home").unwrap();
    let mailbox = |name: &str| (Name::new(name).unwrap(), Mailbox::new(home.clone(), Name::new(name).unwrap()));
    let mailboxes = BTreeMap::from([mailbox("reception"), mailbox("sales")]);
    Options { mailboxes: mailboxes.into(), ..Options::new(flow, start(), home) }
}

fn call(text: &str, outside: impl Outside + 'static) -> Offline {
    Offline::new(&flows(text), options("reception"), Box::new(outside))
}

fn told(call: &Offline) -> String {
    call.timeline().iter().map(|line| format!("{:8.2} {:6} {}\n", line.at.as_secs_f32(), line.who.name(), line.what)).collect()
}

fn hears(call: &mut Offline, text: &str) -> bool {
    call.wait_until(s(60), |call| call.heard_so_far().iter().any(|heard| heard.sound.name().contains(text)))
}

#[test]
fn a_caller_hears_the_prompts_and_a_key_stops_them() {
    let mut call = call(RECEPTION, Nobody);
    assert!(hears(&mut call, "press 2"), "{}", told(&call));
    call.wait(Duration::from_millis(500));
    assert_eq!(call.sounding().map(|heard| heard.sound.name()), Some("To speak to Bob, press 1. To leave a message, press 2."));
    call.press("2");
    let stopped = call.heard_so_far()[1].clone();
    assert_eq!((stopped.end, call.heard_so_far()[0].end), (HeardEnd::Stopped, HeardEnd::Whole), "{}", told(&call));
    assert!(hears(&mut call, "beep") && call.state() == "message", "{}", told(&call));
    call.wait(s(1));
    call.say("Hello, this is Ann.");
    call.speak(s(4));
    call.press("#");
    assert!(hears(&mut call, "Goodbye"), "{}", told(&call));
    call.wait(s(60));
    assert_eq!(call.ended_by(), Some("the flow ended"), "{}", told(&call));
    let [message] = call.voicemails() else { panic!("{}", told(&call)) };
    assert!(message.length > s(5) && message.length < s(7), "{message:?}");
    assert_eq!(message.transcript.as_deref(), Some("Hello, this is Ann."));
    assert_eq!(call.path().map(|(_, state)| state).collect::<Vec<_>>(), ["welcome", "message", "message.saved"]);
    assert!(call.silent_for().length < Duration::from_millis(300), "{:?}", call.silent_for());
}

#[test]
fn a_message_is_what_was_said_and_not_the_silence_around_it() {
    let left = |parameters: &str, spoken: Duration, after: Duration, key: bool| {
        let text = format!("flow: reception\nstart: in\nstates:\n  in:\n    voicemail: {{ mailbox: sales{parameters} }}\n    then: {{ else: end }}\n");
        let mut call = call(&text, Nobody);
        assert!(hears(&mut call, "beep"), "{}", told(&call));
        call.wait(s(3));
        call.speak(spoken);
        call.wait(after);
        if key { call.press("#") } else { call.hang_up() }
        call.wait(s(5));
        assert!(call.is_over(), "{}", told(&call));
        call.voicemails().iter().map(|message| message.length.as_secs_f32()).next()
    };
    let ms = Duration::from_millis;
    for key in [true, false] {
        let length = left("", s(4), s(2), key).unwrap();
        assert!((4.2..5.1).contains(&length), "300 ms are left at each end: {length}");
        let length = left(", trim: false", s(4), s(2), key).unwrap();
        assert!((8.5..9.6).contains(&length), "{length}");
    }
    // Silence counts for what is too short, so that two words are a message.
    let length = left("", ms(700), s(2), true).unwrap();
    assert!((0.9..1.9).contains(&length), "{length}");
    assert_eq!(left("", ms(0), s(2), true), None, "nothing was said");
}

#[test]
fn a_device_rings_answers_talks_and_hangs_up() {
    let manner = Manner::Answer(Answering { after: s(3), talk: Some(s(5)), ..Answering::default() });
    let mut call = call(RECEPTION, Devices(BTreeMap::from([("connection/bob".to_owned(), manner)])));
    call.wait(s(1));
    call.press("1");
    assert_eq!((call.state(), call.ringing()), ("bob", vec!["connection/bob"]));
    assert!(hears(&mut call, "ringing"), "{}", told(&call));
    assert!(hears(&mut call, "connection/bob"), "{}", told(&call));
    assert_eq!((call.talking(), call.ringing()), (vec!["connection/bob"], vec![]));
    call.wait(s(20));
    assert_eq!(call.ended_by(), Some("the flow ended"), "{}", told(&call));
}

#[test]
fn every_manner_has_its_outcome() {
    for (manner, heard, after) in [
        (Manner::Unreachable, "Bob is not available", s(1)),
        (Manner::Busy, "Bob is not available", s(2)),
        (Manner::Decline, "Bob is not available", s(3)),
        (Manner::Ring(Some(s(4))), "Bob is not available", s(7)),
        (Manner::Ring(None), "Bob is not available", s(22)),
    ] {
        let mut call = call(RECEPTION, Devices(BTreeMap::from([("connection/bob".to_owned(), manner.clone())])));
        call.press("1");
        assert!(hears(&mut call, heard), "{}", told(&call));
        assert!(call.elapsed() < after, "{manner:?}: {}", told(&call));
        call.hang_up();
        call.wait(s(40));
        assert!(call.ended_by().is_some_and(|by| by.contains("hung up")), "{}", told(&call));
    }
}

#[test]
fn a_caller_is_not_left_in_silence_until_a_later_target_rings() {
    let bridge = "bridge: { to: [connection/alice, { to: connection/carol, after: 10s }], timeout: 25s }\n    then: end\n";
    for before in ["", "    answer: {}\n    then: ring\n  ring:\n"] {
        let text = format!("flow: reception\nstart: first\nstates:\n  first:\n{before}    {bridge}");
        let mut call = call(&text, Devices(BTreeMap::from([("connection/carol".to_owned(), Manner::Ring(None))])));
        call.wait(s(9));
        assert_eq!(call.ringing(), Vec::<&str>::new(), "{}", told(&call));
        assert!(call.dead_for().length < s(1), "{before}{:?}\n{}", call.dead_for(), told(&call));
        assert_eq!(call.is_answered(), !before.is_empty());
        assert_eq!(call.heard_so_far().iter().any(|heard| heard.sound.name().contains("ringing")), call.is_answered(), "{}", told(&call));
        call.wait(s(3));
        assert_eq!(call.ringing(), ["connection/carol"], "{}", told(&call));
    }
}

#[test]
fn the_exchange_speaks_the_callers_language_of_its_own() {
    let heard = |head: &str, act: &str| {
        let text = format!("flow: reception\n{head}start: in\nstates:\n  in:\n    {act}\n    then: {{ else: end }}\n");
        let mut call = call(&text, Nobody);
        call.wait(s(20));
        call.heard_so_far().iter().map(|heard| heard.sound.name().to_owned()).collect::<Vec<_>>()
    };
    let queue = "queue: { name: club, agents: [connection/bob], announce_position: 30s }";
    let park = "park: { slot: 701-709 }";
    let voicemail = "voicemail: { mailbox: sales }";
    let conference = "conference: { room: club, pin: \"12\", announce: name }";
    let fails = "say: \"${1 / 0}\"";
    let english = [
        "You are the next caller.",
        "Your call is parked at 7 0 1.",
        "Please leave a message after the tone.",
        "Please enter your pin, followed by the pound key.",
        "We are sorry, something went wrong.",
    ];
    for (tag, expected) in [
        ("", english),
        ("sv", english),
        (
            "de-AT",
            [
                "Sie sind als Nächstes an der Reihe.",
                "Ihr Anruf ist geparkt auf 7 0 1.",
                "Bitte hinterlassen Sie nach dem Ton eine Nachricht.",
                "Bitte geben Sie Ihre Geheimzahl ein und drücken Sie die Raute-Taste.",
                "Es tut uns leid, es ist ein Fehler aufgetreten.",
            ],
        ),
        (
            "fr",
            [
                "Vous êtes le prochain appel.",
                "Votre appel est mis en attente sur 7 0 1.",
                "Veuillez laisser un message après le signal sonore.",
                "Veuillez saisir votre code, suivi de la touche dièse.",
                "Nous sommes désolés, un problème est survenu.",
            ],
        ),
        (
            "es",
            [
                "Usted es el siguiente.",
                "Su llamada está aparcada en 7 0 1.",
                "Deje un mensaje después de la señal.",
                "Introduzca su clave y pulse la tecla almohadilla.",
                "Lo sentimos, se ha producido un error.",
            ],
        ),
    ] {
        let head = if tag.is_empty() { String::new() } else { format!("speech: {{ language: {tag} }}\n") };
        for (act, expected) in [queue, park, voicemail, conference, fails].iter().zip(expected) {
            let heard = heard(&head, act);
            assert!(heard.iter().any(|heard| heard.starts_with(expected)), "{tag}: {expected} in {heard:?}");
        }
    }
    // In a conference: the name at the door, muted and heard again; a name for the others.
    let text = "flow: reception\nspeech: { language: de }\nstart: in\nstates:\n  in:\n    conference: { room: club, announce: name, mute_key: \"6\" }\n    then: { else: end }\n";
    let mut call = self::call(text, Nobody);
    assert!(hears(&mut call, "Bitte nennen Sie nach dem Ton Ihren Namen"), "{}", told(&call));
    call.wait(s(12));
    for heard in ["Ihr Mikrofon ist stummgeschaltet.", "Man kann Sie wieder hören."] {
        call.press("6");
        assert!(hears(&mut call, heard), "{}", told(&call));
    }
    // A flow changes it in mid-call.
    let text = "flow: reception\nstart: in\nstates:\n  in: { set: { language: fr }, pause: 1s, then: box }\n  box:\n    mailbox: sales\n    then: { else: end }\n";
    let mut call = self::call(text, Nobody);
    assert!(hears(&mut call, "Cette messagerie n'est pas accessible d'ici."), "{}", told(&call));
    assert!(hears(&mut call, "Au revoir."), "{}", told(&call));
}

/// Comes into a conference for members, or into a row.
fn meets(meet: &str, venue: Venue, crowd: Option<Crowd>) -> Offline {
    struct Gathering(Venue, Option<Crowd>);
    impl Outside for Gathering {
        fn http(&mut self, request: &flow::Http) -> Web {
            Nobody.http(request)
        }
        fn device(&mut self, target: &str) -> Manner {
            Nobody.device(target)
        }
        fn crowd(&mut self, venue: Venue, name: &Name) -> Option<Crowd> {
            self.1.filter(|_| venue == self.0 && name.as_str() == "club")
        }
    }
    let text = format!("flow: reception\nstart: meet\nstates:\n  meet:\n    {meet}\n    then: {{ full: {{ say: No room, then: end }}, else: {{ say: Good bye, then: end }} }}\n");
    call(&text, Gathering(venue, crowd))
}

#[test]
fn others_fill_a_conference_or_a_row_or_take_everybody_along() {
    let conference = "conference: { room: club, start_with_host: true, end_with_host: true, max: 3 }";
    let queue = "queue: { name: club, agents: [connection/bob], max: 3 }";
    for (meet, venue) in [(conference, Venue::Conference), (queue, Venue::Queue)] {
        let mut full = meets(meet, venue, Some(Crowd::Full));
        assert!(hears(&mut full, "No room"), "{}", told(&full));
        let mut alone = meets(meet, venue, None);
        alone.wait(s(30));
        assert_eq!((alone.state(), alone.is_over()), ("meet", false), "{}", told(&alone));
    }
    let mut hosted = meets(conference, Venue::Conference, Some(Crowd::Host(s(20))));
    hosted.wait(s(19));
    assert_eq!(hosted.state(), "meet", "{}", told(&hosted));
    assert!(hears(&mut hosted, "Good bye") && hosted.elapsed() < s(22), "{}", told(&hosted));
    assert_eq!(hosted.journal()[0].outcome.as_deref(), Some("ended"), "{}", told(&hosted));
}

#[test]
fn nobody_waits_in_silence_and_a_caller_may_leave_at_any_moment() {
    for ms in (0..30_000).step_by(370) {
        let mut call = call(RECEPTION, Nobody);
        call.wait(Duration::from_millis(ms));
        call.press("2");
        call.wait(Duration::from_millis(ms / 3));
        call.hang_up();
        call.wait(s(40));
        assert!(call.record().is_some(), "{ms}: {}", told(&call));
        assert!(call.dead_for().length < s(1), "{ms}: {}", told(&call));
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let play = |seed: u64| {
        let weather = Some(crate::Weather { loss: 50, jitter: Duration::from_millis(40), ..crate::Weather::FAIR });
        let mut call = Offline::new(&flows(RECEPTION), Options { seed, weather, ..options("reception") }, Box::new(Nobody));
        call.wait(s(2));
        call.press("2");
        call.wait(s(5));
        call.speak(s(3));
        call.wait(s(60));
        (call.fingerprint(), told(&call))
    };
    assert_eq!(play(7), play(7));
    assert_ne!(play(7).0, play(8).0);
}
