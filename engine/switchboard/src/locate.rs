//! Where a target leads: devices, an external registrar, a trunk, a SIP address. Bridge, REFER and 302 all come here.

use crate::{
    directory::{Connection, NumberTarget, Trunk},
    front::{Front, Output},
    limits::{BRANCHES_MAX, TARGET_BYTES_MAX},
    number::E164,
    policy::{self, Why},
    table::Caller,
};
use call::{Answer, Branch, Origin, Ticket, ToShard};
use registrar::Way;
use sip::{Host, NameAddr, NextHop, Transport, Uri};
use terms::{CallId, Dtmf, Name, Now};

/// Who asks, and for which call.
struct Asker<'a> {
    call: CallId,
    origin: &'a Origin,
    realm: &'a Name,
    now: Now,
}

impl Front {
    /// Finds the branches of a target and tells the call.
    pub(crate) fn locate(&mut self, call: CallId, ticket: Ticket, target: &str, origin: &Origin, realm: &Name, now: Now) {
        let asker = Asker { call, origin, realm, now };
        let found = if target.len() > TARGET_BYTES_MAX || target.chars().any(char::is_control) {
            Err("no such target".to_owned())
        } else {
            self.branches(target, &asker)
        };
        if let Err(why) = &found {
            self.counters.outbound_refused += 1;
            tracing::debug!(%call, target, why, "not dialled");
        }
        self.tell_call(call, ToShard::Answer { call, ticket, answer: Answer::Located(found) });
    }

    fn branches(&mut self, target: &str, asker: &Asker<'_>) -> Result<Vec<Branch>, Why> {
        let directory = self.directory.clone();
        if let Some(name) = target.strip_prefix("connection/") {
            let connection = directory.connection(name).filter(|c| c.realm == *asker.realm);
            return self.connection_branches(connection.ok_or_else(|| format!("there is no connection {name}"))?, target, asker);
        }
        if let Some(dialled) = target.strip_prefix("number/") {
            if let Some(number) = directory.number(asker.realm, dialled) {
                return match &number.to {
                    NumberTarget::Connection(name) => {
                        let connection = directory.connection(name.as_str());
                        self.connection_branches(connection.ok_or_else(|| format!("there is no connection {name}"))?, target, asker)
                    }
                    NumberTarget::Flow(flow) => Err(format!("number {} runs flow {flow}: it has no device to ring", number.number)),
                };
            }
            let number = E164::dialled(dialled).ok_or_else(|| format!("{dialled:?} is no telephone number"))?;
            policy::may_leave(asker.origin)?;
            let trunk = policy::trunk_for(&directory, asker.realm, &number)?;
            return self.trunk_branch(trunk, &number, target, asker).map(|branch| vec![branch]);
        }
        if let Some(rest) = target.strip_prefix("trunk/") {
            let (name, dialled) = rest.split_once(['/', ':']).ok_or("a trunk target is trunk/NAME/NUMBER")?;
            policy::may_leave(asker.origin)?;
            let trunk = directory.trunk(name).filter(|t| t.realm == *asker.realm);
            let trunk = trunk.ok_or_else(|| format!("there is no trunk {name}"))?;
            let number = E164::dialled(dialled).ok_or_else(|| format!("{dialled:?} is no telephone number"))?;
            policy::may_dial(trunk, &number)?;
            return self.trunk_branch(trunk, &number, target, asker).map(|branch| vec![branch]);
        }
        let uri = Uri::parse(target).map_err(|bad| format!("{target:?} is no target: {bad}"))?;
        self.uri_branches(uri, target, asker)
    }

