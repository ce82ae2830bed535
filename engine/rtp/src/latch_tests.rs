//! M1: who is believed. Each story is a row of "when, from whom" and what came of it.

use super::*;
use proptest::prelude::*;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn start() -> Instant {
    Instant::now()
}
fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
fn packet(sequence: u16, ssrc: u32) -> Packet<'static> {
    Packet { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc, payload: &[] }
}

const PUBLIC: &str = "198.51.100.7:4000";
const PRIVATE: &str = "192.168.1.20:4000";
const NAT: &str = "203.0.113.9:61000";
const SPRAYER: &str = "203.0.113.66:9";

/// When (ms), from whom, sequence number, SSRC.
type Row = (u64, &'static str, u16, u32);

/// `ms source sequence ssrc` each; gives one letter each: A accept, M move, - ignore.
fn story(signalled: &str, symmetric: Symmetric, rows: &[Row]) -> (String, Latch) {
    let begin = start();
    let rtp = address(signalled);
    let mut latch = Latch::new(rtp, SocketAddr::new(rtp.ip(), rtp.port() + 1), symmetric, begin);
    let told = rows
        .iter()
        .map(|(ms, source, sequence, ssrc)| {
            match latch.judge(address(source), &packet(*sequence, *ssrc), begin + Duration::from_millis(*ms)) {
                Verdict::Accept => 'A',
                Verdict::AcceptAndMove => 'M',
                Verdict::Ignore => '-',
            }
        })
        .collect();
    (told, latch)
}

#[test]
fn m1_the_signalled_address_is_believed_at_once_and_for_good() {
    let (told, latch) = story(PUBLIC, Symmetric::Allowed, &[(0, PUBLIC, 1, 1), (20, SPRAYER, 1, 2), (40, SPRAYER, 2, 2), (60, SPRAYER, 3, 2), (80, SPRAYER, 4, 2), (90, PUBLIC, 2, 1)]);
    assert_eq!(told, "A----A");
    assert_eq!((latch.target(), latch.ignored()), (address(PUBLIC), 4));
}

#[test]
fn m1_behind_nat_three_in_a_row_move_it_and_then_it_is_strict() {
    let (told, latch) = story(PRIVATE, Symmetric::BehindNat, &[(0, NAT, 9, 5), (20, NAT, 10, 5), (40, NAT, 11, 5), (60, NAT, 12, 5), (80, SPRAYER, 13, 5), (90, PRIVATE, 1, 1)]);
    assert_eq!(told, "--MA--");
    assert_eq!(latch.target(), address(NAT));
}

#[test]
fn m1_who_is_seen_in_signalling_is_no_other_host_even_on_a_lan() {
    const PORT: &str = "192.168.1.20:4444";
    const NEIGHBOUR: &str = "192.168.1.66:4000";
    let rows = |source| [(0, source, 1, 5), (20, source, 2, 5), (40, source, 3, 5)];
    assert_eq!(story(PRIVATE, Symmetric::SameHost, &rows(NEIGHBOUR)).0, "---");
    assert_eq!(story(PRIVATE, Symmetric::SameHost, &rows(PORT)).0, "--M");
}

#[test]
fn m1_what_does_not_move_it() {
    let cases: [(&str, &str, Symmetric, [Row; 4]); 7] = [
        ("a public signalled address", PUBLIC, Symmetric::BehindNat, [(0, NAT, 1, 5), (1, NAT, 2, 5), (2, NAT, 3, 5), (3, NAT, 4, 5)]),
        ("symmetric switched off", PRIVATE, Symmetric::Never, [(0, NAT, 1, 5), (1, NAT, 2, 5), (2, NAT, 3, 5), (3, NAT, 4, 5)]),
        ("two sources taking turns", PRIVATE, Symmetric::Allowed, [(0, NAT, 1, 5), (1, SPRAYER, 1, 6), (2, NAT, 2, 5), (3, SPRAYER, 2, 6)]),
        ("changing SSRC", PRIVATE, Symmetric::Allowed, [(0, NAT, 1, 5), (1, NAT, 2, 5), (2, NAT, 3, 6), (3, NAT, 4, 6)]),
        ("one sequence number", PRIVATE, Symmetric::Allowed, [(0, NAT, 1, 5), (1, NAT, 1, 5), (2, NAT, 1, 5), (3, NAT, 1, 5)]),
        ("after the window", PRIVATE, Symmetric::Allowed, [(2_000, NAT, 1, 5), (2_001, NAT, 2, 5), (2_002, NAT, 3, 5), (2_003, NAT, 4, 5)]),
        ("a window that closes in between", PRIVATE, Symmetric::Allowed, [(1_990, NAT, 1, 5), (1_995, NAT, 2, 5), (2_010, NAT, 3, 5), (2_020, NAT, 4, 5)]),
    ];
    for (what, signalled, symmetric, rows) in cases {
        let (told, latch) = story(signalled, symmetric, &rows);
        assert_eq!((told.as_str(), latch.target()), ("----", address(signalled)), "{what}");
    }
}

#[test]
fn m1_another_port_of_the_same_host_may_move_even_when_public() {
    let other = "198.51.100.7:9999";
    let (told, latch) = story(PUBLIC, Symmetric::BehindNat, &[(0, other, 1, 5), (1, other, 2, 5), (2, other, 3, 5)]);
    assert_eq!((told.as_str(), latch.target()), ("--M", address(other)));
}

#[test]
fn m1_the_true_peer_speaking_during_the_run_wins() {
    let (told, latch) = story(PRIVATE, Symmetric::Allowed, &[(0, NAT, 1, 5), (1, NAT, 2, 5), (2, PRIVATE, 1, 1), (3, NAT, 3, 5), (4, NAT, 4, 5)]);
    assert_eq!((told.as_str(), latch.state()), ("--A--", LatchState::Signalled));
}

#[test]
fn m1_a_re_invite_opens_a_window_again_without_dropping_a_moved_peer() {
    let (_, mut latch) = story(PRIVATE, Symmetric::BehindNat, &[(0, NAT, 1, 5), (1, NAT, 2, 5), (2, NAT, 3, 5)]);
    let (rtp, rtcp) = (address(PRIVATE), address("192.168.1.20:4001"));
    let later = start() + Duration::from_secs(60);
    latch.rearm(rtp, rtcp, Symmetric::BehindNat, later);
    assert_eq!(latch.target(), address(NAT), "a refresh changes nothing");
    assert_eq!(latch.judge(address(NAT), &packet(9, 5), later), Verdict::Accept);
    // A new signalled address is where we send from now on.
    latch.rearm(address(PUBLIC), address("198.51.100.7:4001"), Symmetric::BehindNat, later);
    assert_eq!(latch.target(), address(PUBLIC));
    assert_eq!(latch.judge(address(NAT), &packet(10, 5), later), Verdict::Ignore);
    assert_eq!(latch.judge(address(PUBLIC), &packet(10, 5), later), Verdict::Accept);
}

#[test]
fn m1_hold_with_address_zero_gives_a_sprayer_no_chance() {
    let (_, mut latch) = story(PUBLIC, Symmetric::Allowed, &[(0, PUBLIC, 1, 1)]);
    let later = start() + Duration::from_secs(60);
    latch.rearm(address("0.0.0.0:4000"), address("0.0.0.0:4001"), Symmetric::Allowed, later);
    for sequence in 0..10 {
        assert_eq!(latch.judge(address(SPRAYER), &packet(sequence, 3), later), Verdict::Ignore);
    }
    assert_eq!(latch.judge(address(PUBLIC), &packet(2, 1), later), Verdict::Accept);
    assert_eq!(latch.target(), address(PUBLIC));
}

#[test]
fn m1_hold_at_the_same_address_gives_a_sprayer_no_chance() {
    let later = start() + Duration::from_secs(60);
    // One that spoke from where it signalled, and one that had moved.
    for (spoke, from) in [(PRIVATE, [(0, PRIVATE, 1, 1), (1, PRIVATE, 2, 1), (2, PRIVATE, 3, 1)]), (NAT, [(0, NAT, 1, 1), (1, NAT, 2, 1), (2, NAT, 3, 1)])] {
        let (_, mut latch) = story(PRIVATE, Symmetric::Allowed, &from);
        latch.rearm(address(PRIVATE), address("192.168.1.20:4001"), Symmetric::Allowed, later);
        for sequence in 0..10 {
            assert_eq!(latch.judge(address(SPRAYER), &packet(sequence, 3), later), Verdict::Ignore);
        }
        assert_eq!(latch.target(), address(spoke));
        assert_eq!(latch.judge(address(spoke), &packet(4, 1), later), Verdict::Accept);
    }
    // The moved peer's NAT may give it another port.
    let (_, mut latch) = story(PRIVATE, Symmetric::BehindNat, &[(0, NAT, 1, 1), (1, NAT, 2, 1), (2, NAT, 3, 1)]);
    latch.rearm(address(PRIVATE), address("192.168.1.20:4001"), Symmetric::BehindNat, later);
    let rebound = address("203.0.113.9:62000");
    let verdicts = [9, 10, 11].map(|sequence| latch.judge(rebound, &packet(sequence, 1), later));
    assert_eq!(verdicts, [Verdict::Ignore, Verdict::Ignore, Verdict::AcceptAndMove]);
}

#[test]
fn m1_rtcp_follows_rtp_and_never_leads() {
    let (_, mut latch) = story(PRIVATE, Symmetric::BehindNat, &[]);
    assert_eq!(latch.judge_rtcp(address(NAT)), Verdict::Ignore);
    assert_eq!(latch.judge_rtcp(address("192.168.1.20:4001")), Verdict::Accept);
    let (_, mut latch) = story(PRIVATE, Symmetric::BehindNat, &[(0, NAT, 1, 5), (1, NAT, 2, 5), (2, NAT, 3, 5)]);
    assert_eq!(latch.target_rtcp(), address("192.168.1.20:4001"), "nothing to a guessed port");
    assert_eq!(latch.judge_rtcp(address(SPRAYER)), Verdict::Ignore);
    assert_eq!(latch.judge_rtcp(address("203.0.113.9:61001")), Verdict::AcceptAndMove);
    assert_eq!(latch.judge_rtcp(address("203.0.113.9:61001")), Verdict::Accept);
    assert_eq!(latch.judge_rtcp(address("203.0.113.9:7")), Verdict::Ignore);
    assert_eq!(latch.target_rtcp(), address("203.0.113.9:61001"));
}

#[test]
fn an_ipv4_peer_seen_through_an_ipv6_socket_is_the_same_peer() {
    let (told, _) = story(PUBLIC, Symmetric::Never, &[(0, "[::ffff:198.51.100.7]:4000", 1, 1)]);
    assert_eq!(told, "A");
}

proptest! {
    /// Whatever comes in whatever order: with a public signalled address we send nowhere else, and a sprayer that never
    /// gets three in a row in the window is never believed.
    #[test]
    fn m1_no_order_of_packets_moves_a_public_stream(rows in prop::collection::vec((0_u64..4_000, 0_usize..3, any::<u16>(), 0_u32..3), 0..80)) {
        let sources = [PUBLIC, NAT, SPRAYER];
        let rows: Vec<_> = rows.into_iter().map(|(ms, who, sequence, ssrc)| (ms, sources[who], sequence, ssrc)).collect();
        let (told, latch) = story(PUBLIC, Symmetric::BehindNat, &rows);
        prop_assert_eq!(latch.target(), address(PUBLIC));
        for (letter, row) in told.chars().zip(&rows) {
            prop_assert_eq!(letter == 'A', row.1 == PUBLIC);
        }
    }
}
