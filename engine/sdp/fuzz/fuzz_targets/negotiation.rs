//! A description as offer, as answer and as re-offer: any bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sdp::{Capabilities, Local, Negotiation};
use terms::Direction;

fuzz_target!(|bytes: &[u8]| {
    let local = Local { media: std::net::SocketAddr::from(([192, 0, 2, 1], 30_000)), capabilities: Capabilities::default() };
    let mut session = Negotiation::new(1);
    let _ = session.answer(bytes, &local, Direction::SendRecv);
    session.offer(&local, Direction::SendRecv);
    let _ = session.accept(bytes);
    let _ = session.answer(bytes, &local, Direction::SendRecv);
});
