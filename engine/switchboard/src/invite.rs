//! A new INVITE: who calls, what is called, may it be, and the plan of the call (RELIABILITY A1, A2, D3, D4, R14).

use crate::{
    directory::{Connection, Inbound, Number, NumberTarget},
    front::{Front, Output},
    identity::Proof,
    inside::HOPS,
    limits::{DEFAULT_FLOW, HOPS_MAX, USER_BYTES_MAX},
    table::{Caller, Opening, Pending},
};
use call::{NewCall, Origin, Plan, ToShard};
use sip::{Flow, HeaderName, NameAddr, NextHop, Request, ServerKey, Via};
use terms::{CallId, Codecs, Dtmf, LegId, Name, Now, Srtp};

/// What answers: a flow, and for whom it runs.
struct Route {
    flow: String,
    settings: std::collections::BTreeMap<String, String>,
    connection: Option<Name>,
    mailbox: Option<Name>,
    public: bool,
}

/// How a caller is shown: proven where it can be.
struct Shown {
    number: String,
    name: String,
    connection: Option<String>,
}

/// Why an INVITE begins no call.
enum No {
    /// Too much to do: 503, come back later.
    Shed,
    /// This status, for good.
    Status(u16),
    /// Say who you are.
    Challenge { stale: bool },
}

impl Front {
    pub(crate) fn invite(&mut self, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        let peer = source.peer.ip().to_canonical();
        let trunk = self.directory.trunk_at(peer).map(|trunk| (trunk.name.clone(), trunk.realm.clone()));
        let realm = trunk.as_ref().map_or_else(|| self.realm_of(&request), |(_, realm)| realm.clone());
        let judged = self.judge(&request, source, trunk.map(|(name, _)| name), &realm, now);
        match judged {
            Ok((origin, route)) => self.begin(transaction, request, source, &realm, origin, route, now),
            Err(No::Shed) => {
                self.counters.calls_shed += 1;
                self.shed(transaction, &request, now);
            }
            Err(No::Status(code)) => {
                self.counters.calls_refused += 1;
                tracing::debug!(peer = %source.peer, code, "call refused");
                self.refuse(transaction, &request, code, now);
            }
            Err(No::Challenge { stale }) => self.challenge(transaction, &request, source, &realm, stale, now),
        }
    }

    fn judge(&mut self, request: &Request, source: Flow, trunk: Option<Name>, realm: &Name, now: Now) -> Result<(Origin, Route), No> {
        if self.is_draining || !self.table.has_room() || self.table.len() >= self.settings.limits.calls_max {
            return Err(No::Shed);
        }
        let (Some(call_id), Some(tag)) = (request.headers.call_id(), request.headers.from_tag()) else {
            return Err(No::Status(400));
        };
        if self.table.is_merged(call_id, tag) || self.hops(request) >= HOPS_MAX {
            return Err(No::Status(482));
        }
        let dialled = dialled(request);
        let route = self.route(realm, &dialled);
        let origin = match trunk {
            Some(trunk) => Origin::Trunk(trunk),
            None => self.origin(request, source, realm, route.as_ref(), now)?,
        };
        let route = route.ok_or(No::Status(404))?;
        self.admit(&origin, source, now)?;
        if !self.flows.has(&route.flow) {
            tracing::error!(flow = route.flow, "a call wants a flow that is not loaded");
            return Err(No::Status(480));
        }
        if let Err(why) = self.srtp_with(&origin, source.peer.ip()) {
            tracing::warn!(peer = %source.peer, why, "call refused");
            return Err(No::Status(488));
        }
        Ok((origin, route))
    }

