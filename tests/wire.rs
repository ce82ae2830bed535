//! Black-box scenarios over real sockets with real peers: the binary `callflow` is started as a user starts it, and
//! SIPp, baresip, PJSIP, Kamailio, a webhook endpoint and our own independent phones (room `phone`) meet it there.
//!
//! Every test starts its own exchange on free ports of 127.0.0.1 with its own folder, so all may run at once; each ends
//! what it started, and only that. A peer that is not installed fails the test with the command that installs it
//! (`tests/install.sh`). The binary is the one next to this test's, or `CALLFLOW_BIN`.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

mod peers;

mod calls;
mod choices;
mod codecs;
mod desk;
mod devices;
mod kill;
mod meetings;
mod message;
mod prompts;
mod protection;
mod refusals;
mod reload;
mod replay;
mod rooms;
mod sprayer;
mod schemas;
mod soak;
mod unreachable;
mod upstream;
mod versions;
mod weather;
