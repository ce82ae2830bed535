//! The PIN of a mailbox: never kept in the clear, never weak, never guessed at leisure (RELIABILITY A10).
//!
//! ```text
//!  PinGuard:  open ── a try (counted before its PIN is looked at) ──▶ open … the tenth wrong one within any hour ──▶ locked, each
//!             time twice as long ──▶ open;   a right PIN forgets everything
//! ```

use crate::limits::{
    PIN_DIGITS, PIN_HASH_MEMORY_KIB, PIN_HASH_MEMORY_KIB_MAX, PIN_HASH_PASSES_MAX, PIN_LOCK_FIRST, PIN_LOCK_LONGEST, PIN_WINDOW,
    PIN_WRONG_MAX,
};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use terms::{Secret, UnixMs};

/// The hash of a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin(Secret<String>);

/// Why a PIN cannot be one. The PIN itself is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinFault {
    /// Other characters, or too few or many.
    #[error("a PIN has {} to {} digits", PIN_DIGITS.start(), PIN_DIGITS.end())]
    Digits,
    /// `0000`, `777777`.
    #[error("a PIN of one digit repeated is the first that is tried")]
    OneDigit,
    /// `1234`, `987654`.
    #[error("a PIN of digits in a row is the first that is tried")]
    Row,
    /// Among the dozen most used.
    #[error("this PIN is among the most used ones")]
    Common,
    /// Part of a number or user that leads to the mailbox.
    #[error("a PIN that is part of the mailbox's own number is the first that is tried")]
    OwnNumber,
    /// Not the text of an Argon2 hash, or one that would cost too much to check.
    #[error("this is no Argon2id hash of a PIN")]
    Hash,
}

impl Pin {
    /// From its hash as `callflow pin` prints it: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    ///
    /// # Errors
    /// [`PinFault::Hash`], also when checking it would take more than 64 MiB or ten passes.
    pub fn from_hash(text: &str) -> Result<Self, PinFault> {
        let hash = PasswordHash::new(text).map_err(|_| PinFault::Hash)?;
        let params = Params::try_from(&hash).map_err(|_| PinFault::Hash)?;
        let is_cheap = params.m_cost() <= PIN_HASH_MEMORY_KIB_MAX && params.t_cost() <= PIN_HASH_PASSES_MAX && params.p_cost() == 1;
        if hash.algorithm.as_str() != "argon2id" || hash.hash.is_none() || !is_cheap {
            return Err(PinFault::Hash);
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// From its digits. `salt`: 16 random bytes; `own`: numbers and users that lead to the mailbox.
    ///
    /// # Errors
    /// What makes it weak.
    pub fn from_digits(digits: &str, salt: &[u8; 16], own: &[String]) -> Result<Self, PinFault> {
        if let Some(fault) = weakness(digits, own) {
            return Err(fault);
        }
        let params = Params::new(PIN_HASH_MEMORY_KIB, 2, 1, None).map_err(|_| PinFault::Hash)?;
        let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_with_salt(digits.as_bytes(), salt);
        hashed.map(|hash: PasswordHash| Self(Secret::new(hash.to_string()))).map_err(|_| PinFault::Hash)
    }

    /// Whether these are its digits. Takes some milliseconds on purpose: not for a thread that carries media.
    #[must_use]
    pub fn is(&self, digits: &str) -> bool {
        Argon2::default().verify_password(digits.as_bytes(), self.0.expose().as_str()).is_ok()
    }

    /// The hash as text, for the configuration.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.expose()
    }
}

/// The most used PINs that are neither rows nor one digit (published lists of leaked ones agree on these).
const COMMON: [&str; 12] =
    ["1212", "2580", "1004", "2000", "1122", "1313", "6969", "1010", "2468", "1357", "123123", "121212"];

/// What makes a PIN weak, if anything does.
#[must_use]
pub fn weakness(digits: &str, own: &[String]) -> Option<PinFault> {
    let bytes = digits.as_bytes();
    if !PIN_DIGITS.contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_digit) {
        return Some(PinFault::Digits);
    }
    let steps = |by: u8| bytes.windows(2).all(|pair| (pair[0] - b'0' + by) % 10 == pair[1] - b'0');
    if steps(0) {
        return Some(PinFault::OneDigit);
    }
    if steps(1) || steps(9) {
        return Some(PinFault::Row);
    }
    if COMMON.contains(&digits) {
        return Some(PinFault::Common);
    }
    let is_own = |number: &String| number.chars().filter(char::is_ascii_digit).collect::<String>().contains(digits);
    own.iter().any(is_own).then_some(PinFault::OwnNumber)
}

/// May a PIN be tried?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinTry {
    /// Yes; it counts as wrong until [`PinGuard::right`] says otherwise.
    Allowed,
    /// Not before this moment.
    Locked {
        /// When the lock opens.
        until: UnixMs,
    },
}

/// What came of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinVerdict {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// It was not looked at: too many were wrong of late.
    Locked,
}

/// Counts the wrong PINs of one mailbox over all calls. Whoever keeps it keeps it on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinGuard {
    /// When wrong ones were tried within the last hour, since the last lock: fewer than [`PIN_WRONG_MAX`], oldest first.
    pub wrong: Vec<UnixMs>,
    /// No PIN is looked at before this.
    pub locked_until: UnixMs,
    /// Locks since the last right PIN: each is twice as long as the one before.
    pub locks: u32,
}

impl Default for PinGuard {
    fn default() -> Self {
        Self { wrong: Vec::new(), locked_until: UnixMs(0), locks: 0 }
    }
}

