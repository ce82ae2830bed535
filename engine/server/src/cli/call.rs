//! `callflow call`.

use super::{CallArgs, complain};
use phone::{CallOptions, Protocol};
use std::{io, process::ExitCode};
use terms::Secret;

/// Where the password may come from, so that it need not stand in the shell's history.
const PASSWORD: &str = "CALLFLOW_PASSWORD";
/// Wrong usage.
const USAGE: u8 = 2;

pub(super) fn call(args: CallArgs) -> ExitCode {
    let as_user = match args.as_user.as_deref().map(credentials).transpose() {
        Ok(as_user) => as_user,
        Err(why) => {
            complain(&format!("error: {why}"));
            return ExitCode::from(USAGE);
        }
    };
    let options = CallOptions {
        as_user,
        register: !args.no_register,
        server: args.server,
        protocol: if args.tcp { Protocol::Tcp } else { Protocol::Udp },
        press: args.press,
        listen_first: args.listen_first,
        speak: args.speak,
        finish: Some(args.finish).filter(|digits| !digits.is_empty()),
        record: args.record,
        ring_at_most: args.ring_at_most,
        stay: args.stay,
        at_most: args.at_most,
        ..CallOptions::new(args.target)
    };
    let outcome = phone::call(&options, &mut io::stdout().lock());
    ExitCode::from(outcome.exit_code())
}

/// `USER:PASSWORD`, or `USER` with the password in the environment.
fn credentials(text: &str) -> Result<(String, Secret<String>), String> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, password.to_owned()),
        None => (text, std::env::var(PASSWORD).map_err(|_| format!("--as needs USER:PASSWORD, or the password in {PASSWORD}"))?),
    };
    if user.is_empty() {
        return Err("--as needs a user before the colon".to_owned());
    }
    Ok((user.to_owned(), Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_all_after_the_first_colon() {
        let (user, password) = credentials("alice:a:b").unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("alice", "a:b"));
        assert!(credentials(":x").is_err());
    }
}
