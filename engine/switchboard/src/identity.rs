//! Who sent a request: by digest, never by what it claims. An unknown user, a wrong password and no password get one and
//! the same 401 (RELIABILITY A7).

use crate::front::Front;
use sip::{Flow, HeaderName, Request, ServerKey, Transport, digest::Verdict};
use std::cell::RefCell;
use terms::{Name, Now};

/// Bytes out for a byte in that an unproven sender over UDP may cause, in tenths (RELIABILITY D5, X5: 1.5).
const AMPLIFICATION_TENTHS: usize = 15;

/// What a request's credentials prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// To be this connection.
    Connection(Name),
    /// Nothing: there are none for the realm.
    Absent,
    /// Nothing: they are wrong. To be challenged like everybody else.
    Wrong,
    /// Nothing any more: the nonce is old or used up.
    Stale,
    /// Not looked at: too many wrong ones came for this user from here.
    Blocked,
    /// A user that has no password, for whom nobody can speak.
    Virtual,
}

impl Front {
    /// Judges the credentials of a request in a realm.
    pub(crate) fn proof(&mut self, request: &Request, source: Flow, realm: &Name, now: Now) -> Proof {
        let from = source.peer.ip().to_canonical();
        let directory = self.directory.clone();
        let Some(authenticator) = self.authenticators.get_mut(realm) else { return Proof::Absent };
        let asked: RefCell<Option<String>> = RefCell::new(None);
        let verdict = authenticator.verify(&request.method, &request.headers, now.unix.0 / 1_000, from, |user, algorithm| {
            *asked.borrow_mut() = Some(user.chars().take(crate::limits::USER_BYTES_MAX).collect());
            directory.user(realm, user).and_then(|c| c.passwords.as_ref()).map(|passwords| passwords.of(algorithm))
        });
        let user = asked.into_inner();
        let key = user.as_ref().map(|user| format!("{realm}/{user}"));
        if let Some(key) = &key
            && self.guesses.refuses(key, from, now.at)
        {
            // The verdict is not told, so a guess here teaches nothing.
            self.counters.guesses_blocked += 1;
            return Proof::Blocked;
        }
        match verdict {
            Verdict::NoCredentials => Proof::Absent,
            Verdict::Stale | Verdict::Replayed => Proof::Stale,
            Verdict::Ok { user } => match directory.user(realm, &user) {
                Some(connection) => {
                    self.guesses.right(&format!("{realm}/{user}"), from);
                    Proof::Connection(connection.name.clone())
                }
                None => Proof::Wrong,
            },
            Verdict::Refused => {
                let nobody = user.as_deref().and_then(|user| directory.user(realm, user)).is_some_and(|c| c.passwords.is_none());
                if nobody {
                    return Proof::Virtual;
                }
                self.counters.wrong_passwords += 1;
                if let Some(key) = &key {
                    self.guesses.wrong(key, from, now.at);
                }
                tracing::debug!(peer = %source.peer, method = %request.method, "wrong credentials");
                Proof::Wrong
            }
        }
    }

    /// Challenges a request: one packet, nothing kept. Over UDP, where the source may be forged, the better algorithm is left
    /// out when the answer would be much longer than the question.
    pub(crate) fn challenge(&mut self, transaction: ServerKey, request: &Request, source: Flow, realm: &Name, stale: bool, now: Now) {
        let Some(authenticator) = self.authenticators.get(realm) else {
            self.refuse(transaction, request, 403, now);
            return;
        };
        self.counters.challenged += 1;
        let mut values = authenticator.challenge(now.unix.0 / 1_000, source.peer.ip().to_canonical(), stale);
        let mut response = request.respond(401, "");
        if source.transport == Transport::Udp {
            let asked = request.to_bytes().len();
            let answered = response.to_bytes().len() + values.iter().map(|v| v.len() + "WWW-Authenticate: \r\n".len()).sum::<usize>();
            // A To tag is added later: 31 bytes.
            if (answered + 31) * 10 > asked * AMPLIFICATION_TENTHS {
                keep_last(&mut values);
            }
        }
        if knows_one_hash(request) {
            keep_last(&mut values);
        }
        for value in values {
            response.headers.push(HeaderName::WwwAuthenticate, value);
        }
        self.stateless(transaction, response, now);
    }
}

/// Leaves the challenge that every phone understands (MD5, offered last).
fn keep_last(values: &mut Vec<String>) {
    values.drain(..values.len().saturating_sub(1));
}

/// Phones that give up at a second challenge instead of passing over the hash they do not know (against RFC 8760 §2.4): seen with
/// baresip 1.0, the version of Debian 12.
fn knows_one_hash(request: &Request) -> bool {
    const GIVE_UP: [&str; 2] = ["baresip v0.", "baresip v1."];
    let agent = request.headers.get(HeaderName::UserAgent).unwrap_or_default();
    GIVE_UP.iter().any(|start| agent.starts_with(start))
}
