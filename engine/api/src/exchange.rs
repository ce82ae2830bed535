//! What this room asks of the exchange behind it, and the JSON shapes it shows.

use serde::{Deserialize, Serialize};
use std::{future::Future, pin::Pin};
use terms::{CallId, Gain, Name};

/// An answer that may take a moment (the exchange asks another thread).
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ExchangeFault>> + Send>>;

/// Why the exchange has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeFault {
    /// Starting, stopping or overloaded: told as 503.
    Unavailable(String),
    /// Failed: told as 500.
    Failed(String),
}

/// The exchange as HTTP sees it.
pub trait Exchange: Send + Sync + 'static {
    /// Every connection, by name.
    fn connections(&self) -> Answer<Vec<ConnectionView>>;
    /// One connection.
    fn connection(&self, name: Name) -> Answer<Option<ConnectionView>>;
    /// Calls under way, oldest first.
    fn calls(&self) -> Answer<Vec<CallView>>;
    /// One call under way.
    fn call(&self, id: CallId) -> Answer<Option<CallView>>;
    /// Ends a call; false when there is none.
    fn hang_up(&self, id: CallId) -> Answer<bool>;
    /// Conferences with somebody in them.
    fn conferences(&self) -> Answer<Vec<ConferenceView>>;
    /// Changes how a call in a conference is heard, and hears.
    fn tune(&self, id: CallId, tuning: Tuning) -> Answer<Tuned>;
    /// Queues with somebody in them, on either side.
    fn queues(&self) -> Answer<Vec<QueueView>>;
    /// The flows in use.
    fn flows(&self) -> Answer<FlowsView>;
    /// Reads all files again; a bad set is refused and the old one stays.
    fn reload(&self) -> Answer<Reloaded>;
    /// Takes an earlier version of the flows into use again: its texts as the store has them. It holds until flow files change.
    fn use_flows(&self, texts: String) -> Answer<Used>;
    /// Whether calls are taken.
    fn readiness(&self) -> Readiness;
}

/// Whether calls are taken, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// No: starting, draining, a listener is down.
    NotReady(String),
}

/// A connection and where it can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionView {
    /// Realm.
    pub realm: Name,
    /// Name.
    pub name: Name,
    /// `device`, `virtual`, …
    pub kind: String,
    /// Whether a call to it would find somebody or something.
    pub online: bool,
    /// Registered contacts.
    pub contacts: Vec<ContactView>,
}

/// A registered contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContactView {
    /// Contact address.
    pub uri: String,
    /// What it says it is (User-Agent).
    pub agent: Option<String>,
    /// Address it registers from, `ip:port`.
    pub source: String,
    /// `udp`, `tcp`, …
    pub transport: String,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
    /// Until when, RFC 3339 in UTC.
    pub expires: String,
}

/// A call under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallView {
    /// Id.
    pub id: CallId,
    /// Realm.
    pub realm: Name,
    /// Who calls.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// `ringing`, `answered`, `bridged`, `ending`, …
    pub state: String,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
    /// The flow it runs, and its version.
    pub flow: Option<String>,
    /// The state of the flow it is in.
    pub step: Option<String>,
    /// Its legs.
    pub legs: Vec<LegView>,
    /// Its timeline so far: one line a decision; may be empty in a list.
    pub timeline: Vec<String>,
}

/// A leg of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegView {
    /// Number within the call; 0 is the caller.
    pub id: u16,
    /// Address of the other end.
    pub peer: String,
    /// State.
    pub state: String,
    /// Codec, once agreed.
    pub codec: Option<String>,
    /// Suite of protected media (SRTP); `null`: plain RTP.
    pub protection: Option<String>,
    /// How it sounded when that last changed by half a point (mean opinion score, 1–4.41).
    pub mos: Option<f32>,
    /// Why one side hears nothing, in words.
    pub one_way: Option<String>,
}

/// A conference with somebody in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConferenceView {
    /// Realm.
    pub realm: Name,
    /// The name of its room.
    pub room: Name,
    /// Whether a host is or was there; until then some may wait for one.
    pub opened: bool,
    /// Who is in it.
    pub people: Vec<PersonView>,
}

/// Somebody in a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonView {
    /// Its call, as in `/v1/calls/ID`.
    pub call: CallId,
    /// A host.
    pub host: bool,
    /// Waits for the first host.
    pub waits: bool,
    /// Nobody hears it.
    pub muted: bool,
    /// By how many decibels the others hear it louder, −60 (not at all) to 12.
    pub talk_gain: Gain,
    /// By how many decibels it hears the room louder.
    pub hear_gain: Gain,
    /// Others whom it hears at gains of their own, which come on top.
    pub hears: Vec<PairGain>,
}

/// How loud somebody in a conference hears one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairGain {
    /// The call of the other.
    pub call: CallId,
    /// By how many decibels louder, −60 (not at all) to 12.
    pub gain: Gain,
}

/// What is to be another way for somebody in a conference; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Nobody hears it.
    pub muted: Option<bool>,
    /// By how many decibels the others hear it louder.
    pub talk_gain: Option<Gain>,
    /// By how many decibels it hears the room louder.
    pub hear_gain: Option<Gain>,
    /// How loud it hears some of the others.
    #[serde(default)]
    pub hears: Vec<PairGain>,
}

/// What became of a [`Tuning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuned {
    /// It is done within the next frames.
    Done,
    /// There is no such call in a conference.
    NotInside,
    /// This other call is not in the same conference; nothing changed.
    Stranger(CallId),
}

/// A queue with somebody in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueView {
    /// Realm.
    pub realm: Name,
    /// Name.
    pub queue: Name,
    /// Who waits, the next one first.
    pub callers: Vec<WaitingView>,
    /// Calls that take its callers and have none now.
    pub takers: Vec<CallId>,
}

/// A caller who waits in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// Its call.
    pub call: CallId,
    /// The caller in words.
    pub who: String,
    /// Higher ones are served before.
    pub priority: u32,
    /// Agents rung for it now, such as `connection/bob`.
    pub ringing: Vec<String>,
    /// Somebody takes it at this moment.
    pub taken: bool,
}

/// The flows in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowsView {
    /// Version of the whole set; calls keep the version they began with.
    pub version: u64,
    /// Its content hash.
    pub hash: String,
    /// When it was loaded, RFC 3339 in UTC.
    pub loaded_at: String,
    /// It is a roll-back: by whom, and what the files have that stays unused until they change.
    pub held: Option<String>,
    /// Why the newest files were refused, if they were; the set in use is older then.
    pub last_fault: Option<String>,
    /// The flows.
    pub flows: Vec<FlowView>,
}

/// One flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowView {
    /// Name.
    pub name: String,
    /// File it was read from, relative to its folder.
    pub file: String,
}

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The new set is in use.
    Accepted {
        /// Its version.
        version: u64,
    },
    /// The new set is refused; the old one stays.
    Refused {
        /// Every fault, as `callflow check` prints it.
        faults: String,
    },
}

/// What became of an earlier version of the flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// It is in use.
    Accepted {
        /// Its number.
        version: u64,
    },
    /// It was in use already.
    AlreadyInUse,
    /// With the configuration of today it has faults; nothing changed.
    Refused {
        /// Every fault, as `callflow check` prints it.
        faults: String,
    },
}