    fn connection_branches(&mut self, connection: &Connection, name: &str, asker: &Asker<'_>) -> Result<Vec<Branch>, Why> {
        let directory = self.directory.clone();
        if let Some(via) = &connection.via {
            policy::may_leave(asker.origin)?;
            let trunk = directory.trunk(via.as_str()).ok_or_else(|| format!("there is no trunk {via}"))?;
            let mut branch = self.branch_by(trunk, &connection.user, None, name, asker)?;
            if let Some(codecs) = &connection.codecs {
                branch.codecs.clone_from(codecs);
            }
            return Ok(vec![branch]);
        }
        let to = Uri::sip(&connection.user, self.host_of(&connection.realm), None);
        let from = self.shown_as(asker, None);
        let codecs = connection.codecs.as_ref().unwrap_or(&self.settings.codecs).clone();
        let reaches = self.registrar.contacts(&connection.name, asker.now);
        let mut refused = None;
        let mut branches = Vec::new();
        for reach in reaches.into_iter().take(BRANCHES_MAX) {
            let (hop, pinned, route) = match reach.way {
                Way::Flow(flow) => (NextHop::Flow(flow), true, Vec::new()),
                Way::Contact => (NextHop::Uri(reach.uri.clone()), false, Vec::new()),
                Way::Path(path) => {
                    let first = path.first().and_then(|hop| NameAddr::parse(hop)).map(|hop| hop.uri);
                    (NextHop::Uri(first.unwrap_or_else(|| reach.uri.clone())), false, path)
                }
            };
            let contact = self.contact_for(&hop, &to);
            match self.srtp_toward(connection.srtp, &hop) {
                Ok(srtp) => branches.push(Branch {
                    name: name.to_owned(),
                    uri: reach.uri,
                    to: to.clone(),
                    from: from.clone(),
                    hop,
                    pinned,
                    contact,
                    route,
                    trusted: false,
                    codecs: codecs.clone(),
                    srtp,
                    dtmf: connection.dtmf,
                }),
                Err(why) => refused = Some(why),
            }
        }
        // A device that keys cannot be told is as if it were not there, unless there is no other.
        match refused.filter(|_| branches.is_empty()) {
            Some(why) => Err(why),
            None => Ok(branches),
        }
    }

    /// A number out through a trunk: counted against whoever answers for the call.
    fn trunk_branch(&mut self, trunk: &Trunk, number: &E164, name: &str, asker: &Asker<'_>) -> Result<Branch, Why> {
        let Some(caller) = self.table.get(asker.call).map(|entry| entry.caller.clone()) else {
            return Err("the call is over".to_owned());
        };
        let most = self.settings.limits.outbound_an_hour;
        if self.outbound.at_least_last_window(&caller, asker.now.at) >= most {
            let why = format!("{most} outbound calls within the hour: the limit of this caller");
            let who = match &caller {
                Caller::Connection(name) => format!("connection {name}"),
                Caller::Trunk(name) => format!("trunk {name}"),
                Caller::Unknown(address) => format!("{address}"),
            };
            tracing::warn!(call = %asker.call, who, "fraud limit: outbound call refused");
            self.outputs.push_back(Output::FraudLimit { call: asker.call, who, why: why.clone() });
            return Err(why);
        }
        self.outbound.add(caller, asker.now.at);
        let user = trunk.format.write(number);
        self.branch_by(trunk, &user, trunk.caller_id.as_ref(), name, asker)
    }

    fn branch_by(&self, trunk: &Trunk, user: &str, caller_id: Option<&E164>, name: &str, asker: &Asker<'_>) -> Result<Branch, Why> {
        let mut uri = trunk.address.clone();
        uri.set_user(user);
        let own_number = match asker.origin {
            Origin::Connection(name) => self.directory.connection(name.as_str()).and_then(|c| c.caller_id.as_ref()),
            Origin::Trunk(_) | Origin::Unknown => None,
        };
        let from = self.shown_as(asker, own_number.or(caller_id));
        let hop = NextHop::Uri(trunk.address.clone());
        let contact = self.contact_for(&hop, &from);
        let to = Uri::sip(user, trunk.address.host.clone(), None);
        let codecs = trunk.codecs.as_ref().unwrap_or(&self.settings.codecs).clone();
        let srtp = self.srtp_toward(trunk.srtp, &hop)?;
        Ok(Branch { name: name.to_owned(), uri, to, from, hop, pinned: false, contact, route: Vec::new(), trusted: trunk.identity, codecs, srtp, dtmf: trunk.dtmf })
    }

