//! `keys`: DTMF to the caller, with pauses (`w` half a second, `W` a whole one).

use super::{Action, Begun, Event, Progress};
use crate::desk::Desk;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use terms::{Digit, LegId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Keys {
    parts: VecDeque<Part>,
    waiting: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Send(Vec<Digit>),
    Wait(Duration),
}

impl Keys {
    pub(super) fn begin(keys: &str, desk: &mut Desk, now: Now) -> Begun {
        desk.answer_caller(now);
        let mut action = Self { parts: parts_of(keys), waiting: None };
        match action.next_part(desk, now) {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    fn next_part(&mut self, desk: &mut Desk, now: Now) -> Progress {
        self.waiting = None;
        match self.parts.pop_front() {
            Some(Part::Send(digits)) => desk.send_digits(LegId::CALLER, &digits, now),
            Some(Part::Wait(span)) => self.waiting = Some(now.at + span),
            None => return Progress::done("done"),
        }
        Progress::Going
    }
}

impl Action for Keys {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every action hears everything and takes only what is its own")]
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress {
        match event {
            Event::KeysSent(LegId::CALLER) if self.waiting.is_none() => self.next_part(desk, now),
            Event::Time if self.waiting.is_some_and(|until| until <= now.at) => self.next_part(desk, now),
            _ => Progress::Going,
        }
    }
    fn means_silence(&self) -> bool {
        true
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.waiting
    }
}

fn parts_of(keys: &str) -> VecDeque<Part> {
    let mut parts: VecDeque<Part> = VecDeque::new();
    for key in keys.chars() {
        match (key, Digit::try_from(key)) {
            ('w', _) => parts.push_back(Part::Wait(Duration::from_millis(500))),
            ('W', _) => parts.push_back(Part::Wait(Duration::from_secs(1))),
            (_, Ok(digit)) => match parts.back_mut() {
                Some(Part::Send(digits)) => digits.push(digit),
                Some(Part::Wait(_)) | None => parts.push_back(Part::Send(vec![digit])),
            },
            (_, Err(_)) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn keys_and_pauses_stand_in_order() {
        let digits = |text: &str| Part::Send(text.chars().map(|key| Digit::try_from(key).unwrap()).collect());
        let half = || Part::Wait(Duration::from_millis(500));
        assert_eq!(parts_of("12w#W"), [digits("12"), half(), digits("#"), Part::Wait(Duration::from_secs(1))]);
        assert!(parts_of("").is_empty());
    }
}
