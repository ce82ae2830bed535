//! The registrar's machine: bindings by connection, expiry, and answers held back until the store has the rows.

use crate::{
    binding::{Binding, Device, Reach, Row, Source},
    contact::{Asked, Refusal, admit},
    limits::{CALL_ID_BYTES_MAX, DEVICES_MAX, EXPIRES_MAX_S, STORE_PATIENCE, WAITING_MAX},
    read::{Contacts, Register},
};
use sip::Flow;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};
use terms::{Name, Now, UnixMs};

/// Matches an acknowledgement of the store to the rows it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What happens to the registrar. `K` is how the asker knows its request again (the switchboard's server transaction).
#[derive(Debug)]
pub enum Input<K> {
    /// A REGISTER whose sender has proven to be the connection.
    Register {
        /// Comes back with the answer.
        key: K,
        /// The request, taken apart.
        register: Box<Register>,
    },
    /// The store has (or could not keep) the rows of a ticket.
    Stored {
        /// Which.
        ticket: Ticket,
        /// Whether they are safe on disk.
        kept: bool,
    },
    /// A stream closed: what came by it cannot be reached by it any more.
    Closed(Flow),
    /// A connection is no more, or lost its password: its devices go.
    Forget(Name),
}

/// What the registrar asks of the world.
#[derive(Debug)]
pub enum Output<K> {
    /// Keep exactly these rows for this connection (none: delete them all), then say [`Input::Stored`].
    Store {
        /// To acknowledge by.
        ticket: Ticket,
        /// Whose.
        connection: Name,
        /// All of its bindings.
        rows: Vec<Row>,
    },
    /// Answer a REGISTER.
    Answer {
        /// Which.
        key: K,
        /// How.
        reply: Reply,
    },
}

/// The answer to a REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200, with all current bindings as Contact values (`<uri>;expires=…`) and the Path of the request to copy.
    Ok {
        /// Contact header values.
        contacts: Vec<String>,
        /// Path header values (RFC 3327 §5.3).
        path: Vec<String>,
    },
    /// Refused; nothing changed.
    Refused(Refusal),
}

/// What the registrar has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bindings now.
    pub bindings: usize,
    /// REGISTERs answered 200.
    pub accepted: u64,
    /// REGISTERs refused.
    pub refused: u64,
    /// Bindings that ran out.
    pub expired: u64,
    /// Store failures.
    pub store_failed: u64,
    /// Answers waiting for the store now.
    pub waiting: usize,
}

/// An answer that waits for the store.
#[derive(Debug)]
struct Waiting<K> {
    connection: Name,
    /// Who is to be answered, with what; `None` for an expiry.
    answer: Option<(K, Reply)>,
    /// The bindings to return to when the store fails.
    before: Vec<Binding>,
    until: Instant,
}

/// Bindings of every connection, by its name. Pure; drain [`Registrar::poll_output`] after every input.
#[derive(Debug)]
pub struct Registrar<K> {
    ours: Vec<SocketAddr>,
    bindings: BTreeMap<Name, Vec<Binding>>,
    /// The next binding to run out, for each connection that has one.
    deadlines: BTreeSet<(Instant, Name)>,
    waiting: BTreeMap<Ticket, Waiting<K>>,
    next_ticket: u64,
    outputs: VecDeque<Output<K>>,
    counters: Counters,
}

impl<K> Registrar<K> {
    /// An empty registrar. `ours` are the addresses we listen on or advertise: a contact that points at them is refused.
    #[must_use]
    pub fn new(ours: Vec<SocketAddr>) -> Self {
        Self {
            ours,
            bindings: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes up the rows of the store at start. Rows that ran out, that no longer parse, or beyond the cap of a
    /// connection are left out. Returns how many were taken.
    pub fn load(&mut self, rows: Vec<Row>, now: Now) -> usize {
        let mut taken = 0;
        for row in rows {
            let connection = row.connection.clone();
            let Some(binding) = loaded(row, now) else { continue };
            let was = self.of(&connection).iter().map(|b| b.expires).min();
            let list = self.bindings.entry(connection.clone()).or_default();
            if list.len() < DEVICES_MAX {
                list.push(binding);
                taken += 1;
            }
            self.rearm(&connection, was);
        }
        self.recount();
        taken
    }

    /// One thing happened.
    pub fn handle(&mut self, input: Input<K>, now: Now) {
        match input {
            Input::Register { key, register } => self.register(key, *register, now),
            Input::Stored { ticket, kept } => self.stored(ticket, kept),
            Input::Closed(flow) => self.closed(&flow),
            Input::Forget(connection) => {
                if self.bindings.contains_key(&connection) {
                    self.change(&connection, Vec::new(), None, now);
                }
            }
        }
    }

    /// Forgets bindings that ran out and answers 500 where the store stays silent. Harmless when early.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((at, connection)) = self.deadlines.first().cloned() {
            if at > now.at {
                break;
            }
            let (kept, lost): (Vec<Binding>, Vec<Binding>) = self
                .bindings
                .get(&connection)
                .map(|list| list.iter().cloned().partition(|binding| binding.expires > now.at))
                .unwrap_or_default();
            self.counters.expired += lost.len() as u64;
            self.change(&connection, kept, None, now);
        }
        // Every ticket has the same patience, so tickets time out in their order.
        while let Some((ticket, waiting)) = self.waiting.first_key_value() {
            if waiting.until > now.at {
                break;
            }
            let ticket = *ticket;
            self.stored(ticket, false);
        }
    }