    /// Who calls, when it is no trunk. Whoever is nobody may only call what is public, and learns nothing else.
    fn origin(&mut self, request: &Request, source: Flow, realm: &Name, route: Option<&Route>, now: Now) -> Result<Origin, No> {
        match self.proof(request, source, realm, now) {
            Proof::Connection(name) => {
                if self.claims_only_itself(request, &name) {
                    Ok(Origin::Connection(name))
                } else {
                    tracing::warn!(connection = %name, peer = %source.peer, "call under another's name: refused");
                    Err(No::Status(403))
                }
            }
            Proof::Absent => {
                let public = route.is_some_and(|route| route.public);
                if public && !self.looks_like_device(request, source, realm, now) {
                    Ok(Origin::Unknown)
                } else {
                    Err(No::Challenge { stale: false })
                }
            }
            Proof::Wrong => Err(No::Challenge { stale: false }),
            Proof::Stale => Err(No::Challenge { stale: true }),
            Proof::Blocked | Proof::Virtual => Err(No::Status(403)),
        }
    }

    /// Whether a device of the claimed user is registered from this very address: then it can prove itself and is asked to,
    /// so that its call has its own rights also toward public targets.
    fn looks_like_device(&self, request: &Request, source: Flow, realm: &Name, now: Now) -> bool {
        let from = request.headers.from();
        let user = from.as_ref().and_then(|from| from.uri.user());
        let connection = user.and_then(|user| self.directory.user(realm, &user));
        let peer = source.peer.ip().to_canonical();
        connection.is_some_and(|c| self.registrar.sources(&c.name, now).any(|flow| flow.peer.ip().to_canonical() == peer))
    }

    /// A proven caller may say it is itself, or (RFC 3323) nobody; not somebody else.
    fn claims_only_itself(&self, request: &Request, name: &Name) -> bool {
        let Some(connection) = self.directory.connection(name.as_str()) else { return false };
        let is_self = |address: &NameAddr| address.uri.user().as_deref() == Some(connection.user.as_str());
        let own_from = request.headers.from().is_some_and(|from| is_self(&from) || is_withheld(&from));
        let asserted = request.headers.list(HeaderName::PAssertedIdentity).chain(request.headers.list(HeaderName::PPreferredIdentity));
        own_from && asserted.into_iter().all(|value| NameAddr::parse(value).is_some_and(|address| is_self(&address)))
    }

    fn admit(&mut self, origin: &Origin, source: Flow, now: Now) -> Result<(), No> {
        let peer = source.peer.ip().to_canonical();
        let limits = &self.settings.limits;
        if self.rates.about_last_window(&peer, now.at) >= limits.calls_a_second {
            return Err(No::Shed);
        }
        let most = match origin {
            Origin::Connection(_) => limits.calls_a_caller,
            Origin::Unknown => limits.calls_a_stranger,
            Origin::Trunk(_) => usize::MAX,
        };
        if self.table.calls_of(&Caller::of(origin, peer)) >= most {
            return Err(No::Status(486));
        }
        self.rates.add(peer, now.at);
        Ok(())
    }

    /// How often the call came by us: as it says, or as our own Vias on its way say (RFC 3261 §16.3 step 4).
    fn hops(&self, request: &Request) -> u32 {
        let told = request.headers.named(HOPS).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let is_ours = |via: &Via<'_>| self.settings.listeners.iter().any(|l| l.advertised.eq_ignore_ascii_case(via.sent_by));
        let seen = request.headers.list(HeaderName::Via).skip(1).filter_map(Via::parse).filter(is_ours).count();
        u32::try_from(seen).unwrap_or(u32::MAX).max(told)
    }

    fn route(&self, realm: &Name, dialled: &str) -> Option<Route> {
        if let Some(connection) = self.directory.user(realm, dialled) {
            return Some(to_connection(connection));
        }
        let number = self.directory.number(realm, dialled)?;
        Some(match &number.to {
            NumberTarget::Connection(name) => {
                let mut route = to_connection(self.directory.connection(name.as_str())?);
                route.public = number.public;
                route.settings.extend(number.settings.clone());
                route
            }
            NumberTarget::Flow(flow) => to_flow(number, flow),
        })
    }

