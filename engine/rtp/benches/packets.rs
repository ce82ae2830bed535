//! What the packetiser costs, alone: `cargo bench -p rtp --bench packets`. Encoded sound of 20 ms becomes a packet: header written, payload
//! copied, counters and timestamp moved on. Each figure of the table is for 1,000 packets; below it stands what one costs
//! against a mere copy of its bytes, measured in turn with it, so that a machine that is slow for a moment is so for both.

use divan::{Bencher, black_box};
use rtp::{HEADER_BYTES, Packet, Sender, clock_ticks};
use std::time::{Duration, Instant};

/// Packets of a round.
const ROUND: u32 = 1_000;
/// Rounds of each kind; the middle one counts.
const ROUNDS: usize = 301;
const FRAME: Duration = Duration::from_millis(20);
/// A name, a payload type, bytes of 20 ms, and timestamp units a second: G.711, and Opus at 24 kbit/s.
const KINDS: [Kind; 2] = [("PCMU", 0, 160, 8_000), ("Opus", 96, 60, 48_000)];

type Kind = (&'static str, u8, usize, u32);

#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
fn main() {
    divan::main();
    let is_test = std::env::args().any(|word| word == "--test");
    for kind in KINDS {
        let (packet, copy) = side_by_side(kind, if is_test { 1 } else { ROUNDS });
        println!("{} of 20 ms: {packet:.1} ns a packet, a copy of its {} bytes {copy:.1} ns: {:.1} times as much", kind.0, HEADER_BYTES + kind.2, packet / copy);
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn clock() -> Instant {
    Instant::now()
}

/// Nanoseconds of one packet made, and of one copied.
fn side_by_side(kind: Kind, rounds: usize) -> (f64, f64) {
    let (mut maker, source) = (Maker::new(kind), vec![0x55; HEADER_BYTES + kind.2]);
    let (mut made, mut copied) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = clock();
        maker.round();
        let between = clock();
        copy_round(&source);
        made.push(between - began);
        copied.push(clock() - between);
    }
    let middle = |mut spans: Vec<Duration>| {
        spans.sort_unstable();
        spans[spans.len() / 2].as_nanos() as f64 / f64::from(ROUND)
    };
    (middle(made), middle(copied))
}

/// A stream that sends.
struct Maker {
    sender: Sender,
    payload: Vec<u8>,
    payload_type: u8,
    now: Instant,
}

impl Maker {
    fn new((_, payload_type, bytes, clock_rate): Kind) -> Self {
        let (mut sender, now) = (Sender::new(1), clock());
        sender.set_clock_rate(clock_rate, now);
        Self { sender, payload: vec![0x55; bytes], payload_type, now }
    }

    fn round(&mut self) {
        let mut into = [0; 256];
        for _ in 0..ROUND {
            let ticks = clock_ticks(FRAME, self.sender.clock_rate());
            let length = self.sender.write(self.payload_type, black_box(&self.payload), ticks, self.now, &mut into);
            black_box(&into[..length]);
            self.now += FRAME;
        }
    }
}

fn copy_round(source: &[u8]) {
    let mut into = [0; 256];
    for _ in 0..ROUND {
        let source = black_box(source);
        into[..source.len()].copy_from_slice(source);
        black_box(&into[..source.len()]);
    }
}

#[divan::bench(args = ["PCMU", "Opus"])]
fn a_thousand_packets(bencher: Bencher, codec: &str) {
    let mut maker = Maker::new(kind(codec));
    bencher.bench_local(|| maker.round());
}

#[divan::bench(args = ["PCMU", "Opus"])]
fn a_thousand_copies(bencher: Bencher, codec: &str) {
    let source = vec![0x55; HEADER_BYTES + kind(codec).2];
    bencher.bench_local(|| copy_round(&source));
}

/// A packet is made, read where it comes, and written as one of ours.
#[divan::bench(args = ["PCMU", "Opus"])]
fn a_thousand_relayed(bencher: Bencher, codec: &str) {
    let kind = kind(codec);
    let (mut theirs, mut ours, mut now) = (Maker::new(kind), Maker::new(kind), clock());
    let ticks = clock_ticks(FRAME, kind.3);
    bencher.bench_local(|| {
        let (mut came, mut into) = ([0; 256], [0; 256]);
        for _ in 0..ROUND {
            let length = theirs.sender.write(kind.1, &theirs.payload, ticks, now, &mut came);
            if let Ok(packet) = Packet::parse(black_box(&came[..length])) {
                let length = ours.sender.relay(&packet, kind.1, ticks, now, &mut into);
                black_box(&into[..length]);
            }
            now += FRAME;
        }
    });
}

fn kind(codec: &str) -> Kind {
    KINDS.into_iter().find(|kind| kind.0 == codec).unwrap_or(KINDS[0])
}
