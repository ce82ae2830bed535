//! `mailbox`: an owner listens to messages by phone.
//!
//! ```text
//!  Pin ⇄ Checking ── right ──▶ Listing ──▶ Saying (counts, who and when) ──▶ Fetching ──▶ Playing ──▶ Saying (choices) ──▶ Choosing
//!   └── three wrong, or locked ──▶ Leaving ──▶ locked_out                                      keys lead anywhere; three silences: Leaving ──▶ done
//! ```
//! A key stops what is said at once. Who may come in without a PIN, in which order messages come and what is said are rules of
//! room `voicemail`; wrong PINs are counted by the clerk, over all calls.

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::{
    desk::Desk,
    door::{Answer, Errand, Origin, Ticket},
    limits::ERRAND_WAIT,
};
use audio::Prompt;
use flow::Outcome;
use media::{Item, PlayerId, Playlist, Repeat};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{Digit, LegId, MessageId, Name, Now, Text};
use voicemail::{Entrance, Entry, PinVerdict, Visit, limits::{PIN_DIGITS, PIN_TRIES_A_CALL}, spoken};

/// Silence before and between the digits of a PIN, and after the choices.
const KEY_WAIT: Duration = Duration::from_secs(5);
/// Silences after the choices that end the visit.
const SILENCES_MAX: u32 = 3;
/// How far one key skips.
const SKIP: Duration = Duration::from_secs(5);
/// A message of which so much was played counts as heard when its visitor goes on.
const HEARD_AFTER: Duration = Duration::from_secs(2);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Listening {
    mailbox: Name,
    visit: Visit,
    stage: Stage,
    tries: u32,
    silences: u32,
    /// The sound of the current message, once fetched.
    sound: Option<(MessageId, Arc<Prompt>)>,
    heard: u32,
    deleted: u32,
}

#[derive(Debug)]
enum Stage {
    /// The PIN is asked for and keyed in.
    Pin { typed: String, asking: Prompting, until: Instant },
    /// The clerk looks at it.
    Checking { ticket: Ticket, until: Instant },
    /// The clerk lists the messages.
    Listing { ticket: Ticket, until: Instant },
    /// Something is said; then comes what comes then.
    Saying(Prompting, Then),
    /// The sound of the current message is fetched.
    Fetching { ticket: Ticket, until: Instant, from: Duration },
    /// It plays, from a position on, since a moment.
    Playing { player: PlayerId, from: Duration, since: Instant },
    /// A key is awaited.
    Choosing { until: Instant },
    /// The last word.
    Leaving(Prompting, &'static str),
}

/// What follows something said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Who and when, then the message.
    Envelope,
    /// The message.
    Message,
    /// What may be pressed.
    Choices,
    /// A key.
    Key,
}