    /// When to come back: the next binding to run out, or the next answer whose store stays silent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let expiry = self.deadlines.first().map(|(at, _)| *at);
        let store = self.waiting.first_key_value().map(|(_, waiting)| waiting.until);
        expiry.into_iter().chain(store).min()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output<K>> {
        self.outputs.pop_front()
    }

    /// Ways to reach a connection now, best first: by q, then the device that registered last.
    #[must_use]
    pub fn contacts(&self, connection: &Name, now: Now) -> Vec<Reach> {
        let mut live: Vec<&Binding> = self.of(connection).iter().filter(|b| b.expires > now.at).collect();
        live.sort_by(|a, b| b.q.cmp(&a.q).then(b.refreshed.0.cmp(&a.refreshed.0)));
        live.into_iter().map(Binding::reach).collect()
    }

    /// Where the live devices of a connection registered from.
    pub fn sources(&self, connection: &Name, now: Now) -> impl Iterator<Item = Flow> {
        self.of(connection).iter().filter(move |b| b.expires > now.at).map(|b| b.source.flow)
    }

    /// The devices of one connection.
    #[must_use]
    pub fn devices(&self, connection: &Name, now: Now) -> Vec<Device> {
        self.of(connection).iter().filter(|b| b.expires > now.at).map(|b| b.device(connection, now)).collect()
    }

