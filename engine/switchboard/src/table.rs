//! Calls in progress, and what leads to them: dialogs, server transactions of INVITEs, client requests.
//!
//! ```text
//! (Call-ID, our tag) ──┐
//! INVITE's ServerKey ──┼──▶ (call, leg) ──▶ shard
//! request token ───────┘
//! ```
//! Everything a call put here leaves with it: [`CallTable::end`].

use crate::limits::LEGS_A_CALL_MAX;
use call::{LegLook, Origin};
use sip::{Method, ServerKey};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};
use terms::{CallId, LegId, Now, UnixMs};

/// Where a call stands, as the front sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// The caller has no final answer yet.
    Ringing,
    /// The caller was answered.
    Answered,
}

/// A call as shown to people.
#[derive(Clone, Debug, PartialEq)]
pub struct CallView {
    /// Its id.
    pub id: CallId,
    /// Who calls, as proven or claimed.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// Where it stands.
    pub state: CallState,
    /// When its INVITE came.
    pub began: UnixMs,
    /// When the caller was answered.
    pub answered: Option<UnixMs>,
    /// Which shard runs it, from 0.
    pub shard: usize,
    /// Its legs now.
    pub legs: usize,
    /// How the media of those stands that have some.
    pub media: Vec<(LegId, LegLook)>,
}

/// A Call-ID and the tag of our side.
pub(crate) type DialogKey = (String, String);

/// Who is counted for a call: a connection's name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Caller {
    Connection(terms::Name),
    Trunk(terms::Name),
    Unknown(IpAddr),
}

impl Caller {
    pub(crate) fn of(origin: &Origin, source: IpAddr) -> Self {
        match origin {
            Origin::Connection(name) => Self::Connection(name.clone()),
            Origin::Trunk(name) => Self::Trunk(name.clone()),
            Origin::Unknown => Self::Unknown(source),
        }
    }
}

/// One call.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) shard: usize,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) began: UnixMs,
    pub(crate) answered: Option<UnixMs>,
    pub(crate) caller: Caller,
    /// Max-Forwards of the INVITE that began it, and how often the call had come by us before.
    pub(crate) forwards: u8,
    pub(crate) hops: u32,
    /// (Call-ID, From-tag) of that INVITE: a second one is a fork that came by two ways (RFC 3261 §8.2.2.2).
    merged: DialogKey,
    /// Shards it was in before.
    passed: Vec<usize>,
    legs: BTreeMap<LegId, Leg>,
    media: BTreeMap<LegId, LegLook>,
    invites: Vec<ServerKey>,
}

#[derive(Debug, Default)]
struct Leg {
    dialog: Option<DialogKey>,
    /// The INVITE that began an outgoing leg.
    invite: Option<u64>,
    tokens: Vec<u64>,
}

/// A request of a leg that waits for its response.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
    pub(crate) method: Method,
}

/// An INVITE of a peer that has no final answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
    pub(crate) source: IpAddr,
}

/// What a new call enters with.
pub(crate) struct Opening {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) caller: Caller,
    pub(crate) call_id: String,
    pub(crate) from_tag: String,
    pub(crate) local_tag: String,
    pub(crate) forwards: u8,
    pub(crate) hops: u32,
}

/// What a shard has to do; the one with less is smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    is_overloaded: bool,
    calls: usize,
}

/// All calls of one front.
#[derive(Debug)]
pub(crate) struct CallTable {
    calls: BTreeMap<CallId, Entry>,
    dialogs: HashMap<DialogKey, (CallId, LegId)>,
    merged: HashMap<DialogKey, CallId>,
    invites: HashMap<ServerKey, Pending>,
    sent: HashMap<u64, Sent>,
    per_shard: Vec<Load>,
    per_caller: BTreeMap<Caller, usize>,
    next_token: u64,
}

impl CallTable {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            merged: HashMap::new(),
            invites: HashMap::new(),
            sent: HashMap::new(),
            per_shard: vec![Load::default(); shards.max(1)],
            per_caller: BTreeMap::new(),
            next_token: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn get(&self, call: CallId) -> Option<&Entry> {
        self.calls.get(&call)
    }

    pub(crate) fn shard_of(&self, call: CallId) -> Option<usize> {
        self.calls.get(&call).map(|entry| entry.shard)
    }