impl Listening {
    pub(super) fn begin(spec: &flow::Mailbox, desk: &mut Desk, now: Now) -> Begun {
        let own = desk.plan.own_mailbox.clone();
        let Some(name) = spec.mailbox.clone().or_else(|| own.clone()) else {
            return Begun::At(Progress::Failed("whoever calls has no mailbox, and the flow names none".into()));
        };
        let mailboxes = desk.plan.mailboxes.clone();
        let Some(mailbox) = mailboxes.get(&name) else {
            return Begun::At(Progress::Failed(format!("there is no mailbox {name}")));
        };
        desk.answer_caller(now);
        desk.digits.clear();
        let owner = own.filter(|_| matches!(desk.plan.origin, Origin::Connection(_)));
        let stage = Stage::Choosing { until: now.at };
        let mut action = Self { mailbox: name, visit: Visit::default(), stage, tries: 0, silences: 0, sound: None, heard: 0, deleted: 0 };
        let progress = match mailbox.entrance(owner.as_ref()) {
            Entrance::Open => {
                desk.note(now, format!("mailbox {}: its owner comes in", action.mailbox));
                action.list(desk, now);
                Progress::Going
            }
            Entrance::ByPin => action.ask_pin(&[spoken::ENTER_PIN.text(desk.tongue)], desk, now),
            Entrance::Shut => {
                desk.note(now, format!("mailbox {}: it has no PIN, and the caller is not its owner", action.mailbox));
                action.leave(&[spoken::SHUT.text(desk.tongue), spoken::GOODBYE.text(desk.tongue)], "locked_out", desk, now)
            }
        };
        match progress {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    // --- coming in ----------------------------------------------------------------------------------------------

    fn ask_pin(&mut self, words: &[Text], desk: &mut Desk, now: Now) -> Progress {
        desk.digits.clear();
        let asking = Prompting::tell(words, LegId::CALLER, desk, now);
        self.stage = Stage::Pin { typed: String::new(), asking, until: now.at + KEY_WAIT };
        Progress::Going
    }

    /// A key of the PIN.
    fn pin_key(&mut self, key: Digit, desk: &mut Desk, now: Now) -> Progress {
        let Stage::Pin { typed, asking, until } = &mut self.stage else { return Progress::Going };
        asking.stop(desk, now);
        *until = now.at + KEY_WAIT;
        match key.as_char() {
            '#' => return self.check_pin(desk, now),
            '*' => typed.clear(),
            digit => typed.push(digit),
        }
        if typed.len() >= *PIN_DIGITS.end() { self.check_pin(desk, now) } else { Progress::Going }
    }

    fn check_pin(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let Stage::Pin { typed, .. } = &mut self.stage else { return Progress::Going };
        let digits = std::mem::take(typed);
        if digits.is_empty() {
            return self.wrong_pin("no PIN was keyed in", desk, now);
        }
        let Some(pin) = desk.plan.mailboxes.get(&self.mailbox).and_then(|mailbox| mailbox.pin.clone()) else {
            return Progress::Failed(format!("mailbox {} has no PIN", self.mailbox));
        };
        let (realm, mailbox, keyed) = (desk.plan.realm.clone(), self.mailbox.clone(), terms::Secret::new(digits));
        let ticket = desk.ask(Errand::CheckPin { realm, mailbox, pin, keyed });
        self.stage = Stage::Checking { ticket, until: now.at + ERRAND_WAIT };
        Progress::Going
    }

    fn checked(&mut self, verdict: Result<PinVerdict, String>, desk: &mut Desk, now: Now) -> Progress {
        match verdict {
            Ok(PinVerdict::Right) => {
                desk.note(now, format!("mailbox {}: the PIN is right", self.mailbox));
                self.list(desk, now);
                Progress::Going
            }
            Ok(PinVerdict::Wrong) => self.wrong_pin("a wrong PIN", desk, now),
            Ok(PinVerdict::Locked) => {
                desk.note(now, format!("mailbox {}: locked after too many wrong PINs", self.mailbox));
                self.leave(&[spoken::LOCKED.text(desk.tongue)], "locked_out", desk, now)
            }
            Err(why) => Progress::Failed(format!("the PIN could not be checked: {why}")),
        }
    }

    fn wrong_pin(&mut self, what: &str, desk: &mut Desk, now: Now) -> Progress {
        self.tries += 1;
        desk.note(now, format!("mailbox {}: {what}, {} of {PIN_TRIES_A_CALL}", self.mailbox, self.tries));
        if self.tries >= PIN_TRIES_A_CALL {
            return self.leave(&[spoken::WRONG_PIN.text(desk.tongue), spoken::GOODBYE.text(desk.tongue)], "locked_out", desk, now);
        }
        self.ask_pin(&[spoken::WRONG_PIN.text(desk.tongue), spoken::ENTER_PIN.text(desk.tongue)], desk, now)
    }

    fn list(&mut self, desk: &mut Desk, now: Now) {
        let ticket = desk.ask(Errand::Messages { realm: desk.plan.realm.clone(), mailbox: self.mailbox.clone() });
        self.stage = Stage::Listing { ticket, until: now.at + ERRAND_WAIT };
    }

    fn listed(&mut self, entries: Result<Vec<Entry>, String>, desk: &mut Desk, now: Now) -> Progress {
        let entries = match entries {
            Ok(entries) => entries,
            Err(why) => return Progress::Failed(format!("the messages could not be listed: {why}")),
        };
        self.visit = Visit::new(entries);
        let counts = self.visit.counts();
        desk.note(now, format!("mailbox {}: {} new and {} old messages", self.mailbox, counts.new, counts.old));
        let told = spoken::counts(counts, desk.tongue);
        if self.visit.current().is_none() {
            return self.leave(&[told, spoken::GOODBYE.text(desk.tongue)], "done", desk, now);
        }
        self.say(&[told], Then::Envelope, desk, now)
    }

    // --- saying and playing -------------------------------------------------------------------------------------

    fn say(&mut self, words: &[Text], then: Then, desk: &mut Desk, now: Now) -> Progress {
        let prompting = Prompting::tell(words, LegId::CALLER, desk, now);
        let said = prompting.said();
        self.stage = Stage::Saying(prompting, then);
        if said == Said::Going { Progress::Going } else { self.follow(then, desk, now) }
    }

    fn follow(&mut self, then: Then, desk: &mut Desk, now: Now) -> Progress {
        match then {
            Then::Envelope => match self.envelope(desk, now) {
                Some(told) => self.say(&[told], Then::Message, desk, now),
                None => self.say(&[spoken::NO_MORE.text(desk.tongue)], Then::Key, desk, now),
            },
            Then::Message => self.play(Duration::ZERO, desk, now),
            Then::Choices => self.say(&[spoken::CHOICES.text(desk.tongue)], Then::Key, desk, now),
            Then::Key => {
                self.stage = Stage::Choosing { until: now.at + KEY_WAIT };
                Progress::Going
            }
        }
    }

    fn envelope(&self, desk: &Desk, now: Now) -> Option<Text> {
        let mailbox = desk.plan.mailboxes.get(&self.mailbox)?;
        self.visit.current().map(|entry| spoken::envelope(self.visit.number(), entry, &mailbox.zone, now.unix, desk.tongue))
    }

    /// Plays the current message from a position on.
    fn play(&mut self, from: Duration, desk: &mut Desk, now: Now) -> Progress {
        let Some(id) = self.visit.current().map(|entry| entry.id) else {
            return self.say(&[spoken::NO_MORE.text(desk.tongue)], Then::Key, desk, now);
        };
        match &self.sound {
            Some((known, sound)) if *known == id => {
                let items = vec![Item::Part(Arc::clone(sound), from)];
                let player = desk.play(LegId::CALLER, Playlist { items, repeat: Repeat::Times(1) }, now);
                self.stage = Stage::Playing { player, from, since: now.at };
            }
            Some(_) | None => {
                let ticket = desk.ask(Errand::MessageSound { id });
                self.stage = Stage::Fetching { ticket, until: now.at + ERRAND_WAIT, from };
            }
        }
        Progress::Going
    }

    fn fetched(&mut self, found: Result<Arc<Prompt>, String>, from: Duration, desk: &mut Desk, now: Now) -> Progress {
        match (found, self.visit.current().map(|entry| entry.id)) {
            (Ok(sound), Some(id)) => {
                self.sound = Some((id, sound));
                self.play(from, desk, now)
            }
            (Ok(_), None) => self.say(&[spoken::NO_MORE.text(desk.tongue)], Then::Key, desk, now),
            (Err(why), _) => {
                desk.note(now, format!("mailbox {}: a message cannot be played: {why}", self.mailbox));
                self.say(&[spoken::FAILED.text(desk.tongue)], Then::Choices, desk, now)
            }
        }
    }

    /// Where the message that plays is.
    fn position(&self, now: Now) -> Option<Duration> {
        match &self.stage {
            Stage::Playing { from, since, .. } => Some(*from + now.at.saturating_duration_since(*since)),
            Stage::Pin { .. }
            | Stage::Checking { .. }
            | Stage::Listing { .. }
            | Stage::Saying(..)
            | Stage::Fetching { .. }
            | Stage::Choosing { .. }
            | Stage::Leaving(..) => None,
        }
    }

    /// The current message counts as heard.
    fn heard(&mut self, desk: &mut Desk, now: Now) {
        if let Some(id) = self.visit.heard() {
            self.heard += 1;
            desk.note(now, format!("mailbox {}: message {id} was heard", self.mailbox));
            desk.ask(Errand::MarkHeard { id });
        }
    }

    fn hush(&mut self, desk: &mut Desk, now: Now) {
        match &mut self.stage {
            Stage::Saying(prompting, _) => prompting.stop(desk, now),
            Stage::Playing { player, .. } => desk.mixer.stop(*player, now.at),
            Stage::Pin { .. }
            | Stage::Checking { .. }
            | Stage::Listing { .. }
            | Stage::Fetching { .. }
            | Stage::Choosing { .. }
            | Stage::Leaving(..) => {}
        }
    }

    // --- keys ---------------------------------------------------------------------------------------------------

    fn keyed(&mut self, desk: &mut Desk, now: Now) -> Progress {
        while let Some(key) = desk.digits.pop_front() {
            let progress = match &self.stage {
                Stage::Pin { .. } => self.pin_key(key, desk, now),
                Stage::Saying(..) | Stage::Fetching { .. } | Stage::Playing { .. } | Stage::Choosing { .. } => self.choose(key, desk, now),
                // Nothing to choose yet, or any more.
                Stage::Checking { .. } | Stage::Listing { .. } | Stage::Leaving(..) => Progress::Going,
            };
            if !matches!(progress, Progress::Going) {
                return progress;
            }
        }
        Progress::Going
    }

    fn choose(&mut self, key: Digit, desk: &mut Desk, now: Now) -> Progress {
        let position = self.position(now);
        self.hush(desk, now);
        self.silences = 0;
        let goes_on = matches!(key.as_char(), '2' | '4' | '6');
        if key.as_char() == '2' || (goes_on && position.is_some_and(|position| position >= HEARD_AFTER)) {
            self.heard(desk, now);
        }
        match key.as_char() {
            '1' => self.play(Duration::ZERO, desk, now),
            '2' if self.visit.current().is_some() => {
                self.visit.forward();
                self.say(&[spoken::SAVED.text(desk.tongue)], Then::Envelope, desk, now)
            }
            '3' if self.visit.current().is_some() => self.delete(desk, now),
            '4' if self.visit.back() => self.follow(Then::Envelope, desk, now),
            '4' => self.say(&[spoken::NO_EARLIER.text(desk.tongue)], Then::Envelope, desk, now),
            '5' => match self.envelope(desk, now) {
                Some(told) => self.say(&[told], Then::Choices, desk, now),
                None => self.say(&[spoken::NO_MORE.text(desk.tongue)], Then::Key, desk, now),
            },
            '2' | '3' | '6' => {
                self.visit.forward();
                self.follow(Then::Envelope, desk, now)
            }
            '7' => self.play(position.unwrap_or_default().saturating_sub(SKIP), desk, now),
            '9' => match position {
                Some(position) => self.play(position + SKIP, desk, now),
                None => self.follow(Then::Choices, desk, now),
            },
            '0' => self.say(&[spoken::HELP.text(desk.tongue)], Then::Key, desk, now),
            '*' => self.leave(&[spoken::GOODBYE.text(desk.tongue)], "done", desk, now),
            _ => self.say(&[spoken::NOT_OFFERED.text(desk.tongue)], Then::Choices, desk, now),
        }
    }

    fn delete(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if let Some(id) = self.visit.delete() {
            self.deleted += 1;
            desk.note(now, format!("mailbox {}: message {id} is deleted", self.mailbox));
            desk.ask(Errand::DeleteMessage { id });
        }
        self.say(&[spoken::DELETED.text(desk.tongue)], Then::Envelope, desk, now)
    }

    // --- going --------------------------------------------------------------------------------------------------

    fn leave(&mut self, words: &[Text], outcome: &'static str, desk: &mut Desk, now: Now) -> Progress {
        let prompting = Prompting::tell(words, LegId::CALLER, desk, now);
        let said = prompting.said();
        self.stage = Stage::Leaving(prompting, outcome);
        if said == Said::Going { Progress::Going } else { self.left(outcome) }
    }

    fn left(&self, outcome: &'static str) -> Progress {
        let result = serde_json::json!({ "mailbox": self.mailbox.as_str(), "heard": self.heard, "deleted": self.deleted });
        Progress::Done(Outcome::with(outcome, result))
    }

    fn time(&mut self, desk: &mut Desk, now: Now) -> Progress {
        match &self.stage {
            Stage::Pin { asking, until, .. } if asking.said() != Said::Going && *until <= now.at => self.check_pin(desk, now),
            Stage::Checking { until, .. } if *until <= now.at => Progress::Failed("the PIN could not be checked in time".into()),
            Stage::Listing { until, .. } if *until <= now.at => Progress::Failed("the messages could not be listed in time".into()),
            Stage::Fetching { until, from, .. } if *until <= now.at => {
                let from = *from;
                self.fetched(Err("it was not found in time".into()), from, desk, now)
            }
            Stage::Choosing { until } if *until <= now.at => {
                self.silences += 1;
                if self.silences >= SILENCES_MAX {
                    return self.leave(&[spoken::GOODBYE.text(desk.tongue)], "done", desk, now);
                }
                self.follow(Then::Choices, desk, now)
            }
            Stage::Pin { .. }
            | Stage::Checking { .. }
            | Stage::Listing { .. }
            | Stage::Saying(..)
            | Stage::Fetching { .. }
            | Stage::Playing { .. }
            | Stage::Choosing { .. }
            | Stage::Leaving(..) => Progress::Going,
        }
    }
}

impl Action for Listening {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        if matches!(event, Event::Keyed) {
            return self.keyed(desk, now);
        }
        match &mut self.stage {
            Stage::Pin { asking, until, .. } => {
                let before = asking.said();
                if asking.handle(&mut event, desk, now) != before {
                    *until = now.at + KEY_WAIT;
                }
            }
            Stage::Saying(prompting, then) => {
                let then = *then;
                if prompting.handle(&mut event, desk, now) != Said::Going {
                    return self.follow(then, desk, now);
                }
            }
            Stage::Leaving(prompting, outcome) => {
                let outcome = *outcome;
                if prompting.handle(&mut event, desk, now) != Said::Going {
                    return self.left(outcome);
                }
            }
            Stage::Checking { .. } | Stage::Listing { .. } | Stage::Fetching { .. } | Stage::Playing { .. } | Stage::Choosing { .. } => {}
        }
        match (&self.stage, event) {
            (Stage::Checking { ticket, .. }, Event::Answer(answered, Answer::Pin(verdict))) if *ticket == answered => {
                self.checked(verdict, desk, now)
            }
            (Stage::Listing { ticket, .. }, Event::Answer(answered, Answer::Messages(entries))) if *ticket == answered => {
                self.listed(entries, desk, now)
            }
            (Stage::Fetching { ticket, from, .. }, Event::Answer(answered, Answer::Prompt(found))) if *ticket == answered => {
                let from = *from;
                self.fetched(found, from, desk, now)
            }
            (Stage::Playing { player, .. }, Event::Played(id, media::PlayerEnd::Finished)) if *player == id => {
                self.heard(desk, now);
                self.follow(Then::Choices, desk, now)
            }
            (_, Event::Time) => self.time(desk, now),
            (_, _) => Progress::Going,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Pin { asking, until, .. } => if asking.said() == Said::Going { asking.poll_timeout() } else { Some(*until) },
            Stage::Checking { until, .. } | Stage::Listing { until, .. } | Stage::Fetching { until, .. } | Stage::Choosing { until } => Some(*until),
            Stage::Saying(prompting, _) | Stage::Leaving(prompting, _) => prompting.poll_timeout(),
            Stage::Playing { .. } => None,
        }
    }

    fn means_silence(&self) -> bool {
        match &self.stage {
            Stage::Pin { asking, .. } => asking.said() == Said::Finished,
            Stage::Choosing { .. } => true,
            Stage::Checking { .. }
            | Stage::Listing { .. }
            | Stage::Saying(..)
            | Stage::Fetching { .. }
            | Stage::Playing { .. }
            | Stage::Leaving(..) => false,
        }
    }

    fn is_secret(&self) -> bool {
        matches!(self.stage, Stage::Pin { .. } | Stage::Checking { .. })
    }
}
