//! What was promised and what was seen: every invariant is a line here.

use crate::{disk::Disk, tap};
use call::CallRecord;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};
use switchboard::{Device, Directory};
use terms::{CallId, MessageId, Name, UnixMs};

/// Faults told; more are counted only.
const FAULTS_MAX: usize = 40;

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    faults: Vec<String>,
    /// Addresses that descriptions named, and where those who sent them appear.
    media: BTreeSet<(IpAddr, u16)>,
    /// Calls that began, with their life and how many records each got.
    calls: BTreeMap<CallId, (u32, u32)>,
    pub(crate) records: Vec<CallRecord>,
    /// Contacts of the last 200 to each user's REGISTER.
    bindings: BTreeMap<String, Vec<(String, Instant)>>,
    /// Connections with rows on their way to the disk.
    unsettled: BTreeSet<Name>,
    messages: BTreeSet<MessageId>,
}

impl Ledger {
    pub(crate) fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX && !self.faults.contains(&what) {
            self.faults.push(what);
        }
    }

    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    // --- media -----------------------------------------------------------------------------------------------------

    /// A description came from `ip`, or from `outside` as others see it.
    pub(crate) fn described(&mut self, message: &str, outside: Option<IpAddr>) {
        if let Some(named) = tap::media_address(message) {
            for ip in [Some(named.ip()), outside].into_iter().flatten() {
                self.media.insert((ip, named.port()));
                self.media.insert((ip, named.port() + 1));
            }
        }
    }

    /// The exchange sends media.
    pub(crate) fn media_to(&mut self, to: SocketAddr) {
        if !self.media.contains(&(to.ip(), to.port())) {
            self.fault(format!("media goes to {to}, which nobody signalled"));
        }
    }

    /// A sender report of the exchange names this second of the wall clock (RFC 3550 §6.4.1).
    pub(crate) fn reported(&mut self, told: u64, now: UnixMs) {
        if told.abs_diff(now.0 / 1_000) > 2 {
            self.fault(format!("a sender report tells second {told} at {}", now.0 / 1_000));
        }
    }

    // --- calls -----------------------------------------------------------------------------------------------------

    pub(crate) fn began(&mut self, call: CallId, life: u32, now_running: usize, most: usize) {
        if self.calls.insert(call, (life, 0)).is_some() {
            self.fault(format!("call {call} began twice"));
        }
        if now_running > most {
            self.fault(format!("{now_running} calls run at once although {most} are the limit"));
        }
    }

    pub(crate) fn ended(&mut self, record: CallRecord) {
        match self.calls.get_mut(&record.id) {
            Some((_, records)) => *records += 1,
            None => self.faults.push(format!("a record of call {} that never began", record.id)),
        }
        if record.answered.is_some() != (200..300).contains(&record.status) {
            self.fault(format!("the record of call {} says answered {:?} and status {}", record.id, record.answered, record.status));
        }
        if record.answered.is_some_and(|at| at.0 > record.ended.0 || at.0 < record.began.0) {
            self.fault(format!("the record of call {} was answered outside its time", record.id));
        }
        self.records.push(record);
    }

    /// At the end: every call of the life that stands has one record, those of earlier lives at most one.
    pub(crate) fn count_records(&mut self, life: u32) {
        let wrong: Vec<String> = self
            .calls
            .iter()
            .filter(|(_, (of, records))| if *of == life { *records != 1 } else { *records > 1 })
            .map(|(call, (_, records))| format!("call {call} has {records} records"))
            .collect();
        wrong.into_iter().for_each(|what| self.fault(what));
    }

    pub(crate) fn calls_begun(&self) -> usize {
        self.calls.len()
    }

    // --- what must outlive a crash ---------------------------------------------------------------------------------

    pub(crate) fn on_its_way(&mut self, connection: Name) {
        self.unsettled.insert(connection);
    }

    /// The exchange sends this: is it an acknowledgement?
    pub(crate) fn acknowledged(&mut self, message: &str, directory: &Directory, now: Instant) {
        let Some((user, contacts)) = tap::registered(message) else { return };
        if let Some(connection) = directory.connections().find(|connection| connection.user == user) {
            self.unsettled.remove(&connection.name);
        }
        let until = |(uri, seconds): (String, u64)| (uri, now + Duration::from_secs(seconds));
        self.bindings.insert(user, contacts.into_iter().map(until).collect());
    }

    pub(crate) fn message_acknowledged(&mut self, id: MessageId) {
        if !self.messages.insert(id) {
            self.fault(format!("message {id} was acknowledged twice"));
        }
    }

    /// Its owner deleted a message.
    pub(crate) fn message_deleted(&mut self, id: MessageId) {
        self.messages.remove(&id);
    }

    /// After a start: what each connection has now.
    pub(crate) fn bindings_after_start(&mut self, directory: &Directory, devices: impl Fn(&Name) -> Vec<Device>, now: Instant) {
        let mut lost = Vec::new();
        for (user, contacts) in &self.bindings {
            let Some(connection) = directory.connections().find(|connection| connection.user == *user) else { continue };
            if self.unsettled.contains(&connection.name) {
                continue;
            }
            let there = devices(&connection.name);
            let missing = |(uri, until): &&(String, Instant)| {
                *until > now + Duration::from_secs(1) && !there.iter().any(|device| device.contact == *uri)
            };
            lost.extend(contacts.iter().filter(missing).map(|(uri, _)| format!("the binding {uri} of {user} was acknowledged and is lost")));
        }
        self.unsettled.clear();
        lost.into_iter().for_each(|what| self.fault(what));
    }

    pub(crate) fn messages_are_there(&mut self, disk: &Disk) {
        let lost: Vec<_> = self.messages.iter().filter(|id| !disk.messages.contains_key(id)).copied().collect();
        lost.into_iter().for_each(|id| self.fault(format!("message {id} was acknowledged and is lost")));
    }
}