    #[expect(clippy::too_many_arguments, reason = "everything that was decided about one INVITE, used once")]
    fn begin(&mut self, transaction: ServerKey, request: Request, source: Flow, realm: &Name, origin: Origin, route: Route, now: Now) {
        let id = CallId::new(now.unix.0, self.ten_random_bytes());
        let local_tag = self.endpoint.token();
        let shown = self.shown(&request, &origin);
        let dialled = dialled(&request);
        let opening = Opening {
            from: shown.number.clone(),
            to: dialled.clone(),
            caller: Caller::of(&origin, source.peer.ip().to_canonical()),
            call_id: request.headers.call_id().unwrap_or_default().to_owned(),
            from_tag: request.headers.from_tag().unwrap_or_default().to_owned(),
            local_tag: local_tag.clone(),
            forwards: u8::try_from(request.headers.max_forwards().unwrap_or(70)).unwrap_or(u8::MAX),
            hops: self.hops(&request),
        };
        let shard = self.table.begin(id, opening, now);
        self.table.invite_waits(transaction, Pending { call: id, leg: LegId::CALLER, source: source.peer.ip() });
        self.counters.calls_admitted += 1;
        tracing::info!(call = %id, ?origin, flow = route.flow, shard, "call begins");
        let line = flow::Line {
            id: id.to_string(),
            connection: route.connection.as_ref().map(Name::to_string),
            number: dialled,
            mailbox: route.mailbox.as_ref().map(Name::to_string),
            started: now.unix,
        };
        let caller = flow::Caller { number: shown.number, name: shown.name, connection: shown.connection };
        let facts = flow::CallFacts { caller, line, settings: route.settings, secrets: self.directory.secrets() };
        let own_mailbox = match &origin {
            Origin::Connection(name) => self.directory.connection(name.as_str()).and_then(|connection| connection.mailbox.clone()),
            Origin::Trunk(_) | Origin::Unknown => None,
        };
        let codecs = self.codecs_with(&origin);
        let srtp = self.srtp_with(&origin, source.peer.ip()).unwrap_or(Srtp::Required);
        let dtmf = self.dtmf_with(&origin);
        let plan = Plan {
            flows: self.flows.clone(),
            flow: route.flow,
            facts,
            realm: realm.clone(),
            connection: route.connection,
            origin,
            length_max: self.settings.limits.call_length,
            silence: self.settings.limits.silence,
            codecs,
            dtmf,
            opus_complexity: self.settings.opus_complexity,
            srtp,
            media_secret: self.settings.protection.secret.clone(),
            own_mailbox,
            mailboxes: self.directory.mailboxes(realm),
        };
        // RFC 3261 §17.2.1 allows 200 ms; a caller should hear at once that somebody is there.
        let trying = request.respond(100, "");
        self.endpoint.handle(sip::Input::Respond { transaction, response: trying }, now.at);
        let contact = self.contact_for(&NextHop::Flow(source), &request.uri);
        // It stands in bundles of calls.
        let seed = self.chance.next_seed();
        let new = NewCall { id, invite: request, transaction, source, local_tag, contact, plan, seed };
        self.outputs.push_back(Output::Shard { shard, message: ToShard::New(Box::new(new)) });
    }

    /// The codecs that may be spoken with a caller.
    fn codecs_with(&self, origin: &Origin) -> Codecs {
        let own = match origin {
            Origin::Connection(name) => self.directory.connection(name.as_str()).and_then(|connection| connection.codecs.as_ref()),
            Origin::Trunk(name) => self.directory.trunk(name.as_str()).and_then(|trunk| trunk.codecs.as_ref()),
            Origin::Unknown => None,
        };
        own.unwrap_or(&self.settings.codecs).clone()
    }