impl PinGuard {
    /// Somebody wants to try a PIN.
    pub fn attempt(&mut self, now: UnixMs) -> PinTry {
        if now < self.locked_until {
            return PinTry::Locked { until: self.locked_until };
        }
        // One that counts from a time to come was tried before the clock was set back.
        self.wrong.retain(|tried| now.0.saturating_sub(tried.0) < PIN_WINDOW.as_millis() as u64);
        self.wrong.push(now);
        if self.wrong.len() >= PIN_WRONG_MAX {
            let span = PIN_LOCK_FIRST.saturating_mul(1 << self.locks.min(16)).min(PIN_LOCK_LONGEST);
            self.locked_until = UnixMs(now.0.saturating_add(span.as_millis() as u64));
            self.locks = self.locks.saturating_add(1);
            self.wrong.clear();
        }
        PinTry::Allowed
    }

    /// The PIN tried last was right.
    pub fn right(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> UnixMs {
        UnixMs(n * 60_000)
    }

    #[test]
    fn a10_weak_pins_are_refused_and_the_others_are_kept_hashed() {
        let own = ["+44 20 7183 8750".to_owned(), "sales42".to_owned()];
        for (digits, fault) in [
            ("123", PinFault::Digits),
            ("12345678901", PinFault::Digits),
            ("12a4", PinFault::Digits),
            ("0000", PinFault::OneDigit),
            ("1234", PinFault::Row),
            ("8901", PinFault::Row),
            ("4321", PinFault::Row),
            ("2580", PinFault::Common),
            ("8750", PinFault::OwnNumber),
            ("1838", PinFault::OwnNumber),
        ] {
            assert_eq!(Pin::from_digits(digits, &[7; 16], &own), Err(fault), "{digits}");
        }
        let pin = Pin::from_digits("4711", &[7; 16], &own).unwrap();
        assert!(pin.is("4711") && !pin.is("4712") && !pin.is(""));
        assert!(pin.hash().starts_with("$argon2id$") && !pin.hash().contains("4711") && !format!("{pin:?}").contains("argon2id"));
        assert_eq!(Pin::from_hash(pin.hash()).as_ref(), Ok(&pin));
        for bad in ["", "4711", "$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Pin::from_hash(bad), Err(PinFault::Hash), "{bad}");
        }
    }

    #[test]
    fn a10_the_tenth_wrong_pin_within_an_hour_locks_longer_each_time() {
        let mut guard = PinGuard::default();
        let mut tried = 0;
        let mut locks = Vec::new();
        for minute in 0..24 * 60 {
            match guard.attempt(minutes(minute)) {
                PinTry::Allowed => tried += 1,
                PinTry::Locked { until } if locks.last() != Some(&until) => locks.push(until),
                PinTry::Locked { .. } => {}
            }
        }
        assert!(tried <= 100, "{tried} guesses in a day");
        let spans: Vec<u64> = locks.iter().map(|until| until.0 / 60_000).collect();
        assert_eq!(spans[..3], [9 + 15, 24 + 9 + 30, 63 + 9 + 60], "{spans:?}");
        guard.right();
        assert_eq!(guard, PinGuard::default());
    }

    #[test]
    fn the_tenth_pin_is_the_last_that_is_looked_at_until_the_lock_is_over_to_the_millisecond() {
        let mut guard = PinGuard::default();
        for nth in 1..=10 {
            assert_eq!(guard.attempt(UnixMs(nth)), PinTry::Allowed, "{nth}");
        }
        let until = UnixMs(10 + 15 * 60_000);
        assert_eq!([11, until.0 - 1].map(|at| guard.attempt(UnixMs(at))), [PinTry::Locked { until }; 2]);
        assert_eq!(guard.attempt(until), PinTry::Allowed);
        let mut guard = PinGuard::default();
        for nth in 1..=10 {
            assert_eq!(guard.attempt(UnixMs(nth)), PinTry::Allowed, "{nth}");
        }
        guard.right();
        assert_eq!(guard.attempt(UnixMs(11)), PinTry::Allowed, "a right one at the tenth try locks nothing");
    }

    /// However the tries lie to any hour, nine is the most that one holds without a lock.
    #[test]
    fn a10_the_hour_slides() {
        let mut guard = PinGuard::default();
        for second in (0..9).map(|nth| if nth == 0 { 0 } else { 59 * 60 + nth }) {
            assert_eq!(guard.attempt(UnixMs(second * 1_000)), PinTry::Allowed);
        }
        // The first of them is an hour old, the other eight are not.
        let begins = 3_600_000;
        assert_eq!([begins, begins + 1, begins + 2].map(|at| guard.attempt(UnixMs(at))), [PinTry::Allowed, PinTry::Allowed, PinTry::Locked { until: UnixMs(begins + 1 + 15 * 60_000) }]);
        // A guesser who knows the rule tries nine times an hour, and no more.
        let mut guard = PinGuard::default();
        let mut tried: Vec<u64> = Vec::new();
        for minute in 0..24 * 60 {
            if tried.iter().filter(|before| minute - **before < 60).count() < 9 {
                assert_eq!(guard.attempt(minutes(minute)), PinTry::Allowed);
                tried.push(minute);
            }
        }
        assert_eq!((tried.len(), guard.locks), (9 * 24, 0));
    }

    #[test]
    fn a_clock_that_is_set_back_opens_nothing() {
        let mut guard = PinGuard::default();
        for minute in [100, 101, 102, 40, 41, 42, 43, 44, 45, 46] {
            assert_eq!(guard.attempt(minutes(minute)), PinTry::Allowed);
        }
        assert_eq!(guard.attempt(minutes(47)), PinTry::Locked { until: minutes(46 + 15) });
    }

    #[test]
    fn wrong_pins_far_apart_lock_nothing() {
        let mut guard = PinGuard::default();
        for try_number in 0..100 {
            assert_eq!(guard.attempt(minutes(try_number * 8)), PinTry::Allowed, "{try_number}");
        }
    }
}
