//! What a visitor of a mailbox is told. Every text is made of words and phrases that the built-in prompts have, so that it is heard
//! also where no voice is installed; a test in room `server` holds both together.

use crate::{Caller, Entry, Waiting};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use terms::UnixMs;

/// Asks for the PIN.
pub const ENTER_PIN: &str = "Please enter your pin, followed by the pound key.";
/// It is wrong.
pub const WRONG_PIN: &str = "That pin is not right.";
/// No PIN is looked at for a while.
pub const LOCKED: &str = "This mailbox is locked. Please try again later.";
/// Offered after a message.
pub const CHOICES: &str = "To hear this message again, press 1. To save it, press 2. To delete it, press 3. For more choices, press 0.";
/// Every key.
pub const HELP: &str = "Press 1 to hear this message. Press 2 to save it. Press 3 to delete it. Press 4 for the previous message. \
    Press 5 for the time and caller. Press 6 for the next message. Press 7 to go back, or 9 to go forward. Press star to leave.";
/// A message is kept.
pub const SAVED: &str = "Message saved.";
/// A message is gone.
pub const DELETED: &str = "Message deleted.";
/// A message could not be deleted or read.
pub const FAILED: &str = "I am sorry. That did not work.";
/// After the last message.
pub const NO_MORE: &str = "There are no more messages.";
/// Before the first message.
pub const NO_EARLIER: &str = "There are no earlier messages.";
/// A key that means nothing.
pub const NOT_OFFERED: &str = "That is not one of the choices.";
/// The end.
pub const GOODBYE: &str = "Goodbye.";
/// Nobody who has proven anything may come in.
pub const SHUT: &str = "This mailbox cannot be opened from here.";

/// `You have 2 new messages and 1 old message.`
#[must_use]
pub fn counts(waiting: Waiting) -> String {
    let some = |count: u32, kind: &str| match count {
        1 => format!("1 {kind} message"),
        many => format!("{many} {kind} messages"),
    };
    match (waiting.new, waiting.old) {
        (0, 0) => "You have no messages.".to_owned(),
        (new, 0) => format!("You have {}.", some(new, "new")),
        (0, old) => format!("You have {}.", some(old, "old")),
        (new, old) => format!("You have {} and {}.", some(new, "new"), some(old, "old")),
    }
}

/// `Message 1. From plus 4 4 2 0. Received today at 9:30 AM.`
#[must_use]
pub fn envelope(number: usize, entry: &Entry, zone: &TimeZone, now: UnixMs) -> String {
    format!("Message {number}. {}. {}.", from(&entry.caller), received(entry.began, zone, now))
}

fn from(caller: &Caller) -> String {
    let spoken: String = match (caller.name.trim(), caller.number.trim()) {
        ("", "") => "an unknown caller".to_owned(),
        ("", number) if number.chars().all(|c| c.is_ascii_digit() || "+ -()".contains(c)) => {
            let words = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').map(|c| if c == '+' { "plus".to_owned() } else { c.to_string() });
            words.collect::<Vec<_>>().join(" ")
        }
        ("", number) => number.to_owned(),
        (name, _) => name.to_owned(),
    };
    format!("From {spoken}")
}

/// `Received today at 9:30 AM`, `Received yesterday at …`, `Received on November 22nd at …`.
fn received(at: UnixMs, zone: &TimeZone, now: UnixMs) -> String {
    let local = |moment: UnixMs| -> Option<Zoned> {
        let timestamp = Timestamp::from_millisecond(i64::try_from(moment.0).ok()?).ok()?;
        Some(timestamp.to_zoned(zone.clone()))
    };
    let (Some(at), Some(now)) = (local(at), local(now)) else { return "Received at an unknown time".to_owned() };
    let day = if at.date() == now.date() {
        "today".to_owned()
    } else if now.date().yesterday().is_ok_and(|before| before == at.date()) {
        "yesterday".to_owned()
    } else {
        format!("on {} {}", month(at.month()), ordinal(at.day()))
    };
    let (hour, half) = match at.hour() {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!("Received {day} at {hour}:{:02} {half}", at.minute())
}

const fn month(number: i8) -> &'static str {
    const MONTHS: [&str; 12] = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ];
    match number {
        1..=12 => MONTHS[number as usize - 1],
        _ => "",
    }
}

fn ordinal(day: i8) -> String {
    let ending = match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use terms::MessageId;

    #[test]
    fn counts_are_told_as_people_say_them() {
        let told = |new, old| counts(Waiting { new, old });
        assert_eq!(told(0, 0), "You have no messages.");
        assert_eq!(told(1, 0), "You have 1 new message.");
        assert_eq!(told(2, 1), "You have 2 new messages and 1 old message.");
        assert_eq!(told(0, 7), "You have 7 old messages.");
    }

    #[test]
    fn an_envelope_says_who_and_when_in_the_mailboxs_own_zone() {
        let london = TimeZone::get("Europe/London").unwrap();
        // 2026-11-22 09:05 UTC; in July London is an hour ahead.
        let (november, july) = (UnixMs(1_795_338_300_000), UnixMs(1_784_365_500_000));
        let told = |number: &str, name: &str, began, now| {
            let (id, caller) = (MessageId::new(1, [1; 10]), Caller::new(number, name));
            envelope(2, &Entry { id, caller, began, length: Duration::from_secs(4), heard: false }, &london, now)
        };
        let day = 86_400_000;
        assert_eq!(told("+4420", "", november, november), "Message 2. From plus 4 4 2 0. Received today at 9:05 AM.");
        assert_eq!(told("", "Ada", november, UnixMs(november.0 + day)), "Message 2. From Ada. Received yesterday at 9:05 AM.");
        assert_eq!(told("", "", july, november), "Message 2. From an unknown caller. Received on July 18th at 10:05 AM.");
        assert_eq!(told("bob", "", UnixMs(november.0 + day / 2), november), "Message 2. From bob. Received today at 9:05 PM.");
    }
}
