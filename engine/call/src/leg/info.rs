//! Pressing keys by INFO (`application/dtmf-relay`), one after another: the next waits for the answer to the last, so that no
//! network turns their order round.

use super::{Leg, News, Stage};
use crate::door::ToFront;
use sip::{HeaderName, Headers, Method};
use std::collections::VecDeque;
use terms::Digit;

/// How long a key is down, in the words of the body: milliseconds, as our events last.
const DURATION_MS: u32 = 100;
/// Keys that may wait, as in `rtp::events::Sender`.
const WAITING_MAX: usize = 64;

/// The row of keys of one leg.
#[derive(Debug, Default)]
pub(super) struct Row {
    waiting: VecDeque<Digit>,
    /// An INFO has no final answer yet.
    asked: bool,
}

impl Leg {
    /// Presses keys by INFO. Ends with [`News::KeysSent`], whatever the peer thinks of them.
    pub(crate) fn press(&mut self, digits: &[Digit], out: &mut Vec<ToFront>) {
        let room = WAITING_MAX.saturating_sub(self.row.waiting.len());
        self.row.waiting.extend(digits.iter().take(room));
        self.press_next(out);
    }

    /// The answer to an INFO, or none at all.
    pub(super) fn pressed(&mut self, code: u16, out: &mut Vec<ToFront>) {
        if self.row.asked && code >= 200 {
            self.row.asked = false;
            self.press_next(out);
        }
    }

    /// Sends the next key, unless something must be answered before: the last key, or our 2xx by its ACK.
    pub(super) fn press_next(&mut self, out: &mut Vec<ToFront>) {
        if self.row.asked || (self.unacknowledged.is_some() && self.is_up()) {
            return;
        }
        let dialog = self.dialog.as_mut().filter(|_| matches!(self.stage, Stage::Up));
        let (Some(dialog), Some(digit)) = (dialog, self.row.waiting.pop_front()) else {
            self.row.waiting.clear();
            self.news.push_back(News::KeysSent);
            return;
        };
        let mut request = dialog.request(Method::Info);
        request.headers.push(HeaderName::ContentType, "application/dtmf-relay");
        request.body = format!("Signal={digit}\r\nDuration={DURATION_MS}\r\n").into();
        let hop = dialog.next_hop();
        out.push(ToFront::Send { call: self.call, leg: self.id, request, hop });
        self.row.asked = true;
    }

    /// Whether keys wait for our 2xx to be acknowledged.
    pub(super) fn has_keys(&self) -> bool {
        !self.row.waiting.is_empty()
    }
}

/// Whether a peer says that it understands INFO.
pub(super) fn takes_info(headers: &Headers) -> bool {
    headers.list(HeaderName::Allow).any(|method| method.trim().eq_ignore_ascii_case("INFO"))
}