    /// Moves a call to another shard; answers where it was, or `None` when it is there already or over.
    pub(crate) fn bring(&mut self, call: CallId, to: usize) -> Option<usize> {
        let entry = self.calls.get_mut(&call).filter(|entry| entry.shard != to)?;
        let from = std::mem::replace(&mut entry.shard, to);
        if !entry.passed.contains(&from) {
            entry.passed.push(from);
        }
        if let Some(load) = self.per_shard.get_mut(from) {
            load.calls = load.calls.saturating_sub(1);
        }
        if let Some(load) = self.per_shard.get_mut(to) {
            load.calls += 1;
        }
        Some(from)
    }

    /// Shards a call was in and is no more: they still know where it went.
    pub(crate) fn passed(&self, call: CallId) -> Vec<usize> {
        self.calls.get(&call).map(|entry| entry.passed.iter().copied().filter(|shard| *shard != entry.shard).collect()).unwrap_or_default()
    }

    pub(crate) fn calls_of(&self, caller: &Caller) -> usize {
        self.per_caller.get(caller).copied().unwrap_or(0)
    }

    pub(crate) fn is_merged(&self, call_id: &str, from_tag: &str) -> bool {
        self.merged.contains_key(&(call_id.to_owned(), from_tag.to_owned()))
    }

    /// A shard has, or no longer has, more to do than it can.
    pub(crate) fn overload(&mut self, shard: usize, is_overloaded: bool) {
        if let Some(load) = self.per_shard.get_mut(shard) {
            load.is_overloaded = is_overloaded;
        }
    }

    /// Whether any shard can take a new call.
    pub(crate) fn has_room(&self) -> bool {
        self.per_shard.iter().any(|load| !load.is_overloaded)
    }

    /// Enters a new call on the shard with the fewest of those that have room; returns that shard.
    pub(crate) fn begin(&mut self, id: CallId, opening: Opening, now: Now) -> usize {
        let shard = self.per_shard.iter().enumerate().min_by_key(|(_, load)| **load).map_or(0, |(at, _)| at);
        if let Some(load) = self.per_shard.get_mut(shard) {
            load.calls += 1;
        }
        *self.per_caller.entry(opening.caller.clone()).or_default() += 1;
        let merged = (opening.call_id.clone(), opening.from_tag);
        self.merged.insert(merged.clone(), id);
        let dialog = (opening.call_id, opening.local_tag);
        self.dialogs.insert(dialog.clone(), (id, LegId::CALLER));
        let caller_leg = Leg { dialog: Some(dialog), ..Leg::default() };
        self.calls.insert(
            id,
            Entry {
                shard,
                from: opening.from,
                to: opening.to,
                began: now.unix,
                answered: None,
                caller: opening.caller,
                forwards: opening.forwards,
                hops: opening.hops,
                merged,
                passed: Vec::new(),
                legs: BTreeMap::from([(LegId::CALLER, caller_leg)]),
                media: BTreeMap::new(),
                invites: Vec::new(),
            },
        );
        shard
    }

