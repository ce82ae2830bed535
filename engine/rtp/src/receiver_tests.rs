//! Stories of streams that lose, repeat, jump and change their source.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

fn packet(sequence: u16, timestamp: u32, ssrc: u32) -> Packet<'static> {
    Packet { marker: false, payload_type: 0, sequence, timestamp, ssrc, payload: &[0; 160] }
}

/// Feeds packets of 20 ms at their even times; gives what each meant.
fn feed(receiver: &mut Receiver, at: Instant, sequences: impl IntoIterator<Item = u16>, ssrc: u32) -> Vec<Reception> {
    sequences
        .into_iter()
        .enumerate()
        .map(|(n, s)| receiver.receive(&packet(s, 160 * n as u32, ssrc), at + Duration::from_millis(20) * n as u32))
        .collect()
}

#[test]
fn loss_is_counted_over_the_wrap() {
    let mut receiver = Receiver::new();
    let heard = feed(&mut receiver, start(), [65_534, 65_535, 0, 2, 3, 1, 3], 9);
    use Reception::{InOrder, Old, Probation};
    assert_eq!(heard, [Probation, InOrder, InOrder, InOrder, InOrder, Old, Old]);
    let seen = receiver.statistics();
    assert_eq!((seen.expected, seen.received, seen.lost), (6, 7, -1));
    let block = receiver.block().unwrap();
    assert_eq!(block.extended_sequence, 0x1_0003);
    assert_eq!((block.fraction, block.cumulative), (0, 0xff_ffff));
}

#[test]
fn a_quarter_lost_is_64_of_256() {
    let mut receiver = Receiver::new();
    feed(&mut receiver, start(), (0..=100).filter(|s| s % 4 != 2), 9);
    let block = receiver.block().unwrap();
    assert_eq!((block.fraction, block.cumulative), ((25 * 256 / 101) as u8, 25));
    assert_eq!(receiver.block().unwrap().fraction, 0, "counted since the last report only");
}

#[test]
fn a_jump_needs_a_second_packet_and_a_new_ssrc_starts_afresh() {
    let mut receiver = Receiver::new();
    let heard = feed(&mut receiver, start(), [1, 2, 30_000, 3, 40_000, 40_001], 9);
    use Reception::{InOrder, Jump, Probation, Restarted};
    assert_eq!(heard, [Probation, InOrder, Jump, InOrder, Jump, Restarted]);
    assert_eq!(feed(&mut receiver, start(), [7, 8], 10), [Restarted, InOrder]);
    assert_eq!(receiver.statistics().restarts, 2);
    assert_eq!(receiver.statistics().ssrc, Some(10));
}

#[test]
fn even_packets_have_no_jitter_and_uneven_ones_do() {
    let begin = start();
    let mut even = Receiver::new();
    feed(&mut even, begin, 0..200, 1);
    assert_eq!(even.statistics().jitter_ticks, 0);
    let mut uneven = Receiver::new();
    for n in 0..200_u16 {
        let late = if n % 2 == 0 { 0 } else { 10 };
        let at = begin + Duration::from_millis(u64::from(n) * 20 + late);
        uneven.receive(&packet(n, u32::from(n) * 160, 1), at);
    }
    // |D| is 80 ticks at every packet, so J approaches 80.
    assert!((75..=80).contains(&uneven.statistics().jitter_ticks), "{:?}", uneven.statistics());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn m6_any_numbers_are_counted_without_panic(packets in prop::collection::vec((any::<u16>(), any::<u32>(), 0_u32..3, 0_u64..100_000), 0..200)) {
        let begin = start();
        let mut receiver = Receiver::new();
        for (sequence, timestamp, ssrc, ms) in packets {
            receiver.receive(&packet(sequence, timestamp, ssrc), begin + Duration::from_millis(ms));
            receiver.block();
        }
        prop_assert!(receiver.statistics().received <= 200);
    }
}