    /// By which ways a caller's keys come and go.
    fn dtmf_with(&self, origin: &Origin) -> Dtmf {
        let own = match origin {
            Origin::Connection(name) => self.directory.connection(name.as_str()).map(|connection| connection.dtmf),
            Origin::Trunk(name) => self.directory.trunk(name.as_str()).map(|trunk| trunk.dtmf),
            Origin::Unknown => None,
        };
        own.unwrap_or_default()
    }

    /// The caller as flows see it: a proven connection as itself, a trunk's caller as the trunk says, others as they claim.
    fn shown(&self, request: &Request, origin: &Origin) -> Shown {
        let from = request.headers.from();
        let claimed = |address: Option<&NameAddr>| {
            let withheld = address.is_none_or(is_withheld);
            let number = address.and_then(|a| a.uri.user()).filter(|_| !withheld).map(|user| plain(&user)).unwrap_or_default();
            let name = address.and_then(|a| a.display.as_deref()).filter(|_| !withheld).map(plain).unwrap_or_default();
            Shown { number, name, connection: None }
        };
        match origin {
            Origin::Connection(name) => {
                let connection = self.directory.connection(name.as_str());
                let user = connection.map(|c| c.user.clone()).unwrap_or_default();
                let withheld = from.as_ref().is_some_and(is_withheld);
                let display = connection.and_then(|c| c.display.clone());
                let name_shown = display.unwrap_or_else(|| claimed(from.as_ref()).name);
                Shown {
                    number: if withheld { String::new() } else { user },
                    name: if withheld { String::new() } else { name_shown },
                    connection: Some(name.to_string()),
                }
            }
            Origin::Trunk(name) => {
                let believed = self.directory.trunk(name.as_str()).is_some_and(|trunk| trunk.identity);
                let asserted = request.headers.list(HeaderName::PAssertedIdentity).next().and_then(NameAddr::parse);
                claimed(asserted.filter(|_| believed).as_ref().or(from.as_ref()))
            }
            Origin::Unknown => claimed(from.as_ref()),
        }
    }

    /// The realm a request is for: of its Request-URI's host, else the default.
    pub(crate) fn realm_of(&self, request: &Request) -> Name {
        let host = request.uri.host.to_string();
        self.directory.realm_of_domain(&host).unwrap_or_else(|| self.directory.default_realm()).clone()
    }

    fn ten_random_bytes(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        let words = [self.chance.next_u64().to_be_bytes(), self.chance.next_u64().to_be_bytes()].concat();
        for (byte, word) in bytes.iter_mut().zip(words) {
            *byte = word;
        }
        bytes
    }
}

fn to_connection(connection: &Connection) -> Route {
    Route {
        flow: match &connection.inbound {
            Inbound::Bridge => DEFAULT_FLOW.to_owned(),
            Inbound::Flow(name) => name.clone(),
        },
        settings: connection.settings.clone(),
        connection: Some(connection.name.clone()),
        mailbox: connection.mailbox.clone(),
        public: connection.public,
    }
}

fn to_flow(number: &Number, flow: &str) -> Route {
    Route {
        flow: flow.to_owned(),
        settings: number.settings.clone(),
        connection: None,
        mailbox: number.mailbox.clone(),
        public: number.public,
    }
}

/// What the Request-URI dials: its user, without user parameters (`;phone-context=…`).
fn dialled(request: &Request) -> String {
    let user = request.uri.user().unwrap_or_default();
    let bare = if request.uri.params.get("user").is_some_and(|kind| kind == "phone") {
        user.split(';').next().unwrap_or("")
    } else {
        &user
    };
    plain(bare)
}

/// RFC 3323 §4.1.1.3: an anonymous From.
fn is_withheld(address: &NameAddr) -> bool {
    matches!(&address.uri.host, sip::Host::Name(name) if name.eq_ignore_ascii_case("anonymous.invalid"))
}

/// One line of bounded length.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if out.len() + c.len_utf8() > USER_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    out
}