    pub(crate) fn answered(&mut self, call: CallId, now: Now) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.answered.get_or_insert(now.unix);
        }
    }

    pub(crate) fn dialog(&self, call_id: &str, local_tag: &str) -> Option<(CallId, LegId)> {
        self.dialogs.get(&(call_id.to_owned(), local_tag.to_owned())).copied()
    }

    /// A peer's INVITE waits for its final answer: a CANCEL may still come.
    pub(crate) fn invite_waits(&mut self, transaction: ServerKey, pending: Pending) {
        if let Some(entry) = self.calls.get_mut(&pending.call) {
            entry.invites.push(transaction);
            self.invites.insert(transaction, pending);
        }
    }

    pub(crate) fn invite(&self, transaction: ServerKey) -> Option<Pending> {
        self.invites.get(&transaction).copied()
    }

    pub(crate) fn invite_done(&mut self, transaction: ServerKey) {
        if let Some(pending) = self.invites.remove(&transaction)
            && let Some(entry) = self.calls.get_mut(&pending.call)
        {
            entry.invites.retain(|key| *key != transaction);
        }
    }

    /// A number for a request that belongs to no call.
    pub(crate) const fn token(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        token
    }

    /// A request leaves for a leg, new or known. `None` when the call is gone or has all the legs it may have;
    /// otherwise its token and whether it is a leg's first INVITE.
    pub(crate) fn send(&mut self, call: CallId, leg: LegId, method: &Method, dialog: DialogKey) -> Option<(u64, bool)> {
        let entry = self.calls.get_mut(&call)?;
        let is_new = !entry.legs.contains_key(&leg);
        if is_new && (entry.legs.len() >= LEGS_A_CALL_MAX || *method != Method::Invite) {
            return None;
        }
        let token = self.next_token;
        self.next_token += 1;
        let state = entry.legs.entry(leg).or_default();
        state.tokens.push(token);
        if *method == Method::Invite {
            state.invite = Some(token);
        }
        if state.dialog.as_ref() != Some(&dialog) {
            if let Some(old) = state.dialog.replace(dialog.clone()) {
                self.dialogs.remove(&old);
            }
            self.dialogs.insert(dialog, (call, leg));
        }
        self.sent.insert(token, Sent { call, leg, method: method.clone() });
        Some((token, is_new))
    }

    pub(crate) fn sent(&self, token: u64) -> Option<&Sent> {
        self.sent.get(&token)
    }

    /// No response to this request will come any more.
    pub(crate) fn settled(&mut self, token: u64) {
        let Some(sent) = self.sent.remove(&token) else { return };
        let leg = self.calls.get_mut(&sent.call).and_then(|entry| entry.legs.get_mut(&sent.leg));
        if let Some(leg) = leg {
            leg.tokens.retain(|known| *known != token);
            if leg.invite == Some(token) {
                leg.invite = None;
            }
        }
    }

    /// The INVITE of this leg that a CANCEL would be for.
    pub(crate) fn invite_of(&self, call: CallId, leg: LegId) -> Option<u64> {
        self.calls.get(&call)?.legs.get(&leg)?.invite
    }

    pub(crate) fn looks(&mut self, call: CallId, leg: LegId, look: LegLook) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.media.insert(leg, look);
        }
    }

    pub(crate) fn leg_ended(&mut self, call: CallId, leg: LegId) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.media.remove(&leg);
        }
        if let Some(state) = self.calls.get_mut(&call).and_then(|entry| entry.legs.remove(&leg)) {
            self.forget_leg(state);
        }
    }

    fn forget_leg(&mut self, leg: Leg) {
        if let Some(dialog) = leg.dialog {
            self.dialogs.remove(&dialog);
        }
        for token in leg.tokens {
            self.sent.remove(&token);
        }
    }

    /// The call is over: all that led to it goes.
    pub(crate) fn end(&mut self, call: CallId) -> bool {
        let Some(entry) = self.calls.remove(&call) else { return false };
        for leg in entry.legs.into_values() {
            self.forget_leg(leg);
        }
        for transaction in entry.invites {
            self.invites.remove(&transaction);
        }
        self.merged.remove(&entry.merged);
        if let Some(Load { calls, .. }) = self.per_shard.get_mut(entry.shard) {
            *calls = calls.saturating_sub(1);
        }
        if let Some(calls) = self.per_caller.get_mut(&entry.caller) {
            *calls -= 1;
            if *calls == 0 {
                self.per_caller.remove(&entry.caller);
            }
        }
        true
    }

    pub(crate) fn views(&self) -> Vec<CallView> {
        let view = |(id, entry): (&CallId, &Entry)| CallView {
            id: *id,
            from: entry.from.clone(),
            to: entry.to.clone(),
            state: if entry.answered.is_some() { CallState::Answered } else { CallState::Ringing },
            began: entry.began,
            answered: entry.answered,
            shard: entry.shard,
            legs: entry.legs.len(),
            media: entry.media.iter().map(|(leg, look)| (*leg, look.clone())).collect(),
        };
        self.calls.iter().map(view).collect()
    }

    /// Entries of every map, for the check that nothing stays behind.
    pub(crate) fn residue(&self) -> usize {
        self.calls.len()
            + self.dialogs.len()
            + self.merged.len()
            + self.invites.len()
            + self.sent.len()
            + self.per_caller.len()
            + self.per_shard.iter().map(|load| load.calls).sum::<usize>()
    }
}