    /// Every device, by connection.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Vec<Device> {
        self.bindings.keys().flat_map(|connection| self.devices(connection, now)).collect()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { waiting: self.waiting.len(), ..self.counters }
    }

    fn of(&self, connection: &Name) -> &[Binding] {
        self.bindings.get(connection).map_or(&[], Vec::as_slice)
    }

    fn register(&mut self, key: K, register: Register, now: Now) {
        let live: Vec<Binding> =
            self.of(&register.connection).iter().filter(|b| b.expires > now.at).cloned().collect();
        let changed = match self.judge(&register, live.clone(), now) {
            Ok(changed) => changed,
            Err(refusal) => {
                self.counters.refused += 1;
                self.outputs.push_back(Output::Answer { key, reply: Reply::Refused(refusal) });
                return;
            }
        };
        self.counters.accepted += 1;
        let list = changed.as_ref().unwrap_or(&live);
        let reply = Reply::Ok { contacts: list.iter().map(|b| listed(b, now)).collect(), path: register.path.clone() };
        match changed {
            None => self.outputs.push_back(Output::Answer { key, reply }),
            Some(changed) => self.change(&register.connection, changed, Some((key, reply)), now),
        }
    }

    /// RFC 3261 §10.3 steps 6 and 7: all of it or nothing. `None` when the request only asks for the list.
    fn judge(&self, register: &Register, mut list: Vec<Binding>, now: Now) -> Result<Option<Vec<Binding>>, Refusal> {
        if register.call_id.len() > CALL_ID_BYTES_MAX {
            return Err(Refusal::Malformed("Call-ID too long"));
        }
        if self.waiting.len() >= WAITING_MAX && register.contacts != Contacts::None {
            return Err(Refusal::Busy);
        }
        let in_order = |binding: &Binding| binding.call_id != register.call_id || register.cseq > binding.cseq;
        let asked = match &register.contacts {
            Contacts::None => return Ok(None),
            Contacts::Star => {
                if register.expires != Some(0) {
                    return Err(Refusal::Malformed("Contact * needs Expires 0"));
                }
                if !list.iter().all(in_order) {
                    return Err(Refusal::OutOfOrder);
                }
                return Ok(Some(Vec::new()));
            }
            Contacts::List(asked) => asked,
        };
        for wish in asked {
            let granted = admit(wish, register, &self.ours)?;
            let same = |b: &Binding| b.uri.is_same(&wish.uri) || (b.instance.is_some() && b.instance == wish.instance);
            if list.iter().any(|b| same(b) && !in_order(b)) {
                return Err(Refusal::OutOfOrder);
            }
            let since = list.iter().filter(|b| same(b)).map(|b| b.since).min_by_key(|since| since.0);
            list.retain(|b| !same(b));
            if granted.is_zero() {
                continue;
            }
            if list.len() >= DEVICES_MAX {
                return Err(Refusal::TooManyDevices);
            }
            list.push(bound(wish, register, granted, since, now));
        }
        Ok(Some(list))
    }

    /// Puts a new list in place and asks the store to keep it.
    fn change(&mut self, connection: &Name, list: Vec<Binding>, answer: Option<(K, Reply)>, now: Now) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let rows = list.iter().map(|b| b.row(connection)).collect();
        let before = self.put(connection, list);
        self.waiting.insert(
            ticket,
            Waiting { connection: connection.clone(), answer, before, until: now.at + STORE_PATIENCE },
        );
        self.outputs.push_back(Output::Store { ticket, connection: connection.clone(), rows });
    }

    fn put(&mut self, connection: &Name, list: Vec<Binding>) -> Vec<Binding> {
        let earliest = self.of(connection).iter().map(|b| b.expires).min();
        let before = if list.is_empty() {
            self.bindings.remove(connection)
        } else {
            self.bindings.insert(connection.clone(), list)
        };
        let before = before.unwrap_or_default();
        self.counters.bindings = (self.counters.bindings + self.of(connection).len()).saturating_sub(before.len());
        self.rearm(connection, earliest);
        before
    }

    fn rearm(&mut self, connection: &Name, was: Option<Instant>) {
        if let Some(at) = was {
            self.deadlines.remove(&(at, connection.clone()));
        }
        if let Some(at) = self.of(connection).iter().map(|b| b.expires).min() {
            self.deadlines.insert((at, connection.clone()));
        }
    }

    fn recount(&mut self) {
        self.counters.bindings = self.bindings.values().map(Vec::len).sum();
    }

    fn stored(&mut self, ticket: Ticket, kept: bool) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        let Waiting { connection, answer, before, until: _ } = waiting;
        if kept {
            if let Some((key, reply)) = answer {
                self.outputs.push_back(Output::Answer { key, reply });
            }
            return;
        }
        self.counters.store_failed += 1;
        let Some((key, _)) = answer else { return }; // an expiry: the row is older than its date and never loaded
        // A later change of this connection was built on this one: it carries our rows, so it is what must be undone.
        match self.waiting.values_mut().find(|later| later.connection == connection) {
            Some(later) => later.before = before,
            None => {
                self.put(&connection, before);
            }
        }
        self.counters.refused += 1;
        self.outputs.push_back(Output::Answer { key, reply: Reply::Refused(Refusal::NotStored) });
    }

    fn closed(&mut self, flow: &Flow) {
        for binding in self.bindings.values_mut().flatten() {
            if binding.source.flow == *flow {
                binding.source.stands = false;
            }
        }
    }
}

fn bound(wish: &Asked, register: &Register, granted: Duration, since: Option<UnixMs>, now: Now) -> Binding {
    Binding {
        uri: wish.uri.clone(),
        q: wish.q,
        instance: wish.instance.clone(),
        call_id: register.call_id.clone(),
        cseq: register.cseq,
        path: register.path.clone(),
        agent: register.agent.clone(),
        behind_nat: register.path.is_empty() && crate::contact::behind_nat(&wish.uri, &register.source),
        source: Source { flow: register.source, stands: true },
        expires: now.at + granted,
        expires_unix: now.later(granted).unix,
        since: since.unwrap_or(now.unix),
        refreshed: now.unix,
    }
}

fn loaded(row: Row, now: Now) -> Option<Binding> {
    let left = Duration::from_millis(row.expires.0.checked_sub(now.unix.0).filter(|left| *left > 0)?)
        // A clock that stepped back must not make a binding live for ever.
        .min(Duration::from_secs(u64::from(EXPIRES_MAX_S)));
    Some(Binding {
        uri: row.contact.parse().ok()?,
        q: row.q.min(1_000),
        instance: row.instance,
        call_id: row.call_id,
        cseq: row.cseq,
        path: row.path,
        agent: row.agent,
        source: Source::read(&row.source)?,
        behind_nat: row.behind_nat,
        expires: now.at + left,
        expires_unix: row.expires,
        since: row.since,
        refreshed: row.refreshed,
    })
}

/// One Contact value of the 200: the URI, what is left of its time in whole seconds (rounded up), its q.
fn listed(binding: &Binding, now: Now) -> String {
    let left = binding.expires.saturating_duration_since(now.at);
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let q = match binding.q {
        1_000 => String::new(),
        q => format!(";q=0.{q:03}"),
    };
    format!("<{}>;expires={seconds}{q}", binding.uri)
}
