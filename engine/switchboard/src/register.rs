//! REGISTER: who may, and what is answered (RFC 3261 §10.3; RELIABILITY A3).

use crate::{
    front::{Asked, Front},
    identity::Proof,
};
use registrar::{Refusal, Register, Reply};
use sip::{Flow, HeaderName, Host, NameAddr, Request, ServerKey};
use terms::{Name, Now};

impl Front {
    pub(crate) fn register(&mut self, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        if self.is_draining {
            return self.shed(transaction, &request, now);
        }
        let realm = self.realm_of(&request);
        let connection = match self.proof(&request, source, &realm, now) {
            Proof::Connection(connection) => connection,
            Proof::Absent | Proof::Wrong => return self.challenge(transaction, &request, source, &realm, false, now),
            Proof::Stale => return self.challenge(transaction, &request, source, &realm, true, now),
            Proof::Blocked | Proof::Virtual => return self.refuse(transaction, &request, 403, now),
        };
        if !self.is_own_address(&request, &connection) {
            tracing::warn!(%connection, peer = %source.peer, "REGISTER for somebody else: refused");
            return self.refuse(transaction, &request, 403, now);
        }
        let keep_path = self.believes_path(&request, source);
        match Register::read(&request, connection, source, keep_path) {
            Ok(register) => {
                let key = Asked { transaction, request };
                self.registrar.handle(registrar::Input::Register { key, register: Box::new(register) }, now);
            }
            Err(unreadable) => {
                let response = request.respond(400, unreadable.0);
                self.stateless(transaction, response, now);
            }
        }
    }

    /// Whether To is the connection's own address of record: nobody registers for another.
    fn is_own_address(&self, request: &Request, connection: &Name) -> bool {
        let user = self.directory.connection(connection.as_str()).map(|c| c.user.as_str());
        let to = request.headers.to();
        to.as_ref().and_then(|to| to.uri.user()).as_deref() == user
    }

    /// A Path sends our INVITEs where it says, so it is believed of proxies we know, and of one that names its own address.
    fn believes_path(&self, request: &Request, source: Flow) -> bool {
        let peer = source.peer.ip().to_canonical();
        let first = request.headers.list(HeaderName::Path).next().and_then(NameAddr::parse);
        self.directory.trunk_at(peer).is_some()
            || first.is_some_and(|hop| matches!(hop.uri.host, Host::Ip(host) if host.to_canonical() == peer))
    }

    pub(crate) fn answer_register(&mut self, asked: &Asked, reply: &Reply, now: Now) {
        let Asked { transaction, request } = asked;
        match reply {
            Reply::Ok { contacts, path } => {
                let mut response = request.respond(200, "");
                for contact in contacts {
                    response.headers.push(HeaderName::Contact, contact);
                }
                for hop in path {
                    response.headers.push(HeaderName::Path, hop);
                }
                self.endpoint.handle(sip::Input::Respond { transaction: *transaction, response }, now.at);
                // A lamp that was off, or told of what was heard since.
                let (directory, realm) = (self.directory.clone(), self.realm_of(request));
                let user = request.headers.to().and_then(|to| to.uri.user().map(|user| user.to_string()));
                if let Some(connection) = user.and_then(|user| directory.user(&realm, &user)) {
                    self.light(&connection.name, now);
                }
            }
            Reply::Refused(refusal) => {
                tracing::debug!(code = refusal.code(), why = %refusal, "REGISTER refused");
                let phrase = match refusal {
                    Refusal::Malformed(why) => *why,
                    Refusal::OutOfOrder | Refusal::Contact(_) | Refusal::TooManyDevices | Refusal::TooBrief { .. } => "",
                    Refusal::NotStored => "",
                    Refusal::Busy => return self.shed(*transaction, request, now),
                };
                let mut response = request.respond(refusal.code(), phrase);
                if let Refusal::TooBrief { min_s } = refusal {
                    response.headers.push(HeaderName::MinExpires, min_s.to_string());
                }
                self.stateless(*transaction, response, now);
            }
        }
    }
}
