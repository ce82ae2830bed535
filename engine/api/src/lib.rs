//! # api: HTTP and JSON
//!
//! **Owns** the addresses under `/v1`, their JSON shapes, who may call them, the limits of a request, and the errors
//! (problem details, RFC 9457). Also a small endpoint for webhooks ([`sink`]), for demonstrations and tests.
//! **Never** knows SIP, RTP or the threads behind [`Exchange`]: it shows what it is given.
//! **Door**: [`router`] and [`serve`] with [`ApiOptions`], [`Exchange`] (implemented by the binary), `store::Store` for messages.
//! **Invariants**: closed unless a token is right, or no token is configured and the caller is this machine; every error is
//! `application/problem+json`; no path comes from a request; nothing secret is shown.
//! **How to add an address**: a function in the file of its noun, a line in `router.rs`, a line in the table of its test.
//!
//! Libraries: `axum` (routes), `tower-http` (files with ranges, limits, request ids, tracing), `subtle` (comparing tokens).

mod access;
mod exchange;
pub mod limits;
mod messages;
mod problem;
mod recordings;
mod router;
mod routes;
mod versions;
pub mod sink;

#[cfg(test)]
mod tests;

pub use exchange::{
    Answer, CallView, ConferenceView, ConnectionView, ContactView, Exchange, ExchangeFault, FlowView, FlowsView, LegView, PairGain, PersonView, QueueView, Readiness, Reloaded, Tuned, Tuning, Used, WaitingView,
};
pub use problem::Problem;
pub use router::{ApiOptions, Metrics, router, serve};
