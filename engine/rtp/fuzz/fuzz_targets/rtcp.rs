//! Reports of the far end: any bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use rtp::{Sender, rtcp::Reporter};
use std::time::Instant;
use terms::{Now, UnixMs};

fuzz_target!(|bytes: &[u8]| {
    let now = Now { at: Instant::now(), unix: UnixMs(1_790_000_000_000) };
    let _ = Reporter::new("fuzz", 1, now.at).handle(bytes, &Sender::new(1), now);
});
