//! A whole receiving stream fed with anything: latch, statistics, jitter buffer and keys. Each input is a row of
//! records: two bytes of milliseconds to wait, one of source and length, then that many bytes of packet.
#![no_main]
use libfuzzer_sys::fuzz_target;
use rtp::{JITTER_DEPTH, JitterBuffer, Latch, Packet, Receiver, Sender, Symmetric, events};
use std::{net::SocketAddr, time::{Duration, Instant}};

fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::now();
    let home = SocketAddr::from(([10, 0, 0, 1], 4000));
    let mut latch = Latch::new(home, home, Symmetric::BehindNat, now);
    let (mut receiver, mut jitter, mut keys, mut sender) = (Receiver::new(), JitterBuffer::new(), events::Receiver::new(), Sender::new(1));
    let mut into = [0; 2_000];
    let mut rest = bytes;
    while let [a, b, c, more @ ..] = rest {
        now += Duration::from_millis(u64::from(u16::from_be_bytes([*a, *b]) & 0x3ff));
        let (packet, after) = more.split_at(usize::from(*c >> 1).min(more.len()));
        rest = after;
        if let Ok(packet) = Packet::parse(packet) {
            latch.judge(SocketAddr::from(([10, 0, 0, 1 + (*c & 1)], 4000)), &packet, now);
            receiver.receive(&packet, now);
            jitter.put(&packet, now);
            keys.handle(&packet, now);
            sender.relay(&packet, 0, packet.payload.len() as u32, now, &mut into);
        }
        jitter.take(now);
        keys.handle_timeout(now);
        assert!(jitter.snapshot().waiting <= JITTER_DEPTH);
    }
});
