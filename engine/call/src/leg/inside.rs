//! Requests inside a leg's dialog: BYE, re-INVITE, UPDATE, INFO, OPTIONS, and what is not understood.

use super::{Leg, News, Stage, warning};
use crate::door::ToFront;
use sip::{HeaderName, Method, Request, ServerKey};
use std::time::Instant;
use terms::{Digit, Direction};

impl Leg {
    /// Answers a request inside the dialog.
    #[expect(clippy::wildcard_enum_match_arm, reason = "methods are open-ended: the rest is not understood")]
    pub(crate) fn request(&mut self, transaction: ServerKey, request: &Request, now: Instant, out: &mut Vec<ToFront>) {
        let refused = match &mut self.dialog {
            Some(dialog) => dialog.receive(request).err().map(|refusal| refusal.code()),
            None => Some(481),
        };
        if let Some(code) = refused {
            self.say(transaction, request, code, out);
            return;
        }
        match request.method {
            Method::Bye => self.bye_received(transaction, request, now, out),
            Method::Invite => self.reinvited(transaction, request, now, out),
            Method::Update => self.updated(transaction, request, out),
            Method::Info => self.info(transaction, request, out),
            Method::Options => self.say(transaction, request, 200, out),
            Method::Notify => self.notified(transaction, request, out),
            Method::Subscribe => self.say(transaction, request, 489, out),
            Method::Prack => self.say(transaction, request, 481, out),
            _ => {
                let mut response = self.reply(request, 405, None, None);
                response.headers.set(HeaderName::Allow, super::ALLOW);
                out.push(ToFront::Respond { transaction, response });
            }
        }
    }

    pub(super) fn say(&self, transaction: ServerKey, request: &Request, code: u16, out: &mut Vec<ToFront>) {
        out.push(ToFront::Respond { transaction, response: self.reply(request, code, None, None) });
    }

    /// 400 or 488, with the reason in words for whoever looks at the phone's trace.
    fn refuse_offer(&self, transaction: ServerKey, request: &Request, refusal: &sdp::Refusal, out: &mut Vec<ToFront>) {
        let mut response = self.reply(request, refusal.status(), None, None);
        response.headers.push_named("Warning", warning(&refusal.to_string()));
        out.push(ToFront::Respond { transaction, response });
    }

    fn bye_received(&mut self, transaction: ServerKey, request: &Request, now: Instant, out: &mut Vec<ToFront>) {
        self.say(transaction, request, 200, out);
        match &self.stage {
            Stage::Up => {
                self.unacknowledged = None;
                self.stage = Stage::Over;
                let reason = request.headers.get(HeaderName::Reason).unwrap_or("hung up").chars().take(120).collect();
                self.news.push_back(News::HungUp { reason });
            }
            Stage::Offered(_) => {
                self.reject(487, None, out);
                self.news.push_back(News::Cancelled);
            }
            Stage::Leaving { .. } => self.stage = Stage::Over,
            Stage::Calling(_) => self.cancel(None, now, out),
            Stage::Cancelling { .. } | Stage::Over => {}
        }
    }

    /// A new offer, or (without a body) a request for ours. One at a time (RFC 3261 §14.2).
    fn reinvited(&mut self, transaction: ServerKey, request: &Request, now: Instant, out: &mut Vec<ToFront>) {
        if !self.is_up() {
            self.say(transaction, request, 491, out);
            return;
        }
        if self.unacknowledged.is_some() {
            let mut response = self.reply(request, 500, None, None);
            response.headers.set(HeaderName::RetryAfter, "1");
            out.push(ToFront::Respond { transaction, response });
            return;
        }
        self.take_fresh_keys();
        let description = if request.body.is_empty() {
            self.negotiation.offer(&self.local, Direction::SendRecv)
        } else {
            match self.negotiation.answer(&request.body, &self.local, Direction::SendRecv) {
                Ok((description, agreement)) => {
                    self.agreed(agreement);
                    description
                }
                Err(refusal) => {
                    self.refuse_offer(transaction, request, &refusal, out);
                    return;
                }
            }
        };
        let response = self.reply(request, 200, None, Some(&description));
        out.push(ToFront::Respond { transaction, response: response.clone() });
        self.await_ack(transaction, response, request.body.is_empty(), now);
    }

    fn updated(&mut self, transaction: ServerKey, request: &Request, out: &mut Vec<ToFront>) {
        if request.body.is_empty() {
            self.say(transaction, request, 200, out);
            return;
        }
        if self.unacknowledged.is_some() || !self.is_up() {
            self.say(transaction, request, 491, out);
            return;
        }
        self.take_fresh_keys();
        match self.negotiation.answer(&request.body, &self.local, Direction::SendRecv) {
            Ok((description, agreement)) => {
                self.agreed(agreement);
                let response = self.reply(request, 200, None, Some(&description));
                out.push(ToFront::Respond { transaction, response });
            }
            Err(refusal) => self.refuse_offer(transaction, request, &refusal, out),
        }
    }

    /// Keys by INFO: `application/dtmf-relay` (`Signal=5`) and `application/dtmf` (`5`).
    fn info(&mut self, transaction: ServerKey, request: &Request, out: &mut Vec<ToFront>) {
        let kind = request.headers.get(HeaderName::ContentType).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let text = String::from_utf8_lossy(&request.body);
        let key = match kind.as_str() {
            "application/dtmf-relay" => text.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
            }),
            "application/dtmf" => Some(text.trim().to_owned()),
            "" => {
                self.say(transaction, request, 200, out);
                return;
            }
            _ => {
                self.say(transaction, request, 415, out);
                return;
            }
        };
        match key.as_deref().and_then(read_key) {
            Some(digit) => {
                self.say(transaction, request, 200, out);
                self.news.push_back(News::Digit(digit));
            }
            None => self.say(transaction, request, 400, out),
        }
    }
}

/// A key as phones write it in INFO bodies: the key itself, or its event number (10 = `*`, 11 = `#`).
fn read_key(text: &str) -> Option<Digit> {
    match text {
        "10" => Digit::try_from('*').ok(),
        "11" => Digit::try_from('#').ok(),
        _ => {
            let mut chars = text.chars();
            let key = chars.next()?;
            if chars.next().is_some() { None } else { Digit::try_from(key).ok() }
        }
    }
}