    fn uri_branches(&mut self, uri: Uri, name: &str, asker: &Asker<'_>) -> Result<Vec<Branch>, Why> {
        let directory = self.directory.clone();
        if self.is_ours(&uri) {
            // One of our own users: ring the devices; going out and in again would be a loop.
            let user = uri.user().unwrap_or_default();
            let found = directory.user(asker.realm, &user);
            return self.connection_branches(found.ok_or("the address is this exchange's own, and no user of it")?, name, asker);
        }
        policy::may_dial_uri(&directory, asker.origin, &uri)?;
        let from = self.shown_as(asker, None);
        let hop = NextHop::Uri(uri.clone());
        let contact = self.contact_for(&hop, &from);
        let (to, route) = (uri.clone(), Vec::new());
        let srtp = self.srtp_toward(None, &hop)?;
        Ok(vec![Branch { name: name.to_owned(), uri, to, from, hop, pinned: false, contact, route, trusted: false, codecs: self.settings.codecs.clone(), srtp, dtmf: Dtmf::default() }])
    }

    /// Whether a URI leads to this exchange.
    pub(crate) fn is_ours(&self, uri: &Uri) -> bool {
        let host = uri.host.to_string();
        let place = format!("{host}:{}", uri.port.unwrap_or(5_060));
        let named = |text: &str| text.eq_ignore_ascii_case(&place) || (uri.port.is_none() && text.eq_ignore_ascii_case(&host));
        let port_is_ours = uri.port.is_none_or(|port| self.settings.listeners.iter().any(|l| l.local.port() == port));
        self.settings.listeners.iter().any(|l| named(&l.advertised) || named(&l.local.to_string()))
            || (port_is_ours && self.directory.realm_of_domain(&host).is_some())
    }

    /// The From address of a leg: a number of ours, or the caller's, at the realm's own host.
    fn shown_as(&self, asker: &Asker<'_>, number: Option<&E164>) -> Uri {
        let caller = self.table.get(asker.call).map(|entry| entry.from.as_str()).filter(|from| !from.is_empty());
        let user = number.map(E164::as_str).or(caller).unwrap_or("anonymous");
        Uri::sip(user, self.host_of(asker.realm), None)
    }

    /// The host of addresses of record in a realm: its first domain, else what we advertise.
    pub(crate) fn host_of(&self, realm: &Name) -> Host {
        let domain = self.directory.realms().iter().find(|r| r.name == *realm).and_then(|r| r.domains.first());
        let advertised = self.settings.listeners.first().and_then(|l| Uri::parse(&format!("sip:{}", l.advertised)).ok());
        domain
            .and_then(|domain| Host::parse(domain))
            .or(advertised.map(|uri| uri.host))
            .unwrap_or_else(|| Host::Name("localhost".into()))
    }

    /// Our Contact toward a hop: the listener that will send there.
    pub(crate) fn contact_for(&self, hop: &NextHop, user: &Uri) -> Uri {
        let (transport, local) = match hop {
            NextHop::Flow(flow) => (flow.transport, Some(flow.local)),
            NextHop::Target(target) => (target.transport, None),
            NextHop::Uri(uri) => (uri.transport().unwrap_or(Transport::Udp), None),
        };
        let family = match hop {
            NextHop::Flow(flow) => Some(flow.peer.is_ipv4()),
            NextHop::Target(target) => Some(target.addr.is_ipv4()),
            NextHop::Uri(uri) => match uri.host {
                Host::Ip(ip) => Some(ip.is_ipv4()),
                Host::Name(_) => None,
            },
        };
        let listeners = &self.settings.listeners;
        let listener = listeners
            .iter()
            .find(|l| l.transport == transport && local == Some(l.local))
            .or_else(|| listeners.iter().find(|l| l.transport == transport && family.is_none_or(|v4| l.local.is_ipv4() == v4)))
            .or_else(|| listeners.iter().find(|l| l.transport == transport))
            .or_else(|| listeners.first());
        let base = listener.and_then(|l| Uri::parse(&format!("sip:{}", l.advertised)).ok());
        let mut contact = base.unwrap_or_else(|| Uri::sip("", self.host_of(self.directory.default_realm()), None));
        contact.raw_user = user.raw_user.clone();
        if transport == Transport::Tcp {
            contact.params.set("transport", Some("tcp"));
        }
        contact
    }
}
