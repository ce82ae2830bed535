//! What the jitter buffer costs: `cargo bench -p rtp`. Each figure is for 100 packets of 20 ms put and taken (2 s).

use divan::{Bencher, black_box};
use rtp::{JitterBuffer, Packet, Take};
use std::time::{Duration, Instant};

fn main() {
    divan::main();
}

/// Even packets, and packets that come up to 60 ms late.
#[divan::bench(args = [0_u64, 60])]
fn put_and_take_100(bencher: Bencher, late_ms: u64) {
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
    let begin = Instant::now();
    let (mut buffer, mut n) = (JitterBuffer::new(), 0_u32);
    bencher.bench_local(|| {
        for _ in 0..100 {
            let late = u64::from(n.wrapping_mul(2_654_435_761) >> 16) % (late_ms + 1);
            let packet = Packet { marker: false, payload_type: 0, sequence: n as u16, timestamp: n.wrapping_mul(160), ssrc: 1, payload: &[0x55; 160] };
            let sent = begin + Duration::from_millis(20) * n;
            buffer.put(&packet, sent + Duration::from_millis(late));
            let taken = buffer.take(sent + Duration::from_millis(5), Duration::ZERO);
            black_box(matches!(taken, Take::Frame { .. }));
            n += 1;
        }
    });
}
