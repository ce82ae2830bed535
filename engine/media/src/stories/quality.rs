//! What the figures say: loss in time, ratings, reports of them, and why nobody is heard.

use super::protection::Raw;
use super::*;

fn changes(desk: &Desk) -> Vec<(u64, Option<&'static str>)> {
    let told = desk.events.iter().filter_map(|(ms, event)| if let Event::OneWay { why, .. } = event { Some((*ms / 1_000, why.map(|why| why.code()))) } else { None });
    told.collect()
}

#[test]
fn a_phone_that_is_never_heard_is_told_of_and_so_is_its_return() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    desk.play(A, Playlist::looped(prompt(500, 700.0)));
    desk.run(14_000);
    let quality = desk.mixer.snapshot(A).unwrap();
    assert!(matches!(quality.one_way, Some(OneWay::NothingCame { sent, .. }) if sent > 300), "{:?}", quality.one_way);
    assert_eq!((quality.mos, quality.r_factor), (None, None), "nobody rates what nobody heard");
    let packets = speech(Codec::Pcmu, 400.0, 500);
    for packet in &packets {
        desk.rtp(A, address(A), packet);
        desk.run(20);
    }
    // Then it sends from elsewhere, where nobody believes it.
    let strange = SocketAddr::from(([203, 0, 113, 9], 9_000));
    for (at, packet) in (500..).zip(&packets) {
        let mut packet = packet.clone();
        packet[2..4].copy_from_slice(&u16::to_be_bytes(at));
        desk.rtp(A, strange, &packet);
        desk.run(20);
    }
    let told = changes(&desk);
    assert!(matches!(told[..], [(5..=14, Some("nothing-came")), (14..=23, None), (29..=37, Some("other-address"))]), "{told:?}");
    assert_eq!(desk.mixer.snapshot(A).unwrap().refused.last_stranger, Some(strange));
}

#[test]
fn another_codec_than_agreed_is_named() {
    let mut desk = Desk::with(&[Codec::Pcmu]);
    for packet in speech(Codec::G722, 400.0, 700) {
        desk.rtp(A, address(A), &packet);
        desk.run(20);
    }
    assert!(matches!(changes(&desk)[..], [(_, Some("wrong-payload-type"))]), "{:?}", changes(&desk));
    let refused = desk.mixer.snapshot(A).unwrap().refused;
    assert_eq!((refused.unknown_payload, refused.last_payload_type), (700, Some(9)));
}

#[test]
fn packets_that_are_sent_back_are_told_of_and_so_is_the_end_of_it() {
    for (what, code) in [(Unreachable::Port, "port-closed"), (Unreachable::Host, "unreachable"), (Unreachable::Network, "unreachable"), (Unreachable::Prohibited, "unreachable")] {
        let mut desk = Desk::with(&[Codec::Pcmu]);
        desk.play(A, Playlist::looped(prompt(500, 700.0)));
        let told = |target: SocketAddr| SentBack { target, what, by: address(A).ip() };
        let packets = speech(Codec::Pcmu, 400.0, 1_500);
        for (at, packet) in packets.iter().enumerate() {
            // It is heard all the time; from 10 s to 20 s what is sent to it comes back, with a word once a second.
            if (500..1_000).contains(&at) && at % 50 == 0 {
                desk.mixer.unreachable(A, told(address(A)), desk.now);
            }
            desk.rtp(A, address(A), packet);
            desk.run(20);
        }
        let told_of = changes(&desk);
        assert!(matches!(told_of[..], [(12..=20, Some(told)), (22..=30, None)] if told == code), "{what:?}: {told_of:?}");
        // Of a port that nothing is sent to, and of no leg of ours.
        for _ in 0..10 {
            desk.mixer.unreachable(A, told(SocketAddr::from(([203, 0, 113, 9], 9_000))), desk.now);
            desk.mixer.unreachable(LegId(77), told(address(A)), desk.now);
            desk.run(1_000);
        }
        assert!(!changes(&desk).iter().any(|(at, why)| *at > 30 && *why == Some(code)), "{what:?}: {:?}", changes(&desk));
    }
}

#[test]
fn nobody_is_missed_on_hold() {
    let mut desk = Desk::new();
    let mut held = StreamSetup::new(address(A), Codec::Pcmu);
    held.direction = Direction::SendOnly;
    desk.mixer.set_stream(A, held, desk.now);
    desk.run(20_000);
    assert_eq!(changes(&desk), []);
}

#[test]
fn loss_is_rated_by_how_much_and_how_bunched_it_is() {
    let rated = |lost: &dyn Fn(usize) -> bool| {
        let mut desk = Desk::with(&[Codec::Pcmu]);
        for (at, packet) in speech(Codec::Pcmu, 400.0, 1_000).into_iter().enumerate() {
            if at == 0 || at == 999 || !lost(at) {
                desk.rtp(A, address(A), &packet);
            }
            desk.run(20);
        }
        desk.mixer.snapshot(A).unwrap()
    };
    let (good, scattered, bunched) = (rated(&|_| false), rated(&|at| at % 20 == 7), rated(&|at| at % 100 < 5));
    assert_eq!((good.packets_lost, good.loss), (0, 0.0));
    assert!(good.mos.is_some_and(|mos| mos > 4.3), "{:?}", good.mos);
    assert_eq!((scattered.packets_lost, bunched.packets_lost), (50, 45), "the row begins after the first five");
    assert!((scattered.loss - 0.05).abs() < 0.001 && scattered.bursts.burst_density == 0.0, "{:?}", scattered.bursts);
    assert!(bunched.bursts.burst_density > 0.99 && (4.5..=5.0).contains(&bunched.bursts.burst_packets), "{:?}", bunched.bursts);
    let (a, b) = (scattered.mos.unwrap(), bunched.mos.unwrap());
    assert!(a < 4.0 && a > 3.7 && b < a, "{a} {b}");
}

#[test]
fn the_peer_is_told_how_it_is_heard_where_it_asked() {
    for asked in [false, true] {
        let (mut mixer, mut wire) = (Mixer::new(1), Raw::default());
        let mut desk = Desk::new();
        let mut setup = StreamSetup::new(address(A), Codec::Pcmu);
        setup.voip_metrics = asked;
        mixer.set_stream(A, setup, desk.now);
        for packet in speech(Codec::Pcmu, 400.0, 500) {
            mixer.handle_rtp(A, address(A), &packet, desk.now, &mut wire);
            desk.now += Duration::from_millis(20);
            mixer.tick(desk.now, &mut wire);
            while mixer.poll_event().is_some() {}
        }
        assert!(!wire.reports.is_empty() && !wire.packets.is_empty(), "keep-alives and reports");
        let extended = wire.reports.iter().filter(|report| report.windows(4).any(|word| word == [0x80, 207, 0, 10])).count();
        assert_eq!(extended, if asked { wire.reports.len() } else { 0 });
    }
}
