//! `callflow pin`: makes the hash of a mailbox PIN for the configuration.

use super::{complain, say};
use std::{io::BufRead as _, process::ExitCode};
use voicemail::Pin;

/// Reads a PIN from standard input and prints its hash; refuses a weak one. `numbers` are those that lead to the mailbox.
pub(super) fn pin(numbers: &[String]) -> ExitCode {
    let mut line = String::new();
    if let Err(fault) = std::io::stdin().lock().read_line(&mut line) {
        complain(&format!("the PIN cannot be read: {fault}"));
        return ExitCode::FAILURE;
    }
    let Some(salt) = crate::config::salt() else {
        complain("no random bytes for a salt");
        return ExitCode::FAILURE;
    };
    match Pin::from_digits(line.trim(), &salt, numbers) {
        Ok(pin) => {
            say(pin.hash());
            ExitCode::SUCCESS
        }
        Err(fault) => {
            complain(&fault.to_string());
            ExitCode::FAILURE
        }
    }
}
