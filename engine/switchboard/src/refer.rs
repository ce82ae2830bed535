//! Where a caller's own telephone may be sent (REFER): the policy of [`crate::policy`] and `locate.rs`, answered as an address
//! that the telephone can dial.
//!
//! A telephone that is sent to a connection or number of ours dials us again, as itself, and is judged again. A number behind
//! a trunk is dialled through us too, unless the call came by that very trunk, which then connects it itself.

use crate::{
    directory::Trunk,
    front::Front,
    limits::TARGET_BYTES_MAX,
    number::E164,
    policy::{self, Why},
};
use call::{Answer, Origin, Ticket, ToShard};
use sip::Uri;
use terms::{CallId, Name};

impl Front {
    /// Finds the address for a REFER and tells the call. `dialled` is the address by which the caller reached us.
    pub(crate) fn refer_to(&mut self, call: CallId, ticket: Ticket, target: &str, dialled: &Uri, (origin, realm): (&Origin, &Name)) {
        let found = if target.len() > TARGET_BYTES_MAX || target.chars().any(char::is_control) {
            Err("no such target".to_owned())
        } else {
            self.address_for(target, dialled, origin, realm)
        };
        if let Err(why) = &found {
            self.counters.outbound_refused += 1;
            tracing::debug!(%call, target, why, "caller not sent there");
        }
        self.tell_call(call, ToShard::Answer { call, ticket, answer: Answer::ReferTo(found) });
    }

    fn address_for(&self, target: &str, dialled: &Uri, origin: &Origin, realm: &Name) -> Result<Uri, Why> {
        let directory = &self.directory;
        let through_us = |user: &str| {
            let mut uri = dialled.clone();
            uri.set_user(user);
            uri.params.remove("user");
            uri
        };
        if let Some(name) = target.strip_prefix("connection/") {
            let connection = directory.connection(name).filter(|connection| connection.realm == *realm);
            return connection.map(|connection| through_us(&connection.user)).ok_or_else(|| format!("there is no connection {name}"));
        }
        if let Some(number) = target.strip_prefix("number/") {
            if let Some(own) = directory.number(realm, number) {
                return Ok(through_us(own.number.as_str()));
            }
            let number = E164::dialled(number).ok_or_else(|| format!("{number:?} is no telephone number"))?;
            policy::may_leave(origin)?;
            let trunk = policy::trunk_for(directory, realm, &number)?;
            return Ok(match origin {
                Origin::Trunk(name) if *name == trunk.name => at_trunk(trunk, &number),
                Origin::Trunk(_) | Origin::Connection(_) | Origin::Unknown => through_us(number.as_str()),
            });
        }
        if let Some(rest) = target.strip_prefix("trunk/") {
            let (name, number) = rest.split_once(['/', ':']).ok_or("a trunk target is trunk/NAME/NUMBER")?;
            policy::may_leave(origin)?;
            let trunk = directory.trunk(name).filter(|trunk| trunk.realm == *realm).ok_or_else(|| format!("there is no trunk {name}"))?;
            let number = E164::dialled(number).ok_or_else(|| format!("{number:?} is no telephone number"))?;
            policy::may_dial(trunk, &number)?;
            return match origin {
                Origin::Trunk(own) if *own == trunk.name => Ok(at_trunk(trunk, &number)),
                Origin::Trunk(_) | Origin::Connection(_) | Origin::Unknown => {
                    Err(format!("only a caller of trunk {name} can be sent to it by name: use number/{number}"))
                }
            };
        }
        let uri = Uri::parse(target).map_err(|bad| format!("{target:?} is no target: {bad}"))?;
        if self.is_ours(&uri) {
            let user = uri.user().unwrap_or_default();
            let known = directory.user(realm, &user).is_some() || directory.number(realm, &user).is_some();
            return if known { Ok(uri) } else { Err(format!("nobody here is called {user}")) };
        }
        policy::may_dial_uri(directory, origin, &uri)?;
        Ok(uri)
    }
}

fn at_trunk(trunk: &Trunk, number: &E164) -> Uri {
    let mut uri = trunk.address.clone();
    uri.set_user(&trunk.format.write(number));
    uri
}
