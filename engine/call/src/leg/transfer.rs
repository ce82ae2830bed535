//! Sending the peer's telephone elsewhere: REFER and the subscription it implies (RFC 3515), as the referring side.

use super::{Leg, News, Stage};
use crate::door::ToFront;
use sip::{HeaderName, Method, NameAddr, Request, ServerKey, Uri};

/// What the telephone tells of a REFER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// It will try (2xx to the REFER).
    Taken,
    /// It is trying; the new party's provisional status.
    Trying {
        /// 100–199.
        code: u16,
    },
    /// It got through.
    Through {
        /// 200–299.
        code: u16,
    },
    /// It will not, or it did not get through.
    Refused {
        /// The status of the REFER or of the new call; 0 when it stopped telling.
        code: u16,
        /// In words.
        reason: String,
    },
}

/// A REFER of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Referring {
    /// It waits for the ACK of our 2xx: until then the dialog takes no other request of ours.
    Waiting(Uri),
    /// It is out, or taken: NOTIFYs may come, even before its answer.
    Subscribed,
}

impl Leg {
    /// Asks the peer to call `to` itself. What comes of it is told as [`News::Transfer`].
    pub(crate) fn refer(&mut self, to: &Uri, out: &mut Vec<ToFront>) {
        if self.unacknowledged.is_some() {
            self.referring = Some(Referring::Waiting(to.clone()));
            return;
        }
        let Some(dialog) = self.dialog.as_mut().filter(|_| matches!(self.stage, Stage::Up)) else {
            let reason = "it has hung up".to_owned();
            self.news.push_back(News::Transfer(Transfer::Refused { code: 481, reason }));
            return;
        };
        let mut request = dialog.request(Method::Refer);
        request.headers.push(HeaderName::ReferTo, NameAddr::new(to.clone()).to_string());
        request.headers.push(HeaderName::ReferredBy, NameAddr::new(self.contact.clone()).to_string());
        let hop = dialog.next_hop();
        out.push(ToFront::Send { call: self.call, leg: self.id, request, hop });
        self.referring = Some(Referring::Subscribed);
    }

    /// Our 2xx is acknowledged: a REFER that waited for it goes out.
    pub(super) fn refer_now(&mut self, out: &mut Vec<ToFront>) {
        if let Some(Referring::Waiting(to)) = self.referring.take_if(|referring| matches!(referring, Referring::Waiting(_))) {
            self.refer(&to, out);
        }
    }

    /// The answer to our REFER; `code` 408 when none came.
    pub(super) fn refer_answered(&mut self, code: u16, reason: &str) {
        if self.referring.is_none() || code < 200 {
            return;
        }
        let told = if code < 300 {
            Transfer::Taken
        } else {
            self.referring = None;
            Transfer::Refused { code, reason: short(reason) }
        };
        self.news.push_back(News::Transfer(told));
    }

    /// A NOTIFY: how the peer's own call stands, as the first line of its answer (`message/sipfrag`, RFC 3420).
    pub(super) fn notified(&mut self, transaction: ServerKey, request: &Request, out: &mut Vec<ToFront>) {
        let event = request.headers.get(HeaderName::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if !package.eq_ignore_ascii_case("refer") {
            return self.say(transaction, request, 489, out);
        }
        if self.referring != Some(Referring::Subscribed) {
            return self.say(transaction, request, 481, out);
        }
        self.say(transaction, request, 200, out);
        let state = request.headers.get(HeaderName::SubscriptionState).unwrap_or_default().trim().to_ascii_lowercase();
        let is_last = state.starts_with("terminated");
        let told = match read_sipfrag(&String::from_utf8_lossy(&request.body)) {
            Some((code @ 100..=199, _)) if !is_last => Transfer::Trying { code },
            Some((code @ 200..=299, _)) => Transfer::Through { code },
            Some((code @ 300..=699, reason)) => Transfer::Refused { code, reason },
            Some(_) | None if is_last => Transfer::Refused { code: 0, reason: "the telephone told no result".to_owned() },
            Some(_) | None => return,
        };
        if !matches!(told, Transfer::Trying { .. }) {
            self.referring = None;
        }
        self.news.push_back(News::Transfer(told));
    }
}

/// `SIP/2.0 486 Busy Here`: status and reason.
fn read_sipfrag(text: &str) -> Option<(u16, String)> {
    let mut words = text.lines().next()?.trim().splitn(3, ' ');
    if !words.next()?.eq_ignore_ascii_case("SIP/2.0") {
        return None;
    }
    let code = words.next()?.parse().ok().filter(|code| (100..700).contains(code))?;
    Some((code, short(words.next().unwrap_or_default())))
}

fn short(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_fragment_is_a_status_or_nothing() {
        for (text, read) in [
            ("SIP/2.0 200 OK", Some((200, "OK"))),
            ("sip/2.0 486 Busy Here\r\nContact: <sip:x@y>\r\n", Some((486, "Busy Here"))),
            ("SIP/2.0 180", Some((180, ""))),
            ("SIP/2.0 99 x", None),
            ("SIP/2.0 700 x", None),
            ("SIP/2.0 abc", None),
            ("HTTP/1.1 200 OK", None),
            ("", None),
        ] {
            assert_eq!(read_sipfrag(text), read.map(|(code, reason)| (code, reason.to_owned())), "{text:?}");
        }
    }
}
