//! What a call costs the endpoint; printed, and bounded loosely so that a gross slip fails.

use crate::stage::{config, request, udp};
use sip::{Endpoint, Input, Output};
use std::time::{Duration, Instant};

#[test]
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a measurement reads the clock and says what it found")]
fn a_served_call_is_cheap() {
    const CALLS: u32 = 20_000;
    let messages: Vec<_> = (0..CALLS)
        .map(|n| {
            let own = |bytes: bytes::Bytes| -> bytes::Bytes {
                String::from_utf8(bytes.to_vec()).unwrap().replace("story", &format!("story{n}")).into()
            };
            let more = "User-Agent: bench\nAllow: INVITE, ACK, BYE, CANCEL\nSupported: timer\n";
            (
                own(request("INVITE", &format!("z9hG4bKi{n}"), 1, more)),
                own(request("ACK", &format!("z9hG4bKa{n}"), 1, more)),
                own(request("BYE", &format!("z9hG4bKb{n}"), 2, more)),
            )
        })
        .collect();
    let mut endpoint = Endpoint::new(config(), 1);
    let flow = udp("192.0.2.9:5060");
    let begin = Instant::now();
    let mut now = begin;
    let mut sent = 0;
    for (invite, ack, bye) in messages {
        for bytes in [invite, ack, bye] {
            now += Duration::from_millis(1);
            endpoint.handle(Input::Received { flow, bytes }, now);
            while let Some(output) = endpoint.poll_output() {
                match output {
                    Output::Request { transaction, request, .. } => {
                        let response = request.respond(200, "OK");
                        endpoint.handle(Input::Respond { transaction, response }, now);
                    }
                    Output::Transmit { .. } => sent += 1,
                    Output::Connect { .. } | Output::Close { .. } | Output::Resolve { .. } | Output::Ack { .. } | Output::Cancelled { .. }
                    | Output::Response { .. } | Output::Failed { .. } => {}
                }
            }
            endpoint.handle_timeout(now);
        }
    }
    let each = begin.elapsed() / CALLS;
    eprintln!("INVITE/200/ACK/BYE/200 as server: {each:?} a call");
    assert_eq!(sent, 2 * CALLS);
    // Wall clock on a machine that may be busy: only a gross slip (quadratic growth) reaches this.
    assert!(each < Duration::from_millis(5));
}
