//! `pause`: nothing, for a while.

use super::{Action, Event, Progress};
use crate::desk::Desk;
use std::time::{Duration, Instant};
use terms::Now;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pause {
    until: Instant,
}

impl Pause {
    pub(super) fn new(span: Duration, now: Now) -> Self {
        Self { until: now.at + span }
    }
}

impl Action for Pause {
    fn handle(&mut self, _event: Event, _desk: &mut Desk, now: Now) -> Progress {
        if self.until <= now.at { Progress::done("done") } else { Progress::Going }
    }
    fn means_silence(&self) -> bool {
        true
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.until)
    }
}
