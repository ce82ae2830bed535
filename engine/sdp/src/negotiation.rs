//! Offer/answer of one dialog, from the first offer to the last re-INVITE (RFC 3264).

use crate::{Agreement, Local, Refusal};
use terms::Direction;

/// One session with one peer. Lives as long as the dialog.
#[derive(Clone, Debug)]
pub struct Negotiation {
    session_id: u64,
}

impl Negotiation {
    /// A session that has not begun. `session_id` goes into `o=` (any number below 2^63, unique for the peer).
    #[must_use]
    pub const fn new(session_id: u64) -> Self {
        Self { session_id }
    }
    /// Our offer: first, delayed (in a 200 to an INVITE without one) or a re-offer, which keeps earlier m-lines in place.
    pub fn offer(&mut self, local: &Local, direction: Direction) -> String {
        let _ = (local, direction, self.session_id);
        todo!()
    }
    /// Answers the peer's offer. `wanted` is what we would like; what comes out is limited by the offer.
    ///
    /// # Errors
    /// [`Refusal`]; what was agreed before stays in force.
    pub fn answer(&mut self, offer: &[u8], local: &Local, wanted: Direction) -> Result<(String, Agreement), Refusal> {
        let _ = (offer, local, wanted);
        todo!()
    }
    /// Takes the peer's answer to our offer. A later, equal answer (200 after 183) gives the same agreement again.
    ///
    /// # Errors
    /// [`Refusal`]; what was agreed before stays in force, the offer stays open for another answer.
    pub fn accept(&mut self, answer: &[u8]) -> Result<Agreement, Refusal> {
        let _ = answer;
        todo!()
    }
    /// Our re-offer failed (4xx–6xx), or our answer was never taken: what was agreed before is in force again.
    pub fn roll_back(&mut self) {
        todo!()
    }
    /// What is in force.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        todo!()
    }
    /// Whether an offer of ours waits for its answer.
    #[must_use]
    pub fn is_offering(&self) -> bool {
        todo!()
    }
}
