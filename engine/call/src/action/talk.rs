//! Two calls talk: one waited in a parking place or a queue, the other took it. Each is in the room of both.

use crate::{desk::Desk, door::Ticket, meet::{Meet, RoomId}};
use std::time::Instant;
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Talk {
    ticket: Ticket,
    with: String,
    since: Instant,
}

impl Talk {
    /// Both hear each other from now on.
    pub(super) fn begin(ticket: Ticket, room: RoomId, with: String, desk: &mut Desk, now: Now) -> Self {
        desk.answer_caller(now);
        desk.enter_pair(room, now);
        desk.note(now, format!("talks with {with}"));
        Self { ticket, with, since: now.at }
    }

    /// With whom.
    pub(super) fn with(&self) -> &str {
        &self.with
    }

    /// It is over, by the other's or (`own`) by this call's will; answers how long it was, in seconds.
    pub(super) fn end(&self, own: bool, desk: &mut Desk, now: Now) -> f64 {
        desk.leave_room(None, now);
        if own {
            desk.meet_again(self.ticket, Meet::Leave);
        }
        let seconds = now.at.saturating_duration_since(self.since).as_secs_f64();
        desk.note(now, format!("talked with {} for {seconds:.1} s", self.with));
        seconds
    }
}
