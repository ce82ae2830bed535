//! PINs of mailboxes: digits, which are checked and hashed at once, or a hash as `callflow pin` prints it.

use super::read::Reading;
use notation::Node;
use std::collections::BTreeMap;
use switchboard::{Connection, Number, NumberTarget};
use terms::Name;
use voicemail::Pin;

/// The numbers and users that lead to each mailbox: a PIN that is part of one is the first that is tried.
pub(super) fn own_numbers(connections: &[Connection], numbers: &[Number]) -> BTreeMap<Name, Vec<String>> {
    let mut own: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    for connection in connections {
        let Some(mailbox) = &connection.mailbox else { continue };
        let caller_id = connection.caller_id.as_ref().map(ToString::to_string);
        own.entry(mailbox.clone()).or_default().extend(caller_id.into_iter().chain([connection.user.clone()]));
    }
    for number in numbers {
        let mailbox = match &number.to {
            NumberTarget::Connection(name) => connections.iter().find(|c| c.name == *name).and_then(|c| c.mailbox.clone()),
            NumberTarget::Flow(_) => number.mailbox.clone(),
        };
        if let Some(mailbox) = mailbox {
            own.entry(mailbox).or_default().push(number.number.to_string());
        }
    }
    own
}

/// Reads a PIN. What is written is never shown.
pub(super) fn pin(reading: &mut Reading, node: &Node, own: &[String]) -> Option<Pin> {
    let written = reading.secret(node)?;
    let text = written.expose().trim();
    let read = if text.starts_with('$') {
        Pin::from_hash(text)
    } else {
        let Some(salt) = salt() else { return reading.refuse(node.span, "no random bytes for a salt".to_owned()) };
        Pin::from_digits(text, &salt, own)
    };
    match read {
        Ok(pin) => Some(pin),
        Err(fault) => {
            let help = "write digits, better from the environment (${SALES_PIN}), or the hash that `callflow pin` prints";
            reading.reader.error("wrong-type", node.span, fault.to_string()).help(help);
            None
        }
    }
}

/// 16 random bytes of the system.
pub(crate) fn salt() -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(bytes.get_mut(filled..)?, rustix::rand::GetRandomFlags::empty()).ok()?;
    }
    Some(bytes)
}
